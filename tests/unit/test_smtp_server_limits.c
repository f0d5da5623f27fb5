/* SPDX-License-Identifier: Apache-2.0 */
/* What a session may cost: long lines, memory, time. */
#include "smtp_server_fixture.h"

static void long_lines_are_passed_over(void **state)
{
    sgl_auto(sgl_buf) input = SGL_BUF_INIT(2 * 1024 * 1024);
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(1000);
    struct run r;

    (void)state;
    sgl_buf_add_cstr(&input, "NOOP ");
    for (size_t i = 0; i < 1024 * 1024; i++)
        sgl_buf_add_byte(&input, 'x');
    sgl_buf_add_cstr(&input, "\r\nNOOP\r\n");
    for (size_t portion = 1; portion < 100000; portion = portion * 13 + 1) {
        sgl_view rest = sgl_buf_view(&input);

        run_init(&r, &standard, false);
        run_pull(&r);
        sgl_buf_reset(&r.out);
        sgl_buf_reset(&got);
        while (rest.len != 0) {
            run_feed(&r, sgl_view_sub(rest, 0, portion));
            rest = sgl_view_from(rest, portion);
            CHECK_TRUE("memory stays small", sgl_smtp_server_memory(r.s) < 16 * 1024);
        }
        run_pull(&r);
        codes(sgl_buf_view(&r.out), &got);
        CHECK_VIEW("a line of 1 MiB", sgl_buf_view(&got), SGL_LIT("500 250 "));
        run_done(&r);
    }
}

/* [RFC 4954 s4] a line of AUTH may have 12288 octets */
static void long_auth_lines_are_taken(void **state)
{
    sgl_auto(sgl_buf) input = SGL_BUF_INIT(1 << 16);
    struct run r;

    (void)state;
    for (size_t portion = 1; portion < 100000; portion = portion * 100) {
        sgl_view rest;

        sgl_buf_reset(&input);
        sgl_buf_add_cstr(&input, EHLO "AUTH LOGIN\r\n");
        for (size_t i = 0; i < 12288; i++)
            sgl_buf_add_byte(&input, 'A');
        sgl_buf_add_cstr(&input, "\r\nAUTH LOGIN\r\n");
        for (size_t i = 0; i < 12292; i++)
            sgl_buf_add_byte(&input, 'A');
        sgl_buf_add_cstr(&input, "\r\nNOOP\r\n");
        run_init(&r, &standard, true);
        for (rest = sgl_buf_view(&input); rest.len != 0; rest = sgl_view_from(rest, portion))
            run_feed(&r, sgl_view_sub(rest, 0, portion));
        run_pull(&r);
        CHECK_TRUE("12288 are an answer, more are not",
                   sgl_view_ends(sgl_buf_view(&r.out),
                                 SGL_LIT("334 d2hvPw==\r\n535 5.7.8 no\r\n334 d2hvPw==\r\n500 "
                                         "5.5.6 line too long\r\n250 2.0.0 fine\r\n")));
        run_done(&r);
    }
}

static void idle_sessions_are_small(void **state)
{
    struct run r;

    (void)state;
    run_init(&r, &standard, false);
    run_all(&r, sgl_view_cstr(TO "DATA\r\nx\r\n.\r\n"), SIZE_MAX);
    sgl_smtp_server_relax(r.s);
    CHECK_TRUE("at most 1.5 KiB", sgl_smtp_server_memory(r.s) <= 1536);
    run_done(&r);
}

static bool timed_out(struct run *r)
{
    struct sgl_smtp_server_event e;

    return sgl_smtp_server_next(r->s, &e) &&
           (e.kind == SGL_SMTP_SERVER_CLOSE ||
            (e.kind == SGL_SMTP_SERVER_RESET && sgl_smtp_server_next(r->s, &e) &&
             e.kind == SGL_SMTP_SERVER_CLOSE)) &&
           e.reason == SGL_SMTP_CLOSE_TIMEOUT;
}

static void patience_ends(void **state)
{
    struct sgl_smtp_server_config config = standard;
    struct run r;

    (void)state;
    config.command_ms = 1000;
    config.data_ms = 2000;
    config.rate_min = 100;
    config.rate_grace_ms = 5000;
    config.size_max = 0;
    run_init(&r, &config, false);
    run_pull(&r);
    CHECK_EQ("a command must come", sgl_smtp_server_deadline(r.s, 10000), 11000);
    run_feed(&r, sgl_view_cstr("NO"));
    CHECK_EQ("a part of it is no progress", sgl_smtp_server_deadline(r.s, 10900), 11000);
    run_feed(&r, sgl_view_cstr("OP\r\n"));
    CHECK_EQ("a whole one is", sgl_smtp_server_deadline(r.s, 10950), 11950);
    CHECK_EQ("time is up", sgl_smtp_server_deadline(r.s, 11950), 0);
    CHECK_TRUE("closed", timed_out(&r));
    run_done(&r);

    run_init(&r, &config, false);
    run_all(&r, sgl_view_cstr(TO "DATA\r\n"), SIZE_MAX);
    CHECK_EQ("a message begins", sgl_smtp_server_deadline(r.s, 20000), 22000);
    for (uint64_t now = 20100; now < 25900; now += 100) {
        run_feed(&r, SGL_LIT("x"));
        CHECK_TRUE("slow, within the grace", sgl_smtp_server_deadline(r.s, now) != 0);
    }
    CHECK_EQ("too slow on average", sgl_smtp_server_deadline(r.s, 26001), 0);
    CHECK_TRUE("closed", timed_out(&r));
    run_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_lines_are_passed_over),
        cmocka_unit_test(long_auth_lines_are_taken),
        cmocka_unit_test(idle_sessions_are_small),
        cmocka_unit_test(patience_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
