/* SPDX-License-Identifier: Apache-2.0 */
/* When which domain is checked: also with more of them due than there is time for, none is left out. */
#include "../../server/setup/setup_internal.h"
#include "directory_fixture.h"

#define DOMAINS 14
#define ROUNDS  3

/* ---- a check's stand-in: it takes a while, and finds nothing ---- */

#define CHECK_US 150000

struct verification {
    struct event *timer;
    void (*done)(struct verification *v, void *ctx);
    void *ctx;
    struct domain *domain;
    struct verified result;
};
static unsigned checks[DOMAINS], all_checks, running, running_most, of_walk, of_walk_most;
static uint64_t walk;
static struct verification *current;
static sem_t enough;

static void ended(evutil_socket_t fd, short what, void *arg)
{
    struct verification *v = arg;

    (void)fd;
    (void)what;
    running--;
    current = NULL;
    v->done(v, v->ctx);
}

struct verification *verification_new(struct setup *s, const char *name,
                                      void (*done)(struct verification *v, void *ctx), void *ctx)
{
    struct verification *v = calloc(1, sizeof(*v));
    struct timeval wait = {0, CHECK_US};
    uint64_t number = 0;

    assert_true(sgl_view_u64(sgl_view_sub(sgl_view_cstr(name), 1, 2), DOMAINS - 1, &number));
    checks[number]++;
    running++;
    running_most = running > running_most ? running : running_most;
    of_walk = s->walk == walk ? of_walk + 1 : 1;
    of_walk_most = of_walk > of_walk_most ? of_walk : of_walk_most;
    walk = s->walk;
    if (++all_checks == DOMAINS * ROUNDS)
        sem_post(&enough);
    v->timer = event_new(loop_base(s->parts.loop), -1, 0, ended, v);
    v->done = done;
    v->ctx = ctx;
    v->domain = directory_domain(s->parts.directory, sgl_view_cstr(name));
    v->result = (struct verified){.result = SETUP_CHECKED};
    (void)event_add(v->timer, &wait);
    current = v;
    return v;
}

const char *verification_name(const struct verification *v)
{
    return v->domain->name;
}

const struct verified *verification_result(const struct verification *v)
{
    return &v->result;
}

const struct sgl_setup *verification_seen(const struct verification *v)
{
    (void)v;
    return NULL;
}

struct domain *verification_domain(const struct verification *v)
{
    return v->domain;
}

void verification_free(struct verification *v)
{
    event_free(v->timer);
    domain_unref(v->domain);
    free(v);
}

void verifications_cut(struct setup *s)
{
    (void)s;
    if (current != NULL)
        verification_free(current);
}

/* ---- the test ---- */

struct start {
    struct loop_task task;
    struct directory_fixture *f;
    struct config *config;
    struct setup *setup;
};

static void start(struct loop_task *task)
{
    struct start *st = (struct start *)(void *)task;
    struct setup_parts parts = {
        .loop = st->f->loop, .directory = st->f->directory, .store = st->f->store};
    static const struct resolver_config nothing = {0};

    parts.resolver_config = &nothing;
    st->setup = setup_new(&parts, st->config);
    if (st->setup == NULL || !setup_start(st->setup))
        abort();
}

static struct config *configure(const struct directory_fixture *f)
{
    char path[128], why[256] = "";
    struct config *config;
    FILE *file;

    snprintf(path, sizeof(path), "%s/conf", f->folder);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("hostname = a.test\nverification { pending = {1s} jitter = 0 at_once = 1 }\n", file);
    fclose(file);
    config = config_load(path, why, sizeof(why));
    if (config == NULL)
        fail_msg("%s", why);
    return config;
}

static void add_parked(struct directory_fixture *f, unsigned number)
{
    static const struct domain_change parked = {.kind = DOMAIN_PARKED};
    char name[32];
    struct directory_change c = {
        .noun = DIRECTORY_DOMAIN, .verb = DIRECTORY_ADD, .domain_change = &parked};

    snprintf(name, sizeof(name), "d%02u.example.org", number);
    c.name = sgl_view_cstr(name);
    assert_int_equal(fixture_change(f, &c), DIRECTORY_OK);
}

/* All are due every second, in which there is time for half of them: those whose names come first must not take it all. */
static void nobody_waits_for_ever(void **state)
{
    struct directory_fixture *f = fixture_new();
    struct start st = {.task = {.run = start}, .f = f};

    (void)state;
    assert_int_equal(sem_init(&enough, 0, 0), 0);
    for (unsigned i = 0; i < DOMAINS; i++)
        add_parked(f, i);
    st.config = configure(f);
    loop_post(f->loop, &st.task);
    sem_wait(&enough);
    loop_stop(f->loop);
    loop_join(f->loop);
    for (unsigned i = 0; i < DOMAINS; i++)
        if (checks[i] + 1 < ROUNDS || checks[i] > ROUNDS + 1)
            fail_msg("domain %u of %u was checked %u times, and all of them %u times", i, DOMAINS,
                     checks[i], all_checks);
    CHECK_TRUE("the end of a check begins the next one", of_walk_most > 1);
    CHECK_EQ("one at a time, as it is configured", running_most, 1);
    setup_free(st.setup);
    config_unref(st.config);
    assert_true(loop_start(f->loop)); /* what the fixture ends, runs */
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nobody_waits_for_ever)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
