/* SPDX-License-Identifier: Apache-2.0 */
/* What comes back is acted upon when it names a recipient, and once.  The store is real; directory, keys, guard and queue are played. */
#include <semaphore.h>
#include <stdlib.h>

#include "../../server/returns/returns.h"
#include "../../server/store/statistics.h"
#include "sigillo/verdict.h"
#include "store_steps.h"

#define V(s) sgl_view_cstr(s)

/* ---- what stands around it ---- */

static struct domain the_domain;
static struct config config;
static struct {
    unsigned suppressed, complaints, nudges, secrets;
    enum suppression_reason reason;
    char address[100];
    enum directory_result result;
    bool starting; /* not all keys are open yet */
} seen;

struct config *config_ref(struct config *c)
{
    return c;
}

void config_unref(struct config *c)
{
    (void)c;
}

struct domain *directory_domain(struct directory *d, sgl_view name)
{
    (void)d;
    return sgl_view_eq_nocase(name, V("example.org")) ? &the_domain : NULL;
}

void domain_unref(struct domain *d)
{
    (void)d;
}

size_t lists_secrets(struct lists *l, const char *purpose,
                     uint8_t out[LISTS_KEYS_MAX][LIST_SECRET_SIZE])
{
    (void)l;
    (void)purpose;
    memset(out, 7, (size_t)LISTS_KEYS_MAX * LIST_SECRET_SIZE);
    return seen.secrets;
}

bool lists_started(struct lists *l)
{
    (void)l;
    return !seen.starting;
}

static struct directory_suppress *suppressing;

static void suppressed(struct loop_task *task)
{
    (void)task;
    suppressing->done(suppressing);
}

void directory_suppress(struct directory *d, struct directory_suppress *s)
{
    (void)d;
    seen.suppressed++;
    seen.reason = s->item->reason;
    snprintf(seen.address, sizeof(seen.address), "%.*s", SGL_FMT(s->item->address));
    s->result = seen.result;
    s->task.run = suppressed;
    suppressing = s;
    loop_post(s->loop, &s->task);
}

void guard_complaint(struct guard *g, sgl_view domain, sgl_view subscription, sgl_view destination,
                     uint32_t complaints, int64_t now_ms)
{
    (void)g;
    (void)now_ms;
    CHECK_VIEW("whose mail it was", domain, V("example.org"));
    CHECK_VIEW("his subscription", subscription, V("sub"));
    CHECK_VIEW("who complained", destination, V("x.test"));
    seen.complaints += complaints;
}

/* As the queue says it. */
enum dest_tls message_dest_tls(const struct store_message *m)
{
    return m->require_tls || m->tls == MESSAGE_TLS_VERIFIED ? DEST_TLS_PROVED : DEST_TLS_PUBLISHED;
}

void queue_nudge(struct queue *q)
{
    (void)q;
    seen.nudges++;
}

/* ---- a message that was sent, and what comes back ---- */

static struct returns *returns;
static struct workers *workers;
static struct store_sample sample;
static char path[320];
static struct {
    uint8_t notify, tls;
    bool require_tls;
    enum rcpt_state state;
} sent_with;

