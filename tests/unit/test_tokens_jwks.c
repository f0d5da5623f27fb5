/* SPDX-License-Identifier: Apache-2.0 */
/* Key sets of others, and tokens against them  [RFC 7517 s5, RFC 7518 s3, RFC 8725 s3.1]. */
#include "../../server/tokens/jwks.h"
#include "check.h"

/* Made for this test by python3-jwt; the private halves are gone. */
#define N                                                                                          \
    "nPOjLT7RSEXYLy0xDCkOz8Gb9guKBbF6lMuR0TgOaPdwOFCBttK1lqzxZ8Xqh-x2xmiJ1AWaMSZBnoEp"             \
    "F1MRaml6449yxOQ3-TV3MdJU0RnkA7eMAFKH39Fmlp5jglLh_rMeczl8bhikZ2IQQMkbRwT0oFNdUwAD"             \
    "wZNKrO4_uNDyz-V58rC-ekFpCGHrL1ffjYRJIVVt4EX8JaUtxagW2dunFRoafAqyKoDU10uMSpH9usS8"             \
    "B1BAvxdq6oYPy7Ro1vL9N7irpVHyCSFSrD1_sylaOoQRqIPIJRdMMSEirLYS0VqTsMxO4A-75miawB8s"             \
    "nFsOKUEEpvFoQvzEre7z9Q"
#define N_1024                                                                                     \
    "s0FPqcM1yxTFoD7aaQJ453zaPAlEUdlg9ZYHc6kBfuyPBAcyZcWessfHdd82SSCpGjx-OyItNRD_lZLq"             \
    "sP3eGhK1HbQJhBonp-tNiYO5qd7erDhgsrcNlLZa9U5KHOdIQdk8L1-ALxk5nSM5If92XU-eiq7LpIDk"             \
    "xmP9FUSpyqE"
#define X "reSWptqDVn1KbauMC-hQftp-fSJ7l0gph_GXIwEWe8I"
#define Y "BnQxY83oIOuOgrlrMsVOU1KBNEXYiNphs6dnOwnLZBk"
#define BY_RS256                                                                                   \
    "eyJhbGciOiJSUzI1NiIsImtpZCI6InIiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJhIn0.Olstx8cgRPtmT"             \
    "B-cJk7a5RQ-_8iOvIem-4Mb18b985YC7bYf-9O8ggq1_Z_SGuteSoU10BaNIx2Py3lSm7dlFUlI6Bw7H"             \
    "1YsWnujoirEFdmKZm2_f6Nj51bjvEk0XA9-GXbwnPNHm-fdqovX900eVuugoeEik-MqMX34Ns6TwiEYh"             \
    "4Nm4KsuKzDyereQc6h9Ukco6_MU3qjPFUnnVAVXw1kwf8Chj4VBdOrgCODAgBKlfGPbcughiuHDr1e2J"             \
    "Rd4hqhBfFGMiI6iZVse7mNPqxy5XghsEB6Jn_25LxX9FAPLhboTkQNMH5EMBUV_FwI-0nWZZ30fCUCac"             \
    "2p1r46tjw"
#define BY_PS256                                                                                   \
    "eyJhbGciOiJQUzI1NiIsImtpZCI6InIiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJhIn0.SwuraqU7JyCzZ"             \
    "WpexMKdPWm-O_p1ScdQ8x-p4ZH1iKN2v5mS0PWfI4-jkoqN_-64jf7efn36uJ_4DRV6qO0_TiL9KIqYR"             \
    "A5uOROSqnINuC34uN4gi0fSI1W2baHZFdsUIVPYYIgZ0nFueMgTigVwPqgbh4FmDWYvRz1CHtXwu-YFF"             \
    "Xxj43tgBA5XiJbw_cKwZy92ynrBwsDoaLxRySvrsag-LFZiJ8owzW72zWA0IiFg-wrOBeXxd-PDSLttx"             \
    "umIwVHo6mU5ox1QagX7_qSNkjtrkvRMChWyWHfNHVi1mRiCZFKh2jd03GUN5D1EqrnjBM9v8fV8bm3nU"             \
    "KBnSJlkcA"
#define BY_ES256                                                                                   \
    "eyJhbGciOiJFUzI1NiIsImtpZCI6ImUiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJhIn0.dZy2u-CGuPKhl"             \
    "shk187EKQysYSlcX8Dw7GK1SCnhFuCDvx9OIea2fEgvskuaDHbxUoMGOTbRGzyONF_srlI2vA"
#define BY_ES256_LONG                                                                              \
    "eyJhbGciOiJFUzI1NiIsImtpZCI6ImUiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJhIn0.dZy2u-CGuPKhl"             \
    "shk187EKQysYSlcX8Dw7GK1SCnhFuCDvx9OIea2fEgvskuaDHbxUoMGOTbRGzyONF_srlI2vAA"
#define BY_ES256_AS_R                                                                              \
    "eyJhbGciOiJFUzI1NiIsImtpZCI6InIiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJhIn0.dA5y3kyZxoveu"             \
    "hNc3td2KZBs5UhVylAX026Rk7zLYwVSu46MGyHwIqNIuOeAbkfR06DzsVTNl0zrxsp4DtrAtw"

