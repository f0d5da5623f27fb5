/* SPDX-License-Identifier: Apache-2.0 */
/* Keys change places: what comes next, and what each step does to the selectors. */
#include "../../server/directory/domain_internal.h"
#include "../../server/setup/rotation.h"
#include "check.h"
#include "fail_alloc.h"

#define NOW 1000000

/* The keys process is not part of this. */
void keys_submit(struct keys *keys, struct keys_op *op)
{
    (void)keys;
    (void)op;
    fail_msg("no key is made here");
}

/* ---- what comes next ---- */

static const struct {
    const char *rule;
    enum rotation_step step;
    bool automatic, by_hand, verified;
    int64_t created, last, until;
    unsigned interval;
    enum rotation_do want;
    int64_t wait;
} nexts[] = {
    {"not before the interval", ROTATION_NONE, true, false, true, NOW - 50, 0, 0, 100,
     ROTATION_WAIT, 50},
    {"when the interval has passed", ROTATION_NONE, true, false, true, NOW - 100, 0, 0, 100,
     ROTATION_START, 0},
    {"counted from the last one", ROTATION_NONE, true, false, true, NOW - 500, NOW - 40, 0, 100,
     ROTATION_WAIT, 60},
    {"never without an interval", ROTATION_NONE, true, true, true, 0, 0, 0, 0, ROTATION_WAIT,
     INT64_MAX},
    {"by hand only when that is wanted", ROTATION_NONE, false, false, true, 0, 0, 0, 100,
     ROTATION_WAIT, INT64_MAX},
    {"by hand when it is", ROTATION_NONE, false, true, true, 0, 0, 0, 100, ROTATION_START,
     100 - NOW},
    {"not of a domain that does not send yet", ROTATION_NONE, true, false, false, 0, 0, 0, 100,
     ROTATION_WAIT, INT64_MAX},
    {"what is published is looked for", ROTATION_PUBLISH, true, false, true, 0, 0, 0, 100,
     ROTATION_LOOK_NEW, INT64_MAX},
    {"it settles", ROTATION_SETTLE, true, false, true, 0, 0, NOW + 7, 100, ROTATION_WAIT, 7},
    {"it has settled", ROTATION_SETTLE, true, false, true, 0, 0, NOW, 100, ROTATION_LOOK_AGAIN, 0},
    {"the old key is kept", ROTATION_KEEP, true, false, true, 0, 0, NOW + 1, 100, ROTATION_WAIT, 1},
    {"it was kept long enough", ROTATION_KEEP, false, false, true, 0, 0, NOW - 1, 0,
     ROTATION_REVOKE_OLD, -1},
    {"what is revoked is looked for", ROTATION_REVOKE, false, false, true, 0, 0, 0, 0,
     ROTATION_LOOK_REVOKED, INT64_MAX},
};

static void the_next_thing_follows_from_what_is_stored(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(nexts) / sizeof(nexts[0]); i++) {
        struct domain d = {.created_at = nexts[i].created,
                           .rotation = {.step = nexts[i].step,
                                        .last_s = nexts[i].last,
                                        .until_s = nexts[i].until}};
        struct config c = {
            .rotation = {.interval_s = nexts[i].interval, .by_hand = nexts[i].by_hand}};
        int64_t wait = 0;

        d.status[PART_DKIM].state = nexts[i].verified ? DOMAIN_VERIFIED : DOMAIN_IN_PROGRESS;
        CHECK_EQ(nexts[i].rule, rotation_next(&d, &c, nexts[i].automatic, NOW, &wait),
                 nexts[i].want);
        CHECK_EQ(nexts[i].rule, wait, nexts[i].wait);
        d.kind = DOMAIN_PARKED;
        CHECK_EQ("a parked domain", rotation_next(&d, &c, true, NOW, &wait), ROTATION_WAIT);
    }
}

/* ---- what a step does ---- */

static void add(struct domain *d, const char *name, enum keys_algorithm algorithm, bool active)
{
    d->selector[d->selectors++] = (struct selector){
        .name = text_of(sgl_view_cstr(name)), .algorithm = algorithm, .active = active};
}

static struct domain *domain_of(bool ed25519)
{
    struct domain *d = domain_new(SGL_LIT("a.test"), SGL_LIT("default"), 8);

    add(d, "s1", KEYS_RSA_2048, true);
    add(d, "s2", KEYS_RSA_2048, false);
    if (ed25519)
        add(d, "e1", KEYS_ED25519, true);
    return d;
}

/* "+s2 -s1 s3": signs, retires, waits */
static const char *picture(const struct domain *d)
{
    static char out[200];
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < d->selectors; i++)
        len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s%s", i == 0 ? "" : " ",
                                d->selector[i].active    ? "+"
                                : d->selector[i].retires ? "-"
                                                         : "",
                                d->selector[i].name);
    return out;
}

static const char *turn(struct domain *d, enum rotation_verb verb, bool reuse)
{
    struct domain_change dc = {.rotate = verb, .rotate_until_s = NOW + 5, .reuse_names = reuse};

    return domain_rotate(d, &dc, NOW);
}

