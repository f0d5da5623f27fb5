/* SPDX-License-Identifier: Apache-2.0 */
/* Parts and their boundaries  [RFC 2046 s5.1].  A multipart is cut into its parts before they are looked into, so an outer boundary always ends an inner part. */
#include "sigillo/mime.h"

#include "sigillo/base64.h"
#include "sigillo/limits.h"
#include "sigillo/qp.h"

#include "sigillo/banned.h"

#define BOUNDARY_MAX 70 /* [RFC 2046 s5.1.1] */

struct walk {
    struct sgl_arena *arena;
    struct sgl_mime_part *part;
    size_t count;
};

/* ---- one part ---- */

/* A structured field of the part; false with SGL_OK: there is none that can be read. */
static enum sgl_status structured(struct walk *w, const struct sgl_mime_part *part,
                                  const char *name, struct sgl_param_value *out, bool *there)
{
    const struct sgl_header *field = sgl_headers_first(&part->headers, sgl_view_cstr(name));
    enum sgl_status status = SGL_E_SYNTAX;

    if (field != NULL)
        status = sgl_param_parse(field->value, w->arena, out, NULL);
    *there = status == SGL_OK;
    return status == SGL_E_NOMEM || w->arena->status != SGL_OK ? w->arena->status : SGL_OK;
}

static enum sgl_status read_encoding(struct walk *w, struct sgl_mime_part *part)
{
    struct sgl_param_value value;
    bool there;

    SGL_TRY(structured(w, part, "Content-Transfer-Encoding", &value, &there));
    if (there)
        part->encoding = value.token;
    return SGL_OK;
}

static enum sgl_status read_filename(struct walk *w, struct sgl_mime_part *part)
{
    struct sgl_param_value value;
    bool there;

    SGL_TRY(structured(w, part, "Content-Disposition", &value, &there));
    if (there)
        part->filename = sgl_param_get(&value, SGL_LIT("filename"));
    if (part->filename.len == 0)
        part->filename = sgl_param_get(&part->content_type, SGL_LIT("name"));
    return SGL_OK;
}

/* What has no type is text, or a message where the multipart is a digest [RFC 2046 s5.1.5]. */
static sgl_view presumed_type(const struct walk *w, const struct sgl_mime_part *part)
{
    return part->depth > 0 && sgl_view_eq(w->part[part->parent].type, SGL_LIT("multipart/digest"))
               ? SGL_LIT("message/rfc822")
               : SGL_LIT("text/plain");
}

static enum sgl_status read_type(struct walk *w, struct sgl_mime_part *part)
{
    bool there;

    SGL_TRY(structured(w, part, "Content-Type", &part->content_type, &there));
    there = there && sgl_media_type_ok(part->content_type.token);
    part->type = there ? part->content_type.token : presumed_type(w, part);
    part->multipart = sgl_view_starts(part->type, SGL_LIT("multipart/")) &&
                      sgl_param_get(&part->content_type, SGL_LIT("boundary")).len > 0;
    return SGL_OK;
}

/* Adds the part that these bytes are. */
static enum sgl_status add_part(struct walk *w, sgl_view bytes, unsigned depth, size_t parent)
{
    struct sgl_mime_part *part = &w->part[w->count];
    enum sgl_status status;

    if (w->count == SGL_LIMIT_MIME_PARTS)
        return SGL_E_LIMIT;
    *part = (struct sgl_mime_part){.depth = depth, .parent = parent};
    status = sgl_headers_parse(bytes, SGL_HEADERS_TOLERANT, w->arena, &part->headers, NULL);
    if (status == SGL_E_SYNTAX && depth > 0) { /* no header: all of it is the text */
        part->headers = (struct sgl_headers){.body_off = 0};
        status = SGL_OK;
    }
    SGL_TRY(status);
    part->body = sgl_view_from(bytes, part->headers.body_off);
    SGL_TRY(read_type(w, part));
    SGL_TRY(read_encoding(w, part));
    w->count++;
    return read_filename(w, part);
}

/* ---- boundaries ---- */

enum line { LINE_OTHER, LINE_BOUNDARY, LINE_LAST };

