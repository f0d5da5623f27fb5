/* SPDX-License-Identifier: Apache-2.0 */
/* A signature field as data  [RFC 6376 s3.5, s6.1.1; RFC 8616 s5; RFC 8617 s4.1.2, s4.1.3]. */
#include "sigillo/tags.h"

#include "dkim_internal.h"

#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sigillo/dns_name.h"
#include "sigillo/idn.h"
#include "sigillo/limits.h"
#include "sigillo/utf8.h"

#define LENGTH_DIGITS_MAX 76   /* l= [RFC 6376 s3.5] */
#define SIGNATURE_MAX     4096 /* characters of b=, folds included: one of RSA-16384 has 2732 */
#define TIME_DIGITS_MAX   12   /* t= and x= [RFC 6376 s3.5] */

struct reader {
    enum sgl_dkim_kind kind;
    sgl_view value;
    struct sgl_tags tags;
    struct sgl_arena *arena;
    struct sgl_diag *diag;
    struct sgl_dkim_tags *out;
    struct sgl_tag *tag; /* of SGL_LIMIT_TAGS + 1: where tags are kept */
};

static enum sgl_status refuse(struct reader *r, enum sgl_dkim_fault fault, const char *why,
                              sgl_view at)
{
    uintptr_t start = (uintptr_t)r->value.ptr, place = (uintptr_t)at.ptr;
    bool inside = place >= start && place - start <= r->value.len; /* or a copy without blanks */

    sgl_diag_set(r->diag, why, "RFC 6376 s3.5", r->value, inside ? place - start : 0);
    r->out->fault = fault;
    r->out->why = why;
    return SGL_E_SYNTAX;
}

static enum sgl_status bad_syntax(struct reader *r, const char *why, sgl_view at)
{
    return refuse(r, SGL_DKIM_FAULT_SYNTAX, why, at);
}

static enum sgl_status bad_rule(struct reader *r, const char *why)
{
    return refuse(r, SGL_DKIM_FAULT_RULE, why, sgl_view_of(NULL, 0));
}

/* The value of a tag that must be there. */
static enum sgl_status need(struct reader *r, sgl_view name, const char *why, sgl_view *value)
{
    const struct sgl_tag *tag = sgl_tags_find(&r->tags, name);

    if (tag == NULL)
        return bad_rule(r, why);
    *value = tag->value;
    return SGL_OK;
}

/* What this call says is about the bytes, unless memory ran out. */
static bool is_memory(enum sgl_status status)
{
    return status == SGL_E_NOMEM || status == SGL_E_LIMIT;
}

/* ---- a=, d=, s= ---------------------------------------------------------------------------------------------------- */

static enum sgl_status read_algorithm(struct reader *r)
{
    static const enum sgl_dkim_algorithm known[] = {SGL_DKIM_RSA_SHA256, SGL_DKIM_ED25519_SHA256};

    SGL_TRY(need(r, SGL_LIT("a"), "the signature has no a=", &r->out->algorithm));
    if (r->out->algorithm.len == 0)
        return bad_syntax(r, "a= is empty", r->out->algorithm);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (sgl_view_eq(r->out->algorithm, sgl_view_cstr(sgl_dkim_algorithm_name(known[i])))) {
            r->out->algorithm_known = true;
            r->out->alg = known[i];
        }
    }
    return SGL_OK;
}

/*
 * A domain as the DNS knows it.  What is printed later is the very name that is asked for, so nothing but a name comes through: blanks,
 * NUL, comments and brackets end here.
 */
static enum sgl_status read_name(struct reader *r, sgl_view text, unsigned flags, const char *why,
                                 struct sgl_name *out)
{
    sgl_view ascii = text;
    enum sgl_status status = SGL_OK;

    if (!sgl_ascii_only(text)) /* [RFC 8616 s5]: U-labels in a header that is UTF-8 */
        status = sgl_idn_to_ascii(text, r->arena, &ascii);
    if (status == SGL_OK && sgl_name_ok(ascii, flags))
        return sgl_name_parse(ascii, flags, r->arena, NULL, out);
    if (is_memory(status) && r->arena->status != SGL_OK)
        return status;
    return status == SGL_E_NOMEM ? status : bad_syntax(r, why, text);
}

static enum sgl_status read_domain(struct reader *r)
{
    struct sgl_name name;
    sgl_view text;

    SGL_TRY(need(r, SGL_LIT("d"), "the signature has no d=", &text));
    SGL_TRY(read_name(r, text, SGL_NAME_HOST, "d= is no domain name", &name));
    if (sgl_name_labels(name) < 2)
        return bad_syntax(r, "d= is no domain name", text);
    r->out->domain = name.text;
    return SGL_OK;
}

