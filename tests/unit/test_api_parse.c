/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of POST /v1/messages: each mistake is named by its member. */
#include "api_request_fixture.h"

static bool parse(struct fixture *f, const char *text)
{
    begin(f, text);
    return api_parse(&five_recipients, NULL, f->json, &f->arena, &f->m, &f->why);
}

#define BASE "\"from\":\"a@b.test\",\"to\":[\"c@d.test\"]"

struct refusal {
    const char *name, *json, *field, *code;
};

static const struct refusal refused_addresses[] = {
    {"not an object", "[]", "body", "member-type"},
    {"nothing", "{}", "from", "member-missing"},
    {"an unknown member", "{" BASE ",\"colour\":1}", "colour", "member-unknown"},
    {"an unknown member is shown escaped", "{" BASE ",\"a\\nb\":1}", "a\\x0ab", "member-unknown"},
    {"from of a wrong type", "{\"from\":1}", "from", "member-type"},
    {"from is no address", "{\"from\":\"nobody\"}", "from", "address-syntax"},
    {"from is a list", "{\"from\":[\"a@b.test\"]}", "from", "member-type"},
    {"two addresses in from", "{\"from\":\"a@b.test, c@d.test\"}", "from", "address-syntax"},
    {"from without an email", "{\"from\":{\"name\":\"A\"}}", "from.email", "member-missing"},
    {"an unknown member of an address", "{\"from\":{\"email\":\"a@b.test\",\"mail\":1}}",
     "from.mail", "member-unknown"},
    {"a foreign sender", "{\"from\":{\"email\":\"a@foreign.test\"},\"to\":\"c@d.test\"}",
     "from.email", "sender-not-allowed"},
    {"no recipients", "{\"from\":\"a@b.test\"}", "to", "no-recipients"},
    {"an empty list", "{\"from\":\"a@b.test\",\"to\":[]}", "to", "no-recipients"},
    {"only null", "{\"from\":\"a@b.test\",\"to\":null,\"cc\":null}", "to", "no-recipients"},
    {"the fourth recipient is wrong",
     "{\"from\":\"a@b.test\",\"to\":[\"a@b.test\",\"b@b.test\",\"c@b.test\",{\"email\":\"not "
     "an address\"}]}",
     "to[3].email", "address-syntax"},
    {"a wrong string among recipients", "{\"from\":\"a@b.test\",\"to\":[\"a@b.test\",\"x@\"]}",
     "to[1]", "address-syntax"},
    {"a number among recipients", "{\"from\":\"a@b.test\",\"to\":[7]}", "to[0]", "member-type"},
    {"bcc is checked, too", "{" BASE ",\"bcc\":\"x\"}", "bcc", "address-syntax"},
    {"a recipient that may not be", "{\"from\":\"a@b.test\",\"cc\":[\"c@nowhere.test\"]}", "cc[0]",
     "sender-not-allowed"},
    {"too many in one list",
     "{\"from\":\"a@b.test\",\"to\":[\"1@b.c\",\"2@b.c\",\"3@b.c\",\"4@b.c\",\"5@b.c\",\"6@b."
     "c\"]}",
     "to", "too-many-recipients"},
    {"too many in all",
     "{\"from\":\"a@b.test\",\"to\":[\"1@b.c\",\"2@b.c\",\"3@b.c\"],\"cc\":[\"4@b.c\",\"5@b."
     "c\",\"6@b.c\"]}",
     "cc[2]", "too-many-recipients"},
    {"a line end in a name",
     "{" BASE ",\"cc\":[{\"email\":\"a@b.test\",\"name\":\"x\\r\\nBcc: y\"}]}", "cc[0].name",
     "line-end"},
    {"a line end in an address", "{\"from\":\"a@b.test\\r\\n (x)\"}", "from", "line-end"},
    {"a line end in an email", "{\"from\":{\"email\":\"a@b.test\\r\\nX: y\"}}", "from.email",
     "address-syntax"},
};

