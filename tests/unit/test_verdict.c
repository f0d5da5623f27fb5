/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/verdict.h"

#include "fail_alloc.h"
#include "sigillo/limits.h"
#include "verdict_fixture.h"

#define V(s) sgl_view_cstr(s)
#define NOW  1700000100

#define BODY    "\r\nHello,\r\n\r\nworld.\r\n"
#define MESSAGE "From: Joe <joe@example.org>\r\nTo: sue@example.net\r\nSubject: x\r\n" BODY

/* Everybody's records; a row adds to it. KEY is where the public key stands. */
#define ZONE                                                                                       \
    "s1._domainkey.example.org TXT KEY\ns1._domainkey.news.example.org TXT KEY\n"                  \
    "s1._domainkey.other.test TXT KEY\narc._domainkey.list.test TXT KEY\n"                         \
    "arc._domainkey.relay.test TXT KEY\n"                                                          \
    "example.org TXT v=spf1 ip4:192.0.2.0/24 -all\nother.test TXT v=spf1 ip4:192.0.2.7 -all\n"     \
    "mx.example.org TXT v=spf1 ip4:192.0.2.1 -all\n"                                               \
    "_dmarc.example.org TXT v=DMARC1; p=reject\n"

static struct signer signer;

static int setup(void **state)
{
    (void)state;
    signer_init(&signer);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    signer_done(&signer);
    return 0;
}

/* zone with KEY filled in; to be freed with the buffer. */
static const char *fill_in(const char *zone, struct sgl_buf *to)
{
    sgl_view rest = V(zone);

    while (rest.len > 0) {
        size_t at = sgl_view_find_view(rest, V("KEY"));

        sgl_buf_add(to, sgl_view_sub(rest, 0, at));
        if (at < rest.len)
            sgl_buf_add_cstr(to, signer.record);
        rest = sgl_view_from(rest, at + 3);
    }
    return sgl_cstr(to);
}

static struct sgl_ip ip_of(const char *text)
{
    struct sgl_ip ip = {0, {0}};

    if (text[0] != '\0')
        CHECK_EQ(text, sgl_ip_parse(V(text), &ip), SGL_OK);
    return ip;
}

static struct sgl_verdict_request request_of(const char *ip, const char *helo, const char *sender)
{
    return (struct sgl_verdict_request){.ip = ip_of(ip),
                                        .helo = V(helo),
                                        .sender = V(sender),
                                        .authserv_id = V("mx.test"),
                                        .now = NOW};
}

/* How a verdict is reached must not matter: who answers, and how the message is cut. */
struct way {
    enum dns_driver driver;
    size_t chunk; /* of the body; 0: the header takes it along */
};

#define PASSES_MAX 600

/* Field, disposition and override, as text. */
static void show(const struct sgl_verdict *verdict, struct sgl_buf *to)
{
    CHECK_EQ("the field", sgl_authres_put(&verdict->results, to), SGL_OK);
    sgl_buf_addf(to, "%s%s\n", sgl_dmarc_policy_name(verdict->disposition),
                 verdict->overridden ? " overridden" : "");
}

static enum sgl_status finish(struct sgl_verdict_state *v, struct dns_fixture *fx,
                              enum dns_driver driver, struct sgl_verdict *out)
{
    enum sgl_status st;
    size_t passes = 0;

    memset(out, 0x55, sizeof *out);
    while ((st = sgl_verdict_finish(v, &fx->dns, out)) == SGL_NEED_DNS) {
        CHECK_TRUE("passes are bounded", ++passes < PASSES_MAX);
        CHECK_EQ("out is untouched", ((const uint8_t *)out)[sizeof *out - 1], 0x55);
        dns_fixture_step(fx, driver);
    }
    return st;
}

