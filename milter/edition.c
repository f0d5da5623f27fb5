/* SPDX-License-Identifier: Apache-2.0 */
#include "edition.h"

#include <stdio.h>
#include <stdlib.h>

#include "sigillo/base64.h"

#define MEMORY_MAX        ((size_t)512 << 20)
#define SETTINGS_TEXT_MAX ((size_t)1 << 20)
#define KEY_FILE_MAX      ((size_t)64 << 10)

struct making {
    struct edition *g;
    const struct sgl_crypto *crypto;
    struct files *files;
    char *why;
    size_t why_size;
};

static bool no_memory(const struct making *m)
{
    snprintf(m->why, m->why_size, "%s: out of memory", m->g->settings->path);
    return false;
}

/* ---- tables ----------------------------------------------------------------------------------------------------------- */

/* "FILE:LINE: row WHY", or "KEY: entry N WHY" for a list. */
static bool explain(const struct making *m, const char *key, sgl_view name,
                    const struct dataset_fault *fault, enum sgl_status status)
{
    struct dataset_name n = dataset_name(name);

    if (status == SGL_E_SYNTAX && n.kind == DATASET_LIST)
        snprintf(m->why, m->why_size, "%s: %s: entry %u %s", m->g->settings->path, key, fault->line,
                 fault->why);
    else if (status == SGL_E_SYNTAX)
        snprintf(m->why, m->why_size, "%.*s:%u: the row %s", SGL_FMT(n.rest), fault->line,
                 fault->why);
    else if (status == SGL_E_LIMIT)
        snprintf(m->why, m->why_size, "%s: %s: more than %d rows, or too large",
                 m->g->settings->path, key, DATASET_ROWS_MAX);
    else
        return no_memory(m);
    return false;
}

static bool read_dataset(const struct making *m, const char *key, const char *named,
                         struct dataset *out)
{
    struct dataset_name n = dataset_name(sgl_view_cstr(named));
    struct dataset_fault fault = {0};
    sgl_view text = n.rest, copy;
    enum sgl_status status;
    const char *path;

    if (n.kind != DATASET_LIST) {
        path = sgl_arena_cstr(&m->g->arena, n.rest);
        if (path == NULL)
            return no_memory(m);
        if (!files_get(m->files, path, DATASET_FILE_MAX, false, &text, m->why, m->why_size))
            return false;
    }
    status = sgl_arena_dup(&m->g->arena, text, &copy);
    if (status == SGL_OK)
        status = dataset_read(n.kind, copy, &m->g->arena, out, &fault);
    return status == SGL_OK || explain(m, key, sgl_view_cstr(named), &fault, status);
}

static bool read_hosts(const struct making *m, const char *key, const char *named,
                       struct hosts *out)
{
    struct dataset_fault fault = {0};
    struct dataset set;
    enum sgl_status status;

    if (named == NULL)
        return true;
    if (!read_dataset(m, key, named, &set))
        return false;
    status = hosts_read(&set, &m->g->arena, out, &fault);
    return status == SGL_OK || explain(m, key, sgl_view_cstr(named), &fault, status);
}

/* ---- keys ------------------------------------------------------------------------------------------------------------- */

static bool import_key(const struct making *m, const char *what, sgl_view bytes,
                       struct sgl_private_key **out)
{
    enum sgl_status status = sgl_private_key_import(m->crypto, bytes, out);

    if (status == SGL_E_NOMEM)
        return no_memory(m);
    if (status != SGL_OK)
        snprintf(m->why, m->why_size,
                 "%s: holds no private key that can sign: PEM or DER, RSA of 1024 to 4096 bits or "
                 "Ed25519, without a passphrase",
                 what);
    return status == SGL_OK;
}

static bool read_key_file(const struct making *m, const char *path, struct sgl_private_key **out)
{
    sgl_view bytes;

    return files_get(m->files, path, KEY_FILE_MAX, m->g->settings->require_safe_keys, &bytes,
                     m->why, m->why_size) &&
           import_key(m, path, bytes, out);
}

/* The key itself stands in the table, in base64. */
static bool read_inline_key(const struct making *m, struct signing_key *key)
{
    sgl_auto(sgl_buf) der = SGL_BUF_INIT(KEY_FILE_MAX);
    char what[400];
    bool good;

    snprintf(what, sizeof what, "%.300s:%u: the row", m->g->settings->key_table, key->line);
    good = sgl_base64_decode(key->place, &der) == SGL_OK &&
           import_key(m, what, sgl_buf_view(&der), &key->private);
    if (!good && m->why[0] == '\0')
        snprintf(m->why, m->why_size, "%s has neither the path of a key nor a key in base64", what);
    if (der.data != NULL)
        sgl_wipe(der.data, der.cap);
    return good;
}

static bool read_private_keys(const struct making *m)
{
    struct signing *s = &m->g->signing;

    for (size_t i = 0; i < s->keys; i++) {
        const char *path;

        if (!s->key[i].is_path) {
            if (!read_inline_key(m, &s->key[i]))
                return false;
            continue;
        }
        path = sgl_arena_cstr(&m->g->arena, s->key[i].place);
        if (path == NULL)
            return no_memory(m);
        if (!read_key_file(m, path, &s->key[i].private))
            return false;
    }
    return true;
}

