/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of sendMail: each mistake is named by its path in the request. */
#include "../../server/doors/http/graph_internal.h"
#include "api_request_fixture.h"
#include "fail_alloc.h"

static bool parse(struct fixture *f, const char *text)
{
    struct api_reader reader = {
        .api = &five_recipients, .arena = &f->arena, .m = &f->m, .why = &f->why};
    struct graph_reader g = {.p = &reader, .at = "message", .now = 1000000000};

    begin(f, text);
    fail_alloc_off();
    CHECK_EQ(text, sgl_mailbox_parse(V("a@b.test"), &f->arena, &g.mailbox, NULL), SGL_OK);
    fail_alloc_on();
    return graph_send_mail(&g, f->json);
}

#define ADDRESS(a) "{\"emailAddress\":{\"address\":\"" a "\"}}"
#define TO         "\"toRecipients\":[" ADDRESS("c@d.test") "]"
#define WITH(more) "{\"message\":{" TO "," more "}}"
#define FILE_(f)   WITH("\"attachments\":[" f "]")
#define HEADER(h)  WITH("\"internetMessageHeaders\":[" h "]")
#define X          "{\"name\":\"x-a\",\"value\":\"b\"}"
#define ITEM(i)                                                                                    \
    FILE_("{\"@odata.type\":\"#microsoft.graph.itemAttachment\",\"name\":\"m\",\"item\":" i "}")

