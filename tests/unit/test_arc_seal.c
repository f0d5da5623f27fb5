/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "arc_fixture.h"
#include "check.h"
#include "dns_fixture.h"
#include "fail_alloc.h"
#include "sigillo/arc.h"
#include "sigillo/limits.h"

/* ---- what stands in Authentication-Results ------------------------------------------------------------------------- */

static void arrival(void **state)
{
    static const struct {
        const char *name, *fields, *results;
        size_t count;
        bool known;
        enum sgl_arc_result chain;
    } cases[] = {
        {"no field", "", "", 0, false, SGL_ARC_NONE},
        {"one", "Authentication-Results: me; spf=pass\r\n", "spf=pass", 1, false, SGL_ARC_NONE},
        {"another's is left out", "Authentication-Results: you; spf=pass\r\n", "", 0, false,
         SGL_ARC_NONE},
        {"a name that only begins so is another's", "Authentication-Results: me.too; spf=pass\r\n",
         "", 0, false, SGL_ARC_NONE},
        {"all of a kind are combined, first field first [RFC 8617 s4.1.1]",
         "Authentication-Results: me; arc=none\r\nAuthentication-Results: you; spf=fail\r\n"
         "authentication-results:\r\n ME (c) 1;\r\n\tspf=pass (ok; fine)\r\n "
         "smtp.mailfrom=\"a;b\"; "
         "dkim=pass\r\n",
         "arc=none; spf=pass (ok; fine) smtp.mailfrom=\"a;b\"; dkim=pass", 2, true, SGL_ARC_NONE},
        {"none adds nothing",
         "Authentication-Results: me; none (c)\r\nAuthentication-Results: me; dmarc=pass\r\n",
         "dmarc=pass", 2, false, SGL_ARC_NONE},
        {"a field without results", "Authentication-Results: me\r\n", "", 1, false, SGL_ARC_NONE},
        {"empty parts", "Authentication-Results: me;; ;spf=pass;\r\n", "spf=pass", 1, false,
         SGL_ARC_NONE},
        {"the chain passed", "Authentication-Results: me; spf=pass; ARC/1 = pass (i=2)\r\n",
         "spf=pass; ARC/1 = pass (i=2)", 1, true, SGL_ARC_PASS},
        {"the first one counts", "Authentication-Results: me; arc=fail; arc=pass\r\n",
         "arc=fail; arc=pass", 1, true, SGL_ARC_FAIL},
        {"another word is no pass", "Authentication-Results: me; arc=temperror\r\n",
         "arc=temperror", 1, true, SGL_ARC_FAIL},
        {"no word at all, too", "Authentication-Results: me; arc=\r\n", "arc=", 1, true,
         SGL_ARC_FAIL},
        {"another method", "Authentication-Results: me; arcs=pass; x=arc\r\n", "arcs=pass; x=arc",
         1, false, SGL_ARC_NONE},
        {"in a comment or in quotes it is nothing",
         "Authentication-Results: me; spf=pass (; arc=pass) reason=\"; arc=pass\"\r\n",
         "spf=pass (; arc=pass) reason=\"; arc=pass\"", 1, false, SGL_ARC_NONE},
        {"a quote that never ends takes its field along",
         "Authentication-Results: me; spf=pass; x=\"\r\nAuthentication-Results: me; dkim=pass\r\n",
         "dkim=pass", 1, false, SGL_ARC_NONE},
        {"so does a comment", "Authentication-Results: me; spf=pass (\r\n", "", 0, false,
         SGL_ARC_NONE},
        {"a quoted name", "Authentication-Results: \"m\\e\"; spf=pass\r\n", "spf=pass", 1, false,
         SGL_ARC_NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1u << 20);
        struct sgl_headers headers;
        struct sgl_arc_arrival found;

        CHECK_EQ(cases[i].name,
                 sgl_headers_parse(sgl_view_cstr(cases[i].fields), SGL_HEADERS_STRICT, &arena,
                                   &headers, NULL),
                 SGL_OK);
        CHECK_EQ(cases[i].name, sgl_arc_arrival_read(&headers, SGL_LIT("me"), &arena, &found),
                 SGL_OK);
        CHECK_VIEW(cases[i].name, found.results, sgl_view_cstr(cases[i].results));
        CHECK_EQ(cases[i].name, found.fields, cases[i].count);
        CHECK_EQ(cases[i].name, found.chain_known, cases[i].known);
        CHECK_EQ(cases[i].name, found.chain, cases[i].chain);
    }
}