static enum sgl_status judge(const struct sgl_verdict_request *request, sgl_view message,
                             const char *zone, struct way way, struct sgl_buf *to)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init("fixture.test", zone);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_verdict_state) v = {0};
    struct sgl_verdict verdict;
    sgl_view header = message, body = V("");
    enum sgl_status st;

    sgl_dns_done(&fx.dns);
    sgl_dns_init(&fx.dns, SGL_LIMIT_JUDGE_QUESTIONS);
    if (way.chunk > 0) {
        size_t off = sgl_view_find_view(message, V("\r\n\r\n"));

        header = sgl_view_sub(message, 0, off + 4);
        body = sgl_view_from(message, header.len);
    }
    SGL_TRY(sgl_verdict_begin(&v, signer.crypto, request, header, &arena, NULL));
    for (size_t at = 0; at < body.len; at += way.chunk)
        sgl_verdict_body(&v, sgl_view_sub(body, at, way.chunk));
    st = finish(&v, &fx, way.driver, &verdict);
    if (st != SGL_OK)
        return st;
    sgl_verdict_end(&v);
    show(&verdict, to); /* what was found out outlives the state */
    return to->status;
}

/* The same by all ways. */
static void judge_all_ways(const char *name, const struct sgl_verdict_request *request,
                           sgl_view message, const char *zone, struct sgl_buf *to)
{
    static const struct way ways[] = {{DNS_ALL_AT_ONCE, 0},
                                      {DNS_ALL_AT_ONCE, 1},
                                      {DNS_OLDEST_FIRST, 7},
                                      {DNS_NEWEST_FIRST, 1000}};
    sgl_auto(sgl_buf) full = SGL_BUF_INIT(1 << 16);
    const char *text = fill_in(zone, &full);

    CHECK_EQ(name, judge(request, message, text, ways[0], to), SGL_OK);
    for (size_t i = 1; i < sizeof ways / sizeof ways[0]; i++) {
        sgl_auto(sgl_buf) again = SGL_BUF_INIT(1 << 16);

        CHECK_EQ(name, judge(request, message, text, ways[i], &again), SGL_OK);
        CHECK_VIEW(name, sgl_buf_view(&again), sgl_buf_view(to));
    }
}

/* ---- verdicts ------------------------------------------------------------------------------------------------------- */

struct row {
    const char *name, *ip, *helo, *sender, *message;
    const char *signed_by[3];
    const char *zone,
        *want; /* without "Authentication-Results: mx.test;" and folds; then the disposition */
};

