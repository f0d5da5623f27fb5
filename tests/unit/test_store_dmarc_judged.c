/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for DMARC reports: summed up, bounded, by the day's last policy; a report of them is another one than that about TLS. */
#include "../../server/store/dmarc_judged.h"

#include <string.h>

#include "../../server/store/report.h"
#include "../../server/store/tlsrpt.h"
#include "store_steps.h"

#define DAY  20000
#define DUE  (int64_t)(DAY + 1) * 86400 + 100
#define V(s) sgl_view_cstr(s)

static struct dmarc_count a_count(const char *record, const char *source, const char *evaluated)
{
    return (struct dmarc_count){.day = DAY,
                                .domain = V("a.test"),
                                .record = V(record),
                                .source = V(source),
                                .evaluated = V(evaluated),
                                .header_from = V("a.test"),
                                .envelope_from = V("b.test"),
                                .dkim = V("pass a.test s"),
                                .spf = V("fail b.test"),
                                .messages = 1,
                                .due_at = DUE};
}

static void count(const struct dmarc_count *c, size_t n)
{
    struct dmarc_count_op op = {.op = {.kind = STORE_DMARC_JUDGED}, .count = c, .counts = n};

    assert_int_equal(store_fixture_run(&fx, &op.op), STORE_OK);
}

struct seen {
    char text[8000];
    size_t rows, bare;
    uint64_t messages;
};

static bool see(void *ctx, const struct dmarc_row *r)
{
    struct seen *s = ctx;
    size_t len = strlen(s->text);

    if (len < 7000)
        snprintf(s->text + len, sizeof(s->text) - len, "%.*s%s %.*s %.*s %d; ", SGL_FMT(r->record),
                 r->former ? "!" : "", SGL_FMT(r->source), SGL_FMT(r->evaluated), (int)r->messages);
    s->rows++;
    s->bare += r->dkim.len == 0 && r->spf.len == 0 && r->envelope_from.len == 0;
    s->messages += r->messages;
    return true;
}

static const struct seen *rows(int64_t day, const char *domain)
{
    static struct seen s;

    memset(&s, 0, sizeof(s));
    assert_int_equal(store_read_dmarc_judged(fx.store, day, V(domain), see, &s), STORE_OK);
    return &s;
}

/* [RFC 9990 s3.1.1.6] one record for each tuple */
static void sums(void **state)
{
    struct dmarc_count c[] = {a_count("p=none", "192.0.2.1", "none fail fail"),
                              a_count("p=none", "192.0.2.1", "none fail fail"),
                              a_count("p=none", "192.0.2.2", "none pass fail"),
                              a_count("p=none", "192.0.2.1", "none fail fail"),
                              a_count("p=none", "192.0.2.1", "none fail fail")};

    (void)state;
    c[3].domain = V("b.test");
    c[4].day = DAY + 1;
    count(c, 5);
    count(c, 1);
    assert_string_equal(rows(DAY, "a.test")->text,
                        "p=none 192.0.2.1 none fail fail 3; p=none 192.0.2.2 none pass fail 1; ");
    assert_int_equal(rows(DAY, "b.test")->messages, 1);
    assert_int_equal(rows(DAY + 1, "a.test")->messages, 1);
    assert_int_equal(rows(DAY + 2, "a.test")->rows, 0);
}

/* [RFC 9990 s3.1, s3.3] the last policy of the day is the report's, also when it is one that was there before */
static void the_last_policy(void **state)
{
    struct dmarc_count none = a_count("p=none", "192.0.2.1", "none fail fail");
    struct dmarc_count reject = a_count("p=reject", "192.0.2.1", "reject fail fail");
    struct dmarc_count other = none;

    (void)state;
    count(&none, 1);
    count(&reject, 1);
    count(&reject, 1);
    assert_string_equal(rows(DAY, "a.test")->text, "p=reject 192.0.2.1 reject fail fail 2; "
                                                   "p=reject! 192.0.2.1 none fail fail 1; ");
    count(&none, 1);
    count(&none, 1);
    assert_string_equal(rows(DAY, "a.test")->text, "p=none 192.0.2.1 none fail fail 3; "
                                                   "p=none! 192.0.2.1 reject fail fail 2; ");
    other.rules = 1; /* found in another way: another policy, and equal rows are one */
    count(&other, 1);
    assert_string_equal(rows(DAY, "a.test")->text, "p=none 192.0.2.1 none fail fail 4; "
                                                   "p=none! 192.0.2.1 reject fail fail 2; ");
}

