/* SPDX-License-Identifier: Apache-2.0 */
/* A personalization: one message of the request, from what it says itself and from what all have in common. */
#include <stdio.h>

#include "labels.h"
#include "sendgrid_internal.h"

#define SUBSTITUTIONS_MAX 10000
#define PLACE_SIZE        32

struct personal {
    struct api_reader *p;
    struct sendgrid_mail *mail;
    const json_t *json;
    const json_t *values;   /* of keys that are replaced; NULL: there are none */
    char place[PLACE_SIZE]; /* "personalizations.3" */
};

static const char *path_of(const struct personal *q, const char *name, char out[API_PATH_SIZE])
{
    snprintf(out, API_PATH_SIZE, "%s.%s", q->place, name);
    return out;
}

/* ---- who ---- */

static bool take_from(const struct personal *q)
{
    const json_t *from = sendgrid_member(q->json, "from");
    struct api_message *m = q->p->m;
    char path[API_PATH_SIZE];

    if (from != NULL && !sendgrid_from(q->p, from, path_of(q, "from", path), &m->from))
        return false;
    m->compose.from = (struct sgl_compose_addresses){&m->from, 1};
    return true;
}

/* In whose list does the address stand that came a second time? */
static const char *list_of(const struct api_message *m, size_t i)
{
    if (i < m->compose.to.count)
        return "to";
    return i < m->compose.to.count + m->compose.cc.count ? "cc" : "bcc";
}

static bool check_unique(const struct personal *q)
{
    const struct api_message *m = q->p->m;
    char detail[240];

    for (size_t i = 1; i < m->rcpts; i++)
        for (size_t k = 0; k < i; k++) {
            if (!sgl_view_eq_nocase(m->rcpt[i].address, m->rcpt[k].address))
                continue;
            snprintf(detail, sizeof(detail),
                     "Each email address in the personalization block should be unique between to, "
                     "cc, and bcc. We found the first duplicate instance of [%%s] in the %s.%s "
                     "field.",
                     q->place, list_of(m, i));
            return api_refuse(q->p->why, 422, "recipient-twice", q->place, detail,
                              m->rcpt[i].address);
        }
    return true;
}

static bool take_recipients(const struct personal *q)
{
    struct sgl_compose *c = &q->p->m->compose;
    const json_t *to = sendgrid_member(q->json, "to");
    struct sgl_compose_addresses bcc;
    char path[API_PATH_SIZE];

    if (to == NULL || (json_is_array(to) && json_array_size(to) == 0))
        return api_wrong(q->p, "member-missing", path_of(q, "to", path),
                         "The to parameter is required for all personalization objects.");
    return sendgrid_addresses(q->p, to, path_of(q, "to", path), true, &c->to) &&
           sendgrid_addresses(q->p, sendgrid_member(q->json, "cc"), path_of(q, "cc", path), true,
                              &c->cc) &&
           sendgrid_addresses(q->p, sendgrid_member(q->json, "bcc"), path_of(q, "bcc", path), true,
                              &bcc) &&
           check_unique(q);
}

/* ---- header fields ---- */

/* A field of the personalization stands in place of the common one. */
static bool is_own(json_t *own, const char *name)
{
    const char *other;
    json_t *value;

    json_object_foreach(own, other, value)
    {
        if (sgl_view_eq_nocase(sgl_view_cstr(other), sgl_view_cstr(name)))
            return true;
    }
    return false;
}

static bool is_reserved(const char *name)
{
    sgl_view v = sgl_view_cstr(name);

    return sgl_view_eq_nocase(v, SGL_LIT("x-sg-id")) || sgl_view_eq_nocase(v, SGL_LIT("x-sg-eid"));
}

