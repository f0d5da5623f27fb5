/* SPDX-License-Identifier: Apache-2.0 */
/* Limits as text, the shipped figures, and the formula by licences. */
#include "check.h"

#include "../../server/limits/limits.h"

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        bool good;
        enum limit_what what;
        enum limit_window window;
        uint64_t max;
    } rows[] = {
        {"30 messages/minute", true, LIMIT_MESSAGES, LIMIT_MINUTE, 30},
        {"10000 recipients/day", true, LIMIT_RECIPIENTS, LIMIT_DAY, 10000},
        {"100000 internal recipients/day", true, LIMIT_INTERNAL, LIMIT_DAY, 100000},
        {"0 external recipients/hour", true, LIMIT_EXTERNAL, LIMIT_HOUR, 0},
        {"10M bytes/hour", true, LIMIT_BYTES, LIMIT_HOUR, 10485760},
        {"licences 100 external recipients/day", true, LIMIT_EXTERNAL, LIMIT_DAY, 22059},
        {"", false, 0, 0, 0},
        {"30", false, 0, 0, 0},
        {"messages/minute", false, 0, 0, 0},
        {"30 messages", false, 0, 0, 0},
        {"30 messages/week", false, 0, 0, 0},
        {"30 messages/minute/hour", false, 0, 0, 0},
        {"30  messages/minute", false, 0, 0, 0},
        {"-1 messages/minute", false, 0, 0, 0},
        {"10M messages/minute", false, 0, 0, 0},
        {"M bytes/minute", false, 0, 0, 0},
        {"99999999999999999999 messages/minute", false, 0, 0, 0},
        {"9223372036854775807G bytes/minute", false, 0, 0, 0},
        {"licences 100 messages/day", false, 0, 0, 0},
        {"licences external recipients/day", false, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct limit l = {.max = 99};
        const char *why = limit_parse(sgl_view_cstr(rows[i].text), &l);

        CHECK_EQ(rows[i].text, why == NULL, rows[i].good);
        CHECK_EQ(rows[i].text, l.max, rows[i].good ? rows[i].max : 99);
        if (rows[i].good) {
            CHECK_EQ(rows[i].text, l.what, rows[i].what);
            CHECK_EQ(rows[i].text, l.window, rows[i].window);
        }
    }
}

static void test_licences(void **state)
{
    (void)state;
    CHECK_EQ("one licence", limit_external_of_licences(1), 10000);
    CHECK_EQ("a hundred", limit_external_of_licences(100), 22059);
    CHECK_EQ("a thousand", limit_external_of_licences(1000), 72446);
    CHECK_EQ("none at all", limit_external_of_licences(0), 9500);
    CHECK_TRUE("absurd ones have an end", limit_external_of_licences(UINT64_MAX) < 300000000);
}

static void test_shipped(void **state)
{
    static const struct {
        const char *name, *limits;
        unsigned recipients, mib;
    } rows[] = {
        {"managed-test", "5 messages a minute; 10 messages an hour; ", 50, 10},
        {"standard", "30 messages a minute; 100 messages an hour; ", 50, 10},
        {"high-volume", "100000 internal recipients a day; 2000 external recipients a day; ", 0, 0},
        {"mailbox",
         "30 messages a minute; 10000 recipients a day; 2000 external recipients a day; ", 500, 0},
        {"unlimited", "", 0, 0},
    };
    struct limits *l = limits_new();

    (void)state;
    CHECK_EQ("these are all", limit_shipped_count, sizeof(rows) / sizeof(rows[0]));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct limit_profile p;
        char text[512] = "", one[80];

        assert_true(limits_profile(l, rows[i].name, &p));
        for (size_t n = 0; n < p.limits; n++) {
            limit_text(&p.limit[n], one, sizeof(one));
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s; ", one);
        }
        CHECK_STR(rows[i].name, text, rows[i].limits);
        CHECK_EQ(rows[i].name, p.recipients_max, rows[i].recipients);
        CHECK_EQ(rows[i].name, p.size_max, (uint64_t)rows[i].mib << 20);
    }
    limits_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse),
                                       cmocka_unit_test(test_licences),
                                       cmocka_unit_test(test_shipped)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
