/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_sigillo's modes that need DNS.  Answers come from a table.  Where they are in memory, an evaluation pays for a snapshot of its own:
 * making it, adding the answers that it will ask for, one pass, freeing it.
 */
#include <malloc.h>

#include "lib_sigillo.h"

#include "sigillo/limits.h"
#include "sigillo/verdict.h"

/* ---- the table -------------------------------------------------------------------------------------------------- */

enum { RECORDS_MAX = 64, CASES_MAX = 16, ANSWERS_MAX = 128 };

struct record {
    struct sgl_name name;
    enum sgl_rr type;
    sgl_view rdata;
};
struct spf_case {
    char name[64], ip[64], sender[128], want[16];
};
static struct {
    struct sgl_arena arena;
    struct record record[RECORDS_MAX];
    size_t records;
    struct spf_case cases[CASES_MAX];
    size_t count;
} zone = {.arena = SGL_ARENA_INIT(1u << 20)};

static struct sgl_name name_of(const char *text)
{
    struct sgl_name name;

    if (sgl_name_parse(sgl_view_cstr(text), SGL_NAME_UNDERSCORE, &zone.arena, NULL, &name) !=
        SGL_OK)
        die("not a name: %s", text);
    return name;
}

static void put_wire_name(struct sgl_buf *out, const char *text)
{
    sgl_view rest = sgl_view_cstr(text);

    while (rest.len > 0) {
        sgl_view label = sgl_view_split(rest, '.', &rest);

        sgl_buf_add_byte(out, (uint8_t)label.len);
        sgl_buf_add(out, label);
    }
    sgl_buf_add_byte(out, 0);
}

static void put_txt(struct sgl_buf *out, sgl_view text)
{
    for (size_t off = 0; off < text.len || off == 0; off += 255) {
        sgl_view piece = sgl_view_sub(text, off, 255);

        sgl_buf_add_byte(out, (uint8_t)piece.len);
        sgl_buf_add(out, piece);
    }
}

static void add_record(const char *name, const char *type, const char *data)
{
    struct sgl_buf wire = SGL_BUF_INIT(1 << 16);
    struct record *r = &zone.record[zone.records];
    struct sgl_ip ip;

    if (zone.records == RECORDS_MAX)
        die("the zone has more than %d records", RECORDS_MAX);
    r->name = name_of(name);
    if (strcmp(type, "TXT") == 0) {
        r->type = SGL_RR_TXT;
        put_txt(&wire, sgl_view_cstr(data));
    } else if (strcmp(type, "MX") == 0) {
        r->type = SGL_RR_MX;
        sgl_buf_add_byte(&wire, 0);
        sgl_buf_add_byte(&wire, (uint8_t)atoi(data));
        put_wire_name(&wire, strchr(data, ' ') + 1);
    } else if (strcmp(type, "A") == 0 && sgl_ip_parse(sgl_view_cstr(data), &ip) == SGL_OK) {
        r->type = SGL_RR_A;
        sgl_buf_add(&wire, sgl_view_of(ip.bytes, 4));
    } else {
        die("zone: %s %s %s", name, type, data);
    }
    if (sgl_arena_dup(&zone.arena, sgl_buf_view(&wire), &r->rdata) != SGL_OK)
        die("memory");
    sgl_buf_done(&wire);
    zone.records++;
}

/* Lines "name TYPE data" and "case NAME IP MAILFROM EXPECTED". */
static void load_zone(const char *path)
{
    FILE *f = fopen(path, "r");
    char line[2000], name[256], type[32];

    if (f == NULL)
        die("open %s", path);
    while (fgets(line, sizeof(line), f) != NULL) {
        struct spf_case *c = &zone.cases[zone.count];
        int off = 0;

        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0')
            continue;
        if (strncmp(line, "case ", 5) == 0) {
            if (zone.count < CASES_MAX &&
                sscanf(line + 5, "%63s %63s %127s %15s", c->name, c->ip, c->sender, c->want) == 4)
                zone.count++;
        } else if (sscanf(line, "%255s %31s %n", name, type, &off) == 2) {
            add_record(name, type, line + off);
        }
    }
    fclose(f);
}

