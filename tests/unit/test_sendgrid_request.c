/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of POST /v3/mail/send: each mistake is named by its path in the request, and each personalization is a message. */
#include "../../server/doors/http/sendgrid_internal.h"
#include "api_request_fixture.h"
#include "fail_alloc.h"

#define NOW 1000000000

static const struct api some_recipients = {.recipients_max = 1000};

static bool parse(struct fixture *f, struct sendgrid_mail *mail, const char *text)
{
    struct api_reader reader = {
        .api = &some_recipients, .arena = &f->arena, .m = &mail->common, .why = &f->why};

    begin(f, text);
    *mail = (struct sendgrid_mail){0};
    return sendgrid_parse(&reader, f->json, NOW, mail);
}

static void end(struct fixture *f, struct sendgrid_mail *mail)
{
    *mail = (struct sendgrid_mail){0};
    done(f);
}

#define FROM        "\"from\":{\"email\":\"a@b.test\"}"
#define SUBJECT     "\"subject\":\"S\""
#define CONTENT     "\"content\":[{\"type\":\"text/plain\",\"value\":\"T\"}]"
#define TO          "\"to\":[{\"email\":\"c@d.test\"}]"
#define BASE        FROM "," SUBJECT "," CONTENT ",\"personalizations\":[{" TO "}]"
#define WITH(more)  "{" BASE "," more "}"
#define PERSON(p)   "{" FROM "," SUBJECT "," CONTENT ",\"personalizations\":[" p "]}"
#define OF_TYPES(c) "{" FROM "," SUBJECT ",\"personalizations\":[{" TO "}],\"content\":[" c "]}"
#define PLAIN       "{\"type\":\"text/plain\",\"value\":\"T\"}"
#define HTML        "{\"type\":\"text/html\",\"value\":\"<p>\"}"
#define CALENDAR    "{\"type\":\"text/calendar; method=REQUEST\",\"value\":\"BEGIN:-who-\"}"
#define FILE_(more) WITH("\"attachments\":[{\"content\":\"YQ==\",\"filename\":\"f\"" more "}]")
#define SETTING(s)  WITH("\"mail_settings\":{" s "}")

