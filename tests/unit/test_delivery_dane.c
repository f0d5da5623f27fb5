/* SPDX-License-Identifier: Apache-2.0 */
/* What TLSA records prove about real certificate chains.  [RFC 7672 s3, RFC 7671 s5, s9] */
#include "delivery_world.h"

#define HOST "MX 10 mx.one.test\nmx.one.test A 127.0.0.1\n"
#define BODY "Subject: x\r\n\r\nhello\r\n"

/* An issuer and a leaf made by it. */
struct chain {
    char leaf[4096], ca[4096], key[4096];
    char ca_spki[65], ca_cert[65], leaf_spki[65], leaf_spki_512[129], ca_full[4096];
};

static void put_hex(char *out, const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void digest_hex(char *out, unsigned char *der, int len, const EVP_MD *md)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    assert_true(len > 0);
    EVP_Digest(der, (size_t)len, digest, &n, md, NULL);
    put_hex(out, digest, n);
    OPENSSL_free(der);
}

static void add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *e;

    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(e);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

static X509 *new_certificate(EVP_PKEY *key, const char *name, long serial, long valid_s)
{
    X509 *x = X509_new();

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
    X509_gmtime_adj(X509_getm_notBefore(x), -2 * 86400);
    X509_gmtime_adj(X509_getm_notAfter(x), valid_s);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_pubkey(x, key);
    return x;
}

static void pem_of(X509 *x, char *out, size_t size)
{
    BIO *bio = BIO_new(BIO_s_mem());

    PEM_write_bio_X509(bio, x);
    bio_text(bio, out, size);
}

static void make_chain(struct chain *out, const char *san, long valid_s)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *ca = new_certificate(ca_key, "test issuer", 1, 86400),
         *leaf = new_certificate(key, "leaf", 2, valid_s);
    unsigned char *der = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    int len;

    X509_set_issuer_name(ca, X509_get_subject_name(ca));
    add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(ca, ca, NID_subject_key_identifier, "hash");
    X509_sign(ca, ca_key, EVP_sha256());
    X509_set_issuer_name(leaf, X509_get_subject_name(ca));
    add_extension(leaf, ca, NID_subject_alt_name, san);
    X509_sign(leaf, ca_key, EVP_sha256());
    pem_of(ca, out->ca, sizeof out->ca);
    pem_of(leaf, out->leaf, sizeof out->leaf);
    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    bio_text(bio, out->key, sizeof out->key);
    len = i2d_PUBKEY(ca_key, &der);
    digest_hex(out->ca_spki, der, len, EVP_sha256());
    der = NULL;
    len = i2d_X509(ca, &der);
    put_hex(out->ca_full, der, (size_t)len);
    digest_hex(out->ca_cert, der, len, EVP_sha256());
    der = NULL;
    len = i2d_PUBKEY(key, &der);
    digest_hex(out->leaf_spki, der, len, EVP_sha256());
    der = NULL;
    len = i2d_PUBKEY(key, &der);
    digest_hex(out->leaf_spki_512, der, len, EVP_sha512());
    X509_free(ca);
    X509_free(leaf);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
}

enum record { NO_RECORD, TA_SPKI, TA_CERT, TA_FULL, EE_SPKI, EE_WRONG, EE_SHA512, EE_SHA512_WRONG };

static void put_record(struct sgl_buf *zone, const struct chain *chain, enum record record)
{
    switch (record) {
    case NO_RECORD:
        return;
    case TA_SPKI:
        sgl_buf_addf(zone, "_PORT._tcp.mx.one.test TLSA 2 1 1 %s\n", chain->ca_spki);
        return;
    case TA_CERT:
        sgl_buf_addf(zone, "_PORT._tcp.mx.one.test TLSA 2 0 1 %s\n", chain->ca_cert);
        return;
    case TA_FULL:
        sgl_buf_addf(zone, "_PORT._tcp.mx.one.test TLSA 2 0 0 %s\n", chain->ca_full);
        return;
    case EE_SPKI:
        sgl_buf_addf(zone, "_PORT._tcp.mx.one.test TLSA 3 1 1 %s\n", chain->leaf_spki);
        return;
    case EE_WRONG:
        sgl_buf_addf(zone, "_PORT._tcp.mx.one.test TLSA 3 1 1 %064d\n", 1);
        return;
    case EE_SHA512:
        sgl_buf_addf(zone, "_PORT._tcp.mx.one.test TLSA 3 1 2 %s\n", chain->leaf_spki_512);
        return;
    case EE_SHA512_WRONG:
        sgl_buf_addf(zone, "_PORT._tcp.mx.one.test TLSA 3 1 2 %0128d\n", 1);
        return;
    }
}

struct row {
    const char *name;
    const char *san;
    long valid_s;
    bool send_ca, mx_insecure;
    enum record record, another;
    bool delivered;
    const char *trail;
};

