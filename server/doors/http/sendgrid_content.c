/* SPDX-License-Identifier: Apache-2.0 */
/* The `content` of a request: the same in several forms, and the sections that stand for parts of it. */
#include <stdio.h>

#include "sendgrid_internal.h"
#include "sigillo/param.h"

#define CONTENTS_MAX 20
#define SECTIONS_MAX (1u << 20)

/* [RFC 1341 s7.2]: the richest comes last. */
static bool check_order(const struct api_reader *p, bool fine)
{
    return fine || api_wrong(p, "content-order", "content",
                             "Following RFC 1341, section 7.2, if either text/html or text/plain "
                             "are to be sent in your email: text/plain needs to be first, followed "
                             "by text/html, followed by any other content.");
}

/* What it is, in lower case: its type without parameters. */
static bool read_type(const struct api_reader *p, sgl_view type, const char *path, sgl_view *out)
{
    struct sgl_param_value v;
    enum sgl_status status = sgl_param_parse(type, p->arena, &v, NULL);

    if (status == SGL_E_NOMEM)
        return api_refuse_memory(p->why);
    if (status != SGL_OK || !sgl_media_type_ok(v.token) ||
        sgl_view_starts(v.token, SGL_LIT("multipart/")) ||
        sgl_view_starts(v.token, SGL_LIT("message/")))
        return api_wrong(p, "content-type", path,
                         "The content type is type/subtype of one text, as text/plain, text/html "
                         "or text/calendar.");
    *out = v.token;
    return api_one_line(p, type, path);
}

static bool take_value(const struct api_reader *p, struct sendgrid_mail *mail,
                       const struct sgl_compose_form *item, const char *path)
{
    struct sgl_compose *c = &mail->common.compose;
    sgl_view type = {NULL, 0};

    if (!read_type(p, item->content_type, path, &type))
        return false;
    if (sgl_view_eq(type, SGL_LIT("text/plain"))) {
        if (!check_order(p, mail->text.ptr == NULL && mail->html.ptr == NULL && c->forms == 0))
            return false;
        mail->text = item->content;
    } else if (sgl_view_eq(type, SGL_LIT("text/html"))) {
        if (!check_order(p, mail->html.ptr == NULL && c->forms == 0))
            return false;
        mail->html = item->content;
    } else {
        ((struct sgl_compose_form *)(uintptr_t)c->form)[c->forms++] = *item;
    }
    return true;
}

static bool take_item(const struct api_reader *p, const json_t *item, size_t i,
                      struct sendgrid_mail *mail)
{
    struct sgl_compose_form form = {{NULL, 0}, {NULL, 0}};
    char path[32], field[48];

    snprintf(path, sizeof(path), "content.%zu", i);
    if (!json_is_object(item))
        return api_wrong(p, "member-type", path, "An object of type and value is wanted here.");
    snprintf(field, sizeof(field), "%s.value", path);
    if (!api_read_string(p, item, "value", field, &form.content))
        return false;
    if (form.content.len == 0)
        return api_wrong(p, "member-missing", field,
                         "The content value must be a string at least one character in length.");
    snprintf(field, sizeof(field), "%s.type", path);
    if (!api_read_string(p, item, "type", field, &form.content_type))
        return false;
    if (form.content_type.len == 0)
        return api_wrong(p, "member-missing", field, "The content type is required.");
    return take_value(p, mail, &form, field);
}

/* An object of strings, of so many bytes together. */
static bool check_sections(const struct api_reader *p, struct sendgrid_mail *mail)
{
    const json_t *sections = sendgrid_member(mail->json, "sections");
    const char *name;
    json_t *value;
    size_t bytes = 0;

    mail->sections = sections;
    if (sections != NULL && !json_is_object(sections))
        return api_wrong(p, "member-type", "sections", "An object of strings is wanted here.");
    json_object_foreach((json_t *)(uintptr_t)sections, name, value)
    {
        if (!json_is_string(value))
            return api_refuse(p->why, 422, "member-type", "sections",
                              "The value of the section %s is no string.", sgl_view_cstr(name));
        bytes += strlen(name) + json_string_length(value);
    }
    return bytes <= SECTIONS_MAX ||
           api_wrong(p, "too-long", "sections", "The sections together have at most 1 MiB.");
}

bool sendgrid_content(const struct api_reader *p, struct sendgrid_mail *mail)
{
    const json_t *list = sendgrid_member(mail->json, "content");
    size_t count = json_array_size(list);

    if (list != NULL && !json_is_array(list))
        return api_wrong(p, "member-type", "content", "An array is wanted here.");
    if (count == 0 && mail->template_ == NULL)
        return api_wrong(p, "member-missing", "content",
                         "The content is required: at least one of text/plain and text/html.");
    if (count > CONTENTS_MAX)
        return api_wrong(p, "too-many", "content", "There are more than 20 contents.");
    mail->common.compose.form = SGL_NEW_N(p->arena, count, struct sgl_compose_form);
    if (mail->common.compose.form == NULL)
        return api_refuse_memory(p->why);
    for (size_t i = 0; i < count; i++)
        if (!take_item(p, json_array_get(list, i), i, mail))
            return false;
    return sendgrid_body(p, mail) && check_sections(p, mail);
}
