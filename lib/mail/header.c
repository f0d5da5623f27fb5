/* SPDX-License-Identifier: Apache-2.0 */
#include "header_internal.h"

#include "sigillo/ascii.h"
#include "sigillo/limits.h"

#include "sigillo/banned.h"

/* What one line of the section is made of. */
struct line {
    size_t off, len; /* without its line end */
    size_t next;     /* where the following line begins */
    bool ended, lf_only, eightbit;
};

struct scan {
    sgl_view in;
    enum sgl_headers_rules rules;
    struct sgl_arena *arena;
    struct sgl_header_fault *fault;
    struct sgl_headers h;
    size_t cap;
};

static enum sgl_status refuse(struct scan *s, enum sgl_message_fault code, const char *what,
                              const char *rule, size_t off)
{
    s->fault->code = code;
    s->fault->what = what;
    s->fault->rule = rule;
    s->fault->off = off;
    return code == SGL_MESSAGE_LINE_TOO_LONG || code == SGL_MESSAGE_HEADER_TOO_LARGE ||
                   code == SGL_MESSAGE_TOO_MANY_FIELDS
               ? SGL_E_LIMIT
               : SGL_E_SYNTAX;
}

#define ONES (UINT64_MAX / 255)
#define TOPS (ONES * 0x80)

/* A byte of the word is zero: it borrows from its top bit. */
static inline uint64_t zero_in(uint64_t word)
{
    return (word - ONES) & ~word & TOPS;
}

/* Bytes that may not stand in a line of what we accept; also notes 8-bit ones. */
static enum sgl_status check_line(struct scan *s, struct line *line)
{
    const uint8_t *p = s->in.ptr + line->off;
    uint64_t any = 0, found = 0;
    bool odd;
    size_t at = 0;

    for (uint64_t word; line->len - at >= sizeof word; at += sizeof word) {
        memcpy(&word, p + at, sizeof word);
        any |= word;
        found |= zero_in(word) | zero_in(word ^ ONES * '\r');
    }
    odd = found != 0;
    any &= TOPS;
    for (; at < line->len; at++) {
        any |= p[at] & 0x80u;
        odd |= p[at] == '\0' || p[at] == '\r';
    }
    line->eightbit = any != 0;
    if (s->rules == SGL_HEADERS_TOLERANT || !odd)
        return SGL_OK;
    for (size_t i = 0;; i++) {
        if (p[i] == '\0')
            return refuse(s, SGL_MESSAGE_NUL, "header holds a NUL", "RFC 5322 s3.6.8",
                          line->off + i);
        if (p[i] == '\r')
            return refuse(s, SGL_MESSAGE_BARE_CR, "header holds a CR without LF", "RFC 5322 s2.2",
                          line->off + i);
    }
}

/* The line at `off`. */
static enum sgl_status next_line(struct scan *s, size_t off, struct line *line)
{
    const uint8_t *start = s->in.ptr + off;
    size_t left = s->in.len - off;
    size_t room = SGL_LIMIT_HEADER_SIZE + 3u > off ? SGL_LIMIT_HEADER_SIZE + 3u - off : 1;
    size_t looked = left < room ? left : room;
    const uint8_t *lf = memchr(start, '\n', looked);

    *line = (struct line){.off = off, .ended = lf != NULL};
    if (lf == NULL) {
        line->len = looked;
        line->next = s->in.len;
        if (s->rules == SGL_HEADERS_STRICT && looked > SGL_LIMIT_LINE)
            return refuse(s, SGL_MESSAGE_LINE_TOO_LONG, "header line is longer than 998 bytes",
                          "RFC 5322 s2.1.1", off);
        if (looked < left)
            return refuse(s, SGL_MESSAGE_HEADER_TOO_LARGE, "header is too large", NULL, off);
        SGL_TRY(check_line(s, line));
        if (s->rules == SGL_HEADERS_STRICT)
            return refuse(s, SGL_MESSAGE_NOT_ENDED, "the last header line has no CRLF",
                          "RFC 5322 s2.2", s->in.len);
        return SGL_OK;
    }
    line->len = (size_t)(lf - start);
    line->next = off + line->len + 1;
    line->lf_only = line->len == 0 || lf[-1] != '\r';
    if (!line->lf_only)
        line->len--;
    if (s->rules == SGL_HEADERS_STRICT && line->len > SGL_LIMIT_LINE)
        return refuse(s, SGL_MESSAGE_LINE_TOO_LONG, "header line is longer than 998 bytes",
                      "RFC 5322 s2.1.1", off);
    SGL_TRY(check_line(s, line));
    if (s->rules == SGL_HEADERS_STRICT && line->lf_only)
        return refuse(s, SGL_MESSAGE_BARE_LF, "header holds an LF without CR", "RFC 5322 s2.2",
                      off + line->len);
    return SGL_OK;
}

