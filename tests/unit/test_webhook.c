/* SPDX-License-Identifier: Apache-2.0 */
/* The courier: one recipient after the other, the same identifier and another time at each attempt, memory that has an end, nothing that is lost. */
#include "../../server/webhook/webhook.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../../server/directory/route.h"
#include "../../server/webhook/sign.h"
#include "check.h"
#include "fail_alloc.h"

#define LOADS 8

static struct loop *loop;
static struct workers *workers;
static struct webhook *webhook;
static struct https *const to_public = (struct https *)&loop, *const to_inside =
                                                                  (struct https *)&workers;

static bool runs;

static void run(void)
{
    runs = true;
    loop_run(loop);
    runs = false;
}

static void stop_loop(void)
{
    if (runs)
        loop_stop(loop);
}

/* ---- seams ---- */

static enum keys_result keys_say;
static char opened_for[64];
static size_t opened_len, opened_times;

static void keys_come_home(struct loop_task *task)
{
    struct keys_op *op = (struct keys_op *)(void *)((char *)task - offsetof(struct keys_op, task));

    op->result = keys_say;
    op->out_len = keys_say == KEYS_OK ? ROUTE_SECRET : 0;
    memset(op->out, 'k', ROUTE_SECRET);
    op->done(op);
}

void keys_submit(struct keys *keys, struct keys_op *op)
{
    (void)keys;
    assert_int_equal(op->verb, KEYS_OPEN);
    snprintf(opened_for, sizeof(opened_for), "%.*s", SGL_FMT(op->context));
    opened_len = op->in.len;
    opened_times++;
    op->task.run = keys_come_home;
    loop_post(op->loop, &op->task);
}

struct asked {
    struct https *https;
    struct https_get *get;
    char id[128], timestamp[128], signature[128], url[64], recipient[64];
    char *document;
    size_t len;
};
static struct asked asked[LOADS];
static size_t asks;

static void take_line(const char *line, const char *name, char out[128])
{
    if (strncmp(line, name, strlen(name)) == 0)
        snprintf(out, 128, "%s", line + strlen(name));
}

void https_get(struct https *h, struct https_get *g)
{
    struct asked *a = &asked[asks++];

    assert_true(asks <= LOADS);
    fail_alloc_off();
    *a = (struct asked){.https = h, .get = g, .len = g->send.len};
    for (size_t i = 0; g->header_line[i] != NULL; i++) {
        take_line(g->header_line[i], "webhook-id: ", a->id);
        take_line(g->header_line[i], "webhook-timestamp: ", a->timestamp);
        take_line(g->header_line[i], "webhook-signature: ", a->signature);
    }
    snprintf(a->url, sizeof(a->url), "%s", g->url);
    a->document = malloc(g->send.len + 1);
    memcpy(a->document, g->send.ptr, g->send.len);
    a->document[g->send.len] = '\0';
    CHECK_STR("what it is", g->send_type, "application/json");
    stop_loop();
}

static struct given {
    struct delivery_load *load;
    bool no_memory;
    enum delivery_carried carried[2];
    char status[2][16], said[2][256];
    int64_t not_before[2];
} given[LOADS];
static size_t givens;

void delivery_carried(struct delivery_load *load, const struct delivery_receipt *receipt,
                      uint64_t ms)
{
    struct given *g = &given[givens++];

    (void)ms;
    *g = (struct given){.load = load, .no_memory = receipt == NULL};
    for (size_t i = 0; receipt != NULL && i < load->rcpts; i++) {
        g->carried[i] = receipt[i].carried;
        g->not_before[i] = receipt[i].not_before;
        snprintf(g->status[i], sizeof(g->status[i]), "%s", receipt[i].status);
        snprintf(g->said[i], sizeof(g->said[i]), "%.*s", SGL_FMT(receipt[i].said));
    }
    stop_loop();
}

static void answer(size_t which, enum https_end end, unsigned status)
{
    struct https_get *g = asked[which].get;

    g->end = end;
    g->status = status;
    g->ok = end == HTTPS_OK;
    snprintf(g->why, sizeof(g->why), "%s", end == HTTPS_OK ? "" : "no luck");
    g->done(g);
}

/* ---- loads ---- */

