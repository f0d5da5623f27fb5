/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one gate that every door leads to: may this identity send this, right now?  Recipients that are suppressed end here.  Then the message is completed (Date, Message-ID, Received), signed, made durable, and
 * handed to the queue.  The door only translates the answer into its own language.
 */
#ifndef SERVER_ADMISSION_ADMISSION_H
#define SERVER_ADMISSION_ADMISSION_H

#include "../config/config.h"
#include "../directory/directory.h"
#include "../guard/guard.h"
#include "../limits/limits.h"
#include "../lists/lists.h"
#include "../queue/queue.h"

struct admission;

struct admission_config {
    sgl_view hostname;
    size_t message_size_max, recipients_max,
        memory_max; /* memory_max: bodies in memory, all doors together */
    uint32_t expire_s;
    struct domain_rules domains; /* when a domain may send */
    uint32_t lease_s;            /* of messages born claimed, as the queue's; 0: 600 */
    struct loop *loop;           /* the queue's: notices are signed there. NULL: they go unsigned */
    struct limits *limits;       /* what subscriptions may send; NULL: nothing is counted */
    struct guard *guard;         /* of bulk mail; NULL: nobody looks at it */
    struct lists *lists;         /* links in list mail; NULL: list mail is refused */
    struct config *
        config; /* its pools are those that mail may ask for; a reference is taken. NULL: there are none */
};
struct admission *admission_new(const struct admission_config *config, struct directory *directory,
                                struct keys *keys, struct store *store, struct queue *queue);
void admission_free(struct admission *a);
/* Any thread: the limits and the time to live count for messages from now on; the other members stay as they were. */
void admission_reconfigure(struct admission *a, const struct admission_config *config);

/* A sentence with foreign bytes in place of its "%s": escaped, and `shown` of them at most; about is empty when it has none. */
void admission_sentence(char *out, size_t size, const char *text, sgl_view about, size_t shown);

/* An answer in every door's language. */
struct admission_answer {
    uint16_t smtp;     /* 250, 451, 452, 550, 552, 554 ... */
    char enhanced[12]; /* "2.6.0" */
    uint16_t http;     /* 202, 400, 403, 413, 422, 429, 503 */
    const char *code;  /* a stable word: "sender-not-allowed", "bare-cr", ... */
    char field[64];    /* what is wrong: "MAIL FROM", "From", "to[3].email", "body line 17" */
    char text[256];    /* one sentence for people, printable */
    const char *rule;  /* where a sender may not be one: what decided, "deny-policy"; else NULL */
    uint32_t retry_after_s; /* when it can be tried again, where that is known; else 0 */
};

/*
 * Early checks, so that the client hears at MAIL and RCPT. Pure look-ups, no waiting. true: may go on; false: *out has the refusal.
 * mailbox: the path between the angle brackets as the client wrote it, source route already taken off.
 */
bool admission_may_send_as(struct admission *a, const struct identity *who, sgl_view mailbox,
                           struct admission_answer *out); /* "" (null sender) is allowed */
bool admission_may_send_to(struct admission *a, const struct identity *who, sgl_view mailbox,
                           struct admission_answer *out);
/* Would so many messages go in, one after the other?  Nothing is charged. */
bool admission_may_send_many(struct admission *a, const struct identity *who, sgl_view mailbox,
                             uint64_t messages, struct admission_answer *out);
/* How many messages to one recipient each the limits leave.  Nothing is charged.  false: there is no limit of messages. */
struct admission_rate {
    uint64_t max, left;
    int64_t frees_at_s; /* Unix time, when there is room for one more than `left` */
};
bool admission_rate(struct admission *a, const struct identity *who, struct admission_rate *out);
/* May mail of the subscription be sent from that pool of addresses? */
bool admission_may_use_pool(struct admission *a, sgl_view subscription, sgl_view pool,
                            struct admission_answer *out);
/* Is it one of the configuration, which nobody else changes? */
bool admission_pool_is_configured(struct admission *a, sgl_view subscription, sgl_view name);
/* The address that this text is, if the subscription may send from there, in the one spelling that pools keep. */
bool admission_pool_address(struct admission *a, sgl_view subscription, sgl_view text,
                            char out[INET6_ADDRSTRLEN]);
/* Those that it may, those of the configuration first: each once with the address NULL, and then with each of its addresses. */
void admission_each_pool(struct admission *a, sgl_view subscription,
                         void (*each)(void *ctx, const char *pool, const char *address), void *ctx);
bool admission_has_room(struct admission *a, size_t bytes, struct admission_answer *out);

