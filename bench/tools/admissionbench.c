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
#include "sigillo/crypto.h"

#define SUBSCRIPTIONS 100
#define BATCH         1000
#define RCPTS_MAX     50
#define VALUE_MAX     16384

struct bench {
    char folder[256];
    uint64_t domains, identities, suppressed;
    struct loop *loop;
    struct workers *workers;
    struct store *store;
    struct directory *directory;
    struct limits *limits;
    struct guard *guard;
    struct admission *admission;
    sem_t done;
    char public_key[1024], sealed[4096]; /* base64 */
};
static struct known_keys known;
static struct scratch scratch;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "admissionbench: %s: %s\n", what, why);
    exit(1);
}

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

/* ---- what the store gets ---- */

struct batch {
    struct bench *b;
    const char *kind;
    size_t used;
    struct store_noun_op op;
    struct store_noun noun[BATCH];
    char key[BATCH][256], subscription[BATCH][24];
    char *value[BATCH];
};

static void stored(struct store_op *op)
{
    struct batch *batch = (struct batch *)(void *)((char *)op - offsetof(struct batch, op));

    if (op->result != STORE_OK)
        die(batch->kind, store_result_text(op->result));
    sem_post(&batch->b->done);
}

static void batch_flush(struct batch *batch)
{
    if (batch->used == 0)
        return;
    batch->op = (struct store_noun_op){
        .op = {.kind = STORE_NOUN_PUT, .loop = batch->b->loop, .done = stored},
        .noun = batch->noun,
        .nouns = batch->used};
    store_submit(batch->b->store, &batch->op.op);
    sem_wait(&batch->b->done);
    for (size_t i = 0; i < batch->used; i++)
        free(batch->value[i]);
    batch->used = 0;
}

static void put(struct batch *batch, const char *kind, const char *key, uint64_t tenant,
                const char *value)
{
    size_t at = batch->used;

    if (at == BATCH || (at > 0 && strcmp(kind, batch->kind) != 0)) {
        batch_flush(batch);
        at = 0;
    }
    batch->kind = kind;
    batch->value[at] = strdup(value);
    snprintf(batch->key[at], sizeof(batch->key[at]), "%s", key);
    snprintf(batch->subscription[at], sizeof(batch->subscription[at]), "tenant%llu",
             (unsigned long long)tenant % SUBSCRIPTIONS);
    batch->noun[at] = (struct store_noun){.kind = sgl_view_cstr(kind),
                                          .key = sgl_view_cstr(batch->key[at]),
                                          .subscription = sgl_view_cstr(batch->subscription[at]),
                                          .value = sgl_view_cstr(batch->value[at])};
    batch->used = at + 1;
}

static void base64(const uint8_t *bytes, size_t len, char *out, size_t size)
{
    sodium_bin2base64(out, size, bytes, len, sodium_base64_VARIANT_ORIGINAL);
}

/* A key as long as a real one is, and so many bytes as the vault makes of it. */
static void make_key(struct bench *b)
{
    struct sgl_crypto *crypto = sgl_crypto_new();
    struct sgl_private_key *key = NULL;
    struct sgl_buf public_key = SGL_BUF_INIT(1024), der = SGL_BUF_INIT(KEYS_DATA_MAX);

    if (crypto == NULL || sgl_private_key_generate(crypto, SGL_KEY_RSA, 2048, &key) != SGL_OK ||
        sgl_private_key_public(key, &public_key) != SGL_OK ||
        sgl_private_key_export_der(key, &der) != SGL_OK ||
        sgl_buf_reserve(&der, KEYS_SEAL_EXTRA) != SGL_OK)
        die("key", "it cannot be made");
    base64(public_key.data, public_key.len, b->public_key, sizeof(b->public_key));
    base64(der.data, der.len + KEYS_SEAL_EXTRA, b->sealed, sizeof(b->sealed));
    sgl_buf_done(&public_key);
    sgl_buf_done(&der);
    sgl_private_key_free(key);
    sgl_crypto_free(crypto);
}

