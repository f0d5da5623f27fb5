/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of POST /emails:send: every member known, of its type and well-formed, or the whole is refused. */
#include <stdio.h>

#include "acs_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/message_id.h"

/* What a request asks of the service itself by entries of `headers`, which go into no message. */
#define DIRECTIVES SGL_LIT("x-ms-acsemail-")

enum directive { IGNORE_DUPLICATES, DROP_INVALID, VALIDATE_ID, DIRECTIVE_COUNT };

struct request {
    struct api_reader *p;
    bool content_ids;
    bool directive[DIRECTIVE_COUNT];
};

/* ---- addresses ---- */

static bool take_address(const struct api_reader *p, const json_t *json, const char *path,
                         struct sgl_compose_address *out)
{
    static const char *const known[] = {"address", "displayName", NULL};
    char field[API_PATH_SIZE];
    sgl_view address = {NULL, 0};

    if (!json_is_object(json))
        return api_wrong(p, "member-type", path, "An object with an address is wanted here.");
    if (!api_known_only(p, json, path, known))
        return false;
    snprintf(field, sizeof(field), "%s.displayName", path);
    if (!api_read_string(p, json, "displayName", field, &out->name) ||
        !api_one_line(p, out->name, field))
        return false;
    snprintf(field, sizeof(field), "%s.address", path);
    if (!api_read_string(p, json, "address", field, &address))
        return false;
    if (address.ptr == NULL)
        return api_wrong(p, "member-missing", field, "The address is missing.");
    return api_read_mailbox(p, address, field, &out->mailbox);
}

/* An array of addresses; recipients are counted in. */
static bool take_addresses(struct api_reader *p, const json_t *list, const char *path,
                           bool recipients, struct sgl_compose_addresses *out)
{
    size_t count = json_array_size(list);
    struct sgl_compose_address *item;

    if (list == NULL || json_is_null(list))
        return true;
    if (!json_is_array(list))
        return api_wrong(p, "member-type", path, "An array of addresses is wanted here.");
    if (recipients && count > p->api->recipients_max)
        return api_wrong(p, "too-many-recipients", path,
                         "The message has more recipients than this server accepts.");
    item = SGL_NEW_N(p->arena, count, struct sgl_compose_address);
    if (item == NULL)
        return api_refuse_memory(p->why);
    for (size_t i = 0; i < count; i++) {
        char at[API_PATH_SIZE - 16], field[API_PATH_SIZE];

        snprintf(at, sizeof(at), "%s[%zu]", path, i);
        snprintf(field, sizeof(field), "%s.address", at);
        if (!take_address(p, json_array_get(list, i), at, &item[i]) ||
            (recipients && !api_add_recipient(p, &item[i].mailbox, field)))
            return false;
    }
    *out = (struct sgl_compose_addresses){item, count};
    return true;
}

static bool take_recipients(struct api_reader *p, const json_t *root)
{
    static const char *const known[] = {"to", "cc", "bcc", NULL};
    const json_t *json = json_object_get(root, "recipients");
    struct sgl_compose *c = &p->m->compose;
    struct sgl_compose_addresses bcc;

    if (json == NULL)
        return api_wrong(p, "member-missing", "recipients", "The recipients are missing.");
    if (!json_is_object(json))
        return api_wrong(p, "member-type", "recipients", "An object is wanted here.");
    if (!api_known_only(p, json, "recipients", known) ||
        !take_addresses(p, json_object_get(json, "to"), "recipients.to", true, &c->to) ||
        !take_addresses(p, json_object_get(json, "cc"), "recipients.cc", true, &c->cc) ||
        !take_addresses(p, json_object_get(json, "bcc"), "recipients.bcc", true, &bcc))
        return false;
    return p->m->rcpts > 0 ||
           api_wrong(p, "no-recipients", "recipients", "The message has no recipient.");
}

