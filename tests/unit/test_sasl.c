/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "sigillo/base64.h"
#include "sigillo/sasl.h"

static void plain(void **state)
{
    static const struct {
        const char *name;
        sgl_view message;
        bool ok;
    } rows[] = {
        {"user and password", SGL_LIT_INIT("\0u\0p"), true},
        {"with an authorisation identity", SGL_LIT_INIT("z\0u\0p"), true},
        {"no NUL", SGL_LIT_INIT("up"), false},
        {"one NUL", SGL_LIT_INIT("\0u"), false},
        {"three NULs", SGL_LIT_INIT("\0u\0p\0"), false},
        {"no user", SGL_LIT_INIT("\0\0p"), false},
        {"no password", SGL_LIT_INIT("\0u\0"), false},
        {"not UTF-8", SGL_LIT_INIT("\0u\xff\0p"), false},
        {"empty", SGL_LIT_INIT(""), false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sgl_view as, user, password;
        enum sgl_status st = sgl_sasl_plain_parse(rows[i].message, &as, &user, &password);

        CHECK_EQ(rows[i].name, st, rows[i].ok ? SGL_OK : SGL_E_SYNTAX);
        if (rows[i].ok) {
            CHECK_VIEW(rows[i].name, user, SGL_LIT("u"));
            CHECK_VIEW(rows[i].name, password, SGL_LIT("p"));
        }
    }
}

static void login(void **state)
{
    struct sgl_sasl_login l;
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(100);

    (void)state;
    sgl_sasl_login_init(&l);
    CHECK_EQ("prompt", sgl_sasl_login_step(&l, false, SGL_LIT(""), &out), SGL_SASL_CHALLENGE);
    CHECK_VIEW("prompt", sgl_buf_view(&out), SGL_LIT("Username:"));
    sgl_buf_reset(&out);
    CHECK_EQ("prompt", sgl_sasl_login_step(&l, true, SGL_LIT("u"), &out), SGL_SASL_CHALLENGE);
    CHECK_VIEW("prompt", sgl_buf_view(&out), SGL_LIT("Password:"));
    CHECK_EQ("whole", sgl_sasl_login_step(&l, true, SGL_LIT("p"), &out), SGL_SASL_CHECK);
    CHECK_VIEW("user", sgl_buf_view(&l.user), SGL_LIT("u"));
    CHECK_VIEW("password", sgl_buf_view(&l.password), SGL_LIT("p"));
    CHECK_EQ("no more", sgl_sasl_login_step(&l, true, SGL_LIT("p"), &out), SGL_SASL_BROKEN);
    sgl_sasl_login_done(&l);
    sgl_sasl_login_init(&l);
    sgl_buf_reset(&out);
    CHECK_EQ("the user at once", sgl_sasl_login_step(&l, true, SGL_LIT("u"), &out),
             SGL_SASL_CHALLENGE);
    CHECK_VIEW("prompt", sgl_buf_view(&out), SGL_LIT("Password:"));
    CHECK_EQ("an empty answer", sgl_sasl_login_step(&l, true, SGL_LIT(""), &out), SGL_SASL_BROKEN);
    sgl_sasl_login_done(&l);
}

/* ---- SCRAM: the exchange printed in RFC 7677 section 3 ----------------------------------------------------------- */

#define FIRST "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
#define OURS  "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define SERVER_FIRST                                                                               \
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define FINAL                                                                                      \
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+"               \
    "Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define SERVER_FINAL "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static struct sgl_scram_secret secret_of(const struct sgl_crypto *crypto, struct sgl_buf *salt)
{
    struct sgl_scram_secret secret = {.iterations = 4096, .known = true};

    CHECK_EQ("salt", sgl_base64_decode(SGL_LIT("W22ZaJ0SNY7soEsUEjb6gQ=="), salt), SGL_OK);
    secret.salt = sgl_buf_view(salt);
    CHECK_EQ("secret", sgl_scram_secret_make(crypto, SGL_LIT("pencil"), &secret), SGL_OK);
    return secret;
}

/* Our nonce is base64 text; to replay a printed exchange it is put in place. */
static void replay_first(struct sgl_scram_server *s, const struct sgl_scram_secret *secret)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1000);

    CHECK_EQ("first", sgl_scram_server_first(s, SGL_LIT(FIRST)), SGL_SASL_CHECK);
    CHECK_VIEW("user", sgl_buf_view(&s->user), SGL_LIT("user"));
    CHECK_EQ("secret", sgl_scram_server_secret(s, secret, SGL_LIT("123456789012345678"), &out),
             SGL_SASL_CHALLENGE);
    CHECK_TRUE("server-first",
               sgl_view_starts(sgl_buf_view(&out), SGL_LIT("r=rOprNGfwEbeRWgbNEkqO")));
    sgl_buf_reset(&s->nonce);
    sgl_buf_add_cstr(&s->nonce, "rOprNGfwEbeRWgbNEkqO" OURS);
    sgl_buf_reset(&s->text);
    sgl_buf_add_cstr(&s->text, "n=user,r=rOprNGfwEbeRWgbNEkqO," SERVER_FIRST ",");
}

