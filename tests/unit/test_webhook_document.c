/* SPDX-License-Identifier: Apache-2.0 */
/* The document of a webhook: every member, from good messages and from hostile ones. */
#include "../../server/webhook/document.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fail_alloc.h"
#include "sigillo/base64.h"

#define OURS                                                                                       \
    "Authentication-Results: mx.our.test; spf=pass smtp.mailfrom=anna@a.test;\r\n dkim=pass "      \
    "header.d=a.test header.s=s1 header.a=rsa-sha256;\r\n dkim=fail header.d=b.test;\r\n "         \
    "dmarc=pass header.from=a.test policy.dmarc=reject; arc=none\r\n"                              \
    "Received: from out.a.test ([192.0.2.7])\r\n\tby mx.our.test with ESMTPS\r\n"
#define LETTER                                                                                     \
    OURS "From: =?UTF-8?Q?Anna_=C3=A4?= <Anna@A.test>\r\nTo: \"x, y\" <us@our.test>, "             \
         "b@our.test\r\nCc: Friends: c@our.test;\r\nReply-To: r@a.test\r\nSubject: "               \
         "=?ISO-8859-1?Q?caf=E9?=\r\n  again\r\nDate: Mon, 23 Nov 2026 10:00:00 "                  \
         "+0100\r\nMessage-ID: <1@a.test>\r\nIn-Reply-To: <0@our.test>\r\nReferences: "            \
         "<a@our.test>\r\n <0@our.test>\r\n"

static struct document_mail mail_of(const void *raw, size_t len)
{
    return (struct document_mail){.id = "msg_1",
                                  .at_ms = 1795428000123,
                                  .route = SGL_LIT_INIT("r_1"),
                                  .pattern = SGL_LIT_INIT("us@our.test"),
                                  .recipient = SGL_LIT_INIT("us+x@our.test"),
                                  .sender = SGL_LIT_INIT("anna@a.test"),
                                  .ip = SGL_LIT_INIT("192.0.2.7"),
                                  .raw = sgl_view_of(raw, len)};
}

static json_t *parse(const struct sgl_buf *out)
{
    json_error_t error;
    json_t *json = json_loadb((const char *)out->data, out->len,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

    if (json == NULL)
        fail_msg("no JSON: %s at %d: %.200s", error.text, error.position, (char *)out->data);
    return json;
}

/* Every document is checked for what all of them have in common. */
static json_t *document_of_bytes(const void *raw, size_t len)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(DOCUMENT_ARENA);
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(document_size_max(len)), back = SGL_BUF_INIT(len + 4);
    struct document_mail mail = mail_of(raw, len);
    const char *text;
    json_t *json, *data;

    CHECK_EQ("a document", document_put(&mail, &arena, &out), SGL_OK);
    CHECK_TRUE("in one line", sgl_view_find(sgl_buf_view(&out), '\n') == out.len);
    json = parse(&out);
    data = json_object_get(json, "data");
    text = json_string_value(json_object_get(data, "raw"));
    assert_non_null(text);
    assert_int_equal(sgl_base64_decode(sgl_view_cstr(text), &back), SGL_OK);
    CHECK_VIEW("whole", sgl_buf_view(&back), mail.raw);
    return json;
}

static json_t *document_of(const char *raw)
{
    return document_of_bytes(raw, strlen(raw));
}

/* A member of data as compact JSON: "verdict.spf"; then the document is let go. */
static const char *member(json_t *document, const char *path)
{
    static char *text;
    json_t *at = json_object_get(document, "data");
    sgl_view rest = sgl_view_cstr(path);

    while (rest.ptr != NULL) {
        sgl_view name = sgl_view_split(rest, '.', &rest);
        char key[64];

        snprintf(key, sizeof(key), "%.*s", SGL_FMT(name));
        at = json_is_array(at) ? json_array_get(at, (size_t)(key[0] - '0'))
                               : json_object_get(at, key);
    }
    free(text);
    text = json_dumps(at, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENCODE_ANY);
    return text == NULL ? "(none)" : text;
}

static void check(const char *rule, const char *raw, const char *path, const char *want)
{
    json_t *document = document_of(raw);

    CHECK_STR(rule, member(document, path), want);
    json_decref(document);
}

