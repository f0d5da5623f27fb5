/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: macro strings, target names, and which record stands at a name. */
#ifndef SPF_INTERNAL_H
#define SPF_INTERNAL_H

#include "sigillo/spf.h"

/* ---- macro strings  [RFC 7208 s7] --------------------------------------------------------------------------------- */

enum spf_text {           /* what a macro string is used as */
                SPF_TERM, /* in the record: no blanks, no c, r and t */
                SPF_EXPLANATION,
};

/* NULL when the text is a macro-string, else what is wrong, and *off where. */
const char *sgl_spf_macro_fault(sgl_view text, enum spf_text use, size_t *off);
/* The same for a domain-spec. */
const char *sgl_spf_domain_spec_fault(sgl_view text, size_t *off);

/* Which letters does a checked macro string use? */
#define SPF_LETTER(c) (UINT32_C(1) << ((c) - 'a'))
uint32_t sgl_spf_macro_letters(sgl_view text);

/* What the letters stand for. A value that is empty expands to nothing. */
struct spf_values {
    sgl_view sender, local, sender_domain; /* s l o */
    sgl_view domain;                       /* d: of the record at hand */
    sgl_view address, readable, version;   /* i c v */
    sgl_view validated;                    /* p */
    sgl_view helo, receiver, now;          /* h r t */
};

/*
 * The name that a checked domain-spec means.  What is too long loses labels on its left  [RFC 7208 s7.3].
 * SGL_OK; SGL_E_SYNTAX: the result is no possible name  [RFC 7208 s4.8]; SGL_E_LIMIT or SGL_E_NOMEM: the arena is full.
 */
enum sgl_status sgl_spf_expand_name(sgl_view spec, const struct spf_values *values,
                                    struct sgl_arena *arena, struct sgl_name *out) SGL_MUST_USE;
/*
 * The explanation that a checked text means: printable US-ASCII, other bytes become "?"; what is behind SGL_LIMIT_SPF_EXPLANATION is cut.
 */
enum sgl_status sgl_spf_expand_text(sgl_view text, const struct spf_values *values,
                                    struct sgl_arena *arena, sgl_view *out) SGL_MUST_USE;

/* ---- records -------------------------------------------------------------------------------------------------------- */

/* The next term of a record at *rest, behind its version; empty: no more.  Only SP separates.  [RFC 7208 s4.6.1] */
sgl_view sgl_spf_next_term(sgl_view *rest);

struct spf_found {
    const struct sgl_dns_answer *answer; /* to the TXT question */
    size_t records; /* SPF records at the name; one is right  [RFC 7208 s4.5] */
    sgl_view text;  /* of the first of them; lives in the snapshot */
    bool hidden;    /* there is none, but not all that was sent could be read */
};

/* SGL_OK whatever the answer is; else as sgl_dns_get(). */
enum sgl_status sgl_spf_find_record(struct sgl_name name, struct sgl_dns *dns,
                                    struct spf_found *out) SGL_MUST_USE;

#endif
