/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Macro strings  [RFC 7208 s7].  One reader takes them apart for the parser, which only checks, and for the expander, which only meets
 * what was checked.  Nothing here grows with the values, which a client chooses: of a name only its end can matter, of an explanation only
 * its start.
 */
#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sigillo/limits.h"
#include "spf_internal.h"

/* One piece of a macro string: a run of literals, or one "%" and what belongs to it. */
struct spf_piece {
    bool expand;    /* begins with "%" */
    uint8_t letter; /* "%{...}": lower case; 0: no macro */
    bool escape;    /* the letter is upper case: URL-escape what it stands for */
    bool reverse;
    uint8_t parts; /* right-most parts to keep; 0: all */
    sgl_view delimiter;
    sgl_view literal; /* without a letter: what to put */
};

/* ---- reading ------------------------------------------------------------------------------------------------------ */

static bool is_delimiter(uint8_t c)
{
    return c == '.' || c == '-' || c == '+' || c == ',' || c == '/' || c == '_' || c == '=';
}

/* c, r and t only have a meaning in explanations.  [RFC 7208 s7.2] */
static bool is_letter(uint8_t lower, enum spf_text use)
{
    switch (lower) {
    case 's':
    case 'l':
    case 'o':
    case 'd':
    case 'i':
    case 'p':
    case 'h':
    case 'v':
        return true;
    case 'c':
    case 'r':
    case 't':
        return use == SPF_EXPLANATION;
    default:
        return false;
    }
}

/* DIGITs at *off: 1 and up, clamped; false: they are a zero.  [RFC 7208 s7.3] */
static bool read_parts(sgl_view text, size_t *off, uint8_t *out)
{
    unsigned n = 0;
    size_t start = *off;

    for (; *off < text.len && sgl_ascii_is_digit(text.ptr[*off]); ++*off) {
        n = n * 10 + (unsigned)(text.ptr[*off] - '0');
        if (n > 255) /* no value has as many parts as a name can show */
            n = 255;
    }
    *out = (uint8_t)n;
    return n > 0 || *off == start;
}

/* "%{" macro-letter transformers *delimiter "}" */
static const char *read_braces(sgl_view *rest, enum spf_text use, struct spf_piece *out)
{
    sgl_view text = *rest;
    size_t off = 3, delimiters;

    if (text.len < 3 || !is_letter(sgl_ascii_lower(text.ptr[2]), use))
        return "macro with a letter that it can't have here";
    out->letter = sgl_ascii_lower(text.ptr[2]);
    out->escape = sgl_ascii_is_upper(text.ptr[2]);
    if (!read_parts(text, &off, &out->parts))
        return "macro that keeps zero parts";
    if (off < text.len && sgl_ascii_lower(text.ptr[off]) == 'r') {
        out->reverse = true;
        off++;
    }
    delimiters = off;
    while (off < text.len && is_delimiter(text.ptr[off]))
        off++;
    if (off == text.len || text.ptr[off] != '}')
        return "macro that does not end in \"}\"";
    out->delimiter = sgl_view_sub(text, delimiters, off - delimiters);
    *rest = sgl_view_from(text, off + 1);
    return NULL;
}

static const char *read_percent(sgl_view *rest, enum spf_text use, struct spf_piece *out)
{
    out->expand = true;
    switch (rest->len > 1 ? rest->ptr[1] : 0) {
    case '{':
        return read_braces(rest, use, out);
    case '%':
        out->literal = SGL_LIT("%");
        break;
    case '_':
        out->literal = SGL_LIT(" ");
        break;
    case '-':
        out->literal = SGL_LIT("%20");
        break;
    default:
        return "percent sign that begins no macro";
    }
    *rest = sgl_view_from(*rest, 2);
    return NULL;
}

/* The piece at *rest, which moves behind it. NULL, or what is wrong at the start of *rest. */
static const char *next_piece(sgl_view *rest, enum spf_text use, struct spf_piece *out)
{
    size_t len = 0;

    *out = (struct spf_piece){0};
    if (rest->ptr[0] == '%')
        return read_percent(rest, use, out);
    while (
        len < rest->len && rest->ptr[len] != '%' &&
        (sgl_ascii_is_visible(rest->ptr[len]) || (rest->ptr[len] == ' ' && use == SPF_EXPLANATION)))
        len++;
    if (len == 0)
        return "byte that is no visible character";
    out->literal = sgl_view_sub(*rest, 0, len);
    *rest = sgl_view_from(*rest, len);
    return NULL;
}

