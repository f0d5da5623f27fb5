/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounded memory: who is known, by kind and name.  Not thread-safe.
 *
 * When it is full, whoever is new takes the place of the least telling among some that a hand passes by.  What changed waits in line to be written; so does what went and is still in
 * the store.
 */
#ifndef SERVER_REPUTATION_SEEN_H
#define SERVER_REPUTATION_SEEN_H

#include <stddef.h>

#include "score.h"
#include "sigillo/view.h"

#define SEEN_LINES (1u << 17)
#define SEEN_GONE_MAX                                                                              \
    10000u /* that wait to be removed from the store; one more stays there until the next start */
#define SEEN_WORTH 0.05 /* less is not worth a row */

struct seen {
    struct seen *next;                    /* in its line */
    struct seen *changed, **changed_link; /* in the line of what is to be written */
    struct score_counts counts;
    int64_t at;   /* what the counts were then */
    int64_t last; /* when something was counted */
    uint8_t kind;
    bool waits;  /* to be written */
    bool gone;   /* it is in no line any more, and to be removed */
    bool stored; /* there may be a row of it */
    char name[];
};
struct seen_set {
    struct seen **line; /* SEEN_LINES */
    size_t max, used, gone;
    size_t hand; /* the next line that is passed by */
    int64_t half_life_s;
    struct seen *first_changed, **last_changed;
    uint8_t key[16]; /* names come from outside: nobody may choose collisions */
};

bool seen_init(struct seen_set *k, size_t max); /* false: no memory */
void seen_done(struct seen_set *k);
struct seen *seen_find(const struct seen_set *k, uint8_t kind, sgl_view name);
/* With nothing counted; NULL: no memory. It must not be there. */
struct seen *seen_add(struct seen_set *k, uint8_t kind, sgl_view name, int64_t now);
/* Its counts become what they are worth now. */
void seen_age(const struct seen_set *k, struct seen *e, int64_t now);
void seen_changed(struct seen_set *k, struct seen *e); /* it is to be written */
void seen_remove(struct seen_set *k, struct seen *e);
/* Of the lines [from, to), those that are worth nothing any more go. */
void seen_tidy(struct seen_set *k, size_t from, size_t to, int64_t now);
/* The next that is to be written; it waits no more. One that is gone is the caller's to free. NULL: none. */
struct seen *seen_take_changed(struct seen_set *k);

#endif
