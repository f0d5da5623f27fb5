/* SPDX-License-Identifier: Apache-2.0 */
/* AUTH at the submission door over TLS, with a directory and tokens that are the test's: what is said when they cannot look, and when the client does not wait. */
#include "check.h"

#include <arpa/inet.h>
#include <semaphore.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../server/doors/submission/internal.h"
#include "../../server/doors/submission/submission.h"
#include "../../server/log/log.h"
#include "../../server/tokens/login.h"
#include "sigillo/base64.h"
#include "tls_fixture.h"

/* ---- what stands behind the door: user names say what becomes of a login ------------------------------------------ */

static struct identity app = {.refs = 1, .kind = IDENTITY_APP, .name = (char *)"app:crm"};
static _Atomic bool apps;
static struct token_login *_Atomic held; /* of the user "held" */
static char last_token[64];
static struct tokens *const some_tokens = (struct tokens *)(void *)&app; /* is only passed on */

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
    (void)user;
    return NULL;
}

struct identity *directory_process(struct directory *d, uint32_t uid)
{
    (void)d;
    (void)uid;
    return NULL;
}

struct identity *directory_login(struct directory *d, sgl_view user)
{
    (void)d;
    return sgl_view_eq(user, SGL_LIT("good")) ? identity_ref(&app) : NULL;
}

static const uint8_t client_key[32]; /* of "good", in SCRAM: its StoredKey is the hash of it */

void directory_scram(struct directory *d, sgl_view user, struct scram_secret *out)
{
    (void)d;
    *out = (struct scram_secret){.iterations = 4096, .known = sgl_view_eq(user, SGL_LIT("good"))};
    crypto_hash_sha256(out->stored_key, client_key, sizeof(client_key));
}

enum login_fault directory_login_fault(struct directory *d, sgl_view user)
{
    (void)d;
    return sgl_view_eq(user, SGL_LIT("modern@a.test")) ? LOGIN_NO_PASSWORDS : LOGIN_WRONG;
}

bool directory_has_apps(struct directory *d)
{
    (void)d;
    return atomic_load(&apps);
}

static void password_end(struct loop_task *task)
{
    struct auth_check *a =
        (struct auth_check *)(void *)((char *)task - offsetof(struct auth_check, task));

    a->done(a);
}

/* The exchange lives until done(), so its words may be borrowed here. */
void directory_check_password(struct directory *d, struct loop *loop, struct auth_check *a)
{
    a->unavailable = sgl_view_eq(a->user, SGL_LIT("busy"));
    a->identity =
        sgl_view_eq(a->user, SGL_LIT("good")) || sgl_view_eq(a->password, SGL_LIT("sk_good_secret"))
            ? identity_ref(&app)
            : NULL;
    a->fault =
        sgl_view_eq(a->user, SGL_LIT("late")) ? LOGIN_EXPIRED : directory_login_fault(d, a->user);
    if (!sgl_view_eq(a->user, SGL_LIT("modern@a.test")) && !sgl_view_eq(a->user, SGL_LIT("apikey")))
        a->user = SGL_LIT("");
    a->task.run = password_end;
    loop_post(loop, &a->task);
}

const char *token_fault_text(enum token_fault fault)
{
    return fault == TOKEN_EXPIRED ? "The token has expired." : "Another fault.";
}

static void token_end(struct loop_task *task)
{
    struct token_login *l =
        (struct token_login *)(void *)((char *)task - offsetof(struct token_login, task));

    l->done(l);
}

void tokens_login(struct tokens *t, struct workers *workers, struct loop *loop,
                  struct token_login *l)
{
    static const struct {
        const char *user;
        enum token_fault token_is;
        enum login_fault fault;
    } rows[] = {{"good", TOKEN_FINE, LOGIN_FINE},
                {"held", TOKEN_FINE, LOGIN_FINE},
                {"old", TOKEN_EXPIRED, LOGIN_WRONG},
                {"off@a.test", TOKEN_FINE, LOGIN_NO_TOKENS},
                {"shut@a.test", TOKEN_FINE, LOGIN_NOT_ALLOWED},
                {"else", TOKEN_FINE, LOGIN_NOT_ITS}};