static bool take_sender(const struct api_reader *p, const json_t *root)
{
    struct api_message *m = p->m;
    sgl_view address = {NULL, 0};

    if (!api_read_string(p, root, "senderAddress", "senderAddress", &address))
        return false;
    if (address.ptr == NULL)
        return api_wrong(p, "member-missing", "senderAddress", "The sender's address is missing.");
    if (!api_read_mailbox(p, address, "senderAddress", &m->from.mailbox))
        return false;
    m->compose.from = (struct sgl_compose_addresses){&m->from, 1};
    return api_check_sender(p->api, p->who, m->from.mailbox.text, "senderAddress", p->why);
}

/* ---- content ---- */

static bool take_content(const struct api_reader *p, const json_t *root)
{
    static const char *const known[] = {"subject", "plainText", "html", NULL};
    const json_t *json = json_object_get(root, "content");
    struct sgl_compose *c = &p->m->compose;

    if (json == NULL)
        return api_wrong(p, "member-missing", "content", "The content is missing.");
    if (!json_is_object(json))
        return api_wrong(p, "member-type", "content", "An object is wanted here.");
    if (!api_known_only(p, json, "content", known) ||
        !api_read_string(p, json, "subject", "content.subject", &c->subject) ||
        !api_one_line(p, c->subject, "content.subject") ||
        !api_read_string(p, json, "plainText", "content.plainText", &c->text) ||
        !api_read_string(p, json, "html", "content.html", &c->html))
        return false;
    if (c->subject.ptr == NULL)
        return api_wrong(p, "member-missing", "content.subject", "The subject is missing.");
    if (c->text.len == 0 && c->html.len > 0) /* an empty alternative would be shown in its place */
        c->text = sgl_view_of(NULL, 0);
    else if (c->html.len == 0 && c->text.len > 0)
        c->html = sgl_view_of(NULL, 0);
    return true;
}

/* ---- header fields ---- */

static bool take_directive(struct request *q, const char *name, const json_t *value)
{
    static const char *const names[DIRECTIVE_COUNT] = {
        [IGNORE_DUPLICATES] = "x-ms-acsemail-ignore-duplicate-content-id",
        [DROP_INVALID] = "x-ms-acsemail-suppress-invalid-attachment",
        [VALIDATE_ID] = "x-ms-acsemail-validate-message-id",
    };
    sgl_view text = api_string_view(value), given = sgl_view_cstr(name);
    char path[API_PATH_SIZE];
    size_t i = 0;

    while (i < DIRECTIVE_COUNT && !sgl_view_eq_nocase(given, sgl_view_cstr(names[i])))
        i++;
    if (i == DIRECTIVE_COUNT)
        return api_refuse(q->p->why, 422, "header-name", "headers",
                          "There is no such directive: %s.", given);
    snprintf(path, sizeof(path), "headers.%s", names[i]);
    q->directive[i] = sgl_view_eq_nocase(text, SGL_LIT("true"));
    return q->directive[i] || sgl_view_eq_nocase(text, SGL_LIT("false")) ||
           api_wrong(q->p, "member-value", path, "The value is \"true\" or \"false\".");
}

/* One that is none is as if it were not there, unless the request asks for it to be looked at. */
static bool take_message_id(const struct request *q, const json_t *value)
{
    const struct api_reader *p = q->p;
    sgl_view text = api_string_view(value), id;

    if (!json_is_string(value))
        return api_wrong(p, "member-type", "headers.Message-ID",
                         "The value of a header field is a string.");
    if (sgl_message_id_parse(text, &id, NULL) == SGL_OK)
        p->m->compose.message_id = id;
    else if (q->directive[VALIDATE_ID])
        return api_wrong(p, "member-value", "headers.Message-ID",
                         "This is no Message-ID: <left@right> is wanted (RFC 5322 s3.6.4).");
    return true;
}

static bool take_directives(struct request *q, json_t *headers)
{
    const char *name;
    json_t *value;

    json_object_foreach(headers, name, value)
    {
        if (sgl_view_starts_nocase(sgl_view_cstr(name), DIRECTIVES) &&
            !take_directive(q, name, value))
            return false;
    }
    return true;
}

