/* SPDX-License-Identifier: Apache-2.0 */
/* Who stands in the envelope from here on. */
#include <sodium.h>

#include "forward_internal.h"
#include "sigillo/mailbox.h"
#include "sigillo/srs.h"

#define SENDER_MAX 512

/* Nobody hears of what fails. */
static void to_nobody(struct reception_forward *f)
{
    f->message->env_from = SGL_LIT("");
}

/* The null sender stays one.  Where the sender was not proved, no report may ever go to him: he may never have sent anything. */
bool forward_sender(struct forward *w, struct reception_forward *f, sgl_view domain, bool *later,
                    const char **why)
{
    sgl_auto(sgl_buf) made = SGL_BUF_INIT(SENDER_MAX);
    uint8_t secret[SECRET_SIZE];
    struct sgl_mailbox sender;
    enum sgl_status status;

    if (f->message->env_from.len == 0 || !f->authenticated) {
        to_nobody(f);
        return true;
    }
    *later = true;
    if (!secret_get(w->setup.secret, secret)) {
        *why = "the key of return addresses is not there yet";
        return false;
    }
    status = sgl_mailbox_parse(f->message->env_from, f->arena, &sender, NULL);
    if (status == SGL_OK)
        status = sgl_srs_put(w->crypto, sgl_view_of(secret, sizeof(secret)), &sender, domain,
                             f->arrival.at_ms / 1000, &made);
    sodium_memzero(secret, sizeof(secret));
    if (status == SGL_OK)
        status = sgl_arena_dup(f->arena, sgl_buf_view(&made), &f->message->env_from);
    if (status == SGL_E_NOMEM) {
        *why = "out of memory";
        return false;
    }
    if (status != SGL_OK) /* too long, or in quotes: there is no return address for it */
        to_nobody(f);
    return true;
}

static sgl_view domain_of(sgl_view address)
{
    size_t at = address.len;

    while (at > 0 && address.ptr[at - 1] != '@')
        at--;
    return sgl_view_from(address, at);
}

static void add_rcpt(struct reception_forward *f, sgl_view address)
{
    struct store_message *m = f->message;

    m->rcpt[m->rcpts++] = (struct store_rcpt){.address = address,
                                              .domain = domain_of(address),
                                              .notify = m->env_from.len == 0 ? RCPT_NOTIFY_NEVER
                                                                             : RCPT_NOTIFY_FAILURE};
}

bool forward_rcpts(struct reception_forward *f, const char **why)
{
    const struct arrival_route *route = f->arrival.route;
    bool junk = f->arrival.decision->action == JUDGED_QUARANTINE && route->junk != NULL;

    f->message->rcpt = SGL_NEW_N(f->arena, route->targets + 1, struct store_rcpt);
    *why = "out of memory";
    if (f->message->rcpt == NULL)
        return false;
    if (junk) {
        add_rcpt(f, sgl_view_cstr(route->junk));
        return true;
    }
    for (size_t i = 0; i < route->targets; i++)
        add_rcpt(f, sgl_view_cstr(route->target[i]));
    return true;
}

/* Only reports come to a return address; they have the null sender, and keep it.  [RFC 5321 s4.5.5] */
bool forward_return(struct forward *w, struct reception_forward *f, bool *later, const char **why)
{
    sgl_auto(sgl_buf) to = SGL_BUF_INIT(SENDER_MAX);
    uint8_t secret[SECRET_SIZE];
    struct sgl_mailbox address;
    enum sgl_srs verdict = SGL_SRS_FORGED;
    enum sgl_status status;
    sgl_view back;

    *later = false;
    *why = "only reports of failures are taken at this address";
    if (f->arrival.env_from.len > 0)
        return false;
    *later = true;
    *why = "the key of return addresses is not there yet";
    if (!secret_get(w->setup.secret, secret))
        return false;
    status = sgl_mailbox_parse(f->arrival.rcpt, f->arena, &address, NULL);
    if (status == SGL_OK)
        status = sgl_srs_open(w->crypto, sgl_view_of(secret, sizeof(secret)), &address,
                              f->arrival.at_ms / 1000, FORWARD_DAYS, &to, &verdict);
    sodium_memzero(secret, sizeof(secret));
    *why = "out of memory";
    if (status == SGL_OK && verdict == SGL_SRS_VALID)
        f->message->rcpt = SGL_NEW(f->arena, struct store_rcpt);
    *later = status == SGL_E_NOMEM || verdict == SGL_SRS_VALID;
    if (status != SGL_OK || verdict != SGL_SRS_VALID) {
        *why = *later ? "out of memory" : "this return address was not made here";
        return false;
    }
    if (f->message->rcpt == NULL || sgl_arena_dup(f->arena, sgl_buf_view(&to), &back) != SGL_OK)
        return false;
    to_nobody(f);
    add_rcpt(f, back);
    return true;
}
