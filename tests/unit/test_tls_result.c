/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "sigillo/tlsrpt.h"

/* [RFC 8460 s4.3] */
static const struct {
    const char *word;
    enum sgl_tls_result want;
} words[] = {
    {"starttls-not-supported", SGL_TLS_STARTTLS_NOT_SUPPORTED},
    {"certificate-host-mismatch", SGL_TLS_CERTIFICATE_HOST_MISMATCH},
    {"certificate-expired", SGL_TLS_CERTIFICATE_EXPIRED},
    {"certificate-not-trusted", SGL_TLS_CERTIFICATE_NOT_TRUSTED},
    {"validation-failure", SGL_TLS_VALIDATION_FAILURE},
    {"tlsa-invalid", SGL_TLS_TLSA_INVALID},
    {"dnssec-invalid", SGL_TLS_DNSSEC_INVALID},
    {"dane-required", SGL_TLS_DANE_REQUIRED},
    {"sts-policy-fetch-error", SGL_TLS_STS_POLICY_FETCH_ERROR},
    {"sts-policy-invalid", SGL_TLS_STS_POLICY_INVALID},
    {"sts-webpki-invalid", SGL_TLS_STS_WEBPKI_INVALID},
};

static void each_result_has_its_word(void **state)
{
    (void)state;
    CHECK_EQ("all but OK have a row", sizeof words / sizeof *words, SGL_TLS_RESULTS - 1);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        enum sgl_tls_result got = SGL_TLS_OK;

        CHECK_STR(words[i].word, sgl_tls_result_name(words[i].want), words[i].word);
        CHECK_TRUE(words[i].word, sgl_tls_result_of_name(sgl_view_cstr(words[i].word), &got));
        CHECK_EQ(words[i].word, got, words[i].want);
    }
    CHECK_STR("success has no word", sgl_tls_result_name(SGL_TLS_OK), "");
}

static void other_words_are_none(void **state)
{
    static const char *const other[] = {"",
                                        "ok",
                                        "Certificate-Expired",
                                        "certificate-expired ",
                                        "certificate-expire",
                                        "certificate-expiredx"};

    (void)state;
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        enum sgl_tls_result got = SGL_TLS_RESULTS;

        CHECK_TRUE(other[i], !sgl_tls_result_of_name(sgl_view_cstr(other[i]), &got));
        CHECK_EQ(other[i], got, SGL_TLS_RESULTS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_result_has_its_word),
        cmocka_unit_test(other_words_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
