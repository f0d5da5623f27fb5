/* SPDX-License-Identifier: Apache-2.0 */
/* What was acknowledged is there: after SIGKILL, with a full disk, beside a damaged file. */
#include "store_steps.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "../../server/store/transit.h"

#define CYCLES 20
#define FLIGHT 16

/* ---- SIGKILL ---- */

struct report { /* what the child says through the pipe; one write each, so never torn */
    uint64_t message, rcpt;
    uint32_t kind; /* 0 accepted, 1 delivered is durable */
    uint32_t large;
};

struct child_flight {
    struct store_sample sample;
    struct store_outcome outcome;
    struct store_outcome_rcpt result;
    int pipe;
    struct store *store;
    struct loop *loop;
};

static void child_say(const struct child_flight *f, uint32_t kind)
{
    struct report r = {f->sample.message.id, f->sample.rcpt[0].id, kind,
                       f->sample.body->len > 100000};
    ssize_t n = write(f->pipe, &r, sizeof(r));

    (void)n;
}

static void child_start(struct child_flight *f);

static void child_delivered(struct store_op *op)
{
    struct child_flight *f =
        (struct child_flight *)(void *)((char *)op - offsetof(struct child_flight, outcome));

    if (op->result == STORE_OK)
        child_say(f, 1);
    child_start(f);
}

static void child_accepted(struct store_op *op)
{
    struct child_flight *f = (struct child_flight *)(void *)op;
    uint32_t slot;

    if (op->result != STORE_OK)
        _exit(3);
    if (f->sample.message.id % 3 == 0) { /* left waiting */
        child_say(f, 0);
        child_start(f);
        return;
    }
    store_doubt(f->store, &f->sample.rcpt[0].id, 1, &slot);
    child_say(f, 0);
    f->result =
        (struct store_outcome_rcpt){.rcpt = f->sample.rcpt[0].id,
                                    .fence = 1,
                                    .state = RCPT_DELIVERED,
                                    .transit = {TRANSIT_DANE, TRANSIT_TLS_1_3, TRANSIT_CAUSE_NONE}};
    f->outcome = (struct store_outcome){
        .op = {.kind = STORE_OUTCOME, .loop = f->loop, .done = child_delivered},
        .message = f->sample.message.id,
        .rcpt = &f->result,
        .rcpts = 1};
    store_submit(f->store, &f->outcome.op);
}

static void child_start(struct child_flight *f)
{
    size_t size = id_new() % 10 == 0 ? 150000 : 500;

    if (f->sample.body != NULL)
        store_sample_done(&f->sample);
    store_sample_init(&f->sample, "example.net", 1, size);
    f->sample.accept.claim = true;
    f->sample.accept.lease_until = UINT32_MAX;
    f->sample.accept.op.loop = f->loop;
    f->sample.accept.op.done = child_accepted;
    store_submit(f->store, &f->sample.accept.op);
}

static void child_main(const char *folder, int pipe)
{
    static struct child_flight flight[FLIGHT];
    struct store_config config = {.folder = folder};
    char why[512];
    struct loop *loop = loop_new("child");
    struct store *store = store_open(&config, why, sizeof(why));

    if (store == NULL)
        _exit(2);
    for (size_t i = 0; i < FLIGHT; i++) {
        flight[i].pipe = pipe;
        flight[i].store = store;
        flight[i].loop = loop;
        child_start(&flight[i]);
    }
    loop_run(loop);
    _exit(0);
}

static void check_report(const struct report *r)
{
    struct store_message *m = NULL;
    struct body *b = NULL;

    CHECK_EQ("what was acknowledged is there", store_read_message(fx.store, r->message, &m),
             STORE_OK);
    if (r->kind == 1) {
        CHECK_EQ("what was recorded as delivered is", m->rcpt[0].state, RCPT_DELIVERED);
    } else if (m->rcpt[0].state == RCPT_QUEUED) {
        CHECK_EQ("with its body", store_read_body(fx.store, r->message, &b), STORE_OK);
        CHECK_EQ("whole", b->len, r->large ? 150000 : 500);
        CHECK_EQ("to the last byte", b->bytes[b->len - 1], 'x');
        if (r->message % 3 != 0)
            CHECK_TRUE("in flight at the kill: possibly repeated", m->rcpt[0].possibly_repeated);
        body_unref(b);
    }
    store_message_free(m);
}

static bool add_delivered(void *ctx, const struct transit_figure *f)
{
    *(uint64_t *)ctx += f->delivered;
    return true;
}

static bool count_delivered(void *ctx, const struct store_message *m)
{
    *(uint64_t *)ctx += m->rcpt[0].state == RCPT_DELIVERED;
    return true;
}

