/* SPDX-License-Identifier: Apache-2.0 */
/* A message that comes as MIME, in base64. */
#include "graph_internal.h"
#include "sigillo/base64.h"
#include "sigillo/header.h"

#define SLACK 1024

size_t graph_mime_bound(sgl_view base64)
{
    return base64.len / 4 * 3 + SLACK;
}

/* Line ends of the client's own machine: each LF without its CR. */
static size_t count_bare(sgl_view v)
{
    size_t n = 0;

    for (size_t i = 0; i < v.len; i++)
        n += v.ptr[i] == '\n' && (i == 0 || v.ptr[i - 1] != '\r');
    return n;
}

static void put_lines(struct sgl_buf *out, sgl_view v)
{
    size_t start = 0;

    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] != '\n' || (i > 0 && v.ptr[i - 1] == '\r'))
            continue;
        sgl_buf_add(out, sgl_view_sub(v, start, i - start));
        sgl_buf_add(out, SGL_LIT("\r\n"));
        start = i + 1;
    }
    sgl_buf_add(out, sgl_view_from(v, start));
}

/* The path names who it is from, where the message does not. */
static void put_from(struct sgl_buf *out, sgl_view text, const struct sgl_mailbox *mailbox,
                     struct sgl_arena *arena)
{
    struct sgl_headers headers = {0};
    struct sgl_buf value = SGL_BUF_INIT(SGL_LIMIT_MAILBOX + 16);

    if (sgl_headers_parse(text, SGL_HEADERS_STRICT, arena, &headers, NULL) == SGL_OK &&
        sgl_headers_first(&headers, SGL_LIT("From")) == NULL) {
        sgl_address_put(&value, SGL_LIT(""), mailbox);
        sgl_header_put(out, SGL_LIT("From"), sgl_buf_view(&value));
    }
    sgl_buf_done(&value);
}

static bool take_text(const struct api_reader *p, struct sgl_buf *decoded,
                      const struct sgl_mailbox *mailbox, struct sgl_buf *raw)
{
    struct sgl_buf lines = SGL_BUF_INIT(decoded->len + count_bare(sgl_buf_view(decoded)) + 1);
    bool fine;

    put_lines(&lines, sgl_buf_view(decoded));
    sgl_buf_done(decoded);
    sgl_buf_init(raw, lines.len + SGL_LIMIT_MAILBOX + 64);
    if (sgl_buf_reserve(raw, lines.len + SGL_LIMIT_MAILBOX + 64) == SGL_OK)
        put_from(raw, sgl_buf_view(&lines), mailbox, p->arena);
    sgl_buf_add(raw, sgl_buf_view(&lines));
    fine = lines.status == SGL_OK && raw->status == SGL_OK;
    sgl_buf_done(&lines);
    return fine || api_refuse_memory(p->why);
}

bool graph_mime(const struct api_reader *p, sgl_view base64, const struct sgl_mailbox *mailbox,
                struct sgl_buf *raw, struct store_message *m)
{
    struct sgl_buf decoded = SGL_BUF_INIT(graph_mime_bound(base64));
    enum sgl_status status = sgl_buf_reserve(&decoded, graph_mime_bound(base64));

    if (status == SGL_OK)
        status = sgl_base64_decode_fws(base64, &decoded);
    if (status != SGL_OK || decoded.len == 0) {
        sgl_buf_done(&decoded);
        return status == SGL_E_NOMEM
                   ? api_refuse_memory(p->why)
                   : api_refuse(p->why, 400, "graph-mime", "body",
                                "The body is not base64 (RFC 4648 section 4), or not whole.",
                                SGL_LIT(""));
    }
    if (!take_text(p, &decoded, mailbox, raw) ||
        !api_raw_header_envelope(p->api, p->who, p->arena, sgl_buf_view(raw), m, p->why))
        return false;
    if (m->env_from.len == 0)
        m->env_from = mailbox->text;
    return m->rcpts > 0 ||
           api_refuse(p->why, 400, "no-recipients", "To",
                      "The message has no recipient in To, Cc or Bcc.", SGL_LIT(""));
}
