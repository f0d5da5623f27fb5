/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, memory, and what is said of a chain beside its state. */
#include "sigillo/arc.h"

#include "arc_fixture.h"
#include "arc_trial.h"
#include "check.h"
#include "dns_fixture.h"
#include "fail_alloc.h"
#include "sigillo/limits.h"

/* Size alone ends a chain before anything is parsed or asked. */
static void too_large(void **state)
{
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    sgl_auto(dns_fixture) dns = dns_fixture_init("a.test", "");
    sgl_auto(trial) t = {.passes = 0};
    struct sgl_crypto *crypto = sgl_crypto_new();
    struct sgl_arc arc = {.result = (enum sgl_arc_result)99};

    (void)state;
    for (unsigned i = 1; i <= 20; i++) {
        sgl_buf_addf(&message, "ARC-Authentication-Results: i=%u; x; none", i);
        for (size_t k = 0; k < SGL_LIMIT_ARC_BYTES / 16; k++)
            sgl_buf_add_byte(&message, ' ');
        sgl_buf_add_cstr(&message, "\r\n");
    }
    sgl_buf_add_cstr(&message, "From: a@a.test\r\n\r\n");
    CHECK_EQ("begin", trial_begin(&t, crypto, sgl_buf_view(&message), 0), SGL_OK);
    CHECK_EQ("end", trial_end(&t, &dns, DNS_ALL_AT_ONCE, &arc), SGL_OK);
    CHECK_EQ("fail", arc.result, SGL_ARC_FAIL);
    CHECK_STR("why", arc.reason, "more ARC fields than a message may have");
    CHECK_EQ("nobody is asked", dns.asked, 0);
    sgl_crypto_free(crypto);
}

/* The most that a chain can make us hold: it fits the arena of an ordinary verdict. */
static void hostile_memory(void **state)
{
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(sgl_buf) tags = SGL_BUF_INIT(1u << 16);
    sgl_auto(sgl_buf) ams = SGL_BUF_INIT(1u << 16);
    sgl_auto(sgl_buf) as = SGL_BUF_INIT(1u << 16);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    sgl_auto(trial) t = {.passes = 0};

    (void)state;
    for (int i = 0; i < SGL_LIMIT_TAGS - 12; i++)
        sgl_buf_addf(&tags, "; x%d=", i);
    sgl_buf_add_cstr(&ams, "i=$I; a=ed25519-sha256; d=s$I.test; s=k; bh=$BH; b=$B; h=from");
    for (int i = 1; i < SGL_LIMIT_DKIM_SIGNED; i++)
        sgl_buf_add_cstr(&ams, ":a");
    sgl_buf_add(&ams, sgl_buf_view(&tags));
    sgl_buf_add_cstr(&as, ARC_AS);
    sgl_buf_add(&as, sgl_buf_view(&tags));
    for (unsigned i = 0; i < SGL_LIMIT_ARC_SETS; i++)
        arc_fixture_add(&fx, NULL, sgl_cstr(&ams), sgl_cstr(&as));
    arc_put_message(&fx, &message);
    CHECK_TRUE("within the limit", message.len < SGL_LIMIT_ARC_BYTES);
    CHECK_EQ("begin", trial_begin(&t, fx.crypto, sgl_buf_view(&message), 0), SGL_OK);
    CHECK_TRUE("the structure is read", t.v.arc.sound && t.v.arc.sets == SGL_LIMIT_ARC_SETS);
    CHECK_TRUE("memory", t.arena.used < 384 * 1024);
}

/* One who changed the message himself asks for the seals only. */
static void seals_only(void **state)
{
    static const struct {
        const char *name;
        const char *ams; /* of the newest set */
        bool break_seal;
        enum sgl_arc_result want;
    } cases[] = {{"the seals hold", NULL, false, SGL_ARC_PASS},
                 {"one does not", NULL, true, SGL_ARC_FAIL},
                 {"a message signature that cannot be used does not matter",
                  "i=$I; a=rsa-sha1; " AMS_TAIL, false, SGL_ARC_PASS},
                 {"one does not below it", "i=$I; a=rsa-sha1; " AMS_TAIL, true, SGL_ARC_FAIL}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
        sgl_auto(dns_fixture) dns = dns_fixture_init("a.test", arc_zone(&fx));
        sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
        sgl_auto(trial) t = {.passes = 0};
        struct sgl_arc arc = {.result = (enum sgl_arc_result)99};

        arc_fixture_add_many(&fx, 2);
        arc_fixture_add(&fx, NULL, cases[i].ams, NULL);
        sgl_buf_add_cstr(&fx.body, "-- \r\nour footer\r\n");
        if (cases[i].break_seal)
            arc_edit(&fx, &fx.aar[0], "pass", "fail");
        arc_put_message(&fx, &message);
        CHECK_EQ("begin", trial_begin(&t, fx.crypto, sgl_buf_view(&message), 0), SGL_OK);
        t.v.seals_only = true;
        CHECK_EQ("end", trial_end(&t, &dns, DNS_NEWEST_FIRST, &arc), SGL_OK);
        CHECK_EQ(cases[i].name, arc.result, cases[i].want);
        CHECK_EQ(cases[i].name, arc.oldest_pass, 0);
        CHECK_EQ(cases[i].name, arc.set[2].message_result, SGL_DKIM_NONE);
    }
}

