/* SPDX-License-Identifier: Apache-2.0 */
/* Clients at a socket, with a resolver and an MTA-STS room that say what the test wants. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../server/tls_policy/internal.h"
#include "check.h"
#include "dns_fixture.h"

#define H64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* ---- what stands for the other rooms ---- */

static struct loop *loop;
static const char *zone;
static bool deaf; /* the resolver */
static enum says { SAYS_NONE, SAYS_ENFORCE, SAYS_UNKNOWN, SAYS_LATER, SAYS_NOTHING } sts_says;
static unsigned asked, lookups, cancelled;
static int refs;
static const struct sgl_mta_sts_pattern pattern = {false, {SGL_LIT_INIT("mx.a.test")}};
static struct sts_policy policy = {.domain = SGL_LIT_INIT("a.test"),
                                   .policy = {SGL_MTA_STS_ENFORCE, 86400, &pattern, 1}};

struct sts_policy *sts_policy_ref(struct sts_policy *p)
{
    refs++;
    return p;
}

void sts_policy_unref(struct sts_policy *p)
{
    refs -= p != NULL;
}

static void fill_in(struct sts_ask *ask)
{
    ask->answer = (struct sts_answer){.state = sts_says == SAYS_NONE      ? STS_NONE
                                               : sts_says == SAYS_UNKNOWN ? STS_UNKNOWN
                                                                          : STS_POLICY};
    if (ask->answer.state == STS_POLICY)
        ask->answer.policy = sts_policy_ref(&policy);
}

static struct sts_ask *waits;

static void tell_later(evutil_socket_t fd, short what, void *arg)
{
    struct sts_ask *ask = waits;

    (void)fd;
    (void)what;
    (void)arg;
    waits = NULL;
    if (ask == NULL)
        return;
    fill_in(ask);
    ask->done(ask);
}

bool sts_ask(struct sts *sts, struct sgl_name domain, struct sts_ask *ask)
{
    struct timeval soon = {0, 1000};

    (void)sts;
    (void)domain;
    asked++;
    if (sts_says == SAYS_LATER || sts_says == SAYS_NOTHING) {
        waits = ask;
        if (sts_says == SAYS_LATER)
            event_base_once(loop_base(loop), -1, EV_TIMEOUT, tell_later, NULL, &soon);
        return false;
    }
    fill_in(ask);
    return true;
}

void sts_cancel(struct sts_ask *ask)
{
    cancelled++;
    if (waits == ask)
        waits = NULL;
}

static struct resolver_fill *fills;

static void answer_fill(evutil_socket_t fd, short what, void *arg)
{
    struct resolver_fill *fill = fills;
    struct dns_fixture fx = dns_fixture_init("a.test", zone);
    const struct sgl_dns_question *q;

    (void)fd;
    (void)what;
    (void)arg;
    fills = NULL;
    sgl_dns_done(&fx.dns);
    if (fill != NULL) {
        fx.dns = *fill->dns;
        while ((q = sgl_dns_next_open(&fx.dns, NULL)) != NULL)
            dns_fixture_answer_question(&fx, q);
        *fill->dns = fx.dns;
    }
    sgl_dns_init(&fx.dns, 0);
    dns_fixture_done(&fx);
    if (fill != NULL)
        fill->done(fill);
}

void resolver_fill(struct resolver *r, struct resolver_fill *fill)
{
    struct timeval soon = {0, 1000};

    (void)r;
    lookups++;
    fills = fill;
    if (!deaf)
        event_base_once(loop_base(loop), -1, EV_TIMEOUT, answer_fill, NULL, &soon);
}

void resolver_cancel(struct resolver_fill *fill)
{
    cancelled++;
    if (fills == fill)
        fills = NULL;
}

/* ---- a room and its clients ---- */

static char path[100];
static struct tls_policy *room;

static void open_room(uint64_t timeout_ms)
{
    struct tls_policy_config config = {.timeout_ms = timeout_ms};
    char where[120], why[200] = "";
    int fd;

    loop = loop_new("test");
    config.loop = loop;
    room = tls_policy_new(&config);
    snprintf(path, sizeof path, "/tmp/test_tls_policy.%d", (int)getpid());
    snprintf(where, sizeof where, "unix:%s", path);
    fd = tls_policy_open(where, why, sizeof why);
    CHECK_TRUE(why, fd >= 0);
    CHECK_TRUE("listens", tls_policy_listen(room, fd));
    zone = "";
    deaf = false;
    sts_says = SAYS_NONE;
    asked = lookups = cancelled = 0;
    refs = 0;
    waits = NULL;
    fills = NULL;
}

