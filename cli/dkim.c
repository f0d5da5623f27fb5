/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo dkim verify | sign */
#include <stdlib.h>
#include <string.h>

#include "../server/loop/loop.h"
#include "lookup.h"
#include "mailfile.h"
#include "sigillo/dkim_verify.h"
#include "verbs.h"

#define ARENA_MAX  ((size_t)16 << 20)
#define KEY_MAX    ((size_t)64 * 1024)
#define NAMES_MAX  256
#define EXPIRE_MAX (INT64_C(10) * 366 * 86400)
#define SHOWN_MAX  512

/* ---- verify ---------------------------------------------------------------------------------------------------------- */

struct verification {
    struct mailfile mail;
    struct sgl_arena arena;
    struct sgl_dkim_hashes hashes;
    struct sgl_dkim_verifier verifier;
    struct sgl_dkim_verdicts verdicts;
};

/* Reads the message, hashes, asks. SGL_OK, or why not (a failure to read has been printed). */
static enum sgl_status judge(struct verification *v, const struct sgl_crypto *crypto,
                             const struct sgl_dkim_verify_options *options, struct lookup *l)
{
    enum sgl_status status;
    sgl_view piece;

    SGL_TRY(sgl_dkim_verifier_init(&v->verifier, crypto, options, &v->mail.headers, &v->hashes,
                                   &v->arena));
    while (mailfile_next(&v->mail, &piece))
        sgl_dkim_hashes_feed(&v->hashes, piece);
    SGL_TRY(sgl_dkim_hashes_finish(&v->hashes));
    while ((status = sgl_dkim_verify(&v->verifier, &l->dns, &v->verdicts)) == SGL_NEED_DNS)
        lookup_fill(l);
    return status;
}

static json_t *verdict_json(const struct sgl_dkim_verdict *v)
{
    return json_pack("{s:o, s:o, s:o, s:s, s:s, s:i, s:b, s:o, s:b, s:I}", "domain",
                     cli_json_text(v->tags.domain), "selector", cli_json_text(v->tags.selector),
                     "algorithm", cli_json_text(v->tags.algorithm), "result",
                     sgl_dkim_result_name(v->result), "reason", v->reason, "key_bits",
                     (int)v->key_bits, "testing", v->testing, "identity",
                     cli_json_text(v->tags.identity), "dnssec", v->secure, "unsigned_tail",
                     (json_int_t)v->unsigned_tail);
}

static const char *colour(const struct cli *c, enum sgl_dkim_result result)
{
    switch (result) {
    case SGL_DKIM_PASS:
        return cli_green(c);
    case SGL_DKIM_FAIL:
    case SGL_DKIM_PERMERROR:
    case SGL_DKIM_POLICY:
        return cli_red(c);
    case SGL_DKIM_NONE:
    case SGL_DKIM_NEUTRAL:
    case SGL_DKIM_TEMPERROR:
        return cli_yellow(c);
    }
    return "";
}

static void put_verdict(const struct cli *c, const struct sgl_dkim_verdict *v)
{
    printf("%s%s%s  ", colour(c, v->result), sgl_dkim_result_name(v->result), cli_plain(c));
    cli_put_view(stdout, v->tags.domain.len > 0 ? v->tags.domain : SGL_LIT("(no domain)"),
                 SHOWN_MAX);
    if (v->tags.selector.len > 0) {
        fputs("  selector ", stdout);
        cli_put_view(stdout, v->tags.selector, SHOWN_MAX);
    }
    if (v->tags.algorithm.len > 0) {
        fputs("  ", stdout);
        cli_put_view(stdout, v->tags.algorithm, SHOWN_MAX);
    }
    if (v->key_bits > 0 && v->tags.alg == SGL_DKIM_RSA_SHA256)
        printf("  %u bits", v->key_bits);
    putchar('\n');
    if (v->reason[0] != '\0')
        printf("      %s\n", v->reason);
    if (v->testing)
        puts("      the key's record says t=y: its owner is testing");
    if (v->unsigned_tail > 0)
        printf("      %llu bytes of the body are not signed\n",
               (unsigned long long)v->unsigned_tail);
}

