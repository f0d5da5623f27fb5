/* SPDX-License-Identifier: Apache-2.0 */
/* What is due is begun in rounds; where nothing can be noted nothing is sent again and again.  Between a store, a web server and clocks that are a test's. */
#include <event2/event.h>
#include <string.h>

#include "../../server/reports/internal.h"
#include "check.h"
#include "dns_fixture.h"

#define V(s) sgl_view_cstr(s)

static int64_t wall = INT64_C(20001) * 86400 + 100;
static uint64_t mono = 1000;
static struct event_base *base;
static unsigned dues, posts, steps;
static enum store_result noted; /* of a step */
static bool is_done;            /* the report is not due any more */

/* ---- what is around the room ---- */

int64_t clock_now_s(void)
{
    return wall;
}

uint64_t clock_mono_ms(void)
{
    return mono;
}

int64_t clock_now_ms(void)
{
    return wall * 1000;
}

uint64_t clock_mono_us(void)
{
    return mono * 1000;
}

struct event_base *loop_base(struct loop *loop)
{
    (void)loop;
    return base;
}

struct config *config_ref(struct config *c)
{
    return c;
}

void config_unref(struct config *c)
{
    (void)c;
}

static struct work *todo;

bool workers_submit(struct workers *workers, struct work *w)
{
    (void)workers;
    w->next = todo;
    todo = w;
    return true;
}

static void work_all(void)
{
    struct work *w;

    while ((w = todo) != NULL) {
        todo = w->next;
        w->work(w);
        w->done(w);
    }
}

void resolver_fill(struct resolver *r, struct resolver_fill *fill)
{
    (void)r;
    (void)fill;
}

void resolver_cancel(struct resolver_fill *fill)
{
    (void)fill;
}

void queue_nudge(struct queue *q)
{
    (void)q;
}

void https_get(struct https *h, struct https_get *g)
{
    (void)h;
    posts++;
    sgl_buf_init(&g->body, 1);
    g->ok = true;
    g->status = 200;
    g->done(g);
}

void store_submit(struct store *store, struct store_op *op)
{
    struct report_op *t = (struct report_op *)(void *)op;

    (void)store;
    if (op->kind == STORE_REPORT && t->verb == REPORT_STEP) {
        steps++;
        op->result = noted;
        is_done = is_done || noted == STORE_OK;
    }
    op->done(op);
}

/* More of them than are begun at once. */
enum store_result store_read_reports_due(struct store *store, unsigned wanted, int64_t now,
                                         size_t max,
                                         bool (*each)(void *ctx, const struct store_report *r),
                                         void *ctx)
{
    struct store_report r = {.day = 20000,
                             .domain = V("a.test"),
                             .destination = V("https://a.test/"),
                             .state = REPORT_TRY,
                             .next_at = now};

    (void)store;
    (void)wanted;
    dues++;
    for (size_t i = 0; !is_done && i < 20 && i < max; i++)
        (void)each(ctx, &r);
    return STORE_OK;
}

enum store_result store_read_tlsrpt(struct store *store, int64_t day, sgl_view domain,
                                    bool (*each)(void *ctx, const struct tlsrpt_row *r), void *ctx)
{
    struct tlsrpt_row row = {.policy = 1, .is = {.type = 0}, .successes = 1};

    (void)store;
    (void)day;
    (void)domain;
    (void)each(ctx, &row);
    return STORE_OK;
}

enum store_result store_read_dmarc_judged(struct store *store, int64_t day, sgl_view domain,
                                          bool (*each)(void *ctx, const struct dmarc_row *r),
                                          void *ctx)
{
    (void)store;
    (void)day;
    (void)domain;
    (void)each;
    (void)ctx;
    return STORE_OK;
}

/* ---- rounds ---- */

static void round_(struct reports *r, int64_t s)
{
    wall += s;
    mono += (uint64_t)s * 1000;
    event_active(r->timer, EV_TIMEOUT, 0);
    event_base_loop(base, EVLOOP_NONBLOCK);
    work_all();
}

