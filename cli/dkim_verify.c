/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo dkim verify */
#include "sigillo/dkim_verify.h"
#include "lookup.h"
#include "mailfile.h"
#include "verbs.h"
#include "verify.h"

#define ARENA_MAX ((size_t)16 << 20)
#define SHOWN_MAX 512

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
    verify_put_key(v, SHOWN_MAX);
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
