/* SPDX-License-Identifier: Apache-2.0 */
/* The mail that brings a TLS report: its name, its header fields, a text for people.  [RFC 8460 s5.1, s5.3] */
#include "tls_report_internal.h"

#include "sigillo/ascii.h"
#include "sigillo/base64.h"
#include "sigillo/date.h"
#include "sigillo/header.h"

#include "sigillo/banned.h"

#define BOUNDARY 34
#define LINE     76 /* characters of base64  [RFC 2045 s6.8] */

/* ---- what a mail must have ---- */

static bool letters_and_digits(sgl_view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (!sgl_ascii_is_alnum(v.ptr[i]))
            return false;
    return true;
}

/* What may stand on the left of "@" without quotes; an id that is not so would need them in the Subject. [RFC 5322 s3.2.3] */
static bool id_ok(sgl_view id)
{
    sgl_view others = SGL_LIT("!#$%&'*+-/=?^_`{|}~.");

    for (size_t i = 0; i < id.len; i++)
        if (!sgl_ascii_is_alnum(id.ptr[i]) && sgl_view_find(others, id.ptr[i]) == others.len)
            return false;
    return id.len > 0 && id.len <= 200 && id.ptr[0] != '.' && id.ptr[id.len - 1] != '.' &&
           sgl_view_find_view(id, SGL_LIT("..")) == id.len;
}

static bool file_ok(const struct sgl_tls_report_mail *m)
{
    return sgl_tls_report_domain_ok(m->domain) && letters_and_digits(m->unique) &&
           m->unique.len <= 64 && sgl_tls_report_address_ok(m->report->contact) &&
           m->report->begin >= 0 && m->report->end >= m->report->begin;
}

static bool mail_ok(const struct sgl_tls_report_mail *m)
{
    return file_ok(m) && m->attachment.len > 0 && id_ok(m->report->id) &&
           sgl_tls_report_address_ok(m->from) && sgl_tls_report_address_ok(m->to) &&
           sgl_view_eq_nocase(sgl_tls_report_domain_of(m->from),
                              sgl_tls_report_submitter(m->report));
}

/* ---- the name of the file ---- */

static void put_filename(const struct sgl_tls_report_mail *m, struct sgl_buf *out)
{
    sgl_buf_add(out, sgl_tls_report_submitter(m->report));
    sgl_buf_add_byte(out, '!');
    sgl_buf_add(out, m->domain);
    sgl_buf_add_byte(out, '!');
    sgl_buf_add_i64(out, m->report->begin);
    sgl_buf_add_byte(out, '!');
    sgl_buf_add_i64(out, m->report->end);
    if (m->unique.len > 0)
        sgl_buf_add_byte(out, '!');
    sgl_buf_add(out, m->unique);
    sgl_buf_add(out, m->gzip ? SGL_LIT(".json.gz") : SGL_LIT(".json"));
}

/* ---- the text for people ---- */

static void put_failures(struct sgl_buf *out, const struct sgl_tls_report_policy *p)
{
    for (size_t i = 0; i < p->failures; i++) {
        bool first = true;
        uint64_t sessions = 0;

        for (size_t k = 0; k < p->failures; k++) {
            if (!sgl_view_eq(p->failure[i].result, p->failure[k].result))
                continue;
            first &= k >= i;
            sessions += p->failure[k].sessions;
        }
        if (!first)
            continue;
        sgl_buf_add(out, SGL_LIT("    "));
        sgl_buf_add_escaped(out, p->failure[i].result, 64);
        sgl_buf_add(out, SGL_LIT(": "));
        sgl_buf_add_u64(out, sessions);
        sgl_buf_add(out, SGL_LIT("\r\n"));
    }
}

static void put_text(const struct sgl_tls_report_mail *m, struct sgl_buf *out)
{
    const struct sgl_tls_report *r = m->report;

    sgl_buf_add(out, SGL_LIT("This is an aggregate TLS report from "));
    sgl_buf_add(out, sgl_tls_report_submitter(r));
    sgl_buf_add(out, SGL_LIT("\r\nabout sessions to "));
    sgl_buf_add(out, m->domain);
    sgl_buf_add(out, SGL_LIT(",\r\nfrom "));
    sgl_date_put_internet(out, r->begin);
    sgl_buf_add(out, SGL_LIT(" to "));
    sgl_date_put_internet(out, r->end);
    sgl_buf_add(out, SGL_LIT(".\r\n"));
    for (size_t i = 0; i < r->policies; i++) {
        const struct sgl_tls_report_policy *p = &r->policy[i];

        sgl_buf_add(out, SGL_LIT("\r\nPolicy "));
        sgl_buf_add_cstr(out, sgl_tls_policy_type_name(p->type));
        sgl_buf_add(out, SGL_LIT(":\r\n  sessions as the policy asks: "));
        sgl_buf_add_u64(out, p->successes);
        sgl_buf_add(out, SGL_LIT("\r\n  sessions that failed: "));
        sgl_buf_add_u64(out, p->failed);
        sgl_buf_add(out, SGL_LIT("\r\n"));
        put_failures(out, p);
    }
    sgl_buf_add(out, SGL_LIT("\r\nThe whole report is attached. Its form is that of RFC 8460.\r\n"
                             "The domain asks for it by its record _smtp._tls."));
    sgl_buf_add(out, m->domain);
    sgl_buf_add(out, SGL_LIT("\r\n"));
}

