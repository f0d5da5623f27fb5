/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit: who changed what, when, from where.  A change of a noun carries its line with it (struct directory_change, struct store_noun_op), so that both are durable or
 * neither is; this room is for lines that come by themselves: what the server noticed, began or was refused to do.
 *
 * Neither call blocks; any thread.  A line that the store does not take is logged as lost.
 */
#ifndef SERVER_AUDIT_AUDIT_H
#define SERVER_AUDIT_AUDIT_H

#include "../store/store.h"

/*
 * Something that the server noticed or did by itself, now, with the result "noted".
 *
 * actor         the part of the server: "system:verification", "system:guard"
 * action        "domain unverified", "list mail stopped"
 * object        "domain:example.org"; may be empty
 * subscription  whose it is; may be empty
 * detail        one sentence for people; may be empty
 */
void audit_note(struct store *store, sgl_view actor, sgl_view action, sgl_view object,
                sgl_view subscription, sgl_view detail);
/* A whole line; all is copied. at_ms 0: now. */
void audit_append(struct store *store, const struct store_audit *line);

/* ---- what was refused ---- */

struct audit;

/* NULL when memory ends. The store is borrowed. */
struct audit *audit_new(struct store *store);
void audit_free(struct audit *a); /* NULL accepted */
/*
 * A line for an attempt that failed, at most AUDIT_REFUSED_MAX of one actor a minute, so that nobody can fill the audit with them; the next line that is written says how many were
 * left out.  now_ms is monotonic.  Any thread; a may be NULL: then nothing is written.
 */
#define AUDIT_REFUSED_MAX 30
void audit_refused(struct audit *a, const struct store_audit *line, uint64_t now_ms);

#endif
