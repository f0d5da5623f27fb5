/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../server/log/log.h"
#include "check.h"

static char text[8192];

/* What one call writes, behind its time. */
static const char *capture(enum log_level level, const char *what, const struct log_field *field,
                           size_t fields)
{
    int ends[2], keep = dup(STDERR_FILENO);
    ssize_t n;
    char *level_at;

    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    dup2(ends[1], STDERR_FILENO);
    log_fields(level, what, field, fields);
    dup2(keep, STDERR_FILENO);
    n = read(ends[0], text, sizeof(text) - 1);
    text[n < 0 ? 0 : n] = '\0';
    close(keep);
    close(ends[0]);
    close(ends[1]);
    level_at = strstr(text, "\"level\"");
    return level_at == NULL ? text : level_at;
}
#define CAPTURE(level, what, ...)                                                                  \
    capture(level, what, (const struct log_field[]){__VA_ARGS__},                                  \
            sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

static void fields_become_json(void **state)
{
    (void)state;
    CHECK_STR("every kind",
              CAPTURE(LOG_INFO_, "delivered", LOG_ID(33), LOG_STR("host", "mx.a.test"),
                      LOG_INT("ms", -12), LOG_BOOL("dane", true)),
              "\"level\":\"info\",\"event\":\"delivered\",\"id\":\"0000000000011\",\"host\":\"mx.a."
              "test\","
              "\"ms\":-12,\"dane\":true}\n");
    CHECK_TRUE("a time first", strncmp(text, "{\"time\":\"20", 10) == 0);
    CHECK_STR("the least number", CAPTURE(LOG_ERROR_, "x", LOG_INT("n", INT64_MIN)),
              "\"level\":\"error\",\"event\":\"x\",\"n\":-9223372036854775808}\n");
}

static void foreign_bytes_are_escaped(void **state)
{
    static const struct {
        const char *rule;
        sgl_view in;
        const char *want;
    } rows[] = {
        {"quote and backslash", SGL_LIT_INIT("a\"b\\c"), "a\\\"b\\\\c"},
        {"line ends cannot forge a line", SGL_LIT_INIT("a\r\nb"), "a\\u000d\\u000ab"},
        {"NUL, escape and delete", SGL_LIT_INIT("\0\x1b\x7f"), "\\u0000\\u001b\\u007f"},
        {"UTF-8 stays", SGL_LIT_INIT("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f"},
        {"what is not UTF-8 is shown as bytes", SGL_LIT_INIT("\xff\xc3"), "\\\\xff\\\\xc3"},
        {"C1 controls", SGL_LIT_INIT("\xc2\x9b"), "\\u009b"},
        {"text that turns itself round", SGL_LIT_INIT("\xe2\x80\xae"), "\\u202e"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char want[200];

        snprintf(want, sizeof(want), "\"level\":\"info\",\"event\":\"x\",\"v\":\"%s\"}\n",
                 rows[i].want);
        CHECK_STR(rows[i].rule, CAPTURE(LOG_INFO_, "x", LOG_VIEW("v", rows[i].in)), want);
    }
}

static void long_texts_are_cut_and_the_line_stays_whole(void **state)
{
    char *big = malloc(100000);
    size_t len;

    (void)state;
    memset(big, 1, 100000);
    CAPTURE(LOG_INFO_, "x", LOG_VIEW("a", sgl_view_of(big, 100000)), LOG_INT("n", 5),
            LOG_VIEW("b", sgl_view_of(big, 100000)), LOG_VIEW("c", sgl_view_of(big, 100000)));
    len = strlen(text);
    CHECK_TRUE("a line of at most 4 KiB", len <= 4096);
    CHECK_STR("that ends as a line", text + len - 6, "...\"}\n");
    memset(big, 'a', 100000);
    CAPTURE(LOG_INFO_, "x", LOG_VIEW("a", sgl_view_of(big, 100000)), LOG_INT("n", 5));
    CHECK_STR("what stands behind a long text stays", text + strlen(text) - 13,
              "a...\",\"n\":5}\n");
    free(big);
}

static void levels_below_the_least_are_silent(void **state)
{
    (void)state;
    CHECK_STR("debug is off at first", CAPTURE(LOG_DEBUG_, "x", LOG_INT("n", 1)), "");
    log_set_level(LOG_WARN_);
    CHECK_STR("info is off now", CAPTURE(LOG_INFO_, "x", LOG_INT("n", 1)), "");
    CHECK_TRUE("it can be asked", !log_wants(LOG_INFO_) && log_wants(LOG_WARN_));
    log_set_level(LOG_INFO_);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_become_json),
        cmocka_unit_test(foreign_bytes_are_escaped),
        cmocka_unit_test(long_texts_are_cut_and_the_line_stays_whole),
        cmocka_unit_test(levels_below_the_least_are_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
