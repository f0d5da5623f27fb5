/* SPDX-License-Identifier: Apache-2.0 */
/* Each attempt in a child of its own; straight system calls, so that no library stands between. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../server/keys/sandbox.h"

static long try_open(void)
{
    return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}
static long try_socket(void)
{
    return syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}
static long try_connect(void)
{
    return syscall(SYS_connect, 0, NULL, 0);
}
static long try_exec(void)
{
    char *const none[] = {NULL};

    return syscall(SYS_execve, "/bin/true", none, none);
}
static long try_fork(void)
{
    return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}
static long try_ptrace(void)
{
    return syscall(SYS_ptrace, 0, 0, 0, 0);
}
static long try_code(void)
{
    return syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static long try_time(void)
{
    struct timespec t;

    return syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
}
static long try_memory(void)
{
    return syscall(SYS_mmap, NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == -1;
}

/* The child's wait status: the errno of the attempt as its exit code, 0 for success. */
static int run(long (*attempt)(void))
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        if (!sandbox_hide_memory() || !sandbox_enter())
            _exit(200);
        _exit(attempt() < 0 ? errno : 0);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void test_allowed_and_refused(void **state)
{
    static const struct {
        const char *name;
        long (*attempt)(void);
        int want;
    } cases[] = {
        {"time may be read", try_time, 0},
        {"memory may be had", try_memory, 0},
        {"a file cannot be opened", try_open, EPERM},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = run(cases[i].attempt);

        CHECK_TRUE(cases[i].name, WIFEXITED(status));
        CHECK_EQ(cases[i].name, WEXITSTATUS(status), cases[i].want);
    }
}

static void test_killed(void **state)
{
    static const struct {
        const char *name;
        long (*attempt)(void);
    } cases[] = {
        {"a socket", try_socket},      {"a connection", try_connect}, {"another program", try_exec},
        {"another process", try_fork}, {"tracing", try_ptrace},       {"new code", try_code},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = run(cases[i].attempt);

        CHECK_TRUE(cases[i].name, WIFSIGNALED(status));
        CHECK_EQ(cases[i].name, WTERMSIG(status), SIGSYS);
    }
}

static void test_memory_is_hidden(void **state)
{
    int status = -1;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        struct rlimit core;

        if (!sandbox_hide_memory() || prctl(PR_GET_DUMPABLE) != 0 ||
            getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0)
            _exit(1);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allowed_and_refused),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_memory_is_hidden),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
