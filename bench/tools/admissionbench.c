/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What admission costs, and what it holds in memory: admissionbench DOMAINS IDENTITIES SUPPRESSED [FOLDER]
 *
 * A store of its own in FOLDER (default /tmp) gets so many domains with two RSA-2048 selectors each and all of their records verified; identities, a quarter of each kind
 * (credentials, access keys, applications, accounts), one in five of them under a policy for a group of 1,000 or with a sender of its own; and suppressed addresses.  A
 * directory is opened over it as at every start, and the store is closed again, so that what is left in memory is the directory's, and the keys client's list of sealed keys.
 * Then messages of 1 and of 50 recipients, a fifth of which is suppressed, are checked as admission checks them: identity found, MAIL FROM, recipients and From judged,
 * suppressed recipients marked, limits charged, the guard asked.  Prints one JSON line; the time is that of the processor.
 */
#include <malloc.h>
#include <semaphore.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../server/admission/admission_internal.h"
#include "../../server/keys/known.h"
#include "admission_store.h"

static struct known_keys known;
static struct scratch scratch;

/* ---- stand-ins: the keys client keeps what it keeps; nothing is signed or queued ---- */

static void key_done(struct loop_task *task)
{
    struct keys_op *op = (struct keys_op *)(void *)((char *)task - offsetof(struct keys_op, task));

    op->done(op);
}

void keys_submit(struct keys *keys, struct keys_op *op)
{
    (void)keys;
    op->handle = known_reserve(&known);
    op->result = KEYS_OK;
    if (op->verb != KEYS_LOAD || op->handle == 0 ||
        !known_keep(&known, op->handle, op->in, op->context))
        die("keys", "a key cannot be kept");
    op->task.run = key_done;
    loop_post(op->loop, &op->task);
}

bool queue_room(struct queue *q, size_t rcpts, size_t bytes)
{
    (void)q;
    (void)rcpts;
    (void)bytes;
    abort();
}

void queue_unreserve(struct queue *q, size_t rcpts, size_t bytes)
{
    (void)q;
    (void)rcpts;
    (void)bytes;
    abort();
}

void queue_offer(struct queue *q, struct store_message *m, struct body *body)
{
    (void)q;
    (void)m;
    (void)body;
    abort();
}

void queue_nudge(struct queue *q)
{
    (void)q;
    abort();
}

/* ---- opened ---- */

static void open_store(struct bench *b)
{
    struct store_config config = {
        .folder = b->folder, .inline_max = 131072, .group_max = 64, .waiting_max = 1000};
    char why[256] = "";

    b->loop = loop_new("bench");
    b->store = store_open(&config, why, sizeof(why));
    if (b->loop == NULL || b->store == NULL)
        die("store", why);
}

static void fill(struct bench *b)
{
    struct batch *batch = calloc(1, sizeof(*batch));

    open_store(b);
    if (batch == NULL || !loop_start(b->loop))
        die("loop", "it does not start");
    batch->b = b;
    make_key(b);
    put_subscriptions(batch);
    put_domains(b, batch);
    for (uint64_t k = 0; k < 4; k++)
        for (uint64_t i = k; i < b->identities; i += 4)
            put_identity(b, batch, i);
    put_groups(b, batch);
    put_access(b, batch);
    put_suppressed(b, batch);
    batch_flush(batch);
    free(batch);
    store_close(b->store);
    loop_stop(b->loop);
    loop_join(b->loop);
    loop_free(b->loop);
}

struct memory {
    long long heap, rss;
};

static struct memory memory_now(void)
{
    struct mallinfo2 now;
    long long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    (void)malloc_trim(0);
    if (f == NULL || fscanf(f, "%lld %lld", &pages, &resident) != 2)
        die("/proc/self/statm", "it cannot be read");
    fclose(f);
    now = mallinfo2();
    return (struct memory){(long long)(now.uordblks + now.hblkhd),
                           resident * sysconf(_SC_PAGESIZE)};
}

/* ---- changed, with everything loaded ---- */

#define CHANGES 200

static void changed(struct directory_change *c)
{
    sem_post(&((struct bench *)c->ctx)->done);
}

