/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new set for a message  [RFC 8617 s5.1].
 *
 * The two signature fields have their tags in alphabetical order, one after ";" and a blank or fold; b= has a line of its own and no fold inside.  So their relaxed
 * form has no blank but those, and is the one that other implementations were compared by.
 */
#include "arc_internal.h"

#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sigillo/base64.h"
#include "sigillo/dns_name.h"
#include "sigillo/limits.h"

#define LINE_WIDTH 76
#define TIME_MAX   INT64_C(999999999999) /* 12 digits [RFC 6376 s3.5] */

/* ---- is it what may be sealed? ------------------------------------------------------------------------------------- */

static enum sgl_status refuse(struct sgl_diag *diag, const char *why, const char *rule, sgl_view at)
{
    sgl_diag_set(diag, why, rule, at, 0);
    return SGL_E_SYNTAX;
}

static enum sgl_status check_names(const struct sgl_arc_sealer *sealer, struct sgl_diag *diag)
{
    if (!sgl_name_ok(sealer->domain, SGL_NAME_HOST) ||
        sgl_view_find(sealer->domain, '.') == sealer->domain.len)
        return refuse(diag, "sealing domain is no domain name", "RFC 6376 s3.5", sealer->domain);
    if (!sgl_name_ok(sealer->selector, SGL_NAME_UNDERSCORE))
        return refuse(diag, "selector is no domain name", "RFC 6376 s3.5", sealer->selector);
    if (sealer->authserv_id.len == 0 || !sgl_ascii_only(sealer->authserv_id) ||
        sgl_arc_token_length(sealer->authserv_id) != sealer->authserv_id.len)
        return refuse(diag, "authserv-id is no single word", "RFC 8601 s2.2", sealer->authserv_id);
    return SGL_OK;
}

/* Never in h=: they are added, changed or removed on the way  [RFC 8617 s4.1.2, RFC 6376 s5.4.1]. */
static bool may_be_signed(sgl_view name)
{
    static const sgl_view never[] = {SGL_LIT_INIT("Authentication-Results"),
                                     SGL_LIT_INIT("ARC-Authentication-Results"),
                                     SGL_LIT_INIT("ARC-Message-Signature"),
                                     SGL_LIT_INIT("ARC-Seal"),
                                     SGL_LIT_INIT("Return-Path"),
                                     SGL_LIT_INIT("Received")};

    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        if (sgl_view_eq_nocase(name, never[i]))
            return false;
    }
    return true;
}

static enum sgl_status check_signed(const sgl_view *name, size_t names, struct sgl_diag *diag)
{
    bool from = false;

    for (size_t i = 0; i < names; i++) {
        if (!sgl_header_name_ok(name[i]) || sgl_view_find(name[i], ';') < name[i].len)
            return refuse(diag, "a name to be signed is no field name", "RFC 5322 s3.6.8", name[i]);
        if (!may_be_signed(name[i]))
            return refuse(diag, "a message signature must not cover this field", "RFC 8617 s4.1.2",
                          name[i]);
        from = from || sgl_view_eq_nocase(name[i], SGL_LIT("From"));
    }
    return from ? SGL_OK : refuse(diag, "From must be signed", "RFC 6376 s5.4", SGL_LIT(""));
}

/* ---- which fields -------------------------------------------------------------------------------------------------- */

/* What a reader sees and how the body is to be read; each instance and one more, so that none can be added unseen  [RFC 6376 s8.15]. */
static const sgl_view ours[] = {SGL_LIT_INIT("from"),
                                SGL_LIT_INIT("subject"),
                                SGL_LIT_INIT("date"),
                                SGL_LIT_INIT("to"),
                                SGL_LIT_INIT("cc"),
                                SGL_LIT_INIT("reply-to"),
                                SGL_LIT_INIT("message-id"),
                                SGL_LIT_INIT("mime-version"),
                                SGL_LIT_INIT("content-type"),
                                SGL_LIT_INIT("content-transfer-encoding"),
                                SGL_LIT_INIT("list-unsubscribe"),
                                SGL_LIT_INIT("list-unsubscribe-post")};
#define OURS (sizeof ours / sizeof ours[0])

struct names {
    sgl_view name[SGL_LIMIT_DKIM_SIGNED];
    size_t count;
};

static bool add_names(struct names *to, sgl_view name, size_t times)
{
    if (times > SGL_LIMIT_DKIM_SIGNED - to->count)
        return false;
    for (size_t i = 0; i < times; i++)
        to->name[to->count++] = name;
    return true;
}

static enum sgl_status choose_names(const struct sgl_headers *headers, struct names *to,
                                    struct sgl_diag *diag)
{
    const sgl_view dkim = SGL_LIT("dkim-signature");
    size_t signatures = sgl_headers_count(headers, dkim);
    bool fits = true;

