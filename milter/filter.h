/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share of a message on its way: session.c (libmilter's calls), message.c (header and body), message_sign.c, message_verify.c, changes.c. */
#ifndef MILTER_FILTER_H
#define MILTER_FILTER_H

#include "../server/metrics/metrics.h"
#include "dns.h"
#include "edition.h"
#include "sigillo/limits.h"
#include "sigillo/verdict.h"

#define HEADERS_ROOM   (SGL_LIMIT_HEADER_SIZE + (size_t)64 * 1024)
#define ENVELOPE_MAX   1024 /* of a sender: a path has 256, UTF-8 and quotes may be longer */
#define QUEUE_ID_MAX   64
#define FIELDS_MAX     ((size_t)1 << 20)
#define SIGNATURES_MAX SIGNING_MOST

/* What the process has; lives longer than every session. */
struct filter {
    const struct sgl_crypto *crypto;
    struct milter_dns dns;
    _Atomic bool draining;
    _Atomic unsigned sessions;
};
extern struct filter filter;
struct edition *filter_edition(void); /* a reference to the one in use */
void filter_use(struct edition *g);   /* takes the reference over */

/* ---- the changes that a message gets, in the order in which they are told ---- */

struct change {
    enum { CHANGE_REMOVE, CHANGE_INSERT, CHANGE_HOLD } kind;
    const char *name;  /* of the field */
    unsigned instance; /* REMOVE: which one of that name, from 1 */
    const char *value; /* INSERT: at the top, behind the colon, lines end in LF; HOLD: why */
};
struct changes {
    struct change *item;
    size_t count, room;
    struct sgl_arena *arena;
    enum sgl_status status;
};
void changes_remove(struct changes *c, const char *name, unsigned instance);
void changes_hold(struct changes *c, const char *why);
void changes_keep_removals(struct changes *c); /* the rest is forgotten */
/* "Name: value" CRLF, one field after the other; the last of them will stand highest.  Bare CR, NUL: SGL_E_SYNTAX. */
void changes_insert(struct changes *c, sgl_view fields);
/* The Authentication-Results that nobody else may have written are removed, last to first. remove: see sgl_authres_strip(). */
void changes_strip(struct changes *c, const struct sgl_headers *headers, const bool *remove);

/* ---- one message ---- */

enum message_job { JOB_NONE, JOB_SIGN, JOB_VERIFY };
enum message_end { /* how it ends for the client */
                   END_ACCEPT,
                   END_REJECT,
                   END_TEMPFAIL,
};
struct message_reply {
    enum message_end end;
    unsigned code; /* 0: the mail server's own words */
    char enhanced[8];
    char text[384];
};

/* What the session knows of its client. */
struct message_client {
    struct sgl_ip ip;
    sgl_view helo, host;
    bool internal;       /* one of ours: its mail is signed */
    bool ignored;        /* no policy for it */
    bool ignore_strange; /* no line in the log when it sends as one of ours */
};

struct message {
    const struct edition *g;
    const struct message_client *client;
    struct sgl_arena arena;
    struct sgl_buf head; /* the header, lines end in CRLF */
    struct sgl_buf sender;
    char queue_id[QUEUE_ID_MAX];
    bool ours;      /* authenticated, of an internal host, of an originating daemon */
    bool too_large; /* the header passed a limit */
    bool begun;     /* the end of the header was told */
    bool stripped;  /* forged results are found: changes has their removals, and first of all */
    bool unread;    /* a field that the mail server told is none for us, or several */
    size_t fields;  /* that the mail server told */
    enum message_job job;
    enum sgl_status status;
    struct sgl_headers headers;
    /* signing */
    const struct signing_key *key[SIGNATURES_MAX];
    size_t keys;
    struct sgl_name author;
    struct sgl_hash hash;
    struct sgl_dkim_body body;
    /* verifying */
    struct sgl_verdict_state state;
    size_t seal_hash; /* index of the body hash for the seal */
    struct changes changes;
};
void message_begin(struct message *m, const struct edition *g, const struct message_client *client,
                   sgl_view sender, bool ours);
/* A field as the mail server gives it: value with its leading blank, lines separated by LF. */
void message_header(struct message *m, const char *name, const char *value);
/* The header is over. false: nothing is to be done with this message. */
bool message_eoh(struct message *m);
bool message_wants_body(const struct message *m);
void message_body(struct message *m, sgl_view piece);
/* The end: m->changes and *reply are what is to be done. */
void message_eom(struct message *m, struct message_reply *reply);
void message_done(struct message *m);

/* message_sign.c */
enum sgl_status sign_begin(struct message *m);
enum sgl_status sign_finish(struct message *m);
/* message_verify.c */
enum sgl_status verify_begin(struct message *m);
enum sgl_status verify_finish(struct message *m, struct message_reply *reply);
/* message_seal.c: one more set on top, when `fields` stand there; nothing where the chain can't be sealed. */
enum sgl_status seal_message(struct message *m, const struct sgl_verdict *verdict, sgl_view fields,
                             bool unknown, struct sgl_buf *out);

/* report.c: lines of the log, and figures. */
void report_register(void);
void report_session(int more);
void report_signed(const struct message *m);
void report_judged(const struct message *m, const struct sgl_verdict *verdict, const char *action,
                   const char *text);
void report_failed(const struct message *m, const char *what, enum sgl_status status);
void report_strange(const struct message *m);
void report_end(const struct message *m, enum message_end end, uint64_t us);

#endif
