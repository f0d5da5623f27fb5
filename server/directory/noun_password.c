/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has a password, and how that is kept: Argon2id and SCRAM, made on a worker thread.  Credentials and accounts begin with a struct credential.
 *
 *   {...,"argon2id":"$argon2id$...","scram":{"salt":BASE64,"iterations":N,"stored":BASE64,"server":BASE64}}
 */
#include <stdio.h>
#include <stdlib.h>

#include "directory_change.h"
#include "sigillo/ascii.h"
#include "sigillo/utf8.h"

#define PASSWORD_MIN 10

/* ---- as JSON ---- */

bool password_from_json(struct credential *c, const json_t *json)
{
    const char *argon = json_string_value(json_object_get(json, "argon2id"));
    const json_t *scram = json_object_get(json, "scram");

    if (argon == NULL || !argon_parse(sgl_view_cstr(argon), &c->argon))
        return false;
    c->scram.iterations = (uint32_t)json_integer_value(json_object_get(scram, "iterations"));
    c->scram.known = true;
    return json_base64_exact(scram, "salt", c->scram.salt, sizeof(c->scram.salt)) &&
           json_base64_exact(scram, "stored", c->scram.stored_key, sizeof(c->scram.stored_key)) &&
           json_base64_exact(scram, "server", c->scram.server_key, sizeof(c->scram.server_key));
}

bool password_to_json(const struct credential *c, json_t *json)
{
    json_t *scram =
        json_pack("{s:o, s:I, s:o, s:o}", "salt", base64_json(c->scram.salt, sizeof(c->scram.salt)),
                  "iterations", (json_int_t)c->scram.iterations, "stored",
                  base64_json(c->scram.stored_key, sizeof(c->scram.stored_key)), "server",
                  base64_json(c->scram.server_key, sizeof(c->scram.server_key)));
    char argon[ARGON_TEXT_SIZE];

    argon_text(&c->argon, argon);
    return json_object_set_new(json, "argon2id", json_string(argon)) == 0 &&
           json_object_set_new(json, "scram", scram) == 0;
}

/* ---- given, or made ---- */

static bool password_ok(sgl_view password)
{
    if (password.len < PASSWORD_MIN || password.len > PASSWORD_MAX || !sgl_utf8_valid(password))
        return false;
    for (size_t i = 0; i < password.len; i++)
        if (sgl_ascii_is_control(password.ptr[i]))
            return false;
    return true;
}

/* Five groups of five letters and digits that are not mistaken for each other: 125 bits. */
static char *password_new(void)
{
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
    char text[30];
    size_t at = 0;

    for (unsigned i = 0; i < 25; i++) {
        if (i > 0 && i % 5 == 0)
            text[at++] = '-';
        text[at++] = letters[randombytes_uniform(sizeof(letters) - 1)];
    }
    return text_of(sgl_view_of(text, at));
}

bool password_take(struct change *g)
{
    struct directory_change *c = g->c;

    if (c->password.len > 0 && !password_ok(c->password)) {
        change_say(c, DIRECTORY_INVALID, "password",
                   "a password has %d to %d bytes of UTF-8 without control characters",
                   PASSWORD_MIN, PASSWORD_MAX);
        return false;
    }
    g->password = c->password.len > 0 ? text_of(c->password) : password_new();
    if (g->password == NULL) {
        change_no_memory(c);
        return false;
    }
    if (c->password.len == 0)
        snprintf(c->secret, sizeof(c->secret), "%s", g->password);
    return true;
}

/* ---- hashed ---- */

static void hash(struct work *w)
{
    struct change *g = (struct change *)(void *)w;
    uint64_t start_us = clock_mono_us();

    g->hashed = password_hash(g->d, sgl_view_cstr(g->password), g->noun);
    hashing_done(&g->d->hashing, clock_mono_us() - start_us);
}

static void hashed(struct work *w)
{
    struct change *g = (struct change *)(void *)w;

    if (g->hashed) {
        change_store(g);
        return;
    }
    change_no_memory(g->c);
    change_finish(g);
}

void password_make(struct change *g)
{
    if (g->password == NULL) { /* its password stays as it is */
        change_store(g);
        return;
    }
    g->work = (struct work){.work = hash, .done = hashed, .loop = g->c->loop};
    if (hashing_submit(&g->d->hashing, g->d->workers, &g->work))
        return;
    change_say(g->c, DIRECTORY_UNAVAILABLE, "", "too much is waiting to be hashed; try again soon");
    change_refuse(g);
}
