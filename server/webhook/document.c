/* SPDX-License-Identifier: Apache-2.0 */
#include "document.h"

#include "document_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sigillo/date.h"
#include "sigillo/limits.h"

#define ESCAPED 6                 /* bytes of a control character in JSON */
#define FRAME   ((size_t)8 << 20) /* what comes with each part, too */

size_t document_size_max(size_t raw_len)
{
    size_t header = raw_len < SGL_LIMIT_HEADER_SIZE ? raw_len : SGL_LIMIT_HEADER_SIZE;
    size_t content = raw_len < DOCUMENT_CONTENT_MAX ? raw_len : DOCUMENT_CONTENT_MAX;
    size_t text = raw_len < DOCUMENT_TEXT_MAX ? raw_len : DOCUMENT_TEXT_MAX;

    return FRAME + raw_len / 3 * 4 + content / 3 * 4 + 3 * header * ESCAPED + 3 * text * ESCAPED;
}

bool document_failed(struct document *d, enum sgl_status status)
{
    if (status == SGL_E_NOMEM)
        d->no_memory = true;
    return status != SGL_OK;
}

/* The name of the host that gave us the message stands in the field that we wrote ourselves. */
static sgl_view helo_of(const struct document *d)
{
    const struct sgl_header *field = sgl_headers_first(&d->headers, SGL_LIT("Received"));
    sgl_view text;
    size_t len = 0;

    if (field == NULL)
        return SGL_LIT("");
    text = sgl_view_trim(field->value);
    if (!sgl_view_starts(text, SGL_LIT("from ")))
        return SGL_LIT("");
    text = sgl_view_trim(sgl_view_from(text, 5));
    while (len < text.len && sgl_ascii_is_visible(text.ptr[len]))
        len++;
    return sgl_view_sub(text, 0, len);
}

static void put_envelope(struct document *d)
{
    const struct document_mail *m = d->mail;

    json_out_string(d->out, "route", m->pattern);
    json_out_string(d->out, "route_id", m->route);
    json_out_string(d->out, "recipient", m->recipient);
    json_out_open(d->out, "envelope", '{');
    json_out_string(d->out, "from", m->sender);
    json_out_string(d->out, "to", m->recipient);
    json_out_text(d->out, "helo", helo_of(d));
    json_out_text(d->out, "ip", m->ip);
    json_out_close(d->out, '}');
}

static void put_time(struct document *d, int64_t at_ms)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(64);

    sgl_date_put_internet(&text, at_ms / 1000);
    (void)document_failed(d, text.status);
    json_out_string(d->out, "timestamp", sgl_buf_view(&text));
}

static void read_header(struct document *d)
{
    enum sgl_status status =
        sgl_headers_parse(d->mail->raw, SGL_HEADERS_TOLERANT, d->arena, &d->headers, NULL);

    if (document_failed(d, status)) {
        d->headers = (struct sgl_headers){.count = 0};
        d->problem = "its header cannot be read";
    }
}

enum sgl_status document_put(const struct document_mail *m, struct sgl_arena *arena,
                             struct sgl_buf *out)
{
    struct document d = {.mail = m, .arena = arena, .out = out};

    read_header(&d);
    json_out_open(out, NULL, '{');
    json_out_string(out, "type", SGL_LIT("mail.received"));
    json_out_string(out, "id", sgl_view_cstr(m->id));
    put_time(&d, m->at_ms);
    json_out_open(out, "data", '{');
    put_envelope(&d);
    document_put_verdict(&d);
    document_put_header(&d);
    document_put_parts(&d);
    if (arena->status == SGL_E_LIMIT && d.problem == NULL)
        d.problem = "not all of it could be read";
    json_out_bool(out, "truncated", d.truncated);
    json_out_bool(out, "replaced", d.replaced);
    json_out_text(out, "problem", d.problem == NULL ? SGL_LIT("") : sgl_view_cstr(d.problem));
    json_out_base64(out, "raw", m->raw);
    json_out_close(out, '}');
    json_out_close(out, '}');
    return d.no_memory || arena->status == SGL_E_NOMEM ? SGL_E_NOMEM : out->status;
}
