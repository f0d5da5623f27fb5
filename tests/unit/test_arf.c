/* SPDX-License-Identifier: Apache-2.0 */
/* Feedback reports.  [RFC 5965, 6591, 6692] */
#include "sigillo/arf.h"

#include "check.h"
#include "fail_alloc.h"
#include "sigillo/limits.h"

#define V(s) sgl_view_cstr(s)
#define HEAD                                                                                       \
    "From: fbl@x.test\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\nx\r\n"
#define FIELDS(s) HEAD "--b\r\nContent-Type: message/feedback-report\r\n\r\n" s ORIGINAL
#define ORIGINAL                                                                                   \
    "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: "                                  \
    "<1@our.test>\r\n\r\nx\r\n--b--\r\n"
#define ONCE "Feedback-Type: abuse\r\nUser-Agent: t/1\r\nVersion: 1\r\n"

static void read(struct sgl_arena *arena, const char *message, struct sgl_arf *out)
{
    assert_int_equal(sgl_arf_parse(V(message), arena, out, NULL), SGL_OK);
}

static void test_all_fields(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SGL_LIMIT_BOUNCE_MEMORY);
    struct sgl_arf a;

    (void)state;
    read(&arena,
         FIELDS(ONCE "Original-Mail-From: <b-1@our.test>\r\nOriginal-Rcpt-To: <u@x.test>\r\n"
                     "Removal-Recipient: v@x.test\r\nSource-IP: IPv6:2001:db8::1\r\n"
                     "Source-Port: 2525\r\nIncidents: 3\r\nReporting-MTA: dns; mx.x.test\r\n"
                     "Reported-Domain: our.test\r\nArrival-Date: Thu, 8 Mar 2005 14:00:00 EDT\r\n"),
         &a);
    CHECK_EQ("the type", a.type, SGL_ARF_ABUSE);
    CHECK_TRUE("nothing is wrong", a.machine && !a.malformed);
    CHECK_VIEW("the return path, without brackets", a.original_mail_from, V("b-1@our.test"));
    CHECK_EQ("recipients of both fields", a.original_rcpts, 2);
    CHECK_VIEW("the second", a.original_rcpt[1], V("v@x.test"));
    CHECK_EQ("the literal of an envelope", a.source.version, 6);
    CHECK_EQ("the port [RFC 6692 s3]", a.source_port, 2525);
    CHECK_EQ("how many", (int)a.incidents, 3);
    CHECK_VIEW("the domain", a.reported_domain[0], V("our.test"));
    CHECK_VIEW("the message", a.message_id, V("<1@our.test>"));
}

static void test_auth_failure(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SGL_LIMIT_BOUNCE_MEMORY);
    struct sgl_arf a;

    (void)state;
    read(&arena,
         FIELDS("Feedback-Type: auth-failure\r\nUser-Agent: t/1\r\nVersion: 1\r\n"
                "Auth-Failure: bodyhash\r\nDKIM-Domain: our.test\r\nDKIM-Selector: s1\r\n"
                "Delivery-Result: reject\r\nIdentity-Alignment: none\r\n"),
         &a);
    CHECK_EQ("the type [RFC 6591 s3.1]", a.type, SGL_ARF_AUTH_FAILURE);
    CHECK_VIEW("what failed", a.auth_failure, V("bodyhash"));
    CHECK_VIEW("whose key", a.dkim_domain, V("our.test"));
    CHECK_VIEW("which", a.dkim_selector, V("s1"));
    CHECK_VIEW("what came of it", a.delivery_result, V("reject"));
    CHECK_VIEW("alignment", a.identity_alignment, V("none"));
}

static const struct {
    const char *name, *message;
    bool malformed;
} counts[] = {
    {"each that must be there is there once [RFC 5965 s3.1]", FIELDS(ONCE), false},
    {"the version is missing [RFC 5965 s3.1]", FIELDS("Feedback-Type: abuse\r\nUser-Agent: t\r\n"),
     true},
    {"two types [RFC 5965 s3.1]", FIELDS(ONCE "Feedback-Type: fraud\r\n"), true},
    {"two dates of arrival [RFC 5965 s3.2]",
     FIELDS(ONCE "Arrival-Date: Thu, 8 Mar 2005 14:00:00 EDT\r\n"
                 "Received-Date: Thu, 8 Mar 2005 14:00:00 EDT\r\n"),
     true},
    {"the old name of the date [RFC 5965 s3.2]",
     FIELDS(ONCE "Received-Date: Thu, 8 Mar 2005 14:00:00 EDT\r\n"), false},
};

static void test_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SGL_LIMIT_BOUNCE_MEMORY);
        struct sgl_arf a;

        read(&arena, counts[i].message, &a);
        CHECK_EQ(counts[i].name, a.malformed, counts[i].malformed);
    }
}

static void test_without_a_machine_part(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SGL_LIMIT_BOUNCE_MEMORY);
    struct sgl_arf a = {.incidents = 9};

    (void)state;
    read(&arena,
         "From: staff@hotmail.com\r\nSubject: complaint about message from 192.0.2.1\r\n"
         "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
         "Content-Type: message/rfc822\r\n\r\nX-HmXmrOriginalRecipient: u@x.test\r\n"
         "Message-ID: <1@our.test>\r\n\r\nx\r\n--b--\r\n",
         &a);
    CHECK_TRUE("it is known by its form", !a.machine && a.type == SGL_ARF_ABUSE);
    CHECK_VIEW("whom it was for", a.original_rcpt[0], V("u@x.test"));
    a.incidents = 9;
    assert_int_equal(sgl_arf_parse(V(HEAD "--b--\r\n"), &arena, &a, NULL), SGL_E_SYNTAX);
    CHECK_EQ("nothing is set", (int)a.incidents, 9);
}

static void test_no_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SGL_LIMIT_BOUNCE_MEMORY);
        struct sgl_arf a;
        enum sgl_status status =
            sgl_arf_parse(V(FIELDS(ONCE "Source-IP: 192.0.2.1\r\n")), &arena, &a, NULL);

        CHECK_EQ("memory", status, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_fields), cmocka_unit_test(test_auth_failure),
        cmocka_unit_test(test_counts),     cmocka_unit_test(test_without_a_machine_part),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
