/* SPDX-License-Identifier: Apache-2.0 */
/* The mail that brings a report: what those about TLS and about DMARC have in common.  [RFC 8460 s5.3; RFC 9990 s3.5.2] */
#ifndef LIB_REPORT_REPORT_MAIL_INTERNAL_H
#define LIB_REPORT_REPORT_MAIL_INTERNAL_H

#include "sigillo/buf.h"

/* What stands behind the last "@"; empty without one. */
sgl_view sgl_report_domain_of(sgl_view address);
/* Something at a domain, printable ASCII without blanks and angle brackets. */
bool sgl_report_address_ok(sgl_view address);
/* What may stand on the left of "@" without quotes: else it would need them in the Subject. [RFC 5322 s3.2.3] */
bool sgl_report_id_ok(sgl_view id);
bool sgl_report_letters_and_digits(sgl_view v);
/* Nothing of what failed stays behind; its status. */
enum sgl_status sgl_report_end_of(struct sgl_buf *out, size_t before);

/* "receiver!domain!begin!end!unique"; the caller adds the extension. */
struct sgl_report_file {
    sgl_view receiver, domain, unique; /* unique may be empty */
    sgl_time begin, end;
};
void sgl_report_put_file(const struct sgl_report_file *file, struct sgl_buf *out);

struct sgl_report_mail {
    sgl_view domain, submitter;
    sgl_view id; /* as it stands between the angle brackets of the Subject */
    sgl_view from, to, message_id;
    sgl_time now;
    const uint8_t *random; /* 16 bytes */
    const char *multipart; /* "multipart/mixed" */
    const struct sgl_report_field {
        const char *name;
        sgl_view value;
    } * field; /* of its own */
    size_t fields;
    sgl_view text; /* for people: lines end in CRLF, ASCII */
    const char *type;
    sgl_view filename, attachment;
};
/* Appends it. Everything in it is known to be harmless. The buffer's status. */
void sgl_report_put_mail(const struct sgl_report_mail *mail, struct sgl_buf *out);

#endif
