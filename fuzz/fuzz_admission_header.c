/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever message passes the check: its completed header is one, has what it must have, and nothing that must go. */
#include <stdlib.h>

#include "../server/admission/admission_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sgl_arena arena = SGL_ARENA_INIT(8u * 1024u * 1024u);
    struct sgl_buf header = SGL_BUF_INIT(2u * 1024u * 1024u);
    struct store_rcpt rcpt = {.address = SGL_LIT("you@good.test"), .domain = SGL_LIT("good.test")};
    struct submission s = {.raw = sgl_view_of(data, size),
                           .helo = sgl_view_of(data, size > 50 ? 50 : size),
                           .protocol = SGL_LIT("ESMTPSA")};
    struct sgl_message_report report;
    struct sgl_headers headers;
    sgl_view id;

    s.message.rcpt = &rcpt;
    s.message.rcpts = 1;
    if (sgl_message_check(s.raw, &arena, &report) == SGL_OK && report.fault == SGL_MESSAGE_FINE) {
        struct header_fixup fixup = {.s = &s,
                                     .report = &report,
                                     .hostname = SGL_LIT("mail.sigillo.test"),
                                     .domain = SGL_LIT("app.test"),
                                     .now = 1795348800,
                                     .id = "0am2arz8g00y6"};

        if (header_complete(&fixup, &header, &id) == SGL_OK &&
            (sgl_headers_parse(sgl_buf_view(&header), SGL_HEADERS_STRICT, &arena, &headers, NULL) !=
                 SGL_OK ||
             sgl_headers_first(&headers, SGL_LIT("Bcc")) != NULL ||
             sgl_headers_first(&headers, SGL_LIT("Return-Path")) != NULL ||
             sgl_headers_count(&headers, SGL_LIT("Date")) != 1 ||
             sgl_headers_count(&headers, SGL_LIT("Message-ID")) != 1))
            abort();
    }
    sgl_buf_done(&header);
    sgl_arena_done(&arena);
    return 0;
}
