/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a chain  [RFC 8617 s5.2 steps 4 to 7].
 *
 * Two things are kept apart: what has been found out about each signature (`checked`, filled in any order as answers arrive, never twice), and
 * the walk through the steps, which reads it in the order of the RFC.  So the verdict is the same whatever came first.
 */
#include "arc_internal.h"

#include "sigillo/banned.h"
#include "sigillo/limits.h"

/* What is known of one signature. */
struct found {
    bool done;
    enum sgl_dkim_result result;
    const char *reason;
    unsigned bits;
};

struct sgl_arc_checked { /* of one set */
    struct found message, seal;
    bool hashed; /* the body hash that it needs is being made */
    size_t hash;
    bool digested;
    uint8_t digest[SGL_SHA256_SIZE]; /* of the seal */
};

const char *sgl_arc_result_name(enum sgl_arc_result result)
{
    switch (result) {
    case SGL_ARC_NONE:
        return "none";
    case SGL_ARC_PASS:
        return "pass";
    case SGL_ARC_FAIL:
        return "fail";
    }
    return "?";
}

static void decide(struct found *f, enum sgl_dkim_result result, const char *reason)
{
    f->done = true;
    f->result = result;
    f->reason = reason;
}

/* ---- before the body ----------------------------------------------------------------------------------------------- */

static bool covers(const struct sgl_dkim_tags *tags, sgl_view name)
{
    for (size_t i = 0; i < tags->signed_names; i++) {
        if (sgl_view_eq_nocase(tags->signed_name[i], name))
            return true;
    }
    return false;
}

/* What is wrong with a message signature, key and hashes aside. */
static void judge_tags(const struct sgl_dkim_tags *tags, struct found *f)
{
    if (tags->fault != SGL_DKIM_FAULT_NONE)
        decide(f, SGL_DKIM_NEUTRAL, tags->why);
    else if (!tags->algorithm_known) /* rsa-sha1 among them  [RFC 8301 s3.1] */
        decide(f, SGL_DKIM_PERMERROR, "an algorithm that is not accepted");
    else if (covers(tags, SGL_LIT("ARC-Seal"))) /* [RFC 8617 s4.1.2] */
        decide(f, SGL_DKIM_PERMERROR, "a message signature that covers a seal");
}

static enum sgl_status want_hash(struct sgl_arc_verifier *v, struct sgl_dkim_hashes *hashes,
                                 size_t i)
{
    const struct sgl_dkim_tags *tags = &v->set[i].message_tags;
    struct sgl_arc_checked *c = &v->checked[i];
    enum sgl_status status;

    judge_tags(tags, &c->message);
    if (c->message.done)
        return SGL_OK;
    status = sgl_dkim_hashes_want(hashes, tags->body_canon, tags->length, &c->hash);
    c->hashed = status == SGL_OK;
    return status == SGL_E_LIMIT ? SGL_OK : status;
}

enum sgl_status sgl_arc_verifier_init(struct sgl_arc_verifier *v, const struct sgl_crypto *crypto,
                                      const struct sgl_dkim_verify_options *options,
                                      const struct sgl_headers *headers,
                                      struct sgl_dkim_hashes *hashes, struct sgl_arena *arena)
{
    struct sgl_arc_verifier made = {
        .crypto = crypto, .options = *options, .hashes = hashes, .arena = arena};

    SGL_TRY(sgl_arc_read(headers, arena, &made.arc, &made.set));
    made.decided = made.arc.result != SGL_ARC_PASS;
    if (!made.decided) {
        made.checked = SGL_NEW_N(arena, made.arc.sets, struct sgl_arc_checked);
        if (made.checked == NULL)
            return arena->status;
        SGL_TRY(sgl_dkim_index_init(&made.index, crypto, headers, arena));
        for (size_t i = made.arc.sets; i > 0; i--)
            SGL_TRY(want_hash(&made, hashes, i - 1));
    }
    *v = made;
    return SGL_OK;
}

/* ---- keys ---------------------------------------------------------------------------------------------------------- */

/* Does the signature of this digest hold?  NEED_DNS: the key has been asked for. */
static enum sgl_status check(struct sgl_arc_verifier *v, const struct sgl_dkim_tags *tags,
                             const uint8_t digest[SGL_SHA256_SIZE], struct sgl_dns *dns,
                             struct found *f)
{
    struct sgl_arena_mark mark = sgl_arena_mark(v->arena);
    struct sgl_dkim_verdict verdict = {.tags = *tags};
    struct sgl_dkim_key_answer keys;
    enum sgl_status status = sgl_dkim_key_find(tags->domain, tags->selector, dns, v->arena, &keys);