static int put_verdicts(const struct cli *c, const struct sgl_dkim_verdicts *verdicts)
{
    json_t *list;

    if (c->json) {
        list = json_array();
        for (size_t i = 0; i < verdicts->count; i++)
            json_array_append_new(list, verdict_json(&verdicts->item[i]));
        return cli_print_json(
            json_pack("{s:o, s:I}", "signatures", list, "ignored", (json_int_t)verdicts->ignored));
    }
    if (verdicts->count == 0)
        puts("none  the message has no DKIM signature");
    for (size_t i = 0; i < verdicts->count; i++)
        put_verdict(c, &verdicts->item[i]);
    if (verdicts->ignored > 0)
        printf("      %zu more signatures were not looked at\n", verdicts->ignored);
    return CLI_YES;
}

/* Yes: one passes. Could not find out: none does, and one might. */
static int answer_of(const struct sgl_dkim_verdicts *verdicts)
{
    bool open = false;

    for (size_t i = 0; i < verdicts->count; i++)
        open = open || verdicts->item[i].result == SGL_DKIM_TEMPERROR;
    return verdicts->passes > 0 ? CLI_YES : open ? CLI_UNKNOWN : CLI_NO;
}

static int verify_mail(struct cli *c, struct verification *v, struct lookup *l, sgl_time now)
{
    const struct sgl_dkim_verify_options options = {
        .now = now, .partial_body_ok = cli_flag(c, "--allow-length")};
    struct sgl_crypto *crypto = sgl_crypto_new();
    enum sgl_status status = SGL_E_NOMEM;

    if (crypto != NULL) {
        sgl_dkim_hashes_init(&v->hashes, crypto);
        status = judge(v, crypto, &options, l);
        sgl_dkim_hashes_done(&v->hashes);
    }
    sgl_crypto_free(crypto);
    if (v->mail.failed)
        return CLI_USAGE;
    if (status != SGL_OK)
        return cli_error(CLI_UNKNOWN, c->verb->name, "%s", sgl_status_name(status));
    status = (enum sgl_status)put_verdicts(c, &v->verdicts);
    return status != SGL_OK ? (int)status : answer_of(&v->verdicts);
}

static int verify_run(struct cli *c)
{
    struct verification v = {0};
    struct lookup l;
    sgl_time now;
    int status = CLI_YES;

    if (!lookup_now(c, &now, &status) || !lookup_init(&l, c, 0, &status))
        return status;
    sgl_arena_init(&v.arena, ARENA_MAX);
    if (mailfile_open(&v.mail, c->arguments > 0 ? c->argument[0] : NULL, 0, &status)) {
        status = verify_mail(c, &v, &l, now);
        mailfile_done(&v.mail);
    }
    sgl_arena_done(&v.arena);
    lookup_done(&l);
    return status;
}