static bool take_field(const struct personal *q, const char *name, const json_t *value,
                       const char *place)
{
    struct sgl_compose *c = &q->p->m->compose;
    struct sgl_compose_field *field = (struct sgl_compose_field *)(uintptr_t)c->header;
    struct api_refusal *why = q->p->why;
    char path[sizeof(why->field)];

    if (is_reserved(name))
        (void)api_wrong(q->p, "header-name", "headers", "This header field is the service's own.");
    else if (api_read_header(q->p, name, value, &field[c->headers])) {
        c->headers++;
        return true;
    }
    snprintf(path, sizeof(path), "%s%.*s", place, (int)(sizeof(path) - PLACE_SIZE - 2), why->field);
    memcpy(why->field, path, sizeof(path));
    return false;
}

static bool take_headers(const struct personal *q)
{
    json_t *own = json_object_get(q->json, "headers");
    json_t *common = json_object_get(q->mail->json, "headers"), *value;
    struct sgl_compose *c = &q->p->m->compose;
    char place[PLACE_SIZE + 2];
    const char *name;

    snprintf(place, sizeof(place), "%s.", q->place);
    if (own != NULL && !json_is_object(own) && !json_is_null(own))
        return api_wrong(q->p, "member-type", path_of(q, "headers", (char[API_PATH_SIZE]){0}),
                         "An object of names and values is wanted here.");
    if (common != NULL && !json_is_object(common) && !json_is_null(common))
        return api_wrong(q->p, "member-type", "headers",
                         "An object of names and values is wanted here.");
    if (json_object_size(own) + json_object_size(common) > API_HEADERS_MAX)
        return api_wrong(q->p, "too-many-headers", "headers",
                         "There are more than 100 header fields.");
    c->header = SGL_NEW_N(q->p->arena, json_object_size(own) + json_object_size(common),
                          struct sgl_compose_field);
    if (c->header == NULL)
        return api_refuse_memory(q->p->why);
    json_object_foreach(common, name, value)
    {
        if (!is_own(own, name) && !take_field(q, name, value, ""))
            return false;
    }
    json_object_foreach(own, name, value)
    {
        if (!take_field(q, name, value, place))
            return false;
    }
    return true;
}

/* ---- substitution ---- */

static bool check_substitutions(const struct personal *q)
{
    const json_t *values = sendgrid_member(q->json, "substitutions");
    char path[API_PATH_SIZE];
    const char *name;
    json_t *value;
    size_t bytes = 0;

    (void)path_of(q, "substitutions", path);
    if (values != NULL && !json_is_object(values))
        return api_wrong(q->p, "member-type", path, "An object of strings is wanted here.");
    json_object_foreach((json_t *)(uintptr_t)values, name, value)
    {
        if (!json_is_string(value))
            return api_refuse(q->p->why, 422, "member-type", path,
                              "The value of the substitution %s is no string.",
                              sgl_view_cstr(name));
        bytes += strlen(name) + json_string_length(value);
    }
    return bytes <= SUBSTITUTIONS_MAX ||
           api_wrong(q->p, "too-long", path,
                     "The substitutions of a personalization have at most 10000 bytes.");
}

static bool replaced(const struct personal *q, enum sgl_status status)
{
    char path[API_PATH_SIZE];

    if (status == SGL_E_LIMIT)
        return api_refuse(q->p->why, 413, "message-too-large", path_of(q, "substitutions", path),
                          "The substitutions make the message too large, or take too long.",
                          SGL_LIT(""));
    return status == SGL_OK || api_refuse_memory(q->p->why);
}

static bool replace(const struct personal *q, sgl_view text, sgl_view *out)
{
    return replaced(q, sendgrid_replace(q->values, text, q->p->arena, &q->mail->compares, out));
}

static bool take_subject(const struct personal *q)
{
    sgl_view subject = {NULL, 0};
    char path[API_PATH_SIZE];

    if (!api_read_string(q->p, q->mail->json, "subject", "subject", &subject) ||
        !api_read_string(q->p, q->json, "subject", path_of(q, "subject", path), &subject))
        return false;
    if (!sendgrid_subject(q->p, q->mail, &subject))
        return false;
    if (subject.len == 0)
        return api_wrong(q->p, "member-missing", "subject",
                         "The subject is required. You can get around this requirement if you use "
                         "a template with a subject defined or if every personalization has a "
                         "subject defined.");
    return replace(q, subject, &q->p->m->compose.subject) &&
           api_one_line(q->p, q->p->m->compose.subject,
                        sendgrid_member(q->json, "subject") == NULL ? "subject" : path);
}

