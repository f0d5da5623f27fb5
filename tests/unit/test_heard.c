/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of a report: its sums, in memory that has an end. */
#include "../../server/heard/heard_internal.h"

#include "check.h"
#include "fail_alloc.h"

#define NOW      INT64_C(1800000000)
#define HEAD(id) "<feedback><report_metadata><org_name>O</org_name><report_id>" id "</report_id>"
#define DATES(a, b)                                                                                \
    "<date_range><begin>" a "</begin><end>" b "</end></date_range></report_metadata>"
#define DOMAIN(d) "<policy_published><domain>" d "</domain><p>reject</p></policy_published>"
#define RECORD(ip, n, from)                                                                        \
    "<record><row><source_ip>" ip "</source_ip><count>" n "</count><policy_evaluated>"             \
    "<disposition>reject</disposition><dkim>fail</dkim><spf>fail</spf></policy_evaluated></row>"   \
    "<identifiers><header_from>" from "</header_from></identifiers></record>"
#define WHOLE                                                                                      \
    HEAD("1")                                                                                      \
    DATES("1799900000", "1799986399")                                                              \
    DOMAIN("A.Test.")                                                                              \
    RECORD("192.0.2.1", "5", "a.test")                                                             \
    RECORD("192.0.2.1", "2", "A.TEST") RECORD("192.0.2.2", "1", "a.test") "</feedback>"

static void read_text(struct heard *h, const char *text)
{
    *h = (struct heard){.bytes = sgl_view_cstr(text), .now = NOW};
    heard_read(h);
}

static void summed_up(void **state)
{
    struct heard h;

    (void)state;
    read_text(&h, WHOLE);
    assert_int_equal(h.result, HEARD_KEPT);
    CHECK_VIEW("lower case", h.report.domain, SGL_LIT("a.test"));
    CHECK_VIEW("who", h.report.organization, SGL_LIT("O"));
    CHECK_EQ("same source and result is one", h.report.sources, 2);
    CHECK_EQ("sum", h.report.source[0].messages, 7);
    CHECK_EQ("all", h.report.messages, 8);
    CHECK_EQ("policy", h.report.p, SGL_DMARC_DISPOSITION_REJECT);
    assert_false(h.report.partial);
    heard_end(&h);
}

static const struct {
    const char *name, *text;
    enum heard_result want;
} cases[] = {
    {"nothing", "", HEARD_NONE},
    {"something else", "Subject: x\r\n\r\nhello", HEARD_NONE},
    {"a DOCTYPE", "<!DOCTYPE f>" WHOLE, HEARD_NONE},
    {"no domain", HEAD("1") DATES("1799900000", "1799986399") "</feedback>", HEARD_NONE},
    {"a domain that is none",
     HEAD("1") DATES("1799900000", "1799986399") DOMAIN("a b") "</feedback>", HEARD_NONE},
    {"no time", HEAD("1") "</report_metadata>" DOMAIN("a.test") "</feedback>", HEARD_NONE},
    {"the end before the beginning",
     HEAD("1") DATES("1799900000", "1799899999") DOMAIN("a.test") "</feedback>", HEARD_NONE},
    {"more than 8 days", HEAD("1") DATES("1799000000", "1799691201") DOMAIN("a.test") "</feedback>",
     HEARD_NONE},
    {"8 days", HEAD("1") DATES("1799000000", "1799691200") DOMAIN("a.test") "</feedback>",
     HEARD_KEPT},
    {"a day that has not come",
     HEAD("1") DATES("1800172801", "1800172801") DOMAIN("a.test") "</feedback>", HEARD_NONE},
    {"two days ahead: clocks differ",
     HEAD("1") DATES("1800172800", "1800172800") DOMAIN("a.test") "</feedback>", HEARD_KEPT},
    {"more messages than anybody has",
     HEAD("1") DATES("1799900000", "1799986399") DOMAIN("a.test") RECORD(
         "192.0.2.1", "17179869184", "a.test") RECORD("192.0.2.1", "1", "a.test") "</feedback>",
     HEARD_NONE},
    {"a day whose figures are gone",
     HEAD("1") DATES("1765439999", "1765440000") DOMAIN("a.test") "</feedback>", HEARD_NONE},
};

