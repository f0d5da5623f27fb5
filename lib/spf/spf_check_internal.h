/* SPDX-License-Identifier: Apache-2.0 */
/* One evaluation, shared by the record's walk (spf_check.c), its mechanisms (spf_mechanism.c) and its steps (spf_trace.c). */
#ifndef SPF_CHECK_INTERNAL_H
#define SPF_CHECK_INTERNAL_H

#include "spf_internal.h"

enum {
    SPF_LOOKUPS_MAX = 10, /* terms that ask  [RFC 7208 s4.6.4] */
    SPF_VOIDS_MAX = 2,    /* terms to which the answer was nothing */
    SPF_MX_MAX = 10,      /* names of one "mx" */
    SPF_PTR_MAX = 10,     /* names of one "ptr" */
};

/* One record at work. */
struct spf_level {
    struct sgl_name domain;
    unsigned depth;
    bool included; /* below an include: only whether it passes counts */
};

/* One term at work, redirect included. */
struct spf_run {
    const struct spf_level *level;
    sgl_view text;          /* as written */
    struct sgl_name target; /* empty: none yet */
    enum sgl_spf_outcome outcome;
    const char *why;
    bool
        is_void; /* counted already: a term counts once, however many of its questions were in vain */
};

struct spf_trace {
    struct sgl_spf_step *step;
    size_t count, room;
};

struct spf_check {
    const struct sgl_spf_request *request;
    struct sgl_dns *dns;
    struct sgl_arena *arena;
    struct sgl_ip ip;
    struct spf_values values;
    bool values_known;  /* those made of the address and the time: few records need them */
    bool foreign_local; /* the local part is not ASCII  [RFC 8616 s4] */
    unsigned lookups, voids;
    sgl_view exp; /* of the record in which the match was, and that record's domain */
    struct sgl_name exp_domain;
    struct spf_trace trace;
    struct sgl_spf *result;
};

/* What ends the evaluation and why; the first caller wins. */
void sgl_spf_blame(struct spf_check *c, const char *problem, sgl_view at);

/* Counts `run` as a term that asks. False: it is one too many, and run->outcome says so. */
bool sgl_spf_count_lookup(struct spf_check *c, struct spf_run *run);
/* Counts an answer that is empty. False as above. */
bool sgl_spf_count_void(struct spf_check *c, struct spf_run *run,
                        const struct sgl_dns_answer *answer);

enum spf_target {
    SPF_TARGET_FOUND,
    SPF_TARGET_NONE,      /* the term can't match; or it has ended: run->outcome says how */
    SPF_TARGET_MALFORMED, /* what comes out is no possible name  [RFC 7208 s4.8] */
};

/* run->target: what `spec` means here; the record's own domain when it is empty.  Its macros may cost a lookup. */
enum sgl_status sgl_spf_find_target(struct spf_check *c, struct spf_run *run, sgl_view spec,
                                    enum spf_target *out) SGL_MUST_USE;
/* Fills c->values for these letters in a record of `level`. */
enum sgl_status sgl_spf_prepare_values(struct spf_check *c, const struct spf_level *level,
                                       uint32_t letters) SGL_MUST_USE;

/* Sets run->outcome of a mechanism that is neither "all" nor "include". */
enum sgl_status sgl_spf_match(struct spf_check *c, struct spf_run *run,
                              const struct sgl_spf_term *term) SGL_MUST_USE;

/* Adds a step, when a trace is wanted. */
enum sgl_status sgl_spf_trace_add(struct spf_check *c, const struct spf_run *run,
                                  enum sgl_spf_outcome outcome) SGL_MUST_USE;

#endif