static void a_letter(void **state)
{
    json_t *d = document_of(LETTER "Content-Type: text/plain; charset=iso-8859-1\r\n\r\n"
                                   "Caf\xe9.\r\n\r\n> Tea?\r\n");

    (void)state;
    CHECK_STR("type", json_string_value(json_object_get(d, "type")), "mail.received");
    CHECK_STR("id", json_string_value(json_object_get(d, "id")), "msg_1");
    CHECK_STR("time", json_string_value(json_object_get(d, "timestamp")), "2026-11-23T10:00:00Z");
    CHECK_STR("route", member(d, "route"), "\"us@our.test\"");
    CHECK_STR("its id", member(d, "route_id"), "\"r_1\"");
    CHECK_STR("recipient", member(d, "recipient"), "\"us+x@our.test\"");
    CHECK_STR("envelope", member(d, "envelope"),
              "{\"from\":\"anna@a.test\",\"to\":\"us+x@our.test\",\"helo\":\"out.a.test\",\"ip\":"
              "\"192.0.2.7\"}");
    CHECK_STR("from", member(d, "from"), "{\"name\":\"Anna ä\",\"address\":\"Anna@a.test\"}");
    CHECK_STR("to", member(d, "to"),
              "[{\"name\":\"x, y\",\"address\":\"us@our.test\"},{\"name\":null,\"address\":"
              "\"b@our.test\"}]");
    CHECK_STR("cc", member(d, "cc"), "[{\"name\":null,\"address\":\"c@our.test\"}]");
    CHECK_STR("reply_to", member(d, "reply_to.0.address"), "\"r@a.test\"");
    CHECK_STR("subject", member(d, "subject"), "\"café  again\"");
    CHECK_STR("date", member(d, "date"), "\"2026-11-23T09:00:00Z\"");
    CHECK_STR("message_id", member(d, "message_id"), "\"<1@a.test>\"");
    CHECK_STR("in_reply_to", member(d, "in_reply_to"), "\"<0@our.test>\"");
    CHECK_STR("references", member(d, "references"), "[\"<a@our.test>\",\"<0@our.test>\"]");
    CHECK_STR("headers", member(d, "headers.6"),
              "{\"name\":\"Subject\",\"value\":\"=?ISO-8859-1?Q?caf=E9?=  again\"}");
    CHECK_STR("text", member(d, "text"), "\"Café.\\n\\n> Tea?\\n\"");
    CHECK_STR("html", member(d, "html"), "null");
    CHECK_STR("reply", member(d, "reply"), "\"Café.\"");
    CHECK_STR("attachments", member(d, "attachments"), "[]");
    CHECK_STR("truncated", member(d, "truncated"), "false");
    CHECK_STR("replaced", member(d, "replaced"), "false");
    CHECK_STR("problem", member(d, "problem"), "null");
    json_decref(d);
}

static void the_verdict(void **state)
{
    (void)state;
    check("spf", LETTER "\r\n", "verdict.spf", "{\"result\":\"pass\",\"domain\":\"anna@a.test\"}");
    check("dkim", LETTER "\r\n", "verdict.dkim",
          "[{\"result\":\"pass\",\"domain\":\"a.test\",\"selector\":\"s1\",\"algorithm\":\"rsa-"
          "sha256\"},{\"result\":\"fail\",\"domain\":\"b.test\",\"selector\":null,\"algorithm\":"
          "null}]");
    check("arc", LETTER "\r\n", "verdict.arc", "{\"result\":\"none\"}");
    check("dmarc", LETTER "\r\n", "verdict.dmarc",
          "{\"result\":\"pass\",\"domain\":\"a.test\",\"policy\":\"reject\"}");
    check("accepted", LETTER "\r\n", "verdict.disposition", "\"none\"");
    check("put aside",
          "Authentication-Results: mx.our.test; none\r\nX-Sigillo-Quarantine: yes\r\n\r\n",
          "verdict.disposition", "\"quarantine\"");
    check("the whole field", "Authentication-Results: mx.our.test;\r\n spf=none\r\n\r\n",
          "verdict.authentication_results", "\"mx.our.test; spf=none\"");
    check("no result", "Authentication-Results: mx.our.test; none\r\n\r\n", "verdict.spf", "null");
    check("what stands further down is somebody else's",
          "Received: from x\r\nAuthentication-Results: mx.our.test; spf=pass "
          "smtp.mailfrom=x@a.test\r\n\r\n",
          "verdict.spf", "null");
    check("one that cannot be read", "Authentication-Results: ;;;\r\n\r\n", "verdict.dmarc",
          "null");
    check("SPF of the name", "Authentication-Results: a; spf=fail smtp.helo=h.test\r\n\r\n",
          "verdict.spf", "{\"result\":\"fail\",\"domain\":\"h.test\"}");
}