static bool read_tables(const struct making *m)
{
    const struct milter_settings *c = m->g->settings;
    struct dataset_fault fault = {0};
    struct dataset set;
    enum sgl_status status;

    if (!read_dataset(m, "key_table", c->key_table, &set))
        return false;
    status = signing_read_keys(&set, &m->g->arena, &m->g->signing, &fault);
    if (status != SGL_OK)
        return explain(m, "key_table", sgl_view_cstr(c->key_table), &fault, status);
    if (!read_dataset(m, "signing_table", c->signing_table, &set))
        return false;
    status = signing_read_rules(&set, &m->g->arena, &m->g->signing, &fault);
    if (status != SGL_OK)
        return explain(m, "signing_table", sgl_view_cstr(c->signing_table), &fault, status);
    m->g->signing.multiple = c->multiple;
    return read_private_keys(m);
}

/* domain, selector, key_file: the tables that mean the same. */
static bool make_tables(const struct making *m)
{
    const struct milter_settings *c = m->g->settings;
    struct sgl_arena *a = &m->g->arena;
    size_t rows = c->domains * (c->subdomains ? 2 : 1);
    struct dataset_row *row = SGL_NEW_N(a, rows, struct dataset_row);
    struct dataset set = {DATASET_FILE, row, rows};
    struct dataset_fault fault = {0};
    struct signing_key *key = SGL_NEW(a, struct signing_key);
    enum sgl_status status = SGL_OK;

    if (row == NULL || key == NULL)
        return no_memory(m);
    *key = (struct signing_key){.name = SGL_LIT("key"), .domain = SGL_LIT("%")};
    key->selector = sgl_view_cstr(c->selector);
    if (c->subdomains && c->domains == 1)
        key->domain = sgl_view_cstr(c->domain[0]);
    m->g->signing.key = key;
    m->g->signing.keys = 1;
    for (size_t i = 0; i < c->domains; i++)
        row[i] = (struct dataset_row){sgl_view_cstr(c->domain[i]), key->name, 1};
    for (size_t i = c->domains; i < rows && status == SGL_OK; i++) {
        sgl_auto(sgl_buf) below = SGL_BUF_INIT(300);

        sgl_buf_addf(&below, ".%s", c->domain[i - c->domains]);
        row[i] = (struct dataset_row){.value = key->name, .line = 1};
        status = sgl_arena_dup(a, sgl_buf_view(&below), &row[i].key);
    }
    if (status == SGL_OK)
        status = signing_read_rules(&set, a, &m->g->signing, &fault);
    return status == SGL_OK ? read_key_file(m, c->key_file, &key->private) : no_memory(m);
}

/* ---- all of it -------------------------------------------------------------------------------------------------------- */

static bool read_sealer(const struct making *m)
{
    const struct milter_settings *c = m->g->settings;
    sgl_view *sealer = SGL_NEW_N(&m->g->arena, c->trusted_sealers, sgl_view);

    if (sealer == NULL)
        return no_memory(m);
    for (size_t i = 0; i < c->trusted_sealers; i++)
        sealer[i] = sgl_view_cstr(c->trusted_sealer[i]);
    m->g->sealer = sealer;
    return !c->seals || read_key_file(m, c->seal_key_file, &m->g->seal_key);
}

static bool read_all(const struct making *m, const char *path)
{
    const struct milter_settings *c;
    sgl_view text;

    if (!files_get(m->files, path, SETTINGS_TEXT_MAX, false, &text, m->why, m->why_size))
        return false;
    if (sgl_view_find(text, '\0') < text.len) {
        snprintf(m->why, m->why_size, "%s: holds a NUL", path);
        return false;
    }
    c = m->g->settings =
        settings_read(path, (const char *)text.ptr, &m->g->arena, m->why, m->why_size);
    return c != NULL && (!c->signs || (c->key_table != NULL ? read_tables(m) : make_tables(m))) &&
           read_hosts(m, "internal_hosts", c->internal_hosts, &m->g->internal) &&
           read_hosts(m, "external_ignore", c->external_ignore, &m->g->external_ignore) &&
           read_hosts(m, "ignore_hosts", c->ignore_hosts, &m->g->ignore) &&
           read_hosts(m, "peers", c->peers, &m->g->peers) && read_sealer(m);
}

struct edition *edition_read(const struct sgl_crypto *crypto, const char *path, struct files *files,
                             char *why, size_t why_size)
{
    struct making m = {calloc(1, sizeof *m.g), crypto, files, why, why_size};

    why[0] = '\0';
    if (m.g == NULL) {
        snprintf(why, why_size, "%s: out of memory", path);
        return NULL;
    }
    atomic_init(&m.g->refs, 1);
    sgl_arena_init(&m.g->arena, MEMORY_MAX);
    if (read_all(&m, path))
        return m.g;
    edition_unref(m.g);
    return NULL;
}

struct edition *edition_ref(struct edition *g)
{
    atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
    return g;
}

void edition_unref(struct edition *g)
{
    if (g == NULL || atomic_fetch_sub(&g->refs, 1) != 1)
        return;
    for (size_t i = 0; i < g->signing.keys; i++)
        sgl_private_key_free(g->signing.key[i].private);
    sgl_private_key_free(g->seal_key);
    sgl_arena_done(&g->arena);
    free(g);
}
