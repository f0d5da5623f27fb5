/* SPDX-License-Identifier: Apache-2.0 */
/* [RFC 8460 s4.3] */
#include <openssl/x509_vfy.h>

#include "../../server/delivery/tls_result.h"
#include "check.h"

static const struct {
    const char *name;
    long verify;
    enum sgl_tls_result want;
} certificates[] = {
    {"a certificate that is accepted", X509_V_OK, SGL_TLS_OK},
    {"another name", X509_V_ERR_HOSTNAME_MISMATCH, SGL_TLS_CERTIFICATE_HOST_MISMATCH},
    {"another address", X509_V_ERR_IP_ADDRESS_MISMATCH, SGL_TLS_CERTIFICATE_HOST_MISMATCH},
    {"it has ended", X509_V_ERR_CERT_HAS_EXPIRED, SGL_TLS_CERTIFICATE_EXPIRED},
    {"it has not begun: it is not expired", X509_V_ERR_CERT_NOT_YET_VALID,
     SGL_TLS_VALIDATION_FAILURE},
    {"self-signed", X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"a root that nobody knows", X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
     SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"an issuer that nobody knows", X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
     SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"the same, not even in the chain", X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
     SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"a leaf without its issuer", X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
     SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"not trusted for this", X509_V_ERR_CERT_UNTRUSTED, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"rejected for this", X509_V_ERR_CERT_REJECTED, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"revoked", X509_V_ERR_CERT_REVOKED, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"a chain too long", X509_V_ERR_CERT_CHAIN_TOO_LONG, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"a wrong signature", X509_V_ERR_CERT_SIGNATURE_FAILURE, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"an issuer that is none", X509_V_ERR_INVALID_CA, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"an issuer where none may be", X509_V_ERR_INVALID_NON_CA, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"a path too long", X509_V_ERR_PATH_LENGTH_EXCEEDED, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"for another purpose", X509_V_ERR_INVALID_PURPOSE, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"subject and issuer differ", X509_V_ERR_SUBJECT_ISSUER_MISMATCH,
     SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"key identifiers differ", X509_V_ERR_AKID_SKID_MISMATCH, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"issuer and serial differ", X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH,
     SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"the issuer may not sign", X509_V_ERR_KEYUSAGE_NO_CERTSIGN, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"a key too small", X509_V_ERR_EE_KEY_TOO_SMALL, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"an issuer's key too small", X509_V_ERR_CA_KEY_TOO_SMALL, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"a digest too weak", X509_V_ERR_CA_MD_TOO_WEAK, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"a name that is not permitted", X509_V_ERR_PERMITTED_VIOLATION,
     SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"a name that is excluded", X509_V_ERR_EXCLUDED_VIOLATION, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"constraints with a range", X509_V_ERR_SUBTREE_MINMAX, SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"an unknown constraint", X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE,
     SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"a constraint of unknown form", X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX,
     SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"no TLSA record matches", X509_V_ERR_DANE_NO_MATCH, SGL_TLS_VALIDATION_FAILURE},
    {"dates that can't be read", X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD,
     SGL_TLS_VALIDATION_FAILURE},
    {"memory", X509_V_ERR_OUT_OF_MEM, SGL_TLS_VALIDATION_FAILURE},
    {"an error that comes one day", 9999, SGL_TLS_VALIDATION_FAILURE},
};

static void each_certificate_has_its_word(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof certificates / sizeof *certificates; i++)
        CHECK_EQ(certificates[i].name, tls_result_of_certificate(certificates[i].verify),
                 certificates[i].want);
}

/* [RFC 8460 s4.3.2.1] */
static void each_lookup_has_its_word(void **state)
{
    static const struct {
        const char *name;
        enum sgl_dane_level level;
        enum sgl_dane_addresses addresses;
        bool bogus;
        enum sgl_tls_result want;
    } rows[] = {
        {"no records", SGL_DANE_NONE, SGL_DANE_ADDRESSES_OK, false, SGL_TLS_OK},
        {"records", SGL_DANE_AUTHENTICATE, SGL_DANE_ADDRESSES_OK, false, SGL_TLS_OK},
        {"none of them usable", SGL_DANE_ENCRYPT, SGL_DANE_ADDRESSES_OK, false,
         SGL_TLS_TLSA_INVALID},
        {"the TLSA lookup is forged", SGL_DANE_LOOKUP_ERROR, SGL_DANE_ADDRESSES_OK, true,
         SGL_TLS_DNSSEC_INVALID},
        {"the TLSA lookup fails, the addresses came", SGL_DANE_LOOKUP_ERROR, SGL_DANE_ADDRESSES_OK,
         false, SGL_TLS_DNSSEC_INVALID},
        {"the addresses are forged", SGL_DANE_LOOKUP_ERROR, SGL_DANE_ADDRESSES_FAILED, true,
         SGL_TLS_DNSSEC_INVALID},
        {"the addresses do not come: the network, or our resolver", SGL_DANE_LOOKUP_ERROR,
         SGL_DANE_ADDRESSES_FAILED, false, SGL_TLS_OK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct plan_host host = {.dane = {.level = rows[i].level,
                                          .addresses_state = rows[i].addresses,
                                          .bogus = rows[i].bogus}};

        CHECK_EQ(rows[i].name, tls_result_of_host(&host), rows[i].want);
    }
}

static void only_a_forged_mx_is_the_domain_s_fault(void **state)
{
    static const enum dnssec states[] = {DNSSEC_NOT_ASKED, DNSSEC_SECURE, DNSSEC_INSECURE,
                                         DNSSEC_BOGUS, DNSSEC_INDETERMINATE};

    (void)state;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        CHECK_EQ("a plan without hosts", tls_result_of_plan(&(struct plan){.mx = states[i]}),
                 states[i] == DNSSEC_BOGUS ? SGL_TLS_DNSSEC_INVALID : SGL_TLS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_certificate_has_its_word),
        cmocka_unit_test(each_lookup_has_its_word),
        cmocka_unit_test(only_a_forged_mx_is_the_domain_s_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
