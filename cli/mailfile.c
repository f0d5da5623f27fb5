/* SPDX-License-Identifier: Apache-2.0 */
#include "mailfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sigillo/limits.h"

#define RAW_SIZE  ((size_t)64 * 1024)
#define HEAD_MAX  (SGL_LIMIT_HEADER_SIZE + 4 * RAW_SIZE)
#define ARENA_MAX ((size_t)8 << 20)

static const char *title(const struct mailfile *m)
{
    return m->standard ? "standard input" : m->name;
}

static bool refuse(struct mailfile *m, const char *why)
{
    m->failed = true;
    cli_error(CLI_USAGE, title(m), "%s", why);
    return false;
}

/* ---- reading --------------------------------------------------------------------------------------------------------- */

/* Copies with each bare LF as CRLF; `to` has room for twice as much. */
static size_t convert(struct mailfile *m, sgl_view raw, uint8_t *to)
{
    size_t len = 0;

    while (raw.len > 0) {
        const uint8_t *lf = memchr(raw.ptr, '\n', raw.len);
        size_t line = lf == NULL ? raw.len : (size_t)(lf - raw.ptr);
        bool cr = line > 0 ? raw.ptr[line - 1] == '\r' : m->after_cr;

        memcpy(to + len, raw.ptr, line);
        len += line;
        if (lf == NULL) {
            m->after_cr = cr;
            return len;
        }
        if (!cr)
            to[len++] = '\r';
        to[len++] = '\n';
        m->after_cr = false;
        raw = sgl_view_from(raw, line + 1);
    }
    return len;
}

/* false: the end, or an error. */
static bool read_piece(struct mailfile *m, sgl_view *piece)
{
    size_t n = m->over ? 0 : fread(m->raw, 1, RAW_SIZE, m->file);

    if (n == 0) {
        m->over = true;
        if (ferror(m->file))
            refuse(m, strerror(errno));
        return false;
    }
    *piece = sgl_view_of(m->piece, convert(m, sgl_view_of(m->raw, n), m->piece));
    return true;
}

/* Does the header end within `head`?  `from`: where the last search ended. */
static bool header_ended(sgl_view head, size_t from)
{
    sgl_view rest = sgl_view_from(head, from < 3 ? 0 : from - 3);

    return sgl_view_starts(head, SGL_LIT("\r\n")) ||
           sgl_view_find_view(rest, SGL_LIT("\r\n\r\n")) < rest.len;
}

static bool read_head(struct mailfile *m)
{
    sgl_view piece;
    size_t looked = 0;

    while (!header_ended(sgl_buf_view(&m->head), looked) &&
           m->head.len <= SGL_LIMIT_HEADER_SIZE + RAW_SIZE) {
        looked = m->head.len;
        if (!read_piece(m, &piece))
            break;
        if (looked == 0) {
            const uint8_t *lf = memchr(m->raw, '\n', RAW_SIZE);

            m->lf = lf != NULL && (lf == m->raw || lf[-1] != '\r');
        }
        sgl_buf_add(&m->head, piece);
    }
    if (m->head.status != SGL_OK)
        return refuse(m, "out of memory");
    return !m->failed;
}

static bool parse_head(struct mailfile *m, unsigned flags)
{
    struct sgl_diag diag = {0};
    enum sgl_headers_rules rules =
        (flags & MAILFILE_STRICT) != 0 ? SGL_HEADERS_STRICT : SGL_HEADERS_TOLERANT;
    enum sgl_status status =
        sgl_headers_parse(sgl_buf_view(&m->head), rules, &m->arena, &m->headers, &diag);

    if (status == SGL_E_NOMEM)
        return refuse(m, "out of memory");
    if (status != SGL_OK)
        return refuse(m, diag.what != NULL ? diag.what : "its header is too large");
    if ((flags & MAILFILE_BARE) != 0 && (m->headers.has_separator || m->head.len == 0))
        return true;
    if (m->headers.count == 0)
        return refuse(m, "it is not a message: it does not begin with a header field");
    return true;
}

/* ---- opening --------------------------------------------------------------------------------------------------------- */

/* Standard input may be a pipe: what is read twice goes to a temporary file first. */
static bool keep_input(struct mailfile *m)
{
    FILE *kept;
    size_t n;

    m->start = ftello(m->file); /* whoever came before may have read a part */
    if (m->start >= 0)
        return true;
    m->start = 0;
    kept = tmpfile();
    if (kept == NULL)
        return refuse(m, "no temporary file can be made for it");
    while ((n = fread(m->raw, 1, RAW_SIZE, m->file)) > 0) {
        if (fwrite(m->raw, 1, n, kept) != n)
            break;
    }
    if (ferror(m->file) || ferror(kept) || fflush(kept) != 0) {
        fclose(kept);
        return refuse(m, "it cannot be kept in a temporary file");
    }
    m->file = kept;
    rewind(kept);
    return true;
}

static bool open_file(struct mailfile *m, unsigned flags)
{
    m->raw = malloc(3 * RAW_SIZE);
    if (m->raw == NULL)
        return refuse(m, "out of memory");
    m->piece = m->raw + RAW_SIZE;
    memset(m->raw, 0, RAW_SIZE);
    m->file = m->standard ? stdin : fopen(m->name, "rb");
    if (m->file == NULL)
        return refuse(m, strerror(errno));
    if ((flags & MAILFILE_TWICE) != 0 && !keep_input(m))
        return false;
    return read_head(m) && parse_head(m, flags);
}

bool mailfile_open(struct mailfile *m, const char *path, unsigned flags, int *status)
{
    memset(m, 0, sizeof *m);
    m->standard = path == NULL || strcmp(path, "-") == 0;
    m->name = path;
    sgl_buf_init(&m->head, HEAD_MAX);
    sgl_arena_init(&m->arena, ARENA_MAX);
    if (open_file(m, flags))
        return true;
    mailfile_done(m);
    *status = CLI_USAGE;
    return false;
}

bool mailfile_next(struct mailfile *m, sgl_view *piece)
{
    if (!m->head_given) {
        m->head_given = true;
        *piece = sgl_view_from(sgl_buf_view(&m->head), m->headers.body_off);
        if (piece->len > 0)
            return true;
    }
    return read_piece(m, piece);
}

bool mailfile_copy(struct mailfile *m, FILE *to)
{
    size_t n;

    if (fseeko(m->file, m->start, SEEK_SET) != 0)
        return refuse(m, strerror(errno));
    while ((n = fread(m->raw, 1, RAW_SIZE, m->file)) > 0)
        fwrite(m->raw, 1, n, to);
    if (ferror(m->file))
        return refuse(m, strerror(errno));
    return true;
}

void mailfile_put_fields(const struct mailfile *m, sgl_view fields, FILE *to)
{
    while (fields.len > 0) {
        sgl_view line = sgl_view_sub(fields, 0, sgl_view_find(fields, '\n') + 1);

        fields = sgl_view_from(fields, line.len);
        if (m->lf)
            line.len -= 2;
        fwrite(line.ptr, 1, line.len, to);
        if (m->lf)
            putc('\n', to);
    }
}

void mailfile_done(struct mailfile *m)
{
    if (m->file != NULL && m->file != stdin)
        fclose(m->file);
    m->file = NULL;
    free(m->raw);
    m->raw = m->piece = NULL;
    sgl_buf_done(&m->head);
    sgl_arena_done(&m->arena);
}
