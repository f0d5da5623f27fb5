/* SPDX-License-Identifier: Apache-2.0 */
/* DMARC by RFC 9989 (tree walk), or by RFC 7489 (Public Suffix List) where a receiver chooses so. */
#ifndef SIGILLO_DMARC_H
#define SIGILLO_DMARC_H

#include "sigillo/dkim_verify.h"
#include "sigillo/header.h"
#include "sigillo/psl.h"
#include "sigillo/spf.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the record as data -------------------------------------------------------------------------------------------- */

enum sgl_dmarc_policy { SGL_DMARC_POLICY_NONE, SGL_DMARC_QUARANTINE, SGL_DMARC_REJECT };
/* "none", "quarantine", "reject". */
SGL_API const char *sgl_dmarc_policy_name(enum sgl_dmarc_policy policy);
enum sgl_dmarc_psd { SGL_DMARC_PSD_UNKNOWN, SGL_DMARC_PSD_YES, SGL_DMARC_PSD_NO };
/* fo= */
enum {
    SGL_DMARC_FO_ALL = 1,  /* "0": nothing aligned passed */
    SGL_DMARC_FO_ANY = 2,  /* "1" */
    SGL_DMARC_FO_DKIM = 4, /* "d" */
    SGL_DMARC_FO_SPF = 8,  /* "s" */
};

struct sgl_dmarc_record {
    sgl_view text;
    bool has_p, has_sp, has_np;      /* there, and valid */
    bool bad_p, bad_sp, bad_np;      /* there, and not valid */
    enum sgl_dmarc_policy p, sp, np; /* as published; only where has_* */
    bool strict_dkim, strict_spf;    /* adkim=s, aspf=s */
    enum sgl_dmarc_psd psd;
    bool test; /* t=y */
    unsigned fo;
    const sgl_view *rua,
        *ruf; /* valid URIs of any scheme, without a "!10m" at the end; at most SGL_LIMIT_DMARC_URIS each */
    size_t ruas, rufs;
    unsigned percent;    /* pct=, for RFC 7489 only; 100 when absent */
    uint32_t interval_s; /* ri=, for RFC 7489 only; 86400 when absent */
};

/* Is this TXT text a DMARC record: the first tag is v with the value DMARC1?  [RFC 9989 s4.7] */
SGL_API bool sgl_dmarc_is_record(sgl_view txt);
/*
 * Reads one record  [RFC 9989 s4.7].
 *
 * text   borrowed; views of the result point into it and the arena
 * out    set only with SGL_OK
 * diag   may be NULL
 * SGL_OK for all that begins with v=DMARC1, however damaged behind it (a bad tag is ignored; bad_p and its sisters say so);
 * SGL_E_SYNTAX: not a DMARC record, or a tag stands twice; SGL_E_LIMIT: more than SGL_LIMIT_TAGS tags, or the arena is full; SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_dmarc_parse(sgl_view text, struct sgl_arena *arena,
                                        struct sgl_dmarc_record *out,
                                        struct sgl_diag *diag) SGL_MUST_USE;
/*
 * What is wrong with the record of this domain, for its owner: codes dmarc-...  Whether hosts of others accept the reports is not asked here (sgl_dmarc_destination()).
 * The findings are added to *out.  SGL_OK for every text; SGL_E_LIMIT: the arena is full; SGL_E_NOMEM; *out is as it was then.
 */
SGL_API enum sgl_status sgl_dmarc_lint(struct sgl_name domain, sgl_view text,
                                       struct sgl_arena *arena,
                                       struct sgl_findings *out) SGL_MUST_USE;
/* Appends the record's text in the order v, p, sp, np, adkim, aspf, psd, t, fo, rua, ruf; what is default is left out.  SGL_E_SYNTAX: a URI is not one; SGL_E_LIMIT, SGL_E_NOMEM. */
SGL_API enum sgl_status sgl_dmarc_put(const struct sgl_dmarc_record *record,
                                      struct sgl_buf *out) SGL_MUST_USE;

