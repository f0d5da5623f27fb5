/* SPDX-License-Identifier: Apache-2.0 */
/* What is done with a message that was judged: facts in, one decision out.  [RFC 9989 s5.3.6, s5.4, s7.2, s7.4; RFC 7372; RFC 9990 s3.1.1.9] */
#include "../../server/judge/judge.h"
#include "verdict_fixture.h"

#define OUTSIDE "203.0.113.9"
#define LIST    "List-Id: <x.list.test>\r\n"

struct row {
    const char *rule;
    const char *ip, *sender, *fields; /* fields: in front of MESSAGE */
    const char *zone;                 /* beside ZONE */
    const char *sign; /* domain: signed; "!domain": signed, and changed afterwards */
    struct judge_policy policy;
    const char *want; /* "reject 550 5.7.1 reject; reason=comment" */
};

#define P(...)                                                                                     \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define NOTHING "accept 250 2.0.0 none"

static const struct row rows[] = {
    {"what passes is accepted", "192.0.2.1", "joe@example.org", "", "", NULL, P(0),
     "accept 250 2.0.0 pass"},
    {"p=reject refuses what nothing speaks for", OUTSIDE, "joe@other.test", "", "", NULL, P(0),
     "reject 550 5.7.1 reject"},
    {"SPF and a signature failed: 5.7.26 [RFC 7372 s3.3]", OUTSIDE, "joe@other.test", "", "",
     "!other.test", P(0), "reject 550 5.7.26 reject"},
    {"p=reject alone does not refuse what came by a list [RFC 9989 s7.4]", OUTSIDE,
     "joe@other.test", LIST, "", NULL, P(0),
     "quarantine 250 2.0.0 quarantine; mailing_list=it came by a mailing list"},
    {"Precedence: list is a list", OUTSIDE, "joe@other.test", "Precedence: list\r\n", "", NULL,
     P(0), "quarantine 250 2.0.0 quarantine; mailing_list=it came by a mailing list"},
    {"Precedence: bulk is none", OUTSIDE, "joe@other.test", "Precedence: bulk\r\n", "", NULL, P(0),
     "reject 550 5.7.1 reject"},
    {"nor what was sent on", OUTSIDE, "joe@other.test", "Resent-From: a@b.test\r\n", "", NULL, P(0),
     "quarantine 250 2.0.0 quarantine; local_policy=it was passed on by another server"},
    {"nor what its own domain signed before it was changed", OUTSIDE, "joe@other.test", "", "",
     "!example.org", P(0),
     "quarantine 250 2.0.0 quarantine; local_policy=it is signed by its domain and was changed on "
     "the way"},
    {"p=quarantine", OUTSIDE, "x@other.test", "", "_dmarc.example.org TXT v=DMARC1; p=quarantine\n",
     NULL, P(0), "quarantine 250 2.0.0 quarantine"},
    {"p=none changes nothing, whatever SPF says [RFC 9989 s5.4]", OUTSIDE, "x@other.test", "",
     "_dmarc.example.org TXT v=DMARC1; p=none\n", NULL, P(.spf_fail = JUDGED_REJECT), NOTHING},
    {"t=y: one step less [RFC 9989 s4.7]", OUTSIDE, "x@other.test", "",
     "_dmarc.example.org TXT v=DMARC1; p=reject; t=y\n", NULL, P(0),
     "quarantine 250 2.0.0 quarantine; policy_test_mode="},
    {"t=y below quarantine: nothing, and the report tells why", OUTSIDE, "x@other.test", "",
     "_dmarc.example.org TXT v=DMARC1; p=quarantine; t=y\n", NULL, P(0),
     NOTHING "; policy_test_mode="},
    {"mode quarantine: nothing is refused", OUTSIDE, "x@other.test", "", "", NULL,
     P(.dmarc = JUDGE_QUARANTINE),
     "quarantine 250 2.0.0 quarantine; local_policy=nothing is refused here"},
    {"mode mark: accepted, the report says so", OUTSIDE, "x@other.test", "", "", NULL,
     P(.dmarc = JUDGE_MARK), "accept 250 2.0.0 none; local_policy=messages are only marked here"},
    {"a policy that cannot be looked up: later [RFC 9989 s5.3.6]", OUTSIDE, "x@other.test", "",
     "_dmarc.example.org SERVFAIL\n", NULL, P(0), "defer 451 4.7.1 none"},
    {"later in mode mark, too: that is asked of on_temperror", OUTSIDE, "x@other.test", "",
     "_dmarc.example.org SERVFAIL\n", NULL, P(.dmarc = JUDGE_MARK), "defer 451 4.7.1 none"},
    {"or in quarantine", OUTSIDE, "x@other.test", "", "_dmarc.example.org SERVFAIL\n", NULL,
     P(.on_temperror = JUDGE_TEMPERROR_QUARANTINE), "quarantine 250 2.0.0 none"},
    {"or as it is", OUTSIDE, "x@other.test", "", "_dmarc.example.org SERVFAIL\n", NULL,
     P(.on_temperror = JUDGE_TEMPERROR_ACCEPT), NOTHING},
    {"a key that cannot be looked up: later, it might pass", OUTSIDE, "x@other.test", "",
     "s1._domainkey.example.org TIMEOUT\n", "example.org", P(0), "defer 451 4.7.1 none"},
    {"but p=none changes nothing: nothing to wait for", OUTSIDE, "x@other.test", "",
     "s1._domainkey.example.org TIMEOUT\n_dmarc.example.org TXT v=DMARC1; p=none\n", "example.org",
     P(0), NOTHING},
    {"without DMARC SPF decides what it may: nothing", OUTSIDE, "x@other.test", "",
     "_dmarc.example.org NXDOMAIN\n", NULL, P(0), NOTHING},
    {"quarantine", OUTSIDE, "x@other.test", "", "_dmarc.example.org NXDOMAIN\n", NULL,
     P(.spf_fail = JUDGED_QUARANTINE), "quarantine 250 2.0.0 none"},
    {"refused: 5.7.23 [RFC 7372 s3.2]", OUTSIDE, "x@other.test", "",
     "_dmarc.example.org NXDOMAIN\n", NULL, P(.spf_fail = JUDGED_REJECT), "reject 550 5.7.23 none"},
    {"softfail is no fail [RFC 7208 s8.5]", OUTSIDE, "x@other.test", "",
     "_dmarc.example.org NXDOMAIN\nother.test TXT v=spf1 ~all\n", NULL,
     P(.spf_fail = JUDGED_REJECT), NOTHING},
    {"SPF that fails for now: 4.7.24 [RFC 7372 s3.2]", OUTSIDE, "x@other.test", "",
     "_dmarc.example.org NXDOMAIN\nother.test SERVFAIL\n", NULL, P(.spf_fail = JUDGED_REJECT),
     "defer 451 4.7.24 none"},
    {"with a DMARC pass SPF's fail decides nothing", OUTSIDE, "x@other.test", "", "", "example.org",
     P(.spf_fail = JUDGED_REJECT), "accept 250 2.0.0 pass"},
    {"two From fields [RFC 9989 s11.5]", "192.0.2.1", "joe@example.org", "From: evil@x.test\r\n",
     "", NULL, P(0), "reject 550 5.7.1 none"},
    {"two From fields, only marked", "192.0.2.1", "joe@example.org", "From: evil@x.test\r\n", "",
     NULL, P(.dmarc = JUDGE_MARK),
     "accept 250 2.0.0 none; local_policy=messages are only marked here"},
};

