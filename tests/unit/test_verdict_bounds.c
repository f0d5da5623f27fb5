/* SPDX-License-Identifier: Apache-2.0 */
/* Questions, memory, errors, and what an enemy can do to them. */
#include "sigillo/verdict.h"

#include "fail_alloc.h"
#include "sigillo/limits.h"
#include "verdict_fixture.h"

static bool is_open(const struct sgl_dns *dns, const char *name, enum sgl_rr type)
{
    for (const struct sgl_dns_question *q = sgl_dns_next_open(dns, NULL); q != NULL;
         q = sgl_dns_next_open(dns, q))
        if (sgl_view_eq(q->name.text, V(name)) && q->type == type)
            return true;
    return false;
}

static void questions_travel_together(void **state)
{
    static const char *const wanted[] = {"s1._domainkey.example.org",
                                         "s1._domainkey.other.test",
                                         "arc._domainkey.list.test",
                                         "bounce.example.org",
                                         "mx.example.org",
                                         "_dmarc.example.org",
                                         "_dmarc.org",
                                         "_dmarc.bounce.example.org"};
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1 << 16);
    sgl_auto(dns_fixture) fx = dns_fixture_init("fixture.test", "");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_verdict_state) v = {0};
    struct sgl_verdict verdict;
    struct sgl_verdict_request request =
        request_of("192.0.2.1", "mx.example.org", "x@bounce.example.org");

    (void)state;
    sgl_buf_add_cstr(&message, MESSAGE);
    sign_message(&signer, &message, "example.org", "s1");
    sign_message(&signer, &message, "other.test", "s1");
    seal_message(&signer, &message, "list.test", LIST_ID, "none", SGL_ARC_NONE);
    CHECK_EQ("begin",
             sgl_verdict_begin(&v, signer.crypto, &request, sgl_buf_view(&message), &arena, NULL),
             SGL_OK);
    CHECK_EQ("first pass", sgl_verdict_finish(&v, &fx.dns, &verdict), SGL_NEED_DNS);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        CHECK_TRUE(wanted[i], is_open(&fx.dns, wanted[i], SGL_RR_TXT));
    dns_fixture_answer(&fx);
    CHECK_EQ("no second one where nothing is published", sgl_verdict_finish(&v, &fx.dns, &verdict),
             SGL_OK);
}

/* State, arena and snapshot of one verdict over a body of this size. */
static size_t memory_of(size_t body)
{
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(64u << 20);
    sgl_auto(one) one;
    struct sgl_verdict_request request =
        request_of("192.0.2.1", "mx.example.org", "joe@example.org");

    sgl_buf_add_cstr(&message, "From: Joe <joe@example.org>\r\nTo: sue@example.net\r\n\r\n");
    while (message.len < body)
        sgl_buf_add_cstr(&message, "A line of text  that has two blanks and a\ttab in it. \r\n");
    sign_message(&signer, &message, "example.org", "s1");
    seal_message(&signer, &message, "list.test", LIST_ID, "none", SGL_ARC_NONE);
    judge_one(&one, &request, sgl_buf_view(&message), ZONE);
    CHECK_EQ("it passes", one.verdict.dmarc.result, SGL_DMARC_PASS);
    return sizeof one.v + sizeof one.verdict + one.arena.used + one.fx.dns.arena.used;
}

static void memory_does_not_depend_on_the_body(void **state)
{
    size_t small = memory_of(1024), large = memory_of(10u << 20);

    (void)state;
    CHECK_EQ("10 MiB take what 1 KiB takes", large, small);
    CHECK_TRUE("and that is below 64 KiB", small <= 65536);
    print_message("memory of a verdict: %zu bytes\n", small);
}

struct table {
    struct dns_fixture *fx;
    unsigned calls;
    bool silent;
};

static void resolve_by_table(void *ctx, struct sgl_dns *dns)
{
    struct table *t = ctx;
    const struct sgl_dns_question *q;

    t->calls++;
    if (t->silent)
        return;
    while ((q = sgl_dns_next_open(dns, NULL)) != NULL)
        dns_fixture_answer_question(t->fx, q);
}

