/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SCRAM-SHA-256, the server's side, without channel binding.  [RFC 5802, RFC 7677]
 * States: FIRST -> SECRET (the caller looks the user up) -> FINAL -> OVER.
 */
#include "sigillo/ascii.h"
#include "sigillo/base64.h"
#include "sigillo/limits.h"
#include "sigillo/sasl.h"
#include "sigillo/utf8.h"
#include "smtp_internal.h"

enum { FIRST, SECRET, FINAL, OVER };
enum { NONCE_MAX = 256, NONCE_OURS_MIN = 18, ITERATIONS_MIN = 4096, MESSAGE_MAX = 4096 };

void sgl_scram_server_init(struct sgl_scram_server *s)
{
    *s = (struct sgl_scram_server){.user = SGL_BUF_INIT(SGL_LIMIT_SASL_FIELD),
                                   .text = SGL_BUF_INIT(3 * MESSAGE_MAX),
                                   .nonce = SGL_BUF_INIT(2 * NONCE_MAX)};
}

void sgl_scram_server_done(struct sgl_scram_server *s)
{
    sgl_wipe(s->stored_key, sizeof s->stored_key);
    sgl_wipe(s->server_key, sizeof s->server_key);
    sgl_buf_done(&s->user);
    sgl_buf_done(&s->text);
    sgl_buf_done(&s->nonce);
    s->state = OVER;
}

static enum sgl_sasl_step broken(struct sgl_scram_server *s)
{
    s->state = OVER;
    return SGL_SASL_BROKEN;
}

/* "x=value" at the front of *text, up to a comma: true, the value, and *text behind the comma (ptr NULL at the end). */
static bool attribute(sgl_view *text, char name, sgl_view *value)
{
    sgl_view one;

    if (text->ptr == NULL)
        return false;
    one = sgl_view_split(*text, ',', text);
    if (one.len < 2 || one.ptr[0] != (uint8_t)name || one.ptr[1] != '=')
        return false;
    *value = sgl_view_from(one, 2);
    return true;
}

static bool printable(sgl_view v)
{
    for (size_t i = 0; i < v.len; i++) {
        if (!sgl_ascii_is_visible(v.ptr[i]) || v.ptr[i] == ',')
            return false;
    }
    return v.len > 0;
}

enum sgl_sasl_step sgl_scram_server_first(struct sgl_scram_server *s, sgl_view message)
{
    sgl_view rest = message, flag, authzid, name, nonce, bare;

    if (s->state != FIRST || message.len > MESSAGE_MAX || !sgl_utf8_valid(message) ||
        sgl_view_find(message, '\0') != message.len)
        return broken(s);
    flag = sgl_view_split(rest, ',', &rest);
    if (flag.len != 1 || (flag.ptr[0] != 'n' && flag.ptr[0] != 'y') || rest.ptr == NULL)
        return broken(s); /* "p=": channel binding, which was not offered */
    s->gs2 = (char)flag.ptr[0];
    authzid = sgl_view_split(rest, ',', &rest);
    if (authzid.len != 0 || rest.ptr == NULL)
        return broken(s); /* acting for somebody else is not offered either */
    bare = rest;
    if (!attribute(&rest, 'n', &name) || !attribute(&rest, 'r', &nonce))
        return broken(s); /* "m=" would be a mandatory extension: refused as RFC 5802 s5.1 wants */
    if (nonce.len > NONCE_MAX || !printable(nonce) || !sgl_saslname_decode(name, &s->user))
        return broken(s);
    sgl_buf_add(&s->text, bare);
    sgl_buf_add_byte(&s->text, ',');
    sgl_buf_add(&s->nonce, nonce);
    s->state = SECRET;
    return sgl_join(s->text.status, s->nonce.status) == SGL_OK ? SGL_SASL_CHECK : SGL_SASL_NOMEM;
}

enum sgl_sasl_step sgl_scram_server_secret(struct sgl_scram_server *s,
                                           const struct sgl_scram_secret *secret, sgl_view nonce,
                                           struct sgl_buf *out)
{
    size_t start = out->len;

    if (s->state != SECRET || nonce.len < NONCE_OURS_MIN || secret->iterations < ITERATIONS_MIN)
        return broken(s);
    sgl_base64_encode(&s->nonce, nonce); /* its alphabet has no comma */
    memcpy(s->stored_key, secret->stored_key, sizeof s->stored_key);
    memcpy(s->server_key, secret->server_key, sizeof s->server_key);
    s->known = secret->known;
    sgl_buf_add(out, SGL_LIT("r="));
    sgl_buf_add(out, sgl_buf_view(&s->nonce));
    sgl_buf_add(out, SGL_LIT(",s="));
    sgl_base64_encode(out, secret->salt);
    sgl_buf_add(out, SGL_LIT(",i="));
    sgl_buf_add_u64(out, secret->iterations);
    sgl_buf_add(&s->text, sgl_view_from(sgl_buf_view(out), start));
    sgl_buf_add_byte(&s->text, ',');
    s->state = FINAL;
    if (sgl_join(sgl_join(out->status, s->text.status), s->nonce.status) != SGL_OK)
        return SGL_SASL_NOMEM;
    return SGL_SASL_CHALLENGE;
}