#define RSA(more) "{\"kty\":\"RSA\",\"kid\":\"r\",\"n\":\"" N "\",\"e\":\"AQAB\"" more "}"
#define RSA_E(e)  "{\"kty\":\"RSA\",\"n\":\"" N "\",\"e\":\"" e "\"}"
#define EC(more)                                                                                   \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"e\",\"x\":\"" X "\",\"y\":\"" Y "\"" more "}"
#define EC_OF(crv, y) "{\"kty\":\"EC\",\"crv\":\"" crv "\",\"x\":\"" X "\",\"y\":\"" y "\"}"
#define SET(keys)     "{\"keys\":[" keys "]}"
#define BOTH          SET(RSA("") "," EC(""))

static void test_read(void **state)
{
    static const struct {
        const char *name, *text;
        size_t want; /* keys; 0: no set */
    } rows[] = {
        {"both kinds", BOTH, 2},
        {"for signatures", SET(RSA(",\"use\":\"sig\",\"alg\":\"PS256\"")), 1},
        {"for encryption", SET(RSA(",\"use\":\"enc\"")), 0},
        {"to verify", SET(EC(",\"key_ops\":[\"verify\"]")), 1},
        {"to encrypt", SET(EC(",\"key_ops\":[\"encrypt\"]")), 0},
        {"for HMAC", SET(RSA(",\"alg\":\"HS256\"")), 0},
        {"of a kind that cannot do it", SET(EC(",\"alg\":\"RS256\"")), 0},
        {"a shared secret is passed over", SET("{\"kty\":\"oct\",\"k\":\"AAAA\"}," EC("")), 1},
        {"RSA of 1024 bits [RFC 7518 s3.3]",
         SET("{\"kty\":\"RSA\",\"n\":\"" N_1024 "\",\"e\":\"AQAB\"}"), 0},
        {"an exponent of one", SET(RSA_E("AQ")), 0},
        {"an even exponent", SET(RSA_E("AQAC")), 0},
        {"a point off the curve", SET(EC_OF("P-256", X)), 0},
        {"another curve", SET(EC_OF("P-384", Y)), 0},
        {"a kid that is no text", SET(RSA("") "," EC(",\"kid\":1")), 0},
        {"no keys", SET(""), 0},
        {"no list", "{\"keys\":{}}", 0},
        {"a list alone", "[" EC("") "]", 0},
        {"nothing", "", 0},
        {"two lists", "{\"keys\":[" EC("") "],\"keys\":[]}", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct jwks *set = jwks_read(sgl_view_cstr(rows[i].text));

        CHECK_EQ(rows[i].name, set == NULL ? 0 : set->keys, rows[i].want);
        jwks_unref(set);
    }
}

static void test_check(void **state)
{
    static const struct {
        const char *name, *set, *token;
        enum token_fault want;
    } rows[] = {
        {"RS256", BOTH, BY_RS256, TOKEN_FINE},
        {"PS256", BOTH, BY_PS256, TOKEN_FINE},
        {"ES256", BOTH, BY_ES256, TOKEN_FINE},
        {"a byte behind a signature of ES256 [RFC 7518 s3.4]", BOTH, BY_ES256_LONG,
         TOKEN_SIGNATURE},
        {"a key for the other padding only", SET(RSA(",\"alg\":\"PS256\"")), BY_RS256, TOKEN_KEY},
        {"an algorithm of another kind than the key", BOTH, BY_ES256_AS_R, TOKEN_KEY},
        {"a key that is not there", SET(EC("")), BY_RS256, TOKEN_KEY},
        {"bytes behind a signature of RSA", BOTH, BY_PS256 "AAAA", TOKEN_SIGNATURE},
        {"none [RFC 8725 s3.1]", BOTH, "eyJhbGciOiJub25lIn0.e30.YQ", TOKEN_ALGORITHM},
        {"HMAC", BOTH, "eyJhbGciOiJIUzI1NiJ9.e30.YQ", TOKEN_ALGORITHM},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct jwks *set = jwks_read(sgl_view_cstr(rows[i].set));
        struct jwt j;

        assert_non_null(set);
        if (!jwt_read(sgl_view_cstr(rows[i].token), &j)) {
            CHECK_EQ(rows[i].name, TOKEN_SIGNATURE, rows[i].want); /* no base64 any more */
            jwks_unref(set);
            continue;
        }
        CHECK_EQ(rows[i].name, jwks_check(set, &j), rows[i].want);
        jwt_done(&j);
        jwks_unref(set);
    }
}

static void test_metadata(void **state)
{
    static const struct {
        const char *name, *text;
        bool want;
    } rows[] = {
        {"its own", "{\"issuer\":\"https://a\",\"jwks_uri\":\"https://b/k\"}", true},
        {"another's", "{\"issuer\":\"https://a/\",\"jwks_uri\":\"https://b/k\"}", false},
        {"in the clear", "{\"issuer\":\"https://a\",\"jwks_uri\":\"http://b/k\"}", false},
        {"a file", "{\"issuer\":\"https://a\",\"jwks_uri\":\"file:///etc/passwd\"}", false},
        {"a user", "{\"issuer\":\"https://a\",\"jwks_uri\":\"https://u@b/k\"}", false},
        {"a line end", "{\"issuer\":\"https://a\",\"jwks_uri\":\"https://b/k\\r\\n\"}", false},
        {"no keys", "{\"issuer\":\"https://a\"}", false},
        {"nothing", "", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char url[JWKS_URL_MAX] = "untouched";

        CHECK_EQ(rows[i].name,
                 jwks_metadata_read(sgl_view_cstr(rows[i].text), SGL_LIT("https://a"), url),
                 rows[i].want);
        CHECK_STR(rows[i].name, url, rows[i].want ? "https://b/k" : "untouched");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_check),
                                       cmocka_unit_test(test_metadata)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
