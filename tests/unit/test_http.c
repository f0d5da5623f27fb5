/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP shell over real sockets on loopback: limits, problem documents, late replies, peers. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

#include "../../server/directory/directory.h"
#include "../../server/doors/http/http.h"
#include "check.h"

struct fixture {
    struct loop *loop;
    struct http *http;
    struct http_status_page page;
    uint16_t port;
    char folder[64], socket_path[96];
    bool ready;
};

struct late {
    struct loop_task task; /* first: cast from it */
    struct http_request *request;
};

static void answer_echo(struct http_request *r, void *ctx)
{
    sgl_view word = http_query(r, "word");
    char text[128];

    (void)ctx;
    snprintf(text, sizeof(text), "%.*s|%.*s|%s", SGL_FMT(http_param(r, "name")), SGL_FMT(word),
             http_peer(r));
    http_reply_json(r, 200, json_pack("{s:s}", "echo", text));
}

static void answer_json(struct http_request *r, void *ctx)
{
    json_t *json = http_json(r);

    (void)ctx;
    if (json != NULL)
        http_reply_json(r, 201, json);
}

/* What a long string is, and what is left of the body once it is done with. */
static void answer_long(struct http_request *r, void *ctx)
{
    static const char *const paths[] = {"long", NULL};
    sgl_view body = http_body(r), string;
    json_t *json = http_json_long(r, paths);
    uint8_t first[32], then[32];
    char text[128];

    (void)ctx;
    if (json == NULL)
        return;
    string = http_json_view(json_object_get(json, "long"));
    snprintf(text, sizeof(text), "%zu %s %c%d", string.len,
             string.ptr > body.ptr && string.ptr < body.ptr + body.len ? "there" : "copied",
             string.ptr[0], string.ptr[string.len - 1]);
    json_decref(json);
    assert_true(http_body_hash(r, first));
    http_body_done(r);
    assert_true(http_body_hash(r, then));
    assert_memory_equal(first, then, sizeof(first));
    assert_int_equal(http_body(r).len, 0);
    snprintf(text + strlen(text), sizeof(text) - strlen(text), " %02x%02x", first[0], first[1]);
    http_reply_bytes(r, 200, "text/plain", sgl_view_cstr(text));
}

static void answer_bytes(struct http_request *r, void *ctx)
{
    char text[32];

    (void)ctx;
    snprintf(text, sizeof(text), "%zu", http_body(r).len);
    http_reply_header(r, "X-Bad", SGL_LIT("a\r\nInjected: yes"));
    http_reply_bytes(r, 200, "text/plain", sgl_view_cstr(text));
}

static void answer_now(struct loop_task *task)
{
    struct late *late = (struct late *)(void *)task;

    http_reply_json(late->request, 202, json_pack("{s:b}", "late", 1));
    free(late);
}

static void answer_late(struct http_request *r, void *ctx)
{
    struct fixture *f = ctx;
    struct late *late = calloc(1, sizeof(*late));

    assert_non_null(late);
    late->request = r;
    late->task.run = answer_now;
    loop_post(f->loop, &late->task);
}

/* ---- what a watch is told, as one text ---- */

static char told_text[200];

static void told(struct http_request *r, const struct http_problem *p, void *ctx)
{
    size_t at = strlen(told_text);

    snprintf(told_text + at, sizeof(told_text) - at, "%s:%s %s %d %s %s;", (const char *)ctx,
             http_method(r), http_pattern(r), p == NULL ? 0 : p->status, p == NULL ? "" : p->code,
             p == NULL || p->field == NULL ? "" : p->field);
}

static void answer_watched(struct http_request *r, void *ctx)
{
    bool fine = sgl_view_eq(http_param(r, "name"), SGL_LIT("fine"));

    (void)ctx;
    http_watch(r, told, (void *)(uintptr_t) "first");
    http_watch(r, told, (void *)(uintptr_t) "second");
    if (fine)
        http_reply_json(r, 200, json_object());
    else
        http_reply_problem(r, 409, "taken", "name", "It is taken.");
}

static json_t *shape(struct http_request *r, const struct http_problem *p, int *status)
{
    http_reply_header(r, "X-Code", sgl_view_cstr(p->code));
    *status = *status == 415 ? 400 : *status;
    return json_pack("{s:{s:s}}", "wrong", "word", p->code);
}

