/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every route of the admin API, each role, and what is one's own, another's and nobody's, over TLS.  What is of another subscription is answered word for word as what is not
 * there.  A route without a row here fails.
 */
#include <netinet/tcp.h>

#include "../../server/doors/http/admin_internal.h"
#include "../../server/loop/tls.h"
#include "admin_fixture.h"
#include "tls_fixture.h"

/*
 * In paths and bodies:
 *
 *   $    "one", "two" or "not", whose it is: the domain one.test, the credential one-app, the subscription one
 *   #K   the id of a key of it          #M   the id of a message of it          #P   the id of a policy of it
 *   #N   a name that was not used yet
 */
struct row {
    const char *method, *pattern, *path, *body;
    enum {
        HIDES,   /* what is another's is answered as what is nobody's */
        MAKES,   /* so is the subscription that something is added to */
        LISTS,   /* a list shows one's own */
        COMMON,  /* the same for all who may */
        REFUSES, /* admission decides */
    } how;
};
static const struct row rows[] = {
    {"GET", "subscriptions", "subscriptions", "", LISTS},
    {"POST", "subscriptions", "subscriptions", "{\"name\":\"#N\"}", COMMON},
    {"GET", "subscriptions/{name}", "subscriptions/$", "", HIDES},
    {"PATCH", "subscriptions/{name}", "subscriptions/$", "{\"profile\":\"unlimited\"}", HIDES},
    {"GET", "profiles", "profiles", "", COMMON},
    {"GET", "usage", "usage", "", LISTS},
    {"GET", "usage", "usage?subscription=$", "", HIDES},
    {"GET", "domains", "domains", "", LISTS},
    {"POST", "domains", "domains", "{\"name\":\"#N.test\",\"subscription\":\"$\"}", MAKES},
    {"GET", "domains/{name}", "domains/$.test", "", HIDES},
    {"PATCH", "domains/{name}", "domains/$.test", "{\"return_path\":\"b\"}", HIDES},
    {"POST", "domains/{name}/verify", "domains/$.test/verify", "", HIDES},
    {"POST", "domains/{name}/publish", "domains/$.test/publish", "{}", HIDES},
    {"GET", "domains/{name}/rotation", "domains/$.test/rotation", "", HIDES},
    {"POST", "domains/{name}/rotation", "domains/$.test/rotation", "{}", HIDES},
    {"DELETE", "domains/{name}/rotation", "domains/$.test/rotation", "", HIDES},
    {"DELETE", "domains/{name}", "domains/$.test", "", HIDES},
    {"GET", "domains/{name}/records", "domains/$.test/records", "", HIDES},
    {"GET", "credentials", "credentials", "", LISTS},
    {"POST", "credentials", "credentials",
     "{\"name\":\"#N\",\"domains\":[\"*\"],\"subscription\":\"$\"}", MAKES},
    {"PATCH", "credentials/{name}", "credentials/$-app", "{\"domains\":[\"*\"]}", HIDES},
    {"DELETE", "credentials/{name}", "credentials/$-app", "", HIDES},
    {"GET", "keys", "keys", "", LISTS},
    {"POST", "keys", "keys", "{\"domains\":[\"*\"],\"subscription\":\"$\"}", MAKES},
    {"PATCH", "keys/{id}", "keys/#K", "{\"label\":\"x\"}", HIDES},
    {"DELETE", "keys/{id}", "keys/#K", "", HIDES},
    {"GET", "apps", "apps", "", LISTS},
    {"POST", "apps", "apps", "{\"name\":\"#N\",\"domains\":[\"*\"],\"subscription\":\"$\"}", MAKES},
    {"GET", "apps/{name}", "apps/$-crm", "", HIDES},
    {"PATCH", "apps/{name}", "apps/$-crm", "{\"new_secret\":true}", HIDES},
    {"DELETE", "apps/{name}", "apps/$-crm", "", HIDES},
    {"GET", "accounts", "accounts", "", LISTS},
    {"POST", "accounts", "accounts",
     "{\"address\":\"#N@$.test\",\"name\":\"n\",\"subscription\":\"$\"}", MAKES},
    {"GET", "accounts/{address}", "accounts/lob@$.test", "", HIDES},
    {"PATCH", "accounts/{address}", "accounts/lob@$.test", "{\"name\":\"m\"}", HIDES},
    {"DELETE", "accounts/{address}", "accounts/lob@$.test", "", HIDES},
    {"GET", "senders", "senders", "", LISTS},
    {"POST", "senders", "senders", "{\"address\":\"#N@s-$.test\",\"subscription\":\"$\"}", MAKES},
    {"DELETE", "senders/{address}", "senders/*@s-$.test?identity=credential:s-$", "", HIDES},
    {"GET", "groups", "groups", "", LISTS},
    {"POST", "groups", "groups", "{\"name\":\"#N\",\"subscription\":\"$\"}", MAKES},
    {"GET", "groups/{name}", "groups/g-$?subscription=$", "", HIDES},
    {"PATCH", "groups/{name}", "groups/g-$?subscription=$", "{\"description\":\"d\"}", HIDES},
    {"DELETE", "groups/{name}", "groups/h-$?subscription=$", "", HIDES},
    {"GET", "policies", "policies", "", LISTS},
    {"GET", "policies/test", "policies/test?identity=credential:$-app&sender=a@$.test", "", HIDES},
    {"POST", "policies", "policies",
     "{\"identity\":\"*\",\"right\":\"deny\",\"group\":\"g-$\",\"subscription\":\"$\"}", MAKES},
    {"DELETE", "policies/{id}", "policies/#P", "", HIDES},
    {"GET", "suppressions", "suppressions", "", LISTS},
    {"GET", "suppressions", "suppressions?subscription=$", "", HIDES},
    {"POST", "suppressions", "suppressions",
     "{\"addresses\":[\"#N@x.test\"],\"subscription\":\"$\"}", MAKES},
    {"GET", "suppressions/export", "suppressions/export?subscription=$", "", HIDES},
    {"POST", "suppressions/import", "suppressions/import?subscription=$", "#N@x.test\n", MAKES},
    {"DELETE", "suppressions/{address}", "suppressions/gone-$@x.test?subscription=$", "", HIDES},
    {"GET", "messages", "messages", "", LISTS},
    {"GET", "messages", "messages?subscription=$", "", HIDES},
    {"GET", "messages/{id}", "messages/#M", "", HIDES},
    {"POST", "messages", "messages?from=a%40$.test&to=b%40good.test", "From: a@$.test\r\n\r\nx\r\n",
     REFUSES},
    {"POST", "queue/retry", "queue/retry", "{\"message\":\"#M\"}", HIDES},
    {"POST", "queue/hold", "queue/hold", "{\"message\":\"#M\"}", HIDES},
    {"POST", "queue/release", "queue/release", "{\"message\":\"#M\"}", HIDES},
    {"POST", "queue/cancel", "queue/cancel", "{\"message\":\"#M\"}", HIDES},
    {"GET", "stats", "stats", "", COMMON},
    {"GET", "openapi.json", "openapi.json", "", COMMON},
    {"GET", "audit", "audit", "", LISTS},
    {"GET", "audit", "audit?subscription=$", "", HIDES},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

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
        {"/admin/v1/suppressions", "{\"addresses\":[\"gone-$@x.test\"],\"subscription\":\"$\"}"},
        {"/admin/v1/domains", "{\"name\":\"s-$.test\",\"subscription\":\"$\"}"},
        {"/admin/v1/credentials",
         "{\"name\":\"s-$\",\"domains\":[\"s-$.test\"],\"subscription\":\"$\"}"},
        {"/admin/v1/senders", "{\"address\":\"*@s-$.test\",\"identity\":\"credential:s-$\"}"},
        {"/admin/v1/groups", "{\"name\":\"g-$\",\"members\":[\"x.test\"],\"subscription\":\"$\"}"},
        {"/admin/v1/groups", "{\"name\":\"h-$\",\"subscription\":\"$\"}"},
    };
    int status;

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

