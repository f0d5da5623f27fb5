/* SPDX-License-Identifier: Apache-2.0 */
/* The inbound door on a loop of its own, with real sockets on loopback; reception and reputation are the test's. */
#include "check.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../server/doors/inbound/inbound.h"
#include "../../server/log/log.h"

/* ---- what stands behind the door ---------------------------------------------------------------------------------- */

static _Atomic int advice;
static _Atomic unsigned noted; /* unknown recipients, as reputation heard */
static _Atomic bool hold;      /* what is asked and taken is answered when it is released */
static struct reception_ask *_Atomic held_ask;
static struct reception_mail *_Atomic held_mail;
static _Atomic unsigned taken;
static char envelope[4096], message[65536];
static struct loop_task release_task;

struct reputation_opinion reputation_of(struct reputation *r, const struct sgl_ip *ip,
                                        int64_t now_s)
{
    (void)r;
    (void)ip;
    (void)now_s;
    return (struct reputation_opinion){50, (enum reputation_advice)atomic_load(&advice)};
}

void reputation_note(struct reputation *r, const struct sgl_ip *ip, sgl_view domain,
                     enum reputation_event event, int64_t now_s)
{
    (void)r;
    (void)ip;
    (void)now_s;
    CHECK_EQ("nothing else", event, REPUTATION_UNKNOWN_RCPT);
    CHECK_EQ("nobody's name", domain.len, 0);
    atomic_fetch_add(&noted, 1);
}

void reception_to_done(struct reception_to *to)
{
    to->address = SGL_LIT("");
}

static struct reception_answer answer_to(sgl_view address, struct reception_to *to)
{
    to->mode = sgl_view_ends(address, SGL_LIT("@marks.test")) ? JUDGE_MARK : JUDGE_FOLLOW;
    if (sgl_view_starts(address, SGL_LIT("no")))
        return (struct reception_answer){550, "5.1.1", "nobody"};
    if (sgl_view_starts(address, SGL_LIT("later")))
        return (struct reception_answer){451, "4.3.0", "later"};
    return (struct reception_answer){250, "2.1.5", "ok"};
}

void reception_ask(struct reception *r, struct reception_ask *ask)
{
    struct reception_answer a = answer_to(ask->to->address, ask->to);

    (void)r;
    if (sgl_view_starts(ask->to->address, SGL_LIT("ask")))
        atomic_store(&held_ask, ask);
    else
        ask->done(ask, &a);
}

static void answer_mail(struct loop_task *task)
{
    static const struct reception_answer fine = {250, "2.0.0", "taken"};
    struct reception_mail *m = atomic_exchange(&held_mail, NULL);

    (void)task;
    m->done(m, &fine);
}

bool reception_take(struct reception *r, struct reception_mail *m)
{
    int n = 0;

    (void)r;
    snprintf(message, sizeof message, "%.*s", SGL_FMT(m->raw));
    for (size_t i = 0; i < m->tos; i++)
        n += snprintf(envelope + n, sizeof envelope - (size_t)n, "%.*s>%.*s %.*s;",
                      SGL_FMT(m->env_from), SGL_FMT(m->to[i].address), SGL_FMT(m->to[i].orcpt));
    atomic_store(&held_mail, m);
    atomic_fetch_add(&taken, 1);
    if (!atomic_load(&hold)) {
        release_task.run = answer_mail;
        loop_post(m->loop, &release_task);
    }
    return true;
}

bool reception_has_room(struct reception *r, uint64_t bytes, struct reception_answer *out)
{
    (void)r;
    *out = (struct reception_answer){552, "5.3.4", "too large"};
    return bytes <= 50000;
}

struct config *config_ref(struct config *c)
{
    return c;
}

void config_unref(struct config *c)
{
    (void)c;
}

/* ---- the door and a client ---------------------------------------------------------------------------------------- */

struct fixture {
    struct config config;
    struct config_listen listen;
    struct loop *loop;
    struct inbound_door *door;
    int fd;
    uint16_t port;
    sem_t drained;
};

