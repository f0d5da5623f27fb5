/* SPDX-License-Identifier: Apache-2.0 */
/* Drafts: made, read, changed and removed, with their attachments. */
#include <stdio.h>
#include <stdlib.h>

#include "graph_draft.h"

/* ---- checked as it will be when it is sent ---- */

/* Whether the message, or the attachment in `list`, is one. false: j->why. */
static bool check(struct draft_job *j, const json_t *message, const json_t *list)
{
    struct api_message m = {0};
    struct api_reader p = {
        .api = j->graph->api, .who = j->who, .arena = http_arena(j->r), .m = &m, .why = &j->why};
    struct graph_reader g = {.p = &p, .at = "", .mailbox = j->mailbox};

    return graph_reader_begin(&g, &j->why) && (message == NULL || graph_message(&g, message)) &&
           (list == NULL || graph_attachments(&g, list, "attachments"));
}

/* ---- shown ---- */

/* The stored members with what the server knows; takes the reference. */
static json_t *message_json(const struct draft_job *j, json_t *value, uint64_t version,
                            bool attachments)
{
    char id[ID_TEXT_SIZE], key[24];

    id_text(j->id, id);
    snprintf(key, sizeof(key), "%llu", (unsigned long long)version);
    json_object_set_new(value, "id", json_string(id));
    json_object_set_new(value, "changeKey", json_string(key));
    json_object_set_new(value, "createdDateTime", draft_time(id_time_ms(j->id) / 1000));
    json_object_set_new(value, "isDraft", json_true());
    json_object_set_new(value, "hasAttachments", json_boolean(attachments));
    return value;
}

static json_t *stored_json(const struct draft_job *j)
{
    return json_loadb((const char *)j->draft.value.ptr, j->draft.value.len, 0, NULL);
}

static void reply_json(struct draft_job *j, int status, json_t *json)
{
    http_reply_json(j->r, status, json);
    draft_job_free(j);
}

static void reply_draft(struct draft_job *j, int status)
{
    json_t *json = j->json;

    j->json = NULL;
    reply_json(j, status, message_json(j, json, j->draft.version, j->draft.files > 0));
}

/* ---- made ---- */

/* Could it be sent, as it will be? */
static bool fits(struct draft_job *j)
{
    size_t more = 0;

    for (size_t i = 0; i < j->op.files; i++)
        more += j->files[i].value.len;
    j->draft.value = j->op.value;
    return draft_job_fits(j, more, more > 0 ? "attachments" : "body");
}

static void made(struct draft_job *j)
{
    j->draft.version = 1;
    j->draft.files = j->op.files;
    reply_draft(j, 201);
}

/* The files by themselves, the rest as one document. */
static bool take_apart(struct draft_job *j)
{
    json_t *list = json_object_get(j->json, "attachments");

    for (size_t i = 0; i < json_array_size(list); i++)
        if (!draft_job_add_file(j, json_incref(json_array_get(list, i)), 0))
            return false;
    json_object_del(j->json, "attachments");
    j->text = json_dumps(j->json, JSON_COMPACT | JSON_PRESERVE_ORDER);
    j->op.value = sgl_view_cstr(j->text);
    return j->text != NULL || api_refuse_memory(&j->why);
}

static void messages_post(struct http_request *r, void *ctx)
{
    struct draft_job *j = draft_job_new(r, ctx);

    if (j == NULL)
        return;
    j->json = http_json(r);
    if (j->json == NULL) {
        draft_job_free(j);
        return;
    }
    j->id = id_new();
    if (check(j, j->json, NULL) && take_apart(j) && fits(j))
        draft_job_change(j, DRAFT_ADD, made);
    else
        draft_job_refuse(j);
}

/* ---- read ---- */

static void show_message(struct draft_job *j)
{
    j->json = stored_json(j);
    reply_draft(j, 200);
}

static void message_get(struct http_request *r, void *ctx)
{
    struct draft_job *j = draft_job_new(r, ctx);

    if (j != NULL)
        draft_job_read(j, show_message);
}

/* ---- changed ---- */

static void patched(struct draft_job *j)
{
    j->draft.version++;
    reply_draft(j, 200);
}

/* Members that are given take the place of those that are there. */
static void patch(struct draft_job *j)
{
    json_t *more = j->json;
    bool fine;

    j->json = stored_json(j);
    fine = j->json != NULL && json_object_update(j->json, more) == 0;
    json_decref(more);
    if (fine && json_object_get(j->json, "attachments") != NULL) {
        fine = api_refuse(&j->why, 400, "member-unknown", "attachments",
                          "Attachments are added and removed by themselves.", SGL_LIT(""));
    } else if (fine && check(j, j->json, NULL)) {
        j->text = json_dumps(j->json, JSON_COMPACT | JSON_PRESERVE_ORDER);
        fine = j->text != NULL;
    } else {
        fine = false;
    }
    if (!fine) {
        if (j->why.status == 0)
            (void)api_refuse_memory(&j->why);
        draft_job_refuse(j);
        return;
    }
    j->op.value = sgl_view_cstr(j->text);
    j->op.version = j->draft.version;
    if (fits(j))
        draft_job_change(j, DRAFT_SET, patched);
    else
        draft_job_refuse(j);
}

