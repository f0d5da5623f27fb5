/* SPDX-License-Identifier: Apache-2.0 */
/* The Authentication-Results field of a verdict. */
#include "sigillo/verdict.h"

#include "sigillo/limits.h"
#include "verdict_fixture.h"

static sgl_view b_of(const struct sgl_verdict *verdict, size_t which)
{
    size_t seen = 0;

    for (size_t i = 0; i < verdict->results.results; i++) {
        const struct sgl_authres_result *r = &verdict->results.result[i];

        if (sgl_view_eq(r->method, V("dkim")) && seen++ == which)
            return sgl_authres_property(r, V("header"), V("b"));
    }
    return V("");
}

/* [RFC 6008 s4] */
static void signatures_are_told_apart_by_b(void **state)
{
    const char *message = "DKIM-Signature: v=1; a=rsa-sha256; d=a.test; s=s; h=from; bh=AAAA; "
                          "b=AAAAAAAAAAAABBBB\r\n"
                          "DKIM-Signature: v=1; a=rsa-sha256; d=a.test; s=s; h=from; bh=AAAA; "
                          "b=AAAAAAAAAA AACCCC\r\n"
                          "DKIM-Signature: v=1; a=rsa-sha256; d=a.test; s=s; h=from; bh=AAAA; "
                          "b=DDDDDDDDDDDDDDDD\r\n"
                          "DKIM-Signature: v=1; a=rsa-sha256; d=a.test; s=s; h=from; bh=AAAA; "
                          "b=AAAA\r\n"
                          "From: joe@example.org\r\n" BODY;
    struct sgl_verdict_request request = request_of("", "", "");
    sgl_auto(one) one;

    (void)state;
    judge_one(&one, &request, V(message), ZONE);
    CHECK_EQ("four", one.verdict.dkim.count, 4);
    CHECK_VIEW("as long as it takes", b_of(&one.verdict, 0), V("AAAAAAAAAAAAB"));
    CHECK_VIEW("blanks do not count", b_of(&one.verdict, 1), V("AAAAAAAAAAAAC"));
    CHECK_VIEW("eight at least", b_of(&one.verdict, 2), V("DDDDDDDD"));
    CHECK_VIEW("all of a short one", b_of(&one.verdict, 3), V("AAAA"));
}

static void one_signature_many_times(void **state)
{
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1 << 16);
    struct sgl_verdict_request request = request_of("", "", "");
    sgl_auto(one) one;

    (void)state;
    for (int i = 0; i < 30; i++)
        sgl_buf_add_cstr(
            &message, "DKIM-Signature: v=1; a=rsa-sha256; d=a.test; s=s; h=from; bh=AAAA; "
                      "b=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                      "AAAAAAAAAAA\r\n");
    sgl_buf_add_cstr(&message, MESSAGE);
    judge_one(&one, &request, sgl_buf_view(&message), ZONE);
    CHECK_EQ("so many are listed", one.verdict.dkim.count, SGL_LIMIT_DKIM_SIGNATURES);
    CHECK_EQ("a bounded prefix", b_of(&one.verdict, 0).len, 64);
}

/* What nobody has vouched for is not repeated. [RFC 8601 s7.1] */
static void identity_of_a_failed_signature_is_not_told(void **state)
{
    const char *message = "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; i=ceo@example.org;\r\n"
                          " s=s1; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; "
                          "b=AAAAAAAAAAAA\r\n" MESSAGE;
    struct sgl_verdict_request request = request_of("", "", "");
    sgl_auto(one) one;
    const struct sgl_authres_result *dkim;

    (void)state;
    judge_one(&one, &request, V(message), ZONE);
    dkim = sgl_authres_find(&one.verdict.results, V("dkim"));
    CHECK_TRUE("it did not pass", !sgl_view_eq(dkim->result, V("pass")));
    CHECK_VIEW("what was checked", sgl_authres_property(dkim, V("header"), V("d")),
               V("example.org"));
    CHECK_TRUE("no identity", sgl_authres_property(dkim, V("header"), V("i")).ptr == NULL);
}