    if (status == SGL_OK)
        status = sgl_dkim_check_key(v->crypto, &v->options, &keys, digest, &verdict);
    sgl_arena_rewind(v->arena, mark);
    if (status == SGL_E_SYNTAX) {
        decide(f, SGL_DKIM_PERMERROR, "selector and domain make no possible name");
        return SGL_OK;
    }
    if (status == SGL_E_LIMIT && v->arena->status == SGL_OK) {
        decide(f, SGL_DKIM_TEMPERROR, "the message needs more lookups than we do");
        return SGL_OK;
    }
    SGL_TRY(status);
    decide(f, verdict.result, verdict.reason);
    f->bits = verdict.key_bits;
    return SGL_OK;
}

/* ---- message signatures -------------------------------------------------------------------------------------------- */

/* The body: no key is needed to see that it was changed. */
static void judge_body(const struct sgl_arc_verifier *v, const struct sgl_dkim_tags *tags,
                       const struct sgl_arc_checked *c, struct found *f)
{
    sgl_view digest = sgl_view_of(v->hashes->want[c->hash].digest, SGL_SHA256_SIZE);
    uint64_t length = sgl_dkim_hashes_length(v->hashes, tags->body_canon);

    if (tags->length != SGL_DKIM_ALL && tags->length > length)
        decide(f, SGL_DKIM_FAIL, "the body is shorter than l= says");
    else if (!sgl_view_eq(tags->body_hash, digest))
        decide(f, SGL_DKIM_FAIL, "the body was changed");
    else if (tags->length < length && !v->options.partial_body_ok)
        decide(f, SGL_DKIM_POLICY, "l= leaves a part of the body unsigned");
}

static enum sgl_status try_message(struct sgl_arc_verifier *v, size_t i, struct sgl_dns *dns)
{
    const struct sgl_dkim_tags *tags = &v->set[i].message_tags;
    struct sgl_arc_checked *c = &v->checked[i];
    uint8_t digest[SGL_SHA256_SIZE];

    if (c->message.done)
        return SGL_OK;
    if (!c->hashed) {
        decide(&c->message, SGL_DKIM_NONE, "too many different body hashes");
        return SGL_OK;
    }
    judge_body(v, tags, c, &c->message);
    if (c->message.done)
        return SGL_OK;
    SGL_TRY(sgl_dkim_header_digest(&v->index, v->set[i].message, tags, digest));
    return check(v, tags, digest, dns, &c->message);
}

/* ---- seals --------------------------------------------------------------------------------------------------------- */

static void put_hash(void *ctx, sgl_view bytes)
{
    sgl_hash_add(ctx, bytes);
}

static void put_field(struct sgl_hash *hash, const struct sgl_header *field)
{
    sgl_dkim_canon_field(SGL_DKIM_RELAXED, field->raw, (struct sgl_dkim_sink){put_hash, hash});
    if (!sgl_view_ends(field->raw, SGL_LIT("\r\n")))
        sgl_hash_add(hash, SGL_LIT("\r\n")); /* the message ends within its header */
}

/*
 * What each seal covers: all sets up to its own, its own b= emptied  [RFC 8617 s5.1.1].  Each covers what the one before it covered and more, so one hash
 * runs through the chain and is copied at each seal: 50 sets cost no more than their length.
 */
static enum sgl_status digest_seals(struct sgl_arc_verifier *v)
{
    sgl_auto(sgl_hash) all = {0};

    sgl_hash_init(&all, v->crypto);
    for (size_t i = 0; i < v->arc.sets; i++) {
        const struct sgl_arc_set *set = &v->set[i];
        sgl_auto(sgl_hash) one = {0};

        put_field(&all, set->results);
        put_field(&all, set->message);
        sgl_hash_init(&one, v->crypto);
        sgl_hash_copy(&one, &all);
        SGL_TRY(sgl_dkim_put_own_field(SGL_DKIM_RELAXED, set->seal, &set->seal_tags, v->arena,
                                       (struct sgl_dkim_sink){put_hash, &one}));
        SGL_TRY(sgl_hash_final(&one, v->checked[i].digest));
        v->checked[i].digested = true;
        put_field(&all, set->seal);
    }
    return SGL_OK;
}