static int setup(void **state)
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

static int teardown(void **state)
{
    struct world *w = *state;
    void *x = w->x;
    int result = admin_teardown(&x);

    tls_server_free(w->tls);
    SSL_CTX_free(w->client);
    free(w);
    return result;
}

/* ---- each route has a row, and each row a route ---- */

struct routes {
    size_t count;
    bool row_has_route[ROWS];
};

static void see_route(void *ctx, enum http_side side, const char *method, const char *pattern)
{
    struct routes *g = ctx;
    bool has_row = false;

    (void)side;
    if (strncmp(pattern, "/admin/v1/", 10) != 0)
        return;
    g->count++;
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].method, method) == 0 && strcmp(rows[i].pattern, pattern + 10) == 0)
            has_row = g->row_has_route[i] = true;
    if (!has_row)
        fail_msg("%s %s: no row in this test", method, pattern);
    if (admin_access(method, pattern) == NULL)
        fail_msg("%s %s: no row in admin_access.c", method, pattern);
}

static void test_routes(void **state)
{
    struct world *w = *state;
    struct routes g = {0};

    http_each_route(w->x->http, see_route, &g);
    CHECK_TRUE("there are routes", g.count > 30);
    for (size_t i = 0; i < ROWS; i++)
        CHECK_TRUE(rows[i].pattern, g.row_has_route[i]);
}

