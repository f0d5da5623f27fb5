/* SPDX-License-Identifier: Apache-2.0 */
/* The message around the report and its third part; dsn_text.c writes for people, dsn_status.c for programs. */
#include "dsn_internal.h"

#include "sigillo/arena.h"
#include "sigillo/ascii.h"
#include "sigillo/date.h"
#include "sigillo/header.h"
#include "sigillo/limits.h"
#include "sigillo/message_id.h"
#include "sigillo/qp.h"
#include "sigillo/utf8.h"

#include "sigillo/banned.h"

bool sgl_dsn_wanted(sgl_view env_from, unsigned notify, enum sgl_dsn_action action)
{
    unsigned asked =
        notify == 0 ? (unsigned)(SGL_DSN_NOTIFY_FAILURE | SGL_DSN_NOTIFY_DELAY) : notify;

    if (env_from.len == 0 || (asked & SGL_DSN_NOTIFY_NEVER) != 0)
        return false;
    switch (action) {
    case SGL_DSN_FAILED:
        return (asked & SGL_DSN_NOTIFY_FAILURE) != 0;
    case SGL_DSN_DELAYED:
        return (asked & SGL_DSN_NOTIFY_DELAY) != 0;
    case SGL_DSN_DELIVERED:
    case SGL_DSN_RELAYED:
        return (asked & SGL_DSN_NOTIFY_SUCCESS) != 0;
    }
    return false;
}

void sgl_dsn_put_clean(struct sgl_buf *out, sgl_view v, size_t max, bool utf8)
{
    v = sgl_view_trim(v);
    for (size_t i = 0; i < v.len && i < max;) {
        uint32_t code;
        size_t n = sgl_utf8_next(v, i, &code);
        uint8_t c = v.ptr[i];

        if (sgl_ascii_is_fws(c))
            sgl_buf_add_byte(out, ' ');
        else if (n == 0 || sgl_ascii_is_control(c) || (n > 1 && (!utf8 || code < 0xa0)))
            sgl_buf_add_byte(out, '?');
        else
            sgl_buf_add(out, sgl_view_sub(v, i, n));
        i += n == 0 ? 1 : n;
    }
    if (v.len > max)
        sgl_buf_add(out, SGL_LIT("..."));
}

/* ---- what is returned of the original ---- */

/* Its bytes can stand in a part as they are: whole lines within 998, no NUL. */
static bool transparent(sgl_view v)
{
    while (v.len > 0) {
        size_t lf = sgl_view_find(v, '\n');
        sgl_view line = sgl_view_sub(v, 0, lf);

        if (lf == v.len || lf == 0 || v.ptr[lf - 1] != '\r')
            return false;
        line.len--;
        if (line.len > SGL_LIMIT_LINE || sgl_view_find(line, '\r') != line.len ||
            sgl_view_find(line, '\0') != line.len)
            return false;
        v = sgl_view_from(v, lf + 1);
    }
    return true;
}

/* The header alone, with the empty line's CRLF left off; all of it when there is no body. */
static sgl_view header_of(sgl_view original)
{
    size_t end = sgl_view_find_view(original, SGL_LIT("\r\n\r\n"));

    return end == original.len ? original : sgl_view_sub(original, 0, end + 2);
}

/* RET speaks of failures only; other reports return the header. [RFC 3461 s4.3] */
static bool returns_all(const struct sgl_dsn *d)
{
    bool failed = false;

    for (size_t i = 0; i < d->rcpts; i++)
        failed |= d->rcpt[i].action == SGL_DSN_FAILED;
    return failed && d->ret != 'H' && d->original.len <= d->return_max &&
           sgl_view_find_view(d->original, SGL_LIT("\r\n\r\n")) < d->original.len;
}