/* A table's answer; its views live as long as the table. */
static struct sgl_dns_raw look_up(const struct sgl_dns_question *q)
{
    struct sgl_dns_raw raw = {.type = q->type, .outcome = SGL_DNS_NXDOMAIN, .ttl_s = 300};

    for (size_t i = 0; i < zone.records; i++) {
        if (!sgl_name_is_at_or_below(zone.record[i].name, q->name))
            continue;
        if (raw.outcome == SGL_DNS_NXDOMAIN)
            raw.outcome = SGL_DNS_NODATA;
        if (zone.record[i].type == q->type && sgl_name_eq(zone.record[i].name, q->name)) {
            raw.outcome = SGL_DNS_OK;
            raw.rdata = &zone.record[i].rdata;
            raw.rdatas = 1;
        }
    }
    if (sgl_name_dup(q->name, &zone.arena, &raw.name) != SGL_OK)
        die("memory");
    return raw;
}

/* The answers that one evaluation asks for, in the order it asks. */
struct answers {
    struct sgl_dns_raw raw[ANSWERS_MAX];
    size_t count;
};

static void give(struct sgl_dns *dns, const struct sgl_dns_raw *raw)
{
    if (sgl_dns_add_answer(dns, raw) != SGL_OK)
        die("answer");
}

static void give_all(struct sgl_dns *dns, const struct answers *known)
{
    for (size_t i = 0; i < known->count; i++)
        give(dns, &known->raw[i]);
}

/* Answers the oldest question only, and remembers the answer. */
static void learn_one(struct sgl_dns *dns, struct answers *known)
{
    if (known->count == ANSWERS_MAX)
        die("too many questions");
    known->raw[known->count] = look_up(sgl_dns_next_open(dns, NULL));
    give(dns, &known->raw[known->count++]);
}

/* ---- SPF --------------------------------------------------------------------------------------------------------- */

static struct sgl_arena arena = SGL_ARENA_INIT(1u << 20);

/* Nothing but the evaluation: callgrind counts in here. one: answers come one by one. Returns the number of passes. */
__attribute__((noinline)) static unsigned spf_evaluation(const struct sgl_spf_request *request,
                                                         const struct answers *known, bool one,
                                                         struct sgl_spf *spf)
{
    struct sgl_dns dns;
    enum sgl_status status;
    unsigned passes = 0;

    sgl_arena_reset(&arena);
    sgl_dns_init(&dns, SGL_LIMIT_JUDGE_QUESTIONS);
    if (!one)
        give_all(&dns, known);
    while (passes++, (status = sgl_spf_check(request, &dns, &arena, spf)) == SGL_NEED_DNS) {
        const struct sgl_dns_question *q = sgl_dns_next_open(&dns, NULL);
        size_t i = 0;

        while (i < known->count &&
               (known->raw[i].type != q->type || !sgl_name_eq(known->raw[i].name, q->name)))
            i++;
        if (i == known->count)
            die("a new question");
        give(&dns, &known->raw[i]);
    }
    if (status != SGL_OK)
        die("spf: %s", sgl_status_name(status));
    sgl_dns_done(&dns);
    return passes;
}

static struct sgl_spf_request request_of(const struct spf_case *c)
{
    struct sgl_spf_request request = {.identity = SGL_SPF_MAILFROM};

    request.sender = sgl_view_cstr(c->sender);
    request.helo = SGL_LIT("helo.bench.test");
    request.receiver = SGL_LIT("mx.dest.test");
    if (sgl_ip_parse(sgl_view_cstr(c->ip), &request.ip) != SGL_OK)
        die("ip");
    return request;
}

static void learn_spf(const struct sgl_spf_request *request, const struct spf_case *c,
                      struct answers *known)
{
    struct sgl_dns dns;
    struct sgl_spf spf;

    known->count = 0;
    sgl_dns_init(&dns, SGL_LIMIT_JUDGE_QUESTIONS);
    while (sgl_spf_check(request, &dns, &arena, &spf) == SGL_NEED_DNS)
        learn_one(&dns, known);
    if (strcmp(sgl_spf_result_name(spf.result), c->want) != 0)
        die("%s: got %s, want %s", c->name, sgl_spf_result_name(spf.result), c->want);
    sgl_dns_done(&dns);
}

