/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Read from the front, entry by entry, as the archive streams by: the directory at its end is not asked, so entries cannot overlap, and none is read twice.  Its sizes are not
 * believed either: what comes out is counted.
 */
#include "zip.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

#include "sigillo/buf.h"

#define RATIO_MAX  200 /* bytes out of one: XML of reports has some 30 */
#define RATIO_FROM ((uint64_t)1 << 20)

bool zip_is(sgl_view in)
{
    return sgl_view_starts(in, SGL_LIT("PK\x03\x04"));
}

static enum sgl_status no(enum sgl_status status, const char *what, const char **why)
{
    *why = what;
    return status;
}

static enum sgl_status failure(struct archive *a, const char **why)
{
    if (archive_errno(a) == ENOMEM)
        return SGL_E_NOMEM;
    return no(SGL_E_SYNTAX, "its zip archive is damaged or not whole", why);
}

/* Other methods want memory that the archive names. */
static bool is_deflated(struct archive *a)
{
    sgl_view form = sgl_view_cstr(archive_format_name(a));

    return sgl_view_ends(form, SGL_LIT("(deflation)")) ||
           sgl_view_ends(form, SGL_LIT("(uncompressed)"));
}

/* What is passed over and says so is passed over packed; else all of it is unpacked to find its end, and nobody counts. */
static bool is_empty(struct archive_entry *entry)
{
    return archive_entry_size_is_set(entry) != 0 && archive_entry_size(entry) == 0;
}

/* SGL_MORE: this entry is not it. */
static enum sgl_status look(struct archive *a, struct archive_entry *entry, uint64_t max,
                            const char **why)
{
    if (archive_entry_is_encrypted(entry) != 0)
        return no(SGL_E_SYNTAX, "its zip archive is encrypted", why);
    if (archive_entry_filetype(entry) != AE_IFREG)
        return is_empty(entry)
                   ? SGL_MORE
                   : no(SGL_E_SYNTAX, "its zip archive has a folder with something in it", why);
    if (is_empty(entry))
        return SGL_MORE;
    if (archive_entry_size_is_set(entry) != 0) {
        if (archive_entry_size(entry) < 0 || (uint64_t)archive_entry_size(entry) > max)
            return no(SGL_E_LIMIT, "unpacked it is too large", why);
    }
    if (!is_deflated(a))
        return no(SGL_E_SYNTAX, "its zip archive is packed in a way that reports are not", why);
    return SGL_OK;
}

static enum sgl_status find(struct archive *a, uint64_t max, const char **why)
{
    struct archive_entry *entry;

    for (int i = 0; i < ZIP_ENTRIES_MAX; i++) {
        int got = archive_read_next_header(a, &entry);
        enum sgl_status status;

        if (got == ARCHIVE_EOF)
            break;
        if (got != ARCHIVE_OK && got != ARCHIVE_WARN) /* a warning: its name cannot be read */
            return failure(a, why);
        status = look(a, entry, max, why);
        if (status != SGL_MORE)
            return status;
    }
    return no(SGL_E_SYNTAX, "its zip archive has no file", why);
}

static enum sgl_status unpack(struct archive *a, sgl_view in, uint64_t max,
                              bool (*piece)(void *ctx, sgl_view bytes), void *ctx, const char **why)
{
    const void *block;
    size_t len;
    la_int64_t off;
    uint64_t out = 0;
    int got;

    while ((got = archive_read_data_block(a, &block, &len, &off)) == ARCHIVE_OK) {
        out += len;
        if (out > max || (out > RATIO_FROM && out / RATIO_MAX > in.len))
            return no(SGL_E_LIMIT, "unpacked it is too large", why);
        if (len > 0 && !piece(ctx, sgl_view_of(block, len)))
            return SGL_OK;
    }
    return got == ARCHIVE_EOF ? SGL_OK : failure(a, why);
}

enum sgl_status zip_first(sgl_view in, uint64_t max, bool (*piece)(void *ctx, sgl_view bytes),
                          void *ctx, const char **why)
{
    struct archive *a = archive_read_new();
    enum sgl_status status = SGL_E_NOMEM;

    *why = "";
    if (a == NULL)
        return SGL_E_NOMEM;
    if (archive_read_support_format_zip_streamable(a) == ARCHIVE_OK) {
        if (archive_read_open_memory(a, in.ptr, in.len) == ARCHIVE_OK)
            status = find(a, max, why);
        else
            status = failure(a, why);
    }
    if (status == SGL_OK)
        status = unpack(a, in, max, piece, ctx, why);
    (void)archive_read_free(a);
    return status;
}
