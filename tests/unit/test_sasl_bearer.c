/* SPDX-License-Identifier: Apache-2.0 */
/* XOAUTH2 and OAUTHBEARER: what is taken for a message, what is not, and how a refusal goes. */
#include "check.h"

#include "sigillo/limits.h"
#include "sigillo/sasl.h"
#include "sigillo/smtp_command.h"

#define S      "\x01"
#define BEARER SGL_SASL_OAUTHBEARER
#define X2     SGL_SASL_XOAUTH2

static const struct row {
    const char *name;
    unsigned mechanism;
    sgl_view message;
    const char *user, *token; /* NULL: broken */
} rows[] = {
    {"as printed [RFC 7628 s4.1]", BEARER,
     SGL_LIT_INIT("n,a=user@example.com," S "host=server.example.com" S "port=143" S
                  "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==" S S),
     "user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="},
    {"without host and port", BEARER, SGL_LIT_INIT("n,a=u," S "auth=Bearer t" S S), "u", "t"},
    {"in another order", BEARER, SGL_LIT_INIT("y,a=u," S "auth=Bearer t" S "port=1" S S), "u", "t"},
    {"a name with a comma and an equals sign [RFC 5802 s5.1]", BEARER,
     SGL_LIT_INIT("n,a=a=2Cb=3Dc," S "auth=Bearer t" S S), "a,b=c", "t"},
    {"without a name", BEARER, SGL_LIT_INIT("n,," S "auth=Bearer t" S S), "", "t"},
    {"the scheme in any case [RFC 7628 s3.1]", BEARER, SGL_LIT_INIT("n,," S "AUTH=bEARER  t" S S),
     "", "t"},
    {"no token: where do they come from? [RFC 7628 s4.3]", BEARER,
     SGL_LIT_INIT("n,a=u," S "auth=" S S), "u", ""},
    {"keys that are not known [RFC 7628 s3.1]", BEARER,
     SGL_LIT_INIT("n,," S "qs=a=b" S "auth=Bearer t" S "mthd=POST" S S), "", "t"},
    {"empty", BEARER, SGL_LIT_INIT(""), NULL, NULL},
    {"a separator only", BEARER, SGL_LIT_INIT(S), NULL, NULL},
    {"channel binding", BEARER, SGL_LIT_INIT("p=tls-unique,a=u," S "auth=Bearer t" S S), NULL,
     NULL},
    {"no header", BEARER, SGL_LIT_INIT("auth=Bearer t" S S), NULL, NULL},
    {"a header that is cut [RFC 5801 s4]", BEARER, SGL_LIT_INIT("n,a=u" S "auth=Bearer t" S S),
     NULL, NULL},
    {"a header with more", BEARER, SGL_LIT_INIT("n,a=u,x" S "auth=Bearer t" S S), NULL, NULL},
    {"a name without its a=", BEARER, SGL_LIT_INIT("n,u," S "auth=Bearer t" S S), NULL, NULL},
    {"a name with another escape", BEARER, SGL_LIT_INIT("n,a=u=2D," S "auth=Bearer t" S S), NULL,
     NULL},
    {"an empty name behind a=", BEARER, SGL_LIT_INIT("n,a=," S "auth=Bearer t" S S), NULL, NULL},
    {"a line break in the name", BEARER, SGL_LIT_INIT("n,a=u\r\nx," S "auth=Bearer t" S S), NULL,
     NULL},
    {"not UTF-8", BEARER, SGL_LIT_INIT("n,a=u\xff," S "auth=Bearer t" S S), NULL, NULL},
    {"no auth", BEARER, SGL_LIT_INIT("n,a=u," S "host=h" S S), NULL, NULL},
    {"auth twice", BEARER, SGL_LIT_INIT("n,," S "auth=Bearer t" S "auth=Bearer u" S S), NULL, NULL},
    {"another scheme", BEARER, SGL_LIT_INIT("n,," S "auth=Basic t" S S), NULL, NULL},
    {"a scheme without a token [RFC 6750 s2.1]", BEARER, SGL_LIT_INIT("n,," S "auth=Bearer " S S),
     NULL, NULL},
    {"a blank in the token", BEARER, SGL_LIT_INIT("n,," S "auth=Bearer a b" S S), NULL, NULL},
    {"a line break in the token", BEARER, SGL_LIT_INIT("n,," S "auth=Bearer a\r\nb" S S), NULL,
     NULL},
    {"a NUL", BEARER, SGL_LIT_INIT("n,," S "auth=Bearer a\0b" S S), NULL, NULL},
    {"a pair without a value", BEARER, SGL_LIT_INIT("n,," S "auth" S S), NULL, NULL},
    {"a pair without a key", BEARER, SGL_LIT_INIT("n,," S "=x" S "auth=Bearer t" S S), NULL, NULL},
    {"a key with digits", BEARER, SGL_LIT_INIT("n,," S "a1=x" S "auth=Bearer t" S S), NULL, NULL},
    {"without its end", BEARER, SGL_LIT_INIT("n,," S "auth=Bearer t" S), NULL, NULL},
    {"with more behind its end", BEARER, SGL_LIT_INIT("n,," S "auth=Bearer t" S S S), NULL, NULL},
    {"XOAUTH2 as it is spoken", X2, SGL_LIT_INIT("user=u@a.test" S "auth=Bearer t" S S), "u@a.test",
     "t"},
    {"an equals sign in the name", X2, SGL_LIT_INIT("user=a=b" S "auth=Bearer t" S S), "a=b", "t"},
    {"XOAUTH2 without a name", X2, SGL_LIT_INIT("auth=Bearer t" S S), NULL, NULL},
    {"XOAUTH2 with an empty name", X2, SGL_LIT_INIT("user=" S "auth=Bearer t" S S), NULL, NULL},
    {"two names", X2, SGL_LIT_INIT("user=a" S "user=b" S "auth=Bearer t" S S), NULL, NULL},
    {"XOAUTH2 without its end", X2, SGL_LIT_INIT("user=a" S "auth=Bearer t"), NULL, NULL},
    {"XOAUTH2 without a token", X2, SGL_LIT_INIT("user=a" S S), NULL, NULL},
    {"a header of the other", X2, SGL_LIT_INIT("n,a=u," S "auth=Bearer t" S S), NULL, NULL},
};