static int setup(void **state)
{
    static struct config_listen listen = {.door = DOOR_INBOUND};
    static const char *believed[] = {"fbl.test"};
    struct returns_setup s = {.config = &config};

    store_setup(state);
    memset(&seen, 0, sizeof(seen));
    seen.secrets = 1;
    the_domain = (struct domain){.name = (char *)"example.org",
                                 .subscription = (char *)"sub",
                                 .kind = DOMAIN_CUSTOM,
                                 .return_path = (char *)"bounces"};
    the_domain.status[PART_RETURN_PATH].state = DOMAIN_VERIFIED;
    memset(&config, 0, sizeof(config));
    config.hostname = "mail.our.test";
    config.listen = &listen;
    config.listens = 1;
    config.queue.keep_trail_s = 30 * 86400;
    config.queue.expire_s = 86400;
    config.delivery.suppress_s = 86400;
    config.inbound.refusing_days = 3;
    config.inbound.complaint_sender = believed;
    config.inbound.complaint_senders = 1;
    workers = workers_new("test", 1, 16);
    store_sample_init(&sample, "x.test", 1, 100);
    sample.message.accepted_at = clock_now_ms();
    sample.message.tls = sent_with.tls;
    sample.message.require_tls = sent_with.require_tls;
    sample.rcpt[0].notify = sent_with.notify;
    sample.rcpt[0].state = sent_with.state;
    assert_int_equal(store_sample_accept(&fx, &sample), STORE_OK);
    s.store = fx.store;
    s.workers = workers;
    returns = returns_new(&s);
    return returns != NULL && returns_make(returns, &sample.message, &sample.rcpt[0], path) ? 0
                                                                                            : -1;
}

static int teardown(void **state)
{
    workers_free(workers);
    returns_free(returns);
    store_sample_done(&sample);
    return store_teardown(state);
}

static struct {
    struct loop_task task;
    struct arrival arrival;
    enum arrival_result result;
    sem_t over;
} taking;

static void over(struct arrival *a, enum arrival_result result, const char *why)
{
    (void)a;
    (void)why;
    taking.result = result;
    sem_post(&taking.over);
}

static void begin(struct loop_task *task)
{
    (void)task;
    returns_take(returns, &taking.arrival);
}

static enum arrival_result take(const char *rcpt, const char *raw,
                                const struct sgl_verdict *verdict)
{
    sem_init(&taking.over, 0, 0);
    taking.arrival = (struct arrival){.rcpt = V(rcpt),
                                      .raw = V(raw),
                                      .verdict = verdict,
                                      .at_ms = clock_now_ms(),
                                      .loop = fx.loop,
                                      .done = over};
    taking.task.run = begin;
    loop_post(fx.loop, &taking.task);
    sem_wait(&taking.over);
    return taking.result;
}

static const char *bounce_of(const char *recipient, const char *action, const char *status,
                             const char *said)
{
    static char text[10000];

    snprintf(text, sizeof(text),
             "From: MAILER-DAEMON@x.test\r\nSubject: Undelivered\r\n"
             "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
             "--b\r\n\r\nx\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
             "Reporting-MTA: dns; mx.x.test\r\n\r\nFinal-Recipient: rfc822; %s\r\n"
             "Action: %s\r\nStatus: %s\r\nDiagnostic-Code: smtp; %s\r\n"
             "--b\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: Hello\r\n--b--\r\n",
             recipient, action, status, said);
    return text;
}

static const char *bounce(const char *action, const char *status, const char *said)
{
    return bounce_of("User0@x.test", action, status, said);
}

static bool put_event(void *ctx, const struct store_event *e)
{
    char *text = ctx;
    size_t len = strlen(text);

    if (!sgl_view_eq(e->kind, V("accepted")))
        snprintf(text + len, 2000 - len, "%.*s ", SGL_FMT(e->kind));
    return true;
}

static const char *events(void)
{
    static char text[2000];

    text[0] = '\0';
    assert_int_equal(store_read_events(fx.store, sample.message.id, put_event, text), STORE_OK);
    return text;
}

static bool count_reports(void *ctx, const struct store_message *m)
{
    if (sgl_view_eq(m->door, V("bounce"))) {
        CHECK_VIEW("from the null sender", m->env_from, V(""));
        CHECK_VIEW("to the sender", m->rcpt[0].address, V("Sender@example.org"));
        CHECK_EQ("nobody hears of its own end", m->rcpt[0].notify, RCPT_NOTIFY_NEVER);
        CHECK_EQ("not in clear, where its message was not [RFC 8689 s5]", m->require_tls,
                 sent_with.require_tls || sent_with.tls == MESSAGE_TLS_VERIFIED);
        ++*(unsigned *)ctx;
    }
    return true;
}

