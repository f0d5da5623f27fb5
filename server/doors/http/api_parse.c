/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of POST /v1/messages: every member known, of its type and well-formed, or the whole is refused. */
#include <stdio.h>

#include "api_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/base64.h"

#define PATH_SIZE 96
#define ABOUT_MAX 60

struct parsing {
    const struct api *api;
    const struct identity *who;
    struct sgl_arena *arena;
    struct api_message *m;
    struct api_refusal *why;
    size_t rcpt_room;
};

/* ---- refusals ---- */

bool api_refuse(struct api_refusal *why, int status, const char *code, const char *field,
                const char *detail, sgl_view about)
{
    struct sgl_buf line = SGL_BUF_INIT(sizeof(why->detail) - 1);
    sgl_view text = sgl_view_cstr(detail);
    size_t place = sgl_view_find_view(text, SGL_LIT("%s"));

    sgl_buf_add(&line, sgl_view_sub(text, 0, place));
    if (place < text.len) {
        sgl_buf_add_escaped(&line, about, ABOUT_MAX);
        sgl_buf_add(&line, sgl_view_from(text, place + 2));
    }
    why->status = status;
    why->code = code;
    snprintf(why->field, sizeof(why->field), "%s", field);
    snprintf(why->detail, sizeof(why->detail), "%.*s", (int)line.len,
             line.data == NULL ? "" : (const char *)line.data);
    sgl_buf_done(&line);
    return false;
}

bool api_refuse_memory(struct api_refusal *why)
{
    return api_refuse(why, 503, "memory-full", "",
                      "The server has no memory left for this; try again soon.", SGL_LIT(""));
}

static bool wrong(const struct parsing *p, const char *code, const char *field, const char *detail)
{
    return api_refuse(p->why, 422, code, field, detail, SGL_LIT(""));
}

static bool syntax(const struct parsing *p, const char *code, const char *field, const char *before,
                   const struct sgl_diag *diag)
{
    char detail[200];

    snprintf(detail, sizeof(detail), "%s: %s%s%s%s.", before,
             diag->what == NULL ? "too long" : diag->what, diag->rule == NULL ? "" : " (",
             diag->rule == NULL ? "" : diag->rule, diag->rule == NULL ? "" : ")");
    return wrong(p, code, field, detail);
}

/* ---- members ---- */

/* Only these names may stand in the object; path is "" at the top. */
static bool known_only(const struct parsing *p, const json_t *object, const char *path,
                       const char *const *known)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        struct sgl_buf field = SGL_BUF_INIT(sizeof(p->why->field) - 1);
        size_t i = 0;

        while (known[i] != NULL && strcmp(known[i], name) != 0)
            i++;
        if (known[i] != NULL)
            continue;
        sgl_buf_addf(&field, "%s%s", path, path[0] == '\0' ? "" : ".");
        sgl_buf_add_escaped(&field, sgl_view_cstr(name), ABOUT_MAX);
        (void)wrong(p, "member-unknown", "", "There is no such member here; nothing was sent.");
        snprintf(p->why->field, sizeof(p->why->field), "%.*s", (int)field.len,
                 field.data == NULL ? "" : (const char *)field.data);
        sgl_buf_done(&field);
        return false;
    }
    return true;
}

static sgl_view string_view(const json_t *json)
{
    return sgl_view_of(json_string_value(json), json_string_length(json));
}

/* An optional string; *out stays as it is without one. null counts as absent. */
static bool take_string(const struct parsing *p, const json_t *object, const char *name,
                        const char *path, sgl_view *out)
{
    const json_t *value = json_object_get(object, name);

    if (value == NULL || json_is_null(value))
        return true;
    if (!json_is_string(value))
        return wrong(p, "member-type", path, "A string is wanted here.");
    *out = string_view(value);
    return true;
}

/* What goes into a header must be one line. */
static bool one_line(const struct parsing *p, sgl_view v, const char *path)
{
    for (size_t i = 0; i < v.len; i++)
        if (sgl_ascii_is_control(v.ptr[i]) && v.ptr[i] != '\t')
            return wrong(p, "line-end", path,
                         "A line end or another control character cannot stand here: it would "
                         "begin a new header field.");
    return true;
}