/* [RFC 8601 s2.7, s2.7.2; RFC 7208 s9.2] */
static const struct row rows[] = {
    {"all passes",
     "192.0.2.1",
     "mx.example.org",
     "joe@example.org",
     MESSAGE,
     {"example.org"},
     ZONE,
     "spf=pass smtp.mailfrom=example.org; spf=pass smtp.helo=mx.example.org; dkim=pass "
     "header.d=example.org header.i=@example.org header.s=s1 header.a=ed25519-sha256 header.b=B; "
     "arc=none; dmarc=pass header.from=example.org policy.dmarc=reject|none"},
    {"SPF alone is enough",
     "192.0.2.1",
     "x.test",
     "joe@example.org",
     MESSAGE,
     {NULL},
     ZONE,
     "spf=pass smtp.mailfrom=example.org; dkim=none reason=\"no signature\"; arc=none; dmarc=pass "
     "header.from=example.org policy.dmarc=reject|none"},
    {"DKIM alone is enough",
     "203.0.113.1",
     "x.test",
     "joe@other.test",
     MESSAGE,
     {"example.org"},
     ZONE,
     "spf=fail smtp.mailfrom=other.test; dkim=pass header.d=example.org header.i=@example.org "
     "header.s=s1 header.a=ed25519-sha256 header.b=B; arc=none; dmarc=pass "
     "header.from=example.org policy.dmarc=reject|none"},
    {"without a connection SPF says nothing",
     "",
     "",
     "",
     MESSAGE,
     {"example.org"},
     ZONE,
     "dkim=pass header.d=example.org header.i=@example.org header.s=s1 header.a=ed25519-sha256 "
     "header.b=B; arc=none; dmarc=pass header.from=example.org policy.dmarc=reject|none"},
    {"another's pass does not align",
     "192.0.2.7",
     "x.test",
     "joe@other.test",
     MESSAGE,
     {"other.test"},
     ZONE,
     "spf=pass smtp.mailfrom=other.test; dkim=pass header.d=other.test header.i=@other.test "
     "header.s=s1 header.a=ed25519-sha256 header.b=B; arc=none; dmarc=fail reason=\"no aligned "
     "identifier passed\" header.from=example.org policy.dmarc=reject|reject"},
    {"HELO never counts beside a MAIL FROM (CVE-2019-20790) [RFC 9989 s4.4.2]",
     "192.0.2.1",
     "mx.example.org",
     "joe@other.test",
     MESSAGE,
     {NULL},
     ZONE,
     "spf=fail smtp.mailfrom=other.test; spf=pass smtp.helo=mx.example.org; dkim=none reason=\"no "
     "signature\"; arc=none; dmarc=fail reason=\"no aligned identifier passed\" "
     "header.from=example.org policy.dmarc=reject|reject"},
    {"the null sender is HELO's [RFC 7208 s2.4]",
     "192.0.2.1",
     "mx.example.org",
     "",
     MESSAGE,
     {NULL},
     ZONE,
     "spf=pass smtp.helo=mx.example.org; dkim=none reason=\"no signature\"; arc=none; dmarc=pass "
     "header.from=example.org policy.dmarc=reject|none"},
    {"a signature by the organisation",
     "",
     "",
     "",
     MESSAGE,
     {"news.example.org"},
     ZONE,
     "dkim=pass header.d=news.example.org header.i=@news.example.org header.s=s1 "
     "header.a=ed25519-sha256 header.b=B; arc=none; dmarc=pass header.from=example.org "
     "policy.dmarc=reject|none"},
    {"one of two signatures is enough",
     "",
     "",
     "",
     MESSAGE,
     {"other.test", "example.org"},
     ZONE,
     "dkim=pass header.d=example.org header.i=@example.org header.s=s1 header.a=ed25519-sha256 "
     "header.b=B; dkim=pass header.d=other.test header.i=@other.test header.s=s1 "
     "header.a=ed25519-sha256 header.b=B; arc=none; dmarc=pass header.from=example.org "
     "policy.dmarc=reject|none"},
    {"a key that cannot be looked up leaves it open [RFC 9989 s5.3.6]",
     "",
     "",
     "",
     MESSAGE,
     {"example.org"},
     "s1._domainkey.example.org SERVFAIL\n_dmarc.example.org TXT v=DMARC1; p=reject",
     "dkim=temperror reason=\"REASON\" header.d=example.org header.s=s1 header.a=ed25519-sha256 "
     "header.b=B; arc=none; dmarc=temperror reason=\"REASON\" header.from=example.org|none"},
    {"no policy at all",
     "",
     "",
     "",
     MESSAGE,
     {NULL},
     "x.test A 192.0.2.1",
     "dkim=none reason=\"no signature\"; arc=none; dmarc=none reason=\"REASON\" "
     "header.from=example.org|none"},
    {"two From fields have no author",
     "",
     "",
     "",
     "From: joe@example.org\r\nFrom: joe@evil.test\r\n" BODY,
     {NULL},
     ZONE,
     "dkim=none reason=\"no signature\"; arc=none; dmarc=none reason=\"REASON\"|none"},
    {"a test of the policy asks for less [RFC 9989 s4.7]",
     "",
     "",
     "",
     MESSAGE,
     {NULL},
     "_dmarc.example.org TXT v=DMARC1; p=reject; t=y",
     "dkim=none reason=\"no signature\"; arc=none; dmarc=fail reason=\"no aligned identifier "
     "passed\" header.from=example.org policy.dmarc=quarantine|quarantine"},
    {"the sender's local part is not repeated [RFC 8601 s7.1]",
     "192.0.2.1",
     "x.test",
     "\"a;dkim=pass\"@example.org",
     MESSAGE,
     {NULL},
     ZONE,
     "spf=pass smtp.mailfrom=example.org; dkim=none reason=\"no signature\"; arc=none; dmarc=pass "
     "header.from=example.org policy.dmarc=reject|none"},
    {"HELO that adds a result",
     "192.0.2.1",
     "x; dmarc=pass",
     "",
     MESSAGE,
     {NULL},
     ZONE,
     "spf=none reason=\"REASON\"; dkim=none reason=\"no signature\"; arc=none; dmarc=fail "
     "reason=\"no aligned identifier passed\" header.from=example.org policy.dmarc=reject|reject"},
    {"MAIL FROM with a comment in its domain (CVE-2020-12272)",
     "192.0.2.1",
     "x.test",
     "joe@example.org(.other.test",
     MESSAGE,
     {NULL},
     ZONE,
     "spf=none reason=\"REASON\"; dkim=none reason=\"no signature\"; arc=none; dmarc=fail "
     "reason=\"no aligned identifier passed\" header.from=example.org policy.dmarc=reject|reject"},
    {"MAIL FROM with a line end",
     "192.0.2.1",
     "x.test",
     "joe@example.org\r\n ; dmarc=pass",
     MESSAGE,
     {NULL},
     ZONE,
     "spf=none reason=\"REASON\"; dkim=none reason=\"no signature\"; arc=none; dmarc=fail "
     "reason=\"no aligned identifier passed\" header.from=example.org policy.dmarc=reject|reject"},
};

