/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "sigillo/smtp_command.h"

enum {
    ALL = SGL_SMTP_SIZE | SGL_SMTP_8BITMIME | SGL_SMTP_SMTPUTF8 | SGL_SMTP_DSN | SGL_SMTP_HAS_AUTH |
          SGL_SMTP_REQUIRETLS | SGL_SMTP_XTLS
};

static const struct {
    const char *name, *args;
    unsigned offer;
    uint16_t code; /* 0: fine */
    const char *enhanced, *mailbox;
} mails[] = {
    {"a sender", "FROM:<a@b.test>", 0, 0, "", "a@b.test"},
    {"folds case", "from:<a@b.test>", 0, 0, "", "a@b.test"},
    {"the null sender", "FROM:<>", 0, 0, "", ""},
    {"all parameters",
     "FROM:<a@b.test> SIZE=12 BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=x+20y AUTH=<> REQUIRETLS", ALL,
     0, "", "a@b.test"},
    {"XTLS wants proved servers", "FROM:<a@b.test> XTLS=Verified REQUIRETLS", ALL, 0, "",
     "a@b.test"},
    {"XTLS of another kind", "FROM:<a@b.test> XTLS=none", ALL, 501, "5.5.4", NULL},
    {"XTLS without a value", "FROM:<a@b.test> XTLS", ALL, 501, "5.5.4", NULL},
    {"both ways at once", "FROM:<a@b.test> XTLS=optional REQUIRETLS", ALL, 501, "5.5.4", NULL},
    {"REQUIRETLS takes no value [RFC 8689 s2]", "FROM:<a@b.test> REQUIRETLS=1", ALL, 501, "5.5.4",
     NULL},
    {"REQUIRETLS that is not offered [RFC 8689 s2]", "FROM:<a@b.test> REQUIRETLS", 0, 555, "5.5.4",
     NULL},
    {"a source route is read over", "FROM:<@x.test,@y.test:a@b.test>", 0, 0, "", "a@b.test"},
    {"a quoted local part", "FROM:<\"a b\"@b.test>", 0, 0, "", "\"a b\"@b.test"},
    {"UTF-8 with SMTPUTF8", "FROM:<\xc3\xa4@b.test> SMTPUTF8", ALL, 0, "", "\xc3\xa4@b.test"},
    {"UTF-8 without [RFC 6531 s3.5]", "FROM:<\xc3\xa4@b.test>", ALL, 553, "5.6.7", NULL},
    {"no colon", "FROM <a@b.test>", 0, 501, "5.5.4", NULL},
    {"a blank behind the colon", "FROM: <a@b.test>", 0, 501, "5.1.7", NULL},
    {"no brackets", "FROM:a@b.test", 0, 501, "5.1.7", NULL},
    {"no domain", "FROM:<a>", 0, 501, "5.1.7", NULL},
    {"the postmaster is no sender", "FROM:<postmaster>", 0, 501, "5.1.7", NULL},
    {"text behind the address", "FROM:<a@b.test>SIZE=1", ALL, 501, "5.5.4", NULL},
    {"a parameter that is not offered", "FROM:<a@b.test> SIZE=1", 0, 555, "5.5.4", NULL},
    {"an unknown parameter", "FROM:<a@b.test> HOLDUNTIL=1", ALL, 555, "5.5.4", NULL},
    {"a size that is no number", "FROM:<a@b.test> SIZE=1x", ALL, 501, "5.5.4", NULL},
    {"a size above 2^63", "FROM:<a@b.test> SIZE=99999999999999999999", ALL, 501, "5.5.4", NULL},
    {"a size with a sign", "FROM:<a@b.test> SIZE=-1", ALL, 501, "5.5.4", NULL},
    {"an empty value", "FROM:<a@b.test> SIZE=", ALL, 501, "5.5.4", NULL},
    {"AUTH= names who wrote it [RFC 4954 s5]", "FROM:<a@b.test> AUTH=a+40b.test", ALL, 0, "",
     "a@b.test"},
    {"AUTH= that is no xtext", "FROM:<a@b.test> AUTH=a+4", ALL, 501, "5.5.4", NULL},
    {"a parameter twice", "FROM:<a@b.test> SIZE=1 SIZE=2", ALL, 501, "5.5.4", NULL},
    {"BODY of a kind that we do not take", "FROM:<a@b.test> BODY=BINARYMIME", ALL, 501, "5.5.4",
     NULL},
    {"SMTPUTF8 with a value", "FROM:<a@b.test> SMTPUTF8=1", ALL, 501, "5.5.4", NULL},
    {"RET of another kind", "FROM:<a@b.test> RET=ALL", ALL, 501, "5.5.4", NULL},
    {"ENVID that smuggles a line end [RFC 3461 s4]", "FROM:<a@b.test> ENVID=a+0D+0Ab", ALL, 501,
     "5.5.4", NULL},
    {"ENVID with lower-case hex", "FROM:<a@b.test> ENVID=a+2b", ALL, 501, "5.5.4", NULL},
    {"a value with an equals sign", "FROM:<a@b.test> ENVID=a=b", ALL, 501, "5.5.4", NULL},
};

static void senders(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mails / sizeof mails[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
        struct sgl_smtp_mail m = {.ret = 'x'};
        struct sgl_smtp_fault fault = {0};
        enum sgl_status st =
            sgl_smtp_mail_parse(sgl_view_cstr(mails[i].args), mails[i].offer, &arena, &m, &fault);

        CHECK_EQ(mails[i].name, fault.code, mails[i].code);
        CHECK_EQ(mails[i].name, st, mails[i].code == 0 ? SGL_OK : SGL_E_SYNTAX);
        if (st == SGL_OK) {
            CHECK_VIEW(mails[i].name,
                       m.from.kind == SGL_PATH_NULL ? SGL_LIT("") : m.from.mailbox.text,
                       sgl_view_cstr(mails[i].mailbox));
        } else {
            CHECK_STR(mails[i].name, fault.enhanced, mails[i].enhanced);
            CHECK_EQ("out is untouched", m.ret, 'x');
        }
    }
}