static unsigned reports(void)
{
    struct store_filter all = {.max = 100};
    unsigned count = 0;

    assert_int_equal(store_read_messages(fx.store, &all, count_reports, &count), STORE_OK);
    return count;
}

/* ---- bounces ---- */

static void test_a_hard_bounce(void **state)
{
    const char *raw = bounce("failed", "5.1.1", "550 5.1.1 no such user");

    (void)state;
    assert_int_equal(take(path, raw, NULL), ARRIVAL_DONE);
    CHECK_STR("the trail tells it", events(), "bounced ");
    CHECK_EQ("the address is suppressed", seen.suppressed, 1);
    CHECK_EQ("as a hard bounce", seen.reason, SUPPRESSION_HARD_BOUNCE);
    CHECK_STR("the recipient's", seen.address, "User0@x.test");
    CHECK_EQ("the sender hears of it", reports(), 1);
    assert_int_equal(take(path, raw, NULL), ARRIVAL_DONE);
    CHECK_STR("the same again changes nothing", events(), "bounced ");
    CHECK_EQ("nor does it suppress", seen.suppressed, 1);
    CHECK_EQ("nor is it told again", reports(), 1);
}

static const struct {
    const char *name, *action, *status, *said, *events;
    unsigned suppressed, reports;
} kinds[] = {
    {"a fault of ours never suppresses", "failed", "5.7.1", "550 5.7.1 blocked using dnsbl.test",
     "bounced ", 0, 1},
    {"nor does a policy", "failed", "5.7.26", "550 5.7.26 DMARC", "bounced ", 0, 1},
    {"a full mailbox, once, does not", "failed", "5.2.2", "552 5.2.2 mailbox full", "bounced ", 0,
     1},
    {"a time-out does not", "failed", "4.4.7", "timed out", "bounced ", 0, 1},
    {"delayed is not failed", "delayed", "4.4.1", "450 later", "delayed ", 0, 0},
    {"a success", "relayed", "2.0.0", "250 ok", "confirmed ", 0, 0},
};

static void test_kinds(void **state)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        setup(state);
        CHECK_EQ(kinds[i].name,
                 take(path, bounce(kinds[i].action, kinds[i].status, kinds[i].said), NULL),
                 ARRIVAL_DONE);
        CHECK_STR(kinds[i].name, events(), kinds[i].events);
        CHECK_EQ(kinds[i].name, seen.suppressed, kinds[i].suppressed);
        CHECK_EQ(kinds[i].name, reports(), kinds[i].reports);
        teardown(state);
    }
}

static void test_somebody_is_away(void **state)
{
    (void)state;
    assert_int_equal(
        take(path, "From: User0@x.test\r\nAuto-Submitted: auto-replied\r\n\r\naway\r\n", NULL),
        ARRIVAL_DONE);
    CHECK_STR("it is in the trail", events(), "answered ");
    CHECK_EQ("and is no failure", seen.suppressed + reports(), 0);
}

static void test_forged(void **state)
{
    const char *raw = bounce("failed", "5.1.1", "550 5.1.1 no such user");
    enum route_action action = ROUTE_LMTP;
    char forged[320];

    (void)state;
    strcpy(forged, path);
    forged[40] = forged[40] == 'a' ? 'b' : 'a';
    CHECK_EQ("at RCPT it is nobody", returns_knows(returns, V(forged), &action), RECEPTION_FORGED);
    CHECK_EQ("the true one is known", returns_knows(returns, V(path), &action), RECEPTION_KNOWN);
    CHECK_EQ("as a bounce", action, ROUTE_BOUNCES);
    CHECK_EQ("another address may be another's",
             returns_knows(returns, V("anna@bounces.example.org"), &action), RECEPTION_NOT_MINE);
    assert_int_equal(take(forged, raw, NULL), ARRIVAL_DONE);
    assert_int_equal(take("bounces@example.org", raw, NULL), ARRIVAL_DONE);
    CHECK_STR("nothing is noted", events(), "");
    CHECK_EQ("nothing is done", seen.suppressed + reports(), 0);
}