    if (sgl_headers_first(headers, ours[0]) == NULL)
        return refuse(diag, "a message without From cannot be sealed", "RFC 6376 s5.4",
                      headers->section);
    for (size_t i = 0; i < OURS; i++)
        fits = fits && add_names(to, ours[i], sgl_headers_count(headers, ours[i]) + 1);
    /* [RFC 8617 s4.1.2]; the lowest ones, which h= reaches first. */
    if (signatures > SGL_LIMIT_DKIM_SIGNATURES)
        signatures = SGL_LIMIT_DKIM_SIGNATURES;
    fits = fits && add_names(to, dkim, signatures);
    if (!fits)
        sgl_diag_set(diag, "more fields than one signature may cover", NULL, headers->section, 0);
    return fits ? SGL_OK : SGL_E_LIMIT;
}

/* ---- fields -------------------------------------------------------------------------------------------------------- */

/* A field being written; words that do not fit go to the next line. */
struct writer {
    struct sgl_buf *out;
    size_t column;
    size_t b; /* where the signature goes */
};

static void fold(struct writer *w)
{
    sgl_buf_add(w->out, SGL_LIT("\r\n "));
    w->column = 1;
}

static void begin(struct writer *w, sgl_view name)
{
    sgl_buf_add(w->out, name);
    sgl_buf_add_byte(w->out, ':');
    w->column = w->out->len;
}

/* Makes room for a word of that length behind a blank, or on a new line. */
static void open_word(struct writer *w, size_t len)
{
    if (w->column + 1 + len > LINE_WIDTH) {
        fold(w);
    } else {
        sgl_buf_add_byte(w->out, ' ');
        w->column++;
    }
    w->column += len;
}

/* "tag=value;", the last one without ";". */
static void add_tag(struct writer *w, const char *tag, sgl_view value, bool last)
{
    open_word(w, strlen(tag) + 1 + value.len + (last ? 0 : 1));
    sgl_buf_add_cstr(w->out, tag);
    sgl_buf_add_byte(w->out, '=');
    sgl_buf_add(w->out, value);
    if (!last)
        sgl_buf_add_byte(w->out, ';');
}

static void add_number(struct writer *w, const char *tag, uint64_t n, bool last)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);

    add_tag(w, tag, sgl_view_of(digits, (size_t)len), last);
}

/* b= has a line to itself: nothing around it moves when the signature comes in. */
static void add_empty_b(struct writer *w)
{
    fold(w);
    sgl_buf_add(w->out, SGL_LIT("b="));
    w->b = w->out->len;
    sgl_buf_add_byte(w->out, ';');
    w->column = LINE_WIDTH;
}

static void add_signed(struct writer *w, const sgl_view *name, size_t names)
{
    for (size_t i = 0; i < names; i++) {
        if (i == 0) {
            open_word(w, 2 + name[0].len + 1);
            sgl_buf_add(w->out, SGL_LIT("h="));
        } else if (w->column + name[i].len + 1 > LINE_WIDTH) {
            fold(w);
            w->column += name[i].len + 1;
        } else {
            w->column += name[i].len + 1;
        }
        for (size_t k = 0; k < name[i].len; k++)
            sgl_buf_add_byte(w->out, sgl_ascii_lower(name[i].ptr[k]));
        sgl_buf_add_byte(w->out, i + 1 == names ? ';' : ':');
    }
}

/* What is sealed, checked. */
struct job {
    const struct sgl_crypto *crypto;
    const struct sgl_arc_sealer *sealer;
    struct sgl_arena *arena;
    const sgl_view *name; /* h= */
    size_t names;
    struct sgl_arc_pending made;
};

static enum sgl_status write_results(struct job *job)
{
    const struct sgl_arc_sealer *sealer = job->sealer;
    sgl_auto(sgl_buf) value = SGL_BUF_INIT(SGL_LIMIT_AUTHRES_FIELD);
    sgl_auto(sgl_buf) field = SGL_BUF_INIT(2 * SGL_LIMIT_AUTHRES_FIELD);

    sgl_buf_addf(&value, "i=%u; ", job->made.instance);
    sgl_buf_add(&value, sealer->authserv_id);
    sgl_buf_add(&value, SGL_LIT("; "));
    sgl_buf_add(&value, sealer->results.len == 0 ? SGL_LIT("none") : sealer->results);
    SGL_TRY(value.status);
    sgl_header_put(&field, SGL_LIT("ARC-Authentication-Results"), sgl_buf_view(&value));
    SGL_TRY(field.status);
    return sgl_arena_dup(job->arena, sgl_buf_view(&field), &job->made.results);
}

