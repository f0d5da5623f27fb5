/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of POST /emails:send: each mistake is named by its path in the request. */
#include "../../server/doors/http/acs_internal.h"
#include "api_request_fixture.h"
#include "fail_alloc.h"

static bool parse_as(struct fixture *f, const char *text, bool content_ids)
{
    struct api_reader reader = {
        .api = &five_recipients, .arena = &f->arena, .m = &f->m, .why = &f->why};

    begin(f, text);
    return acs_parse(&reader, f->json, content_ids);
}

static bool parse(struct fixture *f, const char *text)
{
    return parse_as(f, text, true);
}

#define FROM          "\"senderAddress\":\"a@b.test\""
#define CONTENT       "\"content\":{\"subject\":\"S\",\"plainText\":\"T\"}"
#define TO            "\"recipients\":{\"to\":[{\"address\":\"c@d.test\"}]}"
#define BASE          FROM "," CONTENT "," TO
#define FILE_         "\"name\":\"f.pdf\",\"contentType\":\"application/pdf\",\"contentInBase64\":\"YQ==\""
#define FILES(f)      "{" BASE ",\"attachments\":[" f "]}"
#define HEADERS(h)    "{" BASE ",\"headers\":{" h "}}"
#define RECIPIENTS(r) "{" FROM "," CONTENT ",\"recipients\":" r "}"