/* How mail went is counted with what the trail says, never without. */
static void check_transit(void)
{
    struct transit_query q = {.to_day = INT32_MAX, .max = 1};
    uint64_t figures = 0, trail = 0;

    assert_int_equal(store_read_transit(fx.store, &q, add_delivered, &figures), STORE_OK);
    assert_int_equal(store_read_messages(fx.store, &(struct store_filter){.max = SIZE_MAX / 2},
                                         count_delivered, &trail),
                     STORE_OK);
    CHECK_EQ("figures of transit are what the trail says", figures, trail);
    CHECK_TRUE("some", trail > 0);
}

/* Kills the child after so many acknowledgements, a little later than that. Returns what it said. */
static size_t one_life(struct report *report, size_t max, unsigned kill_after)
{
    int pipes[2];
    size_t got = 0;
    pid_t pid;

    assert_int_equal(pipe(pipes), 0);
    pid = fork();
    if (pid == 0) {
        close(pipes[0]);
        child_main(fx.folder, pipes[1]);
    }
    close(pipes[1]);
    while (got < max && read(pipes[0], &report[got], sizeof(*report)) == (ssize_t)sizeof(*report)) {
        if (++got == kill_after)
            kill(pid, SIGKILL);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(pipes[0]);
    return got;
}

static void test_kill(void **state)
{
    static struct report report[200000];
    size_t total = 0;

    (void)state;
    store_fixture_close(&fx);
    for (unsigned cycle = 0; cycle < CYCLES; cycle++) {
        size_t got = one_life(report, 20000, 20 + (unsigned)(id_new() % 100));

        CHECK_TRUE("it did some work", got > 0);
        store_fixture_open(&fx);
        for (size_t i = 0; i < got; i++)
            check_report(&report[i]);
        check_transit();
        store_fixture_close(&fx);
        total += got;
    }
    store_fixture_open(&fx);
    print_message("# %zu acknowledgements over %d kills, none lost\n", total, CYCLES);
}

/* ---- a full disk ---- */

static void test_quota(void **state)
{
    struct store_sample s[64];
    size_t ok = 0, full = 0;
    struct store_noun noun = {.kind = SGL_LIT("filler"), .key = SGL_LIT("k")};
    struct store_noun_op op = {.op = {.kind = STORE_NOUN_PUT}, .noun = &noun, .nouns = 1};
    static char filler[1 << 20];
    struct store_message *m;

    (void)state;
    store_fixture_close(&fx);
    fx.config.bytes_max = 3 << 20;
    store_fixture_open(&fx);
    memset(filler, 'x', sizeof(filler));
    noun.value = sgl_view_of(filler, sizeof(filler));
    assert_int_equal(store_fixture_run(&fx, &op.op), STORE_OK);
    for (size_t i = 0; i < 64; i++) {
        store_sample_init(&s[i], "example.net", 1, 60000);
        store_fixture_send(&fx, &s[i].accept.op, i);
    }
    for (size_t i = 0; i < 64; i++) {
        enum store_result r = store_fixture_await(i);

        ok += r == STORE_OK;
        full += r == STORE_FULL;
        CHECK_EQ("what was acknowledged is there, what was not is not",
                 store_read_message(fx.store, s[i].message.id, &m),
                 r == STORE_OK ? STORE_OK : STORE_NOT_FOUND);
        if (r == STORE_OK)
            store_message_free(m);
    }
    CHECK_EQ("each has one answer or the other", ok + full, 64);
    CHECK_TRUE("some fit, some did not", ok > 0 && full > 0);
    noun.version = 1;
    op.op.kind = STORE_NOUN_DELETE;
    CHECK_EQ("when space comes back", store_fixture_run(&fx, &op.op), STORE_OK);
    s[63].message.id = id_new();
    CHECK_EQ("it works again", store_sample_accept(&fx, &s[63]), STORE_OK);
    for (size_t i = 0; i < 64; i++)
        store_sample_done(&s[i]);
}

/* On a small disk of its own, where this process may mount one. */
static void test_small_disk(void **state)
{
    struct store_sample s;
    enum store_result r;
    size_t ok = 0, large = 0;
    char why[256], fill[128];
    static char zero[1 << 20];
    int fd;

    (void)state;
    store_fixture_close(&fx);
    if (mount("none", fx.folder, "tmpfs", 0, "size=16m,mode=0700") != 0) {
        store_fixture_open(&fx);
        print_message("# skipped: cannot mount a small disk here\n");
        skip();
    }
    store_fixture_open(&fx);
    do {
        large = !large;
        store_sample_init(&s, "example.net", 1, large ? 200000 : 60000);
        r = store_sample_accept(&fx, &s);
        ok += r == STORE_OK;
        store_sample_done(&s);
    } while (r == STORE_OK && ok < 1000);
    CHECK_EQ("it says that it is full", r, STORE_FULL);
    CHECK_TRUE("having taken what fits", ok > 20);
    snprintf(fill, sizeof(fill), "%s/filler", fx.folder);
    fd = open(fill, O_WRONLY | O_CREAT, 0600);
    while (write(fd, zero, sizeof(zero)) > 0)
        ;
    close(fd);
    do { /* the log's file may have some room left in it */
        store_sample_init(&s, "example.net", 1, 1000);
        r = store_sample_accept(&fx, &s);
        ok += r == STORE_OK;
        store_sample_done(&s);
    } while (r == STORE_OK && ok < 100000);
    CHECK_EQ("to the last byte full", r, STORE_FULL);
    CHECK_TRUE("it is not healthy", !store_healthy(fx.store, why, sizeof(why)));
    unlink(fill);
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    {
        struct store_counts counts;

        assert_int_equal(store_read_counts(fx.store, &counts), STORE_OK);
        CHECK_EQ("nothing that was accepted is lost", counts.messages, ok);
    }
    store_fixture_close(&fx);
    umount2(fx.folder, MNT_DETACH);
    store_fixture_open(&fx);
}

/* ---- a file that is not well ---- */

static void overwrite(const char *name, off_t at, const void *bytes, size_t len)
{
    char path[128];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", fx.folder, name);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, at), len);
    close(fd);
}

static void test_damage(void **state)
{
    struct store_sample s;
    char junk[4096];

    (void)state;
    for (size_t i = 0; i < 50; i++) {
        store_sample_init(&s, "example.net", 1, 3000);
        assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
        store_sample_done(&s);
    }
    store_fixture_close(&fx);
    memset(junk, 0xa5, sizeof(junk));
    for (off_t page = 1; page < 12; page++) /* tables and indices, but not the first page */
        overwrite("sigillo.db", page * 8192, junk, sizeof(junk));
    expect_refusal("a damaged database is refused", "damaged");
    overwrite("sigillo.db", 0, junk, sizeof(junk));
    expect_refusal("so is one that is none", "damaged");
    nftw(fx.folder, store_fixture_unlink, 16, FTW_DEPTH | FTW_PHYS);
    assert_int_equal(mkdir(fx.folder, 0700), 0);
    store_fixture_open(&fx);
}

static void test_lock(void **state)
{
    struct store_config config = {.folder = fx.folder};
    char why[512] = "";

    (void)state;
    CHECK_TRUE("one folder, one process", store_open(&config, why, sizeof(why)) == NULL);
    CHECK_TRUE("and it says so", strstr(why, "another Sigillo") != NULL);
}

static int only_ours(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)kind;
    (void)ftw;
    if ((st->st_mode & 077) != 0)
        fail_msg("others may touch %s", path);
    return 0;
}

