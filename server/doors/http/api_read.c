/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a JSON document become parts of the message model: what the parser of each API is made of. */
#include <stdio.h>

#include "api_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/base64.h"

#define ABOUT_MAX 60

/* ---- refusals ---- */

bool api_refuse(struct api_refusal *why, int status, const char *code, const char *field,
                const char *detail, sgl_view about)
{
    why->rule = NULL;
    why->status = status;
    why->code = code;
    snprintf(why->field, sizeof(why->field), "%s", field);
    admission_sentence(why->detail, sizeof(why->detail), detail, about, ABOUT_MAX);
    return false;
}

bool api_refuse_memory(struct api_refusal *why)
{
    return api_refuse(why, 503, "memory-full", "",
                      "The server has no memory left for this; try again soon.", SGL_LIT(""));
}

bool api_wrong(const struct api_reader *p, const char *code, const char *field, const char *detail)
{
    return api_refuse(p->why, 422, code, field, detail, SGL_LIT(""));
}

bool api_wrong_syntax(const struct api_reader *p, const char *code, const char *field,
                      const char *before, const struct sgl_diag *diag)
{
    char detail[200];

    snprintf(detail, sizeof(detail), "%s: %s%s%s%s.", before,
             diag->what == NULL ? "too long" : diag->what, diag->rule == NULL ? "" : " (",
             diag->rule == NULL ? "" : diag->rule, diag->rule == NULL ? "" : ")");
    return api_wrong(p, code, field, detail);
}

/* ---- members ---- */

/* Only these names may stand in the object; path is "" at the top. */
bool api_known_only(const struct api_reader *p, const json_t *object, const char *path,
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
        (void)api_wrong(p, "member-unknown", "", "There is no such member here; nothing was sent.");
        snprintf(p->why->field, sizeof(p->why->field), "%.*s", (int)field.len,
                 field.data == NULL ? "" : (const char *)field.data);
        sgl_buf_done(&field);
        return false;
    }
    return true;
}

sgl_view api_string_view(const json_t *json)
{
    return http_json_view(json);
}

/* An optional string; *out stays as it is without one. null counts as absent. */
bool api_read_string(const struct api_reader *p, const json_t *object, const char *name,
                     const char *path, sgl_view *out)
{
    const json_t *value = json_object_get(object, name);

    if (value == NULL || json_is_null(value))
        return true;
    if (!json_is_string(value))
        return api_wrong(p, "member-type", path, "A string is wanted here.");
    *out = api_string_view(value);
    return true;
}

bool api_one_line(const struct api_reader *p, sgl_view v, const char *path)
{
    if (v.len > API_LINE_MAX)
        return api_wrong(p, "too-long", path, "This is longer than 64 KiB.");
    for (size_t i = 0; i < v.len; i++)
        if (sgl_ascii_is_control(v.ptr[i]) && v.ptr[i] != '\t')
            return api_wrong(p, "line-end", path,
                             "A line end or another control character cannot stand here: it would "
                             "begin a new header field.");
    return true;
}

/* ---- addresses ---- */

bool api_read_mailbox(const struct api_reader *p, sgl_view text, const char *path,
                      struct sgl_mailbox *out)
{
    struct sgl_diag diag = {0};
    enum sgl_status status = sgl_mailbox_parse(text, p->arena, out, &diag);

    if (status == SGL_E_NOMEM || p->arena->status != SGL_OK)
        return api_refuse_memory(p->why);
    return status == SGL_OK ||
           api_wrong_syntax(p, "address-syntax", path, "This is no mail address", &diag);
}

bool api_check_sender(const struct api *api, const struct identity *who, sgl_view mailbox,
                      const char *field, struct api_refusal *why)
{
    struct admission_answer answer;

    if (admission_may_send_as(api->admission, who, mailbox, &answer))
        return true;
    (void)api_refuse(why, answer.http, answer.code, field, answer.text, SGL_LIT(""));
    why->rule = answer.rule;
    return false;
}

