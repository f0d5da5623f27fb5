/* SPDX-License-Identifier: Apache-2.0 */
/* What the parsers of the message APIs are fuzzed with: an admission that allows all, and what must be true of what they made. */
#ifndef FUZZ_API_SEAM_H
#define FUZZ_API_SEAM_H

#include <stdlib.h>

#include "../server/doors/http/api_internal.h"
#include "sigillo/message_check.h"

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

bool admission_may_use_pool(struct admission *a, sgl_view subscription, sgl_view pool,
                            struct admission_answer *out)
{
    (void)a;
    (void)subscription;
    *out = (struct admission_answer){.code = "pool-unknown", .text = "There is no such pool."};
    return pool.len < 10;
}

/* It passes our own door, but that a caller may give References twice, in two cases of letters: admission refuses that. */
static inline void check_composed(const struct sgl_buf *out)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct sgl_message_report r;

    if (sgl_message_check(sgl_buf_view(out), &arena, &r) != SGL_OK)
        abort();
    if (r.fault != SGL_MESSAGE_FINE && r.fault != SGL_MESSAGE_REPEATED_FIELD)
        abort();
}

/* Composed into a message that passes our own door, or refused with a reason. */
static inline void check_parsed(bool parsed, struct api_message *m, struct api_refusal *why)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 20);
    struct sgl_diag diag = {0};
    enum sgl_status st = parsed ? sgl_compose_put(&out, &m->compose, &diag) : SGL_E_SYNTAX;

    if (parsed && st != SGL_OK)
        api_compose_refusal(m, st, &diag, why);
    if (st == SGL_OK)
        check_composed(&out);
    else if (why->status == 0 || why->detail[0] == '\0')
        abort();
}

#endif