static enum sgl_status add_field(struct scan *s, const struct sgl_header *field)
{
    if (s->h.count == SGL_LIMIT_HEADER_FIELDS)
        return refuse(s, SGL_MESSAGE_TOO_MANY_FIELDS, "too many header fields", NULL,
                      (size_t)(field->raw.ptr - s->in.ptr));
    if (s->h.count == s->cap) {
        size_t cap = s->cap == 0 ? 24 : s->cap * 2;
        struct sgl_header *grown = SGL_NEW_N(s->arena, cap, struct sgl_header);

        if (grown == NULL)
            return s->arena->status;
        if (s->h.count > 0)
            memcpy(grown, s->h.field, s->h.count * sizeof *grown);
        s->h.field = grown;
        s->cap = cap;
    }
    s->h.field[s->h.count++] = *field;
    return SGL_OK;
}

/* The last field goes on with this line. */
static void extend_field(struct scan *s, const struct line *line)
{
    struct sgl_header *f = &s->h.field[s->h.count - 1];

    f->raw.len = line->next - (size_t)(f->raw.ptr - s->in.ptr);
    f->value.len = line->off + line->len - (size_t)(f->value.ptr - s->in.ptr);
}

static bool name_is_visible(sgl_view name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!sgl_ascii_is_visible(name.ptr[i]) || name.ptr[i] == ':')
            return false;
    return name.len > 0;
}

/* What we write fits a line of 78; of others a name of any length is one: who reads the message after us goes on behind it, too. */
static bool name_ok(const struct scan *s, sgl_view name)
{
    return s->rules == SGL_HEADERS_TOLERANT ? name_is_visible(name) : sgl_header_name_ok(name);
}

/* Reads a line that begins a field. *is_field false: tolerant, and it is none. */
static enum sgl_status begin_field(struct scan *s, const struct line *line, bool *is_field)
{
    sgl_view text = sgl_view_sub(s->in, line->off, line->len);
    size_t colon = sgl_view_find(text, ':');
    sgl_view name = sgl_view_sub(text, 0, colon);
    struct sgl_header field;

    *is_field = true;
    if (s->rules == SGL_HEADERS_TOLERANT)
        while (name.len > 0 && sgl_ascii_is_wsp(name.ptr[name.len - 1]))
            name.len--;
    if (colon == text.len || !name_ok(s, name)) {
        *is_field = false;
        if (s->rules == SGL_HEADERS_TOLERANT)
            return SGL_OK;
        return refuse(s, SGL_MESSAGE_BAD_FIELD,
                      colon == text.len ? "header line has no colon"
                                        : "header field name is not valid",
                      "RFC 5322 s2.2", line->off);
    }
    field.raw = sgl_view_sub(s->in, line->off, line->next - line->off);
    field.name = name;
    field.value = sgl_view_from(text, colon + 1);
    return add_field(s, &field);
}

static enum sgl_status take_line(struct scan *s, const struct line *line, bool *stop)
{
    bool is_field = true;

    if (line->len > 0 && sgl_ascii_is_wsp(s->in.ptr[line->off])) {
        if (s->h.count > 0)
            extend_field(s, line);
        else if (s->rules == SGL_HEADERS_STRICT)
            return refuse(s, SGL_MESSAGE_BAD_FIELD, "the first header line is a continuation",
                          "RFC 5322 s2.2.3", line->off);
        else
            is_field = false;
    } else {
        SGL_TRY(begin_field(s, line, &is_field));
    }
    *stop = !is_field;
    return SGL_OK;
}

/* An mbox's "From " line stands before the message; "From : a@b.test" is the field, with the blanks that RFC 5322 s4.5.2 once allowed. */
static bool is_mbox_line(sgl_view in)
{
    return sgl_view_starts(in, SGL_LIT("From ")) &&
           !sgl_view_starts(sgl_view_trim(sgl_view_from(in, 5)), SGL_LIT(":"));
}

