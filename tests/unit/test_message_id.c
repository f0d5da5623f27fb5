/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/message_id.h"

#include "check.h"

#define V(s) sgl_view_cstr(s)

static void writing(void **state)
{
    static const uint8_t random[16] = {0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    static const char *const bad[] = {"",   "a b",  "a>b",    "a@b",        ".a",
                                      "a.", "a..b", "a\r\nb", "b\xc3\xbc.c"};
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(200);
    sgl_view id;

    (void)state;
    sgl_message_id_put(&b, 1795349343, random, V("mail.example.org"));
    CHECK_EQ("status", b.status, SGL_OK);
    CHECK_EQ("it is one", sgl_message_id_parse(sgl_buf_view(&b), &id, NULL), SGL_OK);
    CHECK_VIEW("whole", id, sgl_buf_view(&b));
    CHECK_TRUE("domain", sgl_view_ends(id, V("@mail.example.org>")));
    CHECK_EQ("length: 8 of time, 26 of random", id.len,
             1 + 8 + 1 + 26 + sizeof "@mail.example.org>" - 1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        sgl_buf_reset(&b);
        sgl_message_id_put(&b, 0, random, V(bad[i]));
        CHECK_EQ(bad[i], b.status, SGL_E_SYNTAX);
    }
}

/* [RFC 5322 s3.6.4, s4.5.4] */
static void reading(void **state)
{
    static const struct {
        const char *name, *text, *want;
    } cases[] = {
        {"plain", "<a@b>", "<a@b>"},
        {"blanks and comments around", " (x) <a@b>\r\n (y)", "<a@b>"},
        {"two dots, as many write", "<a..b@c>", "<a..b@c>"},
        {"a literal", "<a@[192.0.2.1]>", "<a@[192.0.2.1]>"},
        {"no brackets", "a@b", NULL},
        {"no @", "<ab>", NULL},
        {"nothing before @", "<@b>", NULL},
        {"nothing behind @", "<a@>", NULL},
        {"open", "<a@b", NULL},
        {"a blank inside", "<a @b>", NULL},
        {"two", "<a@b> <c@d>", NULL},
        {"a bracket inside", "<a<@b>", NULL},
        {"nothing", "", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_view id = V("untouched");
        enum sgl_status st = sgl_message_id_parse(V(cases[i].text), &id, NULL);

        CHECK_EQ(cases[i].name, st, cases[i].want == NULL ? SGL_E_SYNTAX : SGL_OK);
        CHECK_VIEW(cases[i].name, id, V(cases[i].want == NULL ? "untouched" : cases[i].want));
    }
}

static void several(void **state)
{
    sgl_view rest = V("Your message <a@b>,\r\n <c@d> of \"<x\" Monday (<e@f>)"), id;

    (void)state;
    CHECK_EQ("first", sgl_message_id_next(rest, &id, &rest, NULL), SGL_OK);
    CHECK_VIEW("first", id, V("<a@b>"));
    CHECK_EQ("second", sgl_message_id_next(rest, &id, &rest, NULL), SGL_OK);
    CHECK_VIEW("second", id, V("<c@d>"));
    CHECK_EQ("end", sgl_message_id_next(rest, &id, &rest, NULL), SGL_OK);
    CHECK_EQ("end", id.len, 0);
    CHECK_EQ("broken", sgl_message_id_next(V("<a b>"), &id, &rest, NULL), SGL_E_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(writing), cmocka_unit_test(reading),
                                       cmocka_unit_test(several)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
