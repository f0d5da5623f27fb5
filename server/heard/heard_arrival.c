/* SPDX-License-Identifier: Apache-2.0 */
#include "heard_arrival.h"

#include <stdlib.h>

#include "../log/log.h"
#include "heard_tls.h"

#define OPEN_TEXT_MAX ((size_t)64 << 10) /* as by HTTP from whom nobody knows */

struct bringing {
    struct heard dmarc; /* first: cast from it */
    struct heard_tls tls;
    struct heard_room *room;
    struct arrival *a;
    char peer[SGL_IP_TEXT_SIZE];
    char why[200];
};

static void answer(struct bringing *b, enum heard_result result, const char *why)
{
    struct arrival *a = b->a;
    enum arrival_result to_gate = ARRIVAL_REFUSED;
    char text[sizeof(b->why)];

    if (result == HEARD_KEPT || result == HEARD_KNOWN)
        to_gate = ARRIVAL_DONE;
    else if (result == HEARD_MEMORY || result == HEARD_STORE)
        to_gate = ARRIVAL_LATER;
    snprintf(text, sizeof(text), "The report cannot be taken: %s",
             result == HEARD_MEMORY ? "no memory is left" : why);
    heard_end(&b->dmarc);
    heard_tls_end(&b->tls);
    free(b);
    a->done(a, to_gate, to_gate == ARRIVAL_DONE ? NULL : text);
}

static void tls_taken(struct heard_tls *h)
{
    struct bringing *b = (struct bringing *)(void *)((char *)h - offsetof(struct bringing, tls));

    if (h->result == HEARD_KEPT)
        log_line(LOG_INFO_, "report about TLS taken", LOG_VIEW("domain", h->kept[0].domain),
                 LOG_VIEW("organization", sgl_view_sub(h->report.organization, 0, 100)),
                 LOG_VIEW("peer", h->peer));
    answer(b, h->result,
           h->result == HEARD_NONE ? "there is no report about DMARC or TLS in it that can be read"
                                   : h->why);
}

static void try_tls(struct bringing *b)
{
    b->tls = (struct heard_tls){.directory = b->room->directory,
                                .store = b->room->store,
                                .bytes = b->a->raw,
                                .scope = b->dmarc.scope,
                                .peer = sgl_view_cstr(b->peer),
                                .text_max = b->dmarc.verified ? RECEIVED_TEXT_MAX : OPEN_TEXT_MAX,
                                .domains_max = 1,
                                .now = b->a->at_ms / 1000,
                                .done = tls_taken};
    if (!heard_tls_take(&b->tls, b->room->workers, b->a->loop))
        answer(b, HEARD_STORE, "too much is waiting");
}

static void dmarc_taken(struct heard *h)
{
    struct bringing *b = (struct bringing *)(void *)h;

    if (h->result == HEARD_NONE && h->strange) {
        try_tls(b);
        return;
    }
    if (h->result == HEARD_KEPT)
        log_line(LOG_INFO_, "DMARC report taken", LOG_VIEW("domain", h->report.domain),
                 LOG_VIEW("organization", sgl_view_sub(h->report.organization, 0, 100)),
                 LOG_VIEW("peer", sgl_view_cstr(b->peer)), LOG_BOOL("verified", h->verified));
    answer(b, h->result, h->why);
}

void heard_arrival(void *room, struct arrival *a)
{
    struct bringing *b = calloc(1, sizeof(*b));

    if (b == NULL) {
        a->done(a, ARRIVAL_LATER, "no memory is left");
        return;
    }
    b->room = room;
    b->a = a;
    (void)sgl_ip_text(&a->ip, b->peer);
    b->dmarc =
        (struct heard){.directory = b->room->directory,
                       .store = b->room->store,
                       .bytes = a->raw,
                       .scope = sgl_view_cstr(a->subscription),
                       .verified = a->verdict != NULL && a->verdict->dmarc.result == SGL_DMARC_PASS,
                       .now = a->at_ms / 1000,
                       .done = dmarc_taken};
    if (!heard_take(&b->dmarc, b->room->workers, a->loop))
        answer(b, HEARD_STORE, "too much is waiting");
}
