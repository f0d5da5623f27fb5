/* SPDX-License-Identifier: Apache-2.0 */
/* The gate with everything around it played: routes, domains, DNS, store and queue. */
#ifndef TESTS_UNIT_RECEPTION_FIXTURE_H
#define TESTS_UNIT_RECEPTION_FIXTURE_H

#include <stdlib.h>

#include "../../server/reception/reception.h"
#include "../../server/resolver/resolver.h"
#include "fail_alloc.h"
#include "verdict_fixture.h"

/* ---- directory ---- */

#define ROUTE(key_, sub_, pattern_, ...)                                                           \
    {                                                                                              \
        .owned = {.refs = 1, .key = (char *)(key_), .subscription = (char *)(sub_)},               \
        .pattern = (char *)(pattern_), __VA_ARGS__                                                 \
    }
static struct arrival_route routes[] = {
    ROUTE("r_box", "a", "box@example.net", .action = ROUTE_LMTP),
    ROUTE("r_two", "a", "two@example.net", .action = ROUTE_SMTP,
          .junk = (char *)"junk@example.net"),
    ROUTE("r_other", "b", "box@other.net", .action = ROUTE_WEBHOOK),
    ROUTE("r_fwd", "a", "fwd@example.net", .action = ROUTE_FORWARD),
    ROUTE("r_fwd2", "a", "fwd2@example.net", .action = ROUTE_FORWARD),
    ROUTE("r_bounce", "a", "bounces@example.net", .action = ROUTE_BOUNCES),
    ROUTE("r_reports", "a", "reports@example.net", .action = ROUTE_REPORTS),
    ROUTE("r_trap", "a", "trap@example.net", .action = ROUTE_TRAP),
    ROUTE("r_null", "a", "null@example.net", .action = ROUTE_DISCARD),
    ROUTE("r_ask", "a", "ask@example.net", .action = ROUTE_LMTP, .ask = true),
    ROUTE("r_all", "a", "b-bad@example.net", .action = ROUTE_LMTP), /* as one for all of it would */
    ROUTE("r_other2", "b", "postmaster@other.net", .action = ROUTE_LMTP,
          .ask = true), /* the same */
    ROUTE("r_pm", "a", "pm@example.net", .action = ROUTE_LMTP),
};
static int routes_out; /* references that are held */

struct arrival_route *directory_route(struct directory *d, sgl_view address)
{
    (void)d;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
        if (sgl_view_eq_nocase(V(routes[i].pattern), address)) {
            routes_out++;
            return &routes[i];
        }
    return NULL;
}

void arrival_route_unref(struct arrival_route *r)
{
    routes_out -= r != NULL;
}

bool route_is_carried(enum route_action action)
{
    return action <= ROUTE_FORWARD;
}

bool directory_receives_for(struct directory *d, sgl_view domain)
{
    (void)d;
    return sgl_view_eq_nocase(domain, V("example.net")) ||
           sgl_view_eq_nocase(domain, V("other.net"));
}

static struct domain the_domain = {.name = (char *)"example.net"};

struct domain *directory_domain(struct directory *d, sgl_view name)
{
    (void)d;
    return sgl_view_eq(name, V("example.net")) ? &the_domain : NULL;
}

void domain_unref(struct domain *d)
{
    (void)d;
}

struct config *config_ref(struct config *c)
{
    return c;
}

void config_unref(struct config *c)
{
    (void)c;
}

/* ---- DNS ---- */

struct resolver {
    struct loop *loop;
    const char *zone;
    bool dead;
    struct resolver_fill *fill;
    struct loop_task task;
};

static void fill_now(struct loop_task *task)
{
    struct resolver *r =
        (struct resolver *)(void *)((char *)task - offsetof(struct resolver, task));
    struct dns_fixture fx = {0};
    struct sgl_dns own;

    fail_alloc_off();
    fx = dns_fixture_init("fixture.test", r->zone);
    own = fx.dns;
    fx.dns = *r->fill->dns;
    if (r->dead)
        sgl_dns_fail_open(&fx.dns, "timeout");
    else
        dns_fixture_answer(&fx);
    *r->fill->dns = fx.dns;
    fx.dns = own;
    dns_fixture_done(&fx);
    fail_alloc_on();
    r->fill->done(r->fill);
}