/* ---- addresses ---- */

static bool address_from_string(const struct parsing *p, sgl_view text, const char *path,
                                struct sgl_compose_address *out)
{
    struct sgl_diag diag = {0};
    struct sgl_address a;
    enum sgl_status status;

    if (!one_line(p, text, path))
        return false;
    status = sgl_address_parse(text, p->arena, &a, &diag);
    if (status == SGL_E_NOMEM || p->arena->status != SGL_OK)
        return api_refuse_memory(p->why);
    if (status != SGL_OK)
        return syntax(p, "address-syntax", path, "This is no mail address", &diag);
    out->name = a.name;
    out->mailbox = a.mailbox;
    return true;
}

static bool address_from_object(const struct parsing *p, const json_t *json, const char *path,
                                struct sgl_compose_address *out)
{
    static const char *const known[] = {"email", "name", NULL};
    char field[PATH_SIZE + 8];
    struct sgl_diag diag = {0};
    enum sgl_status status;
    sgl_view email = {NULL, 0};

    if (!known_only(p, json, path, known))
        return false;
    snprintf(field, sizeof(field), "%s.name", path);
    if (!take_string(p, json, "name", field, &out->name) || !one_line(p, out->name, field))
        return false;
    snprintf(field, sizeof(field), "%s.email", path);
    if (!take_string(p, json, "email", field, &email))
        return false;
    if (email.ptr == NULL)
        return wrong(p, "member-missing", field, "An address needs its email.");
    status = sgl_mailbox_parse(email, p->arena, &out->mailbox, &diag);
    if (status == SGL_E_NOMEM || p->arena->status != SGL_OK)
        return api_refuse_memory(p->why);
    if (status != SGL_OK)
        return syntax(p, "address-syntax", field, "This is no mail address", &diag);
    return true;
}

static bool take_address(const struct parsing *p, const json_t *json, const char *path,
                         struct sgl_compose_address *out)
{
    *out = (struct sgl_compose_address){0};
    if (json_is_string(json))
        return address_from_string(p, string_view(json), path, out);
    if (json_is_object(json))
        return address_from_object(p, json, path, out);
    return wrong(p, "member-type", path, "An address is a string, or an object of email and name.");
}

/* Where the email of this address stands, for refusals of the address itself. */
static void email_path(const json_t *json, const char *path, char out[PATH_SIZE + 8])
{
    snprintf(out, PATH_SIZE + 8, "%s%s", path, json_is_object(json) ? ".email" : "");
}

bool api_check_sender(const struct api *api, const struct identity *who, sgl_view mailbox,
                      const char *field, struct api_refusal *why)
{
    struct admission_answer answer;

    if (admission_may_send_as(api->admission, who, mailbox, &answer))
        return true;
    return api_refuse(why, answer.http, answer.code, field, answer.text, SGL_LIT(""));
}

bool api_check_recipient(const struct api *api, const struct identity *who, sgl_view mailbox,
                         const char *field, struct api_refusal *why)
{
    struct admission_answer answer;

    if (admission_may_send_to(api->admission, who, mailbox, &answer))
        return true;
    return api_refuse(why, answer.http, answer.code, field, answer.text, SGL_LIT(""));
}

static bool take_from(const struct parsing *p, const json_t *root)
{
    const json_t *from = json_object_get(root, "from");
    char field[PATH_SIZE + 8];

    if (from == NULL)
        return wrong(p, "member-missing", "from", "The message needs a from.");
    if (!take_address(p, from, "from", &p->m->from))
        return false;
    p->m->compose.from = (struct sgl_compose_addresses){&p->m->from, 1};
    email_path(from, "from", field);
    return api_check_sender(p->api, p->who, p->m->from.mailbox.text, field, p->why);
}

