/* SPDX-License-Identifier: Apache-2.0 */
/* The submission door on a loop of its own, with real sockets on loopback; admission and directory are the test's. */
#include "check.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../server/doors/submission/submission.h"
#include "../../server/log/log.h"
#include "../../server/tokens/login.h"

/* ---- what stands behind the door --------------------------------------------------------------------------------- */

static struct identity app = {
    .refs = 1, .kind = IDENTITY_CREDENTIAL, .name = (char *)"credential:app"};
static _Atomic bool hold_answers; /* admission keeps what it gets until told */
static struct submission *_Atomic held;
static _Atomic size_t submitted;
static char last_message[65536], last_envelope[4096], last_peer[64];
static uint16_t verdict = 250;

struct identity *identity_ref(struct identity *i)
{
    atomic_fetch_add(&i->refs, 1);
    return i;
}

void identity_unref(struct identity *i)
{
    if (i != NULL)
        atomic_fetch_sub(&i->refs, 1);
}

struct identity *directory_credential(struct directory *d, sgl_view user)
{
    (void)d;
    return sgl_view_eq(user, SGL_LIT("app")) ? identity_ref(&app) : NULL;
}

static uid_t known_uid = (uid_t)-1;

struct identity *directory_process(struct directory *d, uint32_t uid)
{
    (void)d;
    return uid == known_uid ? identity_ref(&app) : NULL;
}

struct identity *directory_login(struct directory *d, sgl_view user)
{
    return directory_credential(d, user);
}

void directory_scram(struct directory *d, sgl_view user, struct scram_secret *out)
{
    (void)d;
    (void)user;
    *out = (struct scram_secret){.iterations = 4096};
}

void directory_check_password(struct directory *d, struct loop *loop, struct auth_check *a)
{
    (void)d;
    (void)loop;
    (void)a;
    abort(); /* there is no AUTH in plaintext */
}

enum login_fault directory_login_fault(struct directory *d, sgl_view user)
{
    (void)d;
    (void)user;
    return LOGIN_WRONG;
}

bool directory_has_apps(struct directory *d)
{
    (void)d;
    return true;
}

const char *token_fault_text(enum token_fault fault)
{
    (void)fault;
    return "";
}

void tokens_login(struct tokens *t, struct workers *workers, struct loop *loop,
                  struct token_login *l)
{
    (void)t;
    (void)workers;
    (void)loop;
    (void)l;
    abort(); /* nor is there a token */
}

bool admission_may_send_as(struct admission *a, const struct identity *who, sgl_view mailbox,
                           struct admission_answer *out)
{
    (void)a;
    if (who == &app && sgl_view_ends(mailbox, SGL_LIT("@a.test")))
        return true;
    *out = (struct admission_answer){.smtp = 550, .enhanced = "5.7.1", .text = "not yours"};
    return false;
}

bool admission_may_send_to(struct admission *a, const struct identity *who, sgl_view mailbox,
                           struct admission_answer *out)
{
    (void)a;
    (void)who;
    (void)mailbox;
    (void)out;
    return true;
}

bool admission_begin(struct admission *a, const struct identity *who, sgl_view mailbox,
                     uint64_t size, struct admission_draft *d, struct admission_answer *out)
{
    (void)a;
    (void)who;
    (void)mailbox;
    (void)size;
    (void)out;
    *d = (struct admission_draft){.known = false};
    return true;
}

bool admission_add(struct admission *a, const struct identity *who, sgl_view mailbox,
                   struct admission_draft *d, struct admission_answer *out)
{
    (void)a;
    (void)who;
    (void)d;
    (void)out;
    return sgl_view_find(mailbox, '@') > 0;
}

bool admission_has_room(struct admission *a, size_t bytes, struct admission_answer *out)
{
    (void)a;
    (void)bytes;
    (void)out;
    return true;
}

static void answer_held(struct loop_task *task)
{
    struct submission *s =
        (struct submission *)(void *)((char *)task - offsetof(struct submission, task));

    s->done(s, &s->answer);
}

