/* SPDX-License-Identifier: Apache-2.0 */
/* DMARC reports of others: each once, summed up, bounded, kept over a restart, gone when they are old. */
#include "../../server/store/dmarc_received.h"
#include "../../server/store/statistics.h"
#include "store_steps.h"

#define V(s) sgl_view_cstr(s)
#define DAY  20000 /* that reports tell of */

static struct dmarc_source a_source(const char *ip, uint8_t dkim, uint8_t spf, uint64_t messages)
{
    return (struct dmarc_source){.source = V(ip),
                                 .header_from = V("a.test"),
                                 .dkim_domain = V("a.test"),
                                 .spf_domain = V("b.test"),
                                 .disposition = dkim == 1 ? 1 : 4,
                                 .dkim = dkim,
                                 .spf = spf,
                                 .messages = messages};
}

static struct dmarc_received a_report(const char *domain, const char *id,
                                      const struct dmarc_source *source, size_t sources)
{
    return (struct dmarc_received){.subscription = V("s1"),
                                   .domain = V(domain),
                                   .organization = V("Sender"),
                                   .report = V(id),
                                   .begin = DAY * INT64_C(86400),
                                   .end = DAY * INT64_C(86400) + 86399,
                                   .at = clock_now_s(),
                                   .verified = true,
                                   .p = SGL_DMARC_DISPOSITION_REJECT,
                                   .source = source,
                                   .sources = sources};
}

static enum store_result add(struct dmarc_received r)
{
    struct dmarc_received_op op = {.op = {.kind = STORE_DMARC_RECEIVED}, .report = &r};

    return store_fixture_run(&fx, &op.op);
}

static bool put(void *ctx, const struct dmarc_figure *f)
{
    char *text = ctx;
    size_t len = strlen(text);

    snprintf(text + len, 4000 - len, "%.*s%d %d/%d dkim=%d spf=%d rejected=%d by=%.*s %d; ",
             SGL_FMT(f->name), (int)f->day, (int)f->passed, (int)f->messages, (int)f->dkim,
             (int)f->spf, (int)f->rejected, SGL_FMT(f->most.spf_domain), (int)f->p);
    return true;
}

static const char *all(enum dmarc_by by, const char *subscription, const char *domain)
{
    static char text[4000];
    struct dmarc_query q = {.subscription = V(subscription),
                            .domain = V(domain),
                            .from_day = 0,
                            .to_day = 30000,
                            .by = by,
                            .max = 10};

    text[0] = '\0';
    assert_int_equal(store_read_dmarc(fx.store, &q, put, text), STORE_OK);
    return text;
}

static void test_each_once(void **state)
{
    const struct dmarc_source source = a_source("192.0.2.1", 1, 2, 5);
    struct dmarc_received later = a_report("a.test", "1", &source, 1), other = later;

    (void)state;
    later.begin += 86400;
    later.end += 86400;
    other.organization = V("Another");
    assert_int_equal(add(a_report("a.test", "1", &source, 1)), STORE_OK);
    assert_int_equal(add(a_report("a.test", "1", &source, 1)), STORE_EXISTS);
    assert_int_equal(add(a_report("b.test", "1", &source, 1)), STORE_OK);
    assert_int_equal(add(later), STORE_OK);
    assert_int_equal(add(other), STORE_OK);
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    assert_int_equal(add(other), STORE_EXISTS);
    assert_string_equal(all(DMARC_BY_ALL, "", ""),
                        "0 20/20 dkim=20 spf=0 rejected=0 by=b.test 0; ");
    assert_string_equal(all(DMARC_BY_DAY, "s1", "a.test"),
                        "20000 10/10 dkim=10 spf=0 rejected=0 by=b.test 0; "
                        "20001 5/5 dkim=5 spf=0 rejected=0 by=b.test 0; ");
    assert_string_equal(all(DMARC_BY_ORG, "", ""),
                        "Sender0 15/15 dkim=15 spf=0 rejected=0 by=b.test 0; "
                        "Another0 5/5 dkim=5 spf=0 rejected=0 by=b.test 0; ");
}

