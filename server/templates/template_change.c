/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of templates: what is asked for becomes nouns that are put, or go, together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sigillo/html_text.h"
#include "templates_internal.h"

#define COPY_MAX (16 << 20) /* bytes: all of them are in memory at once */

bool template_say(struct templates_call *c, enum templates_result result, const char *field,
                  const char *why)
{
    c->result = result;
    snprintf(c->field, sizeof(c->field), "%s", field);
    snprintf(c->why, sizeof(c->why), "%s", why);
    return false;
}

bool template_room_ended(struct templates_call *c)
{
    return template_say(c, TEMPLATES_UNAVAILABLE, "",
                        "The server has no memory left for this; try again soon.");
}

static json_t *string(sgl_view v)
{
    return json_stringn(v.len == 0 ? "" : (const char *)v.ptr, v.len);
}

static sgl_view text_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return sgl_view_of(json_string_value(value), json_string_length(value));
}

static bool set(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0;
}

/* ---- nouns ---- */

static bool room_for(struct templates_call *c, size_t nouns)
{
    struct templates_private *p = c->private_;

    p->noun = calloc(nouns, sizeof(*p->noun));
    p->text = calloc(nouns * 2, sizeof(*p->text));
    p->op.noun = p->noun;
    p->op.op.kind = STORE_NOUN_PUT;
    return (p->noun != NULL && p->text != NULL) || template_room_ended(c);
}

/* value NULL: it goes. */
static bool add_noun(struct templates_call *c, const char *kind, sgl_view version,
                     const json_t *value, uint64_t stored)
{
    struct templates_private *p = c->private_;
    struct store_noun *n = &p->noun[p->op.nouns];
    char key[KEY_MAX], **text = &p->text[p->op.nouns * 2];

    if (!template_key(c, text_of(c->json, "id"), version, key, sizeof(key)))
        return template_room_ended(c);
    p->op.nouns++;
    text[0] = strdup(key);
    text[1] = value == NULL ? strdup("") : json_dumps(value, JSON_COMPACT);
    if (text[0] == NULL || text[1] == NULL)
        return template_room_ended(c);
    *n = (struct store_noun){.kind = sgl_view_cstr(kind),
                             .key = sgl_view_cstr(text[0]),
                             .subscription = c->subscription,
                             .value = sgl_view_cstr(text[1]),
                             .version = stored,
                             .remove = value == NULL};
    return true;
}

/* The template itself, without what its key says. */
static bool add_template(struct templates_call *c)
{
    json_t *copy = json_copy(c->json);
    bool fine = copy != NULL;

    if (!fine)
        return template_room_ended(c);
    json_object_del(copy, "id");
    fine = add_noun(c, TEMPLATE_KIND, SGL_LIT(""), copy, c->private_->version);
    json_decref(copy);
    return fine;
}

/* The sum of its versions, and when it was changed. */
static bool touch(struct templates_call *c)
{
    json_t *list = json_object_get(c->json, "versions"), *row;
    json_int_t bytes = 0;
    size_t i;

    json_array_foreach(list, i, row)
    {
        bytes += json_integer_value(json_object_get(row, "bytes"));
    }
    return (set(c->json, "bytes", json_integer(bytes)) &&
            set(c->json, "updated_at", json_integer(clock_now_s()))) ||
           template_room_ended(c);
}

static bool note(struct templates_call *c, const char *action)
{
    struct templates_private *p = c->private_;
    sgl_view id = text_of(c->json, "id");

    snprintf(p->audit_object, sizeof(p->audit_object), "template:%.*s", SGL_FMT(id));
    p->audit = (struct store_audit){.at_ms = clock_now_ms(),
                                    .actor = c->actor,
                                    .peer = c->peer,
                                    .action = sgl_view_cstr(action),
                                    .object = sgl_view_cstr(p->audit_object),
                                    .subscription = c->subscription,
                                    .result = SGL_LIT("done"),
                                    .detail = text_of(c->json, "name")};
    p->op.audit = &p->audit;
    return true;
}

/* So many bytes more: is there room? */
static bool check_sums(struct templates_call *c, json_int_t bytes, bool another)
{
    struct template_sums sums;

    if (!template_sum(c, &sums))
        return false;
    if (another && sums.count >= TEMPLATES_MAX)
        return template_say(c, TEMPLATES_LIMIT, "",
                            "There are 300 templates, which is as many as can be.");
    return bytes <= 0 || sums.bytes + bytes <= TEMPLATES_BYTES_MAX ||
           template_say(c, TEMPLATES_LIMIT, "",
                        "All versions of all templates together would be larger than 256 MiB.");
}