static int listening(uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static void prepare(struct fixture *f)
{
    *f = (struct fixture){0};
    f->listen = (struct config_listen){.name = "world", .door = DOOR_INBOUND, .tls = LISTEN_PLAIN};
    f->config.hostname = "mx.test";
    f->config.listen = &f->listen;
    f->config.listens = 1;
    f->config.limits.message_size = 50000;
    f->config.limits.errors = 20;
    f->config.limits.memory = 1 << 20;
    f->config.limits.idle_s = 60;
    f->config.inbound.recipients = 100;
    f->config.inbound.connections = 50;
    f->config.inbound.connections_per_address = 20;
    f->fd = listening(&f->port);
    f->loop = loop_new("door");
    sem_init(&f->drained, 0, 0);
    advice = REPUTATION_NORMAL;
    noted = taken = 0;
    hold = false;
    held_ask = NULL;
    held_mail = NULL;
    envelope[0] = message[0] = '\0';
}

static void open_door(struct fixture *f)
{
    struct inbound_socket socket = {.fd = f->fd};
    struct inbound_setup setup = {.config = &f->config,
                                  .loop = &f->loop,
                                  .loops = 1,
                                  .socket = &socket,
                                  .sockets = 1,
                                  .reputation = (struct reputation *)(void *)f};
    char why[200];

    f->door = inbound_new(&setup, why, sizeof why);
    assert_non_null(f->door);
}

static void begin(struct fixture *f)
{
    open_door(f);
    assert_true(loop_start(f->loop));
}

static void on_drained(void *ctx)
{
    sem_post(&((struct fixture *)ctx)->drained);
}

static void close_door(struct fixture *f)
{
    inbound_drain(f->door, on_drained, f);
    sem_wait(&f->drained);
    loop_stop(f->loop);
    loop_join(f->loop);
    inbound_free(f->door);
    loop_free(f->loop);
    close(f->fd);
    sem_destroy(&f->drained);
}

static int dial(const struct fixture *f)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(f->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {10, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* One reply, or what came before the end of the stream. */
static const char *hear(int fd)
{
    static char got[8192];
    size_t len = 0, line = 0;

    while (len < sizeof got - 1 && recv(fd, got + len, 1, 0) == 1) {
        len++;
        if (got[len - 1] != '\n')
            continue;
        if (len - line > 3 && got[line + 3] == ' ')
            break;
        line = len;
    }
    got[len] = '\0';
    return got;
}

static void expect(int fd, const char *command, const char *want)
{
    const char *got;

    if (command[0] != '\0') {
        say(fd, command);
        say(fd, "\r\n");
    }
    got = hear(fd);
    if (strncmp(got, want, strlen(want)) != 0)
        fail_msg("%s: got %s, want %s", command, got, want);
}

static int greeted(const struct fixture *f)
{
    int fd = dial(f);

    expect(fd, "", "220 mx.test");
    expect(fd, "EHLO client.test", "250");
    return fd;
}

static void has_ended(int fd)
{
    char byte;

    CHECK_TRUE("closed", recv(fd, &byte, 1, 0) <= 0);
    close(fd);
}

/* ---- who may connect ---------------------------------------------------------------------------------------------- */

static void a_bad_name_is_turned_away(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    prepare(&f);
    begin(&f);
    advice = REPUTATION_REFUSE;
    fd = dial(&f);
    expect(fd, "", "554 5.7.1 ");
    has_ended(fd);
    advice = REPUTATION_DEFER;
    fd = dial(&f);
    expect(fd, "", "421 4.7.1 ");
    has_ended(fd);
    advice = REPUTATION_WELCOME;
    close(greeted(&f));
    close_door(&f);
}

static void a_poor_name_gets_a_tenth(void **state)
{
    struct fixture f;
    int one, two, fd;

    (void)state;
    prepare(&f);
    f.config.inbound.messages_per_minute = 11; /* a tenth, rounded up: 2 */
    begin(&f);
    advice = REPUTATION_SLOW;
    one = greeted(&f);
    two = greeted(&f);
    fd = dial(&f);
    expect(fd, "", "421 4.7.0 too many connections from your address");
    has_ended(fd);
    expect(one, "MAIL FROM:<a@b.test>", "250");
    expect(one, "RSET", "250");
    expect(one, "MAIL FROM:<a@b.test>", "250");
    expect(one, "RSET", "250");
    expect(one, "MAIL FROM:<a@b.test>", "451 4.7.1 ");
    close(one);
    close(two);
    close_door(&f);
}

static void a_name_may_be_lost_in_a_session(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    prepare(&f);
    f.config.inbound.messages_per_minute = 20; /* a tenth: 2 */
    begin(&f);
    fd = greeted(&f);
    expect(fd, "MAIL FROM:<a@b.test>", "250");
    expect(fd, "RSET", "250");
    advice = REPUTATION_SLOW;
    expect(fd, "MAIL FROM:<a@b.test>", "250");
    expect(fd, "RSET", "250");
    expect(fd, "MAIL FROM:<a@b.test>", "451 4.7.1");
    advice = REPUTATION_DEFER;
    expect(fd, "MAIL FROM:<a@b.test>", "421 4.7.1");
    has_ended(fd);
    close_door(&f);
}

/* [RFC 5321 s4.3.1] */
static void who_talks_first_is_not_listened_to(void **state)
{
    struct fixture f;
    struct inbound_stats stats;
    int fd;

    (void)state;
    prepare(&f);
    open_door(&f);
    fd = dial(&f); /* the kernel takes it before the door looks */
    say(fd, "EHLO early.test\r\n");
    assert_true(loop_start(f.loop));
    expect(fd, "", "554 5.5.1 ");
    has_ended(fd);
    inbound_stats(f.door, &stats);
    CHECK_EQ("counted", stats.early, 1);
    CHECK_EQ("no session", stats.sessions, 0);
    close_door(&f);
}

/* ---- how much ----------------------------------------------------------------------------------------------------- */

static void rates_of_an_address(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    prepare(&f);
    f.config.inbound.messages_per_minute = 2;
    f.config.inbound.recipients_per_minute = 3;
    begin(&f);
    fd = greeted(&f);
    expect(fd, "MAIL FROM:<a@b.test>", "250");
    expect(fd, "RCPT TO:<one@in.test>", "250");
    expect(fd, "RCPT TO:<two@in.test>", "250");
    expect(fd, "RCPT TO:<three@in.test>", "250");
    expect(fd, "RCPT TO:<four@in.test>", "451 4.7.1 ");
    expect(fd, "RSET", "250");
    expect(fd, "MAIL FROM:<a@b.test>", "250");
    close(fd);
    fd = greeted(&f); /* another session does not help */
    expect(fd, "MAIL FROM:<a@b.test>", "451 4.7.1 ");
    close(fd);
    close_door(&f);
}

static void too_many_unknown_recipients(void **state)
{
    struct fixture f;
    struct inbound_stats stats;
    int fd;

    (void)state;
    prepare(&f);
    f.config.inbound.unknown_per_session = 2;
    f.config.inbound.unknown_per_minute = 3;
    begin(&f);
    fd = greeted(&f);
    expect(fd, "MAIL FROM:<a@b.test>", "250");
    expect(fd, "RCPT TO:<no1@in.test>", "550 5.1.1 ");
    expect(fd, "RCPT TO:<no2@in.test>", "550 5.1.1 ");
    expect(fd, "RCPT TO:<later@in.test>", "451 4.3.0 ");
    expect(fd, "RCPT TO:<no3@in.test>", "421 4.7.0 ");
    has_ended(fd);
    CHECK_EQ("reputation heard", noted, 3);
    inbound_stats(f.door, &stats);
    CHECK_EQ("counted", stats.unknown, 3);
    fd = dial(&f);
    expect(fd, "", "421 4.7.0 ");
    has_ended(fd);
    close_door(&f);
}

static void bounces_of_forged_mail_are_nobodys_fault(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    prepare(&f);
    begin(&f);
    fd = greeted(&f);
    expect(fd, "MAIL FROM:<>", "250");
    expect(fd, "RCPT TO:<no1@in.test>", "550 5.1.1 ");
    CHECK_EQ("reputation does not hear", noted, 0);
    close(fd);
    close_door(&f);
}

static void errors_of_an_address(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    prepare(&f);
    f.config.inbound.errors_per_minute = 2;
    f.config.limits.errors = 1;
    begin(&f);
    for (int i = 0; i < 2; i++) {
        fd = greeted(&f);
        expect(fd, "FOO", "500");
        expect(fd, "", "421 4.7.0");
        has_ended(fd);
    }
    do { /* the last session ends when the door has seen it */
        fd = dial(&f);
        if (strncmp(hear(fd), "421 4.7.0 ", 10) == 0)
            break;
        close(fd);
    } while (true);
    has_ended(fd);
    close_door(&f);
}

static void floods_without_a_sender(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    prepare(&f);
    f.config.inbound.null_per_minute = 2;
    begin(&f);
    fd = greeted(&f);
    for (int i = 0; i < 2; i++) {
        expect(fd, "MAIL FROM:<>", "250");
        expect(fd, "RSET", "250");
    }
    expect(fd, "MAIL FROM:<>", "451 4.7.1 ");
    expect(fd, "MAIL FROM:<a@b.test>", "250");
    close(fd);
    close_door(&f);
    prepare(&f);
    f.config.inbound.null_per_minute_all = 1;
    begin(&f);
    fd = greeted(&f);
    expect(fd, "MAIL FROM:<>", "250");
    expect(fd, "RSET", "250");
    expect(fd, "MAIL FROM:<>", "451 4.7.1 ");
    close(fd);
    close_door(&f);
}

/* ---- recipients --------------------------------------------------------------------------------------------------- */

static void who_may_stand_beside_whom(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    prepare(&f);
    begin(&f);
    fd = greeted(&f);
    expect(fd, "MAIL FROM:<>", "250");
    expect(fd, "RCPT TO:<one@in.test>", "250");
    expect(fd, "RCPT TO:<two@in.test>", "452 4.5.3 ");
    expect(fd, "RSET", "250");
    expect(fd, "MAIL FROM:<a@b.test>", "250");
    expect(fd, "RCPT TO:<one@in.test> ORCPT=rfc822;o+2Bne@in.test", "250");
    expect(fd, "RCPT TO:<one@marks.test>", "452 4.5.3 ");
    expect(fd, "RCPT TO:<one@in.test>", "250");
    expect(fd, "RCPT TO:<Postmaster>", "250");
    expect(fd, "DATA", "354");
    expect(fd, "Subject: x\r\n\r\nHello\r\n.", "250 2.0.0 taken");
    CHECK_STR("each once", envelope,
              "a@b.test>one@in.test rfc822;o+ne@in.test;a@b.test>postmaster@mx.test ;");
    CHECK_STR("bytes", message, "Subject: x\r\n\r\nHello\r\n");
    expect(fd, "QUIT", "221");
    has_ended(fd);
    close_door(&f);
}

static void nobody_logs_in(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    prepare(&f);
    begin(&f);
    fd = dial(&f);
    expect(fd, "", "220");
    say(fd, "EHLO client.test\r\n");
    CHECK_TRUE("not offered", strstr(hear(fd), "AUTH") == NULL);
    expect(fd, "AUTH PLAIN AGEAYg==", "50");
    close(fd);
    close_door(&f);
}

/* ---- clients that leave ------------------------------------------------------------------------------------------- */

static void wait_for(struct reception_ask *_Atomic *ask, struct reception_mail *_Atomic *mail)
{
    while (ask != NULL ? atomic_load(ask) == NULL : atomic_load(mail) == NULL)
        usleep(1000);
}

static void answer_ask(struct loop_task *task)
{
    static const struct reception_answer fine = {250, "2.1.5", "ok"};
    struct reception_ask *ask = atomic_exchange(&held_ask, NULL);

    (void)task;
    ask->done(ask, &fine);
}

static void on_loop(struct fixture *f, void (*run)(struct loop_task *task))
{
    release_task.run = run;
    loop_post(f->loop, &release_task);
}

static void an_answer_may_come_later(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    prepare(&f);
    begin(&f);
    fd = greeted(&f);
    expect(fd, "MAIL FROM:<a@b.test>", "250");
    say(fd, "RCPT TO:<ask@in.test>\r\n");
    wait_for(&held_ask, NULL);
    on_loop(&f, answer_ask);
    expect(fd, "", "250 2.1.5");
    expect(fd, "DATA", "354");
    close(fd);
    close_door(&f);
}

static void a_client_may_leave_before_it(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    prepare(&f);
    begin(&f);
    fd = greeted(&f);
    expect(fd, "MAIL FROM:<a@b.test>", "250");
    say(fd, "RCPT TO:<ask@in.test>\r\n");
    wait_for(&held_ask, NULL);
    close(fd);
    on_loop(&f, answer_ask);
    hold = true;
    fd = greeted(&f);
    expect(fd, "MAIL FROM:<a@b.test>", "250");
    expect(fd, "RCPT TO:<one@in.test>", "250");
    expect(fd, "DATA", "354");
    say(fd, "Subject: x\r\n\r\nHello\r\n.\r\n");
    wait_for(NULL, &held_mail);
    close(fd);
    on_loop(&f, answer_mail);
    close_door(&f); /* waits for the last session */
}

static void a_message_in_hand_is_finished(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    prepare(&f);
    begin(&f);
    hold = true;
    fd = greeted(&f);
    expect(fd, "MAIL FROM:<a@b.test>", "250");
    expect(fd, "RCPT TO:<one@in.test>", "250");
    expect(fd, "DATA", "354");
    say(fd, "Subject: x\r\n\r\nHello\r\n.\r\n");
    wait_for(NULL, &held_mail);
    inbound_drain(f.door, on_drained, &f);
    on_loop(&f, answer_mail);
    expect(fd, "", "250 2.0.0 taken");
    expect(fd, "", "421 4.3.2");
    has_ended(fd);
    sem_wait(&f.drained);
    close_door(&f);
}

static void new_rules_count_for_new_sessions(void **state)
{
    struct fixture f;
    struct config next;
    int before, after;

    (void)state;
    prepare(&f);
    begin(&f);
    before = greeted(&f);
    next = f.config;
    next.inbound.recipients = 100;
    next.hostname = "other.test";
    inbound_reload(f.door, &next);
    after = dial(&f);
    expect(after, "", "220 other.test");
    expect(before, "RSET", "250");
    close(before);
    close(after);
    close_door(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_name_is_turned_away),
        cmocka_unit_test(a_poor_name_gets_a_tenth),
        cmocka_unit_test(a_name_may_be_lost_in_a_session),
        cmocka_unit_test(who_talks_first_is_not_listened_to),
        cmocka_unit_test(rates_of_an_address),
        cmocka_unit_test(too_many_unknown_recipients),
        cmocka_unit_test(bounces_of_forged_mail_are_nobodys_fault),
        cmocka_unit_test(errors_of_an_address),
        cmocka_unit_test(floods_without_a_sender),
        cmocka_unit_test(who_may_stand_beside_whom),
        cmocka_unit_test(nobody_logs_in),
        cmocka_unit_test(an_answer_may_come_later),
        cmocka_unit_test(a_client_may_leave_before_it),
        cmocka_unit_test(a_message_in_hand_is_finished),
        cmocka_unit_test(new_rules_count_for_new_sessions),
    };

    log_set_level(LOG_ERROR_);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
