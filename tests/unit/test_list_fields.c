/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of list mail: golden headers, each rule passed and broken. */
#include "../../server/lists/list_fields.h"
#include "check.h"
#include "fail_alloc.h"

#define POST  "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
#define CLICK "List-Unsubscribe: <https://a.test/u>\r\n" POST
#define OURS  "List-Unsubscribe: <https://h.test/u/T>\r\n" POST

static const char *const fault_name[] = {
    [LIST_NONE] = "none",        [LIST_TWICE] = "twice",        [LIST_ID_SYNTAX] = "id",
    [LIST_NAME_SYNTAX] = "name", [LIST_ID_DIFFERS] = "differs", [LIST_NO_MEMORY] = "memory",
};

/* The header as it will be, or the fault. */
static const char *completed(const char *header, sgl_view id, sgl_view name)
{
    static char text[4096];
    struct sgl_arena arena = SGL_ARENA_INIT(1 << 16);
    struct sgl_buf out = SGL_BUF_INIT(sizeof(text) - 1);
    struct sgl_headers headers;
    struct list_mail list;
    enum list_fault fault;

    assert_int_equal(
        sgl_headers_parse(sgl_view_cstr(header), SGL_HEADERS_STRICT, &arena, &headers, NULL),
        SGL_OK);
    fault = list_read(&headers, id, name, SGL_LIT("app.test"), &arena, &list);
    if (fault == LIST_FINE) {
        list_put(&list, SGL_LIT("https://h.test/u/T"), &out);
        for (size_t i = 0; i < headers.count; i++)
            if (!list_dropped(&list, headers.field[i].name))
                sgl_buf_add(&out, headers.field[i].raw);
        assert_int_equal(out.status, SGL_OK);
        snprintf(text, sizeof(text), "%.*s", (int)out.len, (const char *)out.data);
    } else {
        snprintf(text, sizeof(text), "%s", fault_name[fault]);
    }
    sgl_buf_done(&out);
    sgl_arena_done(&arena);
    return text;
}