const char *sgl_spf_macro_fault(sgl_view text, enum spf_text use, size_t *off)
{
    sgl_view rest = text;

    while (rest.len > 0) {
        struct spf_piece piece;
        const char *fault = next_piece(&rest, use, &piece);

        *off = text.len - rest.len;
        if (fault != NULL)
            return fault;
    }
    return NULL;
}

/* Letters, digits and inner hyphens, not a number.  [RFC 7208 s7.1] */
static bool is_toplabel(sgl_view label)
{
    bool number = true;

    if (label.len == 0 || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++) {
        if (!sgl_ascii_is_alnum(label.ptr[i]) && label.ptr[i] != '-')
            return false;
        number = number && sgl_ascii_is_digit(label.ptr[i]);
    }
    return !number;
}

/* "." toplabel [ "." ] at the end of the literals that end a domain-spec. */
static bool ends_in_toplabel(sgl_view tail)
{
    size_t dot;

    if (tail.len > 0 && tail.ptr[tail.len - 1] == '.')
        tail.len--;
    dot = tail.len;
    while (dot > 0 && tail.ptr[dot - 1] != '.')
        dot--;
    return dot > 0 && is_toplabel(sgl_view_from(tail, dot));
}

const char *sgl_spf_domain_spec_fault(sgl_view text, size_t *off)
{
    struct spf_piece piece = {0};
    sgl_view rest = text;

    *off = 0;
    if (text.len == 0)
        return "domain is empty";
    while (rest.len > 0) {
        const char *fault = next_piece(&rest, SPF_TERM, &piece);

        *off = text.len - rest.len;
        if (fault != NULL)
            return fault;
    }
    if (piece.expand || ends_in_toplabel(piece.literal))
        return NULL;
    *off -= piece.literal.len;
    return "domain does not end in a top-level label or a macro";
}

uint32_t sgl_spf_macro_letters(sgl_view text)
{
    struct spf_piece piece;
    uint32_t letters = 0;

    if (sgl_view_find(text, '%') == text.len)
        return 0;
    while (text.len > 0 && next_piece(&text, SPF_EXPLANATION, &piece) == NULL) {
        if (piece.letter != 0)
            letters |= SPF_LETTER(piece.letter);
    }
    return letters;
}

/* ---- expanding ---------------------------------------------------------------------------------------------------- */

enum { KEPT = 256 }; /* of a name that gets too long: more than any name has */

/* Where the expansion goes. */
struct sink {
    bool end_counts; /* when full, the start goes; else what follows */
    size_t len;
    uint8_t bytes[2 * SGL_LIMIT_SPF_EXPLANATION];
};

static void put_byte(struct sink *sink, uint8_t c)
{
    if (!sink->end_counts && sink->len >= SGL_LIMIT_SPF_EXPLANATION)
        return;
    if (sink->len == sizeof sink->bytes) {
        memmove(sink->bytes, sink->bytes + sink->len - KEPT, KEPT);
        sink->len = KEPT;
    }
    sink->bytes[sink->len++] = c;
}

static void put(struct sink *sink, sgl_view v)
{
    for (size_t i = 0; i < v.len; i++)
        put_byte(sink, v.ptr[i]);
}

/* All but what RFC 3986 section 2.3 calls unreserved becomes %XX. */
static void put_value(struct sink *sink, sgl_view v, bool escape)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.ptr[i];

        if (!escape || sgl_ascii_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
            put_byte(sink, c);
        } else {
            put_byte(sink, '%');
            put_byte(sink, (uint8_t)digits[c >> 4]);
            put_byte(sink, (uint8_t)digits[c & 15]);
        }
    }
}

static sgl_view value_of(const struct spf_values *values, uint8_t letter)
{
    switch (letter) {
    case 's':
        return values->sender;
    case 'l':
        return values->local;
    case 'o':
        return values->sender_domain;
    case 'd':
        return values->domain;
    case 'i':
        return values->address;
    case 'p':
        return values->validated;
    case 'v':
        return values->version;
    case 'h':
        return values->helo;
    case 'c':
        return values->readable;
    case 'r':
        return values->receiver;
    default:
        return values->now;
    }
}

