/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a submission server may mend [RFC 6409 s8]: a Received field on top, Date and Message-ID when they are missing, MIME fields for a body that needs them;
 * Bcc and Return-Path go, as do marks for this server.  Everything else stays byte for byte.
 */
#include <sys/random.h>

#include "admission_internal.h"
#include "sigillo/date.h"
#include "sigillo/message_id.h"
#include "sigillo/received.h"
#include "sigillo/utf8.h"

static bool is_dropped(sgl_view name)
{
    switch (name.len) {
    case 3:
        return sgl_view_eq_nocase(name, SGL_LIT("Bcc"));
    case 10:
        return sgl_view_eq_nocase(name, SGL_LIT("Resent-Bcc"));
    case 13:
        return sgl_view_eq_nocase(name, SGL_LIT(TLS_MARK));
    case 11:
        return sgl_view_eq_nocase(name, SGL_LIT("Return-Path"));
    default:
        return false;
    }
}

static void put_received(const struct header_fixup *f, struct sgl_buf *out)
{
    const struct submission *s = f->s;
    struct sgl_received r = {.helo = s->helo,
                             .peer = s->peer_text,
                             .by = f->hostname,
                             .with = s->protocol,
                             .id = sgl_view_cstr(f->id),
                             .time = f->now};
    struct sgl_mailbox only;

    r.tls_version = sgl_view_split(s->tls_text, ' ', &r.tls_cipher);
    if (s->message.rcpts == 1) {
        sgl_view text = s->message.rcpt[0].address;

        only = (struct sgl_mailbox){.text = text, .domain = s->message.rcpt[0].domain};
        r.recipient = &only;
    }
    sgl_received_put(out, &r);
}

static void put_message_id(const struct header_fixup *f, struct sgl_buf *out, size_t *off,
                           size_t *len)
{
    uint8_t random[16];

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        out->status = SGL_E_NOMEM;
        return;
    }
    sgl_buf_add(out, SGL_LIT("Message-ID: "));
    *off = out->len;
    sgl_message_id_put(out, f->now, random, f->domain);
    *len = out->len - *off;
    sgl_buf_add(out, SGL_LIT("\r\n"));
}

/* An 8-bit body without MIME is text in some charset: say so, or the receiver has to guess [RFC 1428 s3]. */
static void put_mime(const struct header_fixup *f, struct sgl_buf *out)
{
    const struct sgl_headers *h = &f->report->headers;
    bool version = sgl_headers_first(h, SGL_LIT("MIME-Version")) != NULL;
    bool type = sgl_headers_first(h, SGL_LIT("Content-Type")) != NULL;
    bool encoding = sgl_headers_first(h, SGL_LIT("Content-Transfer-Encoding")) != NULL;
    bool text8 = f->report->eightbit && !version && !type && !encoding;

    if (!version && (type || encoding || text8))
        sgl_buf_add(out, SGL_LIT("MIME-Version: 1.0\r\n"));
    if (!text8)
        return;
    if (sgl_utf8_valid(sgl_view_from(f->s->raw, h->body_off)))
        sgl_buf_add(out, SGL_LIT("Content-Type: text/plain; charset=utf-8\r\n"));
    else
        sgl_buf_add(out, SGL_LIT("Content-Type: text/plain; charset=unknown-8bit\r\n"));
    sgl_buf_add(out, SGL_LIT("Content-Transfer-Encoding: 8bit\r\n"));
}

enum sgl_status header_complete(const struct header_fixup *f, struct sgl_buf *out,
                                sgl_view *message_id)
{
    const struct sgl_headers *h = &f->report->headers;
    const struct sgl_header *id = sgl_headers_first(h, SGL_LIT("Message-ID"));
    bool of_list = f->list != NULL && f->list->mail.id.len > 0;
    size_t id_off = 0, id_len = 0;

    SGL_TRY(sgl_buf_reserve(out, h->section.len + 4096));
    put_received(f, out);
    if (sgl_headers_first(h, SGL_LIT("Date")) == NULL) {
        sgl_buf_add(out, SGL_LIT("Date: "));
        sgl_date_put(out, f->now);
        sgl_buf_add(out, SGL_LIT("\r\n"));
    }
    if (id == NULL)
        put_message_id(f, out, &id_off, &id_len);
    if (tls_field_wanted(f->s, h))
        sgl_buf_add(out, SGL_LIT("TLS-Required: No\r\n"));
    put_mime(f, out);
    if (of_list)
        list_put(&f->list->mail, f->list->url, out);
    for (size_t i = 0; i < h->count; i++)
        if (!is_dropped(h->field[i].name) &&
            !(of_list && list_dropped(&f->list->mail, h->field[i].name)))
            sgl_buf_add(out, h->field[i].raw);
    if (out->status != SGL_OK)
        return out->status;
    if (id == NULL)
        *message_id = sgl_view_of(out->data + id_off, id_len);
    else if (sgl_message_id_parse(id->value, message_id, NULL) != SGL_OK)
        *message_id = sgl_view_trim(sgl_view_sub(
            id->value, 0, SUBJECT_MAX)); /* a sender's own idea of one; kept as it is */
    return SGL_OK;
}
