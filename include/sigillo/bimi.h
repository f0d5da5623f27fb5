/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BIMI: where the logo of a domain lies.  SELECTOR._bimi.DOMAIN TXT "v=BIMI1; l=https://...; a=https://..."
 *
 * An Internet-Draft (draft-brand-indicators-for-message-identification), no standard: the record is read and judged, nothing is fetched.
 */
#ifndef SIGILLO_BIMI_H
#define SIGILLO_BIMI_H

#include "sigillo/dmarc.h"
#include "sigillo/dns.h"
#include "sigillo/finding.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sgl_bimi_record {
    sgl_view text;
    sgl_view location;  /* l=: https URI of the SVG; empty: none */
    sgl_view authority; /* a=: https URI of the mark certificate; empty: none */
    bool declined;      /* l= and a= are empty: the owner wants no logo shown */
    sgl_view avatar;    /* avp=: "brand" or "personal"; empty: not given */
};

/* Does this TXT text claim to be such a record: v=BIMI1 is the first tag? */
SGL_API bool sgl_bimi_is_record(sgl_view txt);
/* SGL_OK; SGL_E_SYNTAX (diag says what and where): as if there were no record; SGL_E_LIMIT, SGL_E_NOMEM. */
SGL_API enum sgl_status sgl_bimi_parse(sgl_view text, struct sgl_arena *arena,
                                       struct sgl_bimi_record *out,
                                       struct sgl_diag *diag) SGL_MUST_USE;
/* What is wrong with this record, for its owner: codes bimi-... */
SGL_API enum sgl_status sgl_bimi_lint(sgl_view text, struct sgl_arena *arena,
                                      struct sgl_findings *out) SGL_MUST_USE;
/* Appends the record. SGL_E_MISUSE: a value that can't stand in a record. */
SGL_API enum sgl_status sgl_bimi_put(const struct sgl_bimi_record *record,
                                     struct sgl_buf *out) SGL_MUST_USE;

enum sgl_bimi_state {
    SGL_BIMI_NONE,
    SGL_BIMI_FOUND,
    SGL_BIMI_SEVERAL, /* more than one: counts as none */
    SGL_BIMI_BROKEN,  /* one that can't be read */
    SGL_BIMI_TEMPERROR,
};
struct sgl_bimi_answer {
    enum sgl_bimi_state state;
    struct sgl_bimi_record record; /* FOUND; BROKEN: text only */
    const char *why;               /* BROKEN, TEMPERROR: a short reason; else "" */
};
/* The record at SELECTOR._bimi.DOMAIN; an empty selector is "default".  SGL_OK; SGL_NEED_DNS (one TXT question); SGL_E_SYNTAX: the two make no possible name; SGL_E_LIMIT, SGL_E_NOMEM. */
SGL_API enum sgl_status sgl_bimi_find(struct sgl_name domain, sgl_view selector,
                                      struct sgl_dns *dns, struct sgl_arena *arena,
                                      struct sgl_bimi_answer *out) SGL_MUST_USE;

/*
 * Is this DMARC record strict enough for receivers to show a logo: p, and sp and np where given, are quarantine or reject, in full (no t=y, no pct below 100)?
 * *why gets a static clause when not: "p=none asks for nothing".
 */
SGL_API bool sgl_bimi_dmarc_enforces(const struct sgl_dmarc_record *record, const char **why);

#ifdef __cplusplus
}
#endif
#endif
