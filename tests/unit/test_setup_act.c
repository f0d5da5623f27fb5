/* SPDX-License-Identifier: Apache-2.0 */
/* Each step of a rotation, with the check before it and what is published: memory may end at any allocation.  Nothing is half done then, nothing stays busy, and the next time it goes on. */
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../server/audit/audit.h"
#include "../../server/directory/domain_internal.h"
#include "../../server/setup/publishing.h"
#include "../../server/setup/setup_internal.h"
#include "dns_fixture.h"
#include "fail_alloc.h"

#define NAME   "m.a.test"
#define SECOND "192.0.2.54"

/* ---- the rest of the house ---- */

static struct {
    struct loop *loop;
    struct domain *domain;
    char zone[8192];
    bool revoked, stands; /* stands: whatever is done, the zone does not show it */
    unsigned notes, changes;
    bool two, silent, both; /* two servers; the second one, or both, give no answer */
} house;

/* The directory is one domain: see dep_one_domain in server/setup/meson.build. */
struct domain *__wrap_directory_domain(struct directory *d, sgl_view name);
void __wrap_directory_each_domain(struct directory *d,
                                  bool (*each)(void *ctx, struct domain *domain), void *ctx);
void __wrap_directory_stats(struct directory *d, struct directory_stats *out);
void __wrap_directory_change(struct directory *d, struct directory_change *c);

/* The keys process is not part of this. */
void keys_submit(struct keys *keys, struct keys_op *op)
{
    (void)keys;
    (void)op;
    fail_msg("no key is made here");
}

struct domain *__wrap_directory_domain(struct directory *d, sgl_view name)
{
    (void)d;
    return sgl_view_eq(name, SGL_LIT(NAME)) ? domain_ref(house.domain) : NULL;
}

void __wrap_directory_each_domain(struct directory *d,
                                  bool (*each)(void *ctx, struct domain *domain), void *ctx)
{
    (void)d;
    (void)each(ctx, house.domain);
}

void __wrap_directory_stats(struct directory *d, struct directory_stats *out)
{
    (void)d;
    *out = (struct directory_stats){.domains = 1};
}

static void changed(struct loop_task *task)
{
    struct directory_change *c =
        (struct directory_change *)(void *)((char *)task - offsetof(struct directory_change, task));

    c->done(c);
}

static struct selector_key *key_of(uint8_t seed)
{
    uint8_t bytes[32];

    memset(bytes, seed, sizeof(bytes));
    return selector_key_new(bytes, sizeof(bytes), bytes, sizeof(bytes));
}

/* As the directory does it: a copy, altered, takes the place of the old one, or nothing happens. */
void __wrap_directory_change(struct directory *d, struct directory_change *c)
{
    const struct domain_change *dc = c->domain_change;
    struct domain *copy;

    (void)d;
    fail_alloc_off();
    copy = domain_copy(house.domain);
    for (int p = 0; dc->status != NULL && p < DOMAIN_PARTS; p++)
        assert_true(domain_status_copy(&copy->status[p], &dc->status[p]));
    if (dc->status != NULL)
        atomic_store(&copy->checked_at_s, dc->checked_at_s);
    if (dc->rotate != ROTATE_NOT)
        assert_null(domain_rotate(copy, dc, clock_now_s()));
    for (size_t i = 0; i < copy->selectors; i++)
        if (copy->selector[i].key == NULL)
            copy->selector[i].key = key_of((uint8_t)(100 + i));
    copy->version++;
    domain_unref(house.domain);
    house.domain = copy;
    house.changes++;
    c->result = DIRECTORY_OK;
    c->task.run = changed;
    loop_post(c->loop, &c->task);
    fail_alloc_on();
}

void audit_note(struct store *store, sgl_view actor, sgl_view action, sgl_view object,
                sgl_view subscription, sgl_view detail)
{
    (void)store;
    (void)actor;
    (void)action;
    (void)object;
    (void)subscription;
    (void)detail;
    house.notes++;
}