static void put_decision(const struct judge_decision *d, struct sgl_buf *to)
{
    sgl_buf_addf(to, "%s %u %s %s", judge_action_name(d->action), d->code, d->enhanced,
                 judge_disposition_name(d->disposition));
    for (size_t i = 0; i < d->givens; i++)
        sgl_buf_addf(to, "; %s=%s", judge_reason_name(d->given[i].reason), d->given[i].comment);
}

static void change_body(struct sgl_buf *message)
{
    sgl_buf_add_cstr(message, "changed\r\n");
}

/* Lines of the row come first, and the first line that names a record wins over a second one of ZONE: those are cut out. */
static void make_zone(const char *own, struct sgl_buf *to)
{
    sgl_view rest = V(ZONE), line;

    while (rest.len > 0) {
        sgl_view name;
        sgl_auto(sgl_buf) needle = SGL_BUF_INIT(300);

        line = sgl_view_split(rest, '\n', &rest);
        name = sgl_view_sub(line, 0, sgl_view_find(line, ' '));
        sgl_buf_addf(&needle, "\n%.*s ", SGL_FMT(name));
        if (line.len == 0 || sgl_view_starts(V(own), sgl_view_from(sgl_buf_view(&needle), 1)) ||
            sgl_view_find_view(V(own), sgl_buf_view(&needle)) < strlen(own))
            continue;
        sgl_buf_addf(to, "%.*s\n", SGL_FMT(line));
    }
    sgl_buf_add_cstr(to, own);
}