static enum sgl_status try_seal(struct sgl_arc_verifier *v, size_t i, struct sgl_dns *dns)
{
    const struct sgl_dkim_tags *tags = &v->set[i].seal_tags;
    struct sgl_arc_checked *c = &v->checked[i];

    if (c->seal.done)
        return SGL_OK;
    if (!tags->algorithm_known) {
        decide(&c->seal, SGL_DKIM_PERMERROR, "an algorithm that is not accepted");
        return SGL_OK;
    }
    if (!c->digested)
        SGL_TRY(digest_seals(v));
    return check(v, tags, c->digest, dns, &c->seal);
}

/* ---- the steps ----------------------------------------------------------------------------------------------------- */

static bool failed(const struct found *f)
{
    return f->done && f->result != SGL_DKIM_PASS;
}

/*
 * Finds out what the steps will ask for.  The newest set first: most chains that do not hold end there, and then nobody else's DNS is bothered
 * [RFC 8617 s9.2].
 */
static enum sgl_status gather(struct sgl_arc_verifier *v, struct sgl_dns *dns)
{
    size_t newest = v->arc.sets - 1;
    enum sgl_status status = v->seals_only ? SGL_OK : try_message(v, newest, dns);

    if (failed(&v->checked[newest].message) && !v->seals_only)
        return status;
    SGL_TRY(sgl_join(status, try_seal(v, newest, dns)));
    if (failed(&v->checked[newest].seal))
        return SGL_OK;
    for (size_t i = newest; i > 0 && !v->seals_only; i--) {
        status = sgl_join(status, try_message(v, i - 1, dns));
        if (failed(&v->checked[i - 1].message))
            break;
    }
    for (size_t i = newest; i > 0; i--) {
        status = sgl_join(status, try_seal(v, i - 1, dns));
        if (failed(&v->checked[i - 1].seal))
            break;
    }
    return status;
}

static void fail(struct sgl_arc_verifier *v, size_t i, const struct found *f, const char *reason)
{
    v->arc.result = SGL_ARC_FAIL;
    v->arc.at = v->set[i].instance;
    v->arc.oldest_pass = 0;
    v->arc.reason = reason;
    v->arc.detail = f->reason;
}

/* Step 5: the oldest message signature that still holds. A failure here changes nothing else. */
static void find_oldest(struct sgl_arc_verifier *v)
{
    for (size_t i = v->arc.sets - 1; i > 0; i--) {
        const struct found *f = &v->checked[i - 1].message;

        v->set[i - 1].message_result = f->result;
        if (f->result != SGL_DKIM_PASS) {
            v->arc.oldest_pass = v->set[i].instance;
            return;
        }
    }
}

/* Steps 4 to 7 over what was found: only what a step has looked at is told. */
static void conclude(struct sgl_arc_verifier *v)
{
    size_t newest = v->arc.sets - 1;
    const struct found *f = &v->checked[newest].message;

    if (!v->seals_only) {
        v->set[newest].message_result = f->result;
        if (f->result != SGL_DKIM_PASS) {
            fail(v, newest, f, "the newest message signature does not hold");
            return;
        }
    }
    /* The newest seal before the older message signatures: where it fails nobody asks for the latter. */
    for (size_t i = newest + 1; i > 0; i--) {
        f = &v->checked[i - 1].seal;
        v->set[i - 1].seal_result = f->result;
        v->set[i - 1].seal_bits = f->bits;
        if (f->result != SGL_DKIM_PASS) {
            fail(v, i - 1, f, "a seal does not hold");
            return;
        }
    }
    if (!v->seals_only)
        find_oldest(v);
}

enum sgl_status sgl_arc_verify(struct sgl_arc_verifier *v, struct sgl_dns *dns, struct sgl_arc *out)
{
    if (!v->decided) {
        struct sgl_arena_mark mark = sgl_arena_mark(v->arena);
        enum sgl_status status;

        if (!v->hashes->finished)
            return SGL_E_MISUSE;
        SGL_TRY(v->hashes->status);
        status = gather(v, dns);
        sgl_arena_rewind(v->arena, mark);
        SGL_TRY(status);
        conclude(v);
        v->decided = true;
    }
    *out = v->arc;
    return SGL_OK;
}
