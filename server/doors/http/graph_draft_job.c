/* SPDX-License-Identifier: Apache-2.0 */
/* What all requests about drafts have in common: who, which one, and the way to the store and back. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "graph_draft.h"

#define ARENA_TIMES 8 /* some that come at the same time may each find room */

struct draft_job *draft_job_open(struct http_request *r, const struct graph *g)
{
    struct draft_job *j = calloc(1, sizeof(*j));
    struct api_refusal why = {0};

    graph_put_ids(r);
    if (j == NULL) {
        (void)api_refuse_memory(&why);
        graph_refuse(r, &why);
        return NULL;
    }
    j->r = r;
    j->graph = g;
    sgl_arena_init(&j->arena, ARENA_TIMES * g->message_size_max + (8u << 20));
    return j;
}

struct draft_job *draft_job_new(struct http_request *r, const struct graph *g)
{
    struct identity *who = graph_caller(r, g);
    struct draft_job *j;
    struct sgl_mailbox mailbox;

    if (who == NULL)
        return NULL;
    j = graph_mailbox(r, g, who, &mailbox) ? draft_job_open(r, g) : NULL;
    if (j == NULL) {
        identity_unref(who);
        return NULL;
    }
    j->who = who;
    j->mailbox = mailbox;
    return j;
}

void draft_job_free(struct draft_job *j)
{
    identity_unref(j->who);
    json_decref(j->json);
    free(j->text);
    for (size_t i = 0; i < j->file_texts; i++)
        free(j->file_text[i]);
    body_unref(j->bytes);
    sgl_arena_done(&j->arena);
    free(j);
}

void draft_job_refuse(struct draft_job *j)
{
    graph_refuse(j->r, &j->why);
    draft_job_free(j);
}

/* One of somebody else and one that never was look the same. */
void draft_job_unknown(struct draft_job *j)
{
    http_reply_problem(j->r, 404, "draft-unknown", NULL,
                       "There is no such draft or attachment, or its time is over.");
    draft_job_free(j);
}

static void refuse_store(struct draft_job *j, enum store_result result)
{
    if (result == STORE_FULL)
        (void)api_refuse(&j->why, 507, "disk-full", "",
                         "There is no durable place left; try again later.", SGL_LIT(""));
    else
        (void)api_refuse(&j->why, 503, "store", "", "The store cannot be asked now: %s.",
                         sgl_view_cstr(store_result_text(result)));
    draft_job_refuse(j);
}

/* ---- read ---- */

static void read_on_worker(struct work *w)
{
    struct draft_job *j = (struct draft_job *)(void *)w;

    j->read(j);
}

static void read_done(struct work *w)
{
    struct draft_job *j = (struct draft_job *)(void *)w;

    if (j->why.status != 0)
        draft_job_refuse(j);
    else if (j->result == STORE_NOT_FOUND)
        draft_job_unknown(j);
    else if (j->result != STORE_OK)
        refuse_store(j, j->result);
    else
        j->then(j);
}

void draft_job_start(struct draft_job *j, void (*read)(struct draft_job *j),
                     void (*then)(struct draft_job *j))
{
    j->read = read;
    j->then = then;
    j->work = (struct work){.work = read_on_worker, .done = read_done, .loop = http_loop(j->r)};
    if (workers_submit(j->graph->api->workers, &j->work))
        return;
    (void)api_refuse(&j->why, 503, "busy", "", "Too much is waiting to be read; try again soon.",
                     SGL_LIT(""));
    draft_job_refuse(j);
}

static void look_at(struct draft_job *j, bool values)
{
    j->result =
        store_read_draft(j->graph->api->store, j->id, clock_now_s(), values, &j->arena, &j->draft);
    if (j->result == STORE_OK &&
        (!sgl_view_eq(j->draft.subscription, sgl_view_cstr(j->who->subscription)) ||
         !sgl_view_eq_nocase(j->draft.mailbox, j->mailbox.text)))
        j->result = STORE_NOT_FOUND;
}

static void look(struct draft_job *j)
{
    look_at(j, false);
}

void draft_job_look_whole(struct draft_job *j)
{
    size_t bytes = 0, most = j->graph->message_size_max;
    struct admission_answer answer;

    look(j);
    if (j->result != STORE_OK)
        return;
    for (size_t i = 0; i < j->draft.files && bytes < most; i++)
        bytes += j->draft.file[i].value_len;
    if (admission_has_room(j->graph->api->admission, bytes < most ? bytes : most, &answer))
        look_at(j, true);
    else
        (void)api_refuse(&j->why, answer.http, answer.code, "", answer.text, SGL_LIT(""));
}

static void read_by(struct draft_job *j, void (*read)(struct draft_job *j),
                    void (*then)(struct draft_job *j))
{
    if (id_parse(http_param(j->r, "id"), &j->id))
        draft_job_start(j, read, then);
    else
        draft_job_unknown(j);
}

void draft_job_read(struct draft_job *j, void (*then)(struct draft_job *j))
{
    read_by(j, look, then);
}

void draft_job_read_whole(struct draft_job *j, void (*then)(struct draft_job *j))
{
    read_by(j, draft_job_look_whole, then);
}

/* ---- changed ---- */

