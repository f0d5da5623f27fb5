/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of a message of Microsoft Graph: every member known, of its type and well-formed, or the whole is refused. */
#include <stdio.h>

#include "graph_internal.h"
#include "labels.h"
#include "sigillo/ascii.h"
#include "sigillo/message_id.h"

#define CATEGORIES_MAX 10
#define CATEGORY_MAX   255

/* ---- members ---- */

void graph_path(const char *at, const char *name, char out[API_PATH_SIZE])
{
    snprintf(out, API_PATH_SIZE, "%.60s%s%.30s", at, at[0] == '\0' ? "" : ".", name);
}

bool graph_known_only(const struct api_reader *p, const json_t *object, const char *path,
                      const char *const *known)
{
    json_t *rest = json_copy((json_t *)(uintptr_t)object);
    const char *name;
    json_t *value;
    void *next;
    bool fine;

    if (rest == NULL)
        return api_refuse_memory(p->why);
    json_object_foreach_safe(rest, next, name, value)
    {
        if (strchr(name, '@') != NULL)
            json_object_del(rest, name);
    }
    fine = api_known_only(p, rest, path, known);
    json_decref(rest);
    return fine;
}

bool graph_bool(const struct api_reader *p, const json_t *object, const char *name,
                const char *path, bool *out)
{
    const json_t *value = json_object_get(object, name);

    if (value == NULL || json_is_null(value))
        return true;
    if (!json_is_boolean(value))
        return api_wrong(p, "member-type", path, "true or false is wanted here.");
    *out = json_is_true(value);
    return true;
}

/* ---- addresses ---- */

/* {"emailAddress":{"address","name"}} */
static bool take_address(const struct graph_reader *g, const json_t *json, const char *path,
                         struct sgl_compose_address *out)
{
    static const char *const outer[] = {"emailAddress", NULL};
    static const char *const inner[] = {"address", "name", NULL};
    const json_t *one = json_object_get(json, "emailAddress");
    const struct api_reader *p = g->p;
    char at[API_PATH_SIZE], field[API_PATH_SIZE];
    sgl_view address = {NULL, 0};

    graph_path(path, "emailAddress", at);
    if (!json_is_object(json) || !json_is_object(one))
        return api_wrong(p, "member-type", json_is_object(json) ? at : path,
                         "An object with an emailAddress is wanted here, which is one of address "
                         "and name.");
    if (!graph_known_only(p, json, path, outer) || !graph_known_only(p, one, at, inner))
        return false;
    graph_path(at, "name", field);
    if (!api_read_string(p, one, "name", field, &out->name) || !api_one_line(p, out->name, field))
        return false;
    graph_path(at, "address", field);
    if (!api_read_string(p, one, "address", field, &address))
        return false;
    if (address.len == 0)
        return api_wrong(p, "member-missing", field, "The address is missing.");
    return api_read_mailbox(p, address, field, &out->mailbox);
}

/* Who is written to has an error of its own. */
static bool wrong_recipient(const struct api_reader *p)
{
    if (strcmp(p->why->code, "address-syntax") == 0)
        p->why->code = "graph-recipient";
    return false;
}

static bool take_recipient(const struct graph_reader *g, const json_t *json, const char *at,
                           bool recipient, struct sgl_compose_address *out)
{
    char field[API_PATH_SIZE];

    if (!take_address(g, json, at, out))
        return recipient && wrong_recipient(g->p);
    graph_path(at, "emailAddress.address", field);
    return !recipient || g->attached || api_add_recipient(g->p, &out->mailbox, field);
}

static bool take_addresses(const struct graph_reader *g, const json_t *message, const char *name,
                           bool recipients, struct sgl_compose_addresses *out)
{
    const json_t *list = json_object_get(message, name);
    size_t count = json_array_size(list);
    const struct api_reader *p = g->p;
    struct sgl_compose_address *item;
    char path[API_PATH_SIZE];

    if (list == NULL || json_is_null(list))
        return true;
    graph_path(g->at, name, path);
    if (!json_is_array(list))
        return api_wrong(p, "member-type", path, "An array of addresses is wanted here.");
    if (count > p->api->recipients_max)
        return api_wrong(p, "too-many-recipients", path,
                         "The message has more recipients than this server accepts.");
    item = SGL_NEW_N(p->arena, count, struct sgl_compose_address);
    if (item == NULL)
        return api_refuse_memory(p->why);
    for (size_t i = 0; i < count; i++) {
        char at[API_PATH_SIZE];

        snprintf(at, sizeof(at), "%.60s[%zu]", path, i);
        if (!take_recipient(g, json_array_get(list, i), at, recipients, &item[i]))
            return false;
    }
    *out = (struct sgl_compose_addresses){item, count};
    return true;
}