/* On a worker thread, which the loop waits for. */
void update_run(struct update *u)
{
    for (size_t i = 0; i < u->changes; i++)
        if (sgl_view_eq(u->change[i].add, SGL_LIT(PUBLISH_REVOKED)))
            house.revoked = !house.stands;
    u->result = UPDATE_DONE;
    u->changed = 0;
    u->why[0] = '\0';
}

/* Resolvers that ask the first server, or the second one. */
static char server_of[2];

struct resolver *resolver_new(struct loop *loop, const struct resolver_config *config, char *why,
                              size_t why_size)
{
    (void)loop;
    snprintf(why, why_size, "no memory");
    return (struct resolver *)(void *)&server_of[config->stub_servers > 0 &&
                                                 strcmp(config->stub_server[0], SECOND) == 0];
}

void resolver_free(struct resolver *r)
{
    (void)r;
}

static void put_zone(void)
{
    size_t len = (size_t)snprintf(
        house.zone, sizeof(house.zone), "$SECURE\na.test NS ns.a.test\nns.a.test A 192.0.2.53\n%s",
        house.two ? "a.test NS two.a.test\ntwo.a.test A " SECOND "\n" : "");

    for (size_t i = 0; i < house.domain->selectors; i++) {
        const struct selector *s = &house.domain->selector[i];
        uint8_t space[SELECTOR_PUBLIC_MAX];
        sgl_view public_key = selector_key_public(s->key, space);
        char key[100] = "";

        if (!(s->retires && house.revoked) && !(!s->active && !s->retires && house.stands))
            sodium_bin2base64(key, sizeof(key), public_key.ptr, public_key.len,
                              sodium_base64_VARIANT_ORIGINAL);
        len +=
            (size_t)snprintf(house.zone + len, sizeof(house.zone) - len,
                             "%s._domainkey." NAME " TXT v=DKIM1; k=ed25519; p=%s\n", s->name, key);
    }
}

static struct resolver *second(void)
{
    return (struct resolver *)(void *)&server_of[1];
}

static void answer(struct loop_later *later)
{
    struct resolver_fill *fill =
        (struct resolver_fill *)(void *)((char *)later - offsetof(struct resolver_fill, later));
    struct dns_fixture fx;

    fail_alloc_off();
    put_zone();
    if (fill->resolver != NULL && (house.both || (house.silent && fill->resolver == second())))
        sgl_dns_fail_open(fill->dns, "silent");
    fx = dns_fixture_init(NAME, house.zone);
    sgl_dns_done(&fx.dns);
    fx.dns = *fill->dns;
    if (sgl_dns_open(&fx.dns) > 0)
        dns_fixture_answer(&fx);
    *fill->dns = fx.dns;
    sgl_arena_done(&fx.names);
    fail_alloc_on();
    fill->done(fill);
}

void resolver_fill(struct resolver *r, struct resolver_fill *fill)
{
    fill->resolver = r; /* NULL: the shared one */
    fill->later = (struct loop_later){.run = answer};
    loop_later(house.loop, &fill->later);
}

void resolver_cancel(struct resolver_fill *fill)
{
    loop_later_cancel(&fill->later);
}

/* ---- the test ---- */

static struct config *configure(void)
{
    char folder[] = "/tmp/sigillo-act-XXXXXX", path[80], secret[80], why[256] = "";
    struct config *config;
    FILE *f;

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/conf", folder);
    snprintf(secret, sizeof(secret), "%s/secret", folder);
    f = fopen(secret, "w");
    assert_non_null(f);
    fputs("c2VjcmV0\n", f);
    fclose(f);
    assert_int_equal(chmod(secret, 0600), 0);
    f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f,
            "hostname = mx.host.test\nrotation { interval = 1d }\n"
            "verification { pending = {1h} jitter = 0 at_once = 1 }\n"
            "dns_update own { zone = a.test server = 192.0.2.53 key_name = k secret_file = \"%s\" "
            "}\n",
            secret);
    fclose(f);
    config = config_load(path, why, sizeof(why));
    if (config == NULL)
        fail_msg("%s", why);
    unlink(path);
    unlink(secret);
    rmdir(folder);
    return config;
}

