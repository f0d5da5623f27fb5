/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/arc by command line, for the Python tests (tool.h).  Bytes come and go as base64.
 *
 *   {"op":"verify","message":B64,"zone":{...}}
 *   {"op":"seal","message":B64,"zone":{...},"domain":...,"selector":...,"key":PEM,"id":...,"now":N,"headers":[...]}
 * seal does what `sigillo arc seal` does: results and, where it stands there, the chain's state from the message's own Authentication-Results.
 */
#include "sigillo/arc.h"
#include "sigillo/limits.h"
#include "zone.h"

#define NAMES_MAX 64

static struct sgl_crypto *crypto;

struct work {
    struct tool *tool;
    struct sgl_arena *arena; /* the tool's */
    sgl_view message;
    struct sgl_headers headers;
    struct sgl_dkim_hashes hashes;
    struct sgl_arc_verifier verifier;
    struct sgl_dns dns;
    struct sgl_arc arc;
};

/* ---- verify ---- */

static void feed(struct sgl_dkim_hashes *hashes, sgl_view body)
{
    for (size_t at = 0, n = 1; at < body.len; at += n, n = n * 3 % 1009 + 1)
        sgl_dkim_hashes_feed(hashes, sgl_view_sub(body, at, n));
}

/* The chain's state into w->arc. NULL, or what went wrong. */
static const char *judge(struct work *w, bool seals_only)
{
    const struct sgl_dkim_verify_options options = {0};
    struct zone_driver driver = {.order = ALL_AT_ONCE};
    enum sgl_status st;

    sgl_dkim_hashes_init(&w->hashes, crypto);
    if (sgl_arc_verifier_init(&w->verifier, crypto, &options, &w->headers, &w->hashes, w->arena) !=
        SGL_OK)
        return "init";
    w->verifier.seals_only = seals_only;
    feed(&w->hashes, sgl_view_from(w->message, w->headers.body_off));
    if (sgl_dkim_hashes_finish(&w->hashes) != SGL_OK)
        return "hashes";
    while ((st = sgl_arc_verify(&w->verifier, &w->dns, &w->arc)) == SGL_NEED_DNS)
        zone_step(w->tool, &w->dns, &driver);
    return st == SGL_OK ? NULL : sgl_status_name(st);
}

static const char *word(enum sgl_dkim_result result)
{
    if (result == SGL_DKIM_NONE)
        return "none";
    return result == SGL_DKIM_PASS ? "pass" : "fail";
}

static json_t *verify(struct work *w)
{
    json_t *sets = json_array();
    const char *why = judge(w, false);

    if (why != NULL)
        return tool_failed(why);
    for (size_t i = 0; i < w->arc.sets; i++) {
        const struct sgl_arc_set *s = &w->arc.set[i];

        json_array_append_new(
            sets, json_pack("{s:i, s:o, s:o, s:o, s:s, s:s}", "instance", (int)s->instance,
                            "domain", tool_text(s->seal_tags.domain), "selector",
                            tool_text(s->seal_tags.selector), "authserv", tool_text(s->authserv),
                            "ams", word(s->message_result), "as", word(s->seal_result)));
    }
    return json_pack("{s:b, s:s, s:s, s:s, s:i, s:i, s:o}", "ok", 1, "result",
                     sgl_arc_result_name(w->arc.result), "reason", w->arc.reason, "detail",
                     w->arc.detail, "at", (int)w->arc.at, "oldest_pass", (int)w->arc.oldest_pass,
                     "sets", sets);
}

/* ---- seal ---- */

/* The chain as it arrived: this hand's own word if there is one, and the seals; else all of it. */
static const char *judge_arrival(struct work *w, const struct sgl_arc_arrival *arrival,
                                 enum sgl_arc_result *chain)
{
    const char *why = judge(w, arrival->chain_known && arrival->chain == SGL_ARC_PASS);

    if (why != NULL)
        return why;
    *chain = w->arc.result;
    if (*chain == SGL_ARC_PASS && arrival->chain_known && arrival->chain == SGL_ARC_FAIL)
        *chain = SGL_ARC_FAIL;
    return NULL;
}

static const char *sign_both(struct work *w, struct sgl_private_key *key,
                             const struct sgl_arc_sealer *sealer, struct sgl_arc_pending *pending,
                             struct sgl_buf *out)
{
    uint8_t hash[SGL_SHA256_SIZE], signature[SGL_SIGNATURE_MAX];
    struct sgl_diag diag = {0};
    size_t len;