    (void)workers;
    CHECK_TRUE("the door's tokens", t == some_tokens);
    snprintf(last_token, sizeof(last_token), "%.*s", SGL_FMT(l->token));
    l->unavailable = sgl_view_eq(l->user, SGL_LIT("busy"));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (sgl_view_eq(l->user, sgl_view_cstr(rows[i].user))) {
            l->user = sgl_view_cstr(rows[i].user);
            l->token_is = rows[i].token_is;
            l->fault = rows[i].fault;
            l->identity = rows[i].fault == LOGIN_FINE ? identity_ref(&app) : NULL;
        }
    l->task.run = token_end;
    if (sgl_view_eq(l->user, SGL_LIT("held")))
        atomic_store(&held, l);
    else
        loop_post(loop, &l->task);
}

bool admission_may_send_as(struct admission *a, const struct identity *who, sgl_view mailbox,
                           struct admission_answer *out)
{
    (void)a;
    (void)mailbox;
    *out = (struct admission_answer){.smtp = 550, .enhanced = "5.7.1", .text = "not yours"};
    return who == &app;
}

bool admission_may_send_to(struct admission *a, const struct identity *who, sgl_view mailbox,
                           struct admission_answer *out)
{
    return admission_may_send_as(a, who, mailbox, out);
}

bool admission_begin(struct admission *a, const struct identity *who, sgl_view mailbox,
                     uint64_t size, struct admission_draft *d, struct admission_answer *out)
{
    (void)size;
    *d = (struct admission_draft){.known = false};
    return admission_may_send_as(a, who, mailbox, out);
}

bool admission_add(struct admission *a, const struct identity *who, sgl_view mailbox,
                   struct admission_draft *d, struct admission_answer *out)
{
    (void)d;
    return admission_may_send_as(a, who, mailbox, out);
}

bool admission_has_room(struct admission *a, size_t bytes, struct admission_answer *out)
{
    (void)a;
    (void)bytes;
    (void)out;
    return true;
}

void admission_submit(struct admission *a, struct submission *s)
{
    (void)a;
    (void)s;
    abort(); /* no message is sent here */
}

struct config *config_ref(struct config *c)
{
    return c;
}

void config_unref(struct config *c)
{
    (void)c;
}

/* ---- the door, and a client ---------------------------------------------------------------------------------------- */

struct fixture {
    struct config config;
    struct config_listen listen;
    struct loop *loop;
    struct tls_server *tls;
    struct submission_door *door;
    SSL_CTX *client;
    int fd;
    struct sockaddr_in at;
    sem_t drained;
};

static int listening(struct sockaddr_in *at)
{
    socklen_t len = sizeof(*at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)at, len), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)at, &len), 0);
    return fd;
}

static int open_door(void **state)
{
    struct fixture *f = *state = calloc(1, sizeof(*f));
    struct submission_socket socket = {0};
    struct submission_setup setup = {.config = &f->config,
                                     .loop = &f->loop,
                                     .loops = 1,
                                     .socket = &socket,
                                     .sockets = 1,
                                     .tokens = some_tokens};
    static struct made_pair pair;
    char why[200];

    make_certificate(&pair, "mx.test", 3600);
    f->listen = (struct config_listen){.name = "test", .tls = LISTEN_IMPLICIT};
    f->config = (struct config){.hostname = (char *)"mx.test",
                                .public_url = (char *)"https://mx.test:8443",
                                .listen = &f->listen,
                                .listens = 1};
    f->config.limits.message_size = 50000;
    f->config.limits.recipients = 3;
    f->config.limits.connections = f->config.limits.connections_per_address = 20;
    f->config.limits.errors = 20;
    f->config.limits.memory = 1 << 20;
    f->config.limits.idle_s = 60;
    f->fd = socket.fd = listening(&f->at);
    f->tls = setup.tls =
        tls_server_new(sgl_view_cstr(pair.certificate), sgl_view_cstr(pair.key), why, sizeof(why));
    assert_non_null(f->tls);
    f->client = SSL_CTX_new(TLS_client_method());
    f->loop = loop_new("door");
    f->door = submission_new(&setup, why, sizeof(why));
    assert_non_null(f->door);
    sem_init(&f->drained, 0, 0);
    assert_true(loop_start(f->loop));
    atomic_store(&apps, true);
    atomic_store(&held, NULL);
    return 0;
}

static void on_drained(void *ctx)
{
    sem_post(&((struct fixture *)ctx)->drained);
}