static long long status_bytes(const char *field)
{
    char line[256];
    long long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");

    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            (void)sscanf(line + strlen(field), ": %lld", &kib);
    if (f != NULL)
        fclose(f);
    return kib * 1024;
}

/* What was most from now on. */
static void forget_peak(void)
{
    FILE *f = fopen("/proc/self/clear_refs", "w");

    if (f == NULL || fputs("5", f) < 0)
        die("/proc/self/clear_refs", "it cannot be written");
    fclose(f);
}

/* Milliseconds until it is stored, and seen by every thread. */
static double change(struct bench *b, struct directory_change *c, enum directory_result want)
{
    uint64_t start = clock_mono_us();

    c->loop = b->loop;
    c->done = changed;
    c->ctx = b;
    directory_change(b->directory, c);
    sem_wait(&b->done);
    if (c->result != want)
        die(c->field, c->why);
    return (double)(clock_mono_us() - start) / 1000.0;
}

struct changing {
    double most_ms, mean_ms, remove_ms;
    long long peak_bytes;
};

/* A credential gets a profile, a domain another return path; then a domain goes, and all identities are asked whether they use it. */
static struct changing change_all(struct bench *b)
{
    struct changing out = {0};
    struct directory_change c;
    char name[64];
    long long before = (forget_peak(), status_bytes("VmRSS"));

    for (uint64_t i = 0; i < CHANGES; i++) {
        struct domain_change path = {.return_path = SGL_LIT("returns")};
        struct identity *who;
        double ms;

        c = (struct directory_change){.verb = DIRECTORY_CHANGE, .profile = SGL_LIT("bench")};
        c.noun = i % 2 == 0 ? DIRECTORY_CREDENTIAL : DIRECTORY_DOMAIN;
        snprintf(name, sizeof(name), i % 2 == 0 ? "credential%llu" : "domain%llu.test",
                 (unsigned long long)i * 4 % b->domains);
        c.name = sgl_view_cstr(name);
        c.domain_change = i % 2 == 0 ? NULL : &path;
        ms = change(b, &c, DIRECTORY_OK);
        out.most_ms = ms > out.most_ms ? ms : out.most_ms;
        out.mean_ms += ms / CHANGES;
        who = directory_credential(b->directory, c.name);
        if (i % 2 == 0 && (who == NULL || strcmp(identity_profile(who), "bench") != 0))
            die(name, "the change is not seen");
        identity_unref(who);
    }
    c = (struct directory_change){.noun = DIRECTORY_DOMAIN, .verb = DIRECTORY_REMOVE};
    snprintf(name, sizeof(name), "domain%llu.test", (unsigned long long)b->domains);
    c.name = sgl_view_cstr(name);
    out.remove_ms = change(b, &c, DIRECTORY_OK);
    out.peak_bytes = status_bytes("VmHWM") - before;
    return out;
}

/* Of subscriptions, and of all accounts of one: three limits that are never reached. */
static const struct limit_profile profile = {.name = "bench",
                                             .recipients_max = RCPTS_MAX,
                                             .limits = 3,
                                             .limit = {{LIMIT_MESSAGES, LIMIT_MINUTE, 1u << 30},
                                                       {LIMIT_RECIPIENTS, LIMIT_HOUR, 1u << 30},
                                                       {LIMIT_EXTERNAL, LIMIT_DAY, 1u << 30}}};

/* Milliseconds until every key was handed to the keys client. */
static double open_directory(struct bench *b)
{
    uint64_t start = clock_mono_us();
    struct timespec nap = {0, 1000000};
    char why[256] = "";

    b->workers = workers_new("bench", 1, 100);
    if (scratch_open(&scratch, b->folder))
        known.file = &scratch;
    b->directory =
        directory_open(b->store, (struct keys *)&known, b->workers, b->loop, why, sizeof(why));
    if (b->directory == NULL || !loop_start(b->loop))
        die("directory", why);
    while (!directory_ready(b->directory))
        nanosleep(&nap, NULL);
    return (double)(clock_mono_us() - start) / 1000.0;
}

