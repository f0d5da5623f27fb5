/* SPDX-License-Identifier: Apache-2.0 */
/* Reports that come by mail: told apart by their content, kept once, answered as the gate wants it. */
#include "../../server/heard/heard_arrival.h"

#include "../../server/heard/heard.h"
#include "../../server/store/received.h"
#include "directory_fixture.h"
#include "sigillo/verdict.h"

#define TLS(id, domain)                                                                            \
    "From: a@b.test\r\nContent-Type: application/tlsrpt+json\r\n\r\n{\"report-id\":\"" id          \
    "\",\"policies\":[{\"policy\":{\"policy-domain\":\"" domain "\"}}]}"

struct bringing {
    struct arrival a;
    struct loop_task task;
    struct heard_room room;
    enum arrival_result result;
    char why[200];
    sem_t done;
};

static void done(struct arrival *a, enum arrival_result result, const char *why)
{
    struct bringing *b = (struct bringing *)(void *)a;

    b->result = result;
    snprintf(b->why, sizeof b->why, "%s", why == NULL ? "" : why);
    sem_post(&b->done);
}

static void start(struct loop_task *task)
{
    struct bringing *b =
        (struct bringing *)(void *)((char *)task - offsetof(struct bringing, task));

    heard_arrival(&b->room, &b->a);
}

/* "done", "later: why", "refused: why" */
static const char *bring(struct directory_fixture *f, const char *mail, const char *subscription,
                         enum sgl_dmarc_result verdict)
{
    static const char *const name[] = {"done", "later", "refused"};
    static char text[300];
    struct sgl_verdict v = {.dmarc = {.result = verdict}};
    struct bringing b = {.room = {f->directory, f->store, f->workers}};

    b.a = (struct arrival){.subscription = subscription,
                           .raw = sgl_view_cstr(mail),
                           .verdict = &v,
                           .at_ms = clock_now_ms(),
                           .ip = {.version = 4, .bytes = {192, 0, 2, 9}},
                           .loop = f->loop,
                           .done = done};
    sem_init(&b.done, 0, 0);
    b.task.run = start;
    loop_post(f->loop, &b.task);
    sem_wait(&b.done);
    sem_destroy(&b.done);
    snprintf(text, sizeof text, "%s%s%s", name[b.result], b.why[0] == '\0' ? "" : ": ", b.why);
    return text;
}

static const char *dmarc(const char *id, const char *domain)
{
    static char text[2000];
    long long now = (long long)clock_now_s();

    snprintf(
        text, sizeof text,
        "From: a@b.test\r\nContent-Type: text/xml\r\n\r\n<feedback><report_metadata><org_name>O"
        "</org_name><report_id>%s</report_id><date_range><begin>%lld</begin><end>%lld</end>"
        "</date_range></report_metadata><policy_published><domain>%s</domain>"
        "</policy_published><record><row><source_ip>192.0.2.1</source_ip><count>3</count>"
        "</row></record></feedback>",
        id, now - 86400, now, domain);
    return text;
}

static bool sum(void *ctx, const struct dmarc_figure *f)
{
    *(struct dmarc_figure *)ctx = *f;
    return true;
}

static struct dmarc_figure all(struct directory_fixture *f)
{
    const struct dmarc_query q = {.to_day = 30000, .by = DMARC_BY_ALL, .max = 1};
    struct dmarc_figure got = {.messages = 0};

    assert_int_equal(store_read_dmarc(f->store, &q, sum, &got), STORE_OK);
    return got;
}

static void dmarc_is_kept_once(void **state)
{
    struct directory_fixture *f = *state;

    assert_int_equal(fixture_domain(f, "a.test", false), DIRECTORY_OK);
    assert_string_equal(bring(f, dmarc("1", "a.test"), "default", SGL_DMARC_PASS), "done");
    assert_string_equal(bring(f, dmarc("2", "A.TEST"), "default", SGL_DMARC_FAIL), "done");
    assert_int_equal(all(f).messages, 6);
    assert_int_equal(all(f).unverified, 3);
}