/* As it is when that step's time is over. */
static void make_domain(enum rotation_step step)
{
    static const enum rotation_verb verb[] = {ROTATE_BEGIN, ROTATE_SETTLE, ROTATE_SWITCH,
                                              ROTATE_REVOKE};
    struct domain *d = domain_new(SGL_LIT(NAME), SGL_LIT("default"), 8);

    for (size_t i = 0; i < 2; i++)
        d->selector[d->selectors++] =
            (struct selector){.name = text_of(i == 0 ? SGL_LIT("e1") : SGL_LIT("e2")),
                              .algorithm = KEYS_ED25519,
                              .active = i == 0,
                              .key = key_of((uint8_t)(i + 1))};
    free(d->token);
    d->token = text_of(SGL_LIT("0123456789"));
    d->created_at = 1000;
    d->status[PART_DKIM].state = DOMAIN_VERIFIED;
    d->status[PART_DKIM].verified_at_s = d->status[PART_DKIM].since_s = 1000;
    for (int i = 0; i < (int)step; i++) {
        struct domain_change dc = {.rotate = verb[i], .rotate_until_s = 2000};

        assert_null(domain_rotate(d, &dc, 1000));
    }
    domain_unref(house.domain);
    house.domain = d;
    house.revoked = false;
}

static bool is_busy(const struct setup *s)
{
    return s->first != NULL || s->acts != NULL || s->publishings != NULL || s->looks != NULL;
}

static void settle(struct setup *s)
{
    for (unsigned i = 0; i < 5 || is_busy(s); i++) {
        event_base_loop(loop_base(house.loop), EVLOOP_NONBLOCK);
        if (s->publishings != NULL)
            usleep(100); /* a worker has it */
        assert_true(i < 100000);
    }
}

static void look(struct setup *s)
{
    event_active(s->tick, EV_TIMEOUT, 1);
    settle(s);
}

/* Somebody signs, with a key that stands in the zone and is not revoked. */
static void check_sane(const char *when)
{
    size_t signs = 0;

    for (size_t i = 0; i < house.domain->selectors; i++) {
        const struct selector *s = &house.domain->selector[i];

        signs += s->active;
        CHECK_TRUE(when, s->key != NULL && !(s->active && s->retires));
    }
    CHECK_EQ(when, signs, 1);
}

/* What the zone does not show is not taken for done when memory ends over it. */
static bool round_of_standing(struct config *config, enum rotation_step step, size_t n)
{
    static const struct resolver_config nothing = {0};
    struct setup_parts parts = {.loop = house.loop, .resolver_config = &nothing};
    struct setup *s;
    bool hit;

    fail_alloc_off();
    make_domain(step);
    house.stands = true;
    s = setup_new(&parts, config);
    assert_non_null(s);
    assert_true(setup_start(s));
    (void)fail_alloc_round(n);
    look(s);
    hit = fail_alloc_hit();
    fail_alloc_off();
    CHECK_EQ("it waits", house.domain->rotation.step, step);
    check_sane("while it waits");
    setup_free(s);
    house.stands = false;
    return hit;
}

