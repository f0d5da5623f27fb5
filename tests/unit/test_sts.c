/* SPDX-License-Identifier: Apache-2.0 */
/* Policies found, kept, refreshed and never lost too early: between a zone text, a web server and a store made of arrays, and a clock that stands still. */
#include <stdlib.h>
#include <string.h>

#include "../../server/sts/sts_internal.h"
#include "dns_fixture.h"
#include "sigillo/limits.h"

#define DAY     86400
#define ENFORCE "version: STSv1\nmode: enforce\nmx: mx1.d.test\nmax_age: 604800\n"
#define NOROW   (-1)

/* ---- time ---- */

static int64_t wall = 1000000000;
static uint64_t mono = 1000;

int64_t clock_now_s(void)
{
    return wall;
}

int64_t clock_now_ms(void)
{
    return wall * 1000;
}

uint64_t clock_mono_ms(void)
{
    return mono;
}

uint64_t clock_mono_us(void)
{
    return mono * 1000;
}

static void pass(int64_t s)
{
    wall += s;
    mono += (uint64_t)s * 1000;
}

/* ---- what waits to be done ---- */

struct todo {
    struct todo *next;
    void (*run)(void *ctx);
    void *ctx;
};
static struct todo *todo_first, **todo_end = &todo_first;

static void later(void (*run)(void *ctx), void *ctx)
{
    struct todo *t = calloc(1, sizeof(*t));

    *t = (struct todo){.run = run, .ctx = ctx};
    *todo_end = t;
    todo_end = &t->next;
}

static void run_all(void)
{
    struct todo *t;

    while ((t = todo_first) != NULL) {
        todo_first = t->next;
        if (todo_first == NULL)
            todo_end = &todo_first;
        t->run(t->ctx);
        free(t);
    }
}

/* ---- workers ---- */

static bool workers_full;

static void work_it(void *ctx)
{
    struct work *w = ctx;

    w->work(w);
    w->done(w);
}

bool workers_submit(struct workers *workers, struct work *w)
{
    (void)workers;
    if (workers_full)
        return false;
    later(work_it, w);
    return true;
}

/* ---- the resolver ---- */

static const char *zone = "";
static unsigned lookups;

static void resolve(void *ctx)
{
    struct resolver_fill *fill = ctx;
    struct dns_fixture fx = dns_fixture_init("d.test", zone);
    const struct sgl_dns_question *q;

    sgl_dns_done(&fx.dns);
    fx.dns = *fill->dns;
    while ((q = sgl_dns_next_open(&fx.dns, NULL)) != NULL)
        dns_fixture_answer_question(&fx, q);
    *fill->dns = fx.dns;
    sgl_dns_init(&fx.dns, 0);
    dns_fixture_done(&fx);
    fill->done(fill);
}

void resolver_fill(struct resolver *r, struct resolver_fill *fill)
{
    (void)r;
    lookups++;
    later(resolve, fill);
}

void resolver_cancel(struct resolver_fill *fill)
{
    (void)fill;
}

/* ---- the web server ---- */

static struct {
    enum https_end end;
    const char *type, *body;
    unsigned fetches;
    char url[300];
    size_t size_max;
    uint64_t timeout_ms;
    struct https_get *held; /* waits for web_release() */
    bool hold;
} web;

static void web_answer(void *ctx)
{
    struct https_get *g = ctx;

    g->end = web.end;
    g->ok = web.end == HTTPS_OK;
    g->body = (struct sgl_buf)SGL_BUF_INIT(g->size_max);
    snprintf(g->type, sizeof(g->type), "%s", web.type);
    snprintf(g->why, sizeof(g->why), "%s", g->ok ? "" : "it answered 404");
    if (g->ok)
        sgl_buf_add(&g->body, sgl_view_cstr(web.body));
    g->done(g);
}

void https_get(struct https *h, struct https_get *g)
{
    (void)h;
    web.fetches++;
    web.size_max = g->size_max;
    web.timeout_ms = g->timeout_ms;
    snprintf(web.url, sizeof(web.url), "%s", g->url);
    if (web.hold)
        web.held = g;
    else
        later(web_answer, g);
}

static void web_serves(const char *body)
{
    web.end = HTTPS_OK;
    web.type = "text/plain";
    web.body = body;
}

/* ---- the store ---- */

#define ROWS 4

static struct {
    struct {
        char key[256], value[2000];
        uint64_t version;
    } row[ROWS];
    bool broken, full;
    unsigned reads, writes;
} kept;