static enum sgl_status scan_section(struct scan *s)
{
    size_t off = 0;

    if (s->rules == SGL_HEADERS_TOLERANT && is_mbox_line(s->in)) {
        off = sgl_view_find(s->in, '\n');
        off += off < s->in.len;
    }
    s->h.section = sgl_view_sub(s->in, off, 0);
    s->h.body_off = s->in.len;
    while (off < s->in.len) {
        struct line line;
        bool stop = false;

        SGL_TRY(next_line(s, off, &line));
        if (line.len == 0 && line.ended) {
            s->h.has_separator = true;
            s->h.body_off = line.next;
            s->h.bare_lf |= line.lf_only;
            break;
        }
        SGL_TRY(take_line(s, &line, &stop));
        if (stop) {
            s->h.body_off = off;
            break;
        }
        if (line.next > SGL_LIMIT_HEADER_SIZE)
            return refuse(s, SGL_MESSAGE_HEADER_TOO_LARGE, "header is too large", NULL, off);
        s->h.bare_lf |= line.ended && line.lf_only;
        s->h.eightbit |= line.eightbit;
        off = line.next;
        s->h.section.len = off - (size_t)(s->h.section.ptr - s->in.ptr);
    }
    return SGL_OK;
}

enum sgl_status sgl_headers_scan(sgl_view message, enum sgl_headers_rules rules,
                                 struct sgl_arena *arena, struct sgl_headers *out,
                                 struct sgl_header_fault *fault)
{
    struct scan s = {.in = message, .rules = rules, .arena = arena, .fault = fault};
    enum sgl_status status;

    *fault = (struct sgl_header_fault){.code = SGL_MESSAGE_FINE};
    status = scan_section(&s);
    if (status != SGL_OK) {
        if (s.h.count > 0)
            fault->name = s.h.field[s.h.count - 1].name;
        return status;
    }
    *out = s.h;
    return SGL_OK;
}

enum sgl_status sgl_headers_parse(sgl_view message, enum sgl_headers_rules rules,
                                  struct sgl_arena *arena, struct sgl_headers *out,
                                  struct sgl_diag *diag)
{
    struct sgl_header_fault fault;
    enum sgl_status status = sgl_headers_scan(message, rules, arena, out, &fault);

    if (status != SGL_OK && fault.what != NULL)
        sgl_diag_set(diag, fault.what, fault.rule, message, fault.off);
    return status;
}

const struct sgl_header *sgl_headers_next(const struct sgl_headers *h, sgl_view name,
                                          const struct sgl_header *after)
{
    size_t i = after == NULL ? 0 : (size_t)(after - h->field) + 1;

    for (; i < h->count; i++)
        if (sgl_view_eq_nocase(h->field[i].name, name))
            return &h->field[i];
    return NULL;
}

const struct sgl_header *sgl_headers_first(const struct sgl_headers *h, sgl_view name)
{
    return sgl_headers_next(h, name, NULL);
}

const struct sgl_header *sgl_headers_last(const struct sgl_headers *h, sgl_view name)
{
    for (size_t i = h->count; i > 0; i--)
        if (sgl_view_eq_nocase(h->field[i - 1].name, name))
            return &h->field[i - 1];
    return NULL;
}

size_t sgl_headers_count(const struct sgl_headers *h, sgl_view name)
{
    size_t n = 0;

    for (size_t i = 0; i < h->count; i++)
        n += sgl_view_eq_nocase(h->field[i].name, name);
    return n;
}

enum sgl_status sgl_header_unfold(sgl_view value, struct sgl_arena *arena, sgl_view *out)
{
    size_t n = 0;
    uint8_t *bytes;

    if (sgl_view_find(value, '\n') == value.len && sgl_view_find(value, '\r') == value.len) {
        *out = sgl_view_trim(value);
        return SGL_OK;
    }
    bytes = sgl_arena_alloc(arena, value.len);
    if (bytes == NULL)
        return arena->status;
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] != '\r' && value.ptr[i] != '\n')
            bytes[n++] = value.ptr[i];
    *out = sgl_view_trim(sgl_view_of(bytes, n));
    return SGL_OK;
}

bool sgl_header_name_ok(sgl_view name)
{
    return name.len <= SGL_LIMIT_FIELD_NAME && name_is_visible(name);
}
