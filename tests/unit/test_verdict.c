/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/verdict.h"

#include "verdict_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
