/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Web Tokens: read, their times, their signature by a given key. */
#include <sodium.h>

#include "../../server/tokens/jwt.h"
#include "check.h"

/* A part in base64url, in one of a few buffers. */
static const char *b64(const char *text)
{
    static char out[8][4096];
    static unsigned next;
    char *to = out[next++ % 8];

    return sodium_bin2base64(to, sizeof(out[0]), (const uint8_t *)text, strlen(text),
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static const char *token(const char *header, const char *claims, const char *signature)
{
    static char text[16384];

    snprintf(text, sizeof(text), "%s.%s%s", b64(header), b64(claims), signature);
    return text;
}

static const char *long_token(const char *claims)
{
    static char text[2 * TOKEN_SIZE_MAX], part[2 * TOKEN_SIZE_MAX - 100];

    sodium_bin2base64(part, sizeof(part), (const uint8_t *)claims, strlen(claims),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    snprintf(text, sizeof(text), "eyJhbGciOiJFUzI1NiJ9.%s.c2ln", part);
    return text;
}

static void test_read(void **state)
{
    static const struct {
        const char *name, *header, *claims, *signature;
        bool want;
    } rows[] = {
        {"a token", "{\"alg\":\"ES256\",\"kid\":\"k\"}", "{\"iss\":\"a\"}", ".c2ln", true},
        {"none is read; it is the check that refuses it", "{\"alg\":\"none\"}", "{}", ".c2ln",
         true},
        {"without a signature", "{\"alg\":\"ES256\"}", "{}", ".", false},
        {"with two parts", "{\"alg\":\"ES256\"}", "{}", "", false},
        {"with four parts", "{\"alg\":\"ES256\"}", "{}", ".c2ln.c2ln", false},
        {"without an algorithm", "{\"kid\":\"k\"}", "{}", ".c2ln", false},
        {"an algorithm that is no text", "{\"alg\":1}", "{}", ".c2ln", false},
        {"what must be understood [RFC 7515 s4.1.11]",
         "{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"exp\":1}", "{}", ".c2ln", false},
        {"a header that is a list", "[\"alg\"]", "{}", ".c2ln", false},
        {"claims that are a list", "{\"alg\":\"ES256\"}", "[]", ".c2ln", false},
        {"claims that are none", "{\"alg\":\"ES256\"}", "exp=1", ".c2ln", false},
        {"a member twice [RFC 7515 s4]", "{\"alg\":\"ES256\",\"alg\":\"none\"}", "{}", ".c2ln",
         false},
        {"a claim twice", "{\"alg\":\"ES256\"}", "{\"exp\":1,\"exp\":2}", ".c2ln", false},
        {"a signature that could be written otherwise", "{\"alg\":\"ES256\"}", "{}", ".YR", false},
        {"bytes behind the claims", "{\"alg\":\"ES256\"}", "{}x", ".c2ln", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct jwt j;

        CHECK_EQ(
            rows[i].name,
            jwt_read(sgl_view_cstr(token(rows[i].header, rows[i].claims, rows[i].signature)), &j),
            rows[i].want);
        CHECK_EQ(rows[i].name, j.header != NULL, rows[i].want);
        jwt_done(&j);
    }
}

static void test_read_raw(void **state)
{
    static const char *const rows[] = {"",           ".",    "..",    "...",   "a.b.c",
                                       "e30.e30",    "e30.", ".e30.", "e30..", "e30=.e30=.YQ",
                                       "e3 0.e30.YQ"};
    struct jwt j;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_TRUE(rows[i], !jwt_read(sgl_view_cstr(rows[i]), &j));
}

/* Padded with blanks among its claims to the size that is wanted, a multiple of 4 behind what is around them. */
static void test_size(void **state)
{
    static const size_t around = sizeof("eyJhbGciOiJFUzI1NiJ9..c2ln") - 1;
    static char claims[TOKEN_SIZE_MAX];
    struct jwt j;
    size_t len = (TOKEN_SIZE_MAX - around) / 4 * 3;

    (void)state;
    memset(claims, ' ', sizeof(claims));
    claims[0] = '{';
    claims[len - 1] = '}';
    claims[len] = '\0';
    CHECK_TRUE("the longest", jwt_read(sgl_view_cstr(long_token(claims)), &j));
    jwt_done(&j);
    claims[len - 1] = ' ';
    claims[len + 2] = '}';
    claims[len + 3] = '\0';
    claims[len] = claims[len + 1] = ' ';
    CHECK_TRUE("a little longer", !jwt_read(sgl_view_cstr(long_token(claims)), &j));
}

static void test_times(void **state)
{
    static const struct {
        const char *name, *claims;
        int64_t now;
        enum token_fault want;
    } rows[] = {
        {"in its hour", "{\"iat\":1000,\"nbf\":1000,\"exp\":4600}", 2000, TOKEN_FINE},
        {"its last moment, by a clock that is late [RFC 7519 s4.1.4]", "{\"exp\":4600}",
         4600 + TOKEN_SKEW_S - 1, TOKEN_FINE},
        {"over", "{\"exp\":4600}", 4600 + TOKEN_SKEW_S, TOKEN_EXPIRED},
        {"its first moment, by a clock that is early [RFC 7519 s4.1.5]",
         "{\"nbf\":1000,\"exp\":4600}", 1000 - TOKEN_SKEW_S, TOKEN_FINE},
        {"not yet", "{\"nbf\":1000,\"exp\":4600}", 999 - TOKEN_SKEW_S, TOKEN_EARLY},
        {"made later than now", "{\"iat\":1000,\"exp\":4600}", 999 - TOKEN_SKEW_S, TOKEN_EARLY},
        {"without an end", "{\"iat\":1000}", 1000, TOKEN_BROKEN},
        {"an end that is a text", "{\"exp\":\"4600\"}", 1000, TOKEN_BROKEN},
        {"an end before all time", "{\"exp\":-1}", 1000, TOKEN_BROKEN},
        {"an end beyond all time", "{\"exp\":1e300}", 1000, TOKEN_BROKEN},
        {"an end beyond all whole numbers", "{\"exp\":9223372036854775807}", 1000, TOKEN_BROKEN},
        {"a begin that is none", "{\"exp\":4600,\"nbf\":null}", 1000, TOKEN_BROKEN},
        {"parts of seconds [RFC 7519 s2]", "{\"exp\":4600.5,\"iat\":1000.25}", 2000, TOKEN_FINE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct jwt j;

        assert_true(
            jwt_read(sgl_view_cstr(token("{\"alg\":\"ES256\"}", rows[i].claims, ".c2ln")), &j));
        CHECK_EQ(rows[i].name, jwt_check_times(&j, rows[i].now), rows[i].want);
        jwt_done(&j);
    }
}

/* The example of RFC 7515 appendix A.3 and its key, and those of A.2 and A.1: RS256, HS256. */
#define ES256_KEY                                                                                  \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","     \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define CLAIMS                                                                                     \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"
#define ES256                                                                                      \
    "eyJhbGciOiJFUzI1NiJ9." CLAIMS                                                                 \
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define NONE "eyJhbGciOiJub25lIn0." CLAIMS ".DtEhU3ljbEg8L38V"
/* HMAC, with the text of the public key as its key, would be right for who takes the algorithm from the token. */
#define HS256                                                                                      \
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." CLAIMS                                             \
    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

static enum token_fault check(const char *text, const char *algorithm)
{
    cjose_err err;
    cjose_jwk_t *key = cjose_jwk_import(ES256_KEY, strlen(ES256_KEY), &err);
    enum token_fault fault = TOKEN_BROKEN;
    struct jwt j;

    assert_non_null(key);
    if (jwt_read(sgl_view_cstr(text), &j)) {
        fault = jwt_check_signature(&j, key, algorithm);
        jwt_done(&j);
    }
    cjose_jwk_release(key);
    return fault;
}

static void test_signature(void **state)
{
    char changed[] = ES256;
    size_t len = strlen(changed), signature = len - 86;

    (void)state;
    CHECK_EQ("the example of the standard [RFC 7515 appendix A.3]", check(ES256, "ES256"),
             TOKEN_FINE);
    CHECK_EQ("not for a key of another kind", check(ES256, "RS256"), TOKEN_ALGORITHM);
    CHECK_EQ("none is no signature [RFC 8725 s3.2]", check(NONE, "ES256"), TOKEN_ALGORITHM);
    CHECK_EQ("a public key is no secret [RFC 8725 s2.1]", check(HS256, "ES256"), TOKEN_ALGORITHM);
    CHECK_EQ("nothing may stand behind r and s [RFC 7518 s3.4]", check(ES256 "A", "ES256"),
             TOKEN_SIGNATURE);
    for (size_t i = 0; i < len; i++) {
        char was = changed[i];

        if (was == '.')
            continue;
        changed[i] = was == 'A' ? 'Q' : 'A';
        CHECK_TRUE("changed anywhere it is none", check(changed, "ES256") != TOKEN_FINE);
        changed[i] = was;
    }
    for (size_t cut = signature; cut < len; cut++) {
        changed[cut] = '\0';
        CHECK_TRUE("nor cut", check(changed, "ES256") != TOKEN_FINE);
        changed[cut] = ES256[cut];
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),  cmocka_unit_test(test_read_raw),  cmocka_unit_test(test_size),
        cmocka_unit_test(test_times), cmocka_unit_test(test_signature),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
