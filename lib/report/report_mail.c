/* SPDX-License-Identifier: Apache-2.0 */
/* The mail that brings a report: its name, its header fields, its parts.  [RFC 8460 s5.1, s5.3; RFC 9990 s3.5.2] */
#include "report_mail_internal.h"

#include "sigillo/ascii.h"
#include "sigillo/base64.h"
#include "sigillo/date.h"
#include "sigillo/dns_name.h"
#include "sigillo/header.h"
#include "sigillo/limits.h"

#include "sigillo/banned.h"

#define BOUNDARY 34
#define RANDOM   16
#define LINE     76 /* characters of base64  [RFC 2045 s6.8] */

/* ---- what a mail must have ---- */

sgl_view sgl_report_domain_of(sgl_view address)
{
    size_t at = address.len;

    while (at > 0 && address.ptr[at - 1] != '@')
        at--;
    return at == 0 ? sgl_view_of(NULL, 0) : sgl_view_from(address, at);
}

bool sgl_report_address_ok(sgl_view address)
{
    sgl_view domain = sgl_report_domain_of(address);

    for (size_t i = 0; i < address.len; i++)
        if (address.ptr[i] <= ' ' || address.ptr[i] >= 0x7f || address.ptr[i] == '<' ||
            address.ptr[i] == '>')
            return false;
    return address.len <= SGL_LIMIT_MAILBOX && address.len > domain.len + 1 &&
           sgl_name_ok(domain, SGL_NAME_UNDERSCORE);
}

bool sgl_report_letters_and_digits(sgl_view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (!sgl_ascii_is_alnum(v.ptr[i]))
            return false;
    return true;
}

bool sgl_report_id_ok(sgl_view id)
{
    sgl_view others = SGL_LIT("!#$%&'*+-/=?^_`{|}~.");

    for (size_t i = 0; i < id.len; i++)
        if (!sgl_ascii_is_alnum(id.ptr[i]) && sgl_view_find(others, id.ptr[i]) == others.len)
            return false;
    return id.len > 0 && id.len <= 200 && id.ptr[0] != '.' && id.ptr[id.len - 1] != '.' &&
           sgl_view_find_view(id, SGL_LIT("..")) == id.len;
}

enum sgl_status sgl_report_end_of(struct sgl_buf *out, size_t before)
{
    enum sgl_status status = out->status;

    if (status != SGL_OK) {
        sgl_buf_truncate(out, before);
        out->status = SGL_OK;
    }
    return status;
}

/* ---- the name of the file ---- */

void sgl_report_put_file(const struct sgl_report_file *f, struct sgl_buf *out)
{
    sgl_buf_add(out, f->receiver);
    sgl_buf_add_byte(out, '!');
    sgl_buf_add(out, f->domain);
    sgl_buf_add_byte(out, '!');
    sgl_buf_add_i64(out, f->begin);
    sgl_buf_add_byte(out, '!');
    sgl_buf_add_i64(out, f->end);
    if (f->unique.len > 0)
        sgl_buf_add_byte(out, '!');
    sgl_buf_add(out, f->unique);
}

/* ---- the message ---- */

struct writing {
    const struct sgl_report_mail *m;
    struct sgl_buf *out;
    struct sgl_buf scratch; /* one value */
    char boundary[BOUNDARY + 1];
};

static void make_boundary(struct writing *w)
{
    static const char hex[] = "0123456789abcdef";

    w->boundary[0] = '=';
    w->boundary[1] = '_';
    for (size_t i = 0; i < RANDOM; i++) {
        w->boundary[2 + 2 * i] = hex[w->m->random[i] >> 4];
        w->boundary[3 + 2 * i] = hex[w->m->random[i] & 15];
    }
    w->boundary[BOUNDARY] = 0;
}

static void put_field(struct writing *w, const char *name, sgl_view value)
{
    sgl_header_put(w->out, sgl_view_cstr(name), value);
}

/* The value that stands in the scratch; its failure becomes the message's. */
static void put_scratch(struct writing *w, const char *name)
{
    if (w->scratch.status != SGL_OK && w->out->status == SGL_OK)
        w->out->status = w->scratch.status;
    put_field(w, name, sgl_buf_view(&w->scratch));
    sgl_buf_reset(&w->scratch);
}

static void put_subject(struct writing *w)
{
    sgl_buf_add(&w->scratch, SGL_LIT("Report Domain: "));
    sgl_buf_add(&w->scratch, w->m->domain);
    sgl_buf_add(&w->scratch, SGL_LIT(" Submitter: "));
    sgl_buf_add(&w->scratch, w->m->submitter);
    sgl_buf_add(&w->scratch, SGL_LIT(" Report-ID: <"));
    sgl_buf_add(&w->scratch, w->m->id);
    sgl_buf_add_byte(&w->scratch, '>');
    put_scratch(w, "Subject");
}

static void put_address(struct writing *w, const char *name, sgl_view address)
{
    sgl_buf_add_byte(&w->scratch, '<');
    sgl_buf_add(&w->scratch, address);
    sgl_buf_add_byte(&w->scratch, '>');
    put_scratch(w, name);
}

static void put_header(struct writing *w)
{
    sgl_date_put(&w->scratch, w->m->now);
    put_scratch(w, "Date");
    put_address(w, "From", w->m->from);
    put_address(w, "To", w->m->to);
    if (w->m->message_id.len > 0)
        put_field(w, "Message-ID", w->m->message_id);
    put_subject(w);
    for (size_t i = 0; i < w->m->fields; i++)
        put_field(w, w->m->field[i].name, w->m->field[i].value);
    put_field(w, "MIME-Version", SGL_LIT("1.0"));
    sgl_buf_addf(&w->scratch, "%s; boundary=\"%s\"", w->m->multipart, w->boundary);
    put_scratch(w, "Content-Type");
    sgl_buf_add(w->out, SGL_LIT("\r\nThis is a multipart message in MIME format.\r\n"));
}

static void put_parts(struct writing *w)
{
    sgl_buf_addf(w->out, "\r\n--%s\r\n", w->boundary);
    sgl_buf_add(w->out, SGL_LIT("Content-Type: text/plain; charset=us-ascii\r\n\r\n"));
    sgl_buf_add(w->out, w->m->text);
    sgl_buf_addf(w->out, "\r\n--%s\r\n", w->boundary);
    put_field(w, "Content-Type", sgl_view_cstr(w->m->type));
    put_field(w, "Content-Transfer-Encoding", SGL_LIT("base64"));
    sgl_buf_add(&w->scratch, SGL_LIT("attachment; filename=\""));
    sgl_buf_add(&w->scratch, w->m->filename);
    sgl_buf_add_byte(&w->scratch, '"');
    put_scratch(w, "Content-Disposition");
    sgl_buf_add(w->out, SGL_LIT("\r\n"));
    sgl_base64_encode_lines(w->out, w->m->attachment, LINE);
    sgl_buf_addf(w->out, "\r\n--%s--\r\n", w->boundary);
}

void sgl_report_put_mail(const struct sgl_report_mail *mail, struct sgl_buf *out)
{
    struct writing w = {.m = mail, .out = out, .scratch = SGL_BUF_INIT(4096)};

    make_boundary(&w);
    put_header(&w);
    put_parts(&w);
    sgl_buf_done(&w.scratch);
}