/*
 * The host that reports to this URI go to: the domain of a mailto: address, the host of any other URI.
 * SGL_OK; SGL_E_SYNTAX: not a valid URI of a record, or without a host name; SGL_E_LIMIT; SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_dmarc_uri_host(sgl_view uri, struct sgl_arena *arena,
                                           struct sgl_name *out) SGL_MUST_USE;

/* ---- whose mail is it? --------------------------------------------------------------------------------------------- */

enum sgl_dmarc_author {
    SGL_DMARC_AUTHOR_OK,
    SGL_DMARC_AUTHOR_NO_FIELD,
    SGL_DMARC_AUTHOR_FIELDS,  /* more than one From */
    SGL_DMARC_AUTHOR_SYNTAX,  /* cannot be read */
    SGL_DMARC_AUTHOR_NONE,    /* no mailbox, or only address literals */
    SGL_DMARC_AUTHOR_DOMAINS, /* mailboxes of different domains */
};
SGL_API const char *sgl_dmarc_author_name(enum sgl_dmarc_author state); /* a sentence */
/*
 * The Author Domain: the one domain of the one From field, as A-labels  [RFC 9989 s5.3.1].  Several mailboxes of one domain are one domain, and members of a group
 * count like others.  A state other than OK means that DMARC cannot judge the message, not that it is harmless  [RFC 9989 s11.5].
 *
 * domain   set for OK only; lives in the arena
 * Returns SGL_OK for every message, SGL_E_NOMEM, SGL_E_LIMIT (the arena is full).
 */
SGL_API enum sgl_status sgl_dmarc_author(const struct sgl_headers *headers, struct sgl_arena *arena,
                                         enum sgl_dmarc_author *state,
                                         struct sgl_name *domain) SGL_MUST_USE;

/* ---- one evaluation ------------------------------------------------------------------------------------------------ */

enum sgl_dmarc_rules { SGL_DMARC_RFC9989, SGL_DMARC_RFC7489 };

enum sgl_dmarc_result {
    SGL_DMARC_NONE,
    SGL_DMARC_PASS,
    SGL_DMARC_FAIL,
    SGL_DMARC_TEMPERROR,
    SGL_DMARC_PERMERROR
};
/* "none", "pass", "fail", "temperror", "permerror": as in Authentication-Results  [RFC 9989 s9.1]. */
SGL_API const char *sgl_dmarc_result_name(enum sgl_dmarc_result result);

enum sgl_dmarc_auth { SGL_DMARC_AUTH_FAIL, SGL_DMARC_AUTH_PASS, SGL_DMARC_AUTH_TEMPERROR };
struct sgl_dmarc_identifier { /* what SPF (MAIL FROM only) or one DKIM signature said */
    sgl_view domain;
    enum sgl_dmarc_auth auth;
};

struct sgl_dmarc_request {
    struct sgl_name author;                 /* the Author Domain */
    const struct sgl_dmarc_identifier *spf; /* NULL: not checked */
    const struct sgl_dmarc_identifier *dkim;
    size_t dkims;
    enum sgl_dmarc_rules rules;
    /* RFC7489: needed, else SGL_E_MISUSE. RFC9989: optional guard against a top-level record */
    const struct sgl_psl *psl;
    unsigned sample; /* RFC7489: 0..99, drawn by the caller, compared with pct= */
};

