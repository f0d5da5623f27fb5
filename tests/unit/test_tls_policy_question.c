/* SPDX-License-Identifier: Apache-2.0 */
#include "../../server/tls_policy/netstring.h"
#include "../../server/tls_policy/question.h"
#include "check.h"

static void netstrings(void **state)
{
    static const struct {
        const char *rule, *bytes;
        enum netstring want;
        const char *out;
        size_t used;
    } cases[] = {
        {"one", "5:hello,", NETSTRING_OK, "hello", 8},
        {"the first of two", "1:a,1:b,", NETSTRING_OK, "a", 4},
        {"an empty one", "0:,", NETSTRING_OK, "", 3},
        {"as long as may be", "20:01234567890123456789,", NETSTRING_OK, "01234567890123456789", 24},
        {"one too long", "21:012345678901234567890,", NETSTRING_TOO_LONG, "", 0},
        {"the length alone says so", "21", NETSTRING_TOO_LONG, "", 0},
        {"a length without an end", "1234567890", NETSTRING_TOO_LONG, "", 0},
        {"nothing yet", "", NETSTRING_MORE, "", 0},
        {"half a length", "2", NETSTRING_MORE, "", 0},
        {"no data yet", "2:", NETSTRING_MORE, "", 0},
        {"data without the comma", "2:ab", NETSTRING_MORE, "", 0},
        {"something else than the comma", "2:abc", NETSTRING_BROKEN, "", 0},
        {"no length", ":a,", NETSTRING_BROKEN, "", 0},
        {"a letter", "a", NETSTRING_BROKEN, "", 0},
        {"no colon", "2;ab,", NETSTRING_BROKEN, "", 0},
        {"a zero in front", "02:ab,", NETSTRING_BROKEN, "", 0},
        {"a sign", "-1:", NETSTRING_BROKEN, "", 0},
        {"a line end behind it is the next one's", "1:a,\r\n", NETSTRING_OK, "a", 4},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_view out = SGL_LIT("untouched");
        size_t used = 99;

        CHECK_EQ(cases[i].rule, netstring_read(sgl_view_cstr(cases[i].bytes), 20, &out, &used),
                 cases[i].want);
        CHECK_VIEW(cases[i].rule, out,
                   sgl_view_cstr(cases[i].want == NETSTRING_OK ? cases[i].out : "untouched"));
        CHECK_EQ(cases[i].rule, used, cases[i].want == NETSTRING_OK ? cases[i].used : 99);
    }
}

/* However the bytes come: never another answer than for the whole. */
static void netstrings_in_pieces(void **state)
{
    static const char text[] = "13:QUERY good.te,";
    sgl_view out;
    size_t used;

    (void)state;
    for (size_t n = 0; n + 1 < sizeof text - 1; n++)
        CHECK_EQ("a piece", netstring_read(sgl_view_of(text, n), 20, &out, &used), NETSTRING_MORE);
    CHECK_EQ("all", netstring_read(sgl_view_cstr(text), 20, &out, &used), NETSTRING_OK);
}

static void netstrings_written(void **state)
{
    sgl_auto(sgl_buf) buf = SGL_BUF_INIT(100);

    (void)state;
    netstring_put(&buf, SGL_LIT("NOTFOUND "));
    CHECK_VIEW("written", sgl_buf_view(&buf), SGL_LIT("9:NOTFOUND ,"));
}

static void questions(void **state)
{
    static const struct {
        const char *rule, *text;
        enum question_kind kind;
        const char *domain;
        uint16_t port;
        bool details;
    } cases[] = {
        {"a domain", "QUERY example.org", QUESTION_DOMAIN, "example.org", 25, false},
        {"whatever the map is called", "postfix example.org", QUESTION_DOMAIN, "example.org", 25,
         false},
        {"with details", "QUERYwithTLSRPT example.org", QUESTION_DOMAIN, "example.org", 25, true},
        {"in any case", "querywithtlsrpt example.org", QUESTION_DOMAIN, "example.org", 25, true},
        {"a final dot", "QUERY example.org.", QUESTION_DOMAIN, "example.org", 25, false},
        {"another script",
         "QUERY b\xc3\xbc"
         "cher.example",
         QUESTION_DOMAIN, "xn--bcher-kva.example", 25, false},
        {"a port", "QUERY example.org:2525", QUESTION_DOMAIN, "example.org", 2525, false},
        {"a port by its name", "QUERY example.org:smtp", QUESTION_DOMAIN, "example.org", 25, false},
        {"the other names", "QUERY example.org:Submission", QUESTION_DOMAIN, "example.org", 587,
         false},
        {"a name of no mail", "QUERY example.org:http", QUESTION_OTHER, "", 0, false},
        {"port 0", "QUERY example.org:0", QUESTION_OTHER, "", 0, false},
        {"a parent speaks for itself only [RFC 8461 s3.4]", "QUERY .example.org", QUESTION_OTHER,
         "", 0, false},
        {"a relay", "QUERY [mail.example.org]", QUESTION_OTHER, "", 0, false},
        {"a relay and its port", "QUERY [mail.example.org]:587", QUESTION_OTHER, "", 0, false},
        {"an address", "QUERY 192.0.2.1", QUESTION_OTHER, "", 0, false},
        {"an address in brackets", "QUERY [192.0.2.1]", QUESTION_OTHER, "", 0, false},
        {"an address of many colons", "QUERY 2001:db8::1", QUESTION_OTHER, "", 0, false},
        {"a whole mailbox", "QUERY who@example.org", QUESTION_OTHER, "", 0, false},
        {"the root", "QUERY .", QUESTION_OTHER, "", 0, false},
        {"an empty key", "QUERY ", QUESTION_OTHER, "", 0, false},
        {"no name", "QUERY exa mple.org", QUESTION_OTHER, "", 0, false},
        {"a control character", "QUERY exam\nple.org", QUESTION_OTHER, "", 0, false},
        {"no key", "QUERY", QUESTION_BROKEN, "", 0, false},
        {"no map", " example.org", QUESTION_BROKEN, "", 0, false},
        {"nothing", "", QUESTION_BROKEN, "", 0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
        struct question q;

        CHECK_EQ(cases[i].rule, question_read(sgl_view_cstr(cases[i].text), &arena, &q), SGL_OK);
        CHECK_EQ(cases[i].rule, q.kind, cases[i].kind);
        CHECK_EQ(cases[i].rule, q.details, cases[i].details);
        if (q.kind != QUESTION_DOMAIN)
            continue;
        CHECK_VIEW(cases[i].rule, q.domain.text, sgl_view_cstr(cases[i].domain));
        CHECK_EQ(cases[i].rule, q.port, cases[i].port);
    }
}

/* A question that could not be read for want of memory is no question about nothing. */
static void questions_without_memory(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(8);
    struct question q;

    (void)state;
    CHECK_TRUE("said", question_read(SGL_LIT("QUERY example.org"), &arena, &q) != SGL_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(netstrings),
        cmocka_unit_test(netstrings_in_pieces),
        cmocka_unit_test(netstrings_written),
        cmocka_unit_test(questions),
        cmocka_unit_test(questions_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