/*
 * The limits, asked while a message comes in, so that the client hears before it sends all of it.  Nothing is charged: that is done, and decided, when the message is there.
 * Suppressed recipients and those who are named twice are counted here, and not there.
 */
struct admission_draft {
    bool known; /* whose limits count */
    char subscription[80];
    struct limit_charge charge;
};
/* At MAIL: mailbox as above, and the size that the client announced; 0: none. */
bool admission_begin(struct admission *a, const struct identity *who, sgl_view mailbox,
                     uint64_t size, struct admission_draft *d, struct admission_answer *out);
/* At RCPT: one recipient more, valid; it is counted in when the answer is true. */
bool admission_add(struct admission *a, const struct identity *who, sgl_view mailbox,
                   struct admission_draft *d, struct admission_answer *out);
/* For limits_load(): what admission charges beside a subscription. ctx is the directory. */
void admission_charged_beside(void *directory, sgl_view subscription, sgl_view identity,
                              struct limits_names *out);

/*
 * One message on its way in.  The door fills the envelope: message.env_from, env_id, ret, require_tls, tls, smtputf8 (the client announced it), not_before, door, peer, where it
 * has them labels, batch, pool and bypass, and rcpt[].address, orcpt, notify.  Addresses need not be normalised; admission does that, and fills in all the rest of `message`.  A recipient named twice is kept once:
 * rcpts may shrink.
 */
struct submission {
    struct identity *who; /* a reference, owned by the submission's owner; alive until done() */
    struct store_message message; /* strings live in `arena` */
    struct sgl_arena *arena;      /* the door's, lives until done() */
    sgl_view raw; /* header and body as received, CRLF lines, dots removed; alive until done() */
    const uint8_t *body_hash; /* relaxed body hash if the door streamed it (32 bytes), or NULL */
    sgl_view peer_text;       /* for Received: "client.example [192.0.2.1]" */
    sgl_view helo;
    sgl_view protocol; /* "ESMTPSA", "UTF8SMTPSA", "HTTPS" */
    sgl_view tls_text; /* "TLSv1.3 TLS_AES_256_GCM_SHA384", or empty */
    sgl_view list,
        list_name; /* list mail: its id, and its name in UTF-8; ptr NULL: as the header's mark says */
    sgl_view idempotency_key;
    uint8_t request_hash[32];
    /* It is this draft of the store, in this version, which is gone once the message is durable; 0: none */
    uint64_t draft, draft_version;
    struct loop *loop;
    void (*done)(struct submission *s, const struct admission_answer *answer);
    /* filled before done() when accepted: message.id; existing_id when an idempotency key was repeated */
    uint64_t existing_id;
    uint64_t durable_us;            /* from the start of the commit to durable */
    struct admission_answer answer; /* what done() gets; admission's own, as what follows */
    struct admission *admission;
    struct admission_all *all;
    struct loop_task task;
    void *private_;
};
/* done() is always called, later, on s->loop; s must live until then. Only an answer of 250/202 means: durable. */
void admission_submit(struct admission *a, struct submission *s);

/*
 * Several messages of one request: all become durable, or none does.  Each is checked, charged and signed as any other, one after the other; for it 250/202 means that it is
 * ready, and its submission may go.  Its bytes wait in memory; when those of all together are too many, in a file.  A submission of several has no idempotency key.
 */
struct admission_all;
struct admission_all *admission_all_new(struct admission *a, struct loop *loop); /* or NULL */
void admission_all_add(struct admission_all *all, struct submission *s);
/* Once, when each that was added is ready. done() is called later on the loop; the answer is that of one message, and 250/202 means: all are durable. */
void admission_all_commit(struct admission_all *all,
                          void (*done)(void *ctx, const struct admission_answer *answer),
                          void *ctx);
/* Not between admission_all_commit() and its done(). What is not durable was never charged, and goes. NULL accepted. */
void admission_all_free(struct admission_all *all);

struct admission_stats {
    uint64_t accepted, refused, unavailable; /* messages */
    uint64_t bytes_accepted, signatures;
    uint64_t suppressed; /* recipients of accepted messages */
    uint64_t busy;       /* between admission_submit() and done() */
};
void admission_stats(struct admission *a, struct admission_stats *out);
/* How long the commit of a message took; remembered for the last some thousand of this process. false: not known (any more). Any thread. */
bool admission_durable_us(struct admission *a, uint64_t id, uint64_t *us);

/* The signer for the queue's notices. */
struct queue_signer admission_signer(struct admission *a);

#endif
