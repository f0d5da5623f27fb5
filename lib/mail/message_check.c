/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/message_check.h"

#include "header_internal.h"
#include "scan_internal.h"
#include "sigillo/limits.h"
#include "sigillo/utf8.h"

#include "sigillo/banned.h"

const char *sgl_message_fault_code(enum sgl_message_fault fault)
{
    switch (fault) {
    case SGL_MESSAGE_FINE:
        return "fine";
    case SGL_MESSAGE_BARE_CR:
        return "bare-cr";
    case SGL_MESSAGE_BARE_LF:
        return "bare-lf";
    case SGL_MESSAGE_NUL:
        return "nul";
    case SGL_MESSAGE_LINE_TOO_LONG:
        return "line-too-long";
    case SGL_MESSAGE_HEADER_TOO_LARGE:
        return "header-too-large";
    case SGL_MESSAGE_TOO_MANY_FIELDS:
        return "too-many-header-fields";
    case SGL_MESSAGE_BAD_FIELD:
        return "bad-header-field";
    case SGL_MESSAGE_NO_SEPARATOR:
        return "no-header-end";
    case SGL_MESSAGE_NO_FROM:
        return "no-from";
    case SGL_MESSAGE_MANY_FROM:
        return "many-from";
    case SGL_MESSAGE_REPEATED_FIELD:
        return "repeated-header-field";
    case SGL_MESSAGE_HEADER_NOT_UTF8:
        return "header-not-utf8";
    case SGL_MESSAGE_NOT_ENDED:
        return "no-final-line-end";
    }
    return "unknown";
}

const char *sgl_message_fault_text(enum sgl_message_fault fault)
{
    switch (fault) {
    case SGL_MESSAGE_FINE:
        return "the message is fine";
    case SGL_MESSAGE_BARE_CR:
        return "the message holds a CR without LF";
    case SGL_MESSAGE_BARE_LF:
        return "the message holds an LF without CR";
    case SGL_MESSAGE_NUL:
        return "the message holds a NUL byte";
    case SGL_MESSAGE_LINE_TOO_LONG:
        return "a line is longer than 998 bytes";
    case SGL_MESSAGE_HEADER_TOO_LARGE:
        return "the header is larger than 512 KiB";
    case SGL_MESSAGE_TOO_MANY_FIELDS:
        return "the header has more than 1000 fields";
    case SGL_MESSAGE_BAD_FIELD:
        return "a header line is neither a field nor the continuation of one";
    case SGL_MESSAGE_NO_SEPARATOR:
        return "no empty line ends the header";
    case SGL_MESSAGE_NO_FROM:
        return "the header has no From field";
    case SGL_MESSAGE_MANY_FROM:
        return "the header has more than one From field";
    case SGL_MESSAGE_REPEATED_FIELD:
        return "a header field that may stand once stands twice";
    case SGL_MESSAGE_HEADER_NOT_UTF8:
        return "a header field holds bytes that are not UTF-8";
    case SGL_MESSAGE_NOT_ENDED:
        return "the last line has no CRLF";
    }
    return "unknown fault";
}

static size_t count_lf(sgl_view v)
{
    size_t n = 0;

    for (size_t i = 0; i < v.len; i++)
        n += v.ptr[i] == '\n';
    return n;
}

static enum sgl_status found(sgl_view message, struct sgl_message_report *r,
                             enum sgl_message_fault fault, size_t off, sgl_view field)
{
    r->fault = fault;
    r->off = off;
    r->field = field;
    r->line = count_lf(sgl_view_sub(message, 0, off)) + 1;
    return SGL_OK;
}

/* ---- body: one pass, 64 bytes a step ---- */

struct body_scan {
    sgl_view in;
    size_t line_start; /* of the line being looked at */
    uint64_t carry_cr; /* the last byte of the step before was a CR */
    bool eightbit;
    enum sgl_message_fault fault;
    size_t off;
};

static size_t lowest(uint64_t mask)
{
    return (size_t)__builtin_ctzll(mask);
}

static size_t highest(uint64_t mask)
{
    return 63u - (size_t)__builtin_clzll(mask);
}

static void note(struct body_scan *b, enum sgl_message_fault fault, size_t off)
{
    if (b->fault == SGL_MESSAGE_FINE || off < b->off) {
        b->fault = fault;
        b->off = off;
    }
}

/*
 * A CR has to be followed by LF and an LF to follow a CR: moved by one, the two masks are equal. Lines can only pass
 * 998 where a step of 64 bytes has none or few line ends, so the first and the last LF of a step tell all.
 */
static bool step(struct body_scan *b, const uint8_t *p, size_t off)
{
    struct sgl_scan_masks m = sgl_scan_64(p);
    uint64_t after_cr = m.cr << 1 | b->carry_cr;

    b->eightbit |= m.eightbit;
    if (m.nul != 0)
        note(b, SGL_MESSAGE_NUL, off + lowest(m.nul));
    if (m.lf != after_cr) {
        uint64_t bare_lf = m.lf & ~after_cr, bare_cr = after_cr & ~m.lf;

        if (bare_lf != 0)
            note(b, SGL_MESSAGE_BARE_LF, off + lowest(bare_lf));
        if (bare_cr != 0)
            note(b, SGL_MESSAGE_BARE_CR, off + lowest(bare_cr) - 1);
    }
    if (m.lf != 0) {
        if (off + lowest(m.lf) - b->line_start > SGL_LIMIT_LINE + 1)
            note(b, SGL_MESSAGE_LINE_TOO_LONG, b->line_start);
        b->line_start = off + highest(m.lf) + 1;
    }
    b->carry_cr = m.cr >> 63;
    return b->fault == SGL_MESSAGE_FINE;
}

