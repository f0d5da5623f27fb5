/* SPDX-License-Identifier: Apache-2.0 */
/* A queue over a real store, with a clock that stands still until it is moved, and a delivery that does what the test says. One thread: the test turns the loop itself. */
#ifndef TESTS_UNIT_QUEUE_FIXTURE_H
#define TESTS_UNIT_QUEUE_FIXTURE_H

#include "../../server/queue/queue_internal.h"
#include "store_fixture.h"

#define QUEUE_START 1700000000

struct queue_fixture {
    char folder[64];
    struct loop *loop;
    struct workers *workers;
    struct store *store;
    struct store_config store_config;
    struct queue *queue;
    struct queue_config config;
    int64_t now;
    unsigned readies, notices;
    char last_ready[64];
    struct event *tick;
    struct store_op *awaited;
    bool drained;
    struct job *loaded;
    unsigned loads;
    char notice[65536]; /* what the signer got last */
};

static const uint32_t queue_fixture_waits[] = {60, 300, 900, 1800, 3600, 7200, 14400};

static inline int64_t queue_fixture_now(void *ctx)
{
    return ((struct queue_fixture *)ctx)->now;
}

static inline uint32_t queue_fixture_random(void)
{
    return UINT32_MAX / 2 + 1; /* no jitter */
}

static inline void queue_fixture_ready(void *ctx, struct queue_dest *dest, sgl_view domain)
{
    struct queue_fixture *fx = ctx;

    fx->readies++;
    snprintf(fx->last_ready, sizeof(fx->last_ready), "%.*s", SGL_FMT(domain));
    (void)dest;
}

static inline void queue_fixture_sign(void *ctx, struct queue_notice *n)
{
    struct queue_fixture *fx = ctx;
    static const char field[] = "DKIM-Signature: test\r\n";

    fx->notices++;
    snprintf(fx->notice, sizeof(fx->notice), "%.*s", SGL_FMT(n->raw));
    n->signed_bytes = body_new(sizeof(field) - 1 + n->raw.len);
    memcpy(n->signed_bytes->bytes, field, sizeof(field) - 1);
    memcpy(n->signed_bytes->bytes + sizeof(field) - 1, n->raw.ptr, n->raw.len);
    n->signed_bytes->header_len = sizeof(field) - 1;
    n->done(n);
}

static inline void queue_fixture_tick(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    (void)ctx;
}

static inline void queue_fixture_turn(struct queue_fixture *fx)
{
    event_base_loop(loop_base(fx->loop), EVLOOP_ONCE);
}

static inline bool queue_fixture_busy(struct queue_fixture *fx)
{
    struct queue *q = fx->queue;
    struct store_stats stats;

    store_stats(fx->store, &stats);
    for (const struct record *r = q->records; r != NULL; r = r->next) {
        if (r->try_at == 0)
            return true;
    }
    return stats.waiting > 0 || q->claiming || q->giving_back > 0 || atomic_load(&q->nudged) ||
           q->expiring_trail || !q->started;
}

/* Until nothing is on its way any more. */
static inline void queue_fixture_settle(struct queue_fixture *fx)
{
    do
        queue_fixture_turn(fx);
    while (queue_fixture_busy(fx));
    for (int i = 0; i < 3; i++)
        event_base_loop(loop_base(fx->loop), EVLOOP_NONBLOCK);
    while (queue_fixture_busy(fx))
        queue_fixture_turn(fx);
}

static inline void queue_fixture_open(struct queue_fixture *fx)
{
    struct queue_delivery delivery = {fx, queue_fixture_ready};
    struct queue_signer signer = {fx, queue_fixture_sign};
    char why[512] = "";

    fx->store_config.folder = fx->folder;
    fx->store = store_open(&fx->store_config, why, sizeof(why));
    if (fx->store == NULL)
        fail_msg("store_open: %s", why);
    fx->queue = queue_new(fx->loop, fx->store, fx->workers, &fx->config);
    assert_non_null(fx->queue);
    queue_set_delivery(fx->queue, &delivery);
    queue_set_signer(fx->queue, &signer);
    queue_start(fx->queue);
    queue_fixture_settle(fx);
}

/* As after a crash: the queue forgets all. */
static inline void queue_fixture_close(struct queue_fixture *fx)
{
    store_close(fx->store);
    for (int i = 0; i < 3; i++)
        event_base_loop(loop_base(fx->loop), EVLOOP_NONBLOCK);
    queue_free(fx->queue);
    fx->queue = NULL;
}

static inline void queue_fixture_init(struct queue_fixture *fx)
{
    struct timeval two_ms = {0, 2000};

    memset(fx, 0, sizeof(*fx));
    strcpy(fx->folder, "/tmp/sigillo-queue-XXXXXX");
    assert_non_null(mkdtemp(fx->folder));
    fx->now = QUEUE_START;
    fx->loop = loop_new("test");
    fx->workers = workers_new("test", 1, 100);
    assert_non_null(fx->workers);
    fx->config = (struct queue_config){.retry_s = queue_fixture_waits,
                                       .retries = 7,
                                       .jitter_percent = 10,
                                       .delay_notice_s = 14400,
                                       .expire_s = 259200,
                                       .memory_recipients = 1000,
                                       .memory_bytes = 1 << 20,
                                       .lease_s = 600,
                                       .hostname = SGL_LIT("mx.example.org"),
                                       .now_s = queue_fixture_now,
                                       .now_ctx = fx,
                                       .random = queue_fixture_random};
    fx->tick = event_new(loop_base(fx->loop), -1, EV_PERSIST, queue_fixture_tick, fx);
    event_add(fx->tick, &two_ms);
    queue_fixture_open(fx);
}

