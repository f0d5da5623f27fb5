/* SPDX-License-Identifier: Apache-2.0 */
/* All rows of a domain as one name server has them, or as a resolver finds them.  On the room's loop. */
#ifndef SERVER_SETUP_PROBE_H
#define SERVER_SETUP_PROBE_H

#include "../resolver/resolver.h"
#include "authority.h"
#include "sigillo/setup.h"

struct probe {
    char where[AUTHORITY_WHERE_SIZE];
    const struct sgl_setup_request *request; /* borrowed */
    uint64_t deadline_ms;
    /* Every row is judged, or it cannot be done: `status`. Comes inside probe_ask() when all answers are there. */
    void (*done)(struct probe *p);
    void *ctx;
    /* out */
    bool over;
    enum sgl_status status;
    struct sgl_setup seen; /* with SGL_OK */
    /* private */
    struct resolver *asked, *own; /* own: NULL or asked */
    struct sgl_dns dns;
    struct sgl_arena arena;
    struct resolver_fill fill;
};

/* Takes `own`; with NULL the shared resolver is asked. where: "" or what authority_where() gives. */
void probe_init(struct probe *p, const char *where, struct resolver *own, struct resolver *shared);
/* From the start, with the answers that are there. */
void probe_ask(struct probe *p);
/* What is not answered by now has failed; done() comes inside. */
void probe_give_up(struct probe *p, const char *why);
/* On the loop: nothing is asked any more, done() does not come. Answers and what was seen stay. */
void probe_stop(struct probe *p);
/* Any thread, after probe_stop(); zeroed accepted. */
void probe_done(struct probe *p);

#endif
