/* SPDX-License-Identifier: Apache-2.0 */
/* Bars, shares, the picture and CSV of `sigillo report transit`. */
#include <stdlib.h>

#include "../../cli/transit_chart.h"
#include "check.h"
#include "sigillo/view.h"

/* ---- shares and cells ---- */

static void test_shares(void **state)
{
    static const struct {
        uint64_t part, whole;
        const char *want;
    } rows[] = {
        {0, 0, "0.0 %"},
        {0, 7, "0.0 %"},
        {7, 7, "100.0 %"},
        {1, 3, "33.3 %"},
        {1, 100000, "< 0.1 %"},
        {99999, 100000, "> 99.9 %"},
        {1, UINT64_MAX, "< 0.1 %"},
    };
    char text[16];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_STR(rows[i].want, transit_share(rows[i].part, rows[i].whole, text), rows[i].want);
}

static void check_cells(const uint64_t band[TRANSIT_BANDS], size_t cells)
{
    size_t out[TRANSIT_BANDS], sum = 0, some = 0;

    transit_cells(band, cells, out);
    for (size_t i = 0; i < TRANSIT_BANDS; i++) {
        CHECK_EQ("what is there is seen, and nothing else", out[i] > 0, band[i] > 0);
        some += band[i] > 0;
        sum += out[i];
    }
    CHECK_EQ("as many as there is room for", sum, some == 0 ? 0 : some > cells ? some : cells);
}

static void test_cells(void **state)
{
    uint64_t seed = 7;
    uint64_t even[TRANSIT_BANDS] = {1, 1, 2, 0, 0};
    size_t out[TRANSIT_BANDS];

    (void)state;
    transit_cells(even, 48, out);
    CHECK_TRUE("in proportion", out[0] == 12 && out[1] == 12 && out[2] == 24);
    for (size_t n = 0; n < 20000; n++) {
        uint64_t band[TRANSIT_BANDS];

        for (size_t i = 0; i < TRANSIT_BANDS; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            band[i] = (seed >> 33) % 4 == 0 ? 0 : (seed >> 40) >> (seed % 24);
        }
        check_cells(band, n % 60);
    }
}

/* ---- the chart ---- */

static struct transit_chart chart;

static bool chart_of(const char *json, size_t bars_max, bool trim)
{
    json_t *answer = json_loads(json, 0, NULL);
    bool done;

    assert_non_null(answer);
    transit_chart_done(&chart);
    done = transit_chart_init(&chart, answer, bars_max, trim);
    json_decref(answer);
    return done;
}

#define ROW(day, dane, plain, failed)                                                              \
    "{\"name\":\"" day "\",\"failed\":" failed ",\"mechanisms\":{\"dane\":" dane                   \
    ",\"plain\":" plain "}}"

static void test_days(void **state)
{
    static const char three[] = "{\"from\":\"2026-02-26\",\"to\":\"2026-03-02\",\"rows\":[" ROW(
        "2026-02-28", "3", "1", "0") "," ROW("2026-03-01", "0", "0", "2") "]}";

    (void)state;
    assert_true(chart_of(three, 31, false));
    CHECK_EQ("each day has a bar", chart.bars, 5);
    CHECK_EQ("its own", chart.bar[2].band[0], 3);
    CHECK_EQ("days without mail as well", transit_bar_sum(chart.bar[4].band), 0);
    CHECK_STR("by the calendar", chart.bar[3].day, "2026-03-01");
    CHECK_EQ("what failed", chart.bar[3].failed, 2);
    CHECK_EQ("sums", chart.band[0] + chart.band[4] + chart.failed, 6);
    assert_true(chart_of(three, 31, true));
    CHECK_STR("what is before the first figure can go", chart.bar[0].day, "2026-02-28");
    CHECK_EQ("and nothing else", chart.bars, 3);
}

static void test_many_days(void **state)
{
    static const char year[] = "{\"from\":\"2025-11-24\",\"to\":\"2026-11-23\",\"rows\":[" ROW(
        "2025-11-24", "1", "0", "0") "," ROW("2025-11-30", "2", "0", "0") "," ROW("2025-12-01", "5",
                                                                                  "0", "0") "]}";

    (void)state;
    assert_true(chart_of(year, 92, false));
    CHECK_EQ("a week a bar", chart.days, 7);
    CHECK_EQ("all of them", chart.bars, 53);
    CHECK_EQ("a week's sum", chart.bar[0].band[0], 3);
    CHECK_EQ("and the next one's", chart.bar[1].band[0], 5);
    assert_true(chart_of("{\"from\":\"1970-01-01\",\"to\":\"2026-11-23\",\"rows\":[]}", 31, false));
    CHECK_TRUE("never more bars than there is room for", chart.bars <= 31);
    CHECK_STR("to the last day", chart.to, "2026-11-23");
}

