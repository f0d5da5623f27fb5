/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory with one lifetime: everything found out about a message (a session, a configuration) is taken from its arena
 * and goes at once.  An arena has a maximum; reaching it is SGL_E_LIMIT's cousin: the call returns NULL.
 */
#ifndef SIGILLO_ARENA_H
#define SIGILLO_ARENA_H

#include "sigillo/view.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sgl_arena_chunk;

struct sgl_arena {
    struct sgl_arena_chunk *top; /* the chunk being filled; older ones hang below it */
    size_t used;                 /* bytes handed out, all chunks */
    size_t max;                  /* bytes that may be handed out */
    enum sgl_status status; /* SGL_OK, or why an allocation failed: SGL_E_LIMIT or SGL_E_NOMEM */
};

/* A place in an arena to roll back to. */
struct sgl_arena_mark {
    struct sgl_arena_chunk *top;
    size_t chunk_used;
    size_t used;
};

#define SGL_ARENA_INIT(max_bytes)                                                                  \
    {                                                                                              \
        NULL, 0, (max_bytes), SGL_OK                                                               \
    }

SGL_API void sgl_arena_init(struct sgl_arena *arena, size_t max);
/* Frees all; a zeroed arena is accepted. */
SGL_API void sgl_arena_done(struct sgl_arena *arena);
/* Empties it and keeps one chunk for reuse. */
SGL_API void sgl_arena_reset(struct sgl_arena *arena);
/* Zeroed memory aligned for any type, or NULL (arena->status says why). size 0 gives a valid pointer. */
SGL_API void *sgl_arena_alloc(struct sgl_arena *arena, size_t size) SGL_MUST_USE;
/* count * size, checked for overflow. */
SGL_API void *sgl_arena_alloc_n(struct sgl_arena *arena, size_t count, size_t size) SGL_MUST_USE;
/* A copy of v that lives as long as the arena. */
SGL_API enum sgl_status sgl_arena_dup(struct sgl_arena *arena, sgl_view v,
                                      sgl_view *out) SGL_MUST_USE;
/* The same with a NUL behind it; NULL when v holds a NUL or memory ends. */
SGL_API const char *sgl_arena_cstr(struct sgl_arena *arena, sgl_view v) SGL_MUST_USE;
/* The place up to which it is filled now. */
SGL_API struct sgl_arena_mark sgl_arena_mark(const struct sgl_arena *arena);
/* Gives back everything taken since the mark. */
SGL_API void sgl_arena_rewind(struct sgl_arena *arena, struct sgl_arena_mark mark);

/* One object of a type: struct foo *f = SGL_NEW(arena, struct foo); */
#define SGL_NEW(arena, type)      ((type *)sgl_arena_alloc((arena), sizeof(type)))
#define SGL_NEW_N(arena, n, type) ((type *)sgl_arena_alloc_n((arena), (n), sizeof(type)))

#ifdef __cplusplus
}
#endif
#endif