static void put_domains(struct bench *b, struct batch *batch)
{
    static char value[VALUE_MAX], status[4096];
    char name[64];
    size_t len = 0;

    for (int p = 0; p < PART_NULL_MX; p++)
        len += (size_t)snprintf(
            status + len, sizeof(status) - len,
            "%s\"%s\":{\"state\":\"verified\",\"since\":1790000000,\"verified_at\":1790000000}",
            p == 0 ? "" : ",", domain_part_name((enum domain_part)p));
    for (uint64_t i = 0; i < b->domains; i++) {
        snprintf(name, sizeof(name), "domain%llu.test", (unsigned long long)i);
        snprintf(value, sizeof(value),
                 "{\"created_at\":1790000000,\"kind\":\"custom\",\"token\":\"%040llx\","
                 "\"return_path\":\"bounces\",\"checked_at\":1790000000,\"selectors\":["
                 "{\"name\":\"s1\",\"algorithm\":\"rsa-2048\",\"active\":true,\"public\":\"%s\","
                 "\"sealed\":\"%s\"},{\"name\":\"s2\",\"algorithm\":\"rsa-2048\",\"active\":false,"
                 "\"public\":\"%s\",\"sealed\":\"%s\"}],\"status\":{%s}}",
                 (unsigned long long)i, b->public_key, b->sealed, b->public_key, b->sealed, status);
        put(batch, "domain", name, i, value);
    }
}

static void put_subscriptions(struct batch *batch)
{
    char name[32];

    for (uint64_t i = 0; i < SUBSCRIPTIONS; i++) {
        snprintf(name, sizeof(name), "tenant%llu", (unsigned long long)i);
        put(batch, "subscription", name, i, "{\"created_at\":1,\"profile\":\"bench\"}");
    }
}

static void random_base64(size_t len, char *out, size_t size)
{
    uint8_t bytes[64];

    randombytes_buf(bytes, len);
    base64(bytes, len, out, size);
}

