/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/base64.h"
#include "sigillo/compose.h"

#include "check.h"
#include "sigillo/message_check.h"

#define V(s) sgl_view_cstr(s)

static struct sgl_compose_address address(struct sgl_arena *arena, const char *name,
                                          const char *mailbox)
{
    struct sgl_compose_address a = {.name = V(name)};

    CHECK_EQ(mailbox, sgl_mailbox_parse(V(mailbox), arena, &a.mailbox, NULL), SGL_OK);
    return a;
}

/* A description with a From and a text; rows change it. */
struct fixture {
    struct sgl_arena arena;
    struct sgl_compose_address from, to;
    struct sgl_compose c;
};

static void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    sgl_arena_init(&f->arena, 1 << 16);
    f->from = address(&f->arena, "", "a@example.org");
    f->to = address(&f->arena, "Bob", "b@example.net");
    f->c.from = (struct sgl_compose_addresses){&f->from, 1};
    f->c.to = (struct sgl_compose_addresses){&f->to, 1};
    f->c.subject = V("Hello");
    f->c.date = 1795349343;
    f->c.message_id = V("<1@example.org>");
    f->c.text = V("Text\n");
}

static void plain(void **state)
{
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(1 << 20);
    struct fixture f;

    (void)state;
    fixture_init(&f);
    CHECK_EQ("plain", sgl_compose_put(&b, &f.c, NULL), SGL_OK);
    CHECK_VIEW("plain", sgl_buf_view(&b),
               V("Date: Sun, 22 Nov 2026 12:09:03 +0000\r\nFrom: a@example.org\r\nTo: Bob "
                 "<b@example.net>\r\n"
                 "Message-ID: <1@example.org>\r\nSubject: Hello\r\nMIME-Version: 1.0\r\n"
                 "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
                 "7bit\r\n\r\nText\r\n"));
    CHECK_TRUE("bound", sgl_compose_bound(&f.c) >= b.len);
    sgl_arena_done(&f.arena);
}

static bool has(const struct sgl_buf *b, const char *text)
{
    return sgl_view_find_view(sgl_buf_view(b), V(text)) < b->len;
}

/* [RFC 2045 s6] [RFC 2045 s6.4] */
static void encodings(void **state)
{
    static const struct {
        const char *name, *text;
        bool eightbit;
        const char *want;
    } cases[] = {
        {"ASCII", "abc", true, "Content-Transfer-Encoding: 7bit\r\n\r\nabc\r\n"},
        {"mostly ASCII", "caf\xc3\xa9 and much more text", false,
         "quoted-printable\r\n\r\ncaf=C3=A9 and much more text\r\n"},
        {"8 bits allowed", "caf\xc3\xa9", true,
         "Content-Transfer-Encoding: 8bit\r\n\r\ncaf\xc3\xa9\r\n"},
        {"mostly not ASCII", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", false,
         "Content-Transfer-Encoding: base64\r\n\r\n5pel5pys6Kqe\r\n"},
        {"line ends of all kinds", "a\nb\rc\r\nd", false, "\r\n\r\na\r\nb\r\nc\r\nd\r\n"},
        {"empty", "", false, "Content-Transfer-Encoding: 7bit\r\n\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) b = SGL_BUF_INIT(1 << 20);
        struct fixture f;

        fixture_init(&f);
        f.c.text = V(cases[i].text);
        f.c.eightbit = cases[i].eightbit;
        CHECK_EQ(cases[i].name, sgl_compose_put(&b, &f.c, NULL), SGL_OK);
        CHECK_TRUE(cases[i].name, has(&b, cases[i].want));
        sgl_arena_done(&f.arena);
    }
}

/* The plainest form first. [RFC 2046 s5.1.4] */
static void structure(void **state)
{
    static const struct {
        const char *name;
        bool text, html, attachment, inline_part;
        const char *types; /* in order of appearance */
        size_t forms;
    } cases[] = {
        {"text", true, false, false, false, "text/plain"},
        {"html", false, true, false, false, "text/html"},
        {"both", true, true, false, false, "multipart/alternative text/plain text/html"},
        {"text and a file", true, false, true, false, "multipart/mixed text/plain application/pdf"},
        {"a file alone", false, false, true, false, "application/pdf"},
        {"html with its picture", false, true, false, true,
         "multipart/related text/html image/png"},
        {"all", true, true, true, true,
         "multipart/mixed multipart/alternative text/plain multipart/related text/html image/png "
         "application/pdf"},
        {"a picture without html is a file", true, false, false, true,
         "multipart/mixed text/plain image/png"},
        {"an invitation alone", false, false, false, false, "text/calendar", 1},
        {"an invitation in words, too", true, false, false, false,
         "multipart/alternative text/plain text/calendar", 1},
        {"all forms, with a file", true, true, true, true,
         "multipart/mixed multipart/alternative text/plain multipart/related text/html image/png "
         "text/calendar application/x-other application/pdf",
         2},
    };
    static const struct sgl_compose_form form[] = {
        {SGL_LIT_INIT("text/calendar; method=REQUEST"), SGL_LIT_INIT("BEGIN:VCALENDAR\n")},
        {SGL_LIT_INIT("application/x-other"), SGL_LIT_INIT("{}")}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) b = SGL_BUF_INIT(1 << 20);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(1 << 12);
        struct sgl_compose_part part[2];
        struct fixture f;
        sgl_view rest;

        fixture_init(&f);
        f.c.text = cases[i].text ? V("t") : sgl_view_of(NULL, 0);
        f.c.html = cases[i].html ? V("<p>") : sgl_view_of(NULL, 0);
        f.c.part = part;
        f.c.form = form;
        f.c.forms = cases[i].forms;
        if (cases[i].attachment)
            part[f.c.parts++] = (struct sgl_compose_part){.content = V("pdf"),
                                                          .content_type = V("application/pdf")};
        if (cases[i].inline_part)
            part[f.c.parts++] = (struct sgl_compose_part){
                .content = V("png"), .content_type = V("image/png"), .content_id = V("logo")};
        CHECK_EQ(cases[i].name, sgl_compose_put(&b, &f.c, NULL), SGL_OK);
        for (rest = sgl_buf_view(&b); rest.len > 0;) {
            sgl_view line = sgl_view_split(rest, '\n', &rest), end;

            if (!sgl_view_starts(line, V("Content-Type: ")))
                continue;
            if (got.len > 0)
                sgl_buf_add_byte(&got, ' ');
            sgl_buf_add(&got, sgl_view_trim(sgl_view_split(sgl_view_from(line, 14), ';', &end)));
        }
        CHECK_VIEW(cases[i].name, sgl_buf_view(&got), V(cases[i].types));
        CHECK_TRUE("bound", sgl_compose_bound(&f.c) >= b.len);
        sgl_arena_done(&f.arena);
    }
}