void resolver_fill(struct resolver *r, struct resolver_fill *fill)
{
    r->fill = fill;
    r->task.run = fill_now;
    loop_post(r->loop, &r->task);
}

void resolver_cancel(struct resolver_fill *fill)
{
    (void)fill;
}

/* ---- queue and store ---- */

static struct {
    int rooms, offers, nudges; /* rooms: reserved and not given back */
    bool full;                 /* no room in memory */
} queue;

bool queue_room(struct queue *q, size_t rcpts, size_t bytes)
{
    (void)q;
    (void)rcpts;
    (void)bytes;
    queue.rooms += !queue.full;
    return !queue.full;
}

void queue_unreserve(struct queue *q, size_t rcpts, size_t bytes)
{
    (void)q;
    (void)rcpts;
    (void)bytes;
    queue.rooms--;
}

void queue_offer(struct queue *q, struct store_message *m, struct body *body)
{
    (void)q;
    queue.rooms--;
    queue.offers++;
    store_message_free(m);
    body_unref(body);
}

void queue_nudge(struct queue *q)
{
    (void)q;
    queue.nudges++;
}

#define STORED_MAX 8
static struct {
    enum store_result result;
    size_t messages;
    char body[STORED_MAX][16384], envelope[STORED_MAX][2048], event[STORED_MAX][1024];
    struct store_op *op;
} stored;

static void put_envelope(const struct store_message *m, char *out, size_t size)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(2000);

    sgl_buf_addf(&text, "%.*s <%.*s>", SGL_FMT(m->subscription), SGL_FMT(m->env_from));
    for (size_t i = 0; i < m->rcpts; i++)
        sgl_buf_addf(&text, " %.*s%.*s/%u", SGL_FMT(m->rcpt[i].address), SGL_FMT(m->rcpt[i].domain),
                     m->rcpt[i].notify);
    snprintf(out, size, "%.*s", SGL_FMT(sgl_buf_view(&text)));
}

static void stored_now(struct loop_task *task)
{
    struct store_op *op =
        (struct store_op *)(void *)((char *)task - offsetof(struct store_op, task));
    const struct store_accept *a = (const struct store_accept *)(const void *)op;

    fail_alloc_off();
    op->result = stored.result;
    for (; op->result == STORE_OK && a != NULL; a = a->with) {
        size_t at = stored.messages++;

        CHECK_TRUE("room in the test", at < STORED_MAX);
        put_envelope(a->message, stored.envelope[at], sizeof(stored.envelope[at]));
        snprintf(stored.body[at], sizeof(stored.body[at]), "%.*s", (int)a->body->len,
                 (const char *)a->body->bytes);
        CHECK_EQ("size", a->message->size, a->body->len);
        CHECK_VIEW("door", a->message->door, V("inbound"));
        if (a->events > 0)
            snprintf(stored.event[at], sizeof(stored.event[at]), "%.*s %.*s",
                     SGL_FMT(a->event->kind), SGL_FMT(a->event->detail));
    }
    fail_alloc_on();
    op->done(op);
}

void __wrap_store_submit(struct store *store, struct store_op *op);
void __wrap_store_submit(struct store *store, struct store_op *op)
{
    (void)store;
    op->task.run = stored_now;
    loop_post(op->loop, &op->task);
}

/* ---- the gate ---- */

struct gate {
    struct loop *loop;
    struct resolver resolver;
    struct judge *judge;
    struct config config;
    struct reception *reception;
    struct sgl_buf zone;
    struct sgl_arena arena;
    struct reception_to to[8];
    struct reception_mail mail;
    struct reception_answer answer; /* the last one */
    bool over;
    size_t judged, trapped;
    enum judge_action action; /* as observers heard */
};

static inline void gate_seen(void *ctx, const struct reception_judged *j)
{
    struct gate *g = ctx;

    g->judged++;
    g->action = j->decision->action;
}

