/* SPDX-License-Identifier: Apache-2.0 */
/* Comma-separated values: what a record is, where it began, what is refused, and that what is written is read. */
#include "../../server/doors/http/csv.h"
#include "check.h"

/* The records as "LINE:field|field" with blanks between them, "!LINE" for a fault. */
static void show(const char *text, size_t len, struct sgl_buf *out)
{
    char copy[256];
    struct csv c;
    enum csv_step step;

    assert_true(len <= sizeof(copy));
    memcpy(copy, text, len);
    csv_init(&c, copy, len);
    while ((step = csv_next(&c)) == CSV_RECORD) {
        sgl_buf_addf(out, "%s%zu:", out->len == 0 ? "" : " ", c.line);
        for (size_t i = 0; i < c.fields; i++) {
            if (i > 0)
                sgl_buf_add_byte(out, '|');
            sgl_buf_add(out, c.field[i]);
        }
    }
    if (step == CSV_FAULT)
        sgl_buf_addf(out, "%s!%zu", out->len == 0 ? "" : " ", c.line);
    CHECK_EQ("then there is nothing more", csv_next(&c), CSV_END);
}

#define TEXT(s) s, sizeof(s) - 1

static void test_read(void **state)
{
    static const struct {
        const char *name, *text;
        size_t len;
        const char *want;
    } rows[] = {
        {"nothing is no record", TEXT(""), ""},
        {"a line is a record [RFC 4180 s2]", TEXT("a,b\nc,d\n"), "1:a|b 2:c|d"},
        {"CRLF ends a line", TEXT("a,b\r\nc\r\n"), "1:a|b 2:c"},
        {"the last line may end without [RFC 4180 s2]", TEXT("a\nb"), "1:a 2:b"},
        {"fields may be empty", TEXT(",,\na,\n"), "1:|| 2:a|"},
        {"blanks belong to their field [RFC 4180 s2]", TEXT(" a , b \n"), "1: a | b "},
        {"a quoted field holds commas and line ends", TEXT("\"a,b\r\nc\",d\ne\n"),
         "1:a,b\r\nc|d 3:e"},
        {"two quotes are one [RFC 4180 s2]", TEXT("\"say \"\"no\"\"\"\n"), "1:say \"no\""},
        {"an empty quoted field", TEXT("\"\",a\n"), "1:|a"},
        {"a byte order mark is passed over",
         TEXT("\xef\xbb\xbf"
              "a\n"),
         "1:a"},
        {"so are empty lines and comments", TEXT("\n# a, \"b\n\r\na\n#"), "4:a"},
        {"a quoted # is a field", TEXT("\"#a\"\n"), "1:#a"},
        {"an open quote", TEXT("a\n\"b\nc\n"), "1:a !2"},
        {"a quote inside of a field", TEXT("a\"b\n"), "!1"},
        {"bytes behind a quote", TEXT("\"a\"b\n"), "!1"},
        {"a NUL", TEXT("a\0b\n"), "!1"},
        {"a quoted NUL", TEXT("\"\0\"\n"), "!1"},
        {"a CR that ends no line", TEXT("a\rb\n"), "!1"},
        {"sixteen fields", TEXT(",,,,,,,,,,,,,,,\n"), "1:|||||||||||||||"},
        {"are the most", TEXT(",,,,,,,,,,,,,,,,\n"), "!1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sgl_buf got = SGL_BUF_INIT(1024);

        show(rows[i].text, rows[i].len, &got);
        CHECK_STR(rows[i].name, got.len == 0 ? "" : sgl_cstr(&got), rows[i].want);
        sgl_buf_done(&got);
    }
}

static void test_a_long_field(void **state)
{
    static char text[CSV_FIELD_MAX + 3];
    struct csv c;

    (void)state;
    memset(text, 'a', sizeof(text));
    csv_init(&c, text, CSV_FIELD_MAX);
    CHECK_EQ("a field of 4096 bytes", csv_next(&c), CSV_RECORD);
    csv_init(&c, text, CSV_FIELD_MAX + 1);
    CHECK_EQ("is the longest", csv_next(&c), CSV_FAULT);
    text[0] = text[CSV_FIELD_MAX + 2] = '"';
    csv_init(&c, text, CSV_FIELD_MAX + 3);
    CHECK_EQ("in quotes, too", csv_next(&c), CSV_FAULT);
    CHECK_TRUE("and the rule is named", strstr(c.fault, "4096") != NULL);
}

static void test_written_is_read(void **state)
{
    static const char *const fields[] = {"a",      "",   "a,b", "a\"b", "\"",
                                         "a\r\nb", "#a", " a ", "\r",   "\xef\xbb\xbf"};
    struct sgl_buf out = SGL_BUF_INIT(1024);
    struct csv c;
    size_t count = sizeof(fields) / sizeof(fields[0]);

    (void)state;
    for (size_t first = 0; first < count; first++) {
        sgl_buf_reset(&out);
        for (size_t i = 0; i < count; i++)
            csv_put(&out, sgl_view_cstr(fields[(first + i) % count]), i + 1 < count ? ',' : '\n');
        csv_init(&c, out.data, out.len);
        assert_int_equal(csv_next(&c), CSV_RECORD);
        assert_int_equal(c.fields, count);
        for (size_t i = 0; i < count; i++)
            CHECK_TRUE("what is written is read",
                       sgl_view_eq(c.field[i], sgl_view_cstr(fields[(first + i) % count])));
    }
    sgl_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_a_long_field),
        cmocka_unit_test(test_written_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