static void answer_shaped(struct http_request *r, void *ctx)
{
    json_t *json;

    (void)ctx;
    http_shape_problems(r, shape);
    json = http_json(r);
    if (json != NULL)
        http_reply_json(r, 200, json);
}

static void answer_target(struct http_request *r, void *ctx)
{
    char text[128];

    (void)ctx;
    snprintf(text, sizeof(text), "%.*s %.*s %.*s", SGL_FMT(http_target(r)),
             SGL_FMT(http_param(r, "name")), SGL_FMT(http_query(r, "a")));
    http_reply_bytes(r, 200, "text/plain", sgl_view_cstr(text));
}

/* ---- who asks ---- */

struct identity *directory_bearer(struct directory *d, sgl_view token)
{
    (void)d;
    (void)token;
    return NULL;
}

static struct identity caller;
static atomic_int callers; /* references to it */
static atomic_bool scope_is_had;

void identity_unref(struct identity *i)
{
    CHECK_TRUE("the caller", i == &caller);
    atomic_fetch_sub(&callers, 1);
}

enum directory_result directory_acting_for(struct directory *d, struct identity *who,
                                           sgl_view subscription, struct identity **out)
{
    (void)d;
    if (sgl_view_eq(subscription, SGL_LIT("full")))
        return DIRECTORY_UNAVAILABLE;
    if (!sgl_view_eq(subscription, SGL_LIT("own")))
        return DIRECTORY_NOT_FOUND;
    atomic_fetch_add(&callers, 1);
    *out = who;
    return DIRECTORY_OK;
}

bool identity_has_scope(const struct identity *i, const char *scope)
{
    (void)i;
    CHECK_STR("the scope that is asked for", scope, "mail.send");
    return scope_is_had;
}

static struct identity *check_token(void *ctx, sgl_view token, bool *unavailable, const char **why)
{
    (void)ctx;
    *unavailable = sgl_view_eq(token, SGL_LIT("good"));
    *why = *unavailable ? "Not now." : "This is wrong.";
    if (!sgl_view_eq(token, SGL_LIT("known")))
        return NULL;
    atomic_fetch_add(&callers, 1);
    return &caller;
}

static void wrong(void *ctx, sgl_view bearer, const char *peer, const char *why)
{
    (void)bearer;
    (void)peer;
    (void)why;
    atomic_fetch_add((atomic_int *)ctx, 1);
}

static atomic_int guessed;

static void answer_who(struct http_request *r, void *ctx)
{
    (void)ctx;
    CHECK_TRUE("nobody", http_authenticate(r, NULL) == NULL);
}

static void answer_caller(struct http_request *r, void *ctx)
{
    struct identity *who = http_caller(r, NULL, "mail.send");

    (void)ctx;
    if (who == NULL)
        return;
    identity_unref(who);
    http_reply_json(r, 200, json_pack("{s:b}", "let in", 1));
}

static bool is_ready(void *ctx, char *why, size_t why_size)
{
    struct fixture *f = ctx;

    snprintf(why, why_size, "the keys are being loaded");
    return f->ready;
}

static void put_metrics(void *ctx, struct sgl_buf *out)
{
    (void)ctx;
    sgl_buf_add_cstr(out, "a_total 1\n");
}

static int listen_tcp(uint16_t *port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    *port = ntohs(addr.sin_port);
    return fd;
}

