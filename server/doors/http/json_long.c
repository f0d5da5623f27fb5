/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON whose long strings are not copied.
 *
 * A walk through the text finds them where they are wanted, and checks them as the reader would.  The reader gets the text without them: in the place of each stands a reference, a
 * string that begins with a NUL and says where the bytes are.  No string of a request can begin so: a NUL is refused in all of them, and where one is met nothing is referred to.
 * What has escapes is written anew, in its own place, once the whole has been read.
 */
#include "http_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/utf8.h"

#define LONG_STRINGS_MAX 128
#define HEX_LEN          16
#define REFERENCE_LEN    (1 + 2 * HEX_LEN)       /* the NUL, address, length */
#define REFERENCE_TEXT   (2 + 5 + REFERENCE_LEN) /* with its quotes, the NUL as an escape */

struct long_string {
    size_t off, len; /* within its quotes, as it stands in the text */
    size_t plain;    /* bytes of what it stands for */
};
struct long_text {
    sgl_view text;
    struct long_string string[LONG_STRINGS_MAX];
    size_t count;
};

/* ---- one string ---- */

static bool take_hex(sgl_view v, size_t at, uint32_t *out)
{
    uint32_t code = 0;

    if (v.len - at < 4)
        return false;
    for (size_t i = at; i < at + 4; i++) {
        int digit = sgl_ascii_hex_value(v.ptr[i]);

        if (digit < 0)
            return false;
        code = code << 4 | (uint32_t)digit;
    }
    *out = code;
    return true;
}

static size_t put_utf8(uint32_t c, uint8_t out[4])
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = n; i > 1; c >>= 6)
        out[--i] = (uint8_t)(0x80 | (c & 0x3f));
    out[0] = (uint8_t)(lead[n] | c);
    return n;
}

/* "\uD83D\uDE00" is one character [RFC 8259 s7]; half of one is none, and U+0000 is refused.  How many bytes of v; 0: it is wrong. */
static size_t read_code(sgl_view v, size_t at, uint8_t out[4], size_t *n)
{
    uint32_t code, low;

    if (!take_hex(v, at + 2, &code) || code == 0 || (code >= 0xdc00 && code <= 0xdfff))
        return 0;
    if (code < 0xd800 || code > 0xdfff) {
        *n = put_utf8(code, out);
        return 6;
    }
    if (v.len - at < 12 || v.ptr[at + 6] != '\\' || v.ptr[at + 7] != 'u' ||
        !take_hex(v, at + 8, &low) || low < 0xdc00 || low > 0xdfff)
        return 0;
    *n = put_utf8(0x10000 + ((code & 0x3ff) << 10 | (low & 0x3ff)), out);
    return 12;
}

