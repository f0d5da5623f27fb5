/* SPDX-License-Identifier: Apache-2.0 */
/* The client, and a keys process that does not keep to the protocol, or is not there. */
#include "keys_fixture.h"

static int setup_scripted(void **state)
{
    struct fixture *fx = calloc(1, sizeof *fx);
    int fd[2];

    if (!keys_socketpair(fd))
        return 1;
    fx->loop = loop_new("keys");
    fx->keys = keys_new(fx->loop, fd[0]);
    fx->fd = fd[1];
    *state = fx;
    return fx->keys == NULL;
}

static int teardown_scripted(void **state)
{
    struct fixture *fx = *state;

    keys_free(fx->keys);
    close(fx->fd);
    loop_free(fx->loop);
    free(fx);
    return 0;
}

struct script {
    struct loop_task task;
    struct fixture *fx;
    void (*act)(struct fixture *fx, const struct keys_frame *request);
};

/* Reads the request that the client has written in the meantime, and acts. */
static void run_script(struct loop_task *task)
{
    struct script *s = (struct script *)(void *)((char *)task - offsetof(struct script, task));
    uint8_t bytes[KEYS_PACKET_MAX];
    struct keys_frame request;
    sgl_view packet;
    ssize_t n = recv(s->fx->fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (n < 0) { /* not yet */
        loop_post(s->fx->loop, task);
        return;
    }
    packet = sgl_view_of(bytes, (size_t)n);
    assert_true(keys_frame_take(&packet, &request));
    s->act(s->fx, &request);
}

static void reply(struct fixture *fx, const struct keys_frame *f)
{
    uint8_t bytes[KEYS_FRAME_MAX];

    keys_frame_put(bytes, f);
    assert_true(write(fx->fd, bytes, keys_frame_size(f)) == (ssize_t)keys_frame_size(f));
}

static void act_garbage(struct fixture *fx, const struct keys_frame *request)
{
    (void)request;
    assert_int_equal(write(fx->fd, "garbage", 7), 7);
}

static void act_other_slot(struct fixture *fx, const struct keys_frame *request)
{
    reply(fx, &(struct keys_frame){.id = request->id + 1});
}

static void act_far_slot(struct fixture *fx, const struct keys_frame *request)
{
    reply(fx, &(struct keys_frame){.id = request->id | 0xffffffff});
}

static void act_other_round(struct fixture *fx, const struct keys_frame *request)
{
    reply(fx, &(struct keys_frame){.id = request->id + (UINT64_C(1) << 32)});
}

static void act_unknown_result(struct fixture *fx, const struct keys_frame *request)
{
    reply(fx, &(struct keys_frame){.id = request->id, .what = 200});
}

static void act_unknown_algorithm(struct fixture *fx, const struct keys_frame *request)
{
    reply(fx, &(struct keys_frame){.id = request->id, .algorithm = 200});
}

static void act_close(struct fixture *fx, const struct keys_frame *request)
{
    (void)request;
    close(fx->fd);
    fx->fd = -1;
}

static void test_hostile_process(void **state)
{
    static const struct {
        const char *name;
        void (*act)(struct fixture *fx, const struct keys_frame *request);
    } cases[] = {
        {"no frame", act_garbage},
        {"an answer to another request", act_other_slot},
        {"an answer to a request far away", act_far_slot},
        {"an answer to an earlier request", act_other_round},
        {"a result that is none", act_unknown_result},
        {"an algorithm that is none", act_unknown_algorithm},
        {"no answer at all", act_close},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *one = NULL;
        struct script s = {.task = {.run = run_script}, .act = cases[i].act};

        assert_int_equal(setup_scripted(&one), 0);
        s.fx = one;
        loop_post(s.fx->loop, &s.task);
        CHECK_EQ(cases[i].name, result_of(ask(s.fx, KEYS_PING, 0, "", SGL_LIT(""))), KEYS_DOWN);
        teardown_scripted(&one);
    }
}

static void act_good(struct fixture *fx, const struct keys_frame *request)
{
    reply(fx, &(struct keys_frame){.id = request->id});
}

/* A second answer to the same request is one too many. */
static void test_answer_twice(void **state)
{
    struct fixture *fx = *state;
    struct script s = {.task = {.run = run_script}, .fx = fx, .act = act_good};

    loop_post(fx->loop, &s.task);
    assert_int_equal(result_of(ask(fx, KEYS_PING, 0, "", SGL_LIT(""))), KEYS_OK);
    s.act = act_other_round;
    loop_post(fx->loop, &s.task);
    assert_int_equal(result_of(ask(fx, KEYS_PING, 0, "", SGL_LIT(""))), KEYS_DOWN);
}

static void test_without_process(void **state)
{
    struct fixture fx = {.loop = loop_new("keys")};

    (void)state;
    fx.keys = keys_new(fx.loop, -1);
    assert_int_equal(result_of(ask(&fx, KEYS_PING, 0, "", SGL_LIT(""))), KEYS_DOWN);
    keys_free(fx.keys);
    keys_free(NULL);
    loop_free(fx.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_process),
        cmocka_unit_test_setup_teardown(test_answer_twice, setup_scripted, teardown_scripted),
        cmocka_unit_test(test_without_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
