/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What suppressed addresses cost: suppressionbench ADDRESSES LOOKUPS [FOLDER]
 *
 * A directory over a store of its own in FOLDER (default /tmp) takes so many addresses in imports of 100,000, is closed and opened again, and then is asked: half of the
 * addresses are suppressed, half are strangers, each for mail of a domain, as admission asks.  Prints one JSON line; nothing is left in FOLDER.
 */
#include <malloc.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../server/directory/directory.h"

struct bench {
    char folder[256];
    struct loop *loop;
    struct workers *workers;
    struct store *store;
    struct directory *directory;
    sem_t done;
};

/* No key is made or used here. */
void keys_submit(struct keys *keys, struct keys_op *op)
{
    (void)keys;
    (void)op;
    abort();
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "suppressionbench: %s: %s\n", what, why);
    exit(1);
}

static uint64_t open_all(struct bench *b)
{
    struct store_config config = {
        .folder = b->folder, .inline_max = 131072, .group_max = 64, .waiting_max = 1000};
    char why[256] = "";
    uint64_t start;

    b->loop = loop_new("bench");
    b->workers = workers_new("bench", 1, 100);
    b->store = store_open(&config, why, sizeof(why));
    if (b->store == NULL)
        die("store", why);
    start = clock_mono_us();
    b->directory = directory_open(b->store, NULL, b->workers, b->loop, why, sizeof(why));
    if (b->directory == NULL)
        die("directory", why);
    start = clock_mono_us() - start;
    if (!loop_start(b->loop))
        die("loop", "it does not start");
    return start;
}

static void close_all(struct bench *b)
{
    workers_free(b->workers);
    store_close(b->store);
    loop_stop(b->loop);
    loop_join(b->loop);
    directory_free(b->directory);
    loop_free(b->loop);
}

static void suppressed(struct directory_suppress *s)
{
    sem_post(&((struct bench *)s->ctx)->done);
}

static sgl_view address_of(uint64_t n, char out[64])
{
    return sgl_view_of(out, (size_t)snprintf(out, 64, "someone.%llu@example%llu.test",
                                             (unsigned long long)n, (unsigned long long)n % 997));
}

/* Microseconds of the one call, from its start to done(). */
static uint64_t import(struct bench *b, uint64_t from, size_t count)
{
    struct suppression *item = calloc(count, sizeof(*item));
    char(*address)[64] = calloc(count, sizeof(*address));
    struct directory_suppress s = {
        .item = item, .items = count, .loop = b->loop, .done = suppressed, .ctx = b};
    uint64_t start = clock_mono_us();

    for (size_t i = 0; i < count; i++)
        item[i] = (struct suppression){.address = address_of(from + i, address[i]),
                                       .reason = SUPPRESSION_UNSUBSCRIBE,
                                       .reply = SGL_LIT("550 5.1.1 no such user here")};
    directory_suppress(b->directory, &s);
    sem_wait(&b->done);
    if (s.result != DIRECTORY_OK)
        die("import", s.why);
    free(item);
    free(address);
    return clock_mono_us() - start;
}

static double ns_per_lookup(struct bench *b, uint64_t addresses, uint64_t lookups)
{
    struct domain domain = {.name = (char[]){"app.test"}, .subscription = (char[]){"default"}};
    uint64_t start = clock_mono_us(), spent, found = 0;
    enum suppression_reason reason;
    char text[64];

    for (uint64_t i = 0; i < lookups; i++)
        (void)address_of(i * 7919 % (addresses * 2), text);
    spent = clock_mono_us() - start; /* to make the names */
    start = clock_mono_us();
    for (uint64_t i = 0; i < lookups; i++)
        found += directory_suppressed(b->directory, &domain,
                                      address_of(i * 7919 % (addresses * 2), text), 1, &reason);
    if (found < lookups / 3 || found > lookups / 3 * 2)
        die("lookup", "about half of the addresses should be found");
    return (double)(clock_mono_us() - start - spent) * 1000.0 / (double)lookups;
}

static size_t heap_bytes(void)
{
    struct mallinfo2 now = mallinfo2();

    return now.uordblks + now.hblkhd;
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    uint64_t addresses = 0, lookups = 0, slowest = 0, took = 0, start_us;
    struct directory_stats stats;
    char command[320];
    double ns;
    size_t empty;

    if (argc < 3 || !sgl_view_u64(sgl_view_cstr(argv[1]), 100000000, &addresses) ||
        !sgl_view_u64(sgl_view_cstr(argv[2]), 1000000000, &lookups) || addresses == 0) {
        fprintf(stderr, "suppressionbench ADDRESSES LOOKUPS [FOLDER]\n");
        return 2;
    }
    snprintf(b.folder, sizeof(b.folder), "%s/suppressionbench.XXXXXX", argc > 3 ? argv[3] : "/tmp");
    if (mkdtemp(b.folder) == NULL)
        die(b.folder, "it cannot be made");
    sem_init(&b.done, 0, 0);
    (void)open_all(&b);
    empty = heap_bytes();
    for (uint64_t at = 0; at < addresses; at += DIRECTORY_SUPPRESSIONS_MAX) {
        uint64_t left = addresses - at;

        took =
            import(&b, at, left < DIRECTORY_SUPPRESSIONS_MAX ? left : DIRECTORY_SUPPRESSIONS_MAX);
        slowest = took > slowest ? took : slowest;
    }
    close_all(&b);
    start_us = open_all(&b);
    ns = ns_per_lookup(&b, addresses, lookups);
    directory_stats(b.directory, &stats);
    printf("{\"addresses\":%zu,\"bytes\":%zu,\"heap_bytes_more\":%lld,\"ns_per_lookup\":%.0f,"
           "\"import_ms_max\":%.0f,\"start_ms\":%.0f}\n",
           stats.suppressions, stats.suppression_bytes, (long long)heap_bytes() - (long long)empty,
           ns, (double)slowest / 1000.0, (double)start_us / 1000.0);
    close_all(&b);
    snprintf(command, sizeof(command), "rm -rf '%s'", b.folder);
    return system(command) == 0 ? 0 : 1;
}