static const struct {
    const char *name, *json, *field, *code;
} refused[] = {
    {"not an object", "[]", "", "member-type"},
    {"nothing", "{}", "from", "member-missing"},
    {"a from of a wrong type", "{\"from\":\"a@b.test\"}", "from", "member-type"},
    {"a from without an email", "{\"from\":{\"name\":\"N\"}}", "from.email", "member-missing"},
    {"a from that is no address", "{\"from\":{\"email\":\"nobody\"}}", "from.email",
     "address-syntax"},
    {"a foreign from", "{\"from\":{\"email\":\"a@foreign.test\"}}", "from", "sender-not-allowed"},
    {"no content", "{" FROM "}", "content", "member-missing"},
    {"content of a wrong type", "{" FROM ",\"content\":{}}", "content", "member-type"},
    {"an item of a wrong type", OF_TYPES("1"), "content.0", "member-type"},
    {"an empty value", OF_TYPES("{\"type\":\"text/plain\",\"value\":\"\"}"), "content.0.value",
     "member-missing"},
    {"a value that is no string", OF_TYPES(PLAIN ",{\"type\":\"text/html\",\"value\":1}"),
     "content.1.value", "member-type"},
    {"no type", OF_TYPES("{\"value\":\"x\"}"), "content.0.type", "member-missing"},
    {"no type of content", OF_TYPES("{\"type\":\"calendar\",\"value\":\"x\"}"), "content.0.type",
     "content-type"},
    {"several parts as one", OF_TYPES(PLAIN ",{\"type\":\"Multipart/mixed\",\"value\":\"x\"}"),
     "content.1.type", "content-type"},
    {"a message as a text", OF_TYPES("{\"type\":\"message/rfc822\",\"value\":\"x\"}"),
     "content.0.type", "content-type"},
    {"a line end in the type", OF_TYPES("{\"type\":\"text/calendar;\\r\\n a=b\",\"value\":\"x\"}"),
     "content.0.type", "line-end"},
    {"plain behind something else", OF_TYPES(CALENDAR "," PLAIN), "content", "content-order"},
    {"html behind something else", OF_TYPES(PLAIN "," CALENDAR "," HTML), "content",
     "content-order"},
    {"sections of a wrong type", WITH("\"sections\":[]"), "sections", "member-type"},
    {"a section of a wrong type", WITH("\"sections\":{\"-a-\":1}"), "sections", "member-type"},
    {"html before plain", OF_TYPES(HTML "," PLAIN), "content", "content-order"},
    {"plain twice", OF_TYPES(PLAIN "," PLAIN), "content", "content-order"},
    {"html twice", OF_TYPES(HTML "," HTML), "content", "content-order"},
    {"no personalizations", "{" FROM "," SUBJECT "," CONTENT "}", "personalizations",
     "member-missing"},
    {"none of them", PERSON(""), "personalizations", "member-missing"},
    {"they are an object", "{" FROM "," SUBJECT "," CONTENT ",\"personalizations\":{}}",
     "personalizations", "member-type"},
    {"one of a wrong type", PERSON("{" TO "},7"), "personalizations.1", "member-type"},
    {"no to", PERSON("{\"cc\":[{\"email\":\"c@d.test\"}]}"), "personalizations.0.to",
     "member-missing"},
    {"an empty to", PERSON("{" TO "},{\"to\":[]}"), "personalizations.1.to", "member-missing"},
    {"to is an object", PERSON("{\"to\":{\"email\":\"c@d.test\"}}"), "personalizations.0.to",
     "member-type"},
    {"a recipient that is no address", PERSON("{\"to\":[{\"email\":\"c@\"}]}"),
     "personalizations.0.to.0.email", "address-syntax"},
    {"a line end in a recipient", PERSON("{\"to\":[{\"email\":\"c@d.test\\r\\nX: y\"}]}"),
     "personalizations.0.to.0.email", "address-syntax"},
    {"a line end in a name",
     PERSON("{\"to\":[{\"email\":\"c@d.test\",\"name\":\"x\\r\\nBcc: y\"}]}"),
     "personalizations.0.to.0.name", "line-end"},
    {"a recipient that may not be", PERSON("{\"to\":[{\"email\":\"c@nowhere.test\"}]}"),
     "personalizations.0.to.0.email", "sender-not-allowed"},
    {"one of cc is wrong", PERSON("{" TO ",\"cc\":[{\"email\":\"d@d.test\"},{\"email\":1}]}"),
     "personalizations.0.cc.1.email", "member-type"},
    {"the same twice", PERSON("{" TO ",\"cc\":[{\"email\":\"C@d.test\"}]}"), "personalizations.0",
     "recipient-twice"},
    {"a foreign from of one", PERSON("{" TO ",\"from\":{\"email\":\"a@foreign.test\"}}"),
     "personalizations.0.from", "sender-not-allowed"},
    {"no subject",
     "{" FROM "," CONTENT ",\"personalizations\":[{" TO ",\"subject\":\"x\"},{" TO "}]}", "subject",
     "member-missing"},
    {"a line end in the subject", PERSON("{" TO ",\"subject\":\"a\\nBcc: b\"}"),
     "personalizations.0.subject", "line-end"},
    {"a line end by substitution",
     "{" FROM ",\"subject\":\"a -b-\"," CONTENT ",\"personalizations\":[{" TO
     ",\"substitutions\":{\"-b-\":\"x\\r\\nBcc: y@z.test\"}}]}",
     "subject", "line-end"},
    {"substitutions of a wrong type", PERSON("{" TO ",\"substitutions\":[]}"),
     "personalizations.0.substitutions", "member-type"},
    {"a value of a wrong type", PERSON("{" TO ",\"substitutions\":{\"a\":1}}"),
     "personalizations.0.substitutions", "member-type"},
    {"data of a wrong type", PERSON("{" TO ",\"dynamic_template_data\":1}"),
     "personalizations.0.dynamic_template_data", "member-type"},
    {"arguments of a wrong type", PERSON("{" TO ",\"custom_args\":1}"),
     "personalizations.0.custom_args", "member-type"},
    {"headers of a wrong type", WITH("\"headers\":[]"), "headers", "member-type"},
    {"its own headers of a wrong type", PERSON("{" TO ",\"headers\":[]}"),
     "personalizations.0.headers", "member-type"},
    {"a header that is the server's", WITH("\"headers\":{\"Bcc\":\"x@y.test\"}"), "headers.Bcc",
     "header-name"},
    {"a header of the service", WITH("\"headers\":{\"X-SG-EID\":\"x\"}"), "headers", "header-name"},
    {"a line end in a header", PERSON("{" TO ",\"headers\":{\"X-A\":\"b\\r\\nBcc: c@d.test\"}}"),
     "personalizations.0.headers.X-A", "line-end"},
    {"too late", WITH("\"send_at\":1000259201"), "send_at", "member-value"},
    {"a time of a wrong type", PERSON("{" TO ",\"send_at\":\"1\"}"), "personalizations.0.send_at",
     "member-type"},
    {"a time before all times", WITH("\"send_at\":-1"), "send_at", "member-type"},
    {"both kinds of reply_to",
     WITH("\"reply_to\":{\"email\":\"r@b.test\"},\"reply_to_list\":[{\"email\":\"r@b.test\"}]"),
     "reply_to", "member-value"},
    {"a reply_to that is no address", WITH("\"reply_to\":{\"email\":\"r\"}"), "reply_to.email",
     "address-syntax"},
    {"one of several", WITH("\"reply_to_list\":[{\"email\":\"r@b.test\"},{}]"),
     "reply_to_list.1.email", "member-missing"},
    {"attachments of a wrong type", WITH("\"attachments\":{}"), "attachments", "member-type"},
    {"an attachment without content", WITH("\"attachments\":[{\"filename\":\"f\"}]"),
     "attachments.0.content", "member-missing"},
    {"an attachment without a name", WITH("\"attachments\":[{\"content\":\"YQ==\"}]"),
     "attachments.0.filename", "member-missing"},
    {"a line end in its name",
     WITH("\"attachments\":[{\"content\":\"YQ==\",\"filename\":\"a\\nb\"}]"),
     "attachments.0.filename", "line-end"},
    {"broken base64", WITH("\"attachments\":[{\"content\":\"YQ=\",\"filename\":\"f\"}]"),
     "attachments.0.content", "base64"},
    {"another disposition", FILE_(",\"disposition\":\"form\""), "attachments.0.disposition",
     "member-value"},
    {"a wrong type", FILE_(",\"type\":\"a b\""), "attachments.0.type", "content"},
    {"a wrong content_id", FILE_(",\"content_id\":\"a b\""), "attachments.0.content_id", "content"},
    {"eleven categories",
     WITH("\"categories\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\","
          "\"11\"]"),
     "categories", "too-many"},
    {"a category of a wrong type", WITH("\"categories\":[\"1\",2]"), "categories.1", "member-type"},
    {"a group without an id", WITH("\"asm\":{}"), "asm.group_id", "member-missing"},
    {"a group of a wrong type", WITH("\"asm\":{\"group_id\":\"7\"}"), "asm.group_id",
     "member-type"},
    {"a pool that is not there", WITH("\"ip_pool_name\":\"transactional\""), "ip_pool_name",
     "pool-unknown"},
    {"a short pool", WITH("\"ip_pool_name\":\"a\""), "ip_pool_name", "member-value"},
    {"settings of a wrong type", WITH("\"mail_settings\":1"), "mail_settings", "member-type"},
    {"a switch of a wrong type", SETTING("\"sandbox_mode\":{\"enable\":\"yes\"}"),
     "mail_settings.sandbox_mode.enable", "member-type"},
    {"a footer of a wrong type, which is off", SETTING("\"footer\":{\"enable\":false,\"text\":1}"),
     "mail_settings.footer.text", "member-type"},
    {"two that exclude each other",
     SETTING("\"bypass_list_management\":{\"enable\":true},\"bypass_spam_management\":{"
             "\"enable\":true}"),
     "mail_settings", "member-value"},
    {"tracking of a wrong type", WITH("\"tracking_settings\":{\"click_tracking\":1}"),
     "tracking_settings.click_tracking", "member-type"},
    {"a template", WITH("\"template_id\":\"d-1\""), "template_id", "template-unknown"},
    {"a template of a wrong type", WITH("\"template_id\":1"), "template_id", "member-type"},
    {"a template is told before its missing content",
     "{" FROM ",\"personalizations\":[{" TO "}],\"template_id\":\"d-1\"}", "template_id",
     "template-unknown"},
    {"a batch that is none", WITH("\"batch_id\":\"x y\""), "batch_id", "member-value"},
    {"an empty batch", WITH("\"batch_id\":\"\""), "batch_id", "member-value"},
    {"a batch of a wrong type", WITH("\"batch_id\":1"), "batch_id", "member-type"},
};

