/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/arc.h"

#include "arc_fixture.h"
#include "arc_seal_fixture.h"
#include "check.h"
#include "dns_fixture.h"

/* What is sealed verifies, up to 50 sets; then the chain is closed.  [RFC 8617 s5.1, s5.2] */
static void chains_of_ours(void **state)
{
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(4u << 20);
    const char *zone = arc_zone(&fx);

    (void)state;
    arc_put_message(&fx, &message);
    for (unsigned i = 1; i <= 50; i++)
        CHECK_TRUE("sealed", seal_once(&fx, &message, zone, i == 1 ? SGL_ARC_NONE : SGL_ARC_PASS));
    CHECK_TRUE("50 sets are the end", !seal_once(&fx, &message, zone, SGL_ARC_PASS));
}

/* [RFC 8617 s5.1.2, s5.1.3]: a chain that broke gets one seal that says so, over its own set, and is closed then. */
static void broken_chains(void **state)
{
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(4u << 20);
    sgl_auto(sgl_buf) alone = SGL_BUF_INIT(4u << 20);
    sgl_auto(sgl_buf) sealed = SGL_BUF_INIT(4u << 20);
    const char *zone = arc_zone(&fx);
    size_t before;
    sgl_view own;

    (void)state;
    arc_fixture_add_many(&fx, 2);
    arc_edit(&fx, &fx.ams[0], "b=", "b=AAAA");
    arc_put_message(&fx, &message);
    before = message.len;
    CHECK_TRUE("a seal that says fail", seal_once(&fx, &message, zone, SGL_ARC_FAIL));
    own = sgl_view_sub(sgl_buf_view(&message), 0, message.len - before);
    CHECK_TRUE("cv=fail", sgl_view_find_view(own, SGL_LIT("cv=fail;")) < own.len);
    CHECK_TRUE("i=3", sgl_view_find_view(own, SGL_LIT("i=3;")) < own.len);
    CHECK_TRUE("the chain is closed", !seal_once(&fx, &message, zone, SGL_ARC_FAIL));

    /* The same set, moved to be the first of a message with nothing else, has the same seal but for the instance: so the seal of one who sealed without the
     * older sets is what we made. */
    for (unsigned i = 0; i < fx.sets; i++)
        fx.aar[i] = fx.ams[i] = fx.as[i] = SGL_LIT("");
    sgl_buf_add_cstr(&alone, "ARC-Seal: i=2; cv=pass\r\n");
    arc_put_message(&fx, &alone);
    {
        sgl_auto(work) w = {.crypto = fx.crypto, .key = fx.key};
        struct sgl_arc_pending pending;
        struct sgl_arc_sealer sealer = sealer_of(&fx, 3);

        sealer.chain = SGL_ARC_FAIL;
        CHECK_EQ("judge", judge(&w, sgl_buf_view(&alone), zone), SGL_OK);
        CHECK_EQ("sign", sign(&w, sgl_buf_view(&alone), &sealer, &pending, &sealed, NULL), SGL_OK);
    }
    CHECK_VIEW("own set only", sgl_buf_view(&sealed), own);
}

/* A chain without any readable instance: the set that says so is the first. */
static void broken_from_the_start(void **state)
{
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);

    (void)state;
    sgl_buf_add_cstr(&message, "ARC-Seal: i=x; cv=none\r\n");
    arc_put_message(&fx, &message);
    CHECK_TRUE("sealed", seal_once(&fx, &message, arc_zone(&fx), SGL_ARC_FAIL));
    CHECK_TRUE("i=1 with cv=fail",
               sgl_view_find_view(sgl_buf_view(&message), SGL_LIT("cv=fail; d=s1.test; i=1;")) <
                   message.len);
}

