/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes of a client are a lookup, the beginning of one, or refused; what was read is written so that it reads the same. */
#include <stdlib.h>

#include "../server/tls_policy/netstring.h"
#include "../server/tls_policy/question.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(sgl_view text)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct question q;

    if (question_read(text, &arena, &q) != SGL_OK)
        abort();
    if (q.kind == QUESTION_DOMAIN && (!sgl_name_ok(q.domain.text, SGL_NAME_HOST) || q.port == 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_view rest = sgl_view_of(data, size), text, again;
    size_t used = 0;

    while (netstring_read(rest, QUESTION_MAX, &text, &used) == NETSTRING_OK) {
        sgl_auto(sgl_buf) put = SGL_BUF_INIT(2 * QUESTION_MAX);

        netstring_put(&put, text);
        if (used > rest.len || text.len > QUESTION_MAX || put.status != SGL_OK ||
            !sgl_view_eq(sgl_buf_view(&put), sgl_view_sub(rest, 0, used)) ||
            netstring_read(sgl_buf_view(&put), QUESTION_MAX, &again, &used) != NETSTRING_OK ||
            !sgl_view_eq(again, text))
            abort();
        look_at(text);
        rest = sgl_view_from(rest, used);
    }
    look_at(sgl_view_of(data, size > QUESTION_MAX ? QUESTION_MAX : size));
    return 0;
}