static void spf_modes(const char *path, double seconds, bool one)
{
    load_zone(path);
    for (size_t i = 0; i < zone.count; i++) {
        struct sgl_spf_request request = request_of(&zone.cases[i]);
        struct answers known;
        struct sgl_spf spf;
        double start, cpu;
        uint64_t n = 0;
        unsigned passes = 0;

        learn_spf(&request, &zone.cases[i], &known);
        start = thread_cpu();
        do {
            for (int k = 0; k < 100; k++, n++)
                passes = spf_evaluation(&request, &known, one, &spf);
            cpu = thread_cpu() - start;
        } while (cpu < seconds);
        printf("{\"lib\":\"sigillo%s\",\"case\":\"%s\",\"result\":\"%s\",\"passes\":%u,"
               "\"questions\":%zu,\"n\":%llu,"
               "\"cpu_us_each\":%.3f,\"per_cpu_s\":%.0f}\n",
               one ? "-restart" : "", zone.cases[i].name, sgl_spf_result_name(spf.result), passes,
               known.count, (unsigned long long)n, cpu * 1e6 / (double)n, (double)n / cpu);
    }
}

void mode_spf(int argc, char **argv)
{
    spf_modes(argv[0], seconds_of(argc, argv, 1), false);
}

void mode_spf_restart(int argc, char **argv)
{
    spf_modes(argv[0], seconds_of(argc, argv, 1), true);
}

void mode_spf_instructions(int argc, char **argv)
{
    (void)argc;
    load_zone(argv[0]);
    for (size_t i = 0; i < zone.count; i++) {
        struct sgl_spf_request request = request_of(&zone.cases[i]);
        struct answers known;
        struct sgl_spf spf;

        if (strcmp(zone.cases[i].name, argv[2]) != 0)
            continue;
        learn_spf(&request, &zone.cases[i], &known);
        for (int k = 0; k < 100; k++)
            (void)spf_evaluation(&request, &known, strcmp(argv[1], "one") == 0, &spf);
    }
}

/* ---- DKIM -------------------------------------------------------------------------------------------------------- */

/* The cache of a server that sees one sender: one key. */
static struct sgl_public_key *kept;

static const struct sgl_public_key *find_key(void *ctx, enum sgl_key_type type, sgl_view bytes)
{
    const sgl_view *known = ctx;

    return kept != NULL && type == SGL_KEY_RSA && sgl_view_eq(*known, bytes) ? kept : NULL;
}

static bool keep_key(void *ctx, enum sgl_key_type type, sgl_view bytes, struct sgl_public_key *key)
{
    static uint8_t copy[2048];

    if (kept != NULL || type != SGL_KEY_RSA || bytes.len > sizeof(copy))
        return false;
    memcpy(copy, bytes.ptr, bytes.len);
    *(sgl_view *)ctx = sgl_view_of(copy, bytes.len);
    kept = key;
    return true;
}

static sgl_view kept_bytes;
static const struct sgl_dkim_key_cache one_key = {&kept_bytes, find_key, keep_key};

static void verify_once(sgl_view message, const struct sgl_dkim_verify_options *options,
                        struct sgl_dns *dns, struct sgl_dkim_verdicts *out)
{
    struct sgl_headers headers;
    struct sgl_dkim_hashes hashes;
    struct sgl_dkim_verifier v;

    sgl_arena_reset(&arena);
    sgl_dkim_hashes_init(&hashes, crypto);
    if (sgl_headers_parse(message, SGL_HEADERS_TOLERANT, &arena, &headers, NULL) != SGL_OK ||
        sgl_dkim_verifier_init(&v, crypto, options, &headers, &hashes, &arena) != SGL_OK)
        die("verify");
    sgl_dkim_hashes_feed(&hashes, sgl_view_from(message, headers.body_off));
    if (sgl_dkim_hashes_finish(&hashes) != SGL_OK)
        die("hash");
    while (sgl_dkim_verify(&v, dns, out) == SGL_NEED_DNS) {
        struct answers known = {.count = 0};

        learn_one(dns, &known);
    }
    sgl_dkim_hashes_done(&hashes);
}

static void load_key_record(const char *path)
{
    sgl_view text = sgl_view_trim(slurp(path));
    char line[4096];

    snprintf(line, sizeof(line), "%.*s", SGL_FMT(text));
    add_record("b2048._domainkey.bench.test", "TXT", line);
}