/* Also what a row of an aggregate report needs: policy_published, policy_evaluated and discovery_method  [RFC 9990 s3.1.1]. */
struct sgl_dmarc {
    enum sgl_dmarc_result result;
    enum sgl_dmarc_rules rules; /* discovery_method: treewalk or psl */
    const char *reason;         /* a static sentence; "" for PASS */
    struct sgl_name author;
    /* Organizational Domain of the author; root: a lookup failed, it is not known */
    struct sgl_name org;
    struct sgl_name policy_domain;  /* where the record that applies was found; root when none */
    sgl_view record;                /* its text; empty: none */
    struct sgl_dmarc_record parsed; /* zeroed when none */
    bool has_policy;                /* policy and requested are set */
    /* p=, sp= or np=, as published; NONE where the record is treated as p=none */
    enum sgl_dmarc_policy requested;
    enum sgl_dmarc_policy policy; /* the same after t=y or pct= */
    /* What the owner asks to be done with this message: NONE unless result is FAIL */
    enum sgl_dmarc_policy disposition;
    char tag[3]; /* which one it was: "p", "sp", "np"; "" where the record is treated as p=none */
    bool tested; /* t=y or pct= weakened it: report reason policy_test_mode */
    bool spf_aligned, dkim_aligned; /* passed and aligned */
    size_t dkim_index;              /* the first aligned passing signature in the request */
    /* np could not be told from sp: the lookup failed; a PASS shows the one for existing names */
    bool author_exists_unknown;
    /* The names below which _dmarc was asked for the author, in order */
    const struct sgl_name *asked;
    size_t asked_count;
};

/*
 * The policy that applies to a message of this author, and what it says of it  [RFC 9989 s4.10, s5.3]; by RFC 7489 where the request says so.
 *
 * request  borrowed for the call
 * dns    asked: TXT at _dmarc names of at most 8 per walk, walks of author and identifiers together, and the existence of the author (TXT) where np= matters.
 *        Identifiers that cannot share the author's Organizational Domain cost no question; at most SGL_LIMIT_DMARC_WALKS of the others are followed.
 *        A snapshot that takes no more questions counts as a failed lookup.
 * out    set only with SGL_OK; lives as long as the arena and the snapshot
 * Returns SGL_OK, SGL_NEED_DNS, SGL_E_MISUSE (no author; RFC7489 without psl), SGL_E_LIMIT (the arena is full), SGL_E_NOMEM; unless SGL_OK the arena is where it was.
 */
SGL_API enum sgl_status sgl_dmarc_check(const struct sgl_dmarc_request *request,
                                        struct sgl_dns *dns, struct sgl_arena *arena,
                                        struct sgl_dmarc *out) SGL_MUST_USE;
/* The Organizational Domain of a name by the tree walk  [RFC 9989 s4.10.2]; the root: a lookup failed, it is not known. *out is a tail of name. Returns as sgl_dmarc_check(). */
SGL_API enum sgl_status sgl_dmarc_org(struct sgl_name name, struct sgl_dns *dns,
                                      struct sgl_arena *arena, struct sgl_name *out) SGL_MUST_USE;

/*
 * May reports about policy_domain go to this destination host?  [RFC 9990 s4]
 *
 * OWN         both have one Organizational Domain: no permission is needed
 * AUTHORISED  the host publishes a record that allows it
 * REFUSED     it does not, or the name to ask for is too long
 * TEMPERROR   a lookup failed
 */
enum sgl_dmarc_destination {
    SGL_DMARC_DEST_OWN,
    SGL_DMARC_DEST_AUTHORISED,
    SGL_DMARC_DEST_REFUSED,
    SGL_DMARC_DEST_TEMPERROR
};
/*
 * rua    AUTHORISED only: the destination's replacement, a URI of the same host; else empty. In the snapshot.
 * dns    asked: one TXT, and two walks where the names have a label in common
 * Returns as sgl_dmarc_check(); *out and *rua are set only with SGL_OK.
 */
SGL_API enum sgl_status sgl_dmarc_destination(struct sgl_name policy_domain, struct sgl_name host,
                                              struct sgl_dns *dns, struct sgl_arena *arena,
                                              enum sgl_dmarc_destination *out,
                                              sgl_view *rua) SGL_MUST_USE;
/* The same for failure reports: *ruf is what ruf= of that record says  [RFC 9991 s3]. */
SGL_API enum sgl_status sgl_dmarc_failure_destination(struct sgl_name policy_domain,
                                                      struct sgl_name host, struct sgl_dns *dns,
                                                      struct sgl_arena *arena,
                                                      enum sgl_dmarc_destination *out,
                                                      sgl_view *ruf) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