/* One who changed the message seals what passed when it arrived; never over a structure that is broken. */
static void changed_here(void **state)
{
    static const struct {
        const char *name;
        bool gap;
        enum sgl_arc_result want;
    } cases[] = {{"changed here", false, SGL_ARC_PASS}, {"not in order", true, SGL_ARC_FAIL}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
        sgl_auto(work) w = {.crypto = fx.crypto, .key = fx.key};
        sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
        sgl_auto(sgl_buf) sealed = SGL_BUF_INIT(1u << 20);
        struct sgl_arc_pending pending;
        struct sgl_arc_sealer sealer = sealer_of(&fx, 4);

        arc_fixture_add_many(&fx, 3);
        sgl_buf_add_cstr(&fx.body, "footer\r\n");
        if (cases[i].gap)
            fx.aar[1] = fx.ams[1] = fx.as[1] = SGL_LIT("");
        arc_put_message(&fx, &message);
        CHECK_EQ("judge", judge(&w, sgl_buf_view(&message), arc_zone(&fx)), SGL_OK);
        CHECK_EQ("as it is now", w.arc.result, SGL_ARC_FAIL);
        sealer.chain = SGL_ARC_PASS;
        CHECK_EQ("sign", sign(&w, sgl_buf_view(&message), &sealer, &pending, &sealed, NULL),
                 SGL_OK);
        CHECK_EQ(cases[i].name, pending.chain, cases[i].want);
        sgl_buf_add(&sealed, sgl_buf_view(&message));
        work_done(&w);
        w = (struct work){.crypto = fx.crypto, .key = fx.key};
        CHECK_EQ("judge", judge(&w, sgl_buf_view(&sealed), arc_zone(&fx)), SGL_OK);
        CHECK_EQ(cases[i].name, w.arc.result, cases[i].want);
        CHECK_EQ(cases[i].name, w.arc.oldest_pass, cases[i].gap ? 0 : 4);
    }
}

static bool contains(sgl_view text, const char *part)
{
    return sgl_view_find_view(text, sgl_view_cstr(part)) < text.len;
}

/* Which fields are signed, and how the fields look. */
static void what_we_write(void **state)
{
    static const char want[] = "ARC-Seal: a=ed25519-sha256;\r\n b=";
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(work) w = {.crypto = fx.crypto, .key = fx.key};
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    sgl_auto(sgl_buf) sealed = SGL_BUF_INIT(1u << 20);
    struct sgl_arc_pending pending;
    struct sgl_arc_sealer sealer = sealer_of(&fx, 1);
    struct sgl_headers again;
    sgl_view text;

    (void)state;
    sgl_buf_add_cstr(&fx.header,
                     "DKIM-Signature: v=1; b=\r\nReceived: x\r\nReturn-Path: <>\r\n"
                     "Authentication-Results: mx.test; none\r\nTo: b@b.test\r\nX-Other: 1\r\n");
    arc_put_message(&fx, &message);
    CHECK_EQ("judge", judge(&w, sgl_buf_view(&message), ""), SGL_OK);
    CHECK_EQ("sign", sign(&w, sgl_buf_view(&message), &sealer, &pending, &sealed, NULL), SGL_OK);
    text = sgl_buf_view(&sealed);
    CHECK_TRUE("the seal stands first", sgl_view_starts(text, sgl_view_cstr(want)));
    CHECK_TRUE("each and one more", contains(text, "h=from:from:subject:subject:"));
    CHECK_TRUE("where none is, one", contains(text, ":cc:"));
    CHECK_TRUE("signatures [RFC 8617 s4.1.2]", contains(text, "dkim-signature;"));
    CHECK_TRUE("not what changes on the way",
               !contains(text, "received") && !contains(text, "return-path") &&
                   !contains(text, ":authentication-results") && !contains(text, ":arc-"));
    CHECK_TRUE("results", contains(text, "ARC-Authentication-Results: i=1; mx.test; spf=pass "
                                         "smtp.mailfrom=a.test\r\n"));
    CHECK_EQ("three fields", sgl_headers_parse(text, SGL_HEADERS_STRICT, &w.arena, &again, NULL),
             SGL_OK);
    CHECK_EQ("three fields", again.count, 3);
}

