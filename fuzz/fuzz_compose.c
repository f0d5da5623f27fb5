/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is put into a message, what comes out passes our own door: no injected field, no bare CR or LF, no long line. */
#include <stdlib.h>

#include "sigillo/base64.h"
#include "sigillo/compose.h"
#include "sigillo/message_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next piece: up to a byte 0xfe. */
static sgl_view piece(sgl_view *rest)
{
    return sgl_view_split(*rest, 0xfe, rest);
}

static void check(const struct sgl_buf *buf, size_t fields)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct sgl_message_report r;

    if (sgl_message_check(sgl_buf_view(buf), &arena, &r) != SGL_OK || r.fault != SGL_MESSAGE_FINE)
        abort();
    if (r.headers.count > fields || sgl_headers_first(&r.headers, SGL_LIT("Bcc")) != NULL)
        abort();
}

/* The same content as base64 makes the same message. */
static void check_base64(const struct sgl_compose *c, struct sgl_compose_part *part, sgl_view want)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 22), buf = SGL_BUF_INIT(1 << 22);

    sgl_base64_encode_lines(&text, part->content, 60);
    part->content = sgl_buf_view(&text);
    part->base64 = true;
    if (sgl_compose_put(&buf, c, NULL) != SGL_OK || !sgl_view_eq(sgl_buf_view(&buf), want) ||
        buf.len > sgl_compose_bound(c))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
    sgl_auto(sgl_buf) buf = SGL_BUF_INIT(1 << 22);
    sgl_view rest = sgl_view_of(data, size);
    struct sgl_compose_address from = {.name = piece(&rest)};
    struct sgl_compose_field field = {.name = piece(&rest), .value = piece(&rest)};
    struct sgl_compose_part part = {.content_type = piece(&rest),
                                    .filename = piece(&rest),
                                    .content_id = piece(&rest),
                                    .content = piece(&rest)};
    struct sgl_compose_form form = {.content_type = piece(&rest), .content = piece(&rest)};
    struct sgl_compose c = {.from = {&from, 1},
                            .header = &field,
                            .headers = 1,
                            .part = &part,
                            .parts = 1,
                            .form = &form,
                            .forms = form.content.len > 0,
                            .subject = piece(&rest),
                            .text = piece(&rest),
                            .html = rest,
                            .eightbit = (size & 1) != 0};

    if (sgl_mailbox_parse(SGL_LIT("a@example.org"), &arena, &from.mailbox, NULL) != SGL_OK)
        abort();
    if (sgl_compose_put(&buf, &c, NULL) != SGL_OK) {
        if (buf.len != 0)
            abort();
        return 0;
    }
    if (buf.len > sgl_compose_bound(&c))
        abort();
    check(&buf, 9);
    check_base64(&c, &part, sgl_buf_view(&buf));
    return 0;
}
