/* SPDX-License-Identifier: Apache-2.0 */
/* What the audit says of a change: members of the noun's document that may be shown, as they were and as they are.  What is not on the list of its kind is never shown. */
#include <stdlib.h>

#include "directory_change.h"

#define VALUE_MAX  200
#define LIST_WHOLE 8  /* of longer lists only what differs is shown */
#define LIST_MAX   64 /* as many domains as an identity has; a group has more members */

const char *directory_verb_word(enum directory_verb verb)
{
    switch (verb) {
    case DIRECTORY_ADD:
        return "add";
    case DIRECTORY_CHANGE:
        return "change";
    case DIRECTORY_REMOVE:
        break;
    }
    return "remove";
}

/* "a.test, b.test", "standard", "true"; what is not there: "none". */
static void put_value(struct sgl_buf *out, const json_t *value)
{
    const json_t *item;
    char *text = NULL;
    size_t at;

    if (json_is_array(value) && json_is_string(json_array_get(value, 0))) {
        json_array_foreach(value, at, item)
        {
            if (at == LIST_MAX) {
                sgl_buf_addf(out, " and %zu more", json_array_size(value) - at);
                break;
            }
            sgl_buf_add_cstr(out, at == 0 ? "" : ", ");
            sgl_buf_add_cstr(out, json_is_string(item) ? json_string_value(item) : "?");
        }
    } else if (json_is_string(value) && json_string_length(value) > 0) {
        sgl_buf_add(out, sgl_view_sub(sgl_view_cstr(json_string_value(value)), 0, VALUE_MAX));
    } else if (value != NULL && !json_is_string(value) && json_is_null(value) == 0) {
        text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        sgl_buf_add(out, sgl_view_sub(sgl_view_cstr(text == NULL ? "?" : text), 0, VALUE_MAX));
        free(text);
    } else {
        sgl_buf_add_cstr(out, "none");
    }
}

/* What is in `list` and not among the keys of `others`, each behind the sign. */
static void put_missing(struct sgl_buf *out, size_t start, char sign, const json_t *list,
                        const json_t *others)
{
    size_t found = 0;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));

        if (text == NULL || json_object_get(others, text) != NULL || ++found > LIST_MAX)
            continue;
        sgl_buf_addf(out, "%s%c", out->len > start ? ", " : "", sign);
        sgl_buf_add_cstr(out, text);
    }
    if (found > LIST_MAX)
        sgl_buf_addf(out, ", %c%zu more", sign, found - LIST_MAX);
}

static json_t *as_keys(const json_t *list)
{
    json_t *keys = json_object();

    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));

        if (text != NULL)
            json_object_set_new(keys, text, json_true());
    }
    return keys;
}

static bool is_long(const json_t *list)
{
    return json_array_size(list) > LIST_WHOLE && json_is_string(json_array_get(list, 0));
}

/* "-a@x.test, +b@x.test" */
static void put_difference(struct sgl_buf *out, const json_t *was, const json_t *is)
{
    json_t *before = as_keys(was), *after = as_keys(is);
    size_t start = out->len;

    put_missing(out, start, '-', was, after);
    put_missing(out, start, '+', is, before);
    json_decref(before);
    json_decref(after);
}

static bool is_nothing(const json_t *value)
{
    return value == NULL || json_is_null(value) ||
           (json_is_string(value) && json_string_length(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0);
}

static void put_member(struct sgl_buf *out, size_t start, const char *name, const json_t *before,
                       const json_t *after)
{
    bool both = before != NULL && after != NULL;
    const json_t *was = json_object_get(before, name), *is = json_object_get(after, name);

    if (both ? json_equal(was, is) || (is_nothing(was) && is_nothing(is))
             : is_nothing(before != NULL ? was : is))
        return;
    sgl_buf_addf(out, "%s%s ", out->len > start ? "; " : "", name);
    if (both && (is_long(was) || is_long(is))) {
        put_difference(out, was, is);
        return;
    }
    if (both) {
        put_value(out, was);
        sgl_buf_add_cstr(out, " -> ");
    }
    put_value(out, after != NULL ? is : was);
}

static bool is_shown(const struct noun_kind *kind, const char *name)
{
    for (const char *const *shown = kind->shown; shown != NULL && *shown != NULL; shown++)
        if (strcmp(*shown, name) == 0)
            return true;
    return false;
}

/* Did a member change that is not shown? */
static bool hidden_changed(const struct noun_kind *kind, const json_t *before, const json_t *after)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)after, name, value)
    {
        if (!is_shown(kind, name) && !json_equal(value, json_object_get(before, name)))
            return true;
    }
    return json_object_size(before) > json_object_size(after);
}

static void put_detail(struct sgl_buf *out, const struct noun_kind *kind, const json_t *before,
                       const json_t *after)
{
    size_t start = out->len;

    for (const char *const *name = kind->shown; name != NULL && *name != NULL; name++)
        put_member(out, start, *name, before, after);
    if (kind->unshown != NULL && before != NULL && after != NULL &&
        hidden_changed(kind, before, after))
        sgl_buf_addf(out, "%s%s changed", out->len > start ? "; " : "", kind->unshown);
}

static sgl_view part(const struct change *g, size_t from, size_t to)
{
    return sgl_view_of(g->line + from, to - from);
}

bool change_audit(struct change *g)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(65536);
    json_t *after;
    size_t action, object;

    json_memory_begin();
    after = g->c->verb == DIRECTORY_REMOVE ? NULL : noun_to_json(g->kind, g->noun);
    sgl_buf_addf(&text, "%s %s", g->kind->name, directory_verb_word(g->c->verb));
    action = text.len;
    sgl_buf_addf(&text, "%s:%s", g->kind->name, g->key);
    object = text.len;
    put_detail(&text, g->kind, g->before, after);
    json_decref(after);
    if (text.status == SGL_OK && !json_memory_ended())
        g->line = text_of(sgl_buf_view(&text));
    if (g->line == NULL)
        return false;
    g->audit = (struct store_audit){.at_ms = clock_now_ms(),
                                    .actor = g->c->actor.len > 0 ? g->c->actor : SGL_LIT("system"),
                                    .peer = g->c->peer,
                                    .action = part(g, 0, action),
                                    .object = part(g, action, object),
                                    .subscription = sgl_view_cstr(g->owner),
                                    .result = SGL_LIT("done"),
                                    .detail = part(g, object, text.len)};
    return true;
}
