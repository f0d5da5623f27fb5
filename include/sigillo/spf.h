/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sender Policy Framework  [RFC 7208, 7372, 8616]: may this address send mail in that domain's name?
 *
 * Three things: the record as data (parse), one evaluation for one client (check), and the tree of everything a record
 * includes (tree), whoever the client is.
 */
#ifndef SIGILLO_SPF_H
#define SIGILLO_SPF_H

#include "sigillo/dns.h"
#include "sigillo/finding.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the record as data ------------------------------------------------------------------------------------------- */

enum sgl_spf_mechanism {
    SGL_SPF_ALL,
    SGL_SPF_INCLUDE,
    SGL_SPF_A,
    SGL_SPF_MX,
    SGL_SPF_PTR,
    SGL_SPF_IP4,
    SGL_SPF_IP6,
    SGL_SPF_EXISTS,
};

/* [RFC 7208 s2.6] */
enum sgl_spf_result {
    SGL_SPF_NONE,
    SGL_SPF_NEUTRAL,
    SGL_SPF_PASS,
    SGL_SPF_FAIL,
    SGL_SPF_SOFTFAIL,
    SGL_SPF_TEMPERROR,
    SGL_SPF_PERMERROR,
};
/* "none", "neutral", "pass", ... */
SGL_API const char *sgl_spf_result_name(enum sgl_spf_result result);

struct sgl_spf_term {
    sgl_view text; /* as written, with its qualifier */
    enum sgl_spf_mechanism mechanism;
    enum sgl_spf_result qualifier; /* what a match means: PASS, FAIL, SOFTFAIL or NEUTRAL */
    sgl_view domain; /* the domain-spec, macros unexpanded; empty: the current domain */
    struct sgl_ip_prefix network; /* IP4, IP6 */
    uint8_t bits4, bits6;         /* A, MX: length of the prefix; 32 and 128 when not given */
};

struct sgl_spf_record {
    sgl_view text;
    const struct sgl_spf_term *term; /* mechanisms in their order */
    size_t count;
    sgl_view redirect, exp; /* domain-specs; ptr is NULL when absent */
};

/* Is this TXT text an SPF record: "v=spf1" and then a blank or the end?  [RFC 7208 s4.5] */
SGL_API bool sgl_spf_is_record(sgl_view txt);
/*
 * Reads one record, whole: terms behind "all" are checked, too  [RFC 7208 s4.6].
 *
 * text   borrowed; views of the result point into it, its terms live in the arena
 * out    set only with SGL_OK
 * diag   may be NULL
 * SGL_OK; SGL_E_SYNTAX (diag: which rule, where; a record in which this happens is a permerror); SGL_E_LIMIT: over SGL_LIMIT_SPF_RECORD bytes or
 * SGL_LIMIT_SPF_TERMS terms, or the arena is full; SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_spf_parse(sgl_view text, struct sgl_arena *arena,
                                      struct sgl_spf_record *out,
                                      struct sgl_diag *diag) SGL_MUST_USE;

/* ---- one evaluation ------------------------------------------------------------------------------------------------ */

enum sgl_spf_identity {
    SGL_SPF_MAILFROM, /* the reverse-path; postmaster@HELO for the null one  [RFC 7208 s2.4] */
    SGL_SPF_HELO,     /* [RFC 7208 s2.3] */
};

struct sgl_spf_request {
    struct sgl_ip ip; /* of the client; an IPv4-mapped address counts as IPv4 */
    /* Reverse-path without brackets, as the client sent it; empty: the null sender */
    sgl_view sender;
    sgl_view helo; /* as the client sent it */
    enum sgl_spf_identity identity;
    sgl_view receiver; /* our own name, for %{r}; empty: "unknown" */
    sgl_time now;      /* for %{t} */
    bool trace;        /* fill `step` */
};

/* What came of one term. */
enum sgl_spf_outcome {
    SGL_SPF_MATCHED,
    SGL_SPF_NOT_MATCHED,
    SGL_SPF_TERM_TEMPERROR,
    SGL_SPF_TERM_PERMERROR,
    SGL_SPF_ENTERED, /* include and redirect: the steps of the record below follow, then a step with the outcome */
};

struct sgl_spf_step {
    unsigned depth;  /* 0: the first record */
    sgl_view domain; /* whose record */
    sgl_view term;   /* as written */
    sgl_view target; /* the domain that was asked for, macros expanded; empty when none */
    enum sgl_spf_outcome outcome;
    unsigned lookups, void_lookups; /* counted so far, this step included  [RFC 7208 s4.6.4] */
    const char *why;                /* a static sentence; "" when the outcome says it all */
};

struct sgl_spf {
    enum sgl_spf_result result;
    enum sgl_spf_identity identity;
    sgl_view domain; /* that was checked; as an A-label name where it is one, else as given */
    sgl_view sender; /* the address that was checked, "postmaster@..." filled in */
    /*
     * The term that decided, as written ("-all"); "default" when none did.  For errors the one of the first record (or of that which a
     * redirect led to) in which they happened; empty without a record, and where the record itself can't be read.
     */
    sgl_view mechanism;
    sgl_view record; /* of `domain`; empty: none */
    /* Up to the end, or to the term at which the limit was passed  [RFC 7208 s4.6.4] */
    unsigned lookups, void_lookups;
    /* FAIL: the owner's text, third-party, printable US-ASCII of one line; empty: none  [RFC 7208 s6.2] */
    sgl_view explanation;
    const char *problem; /* TEMPERROR, PERMERROR, NONE: a static sentence of why; else "" */
    sgl_view problem_at; /* the domain or term at fault; may be empty. Foreign bytes. */
    const struct sgl_spf_step *step;
    size_t steps;
};

