/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/dkim by command line, for the Python tests: a JSON object a line on stdin, one a line on stdout. Messages are base64, everything else is text.
 *   {"op":"verify","in":MESSAGE,"dns":{NAME:TXT or [TXT...] or "NXDOMAIN|NODATA|SERVFAIL|TIMEOUT"},"now":N,"partial":bool}
 *       {"ok":true,"signatures":[{"domain","selector","algorithm","result","reason","key_bits","testing"}...],"ignored":N}
 *   {"op":"sign","in":MESSAGE,"canon":"relaxed/simple","now":N,"valid":N,"keys":[[DOMAIN,SELECTOR,PEM]...]}    {"ok":true,"message":MESSAGE}
 *   {"op":"key","text":TXT}, {"op":"signature","text":VALUE}                                                  {"ok":bool,"why":...}
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "sigillo/base64.h"
#include "sigillo/dkim_verify.h"

static struct sgl_crypto *crypto;

struct tool {
    struct sgl_arena arena;
    struct sgl_diag diag;
    json_t *in;
};

static json_t *text(sgl_view v)
{
    json_t *s = json_stringn(v.len == 0 ? "" : (const char *)v.ptr, v.len);

    return s == NULL ? json_null() : s;
}

static sgl_view string(const json_t *value)
{
    return sgl_view_of(json_string_value(value), json_string_length(value));
}

static json_t *failed(const struct tool *t)
{
    return json_pack("{s:b, s:s}", "ok", 0, "why",
                     t->diag.what == NULL ? "limit or memory" : t->diag.what);
}

static sgl_view message(struct tool *t)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(SIZE_MAX);
    sgl_view copy = {NULL, 0};

    if (sgl_base64_decode(string(json_object_get(t->in, "in")), &out) != SGL_OK ||
        sgl_arena_dup(&t->arena, sgl_buf_view(&out), &copy) != SGL_OK)
        abort();
    return copy;
}

/* Pieces of uneven sizes, as from a socket. */
static void feed(struct sgl_dkim_hashes *hashes, sgl_view body)
{
    for (size_t at = 0, n = 1; at < body.len; at += n, n = n * 3 % 1009 + 1)
        sgl_dkim_hashes_feed(hashes, sgl_view_sub(body, at, n));
}

/* ---- verify ---------------------------------------------------------------------------------------------------------- */

static enum sgl_dns_outcome outcome_of(const json_t *value)
{
    static const struct {
        const char *word;
        enum sgl_dns_outcome outcome;
    } words[] = {{"NXDOMAIN", SGL_DNS_NXDOMAIN},
                 {"NODATA", SGL_DNS_NODATA},
                 {"SERVFAIL", SGL_DNS_FAILED},
                 {"TIMEOUT", SGL_DNS_FAILED}};

    if (value == NULL)
        return SGL_DNS_NXDOMAIN;
    for (size_t i = 0; i < sizeof words / sizeof words[0] && json_is_string(value); i++) {
        if (strcmp(json_string_value(value), words[i].word) == 0)
            return words[i].outcome;
    }
    return SGL_DNS_OK;
}

static sgl_view txt_rdata(struct tool *t, sgl_view txt)
{
    uint8_t *wire = sgl_arena_alloc(&t->arena, txt.len + txt.len / 255 + 2);
    size_t len = 0;

    if (wire == NULL)
        abort();
    do {
        sgl_view part = sgl_view_sub(txt, 0, 255);

        wire[len++] = (uint8_t)part.len;
        if (part.len > 0)
            memcpy(wire + len, part.ptr, part.len);
        len += part.len;
        txt = sgl_view_from(txt, part.len);
    } while (txt.len > 0);
    return sgl_view_of(wire, len);
}

static void answer(struct tool *t, struct sgl_dns *dns, const struct sgl_dns_question *q)
{
    json_t *zone = json_object_get(t->in, "dns"), *value;
    sgl_view rdata[16];
    struct sgl_dns_raw raw = {.name = q->name, .type = q->type, .rdata = rdata};
    char name[256] = "";

    memcpy(name, q->name.text.ptr, q->name.text.len);
    value = json_object_get(zone, name);
    raw.outcome = outcome_of(value);
    if (raw.outcome == SGL_DNS_OK && json_is_string(value))
        rdata[raw.rdatas++] = txt_rdata(t, string(value));
    for (size_t i = 0; i < json_array_size(value) && i < 16; i++)
        rdata[raw.rdatas++] = txt_rdata(t, string(json_array_get(value, i)));
    if (sgl_dns_add_answer(dns, &raw) != SGL_OK)
        sgl_dns_fail(dns, q->name, q->type, "does not fit");
}

