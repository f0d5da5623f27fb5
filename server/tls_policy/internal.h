/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: client.c (connections), inquiry.c (one question, until it has its answer). */
#ifndef SERVER_TLS_POLICY_INTERNAL_H
#define SERVER_TLS_POLICY_INTERNAL_H

#include "../loop/listener.h"
#include "../loop/loop.h"
#include "../loop/stream.h"
#include "answer.h"
#include "question.h"
#include "tls_policy.h"

#define LISTENERS_MAX 8

struct inquiry { /* embedded in a client */
    struct tls_policy *room;
    void (*done)(struct inquiry *q); /* reply is there */
    struct sgl_buf reply;
    /* private */
    struct question question;
    struct sgl_arena arena;
    struct sgl_dns dns;
    struct sts_ask ask;
    struct answer_dane dane;
    struct resolver_fill fill;
    struct loop_later later;
    struct event *timer;
    unsigned passes;
    bool open, asking, filling;
};
/* Begins; done() comes later on the loop, exactly once. */
void inquiry_begin(struct inquiry *q, sgl_view text);
/* done() will not be called any more; frees what it holds. Harmless when it is over. */
void inquiry_end(struct inquiry *q);

struct client {
    struct client *prev, *next;
    struct tls_policy *room;
    struct stream *stream;
    struct inquiry inquiry;
    bool waits; /* for its answer */
    struct loop_later gone;
};

struct tls_policy {
    struct tls_policy_config config;
    struct listener *listener[LISTENERS_MAX];
    int fd[LISTENERS_MAX];
    size_t listeners, clients;
    struct client *first;
    bool draining;
    void (*gone)(void *ctx);
    void *gone_ctx;
    struct loop_later later;
};

#endif
