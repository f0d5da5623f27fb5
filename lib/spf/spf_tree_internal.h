/* SPDX-License-Identifier: Apache-2.0 */
/* The walk through a tree of records (spf_tree.c) and what it has to say on its way (spf_tree_findings.c, spf_lint.c). */
#ifndef SPF_TREE_INTERNAL_H
#define SPF_TREE_INTERNAL_H

#include "spf_draft_internal.h"
#include "spf_internal.h"

#define SPF_LOOKUPS_MAX  10 /* [RFC 7208 s4.6.4] */
#define SPF_LOOKUPS_NEAR 8  /* from here on the next service that is added breaks the record */
#define SPF_VOIDS_MAX    2

/* A record on the way from the first one to the one at hand. */
struct spf_level {
    const struct spf_level *above; /* NULL: the first record */
    struct sgl_name name;
    sgl_view text;
    unsigned depth;
    bool included; /* an include is on the way: its "all" only says whether the include matches */
    bool own;      /* of the same owner, by its name: he can mend it */
};

struct spf_walk {
    struct sgl_name domain;
    struct sgl_dns *dns; /* NULL: nothing is asked */
    struct sgl_arena *arena;
    struct sgl_spf_tree *tree;
    size_t nodes;
    unsigned lookups;   /* so far; ends the walk of a record that includes half the world */
    uint64_t addresses; /* IPv4 addresses that pass by ip4 terms */
    bool pending;       /* an answer is missing */
    bool cut;           /* a question was not allowed any more */
};

/* A service that sends for many, and why it should have a subdomain of its own. */
struct spf_service {
    sgl_view zone;
    const char *name, *reason;
};
/* NULL: none that we know. */
const struct spf_service *sgl_spf_service_of(sgl_view target);

/* ---- findings: each returns SGL_OK or what the arena says -------------------------------------------------------- */

/* One record that can be read, by its text alone. */
enum sgl_status sgl_spf_lint_record(struct spf_walk *w, const struct spf_level *level,
                                    const struct sgl_spf_record *record) SGL_MUST_USE;
/* Marks a term that is a fault by itself: everybody passes, ptr, a wide or private network. */
void sgl_spf_lint_mark(const struct spf_level *level, const struct sgl_spf_term *term,
                       struct sgl_spf_node *node);
/* A record that cannot be read. */
enum sgl_status sgl_spf_say_syntax(struct spf_walk *w, const struct spf_level *level,
                                   const struct sgl_diag *diag) SGL_MUST_USE;
/* What a term of `level` met.  whole: nothing at all can match it, so that without it the record says the same. */
enum sgl_status sgl_spf_say_no_record(struct spf_walk *w, const struct spf_level *level,
                                      const struct sgl_spf_node *node,
                                      const struct spf_found *found, bool redirect) SGL_MUST_USE;
enum sgl_status sgl_spf_say_many(struct spf_walk *w, const struct sgl_spf_node *node,
                                 size_t records) SGL_MUST_USE;
enum sgl_status sgl_spf_say_loop(struct spf_walk *w, const struct spf_level *level,
                                 const struct sgl_spf_node *node) SGL_MUST_USE;
enum sgl_status sgl_spf_say_void(struct spf_walk *w, const struct spf_level *level,
                                 const struct sgl_spf_node *node, struct sgl_name host,
                                 bool whole) SGL_MUST_USE;
enum sgl_status sgl_spf_say_null_mx(struct spf_walk *w, const struct spf_level *level,
                                    const struct sgl_spf_node *node) SGL_MUST_USE;
enum sgl_status sgl_spf_say_many_mx(struct spf_walk *w, const struct spf_level *level,
                                    const struct sgl_spf_node *node, size_t hosts) SGL_MUST_USE;
enum sgl_status sgl_spf_say_failed(struct spf_walk *w,
                                   const struct sgl_dns_answer *answer) SGL_MUST_USE;
enum sgl_status sgl_spf_say_macro(struct spf_walk *w, const struct sgl_spf_node *node) SGL_MUST_USE;
enum sgl_status sgl_spf_say_bad_name(struct spf_walk *w, const struct spf_level *level,
                                     const struct sgl_spf_node *node) SGL_MUST_USE;
/* No record at the domain, or several. */
enum sgl_status sgl_spf_say_domain(struct spf_walk *w, const struct spf_found *found,
                                   const struct sgl_dns_answer *old_type) SGL_MUST_USE;
/* There is one record; is there one of the old type, too? Is the answer too large? */
enum sgl_status sgl_spf_say_answer(struct spf_walk *w, const struct spf_found *found,
                                   const struct sgl_dns_answer *old_type) SGL_MUST_USE;
/* What the whole tree costs. */
enum sgl_status sgl_spf_say_totals(struct spf_walk *w) SGL_MUST_USE;

/*
 * Adds a finding, at most SPF_SAME_CODE of one code; more of the same teach nothing.  `mend` may be NULL.
 */
#define SPF_SAME_CODE 6
enum sgl_status sgl_spf_say(struct spf_walk *w, const struct sgl_finding *what, const char *mend,
                            const char *text, ...) SGL_PRINTF(4, 5) SGL_MUST_USE;
/*
 * *out: the draft as a mending text: the record itself, or "at NAME: " and the record when it is not the first one.
 */
enum sgl_status sgl_spf_mend(struct spf_walk *w, const struct spf_level *level,
                             const struct spf_draft *draft, const char **out) SGL_MUST_USE;
/* Could this term stand in a record? */
enum sgl_status sgl_spf_term_ok(sgl_view term, struct sgl_arena *arena, bool *out) SGL_MUST_USE;
/* Both, one behind the other. */
enum sgl_status sgl_spf_join(sgl_view first, sgl_view second, struct sgl_arena *arena,
                             sgl_view *out) SGL_MUST_USE;
/* Corrects the terms that cannot be read, as far as what they meant can be told; drops those of which it can't: *dropped of them. */
enum sgl_status sgl_spf_correct(struct spf_draft *draft, struct sgl_arena *arena,
                                size_t *dropped) SGL_MUST_USE;

/* printf("%.*s", SPF_SHORT(v)): as much as a sentence can hold. */
#define SPF_SHORT(v) (int)((v).len > 100 ? 100 : (v).len), (const char *)(v).ptr

#endif