/* Selectors with "_" or of digits only are common, and harmless: they stand below _domainkey. */
static enum sgl_status read_selector(struct reader *r)
{
    struct sgl_name name;
    sgl_view text;

    SGL_TRY(need(r, SGL_LIT("s"), "the signature has no s=", &text));
    SGL_TRY(read_name(r, text, SGL_NAME_UNDERSCORE, "s= is no selector", &name));
    r->out->selector = name.text;
    return SGL_OK;
}

/* ---- i= ------------------------------------------------------------------------------------------------------------ */

/* dkim-quoted-printable  [RFC 6376 s2.11]; the text has no blanks any more. false: a "=" without two hex digits. */
static bool decode_qp(sgl_view text, uint8_t *to, size_t *len)
{
    *len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int high, low;

        if (text.ptr[i] != '=') {
            to[(*len)++] = text.ptr[i];
            continue;
        }
        if (text.len - i < 3)
            return false;
        high = sgl_ascii_hex_value(text.ptr[i + 1]);
        low = sgl_ascii_hex_value(text.ptr[i + 2]);
        if (high < 0 || low < 0)
            return false;
        to[(*len)++] = (uint8_t)(high << 4 | low);
        i += 2;
    }
    return true;
}

static enum sgl_status put_identity(struct reader *r, sgl_view local, struct sgl_name domain)
{
    uint8_t *text = sgl_arena_alloc(r->arena, local.len + 1 + domain.text.len);
    size_t len = 0;

    if (text == NULL)
        return r->arena->status;
    if (!decode_qp(local, text, &len))
        return bad_syntax(r, "i= is not quoted-printable", sgl_view_of(NULL, 0));
    text[len++] = '@';
    memcpy(text + len, domain.text.ptr, domain.text.len);
    r->out->identity = sgl_view_of(text, len + domain.text.len);
    return SGL_OK;
}

static enum sgl_status read_identity(struct reader *r)
{
    const struct sgl_tag *tag = sgl_tags_find(&r->tags, SGL_LIT("i"));
    const struct sgl_name signer = {r->out->domain};
    struct sgl_name domain;
    sgl_view text;
    size_t at;

    if (tag == NULL || r->kind != SGL_DKIM_SIGNATURE)
        return put_identity(r, sgl_view_of(NULL, 0), signer);
    SGL_TRY(sgl_tag_squeeze(tag->value, r->arena, &text));
    for (at = text.len; at > 0 && text.ptr[at - 1] != '@'; at--)
        ;
    if (at == 0)
        return bad_syntax(r, "i= has no \"@\"", tag->value);
    SGL_TRY(read_name(r, sgl_view_from(text, at), SGL_NAME_HOST, "i= has no domain name", &domain));
    SGL_TRY(put_identity(r, sgl_view_sub(text, 0, at - 1), domain));
    if (!sgl_name_is_at_or_below(domain, signer)) /* [RFC 6376 s6.1.1] */
        return bad_rule(r, "the domain of i= is not d= nor below it");
    return SGL_OK;
}

/* [RFC 8617 s4.2.1]: 1 to 50. */
static enum sgl_status read_instance(struct reader *r)
{
    uint64_t n = 0;
    sgl_view text;

    SGL_TRY(need(r, SGL_LIT("i"), "the field has no i=", &text));
    if (text.len > 2 || !sgl_view_u64(text, SGL_LIMIT_ARC_SETS, &n) || n == 0)
        return bad_syntax(r, "i= is no instance", text);
    r->out->instance = (unsigned)n;
    return SGL_OK;
}

/* ---- the rest ------------------------------------------------------------------------------------------------------ */

/* [RFC 6376 s6.1.1]: "1" only; "1.0" and "01" are other versions. */
static enum sgl_status read_version(struct reader *r)
{
    sgl_view text;

    SGL_TRY(need(r, SGL_LIT("v"), "the signature has no v=", &text));
    return sgl_view_eq(text, SGL_LIT("1"))
               ? SGL_OK
               : bad_rule(r, "v= is a version other than 1 of DKIM signatures");
}

/* From the "=" of b= to its ";": what is emptied before hashing, blanks and folds included  [RFC 6376 s3.7]. */
static sgl_view written(const struct reader *r, const struct sgl_tag *tag)
{
    sgl_view rest = sgl_view_from(r->value, tag->off);

    rest = sgl_view_from(rest, sgl_view_find(rest, '=') + 1);
    return sgl_view_sub(rest, 0, sgl_view_find(rest, ';'));
}