/* Signatures as "header.b=B", sentences of other parts as "REASON", folds as blanks. */
static void normalise(sgl_view text, struct sgl_buf *to)
{
    const sgl_view head = V("Authentication-Results: mx.test; ");
    sgl_auto(sgl_buf) flat = SGL_BUF_INIT(1 << 16);
    sgl_view rest;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '\r' && text.ptr[i] != '\n')
            sgl_buf_add_byte(&flat, text.ptr[i]);
        else if (text.ptr[i] == '\r' && i + 2 < text.len && text.ptr[i + 2] != ' ')
            sgl_buf_add_byte(&flat, '|');
    }
    CHECK_TRUE("the field begins", sgl_view_starts(sgl_buf_view(&flat), head));
    rest = sgl_view_from(sgl_buf_view(&flat), head.len);
    while (rest.len > 0) {
        if (sgl_view_starts(rest, V("header.b="))) {
            sgl_buf_add_cstr(to, "header.b=B");
            while (rest.len > 0 && rest.ptr[0] != ';')
                rest = sgl_view_from(rest, 1);
        } else {
            sgl_buf_add_byte(to, rest.ptr[0]);
            rest = sgl_view_from(rest, 1);
        }
    }
}

/* The same text, where "REASON" in want stands for any sentence. */
static bool matches(sgl_view got, sgl_view want)
{
    while (want.len > 0 && got.len > 0) {
        if (sgl_view_starts(want, V("REASON"))) {
            want = sgl_view_from(want, 6);
            got = sgl_view_from(got, sgl_view_find(got, '"'));
        }
        if (got.len == 0 || got.ptr[0] != want.ptr[0])
            return false;
        got = sgl_view_from(got, 1);
        want = sgl_view_from(want, 1);
    }
    return got.len == want.len;
}

static void verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        sgl_auto(sgl_buf) message = SGL_BUF_INIT(1 << 16);
        sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 16);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(1 << 16);
        struct sgl_verdict_request request = request_of(row->ip, row->helo, row->sender);

        sgl_buf_add_cstr(&message, row->message);
        for (size_t k = 0; row->signed_by[k] != NULL; k++)
            sign_message(&signer, &message, row->signed_by[k], "s1");
        judge_all_ways(row->name, &request, sgl_buf_view(&message), row->zone, &text);
        normalise(sgl_buf_view(&text), &got);
        if (!matches(sgl_buf_view(&got), V(row->want)))
            CHECK_VIEW(row->name, sgl_buf_view(&got), V(row->want));
    }
}

/* One verdict by the plain way, for tests that look into it. */
struct one {
    struct dns_fixture fx;
    struct sgl_arena arena;
    struct sgl_verdict_state v;
    struct sgl_buf zone;
    struct sgl_verdict verdict;
};

static void one_done(struct one *one)
{
    sgl_verdict_end(&one->v);
    dns_fixture_done(&one->fx);
    sgl_arena_done(&one->arena);
    sgl_buf_done(&one->zone);
}

static void judge_one(struct one *one, const struct sgl_verdict_request *request, sgl_view message,
                      const char *zone)
{
    *one = (struct one){.arena = SGL_ARENA_INIT(1 << 20), .zone = SGL_BUF_INIT(1 << 16)};
    one->fx = dns_fixture_init("fixture.test", fill_in(zone, &one->zone));
    sgl_dns_done(&one->fx.dns);
    sgl_dns_init(&one->fx.dns, SGL_LIMIT_JUDGE_QUESTIONS);
    CHECK_EQ("begin",
             sgl_verdict_begin(&one->v, signer.crypto, request, message, &one->arena, NULL),
             SGL_OK);
    CHECK_EQ("finish", finish(&one->v, &one->fx, DNS_ALL_AT_ONCE, &one->verdict), SGL_OK);
}