static void decide_row(const struct row *r, struct judge_decision *d)
{
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_buf) zone = SGL_BUF_INIT(1 << 16);
    struct sgl_verdict_request q = request_of(r->ip, "mx.other.test", r->sender);
    struct judge_facts facts = {.ip = q.ip};
    struct one one;

    sgl_buf_addf(&message, "%s%s", r->fields, MESSAGE);
    if (r->sign != NULL)
        sign_message(&signer, &message, r->sign + (r->sign[0] == '!'), "s1");
    if (r->sign != NULL && r->sign[0] == '!')
        change_body(&message);
    make_zone(r->zone, &zone);
    judge_one(&one, &q, sgl_buf_view(&message), sgl_cstr(&zone));
    facts.verdict = &one.verdict;
    facts.path = judge_path_of(&one.v.headers);
    memset(d, 0x55, sizeof(*d));
    judge_decide(&r->policy, &facts, d);
    one_done(&one);
}

/* Those whose zone does not answer, but where the policy changes nothing. */
static bool is_unanswered(const struct row *r)
{
    bool silent = strstr(r->zone, "SERVFAIL") != NULL || strstr(r->zone, "TIMEOUT") != NULL;

    return silent && strstr(r->zone, "p=none") == NULL;
}

static void each_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(1 << 12);
        struct judge_decision d;

        decide_row(&rows[i], &d);
        put_decision(&d, &got);
        CHECK_VIEW(rows[i].rule, sgl_buf_view(&got), V(rows[i].want));
        CHECK_EQ(rows[i].rule, d.text[0] != '\0', d.code != 250);
        CHECK_EQ(rows[i].rule, d.unanswered, is_unanswered(&rows[i]));
    }
}

static void a_refusal_names_dmarc_and_the_domain(void **state)
{
    struct judge_decision d;

    (void)state;
    decide_row(&rows[1], &d);
    CHECK_TRUE("[RFC 9989 s7.2]", strstr(d.text, "DMARC") != NULL);
    CHECK_TRUE("the domain", strstr(d.text, "example.org") != NULL);
}

/* ---- overrides ---- */

static const sgl_view friends[] = {SGL_LIT_INIT("other.test")};
static const sgl_view below[] = {SGL_LIT_INIT(".test")};
static struct sgl_ip_prefix outside;

static const struct {
    const char *rule;
    struct judge_override override;
    const char *sender, *sign;
    const char *want;
} overrides[] = {
    {"of a network",
     {.name = "relay",
      .network = &outside,
      .networks = 1,
      .reason = JUDGE_TRUSTED_FORWARDER,
      .comment = "our branch office"},
     "x@other.test",
     NULL,
     NOTHING "; trusted_forwarder=our branch office"},
    {"without a comment its name stands there",
     {.name = "relay", .network = &outside, .networks = 1, .reason = JUDGE_OTHER},
     "x@other.test",
     NULL,
     NOTHING "; other=relay"},
    {"of a domain whose signature passes",
     {.name = "friend", .domain = friends, .domains = 1, .reason = JUDGE_MAILING_LIST},
     "x@nowhere.test",
     "other.test",
     NOTHING "; mailing_list=friend"},
    {"of all below a domain",
     {.name = "friend", .domain = below, .domains = 1, .reason = JUDGE_MAILING_LIST},
     "x@nowhere.test",
     "other.test",
     NOTHING "; mailing_list=friend"},
    {"a name alone is no proof: the domain did not pass",
     {.name = "friend", .domain = friends, .domains = 1},
     "x@other.test",
     NULL,
     "reject 550 5.7.1 reject"},
    {"both are asked where both are given",
     {.name = "friend", .network = &outside, .networks = 1, .domain = friends, .domains = 1},
     "x@other.test",
     NULL,
     "reject 550 5.7.1 reject"},
    {"an empty one covers nobody",
     {.name = "empty"},
     "x@other.test",
     NULL,
     "reject 550 5.7.1 reject"},
};

