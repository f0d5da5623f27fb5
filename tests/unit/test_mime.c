/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of messages  [RFC 2046 s5.1], written in one line: type<body>, parts of a multipart in brackets. */
#include "sigillo/mime.h"

#include "check.h"
#include "fail_alloc.h"
#include "sigillo/limits.h"

#define V(s)     sgl_view_cstr(s)
#define LONGEST  "1234567890123456789012345678901234567890123456789012345678901234567890"
#define MIXED(b) "Content-Type: multipart/mixed; boundary=" b "\r\n\r\n"

static const struct {
    const char *name, *message, *want;
} cases[] = {
    {"a message without a type is text", "Subject: x\r\n\r\nhello\r\n", "text/plain<hello..>"},
    {"a type that is none is text", "Content-Type: what?\r\n\r\nx", "text/plain<x>"},
    {"types are in lower case", "Content-Type: TEXT/Html\r\n\r\nx", "text/html<x>"},
    {"a message within is not looked into",
     "Content-Type: message/rfc822\r\n\r\n" MIXED("b") "--b\r\n\r\nx\r\n--b--\r\n",
     "message/rfc822<Content-Type: multipart/mixed; boundary=b....--b....x..--b--..>"},
    {"two parts", MIXED("b") "--b\r\n\r\none\r\n--b\r\nContent-Type: a/b\r\n\r\ntwo\r\n--b--\r\n",
     "multipart/mixed[text/plain<one> a/b<two>]"},
    {"what stands around the parts is nothing",
     MIXED("b") "before\r\n--b\r\n\r\none\r\n--b--\r\nafter\r\n--b\r\n\r\nx\r\n--b--\r\n",
     "multipart/mixed[text/plain<one>]"},
    {"lines of Unix", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n",
     "multipart/mixed[text/plain<one>]"},
    {"the line end in front belongs to the boundary", MIXED("b") "--b\r\n\r\none\r\n\r\n--b--\r\n",
     "multipart/mixed[text/plain<one..>]"},
    {"a part without a body", MIXED("b") "--b\r\nContent-Type: a/b\r\n--b--\r\n",
     "multipart/mixed[a/b<>]"},
    {"blanks may follow a boundary", MIXED("b") "--b \t\r\n\r\none\r\n--b-- \r\n",
     "multipart/mixed[text/plain<one>]"},
    {"a boundary is a whole line", MIXED("b") "--b\r\n\r\n--bc\r\n --b\r\n--b x\r\n--b--\r\n",
     "multipart/mixed[text/plain<--bc.. --b..--b x>]"},
    {"a boundary in quotes", MIXED("\"a b:c\"") "--a b:c\r\n\r\none\r\n--a b:c--",
     "multipart/mixed[text/plain<one>]"},
    {"the last boundary is missing", MIXED("b") "--b\r\n\r\none\r\n",
     "multipart/mixed[text/plain<one..>]"},
    {"all boundaries are missing", MIXED("b") "one\r\n", "multipart/mixed[]"},
    {"nothing but the end", MIXED("b") "--b--\r\n", "multipart/mixed[]"},
    {"a multipart without a boundary is a body", "Content-Type: multipart/mixed\r\n\r\n--b\r\n",
     "multipart/mixed<--b..>"},
    {"a boundary of 70 characters [RFC 2046 s5.1.1]", MIXED(LONGEST) "--" LONGEST "\r\n\r\none\r\n",
     "multipart/mixed[text/plain<one..>]"},
    {"a boundary that is longer is none [RFC 2046 s5.1.1]",
     MIXED(LONGEST "1") "--" LONGEST "1\r\n\r\none\r\n", "multipart/mixed[]"},
    {"parts within parts",
     MIXED("a") "--a\r\nContent-Type: multipart/alternative; "
                "boundary=b\r\n\r\n--b\r\n\r\n1\r\n--b\r\n\r\n2\r\n--b--\r\n"
                "\r\n--a\r\n\r\n3\r\n--a--\r\n",
     "multipart/mixed[multipart/alternative[text/plain<1> text/plain<2>] text/plain<3>]"},
    {"an outer boundary ends an inner part",
     MIXED("a") "--a\r\nContent-Type: multipart/alternative; "
                "boundary=b\r\n\r\n--b\r\n\r\n1\r\n--a\r\n\r\n3\r\n--a--\r\n",
     "multipart/mixed[multipart/alternative[text/plain<1>] text/plain<3>]"},
    {"inner and outer boundary are the same",
     MIXED("a") "--a\r\nContent-Type: multipart/alternative; "
                "boundary=a\r\n\r\n--a\r\n\r\n1\r\n--a--\r\n",
     "multipart/mixed[multipart/alternative[] text/plain<1>]"},
    {"the inner boundary begins as the outer one",
     MIXED("a") "--a\r\nContent-Type: multipart/alternative; "
                "boundary=ab\r\n\r\n--ab\r\n\r\n1\r\n--ab--\r\n--a--\r\n",
     "multipart/mixed[multipart/alternative[text/plain<1>]]"},
    {"messages of a digest need no type [RFC 2046 s5.1.5]",
     "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nFrom: a\r\n\r\nx\r\n--b--\r\n",
     "multipart/digest[message/rfc822<From: a....x>]"},
};

