/* SPDX-License-Identifier: Apache-2.0 */
/*
 * made -> the envelope -> the seal (two calls of the keys process) -> the body -> done
 *
 * A report that comes back is sent on as it is.
 */
#include <sodium.h>
#include <stdlib.h>

#include "forward_internal.h"
#include "sigillo/header.h"
#include "sigillo/mailbox.h"
#include "sigillo/srs.h"

#define MARK "Delivered-To"

struct forward *forward_new(const struct forward_setup *setup)
{
    struct forward *w = calloc(1, sizeof(*w));

    if (w == NULL)
        return NULL;
    w->setup = *setup;
    w->crypto = sgl_crypto_new();
    if (w->crypto != NULL)
        return w;
    free(w);
    return NULL;
}

void forward_free(struct forward *w)
{
    if (w == NULL)
        return;
    sgl_crypto_free(w->crypto);
    free(w);
}

/* ---- the end ---- */

void forward_end(struct sending *s, enum arrival_result result, const char *why)
{
    struct reception_forward *f = s->f;

    domain_unref(s->domain);
    sgl_buf_done(&s->mark);
    sgl_buf_done(&s->set);
    free(s);
    f->done(f, result, why);
}

static void put(struct body *body, size_t *at, sgl_view part)
{
    if (part.len > 0)
        memcpy(body->bytes + *at, part.ptr, part.len);
    *at += part.len;
}

void forward_finish(struct sending *s)
{
    struct reception_forward *f = s->f;
    const sgl_view part[] = {sgl_buf_view(&s->set),
                             sgl_buf_view(&s->mark),
                             f->fields,
                             f->header,
                             SGL_LIT("\r\n"),
                             f->body};
    size_t len = 0, at = 0, parts = sizeof(part) / sizeof(part[0]);

    for (size_t i = 0; i < parts; i++)
        len += part[i].len; /* of what is in memory already */
    f->made = body_new(len);
    if (f->made == NULL) {
        forward_end(s, ARRIVAL_LATER, "out of memory");
        return;
    }
    for (size_t i = 0; i < parts; i++)
        put(f->made, &at, part[i]);
    f->made->header_len = len - f->body.len;
    f->message->size = len;
    forward_end(s, ARRIVAL_DONE, NULL);
}

/* ---- loops ---- */

/* Has it been sent on from this address before?  [RFC 5321 s6.3] */
static bool came_back(const struct reception_forward *f)
{
    for (size_t i = 0; i < f->arrival.headers->count; i++) {
        const struct sgl_header *h = &f->arrival.headers->field[i];

        if (sgl_view_eq_nocase(h->name, SGL_LIT(MARK)) &&
            sgl_view_eq_nocase(sgl_view_trim(h->value), f->arrival.rcpt))
            return true;
    }
    return false;
}

/* ---- made ---- */

static sgl_view domain_of(sgl_view address)
{
    size_t at = address.len;

    while (at > 0 && address.ptr[at - 1] != '@')
        at--;
    return sgl_view_from(address, at);
}

static void send_on(struct sending *s)
{
    struct reception_forward *f = s->f;
    const char *why = "";
    bool later = true;

    if (came_back(f)) {
        forward_end(s, ARRIVAL_REFUSED, "mail loop: it was sent on from this address before");
        return;
    }
    if (!forward_sender(s->w, f, sgl_view_cstr(s->domain->name), &later, &why) ||
        !forward_rcpts(f, &why)) {
        forward_end(s, later ? ARRIVAL_LATER : ARRIVAL_REFUSED, why);
        return;
    }
    sgl_buf_add(&s->mark, SGL_LIT(MARK ": "));
    sgl_buf_add_line_safe(&s->mark, f->arrival.rcpt);
    sgl_buf_add(&s->mark, SGL_LIT("\r\n"));
    if (s->mark.status == SGL_OK)
        forward_seal(s);
    else
        forward_end(s, ARRIVAL_LATER, "out of memory");
}

/* Whose return address it is pays for it. */
static void send_back(struct sending *s)
{
    struct reception_forward *f = s->f;
    const char *why = "";
    bool later = true;

    if (forward_return(s->w, f, &later, &why) &&
        sgl_arena_dup(f->arena, sgl_view_cstr(s->domain->subscription),
                      &f->message->subscription) == SGL_OK)
        forward_finish(s);
    else
        forward_end(s, later ? ARRIVAL_LATER : ARRIVAL_REFUSED, why);
}

void forward_make(void *forward, struct reception_forward *f)
{
    struct forward *w = forward;
    const struct arrival_route *route = f->arrival.route;
    sgl_view of = domain_of(route == NULL ? f->arrival.rcpt : sgl_view_cstr(route->pattern));
    struct sending *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        f->done(f, ARRIVAL_LATER, "out of memory");
        return;
    }
    s->w = w;
    s->f = f;
    sgl_buf_init(&s->mark, 1024);
    sgl_buf_init(&s->set, (size_t)1 << 20);
    s->domain = directory_domain(w->setup.directory, of);
    if (s->domain == NULL)
        forward_end(s, ARRIVAL_LATER, "its domain is not here any more");
    else if (route == NULL)
        send_back(s);
    else
        send_on(s);
}

/* ---- return addresses ---- */

enum reception_known forward_knows(void *forward, sgl_view address, enum route_action *action)
{
    struct forward *w = forward;
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT((size_t)16 * 1024);
    sgl_auto(sgl_buf) to = SGL_BUF_INIT(512);
    uint8_t secret[SECRET_SIZE];
    struct sgl_mailbox mailbox;
    enum sgl_srs verdict = SGL_SRS_NONE;

    if (!sgl_view_starts_nocase(address, SGL_LIT("SRS")) ||
        !directory_receives_for(w->setup.directory, domain_of(address)) ||
        sgl_mailbox_parse(address, &arena, &mailbox, NULL) != SGL_OK)
        return RECEPTION_NOT_MINE;
    *action = ROUTE_FORWARD;
    if (!secret_get(w->setup.secret, secret))
        return RECEPTION_KNOWN; /* what it is worth is asked again, and answered by 451 */
    if (sgl_srs_open(w->crypto, sgl_view_of(secret, sizeof(secret)), &mailbox, clock_now_s(),
                     FORWARD_DAYS, &to, &verdict) != SGL_OK)
        verdict = SGL_SRS_VALID; /* no memory: the same */
    sodium_memzero(secret, sizeof(secret));
    switch (verdict) {
    case SGL_SRS_NONE:
        break;
    case SGL_SRS_VALID:
        return RECEPTION_KNOWN;
    case SGL_SRS_FORGED:
    case SGL_SRS_EXPIRED:
        return RECEPTION_FORGED;
    }
    return RECEPTION_NOT_MINE;
}
