/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the watch over the records of many domains costs: verifybench DOMAINS [FOLDER]
 *
 * A directory of so many custom domains, a loop with the room that checks them, and a name server on 127.0.0.1 that knows no name.  All domains are due at once, which they never
 * are in a server: each is found to publish nothing, which is stored; then a second round finds no change.  Beside it another thread hands the loop a task every few milliseconds, to see how late it is taken.  Prints one
 * JSON line: seconds of a round, microseconds of the loop's thread for one check, and how long the loop was held up.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <semaphore.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../server/setup/setup.h"

#define BATCH     1000
#define PROBE_MS  2
#define PROBES    2000000
#define VALUE_MAX 2048

static struct loop *loop;
static struct store *store;
static struct setup *setup;
static sem_t stored;
static char folder[256];
static unsigned probes;
static uint32_t *late_us; /* of every probe */
static uint64_t posted_us;
static _Atomic uint64_t thread_us;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "verifybench: %s: %s\n", what, why);
    exit(1);
}

/* No key is made or loaded here. */
void keys_submit(struct keys *keys, struct keys_op *op)
{
    (void)keys;
    (void)op;
    abort();
}

/* ---- a name server that knows no name ---- */

static void *serve(void *arg)
{
    int fd = *(int *)arg;
    uint8_t packet[2048];

    for (;;) {
        struct sockaddr_storage from;
        socklen_t len = sizeof(from);
        ssize_t n = recvfrom(fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &len);
        size_t end = 12;

        if (n < 12)
            continue;
        while (end < (size_t)n && packet[end] != 0)
            end += packet[end] + 1u;
        end += 5;
        if (end > (size_t)n)
            continue;
        packet[2] = 0x85 | (packet[2] & 1); /* an answer, authoritative */
        packet[3] = 0x83;                   /* recursion offered, no such name */
        memset(packet + 6, 0, 6);
        (void)sendto(fd, packet, end, 0, (struct sockaddr *)&from, len);
    }
    return NULL;
}

static unsigned start_server(void)
{
    static int fd;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    pthread_t thread;

    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0 ||
        pthread_create(&thread, NULL, serve, &fd) != 0)
        die("name server", "it does not start");
    return ntohs(at.sin_port);
}

/* ---- the domains ---- */

static void put_done(struct store_op *op)
{
    if (op->result != STORE_OK)
        die("store", store_result_text(op->result));
    sem_post(&stored);
}

static void put_domains(uint64_t domains)
{
    static struct store_noun noun[BATCH];
    static char key[BATCH][64], value[BATCH][VALUE_MAX];
    char bytes[700];
    size_t n = 0;

    memset(bytes, 'A', sizeof(bytes));
    for (uint64_t i = 0; i < domains; i++) {
        snprintf(key[n], sizeof(key[n]), "domain%llu.test", (unsigned long long)i);
        snprintf(value[n], VALUE_MAX,
                 "{\"created_at\":1790000000,\"kind\":\"custom\",\"token\":\"%040llx\",\"return_"
                 "path\":\"bounces\",\"checked_at\":0,\"selectors\":[{\"name\":\"s1\","
                 "\"algorithm\":\"rsa-2048\",\"active\":true,\"public\":\"%.392s\",\"sealed\":\"%."
                 "400s\"}],\"status\":{}}",
                 (unsigned long long)i, bytes, bytes);
        noun[n] = (struct store_noun){.kind = SGL_LIT("domain"),
                                      .key = sgl_view_cstr(key[n]),
                                      .subscription = SGL_LIT("default"),
                                      .value = sgl_view_cstr(value[n])};
        if (++n < BATCH && i + 1 < domains)
            continue;
        struct store_noun_op op = {.op = {.kind = STORE_NOUN_PUT, .loop = loop, .done = put_done},
                                   .noun = noun,
                                   .nouns = n};
        store_submit(store, &op.op);
        sem_wait(&stored);
        n = 0;
    }
}

static void open_store(void)
{
    struct store_config config = {
        .folder = folder, .inline_max = 131072, .group_max = 64, .waiting_max = 1000};
    char why[256] = "";

    loop = loop_new("bench");
    store = store_open(&config, why, sizeof(why));
    if (loop == NULL || store == NULL)
        die("store", why);
}

static void close_store(void)
{
    store_close(store);
    loop_stop(loop);
    loop_join(loop);
    loop_free(loop);
}

static struct config *configure(void)
{
    char path[300], why[256] = "";
    struct config *config;
    FILE *f;