/* ---- templates ---- */

static bool add(struct templates_call *c)
{
    char id[GUID_TEXT_SIZE];
    int64_t now = clock_now_s();

    if (!template_check_name(c, c->change.name) || !check_sums(c, 0, true))
        return false;
    template_id_new(c->change.dynamic, id);
    c->json = json_pack("{s:s, s:o, s:b, s:I, s:I, s:i, s:[]}", "id", id, "name",
                        string(c->change.name), "dynamic", c->change.dynamic, "created_at",
                        (json_int_t)now, "updated_at", (json_int_t)now, "bytes", 0, "versions");
    if (c->json == NULL)
        return template_room_ended(c);
    return room_for(c, 1) && add_template(c) && note(c, "template add");
}

static bool change_name(struct templates_call *c)
{
    if (!template_load(c) || !template_check_name(c, c->change.name))
        return false;
    if (!set(c->json, "name", string(c->change.name)))
        return template_room_ended(c);
    return touch(c) && room_for(c, 1) && add_template(c) && note(c, "template change");
}

static bool remove_all(struct templates_call *c)
{
    json_t *row;
    size_t i;

    if (!template_load(c))
        return false;
    if (!room_for(c, 1 + json_array_size(json_object_get(c->json, "versions"))) ||
        !add_noun(c, TEMPLATE_KIND, SGL_LIT(""), NULL, c->private_->version))
        return false;
    json_array_foreach(json_object_get(c->json, "versions"), i, row)
    {
        if (!add_noun(c, VERSION_KIND, text_of(row, "id"), NULL, STORE_NOUN_ANY))
            return false;
    }
    return note(c, "template remove");
}

/* ---- copies ---- */

static bool copy_version(struct templates_call *c, json_t *row)
{
    json_t *content = template_read_content(c, text_of(row, "id"));
    char id[GUID_TEXT_SIZE];
    bool fine;

    if (content == NULL)
        return false;
    guid_random(id);
    fine =
        set(row, "id", json_string(id)) && add_noun(c, VERSION_KIND, sgl_view_cstr(id), content, 0);
    json_decref(content);
    return fine || template_room_ended(c);
}

/* Is it there, may its copy be called so, and is there room? */
static bool check_copy(struct templates_call *c)
{
    json_int_t bytes;

    if (!template_load(c) ||
        (c->change.name.ptr != NULL && !template_check_name(c, c->change.name)))
        return false;
    bytes = json_integer_value(json_object_get(c->json, "bytes"));
    if (bytes > COPY_MAX)
        return template_say(c, TEMPLATES_LIMIT, "",
                            "Its versions are larger than 16 MiB, which is too much for a copy.");
    return check_sums(c, bytes, true);
}

/* A new template that holds what this one does. */
static bool copy(struct templates_call *c)
{
    char id[GUID_TEXT_SIZE];
    sgl_view name = c->change.name;
    json_t *row;
    size_t i;

    if (!check_copy(c))
        return false;
    template_id_new(json_is_true(json_object_get(c->json, "dynamic")), id);
    c->private_->version = 0;
    if (!set(c->json, "id", json_string(id)) ||
        !set(c->json, "created_at", json_integer(clock_now_s())) ||
        (name.ptr != NULL && !set(c->json, "name", string(name))))
        return template_room_ended(c);
    if (!room_for(c, 1 + json_array_size(json_object_get(c->json, "versions"))))
        return false;
    json_array_foreach(json_object_get(c->json, "versions"), i, row)
    {
        if (!copy_version(c, row))
            return false;
    }
    return touch(c) && add_template(c) && note(c, "template copy");
}

/* ---- versions ---- */

static bool set_text(json_t *object, const char *name, sgl_view v)
{
    return v.ptr == NULL || set(object, name, string(v));
}

/* The plain text that the HTML has in it. */
static bool make_plain(struct templates_call *c)
{
    sgl_view html = text_of(c->content, "html");
    struct sgl_buf out = SGL_BUF_INIT(2 * TEMPLATES_TEXT_MAX + 16);
    bool fine = true;

    if (!json_is_true(json_object_get(c->row, "generate")) || html.len == 0)
        return true;
    sgl_html_text(html, &out);
    if (out.status == SGL_OK)
        fine = set(c->content, "plain", string(sgl_buf_view(&out)));
    else if (out.status == SGL_E_NOMEM)
        fine = false;
    sgl_buf_done(&out);
    return fine || template_room_ended(c);
}

