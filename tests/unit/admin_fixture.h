/* SPDX-License-Identifier: Apache-2.0 */
/* The admin API over its unix socket, with a store and a directory of its own, and rows of requests with what they are answered. */
#ifndef TESTS_UNIT_ADMIN_FIXTURE_H
#define TESTS_UNIT_ADMIN_FIXTURE_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../../server/config/config.h"
#include "../../server/doors/http/admin.h"
#include "../../server/reputation/reputation.h"
#include "../../server/setup/setup.h"
#include "directory_fixture.h"

bool queue_room(struct queue *q, size_t rcpts, size_t bytes)
{
    (void)q;
    (void)rcpts;
    (void)bytes;
    return false;
}

void queue_unreserve(struct queue *q, size_t rcpts, size_t bytes)
{
    (void)q;
    (void)rcpts;
    (void)bytes;
}

void queue_offer(struct queue *q, struct store_message *m, struct body *body)
{
    (void)q;
    (void)m;
    (void)body;
}

void queue_nudge(struct queue *q)
{
    (void)q;
}

void queue_stats(struct queue *q, struct queue_stats *out)
{
    (void)q;
    *out = (struct queue_stats){.delivered = 7};
}

struct admin_fixture {
    struct directory_fixture *f;
    struct limits *limits;
    struct guard *guard;
    struct reputation *reputation;
    struct admission *admission;
    struct loop *door;
    struct http *http;
    struct admin admin;
    struct config *config;
    struct loop *outgoing;
    struct resolver *resolver; /* asks a server that is not there */
    char path[96];
    uint16_t port;
};

static inline int listen_unix(struct admin_fixture *x)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    snprintf(x->path, sizeof(x->path), "%s/admin.sock", x->f->folder);
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", x->path);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static inline int listen_tcp(struct admin_fixture *x)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    x->port = ntohs(addr.sin_port);
    return fd;
}

static inline struct config *admin_config(const struct admin_fixture *x)
{
    char path[96], why[200] = "";
    struct config *c;
    FILE *f;

    snprintf(path, sizeof(path), "%s/tsig", x->f->folder);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs("c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0\n", f);
    fclose(f);
    snprintf(path, sizeof(path), "%s/sigillo.conf", x->f->folder);
    f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f,
            "dns_update ours {\nzone = \"ours.test\"\nserver = {\"127.0.0.1@1\"}\n"
            "key_name = \"k\"\nsecret_file = \"%s/tsig\"\n}\n",
            x->f->folder);
    fputs(
        "hostname = \"mail.sigillo.test\"\n"
        "listen api {\ndoor = http\naddress = {\"*:8080\", \"127.0.0.1:8081\", \"[::1]:8081\"}\n}\n"
        "listen local {\naddress = {\"127.0.0.1:2525\"}\ntls = plain\ntrust = "
        "{\"127.0.0.0/8\"}\ntrust_credential = \"local\"\n}\n"
        "verification { timeout = 100ms ask = resolver }\n",
        f);
    fclose(f);
    c = config_load(path, why, sizeof(why));
    if (c == NULL)
        fail_msg("%s", why);
    return c;
}

static inline struct setup *admin_domain_setup(struct admin_fixture *x)
{
    static const char *const nowhere[] = {"127.0.0.1@1"};
    static const struct resolver_config rc = {
        .forward = nowhere, .forwards = 1, .unvalidated = true, .loopback_allowed = true};
    char why[200] = "";
    struct setup_parts parts = {
        .directory = x->f->directory, .store = x->f->store, .resolver_config = &rc};

    x->outgoing = parts.loop = loop_new("outgoing");
    x->resolver = parts.resolver = resolver_new(x->outgoing, &rc, why, sizeof(why));
    if (x->resolver == NULL)
        fail_msg("%s", why);
    return setup_new(&parts, x->config);
}