static const struct refusal refused_content[] = {
    {"a line end in the subject", "{" BASE ",\"subject\":\"a\\nb\"}", "subject", "line-end"},
    {"subject of a wrong type", "{" BASE ",\"subject\":[]}", "subject", "member-type"},
    {"text of a wrong type", "{" BASE ",\"text\":1}", "text", "member-type"},
    {"reply_to is checked", "{" BASE ",\"reply_to\":[\"x\"]}", "reply_to[0]", "address-syntax"},
    {"headers of a wrong type", "{" BASE ",\"headers\":[]}", "headers", "member-type"},
    {"a line end in a header value", "{" BASE ",\"headers\":{\"X-A\":\"b\\r\\nBcc: c@d.test\"}}",
     "headers.X-A", "line-end"},
    {"a line end in a header name", "{" BASE ",\"headers\":{\"X-A\\r\\nBcc\":\"b\"}}",
     "headers.X-A\\x0d\\x0aBcc", "header-name"},
    {"a colon in a header name", "{" BASE ",\"headers\":{\"X:A\":\"b\"}}", "headers.X:A",
     "header-name"},
    {"a header that is the server's", "{" BASE ",\"headers\":{\"DKIM-Signature\":\"b\"}}",
     "headers.DKIM-Signature", "header-name"},
    {"a header value of a wrong type", "{" BASE ",\"headers\":{\"X-A\":1}}", "headers.X-A",
     "member-type"},
};

static const struct refusal refused_labels[] = {
    {"categories of a wrong type", "{" BASE ",\"categories\":\"a\"}", "categories", "member-type"},
    {"a category of a wrong type", "{" BASE ",\"categories\":[\"a\",1]}", "categories[1]",
     "member-type"},
    {"an empty category", "{" BASE ",\"categories\":[\"\"]}", "categories[0]", "too-long"},
    {"eleven categories",
     "{" BASE ",\"categories\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\","
     "\"11\"]}",
     "categories", "too-many"},
    {"metadata of a wrong type", "{" BASE ",\"metadata\":[]}", "metadata", "member-type"},
    {"a value of metadata that is no string", "{" BASE ",\"metadata\":{\"a\":\"b\",\"c\":1}}",
     "metadata", "member-type"},
};

static const struct refusal refused_tls[] = {
    {"tls of a wrong type", "{" BASE ",\"tls\":true}", "tls", "member-type"},
    {"tls of another kind", "{" BASE ",\"tls\":\"required\"}", "tls", "member-value"},
    {"the preset has no word", "{" BASE ",\"tls\":\"default\"}", "tls", "member-value"},
};

static const struct refusal refused_attachments[] = {
    {"attachments of a wrong type", "{" BASE ",\"attachments\":{}}", "attachments", "member-type"},
    {"an attachment of a wrong type", "{" BASE ",\"attachments\":[1]}", "attachments[0]",
     "member-type"},
    {"an attachment without content", "{" BASE ",\"attachments\":[{\"filename\":\"a\"}]}",
     "attachments[0].content", "member-missing"},
    {"broken base64", "{" BASE ",\"attachments\":[{\"content\":\"YQ==\"},{\"content\":\"YQ=\"}]}",
     "attachments[1].content", "base64"},
    {"no base64", "{" BASE ",\"attachments\":[{\"content\":\"%%%%\"}]}", "attachments[0].content",
     "base64"},
    {"an unknown member of an attachment",
     "{" BASE ",\"attachments\":[{\"content\":\"\",\"size\":1}]}", "attachments[0].size",
     "member-unknown"},
    {"a disposition that is none",
     "{" BASE ",\"attachments\":[{\"content\":\"\",\"disposition\":\"x\"}]}",
     "attachments[0].disposition", "member-value"},
    {"a line end in a file name",
     "{" BASE ",\"attachments\":[{\"content\":\"\",\"filename\":\"a\\nb\"}]}",
     "attachments[0].filename", "line-end"},
};

static void check_refusals(const struct refusal *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct fixture f;

        CHECK_TRUE(rows[i].name, !parse(&f, rows[i].json));
        CHECK_STR(rows[i].name, f.why.field, rows[i].field);
        CHECK_STR(rows[i].name, f.why.code, rows[i].code);
        CHECK_TRUE(rows[i].name, f.why.status >= 400 && f.why.detail[0] != '\0');
        done(&f);
    }
}

static void refusals(void **state)
{
#define ALL_OF(rows) rows, sizeof(rows) / sizeof(rows[0])
    (void)state;
    check_refusals(ALL_OF(refused_addresses));
    check_refusals(ALL_OF(refused_content));
    check_refusals(ALL_OF(refused_labels));
    check_refusals(ALL_OF(refused_tls));
    check_refusals(ALL_OF(refused_attachments));
}

