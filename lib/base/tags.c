/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/tags.h"

#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sigillo/limits.h"

/* One "name=value" as it stands between two semicolons. */
struct spec {
    sgl_view text; /* trimmed */
    size_t off;
    sgl_view input;
    unsigned flags;
};

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static enum sgl_status refuse(const struct spec *spec, struct sgl_diag *diag, const char *what,
                              size_t off)
{
    sgl_diag_set(diag, what, "RFC 6376 s3.2", spec->input, spec->off + off);
    return SGL_E_SYNTAX;
}

/* ALPHA *ALNUMPUNC; ALNUMPUNC is a letter, a digit or "_". */
static bool name_ok(sgl_view name)
{
    if (name.len == 0 || !sgl_ascii_is_alpha(name.ptr[0]))
        return false;
    for (size_t i = 1; i < name.len; i++) {
        if (!sgl_ascii_is_alnum(name.ptr[i]) && name.ptr[i] != '_')
            return false;
    }
    return true;
}

/* What a byte is in a value: 0 VALCHAR, 1 a blank, 2 above 127, 3 never allowed. */
enum { CHAR, BLANK, HIGH, NEVER };

static inline unsigned class_of(uint8_t c)
{
    if (c > 0x20 && c < 0x7f)
        return CHAR;
    return is_space(c) ? BLANK : c > 0x7f ? HIGH : NEVER;
}

/* All eight bytes are 0x20 to 0x7e: none borrows when 0x20 is taken away, none is 0x7f, none is above.  It may say no too often, never yes. */
static inline bool printable_word(uint64_t word)
{
    const uint64_t ones = UINT64_MAX / 255;

    return ((word | (word - ones * 0x20) | ((word ^ ones * 0x7f) - ones)) & (ones * 0x80)) == 0;
}

/* VALCHAR is %x21-3A and %x3C-7E; blanks and folds may stand between. */
static size_t first_bad(sgl_view value, unsigned flags)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned class;

        for (uint64_t word; value.len - i >= sizeof word; i += sizeof word) {
            memcpy(&word, value.ptr + i, sizeof word);
            if (!printable_word(word))
                break;
        }
        if (i == value.len)
            break;
        class = class_of(value.ptr[i]);
        if (class == NEVER || (class == HIGH && (flags & SGL_TAGS_UTF8) == 0))
            return i;
    }
    return value.len;
}

static enum sgl_status read_spec(const struct spec *spec, struct sgl_tag *out,
                                 struct sgl_diag *diag)
{
    size_t equals = sgl_view_find(spec->text, '='), bad;
    struct sgl_tag tag = {.name = sgl_view_trim(sgl_view_sub(spec->text, 0, equals)),
                          .value = sgl_view_trim(sgl_view_from(spec->text, equals + 1)),
                          .off = spec->off};

    if (spec->text.len == 0)
        return refuse(spec, diag, "a tag is missing between two semicolons", 0);
    if (equals == spec->text.len)
        return refuse(spec, diag, "tag without \"=\"", 0);
    if (!name_ok(tag.name))
        return refuse(spec, diag, "not a tag name", 0);
    bad = first_bad(tag.value, spec->flags);
    if (bad < tag.value.len)
        return refuse(spec, diag, "a character that no tag value may hold",
                      (size_t)(tag.value.ptr + bad - spec->text.ptr));
    *out = tag;
    return SGL_OK;
}

static size_t count_specs(sgl_view text)
{
    size_t n = 1;

    for (size_t at = sgl_view_find(text, ';'); at < text.len; n++) {
        text = sgl_view_from(text, at + 1);
        at = sgl_view_find(text, ';');
    }
    return n;
}

enum sgl_status sgl_tags_parse(sgl_view text, unsigned flags, struct sgl_arena *arena,
                               struct sgl_tags *out, struct sgl_diag *diag)
{
    size_t room = count_specs(text);
    sgl_view rest = text;
    struct sgl_tag *tag;
    struct sgl_tags found = {NULL, 0};

    if (room > SGL_LIMIT_TAGS + 1) {
        sgl_diag_set(diag, "too many tags", NULL, text, 0);
        return SGL_E_LIMIT;
    }
    tag = SGL_NEW_N(arena, room, struct sgl_tag);
    if (tag == NULL)
        return arena->status;
    do {
        sgl_view raw = sgl_view_split(rest, ';', &rest);
        struct spec spec = {sgl_view_trim(raw), 0, text, flags};
        enum sgl_status status;

        if (spec.text.len == 0 && rest.ptr == NULL && found.count > 0)
            break; /* behind the last semicolon nothing has to follow */
        spec.off = spec.text.ptr == NULL ? text.len : (size_t)(spec.text.ptr - text.ptr);
        status = read_spec(&spec, &tag[found.count], diag);
        if (status != SGL_OK && (flags & SGL_TAGS_SKIP_BAD) == 0)
            return status;
        if (status != SGL_OK)
            continue;
        found.tag = tag;
        if (sgl_tags_find(&found, tag[found.count].name) != NULL)
            return refuse(&spec, diag, "a tag stands twice", 0);
        found.count++;
    } while (rest.ptr != NULL);
    if (found.count == 0) {
        sgl_diag_set(diag, "no tag at all", "RFC 6376 s3.2", text, 0);
        return SGL_E_SYNTAX;
    }
    found.tag = tag;
    *out = found;
    return SGL_OK;
}

const struct sgl_tag *sgl_tags_find(const struct sgl_tags *tags, sgl_view name)
{
    for (size_t i = 0; i < tags->count; i++) {
        if (sgl_view_eq(tags->tag[i].name, name))
            return &tags->tag[i];
    }
    return NULL;
}

/* How many bytes from `at` on hold no blank. */
static size_t run_length(sgl_view value, size_t at)
{
    size_t end = at;

    while (end < value.len && (value.ptr[end] > ' ' || !is_space(value.ptr[end])))
        end++;
    return end - at;
}

enum sgl_status sgl_tag_squeeze(sgl_view value, struct sgl_arena *arena, sgl_view *out)
{
    size_t kept = run_length(value, 0), at = kept;
    uint8_t *copy;

    if (kept == value.len) {
        *out = value;
        return SGL_OK;
    }
    copy = sgl_arena_alloc(arena, value.len);
    if (copy == NULL)
        return arena->status;
    if (kept > 0)
        memcpy(copy, value.ptr, kept);
    while (at < value.len) {
        size_t run = run_length(value, at);

        if (run > 0)
            memcpy(copy + kept, value.ptr + at, run);
        kept += run;
        at += run + 1; /* the blank that ended it */
    }
    *out = sgl_view_of(copy, kept);
    return SGL_OK;
}
