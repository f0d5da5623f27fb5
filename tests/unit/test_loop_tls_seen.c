/* SPDX-License-Identifier: Apache-2.0 */
/* What a client sees of a server's certificate, whatever it asks of it. */
#include <openssl/err.h>

#include "../../server/loop/tls.h"
#include "check.h"
#include "tls_fixture.h"

static void give(SSL *from, SSL *to)
{
    char bytes[16384];
    int n;

    while ((n = BIO_read(SSL_get_wbio(from), bytes, sizeof bytes)) > 0)
        assert_int_equal(BIO_write(SSL_get_rbio(to), bytes, n), n);
}

static void with_memory(SSL *ssl)
{
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
}

/* Through both sides in memory; true: the client is content. */
static bool shake(SSL *client, SSL *server)
{
    int good = 0;

    with_memory(client);
    with_memory(server);
    for (int i = 0; i < 10 && good != 1; i++) {
        good = SSL_do_handshake(client);
        give(client, server);
        (void)SSL_do_handshake(server);
        give(server, client);
    }
    ERR_clear_error();
    return good == 1;
}

/* A handshake with the owner of `pair`; roots is a PEM text. */
static bool meet(const struct made_pair *pair, const char *roots, const struct tls_target *target,
                 int version, struct tls_seen *seen)
{
    char why[200] = "";
    struct tls_server *s =
        tls_server_new(sgl_view_cstr(pair->certificate), sgl_view_cstr(pair->key), why, sizeof why);
    struct tls_client *c = tls_client_new(sgl_view_cstr(roots), why, sizeof why);
    SSL *client, *server;
    bool good;

    CHECK_TRUE(why, s != NULL && c != NULL);
    client = tls_client_session(c, target, NULL);
    server = tls_server_session(s);
    CHECK_TRUE("sessions", client != NULL && server != NULL);
    SSL_set_max_proto_version(client, version);
    good = shake(client, server);
    tls_see(client, seen);
    SSL_free(client);
    SSL_free(server);
    tls_client_free(c);
    tls_server_free(s);
    return good;
}

/* As `openssl x509 -fingerprint -sha256` has it. */
static void digest_of(const struct made_pair *pair, char out[65])
{
    BIO *in = BIO_new_mem_buf(pair->certificate, -1);
    X509 *x = PEM_read_bio_X509(in, NULL, NULL, NULL);
    unsigned char *der = NULL, digest[32];
    int len = i2d_X509(x, &der);

    EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL);
    for (size_t i = 0; i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    OPENSSL_free(der);
    X509_free(x);
    BIO_free(in);
}

static void what_is_refused_and_what_is_only_noted(void **state)
{
    static const struct {
        const char *name, *asked;
        enum tls_verify verify;
        bool trusted, ended;
        bool goes;
        long want;
    } rows[] = {
        {"nobody asks: good", "a.test", TLS_VERIFY_NONE, true, false, true, X509_V_OK},
        {"nobody asks: another name", "b.test", TLS_VERIFY_NONE, true, false, true,
         X509_V_ERR_HOSTNAME_MISMATCH},
        {"nobody asks: ended", "a.test", TLS_VERIFY_NONE, true, true, true,
         X509_V_ERR_CERT_HAS_EXPIRED},
        {"nobody asks: unknown", "a.test", TLS_VERIFY_NONE, false, false, true,
         X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT},
        {"asked: good", "a.test", TLS_VERIFY_NAME, true, false, true, X509_V_OK},
        {"asked: another name", "b.test", TLS_VERIFY_NAME, true, false, false,
         X509_V_ERR_HOSTNAME_MISMATCH},
        {"asked: ended", "a.test", TLS_VERIFY_NAME, true, true, false, X509_V_ERR_CERT_HAS_EXPIRED},
        {"asked: unknown", "a.test", TLS_VERIFY_NAME, false, false, false,
         X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT},
    };
    struct made_pair pair[2];
    char digest[2][65];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        make_certificate(&pair[i], "a.test", i == 0 ? 86400 : -60);
        digest_of(&pair[i], digest[i]);
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tls_target target = {.verify = rows[i].verify, .name = rows[i].asked};
        struct tls_seen seen;

        CHECK_EQ(rows[i].name,
                 meet(&pair[rows[i].ended], rows[i].trusted ? pair[rows[i].ended].certificate : "",
                      &target, 0, &seen),
                 rows[i].goes);
        CHECK_EQ(rows[i].name, seen.verify, rows[i].want);
        CHECK_STR(rows[i].name, seen.sha256, digest[rows[i].ended]);
        CHECK_EQ(rows[i].name, seen.names, 1);
        CHECK_STR(rows[i].name, seen.name[0], "a.test");
        CHECK_STR(rows[i].name, seen.version, rows[i].goes ? "TLSv1.3" : "");
        CHECK_STR(rows[i].name, seen.cipher, rows[i].goes ? "TLS_AES_256_GCM_SHA384" : "");
        CHECK_TRUE(rows[i].name, !seen.matched);
    }
}

static void both_versions_name_their_group(void **state)
{
    struct made_pair pair;
    struct tls_target target = {.verify = TLS_VERIFY_NONE, .name = "a.test"};
    struct tls_seen seen;

    (void)state;
    make_certificate(&pair, "a.test", 86400);
    CHECK_TRUE("1.3", meet(&pair, "", &target, TLS1_3_VERSION, &seen));
    CHECK_STR("1.3", seen.version, "TLSv1.3");
    CHECK_STR("1.3", seen.group, "x25519");
    CHECK_TRUE("1.2", meet(&pair, "", &target, TLS1_2_VERSION, &seen));
    CHECK_STR("1.2", seen.version, "TLSv1.2");
    CHECK_STR("1.2", seen.group, "x25519");
    CHECK_STR("1.2", seen.cipher, "ECDHE-ECDSA-AES256-GCM-SHA384");
}