static void refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct sendgrid_mail mail;
        struct fixture f;

        CHECK_TRUE(refused[i].name, !parse(&f, &mail, refused[i].json));
        CHECK_STR(refused[i].name, f.why.field, refused[i].field);
        CHECK_STR(refused[i].name, f.why.code, refused[i].code);
        CHECK_TRUE(refused[i].name, f.why.detail[0] != '\0');
        end(&f, &mail);
    }
}

/* ---- what becomes of a request that is fine ---- */

static bool holds(const struct sgl_buf *out, const char *what)
{
    return sgl_view_find_view(sgl_buf_view(out), V(what)) < out->len;
}

/* The message of a personalization, into f->out. */
static void personal(struct fixture *f, struct sendgrid_mail *mail, size_t index,
                     struct sendgrid_one *one)
{
    struct api_reader reader = {.api = &some_recipients, .arena = &f->arena, .why = &f->why};
    struct sgl_diag diag = {0};

    f->out.len = 0;
    CHECK_TRUE("it is made again", sendgrid_personal(&reader, mail, index, one));
    CHECK_EQ("and composed", sgl_compose_put(&f->out, &one->m.compose, &diag), SGL_OK);
}

static void personalizations(void **state)
{
    static const char text[] =
        "{" FROM
        ",\"subject\":\"For -name-\",\"content\":[{\"type\":\"text/plain\",\"value\":\"Dear "
        "-name-, -n\"}],\"headers\":{\"X-A\":\"all\",\"X-B\":\"all\"},\"reply_to\":{\"email\":"
        "\"-box-@b.test\",\"name\":\"-name-\"},\"send_at\":1000000050,\"unknown\":[],"
        "\"personalizations\":[{" TO
        ",\"bcc\":[{\"email\":\"x@d.test\"}],\"substitutions\":{\"-n\":\"short\",\"-name-\":\"Bob "
        "-n\",\"-box-\":\"bob\"}},{\"to\":[{\"email\":\"e@d.test\",\"name\":\"E, \\\"F\\\"\"}],"
        "\"subject\":\"Own\",\"headers\":{\"x-a\":\"own\"},\"from\":{\"email\":\"o@b.test\"},"
        "\"send_at\":1000000099,\"substitutions\":{\"-box-\":\"e\"}}]}";
    struct sendgrid_mail mail;
    struct sendgrid_one one;
    struct fixture f;

    (void)state;
    CHECK_TRUE("it is fine", parse(&f, &mail, text));
    CHECK_EQ("two messages", mail.personalizations, 2);
    CHECK_EQ("three recipients", mail.recipients, 3);
    personal(&f, &mail, 0, &one);
    CHECK_EQ("the first has two recipients", one.m.rcpts, 2);
    CHECK_TRUE("the longest key first, and values are not looked at again",
               holds(&f.out, "Dear Bob -n, short"));
    CHECK_TRUE("in the subject", holds(&f.out, "Subject: For Bob -n\r\n"));
    CHECK_TRUE("in the reply", holds(&f.out, "<bob@b.test>"));
    CHECK_TRUE("common headers", holds(&f.out, "X-A: all\r\n") && holds(&f.out, "X-B: all\r\n"));
    CHECK_TRUE("bcc is not shown", !holds(&f.out, "x@d.test"));
    CHECK_EQ("the common time", one.not_before, 1000000050);
    personal(&f, &mail, 1, &one);
    CHECK_TRUE("its own subject", holds(&f.out, "Subject: Own\r\n"));
    CHECK_TRUE("its own header", holds(&f.out, "x-a: own\r\n") && !holds(&f.out, "X-A: all"));
    CHECK_TRUE("its own from", holds(&f.out, "From: o@b.test\r\n"));
    CHECK_TRUE("no more than its own values", holds(&f.out, "Dear -name-, -n"));
    CHECK_TRUE("nobody else's address", !holds(&f.out, "c@d.test"));
    CHECK_EQ("its own time", one.not_before, 1000000099);
    end(&f, &mail);
}

