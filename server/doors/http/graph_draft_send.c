/* SPDX-License-Identifier: Apache-2.0 */
/* A draft is sent:  read with its files, as far as there is room -> composed -> admission, which takes it away with the acceptance. */
#include <stdio.h>
#include <stdlib.h>

#include "graph_draft.h"
#include "sigillo/arith.h"

/* ---- read, on a worker ---- */

static bool count(struct draft_job *j, size_t *uploaded, size_t *bytes)
{
    *uploaded = 0;
    *bytes = j->draft.value.len;
    for (size_t i = 0; i < j->draft.files; i++) {
        const struct store_draft_file *f = &j->draft.file[i];

        if (f->have != f->size)
            return api_refuse(&j->why, 400, "upload-open", "attachments",
                              "An upload session of this draft has not ended.", SGL_LIT(""));
        if (!sgl_add_size(*uploaded, f->size, uploaded) ||
            !sgl_add_size(*bytes, f->size / 3 * 4 + f->size / 28 + f->value.len, bytes))
            return api_refuse_memory(&j->why);
    }
    return true;
}

static enum store_result read_bytes(struct draft_job *j)
{
    uint8_t *to = j->bytes->bytes;

    for (size_t i = 0; i < j->draft.files; i++) {
        const struct store_draft_file *f = &j->draft.file[i];
        enum store_result result;

        if (f->size == 0)
            continue;
        result = store_read_draft_bytes(j->graph->api->store, f->id, to, f->size);
        if (result != STORE_OK)
            return result;
        to += f->size;
    }
    return STORE_OK;
}

static void read_all(struct draft_job *j)
{
    struct admission_answer answer;
    size_t uploaded, bytes;

    draft_job_look_whole(j);
    if (j->why.status != 0 || j->result != STORE_OK || !count(j, &uploaded, &bytes))
        return;
    if (!admission_has_room(j->graph->api->admission, bytes, &answer)) {
        (void)api_refuse(&j->why, answer.http, answer.code, "", answer.text, SGL_LIT(""));
        return;
    }
    j->bytes = body_new(uploaded);
    j->result = j->bytes == NULL ? STORE_NOMEM : read_bytes(j);
}

/* ---- composed ---- */

struct sending {
    json_t *message, *list;
    json_t *value[API_ATTACHMENTS_MAX]; /* of uploads, which point into them */
    struct graph_upload upload[API_ATTACHMENTS_MAX];
    size_t uploads;
};

static bool take_files(struct draft_job *j, struct sending *s)
{
    const uint8_t *bytes = j->bytes->bytes;

    for (size_t i = 0; i < j->draft.files && i < API_ATTACHMENTS_MAX; i++) {
        const struct store_draft_file *f = &j->draft.file[i];
        json_t *value = json_loadb((const char *)f->value.ptr, f->value.len, 0, NULL);

        if (value == NULL)
            return api_refuse_memory(&j->why);
        if (f->size == 0) {
            if (json_array_append_new(s->list, value) != 0)
                return api_refuse_memory(&j->why);
            continue;
        }
        s->value[s->uploads] = value;
        s->upload[s->uploads++] =
            (struct graph_upload){json_object_get(value, "item"), sgl_view_of(bytes, f->size)};
        bytes += f->size;
    }
    return true;
}

static bool compose(struct draft_job *j, struct sending *s, struct api_post *p)
{
    struct api_message m = {0};
    struct api_reader reader = {.api = p->api,
                                .who = p->submission.who,
                                .arena = p->submission.arena,
                                .m = &m,
                                .why = &j->why};
    struct graph_reader g = {.p = &reader, .at = "", .mailbox = j->mailbox};

    s->message = json_loadb((const char *)j->draft.value.ptr, j->draft.value.len, 0, NULL);
    s->list = json_array();
    if (s->message == NULL || s->list == NULL)
        return api_refuse_memory(&j->why);
    if (!take_files(j, s))
        return false;
    g.upload = s->upload;
    g.uploads = s->uploads;
    if (json_object_set(s->message, "attachments", s->list) != 0)
        return api_refuse_memory(&j->why);
    return graph_reader_begin(&g, &j->why) && graph_message(&g, s->message) && graph_complete(&g) &&
           api_post_message(p, &m, &j->why);
}

static void sending_done(struct sending *s)
{
    json_decref(s->message);
    json_decref(s->list);
    for (size_t i = 0; i < s->uploads; i++)
        json_decref(s->value[i]);
}

static void send_it(struct draft_job *j)
{
    struct api_post *p = api_post_new(j->r, j->graph->api, identity_ref(j->who), SGL_LIT("graph"));
    struct sending *s = calloc(1, sizeof(*s));
    bool fine = p != NULL && s != NULL ? compose(j, s, p) : api_refuse_memory(&j->why);

    if (s != NULL)
        sending_done(s);
    free(s);
    if (!fine) {
        if (p != NULL)
            api_post_free(p);
        draft_job_refuse(j);
        return;
    }
    p->submission.draft = j->id;
    p->submission.draft_version = j->draft.version;
    draft_job_free(j); /* the message is composed */
    api_post_submit(p, NULL, graph_sent);
}

void draft_send_post(struct http_request *r, void *ctx)
{
    struct draft_job *j = draft_job_new(r, ctx);

    if (j == NULL)
        return;
    if (id_parse(http_param(r, "id"), &j->id))
        draft_job_start(j, read_all, send_it);
    else
        draft_job_unknown(j);
}