static void test_summed_by_source_and_result(void **state)
{
    struct dmarc_source source[] = {a_source("192.0.2.1", 1, 2, 5), a_source("192.0.2.1", 2, 2, 9),
                                    a_source("192.0.2.2", 1, 1, 3)};

    (void)state;
    source[1].spf_domain = V("c.test");
    assert_int_equal(add(a_report("a.test", "1", source, 3)), STORE_OK);
    assert_string_equal(all(DMARC_BY_SOURCE, "", ""),
                        "192.0.2.10 5/14 dkim=5 spf=0 rejected=9 by=c.test 0; "
                        "192.0.2.20 3/3 dkim=3 spf=3 rejected=0 by=b.test 0; ");
    assert_string_equal(all(DMARC_BY_RESULT, "", ""),
                        "none0 0/9 dkim=0 spf=0 rejected=9 by=c.test 0; "
                        "dkim0 5/5 dkim=5 spf=0 rejected=0 by=b.test 0; "
                        "dkim+spf0 3/3 dkim=3 spf=3 rejected=0 by=b.test 0; ");
    assert_string_equal(all(DMARC_BY_DOMAIN, "", ""),
                        "a.test0 8/17 dkim=8 spf=3 rejected=9 by=c.test 4; ");
    assert_memory_equal(all(DMARC_BY_DOMAIN, "", "A.Test"), "a.test0 8/17 ", 13);
    assert_string_equal(all(DMARC_BY_DOMAIN, "s2", ""), "");
    assert_string_equal(all(DMARC_BY_DOMAIN, "", "b.test"), "");
}

/* The /24 and /48, however an address is written; what is no address has none. */
static void test_by_network(void **state)
{
    const struct dmarc_source source[] = {a_source("192.0.2.1", 1, 2, 5),
                                          a_source("192.0.2.255", 1, 2, 4),
                                          a_source("192.0.20.1", 1, 2, 3),
                                          a_source("2001:db8::1", 1, 2, 2),
                                          a_source("2001:db8:0:1::1", 1, 2, 1),
                                          a_source("2001:db8:1::", 1, 2, 1),
                                          a_source("x", 1, 2, 10)};
    char out[DMARC_NETWORK_SIZE];

    (void)state;
    assert_int_equal(add(a_report("a.test", "1", source, 7)), STORE_OK);
    assert_string_equal(all(DMARC_BY_NETWORK, "", ""),
                        "0 10/10 dkim=10 spf=0 rejected=0 by=b.test 0; "
                        "192.0.2.0/240 9/9 dkim=9 spf=0 rejected=0 by=b.test 0; "
                        "192.0.20.0/240 3/3 dkim=3 spf=0 rejected=0 by=b.test 0; "
                        "2001:db8::/480 3/3 dkim=3 spf=0 rejected=0 by=b.test 0; "
                        "2001:db8:1::/480 1/1 dkim=1 spf=0 rejected=0 by=b.test 0; ");
    assert_int_equal(dmarc_network(V("ffff:ffff:ffff:1::"), out).len, 19);
    assert_int_equal(dmarc_network(V(""), out).len, 0);
}

/* Sources that come when a day of a domain is full are counted without their names. */
static void test_bounded(void **state)
{
    static struct dmarc_source source[DMARC_DAY_ROWS + 2];
    static char name[DMARC_DAY_ROWS + 2][20];
    const struct dmarc_source one = a_source("198.51.100.1", 2, 2, 7);

    (void)state;
    for (int i = 0; i < DMARC_DAY_ROWS + 2; i++) {
        snprintf(name[i], sizeof(name[i]), "10.0.%d.%d", i / 250, i % 250);
        source[i] = a_source(name[i], 1, 2, i < DMARC_DAY_ROWS ? 1 : 50);
    }
    assert_int_equal(add(a_report("a.test", "1", source, DMARC_DAY_ROWS + 2)), STORE_OK);
    assert_int_equal(add(a_report("a.test", "2", &one, 1)), STORE_OK);
    assert_int_equal(add(a_report("b.test", "3", &one, 1)), STORE_OK);
    assert_memory_equal(all(DMARC_BY_SOURCE, "", "a.test"),
                        "0 100/107 dkim=100 spf=0 rejected=7 by= 0; 10.0.0.00 1/1 ", 55);
    assert_string_equal(all(DMARC_BY_SOURCE, "", "b.test"),
                        "198.51.100.10 0/7 dkim=0 spf=0 rejected=7 by=b.test 0; ");
}