/* A header as large as one may be, made to take as much memory as it can: still a verdict. */
static void a_hostile_header_has_room(void **state)
{
    static const char *const fill[] = {"\xff",
                                       "\"\"",
                                       "a.",
                                       "(x)",
                                       "=?utf-8?q?=C3=A9?= ",
                                       "g:;,",
                                       "a@example.org,",
                                       "\"x y\"@example.org,"};

    (void)state;
    for (size_t i = 0; i < sizeof fill / sizeof fill[0]; i++) {
        bool quoted = i == 0, list = fill[i][strlen(fill[i]) - 1] == ',';
        sgl_auto(sgl_buf) message = SGL_BUF_INIT(1 << 20);
        sgl_auto(dns_fixture) fx = dns_fixture_init("fixture.test", "");
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SGL_LIMIT_JUDGE_MEMORY);
        struct sgl_verdict_request request = request_of("192.0.2.1", "x.test", "x@x.test");
        struct table table = {&fx, 0, false};
        struct sgl_verdict verdict;

        for (int n = 0; n < SGL_LIMIT_DKIM_SIGNATURES; n++)
            sgl_buf_addf(&message,
                         "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=x.test; s=k%d; "
                         "h=from:x; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n",
                         n);
        for (int n = 0; n < 900; n++)
            sgl_buf_add_cstr(&message, "X: y\r\n");
        sgl_buf_addf(&message, "From:\r\n %s", quoted ? "\"" : "");
        for (int n = 0; message.len < SGL_LIMIT_HEADER_SIZE - 100 && (!list || n < 9000); n++)
            sgl_buf_add_cstr(&message, fill[i]);
        sgl_buf_addf(&message, "%s <joe@example.org>\r\n\r\n", quoted ? "\"" : "");
        CHECK_EQ(fill[i],
                 sgl_verdict_of(signer.crypto, &request, sgl_buf_view(&message), resolve_by_table,
                                &table, &fx.dns, &arena, &verdict),
                 SGL_OK);
        CHECK_EQ(fill[i], verdict.author, SGL_DMARC_AUTHOR_OK);
        print_message("memory of a hostile header: %zu bytes\n", arena.used);
    }
}

static void in_one_call(void **state)
{
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1 << 16);
    sgl_auto(sgl_buf) zone = SGL_BUF_INIT(1 << 16);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(dns_fixture) fx = dns_fixture_init("fixture.test", fill_in(ZONE, &zone));
    struct sgl_verdict_request request =
        request_of("192.0.2.1", "mx.example.org", "joe@example.org");
    struct table table = {&fx, 0, false};
    struct sgl_verdict verdict;

    (void)state;
    sgl_buf_add_cstr(&message, MESSAGE);
    sign_message(&signer, &message, "example.org", "s1");
    CHECK_EQ("call",
             sgl_verdict_of(signer.crypto, &request, sgl_buf_view(&message), resolve_by_table,
                            &table, &fx.dns, &arena, &verdict),
             SGL_OK);
    CHECK_EQ("pass", verdict.dmarc.result, SGL_DMARC_PASS);
    CHECK_EQ("one round", table.calls, 1);
    CHECK_VIEW("SPF", verdict.spf.domain, V("example.org"));
    CHECK_EQ("DKIM", verdict.dkim.passes, 1);
    sgl_dns_reset(&fx.dns);
    table = (struct table){&fx, 0, true};
    CHECK_EQ("a resolver that answers nothing",
             sgl_verdict_of(signer.crypto, &request, sgl_buf_view(&message), resolve_by_table,
                            &table, &fx.dns, &arena, &verdict),
             SGL_OK);
    CHECK_EQ("is a failed lookup", verdict.dmarc.result, SGL_DMARC_TEMPERROR);
    CHECK_EQ("SPF, too", verdict.spf.result, SGL_SPF_TEMPERROR);
    CHECK_EQ("and nothing is asked of the sender", verdict.disposition, SGL_DMARC_POLICY_NONE);
}

static void what_is_no_message(void **state)
{
    static const char *const cases[] = {"", "\r\n", "\r\nHello", "no header here\r\n"};
    struct sgl_verdict_request request = request_of("", "", "");
    sgl_auto(dns_fixture) fx = dns_fixture_init("fixture.test", "");
    struct sgl_verdict verdict;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        sgl_auto(sgl_verdict_state) v = {0};
        struct sgl_diag diag = {0};

        CHECK_EQ(cases[i],
                 sgl_verdict_begin(&v, signer.crypto, &request, V(cases[i]), &arena, &diag),
                 SGL_E_SYNTAX);
        CHECK_TRUE(cases[i], diag.what != NULL);
        sgl_verdict_body(&v, V("x"));
        CHECK_EQ("and stays none", sgl_verdict_finish(&v, &fx.dns, &verdict), SGL_E_SYNTAX);
    }
}

