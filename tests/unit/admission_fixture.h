/* SPDX-License-Identifier: Apache-2.0 */
/* A gate over a real directory and store, a stand-in for the queue, and one credential, "app" of app.test, to send as. */
#ifndef TESTS_UNIT_ADMISSION_FIXTURE_H
#define TESTS_UNIT_ADMISSION_FIXTURE_H

#include "../../server/admission/admission.h"
#include "directory_fixture.h"

/* ---- the queue's stand-in ---- */

static _Atomic bool no_room;
static _Atomic unsigned offered, reserved, nudged;

bool queue_room(struct queue *q, size_t rcpts, size_t bytes)
{
    (void)q;
    (void)rcpts;
    (void)bytes;
    if (no_room)
        return false;
    reserved++;
    return true;
}

void queue_unreserve(struct queue *q, size_t rcpts, size_t bytes)
{
    (void)q;
    (void)rcpts;
    (void)bytes;
    reserved--;
}

void queue_offer(struct queue *q, struct store_message *m, struct body *body)
{
    (void)q;
    offered++;
    reserved--;
    store_message_free(m);
    body_unref(body);
}

void queue_nudge(struct queue *q)
{
    (void)q;
    nudged++;
}

/* ---- the fixture ---- */

struct fixture {
    struct directory_fixture *f;
    struct limits *limits;
    struct guard *guard;
    struct admission *admission;
    struct identity *who;
};

static int setup(void **state)
{
    struct admission_config config = {.hostname = SGL_LIT_INIT("mail.sigillo.test"),
                                      .message_size_max = 200000,
                                      .recipients_max = 40,
                                      .memory_max = 10000000,
                                      .expire_s = 259200};
    struct config guarded = {.guard = {.action = GUARD_STOP,
                                       .near_percent = 80,
                                       .complaints_warn = 10,
                                       .complaints_stop = 30,
                                       .complaints_messages = 1000}};
    struct fixture *x = calloc(1, sizeof(*x));

    x->f = fixture_new();
    x->limits = config.limits = limits_new();
    x->guard = config.guard = guard_new(x->f->store, &guarded);
    assert_int_equal(fixture_domain(x->f, "app.test", true), DIRECTORY_OK);
    assert_int_equal(fixture_domain(x->f, "other.test", false), DIRECTORY_OK);
    assert_int_equal(fixture_domain(x->f, "xn--bcher-kva.test", false), DIRECTORY_OK);
    assert_int_equal(fixture_credential(x->f, "app", "correct horse", "app.test"), DIRECTORY_OK);
    x->who = directory_credential(x->f->directory, SGL_LIT("app"));
    x->admission = admission_new(&config, x->f->directory, (struct keys *)&fake_keys, x->f->store,
                                 (struct queue *)&no_room);
    no_room = false;
    offered = reserved = nudged = 0;
    *state = x;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *x = *state;

    admission_free(x->admission);
    limits_free(x->limits);
    guard_free(x->guard);
    identity_unref(x->who);
    fixture_free(x->f);
    CHECK_EQ("no message's bytes are left in memory", body_bytes_held(), 0);
    CHECK_EQ("no room is left reserved", reserved, 0);
    free(x);
    return 0;
}

struct sending {
    struct submission s; /* first: cast from it */
    struct sgl_arena arena;
    struct store_rcpt rcpt[64];
    struct loop_task start;
    struct fixture *x;
    struct admission_answer answer;
};

static void sent(struct submission *s, const struct admission_answer *answer)
{
    struct sending *g = (struct sending *)(void *)s;

    g->answer = *answer;
    sem_post(&g->x->f->done);
}

static void start(struct loop_task *task)
{
    struct sending *g = (struct sending *)(void *)((char *)task - offsetof(struct sending, start));

    admission_submit(g->x->admission, &g->s);
}

/* rcpts: separated by blanks. The caller frees with sending_free(). */
static inline struct sending *send_as(struct fixture *x, struct identity *who, const char *from,
                                      const char *rcpts, sgl_view raw)
{
    struct sending *g = calloc(1, sizeof(*g));
    sgl_view rest = sgl_view_cstr(rcpts);

    sgl_arena_init(&g->arena, 4000000);
    g->x = x;
    g->s = (struct submission){.who = who,
                               .arena = &g->arena,
                               .raw = raw,
                               .peer_text = SGL_LIT("[192.0.2.1]"),
                               .helo = SGL_LIT("client.test"),
                               .protocol = SGL_LIT("ESMTPSA"),
                               .tls_text = SGL_LIT("TLSv1.3 TLS_AES_256_GCM_SHA384"),
                               .loop = x->f->loop,
                               .done = sent};
    g->s.message.env_from = sgl_view_cstr(from);
    g->s.message.rcpt = g->rcpt;
    g->s.message.door = SGL_LIT("submission");
    g->s.message.peer = SGL_LIT("192.0.2.1");
    while (rest.len > 0)
        g->rcpt[g->s.message.rcpts++].address = sgl_view_split(rest, ' ', &rest);
    return g;
}

static inline struct sending *go(struct sending *g)
{
    g->start.run = start;
    loop_post(g->x->f->loop, &g->start);
    sem_wait(&g->x->f->done);
    return g;
}

static inline struct sending *send_one(struct fixture *x, const char *from, const char *rcpts,
                                       const char *raw)
{
    return go(send_as(x, x->who, from, rcpts, sgl_view_cstr(raw)));
}

static inline void sending_free(struct sending *g)
{
    sgl_arena_done(&g->arena);
    free(g);
}

#define PLAIN "From: me@app.test\r\nTo: you@good.test\r\nSubject: Hello\r\n\r\nHello.\r\n"

static inline bool count_message(void *ctx, const struct store_message *m)
{
    (void)m;
    ++*(unsigned *)ctx;
    return true;
}

static inline unsigned stored(struct fixture *x)
{
    struct store_filter all = {0};
    unsigned count = 0;

    assert_int_equal(store_read_messages(x->f->store, &all, count_message, &count), STORE_OK);
    return count;
}

#endif
