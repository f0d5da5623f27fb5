/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a folder of its own, a loop to come home to, and operations that wait for their end. */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include "check.h"

#include <ftw.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../server/store/store.h"

struct store_fixture {
    char folder[64];
    struct loop *loop;
    struct store *store;
    struct store_config config;
};

static inline int store_fixture_unlink(const char *path, const struct stat *st, int kind,
                                       struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static inline void store_fixture_open(struct store_fixture *fx)
{
    char why[512] = "";

    fx->config.folder = fx->folder;
    fx->store = store_open(&fx->config, why, sizeof(why));
    if (fx->store == NULL)
        fail_msg("store_open: %s", why);
}

static inline void store_fixture_close(struct store_fixture *fx)
{
    store_close(fx->store);
    fx->store = NULL;
}

static inline void store_fixture_init(struct store_fixture *fx)
{
    memset(fx, 0, sizeof(*fx));
    strcpy(fx->folder, "/tmp/sigillo-store-XXXXXX");
    assert_non_null(mkdtemp(fx->folder));
    fx->loop = loop_new("test");
    assert_non_null(fx->loop);
    assert_true(loop_start(fx->loop));
    store_fixture_open(fx);
}

static inline void store_fixture_done(struct store_fixture *fx)
{
    store_close(fx->store);
    loop_stop(fx->loop);
    loop_join(fx->loop);
    loop_free(fx->loop);
    nftw(fx->folder, store_fixture_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

/* One operation, awaited: the slot it was sent from knows who waits. */
struct store_wait {
    _Atomic(struct store_op *) op;
    sem_t done;
};
#define STORE_WAITS 4096
static struct store_wait store_waits[STORE_WAITS];

static inline void store_fixture_arrived(struct store_op *op)
{
    for (size_t i = 0; i < STORE_WAITS; i++) {
        if (store_waits[i].op == op) {
            sem_post(&store_waits[i].done);
            return;
        }
    }
}

static inline void store_fixture_send(struct store_fixture *fx, struct store_op *op, size_t slot)
{
    store_waits[slot].op = op;
    sem_init(&store_waits[slot].done, 0, 0);
    op->loop = fx->loop;
    op->done = store_fixture_arrived;
    store_submit(fx->store, op);
}

static inline enum store_result store_fixture_await(size_t slot)
{
    enum store_result result;

    while (sem_wait(&store_waits[slot].done) != 0)
        ;
    result = atomic_load(&store_waits[slot].op)->result;
    store_waits[slot].op = NULL;
    return result;
}

static inline enum store_result store_fixture_run(struct store_fixture *fx, struct store_op *op)
{
    store_fixture_send(fx, op, 0);
    return store_fixture_await(0);
}

/* A message with recipients user0@domain ..., and its body. */
struct store_sample {
    struct store_accept accept;
    struct store_message message;
    struct store_rcpt rcpt[8];
    char address[8][64];
    struct body *body;
};

static inline void store_sample_init(struct store_sample *s, const char *domain, size_t rcpts,
                                     size_t size)
{
    memset(s, 0, sizeof(*s));
    s->body = body_new(size);
    assert_non_null(s->body);
    memset(s->body->bytes, 'x', size);
    s->body->header_len = size < 16 ? 0 : 16;
    s->message = (struct store_message){
        .id = id_new(),
        .subscription = SGL_LIT("sub"),
        .identity = SGL_LIT("credential:app1"),
        .env_from = SGL_LIT("Sender@example.org"),
        .env_id = SGL_LIT("env 1"),
        .ret = 'H',
        .eightbit = true,
        .require_tls = true,
        .size = size,
        .accepted_at = 1700000000123,
        .expires_at = 1700000000 + 259200,
        .message_id = SGL_LIT("<1@example.org>"),
        .header_from = SGL_LIT("Sender@example.org"),
        .subject = SGL_LIT("Hello"),
        .signed_by = SGL_LIT("d=example.org s=s1 rsa-sha256"),
        .door = SGL_LIT("submission"),
        .peer = SGL_LIT("198.51.100.7"),
        .labels = SGL_LIT("{\"categories\":[\"news\"]}"),
        .pool = SGL_LIT("bulk"),
        .bypass = 0x8a,
        .rcpt = s->rcpt,
        .rcpts = rcpts,
    };
    for (size_t i = 0; i < rcpts; i++) {
        snprintf(s->address[i], sizeof(s->address[i]), "User%zu@%s", i, domain);
        s->rcpt[i].address = sgl_view_cstr(s->address[i]);
        s->rcpt[i].domain = sgl_view_cstr(strchr(s->address[i], '@') + 1);
        s->rcpt[i].orcpt = SGL_LIT("rfc822;old@example.net");
        s->rcpt[i].notify = RCPT_NOTIFY_FAILURE;
    }
    s->accept.op.kind = STORE_ACCEPT;
    s->accept.message = &s->message;
    s->accept.body = s->body;
}

static inline void store_sample_done(struct store_sample *s)
{
    body_unref(s->body);
}

static inline enum store_result store_sample_accept(struct store_fixture *fx,
                                                    struct store_sample *s)
{
    return store_fixture_run(fx, &s->accept.op);
}

#endif
