/* SPDX-License-Identifier: Apache-2.0 */
/* Any JSON as a request to send: refused with a reason, or messages that compose and pass our own door. */
#include <stdlib.h>

#include "../server/doors/http/sendgrid_internal.h"
#include "sigillo/message_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

bool admission_may_send_as(struct admission *a, const struct identity *who, sgl_view mailbox,
                           struct admission_answer *out)
{
    (void)a;
    (void)who;
    (void)mailbox;
    (void)out;
    return true;
}

bool admission_may_send_to(struct admission *a, const struct identity *who, sgl_view mailbox,
                           struct admission_answer *out)
{
    return admission_may_send_as(a, who, mailbox, out);
}

/* What was tried composes again. */
static void check(struct api_reader *p, struct sendgrid_mail *mail)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 20);
    struct sgl_message_report r;
    struct sendgrid_one one;

    p->rcpt_room = 0;
    if (!sendgrid_personal(p, mail, mail->personalizations - 1, &one) || one.m.rcpts == 0)
        abort();
    if (sgl_compose_put(&out, &one.m.compose, NULL) != SGL_OK)
        return; /* larger than this buffer */
    if (sgl_message_check(sgl_buf_view(&out), &arena, &r) != SGL_OK)
        abort();
    /* A caller may give References twice, in two cases of letters: admission refuses that. */
    if (r.fault != SGL_MESSAGE_FINE && r.fault != SGL_MESSAGE_REPEATED_FIELD)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 24);
    const struct api api = {.recipients_max = 100};
    struct sendgrid_mail mail = {.common = {.decoded = SGL_BUF_INIT(size + 1024)}};
    struct api_refusal why = {0};
    struct api_reader p = {.api = &api, .arena = &arena, .m = &mail.common, .why = &why};
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);

    if (json == NULL)
        return 0;
    if (sendgrid_parse(&p, json, 1000000000, &mail))
        check(&p, &mail);
    else if (why.status == 0 || why.detail[0] == '\0')
        abort();
    sgl_buf_done(&mail.common.decoded);
    json_decref(json);
    return 0;
}