static void scan_body(struct body_scan *b)
{
    size_t off = b->line_start, whole = b->in.len - off;
    uint8_t last[64];

    for (; whole >= 64; off += 64, whole -= 64)
        if (!step(b, b->in.ptr + off, off))
            return;
    /* Blanks behind the end: a CR that is the last byte is followed by no LF. */
    memset(last, ' ', sizeof last);
    if (whole > 0)
        memcpy(last, b->in.ptr + off, whole);
    if (!step(b, last, off))
        return;
    if (b->in.len - b->line_start > SGL_LIMIT_LINE)
        note(b, SGL_MESSAGE_LINE_TOO_LONG, b->line_start);
    else if (b->line_start < b->in.len)
        note(b, SGL_MESSAGE_NOT_ENDED, b->in.len);
}

/* ---- header ---- */

/* Fields of which RFC 5322 s3.6 allows one. */
static int once_only(sgl_view name)
{
    static const sgl_view table[] = {
        SGL_LIT_INIT("From"),       SGL_LIT_INIT("Date"),       SGL_LIT_INIT("Sender"),
        SGL_LIT_INIT("Reply-To"),   SGL_LIT_INIT("To"),         SGL_LIT_INIT("Cc"),
        SGL_LIT_INIT("Bcc"),        SGL_LIT_INIT("Message-ID"), SGL_LIT_INIT("In-Reply-To"),
        SGL_LIT_INIT("References"), SGL_LIT_INIT("Subject"),
    };

    for (int i = 0; i < (int)(sizeof table / sizeof table[0]); i++)
        if (name.len == table[i].len && sgl_view_eq_nocase(name, table[i]))
            return i;
    return -1;
}

static enum sgl_status check_fields(sgl_view message, struct sgl_message_report *r)
{
    unsigned seen = 0;

    for (size_t i = 0; i < r->headers.count; i++) {
        const struct sgl_header *f = &r->headers.field[i];
        int which = once_only(f->name);
        size_t off = (size_t)(f->raw.ptr - message.ptr);

        if (r->header_utf8 && !sgl_utf8_valid(f->value))
            return found(message, r, SGL_MESSAGE_HEADER_NOT_UTF8, off, f->name);
        if (which < 0)
            continue;
        if ((seen & 1u << which) != 0)
            return found(message, r,
                         which == 0 ? SGL_MESSAGE_MANY_FROM : SGL_MESSAGE_REPEATED_FIELD, off,
                         f->name);
        seen |= 1u << which;
    }
    if ((seen & 1u) == 0)
        return found(message, r, SGL_MESSAGE_NO_FROM, 0, sgl_view_of(NULL, 0));
    return SGL_OK;
}

static enum sgl_status check_header(sgl_view message, struct sgl_arena *arena,
                                    struct sgl_message_report *r)
{
    struct sgl_header_fault fault;
    enum sgl_status status =
        sgl_headers_scan(message, SGL_HEADERS_STRICT, arena, &r->headers, &fault);

    r->in_header = true;
    if (status != SGL_OK && fault.code == SGL_MESSAGE_FINE)
        return status; /* the arena's */
    if (status != SGL_OK) {
        bool names = fault.code != SGL_MESSAGE_BAD_FIELD &&
                     fault.code != SGL_MESSAGE_TOO_MANY_FIELDS &&
                     fault.code != SGL_MESSAGE_HEADER_TOO_LARGE;
        size_t colon =
            names ? sgl_view_find(sgl_view_sub(message, fault.off, SGL_LIMIT_FIELD_NAME + 1), ':')
                  : 0;
        sgl_view name = sgl_view_sub(message, fault.off, colon);

        return found(message, r, fault.code, fault.off,
                     sgl_header_name_ok(name) ? name : sgl_view_of(NULL, 0));
    }
    r->header_utf8 = r->headers.eightbit;
    if (!r->headers.has_separator)
        return found(message, r, SGL_MESSAGE_NO_SEPARATOR, message.len, sgl_view_of(NULL, 0));
    return check_fields(message, r);
}

enum sgl_status sgl_message_check(sgl_view message, struct sgl_arena *arena,
                                  struct sgl_message_report *out)
{
    struct sgl_message_report r = {.fault = SGL_MESSAGE_FINE};
    struct body_scan b = {.in = message, .fault = SGL_MESSAGE_FINE};

    SGL_TRY(check_header(message, arena, &r));
    if (r.fault == SGL_MESSAGE_FINE) {
        r.in_header = false;
        b.line_start = r.headers.body_off;
        scan_body(&b);
        r.eightbit = b.eightbit;
        if (b.fault != SGL_MESSAGE_FINE)
            SGL_TRY(found(message, &r, b.fault, b.off, sgl_view_of(NULL, 0)));
    }
    *out = r;
    return SGL_OK;
}
