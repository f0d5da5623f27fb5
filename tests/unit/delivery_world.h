/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivery between a queue, a store and a resolver made of arrays and a zone text, and receiving servers that play scripts: the real loop, streams, TLS and SMTP engine run
 * over loopback.  The zone may say PORT (where the servers listen), GOOD and WRONG (SHA-256 of their key, and of another one).
 */
#ifndef TESTS_UNIT_DELIVERY_WORLD_H
#define TESTS_UNIT_DELIVERY_WORLD_H

#include "../../server/config/config_pool.c"
#include "../../server/delivery/delivery.h"
#include "../../server/log/log.h"
#include "../../server/sts/sts.h"
#include "dns_fixture.h"
#include "smtp_peer.h"
#include "tls_fixture.h"

#define OUTCOMES_MAX 64

struct outcome {
    char verdict; /* o, t, p, u: ok, temporary, permanent, untried */
    char status[16], why[1200], mta[400], detail[4096];
    bool repeated;
    int64_t not_before;
    struct store_transit transit;
};

struct queue_dest {
    char domain[256], pool[32];
    enum dest_tls tls;
    void *slot;
    unsigned refs;
    struct job *first, *last;
};

struct world {
    struct loop *loop;
    struct config config;
    unsigned config_refs;
    struct queue_delivery hooks;
    struct delivery *delivery;
    struct smtp_peer peer[2];
    struct tls_server *tls;
    struct made_pair made;
    char *zone;
    struct queue_dest *dest[8];
    size_t dests;
    struct outcome outcome[OUTCOMES_MAX];
    size_t outcomes, wanted, events;
    unsigned doubts, cleared, body_loads;
    bool body_missing, no_doubt;
    struct loop_task *held; /* a load that waits for world_release() */
    bool hold;
    uint16_t port;
    struct event *watchdog;
    bool late;
    uint64_t next_id;
    struct loop_task drained;
    const char *sts_domain; /* NULL: d.test */
    const char *sts_body;   /* its policy; NULL: it has none */
    enum sts_state sts_state;
    enum sgl_tls_result sts_trouble;
    const char *sts_why;
    bool sts_later; /* the answer comes after all others */
    struct sts_ask *sts_asking;
    struct event *sts_answers;
    unsigned sts_asked;
};

/* Queue, store and resolver have one world at a time. */
static struct world *the_world;

/* ---- bodies and ids ---- */

struct body *body_new(size_t len)
{
    struct body *b = calloc(1, sizeof *b);

    b->refs = 1;
    b->len = len;
    b->bytes = malloc(len + 1);
    return b;
}

struct body *body_ref(struct body *b)
{
    b->refs++;
    return b;
}

void body_unref(struct body *b)
{
    if (b == NULL || --b->refs > 0)
        return;
    free(b->bytes);
    free(b);
}

uint64_t id_new(void)
{
    return 4711;
}

struct config *config_ref(struct config *c)
{
    the_world->config_refs++;
    return c;
}

void config_unref(struct config *c)
{
    (void)c;
    the_world->config_refs--;
}

/* ---- store ---- */

bool store_doubt(struct store *store, const uint64_t *rcpt, size_t rcpts, uint32_t *slot)
{
    (void)store;
    CHECK_TRUE("doubts are about somebody", rcpts > 0 && rcpt[0] != 0);
    if (the_world->no_doubt)
        return false;
    *slot = ++the_world->doubts;
    return true;
}

void store_doubt_clear(struct store *store, uint32_t slot)
{
    (void)store;
    (void)slot;
    the_world->cleared++;
}

/* ---- resolver ---- */

struct world_answer {
    struct loop_task task;
    struct world_answer *next;
    struct resolver_fill *fill; /* NULL: nobody waits any more */
};
static struct world_answer *world_answers;

static void world_resolved(struct loop_task *task)
{
    struct world_answer *a = (struct world_answer *)(void *)task, **link = &world_answers;
    struct resolver_fill *fill = a->fill;

    while (*link != a)
        link = &(*link)->next;
    *link = a->next;
    free(a);
    if (fill != NULL)
        fill->done(fill);
}

void resolver_fill(struct resolver *r, struct resolver_fill *fill)
{
    struct dns_fixture fx;
    const struct sgl_dns_question *q;
    struct world_answer *a;

    (void)r;
    PEER_BEGIN();
    fx = dns_fixture_init("d.test", the_world->zone);
    sgl_dns_done(&fx.dns);
    fx.dns = *fill->dns;
    CHECK_TRUE("a pending pass has a question", sgl_dns_open(&fx.dns) > 0);
    while ((q = sgl_dns_next_open(&fx.dns, NULL)) != NULL)
        dns_fixture_answer_question(&fx, q);
    *fill->dns = fx.dns;
    sgl_dns_init(&fx.dns, 0);
    dns_fixture_done(&fx);
    a = calloc(1, sizeof *a);
    *a = (struct world_answer){.task.run = world_resolved, .next = world_answers, .fill = fill};
    world_answers = a;
    loop_post(the_world->loop, &a->task);
    PEER_END();
}

