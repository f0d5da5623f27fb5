/* SPDX-License-Identifier: Apache-2.0 */
/* The store of the test that runs, and what is done with it again and again: claims, outcomes, an operator's hand. */
#ifndef TESTS_UNIT_STORE_STEPS_H
#define TESTS_UNIT_STORE_STEPS_H

#include "store_fixture.h"

#define NOW 1700000100

static struct store_fixture fx;

static inline int store_setup(void **state)
{
    (void)state;
    store_fixture_init(&fx);
    return 0;
}

static inline int store_teardown(void **state)
{
    (void)state;
    store_fixture_done(&fx);
    return 0;
}

static inline size_t claim(struct store_claim *c, size_t max, size_t lane_max, int64_t now)
{
    size_t rcpts = 0;

    memset(c, 0, sizeof(*c));
    c->op.kind = STORE_CLAIM;
    c->now = now;
    c->lease_until = now + 600;
    c->max = max;
    c->lane_max = lane_max;
    assert_int_equal(store_fixture_run(&fx, &c->op), STORE_OK);
    for (size_t i = 0; i < c->messages; i++)
        rcpts += c->message[i]->rcpts;
    return rcpts;
}

static inline enum store_result outcome(uint64_t message, uint64_t rcpt, uint64_t fence,
                                        enum rcpt_state state, struct store_outcome_rcpt *r)
{
    struct store_event event = {1700000101000, rcpt, SGL_LIT("attempt"),
                                SGL_LIT("{\"host\":\"mx\"}")};
    struct store_outcome o = {.op = {.kind = STORE_OUTCOME},
                              .message = message,
                              .rcpt = r,
                              .rcpts = 1,
                              .event = &event,
                              .events = 1};

    *r = (struct store_outcome_rcpt){.rcpt = rcpt,
                                     .fence = fence,
                                     .state = state,
                                     .next_at = NOW + 60,
                                     .attempted = true,
                                     .status = SGL_LIT("4.4.1"),
                                     .reason = SGL_LIT("connection refused"),
                                     .why_wait = SGL_LIT("retry schedule, step 1"),
                                     .remote_mta = SGL_LIT("mx [192.0.2.1]")};
    return store_fixture_run(&fx, &o.op);
}

static inline enum store_result control(enum store_control_verb verb, uint64_t message,
                                        uint64_t rcpt, const char *domain, size_t *changed)
{
    struct store_control c = {.op = {.kind = STORE_CONTROL},
                              .verb = verb,
                              .message = message,
                              .rcpt = rcpt,
                              .domain = sgl_view_cstr(domain),
                              .actor = SGL_LIT("local:uid=0"),
                              .now = NOW + 5};
    enum store_result r = store_fixture_run(&fx, &c.op);

    *changed = c.changed;
    return r;
}

static inline enum rcpt_state state_of(uint64_t message, size_t i)
{
    struct store_message *m = NULL;
    enum rcpt_state state;

    assert_int_equal(store_read_message(fx.store, message, &m), STORE_OK);
    state = m->rcpt[i].state;
    store_message_free(m);
    return state;
}

/* The store is closed, and does not open again; the reason names the file and this word. */
static inline void expect_refusal(const char *name, const char *word)
{
    struct store_config config = {.folder = fx.folder};
    char why[512] = "";
    struct store *store = store_open(&config, why, sizeof(why));

    CHECK_TRUE(name, store == NULL);
    if (strstr(why, word) == NULL || strstr(why, "sigillo.db") == NULL)
        fail_msg("%s: got \"%s\", want the file and \"%s\"", name, why, word);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, store_setup, store_teardown)

#endif
