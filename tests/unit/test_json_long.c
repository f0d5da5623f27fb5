/* SPDX-License-Identifier: Apache-2.0 */
/* Long strings that stay where they are read as what they would be as copies, and nobody can make one that is none. */
#include <stdlib.h>

#include "../../server/doors/http/http_internal.h"
#include "check.h"
#include "fail_alloc.h"

#define LONG 5000

static const char *const paths[] = {"a", "list.*.b", "x.*.*.y", NULL};

/* Like the reader's own, but for strings of which only the view is looked at. */
static bool same(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;

    if (json_typeof(a) != json_typeof(b) || json_array_size(a) != json_array_size(b) ||
        json_object_size(a) != json_object_size(b))
        return false;
    if (json_is_string(a))
        return sgl_view_eq(http_json_view(a), http_json_view(b));
    for (size_t i = 0; i < json_array_size(a); i++)
        if (!same(json_array_get(a, i), json_array_get(b, i)))
            return false;
    json_object_foreach((json_t *)(uintptr_t)a, key, value)
    {
        if (json_object_get(b, key) == NULL || !same(value, json_object_get(b, key)))
            return false;
    }
    return json_is_array(a) || json_is_object(a) || json_equal(a, b);
}

/* A text in which each '#' is as many letters as make a string long. */
static void grow(const char *from, struct sgl_buf *out)
{
    for (; *from != '\0'; from++) {
        if (*from != '#')
            sgl_buf_add_byte(out, (uint8_t)*from);
        for (size_t i = 0; *from == '#' && i < LONG; i++)
            sgl_buf_add_byte(out, (uint8_t)('a' + i % 26));
    }
}

struct pair {
    json_t *plain, *ours;
    json_error_t plain_error, our_error;
    struct sgl_buf text, copy;
};

static void load(struct pair *p, const char *pattern)
{
    *p = (struct pair){.text = SGL_BUF_INIT(1 << 20), .copy = SGL_BUF_INIT(1 << 20)};
    grow(pattern, &p->text);
    grow(pattern, &p->copy);
    p->plain = json_loadb((const char *)p->copy.data, p->copy.len, JSON_REJECT_DUPLICATES,
                          &p->plain_error);
    p->ours = http_json_load(p->text.data, p->text.len, paths, &p->our_error);
}

static void done(struct pair *p)
{
    json_decref(p->plain);
    json_decref(p->ours);
    sgl_buf_done(&p->text);
    sgl_buf_done(&p->copy);
}

static bool is_in_text(const struct pair *p, const json_t *string)
{
    sgl_view v = http_json_view(string);

    return v.ptr >= p->text.data && v.ptr < p->text.data + p->text.len;
}

static void read_alike(void **state)
{
    static const char *const texts[] = {
        "{\"a\":\"#\"}",
        ("{\"a\":\"#\",\"b\":\"#\","
         "\"list\":[{\"b\":\"#\"},{\"b\":\"x\"},{\"c\":\"#\"},{\"b\":\"#!\"}]}"),
        "{\"a\":\"#\\\"\\\\\\/\\b\\f\\n\\r\\t\"}",
        "{\"a\":\"\\u00e9\\u20ac#\\ud83d\\ude00\\uD83D\\uDE00\\u0001\\uffff\"}",
        "{\"a\":\"\xc3\xa9#\xe2\x82\xac\xf0\x9f\x98\x80\"}",
        "{\"a\":\"\\\\u0000#\"}",
        "{\"k\":\"\\\\u0000\",\"a\":\"#\"}",
        "{\"x\":[[{\"y\":\"#\"}],[{\"y\":\"#\"},{\"z\":\"#\"}]]}",
        "{\"\\u0061\":\"#\"}",
        "{\"list\":{\"b\":\"#\"},\"a\":[\"#\"]}",
        "{ \"a\" : \"#\" , \"n\":[1,2.5,true,null,{}] }\n",
        "[\"#\"]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct pair p;

        load(&p, texts[i]);
        CHECK_TRUE(texts[i], p.plain != NULL && p.ours != NULL);
        CHECK_TRUE(texts[i], same(p.plain, p.ours));
        done(&p);
    }
}

