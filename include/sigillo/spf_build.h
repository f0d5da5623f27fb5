/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SPF records that a domain should publish: made from what sends its mail, merged into what is published already, and refused when
 * receivers would treat the result as broken.  [RFC 7208 s10.1]
 */
#ifndef SIGILLO_SPF_BUILD_H
#define SIGILLO_SPF_BUILD_H

#include "sigillo/spf.h"

#ifdef __cplusplus
extern "C" {
#endif

/* which Microsoft 365 sends for the domain */
enum sgl_spf_m365 {
    SGL_SPF_M365_NONE,
    SGL_SPF_M365_WORLDWIDE,
    SGL_SPF_M365_GCC,
    SGL_SPF_M365_GCC_HIGH,
    SGL_SPF_M365_DOD,
    SGL_SPF_M365_21VIANET,
};
/* "worldwide", "gcc", "gcchigh", "dod", "21vianet". false: none of these. */
SGL_API bool sgl_spf_m365_parse(sgl_view text, enum sgl_spf_m365 *out) SGL_MUST_USE;
/* The name to include; empty for NONE. */
SGL_API sgl_view sgl_spf_m365_include(enum sgl_spf_m365 cloud);

/* what is said of all other senders */
enum sgl_spf_policy {
    SGL_SPF_POLICY_KEEP,    /* as in the record that is there; "-all" where it says nothing */
    SGL_SPF_POLICY_HARD,    /* "-all" */
    SGL_SPF_POLICY_SOFT,    /* "~all" */
    SGL_SPF_POLICY_NEUTRAL, /* "?all" */
    SGL_SPF_POLICY_GENTLE, /* as in the record that is there, also where it says nothing; "~all" where there is no record */
};
/* "hard", "soft", "neutral". false: none of these. */
SGL_API bool sgl_spf_policy_parse(sgl_view text, enum sgl_spf_policy *out) SGL_MUST_USE;

struct sgl_spf_subdomain {
    struct sgl_name name;    /* "news", or the whole name "news.example.org" */
    struct sgl_name include; /* the service that sends for it */
};

struct sgl_spf_build_request {
    struct sgl_name domain;
    enum sgl_spf_m365 m365;
    /* Servers of one's own; bits behind the prefix are cleared */
    const struct sgl_ip_prefix *network;
    size_t networks;
    const struct sgl_name *include;
    size_t includes;
    /* Mechanisms as they stand in a record: "a:mail.example.net"; one that is wrong refuses the whole */
    const sgl_view *term;
    size_t terms;
    const struct sgl_spf_subdomain *subdomain; /* one name may come several times */
    size_t subdomains;
    enum sgl_spf_policy policy;
    bool parked; /* sends no mail and gets none: everything above but the domain is not looked at */
    /* No questions: nothing is merged but `existing`, and what lies behind an include is not counted */
    bool offline;
    /* Merge into this instead of what DNS says of the domain; empty: nothing is there; ptr NULL: ask */
    sgl_view existing;
};

/* One TXT record to publish. */
struct sgl_spf_publish {
    struct sgl_name name;
    sgl_view text;
    /* What is there now, to be removed; empty: nothing. Of several records the first one */
    sgl_view replaces;
    bool unchanged; /* it stands there already, as it is */
    unsigned lookups, void_lookups;
};

struct sgl_spf_build {
    /* None: refused, unknown, or nothing is needed (see the findings) */
    const struct sgl_spf_publish *record;
    size_t records;
    bool refused; /* a finding of severity error says why, and what would help */
    bool failed;  /* DNS did not say what must be known (a warning tells): nothing was built */
    struct sgl_findings findings; /* warnings: built, but worth knowing */
};

/*
 * Which records?
 *
 * request  borrowed for the call
 * dns      asked are the existing records and all that they include (as sgl_spf_tree() does), _dmarc and MX for a parked domain; may be NULL
 *          when `offline`
 * out      views live in the arena
 * Of a record that is there all terms stay in their order, with their modifiers; doubles go; new terms stand before "all".  Several SPF
 * records at one name become one.  Merging the result again changes nothing.
 * Returns SGL_OK, refusals included; SGL_NEED_DNS; SGL_E_MISUSE: no `dns` and not offline; SGL_E_NOMEM; SGL_E_LIMIT: the arena is full, or too
 * many subdomains.  `out` and the arena are as they were unless SGL_OK.
 */
SGL_API enum sgl_status sgl_spf_build(const struct sgl_spf_build_request *request,
                                      struct sgl_dns *dns, struct sgl_arena *arena,
                                      struct sgl_spf_build *out) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
