/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions for reports about TLS: summed up, bounded, kept over a restart; a report is made once. */
#include "../../server/store/tlsrpt.h"

#include "../../server/store/report.h"
#include <string.h>
#include <sys/statvfs.h>

#include "store_steps.h"

#define DAY  20000
#define DUE  (int64_t)(DAY + 1) * 86400 + 100
#define V(s) sgl_view_cstr(s)

/* ---- the disk ---- */

static bool no_space;

/* In place of the system's. */
int statvfs(const char *path, struct statvfs *out)
{
    (void)path;
    memset(out, 0, sizeof(*out));
    out->f_frsize = 4096;
    out->f_blocks = 1u << 20;
    out->f_bavail = no_space ? 1 : 1u << 20;
    return 0;
}

/* ---- steps ---- */

static struct tlsrpt_count a_count(const char *result, uint64_t sessions)
{
    return (struct tlsrpt_count){.day = DAY,
                                 .domain = V("a.test"),
                                 .policy = {.type = 1, .strings = V("3 1 1 ab"), .mx = V("")},
                                 .result = V(result),
                                 .sending = V("192.0.2.1"),
                                 .host = V("mx.a.test"),
                                 .receiving = V("192.0.2.2"),
                                 .reason = V("why"),
                                 .sessions = sessions,
                                 .due_at = DUE};
}

static void count(const struct tlsrpt_count *c, size_t n)
{
    struct tlsrpt_op op = {.op = {.kind = STORE_TLSRPT}, .count = c, .counts = n};

    assert_int_equal(store_fixture_run(&fx, &op.op), STORE_OK);
}

static bool put_row(void *ctx, const struct tlsrpt_row *r)
{
    char *text = ctx;
    size_t len = strlen(text);

    if (!r->failure)
        snprintf(text + len, 40000 - len, "%u[%.*s|%.*s] %d+%d; ", r->is.type,
                 SGL_FMT(r->is.strings), SGL_FMT(r->is.mx), (int)r->successes, (int)r->failed);
    else
        snprintf(text + len, 40000 - len, "%.*s %.*s>%.*s %.*s (%.*s) %d; ", SGL_FMT(r->result),
                 SGL_FMT(r->sending), SGL_FMT(r->receiving), SGL_FMT(r->host), SGL_FMT(r->reason),
                 (int)r->sessions);
    return true;
}

static const char *rows(int64_t day, const char *domain)
{
    static char text[40000];

    text[0] = '\0';
    assert_int_equal(store_read_tlsrpt(fx.store, day, V(domain), put_row, text), STORE_OK);
    return text;
}

static bool put_report(void *ctx, const struct store_report *r)
{
    char *text = ctx;
    size_t len = strlen(text);

    snprintf(text + len, 40000 - len, "%d %.*s <%.*s> %s %u %s\"%.*s\"; ", (int)(r->day - DAY),
             SGL_FMT(r->domain), SGL_FMT(r->destination), report_state_name(r->state), r->attempts,
             r->message != 0 ? "mail " : "", SGL_FMT(r->detail));
    return true;
}

static const char *due(int64_t now)
{
    static char text[40000];

    text[0] = '\0';
    assert_int_equal(store_read_reports_due(fx.store, 1u << REPORT_TLS, now, 100, put_report, text),
                     STORE_OK);
    return text;
}

static const char *reports(const char *domain)
{
    static char text[40000];
    struct report_query q = {.from_day = DAY, .domain = V(domain), .max = 100};

    text[0] = '\0';
    assert_int_equal(store_read_reports(fx.store, &q, put_report, text), STORE_OK);
    return text;
}

static enum store_result found(const char *one, const char *other)
{
    sgl_view to[] = {V(one), V(other)};
    struct report_op op = {.op = {.kind = STORE_REPORT},
                           .verb = REPORT_FOUND,
                           .report = {.day = DAY, .domain = V("a.test"), .changed_at = DUE},
                           .destination = to,
                           .destinations = (size_t)(one[0] != 0) + (other[0] != 0)};

    return store_fixture_run(&fx, &op.op);
}

