/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "v=STSv1; id=1; x=y": the grammar that the records of MTA-STS and TLS-RPT share  [RFC 8461 s3.1, RFC 8460 s3].  It is not that of DKIM: a
 * name may begin with a digit and hold "-" and ".", a value holds no blank, and of two fields of one name the first one counts.
 */
#ifndef LIB_TRANSPORT_FIELDS_INTERNAL_H
#define LIB_TRANSPORT_FIELDS_INTERNAL_H

#include "sigillo/dns.h"

#define FIELD_NAME_MAX 32

struct fields {
    sgl_view input, rest; /* rest.ptr is NULL when nothing is left */
    const char *rule;
};
struct field {
    sgl_view name, value;
    size_t off; /* of the name in the text */
};

/* Does the text begin with this "v=..." and a semicolon? */
bool sgl_fields_claim(sgl_view text, sgl_view version);
/* Behind the version. SGL_E_SYNTAX: it is not there, or nothing follows. */
enum sgl_status sgl_fields_begin(struct fields *f, sgl_view text, sgl_view version,
                                 const char *rule, struct sgl_diag *diag) SGL_MUST_USE;
/* SGL_OK: a field, its value not judged; SGL_MORE: there are no more; SGL_E_SYNTAX. */
enum sgl_status sgl_fields_next(struct fields *f, struct field *out,
                                struct sgl_diag *diag) SGL_MUST_USE;
/* May this be the value of a field that nobody knows? */
bool sgl_fields_value_ok(sgl_view value);

/* The one TXT at `labels` under `domain` that `claims` to be a record. */
struct sgl_one_txt {
    size_t found; /* how many do; txt is the first */
    sgl_view txt;
    bool failed;
    const char *why; /* failed */
};
enum sgl_status sgl_one_txt_find(sgl_view labels, struct sgl_name domain,
                                 bool (*claims)(sgl_view txt), struct sgl_dns *dns,
                                 struct sgl_arena *arena, struct sgl_one_txt *out) SGL_MUST_USE;

#endif
