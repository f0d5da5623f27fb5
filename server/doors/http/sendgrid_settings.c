/* SPDX-License-Identifier: Apache-2.0 */
/* What a request asks beside the message: each setting is of its type, and what would change the message but is not here is refused. */
#include <stdio.h>

#include "sendgrid_internal.h"

#define CATEGORIES_MAX   10
#define CATEGORY_MAX     255
#define GROUPS_SHOWN_MAX 25
#define LIST_ID_SIZE     32

/* ---- objects of {"enable": ...} ---- */

static bool is_enabled(const json_t *settings, const char *name)
{
    return json_is_true(json_object_get(sendgrid_member(settings, name), "enable"));
}

static const char *const mail_settings[] = {"bypass_list_management",
                                            "bypass_spam_management",
                                            "bypass_bounce_management",
                                            "bypass_unsubscribe_management",
                                            "footer",
                                            "sandbox_mode",
                                            NULL};
static const char *const tracking_settings[] = {"click_tracking", "open_tracking",
                                                "subscription_tracking", "ganalytics", NULL};

/* What is in any of them: it is of its type, whether the setting is on or not. */
static bool take_setting(const struct api_reader *p, const json_t *setting, const char *path)
{
    static const char *const switches[] = {"enable", "enable_text"};
    static const char *const texts[] = {"text",        "html",        "substitution_tag",
                                        "utm_source",  "utm_medium",  "utm_term",
                                        "utm_content", "utm_campaign"};
    char field[API_PATH_SIZE];

    if (!json_is_object(setting))
        return api_wrong(p, "member-type", path, "An object with the member enable is wanted.");
    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
        const json_t *value = sendgrid_member(setting, switches[i]);

        snprintf(field, sizeof(field), "%.60s.%s", path, switches[i]);
        if (value != NULL && !json_is_boolean(value))
            return api_wrong(p, "member-type", field, "true or false is wanted here.");
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const json_t *value = sendgrid_member(setting, texts[i]);

        snprintf(field, sizeof(field), "%.60s.%s", path, texts[i]);
        if (value != NULL && !json_is_string(value))
            return api_wrong(p, "member-type", field, "A string is wanted here.");
    }
    return true;
}

static bool take_settings(const struct api_reader *p, const json_t *root, const char *path,
                          const char *const *known)
{
    const json_t *settings = sendgrid_member(root, path);

    if (settings == NULL)
        return true;
    if (!json_is_object(settings))
        return api_wrong(p, "member-type", path, "An object of settings is wanted here.");
    for (; *known != NULL; known++) {
        const json_t *one = sendgrid_member(settings, *known);
        char at[API_PATH_SIZE];

        snprintf(at, sizeof(at), "%s.%.40s", path, *known);
        if (one != NULL && !take_setting(p, one, at))
            return false;
    }
    return true;
}

/* All but what was suppressed by hand: that is somebody's decision here, and no setting of a message lifts it. */
#define BYPASS_ALL                                                                                 \
    (SUPPRESSION_REASON_BIT(SUPPRESSION_HARD_BOUNCE) |                                             \
     SUPPRESSION_REASON_BIT(SUPPRESSION_COMPLAINT) |                                               \
     SUPPRESSION_REASON_BIT(SUPPRESSION_UNSUBSCRIBE) |                                             \
     SUPPRESSION_REASON_BIT(SUPPRESSION_INVALID) | SUPPRESSION_PASS_LISTS)

/* Who unsubscribed from a group stays so but for bypass_list_management. */
static bool take_bypass(const struct api_reader *p, const json_t *settings,
                        struct sendgrid_mail *mail)
{
    static const struct {
        const char *name;
        unsigned reasons;
    } single[] = {
        {"bypass_spam_management", SUPPRESSION_REASON_BIT(SUPPRESSION_COMPLAINT)},
        {"bypass_bounce_management", SUPPRESSION_REASON_BIT(SUPPRESSION_HARD_BOUNCE)},
        {"bypass_unsubscribe_management", SUPPRESSION_REASON_BIT(SUPPRESSION_UNSUBSCRIBE)},
    };
    bool all = is_enabled(settings, "bypass_list_management");
    unsigned reasons = all ? BYPASS_ALL : 0;

    for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++) {
        if (!is_enabled(settings, single[i].name))
            continue;
        if (all)
            return api_wrong(p, SENDGRID_WRONG, "mail_settings",
                             "bypass_list_management cannot be combined with another bypass.");
        reasons |= single[i].reasons;
    }
    mail->common.bypass = (uint8_t)reasons;
    return true;
}

/* Before </body> where there is one. */
static bool put_behind(const struct api_reader *p, sgl_view *content, sgl_view footer)
{
    struct sgl_buf buf = SGL_BUF_INIT(content->len + footer.len + 1);
    size_t at = content->len;
    bool fine;

    for (size_t i = content->len; i > 0 && at == content->len; i--)
        if (sgl_view_starts_nocase(sgl_view_from(*content, i - 1), SGL_LIT("</body")))
            at = i - 1;
    sgl_buf_add(&buf, sgl_view_sub(*content, 0, at));
    sgl_buf_add(&buf, footer);
    sgl_buf_add(&buf, sgl_view_from(*content, at));
    fine = buf.status == SGL_OK && sgl_arena_dup(p->arena, sgl_buf_view(&buf), content) == SGL_OK;
    sgl_buf_done(&buf);
    return fine || api_refuse_memory(p->why);
}

