/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A credential: a user name, and its password as Argon2id and SCRAM keep it (noun_password.c).
 *
 *   {"created_at":N,"domains":["example.org"],"argon2id":"$argon2id$...","scram":{"salt":BASE64,"iterations":N,"stored":BASE64,"server":BASE64}}
 */
#include <stdlib.h>

#include "directory_change.h"

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
    struct credential *c = credential_new(noun->key, noun->subscription);

    if (c != NULL && password_from_json(c, json) &&
        identity_domains_from_json(c->holder.identity, json)) {
        c->holder.identity->version = noun->version;
        return c;
    }
    free_(c);
    return NULL;
}

static json_t *to_json(const void *noun)
{
    const struct credential *c = noun;
    json_t *json = json_pack("{s:I, s:o}", "created_at", (json_int_t)c->holder.identity->created_at,
                             "domains", identity_domains_to_json(c->holder.identity));

    if (json != NULL && password_to_json(c, json))
        return json;
    json_decref(json);
    return NULL;
}

/* ---- added, changed ---- */

/* The address of an account is its user name. */
static bool check_no_account(struct change *g)
{
    struct identity *who = directory_account(g->d, g->c->name, NULL);

    if (who == NULL)
        return true;
    identity_unref(who);
    change_say(g->c, DIRECTORY_EXISTS, "name", "an account has this address as its user name");
    return false;
}

static bool prepare(struct change *g)
{
    struct directory_change *c = g->c;
    struct credential *made;

    if (!change_check_name(g) || !change_check_subscription(g) || !change_check_free(g) ||
        !check_no_account(g) || !password_take(g))
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

    return ((c->password.len == 0 && !c->password_new) || password_take(g)) &&
           identity_alter(g, altered->holder.identity);
}

static const char *const shown[] = {"domains", "profile", NULL};

const struct noun_kind noun_credential = {
    .name = "credential",
    .field = "name",
    .prefix = "credential:",
    HOLDER_ROW,
    .free = free_,
    .from_json = from_json,
    .to_json = to_json,
    .shown = shown,
    .unshown = "password",
    .prepare = prepare,
    .copy = copy,
    .alter = alter,
    .make = password_make,
};