static void put_body(struct sgl_buf *out, sgl_view body)
{
    for (size_t i = 0; i < body.len; i++)
        sgl_buf_add_byte(out, body.ptr[i] < ' ' ? '.' : body.ptr[i]);
}

/* The part and what is in it; the index behind it. */
static size_t put_part(struct sgl_buf *out, const struct sgl_mime_part *part, size_t count,
                       size_t i)
{
    size_t next = i + 1;

    sgl_buf_add(out, part[i].type);
    sgl_buf_add_byte(out, part[i].multipart ? '[' : '<');
    if (!part[i].multipart)
        put_body(out, part[i].body);
    while (part[i].multipart && next < count && part[next].depth > part[i].depth) {
        CHECK_EQ("its parent", part[next].parent, i);
        if (next > i + 1)
            sgl_buf_add_byte(out, ' ');
        next = put_part(out, part, count, next);
    }
    sgl_buf_add_byte(out, part[i].multipart ? ']' : '>');
    return next;
}

static void rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 22);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(4000);
        const struct sgl_mime_part *part;
        size_t count;

        CHECK_EQ(cases[i].name, sgl_mime_walk(V(cases[i].message), &arena, &part, &count), SGL_OK);
        CHECK_EQ(cases[i].name, put_part(&got, part, count, 0), count);
        CHECK_VIEW(cases[i].name, sgl_buf_view(&got), V(cases[i].want));
    }
}

static void names_and_bodies(void **state)
{
    static const char message[] = MIXED(
        "b") "--b\r\nContent-Type: application/tlsrpt+gzip; "
             "name=old.gz\r\nContent-Transfer-Encoding: BASE64\r\n"
             "Content-Disposition: attachment; filename=\"a!b.json.gz\"\r\n\r\naGVs\r\nbG8=\r\n"
             "--b\r\nContent-Type: text/plain; name=n\r\nContent-Transfer-Encoding: "
             "quoted-printable\r\n\r\na=3Db=\r\nc\r\n"
             "--b\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!\r\n--b--\r\n";
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 22);
    sgl_auto(sgl_buf) body = SGL_BUF_INIT(100);
    const struct sgl_mime_part *part;
    size_t count;

    (void)state;
    assert_int_equal(sgl_mime_walk(V(message), &arena, &part, &count), SGL_OK);
    assert_int_equal(count, 4);
    CHECK_VIEW("of the disposition", part[1].filename, V("a!b.json.gz"));
    CHECK_VIEW("of the type", part[2].filename, V("n"));
    CHECK_EQ("base64", sgl_mime_decode(&part[1], &body), SGL_OK);
    CHECK_VIEW("base64", sgl_buf_view(&body), V("hello"));
    sgl_buf_reset(&body);
    CHECK_EQ("quoted-printable", sgl_mime_decode(&part[2], &body), SGL_OK);
    CHECK_VIEW("quoted-printable", sgl_buf_view(&body), V("a=bc"));
    sgl_buf_reset(&body);
    CHECK_EQ("no base64", sgl_mime_decode(&part[3], &body), SGL_E_SYNTAX);
    body.max = 4;
    CHECK_EQ("too large", sgl_mime_decode(&part[1], &body), SGL_E_LIMIT);
}

static enum sgl_status walk(struct sgl_buf *message, size_t arena_max)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(arena_max);
    const struct sgl_mime_part *part;
    size_t count;

    return sgl_mime_walk(sgl_buf_view(message), &arena, &part, &count);
}

static void bounds(void **state)
{
    sgl_auto(sgl_buf) m = SGL_BUF_INIT(1 << 20);

    (void)state;
    for (size_t more = 0; more < 2; more++) {
        sgl_buf_reset(&m);
        sgl_buf_add_cstr(&m, MIXED("b"));
        for (size_t i = 1; i < SGL_LIMIT_MIME_PARTS + more; i++)
            sgl_buf_add_cstr(&m, "--b\r\n\r\nx\r\n");
        CHECK_EQ("many parts", walk(&m, 1 << 24), more == 0 ? SGL_OK : SGL_E_LIMIT);
    }
    for (size_t deep = SGL_LIMIT_MIME_DEPTH; deep <= SGL_LIMIT_MIME_DEPTH + 1; deep++) {
        sgl_buf_reset(&m);
        for (size_t i = 0; i < deep; i++)
            sgl_buf_addf(&m, "Content-Type: multipart/mixed; boundary=b%zu\r\n\r\n--b%zu\r\n", i,
                         i);
        sgl_buf_add_cstr(&m, "\r\nx");
        CHECK_EQ("deep parts", walk(&m, 1 << 24),
                 deep == SGL_LIMIT_MIME_DEPTH ? SGL_OK : SGL_E_LIMIT);
    }
    CHECK_EQ("a small arena", walk(&m, 1000), SGL_E_LIMIT);
}

static void no_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 22);
        const struct sgl_mime_part *part = NULL;
        size_t count;
        enum sgl_status status = sgl_mime_walk(V(cases[17].message), &arena, &part, &count);

        CHECK_EQ("memory ends", status, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
        CHECK_TRUE("nothing came of it", (part == NULL) == fail_alloc_hit());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),
        cmocka_unit_test(names_and_bodies),
        cmocka_unit_test(bounds),
        cmocka_unit_test(no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