static void put_original(struct sgl_dsn_writing *w)
{
    if (w->returned.len == 0)
        return;
    sgl_dsn_put_boundary(w, false);
    sgl_buf_add(w->out, w->returns_all ? SGL_LIT("Content-Description: Undelivered message\r\n")
                                       : SGL_LIT("Content-Description: Header of the message\r\n"));
    sgl_buf_add(w->out, SGL_LIT("Content-Type: "));
    if (w->d->smtputf8) /* [RFC 6533 s5] */
        sgl_buf_add(w->out,
                    w->returns_all ? SGL_LIT("message/global") : SGL_LIT("message/global-headers"));
    else
        sgl_buf_add(w->out,
                    w->returns_all ? SGL_LIT("message/rfc822") : SGL_LIT("text/rfc822-headers"));
    sgl_buf_add(w->out, SGL_LIT("\r\n"));
    if (!sgl_ascii_only(w->returned))
        sgl_buf_add(w->out, SGL_LIT("Content-Transfer-Encoding: 8bit\r\n"));
    sgl_buf_add(w->out, SGL_LIT("\r\n"));
    sgl_buf_add(w->out, w->returned);
}

/* ---- the message ---- */

void sgl_dsn_put_boundary(struct sgl_dsn_writing *w, bool last)
{
    sgl_buf_add(w->out, SGL_LIT("\r\n--"));
    sgl_buf_add(w->out, sgl_view_of(w->boundary, sizeof w->boundary));
    sgl_buf_add(w->out, last ? SGL_LIT("--\r\n") : SGL_LIT("\r\n"));
}

static void make_boundary(struct sgl_dsn_writing *w)
{
    static const char hex[] = "0123456789abcdef";

    w->boundary[0] = '=';
    w->boundary[1] = '_';
    for (size_t i = 0; i < sizeof w->d->random; i++) {
        w->boundary[2 + 2 * i] = (uint8_t)hex[w->d->random[i] >> 4];
        w->boundary[3 + 2 * i] = (uint8_t)hex[w->d->random[i] & 15];
    }
}

enum sgl_dsn_action sgl_dsn_worst(const struct sgl_dsn *d)
{
    enum sgl_dsn_action worst = SGL_DSN_RELAYED;

    for (size_t i = 0; i < d->rcpts; i++)
        if (d->rcpt[i].action < worst)
            worst = d->rcpt[i].action;
    return worst;
}

static const char *subject_of(enum sgl_dsn_action worst)
{
    switch (worst) {
    case SGL_DSN_FAILED:
        return "Undelivered mail returned to its sender";
    case SGL_DSN_DELAYED:
        return "Mail delayed, still being tried";
    case SGL_DSN_DELIVERED:
        return "Mail delivered";
    case SGL_DSN_RELAYED:
        return "Mail handed to the next server";
    }
    return "Delivery status";
}

static void put_field(struct sgl_dsn_writing *w, const char *name, sgl_view value)
{
    sgl_header_put(w->out, sgl_view_cstr(name), value);
}

void sgl_dsn_put_scratch(struct sgl_dsn_writing *w, const char *name)
{
    if (w->scratch.status != SGL_OK && w->out->status == SGL_OK)
        w->out->status = w->scratch.status;
    put_field(w, name, sgl_buf_view(&w->scratch));
}

/* The report belongs to the thread of the message that it speaks of. */
static void put_references(struct sgl_dsn_writing *w)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(128u * 1024u);
    const struct sgl_header *field;
    struct sgl_headers h;
    sgl_view id;
    enum sgl_status status =
        sgl_headers_parse(w->d->original, SGL_HEADERS_TOLERANT, &arena, &h, NULL);

    if (status == SGL_E_NOMEM && w->out->status == SGL_OK)
        w->out->status = status;
    if (status != SGL_OK)
        return;
    field = sgl_headers_first(&h, SGL_LIT("Message-ID"));
    if (field == NULL || sgl_message_id_parse(field->value, &id, NULL) != SGL_OK ||
        !sgl_ascii_only(id) || id.len > 900)
        return;
    put_field(w, "In-Reply-To", id);
    put_field(w, "References", id);
}