static void rules_of_7489_need_a_list(void **state)
{
    struct sgl_verdict_request request = request_of("", "", "");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_verdict_state) v = {0};
    sgl_auto(one) one = {.zone = SGL_BUF_INIT(1)};

    (void)state;
    request.rules = SGL_DMARC_RFC7489;
    CHECK_EQ("none given", sgl_verdict_begin(&v, signer.crypto, &request, V(MESSAGE), &arena, NULL),
             SGL_E_MISUSE);
    request.psl = sgl_psl_builtin();
    if (request.psl == NULL)
        return;
    judge_one(&one, &request, V(MESSAGE), ZONE);
    CHECK_EQ("given", one.verdict.dmarc.result, SGL_DMARC_FAIL);
}

/* An arena that ends somewhere is SGL_E_LIMIT, or enough; never a weaker verdict. */
static void small_arenas(void **state)
{
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1 << 16);
    sgl_auto(sgl_buf) zone = SGL_BUF_INIT(1 << 16);
    struct sgl_verdict_request request =
        request_of("192.0.2.1", "mx.example.org", "joe@example.org");
    const char *text = fill_in(ZONE, &zone);
    bool enough = false;

    (void)state;
    sgl_buf_add_cstr(&message, MESSAGE);
    sign_message(&signer, &message, "example.org", "s1");
    for (size_t max = 0; max < 40000; max += 500) {
        sgl_auto(dns_fixture) fx = dns_fixture_init("fixture.test", text);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(max);
        struct sgl_verdict verdict;
        struct table table = {&fx, 0, false};
        enum sgl_status st = sgl_verdict_of(signer.crypto, &request, sgl_buf_view(&message),
                                            resolve_by_table, &table, &fx.dns, &arena, &verdict);

        if (st == SGL_OK) {
            CHECK_EQ("the same verdict", verdict.dmarc.result, SGL_DMARC_PASS);
            CHECK_EQ("by DKIM, too", verdict.dkim.passes, 1);
            enough = true;
        } else {
            CHECK_EQ("or none", st, SGL_E_LIMIT);
        }
    }
    CHECK_TRUE("40000 bytes are enough", enough);
}

/* A snapshot that takes no more questions makes verdicts, never errors; and what it takes away is never made up for. */
static void few_questions(void **state)
{
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1 << 16);
    sgl_auto(sgl_buf) zone = SGL_BUF_INIT(1 << 16);
    struct sgl_verdict_request request = request_of("203.0.113.9", "list.test", "l@list.test");
    sgl_view trusted[] = {SGL_LIT("list.test"), SGL_LIT("relay.test")};
    const char *text = fill_in(ZONE, &zone);
    bool fewer_before = true;

    (void)state;
    request.trust = (struct sgl_arc_trust){trusted, 2};
    sgl_buf_add_cstr(&message, MESSAGE);
    sign_message(&signer, &message, "other.test", "s1");
    seal_message(&signer, &message, "list.test", LIST_ID, "dkim=pass header.d=news.example.org",
                 SGL_ARC_NONE);
    seal_message(&signer, &message, "relay.test", "mx.relay.test", "none", SGL_ARC_PASS);
    for (size_t max = 1; max <= 40; max++) {
        sgl_auto(dns_fixture) fx = dns_fixture_init("fixture.test", text);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        struct table table = {&fx, 0, false};
        struct sgl_verdict verdict;

        sgl_dns_done(&fx.dns);
        sgl_dns_init(&fx.dns, max);
        CHECK_EQ("a verdict",
                 sgl_verdict_of(signer.crypto, &request, sgl_buf_view(&message), resolve_by_table,
                                &table, &fx.dns, &arena, &verdict),
                 SGL_OK);
        CHECK_TRUE("never a pass", verdict.dmarc.result != SGL_DMARC_PASS);
        CHECK_TRUE("what more questions bring, fewer did not", fewer_before || verdict.overridden);
        fewer_before = fewer_before && !verdict.overridden;
    }
    CHECK_TRUE("40 are enough", !fewer_before);
}