static void scram_as_printed(void **state)
{
    static const struct {
        const char *name, *final;
        bool known;
        enum sgl_sasl_step want;
    } rows[] = {
        {"the right proof [RFC 7677 s3]", FINAL, true, SGL_SASL_OK},
        {"a user that does not exist", FINAL, false, SGL_SASL_REFUSED},
        {"a wrong proof [RFC 5802 s3]",
         "c=biws,r=rOprNGfwEbeRWgbNEkqO" OURS ",p=eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
         true, SGL_SASL_REFUSED},
        {"another nonce [RFC 5802 s5.1]",
         "c=biws,r=rOprNGfwEbeRWgbNEkqO,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", true,
         SGL_SASL_BROKEN},
        {"another binding",
         "c=eSws,r=rOprNGfwEbeRWgbNEkqO" OURS ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
         true, SGL_SASL_BROKEN},
        {"no proof", "c=biws,r=rOprNGfwEbeRWgbNEkqO" OURS, true, SGL_SASL_BROKEN},
        {"a short proof", "c=biws,r=rOprNGfwEbeRWgbNEkqO" OURS ",p=dHzb", true, SGL_SASL_BROKEN},
        {"something behind the proof", FINAL ",x=y", true, SGL_SASL_BROKEN},
        {"nothing", "", true, SGL_SASL_BROKEN},
    };
    struct sgl_crypto *crypto = sgl_crypto_new();
    sgl_auto(sgl_buf) salt = SGL_BUF_INIT(100);
    struct sgl_scram_secret secret;

    (void)state;
    assert_non_null(crypto);
    secret = secret_of(crypto, &salt);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sgl_scram_server s;
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(1000);

        sgl_scram_server_init(&s);
        secret.known = rows[i].known;
        replay_first(&s, &secret);
        CHECK_EQ(rows[i].name,
                 sgl_scram_server_final(&s, crypto, sgl_view_cstr(rows[i].final), &out),
                 rows[i].want);
        CHECK_VIEW(rows[i].name, sgl_buf_view(&out),
                   sgl_view_cstr(rows[i].want == SGL_SASL_OK ? SERVER_FINAL : ""));
        sgl_scram_server_done(&s);
    }
    sgl_crypto_free(crypto);
}

static void scram_first_messages(void **state)
{
    static const struct {
        const char *name, *message;
        enum sgl_sasl_step want;
        const char *user;
    } rows[] = {
        {"commas and equals signs are escaped", "y,,n=a=2Cb=3Dc,r=x", SGL_SASL_CHECK, "a,b=c"},
        {"extensions behind the nonce are passed over", "n,,n=u,r=x,e=1", SGL_SASL_CHECK, "u"},
        {"a bad escape", "n,,n=a=2Db,r=x", SGL_SASL_BROKEN, ""},
        {"channel binding is not offered", "p=tls-unique,,n=u,r=x", SGL_SASL_BROKEN, ""},
        {"acting for others is not", "n,a=z,n=u,r=x", SGL_SASL_BROKEN, ""},
        {"a mandatory extension", "n,,m=1,n=u,r=x", SGL_SASL_BROKEN, ""},
        {"no user", "n,,n=,r=x", SGL_SASL_BROKEN, ""},
        {"no nonce", "n,,n=u", SGL_SASL_BROKEN, ""},
        {"an empty nonce", "n,,n=u,r=", SGL_SASL_BROKEN, ""},
        {"nothing", "", SGL_SASL_BROKEN, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sgl_scram_server s;

        sgl_scram_server_init(&s);
        CHECK_EQ(rows[i].name, sgl_scram_server_first(&s, sgl_view_cstr(rows[i].message)),
                 rows[i].want);
        if (rows[i].want == SGL_SASL_CHECK)
            CHECK_VIEW(rows[i].name, sgl_buf_view(&s.user), sgl_view_cstr(rows[i].user));
        sgl_scram_server_done(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),
        cmocka_unit_test(login),
        cmocka_unit_test(scram_as_printed),
        cmocka_unit_test(scram_first_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
