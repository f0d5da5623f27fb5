/* SPDX-License-Identifier: Apache-2.0 */
/* The words for what became of a session  [RFC 8460 s4.3] */
#include "sigillo/tlsrpt.h"

static const char *const names[SGL_TLS_RESULTS] = {
    [SGL_TLS_OK] = "",
    [SGL_TLS_STARTTLS_NOT_SUPPORTED] = "starttls-not-supported",
    [SGL_TLS_CERTIFICATE_HOST_MISMATCH] = "certificate-host-mismatch",
    [SGL_TLS_CERTIFICATE_EXPIRED] = "certificate-expired",
    [SGL_TLS_CERTIFICATE_NOT_TRUSTED] = "certificate-not-trusted",
    [SGL_TLS_VALIDATION_FAILURE] = "validation-failure",
    [SGL_TLS_TLSA_INVALID] = "tlsa-invalid",
    [SGL_TLS_DNSSEC_INVALID] = "dnssec-invalid",
    [SGL_TLS_DANE_REQUIRED] = "dane-required",
    [SGL_TLS_STS_POLICY_FETCH_ERROR] = "sts-policy-fetch-error",
    [SGL_TLS_STS_POLICY_INVALID] = "sts-policy-invalid",
    [SGL_TLS_STS_WEBPKI_INVALID] = "sts-webpki-invalid",
};

const char *sgl_tls_result_name(enum sgl_tls_result result)
{
    return (size_t)result < SGL_TLS_RESULTS ? names[result] : "?";
}

bool sgl_tls_result_of_name(sgl_view name, enum sgl_tls_result *out)
{
    for (size_t i = SGL_TLS_OK + 1; i < SGL_TLS_RESULTS; i++) {
        if (!sgl_view_eq(name, sgl_view_cstr(names[i])))
            continue;
        *out = (enum sgl_tls_result)i;
        return true;
    }
    return false;
}
