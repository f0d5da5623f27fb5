/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mail that comes back: return paths that name one recipient of one message, and what is done when a bounce or a complaint arrives at one.
 *
 *   out   returns_alone(), returns_make()   -> delivery sends with "b-...@bounces.example.org"
 *   in    returns_knows() at RCPT           -> returns_take() -> read, found -> suppressed -> in the trail, counted -> its sender is told
 *
 * Nothing counts that does not carry a return path of ours, and each thing once: a forged bounce, or the same one again, changes nothing.  A complaint counts when its sender is
 * known by a DKIM signature, too.
 */
#ifndef SERVER_RETURNS_RETURNS_H
#define SERVER_RETURNS_RETURNS_H

#include "../directory/directory.h"
#include "../guard/guard.h"
#include "../lists/lists.h"
#include "../queue/queue.h"
#include "../reception/reception.h"

struct returns;

struct returns_setup {
    struct store *store;
    struct directory *directory;
    struct lists *lists; /* whose keys make the codes */
    struct guard *guard;
    struct queue *queue; /* is told of reports to senders */
    struct queue_signer signer;
    struct workers *workers;
    struct config *config; /* a reference is taken */
};
struct returns *returns_new(const struct returns_setup *setup);     /* NULL: memory */
void returns_free(struct returns *r);                               /* NULL accepted */
void returns_reconfigure(struct returns *r, struct config *config); /* any thread */

/* ---- out; any thread ---- */

/* Is there a return path for each recipient of this message? [struct queue_alone] */
bool returns_alone(void *returns, const struct store_message *message);
/* Writes it. [struct delivery_return_paths] */
bool returns_make(void *returns, const struct store_message *message, const struct store_rcpt *rcpt,
                  char out[320]);

/* ---- in ---- */

/* [struct reception_knows] */
enum reception_known returns_knows(void *returns, sgl_view address, enum route_action *action);
/* Handler of ROUTE_BOUNCES and ROUTE_COMPLAINTS. */
void returns_take(void *returns, struct arrival *a);

#endif
