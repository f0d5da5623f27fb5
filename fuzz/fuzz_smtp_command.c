/* SPDX-License-Identifier: Apache-2.0 */
/* Commands and their parameters: a refusal always says why; xtext goes there and back. */
#include <stdlib.h>

#include "sigillo/smtp_command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_fault(enum sgl_status st, const struct sgl_smtp_fault *f)
{
    if (st == SGL_E_SYNTAX && (f->code < 500 || f->enhanced[0] != '5' || f->text[0] == '\0'))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_buf) plain = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_buf) again = SGL_BUF_INIT(1 << 22);
    sgl_view in = sgl_view_of(data, size), args;
    struct sgl_smtp_fault fault = {0};
    struct sgl_smtp_mail mail;
    struct sgl_smtp_rcpt rcpt;
    uint64_t octets;
    bool last;

    (void)sgl_smtp_verb_parse(in, &args);
    check_fault(sgl_smtp_mail_parse(args, ~0u, &arena, &mail, &fault), &fault);
    check_fault(sgl_smtp_rcpt_parse(args, ~0u, true, &arena, &rcpt, &fault), &fault);
    check_fault(sgl_smtp_rcpt_parse(args, 0, false, &arena, &rcpt, &fault), &fault);
    if (sgl_smtp_bdat_parse(args, &octets, &last) && octets > INT64_MAX)
        abort();
    if (sgl_smtp_xtext_decode(in, &plain) == SGL_OK) {
        sgl_buf_reset(&plain);
        sgl_smtp_xtext_put(&again, in);
        if (sgl_smtp_xtext_decode(sgl_buf_view(&again), &plain) != SGL_OK ||
            !sgl_view_eq(sgl_buf_view(&plain), in))
            abort();
    }
    return 0;
}
