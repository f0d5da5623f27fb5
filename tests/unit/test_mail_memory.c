/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation fails once: composing, reporting and reading end in a status, leave their output as it was, and leak nothing. */
#include "check.h"
#include "fail_alloc.h"
#include "sigillo/compose.h"
#include "sigillo/dsn.h"
#include "sigillo/message_check.h"
#include "sigillo/param.h"

#define V(s) sgl_view_cstr(s)

static bool out_of_memory(enum sgl_status status)
{
    return status == SGL_E_NOMEM;
}

static void composing(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 20);
        struct sgl_compose_address from = {.name = V("J\xc3\xbcrgen")};
        struct sgl_compose_field field = {V("X-A"), V("\xc3\xa9")};
        struct sgl_compose_part part = {
            .content = V("x"), .content_type = V("a/b; c=\"d\""), .filename = V("\xc3\xa9.txt")};
        struct sgl_compose c = {.from = {&from, 1},
                                .header = &field,
                                .headers = 1,
                                .part = &part,
                                .parts = 1,
                                .subject = V("\xc3\xa9"),
                                .text = V("a\nb"),
                                .html = V("c\nd")};
        enum sgl_status status =
            sgl_mailbox_parse(V("a@b\xc3\xbc.test"), &arena, &from.mailbox, NULL);

        if (status == SGL_OK)
            status = sgl_compose_put(&out, &c, NULL);
        CHECK_TRUE("an end for each failure",
                   fail_alloc_hit() ? out_of_memory(status) && out.len == 0 : status == SGL_OK);
    }
}

static void reporting(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 20);
        struct sgl_dsn_rcpt rcpt = {.address = V("j\xc3\xb6@example.net"),
                                    .reply = V("550 no"),
                                    .reason = V("because"),
                                    .orcpt = V("rfc822;x@y.z")};
        struct sgl_dsn d = {.reporting_mta = V("m"),
                            .from_address = V("a@b.c"),
                            .to = V("d@e.f"),
                            .rcpt = &rcpt,
                            .rcpts = 1,
                            .arrival = 1,
                            .original = V("From: a@b.c\r\nMessage-ID: <1@x>\r\n\r\nb\r\n"),
                            .return_max = 1000};
        struct sgl_dsn_result result;
        enum sgl_status status = sgl_dsn_put(&out, &d, &result);

        CHECK_TRUE("an end for each failure",
                   status == SGL_OK || (fail_alloc_hit() && out_of_memory(status) && out.len == 0));
    }
}

static void reading(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
        struct sgl_message_report report;
        struct sgl_address_list list;
        struct sgl_param_value value;
        enum sgl_status status =
            sgl_message_check(V("From: a@b.c\r\n\r\nbody\r\n"), &arena, &report);

        if (status == SGL_OK)
            status = sgl_address_list_parse(V("\"A\" =?utf-8?q?b?= <a . b@c.d>, G: e@f.g;"), &arena,
                                            &list, NULL);
        if (status == SGL_OK)
            status = sgl_param_parse(V("a/b; c*0*=utf-8''d; c*1=e; f=\"g\""), &arena, &value, NULL);
        CHECK_TRUE("an end for each failure",
                   fail_alloc_hit() ? out_of_memory(status) : status == SGL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(composing), cmocka_unit_test(reporting),
                                       cmocka_unit_test(reading)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