static const sgl_view only_to[] = {SGL_LIT_INIT("to")};
static const sgl_view seals[] = {SGL_LIT_INIT("from"), SGL_LIT_INIT("ARC-Seal")};
static const sgl_view results[] = {SGL_LIT_INIT("authentication-results"), SGL_LIT_INIT("from")};
static const sgl_view twice[] = {SGL_LIT_INIT("from:to")};
static const struct {
    const char *name, *domain, *selector, *id, *results;
    const sgl_view *names;
    size_t count;
    sgl_time now;
    enum sgl_status want;
} orders[] = {
    {"well", "a.test", "k", "mx", "spf=pass", NULL, 0, 1, SGL_OK},
    {"results of several lines", "a.test", "k", "mx", "spf=pass\r\n  (c)", NULL, 0, 1,
     SGL_E_SYNTAX},
    {"no results", "a.test", "k", "mx", "", NULL, 0, 1, SGL_OK},
    {"no domain", "", "k", "mx", "", NULL, 0, 1, SGL_E_SYNTAX},
    {"a domain of one label", "test", "k", "mx", "", NULL, 0, 1, SGL_E_SYNTAX},
    {"a domain with a tag in it", "a.test; x=1", "k", "mx", "", NULL, 0, 1, SGL_E_SYNTAX},
    {"no selector", "a.test", "", "mx", "", NULL, 0, 1, SGL_E_SYNTAX},
    {"a selector with a fold", "a.test", "k\r\n x", "mx", "", NULL, 0, 1, SGL_E_SYNTAX},
    {"no id", "a.test", "k", "", "", NULL, 0, 1, SGL_E_SYNTAX},
    {"an id of two words", "a.test", "k", "m x", "", NULL, 0, 1, SGL_E_SYNTAX},
    {"an id that ends the part", "a.test", "k", "mx;", "", NULL, 0, 1, SGL_E_SYNTAX},
    {"results with a field in them", "a.test", "k", "mx", "spf=pass\nFrom: x", NULL, 0, 1,
     SGL_E_SYNTAX},
    {"results with a control character", "a.test", "k", "mx", "spf=\x01", NULL, 0, 1, SGL_E_SYNTAX},
    {"From is not signed [RFC 6376 s5.4]", "a.test", "k", "mx", "", only_to, 1, 1, SGL_E_SYNTAX},
    {"a seal is signed [RFC 8617 s4.1.2]", "a.test", "k", "mx", "", seals, 2, 1, SGL_E_SYNTAX},
    {"results are signed [RFC 8617 s4.1.2]", "a.test", "k", "mx", "", results, 2, 1, SGL_E_SYNTAX},
    {"two names in one", "a.test", "k", "mx", "", twice, 1, 1, SGL_E_SYNTAX},
    {"time before time", "a.test", "k", "mx", "", NULL, 0, -1, SGL_E_MISUSE},
    {"a time of 13 digits", "a.test", "k", "mx", "", NULL, 0, 1000000000000, SGL_E_MISUSE},
};

static void refused(void **state)
{
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(work) w = {.crypto = fx.crypto, .key = fx.key};
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);

    (void)state;
    arc_put_message(&fx, &message);
    CHECK_EQ("judge", judge(&w, sgl_buf_view(&message), ""), SGL_OK);
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        sgl_auto(sgl_buf) sealed = SGL_BUF_INIT(1u << 20);
        struct sgl_arc_sealer sealer = {.domain = sgl_view_cstr(orders[i].domain),
                                        .selector = sgl_view_cstr(orders[i].selector),
                                        .authserv_id = sgl_view_cstr(orders[i].id),
                                        .results = sgl_view_cstr(orders[i].results),
                                        .algorithm = SGL_DKIM_ED25519_SHA256,
                                        .signed_name = orders[i].names,
                                        .signed_names = orders[i].count,
                                        .now = orders[i].now};
        struct sgl_arc_pending pending = {.instance = 99};
        struct sgl_diag diag = {0};

        CHECK_EQ(orders[i].name,
                 sign(&w, sgl_buf_view(&message), &sealer, &pending, &sealed, &diag),
                 orders[i].want);
        CHECK_EQ(orders[i].name, pending.instance, orders[i].want == SGL_OK ? 1 : 99);
        CHECK_EQ(orders[i].name, sealed.len > 0, orders[i].want == SGL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_of_ours),        cmocka_unit_test(broken_chains),
        cmocka_unit_test(broken_from_the_start), cmocka_unit_test(changed_here),
        cmocka_unit_test(what_we_write),         cmocka_unit_test(refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
