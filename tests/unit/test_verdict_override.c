/* SPDX-License-Identifier: Apache-2.0 */
/* Chains of trusted sealers that outdo a failure of DMARC. */
#include "sigillo/verdict.h"

#include "verdict_fixture.h"

struct chain {
    const char *name;
    const char *results
        [2]; /* of the sets, oldest first; the first one is by list.test, the second by relay.test */
    const char *id; /* of the first set */
    const char *trusted[2];
    const char *dmarc; /* the author's record */
    bool broken;       /* the body was changed behind the last seal */
    bool overridden;
};
static const struct chain chains[] = {
    {"a trusted list that saw a pass", {SAW}, LIST_ID, {"list.test"}, "p=reject", false, true},
    {"nobody is trusted", {SAW}, LIST_ID, {NULL}, "p=reject", false, false},
    {"another is trusted", {SAW}, LIST_ID, {"relay.test"}, "p=reject", false, false},
    {"the chain is broken", {SAW}, LIST_ID, {"list.test"}, "p=reject", true, false},
    {"it saw a failure",
     {"dmarc=fail header.from=example.org; spf=pass smtp.mailfrom=example.org"},
     LIST_ID,
     {"list.test"},
     "p=reject",
     false,
     false},
    {"it saw another author",
     {"dmarc=pass header.from=evil.test"},
     LIST_ID,
     {"list.test"},
     "p=reject",
     false,
     false},
    {"it does not say whose", {"dmarc=pass"}, LIST_ID, {"list.test"}, "p=reject", false, false},
    {"it saw nothing", {"none"}, LIST_ID, {"list.test"}, "p=reject", false, false},
    {"the name in the field is not the sealer's",
     {SAW},
     "mx.evil.test",
     {"list.test"},
     "p=reject",
     false,
     false},
    {"the name above the sealer's", {SAW}, "test", {"list.test"}, "p=reject", false, false},
    {"a signature instead",
     {"spf=fail smtp.mailfrom=a.test; dkim=pass header.d=example.org"},
     LIST_ID,
     {"list.test"},
     "p=reject",
     false,
     true},
    {"a signature by i= alone",
     {"dkim=pass header.i=joe@example.org"},
     LIST_ID,
     {"list.test"},
     "p=reject",
     false,
     true},
    {"a signature that failed",
     {"dkim=fail header.d=example.org"},
     LIST_ID,
     {"list.test"},
     "p=reject",
     false,
     false},
    {"a signature of the organisation",
     {"dkim=pass header.d=news.example.org"},
     LIST_ID,
     {"list.test"},
     "p=reject",
     false,
     true},
    {"which strict alignment refuses",
     {"dkim=pass header.d=news.example.org"},
     LIST_ID,
     {"list.test"},
     "p=reject; adkim=s",
     false,
     false},
    {"MAIL FROM instead",
     {"spf=pass smtp.mailfrom=joe@example.org"},
     LIST_ID,
     {"list.test"},
     "p=quarantine",
     false,
     true},
    {"HELO is not enough",
     {"spf=pass smtp.helo=example.org"},
     LIST_ID,
     {"list.test"},
     "p=reject",
     false,
     false},
    {"MAIL FROM of another",
     {"spf=pass smtp.mailfrom=joe@other.test"},
     LIST_ID,
     {"list.test"},
     "p=reject",
     false,
     false},
    {"two trusted hands: the first one's word",
     {SAW, "arc=pass; dmarc=fail header.from=example.org"},
     LIST_ID,
     {"list.test", "relay.test"},
     "p=reject",
     false,
     true},
    {"the second is not trusted",
     {SAW, "arc=pass"},
     LIST_ID,
     {"list.test"},
     "p=reject",
     false,
     false},
    {"the first is not trusted, the second saw nothing",
     {SAW, "arc=pass; dmarc=fail "
           "header.from=example.org"},
     LIST_ID,
     {"relay.test"},
     "p=reject",
     false,
     false},
};

