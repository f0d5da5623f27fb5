/* SPDX-License-Identifier: Apache-2.0 */
/* The fields: all of them as they stand there, and those that everybody wants, read. */
#include "document_internal.h"
#include "sigillo/banned.h"
#include "sigillo/date.h"
#include "sigillo/encoded_word.h"
#include "sigillo/mailbox.h"
#include "sigillo/message_id.h"

static sgl_view value_of(const struct document *d, const char *name)
{
    const struct sgl_header *field = sgl_headers_first(&d->headers, sgl_view_cstr(name));

    return field == NULL ? SGL_LIT("") : field->value;
}

static void put_all(struct document *d)
{
    json_out_open(d->out, "headers", '[');
    for (size_t i = 0; i < d->headers.count; i++) {
        const struct sgl_header *f = &d->headers.field[i];
        sgl_view value = SGL_LIT("");

        if (document_failed(d, sgl_header_unfold(f->value, d->arena, &value)))
            value = f->value;
        json_out_open(d->out, NULL, '{');
        json_out_string(d->out, "name", f->name);
        json_out_string(d->out, "value", value);
        json_out_close(d->out, '}');
    }
    json_out_close(d->out, ']');
}

/* ---- addresses ---- */

static void put_address(struct document *d, const char *key, const struct sgl_address *a)
{
    json_out_open(d->out, key, '{');
    json_out_text(d->out, "name", a->name);
    json_out_string(d->out, "address", a->mailbox.text);
    json_out_close(d->out, '}');
}

/* None where they cannot be read: they stand in "headers". */
static struct sgl_address_list addresses_of(struct document *d, const char *name)
{
    struct sgl_address_list list = {0};
    sgl_view value = value_of(d, name);

    if (value.len > 0 &&
        document_failed(d, sgl_address_list_parse_received(value, d->arena, &list, NULL)))
        list.count = 0;
    return list;
}

static void put_list(struct document *d, const char *key, const char *name)
{
    struct sgl_address_list list = addresses_of(d, name);

    json_out_open(d->out, key, '[');
    for (size_t i = 0; i < list.count; i++)
        put_address(d, NULL, &list.item[i]);
    json_out_close(d->out, ']');
}

static void put_from(struct document *d)
{
    struct sgl_address_list list = addresses_of(d, "From");

    if (list.count == 0)
        json_out_nothing(d->out, "from");
    else
        put_address(d, "from", &list.item[0]);
}

/* ---- the others ---- */

static void put_subject(struct document *d)
{
    sgl_view text = SGL_LIT("");

    if (document_failed(d, sgl_encoded_word_decode(value_of(d, "Subject"), d->arena, &text)))
        text = value_of(d, "Subject");
    json_out_text(d->out, "subject", sgl_view_trim(text));
}

static void put_date(struct document *d)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(64);
    struct sgl_date date;

    if (sgl_date_parse(sgl_view_trim(value_of(d, "Date")), &date, NULL) == SGL_OK)
        sgl_date_put_internet(&text, date.time);
    (void)document_failed(d, text.status);
    json_out_text(d->out, "date", sgl_buf_view(&text));
}

/* The first identifier of a field. */
static void put_id(struct document *d, const char *key, const char *name)
{
    sgl_view id = SGL_LIT(""), rest;

    if (sgl_message_id_next(value_of(d, name), &id, &rest, NULL) != SGL_OK)
        id = SGL_LIT("");
    json_out_text(d->out, key, id);
}

static void put_references(struct document *d)
{
    sgl_view rest = value_of(d, "References"), id;

    json_out_open(d->out, "references", '[');
    while (sgl_message_id_next(rest, &id, &rest, NULL) == SGL_OK && id.len > 0)
        json_out_string(d->out, NULL, id);
    json_out_close(d->out, ']');
}

void document_put_header(struct document *d)
{
    put_all(d);
    put_from(d);
    put_list(d, "to", "To");
    put_list(d, "cc", "Cc");
    put_list(d, "reply_to", "Reply-To");
    put_subject(d);
    put_date(d);
    put_id(d, "message_id", "Message-ID");
    put_id(d, "in_reply_to", "In-Reply-To");
    put_references(d);
}