/* ---- each role at each route ---- */

struct asked {
    const struct row *row;
    enum role role, least;
    char name[800];
    struct reply reply[WHOSE];
};

static void ask_for(struct world *w, struct asked *a, int whose)
{
    char path[512];

    snprintf(path, sizeof(path), "/admin/v1/%s", filled(w, a->row->path, whose));
    call(w, w->token[a->role], a->row->method, path, filled(w, a->row->body, whose),
         &a->reply[whose]);
    snprintf(a->name, sizeof(a->name), "%s %s as %s: %d", a->row->method, path, role_name(a->role),
             a->reply[whose].status);
}

static bool is_served(int status)
{
    return status != 401 && status != 403 && status != 404 && status < 500;
}

/* Word for word, but for the names that were used up. */
static void check_hidden(const struct asked *a)
{
    const struct reply *two = &a->reply[TWO], *none = &a->reply[NOBODY];

    CHECK_EQ(a->name, two->status, 404);
    CHECK_EQ(a->name, none->status, 404);
    CHECK_STR(a->name, two->body, none->body);
}

/* The audit shows what he himself tried. */
static bool shows_others(const struct asked *a)
{
    const char *mark = strcmp(a->row->pattern, "audit") == 0 ? "\"subscription\":\"two\"" : "two";

    return strstr(a->reply[ONE].body, mark) != NULL;
}

static void check_served(struct world *w, struct asked *a)
{
    bool all = a->role == ROLE_OPERATOR;

    switch (a->row->how) {
    case HIDES:
    case MAKES:
        ask_for(w, a, TWO);
        CHECK_TRUE(a->name, !all || is_served(a->reply[TWO].status));
        ask_for(w, a, NOBODY);
        if (!all)
            check_hidden(a);
        break;
    case LISTS:
        CHECK_TRUE(a->name, strstr(a->reply[ONE].body, "one") != NULL);
        CHECK_EQ(a->name, shows_others(a), all);
        CHECK_TRUE(a->name, all || strstr(a->reply[ONE].body, "\"role\":\"operator\"") == NULL);
        break;
    case COMMON:
        break;
    case REFUSES:
        ask_for(w, a, TWO);
        CHECK_EQ(a->name, a->reply[TWO].status, 403);
        break;
    }
}

static void furnish_again(struct world *w, const struct row *row)
{
    if (strcmp(row->method, "DELETE") == 0)
        furnish(w);
}

static void check_row(struct world *w, const struct row *row, enum role role)
{
    char pattern[128];
    static struct asked a;

    snprintf(pattern, sizeof(pattern), "/admin/v1/%s", row->pattern);
    a = (struct asked){
        .row = row, .role = role, .least = admin_access(row->method, pattern)->least};
    if (role < a.least) {
        for (int whose = ONE; whose < WHOSE; whose++) {
            ask_for(w, &a, whose);
            CHECK_EQ(a.name, a.reply[whose].status, 403);
            CHECK_STR(a.name, a.reply[whose].body, a.reply[ONE].body);
        }
        return;
    }
    ask_for(w, &a, ONE);
    CHECK_TRUE(a.name, is_served(a.reply[ONE].status));
    furnish_again(w, row);
    check_served(w, &a);
    furnish_again(w, row);
}

static void test_roles(void **state)
{
    for (size_t i = 0; i < ROWS; i++)
        for (enum role role = ROLE_NONE; role <= ROLE_OPERATOR; role++)
            check_row(*state, &rows[i], role);
}

/* ---- what a role cannot take for itself ---- */

