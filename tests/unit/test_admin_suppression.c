/* SPDX-License-Identifier: Apache-2.0 */
/* Suppressions as CSV: the whole list comes in or nothing, the line at fault is named, what goes out comes in again. */
#include "admin_fixture.h"

#define LIST   "/admin/v1/suppressions"
#define IMPORT LIST "/import"
#define EXPORT LIST "/export"

/* The answer to a request of HTTP/1.0, which has no chunks; the body in `out`. */
static int fetch(const struct admin_fixture *x, const char *method, const char *path, char *out,
                 size_t size)
{
    static char text[1 << 21];
    int fd = connect_to(x, false), status = 0;
    size_t len = (size_t)snprintf(text, sizeof(text), "%s %s HTTP/1.0\r\n\r\n", method, path);
    ssize_t n;

    assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
    for (len = 0; (n = recv(fd, text + len, sizeof(text) - len - 1, 0)) > 0; len += (size_t)n)
        ;
    close(fd);
    text[len] = '\0';
    assert_int_equal(sscanf(text, "HTTP/1.%*c %d", &status), 1);
    assert_non_null(strstr(text, "\r\n\r\n"));
    snprintf(out, size, "%s", strstr(text, "\r\n\r\n") + 4);
    return status;
}

static void check_counts(const struct admin_fixture *x, const char *name, const char *path,
                         const char *body, int added, int known)
{
    json_t *answer = NULL;

    CHECK_EQ(name, ask(x, false, "POST", path, body, &answer), 200);
    CHECK_EQ(name, json_integer_value(json_object_get(answer, "added")), added);
    CHECK_EQ(name, json_integer_value(json_object_get(answer, "known")), known);
    json_decref(answer);
}

static void test_import_is_refused(void **state)
{
    static const struct admin_row rows[] = {
        {"a line that is no address", "POST", IMPORT, "a@x.test\nnobody\n", 422, "field", "line 2"},
        {"a reason that is none", "POST", IMPORT, "a@x.test,spite\n", 422, "detail",
         "reason: One of hard-bounce, invalid, complaint, unsubscribe, manual, blocked is wanted."},
        {"its line", "POST", IMPORT, "\n# x\na@x.test,spite\n", 422, "field", "line 3"},
        {"a time that is none", "POST", IMPORT, "a@x.test,,soon\n", 422, "field", "line 1"},
        {"a time that has passed", "POST", IMPORT, "b@x.test\na@x.test,,1000\n", 422, "detail",
         "expires_at: this time has passed already"},
        {"a field too many", "POST", IMPORT, "a@x.test,,,,\n", 422, "field", "line 1"},
        {"a reply that is not UTF-8", "POST", IMPORT, "a@x.test,,,\xff\n", 422, "detail",
         "reply: This is not UTF-8."},
        {"an address that is not", "POST", IMPORT, "\xff@x.test\n", 422, "field", "line 1"},
        {"a quote that is not closed", "POST", IMPORT, "a@x.test\n\"b@x.test\nc@x.test\n", 422,
         "field", "line 2"},
        {"a column that is none", "POST", IMPORT, "address,colour\na@x.test,red\n", 422, "field",
         "line 1"},
        {"a column twice", "POST", IMPORT, "address,reply,Reply\n", 422, "field", "line 1"},
        {"a line without an address", "POST", IMPORT, "reason,address\nmanual,\n", 422, "field",
         "line 2"},
        {"a domain that is not there", "POST", IMPORT,
         "address,domain\na@x.test,app.test\na@x.test,b.test\n", 404, "field", "line 3"},
        {"neither true nor false", "POST", IMPORT, "address,case_sensitive\na@x.test,maybe\n", 422,
         "field", "line 2"},
        {"a subscription that is not there", "POST", IMPORT "?subscription=nobody", "a@x.test\n",
         404, "field", "subscription"},
        {"a reason in the query that is none", "POST", IMPORT "?reason=spite", "a@x.test\n", 422,
         "field", "reason"},
        {"after all that", "GET", LIST, "", 200, "next", NULL},
    };
    static char got[4096];

    add_domain(*state);
    CHECK_ROWS(*state, rows);
    CHECK_EQ("nothing was stored", fetch(*state, "GET", EXPORT, got, sizeof(got)), 200);
    CHECK_STR("only the head is there", got,
              "address,domain,reason,case_sensitive,created_at,expires_at,reply\n");
}

