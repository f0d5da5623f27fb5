/* SPDX-License-Identifier: Apache-2.0 */
/* Messages (message.c), what they carry (records.c), and the connection (wire.c); for this folder. */
#ifndef SERVER_UPDATE_INTERNAL_H
#define SERVER_UPDATE_INTERNAL_H

#include <ldns/ldns.h>

#include "update.h"

#define MESSAGE_MAX 65535
#define FUDGE_S     300 /* [RFC 8945 s10] */

/* ---- wire.c: a TCP connection with one deadline for all of it ---- */

struct wire {
    int fd;
    uint64_t deadline_ms;
    uint8_t answer[MESSAGE_MAX];
    size_t answer_len;
};
/* Each gives NULL, or why not, as a static text. */
const char *wire_open(struct wire *w, const struct config_address *server, unsigned timeout_ms);
const char *wire_exchange(struct wire *w, const uint8_t *message, size_t len);
void wire_close(struct wire *w);

/* ---- records.c: record sets as the server has them, and what is to become of them ---- */

struct record_set {
    const struct update_change *change;
    ldns_rr_list *there; /* NULL: another change of the same set has read it */
    const struct record_set *same;
    uint32_t ttl;
};
/* Without data: for "there is none of this type". NULL when memory ends. */
ldns_rr *record_empty(const struct update_change *c, uint32_t ttl);
/* The record of a value; NULL: it is none of this type, or memory has ended. */
ldns_rr *record_new(const struct update_change *c, sgl_view value, uint32_t ttl);
/* The one of these values, as the server has it; NULL: it is not there. */
const ldns_rr *record_find(const ldns_rr_list *there, const struct update_change *c,
                           sgl_view value);
bool record_same_set(const struct update_change *a, const struct update_change *b);

/* ---- message.c ---- */

struct reading_of {
    const char *why; /* what is wrong, as a static text */
    bool alias;      /* another name stands in for this one */
};
/* The records of that name and type in an answer of the zone's own server; NULL: see `of`. */
ldns_rr_list *message_read_set(const uint8_t *wire, size_t len, uint16_t id,
                               const struct update_change *c, struct reading_of *of);
/* The message as bytes, free()d by the caller; NULL when memory ends. */
uint8_t *message_question(const struct update_change *c, uint16_t id, size_t *len);
/* The same, signed; *mac is a copy that the answer is checked with. */
uint8_t *message_update(const struct config_update *to, uint16_t id, const ldns_rr_list *wanted,
                        const ldns_rr_list *changes, size_t *len, ldns_rdf **mac);
/* What the server said to an update. */
void message_judge(struct update *u, const uint8_t *wire, size_t len, uint16_t id,
                   const ldns_rdf *mac);

#endif