static void test_no_chart(void **state)
{
    static const char *const rows[] = {
        "{}",
        "{\"from\":\"2026-11-23\"}",
        "{\"from\":\"2026-11-23\",\"to\":\"2026-11-22\",\"rows\":[]}",
        "{\"from\":\"x\",\"to\":\"2026-11-22\",\"rows\":[]}",
        "{\"from\":\"2026-11-22x\",\"to\":\"2026-11-22\",\"rows\":[]}",
        "{\"from\":\"1960-01-01\",\"to\":\"1960-01-02\",\"rows\":[]}",
        "{\"from\":7,\"to\":[],\"rows\":{}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_TRUE(rows[i], !chart_of(rows[i], 31, false));
    CHECK_TRUE("rows that are none are passed over",
               chart_of("{\"from\":\"2026-11-22\",\"to\":\"2026-11-22\",\"rows\":[7,{},"
                        "{\"name\":\"2026-11-23\"},{\"name\":\"2026-11-22\",\"failed\":-5,"
                        "\"mechanisms\":{\"dane\":\"x\",\"plain\":-1}}]}",
                        31, false) &&
                   chart.bars == 1 && transit_bar_sum(chart.band) + chart.failed == 0);
}

static void test_huge(void **state)
{
    (void)state;
    assert_true(chart_of(
        "{\"from\":\"2026-11-22\",\"to\":\"2026-11-23\",\"rows\":[" ROW(
            "2026-11-22", "9223372036854775807", "9223372036854775807",
            "9223372036854775807") "," ROW("2026-11-23", "9223372036854775807", "0", "0") "]}",
        31, false));
    CHECK_EQ("sums of figures stay sums", transit_bar_sum(chart.band), 3000000000000000);
}

static const char *lines(bool utf8, bool colour)
{
    static char text[20000];
    struct sgl_buf out = SGL_BUF_INIT(sizeof(text) - 1);

    transit_chart_text(&out, &chart, &(struct transit_style){utf8, colour});
    assert_int_equal(out.status, SGL_OK);
    memcpy(text, out.data, out.len);
    text[out.len] = '\0';
    sgl_buf_done(&out);
    return text;
}

static void test_lines(void **state)
{
    (void)state;
    assert_true(
        chart_of("{\"from\":\"2026-11-21\",\"to\":\"2026-11-23\",\"rows\":[" ROW(
                     "2026-11-21", "36", "12", "0") "," ROW("2026-11-23", "3", "1", "2") "]}",
                 31, false));
    CHECK_STR("in ASCII", lines(false, false),
              "2026-11-21  ####################################............ 48\n"
              "2026-11-22  0\n"
              "2026-11-23  ###. 4, 2 failed\n"
              "## DANE   .. plaintext\n");
    CHECK_TRUE("in blocks", strstr(lines(true, false), "███· 4, 2 failed\n") != NULL);
    CHECK_TRUE("in colour",
               strstr(lines(false, true), "\033[32m###\033[0m\033[31m.\033[0m 4") != NULL);
}

/* ---- the picture ---- */

static const char *picture(const char *about)
{
    static char text[200000];
    struct sgl_buf out = SGL_BUF_INIT(sizeof(text) - 1);

    transit_svg(&out, &chart, sgl_view_cstr(about));
    assert_int_equal(out.status, SGL_OK);
    memcpy(text, out.data, out.len);
    text[out.len] = '\0';
    sgl_buf_done(&out);
    return text;
}

static size_t times(const char *text, const char *what)
{
    size_t n = 0;

    for (; (text = strstr(text, what)) != NULL; text += strlen(what))
        n++;
    return n;
}

static void test_picture(void **state)
{
    const char *svg;

    (void)state;
    assert_true(
        chart_of("{\"from\":\"2026-11-22\",\"to\":\"2026-11-23\",\"rows\":[" ROW(
                     "2026-11-22", "99999", "1", "0") "," ROW("2026-11-23", "0", "0", "2") "]}",
                 92, false));
    svg = picture("a<b>&\"c\001");
    CHECK_TRUE("text is text", strstr(svg, ": a&lt;b&gt;&amp;\"c </text>") != NULL);
    CHECK_TRUE(
        "it has a title and a description",
        strstr(svg, "<title id=\"title\">Mail in transit, 2026-11-22 to 2026-11-23</title>") !=
                NULL &&
            strstr(svg, "99999 by DANE, 1 by plaintext; 2 attempts failed</desc>") != NULL);
    CHECK_TRUE("little is seen", strstr(svg, "<rect class=\"b4\" x=\"254.00\" y=\"108.00\" "
                                             "width=\"56.00\" height=\"2.00\"/>") != NULL);
    CHECK_TRUE("no script, nothing from elsewhere", strstr(svg, "script") == NULL &&
                                                        times(svg, "http") == 1 &&
                                                        strstr(svg, "href") == NULL);
    CHECK_TRUE("each day says what it was",
               strstr(svg, "<title>2026-11-23: nothing delivered; 2 attempts failed</title>") !=
                   NULL);
    CHECK_TRUE("a legend with shares", strstr(svg, ">DANE &gt; 99.9 %</text>") != NULL);
    assert_true(chart_of("{\"from\":\"2026-11-22\",\"to\":\"2026-11-23\",\"rows\":[]}", 92, false));
    CHECK_TRUE("of nothing it says so", strstr(picture(""), "Nothing was delivered") != NULL);
    CHECK_TRUE("not of something", strstr(svg, "Nothing was delivered") != NULL);
}

/* Labels of the axis stand apart, however many days there are; so do the lines of the other one, however much mail. */
static void test_axes(void **state)
{
    static const uint64_t most[] = {0, 1, 7, 8, 9, 41, 999, 1000, 123456, 1000000000000000};

    (void)state;
    for (size_t days = 1; days <= 92; days++) {
        json_t *answer =
            json_pack("{s:s, s:s, s:[]}", "from", "2026-01-01", "to", "2026-01-01", "rows");
        char to[16];

        snprintf(to, sizeof(to), "2026-%02zu-%02zu", 1 + (days - 1) / 28, 1 + (days - 1) % 28);
        json_object_set_new(answer, "to", json_string(to));
        transit_chart_done(&chart);
        assert_true(transit_chart_init(&chart, answer, 92, false));
        CHECK_TRUE("few enough", times(picture(""), "text-anchor=\"middle\"") <= 22);
        json_decref(answer);
    }
    for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
        assert_true(
            chart_of("{\"from\":\"2026-11-22\",\"to\":\"2026-11-22\",\"rows\":[]}", 92, false));
        chart.bar[0].band[0] = most[i];
        CHECK_TRUE("few enough lines", times(picture(""), "<line") <= 9);
        CHECK_TRUE("and two at least", times(picture(""), "<line") >= 2);
    }
}