static bool take_content(const struct personal *q)
{
    struct sgl_compose *c = &q->p->m->compose;
    struct sgl_compose_form *form = SGL_NEW_N(q->p->arena, c->forms, struct sgl_compose_form);

    if (form == NULL)
        return api_refuse_memory(q->p->why);
    for (size_t i = 0; i < c->forms; i++) {
        form[i] = c->form[i];
        if (!replace(q, form[i].content, &form[i].content))
            return false;
    }
    c->form = form;
    return replace(q, q->mail->text, &c->text) && replace(q, q->mail->html, &c->html);
}

/* ---- replies ---- */

/* With its values in the place of their keys; a new reference. */
static json_t *replaced_address(const struct personal *q, const json_t *address)
{
    json_t *copy = json_copy((json_t *)(uintptr_t)address);
    const char *name;
    json_t *value;
    sgl_view out;

    json_object_foreach((json_t *)(uintptr_t)address, name, value)
    {
        if (!json_is_string(value))
            continue;
        if (!replace(q, api_string_view(value), &out) ||
            json_object_set_new(copy, name, json_stringn((const char *)out.ptr, out.len)) != 0) {
            json_decref(copy);
            return NULL;
        }
    }
    return copy;
}

/* What was read of a copy must outlive it. */
static bool keep(const struct personal *q, struct sgl_compose_address *a)
{
    sgl_view text;

    return (sgl_arena_dup(q->p->arena, a->name, &a->name) == SGL_OK &&
            sgl_arena_dup(q->p->arena, a->mailbox.text, &text) == SGL_OK &&
            sgl_mailbox_parse(text, q->p->arena, &a->mailbox, NULL) == SGL_OK) ||
           api_refuse_memory(q->p->why);
}

static bool take_reply(const struct personal *q, const json_t *json, const char *path,
                       struct sgl_compose_address *out)
{
    json_t *copy;
    bool fine;

    if (!json_is_object(json) || q->values == NULL)
        return sendgrid_address(q->p, json, path, out);
    q->p->why->status = 0;
    copy = replaced_address(q, json);
    if (copy == NULL)
        return q->p->why->status != 0 ? false : api_refuse_memory(q->p->why);
    fine = sendgrid_address(q->p, copy, path, out) && keep(q, out);
    json_decref(copy);
    return fine;
}

static bool take_replies(const struct personal *q)
{
    const json_t *one = sendgrid_member(q->mail->json, "reply_to");
    const json_t *list = sendgrid_member(q->mail->json, "reply_to_list");
    size_t count = list == NULL ? one != NULL : json_array_size(list);
    struct sgl_compose_address *item;

    if (one != NULL && list != NULL)
        return api_wrong(q->p, SENDGRID_WRONG, "reply_to",
                         "Either reply_to or reply_to_list can be given, not both.");
    if (list != NULL && (!json_is_array(list) || count > SENDGRID_RECIPIENTS_MAX))
        return api_wrong(q->p, "member-type", "reply_to_list",
                         "An array of at most 1000 addresses is wanted here.");
    item = SGL_NEW_N(q->p->arena, count, struct sgl_compose_address);
    if (item == NULL)
        return api_refuse_memory(q->p->why);
    for (size_t i = 0; i < count; i++) {
        char path[API_PATH_SIZE] = "reply_to";

        if (list != NULL)
            snprintf(path, sizeof(path), "reply_to_list.%zu", i);
        if (!take_reply(q, list == NULL ? one : json_array_get(list, i), path, &item[i]))
            return false;
    }
    q->p->m->compose.reply_to = (struct sgl_compose_addresses){item, count};
    return true;
}

/* ---- what it is called ---- */

