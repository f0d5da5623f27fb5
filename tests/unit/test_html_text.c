/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/html_text.h"

#include "check.h"
#include "fail_alloc.h"

static const struct {
    const char *name, *html, *want;
} rows[] = {
    {"text is text", "Hello\n  Ben", "Hello Ben\n"},
    {"paragraphs are apart", "<p>One</p><p>Two</p>\n<h1>Three</h1>", "One\n\nTwo\n\nThree\n"},
    {"lines", "One<br>Two<br/>\n<br>Three<div>Four</div>", "One\nTwo\n\nThree\nFour\n"},
    {"items", "<ul><li>a<li>b</li></ul>c", "* a\n* b\n\nc\n"},
    {"a link has its address behind it",
     "<a class=x href=\"https://a.test/?x=1&amp;y=2\">here</a>!",
     "here (https://a.test/?x=1&y=2)!\n"},
    {"but not twice", "<a href='https://a.test/'>https://a.test/</a>", "https://a.test/\n"},
    {"a link within the page has none", "<a href=#top>top</a>", "top\n"},
    {"a picture has its words", "<img src=x alt=\"A hat\">", "A hat\n"},
    {"what is not shown is left out",
     "<head><title>T</title><style>p{}</style></head><script>if (a</b>) {}</script>x<!-- y -->z",
     "xz\n"},
    {"what is not shown may have no end", "a<style>b", "a\n"},
    {"entities", "&lt;&amp;&gt; &euro;1&nbsp;&#8211; &#x1F600; &nothing; & &#0;",
     "<&> €1 – 😀 &nothing; &\n"},
    {"cells stand beside each other",
     "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc\n"},
    {"a line in pre stays a line", "<pre>a\n  b</pre>c", "a\n  b\n\nc\n"},
    {"a sign is no tag", "1 < 2 and <", "1 < 2 and <\n"},
    {"a tag without an end is text", "a<b c=\"", "a<b c=\"\n"},
    {"a quoted > ends no tag", "<p title=\"a>b\">c</p>", "c\n"},
    {"nothing", "<p></p> ", ""},
};

static void text_of_html(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(1000);

        sgl_html_text(sgl_view_cstr(rows[i].html), &out);
        CHECK_EQ(rows[i].name, out.status, SGL_OK);
        CHECK_VIEW(rows[i].name, sgl_buf_view(&out), sgl_view_cstr(rows[i].want));
    }
}

static void no_room_and_no_memory(void **state)
{
    (void)state;
    {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(3);

        sgl_html_text(SGL_LIT("<p>abcd"), &out);
        CHECK_EQ("room", out.status, SGL_E_LIMIT);
    }
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(1000);

        sgl_html_text(SGL_LIT("<p>abcd</p><a href=x>y</a>"), &out);
        CHECK_EQ("memory", out.status, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_of_html),
        cmocka_unit_test(no_room_and_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