    if (sgl_dkim_body_hash(crypto, SGL_DKIM_RELAXED, sgl_view_from(w->message, w->headers.body_off),
                           hash) != SGL_OK)
        return "body";
    if (sgl_arc_seal_message(crypto, sealer, &w->headers, hash, &w->arc, w->arena, pending,
                             &diag) != SGL_OK)
        return diag.what == NULL ? "limit or memory" : diag.what;
    if (pending->nothing)
        return NULL;
    if (sgl_private_key_sign(crypto, key, pending->digest, signature, &len) != SGL_OK ||
        sgl_arc_seal_chain(crypto, sgl_view_of(signature, len), w->arena, pending) != SGL_OK ||
        sgl_private_key_sign(crypto, key, pending->digest, signature, &len) != SGL_OK ||
        sgl_arc_seal_finish(pending, sgl_view_of(signature, len), out) != SGL_OK)
        return "sign";
    return NULL;
}

static const char *make_fields(struct work *w, struct sgl_arc_pending *pending, struct sgl_buf *out)
{
    const json_t *names = json_object_get(w->tool->in, "headers");
    sgl_view name[NAMES_MAX];
    struct sgl_arc_arrival arrival;
    struct sgl_private_key *key = NULL;
    struct sgl_arc_sealer sealer = {.domain = tool_member(w->tool, "domain"),
                                    .selector = tool_member(w->tool, "selector"),
                                    .authserv_id = tool_member(w->tool, "id"),
                                    .signed_name = names == NULL ? NULL : name,
                                    .signed_names = json_array_size(names),
                                    .now = json_integer_value(json_object_get(w->tool->in, "now"))};
    const char *why;

    for (size_t i = 0; i < sealer.signed_names && i < NAMES_MAX; i++)
        name[i] = tool_string(json_array_get(names, i));
    if (sgl_arc_arrival_read(&w->headers, sealer.authserv_id, w->arena, &arrival) != SGL_OK)
        return "arrival";
    sealer.results = arrival.results;
    why = judge_arrival(w, &arrival, &sealer.chain);
    if (why != NULL)
        return why;
    if (sgl_private_key_import(crypto, tool_member(w->tool, "key"), &key) != SGL_OK)
        return "key";
    sealer.algorithm =
        sgl_private_key_type(key) == SGL_KEY_RSA ? SGL_DKIM_RSA_SHA256 : SGL_DKIM_ED25519_SHA256;
    why = sign_both(w, key, &sealer, pending, out);
    sgl_private_key_free(key);
    return why;
}

static json_t *seal(struct work *w)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1u << 20);
    struct sgl_arc_pending pending = {0};
    const char *why = make_fields(w, &pending, &out);

    if (why != NULL)
        return tool_failed(why);
    return json_pack("{s:b, s:b, s:i, s:s, s:o}", "ok", 1, "nothing", (int)pending.nothing,
                     "instance", (int)pending.instance, "chain", sgl_arc_result_name(pending.chain),
                     "fields", tool_base64(sgl_buf_view(&out)));
}

/* ---- one line ---- */

static json_t *with_message(struct tool *t, json_t *(*run)(struct work *w))
{
    struct work w = {.tool = t,
                     .arena = &t->arena,
                     .message = tool_unbase64(t, json_object_get(t->in, "message"))};
    json_t *out;

    if (sgl_headers_parse(w.message, SGL_HEADERS_TOLERANT, w.arena, &w.headers, NULL) != SGL_OK)
        return tool_failed("not a message");
    sgl_dns_init(&w.dns, SGL_LIMIT_JUDGE_QUESTIONS);
    out = run(&w);
    sgl_dkim_hashes_done(&w.hashes);
    sgl_dns_done(&w.dns);
    return out;
}

static json_t *op_verify(struct tool *t)
{
    return with_message(t, verify);
}

static json_t *op_seal(struct tool *t)
{
    return with_message(t, seal);
}

int main(void)
{
    static const struct tool_op ops[] = {{"verify", op_verify}, {"seal", op_seal}, {NULL, NULL}};
    int status = 2;

    crypto = sgl_crypto_new();
    if (crypto != NULL)
        status = tool_main(ops);
    sgl_crypto_free(crypto);
    return status;
}
