/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON of strangers [RFC 8259] as I-JSON demands it [RFC 7493]: UTF-8, no member twice in an object, no lone surrogates.
 *
 * A text becomes a tree in an arena, so that what it costs is bounded by the arena; strings without escapes point into the text itself.
 */
#ifndef SIGILLO_JSON_H
#define SIGILLO_JSON_H

#include "sigillo/arena.h"
#include "sigillo/diag.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sgl_json_kind {
    SGL_JSON_NULL,
    SGL_JSON_FALSE,
    SGL_JSON_TRUE,
    SGL_JSON_NUMBER,
    SGL_JSON_STRING,
    SGL_JSON_ARRAY,
    SGL_JSON_OBJECT,
};

struct sgl_json {
    enum sgl_json_kind kind;
    sgl_view name; /* of a member of an object, decoded */
    sgl_view text; /* STRING: decoded, valid UTF-8, may hold a NUL; NUMBER: as it was written */
    const struct sgl_json *first; /* ARRAY, OBJECT: what is in it, in its order */
    const struct sgl_json *next;  /* beside this one */
    size_t count;
};

/*
 * Reads exactly one value with blanks around it.  A byte order mark in front is passed over [RFC 8259 s8.1].
 *
 * text     is pointed into by *out
 * SGL_OK; SGL_E_SYNTAX (diag says what and where); SGL_E_LIMIT: deeper than SGL_LIMIT_JSON_DEPTH, an object of more than SGL_LIMIT_JSON_MEMBERS, or the arena is full;
 * SGL_E_NOMEM.  Time grows with the length only.
 */
SGL_API enum sgl_status sgl_json_parse(sgl_view text, struct sgl_arena *arena,
                                       const struct sgl_json **out,
                                       struct sgl_diag *diag) SGL_MUST_USE;
/* The member of that name; NULL: there is none, or `object` is NULL or no object. */
SGL_API const struct sgl_json *sgl_json_member(const struct sgl_json *object, sgl_view name);
/* A whole number from 0 to max, written as a number ("12", "1.2e1" is none); false otherwise, also for NULL. */
SGL_API bool sgl_json_u64(const struct sgl_json *value, uint64_t max, uint64_t *out) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
