/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a key record, for its owner. */
#include "dkim_internal.h"

#include "sigillo/limits.h"
#include "sigillo/tags.h"

#define BITS_GOOD 2048 /* [RFC 8301 s3.2]: signers SHOULD use at least this */

struct lint {
    const struct sgl_crypto *crypto;
    sgl_view txt;
    struct sgl_arena *arena;
    struct sgl_findings *out;
    const char *plain; /* the same key with nothing else about it: mends most findings */
};

static enum sgl_status syntax(struct lint *l, const struct sgl_diag *diag)
{
    const struct sgl_finding what = {
        .code = "dkim-key-syntax", .severity = SGL_ERROR, .rule = "RFC 6376 s3.6.1"};

    return sgl_finding_add(l->out, l->arena, &what,
                           "publish the record as \"sigillo dkim keygen\" prints it",
                           "The record is no key record: %s. No signature with this selector can "
                           "be verified.",
                           diag->what == NULL ? "it cannot be read" : diag->what);
}

/* "v=DKIM1; k=...; p=..." of the key. */
static enum sgl_status make_plain(struct lint *l, const struct sgl_dkim_key *key)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(SGL_LIMIT_DKIM_FIELD);
    enum sgl_dkim_algorithm algorithm =
        key->type == SGL_KEY_RSA ? SGL_DKIM_RSA_SHA256 : SGL_DKIM_ED25519_SHA256;

    SGL_TRY(sgl_dkim_key_record(algorithm, key->bytes, &text));
    l->plain = sgl_arena_cstr(l->arena, sgl_buf_view(&text));
    return l->plain == NULL ? l->arena->status : SGL_OK;
}

static enum sgl_status lint_rsa(struct lint *l, const struct sgl_dkim_key *key, bool usable)
{
    struct sgl_finding what = {.code = "dkim-key-short", .rule = "RFC 8301 s3.2"};
    const char *mend = "make a new key: sigillo dkim keygen --type rsa-2048";
    unsigned bits = sgl_rsa_public_bits(key->bytes);

    what.severity = bits < SGL_RSA_BITS_MIN ? SGL_ERROR : SGL_WARNING;
    if (bits > 0 && bits < SGL_RSA_BITS_MIN)
        return sgl_finding_add(l->out, l->arena, &what, mend,
                               "The RSA key has %u bits. Receivers refuse all below 1024.", bits);
    if (bits > SGL_RSA_BITS_MAX) {
        what.code = "dkim-key-long";
        what.severity = SGL_ERROR;
        return sgl_finding_add(l->out, l->arena, &what, mend,
                               "The RSA key has %u bits. Receivers need not verify more than 4096.",
                               bits);
    }
    if (usable && bits < BITS_GOOD)
        return sgl_finding_add(l->out, l->arena, &what, mend,
                               "The RSA key has %u bits. 2048 is the least that is advised.", bits);
    return SGL_OK;
}

static enum sgl_status lint_bytes(struct lint *l, const struct sgl_dkim_key *key)
{
    const struct sgl_finding what = {
        .code = "dkim-key-unreadable", .severity = SGL_ERROR, .rule = "RFC 6376 s3.6.1"};
    struct sgl_public_key *made = NULL;
    enum sgl_status status = sgl_public_key_parse(l->crypto, key->type, key->bytes, &made);
    unsigned bits = key->type == SGL_KEY_RSA ? sgl_rsa_public_bits(key->bytes) : 0;
    bool usable = status == SGL_OK;

    sgl_public_key_free(made);
    if (status != SGL_OK && status != SGL_E_SYNTAX)
        return status;
    if (key->type == SGL_KEY_RSA)
        SGL_TRY(lint_rsa(l, key, usable));
    if (usable || (bits > 0 && (bits < SGL_RSA_BITS_MIN || bits > SGL_RSA_BITS_MAX)))
        return SGL_OK;
    return sgl_finding_add(
        l->out, l->arena, &what, "publish the record as \"sigillo dkim keygen\" prints it",
        "The bytes in p= are no %s public key. No signature with this selector can be verified.",
        key->type == SGL_KEY_RSA ? "RSA" : "Ed25519");
}