/* The words of the sections are those of the substitutions, too. */
static void sections(void **state)
{
    static const char text[] =
        "{" FROM "," SUBJECT
        ",\"content\":[{\"type\":\"text/plain\",\"value\":\"-greeting- -foot-\"}," CALENDAR
        "],\"sections\":{\"-mr-\":\"Hello Mr. -who-,\",\"-ms-\":\"Hello Ms. -who-,\",\"-foot-\":"
        "\"Bye -who-.\"},\"personalizations\":[{" TO
        ",\"substitutions\":{\"-greeting-\":\"-ms-\",\"-who-\":\"Ada\"}},{" TO
        ",\"substitutions\":{\"-greeting-\":\"-mr-\",\"-who-\":\"-greeting-\"}},{" TO "}]}";
    struct sendgrid_mail mail;
    struct sendgrid_one one;
    struct fixture f;

    (void)state;
    CHECK_TRUE("it is fine", parse(&f, &mail, text));
    personal(&f, &mail, 0, &one);
    CHECK_TRUE("a section stands for a value, and has values",
               holds(&f.out, "\r\n\r\nHello Ms. Ada, Bye Ada.\r\n"));
    CHECK_TRUE("another form has them, too", holds(&f.out, "\r\n\r\nBEGIN:Ada\r\n"));
    CHECK_TRUE("with its type", holds(&f.out, "text/calendar; charset=utf-8;\r\n\tmethod=REQUEST"));
    personal(&f, &mail, 1, &one);
    CHECK_TRUE("a value in a section is not looked at again",
               holds(&f.out, "\r\n\r\nHello Mr. -greeting-, Bye -greeting-.\r\n"));
    personal(&f, &mail, 2, &one);
    CHECK_TRUE("without values there are sections all the same",
               holds(&f.out, "\r\n\r\n-greeting- Bye -who-.\r\n"));
    end(&f, &mail);
}