/* false: there were fewer allocations. */
static bool round_of(struct config *config, enum rotation_step step, size_t n)
{
    static const struct resolver_config nothing = {0};
    struct setup_parts parts = {.loop = house.loop, .resolver_config = &nothing};
    enum rotation_step next = (enum rotation_step)((step + 1) % ROTATION_STEPS);
    struct setup *s;
    struct plan *p;
    bool hit;

    fail_alloc_off();
    make_domain(step);
    s = setup_new(&parts, config);
    assert_non_null(s);
    assert_true(setup_start(s));
    (void)fail_alloc_round(n);
    look(s);
    hit = fail_alloc_hit();
    fail_alloc_off();
    CHECK_TRUE("one step, or none",
               house.domain->rotation.step == step || house.domain->rotation.step == next);
    CHECK_TRUE("without a failure it is taken", hit || house.domain->rotation.step == next);
    check_sane("after a failure");
    for (unsigned i = 0; i < 3 && house.domain->rotation.step == step; i++) {
        p = table_find(&s->plans, SGL_LIT(NAME));
        if (p != NULL) {
            CHECK_TRUE("nothing stays busy", !p->busy);
            p->due_ms = 0;
        }
        CHECK_EQ("nor is a place taken", s->running, 0);
        look(s);
        fail_alloc_off();
    }
    CHECK_EQ("it goes on", house.domain->rotation.step, next);
    check_sane("then");
    setup_free(s);
    return hit;
}

static void memory_may_end_at_each_step(void **state)
{
    static const char *const names[] = {"none", "publish", "settle", "keep", "revoke"};
    struct config *config;

    (void)state;
    fail_alloc_this_thread();
    house.loop = loop_new("test");
    config = configure();
    for (int i = 0; i < 2 * ROTATION_STEPS; i++) {
        int step = i % ROTATION_STEPS;
        size_t n = 1;

        house.two = i >= ROTATION_STEPS;
        while (round_of(config, (enum rotation_step)step, n))
            n++;
        print_message("%s, %s: %zu allocations\n", names[step],
                      house.two ? "two servers" : "one server", n - 1);
        CHECK_TRUE("there were some", n > 20);
    }
    for (size_t n = 1; round_of_standing(config, ROTATION_PUBLISH, n);)
        n++;
    for (size_t n = 1; round_of_standing(config, ROTATION_REVOKE, n);)
        n++;
    house.two = false;
    domain_unref(house.domain);
    house.domain = NULL;
    config_unref(config);
    loop_free(house.loop);
}

/* ---- a name server that gives no answer ---- */

static void look_once(struct config *config)
{
    static const struct resolver_config nothing = {0};
    struct setup_parts parts = {.loop = house.loop, .resolver_config = &nothing};
    struct setup *s = setup_new(&parts, config);

    assert_non_null(s);
    assert_true(setup_start(s));
    (void)fail_alloc_round(SIZE_MAX); /* none fails */
    look(s);
    fail_alloc_off();
    setup_free(s);
}

static void silence_holds_up_a_step_for_a_day(void **state)
{
    static const struct {
        const char *rule;
        enum rotation_step step;
        int64_t age_s; /* of the step */
        bool silent, both, moves;
    } rows[] = {
        {"both answer: it settles", ROTATION_PUBLISH, 0, false, false, true},
        {"one answers: it settles, longer", ROTATION_PUBLISH, 0, true, false, true},
        {"none does: it waits", ROTATION_PUBLISH, 900000, true, true, false},
        {"both still have it: it signs", ROTATION_SETTLE, 10, false, false, true},
        {"one has fallen silent: it waits", ROTATION_SETTLE, 10, true, false, false},
        {"nearly a day", ROTATION_SETTLE, 86000, true, false, false},
        {"a day, but not the record's time to live", ROTATION_SETTLE, 86600, true, false, false},
        {"a day and the settle time", ROTATION_SETTLE, 90100, true, false, true},
        {"not when both are silent", ROTATION_SETTLE, 900000, true, true, false},
        {"the old one is revoked here, not known there", ROTATION_REVOKE, 10, true, false, false},
        {"a day later", ROTATION_REVOKE, 90100, true, false, true},
    };
    struct config *config;

    (void)state;
    fail_alloc_this_thread();
    fail_alloc_off();
    house.loop = loop_new("test");
    house.two = true;
    config = configure();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t now = clock_now_s();

        make_domain(rows[i].step);
        house.domain->rotation.since_s = now - rows[i].age_s;
        house.revoked = rows[i].step == ROTATION_REVOKE;
        house.silent = rows[i].silent;
        house.both = rows[i].both;
        look_once(config);
        CHECK_EQ(rows[i].rule, house.domain->rotation.step,
                 (rows[i].step + rows[i].moves) % ROTATION_STEPS);
        if (rows[i].step == ROTATION_PUBLISH && rows[i].moves)
            CHECK_TRUE(rows[i].rule,
                       (house.domain->rotation.until_s >= now + 86400) == rows[i].silent);
    }
    house.two = house.silent = house.both = false;
    domain_unref(house.domain);
    house.domain = NULL;
    config_unref(config);
    loop_free(house.loop);
}

