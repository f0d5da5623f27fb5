/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <stdio.h>

#include "../../server/directory/hmac.h"
#include "../../server/directory/hmac_form.h"

/* No key is asked for here. */
void keys_submit(struct keys *keys, struct keys_op *op)
{
    (void)keys;
    (void)op;
    fail();
}

#define SIG     "2vjGU5wnGA+YZGlIFCy8uA4VogJVJa5vVSpm7VnyFFA="
#define HEADERS "SignedHeaders=x-ms-date;host;x-ms-content-sha256"

static void test_authorization(void **state)
{
    static const struct {
        const char *name;
        sgl_view value;
        bool want;
    } cases[] = {
        {"as clients send it", SGL_LIT_INIT("HMAC-SHA256 " HEADERS "&Signature=" SIG), true},
        {"members in the other order", SGL_LIT_INIT("HMAC-SHA256 Signature=" SIG "&" HEADERS),
         true},
        {"a scheme has no case", SGL_LIT_INIT("hmac-sha256 " HEADERS "&Signature=" SIG), true},
        {"nothing", SGL_LIT_INIT(""), false},
        {"the scheme alone", SGL_LIT_INIT("HMAC-SHA256 "), false},
        {"another scheme", SGL_LIT_INIT("HMAC-SHA512 " HEADERS "&Signature=" SIG), false},
        {"no blank", SGL_LIT_INIT("HMAC-SHA256" HEADERS "&Signature=" SIG), false},
        {"two blanks", SGL_LIT_INIT("HMAC-SHA256  " HEADERS "&Signature=" SIG), false},
        {"no signature", SGL_LIT_INIT("HMAC-SHA256 " HEADERS), false},
        {"no headers", SGL_LIT_INIT("HMAC-SHA256 Signature=" SIG), false},
        {"two signatures", SGL_LIT_INIT("HMAC-SHA256 " HEADERS "&Signature=" SIG "&Signature=" SIG),
         false},
        {"headers twice", SGL_LIT_INIT("HMAC-SHA256 " HEADERS "&" HEADERS "&Signature=" SIG),
         false},
        {"a member more", SGL_LIT_INIT("HMAC-SHA256 Credential=x&" HEADERS "&Signature=" SIG),
         false},
        {"an end that is open", SGL_LIT_INIT("HMAC-SHA256 " HEADERS "&Signature=" SIG "&"), false},
        {"nothing between", SGL_LIT_INIT("HMAC-SHA256 " HEADERS "&&Signature=" SIG), false},
        {"fewer headers", SGL_LIT_INIT("HMAC-SHA256 SignedHeaders=x-ms-date;host&Signature=" SIG),
         false},
        {"headers in another order",
         SGL_LIT_INIT(
             "HMAC-SHA256 SignedHeaders=host;x-ms-date;x-ms-content-sha256&Signature=" SIG),
         false},
        {"a short signature", SGL_LIT_INIT("HMAC-SHA256 " HEADERS "&Signature=2vjGU5wnGA+Y"),
         false},
        {"base64url",
         SGL_LIT_INIT("HMAC-SHA256 " HEADERS
                      "&Signature=2vjGU5wnGA-YZGlIFCy8uA4VogJVJa5vVSpm7VnyFFA="),
         false},
        {"bits behind the last byte",
         SGL_LIT_INIT("HMAC-SHA256 " HEADERS
                      "&Signature=2vjGU5wnGA+YZGlIFCy8uA4VogJVJa5vVSpm7VnyFFB="),
         false},
        {"a NUL within", SGL_LIT_INIT("HMAC-SHA256 " HEADERS "&Signature=" SIG "\0"), false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t signature[HMAC_SIZE] = {0x55};

        CHECK_EQ(cases[i].name, hmac_authorization_parse(cases[i].value, signature), cases[i].want);
        CHECK_EQ(cases[i].name, signature[0], cases[i].want ? 0xda : 0x55);
    }
    CHECK_TRUE("a bearer's is not meant", !hmac_is_meant(SGL_LIT("Bearer sk_a_b")));
    CHECK_TRUE("nothing is not meant", !hmac_is_meant(sgl_view_of(NULL, 0)));
}

static void test_date(void **state)
{
    static const struct {
        const char *name, *value;
        int64_t want; /* 0: refused */
    } cases[] = {
        {"as clients send it", "Mon, 05 Jan 2026 10:20:30 GMT", 1767608430},
        {"a leap day", "Thu, 29 Feb 2024 00:00:00 GMT", 1709164800},
        {"the wrong day of the week", "Tue, 05 Jan 2026 10:20:30 GMT", 0},
        {"no such day", "Fri, 29 Feb 2026 10:20:30 GMT", 0},
        {"no such hour", "Mon, 05 Jan 2026 24:20:30 GMT", 0},
        {"another zone", "Mon, 05 Jan 2026 10:20:30 UTC", 0},
        {"a number for the zone", "Mon, 05 Jan 2026 10:20:30 +0000", 0},
        {"one digit", "Mon, 5 Jan 2026 10:20:30 GMT", 0},
        {"a comment", "Mon, 05 Jan 2026 10:20:30 (GMT)", 0},
        {"a line more", "Mon, 05 Jan 2026 10:20:30 GMT\n", 0},
        {"ISO 8601", "2026-01-05T10:20:30Z", 0},
        {"nothing", "", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t time = 0;

        CHECK_EQ(cases[i].name, hmac_date_parse(sgl_view_cstr(cases[i].value), &time),
                 cases[i].want != 0);
        CHECK_EQ(cases[i].name, time, cases[i].want);
    }
}

static void test_text(void **state)
{
    static char long_target[HMAC_TARGET_MAX + 2];
    const struct hmac_text good = {SGL_LIT("POST"), SGL_LIT("/emails:send?api-version=2025-09-01"),
                                   SGL_LIT("Mon, 05 Jan 2026 10:20:30 GMT"),
                                   SGL_LIT("mail.example.com:8443"), SGL_LIT("CJQ")};
    struct hmac_text t = good;
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(8192);

    (void)state;
    CHECK_TRUE("a good one", hmac_text_put(&t, &out));
    CHECK_VIEW("its text", sgl_buf_view(&out),
               SGL_LIT("POST\n/emails:send?api-version=2025-09-01\n"
                       "Mon, 05 Jan 2026 10:20:30 GMT;mail.example.com:8443;CJQ"));
    t.target = SGL_LIT("/a\nMon, 05");
    CHECK_TRUE("a target of two lines", !hmac_text_put(&t, &out));
    t = good;
    t.method = SGL_LIT("GET\n/x");
    CHECK_TRUE("a method of two lines", !hmac_text_put(&t, &out));
    t = good;
    t.host = SGL_LIT("a b");
    CHECK_TRUE("a host with a blank", !hmac_text_put(&t, &out));
    t.host = sgl_view_of(NULL, 0);
    CHECK_TRUE("no host", !hmac_text_put(&t, &out));
    t = good;
    memset(long_target, 'a', sizeof(long_target));
    t.target = sgl_view_of(long_target, HMAC_TARGET_MAX + 1);
    CHECK_TRUE("a long target", !hmac_text_put(&t, &out));
    t.target.len--;
    CHECK_TRUE("the longest one", hmac_text_put(&t, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_authorization),
                                       cmocka_unit_test(test_date), cmocka_unit_test(test_text)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
