/* SPDX-License-Identifier: Apache-2.0 */
/* A subscription: a tenant.  {"created_at":N} */
#include <stdlib.h>

#include "directory_change.h"

void subscription_unref(struct subscription *s)
{
    if (s == NULL || !noun_last_reference(&s->refs))
        return;
    free(s->name);
    free(s);
}

struct subscription *subscription_from_json(sgl_view name, const json_t *json)
{
    struct subscription *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    atomic_init(&s->refs, 1);
    s->name = text_of(name);
    s->created_at = json_integer_value(json_object_get(json, "created_at"));
    if (s->name == NULL) {
        subscription_unref(s);
        return NULL;
    }
    return s;
}

void subscription_add(struct change *g)
{
    json_t *json;

    g->kind = SGL_LIT("subscription");
    if (!change_check_name(g)) {
        change_refuse(g);
        return;
    }
    json = json_pack("{s:I}", "created_at", (json_int_t)clock_now_s());
    g->subscription_new = subscription_from_json(sgl_view_cstr(g->key), json);
    if (g->subscription_new == NULL) {
        json_decref(json);
        change_no_memory(g->c);
        change_refuse(g);
        return;
    }
    change_store(g, json);
}