static void test_round_trip(void **state)
{
    static char got[4096], again[4096];
    static const char list[] =
        "address,domain,reason,case_sensitive,created_at,expires_at,reply\n"
        "b@x.test,,manual,false,2026-01-02T03:04:05Z,,\n"
        "One@x.test,,complaint,true,2026-01-02T03:04:05Z,2099-01-01T00:00:00Z,\"say \"\"no\"\", "
        "or\"\n"
        "a@x.test,app.test,hard-bounce,false,2026-01-02T03:04:05Z,,550 5.1.1 no\n";

    add_domain(*state);
    check_counts(*state, "an empty list", IMPORT, "", 0, 0);
    check_counts(*state, "a list", IMPORT, list, 3, 0);
    assert_int_equal(fetch(*state, "GET", EXPORT, got, sizeof(got)), 200);
    CHECK_TRUE("all of them", strlen(got) == strlen(list));
    CHECK_TRUE("the first line", strncmp(got, list, 64) == 0);
    CHECK_TRUE("with their times, and in quotes", strstr(got, strstr(list, "One@")) == NULL &&
                                                      strstr(got, "2099-01-01T00:00:00Z,\"say "
                                                                  "\"\"no\"\", or\"\n") != NULL);
    check_counts(*state, "what went out comes in", IMPORT, got, 0, 3);
    assert_int_equal(fetch(*state, "GET", EXPORT, again, sizeof(again)), 200);
    CHECK_STR("and is the same", again, got);
    assert_int_equal(fetch(*state, "GET", EXPORT "?domain=APP.test", again, sizeof(again)), 200);
    CHECK_TRUE("of one domain",
               strstr(again, "a@x.test,app.test") != NULL && strstr(again, "b@x.test") == NULL);
    CHECK_EQ("of nobody", fetch(*state, "GET", EXPORT "?subscription=nobody", again, 4096), 200);
    CHECK_EQ("is empty", strlen(again), 65);
    check_counts(*state, "one a line, for one reason",
                 IMPORT "?reason=unsubscribe&domain=app.test&case_sensitive=true",
                 "\xef\xbb\xbfNew@x.test\nb@x.test,manual\n", 2, 0);
    assert_int_equal(fetch(*state, "GET", EXPORT "?domain=app.test", again, sizeof(again)), 200);
    CHECK_TRUE("the line is stronger than the query",
               strstr(again, "\nb@x.test,app.test,manual,true,") != NULL &&
                   strstr(again, "\nNew@x.test,app.test,unsubscribe,true,") != NULL);
}

static void import_many(const struct admin_fixture *x, const char *prefix, unsigned count)
{
    struct sgl_buf list = SGL_BUF_INIT(200000);

    for (unsigned i = 0; i < count; i++)
        sgl_buf_addf(&list, "%s%05u@x.test\n", prefix, i);
    check_counts(x, "many",
                 IMPORT "?reply=a+long+answer+that+makes+the+list+longer+than+a+socket"
                        "+takes+while+nobody+reads",
                 sgl_cstr(&list), (int)count, 0);
    sgl_buf_done(&list);
}

static void test_many_go_out_by_the_page(void **state)
{
    static char got[1 << 21];
    size_t lines = 0;

    import_many(*state, "user", 2500);
    assert_int_equal(fetch(*state, "GET", EXPORT, got, sizeof(got)), 200);
    for (const char *at = got; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    CHECK_EQ("a line each, and the head", lines, 2501);
    CHECK_TRUE("the last one", strstr(got, "user02499@x.test") != NULL);
    CHECK_EQ("HEAD has no body", fetch(*state, "HEAD", EXPORT, got, sizeof(got)), 200);
    CHECK_EQ("at all", strlen(got), 0);
}

struct count_busy {
    struct loop_task task;
    struct http *http;
    size_t busy;
    sem_t done;
};

static void count_on_loop(struct loop_task *task)
{
    struct count_busy *c = (struct count_busy *)(void *)task;

    c->busy = http_busy(c->http);
    sem_post(&c->done);
}

static size_t busy(const struct admin_fixture *x)
{
    struct count_busy c = {.task = {.run = count_on_loop}, .http = x->http};

    sem_init(&c.done, 0, 0);
    loop_post(x->door, &c.task);
    sem_wait(&c.done);
    sem_destroy(&c.done);
    return c.busy;
}

/* Asks for a long list, and reads nothing of it. */
static int ask_and_wait(const struct admin_fixture *x)
{
    static const char ask_for[] = "GET " EXPORT " HTTP/1.1\r\nHost: h\r\n\r\n";
    int fd = connect_to(x, false);

    assert_int_equal(send(fd, ask_for, sizeof(ask_for) - 1, MSG_NOSIGNAL), sizeof(ask_for) - 1);
    usleep(300000);
    assert_int_equal(busy(x), 1);
    return fd;
}

static void test_a_reader_that_leaves_is_forgotten(void **state)
{
    struct admin_fixture *x = *state;
    unsigned tries = 0;

    for (unsigned i = 0; i < 4; i++)
        import_many(x, (char[2]){(char)('a' + i), '\0'}, 2500);
    close(ask_and_wait(x));
    while (busy(x) > 0 && tries++ < 500)
        usleep(10000);
    CHECK_EQ("nothing is left of its request", busy(x), 0);
    close(ask_and_wait(x)); /* this one is there still when the shell goes */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ADMIN_TEST(test_import_is_refused),
        ADMIN_TEST(test_round_trip),
        ADMIN_TEST(test_many_go_out_by_the_page),
        ADMIN_TEST(test_a_reader_that_leaves_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