static inline void queue_fixture_done(struct queue_fixture *fx)
{
    if (fx->queue != NULL)
        queue_fixture_close(fx);
    workers_free(fx->workers);
    event_free(fx->tick);
    loop_free(fx->loop);
    nftw(fx->folder, store_fixture_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

/* The clock goes on, and the queue looks at it. */
static inline void queue_fixture_at(struct queue_fixture *fx, int64_t now)
{
    fx->now = now;
    queue_run_due(fx->queue);
    queue_fixture_settle(fx);
}

static inline void queue_fixture_op_done(struct store_op *op)
{
    op->done = NULL;
}

static inline enum store_result queue_fixture_run(struct queue_fixture *fx, struct store_op *op)
{
    op->loop = fx->loop;
    op->done = queue_fixture_op_done;
    store_submit(fx->store, op);
    while (op->done != NULL)
        queue_fixture_turn(fx);
    return op->result;
}

/* A message comes in as admission does it: born claimed if there is room. */
static inline bool queue_fixture_accept(struct queue_fixture *fx, struct store_sample *s)
{
    s->message.accepted_at = fx->now * 1000;
    s->message.expires_at = fx->now + 259200;
    s->accept.claim = queue_room(fx->queue, s->message.rcpts, s->body->len);
    s->accept.lease_until = (uint64_t)fx->now + 600;
    assert_int_equal(queue_fixture_run(fx, &s->accept.op), STORE_OK);
    if (s->accept.claim)
        queue_offer(fx->queue, store_message_dup(&s->message), body_ref(s->body));
    else
        queue_nudge(fx->queue);
    queue_fixture_settle(fx);
    return s->accept.claim;
}

/* A message of no pool. */
static inline void queue_fixture_sample(struct store_sample *s, const char *domain, size_t rcpts,
                                        size_t body_len)
{
    store_sample_init(s, domain, rcpts, body_len);
    s->message.pool = SGL_LIT("");
    s->message.require_tls = false;
}

static inline void queue_fixture_put(struct queue_fixture *fx, struct store_sample *s,
                                     const char *domain, size_t rcpts)
{
    static const char text[] = "Subject: Hello\r\nFrom: Sender@example.org\r\n\r\nA body.\r\n";

    queue_fixture_sample(s, domain, rcpts, sizeof(text) - 1);
    memcpy(s->body->bytes, text, sizeof(text) - 1);
    s->body->header_len = 44;
    for (size_t i = 0; i < rcpts; i++)
        s->rcpt[i].notify = 0; /* as if nothing was asked for */
    queue_fixture_accept(fx, s);
}

static inline struct job *queue_fixture_take(struct queue_fixture *fx, const char *domain)
{
    struct queue_dest *dest =
        dest_find(fx->queue, sgl_view_cstr(domain), &(struct store_message){.pool = SGL_LIT("")});
    struct job *job = queue_take(fx->queue, dest);

    if (job == NULL)
        dest_maybe_free(dest);
    return job;
}

static inline void queue_fixture_finish(struct queue_fixture *fx, struct job *job,
                                        enum rcpt_verdict verdict)
{
    struct rcpt_outcome o[8];
    struct store_event e = {fx->now * 1000, job->rcpt[0]->id, SGL_LIT("attempt"), SGL_LIT("{}")};

    for (size_t i = 0; i < job->rcpts; i++)
        o[i] = (struct rcpt_outcome){.verdict = verdict,
                                     .status = verdict == RCPT_OK          ? SGL_LIT("2.0.0")
                                               : verdict == RCPT_PERMANENT ? SGL_LIT("5.1.1")
                                                                           : SGL_LIT("4.4.1"),
                                     .reason = verdict == RCPT_PERMANENT
                                                   ? SGL_LIT("550 5.1.1 no such user")
                                                   : SGL_LIT("451 later"),
                                     .why_wait = SGL_LIT("the site says: later"),
                                     .remote_mta = SGL_LIT("mx.example.net [192.0.2.1]")};
    queue_outcome(fx->queue, job, o, &e, verdict == RCPT_UNTRIED ? 0 : 1, UINT32_MAX);
    queue_fixture_settle(fx);
}

/* The recipient as the store knows it; strings stay valid until the next call. */
static inline const struct store_rcpt *queue_fixture_rcpt(struct queue_fixture *fx,
                                                          uint64_t message, size_t i)
{
    static struct store_message *m;

    store_message_free(m);
    m = NULL;
    assert_int_equal(store_read_message(fx->store, message, &m), STORE_OK);
    return &m->rcpt[i];
}

/* The one of the test that runs. */
static struct queue_fixture fx;

static inline int queue_fixture_setup(void **state)
{
    (void)state;
    queue_fixture_init(&fx);
    return 0;
}

static inline int queue_fixture_teardown(void **state)
{
    (void)state;
    queue_fixture_done(&fx);
    return 0;
}

#define QUEUE_TEST(f)                                                                              \
    cmocka_unit_test_setup_teardown(f, queue_fixture_setup, queue_fixture_teardown)

#endif
