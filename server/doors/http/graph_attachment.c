/* SPDX-License-Identifier: Apache-2.0 */
/* Attachments of a message: files, files that the HTML shows, and messages. */
#include <stdio.h>

#include "graph_internal.h"

static bool is_type(const json_t *json, const char *name)
{
    sgl_view type = api_string_view(json_object_get(json, "@odata.type"));

    if (sgl_view_starts(type, SGL_LIT("#")))
        type = sgl_view_from(type, 1);
    return sgl_view_eq_nocase(type, sgl_view_cstr(name));
}

/* ---- a file ---- */

/* Is "cid:ID" in the text? */
static bool is_shown(sgl_view html, sgl_view id)
{
    while (html.len > 0) {
        size_t at = sgl_view_find_view(html, SGL_LIT("cid:"));

        if (at == html.len)
            return false;
        html = sgl_view_from(html, at + 4);
        if (sgl_view_starts(html, id))
            return true;
    }
    return false;
}

/* Many files have an id without need: only what is shown within the HTML is part of it. */
static bool take_content_id(const struct graph_reader *g, const json_t *json, const char *path,
                            struct sgl_compose_part *out)
{
    sgl_view id = SGL_LIT("");
    char field[API_PATH_SIZE];

    graph_path(path, "contentId", field);
    if (!api_read_string(g->p, json, "contentId", field, &id))
        return false;
    if (sgl_view_starts(id, SGL_LIT("<")) && sgl_view_ends(id, SGL_LIT(">")))
        id = sgl_view_sub(id, 1, id.len - 2);
    if (out->inline_ || (id.len > 0 && is_shown(g->p->m->compose.html, id)))
        out->content_id = id;
    return true;
}

static bool take_file(const struct graph_reader *g, const json_t *json, const char *path,
                      struct sgl_compose_part *out)
{
    const struct api_reader *p = g->p;
    sgl_view base64 = {NULL, 0};
    char field[API_PATH_SIZE];

    graph_path(path, "contentBytes", field);
    if (!api_read_string(p, json, "contentBytes", field, &base64))
        return false;
    if (base64.ptr == NULL)
        return api_wrong(p, "member-missing", field, "The content is missing, as base64.");
    return api_read_base64(p, base64, field, out) && take_content_id(g, json, path, out);
}

/* ---- a message ---- */

/* With a description of its own, below which no more messages are. */
static bool compose_item(const struct graph_reader *g, const json_t *item, const char *path,
                         size_t index, struct sgl_buf *out)
{
    struct api_message m = {0};
    struct api_reader p = *g->p;
    struct graph_reader inner = {
        .p = &p, .at = path, .mailbox = g->mailbox, .now = g->now, .attached = true};
    struct sgl_diag diag = {0};
    enum sgl_status status;
    bool fine;

    p.m = &m;
    fine = graph_message(&inner, item);
    if (fine) {
        m.compose.date = g->now;
        memcpy(m.compose.random, g->random, sizeof(m.compose.random));
        m.compose.random[0] = (uint8_t)(m.compose.random[0] + index);
        sgl_buf_init(out, sgl_compose_bound(&m.compose) + 4096);
        status = sgl_compose_put(out, &m.compose, &diag);
        fine = status == SGL_OK;
        if (!fine)
            api_compose_refusal(&m, status, &diag, g->p->why);
    }
    return fine;
}

static bool take_item(const struct graph_reader *g, const json_t *json, const char *path,
                      size_t index, struct sgl_compose_part *out)
{
    const json_t *item = json_object_get(json, "item");
    struct sgl_buf text = {0};
    char field[API_PATH_SIZE];
    bool fine;

    graph_path(path, "item", field);
    if (!json_is_object(item) || g->attached ||
        (json_object_get(item, "@odata.type") != NULL && !is_type(item, "microsoft.graph.message")))
        return api_wrong(g->p, "attachment-type", field,
                         "The item that is attached must be a message, which has none itself.");
    fine = compose_item(g, item, field, index, &text);
    if (fine && sgl_arena_dup(g->p->arena, sgl_buf_view(&text), &out->content) != SGL_OK)
        fine = api_refuse_memory(g->p->why);
    sgl_buf_done(&text);
    out->content_type = SGL_LIT("message/rfc822");
    out->content_id = sgl_view_of(NULL, 0);
    return fine;
}