/* ---- sealing ------------------------------------------------------------------------------------------------------- */

struct work {
    struct sgl_crypto *crypto;
    struct sgl_private_key *key;
    struct sgl_arena arena;
    struct sgl_headers headers;
    struct sgl_dkim_hashes hashes;
    struct sgl_arc_verifier v;
    struct sgl_arc arc;
};

static void work_done(struct work *w)
{
    sgl_dkim_hashes_done(&w->hashes);
    sgl_arena_done(&w->arena);
}

/* The verdict on a message, keys of sN.test known. */
static enum sgl_status judge(struct work *w, sgl_view message, const char *zone)
{
    sgl_auto(dns_fixture) dns = dns_fixture_init("a.test", zone);
    const struct sgl_dkim_verify_options options = {0};
    enum sgl_status st;

    sgl_arena_init(&w->arena, 8u << 20);
    SGL_TRY(sgl_headers_parse(message, SGL_HEADERS_STRICT, &w->arena, &w->headers, NULL));
    sgl_dkim_hashes_init(&w->hashes, w->crypto);
    SGL_TRY(sgl_arc_verifier_init(&w->v, w->crypto, &options, &w->headers, &w->hashes, &w->arena));
    sgl_dkim_hashes_feed(&w->hashes, sgl_view_from(message, w->headers.body_off));
    SGL_TRY(sgl_dkim_hashes_finish(&w->hashes));
    while ((st = sgl_arc_verify(&w->v, &dns.dns, &w->arc)) == SGL_NEED_DNS)
        dns_fixture_answer(&dns);
    return st;
}

static enum sgl_status sign(struct work *w, sgl_view message, const struct sgl_arc_sealer *sealer,
                            struct sgl_arc_pending *pending, struct sgl_buf *out,
                            struct sgl_diag *diag)
{
    uint8_t hash[SGL_SHA256_SIZE], signature[SGL_SIGNATURE_MAX];
    size_t len;

    SGL_TRY(sgl_dkim_body_hash(w->crypto, SGL_DKIM_RELAXED,
                               sgl_view_from(message, w->headers.body_off), hash));
    SGL_TRY(sgl_arc_seal_message(w->crypto, sealer, &w->headers, hash, &w->arc, &w->arena, pending,
                                 diag));
    if (pending->nothing)
        return SGL_OK;
    SGL_TRY(sgl_private_key_sign(w->crypto, w->key, pending->digest, signature, &len));
    SGL_TRY(sgl_arc_seal_chain(w->crypto, sgl_view_of(signature, len), &w->arena, pending));
    SGL_TRY(sgl_private_key_sign(w->crypto, w->key, pending->digest, signature, &len));
    return sgl_arc_seal_finish(pending, sgl_view_of(signature, len), out);
}

/* What the ordinary sealer of instance n is. */
static struct sgl_arc_sealer sealer_of(struct arc_fixture *fx, unsigned n)
{
    struct sgl_arc_sealer sealer = {.selector = SGL_LIT("k"),
                                    .authserv_id = SGL_LIT("mx.test"),
                                    .algorithm = SGL_DKIM_ED25519_SHA256,
                                    .results = SGL_LIT("spf=pass smtp.mailfrom=a.test"),
                                    .now = 12345};
    sgl_auto(sgl_buf) name = SGL_BUF_INIT(64);

    sgl_buf_addf(&name, "s%u.test", n);
    arc_must(sgl_arena_dup(&fx->arena, sgl_buf_view(&name), &sealer.domain));
    return sealer;
}

/* One more set of ours on a message; false: nothing was added. */
static bool seal_once(struct arc_fixture *fx, struct sgl_buf *message, const char *zone,
                      enum sgl_arc_result want)
{
    sgl_auto(work) w = {.crypto = fx->crypto, .key = fx->key};
    sgl_auto(sgl_buf) sealed = SGL_BUF_INIT(4u << 20);
    struct sgl_arc_pending pending;
    struct sgl_arc_sealer sealer;