static void the_record_that_matched_is_named(void **state)
{
    struct made_pair pair;
    uint8_t wrong[32] = {1};
    struct tls_tlsa records[2];
    struct tls_target target = {
        .verify = TLS_VERIFY_DANE, .name = "x.test", .tlsa = records, .tlsas = 2};
    struct tls_seen seen;
    char digest[65];

    (void)state;
    make_certificate(&pair, "a.test", -60);
    digest_of(&pair, digest);
    records[0] = (struct tls_tlsa){2, 0, 1, sgl_view_of(wrong, 32)};
    records[1] = (struct tls_tlsa){3, 1, 1, sgl_view_of(pair.spki_sha256, 32)};
    CHECK_TRUE("the second one", meet(&pair, "", &target, 0, &seen));
    CHECK_TRUE("the second one", seen.matched);
    CHECK_EQ("its usage", seen.usage, 3);
    CHECK_EQ("its selector", seen.selector, 1);
    CHECK_EQ("its matching type", seen.matching, 1);
    records[1].data = sgl_view_of(wrong, 32);
    CHECK_TRUE("none", !meet(&pair, "", &target, 0, &seen));
    CHECK_TRUE("none", !seen.matched);
    CHECK_EQ("none", seen.verify, X509_V_ERR_DANE_NO_MATCH);
    CHECK_STR("the certificate that did not match is seen", seen.sha256, digest);
}

/* Whoever makes a certificate writes what he likes into it. */
static void hostile_names(void **state)
{
    char names[2000] = "DNS:a\tb\x1b[31m\\\".test,DNS:";
    struct made_pair pair;
    struct tls_target target = {.verify = TLS_VERIFY_NONE, .name = "a.test"};
    struct tls_seen seen;
    size_t at = strlen(names);

    (void)state;
    memset(names + at, 'x', 300);
    strcpy(names + at + 300, ",DNS:\xc3\xa4.test,DNS:");
    at = strlen(names);
    memset(names + at, 'y', TLS_NAME_SIZE - 1); /* just fits */
    at += TLS_NAME_SIZE - 1;
    for (int i = 0; i < 9; i++)
        at += (size_t)snprintf(names + at, sizeof names - at, ",DNS:n%d.test,email:x@n.test", i);
    make_named_certificate(&pair, "a.test", names, 86400);
    CHECK_TRUE("a handshake", meet(&pair, "", &target, 0, &seen));
    CHECK_STR("control bytes and quotes", seen.name[0], "a?b?[31m??.test");
    CHECK_EQ("a long one is cut", strlen(seen.name[1]), TLS_NAME_SIZE - 1);
    CHECK_STR("and says so", seen.name[1] + TLS_NAME_SIZE - 4, "x..");
    CHECK_STR("not ASCII", seen.name[2], "??.test");
    CHECK_STR("one that just fits", seen.name[3] + TLS_NAME_SIZE - 4, "yyy");
    CHECK_STR("the last one kept", seen.name[7], "n3.test");
    CHECK_EQ("as many as there is room for", seen.names, TLS_NAMES_MAX);
    CHECK_EQ("the others are counted; addresses of mail are none", seen.more_names, 5);
}

static void without_a_certificate_nothing_is_proved(void **state)
{
    char why[200];
    struct tls_client *c = tls_client_new(sgl_view_of(NULL, 0), why, sizeof why);
    struct tls_target target = {.verify = TLS_VERIFY_NONE, .name = "a.test"};
    SSL *ssl = tls_client_session(c, &target, NULL);
    struct tls_seen seen;

    (void)state;
    tls_see(ssl, &seen);
    CHECK_TRUE("no verdict is no proof", seen.verify != X509_V_OK);
    CHECK_STR("no digest", seen.sha256, "");
    CHECK_STR("no version", seen.version, "");
    SSL_free(ssl);
    tls_client_free(c);
}

static void count_session(void *ctx, SSL_SESSION *session)
{
    (void)session;
    ++*(unsigned *)ctx;
}

/* TLS 1.2: told within the handshake. */
static void who_is_told_of_sessions_can_stop_listening(void **state)
{
    struct made_pair pair;
    unsigned count = 0;
    struct tls_sessions sessions = {count_session, &count};
    struct tls_target target = {.name = "a.test", .sessions = &sessions};
    char why[200] = "";
    struct tls_client *c = tls_client_new(sgl_view_of(NULL, 0), why, sizeof why);
    struct tls_server *s;

    (void)state;
    make_certificate(&pair, "a.test", 86400);
    s = tls_server_new(sgl_view_cstr(pair.certificate), sgl_view_cstr(pair.key), why, sizeof why);
    for (unsigned silent = 0; silent < 2; silent++) {
        SSL *client = tls_client_session(c, &target, NULL), *server = tls_server_session(s);

        SSL_set_max_proto_version(client, TLS1_2_VERSION);
        if (silent)
            tls_client_silence(client);
        CHECK_TRUE("a handshake", shake(client, server));
        CHECK_EQ("told", count, 1);
        SSL_free(client);
        SSL_free(server);
    }
    tls_client_free(c);
    tls_server_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refused_and_what_is_only_noted),
        cmocka_unit_test(both_versions_name_their_group),
        cmocka_unit_test(the_record_that_matched_is_named),
        cmocka_unit_test(hostile_names),
        cmocka_unit_test(who_is_told_of_sessions_can_stop_listening),
        cmocka_unit_test(without_a_certificate_nothing_is_proved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