static void keys_change_places(void **state)
{
    static const struct {
        enum rotation_verb verb;
        const char *want;
        enum rotation_step step;
    } turns[] = {
        {ROTATE_BEGIN, "+s1 s2 +e1 e2", ROTATION_PUBLISH},
        {ROTATE_SETTLE, "+s1 s2 +e1 e2", ROTATION_SETTLE},
        {ROTATE_SWITCH, "-s1 +s2 -e1 +e2", ROTATION_KEEP},
        {ROTATE_REVOKE, "-s1 +s2 -e1 +e2", ROTATION_REVOKE},
        {ROTATE_FINISH, "+s2 +e2 s3 e3", ROTATION_NONE},
    };
    struct domain *d = domain_of(true);

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        for (int v = ROTATE_BEGIN; v < ROTATE_CANCEL; v++)
            if (v != (int)turns[i].verb)
                CHECK_TRUE("one step after the other",
                           turn(d, (enum rotation_verb)v, false) != NULL);
        CHECK_TRUE(turns[i].want, turn(d, turns[i].verb, false) == NULL);
        CHECK_STR("selectors", picture(d), turns[i].want);
        CHECK_EQ("step", d->rotation.step, turns[i].step);
        CHECK_EQ("until", d->rotation.until_s, NOW + 5);
    }
    CHECK_EQ("the last one", d->rotation.last_s, NOW);
    domain_unref(d);
}

static void an_alias_keeps_its_name(void **state)
{
    struct domain *d = domain_of(false);

    (void)state;
    for (int v = ROTATE_BEGIN; v < ROTATE_CANCEL; v++)
        CHECK_TRUE("step", turn(d, (enum rotation_verb)v, true) == NULL);
    CHECK_STR("the same names", picture(d), "s1 +s2");
    CHECK_TRUE("with a key that is to be made", d->selector[0].key == NULL);
    domain_unref(d);
}

static void a_rotation_is_taken_back_until_the_old_key_is_revoked(void **state)
{
    static const struct {
        int steps;
        const char *want;
    } rows[] = {{1, "+s1 s2"}, {2, "+s1 s2"}, {3, "+s1 s2"}};
    struct domain *d;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        d = domain_of(false);
        for (int n = 0; n < rows[i].steps; n++)
            CHECK_TRUE("step", turn(d, (enum rotation_verb)(ROTATE_BEGIN + n), false) == NULL);
        CHECK_TRUE("taken back", turn(d, ROTATE_CANCEL, false) == NULL);
        CHECK_STR("as before", picture(d), rows[i].want);
        CHECK_TRUE("nothing to take back", turn(d, ROTATE_CANCEL, false) != NULL);
        domain_unref(d);
    }
    d = domain_of(false);
    for (int n = 0; n < 4; n++)
        CHECK_TRUE("step", turn(d, (enum rotation_verb)(ROTATE_BEGIN + n), false) == NULL);
    CHECK_TRUE("too late", turn(d, ROTATE_CANCEL, false) != NULL);
    domain_unref(d);
}

static void memory_may_end_before_the_next_key(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct domain *d;
        const char *why;

        fail_alloc_off();
        d = domain_of(false);
        for (int v = ROTATE_BEGIN; v < ROTATE_FINISH; v++)
            (void)turn(d, (enum rotation_verb)v, false);
        fail_alloc_on();
        why = turn(d, ROTATE_FINISH, false);
        fail_alloc_off();
        CHECK_TRUE("all or nothing", (why == NULL) == (d->rotation.step == ROTATION_NONE));
        CHECK_STR("selectors", picture(d), why == NULL ? "+s2 s3" : "-s1 +s2");
        domain_unref(d);
    }
}

static void a_stored_rotation_is_read_again(void **state)
{
    struct domain *d = domain_new(SGL_LIT("a.test"), SGL_LIT("default"), 8), *again;
    struct store_noun row = {.key = SGL_LIT("a.test"), .subscription = SGL_LIT("default")};
    json_t *json;

    (void)state;
    add(d, "s1", KEYS_RSA_2048, false);
    d->selector[0].key = selector_key_new((const uint8_t *)"p", 1, (const uint8_t *)"s", 1);
    d->selector[0].retires = true;
    d->rotation = (struct domain_rotation){ROTATION_KEEP, 5, 6, 7};
    json = domain_to_json(d);
    again = domain_from_json(&row, json);
    assert_non_null(again);
    CHECK_EQ("step", again->rotation.step, ROTATION_KEEP);
    CHECK_EQ("since", again->rotation.since_s, 5);
    CHECK_EQ("until", again->rotation.until_s, 6);
    CHECK_EQ("last", again->rotation.last_s, 7);
    CHECK_STR("selectors", picture(again), "-s1");
    domain_unref(again);
    json_object_del(json, "rotation");
    again = domain_from_json(&row, json);
    CHECK_EQ("of an older store", again->rotation.step, ROTATION_NONE);
    domain_unref(again);
    json_object_set_new(json, "rotation", json_pack("{s:s}", "step", "dance"));
    CHECK_TRUE("no such step", domain_from_json(&row, json) == NULL);
    json_decref(json);
    domain_unref(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_thing_follows_from_what_is_stored),
        cmocka_unit_test(keys_change_places),
        cmocka_unit_test(an_alias_keeps_its_name),
        cmocka_unit_test(a_rotation_is_taken_back_until_the_old_key_is_revoked),
        cmocka_unit_test(memory_may_end_before_the_next_key),
        cmocka_unit_test(a_stored_rotation_is_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
