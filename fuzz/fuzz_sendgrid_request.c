/* SPDX-License-Identifier: Apache-2.0 */
/* Any JSON as a request to send: refused with a reason, or messages that compose and pass our own door.  What it has as "template" is the template that was found. */
#include "../server/doors/http/sendgrid_internal.h"
#include "../server/templates/templates.h"
#include "api_seam.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was tried composes again. */
static void check(struct api_reader *p, struct sendgrid_mail *mail)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 20);
    struct sendgrid_one one;

    p->rcpt_room = 0;
    if (!sendgrid_personal(p, mail, mail->personalizations - 1, &one) || one.m.rcpts == 0)
        abort();
    if (sgl_compose_put(&out, &one.m.compose, NULL) ==
        SGL_OK) /* else it is larger than this buffer */
        check_composed(&out);
}

/* false: it is none. */
static bool find_template(const struct api_reader *p, json_t *json, struct sendgrid_mail *mail,
                          struct sendgrid_template *out)
{
    json_t *found = json_object_get(json, "template");
    struct templates_call c = {.id = SGL_LIT("d-1"), .json = found, .row = found, .content = found};

    if (!json_is_object(found) || !sendgrid_template_read(p, &c, out))
        return !json_is_object(found);
    mail->template_ = out;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sendgrid_template found;
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 24);
    const struct api api = {.recipients_max = 100};
    struct sendgrid_mail mail = {0};
    struct api_refusal why = {0};
    struct api_reader p = {.api = &api, .arena = &arena, .m = &mail.common, .why = &why};
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);

    if (json == NULL)
        return 0;
    if (!find_template(&p, json, &mail, &found))
        why.status = 400;
    else if (sendgrid_parse(&p, json, 1000000000, &mail))
        check(&p, &mail);
    else if (why.status == 0 || why.detail[0] == '\0')
        abort();
    json_decref(json);
    return 0;
}