static void changed(struct store_op *op)
{
    struct draft_job *j = (struct draft_job *)(void *)((char *)op - offsetof(struct draft_job, op));

    if (op->result == STORE_OK) {
        j->stored(j);
    } else if (op->result == STORE_NOT_FOUND) {
        draft_job_unknown(j);
    } else if (op->result == STORE_CONFLICT && j->op.over_limit) {
        (void)api_refuse(&j->why, 507, "draft-limit", "",
                         "A subscription has at most 1000 drafts, and 1 GiB in them.", SGL_LIT(""));
        draft_job_refuse(j);
    } else if (op->result == STORE_CONFLICT && j->op.over_files) {
        (void)api_refuse(&j->why, 422, "too-many-attachments", "",
                         "There are 100 attachments already.", SGL_LIT(""));
        draft_job_refuse(j);
    } else if (op->result == STORE_CONFLICT && j->op.verb == DRAFT_FILE_PUT) {
        (void)api_refuse(&j->why, 416, "upload-range", "Content-Range",
                         "Another piece came first; ask what is expected next.", SGL_LIT(""));
        draft_job_refuse(j);
    } else if (op->result == STORE_CONFLICT) {
        (void)api_refuse(&j->why, 409, "draft-changed", "",
                         "The draft was changed meanwhile; read it again.", SGL_LIT(""));
        draft_job_refuse(j);
    } else {
        refuse_store(j, op->result);
    }
}

void draft_job_change(struct draft_job *j, enum store_draft_verb verb,
                      void (*stored)(struct draft_job *j))
{
    j->stored = stored;
    j->op.op = (struct store_op){.kind = STORE_DRAFT, .loop = http_loop(j->r), .done = changed};
    j->op.verb = verb;
    j->op.draft = j->id;
    if (j->who != NULL)
        j->op.subscription = sgl_view_cstr(j->who->subscription);
    j->op.mailbox = j->mailbox.text;
    j->op.now = clock_now_s();
    j->op.expires_at = j->op.now + DRAFT_LIFE_S;
    j->op.drafts_max = DRAFTS_MAX;
    j->op.bytes_max = DRAFT_BYTES_MAX;
    j->op.files_max = API_ATTACHMENTS_MAX;
    store_submit(j->graph->api->store, &j->op.op);
}

bool draft_job_fits(struct draft_job *j, uint64_t more, const char *field)
{
    uint64_t bytes = j->draft.value.len;

    for (size_t i = 0; i < j->draft.files; i++)
        bytes += j->draft.file[i].value_len + j->draft.file[i].size / 3 * 4;
    return (bytes <= j->graph->message_size_max && more <= j->graph->message_size_max - bytes) ||
           api_refuse(&j->why, 413, "message-too-large", field,
                      "The message would be larger than this server accepts.", SGL_LIT(""));
}

bool draft_job_add_file(struct draft_job *j, json_t *value, uint64_t size)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_PRESERVE_ORDER);

    json_decref(value);
    if (text == NULL)
        return api_refuse_memory(&j->why);
    j->file_text[j->file_texts++] = text;
    j->files[j->op.files] = (struct store_draft_file){
        .id = id_new(), .draft = j->id, .value = sgl_view_cstr(text), .size = size};
    j->op.file = j->files;
    j->op.files++;
    return true;
}

/* ---- shown ---- */

json_t *draft_time(int64_t seconds)
{
    time_t at = (time_t)seconds;
    char text[40] = "";
    struct tm tm;

    if (gmtime_r(&at, &tm) != NULL)
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    return json_string(text);
}

static json_int_t size_of(const struct store_draft_file *f, const json_t *said)
{
    sgl_view base64 = api_string_view(json_object_get(said, "contentBytes"));

    return (json_int_t)(f->size > 0 ? f->size : base64.len / 4 * 3);
}

json_t *draft_file_json(const struct store_draft_file *f)
{
    static const char *const shown[] = {"name", "contentType", "isInline", "contentId"};
    json_t *value = json_loadb((const char *)f->value.ptr, f->value.len, 0, NULL);
    json_t *said = f->size > 0 ? json_object_get(value, "item") : value;
    json_t *type = f->size > 0 ? NULL : json_object_get(said, "@odata.type"), *json;
    char id[ID_TEXT_SIZE];

    id_text(f->id, id);
    json = json_pack("{s:s, s:s, s:I, s:o}", "@odata.type",
                     type == NULL ? "#microsoft.graph.fileAttachment" : json_string_value(type),
                     "id", id, "size", size_of(f, said), "lastModifiedDateTime",
                     draft_time(id_time_ms(f->id) / 1000));
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
        if (json_object_get(said, shown[i]) != NULL)
            json_object_set(json, shown[i], json_object_get(said, shown[i]));
    if (json_object_get(json, "isInline") == NULL)
        json_object_set_new(json, "isInline", json_false());
    json_decref(value);
    return json;
}

/* What may not stand in a segment of a path as it is. */
static void put_segment(struct sgl_buf *out, sgl_view text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '.' || c == '-' || c == '_' || c == '@' || c == '+')
            sgl_buf_add_byte(out, c);
        else
            sgl_buf_addf(out, "%%%02X", c);
    }
}

void draft_file_url(const struct draft_job *j, uint64_t draft, uint64_t file, sgl_view mailbox,
                    struct sgl_buf *out)
{
    char draft_id[ID_TEXT_SIZE], file_id[ID_TEXT_SIZE];

    id_text(draft, draft_id);
    id_text(file, file_id);
    sgl_buf_addf(out, "%s/v1.0/users/", tokens_url(j->graph->tokens));
    put_segment(out, mailbox);
    sgl_buf_addf(out, "/messages/%s/attachments/%s", draft_id, file_id);
}
