/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chains for tests, signed with the Ed25519 key of RFC 8463, without the code that seals for others: the texts of the three fields are given, whatever they say, and only
 * the signatures are filled in.
 *
 *     sgl_auto(arc_fixture) fx = arc_fixture_init(BODY);
 *     arc_fixture_add(&fx, NULL, NULL, NULL);                   an ordinary set on top, instance 1, then 2 ...
 *     arc_fixture_add(&fx, NULL, NULL, "i=2; ... b=$B");        one with a seal of our own making
 *
 * In the texts "$I" is the instance, "$BH" the relaxed hash of the body, "$B" the signature.  The sealer of instance N is sN.test, its selector k.
 */
#ifndef TESTS_UNIT_ARC_FIXTURE_H
#define TESTS_UNIT_ARC_FIXTURE_H

#include "check.h"
#include "dkim_vectors.h"
#include "sigillo/arc.h"
#include "sigillo/base64.h"

#define ARC_AAR "i=$I; s$I.test; dmarc=pass header.from=a.test"
#define ARC_AMS                                                                                    \
    "i=$I; a=ed25519-sha256; c=relaxed/relaxed; d=s$I.test; s=k; h=from:subject; bh=$BH; b=$B"
#define ARC_AS       "i=$I; a=ed25519-sha256; cv=$CV; d=s$I.test; s=k; t=12345; b=$B"
#define ARC_HEADER   "From: a@a.test\r\nSubject: one\r\n"
#define ARC_BODY     "Hello.\r\n"
#define ARC_SETS_MAX 64
#define ARC_RECORD   "v=DKIM1; k=ed25519; p=" RFC8463_ED25519_PUBLIC

struct arc_fixture {
    struct sgl_crypto *crypto;
    struct sgl_private_key *key;
    struct sgl_arena arena; /* texts of sets; rarely freed */
    sgl_view aar[ARC_SETS_MAX], ams[ARC_SETS_MAX], as[ARC_SETS_MAX];
    unsigned sets;
    struct sgl_buf header; /* what stands below the sets */
    struct sgl_buf body;
};

static inline void arc_must(enum sgl_status status)
{
    if (status != SGL_OK)
        fail_msg("arc fixture: %s", sgl_status_name(status));
}

static inline struct arc_fixture arc_fixture_init(const char *body)
{
    struct arc_fixture fx = {.crypto = sgl_crypto_new(), .sets = 0};
    sgl_auto(sgl_buf) seed = SGL_BUF_INIT(64);

    sgl_arena_init(&fx.arena, 8u << 20);
    sgl_buf_init(&fx.header, 1u << 20);
    sgl_buf_init(&fx.body, 1u << 20);
    sgl_buf_add_cstr(&fx.header, ARC_HEADER);
    sgl_buf_add_cstr(&fx.body, body);
    arc_must(sgl_base64_decode(SGL_LIT(RFC8463_ED25519_SEED), &seed));
    arc_must(sgl_private_key_from_seed(fx.crypto, sgl_buf_view(&seed), &fx.key));
    return fx;
}

static inline void arc_fixture_done(struct arc_fixture *fx)
{
    sgl_private_key_free(fx->key);
    sgl_buf_done(&fx->header);
    sgl_buf_done(&fx->body);
    sgl_arena_done(&fx->arena);
    sgl_crypto_free(fx->crypto);
}

/* "Name: " text CRLF with the "$" words replaced; b is what stands for $B. */
static inline sgl_view arc_field(struct arc_fixture *fx, const char *name, const char *text,
                                 unsigned instance, sgl_view b)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1u << 20);
    uint8_t hash[SGL_SHA256_SIZE];
    sgl_view copy;

    sgl_buf_addf(&out, "%s: ", name);
    for (; *text != 0; text++) {
        if (strncmp(text, "$I", 2) == 0) {
            sgl_buf_addf(&out, "%u", instance);
            text++;
        } else if (strncmp(text, "$CV", 3) == 0) {
            sgl_buf_add_cstr(&out, instance == 1 ? "none" : "pass");
            text += 2;
        } else if (strncmp(text, "$BH", 3) == 0) {
            arc_must(
                sgl_dkim_body_hash(fx->crypto, SGL_DKIM_RELAXED, sgl_buf_view(&fx->body), hash));
            sgl_base64_encode(&out, sgl_view_of(hash, sizeof hash));
            text += 2;
        } else if (strncmp(text, "$B", 2) == 0) {
            sgl_buf_add(&out, b);
            text++;
        } else {
            sgl_buf_add_byte(&out, (uint8_t)*text);
        }
    }
    sgl_buf_add_cstr(&out, "\r\n");
    arc_must(sgl_arena_dup(&fx->arena, sgl_buf_view(&out), &copy));
    return copy;
}

/* The message: sets, newest first, the fields below them, the body. */
static inline void arc_put_message(const struct arc_fixture *fx, struct sgl_buf *out)
{
    for (unsigned i = fx->sets; i > 0; i--) {
        sgl_buf_add(out, fx->as[i - 1]);
        sgl_buf_add(out, fx->ams[i - 1]);
        sgl_buf_add(out, fx->aar[i - 1]);
    }
    sgl_buf_add(out, sgl_buf_view(&fx->header));
    sgl_buf_add_cstr(out, "\r\n");
    sgl_buf_add(out, sgl_buf_view(&fx->body));
    arc_must(out->status);
}

