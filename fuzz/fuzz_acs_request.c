/* SPDX-License-Identifier: Apache-2.0 */
/* Any JSON as a request to send: refused with a reason, or composed into a message that passes our own door. */
#include <stdlib.h>

#include "../server/doors/http/acs_internal.h"
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

static void check(const struct sgl_buf *buf)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct sgl_message_report r;

    if (sgl_message_check(sgl_buf_view(buf), &arena, &r) != SGL_OK)
        abort();
    /* A caller may give References twice, in two cases of letters: admission refuses that. */
    if (r.fault != SGL_MESSAGE_FINE && r.fault != SGL_MESSAGE_REPEATED_FIELD)
        abort();
}

/* The first byte chooses the version. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 20);
    const struct api api = {.recipients_max = 100};
    struct api_message m = {.decoded = SGL_BUF_INIT(size + 1024)};
    struct api_refusal why = {0};
    struct api_reader p = {.api = &api, .arena = &arena, .m = &m, .why = &why};
    struct sgl_diag diag = {0};
    json_t *json = size == 0
                       ? NULL
                       : json_loadb((const char *)data + 1, size - 1, JSON_REJECT_DUPLICATES, NULL);

    if (json == NULL)
        return 0;
    if (!acs_parse(&p, json, data[0] % 2 == 1)) {
        if (why.status == 0 || why.detail[0] == '\0')
            abort();
    } else if (sgl_compose_put(&out, &m.compose, &diag) == SGL_OK) {
        check(&out);
    } else {
        api_compose_refusal(&m, SGL_E_SYNTAX, &diag, &why);
    }
    sgl_buf_done(&m.decoded);
    json_decref(json);
    return 0;
}