/* What anybody may send neither stands in for the true report, nor tells of the policy, nor takes its room. */
static void test_unverified(void **state)
{
    static struct dmarc_source many[DMARC_DAY_ROWS];
    static char name[DMARC_DAY_ROWS][20], id[20];
    const struct dmarc_source one = a_source("198.51.100.1", 1, 1, 7);
    struct dmarc_received forged = a_report("a.test", "1", many, DMARC_DAY_ROWS);

    (void)state;
    for (int i = 0; i < DMARC_DAY_ROWS; i++) {
        snprintf(name[i], sizeof(name[i]), "10.0.%d.%d", i / 250, i % 250);
        many[i] = a_source(name[i], 1, 2, 1);
    }
    forged.verified = false;
    forged.p = SGL_DMARC_DISPOSITION_NONE;
    forged.end += 100;
    assert_int_equal(add(forged), STORE_OK);
    assert_int_equal(add(a_report("a.test", "1", &one, 1)), STORE_OK);
    assert_int_equal(add(a_report("a.test", "1", &one, 1)), STORE_EXISTS);
    assert_int_equal(add(forged), STORE_EXISTS);
    assert_string_equal(all(DMARC_BY_DOMAIN, "", "a.test"),
                        "a.test0 5007/5007 dkim=5007 spf=7 rejected=0 by= 4; ");
    assert_memory_equal(all(DMARC_BY_SOURCE, "", "a.test"),
                        "0 4500/4500 dkim=4500 spf=0 rejected=0 by= 0; "
                        "198.51.100.10 7/7 dkim=7 spf=7 ",
                        75);
    /* Names of those who say that they reported are no new rows where there is no room. */
    for (int i = 0; i < DMARC_DAY_REPORTS_UNVERIFIED + 1; i++) {
        snprintf(id, sizeof(id), "f%d", i);
        forged.report = forged.organization = V(id);
        forged.source = &many[DMARC_DAY_ROWS - 1];
        forged.sources = 1;
        assert_int_equal(add(forged), i < DMARC_DAY_REPORTS_UNVERIFIED ? STORE_OK : STORE_CONFLICT);
    }
    assert_memory_equal(all(DMARC_BY_ORG, "", "a.test"), "0 4700/4700 ", 12);
    assert_int_equal(add(a_report("a.test", "2", &one, 1)), STORE_OK);
}

static void test_old_ones_go(void **state)
{
    const struct dmarc_source source = a_source("192.0.2.1", 1, 2, 5);
    struct dmarc_received old = a_report("a.test", "1", &source, 1),
                          young = a_report("a.test", "2", &source, 1);
    struct store_expire_trail e = {.op = {.kind = STORE_EXPIRE_TRAIL}, .max = 100};
    int64_t now = clock_now_s();

    (void)state;
    old.begin = old.end = now - (STATISTICS_DAYS + 1) * INT64_C(86400);
    young.begin = young.end = now - STATISTICS_DAYS * INT64_C(86400);
    assert_int_equal(add(old), STORE_OK);
    assert_int_equal(add(young), STORE_OK);
    assert_int_equal(store_fixture_run(&fx, &e.op), STORE_OK);
    assert_memory_equal(all(DMARC_BY_ALL, "", ""), "0 5/5 ", 6);
    assert_int_equal(add(old), STORE_OK);
    assert_int_equal(add(young), STORE_EXISTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_each_once),  STORE_TEST(test_summed_by_source_and_result),
        STORE_TEST(test_by_network), STORE_TEST(test_bounded),
        STORE_TEST(test_unverified), STORE_TEST(test_old_ones_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