static int close_door(void **state)
{
    struct fixture *f = *state;

    submission_drain(f->door, on_drained, f);
    sem_wait(&f->drained);
    loop_stop(f->loop);
    loop_join(f->loop);
    submission_free(f->door);
    loop_free(f->loop);
    tls_server_free(f->tls);
    SSL_CTX_free(f->client);
    close(f->fd);
    sem_destroy(&f->drained);
    free(f);
    CHECK_EQ("all references were given back", app.refs, 1);
    return 0;
}

struct wire {
    SSL *tls;
    int fd;
    char got[8192];
};

static void say(struct wire *w, const char *text)
{
    assert_int_equal(SSL_write(w->tls, text, (int)strlen(text)), (int)strlen(text));
}

/* A whole reply. */
static const char *hear(struct wire *w)
{
    size_t len = 0, line = 0;

    while (len < sizeof(w->got) - 1 && SSL_read(w->tls, w->got + len, 1) == 1) {
        if (w->got[len++] != '\n')
            continue;
        if (len - line > 4 && w->got[line + 3] == ' ')
            break;
        line = len;
    }
    w->got[len] = '\0';
    return w->got;
}

static void expect(struct wire *w, const char *name, const char *start)
{
    const char *got = hear(w);

    if (strncmp(got, start, strlen(start)) != 0)
        fail_msg("%s: got \"%s\", want \"%s\"", name, got, start);
}

static struct wire dial(const struct fixture *f)
{
    struct timeval patience = {10, 0};
    struct wire w = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};

    setsockopt(w.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_int_equal(connect(w.fd, (const struct sockaddr *)&f->at, sizeof(f->at)), 0);
    w.tls = SSL_new(f->client);
    SSL_set_fd(w.tls, w.fd);
    assert_int_equal(SSL_connect(w.tls), 1);
    expect(&w, "greeting", "220 ");
    say(&w, "EHLO c\r\n");
    expect(&w, "EHLO", "250-");
    return w;
}

static void hang_up(struct wire *w)
{
    SSL_free(w->tls);
    close(w->fd);
}

static const char *base64(sgl_view bytes)
{
    static char text[1024];
    struct sgl_buf out = SGL_BUF_INIT(sizeof(text) - 1);

    sgl_base64_encode(&out, bytes);
    snprintf(text, sizeof(text), "%.*s", SGL_FMT(sgl_buf_view(&out)));
    sgl_buf_done(&out);
    return text;
}

static void say_token(struct wire *w, const char *user)
{
    char message[256], line[1100];

    snprintf(message, sizeof(message),
             "user=%s\x01"
             "auth=Bearer abc.def\x01\x01",
             user);
    snprintf(line, sizeof(line), "AUTH XOAUTH2 %s\r\n", base64(sgl_view_cstr(message)));
    say(w, line);
}

static void say_password(struct wire *w, const char *user, const char *password)
{
    char message[64], line[1100];
    int n = snprintf(message, sizeof(message), "%c%s%c%s", 0, user, 0, password);

    snprintf(line, sizeof(line), "AUTH PLAIN %s\r\n", base64(sgl_view_of(message, (size_t)n)));
    say(w, line);
}

static void say_plain(struct wire *w, const char *user)
{
    say_password(w, user, "password");
}

/* The server's challenge, decoded. */
static void hear_challenge(struct wire *w, char *out, size_t size)
{
    const char *got = hear(w);
    size_t len = 0;

    assert_int_equal(strncmp(got, "334 ", 4), 0);
    assert_int_equal(sodium_base642bin((uint8_t *)out, size - 1, got + 4, strlen(got) - 6, NULL,
                                       &len, NULL, sodium_base64_VARIANT_ORIGINAL),
                     0);
    out[len] = '\0';
}

static void say_base64(struct wire *w, const char *before, const char *text)
{
    char line[1200];

    snprintf(line, sizeof(line), "%s%s\r\n", before, base64(sgl_view_cstr(text)));
    say(w, line);
}

/* As "good", who knows his key  [RFC 5802 s3]. */
static void say_scram(struct wire *w)
{
    char first[256], without[200], message[600], last[1300];
    uint8_t stored[32], proof[32];

    say_base64(w, "AUTH SCRAM-SHA-256 ", "n,,n=good,r=abcdefgh");
    hear_challenge(w, first, sizeof(first));
    snprintf(without, sizeof(without), "c=biws,%.*s", (int)strcspn(first, ","), first);
    snprintf(message, sizeof(message), "n=good,r=abcdefgh,%s,%s", first, without);
    crypto_hash_sha256(stored, client_key, sizeof(client_key));
    crypto_auth_hmacsha256(proof, (const uint8_t *)message, strlen(message), stored);
    for (size_t i = 0; i < sizeof(proof); i++)
        proof[i] ^= client_key[i];
    snprintf(last, sizeof(last), "%s,p=%s", without, base64(sgl_view_of(proof, sizeof(proof))));
    say_base64(w, "", last);
}

