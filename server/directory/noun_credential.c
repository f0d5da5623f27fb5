/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A credential: a user name, and its password as Argon2id and SCRAM keep it, made on a worker thread.
 *
 *   {"created_at":N,"domains":["example.org"],"argon2id":"$argon2id$...","scram":{"salt":BASE64,"iterations":N,"stored":BASE64,"server":BASE64}}
 */
#include <stdio.h>
#include <stdlib.h>

#include "directory_change.h"
#include "sigillo/ascii.h"
#include "sigillo/utf8.h"

#define PASSWORD_MIN 10

static void free_(void *noun)
{
    holder_free(noun, sizeof(struct credential));
}

static void *copy(const void *noun)
{
    return holder_copy(noun, sizeof(struct credential));
}

static struct credential *credential_new(sgl_view user, sgl_view subscription)
{
    return holder_new(sizeof(struct credential), IDENTITY_CREDENTIAL, "credential:", user,
                      subscription);
}

static void *from_json(const struct store_noun *noun, const json_t *json)
{
    const char *argon = json_string_value(json_object_get(json, "argon2id"));
    const json_t *scram = json_object_get(json, "scram");
    struct credential *c = credential_new(noun->key, noun->subscription);

    if (c == NULL || argon == NULL || strlen(argon) >= sizeof(c->argon))
        goto fail;
    c->holder.identity->version = noun->version;
    memcpy(c->argon, argon, strlen(argon) + 1);
    c->scram.iterations = (uint32_t)json_integer_value(json_object_get(scram, "iterations"));
    c->scram.known = true;
    if (!json_base64_exact(scram, "salt", c->scram.salt, sizeof(c->scram.salt)) ||
        !json_base64_exact(scram, "stored", c->scram.stored_key, sizeof(c->scram.stored_key)) ||
        !json_base64_exact(scram, "server", c->scram.server_key, sizeof(c->scram.server_key)) ||
        !identity_domains_from_json(c->holder.identity, json))
        goto fail;
    return c;
fail:
    free_(c);
    return NULL;
}

static json_t *to_json(const void *noun)
{
    const struct credential *c = noun;
    json_t *scram =
        json_pack("{s:o, s:I, s:o, s:o}", "salt", base64_json(c->scram.salt, sizeof(c->scram.salt)),
                  "iterations", (json_int_t)c->scram.iterations, "stored",
                  base64_json(c->scram.stored_key, sizeof(c->scram.stored_key)), "server",
                  base64_json(c->scram.server_key, sizeof(c->scram.server_key)));

    return json_pack(
        "{s:I, s:o, s:s, s:o}", "created_at", (json_int_t)c->holder.identity->created_at, "domains",
        identity_domains_to_json(c->holder.identity), "argon2id", c->argon, "scram", scram);
}

/* ---- added ---- */

static bool password_ok(sgl_view password)
{
    if (password.len < PASSWORD_MIN || password.len > PASSWORD_MAX || !sgl_utf8_valid(password))
        return false;
    for (size_t i = 0; i < password.len; i++)
        if (sgl_ascii_is_control(password.ptr[i]))
            return false;
    return true;
}

static void hash(struct work *w)
{
    struct change *g = (struct change *)(void *)w;

    g->hashed = password_hash(g->d, sgl_view_cstr(g->password), g->noun);
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

static bool take_password(struct change *g)
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

static bool prepare(struct change *g)
{
    struct directory_change *c = g->c;
    struct credential *made;

    if (!change_check_name(g) || !change_check_subscription(g) || !change_check_free(g) ||
        !take_password(g))
        return false;
    g->noun = made = credential_new(c->name, sgl_view_cstr(g->subscription));
    if (made == NULL) {
        change_no_memory(c);
        return false;
    }
    return identity_check_domains(g, made->holder.identity, true);
}

static bool alter(struct change *g)
{
    const struct directory_change *c = g->c;
    struct credential *altered = g->noun;

    return ((c->password.len == 0 && !c->password_new) || take_password(g)) &&
           identity_alter(g, altered->holder.identity);
}

static void make(struct change *g)
{
    if (g->password == NULL) { /* changed, but not its password */
        change_store(g);
        return;
    }
    g->work = (struct work){.work = hash, .done = hashed, .loop = g->c->loop};
    if (workers_submit(g->d->workers, &g->work))
        return;
    change_say(g->c, DIRECTORY_UNAVAILABLE, "", "too much is waiting to be hashed; try again soon");
    change_refuse(g);
}

static const char *const shown[] = {"domains", NULL};

const struct noun_kind noun_credential = {
    .name = "credential",
    .field = "name",
    .prefix = "credential:",
    .key = holder_key,
    .version = holder_version,
    .free = free_,
    .hidden = holder_hidden,
    .from_json = from_json,
    .to_json = to_json,
    .subscription = holder_subscription,
    .shown = shown,
    .unshown = "password",
    .prepare = prepare,
    .copy = copy,
    .alter = alter,
    .replaced = holder_replaced,
    .may_go = holder_may_go,
    .make = make,
};
