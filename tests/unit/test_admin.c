/* SPDX-License-Identifier: Apache-2.0 */
/* The admin API over its unix socket: nouns, a message from hand to trail, refusals that name the field. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../../server/doors/http/admin.h"
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

struct fixture {
    struct directory_fixture *f;
    struct limits *limits;
    struct admission *admission;
    struct loop *door;
    struct http *http;
    struct admin admin;
    char path[96];
    uint16_t port;
};

static int listen_unix(struct fixture *x)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    snprintf(x->path, sizeof(x->path), "%s/admin.sock", x->f->folder);
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", x->path);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static int listen_tcp(struct fixture *x)
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

static int setup(void **state)
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
    struct fixture *x = calloc(1, sizeof(*x));

    x->f = fixture_new();
    x->limits = admission.limits = limits_new();
    x->admission = admission_new(&admission, x->f->directory, (struct keys *)&fake_keys,
                                 x->f->store, (struct queue *)x);
    x->admin = (struct admin){x->f->directory, x->admission,        x->f->store, (struct queue *)x,
                              x->f->workers,   "mail.sigillo.test", x->limits};
    x->door = loop_new("door");
    x->http = http_new(x->door, &http);
    admin_routes(x->http, &x->admin);
    assert_true(http_listen_admin(x->http, listen_unix(x), (uid_t)-1));
    assert_true(http_listen(x->http, listen_tcp(x), NULL, NULL));
    assert_true(loop_start(x->door));
    *state = x;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *x = *state;

    loop_stop(x->door);
    loop_join(x->door);
    http_free(x->http);
    admission_free(x->admission);
    limits_free(x->limits);
    fixture_free(x->f);
    loop_free(x->door);
    free(x);
    return 0;
}

static int connect_to(const struct fixture *x, bool tcp)
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
static int ask(const struct fixture *x, bool tcp, const char *method, const char *path,
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

static void test_rows(void **state)
{
    static const struct {
        const char *name, *method, *path, *body;
        int status;
        const char *member, *want;
    } rows[] = {
        {"a domain is added", "POST", "/admin/v1/domains",
         "{\"name\":\"App.TEST\",\"ed25519\":true}", 201, "name", "app.test"},
        {"a second time it is there", "POST", "/admin/v1/domains", "{\"name\":\"app.test\"}", 409,
         "field", "domain"},
        {"no domain name is refused", "POST", "/admin/v1/domains", "{\"name\":\"localhost\"}", 422,
         "field", "domain"},
        {"a member too many is refused", "POST", "/admin/v1/domains",
         "{\"name\":\"a.test\",\"x\":1}", 400, "field", "x"},
        {"a missing member is named", "POST", "/admin/v1/domains", "{}", 400, "field", "name"},
        {"a member of another type is named", "POST", "/admin/v1/domains", "{\"name\":1}", 400,
         "field", "name"},
        {"a list is no object", "POST", "/admin/v1/domains", "[]", 400, "field", "body"},
        {"an unknown domain", "GET", "/admin/v1/domains/nobody.test", "", 404, "code",
         "domain-unknown"},
        {"a known one, whatever its case", "GET", "/admin/v1/domains/APP.test", "", 200, "name",
         "app.test"},
        {"a credential", "POST", "/admin/v1/credentials",
         "{\"name\":\"app\",\"domains\":[\"app.test\"]}", 201, "name", "app"},
        {"a credential for a domain that is not there", "POST", "/admin/v1/credentials",
         "{\"name\":\"app2\",\"domains\":[\"b.test\"]}", 404, "field", "domain"},
        {"a credential without domains", "POST", "/admin/v1/credentials",
         "{\"name\":\"app2\",\"domains\":[]}", 422, "field", "domain"},
        {"a short password", "POST", "/admin/v1/credentials",
         "{\"name\":\"app2\",\"domains\":[\"app.test\"],\"password\":\"short\"}", 422, "field",
         "password"},
        {"a credential is changed", "PATCH", "/admin/v1/credentials/app",
         "{\"domains\":[\"*\"],\"version\":1}", 200, "name", "app"},
        {"with an old version it is not", "PATCH", "/admin/v1/credentials/app",
         "{\"domains\":[\"app.test\"],\"version\":1}", 409, "code", "conflict"},
        {"without a version the last one stands", "PATCH", "/admin/v1/credentials/app",
         "{\"domains\":[\"app.test\"]}", 200, "name", "app"},
        {"a password is made anew", "PATCH", "/admin/v1/credentials/app", "{\"new_password\":true}",
         200, "name", "app"},
        {"a password is either given or made", "PATCH", "/admin/v1/credentials/app",
         "{\"new_password\":true,\"password\":\"correct horse\"}", 400, "field", "new_password"},
        {"a short password is no new one", "PATCH", "/admin/v1/credentials/app",
         "{\"password\":\"short\"}", 422, "field", "password"},
        {"an empty password is none", "PATCH", "/admin/v1/credentials/app", "{\"password\":\"\"}",
         422, "field", "password"},
        {"a change of nothing", "PATCH", "/admin/v1/credentials/app", "{\"version\":1}", 400,
         "field", "body"},
        {"a change to no domain at all", "PATCH", "/admin/v1/credentials/app", "{\"domains\":[]}",
         422, "field", "domains"},
        {"a change to a domain that is not there", "PATCH", "/admin/v1/credentials/app",
         "{\"domains\":[\"b.test\"]}", 404, "field", "domain"},
        {"a version that is none", "PATCH", "/admin/v1/credentials/app",
         "{\"domains\":[\"*\"],\"version\":0}", 422, "field", "version"},
        {"a change of nobody", "PATCH", "/admin/v1/credentials/nobody", "{\"domains\":[\"*\"]}",
         404, "field", "name"},
        {"a change of a key that is not there", "PATCH", "/admin/v1/keys/nobody",
         "{\"label\":\"x\"}", 404, "field", "name"},
        {"an address is suppressed", "POST", "/admin/v1/suppressions",
         "{\"addresses\":[\"Gone@good.test\"]}", 201, NULL, NULL},
        {"a second one that is no address", "POST", "/admin/v1/suppressions",
         "{\"addresses\":[\"x@good.test\",\"nobody\"]}", 422, "field", "addresses[1]"},
        {"a reason that is none", "POST", "/admin/v1/suppressions",
         "{\"addresses\":[\"x@good.test\"],\"reason\":\"spite\"}", 422, "field", "reason"},
        {"an end that is no time", "POST", "/admin/v1/suppressions",
         "{\"addresses\":[\"x@good.test\"],\"expires_at\":\"soon\"}", 422, "field", "expires_at"},
        {"no address", "POST", "/admin/v1/suppressions", "{\"addresses\":[]}", 422, "field",
         "addresses"},
        {"a list", "GET", "/admin/v1/suppressions?subscription=default&max=1", "", 200, NULL, NULL},
        {"a page behind the end of another list", "GET",
         "/admin/v1/suppressions?subscription=default&after=acme%2F%2Fx", "", 400, "field",
         "after"},
        {"a page of none", "GET", "/admin/v1/suppressions?max=0", "", 400, "field", "max"},
        {"an address that is not suppressed", "DELETE",
         "/admin/v1/suppressions/gone@good.test?domain=app.test", "", 404, "field", "address"},
        {"one that is", "DELETE", "/admin/v1/suppressions/gone%40GOOD.test", "", 200, NULL, NULL},
        {"a domain in use is not removed", "DELETE", "/admin/v1/domains/app.test", "", 409, "code",
         "in-use"},
        {"a subscription", "POST", "/admin/v1/subscriptions", "{\"name\":\"acme\"}", 201, "name",
         "acme"},
        {"of a profile", "POST", "/admin/v1/subscriptions",
         "{\"name\":\"small\",\"profile\":\"managed-test\"}", 201, "name", "small"},
        {"of a profile that is none", "POST", "/admin/v1/subscriptions",
         "{\"name\":\"small2\",\"profile\":\"none\"}", 422, "field", "profile"},
        {"it is shown", "GET", "/admin/v1/subscriptions/small", "", 200, "profile", "managed-test"},
        {"the default profile has a name, too", "GET", "/admin/v1/subscriptions/acme", "", 200,
         "profile", "unlimited"},
        {"one that is not there", "GET", "/admin/v1/subscriptions/nobody", "", 404, "field",
         "name"},
        {"another profile", "PATCH", "/admin/v1/subscriptions/small", "{\"profile\":\"standard\"}",
         200, "name", "small"},
        {"it is another one at once", "GET", "/admin/v1/subscriptions/small", "", 200, "profile",
         "standard"},
        {"a profile that is none", "PATCH", "/admin/v1/subscriptions/small",
         "{\"profile\":\"\\u0000\"}", 400, NULL, NULL},
        {"a profile that is not there", "PATCH", "/admin/v1/subscriptions/small",
         "{\"profile\":\"standar\"}", 422, "field", "profile"},
        {"no profile", "PATCH", "/admin/v1/subscriptions/small", "{}", 400, "field", "profile"},
        {"of a subscription that is not there", "PATCH", "/admin/v1/subscriptions/nobody",
         "{\"profile\":\"standard\"}", 404, "field", "name"},
        {"usage since a time that is none", "GET", "/admin/v1/usage?since=soon", "", 400, "field",
         "since"},
        {"a message id that is none", "GET", "/admin/v1/messages/xyz", "", 404, "code",
         "id-syntax"},
        {"a message that is not there", "GET", "/admin/v1/messages/0000000000001", "", 404, "code",
         "message-unknown"},
        {"a time that is none", "GET", "/admin/v1/messages?since=soon", "", 400, "field", "since"},
        {"a control of nothing", "POST", "/admin/v1/queue/hold", "{}", 400, "field", "message"},
        {"a control of a message that is not there", "POST", "/admin/v1/queue/hold",
         "{\"message\":\"0000000000001\"}", 404, "code", "message-unknown"},
        {"a message from a stranger's domain", "POST",
         "/admin/v1/messages?from=me@good.test&to=you@good.test", "From: me@good.test\r\n\r\nx\r\n",
         403, "code", "sender-not-allowed"},
        {"a message without recipients", "POST", "/admin/v1/messages",
         "From: me@app.test\r\n\r\nx\r\n", 422, "code", "no-recipients"},
        {"a message that is none", "POST", "/admin/v1/messages?to=a@b.test", "hello", 422, NULL,
         NULL},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *answer = NULL;

        CHECK_EQ(rows[i].name,
                 ask(*state, false, rows[i].method, rows[i].path, rows[i].body, &answer),
                 rows[i].status);
        CHECK_TRUE(rows[i].name, answer != NULL);
        if (rows[i].member != NULL)
            CHECK_STR(rows[i].name, json_string_value(json_object_get(answer, rows[i].member)),
                      rows[i].want);
        json_decref(answer);
    }
}

static void add_domain(struct fixture *x)
{
    json_t *answer;

    assert_int_equal(ask(x, false, "POST", "/admin/v1/domains", "{\"name\":\"app.test\"}", &answer),
                     201);
    json_decref(answer);
}

static void test_a_key_is_changed(void **state)
{
    json_t *answer, *key;
    char path[128];

    add_domain(*state);
    assert_int_equal(ask(*state, false, "POST", "/admin/v1/keys",
                         "{\"label\":\"old\",\"domains\":[\"app.test\"]}", &answer),
                     201);
    snprintf(path, sizeof(path), "/admin/v1/keys/%s",
             json_string_value(json_object_get(answer, "id")));
    json_decref(answer);
    assert_int_equal(ask(*state, false, "PATCH", path, "{\"label\":\"\"}", &answer), 200);
    CHECK_STR("a label can be emptied", json_string_value(json_object_get(answer, "label")), "");
    CHECK_STR("the domains stay",
              json_string_value(json_array_get(json_object_get(answer, "domains"), 0)), "app.test");
    CHECK_EQ("the version counts", json_integer_value(json_object_get(answer, "version")), 2);
    json_decref(answer);
    assert_int_equal(ask(*state, false, "GET", "/admin/v1/keys", "", &answer), 200);
    key = json_array_get(json_object_get(answer, "keys"), 0);
    CHECK_EQ("lists show it", json_integer_value(json_object_get(key, "version")), 2);
    json_decref(answer);
}

static void test_records(void **state)
{
    json_t *answer, *records;

    add_domain(*state);
    assert_int_equal(ask(*state, false, "GET", "/admin/v1/domains/app.test/records", "", &answer),
                     200);
    records = json_object_get(answer, "records");
    CHECK_EQ("three records", json_array_size(records), 3);
    CHECK_STR("SPF names the server",
              json_string_value(json_object_get(json_array_get(records, 0), "value")),
              "v=spf1 a:mail.sigillo.test ~all");
    CHECK_STR("the key has its place",
              json_string_value(json_object_get(json_array_get(records, 1), "name")),
              "s1._domainkey.app.test");
    CHECK_STR("DMARC begins by watching",
              json_string_value(json_object_get(json_array_get(records, 2), "value")),
              "v=DMARC1; p=none");
    json_decref(answer);
}

static void test_message(void **state)
{
    struct fixture *x = *state;
    json_t *answer, *rcpt;
    char path[128], body[128];
    char id[32];

    add_domain(x);
    assert_int_equal(ask(x, false, "POST", "/admin/v1/messages",
                         "From: Me <me@app.test>\r\nTo: you@good.test\r\nBcc: "
                         "them@good.test\r\nSubject: Hello\r\n\r\nx\r\n",
                         &answer),
                     202);
    snprintf(id, sizeof(id), "%s", json_string_value(json_object_get(answer, "id")));
    CHECK_EQ("recipients come from To and Bcc",
             json_integer_value(json_object_get(answer, "recipients")), 2);
    json_decref(answer);
    snprintf(path, sizeof(path), "/admin/v1/messages/%s", id);
    snprintf(body, sizeof(body), "{\"message\":\"%s\",\"domain\":\"good.test\"}", id);
    assert_int_equal(ask(x, false, "POST", "/admin/v1/queue/hold", body, &answer), 200);
    CHECK_EQ("both are held", json_integer_value(json_object_get(answer, "changed")), 2);
    json_decref(answer);
    assert_int_equal(ask(x, false, "GET", path, "", &answer), 200);
    rcpt = json_array_get(json_object_get(answer, "recipients"), 0);
    CHECK_STR("a recipient", json_string_value(json_object_get(rcpt, "address")), "you@good.test");
    CHECK_STR("is held", json_string_value(json_object_get(rcpt, "state")), "held");
    CHECK_STR("the trail begins",
              json_string_value(
                  json_object_get(json_array_get(json_object_get(answer, "events"), 0), "kind")),
              "accepted");
    CHECK_STR("the sender is From", json_string_value(json_object_get(answer, "from")),
              "me@app.test");
    CHECK_TRUE("how long it took is known", json_is_real(json_object_get(answer, "durable_ms")));
    json_decref(answer);
    assert_int_equal(ask(x, false, "GET",
                         "/admin/v1/messages?open=true&to=THEM%40good.test&since=1h", "", &answer),
                     200);
    CHECK_EQ("it is found by a recipient", json_array_size(json_object_get(answer, "messages")), 1);
    json_decref(answer);
    assert_int_equal(ask(x, false, "POST", "/admin/v1/queue/cancel", body, &answer), 200);
    json_decref(answer);
    assert_int_equal(ask(x, false, "POST", "/admin/v1/queue/cancel", body, &answer), 409);
    json_decref(answer);
    assert_int_equal(ask(x, false, "GET", "/admin/v1/stats", "", &answer), 200);
    CHECK_EQ(
        "figures",
        json_integer_value(json_object_get(json_object_get(answer, "recipients"), "delivered")), 7);
    json_decref(answer);
}

static int64_t number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static int send_to(struct fixture *x, const char *rcpts)
{
    char path[256];
    json_t *answer;
    int status;

    snprintf(path, sizeof(path), "/admin/v1/messages?from=me@app.test&to=%s", rcpts);
    status = ask(x, false, "POST", path, "From: me@app.test\r\n\r\nx\r\n", &answer);
    if (status == 429) {
        CHECK_STR("which limit", json_string_value(json_object_get(answer, "field")), "messages");
        CHECK_TRUE("its figure", strstr(json_string_value(json_object_get(answer, "detail")),
                                        "5 messages a minute") != NULL);
    }
    json_decref(answer);
    return status;
}

static void test_usage(void **state)
{
    struct fixture *x = *state;
    json_t *answer, *one;

    add_domain(x);
    assert_int_equal(ask(x, false, "PATCH", "/admin/v1/subscriptions/default",
                         "{\"profile\":\"managed-test\"}", &answer),
                     200);
    json_decref(answer);
    CHECK_EQ("one", send_to(x, "you@good.test&to=us@app.test"), 202);
    for (int i = 0; i < 4; i++)
        CHECK_EQ("four more", send_to(x, "you@good.test"), 202);
    CHECK_EQ("and not another", send_to(x, "you@good.test"), 429);
    assert_int_equal(ask(x, false, "GET", "/admin/v1/usage?subscription=default", "", &answer),
                     200);
    one = json_array_get(json_object_get(answer, "usage"), 0);
    CHECK_EQ("messages", number(one, "messages"), 5);
    CHECK_EQ("internal ones are of the same subscription", number(one, "internal_recipients"), 1);
    CHECK_EQ("external", number(one, "external_recipients"), 5);
    json_decref(answer);
    assert_int_equal(ask(x, false, "GET", "/admin/v1/subscriptions/default", "", &answer), 200);
    one = json_array_get(json_object_get(answer, "limits"), 0);
    CHECK_EQ("what counts now", number(one, "used"), 5);
    CHECK_EQ("of how many", number(one, "max"), 5);
    json_decref(answer);
    assert_int_equal(ask(x, false, "GET", "/admin/v1/profiles", "", &answer), 200);
    CHECK_EQ("the shipped profiles", json_array_size(json_object_get(answer, "profiles")), 5);
    json_decref(answer);
}

static void test_not_over_plain_tcp(void **state)
{
    json_t *answer;

    CHECK_EQ("the admin API is not served in plain over TCP",
             ask(*state, true, "GET", "/admin/v1/domains", "", &answer), 403);
    CHECK_STR("and says why", json_string_value(json_object_get(answer, "code")), "tls-needed");
    json_decref(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_key_is_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_records, setup, teardown),
        cmocka_unit_test_setup_teardown(test_message, setup, teardown),
        cmocka_unit_test_setup_teardown(test_usage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_over_plain_tcp, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