bool api_check_recipient(const struct api *api, const struct identity *who, sgl_view mailbox,
                         const char *field, struct api_refusal *why)
{
    struct admission_answer answer;

    if (admission_may_send_to(api->admission, who, mailbox, &answer))
        return true;
    return api_refuse(why, answer.http, answer.code, field, answer.text, SGL_LIT(""));
}

bool api_add_recipient(struct api_reader *p, const struct sgl_mailbox *mailbox, const char *field)
{
    struct api_message *m = p->m;

    if (m->rcpts == p->api->recipients_max)
        return api_wrong(p, "too-many-recipients", field,
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

/* ---- header fields, content ---- */

bool api_read_header(const struct api_reader *p, const char *name, const json_t *value,
                     struct sgl_compose_field *out)
{
    char path[API_PATH_SIZE];
    struct sgl_buf shown = SGL_BUF_INIT(API_PATH_SIZE - 1);

    sgl_buf_add_cstr(&shown, "headers.");
    sgl_buf_add_escaped(&shown, sgl_view_cstr(name), ABOUT_MAX);
    snprintf(path, sizeof(path), "%.*s", (int)shown.len,
             shown.data == NULL ? "" : (const char *)shown.data);
    sgl_buf_done(&shown);
    out->name = sgl_view_cstr(name);
    if (!sgl_compose_header_ok(out->name))
        return api_wrong(p, "header-name", path,
                         "This is no name of a header field, or one that only the server writes.");
    if (!json_is_string(value))
        return api_wrong(p, "member-type", path, "The value of a header field is a string.");
    out->value = api_string_view(value);
    return api_one_line(p, out->value, path);
}

bool api_read_base64(const struct api_reader *p, sgl_view text, const char *path,
                     struct sgl_compose_part *out)
{
    sgl_view rest = text;
    uint8_t piece[3 * 1024];
    size_t got;

    while (rest.len > 0)
        if (sgl_base64_decode_some(&rest, piece, sizeof(piece), &got) != SGL_OK)
            return api_wrong(p, "base64", path,
                             "The content is not base64 (RFC 4648 section 4), or not whole.");
    out->content = text;
    out->base64 = true;
    return true;
}

/* The path of what compose() calls by the first word of `what`. */
static void compose_path(const struct api_message *m, sgl_view word, size_t index,
                         struct sgl_buf *out)
{
    const struct api_word *w = m->words;

    while (w->word != NULL && !sgl_view_eq(word, sgl_view_cstr(w->word)))
        w++;
    if (w->word == NULL) {
        sgl_buf_add(out, word);
        return;
    }
    sgl_buf_add_cstr(out, w->path);
    if (w->behind != NULL)
        sgl_buf_addf(out, "%zu%s", m->part_at == NULL ? index : m->part_at[index], w->behind);
    else if (sgl_view_eq(word, SGL_LIT("header")) && index < m->compose.headers)
        sgl_buf_add_escaped(out, m->compose.header[index].name, ABOUT_MAX);
}

void api_compose_refusal(const struct api_message *m, enum sgl_status status,
                         const struct sgl_diag *diag, struct api_refusal *why)
{
    sgl_view rest, word = sgl_view_split(sgl_view_cstr(diag->what), ' ', &rest);
    struct sgl_buf field = SGL_BUF_INIT(sizeof(why->field) - 1);

    if (status != SGL_E_SYNTAX || diag->what == NULL) {
        if (status == SGL_E_LIMIT)
            (void)api_refuse(why, 422, "header-too-large", "",
                             "A value is too long to stand in a header.", SGL_LIT(""));
        else
            api_refuse_memory(why);
        return;
    }
    compose_path(m, word, diag->off, &field);
    (void)api_refuse(why, 422, "content", "", "", SGL_LIT(""));
    snprintf(why->detail, sizeof(why->detail), "Not a message: %s%s%s%s.", diag->what,
             diag->rule == NULL ? "" : " (", diag->rule == NULL ? "" : diag->rule,
             diag->rule == NULL ? "" : ")");
    snprintf(why->field, sizeof(why->field), "%.*s", (int)field.len,
             field.data == NULL ? "" : (const char *)field.data);
    sgl_buf_done(&field);
}