/* ---- the field ------------------------------------------------------------------------------------------------------- */

static sgl_view b_of(const struct sgl_verdict *verdict, size_t which)
{
    size_t seen = 0;

    for (size_t i = 0; i < verdict->results.results; i++) {
        const struct sgl_authres_result *r = &verdict->results.result[i];

        if (sgl_view_eq(r->method, V("dkim")) && seen++ == which)
            return sgl_authres_property(r, V("header"), V("b"));
    }
    return V("");
}

/* [RFC 6008 s4] */
static void signatures_are_told_apart_by_b(void **state)
{
    const char *message = "DKIM-Signature: v=1; a=rsa-sha256; d=a.test; s=s; h=from; bh=AAAA; "
                          "b=AAAAAAAAAAAABBBB\r\n"
                          "DKIM-Signature: v=1; a=rsa-sha256; d=a.test; s=s; h=from; bh=AAAA; "
                          "b=AAAAAAAAAA AACCCC\r\n"
                          "DKIM-Signature: v=1; a=rsa-sha256; d=a.test; s=s; h=from; bh=AAAA; "
                          "b=DDDDDDDDDDDDDDDD\r\n"
                          "DKIM-Signature: v=1; a=rsa-sha256; d=a.test; s=s; h=from; bh=AAAA; "
                          "b=AAAA\r\n"
                          "From: joe@example.org\r\n" BODY;
    struct sgl_verdict_request request = request_of("", "", "");
    sgl_auto(one) one;

    (void)state;
    judge_one(&one, &request, V(message), ZONE);
    CHECK_EQ("four", one.verdict.dkim.count, 4);
    CHECK_VIEW("as long as it takes", b_of(&one.verdict, 0), V("AAAAAAAAAAAAB"));
    CHECK_VIEW("blanks do not count", b_of(&one.verdict, 1), V("AAAAAAAAAAAAC"));
    CHECK_VIEW("eight at least", b_of(&one.verdict, 2), V("DDDDDDDD"));
    CHECK_VIEW("all of a short one", b_of(&one.verdict, 3), V("AAAA"));
}

static void one_signature_many_times(void **state)
{
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1 << 16);
    struct sgl_verdict_request request = request_of("", "", "");
    sgl_auto(one) one;

    (void)state;
    for (int i = 0; i < 30; i++)
        sgl_buf_add_cstr(
            &message, "DKIM-Signature: v=1; a=rsa-sha256; d=a.test; s=s; h=from; bh=AAAA; "
                      "b=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                      "AAAAAAAAAAA\r\n");
    sgl_buf_add_cstr(&message, MESSAGE);
    judge_one(&one, &request, sgl_buf_view(&message), ZONE);
    CHECK_EQ("so many are listed", one.verdict.dkim.count, SGL_LIMIT_DKIM_SIGNATURES);
    CHECK_EQ("a bounded prefix", b_of(&one.verdict, 0).len, 64);
}

/* What nobody has vouched for is not repeated. [RFC 8601 s7.1] */
static void identity_of_a_failed_signature_is_not_told(void **state)
{
    const char *message = "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; i=ceo@example.org;\r\n"
                          " s=s1; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; "
                          "b=AAAAAAAAAAAA\r\n" MESSAGE;
    struct sgl_verdict_request request = request_of("", "", "");
    sgl_auto(one) one;
    const struct sgl_authres_result *dkim;

    (void)state;
    judge_one(&one, &request, V(message), ZONE);
    dkim = sgl_authres_find(&one.verdict.results, V("dkim"));
    CHECK_TRUE("it did not pass", !sgl_view_eq(dkim->result, V("pass")));
    CHECK_VIEW("what was checked", sgl_authres_property(dkim, V("header"), V("d")),
               V("example.org"));
    CHECK_TRUE("no identity", sgl_authres_property(dkim, V("header"), V("i")).ptr == NULL);
}

