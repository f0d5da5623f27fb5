/* SPDX-License-Identifier: Apache-2.0 */
/* Texts and attachments.  A text is what a mail program shows as such: not named, not marked as an attachment, and not too large. */
#include "document_internal.h"
#include "reply.h"
#include "sigillo/banned.h"
#include "sigillo/html_text.h"
#include "sigillo/mime.h"

#define UTF8_GROWS    3 /* what is no character takes three bytes */
#define PART_NAME_MAX 255
#define TYPE_MAX      127 /* [RFC 6838 s4.2] */

struct parts {
    const struct sgl_mime_part *part;
    size_t count;
    bool *is_text; /* by part: stands in text or html */
    struct sgl_buf text, html;
    size_t text_left, content_left;
};

/* ---- texts ---- */

static bool is_attached(struct document *d, const struct sgl_mime_part *part)
{
    const struct sgl_header *field =
        sgl_headers_first(&part->headers, SGL_LIT("Content-Disposition"));
    struct sgl_param_value value;

    if (part->filename.len > 0)
        return true;
    return field != NULL && sgl_param_parse(field->value, d->arena, &value, NULL) == SGL_OK &&
           sgl_view_eq(value.token, SGL_LIT("attachment"));
}

static struct sgl_buf *text_for(struct parts *p, const struct sgl_mime_part *part)
{
    if (sgl_view_eq(part->type, SGL_LIT("text/plain")))
        return &p->text;
    return sgl_view_eq(part->type, SGL_LIT("text/html")) ? &p->html : NULL;
}

/* false: it is shown as an attachment. */
static bool take_text(struct document *d, struct parts *p, const struct sgl_mime_part *part)
{
    struct sgl_buf *to = text_for(p, part);
    enum sgl_status status;
    bool replaced;
    size_t before;

    if (to == NULL || part->body.len > p->text_left || is_attached(d, part))
        return false;
    before = to->len;
    if (before > 0 && to->data[before - 1] != '\n')
        sgl_buf_add_byte(to, '\n');
    status = sgl_mime_text(part, to, &replaced);
    if (status == SGL_E_SYNTAX) { /* its base64 is none */
        sgl_buf_truncate(to, before);
        return false;
    }
    d->no_memory = d->no_memory || status == SGL_E_NOMEM;
    d->replaced = d->replaced || replaced;
    p->text_left -= part->body.len;
    return true;
}

/* What was written, without what was quoted; of HTML alone its text counts. */
static void put_reply(struct document *d, struct parts *p)
{
    struct sgl_buf shown = SGL_BUF_INIT(DOCUMENT_TEXT_MAX * UTF8_GROWS * 2);
    sgl_view text = sgl_buf_view(&p->text);

    if (text.len == 0 && p->html.len > 0) {
        sgl_html_text(sgl_buf_view(&p->html), &shown);
        d->no_memory = d->no_memory || shown.status == SGL_E_NOMEM;
        text = sgl_buf_view(&shown);
    }
    json_out_text(d->out, "reply", reply_of(text));
    sgl_buf_done(&shown);
}

static void put_texts(struct document *d, struct parts *p)
{
    for (size_t i = 0; i < p->count; i++)
        p->is_text[i] = !p->part[i].multipart && take_text(d, p, &p->part[i]);
    json_out_text(d->out, "text", sgl_buf_view(&p->text));
    json_out_text(d->out, "html", sgl_buf_view(&p->html));
    put_reply(d, p);
}

/* ---- attachments ---- */

/* Not within a character. */
static sgl_view shortened(sgl_view name)
{
    size_t len = name.len < PART_NAME_MAX ? name.len : PART_NAME_MAX;

    while (len < name.len && len > 0 && (name.ptr[len] & 0xc0) == 0x80)
        len--;
    return sgl_view_sub(name, 0, len);
}

static sgl_view type_of(const struct sgl_mime_part *part)
{
    return part->type.len <= TYPE_MAX ? part->type : SGL_LIT("application/octet-stream");
}

static void put_content_id(struct document *d, const struct sgl_mime_part *part)
{
    const struct sgl_header *field = sgl_headers_first(&part->headers, SGL_LIT("Content-ID"));
    sgl_view id = field == NULL ? SGL_LIT("") : sgl_view_trim(field->value);

    if (sgl_view_starts(id, SGL_LIT("<")) && sgl_view_ends(id, SGL_LIT(">")) && id.len > 2)
        id = sgl_view_sub(id, 1, id.len - 2);
    json_out_text(d->out, "content_id", shortened(id));
}

static void put_attachment(struct document *d, struct parts *p, const struct sgl_mime_part *part)
{
    sgl_auto(sgl_buf) content = SGL_BUF_INIT(part->body.len + 1);
    enum sgl_status status = sgl_mime_decode(part, &content);

    d->no_memory = d->no_memory || status == SGL_E_NOMEM;
    json_out_open(d->out, NULL, '{');
    json_out_text(d->out, "name", shortened(part->filename));
    json_out_string(d->out, "type", type_of(part));
    put_content_id(d, part);
    if (status != SGL_OK)
        json_out_nothing(d->out, "size");
    else
        json_out_u64(d->out, "size", content.len);
    if (status == SGL_OK && content.len <= p->content_left) {
        json_out_base64(d->out, "content", sgl_buf_view(&content));
        p->content_left -= content.len;
    } else {
        json_out_nothing(d->out, "content");
        d->truncated = d->truncated || status == SGL_OK;
    }
    json_out_close(d->out, '}');
}

static void put_attachments(struct document *d, struct parts *p)
{
    json_out_open(d->out, "attachments", '[');
    for (size_t i = 0; i < p->count; i++)
        if (!p->part[i].multipart && !p->is_text[i])
            put_attachment(d, p, &p->part[i]);
    json_out_close(d->out, ']');
}

/* ---- all of them ---- */

static void walk(struct document *d, struct parts *p)
{
    enum sgl_status status = sgl_mime_walk(d->mail->raw, d->arena, &p->part, &p->count);

    if (status == SGL_OK)
        p->is_text = SGL_NEW_N(d->arena, p->count, bool);
    if (status == SGL_OK && p->is_text != NULL)
        return;
    p->count = 0;
    if (status == SGL_E_NOMEM || d->arena->status == SGL_E_NOMEM)
        d->no_memory = true;
    if (d->problem == NULL)
        d->problem = status == SGL_E_LIMIT ? "it has too many parts, or too deep ones"
                                           : "its parts cannot be read";
}

void document_put_parts(struct document *d)
{
    struct parts p = {.text = SGL_BUF_INIT(DOCUMENT_TEXT_MAX * UTF8_GROWS * 2),
                      .html = SGL_BUF_INIT(DOCUMENT_TEXT_MAX * UTF8_GROWS * 2),
                      .text_left = DOCUMENT_TEXT_MAX,
                      .content_left = DOCUMENT_CONTENT_MAX};

    walk(d, &p);
    put_texts(d, &p);
    put_attachments(d, &p);
    sgl_buf_done(&p.text);
    sgl_buf_done(&p.html);
}