static void test_marks(void **state)
{
    static const struct {
        const char *name, *header, *want;
    } rows[] = {
        {"without a mark it is no list mail", "From: a@app.test\r\n" CLICK, "none"},
        {"the mark goes, the fields come [RFC 8058 s3.1]", "X-Sigillo-List: weekly.news.test\r\n",
         "List-ID: <weekly.news.test>\r\n" OURS},
        {"an id of one part is one of the domain [RFC 2919 s3]", "x-sigillo-list: Weekly\r\n",
         "List-ID: <weekly.app.test>\r\n" OURS},
        {"a name before it", "X-Sigillo-List: News of <weekly.app.test>\r\n",
         "List-ID: News of <weekly.app.test>\r\n" OURS},
        {"a quoted name", "X-Sigillo-List: \"A, B\" <b.test>\r\n",
         "List-ID: =?UTF-8?Q?A=2C_B?= <b.test>\r\n" OURS},
        {"two marks", "X-Sigillo-List: a.b\r\nX-Sigillo-List: a.b\r\n", "twice"},
        {"an empty one", "X-Sigillo-List:\r\n", "id"},
        {"a blank in the id", "X-Sigillo-List: a b.test\r\n", "id"},
        {"a slash in the id", "X-Sigillo-List: a/b.test\r\n", "id"},
        {"two dots", "X-Sigillo-List: a..test\r\n", "id"},
        {"a dot at the end", "X-Sigillo-List: a.test.\r\n", "id"},
        {"no phrase", "X-Sigillo-List: a@b, <c.test>\r\n", "name"},
        {"a line end in the name", "X-Sigillo-List: =?utf-8?Q?a=0D=0ABcc=3A_x?= <c.test>\r\n",
         "name"},
        {"the sender's own id stays", "X-Sigillo-List: a.test\r\nList-Id: Own <A.test>\r\n",
         OURS "List-Id: Own <A.test>\r\n"},
        {"the sender's own id is another", "X-Sigillo-List: a.test\r\nList-Id: <b.test>\r\n",
         "differs"},
        {"the sender's own id twice",
         "X-Sigillo-List: a.test\r\nList-Id: <a.test>\r\nList-Id: <a.test>\r\n", "differs"},
        {"what does already stays [RFC 8058 s3.1]", "X-Sigillo-List: a.test\r\n" CLICK,
         "List-ID: <a.test>\r\n" CLICK},
        {"with an address beside it, folded",
         "X-Sigillo-List: a.test\r\nList-Unsubscribe: <mailto:x@a.test>,\r\n "
         "<https://a.test/u>\r\n" POST,
         "List-ID: <a.test>\r\nList-Unsubscribe: <mailto:x@a.test>,\r\n "
         "<https://a.test/u>\r\n" POST},
        {"without Post ours stands in its place, never two", /* [RFC 8058 s3.1] */
         "X-Sigillo-List: a.test\r\nList-Unsubscribe: <https://a.test/u>\r\n",
         "List-ID: <a.test>\r\n" OURS},
        {"Post says something else",
         "X-Sigillo-List: a.test\r\nList-Unsubscribe: <https://a.test/u>\r\n"
         "List-Unsubscribe-Post: yes\r\n",
         "List-ID: <a.test>\r\n" OURS},
        {"Post twice", "X-Sigillo-List: a.test\r\n" CLICK POST, "List-ID: <a.test>\r\n" OURS},
        {"List-Unsubscribe twice",
         "X-Sigillo-List: a.test\r\n" CLICK "List-Unsubscribe: <https://a.test/u>\r\n",
         "List-ID: <a.test>\r\n" OURS},
        {"two of https",
         "X-Sigillo-List: a.test\r\nList-Unsubscribe: <https://a>, <https://b>\r\n" POST,
         "List-ID: <a.test>\r\n" OURS},
        {"one of http", "X-Sigillo-List: a.test\r\nList-Unsubscribe: <http://a.test>\r\n" POST,
         "List-ID: <a.test>\r\n" OURS},
        {"without brackets", "X-Sigillo-List: a.test\r\nList-Unsubscribe: https://a.test\r\n" POST,
         "List-ID: <a.test>\r\n" OURS},
        {"an address alone stays beside ours [RFC 2369 s3.2]",
         "X-Sigillo-List: a.test\r\nList-Unsubscribe: <mailto:x@a.test?subject=off>\r\n",
         "List-ID: <a.test>\r\nList-Unsubscribe: <https://h.test/u/T>, "
         "<mailto:x@a.test?subject=off>\r\n" POST},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_STR(rows[i].name,
                  completed(rows[i].header, sgl_view_of(NULL, 0), sgl_view_of(NULL, 0)),
                  rows[i].want);
    CHECK_STR("what a door was told counts before the mark",
              completed("X-Sigillo-List: a.test\r\n", SGL_LIT("b"), SGL_LIT("\xc3\x9c")),
              "List-ID: =?UTF-8?B?w5w=?= <b.app.test>\r\n" OURS);
    CHECK_STR("a line end in the name that a door was told",
              completed("", SGL_LIT("b"), SGL_LIT("a\nb")), "name");
}

static void test_recognised(void **state)
{
    static const struct {
        const char *name, *header;
        bool list, one_click;
    } rows[] = {
        {"plain mail is none", "From: a@a.test\r\n", false, false},
        {"a List-ID says it [RFC 2919 s3]", "List-Id: <a.b>\r\n", true, false},
        {"so does List-Unsubscribe [RFC 2369 s3.2]", "List-Unsubscribe: <mailto:a@b.test>\r\n",
         true, false},
        {"and Precedence: bulk", "Precedence: Bulk\r\n", true, false},
        {"other precedences do not", "Precedence: list\r\n", false, false},
        {"an automatic answer is none", "Precedence: bulk\r\nAuto-Submitted: auto-replied\r\n",
         false, false},
        {"one that says it is no answer may be", "Precedence: bulk\r\nAuto-Submitted: no\r\n", true,
         false},
        {"both fields are one click [RFC 8058 s3.1]", CLICK, true, true},
        {"one alone is not", POST, false, false},
        {"nor is a mailto", "List-Unsubscribe: <mailto:a@b.test>\r\n" POST, true, false},
        {"nor http", "List-Unsubscribe: <http://a.test/u>\r\n" POST, true, false},
        {"nor two fields", CLICK "List-Unsubscribe: <https://a.test/v>\r\n", true, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sgl_arena arena = SGL_ARENA_INIT(1 << 16);
        struct sgl_headers headers;

        assert_int_equal(sgl_headers_parse(sgl_view_cstr(rows[i].header), SGL_HEADERS_STRICT,
                                           &arena, &headers, NULL),
                         SGL_OK);
        CHECK_EQ(rows[i].name, list_is_recognisable(&headers, &arena), rows[i].list);
        CHECK_EQ(rows[i].name, list_is_one_click(&headers, &arena), rows[i].one_click);
        sgl_arena_done(&arena);
    }
}

static void test_bounds(void **state)
{
    char id[LIST_ID_MAX + 2];

    (void)state;
    memset(id, 'a', sizeof(id));
    CHECK_TRUE("an id of as many characters as may be", list_id_ok(sgl_view_of(id, LIST_ID_MAX)));
    CHECK_TRUE("one more", !list_id_ok(sgl_view_of(id, LIST_ID_MAX + 1)));
    CHECK_TRUE("none", !list_id_ok(SGL_LIT("")));
}

static void test_memory(void **state)
{
    const char *header = "X-Sigillo-List: News <a.test>\r\nList-Id: <a.test>\r\n"
                         "List-Unsubscribe: <https://a.test>,\r\n <mailto:a@b>\r\n" POST;
    size_t failed = 0;

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct sgl_arena arena = SGL_ARENA_INIT(1 << 16), own = SGL_ARENA_INIT(1 << 16);
        struct list_mail list = {.id = SGL_LIT("untouched")};
        struct sgl_headers headers;
        enum list_fault fault;

        fail_alloc_off();
        assert_int_equal(
            sgl_headers_parse(sgl_view_cstr(header), SGL_HEADERS_STRICT, &own, &headers, NULL),
            SGL_OK);
        fail_alloc_on();
        fault = list_read(&headers, sgl_view_of(NULL, 0), sgl_view_of(NULL, 0), SGL_LIT("a.test"),
                          &arena, &list);
        fail_alloc_off();
        if (fault == LIST_FINE) {
            CHECK_TRUE("what does already is seen", list.one_click);
        } else {
            CHECK_EQ("memory that ends is said", fault, LIST_NO_MEMORY);
            CHECK_VIEW("and nothing is given out", list.id, SGL_LIT("untouched"));
            failed++;
        }
        sgl_arena_done(&arena);
        sgl_arena_done(&own);
    }
    CHECK_TRUE("it did end", failed > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_recognised),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