static void open_admission(struct bench *b)
{
    struct admission_config config = {.hostname = SGL_LIT_INIT("mail.sigillo.test"),
                                      .message_size_max = 1000000,
                                      .recipients_max = 100,
                                      .memory_max = 10000000,
                                      .domains = {.required = true, .grace_s = 86400}};
    struct limit_profile own[2];

    own[0] = own[1] = profile;
    own[1].name = "high-volume";
    b->limits = config.limits = limits_new();
    if (b->limits == NULL || !limits_configure(b->limits, own, 2))
        die("limits", "no memory");
    b->guard = config.guard =
        guard_new(NULL, &(struct config){.guard = {.action = GUARD_STOP,
                                                   .near_percent = 80,
                                                   .complaints_warn = 10,
                                                   .complaints_stop = 30,
                                                   .complaints_messages = 1000}});
    if (b->guard == NULL)
        die("guard", "no memory");
    b->admission = admission_new(&config, b->directory, NULL, NULL, NULL);
    if (b->admission == NULL)
        die("admission", "no memory");
}

/* ---- messages ---- */

struct message {
    struct submission s;
    struct store_rcpt rcpt[RCPTS_MAX];
    char identity[128], from[96], to[RCPTS_MAX][64], raw[256];
    struct sgl_headers headers;
    struct sgl_arena arena;
    uint64_t found; /* suppressed */
};

static void make_message(const struct bench *b, struct message *m, uint64_t n, size_t rcpts)
{
    uint64_t i = n * 7919 % b->identities, domain = i % b->domains;
    struct sgl_message_report report;
    char name[96];
    int len;

    name_of(b, i, name);
    snprintf(m->identity, sizeof(m->identity), "%s:%s", kinds[i % 4], name);
    snprintf(m->from, sizeof(m->from), "app%llu@domain%llu.test", (unsigned long long)i,
             (unsigned long long)domain);
    len = snprintf(m->raw, sizeof(m->raw), "From: App <%s>\r\nSubject: n\r\n\r\nx\r\n", m->from);
    sgl_arena_init(&m->arena, 1024 * 1024);
    m->s.arena = &m->arena;
    m->s.raw = sgl_view_of(m->raw, (size_t)len);
    m->s.message.rcpt = m->rcpt;
    for (size_t r = 0; r < rcpts; r++) {
        uint64_t whom =
            (n * RCPTS_MAX + r) * 7919 % (b->suppressed * 5 / SUBSCRIPTIONS) * SUBSCRIPTIONS +
            domain % SUBSCRIPTIONS;

        snprintf(m->to[r], sizeof(m->to[r]), "someone.%llu@example%llu.test",
                 (unsigned long long)whom, (unsigned long long)whom % 997);
    }
    if (sgl_message_check(m->s.raw, &m->arena, &report) != SGL_OK ||
        report.fault != SGL_MESSAGE_FINE)
        die("message", m->raw);
    m->headers = report.headers;
}

/* What admission does with a message until it is completed, but for the message itself. */
static void admit(struct bench *b, struct message *m, size_t rcpts, int64_t now)
{
    struct submission *s = &m->s;
    struct charges charges = {0};
    struct list_part list = {.url = SGL_LIT("")};
    struct guard_ticket bulk;
    struct domain *domain = NULL;
    enum suppression_reason reason;
    bool utf8 = false;

    s->message.env_from = sgl_view_cstr(m->from);
    s->message.rcpts = rcpts;
    for (size_t r = 0; r < rcpts; r++)
        m->rcpt[r] = (struct store_rcpt){.address = sgl_view_cstr(m->to[r])};
    s->who = directory_identity(b->directory, sgl_view_cstr(m->identity));
    if (s->who == NULL)
        die("identity", m->identity);
    if (!check_envelope(b->admission, s, &utf8, &s->answer) ||
        !check_header(b->admission, s, &m->headers, &domain, &s->answer))
        die(m->identity, s->answer.text);
    for (size_t r = 0; r < s->message.rcpts; r++)
        if (directory_suppressed(b->directory, domain, m->rcpt[r].address, now, &reason)) {
            m->rcpt[r].state = RCPT_SUPPRESSED;
            m->found++;
        }
    s->message.subscription = sgl_view_cstr(domain->subscription);
    if (!charge_limits(b->admission, s, domain, &charges, &s->answer))
        die("limits", s->answer.text);
    s->message.accepted_at = now * 1000;
    if (!check_guard(b->admission, s, &m->headers, domain, &list, &bulk, &s->answer))
        die("guard", s->answer.text);
    domain_unref(domain);
    identity_unref(s->who);
}

