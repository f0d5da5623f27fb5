/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What came back for a recipient after his message had left: a bounce, a complaint, a delay.  It becomes an event of the message, once for each recipient and kind; the recipient's state stays, for it
 * tells what the next server said.
 *
 * Addresses that only refuse for a while are remembered by day, so that whoever does so day after day can be given up.
 */
#ifndef SERVER_STORE_RETURNED_H
#define SERVER_STORE_RETURNED_H

#include "store.h"

#define RETURNED_DAYS 7 /* that are looked back at */

struct returned {
    uint64_t message, rcpt;
    int64_t at_ms;
    sgl_view kind;   /* of the event: "bounced", "complained", "delayed", "confirmed", "answered" */
    sgl_view detail; /* one JSON object */
    uint8_t counts;  /* as which enum statistic of its subscription, or 0 */
    sgl_view refuses; /* the address, when it refused for a while; else empty */
};
struct returned_op {
    struct store_op
        op; /* kind STORE_RETURNED; STORE_EXISTS: it is known; STORE_NOT_FOUND: there is no such recipient of that message */
    const struct returned *returned; /* borrowed until done() */
    struct store_accept *notice;     /* becomes durable with it, or NULL; its op is not used */
    unsigned
        days; /* result: on so many of the last RETURNED_DAYS days the address refused, this one counted */
};

#endif