/* The same mail again does nothing twice: whoever got 451 for another recipient sends it again. */
static void the_same_again_changes_nothing(void **state)
{
    struct directory_fixture *f = *state;
    char mail[2000];

    assert_int_equal(fixture_domain(f, "a.test", false), DIRECTORY_OK);
    snprintf(mail, sizeof mail, "%s", dmarc("1", "a.test"));
    assert_string_equal(bring(f, mail, "default", SGL_DMARC_PASS), "done");
    assert_string_equal(bring(f, mail, "default", SGL_DMARC_PASS), "done");
    assert_int_equal(all(f).messages, 3);
}

static size_t counted;

static bool count(void *ctx, const struct received_report *r)
{
    (void)ctx;
    (void)r;
    counted++;
    return true;
}

static void tls_is_told_by_its_content(void **state)
{
    const struct received_query q = {.domain = sgl_view_cstr("a.test"), .max = 10};
    struct directory_fixture *f = *state;

    assert_int_equal(fixture_domain(f, "a.test", false), DIRECTORY_OK);
    assert_string_equal(bring(f, TLS("1", "a.test"), "default", SGL_DMARC_PASS), "done");
    assert_string_equal(bring(f, TLS("1", "a.test"), "default", SGL_DMARC_PASS), "done");
    counted = 0;
    assert_int_equal(store_read_received(f->store, &q, count, NULL), STORE_OK);
    assert_int_equal(counted, 1);
    assert_int_equal(all(f).messages, 0);
}

/* Whoever is not known gets as much room as by HTTP. */
static void a_long_one_of_whom_nobody_knows_is_refused(void **state)
{
    static char mail[80 << 10];
    struct directory_fixture *f = *state;
    size_t len;

    assert_int_equal(fixture_domain(f, "a.test", false), DIRECTORY_OK);
    snprintf(mail, sizeof mail, "%s", TLS("1", "a.test"));
    len = strlen(mail);
    memset(mail + len, ' ', sizeof mail - len - 1);
    assert_memory_equal(bring(f, mail, "default", SGL_DMARC_FAIL), "refused", 7);
    assert_string_equal(bring(f, mail, "default", SGL_DMARC_PASS), "done");
}

static void what_is_not_ours_or_none_is_refused(void **state)
{
    struct directory_fixture *f = *state;
    const char *not_ours =
        "refused: The report cannot be taken: it is about no domain of this server";

    assert_int_equal(fixture_domain(f, "a.test", false), DIRECTORY_OK);
    assert_string_equal(bring(f, dmarc("1", "b.test"), "default", SGL_DMARC_PASS), not_ours);
    assert_string_equal(bring(f, TLS("1", "b.test"), "default", SGL_DMARC_PASS), not_ours);
    assert_string_equal(bring(f, dmarc("1", "a.test"), "other", SGL_DMARC_PASS), not_ours);
    assert_string_equal(bring(f, TLS("1", "a.test"), "other", SGL_DMARC_PASS), not_ours);
    assert_string_equal(bring(f, "Subject: x\r\n\r\nhello\r\n", "default", SGL_DMARC_PASS),
                        "refused: The report cannot be taken: there is no report about DMARC or "
                        "TLS in it that can be read");
    assert_string_equal(
        bring(f, "Content-Type: text/xml\r\n\r\n<!DOCTYPE a>", "default", SGL_DMARC_PASS),
        "refused: The report cannot be taken: it has a DOCTYPE, which no report needs");
    assert_int_equal(all(f).messages, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTORY_TEST(dmarc_is_kept_once),
        DIRECTORY_TEST(the_same_again_changes_nothing),
        DIRECTORY_TEST(tls_is_told_by_its_content),
        DIRECTORY_TEST(a_long_one_of_whom_nobody_knows_is_refused),
        DIRECTORY_TEST(what_is_not_ours_or_none_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