static bool add_recipient(struct parsing *p, const struct sgl_mailbox *mailbox, const char *field)
{
    struct api_message *m = p->m;

    if (m->rcpts == p->api->recipients_max)
        return wrong(p, "too-many-recipients", field,
                     "The message has more recipients than this server accepts.");
    if (!api_check_recipient(p->api, p->who, mailbox->text, field, p->why))
        return false;
    if (m->rcpts == p->rcpt_room) {
        size_t room = p->rcpt_room == 0 ? 8 : p->rcpt_room * 2;
        struct store_rcpt *more = SGL_NEW_N(p->arena, room, struct store_rcpt);

        if (more == NULL)
            return api_refuse_memory(p->why);
        if (m->rcpts > 0)
            memcpy(more, m->rcpt, m->rcpts * sizeof(*more));
        m->rcpt = more;
        p->rcpt_room = room;
    }
    m->rcpt[m->rcpts++] = (struct store_rcpt){.address = mailbox->text};
    return true;
}

/* One address or an array of them. */
static bool take_addresses(struct parsing *p, const json_t *root, const char *name, bool recipients,
                           struct sgl_compose_addresses *out)
{
    const json_t *value = json_object_get(root, name);
    size_t count = json_is_array(value) ? json_array_size(value) : 1;
    struct sgl_compose_address *list;

    if (value == NULL || json_is_null(value))
        return true;
    if (recipients && count > p->api->recipients_max)
        return wrong(p, "too-many-recipients", name,
                     "The message has more recipients than this server accepts.");
    list = SGL_NEW_N(p->arena, count, struct sgl_compose_address);
    if (list == NULL)
        return api_refuse_memory(p->why);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
        char path[PATH_SIZE], field[PATH_SIZE + 8];

        if (json_is_array(value))
            snprintf(path, sizeof(path), "%s[%zu]", name, i);
        else
            snprintf(path, sizeof(path), "%s", name);
        email_path(item, path, field);
        if (!take_address(p, item, path, &list[i]) ||
            (recipients && !add_recipient(p, &list[i].mailbox, field)))
            return false;
    }
    *out = (struct sgl_compose_addresses){list, count};
    return true;
}

static bool take_recipients(struct parsing *p, const json_t *root)
{
    struct sgl_compose *c = &p->m->compose;
    struct sgl_compose_addresses bcc = {NULL, 0};

    if (!take_addresses(p, root, "to", true, &c->to) ||
        !take_addresses(p, root, "cc", true, &c->cc) || !take_addresses(p, root, "bcc", true, &bcc))
        return false;
    if (p->m->rcpts == 0)
        return wrong(p, "no-recipients", "to", "The message has no recipient.");
    return take_addresses(p, root, "reply_to", false, &c->reply_to);
}

/* ---- header fields ---- */

static bool take_header(const struct parsing *p, const char *name, const json_t *value,
                        struct sgl_compose_field *out)
{
    char path[PATH_SIZE];
    struct sgl_buf shown = SGL_BUF_INIT(PATH_SIZE - 1);

    sgl_buf_add_cstr(&shown, "headers.");
    sgl_buf_add_escaped(&shown, sgl_view_cstr(name), ABOUT_MAX);
    snprintf(path, sizeof(path), "%.*s", (int)shown.len,
             shown.data == NULL ? "" : (const char *)shown.data);
    sgl_buf_done(&shown);
    out->name = sgl_view_cstr(name);
    if (!sgl_compose_header_ok(out->name))
        return wrong(p, "header-name", path,
                     "This is no name of a header field, or one that only the server writes.");
    if (!json_is_string(value))
        return wrong(p, "member-type", path, "The value of a header field is a string.");
    out->value = string_view(value);
    return one_line(p, out->value, path);
}