    CHECK_EQ("judge", judge(&w, sgl_buf_view(message), zone), SGL_OK);
    CHECK_EQ("chain", w.arc.result, want);
    sealer = sealer_of(fx, w.arc.sets == 0 ? 1 : w.arc.set[w.arc.sets - 1].instance + 1);
    sealer.chain = w.arc.result;
    CHECK_EQ("sign", sign(&w, sgl_buf_view(message), &sealer, &pending, &sealed, NULL), SGL_OK);
    if (pending.nothing) {
        CHECK_EQ("nothing is nothing", sealed.len, 0);
        return false;
    }
    sgl_buf_add(&sealed, sgl_buf_view(message));
    CHECK_EQ("fits", sealed.status, SGL_OK);
    sgl_buf_take(message, &sealed);
    return true;
}

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

static void refused(void **state)
{
    static const sgl_view only_to[] = {SGL_LIT_INIT("to")};
    static const sgl_view seals[] = {SGL_LIT_INIT("from"), SGL_LIT_INIT("ARC-Seal")};
    static const sgl_view results[] = {SGL_LIT_INIT("authentication-results"),
                                       SGL_LIT_INIT("from")};
    static const sgl_view twice[] = {SGL_LIT_INIT("from:to")};
    static const struct {
        const char *name, *domain, *selector, *id, *results;
        const sgl_view *names;
        size_t count;
        sgl_time now;
        enum sgl_status want;
    } cases[] = {
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
        {"results with a control character", "a.test", "k", "mx", "spf=\x01", NULL, 0, 1,
         SGL_E_SYNTAX},
        {"From is not signed [RFC 6376 s5.4]", "a.test", "k", "mx", "", only_to, 1, 1,
         SGL_E_SYNTAX},
        {"a seal is signed [RFC 8617 s4.1.2]", "a.test", "k", "mx", "", seals, 2, 1, SGL_E_SYNTAX},
        {"results are signed [RFC 8617 s4.1.2]", "a.test", "k", "mx", "", results, 2, 1,
         SGL_E_SYNTAX},
        {"two names in one", "a.test", "k", "mx", "", twice, 1, 1, SGL_E_SYNTAX},
        {"time before time", "a.test", "k", "mx", "", NULL, 0, -1, SGL_E_MISUSE},
        {"a time of 13 digits", "a.test", "k", "mx", "", NULL, 0, 1000000000000, SGL_E_MISUSE},
    };
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(work) w = {.crypto = fx.crypto, .key = fx.key};
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);

    (void)state;
    arc_put_message(&fx, &message);
    CHECK_EQ("judge", judge(&w, sgl_buf_view(&message), ""), SGL_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) sealed = SGL_BUF_INIT(1u << 20);
        struct sgl_arc_sealer sealer = {.domain = sgl_view_cstr(cases[i].domain),
                                        .selector = sgl_view_cstr(cases[i].selector),
                                        .authserv_id = sgl_view_cstr(cases[i].id),
                                        .results = sgl_view_cstr(cases[i].results),
                                        .algorithm = SGL_DKIM_ED25519_SHA256,
                                        .signed_name = cases[i].names,
                                        .signed_names = cases[i].count,
                                        .now = cases[i].now};
        struct sgl_arc_pending pending = {.instance = 99};
        struct sgl_diag diag = {0};

        CHECK_EQ(cases[i].name, sign(&w, sgl_buf_view(&message), &sealer, &pending, &sealed, &diag),
                 cases[i].want);
        CHECK_EQ(cases[i].name, pending.instance, cases[i].want == SGL_OK ? 1 : 99);
        CHECK_EQ(cases[i].name, sealed.len > 0, cases[i].want == SGL_OK);
    }
}

