/* SPDX-License-Identifier: Apache-2.0 */
/* The admin API over TLS, with two subscriptions that have everything, and a key of each role that is held to the first one. */
#ifndef TESTS_UNIT_ADMIN_TENANTS_FIXTURE_H
#define TESTS_UNIT_ADMIN_TENANTS_FIXTURE_H

#include <netinet/tcp.h>

#include "../../server/doors/http/admin_internal.h"
#include "../../server/loop/tls.h"
#include "admin_fixture.h"
#include "tls_fixture.h"

enum { ONE, TWO, NOBODY, WHOSE };
static const char *const whose_name[WHOSE] = {"one", "two", "not"};
#define ROLES (ROLE_OPERATOR + 1)

struct world {
    struct admin_fixture *x;
    struct tls_server *tls;
    SSL_CTX *client;
    uint16_t port;
    char key[WHOSE][32], message[WHOSE][32], policy[WHOSE][32];
    char token[ROLES][128]; /* held to "one" */
    unsigned fresh;
};

/* ---- a client that speaks TLS ---- */

static SSL *new_session(void *ctx)
{
    return tls_server_session(ctx);
}

static void serve_tls(struct world *w)
{
    static struct made_pair pair;
    uint16_t plain = w->x->port;
    char why[200] = "";

    make_certificate(&pair, "h", 3600);
    w->tls =
        tls_server_new(sgl_view_cstr(pair.certificate), sgl_view_cstr(pair.key), why, sizeof(why));
    assert_non_null(w->tls);
    w->client = SSL_CTX_new(TLS_client_method());
    assert_true(http_listen(w->x->http, listen_tcp(w->x), new_session, w->tls));
    w->port = w->x->port;
    w->x->port = plain;
}

