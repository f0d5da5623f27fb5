/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a domain has to publish so that mail from this server is believed, and how far it has come: the rows to copy, what stands there now, and in one sentence what is
 * wrong with it.  Also for a parked domain, which sends nothing, and the next safe step of DMARC.
 *
 *     sgl_setup_rows(&request, &arena, &setup)                                        asks nothing: what to publish where nothing is published yet
 *     while ((st = sgl_setup_check(&request, &dns, &arena, &setup)) == SGL_NEED_DNS)  the same, merged with what is there, and judged
 *         resolve;
 */
#ifndef SIGILLO_SETUP_H
#define SIGILLO_SETUP_H

#include "sigillo/dkim_key.h"
#include "sigillo/dmarc.h"
#include "sigillo/psl.h"
#include "sigillo/spf_build.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sgl_setup_purpose {
    SGL_SETUP_OWNERSHIP,    /* TXT at the domain: "sigillo-domain-verification=TOKEN" */
    SGL_SETUP_SPF,          /* TXT at the domain; of a parked one "v=spf1 -all" */
    SGL_SETUP_DKIM,         /* a selector that signs; of a parked domain *._domainkey */
    SGL_SETUP_DKIM2,        /* a selector that is ready for the next rotation */
    SGL_SETUP_DMARC,        /* TXT at _dmarc */
    SGL_SETUP_RETURN_MX,    /* of the return path: bounces come back to this server */
    SGL_SETUP_RETURN_SPF,   /* of the return path: SPF aligns */
    SGL_SETUP_MTA_STS,      /* TXT at _mta-sts */
    SGL_SETUP_MTA_STS_HOST, /* mta-sts: where the policy is fetched */
    SGL_SETUP_TLSRPT,       /* TXT at _smtp._tls */
    SGL_SETUP_NULL_MX,      /* of a parked domain */
};
#define SGL_SETUP_PURPOSES 11
/* "ownership", "spf", "dkim", "dkim2", "dmarc", "return-mx", "return-spf", "mta-sts", "mta-sts-host", "tls-rpt", "null-mx". */
SGL_API const char *sgl_setup_purpose_name(enum sgl_setup_purpose purpose);
/* false: none of these. */
SGL_API bool sgl_setup_purpose_parse(sgl_view text, enum sgl_setup_purpose *out) SGL_MUST_USE;

enum sgl_setup_state {
    SGL_SETUP_UNCHECKED, /* sgl_setup_rows() */
    SGL_SETUP_MISSING,   /* nothing of the kind is there */
    SGL_SETUP_WRONG,     /* something is there that does not do */
    SGL_SETUP_PRESENT,   /* it does what it is for */
    SGL_SETUP_UNKNOWN,   /* the lookup failed */
};
/* "unchecked", "missing", "wrong", "present", "unknown". */
SGL_API const char *sgl_setup_state_name(enum sgl_setup_state state);

/* ---- what is asked ------------------------------------------------------------------------------------------------- */

#define SGL_SETUP_TOKEN_PREFIX "sigillo-domain-verification="
#define SGL_SETUP_TOKEN_MAX    64

struct sgl_setup_selector {
    sgl_view name; /* "s1" */
    enum sgl_dkim_algorithm algorithm;
    sgl_view public_key; /* as sgl_private_key_public() gives it */
    struct sgl_name
        alias; /* root: TXT with the key; else CNAME to this name, where the operator publishes the key */
    bool signs; /* DKIM, required; else DKIM2, advised */
};

struct sgl_setup_reports { /* counts of aggregate reports, since the policy that is published now */
    sgl_time from, until;  /* the time that they cover */
    uint64_t messages, pass;
    uint64_t fail_known;   /* failed, but came from servers that are the domain's own */
    uint64_t fail_unknown; /* failed, from others: forged, or a service that was forgotten */
};

/* All is borrowed, also by the result.  What is left zeroed has no row, unless it says so. */
struct sgl_setup_request {
    struct sgl_name domain;
    bool
        parked; /* rows for a domain that sends and takes no mail; of the rest only psl, zone and dmarc_rua are looked at */
    struct sgl_name
        zone; /* the domain or above it; root: check finds it, and rows take the registrable domain, else the domain */
    const struct sgl_psl *psl; /* for that; may be NULL */

    sgl_view
        token; /* of the ownership: letters, digits, "-" and "_", at most SGL_SETUP_TOKEN_MAX */
    const sgl_view *
        spf_term; /* what lets this server send, as it stands in a record: "a:mail.example.net", "include:...", "ip4:..." */
    size_t spf_terms;
    const struct sgl_setup_selector *selector;
    size_t selectors;            /* at most SGL_LIMIT_SETUP_SELECTORS */
    sgl_view dmarc_rua;          /* "mailto:..."; empty: mailto:dmarc@DOMAIN */
    struct sgl_name return_path; /* the whole name of the MAIL FROM subdomain: below the domain */
    struct sgl_name return_mx;   /* the host that takes the bounces */
    sgl_view sts_id;             /* of the policy: 1 to 32 letters and digits */
    struct sgl_name sts_host;    /* the host that serves it */
    bool
        sts_own; /* it and nobody else does: a record with another id, an alias to another host do not do */
    bool tlsrpt;      /* a row for it */
    sgl_view tls_rua; /* "mailto:..."; empty: mailto:tls-reports@DOMAIN */