void resolver_cancel(struct resolver_fill *fill)
{
    for (struct world_answer *a = world_answers; a != NULL; a = a->next)
        if (a->fill == fill)
            a->fill = NULL;
}

/* ---- policies ---- */

static const char *world_sts_domain(void)
{
    return the_world->sts_domain != NULL ? the_world->sts_domain : "d.test";
}

static void world_fill_sts(struct sts_answer *a)
{
    struct world *w = the_world;
    char why[STS_WHY_SIZE];

    *a = (struct sts_answer){.state = w->sts_state, .trouble = w->sts_trouble};
    snprintf(a->why, sizeof a->why, "%s", w->sts_why != NULL ? w->sts_why : "");
    if (w->sts_state == STS_POLICY)
        CHECK_EQ("the test's policy can be read",
                 sts_policy_read(sgl_view_cstr(world_sts_domain()), SGL_LIT("1"),
                                 sgl_view_cstr(w->sts_body), clock_now_s(), &a->policy, why),
                 SGL_OK);
}

static void world_sts_answers(evutil_socket_t fd, short what, void *arg)
{
    struct world *w = arg;
    struct sts_ask *ask = w->sts_asking;

    (void)fd;
    (void)what;
    w->sts_asking = NULL;
    if (ask == NULL)
        return;
    PEER_BEGIN();
    world_fill_sts(&ask->answer);
    PEER_END();
    ask->done(ask);
}

bool sts_ask(struct sts *sts, struct sgl_name domain, struct sts_ask *ask)
{
    struct timeval soon = {0, 20000};

    (void)sts;
    the_world->sts_asked++;
    if (!sgl_view_eq(domain.text, sgl_view_cstr(world_sts_domain()))) {
        ask->answer = (struct sts_answer){.state = STS_NONE};
        return true;
    }
    if (the_world->sts_later) {
        the_world->sts_asking = ask;
        event_add(the_world->sts_answers, &soon);
        return false;
    }
    PEER_BEGIN();
    world_fill_sts(&ask->answer);
    PEER_END();
    return true;
}

void sts_cancel(struct sts_ask *ask)
{
    if (the_world->sts_asking == ask)
        the_world->sts_asking = NULL;
}

/* ---- queue ---- */

sgl_view queue_dest_domain(const struct queue_dest *dest)
{
    return sgl_view_cstr(dest->domain);
}

sgl_view queue_dest_pool(const struct queue_dest *dest)
{
    return sgl_view_cstr(dest->pool);
}

enum dest_tls queue_dest_tls(const struct queue_dest *dest)
{
    return dest->tls;
}

struct queue_dest *queue_dest_ref(struct queue_dest *dest)
{
    dest->refs++;
    return dest;
}

void queue_dest_unref(struct queue_dest *dest)
{
    CHECK_TRUE("references are balanced", dest->refs > 0);
    dest->refs--;
}

void **queue_dest_slot(struct queue_dest *dest)
{
    return &dest->slot;
}

void queue_set_delivery(struct queue *q, const struct queue_delivery *d)
{
    (void)q;
    the_world->hooks = *d;
}

bool queue_dest_has_work(const struct queue_dest *dest)
{
    return dest->first != NULL;
}

struct job *queue_take(struct queue *q, struct queue_dest *dest)
{
    struct job *job = dest->first;

    (void)q;
    if (job == NULL)
        return NULL;
    dest->first = job->next;
    if (dest->first == NULL)
        dest->last = NULL;
    return job;
}

struct world_load {
    struct loop_task task;
    struct job *job;
    void (*done)(void *ctx, struct job *job);
    void *ctx;
};

static struct body *world_body(const char *text)
{
    struct body *b = body_new(strlen(text));

    memcpy(b->bytes, text, b->len);
    return b;
}

static void world_loaded(struct loop_task *task)
{
    struct world_load *load = (struct world_load *)(void *)task;

    if (!the_world->body_missing)
        load->job->body = world_body("Subject: from the store\r\n\r\nhello\r\n");
    load->done(load->ctx, load->job);
    free(load);
}

void queue_load_body(struct queue *q, struct job *job, void (*done)(void *ctx, struct job *job),
                     void *ctx)
{
    struct world_load *load = calloc(1, sizeof *load);

    (void)q;
    the_world->body_loads++;
    *load = (struct world_load){.task.run = world_loaded, .job = job, .done = done, .ctx = ctx};
    if (the_world->hold)
        the_world->held = &load->task;
    else
        loop_post(the_world->loop, &load->task);
}

