/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS as a value: a snapshot, for one message (or one destination), of answers known and questions open.
 *
 *   for (;;) {
 *       st = evaluator(..., dns, ...);           reads answers with sgl_dns_get(); a missing one becomes a question
 *       if (st != SGL_NEED_DNS) break;
 *       for each sgl_dns_next_open(): resolve, then sgl_dns_add_answer() or sgl_dns_fail()
 *   }
 *
 * An answer once given stays as it is until the snapshot ends.  Records are sorted by their bytes and doubles are dropped, so that
 * the same zone gives the same result whatever order a server chose.  A failure is an answer, too.
 */
#ifndef SIGILLO_DNS_H
#define SIGILLO_DNS_H

#include "sigillo/dns_name.h"
#include "sigillo/ip.h"

#ifdef __cplusplus
extern "C" {
#endif

/* the numbers of the registry */
enum sgl_rr {
    SGL_RR_A = 1,
    SGL_RR_NS = 2,
    SGL_RR_CNAME = 5,
    SGL_RR_PTR = 12,
    SGL_RR_MX = 15,
    SGL_RR_TXT = 16,
    SGL_RR_AAAA = 28,
    SGL_RR_TLSA = 52,
    SGL_RR_SPF = 99, /* no longer in use [RFC 7208 s3.1]: asked for only to say so */
};
/* "MX"; "TYPE99" is not needed: "?" for others. */
SGL_API const char *sgl_rr_name(enum sgl_rr type);

enum sgl_dns_outcome {
    SGL_DNS_OK, /* records of this type exist (at least one was sent, even if all were malformed) */
    SGL_DNS_NODATA,   /* the name exists, the type does not */
    SGL_DNS_NXDOMAIN, /* no such name [RFC 8020] */
    SGL_DNS_FAILED,   /* SERVFAIL, timeout, refused, too long: nothing is known */
    SGL_DNS_BOGUS,    /* DNSSEC validation failed: nothing that was sent may be believed */
};

enum sgl_dns_security {
    SGL_DNS_INSECURE,
    SGL_DNS_SECURE, /* validated, each link of the alias chain and the records (or the denial) at its end */
};

struct sgl_tlsa {
    uint8_t usage, selector, matching;
    sgl_view data;
};

struct sgl_dns_mx {
    uint16_t preference;
    struct sgl_name host;
};

struct sgl_dns_rr { /* which member is set follows from the answer's type */
    union {
        struct sgl_ip ip; /* A, AAAA */
        struct sgl_dns_mx mx;
        sgl_view txt;         /* the strings of one record, joined */
        struct sgl_name name; /* NS, CNAME, PTR */
        struct sgl_tlsa tlsa;
    };
};

struct sgl_dns_answer {
    struct sgl_name name;
    enum sgl_rr type;
    enum sgl_dns_outcome outcome;
    enum sgl_dns_security security;
    bool aliased;              /* a CNAME (or DNAME) led elsewhere */
    struct sgl_name canonical; /* where it led; the name itself when not aliased */
    uint32_t ttl_s;            /* the least one of the chain */
    const struct sgl_dns_rr *rr;
    size_t count;
    size_t dropped;  /* records that were sent but are malformed, or above SGL_LIMIT_DNS_RECORDS */
    const char *why; /* FAILED, BOGUS: a short reason, printable; else "" */
};

/* Nothing is known: the lookup failed or its answer was forged. */
static inline bool sgl_dns_is_error(const struct sgl_dns_answer *answer)
{
    return answer->outcome == SGL_DNS_FAILED || answer->outcome == SGL_DNS_BOGUS;
}

struct sgl_dns_question {
    struct sgl_name name;
    enum sgl_rr type;
};

struct sgl_dns_entry;

struct sgl_dns {
    struct sgl_arena arena; /* names, records, entries */
    struct sgl_dns_entry *first, *last;
    size_t got, got_max; /* different questions that sgl_dns_get() was asked, and how many may be */
    size_t wanted;       /* entries that only sgl_dns_want() made */
    size_t open;
    size_t bulk; /* bytes of answers above SGL_LIMIT_DNS_SMALL */
};

/* got_max 0: SGL_LIMIT_DNS_QUESTIONS. */
SGL_API void sgl_dns_init(struct sgl_dns *dns, size_t got_max);
SGL_API void sgl_dns_done(struct sgl_dns *dns); /* zeroed accepted */
/* Forgets all questions and answers, keeps the limits. */
SGL_API void sgl_dns_reset(struct sgl_dns *dns);

/* ---- for evaluators ---------------------------------------------------------------------------------------------- */

/*
 * The answer to a question.  *out lives as long as the snapshot.
 * SGL_OK; SGL_NEED_DNS: noted as a question; SGL_E_LIMIT: got_max different questions were asked already, or the snapshot's
 * memory has reached its maximum; SGL_E_NOMEM.  *out is set only with SGL_OK.
 */
SGL_API enum sgl_status sgl_dns_get(struct sgl_dns *dns, struct sgl_name name, enum sgl_rr type,
                                    const struct sgl_dns_answer **out) SGL_MUST_USE;
/* Notes a question that is certain to be asked, so that it travels with others. Never changes a result: when it can't be noted, nothing happens. */
SGL_API void sgl_dns_want(struct sgl_dns *dns, struct sgl_name name, enum sgl_rr type);

/* ---- for drivers ------------------------------------------------------------------------------------------------- */

/* Open questions in the order they were asked: NULL gives the first one; NULL comes back after the last. Answering the one just returned is fine. */
SGL_API const struct sgl_dns_question *sgl_dns_next_open(const struct sgl_dns *dns,
                                                         const struct sgl_dns_question *after);
static inline size_t sgl_dns_open(const struct sgl_dns *dns)
{
    return dns->open;
}

/* An answer as it came from a resolver. Everything is borrowed for the call. */
struct sgl_dns_raw {
    struct sgl_name name;
    enum sgl_rr type;
    enum sgl_dns_outcome outcome;
    enum sgl_dns_security security;
    /* Text of the last name of the alias chain, a final dot allowed; empty: no alias */
    sgl_view canonical;
    uint32_t ttl_s;
    const sgl_view *rdata; /* wire form, names uncompressed */
    size_t rdatas;
    sgl_view why; /* for FAILED and BOGUS */
};
/*
 * Adds an answer; one that is there already stays.  Also for questions that nobody asked (yet).
 * OK without records becomes NODATA; an alias that is not a possible name becomes FAILED; errors are never secure.
 * SGL_E_LIMIT, SGL_E_NOMEM: not added; sgl_dns_fail() always works.  An answer that takes up to SGL_LIMIT_DNS_SMALL always has room, larger ones
 * share SGL_LIMIT_DNS_SNAPSHOT.
 */
SGL_API enum sgl_status sgl_dns_add_answer(struct sgl_dns *dns,
                                           const struct sgl_dns_raw *raw) SGL_MUST_USE;
/* Answers an open question with SGL_DNS_FAILED. `why` is a static text. Needs no memory; nothing happens when it is not open. */
SGL_API void sgl_dns_fail(struct sgl_dns *dns, struct sgl_name name, enum sgl_rr type,
                          const char *why);
/* The deadline has passed: all that is open has failed. */
SGL_API void sgl_dns_fail_open(struct sgl_dns *dns, const char *why);

#ifdef __cplusplus
}
#endif
#endif
