/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domain names.  A struct sgl_name is made only by the functions below, so its text is always valid: labels of 1 to 63 bytes, 253 bytes
 * in all, lower case, no dot at the end; the root is the empty text.  Names in other scripts come in as A-labels (xn--); the conversion
 * belongs to those who talk to people.
 */
#ifndef SIGILLO_DNS_NAME_H
#define SIGILLO_DNS_NAME_H

#include "sigillo/arena.h"
#include "sigillo/diag.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sgl_name {
    sgl_view text; /* NUL-terminated, too; in the arena that the name was made in */
};

/* what sgl_name_parse() allows */
enum {
    SGL_NAME_HOST =
        0, /* letters, digits and inner hyphens; the last label is not a number [RFC 1123 s2.1] */
    SGL_NAME_UNDERSCORE =
        1, /* "_" anywhere in a label, hyphens at its ends, a last label that is a number: _25._tcp.example.org */
    SGL_NAME_FINAL_DOT = 2, /* one dot at the end, which is dropped */
    SGL_NAME_ROOT = 4,      /* "." */
    SGL_NAME_ANY =
        8, /* what UNDERSCORE allows, and every other printable ASCII character: DNS can be asked for these, but no host has them */
};

/*
 * Reads a name from text.  SGL_E_SYNTAX (diag says what and where), SGL_E_LIMIT or SGL_E_NOMEM from the arena; out untouched then.
 */
SGL_API enum sgl_status sgl_name_parse(sgl_view text, unsigned flags, struct sgl_arena *arena,
                                       struct sgl_diag *diag, struct sgl_name *out) SGL_MUST_USE;
/* The same without a copy: may this text be a name?  For doors that only want to say no. */
SGL_API bool sgl_name_ok(sgl_view text, unsigned flags);
/*
 * Reads an uncompressed wire form from the start of `wire`; *used gets its length.  flags: SGL_NAME_HOST, SGL_NAME_UNDERSCORE or SGL_NAME_ANY; a label with a byte
 * that they do not allow (a dot is one that none allows) is SGL_E_SYNTAX: such names name nothing that mail needs.
 */
SGL_API enum sgl_status sgl_name_from_wire(sgl_view wire, unsigned flags, struct sgl_arena *arena,
                                           size_t *used, struct sgl_name *out) SGL_MUST_USE;
/* "_25._tcp" in front of a name. `labels` is our own text (underscores allowed). SGL_E_LIMIT when the whole gets too long, SGL_E_SYNTAX when labels are not valid. */
SGL_API enum sgl_status sgl_name_under(sgl_view labels, struct sgl_name base,
                                       struct sgl_arena *arena, struct sgl_name *out) SGL_MUST_USE;
SGL_API enum sgl_status sgl_name_dup(struct sgl_name name, struct sgl_arena *arena,
                                     struct sgl_name *out) SGL_MUST_USE;

static inline bool sgl_name_is_root(struct sgl_name name)
{
    return name.text.len == 0;
}

static inline bool sgl_name_eq(struct sgl_name a, struct sgl_name b)
{
    return sgl_view_eq(a.text, b.text); /* both are lower case */
}

/* name is ancestor itself or lies below it; everything lies below the root. */
SGL_API bool sgl_name_is_at_or_below(struct sgl_name name, struct sgl_name ancestor);
/* Without its first label; the root's parent is the root. Borrows from name. */
SGL_API struct sgl_name sgl_name_parent(struct sgl_name name);
SGL_API size_t sgl_name_labels(struct sgl_name name);
/* Same answer for equal names. */
SGL_API uint32_t sgl_name_hash(struct sgl_name name);

#ifdef __cplusplus
}
#endif
#endif
