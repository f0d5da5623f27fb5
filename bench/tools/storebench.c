/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store costs: messages accepted (born claimed) and delivered, as the daemon does it.
 *   storebench FOLDER MESSAGES BYTES IN_FLIGHT [RATE]     accept + outcome; RATE a second, 0: as fast as it goes
 *   storebench FOLDER fill MESSAGES BYTES LANES           messages that wait, for queue tests
 *   storebench FOLDER open                                how long it takes to open, and a claim
 * Prints one JSON line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "../../server/store/transit.h"

struct flight {
    struct store_accept accept;
    struct store_outcome outcome;
    struct store_outcome_rcpt result;
    struct store_event event;
    struct store_message message;
    struct store_rcpt rcpt;
    char address[64];
    struct flight *next;
    uint64_t start_us, due_us;
};

static struct {
    struct store *store;
    struct loop *loop;
    struct body *body;
    struct flight *free, *waiting;
    struct event *timer;
    size_t total, started, done, lanes, in_flight;
    bool fill;
    double rate;
    uint64_t begin_us, latency_us_total, latency_us_max;
} b;

static void start(struct flight *f);

/* A session goes on when its message is durable, as a client does; its outcome follows by itself. */
static void go_on(void)
{
    struct flight *f;

    if (b.started == b.total)
        return;
    f = b.free;
    if (f != NULL)
        b.free = f->next;
    else
        f = calloc(1, sizeof(*f));
    start(f);
}

static void finish(struct flight *f)
{
    f->next = b.free;
    b.free = f;
    if (++b.done == b.total)
        loop_stop(b.loop);
}

static void recorded(struct store_op *op)
{
    struct flight *f = (struct flight *)((char *)op - offsetof(struct flight, outcome));

    if (op->result != STORE_OK) {
        fprintf(stderr, "outcome: %s\n", store_result_text(op->result));
        exit(1);
    }
    finish(f);
}

static void accepted(struct store_op *op)
{
    struct flight *f = (struct flight *)op;
    uint64_t us = clock_mono_us() - f->start_us;

    if (op->result != STORE_OK) {
        fprintf(stderr, "accept: %s\n", store_result_text(op->result));
        exit(1);
    }
    b.latency_us_total += us;
    b.latency_us_max = us > b.latency_us_max ? us : b.latency_us_max;
    if (b.fill) {
        finish(f);
        go_on();
        return;
    }
    f->result = (struct store_outcome_rcpt){.rcpt = f->rcpt.id,
                                            .fence = 1,
                                            .state = RCPT_DELIVERED,
                                            .attempted = true,
                                            .transit = {TRANSIT_DANE, TRANSIT_TLS_1_3, 0},
                                            .status = SGL_LIT("2.0.0"),
                                            .reason = SGL_LIT("250 2.0.0 Ok: queued as 4XyZ123456"),
                                            .remote_mta = SGL_LIT("mx1.example.net [192.0.2.1]")};
    f->event = (struct store_event){
        clock_now_ms(), f->rcpt.id, SGL_LIT("delivered"),
        SGL_LIT("{\"host\":\"mx1.example.net\",\"address\":\"192.0.2.1\",\"tls\":\"TLSv1.3\","
                "\"cipher\":\"TLS_AES_256_GCM_SHA384\",\"dane\":\"verified\",\"reply\":\"250 2.0.0 "
                "Ok: queued\","
                "\"ms\":12}")};
    f->outcome =
        (struct store_outcome){.op = {.kind = STORE_OUTCOME, .loop = b.loop, .done = recorded},
                               .message = f->message.id,
                               .rcpt = &f->result,
                               .rcpts = 1,
                               .event = &f->event,
                               .events = 1};
    store_submit(b.store, &f->outcome.op);
    go_on();
}

static void submit(struct flight *f)
{
    f->start_us = clock_mono_us();
    store_submit(b.store, &f->accept.op);
}

static void tick(evutil_socket_t fd, short what, void *arg)
{
    uint64_t now = clock_mono_us();

    (void)fd;
    (void)what;
    (void)arg;
    while (b.waiting != NULL && b.waiting->due_us <= now) {
        struct flight *f = b.waiting;

        b.waiting = f->next;
        submit(f);
    }
}