static const struct {
    const char *name, *json, *field, *code;
} refused[] = {
    {"not an object", "[]", "body", "member-type"},
    {"no message", "{\"saveToSentItems\":true}", "message", "member-missing"},
    {"null for a message", "{\"message\":null}", "message", "member-missing"},
    {"a message of a wrong type", "{\"message\":1}", "message", "member-type"},
    {"two messages", "{\"message\":{},\"Message\":{}}", "message", "member-value"},
    {"an unknown member", "{\"message\":{},\"comment\":1}", "comment", "member-unknown"},
    {"an unknown member of the message", WITH("\"colour\":1"), "message.colour", "member-unknown"},
    {"saveToSentItems is neither", "{\"message\":{" TO "},\"saveToSentItems\":\"yes\"}",
     "saveToSentItems", "member-type"},
    {"no recipients", "{\"message\":{\"subject\":\"x\"}}", "message.toRecipients", "no-recipients"},
    {"recipients of a wrong type", "{\"message\":{\"toRecipients\":{}}}", "message.toRecipients",
     "member-type"},
    {"a string among them", "{\"message\":{\"toRecipients\":[\"a@b.test\"]}}",
     "message.toRecipients[0]", "member-type"},
    {"an address without its object", "{\"message\":{\"ccRecipients\":[{}]}}",
     "message.ccRecipients[0].emailAddress", "member-type"},
    {"an address without an address",
     "{\"message\":{\"ccRecipients\":[{\"emailAddress\":{\"name\":\"x\"}}]}}",
     "message.ccRecipients[0].emailAddress.address", "member-missing"},
    {"the second of bcc is none",
     "{\"message\":{\"bccRecipients\":[" ADDRESS("c@d.test") "," ADDRESS("c@") "]}}",
     "message.bccRecipients[1].emailAddress.address", "graph-recipient"},
    {"a recipient that may not be",
     "{\"message\":{\"toRecipients\":[" ADDRESS("c@nowhere.test") "]}}",
     "message.toRecipients[0].emailAddress.address", "sender-not-allowed"},
    {"a line end in a name",
     "{\"message\":{\"toRecipients\":[{\"emailAddress\":{\"address\":\"c@d.test\",\"name\":"
     "\"x\\r\\nBcc: "
     "y\"}}]}}",
     "message.toRecipients[0].emailAddress.name", "line-end"},
    {"too many at once", "{\"message\":{\"toRecipients\":[1,2,3,4,5,6]}}", "message.toRecipients",
     "too-many-recipients"},
    {"too many together",
     "{\"message\":{\"toRecipients\":[" ADDRESS("1@d.test") "," ADDRESS("2@d.test") "," ADDRESS(
         "3@d.test") "],\"ccRecipients\":[" ADDRESS("4@d.test") "," ADDRESS("5@d.test") "," ADDRESS("6@d.test") "]}}",
     "message.ccRecipients[2].emailAddress.address", "too-many-recipients"},
    {"replyTo is no recipient", WITH("\"replyTo\":[" ADDRESS("x") "]"),
     "message.replyTo[0].emailAddress.address", "address-syntax"},
    {"a foreign from", WITH("\"from\":" ADDRESS("x@foreign.test")), "message.from",
     "graph-send-as"},
    {"a foreign sender", WITH("\"sender\":" ADDRESS("x@foreign.test")), "message.sender",
     "graph-send-as"},
    {"a from that is none", WITH("\"from\":" ADDRESS("x")), "message.from.emailAddress.address",
     "address-syntax"},
    {"a subject of a wrong type", WITH("\"subject\":1"), "message.subject", "member-type"},
    {"a line end in the subject", WITH("\"subject\":\"a\\nb\""), "message.subject", "line-end"},
    {"a body of a wrong type", WITH("\"body\":\"x\""), "message.body", "member-type"},
    {"content of a wrong type", WITH("\"body\":{\"content\":1}"), "message.body.content",
     "member-type"},
    {"a type of body that is none", WITH("\"body\":{\"contentType\":\"rtf\"}"),
     "message.body.contentType", "member-value"},
    {"an unknown member of the body", WITH("\"body\":{\"text\":\"\"}"), "message.body.text",
     "member-unknown"},
    {"an importance that is none", WITH("\"importance\":\"urgent\""), "message.importance",
     "member-value"},
    {"a receipt of a wrong type", WITH("\"isReadReceiptRequested\":\"true\""),
     "message.isReadReceiptRequested", "member-type"},
    {"another one", WITH("\"isDeliveryReceiptRequested\":1"), "message.isDeliveryReceiptRequested",
     "member-type"},
    {"a header of the standard", HEADER("{\"name\":\"In-Reply-To\",\"value\":\"x\"}"),
     "message.internetMessageHeaders[0].name", "graph-header"},
    {"a name that is none", HEADER("{\"name\":\"x-a b\",\"value\":\"x\"}"),
     "message.internetMessageHeaders[0].name", "graph-header"},
    {"a header without a name", HEADER("{\"value\":\"x\"}"),
     "message.internetMessageHeaders[0].name", "graph-header"},
    {"a line end in a value", HEADER(X ",{\"name\":\"x-b\",\"value\":\"b\\r\\nBcc: c@d.test\"}"),
     "message.internetMessageHeaders[1].value", "line-end"},
    {"a value of a wrong type", HEADER("{\"name\":\"x-a\",\"value\":1}"),
     "message.internetMessageHeaders[0].value", "member-type"},
    {"six headers", HEADER(X "," X "," X "," X "," X "," X), "message.internetMessageHeaders",
     "graph-headers"},
    {"headers of a wrong type", WITH("\"internetMessageHeaders\":{}"),
     "message.internetMessageHeaders", "member-type"},
    {"a Message-ID that is none", WITH("\"internetMessageId\":\"x\""), "message.internetMessageId",
     "member-value"},
    {"a flag of a wrong type", WITH("\"flag\":\"x\""), "message.flag", "member-type"},
    {"a flag that is none", WITH("\"flag\":{\"flagStatus\":\"red\"}"), "message.flag.flagStatus",
     "member-value"},
    {"categories of a wrong type", WITH("\"categories\":\"x\""), "message.categories",
     "member-type"},
    {"a category of a wrong type", WITH("\"categories\":[1]"), "message.categories[0]",
     "member-value"},
    {"eleven categories",
     WITH("\"categories\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\"]"),
     "message.categories", "too-many"},
    {"attachments of a wrong type", WITH("\"attachments\":{}"), "message.attachments",
     "member-type"},
    {"an attachment of a wrong type", FILE_("1"), "message.attachments[0]", "member-type"},
    {"an attachment that is a link",
     FILE_("{\"@odata.type\":\"#microsoft.graph.referenceAttachment\",\"name\":\"x\"}"),
     "message.attachments[0]", "attachment-type"},
    {"a file without a name", FILE_("{\"contentBytes\":\"YQ==\"}"), "message.attachments[0].name",
     "member-missing"},
    {"a file without content", FILE_("{\"name\":\"x\"}"), "message.attachments[0].contentBytes",
     "member-missing"},
    {"a file that is no base64", FILE_("{\"name\":\"x\",\"contentBytes\":\"YQ=\"}"),
     "message.attachments[0].contentBytes", "base64"},
    {"a line end in a name", FILE_("{\"name\":\"a\\nb\",\"contentBytes\":\"\"}"),
     "message.attachments[0].name", "line-end"},
    {"isInline of a wrong type",
     FILE_("{\"name\":\"x\",\"isInline\":\"false\",\"contentBytes\":\"\"}"),
     "message.attachments[0].isInline", "member-type"},
    {"an item that is none", ITEM("1"), "message.attachments[0].item", "attachment-type"},
    {"an item that is an event", ITEM("{\"@odata.type\":\"#microsoft.graph.event\"}"),
     "message.attachments[0].item", "attachment-type"},
    {"what is wrong within an item", ITEM("{\"subject\":1}"), "message.attachments[0].item.subject",
     "member-type"},
    {"a message in a message in a message",
     ITEM("{\"attachments\":[{\"@odata.type\":\"#microsoft.graph.itemAttachment\",\"name\":\"m\","
          "\"item\":{}}]}"),
     "message.attachments[0].item.attachments[0].item", "attachment-type"},
};

static void refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct fixture f;

        CHECK_TRUE(refused[i].name, !parse(&f, refused[i].json));
        CHECK_STR(refused[i].name, f.why.field, refused[i].field);
        CHECK_STR(refused[i].name, f.why.code, refused[i].code);
        CHECK_TRUE(refused[i].name, f.why.detail[0] != '\0');
        done(&f);
    }
}