/* ---- the message ---- */

struct writing {
    const struct sgl_tls_report_mail *m;
    struct sgl_buf *out;
    struct sgl_buf scratch; /* one value */
    char boundary[BOUNDARY + 1];
};

static void make_boundary(struct writing *w)
{
    static const char hex[] = "0123456789abcdef";

    w->boundary[0] = '=';
    w->boundary[1] = '_';
    for (size_t i = 0; i < sizeof w->m->random; i++) {
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

/* [RFC 8460 s5.3] */
static void put_subject(struct writing *w)
{
    const struct sgl_tls_report *r = w->m->report;

    sgl_buf_add(&w->scratch, SGL_LIT("Report Domain: "));
    sgl_buf_add(&w->scratch, w->m->domain);
    sgl_buf_add(&w->scratch, SGL_LIT(" Submitter: "));
    sgl_buf_add(&w->scratch, sgl_tls_report_submitter(r));
    sgl_buf_add(&w->scratch, SGL_LIT(" Report-ID: <"));
    sgl_buf_add(&w->scratch, r->id);
    sgl_buf_add_byte(&w->scratch, '@');
    sgl_buf_add(&w->scratch, sgl_tls_report_submitter(r));
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
    put_field(w, "TLS-Report-Domain", w->m->domain);
    put_field(w, "TLS-Report-Submitter", sgl_tls_report_submitter(w->m->report));
    put_field(w, "Auto-Submitted", SGL_LIT("auto-generated")); /* [RFC 3834 s5] */
    put_field(w, "TLS-Required", SGL_LIT("No"));               /* [RFC 8460 s3, RFC 8689 s3] */
    put_field(w, "MIME-Version", SGL_LIT("1.0"));
    sgl_buf_addf(&w->scratch, "multipart/report; report-type=\"tlsrpt\"; boundary=\"%s\"",
                 w->boundary);
    put_scratch(w, "Content-Type");
    sgl_buf_add(w->out, SGL_LIT("\r\nThis is a multipart message in MIME format.\r\n"));
}

static void put_parts(struct writing *w)
{
    sgl_buf_addf(w->out, "\r\n--%s\r\n", w->boundary);
    sgl_buf_add(w->out, SGL_LIT("Content-Type: text/plain; charset=us-ascii\r\n\r\n"));
    put_text(w->m, w->out);
    sgl_buf_addf(w->out, "\r\n--%s\r\n", w->boundary);
    put_field(w, "Content-Type",
              w->m->gzip ? SGL_LIT("application/tlsrpt+gzip") : SGL_LIT("application/tlsrpt+json"));
    put_field(w, "Content-Transfer-Encoding", SGL_LIT("base64"));
    sgl_buf_add(&w->scratch, SGL_LIT("attachment; filename=\""));
    put_filename(w->m, &w->scratch);
    sgl_buf_add_byte(&w->scratch, '"');
    put_scratch(w, "Content-Disposition");
    sgl_buf_add(w->out, SGL_LIT("\r\n"));
    sgl_base64_encode_lines(w->out, w->m->attachment, LINE);
    sgl_buf_addf(w->out, "\r\n--%s--\r\n", w->boundary);
}

/* Nothing of what failed stays behind. */
static enum sgl_status end_of(struct sgl_buf *out, size_t before)
{
    enum sgl_status status = out->status;

    if (status != SGL_OK) {
        sgl_buf_truncate(out, before);
        out->status = SGL_OK;
    }
    return status;
}

enum sgl_status sgl_tls_report_put_filename(const struct sgl_tls_report_mail *mail,
                                            struct sgl_buf *out)
{
    size_t before = out->len;

    if (!file_ok(mail))
        return SGL_E_MISUSE;
    put_filename(mail, out);
    return end_of(out, before);
}

enum sgl_status sgl_tls_report_put_mail(const struct sgl_tls_report_mail *mail, struct sgl_buf *out)
{
    struct writing w = {.m = mail, .out = out, .scratch = SGL_BUF_INIT(4096)};
    size_t before = out->len;

    if (!mail_ok(mail))
        return SGL_E_MISUSE;
    make_boundary(&w);
    put_header(&w);
    put_parts(&w);
    sgl_buf_done(&w.scratch);
    return end_of(out, before);
}
