/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo dkim keygen */
#include <stdlib.h>
#include <string.h>

#include "name.h"
#include "sigillo/dkim_key.h"
#include "sigillo/dns_name.h"
#include "signing_key.h"
#include "verbs.h"

#define TEXT_MAX ((size_t)16 * 1024)

struct kind {
    const char *name;
    enum sgl_key_type type;
    unsigned bits;
    enum sgl_dkim_algorithm algorithm;
};
static const struct kind kinds[] = {
    {"rsa-2048", SGL_KEY_RSA, 2048, SGL_DKIM_RSA_SHA256},
    {"rsa-4096", SGL_KEY_RSA, 4096, SGL_DKIM_RSA_SHA256},
    {"ed25519", SGL_KEY_ED25519, 0, SGL_DKIM_ED25519_SHA256},
};

static const struct kind *take_kind(const struct cli *c)
{
    const char *text = cli_text(c, "--type");

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (text == NULL || strcmp(text, kinds[i].name) == 0)
            return &kinds[i];
    }
    cli_error(CLI_USAGE, "--type", "must be rsa-2048, rsa-4096 or ed25519");
    return NULL;
}

/* "s1._domainkey.example.org" */
static bool take_name(const struct cli *c, struct sgl_buf *out)
{
    const char *domain = cli_text(c, "--domain"), *selector = cli_text(c, "--selector");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(8192);
    struct sgl_name name;

    if (domain == NULL || selector == NULL) {
        cli_error(CLI_USAGE, c->verb->name, "--domain and --selector are needed");
        return false;
    }
    if (!name_parse(sgl_view_cstr(domain), SGL_NAME_HOST, &arena, NULL, &name)) {
        cli_error(CLI_USAGE, "--domain", "must be a domain name, not %s", domain);
        return false;
    }
    sgl_buf_addf(out, "%s._domainkey.%.*s", selector, SGL_FMT(name.text));
    if (!sgl_name_ok(sgl_view_cstr(selector), SGL_NAME_UNDERSCORE) || out->status != SGL_OK ||
        !sgl_name_ok(sgl_buf_view(out), SGL_NAME_UNDERSCORE)) {
        cli_error(CLI_USAGE, "--selector", "must be a selector, not %s", selector);
        return false;
    }
    return sgl_cstr(out) != NULL;
}

static int put_answer(const struct cli *c, const char *name, const char *record,
                      struct sgl_buf *pem)
{
    const char *out = cli_text(c, "--out");
    sgl_auto(sgl_buf) txt = SGL_BUF_INIT(TEXT_MAX);
    json_t *answer;

    if (c->json) {
        answer = json_pack("{s:s, s:s, s:s}", "name", name, "type", "TXT", "record", record);
        if (out != NULL)
            json_object_set_new(answer, "file", json_string(out));
        else
            json_object_set_new(answer, "private_key",
                                json_stringn((const char *)pem->data, pem->len));
        return cli_print_json(answer);
    }
    records_put_txt(&txt, record);
    if (out == NULL)
        fwrite(pem->data, 1, pem->len, stdout);
    printf("%s TXT %.*s\n", name, SGL_FMT(sgl_buf_view(&txt)));
    return CLI_YES;
}

static enum sgl_status make(const struct kind *kind, struct sgl_buf *pem, struct sgl_buf *record)
{
    struct sgl_buf public = SGL_BUF_INIT(TEXT_MAX);
    struct sgl_crypto *crypto = sgl_crypto_new();
    struct sgl_private_key *key = NULL;
    enum sgl_status status = SGL_E_NOMEM;

    if (crypto != NULL)
        status = sgl_private_key_generate(crypto, kind->type, kind->bits, &key);
    if (status == SGL_OK)
        status =
            sgl_join(sgl_private_key_export_pem(key, pem), sgl_private_key_public(key, &public));
    if (status == SGL_OK)
        status = sgl_dkim_key_record(kind->algorithm, sgl_buf_view(&public), record);
    sgl_private_key_free(key);
    sgl_crypto_free(crypto);
    sgl_buf_done(&public);
    return status;
}

static int keygen_run(struct cli *c)
{
    struct sgl_buf pem = SGL_BUF_INIT(TEXT_MAX);
    sgl_auto(sgl_buf) record = SGL_BUF_INIT(TEXT_MAX);
    sgl_auto(sgl_buf) name = SGL_BUF_INIT(1024);
    const struct kind *kind = take_kind(c);
    const char *out = cli_text(c, "--out");
    int status = CLI_USAGE;

    if (kind == NULL || !take_name(c, &name))
        return CLI_USAGE;
    if (make(kind, &pem, &record) != SGL_OK)
        status = cli_error(CLI_UNKNOWN, c->verb->name, "no key could be made");
    else
        status = out == NULL ? CLI_YES : signing_key_write(out, sgl_buf_view(&pem));
    if (status == CLI_YES)
        status = put_answer(c, sgl_cstr(&name), sgl_cstr(&record), &pem);
    if (pem.data != NULL)
        sgl_wipe(pem.data, pem.cap);
    sgl_buf_done(&pem);
    return status;
}

static const struct cli_option keygen_options[] = {
    {"--type", "TYPE", "rsa-2048 (default), rsa-4096 or ed25519", false},
    {"--domain", "DOMAIN", "whose key it is", false},
    {"--selector", "NAME", "where it will be published: NAME._domainkey.DOMAIN", false},
    {"--out", "FILE", "a new file for the private key, mode 0600 (default: it is printed)", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_dkim_keygen = {"dkim keygen",
                                          "",
                                          "makes a DKIM key and prints the record to publish",
                                          keygen_options,
                                          0,
                                          0,
                                          keygen_run,
                                          "The private key is PEM, without a password.",
                                          CLI_OFFLINE};