static json_t *verdict_json(const struct sgl_dkim_verdict *v)
{
    return json_pack("{s:o, s:o, s:o, s:s, s:s, s:i, s:b}", "domain", text(v->tags.domain),
                     "selector", text(v->tags.selector), "algorithm", text(v->tags.algorithm),
                     "result", sgl_dkim_result_name(v->result), "reason", v->reason, "key_bits",
                     (int)v->key_bits, "testing", v->testing);
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
    struct sgl_dkim_verifier v;
    struct sgl_dkim_verdicts verdicts;
    struct sgl_headers headers;
    sgl_view whole = message(t);
    enum sgl_status status;

    sgl_dns_init(&dns, 0);
    sgl_dkim_hashes_init(&hashes, crypto);
    if (sgl_headers_parse(whole, SGL_HEADERS_TOLERANT, &t->arena, &headers, &t->diag) != SGL_OK ||
        sgl_dkim_verifier_init(&v, crypto, &options, &headers, &hashes, &t->arena) != SGL_OK)
        return failed(t);
    feed(&hashes, sgl_view_from(whole, headers.body_off));
    if (sgl_dkim_hashes_finish(&hashes) != SGL_OK)
        return failed(t);
    while ((status = sgl_dkim_verify(&v, &dns, &verdicts)) == SGL_NEED_DNS) {
        const struct sgl_dns_question *q;

        for (q = sgl_dns_next_open(&dns, NULL); q != NULL; q = sgl_dns_next_open(&dns, q))
            answer(t, &dns, q);
    }
    return status == SGL_OK ? verdicts_json(&verdicts) : failed(t);
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

        if (sgl_private_key_sign(crypto, key_of(string(json_array_get(set, 2))), pending[i].digest,
                                 signature, &len) != SGL_OK ||
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
    sgl_auto(sgl_buf) encoded = SGL_BUF_INIT(SIZE_MAX);
    sgl_view whole = message(t), body_word;
    struct sgl_headers headers;
    uint8_t hash[SGL_SHA256_SIZE];

    options.header_canon =
        canon_of(sgl_view_split(string(json_object_get(t->in, "canon")), '/', &body_word));
    options.body_canon = canon_of(body_word);
    for (size_t i = 0; i < json_array_size(keys) && i < SGL_DKIM_SIGNATURES_MAX; i++) {
        const json_t *set = json_array_get(keys, i);
        bool rsa = sgl_private_key_type(key_of(string(json_array_get(set, 2)))) == SGL_KEY_RSA;

        signers[i] =
            (struct sgl_dkim_signer){string(json_array_get(set, 0)), string(json_array_get(set, 1)),
                                     rsa ? SGL_DKIM_RSA_SHA256 : SGL_DKIM_ED25519_SHA256};
    }
    if (sgl_headers_parse(whole, SGL_HEADERS_TOLERANT, &t->arena, &headers, &t->diag) != SGL_OK ||
        sgl_dkim_body_hash(crypto, options.body_canon, sgl_view_from(whole, headers.body_off),
                           hash) != SGL_OK ||
        sgl_dkim_sign_prepare(crypto, &options, &headers, hash, signers, json_array_size(keys),
                              &t->arena, pending, &t->diag) != SGL_OK ||
        !put_signatures(pending, keys, &out))
        return failed(t);
    sgl_buf_add(&out, whole);
    sgl_base64_encode(&encoded, sgl_buf_view(&out));
    return json_pack("{s:b, s:o}", "ok", 1, "message", text(sgl_buf_view(&encoded)));
}

/* ---- syntax ---------------------------------------------------------------------------------------------------------- */

static json_t *op_key(struct tool *t)
{
    struct sgl_public_key *made = NULL;
    struct sgl_dkim_key key;
    enum sgl_status status;

    if (sgl_dkim_key_parse(string(json_object_get(t->in, "text")), &t->arena, &key, &t->diag) !=
        SGL_OK)
        return failed(t);
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

    if (sgl_dkim_tags_parse(SGL_DKIM_SIGNATURE, string(json_object_get(t->in, "text")), &t->arena,
                            &tags, &t->diag) != SGL_OK)
        return failed(t);
    return json_pack("{s:b, s:o, s:o}", "ok", 1, "domain", text(tags.domain), "identity",
                     text(tags.identity));
}

static json_t *run(struct tool *t)
{
    static const struct {
        const char *op;
        json_t *(*run)(struct tool *t);
    } ops[] = {
        {"verify", op_verify}, {"sign", op_sign}, {"key", op_key}, {"signature", op_signature}};
    const char *op = json_string_value(json_object_get(t->in, "op"));

    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (op != NULL && strcmp(op, ops[i].op) == 0)
            return ops[i].run(t);
    return json_pack("{s:b, s:s}", "ok", 0, "why", "no such op");
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;

    crypto = sgl_crypto_new();
    while (crypto != NULL && getline(&line, &size, stdin) > 0) {
        struct tool t = {.arena = SGL_ARENA_INIT(64u << 20)};
        json_t *out;

        t.in = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        if (t.in == NULL)
            return 2;
        out = run(&t);
        json_dumpf(out, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(out);
        json_decref(t.in);
        sgl_arena_done(&t.arena);
    }
    free(line);
    return 0;
}
