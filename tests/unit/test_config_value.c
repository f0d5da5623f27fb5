/* SPDX-License-Identifier: Apache-2.0 */
#include "../../server/config/config_value.h"
#include "check.h"

static void numbers_sizes_and_durations(void **state)
{
    static const struct {
        const char *text;
        const char *(*read)(sgl_view, uint64_t *);
        int64_t want; /* -1: refused */
    } rows[] = {
        {"0", value_number, 0},
        {"25", value_number, 25},
        {"-1", value_number, -1},
        {"0x10", value_number, -1},
        {" 1", value_number, -1},
        {"", value_number, -1},
        {"9223372036854775808", value_number, -1},
        {"500", value_size, 500},
        {"64K", value_size, 65536},
        {"36M", value_size, 36 * 1024 * 1024},
        {"1G", value_size, 1073741824},
        {"1T", value_size, -1},
        {"M", value_size, -1},
        {"9999999999G", value_size, -1},
        {"0", value_duration_ms, 0},
        {"500ms", value_duration_ms, 500},
        {"30s", value_duration_ms, 30000},
        {"5m", value_duration_ms, 300000},
        {"4h", value_duration_ms, 14400000},
        {"3d", value_duration_ms, 259200000},
        {"1w", value_duration_ms, 604800000},
        {"30", value_duration_ms, -1},
        {"1h30m", value_duration_ms, -1},
        {"99999999999999999d", value_duration_ms, -1},
        {"true", value_bool, 1},
        {"YES", value_bool, 1},
        {"off", value_bool, 0},
        {"1", value_bool, -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t got = 77;
        const char *wrong = rows[i].read(sgl_view_cstr(rows[i].text), &got);

        CHECK_EQ(rows[i].text, wrong != NULL, rows[i].want < 0);
        CHECK_EQ(rows[i].text, got, rows[i].want < 0 ? 77 : rows[i].want);
    }
}

static void addresses(void **state)
{
    static const struct {
        const char *text;
        uint16_t preset;
        const char *want; /* NULL: refused */
    } rows[] = {
        {"192.0.2.1:587", 0, "192.0.2.1:587"},
        {"[2001:DB8::1]:587", 0, "[2001:db8::1]:587"},
        {"192.0.2.1", 0, NULL},
        {"192.0.2.1", 53, "192.0.2.1:53"},
        {"2001:db8::1", 53, "[2001:db8::1]:53"},
        {"[::1]", 53, "[::1]:53"},
        {"127.0.0.1@5353", 53, "127.0.0.1:5353"},
        {"::1@5353", 53, "[::1]:5353"},
        {"192.0.2.1:", 53, NULL},
        {"192.0.2.1:0", 53, NULL},
        {"192.0.2.1:65536", 0, NULL},
        {"[::1", 53, NULL},
        {"[::1]x", 53, NULL},
        {"localhost:25", 0, NULL},
        {"", 53, NULL},
        {":25", 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config_address a;
        const char *wrong = value_address(sgl_view_cstr(rows[i].text), rows[i].preset, &a);

        CHECK_EQ(rows[i].text, wrong != NULL, rows[i].want == NULL);
        if (wrong == NULL)
            CHECK_STR(rows[i].text, a.text, rows[i].want);
    }
}

static void names(void **state)
{
    char long_label[70];

    (void)state;
    memset(long_label, 'a', 64);
    long_label[64] = '\0';
    CHECK_TRUE("a host", value_host(SGL_LIT("mail.example.org")) == NULL);
    CHECK_TRUE("one label", value_host(SGL_LIT("mail")) == NULL);
    CHECK_TRUE("a final dot", value_host(SGL_LIT("mail.")) != NULL);
    CHECK_TRUE("an empty label", value_host(SGL_LIT("a..b")) != NULL);
    CHECK_TRUE("a hyphen at its start", value_host(SGL_LIT("-a.b")) != NULL);
    CHECK_TRUE("a blank", value_host(SGL_LIT("a b")) != NULL);
    CHECK_TRUE("a long label", value_host(sgl_view_cstr(long_label)) != NULL);
    CHECK_TRUE("a URL", value_url(SGL_LIT("https://mail.example.org")) == NULL);
    CHECK_TRUE("with a port", value_url(SGL_LIT("https://127.0.0.1:8443")) == NULL);
    CHECK_TRUE("without TLS", value_url(SGL_LIT("http://mail.example.org")) != NULL);
    CHECK_TRUE("with a path", value_url(SGL_LIT("https://mail.example.org/a")) != NULL);
    CHECK_TRUE("with a slash", value_url(SGL_LIT("https://mail.example.org/")) != NULL);
    CHECK_TRUE("with a port of 0", value_url(SGL_LIT("https://mail.example.org:0")) != NULL);
    CHECK_TRUE("with half a port", value_url(SGL_LIT("https://mail.example.org:")) != NULL);
    CHECK_TRUE("with a port too many", value_url(SGL_LIT("https://a.test:1:2")) != NULL);
    CHECK_TRUE("with a user", value_url(SGL_LIT("https://me@a.test")) != NULL);
    CHECK_TRUE("without a host", value_url(SGL_LIT("https://")) != NULL);
    CHECK_TRUE("all", value_domain_pattern(SGL_LIT("*")) == NULL);
    CHECK_TRUE("below", value_domain_pattern(SGL_LIT(".example.org")) == NULL);
    CHECK_TRUE("no other stars", value_domain_pattern(SGL_LIT("*.example.org")) != NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_sizes_and_durations),
        cmocka_unit_test(addresses),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