const char *store_result_text(enum store_result r)
{
    return r == STORE_OK ? "done" : "the store is at fault";
}

static int row_of(sgl_view key)
{
    for (int i = 0; i < ROWS; i++)
        if (sgl_view_eq(sgl_view_cstr(kept.row[i].key), key))
            return i;
    return NOROW;
}

static struct store_noun noun_of(int i)
{
    return (struct store_noun){.kind = SGL_LIT(STS_KIND),
                               .key = sgl_view_cstr(kept.row[i].key),
                               .value = sgl_view_cstr(kept.row[i].value),
                               .version = kept.row[i].version};
}

enum store_result store_read_noun(struct store *store, sgl_view kind, sgl_view key,
                                  bool (*each)(void *ctx, const struct store_noun *n), void *ctx)
{
    struct store_noun n;
    int i = row_of(key);

    (void)store;
    kept.reads++;
    CHECK_VIEW("of its own kind", kind, SGL_LIT(STS_KIND));
    if (kept.broken)
        return STORE_IO;
    if (i == NOROW)
        return STORE_NOT_FOUND;
    n = noun_of(i);
    (void)each(ctx, &n);
    return STORE_OK;
}

enum store_result store_read_noun_page(struct store *store, const struct store_noun_page *page,
                                       bool (*each)(void *ctx, const struct store_noun *n),
                                       void *ctx)
{
    (void)store;
    if (kept.broken)
        return STORE_IO;
    for (int i = 0; i < ROWS; i++) { /* the tests put them in order */
        struct store_noun n = noun_of(i);

        if (n.key.len > 0 && sgl_view_cmp(n.key, page->after) > 0 && !each(ctx, &n))
            break;
    }
    return STORE_OK;
}

static void submitted(void *ctx)
{
    struct store_op *op = ctx;
    const struct store_noun_op *nouns = ctx;

    op->result = kept.full ? STORE_FULL : STORE_OK;
    for (size_t i = 0; i < nouns->nouns && op->result == STORE_OK; i++) {
        int at = row_of(nouns->noun[i].key);

        if (op->kind == STORE_NOUN_DELETE) {
            kept.row[at].key[0] = '\0';
            continue;
        }
        if (at == NOROW)
            at = row_of(SGL_LIT(""));
        CHECK_TRUE("there is a row", at != NOROW);
        snprintf(kept.row[at].key, sizeof(kept.row[at].key), "%.*s", SGL_FMT(nouns->noun[i].key));
        snprintf(kept.row[at].value, sizeof(kept.row[at].value), "%.*s",
                 SGL_FMT(nouns->noun[i].value));
        kept.row[at].version++;
        kept.writes++;
    }
    op->done(op);
}

void store_submit(struct store *store, struct store_op *op)
{
    (void)store;
    later(submitted, op);
}

/* ---- who asks ---- */

static struct loop *loop;
static struct sts *sts;

static void begin(void)
{
    sts = sts_new(&(struct sts_config){.loop = loop, .resolve_ms = 5000});
    assert_non_null(sts);
}

static void restart(void)
{
    run_all();
    sts_free(sts);
    begin();
}

static int set_up(void **state)
{
    (void)state;
    memset(&web, 0, sizeof(web));
    memset(&kept, 0, sizeof(kept));
    lookups = 0;
    workers_full = false;
    zone = "_mta-sts.d.test TXT v=STSv1; id=a;\n";
    web_serves(ENFORCE);
    loop = loop_new("sts");
    begin();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    run_all();
    sts_free(sts);
    loop_free(loop);
    return 0;
}

struct asked {
    struct sts_ask ask;
    bool done;
};

static void on_done(struct sts_ask *ask)
{
    ((struct asked *)(void *)ask)->done = true;
}

/* As a word: "none", "unknown", or the policy's mode and id. */
static const char *word_of(struct sts_answer *a)
{
    static char word[80];

    switch (a->state) {
    case STS_NONE:
        snprintf(word, sizeof(word), "none");
        break;
    case STS_UNKNOWN:
        snprintf(word, sizeof(word), "unknown");
        break;
    case STS_POLICY:
        snprintf(word, sizeof(word), "%s %.*s", sgl_mta_sts_mode_name(a->policy->policy.mode),
                 SGL_FMT(a->policy->id));
        break;
    }
    sts_policy_unref(a->policy);
    a->policy = NULL;
    return word;
}