static inline void gate_trapped(void *ctx, const struct reception_judged *j)
{
    (void)j;
    ((struct gate *)ctx)->trapped++;
}

/* false: memory. */
static inline bool gate_open(struct gate *g)
{
    struct judge_setup js = {.resolver = &g->resolver, .resolver_loop = g->loop};
    struct reception_setup rs = {.config = &g->config};

    g->judge = judge_new(&js);
    rs.judge = g->judge;
    g->reception = g->judge == NULL ? NULL : reception_new(&rs);
    if (g->reception == NULL)
        return false;
    reception_set_judged(g->reception, gate_seen, g);
    reception_set_trapped(g->reception, gate_trapped, g);
    return true;
}

static inline void gate_init(struct gate *g, const char *zone)
{
    *g = (struct gate){.loop = loop_new("test"), .zone = SGL_BUF_INIT(1 << 16)};
    memset(&queue, 0, sizeof(queue));
    memset(&stored, 0, sizeof(stored));
    the_domain.incoming = DOMAIN_INCOMING_PRESET;
    g->resolver = (struct resolver){.loop = g->loop, .zone = fill_in(zone, &g->zone)};
    g->config.hostname = "mx.test";
    g->config.limits.message_size = 1 << 20;
    g->config.limits.memory = 1 << 24;
    g->config.queue.expire_s = 3600;
    sgl_arena_init(&g->arena, 1 << 20);
}

static inline void gate_done(struct gate *g)
{
    for (size_t i = 0; i < 8; i++)
        reception_to_done(&g->to[i]);
    reception_free(g->reception);
    judge_free(g->judge);
    loop_free(g->loop);
    sgl_buf_done(&g->zone);
    sgl_arena_done(&g->arena);
    CHECK_EQ("references of routes", routes_out, 0);
    CHECK_EQ("room in the queue", queue.rooms, 0);
    CHECK_EQ("bodies", body_bytes_held(), 0);
}

static inline void gate_asked(struct reception_ask *ask, const struct reception_answer *answer)
{
    struct gate *g = ask->ctx;

    g->answer = *answer;
    g->over = true;
}

static inline uint16_t gate_ask(struct gate *g, const char *address, struct reception_to *to)
{
    struct reception_ask ask = {.to = to, .loop = g->loop, .done = gate_asked, .ctx = g};

    *to = (struct reception_to){.address = V(address), .notify = RCPT_NOTIFY_FAILURE};
    g->over = false;
    reception_ask(g->reception, &ask);
    CHECK_TRUE("answered", g->over);
    return g->answer.code;
}

static inline void gate_answered(struct reception_mail *m, const struct reception_answer *answer)
{
    struct gate *g = (struct gate *)(void *)((char *)m - offsetof(struct gate, mail));

    g->answer = *answer;
    g->over = true;
    loop_stop(g->loop);
}

struct letter {
    const char *ip, *from, *to; /* to: addresses with blanks between */
    const char *raw;
};

/* The answer's code; 0: not even begun. */
static inline uint16_t gate_take(struct gate *g, const struct letter *l)
{
    sgl_view rest = V(l->to);

    g->mail = (struct reception_mail){.ip = ip_of(l->ip),
                                      .helo = V("mx.other.test"),
                                      .env_from = V(l->from),
                                      .peer = V(l->ip),
                                      .peer_text = V("[192.0.2.1]"),
                                      .protocol = V("ESMTP"),
                                      .to = g->to,
                                      .raw = V(l->raw),
                                      .loop = g->loop,
                                      .done = gate_answered};
    while (rest.len > 0) {
        sgl_view address = sgl_view_split(rest, ' ', &rest);
        const char *text;

        fail_alloc_off();
        text = sgl_arena_cstr(&g->arena, address);
        fail_alloc_on();
        if (gate_ask(g, text, &g->to[g->mail.tos++]) != 250)
            fail_msg("%s: %s", text, g->answer.text);
    }
    g->over = false;
    if (!reception_take(g->reception, &g->mail))
        return 0;
    CHECK_TRUE("later, not within the call", !g->over);
    loop_run(g->loop);
    return g->answer.code;
}

#endif
