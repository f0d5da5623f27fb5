/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks of doubling size hang below each other; `top` is being filled.  A chunk that is too small for a request stays as it is
 * and a new one goes on top, so a mark is a chunk and a fill level.
 */
#include "sigillo/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>

#include "sigillo/arith.h"
#include "sigillo/banned.h"

enum { FIRST_CHUNK = 1024, LARGEST_CHUNK = 64 * 1024 };

struct sgl_arena_chunk {
    struct sgl_arena_chunk *below;
    size_t size, used;
    alignas(max_align_t) uint8_t bytes[];
};

void sgl_arena_init(struct sgl_arena *arena, size_t max)
{
    *arena = (struct sgl_arena)SGL_ARENA_INIT(max);
}

static void drop_until(struct sgl_arena *arena, const struct sgl_arena_chunk *keep)
{
    while (arena->top != NULL && arena->top != keep) {
        struct sgl_arena_chunk *below = arena->top->below;

        free(arena->top);
        arena->top = below;
    }
}

void sgl_arena_done(struct sgl_arena *arena)
{
    drop_until(arena, NULL);
    arena->used = 0;
    arena->status = SGL_OK;
}

void sgl_arena_reset(struct sgl_arena *arena)
{
    struct sgl_arena_chunk *keep = arena->top;

    if (keep != NULL && keep->size <= LARGEST_CHUNK) {
        arena->top = keep->below;
        drop_until(arena, NULL);
        keep->below = NULL;
        keep->used = 0;
        arena->top = keep;
    } else {
        drop_until(arena, NULL);
    }
    arena->used = 0;
    arena->status = SGL_OK;
}

static bool push_chunk(struct sgl_arena *arena, size_t need)
{
    size_t size = arena->top == NULL ? FIRST_CHUNK : arena->top->size * 2;
    struct sgl_arena_chunk *chunk;
    size_t total;

    if (size > LARGEST_CHUNK)
        size = LARGEST_CHUNK;
    if (size > arena->max)
        size = arena->max;
    if (size < need)
        size = need;
    if (!sgl_add_size(size, sizeof *chunk, &total))
        return false;
    chunk = malloc(total);
    if (chunk == NULL)
        return false;
    chunk->below = arena->top;
    chunk->size = size;
    chunk->used = 0;
    arena->top = chunk;
    return true;
}

static void *fail(struct sgl_arena *arena, enum sgl_status why)
{
    if (arena->status == SGL_OK)
        arena->status = why;
    return NULL;
}

void *sgl_arena_alloc(struct sgl_arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    size_t rounded;
    uint8_t *at;

    if (!sgl_add_size(size == 0 ? 1 : size, align - 1, &rounded))
        return fail(arena, SGL_E_LIMIT);
    rounded &= ~(align - 1);
    if (rounded > arena->max || arena->used > arena->max - rounded)
        return fail(arena, SGL_E_LIMIT);
    if (arena->top == NULL || rounded > arena->top->size - arena->top->used) {
        if (!push_chunk(arena, rounded))
            return fail(arena, SGL_E_NOMEM);
    }
    at = arena->top->bytes + arena->top->used;
    arena->top->used += rounded;
    arena->used += rounded;
    return memset(at, 0, rounded);
}

void *sgl_arena_alloc_n(struct sgl_arena *arena, size_t count, size_t size)
{
    size_t total;

    if (!sgl_mul_size(count, size, &total))
        return fail(arena, SGL_E_LIMIT);
    return sgl_arena_alloc(arena, total);
}

enum sgl_status sgl_arena_dup(struct sgl_arena *arena, sgl_view v, sgl_view *out)
{
    uint8_t *copy = sgl_arena_alloc(arena, v.len);

    if (copy == NULL)
        return arena->status;
    if (v.len > 0)
        memcpy(copy, v.ptr, v.len);
    *out = sgl_view_of(copy, v.len);
    return SGL_OK;
}

const char *sgl_arena_cstr(struct sgl_arena *arena, sgl_view v)
{
    size_t size;
    char *copy;

    if (sgl_view_find(v, 0) != v.len || !sgl_add_size(v.len, 1, &size))
        return NULL;
    copy = sgl_arena_alloc(arena, size);
    if (copy != NULL && v.len > 0)
        memcpy(copy, v.ptr, v.len);
    return copy; /* memory of an arena is zeroed: the NUL is there */
}

struct sgl_arena_mark sgl_arena_mark(const struct sgl_arena *arena)
{
    struct sgl_arena_mark mark = {arena->top, arena->top == NULL ? 0 : arena->top->used,
                                  arena->used};

    return mark;
}

void sgl_arena_rewind(struct sgl_arena *arena, struct sgl_arena_mark mark)
{
    assert(mark.used <= arena->used);
    drop_until(arena, mark.top);
    assert(arena->top == mark.top);
    if (arena->top != NULL)
        arena->top->used = mark.chunk_used;
    arena->used = mark.used;
    arena->status = SGL_OK;
}
