/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/date.h"

#include "check.h"

#define V(s) sgl_view_cstr(s)

static void writing(void **state)
{
    static const struct {
        sgl_time time;
        const char *want, *internet;
    } cases[] = {
        {0, "Thu, 1 Jan 1970 00:00:00 +0000", "1970-01-01T00:00:00Z"},
        {1795349343, "Sun, 22 Nov 2026 12:09:03 +0000", "2026-11-22T12:09:03Z"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 +0000", "2000-02-29T00:00:00Z"},
        {4107542399, "Sun, 28 Feb 2100 23:59:59 +0000", "2100-02-28T23:59:59Z"},
        {4107542400, "Mon, 1 Mar 2100 00:00:00 +0000", "2100-03-01T00:00:00Z"},
        {-1, "Wed, 31 Dec 1969 23:59:59 +0000", "1969-12-31T23:59:59Z"},
        {INT64_MIN, "Mon, 1 Jan 1900 00:00:00 +0000", "1900-01-01T00:00:00Z"},
        {INT64_MAX, "Fri, 31 Dec 9999 23:59:59 +0000", "9999-12-31T23:59:59Z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) b = SGL_BUF_INIT(100);
        struct sgl_date back;
        sgl_time again;

        sgl_date_put(&b, cases[i].time);
        CHECK_VIEW(cases[i].want, sgl_buf_view(&b), V(cases[i].want));
        CHECK_EQ(cases[i].want, sgl_date_parse(sgl_buf_view(&b), &back, NULL), SGL_OK);
        if (cases[i].time > INT64_MIN && cases[i].time < INT64_MAX)
            CHECK_EQ(cases[i].want, back.time, cases[i].time);
        sgl_buf_reset(&b);
        sgl_date_put_internet(&b, cases[i].time); /* [RFC 3339 s5.6] */
        CHECK_VIEW(cases[i].want, sgl_buf_view(&b), V(cases[i].internet));
        CHECK_EQ(cases[i].want, sgl_date_parse_internet(V(cases[i].internet), &again, NULL),
                 SGL_OK);
        if (cases[i].time > INT64_MIN && cases[i].time < INT64_MAX)
            CHECK_EQ(cases[i].want, again, cases[i].time);
    }
}

/* [RFC 5322 s3.3, s4.3] */
static void reading(void **state)
{
    static const struct {
        const char *name, *text;
        sgl_time want;
        int offset;
    } cases[] = {
        {"the usual form", "Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360},
        {"no day of the week", "21 Nov 1997 09:55:06 -0600", 880127706, -360},
        {"no seconds", "21 Nov 1997 09:55 -0600", 880127700, -360},
        {"a day with a zero", "Sat, 01 Nov 1997 09:55 +0000", 878378100, 0},
        {"two digits of year, old", "21 Nov 97 09:55:06 GMT", 880106106, 0},
        {"two digits of year, new", "21 Nov 26 00:00:00 +0000", 1795219200, 0},
        {"three digits of year", "21 Nov 126 00:00:00 +0000", 1795219200, 0},
        {"named zone", "21 Nov 1997 09:55:06 CST", 880127706, -360},
        {"a military zone means nothing", "21 Nov 1997 09:55:06 R", 880106106, 0},
        {"comments and folds", "Fri,(x)\r\n 21 Nov 1997 09(comment):55:06 -0600 (CST)", 880127706,
         -360},
        {"case does not matter", "fri, 21 NOV 1997 09:55:06 -0600", 880127706, -360},
        {"a leap second", "31 Dec 2016 23:59:60 +0000", 1483228800, 0},
        {"a half-hour zone", "21 Nov 1997 09:55:06 +0530", 880086306, 330},
        {"the wrong day of the week", "Mon, 21 Nov 1997 09:55:06 -0600", -1, 0},
        {"no such day", "31 Nov 1997 09:55:06 -0600", -1, 0},
        {"no leap year", "29 Feb 2100 09:55:06 -0600", -1, 0},
        {"no such hour", "21 Nov 1997 24:55:06 -0600", -1, 0},
        {"no such minute", "21 Nov 1997 09:60:06 -0600", -1, 0},
        {"no such second", "21 Nov 1997 09:55:61 -0600", -1, 0},
        {"no zone", "21 Nov 1997 09:55:06", -1, 0},
        {"a zone of three digits", "21 Nov 1997 09:55:06 -060", -1, 0},
        {"minutes of a zone", "21 Nov 1997 09:55:06 -0660", -1, 0},
        {"no such month", "21 Foo 1997 09:55:06 -0600", -1, 0},
        {"a year of one digit", "21 Nov 7 09:55:06 -0600", -1, 0},
        {"a year of five digits", "21 Nov 19970 09:55:06 -0600", -1, 0},
        {"something behind", "21 Nov 1997 09:55:06 -0600 x", -1, 0},
        {"nothing", "", -1, 0},
        {"ISO 8601", "1997-11-21T09:55:06Z", -1, 0},
        {"asctime", "Fri Nov 21 09:55:06 1997", -1, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sgl_date d = {-7, -7};
        struct sgl_diag diag = {0};
        enum sgl_status st = sgl_date_parse(V(cases[i].text), &d, &diag);

        CHECK_EQ(cases[i].name, st, cases[i].want < 0 ? SGL_E_SYNTAX : SGL_OK);
        CHECK_EQ(cases[i].name, d.time, cases[i].want < 0 ? -7 : cases[i].want);
        CHECK_EQ(cases[i].name, d.offset_min, cases[i].want < 0 ? -7 : cases[i].offset);
        CHECK_TRUE(cases[i].name, (diag.what != NULL) == (st != SGL_OK));
    }
}

/* [RFC 3339 s5.6] */
static void internet(void **state)
{
    static const struct {
        const char *text;
        sgl_time want; /* -1: refused */
    } cases[] = {
        {"2016-04-01T00:00:00Z", 1459468800},
        {"2016-04-01t00:00:00z", 1459468800},
        {"2016-04-01 00:00:00Z", 1459468800},
        {"2016-04-01T23:59:59.999Z", 1459555199},
        {"2016-04-01T24:00:00Z", 1459555200},
        {"2016-04-01T02:00:00+02:00", 1459468800},
        {"2016-03-31T19:00:00-05:00", 1459468800},
        {"2016-12-31T23:59:60Z", 1483228799},
        {"2016-04-01T24:00:01Z", -1},
        {"2016-04-01T23:60:00Z", -1},
        {"2016-04-01T23:59:61Z", -1},
        {"2016-04-01T00:00:00", -1},
        {"2016-04-01T00:00Z", -1},
        {"2016-04-01T00:00:00.Z", -1},
        {"2016-04-01T00:00:00+0200", -1},
        {"2016-04-01T00:00:00+24:00", -1},
        {"2016-04-01T00:00:00ZZ", -1},
        {"2016-04-31T00:00:00Z", -1},
        {"2015-02-29T00:00:00Z", -1},
        {"2016-13-01T00:00:00Z", -1},
        {"2016-00-01T00:00:00Z", -1},
        {"2016-4-01T00:00:00Z", -1},
        {"0000-04-01T00:00:00Z", -1},
        {"20160-04-01T00:00:00Z", -1},
        {"-016-04-01T00:00:00Z", -1},
        {" 2016-04-01T00:00:00Z", -1},
        {"2016-04-01", -1},
        {"", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sgl_diag diag = {0};
        sgl_time got = -2;
        enum sgl_status status = sgl_date_parse_internet(V(cases[i].text), &got, &diag);

        CHECK_EQ(cases[i].text, status, cases[i].want < 0 ? SGL_E_SYNTAX : SGL_OK);
        CHECK_EQ(cases[i].text, got, cases[i].want < 0 ? -2 : cases[i].want);
        CHECK_TRUE(cases[i].text, (diag.what == NULL) == (cases[i].want >= 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(writing), cmocka_unit_test(internet),
                                       cmocka_unit_test(reading)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
