/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/arc by command line, for the Python tests: a JSON object a line on stdin, one a line on stdout.  Bytes come and go as base64; "txt" maps names to the text of their record, to a
 * list of texts, or to null for a lookup that fails.
 *
 *   {"op":"verify","message":B64,"txt":{...}}
 *   {"op":"seal","message":B64,"txt":{...},"domain":...,"selector":...,"key":PEM,"id":...,"now":N,"headers":[...]}
 * seal does what `sigillo arc seal` does: results and, where it stands there, the chain's state from the message's own Authentication-Results.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "sigillo/arc.h"
#include "sigillo/base64.h"
#include "sigillo/limits.h"

#define NAMES_MAX 64

struct tool {
    const struct sgl_crypto *crypto;
    struct sgl_arena arena;
    struct sgl_dns dns;
    json_t *in;
    sgl_view message;
    struct sgl_headers headers;
    struct sgl_dkim_hashes hashes;
    struct sgl_arc_verifier verifier;
    struct sgl_arc arc;
};

static sgl_view member(const struct tool *t, const char *name)
{
    return sgl_view_cstr(json_string_value(json_object_get(t->in, name)));
}

static json_t *text(sgl_view v)
{
    json_t *s = json_stringn(v.len == 0 ? "" : (const char *)v.ptr, v.len);

    return s == NULL ? json_null() : s;
}

static json_t *failed(const char *why)
{
    return json_pack("{s:b, s:s}", "ok", 0, "why", why);
}

/* ---- DNS ---- */

/* Appends one TXT record to raw. */
static void add_record(struct tool *t, struct sgl_dns_raw *raw, sgl_view *rdata,
                       const json_t *value)
{
    sgl_auto(sgl_buf) wire = SGL_BUF_INIT(65536);
    sgl_view rest = sgl_view_of(json_string_value(value), json_string_length(value));

    while (rest.len > 0) {
        sgl_view part = sgl_view_sub(rest, 0, 255);

        sgl_buf_add_byte(&wire, (uint8_t)part.len);
        sgl_buf_add(&wire, part);
        rest = sgl_view_from(rest, part.len);
    }
    if (sgl_arena_dup(&t->arena, sgl_buf_view(&wire), &rdata[raw->rdatas]) != SGL_OK)
        abort();
    raw->rdatas++;
}

static void answer(struct tool *t, const struct sgl_dns_question *q)
{
    const json_t *txt = json_object_get(t->in, "txt"), *one;
    const json_t *value = json_object_getn(txt, (const char *)q->name.text.ptr, q->name.text.len);
    sgl_view rdata[16];
    size_t at;
    struct sgl_dns_raw raw = {
        .name = q->name, .type = q->type, .rdata = rdata, .outcome = SGL_DNS_NXDOMAIN};

    if (json_is_null(value))
        raw.outcome = SGL_DNS_FAILED;
    else if (value != NULL)
        raw.outcome = SGL_DNS_OK;
    if (json_is_string(value))
        add_record(t, &raw, rdata, value);
    json_array_foreach(value, at, one)
    {
        if (raw.rdatas < 16)
            add_record(t, &raw, rdata, one);
    }
    if (sgl_dns_add_answer(&t->dns, &raw) != SGL_OK)
        sgl_dns_fail(&t->dns, q->name, q->type, "does not fit");
}

/* ---- verify ---- */

static void feed(struct sgl_dkim_hashes *hashes, sgl_view body)
{
    for (size_t at = 0, n = 1; at < body.len; at += n, n = n * 3 % 1009 + 1)
        sgl_dkim_hashes_feed(hashes, sgl_view_sub(body, at, n));
}