static void close_room(void)
{
    char where[120];

    tls_policy_free(room);
    loop_free(loop);
    snprintf(where, sizeof where, "unix:%s", path);
    tls_policy_close(where);
    CHECK_TRUE("the file is gone", access(path, F_OK) != 0);
    CHECK_EQ("every policy was given back", refs, 0);
}

static int dial(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    loop_stop(loop);
}

static void run_for(long ms)
{
    struct timeval limit = {ms / 1000, ms % 1000 * 1000};

    event_base_once(loop_base(loop), -1, EV_TIMEOUT, on_stop, NULL, &limit);
    loop_run(loop);
}

static void say(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* What comes until `want` is there, or the end; the loop runs meanwhile. *ended: and then the end. */
static const char *heard(int fd, const char *want, bool *ended)
{
    static char text[4096];
    uint64_t limit = clock_mono_ms() + 20000;
    size_t len = 0;
    ssize_t n = -1;

    text[0] = '\0';
    while (clock_mono_ms() < limit && n != 0 && (want == NULL || strstr(text, want) == NULL)) {
        run_for(1);
        while ((n = read(fd, text + len, sizeof text - 1 - len)) > 0)
            text[len += (size_t)n] = '\0';
    }
    if (ended != NULL)
        *ended = n == 0;
    return text;
}

/* Until so many have been asked. */
static void run_until_asked(unsigned n)
{
    for (uint64_t limit = clock_mono_ms() + 20000; asked < n && clock_mono_ms() < limit;)
        run_for(1);
    CHECK_EQ("asked", asked, n);
}

/* ---- tests ---- */

#define DANE                                                                                       \
    "$SECURE\na.test MX 10 mx.a.test\nmx.a.test A 9.9.9.9\n_25._tcp.mx.a.test TLSA 3 1 1 " H64
#define BARE "$SECURE\na.test MX 10 mx.a.test\nmx.a.test A 9.9.9.9\n"
#define ASK  "12:QUERY a.test,"

static void answers(void **state)
{
    static const struct {
        const char *rule, *zone;
        enum says sts;
        const char *ask, *want;
        unsigned asked, looked;
    } cases[] = {
        {"nothing published: DNS is left alone", BARE, SAYS_NONE, ASK, "9:NOTFOUND ,", 1, 0},
        {"a policy", BARE, SAYS_ENFORCE, ASK, "45:OK secure match=mx.a.test servername=hostname,",
         1, 3},
        {"a policy that comes later", BARE, SAYS_LATER, ASK,
         "45:OK secure match=mx.a.test servername=hostname,", 1, 3},
        {"a policy and DANE [RFC 8461 s2]", DANE, SAYS_ENFORCE, ASK, "9:NOTFOUND ,", 1, 3},
        {"a policy, and a forged MX", "a.test BOGUS", SAYS_ENFORCE, ASK, "TEMP DANE of a.test", 1,
         1},
        {"a policy, and a TLSA lookup that fails", BARE "_25._tcp.mx.a.test SERVFAIL\n",
         SAYS_ENFORCE, ASK, "TEMP DANE of a.test", 1, 3},
        {"unsigned MX, TLSA at the host: the policy counts",
         "a.test MX 10 mx.a.test\n$SECURE\nmx.a.test A 9.9.9.9\n"
         "_25._tcp.mx.a.test TLSA 3 1 1 " H64,
         SAYS_ENFORCE, ASK, "45:OK secure match=mx.a.test servername=hostname,", 1, 3},
        {"records of that port", DANE, SAYS_ENFORCE, "15:QUERY a.test:26,",
         "45:OK secure match=mx.a.test servername=hostname,", 1, 3},
        {"what is not known", BARE, SAYS_UNKNOWN, ASK, "TEMP MTA-STS of a.test not known", 1, 3},
        {"a parent is nobody", BARE, SAYS_ENFORCE, "13:QUERY .a.test,", "9:NOTFOUND ,", 0, 0},
        {"no lookup", BARE, SAYS_ENFORCE, "5:QUERY,", "22:PERM this is no lookup,", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool ended;
        int fd;

        open_room(5000);
        zone = cases[i].zone;
        sts_says = cases[i].sts;
        fd = dial();
        say(fd, cases[i].ask);
        CHECK_TRUE(cases[i].rule, strstr(heard(fd, cases[i].want, &ended), cases[i].want) != NULL);
        CHECK_TRUE(cases[i].rule, !ended);
        CHECK_EQ(cases[i].rule, asked, cases[i].asked);
        CHECK_EQ(cases[i].rule, lookups, cases[i].looked);
        say(fd, "13:QUERY .b.test,");
        CHECK_TRUE("the next question",
                   strstr(heard(fd, "9:NOTFOUND ,", NULL), "9:NOTFOUND ,") != NULL);
        close(fd);
        close_room();
    }
}

static void one_question_at_a_time(void **state)
{
    int fd;

    (void)state;
    open_room(5000);
    sts_says = SAYS_LATER;
    zone = BARE;
    fd = dial();
    say(fd, "12:QUE");
    run_for(10);
    CHECK_EQ("half a question", asked, 0);
    say(fd, "RY a.test,");
    run_until_asked(1);
    say(fd, "13:QUERY .b.test,12:QUERY a"); /* while the first one waits */
    CHECK_STR("answers in their order", heard(fd, "9:NOTFOUND ,", NULL),
              "45:OK secure match=mx.a.test servername=hostname,9:NOTFOUND ,");
    say(fd, ".test,");
    CHECK_STR("and the rest of the third", heard(fd, "hostname,", NULL),
              "45:OK secure match=mx.a.test servername=hostname,");
    close(fd);
    run_for(10);
    close_room();
}

static void strangers(void **state)
{
    static const char *const texts[] = {
        "GET / HTTP/1.1\r\n\r\n", "1025:", "99999999999999999999", "02:ab,", "3:abcd", ":,"};

    (void)state;
    open_room(5000);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int fd = dial();
        bool ended;

        say(fd, texts[i]);
        CHECK_STR(texts[i], heard(fd, NULL, &ended), "22:PERM this is no lookup,");
        CHECK_TRUE(texts[i], ended);
        close(fd);
    }
    CHECK_EQ("nobody was asked", asked + lookups, 0);
    run_for(10);
    CHECK_EQ("nobody is left", room->clients, 0);
    close_room();
}

/* Silence is never "no policy". */
static void silence(void **state)
{
    int fd;

    (void)state;
    for (int of_dns = 0; of_dns < 2; of_dns++) {
        open_room(50);
        sts_says = of_dns ? SAYS_ENFORCE : SAYS_NOTHING;
        deaf = of_dns;
        fd = dial();
        say(fd, ASK);
        CHECK_STR("in time", heard(fd, "time,", NULL), "22:TEMP no answer in time,");
        CHECK_EQ("who was asked is not waited for", cancelled, 1);
        close(fd);
        close_room();
    }
}

static void who_goes_while_waiting(void **state)
{
    int fd;

    (void)state;
    open_room(5000);
    sts_says = SAYS_NOTHING;
    fd = dial();
    say(fd, ASK);
    run_until_asked(1);
    close(fd);
    sts_says = SAYS_NONE;
    tell_later(-1, 0, NULL); /* nobody is there any more to hear it */
    for (uint64_t limit = clock_mono_ms() + 20000; room->clients > 0 && clock_mono_ms() < limit;)
        run_for(1);
    CHECK_EQ("gone", room->clients, 0);
    fd = dial();
    say(fd, ASK);
    CHECK_STR("others are served", heard(fd, "9:NOTFOUND ,", NULL), "9:NOTFOUND ,");
    close(fd);
    close_room();
}

static void on_gone(void *ctx)
{
    *(bool *)ctx = true;
    loop_stop(loop);
}

static void drain(void **state)
{
    bool gone = false, ended;
    int idle, busy;

    (void)state;
    open_room(5000);
    sts_says = SAYS_NOTHING;
    idle = dial();
    busy = dial();
    say(busy, ASK);
    run_until_asked(1);
    tls_policy_drain(room, on_gone, &gone);
    CHECK_STR("who asks nothing goes", heard(idle, NULL, &ended), "");
    CHECK_TRUE("at once", ended && !gone);
    sts_says = SAYS_NONE;
    tell_later(-1, 0, NULL);
    CHECK_STR("who waits has its answer", heard(busy, NULL, &ended), "9:NOTFOUND ,");
    run_for(20);
    CHECK_TRUE("then it is over", ended && gone);
    close(idle);
    close(busy);
    close_room();

    gone = false;
    open_room(5000);
    tls_policy_drain(room, on_gone, &gone);
    CHECK_TRUE("never inside the call", !gone);
    run_for(20);
    CHECK_TRUE("nobody there", gone);
    close_room();
}

/* ---- who asks nothing ---- */

void __real_stream_idle_timeout(struct stream *s, uint64_t ms);
void __wrap_stream_idle_timeout(struct stream *s, uint64_t ms);
static uint64_t idle_asked_ms, idle_ms; /* idle_ms: in its place; 0: as asked */

void __wrap_stream_idle_timeout(struct stream *s, uint64_t ms)
{
    idle_asked_ms = ms;
    __real_stream_idle_timeout(s, idle_ms != 0 ? idle_ms : ms);
}

static void idle_clients_go(void **state)
{
    bool ended;
    int fd;

    (void)state;
    idle_ms = 30;
    open_room(5000);
    sts_says = SAYS_NONE;
    zone = BARE;
    fd = dial();
    CHECK_STR("one that asks nothing hears nothing", heard(fd, NULL, &ended), "");
    CHECK_TRUE("and is sent away", ended);
    CHECK_EQ("after a time that Postfix does not reach", idle_asked_ms, TLS_POLICY_IDLE_MS);
    run_for(1);
    CHECK_EQ("its place is free", room->clients, 0);
    close(fd);
    idle_ms = 0;
    fd = dial();
    say(fd, ASK);
    CHECK_STR("another one is served", heard(fd, "9:NOTFOUND ,", &ended), "9:NOTFOUND ,");
    CHECK_TRUE("and stays", !ended);
    close(fd);
    close_room();
}

static void places(void **state)
{
    static const char *const wrong[] = {"",
                                        "tcp:127.0.0.1:1",
                                        "unix:",
                                        "unix:relative",
                                        "unix:/nonexistent/x/y",
                                        "inet:",
                                        "inet:127.0.0.1",
                                        "inet:127.0.0.1:0",
                                        "inet:127.0.0.1:65536",
                                        "inet:localhost:8461",
                                        "inet:::1:8461",
                                        "inet:[127.0.0.1]:8461",
                                        "unix:/tmp"};
    char why[200], where[120];
    struct stat st;
    int fd, second;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        why[0] = '\0';
        CHECK_EQ(wrong[i], tls_policy_open(wrong[i], why, sizeof why), -1);
        CHECK_TRUE(wrong[i], why[0] != '\0');
    }
    snprintf(path, sizeof path, "/tmp/test_tls_policy.%d", (int)getpid());
    snprintf(where, sizeof where, "unix:%s", path);
    fd = tls_policy_open(where, why, sizeof why);
    CHECK_TRUE("opened", fd >= 0 && stat(path, &st) == 0);
    CHECK_EQ("everybody may ask", st.st_mode & 0777, 0666);
    CHECK_EQ("somebody is there", tls_policy_open(where, why, sizeof why), -1);
    close(fd); /* as after a crash: the file stays */
    second = tls_policy_open(where, why, sizeof why);
    CHECK_TRUE("one that was left behind", second >= 0);
    close(second);
    tls_policy_close(where);
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    CHECK_EQ("a file is no socket", tls_policy_open(where, why, sizeof why), -1);
    CHECK_EQ("it stays", access(path, F_OK), 0);
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(one_question_at_a_time),
        cmocka_unit_test(strangers),
        cmocka_unit_test(silence),
        cmocka_unit_test(drain),
        cmocka_unit_test(idle_clients_go),
        cmocka_unit_test(who_goes_while_waiting),
        cmocka_unit_test(places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
