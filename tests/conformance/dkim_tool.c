/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/dkim by command line, for the Python tests (tool.h). Messages are base64, everything else is text.
 *   {"op":"verify","in":MESSAGE,"zone":{...},"now":N,"partial":bool}
 *       {"ok":true,"signatures":[{"domain","selector","algorithm","result","reason","key_bits","testing"}...],"ignored":N}
 *   {"op":"sign","in":MESSAGE,"canon":"relaxed/simple","now":N,"valid":N,"keys":[[DOMAIN,SELECTOR,PEM]...]}    {"ok":true,"message":MESSAGE}
 *   {"op":"key","text":TXT}, {"op":"signature","text":VALUE}                                                  {"ok":bool,"why":...}
 */
#include <stdlib.h>
#include <string.h>

#include "sigillo/dkim_verify.h"
#include "zone.h"

static struct sgl_crypto *crypto;

static sgl_view message(struct tool *t)
{
    return tool_unbase64(t, json_object_get(t->in, "in"));
}

/* Pieces of uneven sizes, as from a socket. */
static void feed(struct sgl_dkim_hashes *hashes, sgl_view body)
{
    for (size_t at = 0, n = 1; at < body.len; at += n, n = n * 3 % 1009 + 1)
        sgl_dkim_hashes_feed(hashes, sgl_view_sub(body, at, n));
}

/* ---- verify ---------------------------------------------------------------------------------------------------------- */

static json_t *verdict_json(const struct sgl_dkim_verdict *v)
{
    return json_pack("{s:o, s:o, s:o, s:s, s:s, s:i, s:b}", "domain", tool_text(v->tags.domain),
                     "selector", tool_text(v->tags.selector), "algorithm",
                     tool_text(v->tags.algorithm), "result", sgl_dkim_result_name(v->result),
                     "reason", v->reason, "key_bits", (int)v->key_bits, "testing", v->testing);
}

static json_t *verdicts_json(const struct sgl_dkim_verdicts *verdicts)
{
    json_t *list = json_array();

    for (size_t i = 0; i < verdicts->count; i++)
        json_array_append_new(list, verdict_json(&verdicts->item[i]));
    return json_pack("{s:b, s:o, s:i}", "ok", 1, "signatures", list, "ignored",
                     (int)verdicts->ignored);
}

static json_t *op_verify(struct tool *t)
{
    const struct sgl_dkim_verify_options options = {
        .now = json_integer_value(json_object_get(t->in, "now")),
        .partial_body_ok = json_is_true(json_object_get(t->in, "partial"))};
    sgl_auto(sgl_dkim_hashes) hashes = {0};
    sgl_auto(sgl_dns) dns = {0};
    struct zone_driver driver = {.order = ALL_AT_ONCE};
    struct sgl_dkim_verifier v;
    struct sgl_dkim_verdicts verdicts;
    struct sgl_headers headers;
    sgl_view whole = message(t);
    enum sgl_status status;

    sgl_dns_init(&dns, 0);
    sgl_dkim_hashes_init(&hashes, crypto);
    if (sgl_headers_parse(whole, SGL_HEADERS_TOLERANT, &t->arena, &headers, &t->diag) != SGL_OK ||
        sgl_dkim_verifier_init(&v, crypto, &options, &headers, &hashes, &t->arena) != SGL_OK)
        return tool_failed_diag(t);
    feed(&hashes, sgl_view_from(whole, headers.body_off));
    if (sgl_dkim_hashes_finish(&hashes) != SGL_OK)
        return tool_failed_diag(t);
    while ((status = sgl_dkim_verify(&v, &dns, &verdicts)) == SGL_NEED_DNS)
        zone_step(t, &dns, &driver);
    return status == SGL_OK ? verdicts_json(&verdicts) : tool_failed_diag(t);
}

/* ---- sign ------------------------------------------------------------------------------------------------------------ */

/* The key of a PEM text; the last few are kept. */
static const struct sgl_private_key *key_of(sgl_view pem)
{
    static struct {
        struct sgl_private_key *key;
        char pem[8192];
    } kept[4];
    static size_t next;
    size_t slot;

    for (slot = 0; slot < 4; slot++) {
        if (kept[slot].key != NULL && sgl_view_eq(sgl_view_cstr(kept[slot].pem), pem))
            return kept[slot].key;
    }
    slot = next++ % 4;
    sgl_private_key_free(kept[slot].key);
    kept[slot].key = NULL;
    if (pem.len >= sizeof kept[slot].pem ||
        sgl_private_key_import(crypto, pem, &kept[slot].key) != SGL_OK)
        abort();
    memcpy(kept[slot].pem, pem.ptr, pem.len);
    kept[slot].pem[pem.len] = '\0';
    return kept[slot].key;
}

