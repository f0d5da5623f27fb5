/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/received.h"

#include "sigillo/ascii.h"
#include "sigillo/date.h"

#include "sigillo/banned.h"

#define COLUMN_MAX 76

struct trace {
    struct sgl_buf *buf;
    size_t column;
};

/*
 * One clause, on a new line if it does not fit. Bytes that a trace cannot hold become "?": they are evidence, not syntax.
 * UTF-8 is among them: it would ask SMTPUTF8 of every server after us, for a message that may do without.
 */
static void put(struct trace *t, const char *before, sgl_view value, const char *after)
{
    size_t len = strlen(before) + value.len + strlen(after);

    if (value.len > 500)
        value.len = 500;
    if (t->column + 1 + len > COLUMN_MAX) {
        sgl_buf_add(t->buf, SGL_LIT("\r\n\t"));
        t->column = 8;
    } else {
        sgl_buf_add_byte(t->buf, ' ');
        t->column++;
    }
    sgl_buf_add_cstr(t->buf, before);
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.ptr[i];
        bool unfit = c >= 0x80 || sgl_ascii_is_control(c) || memchr("()\\;<>\"", c, 7) != NULL;

        sgl_buf_add_byte(t->buf, unfit ? '?' : c);
    }
    sgl_buf_add_cstr(t->buf, after);
    t->column += len;
}

/* A name must not hold blanks; a comment may. */
static void put_name(struct trace *t, const char *before, sgl_view value)
{
    uint8_t clean[255];
    size_t n = value.len < sizeof clean ? value.len : sizeof clean;

    for (size_t i = 0; i < n; i++)
        clean[i] = sgl_ascii_is_wsp(value.ptr[i]) ? '?' : value.ptr[i];
    put(t, before, n == 0 ? SGL_LIT("unknown") : sgl_view_of(clean, n), "");
}

/* An additional clause stands last; the cipher is its value, the version a comment. [RFC 8314 s4.3; RFC 5321 s4.4] */
static void put_tls(struct trace *t, const struct sgl_received *r)
{
    if (r->tls_cipher.len == 0)
        return;
    put_name(t, "tls ", r->tls_cipher);
    if (r->tls_version.len > 0)
        put(t, "(", r->tls_version, ")");
}

/* A mailbox is valid by its type, quotes included. */
static void put_recipient(struct trace *t, const struct sgl_mailbox *recipient)
{
    size_t len = recipient->text.len + sizeof "for <>" - 1;
    bool fold = t->column + len + 1 > COLUMN_MAX;

    sgl_buf_add(t->buf, fold ? SGL_LIT("\r\n\tfor <") : SGL_LIT(" for <"));
    sgl_buf_add(t->buf, recipient->text);
    sgl_buf_add_byte(t->buf, '>');
    t->column = (fold ? 8 : t->column + 1) + len;
}

void sgl_received_put(struct sgl_buf *buf, const struct sgl_received *r)
{
    struct trace t = {buf, sizeof "Received:" - 1};

    sgl_buf_add(buf, SGL_LIT("Received:"));
    put_name(&t, "from ", r->helo);
    if (r->peer.len > 0)
        put(&t, "(", r->peer, ")");
    put_name(&t, "by ", r->by);
    put_name(&t, "with ", r->with);
    if (r->id.len > 0)
        put_name(&t, "id ", r->id);
    if (r->recipient != NULL)
        put_recipient(&t, r->recipient);
    put_tls(&t, r);
    sgl_buf_add(buf, SGL_LIT(";\r\n\t"));
    sgl_date_put(buf, r->time);
    sgl_buf_add(buf, SGL_LIT("\r\n"));
}
