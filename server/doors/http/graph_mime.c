/* SPDX-License-Identifier: Apache-2.0 */
/* A message that comes as MIME, in base64. */
#include "graph_internal.h"
#include "sigillo/base64.h"
#include "sigillo/header.h"

#define PIECE (3u * 1024)

/* In the place of its text, which is longer. */
static enum sgl_status decode(struct sgl_buf *raw)
{
    sgl_view rest = sgl_buf_view(raw);
    size_t len = 0, got = 0;
    uint8_t piece[PIECE];

    while (rest.len > 0) {
        SGL_TRY(sgl_base64_decode_some(&rest, piece, sizeof(piece), &got));
        memcpy(raw->data + len, piece, got);
        len += got;
    }
    sgl_buf_truncate(raw, len);
    return len == 0 ? SGL_E_SYNTAX : SGL_OK;
}

/* Line ends of the client's own machine: each LF without its CR. */
static bool is_bare(sgl_view v, size_t i)
{
    return v.ptr[i] == '\n' && (i == 0 || v.ptr[i - 1] != '\r');
}

static size_t count_bare(sgl_view v)
{
    size_t n = 0;

    for (size_t i = 0; i < v.len; i++)
        n += is_bare(v, i);
    return n;
}

/* So many bytes more, and still one piece of memory. */
static bool make_room(struct sgl_buf *raw, size_t more)
{
    if (raw->max < raw->len + more)
        raw->max = raw->len + more;
    return sgl_buf_reserve(raw, more) == SGL_OK;
}

/* From the end on, so that nothing is written over that has not been moved. */
static bool mend_lines(struct sgl_buf *raw)
{
    size_t bare = count_bare(sgl_buf_view(raw)), from = raw->len;
    sgl_view text;

    if (!make_room(raw, bare))
        return false;
    text = sgl_buf_view(raw);
    raw->len += bare;
    for (size_t to = raw->len; to > from;) {
        bool is_one = is_bare(text, --from);

        raw->data[--to] = text.ptr[from];
        if (is_one)
            raw->data[--to] = '\r';
    }
    return true;
}

/* The path names who it is from, where the message does not. */
static bool put_from(const struct api_reader *p, struct sgl_buf *raw,
                     const struct sgl_mailbox *mailbox)
{
    struct sgl_buf field = SGL_BUF_INIT(SGL_LIMIT_MAILBOX + 64);
    struct sgl_buf value = SGL_BUF_INIT(SGL_LIMIT_MAILBOX + 16);
    struct sgl_headers headers = {0};
    bool fine;

    if (sgl_headers_parse(sgl_buf_view(raw), SGL_HEADERS_STRICT, p->arena, &headers, NULL) !=
            SGL_OK ||
        sgl_headers_first(&headers, SGL_LIT("From")) != NULL)
        return p->arena->status != SGL_E_NOMEM;
    sgl_address_put(&value, SGL_LIT(""), mailbox);
    sgl_header_put(&field, SGL_LIT("From"), sgl_buf_view(&value));
    fine = value.status == SGL_OK && field.status == SGL_OK && make_room(raw, field.len);
    if (fine) {
        memmove(raw->data + field.len, raw->data, raw->len);
        memcpy(raw->data, field.data, field.len);
        raw->len += field.len;
    }
    sgl_buf_done(&value);
    sgl_buf_done(&field);
    return fine;
}

bool graph_mime(const struct api_reader *p, const struct sgl_mailbox *mailbox, struct sgl_buf *raw,
                struct store_message *m)
{
    if (decode(raw) != SGL_OK)
        return api_refuse(p->why, 400, "graph-mime", "body",
                          "The body is not base64 (RFC 4648 section 4), or not whole.",
                          SGL_LIT(""));
    if (!mend_lines(raw) || !put_from(p, raw, mailbox))
        return api_refuse_memory(p->why);
    sgl_buf_fit(raw);
    if (!api_raw_header_envelope(p->api, p->who, p->arena, sgl_buf_view(raw), m, p->why))
        return false;
    if (m->env_from.len == 0)
        m->env_from = mailbox->text;
    return m->rcpts > 0 ||
           api_refuse(p->why, 400, "no-recipients", "To",
                      "The message has no recipient in To, Cc or Bcc.", SGL_LIT(""));
}
