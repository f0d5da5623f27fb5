/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the daemon by the crash runs: moves its wall clock by as many seconds as stand in the file that
 * SIGILLO_CLOCK_FILE names (8 bytes, native order), mapped when the program starts, so that the clock can be stepped
 * while it runs.  The monotonic clock stays as it is, as it does when an administrator or NTP steps the real one.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define HERE __attribute__((visibility("default")))

static const int64_t none;
static const volatile int64_t *shift_s = &none;
static int (*next_clock)(clockid_t, struct timespec *);

__attribute__((constructor)) static void map_file(void)
{
    const char *path = getenv("SIGILLO_CLOCK_FILE");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    next_clock = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    if (fd < 0)
        return;
    void *p = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    if (p != MAP_FAILED)
        shift_s = p;
    close(fd);
}

HERE int clock_gettime(clockid_t id, struct timespec *out)
{
    if (next_clock == NULL)
        next_clock = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int r = next_clock(id, out);
    if (r == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        out->tv_sec += *shift_s;
    return r;
}

HERE int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec t;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &t);
    out->tv_sec = t.tv_sec;
    out->tv_usec = (suseconds_t)(t.tv_nsec / 1000);
    return 0;
}

HERE time_t time(time_t *out)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    if (out != NULL)
        *out = t.tv_sec;
    return t.tv_sec;
}
