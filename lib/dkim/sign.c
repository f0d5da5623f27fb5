/* SPDX-License-Identifier: Apache-2.0 */
/* Signing input and signature field  [RFC 6376 s3.5, s3.7, s5.4]. */
#include <stdio.h>

#include "dkim_internal.h"

#include "sigillo/base64.h"
#include "sigillo/limits.h"

#define LINE_WIDTH 76                    /* of a folded field; b= may pass it by its ";" */
#define TIME_MAX   INT64_C(999999999999) /* 12 digits [RFC 6376 s3.5] */

/* ---- names --------------------------------------------------------------------------------------------------------- */

static bool is_alnum(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool label_ok(sgl_view label)
{
    if (label.len == 0 || label.len > 63)
        return false;
    for (size_t i = 0; i < label.len; i++) {
        bool inside = i > 0 && i + 1 < label.len;

        if (!is_alnum(label.ptr[i]) && !(inside && label.ptr[i] == '-'))
            return false;
    }
    return true;
}

/* sub-domain *("." sub-domain): what stands in d= and s= must be the name that DNS is asked for, letter by letter. */
static bool name_ok(sgl_view name, size_t labels_min)
{
    size_t labels = 0;

    if (name.len == 0 || name.len > 253)
        return false;
    while (name.ptr != NULL) {
        if (!label_ok(sgl_view_split(name, '.', &name)))
            return false;
        labels++;
    }
    return labels >= labels_min;
}

static enum sgl_status check_signers(const struct sgl_dkim_signer *signers, size_t count,
                                     struct sgl_diag *diag)
{
    if (count == 0 || count > SGL_DKIM_SIGNATURES_MAX)
        return SGL_E_MISUSE;
    for (size_t i = 0; i < count; i++) {
        if (!name_ok(signers[i].domain, 2)) {
            sgl_diag_set(diag, "signing domain is no domain name", "RFC 6376 s3.5",
                         signers[i].domain, 0);
            return SGL_E_SYNTAX;
        }
        if (!name_ok(signers[i].selector, 1)) {
            sgl_diag_set(diag, "selector is no domain name", "RFC 6376 s3.5", signers[i].selector,
                         0);
            return SGL_E_SYNTAX;
        }
    }
    return SGL_OK;
}

static bool times_ok(const struct sgl_dkim_options *options)
{
    return options->now >= 0 && options->now <= TIME_MAX && options->valid_s >= 0 &&
           options->valid_s <= TIME_MAX - options->now;
}

/* ---- the field ----------------------------------------------------------------------------------------------------- */

/* A field being written; words that do not fit go to the next line. */
struct folder {
    struct sgl_buf *out;
    size_t column;
};

static void fold(struct folder *to)
{
    sgl_buf_add(to->out, SGL_LIT("\r\n "));
    to->column = 1;
}

/* Adds `word` behind a blank, or on a new line. */
static void add_word(struct folder *to, sgl_view word)
{
    if (to->column + 1 + word.len > LINE_WIDTH) {
        fold(to);
    } else {
        sgl_buf_add_byte(to->out, ' ');
        to->column++;
    }
    sgl_buf_add(to->out, word);
    to->column += word.len;
}

/* Adds `part` to the word before it; a fold between them is allowed. */
static void add_part(struct folder *to, sgl_view part)
{
    if (to->column + part.len > LINE_WIDTH)
        fold(to);
    sgl_buf_add(to->out, part);
    to->column += part.len;
}

/* Adds "tag=value;". */
static void add_tag(struct folder *to, const char *tag, sgl_view value)
{
    uint8_t bytes[512];
    sgl_view word = {bytes, strlen(tag) + value.len + 2};

    if (word.len > sizeof bytes) { /* names have at most 253 characters */
        to->out->status = SGL_E_LIMIT;
        return;
    }
    memcpy(bytes, tag, strlen(tag));
    bytes[strlen(tag)] = '=';
    if (value.len > 0)
        memcpy(bytes + strlen(tag) + 1, value.ptr, value.len);
    bytes[word.len - 1] = ';';
    add_word(to, word);
}

static void add_time(struct folder *to, const char *tag, sgl_time time)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)time);

    add_tag(to, tag, sgl_view_of(digits, (size_t)len));
}

static void add_names(struct folder *to, const struct sgl_dkim_selection *selection)
{
    uint8_t bytes[SGL_LIMIT_FIELD_NAME + 8];

    for (size_t i = 0; i < selection->names; i++) {
        sgl_view name = selection->name[i];
        size_t len = 0;

        if (i == 0) {
            memcpy(bytes, "h=", 2);
            len = 2;
        }
        memcpy(bytes + len, name.ptr, name.len);
        len += name.len;
        bytes[len++] = i + 1 == selection->names ? ';' : ':';
        if (i == 0)
            add_word(to, sgl_view_of(bytes, len));
        else
            add_part(to, sgl_view_of(bytes, len));
    }
}

static sgl_view canon_name(const struct sgl_dkim_options *options)
{
    if (options->header_canon == SGL_DKIM_RELAXED)
        return options->body_canon == SGL_DKIM_RELAXED ? SGL_LIT("relaxed/relaxed")
                                                       : SGL_LIT("relaxed/simple");
    return options->body_canon == SGL_DKIM_RELAXED ? SGL_LIT("simple/relaxed")
                                                   : SGL_LIT("simple/simple");
}

