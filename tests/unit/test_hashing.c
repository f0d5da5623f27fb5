/* SPDX-License-Identifier: Apache-2.0 */
/* How many passwords may wait to be hashed: a few seconds' worth, whatever one of them takes. */
#include "../../server/directory/hashing.h"

#include <semaphore.h>

#include "check.h"

#define WORKS 2000

struct fixture {
    struct loop *loop;
    struct workers *workers;
    struct hashing hashing;
    sem_t go;
    struct test_work {
        struct work work; /* first: cast from it */
        struct fixture *f;
    } work[WORKS];
};

static void hash(struct work *w)
{
    struct fixture *f = ((struct test_work *)(void *)w)->f;

    sem_wait(&f->go);
    hashing_done(&f->hashing, 50000);
}

static void hashed(struct work *w)
{
    (void)w;
}

/* How many are taken while none gets done, by so many threads, when the last ones took so long. */
static unsigned taken(unsigned threads, uint64_t took_us)
{
    static struct fixture f;
    unsigned n = 0;

    f = (struct fixture){.loop = loop_new("test"), .workers = workers_new("test", threads, 4096)};
    assert_true(f.loop != NULL && f.workers != NULL && loop_start(f.loop));
    sem_init(&f.go, 0, 0);
    hashing_init(&f.hashing, workers_threads(f.workers));
    for (unsigned i = 0; took_us > 0 && i < 100; i++) {
        f.hashing.under_way++;
        hashing_done(&f.hashing, took_us);
    }
    for (; n < WORKS; n++) {
        f.work[n] = (struct test_work){{.work = hash, .done = hashed, .loop = f.loop}, &f};
        if (!hashing_submit(&f.hashing, f.workers, &f.work[n].work))
            break;
    }
    for (unsigned i = 0; i < n; i++)
        sem_post(&f.go);
    workers_free(f.workers);
    loop_stop(f.loop);
    loop_join(f.loop);
    loop_free(f.loop);
    sem_destroy(&f.go);
    CHECK_EQ("all that was taken was done", f.hashing.under_way, 0);
    return n;
}

static void test_some_seconds(void **state)
{
    (void)state;
    CHECK_EQ("five seconds of 25 ms, before one was made", taken(1, 0), 201);
    CHECK_EQ("by four threads", taken(4, 0), 801);
    CHECK_TRUE("more that are quick", taken(1, 10000) > 450);
    CHECK_TRUE("fewer that are slow", taken(1, 1000000) < 8);
    CHECK_EQ("one for each thread, however slow", taken(3, 3600000000), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_some_seconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