/* The chain's state into t->arc. NULL, or what went wrong. */
static const char *judge(struct tool *t, bool seals_only)
{
    const struct sgl_dkim_verify_options options = {0};
    enum sgl_status st;

    sgl_dkim_hashes_init(&t->hashes, t->crypto);
    if (sgl_arc_verifier_init(&t->verifier, t->crypto, &options, &t->headers, &t->hashes,
                              &t->arena) != SGL_OK)
        return "init";
    t->verifier.seals_only = seals_only;
    feed(&t->hashes, sgl_view_from(t->message, t->headers.body_off));
    if (sgl_dkim_hashes_finish(&t->hashes) != SGL_OK)
        return "hashes";
    while ((st = sgl_arc_verify(&t->verifier, &t->dns, &t->arc)) == SGL_NEED_DNS) {
        const struct sgl_dns_question *q;

        while ((q = sgl_dns_next_open(&t->dns, NULL)) != NULL)
            answer(t, q);
    }
    return st == SGL_OK ? NULL : sgl_status_name(st);
}

static const char *word(enum sgl_dkim_result result)
{
    if (result == SGL_DKIM_NONE)
        return "none";
    return result == SGL_DKIM_PASS ? "pass" : "fail";
}

static json_t *op_verify(struct tool *t)
{
    json_t *sets = json_array();
    const char *why = judge(t, false);

    if (why != NULL)
        return failed(why);
    for (size_t i = 0; i < t->arc.sets; i++) {
        const struct sgl_arc_set *s = &t->arc.set[i];

        json_array_append_new(sets, json_pack("{s:i, s:o, s:o, s:o, s:s, s:s}", "instance",
                                              (int)s->instance, "domain", text(s->seal_tags.domain),
                                              "selector", text(s->seal_tags.selector), "authserv",
                                              text(s->authserv), "ams", word(s->message_result),
                                              "as", word(s->seal_result)));
    }
    return json_pack("{s:b, s:s, s:s, s:s, s:i, s:i, s:o}", "ok", 1, "result",
                     sgl_arc_result_name(t->arc.result), "reason", t->arc.reason, "detail",
                     t->arc.detail, "at", (int)t->arc.at, "oldest_pass", (int)t->arc.oldest_pass,
                     "sets", sets);
}

/* ---- seal ---- */

/* The chain as it arrived: this hand's own word if there is one, and the seals; else all of it. */
static const char *judge_arrival(struct tool *t, const struct sgl_arc_arrival *arrival,
                                 enum sgl_arc_result *chain)
{
    const char *why = judge(t, arrival->chain_known && arrival->chain == SGL_ARC_PASS);

    if (why != NULL)
        return why;
    *chain = t->arc.result;
    if (*chain == SGL_ARC_PASS && arrival->chain_known && arrival->chain == SGL_ARC_FAIL)
        *chain = SGL_ARC_FAIL;
    return NULL;
}

static const char *sign_both(struct tool *t, struct sgl_private_key *key,
                             const struct sgl_arc_sealer *sealer, struct sgl_arc_pending *pending,
                             struct sgl_buf *out)
{
    uint8_t hash[SGL_SHA256_SIZE], signature[SGL_SIGNATURE_MAX];
    struct sgl_diag diag = {0};
    size_t len;

    if (sgl_dkim_body_hash(t->crypto, SGL_DKIM_RELAXED,
                           sgl_view_from(t->message, t->headers.body_off), hash) != SGL_OK)
        return "body";
    if (sgl_arc_seal_message(t->crypto, sealer, &t->headers, hash, &t->arc, &t->arena, pending,
                             &diag) != SGL_OK)
        return diag.what == NULL ? "limit or memory" : diag.what;
    if (pending->nothing)
        return NULL;
    if (sgl_private_key_sign(t->crypto, key, pending->digest, signature, &len) != SGL_OK ||
        sgl_arc_seal_chain(t->crypto, sgl_view_of(signature, len), &t->arena, pending) != SGL_OK ||
        sgl_private_key_sign(t->crypto, key, pending->digest, signature, &len) != SGL_OK ||
        sgl_arc_seal_finish(pending, sgl_view_of(signature, len), out) != SGL_OK)
        return "sign";
    return NULL;
}