static void check_row(const struct row *row)
{
    sgl_auto(sgl_buf) zone = SGL_BUF_INIT(20000);
    struct world w;
    struct chain chain;
    char pem[8192], why[200];

    make_chain(&chain, row->san, row->valid_s);
    snprintf(pem, sizeof pem, "%s%s", chain.leaf, row->send_ca ? chain.ca : "");
    sgl_buf_add_cstr(&zone, row->mx_insecure
                                ? "MX 10 mx.one.test\n$SECURE\nmx.one.test A 127.0.0.1\n"
                                : "$SECURE\n" HOST);
    put_record(&zone, &chain, row->record);
    put_record(&zone, &chain, row->another);
    world_init(&w, sgl_cstr(&zone));
    w.peer[0].tls = tls_server_new(sgl_view_cstr(pem), sgl_view_cstr(chain.key), why, sizeof why);
    if (w.peer[0].tls == NULL)
        fail_msg("%s: %s", row->name, why);
    w.peer[0].script.tls = true;
    world_start(&w);
    world_put(&w, "d.test", 1, BODY);
    world_deliver(&w, row->name);
    if ((w.outcome[0].verdict == 'o') != row->delivered ||
        strstr(w.outcome[0].detail, row->trail) == NULL)
        fail_msg("%s: got %c: %s\n%s", row->name, w.outcome[0].verdict, w.outcome[0].why,
                 w.outcome[0].detail);
    CHECK_EQ(row->name, w.peer[0].messages, row->delivered);
    CHECK_EQ(row->name, w.outcome[0].verdict == 'p', false); /* never a bounce */
    tls_server_free(w.peer[0].tls);
    world_done(&w);
}

static void chains(void **state)
{
    static const struct row rows[] = {
        {"DANE-TA: key of the issuer, host name", "DNS:mx.one.test", 86400, true, false, TA_SPKI,
         NO_RECORD, true, "\"proved\":\"dane-ta\""},
        {"DANE-TA: certificate of the issuer", "DNS:mx.one.test", 86400, true, false, TA_CERT,
         NO_RECORD, true, "\"proved\":\"dane-ta\""},
        {"DANE-TA: the domain's own name will do", "DNS:d.test", 86400, true, false, TA_SPKI,
         NO_RECORD, true, "\"proved\":\"dane-ta\""},
        {"DANE-TA: not if the MX is unsigned [RFC 7672 s3.2.2]", "DNS:d.test", 86400, true, true,
         TA_SPKI, NO_RECORD, false, "tls-verify"},
        {"DANE-TA: a wildcard for the whole left-most label", "DNS:*.one.test", 86400, true, false,
         TA_SPKI, NO_RECORD, true, "\"proved\":\"dane-ta\""},
        {"DANE-TA: a wildcard for a part of a label", "DNS:m*.one.test", 86400, true, false,
         TA_SPKI, NO_RECORD, false, "tls-verify"},
        {"DANE-TA: another name", "DNS:other.test", 86400, true, false, TA_SPKI, NO_RECORD, false,
         "tls-verify"},
        {"DANE-TA: expired leaf", "DNS:mx.one.test", -3600, true, false, TA_SPKI, NO_RECORD, false,
         "tls-verify"},
        {"DANE-TA: the issuer is not sent", "DNS:mx.one.test", 86400, false, false, TA_SPKI,
         NO_RECORD, false, "tls-verify"},
        {"DANE-TA: it need not be sent where it is in the DNS", "DNS:mx.one.test", 86400, false,
         false, TA_FULL, NO_RECORD, true, "\"proved\":\"dane-ta\""},
        {"DANE-EE: another name does not matter", "DNS:other.test", 86400, true, false, EE_SPKI,
         NO_RECORD, true, "\"proved\":\"dane-ee\""},
        {"DANE-EE: expiry does not matter [RFC 7672 s3.1.1]", "DNS:mx.one.test", -3600, true, false,
         EE_SPKI, NO_RECORD, true, "\"proved\":\"dane-ee\""},
        {"DANE-EE: SHA-512", "DNS:mx.one.test", 86400, true, false, EE_SHA512, NO_RECORD, true,
         "\"proved\":\"dane-ee\""},
        {"any record that matches is enough", "DNS:mx.one.test", 86400, true, false, EE_WRONG,
         TA_SPKI, true, "\"proved\":\"dane-ta\""},
        {"a stale strong digest outdoes a fresh weak one [RFC 7671 s9]", "DNS:mx.one.test", 86400,
         true, false, EE_SPKI, EE_SHA512_WRONG, false, "tls-verify"},
        {"a fresh strong digest makes a stale weak one harmless", "DNS:mx.one.test", 86400, true,
         false, EE_WRONG, EE_SHA512, true, "\"proved\":\"dane-ee\""},
        {"no record: whoever it is", "DNS:other.test", -3600, true, false, NO_RECORD, NO_RECORD,
         true, "\"proved\":\"nobody\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_row(&rows[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(chains)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
