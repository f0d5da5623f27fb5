/* SPDX-License-Identifier: Apache-2.0 */
/* What a message asks of TLS, and what is said of it onwards.  [RFC 8689 s3, s4.1, s4.3] */
#include "admission_fixture.h"

#define HEAD "From: me@app.test\r\nTo: you@good.test\r\nSubject: Hello\r\n"
#define REST "\r\nHello.\r\n"
#define NO   "TLS-Required: No\r\n"
#define MARK "X-Sigillo-TLS: "

struct ask {
    const char *name, *fields;
    uint8_t tls; /* of the envelope */
    bool require_tls, by_domain;
    const char *code; /* NULL: it is accepted */
    uint8_t want;
    bool want_require;
    const char *kept; /* a field of the header as it goes out; NULL: no TLS-Required */
};

static void set_domain(struct fixture *x, bool verified)
{
    struct domain_change dc = {.set_tls = true, .tls_verified = verified};
    struct directory_change c = {.verb = DIRECTORY_CHANGE,
                                 .noun = DIRECTORY_DOMAIN,
                                 .name = SGL_LIT("app.test"),
                                 .domain_change = &dc};

    CHECK_EQ("the domain is changed", fixture_change(x->f, &c), DIRECTORY_OK);
}

static void check_accepted(struct fixture *x, const struct ask *row, const struct sending *g)
{
    struct store_message *m = NULL;
    struct body *body = NULL;
    sgl_view header;

    assert_int_equal(store_read_message(x->f->store, g->s.message.id, &m), STORE_OK);
    assert_int_equal(store_read_body(x->f->store, g->s.message.id, &body), STORE_OK);
    CHECK_EQ(row->name, m->tls, row->want);
    CHECK_EQ(row->name, m->require_tls, row->want_require);
    header = sgl_view_of(body->bytes, body->header_len);
    CHECK_EQ("our mark is taken out", sgl_view_find_view(header, SGL_LIT("X-Sigillo-TLS")),
             header.len);
    if (row->kept == NULL)
        CHECK_EQ(row->name, sgl_view_find_view(header, SGL_LIT("TLS-Required")), header.len);
    else
        CHECK_TRUE(row->name, sgl_view_find_view(header, sgl_view_cstr(row->kept)) < header.len);
    body_unref(body);
    store_message_free(m);
}

static void check(struct fixture *x, const struct ask *row)
{
    char raw[1000];
    struct sending *g;

    set_domain(x, row->by_domain);
    snprintf(raw, sizeof raw, HEAD "%s" REST, row->fields);
    g = send_as(x, x->who, "me@app.test", "you@good.test", sgl_view_cstr(raw));
    g->s.message.tls = row->tls;
    g->s.message.require_tls = row->require_tls;
    go(g);
    if (row->code != NULL) {
        CHECK_STR(row->name, g->answer.code, row->code);
        CHECK_EQ(row->name, g->answer.smtp, 554);
        CHECK_EQ(row->name, g->answer.http, 422);
    } else {
        if (g->answer.smtp != 250)
            fail_msg("%s: %s", row->name, g->answer.text);
        check_accepted(x, row, g);
    }
    sending_free(g);
}

static void test_asked(void **state)
{
    static const struct ask rows[] = {
        {"nothing", .fields = ""},
        {"TLS-Required: No", .fields = NO, .want = MESSAGE_TLS_OPTIONAL, .kept = NO},
        {"in any case, folded", .fields = "tls-required:\r\n nO \r\n", .want = MESSAGE_TLS_OPTIONAL,
         .kept = "tls-required:\r\n nO \r\n"},
        {"anything else is refused", .fields = "TLS-Required: Yes\r\n", .code = "tls-required"},
        {"nothing in it is refused", .fields = "TLS-Required:\r\n", .code = "tls-required"},
        {"more behind it is refused", .fields = "TLS-Required: No, really\r\n",
         .code = "tls-required"},
        {"a comment is refused", .fields = "TLS-Required: No (thanks)\r\n", .code = "tls-required"},
        {"twice is refused", .fields = NO NO, .code = "tls-required"},
        {"REQUIRETLS", .fields = "", .require_tls = true, .want_require = true},
        {"REQUIRETLS counts, the field does not", .fields = NO, .require_tls = true,
         .want_require = true, .kept = NO},
        {"REQUIRETLS counts, whatever the field says", .fields = "TLS-Required: Maybe\r\n" NO,
         .require_tls = true, .want_require = true, .kept = "TLS-Required: Maybe\r\n" NO},
        {"the mark", .fields = MARK "verified\r\n", .want = MESSAGE_TLS_VERIFIED},
        {"the mark, optional", .fields = MARK "optional\r\n", .want = MESSAGE_TLS_OPTIONAL,
         .kept = NO},
        {"the mark in any case, folded", .fields = "x-sIGILLO-tls:\r\n Verified\r\n",
         .want = MESSAGE_TLS_VERIFIED},
        {"another mark is refused", .fields = MARK "always\r\n", .code = "tls-mark"},
        {"an empty mark is refused", .fields = MARK "\r\n", .code = "tls-mark"},
        {"two marks are refused", .fields = MARK "verified\r\n" MARK "optional\r\n",
         .code = "tls-mark"},
        {"the envelope", .fields = "", .tls = MESSAGE_TLS_VERIFIED, .want = MESSAGE_TLS_VERIFIED},
        {"the envelope, optional", .fields = "", .tls = MESSAGE_TLS_OPTIONAL,
         .want = MESSAGE_TLS_OPTIONAL, .kept = NO},
        {"the strictest counts: envelope and field", .fields = NO, .tls = MESSAGE_TLS_VERIFIED,
         .want = MESSAGE_TLS_VERIFIED, .kept = NO},
        {"the strictest counts: envelope and mark", .fields = MARK "optional\r\n",
         .tls = MESSAGE_TLS_VERIFIED, .want = MESSAGE_TLS_VERIFIED},
        {"the strictest counts: mark and envelope", .fields = MARK "verified\r\n",
         .tls = MESSAGE_TLS_OPTIONAL, .want = MESSAGE_TLS_VERIFIED},
        {"the mark and REQUIRETLS", .fields = MARK "optional\r\n", .require_tls = true,
         .want_require = true},
        {"the domain", .fields = "", .by_domain = true, .want = MESSAGE_TLS_VERIFIED},
        {"the domain counts more than the field", .fields = NO, .by_domain = true,
         .want = MESSAGE_TLS_VERIFIED, .kept = NO},
        {"the domain counts more than the mark", .fields = MARK "optional\r\n", .by_domain = true,
         .want = MESSAGE_TLS_VERIFIED},
        {"the domain beside REQUIRETLS", .fields = "", .by_domain = true, .require_tls = true,
         .want = MESSAGE_TLS_VERIFIED, .want_require = true},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(*state, &rows[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_asked, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
