/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that are signed and sealed for a test, and the zone that goes with them.  One Ed25519 key serves everybody: its record is in struct signer,
 * to be published at SELECTOR._domainkey.DOMAIN.
 */
#ifndef TESTS_UNIT_VERDICT_FIXTURE_H
#define TESTS_UNIT_VERDICT_FIXTURE_H

#include "check.h"
#include "dns_fixture.h"
#include "sigillo/base64.h"
#include "sigillo/limits.h"
#include "sigillo/verdict.h"

/* For sgl_auto(). */
static inline void sgl_verdict_state_done(struct sgl_verdict_state *v)
{
    sgl_verdict_end(v);
}

struct signer {
    struct sgl_crypto *crypto;
    struct sgl_private_key *key;
    char record[128]; /* "v=DKIM1; k=ed25519; p=..." */
};

static inline void signer_init(struct signer *s)
{
    sgl_auto(sgl_buf) public = SGL_BUF_INIT(256);
    sgl_auto(sgl_buf) record = SGL_BUF_INIT(128);
    uint8_t seed[32];

    memset(seed, 7, sizeof seed);
    s->crypto = sgl_crypto_new();
    if (s->crypto == NULL ||
        sgl_private_key_from_seed(s->crypto, sgl_view_of(seed, 32), &s->key) != SGL_OK ||
        sgl_private_key_public(s->key, &public) != SGL_OK ||
        sgl_dkim_key_record(SGL_DKIM_ED25519_SHA256, sgl_buf_view(&public), &record) != SGL_OK)
        fail_msg("fixture: no key");
    memcpy(s->record, record.data, record.len);
    s->record[record.len] = '\0';
}

static inline void signer_done(struct signer *s)
{
    sgl_private_key_free(s->key);
    sgl_crypto_free(s->crypto);
}

/* Where the body begins. */
static inline size_t body_off(const struct sgl_buf *message)
{
    sgl_view v = sgl_buf_view(message);
    size_t off = sgl_view_find_view(v, SGL_LIT("\r\n\r\n"));

    return off == v.len ? off : off + 4;
}

static inline void put_in_front(struct sgl_buf *message, const struct sgl_buf *fields)
{
    sgl_auto(sgl_buf) whole = SGL_BUF_INIT(64u << 20);

    sgl_buf_add(&whole, sgl_buf_view(fields));
    sgl_buf_add(&whole, sgl_buf_view(message));
    if (whole.status != SGL_OK)
        fail_msg("fixture: too long");
    sgl_buf_take(message, &whole);
}

static inline size_t signer_sign(const struct signer *s, const uint8_t *digest, uint8_t *out)
{
    size_t len = 0;

    if (sgl_private_key_sign(s->crypto, s->key, digest, out, &len) != SGL_OK)
        fail_msg("fixture: cannot sign");
    return len;
}

/* Adds a DKIM-Signature in front of a message with CRLF. */
static inline void sign_message(const struct signer *s, struct sgl_buf *message, const char *domain,
                                const char *selector)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(4u << 20);
    sgl_auto(sgl_buf) field = SGL_BUF_INIT(1 << 16);
    struct sgl_dkim_options options = {.now = 1700000000};
    struct sgl_dkim_signer signer = {sgl_view_cstr(domain), sgl_view_cstr(selector),
                                     SGL_DKIM_ED25519_SHA256};
    struct sgl_dkim_pending pending;
    struct sgl_headers headers;
    uint8_t hash[SGL_SHA256_SIZE], signature[SGL_SIGNATURE_MAX];
    sgl_view body = sgl_view_from(sgl_buf_view(message), body_off(message));

    if (sgl_headers_parse(sgl_buf_view(message), SGL_HEADERS_TOLERANT, &arena, &headers, NULL) !=
            SGL_OK ||
        sgl_dkim_body_hash(s->crypto, SGL_DKIM_RELAXED, body, hash) != SGL_OK ||
        sgl_dkim_sign_prepare(s->crypto, &options, &headers, hash, &signer, 1, &arena, &pending,
                              NULL) != SGL_OK ||
        sgl_dkim_sign_finish(&pending,
                             sgl_view_of(signature, signer_sign(s, pending.digest, signature)),
                             &field) != SGL_OK)
        fail_msg("fixture: cannot sign");
    put_in_front(message, &field);
}