static void messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sgl_sasl_bearer b;
        bool good = rows[i].user != NULL;

        sgl_sasl_bearer_init(&b, rows[i].mechanism);
        CHECK_EQ(rows[i].name, sgl_sasl_bearer_step(&b, true, rows[i].message),
                 good ? SGL_SASL_CHECK : SGL_SASL_BROKEN);
        if (good) {
            CHECK_VIEW(rows[i].name, sgl_buf_view(&b.user), sgl_view_cstr(rows[i].user));
            CHECK_VIEW(rows[i].name, b.token, sgl_view_cstr(rows[i].token));
        }
        sgl_sasl_bearer_done(&b);
    }
}

/* Any message, cut anywhere, is none: what counts stands in front of its end. */
static void cut_off(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t len = 0; rows[i].user != NULL && len < rows[i].message.len; len++) {
            struct sgl_sasl_bearer b;

            sgl_sasl_bearer_init(&b, rows[i].mechanism);
            CHECK_EQ(rows[i].name,
                     sgl_sasl_bearer_step(&b, true, sgl_view_sub(rows[i].message, 0, len)),
                     SGL_SASL_BROKEN);
            sgl_sasl_bearer_done(&b);
        }
    }
}

static void too_long(void **state)
{
    static const struct {
        const char *name;
        size_t user, token;
        enum sgl_sasl_step want;
    } sizes[] = {
        {"as long as it may be", SGL_LIMIT_SASL_FIELD, 8100, SGL_SASL_CHECK},
        {"a longer name", SGL_LIMIT_SASL_FIELD + 1, 10, SGL_SASL_BROKEN},
        {"a longer message", 10, SGL_LIMIT_SASL_MESSAGE, SGL_SASL_BROKEN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 16);
        struct sgl_sasl_bearer b;

        sgl_buf_add_cstr(&text, "user=");
        for (size_t n = 0; n < sizes[i].user; n++)
            sgl_buf_add_byte(&text, 'u');
        sgl_buf_add_cstr(&text, S "auth=Bearer ");
        for (size_t n = 0; n < sizes[i].token; n++)
            sgl_buf_add_byte(&text, 't');
        sgl_buf_add_cstr(&text, S S);
        sgl_sasl_bearer_init(&b, X2);
        CHECK_EQ(sizes[i].name, sgl_sasl_bearer_step(&b, true, sgl_buf_view(&text)), sizes[i].want);
        sgl_sasl_bearer_done(&b);
    }
}

