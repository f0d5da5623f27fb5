/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `sigillo tls check`: what a delivery to a domain would insist on, and what it would get. */
#ifndef CLI_TLS_CHECK_H
#define CLI_TLS_CHECK_H

#include "sigillo/survey.h"
#include "tls_probe.h"

/* What a delivery insists on at one host. */
enum tls_level {
    TLS_LEVEL_NONE,          /* nothing; and the host has no TLS to offer */
    TLS_LEVEL_OPPORTUNISTIC, /* nothing; TLS is used where it is offered */
    TLS_LEVEL_MTA_STS,       /* a policy that is enforced: TLS, the chain, the name */
    TLS_LEVEL_DANE, /* secure TLSA records (or a lookup of them that failed): TLS, and one that matches */
};
const char *tls_level_name(enum tls_level level); /* "none", "opportunistic", "mta-sts", "dane" */

/* How mail would go: as the transit report names it; or not at all, for now. */
enum tls_transit {
    TLS_BY_DANE,
    TLS_BY_MTA_STS,
    TLS_ENCRYPTED,
    TLS_PLAIN,
    TLS_DEFERRED,
    TLS_UNKNOWN
};
const char *tls_transit_name(
    enum tls_transit transit); /* "dane", "mta-sts", "encrypted", "plain", "deferred", "unknown" */

struct tls_host {
    const struct sgl_survey_host *found;
    const struct sgl_dns_rr *record; /* TLSA, all that are published at found->dane.base */
    size_t records;
    bool listed;             /* the MTA-STS policy names it */
    struct tls_probe *probe; /* one for each address */
    size_t probes;
    /* by tls_judge() */
    enum tls_level level;
    enum tls_transit transit;
    const struct tls_probe *shown; /* whose TLS stands for the host's; NULL: none had any */
    const char
        *result; /* "ok", a result type of TLS-RPT, or "sts-mx-mismatch", "no-address", ... */
    const char *problem; /* printable; NULL: none */
};

struct tls_check {
    const struct sgl_survey *survey; /* transport_only */
    uint16_t port;
    bool connected; /* hosts were connected to, not only looked up */
    sgl_time now;
    struct tls_host *host;
    size_t hosts;
    /* by tls_judge() */
    struct sgl_findings findings; /* those of the survey, too */
    bool incomplete;              /* a lookup failed, or a host did not answer */
};

/* Is there an MTA-STS policy in force, and with this mode? */
bool tls_has_mode(const struct tls_check *k, enum sgl_mta_sts_mode mode);
/* Are there TLSA records that count? */
bool tls_goes_by_dane(const struct tls_host *h);
/* Does a policy that is enforced decide about this host? */
bool tls_goes_by_policy(const struct tls_check *k, const struct tls_host *h);

/* Levels, results, findings; in this order. SGL_OK, or the arena's error. */
enum sgl_status tls_judge(struct tls_check *k, struct sgl_arena *arena) SGL_MUST_USE;
enum sgl_status tls_find(struct tls_check *k, struct sgl_arena *arena) SGL_MUST_USE;
/* What a proof by chain and name lacks, in words; NULL: nothing. */
const char *tls_unproved(const struct tls_probe *p);
/* Why a TLSA record can't be used for mail; NULL: it can. */
const char *tls_record_why(const struct sgl_tlsa *record);
/* Is it among those that a delivery goes by, after the weaker digests were left out? */
bool tls_record_counts(const struct tls_host *h, const struct sgl_tlsa *record);

#endif
