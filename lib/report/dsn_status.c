/* SPDX-License-Identifier: Apache-2.0 */
/* message/delivery-status: one group of fields for the message, one for each recipient. [RFC 3464 s2] */
#include "dsn_internal.h"

#include "sigillo/ascii.h"
#include "sigillo/date.h"
#include "sigillo/header.h"
#include "sigillo/utf8.h"

#include "sigillo/banned.h"

bool sgl_dsn_status_eightbit(const struct sgl_dsn *d)
{
    for (size_t i = 0; i < d->rcpts; i++) {
        const struct sgl_dsn_rcpt *r = &d->rcpt[i];

        if (!sgl_ascii_only(r->address) || !sgl_ascii_only(r->orcpt) || !sgl_ascii_only(r->reply) ||
            !sgl_ascii_only(r->reason))
            return true;
    }
    return false;
}

/* "Name: type; value", the value made harmless. */
static void put_typed(struct sgl_dsn_writing *w, const char *name, const char *type, sgl_view value)
{
    sgl_buf_reset(&w->scratch);
    sgl_buf_add_cstr(&w->scratch, type);
    sgl_dsn_put_clean(&w->scratch, value, SGL_DSN_REASON_MAX, w->d->smtputf8);
    sgl_dsn_put_scratch(w, name);
}

static void put_date(struct sgl_dsn_writing *w, const char *name, sgl_time time)
{
    if (time == 0)
        return;
    sgl_buf_reset(&w->scratch);
    sgl_date_put(&w->scratch, time);
    sgl_dsn_put_scratch(w, name);
}

/* An address with characters beyond ASCII: as it is in a UTF-8 report, else as \x{E9}. [RFC 6533 s3] */
static void put_address(struct sgl_dsn_writing *w, const char *name, sgl_view address)
{
    if (sgl_ascii_only(address)) {
        put_typed(w, name, "rfc822; ", address);
        return;
    }
    if (w->d->smtputf8) {
        put_typed(w, name, "utf-8; ", address);
        return;
    }
    sgl_buf_reset(&w->scratch);
    sgl_buf_add(&w->scratch, SGL_LIT("utf-8; "));
    for (size_t i = 0; i < address.len;) {
        uint32_t code;
        size_t n = sgl_utf8_next(address, i, &code);

        if (n == 0)
            break;
        if (code >= 0x80 || code == '\\' || code == '+' || code == '=')
            sgl_buf_addf(&w->scratch, "\\x{%X}", (unsigned)code);
        else
            sgl_buf_add_byte(&w->scratch, (uint8_t)code);
        i += n;
    }
    sgl_dsn_put_scratch(w, name);
}

/* class "." subject "." detail, the class that of the action. [RFC 3463 s2; RFC 3464 s2.3.4] */
static bool status_ok(sgl_view v, uint8_t class)
{
    sgl_view rest, subject;
    uint64_t n;

    if (v.len < 5 || v.ptr[0] != class || v.ptr[1] != '.')
        return false;
    subject = sgl_view_split(sgl_view_from(v, 2), '.', &rest);
    return sgl_view_u64(subject, 999, &n) && sgl_view_u64(rest, 999, &n);
}

static void put_action(struct sgl_dsn_writing *w, const struct sgl_dsn_rcpt *r)
{
    static const struct {
        const char *name, *status;
    } table[] = {
        [SGL_DSN_FAILED] = {"failed", "5.0.0"},
        [SGL_DSN_DELAYED] = {"delayed", "4.0.0"},
        [SGL_DSN_DELIVERED] = {"delivered", "2.0.0"},
        [SGL_DSN_RELAYED] = {"relayed", "2.0.0"},
    };
    const char *usual = table[r->action].status;

    sgl_header_put(w->out, SGL_LIT("Action"), sgl_view_cstr(table[r->action].name));
    sgl_header_put(w->out, SGL_LIT("Status"),
                   status_ok(r->status, (uint8_t)usual[0]) ? r->status : sgl_view_cstr(usual));
}

/* "mx1.example.net [192.0.2.1]": the name, or the literal when there is no name. */
static void put_remote(struct sgl_dsn_writing *w, sgl_view remote)
{
    sgl_view name = sgl_view_sub(remote, 0, sgl_view_find(remote, ' '));

    if (name.len > 0)
        put_typed(w, "Remote-MTA", "dns; ", name);
}

static void put_rcpt(struct sgl_dsn_writing *w, const struct sgl_dsn_rcpt *r)
{
    sgl_buf_add(w->out, SGL_LIT("\r\n"));
    if (r->orcpt.len > 0) {
        sgl_view address, type = sgl_view_split(r->orcpt, ';', &address);

        sgl_buf_reset(&w->scratch);
        sgl_dsn_put_clean(&w->scratch, type, 64, false);
        sgl_buf_add_byte(&w->scratch, ';');
        sgl_dsn_put_clean(&w->scratch, address, SGL_DSN_REASON_MAX, w->d->smtputf8);
        sgl_dsn_put_scratch(w, "Original-Recipient");
    }
    put_address(w, "Final-Recipient", r->address);
    put_action(w, r);
    put_remote(w, r->remote_mta);
    if (sgl_view_trim(r->reply).len > 0)
        put_typed(w, "Diagnostic-Code", "smtp; ", r->reply);
    else if (sgl_view_trim(r->reason).len > 0)
        put_typed(w, "Diagnostic-Code", "X-Sigillo; ", r->reason);
    put_date(w, "Last-Attempt-Date", r->last_attempt);
    if (r->action == SGL_DSN_DELAYED)
        put_date(w, "Will-Retry-Until", r->will_retry_until);
}

void sgl_dsn_put_status(struct sgl_dsn_writing *w)
{
    const struct sgl_dsn *d = w->d;

    sgl_dsn_put_boundary(w, false);
    sgl_buf_add(w->out, SGL_LIT("Content-Description: Delivery report\r\nContent-Type: message/"));
    sgl_buf_add(w->out, d->smtputf8 ? SGL_LIT("global-delivery-status\r\n")
                                    : SGL_LIT("delivery-status\r\n"));
    if (d->smtputf8 && sgl_dsn_status_eightbit(d))
        sgl_buf_add(w->out, SGL_LIT("Content-Transfer-Encoding: 8bit\r\n"));
    sgl_buf_add(w->out, SGL_LIT("\r\n"));
    if (d->env_id.len > 0)
        put_typed(w, "Original-Envelope-Id", "", d->env_id);
    put_typed(w, "Reporting-MTA", "dns; ", d->reporting_mta);
    if (d->queue_id.len > 0)
        put_typed(w, "X-Sigillo-Id", "", d->queue_id);
    put_date(w, "Arrival-Date", d->arrival);
    for (size_t i = 0; i < d->rcpts; i++)
        put_rcpt(w, &d->rcpt[i]);
}
