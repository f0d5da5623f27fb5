/* SPDX-License-Identifier: Apache-2.0 */
/* The envelope of a message that came whole: from the query, or from the header. */
#include <stdio.h>

#include "api_internal.h"
#include "http_internal.h"
#include "sigillo/header.h"

struct envelope {
    const struct api *api;
    const struct identity *who;
    struct sgl_arena *arena;
    struct store_message *m;
    struct api_refusal *why;
    size_t room;
};

static bool add(struct envelope *e, sgl_view address, const char *field)
{
    struct store_message *m = e->m;

    if (m->rcpts == e->api->recipients_max)
        return api_refuse(e->why, 422, "too-many-recipients", field,
                          "The message has more recipients than this server accepts.", SGL_LIT(""));
    if (!api_check_recipient(e->api, e->who, address, field, e->why))
        return false;
    if (m->rcpts == e->room) {
        size_t room = e->room == 0 ? 8 : e->room * 2;
        struct store_rcpt *more = SGL_NEW_N(e->arena, room, struct store_rcpt);

        if (more == NULL)
            return api_refuse_memory(e->why);
        if (m->rcpts > 0)
            memcpy(more, m->rcpt, m->rcpts * sizeof(*more));
        m->rcpt = more;
        e->room = room;
    }
    m->rcpt[m->rcpts++] = (struct store_rcpt){.address = address};
    return true;
}

/* ?to=a@b.c&to=d@e.f */
static bool from_query(struct envelope *e, sgl_view rest)
{
    size_t n = 0;

    while (rest.len > 0) {
        sgl_view value, pair = sgl_view_split(rest, '&', &rest),
                        key = sgl_view_split(pair, '=', &value), address;
        char field[32];

        if (!sgl_view_eq(key, SGL_LIT("to")))
            continue;
        snprintf(field, sizeof(field), "to[%zu]", n++);
        if (!http_decode(value, false, e->arena, &address))
            return api_refuse(e->why, 422, "address-syntax", field,
                              "This is not percent-encoded as a query has to be.", SGL_LIT(""));
        if (!add(e, address, field))
            return false;
    }
    return true;
}

static bool from_field(struct envelope *e, const struct sgl_headers *headers, const char *name)
{
    const struct sgl_header *h = NULL;

    while ((h = sgl_headers_next(headers, sgl_view_cstr(name), h)) != NULL) {
        struct sgl_address_list list;
        struct sgl_diag diag = {0};
        enum sgl_status status = sgl_address_list_parse(h->value, e->arena, &list, &diag);

        if (status == SGL_E_NOMEM)
            return api_refuse_memory(e->why);
        if (status != SGL_OK)
            return api_refuse(e->why, 422, "address-syntax", name,
                              "The field is no list of addresses: %s.", sgl_view_cstr(diag.what));
        for (size_t i = 0; i < list.count; i++)
            if (!add(e, list.item[i].mailbox.text, name))
                return false;
    }
    return true;
}

/* Sender, else the first of From. A header without either is admission's to refuse. */
static sgl_view sender_of(const struct envelope *e, const struct sgl_headers *headers)
{
    const struct sgl_header *h = sgl_headers_first(headers, SGL_LIT("Sender"));
    struct sgl_address_list list;

    if (h == NULL)
        h = sgl_headers_first(headers, SGL_LIT("From"));
    if (h == NULL || sgl_address_list_parse(h->value, e->arena, &list, NULL) != SGL_OK ||
        list.count == 0)
        return SGL_LIT("");
    return list.item[0].mailbox.text;
}

/* To, Cc and Bcc of the header. */
static bool recipients_of(struct envelope *e, const struct sgl_headers *headers)
{
    return from_field(e, headers, "To") && from_field(e, headers, "Cc") &&
           from_field(e, headers, "Bcc");
}

static bool read_header(const struct envelope *e, sgl_view raw, struct sgl_headers *headers)
{
    struct sgl_diag diag = {0};
    enum sgl_status status = sgl_headers_parse(raw, SGL_HEADERS_STRICT, e->arena, headers, &diag);

    if (status == SGL_E_NOMEM)
        return api_refuse_memory(e->why);
    return status == SGL_OK ||
           api_refuse(e->why, 422, "header-syntax", "header", "The body is no message: %s.",
                      sgl_view_cstr(diag.what == NULL ? "too large" : diag.what));
}

bool api_raw_header_envelope(const struct api *api, const struct identity *who,
                             struct sgl_arena *arena, sgl_view raw, struct store_message *m,
                             struct api_refusal *why)
{
    struct envelope e = {.api = api, .who = who, .arena = arena, .m = m, .why = why};
    struct sgl_headers headers = {0};

    if (!read_header(&e, raw, &headers))
        return false;
    m->env_from = sender_of(&e, &headers);
    return recipients_of(&e, &headers);
}

bool api_raw_envelope(const struct api *api, const struct identity *who, struct http_request *r,
                      struct store_message *m, struct api_refusal *why)
{
    struct envelope e = {.api = api, .who = who, .arena = http_arena(r), .m = m, .why = why};
    struct sgl_headers headers = {0};
    sgl_view from = http_query(r, "from");

    if (!read_header(&e, http_body(r), &headers))
        return false;
    m->env_from = from.ptr == NULL ? sender_of(&e, &headers) : from;
    if (!api_check_sender(api, who, m->env_from, "from", why) || !from_query(&e, r->query))
        return false;
    if (m->rcpts == 0 && !recipients_of(&e, &headers))
        return false;
    if (m->rcpts == 0)
        return api_refuse(
            why, 422, "no-recipients", "to",
            "The message has no recipient: name some in the query, or in To, Cc or Bcc.",
            SGL_LIT(""));
    return true;
}