/*
 * Whoever forges an author has the snapshot's memory to himself first, by keys as large as DNS allows.  The author's own TXT records, as many as large
 * organisations have, must still find room, or a failure would end as "could not be looked up".
 */
static void large_keys_do_not_push_out_the_author(void **state)
{
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1 << 16);
    sgl_auto(sgl_buf) zone = SGL_BUF_INIT(1 << 20);
    struct sgl_verdict_request request = request_of("203.0.113.9", "x.test", "joe@example.org");

    (void)state;
    sgl_buf_add_cstr(&zone, ZONE);
    for (int i = 0; i < 40; i++)
        sgl_buf_addf(&zone, "example.org TXT some-service-verification=%040d\n", i);
    for (int i = 0; i < SGL_LIMIT_DKIM_TRIED; i++) {
        sgl_buf_addf(&message,
                     "DKIM-Signature: v=1; a=rsa-sha256; d=evil.test; s=k%d; h=from; "
                     "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n",
                     i);
        for (int k = 0; k < (i < 8 ? 8 : 1); k++) /* the last two fill the gap */
            sgl_buf_addf(&zone, "k%d._domainkey.evil.test TXT %d%0*d\n", i, k,
                         i < 8    ? 7999
                         : i == 8 ? 4000
                                  : 2100,
                         0);
    }
    sgl_buf_add_cstr(&message, MESSAGE);
    for (enum dns_driver driver = 0; driver < DNS_DRIVERS; driver++) {
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(1 << 16);

        CHECK_EQ(
            "large keys",
            judge(&request, sgl_buf_view(&message), sgl_cstr(&zone), (struct way){driver, 0}, &got),
            SGL_OK);
        CHECK_TRUE("SPF found its record",
                   sgl_view_find_view(sgl_buf_view(&got), V("spf=fail")) < got.len);
        CHECK_TRUE("the policy stands",
                   sgl_view_ends(sgl_buf_view(&got), V("policy.dmarc=reject\r\nreject\n")));
    }
}

static void out_of_memory(void **state)
{
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1 << 16);
    sgl_auto(sgl_buf) zone = SGL_BUF_INIT(1 << 16);
    struct sgl_verdict_request request = request_of("203.0.113.9", "list.test", "l@list.test");
    sgl_view trusted[] = {SGL_LIT("list.test")};
    const char *text = fill_in(ZONE, &zone);

    (void)state;
    request.trust = (struct sgl_arc_trust){trusted, 1};
    sgl_buf_add_cstr(&message, MESSAGE);
    sign_message(&signer, &message, "other.test", "s1");
    seal_message(&signer, &message, "list.test", LIST_ID, SAW, SGL_ARC_NONE);
    for (size_t n = 1; fail_alloc_round(n); n++) {
        fail_alloc_off();
        sgl_auto(dns_fixture) fx = dns_fixture_init("fixture.test", text);
        fail_alloc_on();
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        sgl_auto(sgl_buf) field = SGL_BUF_INIT(1 << 16);
        sgl_auto(sgl_verdict_state) v = {0};
        struct sgl_verdict verdict;
        enum sgl_status st =
            sgl_verdict_begin(&v, signer.crypto, &request, sgl_buf_view(&message), &arena, NULL);

        while (st == SGL_OK && (st = sgl_verdict_finish(&v, &fx.dns, &verdict)) == SGL_NEED_DNS) {
            fail_alloc_off();
            dns_fixture_answer(&fx);
            fail_alloc_on();
            st = SGL_OK;
        }
        if (st == SGL_OK)
            st = sgl_authres_put(&verdict.results, &field);
        if (st == SGL_OK) { /* a failure that was survived did not change anything */
            CHECK_EQ("DMARC", verdict.dmarc.result, SGL_DMARC_FAIL);
            CHECK_TRUE("overridden", verdict.overridden);
        } else {
            CHECK_EQ("says so", st, SGL_E_NOMEM);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_travel_together),
        cmocka_unit_test(memory_does_not_depend_on_the_body),
        cmocka_unit_test(in_one_call),
        cmocka_unit_test(a_hostile_header_has_room),
        cmocka_unit_test(what_is_no_message),
        cmocka_unit_test(rules_of_7489_need_a_list),
        cmocka_unit_test(small_arenas),
        cmocka_unit_test(few_questions),
        cmocka_unit_test(large_keys_do_not_push_out_the_author),
        cmocka_unit_test(out_of_memory),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