/* Whoever the path's mailbox may also send as: the word for a refusal is another one than for the mailbox itself. */
static bool check_sender(const struct graph_reader *g, const struct sgl_mailbox *mailbox,
                         const char *path)
{
    const struct api_reader *p = g->p;

    if (g->attached || sgl_mailbox_eq(mailbox, &g->mailbox) ||
        api_check_sender(p->api, p->who, mailbox->text, path, p->why))
        return true;
    if (p->why->rule != NULL)
        p->why->code = "graph-send-as";
    return false;
}

static bool take_one(const struct graph_reader *g, const json_t *message, const char *name,
                     struct sgl_compose_address *out, bool *there)
{
    const json_t *json = json_object_get(message, name);
    char path[API_PATH_SIZE];

    *there = json != NULL && !json_is_null(json);
    graph_path(g->at, name, path);
    return !*there || (take_address(g, json, path, out) && check_sender(g, &out->mailbox, path));
}

/* Sender stands beside From when it is another one [RFC 5322 s3.6.2]. */
static bool take_senders(const struct graph_reader *g, const json_t *message)
{
    struct api_message *m = g->p->m;
    struct sgl_compose_address *sender = SGL_NEW_N(g->p->arena, 1, struct sgl_compose_address);
    bool has_from, has_sender;

    if (sender == NULL)
        return api_refuse_memory(g->p->why);
    m->from = (struct sgl_compose_address){.mailbox = g->mailbox};
    if (!take_one(g, message, "from", &m->from, &has_from) ||
        !take_one(g, message, "sender", sender, &has_sender))
        return false;
    if (!has_from && has_sender)
        m->from = *sender;
    else if (has_sender && !sgl_mailbox_eq(&sender->mailbox, &m->from.mailbox))
        m->compose.sender = sender;
    m->compose.from = (struct sgl_compose_addresses){&m->from, 1};
    return true;
}

/* ---- content ---- */

static bool take_body(const struct graph_reader *g, const json_t *message)
{
    static const char *const known[] = {"contentType", "content", NULL};
    const json_t *body = json_object_get(message, "body");
    const struct api_reader *p = g->p;
    sgl_view type = SGL_LIT("text"), content = SGL_LIT("");
    char path[API_PATH_SIZE], field[API_PATH_SIZE];

    graph_path(g->at, "body", path);
    if (body != NULL && !json_is_null(body)) {
        if (!json_is_object(body))
            return api_wrong(p, "member-type", path, "An object is wanted here.");
        if (!graph_known_only(p, body, path, known))
            return false;
        graph_path(path, "content", field);
        if (!api_read_string(p, body, "content", field, &content))
            return false;
        graph_path(path, "contentType", field);
        if (!api_read_string(p, body, "contentType", field, &type))
            return false;
    }
    if (sgl_view_eq_nocase(type, SGL_LIT("html")))
        p->m->compose.html = content;
    else if (sgl_view_eq_nocase(type, SGL_LIT("text")))
        p->m->compose.text = content;
    else
        return api_wrong(p, "member-value", field, "The type of the body is \"text\" or \"html\".");
    return true;
}

static bool take_subject(const struct graph_reader *g, const json_t *message)
{
    struct sgl_compose *c = &g->p->m->compose;
    char path[API_PATH_SIZE];

    graph_path(g->at, "subject", path);
    return api_read_string(g->p, message, "subject", path, &c->subject) &&
           api_one_line(g->p, c->subject, path);
}

static bool take_message_id(const struct graph_reader *g, const json_t *message)
{
    sgl_view text = {NULL, 0};
    char path[API_PATH_SIZE];

    graph_path(g->at, "internetMessageId", path);
    if (!api_read_string(g->p, message, "internetMessageId", path, &text))
        return false;
    return text.len == 0 ||
           sgl_message_id_parse(text, &g->p->m->compose.message_id, NULL) == SGL_OK ||
           api_wrong(g->p, "member-value", path,
                     "This is no Message-ID: <left@right> is wanted (RFC 5322 s3.6.4).");
}