    snprintf(path, sizeof(path), "%s/bench.conf", folder);
    f = fopen(path, "w");
    if (f == NULL)
        die(path, "it cannot be written");
    fprintf(f, "hostname = \"mail.sigillo.test\"\nverification { pending = {1s}  interval = 1s  "
               "jitter = 0  timeout = 5s }\n");
    fclose(f);
    config = config_load(path, why, sizeof(why));
    if (config == NULL)
        die(path, why);
    return config;
}

/* ---- how late the loop is: another thread hands it a task now and then ---- */

static uint64_t thread_cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static void probed(struct loop_task *task)
{
    (void)task;
    if (probes < PROBES)
        late_us[probes++] = (uint32_t)(clock_mono_us() - posted_us);
    thread_us = thread_cpu_us();
    sem_post(&stored);
}

static void *post_probes(void *arg)
{
    static struct loop_task task = {.run = probed};
    struct timespec nap = {0, PROBE_MS * 1000000};

    (void)arg;
    for (;;) {
        nanosleep(&nap, NULL);
        posted_us = clock_mono_us();
        loop_post(loop, &task);
        sem_wait(&stored);
    }
    return NULL;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* ---- a round ---- */

static double wait_checks(uint64_t until)
{
    struct timespec nap = {0, 5000000};
    uint64_t start = clock_mono_us();
    struct setup_stats stats;

    do {
        nanosleep(&nap, NULL);
        setup_stats(setup, &stats);
    } while (stats.checks < until);
    return (double)(clock_mono_us() - start) / 1e6;
}

static bool look_at(void *ctx, struct domain *d)
{
    *(uint64_t *)ctx += d->selectors;
    return true;
}

/* Microseconds that the loop needs to walk over all of them. */
static double walk(struct directory *d)
{
    uint64_t start = thread_cpu_us(), seen = 0;

    for (int i = 0; i < 10; i++)
        directory_each_domain(d, look_at, &seen);
    return (double)(thread_cpu_us() - start) / 10.0;
}

int main(int argc, char **argv)
{
    uint64_t domains = 0, before;
    char why[256] = "", server[64], command[320];
    const char *forward[1] = {server};
    struct resolver_config rc = {
        .forward = forward, .forwards = 1, .unvalidated = true, .loopback_allowed = true};
    struct setup_parts parts = {0};
    struct workers *workers;
    pthread_t prober;
    double first, second;

    if (argc < 2 || !sgl_view_u64(sgl_view_cstr(argv[1]), 100000, &domains) || domains == 0) {
        fprintf(stderr, "verifybench DOMAINS [FOLDER]\n");
        return 2;
    }
    snprintf(folder, sizeof(folder), "%s/verifybench.XXXXXX", argc > 2 ? argv[2] : "/tmp");
    late_us = calloc(PROBES, sizeof(*late_us));
    if (late_us == NULL || mkdtemp(folder) == NULL || sodium_init() < 0 ||
        sem_init(&stored, 0, 0) != 0)
        die(folder, "it cannot be made");
    snprintf(server, sizeof(server), "127.0.0.1@%u", start_server());
    open_store();
    if (!loop_start(loop))
        die("loop", "it does not start");
    put_domains(domains);
    close_store();

    open_store();
    workers = workers_new("bench", 1, 100);
    parts.loop = loop;
    parts.store = store;
    parts.directory = directory_open(store, NULL, workers, loop, why, sizeof(why));
    if (parts.directory == NULL)
        die("directory", why);
    parts.resolver = resolver_new(loop, &rc, why, sizeof(why));
    parts.resolver_config = &rc;
    setup = parts.resolver == NULL ? NULL : setup_new(&parts, configure());
    if (setup == NULL || !setup_start(setup))
        die("setup", why);
    if (!loop_start(loop) || pthread_create(&prober, NULL, post_probes, NULL) != 0)
        die("loop", "it does not start");
    first = wait_checks(domains);
    before = thread_us;
    second = wait_checks(2 * domains);
    qsort(late_us, probes, sizeof(*late_us), by_size);
    printf("{\"domains\":%llu,\"first_round_s\":%.1f,\"second_round_s\":%.1f,"
           "\"walk_us\":%.0f,\"loop_us_per_check\":%.0f,\"late_p50_us\":%u,\"late_p99_us\":%u,"
           "\"late_max_us\":%u}\n",
           (unsigned long long)domains, first, second, walk(parts.directory),
           (double)(thread_us - before) / (double)domains, late_us[probes / 2],
           late_us[probes - 1 - probes / 100], late_us[probes - 1]);
    fflush(stdout);
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    if (system(command) != 0)
        return 1;
    _exit(0); /* the loop is at work */
}