/* ---- CSV ---- */

static void test_csv(void **state)
{
    static const struct {
        const char *name, *cell, *want;
    } rows[] = {
        {"a plain cell", "good.test", "good.test,"},
        {"an empty one", "", ","},
        {"a comma [RFC 4180 s2]", "a,b", "\"a,b\","},
        {"a quote", "a\"b", "\"a\"\"b\","},
        {"a line end", "a\r\nb", "\"a\r\nb\","},
        {"a formula", "=1+1", "'=1+1,"},
        {"another", "+1", "'+1,"},
        {"another", "-1", "'-1,"},
        {"another", "@SUM(A1)", "'@SUM(A1),"},
        {"behind a tab", "\t=1", "'\t=1,"},
        {"behind a CR", "\r=1", "\"'\r=1\","},
        {"with a comma", "=A1,B1", "\"'=A1,B1\","},
        {"a sign within", "a=b", "a=b,"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sgl_buf out = SGL_BUF_INIT(200);

        transit_csv_put(&out, sgl_view_cstr(rows[i].cell), ",");
        CHECK_VIEW(rows[i].name, sgl_buf_view(&out), sgl_view_cstr(rows[i].want));
        sgl_buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares),   cmocka_unit_test(test_cells),
        cmocka_unit_test(test_days),     cmocka_unit_test(test_many_days),
        cmocka_unit_test(test_no_chart), cmocka_unit_test(test_lines),
        cmocka_unit_test(test_picture),  cmocka_unit_test(test_axes),
        cmocka_unit_test(test_csv),      cmocka_unit_test(test_huge),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    transit_chart_done(&chart);
    return failed;
}