/* ClientProof XOR HMAC(StoredKey, AuthMessage) must hash to StoredKey.  [RFC 5802 s3] */
static enum sgl_status proof_ok(const struct sgl_scram_server *s, const struct sgl_crypto *crypto,
                                sgl_view proof, bool *ok)
{
    uint8_t signature[SGL_SHA256_SIZE], client_key[SGL_SHA256_SIZE], hash[SGL_SHA256_SIZE];

    SGL_TRY(sgl_hmac_sha256(crypto, sgl_view_of(s->stored_key, sizeof s->stored_key),
                            sgl_buf_view(&s->text), signature));
    for (size_t i = 0; i < sizeof client_key; i++)
        client_key[i] = proof.ptr[i] ^ signature[i];
    SGL_TRY(sgl_sha256(crypto, sgl_view_of(client_key, sizeof client_key), hash));
    sgl_wipe(client_key, sizeof client_key);
    *ok = sgl_view_eq_secret(sgl_view_of(hash, sizeof hash),
                             sgl_view_of(s->stored_key, sizeof s->stored_key)) &&
          s->known;
    return SGL_OK;
}

static enum sgl_status put_server_final(const struct sgl_scram_server *s,
                                        const struct sgl_crypto *crypto, struct sgl_buf *out)
{
    uint8_t signature[SGL_SHA256_SIZE];

    SGL_TRY(sgl_hmac_sha256(crypto, sgl_view_of(s->server_key, sizeof s->server_key),
                            sgl_buf_view(&s->text), signature));
    sgl_buf_add(out, SGL_LIT("v="));
    sgl_base64_encode(out, sgl_view_of(signature, sizeof signature));
    return out->status;
}

/* "c=" base64 of the GS2 header that the client began with. */
static bool binding_ok(const struct sgl_scram_server *s, sgl_view value)
{
    return sgl_view_eq(value, s->gs2 == 'n' ? SGL_LIT("biws") : SGL_LIT("eSws"));
}

enum sgl_sasl_step sgl_scram_server_final(struct sgl_scram_server *s,
                                          const struct sgl_crypto *crypto, sgl_view message,
                                          struct sgl_buf *out)
{
    sgl_auto(sgl_buf) proof = SGL_BUF_INIT(2 * SGL_SHA256_SIZE);
    sgl_view rest = message, binding, nonce, value;
    size_t last = message.len;
    bool ok = false;

    if (s->state != FINAL || message.len > MESSAGE_MAX)
        return broken(s);
    s->state = OVER;
    if (!attribute(&rest, 'c', &binding) || !attribute(&rest, 'r', &nonce))
        return SGL_SASL_BROKEN;
    while (last > 0 &&
           message.ptr[last - 1] != ',') /* the proof stands last; extensions may stand before it */
        last--;
    rest = sgl_view_from(message, last);
    if (last < (size_t)(nonce.ptr + nonce.len - message.ptr) || !attribute(&rest, 'p', &value) ||
        rest.ptr != NULL)
        return SGL_SASL_BROKEN;
    if (!binding_ok(s, binding) || !sgl_view_eq(nonce, sgl_buf_view(&s->nonce)))
        return SGL_SASL_BROKEN;
    if (sgl_base64_decode(value, &proof) != SGL_OK || proof.len != SGL_SHA256_SIZE)
        return SGL_SASL_BROKEN;
    sgl_buf_add(&s->text, sgl_view_sub(message, 0, last - 1));
    if (s->text.status != SGL_OK || proof_ok(s, crypto, sgl_buf_view(&proof), &ok) != SGL_OK)
        return SGL_SASL_NOMEM;
    if (!ok)
        return SGL_SASL_REFUSED;
    return put_server_final(s, crypto, out) == SGL_OK ? SGL_SASL_OK : SGL_SASL_NOMEM;
}

enum sgl_status sgl_scram_secret_make(const struct sgl_crypto *crypto, sgl_view password,
                                      struct sgl_scram_secret *out)
{
    uint8_t salted[SGL_SHA256_SIZE], client_key[SGL_SHA256_SIZE], stored[SGL_SHA256_SIZE],
        server[SGL_SHA256_SIZE];
    enum sgl_status st;

    SGL_TRY(sgl_pbkdf2_sha256(crypto, password, out->salt, out->iterations, salted));
    st = sgl_hmac_sha256(crypto, sgl_view_of(salted, sizeof salted), SGL_LIT("Client Key"),
                         client_key);
    if (st == SGL_OK)
        st = sgl_sha256(crypto, sgl_view_of(client_key, sizeof client_key), stored);
    if (st == SGL_OK)
        st = sgl_hmac_sha256(crypto, sgl_view_of(salted, sizeof salted), SGL_LIT("Server Key"),
                             server);
    sgl_wipe(salted, sizeof salted);
    sgl_wipe(client_key, sizeof client_key);
    if (st != SGL_OK)
        return st;
    memcpy(out->stored_key, stored, sizeof stored);
    memcpy(out->server_key, server, sizeof server);
    return SGL_OK;
}