static enum store_result step(const char *to, enum report_state state, int64_t next,
                              struct store_accept *mail)
{
    struct report_op op = {.op = {.kind = STORE_REPORT},
                           .verb = REPORT_STEP,
                           .report = {.day = DAY,
                                      .domain = V("a.test"),
                                      .destination = V(to),
                                      .state = state,
                                      .next_at = next,
                                      .first_at = DUE,
                                      .attempts = 1,
                                      .message = mail == NULL ? 0 : mail->message->id,
                                      .detail = V("x")},
                           .mail = mail};

    return store_fixture_run(&fx, &op.op);
}

/* [RFC 8460 s4.2] success and failure are all sessions, by policy */
static void sums(void **state)
{
    struct tlsrpt_count c[] = {a_count("", 2), a_count("certificate-expired", 3),
                               a_count("certificate-expired", 1), a_count("tlsa-invalid", 1),
                               a_count("", 5)};

    (void)state;
    c[4].policy = (struct tlsrpt_policy){.type = 2, .strings = V("mode: testing"), .mx = V("*.a")};
    count(c, 5);
    count(c, 1);
    assert_string_equal(
        rows(DAY, "a.test"),
        "1[3 1 1 ab|] 4+5; certificate-expired 192.0.2.1>192.0.2.2 mx.a.test (why) 4; "
        "tlsa-invalid 192.0.2.1>192.0.2.2 mx.a.test (why) 1; "
        "2[mode: testing|*.a] 5+0; ");
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    assert_true(strstr(rows(DAY, "a.test"), "1[3 1 1 ab|] 4+5; ") != NULL);
    assert_string_equal(rows(DAY + 1, "a.test"), "");
    assert_string_equal(rows(DAY, "b.test"), "");
}

static void bounded(void **state)
{
    struct tlsrpt_count c[TLSRPT_FAILURES_MAX + 20];
    char host[TLSRPT_FAILURES_MAX + 20][16], strings[TLSRPT_POLICIES_MAX + 3][16];
    const char *text;
    size_t n = sizeof(c) / sizeof(c[0]), lines = 0;

    (void)state;
    for (size_t i = 0; i < n; i++) {
        c[i] = a_count("certificate-expired", 1);
        snprintf(host[i], sizeof(host[i]), "h%zu", i);
        c[i].host = V(host[i]);
    }
    count(c, n);
    count(c, n); /* those that have a row keep it */
    text = rows(DAY, "a.test");
    assert_true(strstr(text, "0+240; ") != NULL);
    assert_true(strstr(text, "certificate-expired >  () 40; ") != NULL);
    for (const char *at = text; (at = strstr(at, "expired ")) != NULL; at++)
        lines++;
    CHECK_TRUE("no more rows", lines <= TLSRPT_FAILURES_MAX + 1);
    for (size_t i = 0; i < TLSRPT_POLICIES_MAX + 3; i++) {
        c[i] = a_count("", 1);
        c[i].domain = V("b.test");
        snprintf(strings[i], sizeof(strings[i]), "3 1 1 %zu", i);
        c[i].policy.strings = V(strings[i]);
    }
    count(c, TLSRPT_POLICIES_MAX + 3);
    CHECK_TRUE("later policies are one", strstr(rows(DAY, "b.test"), "1[|] 3+0; ") != NULL);
}

static void found_and_sent(void **state)
{
    struct tlsrpt_count c = a_count("", 1);
    struct store_sample mail;

    (void)state;
    count(&c, 1);
    c.due_at = DUE + 50; /* the first one counts */
    count(&c, 1);
    assert_string_equal(due(DUE - 1), "");
    assert_string_equal(due(DUE), "0 a.test <> waiting 0 \"\"; ");
    assert_string_equal(reports(""), "");
    assert_int_equal(found("mailto:a@a.test", "https://a.test/"), STORE_OK);
    assert_int_equal(found("mailto:b@a.test", ""), STORE_NOT_FOUND);
    assert_string_equal(due(DUE), "0 a.test <https://a.test/> trying 0 \"\"; "
                                  "0 a.test <mailto:a@a.test> trying 0 \"\"; ");
    count(&c, 1); /* too late: the day does not begin again */
    assert_true(strstr(due(DUE + 1000), "<>") == NULL);
    assert_int_equal(step("https://a.test/", REPORT_TRY, DUE + 900, NULL), STORE_OK);
    assert_string_equal(due(DUE), "0 a.test <mailto:a@a.test> trying 0 \"\"; ");
    store_sample_init(&mail, "a.test", 1, 100);
    assert_int_equal(step("mailto:a@a.test", REPORT_QUEUED, 0, &mail.accept), STORE_OK);
    assert_int_equal(state_of(mail.message.id, 0), RCPT_QUEUED);
    assert_int_equal(step("https://a.test/", REPORT_TAKEN, 0, NULL), STORE_OK);
    assert_string_equal(due(DUE + 100000), "");
    assert_string_equal(reports("a.test"), "0 a.test <https://a.test/> accepted 1 \"x\"; "
                                           "0 a.test <mailto:a@a.test> queued 1 mail \"x\"; ");
    assert_string_equal(reports("b.test"), "");
    store_sample_done(&mail);
}

