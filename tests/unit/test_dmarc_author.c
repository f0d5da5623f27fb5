/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "fail_alloc.h"
#include "sigillo/dmarc.h"
#include "sigillo/limits.h"

#define OK SGL_DMARC_AUTHOR_OK

static const struct {
    const char *name, *header;
    enum sgl_dmarc_author state;
    const char *domain;
} rows[] = {
    {"one mailbox", "From: a@example.org\r\n", OK, "example.org"},
    {"with a display name", "From: \"A, B\" <a@Example.ORG>\r\n", OK, "example.org"},
    {"with comments", "From: (x@evil.test) a@example.org (b@evil.test)\r\n", OK, "example.org"},
    {"an address in the display name is no address [CVE-2023-27043]",
     "From: \"a@good.test\" <b@evil.test>\r\n", OK, "evil.test"},
    {"an encoded word is no address", "From: =?utf-8?q?a=40good=2Etest?= <b@evil.test>\r\n", OK,
     "evil.test"},
    {"two at signs", "From: a@good.test@evil.test\r\n", SGL_DMARC_AUTHOR_SYNTAX, NULL},
    {"quoted local part", "From: \"a@good.test\"@evil.test\r\n", OK, "evil.test"},
    {"a source route goes by its end", "From: <@good.test:b@evil.test>\r\n", OK, "evil.test"},
    {"folded", "From: A\r\n <a@example.org>\r\n", OK, "example.org"},
    {"U-labels become A-labels [RFC 9989 s5.3.1]", "From: a@b\303\274cher.example\r\n", OK,
     "xn--bcher-kva.example"},
    {"a name of DNS that is no host name", "From: a@-x.foo_bar.example\r\n", OK,
     "-x.foo_bar.example"},
    {"no field", "To: a@example.org\r\n", SGL_DMARC_AUTHOR_NO_FIELD, NULL},
    {"two fields", "From: a@example.org\r\nfrom: a@example.org\r\n", SGL_DMARC_AUTHOR_FIELDS, NULL},
    {"another field of a like name", "From: a@example.org\r\nX-From: b@x.test\r\n", OK,
     "example.org"},
    {"an empty field", "From:\r\n", SGL_DMARC_AUTHOR_NONE, NULL},
    {"no address", "From: nobody\r\n", SGL_DMARC_AUTHOR_SYNTAX, NULL},
    {"a null address", "From: <>\r\n", SGL_DMARC_AUTHOR_SYNTAX, NULL},
    {"no domain", "From: a@\r\n", SGL_DMARC_AUTHOR_SYNTAX, NULL},
    {"an address literal", "From: a@[192.0.2.1]\r\n", SGL_DMARC_AUTHOR_NONE, NULL},
    {"an empty group", "From: undisclosed:;\r\n", SGL_DMARC_AUTHOR_NONE, NULL},
    {"members of a group count", "From: team: a@example.org, b@example.org;\r\n", OK,
     "example.org"},
    {"a group hides no other domain", "From: team: a@example.org;, b@evil.test\r\n",
     SGL_DMARC_AUTHOR_DOMAINS, NULL},
    {"one domain, several mailboxes", "From: a@example.org, b@EXAMPLE.org, c@example.org\r\n", OK,
     "example.org"},
    {"two domains", "From: a@example.org, b@evil.test\r\n", SGL_DMARC_AUTHOR_DOMAINS, NULL},
    {"a domain below is another one", "From: a@example.org, b@x.example.org\r\n",
     SGL_DMARC_AUTHOR_DOMAINS, NULL},
    {"a literal beside a domain", "From: a@example.org, b@[192.0.2.1]\r\n",
     SGL_DMARC_AUTHOR_DOMAINS, NULL},
    {"8-bit bytes that are no UTF-8", "From: a@b\374cher.example\r\n", SGL_DMARC_AUTHOR_SYNTAX,
     NULL},
    {"lines that end in LF", "From: A\n <a@example.org>\nTo: b@x.test\n", OK, "example.org"},
    {"a blank before the colon", "From : a@example.org\r\n", OK, "example.org"},
};

static void table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
        struct sgl_headers headers;
        enum sgl_dmarc_author got = (enum sgl_dmarc_author)99;
        struct sgl_name domain = {{NULL, 0}};

        CHECK_EQ(rows[i].name,
                 sgl_headers_parse(sgl_view_cstr(rows[i].header), SGL_HEADERS_TOLERANT, &arena,
                                   &headers, NULL),
                 SGL_OK);
        CHECK_EQ(rows[i].name, sgl_dmarc_author(&headers, &arena, &got, &domain), SGL_OK);
        CHECK_EQ(rows[i].name, got, rows[i].state);
        CHECK_VIEW(rows[i].name, domain.text, sgl_view_cstr(rows[i].domain));
        CHECK_TRUE("it has a sentence", strlen(sgl_dmarc_author_name(got)) > 5);
    }
}

static enum sgl_dmarc_author author_of(sgl_view text, struct sgl_arena *arena, enum sgl_status want)
{
    struct sgl_headers headers;
    enum sgl_dmarc_author got = (enum sgl_dmarc_author)99;
    struct sgl_name domain;

    CHECK_EQ("headers", sgl_headers_parse(text, SGL_HEADERS_TOLERANT, arena, &headers, NULL),
             SGL_OK);
    CHECK_EQ("status", sgl_dmarc_author(&headers, arena, &got, &domain), want);
    return got;
}

static void long_fields(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(8u << 20), small = SGL_ARENA_INIT(4000);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1u << 20);

    (void)state;
    sgl_buf_add(&text, SGL_LIT("From: a@example.org"));
    while (text.len < 400000)
        sgl_buf_add(&text, SGL_LIT(",\r\n a@example.org"));
    sgl_buf_add(&text, SGL_LIT("\r\n"));
    CHECK_EQ("more mailboxes than anybody reads", author_of(sgl_buf_view(&text), &arena, SGL_OK),
             SGL_DMARC_AUTHOR_SYNTAX);
    sgl_buf_truncate(&text, 17 * 100 + 19);
    sgl_buf_add(&text, SGL_LIT("\r\n"));
    CHECK_EQ("a hundred", author_of(sgl_buf_view(&text), &arena, SGL_OK), OK);
    CHECK_EQ("a full arena is no verdict", author_of(sgl_buf_view(&text), &small, SGL_E_LIMIT), 99);
}

static void out_of_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct sgl_arena arena = SGL_ARENA_INIT(100000), own = SGL_ARENA_INIT(100000);
        struct sgl_headers headers;
        enum sgl_dmarc_author got = (enum sgl_dmarc_author)99;
        struct sgl_name domain;
        enum sgl_status st;

        fail_alloc_off();
        CHECK_EQ("headers",
                 sgl_headers_parse(SGL_LIT("From: A\r\n B <a@b\303\274cher.example>\r\n"),
                                   SGL_HEADERS_STRICT, &own, &headers, NULL),
                 SGL_OK);
        fail_alloc_on();
        st = sgl_dmarc_author(&headers, &arena, &got, &domain);
        CHECK_EQ("no memory is never a bad From", got, st == SGL_OK ? OK : 99);
        CHECK_TRUE("no memory is a status",
                   st == SGL_OK || (st == SGL_E_NOMEM && fail_alloc_hit()));
        sgl_arena_done(&arena);
        sgl_arena_done(&own);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(long_fields),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