#define MIXED                                                                                      \
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n"                \
    "Content-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\n\r\nplain\r\n--a\r\n"           \
    "Content-Type: text/html\r\n\r\n<p>html</p>\r\n--a--\r\n--m\r\nContent-Type: image/png\r\n"    \
    "Content-ID: <pic@a>\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--m\r\n"              \
    "Content-Type: text/plain; name*=utf-8''caf%C3%A9.txt\r\nContent-Disposition: "                \
    "attachment\r\n\r\nfile\r\n--m\r\nContent-Type: text/plain\r\n\r\nfooter\r\n--m\r\n"           \
    "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ny\r\n--m--\r\n"

static void parts(void **state)
{
    (void)state;
    check("texts are joined", MIXED, "text", "\"plain\\nfooter\"");
    check("html", MIXED, "html", "\"<p>html</p>\"");
    check(
        "attachments", MIXED, "attachments",
        "[{\"name\":null,\"type\":\"image/png\",\"content_id\":\"pic@a\",\"size\":3,\"content\":"
        "\"AAEC\"},{\"name\":\"café.txt\",\"type\":\"text/plain\",\"content_id\":null,\"size\":4,"
        "\"content\":\"ZmlsZQ==\"},{\"name\":null,\"type\":\"message/rfc822\",\"content_id\":null,"
        "\"size\":15,\"content\":\"U3ViamVjdDogeA0KDQp5\"}]");
    check("of HTML alone there is a reply", "Content-Type: text/html\r\n\r\n<p>Yes</p><p>Ben</p>",
          "reply", "\"Yes\\n\\nBen\"");
    check("and no text", "Content-Type: text/html\r\n\r\n<p>Yes</p>", "text", "null");
}

static void hostile(void **state)
{
    (void)state;
    check("nothing at all", "", "subject", "null");
    check("no header", "no header\r\n", "text", "\"no header\\n\"");
    check("bytes that are no UTF-8", "Subject: \xff\xfe\r\n\r\n", "subject",
          "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    check("in a name", "From: \"\xff\" <a@b.test>\r\n\r\n", "headers.0.value",
          "\"\\\"\xef\xbf\xbd\\\" <a@b.test>\"");
    check("line ends hidden in a word", "Subject: =?utf-8?Q?a=0D=0ABcc:_x?=\r\n\r\n", "subject",
          "\"a\\r\\nBcc: x\"");
    check("quotes", "X: \\\"}]\r\n\r\n", "headers.0.value", "\"\\\\\\\"}]\"");
    check("no From", "Subject: x\r\n\r\n", "from", "null");
    check("a From that is none", "From: @@\r\n\r\n", "from", "null");
    check("no base64", "Content-Transfer-Encoding: base64\r\n\r\n!!!", "text", "null");
    check("is an attachment without content", "Content-Transfer-Encoding: base64\r\n\r\n!!!",
          "attachments.0.content", "null");
    check("an unknown charset", "Content-Type: text/plain; charset=x-no\r\n\r\na\xe4", "replaced",
          "true");
    check("a path in a name",
          "Content-Disposition: attachment; filename=\"../../etc/passwd\"\r\n\r\nx",
          "attachments.0.name", "\"../../etc/passwd\"");
}

static void nul_bytes(void **state)
{
    static const char raw[] = "Content-Type: text/plain\r\n\r\na\0b\x01";
    json_t *d = document_of_bytes(raw, sizeof(raw) - 1);

    (void)state;
    CHECK_STR("are escaped", member(d, "text"), "\"a\\u0000b\\u0001\"");
    json_decref(d);
}

/* ---- large ones ---- */

static struct sgl_buf made;

static json_t *document_of_made(void)
{
    assert_int_equal(made.status, SGL_OK);
    return document_of_bytes(made.data, made.len);
}

static void begin(void)
{
    sgl_buf_init(&made, (size_t)64 << 20);
}