static void what_is_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct heard h;

        read_text(&h, cases[i].text);
        CHECK_EQ(cases[i].name, h.result, cases[i].want);
        CHECK_EQ(cases[i].name, h.why[0] == '\0', h.result == HEARD_KEPT);
        heard_end(&h);
    }
}

static void one_that_breaks_off_is_partial(void **state)
{
    struct heard h;

    (void)state;
    read_text(&h, HEAD("1") DATES("1799900000", "1799986399") DOMAIN("a.test")
                      RECORD("192.0.2.1", "5", "a.test") "<record><row");
    assert_int_equal(h.result, HEARD_KEPT);
    assert_true(h.report.partial && h.report.messages == 5);
    heard_end(&h);
}

static struct sgl_dmarc_report_record record(uint32_t n, sgl_view from)
{
    uint8_t ip[4] = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};

    return (struct sgl_dmarc_report_record){.ip = sgl_ip_v4(ip),
                                            .count = 2,
                                            .dkim = n % 2 == 0 ? SGL_DMARC_ALIGNED_PASS
                                                               : SGL_DMARC_ALIGNED_FAIL,
                                            .header_from = from};
}

/* Sources that have no room are counted without a name, by their result. */
static void bounded_in_sources(void **state)
{
    struct heard_sums *s = heard_sums_new(1);
    const struct dmarc_source *all;
    uint64_t sum = 0;
    size_t n;

    (void)state;
    for (uint32_t i = 0; i < DMARC_DAY_ROWS + 1000; i++) {
        struct sgl_dmarc_report_record r = record(i, SGL_LIT("a.test"));

        assert_true(heard_sums_add(s, &r));
    }
    all = heard_sums_all(s, &n);
    assert_int_equal(n, DMARC_DAY_ROWS + 2);
    for (size_t i = 0; i < n; i++)
        sum += all[i].messages;
    assert_int_equal(sum, 2 * (DMARC_DAY_ROWS + 1000));
    assert_int_equal(all[n - 1].source.len, 0);
    assert_int_equal(all[n - 1].messages, 1000);
    heard_sums_free(s);
}

/* Rows that differ in one thing alone do not all stand in one slot, where each is compared with all before it. */
static void spread(void **state)
{
    struct heard_sums *s = heard_sums_new(1);
    char text[20];

    (void)state;
    for (int what = 0; what < 7; what++) {
        size_t same = 0, first = 0;

        for (int i = 0; i < 100; i++) {
            struct dmarc_source row = {.source = SGL_LIT_INIT("192.0.2.1")};
            sgl_view *const texts[] = {&row.source,      &row.header_from,   &row.envelope_from,
                                       &row.dkim_domain, &row.dkim_selector, &row.spf_domain};

            snprintf(text, sizeof text, "%d", i);
            if (what < 6)
                *texts[what] = sgl_view_cstr(text);
            else
                row.spf_result = (uint8_t)i;
            first = i == 0 ? heard_sums_slot(s, &row) : first;
            same += heard_sums_slot(s, &row) == first;
        }
        CHECK_TRUE("spread", same < 10);
    }
    heard_sums_free(s);
}

static void texts_can_be_shown(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(4096);
    char text[400];

    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text + 254, "\xc3\xa4", 2);
    CHECK_EQ("cut between characters", heard_text(&arena, sgl_view_of(text, sizeof text)).len, 254);
    CHECK_VIEW("no control", heard_text(&arena, SGL_LIT("a\nb\x1b")), SGL_LIT("a?b?"));
    CHECK_VIEW("a domain", heard_domain(&arena, SGL_LIT("A b\xc3\xa4.Test.")),
               SGL_LIT("a?b??.test"));
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct heard h;

        read_text(&h, WHOLE);
        CHECK_EQ("out of memory", h.result, fail_alloc_hit() ? HEARD_MEMORY : HEARD_KEPT);
        heard_end(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(summed_up),
        cmocka_unit_test(what_is_kept),
        cmocka_unit_test(one_that_breaks_off_is_partial),
        cmocka_unit_test(bounded_in_sources),
        cmocka_unit_test(spread),
        cmocka_unit_test(texts_can_be_shown),
        cmocka_unit_test(each_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