/* "--boundary", or "--boundary--" at the end; blanks may follow. */
static enum line line_kind(sgl_view line, sgl_view boundary)
{
    enum line kind = LINE_BOUNDARY;

    if (!sgl_view_starts(line, SGL_LIT("--")) || !sgl_view_starts(sgl_view_from(line, 2), boundary))
        return LINE_OTHER;
    line = sgl_view_from(line, 2 + boundary.len);
    if (sgl_view_starts(line, SGL_LIT("--"))) {
        kind = LINE_LAST;
        line = sgl_view_from(line, 2);
    }
    return sgl_view_trim(line).len == 0 ? kind : LINE_OTHER;
}

/* The line end in front of a boundary belongs to the boundary. */
static sgl_view without_last_end(sgl_view part)
{
    if (part.len > 0 && part.ptr[part.len - 1] == '\n')
        part.len--;
    if (part.len > 0 && part.ptr[part.len - 1] == '\r')
        part.len--;
    return part;
}

/* The next part of a multipart's rest; false: there is none.  The last one may do without its boundary. */
static bool next_part(sgl_view *rest, sgl_view boundary, bool *begun, sgl_view *out)
{
    sgl_view all = *rest;
    size_t from = 0, at = 0;

    while (at < all.len) {
        size_t end = at + sgl_view_find(sgl_view_from(all, at), '\n');
        size_t next = end < all.len ? end + 1 : all.len;
        enum line kind = line_kind(sgl_view_sub(all, at, next - at), boundary);

        if (kind != LINE_OTHER && *begun) {
            *out = without_last_end(sgl_view_sub(all, from, at - from));
            *rest = kind == LINE_LAST ? sgl_view_of(NULL, 0) : sgl_view_from(all, next);
            return true;
        }
        if (kind == LINE_LAST)
            break;
        if (kind == LINE_BOUNDARY) {
            *begun = true;
            from = next;
        }
        at = next;
    }
    *rest = sgl_view_of(NULL, 0);
    *out = sgl_view_from(all, from);
    return *begun && from < all.len;
}

/* As deep as SGL_LIMIT_MIME_DEPTH. */
static enum sgl_status walk_into(struct walk *w, size_t index);

static enum sgl_status walk_parts(struct walk *w, size_t index, sgl_view boundary)
{
    sgl_view rest = w->part[index].body, one;
    bool begun = false;

    while (rest.len > 0 && next_part(&rest, boundary, &begun, &one)) {
        size_t added = w->count;

        SGL_TRY(add_part(w, one, w->part[index].depth + 1, index));
        SGL_TRY(walk_into(w, added));
    }
    return SGL_OK;
}

static enum sgl_status walk_into(struct walk *w, size_t index)
{
    const struct sgl_mime_part *part = &w->part[index];
    sgl_view boundary = sgl_param_get(&part->content_type, SGL_LIT("boundary"));

    if (!part->multipart || boundary.len > BOUNDARY_MAX)
        return SGL_OK;
    if (part->depth == SGL_LIMIT_MIME_DEPTH)
        return SGL_E_LIMIT;
    return walk_parts(w, index, boundary);
}

enum sgl_status sgl_mime_walk(sgl_view message, struct sgl_arena *arena,
                              const struct sgl_mime_part **out, size_t *count)
{
    struct walk w = {.arena = arena,
                     .part = SGL_NEW_N(arena, SGL_LIMIT_MIME_PARTS, struct sgl_mime_part)};

    if (w.part == NULL)
        return arena->status;
    SGL_TRY(add_part(&w, message, 0, 0));
    SGL_TRY(walk_into(&w, 0));
    *out = w.part;
    *count = w.count;
    return SGL_OK;
}

/* ---- bodies ---- */

enum sgl_status sgl_mime_decode(const struct sgl_mime_part *part, struct sgl_buf *out)
{
    if (sgl_view_eq(part->encoding, SGL_LIT("base64")))
        return sgl_base64_decode_fws(part->body, out);
    if (sgl_view_eq(part->encoding, SGL_LIT("quoted-printable")))
        sgl_qp_decode(out, part->body, false);
    else
        sgl_buf_add(out, part->body);
    return out->status;
}
