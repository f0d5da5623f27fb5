/* SPDX-License-Identifier: Apache-2.0 */
/* libsigillo: what dkimfloor and lib_opendkim measure, through the library's public calls.
 *   lib_sigillo sign MESSAGE KEY.pem [SECONDS]     canonicalise, hash and sign, field and all
 *   lib_sigillo hash MESSAGE [SECONDS]             relaxed body hash, and SHA-256 alone beside it
 *   lib_sigillo emit MESSAGE KEY.pem               prints the signed message
 *   lib_sigillo verify SIGNED KEY.txt [SECONDS]    verify, the public key known from an earlier message
 *   lib_sigillo verify-newkey SIGNED KEY.txt [SECONDS]   the key built anew from its record each time
 *   lib_sigillo spf ZONE [SECONDS]                 the zone's cases, answers in memory
 *   lib_sigillo spf-restart ZONE [SECONDS]         the same when answers come one by one: passes, and their price
 *   lib_sigillo spf-instructions ZONE all|one CASE 100 evaluations in spf_evaluation(), for callgrind --toggle-collect
 *   lib_sigillo dmarc [SECONDS]                    policy and alignment, answers in memory, as lib_opendmarc
 *   lib_sigillo verdict SIGNED KEY.txt ZONE [SECONDS]    SPF, DKIM, ARC, DMARC; and the memory of one verdict
 * relaxed/relaxed, d=bench.test s=b2048. One thread; prints one JSON line per part. */
#include "lib_sigillo.h"

#include "sigillo/dkim.h"

struct sgl_crypto *crypto;
static sgl_view message, body;
static struct sgl_private_key *key;

double thread_cpu(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

sgl_view slurp(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *bytes;
    long size;

    if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0)
        die("open %s", path);
    rewind(f);
    bytes = malloc((size_t)size + 1);
    if (bytes == NULL || fread(bytes, 1, (size_t)size, f) != (size_t)size)
        die("read %s", path);
    fclose(f);
    return sgl_view_of(bytes, (size_t)size);
}

static void sign_once(struct sgl_arena *arena, struct sgl_buf *field)
{
    static const struct sgl_dkim_signer signer = {SGL_LIT_INIT("bench.test"), SGL_LIT_INIT("b2048"),
                                                  SGL_DKIM_RSA_SHA256};
    const struct sgl_dkim_options options = {.now = 1700000000};
    struct sgl_headers headers;
    struct sgl_dkim_pending pending;
    uint8_t hash[SGL_SHA256_SIZE], signature[SGL_SIGNATURE_MAX];
    size_t len = 0;

    sgl_arena_reset(arena);
    sgl_buf_reset(field);
    if (sgl_headers_parse(message, SGL_HEADERS_STRICT, arena, &headers, NULL) != SGL_OK ||
        sgl_dkim_body_hash(crypto, SGL_DKIM_RELAXED, sgl_view_from(message, headers.body_off),
                           hash) != SGL_OK ||
        sgl_dkim_sign_prepare(crypto, &options, &headers, hash, &signer, 1, arena, &pending,
                              NULL) != SGL_OK ||
        sgl_private_key_sign(crypto, key, pending.digest, signature, &len) != SGL_OK ||
        sgl_dkim_sign_finish(&pending, sgl_view_of(signature, len), field) != SGL_OK)
        die("sign");
}

static void hash_relaxed(void)
{
    uint8_t out[SGL_SHA256_SIZE];

    if (sgl_dkim_body_hash(crypto, SGL_DKIM_RELAXED, body, out) != SGL_OK)
        die("hash");
}

static void hash_plain(void)
{
    uint8_t out[SGL_SHA256_SIZE];

    if (sgl_sha256(crypto, body, out) != SGL_OK)
        die("hash");
}