static bool take_fields(struct request *q, json_t *headers, struct sgl_compose_field *field)
{
    struct sgl_compose *c = &q->p->m->compose;
    const char *name;
    json_t *value;
    size_t n = 0;

    json_object_foreach(headers, name, value)
    {
        sgl_view given = sgl_view_cstr(name);

        if (sgl_view_starts_nocase(given, DIRECTIVES))
            continue;
        if (sgl_view_eq_nocase(given, SGL_LIT("Message-ID"))) {
            if (!take_message_id(q, value))
                return false;
            continue;
        }
        if (!api_read_header(q->p, name, value, &field[n]))
            return false;
        n++;
    }
    c->header = field;
    c->headers = n;
    return true;
}

static bool take_headers(struct request *q, const json_t *root)
{
    json_t *headers = json_object_get(root, "headers");
    struct sgl_compose_field *field;

    if (headers == NULL || json_is_null(headers))
        return true;
    if (!json_is_object(headers))
        return api_wrong(q->p, "member-type", "headers",
                         "An object of names and values is wanted here.");
    if (json_object_size(headers) > API_HEADERS_MAX)
        return api_wrong(q->p, "too-many-headers", "headers",
                         "There are more than 100 header fields.");
    field = SGL_NEW_N(q->p->arena, json_object_size(headers), struct sgl_compose_field);
    if (field == NULL)
        return api_refuse_memory(q->p->why);
    return take_directives(q, headers) && take_fields(q, headers, field);
}

/* ---- attachments ---- */

static bool take_text(const struct api_reader *p, const json_t *json, const char *path,
                      const char *name, bool needed, sgl_view *out)
{
    char field[API_PATH_SIZE];

    snprintf(field, sizeof(field), "%s.%s", path, name);
    if (!api_read_string(p, json, name, field, out))
        return false;
    return !needed || out->len > 0 || api_wrong(p, "member-missing", field, "This is missing.");
}

/* Of an attachment whose members are there: its type and content.  *valid: they are good; if not, *why says it. */
static bool take_file(const struct request *q, sgl_view base64, const char *path,
                      struct sgl_compose_part *out)
{
    const struct api_reader *p = q->p;
    char field[API_PATH_SIZE];

    snprintf(field, sizeof(field), "%s.contentType", path);
    if (!acs_type_allowed(out->content_type))
        return api_refuse(p->why, 422, "attachment-type", field,
                          "Files of this type are not sent: %s.", out->content_type);
    snprintf(field, sizeof(field), "%s.contentInBase64", path);
    return api_read_base64(p, base64, field, out);
}

static bool is_seen(const struct sgl_compose_part *part, size_t count, sgl_view content_id)
{
    for (size_t i = 0; i < count; i++)
        if (sgl_view_eq(part[i].content_id, content_id))
            return true;
    return false;
}

/* The first of its id is what the HTML shows; if the request allows another, that is attached without it. */
static bool take_content_id(const struct request *q, const struct sgl_compose_part *before,
                            size_t count, const char *path, struct sgl_compose_part *out)
{
    char field[API_PATH_SIZE];

    out->inline_ = out->content_id.len > 0;
    if (!out->inline_ || !is_seen(before, count, out->content_id))
        return true;
    snprintf(field, sizeof(field), "%s.contentId", path);
    if (!q->directive[IGNORE_DUPLICATES])
        return api_wrong(q->p, "content-id-twice", field,
                         "Another attachment has this contentId already.");
    out->inline_ = false;
    out->content_id = sgl_view_of(NULL, 0);
    return true;
}

/* *kept: it goes into the message. */
static bool take_attachment(const struct request *q, const json_t *json, const char *path,
                            struct sgl_compose_part *out, bool *kept)
{
    static const char *const with_id[] = {"name", "contentType", "contentInBase64", "contentId",
                                          NULL};
    static const char *const without_id[] = {"name", "contentType", "contentInBase64", NULL};
    const struct api_reader *p = q->p;
    sgl_view base64 = {NULL, 0};
    char field[API_PATH_SIZE];