/* Each key may ask for a whole section: together they are no more than a message needs. */
static void expanding(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(64 << 20);
    static char large[1 << 20];
    json_t *values = json_object(), *all = NULL, *section = json_object();
    size_t compares = 0;

    (void)state;
    memset(large, 'x', sizeof(large));
    json_object_set_new(section, "-s-", json_stringn(large, sizeof(large) - 3));
    json_object_set_new(values, "-a-", json_string("-s-"));
    CHECK_TRUE("once", sendgrid_expand(values, section, &arena, &compares, &all) == SGL_OK);
    json_decref(all);
    all = NULL;
    json_object_set_new(values, "-b-", json_string("-s-"));
    CHECK_TRUE("but not many times",
               sendgrid_expand(values, section, &arena, &compares, &all) == SGL_E_LIMIT);
    CHECK_TRUE("and nothing is left over", all == NULL);
    json_decref(values);
    json_decref(section);
}

/* What it is called: an argument of one stands in place of the common one. */
static void labels(void **state)
{
    struct sendgrid_mail mail;
    struct sendgrid_one one;
    struct fixture f;

    (void)state;
    CHECK_TRUE("it is fine",
               parse(&f, &mail,
                     "{" FROM "," SUBJECT "," CONTENT
                     ",\"categories\":[\"x\",\"y\"],\"custom_args\":{\"a\":\"1\",\"b\":\"2\"},"
                     "\"personalizations\":[{" TO ",\"custom_args\":{\"b\":\"own\"}},{" TO "}]}"));
    personal(&f, &mail, 0, &one);
    CHECK_VIEW("its own stands in place of the common one", one.m.labels,
               V("{\"categories\":[\"x\",\"y\"],\"custom_args\":{\"a\":\"1\",\"b\":\"own\"}}"));
    personal(&f, &mail, 1, &one);
    CHECK_VIEW("the other has the common one", one.m.labels,
               V("{\"categories\":[\"x\",\"y\"],\"custom_args\":{\"a\":\"1\",\"b\":\"2\"}}"));
    end(&f, &mail);
    CHECK_TRUE("none", parse(&f, &mail, "{" BASE "}"));
    personal(&f, &mail, 0, &one);
    CHECK_EQ("are nothing", one.m.labels.len, 0);
    end(&f, &mail);
}

