/* SPDX-License-Identifier: Apache-2.0 */
/* Templates as the store has them. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sigillo/ascii.h"
#include "templates_internal.h"

#define HEX_ID 32

static sgl_view text_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return sgl_view_of(json_string_value(value), json_string_length(value));
}

/* ---- names ---- */

bool template_id_ok(sgl_view id)
{
    char guid[GUID_TEXT_SIZE];

    if (!sgl_view_starts(id, SGL_LIT("d-")))
        return guid_take(id, guid) && sgl_view_eq(id, sgl_view_cstr(guid));
    for (size_t i = 2; i < id.len; i++)
        if (!sgl_ascii_is_digit(id.ptr[i]) && (id.ptr[i] < 'a' || id.ptr[i] > 'f'))
            return false;
    return id.len == 2 + HEX_ID;
}

void template_id_new(bool dynamic, char out[GUID_TEXT_SIZE])
{
    uint8_t bytes[HEX_ID / 2];

    if (!dynamic) {
        guid_random(out);
        return;
    }
    randombytes_buf(bytes, sizeof(bytes));
    memcpy(out, "d-", 2);
    sodium_bin2hex(out + 2, HEX_ID + 1, bytes, sizeof(bytes));
}

bool template_key(const struct templates_call *c, sgl_view id, sgl_view version, char *out,
                  size_t size)
{
    int n = snprintf(out, size, "%.*s/%.*s%s%.*s", SGL_FMT(c->subscription), SGL_FMT(id),
                     version.len == 0 ? "" : "/", SGL_FMT(version));

    return n > 0 && (size_t)n < size;
}

/* ---- one ---- */

static bool failed(struct templates_call *c, enum store_result result)
{
    return template_say(c, TEMPLATES_UNAVAILABLE, "", store_result_text(result));
}

static json_t *parse(const struct store_noun *noun)
{
    return json_loadb((const char *)noun->value.ptr, noun->value.len, JSON_ALLOW_NUL, NULL);
}

static bool take_template(void *ctx, const struct store_noun *noun)
{
    struct templates_call *c = ctx;

    c->json = parse(noun);
    if (c->private_ != NULL)
        c->private_->version = noun->version;
    return false;
}

bool template_load(struct templates_call *c)
{
    char key[KEY_MAX];
    enum store_result result = STORE_OK;

    if (template_id_ok(c->id) && template_key(c, c->id, SGL_LIT(""), key, sizeof(key)))
        result = store_read_noun(c->templates->store, SGL_LIT(TEMPLATE_KIND), sgl_view_cstr(key),
                                 take_template, c);
    if (result != STORE_OK)
        return failed(c, result);
    if (c->json == NULL)
        return template_say(c, TEMPLATES_NOT_FOUND, "template", "There is no such template.");
    return json_object_set_new(c->json, "id", json_stringn((const char *)c->id.ptr, c->id.len)) ==
               0 ||
           template_room_ended(c);
}

bool template_find_version(struct templates_call *c)
{
    json_t *list = json_object_get(c->json, "versions"), *row;
    size_t i;

    json_array_foreach(list, i, row)
    {
        if (c->version.len == 0 ? json_is_true(json_object_get(row, "active"))
                                : sgl_view_eq(text_of(row, "id"), c->version)) {
            c->row = row;
            return true;
        }
    }
    return template_say(c, TEMPLATES_NOT_FOUND, "version",
                        c->version.len == 0 ? "The template has no active version."
                                            : "The template has no such version.");
}

static bool take_content(void *ctx, const struct store_noun *noun)
{
    json_t **out = ctx;

    *out = parse(noun);
    return false;
}

json_t *template_read_content(struct templates_call *c, sgl_view version)
{
    char key[KEY_MAX];
    json_t *content = NULL;
    enum store_result result = STORE_IO;

    if (template_key(c, c->id, version, key, sizeof(key)))
        result = store_read_noun(c->templates->store, SGL_LIT(VERSION_KIND), sgl_view_cstr(key),
                                 take_content, &content);
    if (content == NULL)
        (void)failed(c, result == STORE_OK ? STORE_CORRUPT : result);
    return content;
}

bool template_load_version(struct templates_call *c)
{
    json_int_t bytes = json_integer_value(json_object_get(c->row, "bytes"));

    if (!templates_hold(c, (size_t)bytes))
        return template_say(c, TEMPLATES_UNAVAILABLE, "",
                            "Too many templates are being filled in; try again soon.");
    c->content = template_read_content(c, text_of(c->row, "id"));
    return c->content != NULL;
}

/* ---- all of a subscription ---- */

struct walk {
    struct templates_call *c;
    bool (*each)(struct walk *w, sgl_view id, json_t *row);
    void *out;
    size_t prefix;
    size_t bytes; /* of the row in the store */
    bool memory;
};

static bool one_row(void *ctx, const struct store_noun *noun)
{
    struct walk *w = ctx;
    json_t *row = parse(noun);
    bool more;

    w->memory = row != NULL;
    w->bytes = noun->value.len;
    more = w->memory && w->each(w, sgl_view_from(noun->key, w->prefix), row);
    json_decref(row);
    return more && w->memory;
}

static bool walk_all(struct walk *w)
{
    struct store_noun_page page = {.kind = SGL_LIT(TEMPLATE_KIND), .max = INT32_MAX};
    char after[KEY_MAX], before[KEY_MAX];
    enum store_result result;

    if (!template_key(w->c, SGL_LIT(""), SGL_LIT(""), after, sizeof(after)))
        return failed(w->c, STORE_IO);
    w->prefix = strlen(after);
    memcpy(before, after, sizeof(before));
    before[w->prefix - 1] = '/' + 1;
    page.after = sgl_view_cstr(after);
    page.before = sgl_view_cstr(before);
    w->memory = true;
    result = store_read_noun_page(w->c->templates->store, &page, one_row, w);
    if (result != STORE_OK)
        return failed(w->c, result);
    return w->memory || template_room_ended(w->c);
}

static bool list_one(struct walk *w, sgl_view id, json_t *row)
{
    struct templates_call *c = w->c;
    bool dynamic = json_is_true(json_object_get(row, "dynamic"));

    if (dynamic ? !c->page.dynamic : !c->page.legacy)
        return true;
    c->count++;
    if (sgl_view_cmp(id, c->page.after) <= 0)
        return true;
    c->more = json_array_size(c->json) == c->page.max || c->held >= TEMPLATES_PAGE_BYTES;
    if (c->more)
        return true;
    w->memory = templates_hold(c, w->bytes) &&
                json_object_set_new(row, "id", json_stringn((const char *)id.ptr, id.len)) == 0 &&
                json_array_append(c->json, row) == 0;
    return w->memory;
}

bool template_list(struct templates_call *c)
{
    struct walk w = {.c = c, .each = list_one};

    c->json = json_array();
    return c->json == NULL ? template_room_ended(c) : walk_all(&w);
}

static bool sum_one(struct walk *w, sgl_view id, json_t *row)
{
    struct template_sums *out = w->out;

    (void)id;
    out->count++;
    out->bytes += json_integer_value(json_object_get(row, "bytes"));
    return true;
}

bool template_sum(struct templates_call *c, struct template_sums *out)
{
    struct walk w = {.c = c, .each = sum_one, .out = out};

    *out = (struct template_sums){0};
    return walk_all(&w);
}