static int tls_connect(const struct world *w)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                               .sin_port = htons(w->port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

struct reply {
    int status;
    char body[1 << 16];
};

static void call(const struct world *w, const char *token, const char *method, const char *path,
                 const char *body, struct reply *out)
{
    static char text[1 << 17];
    int fd = tls_connect(w), n, len;
    SSL *ssl = SSL_new(w->client);
    const char *start;

    SSL_set_fd(ssl, fd);
    assert_int_equal(SSL_connect(ssl), 1);
    len = snprintf(text, sizeof(text),
                   "%s %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAuthorization: Bearer %s\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   method, path, token, strlen(body), body);
    assert_int_equal(SSL_write(ssl, text, len), len);
    for (len = 0; (n = SSL_read(ssl, text + len, (int)sizeof(text) - len - 1)) > 0; len += n)
        ;
    SSL_free(ssl);
    close(fd);
    text[len] = '\0';
    assert_true(strncmp(text, "HTTP/1.1 ", 9) == 0);
    out->status = (text[9] - '0') * 100 + (text[10] - '0') * 10 + text[11] - '0';
    start = strstr(text, "\r\n\r\n");
    snprintf(out->body, sizeof(out->body), "%s", start == NULL ? "" : start + 4);
}

/* ---- two subscriptions with everything ---- */

/*
 * In paths and bodies:
 *
 *   $    "one", "two" or "not", whose it is: the domain one.test, the credential one-app, the subscription one
 *   #K   the id of a key of it          #M   the id of a message of it          #P   the id of a policy of it
 *   #N   a name that was not used yet   #U   a uid of it          #T   now, in seconds
 */
static const char *filled(struct world *w, const char *from, int whose)
{
    static char text[4][1024];
    static unsigned turn;
    struct sgl_buf out = SGL_BUF_INIT(sizeof(text[0]) - 1);
    char *to = text[turn++ % 4];

    for (; *from != '\0'; from++) {
        if (*from == '$')
            sgl_buf_add_cstr(&out, whose_name[whose]);
        else if (*from != '#')
            sgl_buf_add_byte(&out, (uint8_t)*from);
        else if (*++from == 'N')
            sgl_buf_addf(&out, "new%u", w->fresh++);
        else if (*from == 'U')
            sgl_buf_addf(&out, "%d", 1000 + whose);
        else if (*from == 'T')
            sgl_buf_add_i64(&out, clock_now_s());
        else
            sgl_buf_add_cstr(&out, *from == 'K'   ? w->key[whose]
                                   : *from == 'P' ? w->policy[whose]
                                                  : w->message[whose]);
    }
    assert_int_equal(out.status, SGL_OK);
    snprintf(to, sizeof(text[0]), "%.*s", SGL_FMT(sgl_buf_view(&out)));
    sgl_buf_done(&out);
    return to;
}

static json_t *operator_asks(struct world *w, const char *method, const char *path,
                             const char *body, int *status)
{
    json_t *answer = NULL;

    *status = ask(w->x, false, method, path, body, &answer);
    return answer;
}

static void keep(char out[32], json_t *answer)
{
    snprintf(out, 32, "%s", json_string_value(json_object_get(answer, "id")));
    json_decref(answer);
}

static void add_policy(struct world *w, int whose)
{
    int status;

    keep(w->policy[whose],
         operator_asks(w, "POST", "/admin/v1/policies",
                       filled(w,
                              "{\"identity\":\"credential:s-$\",\"right\":\"deny\",\"group\":"
                              "\"g-$\",\"subscription\":\"$\"}",
                              whose),
                       &status));
    CHECK_EQ("a policy is added", status, 201);
}

/* What a row took away is there again. */
static void furnish(struct world *w)
{
    static const struct {
        const char *path, *body;
    } posts[] = {
        {"/admin/v1/subscriptions", "{\"name\":\"$\"}"},
        {"/admin/v1/domains", "{\"name\":\"$.test\",\"subscription\":\"$\"}"},
        {"/admin/v1/credentials",
         "{\"name\":\"$-app\",\"domains\":[\"*\"],\"subscription\":\"$\"}"},
        {"/admin/v1/apps", "{\"name\":\"$-crm\",\"domains\":[\"*\"],\"subscription\":\"$\"}"},
        {"/admin/v1/accounts",
         "{\"address\":\"lob@$.test\",\"name\":\"n\",\"subscription\":\"$\"}"},
        {"/admin/v1/locals",
         "{\"name\":\"$-process\",\"uid\":#U,\"domains\":[\"*\"],\"subscription\":\"$\"}"},
        {"/admin/v1/suppressions", "{\"addresses\":[\"gone-$@x.test\"],\"subscription\":\"$\"}"},
        {"/admin/v1/domains", "{\"name\":\"s-$.test\",\"subscription\":\"$\"}"},
        {"/admin/v1/credentials",
         "{\"name\":\"s-$\",\"domains\":[\"s-$.test\"],\"subscription\":\"$\"}"},
        {"/admin/v1/senders", "{\"address\":\"*@s-$.test\",\"identity\":\"credential:s-$\"}"},
        {"/admin/v1/groups", "{\"name\":\"g-$\",\"members\":[\"x.test\"],\"subscription\":\"$\"}"},
        {"/admin/v1/groups", "{\"name\":\"h-$\",\"subscription\":\"$\"}"},
        {"/admin/v1/routes", "{\"pattern\":\"@s-$.test\",\"action\":\"discard\"}"},
    };
    int status;

    reputation_note(w->x->reputation, NULL, SGL_LIT("sender.test"), REPUTATION_GOOD, 1);
    for (int whose = ONE; whose <= TWO; whose++) {
        for (size_t i = 0; i < sizeof(posts) / sizeof(posts[0]); i++) {
            json_decref(
                operator_asks(w, "POST", posts[i].path, filled(w, posts[i].body, whose), &status));
            CHECK_TRUE(posts[i].path, status == 201 || status == 409);
        }
        json_decref(operator_asks(w, "PATCH", filled(w, "/admin/v1/keys/#K", whose),
                                  "{\"label\":\"l\"}", &status));
        if (status == 404)
            keep(w->key[whose],
                 operator_asks(w, "POST", "/admin/v1/keys",
                               filled(w, "{\"domains\":[\"*\"],\"subscription\":\"$\"}", whose),
                               &status));
        add_policy(w, whose);
    }
}

static void send_one(struct world *w, int whose)
{
    int status;

    keep(w->message[whose],
         operator_asks(w, "POST",
                       filled(w, "/admin/v1/messages?from=a%40$.test&to=b%40good.test", whose),
                       filled(w, "From: a@$.test\r\n\r\nx\r\n", whose), &status));
    CHECK_EQ("a message is taken", status, 202);
}

static void add_token(struct world *w, enum role role)
{
    struct directory_change c = {.noun = DIRECTORY_KEY,
                                 .role = role,
                                 .subscription = SGL_LIT("one"),
                                 .domain = {SGL_LIT("*")},
                                 .domains = 1};

    assert_int_equal(fixture_change(w->x->f, &c), DIRECTORY_OK);
    snprintf(w->token[role], sizeof(w->token[role]), "%s", c.secret);
}

static int tenants_setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    *w = (struct world){.x = admin_build(),
                        .key = {"no1", "no2", "no3"},
                        .policy[NOBODY] = "nopolicy",
                        .message[NOBODY] = "0000000000001"};
    serve_tls(w);
    assert_true(loop_start(w->x->door));
    furnish(w);
    for (int whose = ONE; whose <= TWO; whose++)
        send_one(w, whose);
    for (enum role role = ROLE_NONE; role <= ROLE_OPERATOR; role++)
        add_token(w, role);
    *state = w;
    return 0;
}

static int tenants_teardown(void **state)
{
    struct world *w = *state;
    void *x = w->x;
    int result = admin_teardown(&x);

    tls_server_free(w->tls);
    SSL_CTX_free(w->client);
    free(w);
    return result;
}

#endif