/* [RFC 8617 s7.2.2, s9.1; RFC 9990 s3.1.1.9] */
static void trusted_chains(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++) {
        const struct chain *c = &chains[i];
        sgl_auto(sgl_buf) message = SGL_BUF_INIT(1 << 16);
        sgl_auto(sgl_buf) zone = SGL_BUF_INIT(1 << 16);
        sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 16);
        sgl_auto(one) one;
        struct sgl_verdict_request request = request_of("203.0.113.9", "list.test", "l@list.test");
        sgl_view trusted[2];

        sgl_buf_addf(&zone, "%s\n", ZONE);
        sgl_buf_truncate(&zone, sgl_view_find_view(sgl_buf_view(&zone), V("_dmarc.example.org")));
        sgl_buf_addf(&zone, "_dmarc.example.org TXT v=DMARC1; %s\n", c->dmarc);
        sgl_buf_add_cstr(&message, MESSAGE);
        seal_message(&signer, &message, "list.test", c->id, c->results[0], SGL_ARC_NONE);
        if (c->results[1] != NULL)
            seal_message(&signer, &message, "relay.test", "mx.relay.test", c->results[1],
                         SGL_ARC_PASS);
        if (c->broken)
            sgl_buf_add_cstr(&message, "more\r\n");
        for (size_t k = 0; k < 2 && c->trusted[k] != NULL; k++) {
            trusted[k] = V(c->trusted[k]);
            request.trust = (struct sgl_arc_trust){trusted, k + 1};
        }
        judge_all_ways(c->name, &request, sgl_buf_view(&message), sgl_cstr(&zone), &text);
        judge_one(&one, &request, sgl_buf_view(&message), sgl_cstr(&zone));
        CHECK_EQ(c->name, one.verdict.arc.result, c->broken ? SGL_ARC_FAIL : SGL_ARC_PASS);
        CHECK_EQ(c->name, one.verdict.overridden, c->overridden);
        CHECK_EQ("DMARC itself stays a failure", one.verdict.dmarc.result, SGL_DMARC_FAIL);
        CHECK_EQ("and the policy what it is",
                 one.verdict.dmarc.disposition == SGL_DMARC_POLICY_NONE, false);
        CHECK_EQ(c->name, one.verdict.disposition,
                 c->overridden ? SGL_DMARC_POLICY_NONE : one.verdict.dmarc.disposition);
        CHECK_EQ("a witness is named", one.verdict.witness != NULL, c->overridden);
        if (c->overridden)
            CHECK_EQ("the first trusted hand", one.verdict.witness->instance, 1);
    }
}

/* What the witness saw is compared by the same walk, with the same guard, as the author; and what could not be looked up is told.  [RFC 9989 s11.8] */
static void an_override_compares_as_dmarc_does(void **state)
{
    static const struct {
        const char *name, *suffixes, *saw, *zone;
        bool overridden, unknown;
    } cases[] = {
        {"a record at the top hides no organisation", "org\n",
         "dkim=pass header.d=news.example.org", "_dmarc.org TXT v=DMARC1; p=none\n", true, false},
        {"a customer below a suffix is not its owner", "org\nexample.org\n",
         "dkim=pass header.d=evil.example.org", "", false, false},
        {"nor by MAIL FROM", "org\nexample.org\n", "spf=pass smtp.mailfrom=x@evil.example.org", "",
         false, false},
        {"no guard", NULL, "dkim=pass header.d=news.example.org", "", true, false},
        {"a walk that fails", NULL, "dkim=pass header.d=news.example.org",
         "_dmarc.news.example.org SERVFAIL\n", false, true},
        {"one that fails beside one that is enough", NULL,
         "dkim=pass header.d=news.example.org; dkim=pass header.d=example.org",
         "_dmarc.news.example.org SERVFAIL\n", true, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) message = SGL_BUF_INIT(1 << 16);
        sgl_auto(sgl_buf) zone = SGL_BUF_INIT(1 << 16);
        sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 16);
        sgl_auto(one) one;
        struct sgl_verdict_request request = request_of("203.0.113.9", "list.test", "l@list.test");
        sgl_view trusted[] = {SGL_LIT("list.test")};
        struct sgl_psl *psl = NULL;

        if (cases[i].suffixes != NULL)
            CHECK_EQ(cases[i].name, sgl_psl_new(V(cases[i].suffixes), &psl), SGL_OK);
        request.psl = psl;
        request.trust = (struct sgl_arc_trust){trusted, 1};
        sgl_buf_addf(&zone, "%s%s", ZONE, cases[i].zone);
        sgl_buf_add_cstr(&message, MESSAGE);
        seal_message(&signer, &message, "list.test", LIST_ID, cases[i].saw, SGL_ARC_NONE);
        judge_all_ways(cases[i].name, &request, sgl_buf_view(&message), sgl_cstr(&zone), &text);
        judge_one(&one, &request, sgl_buf_view(&message), sgl_cstr(&zone));
        CHECK_EQ(cases[i].name, one.verdict.dmarc.result, SGL_DMARC_FAIL);
        CHECK_EQ(cases[i].name, one.verdict.overridden, cases[i].overridden);
        CHECK_EQ(cases[i].name, one.verdict.override_unknown, cases[i].unknown);
        sgl_psl_free(psl);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trusted_chains),
        cmocka_unit_test(an_override_compares_as_dmarc_does),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