static enum sgl_status write_message(struct job *job, const uint8_t body_hash[SGL_SHA256_SIZE])
{
    const struct sgl_arc_sealer *sealer = job->sealer;
    sgl_auto(sgl_buf) bh = SGL_BUF_INIT(64);
    sgl_auto(sgl_buf) field = SGL_BUF_INIT(SGL_LIMIT_DKIM_FIELD - 2 * SGL_SIGNATURE_MAX);
    struct writer w = {&field, 0, 0};

    sgl_base64_encode(&bh, sgl_view_of(body_hash, SGL_SHA256_SIZE));
    SGL_TRY(bh.status);
    begin(&w, SGL_LIT("ARC-Message-Signature"));
    add_tag(&w, "a", sgl_view_cstr(sgl_dkim_algorithm_name(sealer->algorithm)), false);
    add_empty_b(&w);
    add_tag(&w, "bh", sgl_buf_view(&bh), false);
    add_tag(&w, "c", SGL_LIT("relaxed/relaxed"), false);
    add_tag(&w, "d", sealer->domain, false);
    add_signed(&w, job->name, job->names);
    add_number(&w, "i", job->made.instance, false);
    add_tag(&w, "s", sealer->selector, false);
    add_number(&w, "t", (uint64_t)sealer->now, true);
    sgl_buf_add(&field, SGL_LIT("\r\n"));
    SGL_TRY(field.status);
    job->made.message_b = w.b;
    return sgl_arena_dup(job->arena, sgl_buf_view(&field), &job->made.message);
}

static enum sgl_status write_seal(struct job *job)
{
    const struct sgl_arc_sealer *sealer = job->sealer;
    sgl_auto(sgl_buf) field = SGL_BUF_INIT(SGL_LIMIT_DKIM_FIELD);
    struct writer w = {&field, 0, 0};

    begin(&w, SGL_LIT("ARC-Seal"));
    add_tag(&w, "a", sgl_view_cstr(sgl_dkim_algorithm_name(sealer->algorithm)), false);
    add_empty_b(&w);
    add_tag(&w, "cv", sgl_view_cstr(sgl_arc_result_name(job->made.chain)), false);
    add_tag(&w, "d", sealer->domain, false);
    add_number(&w, "i", job->made.instance, false);
    add_tag(&w, "s", sealer->selector, false);
    add_number(&w, "t", (uint64_t)sealer->now, true);
    sgl_buf_add(&field, SGL_LIT("\r\n"));
    SGL_TRY(field.status);
    job->made.seal_b = w.b;
    return sgl_arena_dup(job->arena, sgl_buf_view(&field), &job->made.seal);
}

/* ---- the message signature ----------------------------------------------------------------------------------------- */

/* The same code as for verifying hashes what is signed: our field as one that stands above the message. */
static enum sgl_status digest_message(struct job *job, const struct sgl_headers *headers)
{
    struct sgl_arc_pending *made = &job->made;
    const size_t name = SGL_LIT("ARC-Message-Signature:").len;
    const struct sgl_header own = {
        .raw = made->message,
        .name = SGL_LIT("ARC-Message-Signature"),
        .value = sgl_view_sub(made->message, name, made->message.len - name - 2)};
    const struct sgl_dkim_tags tags = {.header_canon = SGL_DKIM_RELAXED,
                                       .signed_name = job->name,
                                       .signed_names = job->names,
                                       .b_written =
                                           sgl_view_sub(made->message, made->message_b, 0)};
    struct sgl_arena_mark mark = sgl_arena_mark(job->arena);
    struct sgl_dkim_index index;
    enum sgl_status status;

    SGL_TRY(sgl_dkim_index_init(&index, job->crypto, headers, job->arena));
    status = sgl_dkim_header_digest(&index, &own, &tags, made->digest);
    sgl_arena_rewind(job->arena, mark);
    return status;
}

/* [RFC 8617 s5.1 steps 2 and 3]; cv= is "pass" only over sets that can be hashed in their order. */
static enum sgl_status place_set(struct job *job, const struct sgl_arc *arc)
{
    struct sgl_arc_pending *made = &job->made;
    unsigned highest = arc->sets == 0 ? 0 : arc->set[arc->sets - 1].instance;

    made->nothing =
        sgl_view_eq_nocase(arc->chain, SGL_LIT("fail")) || highest >= SGL_LIMIT_ARC_SETS;
    made->instance = highest + 1;
    if (arc->result == SGL_ARC_NONE) { /* there is no field of a chain */
        made->chain = SGL_ARC_NONE;
        return SGL_OK;
    }
    if (job->sealer->chain == SGL_ARC_NONE)
        return SGL_E_MISUSE;
    made->chain = job->sealer->chain == SGL_ARC_PASS && arc->sound ? SGL_ARC_PASS : SGL_ARC_FAIL;
    if (made->chain == SGL_ARC_PASS) {
        made->set = arc->set;
        made->sets = arc->sets;
    }
    return SGL_OK;
}

