/* SPDX-License-Identifier: Apache-2.0 */
/* What the query of a read says is taken alike by all reads of the admin API, and mistakes are named. */
#include "admin_fixture.h"

#define V1     "/admin/v1/"
#define TIME   "A time is RFC 3339, seconds since 1970, or a span before now such as 15m, 2h, 3d."
#define NUMBER "A number from 1 to 1000 is wanted."
#define PAGE   "This is not the end of a page."

static void test_times(void **state)
{
    static const struct admin_row rows[] = {
        {"of the audit", "GET", V1 "audit?since=soon", "", 400, "detail", TIME},
        {"of messages", "GET", V1 "messages?since=soon", "", 400, "detail", TIME},
        {"of the usage", "GET", V1 "usage?since=soon", "", 400, "detail", TIME},
        {"of reports that were sent", "GET", V1 "reports/dmarc/sent?since=soon", "", 400, "detail",
         TIME},
        {"of reports that came", "GET", V1 "reports/tls/received?since=soon", "", 400, "detail",
         TIME},
        {"of DMARC, its field", "GET", V1 "reports/dmarc?since=soon", "", 400, "field", "since"},
        {"of DMARC, its end", "GET", V1 "reports/dmarc?until=soon", "", 400, "field", "until"},
        {"of DMARC", "GET", V1 "reports/dmarc?until=soon", "", 400, "detail", TIME},
        {"a day before 1970", "GET", V1 "reports/dmarc?since=100000d", "", 400, "code",
         "time-syntax"},
        {"a day before 1970", "GET", V1 "reports/transit?since=100000d", "", 400, "code",
         "time-syntax"},
        {"as a date", "GET", V1 "reports/dmarc?since=2026-01-02&until=2026-01-03T04:05:06Z", "",
         200, "from", "2026-01-02"},
        {"its end", "GET", V1 "reports/dmarc?since=2026-01-02&until=2026-01-03T04:05:06Z", "", 200,
         "to", "2026-01-03"},
    };

    CHECK_ROWS(*state, rows);
}

static void test_pages(void **state)
{
    static const struct admin_row rows[] = {
        {"of the audit", "GET", V1 "audit?max=0", "", 400, "detail", NUMBER},
        {"of messages", "GET", V1 "messages?max=1001", "", 400, "detail", NUMBER},
        {"of suppressions", "GET", V1 "suppressions?max=x", "", 400, "detail", NUMBER},
        {"of those who send to us", "GET", V1 "reports/reputation?top=1001", "", 400, "field",
         "top"},
        {"of reports that were sent", "GET", V1 "reports/dmarc/sent?max=-1", "", 400, "detail",
         NUMBER},
        {"of DMARC", "GET", V1 "reports/dmarc?max=1001", "", 400, "detail", NUMBER},
        {"the most", "GET", V1 "reports/dmarc?max=1000&skip=2147483647", "", 200, "by", "source"},
        {"no end of a page", "GET", V1 "reports/dmarc?skip=2147483648", "", 400, "detail", PAGE},
        {"no end of a page", "GET", V1 "reports/transit?skip=x", "", 400, "detail", PAGE},
    };

    CHECK_ROWS(*state, rows);
}

static void test_by(void **state)
{
    static const struct admin_row rows[] = {
        {"the first when nothing is said", "GET", V1 "reports/dmarc", "", 200, "by", "source"},
        {"the last", "GET", V1 "reports/dmarc?by=network", "", 200, "by", "network"},
        {"transit, the first", "GET", V1 "reports/transit", "", 200, "by", "day"},
        {"transit, the last", "GET", V1 "reports/transit?by=subscription", "", 200, "by",
         "subscription"},
        {"none of them", "GET", V1 "reports/dmarc?by=week", "", 400, "detail",
         "One of source, network, domain, org, day, result is wanted."},
        {"empty is none of them", "GET", V1 "reports/transit?by=", "", 400, "detail",
         "One of day, domain, sender, subscription is wanted."},
    };

    CHECK_ROWS(*state, rows);
}

/* Reports that are brought: why one is not kept. */
static void test_brought(void **state)
{
    static const struct admin_row rows[] = {
        {"DMARC: no report", "POST", V1 "reports/dmarc", "x", 400, "detail",
         "The report cannot be taken: there is no DMARC report in it."},
        {"TLS: no report", "POST", V1 "reports/tls/received", "x", 400, "detail",
         "The report cannot be taken: there is no report about TLS in it. A report about TLS is "
         "wanted: application/tlsrpt+json or application/tlsrpt+gzip."},
    };

    CHECK_ROWS(*state, rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {ADMIN_TEST(test_times), ADMIN_TEST(test_pages),
                                       ADMIN_TEST(test_by), ADMIN_TEST(test_brought)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