static void test_too_old(void **state)
{
    enum route_action action;

    (void)state;
    config.queue.keep_trail_s = 0;
    the_domain.name = (char *)"example.org";
    sample.message.id -= (uint64_t)100 << 33; /* some 200 s */
    assert_true(returns_make(returns, &sample.message, &sample.rcpt[0], path));
    CHECK_EQ("nobody remembers it", returns_knows(returns, V(path), &action), RECEPTION_FORGED);
}

/* A bounce says nothing certain of an address that it does not name: his mail may be sent on to several. */
static void test_names_another(void **state)
{
    (void)state;
    assert_int_equal(
        take(path, bounce_of("old@y.test", "failed", "5.1.1", "550 5.1.1 no such user"), NULL),
        ARRIVAL_DONE);
    CHECK_STR("the trail tells it", events(), "bounced ");
    CHECK_EQ("one suppresses nobody", seen.suppressed, 0);
    CHECK_EQ("the sender hears of it", reports(), 1);
}

static void test_names_another_day_after_day(void **state)
{
    (void)state;
    config.inbound.refusing_days = 1;
    assert_int_equal(
        take(path, bounce_of("old@y.test", "failed", "5.1.1", "550 5.1.1 no such user"), NULL),
        ARRIVAL_DONE);
    CHECK_EQ("that is given up", seen.suppressed, 1);
    CHECK_STR("the recipient's own", seen.address, "User0@x.test");
}

static void test_names_no_address(void **state)
{
    (void)state;
    assert_int_equal(
        take(path, bounce_of("user0", "failed", "5.1.1", "550 5.1.1 no such user"), NULL),
        ARRIVAL_DONE);
    CHECK_EQ("the return path says whom", seen.suppressed, 1);
}

/* While a key is sealed still, a true return path looks forged. */
static void test_keys_open_by_and_by(void **state)
{
    const char *raw = bounce("failed", "5.1.1", "550 5.1.1 no such user");
    enum route_action action = ROUTE_LMTP;

    (void)state;
    seen.starting = true;
    seen.secrets = 0;
    CHECK_EQ("nobody is sent away", returns_knows(returns, V(path), &action), RECEPTION_KNOWN);
    CHECK_EQ("as a bounce", action, ROUTE_BOUNCES);
    CHECK_EQ("it is to come again", take(path, raw, NULL), ARRIVAL_LATER);
    seen.secrets = 1;
    CHECK_EQ("what opens is taken", take(path, raw, NULL), ARRIVAL_DONE);
    CHECK_STR("and counts", events(), "bounced ");
}

static void test_long_texts(void **state)
{
    static const uint8_t fill[] = {'"', 0xff};
    char said[3000] = "550 5.1.1 ";

    for (size_t i = 0; i < sizeof(fill); i++) {
        setup(state);
        memset(said + 10, fill[i], sizeof(said) - 11);
        CHECK_EQ("they are no reason to come again",
                 take(path, bounce("failed", "5.1.1", said), NULL), ARRIVAL_DONE);
        CHECK_STR("the trail tells it", events(), "bounced ");
        teardown(state);
    }
}

static void test_a_subscription_that_is_gone(void **state)
{
    (void)state;
    seen.result = DIRECTORY_NOT_FOUND;
    CHECK_EQ("nothing is to be tried again",
             take(path, bounce("failed", "5.1.1", "550 5.1.1 no such user"), NULL), ARRIVAL_DONE);
    CHECK_STR("the trail tells it", events(), "bounced ");
}

