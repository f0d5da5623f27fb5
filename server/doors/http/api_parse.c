/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of POST /v1/messages: every member known, of its type and well-formed, or the whole is refused. */
#include <stdio.h>

#include "api_internal.h"
#include "labels.h"

#define CATEGORIES_MAX 10
#define CATEGORY_MAX   255
#define METADATA_MAX   10000

/* ---- addresses ---- */

static bool address_from_string(const struct api_reader *p, sgl_view text, const char *path,
                                struct sgl_compose_address *out)
{
    struct sgl_diag diag = {0};
    struct sgl_address a;
    enum sgl_status status;

    if (!api_one_line(p, text, path))
        return false;
    status = sgl_address_parse(text, p->arena, &a, &diag);
    if (status == SGL_E_NOMEM || p->arena->status != SGL_OK)
        return api_refuse_memory(p->why);
    if (status != SGL_OK)
        return api_wrong_syntax(p, "address-syntax", path, "This is no mail address", &diag);
    out->name = a.name;
    out->mailbox = a.mailbox;
    return true;
}

static bool address_from_object(const struct api_reader *p, const json_t *json, const char *path,
                                struct sgl_compose_address *out)
{
    static const char *const known[] = {"email", "name", NULL};
    char field[API_PATH_SIZE + 8];
    sgl_view email = {NULL, 0};

    if (!api_known_only(p, json, path, known))
        return false;
    snprintf(field, sizeof(field), "%s.name", path);
    if (!api_read_string(p, json, "name", field, &out->name) || !api_one_line(p, out->name, field))
        return false;
    snprintf(field, sizeof(field), "%s.email", path);
    if (!api_read_string(p, json, "email", field, &email))
        return false;
    if (email.ptr == NULL)
        return api_wrong(p, "member-missing", field, "An address needs its email.");
    return api_read_mailbox(p, email, field, &out->mailbox);
}

static bool take_address(const struct api_reader *p, const json_t *json, const char *path,
                         struct sgl_compose_address *out)
{
    *out = (struct sgl_compose_address){0};
    if (json_is_string(json))
        return address_from_string(p, api_string_view(json), path, out);
    if (json_is_object(json))
        return address_from_object(p, json, path, out);
    return api_wrong(p, "member-type", path,
                     "An address is a string, or an object of email and name.");
}

/* Where the email of this address stands, for refusals of the address itself. */
static void email_path(const json_t *json, const char *path, char out[API_PATH_SIZE + 8])
{
    snprintf(out, API_PATH_SIZE + 8, "%s%s", path, json_is_object(json) ? ".email" : "");
}

static bool take_from(const struct api_reader *p, const json_t *root)
{
    const json_t *from = json_object_get(root, "from");
    char field[API_PATH_SIZE + 8];

    if (from == NULL)
        return api_wrong(p, "member-missing", "from", "The message needs a from.");
    if (!take_address(p, from, "from", &p->m->from))
        return false;
    p->m->compose.from = (struct sgl_compose_addresses){&p->m->from, 1};
    email_path(from, "from", field);
    return api_check_sender(p->api, p->who, p->m->from.mailbox.text, field, p->why);
}

/* One address or an array of them. */
static bool take_addresses(struct api_reader *p, const json_t *root, const char *name,
                           bool recipients, struct sgl_compose_addresses *out)
{
    const json_t *value = json_object_get(root, name);
    size_t count = json_is_array(value) ? json_array_size(value) : 1;
    struct sgl_compose_address *list;

    if (value == NULL || json_is_null(value))
        return true;
    if (recipients && count > p->api->recipients_max)
        return api_wrong(p, "too-many-recipients", name,
                         "The message has more recipients than this server accepts.");
    list = SGL_NEW_N(p->arena, count, struct sgl_compose_address);
    if (list == NULL)
        return api_refuse_memory(p->why);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
        char path[API_PATH_SIZE], field[API_PATH_SIZE + 8];

        if (json_is_array(value))
            snprintf(path, sizeof(path), "%s[%zu]", name, i);
        else
            snprintf(path, sizeof(path), "%s", name);
        email_path(item, path, field);
        if (!take_address(p, item, path, &list[i]) ||
            (recipients && !api_add_recipient(p, &list[i].mailbox, field)))
            return false;
    }
    *out = (struct sgl_compose_addresses){list, count};
    return true;
}

static bool take_recipients(struct api_reader *p, const json_t *root)
{
    struct sgl_compose *c = &p->m->compose;
    struct sgl_compose_addresses bcc = {NULL, 0};

    if (!take_addresses(p, root, "to", true, &c->to) ||
        !take_addresses(p, root, "cc", true, &c->cc) || !take_addresses(p, root, "bcc", true, &bcc))
        return false;
    if (p->m->rcpts == 0)
        return api_wrong(p, "no-recipients", "to", "The message has no recipient.");
    return take_addresses(p, root, "reply_to", false, &c->reply_to);
}

