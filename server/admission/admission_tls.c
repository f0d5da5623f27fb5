/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a message asks of TLS on its way: by its envelope, by a field of its header, or because its domain asks it of all mail.  The strictest counts, and REQUIRETLS makes
 * the field TLS-Required mean nothing [RFC 8689 s4.1].
 */
#include "admission_internal.h"

#define FIELD SGL_LIT("TLS-Required")

/* The one field of the name; NULL: there is none, or *twice. */
static const struct sgl_header *only(const struct sgl_headers *headers, sgl_view name, bool *twice)
{
    *twice = sgl_headers_count(headers, name) > 1;
    return *twice ? NULL : sgl_headers_first(headers, name);
}

/* Our own mark, for doors that have no other place for it; it is taken out. */
static bool take_mark(struct submission *s, const struct sgl_headers *headers,
                      struct admission_answer *out)
{
    bool twice;
    const struct sgl_header *mark = only(headers, sgl_view_cstr(TLS_MARK), &twice);
    sgl_view value;

    if (twice)
        return refuse(out, 554, "5.6.0", 422, "tls-mark", TLS_MARK,
                      "This field stands here more than once.", SGL_LIT(""));
    if (mark == NULL)
        return true;
    if (sgl_header_unfold(mark->value, s->arena, &value) != SGL_OK)
        return refuse_memory(out);
    if (sgl_view_eq_nocase(value, SGL_LIT("verified")))
        s->message.tls = MESSAGE_TLS_VERIFIED;
    else if (!sgl_view_eq_nocase(value, SGL_LIT("optional")))
        return refuse(out, 554, "5.6.0", 422, "tls-mark", TLS_MARK,
                      "This field says verified or optional.", SGL_LIT(""));
    else if (s->message.tls == MESSAGE_TLS_DEFAULT)
        s->message.tls = MESSAGE_TLS_OPTIONAL;
    return true;
}

/* "No" is all that it can say, once.  Who writes anything else believes to have asked for something, and has not.  [RFC 8689 s3] */
static bool take_field(struct submission *s, const struct sgl_headers *headers,
                       struct admission_answer *out)
{
    bool twice;
    const struct sgl_header *field = only(headers, FIELD, &twice);
    sgl_view value;

    if (s->message.require_tls)
        return true;
    if (twice)
        return refuse(out, 554, "5.6.0", 422, "tls-required", "TLS-Required",
                      "This field stands here more than once (RFC 8689 section 3).", SGL_LIT(""));
    if (field == NULL)
        return true;
    if (sgl_header_unfold(field->value, s->arena, &value) != SGL_OK)
        return refuse_memory(out);
    if (!sgl_view_eq_nocase(value, SGL_LIT("No")))
        return refuse(out, 554, "5.6.0", 422, "tls-required", "TLS-Required",
                      "This field says No, or is not there: TLS is asked for with REQUIRETLS, or "
                      "with X-Sigillo-TLS: verified.",
                      SGL_LIT(""));
    if (s->message.tls == MESSAGE_TLS_DEFAULT)
        s->message.tls = MESSAGE_TLS_OPTIONAL;
    return true;
}

bool check_tls(struct submission *s, const struct sgl_headers *headers, const struct domain *domain,
               struct admission_answer *out)
{
    if (!take_mark(s, headers, out) || !take_field(s, headers, out))
        return false;
    if (domain->tls_verified)
        s->message.tls = MESSAGE_TLS_VERIFIED;
    else if (s->message.require_tls && s->message.tls == MESSAGE_TLS_OPTIONAL)
        s->message.tls = MESSAGE_TLS_DEFAULT;
    return true;
}

bool tls_field_wanted(const struct submission *s, const struct sgl_headers *headers)
{
    return s->message.tls == MESSAGE_TLS_OPTIONAL && sgl_headers_first(headers, FIELD) == NULL;
}
