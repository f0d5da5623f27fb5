/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A load on its way, recipient by recipient:
 *
 *   WAITING (for memory) -> OPENING (the secret) -> MAKING (the document, on a worker) -> ASKING (over HTTPS) -> MAKING (the next recipient) ... -> over
 *
 * What cannot be done now ends the load: its other recipients come again with it.
 */
#include "webhook.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../directory/route.h"
#include "../metrics/metrics.h"
#include "answer.h"
#include "document.h"
#include "sign.h"

#define MAKES          3 /* bytes of memory for a byte of the message, about */
#define MAKES_BESIDE   65536
#define ANSWER_MAX     65536 /* nobody reads it */
#define TIMEOUT_MS     30000
#define SLOWEST_PER_MS 256 /* bytes: a large document may take longer */
#define SEALED_MAX     256
#define LINES          3

static struct metric requests[] = {
    METRIC_COUNTER("sigillo_webhook_requests_total", "Requests that brought mail to programs",
                   "result=\"taken\""),
    METRIC_COUNTER("sigillo_webhook_requests_total", "Requests that brought mail to programs",
                   "result=\"later\""),
    METRIC_COUNTER("sigillo_webhook_requests_total", "Requests that brought mail to programs",
                   "result=\"refused\""),
};

struct carry {
    struct carry *next; /* that waits */
    struct webhook *webhook;
    struct delivery_load *load;
    struct keys_op op;
    struct work work;
    struct https_get get;
    uint8_t sealed[SEALED_MAX], secret[ROUTE_SECRET];
    char context[ROUTE_CONTEXT_SIZE];
    char id[64], line[LINES][128];
    const char *lines[LINES + 1];
    struct sgl_buf document;
    enum sgl_status made;
    size_t at; /* the recipient whose turn it is */
    size_t held;
    uint64_t began_ms;
    char (*said)[ANSWER_SAID_SIZE];    /* of the load's recipients, behind their receipts */
    struct delivery_receipt receipt[]; /* the same */
};
struct webhook {
    struct webhook_parts parts;
    size_t held; /* memory of documents, as it is reckoned */
    struct carry *first, **last;
    struct loop_later later;
    struct delivery_load *lost[DELIVERY_LOADS_MAX]; /* for which there was no memory */
    size_t losts;
};

struct webhook *webhook_new(const struct webhook_parts *parts)
{
    struct webhook *w = calloc(1, sizeof(*w));

    if (w == NULL)
        return NULL;
    w->parts = *parts;
    w->last = &w->first;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        metrics_register(&requests[i]);
    return w;
}

void webhook_free(struct webhook *w)
{
    free(w);
}

/* ---- over ---- */

static void let_go(struct webhook *w);

/* The recipients whose turn did not come, come again with the one that failed. */
static void end(struct carry *c)
{
    struct webhook *w = c->webhook;
    struct delivery_load *load = c->load;

    for (size_t i = c->at + 1; i < load->rcpts; i++)
        c->receipt[i] = c->receipt[c->at];
    sodium_memzero(c->secret, sizeof(c->secret));
    sgl_buf_done(&c->document);
    w->held -= c->held;
    delivery_carried(load, c->receipt, clock_mono_ms() - c->began_ms);
    free(c);
    let_go(w);
}

static void later(struct carry *c, const char *why)
{
    c->receipt[c->at] = (struct delivery_receipt){
        .carried = CARRIED_LATER, .status = "4.3.0", .said = sgl_view_cstr(why)};
    end(c);
}

/* ---- one recipient ---- */

static void make(struct carry *c);

static void answered(struct https_get *g)
{
    struct carry *c = (struct carry *)(void *)((char *)g - offsetof(struct carry, get));
    struct delivery_receipt *receipt = &c->receipt[c->at];

    sgl_buf_done(&g->body);
    sgl_buf_done(&c->document);
    answer_of(g, clock_now_s(), c->said[c->at], receipt);
    metric_add(&requests[receipt->carried], 1);
    if (receipt->carried == CARRIED_LATER || c->at + 1 == c->load->rcpts) {
        end(c);
        return;
    }
    c->at++;
    make(c);
}

static void ask(struct carry *c)
{
    const struct webhook_parts *p = &c->webhook->parts;

    for (size_t i = 0; i < LINES; i++)
        c->lines[i] = c->line[i];
    c->get = (struct https_get){.url = c->load->route->target[0],
                                .size_max = ANSWER_MAX,
                                .timeout_ms = TIMEOUT_MS + c->document.len / SLOWEST_PER_MS,
                                .send_type = "application/json",
                                .send = sgl_buf_view(&c->document),
                                .header_line = c->lines,
                                .done = answered};
    https_get(c->load->route->inside ? p->inside : p->https, &c->get);
}

/* ---- the document ---- */

