/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo dkim sign */
#include "lookup.h"
#include "mailfile.h"
#include "sigillo/dkim.h"
#include "signing_key.h"
#include "verbs.h"

#define ARENA_MAX  ((size_t)16 << 20)
#define NAMES_MAX  256
#define EXPIRE_MAX (INT64_C(10) * 366 * 86400)

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
        if (!signing_key_read(s->crypto, path, &s->key[s->count], &s->signer[s->count].algorithm,
                              status))
            return false;
        s->signer[s->count].domain = sgl_view_cstr(domain);
        s->signer[s->count].selector = sgl_view_cstr(selector);
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
