/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the keys process holds in memory, and what a signature costs there: keysbench KEYS [SECONDS]
 *
 * A vault, as the keys process has it, loads so many RSA-2048 keys (one, under as many handles: its bytes are those of others).  Memory is measured when all are loaded, and again
 * when each has signed.  Then signatures are made with one key, with as many as a busy hour has, and with all of them in turn.  Prints one JSON line; the time is that of the
 * processor.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../server/keys/vault.h"

#define BUSY 1000

static struct vault_space space;
static struct vault *vault;

static void ask(enum keys_verb verb, uint64_t handle, sgl_view large, struct keys_frame *reply)
{
    const struct keys_frame request = {.handle = handle,
                                       .what = (uint8_t)verb,
                                       .algorithm = KEYS_RSA_2048,
                                       .small = SGL_LIT("dkim:domain10000.test:s1"),
                                       .large = large};

    vault_answer(vault, &request, &space, reply);
    if (reply->what == KEYS_OK)
        return;
    fprintf(stderr, "keysbench: refused\n");
    exit(1);
}

static long long heap_now(void)
{
    struct mallinfo2 now;

    (void)malloc_trim(0);
    now = mallinfo2();
    return (long long)(now.uordblks + now.hblkhd);
}

static double cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* Microseconds of a signature, made with the keys 1 to `keys` in turn; each has signed before. */
static double sign(uint64_t keys, double seconds)
{
    static const uint8_t digest[32] = {9};
    struct keys_frame reply;
    double start, now;
    uint64_t n = 0;

    for (uint64_t i = 1; i <= keys; i++)
        ask(KEYS_SIGN, i, sgl_view_of(digest, sizeof(digest)), &reply);
    start = now = cpu_us();
    for (; now < start + seconds * 1e6; now = cpu_us())
        for (int i = 0; i < 64; i++)
            ask(KEYS_SIGN, 1 + n++ % keys, sgl_view_of(digest, sizeof(digest)), &reply);
    return (now - start) / (double)n;
}

int main(int argc, char **argv)
{
    static const uint8_t master[32] = {1, 2, 3};
    static uint8_t sealed[KEYS_DATA_MAX];
    uint64_t keys = 0, seconds = 3;
    struct keys_frame reply;
    long long empty, loaded, signed_;
    double load_us, one, busy, all;
    size_t len;

    if (argc < 2 || !sgl_view_u64(sgl_view_cstr(argv[1]), VAULT_HANDLE_MAX - 1, &keys) ||
        keys == 0 || (argc > 2 && !sgl_view_u64(sgl_view_cstr(argv[2]), 60, &seconds))) {
        fprintf(stderr, "keysbench KEYS [SECONDS]\n");
        return 2;
    }
    vault = vault_new(master);
    if (vault == NULL)
        return 1;
    ask(KEYS_GENERATE, VAULT_HANDLE_MAX, sgl_view_of(NULL, 0), &reply);
    memcpy(sealed, reply.large.ptr, len = reply.large.len);
    empty = heap_now();
    load_us = cpu_us();
    for (uint64_t i = 1; i <= keys; i++)
        ask(KEYS_LOAD, i, sgl_view_of(sealed, len), &reply);
    load_us = (cpu_us() - load_us) / (double)keys;
    loaded = heap_now();
    one = sign(1, (double)seconds);
    busy = sign(keys < BUSY ? keys : BUSY, (double)seconds);
    all = sign(keys, (double)seconds);
    signed_ = heap_now();
    printf("{\"keys\":%llu,\"load_us\":%.1f,\"loaded_heap_bytes\":%lld,\"signed_heap_bytes\":%lld,"
           "\"sign_one_us\":%.1f,\"sign_busy_us\":%.1f,\"sign_all_us\":%.1f}\n",
           (unsigned long long)keys, load_us, loaded - empty, signed_ - empty, one, busy, all);
    vault_free(vault);
    return 0;
}