/* [RFC 7628 s3.2.2, s3.2.3] */
static void refused(void **state)
{
    static const struct {
        const char *name;
        unsigned mechanism;
        sgl_view message, answer;
        const char *scope, *configuration, *want;
        enum sgl_sasl_step end;
    } cases[] = {
        {"OAUTHBEARER", BEARER, SGL_LIT_INIT("n,," S "auth=Bearer t" S S), SGL_LIT_INIT(S),
         "https://a/.default", "https://a/c",
         "{\"status\":\"invalid_token\",\"scope\":\"https://a/.default\","
         "\"openid-configuration\":\"https://a/c\"}",
         SGL_SASL_REFUSED},
        {"XOAUTH2", X2, SGL_LIT_INIT("user=u" S "auth=Bearer t" S S), SGL_LIT_INIT(""),
         "https://a/.default", "https://a/c",
         "{\"status\":\"401\",\"schemes\":\"Bearer\",\"scope\":\"https://a/.default\"}",
         SGL_SASL_REFUSED},
        {"nothing to tell", BEARER, SGL_LIT_INIT("n,," S "auth=" S S), SGL_LIT_INIT(""), "", "",
         "{\"status\":\"invalid_token\"}", SGL_SASL_REFUSED},
        {"it stays JSON", X2, SGL_LIT_INIT("user=u" S "auth=Bearer t" S S), SGL_LIT_INIT("x"),
         "a\"b\\c\r\n", "",
         "{\"status\":\"401\",\"schemes\":\"Bearer\",\"scope\":\"a\\\"b\\\\c  \"}",
         SGL_SASL_BROKEN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(1000);
        struct sgl_sasl_bearer b;

        sgl_sasl_bearer_init(&b, cases[i].mechanism);
        CHECK_EQ("nothing to refuse yet",
                 sgl_sasl_bearer_refuse(&b, SGL_LIT(""), SGL_LIT(""), &out), SGL_SASL_BROKEN);
        CHECK_EQ(cases[i].name, sgl_sasl_bearer_step(&b, true, cases[i].message), SGL_SASL_CHECK);
        CHECK_EQ(cases[i].name,
                 sgl_sasl_bearer_refuse(&b, sgl_view_cstr(cases[i].scope),
                                        sgl_view_cstr(cases[i].configuration), &out),
                 SGL_SASL_CHALLENGE);
        CHECK_VIEW(cases[i].name, sgl_buf_view(&out), sgl_view_cstr(cases[i].want));
        CHECK_EQ(cases[i].name, sgl_sasl_bearer_step(&b, true, cases[i].answer), cases[i].end);
        CHECK_EQ("it is over", sgl_sasl_bearer_step(&b, true, cases[i].message), SGL_SASL_BROKEN);
        sgl_sasl_bearer_done(&b);
    }
}

/* [RFC 4954 s4] without an initial response the server asks with an empty challenge */
static void without_initial_response(void **state)
{
    struct sgl_sasl_bearer b;

    (void)state;
    sgl_sasl_bearer_init(&b, X2);
    CHECK_EQ("asked", sgl_sasl_bearer_step(&b, false, SGL_LIT("")), SGL_SASL_CHALLENGE);
    CHECK_EQ("told", sgl_sasl_bearer_step(&b, true, SGL_LIT("user=u" S "auth=Bearer t" S S)),
             SGL_SASL_CHECK);
    CHECK_EQ("nothing more is taken meanwhile",
             sgl_sasl_bearer_step(&b, true, SGL_LIT("user=u" S "auth=Bearer t" S S)),
             SGL_SASL_BROKEN);
    sgl_sasl_bearer_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages),
        cmocka_unit_test(cut_off),
        cmocka_unit_test(too_long),
        cmocka_unit_test(refused),
        cmocka_unit_test(without_initial_response),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
