/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that come piece by piece: a session is a file of a draft that is announced, and an address that is its secret.  Of that the SHA-256 is kept.
 *
 *   createUploadSession -> 201 uploadUrl;  PUT uploadUrl, Content-Range -> 200 what is expected next ... 201 Location;  GET and DELETE uploadUrl
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "graph_draft.h"

#define SECRET_BYTES 32
#define SECRET_TEXT  (2 * SECRET_BYTES + 1)

static void hash_of(sgl_view secret, char out[SECRET_TEXT])
{
    uint8_t hash[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(hash, secret.ptr, secret.len);
    sodium_bin2hex(out, SECRET_TEXT, hash, sizeof(hash));
}

static json_t *session_json(int64_t expires_at, uint64_t have, const char *url)
{
    json_t *json;
    char range[32];

    snprintf(range, sizeof(range), "%llu-", (unsigned long long)have);
    json = json_pack("{s:s, s:o, s:[s]}", "@odata.context", "#microsoft.graph.uploadSession",
                     "expirationDateTime", draft_time(expires_at), "nextExpectedRanges", range);
    if (url != NULL)
        json_object_set_new(json, "uploadUrl", json_string(url));
    return json;
}

/* ---- begun ---- */

static void began(struct draft_job *j)
{
    json_t *json = j->json;

    j->json = NULL;
    http_reply_json(j->r, 201, json);
    draft_job_free(j);
}

/* {"AttachmentItem":{...}}, in either spelling; a new reference. NULL: j->why. */
static json_t *take_item(struct draft_job *j)
{
    json_t *a = json_object_get(j->json, "AttachmentItem"),
           *b = json_object_get(j->json, "attachmentItem");
    json_t *item = a == NULL ? b : a;
    sgl_view type = api_string_view(json_object_get(item, "attachmentType"));

    if (!json_is_object(item) || (a != NULL && b != NULL))
        (void)api_refuse(&j->why, 422, "member-missing", "AttachmentItem",
                         "An AttachmentItem is wanted here, which is an object.", SGL_LIT(""));
    else if (!sgl_view_eq_nocase(type, SGL_LIT("file")))
        (void)api_refuse(&j->why, 422, "member-value", "AttachmentItem.attachmentType",
                         "Only files are uploaded: the type is \"file\".", SGL_LIT(""));
    else
        return json_incref(item);
    return NULL;
}

static bool check_item(struct draft_job *j, const json_t *item, uint64_t *size)
{
    const json_t *said = json_object_get(item, "size");
    struct api_message m = {0};
    struct api_reader p = {
        .api = j->graph->api, .arena = http_arena(j->r), .m = &m, .why = &j->why};
    struct graph_reader g = {.p = &p, .at = ""};
    struct sgl_compose_part part = {0};

    if (!graph_upload_item(&g, item, "AttachmentItem", &part))
        return false;
    if (!json_is_integer(said) || json_integer_value(said) <= 0)
        return api_refuse(&j->why, 422, "member-type", "AttachmentItem.size",
                          "The size is the number of bytes, 1 or more.", SGL_LIT(""));
    *size = (uint64_t)json_integer_value(said);
    return draft_job_fits(j, *size / 3 * 4, "AttachmentItem.size");
}

/* The address that is the secret, and what the store keeps of it. */
static bool announce(struct draft_job *j, json_t *item, uint64_t size)
{
    char secret[SECRET_TEXT], hash[SECRET_TEXT], url[2048], id[ID_TEXT_SIZE];
    uint8_t bytes[SECRET_BYTES];

    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2hex(secret, sizeof(secret), bytes, sizeof(bytes));
    hash_of(sgl_view_cstr(secret), hash);
    if (!draft_job_add_file(j, json_pack("{s:O, s:s}", "item", item, "secret", hash), size))
        return false;
    id_text(j->files[0].id, id);
    snprintf(url, sizeof(url), "%s/v1.0/uploadSessions/%s/%s", tokens_url(j->graph->tokens), id,
             secret);
    json_decref(j->json);
    j->json = session_json(j->draft.expires_at, 0, url);
    return j->json != NULL || api_refuse_memory(&j->why);
}

static void begin(struct draft_job *j)
{
    json_t *item = take_item(j);
    uint64_t size = 0;
    bool fine = item != NULL && check_item(j, item, &size) && announce(j, item, size);

    json_decref(item);
    if (fine)
        draft_job_change(j, DRAFT_FILE_ADD, began);
    else
        draft_job_refuse(j);
}

void draft_session_post(struct http_request *r, void *ctx)
{
    struct draft_job *j = draft_job_new(r, ctx);

    if (j == NULL)
        return;
    j->json = http_json(r);
    if (j->json == NULL)
        draft_job_free(j);
    else
        draft_job_read(j, begin);
}

/* ---- found again ---- */

/* The file, if the secret in the path is its own. */
static void look(struct draft_job *j)
{
    struct store *store = j->graph->api->store;
    char hash[SECRET_TEXT];
    const char *kept;
    json_t *value;

    j->result = store_read_draft_file(store, j->file_id, clock_now_s(), &j->arena, &j->file);
    if (j->result != STORE_OK)
        return;
    value = json_loadb((const char *)j->file.value.ptr, j->file.value.len, 0, NULL);
    kept = json_string_value(json_object_get(value, "secret"));
    hash_of(http_param(j->r, "secret"), hash);
    if (kept == NULL || strlen(kept) != SECRET_TEXT - 1 ||
        sodium_memcmp(kept, hash, SECRET_TEXT - 1) != 0 || j->file.have == j->file.size)
        j->result = STORE_NOT_FOUND;
    else
        j->result =
            store_read_draft(store, j->file.draft, clock_now_s(), false, &j->arena, &j->draft);
    json_decref(value);
}

static void find(struct http_request *r, void *ctx, void (*then)(struct draft_job *j))
{
    struct draft_job *j = draft_job_open(r, ctx);

    if (j == NULL)
        return;
    if (!id_parse(http_param(r, "file"), &j->file_id)) {
        draft_job_unknown(j);
        return;
    }
    draft_job_start(j, look, then);
}

/* ---- a piece ---- */

/* "bytes 0-319/1000" [RFC 9110 s14.4] */
static bool parse_range(sgl_view text, uint64_t *first, uint64_t *last, uint64_t *size)
{
    sgl_view rest, from, to;

    if (!sgl_view_starts_nocase(text, SGL_LIT("bytes ")))
        return false;
    from = sgl_view_split(sgl_view_trim(sgl_view_from(text, 6)), '/', &rest);
    from = sgl_view_split(from, '-', &to);
    return sgl_view_u64(from, INT64_MAX, first) && sgl_view_u64(to, INT64_MAX, last) &&
           sgl_view_u64(rest, INT64_MAX, size) && *last >= *first;
}

static void refuse_range(struct draft_job *j)
{
    char text[32];

    snprintf(text, sizeof(text), "%llu-", (unsigned long long)j->file.have);
    (void)api_refuse(&j->why, 416, "upload-range", "Content-Range",
                     "The pieces come in their order; expected next: %s", sgl_view_cstr(text));
    draft_job_refuse(j);
}

static void put_done(struct draft_job *j)
{
    struct sgl_buf url = SGL_BUF_INIT(2048);

    j->file.have = j->op.file->have;
    if (j->file.have < j->file.size) {
        http_reply_json(j->r, 200, session_json(j->draft.expires_at, j->file.have, NULL));
    } else {
        draft_file_url(j, j->file.draft, j->file.id, j->draft.mailbox, &url);
        http_reply_header(j->r, "Location", sgl_buf_view(&url));
        http_reply_empty(j->r, 201);
    }
    sgl_buf_done(&url);
    draft_job_free(j);
}

static void put(struct draft_job *j)
{
    uint64_t first, last, size;
    sgl_view bytes = http_body(j->r);

    if (http_header(j->r, "Content-Encoding").len > 0 ||
        !parse_range(http_header(j->r, "Content-Range"), &first, &last, &size) ||
        last - first + 1 != bytes.len) {
        (void)api_refuse(
            &j->why, 400, "range-syntax", "Content-Range",
            "The range is \"bytes FIRST-LAST/SIZE\", of as many bytes as the body has.",
            SGL_LIT(""));
        draft_job_refuse(j);
        return;
    }
    if (size != j->file.size || first != j->file.have || last >= size) {
        refuse_range(j);
        return;
    }
    j->id = j->file.draft;
    j->op.file = &j->file;
    j->op.files = 1;
    j->op.at = first;
    j->op.bytes = bytes;
    draft_job_change(j, DRAFT_FILE_PUT, put_done);
}

static void session_put(struct http_request *r, void *ctx)
{
    find(r, ctx, put);
}

/* ---- looked at, given up ---- */

static void show(struct draft_job *j)
{
    http_reply_json(j->r, 200, session_json(j->draft.expires_at, j->file.have, NULL));
    draft_job_free(j);
}

static void session_get(struct http_request *r, void *ctx)
{
    find(r, ctx, show);
}

static void given_up(struct draft_job *j)
{
    http_reply_empty(j->r, 204);
    draft_job_free(j);
}

static void give_up(struct draft_job *j)
{
    j->id = j->file.draft;
    j->op.file = &j->file;
    draft_job_change(j, DRAFT_FILE_REMOVE, given_up);
}

static void session_delete(struct http_request *r, void *ctx)
{
    find(r, ctx, give_up);
}

void graph_upload_routes(struct http *http, const struct graph *g)
{
    static const char path[] = "/v1.0/uploadSessions/{file}/{secret}";
    void *ctx = (void *)(uintptr_t)g;

    http_route(http, HTTP_PUBLIC, "PUT", path, session_put, ctx);
    http_route(http, HTTP_PUBLIC, "GET", path, session_get, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", path, session_delete, ctx);
}
