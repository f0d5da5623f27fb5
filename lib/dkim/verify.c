/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All signatures of a message  [RFC 6376 s6.1].
 *
 * What can be known without DNS is found out once, while the message comes in: the tags, what they forbid, the digest of the signed fields, which hash of
 * the body will be needed.  What is left for the calls that may be repeated is a key and a signature check, and those are remembered.
 */
#include "dkim_internal.h"

#include "sigillo/limits.h"

#define CLOCK_SKEW_S 300

const char *sgl_dkim_result_name(enum sgl_dkim_result result)
{
    switch (result) {
    case SGL_DKIM_NONE:
        return "none";
    case SGL_DKIM_PASS:
        return "pass";
    case SGL_DKIM_FAIL:
        return "fail";
    case SGL_DKIM_POLICY:
        return "policy";
    case SGL_DKIM_NEUTRAL:
        return "neutral";
    case SGL_DKIM_TEMPERROR:
        return "temperror";
    case SGL_DKIM_PERMERROR:
        return "permerror";
    }
    return "none";
}

/* ---- without DNS ---------------------------------------------------------------------------------------------------- */

struct reading {
    struct sgl_dkim_verifier *v;
    struct sgl_dkim_hashes *hashes;
    struct sgl_dkim_index index;
    size_t tried;
};

static void decide(struct sgl_dkim_verifier *v, size_t i, enum sgl_dkim_result result,
                   const char *reason)
{
    v->verdict[i].result = result;
    v->verdict[i].reason = reason;
    v->checked[i].decided = true;
}

/* What a signature that could be read says against itself; NULL: nothing. */
static const char *refusal(const struct sgl_dkim_tags *tags,
                           const struct sgl_dkim_verify_options *options)
{
    int64_t skew = options->clock_skew_s > 0 ? options->clock_skew_s : CLOCK_SKEW_S;

    if (sgl_view_eq(tags->algorithm, SGL_LIT("rsa-sha1"))) /* [RFC 8301 s3.1] */
        return "rsa-sha1 is no longer accepted";
    if (!tags->algorithm_known)
        return "the algorithm is not known";
    if (tags->expires >= 0 && tags->timestamp >= 0 && tags->expires <= tags->timestamp)
        return "x= is not later than t=";
    if (tags->expires >= 0 && options->now > tags->expires)
        return "the signature has expired";
    if (tags->timestamp > options->now + skew)
        return "the signature was made in the future";
    return NULL;
}

/* [RFC 6376 s6.1.1] */
static enum sgl_status judge_tags(struct reading *r, size_t i)
{
    struct sgl_dkim_verifier *v = r->v;
    struct sgl_dkim_verdict *verdict = &v->verdict[i];
    enum sgl_status status = sgl_dkim_tags_parse(SGL_DKIM_SIGNATURE, verdict->field->value,
                                                 v->arena, &verdict->tags, NULL);
    const char *no;

    if (status == SGL_E_SYNTAX) {
        bool rule = verdict->tags.fault == SGL_DKIM_FAULT_RULE;

        decide(v, i, rule ? SGL_DKIM_PERMERROR : SGL_DKIM_NEUTRAL, verdict->tags.why);
        return SGL_OK;
    }
    SGL_TRY(status);
    no = refusal(&verdict->tags, &v->options);
    if (no != NULL)
        decide(v, i, SGL_DKIM_PERMERROR, no);
    else if (verdict->tags.body_hash.len != SGL_SHA256_SIZE)
        decide(v, i, SGL_DKIM_NEUTRAL, "bh= is no SHA-256 hash");
    return SGL_OK;
}

/* Everything about one signature that takes no key. */
static enum sgl_status read_one(struct reading *r, size_t i)
{
    struct sgl_dkim_verifier *v = r->v;
    struct sgl_dkim_verdict *verdict = &v->verdict[i];
    struct sgl_dkim_checked *checked = &v->checked[i];
    enum sgl_status status;

    SGL_TRY(judge_tags(r, i));
    if (checked->decided)
        return SGL_OK;
    if (r->tried == SGL_LIMIT_DKIM_TRIED) {
        decide(v, i, SGL_DKIM_NEUTRAL, "the message has more signatures than we try");
        return SGL_OK;
    }
    r->tried++;
    status = sgl_dkim_hashes_want(r->hashes, verdict->tags.body_canon, verdict->tags.length,
                                  &checked->hash);
    if (status == SGL_E_LIMIT) {
        decide(v, i, SGL_DKIM_NEUTRAL, "the message wants more body hashes than we make");
        return SGL_OK;
    }
    SGL_TRY(status);
    if (r->index.place == NULL)
        SGL_TRY(sgl_dkim_index_init(&r->index, v->crypto, r->index.headers, v->arena));
    return sgl_dkim_header_digest(&r->index, verdict->field, &verdict->tags, checked->digest);
}

