/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The courier of routes that lead to programs: brings each recipient's copy of a message by HTTPS, as a document (document.h) that is signed as Standard Webhooks say.  docs/inbound.md
 * explains it.
 *
 * The same recipient of a message has the same identifier at each attempt, so that a program can tell what it has already; the signature and its time are made anew.  2xx: it is
 * there.  410: refused for good.  Everything else: by the queue's schedule, not before the program asked for it.  Redirects are not followed.
 *
 * Lives on delivery's loop; documents are made on workers.
 */
#ifndef SERVER_WEBHOOK_WEBHOOK_H
#define SERVER_WEBHOOK_WEBHOOK_H

#include "../delivery/delivery.h"
#include "../https/https.h"
#include "../keys/keys.h"

struct webhook;

struct webhook_parts {
    struct loop *loop;
    struct workers *workers;
    struct keys *keys;
    struct https *https;  /* to public addresses */
    struct https *inside; /* where an operator's route may lead */
    size_t memory_max;    /* of all documents that are made at once, but for one */
};
struct webhook *webhook_new(const struct webhook_parts *parts); /* NULL: no memory */
void webhook_free(struct webhook *w); /* its loop has ended, nothing is carried; NULL accepted */
/* For delivery_set_courier(). */
void webhook_carry(void *webhook, struct delivery_load *load);

#endif