#define BIT(reason) SUPPRESSION_REASON_BIT(SUPPRESSION_##reason)
#define BYPASS(s)   SETTING("\"bypass_" s "_management\":{\"enable\":true}")

static const struct {
    const char *name, *json;
    unsigned want;
} bypasses[] = {
    {"nothing is lifted", "{" BASE "}", 0},
    {"a switch that is off", SETTING("\"bypass_list_management\":{\"enable\":false}"), 0},
    {"spam", BYPASS("spam"), BIT(COMPLAINT)},
    {"bounces", BYPASS("bounce"), BIT(HARD_BOUNCE)},
    {"who unsubscribed, but not from a group", BYPASS("unsubscribe"), BIT(UNSUBSCRIBE)},
    {"all, but what was done by hand", BYPASS("list"),
     BIT(COMPLAINT) | BIT(HARD_BOUNCE) | BIT(UNSUBSCRIBE) | BIT(INVALID) | SUPPRESSION_PASS_LISTS},
    {"two of them",
     SETTING("\"bypass_spam_management\":{\"enable\":true},\"bypass_bounce_management\":{"
             "\"enable\":true}"),
     BIT(COMPLAINT) | BIT(HARD_BOUNCE)},
};

static void settings(void **state)
{
    struct sendgrid_mail mail;
    struct sendgrid_one one;
    struct fixture f;

    (void)state;
    CHECK_TRUE("the sandbox", parse(&f, &mail, SETTING("\"sandbox_mode\":{\"enable\":true}")));
    CHECK_TRUE("", mail.sandbox);
    end(&f, &mail);
    CHECK_TRUE("no sandbox", parse(&f, &mail, SETTING("\"sandbox_mode\":{\"enable\":false}")));
    CHECK_TRUE("", !mail.sandbox && !mail.one_each);
    end(&f, &mail);
    for (size_t i = 0; i < sizeof(bypasses) / sizeof(bypasses[0]); i++) {
        CHECK_TRUE(bypasses[i].name, parse(&f, &mail, bypasses[i].json));
        CHECK_EQ(bypasses[i].name, mail.common.bypass, bypasses[i].want);
        end(&f, &mail);
    }
    CHECK_TRUE("a pool", parse(&f, &mail, WITH("\"ip_pool_name\":\"marketing\"")));
    CHECK_VIEW("is the message's", mail.common.pool, V("marketing"));
    end(&f, &mail);
    CHECK_TRUE("a group", parse(&f, &mail, WITH("\"asm\":{\"group_id\":42}")));
    CHECK_VIEW("is a list", mail.common.list, V("asm-42"));
    CHECK_TRUE("with a message for each", mail.one_each);
    end(&f, &mail);
    CHECK_TRUE("a footer",
               parse(&f, &mail,
                     "{" FROM "," SUBJECT ",\"personalizations\":[{" TO "}],\"content\":[" PLAIN
                     ",{\"type\":\"text/html\",\"value\":\"<body>x</BODY>\"}],\"mail_settings\":{"
                     "\"footer\":{\"enable\":true,\"text\":\" foot\",\"html\":\"<i>f</i>\"}}}"));
    personal(&f, &mail, 0, &one);
    CHECK_TRUE("below the text", holds(&f.out, "T foot"));
    CHECK_TRUE("inside the body", holds(&f.out, "<body>x<i>f</i></BODY>"));
    end(&f, &mail);
    CHECK_TRUE("a footer that is off",
               parse(&f, &mail, SETTING("\"footer\":{\"enable\":false,\"text\":\"foot\"}")));
    CHECK_VIEW("changes nothing", mail.text, V("T"));
    end(&f, &mail);
}

