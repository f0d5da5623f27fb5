/* SPDX-License-Identifier: Apache-2.0 */
/* Several certificates behind one door: which of them a client is shown. */
#include <time.h>

#include "../../server/loop/tls.h"
#include "check.h"
#include "fail_alloc.h"
#include "tls_fixture.h"

#define PAIRS 5

static struct made_pair made[PAIRS];
static struct tls_pair *pair[PAIRS];

static int make_pairs(void **state)
{
    static const struct {
        const char *names;
        long valid_s;
    } of[PAIRS] = {
        {"DNS:mail.a.test,DNS:old.a.test", 86400},
        {"DNS:*.b.test", 86400},
        {"DNS:mx.b.test", 86400},
        {"DNS:mx.c.test,DNS:mx.d.test,DNS:www*.d.test", -60},
        {"DNS:MX.C.test,DNS:mail.a.test,DNS:*.e.f.test,DNS:**.g.test,DNS:*", 86400},
    };
    char why[200];

    (void)state;
    for (size_t i = 0; i < PAIRS; i++) {
        make_named_certificate(&made[i], "subject.test", of[i].names, of[i].valid_s);
        pair[i] = tls_pair_new(sgl_view_cstr(made[i].certificate), sgl_view_cstr(made[i].key), why,
                               sizeof why);
        if (pair[i] == NULL)
            return -1;
    }
    return 0;
}

static int free_pairs(void **state)
{
    (void)state;
    for (size_t i = 0; i < PAIRS; i++)
        tls_pair_unref(pair[i]);
    return 0;
}

/* One turn of each until both are done; false: they do not come together. */
static bool shake(SSL *client, SSL *server)
{
    for (int i = 0; i < 10; i++) {
        int c = SSL_do_handshake(client), s = SSL_do_handshake(server);

        if (c == 1 && s == 1)
            return true;
    }
    return false;
}

/* The place of the pair that a client who asks for `host` is shown; PAIRS: of none of them. */
static size_t shown_to(struct tls_server *server, const char *host, int version)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *client = SSL_new(ctx), *s = tls_server_session(server);
    BIO *a, *b;
    X509 *x;
    size_t found = PAIRS;

    SSL_set_max_proto_version(client, version);
    BIO_new_bio_pair(&a, 0, &b, 0);
    SSL_set_bio(client, a, a);
    SSL_set_bio(s, b, b);
    SSL_set_connect_state(client);
    if (host != NULL)
        SSL_set_tlsext_host_name(client, host);
    CHECK_TRUE("the handshake ends", shake(client, s));
    x = SSL_get1_peer_certificate(client);
    for (size_t i = 0; x != NULL && i < PAIRS; i++) {
        uint8_t hash[32];

        EVP_PKEY *key = X509_get0_pubkey(x);
        unsigned char *der = NULL;
        int len = i2d_PUBKEY(key, &der);

        EVP_Digest(der, (size_t)len, hash, NULL, EVP_sha256(), NULL);
        OPENSSL_free(der);
        if (memcmp(hash, tls_pair_key_hash(pair[i]), 32) == 0)
            found = i;
    }
    X509_free(x);
    SSL_free(client);
    SSL_free(s);
    SSL_CTX_free(ctx);
    return found;
}

/* [RFC 6066 s3] [RFC 9525 s6.3] */
static void the_name_that_is_asked_for_chooses(void **state)
{
    static const struct {
        const char *rule, *host;
        size_t want;
        bool covered;
    } cases[] = {
        {"without a name the default is shown", NULL, 0, false},
        {"its own name, the first that has it", "mail.a.test", 0, true},
        {"a name that nobody has gets the default", "other.test", 0, false},
        {"a wildcard is one label", "x.b.test", 1, true},
        {"a wildcard is not two labels", "x.y.b.test", 0, false},
        {"a wildcard is not no label", "b.test", 0, false},
        {"the name itself comes before a wildcard", "mx.b.test", 2, true},
        {"letters have no case", "Mx.B.Test", 2, true},
        {"one in force comes before one that is over", "mx.c.test", 4, true},
        {"one that is over is better than another name", "mx.d.test", 3, true},
        {"a star inside a label is none", "www1.d.test", 0, false},
        {"a star is the first label only", "a.e.f.test", 4, true},
        {"two stars are none", "a.g.test", 0, false},
        {"a star alone is none", "single", 0, false},
        {"the subject's CN is no name", "subject.test", 0, false},
    };
    static const int version[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct tls_server *s = tls_server_of(pair, PAIRS);

    (void)state;
    CHECK_TRUE("made", s != NULL);
    for (size_t v = 0; v < 2; v++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            CHECK_EQ(cases[i].rule, shown_to(s, cases[i].host, version[v]), cases[i].want);
            if (cases[i].host != NULL)
                CHECK_EQ(cases[i].rule, tls_server_covers(s, cases[i].host), cases[i].covered);
        }
    tls_server_free(s);
}

static void a_new_set_counts_from_the_next_session_on(void **state)
{
    struct tls_server *s = tls_server_of(pair, 2);
    SSL *held = tls_server_session(s);

    (void)state;
    CHECK_EQ("of the first set", shown_to(s, "mx.b.test", TLS1_3_VERSION), 1);
    CHECK_TRUE("set", tls_server_set(s, pair, 3));
    CHECK_EQ("of the second", shown_to(s, "mx.b.test", TLS1_3_VERSION), 2);
    tls_server_free(s);
    SSL_free(held); /* the first set lives as long as it */
}

static void a_hash_is_that_of_the_key(void **state)
{
    uint8_t hash[32];

    (void)state;
    CHECK_TRUE("of a private key", tls_key_hash(sgl_view_cstr(made[0].key), hash));
    CHECK_TRUE("the same", memcmp(hash, made[0].spki_sha256, 32) == 0 &&
                               memcmp(hash, tls_pair_key_hash(pair[0]), 32) == 0);
    CHECK_TRUE("of a certificate: none", !tls_key_hash(sgl_view_cstr(made[0].certificate), hash));
    CHECK_TRUE("of nothing: none", !tls_key_hash(SGL_LIT(""), hash));
    CHECK_STR("names are lower case", tls_pair_name(pair[4], 0), "mx.c.test");
    CHECK_TRUE("no more", tls_pair_name(pair[2], 1) == NULL);
}

static void memory_ends(void **state)
{
    char why[200];

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct tls_server *s = tls_server_new(sgl_view_cstr(made[0].certificate),
                                              sgl_view_cstr(made[0].key), why, sizeof why);

        fail_alloc_off();
        CHECK_EQ("nothing half done", s == NULL, fail_alloc_hit());
        if (s == NULL)
            CHECK_STR("why", why, "out of memory");
        tls_server_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_that_is_asked_for_chooses),
        cmocka_unit_test(a_new_set_counts_from_the_next_session_on),
        cmocka_unit_test(a_hash_is_that_of_the_key),
        cmocka_unit_test(memory_ends),
    };
    return cmocka_run_group_tests(tests, make_pairs, free_pairs);
}