/* All that is put reads to the same results, in one field, and is known as ours. */
static void the_field_is_one_field(void **state)
{
    static const char *const hostile[] = {"x\r\nX-Evil: 1",
                                          "a b",
                                          "(",
                                          "\"",
                                          "\\",
                                          "a;b=c",
                                          "\xff\xfe",
                                          "b\xc3\xbc.example",
                                          "a@b@c",
                                          "[192.0.2.1]",
                                          "xn--a",
                                          "..",
                                          "a..b",
                                          "-.-",
                                          "\x01",
                                          "(x) example.org"};

    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        sgl_auto(sgl_buf) field = SGL_BUF_INIT(1 << 16);
        sgl_auto(sgl_buf) sender = SGL_BUF_INIT(1 << 10);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
        sgl_auto(one) one;
        struct sgl_verdict_request request = request_of("192.0.2.1", hostile[i], "");
        struct sgl_headers headers;
        struct sgl_authres back;

        sgl_buf_addf(&sender, "%s@%s", hostile[i], hostile[i]);
        request.sender = sgl_buf_view(&sender);
        judge_one(&one, &request, V(MESSAGE), ZONE);
        CHECK_EQ(hostile[i], sgl_authres_put(&one.verdict.results, &field), SGL_OK);
        CHECK_EQ(
            hostile[i],
            sgl_headers_parse(sgl_buf_view(&field), SGL_HEADERS_STRICT, &arena, &headers, NULL),
            SGL_OK);
        CHECK_EQ(hostile[i], headers.count, 1);
        CHECK_EQ(hostile[i], sgl_authres_parse(headers.field[0].value, &arena, &back, NULL),
                 SGL_OK);
        CHECK_EQ(hostile[i], back.results, one.verdict.results.results);
    }
}

/* ---- trusted chains --------------------------------------------------------------------------------------------------- */

#define LIST_ID "mx.list.test"
#define SAW     "dmarc=pass header.from=example.org"

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

static sgl_view property_of(const struct sgl_verdict *verdict, const char *method,
                            const char *ptype, const char *property)
{
    const struct sgl_authres_result *result = sgl_authres_find(&verdict->results, V(method));

    CHECK_TRUE(method, result != NULL);
    return sgl_authres_property(result, V(ptype), V(property));
}

/* [RFC 8617 s6, s10.2; RFC 9989 s9.1] */
static void the_field_tells_of_the_chain(void **state)
{
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1 << 16);
    sgl_auto(one) pass;
    sgl_auto(one) fail;
    struct sgl_verdict_request request = request_of("2001:db8::1", "list.test", "l@list.test");
    sgl_view trusted[] = {SGL_LIT("list.test")};

    (void)state;
    request.trust = (struct sgl_arc_trust){trusted, 1};
    sgl_buf_add_cstr(&message, MESSAGE);
    seal_message(&signer, &message, "list.test", LIST_ID, SAW, SGL_ARC_NONE);
    judge_one(&pass, &request, sgl_buf_view(&message), ZONE);
    CHECK_VIEW("who brought it", property_of(&pass.verdict, "arc", "smtp", "remote-ip"),
               V("2001:db8::1"));
    CHECK_VIEW("all message signatures hold",
               property_of(&pass.verdict, "arc", "header", "oldest-pass"), V("0"));
    CHECK_VIEW("DMARC's word stays", sgl_authres_find(&pass.verdict.results, V("dmarc"))->result,
               V("fail"));
    CHECK_VIEW("and the owner's policy", property_of(&pass.verdict, "dmarc", "policy", "dmarc"),
               V("reject"));
    sgl_buf_add_cstr(&message, "more\r\n");
    judge_one(&fail, &request, sgl_buf_view(&message), ZONE);
    CHECK_VIEW("a broken chain was brought by somebody, too",
               property_of(&fail.verdict, "arc", "smtp", "remote-ip"), V("2001:db8::1"));
    CHECK_TRUE("no instance of it passes",
               property_of(&fail.verdict, "arc", "header", "oldest-pass").ptr == NULL);
}

/* ---- questions, memory, errors ---------------------------------------------------------------------------------------- */

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
        cmocka_unit_test(verdicts),
        cmocka_unit_test(signatures_are_told_apart_by_b),
        cmocka_unit_test(one_signature_many_times),
        cmocka_unit_test(identity_of_a_failed_signature_is_not_told),
        cmocka_unit_test(the_field_is_one_field),
        cmocka_unit_test(trusted_chains),
        cmocka_unit_test(an_override_compares_as_dmarc_does),
        cmocka_unit_test(the_field_tells_of_the_chain),
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
