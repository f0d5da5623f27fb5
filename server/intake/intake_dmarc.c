/* SPDX-License-Identifier: Apache-2.0 */
/* The XML of an aggregate report out of whatever it came in.  What it is tell its first bytes: senders call zip gzip, and gzip anything. */
#include "../archive/zip.h"
#include "../gzip/gzip.h"
#include "intake.h"
#include "sigillo/mime.h"

#define PARTS_MEMORY ((size_t)16 << 20)

static enum sgl_status no(enum sgl_status status, const char *what, const char **why)
{
    *why = what;
    return status;
}

bool intake_is_xml(sgl_view bytes)
{
    if (sgl_view_starts(bytes, SGL_LIT("\xff\xfe")) || sgl_view_starts(bytes, SGL_LIT("\xfe\xff")))
        return true; /* UTF-16 */
    if (sgl_view_starts(bytes, SGL_LIT("\xef\xbb\xbf")))
        bytes = sgl_view_from(bytes, 3);
    return sgl_view_starts(sgl_view_trim(sgl_view_sub(bytes, 0, 1000)), SGL_LIT("<"));
}

static bool is_packed(sgl_view bytes)
{
    return gzip_is(bytes) || zlib_is(bytes) || zip_is(bytes);
}

/* ---- unpacking ---- */

struct unpacking {
    const struct intake_sink *sink;
    bool begun, strange; /* strange: what is in it is no XML, perhaps packed again */
};

static bool pass_on(void *ctx, sgl_view bytes)
{
    struct unpacking *u = ctx;

    u->strange |= !u->begun && !intake_is_xml(bytes);
    u->begun = true;
    return !u->strange && u->sink->piece(u->sink->ctx, bytes);
}

static enum sgl_status unzip(sgl_view bytes, struct unpacking *u, const char **why)
{
    enum sgl_status status = gunzip_each(bytes, u->sink->max, pass_on, u);

    if (status == SGL_E_SYNTAX)
        return no(status, "its gzip is damaged or not whole", why);
    if (status == SGL_E_LIMIT)
        return no(status, "unpacked it is too large", why);
    return status;
}

static enum sgl_status plain_or_packed(sgl_view bytes, const struct intake_sink *sink,
                                       const char **why)
{
    struct unpacking u = {.sink = sink};
    enum sgl_status status;

    if (!is_packed(bytes)) {
        if (bytes.len > sink->max)
            return no(SGL_E_LIMIT, "it is too large", why);
        (void)sink->piece(sink->ctx, bytes);
        return SGL_OK;
    }
    if (bytes.len > INTAKE_DMARC_PACKED)
        return no(SGL_E_LIMIT, "it is too large", why);
    status = zip_is(bytes) ? zip_first(bytes, sink->max, pass_on, &u, why) : unzip(bytes, &u, why);
    if (status == SGL_OK && u.strange)
        return no(SGL_E_SYNTAX, "what is packed in it is no XML", why);
    return status;
}

/* ---- a mail ---- */

/* Its text for people is not it. */
static bool may_be_it(const struct sgl_mime_part *part)
{
    bool text = sgl_view_eq(part->type, SGL_LIT("text/plain"));

    return !part->multipart && part->body.len > 0 && (!text || part->filename.len > 0) &&
           !sgl_view_eq(part->type, SGL_LIT("text/html")) &&
           !sgl_view_starts(part->type, SGL_LIT("image/")) &&
           !sgl_view_starts(part->type, SGL_LIT("message/"));
}

/* SGL_MORE: it is something else, or broken: *why says so. */
static enum sgl_status try_part(const struct sgl_mime_part *part, const struct intake_sink *sink,
                                const char **why)
{
    sgl_auto(sgl_buf) attached = SGL_BUF_INIT(INTAKE_MAIL_MAX);
    enum sgl_status status = sgl_mime_decode(part, &attached);

    if (status == SGL_E_SYNTAX)
        return no(SGL_MORE, "its attachment is no base64", why);
    if (status != SGL_OK)
        return status == SGL_E_LIMIT ? no(status, "its attachment is too large", why) : status;
    if (!is_packed(sgl_buf_view(&attached)) && !intake_is_xml(sgl_buf_view(&attached)))
        return SGL_MORE;
    return plain_or_packed(sgl_buf_view(&attached), sink, why);
}

static enum sgl_status in_mail(sgl_view message, const struct intake_sink *sink, const char **why)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(PARTS_MEMORY);
    const char *otherwise = "there is no DMARC report in it";
    const struct sgl_mime_part *part;
    size_t parts, tried = 0;
    enum sgl_status status = sgl_mime_walk(message, &arena, &part, &parts);

    if (status == SGL_E_SYNTAX)
        return no(status, "it is neither XML nor packed nor a mail", why);
    if (status != SGL_OK)
        return status == SGL_E_LIMIT ? no(status, "the mail has too many parts", why) : status;
    for (size_t i = 0; i < parts && tried < INTAKE_ATTACHMENTS_MAX; i++) {
        if (!may_be_it(&part[i]))
            continue;
        tried++;
        status = try_part(&part[i], sink, why);
        if (status != SGL_MORE)
            return status;
        otherwise = (*why)[0] != '\0' ? *why : otherwise;
        *why = "";
    }
    return no(SGL_E_SYNTAX, otherwise, why);
}

enum sgl_status intake_dmarc_report(sgl_view bytes, const struct intake_sink *sink,
                                    const char **why)
{
    *why = "";
    if (is_packed(bytes) || intake_is_xml(bytes))
        return plain_or_packed(bytes, sink, why);
    if (bytes.len > INTAKE_MAIL_MAX)
        return no(SGL_E_LIMIT, "it is too large", why);
    return in_mail(bytes, sink, why);
}