static enum sgl_status read_signature(struct reader *r)
{
    const struct sgl_tag *tag = sgl_tags_find(&r->tags, SGL_LIT("b"));
    enum sgl_status status;

    if (tag == NULL)
        return bad_rule(r, "the signature has no b=");
    r->out->b_written = written(r, tag);
    if (tag->value.len > SIGNATURE_MAX)
        return bad_syntax(r, "b= is longer than any signature", tag->value);
    SGL_TRY(sgl_tag_squeeze(tag->value, r->arena, &r->out->b));
    status = sgl_dkim_base64(tag->value, r->arena, &r->out->signature);
    if (status == SGL_E_SYNTAX || (status == SGL_OK && r->out->signature.len == 0))
        return bad_syntax(r, "b= is not base64", tag->value);
    return status;
}

static enum sgl_status read_body_hash(struct reader *r)
{
    enum sgl_status status;
    sgl_view text;

    SGL_TRY(need(r, SGL_LIT("bh"), "the signature has no bh=", &text));
    status = sgl_dkim_base64(text, r->arena, &r->out->body_hash);
    if (status == SGL_E_SYNTAX || (status == SGL_OK && r->out->body_hash.len == 0))
        return bad_syntax(r, "bh= is not base64", text);
    return status;
}

static bool canon_of(sgl_view text, enum sgl_dkim_canon *out)
{
    bool simple = sgl_view_eq(text, SGL_LIT("simple"));

    *out = simple ? SGL_DKIM_SIMPLE : SGL_DKIM_RELAXED;
    return simple || sgl_view_eq(text, SGL_LIT("relaxed"));
}

/* [RFC 6376 s3.5]: simple/simple without c=; the body is simple where c= names one form only. */
static enum sgl_status read_canon(struct reader *r)
{
    const struct sgl_tag *tag = sgl_tags_find(&r->tags, SGL_LIT("c"));
    sgl_view header, body;

    r->out->header_canon = r->out->body_canon = SGL_DKIM_SIMPLE;
    if (tag == NULL)
        return SGL_OK;
    header = sgl_view_split(tag->value, '/', &body);
    if (!canon_of(header, &r->out->header_canon) ||
        (body.ptr != NULL && !canon_of(body, &r->out->body_canon)))
        return bad_syntax(r, "c= names no canonical form", tag->value);
    return SGL_OK;
}

static size_t count_parts(sgl_view text, uint8_t sep)
{
    size_t n = 1;

    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == sep;
    return n;
}

static enum sgl_status read_names(struct reader *r)
{
    sgl_view text, rest;
    sgl_view *name;
    size_t count;
    bool from = false;

    SGL_TRY(need(r, SGL_LIT("h"), "the signature has no h=", &text));
    count = count_parts(text, ':');
    if (count > SGL_LIMIT_DKIM_SIGNED)
        return bad_syntax(r, "h= names more fields than we look at", text);
    name = SGL_NEW_N(r->arena, count, sgl_view);
    if (name == NULL)
        return r->arena->status;
    rest = text;
    for (size_t i = 0; i < count; i++) {
        name[i] = sgl_view_trim(sgl_view_split(rest, ':', &rest));
        if (!sgl_header_name_ok(name[i]))
            return bad_syntax(r, "h= holds something that is no field name", name[i]);
        from = from || sgl_view_eq_nocase(name[i], SGL_LIT("From"));
    }
    r->out->signed_name = name;
    r->out->signed_names = count;
    if (!from) /* [RFC 6376 s6.1.1] */
        return bad_rule(r, "From is not signed");
    return SGL_OK;
}

/* l=: a number too large for us is larger than any body. */
static enum sgl_status read_length(struct reader *r)
{
    const struct sgl_tag *tag = sgl_tags_find(&r->tags, SGL_LIT("l"));
    uint64_t n;

    if (tag == NULL)
        return SGL_OK;
    for (size_t i = 0; i < tag->value.len; i++) {
        if (!sgl_ascii_is_digit(tag->value.ptr[i]))
            return bad_syntax(r, "l= is no number", tag->value);
    }
    if (tag->value.len == 0 || tag->value.len > LENGTH_DIGITS_MAX)
        return bad_syntax(r, "l= is no number", tag->value);
    r->out->length = sgl_view_u64(tag->value, SGL_DKIM_ALL - 1, &n) ? n : SGL_DKIM_ALL - 1;
    return SGL_OK;
}

static enum sgl_status read_time(struct reader *r, sgl_view name, const char *why, sgl_time *out)
{
    const struct sgl_tag *tag = sgl_tags_find(&r->tags, name);
    uint64_t n;

