/* SPDX-License-Identifier: Apache-2.0 */
/* One leaf of the tree: its fields and its body in the encoding that suits it. [RFC 2045 s6, RFC 2183] */
#include "compose_internal.h"

#include "param_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/base64.h"
#include "sigillo/limits.h"
#include "sigillo/qp.h"
#include "sigillo/utf8.h"

#include "sigillo/banned.h"

#define BASE64_LINE 76
#define PIECE       (57u * 64) /* bytes of whole lines */

bool sgl_compose_text_ok(sgl_view text)
{
    return sgl_view_find(text, '\0') == text.len && sgl_utf8_valid(text);
}

/* What the choice of an encoding depends on. */
struct shape {
    size_t longest, line; /* line: so far, without a line end */
    bool eightbit, nul, stray,
        cr; /* stray: a CR or an LF that is not of a CRLF; cr: the last was one */
};

static void end_line(struct shape *s)
{
    if (s->line > s->longest)
        s->longest = s->line;
    s->line = 0;
}

static void shape_add(struct shape *s, sgl_view v)
{
    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.ptr[i];

        s->eightbit |= c >= 0x80;
        s->nul |= c == '\0';
        s->stray |= s->cr != (c == '\n');
        s->cr = c == '\r';
        if (c != '\r' && c != '\n')
            s->line++;
        else
            end_line(s);
    }
}

static void shape_end(struct shape *s)
{
    s->stray |= s->cr;
    end_line(s);
}

static enum sgl_encoding choose(bool eightbit, const struct shape *s, sgl_view text)
{
    if (s->longest <= SGL_LIMIT_LINE && !s->eightbit)
        return SGL_ENCODING_7BIT;
    if (s->longest <= SGL_LIMIT_LINE && eightbit)
        return SGL_ENCODING_8BIT;
    return sgl_qp_size(text, true) <= text.len / 3 * 4 + text.len / 28 ? SGL_ENCODING_QP
                                                                       : SGL_ENCODING_BASE64;
}

static void put_crlf_lines(struct sgl_buf *buf, sgl_view v)
{
    size_t start = 0;

    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] != '\r' && v.ptr[i] != '\n')
            continue;
        sgl_buf_add(buf, sgl_view_sub(v, start, i - start));
        sgl_buf_add(buf, SGL_LIT("\r\n"));
        if (v.ptr[i] == '\r' && v.len - i > 1 && v.ptr[i + 1] == '\n')
            i++;
        start = i + 1;
    }
    sgl_buf_add(buf, sgl_view_from(v, start));
}

static enum sgl_status prepare(bool eightbit, sgl_view text, struct sgl_composed_text *out)
{
    struct shape s = {0};

    shape_add(&s, text);
    shape_end(&s);
    out->view = text;
    if (s.stray) {
        put_crlf_lines(&out->crlf, text);
        if (out->crlf.status != SGL_OK)
            return out->crlf.status;
        out->view = sgl_buf_view(&out->crlf);
    }
    out->encoding = choose(eightbit, &s, out->view);
    return SGL_OK;
}

enum sgl_status sgl_compose_prepare_text(const struct sgl_composing *c, sgl_view text,
                                         struct sgl_composed_text *out)
{
    return prepare(c->description->eightbit, text, out);
}

size_t sgl_compose_text_bound(sgl_view text)
{
    /* Base64 is the longest that choose() takes; each LF may become two bytes. */
    return 256 + text.len * 2 + text.len / 3 * 2 + text.len / 14;
}

static void put_encoding(struct sgl_composing *c, enum sgl_encoding encoding)
{
    static const char *const name[] = {
        [SGL_ENCODING_7BIT] = "7bit",
        [SGL_ENCODING_8BIT] = "8bit",
        [SGL_ENCODING_QP] = "quoted-printable",
        [SGL_ENCODING_BASE64] = "base64",
    };

    sgl_buf_add(c->out, SGL_LIT("Content-Transfer-Encoding: "));
    sgl_buf_add_cstr(c->out, name[encoding]);
    sgl_buf_add(c->out, SGL_LIT("\r\n"));
}

static void put_lines(struct sgl_composing *c, sgl_view content)
{
    sgl_base64_encode_lines(c->out, content, BASE64_LINE);
}

/* The line end behind a part belongs to the boundary. */
static void end_lines(struct sgl_composing *c, size_t start)
{
    if (c->out->len > start && c->out->status == SGL_OK)
        sgl_buf_truncate(c->out, c->out->len - 2);
}