    const struct sgl_setup_reports *reports; /* for the coach; NULL: none were read */
};

/* ---- what is answered ---------------------------------------------------------------------------------------------- */

struct sgl_setup_old { /* a record that stands in the way */
    enum sgl_rr type;
    sgl_view value; /* as in a row, but raw: TXT may hold any bytes */
};

struct sgl_setup_row {
    enum sgl_setup_purpose purpose;
    enum sgl_rr type;     /* TXT, MX or CNAME */
    struct sgl_name name; /* the whole name */
    struct sgl_name zone; /* the zone that it goes into */
    sgl_view
        relative; /* the name as it is typed inside that zone: "s1._domainkey.mail"; "@" for the zone itself */
    /*
     * What to publish, printable ASCII: the text of a TXT record; "10 host." and "host." with the final dot that a zone file needs.  With check it holds what is there
     * already.  Empty: nothing can or need be published, see `why`.
     */
    sgl_view value;
    bool required; /* nothing is sent before it is there */

    /* From here on of check only. */
    enum sgl_setup_state state;
    const char *
        code; /* what is wrong, stable, for scripts: "dkim-truncated"; "" when nothing is. lib/setup/setup_internal.h lists them */
    sgl_view found; /* what is there, escaped; several are joined by " | "; empty: nothing */
    sgl_view
        why; /* one sentence, printable; empty where all is well. Also of a row that is PRESENT: what would be better */
    bool merged;  /* value is what is there with our part added: it replaces it */
    bool publish; /* value is not what stands there now: it is to be published */
    const struct sgl_setup_old *old; /* to be removed at this name when value is published */
    size_t old_count;
};

/* [RFC 9989] none -> quarantine -> reject.  pct= is history, and t=y takes the step back. */
enum sgl_setup_step {
    SGL_SETUP_STEP_UNKNOWN,    /* the lookup failed */
    SGL_SETUP_STEP_PUBLISH,    /* there is no usable record: publish that of the row */
    SGL_SETUP_STEP_REPORTS,    /* nobody is asked for reports */
    SGL_SETUP_STEP_MEND,       /* SPF or DKIM are not in place, or mail of one's own fails */
    SGL_SETUP_STEP_WAIT,       /* too few reports were read */
    SGL_SETUP_STEP_QUARANTINE, /* the next one is safe */
    SGL_SETUP_STEP_REJECT,     /* the next one is safe */
    SGL_SETUP_STEP_DONE,       /* p=reject holds */
};
/* "unknown", "publish", "reports", "mend", "wait", "quarantine", "reject", "done". */
SGL_API const char *sgl_setup_step_name(enum sgl_setup_step step);

struct sgl_setup_coach {
    enum sgl_setup_step step;
    bool has_policy;
    enum sgl_dmarc_policy now; /* what receivers do today: t=y counted */
    sgl_view text;             /* a sentence or two: what to do, and why not more yet */
    sgl_view record;           /* to publish at _dmarc for this step; empty: nothing changes */
};

struct sgl_setup {
    struct sgl_name domain, zone;
    bool zone_known; /* given, or seen in DNS; else guessed */
    const struct sgl_setup_row *row;
    size_t rows;
    bool ready;                   /* all that is required is PRESENT */
    bool failed;                  /* a row is UNKNOWN */
    struct sgl_setup_coach coach; /* of check, and not for a parked domain: else zeroed */
    struct sgl_findings findings; /* of check: what else is worth knowing about the records */
};

/*
 * What to publish when nothing is known of what is there.
 *
 * out    set only with SGL_OK; its views live as long as arena and request
 * Returns SGL_OK; SGL_E_MISUSE: a part of the request is not what it must be; SGL_E_SYNTAX: the domain is too long for the names below it; SGL_E_NOMEM; SGL_E_LIMIT: the
 * arena is full.  Unless SGL_OK the arena is where it was.
 */
SGL_API enum sgl_status sgl_setup_rows(const struct sgl_setup_request *request,
                                       struct sgl_arena *arena, struct sgl_setup *out) SGL_MUST_USE;
/*
 * The same rows, in the same order, beside what is published.
 *
 * dns    asked are TXT, MX, CNAME, NS, A and AAAA: give it room for SGL_LIMIT_SETUP_QUESTIONS, and answers that no cache has kept
 * arena  SGL_LIMIT_SETUP_MEMORY is enough
 * out    set only with SGL_OK; its views live as long as arena, snapshot and request
 * Returns like sgl_setup_rows(), and SGL_NEED_DNS.
 */
SGL_API enum sgl_status sgl_setup_check(const struct sgl_setup_request *request,
                                        struct sgl_dns *dns, struct sgl_arena *arena,
                                        struct sgl_setup *out) SGL_MUST_USE;

/* ---- what it is written as ----------------------------------------------------------------------------------------- */

/* A TXT text in zone-file form: strings of at most 255 bytes in quotes, escaped  [RFC 1035 s3.3, s5.1]. */
SGL_API void sgl_setup_put_txt(sgl_view text, struct sgl_buf *out);

#ifdef __cplusplus
}
#endif
#endif