static void world_free_job(struct job *job)
{
    for (size_t i = 0; i < job->rcpts; i++) {
        free((void *)(uintptr_t)job->rcpt[i]->address.ptr);
        free(job->rcpt[i]);
    }
    free(job->rcpt);
    free(job->message);
    body_unref(job->body);
    free(job);
}

static void world_text(char *out, size_t size, sgl_view v)
{
    snprintf(out, size, "%.*s", SGL_FMT(v));
}

void queue_outcome(struct queue *q, struct job *job, const struct rcpt_outcome *outcome,
                   const struct store_event *event, size_t events, uint32_t doubt_slot)
{
    (void)q;
    for (size_t i = 0; i < job->rcpts; i++) {
        struct outcome *o = &the_world->outcome[the_world->outcomes++ % OUTCOMES_MAX];

        memset(o, 0, sizeof *o);
        o->verdict = "otpu"[outcome[i].verdict];
        o->repeated = outcome[i].possibly_repeated;
        o->not_before = outcome[i].not_before;
        o->transit = outcome[i].transit;
        world_text(o->status, sizeof o->status, outcome[i].status);
        world_text(o->why, sizeof o->why,
                   o->verdict == 'o' || o->verdict == 'p' ? outcome[i].reason
                                                          : outcome[i].why_wait);
        world_text(o->mta, sizeof o->mta, outcome[i].remote_mta);
        for (size_t e = 0; e < events; e++)
            if (event[e].rcpt == job->rcpt[i]->id || event[e].rcpt == 0)
                snprintf(o->detail + strlen(o->detail), sizeof o->detail - strlen(o->detail),
                         "%.*s:%.*s\n", SGL_FMT(event[e].kind), SGL_FMT(event[e].detail));
    }
    the_world->events += events;
    the_world->cleared += doubt_slot != UINT32_MAX;
    world_free_job(job);
    if (the_world->outcomes >= the_world->wanted)
        loop_stop(the_world->loop);
}

/* ---- the world ---- */

static inline char *world_zone(const struct world *w, const char *text)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(100000);
    char digest[65] = "";

    for (size_t i = 0; i < 32; i++)
        snprintf(digest + 2 * i, 3, "%02x", w->made.spki_sha256[i]);
    while (text[0] != 0) {
        if (strncmp(text, "PORT", 4) == 0) {
            sgl_buf_addf(&out, "%u", (unsigned)w->port);
            text += 4;
        } else if (strncmp(text, "GOOD", 4) == 0) {
            sgl_buf_add_cstr(&out, digest);
            text += 4;
        } else if (strncmp(text, "WRONG", 5) == 0) {
            sgl_buf_addf(&out, "%064d", 7);
            text += 5;
        } else {
            sgl_buf_add_byte(&out, (uint8_t)*text++);
        }
    }
    return strdup(sgl_cstr(&out));
}

static void world_late(evutil_socket_t fd, short what, void *arg)
{
    struct world *w = arg;

    (void)fd;
    (void)what;
    w->late = true;
    loop_stop(w->loop);
}

static void world_settings(struct world *w)
{
    w->config.hostname = "Client.Test";
    w->config.resolver.timeout_ms = 1000;
    w->config.delivery.port = w->port;
    w->config.delivery.ipv4 = true;
    w->config.delivery.allow_loopback = true;
    w->config.delivery.mta_sts = true;
    w->config.delivery.ca_file =
        "/dev/null"; /* nobody is trusted; the system's roots take long to read */
    w->config.delivery.connections = 20;
    w->config.delivery.connections_per_site = 5;
    w->config.delivery.messages_per_connection = 100;
    w->config.delivery.recipients_per_message = 50;
    w->config.delivery.connect_timeout_ms = 2000;
    w->config.delivery.command_timeout_ms = 5000;
    w->config.delivery.data_timeout_ms = 5000;
    w->config.delivery.dot_timeout_ms = 5000;
}

/* Servers at 127.0.0.1 and 127.0.0.2; call world_start() after the configuration was changed. */
static void world_init(struct world *w, const char *zone)
{
    static struct made_pair made; /* making keys takes long */
    struct timeval limit = {30, 0};
    char why[200];

    memset(w, 0, sizeof *w);
    the_world = w;
    log_set_level(LOG_ERROR_);
    if (made.certificate[0] == 0)
        make_certificate(&made, "one.test", 86400);
    w->made = made;
    w->loop = loop_new("test");
    w->watchdog = event_new(loop_base(w->loop), -1, EV_TIMEOUT, world_late, w);
    event_add(w->watchdog, &limit);
    w->sts_answers = event_new(loop_base(w->loop), -1, EV_TIMEOUT, world_sts_answers, w);
    w->tls =
        tls_server_new(sgl_view_cstr(made.certificate), sgl_view_cstr(made.key), why, sizeof why);
    assert_non_null(w->tls);
    for (size_t i = 0; i < 2; i++) {
        smtp_peer_init(&w->peer[i], w->loop, (uint8_t)(i + 1), &w->port);
        w->peer[i].tls = w->tls;
    }
    w->zone = world_zone(w, zone);
    world_settings(w);
}