static const struct {
    const char *name, *json, *field, *code;
} refused[] = {
    {"not an object", "[]", "body", "member-type"},
    {"nothing", "{}", "senderAddress", "member-missing"},
    {"an unknown member", "{" BASE ",\"bcc\":1}", "bcc", "member-unknown"},
    {"the sender of a wrong type", "{\"senderAddress\":{}}", "senderAddress", "member-type"},
    {"the sender is no address", "{\"senderAddress\":\"nobody\"}", "senderAddress",
     "address-syntax"},
    {"the sender has a name", "{\"senderAddress\":\"N <a@b.test>\"}", "senderAddress",
     "address-syntax"},
    {"a foreign sender", "{\"senderAddress\":\"a@foreign.test\"}", "senderAddress",
     "sender-not-allowed"},
    {"no content", "{" FROM "," TO "}", "content", "member-missing"},
    {"content of a wrong type", "{" FROM "," TO ",\"content\":\"x\"}", "content", "member-type"},
    {"no subject", "{" FROM "," TO ",\"content\":{\"html\":\"x\"}}", "content.subject",
     "member-missing"},
    {"a line end in the subject", "{" FROM "," TO ",\"content\":{\"subject\":\"a\\nb\"}}",
     "content.subject", "line-end"},
    {"a text of a wrong type", "{" FROM "," TO ",\"content\":{\"subject\":\"a\",\"plainText\":1}}",
     "content.plainText", "member-type"},
    {"an unknown member of the content",
     "{" FROM "," TO ",\"content\":{\"subject\":\"a\",\"text\":\"\"}}", "content.text",
     "member-unknown"},
    {"no recipients", "{" FROM "," CONTENT "}", "recipients", "member-missing"},
    {"recipients are a list", RECIPIENTS("[]"), "recipients", "member-type"},
    {"nobody among them", RECIPIENTS("{\"to\":[],\"cc\":null}"), "recipients", "no-recipients"},
    {"to is no list", RECIPIENTS("{\"to\":{\"address\":\"c@d.test\"}}"), "recipients.to",
     "member-type"},
    {"a string among the addresses", RECIPIENTS("{\"to\":[\"c@d.test\"]}"), "recipients.to[0]",
     "member-type"},
    {"an unknown member of an address",
     RECIPIENTS("{\"to\":[{\"address\":\"c@d.test\",\"name\":\"x\"}]}"), "recipients.to[0].name",
     "member-unknown"},
    {"an address without an address", RECIPIENTS("{\"cc\":[{\"displayName\":\"x\"}]}"),
     "recipients.cc[0].address", "member-missing"},
    {"the second of bcc is wrong",
     RECIPIENTS("{\"bcc\":[{\"address\":\"c@d.test\"},{\"address\":\"c@\"}]}"),
     "recipients.bcc[1].address", "address-syntax"},
    {"a line end in a name",
     RECIPIENTS("{\"to\":[{\"address\":\"c@d.test\",\"displayName\":\"x\\r\\nBcc: y\"}]}"),
     "recipients.to[0].displayName", "line-end"},
    {"a line end in an address", RECIPIENTS("{\"to\":[{\"address\":\"c@d.test\\r\\nX: y\"}]}"),
     "recipients.to[0].address", "address-syntax"},
    {"a recipient that may not be", RECIPIENTS("{\"to\":[{\"address\":\"c@nowhere.test\"}]}"),
     "recipients.to[0].address", "sender-not-allowed"},
    {"too many in all",
     RECIPIENTS("{\"to\":[{\"address\":\"1@b.c\"},{\"address\":\"2@b.c\"},{\"address\":\"3@b."
                "c\"}],\"cc\":[{\"address\":\"4@b.c\"},{\"address\":\"5@b.c\"},{\"address\":"
                "\"6@b.c\"}]}"),
     "recipients.cc[2].address", "too-many-recipients"},
    {"replyTo is checked", "{" BASE ",\"replyTo\":[{\"address\":\"x\"}]}", "replyTo[0].address",
     "address-syntax"},
    {"replyTo is one address", "{" BASE ",\"replyTo\":{\"address\":\"x@y.test\"}}", "replyTo",
     "member-type"},
    {"tracking of a wrong type", "{" BASE ",\"userEngagementTrackingDisabled\":\"true\"}",
     "userEngagementTrackingDisabled", "member-type"},
    {"headers of a wrong type", "{" BASE ",\"headers\":[]}", "headers", "member-type"},
    {"a header that is the server's", HEADERS("\"Bcc\":\"x@y.test\""), "headers.Bcc",
     "header-name"},
    {"a line end in a header value", HEADERS("\"X-A\":\"b\\r\\nBcc: c@d.test\""), "headers.X-A",
     "line-end"},
    {"a directive that is none", HEADERS("\"x-ms-acsemail-colour\":\"true\""), "headers",
     "header-name"},
    {"a directive that is neither true nor false",
     HEADERS("\"x-ms-acsemail-validate-message-id\":\"yes\""),
     "headers.x-ms-acsemail-validate-message-id", "member-value"},
    {"a directive of a wrong type", HEADERS("\"X-MS-AcsEmail-Validate-Message-Id\":true"),
     "headers.x-ms-acsemail-validate-message-id", "member-value"},
    {"a Message-ID that is to be looked at",
     HEADERS("\"Message-Id\":\"nothing\",\"x-ms-acsemail-validate-message-id\":\"true\""),
     "headers.Message-ID", "member-value"},
    {"a Message-ID of a wrong type", HEADERS("\"Message-ID\":1"), "headers.Message-ID",
     "member-type"},
    {"attachments of a wrong type", "{" BASE ",\"attachments\":{}}", "attachments", "member-type"},
    {"an attachment of a wrong type", FILES("1"), "attachments[0]", "member-type"},
    {"an attachment without a name",
     FILES("{\"contentType\":\"application/pdf\",\"contentInBase64\":\"YQ==\"}"),
     "attachments[0].name", "member-missing"},
    {"an attachment without a type", FILES("{\"name\":\"a\",\"contentInBase64\":\"YQ==\"}"),
     "attachments[0].contentType", "member-missing"},
    {"an attachment without content",
     FILES("{" FILE_ "},{\"name\":\"a\",\"contentType\":\"application/pdf\"}"),
     "attachments[1].contentInBase64", "member-missing"},
    {"broken base64",
     FILES("{\"name\":\"a\",\"contentType\":\"text/plain\",\"contentInBase64\":\"YQ=\"}"),
     "attachments[0].contentInBase64", "base64"},
    {"a type that is not sent",
     FILES("{" FILE_ "},{\"name\":\"a\",\"contentType\":\"application/octet-stream\","
           "\"contentInBase64\":\"YQ==\"}"),
     "attachments[1].contentType", "attachment-type"},
    {"a line end in a file name",
     FILES("{\"name\":\"a\\nb\",\"contentType\":\"text/plain\",\"contentInBase64\":\"YQ==\"}"),
     "attachments[0].name", "line-end"},
    {"an unknown member of an attachment", FILES("{" FILE_ ",\"disposition\":\"inline\"}"),
     "attachments[0].disposition", "member-unknown"},
    {"two of one contentId",
     FILES("{" FILE_ ",\"contentId\":\"c\"},{" FILE_ "},{" FILE_ ",\"contentId\":\"c\"}"),
     "attachments[2].contentId", "content-id-twice"},
};

