/* SPDX-License-Identifier: Apache-2.0 */
/* The client on a loop, and a real keys process at the other end, which dies and is told nonsense. */
#include "../../server/loop/scratch.h"
#include "keys_fixture.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

#include "dkim_vectors.h"
#include "sigillo/crypto.h"

static const uint8_t master[32] = {4, 5, 6};

/* ---- a real process ------------------------------------------------------------------------------------------------ */

/* Forks a keys process; returns the service's end. */
static int start_process(struct fixture *fx)
{
    int fd[2];

    assert_true(keys_socketpair(fd));
    fx->pid = fork();
    assert_true(fx->pid >= 0);
    if (fx->pid == 0) {
        close(fd[0]);
        _exit(keys_process(fd[1], master, 2));
    }
    close(fd[1]);
    return fd[0];
}

static int wait_process(struct fixture *fx)
{
    int status = -1;

    assert_int_equal(waitpid(fx->pid, &status, 0), fx->pid);
    fx->pid = 0;
    return status;
}

static int setup(void **state)
{
    struct fixture *fx = calloc(1, sizeof *fx);

    fx->loop = loop_new("keys");
    fx->keys = keys_new(fx->loop, start_process(fx));
    *state = fx;
    return fx->keys == NULL;
}

static int teardown(void **state)
{
    struct fixture *fx = *state;
    int status = 0;

    keys_free(fx->keys);
    if (fx->pid > 0)
        status = wait_process(fx);
    loop_free(fx->loop);
    free(fx);
    /* The service has gone: the process ends by itself, and well. */
    return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void check_signature(const struct keys_op *key, const struct keys_op *signature)
{
    struct sgl_crypto *crypto = sgl_crypto_new();
    struct sgl_public_key *public = NULL;
    uint8_t digest[32];
    bool valid = false;

    memset(digest, 0xd1, sizeof digest);
    assert_int_equal(
        sgl_public_key_parse(crypto, key->algorithm == KEYS_ED25519 ? SGL_KEY_ED25519 : SGL_KEY_RSA,
                             sgl_view_of(key->public_key, key->public_len), &public),
        SGL_OK);
    assert_int_equal(sgl_public_key_verify(crypto, public, digest,
                                           sgl_view_of(signature->out, signature->out_len), &valid),
                     SGL_OK);
    assert_true(valid);
    sgl_public_key_free(public);
    sgl_crypto_free(crypto);
}

static void test_generate_sign_load(void **state)
{
    struct fixture *fx = *state;
    struct call *made = ask(fx, KEYS_GENERATE, 0, "dkim:a.test:s1", SGL_LIT(""));
    struct call *signature, *loaded;

    assert_int_equal(made->op.result, KEYS_OK);
    assert_int_equal(made->op.algorithm, KEYS_ED25519);
    assert_int_equal(made->op.public_len, 32);
    assert_true(made->op.handle != 0);
    signature = ask(fx, KEYS_SIGN, made->op.handle, "", SGL_LIT(""));
    assert_int_equal(signature->op.result, KEYS_OK);
    check_signature(&made->op, &signature->op);
    free(signature);
    loaded = ask(fx, KEYS_LOAD, 0, "dkim:a.test:s1", sgl_view_of(made->op.out, made->op.out_len));
    assert_int_equal(loaded->op.result, KEYS_OK);
    assert_true(loaded->op.handle != made->op.handle);
    assert_memory_equal(loaded->op.public_key, made->op.public_key, 32);
    signature = ask(fx, KEYS_SIGN, loaded->op.handle, "", SGL_LIT(""));
    check_signature(&made->op, &signature->op);
    free(signature);
    assert_int_equal(result_of(ask(fx, KEYS_LOAD, 0, "dkim:b.test:s1",
                                   sgl_view_of(made->op.out, made->op.out_len))),
                     KEYS_REFUSED);
    free(loaded);
    free(made);
}

static void test_import(void **state)
{
    struct fixture *fx = *state;
    struct call *made = ask(fx, KEYS_IMPORT, 0, "c", SGL_LIT(RFC8463_RSA_PEM)), *signature;

    assert_int_equal(made->op.result, KEYS_OK);
    assert_int_equal(made->op.algorithm, KEYS_RSA_2048);
    signature = ask(fx, KEYS_SIGN, made->op.handle, "", SGL_LIT(""));
    check_signature(&made->op, &signature->op);
    free(signature);
    free(made);
    assert_int_equal(result_of(ask(fx, KEYS_IMPORT, 0, "c", SGL_LIT("no key"))), KEYS_REFUSED);
}

static void test_seal_open(void **state)
{
    struct fixture *fx = *state;
    struct call *sealed = ask(fx, KEYS_SEAL, 0, "credential:7", SGL_LIT("a secret")), *opened;
    sgl_view text = {sealed->op.out, sealed->op.out_len};

    assert_int_equal(sealed->op.result, KEYS_OK);
    opened = ask(fx, KEYS_OPEN, 0, "credential:7", text);
    assert_int_equal(opened->op.result, KEYS_OK);
    CHECK_VIEW("opened", sgl_view_of(opened->op.out, opened->op.out_len), SGL_LIT("a secret"));
    free(opened);
    assert_int_equal(result_of(ask(fx, KEYS_OPEN, 0, "credential:8", text)), KEYS_REFUSED);
    free(sealed);
}

static void test_refuses(void **state)
{
    static uint8_t bytes[KEYS_DATA_MAX + 1];
    static char context[KEYS_CONTEXT_MAX + 2];
    struct fixture *fx = *state;

    memset(context, 'c', sizeof context - 1);
    assert_int_equal(result_of(ask(fx, KEYS_SIGN, 0, "", SGL_LIT(""))), KEYS_REFUSED);
    assert_int_equal(result_of(ask(fx, KEYS_SIGN, 77, "", SGL_LIT(""))), KEYS_REFUSED);
    assert_int_equal(result_of(ask(fx, KEYS_SEAL, 0, "c", sgl_view_of(bytes, sizeof bytes))),
                     KEYS_REFUSED);
    assert_int_equal(result_of(ask(fx, KEYS_SEAL, 0, context, SGL_LIT("x"))), KEYS_REFUSED);
    assert_int_equal(result_of(ask(fx, KEYS_PING, 0, "", SGL_LIT(""))), KEYS_OK);
}

/* Many at once, from this loop and from another thread's; one more than there is room for is turned away. */
static void test_many(void **state)
{
    enum { MANY = 4096 };
    struct fixture *fx = *state;
    struct call *made = ask(fx, KEYS_GENERATE, 0, "c", SGL_LIT(""));
    struct call *calls[MANY + 1];
    int waiting = MANY + 1, good = 0, busy = 0;

    for (int i = 0; i <= MANY; i++) {
        calls[i] = call_new(fx, i % 50 == 0 ? KEYS_SIGN : KEYS_PING, &waiting);
        calls[i]->op.handle = made->op.handle;
        keys_submit(fx->keys, &calls[i]->op);
    }
    loop_run(fx->loop);
    for (int i = 0; i <= MANY; i++) {
        good += calls[i]->op.result == KEYS_OK;
        busy += calls[i]->op.result == KEYS_BUSY;
        free(calls[i]);
    }
    assert_int_equal(good, MANY);
    assert_int_equal(busy, 1);
    free(made);
}

struct foreign {
    struct call call;
    struct loop_task task;
    struct keys *keys;
    int left;
    int waiting;
};

static void foreign_next(struct loop_task *task)
{
    struct foreign *f = (struct foreign *)(void *)((char *)task - offsetof(struct foreign, task));

    keys_submit(f->keys, &f->call.op);
}

static void foreign_done(struct keys_op *op)
{
    struct foreign *f = (struct foreign *)(void *)op;

    if (op->result != KEYS_OK || !loop_is_current(op->loop))
        abort();
    if (--f->left > 0)
        foreign_next(&f->task);
    else
        loop_stop(f->call.stop);
}

static void test_another_loop(void **state)
{
    struct fixture *fx = *state;
    struct call *made = ask(fx, KEYS_GENERATE, 0, "c", SGL_LIT(""));
    struct loop *other = loop_new("other");
    struct foreign f = {.keys = fx->keys, .left = 200};

    assert_true(loop_start(other));
    f.call.op = (struct keys_op){.verb = KEYS_SIGN, .loop = other, .done = foreign_done};
    f.call.op.handle = made->op.handle;
    f.call.stop = fx->loop;
    f.task.run = foreign_next;
    loop_post(other, &f.task);
    loop_run(fx->loop);
    assert_int_equal(f.left, 0);
    loop_stop(other);
    loop_join(other);
    loop_free(other);
    free(made);
}

/* ---- the process dies ---------------------------------------------------------------------------------------------- */

static void test_killed_and_back(void **state)
{
    struct fixture *fx = *state;
    struct call *made = ask(fx, KEYS_GENERATE, 0, "dkim:a.test:s1", SGL_LIT("")), *signature;
    struct call *imported = ask(fx, KEYS_IMPORT, 0, "c", SGL_LIT(RFC8463_RSA_PEM));
    struct call *waits[20];
    int waiting = 20, status;

    /* Stopped, so that the requests are surely in flight when it dies. */
    kill(fx->pid, SIGSTOP);
    for (int i = 0; i < 20; i++) {
        waits[i] = call_new(fx, KEYS_PING, &waiting);
        keys_submit(fx->keys, &waits[i]->op);
    }
    kill(fx->pid, SIGKILL);
    loop_run(fx->loop);
    for (int i = 0; i < 20; i++)
        assert_int_equal(result_of(waits[i]), KEYS_DOWN);
    status = wait_process(fx);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(result_of(ask(fx, KEYS_SIGN, made->op.handle, "", SGL_LIT(""))), KEYS_DOWN);

    /* A new process knows nothing, yet the old handles sign. */
    keys_reconnect(fx->keys, start_process(fx));
    while ((signature = ask(fx, KEYS_SIGN, made->op.handle, "", SGL_LIT("")))->op.result ==
           KEYS_DOWN)
        free(signature);
    assert_int_equal(signature->op.result, KEYS_OK);
    check_signature(&made->op, &signature->op);
    free(signature);
    signature = ask(fx, KEYS_SIGN, imported->op.handle, "", SGL_LIT(""));
    check_signature(&imported->op, &signature->op);
    free(signature);
    free(imported);
    free(made);
}

/* Reconnecting while the old process lives: what waits there fails, the old one ends by itself. */
static void test_reconnect_while_up(void **state)
{
    struct fixture *fx = *state;
    struct call *made = ask(fx, KEYS_GENERATE, 0, "c", SGL_LIT(""));
    pid_t old = fx->pid;
    int status;

    keys_reconnect(fx->keys, start_process(fx));
    assert_int_equal(result_of(ask(fx, KEYS_SIGN, made->op.handle, "", SGL_LIT(""))), KEYS_DOWN);
    assert_int_equal(result_of(ask(fx, KEYS_SIGN, made->op.handle, "", SGL_LIT(""))), KEYS_OK);
    assert_int_equal(waitpid(old, &status, 0), old);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    free(made);
}

static void many_keys_come_back(struct fixture *fx)
{
    enum { KEYS = 300 };
    uint64_t handle[KEYS];
    int status;

    for (int i = 0; i < KEYS; i++) {
        struct call *made = ask(fx, KEYS_GENERATE, 0, "c", SGL_LIT(""));

        handle[i] = made->op.handle;
        free(made);
    }
    kill(fx->pid, SIGKILL);
    status = wait_process(fx);
    assert_true(WIFSIGNALED(status));
    keys_reconnect(fx->keys, start_process(fx));
    (void)result_of(ask(fx, KEYS_PING, 0, "", SGL_LIT("")));
    for (int i = 0; i < KEYS; i++)
        assert_int_equal(result_of(ask(fx, KEYS_SIGN, handle[i], "", SGL_LIT(""))), KEYS_OK);
}

static void test_many_keys_come_back(void **state)
{
    many_keys_come_back(*state);
}

static void test_many_keys_come_back_from_a_file(void **state)
{
    struct fixture *fx = *state;
    struct scratch file;

    assert_true(scratch_open(&file, "/tmp"));
    keys_spill(fx->keys, &file);
    many_keys_come_back(fx);
    CHECK_EQ("they stood in it", file.end > 300 * KEYS_SEAL_EXTRA, true);
    keys_spill(fx->keys, NULL);
    scratch_close(&file);
}

/* Every thread of the process is under the filter. */
static void test_threads_are_filtered(void **state)
{
    struct fixture *fx = *state;
    char path[300], line[200];
    struct dirent *e;
    int threads = 0;
    DIR *tasks;

    assert_int_equal(result_of(ask(fx, KEYS_PING, 0, "", SGL_LIT(""))), KEYS_OK);
    snprintf(path, sizeof path, "/proc/%d/task", (int)fx->pid);
    tasks = opendir(path);
    assert_non_null(tasks);
    while ((e = readdir(tasks)) != NULL) {
        bool filtered = false;
        FILE *f;

        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/status", (int)fx->pid, e->d_name);
        f = fopen(path, "r");
        assert_non_null(f);
        while (fgets(line, sizeof line, f) != NULL)
            filtered = filtered || strcmp(line, "Seccomp:\t2\n") == 0;
        fclose(f);
        assert_true(filtered);
        threads++;
    }
    closedir(tasks);
    assert_int_equal(threads, 2);
}

/* ---- a service that does not keep to the protocol ------------------------------------------------------------------ */

static void test_hostile_service(void **state)
{
    static const struct {
        const char *name;
        size_t len;
        uint32_t size;
    } cases[] = {
        {"one byte", 1, 0},
        {"a head with no size", KEYS_FRAME_HEAD, 0},
        {"a frame longer than its packet", KEYS_FRAME_HEAD, KEYS_FRAME_HEAD + 1},
        {"a frame of the greatest size", KEYS_FRAME_HEAD, UINT32_MAX},
        {"bytes behind a whole frame", KEYS_FRAME_HEAD + 5, KEYS_FRAME_HEAD},
        {"a packet longer than any", KEYS_PACKET_MAX + 100, KEYS_PACKET_MAX + 100},
    };
    static uint8_t bytes[KEYS_PACKET_MAX + 100];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture fx = {0};
        int fd = start_process(&fx), status;

        memset(bytes, 0, sizeof bytes);
        memcpy(bytes, &cases[i].size, sizeof cases[i].size);
        bytes[20] = KEYS_PING;
        CHECK_EQ(cases[i].name, write(fd, bytes, cases[i].len), cases[i].len);
        status = wait_process(&fx);
        CHECK_TRUE(cases[i].name, WIFEXITED(status));
        CHECK_EQ(cases[i].name, WEXITSTATUS(status), 3);
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_generate_sign_load, setup, teardown),
        cmocka_unit_test_setup_teardown(test_import, setup, teardown),
        cmocka_unit_test_setup_teardown(test_seal_open, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reconnect_while_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_keys_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_keys_come_back_from_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_threads_are_filtered, setup, teardown),
        cmocka_unit_test(test_hostile_service),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
