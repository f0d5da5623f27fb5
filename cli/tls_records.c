/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo tls records | next-key: TLSA records of the server's certificates, and the key of the next one */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "../server/loop/tls.h"
#include "sigillo/crypto.h"
#include "sigillo/hex.h"
#include "signing_key.h"
#include "verbs.h"

#define RECORDS_MAX (1024u * 1024u)
#define PEM_MAX     16384u

/* ---- records ---- */

static void print_records(const struct cli *c, const json_t *list)
{
    static const char *const head[] = {"NAME", "TYPE", "VALUE", "CERTIFICATE", "KEY"};
    struct cli_table t;
    const json_t *r;
    size_t at;

    cli_table_init(&t, 5, head);
    json_array_foreach(list, at, r)
    {
        cli_table_add(&t, cli_member(r, "name", 0));
        cli_table_add(&t, cli_member(r, "type", 1));
        cli_table_add(&t, cli_member(r, "value", 2));
        cli_table_add(&t, cli_member(r, "certificate", 3));
        cli_table_add(&t, strcmp(cli_member(r, "key", 4), "used") == 0 ? "in use" : "the next");
    }
    cli_table_print(c, &t, stdout);
    cli_table_done(&t);
}

static void print_waiting(const struct cli *c, const json_t *list)
{
    const json_t *w;
    size_t at;

    json_array_foreach(list, at, w)
    {
        printf("\n%s%s waits until %s%s\n", cli_yellow(c), cli_member(w, "certificate", 0),
               cli_time(w, "until", 1), cli_plain(c));
        cli_put_folded(stdout, sgl_view_cstr(cli_member(w, "why", 2)), 0);
    }
}

static int print_answer(const struct cli *c, const json_t *answer, const char *format)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(RECORDS_MAX);

    if (strcmp(format, "table") == 0) {
        print_records(c, json_object_get(answer, "records"));
        print_waiting(c, json_object_get(answer, "waiting"));
        return CLI_YES;
    }
    if (strcmp(format, "zone") == 0)
        records_put_zone(&text, answer);
    else
        records_put_nsupdate(&text, answer);
    if (text.status != SGL_OK)
        return cli_error(CLI_UNKNOWN, "memory", "there is none left");
    fwrite(text.data, 1, text.len, stdout);
    return CLI_YES;
}

static int records_run(struct cli *c)
{
    const char *format = cli_text(c, "--format");
    json_t *answer;
    char *path;
    int status;

    format = format == NULL ? "table" : format;
    if (strcmp(format, "table") != 0 && strcmp(format, "zone") != 0 &&
        strcmp(format, "nsupdate") != 0 && strcmp(format, "json") != 0)
        return cli_error(CLI_USAGE, "--format", "it is table, zone, nsupdate or json");
    path = c->arguments > 0 ? cli_path("/admin/v1/tls/records?host=", c->argument[0], "")
                            : cli_path("/admin/v1/tls/records", "", "");
    status = cli_call(c, "GET", path, NULL, &answer);
    free(path);
    if (status != CLI_YES)
        return status;
    if (c->json || strcmp(format, "json") == 0)
        return cli_print_json(answer);
    status = print_answer(c, answer, format);
    json_decref(answer);
    return status;
}

static const struct cli_option records_options[] = {
    {"--format", "FORM", "table (default), zone, nsupdate or json", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_tls_records = {
    "tls records",
    "[HOST]",
    "prints the TLSA records of the keys of the server's certificates",
    records_options,
    0,
    1,
    records_run,
    "Of the key that is in use, and of the next one where the configuration names it; for port 25 "
    "and the SMTP doors with TLS."};

/* ---- the next key ---- */

static bool make_key(const char *type, struct sgl_buf *pem)
{
    EVP_PKEY *key = strcmp(type, "rsa-2048") == 0 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    BIO *out = BIO_new(BIO_s_secmem());
    char *bytes = NULL;
    long len = 0;

    if (key != NULL && out != NULL &&
        PEM_write_bio_PKCS8PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1)
        len = BIO_get_mem_data(out, &bytes);
    if (len > 0)
        sgl_buf_add(pem, sgl_view_of(bytes, (size_t)len));
    BIO_free(out);
    EVP_PKEY_free(key);
    return len > 0 && pem->status == SGL_OK;
}

static int say_key(const struct cli *c, const char *file, sgl_view pem)
{
    sgl_auto(sgl_buf) hex = SGL_BUF_INIT(128);
    uint8_t hash[32];

    if (!tls_key_hash(pem, hash))
        return cli_error(CLI_UNKNOWN, c->verb->name, "the key cannot be read again");
    sgl_hex_encode(&hex, sgl_view_of(hash, sizeof(hash)));
    if (c->json)
        return cli_print_json(json_pack("{s:s, s:s, s:o}", "file", file, "type", "TLSA", "value",
                                        json_sprintf("3 1 1 %.*s", SGL_FMT(sgl_buf_view(&hex)))));
    printf("TLSA 3 1 1 %.*s\n", SGL_FMT(sgl_buf_view(&hex)));
    return CLI_YES;
}

static int next_key_run(struct cli *c)
{
    struct sgl_buf pem = SGL_BUF_INIT(PEM_MAX);
    const char *file = cli_text(c, "--out"), *type = cli_text(c, "--type");
    int status;

    type = type == NULL ? "p-256" : type;
    if (file == NULL)
        return cli_error(CLI_USAGE, "--out", "missing: the file for the key, which is not there");
    if (strcmp(type, "p-256") != 0 && strcmp(type, "rsa-2048") != 0)
        return cli_error(CLI_USAGE, "--type", "it is p-256 or rsa-2048");
    if (!make_key(type, &pem))
        status = cli_error(CLI_UNKNOWN, c->verb->name, "no key could be made");
    else
        status = signing_key_write(file, sgl_buf_view(&pem));
    if (status == CLI_YES)
        status = say_key(c, file, sgl_buf_view(&pem));
    if (pem.data != NULL)
        sgl_wipe(pem.data, pem.cap);
    sgl_buf_done(&pem);
    return status;
}

static const struct cli_option next_key_options[] = {
    {"--out", "FILE", "where the private key goes; it must not be there yet", false},
    {"--type", "TYPE", "p-256 (default) or rsa-2048", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_tls_next_key = {
    "tls next-key",
    "",
    "makes the key of the next certificate, so that its TLSA record can be published early",
    next_key_options,
    0,
    0,
    next_key_run,
    "Name the file as tls_next_key, or next_key of a certificate section; the certificate is "
    "ordered for this key later.",
    CLI_OFFLINE};