static const char all[] =
    "{\"message\":{\"@odata.type\":\"#microsoft.graph.message\",\"subject\":"
    "\"S\",\"body\":{"
    "\"contentType\":\"HTML\",\"content\":\"<img src=\\\"cid:pic\\\">\"}," TO
    ",\"bccRecipients\":[" ADDRESS("h@d.test") "],\"from\":" ADDRESS(
        "f@b."
        "test") ",\"sender\":" ADDRESS("s@b.test") ",\"importance\":\"High\","
                                                   "\"isReadReceiptRequested\":"
                                                   "true,"
                                                   "\"isDeliveryReceiptRequested\":true,"
                                                   "\"internetMessageHeaders\":[" X "],"
                                                   "\"flag\":{\"flagStatus\":\"flagged\"},"
                                                   "\"categories\":["
                                                   "\"c\"],\"isDraft\":true,"
                                                   "\"toRecipients@odata.context\":\"x\","
                                                   "\"attachments\":[{"
                                                   "\"name\":\"p.png\",\"contentType\":"
                                                   "\"image/"
                                                   "png\",\"contentBytes\":\"YWJj\",\"contentId\":"
                                                   "\"<pic>\"}"
                                                   ",{\"name\":\"q.txt\","
                                                   "\"contentBytes\":\"\",\"contentId\":"
                                                   "\"elsewhere\"},{\"@"
                                                   "odata.type\":"
                                                   "\"#microsoft.graph.itemAttachment\",\"name\":"
                                                   "\"m\","
                                                   "\"item\":{\"subject\":\"Inner\","
                                                   "\"toRecipients\":[" ADDRESS("x@nowhere.test") "],\"from\":" ADDRESS(
                                                       "x@foreign."
                                                       "test") "}}]}"
                                                               ","
                                                               "\"sa"
                                                               "veTo"
                                                               "Sent"
                                                               "Item"
                                                               "s\":"
                                                               "\"fa"
                                                               "lse"
                                                               "\"}";

static void taken(void **state)
{
    const struct sgl_compose *c;
    struct fixture f;

    (void)state;
    CHECK_TRUE("all of it", parse(&f, all));
    c = &f.m.compose;
    CHECK_VIEW("From is what the message says", f.m.from.mailbox.text, V("f@b.test"));
    CHECK_TRUE("Sender stands beside", c->sender != NULL);
    CHECK_VIEW("a read receipt goes to From", c->receipt_to.item[0].mailbox.text, V("f@b.test"));
    CHECK_EQ("bcc is a recipient, who is attached is none", f.m.rcpts, 2);
    CHECK_EQ("a receipt of delivery", f.m.rcpt[1].notify,
             RCPT_NOTIFY_SUCCESS | RCPT_NOTIFY_FAILURE | RCPT_NOTIFY_DELAY);
    CHECK_EQ("the caller's header, and the importance", c->headers, 2);
    CHECK_VIEW("its name", c->header[1].name, V("Importance"));
    CHECK_VIEW("its categories", f.m.labels, V("{\"categories\":[\"c\"]}"));
    CHECK_EQ("three attachments", c->parts, 3);
    CHECK_VIEW("what the HTML shows has its id", c->part[0].content_id, V("pic"));
    CHECK_EQ("what it does not show has none", c->part[1].content_id.len, 0);
    CHECK_VIEW("content", c->part[0].content, V("YWJj"));
    CHECK_VIEW("a message", c->part[2].content_type, V("message/rfc822"));
    CHECK_TRUE("its own", sgl_view_find_view(c->part[2].content, V("From: x@foreign.test\r\n")) <
                              c->part[2].content.len);
    CHECK_EQ("composed", sgl_compose_put(&f.out, c, NULL), SGL_OK);
    CHECK_TRUE("asks to be told  [RFC 8098 s2.1]",
               sgl_view_find_view(sgl_buf_view(&f.out),
                                  V("\r\nDisposition-Notification-To: f@b.test\r\n")) < f.out.len);
    done(&f);
    CHECK_TRUE("the least", parse(&f, "{\"Message\":{" TO "}}"));
    CHECK_VIEW("from the mailbox", f.m.from.mailbox.text, V("a@b.test"));
    CHECK_TRUE("nobody asks for receipts",
               f.m.compose.receipt_to.count == 0 && f.m.rcpt[0].notify == 0);
    CHECK_EQ("an empty text is sent", sgl_compose_put(&f.out, &f.m.compose, NULL), SGL_OK);
    done(&f);
    CHECK_TRUE("sender alone", parse(&f, WITH("\"sender\":" ADDRESS("s@b.test"))));
    CHECK_VIEW("is From", f.m.from.mailbox.text, V("s@b.test"));
    CHECK_TRUE("and nothing beside", f.m.compose.sender == NULL);
    done(&f);
}

/* A request that is fine is taken, or refused for want of memory; nothing else, and nothing leaks. */
static void memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct fixture f;

        if (!parse(&f, all)) {
            CHECK_EQ("refused for now", f.why.status, 503);
            CHECK_STR("for want of memory", f.why.code, "memory-full");
        }
        done(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(refusals), cmocka_unit_test(taken),
                                       cmocka_unit_test(memory)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