/* ---- header fields ---- */

static bool take_header(const struct graph_reader *g, const json_t *json, const char *path,
                        struct sgl_compose_field *out)
{
    static const char *const known[] = {"name", "value", NULL};
    const struct api_reader *p = g->p;
    char field[API_PATH_SIZE];

    if (!json_is_object(json))
        return api_wrong(p, "member-type", path, "An object of name and value is wanted here.");
    if (!graph_known_only(p, json, path, known))
        return false;
    graph_path(path, "name", field);
    if (!api_read_string(p, json, "name", field, &out->name))
        return false;
    if (!sgl_view_starts_nocase(out->name, SGL_LIT("x-")))
        return api_refuse(p->why, 400, "graph-header", field,
                          "The internet message header name '%s' should start with 'x-' or 'X-'.",
                          out->name);
    if (!sgl_compose_header_ok(out->name))
        return api_refuse(p->why, 400, "graph-header", field,
                          "This is no name of a header field: '%s'.", out->name);
    graph_path(path, "value", field);
    out->value = SGL_LIT("");
    return api_read_string(p, json, "value", field, &out->value) &&
           api_one_line(p, out->value, field);
}

/* "Importance" goes where the fields do that the caller names  [RFC 2156 s5.3.6]. */
static bool take_importance(const struct graph_reader *g, const json_t *message,
                            struct sgl_compose_field *out, size_t *count)
{
    static const char *const values[] = {"low", "normal", "high"};
    sgl_view given = SGL_LIT("normal");
    char path[API_PATH_SIZE];

    graph_path(g->at, "importance", path);
    if (!api_read_string(g->p, message, "importance", path, &given))
        return false;
    for (size_t i = 0; i < 3; i++) {
        if (!sgl_view_eq_nocase(given, sgl_view_cstr(values[i])))
            continue;
        if (i != 1)
            out[(*count)++] =
                (struct sgl_compose_field){SGL_LIT("Importance"), sgl_view_cstr(values[i])};
        return true;
    }
    return api_wrong(g->p, "member-value", path,
                     "The importance is \"low\", \"normal\" or \"high\".");
}

static bool take_headers(const struct graph_reader *g, const json_t *message)
{
    const json_t *list = json_object_get(message, "internetMessageHeaders");
    const struct api_reader *p = g->p;
    struct sgl_compose_field *field =
        SGL_NEW_N(p->arena, GRAPH_HEADERS_MAX + 1, struct sgl_compose_field);
    char path[API_PATH_SIZE];
    size_t n = 0;

    graph_path(g->at, "internetMessageHeaders", path);
    if (field == NULL)
        return api_refuse_memory(p->why);
    if (list != NULL && !json_is_null(list) && !json_is_array(list))
        return api_wrong(p, "member-type", path, "An array is wanted here.");
    if (json_array_size(list) > GRAPH_HEADERS_MAX)
        return api_refuse(p->why, 400, "graph-headers", path,
                          "There are more than 5 internet message headers.", SGL_LIT(""));
    for (; n < json_array_size(list); n++) {
        char at[API_PATH_SIZE];

        snprintf(at, sizeof(at), "%.60s[%zu]", path, n);
        if (!take_header(g, json_array_get(list, n), at, &field[n]))
            return false;
    }
    p->m->compose.header = field;
    if (!take_importance(g, message, field, &n))
        return false;
    p->m->compose.headers = n;
    return true;
}

/* ---- what is asked beside ---- */

static bool take_receipts(struct graph_reader *g, const json_t *message)
{
    struct api_message *m = g->p->m;
    char path[API_PATH_SIZE];
    bool read = false;

    graph_path(g->at, "isReadReceiptRequested", path);
    if (!graph_bool(g->p, message, "isReadReceiptRequested", path, &read))
        return false;
    if (read)
        m->compose.receipt_to = m->compose.from;
    graph_path(g->at, "isDeliveryReceiptRequested", path);
    return graph_bool(g->p, message, "isDeliveryReceiptRequested", path, &g->receipt);
}