static bool take_headers(const struct parsing *p, const json_t *root)
{
    json_t *headers = json_object_get(root, "headers"), *value;
    struct sgl_compose_field *field;
    const char *name;
    size_t n = 0;

    if (headers == NULL || json_is_null(headers))
        return true;
    if (!json_is_object(headers))
        return wrong(p, "member-type", "headers", "An object of names and values is wanted here.");
    if (json_object_size(headers) > API_HEADERS_MAX)
        return wrong(p, "too-many-headers", "headers", "There are more than 100 header fields.");
    field = SGL_NEW_N(p->arena, json_object_size(headers), struct sgl_compose_field);
    if (field == NULL)
        return api_refuse_memory(p->why);
    json_object_foreach(headers, name, value)
    {
        if (!take_header(p, name, value, &field[n]))
            return false;
        n++;
    }
    p->m->compose.header = field;
    p->m->compose.headers = n;
    return true;
}

/* ---- list mail ---- */

/* Which ids and names are good is admission's to say. */
static bool take_list(const struct parsing *p, const json_t *root)
{
    static const char *const known[] = {"id", "name", NULL};
    const json_t *list = json_object_get(root, "list");

    if (list == NULL || json_is_null(list))
        return true;
    if (!json_is_object(list))
        return wrong(p, "member-type", "list", "An object of id and name is wanted here.");
    if (!known_only(p, list, "list", known) ||
        !take_string(p, list, "id", "list.id", &p->m->list) ||
        !take_string(p, list, "name", "list.name", &p->m->list_name))
        return false;
    if (p->m->list.ptr == NULL)
        return wrong(p, "member-missing", "list.id", "A list needs its id.");
    return one_line(p, p->m->list_name, "list.name");
}

/* ---- content ---- */

static bool take_content(const struct parsing *p, const json_t *json, const char *path,
                         struct sgl_compose_part *out)
{
    sgl_view text = {NULL, 0};
    char field[PATH_SIZE];
    size_t before = p->m->decoded.len;
    enum sgl_status status;

    snprintf(field, sizeof(field), "%s.content", path);
    if (!take_string(p, json, "content", field, &text))
        return false;
    if (text.ptr == NULL)
        return wrong(p, "member-missing", field, "An attachment needs its content, as base64.");
    status = sgl_base64_decode_fws(text, &p->m->decoded);
    if (status == SGL_E_SYNTAX)
        return wrong(p, "base64", field,
                     "The content is not base64 (RFC 4648 section 4), or not whole.");
    if (status != SGL_OK)
        return api_refuse_memory(p->why);
    /* The buffer never grows: its room was reserved for all. */
    out->content = sgl_view_from(sgl_buf_view(&p->m->decoded), before);
    return true;
}

static bool take_disposition(const struct parsing *p, const json_t *json, const char *path,
                             struct sgl_compose_part *out)
{
    sgl_view disposition = SGL_LIT("attachment");
    char field[PATH_SIZE];

    snprintf(field, sizeof(field), "%s.disposition", path);
    if (!take_string(p, json, "disposition", field, &disposition))
        return false;
    out->inline_ = sgl_view_eq(disposition, SGL_LIT("inline"));
    if (!out->inline_ && !sgl_view_eq(disposition, SGL_LIT("attachment")))
        return wrong(p, "member-value", field, "The disposition is \"attachment\" or \"inline\".");
    return true;
}

static bool take_attachment(const struct parsing *p, const json_t *json, const char *path,
                            struct sgl_compose_part *out)
{
    static const char *const known[] = {"filename",   "content_type", "content",
                                        "content_id", "disposition",  NULL};
    char field[PATH_SIZE];

    if (!json_is_object(json))
        return wrong(p, "member-type", path, "An attachment is an object.");
    if (!known_only(p, json, path, known))
        return false;
    snprintf(field, sizeof(field), "%s.filename", path);
    if (!take_string(p, json, "filename", field, &out->filename) ||
        !one_line(p, out->filename, field))
        return false;
    snprintf(field, sizeof(field), "%s.content_type", path);
    if (!take_string(p, json, "content_type", field, &out->content_type))
        return false;
    snprintf(field, sizeof(field), "%s.content_id", path);
    if (!take_string(p, json, "content_id", field, &out->content_id))
        return false;
    return take_disposition(p, json, path, out) && take_content(p, json, path, out);
}