static void message_patch(struct http_request *r, void *ctx)
{
    struct draft_job *j = draft_job_new(r, ctx);

    if (j == NULL)
        return;
    j->json = http_json(r);
    if (j->json == NULL) {
        draft_job_free(j);
    } else if (!json_is_object(j->json)) {
        (void)api_refuse(&j->why, 400, "member-type", "body", "A message is an object.",
                         SGL_LIT(""));
        draft_job_refuse(j);
    } else {
        draft_job_read(j, patch);
    }
}

static void removed(struct draft_job *j)
{
    http_reply_empty(j->r, 204);
    draft_job_free(j);
}

static void remove_it(struct draft_job *j)
{
    draft_job_change(j, DRAFT_REMOVE, removed);
}

static void message_delete(struct http_request *r, void *ctx)
{
    struct draft_job *j = draft_job_new(r, ctx);

    if (j != NULL)
        draft_job_read(j, remove_it);
}

/* ---- attachments ---- */

static void attached(struct draft_job *j)
{
    reply_json(j, 201, draft_file_json(&j->files[0]));
}

static void attach(struct draft_job *j)
{
    json_t *value = j->json, *list = json_pack("[O]", value);
    bool fine = list != NULL ? check(j, NULL, list) : api_refuse_memory(&j->why);

    json_decref(list);
    j->json = NULL;
    if (!fine)
        json_decref(value);
    else
        fine = draft_job_add_file(j, value, 0);
    if (fine && draft_job_fits(j, j->files[0].value.len, "contentBytes"))
        draft_job_change(j, DRAFT_FILE_ADD, attached);
    else
        draft_job_refuse(j);
}

static void attachments_post(struct http_request *r, void *ctx)
{
    struct draft_job *j = draft_job_new(r, ctx);

    if (j == NULL)
        return;
    j->json = http_json(r);
    if (j->json == NULL)
        draft_job_free(j);
    else
        draft_job_read(j, attach);
}

/* Of a file that is being uploaded nothing is shown before all of it has come. */
static bool is_whole(const struct store_draft_file *f)
{
    return f->have == f->size;
}

static void show_attachments(struct draft_job *j)
{
    json_t *list = json_array();

    for (size_t i = 0; i < j->draft.files; i++)
        if (is_whole(&j->draft.file[i]))
            json_array_append_new(list, draft_file_json(&j->draft.file[i]));
    reply_json(j, 200, json_pack("{s:o}", "value", list));
}

static void attachments_get(struct http_request *r, void *ctx)
{
    struct draft_job *j = draft_job_new(r, ctx);

    if (j != NULL)
        draft_job_read_whole(j, show_attachments);
}

/* The one that the path names; NULL: refused. */
static struct store_draft_file *named(struct draft_job *j)
{
    uint64_t id;

    for (size_t i = 0; id_parse(http_param(j->r, "attachment"), &id) && i < j->draft.files; i++)
        if (j->draft.file[i].id == id && is_whole(&j->draft.file[i]))
            return &j->draft.file[i];
    draft_job_unknown(j);
    return NULL;
}

static void show_attachment(struct draft_job *j)
{
    struct store_draft_file *f = named(j);

    if (f != NULL)
        reply_json(j, 200, draft_file_json(f));
}

static void attachment_get(struct http_request *r, void *ctx)
{
    struct draft_job *j = draft_job_new(r, ctx);

    if (j != NULL)
        draft_job_read_whole(j, show_attachment);
}

static void detach(struct draft_job *j)
{
    struct store_draft_file *f = named(j);

    if (f == NULL)
        return;
    j->op.file = f;
    draft_job_change(j, DRAFT_FILE_REMOVE, removed);
}

static void attachment_delete(struct http_request *r, void *ctx)
{
    struct draft_job *j = draft_job_new(r, ctx);

    if (j != NULL)
        draft_job_read(j, detach);
}

void graph_draft_routes(struct http *http, const struct graph *g)
{
#define BOTH(path) "/v1.0/users/{user}" path, "/v1.0/me" path
#define ATTACHMENT "/messages/{id}/attachments"
    static const struct {
        const char *method, *path[2];
        http_handler handler;
    } routes[] = {
        {"POST", {BOTH("/messages")}, messages_post},
        {"GET", {BOTH("/messages/{id}")}, message_get},
        {"PATCH", {BOTH("/messages/{id}")}, message_patch},
        {"DELETE", {BOTH("/messages/{id}")}, message_delete},
        {"POST", {BOTH("/messages/{id}/send")}, draft_send_post},
        {"POST", {BOTH(ATTACHMENT)}, attachments_post},
        {"GET", {BOTH(ATTACHMENT)}, attachments_get},
        {"POST", {BOTH(ATTACHMENT "/createUploadSession")}, draft_session_post},
        {"GET", {BOTH(ATTACHMENT "/{attachment}")}, attachment_get},
        {"DELETE", {BOTH(ATTACHMENT "/{attachment}")}, attachment_delete},
    };

    for (size_t i = 0; i < 2 * sizeof(routes) / sizeof(routes[0]); i++)
        http_route(http, HTTP_PUBLIC, routes[i / 2].method, routes[i / 2].path[i % 2],
                   routes[i / 2].handler, (void *)(uintptr_t)g);
}