static struct sgl_name name_of(const char *text)
{
    return (struct sgl_name){sgl_view_cstr(text)};
}

static struct sts_answer last;

static const char *ask_of(const char *domain)
{
    struct asked a = {.ask.done = on_done};
    bool now = sts_ask(sts, name_of(domain), &a.ask);

    if (!now) {
        CHECK_TRUE("later, never within the call", !a.done);
        run_all();
        CHECK_TRUE("it is answered", a.done);
    }
    last = a.ask.answer;
    return word_of(&a.ask.answer);
}

static const char *ask(void)
{
    return ask_of("d.test");
}

/* ---- tests ---- */

static void test_found(void **state)
{
    (void)state;
    CHECK_STR("the policy is fetched for who asks first", ask(), "enforce a");
    CHECK_STR("from its one place [RFC 8461 s3.3]", web.url,
              "https://mta-sts.d.test/.well-known/mta-sts.txt");
    CHECK_EQ("at most 64 KiB [RFC 8461 s3.3]", web.size_max, 65536);
    CHECK_EQ("in a minute [RFC 8461 s3.3]", web.timeout_ms, 60000);
    CHECK_STR("and is remembered", ask(), "enforce a");
    CHECK_EQ("one lookup", lookups, 1);
    CHECK_EQ("one fetch", web.fetches, 1);
    CHECK_EQ("it is in the store", kept.writes, 1);
    CHECK_STR("the parent's policy is not the child's [RFC 8461 s3.4]", ask_of("x.d.test"), "none");
    CHECK_STR("the child's is not the parent's", ask_of("test"), "none");
}

static void test_none(void **state)
{
    (void)state;
    zone = "";
    CHECK_STR("no record", ask(), "none");
    CHECK_STR("is remembered", ask(), "none");
    CHECK_EQ("one lookup", lookups, 1);
    CHECK_EQ("no fetch", web.fetches, 0);
    CHECK_EQ("nothing is stored", kept.writes, 0);
    pass(STS_FRESH_S);
    zone = "_mta-sts.d.test TXT v=STSv1; id=a;\n";
    CHECK_STR("and not for ever", ask(), "enforce a");
    zone = "_mta-sts.e.test TXT v=STSv1; id=a;\n_mta-sts.e.test TXT v=STSv1; id=b;\n";
    CHECK_STR("several records are none [RFC 8461 s3.1]", ask_of("e.test"), "none");
    CHECK_EQ("and no fetch", web.fetches, 1);
}

static void test_shared(void **state)
{
    struct asked a = {.ask.done = on_done}, b = a, c = a;

    (void)state;
    CHECK_TRUE("the first waits", !sts_ask(sts, name_of("d.test"), &a.ask));
    CHECK_TRUE("the second too", !sts_ask(sts, name_of("d.test"), &b.ask));
    CHECK_TRUE("the third too", !sts_ask(sts, name_of("d.test"), &c.ask));
    sts_cancel(&b.ask);
    sts_cancel(&b.ask);
    run_all();
    CHECK_TRUE("they are answered", a.done && c.done);
    CHECK_TRUE("who gave up is not", !b.done);
    CHECK_EQ("with one lookup", lookups, 1);
    CHECK_EQ("and one fetch", web.fetches, 1);
    CHECK_TRUE("the same policy", a.ask.answer.policy == c.ask.answer.policy);
    sts_policy_unref(a.ask.answer.policy);
    sts_policy_unref(c.ask.answer.policy);
}

static void test_restart(void **state)
{
    (void)state;
    CHECK_STR("known", ask(), "enforce a");
    restart();
    web.end = HTTPS_CONNECTION;
    CHECK_STR("known after a restart, with the web server gone", ask(), "enforce a");
    CHECK_EQ("nobody asked it", web.fetches, 1);
    zone = "_mta-sts.d.test SERVFAIL\n";
    restart();
    CHECK_STR("and with the lookup failing", ask(), "enforce a");
    zone = "";
    restart();
    CHECK_STR("and with the record gone [RFC 8461 s3.3]", ask(), "enforce a");
    pass(7 * DAY);
    CHECK_STR("until it ends", ask(), "none");
}