static void refused_alike(void **state)
{
    static const char *const texts[] = {
        "{\"a\":\"#",
        "{\"a\":\"#\"",
        "{\"a\":\"#\"}x",
        "{\"a\":\"#\",\n \"b\":\"\xc3\xa9\", tru}",
        "{\"a\":\"#\",\"a\":\"#\"}",
        "{\"a\":\"#\",\"a\":1}",
        "{\"a\":\"#\\x\"}",
        "{\"a\":\"#\\\"}",
        "{\"a\":\"#\\u12\"}",
        "{\"a\":\"#\\u12g4\"}",
        "{\"a\":\"#\\ud83d\"}",
        "{\"a\":\"#\\ud83d\\n\"}",
        "{\"a\":\"#\\ud83d\\u0041\"}",
        "{\"a\":\"#\\ude00\"}",
        "{\"a\":\"#\\u0000\"}",
        "{\"a\":\"#\",\"b\":\"\\u0000\"}",
        "{\"b\":\"\\u0000\",\"a\":\"#\"}",
        "{\"a\":\"#\",\"b\":\"\\u000000000000000000000000000000000000\"}",
        "{\"a\":\"#\",\"\\u0000\":1}",
        "{\"a\":\"#\n\"}",
        "{\"a\":\"#\x7f\x01\"}",
        "{\"a\":\"#\xff\"}",
        "{\"a\":\"#\xc0\x80\"}",
        "{\"a\":\"#\xed\xa0\x80\"}",
        "{\"a\":\"#\xc3\"}",
        "{\"list\":[{\"b\":\"#\"},\n\n{\"b\":\"#\" \"c\"}]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct pair p;

        load(&p, texts[i]);
        CHECK_TRUE(texts[i], p.plain == NULL && p.ours == NULL);
        CHECK_EQ(texts[i], p.our_error.line, p.plain_error.line);
        CHECK_EQ(texts[i], p.our_error.column, p.plain_error.column);
        CHECK_EQ(texts[i], p.our_error.position, p.plain_error.position);
        CHECK_STR(texts[i], p.our_error.text, p.plain_error.text);
        CHECK_TRUE("the text is as it was",
                   sgl_view_eq(sgl_buf_view(&p.text), sgl_buf_view(&p.copy)));
        done(&p);
    }
}

static void what_is_not_copied(void **state)
{
    struct pair p;
    const json_t *list;

    (void)state;
    load(&p, "{\"a\":\"#\\n\",\"b\":\"#\",\"list\":[{\"b\":\"#\",\"c\":\"#\"},{\"b\":\"short\"}]}");
    list = json_object_get(p.ours, "list");
    CHECK_TRUE("at a path", is_in_text(&p, json_object_get(p.ours, "a")));
    CHECK_TRUE("elsewhere", !is_in_text(&p, json_object_get(p.ours, "b")));
    CHECK_TRUE("in a list", is_in_text(&p, json_object_get(json_array_get(list, 0), "b")));
    CHECK_TRUE("beside it", !is_in_text(&p, json_object_get(json_array_get(list, 0), "c")));
    CHECK_TRUE("a short one", !is_in_text(&p, json_object_get(json_array_get(list, 1), "b")));
    done(&p);
}

/* More of them than are kept apart: the others are copies. */
static void many(void **state)
{
    struct sgl_buf text = SGL_BUF_INIT(1 << 20);
    struct pair p;

    (void)state;
    sgl_buf_add_cstr(&text, "{\"list\":[{\"b\":\"#\"}");
    for (int i = 0; i < 150; i++)
        sgl_buf_add_cstr(&text, ",{\"b\":\"#\"}");
    sgl_buf_add_cstr(&text, "]}");
    load(&p, sgl_cstr(&text));
    CHECK_TRUE("alike", p.plain != NULL && p.ours != NULL && same(p.plain, p.ours));
    done(&p);
    sgl_buf_done(&text);
}

/* The reader's own allocations are made here, so that they count. */
static void *counted(size_t size)
{
    return malloc(size);
}

static void memory_ends(void **state)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 20);

    (void)state;
    json_set_alloc_funcs(counted, free);
    grow("{\"a\":\"#\",\"b\":[\"x\"]}", &text);
    for (size_t n = 1; fail_alloc_round(n); n++) {
        json_error_t error;
        json_t *json = http_json_load(text.data, text.len, paths, &error);

        CHECK_TRUE("it is read, or memory has ended", json != NULL || fail_alloc_hit());
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(read_alike),
                                       cmocka_unit_test(refused_alike),
                                       cmocka_unit_test(what_is_not_copied), cmocka_unit_test(many),
                                       cmocka_unit_test(memory_ends)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