static void there_is_an_end(void **state)
{
    static struct dmarc_count c[DMARC_ROWS_MAX + 500];
    static char source[DMARC_ROWS_MAX + 500][20];
    size_t n = sizeof(c) / sizeof(c[0]);
    const struct seen *seen;
    char record[DMARC_POLICIES_MAX + 5][20];

    (void)state;
    for (size_t i = 0; i < n; i++) {
        snprintf(source[i], sizeof(source[i]), "10.%zu.%zu.1", i >> 8, i & 255);
        c[i] = a_count("p=none", source[i], "none fail fail");
    }
    count(c, n);
    seen = rows(DAY, "a.test");
    assert_int_equal(seen->rows, n);
    assert_int_equal(seen->bare, 500);
    for (size_t i = 0; i < n; i++)
        c[i].dkim = V("fail x.test y");
    count(c, n); /* rows that are there without details take them */
    for (size_t i = 0; i < n; i++)
        c[i].source = V("2001:db8::1");
    count(c, n); /* and one more of these */
    seen = rows(DAY, "a.test");
    assert_int_equal(seen->rows, 2 * DMARC_ROWS_MAX);
    for (size_t i = 0; i < DMARC_POLICIES_MAX + 5; i++) {
        snprintf(record[i], sizeof(record[i]), "p=none; x=%zu", i);
        c[i] = a_count(record[i], "192.0.2.1", "none fail fail");
        c[i].domain = V("many.test");
    }
    count(c, DMARC_POLICIES_MAX + 5);
    seen = rows(DAY, "many.test");
    assert_int_equal(seen->rows, 1);
    assert_int_equal(seen->messages, DMARC_POLICIES_MAX + 5);
}

/* ---- reports ---- */

static bool put_report(void *ctx, const struct store_report *r)
{
    char *text = ctx;
    size_t len = strlen(text);

    snprintf(text + len, 4000 - len, "%d:%.*s <%.*s> %s; ", (int)r->kind, SGL_FMT(r->domain),
             SGL_FMT(r->destination), report_state_name(r->state));
    return true;
}

static const char *due(unsigned wanted)
{
    static char text[4000];

    text[0] = '\0';
    assert_int_equal(store_read_reports_due(fx.store, wanted, DUE, 10, put_report, text), STORE_OK);
    return text;
}

static enum store_result run(enum report_kind kind, enum report_verb verb, const char *to)
{
    sgl_view uri = V(to);
    struct report_op op = {.op = {.kind = STORE_REPORT},
                           .verb = verb,
                           .report = {.kind = kind,
                                      .day = verb == REPORT_FORGET ? DAY + 1 : DAY,
                                      .domain = V("a.test"),
                                      .destination = uri,
                                      .changed_at = DUE,
                                      .state = REPORT_QUEUED},
                           .destination = &uri,
                           .destinations = uri.len > 0};

    return store_fixture_run(&fx, &op.op);
}

static void count_sessions(void)
{
    struct tlsrpt_count c = {.day = DAY, .domain = V("a.test"), .sessions = 1, .due_at = DUE};
    struct tlsrpt_op op = {.op = {.kind = STORE_TLSRPT}, .count = &c, .counts = 1};

    assert_int_equal(store_fixture_run(&fx, &op.op), STORE_OK);
}

static void kinds_are_apart(void **state)
{
    struct dmarc_count c = a_count("p=none", "192.0.2.1", "none fail fail");

    (void)state;
    count_sessions();
    count(&c, 1);
    assert_string_equal(due(3), "0:a.test <> waiting; 1:a.test <> waiting; ");
    assert_string_equal(due(2), "1:a.test <> waiting; ");
    assert_int_equal(run(REPORT_DMARC, REPORT_FOUND, "mailto:a@a.test"), STORE_OK);
    assert_int_equal(run(REPORT_DMARC, REPORT_FOUND, "mailto:a@a.test"), STORE_NOT_FOUND);
    assert_string_equal(due(2), "1:a.test <mailto:a@a.test> trying; ");
    assert_int_equal(run(REPORT_TLS, REPORT_STEP, "mailto:a@a.test"), STORE_NOT_FOUND);
    assert_int_equal(run(REPORT_DMARC, REPORT_STEP, "mailto:a@a.test"), STORE_OK);
    assert_int_equal(run(REPORT_DMARC, REPORT_STEP, "mailto:a@a.test"), STORE_NOT_FOUND);
    assert_string_equal(due(3), "0:a.test <> waiting; ");
    count(&c, 1); /* late; the day has its report */
    assert_string_equal(due(3), "0:a.test <> waiting; ");
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    assert_int_equal(rows(DAY, "a.test")->messages, 2);
    assert_int_equal(run(REPORT_TLS, REPORT_FORGET, ""), STORE_OK);
    assert_int_equal(rows(DAY, "a.test")->messages, 2);
    assert_string_equal(due(3), "");
    assert_int_equal(run(REPORT_DMARC, REPORT_FORGET, ""), STORE_OK);
    assert_int_equal(rows(DAY, "a.test")->messages, 0);
}

static void nobody_asks(void **state)
{
    struct dmarc_count c = a_count("p=none", "192.0.2.1", "none fail fail");

    (void)state;
    count(&c, 1);
    assert_int_equal(run(REPORT_DMARC, REPORT_FOUND, ""), STORE_OK);
    assert_int_equal(rows(DAY, "a.test")->rows, 0);
    assert_string_equal(due(3), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(sums),
        STORE_TEST(the_last_policy),
        STORE_TEST(there_is_an_end),
        STORE_TEST(kinds_are_apart),
        STORE_TEST(nobody_asks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
