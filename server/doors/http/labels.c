/* SPDX-License-Identifier: Apache-2.0 */
#include "labels.h"

static bool is_empty(const json_t *json)
{
    return json_array_size(json) == 0 && json_object_size(json) == 0;
}

bool labels_put(json_t *categories, json_t *custom_args, struct sgl_arena *arena, sgl_view *out)
{
    json_t *whole;
    size_t len;
    char *text;
    bool fine;

    *out = SGL_LIT("");
    if (is_empty(categories) && is_empty(custom_args))
        return true;
    whole = json_pack("{s:O*, s:O*}", "categories", is_empty(categories) ? NULL : categories,
                      "custom_args", is_empty(custom_args) ? NULL : custom_args);
    len = json_dumpb(whole, NULL, 0, JSON_COMPACT);
    text = len == 0 ? NULL : sgl_arena_alloc(arena, len);
    fine = text != NULL && json_dumpb(whole, text, len, JSON_COMPACT) == len;
    if (fine)
        *out = sgl_view_of(text, len);
    json_decref(whole);
    return fine;
}

static json_t *part(const json_t *whole, const char *name, json_t *without)
{
    json_t *value = json_object_get(whole, name);

    if (value == NULL)
        return without;
    json_decref(without);
    return json_incref(value);
}

void labels_show(sgl_view labels, json_t *message)
{
    json_t *whole = json_loadb((const char *)labels.ptr, labels.len, 0, NULL);

    json_object_set_new(message, "categories", part(whole, "categories", json_array()));
    json_object_set_new(message, "metadata", part(whole, "custom_args", json_object()));
    json_decref(whole);
}
