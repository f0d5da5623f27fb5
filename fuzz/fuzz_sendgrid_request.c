/* SPDX-License-Identifier: Apache-2.0 */
/* Any JSON as a request to send: refused with a reason, or messages that compose and pass our own door. */
#include "../server/doors/http/sendgrid_internal.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 24);
    const struct api api = {.recipients_max = 100};
    struct sendgrid_mail mail = {0};
    struct api_refusal why = {0};
    struct api_reader p = {.api = &api, .arena = &arena, .m = &mail.common, .why = &why};
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);

    if (json == NULL)
        return 0;
    if (sendgrid_parse(&p, json, 1000000000, &mail))
        check(&p, &mail);
    else if (why.status == 0 || why.detail[0] == '\0')
        abort();
    json_decref(json);
    return 0;
}
