/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_result.h"

#include <openssl/x509_vfy.h>

/* What is not here is a validation-failure, "a general failure for a reason not matching a category above" [RFC 8460 s4.3.1]. */
static const struct {
    long verify;
    enum sgl_tls_result result;
} certificate[] = {
    {X509_V_OK, SGL_TLS_OK},

    {X509_V_ERR_HOSTNAME_MISMATCH, SGL_TLS_CERTIFICATE_HOST_MISMATCH},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, SGL_TLS_CERTIFICATE_HOST_MISMATCH},

    {X509_V_ERR_CERT_HAS_EXPIRED, SGL_TLS_CERTIFICATE_EXPIRED},

    /* unknown issuers */
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_CERT_UNTRUSTED, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_CERT_REJECTED, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_CERT_REVOKED, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    /* errors of the chain */
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_INVALID_CA, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_INVALID_NON_CA, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_INVALID_PURPOSE, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_SUBJECT_ISSUER_MISMATCH, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_AKID_SKID_MISMATCH, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_KEYUSAGE_NO_CERTSIGN, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_EE_KEY_TOO_SMALL, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_CA_KEY_TOO_SMALL, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_CA_MD_TOO_WEAK, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    /* name constraints */
    {X509_V_ERR_PERMITTED_VIOLATION, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_EXCLUDED_VIOLATION, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_SUBTREE_MINMAX, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
};

enum sgl_tls_result tls_result_of_certificate(long verify)
{
    for (size_t i = 0; i < sizeof certificate / sizeof *certificate; i++)
        if (certificate[i].verify == verify)
            return certificate[i].result;
    return SGL_TLS_VALIDATION_FAILURE;
}

/*
 * The addresses are the question before TLSA: where they came, resolver and network are well, and it is the zone that gives no valid answer.  Where they did not, only a
 * forgery says anything about the receiver. [RFC 8460 s4.3.2.1]
 */
enum sgl_tls_result tls_result_of_host(const struct plan_host *host)
{
    switch (host->dane.level) {
    case SGL_DANE_NONE:
    case SGL_DANE_AUTHENTICATE:
        break;
    case SGL_DANE_ENCRYPT:
        return SGL_TLS_TLSA_INVALID;
    case SGL_DANE_LOOKUP_ERROR:
        return host->dane.addresses_state == SGL_DANE_ADDRESSES_OK || host->dane.bogus
                   ? SGL_TLS_DNSSEC_INVALID
                   : SGL_TLS_OK;
    }
    return SGL_TLS_OK;
}

enum sgl_tls_result tls_result_of_plan(const struct plan *plan)
{
    return plan->mx == DNSSEC_BOGUS ? SGL_TLS_DNSSEC_INVALID : SGL_TLS_OK;
}