/* ---- any of them ---- */

static bool take_common(const struct graph_reader *g, const json_t *json, const char *path,
                        struct sgl_compose_part *out)
{
    const struct api_reader *p = g->p;
    char field[API_PATH_SIZE];

    graph_path(path, "name", field);
    if (!api_read_string(p, json, "name", field, &out->filename) ||
        !api_one_line(p, out->filename, field))
        return false;
    if (out->filename.len == 0)
        return api_wrong(p, "member-missing", field, "The name is missing.");
    graph_path(path, "contentType", field);
    if (!api_read_string(p, json, "contentType", field, &out->content_type))
        return false;
    graph_path(path, "isInline", field);
    return graph_bool(p, json, "isInline", field, &out->inline_);
}

static bool take_attachment(const struct graph_reader *g, const json_t *json, const char *path,
                            size_t index, struct sgl_compose_part *out)
{
    static const char *const known[] = {
        "name", "contentType", "contentBytes",         "isInline", "contentId", "contentLocation",
        "size", "id",          "lastModifiedDateTime", "item",     NULL};
    bool item = is_type(json, "microsoft.graph.itemAttachment");

    if (!json_is_object(json))
        return api_wrong(g->p, "member-type", path, "An attachment is an object.");
    if (!item && json_object_get(json, "@odata.type") != NULL &&
        !is_type(json, "microsoft.graph.fileAttachment"))
        return api_wrong(g->p, "attachment-type", path,
                         "An attachment is a #microsoft.graph.fileAttachment, or a "
                         "#microsoft.graph.itemAttachment of a message.");
    if (!graph_known_only(g->p, json, path, known) || !take_common(g, json, path, out))
        return false;
    return item ? take_item(g, json, path, index, out) : take_file(g, json, path, out);
}

bool graph_upload_item(const struct graph_reader *g, const json_t *item, const char *path,
                       struct sgl_compose_part *out)
{
    static const char *const known[] = {"attachmentType", "name",      "size", "contentType",
                                        "isInline",       "contentId", NULL};

    return graph_known_only(g->p, item, path, known) && take_common(g, item, path, out) &&
           take_content_id(g, item, path, out);
}

static bool add_uploads(const struct graph_reader *g, struct sgl_compose_part *part)
{
    for (size_t i = 0; i < g->uploads; i++) {
        if (!graph_upload_item(g, g->upload[i].item, "attachments", &part[i]))
            return false;
        part[i].content = g->upload[i].content;
    }
    return true;
}

bool graph_attachments(const struct graph_reader *g, const json_t *list, const char *path)
{
    const struct api_reader *p = g->p;
    size_t files = json_array_size(list), count = files + g->uploads;
    struct sgl_compose_part *part;

    if (count == 0 && (list == NULL || json_is_null(list)))
        return true;
    if (list != NULL && !json_is_null(list) && !json_is_array(list))
        return api_wrong(p, "member-type", path, "An array is wanted here.");
    if (count > API_ATTACHMENTS_MAX)
        return api_wrong(p, "too-many-attachments", path, "There are more than 100 attachments.");
    part = SGL_NEW_N(p->arena, count, struct sgl_compose_part);
    if (part == NULL)
        return api_refuse_memory(p->why);
    for (size_t i = 0; i < files; i++) {
        char at[API_PATH_SIZE];

        snprintf(at, sizeof(at), "%.60s[%zu]", path, i);
        if (!take_attachment(g, json_array_get(list, i), at, i, &part[i]))
            return false;
    }
    if (!add_uploads(g, part + files))
        return false;
    p->m->compose.part = part;
    p->m->compose.parts = count;
    return true;
}
