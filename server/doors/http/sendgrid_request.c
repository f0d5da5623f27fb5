/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of POST /v3/mail/send, and what all messages of a request have in common. */
#include <stdio.h>

#include "sendgrid_internal.h"

/* ---- attachments ---- */

static bool take_text(const struct api_reader *p, const json_t *json, const char *path,
                      const char *name, bool needed, sgl_view *out)
{
    char field[API_PATH_SIZE];

    snprintf(field, sizeof(field), "%s.%s", path, name);
    if (!api_read_string(p, json, name, field, out))
        return false;
    return !needed || out->len > 0 || api_wrong(p, "member-missing", field, "This is required.");
}

static bool take_attachment(const struct api_reader *p, const json_t *json, const char *path,
                            struct sgl_compose_part *out)
{
    sgl_view base64 = {NULL, 0}, disposition = SGL_LIT("attachment");
    char field[API_PATH_SIZE];

    if (!json_is_object(json))
        return api_wrong(p, "member-type", path, "An attachment is an object.");
    if (!take_text(p, json, path, "content", true, &base64) ||
        !take_text(p, json, path, "filename", true, &out->filename) ||
        !take_text(p, json, path, "type", false, &out->content_type) ||
        !take_text(p, json, path, "content_id", false, &out->content_id) ||
        !take_text(p, json, path, "disposition", false, &disposition))
        return false;
    snprintf(field, sizeof(field), "%s.filename", path);
    if (!api_one_line(p, out->filename, field))
        return false;
    snprintf(field, sizeof(field), "%s.disposition", path);
    out->inline_ = sgl_view_eq(disposition, SGL_LIT("inline"));
    if (!out->inline_ && !sgl_view_eq(disposition, SGL_LIT("attachment")))
        return api_wrong(p, SENDGRID_WRONG, field,
                         "The disposition is \"attachment\" or \"inline\".");
    snprintf(field, sizeof(field), "%s.content", path);
    return api_read_base64(p, base64, field, out);
}

static bool take_attachments(const struct api_reader *p, const json_t *root)
{
    const json_t *list = sendgrid_member(root, "attachments");
    size_t count = json_array_size(list);
    struct sgl_compose_part *part;

    if (list == NULL)
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

        snprintf(path, sizeof(path), "attachments.%zu", i);
        if (!take_attachment(p, json_array_get(list, i), path, &part[i]))
            return false;
    }
    p->m->compose.part = part;
    p->m->compose.parts = count;
    return true;
}

/* ---- personalizations ---- */

/* Attachments were read; what they are named is looked at once, and the rest for each message. */
static bool try_compose(struct sendgrid_mail *mail, struct sendgrid_one *one, size_t index,
                        struct api_refusal *why)
{
    size_t bound = sgl_compose_bound(&one->m.compose);
    struct sgl_buf out = SGL_BUF_INIT(bound + 4096);
    struct sgl_diag diag = {0};
    enum sgl_status status;

    mail->bytes += bound * (mail->one_each ? one->m.rcpts : 1);
    if (mail->bytes > SENDGRID_BYTES_MAX)
        return api_refuse(why, 413, "message-too-large", "personalizations",
                          "All messages of this request together are larger than 512 MiB.",
                          SGL_LIT(""));
    if (index > 0)
        one->m.compose.parts = 0;
    status = sgl_buf_reserve(&out, sgl_compose_bound(&one->m.compose));
    if (status == SGL_OK)
        status = sgl_compose_put(&out, &one->m.compose, &diag);
    if (status != SGL_OK)
        api_compose_refusal(&one->m, status, &diag, why);
    sgl_buf_done(&out);
    return status == SGL_OK;
}

static bool check_personal(struct api_reader *p, struct sendgrid_mail *mail, size_t index)
{
    struct sgl_arena_mark mark = sgl_arena_mark(p->arena);
    struct api_reader mine = *p;
    struct sendgrid_one one;

    mine.rcpt_room = 0;
    if (!sendgrid_personal(&mine, mail, index, &one) || !try_compose(mail, &one, index, p->why))
        return false;
    mail->recipients += one.m.rcpts;
    sgl_arena_rewind(p->arena, mark);
    return mail->recipients <= SENDGRID_RECIPIENTS_MAX ||
           api_wrong(p, "too-many-recipients", "personalizations",
                     "There is a limit of 1000 total recipients (to + cc + bcc) per request.");
}

static bool check_personals(struct api_reader *p, struct sendgrid_mail *mail)
{
    const json_t *list = sendgrid_member(mail->json, "personalizations");

    mail->personalizations = json_array_size(list);
    if (list != NULL && !json_is_array(list))
        return api_wrong(p, "member-type", "personalizations", "An array is wanted here.");
    if (mail->personalizations == 0)
        return api_wrong(p, "member-missing", "personalizations",
                         "You must have at least one personalization.");
    if (mail->personalizations > SENDGRID_PERSONALIZATIONS_MAX)
        return api_wrong(p, "too-many", "personalizations",
                         "The personalization block is limited to 1000 personalizations per API "
                         "request.");
    for (size_t i = 0; i < mail->personalizations; i++)
        if (!check_personal(p, mail, i))
            return false;
    mail->compares = 0; /* each message is made once more */
    mail->steps = SENDGRID_STEPS_MAX;
    return true;
}

/* ---- all of it ---- */

static bool take_sender(const struct api_reader *p, const json_t *root)
{
    const json_t *from = sendgrid_member(root, "from");

    if (from == NULL)
        return api_wrong(p, "member-missing", "from", "The from object must be provided.");
    if (!sendgrid_from(p, from, "from", &p->m->from))
        return false;
    p->m->compose.from = (struct sgl_compose_addresses){&p->m->from, 1};
    return true;
}

/* Whoever asks has looked for it before. */
static bool check_template(const struct api_reader *p, const json_t *root,
                           const struct sendgrid_mail *mail)
{
    const json_t *id = sendgrid_member(root, "template_id");

    if (id != NULL && !json_is_string(id))
        return api_wrong(p, "member-type", "template_id", "A string is wanted here.");
    return id == NULL || mail->template_ != NULL ||
           api_refuse(p->why, 422, "template-unknown", "template_id",
                      "There is no template %s here.", api_string_view(id));
}

bool sendgrid_parse(struct api_reader *p, const json_t *json, int64_t now,
                    struct sendgrid_mail *mail)
{
    static const struct api_word words[] = {
        {"content_type", "attachments.", ".type"},
        {"content_id", "attachments.", ".content_id"},
        {"filename", "attachments.", ".filename"},
        {"header", "headers.", NULL},
        {"text", "content", NULL},
        {"html", "content", NULL},
        {"form", "content", NULL},
        {"there", "content", NULL},
        {"to", "personalizations", NULL},
        {"cc", "personalizations", NULL},
        {NULL, NULL, NULL},
    };

    mail->json = json;
    mail->now = now;
    p->m->words = words;
    if (!json_is_object(json))
        return api_wrong(p, "member-type", "", "The body must be a JSON object.");
    mail->steps = SENDGRID_STEPS_MAX;
    return check_template(p, json, mail) && take_sender(p, json) && sendgrid_content(p, mail) &&
           sendgrid_settings(p, mail) && take_attachments(p, json) && check_personals(p, mail);
}