/* "argon2id" and "scram" of a document. */
static void password_json(char *out, size_t size)
{
    uint8_t bytes[48];
    char salt[64], hash[64], stored_key[64], server[64], scram_salt[64];

    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2base64(salt, sizeof(salt), bytes, 16, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    sodium_bin2base64(hash, sizeof(hash), bytes + 16, 32,
                      sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    random_base64(16, scram_salt, sizeof(scram_salt));
    random_base64(32, stored_key, sizeof(stored_key));
    random_base64(32, server, sizeof(server));
    snprintf(out, size,
             "\"argon2id\":\"$argon2id$v=19$m=19456,t=2,p=1$%s$%s\",\"scram\":{\"salt\":\"%s\","
             "\"iterations\":15000,\"stored\":\"%s\",\"server\":\"%s\"}",
             salt, hash, scram_salt, stored_key, server);
}

/* The name of an identity and of its domain. */
static const char *const kinds[] = {"credential", "key", "app", "account"};

static void name_of(const struct bench *b, uint64_t i, char out[96])
{
    if (i % 4 == 3)
        snprintf(out, 96, "app%llu@domain%llu.test", (unsigned long long)i,
                 (unsigned long long)(i % b->domains));
    else
        snprintf(out, 96, "%s%llu", kinds[i % 4], (unsigned long long)i);
}

static void put_identity(struct bench *b, struct batch *batch, uint64_t i)
{
    char name[96], value[2048], secret[64], other[64], password[512];
    unsigned long long n = i, domain = i % b->domains;

    name_of(b, i, name);
    random_base64(32, secret, sizeof(secret));
    random_base64(32, other, sizeof(other));
    password_json(password, sizeof(password));
    switch (i % 4) {
    case 0:
        snprintf(value, sizeof(value), "{\"created_at\":1,\"domains\":[\"domain%llu.test\"],%s}",
                 domain, password);
        break;
    case 1:
        snprintf(value, sizeof(value),
                 "{\"created_at\":1,\"domains\":[\"domain%llu.test\"],\"label\":\"invoices %llu\","
                 "\"role\":\"none\",\"sha256\":\"%s\"}",
                 domain, n, secret);
        break;
    case 2:
        snprintf(
            value, sizeof(value),
            "{\"created_at\":1,\"client_id\":\"00000000-0000-4000-8000-%012llx\","
            "\"domains\":[\"domain%llu.test\"],\"label\":\"\",\"role\":\"none\",\"secrets\":["
            "{\"id\":\"first000\",\"sha256\":\"%s\",\"created_at\":1,\"expires_at\":2000000000},"
            "{\"id\":\"second00\",\"sha256\":\"%s\",\"created_at\":1,\"expires_at\":2000000000}]}",
            n, domain, secret, other);
        break;
    default:
        snprintf(value, sizeof(value),
                 "{\"created_at\":1,\"domains\":[\"domain%llu.test\"],\"label\":\"LOB App %llu\","
                 "\"basic\":true,\"oauth\":true,\"apps\":[\"00000000-0000-4000-8000-%012llx\"],%s}",
                 domain, n, n - 1, password);
    }
    put(batch, kinds[i % 4], name, domain, value);
}

/* One application in five sends as the members of a group only, one credential in five as one address. */
static void put_access(struct bench *b, struct batch *batch)
{
    char key[256], value[512], name[96];

    for (uint64_t i = 0; i < b->identities; i++) {
        unsigned long long domain = i % b->domains;

        if (i / 4 % 5 != 0 || i % 4 != 2)
            continue;
        name_of(b, i, name);
        snprintf(key, sizeof(key), "p%llu", (unsigned long long)i);
        snprintf(value, sizeof(value),
                 "{\"created_at\":1,\"identity\":\"app:%s\",\"group\":\"members\",\"deny\":false}",
                 name);
        put(batch, "policy", key, domain, value);
    }
    for (uint64_t i = 0; i < b->identities; i++) {
        unsigned long long domain = i % b->domains;

        if (i / 4 % 5 != 0 || i % 4 != 0)
            continue;
        name_of(b, i, name);
        snprintf(key, sizeof(key), "app%llu@domain%llu.test credential:%s", (unsigned long long)i,
                 domain, name);
        snprintf(value, sizeof(value),
                 "{\"created_at\":1,\"address\":\"app%llu@domain%llu.test\","
                 "\"identity\":\"credential:%s\"}",
                 (unsigned long long)i, domain, name);
        put(batch, "sender", key, domain, value);
    }
}

static void put_groups(struct bench *b, struct batch *batch)
{
    static char value[BATCH * 64];
    char key[64];

    for (uint64_t s = 0; s < SUBSCRIPTIONS; s++) {
        size_t len = (size_t)snprintf(value, sizeof(value), "{\"created_at\":1,\"members\":[");

        for (unsigned m = 0; m < 10; m++)
            len +=
                (size_t)snprintf(value + len, sizeof(value) - len, "%s\"boss%u@domain%llu.test\"",
                                 m == 0 ? "" : ",", m, (unsigned long long)s % b->domains);
        for (uint64_t m = s; m < b->domains && len + 64 < sizeof(value); m += SUBSCRIPTIONS)
            len += (size_t)snprintf(value + len, sizeof(value) - len, ",\"*@domain%llu.test\"",
                                    (unsigned long long)m);
        snprintf(value + len, sizeof(value) - len, "]}");
        snprintf(key, sizeof(key), "tenant%llu/members", (unsigned long long)s);
        put(batch, "group", key, s, value);
    }
}

static void put_suppressed(struct bench *b, struct batch *batch)
{
    char key[160];

    for (uint64_t i = 0; i < b->suppressed; i++) {
        snprintf(key, sizeof(key), "tenant%llu//someone.%llu@example%llu.test",
                 (unsigned long long)i % SUBSCRIPTIONS, (unsigned long long)i,
                 (unsigned long long)i % 997);
        put(batch, "suppression", key, i,
            "{\"reason\":\"hard-bounce\",\"reply\":\"550 5.1.1 no such user here\","
            "\"created_at\":1,\"expires_at\":0}");
    }
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
    workers_free(b.workers);
    store_close(b.store);
    without = memory_now();
    open_admission(&b);
    one = time_messages(&b, 1, 40);
    fifty = time_messages(&b, RCPTS_MAX, 4);
    after = memory_now();
    printf("{\"domains\":%llu,\"identities\":%llu,\"suppressed\":%llu,\"keys\":%zu,"
           "\"start_ms\":%.0f,\"heap_bytes\":%lld,\"rss_bytes\":%lld,\"store_heap_bytes\":%lld,"
           "\"limits_heap_bytes\":%lld,\"ns_per_rcpt_1\":%.0f,\"ns_per_rcpt_50\":%.0f}\n",
           (unsigned long long)b.domains, (unsigned long long)b.identities,
           (unsigned long long)b.suppressed, known.count, start_ms, without.heap - empty.heap,
           without.rss - empty.rss, with_store.heap - without.heap, after.heap - without.heap, one,
           fifty);
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
