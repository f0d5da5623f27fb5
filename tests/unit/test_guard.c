/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of bulk mail, each kept and broken; who hears of it; what comes back after a restart. */
#include "store_fixture.h"

#include "../../server/guard/guard.h"
#include "fail_alloc.h"

#define H     INT64_C(3600000)
#define BEGAN (INT64_C(1790000000000))

static struct store_fixture fx;
static struct guard *guard;
static struct config config;

static void configure(enum config_guard action)
{
    config = (struct config){.guard = {.action = action,
                                       .near_percent = 80,
                                       .complaints_warn = 10,
                                       .complaints_stop = 30,
                                       .complaints_messages = 1000}};
}

static int setup(void **state)
{
    (void)state;
    store_fixture_init(&fx);
    configure(GUARD_STOP);
    guard = guard_new(fx.store, &config);
    assert_non_null(guard);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    guard_free(guard);
    store_fixture_done(&fx);
    return 0;
}

/* What the guard has submitted is in the store when this returns. */
static void settle(void)
{
    struct store_noun noun = {.kind = SGL_LIT("test"),
                              .key = SGL_LIT("settled"),
                              .value = SGL_LIT("{}"),
                              .version = STORE_NOUN_ANY};
    struct store_noun_op op = {.op = {.kind = STORE_NOUN_PUT}, .noun = &noun, .nouns = 1};

    assert_int_equal(store_fixture_run(&fx, &op.op), STORE_OK);
}

static void restart(void)
{
    settle();
    guard_free(guard);
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    guard = guard_new(fx.store, &config);
    assert_non_null(guard);
}

/* ---- mail ---- */

#define COPIES_MAX 6000
static struct store_rcpt rcpt[COPIES_MAX];
static struct store_message message;

static struct guard_mail mail_of(const char *domain, const char *to, size_t copies, int64_t now_ms)
{
    for (size_t i = 0; i < copies; i++)
        rcpt[i] = (struct store_rcpt){.domain = sgl_view_cstr(to)};
    message = (struct store_message){.rcpt = rcpt, .rcpts = copies, .accepted_at = now_ms};
    return (struct guard_mail){.domain = sgl_view_cstr(domain),
                               .subscription = SGL_LIT("tenant"),
                               .message = &message,
                               .dmarc = GUARD_PRESENT,
                               .spf = GUARD_PRESENT,
                               .dkim = GUARD_PRESENT};
}

static struct guard_ticket ticket;
static struct guard_refusal refusal;

static bool take(const struct guard_mail *mail)
{
    refusal = (struct guard_refusal){.text = ""};
    return guard_take(guard, mail, &ticket, &refusal);
}

static bool send_copies(const char *domain, const char *to, size_t copies, int64_t now_ms)
{
    struct guard_mail mail = mail_of(domain, to, copies, now_ms);

    return take(&mail);
}

static struct guard_report report;

static const struct guard_count *counted(const char *domain, const char *receiver, int64_t now_ms)
{
    static const struct guard_count none;

    guard_report(guard, sgl_view_cstr(domain), now_ms, &report);
    for (size_t i = 0; i < report.counts; i++)
        if (strcmp(report.count[i].receiver, receiver) == 0)
            return &report.count[i];
    return &none;
}

/* ---- the audit ---- */

struct heard {
    unsigned warned, stopped;
    char detail[512], object[256], subscription[64];
};

static bool hear(void *ctx, const struct store_audit *a)
{
    struct heard *h = ctx;

    h->warned += sgl_view_eq(a->action, SGL_LIT("guard warn"));
    h->stopped += sgl_view_eq(a->action, SGL_LIT("guard stop"));
    snprintf(h->detail, sizeof(h->detail), "%.*s", SGL_FMT(a->detail));
    snprintf(h->object, sizeof(h->object), "%.*s", SGL_FMT(a->object));
    snprintf(h->subscription, sizeof(h->subscription), "%.*s", SGL_FMT(a->subscription));
    return true;
}

static struct heard heard(void)
{
    struct store_audit_filter f = {.actor = SGL_LIT("system:guard")};
    struct heard h = {.warned = 0};

    settle();
    assert_int_equal(store_read_audit(fx.store, &f, hear, &h), STORE_OK);
    return h;
}

/* ---- rules ---- */

