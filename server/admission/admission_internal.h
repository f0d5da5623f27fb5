/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of admission, for its own folder. */
#ifndef SERVER_ADMISSION_ADMISSION_INTERNAL_H
#define SERVER_ADMISSION_ADMISSION_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "../lists/list_fields.h"
#include "admission.h"
#include "sigillo/dkim.h"
#include "sigillo/mailbox.h"
#include "sigillo/message_check.h"

#define RECEIVED_MAX    50
#define SIGN_VALID_S    (7 * 24 * 3600)
#define LEASE_S_DEFAULT 600
#define SUBJECT_MAX     200

#define DURABLE_SLOTS 8192

/* The pair is written id first emptied, then the time, then the id: a reader that sees the id before and after has the right time. */
struct durable {
    _Atomic uint64_t id, us;
};

struct admission {
    _Atomic size_t message_size_max, recipients_max, memory_max;
    _Atomic uint32_t expire_s;
    _Atomic bool domain_required;
    _Atomic int64_t domain_grace_s;
    uint32_t lease_s;
    struct loop *loop; /* notices are signed there, or NULL */
    char *hostname;
    struct directory *directory;
    struct keys *keys;
    struct store *store;
    struct queue *queue;
    struct limits *limits;
    struct guard *guard;
    struct lists *lists;
    pthread_mutex_t config_lock;
    struct config *config; /* or NULL */
    struct sgl_crypto *crypto;
    _Atomic uint64_t accepted, refused, unavailable, bytes, signatures, busy, suppressed;
    struct durable durable[DURABLE_SLOTS];
};

/* ---- admission_answer.c ---- */

void answer_set(struct admission_answer *out, unsigned smtp, const char *enhanced, unsigned http,
                const char *code, const char *field);
/* The same with its text, as admission_sentence() makes it; false, so that checks read "return refuse(...)". */
bool refuse(struct admission_answer *out, unsigned smtp, const char *enhanced, unsigned http,
            const char *code, const char *field, const char *text, sgl_view about);
bool refuse_memory(struct admission_answer *out);
bool refuse_fault(struct admission_answer *out, const struct sgl_message_report *report);
void answer_store(struct admission_answer *out, enum store_result result);

/* ---- admission_check.c: who and to whom ---- */

/* Envelope: every address valid, normalised, each recipient once; the sender allowed. */
bool check_envelope(struct admission *a, struct submission *s, bool *utf8,
                    struct admission_answer *out);

/* ---- admission_sender.c: as whom ---- */

/* May it stand in that field?  true: *domain is a reference. */
bool may_stand(struct admission *a, const struct identity *who, const struct sgl_mailbox *mailbox,
               const char *field, struct domain **domain, struct admission_answer *out);
/* From, Sender and the latest Resent fields name what the identity may send as; the domain that signs. *domain is a reference. */
bool check_header(struct admission *a, struct submission *s, const struct sgl_headers *headers,
                  struct domain **domain, struct admission_answer *out);

/* ---- admission_domain.c ---- */

/* Is it known to be its subscription's?  Not while anybody could have claimed it. */
bool is_domain_proven(struct admission *a, const struct domain *d);
bool may_domain_send(struct admission *a, const struct domain *d, const char *field,
                     struct admission_answer *out);

/* ---- admission_limits.c ---- */

struct charges { /* zeroed: none */
    struct limits_ticket subscription, domain;
    sgl_view domain_name; /* "domain:NAME", when it has limits of its own */
};
/* The message, checked, against the limits of message.subscription (which ends in a NUL), and of its domain, if that has some. true: charged, as the tickets say. */
bool charge_limits(struct admission *a, struct submission *s, const struct domain *domain,
                   struct charges *c, struct admission_answer *out);
void charges_give_back(struct admission *a, struct charges *c); /* empties them */

/* ---- admission_list.c: list mail ---- */

/* What a message of a list gets. */
struct list_part {
    struct list_mail mail; /* id empty: it is none */
    sgl_view url;          /* unsubscribes its recipient; empty: the sender's own fields do */
};
/* After the envelope and the subscription are known. Views into the submission's arena. */
bool check_list(struct admission *a, struct submission *s, const struct sgl_headers *headers,
                const struct domain *domain, struct list_part *out,
                struct admission_answer *answer);

