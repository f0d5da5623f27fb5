/* SPDX-License-Identifier: Apache-2.0 */
/* A message in base64, as sendMail takes it. */
#include "../../server/doors/http/graph_internal.h"
#include "api_request_fixture.h"
#include "fail_alloc.h"
#include "sigillo/base64.h"

struct taken {
    struct fixture f;
    struct sgl_buf raw;
    struct store_message m;
};

/* `lines`: base64 as mail has it, with line ends. */
static bool take(struct taken *t, const char *text, bool lines)
{
    struct api_reader reader = {.api = &five_recipients, .arena = &t->f.arena, .why = &t->f.why};
    struct sgl_mailbox mailbox;

    *t = (struct taken){.raw = SGL_BUF_INIT(1 << 20)};
    fail_alloc_off();
    begin(&t->f, "{}");
    CHECK_EQ(text, sgl_mailbox_parse(V("a@b.test"), &t->f.arena, &mailbox, NULL), SGL_OK);
    if (lines)
        sgl_base64_encode_lines(&t->raw, V(text), 20);
    else
        sgl_base64_encode(&t->raw, V(text));
    fail_alloc_on();
    t->raw.max = t->raw.len; /* as it was received */
    sgl_buf_fit(&t->raw);
    return graph_mime(&reader, &mailbox, &t->raw, &t->m);
}

static void end(struct taken *t)
{
    sgl_buf_done(&t->raw);
    done(&t->f);
}

static void messages(void **state)
{
    struct taken t;

    (void)state;
    CHECK_TRUE(
        "as it is",
        take(&t, "From: f@b.test\r\nTo: c@d.test, e@d.test\r\nBcc: g@d.test\r\n\r\nHi\r\n", true));
    CHECK_VIEW("every byte of it", sgl_buf_view(&t.raw),
               V("From: f@b.test\r\nTo: c@d.test, e@d.test\r\nBcc: g@d.test\r\n\r\nHi\r\n"));
    CHECK_VIEW("from From", t.m.env_from, V("f@b.test"));
    CHECK_EQ("to all, Bcc too", t.m.rcpts, 3);
    CHECK_VIEW("in their order", t.m.rcpt[2].address, V("g@d.test"));
    end(&t);
    CHECK_TRUE("lines that end in LF",
               take(&t, "From: f@b.test\nTo: c@d.test\n\nHi\n\nthere", false));
    CHECK_VIEW("end in CRLF", sgl_buf_view(&t.raw),
               V("From: f@b.test\r\nTo: c@d.test\r\n\r\nHi\r\n\r\nthere"));
    end(&t);
    CHECK_TRUE("without From", take(&t, "To: c@d.test\n\nHi", false));
    CHECK_VIEW("it is the mailbox that the path names", sgl_buf_view(&t.raw),
               V("From: a@b.test\r\nTo: c@d.test\r\n\r\nHi"));
    CHECK_VIEW("in the envelope, too", t.m.env_from, V("a@b.test"));
    end(&t);
}

/* Long ones stay in the memory that they came in, which is no more than they need. */
static void long_ones(void **state)
{
    struct sgl_buf text = SGL_BUF_INIT(1 << 20), crlf = SGL_BUF_INIT(1 << 20);

    (void)state;
    for (int bare = 0; bare < 2; bare++) {
        const char *end_of_line = bare == 0 ? "\r\n" : "\n";
        struct taken t;

        sgl_buf_reset(&text);
        sgl_buf_reset(&crlf);
        sgl_buf_addf(&text, "To: c@d.test%s%s", end_of_line, end_of_line);
        sgl_buf_add_cstr(&crlf, "From: a@b.test\r\nTo: c@d.test\r\n\r\n");
        for (int i = 0; i < 5000; i++) {
            sgl_buf_addf(&text, "%d%s", i, bare == 1 || i % 7 > 0 ? end_of_line : "");
            sgl_buf_addf(&crlf, "%d%s", i, bare == 1 || i % 7 > 0 ? "\r\n" : "");
        }
        CHECK_TRUE(end_of_line, take(&t, sgl_cstr(&text), true));
        CHECK_VIEW(end_of_line, sgl_buf_view(&t.raw), sgl_buf_view(&crlf));
        CHECK_EQ("no more memory than it needs", t.raw.cap, t.raw.len);
        end(&t);
    }
    sgl_buf_done(&text);
    sgl_buf_done(&crlf);
}

static const struct {
    const char *name, *text, *code, *field;
} refused[] = {
    {"empty", "", "graph-mime", "body"},
    {"no recipient", "From: f@b.test\n\nHi", "no-recipients", "To"},
    {"a recipient that is none", "From: f@b.test\nTo: c@d.test, x y\n\nHi", "address-syntax", "To"},
    {"a recipient that may not be", "From: f@b.test\nCc: c@nowhere.test\n\nHi",
     "sender-not-allowed", "Cc"},
    {"no header", "Hello, this is no message\n", "header-syntax", "header"},
    {"lines that end in CR", "From: f@b.test\rTo: c@d.test\r\rHi", "header-syntax", "header"},
    {"too many", "To: 1@d.test, 2@d.test, 3@d.test, 4@d.test, 5@d.test, 6@d.test\n\n",
     "too-many-recipients", "To"},
};

static void refusals(void **state)
{
    struct taken t;

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        CHECK_TRUE(refused[i].name, !take(&t, refused[i].text, false));
        CHECK_STR(refused[i].name, t.f.why.code, refused[i].code);
        CHECK_STR(refused[i].name, t.f.why.field, refused[i].field);
        end(&t);
    }
}

static void no_base64(void **state)
{
    static const char *const texts[] = {"%%%%", "YQ=", "YQ==YQ==", "From: a@b.test", "\xff"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct api_refusal why = {0};
        struct sgl_arena arena = SGL_ARENA_INIT(1 << 20);
        struct api_reader reader = {.api = &five_recipients, .arena = &arena, .why = &why};
        struct sgl_mailbox mailbox = {0};
        struct store_message m = {0};
        struct sgl_buf raw = SGL_BUF_INIT(100);

        sgl_buf_add_cstr(&raw, texts[i]);
        CHECK_TRUE(texts[i], !graph_mime(&reader, &mailbox, &raw, &m));
        CHECK_STR(texts[i], why.code, "graph-mime");
        sgl_buf_done(&raw);
        sgl_arena_done(&arena);
    }
}

static void memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct taken t;

        if (!take(&t, "To: c@d.test, e@d.test\n\nHi", true))
            CHECK_TRUE("refused, for want of memory", t.f.why.status == 503);
        end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(messages), cmocka_unit_test(long_ones),
                                       cmocka_unit_test(refusals), cmocka_unit_test(no_base64),
                                       cmocka_unit_test(memory)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