static void verify_modes(int argc, char **argv, const char *op,
                         const struct sgl_dkim_key_cache *keys)
{
    struct sgl_dkim_verify_options options = {.now = time(NULL), .keys = keys};
    double seconds = seconds_of(argc, argv, 2), start, cpu;
    struct sgl_dkim_verdicts verdicts;
    sgl_view message = slurp(argv[0]);
    struct sgl_dns dns;
    uint64_t n = 0;

    load_key_record(argv[1]);
    sgl_dns_init(
        &dns, 0); /* a cache in front of the wire: the record is known, its reading is measured */
    verify_once(message, &options, &dns, &verdicts);
    if (verdicts.count != 1 || verdicts.item[0].result != SGL_DKIM_PASS)
        die("not verified: %s", verdicts.count == 0 ? "no signature" : verdicts.item[0].reason);
    start = thread_cpu();
    do {
        for (int i = message.len > 1000000 ? 1 : 20; i > 0; i--, n++)
            verify_once(message, &options, &dns, &verdicts);
        cpu = thread_cpu() - start;
    } while (cpu < seconds);
    report(op, message.len, n, cpu);
    sgl_dns_done(&dns);
}

void mode_verify(int argc, char **argv)
{
    verify_modes(argc, argv, "verify", &one_key);
}

void mode_verify_newkey(int argc, char **argv)
{
    verify_modes(argc, argv, "verify-newkey", NULL);
}

/* ---- DMARC ------------------------------------------------------------------------------------------------------- */

static void dmarc_once(const struct sgl_dmarc_request *request, const struct answers *known,
                       struct sgl_dmarc *dmarc)
{
    struct sgl_dns dns;

    sgl_arena_reset(&arena);
    sgl_dns_init(&dns, 0);
    give_all(&dns, known);
    if (sgl_dmarc_check(request, &dns, &arena, dmarc) != SGL_OK)
        die("dmarc");
    sgl_dns_done(&dns);
}

static void measure_dmarc(const char *name, const char *signer, enum sgl_dmarc_result want,
                          double seconds)
{
    const struct sgl_dmarc_identifier spf = {SGL_LIT("other.test"), SGL_DMARC_AUTH_PASS},
                                      dkim = {sgl_view_cstr(signer), SGL_DMARC_AUTH_PASS};
    struct sgl_dmarc_request request = {
        .author = name_of("news.bench.test"), .spf = &spf, .dkim = &dkim, .dkims = 1};
    struct answers known = {.count = 0};
    struct sgl_dmarc dmarc;
    struct sgl_dns dns;
    double start, cpu;
    uint64_t n = 0;

    sgl_dns_init(&dns, 0);
    while (sgl_dmarc_check(&request, &dns, &arena, &dmarc) == SGL_NEED_DNS)
        learn_one(&dns, &known);
    if (dmarc.result != want)
        die("%s: %s", name, sgl_dmarc_result_name(dmarc.result));
    sgl_dns_done(&dns);
    start = thread_cpu();
    do {
        for (int i = 0; i < 100; i++, n++)
            dmarc_once(&request, &known, &dmarc);
        cpu = thread_cpu() - start;
    } while (cpu < seconds);
    printf("{\"lib\":\"sigillo\",\"case\":\"%s\",\"result\":\"%s\",\"n\":%llu,\"cpu_us_each\":%.2f,"
           "\"per_cpu_s\":%.0f}\n",
           name, sgl_dmarc_result_name(dmarc.result), (unsigned long long)n, cpu * 1e6 / (double)n,
           (double)n / cpu);
}

