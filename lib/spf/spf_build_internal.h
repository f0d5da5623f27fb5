/* SPDX-License-Identifier: Apache-2.0 */
/* One call of sgl_spf_build(): spf_build.c has the order of things, spf_merge.c one record, spf_parked.c the domain that sends nothing. */
#ifndef SPF_BUILD_INTERNAL_H
#define SPF_BUILD_INTERNAL_H

#include "sigillo/spf_build.h"
#include "spf_tree_internal.h"

struct spf_build {
    const struct sgl_spf_build_request *request;
    struct sgl_dns *dns; /* NULL: offline */
    struct sgl_arena *arena;
    struct sgl_spf_build *out;
    struct sgl_spf_publish *record;
    size_t records;
    bool pending;
};

/* One name that gets a record. */
struct spf_target {
    struct sgl_name name;
    sgl_view existing;   /* merge into this; ptr NULL: ask */
    const sgl_view *add; /* mechanisms to add, in their order */
    size_t adds;
    const sgl_view *drop; /* includes that go elsewhere */
    size_t drops;
};

/* *answer is NULL when it is missing (pending is set), when nothing is asked, or when it is not known: then *known is false, and it has been said. */
enum sgl_status sgl_spf_build_ask(struct spf_build *b, struct sgl_name name, enum sgl_rr type,
                                  const struct sgl_dns_answer **answer, bool *known) SGL_MUST_USE;
/* The SPF records in an answer. */
struct spf_existing {
    sgl_view first;
    size_t count;
};
struct spf_existing sgl_spf_existing(const struct sgl_dns_answer *answer);

/* Merges, judges, and adds the record; or says why not. */
enum sgl_status sgl_spf_build_target(struct spf_build *b,
                                     const struct spf_target *target) SGL_MUST_USE;
/* The records of a domain that sends no mail. */
enum sgl_status sgl_spf_build_parked(struct spf_build *b) SGL_MUST_USE;

#endif