static void misuse(void **state)
{
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(work) w = {.crypto = fx.crypto, .key = fx.key};
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    sgl_auto(sgl_buf) sealed = SGL_BUF_INIT(1u << 20);
    struct sgl_arc_sealer sealer = sealer_of(&fx, 2);
    struct sgl_arc_pending pending = {.nothing = true};

    (void)state;
    arc_fixture_add(&fx, NULL, NULL, NULL);
    arc_put_message(&fx, &message);
    CHECK_EQ("judge", judge(&w, sgl_buf_view(&message), arc_zone(&fx)), SGL_OK);
    CHECK_EQ("there is a chain", sign(&w, sgl_buf_view(&message), &sealer, &pending, &sealed, NULL),
             SGL_E_MISUSE);
    CHECK_EQ("nothing is pending", sgl_arc_seal_chain(fx.crypto, SGL_LIT("x"), &w.arena, &pending),
             SGL_E_MISUSE);
    CHECK_EQ("nothing is pending", sgl_arc_seal_finish(&pending, SGL_LIT("x"), &sealed),
             SGL_E_MISUSE);
    pending.nothing = false;
    CHECK_EQ("no signature", sgl_arc_seal_chain(fx.crypto, SGL_LIT(""), &w.arena, &pending),
             SGL_E_MISUSE);
    CHECK_EQ(
        "no From",
        sgl_headers_parse(SGL_LIT("To: x\r\n\r\n"), SGL_HEADERS_STRICT, &w.arena, &w.headers, NULL),
        SGL_OK);
    sealer.chain = SGL_ARC_PASS;
    CHECK_EQ("no From", sign(&w, SGL_LIT("To: x\r\n\r\n"), &sealer, &pending, &sealed, NULL),
             SGL_E_SYNTAX);
}

/* More From fields than one signature may name. */
static void too_many_fields(void **state)
{
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(work) w = {.crypto = fx.crypto, .key = fx.key};
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    sgl_auto(sgl_buf) sealed = SGL_BUF_INIT(1u << 20);
    struct sgl_arc_sealer sealer = sealer_of(&fx, 1);
    struct sgl_arc_pending pending;

    (void)state;
    for (int i = 0; i < 300; i++)
        sgl_buf_add_cstr(&message, "From: a@a.test\r\n");
    sgl_buf_add_cstr(&message, "\r\nx\r\n");
    CHECK_EQ("judge", judge(&w, sgl_buf_view(&message), ""), SGL_OK);
    CHECK_EQ("limit", sign(&w, sgl_buf_view(&message), &sealer, &pending, &sealed, NULL),
             SGL_E_LIMIT);
}

/* Random messages: what is sealed once or twice verifies, and nothing below the set is touched. */
static void random_messages(void **state)
{
    static const char *const names[] = {"From", "To",       "Subject", "X-A", "Received",
                                        "Date", "Reply-To", "from",    "CC",  "DKIM-Signature"};
    static const char bytes[] = "ab \t;=(\"\\\r\n.:@,\xc3\xa9";
    uint32_t seed = 1;

    (void)state;
    for (int round = 0; round < 300; round++) {
        sgl_auto(arc_fixture) fx = arc_fixture_init("");
        sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
        const char *zone = arc_zone(&fx);
        sgl_auto(work) w = {.crypto = fx.crypto, .key = fx.key};

        sgl_buf_add_cstr(&message, "From: x@a.test\r\n");
        for (uint32_t i = 0; i < (uint32_t)round % 12; i++) {
            sgl_buf_addf(&message, "%s: ", names[(seed = seed * 1103515245 + 12345) >> 16 & 7]);
            for (uint32_t k = 0; k < (seed >> 20 & 63); k++)
                sgl_buf_add_byte(&message, (uint8_t) "ab  ;=(\".:@,"[(seed >> (k & 15)) % 12]);
            sgl_buf_add_cstr(&message, "\r\n");
        }
        sgl_buf_add_cstr(&message, "\r\n");
        for (uint32_t k = 0; k < (uint32_t)round; k++)
            sgl_buf_add_byte(
                &message,
                (uint8_t)bytes[((seed = seed * 1103515245 + 12345) >> 16) % (sizeof bytes - 1)]);
        sgl_auto(sgl_buf) before = SGL_BUF_INIT(1u << 20);
        sgl_buf_add(&before, sgl_buf_view(&message));
        CHECK_TRUE("sealed", seal_once(&fx, &message, zone, SGL_ARC_NONE));
        CHECK_TRUE("sealed", seal_once(&fx, &message, zone, SGL_ARC_PASS));
        CHECK_TRUE("what was there is as it was",
                   sgl_view_ends(sgl_buf_view(&message), sgl_buf_view(&before)));
        CHECK_EQ("judge", judge(&w, sgl_buf_view(&message), zone), SGL_OK);
        CHECK_EQ("passes", w.arc.result, SGL_ARC_PASS);
        CHECK_EQ("all of it", w.arc.oldest_pass, 0);
    }
}