static void test_no_way_up(void **state)
{
    static const struct {
        const char *name, *method, *path, *body;
        int status;
    } ways[] = {
        {"an operator's key", "POST", "keys", "{\"role\":\"operator\"}", 403},
        {"the same by its older name", "POST", "keys", "{\"admin\":true}", 403},
        {"another owner is his to make", "POST", "keys", "{\"role\":\"owner\"}", 201},
        {"a reader, too", "POST", "keys", "{\"role\":\"reader\"}", 201},
        {"a role that there is not", "POST", "keys", "{\"role\":\"emperor\"}", 422},
        {"an operator's application", "POST", "apps", "{\"name\":\"x\",\"role\":\"operator\"}",
         403},
        {"a secret of one", "PATCH", "apps/boss", "{\"new_secret\":true}", 404},
        {"the end of one", "DELETE", "apps/boss", "", 404},
        {"a sight of one", "GET", "apps/boss", "", 404},
        {"his own limits", "PATCH", "subscriptions/one", "{\"profile\":\"unlimited\"}", 403},
        {"a domain of his for a stranger", "POST", "credentials",
         "{\"name\":\"x\",\"domains\":[\"one.test\"],\"subscription\":\"two\"}", 404},
        {"a stranger's domain for him", "POST", "credentials",
         "{\"name\":\"x\",\"domains\":[\"two.test\"]}", 404},
    };
    struct world *w = *state;
    struct reply r;
    char path[128];
    int status;

    json_decref(operator_asks(w, "POST", "/admin/v1/apps",
                              "{\"name\":\"boss\",\"role\":\"operator\",\"subscription\":\"one\"}",
                              &status));
    CHECK_EQ("an operator's application is there", status, 201);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        snprintf(path, sizeof(path), "/admin/v1/%s", ways[i].path);
        call(w, w->token[ROLE_OWNER], ways[i].method, path, ways[i].body, &r);
        CHECK_EQ(ways[i].name, r.status, ways[i].status);
    }
    call(w, w->token[ROLE_OWNER], "GET",
         "/admin/v1/policies/test?identity=app:boss&sender=a@one.test", "", &r);
    CHECK_EQ("whom an operator's application may send as", r.status, 404);
    call(w, w->token[ROLE_OPERATOR], "GET",
         "/admin/v1/policies/test?identity=app:boss&sender=a@one.test", "", &r);
    CHECK_EQ("but for an operator", r.status, 200);
    call(w, "sk_nobody", "GET", "/admin/v1/domains", "", &r);
    CHECK_EQ("a key that is not known", r.status, 401);
}

/* ---- what was refused is in the audit ---- */

/* Refusals are written behind the answer; what is durable after them tells that they are. */
static void lines_of(struct world *w, enum role role, const char *action, struct reply *out)
{
    char path[200];
    int status;

    json_decref(operator_asks(w, "POST", "/admin/v1/suppressions",
                              filled(w, "{\"addresses\":[\"#N@x.test\"]}", ONE), &status));
    CHECK_EQ("something is durable", status, 201);
    snprintf(path, sizeof(path), "/admin/v1/audit?max=100&action=%s", action);
    call(w, w->token[role], "GET", path, "", out);
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;

    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        count++;
    return count;
}

static void test_refused_lines(void **state)
{
    struct world *w = *state;
    struct reply r;

    call(w, w->token[ROLE_READER], "POST", "/admin/v1/domains", "{\"name\":\"x.test\"}", &r);
    lines_of(w, ROLE_READER, "domain%20add", &r);
    CHECK_EQ("by role, with who and what",
             count_of(r.body, "\"object\":\"domain:x.test\",\"subscription\":\"one\","
                              "\"result\":\"role\""),
             1);
    CHECK_EQ("from where", count_of(r.body, "\"peer\":\"127.0.0.1\""), 1);
    call(w, w->token[ROLE_OWNER], "PATCH", "/admin/v1/keys/nobodys", "{\"label\":\"x\"}", &r);
    lines_of(w, ROLE_OWNER, "key%20change", &r);
    CHECK_EQ("for what is not there",
             count_of(r.body, "\"object\":\"key:nobodys\",\"subscription\":\"one\","
                              "\"result\":\"not-found\""),
             1);
    call(w, w->token[ROLE_OWNER], "POST", "/admin/v1/credentials",
         "{\"name\":\"y\",\"domains\":[\"*\"],\"password\":\"s3cret\"}", &r);
    CHECK_EQ("a password that is too short", r.status, 422);
    lines_of(w, ROLE_OWNER, "credential%20add", &r);
    CHECK_EQ("for what is invalid, by its field", count_of(r.body, "\"detail\":\"password: "), 1);
    CHECK_EQ("never what was in it", count_of(r.body, "s3cret"), 0);
    call(w, w->token[ROLE_READER], "GET", "/admin/v1/domains/two.test", "", &r);
    call(w, w->token[ROLE_READER], "GET", "/admin/v1/stats", "", &r);
    lines_of(w, ROLE_READER, "domain%20show", &r);
    CHECK_EQ("what was only not found is not", count_of(r.body, "\"id\""), 0);
    lines_of(w, ROLE_READER, "stats", &r);
    CHECK_EQ("what was not his to read is", count_of(r.body, "\"id\""), 1);
    for (int i = 0; i < 2 * AUDIT_REFUSED_MAX; i++)
        call(w, w->token[ROLE_NONE], "DELETE", "/admin/v1/domains/one.test", "", &r);
    lines_of(w, ROLE_OPERATOR, "domain%20remove", &r);
    /* a few of before may have shared his room */
    CHECK_TRUE("nobody fills the audit with his failures",
               count_of(r.body, "\"id\"") <= AUDIT_REFUSED_MAX &&
                   count_of(r.body, "\"id\"") > AUDIT_REFUSED_MAX / 2);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_routes),
        T(test_roles),
        T(test_no_way_up),
        T(test_refused_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