/* A mark in the sender's own mailbox, which nobody else sees: looked at, and not kept. */
static bool check_flag(const struct graph_reader *g, const json_t *message)
{
    static const char *const known[] = {"flagStatus", "startDateTime", "dueDateTime",
                                        "completedDateTime", NULL};
    const json_t *flag = json_object_get(message, "flag");
    sgl_view status = SGL_LIT("notFlagged");
    char path[API_PATH_SIZE], field[API_PATH_SIZE];

    if (flag == NULL || json_is_null(flag))
        return true;
    graph_path(g->at, "flag", path);
    if (!json_is_object(flag))
        return api_wrong(g->p, "member-type", path, "An object is wanted here.");
    graph_path(path, "flagStatus", field);
    if (!graph_known_only(g->p, flag, path, known) ||
        !api_read_string(g->p, flag, "flagStatus", field, &status))
        return false;
    return sgl_view_eq_nocase(status, SGL_LIT("notFlagged")) ||
           sgl_view_eq_nocase(status, SGL_LIT("flagged")) ||
           sgl_view_eq_nocase(status, SGL_LIT("complete")) ||
           api_wrong(g->p, "member-value", field,
                     "The status is \"notFlagged\", \"flagged\" or \"complete\".");
}

/* Where it would lie in an inbox: looked at, and not kept. */
static bool check_inference(const struct graph_reader *g, const json_t *message)
{
    sgl_view value = SGL_LIT("other");
    char path[API_PATH_SIZE];

    graph_path(g->at, "inferenceClassification", path);
    if (!api_read_string(g->p, message, "inferenceClassification", path, &value))
        return false;
    return sgl_view_eq_nocase(value, SGL_LIT("focused")) ||
           sgl_view_eq_nocase(value, SGL_LIT("other")) ||
           api_wrong(g->p, "member-value", path, "This is \"focused\" or \"other\".");
}

/* What the sender calls it: labels of ours, which it is found by; they do not go out. */
static bool take_categories(const struct graph_reader *g, const json_t *message)
{
    json_t *list = json_object_get(message, "categories");
    char path[API_PATH_SIZE], at[API_PATH_SIZE];

    if (list == NULL || json_is_null(list))
        return true;
    graph_path(g->at, "categories", path);
    if (!json_is_array(list))
        return api_wrong(g->p, "member-type", path, "An array of strings is wanted here.");
    if (json_array_size(list) > CATEGORIES_MAX)
        return api_wrong(g->p, "too-many", path, "There are more than 10 categories.");
    for (size_t i = 0; i < json_array_size(list); i++) {
        size_t len = json_string_length(json_array_get(list, i));

        snprintf(at, sizeof(at), "%.60s[%zu]", path, i);
        if (len == 0 || len > CATEGORY_MAX)
            return api_wrong(g->p, "member-value", at, "A category is a string of 1 to 255 bytes.");
    }
    return g->attached || labels_put(list, NULL, g->p->arena, &g->p->m->labels) ||
           api_refuse_memory(g->p->why);
}

/* ---- all of it ---- */

/* Those of the second half are the server's to write: what was read from one is given back to it with them. */
static const char *const message_members[] = {"subject",
                                              "body",
                                              "toRecipients",
                                              "ccRecipients",
                                              "bccRecipients",
                                              "replyTo",
                                              "from",
                                              "sender",
                                              "importance",
                                              "isReadReceiptRequested",
                                              "isDeliveryReceiptRequested",
                                              "internetMessageHeaders",
                                              "internetMessageId",
                                              "attachments",
                                              "categories",
                                              "flag",
                                              "inferenceClassification",
                                              "id",
                                              "createdDateTime",
                                              "lastModifiedDateTime",
                                              "changeKey",
                                              "receivedDateTime",
                                              "sentDateTime",
                                              "hasAttachments",
                                              "bodyPreview",
                                              "uniqueBody",
                                              "parentFolderId",
                                              "conversationId",
                                              "conversationIndex",
                                              "isRead",
                                              "isDraft",
                                              "webLink",
                                              NULL};