/* A server that took a report is not given it every few seconds while the store cannot note that. */
static void what_cannot_be_noted_is_not_sent_on_and_on(void **state)
{
    struct config config = {.hostname = "mail.us.test"};
    struct reports *r;
    unsigned first;

    (void)state;
    config.tls_reports.from = "tls@us.test";
    base = event_base_new();
    r = reports_new(&(struct reports_parts){.loop = NULL}, &config);
    assert_non_null(r);
    assert_true(reports_start(r));
    noted = STORE_IO;
    round_(r, 5);
    CHECK_TRUE("it was sent", posts > 0 && steps == posts);
    CHECK_TRUE("and what had not begun was left", posts <= ERRANDS_MAX);
    first = posts;
    for (unsigned i = 0; i < 100; i++)
        round_(r, 5);
    CHECK_EQ("then nothing for a while", posts, first);
    noted = STORE_OK;
    round_(r, REST_S);
    CHECK_TRUE("and again", posts > first);
    CHECK_EQ("which is noted", is_done, true);
    first = posts;
    round_(r, 5);
    CHECK_EQ("it is over", posts, first);
    reports_free(r);
    event_base_free(base);
}

/* [RFC 9990 s3.5] mail to who takes reports is told to nobody, so it is known who that is */
static void who_takes_reports(void **state)
{
    static const struct {
        const char *address;
        bool preset, named;
    } rows[] = {
        {"dmarc@any.test", true, false},
        {"DMARC@any.test", true, false},
        {"tls-reports@a.test", true, false},
        {"rua@us.test", false, true},
        {"Tls@us.test", false, true},
        {"out@us.test", true, true},
        {"ask@us.test", true, true},
        {"box@us.test", false, false},
        {"", false, false},
    };
    struct config config = {.hostname = "mail.us.test"};
    struct reports *r;

    (void)state;
    config.dmarc_reports.from = "out@us.test";
    config.dmarc_reports.contact = "ask@us.test";
    r = reports_new(&(struct reports_parts){.loop = NULL}, &config);
    assert_non_null(r);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        config.domains.dmarc_reports = config.domains.tls_reports = NULL;
        CHECK_EQ(rows[i].address, reports_takes(r, V(rows[i].address)), rows[i].preset);
        config.domains.dmarc_reports = "mailto:rua@us.test";
        config.domains.tls_reports = "mailto:tls@us.test";
        CHECK_EQ(rows[i].address, reports_takes(r, V(rows[i].address)), rows[i].named);
    }
    reports_free(r);
}

/* [RFC 9990 s3.5, s4] a destination that can't be written to takes nothing from the others, whatever its host has in DNS */
static void each_destination_for_itself(void **state)
{
    static const struct {
        const char *zone;
        size_t first, found; /* the first that is left */
    } rows[] = {
        {"a.test._report._dmarc.b.test TXT v=DMARC1\n", 0, 2},
        {"a.test._report._dmarc.b.test TXT v=DMARC1; rua=mailto:other@b.test\n", 2, 2},
        {"a.test._report._dmarc.b.test TXT v=DMARC1; rua=https://b.test/reports\n", 1, 1},
        {"", 1, 1},
    };
    static const char *const uri[] = {"mailto:r@b.test", "mailto:r@a.test", "mailto:other@b.test"};
    struct config config = {.hostname = "mail.us.test"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct dns_fixture dns = dns_fixture_init("a.test", NULL);
        struct errand e = {
            .kind = &kind_dmarc, .config = &config, .about = {.domain = V("a.test")}};
        enum sgl_status status;
        const char *why = NULL;
        char zone[500];

        snprintf(zone, sizeof(zone),
                 "_dmarc.a.test TXT v=DMARC1; p=none; rua=%s,%s\na.test A 192.0.2.1\n%s", uri[0],
                 uri[1], rows[i].zone);
        dns.zone = zone;
        sgl_arena_init(&e.arena, 1 << 20);
        e.dns = dns.dns;
        while ((status = kind_dmarc.find(&e, &why)) == SGL_NEED_DNS) {
            dns.dns = e.dns;
            dns_fixture_answer(&dns);
            e.dns = dns.dns;
            e.op.destinations = 0;
        }
        CHECK_EQ(rows[i].zone, status, SGL_OK);
        CHECK_TRUE(rows[i].zone, why == NULL);
        CHECK_EQ(rows[i].zone, e.op.destinations, rows[i].found);
        CHECK_VIEW(rows[i].zone, e.destination[0], V(uri[rows[i].first]));
        sgl_arena_done(&e.arena);
        dns_fixture_done(&dns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_noted_is_not_sent_on_and_on),
        cmocka_unit_test(who_takes_reports),
        cmocka_unit_test(each_destination_for_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
