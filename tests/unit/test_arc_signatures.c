/* SPDX-License-Identifier: Apache-2.0 */
/* The signatures of a chain: which of them hold, their keys, the questions that they take. */
#include "sigillo/arc.h"

#include "arc_fixture.h"
#include "arc_trial.h"
#include "check.h"
#include "dns_fixture.h"

/* Each hop changes the subject before it seals: of the message signatures only those since the last change hold.  [RFC 8617 s5.2] */
static void oldest_pass(void **state)
{
    static const struct {
        const char *name;
        unsigned change; /* before this instance was added */
        unsigned want;
    } cases[] = {
        {"nothing was changed: 0", 0, 0},
        {"a change before the second: 2", 2, 2},
        {"a change before the newest: 3", 3, 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
        sgl_auto(trial) t = {.passes = 0};
        sgl_auto(dns_fixture) dns = {.zone = NULL};
        struct sgl_arc arc;

        for (unsigned hop = 1; hop <= 3; hop++) {
            if (hop == cases[i].change)
                sgl_buf_add_cstr(&fx.body, "-- the list\r\n");
            arc_fixture_add(&fx, NULL, NULL, NULL);
        }
        judge_plain(&fx, arc_zone(&fx), 0, &arc, &t, &dns);
        CHECK_EQ(cases[i].name, arc.result, SGL_ARC_PASS);
        CHECK_EQ(cases[i].name, arc.oldest_pass, cases[i].want);
        for (size_t k = 0; k < arc.sets; k++) {
            bool holds = k + 1 >= cases[i].want, tried = k + 2 >= cases[i].want;

            CHECK_EQ(cases[i].name, arc.set[k].seal_result, SGL_DKIM_PASS);
            CHECK_EQ(cases[i].name, arc.set[k].seal_bits, 256);
            CHECK_EQ(cases[i].name, arc.set[k].message_result,
                     holds   ? SGL_DKIM_PASS
                     : tried ? SGL_DKIM_FAIL
                             : SGL_DKIM_NONE);
        }
    }
}

/* An older message signature may be of any kind of wrong: the chain stands.  [RFC 8617 s5.2 step 5 A] */
static void older_signature_unusable(void **state)
{
    static const char *const ams[] = {
        "i=$I",
        "i=$I; a=rsa-sha1; c=relaxed/relaxed; " AMS_TAIL,
        "i=$I; a=ed25519-sha256; c=relaxed/relaxed; d=s$I.test; s=k; h=subject; bh=$BH; b=$B",
        "i=$I; a=ed25519-sha256; c=what; " AMS_TAIL,
        "i=$I; a=ed25519-sha256; c=relaxed/relaxed; d=s$I.test; s=nobody; h=from; bh=$BH; b=$B",
    };

    (void)state;
    for (size_t i = 0; i < sizeof ams / sizeof ams[0]; i++) {
        sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
        sgl_auto(trial) t = {.passes = 0};
        sgl_auto(dns_fixture) dns = {.zone = NULL};
        struct sgl_arc arc;

        arc_fixture_add(&fx, NULL, ams[i], NULL);
        arc_fixture_add(&fx, NULL, NULL, NULL);
        judge_plain(&fx, arc_zone(&fx), 0, &arc, &t, &dns);
        CHECK_EQ(ams[i], arc.result, SGL_ARC_PASS);
        CHECK_EQ(ams[i], arc.oldest_pass, 2);
    }
}

/* Where others took the places of body hashes: the newest sets go first, what finds none is not tried. */
static void places_of_hashes(void **state)
{
    static const struct {
        const char *name;
        size_t taken;
        enum sgl_arc_result result;
        unsigned oldest_pass;
    } cases[] = {
        {"one place serves all that want the same", SGL_DKIM_HASHES_MAX - 1, SGL_ARC_PASS, 2},
        {"two places: all", SGL_DKIM_HASHES_MAX - 2, SGL_ARC_PASS, 0},
        {"none for the newest", SGL_DKIM_HASHES_MAX, SGL_ARC_FAIL, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
        sgl_auto(trial) t = {.passes = 0};
        sgl_auto(dns_fixture) dns = {.zone = NULL};
        struct sgl_arc arc;

        arc_fixture_add(&fx, NULL, "i=$I; a=ed25519-sha256; c=relaxed/simple; " AMS_TAIL, NULL);
        arc_fixture_add_many(&fx, 2);
        judge_plain(&fx, arc_zone(&fx), cases[i].taken, &arc, &t, &dns);
        CHECK_EQ(cases[i].name, arc.result, cases[i].result);
        CHECK_EQ(cases[i].name, arc.oldest_pass, cases[i].oldest_pass);
    }
}

/* Every failure is for good.  [RFC 8617 s5.2.1] */
static void keys(void **state)
{
    static const struct {
        const char *name, *zone; /* of s1, the only sealer with an odd key */
        enum sgl_arc_result result;
        unsigned at;
    } cases[] = {
        {"a key that is there", "k._domainkey.s1.test TXT " ARC_RECORD "\n", SGL_ARC_PASS, 0},
        {"SERVFAIL", "k._domainkey.s1.test SERVFAIL\n", SGL_ARC_FAIL, 1},
        {"a timeout", "k._domainkey.s1.test TIMEOUT\n", SGL_ARC_FAIL, 1},
        {"a forged answer", "k._domainkey.s1.test BOGUS\n", SGL_ARC_FAIL, 1},
        {"no such name", "", SGL_ARC_FAIL, 1},
        {"a revoked key", "k._domainkey.s1.test TXT v=DKIM1; p=\n", SGL_ARC_FAIL, 1},
        {"a key for another service",
         "k._domainkey.s1.test TXT v=DKIM1; s=other; k=ed25519; p=" RFC8463_ED25519_PUBLIC "\n",
         SGL_ARC_FAIL, 1},
        {"a key of another type", "k._domainkey.s1.test TXT v=DKIM1; p=" RFC8463_RSA_PUBLIC "\n",
         SGL_ARC_FAIL, 1},
        {"a key for SHA-1 only",
         "k._domainkey.s1.test TXT v=DKIM1; h=sha1; k=ed25519; p=" RFC8463_ED25519_PUBLIC "\n",
         SGL_ARC_FAIL, 1},
        {"a key in test",
         "k._domainkey.s1.test TXT v=DKIM1; t=y; k=ed25519; p=" RFC8463_ED25519_PUBLIC "\n",
         SGL_ARC_PASS, 0},
        {"a strict key: there is no identity to compare",
         "k._domainkey.s1.test TXT v=DKIM1; t=s; k=ed25519; p=" RFC8463_ED25519_PUBLIC "\n",
         SGL_ARC_PASS, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (unsigned sets = 1; sets <= 2; sets++) {
            sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
            sgl_auto(trial) t = {.passes = 0};
            sgl_auto(dns_fixture) dns = {.zone = NULL};
            sgl_auto(sgl_buf) zone = SGL_BUF_INIT(4096);
            struct sgl_arc arc;

            sgl_buf_addf(&zone, "%sk._domainkey.s2.test TXT " ARC_RECORD "\n", cases[i].zone);
            arc_fixture_add_many(&fx, sets);
            judge_plain(&fx, sgl_cstr(&zone), 0, &arc, &t, &dns);
            CHECK_EQ(cases[i].name, arc.result, cases[i].result);
            CHECK_EQ(cases[i].name, arc.at, cases[i].at);
            CHECK_EQ(cases[i].name, arc.detail[0] != 0, arc.result == SGL_ARC_FAIL);
        }
    }
}

/* Whom a chain makes us ask.  [RFC 8617 s9.2] */
static void questions(void **state)
{
    static const struct {
        const char *name, *ams, *as;
        bool change;
        size_t asked;
        int passes;
    } cases[] = {
        {"a chain that holds: each key once", NULL, NULL, false, 5, 3},
        {"a changed body: nobody is asked for that", NULL, NULL, true, 0, 1},
        {"a newest message signature that does not hold: no other sealer",
         "i=$I; a=ed25519-sha256; c=relaxed/relaxed; d=s5.test; s=k; h=from; bh=$BH; b=AAAA", NULL,
         false, 1, 2},
        {"a newest seal that does not hold: no other sealer", NULL,
         "i=$I; a=ed25519-sha256; cv=pass; d=s5.test; s=k; b=AAAA", false, 1, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
        sgl_auto(trial) t = {.passes = 0};
        sgl_auto(dns_fixture) dns = {.zone = NULL};
        struct sgl_arc arc;

        arc_fixture_add_many(&fx, 4);
        arc_fixture_add(&fx, NULL, cases[i].ams, cases[i].as);
        if (cases[i].change)
            sgl_buf_add_cstr(&fx.body, "x");
        judge_plain(&fx, arc_zone(&fx), 0, &arc, &t, &dns);
        CHECK_EQ(cases[i].name, dns.asked, cases[i].asked);
        CHECK_EQ(cases[i].name, t.passes, cases[i].passes);
    }
}

/* A message with more lookups than the snapshot allows: a verdict, not an error. */
static void too_many_lookups(void **state)
{
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(trial) t = {.passes = 0};
    sgl_auto(dns_fixture) dns = dns_fixture_init("a.test", arc_zone(&fx));
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    struct sgl_arc arc = {.result = (enum sgl_arc_result)99};

    (void)state;
    arc_fixture_add_many(&fx, 9);
    arc_put_message(&fx, &message);
    sgl_dns_done(&dns.dns);
    sgl_dns_init(&dns.dns, 3);
    CHECK_EQ("begin", trial_begin(&t, fx.crypto, sgl_buf_view(&message), 0), SGL_OK);
    CHECK_EQ("end", trial_end(&t, &dns, DNS_OLDEST_FIRST, &arc), SGL_OK);
    CHECK_EQ("fail", arc.result, SGL_ARC_FAIL);
    CHECK_STR("why", arc.detail, "the message needs more lookups than we do");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oldest_pass),      cmocka_unit_test(older_signature_unusable),
        cmocka_unit_test(places_of_hashes), cmocka_unit_test(keys),
        cmocka_unit_test(questions),        cmocka_unit_test(too_many_lookups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