static uint64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#define MESSAGES 2048

/* Nanoseconds of a recipient. */
static double time_messages(struct bench *b, size_t rcpts, unsigned rounds)
{
    struct message *m = calloc(MESSAGES, sizeof(*m));
    int64_t now = clock_now_s();
    uint64_t spent = 0, found = 0, all = (uint64_t)MESSAGES * rounds * rcpts;

    if (m == NULL)
        die("messages", "no memory");
    for (uint64_t i = 0; i < MESSAGES; i++)
        make_message(b, &m[i], i, rcpts);
    for (unsigned round = 0; round < rounds; round++) {
        uint64_t start = cpu_ns();

        for (uint64_t i = 0; i < MESSAGES; i++) {
            struct sgl_arena_mark mark = sgl_arena_mark(&m[i].arena);

            admit(b, &m[i], rcpts, now);
            sgl_arena_rewind(&m[i].arena, mark);
        }
        spent += cpu_ns() - start;
    }
    for (uint64_t i = 0; i < MESSAGES; i++) {
        found += m[i].found;
        sgl_arena_done(&m[i].arena);
    }
    free(m);
    if (found < all / 10 || found > all / 3)
        die("suppression", "about a fifth of the recipients should be suppressed");
    return (double)spent / (double)all;
}

int main(int argc, char **argv)
{
    static struct bench b;
    struct memory empty, with_store, without, after;
    struct changing changing;
    double one, fifty, start_ms;
    char command[320];

    if (argc < 4 || !sgl_view_u64(sgl_view_cstr(argv[1]), 100000, &b.domains) ||
        !sgl_view_u64(sgl_view_cstr(argv[2]), 10000000, &b.identities) ||
        !sgl_view_u64(sgl_view_cstr(argv[3]), 10000000, &b.suppressed) || b.domains == 0 ||
        b.identities == 0 || b.suppressed < SUBSCRIPTIONS) {
        fprintf(stderr, "admissionbench DOMAINS IDENTITIES SUPPRESSED [FOLDER]\n");
        return 2;
    }
    snprintf(b.folder, sizeof(b.folder), "%s/admissionbench.XXXXXX", argc > 4 ? argv[4] : "/tmp");
    if (mkdtemp(b.folder) == NULL || sodium_init() < 0 || sem_init(&b.done, 0, 0) != 0)
        die(b.folder, "it cannot be made");
    fill(&b);
    empty = memory_now();
    open_store(&b);
    start_ms = open_directory(&b);
    with_store = memory_now();
    changing = change_all(&b);
    workers_free(b.workers);
    store_close(b.store);
    without = memory_now();
    open_admission(&b);
    one = time_messages(&b, 1, 40);
    fifty = time_messages(&b, RCPTS_MAX, 4);
    after = memory_now();
    printf("{\"domains\":%llu,\"identities\":%llu,\"suppressed\":%llu,\"keys\":%zu,"
           "\"start_ms\":%.0f,\"heap_bytes\":%lld,\"rss_bytes\":%lld,\"store_heap_bytes\":%lld,"
           "\"limits_heap_bytes\":%lld,\"ns_per_rcpt_1\":%.0f,\"ns_per_rcpt_50\":%.0f,"
           "\"change_ms\":%.1f,\"change_most_ms\":%.1f,\"change_peak_bytes\":%lld,"
           "\"remove_ms\":%.1f}\n",
           (unsigned long long)b.domains, (unsigned long long)b.identities,
           (unsigned long long)b.suppressed, known.count, start_ms, without.heap - empty.heap,
           without.rss - empty.rss, with_store.heap - without.heap, after.heap - without.heap, one,
           fifty, changing.mean_ms, changing.most_ms, changing.peak_bytes, changing.remove_ms);
    loop_stop(b.loop);
    loop_join(b.loop);
    admission_free(b.admission);
    limits_free(b.limits);
    guard_free(b.guard);
    directory_free(b.directory);
    loop_free(b.loop);
    known_done(&known);
    scratch_close(&scratch);
    snprintf(command, sizeof(command), "rm -rf '%s'", b.folder);
    return system(command) == 0 ? 0 : 1;
}