/* ---- what somebody asks for ---- */

static void told(struct setup_publish *p)
{
    *(bool *)p->ctx = true;
}

static void told_check(struct setup_check *c)
{
    *(bool *)c->ctx = true;
}

static void turn_until(const bool *done)
{
    for (unsigned i = 0; !*done; i++) {
        event_base_loop(loop_base(house.loop), EVLOOP_NONBLOCK);
        usleep(50);
        assert_true(i < 100000);
    }
}

static struct setup *begin(struct config *config, size_t n)
{
    static const struct resolver_config nothing = {0};
    struct setup_parts parts = {.loop = house.loop, .resolver_config = &nothing};
    struct setup *s;

    fail_alloc_off();
    make_domain(ROTATION_NONE);
    s = setup_new(&parts, config);
    assert_non_null(s);
    assert_true(setup_start(s));
    (void)fail_alloc_round(n);
    return s;
}

static bool end(struct setup *s)
{
    bool hit = fail_alloc_hit();

    fail_alloc_off();
    settle(s); /* what the check led to; the loop goes on after this round */
    CHECK_EQ("no place is kept", s->asked_for, 0);
    setup_free(s);
    return hit;
}

static bool publish_round(struct config *config, enum setup_publish_verb verb, size_t n)
{
    struct setup *s = begin(config, n);
    bool done = false, hit;
    struct setup_publish p = {
        .verb = verb, .name = NAME, .domain = house.domain, .loop = house.loop, .done = told};

    p.ctx = &done;
    setup_publish(s, &p);
    turn_until(&done);
    hit = fail_alloc_hit();
    fail_alloc_off();
    CHECK_TRUE("without a failure it is done", hit || p.result == SETUP_CHECKED);
    CHECK_TRUE("done, with what was done; or why not",
               p.result == SETUP_CHECKED ? p.publishing != NULL
                                         : p.publishing == NULL && p.why[0] != '\0');
    if (p.publishing != NULL)
        CHECK_TRUE("what failed is told",
                   p.publishing->result == UPDATE_DONE || (hit && p.publishing->why[0] != '\0'));
    publishing_free(p.publishing);
    return end(s);
}

static bool verify_round(struct config *config, size_t n)
{
    struct setup *s = begin(config, n);
    struct setup_check c = {.name = NAME, .loop = house.loop, .done = told_check};
    bool done = false, hit;

    c.ctx = &done;
    setup_verify(s, &c);
    turn_until(&done);
    hit = fail_alloc_hit();
    CHECK_TRUE("checked, or why not", c.result == SETUP_CHECKED
                                          ? c.seen != NULL && c.seen->rows > 0
                                          : hit && c.why[0] != '\0' && c.seen == NULL);
    setup_check_done(&c);
    return end(s);
}

static void memory_may_end_while_somebody_waits(void **state)
{
    struct config *config;

    (void)state;
    fail_alloc_this_thread();
    house.loop = loop_new("test");
    config = configure();
    for (int verb = SETUP_PUBLISH; verb <= SETUP_WITHDRAW; verb++)
        for (size_t n = 1; publish_round(config, (enum setup_publish_verb)verb, n);)
            n++;
    for (size_t n = 1; verify_round(config, n);)
        n++;
    domain_unref(house.domain);
    house.domain = NULL;
    config_unref(config);
    loop_free(house.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_end_at_each_step),
        cmocka_unit_test(silence_holds_up_a_step_for_a_day),
        cmocka_unit_test(memory_may_end_while_somebody_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
