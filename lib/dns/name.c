/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/dns_name.h"

#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sigillo/limits.h"

/* What is wrong with a name, and where; NULL: nothing. */
struct fault {
    const char *what, *rule;
    size_t off;
};

static struct fault fault_at(const char *what, const char *rule, size_t off)
{
    return (struct fault){what, rule, off};
}

static bool is_allowed(uint8_t c, unsigned flags)
{
    if (sgl_ascii_is_alnum(c) || c == '-')
        return true;
    if ((flags & SGL_NAME_ANY) != 0)
        return c >= 0x20 && c < 0x7f && c != '.';
    return c == '_' && (flags & SGL_NAME_UNDERSCORE) != 0;
}

static struct fault check_label(sgl_view text, size_t off, size_t len, unsigned flags)
{
    bool loose = (flags & (SGL_NAME_UNDERSCORE | SGL_NAME_ANY)) != 0;

    if (len == 0)
        return fault_at("empty label in a domain name", "RFC 1035 s2.3.1", off);
    if (len > SGL_LIMIT_LABEL)
        return fault_at("label longer than 63 bytes", "RFC 1035 s2.3.4", off);
    for (size_t i = off; i < off + len; i++) {
        uint8_t c = text.ptr[i];

        if (!is_allowed(c, flags))
            return fault_at(c > 0x7f ? "domain name is not in its ASCII form (xn--)"
                                     : "character that no host name has",
                            "RFC 1123 s2.1", i);
    }
    if (!loose && (text.ptr[off] == '-' || text.ptr[off + len - 1] == '-'))
        return fault_at("hyphen at the end of a label", "RFC 1123 s2.1", off);
    return fault_at(NULL, NULL, 0);
}

static bool all_digits(sgl_view v)
{
    for (size_t i = 0; i < v.len; i++) {
        if (!sgl_ascii_is_digit(v.ptr[i]))
            return false;
    }
    return true;
}

/* *len: bytes of the name itself, without a final dot. */
static struct fault check_name(sgl_view text, unsigned flags, size_t *len)
{
    size_t off = 0, label = 0;

    *len = text.len;
    if (text.len == 1 && text.ptr[0] == '.' && (flags & SGL_NAME_ROOT) != 0) {
        *len = 0;
        return fault_at(NULL, NULL, 0);
    }
    if (text.len > 1 && text.ptr[text.len - 1] == '.' && (flags & SGL_NAME_FINAL_DOT) != 0)
        --*len;
    if (*len == 0)
        return fault_at("empty domain name", "RFC 1035 s2.3.1", 0);
    if (*len > SGL_LIMIT_NAME_TEXT)
        return fault_at("domain name longer than 253 bytes", "RFC 1035 s2.3.4",
                        SGL_LIMIT_NAME_TEXT);
    for (;;) {
        sgl_view rest = sgl_view_sub(text, off, *len - off);
        struct fault fault;

        label = off;
        fault = check_label(text, off, sgl_view_find(rest, '.'), flags);
        if (fault.what != NULL)
            return fault;
        off += sgl_view_find(rest, '.');
        if (off == *len)
            break;
        off++;
    }
    if ((flags & (SGL_NAME_UNDERSCORE | SGL_NAME_ANY)) == 0 &&
        all_digits(sgl_view_sub(text, label, *len - label)))
        return fault_at("last label is a number", "RFC 1123 s2.1", label);
    return fault_at(NULL, NULL, 0);
}

static enum sgl_status make(sgl_view text, struct sgl_arena *arena, struct sgl_name *out)
{
    uint8_t *copy = sgl_arena_alloc(arena, text.len + 1); /* zeroed: ends in a NUL */

    if (copy == NULL)
        return arena->status;
    for (size_t i = 0; i < text.len; i++)
        copy[i] = sgl_ascii_lower(text.ptr[i]);
    out->text = sgl_view_of(copy, text.len);
    return SGL_OK;
}

