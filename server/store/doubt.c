/* SPDX-License-Identifier: Apache-2.0 */
#include "doubt.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sigillo/banned.h"

#define MAGIC      "SGLDOUBT"
#define FORMAT     1u
#define SLOTS      16384u
#define SLOT_RCPTS 7u
#define NO_SLOT    UINT32_MAX
#define BOOT_SIZE  36u

struct header {
    char magic[8];
    uint32_t format, slots;
    uint32_t clean;
    char boot[BOOT_SIZE];
    char reserved[8];
};
/* `used` is written last and cleared first: what a death leaves is a whole slot or none. */
struct slot {
    _Atomic uint32_t used;
    uint32_t reserved;
    uint64_t rcpt[SLOT_RCPTS];
};
_Static_assert(sizeof(struct header) == 64 && sizeof(struct slot) == 64, "one cache line each");
#define FILE_SIZE (sizeof(struct header) + SLOTS * sizeof(struct slot))

struct doubt {
    struct header *header;
    struct slot *slot;
    bool machine_died, begun;
    char boot[BOOT_SIZE];
    pthread_mutex_t lock;
    uint32_t
        next[SLOTS]; /* of a free slot: the next free; of a noted one: the next of the same note */
    uint32_t free;
};

static void read_boot(char out[BOOT_SIZE])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n;

    memset(out, 0, BOOT_SIZE);
    if (fd < 0)
        return;
    n = read(fd, out, BOOT_SIZE);
    if (n != (ssize_t)BOOT_SIZE)
        memset(out, 0, BOOT_SIZE);
    close(fd);
}

static void *map_file(const char *path, char *why, size_t why_size)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    void *map = MAP_FAILED;
    int error;

    if (fd >= 0) {
        /* Blocks are reserved now, so that a full disk cannot kill a later write. */
        error = posix_fallocate(fd, 0, (off_t)FILE_SIZE);
        if (error == 0)
            map = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        error = error != 0 ? error : errno;
        close(fd);
    } else {
        error = errno;
    }
    if (map == MAP_FAILED) {
        snprintf(why, why_size, "%s: %s", path, strerror(error));
        return NULL;
    }
    return map;
}

static void free_all_slots(struct doubt *d)
{
    for (uint32_t i = 0; i < SLOTS; i++)
        d->next[i] = i + 1 < SLOTS ? i + 1 : NO_SLOT;
    d->free = 0;
}

/* A file that is not ours to read counts as empty: it can only add a mark to recipients, never lose one. */
static void look_back(struct doubt *d)
{
    const struct header *h = d->header;
    bool known =
        memcmp(h->magic, MAGIC, sizeof(h->magic)) == 0 && h->format == FORMAT && h->slots == SLOTS;

    read_boot(d->boot);
    if (!known)
        memset(d->slot, 0, SLOTS * sizeof(*d->slot));
    d->machine_died = known && h->clean == 0 && memcmp(h->boot, d->boot, BOOT_SIZE) != 0;
}

struct doubt *doubt_open(const char *folder, char *why, size_t why_size)
{
    struct doubt *d = calloc(1, sizeof(*d));
    char path[4096];
    void *map;

    if (d == NULL) {
        snprintf(why, why_size, "%s/doubt: out of memory", folder);
        return NULL;
    }
    snprintf(path, sizeof(path), "%s/doubt", folder);
    map = map_file(path, why, why_size);
    if (map == NULL) {
        free(d);
        return NULL;
    }
    d->header = map;
    d->slot = (struct slot *)(d->header + 1);
    pthread_mutex_init(&d->lock, NULL);
    look_back(d);
    d->free = NO_SLOT; /* until doubt_forget() */
    return d;
}

void doubt_each(const struct doubt *d, void (*each)(void *ctx, uint64_t rcpt), void *ctx)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        uint32_t used = atomic_load_explicit(&d->slot[i].used, memory_order_relaxed);

        for (uint32_t k = 0; k < used && k < SLOT_RCPTS; k++)
            each(ctx, d->slot[i].rcpt[k]);
    }
}

bool doubt_machine_died(const struct doubt *d)
{
    return d->machine_died;
}

void doubt_forget(struct doubt *d)
{
    struct header *h = d->header;

    memset(d->slot, 0, SLOTS * sizeof(*d->slot));
    memset(h, 0, sizeof(*h));
    memcpy(h->magic, MAGIC, sizeof(h->magic));
    h->format = FORMAT;
    h->slots = SLOTS;
    memcpy(h->boot, d->boot, BOOT_SIZE);
    msync(h, FILE_SIZE, MS_SYNC);
    d->begun = true;
    free_all_slots(d);
}

static void give_back(struct doubt *d, uint32_t first)
{
    uint32_t i = first;

    while (i != NO_SLOT) {
        uint32_t next = d->next[i];

        atomic_store_explicit(&d->slot[i].used, 0, memory_order_release);
        d->next[i] = d->free;
        d->free = i;
        i = next;
    }
}

bool doubt_note(struct doubt *d, const uint64_t *rcpt, size_t rcpts, uint32_t *slot)
{
    uint32_t first = NO_SLOT;
    size_t done = 0;

    pthread_mutex_lock(&d->lock);
    while (done < rcpts || first == NO_SLOT) {
        uint32_t i = d->free;
        size_t n = rcpts - done < SLOT_RCPTS ? rcpts - done : SLOT_RCPTS;

        if (i == NO_SLOT) {
            give_back(d, first);
            pthread_mutex_unlock(&d->lock);
            return false;
        }
        d->free = d->next[i];
        memcpy(d->slot[i].rcpt, rcpt + done, n * sizeof(*rcpt));
        atomic_store_explicit(&d->slot[i].used, (uint32_t)n, memory_order_release);
        d->next[i] = first;
        first = i;
        done += n;
    }
    pthread_mutex_unlock(&d->lock);
    *slot = first;
    return true;
}

void doubt_clear(struct doubt *d, uint32_t slot)
{
    if (slot >= SLOTS)
        return;
    pthread_mutex_lock(&d->lock);
    give_back(d, slot);
    pthread_mutex_unlock(&d->lock);
}

void doubt_close(struct doubt *d)
{
    if (d == NULL)
        return;
    if (d->begun) {
        d->header->clean = 1;
        msync(d->header, FILE_SIZE, MS_SYNC);
    }
    munmap(d->header, FILE_SIZE);
    pthread_mutex_destroy(&d->lock);
    free(d);
}