/* What the change says, over what is there. */
static bool put_change(struct templates_call *c)
{
    const struct templates_change *g = &c->change;
    json_int_t bytes;

    if (!set_text(c->row, "name", g->name) || !set_text(c->row, "subject", g->subject) ||
        !set_text(c->row, "editor", g->editor) ||
        (g->generate >= 0 && !set(c->row, "generate", json_boolean(g->generate))) ||
        !set_text(c->content, "html", g->html) || !set_text(c->content, "plain", g->plain) ||
        !set_text(c->content, "test_data", g->test_data) ||
        !set(c->row, "updated_at", json_integer(clock_now_s())))
        return template_room_ended(c);
    if (!template_check(c, c->row, c->content, json_is_true(json_object_get(c->json, "dynamic"))) ||
        !make_plain(c))
        return false;
    bytes = (json_int_t)(text_of(c->content, "html").len + text_of(c->content, "plain").len +
                         text_of(c->content, "test_data").len);
    return (check_sums(c, bytes - json_integer_value(json_object_get(c->row, "bytes")), false) &&
            set(c->row, "bytes", json_integer(bytes)));
}

/* Of all versions this one only, or not even this one. */
static bool activate(struct templates_call *c, bool active)
{
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(c->json, "versions"), i, row)
    {
        if ((row == c->row || active) && !set(row, "active", json_boolean(row == c->row && active)))
            return template_room_ended(c);
    }
    return true;
}

static bool put_version(struct templates_call *c, const char *action, uint64_t stored)
{
    return touch(c) && room_for(c, 2) && add_template(c) &&
           add_noun(c, VERSION_KIND, text_of(c->row, "id"), c->content, stored) && note(c, action);
}

static bool add_version(struct templates_call *c)
{
    json_t *list;
    char id[GUID_TEXT_SIZE];

    if (!template_load(c))
        return false;
    list = json_object_get(c->json, "versions");
    if (json_array_size(list) >= TEMPLATES_VERSIONS_MAX)
        return template_say(c, TEMPLATES_LIMIT, "",
                            "The template has 300 versions, which is as many as can be.");
    guid_random(id);
    c->row = json_pack("{s:s, s:s, s:s, s:b, s:b, s:s, s:i}", "id", id, "name", "", "subject", "",
                       "active", 0, "generate", 1, "editor", "code", "bytes", 0);
    c->content = json_pack("{s:s, s:s, s:s}", "html", "", "plain", "", "test_data", "");
    if (c->row == NULL || json_array_append_new(list, c->row) != 0 || c->content == NULL)
        return template_room_ended(c);
    return put_change(c) &&
           ((c->change.active != 1 && json_array_size(list) > 1) || activate(c, true)) &&
           put_version(c, "template version add", 0);
}

static bool change_version(struct templates_call *c)
{
    return template_load(c) && template_find_version(c) && template_load_version(c) &&
           put_change(c) && (c->change.active < 0 || activate(c, c->change.active == 1)) &&
           put_version(c, "template version change", STORE_NOUN_ANY);
}

static bool activate_version(struct templates_call *c)
{
    return template_load(c) && template_find_version(c) && template_load_version(c) &&
           activate(c, true) && touch(c) && room_for(c, 1) && add_template(c) &&
           note(c, "template version activate");
}

static bool remove_version(struct templates_call *c)
{
    json_t *list, *row;
    char id[GUID_TEXT_SIZE];
    size_t i;

    if (!template_load(c) || !template_find_version(c))
        return false;
    snprintf(id, sizeof(id), "%s", json_string_value(json_object_get(c->row, "id")));
    list = json_object_get(c->json, "versions");
    json_array_foreach(list, i, row)
    {
        if (row == c->row)
            break;
    }
    json_array_remove(list, i);
    c->row = NULL;
    return touch(c) && room_for(c, 2) && add_template(c) &&
           add_noun(c, VERSION_KIND, sgl_view_cstr(id), NULL, STORE_NOUN_ANY) &&
           note(c, "template version remove");
}

bool template_change(struct templates_call *c)
{
    switch (c->verb) {
    case TEMPLATES_ADD:
        return add(c);
    case TEMPLATES_RENAME:
        return change_name(c);
    case TEMPLATES_COPY:
        return copy(c);
    case TEMPLATES_REMOVE:
        return remove_all(c);
    case TEMPLATES_VERSION_ADD:
        return add_version(c);
    case TEMPLATES_VERSION_CHANGE:
        return change_version(c);
    case TEMPLATES_VERSION_ACTIVATE:
        return activate_version(c);
    case TEMPLATES_VERSION_REMOVE:
        return remove_version(c);
    case TEMPLATES_LIST:
    case TEMPLATES_GET:
    case TEMPLATES_VERSION_GET:
        break;
    }
    return false;
}
