/* SPDX-License-Identifier: Apache-2.0 */
/* Several messages of one request: all are accepted, or none is, and what was taken for them is given back. */
#include "admission_fixture.h"

#include <ftw.h>

#include "fail_alloc.h"

#define MESSAGES 60

struct together {
    struct fixture *x;
    struct admission_all *all;
    struct sending *one[MESSAGES];
    size_t count;
    struct admission_answer answer;
    struct loop_task task;
};

static void on_loop(struct together *t, void (*run)(struct loop_task *task))
{
    t->task.run = run;
    loop_post(t->x->f->loop, &t->task);
    sem_wait(&t->x->f->done);
}

static struct together *of(struct loop_task *task)
{
    return (struct together *)(void *)((char *)task - offsetof(struct together, task));
}

static void begin_(struct loop_task *task)
{
    struct together *t = of(task);

    t->all = admission_all_new(t->x->admission, t->x->f->loop);
    sem_post(&t->x->f->done);
}

static void add_(struct loop_task *task)
{
    admission_all_add(of(task)->all, &of(task)->one[of(task)->count]->s);
}

static void all_done(void *ctx, const struct admission_answer *answer)
{
    struct together *t = ctx;

    t->answer = *answer;
    sem_post(&t->x->f->done);
}

static void commit_(struct loop_task *task)
{
    admission_all_commit(of(task)->all, all_done, of(task));
}

static void end_(struct loop_task *task)
{
    admission_all_free(of(task)->all);
    sem_post(&of(task)->x->f->done);
}

static void begin(struct together *t, struct fixture *x)
{
    *t = (struct together){.x = x};
    on_loop(t, begin_);
}

/* What a door does: the submission goes once it is answered. */
static bool add(struct together *t, const char *from, const char *rcpts, sgl_view raw)
{
    bool paused = fail_alloc.paused, fine;
    struct sending *g;

    fail_alloc.paused = true;
    g = send_as(t->x, t->x->who, from, rcpts, raw);
    fail_alloc.paused = paused;
    t->one[t->count] = g;
    on_loop(t, add_);
    fine = g->answer.smtp == 250;
    memset(&g->s.message, 0xee, sizeof(g->s.message));
    sgl_arena_reset(&g->arena);
    t->count += fine;
    if (!fine) {
        t->answer = g->answer;
        sending_free(g);
    }
    return fine;
}

static void end(struct together *t)
{
    on_loop(t, end_);
    for (size_t i = 0; i < t->count; i++)
        sending_free(t->one[i]);
}

static uint64_t charged(struct fixture *x)
{
    struct limit_charge sum[LIMIT_WINDOWS];

    limits_now(x->limits, SGL_LIT("default"), sum);
    return sum[LIMIT_DAY].n[LIMIT_MESSAGES];
}

static void test_all(void **state)
{
    struct fixture *x = *state;
    struct admission_stats stats;
    struct together t;

    begin(&t, x);
    for (size_t i = 0; i < 3; i++)
        CHECK_TRUE("each is ready",
                   add(&t, "me@app.test", "a@good.test b@good.test", sgl_view_cstr(PLAIN)));
    CHECK_EQ("and none is stored", stored(x), 0);
    CHECK_EQ("nor handed out", offered, 0);
    CHECK_EQ("each is charged already", charged(x), 3);
    admission_stats(x->admission, &stats);
    CHECK_EQ("none is accepted yet", stats.accepted, 0);
    on_loop(&t, commit_);
    CHECK_EQ("they are durable", t.answer.smtp, 250);
    CHECK_EQ("all of them", stored(x), 3);
    end(&t);
    CHECK_EQ("the queue has them", offered, 3);
    CHECK_EQ("they stay charged", charged(x), 3);
    admission_stats(x->admission, &stats);
    CHECK_EQ("and are counted", stats.accepted, 3);
    CHECK_EQ("nothing is under way", stats.busy, 0);
}