static inline sgl_view arc_sign(struct arc_fixture *fx, const uint8_t digest[SGL_SHA256_SIZE])
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1024);
    uint8_t signature[SGL_SIGNATURE_MAX];
    sgl_view copy;
    size_t len;

    arc_must(sgl_private_key_sign(fx->crypto, fx->key, digest, signature, &len));
    sgl_base64_encode(&text, sgl_view_of(signature, len));
    arc_must(sgl_arena_dup(&fx->arena, sgl_buf_view(&text), &copy));
    return copy;
}

/* The signature of a message signature whose tags can be read; "AAAA" for others: nobody will check it. */
static inline sgl_view arc_sign_message(struct arc_fixture *fx, const char *ams, unsigned instance)
{
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(4u << 20);
    struct sgl_headers headers;
    struct sgl_dkim_index index;
    struct sgl_dkim_tags tags;
    uint8_t digest[SGL_SHA256_SIZE];

    sgl_buf_add(&message, arc_field(fx, "ARC-Message-Signature", ams, instance, SGL_LIT("AAAA")));
    arc_put_message(fx, &message);
    arc_must(
        sgl_headers_parse(sgl_buf_view(&message), SGL_HEADERS_TOLERANT, &arena, &headers, NULL));
    if (sgl_dkim_tags_parse(SGL_DKIM_ARC_MESSAGE, headers.field[0].value, &arena, &tags, NULL) !=
        SGL_OK)
        return SGL_LIT("AAAA");
    arc_must(sgl_dkim_index_init(&index, fx->crypto, &headers, &arena));
    arc_must(sgl_dkim_header_digest(&index, &headers.field[0], &tags, digest));
    return arc_sign(fx, digest);
}

static inline void arc_put_hash(void *ctx, sgl_view bytes)
{
    sgl_hash_add(ctx, bytes);
}

static inline sgl_view arc_sign_seal(struct arc_fixture *fx, const char *as, unsigned instance)
{
    sgl_auto(sgl_hash) hash = {0};
    const struct sgl_dkim_sink sink = {arc_put_hash, &hash};
    sgl_view own = arc_field(fx, "ARC-Seal", as, instance, SGL_LIT(""));
    uint8_t digest[SGL_SHA256_SIZE];

    sgl_hash_init(&hash, fx->crypto);
    for (unsigned i = 0; i <= fx->sets; i++) { /* those of the new set are there already */
        sgl_dkim_canon_field(SGL_DKIM_RELAXED, fx->aar[i], sink);
        sgl_dkim_canon_field(SGL_DKIM_RELAXED, fx->ams[i], sink);
        if (i < fx->sets)
            sgl_dkim_canon_field(SGL_DKIM_RELAXED, fx->as[i], sink);
    }
    sgl_dkim_canon_field(SGL_DKIM_RELAXED, sgl_view_sub(own, 0, own.len - 2), sink);
    arc_must(sgl_hash_final(&hash, digest));
    return arc_sign(fx, digest);
}

/* One more set, texts as above; NULL: the ordinary one. */
static inline void arc_fixture_add(struct arc_fixture *fx, const char *aar, const char *ams,
                                   const char *as)
{
    unsigned instance = fx->sets + 1;

    ams = ams == NULL ? ARC_AMS : ams;
    as = as == NULL ? ARC_AS : as;
    fx->aar[fx->sets] = arc_field(fx, "ARC-Authentication-Results", aar == NULL ? ARC_AAR : aar,
                                  instance, SGL_LIT(""));
    fx->ams[fx->sets] =
        arc_field(fx, "ARC-Message-Signature", ams, instance, arc_sign_message(fx, ams, instance));
    fx->as[fx->sets] = arc_field(fx, "ARC-Seal", as, instance, arc_sign_seal(fx, as, instance));
    fx->sets++;
}

static inline void arc_fixture_add_many(struct arc_fixture *fx, unsigned count)
{
    while (count-- > 0)
        arc_fixture_add(fx, NULL, NULL, NULL);
}

/* The first occurrence of `from` in a field becomes `to`. */
static inline void arc_edit(struct arc_fixture *fx, sgl_view *field, const char *from,
                            const char *to)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1u << 20);
    size_t at = sgl_view_find_view(*field, sgl_view_cstr(from));

    if (at == field->len)
        fail_msg("arc fixture: %s is not there", from);
    sgl_buf_add(&out, sgl_view_sub(*field, 0, at));
    sgl_buf_add_cstr(&out, to);
    sgl_buf_add(&out, sgl_view_from(*field, at + strlen(from)));
    arc_must(sgl_arena_dup(&fx->arena, sgl_buf_view(&out), field));
}

/* Lines of a zone for dns_fixture.h with the keys of s1 to s50. */
static inline const char *arc_zone(struct arc_fixture *fx)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1u << 16);
    const char *text;

    for (unsigned i = 1; i <= 50; i++)
        sgl_buf_addf(&out, "k._domainkey.s%u.test TXT " ARC_RECORD "\n", i);
    text = sgl_arena_cstr(&fx->arena, sgl_buf_view(&out));
    if (text == NULL)
        fail_msg("arc fixture: no memory");
    return text;
}

#endif
