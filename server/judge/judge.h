/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be made of a message that arrives: the verdict of libsigillo, reached over the resolver, and what a policy of ours does about it.
 *
 *     g = judge_begin(judge, &request, header);
 *     while (body arrives) judge_body(g, piece);
 *     judge_finish(g, loop, done, ctx);        -> done(ctx, g) later on that loop
 *     judge_decide(&policy, &facts, &decision);
 *     judge_free(g);
 *
 * Knows neither store nor configuration: any process can judge.
 */
#ifndef SERVER_JUDGE_JUDGE_H
#define SERVER_JUDGE_JUDGE_H

#include "../loop/loop.h"
#include "sigillo/verdict.h"

/* ---- the verdict --------------------------------------------------------------------------------------------------- */

struct resolver;
struct judge;
struct judging; /* one message */

struct judge_setup {
    struct resolver *resolver;
    struct loop *resolver_loop; /* where it lives */
    uint32_t timeout_ms;        /* for all answers to one message; 0: 20 s */
    size_t memory_max;          /* of all messages that are judged at once; 0: 64 MiB */
    enum sgl_dmarc_rules rules;
    const struct sgl_psl *psl; /* as in struct sgl_verdict_request */
};
struct judge *judge_new(const struct judge_setup *setup); /* NULL: memory */
void judge_free(struct judge *j); /* no message is judged any more; NULL accepted */

struct judge_request {
    struct sgl_ip ip; /* version 0: the connection is not known */
    sgl_view helo, sender, authserv_id;
    sgl_time now;
    struct sgl_arc_trust trust; /* outlives the judging */
};
/*
 * A message begins.  Any thread; what follows happens on one thread at a time.
 *
 * header   the header section, or the whole message; outlives the judging. Lines end in CRLF
 * NULL: memory. What else is wrong is told at the end, by judging_status().
 */
struct judging *judge_begin(struct judge *j, const struct judge_request *request, sgl_view header);
void judge_body(struct judging *g, sgl_view piece); /* cut anywhere */
/* The body is over. done() comes later on that loop, never inside the call. */
void judge_finish(struct judging *g, struct loop *loop, void (*done)(void *ctx, struct judging *g),
                  void *ctx);
/*
 * After done(): SGL_OK, and there is a verdict; SGL_E_SYNTAX: it is no message (no header field); SGL_E_LIMIT: its header asks for more than we give; SGL_E_NOMEM: no memory now,
 * or too much is judged at once.
 */
enum sgl_status judging_status(const struct judging *g);
/* NULL unless SGL_OK. Lives as long as g, with all that it leads to. */
const struct sgl_verdict *judging_verdict(const struct judging *g);
const struct sgl_headers *judging_headers(const struct judging *g);
/* Not between judge_finish() and done(), unless both loops have ended. NULL accepted. */
void judging_free(struct judging *g);

struct judge_stats {
    uint64_t messages, failed; /* failed: no verdict */
    uint64_t late;             /* questions stayed open until the time was over */
    uint64_t memory;           /* held now */
};
void judge_stats(const struct judge *j, struct judge_stats *out); /* any thread; approximate */

/* ---- what to do about it; pure ------------------------------------------------------------------------------------- */

/*
 * Did the message come here by way of somebody else, as far as its fields tell?  A policy of "reject" alone must not refuse what a list or a forwarder passed
 * on.  [RFC 9989 s7.4]
 */
enum judge_path {
    JUDGE_PATH_DIRECT,  /* nothing says so */
    JUDGE_PATH_LIST,    /* List-Id, List-Post, Mailing-List, "Precedence: list" */
    JUDGE_PATH_RELAYED, /* Resent-..., Delivered-To, X-Forwarded-..., an ARC set */
};
enum judge_path judge_path_of(const struct sgl_headers *headers);

enum judge_mode {
    JUDGE_FOLLOW,     /* what the author's domain asks for */
    JUDGE_QUARANTINE, /* but nothing is refused */
    JUDGE_MARK,       /* the message is accepted, its fields tell */
};
const char *judge_mode_name(enum judge_mode mode); /* "follow", "quarantine", "mark" */
bool judge_mode_parse(sgl_view name, enum judge_mode *out);

enum judge_action { JUDGED_ACCEPT, JUDGED_QUARANTINE, JUDGED_REJECT, JUDGED_DEFER };
const char *judge_action_name(enum judge_action action); /* "accept", ... */

/* Why what is done is not what the domain asks for.  [RFC 9990 s3.1.1.9] */
enum judge_reason {
    JUDGE_LOCAL_POLICY,
    JUDGE_MAILING_LIST,
    JUDGE_OTHER,
    JUDGE_POLICY_TEST_MODE,
    JUDGE_TRUSTED_FORWARDER,
};
const char *judge_reason_name(enum judge_reason reason); /* "local_policy", ... */
bool judge_reason_parse(sgl_view name, enum judge_reason *out);

/* Mail that is let through though it fails: of these networks, and authenticated as one of these domains, where both are given. */
struct judge_override {
    const char *name;
    const struct sgl_ip_prefix *network;
    size_t networks;
    const sgl_view *
        domain; /* A-labels: d= of a signature that passes, or the domain that SPF passed; ".example.org" is all below it */
    size_t domains;
    enum judge_reason reason;
    const char *comment; /* for the reports; NULL: the name */
};

struct
    judge_policy { /* zeroed: the domain's policy is followed, and what cannot be looked up waits */
    enum judge_mode dmarc;
    /* SPF says "fail", and the author's domain has no DMARC policy. Where it has one, SPF alone decides nothing. */
    enum judge_action spf_fail;
    /* The policy, or what decides whether it applies, could not be looked up. */
    enum judge_temperror {
        JUDGE_TEMPERROR_DEFER,
        JUDGE_TEMPERROR_QUARANTINE,
        JUDGE_TEMPERROR_ACCEPT
    } on_temperror;
    const struct judge_override *override;
    size_t overrides;
};

struct judge_facts {
    const struct sgl_verdict *verdict;
    struct sgl_ip ip;
    enum judge_path path;
};

enum judge_disposition { /* what a DMARC report tells  [RFC 9990 s3.1.1.8] */
                         JUDGE_DISPOSED_NONE,
                         JUDGE_DISPOSED_PASS,
                         JUDGE_DISPOSED_QUARANTINE,
                         JUDGE_DISPOSED_REJECT,
};
const char *judge_disposition_name(enum judge_disposition disposition);

#define JUDGE_REASONS_MAX 3
struct judge_decision {
    enum judge_action action;
    uint16_t code;    /* 250, 451, 550 */
    char enhanced[8]; /* "5.7.1"  [RFC 7372; RFC 9989 s7.2] */
    char text[384];   /* one line, printable; for people at the other end */
    enum judge_disposition disposition;
    struct judge_given {
        enum judge_reason reason;
        char comment[200]; /* printable, may be empty */
    } given[JUDGE_REASONS_MAX];
    size_t givens;
    const char *override; /* the name of the one that was used, or NULL */
    bool unanswered; /* DNS did not tell: on_temperror decided, and it says nothing of anybody */
};
void judge_decide(const struct judge_policy *policy, const struct judge_facts *facts,
                  struct judge_decision *out);

#endif