/* ---- admission_tls.c: what the message asks of TLS ---- */

#define TLS_MARK "X-Sigillo-TLS"
/* After the header was checked: s->message.tls becomes what counts. */
bool check_tls(struct submission *s, const struct sgl_headers *headers, const struct domain *domain,
               struct admission_answer *out);
/* Does the header have to say so, for the servers behind the next one?  [RFC 8689 s4.3] */
bool tls_field_wanted(const struct submission *s, const struct sgl_headers *headers);

/* ---- admission_guard.c: what receivers ask of bulk mail ---- */

/* After the limits were charged. true: counted, as the ticket says. */
bool check_guard(struct admission *a, struct submission *s, const struct sgl_headers *headers,
                 const struct domain *domain, const struct list_part *list,
                 struct guard_ticket *ticket, struct admission_answer *out);

/* ---- admission_pool.c ---- */

void admission_take_config(struct admission *a, struct config *config);

/* ---- admission_header.c: completing the header ---- */

struct header_fixup {
    const struct submission *s;
    const struct sgl_message_report *report;
    sgl_view hostname, domain; /* of the Message-ID, when one is made */
    sgl_time now;
    const char *id;
    const struct list_part *list;
};
/* The header as it will be signed, without the blank line; *message_id is a view into out, or into the message. */
enum sgl_status header_complete(const struct header_fixup *f, struct sgl_buf *out,
                                sgl_view *message_id);

/* ---- admission_sign.c: a header, a body and a domain become DKIM-Signature fields ---- */

struct signing;
struct signing_request {
    struct domain *domain; /* borrowed for the call */
    sgl_view header;       /* with its last CRLF; alive until done() */
    const uint8_t *body_hash;
    sgl_time now;
    struct loop *loop;
    void (*done)(struct signing *g, void *ctx);
    void *ctx;
};
enum signing_result { SIGNING_OK, SIGNING_UNAVAILABLE, SIGNING_NO_KEY, SIGNING_FAILED };
/* Result by done(), later; NULL when nothing was started: *why says the reason. */
struct signing *signing_start(struct admission *a, const struct signing_request *r,
                              enum signing_result *why);
enum signing_result signing_result(const struct signing *g);
/* All DKIM-Signature fields with their CRLFs, and "d=... s=... rsa-sha256; ..." for the trail; until signing_free(). */
sgl_view signing_fields(const struct signing *g);
sgl_view signing_text(const struct signing *g);
void signing_free(struct signing *g);

/* ---- admission.c: a message on its way ---- */

struct admit {
    struct admission *a;
    struct submission *s;          /* NULL: it is ready, and the submission is gone */
    struct store_message *message; /* the submission's, or a copy of its own */
    struct domain *domain;
    struct list_part list;
    struct sgl_buf header; /* completed, without the blank line */
    size_t body_off;       /* in s->raw */
    uint8_t body_hash[32];
    struct signing *signing;
    struct body *body;
    struct store_accept accept;
    struct charges charges;   /* what it was charged; empty once that is durable */
    struct guard_ticket bulk; /* what the guard counted; the same */
    size_t open;              /* recipients that are not final at birth */
    size_t room_bytes;        /* reserved in the queue */
    uint64_t stored_us;
    uint64_t started_us;
    struct admission_all *all; /* admission_all.c: it goes with others */
    struct admit *next;
    char *charged_domain;
};

void admit_free(
    struct admit *m); /* NULL accepted; what was taken for it and is not durable is given back */
/* Everything that becomes durable with it, but who delivers it. */
void admit_fill(struct admit *m, struct loop *loop, void (*done)(struct store_op *op));
/* It shall be born claimed, if the queue has room for it now. */
void admit_claim(struct admit *m);
/* It is durable. true: the queue has to look for it in the store. */
bool admit_stored(struct admit *m, uint64_t durable_us);
/* The submission's end, on its loop; never inside of admission_submit(). Frees its admit. */
void admit_finish(struct submission *s);

/* ---- admission_all.c: several, or none ---- */

/* Signed and built: it waits for the others. */
void all_ready(struct admit *m);

#endif
