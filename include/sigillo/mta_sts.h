/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MTA-STS  [RFC 8461]: the TXT record that says that there is a policy, and the policy, a text that is fetched by HTTPS.
 *
 * Here both are data: read, judged, written.  Fetching, keeping and applying a policy is the caller's.
 */
#ifndef SIGILLO_MTA_STS_H
#define SIGILLO_MTA_STS_H

#include "sigillo/buf.h"
#include "sigillo/dns.h"
#include "sigillo/finding.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the record: _mta-sts.DOMAIN TXT "v=STSv1; id=20260101;" ------------------------------------------------------------ */

struct sgl_mta_sts_record {
    sgl_view text;
    /* 1 to 32 letters and digits; changes with the policy; to be compared for equality only */
    sgl_view id;
};

/* Does this TXT text claim to be such a record: does it begin with "v=STSv1" and ";"?  Others are passed over  [RFC 8461 s3.1]. */
SGL_API bool sgl_mta_sts_is_record(sgl_view txt);
/*
 * Views point into `text`.  Of two fields of the same name the first one counts  [RFC 8461 s3.2].
 * SGL_OK; SGL_E_SYNTAX (diag says what and where): as if there were no record.
 */
SGL_API enum sgl_status sgl_mta_sts_record_parse(sgl_view text, struct sgl_mta_sts_record *out,
                                                 struct sgl_diag *diag) SGL_MUST_USE;
/* What is wrong with this record, for its owner: codes mta-sts-record-... */
SGL_API enum sgl_status sgl_mta_sts_record_lint(sgl_view text, struct sgl_arena *arena,
                                                struct sgl_findings *out) SGL_MUST_USE;
/* Appends "v=STSv1; id=...;". SGL_E_MISUSE: the id can't stand in a record. */
SGL_API enum sgl_status sgl_mta_sts_record_put(const struct sgl_mta_sts_record *record,
                                               struct sgl_buf *out) SGL_MUST_USE;

enum sgl_mta_sts_state {
    SGL_MTA_STS_NONE,      /* no such name, or no TXT that is a record */
    SGL_MTA_STS_FOUND,     /* one */
    SGL_MTA_STS_SEVERAL,   /* more than one: counts as none */
    SGL_MTA_STS_BROKEN,    /* one that can't be read: counts as none */
    SGL_MTA_STS_TEMPERROR, /* the lookup failed */
};
struct sgl_mta_sts_answer {
    enum sgl_mta_sts_state state;
    struct sgl_mta_sts_record record; /* FOUND; BROKEN: text only */
    const char *why;                  /* BROKEN, TEMPERROR: a short reason; else "" */
};
/*
 * The record of a policy domain: the recipient's domain itself, never its parent  [RFC 8461 s3.4].
 * NONE, too, where the name would be too long to exist.
 * SGL_OK; SGL_NEED_DNS (one TXT question); SGL_E_LIMIT: arena or snapshot are full; SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_mta_sts_find(struct sgl_name domain, struct sgl_dns *dns,
                                         struct sgl_arena *arena,
                                         struct sgl_mta_sts_answer *out) SGL_MUST_USE;

/* ---- the policy: https://mta-sts.DOMAIN/.well-known/mta-sts.txt ---------------------------------------------------------- */

enum sgl_mta_sts_mode { SGL_MTA_STS_MODE_NONE, SGL_MTA_STS_TESTING, SGL_MTA_STS_ENFORCE };
SGL_API const char *sgl_mta_sts_mode_name(enum sgl_mta_sts_mode mode);

struct sgl_mta_sts_pattern {
    bool wildcard;        /* "*.name": exactly one label more */
    struct sgl_name name; /* without the "*." */
};
struct sgl_mta_sts_policy {
    enum sgl_mta_sts_mode mode;
    uint32_t max_age_s; /* at most SGL_LIMIT_MTA_STS_AGE */
    const struct sgl_mta_sts_pattern *mx;
    size_t count; /* at least 1 unless the mode is none */
};

/*
 * The body of the policy, as it was fetched.  Names live in the arena.
 * SGL_OK; SGL_E_SYNTAX (diag): as if there were no policy; SGL_E_LIMIT: over SGL_LIMIT_MTA_STS_POLICY bytes or _MX patterns; SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_mta_sts_policy_parse(sgl_view body, struct sgl_arena *arena,
                                                 struct sgl_mta_sts_policy *out,
                                                 struct sgl_diag *diag) SGL_MUST_USE;
/* What is wrong with this policy, for its owner: codes mta-sts-policy-... */
SGL_API enum sgl_status sgl_mta_sts_policy_lint(sgl_view body, struct sgl_arena *arena,
                                                struct sgl_findings *out) SGL_MUST_USE;
/* Appends the body, lines end in CRLF. SGL_E_MISUSE: no patterns where the mode needs one, or max_age_s is too great. */
SGL_API enum sgl_status sgl_mta_sts_policy_put(const struct sgl_mta_sts_policy *policy,
                                               struct sgl_buf *out) SGL_MUST_USE;
/* Does the policy allow this MX host?  [RFC 8461 s4.1] */
SGL_API bool sgl_mta_sts_matches(const struct sgl_mta_sts_policy *policy, struct sgl_name host);

#ifdef __cplusplus
}
#endif
#endif