static struct store_rcpt rcpt[2] = {
    {.id = 41, .address = SGL_LIT_INIT("a@our.test"), .domain = SGL_LIT_INIT("=r_1")},
    {.id = 42, .address = SGL_LIT_INIT("b@our.test"), .domain = SGL_LIT_INIT("=r_1")},
};
static struct store_rcpt *const rcpts[2] = {&rcpt[0], &rcpt[1]};
static struct store_message message = {.id = 7,
                                       .env_from = SGL_LIT_INIT("x@a.test"),
                                       .peer = SGL_LIT_INIT("192.0.2.1"),
                                       .accepted_at = 1790000000000};
static char *target[] = {(char *)(uintptr_t) "https://hook.test/in"};
static struct arrival_route route = {.owned = {.key = (char *)(uintptr_t) "r_1"},
                                     .pattern = (char *)(uintptr_t) "@our.test",
                                     .action = ROUTE_WEBHOOK,
                                     .target = target,
                                     .targets = 1,
                                     .secret = (char *)(uintptr_t) "c2VhbGVk"};

static struct delivery_load load_of(size_t recipients)
{
    return (struct delivery_load){.message = &message,
                                  .rcpt = rcpts,
                                  .rcpts = recipients,
                                  .body = SGL_LIT("Subject: hi\r\n\r\nhello\r\n"),
                                  .route = &route};
}

static void start(size_t memory_max)
{
    struct webhook_parts parts = {.loop = loop,
                                  .workers = workers,
                                  .https = to_public,
                                  .inside = to_inside,
                                  .memory_max = memory_max};

    webhook = webhook_new(&parts);
    assert_non_null(webhook);
    asks = givens = opened_times = 0;
    keys_say = KEYS_OK;
    route.inside = false;
    route.secret = (char *)(uintptr_t) "c2VhbGVk";
}

static void stop(void)
{
    for (size_t i = 0; i < asks; i++)
        free(asked[i].document);
    webhook_free(webhook);
}

static int setup(void **state)
{
    (void)state;
    loop = loop_new("test");
    workers = workers_new("test", 1, 16);
    return loop == NULL || workers == NULL;
}

static int teardown(void **state)
{
    (void)state;
    workers_free(workers);
    loop_free(loop);
    return 0;
}

/* ---- */

static void check_signature(const struct asked *a)
{
    uint8_t secret[ROUTE_SECRET];
    char want[SIGN_SIZE];
    uint64_t timestamp = 0;

    memset(secret, 'k', sizeof(secret));
    assert_true(sgl_view_u64(sgl_view_cstr(a->timestamp), INT64_MAX, &timestamp));
    CHECK_TRUE("now", (int64_t)timestamp > clock_now_s() - 60);
    sign_webhook(secret, sizeof(secret), a->id, (int64_t)timestamp,
                 sgl_view_of(a->document, a->len), want);
    CHECK_STR("signed", a->signature, want);
}

static void one_recipient(void **state)
{
    struct delivery_load load = load_of(1);

    (void)state;
    start(1000000);
    webhook_carry(webhook, &load);
    CHECK_EQ("nothing within the call", asks + givens, 0);
    run();
    CHECK_EQ("asked", asks, 1);
    CHECK_STR("the secret is the route's", opened_for, "route:r_1");
    CHECK_EQ("sealed", opened_len, 6);
    CHECK_STR("where", asked[0].url, "https://hook.test/in");
    CHECK_TRUE("a public address", asked[0].https == to_public);
    CHECK_STR("of what", asked[0].id, "msg_0000000000007_41");
    CHECK_TRUE("to whom", strstr(asked[0].document, "\"recipient\":\"a@our.test\"") != NULL);
    CHECK_TRUE("the same identifier within",
               strstr(asked[0].document, "\"id\":\"msg_0000000000007_41\"") != NULL);
    check_signature(&asked[0]);
    answer(0, HTTPS_OK, 200);
    CHECK_EQ("over", givens, 1);
    CHECK_EQ("taken", given[0].carried[0], CARRIED);
    CHECK_STR("said", given[0].said[0], "HTTP 200");
    route.inside = true;
    webhook_carry(webhook, &load);
    run();
    CHECK_TRUE("an operator's route leads inside", asked[1].https == to_inside);
    CHECK_STR("the same identifier again", asked[1].id, asked[0].id);
    answer(1, HTTPS_STATUS, 500);
    CHECK_EQ("later", given[1].carried[0], CARRIED_LATER);
    stop();
}

