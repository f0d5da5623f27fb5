/* SPDX-License-Identifier: Apache-2.0 */
/* For lib/dkim only. */
#ifndef LIB_DKIM_DKIM_INTERNAL_H
#define LIB_DKIM_DKIM_INTERNAL_H

#include "sigillo/dkim_verify.h"

/* SP and HTAB, nothing else: VT, FF and NBSP are data. */
static inline bool sgl_dkim_is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/*
 * Short pieces gather in `data` before they go to the sink, long ones go past it: a hash costs about as much to call as to
 * feed 50 bytes.
 */
struct sgl_dkim_stage {
    struct sgl_dkim_sink sink;
    uint8_t *data;
    size_t len, size;
};

void sgl_dkim_stage_put(struct sgl_dkim_stage *stage, sgl_view bytes);
void sgl_dkim_stage_flush(struct sgl_dkim_stage *stage);
/* sgl_dkim_canon_field() into a stage: many fields in a row go to the sink together. */
void sgl_dkim_stage_field(enum sgl_dkim_canon canon, sgl_view raw, struct sgl_dkim_stage *stage);
/* sgl_dkim_sink.put into a struct sgl_hash. */
void sgl_dkim_put_hash(void *ctx, sgl_view bytes);

/*
 * How far does a body stay as it is under relaxed canonicalisation?  The offset of the first HTAB, or SP in front of SP,
 * HTAB, CR or the end of the bytes; n when there is none.
 */
typedef size_t sgl_dkim_scanner(const uint8_t *p, size_t n);
sgl_dkim_scanner sgl_dkim_scan_portable, sgl_dkim_scan_sse2, sgl_dkim_scan_avx2;
/* The fastest one that this processor can run. */
sgl_dkim_scanner *sgl_dkim_best_scan(void);

/* base64string of RFC 6376 s2.10 into the arena. SGL_OK, SGL_E_SYNTAX, SGL_E_LIMIT, SGL_E_NOMEM. */
enum sgl_status sgl_dkim_base64(sgl_view text, struct sgl_arena *arena, sgl_view *out);

/* Which instances of which fields are signed. */
struct sgl_dkim_selection {
    const struct sgl_header **field; /* in the order of hashing */
    size_t count;
    const sgl_view *
        name; /* the entries of h=, in their order: at least one for each field, more where oversigned */
    size_t names;
};

/* The same for names that somebody chose: From is among them and in the message, else SGL_E_SYNTAX; nor is a name that cannot be signed. */
enum sgl_status sgl_dkim_select_named(const struct sgl_headers *headers, const sgl_view *name,
                                      size_t names, struct sgl_arena *arena,
                                      struct sgl_dkim_selection *out);

/* The next instance of a name upwards that was not taken yet, `own` left out; NULL when there is none. */
const struct sgl_header *sgl_dkim_index_take(struct sgl_dkim_index *index, sgl_view name,
                                             const struct sgl_header *own);

/* SGL_E_SYNTAX: no From. */
enum sgl_status sgl_dkim_select(const struct sgl_headers *headers, struct sgl_arena *arena,
                                struct sgl_dkim_selection *out);

#endif