static int listen_unix(struct fixture *f)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    snprintf(f->folder, sizeof(f->folder), "/tmp/test_http.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->socket_path, sizeof(f->socket_path), "%s/admin", f->folder);
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", f->socket_path);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static int setup(void **state)
{
    static const struct http_config config = {.header_max = 4096,
                                              .body_max = 100000,
                                              .connections_max = 8,
                                              .memory_max = 500000,
                                              .idle_s = 5,
                                              .json_values_max = 1000};
    struct fixture *f = calloc(1, sizeof(*f));

    f->loop = loop_new("test");
    f->http = http_new(f->loop, &config);
    f->page = (struct http_status_page){.ctx = f, .ready = is_ready, .metrics = put_metrics};
    http_status_routes(f->http, &f->page);
    http_route(f->http, HTTP_BOTH, "GET", "/echo/{name}", answer_echo, f);
    http_route(f->http, HTTP_PUBLIC, "POST", "/json", answer_json, f);
    http_route(f->http, HTTP_PUBLIC, "POST", "/bytes", answer_bytes, f);
    http_route(f->http, HTTP_PUBLIC, "POST", "/long", answer_long, f);
    http_route(f->http, HTTP_PUBLIC, "GET", "/late", answer_late, f);
    http_route(f->http, HTTP_ADMIN, "GET", "/admin", answer_echo, f);
    http_route(f->http, HTTP_PUBLIC, "GET", "/watched/{name}", answer_watched, f);
    http_route(f->http, HTTP_PUBLIC, "POST", "/shaped", answer_shaped, f);
    http_shape_below(f->http, "/below/", shape);
    http_route(f->http, HTTP_PUBLIC, "GET", "/who", answer_who, f);
    http_route(f->http, HTTP_PUBLIC, "GET", "/caller", answer_caller, f);
    http_use_tokens(f->http, check_token, f);
    http_use_guesses(f->http, (struct http_guesses){.ctx = &guessed, .wrong = wrong});
    http_route(f->http, HTTP_PUBLIC, "GET", "/target/{name}", answer_target, f);
    http_route(f->http, HTTP_PUBLIC, "GET", "//target/{name}", answer_target, f);
    assert_true(http_listen(f->http, listen_tcp(&f->port), NULL, NULL));
    assert_true(http_listen_admin(f->http, listen_unix(f), (uid_t)-1));
    assert_true(loop_start(f->loop));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    loop_stop(f->loop);
    loop_join(f->loop);
    http_free(f->http);
    loop_free(f->loop);
    unlink(f->socket_path);
    rmdir(f->folder);
    free(f);
    return 0;
}

static int connect_tcp(const struct fixture *f)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                               .sin_port = htons(f->port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    return fd;
}

static int connect_unix(const struct fixture *f)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", f->socket_path);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    return fd;
}

/* Sends all of it and reads until the other side closes. */
static char *talk(int fd, const char *head, size_t filler, char *out, size_t out_size)
{
    size_t len = 0;

    (void)!send(fd, head, strlen(head), MSG_NOSIGNAL);
    while (filler > 0) {
        char block[4096];
        size_t part = filler < sizeof(block) ? filler : sizeof(block);
        ssize_t n;

        memset(block, 'x', sizeof(block));
        n = send(fd, block, part, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        filler -= (size_t)n;
    }
    while (len + 1 < out_size) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t n = poll(&p, 1, 20000) == 1 ? recv(fd, out + len, out_size - len - 1, 0) : -1;

        if (n <= 0)
            break;
        len += (size_t)n;
    }
    out[len] = '\0';
    close(fd);
    return out;
}

static void check_parts(const char *name, const char *reply, const char *const want[3])
{
    for (size_t i = 0; i < 3 && want[i] != NULL; i++)
        if (strstr(reply, want[i]) == NULL)
            fail_msg("%s: got \"%s\", want \"%s\"", name, reply, want[i]);
}