enum sgl_status sgl_arc_seal_message(const struct sgl_crypto *crypto,
                                     const struct sgl_arc_sealer *sealer,
                                     const struct sgl_headers *headers,
                                     const uint8_t body_hash[SGL_SHA256_SIZE],
                                     const struct sgl_arc *arc, struct sgl_arena *arena,
                                     struct sgl_arc_pending *out, struct sgl_diag *diag)
{
    struct names chosen = {.count = 0};
    struct job job = {crypto, sealer, arena, sealer->signed_name, sealer->signed_names, {0}};

    if (sealer->now < 0 || sealer->now > TIME_MAX)
        return SGL_E_MISUSE;
    SGL_TRY(check_names(sealer, diag));
    if (sealer->signed_name == NULL) {
        SGL_TRY(choose_names(headers, &chosen, diag));
        job.name = chosen.name;
        job.names = chosen.count;
    }
    SGL_TRY(check_signed(job.name, job.names, diag));
    SGL_TRY(place_set(&job, arc));
    job.made.algorithm = sealer->algorithm;
    if (!job.made.nothing) {
        SGL_TRY(write_results(&job));
        SGL_TRY(write_message(&job, body_hash));
        SGL_TRY(write_seal(&job));
        SGL_TRY(digest_message(&job, headers));
    }
    *out = job.made;
    return SGL_OK;
}

/* ---- the seal ------------------------------------------------------------------------------------------------------ */

/* A field with the signature where it belongs, b= in one piece: an RSA-4096 signature has 684 characters, a line may have 998. */
static void put_signed(struct sgl_buf *out, sgl_view field, size_t b, sgl_view signature)
{
    sgl_buf_add(out, sgl_view_sub(field, 0, b));
    sgl_base64_encode(out, signature);
    sgl_buf_add(out, sgl_view_from(field, b));
}

static void put_hash(void *ctx, sgl_view bytes)
{
    sgl_hash_add(ctx, bytes);
}

static void put_field(struct sgl_hash *hash, sgl_view raw)
{
    sgl_dkim_canon_field(SGL_DKIM_RELAXED, raw, (struct sgl_dkim_sink){put_hash, hash});
    if (!sgl_view_ends(raw, SGL_LIT("\r\n")))
        sgl_hash_add(hash, SGL_LIT("\r\n")); /* the message ends within its header */
}

enum sgl_status sgl_arc_seal_chain(const struct sgl_crypto *crypto, sgl_view signature,
                                   struct sgl_arena *arena, struct sgl_arc_pending *pending)
{
    sgl_auto(sgl_buf) field = SGL_BUF_INIT(SGL_LIMIT_DKIM_FIELD);
    sgl_auto(sgl_hash) hash = {0};
    uint8_t digest[SGL_SHA256_SIZE];
    sgl_view message;

    if (pending->nothing || signature.len == 0 || signature.len > SGL_SIGNATURE_MAX)
        return SGL_E_MISUSE;
    put_signed(&field, pending->message, pending->message_b, signature);
    SGL_TRY(field.status);
    SGL_TRY(sgl_arena_dup(arena, sgl_buf_view(&field), &message));
    sgl_hash_init(&hash, crypto);
    for (size_t i = 0; i < pending->sets; i++) { /* none where cv=fail  [RFC 8617 s5.1.2] */
        put_field(&hash, pending->set[i].results->raw);
        put_field(&hash, pending->set[i].message->raw);
        put_field(&hash, pending->set[i].seal->raw);
    }
    put_field(&hash, pending->results);
    put_field(&hash, message);
    /* The new seal comes last, b= empty, without its line end. */
    sgl_dkim_canon_field(SGL_DKIM_RELAXED, sgl_view_sub(pending->seal, 0, pending->seal.len - 2),
                         (struct sgl_dkim_sink){put_hash, &hash});
    SGL_TRY(sgl_hash_final(&hash, digest));
    memcpy(pending->digest, digest, sizeof digest);
    pending->message = message;
    return SGL_OK;
}

enum sgl_status sgl_arc_seal_finish(const struct sgl_arc_pending *pending, sgl_view signature,
                                    struct sgl_buf *out)
{
    if (pending->nothing || signature.len == 0 || signature.len > SGL_SIGNATURE_MAX)
        return SGL_E_MISUSE;
    put_signed(out, pending->seal, pending->seal_b, signature);
    sgl_buf_add(out, pending->message);
    sgl_buf_add(out, pending->results);
    return out->status;
}
