/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does the server behind a route know a recipient?  Asked of it by RCPT, and remembered: who is known for an hour, who is not for five minutes.  What cannot be found out is
 * "later", never yes or no.
 */
#ifndef SERVER_CALLOUT_CALLOUT_H
#define SERVER_CALLOUT_CALLOUT_H

#include "../delivery/delivery.h"
#include "../reception/reception.h"

#define CALLOUT_KNOWN_S   3600
#define CALLOUT_UNKNOWN_S 300
#define CALLOUT_KEPT_MAX  4096 /* answers in memory */

struct callout;
struct callout *callout_new(struct loop *outgoing, struct delivery *delivery); /* NULL: memory */
void callout_free(struct callout *c); /* after all loops have ended; NULL accepted */
/* For reception_set_callout(): any loop. */
void callout_ask(void *callout, struct reception_ask *question,
                 void (*answered)(struct reception_ask *question,
                                  const struct reception_answer *answer));

/* ---- what is remembered: pure but for its lock ---- */

enum callout_memory { CALLOUT_NOT_KNOWN, CALLOUT_YES, CALLOUT_NO };
enum callout_memory callout_remembered(struct callout *c, const struct arrival_route *route,
                                       sgl_view address, int64_t now_s);
void callout_remember(struct callout *c, const struct arrival_route *route, sgl_view address,
                      bool yes, int64_t now_s);

#endif