/* What compose() refuses is said in the words of the JSON. */
static void composed(void **state)
{
    static const struct {
        const char *name, *json, *field; /* NULL: fine */
    } cases[] = {
        {"a text", "{" BASE ",\"text\":\"x\"}", NULL},
        {"an empty text", "{" BASE ",\"text\":\"\"}", NULL},
        {"nothing to send", "{" BASE ",\"subject\":\"x\"}", "text"},
        {"a wrong content type",
         "{" BASE
         ",\"attachments\":[{\"content\":\"\"},{\"content\":\"\",\"content_type\":\"pdf\"}]}",
         "attachments[1].content_type"},
        {"a wrong content id",
         "{" BASE ",\"attachments\":[{\"content\":\"\",\"content_id\":\"a b\"}]}",
         "attachments[0].content_id"},
        {"all there is",
         "{\"from\":\"A "
         "<a@b.test>\",\"to\":{\"email\":\"c@d.test\",\"name\":\"C\"},\"cc\":\"e@f.test\",\"bcc\":["
         "\"g@h.test\"],\"reply_to\":\"r@b.test\","
         "\"subject\":\"S\",\"text\":\"T\",\"html\":\"<p>\",\"headers\":{\"X-A\":\"b\"},"
         "\"attachments\":[{\"filename\":\"f\",\"content_type\":\"a/b\","
         "\"content\":\"YQ==\",\"content_id\":\"c\",\"disposition\":\"inline\"}]}",
         NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
        struct sgl_diag diag = {0};
        struct fixture f;
        enum sgl_status st;

        CHECK_TRUE(cases[i].name, parse(&f, cases[i].json));
        st = sgl_compose_put(&out, &f.m.compose, &diag);
        CHECK_EQ(cases[i].name, st, cases[i].field == NULL ? SGL_OK : SGL_E_SYNTAX);
        if (st != SGL_OK) {
            api_compose_refusal(&f.m, st, &diag, &f.why);
            CHECK_STR(cases[i].name, f.why.field, cases[i].field);
            CHECK_EQ(cases[i].name, f.why.status, 422);
        }
        CHECK_TRUE("Bcc is never written",
                   sgl_view_find_view(sgl_buf_view(&out), V("g@h.test")) == out.len);
        done(&f);
    }
}

static void envelope(void **state)
{
    struct fixture f;

    (void)state;
    CHECK_TRUE("parse", parse(&f, "{\"from\":\"A <a@B.test>\",\"to\":[\"C "
                                  "<c@D.test>\"],\"bcc\":{\"email\":\"e@f.test\"},\"text\":\"\"}"));
    CHECK_EQ("recipients", f.m.rcpts, 2);
    CHECK_VIEW("to", f.m.rcpt[0].address, V("c@d.test"));
    CHECK_VIEW("bcc", f.m.rcpt[1].address, V("e@f.test"));
    CHECK_VIEW("from", f.m.from.mailbox.text, V("a@b.test"));
    CHECK_VIEW("name", f.m.from.name, V("A"));
    done(&f);
}

static void tls(void **state)
{
    static const struct {
        const char *json;
        uint8_t want;
    } rows[] = {{"{" BASE "}", MESSAGE_TLS_DEFAULT},
                {"{" BASE ",\"tls\":null}", MESSAGE_TLS_DEFAULT},
                {"{" BASE ",\"tls\":\"optional\"}", MESSAGE_TLS_OPTIONAL},
                {"{" BASE ",\"tls\":\"verified\"}", MESSAGE_TLS_VERIFIED}};
    struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_TRUE(rows[i].json, parse(&f, rows[i].json));
        CHECK_EQ(rows[i].json, f.m.tls, rows[i].want);
        done(&f);
    }
}

static void labels(void **state)
{
    char text[11000], *at = text + sprintf(text, "{" BASE ",\"metadata\":{\"k\":\"");
    struct fixture f;

    (void)state;
    CHECK_TRUE("parse", parse(&f, "{" BASE ",\"categories\":[\"a\"],\"metadata\":{\"k\":\"v\"}}"));
    CHECK_VIEW("labels", f.m.labels, V("{\"categories\":[\"a\"],\"custom_args\":{\"k\":\"v\"}}"));
    done(&f);
    CHECK_TRUE("null is as absent", parse(&f, "{" BASE ",\"categories\":null,\"metadata\":null}"));
    CHECK_EQ("no labels", f.m.labels.len, 0);
    done(&f);
    memset(at, 'x', 9992); /* {"k":""} is 8 */
    strcpy(at + 9992, "\"}}");
    CHECK_TRUE("metadata of 10000 bytes", parse(&f, text));
    done(&f);
    strcpy(at + 9992, "x\"}}");
    CHECK_TRUE("not one more", !parse(&f, text));
    CHECK_STR("by its code", f.why.code, "too-long");
    done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(refusals), cmocka_unit_test(composed),
                                       cmocka_unit_test(tls), cmocka_unit_test(envelope),
                                       cmocka_unit_test(labels)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