void report(const char *op, size_t bytes, uint64_t n, double cpu)
{
    printf("{\"lib\":\"sigillo\",\"op\":\"%s\",\"bytes\":%zu,\"n\":%llu,\"cpu_us_each\":%.2f,\"per_"
           "cpu_s\":%.0f,\"MB_per_cpu_s\":%.1f}\n",
           op, bytes, (unsigned long long)n, cpu * 1e6 / (double)n, (double)n / cpu,
           (double)bytes * (double)n / cpu / 1e6);
    fflush(stdout);
}

static void measure_hash(const char *op, void (*once)(void), double seconds)
{
    double start = thread_cpu(), cpu;
    uint64_t n = 0;

    do {
        for (int i = body.len > 1000000 ? 1 : 50; i > 0; i--, n++)
            once();
        cpu = thread_cpu() - start;
    } while (cpu < seconds);
    report(op, body.len, n, cpu);
}

static void measure_sign(double seconds)
{
    struct sgl_arena arena = SGL_ARENA_INIT(1u << 20);
    struct sgl_buf field = SGL_BUF_INIT(SGL_DKIM_FIELD_MAX);
    double start = thread_cpu(), cpu;
    uint64_t n = 0;

    do {
        for (int i = message.len > 1000000 ? 1 : 20; i > 0; i--, n++)
            sign_once(&arena, &field);
        cpu = thread_cpu() - start;
    } while (cpu < seconds);
    report("sign", message.len, n, cpu);
    sgl_buf_done(&field);
    sgl_arena_done(&arena);
}

static void emit(void)
{
    struct sgl_arena arena = SGL_ARENA_INIT(1u << 20);
    struct sgl_buf field = SGL_BUF_INIT(SGL_DKIM_FIELD_MAX);

    sign_once(&arena, &field);
    fwrite(field.data, 1, field.len, stdout);
    fwrite(message.ptr, 1, message.len, stdout);
    sgl_buf_done(&field);
    sgl_arena_done(&arena);
}

/* ---- modes: each takes what follows its name --------------------------------------------------------------------- */

double seconds_of(int argc, char **argv, int at)
{
    return argc > at ? atof(argv[at]) : 2;
}

static void load_message(const char *path)
{
    message = slurp(path);
    body = sgl_view_from(message, sgl_view_find_view(message, SGL_LIT("\r\n\r\n")) + 4);
}

static void mode_hash(int argc, char **argv)
{
    load_message(argv[0]);
    measure_hash("sha256", hash_plain, seconds_of(argc, argv, 1));
    measure_hash("body-hash-relaxed", hash_relaxed, seconds_of(argc, argv, 1));
}

static void load_key(const char *path)
{
    if (sgl_private_key_import(crypto, slurp(path), &key) != SGL_OK)
        die("key");
}

static void mode_sign(int argc, char **argv)
{
    load_message(argv[0]);
    load_key(argv[1]);
    measure_sign(seconds_of(argc, argv, 2));
}

static void mode_emit(int argc, char **argv)
{
    (void)argc;
    load_message(argv[0]);
    load_key(argv[1]);
    emit();
}

static const struct {
    const char *name;
    int arguments; /* at least */
    void (*run)(int argc, char **argv);
} modes[] = {
    {"hash", 1, mode_hash},
    {"sign", 2, mode_sign},
    {"emit", 2, mode_emit},
    {"verify", 2, mode_verify},
    {"verify-newkey", 2, mode_verify_newkey},
    {"spf", 1, mode_spf},
    {"spf-restart", 1, mode_spf_restart},
    {"spf-instructions", 3, mode_spf_instructions},
    {"dmarc", 0, mode_dmarc},
    {"verdict", 3, mode_verdict},
};

int main(int argc, char **argv)
{
    crypto = sgl_crypto_new();
    if (crypto == NULL)
        die("no SHA-256");
    for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(argv[1], modes[i].name) == 0 && argc - 2 >= modes[i].arguments) {
            modes[i].run(argc - 2, argv + 2);
            return 0;
        }
    }
    die("see the head of lib_sigillo.c");
}