/* ---- header fields ---- */

static bool take_headers(const struct api_reader *p, const json_t *root)
{
    json_t *headers = json_object_get(root, "headers"), *value;
    struct sgl_compose_field *field;
    const char *name;
    size_t n = 0;

    if (headers == NULL || json_is_null(headers))
        return true;
    if (!json_is_object(headers))
        return api_wrong(p, "member-type", "headers",
                         "An object of names and values is wanted here.");
    if (json_object_size(headers) > API_HEADERS_MAX)
        return api_wrong(p, "too-many-headers", "headers",
                         "There are more than 100 header fields.");
    field = SGL_NEW_N(p->arena, json_object_size(headers), struct sgl_compose_field);
    if (field == NULL)
        return api_refuse_memory(p->why);
    json_object_foreach(headers, name, value)
    {
        if (!api_read_header(p, name, value, &field[n]))
            return false;
        n++;
    }
    p->m->compose.header = field;
    p->m->compose.headers = n;
    return true;
}

/* ---- list mail ---- */

/* Which ids and names are good is admission's to say. */
static bool take_list(const struct api_reader *p, const json_t *root)
{
    static const char *const known[] = {"id", "name", NULL};
    const json_t *list = json_object_get(root, "list");

    if (list == NULL || json_is_null(list))
        return true;
    if (!json_is_object(list))
        return api_wrong(p, "member-type", "list", "An object of id and name is wanted here.");
    if (!api_known_only(p, list, "list", known) ||
        !api_read_string(p, list, "id", "list.id", &p->m->list) ||
        !api_read_string(p, list, "name", "list.name", &p->m->list_name))
        return false;
    if (p->m->list.ptr == NULL)
        return api_wrong(p, "member-missing", "list.id", "A list needs its id.");
    return api_one_line(p, p->m->list_name, "list.name");
}

/* ---- TLS ---- */

static bool take_tls(const struct api_reader *p, const json_t *root)
{
    enum message_tls tls;
    sgl_view word = {NULL, 0};

    if (!api_read_string(p, root, "tls", "tls", &word))
        return false;
    if (word.ptr == NULL)
        return true;
    if (!message_tls_parse(word, &tls) || tls == MESSAGE_TLS_DEFAULT)
        return api_wrong(p, "member-value", "tls", "tls is \"verified\" or \"optional\".");
    p->m->tls = (uint8_t)tls;
    return true;
}

/* ---- labels ---- */

static bool check_categories(const struct api_reader *p, const json_t *list)
{
    char path[40];

    if (list == NULL || json_is_null(list))
        return true;
    if (!json_is_array(list))
        return api_wrong(p, "member-type", "categories", "An array of strings is wanted here.");
    if (json_array_size(list) > CATEGORIES_MAX)
        return api_wrong(p, "too-many", "categories", "There are more than 10 categories.");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);

        snprintf(path, sizeof(path), "categories[%zu]", i);
        if (!json_is_string(item))
            return api_wrong(p, "member-type", path, "A category is a string.");
        if (json_string_length(item) == 0 || json_string_length(item) > CATEGORY_MAX)
            return api_wrong(p, "too-long", path, "A category has 1 to 255 bytes.");
    }
    return true;
}

static bool check_metadata(const struct api_reader *p, json_t *metadata)
{
    const char *name;
    json_t *value;

    if (metadata == NULL || json_is_null(metadata))
        return true;
    if (!json_is_object(metadata))
        return api_wrong(p, "member-type", "metadata", "An object of strings is wanted here.");
    json_object_foreach(metadata, name, value)
    {
        if (!json_is_string(value))
            return api_refuse(p->why, 422, "member-type", "metadata",
                              "The value of %s is no string.", sgl_view_cstr(name));
    }
    return json_dumpb(metadata, NULL, 0, JSON_COMPACT) <= METADATA_MAX ||
           api_wrong(p, "too-long", "metadata", "The metadata have at most 10000 bytes, as JSON.");
}

static bool take_labels(const struct api_reader *p, const json_t *root)
{
    json_t *categories = json_object_get(root, "categories");
    json_t *metadata = json_object_get(root, "metadata");

    return check_categories(p, categories) && check_metadata(p, metadata) &&
           (labels_put(categories, metadata, p->arena, &p->m->labels) || api_refuse_memory(p->why));
}

/* ---- content ---- */