static void test_refresh(void **state)
{
    (void)state;
    CHECK_STR("known", ask(), "enforce a");
    pass(DAY);
    web_serves("version: STSv1\nmode: testing\nmx: mx1.d.test\nmax_age: 604800\n");
    CHECK_STR("after a day it still counts", ask(), "enforce a");
    CHECK_EQ("and is asked for again [RFC 8461 s3.3]", web.fetches, 2);
    run_all();
    CHECK_STR("then the new one counts", ask(), "testing a");
    pass(DAY);
    web.end = HTTPS_STATUS;
    CHECK_STR("a refresh that fails", ask(), "testing a");
    run_all();
    CHECK_STR("takes nothing away", ask(), "testing a");
    CHECK_EQ("and is noted for reports", last.trouble, SGL_TLS_STS_POLICY_FETCH_ERROR);
    CHECK_STR("with its reason", last.why, "it answered 404");
    CHECK_EQ("one try", web.fetches, 3);
    pass(STS_RETRY_S);
    (void)ask();
    CHECK_EQ("another one five minutes later [RFC 8461 s3.3]", web.fetches, 4);
    run_all();
    pass(6 * DAY);
    CHECK_STR("at the end of its time it ends", ask(), "none");
}

static void test_another_id(void **state)
{
    (void)state;
    CHECK_STR("known", ask(), "enforce a");
    pass(STS_FRESH_S);
    zone = "_mta-sts.d.test TXT v=STSv1; id=b;\n";
    web_serves("version: STSv1\nmode: none\nmax_age: 60\n");
    CHECK_STR("another id: what it says now [RFC 8461 s5.1]", ask(), "none b");
    pass(STS_FRESH_S);
    zone = "_mta-sts.d.test TXT v=STSv1; id=c;\n";
    web_serves(ENFORCE);
    CHECK_STR("and back", ask(), "enforce c");
    pass(STS_FRESH_S);
    zone = "_mta-sts.d.test TXT v=STSv1; id=d;\n";
    web.end = HTTPS_CERTIFICATE;
    CHECK_STR("another id that cannot be fetched: the known one", ask(), "enforce c");
    CHECK_EQ("its trouble is a certificate's", last.trouble, SGL_TLS_STS_WEBPKI_INVALID);
    CHECK_EQ("tried", web.fetches, 4);
    pass(STS_RETRY_S - 1);
    restart();
    CHECK_STR("known", ask(), "enforce c");
    CHECK_EQ("and not tried again within five minutes, also after a restart", web.fetches, 4);
}