/* Its parameters stay, but for the charset, which is ours to know. */
static void forms(void **state)
{
    static const struct {
        const char *name, *type, *content, *want;
    } cases[] = {
        {"ASCII", "text/calendar; method=REQUEST", "BEGIN:V\nEND:V\n",
         "Content-Type: text/calendar; charset=utf-8;\r\n\tmethod=REQUEST\r\n"
         "Content-Transfer-Encoding: 7bit\r\n\r\nBEGIN:V\r\nEND:V\r\n"},
        {"never 8bit", "text/x-amp-html", "caf\xc3\xa9 and much more text",
         "Content-Type: text/x-amp-html; charset=utf-8\r\nContent-Transfer-Encoding: "
         "quoted-printable\r\n\r\ncaf=C3=A9"},
        {"another charset is not said", "text/calendar; charset=iso-8859-1", "x",
         "Content-Type: text/calendar; charset=utf-8\r\n"},
        {"what is no text has no charset of ours", "application/json; charset=x", "{}",
         "Content-Type: application/json;\r\n\tcharset=x\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) b = SGL_BUF_INIT(1 << 20);
        struct sgl_compose_form form = {V(cases[i].type), V(cases[i].content)};
        struct fixture f;

        fixture_init(&f);
        f.c.eightbit = true;
        f.c.form = &form;
        f.c.forms = 1;
        CHECK_EQ(cases[i].name, sgl_compose_put(&b, &f.c, NULL), SGL_OK);
        CHECK_TRUE(cases[i].name, has(&b, cases[i].want));
        sgl_arena_done(&f.arena);
    }
}

/* A message inside a message may not be encoded. [RFC 2046 s5.2.1] */
static void message_parts(void **state)
{
    static const struct {
        const char *name, *content, *want;
    } cases[] = {
        {"plain", "From: a@b.c\r\n\r\nx\r\n",
         "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n"},
        {"8 bits", "From: a@b.c\r\n\r\n\xc3\xa9\r\n",
         "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"},
        {"a bare LF", "From: a@b.c\n\nx\n",
         "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) b = SGL_BUF_INIT(1 << 20);
        struct sgl_compose_part part = {.content = V(cases[i].content),
                                        .content_type = V("message/rfc822")};
        struct fixture f;

        fixture_init(&f);
        f.c.part = &part;
        f.c.parts = 1;
        CHECK_EQ(cases[i].name, sgl_compose_put(&b, &f.c, NULL), SGL_OK);
        CHECK_TRUE(cases[i].name, has(&b, cases[i].want));
        sgl_arena_done(&f.arena);
    }
}

/* Composed with the content as it is, and as base64 in lines of that length. */
static void same_as_base64(const char *name, sgl_view content, const char *type, size_t line)
{
    sgl_auto(sgl_buf) plain = SGL_BUF_INIT(1 << 20), text = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_buf) coded = SGL_BUF_INIT(1 << 20);
    struct sgl_compose_part part = {.content = content, .content_type = V(type)};
    struct fixture f;

    fixture_init(&f);
    f.c.part = &part;
    f.c.parts = 1;
    CHECK_EQ(name, sgl_compose_put(&plain, &f.c, NULL), SGL_OK);
    sgl_base64_encode_lines(&text, content, line);
    part.content = sgl_buf_view(&text);
    part.base64 = true;
    CHECK_EQ(name, sgl_compose_put(&coded, &f.c, NULL), SGL_OK);
    CHECK_VIEW(name, sgl_buf_view(&coded), sgl_buf_view(&plain));
    CHECK_TRUE(name, sgl_compose_bound(&f.c) >= coded.len);
    sgl_arena_done(&f.arena);
}

/* A content that comes as base64 makes the message that its bytes make, also where it is decoded in pieces. */
static void base64_parts(void **state)
{
    static const size_t lengths[] = {0,    1,    2,    3,    56,   57,   58,   3647,
                                     3648, 3649, 3705, 7295, 7296, 7297, 20000};
    static const char *const messages[] = {"a\r\nb\r\n", "a\nb", "a\r", "\n", "a\r\n\xc3"};
    uint8_t bytes[20000];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 131 + i / 256);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        same_as_base64("a file", sgl_view_of(bytes, lengths[i]), "image/png", 76);
        same_as_base64("of odd lines", sgl_view_of(bytes, lengths[i]), "image/png", 37);
    }
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        same_as_base64(messages[i], V(messages[i]), "message/rfc822", 4);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t) "abcdef\r\n"[i % 8];
    for (size_t i = 3640; i < 3660; i++) /* a CR is the last of a piece */
        same_as_base64("a long message", sgl_view_of(bytes, i), "message/rfc822", 76);
}