static void what_is_overridden(void **state)
{
    (void)state;
    CHECK_EQ("prefix", sgl_ip_prefix_parse(V("203.0.113.0/24"), &outside), SGL_OK);
    for (size_t i = 0; i < sizeof(overrides) / sizeof(overrides[0]); i++) {
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(1 << 12);
        struct row r = {.ip = OUTSIDE,
                        .sender = overrides[i].sender,
                        .fields = "",
                        .zone = "",
                        .sign = overrides[i].sign};
        struct judge_decision d;

        r.policy.override = &overrides[i].override;
        r.policy.overrides = 1;
        decide_row(&r, &d);
        put_decision(&d, &got);
        CHECK_VIEW(overrides[i].rule, sgl_buf_view(&got), V(overrides[i].want));
        CHECK_EQ(overrides[i].rule, d.override != NULL, d.action == JUDGED_ACCEPT);
    }
}

/* ---- a trusted chain ---- */

static void decide_sealed(const char *trusted, const char *saw, const char *zone_more,
                          struct judge_decision *d)
{
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_buf) zone = SGL_BUF_INIT(1 << 16);
    struct sgl_verdict_request q = request_of(OUTSIDE, "mx.list.test", "x@list.test");
    sgl_view sealer = V(trusted);
    struct judge_facts facts = {.ip = q.ip};
    struct judge_policy policy = {0};
    struct one one;

    q.trust = (struct sgl_arc_trust){&sealer, 1};
    sgl_buf_add_cstr(&message, MESSAGE);
    seal_message(&signer, &message, "list.test", LIST_ID, saw, SGL_ARC_NONE);
    make_zone(zone_more, &zone);
    judge_one(&one, &q, sgl_buf_view(&message), sgl_cstr(&zone));
    facts.verdict = &one.verdict;
    facts.path = judge_path_of(&one.v.headers);
    judge_decide(&policy, &facts, d);
    one_done(&one);
}

static void a_trusted_sealer_lets_it_through(void **state)
{
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(1 << 12);
    struct judge_decision d;

    (void)state;
    decide_sealed("list.test", SAW, "", &d);
    put_decision(&d, &got);
    CHECK_VIEW("[RFC 8617 s7.2.2]", sgl_buf_view(&got),
               V(NOTHING "; local_policy=arc=pass as[1].d=list.test as[1].s=arc"));
}

static void a_sealer_whom_nobody_trusts_does_not(void **state)
{
    struct judge_decision d;

    (void)state;
    decide_sealed("relay.test", SAW, "", &d);
    CHECK_EQ("passed on, so not refused", d.action, JUDGED_QUARANTINE);
}

static void a_word_that_cannot_be_weighed_now_is_waited_for(void **state)
{
    struct judge_decision d;

    (void)state;
    decide_sealed("list.test", "dkim=pass header.d=sub.example.org",
                  "_dmarc.sub.example.org SERVFAIL\n", &d);
    CHECK_EQ("later", d.action, JUDGED_DEFER);
    CHECK_STR("code", d.enhanced, "4.7.1");
}

static void the_words_are_read_back(void **state)
{
    enum judge_mode mode;
    enum judge_reason reason;

    (void)state;
    for (int m = JUDGE_FOLLOW; m <= JUDGE_MARK; m++) {
        CHECK_TRUE("mode", judge_mode_parse(V(judge_mode_name((enum judge_mode)m)), &mode));
        CHECK_EQ("mode", mode, m);
    }
    for (int r = JUDGE_LOCAL_POLICY; r <= JUDGE_TRUSTED_FORWARDER; r++) {
        CHECK_TRUE("reason",
                   judge_reason_parse(V(judge_reason_name((enum judge_reason)r)), &reason));
        CHECK_EQ("reason", reason, r);
    }
    CHECK_TRUE("unknown", !judge_mode_parse(V("reject"), &mode));
    CHECK_TRUE("unknown", !judge_reason_parse(V(""), &reason));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule),
        cmocka_unit_test(a_refusal_names_dmarc_and_the_domain),
        cmocka_unit_test(what_is_overridden),
        cmocka_unit_test(a_trusted_sealer_lets_it_through),
        cmocka_unit_test(a_sealer_whom_nobody_trusts_does_not),
        cmocka_unit_test(a_word_that_cannot_be_weighed_now_is_waited_for),
        cmocka_unit_test(the_words_are_read_back),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