static void test_cannot_be_fetched(void **state)
{
    static const struct {
        const char *rule;
        enum https_end end;
        const char *type, *body;
        enum sgl_tls_result trouble;
    } cases[] = {
        {"another status", HTTPS_STATUS, "", "", SGL_TLS_STS_POLICY_FETCH_ERROR},
        {"no connection", HTTPS_CONNECTION, "", "", SGL_TLS_STS_POLICY_FETCH_ERROR},
        {"no lookup", HTTPS_LOOKUP, "", "", SGL_TLS_STS_POLICY_FETCH_ERROR},
        {"no address", HTTPS_NO_ADDRESS, "", "", SGL_TLS_STS_POLICY_FETCH_ERROR},
        {"no answer in time", HTTPS_TIMEOUT, "", "", SGL_TLS_STS_POLICY_FETCH_ERROR},
        {"its certificate", HTTPS_CERTIFICATE, "", "", SGL_TLS_STS_WEBPKI_INVALID},
        {"too large", HTTPS_TOO_LARGE, "", "", SGL_TLS_STS_POLICY_INVALID},
        {"HTML", HTTPS_OK, "text/html", ENFORCE, SGL_TLS_STS_POLICY_INVALID},
        {"no media type", HTTPS_OK, "", ENFORCE, SGL_TLS_STS_POLICY_INVALID},
        {"no policy", HTTPS_OK, "text/plain", "hello\n", SGL_TLS_STS_POLICY_INVALID},
        {"a byte order mark", HTTPS_OK, "text/plain", "\xef\xbb\xbf" ENFORCE,
         SGL_TLS_STS_POLICY_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        web.end = cases[i].end;
        web.type = cases[i].type;
        web.body = cases[i].body;
        CHECK_STR(cases[i].rule, ask(), "none");
        CHECK_EQ(cases[i].rule, last.trouble, cases[i].trouble);
        CHECK_TRUE(cases[i].rule, last.why[0] != '\0');
        CHECK_EQ(cases[i].rule, web.fetches, i + 1);
        CHECK_STR("not asked again at once", ask(), "none");
        CHECK_EQ("but told again", last.trouble, cases[i].trouble);
        CHECK_EQ(cases[i].rule, web.fetches, i + 1);
        pass(STS_RETRY_S);
    }
    web_serves(ENFORCE);
    CHECK_STR("when it works again", ask(), "enforce a");
    CHECK_EQ("there is no trouble any more", last.trouble, SGL_TLS_OK);
}

static void test_unknown(void **state)
{
    (void)state;
    zone = "_mta-sts.d.test SERVFAIL\n";
    CHECK_STR("a lookup that fails is not none", ask(), "unknown");
    CHECK_TRUE("and says so", strstr(last.why, "the lookup of its record failed") != NULL);
    zone = "_mta-sts.e.test BOGUS\n";
    CHECK_STR("nor a forged answer", ask_of("e.test"), "unknown");
    pass(STS_SOON_S);
    zone = "";
    CHECK_STR("asked again soon", ask(), "none");
}

static void test_store_broken(void **state)
{
    (void)state;
    CHECK_STR("known", ask(), "enforce a");
    restart();
    kept.broken = true;
    zone = "";
    CHECK_STR("a store that cannot be read is not none", ask(), "unknown");
    CHECK_STR("and says so", last.why, "the policies in the store cannot be read");
    pass(STS_SOON_S);
    zone = "_mta-sts.d.test TXT v=STSv1; id=a;\n";
    web.end = HTTPS_STATUS;
    CHECK_STR("nor when the policy cannot be fetched", ask(), "unknown");
    CHECK_EQ("and what is stored stays as it is", kept.writes, 1);
    pass(STS_RETRY_S);
    web_serves(ENFORCE);
    CHECK_STR("what is fetched counts", ask(), "enforce a");
    restart();
    kept.broken = false;
    zone = "";
    CHECK_STR("back again", ask(), "enforce a");
    restart();
    snprintf(kept.row[0].value, sizeof(kept.row[0].value), "{\"id\":\"a\",\"body\":\"?\"}");
    CHECK_STR("a row that is damaged is not none", ask(), "unknown");
    snprintf(kept.row[0].value, sizeof(kept.row[0].value), "?");
    restart();
    CHECK_STR("nor one that is no JSON", ask(), "unknown");
    pass(STS_SOON_S);
    zone = "_mta-sts.d.test TXT v=STSv1; id=a;\n";
    CHECK_STR("what is fetched takes its place", ask(), "enforce a");
    restart();
    zone = "";
    CHECK_STR("for good", ask(), "enforce a");
}

static void test_refused(void **state)
{
    (void)state;
    workers_full = true;
    CHECK_STR("nobody can read the store", ask(), "unknown");
    workers_full = false;
    web.end = HTTPS_LOCAL;
    CHECK_STR("a fetch that was never made is not none", ask(), "unknown");
    CHECK_EQ("and nothing is held against the domain", last.trouble, SGL_TLS_OK);
    pass(STS_SOON_S);
    web_serves(ENFORCE);
    CHECK_STR("asked again soon", ask(), "enforce a");
    kept.full = true;
    pass(DAY);
    (void)ask();
    run_all();
    CHECK_STR("a store that takes nothing changes nothing", ask(), "enforce a");
}

static void test_max_age_0(void **state)
{
    (void)state;
    web_serves("version: STSv1\nmode: enforce\nmx: mx1.d.test\nmax_age: 0\n");
    CHECK_STR("it is for this delivery [RFC 8461 s3.2]", ask(), "enforce a");
    pass(STS_LEAST_S);
    web.end = HTTPS_STATUS;
    CHECK_STR("and for no later one", ask(), "none");
    CHECK_EQ("which asks for itself", web.fetches, 2);
}

static void release(void)
{
    web.hold = false;
    web_answer(web.held);
    run_all();
}

static void test_slow(void **state)
{
    struct asked a = {.ask.done = on_done};

    (void)state;
    CHECK_STR("known", ask(), "enforce a");
    pass(DAY);
    web.hold = true;
    CHECK_STR("a slow refresh holds up nobody", ask(), "enforce a");
    pass(STS_FRESH_S);
    CHECK_STR("as long as it takes", ask(), "enforce a");
    CHECK_EQ("nor is it begun twice", web.fetches, 2);
    release();
    pass(STS_FRESH_S);
    zone = "_mta-sts.d.test TXT v=STSv1; id=b;\n";
    web.hold = true;
    CHECK_TRUE("a new id is waited for", !sts_ask(sts, name_of("d.test"), &a.ask));
    run_all();
    CHECK_TRUE("still", !a.done);
    release();
    CHECK_TRUE("and then told", a.done);
    CHECK_STR("with the new policy", word_of(&a.ask.answer), "enforce b");
}

static void put_row(int i, const char *domain, int64_t fetched_at, int64_t max_age)
{
    snprintf(kept.row[i].key, sizeof(kept.row[i].key), "%s", domain);
    snprintf(kept.row[i].value, sizeof(kept.row[i].value),
             "{\"id\":\"a\",\"body\":\"version: STSv1\\nmode: enforce\\nmx: mx1.d.test\\nmax_age: "
             "%lld\\n\",\"fetched_at\":%lld,\"expires_at\":%lld}",
             (long long)max_age, (long long)fetched_at, (long long)(fetched_at + max_age));
}

static void test_sweep(void **state)
{
    (void)state;
    put_row(0, "a.test", wall - 60, DAY);
    put_row(1, "b.test", wall - DAY - STS_LEAST_S - 1, DAY);
    put_row(2, "c.test", wall - DAY, 7 * DAY);
    zone = "_mta-sts.c.test TXT v=STSv1; id=a;\n";
    sweep_tick(sts);
    sweep_tick(sts);
    run_all();
    CHECK_EQ("who is due is asked without being asked for [RFC 8461 s3.3]", web.fetches, 1);
    CHECK_STR("that one", web.url, "https://mta-sts.c.test/.well-known/mta-sts.txt");
    CHECK_TRUE("what has ended goes", row_of(SGL_LIT("b.test")) == NOROW);
    CHECK_TRUE("the others stay",
               row_of(SGL_LIT("a.test")) != NOROW && row_of(SGL_LIT("c.test")) != NOROW);
    put_row(3, "d.test", wall - DAY, 7 * DAY);
    sweep_tick(sts);
    run_all();
    CHECK_EQ("the next round is an hour later", web.fetches, 1);
    pass(3600);
    zone = "_mta-sts.d.test TXT v=STSv1; id=a;\n";
    sweep_tick(sts);
    run_all();
    CHECK_STR("then it begins again", web.url, "https://mta-sts.d.test/.well-known/mta-sts.txt");
    kept.broken = true;
    pass(3600);
    sweep_tick(sts);
    run_all();
    kept.broken = false;
    sweep_tick(sts);
    run_all();
    CHECK_TRUE("a store that fails stops nothing", row_of(SGL_LIT("a.test")) != NOROW);
}

/* A line of those that fetch: all are answered, never more than so many at once. */
static void test_many(void **state)
{
    enum { MANY = 200 };
    static struct asked many[MANY];
    static char text[MANY * 60], domain[MANY][20];
    size_t len = 0;

    (void)state;
    kept.full = true;
    memset(many, 0, sizeof(many));
    for (int i = 0; i < MANY; i++) {
        snprintf(domain[i], sizeof(domain[i]), "d%d.test", i);
        len += (size_t)snprintf(text + len, sizeof(text) - len, "_mta-sts.%s TXT v=STSv1; id=a;\n",
                                domain[i]);
    }
    zone = text;
    for (int i = 0; i < MANY; i++) {
        many[i].ask.done = on_done;
        CHECK_TRUE("it waits", !sts_ask(sts, name_of(domain[i]), &many[i].ask));
    }
    run_all();
    for (int i = 0; i < MANY; i++) {
        CHECK_TRUE("each is answered", many[i].done);
        CHECK_STR("with the policy", word_of(&many[i].ask.answer), "enforce a");
    }
    CHECK_EQ("one fetch each", web.fetches, MANY);
}

static void test_longest_name(void **state)
{
    char name[254];

    (void)state;
    memset(name, 'a', 253);
    name[63] = name[127] = name[191] = '.';
    name[253] = '\0';
    CHECK_STR("a name so long that no record can be has none", ask_of(name), "none");
    CHECK_STR("and again", ask_of(name), "none");
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_found),   TEST(test_none),         TEST(test_shared),
        TEST(test_restart), TEST(test_refresh),      TEST(test_another_id),
        TEST(test_unknown), TEST(test_store_broken), TEST(test_cannot_be_fetched),
        TEST(test_refused), TEST(test_max_age_0),    TEST(test_slow),
        TEST(test_sweep),   TEST(test_many),         TEST(test_longest_name),
    };

    log_set_level(LOG_ERROR_ + 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