static void trust(void **state)
{
    static const sgl_view all[] = {SGL_LIT_INIT("s1.test"), SGL_LIT_INIT("S2.TEST"),
                                   SGL_LIT_INIT("s3.test"), SGL_LIT_INIT("test")};
    static const struct {
        const char *name;
        size_t from, count; /* of the list */
        unsigned witness;   /* 0: nobody */
    } cases[] = {
        {"nobody is trusted", 0, 0, 0},
        {"all are: the oldest speaks", 0, 3, 1},
        {"the newest two, case aside", 1, 2, 2},
        {"the newest only", 2, 1, 3},
        {"older ones do not help when the newest is a stranger", 0, 2, 0},
        {"a parent domain is another", 3, 1, 0},
    };
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(trial) t = {.passes = 0};
    sgl_auto(dns_fixture) dns = {.zone = NULL};
    struct sgl_arc arc;

    (void)state;
    arc_fixture_add_many(&fx, 3);
    judge_plain(&fx, arc_zone(&fx), 0, &arc, &t, &dns);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct sgl_arc_trust who = {all + cases[i].from, cases[i].count};
        const struct sgl_arc_set *witness = NULL;

        CHECK_EQ(cases[i].name, sgl_arc_trusted(&arc, &who, &witness), cases[i].witness != 0);
        CHECK_EQ(cases[i].name, witness == NULL ? 0 : witness->instance, cases[i].witness);
    }
    arc.result = SGL_ARC_FAIL;
    CHECK_TRUE("a chain that fails is no evidence [RFC 8617 s5.2]",
               !sgl_arc_trusted(&arc, &(struct sgl_arc_trust){all, 3}, NULL));
}

static void what_the_results_say(void **state)
{
    static const struct {
        const char *aar, *authserv, *payload;
    } cases[] = {
        {"i=$I; mx.test; spf=pass", "mx.test", "mx.test; spf=pass"},
        {"i=$I; (c) \"m\\x\r\n .test\" 1; none", "mx .test", "(c) \"m\\x\r\n .test\" 1; none"},
        {"i=$I;", "", ""},
        {"i=$I; =x; none", "", "=x; none"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
        sgl_auto(trial) t = {.passes = 0};
        sgl_auto(dns_fixture) dns = {.zone = NULL};
        struct sgl_arc arc;

        arc_fixture_add(&fx, cases[i].aar, NULL, NULL);
        judge_plain(&fx, arc_zone(&fx), 0, &arc, &t, &dns);
        CHECK_EQ(cases[i].aar, arc.result, SGL_ARC_PASS);
        CHECK_VIEW(cases[i].aar, arc.set[0].authserv, sgl_view_cstr(cases[i].authserv));
        CHECK_VIEW(cases[i].aar, arc.set[0].payload, sgl_view_cstr(cases[i].payload));
    }
}

static void misuse(void **state)
{
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    sgl_auto(dns_fixture) dns = dns_fixture_init("a.test", "");
    sgl_auto(trial) t = {.passes = 0};
    struct sgl_arc arc = {.result = (enum sgl_arc_result)99};

    (void)state;
    arc_fixture_add(&fx, NULL, NULL, NULL);
    arc_put_message(&fx, &message);
    CHECK_EQ("begin", trial_begin(&t, fx.crypto, sgl_buf_view(&message), 0), SGL_OK);
    t.hashes.finished = false;
    CHECK_EQ("the body is not over", sgl_arc_verify(&t.v, &dns.dns, &arc), SGL_E_MISUSE);
    CHECK_EQ("untouched", arc.result, 99);
    CHECK_STR("name", sgl_arc_result_name(SGL_ARC_NONE), "none");
    CHECK_STR("name", sgl_arc_result_name(SGL_ARC_PASS), "pass");
    CHECK_STR("name", sgl_arc_result_name(SGL_ARC_FAIL), "fail");
}

static void memory_that_ends(void **state)
{
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    const char *zone;

    (void)state;
    arc_fixture_add_many(&fx, 2);
    arc_put_message(&fx, &message);
    zone = arc_zone(&fx);
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(trial) t = {.passes = 0};
        struct sgl_arc arc = {.result = (enum sgl_arc_result)99};
        enum sgl_status st;

        fail_alloc_off();
        sgl_auto(dns_fixture) dns = dns_fixture_init("a.test", zone);
        fail_alloc_on();
        st = trial_begin(&t, fx.crypto, sgl_buf_view(&message), 0);
        while (st == SGL_OK && (st = sgl_arc_verify(&t.v, &dns.dns, &arc)) == SGL_NEED_DNS) {
            fail_alloc_off();
            dns_fixture_answer(&dns);
            fail_alloc_on();
            st = SGL_OK;
        }
        CHECK_EQ("success or no memory", st, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
        CHECK_EQ("untouched unless OK", arc.result, st == SGL_OK ? (int)SGL_ARC_PASS : 99);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_large),
        cmocka_unit_test(hostile_memory),
        cmocka_unit_test(seals_only),
        cmocka_unit_test(trust),
        cmocka_unit_test(what_the_results_say),
        cmocka_unit_test(misuse),
        cmocka_unit_test(memory_that_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