static bool splits(const struct spf_piece *piece, uint8_t c)
{
    return piece->delimiter.len == 0 ? c == '.'
                                     : sgl_view_find(piece->delimiter, c) < piece->delimiter.len;
}

/* The first `parts` parts in front, or all. */
static sgl_view first_parts(const struct spf_piece *piece, sgl_view v, size_t parts)
{
    size_t end = 0;

    for (; end < v.len; end++) {
        if (splits(piece, v.ptr[end]) && --parts == 0)
            break;
    }
    return sgl_view_sub(v, 0, end);
}

static sgl_view last_parts(const struct spf_piece *piece, sgl_view v, size_t parts)
{
    size_t start = v.len;

    for (; start > 0; start--) {
        if (splits(piece, v.ptr[start - 1]) && --parts == 0)
            break;
    }
    return sgl_view_from(v, start);
}

/* Split, reverse, keep the right-most parts, join with dots: in that order.  [RFC 7208 s7.3] */
static void put_reversed(struct sink *sink, const struct spf_piece *piece, sgl_view v)
{
    for (;;) {
        sgl_view part = last_parts(piece, v, 1);

        put_value(sink, part, piece->escape);
        if (part.len == v.len)
            return;
        put_byte(sink, '.');
        v.len -= part.len + 1;
    }
}

static void put_joined(struct sink *sink, const struct spf_piece *piece, sgl_view v)
{
    for (;;) {
        sgl_view part = first_parts(piece, v, 1);

        put_value(sink, part, piece->escape);
        if (part.len == v.len)
            return;
        put_byte(sink, '.');
        v = sgl_view_from(v, part.len + 1);
    }
}

static void put_macro(struct sink *sink, const struct spf_piece *piece,
                      const struct spf_values *values)
{
    sgl_view v = value_of(values, piece->letter);

    if (piece->reverse)
        put_reversed(sink, piece, piece->parts == 0 ? v : first_parts(piece, v, piece->parts));
    else
        put_joined(sink, piece, piece->parts == 0 ? v : last_parts(piece, v, piece->parts));
}

static void expand(struct sink *sink, sgl_view text, const struct spf_values *values)
{
    struct spf_piece piece;

    while (text.len > 0 && next_piece(&text, SPF_EXPLANATION, &piece) == NULL) {
        if (piece.letter == 0)
            put(sink, piece.literal);
        else
            put_macro(sink, &piece, values);
    }
}

/* Labels go on the left until the rest may be a name.  [RFC 7208 s7.3] */
static sgl_view cut_left(sgl_view name)
{
    if (name.len > 1 && name.ptr[name.len - 1] == '.')
        name.len--;
    while (name.len > SGL_LIMIT_NAME_TEXT)
        (void)sgl_view_split(name, '.', &name);
    return name;
}

enum sgl_status sgl_spf_expand_name(sgl_view spec, const struct spf_values *values,
                                    struct sgl_arena *arena, struct sgl_name *out)
{
    struct sink sink;

    if (sgl_view_find(spec, '%') == spec.len)
        return sgl_name_parse(cut_left(spec), SGL_NAME_ANY, arena, NULL, out);
    sink.end_counts = true;
    sink.len = 0;
    expand(&sink, spec, values);
    return sgl_name_parse(cut_left(sgl_view_of(sink.bytes, sink.len)), SGL_NAME_ANY, arena, NULL,
                          out);
}

enum sgl_status sgl_spf_expand_text(sgl_view text, const struct spf_values *values,
                                    struct sgl_arena *arena, sgl_view *out)
{
    struct sink sink;

    sink.end_counts = false;
    sink.len = 0;
    expand(&sink, text, values);
    for (size_t i = 0; i < sink.len; i++) {
        if (sink.bytes[i] < 0x20 || sink.bytes[i] > 0x7e)
            sink.bytes[i] = '?';
    }
    return sgl_arena_dup(arena, sgl_view_of(sink.bytes, sink.len), out);
}