/* All that is put reads to the same results, in one field, and is known as ours. */
static void the_field_is_one_field(void **state)
{
    static const char *const hostile[] = {"x\r\nX-Evil: 1",
                                          "a b",
                                          "(",
                                          "\"",
                                          "\\",
                                          "a;b=c",
                                          "\xff\xfe",
                                          "b\xc3\xbc.example",
                                          "a@b@c",
                                          "[192.0.2.1]",
                                          "xn--a",
                                          "..",
                                          "a..b",
                                          "-.-",
                                          "\x01",
                                          "(x) example.org"};

    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        sgl_auto(sgl_buf) field = SGL_BUF_INIT(1 << 16);
        sgl_auto(sgl_buf) sender = SGL_BUF_INIT(1 << 10);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
        sgl_auto(one) one;
        struct sgl_verdict_request request = request_of("192.0.2.1", hostile[i], "");
        struct sgl_headers headers;
        struct sgl_authres back;

        sgl_buf_addf(&sender, "%s@%s", hostile[i], hostile[i]);
        request.sender = sgl_buf_view(&sender);
        judge_one(&one, &request, V(MESSAGE), ZONE);
        CHECK_EQ(hostile[i], sgl_authres_put(&one.verdict.results, &field), SGL_OK);
        CHECK_EQ(
            hostile[i],
            sgl_headers_parse(sgl_buf_view(&field), SGL_HEADERS_STRICT, &arena, &headers, NULL),
            SGL_OK);
        CHECK_EQ(hostile[i], headers.count, 1);
        CHECK_EQ(hostile[i], sgl_authres_parse(headers.field[0].value, &arena, &back, NULL),
                 SGL_OK);
        CHECK_EQ(hostile[i], back.results, one.verdict.results.results);
    }
}

static sgl_view property_of(const struct sgl_verdict *verdict, const char *method,
                            const char *ptype, const char *property)
{
    const struct sgl_authres_result *result = sgl_authres_find(&verdict->results, V(method));

    CHECK_TRUE(method, result != NULL);
    return sgl_authres_property(result, V(ptype), V(property));
}

/* [RFC 8617 s6, s10.2; RFC 9989 s9.1] */
static void the_field_tells_of_the_chain(void **state)
{
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1 << 16);
    sgl_auto(one) pass;
    sgl_auto(one) fail;
    struct sgl_verdict_request request = request_of("2001:db8::1", "list.test", "l@list.test");
    sgl_view trusted[] = {SGL_LIT("list.test")};

    (void)state;
    request.trust = (struct sgl_arc_trust){trusted, 1};
    sgl_buf_add_cstr(&message, MESSAGE);
    seal_message(&signer, &message, "list.test", LIST_ID, SAW, SGL_ARC_NONE);
    judge_one(&pass, &request, sgl_buf_view(&message), ZONE);
    CHECK_VIEW("who brought it", property_of(&pass.verdict, "arc", "smtp", "remote-ip"),
               V("2001:db8::1"));
    CHECK_VIEW("all message signatures hold",
               property_of(&pass.verdict, "arc", "header", "oldest-pass"), V("0"));
    CHECK_VIEW("DMARC's word stays", sgl_authres_find(&pass.verdict.results, V("dmarc"))->result,
               V("fail"));
    CHECK_VIEW("and the owner's policy", property_of(&pass.verdict, "dmarc", "policy", "dmarc"),
               V("reject"));
    sgl_buf_add_cstr(&message, "more\r\n");
    judge_one(&fail, &request, sgl_buf_view(&message), ZONE);
    CHECK_VIEW("a broken chain was brought by somebody, too",
               property_of(&fail.verdict, "arc", "smtp", "remote-ip"), V("2001:db8::1"));
    CHECK_TRUE("no instance of it passes",
               property_of(&fail.verdict, "arc", "header", "oldest-pass").ptr == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_are_told_apart_by_b),
        cmocka_unit_test(one_signature_many_times),
        cmocka_unit_test(identity_of_a_failed_signature_is_not_told),
        cmocka_unit_test(the_field_is_one_field),
        cmocka_unit_test(the_field_tells_of_the_chain),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
