/* SPDX-License-Identifier: Apache-2.0 */
#include "../../cli/tls_certificate.h"

#include "check.h"
#include "tls_fixture.h"

static X509 *parsed(const struct made_pair *pair)
{
    BIO *bio = BIO_new_mem_buf(pair->certificate, -1);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    BIO_free(bio);
    assert_non_null(x);
    return x;
}

static void put_digest(uint8_t *out, const void *bytes, size_t len, const EVP_MD *md)
{
    unsigned n;

    assert_int_equal(EVP_Digest(bytes, len, out, &n, md, NULL), 1);
}

static void what_it_says(void **state)
{
    struct made_pair pair;
    struct tls_certificate got;
    unsigned char *der = NULL;
    uint8_t digest[32];
    char hex[65];
    X509 *x;
    int len;

    (void)state;
    make_named_certificate(&pair, "mx.a.test", "DNS:mx.a.test,DNS:*.b.test,email:me@a.test", 86400);
    x = parsed(&pair);
    tls_certificate_read(&got, x, NULL);
    CHECK_STR("subject", got.subject, "mx.a.test");
    CHECK_STR("issuer", got.issuer, "mx.a.test");
    CHECK_EQ("DNS names only", got.names, 2);
    CHECK_STR("second name", got.name[1], "*.b.test");
    CHECK_EQ("no others", got.names_more, 0);
    CHECK_EQ("two days long", got.not_after - got.not_before, 2 * 86400);
    CHECK_STR("key", got.key, "EC");
    CHECK_EQ("bits", got.key_bits, 256);
    CHECK_TRUE("self-signed", got.self_signed);
    len = i2d_X509(x, &der);
    put_digest(digest, der, (size_t)len, EVP_sha256());
    for (size_t i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    CHECK_STR("fingerprint of the whole", got.sha256, hex);
    for (size_t i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", pair.spki_sha256[i]);
    CHECK_STR("fingerprint of the key", got.spki_sha256, hex);
    OPENSSL_free(der);
    X509_free(x);
}

static void names_of_strangers(void **state)
{
    struct made_pair pair;
    struct tls_certificate got;
    char long_name[64 + 1];
    X509 *x;

    (void)state;
    make_named_certificate(&pair, "a\x1b[31m\r\nb",
                           "DNS:1.t,DNS:2.t,DNS:3.t,DNS:4.t,DNS:5.t,DNS:6.t,DNS:7.t,DNS:e\x1b.t,"
                           "DNS:9.t,DNS:10.t",
                           86400);
    x = parsed(&pair);
    tls_certificate_read(&got, x, NULL);
    CHECK_STR("control characters are escaped", got.subject, "a\\x1b[31m\\x0d\\x0ab");
    CHECK_EQ("eight are shown", got.names, 8);
    CHECK_STR("escaped", got.name[7], "e\\x1b.t");
    CHECK_EQ("two are counted", got.names_more, 2);
    X509_free(x);
    memset(long_name, 0x1b,
           sizeof long_name); /* each becomes four characters: more than the field has */
    long_name[sizeof long_name - 1] = '\0';
    make_named_certificate(&pair, long_name, "DNS:a.t", 86400);
    x = parsed(&pair);
    tls_certificate_read(&got, x, NULL);
    CHECK_EQ("cut behind a whole one", strlen(got.subject), 4 * 49);
    X509_free(x);
}

/* [RFC 8461 s4.2] */
static void which_names_it_proves(void **state)
{
    static const struct {
        const char *rule, *names, *host;
        bool want;
    } cases[] = {
        {"the name itself", "DNS:mx.a.test", "mx.a.test", true},
        {"case does not count", "DNS:mx.A.test", "MX.a.test", true},
        {"another name", "DNS:mx.a.test", "mx2.a.test", false},
        {"a star is one label", "DNS:*.a.test", "mx.a.test", true},
        {"a star is not two labels", "DNS:*.a.test", "x.mx.a.test", false},
        {"a star is not none", "DNS:*.a.test", "a.test", false},
        {"a star is a whole label", "DNS:m*.a.test", "mx.a.test", false},
        {"the common name is none", "email:x@a.test", "subject.test", false},
        {"a name that begins with a dot is none", "DNS:mx.a.test", ".a.test", false},
        {"no name", "DNS:mx.a.test", "", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct made_pair pair;
        X509 *x;

        make_named_certificate(&pair, "subject.test", cases[i].names, 86400);
        x = parsed(&pair);
        CHECK_EQ(cases[i].rule, tls_certificate_names(x, cases[i].host), cases[i].want);
        CHECK_TRUE("no host at all", !tls_certificate_names(x, NULL));
        X509_free(x);
    }
}

/* [RFC 6698 s2.1, RFC 7672 s3.1] */
static void records_that_match(void **state)
{
    static const struct {
        const char *rule;
        uint8_t usage, selector, matching;
        bool of_leaf, broken, want;
    } cases[] = {
        {"3 0 0 is the certificate", 3, 0, 0, true, false, true},
        {"3 0 1", 3, 0, 1, true, false, true},
        {"3 0 2", 3, 0, 2, true, false, true},
        {"3 1 0 is its key", 3, 1, 0, true, false, true},
        {"3 1 1", 3, 1, 1, true, false, true},
        {"3 1 2", 3, 1, 2, true, false, true},
        {"3 1 1 of another key", 3, 1, 1, true, true, false},
        {"usage 3 is not for those above", 3, 1, 1, false, false, false},
        {"2 0 1 is one above", 2, 0, 1, false, false, true},
        {"2 1 1 is the key of one above", 2, 1, 1, false, false, true},
        {"usage 2 is not for the server's own", 2, 1, 1, true, false, false},
        {"usage 1 stands for nothing here", 1, 1, 1, true, false, false},
        {"usage 0 stands for nothing here", 0, 1, 1, false, false, false},
        {"an unknown selector", 3, 7, 1, true, false, false},
        {"an unknown matching type", 3, 1, 7, true, false, false},
    };
    struct made_pair pair, above;
    STACK_OF(X509) *sent = sk_X509_new_null();
    X509 *leaf, *ca;

    (void)state;
    make_certificate(&pair, "mx.a.test", 86400);
    make_certificate(&above, "ca.test", 86400);
    leaf = parsed(&pair);
    ca = parsed(&above);
    sk_X509_push(sent, leaf);
    sk_X509_push(sent, ca);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        X509 *of = cases[i].of_leaf ? leaf : ca;
        unsigned char *der = NULL;
        uint8_t digest[64];
        int len =
            cases[i].selector == 0 ? i2d_X509(of, &der) : i2d_PUBKEY(X509_get0_pubkey(of), &der);
        struct sgl_tlsa r = {cases[i].usage, cases[i].selector, cases[i].matching,
                             sgl_view_of(der, (size_t)len)};

        if (cases[i].matching == 1 || cases[i].matching == 2) {
            put_digest(digest, der, (size_t)len,
                       cases[i].matching == 1 ? EVP_sha256() : EVP_sha512());
            r.data = sgl_view_of(digest, cases[i].matching == 1 ? 32 : 64);
            digest[5] ^= cases[i].broken;
        }
        CHECK_EQ(cases[i].rule, tls_certificate_matches(leaf, sent, &r), cases[i].want);
        OPENSSL_free(der);
    }
    sk_X509_free(sent);
    X509_free(leaf);
    X509_free(ca);
}

static void what_the_chain_proves(void **state)
{
    static const struct {
        const char *rule;
        long valid_s;
        bool trusted;
        sgl_time now_in;
        int want;
    } cases[] = {
        {"a root of ours", 86400, true, 0, X509_V_OK},
        {"nobody's", 86400, false, 0, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT},
        {"expired", -60, true, 0, X509_V_ERR_CERT_HAS_EXPIRED},
        {"expired by the time that was given", 86400, true, 200000, X509_V_ERR_CERT_HAS_EXPIRED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        X509_STORE *roots = X509_STORE_new();
        struct made_pair pair;
        X509 *x;

        make_certificate(&pair, "mx.a.test", cases[i].valid_s);
        x = parsed(&pair);
        if (cases[i].trusted)
            X509_STORE_add_cert(roots, x);
        CHECK_EQ(cases[i].rule,
                 tls_certificate_chain(x, NULL, roots,
                                       cases[i].now_in == 0 ? 0 : time(NULL) + cases[i].now_in),
                 cases[i].want);
        X509_free(x);
        X509_STORE_free(roots);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_says),          cmocka_unit_test(names_of_strangers),
        cmocka_unit_test(which_names_it_proves), cmocka_unit_test(records_that_match),
        cmocka_unit_test(what_the_chain_proves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