static void refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct fixture f;

        CHECK_TRUE(refused[i].name, !parse(&f, refused[i].json));
        CHECK_STR(refused[i].name, f.why.field, refused[i].field);
        CHECK_STR(refused[i].name, f.why.code, refused[i].code);
        CHECK_TRUE(refused[i].name, f.why.status >= 400 && f.why.detail[0] != '\0');
        done(&f);
    }
}

static enum sgl_status compose(struct fixture *f, struct sgl_diag *diag)
{
    enum sgl_status st = sgl_compose_put(&f->out, &f->m.compose, diag);

    if (st != SGL_OK)
        api_compose_refusal(&f->m, st, diag, &f->why);
    return st;
}

/* What compose() refuses is said in the words of the request. */
static void composed(void **state)
{
    static const struct {
        const char *name, *json, *field; /* field NULL: fine */
        const char *want, *not ;         /* in the message */
    } cases[] = {
        {"a text alone", "{" BASE "}", NULL, "Content-Type: text/plain", "multipart"},
        {"an empty text beside HTML is none",
         "{" FROM "," TO ",\"content\":{\"subject\":\"S\",\"plainText\":\"\",\"html\":\"<p>\"}}",
         NULL, "Content-Type: text/html", "multipart"},
        {"empty HTML beside a text is none",
         "{" FROM "," TO ",\"content\":{\"subject\":\"S\",\"plainText\":\"x\",\"html\":\"\"}}",
         NULL, "Content-Type: text/plain", "multipart"},
        {"an empty text alone is one",
         "{" FROM "," TO ",\"content\":{\"subject\":\"S\",\"plainText\":\"\"}}", NULL,
         "Content-Type: text/plain", "multipart"},
        {"nothing to send", "{" FROM "," TO ",\"content\":{\"subject\":\"S\"}}", "content", NULL,
         NULL},
        {"nobody sees bcc",
         RECIPIENTS("{\"to\":[{\"address\":\"c@d.test\"}],\"bcc\":[{\"address\":\"g@h.test\"}]}"),
         NULL, "To: c@d.test", "g@h.test"},
        {"only bcc", RECIPIENTS("{\"bcc\":[{\"address\":\"g@h.test\"}]}"), NULL, "Subject: S",
         "g@h.test"},
        {"names are written",
         RECIPIENTS("{\"cc\":[{\"address\":\"c@d.test\",\"displayName\":\"A, B\"}]}"), NULL,
         "Cc: \"A, B\" <c@d.test>", NULL},
        {"a part of the HTML",
         "{" FROM "," TO
         ",\"content\":{\"subject\":\"S\",\"html\":\"<img>\"},\"attachments\":[{" FILE_
         ",\"contentId\":\"logo\"}]}",
         NULL, "Content-ID: <logo>", "attachment"},
        {"a Message-ID goes as it is", HEADERS("\"message-id\":\"<1@b.test>\""), NULL,
         "Message-ID: <1@b.test>", NULL},
        {"one that is none is left out", HEADERS("\"Message-ID\":\"nothing\""), NULL, "Subject: S",
         "nothing"},
        {"directives go into no message",
         HEADERS("\"x-ms-acsemail-validate-message-id\":\"true\",\"X-A\":\"b\""), NULL, "X-A: b",
         "acsemail"},
        {"a wrong contentId", FILES("{" FILE_ "},{" FILE_ ",\"contentId\":\"a b\"}"),
         "attachments[1].contentId", NULL, NULL},
        {"a wrong parameter of a type",
         FILES("{\"name\":\"a\",\"contentType\":\"text/plain; =\",\"contentInBase64\":\"YQ==\"}"),
         "attachments[0].contentType", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sgl_diag diag = {0};
        struct fixture f;
        bool fine = parse(&f, cases[i].json) && compose(&f, &diag) == SGL_OK;
        sgl_view out = sgl_buf_view(&f.out);

        CHECK_EQ(cases[i].name, fine, cases[i].field == NULL);
        if (!fine) {
            CHECK_STR(cases[i].name, f.why.field, cases[i].field);
            CHECK_EQ(cases[i].name, f.why.status, 422);
        }
        if (cases[i].want != NULL)
            CHECK_TRUE(cases[i].name, sgl_view_find_view(out, V(cases[i].want)) < out.len);
        if (cases[i].not != NULL)
            CHECK_TRUE(cases[i].name, sgl_view_find_view(out, V(cases[i].not )) == out.len);
        done(&f);
    }
}

#define WITH(directive, files)                                                                     \
    "{" BASE ",\"headers\":{\"x-ms-acsemail-" directive "\":\"true\"},\"attachments\":[" files "]" \
    "}"
#define EXE                                                                                        \
    "{\"name\":\"a.exe\",\"contentType\":\"application/"                                           \
    "x-msdownload\",\"contentInBase64\":\"YQ==\"}"
#define BROKEN "{\"name\":\"b\",\"contentType\":\"text/plain\",\"contentInBase64\":\"%%%%\"}"

/* What a request allows to be left out, and what it does not. */
static void directives(void **state)
{
    struct fixture f;
    struct sgl_diag diag = {0};

    (void)state;
    CHECK_TRUE("attachments that cannot be sent are left out",
               parse(&f, WITH("suppress-invalid-attachment", EXE "," BROKEN ",{" FILE_ "}")));
    CHECK_EQ("the good one stays", f.m.compose.parts, 1);
    CHECK_VIEW("with its content", f.m.compose.part[0].content, V("YQ=="));
    CHECK_EQ("and its place is known", f.m.part_at[0], 2);
    done(&f);
    CHECK_TRUE("a mistake of form is one all the same",
               !parse(&f, WITH("suppress-invalid-attachment", "{\"name\":\"a\"}")));
    done(&f);
    CHECK_TRUE(
        "later mistakes are named by their own place",
        parse(&f, WITH("suppress-invalid-attachment", EXE ",{" FILE_ ",\"contentId\":\"a b\"}")));
    CHECK_EQ("", compose(&f, &diag), SGL_E_SYNTAX);
    CHECK_STR("", f.why.field, "attachments[1].contentId");
    done(&f);
    CHECK_TRUE("a contentId that comes twice",
               parse(&f, WITH("ignore-duplicate-content-id",
                              "{" FILE_ ",\"contentId\":\"c\"},{" FILE_ ",\"contentId\":\"c\"}")));
    CHECK_EQ("both stay", f.m.compose.parts, 2);
    CHECK_VIEW("the first has it", f.m.compose.part[0].content_id, V("c"));
    CHECK_EQ("the second has not", f.m.compose.part[1].content_id.len, 0);
    CHECK_TRUE("and is attached", !f.m.compose.part[1].inline_);
    done(&f);
}

static void versions(void **state)
{
    struct fixture f;

    (void)state;
    CHECK_TRUE("the oldest version has no contentId",
               !parse_as(&f, FILES("{" FILE_ ",\"contentId\":\"c\"}"), false));
    CHECK_STR("", f.why.field, "attachments[0].contentId");
    CHECK_STR("", f.why.code, "member-unknown");
    done(&f);
    CHECK_TRUE("but attachments", parse_as(&f, FILES("{" FILE_ "}"), false));
    done(&f);
}

static void types(void **state)
{
    static const struct {
        const char *type;
        bool allowed;
    } cases[] = {
        {"application/pdf", true},
        {"Application/PDF", true},
        {"text/plain; charset=utf-8", true},
        {" image/png ", true},
        {"application/epub+zip", true},
        {"application/gzip", true},
        {"video/x-msvideo", true},
        {"application/vnd.ms-excel.sheet.macroenabled.12", true},
        {"application/octet-stream", false},
        {"application/x-msdownload", false},
        {"application/pd", false},
        {"application/pdff", false},
        {"text/html", false},
        {"", false},
        {";", false},
        {"application/vnd.openxmlformats-officedocument.presentationml.presentation."
         "application/vnd.openxmlformats-officedocument.presentationml.presentation",
         false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_EQ(cases[i].type, acs_type_allowed(V(cases[i].type)), cases[i].allowed);
}

/* A request that is fine is taken, or refused for want of memory; nothing else, and nothing leaks. */
static void memory(void **state)
{
    static const char text[] =
        "{" BASE ",\"replyTo\":[{\"address\":\"r@b.test\"}],\"headers\":{\"X-A\":\"b\","
        "\"Message-ID\":\"<1@b.test>\"},\"attachments\":[{" FILE_ "}]}";

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct fixture f;

        if (!parse(&f, text)) {
            CHECK_EQ("refused for now", f.why.status, 503);
            CHECK_STR("for want of memory", f.why.code, "memory-full");
        }
        done(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals), cmocka_unit_test(composed), cmocka_unit_test(directives),
        cmocka_unit_test(versions), cmocka_unit_test(types),    cmocka_unit_test(memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
