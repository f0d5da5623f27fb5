/* SPDX-License-Identifier: Apache-2.0 */
/* The words for what is counted of transit. */
#include "transit.h"

#include "sigillo/banned.h"

const char *transit_mechanism_name(uint8_t mechanism)
{
    static const char *const name[TRANSIT_MECHANISMS] = {
        [TRANSIT_NONE] = "none",           [TRANSIT_DANE] = "dane",
        [TRANSIT_MTA_STS] = "mta-sts",     [TRANSIT_VERIFIED] = "verified",
        [TRANSIT_ENCRYPTED] = "encrypted", [TRANSIT_PLAIN] = "plain",
    };

    return name[mechanism < TRANSIT_MECHANISMS ? mechanism : TRANSIT_NONE];
}

const char *transit_version_name(uint8_t version)
{
    static const char *const name[TRANSIT_VERSIONS] = {
        [TRANSIT_VERSION_NONE] = "none",
        [TRANSIT_TLS_1_2] = "TLSv1.2",
        [TRANSIT_TLS_1_3] = "TLSv1.3",
    };

    return name[version < TRANSIT_VERSIONS ? version : TRANSIT_VERSION_NONE];
}

const char *transit_cause_name(uint8_t cause)
{
    static const char *const name[TRANSIT_CAUSES] = {
        [TRANSIT_CAUSE_NONE] = "none",
        [TRANSIT_STARTTLS_NOT_SUPPORTED] = "starttls-not-supported",
        [TRANSIT_CERTIFICATE_HOST_MISMATCH] = "certificate-host-mismatch",
        [TRANSIT_CERTIFICATE_EXPIRED] = "certificate-expired",
        [TRANSIT_CERTIFICATE_NOT_TRUSTED] = "certificate-not-trusted",
        [TRANSIT_VALIDATION_FAILURE] = "validation-failure",
        [TRANSIT_TLSA_INVALID] = "tlsa-invalid",
        [TRANSIT_DNSSEC_INVALID] = "dnssec-invalid",
        [TRANSIT_DANE_REQUIRED] = "dane-required",
        [TRANSIT_STS_POLICY_FETCH_ERROR] = "sts-policy-fetch-error",
        [TRANSIT_STS_POLICY_INVALID] = "sts-policy-invalid",
        [TRANSIT_STS_WEBPKI_INVALID] = "sts-webpki-invalid",
        [TRANSIT_STS_MX_MISMATCH] = "sts-mx-mismatch",
        [TRANSIT_REQUIRETLS_NOT_SUPPORTED] = "requiretls-not-supported",
        [TRANSIT_DEMAND_NOT_MET] = "demand-not-met",
    };

    return name[cause < TRANSIT_CAUSES ? cause : TRANSIT_CAUSE_NONE];
}