static const struct {
    const char *name, *request;
    size_t filler;
    const char *want, *want_too, *want_also; /* or NULL */
} answers[] = {
    {"a path with a parameter and a query",
     "GET /echo/a%40b?word=x+y%21 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 0,
     "HTTP/1.1 200", "{\"echo\":\"a@b|x y!|127.0.0.1\"}", "X-Content-Type-Options: nosniff"},
    {"an unknown path is a problem document",
     "GET /nothing HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 0, "HTTP/1.1 404",
     "application/problem+json", "\"status\":404"},
    {"a known path with another method says which",
     "DELETE /json HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 0, "HTTP/1.1 405",
     "Allow: POST", "\"code\":\"method\""},
    {"HEAD is GET without the body",
     "HEAD /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 0, "HTTP/1.1 200"},
    {"an admin path is not there for the public",
     "GET /admin HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 0, "HTTP/1.1 404"},
    {"JSON comes back",
     "POST /json HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: "
     "7\r\n\r\n{\"a\":1}",
     0, "HTTP/1.1 201", "{\"a\":1}"},
    {"broken JSON names line and column",
     "POST /json HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 6\r\n\r\n{\"a\":}", 0,
     "HTTP/1.1 400", "line 1, column", "\"code\":\"json-syntax\""},
    {"a key given twice is refused",
     "POST /json HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: "
     "13\r\n\r\n{\"a\":1,\"a\":2}",
     0, "HTTP/1.1 400", "\"code\":\"member-twice\",\"detail\"", "\"field\":\"a\""},
    {"no body is refused",
     "POST /json HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 0,
     "HTTP/1.1 400", "body-missing"},
    {"another media type is refused",
     "POST /json HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: "
     "text/xml\r\nContent-Length: 4\r\n\r\n<a/>",
     0, "HTTP/1.1 415", "\"field\":\"Content-Type\""},
    {"a body within the limit is taken",
     "POST /bytes HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n",
     100000, "HTTP/1.1 200", "100000"},
    {"what is announced too large is not waited for",
     "POST /bytes HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n", 0, "HTTP/1.1 413",
     "application/problem+json"},
    {"nor is it asked to come",
     "POST /bytes HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3000000\r\n\r\n",
     0, "HTTP/1.1 413"},
    {"and it is refused in the shape of its path",
     "POST /below/x HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n", 0, "HTTP/1.1 413",
     "X-Code: body-too-large\r\n", "\r\n\r\n{\"wrong\":"},
    {"so are chunks without end",
     "POST /below/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n", 200000,
     "HTTP/1.1 413", "X-Code: body-too-large\r\n", "\r\n\r\n{\"wrong\":"},
    {"a body above the limit gets 413",
     "POST /bytes HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n", 3000000, "HTTP/1.1 413",
     "\"code\":\"body-too-large\""},
    {"a late reply arrives", "GET /late HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 0,
     "HTTP/1.1 202", "{\"late\":true}"},
    {"not ready says why", "GET /readyz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 0,
     "HTTP/1.1 503", "the keys are being loaded"},
    {"figures are text", "GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 0,
     "text/plain; version=0.0.4", "a_total 1"},
    {"an API's problems have its shape, status and fields",
     "POST /shaped HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: "
     "text/xml\r\nContent-Length: 4\r\n\r\n<a/>",
     0, "HTTP/1.1 400", "X-Code: media-type", "{\"wrong\":{\"word\":\"media-type\"}}"},
    {"which are not problem documents",
     "POST /shaped HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 0,
     "Content-Type: application/json\r\n", "body-missing"},
    {"below a path all have the shape of its API",
     "GET /below/nothing HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 0, "HTTP/1.1 404",
     "{\"wrong\":{\"word\":\"path\"}}"},
    {"beside it they have not",
     "GET /belownothing HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 0, "HTTP/1.1 404",
     "application/problem+json"},
    {"the target is what the client wrote",
     "GET /target/a%40b?a=%41&b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 0,
     "/target/a%40b?a=%41&b a@b A"},
    {"two slashes begin no host [RFC 9112 s3.2.1]",
     "GET //target/x?a=1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 0,
     "\r\n\r\n//target/x?a=1 x 1"},
    {"a body that says gzip and is none is refused",
     "POST /json HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Encoding: "
     "gzip\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
     0, "HTTP/1.1 400", "\"code\":\"body-gzip\""},
    {"another coding is refused, and the answer says which is known [RFC 9110 s15.5.16]",
     "POST /json HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Encoding: "
     "br\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
     0, "HTTP/1.1 415", "Accept-Encoding: gzip", "\"field\":\"Content-Encoding\""},
    {"identity is no coding",
     "POST /json HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Encoding: "
     "identity\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
     0, "HTTP/1.1 201", "{\"a\":1}"},
    {"what is not HTTP gets 400", "HELLO\r\n\r\n", 0, "400"},
};

static void test_answers(void **state)
{
    static char reply[65536];

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        talk(connect_tcp(*state), answers[i].request, answers[i].filler, reply, sizeof(reply));
        check_parts(
            answers[i].name, reply,
            (const char *const[]){answers[i].want, answers[i].want_too, answers[i].want_also});
        if (strstr(reply, "Injected:") != NULL)
            fail_msg("%s: a header value with a line end got through", answers[i].name);
    }
}

/* Each "[]," of three bytes would become a value of a hundred. */
static void test_json_of_many_values(void **state)
{
    static char request[8192], reply[4096];
    int n = snprintf(request, sizeof(request),
                     "POST /json HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: "
                     "3003\r\n\r\n[");

    for (int i = 0; i < 1000; i++)
        n += snprintf(request + n, sizeof(request) - (size_t)n, "[],");
    (void)snprintf(request + n, sizeof(request) - (size_t)n, "1]");
    talk(connect_tcp(*state), request, 0, reply, sizeof(reply));
    CHECK_TRUE("JSON of more values than are allowed is not read",
               strstr(reply, "HTTP/1.1 400") != NULL && strstr(reply, "json-values") != NULL);
}

/* A body of many pieces is one, whose long string is read where it stands; what is told of the body is told of it as it came. */
static void test_long_body(void **state)
{
    enum { RUN = 80000 };
    static char request[RUN + 200], reply[2048], want[100];
    char *body;
    uint8_t hash[32];
    unsigned len = 0;
    int n = snprintf(request, sizeof(request),
                     "POST /long HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: "
                     "%d\r\n\r\n{\"long\":\"y",
                     RUN + 10 + 4);

    body = strstr(request, "\r\n\r\n") + 4;
    memset(request + n, 'x', RUN);
    memcpy(request + n + RUN, "\\n\"}", 5);
    assert_int_equal(EVP_Digest(body, strlen(body), hash, &len, EVP_sha256(), NULL), 1);
    snprintf(want, sizeof(want), "\r\n\r\n%d there y10 %02x%02x", RUN + 2, hash[0], hash[1]);
    talk(connect_tcp(*state), request, 0, reply, sizeof(reply));
    check_parts("a long string", reply, (const char *const[]){"HTTP/1.1 200", want, NULL});
}

/* He who sends what nobody wants is told so, and may end what he says: a reset would take the answer away from him. */
static void test_refused_and_heard(void **state)
{
    static char head[] = "POST /bytes HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n",
                block[1000];
    char reply[1024];
    int fd = connect_tcp(*state);
    size_t len = 0;
    ssize_t n;

    memset(block, 'x', sizeof(block));
    assert_int_equal(send(fd, head, strlen(head), MSG_NOSIGNAL), strlen(head));
    for (int i = 0; i < 300; i++) {
        CHECK_EQ("what he still sends is taken", send(fd, block, sizeof(block), MSG_NOSIGNAL),
                 sizeof(block));
        usleep(4000);
    }
    while ((n = recv(fd, reply + len, sizeof(reply) - len - 1, 0)) > 0)
        len += (size_t)n;
    reply[len] = '\0';
    CHECK_EQ("the answer ends in order", n, 0);
    CHECK_TRUE("and is whole",
               strstr(reply, "HTTP/1.1 413") != NULL && strstr(reply, "}\n") != NULL);
    close(fd);
}

/* But not without end. */
static void test_refused_and_deaf(void **state)
{
    static char head[] = "POST /bytes HTTP/1.1\r\nHost: h\r\nContent-Length: 900000000\r\n\r\n",
                block[65536];
    int fd = connect_tcp(*state);
    size_t sent = 0;
    ssize_t n;

    memset(block, 'x', sizeof(block));
    n = send(fd, head, strlen(head), MSG_NOSIGNAL);
    while (n > 0 && sent < 100000000) {
        n = send(fd, block, sizeof(block), MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
    }
    CHECK_TRUE("he is cut off", sent < 100000000);
    close(fd);
}

/* "[", so many blanks, "]" as gzip. */
static size_t pack(size_t blanks, uint8_t *out, size_t size)
{
    uint8_t *plain = malloc(blanks + 2);
    z_stream z = {0};

    assert_non_null(plain);
    memset(plain, ' ', blanks + 2);
    plain[0] = '[';
    plain[blanks + 1] = ']';
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = plain;
    z.avail_in = (uInt)blanks + 2;
    z.next_out = out;
    z.avail_out = (uInt)size;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    (void)deflateEnd(&z);
    free(plain);
    return size - z.avail_out;
}

static void talk_packed(int fd, size_t blanks, const char *coding, char *out, size_t out_size)
{
    char head[200];
    uint8_t body[4096];
    size_t len = pack(blanks, body, sizeof(body));

    snprintf(head, sizeof(head),
             "POST /json HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Encoding: "
             "%s\r\nContent-Length: %zu\r\n\r\n",
             coding, len);
    (void)!send(fd, head, strlen(head), MSG_NOSIGNAL);
    (void)!send(fd, body, len, MSG_NOSIGNAL);
    talk(fd, "", 0, out, out_size);
}

static void test_gzip(void **state)
{
    static const struct {
        const char *name, *coding;
        size_t blanks;
        const char *want[3];
    } rows[] = {
        {"it is what it was before", "gzip", 100, {"HTTP/1.1 201", "[]"}},
        {"under its old name, too [RFC 9110 s8.4.1.3]", "X-GZIP", 9, {"HTTP/1.1 201"}},
        {"as large as a body may be", "gzip", 99998, {"HTTP/1.1 201", "[]"}},
        {"a byte more is too large", "gzip", 99999, {"HTTP/1.1 413", "body-too-large"}},
        {"two codings are none", "gzip, gzip", 9, {"HTTP/1.1 415", "Accept-Encoding: gzip"}},
    };
    static char reply[65536];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        talk_packed(connect_tcp(*state), rows[i].blanks, rows[i].coding, reply, sizeof(reply));
        check_parts(rows[i].name, reply, rows[i].want);
    }
}

/* What is unpacked counts as what came. */
static void test_gzip_counts_as_memory(void **state)
{
    static const char head[] = "POST /bytes HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n";
    static char filler[99000], reply[4096];
    int slow[5];
    bool full = false;

    memset(filler, 'x', sizeof(filler));
    for (int i = 0; i < 5; i++) {
        slow[i] = connect_tcp(*state);
        (void)!send(slow[i], head, sizeof(head) - 1, MSG_NOSIGNAL);
        assert_int_equal(send(slow[i], filler, sizeof(filler), MSG_NOSIGNAL), sizeof(filler));
    }
    for (int i = 0; i < 100 && !full; i++) {
        talk_packed(connect_tcp(*state), 99000, "gzip", reply, sizeof(reply));
        full = strstr(reply, "HTTP/1.1 503") != NULL && strstr(reply, "memory-full") != NULL;
    }
    CHECK_TRUE("he is told to come back", full);
    for (int i = 0; i < 5; i++)
        close(slow[i]);
}

static void test_admin_peer(void **state)
{
    static char reply[4096];
    char want[64];

    snprintf(want, sizeof(want), "unix:uid=%u", (unsigned)getuid());
    talk(connect_unix(*state), "GET /admin HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 0,
         reply, sizeof(reply));
    CHECK_TRUE("our own user may use the admin socket", strstr(reply, "HTTP/1.1 200") != NULL);
    CHECK_TRUE("the peer is known by its uid", strstr(reply, want) != NULL);
}

static void test_watch(void **state)
{
    char out[4096];

    told_text[0] = '\0';
    talk(connect_tcp(*state), "GET /watched/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 0,
         out, sizeof(out));
    CHECK_STR("a problem is told to the last one who watches, once", told_text,
              "first:GET /watched/{name} 0  ;second:GET /watched/{name} 409 taken name;");
    told_text[0] = '\0';
    talk(connect_tcp(*state), "GET /watched/fine HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
         0, out, sizeof(out));
    CHECK_STR("without one he hears the end", told_text,
              "first:GET /watched/{name} 0  ;second:GET /watched/{name} 0  ;");
}

/* A good token must not be called wrong, nor its owner a guesser, because there is no memory to look at it. */
static void test_tokens(void **state)
{
    static const struct {
        const char *name, *token, *want[3];
        int guesses;
    } rows[] = {
        {"wrong", "bad", {"HTTP/1.1 401", "error=\"invalid_token\"", "This is wrong."}, 1},
        {"nobody could look", "good", {"HTTP/1.1 503", "Retry-After: 5", "Not now."}, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char head[200], out[4096];

        atomic_store(&guessed, 0);
        snprintf(head, sizeof(head),
                 "GET /who HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\nConnection: "
                 "close\r\n\r\n",
                 rows[i].token);
        check_parts(rows[i].name, talk(connect_tcp(*state), head, 0, out, sizeof(out)),
                    rows[i].want);
        CHECK_EQ(rows[i].name, atomic_load(&guessed), rows[i].guesses);
    }
}

/* [RFC 6750 s3.1] */
static void test_scope(void **state)
{
    static const struct {
        const char *name;
        bool had;
        const char *token, *want[3];
    } rows[] = {
        {"its key has the scope", true, "known", {"HTTP/1.1 200", "\"let in\"", "true"}},
        {"its key lacks the scope",
         false,
         "known",
         {"HTTP/1.1 403", "error=\"insufficient_scope\", scope=\"mail.send\"",
          "needs the scope mail.send"}},
        {"for one's own subscription it goes on",
         true,
         "known\r\nOn-Behalf-Of: own",
         {"HTTP/1.1 200", "\"let in\"", "true"}},
        {"for another one it does not, and not as oneself either",
         true,
         "known\r\nOn-Behalf-Of: other",
         {"HTTP/1.1 403", "\"on-behalf-of\"", "may act for"}},
        {"nor for one without a name",
         true,
         "known\r\nOn-Behalf-Of: ",
         {"HTTP/1.1 403", "\"on-behalf-of\"", "may act for"}},
        {"nor when nobody can say",
         true,
         "known\r\nOn-Behalf-Of: full",
         {"HTTP/1.1 503", "Retry-After: 5", "no memory"}},
        {"nobody has a scope", true, "bad", {"HTTP/1.1 401", "error=\"invalid_token\"", "wrong"}},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char head[200], out[4096];

        atomic_store(&scope_is_had, rows[i].had);
        snprintf(head, sizeof(head),
                 "GET /caller HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\nConnection: "
                 "close\r\n\r\n",
                 rows[i].token);
        check_parts(rows[i].name, talk(connect_tcp(*state), head, 0, out, sizeof(out)),
                    rows[i].want);
        CHECK_EQ("all references are given back", atomic_load(&callers), 0);
    }
}

static void test_client_gone(void **state)
{
    static char reply[4096];

    for (int i = 0; i < 20; i++) {
        int fd = connect_tcp(*state);
        struct linger hard = {1, 0};

        (void)!send(fd, "GET /late HTTP/1.1\r\nHost: h\r\n\r\n", 31, MSG_NOSIGNAL);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
        close(fd);
    }
    talk(connect_tcp(*state), "GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 0,
         reply, sizeof(reply));
    CHECK_TRUE("clients that leave do no harm", strstr(reply, "HTTP/1.1 200") != NULL);
}

static void test_more_than_allowed(void **state)
{
    static char reply[4096];
    int idle[8];

    for (int i = 0; i < 8; i++)
        idle[i] = connect_tcp(*state);
    for (int i = 0; i < 8; i++)
        close(idle[i]);
    talk(connect_tcp(*state), "GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 0,
         reply, sizeof(reply));
    CHECK_TRUE("after too many connections the door opens again",
               strstr(reply, "HTTP/1.1 200") != NULL);
}

/* Whether the administrator gets an answer while strangers stay where they are. */
static bool admin_answers(const struct fixture *f)
{
    static const char request[] =
        "GET /echo/admin HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    char reply[256] = "";
    int fd = connect_unix(f);
    struct pollfd p = {.fd = fd, .events = POLLIN};

    (void)!send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL);
    if (poll(&p, 1, 2000) == 1)
        (void)!recv(fd, reply, sizeof(reply) - 1, 0);
    close(fd);
    return strstr(reply, "HTTP/1.1 200") != NULL;
}

static void test_admin_while_all_connections_are_taken(void **state)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
    char reply[512];
    int idle[8];

    for (int i = 0; i < 8; i++) { /* answered once, so accepted */
        idle[i] = connect_tcp(*state);
        (void)!send(idle[i], request, sizeof(request) - 1, MSG_NOSIGNAL);
        assert_true(recv(idle[i], reply, sizeof(reply), 0) > 0);
    }
    CHECK_TRUE("strangers can't shut the administrator out", admin_answers(*state));
    for (int i = 0; i < 8; i++)
        close(idle[i]);
}

static void test_admin_while_memory_is_taken(void **state)
{
    static const char head[] = "POST /bytes HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n";
    static char filler[99935], reply[4096];
    int slow[5];
    bool full = false;

    memset(filler, 'x', sizeof(filler));
    for (int i = 0; i < 5; i++) {
        slow[i] = connect_tcp(*state);
        (void)!send(slow[i], head, sizeof(head) - 1, MSG_NOSIGNAL);
        assert_int_equal(send(slow[i], filler, sizeof(filler), MSG_NOSIGNAL), sizeof(filler));
    }
    for (int i = 0; i < 100 && !full; i++) {
        talk(connect_tcp(*state), "GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
             0, reply, sizeof(reply));
        full = strstr(reply, "memory-full") != NULL;
    }
    CHECK_TRUE("the public is told to come back", full);
    CHECK_TRUE("the administrator is served", admin_answers(*state));
    for (int i = 0; i < 5; i++)
        close(slow[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_of_many_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_body, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_and_heard, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_and_deaf, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gzip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gzip_counts_as_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admin_peer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_watch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tokens, setup, teardown),
        cmocka_unit_test_setup_teardown(test_scope, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_more_than_allowed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admin_while_all_connections_are_taken, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_admin_while_memory_is_taken, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