enum part {
    FROM,
    SUBJECT,
    NAME,
    HEADER_NAME,
    HEADER_VALUE,
    TEXT,
    HTML,
    TYPE,
    FILENAME,
    CID,
    MESSAGE_ID,
    FORM,
    FORM_TYPE,
    EMPTY,
    CONTENT
};

static const struct {
    const char *name;
    enum part part;
    const char *value;
} refused[] = {
    {"no from", FROM, ""},
    {"a line end in the subject", SUBJECT, "a\r\nBcc: x@y.z"},
    {"an LF in the subject", SUBJECT, "a\nBcc: x@y.z"},
    {"a subject that is no UTF-8", SUBJECT, "\xff"},
    {"a line end in a name", NAME, "a\r\nBcc: x@y.z"},
    {"a line end in a header value", HEADER_VALUE, "a\r\nBcc: x@y.z"},
    {"a control character in a header value", HEADER_VALUE, "\x1b[2J"},
    {"a line end in a header name", HEADER_NAME, "A\r\nB"},
    {"an empty header name", HEADER_NAME, ""},
    {"Bcc", HEADER_NAME, "bcc"},
    {"From as a custom field", HEADER_NAME, "From"},
    {"Content-Type as a custom field", HEADER_NAME, "content-TYPE"},
    {"DKIM-Signature as a custom field", HEADER_NAME, "DKIM-Signature"},
    {"Resent-To as a custom field", HEADER_NAME, "Resent-To"},
    {"a text that is no UTF-8", TEXT, "\xff"},
    {"an html that is no UTF-8", HTML, "\xc3("},
    {"no media type", TYPE, "pdf"},
    {"a line end in a media type", TYPE, "a/b\r\nBcc: x@y.z"},
    {"multipart", TYPE, "multipart/mixed; boundary=x"},
    {"a line end in a file name", FILENAME, "a\r\nb"},
    {"a file name that is no UTF-8", FILENAME, "\xff"},
    {"a bracket in a content id", CID, "a>b"},
    {"a line end in a content id", CID, "a\r\nb"},
    {"content that is not base64", CONTENT,
     "Zg=="
     "Zg=="},
    {"content whose base64 is cut", CONTENT, "Zg"},
    {"a message id without brackets", MESSAGE_ID, "a@b"},
    {"a line end in a message id", MESSAGE_ID, "<a@b>\r\nX: y"},
    {"nothing to send", EMPTY, ""},
    {"a form of no type", FORM_TYPE, ""},
    {"a line end in the type of a form", FORM_TYPE, "text/calendar\r\nBcc: x@y.z"},
    {"a form of several parts", FORM_TYPE, "multipart/mixed; boundary=x"},
    {"a form that is a message", FORM_TYPE, " Message/rfc822"},
    {"a form that is no UTF-8", FORM, "\xff"},
};