/* What all signatures of a message share. */
struct job {
    const struct sgl_dkim_options *options;
    struct sgl_dkim_selection selection;
    sgl_view body_hash; /* base64 */
    struct sgl_hash header;
};

/* "DKIM-Signature: v=1; ... b=".  b= stands last, so that finishing is appending. */
static enum sgl_status write_field(const struct job *job, const struct sgl_dkim_signer *signer,
                                   struct sgl_buf *out)
{
    struct folder to = {out, 0};
    const struct sgl_dkim_options *options = job->options;

    sgl_buf_add(out, SGL_LIT("DKIM-Signature:"));
    to.column = out->len;
    add_tag(&to, "v", SGL_LIT("1"));
    add_tag(&to, "a", sgl_view_cstr(sgl_dkim_algorithm_name(signer->algorithm)));
    add_tag(&to, "c", canon_name(options));
    add_tag(&to, "d", signer->domain);
    add_tag(&to, "s", signer->selector);
    add_time(&to, "t", options->now);
    if (options->valid_s > 0)
        add_time(&to, "x", options->now + options->valid_s);
    add_names(&to, &job->selection);
    add_tag(&to, "bh", job->body_hash);
    fold(&to);
    sgl_buf_add(out, SGL_LIT("b="));
    return out->status;
}

/* ---- prepare and finish -------------------------------------------------------------------------------------------- */

static enum sgl_status prepare_one(struct job *job, const struct sgl_dkim_signer *signer,
                                   struct sgl_arena *arena, struct sgl_dkim_pending *out)
{
    sgl_auto(sgl_buf) field = SGL_BUF_INIT(SGL_DKIM_FIELD_MAX);
    sgl_auto(sgl_hash) hash = {0};

    SGL_TRY(write_field(job, signer, &field));
    out->algorithm = signer->algorithm;
    SGL_TRY(sgl_arena_dup(arena, sgl_buf_view(&field), &out->field));
    sgl_hash_init(&hash, job->header.crypto);
    sgl_hash_copy(&hash, &job->header);
    /* The signature's own field comes last, b= empty, without its line end.  [RFC 6376 s3.7] */
    sgl_dkim_canon_field(job->options->header_canon, out->field,
                         (struct sgl_dkim_sink){sgl_dkim_put_hash, &hash});
    return sgl_hash_final(&hash, out->digest);
}

static enum sgl_status prepare_all(struct job *job, const struct sgl_dkim_signer *signers,
                                   size_t count, struct sgl_arena *arena,
                                   struct sgl_dkim_pending *out)
{
    const struct sgl_dkim_sink sink = {sgl_dkim_put_hash, &job->header};
    struct sgl_dkim_pending made[SGL_DKIM_SIGNATURES_MAX];

    for (size_t i = 0; i < job->selection.count; i++)
        sgl_dkim_canon_field(job->options->header_canon, job->selection.field[i]->raw, sink);
    for (size_t i = 0; i < count; i++)
        SGL_TRY(prepare_one(job, &signers[i], arena, &made[i]));
    memcpy(out, made, count * sizeof made[0]);
    return SGL_OK;
}

enum sgl_status
sgl_dkim_sign_prepare(const struct sgl_crypto *crypto, const struct sgl_dkim_options *options,
                      const struct sgl_headers *headers, const uint8_t body_hash[SGL_SHA256_SIZE],
                      const struct sgl_dkim_signer *signers, size_t count, struct sgl_arena *arena,
                      struct sgl_dkim_pending *out, struct sgl_diag *diag)
{
    sgl_auto(sgl_buf) bh = SGL_BUF_INIT(64);
    struct job job = {.options = options};
    enum sgl_status status;

    if (!times_ok(options))
        return SGL_E_MISUSE;
    SGL_TRY(check_signers(signers, count, diag));
    status = options->signed_name == NULL
                 ? sgl_dkim_select(headers, arena, &job.selection)
                 : sgl_dkim_select_named(headers, options->signed_name, options->signed_names,
                                         arena, &job.selection);
    if (status == SGL_E_SYNTAX)
        sgl_diag_set(
            diag,
            sgl_headers_first(headers, SGL_LIT("From")) == NULL
                ? "a message without From cannot be signed"
                : "the names of fields to sign leave out From, or hold one that cannot be signed",
            "RFC 6376 s5.4", headers->section, 0);
    SGL_TRY(status);
    sgl_base64_encode(&bh, sgl_view_of(body_hash, SGL_SHA256_SIZE));
    SGL_TRY(bh.status);
    job.body_hash = sgl_buf_view(&bh);
    sgl_hash_init(&job.header, crypto);
    status = prepare_all(&job, signers, count, arena, out);
    sgl_hash_done(&job.header);
    return status;
}

enum sgl_status sgl_dkim_sign_finish(const struct sgl_dkim_pending *pending, sgl_view signature,
                                     struct sgl_buf *out)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(2 * SGL_SIGNATURE_MAX);
    struct folder to = {out, 1 + SGL_LIT("b=").len};
    sgl_view rest;

    sgl_base64_encode(&text, signature);
    SGL_TRY(text.status);
    sgl_buf_add(out, pending->field);
    for (rest = sgl_buf_view(&text); rest.len > 0;) {
        sgl_view part = sgl_view_sub(rest, 0, LINE_WIDTH - to.column);

        sgl_buf_add(out, part);
        rest = sgl_view_from(rest, part.len);
        if (rest.len > 0)
            fold(&to);
    }
    sgl_buf_add(out, SGL_LIT("\r\n"));
    return out->status;
}
