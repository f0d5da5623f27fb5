/* SPDX-License-Identifier: Apache-2.0 */
#include "intake.h"

#include "../gzip/gzip.h"
#include "sigillo/mime.h"

#define PARTS_MEMORY ((size_t)16 << 20)

static enum sgl_status no(enum sgl_status status, const char *what, const char **why)
{
    *why = what;
    return status;
}

static bool is_json(sgl_view text)
{
    if (sgl_view_starts(text, SGL_LIT("\xef\xbb\xbf")))
        text = sgl_view_from(text, 3);
    return sgl_view_starts(sgl_view_trim(text), SGL_LIT("{"));
}

static bool is_zip(sgl_view bytes)
{
    return sgl_view_starts(bytes, SGL_LIT("PK\x03\x04"));
}

/* JSON, or gzip of it. */
static enum sgl_status plain_or_packed(sgl_view bytes, struct sgl_buf *text, const char **why)
{
    enum sgl_status status;

    if (is_zip(bytes))
        return no(SGL_E_SYNTAX, "it is a zip archive; reports about TLS are JSON or gzip", why);
    if (!gzip_is(bytes)) {
        sgl_buf_add(text, bytes);
        return text->status == SGL_E_LIMIT ? no(SGL_E_LIMIT, "it is too large", why) : text->status;
    }
    status = gunzip_first(bytes, text);
    if (status == SGL_E_SYNTAX)
        return no(status, "its gzip is damaged or not whole", why);
    if (status == SGL_E_LIMIT)
        return no(status, "unpacked it is too large", why);
    return status;
}

static bool is_report(const struct sgl_mime_part *part)
{
    return sgl_view_eq(part->type, SGL_LIT("application/tlsrpt+gzip")) ||
           sgl_view_eq(part->type, SGL_LIT("application/tlsrpt+json"));
}

/* Some senders have no word for it but that of the file. */
static bool is_called_so(const struct sgl_mime_part *part)
{
    return sgl_view_ends_nocase(part->filename, SGL_LIT(".json.gz")) ||
           sgl_view_ends_nocase(part->filename, SGL_LIT(".json")) ||
           sgl_view_ends_nocase(part->filename, SGL_LIT(".zip"));
}

static const struct sgl_mime_part *find(const struct sgl_mime_part *part, size_t parts,
                                        bool (*is)(const struct sgl_mime_part *part))
{
    for (size_t i = 0; i < parts; i++)
        if (!part[i].multipart && is(&part[i]))
            return &part[i];
    return NULL;
}

static enum sgl_status in_mail(sgl_view message, struct sgl_buf *text, const char **why)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(PARTS_MEMORY);
    sgl_auto(sgl_buf) attached = SGL_BUF_INIT(INTAKE_PACKED_MAX);
    const struct sgl_mime_part *part, *found;
    size_t parts;
    enum sgl_status status = sgl_mime_walk(message, &arena, &part, &parts);

    if (status == SGL_E_SYNTAX)
        return no(status, "it is neither JSON nor gzip nor a mail", why);
    if (status == SGL_E_LIMIT)
        return no(status, "the mail has too many parts", why);
    if (status != SGL_OK)
        return status;
    found = find(part, parts, is_report);
    if (found == NULL)
        found = find(part, parts, is_called_so);
    if (found == NULL)
        return no(SGL_E_SYNTAX, "there is no report about TLS in it", why);
    status = sgl_mime_decode(found, &attached);
    if (status == SGL_E_SYNTAX)
        return no(status, "its attachment is no base64", why);
    if (status == SGL_E_LIMIT)
        return no(status, "its attachment is too large", why);
    if (status != SGL_OK)
        return status;
    return plain_or_packed(sgl_buf_view(&attached), text, why);
}

enum sgl_status intake_tls_report(sgl_view bytes, struct sgl_buf *text, const char **why)
{
    size_t from = text->len;
    enum sgl_status status;

    *why = "";
    if (bytes.len > INTAKE_PACKED_MAX && !is_json(bytes))
        return no(SGL_E_LIMIT, "it is too large", why);
    status = gzip_is(bytes) || is_zip(bytes) || is_json(bytes) ? plain_or_packed(bytes, text, why)
                                                               : in_mail(bytes, text, why);
    if (status != SGL_OK)
        return status;
    if (gzip_is(sgl_view_from(sgl_buf_view(text), from)))
        return no(SGL_E_SYNTAX, "it is packed twice", why);
    return SGL_OK;
}