/* The value in place of what was right. */
static void spoil(struct fixture *f, struct sgl_compose_field *field, struct sgl_compose_part *part,
                  enum part which, sgl_view v)
{
    static struct sgl_compose_form form;

    form = (struct sgl_compose_form){V("text/calendar"), V("x")};
    f->c.form = &form;
    f->c.forms = which == FORM || which == FORM_TYPE;
    switch (which) {
    case FROM:
        f->c.from.count = 0;
        break;
    case SUBJECT:
        f->c.subject = v;
        break;
    case NAME:
        f->to.name = v;
        break;
    case HEADER_NAME:
        field->name = v;
        break;
    case HEADER_VALUE:
        field->value = v;
        break;
    case TEXT:
        f->c.text = v;
        break;
    case HTML:
        f->c.html = v;
        break;
    case TYPE:
        part->content_type = v;
        break;
    case FILENAME:
        part->filename = v;
        break;
    case CID:
        part->content_id = v;
        break;
    case MESSAGE_ID:
        f->c.message_id = v;
        break;
    case CONTENT:
        part->content = v;
        part->base64 = true;
        break;
    case FORM:
        form.content = v;
        break;
    case FORM_TYPE:
        form.content_type = v;
        break;
    case EMPTY:
        f->c.text = sgl_view_of(NULL, 0);
        f->c.parts = 0;
        break;
    }
}

static void refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        sgl_auto(sgl_buf) b = SGL_BUF_INIT(1 << 20);
        struct sgl_compose_field field = {V("X-A"), V("b")};
        struct sgl_compose_part part = {
            .content = V("x"), .content_type = V("a/b"), .filename = V("f")};
        struct sgl_diag diag = {0};
        struct fixture f;

        fixture_init(&f);
        f.c.header = &field;
        f.c.headers = 1;
        f.c.part = &part;
        f.c.parts = 1;
        spoil(&f, &field, &part, refused[i].part, V(refused[i].value));
        sgl_buf_add_cstr(&b, "before");
        CHECK_EQ(refused[i].name, sgl_compose_put(&b, &f.c, &diag), SGL_E_SYNTAX);
        CHECK_TRUE(refused[i].name, diag.what != NULL);
        CHECK_VIEW("out is as it was", sgl_buf_view(&b), V("before"));
        CHECK_EQ("and usable", b.status, SGL_OK);
        sgl_arena_done(&f.arena);
    }
}

/* Each message must pass our own door; a long text and long names keep their lines short. */
static void lines(void **state)
{
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(1 << 22);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
    struct sgl_message_report r;
    struct fixture f;
    sgl_view rest;

    (void)state;
    fixture_init(&f);
    for (int i = 0; i < 100000; i++)
        sgl_buf_add_byte(&text, (uint8_t)('a' + i % 26));
    f.c.text = sgl_buf_view(&text);
    f.c.subject = sgl_view_sub(sgl_buf_view(&text), 0, 3000);
    f.to.name = sgl_view_sub(sgl_buf_view(&text), 0, 3000);
    CHECK_EQ("compose", sgl_compose_put(&b, &f.c, NULL), SGL_OK);
    CHECK_EQ("check", sgl_message_check(sgl_buf_view(&b), &arena, &r), SGL_OK);
    CHECK_STR("fine", sgl_message_fault_code(r.fault), "fine");
    for (rest = sgl_buf_view(&b); rest.len > 0;)
        CHECK_TRUE("78", sgl_view_split(rest, '\n', &rest).len <= 79);
    CHECK_TRUE("bound", sgl_compose_bound(&f.c) >= b.len);
    f.c.eightbit = true;
    sgl_arena_done(&f.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),    cmocka_unit_test(encodings),     cmocka_unit_test(structure),
        cmocka_unit_test(forms),    cmocka_unit_test(message_parts), cmocka_unit_test(base64_parts),
        cmocka_unit_test(refusals), cmocka_unit_test(lines)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