/* More than a request may have; the text is made, since it is long. */
static void limits(void **state)
{
    static const char one[] = "{\"to\":[{\"email\":\"c@d.test\"}]}";
    struct sgl_buf text = SGL_BUF_INIT(1 << 20);
    struct sendgrid_mail mail;
    struct fixture f;

    (void)state;
    for (size_t count = 1000; count <= 1001; count++) {
        text.len = 0;
        sgl_buf_add_cstr(&text, "{" FROM "," SUBJECT "," CONTENT ",\"personalizations\":[");
        for (size_t i = 0; i < count; i++)
            sgl_buf_addf(&text, "%s%s", i == 0 ? "" : ",", one);
        sgl_buf_add_cstr(&text, "]}");
        CHECK_EQ("a thousand and no more", parse(&f, &mail, sgl_cstr(&text)), count == 1000);
        if (count > 1000)
            CHECK_STR("", f.why.field, "personalizations");
        end(&f, &mail);
    }
    sgl_buf_done(&text);
}

/* Neither growth without end nor work without end. */
static void replacing(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(64 << 20);
    static char many[1 << 16], value[9000];
    json_t *values = json_object();
    size_t compares = 0;
    sgl_view out;

    (void)state;
    memset(many, 'a', sizeof(many));
    memset(value, 'b', sizeof(value));
    json_object_set_new(values, "a", json_stringn(value, sizeof(value)));
    CHECK_TRUE("too large", sendgrid_replace(values, sgl_view_of(many, sizeof(many)), &arena,
                                             &compares, &out) == SGL_E_LIMIT);
    json_object_set_new(values, "a", json_string(""));
    CHECK_TRUE("to nothing", sendgrid_replace(values, sgl_view_of(many, sizeof(many)), &arena,
                                              &compares, &out) == SGL_OK);
    CHECK_EQ("", out.len, 0);
    compares = SENDGRID_COMPARES_MAX - 100;
    CHECK_TRUE("too much work", sendgrid_replace(values, sgl_view_of(many, sizeof(many)), &arena,
                                                 &compares, &out) == SGL_E_LIMIT);
    json_object_clear(values);
    memset(value, 'a', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    value[sizeof(value) - 2] = 'c';
    json_object_set_new(values, value, json_string(""));
    compares = 0;
    CHECK_TRUE("a long key that nearly fits",
               sendgrid_replace(values, sgl_view_of(many, sizeof(many)), &arena, &compares, &out) ==
                   SGL_OK);
    CHECK_TRUE("costs its length", compares > sizeof(many) * (sizeof(value) / 64));
    json_decref(values);
}

/* A request that is fine is taken, or refused for want of memory; nothing else, and nothing leaks. */
static void memory(void **state)
{
    static const char text[] =
        "{" FROM "," SUBJECT ",\"content\":[" PLAIN "," CALENDAR "],\"sections\":{\"-s-\":\"-r-\"},"
        "\"reply_to\":{\"email\":\"-r-@b.test\"},\"headers\":{"
        "\"X-A\":\"b\"},\"asm\":{\"group_id\":1},\"attachments\":[{\"content\":\"YQ==\","
        "\"filename\":\"f\"}],\"mail_settings\":{\"footer\":{\"enable\":true,\"text\":\"f\"}},"
        "\"personalizations\":[{" TO ",\"substitutions\":{\"-r-\":\"r\",\"T\":\"U\"}}]}";

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct sendgrid_mail mail;
        struct fixture f;

        if (!parse(&f, &mail, text)) {
            CHECK_EQ("refused for now", f.why.status, 503);
            CHECK_STR("for want of memory", f.why.code, "memory-full");
        }
        end(&f, &mail);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals), cmocka_unit_test(personalizations), cmocka_unit_test(settings),
        cmocka_unit_test(sections), cmocka_unit_test(labels),           cmocka_unit_test(expanding),
        cmocka_unit_test(limits),   cmocka_unit_test(replacing),        cmocka_unit_test(memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
