/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a report: what is for people, what is for programs, what came back. */
#include "bounce_internal.h"

#include "sigillo/ascii.h"
#include "sigillo/html_text.h"
#include "sigillo/limits.h"
#include "sigillo/message_id.h"

#include "sigillo/banned.h"

const struct sgl_mime_part *sgl_bounce_part(const struct sgl_bounce_mail *m,
                                            const char *const *types)
{
    for (size_t i = 0; i < m->parts; i++)
        for (size_t t = 0; types[t] != NULL; t++)
            if (sgl_view_eq(m->part[i].type, sgl_view_cstr(types[t])))
                return &m->part[i];
    return NULL;
}

enum sgl_status sgl_bounce_body(const struct sgl_mime_part *part, struct sgl_arena *arena,
                                sgl_view *out)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(SGL_LIMIT_BOUNCE_TEXT);
    struct sgl_mime_part some = *part;

    some.body = sgl_view_sub(part->body, 0, SGL_LIMIT_BOUNCE_TEXT);
    if (!sgl_view_eq(part->encoding, SGL_LIT("base64")) &&
        !sgl_view_eq(part->encoding, SGL_LIT("quoted-printable"))) {
        *out = some.body;
        return SGL_OK;
    }
    switch (sgl_mime_decode(&some, &text)) {
    case SGL_OK:
        return sgl_arena_dup(arena, sgl_buf_view(&text), out);
    case SGL_E_NOMEM:
        return SGL_E_NOMEM;
    case SGL_E_SYNTAX: /* it says that it is base64: read as it is, or up to the fault */
    case SGL_E_LIMIT:
    case SGL_E_MISUSE:
    case SGL_MORE:
    case SGL_NEED_DNS:
        break;
    }
    *out = some.body;
    return SGL_OK;
}

/* ---- the notice ---- */

/* Lines behind which the original follows; in lower case. */
static const char *const original_follows[] = {
    "this is a copy of",
    "this line is a copy of",
    "enclosed is a copy of",
    "included is a copy of",
    "below is a copy of",
    "following is a copy of",
    "original message follows",
    "original message:",
    "original message -",
    "original mail info",
    "-original message",
    "- original message",
    "-original mail",
    "-original",
    "header of the original message",
    "headers of the original message",
    "headers from the original message",
    "message headers follow",
    "unsent message",
    "text of message",
    "message text follows",
    "start of returned message",
    "returned message -",
    "returned mail follows",
    "original mail as follows",
    "your original message",
    "your message follows",
    "message header:",
    "message headers:",
    "original message headers",
    "begin forwarded message",
    "the first 50 lines",
    "a copy of the message follows",
    "message begins",
    "returned header",
};

static bool begins_original(sgl_view line)
{
    if (sgl_view_starts(line, SGL_LIT("Received: ")) ||
        sgl_view_starts_nocase(line, SGL_LIT("Return-Path: ")))
        return true;
    for (size_t i = 0; i < sizeof original_follows / sizeof original_follows[0]; i++)
        if (line.len < 120 && sgl_bounce_has(line, original_follows[i]))
            return true;
    return false;
}

static void cut(struct sgl_bounce_mail *m, sgl_view text)
{
    sgl_view rest = text, line;

    m->notice = text;
    m->copy = sgl_view_of(NULL, 0);
    for (size_t lines = 0; sgl_bounce_line(&rest, &line); lines++) {
        bool header = sgl_view_starts(line, SGL_LIT("Re"));

        if (lines < SGL_LIMIT_BOUNCE_LINES && !begins_original(line))
            continue;
        m->notice = sgl_view_of(text.ptr, (size_t)(line.ptr - text.ptr));
        m->copy = header ? sgl_view_from(text, m->notice.len) : rest;
        return;
    }
}

static bool is_text(const struct sgl_bounce_mail *m, size_t i, const char *type)
{
    return !m->part[i].multipart && sgl_view_eq(m->part[i].type, sgl_view_cstr(type));
}

static enum sgl_status add_text(const struct sgl_bounce_mail *m, size_t i, bool html,
                                struct sgl_buf *out)
{
    struct sgl_arena_mark mark = sgl_arena_mark(m->arena);
    sgl_view body;

    SGL_TRY(sgl_bounce_body(&m->part[i], m->arena, &body));
    if (html)
        sgl_html_text(body, out);
    else
        sgl_buf_add(out, sgl_view_sub(body, 0, out->max - out->len - 1));
    sgl_buf_add_byte(out, '\n');
    sgl_arena_rewind(m->arena, mark);
    return out->status == SGL_E_NOMEM ? SGL_E_NOMEM : SGL_OK;
}

enum sgl_status sgl_bounce_read_notice(struct sgl_bounce_mail *m)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(SGL_LIMIT_BOUNCE_TEXT);
    sgl_view all;

    for (size_t i = 0; i < m->parts && text.len + 2 < text.max; i++)
        if (is_text(m, i, "text/plain"))
            SGL_TRY(add_text(m, i, false, &text));
    for (size_t i = 0; i < m->parts && sgl_view_trim(sgl_buf_view(&text)).len == 0; i++)
        if (is_text(m, i, "text/html"))
            SGL_TRY(add_text(m, i, true, &text));
    for (size_t i = 0; i < m->parts && sgl_view_trim(sgl_buf_view(&text)).len == 0; i++)
        if (!sgl_view_starts(m->part[i].type, SGL_LIT("message/")) &&
            (!m->part[i].multipart || m->parts == 1))
            SGL_TRY(
                add_text(m, i, false, &text)); /* a boundary that is nowhere, a type that is none */
    SGL_TRY(sgl_arena_dup(m->arena, sgl_buf_view(&text), &all));
    cut(m, all);
    return SGL_OK;
}

/* ---- the original ---- */

enum sgl_status sgl_bounce_header(sgl_view original, struct sgl_arena *arena,
                                  struct sgl_headers *header, sgl_view *message_id)
{
    const struct sgl_header *field;
    struct sgl_headers h;
    enum sgl_status status;

    while (original.len > 0 && sgl_ascii_is_fws(original.ptr[0]))
        original = sgl_view_from(original, 1);
    status = sgl_headers_parse(original, SGL_HEADERS_TOLERANT, arena, &h, NULL);
    if (status == SGL_E_NOMEM || arena->status != SGL_OK)
        return arena->status == SGL_OK ? status : arena->status;
    if (status != SGL_OK)
        return SGL_OK;
    *header = h;
    field = sgl_headers_first(&h, SGL_LIT("Message-ID"));
    if (field != NULL && sgl_message_id_parse(field->value, message_id, NULL) != SGL_OK)
        *message_id = sgl_view_trim(field->value);
    return SGL_OK;
}

enum sgl_status sgl_bounce_read_original(const struct sgl_bounce_mail *m, struct sgl_bounce *out)
{
    static const char *const types[] = {"message/rfc822",         "message/global",
                                        "text/rfc822-headers",    "message/rfc822-headers",
                                        "message/global-headers", NULL};
    const struct sgl_mime_part *part = sgl_bounce_part(m, types);

    if (part != NULL && part != &m->part[0])
        SGL_TRY(sgl_bounce_body(part, m->arena, &out->original));
    else
        out->original = m->copy;
    return sgl_bounce_header(out->original, m->arena, &out->header, &out->message_id);
}