static void put_body(struct sgl_composing *c, enum sgl_encoding encoding, sgl_view content)
{
    size_t start = c->out->len;

    switch (encoding) {
    case SGL_ENCODING_7BIT:
    case SGL_ENCODING_8BIT:
        sgl_buf_add(c->out, content);
        break;
    case SGL_ENCODING_QP:
        sgl_qp_put(c->out, content, true);
        break;
    case SGL_ENCODING_BASE64:
        put_lines(c, content);
        end_lines(c, start);
        break;
    }
}

enum sgl_status sgl_compose_put_text(struct sgl_composing *c, const struct sgl_composed_text *text,
                                     const char *subtype)
{
    sgl_buf_add(c->out, SGL_LIT("Content-Type: text/"));
    sgl_buf_add_cstr(c->out, subtype);
    sgl_buf_add(c->out, SGL_LIT("; charset=utf-8\r\n"));
    put_encoding(c, text->encoding);
    sgl_buf_add(c->out, SGL_LIT("\r\n"));
    put_body(c, text->encoding, text->view);
    return c->out->status;
}

/* ---- attachments ---- */

static void put_param(struct sgl_composing *c, sgl_view name, sgl_view value)
{
    sgl_param_put_with(c->out, name, value, SGL_LIT(";\r\n\t"));
}

/* Content-Type as the caller gave it, taken apart and written anew: nothing foreign goes out as it came.  Text that is UTF-8 says so. */
static enum sgl_status put_type(struct sgl_composing *c, sgl_view type, size_t index, bool utf8)
{
    struct sgl_param_value v;
    enum sgl_status status;
    bool charset;

    for (size_t i = 0; i < type.len; i++)
        if (sgl_ascii_is_control(type.ptr[i]))
            return sgl_compose_refuse(c, "content_type holds a line end or a control character",
                                      "RFC 2045 s5.1", index);
    sgl_arena_reset(&c->arena);
    status = sgl_param_parse(type, &c->arena, &v, NULL);
    if (status == SGL_E_NOMEM)
        return status;
    if (status != SGL_OK || !sgl_media_type_ok(v.token))
        return sgl_compose_refuse(c, "content_type is not type/subtype", "RFC 2045 s5.1", index);
    if (sgl_view_starts(v.token, SGL_LIT("multipart/")))
        return sgl_compose_refuse(c, "content_type is multipart, which an attachment cannot be",
                                  "RFC 2046 s5.1", index);
    sgl_buf_add(c->out, SGL_LIT("Content-Type: "));
    sgl_buf_add(c->out, v.token);
    charset = utf8 && sgl_view_starts(v.token, SGL_LIT("text/"));
    if (charset)
        sgl_buf_add(c->out, SGL_LIT("; charset=utf-8"));
    for (size_t i = 0; i < v.count; i++)
        if (!charset || !sgl_view_eq(v.param[i].name, SGL_LIT("charset")))
            put_param(c, v.param[i].name, v.param[i].value);
    sgl_buf_add(c->out, SGL_LIT("\r\n"));
    if (c->out->status == SGL_E_SYNTAX)
        return sgl_compose_refuse(c, "content_type has a parameter that cannot be written",
                                  "RFC 2045 s5.1", index);
    return c->out->status;
}

static enum sgl_status put_disposition(struct sgl_composing *c, const struct sgl_compose_part *part,
                                       size_t index, bool related)
{
    sgl_buf_add(c->out, SGL_LIT("Content-Disposition: "));
    sgl_buf_add(c->out, part->inline_ || related ? SGL_LIT("inline") : SGL_LIT("attachment"));
    if (part->filename.len > 0)
        put_param(c, SGL_LIT("filename"), part->filename);
    sgl_buf_add(c->out, SGL_LIT("\r\n"));
    if (c->out->status == SGL_E_SYNTAX)
        return sgl_compose_refuse(c,
                                  "filename holds a control character or bytes that are not UTF-8",
                                  "RFC 2183 s2.3", index);
    return c->out->status;
}

static enum sgl_status put_content_id(struct sgl_composing *c, sgl_view id, size_t index)
{
    if (id.len == 0)
        return SGL_OK;
    for (size_t i = 0; i < id.len; i++)
        if (!sgl_ascii_is_visible(id.ptr[i]) || memchr("<>()\"\\,;:", id.ptr[i], 9) != NULL ||
            id.len > 200)
            return sgl_compose_refuse(c, "content_id holds a character that an identifier cannot",
                                      "RFC 2392 s2", index);
    sgl_buf_add(c->out, SGL_LIT("Content-ID: <"));
    sgl_buf_add(c->out, id);
    sgl_buf_add(c->out, SGL_LIT(">\r\n"));
    return c->out->status;
}

