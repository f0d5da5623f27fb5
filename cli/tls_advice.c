/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_advice.h"

#include "sigillo/tlsrpt.h"

static const char *advice(enum sgl_tls_result result)
{
    switch (result) {
    case SGL_TLS_OK:
    case SGL_TLS_RESULTS:
        return "";
    case SGL_TLS_STARTTLS_NOT_SUPPORTED:
        return "offer STARTTLS on port 25 of this host to everybody, greylisted or not";
    case SGL_TLS_CERTIFICATE_HOST_MISMATCH:
        return "give this host a certificate whose DNS names hold the name in the MX record";
    case SGL_TLS_CERTIFICATE_EXPIRED:
        return "renew the certificate of this host and reload its mail server";
    case SGL_TLS_CERTIFICATE_NOT_TRUSTED:
        return "use a certificate of a public authority and send its whole chain";
    case SGL_TLS_VALIDATION_FAILURE:
        return "ask `sigillo tls check` what a sender gets from this host";
    case SGL_TLS_TLSA_INVALID:
        return "publish TLSA 3 1 1 records of the key in use; `sigillo tls check` shows those "
               "there are";
    case SGL_TLS_DNSSEC_INVALID:
        return "mend DNSSEC of the zone: its answers are not believed";
    case SGL_TLS_DANE_REQUIRED:
        return "this sender asks for DANE: publish TLSA records in a signed zone";
    case SGL_TLS_STS_POLICY_FETCH_ERROR:
        return "serve https://mta-sts.DOMAIN/.well-known/mta-sts.txt to everybody, without a "
               "redirect";
    case SGL_TLS_STS_POLICY_INVALID:
        return "mend the text of the policy; `sigillo check` says what is wrong with it";
    case SGL_TLS_STS_WEBPKI_INVALID:
        return "give mta-sts.DOMAIN a valid certificate of a public authority";
    }
    return "";
}

const char *tls_advice(sgl_view result)
{
    enum sgl_tls_result known;

    return sgl_tls_result_of_name(result, &known) ? advice(known) : "";
}