static const struct {
    const char *name, *args;
    uint16_t code;
    unsigned notify;
    const char *orcpt;
} rcpts[] = {
    {"a recipient", "TO:<a@b.test>", 0, 0, ""},
    {"the postmaster needs no domain", "TO:<PostMaster>", 0, 0, ""},
    {"never", "TO:<a@b.test> NOTIFY=NEVER", 0, SGL_SMTP_NOTIFY_NEVER, ""},
    {"a list", "TO:<a@b.test> NOTIFY=success,DELAY ORCPT=rfc822;a@b.test", 0,
     SGL_SMTP_NOTIFY_SUCCESS | SGL_SMTP_NOTIFY_DELAY, "rfc822;a@b.test"},
    {"never stands alone [RFC 3461 s4.1]", "TO:<a@b.test> NOTIFY=NEVER,DELAY", 501, 0, ""},
    {"an unknown word", "TO:<a@b.test> NOTIFY=ALWAYS", 501, 0, ""},
    {"a word twice", "TO:<a@b.test> NOTIFY=DELAY,DELAY", 501, 0, ""},
    {"an empty word", "TO:<a@b.test> NOTIFY=DELAY,", 501, 0, ""},
    {"ORCPT without a type", "TO:<a@b.test> ORCPT=a@b.test", 501, 0, ""},
    {"ORCPT without an address", "TO:<a@b.test> ORCPT=rfc822;", 501, 0, ""},
    {"nobody", "TO:<>", 501, 0, ""},
    {"a parameter of MAIL", "TO:<a@b.test> SIZE=1", 555, 0, ""},
};

static void recipients(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rcpts / sizeof rcpts[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
        struct sgl_smtp_rcpt r = {0};
        struct sgl_smtp_fault fault = {0};
        enum sgl_status st =
            sgl_smtp_rcpt_parse(sgl_view_cstr(rcpts[i].args), ALL, false, &arena, &r, &fault);

        CHECK_EQ(rcpts[i].name, fault.code, rcpts[i].code);
        CHECK_EQ(rcpts[i].name, st, rcpts[i].code == 0 ? SGL_OK : SGL_E_SYNTAX);
        CHECK_EQ(rcpts[i].name, r.notify, rcpts[i].notify);
        CHECK_VIEW(rcpts[i].name, r.orcpt, sgl_view_cstr(rcpts[i].orcpt));
    }
}

static void chunks(void **state)
{
    static const struct {
        const char *args;
        bool ok, last;
        uint64_t size;
    } rows[] = {
        {"0", true, false, 0},
        {"86 LAST", true, true, 86},
        {"5 last", true, true, 5},
        {"9223372036854775807", true, false, INT64_MAX},
        {"", false, false, 0},
        {"x", false, false, 0},
        {"-1", false, false, 0},
        {"1 2", false, false, 0},
        {"1 LAST x", false, false, 0},
        {"9223372036854775808", false, false, 0},
        {"18446744073709551615", false, false, 0},
        {"18446744073709551616", false, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t size = 7;
        bool last = false;

        CHECK_EQ(rows[i].args, sgl_smtp_bdat_parse(sgl_view_cstr(rows[i].args), &size, &last),
                 rows[i].ok);
        CHECK_EQ(rows[i].args, size, rows[i].ok ? rows[i].size : 7);
        CHECK_EQ(rows[i].args, last, rows[i].last);
    }
}

static void xtext_goes_there_and_back(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        sgl_auto(sgl_buf) text = SGL_BUF_INIT(100);
        sgl_auto(sgl_buf) back = SGL_BUF_INIT(100);
        uint8_t one = (uint8_t)byte;
        bool control = byte < 0x20 || byte == 0x7f;

        sgl_smtp_xtext_put(&text, sgl_view_of(&one, 1));
        CHECK_EQ("control characters don't come back",
                 sgl_smtp_xtext_decode(sgl_buf_view(&text), &back),
                 control ? SGL_E_SYNTAX : SGL_OK);
        if (!control)
            CHECK_VIEW("the rest does", sgl_buf_view(&back), sgl_view_of(&one, 1));
    }
}

static void verbs(void **state)
{
    sgl_view args;

    (void)state;
    CHECK_EQ("case", sgl_smtp_verb_parse(SGL_LIT("mAiL FROM:<>  "), &args), SGL_SMTP_MAIL);
    CHECK_VIEW("args", args, SGL_LIT("FROM:<>"));
    CHECK_EQ("alone", sgl_smtp_verb_parse(SGL_LIT("QUIT"), &args), SGL_SMTP_QUIT);
    CHECK_VIEW("args", args, SGL_LIT(""));
    CHECK_EQ("trailing tab", sgl_smtp_verb_parse(SGL_LIT("RSET\t"), &args), SGL_SMTP_RSET);
    CHECK_EQ("no blank", sgl_smtp_verb_parse(SGL_LIT("MAILFROM:<>"), &args), SGL_SMTP_UNKNOWN);
    CHECK_EQ("nothing", sgl_smtp_verb_parse(SGL_LIT(""), &args), SGL_SMTP_UNKNOWN);
    CHECK_EQ("a blank first", sgl_smtp_verb_parse(SGL_LIT(" NOOP"), &args), SGL_SMTP_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(senders), cmocka_unit_test(recipients),
        cmocka_unit_test(chunks),  cmocka_unit_test(xtext_goes_there_and_back),
        cmocka_unit_test(verbs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