/* ---- tests --------------------------------------------------------------------------------------------------------- */

static void offered_while_there_is_an_application(void **state)
{
    struct fixture *f = *state;
    struct wire w = dial(f);

    CHECK_TRUE("with one", strstr(w.got, "250-AUTH SCRAM-SHA-256 PLAIN LOGIN OAUTHBEARER XOAUTH2"));
    hang_up(&w);
    atomic_store(&apps, false);
    w = dial(f);
    CHECK_TRUE("without", strstr(w.got, "250-AUTH SCRAM-SHA-256 PLAIN LOGIN\r\n") != NULL);
    say_token(&w, "good");
    expect(&w, "nor taken", "504 ");
    hang_up(&w);
}

static void a_good_token(void **state)
{
    struct wire w = dial(*state);

    say_token(&w, "good");
    expect(&w, "it is let in", "235 2.7.0");
    CHECK_STR("the token as it was", last_token, "abc.def");
    say(&w, "MAIL FROM:<a@a.test>\r\n");
    expect(&w, "and it is the application", "250 ");
    hang_up(&w);
}

static void tokens_that_are_refused(void **state)
{
    static const struct {
        const char *user, *want;
    } rows[] = {
        {"old", "535 5.7.8 The token has expired."},
        {"off@a.test", "535 5.7.8 tokens are off for this account; say: sigillo account set "
                       "off@a.test --oauth on\r\n"},
        {"shut@a.test", "535 5.7.8 the account does not let this application in; say: sigillo "
                        "account set shut@a.test --allow-app APPLICATION\r\n"},
        {"else", "535 5.7.8 the application may not log in as this user\r\n"},
    };
    const char *why = base64(SGL_LIT("{\"status\":\"401\",\"schemes\":\"Bearer\",\"scope\":"
                                     "\"https://mx.test:8443/.default\"}"));
    char challenge[1100];

    snprintf(challenge, sizeof(challenge), "334 %s\r\n", why);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wire w = dial(*state);

        say_token(&w, rows[i].user);
        expect(&w, rows[i].user, challenge);
        say(&w, "\r\n");
        expect(&w, rows[i].user, rows[i].want);
        say(&w, "MAIL FROM:<a@a.test>\r\n");
        expect(&w, "nobody is logged in", "530 ");
        hang_up(&w);
    }
}

/* [RFC 4954 s6] 454: what is right may be shown again later */
static void when_nobody_can_look(void **state)
{
    struct wire w = dial(*state);

    say_token(&w, "busy");
    expect(&w, "a token", "454 4.7.0 ");
    say_plain(&w, "busy");
    expect(&w, "a password", "454 4.7.0 ");
    say(&w, "AUTH LOGIN\r\n");
    expect(&w, "LOGIN", "334 ");
    say(&w, "YnVzeQ==\r\n"); /* busy */
    expect(&w, "LOGIN", "334 ");
    say(&w, "cGFzc3dvcmQ=\r\n");
    expect(&w, "a password by LOGIN", "454 4.7.0 ");
    say_token(&w, "good");
    expect(&w, "it was no failure", "235 ");
    hang_up(&w);
}

/* [RFC 4954 s6] 534: another mechanism is wanted */
static void passwords_that_are_refused(void **state)
{
    struct wire w = dial(*state);

    say_plain(&w, "modern@a.test");
    expect(&w, "switched off",
           "534 5.7.9 passwords are off for this account: log in with a token "
           "(XOAUTH2, OAUTHBEARER), or say: sigillo account set modern@a.test "
           "--basic on\r\n");
    say_plain(&w, "late");
    expect(&w, "a secret that has ended", "535 5.7.8 this secret has expired");
    say_plain(&w, "nobody");
    expect(&w, "wrong", "535 5.7.8 user name or password wrong\r\n");
    say_plain(&w, "good");
    expect(&w, "right", "235 ");
    hang_up(&w);
}