static void several_recipients(void **state)
{
    struct delivery_load load = load_of(2);

    (void)state;
    start(1000000);
    webhook_carry(webhook, &load);
    run();
    answer(0, HTTPS_STATUS, 410);
    CHECK_EQ("the other's turn", givens, 0);
    run();
    CHECK_EQ("asked", asks, 2);
    CHECK_STR("another identifier", asked[1].id, "msg_0000000000007_42");
    CHECK_TRUE("the other", strstr(asked[1].document, "\"recipient\":\"b@our.test\"") != NULL);
    answer(1, HTTPS_OK, 204);
    CHECK_EQ("one for good", given[0].carried[0], CARRIED_NEVER);
    CHECK_STR("said", given[0].said[0], "HTTP 410");
    CHECK_EQ("the other is there", given[0].carried[1], CARRIED);
    CHECK_STR("said", given[0].said[1], "HTTP 204");
    webhook_carry(webhook, &load);
    run();
    answer(2, HTTPS_TIMEOUT, 0);
    CHECK_EQ("who does not answer is not asked again at once", asks, 3);
    CHECK_EQ("both later", given[1].carried[1], CARRIED_LATER);
    CHECK_STR("why", given[1].said[1], "no luck");
    stop();
}

static void no_secret(void **state)
{
    static const struct {
        enum keys_result say;
        const char *secret, *said;
    } cases[] = {
        {KEYS_DOWN, "c2VhbGVk", "the secret of the route cannot be opened now"},
        {KEYS_BUSY, "c2VhbGVk", "the secret of the route cannot be opened now"},
        {KEYS_REFUSED, "c2VhbGVk", "the secret of the route cannot be opened: give it another one"},
        {KEYS_REFUSED, NULL, "the secret of the route cannot be opened: give it another one"},
        {KEYS_REFUSED, "!", "the secret of the route cannot be opened: give it another one"},
    };
    struct delivery_load load = load_of(1);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start(1000000);
        keys_say = cases[i].say;
        route.secret = (char *)(uintptr_t)cases[i].secret;
        webhook_carry(webhook, &load);
        run();
        CHECK_EQ("nothing goes unsigned", asks, 0);
        CHECK_EQ("later", given[0].carried[0], CARRIED_LATER);
        CHECK_STR("why", given[0].said[0], cases[i].said);
        stop();
    }
}

static void memory_has_an_end(void **state)
{
    struct delivery_load load[3] = {load_of(1), load_of(1), load_of(1)};

    (void)state;
    start(1);
    for (size_t i = 0; i < 3; i++)
        webhook_carry(webhook, &load[i]);
    for (size_t i = 0; i < 3; i++) {
        run();
        CHECK_EQ("one at a time", opened_times, i + 1);
        CHECK_EQ("is asked", asks, i + 1);
        CHECK_EQ("those before are over", givens, i);
        answer(i, HTTPS_OK, 200);
        CHECK_TRUE("in their order", given[i].load == &load[i]);
    }
    stop();
}

static void too_much_to_do(void **state)
{
    struct workers *none = workers_new("none", 1, 0), *some = workers;
    struct delivery_load load = load_of(1);

    (void)state;
    workers = none;
    start(1000000);
    webhook_carry(webhook, &load);
    run();
    CHECK_EQ("later", given[0].carried[0], CARRIED_LATER);
    CHECK_STR("why", given[0].said[0], "this server has too much to do");
    stop();
    workers = some;
    workers_free(none);
}

static void without_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct delivery_load load = load_of(1);

        fail_alloc_off();
        start(1000000);
        fail_alloc_on();
        webhook_carry(webhook, &load);
        CHECK_EQ("nothing within the call", givens, 0);
        run();
        fail_alloc_off();
        CHECK_EQ("asked, or given back", asks + givens, 1);
        if (givens == 1)
            CHECK_TRUE("later", given[0].no_memory || given[0].carried[0] == CARRIED_LATER);
        else
            answer(0, HTTPS_OK, 200);
        CHECK_EQ("over", givens, 1);
        stop();
        fail_alloc_on();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_recipient),  cmocka_unit_test(several_recipients),
        cmocka_unit_test(no_secret),      cmocka_unit_test(memory_has_an_end),
        cmocka_unit_test(too_much_to_do), cmocka_unit_test(without_memory),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, setup, teardown);
}
