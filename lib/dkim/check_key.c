/* SPDX-License-Identifier: Apache-2.0 */
/* A signature against the keys found  [RFC 6376 s6.1.2 steps 3 to 8, s6.1.3 step 4]. */
#include "dkim_internal.h"

struct claim {
    const struct sgl_crypto *crypto;
    const struct sgl_dkim_verify_options *options;
    const struct sgl_dkim_tags *tags;
    const uint8_t *digest;
};

static struct sgl_dkim_verdict permerror(const char *reason)
{
    return (struct sgl_dkim_verdict){.result = SGL_DKIM_PERMERROR, .reason = reason};
}

static enum sgl_key_type type_of(enum sgl_dkim_algorithm algorithm)
{
    switch (algorithm) {
    case SGL_DKIM_RSA_SHA256:
        return SGL_KEY_RSA;
    case SGL_DKIM_ED25519_SHA256:
        return SGL_KEY_ED25519;
    }
    return SGL_KEY_RSA;
}

/* What the record says against this signature; NULL: nothing. */
static const char *objection(const struct sgl_dkim_tags *tags, const struct sgl_dkim_key *key)
{
    sgl_view host = sgl_view_sub(tags->identity, 0, 0);

    if (!key->sha256) /* step 6 */
        return "the key is not for SHA-256";
    if (!key->email) /* [RFC 6376 s3.6.1] s= */
        return "the key is not for mail";
    if (key->type != type_of(tags->alg)) /* step 8 */
        return "the key is of another type than the signature";
    for (size_t i = tags->identity.len; i > 0; i--) {
        if (tags->identity.ptr[i - 1] == '@') {
            host = sgl_view_from(tags->identity, i);
            break;
        }
    }
    if (key->strict && !sgl_view_eq(host, tags->domain)) /* [RFC 6376 s3.6.1] t=s */
        return "the key's t=s wants the domain of i= to be d=";
    return NULL;
}

/* Why the bytes of a key are of no use. */
static struct sgl_dkim_verdict unusable(const struct sgl_dkim_key *key)
{
    struct sgl_dkim_verdict out = permerror("the key's bytes are no public key");

    if (key->type != SGL_KEY_RSA)
        return out;
    out.key_bits = sgl_rsa_public_bits(key->bytes);
    if (out.key_bits > 0 && out.key_bits < SGL_RSA_BITS_MIN) /* [RFC 8301 s3.2] */
        out.reason = "the key is shorter than 1024 bits";
    if (out.key_bits > SGL_RSA_BITS_MAX)
        out.reason = "the key is longer than 4096 bits";
    return out;
}

static enum sgl_status verify(const struct claim *claim, const struct sgl_public_key *key,
                              struct sgl_dkim_verdict *out)
{
    bool valid = false;

    out->key_bits = sgl_public_key_bits(key);
    if (claim->tags->alg == SGL_DKIM_RSA_SHA256 && out->key_bits < claim->options->rsa_bits_min) {
        *out = permerror("the key is shorter than we accept");
        out->key_bits = sgl_public_key_bits(key);
        return SGL_OK;
    }
    SGL_TRY(
        sgl_public_key_verify(claim->crypto, key, claim->digest, claim->tags->signature, &valid));
    out->result = valid ? SGL_DKIM_PASS : SGL_DKIM_FAIL;
    out->reason = valid ? ""
                        : "the signature does not fit: signed fields were changed, or it was made "
                          "with another key";
    return SGL_OK;
}

static enum sgl_status try_key(const struct claim *claim, const struct sgl_dkim_key *key,
                               struct sgl_dkim_verdict *out)
{
    const struct sgl_dkim_key_cache *cache = claim->options->keys;
    const struct sgl_public_key *known = NULL;
    const char *no = objection(claim->tags, key);
    struct sgl_public_key *made = NULL;
    enum sgl_status status;

    if (no != NULL) {
        *out = permerror(no);
        return SGL_OK;
    }
    if (cache != NULL && cache->find != NULL)
        known = cache->find(cache->ctx, key->type, key->bytes);
    if (known != NULL)
        return verify(claim, known, out);
    status = sgl_public_key_parse(claim->crypto, key->type, key->bytes, &made);
    if (status == SGL_E_SYNTAX) {
        *out = unusable(key);
        return SGL_OK;
    }
    SGL_TRY(status);
    status = verify(claim, made, out);
    /* After its use, so that a cache may drop it at once. */
    if (cache == NULL || cache->keep == NULL ||
        !cache->keep(cache->ctx, key->type, key->bytes, made))
        sgl_public_key_free(made);
    return status;
}

/* How much a verdict says: a mismatch says more than a key that could not be used. */
static int weight(enum sgl_dkim_result result)
{
    return result == SGL_DKIM_PASS ? 2 : result == SGL_DKIM_FAIL ? 1 : 0;
}

static enum sgl_status try_keys(const struct claim *claim, const struct sgl_dkim_key_answer *keys,
                                struct sgl_dkim_verdict *best)
{
    for (size_t i = 0; i < keys->count; i++) {
        struct sgl_dkim_verdict one = {.reason = ""};

        SGL_TRY(try_key(claim, &keys->key[i], &one));
        one.testing = keys->key[i].testing;
        if (i == 0 || weight(one.result) > weight(best->result))
            *best = one;
        if (one.result == SGL_DKIM_PASS)
            break;
    }
    return SGL_OK;
}

enum sgl_status sgl_dkim_check_key(const struct sgl_crypto *crypto,
                                   const struct sgl_dkim_verify_options *options,
                                   const struct sgl_dkim_key_answer *keys,
                                   const uint8_t digest[SGL_SHA256_SIZE],
                                   struct sgl_dkim_verdict *verdict)
{
    const struct claim claim = {crypto, options, &verdict->tags, digest};
    struct sgl_dkim_verdict best = permerror(keys->why);

    switch (keys->state) {
    case SGL_DKIM_KEY_FOUND:
        SGL_TRY(try_keys(&claim, keys, &best));
        break;
    case SGL_DKIM_KEY_TEMPERROR: /* step 2 */
        best.result = SGL_DKIM_TEMPERROR;
        break;
    case SGL_DKIM_KEY_NONE:    /* step 3 */
    case SGL_DKIM_KEY_BROKEN:  /* step 5 */
    case SGL_DKIM_KEY_REVOKED: /* step 7 */
        break;
    }
    verdict->result = best.result;
    verdict->reason = best.reason;
    verdict->key_bits = best.key_bits;
    verdict->testing = best.testing;
    verdict->secure = keys->security == SGL_DNS_SECURE;
    return SGL_OK;
}
