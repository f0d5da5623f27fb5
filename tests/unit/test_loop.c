/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include "../../server/loop/listener.h"
#include "../../server/loop/stream.h"
#include "stream_fixture.h"

#define POSTS 2000

struct numbered {
    struct loop_task task;
    int thread, number;
};
static struct loop *the_loop;
static int seen[2], out_of_order, total;

static void count_task(struct loop_task *task)
{
    struct numbered *n = (struct numbered *)task;

    if (n->number != seen[n->thread]++)
        out_of_order++;
    if (++total == 2 * POSTS)
        loop_stop(the_loop);
    if (!loop_is_current(the_loop))
        out_of_order++;
}

static void *post_many(void *arg)
{
    struct numbered *n = arg;

    for (int i = 0; i < POSTS; i++)
        loop_post(the_loop, &n[i].task);
    return NULL;
}

static void posts_of_one_thread_run_in_order(void **state)
{
    static struct numbered n[2][POSTS];
    pthread_t thread[2];

    (void)state;
    the_loop = loop_new("test");
    assert_true(loop_start(the_loop));
    for (int t = 0; t < 2; t++) {
        for (int i = 0; i < POSTS; i++)
            n[t][i] = (struct numbered){{NULL, count_task}, t, i};
        pthread_create(&thread[t], NULL, post_many, n[t]);
    }
    for (int t = 0; t < 2; t++)
        pthread_join(thread[t], NULL);
    loop_join(the_loop);
    CHECK_EQ("every post runs once", total, 2 * POSTS);
    CHECK_EQ("in the order of its thread, on the loop", out_of_order, 0);
    loop_free(the_loop);
}

static char trace[32];
static struct loop_later first, second, third;
static struct loop_task posted;

static void note(char c)
{
    size_t n = strlen(trace);

    trace[n] = c;
    trace[n + 1] = '\0';
}

static void run_first(struct loop_later *l)
{
    (void)l;
    note('1');
    loop_later_cancel(&second);
    loop_later(the_loop, &third);
}

static void run_second(struct loop_later *l)
{
    (void)l;
    note('2');
}

static void run_third(struct loop_later *l)
{
    (void)l;
    note('3');
    loop_stop(the_loop);
}

static void run_posted(struct loop_task *t)
{
    (void)t;
    first.run = run_first;
    second.run = run_second;
    third.run = run_third;
    loop_later(the_loop, &first);
    loop_later(the_loop, &first);
    loop_later(the_loop, &second);
    note('p');
}

static void later_work_runs_at_the_end_of_the_turn(void **state)
{
    (void)state;
    the_loop = loop_new("test");
    posted.run = run_posted;
    loop_post(the_loop, &posted);
    loop_run(the_loop);
    CHECK_STR("once, in order, what was taken back never", trace, "p13");
    loop_free(the_loop);
}

struct sum {
    struct work work;
    int a, b, c;
};
static int done_count;

static void add(struct work *w)
{
    struct sum *s = (struct sum *)w;

    s->c = s->a + s->b;
}

static void added(struct work *w)
{
    struct sum *s = (struct sum *)w;

    CHECK_EQ("the worker has worked", s->c, s->a + s->b);
    CHECK_TRUE("done() is on the loop", loop_is_current(s->work.loop));
    if (++done_count == 50)
        loop_stop(s->work.loop);
}

static void workers_work_and_give_back(void **state)
{
    static struct sum s[50];
    struct loop *loop = loop_new("test");
    struct workers *pool = workers_new("pool", 2, 50);

    (void)state;
    for (int i = 0; i < 50; i++) {
        s[i] = (struct sum){.work = {.work = add, .done = added, .loop = loop}, .a = i, .b = 2 * i};
        CHECK_TRUE("there is room", workers_submit(pool, &s[i].work));
    }
    loop_run(loop);
    workers_free(pool);
    loop_free(loop);
}

static atomic_bool release_worker;
static int full_done;

static void wait_for_release(struct work *w)
{
    (void)w;
    while (!atomic_load(&release_worker))
        sched_yield();
}

static void count_full(struct work *w)
{
    if (++full_done == 2)
        loop_stop(w->loop);
}

static void a_full_pool_refuses(void **state)
{
    struct loop *loop = loop_new("test");
    struct workers *pool = workers_new("pool", 1, 1);
    struct work w[3];
    int taken = 0;

    (void)state;
    memset(w, 0, sizeof(w));
    for (int i = 0; i < 3; i++)
        w[i] = (struct work){.work = wait_for_release, .done = count_full, .loop = loop};
    CHECK_TRUE("the first is taken", workers_submit(pool, &w[0]));
    while (!workers_submit(pool, &w[1]))
        sched_yield(); /* until the thread has picked up the first */
    taken = workers_submit(pool, &w[2]);
    atomic_store(&release_worker, true);
    CHECK_EQ("one more than may wait is refused", taken, 0);
    loop_run(loop);
    workers_free(pool);
    loop_free(loop);
}

static struct listener *the_listener;
static int accepted_fd[3], accepted_count;

static void on_accepted(void *ctx, int fd, const struct sockaddr *peer, socklen_t len)
{
    (void)ctx;
    (void)len;
    CHECK_EQ("the peer is known", peer->sa_family, AF_INET);
    accepted_fd[accepted_count++] = fd;
    if (accepted_count == 2) {
        listener_free(the_listener);
        loop_stop(the_loop);
    }
}

static void a_listener_accepts_and_may_be_freed_inside(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0), client[2];

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    the_loop = loop_new("test");
    the_listener = listener_new(the_loop, fd, on_accepted, NULL);
    for (int i = 0; i < 2; i++) {
        client[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(client[i], (struct sockaddr *)&at, len), 0);
    }
    loop_run(the_loop);
    CHECK_EQ("both came", accepted_count, 2);
    for (int i = 0; i < 2; i++) {
        close(client[i]);
        close(accepted_fd[i]);
    }
    close(fd);
    loop_free(the_loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posts_of_one_thread_run_in_order),
        cmocka_unit_test(later_work_runs_at_the_end_of_the_turn),
        cmocka_unit_test(workers_work_and_give_back),
        cmocka_unit_test(a_full_pool_refuses),
        cmocka_unit_test(a_listener_accepts_and_may_be_freed_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
