/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

bool sandbox_hide_memory(void)
{
    struct rlimit none = {0, 0}, locked = {0, 0};

    if (prctl(PR_SET_DUMPABLE, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0)
        return false;
    /*
     * With a finite limit, locking what is still to come would make allocations fail some day; then only the master key is locked
     * (libsodium does it), and the rest relies on the swap being encrypted or absent.
     */
    if (geteuid() == 0 ||
        (getrlimit(RLIMIT_MEMLOCK, &locked) == 0 && locked.rlim_cur == RLIM_INFINITY))
        (void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
    return true;
}

/* Harmless without a descriptor, a file name or an address; threads exist before the filter does, so clone is not among them. */
static const int allowed[] = {
    SCMP_SYS(read),           SCMP_SYS(write),           SCMP_SYS(poll),
    SCMP_SYS(ppoll),          SCMP_SYS(close),           SCMP_SYS(futex),
    SCMP_SYS(exit),           SCMP_SYS(exit_group),      SCMP_SYS(brk),
    SCMP_SYS(munmap),         SCMP_SYS(mremap),          SCMP_SYS(madvise),
    SCMP_SYS(clock_gettime),  SCMP_SYS(getrandom),       SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(restart_syscall), SCMP_SYS(sched_yield),
    SCMP_SYS(getpid),         SCMP_SYS(gettid),          SCMP_SYS(munlock),
    SCMP_SYS(mlock),          SCMP_SYS(membarrier),      SCMP_SYS(sigaltstack),
};

/* Asked for now and then by libraries that can do without. */
static const int refused[] = {
    SCMP_SYS(open),  SCMP_SYS(openat),     SCMP_SYS(openat2),           SCMP_SYS(access),
    SCMP_SYS(stat),  SCMP_SYS(newfstatat), SCMP_SYS(readlink),          SCMP_SYS(readlinkat),
    SCMP_SYS(ioctl), SCMP_SYS(sysinfo),    SCMP_SYS(sched_getaffinity), SCMP_SYS(getrusage),
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool add_rules(scmp_filter_ctx ctx)
{
    const struct scmp_arg_cmp no_code = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);

    for (size_t i = 0; i < COUNT(allowed); i++) {
        if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0) != 0)
            return false;
    }
    for (size_t i = 0; i < COUNT(refused); i++) {
        if (seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), refused[i], 0) != 0)
            return false;
    }
    return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, &no_code) == 0 &&
           seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, &no_code) == 0;
}

bool sandbox_enter(void)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
    bool good = ctx != NULL && seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
                add_rules(ctx) && seccomp_load(ctx) == 0;

    if (ctx != NULL)
        seccomp_release(ctx);
    return good;
}