    if (tag == NULL)
        return SGL_OK;
    if (tag->value.len > TIME_DIGITS_MAX || !sgl_view_u64(tag->value, INT64_MAX, &n))
        return bad_syntax(r, why, tag->value);
    *out = (sgl_time)n;
    return SGL_OK;
}

/* [RFC 6376 s3.5]: methods that are not known are skipped; without a known one there is no key. */
static enum sgl_status read_query(struct reader *r)
{
    const struct sgl_tag *tag = sgl_tags_find(&r->tags, SGL_LIT("q"));
    sgl_view rest;

    if (tag == NULL)
        return SGL_OK;
    rest = tag->value;
    while (rest.ptr != NULL) {
        sgl_view method = sgl_view_trim(sgl_view_split(rest, ':', &rest));

        if (sgl_view_eq(method, SGL_LIT("dns/txt")))
            return SGL_OK;
    }
    return bad_rule(r, "q= names no way to the key that we know");
}

/* ---- the three kinds ----------------------------------------------------------------------------------------------- */

static enum sgl_status read_seal(struct reader *r)
{
    SGL_TRY(read_instance(r));
    SGL_TRY(need(r, SGL_LIT("cv"), "the seal has no cv=", &r->out->chain));
    if (sgl_tags_find(&r->tags, SGL_LIT("h")) != NULL) /* [RFC 8617 s4.1.3] */
        return bad_rule(r, "a seal with h=");
    r->out->header_canon = r->out->body_canon = SGL_DKIM_RELAXED;
    return SGL_OK;
}

static enum sgl_status read_message(struct reader *r)
{
    if (r->kind == SGL_DKIM_ARC_MESSAGE)
        SGL_TRY(read_instance(r));
    SGL_TRY(read_canon(r));
    SGL_TRY(read_names(r));
    SGL_TRY(read_body_hash(r));
    SGL_TRY(read_length(r));
    return read_query(r);
}

static enum sgl_status read_all(struct reader *r)
{
    SGL_TRY(read_algorithm(r));
    SGL_TRY(read_domain(r));
    SGL_TRY(read_selector(r));
    if (r->kind == SGL_DKIM_SIGNATURE)
        SGL_TRY(read_version(r));
    SGL_TRY(read_signature(r));
    SGL_TRY(read_identity(r));
    SGL_TRY(r->kind == SGL_DKIM_ARC_SEAL ? read_seal(r) : read_message(r));
    SGL_TRY(read_time(r, SGL_LIT("t"), "t= is no time", &r->out->timestamp));
    return read_time(r, SGL_LIT("x"), "x= is no time", &r->out->expires);
}

static enum sgl_status read_list(struct reader *r)
{
    struct sgl_arena_mark mark = sgl_arena_mark(r->arena);
    struct sgl_diag why = {0};
    enum sgl_status status;

    if (r->value.len > SGL_LIMIT_DKIM_FIELD)
        return bad_syntax(r, "the signature is larger than we read", sgl_view_of(NULL, 0));
    if (!sgl_utf8_valid(r->value))
        return bad_syntax(r, "the signature is not UTF-8", sgl_view_of(NULL, 0));
    status = sgl_tags_parse(r->value, SGL_TAGS_UTF8, r->arena, &r->tags, &why);
    if (status == SGL_E_NOMEM || r->arena->status != SGL_OK)
        return status;
    /* The list is needed here only: the tags of dozens of hostile fields would add up. */
    if (status == SGL_OK) {
        memcpy(r->tag, r->tags.tag, r->tags.count * sizeof r->tag[0]);
        r->tags.tag = r->tag;
    }
    sgl_arena_rewind(r->arena, mark);
    if (status != SGL_OK) /* SGL_E_LIMIT: too many tags */
        return bad_syntax(r, why.what, sgl_view_from(r->value, why.off));
    return SGL_OK;
}

enum sgl_status sgl_dkim_tags_parse(enum sgl_dkim_kind kind, sgl_view value,
                                    struct sgl_arena *arena, struct sgl_dkim_tags *out,
                                    struct sgl_diag *diag)
{
    struct sgl_dkim_tags read = {.why = "", .length = SGL_DKIM_ALL, .timestamp = -1, .expires = -1};
    struct sgl_tag tag[SGL_LIMIT_TAGS + 1];
    struct reader r = {kind, value, {NULL, 0}, arena, diag, &read, tag};
    enum sgl_status status = read_list(&r);

    if (status == SGL_OK)
        status = read_all(&r);
    if (status == SGL_OK || status == SGL_E_SYNTAX)
        *out = read;
    return status;
}