/* An argument of the personalization stands in place of the common one. */
static bool take_labels(const struct personal *q)
{
    json_t *own = json_object_get(q->json, "custom_args");
    json_t *common = json_object_get(q->mail->json, "custom_args");
    json_t *all = json_is_object(common) ? json_copy(common) : json_object();
    struct api_message *m = q->p->m;
    bool fine;

    fine = all != NULL && (!json_is_object(own) || json_object_update(all, own) == 0) &&
           labels_put(json_object_get(q->mail->json, "categories"), all, q->p->arena, &m->labels);
    json_decref(all);
    if (!fine)
        return api_refuse_memory(q->p->why);
    return m->labels.len <= STORE_LABELS_MAX ||
           api_wrong(q->p, "too-long", "custom_args",
                     "Categories and custom arguments together have at most 16384 bytes.");
}

/* ---- all of it ---- */

static bool check_type(const struct personal *q, const json_t *data)
{
    char path[API_PATH_SIZE];

    return data == NULL || json_is_object(data) ||
           api_wrong(q->p, "member-type", path_of(q, "dynamic_template_data", path),
                     "An object is wanted here.");
}

static bool check_data(const struct personal *q)
{
    char path[API_PATH_SIZE];

    if (!check_type(q, sendgrid_member(q->json, "dynamic_template_data")))
        return false;
    return sendgrid_custom_args(q->p, q->json, path_of(q, "custom_args", path)) && take_labels(q);
}

/* Subject and content by a dynamic template: what the request says of them gives way. */
static bool take_filled(const struct personal *q)
{
    const json_t *data = sendgrid_member(q->json, "dynamic_template_data");
    char path[API_PATH_SIZE];
    sgl_view subject;

    if (q->values != NULL)
        return api_wrong(q->p, SENDGRID_WRONG, path_of(q, "substitutions", path),
                         "Substitutions may not be used with dynamic templating.");
    if (!check_type(q, data) ||
        !sendgrid_fill(q->p, q->mail, data, path_of(q, "dynamic_template_data", path)))
        return false;
    subject = q->p->m->compose.subject;
    if (sgl_view_trim(subject).len == 0)
        return api_wrong(q->p, "member-missing", path, "The template's subject comes out empty.");
    return api_one_line(q->p, subject, path);
}

static bool take_rest(struct personal *q)
{
    bool dynamic = q->mail->template_ != NULL && q->mail->template_->dynamic;

    return (dynamic ? take_filled(q) : take_subject(q) && take_content(q)) && take_headers(q) &&
           take_replies(q) && check_data(q);
}

/* What was replaced is in the arena: the expanded values are needed no longer then. */
static bool take_with_sections(struct personal *q)
{
    json_t *expanded = NULL;
    bool fine;

    if (q->mail->sections == NULL)
        return take_rest(q);
    if (!replaced(q, sendgrid_expand(q->values, q->mail->sections, q->p->arena, &q->mail->compares,
                                     &expanded)))
        return false;
    q->values = expanded;
    fine = take_rest(q);
    json_decref(expanded);
    return fine;
}

bool sendgrid_personal(struct api_reader *p, struct sendgrid_mail *mail, size_t index,
                       struct sendgrid_one *one)
{
    struct personal q = {.p = p, .mail = mail};
    char path[API_PATH_SIZE];

    snprintf(q.place, sizeof(q.place), "personalizations.%zu", index);
    q.json = json_array_get(json_object_get(mail->json, "personalizations"), index);
    *one = (struct sendgrid_one){.m = mail->common, .not_before = mail->send_at};
    p->m = &one->m;
    if (!json_is_object(q.json))
        return api_wrong(p, "member-type", q.place, "A personalization is an object.");
    q.values = sendgrid_member(q.json, "substitutions");
    return take_from(&q) && take_recipients(&q) && check_substitutions(&q) &&
           take_with_sections(&q) &&
           sendgrid_send_at(p, q.json, path_of(&q, "send_at", path), mail->now, &one->not_before);
}