static void test_rules(void **state)
{
    static const struct {
        const char *name;
        const char *to;
        size_t before, copies;
        uint32_t complaints;
        enum guard_seen dmarc, spf, dkim;
        bool list;
        const char *warned, *stopped; /* causes, or "" */
    } rows[] = {
#define ALL GUARD_PRESENT, GUARD_PRESENT, GUARD_PRESENT
        {"much mail with all records is fine", "gmail.com", 5999, 1, 0, ALL, false, "", ""},
        {"little mail without DMARC is fine", "gmail.com", 3998, 1, 0, GUARD_MISSING, GUARD_PRESENT,
         GUARD_PRESENT, false, "", ""},
        {"at 80 % of the bulk figure DMARC is asked for", "gmail.com", 3999, 1, 0, GUARD_MISSING,
         GUARD_PRESENT, GUARD_PRESENT, false, "no-dmarc", ""},
        {"the last one below the figure passes", "googlemail.com", 4998, 1, 0, GUARD_MISSING,
         GUARD_PRESENT, GUARD_PRESENT, false, "no-dmarc", ""},
        {"the one that would reach it does not", "gmail.com", 4999, 1, 0, GUARD_MISSING,
         GUARD_PRESENT, GUARD_PRESENT, false, "", "no-dmarc"},
        {"copies of one message are counted each", "hotmail.com", 4000, 1000, 0, GUARD_MISSING,
         GUARD_PRESENT, GUARD_PRESENT, false, "", "no-dmarc"},
        {"no receiver is named: no figure", "example.net", 5500, 400, 0, GUARD_MISSING,
         GUARD_MISSING, GUARD_MISSING, false, "", ""},
        {"what is not known of DMARC is not held against anybody", "gmail.com", 5000, 1, 0,
         GUARD_UNKNOWN, GUARD_UNKNOWN, GUARD_UNKNOWN, false, "", ""},
        {"bulk mail needs SPF", "aol.com", 4999, 1, 0, GUARD_PRESENT, GUARD_MISSING, GUARD_PRESENT,
         false, "", "no-spf-dkim"},
        {"and DKIM", "yahoo.com", 4999, 1, 0, GUARD_PRESENT, GUARD_PRESENT, GUARD_MISSING, false,
         "", "no-spf-dkim"},
        {"near the figure it is told", "msn.com", 4500, 1, 0, GUARD_PRESENT, GUARD_PRESENT,
         GUARD_MISSING, false, "no-spf-dkim", ""},
        {"complaints below 0.1 % are fine", "gmail.com", 2001, 1, 2, ALL, false, "", ""},
        {"at 0.1 % they are told", "gmail.com", 2000, 1, 2, ALL, false, "complaints", ""},
        {"just below 0.3 % still only told", "gmail.com", 2001, 1, 6, ALL, false, "complaints", ""},
        {"at 0.3 % they stop", "gmail.com", 2000, 1, 6, ALL, false, "complaints", "complaints"},
        {"one complaint of ten messages is no rate", "gmail.com", 10, 1, 1, ALL, false, "", ""},
        {"of 999 neither", "gmail.com", 999, 1, 99, ALL, false, "", ""},
        {"where no receiver is named, too", "example.net", 1000, 1, 3, ALL, false, "complaints",
         "complaints"},
        {"list mail without one click", "example.net", 0, 1, 0, ALL, true, "", "no-one-click"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char domain[64];
        struct guard_mail mail;
        struct heard h, was = heard();
        bool passes;

        snprintf(domain, sizeof(domain), "row%zu.test", i);
        if (rows[i].before > 0)
            CHECK_TRUE(rows[i].name, send_copies(domain, rows[i].to, rows[i].before, BEGAN));
        if (rows[i].complaints > 0)
            guard_complaint(guard, sgl_view_cstr(domain), SGL_LIT("tenant"),
                            sgl_view_cstr(rows[i].to), rows[i].complaints, BEGAN);
        mail = mail_of(domain, rows[i].to, rows[i].copies, BEGAN + 1);
        mail.dmarc = rows[i].dmarc;
        mail.spf = rows[i].spf;
        mail.dkim = rows[i].dkim;
        mail.list_without_one_click = rows[i].list;
        passes = take(&mail);
        CHECK_EQ(rows[i].name, passes, rows[i].stopped[0] == '\0');
        h = heard();
        CHECK_EQ(rows[i].name, h.warned - was.warned, rows[i].warned[0] != '\0');
        CHECK_EQ(rows[i].name, h.stopped - was.stopped, rows[i].stopped[0] != '\0');
        if (!passes) {
            CHECK_STR(rows[i].name, guard_cause_name(refusal.cause), rows[i].stopped);
            CHECK_EQ("nothing is counted of what is refused",
                     counted(domain, "gmail", BEGAN + 1)->messages,
                     strstr(rows[i].to, "gmail") != NULL || strstr(rows[i].to, "googlemail") != NULL
                         ? rows[i].before
                         : 0);
        }
    }
}

static void test_warn_and_off(void **state)
{
    struct guard_mail mail;
    struct heard h;

    (void)state;
    configure(GUARD_WARN);
    assert_true(guard_configure(guard, &config));
    assert_true(send_copies("a.test", "gmail.com", 5000, BEGAN));
    mail = mail_of("a.test", "gmail.com", 1, BEGAN);
    mail.dmarc = GUARD_MISSING;
    mail.list_without_one_click = true;
    CHECK_TRUE("with the action warn nothing is refused", take(&mail));
    h = heard();
    CHECK_EQ("both are told", h.warned, 2);
    CHECK_EQ("as warnings", h.stopped, 0);
    configure(GUARD_OFF);
    assert_true(guard_configure(guard, &config));
    mail = mail_of("b.test", "gmail.com", 1, BEGAN);
    mail.list_without_one_click = true;
    CHECK_TRUE("with off nobody looks", take(&mail));
    CHECK_EQ("and nobody is told", heard().warned, 2);
    CHECK_EQ("nor is it counted", ticket.used, 0);
}

/* ---- who is counted where ---- */

static void test_counting(void **state)
{
    static const char *const own[] = {"Gmail.com", "corp.test"};
    struct config_receiver receiver = {
        .name = "ours", .domain = (const char **)(uintptr_t)own, .domains = 2, .messages = 10};
    struct guard_mail mail;

    (void)state;
    assert_true(send_copies("example.co.uk", "gmail.com", 3, BEGAN));
    assert_true(send_copies("mail.example.co.uk", "googlemail.com", 4, BEGAN));
    CHECK_EQ("subdomains count with their organisation",
             counted("news.example.co.uk", "gmail", BEGAN)->messages, 7);
    CHECK_STR("which is below the public suffix", report.organisation, "example.co.uk");
    CHECK_EQ("with the receiver's figure", report.count[0].limit, 5000);
    assert_true(send_copies("other.co.uk", "gmail.com", 1, BEGAN));
    CHECK_EQ("others do not", counted("example.co.uk", "gmail", BEGAN)->messages, 7);
    mail = mail_of("example.co.uk", "gmail.com", 4, BEGAN);
    rcpt[1].domain = SGL_LIT("live.com");
    rcpt[2].domain = SGL_LIT("else.test");
    rcpt[3].state = RCPT_SUPPRESSED;
    assert_true(take(&mail));
    CHECK_EQ("each receiver gets its own", counted("example.co.uk", "microsoft", BEGAN)->messages,
             1);
    CHECK_EQ("the rest is other", counted("example.co.uk", "other", BEGAN)->messages, 1);
    CHECK_EQ("who is suppressed is not counted", counted("example.co.uk", "gmail", BEGAN)->messages,
             8);
    guard_give_back(guard, &ticket);
    CHECK_EQ("what was given back is not there", counted("example.co.uk", "gmail", BEGAN)->messages,
             7);
    CHECK_EQ("all of it", counted("example.co.uk", "other", BEGAN)->messages, 0);
    config.receiver = &receiver;
    config.receivers = 1;
    assert_true(guard_configure(guard, &config));
    assert_true(send_copies("example.co.uk", "gmail.com", 2, BEGAN));
    CHECK_EQ("a configured receiver takes a domain of a shipped one",
             counted("example.co.uk", "ours", BEGAN)->messages, 2);
    CHECK_EQ("what was counted before stays", counted("example.co.uk", "gmail", BEGAN)->messages,
             7);
    CHECK_EQ("a day later it is over", counted("example.co.uk", "gmail", BEGAN + 25 * H)->messages,
             0);
}

/* ---- since when, and how often ---- */

static bool broken_at(int64_t now_ms)
{
    struct guard_mail mail = mail_of("list.test", "example.net", 1, now_ms);

    mail.list_without_one_click = true;
    return take(&mail);
}

static void test_once_a_day(void **state)
{
    struct heard h;

    (void)state;
    assert_false(broken_at(BEGAN));
    assert_false(broken_at(BEGAN + H));
    assert_false(broken_at(BEGAN + 23 * H));
    h = heard();
    CHECK_EQ("one line a day", h.stopped, 1);
    CHECK_STR("of the domain", h.object, "domain:list.test");
    CHECK_STR("and of its tenant", h.subscription, "tenant");
    CHECK_TRUE(h.detail, strncmp(h.detail, "no-one-click: List mail of list.test", 36) == 0);
    assert_false(broken_at(BEGAN + 24 * H));
    CHECK_EQ("and the next on the next day", heard().stopped, 2);
    guard_report(guard, SGL_LIT("list.test"), BEGAN + 25 * H, &report);
    CHECK_EQ("it is one cause", report.causes, 1);
    CHECK_EQ("since the first", report.told[0].since_ms, BEGAN);
    CHECK_EQ("until the last", report.told[0].last_ms, BEGAN + 24 * H);
    CHECK_TRUE("for which something was refused", report.told[0].stopped);
    guard_report(guard, SGL_LIT("list.test"), BEGAN + 49 * H, &report);
    CHECK_EQ("not seen for a day it is over", report.causes, 0);
    assert_false(broken_at(BEGAN + 60 * H));
    guard_report(guard, SGL_LIT("list.test"), BEGAN + 60 * H, &report);
    CHECK_EQ("and the next one begins anew", report.told[0].since_ms, BEGAN + 60 * H);
}

static void test_a_quiet_day(void **state)
{
    struct guard_mail mail;

    (void)state;
    assert_true(send_copies("q.test", "gmail.com", 5000, BEGAN));
    guard_complaint(guard, SGL_LIT("q.test"), SGL_LIT("t"), SGL_LIT("gmail.com"), 90, BEGAN);
    CHECK_TRUE("on that day it is refused", !send_copies("q.test", "gmail.com", 1, BEGAN + H));
    mail = mail_of("q.test", "gmail.com", 1, BEGAN + 25 * H);
    mail.dmarc = GUARD_MISSING;
    CHECK_TRUE("the first of another day passes", take(&mail));
}

static bool count_noun(void *ctx, const struct store_noun *n)
{
    (void)n;
    ++*(unsigned *)ctx;
    return true;
}

static unsigned nouns(void)
{
    unsigned count = 0;

    settle();
    assert_int_equal(store_read_nouns(fx.store, SGL_LIT("guard"), count_noun, &count), STORE_OK);
    return count;
}

static void test_mended(void **state)
{
    struct guard_mail mail;

    (void)state;
    assert_true(send_copies("m.test", "gmail.com", 5000, BEGAN));
    mail = mail_of("m.test", "gmail.com", 1, BEGAN);
    mail.dmarc = GUARD_MISSING;
    assert_false(take(&mail));
    guard_report(guard, SGL_LIT("m.test"), BEGAN, &report);
    CHECK_EQ("there is a cause", report.causes, 1);
    CHECK_EQ("which is stored", nouns(), 1);
    CHECK_STR(
        "its text names domain, figure and what to do", report.told[0].text,
        "5001 messages of m.test to gmail in 24 hours and no DMARC record, which it wants from "
        "5000 on: publish one at _dmarc.m.test, as sigillo domain records says");
    assert_true(send_copies("m.test", "gmail.com", 1, BEGAN + 1));
    guard_report(guard, SGL_LIT("m.test"), BEGAN + 1, &report);
    CHECK_EQ("once the record is there it is over", report.causes, 0);
    CHECK_EQ("and nothing of it is kept", nouns(), 0);
    restart();
    guard_load(guard, BEGAN + 2);
    guard_report(guard, SGL_LIT("m.test"), BEGAN + 2, &report);
    CHECK_EQ("in the store, too", report.causes, 0);
}

/* ---- the next life ---- */

static void store_ticket(void)
{
    static struct store_sample s;

    store_sample_init(&s, "gmail.com", 1, 100);
    s.accept.tally = ticket.tally;
    s.accept.tallies = ticket.used;
    s.accept.op.kind = STORE_ACCEPT;
    assert_int_equal(store_fixture_run(&fx, &s.accept.op), STORE_OK);
    body_unref(s.body);
}

static void test_restart(void **state)
{
    struct guard_mail mail;
    const struct guard_count *c;

    (void)state;
    assert_true(send_copies("news.r.test", "gmail.com", 900, BEGAN - 30 * H));
    store_ticket();
    assert_true(send_copies("news.r.test", "gmail.com", 2000, BEGAN - 20 * H));
    store_ticket();
    assert_true(send_copies("news.r.test", "gmail.com", 500, BEGAN));
    store_ticket();
    assert_true(send_copies("news.r.test", "gmail.com", 70, BEGAN)); /* never stored */
    guard_complaint(guard, SGL_LIT("news.r.test"), SGL_LIT("tenant"), SGL_LIT("gmail.com"), 3,
                    BEGAN);
    mail = mail_of("news.r.test", "gmail.com", 1, BEGAN);
    mail.list_without_one_click = true;
    assert_false(take(&mail));
    restart();
    CHECK_EQ("a new guard knows nothing", counted("r.test", "gmail", BEGAN)->messages, 0);
    guard_load(guard, BEGAN + H);
    c = counted("news.r.test", "gmail", BEGAN + H);
    CHECK_EQ("what was accepted in the last day has come back", c->messages, 2500);
    CHECK_EQ("and complaints", c->complaints, 3);
    CHECK_EQ("both causes of it", report.causes, 2);
    for (size_t i = 0; i < report.causes; i++)
        CHECK_EQ("since they began", report.told[i].since_ms, BEGAN);
    mail = mail_of("news.r.test", "gmail.com", 1, BEGAN + H);
    mail.list_without_one_click = true;
    CHECK_TRUE("it is refused again", !take(&mail));
    CHECK_EQ("and not told again on the same day", heard().stopped, 1);
    CHECK_EQ("after the day it has left the counts",
             counted("r.test", "gmail", BEGAN + 6 * H)->messages, 500);
}

static void test_old_causes_go(void **state)
{
    (void)state;
    assert_false(broken_at(BEGAN));
    restart();
    guard_load(guard, BEGAN + 100 * H);
    guard_report(guard, SGL_LIT("list.test"), BEGAN, &report);
    CHECK_EQ("what is over is not read", report.causes, 0);
    restart();
    guard_load(guard, BEGAN + H);
    guard_report(guard, SGL_LIT("list.test"), BEGAN + H, &report);
    CHECK_EQ("and was taken out", report.causes, 0);
}

/* ---- without memory ---- */

/* It fails open: what it cannot count passes, and what it counted is right. */
static void test_no_memory(void **state)
{
    char domain[64];

    (void)state;
    fail_alloc_this_thread();
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct guard *other = guard_new(fx.store, &config);
        bool told;

        CHECK_TRUE("without memory there is no guard", (other != NULL) != fail_alloc_hit());
        if (other == NULL)
            continue;
        told = guard_configure(other, &config);
        CHECK_TRUE("or it stays as it was", told != fail_alloc_hit());
        guard_free(other);
    }
    for (size_t n = 1; fail_alloc_round(n); n++) {
        snprintf(domain, sizeof(domain), "mail.n%zu.test", n);
        CHECK_TRUE("mail passes", send_copies(domain, "gmail.com", 2, BEGAN));
        CHECK_EQ("counted or not", ticket.used, !fail_alloc_hit());
        guard_complaint(guard, sgl_view_cstr(domain), SGL_LIT("t"), SGL_LIT("gmail.com"), 1, BEGAN);
        fail_alloc_off();
        CHECK_TRUE("the count is that of the tickets",
                   counted(domain, "gmail", BEGAN)->messages == 2 * ticket.used);
    }
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct guard_mail mail;

        snprintf(domain, sizeof(domain), "w%zu.test", n);
        mail = mail_of(domain, "gmail.com", 1, BEGAN);
        mail.list_without_one_click = true;
        (void)take(&mail); /* refused, or passed because the domain found no room */
        fail_alloc_off();
        CHECK_TRUE("afterwards it is refused", !take(&mail));
        fail_alloc_on();
    }
    settle();
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct guard *other;

        fail_alloc_off();
        other = guard_new(fx.store, &config);
        fail_alloc_on();
        guard_load(other, BEGAN);
        guard_free(other);
    }
}

static void test_bound(void **state)
{
    char domain[64];

    (void)state;
    for (unsigned i = 0; i < 65536; i++) {
        snprintf(domain, sizeof(domain), "d%u.test", i);
        CHECK_TRUE("mail passes", send_copies(domain, "else.test", 1, BEGAN));
        CHECK_EQ("and is counted", ticket.used, 1);
    }
    CHECK_TRUE("what there is no room for passes", send_copies("one.test", "else.test", 1, BEGAN));
    CHECK_EQ("uncounted", ticket.used, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(test_rules),     TEST(test_warn_and_off),
                                       TEST(test_counting),  TEST(test_once_a_day),
                                       TEST(test_mended),    TEST(test_a_quiet_day),
                                       TEST(test_restart),   TEST(test_old_causes_go),
                                       TEST(test_no_memory), TEST(test_bound)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