static void put_header(struct sgl_dsn_writing *w)
{
    const struct sgl_dsn *d = w->d;

    sgl_buf_reset(&w->scratch);
    sgl_date_put(&w->scratch, d->now);
    sgl_dsn_put_scratch(w, "Date");
    sgl_buf_reset(&w->scratch);
    sgl_buf_add(&w->scratch, SGL_LIT("Mail Delivery System <"));
    sgl_buf_add(&w->scratch, d->from_address);
    sgl_buf_add_byte(&w->scratch, '>');
    sgl_dsn_put_scratch(w, "From");
    sgl_buf_reset(&w->scratch);
    sgl_buf_add_byte(&w->scratch, '<');
    sgl_buf_add(&w->scratch, d->to);
    sgl_buf_add_byte(&w->scratch, '>');
    sgl_dsn_put_scratch(w, "To");
    if (d->message_id.len > 0)
        put_field(w, "Message-ID", d->message_id);
    put_field(w, "Subject", sgl_view_cstr(subject_of(sgl_dsn_worst(d))));
    put_references(w);
    put_field(w, "Auto-Submitted", SGL_LIT("auto-replied")); /* [RFC 3834 s5] */
    sgl_buf_add(w->out, SGL_LIT("MIME-Version: 1.0\r\nContent-Type: multipart/report; "
                                "report-type=delivery-status;\r\n\tboundary=\""));
    sgl_buf_add(w->out, sgl_view_of(w->boundary, sizeof w->boundary));
    sgl_buf_add(w->out, SGL_LIT("\"\r\n"));
    if (w->eightbit)
        sgl_buf_add(w->out, SGL_LIT("Content-Transfer-Encoding: 8bit\r\n"));
    sgl_buf_add(w->out, SGL_LIT("\r\nThis is a report of a mail server in MIME form.\r\n"));
}

static void put_text(struct sgl_dsn_writing *w)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(SGL_DSN_TEXT_MAX);

    sgl_dsn_put_text(&text, w->d);
    if (text.status != SGL_OK && w->out->status == SGL_OK)
        w->out->status = text.status;
    sgl_dsn_put_boundary(w, false);
    sgl_buf_add(
        w->out,
        SGL_LIT(
            "Content-Description: Notification\r\nContent-Type: text/plain; charset=utf-8\r\n"));
    if (sgl_ascii_only(sgl_buf_view(&text))) {
        sgl_buf_add(w->out, SGL_LIT("\r\n"));
        sgl_buf_add(w->out, sgl_buf_view(&text));
    } else {
        sgl_buf_add(w->out, SGL_LIT("Content-Transfer-Encoding: quoted-printable\r\n\r\n"));
        sgl_qp_put(w->out, sgl_buf_view(&text), true);
    }
}

static bool address_ok(sgl_view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (sgl_ascii_is_control(v.ptr[i]))
            return false;
    return v.len > 0 && v.len <= SGL_LIMIT_MAILBOX + 2 && sgl_utf8_valid(v);
}

static bool input_ok(const struct sgl_dsn *d)
{
    if (d->rcpts == 0 || !address_ok(d->to) || !address_ok(d->from_address))
        return false;
    for (size_t i = 0; i < d->rcpts; i++)
        if (!address_ok(d->rcpt[i].address))
            return false;
    return true;
}

static void put_all(struct sgl_dsn_writing *w)
{
    const struct sgl_dsn *d = w->d;

    w->returns_all = returns_all(d);
    w->returned = w->returns_all ? d->original : header_of(d->original);
    if (!transparent(w->returned))
        w->returned = sgl_view_of(NULL, 0);
    w->eightbit = !sgl_ascii_only(w->returned) || (d->smtputf8 && sgl_dsn_status_eightbit(d));
    make_boundary(w);
    put_header(w);
    put_text(w);
    sgl_dsn_put_status(w);
    put_original(w);
    sgl_dsn_put_boundary(w, true);
}

enum sgl_status sgl_dsn_put(struct sgl_buf *out, const struct sgl_dsn *d,
                            struct sgl_dsn_result *result)
{
    struct sgl_dsn_writing w = {.out = out, .d = d, .scratch = SGL_BUF_INIT(64u * 1024u)};
    size_t before = out->len;
    enum sgl_status status;

    if (!input_ok(d))
        return SGL_E_MISUSE;
    put_all(&w);
    status = out->status;
    sgl_buf_done(&w.scratch);
    if (status != SGL_OK) {
        sgl_buf_truncate(out, before);
        out->status = SGL_OK;
        return status;
    }
    result->smtputf8 = !sgl_ascii_only(d->to) || !sgl_ascii_only(d->from_address);
    result->eightbit = w.eightbit || result->smtputf8;
    return SGL_OK;
}
