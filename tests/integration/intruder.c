/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the daemon by test_sandbox.py: what somebody who runs code inside one of its processes could do.
 * On SIGUSR2 the process tries the list below, one after the other, and writes what the kernel said to a file that was
 * mapped before the sandbox closed: for each try -1 (not come to: the process was killed before), 0 (it worked) or errno.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TRIES 16

static volatile int *result; /* [0]: tries begun; then one for each */
static const char *key_file;

static int said(long r)
{
    return r < 0 ? errno : 0;
}
static int open_file(const char *path, int flags)
{
    return said(syscall(SYS_openat, AT_FDCWD, path, flags, 0600));
}
static int run_shell(void)
{
    char *const argv[] = {(char *)"sh", NULL}, *const env[] = {NULL};

    return said(syscall(SYS_execve, "/bin/sh", argv, env));
}

static void try_all(int signal_number)
{
    (void)signal_number;
    for (int i = 0; i < TRIES; i++)
        result[1 + i] = -1;
#define TRY(n, what) (result[0] = (n) + 1, result[1 + (n)] = (what))
    TRY(0, open_file("/etc/shadow", O_RDONLY));
    TRY(1, open_file(key_file, O_RDONLY));
    TRY(2, open_file("/etc/hosts-of-the-intruder", O_WRONLY | O_CREAT));
    TRY(3, open_file("/proc/1/environ", O_RDONLY));
    TRY(4, said(syscall(SYS_socket, AF_INET, SOCK_STREAM, 0)));
    TRY(5, said(syscall(SYS_ptrace, PTRACE_ATTACH, getppid(), 0, 0)));
    TRY(6, said(syscall(SYS_setuid, 0)));
    TRY(7, said(syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 4)));
    TRY(8, run_shell());
#undef TRY
}

__attribute__((constructor)) static void map_file(void)
{
    const char *path = getenv("SIGILLO_INTRUDER_FILE");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    struct sigaction act = {.sa_handler = try_all, .sa_flags = SA_RESTART};

    key_file = getenv("SIGILLO_INTRUDER_KEY");
    if (fd < 0 || key_file == NULL)
        return;
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (p == MAP_FAILED)
        return;
    result = p;
    sigaction(SIGUSR2, &act, NULL);
}