static void test_one_is_refused(void **state)
{
    struct fixture *x = *state;
    struct together t;

    begin(&t, x);
    CHECK_TRUE("the first", add(&t, "me@app.test", "a@good.test", sgl_view_cstr(PLAIN)));
    CHECK_TRUE("the second", add(&t, "me@app.test", "a@good.test", sgl_view_cstr(PLAIN)));
    CHECK_TRUE("the third may not be",
               !add(&t, "me@foreign.test", "a@good.test", sgl_view_cstr(PLAIN)));
    CHECK_STR("for its own reason", t.answer.code, "sender-not-allowed");
    CHECK_EQ("two are charged", charged(x), 2);
    end(&t);
    CHECK_EQ("and given back", charged(x), 0);
    CHECK_EQ("none is stored", stored(x), 0);
    CHECK_EQ("none handed out", offered, 0);
}

/* The store says no to the second when all are to be written: its body has no place to go. */
static int unlink_(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void test_the_store_fails(void **state)
{
    struct fixture *x = *state;
    struct admission_stats stats;
    static char raw[180001];
    struct together t;
    char path[128];

    memset(raw, 'x', sizeof(raw) - 1);
    for (size_t i = 500; i < sizeof(raw); i += 500)
        memcpy(raw + i - 2, "\r\n", 2);
    memcpy(raw, PLAIN, sizeof(PLAIN) - 1);
    begin(&t, x);
    CHECK_TRUE("a small one", add(&t, "me@app.test", "a@good.test", sgl_view_cstr(PLAIN)));
    CHECK_TRUE("a large one", add(&t, "me@app.test", "a@good.test", sgl_view_cstr(raw)));
    snprintf(path, sizeof(path), "%s/spool", store_folder(x->f->store));
    nftw(path, unlink_, 16, FTW_DEPTH | FTW_PHYS);
    on_loop(&t, commit_);
    CHECK_EQ("for now", t.answer.smtp, 451);
    CHECK_STR("the store failed", t.answer.code, "store-failed");
    end(&t);
    CHECK_EQ("none is stored", stored(x), 0);
    CHECK_EQ("nothing is charged", charged(x), 0);
    CHECK_EQ("none handed out", offered, 0);
    admission_stats(x->admission, &stats);
    CHECK_EQ("two could not be taken", stats.unavailable, 2);
}

static void test_many_bytes_wait_in_files(void **state)
{
    struct fixture *x = *state;
    static char raw[190001];
    struct together t;
    size_t most = 0;

    memset(raw, 'x', sizeof(raw) - 1);
    for (size_t i = 500; i < sizeof(raw); i += 500)
        memcpy(raw + i - 2, "\r\n", 2);
    memcpy(raw, PLAIN, sizeof(PLAIN) - 1);
    begin(&t, x);
    for (size_t i = 0; i < MESSAGES; i++) {
        CHECK_TRUE("each is ready", add(&t, "me@app.test", "a@good.test", sgl_view_cstr(raw)));
        most = body_bytes_held() > most ? body_bytes_held() : most;
    }
    CHECK_TRUE("some are held in memory", most > 4000000);
    CHECK_TRUE("at most 8 MiB of them", most <= 8u << 20);
    on_loop(&t, commit_);
    CHECK_EQ("they are durable", t.answer.smtp, 250);
    end(&t);
    CHECK_EQ("all of them", stored(x), MESSAGES);
    CHECK_TRUE("those in memory are handed over", offered > 20 && offered < MESSAGES);
    CHECK_EQ("for the others the queue looks, once", nudged, 1);
}

static void test_memory(void **state)
{
    struct fixture *x = *state;
    unsigned before = 0;
    size_t done = 0;

    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct together t;
        bool fine;

        begin(&t, x);
        fine = t.all != NULL;
        if (fine) {
            fine = add(&t, "me@app.test", "a@good.test", sgl_view_cstr(PLAIN)) &&
                   add(&t, "me@app.test", "b@good.test", sgl_view_cstr(PLAIN));
            if (fine) {
                on_loop(&t, commit_);
                fine = t.answer.smtp == 250;
            }
        }
        fail_alloc.paused = true;
        end(&t);
        done += fine;
        CHECK_EQ("both or none", stored(x) - before, fine ? 2 : 0);
        CHECK_EQ("charged is what is stored", charged(x), stored(x));
        before = stored(x);
    }
    CHECK_TRUE("the last round ends well", done > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_store_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_bytes_wait_in_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