enum sgl_status sgl_name_parse(sgl_view text, unsigned flags, struct sgl_arena *arena,
                               struct sgl_diag *diag, struct sgl_name *out)
{
    size_t len;
    struct fault fault = check_name(text, flags, &len);

    if (fault.what != NULL) {
        sgl_diag_set(diag, fault.what, fault.rule, text, fault.off);
        return SGL_E_SYNTAX;
    }
    return make(sgl_view_sub(text, 0, len), arena, out);
}

bool sgl_name_ok(sgl_view text, unsigned flags)
{
    size_t len;

    return check_name(text, flags, &len).what == NULL;
}

enum sgl_status sgl_name_from_wire(sgl_view wire, unsigned flags, struct sgl_arena *arena,
                                   size_t *used, struct sgl_name *out)
{
    uint8_t text[SGL_LIMIT_NAME_TEXT + 1];
    size_t len = 0, off = 0;

    for (;;) {
        size_t label;

        if (off >= wire.len)
            return SGL_E_SYNTAX;
        label = wire.ptr[off++];
        if (label == 0)
            break;
        if (label > SGL_LIMIT_LABEL || label > wire.len - off) /* pointers have no place here */
            return SGL_E_SYNTAX;
        if (label + (len > 0) > SGL_LIMIT_NAME_TEXT - len)
            return SGL_E_SYNTAX;
        if (len > 0)
            text[len++] = '.';
        memcpy(text + len, wire.ptr + off, label);
        if (check_label(sgl_view_of(text, len + label), len, label, flags).what != NULL)
            return SGL_E_SYNTAX;
        len += label;
        off += label;
    }
    SGL_TRY(make(sgl_view_of(text, len), arena, out));
    *used = off;
    return SGL_OK;
}

enum sgl_status sgl_name_under(sgl_view labels, struct sgl_name base, struct sgl_arena *arena,
                               struct sgl_name *out)
{
    uint8_t text[SGL_LIMIT_NAME_TEXT];
    size_t len;

    if (check_name(labels, SGL_NAME_UNDERSCORE, &len).what != NULL)
        return SGL_E_SYNTAX;
    if (sgl_name_is_root(base))
        return make(labels, arena, out);
    if (labels.len + 1 > sizeof text - base.text.len)
        return SGL_E_LIMIT;
    memcpy(text, labels.ptr, labels.len);
    text[labels.len] = '.';
    memcpy(text + labels.len + 1, base.text.ptr, base.text.len);
    return make(sgl_view_of(text, labels.len + 1 + base.text.len), arena, out);
}

enum sgl_status sgl_name_dup(struct sgl_name name, struct sgl_arena *arena, struct sgl_name *out)
{
    return make(name.text, arena, out);
}

bool sgl_name_is_at_or_below(struct sgl_name name, struct sgl_name ancestor)
{
    size_t off;

    if (sgl_name_is_root(ancestor) || sgl_name_eq(name, ancestor))
        return true;
    if (name.text.len <= ancestor.text.len)
        return false;
    off = name.text.len - ancestor.text.len;
    return name.text.ptr[off - 1] == '.' &&
           sgl_view_eq(sgl_view_from(name.text, off), ancestor.text);
}

struct sgl_name sgl_name_parent(struct sgl_name name)
{
    size_t dot = sgl_view_find(name.text, '.');
    struct sgl_name parent = {sgl_view_from(name.text, dot == name.text.len ? dot : dot + 1)};

    return parent;
}

size_t sgl_name_labels(struct sgl_name name)
{
    size_t labels = name.text.len > 0;

    for (size_t i = 0; i < name.text.len; i++)
        labels += name.text.ptr[i] == '.';
    return labels;
}

uint32_t sgl_name_hash(struct sgl_name name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < name.text.len; i++)
        hash = (hash ^ name.text.ptr[i]) * 16777619u;
    return hash;
}
