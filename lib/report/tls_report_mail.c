/* SPDX-License-Identifier: Apache-2.0 */
/* The mail that brings a TLS report: its name, its header fields, a text for people.  [RFC 8460 s5.1, s5.3] */
#include "report_mail_internal.h"
#include "tls_report_internal.h"

#include "sigillo/date.h"

#include "sigillo/banned.h"

#define TEXT_MAX ((size_t)1 << 20)

/* ---- what a mail must have ---- */

static bool file_ok(const struct sgl_tls_report_mail *m)
{
    return sgl_tls_report_domain_ok(m->domain) && sgl_report_letters_and_digits(m->unique) &&
           m->unique.len <= 64 && sgl_report_address_ok(m->report->contact) &&
           m->report->begin >= 0 && m->report->end >= m->report->begin;
}

static bool mail_ok(const struct sgl_tls_report_mail *m)
{
    return file_ok(m) && m->attachment.len > 0 && sgl_report_id_ok(m->report->id) &&
           sgl_report_address_ok(m->from) && sgl_report_address_ok(m->to) &&
           sgl_view_eq_nocase(sgl_report_domain_of(m->from), sgl_tls_report_submitter(m->report));
}

/* ---- the name of the file ---- */

static void put_filename(const struct sgl_tls_report_mail *m, struct sgl_buf *out)
{
    sgl_report_put_file(&(struct sgl_report_file){sgl_tls_report_submitter(m->report), m->domain,
                                                  m->unique, m->report->begin, m->report->end},
                        out);
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

enum sgl_status sgl_tls_report_put_filename(const struct sgl_tls_report_mail *mail,
                                            struct sgl_buf *out)
{
    size_t before = out->len;

    if (!file_ok(mail))
        return SGL_E_MISUSE;
    put_filename(mail, out);
    return sgl_report_end_of(out, before);
}

struct prepared { /* what the message is made of */
    struct sgl_buf text, filename, id;
};

static enum sgl_status prepare(const struct sgl_tls_report_mail *m, struct prepared *p)
{
    put_text(m, &p->text);
    put_filename(m, &p->filename);
    sgl_buf_add(&p->id, m->report->id);
    sgl_buf_add_byte(&p->id, '@');
    sgl_buf_add(&p->id, sgl_tls_report_submitter(m->report));
    if (p->text.status != SGL_OK)
        return p->text.status;
    return p->filename.status != SGL_OK ? p->filename.status : p->id.status;
}

static void put_mail(const struct sgl_tls_report_mail *m, const struct prepared *p,
                     struct sgl_buf *out)
{
    sgl_view submitter = sgl_tls_report_submitter(m->report);
    const struct sgl_report_field field[] = {
        {"TLS-Report-Domain", m->domain},
        {"TLS-Report-Submitter", submitter},
        {"Auto-Submitted", SGL_LIT("auto-generated")}, /* [RFC 3834 s5] */
        {"TLS-Required", SGL_LIT("No")},               /* [RFC 8460 s3, RFC 8689 s3] */
    };
    struct sgl_report_mail mail = {.domain = m->domain,
                                   .submitter = submitter,
                                   .id = sgl_buf_view(&p->id),
                                   .from = m->from,
                                   .to = m->to,
                                   .message_id = m->message_id,
                                   .now = m->now,
                                   .random = m->random,
                                   .multipart = "multipart/report; report-type=\"tlsrpt\"",
                                   .field = field,
                                   .fields = sizeof field / sizeof field[0],
                                   .text = sgl_buf_view(&p->text),
                                   .type = m->gzip ? "application/tlsrpt+gzip"
                                                   : "application/tlsrpt+json",
                                   .filename = sgl_buf_view(&p->filename),
                                   .attachment = m->attachment};

    sgl_report_put_mail(&mail, out);
}

enum sgl_status sgl_tls_report_put_mail(const struct sgl_tls_report_mail *mail, struct sgl_buf *out)
{
    struct prepared p = {SGL_BUF_INIT(TEXT_MAX), SGL_BUF_INIT(1024), SGL_BUF_INIT(1024)};
    size_t before = out->len;
    enum sgl_status status;

    if (!mail_ok(mail))
        return SGL_E_MISUSE;
    status = prepare(mail, &p);
    if (status == SGL_OK)
        put_mail(mail, &p, out);
    sgl_buf_done(&p.text);
    sgl_buf_done(&p.filename);
    sgl_buf_done(&p.id);
    return status != SGL_OK ? status : sgl_report_end_of(out, before);
}