static bool take_attachments(const struct parsing *p, const json_t *root, size_t body_bytes)
{
    json_t *list = json_object_get(root, "attachments");
    struct sgl_compose_part *part;
    size_t count = json_array_size(list);

    if (list == NULL || json_is_null(list))
        return true;
    if (!json_is_array(list))
        return wrong(p, "member-type", "attachments", "An array is wanted here.");
    if (count > API_ATTACHMENTS_MAX)
        return wrong(p, "too-many-attachments", "attachments",
                     "There are more than 100 attachments.");
    part = SGL_NEW_N(p->arena, count, struct sgl_compose_part);
    if (part == NULL || sgl_buf_reserve(&p->m->decoded, body_bytes) != SGL_OK)
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

/* An upper bound of what the attachments decode to. */
static size_t attachment_bytes(const json_t *root)
{
    const json_t *list = json_object_get(root, "attachments");
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(list); i++)
        n += json_string_length(json_object_get(json_array_get(list, i), "content")) / 4 * 3 + 3;
    return n;
}

bool api_parse(const struct api *api, const struct identity *who, const json_t *json,
               struct sgl_arena *arena, struct api_message *m, struct api_refusal *why)
{
    static const char *const known[] = {"from",        "to",      "cc",   "bcc",
                                        "reply_to",    "subject", "text", "html",
                                        "attachments", "headers", "list", NULL};
    struct parsing p = {.api = api, .who = who, .arena = arena, .m = m, .why = why};

    if (!json_is_object(json))
        return wrong(&p, "member-type", "body", "The body must be a JSON object.");
    if (!known_only(&p, json, "", known) || !take_from(&p, json) || !take_recipients(&p, json))
        return false;
    if (!take_string(&p, json, "subject", "subject", &m->compose.subject) ||
        !one_line(&p, m->compose.subject, "subject"))
        return false;
    if (!take_string(&p, json, "text", "text", &m->compose.text) ||
        !take_string(&p, json, "html", "html", &m->compose.html))
        return false;
    return take_list(&p, json) && take_headers(&p, json) &&
           take_attachments(&p, json, attachment_bytes(json));
}

void api_compose_refusal(const struct api_message *m, enum sgl_status status,
                         const struct sgl_diag *diag, struct api_refusal *why)
{
    static const char *const of_attachment[] = {"content_type", "content_id", "filename"};
    sgl_view rest, what = sgl_view_cstr(diag->what), member = sgl_view_split(what, ' ', &rest);
    struct sgl_buf field = SGL_BUF_INIT(sizeof(why->field) - 1);

    if (status != SGL_E_SYNTAX || diag->what == NULL) {
        if (status == SGL_E_LIMIT)
            (void)api_refuse(why, 422, "header-too-large", "",
                             "A value is too long to stand in a header.", SGL_LIT(""));
        else
            api_refuse_memory(why);
        return;
    }
    for (size_t i = 0; i < sizeof(of_attachment) / sizeof(of_attachment[0]); i++)
        if (sgl_view_eq(member, sgl_view_cstr(of_attachment[i])))
            sgl_buf_addf(&field, "attachments[%zu].%s", diag->off, of_attachment[i]);
    if (field.len == 0 && sgl_view_eq(member, SGL_LIT("header")) &&
        diag->off < m->compose.headers) {
        sgl_buf_add_cstr(&field, "headers.");
        sgl_buf_add_escaped(&field, m->compose.header[diag->off].name, ABOUT_MAX);
    } else if (field.len == 0) {
        sgl_buf_add(&field, sgl_view_eq(member, SGL_LIT("there")) ? SGL_LIT("text") : member);
    }
    (void)api_refuse(why, 422, "content", "", "%s", what);
    snprintf(why->detail, sizeof(why->detail), "Not a message: %s%s%s%s.", diag->what,
             diag->rule == NULL ? "" : " (", diag->rule == NULL ? "" : diag->rule,
             diag->rule == NULL ? "" : ")");
    snprintf(why->field, sizeof(why->field), "%.*s", (int)field.len,
             field.data == NULL ? "" : (const char *)field.data);
    sgl_buf_done(&field);
}
