/* SPDX-License-Identifier: Apache-2.0 */
/* The mail that brings a DMARC report: its name, its header fields, a text for people.  [RFC 9990 s3.5.2] */
#include "report_mail_internal.h"

#include "sigillo/date.h"
#include "sigillo/dmarc_report.h"
#include "sigillo/dns_name.h"

#include "sigillo/banned.h"

/* ---- what a mail must have ---- */

static bool file_ok(const struct sgl_dmarc_report_mail *m)
{
    return sgl_name_ok(m->meta->domain, SGL_NAME_UNDERSCORE) &&
           sgl_report_address_ok(m->meta->email) && sgl_report_id_ok(m->meta->report_id) &&
           m->meta->begin >= 0 && m->meta->end >= m->meta->begin;
}

static sgl_view submitter_of(const struct sgl_dmarc_report_mail *m)
{
    return sgl_report_domain_of(m->meta->email);
}

static bool mail_ok(const struct sgl_dmarc_report_mail *m)
{
    return file_ok(m) && m->attachment.len > 0 && sgl_report_address_ok(m->from) &&
           sgl_report_address_ok(m->to) &&
           sgl_view_eq_nocase(sgl_report_domain_of(m->from), submitter_of(m));
}

/* ---- the name of the file ---- */

/* One id wherever one stands. [RFC 9990 s3.1.4] */
static void put_filename(const struct sgl_dmarc_report_mail *m, struct sgl_buf *out)
{
    sgl_view id = m->meta->report_id;

    sgl_report_put_file(
        &(struct sgl_report_file){submitter_of(m), m->meta->domain,
                                  sgl_report_letters_and_digits(id) ? id : sgl_view_of(NULL, 0),
                                  m->meta->begin, m->meta->end},
        out);
    sgl_buf_add(out, m->gzip ? SGL_LIT(".xml.gz") : SGL_LIT(".xml"));
}

enum sgl_status sgl_dmarc_report_put_filename(const struct sgl_dmarc_report_mail *mail,
                                              struct sgl_buf *out)
{
    size_t before = out->len;

    if (!file_ok(mail))
        return SGL_E_MISUSE;
    put_filename(mail, out);
    return sgl_report_end_of(out, before);
}

/* ---- the text for people ---- */

static void put_text(const struct sgl_dmarc_report_mail *m, struct sgl_buf *out)
{
    sgl_buf_add(out, SGL_LIT("This is an aggregate DMARC report from "));
    sgl_buf_add(out, submitter_of(m));
    sgl_buf_add(out, SGL_LIT("\r\nabout messages whose author is of "));
    sgl_buf_add(out, m->meta->domain);
    sgl_buf_add(out, SGL_LIT(",\r\nfrom "));
    sgl_date_put_internet(out, m->meta->begin);
    sgl_buf_add(out, SGL_LIT(" to "));
    sgl_date_put_internet(out, m->meta->end);
    sgl_buf_add(out, SGL_LIT(".\r\n\r\nMessages: "));
    sgl_buf_add_u64(out, m->messages);
    sgl_buf_add(out, SGL_LIT("\r\nPassed: "));
    sgl_buf_add_u64(out, m->passed);
    sgl_buf_add(out,
                SGL_LIT("\r\n\r\nThe whole report is attached. Its form is that of RFC 9990.\r\n"
                        "The domain asks for it by its record _dmarc."));
    sgl_buf_add(out, m->meta->domain);
    sgl_buf_add(out, SGL_LIT("\r\n"));
}

/* ---- the message ---- */

static void put_mail(const struct sgl_dmarc_report_mail *m, sgl_view text, sgl_view filename,
                     struct sgl_buf *out)
{
    static const struct sgl_report_field field[] = {
        {"Auto-Submitted", SGL_LIT_INIT("auto-generated")}, /* [RFC 3834 s5] */
    };
    struct sgl_report_mail mail = {.domain = m->meta->domain,
                                   .submitter = submitter_of(m),
                                   .id = m->meta->report_id,
                                   .from = m->from,
                                   .to = m->to,
                                   .message_id = m->message_id,
                                   .now = m->now,
                                   .random = m->random,
                                   .multipart = "multipart/mixed",
                                   .field = field,
                                   .fields = sizeof field / sizeof field[0],
                                   .text = text,
                                   .type = m->gzip ? "application/gzip" : "text/xml",
                                   .filename = filename,
                                   .attachment = m->attachment};

    sgl_report_put_mail(&mail, out);
}

enum sgl_status sgl_dmarc_report_put_mail(const struct sgl_dmarc_report_mail *mail,
                                          struct sgl_buf *out)
{
    struct sgl_buf text = SGL_BUF_INIT(4096), filename = SGL_BUF_INIT(1024);
    size_t before = out->len;
    enum sgl_status status;

    if (!mail_ok(mail))
        return SGL_E_MISUSE;
    put_text(mail, &text);
    put_filename(mail, &filename);
    status = text.status != SGL_OK ? text.status : filename.status;
    if (status == SGL_OK)
        put_mail(mail, sgl_buf_view(&text), sgl_buf_view(&filename), out);
    sgl_buf_done(&text);
    sgl_buf_done(&filename);
    return status != SGL_OK ? status : sgl_report_end_of(out, before);
}