bool sendgrid_footer(const struct api_reader *p, const struct sendgrid_mail *mail, sgl_view *text,
                     sgl_view *html)
{
    return (text->len == 0 || mail->footer_text.len == 0 ||
            put_behind(p, text, mail->footer_text)) &&
           (html->len == 0 || mail->footer_html.len == 0 || put_behind(p, html, mail->footer_html));
}

static bool take_footer(const struct api_reader *p, const json_t *settings,
                        struct sendgrid_mail *mail)
{
    const json_t *footer = sendgrid_member(settings, "footer");
    sgl_view text = {NULL, 0}, html = {NULL, 0};

    if (!is_enabled(settings, "footer"))
        return true;
    if (!api_read_string(p, footer, "text", "mail_settings.footer.text", &text) ||
        !api_read_string(p, footer, "html", "mail_settings.footer.html", &html))
        return false;
    mail->footer_text = text;
    mail->footer_html = html;
    return (mail->template_ != NULL && mail->template_->dynamic) ||
           sendgrid_footer(p, mail, &mail->text, &mail->html);
}

static bool take_mail_settings(const struct api_reader *p, struct sendgrid_mail *mail)
{
    const json_t *settings = sendgrid_member(mail->json, "mail_settings");

    if (!take_settings(p, mail->json, "mail_settings", mail_settings) ||
        !take_bypass(p, settings, mail))
        return false;
    mail->sandbox = is_enabled(settings, "sandbox_mode");
    return take_footer(p, settings, mail);
}

/* ---- the rest ---- */

static bool take_categories(const struct api_reader *p, const json_t *root)
{
    const json_t *list = sendgrid_member(root, "categories");

    if (list == NULL)
        return true;
    if (!json_is_array(list))
        return api_wrong(p, "member-type", "categories", "An array of strings is wanted here.");
    if (json_array_size(list) > CATEGORIES_MAX)
        return api_wrong(p, "too-many", "categories", "There are more than 10 categories.");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        char path[32];

        snprintf(path, sizeof(path), "categories.%zu", i);
        if (!json_is_string(item))
            return api_wrong(p, "member-type", path, "A category is a string.");
        if (json_string_length(item) > CATEGORY_MAX)
            return api_wrong(p, "too-long", path, "A category has at most 255 characters.");
    }
    return true;
}

/* A group is the list asm-ID of the sender's domain. */
static bool take_asm(const struct api_reader *p, struct sendgrid_mail *mail)
{
    const json_t *group = sendgrid_member(mail->json, "asm");
    const json_t *shown = sendgrid_member(group, "groups_to_display");
    int64_t id = 0;
    char name[LIST_ID_SIZE];

    if (group == NULL)
        return true;
    if (!json_is_object(group))
        return api_wrong(p, "member-type", "asm", "An object with a group_id is wanted here.");
    if (!sendgrid_integer(p, group, "group_id", "asm.group_id", &id))
        return false;
    if (id == 0)
        return api_wrong(p, "member-missing", "asm.group_id", "The group_id is required.");
    if (shown != NULL && (!json_is_array(shown) || json_array_size(shown) > GROUPS_SHOWN_MAX))
        return api_wrong(p, "member-type", "asm.groups_to_display",
                         "An array of at most 25 ids of groups is wanted here.");
    snprintf(name, sizeof(name), "asm-%lld", (long long)id);
    mail->one_each = true;
    return sgl_arena_dup(p->arena, sgl_view_cstr(name), &mail->common.list) == SGL_OK ||
           api_refuse_memory(p->why);
}

static bool take_pool(const struct api_reader *p, struct sendgrid_mail *mail)
{
    struct admission_answer answer;
    sgl_view name = {NULL, 0};

    if (!api_read_string(p, mail->json, "ip_pool_name", "ip_pool_name", &name))
        return false;
    if (name.ptr == NULL)
        return true;
    if (name.len < POOL_NAME_MIN || name.len > POOL_NAME_MAX)
        return api_wrong(p, SENDGRID_WRONG, "ip_pool_name",
                         "The name of an IP pool has 2 to 64 characters.");
    mail->common.pool = name;
    return admission_may_use_pool(p->api->admission,
                                  sgl_view_cstr(p->who == NULL ? "" : p->who->subscription), name,
                                  &answer) ||
           api_wrong(p, answer.code, "ip_pool_name", answer.text);
}

/* Whether it is there is the store's to say, when it takes the message. */
static bool take_batch(const struct api_reader *p, const json_t *root)
{
    sgl_view id = {NULL, 0};

    if (!api_read_string(p, root, "batch_id", "batch_id", &id))
        return false;
    if (id.ptr != NULL && !sendgrid_is_batch(id))
        return api_wrong(p, SENDGRID_WRONG, "batch_id", "invalid batch id");
    p->m->batch = id;
    return true;
}

bool sendgrid_settings(const struct api_reader *p, struct sendgrid_mail *mail)
{
    return take_mail_settings(p, mail) &&
           take_settings(p, mail->json, "tracking_settings", tracking_settings) &&
           take_batch(p, mail->json) && take_categories(p, mail->json) &&
           sendgrid_custom_args(p, mail->json, "custom_args") && take_asm(p, mail) &&
           take_pool(p, mail) &&
           sendgrid_send_at(p, mail->json, "send_at", mail->now, &mail->send_at);
}