static void start(struct flight *f)
{
    size_t n = b.started++;

    snprintf(f->address, sizeof(f->address), "user%zu@d%zu.example", n, n % b.lanes);
    f->rcpt = (struct store_rcpt){.address = sgl_view_cstr(f->address),
                                  .domain = sgl_view_cstr(strchr(f->address, '@') + 1)};
    f->message = (struct store_message){.id = id_new(),
                                        .subscription = SGL_LIT("default"),
                                        .identity = SGL_LIT("credential:app1"),
                                        .env_from = SGL_LIT("sender@example.org"),
                                        .size = b.body->len,
                                        .accepted_at = clock_now_ms(),
                                        .expires_at = clock_now_s() + 259200,
                                        .message_id = SGL_LIT("<0123456789abcdef@example.org>"),
                                        .header_from = SGL_LIT("sender@example.org"),
                                        .subject = SGL_LIT("A message of the benchmark"),
                                        .signed_by = SGL_LIT("d=example.org s=s1 rsa-sha256"),
                                        .door = SGL_LIT("submission"),
                                        .peer = SGL_LIT("127.0.0.1"),
                                        .rcpt = &f->rcpt,
                                        .rcpts = 1};
    f->accept =
        (struct store_accept){.op = {.kind = STORE_ACCEPT, .loop = b.loop, .done = accepted},
                              .message = &f->message,
                              .body = b.body,
                              .claim = !b.fill,
                              .lease_until = (uint64_t)clock_now_s() + 600};
    if (b.rate > 0 &&
        (f->due_us = b.begin_us + (uint64_t)((double)n / b.rate * 1e6)) > clock_mono_us()) {
        struct flight **at = &b.waiting;

        while (*at != NULL && (*at)->due_us <= f->due_us)
            at = &(*at)->next;
        f->next = *at;
        *at = f;
        return;
    }
    submit(f);
}

static double cpu(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long rss_kib(void)
{
    char line[256];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");

    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    if (f != NULL)
        fclose(f);
    return kib;
}

static void claimed(struct store_op *op)
{
    (void)op;
    loop_stop(b.loop);
}

static void measure_claim(void)
{
    struct store_claim c = {.op = {.kind = STORE_CLAIM, .loop = b.loop, .done = claimed},
                            .now = clock_now_s(),
                            .lease_until = clock_now_s() + 60,
                            .max = 500,
                            .lane_max = 2000};
    uint64_t t = clock_mono_us();
    double c0 = cpu();

    store_submit(b.store, &c.op);
    loop_run(b.loop);
    printf("{\"claimed_messages\":%zu,\"claim_ms\":%.1f,\"claim_cpu_ms\":%.1f,\"rss_kib\":%ld}\n",
           c.messages, (double)(clock_mono_us() - t) / 1e3, (cpu() - c0) * 1e3, rss_kib());
    store_claim_done(&c);
}

int main(int argc, char **argv)
{
    struct store_config config = {.folder = argv[1]};
    char why[512];
    uint64_t t;
    double c0;
    bool open_only = argc > 2 && strcmp(argv[2], "open") == 0;

    if (argc < 3)
        return 2;
    b.fill = strcmp(argv[2], "fill") == 0;
    b.loop = loop_new("bench");
    t = clock_mono_us();
    b.store = store_open(&config, why, sizeof(why));
    if (b.store == NULL) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    if (open_only) {
        printf("{\"open_ms\":%.1f}\n", (double)(clock_mono_us() - t) / 1e3);
        measure_claim();
        store_close(b.store);
        return 0;
    }
    b.total = strtoul(argv[b.fill ? 3 : 2], NULL, 10);
    b.body = body_new(strtoul(argv[b.fill ? 4 : 3], NULL, 10));
    memset(b.body->bytes, 'x', b.body->len);
    b.lanes = b.fill ? strtoul(argv[5], NULL, 10) : 10;
    b.in_flight = b.fill ? 500 : strtoul(argv[4], NULL, 10);
    b.rate = !b.fill && argc > 5 ? strtod(argv[5], NULL) : 0;
    b.begin_us = clock_mono_us();
    if (b.rate > 0) {
        struct timeval ms = {0, 500};

        b.timer = event_new(loop_base(b.loop), -1, EV_PERSIST, tick, NULL);
        event_add(b.timer, &ms);
    }
    c0 = cpu();
    for (size_t i = 0; i < b.in_flight; i++)
        go_on();
    loop_run(b.loop);
    double el = (double)(clock_mono_us() - b.begin_us) / 1e6, used = cpu() - c0;
    struct store_stats stats;

    store_stats(b.store, &stats);
    printf("{\"messages\":%zu,\"bytes\":%zu,\"per_s\":%.0f,\"cpu_us_per_message\":%.1f,\"ops_per_"
           "commit\":%.1f,"
           "\"commit_us\":%.0f,\"commit_us_max\":%llu,\"accept_ms\":%.2f,\"accept_ms_max\":%.1f,"
           "\"rss_kib\":%ld}\n",
           b.total, b.body->len, (double)b.total / el, used * 1e6 / (double)b.total,
           (double)stats.operations / (double)stats.commits,
           (double)stats.commit_us_total / (double)stats.commits,
           (unsigned long long)stats.commit_us_max,
           (double)b.latency_us_total / (double)b.total / 1e3, (double)b.latency_us_max / 1e3,
           rss_kib());
    store_close(b.store);
    return 0;
}