/* RSA: b= is one word, in a line that SMTP takes; and a DKIM signature below stays as it is. */
static void with_rsa(void **state)
{
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    sgl_auto(sgl_buf) sealed = SGL_BUF_INIT(1u << 20);
    struct sgl_arc_sealer sealer = sealer_of(&fx, 1);
    struct sgl_arc_pending pending;
    struct sgl_private_key *key = NULL;
    const char *zone = "r._domainkey.s1.test TXT v=DKIM1; p=" RFC8463_RSA_PUBLIC "\n";

    (void)state;
    CHECK_EQ("key", sgl_private_key_import(fx.crypto, SGL_LIT(RFC8463_RSA_PEM), &key), SGL_OK);
    sealer.algorithm = SGL_DKIM_RSA_SHA256;
    sealer.selector = SGL_LIT("r");
    arc_put_message(&fx, &message);
    {
        sgl_auto(work) w = {.crypto = fx.crypto, .key = key};

        CHECK_EQ("judge", judge(&w, sgl_buf_view(&message), zone), SGL_OK);
        CHECK_EQ("sign", sign(&w, sgl_buf_view(&message), &sealer, &pending, &sealed, NULL),
                 SGL_OK);
    }
    sgl_buf_add(&sealed, sgl_buf_view(&message));
    {
        sgl_auto(work) w = {.crypto = fx.crypto, .key = key};

        CHECK_EQ("judge", judge(&w, sgl_buf_view(&sealed), zone), SGL_OK);
        CHECK_EQ("passes", w.arc.result, SGL_ARC_PASS);
        CHECK_EQ("bits", w.arc.set[0].seal_bits, 1024);
    }
    sgl_private_key_free(key);
}

static void memory_that_ends(void **state)
{
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    sgl_auto(work) judged = {.crypto = fx.crypto, .key = fx.key};
    struct sgl_arc_sealer sealer = sealer_of(&fx, 2);

    (void)state;
    sealer.chain = SGL_ARC_PASS;
    sgl_buf_add_cstr(&fx.header, "Authentication-Results: \"mx\\.test\"; arc=pass; spf=pass\r\n");
    arc_fixture_add(&fx, NULL, NULL, NULL);
    arc_put_message(&fx, &message);
    CHECK_EQ("judge", judge(&judged, sgl_buf_view(&message), arc_zone(&fx)), SGL_OK);
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_buf) sealed = SGL_BUF_INIT(1u << 20);
        sgl_auto(work) w = judged; /* with memory of its own */
        struct sgl_arc_pending pending = {.instance = 99};
        struct sgl_arc_arrival found;
        enum sgl_status st;

        w.hashes = (struct sgl_dkim_hashes){.count = 0};
        sgl_arena_init(&w.arena, 1u << 20);
        st = sgl_arc_arrival_read(&w.headers, SGL_LIT("mx.test"), &w.arena, &found);
        if (st == SGL_OK)
            st = sign(&w, sgl_buf_view(&message), &sealer, &pending, &sealed, NULL);
        CHECK_EQ("success or no memory", st, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrival),         cmocka_unit_test(chains_of_ours),
        cmocka_unit_test(broken_chains),   cmocka_unit_test(broken_from_the_start),
        cmocka_unit_test(changed_here),    cmocka_unit_test(what_we_write),
        cmocka_unit_test(refused),         cmocka_unit_test(misuse),
        cmocka_unit_test(too_many_fields), cmocka_unit_test(random_messages),
        cmocka_unit_test(with_rsa),        cmocka_unit_test(memory_that_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