static void release(struct submission *s)
{
    s->task.run = answer_held;
    loop_post(s->loop, &s->task);
}

void admission_submit(struct admission *a, struct submission *s)
{
    int n = 0;

    (void)a;
    snprintf(last_message, sizeof last_message, "%.*s", SGL_FMT(s->raw));
    snprintf(last_peer, sizeof last_peer, "%.*s", SGL_FMT(s->message.peer));
    for (size_t i = 0; i < s->message.rcpts; i++)
        n += snprintf(last_envelope + n, sizeof last_envelope - (size_t)n, "%.*s>%.*s %d %.*s;",
                      SGL_FMT(s->message.env_from), SGL_FMT(s->message.rcpt[i].address),
                      s->message.rcpt[i].notify, SGL_FMT(s->message.rcpt[i].orcpt));
    s->answer =
        (struct admission_answer){.smtp = verdict, .enhanced = "", .text = "answer of admission"};
    atomic_fetch_add(&submitted, 1);
    if (atomic_load(&hold_answers))
        atomic_store(&held, s);
    else
        release(s);
}

/* ---- the door and a client --------------------------------------------------------------------------------------- */

struct fixture {
    struct config config;
    struct config_listen listen;
    struct config_network trust;
    struct loop *loop;
    struct submission_door *door;
    int fd;
    uint16_t port;
    sem_t drained;
};

struct config *config_ref(struct config *c)
{
    return c;
}

void config_unref(struct config *c)
{
    (void)c;
}

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

static void open_door_at(struct fixture *f, int local)
{
    struct submission_socket socket = {0};
    struct submission_setup setup = {.config = &f->config,
                                     .loop = &f->loop,
                                     .loops = 1,
                                     .socket = &socket,
                                     .sockets = 1,
                                     .local = local};
    char why[200];

    *f = (struct fixture){0};
    f->trust = (struct config_network){AF_INET, {127}, 8};
    f->listen = (struct config_listen){.name = "test",
                                       .tls = LISTEN_PLAIN,
                                       .trust = &f->trust,
                                       .trusts = 1,
                                       .trust_credential = "app"};
    f->config.hostname = "mx.test";
    f->config.listen = &f->listen;
    f->config.listens = 1;
    f->config.limits.message_size = 50000;
    f->config.limits.recipients = 3;
    f->config.limits.connections = 10;
    f->config.limits.connections_per_address = 3;
    f->config.limits.errors = 20;
    f->config.limits.memory = 1 << 20;
    f->config.limits.idle_s = 60;
    f->fd = socket.fd = listening(&f->port);
    f->loop = loop_new("door");
    assert_non_null(f->loop);
    f->door = submission_new(&setup, why, sizeof why);
    assert_non_null(f->door);
    sem_init(&f->drained, 0, 0);
    assert_true(loop_start(f->loop));
    hold_answers = false;
    held = NULL;
    submitted = 0;
    last_message[0] = last_envelope[0] = '\0';
    verdict = 250;
}

static void open_door(struct fixture *f)
{
    open_door_at(f, -1);
}

static void on_drained(void *ctx)
{
    sem_post(&((struct fixture *)ctx)->drained);
}

static void close_door(struct fixture *f)
{
    submission_drain(f->door, on_drained, f);
    sem_wait(&f->drained);
    loop_stop(f->loop);
    loop_join(f->loop);
    submission_free(f->door);
    loop_free(f->loop);
    close(f->fd);
    sem_destroy(&f->drained);
    CHECK_EQ("all references were given back", app.refs, 1);
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
    size_t len = strlen(text), off = 0;

    while (off < len) {
        ssize_t n = send(fd, text + off, len - off, MSG_NOSIGNAL);

        if (n <= 0)
            return;
        off += (size_t)n;
    }
}

/* Reads until `end` has come, or the end of the stream. */
static const char *hear(int fd, const char *end)
{
    static char got[65536];
    size_t len = 0;

    for (;;) {
        ssize_t n = recv(fd, got + len, sizeof got - 1 - len, 0);

        if (n <= 0)
            break;
        len += (size_t)n;
        got[len] = '\0';
        if (end != NULL && strstr(got, end) != NULL)
            break;
    }
    got[len] = '\0';
    return got;
}