/* Memory that is enough for every evaluation without a trace. */
#define SGL_SPF_ARENA (256 * 1024)

/*
 * check_host()  [RFC 7208 s4]: may this client send for this identity?
 *
 * request  borrowed for the call; the result points into what its views do
 * dns    asked are TXT, A, AAAA, MX and PTR; at most some 120 questions.  Those that follow from one record are noted together, so an evaluation
 *        takes about as many passes as its includes are deep
 * arena  SGL_SPF_ARENA bytes are enough for every record without a trace; an ordinary one takes 1 to 2 KiB
 * out    set only with SGL_OK; views live in the arena, the request or the snapshot
 * Returns SGL_OK for every verdict; SGL_NEED_DNS; SGL_E_NOMEM; SGL_E_LIMIT: the arena is full; SGL_E_MISUSE: no client address.  (A snapshot that
 * takes no more questions is a permerror.)  When it is not SGL_OK the arena is where it was.
 *
 * Where RFC 7208 leaves the choice: a domain-spec that expands to no possible name does not match, but is a permerror in include and redirect
 * (s4.8, s5.2, s6.1); a term counts as one void lookup however many of its questions found nothing (s4.6.4); more than 10 MX records are a
 * permerror even when one of the first ten would match (s4.6.4).
 */
SGL_API enum sgl_status sgl_spf_check(const struct sgl_spf_request *request, struct sgl_dns *dns,
                                      struct sgl_arena *arena, struct sgl_spf *out) SGL_MUST_USE;

/* Appends "Received-SPF: ..." CRLF, folded; what the client chose is quoted. Returns out->status.  [RFC 7208 s9.1] */
SGL_API enum sgl_status sgl_spf_put_received(const struct sgl_spf *spf,
                                             const struct sgl_spf_request *request,
                                             struct sgl_buf *out) SGL_MUST_USE;
/*
 * What to say to the client that is refused for this: "550 5.7.23", "451 4.7.24", "550 5.7.24" and a text  [RFC 7372 s3.2].
 * Appended is the enhanced status and the text, one line of at most 500 printable bytes; *code is the reply's number, or 0 (and nothing is appended)
 * for results that are no reason to refuse: softfail and neutral, too  [RFC 7208 s8.2, s8.5].  SGL_E_* from the buffer.
 */
SGL_API enum sgl_status sgl_spf_put_reply(const struct sgl_spf *spf, unsigned *code,
                                          struct sgl_buf *out) SGL_MUST_USE;

/* ---- the tree ------------------------------------------------------------------------------------------------------ */

struct sgl_spf_node {
    sgl_view text; /* the term as written, modifiers included */
    /* The name it looks at; empty: none, or it has macros that only a client fills in */
    sgl_view target;
    unsigned lookups; /* of this term and of all below it  [RFC 7208 s4.6.4] */
    /* Terms, this one and all below it, that find nothing for a client over IPv4 */
    unsigned void_lookups;
    unsigned void_lookups6; /* the same for a client over IPv6 */
    sgl_view record;        /* include, redirect: the record found there; empty: none */
    /* A static sentence: why nothing hangs below it, or what is wrong with it; "" */
    const char *fault;
    enum sgl_severity severity; /* of the fault */
    /* Behind "all", or a redirect beside it: no receiver looks at it, it costs nothing */
    bool ignored;
    const struct sgl_spf_node *child; /* terms of that record */
    size_t children;
};

struct sgl_spf_tree {
    struct sgl_name domain;
    sgl_view record; /* empty: none, or more than one */
    size_t records;  /* SPF records at the name */
    bool failed;     /* a lookup failed or was not allowed any more: the tree is not whole */
    unsigned lookups, void_lookups, void_lookups6;
    const struct sgl_spf_node *node;
    size_t nodes;
    struct sgl_findings findings;
};

/*
 * Everything that the record of a domain says, and what is wrong with it, whoever the client is.
 *
 * A term behind a match is walked, too: some other client gets there.  Terms that no client gets to (behind "all") are shown, but neither walked
 * nor counted.  A name that includes itself is entered once; behind SGL_LIMIT_SPF_TREE_LOOKUPS nothing is entered any more.  Of the macros,
 * %{d} and %{o} are filled in (the sender is of this domain), what has others is not looked up.  Void lookups are counted by asking for A and AAAA.
 *
 * dns    asked are TXT, SPF, A, AAAA and MX: give it room for some 2000 questions (a hostile record), or see `failed`
 * Codes of the findings begin with "spf-" and stay as they are, for scripts; what each means is in its text.
 * Returns SGL_OK for every record; SGL_NEED_DNS; SGL_E_NOMEM; SGL_E_LIMIT: the arena is full.  `out` and the arena are as they were unless SGL_OK.
 */
SGL_API enum sgl_status sgl_spf_tree(struct sgl_name domain, struct sgl_dns *dns,
                                     struct sgl_arena *arena,
                                     struct sgl_spf_tree *out) SGL_MUST_USE;
/*
 * The same for a record that is not published (yet): `record` stands at `domain` instead of what is there.  dns may be NULL: nothing is asked,
 * and every term costs what it costs by itself.  SGL_E_SYNTAX: `record` does not begin as an SPF record does.
 */
SGL_API enum sgl_status sgl_spf_tree_text(struct sgl_name domain, sgl_view record,
                                          struct sgl_dns *dns, struct sgl_arena *arena,
                                          struct sgl_spf_tree *out) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
