/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a message in base64: refused with a reason, or a message with an envelope, whose lines end in CRLF where they ended in LF. */
#include "../server/doors/http/graph_internal.h"
#include "api_seam.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_taken(const struct sgl_buf *raw, const struct store_message *m)
{
    if (m->rcpts == 0 || m->env_from.len == 0)
        abort();
    for (size_t i = 0; i < raw->len; i++)
        if (raw->data[i] == '\n' && (i == 0 || raw->data[i - 1] != '\r'))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    const struct api api = {.recipients_max = 100};
    struct api_refusal why = {0};
    struct api_reader p = {.api = &api, .arena = &arena, .why = &why};
    struct sgl_mailbox mailbox;
    struct store_message m = {0};
    struct sgl_buf raw = SGL_BUF_INIT(size);

    if (sgl_mailbox_parse(SGL_LIT("a@b.test"), &arena, &mailbox, NULL) != SGL_OK)
        abort();
    sgl_buf_add(&raw, sgl_view_of(data, size));
    if (graph_mime(&p, &mailbox, &raw, &m))
        check_taken(&raw, &m);
    else if (why.status == 0 || why.detail[0] == '\0')
        abort();
    sgl_buf_done(&raw);
    return 0;
}