enum sgl_status sgl_dkim_verifier_init(struct sgl_dkim_verifier *v, const struct sgl_crypto *crypto,
                                       const struct sgl_dkim_verify_options *options,
                                       const struct sgl_headers *headers,
                                       struct sgl_dkim_hashes *hashes, struct sgl_arena *arena)
{
    const sgl_view name = SGL_LIT("DKIM-Signature");
    size_t total = sgl_headers_count(headers, name);
    size_t count = total < SGL_LIMIT_DKIM_SIGNATURES ? total : SGL_LIMIT_DKIM_SIGNATURES;
    struct sgl_dkim_verifier made = {.crypto = crypto,
                                     .options = *options,
                                     .hashes = hashes,
                                     .arena = arena,
                                     .checked = SGL_NEW_N(arena, count, struct sgl_dkim_checked),
                                     .verdict = SGL_NEW_N(arena, count, struct sgl_dkim_verdict),
                                     .count = count,
                                     .ignored = total - count};
    struct reading r = {.v = &made, .hashes = hashes, .index = {.headers = headers}};
    const struct sgl_header *field = NULL;

    if (made.checked == NULL || made.verdict == NULL)
        return arena->status;
    for (size_t i = 0; i < count; i++) {
        field = sgl_headers_next(headers, name, field);
        made.verdict[i] = (struct sgl_dkim_verdict){.reason = "", .field = field};
        SGL_TRY(read_one(&r, i));
    }
    *v = made;
    return SGL_OK;
}

/* ---- with keys ------------------------------------------------------------------------------------------------------ */

/* [RFC 6376 s6.1.3 step 3]: the body comes before the signature, whose result is in *verdict. */
static void judge_body(const struct sgl_dkim_verifier *v, const struct sgl_dkim_checked *checked,
                       struct sgl_dkim_verdict *verdict)
{
    const struct sgl_dkim_tags *tags = &verdict->tags;
    uint64_t length = sgl_dkim_hashes_length(v->hashes, tags->body_canon);
    const uint8_t *digest = v->hashes->want[checked->hash].digest;
    bool partial = tags->length != SGL_DKIM_ALL;

    if (verdict->result != SGL_DKIM_PASS && verdict->result != SGL_DKIM_FAIL)
        return;
    if (partial && tags->length > length) { /* [RFC 6376 s3.5] l= */
        verdict->result = SGL_DKIM_FAIL;
        verdict->reason = "the body is shorter than l= says";
        return;
    }
    if (!sgl_view_eq(tags->body_hash, sgl_view_of(digest, SGL_SHA256_SIZE))) {
        verdict->result = SGL_DKIM_FAIL;
        verdict->reason = "the body was changed: its hash is not the one that was signed";
        return;
    }
    verdict->unsigned_tail = partial ? length - tags->length : 0;
    /* Whoever adds a tail can make it all that a reader sees  [RFC 6376 s8.2]. */
    if (verdict->result == SGL_DKIM_PASS && verdict->unsigned_tail > 0 &&
        !v->options.partial_body_ok) {
        verdict->result = SGL_DKIM_POLICY;
        verdict->reason = "l= leaves the end of the body unsigned";
    }
}

static enum sgl_status check_one(struct sgl_dkim_verifier *v, size_t i, struct sgl_dns *dns)
{
    struct sgl_dkim_verdict *verdict = &v->verdict[i];
    struct sgl_dkim_checked *checked = &v->checked[i];
    struct sgl_arena_mark mark = sgl_arena_mark(v->arena);
    struct sgl_dkim_key_answer keys;
    enum sgl_status status =
        sgl_dkim_key_find(verdict->tags.domain, verdict->tags.selector, dns, v->arena, &keys);

    if (status == SGL_E_SYNTAX) {
        decide(v, i, SGL_DKIM_PERMERROR, "s= and d= together are longer than a name may be");
        return SGL_OK;
    }
    SGL_TRY(status);
    status = sgl_dkim_check_key(v->crypto, &v->options, &keys, checked->digest, verdict);
    sgl_arena_rewind(v->arena, mark); /* nothing in a verdict points to a key */
    SGL_TRY(status);
    judge_body(v, checked, verdict);
    checked->decided = true;
    return SGL_OK;
}

enum sgl_status sgl_dkim_verify(struct sgl_dkim_verifier *v, struct sgl_dns *dns,
                                struct sgl_dkim_verdicts *out)
{
    enum sgl_status all = SGL_OK;
    size_t passes = 0;

    if (!v->hashes->finished && v->count > 0)
        return SGL_E_MISUSE;
    SGL_TRY(v->hashes->status);
    for (size_t i = 0; i < v->count; i++) {
        if (!v->checked[i].decided)
            all = sgl_join(all, check_one(v, i, dns));
    }
    SGL_TRY(all);
    for (size_t i = 0; i < v->count; i++)
        passes += v->verdict[i].result == SGL_DKIM_PASS;
    *out = (struct sgl_dkim_verdicts){v->verdict, v->count, v->ignored, passes};
    return SGL_OK;
}