static const char *seal(struct tool *t, struct sgl_arc_pending *pending, struct sgl_buf *out)
{
    const json_t *names = json_object_get(t->in, "headers");
    sgl_view name[NAMES_MAX];
    struct sgl_arc_arrival arrival;
    struct sgl_private_key *key = NULL;
    struct sgl_arc_sealer sealer = {.domain = member(t, "domain"),
                                    .selector = member(t, "selector"),
                                    .authserv_id = member(t, "id"),
                                    .signed_name = names == NULL ? NULL : name,
                                    .signed_names = json_array_size(names),
                                    .now = json_integer_value(json_object_get(t->in, "now"))};
    const char *why;

    for (size_t i = 0; i < sealer.signed_names && i < NAMES_MAX; i++)
        name[i] = sgl_view_cstr(json_string_value(json_array_get(names, i)));
    if (sgl_arc_arrival_read(&t->headers, sealer.authserv_id, &t->arena, &arrival) != SGL_OK)
        return "arrival";
    sealer.results = arrival.results;
    why = judge_arrival(t, &arrival, &sealer.chain);
    if (why != NULL)
        return why;
    if (sgl_private_key_import(t->crypto, member(t, "key"), &key) != SGL_OK)
        return "key";
    sealer.algorithm =
        sgl_private_key_type(key) == SGL_KEY_RSA ? SGL_DKIM_RSA_SHA256 : SGL_DKIM_ED25519_SHA256;
    why = sign_both(t, key, &sealer, pending, out);
    sgl_private_key_free(key);
    return why;
}

static json_t *op_seal(struct tool *t)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1u << 20);
    sgl_auto(sgl_buf) coded = SGL_BUF_INIT(2u << 20);
    struct sgl_arc_pending pending = {0};
    const char *why = seal(t, &pending, &out);

    if (why != NULL)
        return failed(why);
    sgl_base64_encode(&coded, sgl_buf_view(&out));
    return json_pack("{s:b, s:b, s:i, s:s, s:o}", "ok", 1, "nothing", (int)pending.nothing,
                     "instance", (int)pending.instance, "chain", sgl_arc_result_name(pending.chain),
                     "fields", text(sgl_buf_view(&coded)));
}

/* ---- one line ---- */

static json_t *run(struct tool *t)
{
    sgl_auto(sgl_buf) bytes = SGL_BUF_INIT(64u << 20);
    sgl_view op = member(t, "op");
    json_t *out;

    if (sgl_base64_decode(member(t, "message"), &bytes) != SGL_OK)
        return failed("base64");
    t->message = sgl_buf_view(&bytes);
    if (sgl_headers_parse(t->message, SGL_HEADERS_TOLERANT, &t->arena, &t->headers, NULL) != SGL_OK)
        return failed("not a message");
    out = sgl_view_eq(op, SGL_LIT("verify")) ? op_verify(t)
          : sgl_view_eq(op, SGL_LIT("seal")) ? op_seal(t)
                                             : failed("no such op");
    sgl_dkim_hashes_done(&t->hashes);
    return out;
}

int main(void)
{
    struct sgl_crypto *crypto = sgl_crypto_new();
    char *line = NULL;
    size_t size = 0;

    while (crypto != NULL && getline(&line, &size, stdin) > 0) {
        struct tool t = {.crypto = crypto, .arena = SGL_ARENA_INIT(64u << 20)};
        json_t *out;

        sgl_dns_init(&t.dns, SGL_LIMIT_JUDGE_QUESTIONS);
        t.in = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        if (t.in == NULL)
            return 2;
        out = run(&t);
        json_dumpf(out, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(out);
        json_decref(t.in);
        sgl_dns_done(&t.dns);
        sgl_arena_done(&t.arena);
    }
    free(line);
    sgl_crypto_free(crypto);
    return 0;
}
