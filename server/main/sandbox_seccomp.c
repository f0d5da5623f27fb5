/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp: a list of what the service needs; everything else fails with EPERM, and what only an intruder would try ends the process.  clone3() gets ENOSYS, so that the C library
 * falls back to clone(), whose flags can be looked at: threads, never processes.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox_internal.h"

#define CLONE_THREAD_FLAG 0x00010000ull

static const char *const allowed[] = {
    /* bytes */
    "read",
    "write",
    "readv",
    "writev",
    "pread64",
    "pwrite64",
    "preadv",
    "pwritev",
    "preadv2",
    "pwritev2",
    "lseek",
    "recvfrom",
    "recvmsg",
    "recvmmsg",
    "sendto",
    "sendmsg",
    "sendmmsg",
    /* descriptors */
    "close",
    "close_range",
    "dup",
    "dup2",
    "dup3",
    "fcntl",
    "pipe2",
    "eventfd2",
    "timerfd_create",
    "timerfd_settime",
    "timerfd_gettime",
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "poll",
    "ppoll",
    "select",
    "pselect6",
    /* sockets; socket() itself is below */
    "bind",
    "connect",
    "listen",
    "accept",
    "accept4",
    "getsockname",
    "getpeername",
    "setsockopt",
    "getsockopt",
    "shutdown",
    "socketpair",
    /* files, as far as Landlock lets them */
    "open",
    "openat",
    "creat",
    "stat",
    "fstat",
    "lstat",
    "newfstatat",
    "statx",
    "statfs",
    "fstatfs",
    "access",
    "faccessat",
    "faccessat2",
    "readlink",
    "readlinkat",
    "getcwd",
    "getdents64",
    "ftruncate",
    "truncate",
    "fallocate",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "flock",
    "unlink",
    "unlinkat",
    "rename",
    "renameat",
    "renameat2",
    "mkdir",
    "mkdirat",
    "rmdir",
    "fchmod",
    "chmod",
    "fchmodat",
    "fchown",
    "utimensat",
    "umask",
    "fadvise64",
    "copy_file_range",
    /* memory; mmap() and mprotect() are below */
    "munmap",
    "mremap",
    "madvise",
    "brk",
    "msync",
    "mlock",
    "mlock2",
    "munlock",
    "mincore",
    "membarrier",
    /* threads; clone() is below */
    "futex",
    "set_robust_list",
    "get_robust_list",
    "rseq",
    "set_tid_address",
    "arch_prctl",
    "exit",
    "exit_group",
    "sched_yield",
    "sched_getaffinity",
    "sched_getparam",
    "sched_getscheduler",
    "gettid",
    "getpid",
    "getppid",
    "getcpu",
    "restart_syscall",
    /* signals to ourselves */
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigtimedwait",
    "rt_sigpending",
    "sigaltstack",
    /* time, chance, who we are */
    "clock_gettime",
    "clock_getres",
    "clock_nanosleep",
    "nanosleep",
    "gettimeofday",
    "time",
    "times",
    "getrandom",
    "getrusage",
    "uname",
    "sysinfo",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "getresuid",
    "getresgid",
    "getgroups",
    "getrlimit",
    "getpriority",
};

static const char *const deadly[] = {
    "execve",
    "execveat",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "bpf",
    "userfaultfd",
    "keyctl",
    "add_key",
    "request_key",
    "mount",
    "umount2",
    "pivot_root",
    "move_mount",
    "fsopen",
    "open_tree",
    "setns",
    "unshare",
    "chroot",
    "perf_event_open",
    "io_uring_setup",
    "swapon",
    "reboot",
    "open_by_handle_at",
    "iopl",
    "ioperm",
    "pidfd_getfd",
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setgroups",
    "personality",
    "acct",
};

static int add_names(scmp_filter_ctx f, const char *const *name, size_t names, uint32_t action)
{
    for (size_t i = 0; i < names; i++) {
        int number = seccomp_syscall_resolve_name(name[i]);
        int result;

        if (number == __NR_SCMP_ERROR || number < 0)
            continue; /* this machine or this library does not know it: nothing to allow */
        result = seccomp_rule_add(f, action, number, 0);
        if (result != 0)
            return result;
    }
    return 0;
}

static int add_conditions(scmp_filter_ctx f)
{
    static const int family[] = {AF_INET, AF_INET6, AF_UNIX};
    static const uint64_t option[] = {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE,
                                      0x53564d41 /* PR_SET_VMA */};
    static const unsigned long request[] = {0x5421 /* FIONBIO */, 0x541b /* FIONREAD */,
                                            0x5401 /* TCGETS */};
    int result = 0;

    for (size_t i = 0; result == 0 && i < sizeof(family) / sizeof(family[0]); i++)
        result = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                                  SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family[i]));
    for (size_t i = 0; result == 0 && i < sizeof(option) / sizeof(option[0]); i++)
        result = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                                  SCMP_A0(SCMP_CMP_EQ, option[i]));
    for (size_t i = 0; result == 0 && i < sizeof(request) / sizeof(request[0]); i++)
        result = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                                  SCMP_A1(SCMP_CMP_EQ, request[i]));
    /* memory is never made executable */
    if (result == 0)
        result = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (result == 0)
        result = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (result == 0)
        result =
            seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD_FLAG, CLONE_THREAD_FLAG));
    /* signals to ourselves only: the keys process has the same user */
    if (result == 0)
        result = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                                  SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
    if (result == 0)
        result = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    /* limits may be read, never set */
    if (result == 0)
        result = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2,
                                  SCMP_A0(SCMP_CMP_EQ, 0), SCMP_A2(SCMP_CMP_EQ, 0));
    return result;
}

bool seccomp_enter(char *why, size_t why_size)
{
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int result = -ENOMEM;

    if (f != NULL)
        result = add_names(f, allowed, sizeof(allowed) / sizeof(allowed[0]), SCMP_ACT_ALLOW);
    if (result == 0)
        result = add_names(f, deadly, sizeof(deadly) / sizeof(deadly[0]), SCMP_ACT_KILL_PROCESS);
    if (result == 0)
        result = add_conditions(f);
    if (result == 0) /* the list is long: a tree of comparisons is shorter than a chain */
        result = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (result == 0)
        result = seccomp_load(f);
    seccomp_release(f);
    if (result != 0)
        snprintf(why, why_size, "sandbox: seccomp: %s", strerror(-result));
    return result == 0;
}