/* Who asked for reports would have had them from there.  [RFC 3461 s4.1] */
static const struct {
    const char *name, *action, *status;
    uint8_t notify;
    unsigned reports;
} asked[] = {
    {"a delivery, asked for", "delivered", "2.0.0", RCPT_NOTIFY_SUCCESS, 1},
    {"a relay, asked for", "relayed", "2.0.0", RCPT_NOTIFY_SUCCESS | RCPT_NOTIFY_FAILURE, 1},
    {"a delivery, not asked for", "delivered", "2.0.0", RCPT_NOTIFY_FAILURE, 0},
    {"a delay, asked for", "delayed", "4.4.1", RCPT_NOTIFY_DELAY, 1},
    {"a delay, not asked for", "delayed", "4.4.1", RCPT_NOTIFY_FAILURE, 0},
    {"a failure, not asked for", "failed", "5.1.1", RCPT_NOTIFY_SUCCESS, 0},
    {"nothing at all", "failed", "5.1.1", RCPT_NOTIFY_NEVER, 0},
};

static void test_reports_that_were_asked_for(void **state)
{
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        sent_with.notify = asked[i].notify;
        setup(state);
        CHECK_EQ(asked[i].name, take(path, bounce(asked[i].action, asked[i].status, "x"), NULL),
                 ARRIVAL_DONE);
        CHECK_EQ(asked[i].name, reports(), asked[i].reports);
        teardown(state);
    }
    sent_with.notify = 0;
}

static void test_a_message_that_had_to_be_proved(void **state)
{
    for (unsigned demanded = 0; demanded < 2; demanded++) {
        sent_with.require_tls = demanded == 0;
        sent_with.tls = demanded == 0 ? MESSAGE_TLS_DEFAULT : MESSAGE_TLS_VERIFIED;
        setup(state);
        assert_int_equal(take(path, bounce("failed", "5.1.1", "550 5.1.1 no such user"), NULL),
                         ARRIVAL_DONE);
        CHECK_EQ("its sender hears of it", reports(), 1);
        teardown(state);
    }
    sent_with.require_tls = false;
    sent_with.tls = MESSAGE_TLS_DEFAULT;
}

static void test_failed_before(void **state)
{
    sent_with.state = RCPT_FAILED;
    setup(state);
    assert_int_equal(take(path, bounce("failed", "5.1.1", "550 5.1.1 no such user"), NULL),
                     ARRIVAL_DONE);
    CHECK_EQ("the address is suppressed", seen.suppressed, 1);
    CHECK_EQ("its sender has heard of it", reports(), 0);
    teardown(state);
    sent_with.state = RCPT_QUEUED;
}

/* A failure that lies in us is tried again: 451, and nothing is half done. */
static void test_not_now(void **state)
{
    (void)state;
    seen.result = DIRECTORY_UNAVAILABLE;
    assert_int_equal(take(path, bounce("failed", "5.1.1", "550 5.1.1 no such user"), NULL),
                     ARRIVAL_LATER);
    CHECK_STR("it comes again", events(), "");
    seen.result = DIRECTORY_OK;
    assert_int_equal(take(path, bounce("failed", "5.1.1", "550 5.1.1 no such user"), NULL),
                     ARRIVAL_DONE);
    CHECK_STR("and counts then", events(), "bounced ");
}

/* ---- complaints ---- */

static const char *complaint(const char *type)
{
    static char text[1000];

    snprintf(
        text, sizeof(text),
        "From: fbl@fbl.test\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\nx\r\n"
        "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: %s\r\n"
        "User-Agent: t/1\r\nVersion: 1\r\nOriginal-Mail-From: <%s>\r\n"
        "Original-Rcpt-To: <redacted@x.test>\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: Hello\r\n\r\nx\r\n--b--\r\n",
        type, path);
    return text;
}