/* Adds one ARC set by `domain`, which says `results`; chain: the state of those below it. */
static inline void seal_message(const struct signer *s, struct sgl_buf *message, const char *domain,
                                const char *authserv_id, const char *results,
                                enum sgl_arc_result chain)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(4u << 20);
    sgl_auto(sgl_buf) fields = SGL_BUF_INIT(1 << 16);
    struct sgl_arc_sealer sealer = {.domain = sgl_view_cstr(domain),
                                    .selector = SGL_LIT("arc"),
                                    .authserv_id = sgl_view_cstr(authserv_id),
                                    .algorithm = SGL_DKIM_ED25519_SHA256,
                                    .results = sgl_view_cstr(results),
                                    .chain = chain,
                                    .now = 1700000000};
    sgl_auto(sgl_dkim_hashes) hashes = {0};
    struct sgl_dkim_verify_options options = {.now = 1700000000};
    struct sgl_arc_verifier verifier;
    struct sgl_arc_pending pending;
    struct sgl_headers headers;
    uint8_t hash[SGL_SHA256_SIZE], b[SGL_SIGNATURE_MAX];
    sgl_view body = sgl_view_from(sgl_buf_view(message), body_off(message));

    sgl_dkim_hashes_init(&hashes, s->crypto);
    if (sgl_headers_parse(sgl_buf_view(message), SGL_HEADERS_TOLERANT, &arena, &headers, NULL) !=
            SGL_OK ||
        sgl_dkim_body_hash(s->crypto, SGL_DKIM_RELAXED, body, hash) != SGL_OK ||
        sgl_arc_verifier_init(&verifier, s->crypto, &options, &headers, &hashes, &arena) !=
            SGL_OK ||
        sgl_arc_seal_message(s->crypto, &sealer, &headers, hash, &verifier.arc, &arena, &pending,
                             NULL) != SGL_OK ||
        sgl_arc_seal_chain(s->crypto, sgl_view_of(b, signer_sign(s, pending.digest, b)), &arena,
                           &pending) != SGL_OK ||
        sgl_arc_seal_finish(&pending, sgl_view_of(b, signer_sign(s, pending.digest, b)), &fields) !=
            SGL_OK)
        fail_msg("fixture: cannot seal");
    put_in_front(message, &fields);
}

/* ---- one verdict, reached in several ways ---- */

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

static inline int setup(void **state)
{
    (void)state;
    signer_init(&signer);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    signer_done(&signer);
    return 0;
}

/* zone with KEY filled in; to be freed with the buffer. */
static inline const char *fill_in(const char *zone, struct sgl_buf *to)
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

static inline struct sgl_ip ip_of(const char *text)
{
    struct sgl_ip ip = {0, {0}};

    if (text[0] != '\0')
        CHECK_EQ(text, sgl_ip_parse(V(text), &ip), SGL_OK);
    return ip;
}

static inline struct sgl_verdict_request request_of(const char *ip, const char *helo,
                                                    const char *sender)
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
static inline void show(const struct sgl_verdict *verdict, struct sgl_buf *to)
{
    CHECK_EQ("the field", sgl_authres_put(&verdict->results, to), SGL_OK);
    sgl_buf_addf(to, "%s%s\n", sgl_dmarc_policy_name(verdict->disposition),
                 verdict->overridden ? " overridden" : "");
}

static inline enum sgl_status finish(struct sgl_verdict_state *v, struct dns_fixture *fx,
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

static inline enum sgl_status judge(const struct sgl_verdict_request *request, sgl_view message,
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
static inline void judge_all_ways(const char *name, const struct sgl_verdict_request *request,
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

/* One verdict by the plain way, for tests that look into it. */
struct one {
    struct dns_fixture fx;
    struct sgl_arena arena;
    struct sgl_verdict_state v;
    struct sgl_buf zone;
    struct sgl_verdict verdict;
};

static inline void one_done(struct one *one)
{
    sgl_verdict_end(&one->v);
    dns_fixture_done(&one->fx);
    sgl_arena_done(&one->arena);
    sgl_buf_done(&one->zone);
}

static inline void judge_one(struct one *one, const struct sgl_verdict_request *request,
                             sgl_view message, const char *zone)
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

#define LIST_ID "mx.list.test"
#define SAW     "dmarc=pass header.from=example.org"

#endif