static bool take_members(struct graph_reader *g, const json_t *message)
{
    struct sgl_compose *c = &g->p->m->compose;
    struct sgl_compose_addresses bcc = {NULL, 0};
    char path[API_PATH_SIZE];

    graph_path(g->at, "attachments", path);
    return graph_known_only(g->p, message, g->at, message_members) && take_senders(g, message) &&
           take_addresses(g, message, "toRecipients", true, &c->to) &&
           take_addresses(g, message, "ccRecipients", true, &c->cc) &&
           take_addresses(g, message, "bccRecipients", true, &bcc) &&
           take_addresses(g, message, "replyTo", false, &c->reply_to) && take_subject(g, message) &&
           take_body(g, message) && take_message_id(g, message) && take_headers(g, message) &&
           take_receipts(g, message) && check_flag(g, message) && check_inference(g, message) &&
           take_categories(g, message) &&
           graph_attachments(g, json_object_get(message, "attachments"), path);
}

/* What compose() speaks of, below `at`. */
#define WORDS(at)                                                                                  \
    {                                                                                              \
        {"content_type", at "attachments[", "].contentType"},                                      \
            {"content_id", at "attachments[", "].contentId"},                                      \
            {"filename", at "attachments[", "].name"},                                             \
            {"header", at "internetMessageHeaders.", NULL}, {"from", at "from", NULL},             \
            {"sender", at "sender", NULL}, {"reply_to", at "replyTo", NULL},                       \
            {"receipt_to", at "from", NULL}, {"to", at "toRecipients", NULL},                      \
            {"cc", at "ccRecipients", NULL}, {"subject", at "subject", NULL},                      \
            {"text", at "body.content", NULL}, {"html", at "body.content", NULL},                  \
        {                                                                                          \
            NULL, NULL, NULL                                                                       \
        }                                                                                          \
    }
static const struct api_word words[] = WORDS("message."), draft_words[] = WORDS("");

bool graph_message(struct graph_reader *g, const json_t *message)
{
    g->p->m->words = g->at[0] == '\0' ? draft_words : words;
    if (!json_is_object(message))
        return api_wrong(g->p, "member-type", g->at[0] == '\0' ? "body" : g->at,
                         "A message is an object.");
    return take_members(g, message);
}

bool graph_complete(struct graph_reader *g)
{
    struct api_message *m = g->p->m;
    char path[API_PATH_SIZE];

    graph_path(g->at, "toRecipients", path);
    if (m->rcpts == 0)
        return api_refuse(g->p->why, 400, "no-recipients", path,
                          "At least one recipient is not valid: the message has none.",
                          SGL_LIT(""));
    for (size_t i = 0; g->receipt && i < m->rcpts; i++)
        m->rcpt[i].notify = RCPT_NOTIFY_SUCCESS | RCPT_NOTIFY_FAILURE | RCPT_NOTIFY_DELAY;
    return true;
}

/* There is no folder of what was sent, so either is fine; the documentation's own example has a string. */
static bool check_save(const struct api_reader *p, const json_t *save, const char *path)
{
    sgl_view text = api_string_view(save);

    return save == NULL || json_is_null(save) || json_is_boolean(save) ||
           (json_is_string(save) && (sgl_view_eq_nocase(text, SGL_LIT("true")) ||
                                     sgl_view_eq_nocase(text, SGL_LIT("false")))) ||
           api_wrong(p, "member-type", path, "true or false is wanted here.");
}

/* The parameters of an action are written in either way. */
static bool take_parameter(const struct api_reader *p, const json_t *body, const char *name,
                           const char *other, const json_t **out)
{
    const json_t *a = json_object_get(body, name), *b = json_object_get(body, other);

    *out = a == NULL ? b : a;
    return a == NULL || b == NULL ||
           api_wrong(p, "member-value", name, "This stands there twice, in two spellings.");
}

bool graph_send_mail(struct graph_reader *g, const json_t *body)
{
    static const char *const known[] = {"message", "Message", "saveToSentItems", "SaveToSentItems",
                                        NULL};
    const json_t *message, *save;

    if (!json_is_object(body))
        return api_wrong(g->p, "member-type", "body", "The body must be a JSON object.");
    if (!graph_known_only(g->p, body, "", known) ||
        !take_parameter(g->p, body, "message", "Message", &message) ||
        !take_parameter(g->p, body, "saveToSentItems", "SaveToSentItems", &save) ||
        !check_save(g->p, save, "saveToSentItems"))
        return false;
    if (message == NULL || json_is_null(message))
        return api_wrong(g->p, "member-missing", "message", "The message is missing.");
    return graph_message(g, message) && graph_complete(g);
}