/* The escape that begins at v.ptr[at]: the bytes it stands for.  How many bytes of v; 0: it is none. */
static size_t read_escape(sgl_view v, size_t at, uint8_t out[4], size_t *n)
{
    static const char escaped[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *found;

    if (v.len - at < 2)
        return 0;
    if (v.ptr[at + 1] == 'u')
        return v.len - at < 6 ? 0 : read_code(v, at, out, n);
    found = v.ptr[at + 1] == '\0' ? NULL : strchr(escaped, v.ptr[at + 1]);
    if (found == NULL)
        return 0;
    out[0] = (uint8_t)meant[found - escaped];
    *n = 1;
    return 2;
}

/* Bytes from `at` on that stand for themselves and are ASCII. */
static size_t plain_run(sgl_view v, size_t at)
{
    size_t i = at;

    while (i < v.len && v.ptr[i] >= 0x20 && v.ptr[i] < 0x80 && v.ptr[i] != '\\')
        i++;
    return i - at;
}

/* A good string, and what it stands for; `to` may be the string itself, or NULL. */
static bool read_string(sgl_view v, uint8_t *to, size_t *plain)
{
    size_t at = 0, len = 0;

    while (at < v.len) {
        size_t n = plain_run(v, at), used = n;
        uint8_t bytes[4];
        uint32_t code;

        if (n > 0) {
            if (to != NULL)
                memmove(to + len, v.ptr + at, n);
        } else {
            used = v.ptr[at] == '\\' ? read_escape(v, at, bytes, &n) : sgl_utf8_next(v, at, &code);
            if (used == 0 || v.ptr[at] < 0x20)
                return false;
            if (v.ptr[at] != '\\')
                memcpy(bytes, v.ptr + at, n = used);
            if (to != NULL)
                memcpy(to + len, bytes, n);
        }
        at += used;
        len += n;
    }
    *plain = len;
    return true;
}

/* ---- the walk ---- */

static bool is_key(const struct http_json_place *p)
{
    const struct http_json_level *l = p->depth == 0 ? NULL : &p->level[p->depth - 1];

    return l != NULL && !l->array && l->key_is_next;
}

static bool is_at(const struct http_json_place *p, const char *path)
{
    sgl_view rest = sgl_view_cstr(path);

    for (size_t i = 0; i < p->depth; i++) {
        const struct http_json_level *l = &p->level[i];
        sgl_view step = sgl_view_split(rest, '.', &rest);

        if (l->array != sgl_view_eq(step, SGL_LIT("*")) ||
            (!l->array && !sgl_view_eq(step, l->key)))
            return false;
    }
    return rest.ptr == NULL;
}

static bool is_wanted(const struct http_json_place *p, const char *const *paths)
{
    for (; *paths != NULL; paths++)
        if (is_at(p, *paths))
            return true;
    return false;
}

/* A string that the reader gets. */
static bool has_nul(sgl_view v)
{
    size_t at = sgl_view_find_view(v, SGL_LIT("\\u0000"));

    return at < v.len;
}

static void note(struct long_text *t, size_t off, size_t len)
{
    struct long_string *s = &t->string[t->count];

    *s = (struct long_string){.off = off, .len = len};
    t->count += read_string(sgl_view_sub(t->text, off, len), NULL, &s->plain);
}

/* The value or key that begins at the quote: what stands behind it; 0: nothing shall be referred to. */
static size_t take_string(struct long_text *t, struct http_json_place *p, size_t begin,
                          const char *const *paths)
{
    bool key = is_key(p);
    size_t end = http_json_skip_string(p, t->text, begin), count = t->count, len;

    if (end > t->text.len)
        return 0;
    len = end - begin - 2;
    if (!key && len >= HTTP_JSON_LONG && count < LONG_STRINGS_MAX && is_wanted(p, paths))
        note(t, begin + 1, len);
    return t->count == count && has_nul(sgl_view_sub(t->text, begin + 1, len)) ? 0 : end;
}

static void find(struct long_text *t, const char *const *paths)
{
    struct http_json_place p = {.depth = 0};
    size_t i = 0;

    while (i < t->text.len) {
        if (t->text.ptr[i] != '"') {
            if (http_json_skip_mark(&p, t->text.ptr[i++]))
                continue;
            t->count = 0;
            return;
        }
        i = take_string(t, &p, i, paths);
        if (i == 0) {
            t->count = 0;
            return;
        }
    }
}

/* ---- references ---- */

static void put_reference(struct sgl_buf *out, sgl_view to)
{
    sgl_buf_addf(out, "\"\\u0000%016llx%016llx\"", (unsigned long long)(uintptr_t)to.ptr,
                 (unsigned long long)to.len);
}

static uint64_t read_number(const uint8_t *hex)
{
    uint64_t n = 0;

    for (size_t i = 0; i < HEX_LEN; i++)
        n = n << 4 | (uint64_t)sgl_ascii_hex_value(hex[i]);
    return n;
}

sgl_view http_json_view(const json_t *string)
{
    sgl_view v = sgl_view_of(json_string_value(string), json_string_length(string));

    if (v.len != REFERENCE_LEN || v.ptr[0] != '\0')
        return v;
    return sgl_view_of((const void *)(uintptr_t)read_number(v.ptr + 1),
                       (size_t)read_number(v.ptr + 1 + HEX_LEN));
}

/* The text that the reader gets. */
static bool shorten(const struct long_text *t, struct sgl_buf *out)
{
    size_t from = 0;

    for (size_t i = 0; i < t->count; i++) {
        const struct long_string *s = &t->string[i];

        sgl_buf_add(out, sgl_view_sub(t->text, from, s->off - 1 - from));
        put_reference(out, sgl_view_of(t->text.ptr + s->off, s->plain));
        from = s->off + s->len + 1;
    }
    sgl_buf_add(out, sgl_view_from(t->text, from));
    return out->status == SGL_OK;
}

/* Where the reader stopped, in the text as it came. */
static void put_right(const struct long_text *t, json_error_t *error)
{
    size_t at = error->position < 0 ? 0 : (size_t)error->position, column = 0;

    for (size_t i = 0; i < t->count; i++)
        if (at > t->string[i].off)
            at += t->string[i].len + 2 - REFERENCE_TEXT;
    error->position = (int)at;
    while (at > 0 && t->text.ptr[at - 1] != '\n')
        column += (t->text.ptr[--at] & 0xc0) != 0x80;
    error->column = (int)column;
}

static json_t *load_short(const struct long_text *t, uint8_t *text, json_error_t *error)
{
    struct sgl_buf shorter = SGL_BUF_INIT(t->text.len);
    json_t *json = NULL;
    size_t plain;

    memset(error, 0, sizeof(*error));
    error->text[JSON_ERROR_TEXT_LENGTH - 1] = json_error_out_of_memory; /* where it is kept */
    if (shorten(t, &shorter))
        json = json_loadb((const char *)shorter.data, shorter.len,
                          JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, error);
    if (json == NULL)
        put_right(t, error);
    for (size_t i = 0; json != NULL && i < t->count; i++)
        if (t->string[i].plain != t->string[i].len)
            (void)read_string(sgl_view_sub(t->text, t->string[i].off, t->string[i].len),
                              text + t->string[i].off, &plain);
    sgl_buf_done(&shorter);
    return json;
}

json_t *http_json_load(uint8_t *text, size_t len, const char *const *paths, json_error_t *error)
{
    struct long_text t = {.text = sgl_view_of(text, len)};

    /* A NUL is no JSON; and where one stands the reader loses count of where it is. */
    if (paths != NULL && len > HTTP_JSON_LONG && memchr(text, '\0', len) == NULL)
        find(&t, paths);
    if (t.count == 0)
        return json_loadb((const char *)text, len, JSON_REJECT_DUPLICATES, error);
    return load_short(&t, text, error);
}