static void sign(struct carry *c)
{
    int64_t now = clock_now_s();
    char signature[SIGN_SIZE];

    sign_webhook(c->secret, sizeof(c->secret), c->id, now, sgl_buf_view(&c->document), signature);
    snprintf(c->line[0], sizeof(c->line[0]), "webhook-id: %s", c->id);
    snprintf(c->line[1], sizeof(c->line[1]), "webhook-timestamp: %" PRId64, now);
    snprintf(c->line[2], sizeof(c->line[2]), "webhook-signature: %s", signature);
}

static void make_on_worker(struct work *work)
{
    struct carry *c = (struct carry *)(void *)((char *)work - offsetof(struct carry, work));
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(DOCUMENT_ARENA);
    const struct delivery_load *load = c->load;
    const struct store_rcpt *rcpt = load->rcpt[c->at];
    struct document_mail mail = {.id = c->id,
                                 .at_ms = load->message->accepted_at,
                                 .route = sgl_view_cstr(load->route->owned.key),
                                 .pattern = sgl_view_cstr(load->route->pattern),
                                 .recipient = rcpt->address,
                                 .sender = load->message->env_from,
                                 .ip = load->message->peer,
                                 .raw = load->body};

    sgl_buf_init(&c->document, document_size_max(load->body.len));
    c->made = document_put(&mail, &arena, &c->document);
    if (c->made == SGL_OK)
        sign(c);
}

static void made(struct work *work)
{
    struct carry *c = (struct carry *)(void *)((char *)work - offsetof(struct carry, work));

    if (c->made == SGL_OK)
        ask(c);
    else
        later(c, "this server has no memory for the document");
}

static void make(struct carry *c)
{
    char message[ID_TEXT_SIZE];

    id_text(c->load->message->id, message);
    snprintf(c->id, sizeof(c->id), "msg_%s_%" PRIu64, message, c->load->rcpt[c->at]->id);
    c->work = (struct work){.work = make_on_worker, .done = made, .loop = c->webhook->parts.loop};
    if (!workers_submit(c->webhook->parts.workers, &c->work))
        later(c, "this server has too much to do");
}

/* ---- the secret ---- */

static void opened(struct keys_op *op)
{
    struct carry *c = (struct carry *)(void *)((char *)op - offsetof(struct carry, op));
    bool good = op->result == KEYS_OK && op->out_len == sizeof(c->secret);

    if (good)
        memcpy(c->secret, op->out, sizeof(c->secret));
    sodium_memzero(op->out, sizeof(op->out));
    if (good)
        make(c);
    else
        later(c, op->result == KEYS_OK || op->result == KEYS_REFUSED
                     ? "the secret of the route cannot be opened: give it another one"
                     : "the secret of the route cannot be opened now");
}

static void open_secret(struct carry *c)
{
    const struct arrival_route *route = c->load->route;
    const char *text = route->secret == NULL ? "" : route->secret;
    size_t len = 0;

    if (sodium_base642bin(c->sealed, sizeof(c->sealed), text, strlen(text), NULL, &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        len = 0; /* what is empty opens nothing */
    arrival_route_context(route, c->context);
    c->op = (struct keys_op){.verb = KEYS_OPEN,
                             .loop = c->webhook->parts.loop,
                             .done = opened,
                             .in = sgl_view_of(c->sealed, len),
                             .context = sgl_view_cstr(c->context)};
    keys_submit(c->webhook->parts.keys, &c->op);
}

/* ---- loads come ---- */

static void let_go(struct webhook *w)
{
    while (w->first != NULL && (w->held == 0 || w->held + w->first->held <= w->parts.memory_max)) {
        struct carry *c = w->first;

        w->first = c->next;
        if (w->first == NULL)
            w->last = &w->first;
        w->held += c->held;
        open_secret(c);
    }
}

static void give_back_lost(struct loop_later *l)
{
    struct webhook *w = (struct webhook *)(void *)((char *)l - offsetof(struct webhook, later));

    while (w->losts > 0) {
        struct delivery_load *load = w->lost[--w->losts];

        delivery_carried(load, NULL, 0);
    }
}

void webhook_carry(void *webhook, struct delivery_load *load)
{
    struct webhook *w = webhook;
    size_t each = sizeof(struct delivery_receipt) + ANSWER_SAID_SIZE;
    struct carry *c = calloc(1, sizeof(*c) + load->rcpts * each);

    if (c == NULL) {
        w->lost[w->losts++] = load;
        w->later.run = give_back_lost;
        loop_later(w->parts.loop, &w->later);
        return;
    }
    c->webhook = w;
    c->load = load;
    c->said = (char(*)[ANSWER_SAID_SIZE])(void *)&c->receipt[load->rcpts];
    c->began_ms = clock_mono_ms();
    c->held = load->body.len * MAKES + MAKES_BESIDE;
    *w->last = c;
    w->last = &c->next;
    let_go(w);
}