static const struct cli_option verify_options[] = {
    {"--allow-length", NULL, "let a signature pass whose l= leaves the end of the body unsigned",
     false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_dkim_verify = {
    "dkim verify",
    "[FILE]",
    "tells of each DKIM signature of a message whether it holds",
    verify_options,
    0,
    1,
    verify_run,
    "Without a file the message is read from standard input. Lines may end in LF.\n"
    "Exit status: 0 a signature passes, 1 none does, 3 a key could not be looked up.",
    CLI_DNS};

/* ---- sign ------------------------------------------------------------------------------------------------------------ */

struct signing {
    struct sgl_crypto *crypto;
    struct mailfile mail;
    struct sgl_arena arena;
    struct sgl_dkim_options options;
    struct sgl_dkim_signer signer[SGL_DKIM_SIGNATURES_MAX];
    struct sgl_private_key *key[SGL_DKIM_SIGNATURES_MAX];
    size_t count;
    sgl_view name[NAMES_MAX];
};

/* "relaxed/simple"; one word alone is the header's, as in c=. */
static bool take_canon(const struct cli *c, struct sgl_dkim_options *out, int *status)
{
    const char *text = cli_text(c, "--canon");
    sgl_view body, header = sgl_view_split(sgl_view_cstr(text), '/', &body);
    const sgl_view simple = SGL_LIT("simple"), relaxed = SGL_LIT("relaxed");

    if (text == NULL)
        return true;
    if (body.ptr == NULL)
        body = simple;
    if ((!sgl_view_eq(header, simple) && !sgl_view_eq(header, relaxed)) ||
        (!sgl_view_eq(body, simple) && !sgl_view_eq(body, relaxed))) {
        *status = cli_error(CLI_USAGE, "--canon",
                            "must be relaxed or simple, for the header and for "
                            "the body: relaxed/relaxed");
        return false;
    }
    out->header_canon = sgl_view_eq(header, simple) ? SGL_DKIM_SIMPLE : SGL_DKIM_RELAXED;
    out->body_canon = sgl_view_eq(body, simple) ? SGL_DKIM_SIMPLE : SGL_DKIM_RELAXED;
    return true;
}

static bool take_headers(const struct cli *c, struct signing *s, int *status)
{
    const char *text = cli_text(c, "--headers");
    sgl_view rest = sgl_view_cstr(text);
    bool from = false;

    while (rest.ptr != NULL) {
        sgl_view name = sgl_view_trim(sgl_view_split(rest, ':', &rest));

        if (!sgl_header_name_ok(name) || s->options.signed_names == NAMES_MAX ||
            sgl_view_eq_nocase(name, SGL_LIT("DKIM-Signature"))) {
            *status = cli_error(CLI_USAGE, "--headers",
                                "must be a list of field names, without DKIM-Signature: "
                                "from:to:subject");
            return false;
        }
        from = from || sgl_view_eq_nocase(name, SGL_LIT("From"));
        s->name[s->options.signed_names++] = name;
    }
    if (text != NULL && !from) {
        *status = cli_error(CLI_USAGE, "--headers", "From must be among the fields");
        return false;
    }
    s->options.signed_name = text == NULL ? NULL : s->name;
    return true;
}

static bool take_expire(const struct cli *c, struct sgl_dkim_options *out, int *status)
{
    const char *text = cli_text(c, "--expire");
    uint64_t seconds = 0;

    if (text != NULL &&
        (!sgl_view_u64(sgl_view_cstr(text), EXPIRE_MAX, &seconds) || seconds == 0)) {
        *status = cli_error(CLI_USAGE, "--expire", "must be a number of seconds, 1 to %lld",
                            (long long)EXPIRE_MAX);
        return false;
    }
    out->valid_s = (int64_t)seconds;
    return true;
}

static bool read_key(struct signing *s, const char *path, int *status)
{
    struct sgl_buf pem = SGL_BUF_INIT(KEY_MAX);
    enum sgl_status read = SGL_E_SYNTAX;

    if (cli_read_file("--key", path, KEY_MAX, &pem)) {
        read = sgl_private_key_import(s->crypto, sgl_buf_view(&pem), &s->key[s->count]);
        if (read != SGL_OK)
            cli_error(CLI_USAGE, "--key",
                      "%s holds no RSA or Ed25519 private key without a password", path);
    }
    if (pem.data != NULL)
        sgl_wipe(pem.data, pem.cap);
    sgl_buf_done(&pem);
    *status = CLI_USAGE;
    return read == SGL_OK;
}

/* --domain, --selector and --key in sets; one --domain may stand for all. */
static bool take_keys(const struct cli *c, struct signing *s, int *status)
{
    const char *one = cli_nth(c, "--domain", 1) == NULL ? cli_text(c, "--domain") : NULL;
    const char *path;

    for (; (path = cli_nth(c, "--key", s->count)) != NULL; s->count++) {
        const char *domain = one != NULL ? one : cli_nth(c, "--domain", s->count);
        const char *selector = cli_nth(c, "--selector", s->count);

        if (s->count == SGL_DKIM_SIGNATURES_MAX || domain == NULL || selector == NULL)
            break;
        if (!read_key(s, path, status))
            return false;
        s->signer[s->count] = (struct sgl_dkim_signer){
            sgl_view_cstr(domain), sgl_view_cstr(selector),
            sgl_private_key_type(s->key[s->count]) == SGL_KEY_RSA ? SGL_DKIM_RSA_SHA256
                                                                  : SGL_DKIM_ED25519_SHA256};
    }
    if (s->count > 0 && path == NULL && cli_nth(c, "--selector", s->count) == NULL &&
        (one != NULL || cli_nth(c, "--domain", s->count) == NULL))
        return true;
    *status = cli_error(CLI_USAGE, c->verb->name,
                        "each signature needs --domain, --selector and --key, at most %d of them",
                        SGL_DKIM_SIGNATURES_MAX);
    return false;
}

static enum sgl_status hash_body(struct signing *s, uint8_t out[SGL_SHA256_SIZE])
{
    sgl_auto(sgl_hash) hash = {0};
    struct sgl_dkim_body body;
    sgl_view piece;

    sgl_hash_init(&hash, s->crypto);
    sgl_dkim_body_init_hash(&body, s->options.body_canon, &hash);
    while (mailfile_next(&s->mail, &piece))
        sgl_dkim_body_feed(&body, piece);
    sgl_dkim_body_finish(&body);
    return sgl_hash_final(&hash, out);
}

static enum sgl_status make_fields(struct signing *s, struct sgl_buf *out, struct sgl_diag *diag)
{
    struct sgl_dkim_pending pending[SGL_DKIM_SIGNATURES_MAX];
    uint8_t hash[SGL_SHA256_SIZE], signature[SGL_SIGNATURE_MAX];

    SGL_TRY(hash_body(s, hash));
    SGL_TRY(sgl_dkim_sign_prepare(s->crypto, &s->options, &s->mail.headers, hash, s->signer,
                                  s->count, &s->arena, pending, diag));
    for (size_t i = 0; i < s->count; i++) {
        size_t len = 0;

        SGL_TRY(sgl_private_key_sign(s->crypto, s->key[i], pending[i].digest, signature, &len));
        SGL_TRY(sgl_dkim_sign_finish(&pending[i], sgl_view_of(signature, len), out));
    }
    return SGL_OK;
}

static int sign_mail(struct cli *c, struct signing *s)
{
    sgl_auto(sgl_buf) fields = SGL_BUF_INIT(SGL_DKIM_SIGNATURES_MAX * SGL_DKIM_FIELD_MAX);
    struct sgl_diag diag = {0};
    enum sgl_status status = make_fields(s, &fields, &diag);

    if (s->mail.failed)
        return CLI_USAGE;
    if (status != SGL_OK)
        return cli_error(status == SGL_E_NOMEM ? CLI_UNKNOWN : CLI_USAGE, c->verb->name, "%s",
                         diag.what != NULL ? diag.what : sgl_status_name(status));
    mailfile_put_fields(&s->mail, sgl_buf_view(&fields), stdout);
    if (!mailfile_copy(&s->mail, stdout))
        return CLI_USAGE;
    if (fflush(stdout) != 0 || ferror(stdout))
        return cli_error(CLI_UNKNOWN, "standard output", "it cannot be written: %m");
    return CLI_YES;
}

static int sign_run(struct cli *c)
{
    struct signing s = {.crypto = sgl_crypto_new()};
    int status = CLI_UNKNOWN;

    sgl_arena_init(&s.arena, ARENA_MAX);
    if (s.crypto == NULL)
        status = cli_error(CLI_UNKNOWN, c->verb->name, "out of memory");
    else if (c->json)
        status = cli_error(CLI_USAGE, "--json", "the answer is a message");
    else if (take_canon(c, &s.options, &status) && take_headers(c, &s, &status) &&
             take_expire(c, &s.options, &status) && lookup_now(c, &s.options.now, &status) &&
             take_keys(c, &s, &status) &&
             mailfile_open(&s.mail, c->arguments > 0 ? c->argument[0] : NULL,
                           MAILFILE_TWICE | MAILFILE_STRICT, &status)) {
        status = sign_mail(c, &s);
        mailfile_done(&s.mail);
    }
    for (size_t i = 0; i < SGL_DKIM_SIGNATURES_MAX; i++)
        sgl_private_key_free(s.key[i]);
    sgl_arena_done(&s.arena);
    sgl_crypto_free(s.crypto);
    return status;
}

static const struct cli_option sign_options[] = {
    {"--domain", "DOMAIN", "who signs: d=; one may stand for all signatures", true},
    {"--selector", "NAME", "where the key is published: s=", true},
    {"--key", "FILE", "private key: PEM or DER, without a password", true},
    {"--canon", "HEADER/BODY", "relaxed or simple each (default relaxed/relaxed)", false},
    {"--headers", "NAME:NAME...",
     "the fields to sign, each as often as named (default: all that matter)", false},
    {"--expire", "SECONDS", "how long the signature is valid: x= (default: no end)", false},
    {"--now", "UNIXTIME", "sign as if it were this time", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_dkim_sign = {
    "dkim sign",
    "[FILE]",
    "prints a message with a new DKIM signature above it",
    sign_options,
    0,
    1,
    sign_run,
    "--domain, --selector and --key may be repeated, a set for each signature.\n"
    "What is signed is the message with CRLF line ends; what is printed has those of the input.",
    CLI_OFFLINE};
