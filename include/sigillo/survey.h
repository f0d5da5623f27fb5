/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that a domain publishes for mail, judged: MX, SPF, DKIM, DMARC, MTA-STS, TLS-RPT, DANE, BIMI; a mark; and which of the rules that
 * large receivers have for bulk senders are met.
 *
 *     while ((st = sgl_survey(&request, &dns, &arena, &survey)) == SGL_NEED_DNS) resolve;
 *     if (survey.policy_wanted) { fetch the MTA-STS policy, put it into the request, call again }
 */
#ifndef SIGILLO_SURVEY_H
#define SIGILLO_SURVEY_H

#include "sigillo/bimi.h"
#include "sigillo/dane.h"
#include "sigillo/dkim_key.h"
#include "sigillo/dmarc.h"
#include "sigillo/mta_sts.h"
#include "sigillo/mx.h"
#include "sigillo/spf.h"
#include "sigillo/tlsrpt.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sgl_survey_part {
    SGL_SURVEY_MX,
    SGL_SURVEY_SPF,
    SGL_SURVEY_DKIM,
    SGL_SURVEY_DMARC,
    SGL_SURVEY_MTA_STS,
    SGL_SURVEY_TLSRPT,
    SGL_SURVEY_DANE,
    SGL_SURVEY_BIMI,
};
#define SGL_SURVEY_PARTS 8
/* "MX", "SPF", "DKIM", "DMARC", "MTA-STS", "TLS-RPT", "DANE", "BIMI". */
SGL_API const char *sgl_survey_part_name(enum sgl_survey_part part);

enum sgl_survey_state {
    SGL_SURVEY_GOOD,
    SGL_SURVEY_WEAK,    /* works, but there are warnings, or it protects in part only */
    SGL_SURVEY_BAD,     /* an error: receivers will treat it as broken */
    SGL_SURVEY_ABSENT,  /* not published */
    SGL_SURVEY_UNKNOWN, /* could not be found out */
    SGL_SURVEY_APART,   /* does not apply to this domain */
};
/* "good", "weak", "bad", "absent", "unknown", "not applicable". */
SGL_API const char *sgl_survey_state_name(enum sgl_survey_state state);

struct sgl_survey_judged {
    enum sgl_survey_state state;
    sgl_view record;  /* the record that was judged; may be empty; foreign bytes */
    sgl_view summary; /* a few words, printable ASCII: "4 lookups, -all" */
    struct sgl_findings findings;
    unsigned points, points_max; /* what it adds to the mark; both 0: nothing */
    bool failed;                 /* a lookup that it needs failed */
};

struct sgl_survey_host { /* an MX host */
    struct sgl_name name;
    uint16_t preference;
    struct sgl_dane dane; /* addresses, their security, TLSA */
    bool aliased;
};

struct sgl_survey_key {
    sgl_view selector;
    sgl_view record;
    enum sgl_key_type type;
    unsigned bits;
    bool revoked, testing, broken;
};

enum sgl_survey_met {
    SGL_SURVEY_MET,
    SGL_SURVEY_NOT_MET,
    SGL_SURVEY_NOT_SEEN, /* a record could be there, but was not found; or a lookup failed */
    SGL_SURVEY_NOT_DNS,  /* DNS does not tell */
};
/* "met", "not met", "not seen", "cannot be told from DNS". */
SGL_API const char *sgl_survey_met_name(enum sgl_survey_met met);

struct sgl_survey_rule { /* of Google, Yahoo and Microsoft, for bulk senders */
    const char *receivers;
    const char *text;
    enum sgl_survey_met met;
};
#define SGL_SURVEY_RULES 10

/* what the caller knows of https://mta-sts.DOMAIN/.well-known/mta-sts.txt */
enum sgl_survey_policy {
    SGL_SURVEY_POLICY_UNASKED, /* not fetched (yet) */
    SGL_SURVEY_POLICY_FETCHED,
    SGL_SURVEY_POLICY_FAILED,
    SGL_SURVEY_POLICY_UNKNOWN, /* its host could not be looked up */
};

struct sgl_survey_request {
    struct sgl_name domain;
    const sgl_view *selector; /* none: well-known ones are tried */
    size_t selectors;
    sgl_view bimi_selector; /* empty: "default" */
    const struct sgl_crypto *crypto;
    enum sgl_survey_policy policy;
    sgl_view policy_body;   /* FETCHED */
    const char *policy_why; /* FAILED: a short reason, printable */
    /* Only how mail travels: MX, MTA-STS, TLS-RPT and DANE. The other parts are APART, without a question, and there is no mark */
    bool transport_only;
    uint16_t port; /* where the hosts take mail; 0: 25 */
};

struct sgl_survey {
    struct sgl_name domain;
    struct sgl_survey_judged part[SGL_SURVEY_PARTS];
    size_t errors, warnings; /* of all parts */
    bool failed;             /* a lookup failed: something is not known */
    bool policy_wanted;      /* there is an MTA-STS record and the request has no policy */

    struct sgl_mx mx;
    const struct sgl_survey_host *host;
    size_t hosts;
    struct sgl_spf_tree spf;
    const struct sgl_survey_key *key; /* found ones */
    size_t keys;
    struct sgl_dmarc dmarc;
    struct sgl_mta_sts_answer mta_sts;
    bool has_policy;
    struct sgl_mta_sts_policy policy;
    struct sgl_tlsrpt_answer tlsrpt;
    struct sgl_bimi_answer bimi;

    struct sgl_survey_rule rule[SGL_SURVEY_RULES];
    unsigned points; /* 0 to 100: what the parts got of what they could get */
    /* 'A' from 90, 'B' 75, 'C' 60, 'D' 40, else 'F'; 'C' at best with an error in MX, SPF, DKIM or DMARC; '-': nothing could be found out */
    char mark;
};

/*
 * dns    asked are MX, TXT, A, AAAA, CNAME, TLSA: give it room for SGL_LIMIT_SURVEY_QUESTIONS
 * out    set only with SGL_OK; its views live as long as arena, snapshot and request
 * Returns SGL_OK; SGL_NEED_DNS; SGL_E_LIMIT: the snapshot or the arena is full; SGL_E_NOMEM.  Unless SGL_OK the arena is where it was.
 */
SGL_API enum sgl_status sgl_survey(const struct sgl_survey_request *request, struct sgl_dns *dns,
                                   struct sgl_arena *arena, struct sgl_survey *out) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