static bool take_content(const struct api_reader *p, const json_t *json, const char *path,
                         struct sgl_compose_part *out)
{
    sgl_view text = {NULL, 0};
    char field[API_PATH_SIZE];

    snprintf(field, sizeof(field), "%s.content", path);
    if (!api_read_string(p, json, "content", field, &text))
        return false;
    if (text.ptr == NULL)
        return api_wrong(p, "member-missing", field, "An attachment needs its content, as base64.");
    return api_read_base64(p, text, field, out);
}

static bool take_disposition(const struct api_reader *p, const json_t *json, const char *path,
                             struct sgl_compose_part *out)
{
    sgl_view disposition = SGL_LIT("attachment");
    char field[API_PATH_SIZE];

    snprintf(field, sizeof(field), "%s.disposition", path);
    if (!api_read_string(p, json, "disposition", field, &disposition))
        return false;
    out->inline_ = sgl_view_eq(disposition, SGL_LIT("inline"));
    if (!out->inline_ && !sgl_view_eq(disposition, SGL_LIT("attachment")))
        return api_wrong(p, "member-value", field,
                         "The disposition is \"attachment\" or \"inline\".");
    return true;
}

static bool take_attachment(const struct api_reader *p, const json_t *json, const char *path,
                            struct sgl_compose_part *out)
{
    static const char *const known[] = {"filename",   "content_type", "content",
                                        "content_id", "disposition",  NULL};
    char field[API_PATH_SIZE];

    if (!json_is_object(json))
        return api_wrong(p, "member-type", path, "An attachment is an object.");
    if (!api_known_only(p, json, path, known))
        return false;
    snprintf(field, sizeof(field), "%s.filename", path);
    if (!api_read_string(p, json, "filename", field, &out->filename) ||
        !api_one_line(p, out->filename, field))
        return false;
    snprintf(field, sizeof(field), "%s.content_type", path);
    if (!api_read_string(p, json, "content_type", field, &out->content_type))
        return false;
    snprintf(field, sizeof(field), "%s.content_id", path);
    if (!api_read_string(p, json, "content_id", field, &out->content_id))
        return false;
    return take_disposition(p, json, path, out) && take_content(p, json, path, out);
}

static bool take_attachments(const struct api_reader *p, const json_t *root)
{
    json_t *list = json_object_get(root, "attachments");
    struct sgl_compose_part *part;
    size_t count = json_array_size(list);

    if (list == NULL || json_is_null(list))
        return true;
    if (!json_is_array(list))
        return api_wrong(p, "member-type", "attachments", "An array is wanted here.");
    if (count > API_ATTACHMENTS_MAX)
        return api_wrong(p, "too-many-attachments", "attachments",
                         "There are more than 100 attachments.");
    part = SGL_NEW_N(p->arena, count, struct sgl_compose_part);
    if (part == NULL)
        return api_refuse_memory(p->why);
    for (size_t i = 0; i < count; i++) {
        char path[32];

        snprintf(path, sizeof(path), "attachments[%zu]", i);
        if (!take_attachment(p, json_array_get(list, i), path, &part[i]))
            return false;
    }
    p->m->compose.part = part;
    p->m->compose.parts = count;
    return true;
}

bool api_parse(const struct api *api, const struct identity *who, const json_t *json,
               struct sgl_arena *arena, struct api_message *m, struct api_refusal *why)
{
    static const char *const known[] = {
        "from",        "to",      "cc",   "bcc",        "reply_to", "subject", "text", "html",
        "attachments", "headers", "list", "categories", "metadata", "tls",     NULL};
    static const struct api_word words[] = {
        {"content_type", "attachments[", "].content_type"},
        {"content_id", "attachments[", "].content_id"},
        {"filename", "attachments[", "].filename"},
        {"header", "headers.", NULL},
        {"there", "text", NULL},
        {NULL, NULL, NULL},
    };
    struct api_reader p = {.api = api, .who = who, .arena = arena, .m = m, .why = why};

    m->words = words;
    if (!json_is_object(json))
        return api_wrong(&p, "member-type", "body", "The body must be a JSON object.");
    if (!api_known_only(&p, json, "", known) || !take_from(&p, json) || !take_recipients(&p, json))
        return false;
    if (!api_read_string(&p, json, "subject", "subject", &m->compose.subject) ||
        !api_one_line(&p, m->compose.subject, "subject"))
        return false;
    if (!api_read_string(&p, json, "text", "text", &m->compose.text) ||
        !api_read_string(&p, json, "html", "html", &m->compose.html))
        return false;
    return take_list(&p, json) && take_tls(&p, json) && take_labels(&p, json) &&
           take_headers(&p, json) && take_attachments(&p, json);
}
