/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /u/TOKEN: where the link of list mail leads.  POST unsubscribes, at once and without asking back; GET and HEAD show a page with a button and do nothing, because programs that look
 * at mail follow its links.  [RFC 8058 s3.2]
 */
#ifndef SERVER_DOORS_HTTP_UNSUBSCRIBE_H
#define SERVER_DOORS_HTTP_UNSUBSCRIBE_H

#include "../../lists/lists.h"
#include "../../tokens/attempts.h"
#include "http.h"

struct unsubscribe {
    struct directory *directory;
    struct lists *lists;
    struct store *store;
    struct queue *queue;
    struct workers *workers;
    struct attempts attempts; /* links that nobody made */
};

void unsubscribe_routes(struct http *http, struct unsubscribe *u); /* *u is borrowed */

/* ---- unsubscribe_queue.c ---- */

/* Mail of the list that waits for the address is cancelled, later; what goes wrong is logged. */
void unsubscribe_stop_queued(struct unsubscribe *u, struct loop *loop,
                             const struct list_token *token);

#endif