/* What was sent once is not sent again, whoever thinks so; and the mail of it is not there either. */
static void once(void **state)
{
    struct tlsrpt_count c = a_count("", 1);
    struct store_sample mail, again;
    struct store_message *m = NULL;

    (void)state;
    count(&c, 1);
    assert_int_equal(found("mailto:a@a.test", ""), STORE_OK);
    store_sample_init(&mail, "a.test", 1, 100);
    store_sample_init(&again, "a.test", 1, 100);
    assert_int_equal(step("mailto:a@a.test", REPORT_QUEUED, 0, &mail.accept), STORE_OK);
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    assert_int_equal(step("mailto:a@a.test", REPORT_QUEUED, 0, &again.accept), STORE_NOT_FOUND);
    assert_int_equal(store_read_message(fx.store, again.message.id, &m), STORE_NOT_FOUND);
    assert_int_equal(step("mailto:other@a.test", REPORT_QUEUED, 0, &again.accept), STORE_NOT_FOUND);
    store_sample_done(&mail);
    store_sample_done(&again);
}

static void nobody_asked(void **state)
{
    struct tlsrpt_count c = a_count("tlsa-invalid", 1);

    (void)state;
    count(&c, 1);
    assert_int_equal(found("", ""), STORE_OK);
    assert_string_equal(rows(DAY, "a.test"), "");
    assert_string_equal(due(DUE), "");
}

static void forgotten(void **state)
{
    struct tlsrpt_count c[] = {a_count("tlsa-invalid", 1), a_count("tlsa-invalid", 1)};
    struct report_op op = {
        .op = {.kind = STORE_REPORT}, .verb = REPORT_FORGET, .report = {.day = DAY + 1}};

    (void)state;
    c[1].day = DAY + 1;
    count(c, 2);
    assert_int_equal(store_fixture_run(&fx, &op.op), STORE_OK);
    assert_string_equal(rows(DAY, "a.test"), "");
    assert_true(strstr(rows(DAY + 1, "a.test"), "tlsa-invalid") != NULL);
    assert_string_equal(due(DUE), "1 a.test <> waiting 0 \"\"; ");
}

/* What became of a report is noted on a full disk, too; more mail is not taken. */
static void full(void **state)
{
    struct tlsrpt_count c = a_count("", 1);
    struct store_sample mail;

    (void)state;
    count(&c, 1);
    assert_int_equal(found("mailto:a@a.test", "https://a.test/"), STORE_OK);
    store_fixture_close(&fx);
    no_space = true;
    store_fixture_open(&fx);
    store_sample_init(&mail, "a.test", 1, 100);
    assert_int_equal(step("mailto:a@a.test", REPORT_QUEUED, 0, &mail.accept), STORE_FULL);
    assert_int_equal(step("https://a.test/", REPORT_TAKEN, 0, NULL), STORE_OK);
    assert_int_equal(step("mailto:a@a.test", REPORT_TRY, DUE + 900, NULL), STORE_OK);
    assert_string_equal(due(DUE), "");
    no_space = false;
    store_sample_done(&mail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(sums), STORE_TEST(bounded),      STORE_TEST(found_and_sent),
        STORE_TEST(once), STORE_TEST(nobody_asked), STORE_TEST(forgotten),
        STORE_TEST(full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