static void test_complaints(void **state)
{
    struct sgl_dkim_verdict signature = {.result = SGL_DKIM_PASS,
                                         .tags = {.domain = V("a.fbl.test")}};
    struct sgl_verdict verdict = {.dkim = {.item = &signature, .count = 1, .passes = 1}};

    (void)state;
    assert_int_equal(take("fbl@example.org", complaint("abuse"), NULL), ARRIVAL_DONE);
    signature.result = SGL_DKIM_FAIL;
    assert_int_equal(take("fbl@example.org", complaint("abuse"), &verdict), ARRIVAL_DONE);
    signature.result = SGL_DKIM_PASS;
    signature.tags.domain = V("elsewhere.test");
    assert_int_equal(take("fbl@example.org", complaint("abuse"), &verdict), ARRIVAL_DONE);
    signature.tags.domain = V("a.fbl.test");
    assert_int_equal(take("fbl@example.org", complaint("not-spam"), &verdict), ARRIVAL_DONE);
    CHECK_EQ("what nobody known has signed, or is none, changes nothing", seen.suppressed, 0);
    assert_int_equal(take("fbl@example.org", complaint("abuse"), &verdict), ARRIVAL_DONE);
    CHECK_STR("the trail tells it", events(), "complained ");
    CHECK_EQ("the address is suppressed, though it was redacted", seen.suppressed, 1);
    CHECK_EQ("as a complaint", seen.reason, SUPPRESSION_COMPLAINT);
    CHECK_STR("the recipient's", seen.address, "User0@x.test");
    CHECK_EQ("the guard counts it", seen.complaints, 1);
    assert_int_equal(take("fbl@example.org", complaint("abuse"), &verdict), ARRIVAL_DONE);
    CHECK_EQ("once", seen.complaints + seen.suppressed, 2);
    CHECK_EQ("its sender gets no bounce", reports(), 0);
}

/* ---- return paths ---- */

static void test_who_gets_one(void **state)
{
    struct store_message *m = &sample.message;
    char out[320];

    (void)state;
    CHECK_TRUE("a domain whose return path is verified", returns_alone(returns, m));
    the_domain.bounces_plain = true;
    CHECK_TRUE("not when it says so", !returns_alone(returns, m));
    the_domain.bounces_plain = false;
    the_domain.status[PART_RETURN_PATH].state = DOMAIN_FAILED;
    CHECK_TRUE("not when its record is not there", !returns_alone(returns, m));
    the_domain.status[PART_RETURN_PATH].state = DOMAIN_VERIFIED;
    config.listens = 0;
    CHECK_TRUE("not when no mail is received here", !returns_alone(returns, m));
    config.listens = 1;
    m->subscription = V("another");
    CHECK_TRUE("not for another subscription", !returns_alone(returns, m));
    m->subscription = V("sub");
    m->env_from = V("");
    CHECK_TRUE("never for the null sender [RFC 5321 s4.5.5]", !returns_alone(returns, m));
    m->env_from = V("Sender@example.org");
    m->door = V("inbound");
    CHECK_TRUE("not for mail of others that is sent on", !returns_alone(returns, m));
    m->door = V("submission");
    {
        static char label[200];

        memset(label, 'a', sizeof(label) - 1);
        the_domain.return_path = label;
        CHECK_TRUE("none that is too long for a path [RFC 5321 s4.5.3.1.3]",
                   !returns_make(returns, m, &sample.rcpt[0], out));
        label[254 - 49 - 1 - strlen(".example.org")] = '\0';
        CHECK_TRUE("the longest", returns_make(returns, m, &sample.rcpt[0], out));
        CHECK_EQ("with its brackets", strlen(out) + 2, 256);
    }
    seen.secrets = 0;
    CHECK_TRUE("and none is written without a key",
               !returns_make(returns, m, &sample.rcpt[0], out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_hard_bounce, setup, teardown),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test_setup_teardown(test_somebody_is_away, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_old, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names_another, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names_another_day_after_day, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names_no_address, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_open_by_and_by, setup, teardown),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test_setup_teardown(test_a_subscription_that_is_gone, setup, teardown),
        cmocka_unit_test(test_reports_that_were_asked_for),
        cmocka_unit_test(test_a_message_that_had_to_be_proved),
        cmocka_unit_test(test_failed_before),
        cmocka_unit_test_setup_teardown(test_not_now, setup, teardown),
        cmocka_unit_test_setup_teardown(test_complaints, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_gets_one, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