static void world_start(struct world *w)
{
    char why[300] = "";

    w->delivery = delivery_new(w->loop, NULL, NULL, NULL, &w->config, why, sizeof why);
    if (w->delivery == NULL)
        fail_msg("delivery_new: %s", why);
    delivery_set_sts(w->delivery, (struct sts *)w); /* its own, as above */
}

static inline struct queue_dest *world_dest_tls(struct world *w, const char *domain,
                                                enum dest_tls tls)
{
    for (size_t i = 0; i < w->dests; i++)
        if (strcmp(w->dest[i]->domain, domain) == 0 && w->dest[i]->tls == tls)
            return w->dest[i];
    w->dest[w->dests] = calloc(1, sizeof **w->dest);
    snprintf(w->dest[w->dests]->domain, sizeof w->dest[w->dests]->domain, "%s", domain);
    w->dest[w->dests]->tls = tls;
    return w->dest[w->dests++];
}

static inline struct queue_dest *world_dest(struct world *w, const char *domain)
{
    return world_dest_tls(w, domain, DEST_TLS_PUBLISHED);
}

/* Puts one job into the queue; its body is `text`, NULL: it is in the store. */
static inline struct job *world_put_at(struct world *w, struct queue_dest *dest, size_t rcpts,
                                       const char *text)
{
    struct job *job = calloc(1, sizeof *job);

    job->message = calloc(1, sizeof *job->message);
    job->message->id = ++w->next_id;
    job->message->env_from = SGL_LIT("sender@client.test");
    job->rcpt = calloc(rcpts, sizeof *job->rcpt);
    job->rcpts = rcpts;
    job->dest = dest;
    for (size_t i = 0; i < rcpts; i++) {
        char *address = NULL;

        assert_true(asprintf(&address, "r%zu@%s", i, dest->domain) > 0);
        job->rcpt[i] = calloc(1, sizeof **job->rcpt);
        job->rcpt[i]->id = ++w->next_id;
        job->rcpt[i]->address = sgl_view_cstr(address);
    }
    if (text != NULL)
        job->body = world_body(text);
    if (dest->last != NULL)
        dest->last->next = job;
    else
        dest->first = job;
    dest->last = job;
    w->wanted += rcpts;
    return job;
}

static inline struct job *world_put(struct world *w, const char *domain, size_t rcpts,
                                    const char *text)
{
    return world_put_at(w, world_dest(w, domain), rcpts, text);
}

static void world_run(struct world *w, const char *name)
{
    loop_run(w->loop);
    if (w->late)
        fail_msg("%s: %zu of %zu outcomes came in time", name, w->outcomes, w->wanted);
}

/* Tells delivery of all destinations with work and runs until every recipient has an outcome. */
__attribute__((unused)) static void world_deliver(struct world *w, const char *name)
{
    for (size_t i = 0; i < w->dests; i++)
        if (w->dest[i]->first != NULL)
            w->hooks.ready(w->hooks.ctx, w->dest[i], queue_dest_domain(w->dest[i]));
    if (w->outcomes < w->wanted)
        world_run(w, name);
}

static void world_stop(struct loop_task *task)
{
    (void)task;
    loop_stop(the_world->loop);
}

/* Lets the loop turn once more, so that what was posted is done. */
static void world_turn(struct world *w)
{
    w->drained.run = world_stop;
    loop_post(w->loop, &w->drained);
    loop_run(w->loop);
}

static void world_done(struct world *w)
{
    delivery_free(w->delivery);
    world_turn(w);
    for (size_t i = 0; i < 2; i++)
        smtp_peer_done(&w->peer[i]);
    world_turn(w);
    for (size_t i = 0; i < w->dests; i++) {
        CHECK_EQ("no reference to a destination is left", w->dest[i]->refs, 0);
        free(w->dest[i]);
    }
    CHECK_EQ("no reference to the configuration is left", w->config_refs, 0);
    CHECK_EQ("every doubt was cleared", w->doubts, w->cleared);
    tls_server_free(w->tls);
    event_free(w->watchdog);
    event_free(w->sts_answers);
    loop_free(w->loop);
    free(w->zone);
}

#endif