static void expect(int fd, const char *end)
{
    const char *got = hear(fd, end);

    if (strstr(got, end) == NULL)
        fail_msg("got \"%s\", want \"%s\"", got, end);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void a_message_goes_to_admission_as_it_came(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    open_door(&f);
    fd = dial(&f);
    expect(fd, "220 mx.test ESMTP ready\r\n");
    say(fd, "EHLO c\r\n");
    expect(fd, "250 SIZE 50000\r\n");
    say(fd, "MAIL FROM:<x@A.test> RET=HDRS\r\nRCPT TO:<b@b.test> NOTIFY=FAILURE "
            "ORCPT=rfc822;b+2Bc@b.test\r\nRCPT TO:<postmaster>\r\nDATA\r\n");
    expect(fd, "354 ");
    say(fd, "Subject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n");
    expect(fd, "250 answer of admission\r\n221 ");
    CHECK_STR("bytes", last_message, "Subject: x\r\n\r\n.dot\r\n");
    CHECK_STR("envelope", last_envelope,
              "x@a.test>b@b.test 4 rfc822;b+c@b.test;x@a.test>postmaster@mx.test 0 ;");
    close(fd);
    close_door(&f);
}

static void refusals_reach_the_client_and_nothing_else(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    open_door(&f);
    fd = dial(&f);
    say(fd, "EHLO c\r\nMAIL FROM:<x@other.test>\r\n");
    expect(fd, "550 5.7.1 not yours\r\n");
    say(fd, "MAIL FROM:<x@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n");
    expect(fd, "354 ");
    say(fd, "a\nb\r\n.\r\n");
    expect(fd, "554 5.6.0 line 1 of the message holds a bare LF");
    CHECK_EQ("nothing came to admission", submitted, 0);
    verdict = 452;
    say(fd, "MAIL FROM:<x@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n");
    expect(fd, "354 ");
    say(fd, "a\r\n.\r\n");
    expect(fd, "452 answer of admission\r\n");
    close(fd);
    close_door(&f);
}

static void a_client_that_leaves_does_not_take_its_message_along(void **state)
{
    struct fixture f;
    struct submission_stats stats;
    int fd;

    (void)state;
    open_door(&f);
    hold_answers = true;
    fd = dial(&f);
    say(fd, "EHLO c\r\nMAIL FROM:<x@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n");
    expect(fd, "354 ");
    say(fd, "a\r\n.\r\nNOOP\r\n");
    while (atomic_load(&held) == NULL)
        poll(NULL, 0, 1);
    close(fd);
    submission_drain(f.door, on_drained, &f);
    CHECK_EQ("the drain waits for it", sem_trywait(&f.drained), -1);
    release(atomic_load(&held));
    sem_wait(&f.drained);
    submission_stats(f.door, &stats);
    CHECK_EQ("accepted", stats.messages_accepted, 1);
    close_door(&f);
}

static void limits_of_connections(void **state)
{
    struct fixture f;
    int fd[4];

    (void)state;
    open_door(&f);
    for (size_t i = 0; i < 3; i++) {
        fd[i] = dial(&f);
        expect(fd[i], "220 ");
    }
    fd[3] = dial(&f);
    expect(fd[3], "421 4.7.0 too many connections from your address\r\n");
    close(fd[3]);
    close(fd[0]);
    for (int i = 0; i < 1000; i++) { /* until the door has seen that one is gone */
        fd[0] = dial(&f);
        if (strncmp(hear(fd[0], "\r\n"), "220", 3) == 0)
            break;
        close(fd[0]);
        poll(NULL, 0, 1);
    }
    say(fd[0], "NOOP\r\n");
    expect(fd[0], "250 ");
    for (size_t i = 0; i < 3; i++)
        close(fd[i]);
    close_door(&f);
}

static void draining_says_421_at_rest(void **state)
{
    struct fixture f;
    int rest, busy;

    (void)state;
    open_door(&f);
    rest = dial(&f);
    busy = dial(&f);
    expect(rest, "220 ");
    say(busy, "EHLO c\r\nMAIL FROM:<x@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n");
    expect(busy, "354 ");
    submission_drain(f.door, on_drained, &f);
    expect(rest, "421 4.3.2 ");
    CHECK_STR("closed", hear(rest, NULL), "");
    say(busy, "a\r\n.\r\n");
    expect(busy, "250 answer of admission\r\n421 4.3.2 ");
    close(rest);
    close(busy);
    sem_wait(&f.drained);
    close_door(&f);
}

static void a_flood_without_reading_is_held_back(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    open_door(&f);
    fd = dial(&f);
    expect(fd, "220 ");
    for (int i = 0; i < 100; i++)
        say(fd, "RCPT TO:<a@b>\r\n");
    CHECK_TRUE("too many errors close",
               strstr(hear(fd, NULL), "421 4.7.0 too many errors\r\n") != NULL);
    close(fd);
    close_door(&f);
}

/* ---- processes of this machine ---- */

static int at_local(const char *path, bool listens)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct timeval patience = {10, 0};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (listens) {
        assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
        assert_int_equal(listen(fd, 16), 0);
    } else {
        assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    }
    return fd;
}