/* Shows each piece of a part's content, in whole lines of base64. */
static enum sgl_status each_piece(const struct sgl_compose_part *part,
                                  void (*each)(void *ctx, sgl_view piece), void *ctx)
{
    sgl_view rest = part->content;
    uint8_t piece[PIECE];
    size_t got;

    if (!part->base64) {
        each(ctx, rest);
        return SGL_OK;
    }
    while (rest.len > 0) {
        SGL_TRY(sgl_base64_decode_some(&rest, piece, sizeof piece, &got));
        each(ctx, sgl_view_of(piece, got));
    }
    return SGL_OK;
}

static void add_to_shape(void *ctx, sgl_view piece)
{
    shape_add(ctx, piece);
}

static void add_bytes(void *ctx, sgl_view piece)
{
    struct sgl_composing *c = ctx;

    sgl_buf_add(c->out, piece);
}

static void add_lines(void *ctx, sgl_view piece)
{
    put_lines(ctx, piece);
}

static enum sgl_status put_content(struct sgl_composing *c, enum sgl_encoding encoding,
                                   const struct sgl_compose_part *part)
{
    size_t start = c->out->len;

    if (encoding != SGL_ENCODING_BASE64)
        return each_piece(part, add_bytes, c);
    SGL_TRY(each_piece(part, add_lines, c));
    end_lines(c, start);
    return SGL_OK;
}

/* A message inside a message may not be encoded; one that cannot go as it is goes as a file. [RFC 2046 s5.2.1] */
static enum sgl_status part_encoding(const struct sgl_compose_part *part, sgl_view *type,
                                     enum sgl_encoding *out)
{
    struct shape s = {0};

    *out = SGL_ENCODING_BASE64;
    if (!sgl_view_starts_nocase(*type, SGL_LIT("message/")))
        return SGL_OK;
    SGL_TRY(each_piece(part, add_to_shape, &s));
    shape_end(&s);
    if (!s.eightbit && !s.nul && !s.stray && s.longest <= SGL_LIMIT_LINE)
        *out = SGL_ENCODING_7BIT;
    else
        *type = SGL_LIT("application/octet-stream");
    return SGL_OK;
}

static enum sgl_status not_base64(const struct sgl_composing *c, size_t index)
{
    return sgl_compose_refuse(c, "content is not base64", "RFC 4648 s4", index);
}

enum sgl_status sgl_compose_put_part(struct sgl_composing *c, const struct sgl_compose_part *part,
                                     size_t index, bool related)
{
    sgl_view type =
        part->content_type.len > 0 ? part->content_type : SGL_LIT("application/octet-stream");
    enum sgl_encoding encoding;

    if (part_encoding(part, &type, &encoding) != SGL_OK)
        return not_base64(c, index);
    SGL_TRY(put_type(c, type, index, false));
    put_encoding(c, encoding);
    SGL_TRY(put_disposition(c, part, index, related));
    SGL_TRY(put_content_id(c, part->content_id, index));
    sgl_buf_add(c->out, SGL_LIT("\r\n"));
    if (put_content(c, encoding, part) != SGL_OK)
        return not_base64(c, index);
    return c->out->status;
}

/* Never 8bit: what is around it was begun before it was looked at. */
enum sgl_status sgl_compose_put_form(struct sgl_composing *c, const struct sgl_compose_form *form,
                                     size_t index)
{
    struct sgl_composed_text text = {.crlf = SGL_BUF_INIT(form->content.len * 2 + 2)};
    enum sgl_status status;

    if (!sgl_compose_text_ok(form->content))
        return sgl_compose_refuse(c, "form is not UTF-8, or holds a NUL", "RFC 2045 s2.7", index);
    if (sgl_view_starts_nocase(sgl_view_trim(form->content_type), SGL_LIT("message/")))
        return sgl_compose_refuse(c, "form is a message, which only an attachment can be",
                                  "RFC 2046 s5.2", index);
    status = put_type(c, form->content_type, index, true);
    if (status == SGL_OK)
        status = prepare(false, form->content, &text);
    if (status == SGL_OK) {
        put_encoding(c, text.encoding);
        sgl_buf_add(c->out, SGL_LIT("\r\n"));
        put_body(c, text.encoding, text.view);
        status = c->out->status;
    }
    sgl_buf_done(&text.crlf);
    return status;
}