/* Wrong logins of a user, without waiting for the answers. */
static void guess_wrong(const struct fixture *f, const char *user, unsigned times)
{
    struct sgl_ip here;

    assert_int_equal(sgl_ip_parse(SGL_LIT("127.0.0.1"), &here), SGL_OK);
    for (unsigned i = 0; i < times; i++)
        peers_guessed(f->door->smtp.peers, &here, sgl_view_cstr(user), false, clock_mono_ms());
}

/* [RFC 4954 s6] the same for each mechanism, and no word of a wrong password: nobody looked at one */
static void too_many_guesses(void **state)
{
    struct wire w;

    guess_wrong(*state, "good", 10);
    w = dial(*state);
    say_plain(&w, "good");
    expect(&w, "PLAIN", "421 4.7.0 too many failed logins; try again in ");
    hang_up(&w);
    w = dial(*state);
    say_base64(&w, "AUTH SCRAM-SHA-256 ", "n,,n=good,r=abcdefgh");
    expect(&w, "SCRAM", "421 4.7.0 too many failed logins; try again in ");
    hang_up(&w);
}

/* All keys have one name: who shows a wrong one keeps no other waiting. */
static void keys_are_counted_by_themselves(void **state)
{
    struct wire w;

    guess_wrong(*state, "sk_bad", 9);
    guess_wrong(*state, "apikey", 10);
    w = dial(*state);
    say_password(&w, "apikey", "sk_bad_guess");
    expect(&w, "the tenth", "535 5.7.8 ");
    say_password(&w, "apikey", "sk_bad_another");
    expect(&w, "is the last", "421 4.7.0 too many failed logins; try again in ");
    hang_up(&w);
    w = dial(*state);
    say_password(&w, "apikey", "sk_good_secret");
    expect(&w, "another key", "235 ");
    hang_up(&w);
    w = dial(*state);
    say_password(&w, "apikey", "password");
    expect(&w, "whoever has the name himself", "421 4.7.0 ");
    hang_up(&w);
}

static void a_right_proof_ends_the_count(void **state)
{
    char verifier[64];
    struct wire w;

    guess_wrong(*state, "good", 9);
    w = dial(*state);
    say_scram(&w);
    hear_challenge(&w, verifier, sizeof(verifier));
    CHECK_EQ("the server proves itself, too", strncmp(verifier, "v=", 2), 0);
    say(&w, "\r\n");
    expect(&w, "let in", "235 ");
    hang_up(&w);
    guess_wrong(*state, "good", 1);
    w = dial(*state);
    say_plain(&w, "good");
    expect(&w, "this one is the first again", "235 ");
    hang_up(&w);
}

static void a_client_that_does_not_wait(void **state)
{
    struct fixture *f = *state;
    struct submission_stats stats;
    struct wire w = dial(f);

    say_token(&w, "held");
    for (unsigned n = 0; n < 500 && atomic_load(&held) == NULL; n++)
        usleep(10000);
    assert_non_null(atomic_load(&held));
    hang_up(&w);
    usleep(50000); /* the door sees that it has gone */
    loop_post(f->loop, &atomic_load(&held)->task);
    for (unsigned n = 0; n < 500; n++) {
        submission_stats(f->door, &stats);
        if (stats.sessions_now == 0)
            break;
        usleep(10000);
    }
    CHECK_EQ("its session ends with the answer", stats.sessions_now, 0);
    CHECK_EQ("and nobody was let in", app.refs, 1);
    w = dial(f);
    say_token(&w, "old"); /* leaves between the two steps of a refusal */
    expect(&w, "why", "334 ");
    hang_up(&w);
    w = dial(f);
    say_token(&w, "old"); /* and before the first */
    hang_up(&w);
}

#define DOOR_TEST(name) cmocka_unit_test_setup_teardown(name, open_door, close_door)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DOOR_TEST(offered_while_there_is_an_application),
        DOOR_TEST(a_good_token),
        DOOR_TEST(tokens_that_are_refused),
        DOOR_TEST(when_nobody_can_look),
        DOOR_TEST(passwords_that_are_refused),
        DOOR_TEST(too_many_guesses),
        DOOR_TEST(keys_are_counted_by_themselves),
        DOOR_TEST(a_right_proof_ends_the_count),
        DOOR_TEST(a_client_that_does_not_wait),
    };

    log_set_level(LOG_ERROR_);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
