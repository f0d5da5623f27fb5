/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list */
static struct metric *first, **end = &first;

static const uint64_t bound_us[METRIC_BUCKETS] = {100,     250,     500,      1000,    2500,
                                                  5000,    10000,   25000,    100000,  250000,
                                                  1000000, 5000000, 15000000, 60000000};

void metrics_register(struct metric *m)
{
    pthread_mutex_lock(&lock);
    if (!m->registered) {
        m->registered = true;
        m->next = NULL;
        *end = m;
        end = &m->next;
    }
    pthread_mutex_unlock(&lock);
}

void metrics_register_read(struct metric *m, int64_t (*read)(void *ctx), void *ctx)
{
    m->read = read;
    m->ctx = ctx;
    metrics_register(m);
}

void metrics_unregister(struct metric *m)
{
    struct metric **link = &first;

    pthread_mutex_lock(&lock);
    while (*link != NULL && *link != m)
        link = &(*link)->next;
    if (*link != NULL) {
        *link = m->next;
        if (m->next == NULL)
            end = link;
        m->registered = false;
    }
    pthread_mutex_unlock(&lock);
}

void metric_observe_us(struct metric *m, uint64_t us)
{
    size_t i = 0;

    while (i < METRIC_BUCKETS && us > bound_us[i])
        i++;
    atomic_fetch_add_explicit(&m->bucket[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->sum_us, us, memory_order_relaxed);
}

/* ---- showing ---- */

static const char *kind_name(enum metric_kind kind)
{
    switch (kind) {
    case METRIC_KIND_COUNTER:
        return "counter";
    case METRIC_KIND_GAUGE:
        return "gauge";
    case METRIC_KIND_HISTOGRAM:
        return "histogram";
    }
    return "untyped";
}

static void put_head(struct sgl_buf *out, const char *name, const char *help, const char *kind)
{
    sgl_buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void put_seconds(struct sgl_buf *out, uint64_t us)
{
    sgl_buf_addf(out, "%llu.%06llu", (unsigned long long)(us / 1000000),
                 (unsigned long long)(us % 1000000));
}

static void put_histogram(struct sgl_buf *out, struct metric *m)
{
    const char *labels = m->labels != NULL ? m->labels : "";
    const char *comma = m->labels != NULL ? "," : "";
    const char *left = m->labels != NULL ? "{" : "", *right = m->labels != NULL ? "}" : "";
    uint64_t sum = 0;

    for (size_t i = 0; i <= METRIC_BUCKETS; i++) {
        sum += atomic_load_explicit(&m->bucket[i], memory_order_relaxed);
        sgl_buf_addf(out, "%s_bucket{%s%sle=\"", m->name, labels, comma);
        if (i < METRIC_BUCKETS)
            put_seconds(out, bound_us[i]);
        else
            sgl_buf_add_cstr(out, "+Inf");
        sgl_buf_addf(out, "\"} %llu\n", (unsigned long long)sum);
    }
    sgl_buf_addf(out, "%s_sum%s%s%s ", m->name, left, labels, right);
    put_seconds(out, atomic_load_explicit(&m->sum_us, memory_order_relaxed));
    sgl_buf_addf(out, "\n%s_count%s%s%s %llu\n", m->name, left, labels, right,
                 (unsigned long long)sum);
}

static void put_series(struct sgl_buf *out, struct metric *m)
{
    int64_t value;

    if (m->kind == METRIC_KIND_HISTOGRAM) {
        put_histogram(out, m);
        return;
    }
    value =
        m->read != NULL ? m->read(m->ctx) : atomic_load_explicit(&m->value, memory_order_relaxed);
    if (m->labels != NULL)
        sgl_buf_addf(out, "%s{%s} %lld\n", m->name, m->labels, (long long)value);
    else
        sgl_buf_addf(out, "%s %lld\n", m->name, (long long)value);
}

/* Is there an earlier series of the same name? Then it was shown there. */
static bool shown_before(const struct metric *m)
{
    const struct metric *other = first;

    while (other != m && strcmp(other->name, m->name) != 0)
        other = other->next;
    return other != m;
}

static uint64_t resident_bytes(void)
{
    uint64_t pages = 0;
    char text[64];
    sgl_view rest;
    ssize_t n;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return 0;
    n = read(fd, text, sizeof(text));
    close(fd);
    (void)sgl_view_split(sgl_view_of(text, n < 0 ? 0 : (size_t)n), ' ', &rest);
    if (!sgl_view_u64(sgl_view_split(rest, ' ', &rest), UINT32_MAX, &pages))
        return 0;
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t open_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    uint64_t n = 0;

    if (d == NULL)
        return 0;
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n < 3 ? 0 : n - 3; /* ".", ".." and the folder's own */
}

static void put_process(struct sgl_buf *out)
{
    struct rusage use;
    uint64_t rss = resident_bytes(), fds = open_descriptors();

    getrusage(RUSAGE_SELF, &use);
    put_head(out, "process_cpu_seconds_total", "CPU time of the service process", "counter");
    sgl_buf_add_cstr(out, "process_cpu_seconds_total ");
    put_seconds(out, (uint64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000 +
                         (uint64_t)(use.ru_utime.tv_usec + use.ru_stime.tv_usec));
    sgl_buf_add_cstr(out, "\n");
    if (rss > 0) {
        put_head(out, "process_resident_memory_bytes", "Resident memory of the service process",
                 "gauge");
        sgl_buf_addf(out, "process_resident_memory_bytes %llu\n", (unsigned long long)rss);
    }
    if (fds > 0) {
        put_head(out, "process_open_fds", "Open descriptors of the service process", "gauge");
        sgl_buf_addf(out, "process_open_fds %llu\n", (unsigned long long)fds);
    }
    put_head(out, "sigillo_info", "The version that runs", "gauge");
    sgl_buf_add_cstr(out, "sigillo_info{version=\"" SIGILLO_VERSION "\"} 1\n");
}

void metrics_put(struct sgl_buf *out)
{
    put_process(out);
    pthread_mutex_lock(&lock);
    for (struct metric *m = first; m != NULL; m = m->next) {
        if (shown_before(m))
            continue;
        put_head(out, m->name, m->help, kind_name(m->kind));
        for (struct metric *same = m; same != NULL; same = same->next)
            if (strcmp(same->name, m->name) == 0)
                put_series(out, same);
    }
    pthread_mutex_unlock(&lock);
}