static enum sgl_dkim_canon canon_of(sgl_view word)
{
    return sgl_view_eq(word, SGL_LIT("simple")) ? SGL_DKIM_SIMPLE : SGL_DKIM_RELAXED;
}

static bool put_signatures(const struct sgl_dkim_pending *pending, const json_t *keys,
                           struct sgl_buf *out)
{
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *set = json_array_get(keys, i);
        uint8_t signature[SGL_SIGNATURE_MAX];
        size_t len = 0;

        if (sgl_private_key_sign(crypto, key_of(tool_string(json_array_get(set, 2))),
                                 pending[i].digest, signature, &len) != SGL_OK ||
            sgl_dkim_sign_finish(&pending[i], sgl_view_of(signature, len), out) != SGL_OK)
            return false;
    }
    return true;
}

static json_t *op_sign(struct tool *t)
{
    struct sgl_dkim_options options = {.now = json_integer_value(json_object_get(t->in, "now")),
                                       .valid_s =
                                           json_integer_value(json_object_get(t->in, "valid"))};
    const json_t *keys = json_object_get(t->in, "keys");
    struct sgl_dkim_signer signers[SGL_DKIM_SIGNATURES_MAX];
    struct sgl_dkim_pending pending[SGL_DKIM_SIGNATURES_MAX];
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(SIZE_MAX);
    sgl_view whole = message(t), body_word;
    struct sgl_headers headers;
    uint8_t hash[SGL_SHA256_SIZE];

    options.header_canon = canon_of(sgl_view_split(tool_member(t, "canon"), '/', &body_word));
    options.body_canon = canon_of(body_word);
    for (size_t i = 0; i < json_array_size(keys) && i < SGL_DKIM_SIGNATURES_MAX; i++) {
        const json_t *set = json_array_get(keys, i);
        bool rsa = sgl_private_key_type(key_of(tool_string(json_array_get(set, 2)))) == SGL_KEY_RSA;

        signers[i] = (struct sgl_dkim_signer){tool_string(json_array_get(set, 0)),
                                              tool_string(json_array_get(set, 1)),
                                              rsa ? SGL_DKIM_RSA_SHA256 : SGL_DKIM_ED25519_SHA256};
    }
    if (sgl_headers_parse(whole, SGL_HEADERS_TOLERANT, &t->arena, &headers, &t->diag) != SGL_OK ||
        sgl_dkim_body_hash(crypto, options.body_canon, sgl_view_from(whole, headers.body_off),
                           hash) != SGL_OK ||
        sgl_dkim_sign_prepare(crypto, &options, &headers, hash, signers, json_array_size(keys),
                              &t->arena, pending, &t->diag) != SGL_OK ||
        !put_signatures(pending, keys, &out))
        return tool_failed_diag(t);
    sgl_buf_add(&out, whole);
    return json_pack("{s:b, s:o}", "ok", 1, "message", tool_base64(sgl_buf_view(&out)));
}

/* ---- syntax ---------------------------------------------------------------------------------------------------------- */

static json_t *op_key(struct tool *t)
{
    struct sgl_public_key *made = NULL;
    struct sgl_dkim_key key;
    enum sgl_status status;

    if (sgl_dkim_key_parse(tool_member(t, "text"), &t->arena, &key, &t->diag) != SGL_OK)
        return tool_failed_diag(t);
    if (key.revoked)
        return json_pack("{s:b, s:b}", "ok", 1, "revoked", 1);
    status = sgl_public_key_parse(crypto, key.type, key.bytes, &made);
    sgl_public_key_free(made);
    return json_pack("{s:b, s:s}", "ok", status == SGL_OK, "why",
                     status == SGL_OK ? "" : "the bytes are no public key");
}

static json_t *op_signature(struct tool *t)
{
    struct sgl_dkim_tags tags;

    if (sgl_dkim_tags_parse(SGL_DKIM_SIGNATURE, tool_member(t, "text"), &t->arena, &tags,
                            &t->diag) != SGL_OK)
        return tool_failed_diag(t);
    return json_pack("{s:b, s:o, s:o}", "ok", 1, "domain", tool_text(tags.domain), "identity",
                     tool_text(tags.identity));
}

int main(void)
{
    static const struct tool_op ops[] = {{"verify", op_verify},
                                         {"sign", op_sign},
                                         {"key", op_key},
                                         {"signature", op_signature},
                                         {NULL, NULL}};

    crypto = sgl_crypto_new();
    return crypto == NULL ? 2 : tool_main(ops);
}