static void test_permissions(void **state)
{
    struct store_sample s;

    (void)state;
    store_sample_init(&s, "example.net", 1, 200000);
    assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
    nftw(fx.folder, only_ours, 16, FTW_PHYS);
    store_sample_done(&s);
}

static void test_orphans(void **state)
{
    struct store_sample s;
    char name[64], text[ID_TEXT_SIZE], path[160];
    struct body *b = NULL;

    (void)state;
    store_sample_init(&s, "example.net", 1, 200000);
    assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
    id_text(id_new(), text);
    snprintf(name, sizeof(name), "spool/00/%s", text);
    overwrite(name, 0, "x", 1);
    overwrite("spool/01/rubbish", 0, "x", 1);
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    snprintf(path, sizeof(path), "%s/%s", fx.folder, name);
    CHECK_EQ("a file without a row goes", access(path, F_OK), -1);
    snprintf(path, sizeof(path), "%s/spool/01/rubbish", fx.folder);
    CHECK_EQ("so does what never was ours", access(path, F_OK), -1);
    CHECK_EQ("a file with a row stays", store_read_body(fx.store, s.message.id, &b), STORE_OK);
    body_unref(b);
    store_sample_done(&s);
}

static void test_busy(void **state)
{
    struct store_sample s[64];
    size_t busy = 0, ok = 0;

    (void)state;
    store_fixture_close(&fx);
    fx.config.waiting_max = 2;
    store_fixture_open(&fx);
    for (size_t i = 0; i < 64; i++) {
        store_sample_init(&s[i], "example.net", 1, 100);
        store_fixture_send(&fx, &s[i].accept.op, i);
    }
    for (size_t i = 0; i < 64; i++) {
        enum store_result r = store_fixture_await(i);

        busy += r == STORE_BUSY;
        ok += r == STORE_OK;
        store_sample_done(&s[i]);
    }
    CHECK_EQ("each has an answer", busy + ok, 64);
    CHECK_TRUE("too many at once are turned away", busy > 0 && ok > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_kill),        STORE_TEST(test_quota),   STORE_TEST(test_small_disk),
        STORE_TEST(test_damage),      STORE_TEST(test_lock),    STORE_TEST(test_busy),
        STORE_TEST(test_permissions), STORE_TEST(test_orphans),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