static void a_local_process_is_known_by_its_uid(void **state)
{
    char folder[] = "/tmp/test_submission.XXXXXX", path[64], want[200];
    struct fixture f;
    int local, fd, more[3];

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/smtp.sock", folder);
    local = at_local(path, true);
    open_door_at(&f, local);
    known_uid = (uid_t)-1;
    fd = at_local(path, false);
    snprintf(
        want, sizeof(want),
        "554 5.7.1 uid %u may not send here; an operator lets it: sigillo local add NAME --uid "
        "%u --domain DOMAIN\r\n",
        geteuid(), geteuid());
    CHECK_STR("who is not known is told so at once", hear(fd, NULL), want);
    close(fd);
    known_uid = geteuid();
    fd = at_local(path, false);
    expect(fd, "220 mx.test ESMTP ready\r\n");
    say(fd, "EHLO c\r\n");
    CHECK_TRUE("it does not log in", strstr(hear(fd, "250 SIZE 50000\r\n"), "AUTH") == NULL);
    say(fd, "AUTH PLAIN AGFwcABzZWNyZXQ=\r\n");
    expect(fd, "502 ");
    say(fd, "MAIL FROM:<x@other.test>\r\n");
    expect(fd, "550 5.7.1 not yours\r\n");
    say(fd, "MAIL FROM:<x@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n");
    expect(fd, "354 ");
    say(fd, "Subject: x\r\n\r\nx\r\n.\r\n");
    expect(fd, "250 answer of admission\r\n");
    snprintf(want, sizeof(want), "unix:uid=%u", geteuid());
    CHECK_STR("the trail names its uid", last_peer, want);
    for (size_t i = 0; i < 3; i++)
        more[i] = at_local(path, false);
    expect(more[2], "421 4.7.0 too many connections from your address\r\n");
    for (size_t i = 0; i < 3; i++)
        close(more[i]);
    close(fd);
    fd = dial(&f);
    expect(fd, "220 "); /* by TCP they are others */
    close(fd);
    close_door(&f);
    close(local);
    unlink(path);
    rmdir(folder);
    known_uid = (uid_t)-1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_goes_to_admission_as_it_came),
        cmocka_unit_test(refusals_reach_the_client_and_nothing_else),
        cmocka_unit_test(a_client_that_leaves_does_not_take_its_message_along),
        cmocka_unit_test(limits_of_connections),
        cmocka_unit_test(draining_says_421_at_rest),
        cmocka_unit_test(a_local_process_is_known_by_its_uid),
        cmocka_unit_test(a_flood_without_reading_is_held_back),
    };

    log_set_level(LOG_ERROR_);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
