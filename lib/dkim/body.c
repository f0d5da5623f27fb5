/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical bodies  [RFC 6376 s3.4.3, s3.4.4].
 *
 * A body is seen as stretches that stay as they are, and what stands between them.  What may turn out to be trailing is not
 * kept but remembered: pending_lines counts line ends, pending_blank says that blanks follow them, pending_cr that a CR may
 * become a line end.  In that order they stand in the input.  Data puts them out; the end of a line throws the blanks away,
 * the end of the body everything.
 */
#include "dkim_internal.h"

#define CRLF8 "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"

void sgl_dkim_body_init(struct sgl_dkim_body *body, enum sgl_dkim_canon canon,
                        struct sgl_dkim_sink sink)
{
    body->sink = sink;
    body->canon = canon;
    body->scan = sgl_dkim_best_scan();
    body->pending_cr = false;
    body->pending_blank = false;
    body->pending_lines = 0;
    body->any = false;
    body->staged_len = 0;
}

void sgl_dkim_body_init_hash(struct sgl_dkim_body *body, enum sgl_dkim_canon canon,
                             struct sgl_hash *hash)
{
    sgl_dkim_body_init(body, canon, (struct sgl_dkim_sink){sgl_dkim_put_hash, hash});
}

static void put(struct sgl_dkim_body *body, sgl_view bytes)
{
    struct sgl_dkim_stage stage = {body->sink, body->staged, body->staged_len, sizeof body->staged};

    sgl_dkim_stage_put(&stage, bytes);
    body->staged_len = (uint16_t)stage.len;
    body->any = true;
}

/* Data follows: what was pending stands inside the body after all. */
static void put_pending(struct sgl_dkim_body *body)
{
    const sgl_view lines = SGL_LIT(CRLF8 CRLF8 CRLF8 CRLF8);

    while (body->pending_lines > 0) {
        uint64_t n = body->pending_lines < lines.len / 2 ? body->pending_lines : lines.len / 2;

        put(body, sgl_view_sub(lines, 0, (size_t)n * 2));
        body->pending_lines -= n;
    }
    if (body->pending_blank)
        put(body, SGL_LIT(" "));
    body->pending_blank = false;
}

static void end_line(struct sgl_dkim_body *body)
{
    body->pending_blank = false;
    body->pending_lines++;
}

/* p[0] is data: puts out as much as stays as it is and returns how much was used. */
static size_t put_stretch(struct sgl_dkim_body *body, const uint8_t *p, size_t n)
{
    size_t used = body->canon == SGL_DKIM_RELAXED ? body->scan(p, n) : n;
    size_t len = used;
    uint64_t lines = 0;

    put_pending(body);
    if (used == n && p[used - 1] == '\r') { /* is LF the first byte of the next piece? */
        len--;
        body->pending_cr = true;
    }
    while (len >= 2 && p[len - 1] == '\n' && p[len - 2] == '\r') {
        len -= 2;
        lines++;
    }
    put(body, sgl_view_of(p, len));
    body->pending_lines = lines;
    return used;
}

/* Steps over what is no data: a line end, a run of blanks, a CR at the end of the piece.  0: data begins here. */
static size_t skip(struct sgl_dkim_body *body, const uint8_t *p, size_t n)
{
    if (p[0] == '\r' && n == 1) {
        body->pending_cr = true;
        return 1;
    }
    if (p[0] == '\r' && p[1] == '\n') {
        end_line(body);
        return 2;
    }
    if (body->canon == SGL_DKIM_RELAXED && sgl_dkim_is_blank(p[0])) {
        size_t used = 1;

        while (used < n && sgl_dkim_is_blank(p[used]))
            used++;
        body->pending_blank = true;
        return used;
    }
    return 0;
}

/* The CR was data. */
static void put_cr(struct sgl_dkim_body *body)
{
    put_pending(body);
    put(body, SGL_LIT("\r"));
    body->pending_cr = false;
}

void sgl_dkim_body_feed(struct sgl_dkim_body *body, sgl_view piece)
{
    const uint8_t *p = piece.ptr;
    size_t n = piece.len, i = 0;

    if (n > 0 && body->pending_cr) {
        if (p[0] == '\n') {
            body->pending_cr = false;
            end_line(body);
            i = 1;
        } else {
            put_cr(body);
        }
    }
    while (i < n) {
        size_t used = skip(body, p + i, n - i);

        i += used > 0 ? used : put_stretch(body, p + i, n - i);
    }
}

void sgl_dkim_body_finish(struct sgl_dkim_body *body)
{
    if (body->pending_cr)
        put_cr(body);
    /* What is still pending is trailing.  An empty body is one CRLF when simple, and nothing when relaxed. */
    if (body->any || body->canon == SGL_DKIM_SIMPLE)
        put(body, SGL_LIT("\r\n"));
    if (body->staged_len > 0)
        body->sink.put(body->sink.ctx, sgl_view_of(body->staged, body->staged_len));
    body->staged_len = 0;
}

enum sgl_status sgl_dkim_body_hash(const struct sgl_crypto *crypto, enum sgl_dkim_canon canon,
                                   sgl_view bytes, uint8_t out[SGL_SHA256_SIZE])
{
    sgl_auto(sgl_hash) hash = {0};
    struct sgl_dkim_body body;

    sgl_hash_init(&hash, crypto);
    sgl_dkim_body_init_hash(&body, canon, &hash);
    sgl_dkim_body_feed(&body, bytes);
    sgl_dkim_body_finish(&body);
    return sgl_hash_final(&hash, out);
}