void mode_dmarc(int argc, char **argv)
{
    double seconds = seconds_of(argc, argv, 0);

    add_record(
        "_dmarc.news.bench.test", "TXT",
        "v=DMARC1; p=reject; sp=quarantine; adkim=r; aspf=r; pct=100; rua=mailto:agg@bench.test; "
        "ruf=mailto:fail@bench.test; fo=1");
    measure_dmarc("aligned-dkim", "news.bench.test", SGL_DMARC_PASS, seconds);
    measure_dmarc("unaligned-reject", "other.test", SGL_DMARC_FAIL, seconds);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static void judge(const struct sgl_verdict_request *request, sgl_view message,
                  struct answers *known, struct sgl_dns *dns, struct sgl_arena *memory,
                  struct sgl_verdict *out)
{
    struct sgl_verdict_state v;
    enum sgl_status status;

    if (sgl_verdict_begin(&v, crypto, request, message, memory, NULL) != SGL_OK)
        die("verdict");
    while ((status = sgl_verdict_finish(&v, dns, out)) == SGL_NEED_DNS)
        while (sgl_dns_open(dns) > 0)
            learn_one(dns, known);
    if (status != SGL_OK)
        die("verdict: %s", sgl_status_name(status));
    sgl_verdict_end(&v);
}

static struct sgl_verdict_request verdict_request(void)
{
    struct sgl_verdict_request request = {.now = time(NULL)};

    request.helo = SGL_LIT("helo.bench.test");
    request.sender = SGL_LIT("news@simple.bench.test");
    request.authserv_id = SGL_LIT("mx.dest.test");
    request.dkim.keys = &one_key;
    if (sgl_ip_parse(SGL_LIT("192.0.2.7"), &request.ip) != SGL_OK)
        die("ip");
    return request;
}

/* What is allocated for one message when its verdict is known, the state on the stack counted, too. */
static size_t memory_of(const struct sgl_verdict_request *request, sgl_view message,
                        const struct answers *known)
{
    size_t before = mallinfo2().uordblks, after;
    struct sgl_arena fresh = SGL_ARENA_INIT(1u << 20);
    struct sgl_verdict_state v;
    struct sgl_verdict verdict;
    struct sgl_dns dns;

    sgl_dns_init(&dns, SGL_LIMIT_JUDGE_QUESTIONS);
    give_all(&dns, known);
    if (sgl_verdict_begin(&v, crypto, request, message, &fresh, NULL) != SGL_OK ||
        sgl_verdict_finish(&v, &dns, &verdict) != SGL_OK)
        die("verdict");
    after = mallinfo2().uordblks;
    sgl_verdict_end(&v);
    sgl_dns_done(&dns);
    sgl_arena_done(&fresh);
    return after - before + sizeof(v) + sizeof(verdict) + sizeof(dns);
}

void mode_verdict(int argc, char **argv)
{
    struct sgl_verdict_request request = verdict_request();
    double seconds = seconds_of(argc, argv, 3), start, cpu;
    struct answers known = {.count = 0};
    sgl_view message = slurp(argv[0]);
    struct sgl_verdict verdict;
    struct sgl_dns dns;
    uint64_t n = 0;

    load_zone(argv[2]);
    load_key_record(argv[1]);
    add_record("_dmarc.bench.test", "TXT",
               "v=DMARC1; p=reject; adkim=r; aspf=r; rua=mailto:agg@bench.test");
    sgl_dns_init(&dns, SGL_LIMIT_JUDGE_QUESTIONS);
    judge(&request, message, &known, &dns, &arena, &verdict);
    sgl_dns_done(&dns);
    if (verdict.spf.result != SGL_SPF_PASS || verdict.dmarc.result != SGL_DMARC_PASS)
        die("spf %s, dmarc %s", sgl_spf_result_name(verdict.spf.result),
            sgl_dmarc_result_name(verdict.dmarc.result));
    start = thread_cpu();
    do {
        for (int i = message.len > 1000000 ? 1 : 20; i > 0; i--, n++) {
            sgl_arena_reset(&arena);
            sgl_dns_init(&dns, SGL_LIMIT_JUDGE_QUESTIONS);
            give_all(&dns, &known);
            judge(&request, message, &known, &dns, &arena, &verdict);
            sgl_dns_done(&dns);
        }
        cpu = thread_cpu() - start;
    } while (cpu < seconds);
    printf("{\"lib\":\"sigillo\",\"op\":\"verdict\",\"bytes\":%zu,\"memory_bytes\":%zu,"
           "\"questions\":%zu,\"n\":%llu,"
           "\"cpu_us_each\":%.2f,\"per_cpu_s\":%.0f}\n",
           message.len, memory_of(&request, message, &known), known.count, (unsigned long long)n,
           cpu * 1e6 / (double)n, (double)n / cpu);
}