static void many_parts(void **state)
{
    (void)state;
    for (int parts = 999; parts <= 1000; parts++) {
        json_t *d;

        begin();
        sgl_buf_add_cstr(&made, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
        for (int i = 0; i < parts; i++)
            sgl_buf_addf(&made, "--b\r\nContent-Type: x/y; name=\"%0300d\"\r\n\r\n%d\r\n", i, i);
        sgl_buf_add_cstr(&made, "--b--\r\n");
        d = document_of_made();
        CHECK_STR("a thousand parts with the whole, and no more", member(d, "problem"),
                  parts == 999 ? "null" : "\"it has too many parts, or too deep ones\"");
        CHECK_EQ("attachments",
                 json_array_size(json_object_get(json_object_get(d, "data"), "attachments")),
                 parts == 999 ? 999 : 0);
        json_decref(d);
        sgl_buf_done(&made);
    }
}

static void many_fields(void **state)
{
    json_t *d;

    (void)state;
    begin();
    for (int i = 0; i < 1001; i++)
        sgl_buf_addf(&made, "X-%d: x\r\n", i);
    sgl_buf_add_cstr(&made, "\r\ntext\r\n");
    d = document_of_made();
    CHECK_STR("are not looked at", member(d, "problem"), "\"its header cannot be read\"");
    CHECK_STR("nor what is below them", member(d, "text"), "null");
    json_decref(d);
    sgl_buf_done(&made);
}

static void deep_parts(void **state)
{
    json_t *d;

    (void)state;
    begin();
    for (int i = 0; i < 50; i++)
        sgl_buf_addf(&made, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i);
    d = document_of_made();
    CHECK_STR("are not looked into", member(d, "problem"),
              "\"it has too many parts, or too deep ones\"");
    json_decref(d);
    sgl_buf_done(&made);
}

static void add_base64(size_t bytes)
{
    for (size_t i = 0; i < bytes / 57; i++)
        sgl_buf_add_cstr(
            &made,
            "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB\r\n");
}

static void large_attachments(void **state)
{
    json_t *d;

    (void)state;
    begin();
    sgl_buf_add_cstr(&made, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        sgl_buf_add_cstr(&made, "--b\r\nContent-Type: x/y\r\nContent-Transfer-Encoding: "
                                "base64\r\n\r\n");
        add_base64((size_t)4 << 20);
    }
    sgl_buf_add_cstr(&made, "--b--\r\n");
    d = document_of_made();
    CHECK_STR("what does not fit is left out", member(d, "attachments.2.content"), "null");
    CHECK_TRUE("what fits is there", strcmp(member(d, "attachments.1.content"), "null") != 0);
    CHECK_STR("its size is told", member(d, "attachments.2.size"), "4194288");
    CHECK_STR("and that it is so", member(d, "truncated"), "true");
    json_decref(d);
    sgl_buf_done(&made);
}

static void a_large_text(void **state)
{
    json_t *d;

    (void)state;
    begin();
    sgl_buf_add_cstr(&made, "Content-Type: text/plain\r\n\r\n");
    for (size_t i = 0; i <= DOCUMENT_TEXT_MAX; i++)
        sgl_buf_add_byte(&made, 'x');
    d = document_of_made();
    CHECK_STR("is an attachment", member(d, "attachments.0.size"), "1048577");
    CHECK_STR("and no text", member(d, "text"), "null");
    json_decref(d);
    sgl_buf_done(&made);
}

/* The worst that a header and a text can be in JSON still fits. */
static void what_grows(void **state)
{
    json_t *d;

    (void)state;
    begin();
    sgl_buf_add_cstr(&made, "From: \"");
    for (int i = 0; i < 100000; i++)
        sgl_buf_add_byte(&made, i % 200 == 0 ? ' ' : 0x7f);
    sgl_buf_add_cstr(&made, "\" <a@b.test>\r\nContent-Type: text/plain\r\n\r\n");
    for (size_t i = 0; i < DOCUMENT_TEXT_MAX; i++)
        sgl_buf_add_byte(&made, 1);
    d = document_of_made();
    CHECK_STR("all of it is there", member(d, "truncated"), "false");
    json_decref(d);
    sgl_buf_done(&made);
}

static void without_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(DOCUMENT_ARENA);
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(document_size_max(sizeof(MIXED)));
        struct document_mail mail = mail_of(LETTER MIXED, strlen(LETTER MIXED));
        enum sgl_status status = document_put(&mail, &arena, &out);

        CHECK_TRUE("all of it or nothing", status == SGL_OK || status == SGL_E_NOMEM);
        CHECK_TRUE("no failure goes unseen", status != SGL_OK || !fail_alloc_hit());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_letter),
        cmocka_unit_test(the_verdict),
        cmocka_unit_test(parts),
        cmocka_unit_test(hostile),
        cmocka_unit_test(nul_bytes),
        cmocka_unit_test(many_parts),
        cmocka_unit_test(many_fields),
        cmocka_unit_test(deep_parts),
        cmocka_unit_test(large_attachments),
        cmocka_unit_test(a_large_text),
        cmocka_unit_test(what_grows),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