/* Everything but the thread: more listeners and routes may be added. */
static inline struct admin_fixture *admin_build(void)
{
    struct admission_config admission = {.hostname = SGL_LIT_INIT("mail.sigillo.test"),
                                         .message_size_max = 100000,
                                         .recipients_max = 40,
                                         .memory_max = 10000000,
                                         .expire_s = 259200};
    static const struct http_config http = {.header_max = 16384,
                                            .body_max = 200000,
                                            .connections_max = 50,
                                            .memory_max = 10000000,
                                            .idle_s = 10,
                                            .json_values_max = 1000};
    struct admin_fixture *x = calloc(1, sizeof(*x));

    x->f = fixture_new();
    x->limits = admission.limits = limits_new();
    x->config = admin_config(x);
    x->guard = admission.guard = guard_new(x->f->store, x->config);
    x->admission = admission_new(&admission, x->f->directory, (struct keys *)&fake_keys,
                                 x->f->store, (struct queue *)x);
    x->admin = (struct admin){x->f->directory,   x->admission,           x->f->store,
                              (struct queue *)x, x->f->workers,          x->config,
                              x->limits,         audit_new(x->f->store), admin_domain_setup(x)};
    x->admin.guard = x->guard;
    x->reputation = x->admin.reputation =
        reputation_new(&(struct reputation_parts){x->outgoing, x->f->store}, x->config);
    assert_true(loop_start(x->outgoing));
    x->door = loop_new("door");
    x->http = http_new(x->door, &http);
    admin_routes(x->http, &x->admin);
    assert_true(http_listen_admin(x->http, listen_unix(x), (uid_t)-1));
    assert_true(http_listen(x->http, listen_tcp(x), NULL, NULL));
    return x;
}

static inline int admin_setup(void **state)
{
    struct admin_fixture *x = admin_build();

    assert_true(loop_start(x->door));
    *state = x;
    return 0;
}

static inline int admin_teardown(void **state)
{
    struct admin_fixture *x = *state;

    loop_stop(x->door);
    loop_join(x->door);
    loop_stop(x->outgoing);
    loop_join(x->outgoing);
    setup_free(x->admin.setup);
    resolver_free(x->resolver);
    loop_free(x->outgoing);
    config_unref(x->config);
    http_free(x->http);
    admission_free(x->admission);
    limits_free(x->limits);
    guard_free(x->guard);
    reputation_free(x->reputation);
    audit_free(x->admin.audit);
    fixture_free(x->f);
    loop_free(x->door);
    free(x);
    return 0;
}

static inline int connect_to(const struct admin_fixture *x, bool tcp)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct sockaddr_in remote = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                 .sin_port = htons(x->port)};
    int fd = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(local.sun_path, sizeof(local.sun_path), "%s", x->path);
    if (tcp)
        assert_int_equal(connect(fd, (struct sockaddr *)&remote, sizeof(remote)), 0);
    else
        assert_int_equal(connect(fd, (struct sockaddr *)&local, sizeof(local)), 0);
    return fd;
}

/* One request; the status, and the body as JSON in *out (the caller's). */
static int ask(const struct admin_fixture *x, bool tcp, const char *method, const char *path,
               const char *body, json_t **out)
{
    static char text[1 << 20];
    int fd = connect_to(x, tcp), status = 0;
    size_t len = 0;
    ssize_t n;
    char *start;

    len = (size_t)snprintf(
        text, sizeof(text),
        "%s %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", method,
        path, strlen(body), body);
    assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
    for (len = 0; (n = recv(fd, text + len, sizeof(text) - len - 1, 0)) > 0; len += (size_t)n)
        ;
    close(fd);
    text[len] = '\0';
    assert_true(strncmp(text, "HTTP/1.1 ", 9) == 0);
    for (const char *at = text + 9; *at >= '0' && *at <= '9'; at++)
        status = status * 10 + *at - '0';
    start = strstr(text, "\r\n\r\n");
    *out = start == NULL ? NULL : json_loads(start + 4, JSON_DISABLE_EOF_CHECK, NULL);
    return status;
}

static inline void add_domain(struct admin_fixture *x)
{
    json_t *answer;

    assert_int_equal(ask(x, false, "POST", "/admin/v1/domains", "{\"name\":\"app.test\"}", &answer),
                     201);
    json_decref(answer);
}

/* A request, its status, and a member of the answer. */
struct admin_row {
    const char *name, *method, *path, *body;
    int status;
    const char *member, *want; /* NULL: whatever it says */
};

static inline void check_rows(const struct admin_fixture *x, const struct admin_row *row,
                              size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        json_t *answer = NULL;

        CHECK_EQ(row[i].name, ask(x, false, row[i].method, row[i].path, row[i].body, &answer),
                 row[i].status);
        CHECK_TRUE(row[i].name, answer != NULL);
        if (row[i].member != NULL)
            CHECK_STR(row[i].name, json_string_value(json_object_get(answer, row[i].member)),
                      row[i].want);
        json_decref(answer);
    }
}

#define CHECK_ROWS(state, rows) check_rows(state, rows, sizeof(rows) / sizeof((rows)[0]))

#define ADMIN_TEST(f) cmocka_unit_test_setup_teardown(f, admin_setup, admin_teardown)

#endif