static enum sgl_status lint_flags(struct lint *l, const struct sgl_dkim_key *key)
{
    struct sgl_finding what = {.severity = SGL_ERROR, .rule = "RFC 6376 s3.6.1"};

    if (!key->sha256) {
        what.code = "dkim-key-sha1";
        SGL_TRY(sgl_finding_add(l->out, l->arena, &what, l->plain,
                                "h= does not name sha256, the only hash that is still accepted: "
                                "every signature fails."));
    }
    if (!key->email) {
        what.code = "dkim-key-service";
        SGL_TRY(sgl_finding_add(l->out, l->arena, &what, l->plain,
                                "s= names neither email nor *: the key is not for mail."));
    }
    what.severity = SGL_WARNING;
    if (key->testing) {
        what.code = "dkim-key-testing";
        SGL_TRY(sgl_finding_add(l->out, l->arena, &what, l->plain,
                                "t=y says that DKIM is only tested: receivers may treat signed "
                                "mail as if it were not signed."));
    }
    return SGL_OK;
}

/* s= of a list of services: one that names mail, and not reports about TLS nor all. [RFC 8460 s3] */
static bool leaves_out_reports(sgl_view services)
{
    bool email = false;

    for (sgl_view rest = services; rest.ptr != NULL;) {
        sgl_view one = sgl_view_trim(sgl_view_split(rest, ':', &rest));

        if (sgl_view_eq(one, SGL_LIT("*")) || sgl_view_eq(one, SGL_LIT("tlsrpt")))
            return false;
        email |= sgl_view_eq(one, SGL_LIT("email"));
    }
    return email;
}

/* What is allowed, and old or unusual. */
static enum sgl_status lint_style(struct lint *l)
{
    const struct sgl_tag *services;
    struct sgl_finding what = {.severity = SGL_INFO, .rule = "RFC 6376 s3.6.1"};
    struct sgl_tags tags;

    SGL_TRY(sgl_tags_parse(l->txt, 0, l->arena, &tags, NULL));
    if (sgl_tags_find(&tags, SGL_LIT("v")) == NULL) {
        what.code = "dkim-key-no-version";
        SGL_TRY(sgl_finding_add(l->out, l->arena, &what, l->plain,
                                "The record does not begin with v=DKIM1, as it should."));
    }
    if (sgl_tags_find(&tags, SGL_LIT("g")) != NULL) {
        what.code = "dkim-key-g";
        SGL_TRY(sgl_finding_add(l->out, l->arena, &what, l->plain,
                                "g= was dropped from the standard; receivers ignore it."));
    }
    services = sgl_tags_find(&tags, SGL_LIT("s"));
    if (services != NULL && leaves_out_reports(services->value)) {
        what.code = "dkim-key-no-reports";
        what.rule = "RFC 8460 s3";
        SGL_TRY(sgl_finding_add(l->out, l->arena, &what, l->plain,
                                "s= names email and not tlsrpt: receivers may ignore reports "
                                "about TLS that are signed with this key."));
    }
    return SGL_OK;
}

static enum sgl_status lint_key(struct lint *l)
{
    const struct sgl_finding revoked = {
        .code = "dkim-key-revoked", .severity = SGL_WARNING, .rule = "RFC 6376 s3.6.1"};
    struct sgl_diag diag = {0};
    struct sgl_dkim_key key;
    enum sgl_status status = sgl_dkim_key_parse(l->txt, l->arena, &key, &diag);

    if (status == SGL_E_SYNTAX)
        return syntax(l, &diag);
    SGL_TRY(status);
    if (key.revoked)
        return sgl_finding_add(l->out, l->arena, &revoked,
                               "sign with a key at another selector: sigillo dkim keygen",
                               "p= is empty: the key is revoked. Signatures with this selector "
                               "fail, as they should once nothing signs with it.");
    SGL_TRY(make_plain(l, &key));
    SGL_TRY(lint_bytes(l, &key));
    SGL_TRY(lint_flags(l, &key));
    return lint_style(l);
}

enum sgl_status sgl_dkim_key_lint(const struct sgl_crypto *crypto, sgl_view txt,
                                  struct sgl_arena *arena, struct sgl_findings *out)
{
    struct lint l = {crypto, txt, arena, out, NULL};

    return lint_key(&l);
}