    if (!json_is_object(json))
        return api_wrong(p, "member-type", path, "An attachment is an object.");
    snprintf(field, sizeof(field), "%s.name", path);
    if (!api_known_only(p, json, path, q->content_ids ? with_id : without_id) ||
        !take_text(p, json, path, "name", true, &out->filename) ||
        !api_one_line(p, out->filename, field) ||
        !take_text(p, json, path, "contentType", true, &out->content_type) ||
        !take_text(p, json, path, "contentInBase64", true, &base64) ||
        !take_text(p, json, path, "contentId", false, &out->content_id))
        return false;
    *kept = take_file(q, base64, path, out);
    return *kept || (q->directive[DROP_INVALID] && p->why->status == 422);
}

static bool take_list(const struct request *q, const json_t *list, struct sgl_compose_part *part,
                      size_t *at)
{
    struct sgl_compose *c = &q->p->m->compose;
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(list); i++) {
        char path[40];
        bool kept = false;

        snprintf(path, sizeof(path), "attachments[%zu]", i);
        part[n] = (struct sgl_compose_part){0};
        if (!take_attachment(q, json_array_get(list, i), path, &part[n], &kept))
            return false;
        if (!kept)
            continue;
        if (!take_content_id(q, part, n, path, &part[n]))
            return false;
        at[n++] = i;
    }
    c->part = part;
    c->parts = n;
    q->p->m->part_at = at;
    return true;
}

static bool take_attachments(const struct request *q, const json_t *root)
{
    const json_t *list = json_object_get(root, "attachments");
    const struct api_reader *p = q->p;
    struct sgl_compose_part *part;
    size_t *at;

    if (list == NULL || json_is_null(list))
        return true;
    if (!json_is_array(list))
        return api_wrong(p, "member-type", "attachments", "An array is wanted here.");
    if (json_array_size(list) > API_ATTACHMENTS_MAX)
        return api_wrong(p, "too-many-attachments", "attachments",
                         "There are more than 100 attachments.");
    part = SGL_NEW_N(p->arena, json_array_size(list), struct sgl_compose_part);
    at = SGL_NEW_N(p->arena, json_array_size(list), size_t);
    if (part == NULL || at == NULL)
        return api_refuse_memory(p->why);
    return take_list(q, list, part, at);
}

/* ---- all of it ---- */

/* Nothing is tracked here, so there is nothing to turn off. */
static bool check_tracking(const struct api_reader *p, const json_t *root)
{
    const json_t *value = json_object_get(root, "userEngagementTrackingDisabled");

    return value == NULL || json_is_null(value) || json_is_boolean(value) ||
           api_wrong(p, "member-type", "userEngagementTrackingDisabled",
                     "true or false is wanted here.");
}

bool acs_parse(struct api_reader *p, const json_t *json, bool content_ids)
{
    static const char *const known[] = {"headers",
                                        "senderAddress",
                                        "content",
                                        "recipients",
                                        "attachments",
                                        "replyTo",
                                        "userEngagementTrackingDisabled",
                                        NULL};
    static const struct api_word words[] = {
        {"content_type", "attachments[", "].contentType"},
        {"content_id", "attachments[", "].contentId"},
        {"filename", "attachments[", "].name"},
        {"header", "headers.", NULL},
        {"from", "senderAddress", NULL},
        {"reply_to", "replyTo", NULL},
        {"to", "recipients.to", NULL},
        {"cc", "recipients.cc", NULL},
        {"subject", "content.subject", NULL},
        {"text", "content.plainText", NULL},
        {"html", "content.html", NULL},
        {"there", "content", NULL},
        {NULL, NULL, NULL},
    };
    struct request q = {.p = p, .content_ids = content_ids};

    p->m->words = words;
    if (!json_is_object(json))
        return api_wrong(p, "member-type", "body", "The body must be a JSON object.");
    return api_known_only(p, json, "", known) && take_sender(p, json) && take_content(p, json) &&
           take_recipients(p, json) &&
           take_addresses(p, json_object_get(json, "replyTo"), "replyTo", false,
                          &p->m->compose.reply_to) &&
           check_tracking(p, json) && take_headers(&q, json) && take_attachments(&q, json);
}
