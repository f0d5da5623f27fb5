/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "stream_fixture.h"

static sgl_view got(const struct end_point *e)
{
    return sgl_view_of(e->got, e->got_len);
}

static void an_echo_comes_back(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p, NULL, NULL);
    p.b.echo = true;
    p.a.want = 10;
    p.a.stop_when = got_all;
    p.a.in_call = true;
    stream_write(p.a.stream, SGL_LIT("hello"));
    stream_write(p.a.stream, SGL_LIT("world"));
    p.a.in_call = false;
    pair_run(&p);
    CHECK_VIEW("same bytes", got(&p.a), SGL_LIT("helloworld"));
    CHECK_EQ("the writes of one turn travel together", p.b.inputs, 1);
    CHECK_EQ("and are reported once", p.a.drains, 1);
    pair_done(&p);
}

static unsigned releases;

static void count_release(void *arg)
{
    (*(unsigned *)arg)++;
}

static bool both_got(const struct end_point *e);
static struct pair *watched;

static bool both_got(const struct end_point *e)
{
    (void)e;
    return got_all(&watched->a) && got_all(&watched->b);
}

static void large_transfers_go_both_ways(void **state)
{
    size_t len = 5 * 1024 * 1024;
    uint8_t *bytes = pattern(len);
    struct pair p;

    (void)state;
    releases = 0;
    pair_init(&p, NULL, NULL);
    watched = &p;
    p.a.want = p.b.want = len;
    p.a.stop_when = p.b.stop_when = both_got;
    stream_write_ref(p.a.stream, sgl_view_of(bytes, len), count_release, &releases);
    for (size_t off = 0; off < len; off += 1000)
        stream_write(p.b.stream, sgl_view_sub(sgl_view_of(bytes, len), off, 1000));
    CHECK_EQ("all of it waits", stream_pending(p.b.stream), len);
    pair_run(&p);
    CHECK_VIEW("by reference", got(&p.b), sgl_view_of(bytes, len));
    CHECK_VIEW("by copy", got(&p.a), sgl_view_of(bytes, len));
    CHECK_EQ("the reference came back once", releases, 1);
    CHECK_EQ("nothing waits", stream_pending(p.a.stream), 0);
    pair_done(&p);
    free(bytes);
}

static void references_come_back_when_the_stream_dies(void **state)
{
    uint8_t *bytes = pattern(4000000);
    struct pair p;

    (void)state;
    releases = 0;
    pair_raw(&p);
    stream_write_ref(p.a.stream, sgl_view_of(bytes, 4000000), count_release, &releases);
    stream_write_ref(p.a.stream, sgl_view_of(bytes, 0), count_release, &releases);
    stream_free(p.a.stream);
    p.a.stream = NULL;
    CHECK_EQ("both released", releases, 2);
    pair_done(&p);
    free(bytes);
}

static void what_is_not_taken_is_offered_again(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p, NULL, NULL);
    p.b.take_max = 3;
    p.b.want = 3;
    p.b.stop_when = got_all;
    stream_write(p.a.stream, SGL_LIT("abcdefgh"));
    pair_run(&p);
    CHECK_EQ("offered once", p.b.inputs, 1);
    p.b.want = 6;
    stream_resume(p.b.stream);
    pair_run(&p);
    CHECK_VIEW("by resume", got(&p.b), SGL_LIT("abcdef"));
    p.b.want = 10;
    p.b.take_max = SIZE_MAX;
    stream_write(p.a.stream, SGL_LIT("ij"));
    pair_run(&p);
    CHECK_VIEW("with the next bytes", got(&p.b), SGL_LIT("abcdefghij"));
    pair_done(&p);
}

static void look_later(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    loop_stop(arg);
}

static void run_for_ms(struct pair *p, int ms)
{
    struct timeval tv = {0, ms * 1000};

    event_base_once(loop_base(p->loop), -1, EV_TIMEOUT, look_later, p->loop, &tv);
    pair_run(p);
}

static void a_paused_stream_reads_nothing(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p, NULL, NULL);
    p.b.pause_inside = true;
    stream_write(p.a.stream, SGL_LIT("one"));
    run_for_ms(&p, 5);
    stream_write(p.a.stream, SGL_LIT("two"));
    run_for_ms(&p, 5);
    CHECK_VIEW("only what came before the pause", got(&p.b), SGL_LIT("one"));
    p.b.pause_inside = false;
    p.b.want = 6;
    p.b.stop_when = got_all;
    stream_resume(p.b.stream);
    pair_run(&p);
    CHECK_VIEW("the rest after it", got(&p.b), SGL_LIT("onetwo"));
    pair_done(&p);
}

static void answer_and_close(struct end_point *e, sgl_view bytes)
{
    (void)bytes;
    stream_write(e->stream, SGL_LIT("bye"));
    stream_close_after_write(e->stream);
    stream_write(e->stream, SGL_LIT("never"));
}

static void closing_sends_what_was_written(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p, NULL, NULL);
    p.b.on_input = answer_and_close;
    p.a.stop_when = has_ended;
    stream_write(p.a.stream, SGL_LIT("QUIT"));
    pair_run(&p);
    CHECK_VIEW("the last words arrive", got(&p.a), SGL_LIT("bye"));
    CHECK_EQ("and then the end", p.a.why, STREAM_EOF);
    CHECK_EQ("the closer hears of it, too", p.b.ends, 1);
    CHECK_EQ("as an end, not a failure", p.b.why, STREAM_EOF);
    pair_done(&p);
}

static void a_half_closed_peer_still_gets_its_answer(void **state)
{
    uint8_t *bytes = pattern(2000000);
    struct pair p;

    (void)state;
    pair_raw(&p);
    p.a.echo = true;
    p.a.stop_when = has_ended;
    assert_int_equal(write(p.raw, "QUIT", 4), 4);
    shutdown(p.raw, SHUT_WR);
    pair_run(&p);
    CHECK_EQ("the end", p.a.why, STREAM_EOF);
    memset(bytes, 0, 4);
    CHECK_EQ("the answer is there", read(p.raw, bytes, 100), 4);
    pair_done(&p);
    free(bytes);
}

static void a_vanished_peer_is_noticed(void **state)
{
    uint8_t *bytes = pattern(2000000);
    struct pair p;

    (void)state;
    pair_raw(&p);
    p.a.stop_when = has_ended;
    stream_write(p.a.stream, sgl_view_of(bytes, 2000000));
    run_for_ms(&p, 5);
    CHECK_TRUE("the kernel did not take all", stream_pending(p.a.stream) > 0);
    close(p.raw);
    p.raw = -1;
    pair_run(&p);
    CHECK_TRUE("reset or end", p.a.why == STREAM_RESET || p.a.why == STREAM_EOF);
    CHECK_EQ("once", p.a.ends, 1);
    pair_done(&p);
    free(bytes);
}

static void an_idle_stream_times_out(void **state)
{
    struct pair p;
    uint64_t start;

    (void)state;
    pair_init(&p, NULL, NULL);
    p.a.stop_when = has_ended;
    stream_idle_timeout(p.a.stream, 20);
    start = clock_mono_ms();
    pair_run(&p);
    CHECK_EQ("a timeout", p.a.why, STREAM_TIMEOUT);
    CHECK_TRUE("not before its time", clock_mono_ms() - start >= 19);
    pair_done(&p);
}

static struct end_point *tick_to;

static void tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    stream_write(tick_to->stream, SGL_LIT("x"));
}

static void bytes_push_the_deadline_back(void **state)
{
    struct timeval tv = {0, 10000};
    struct event *ticker;
    struct pair p;

    (void)state;
    pair_init(&p, NULL, NULL);
    tick_to = &p.b;
    p.a.want = 4;
    p.a.stop_when = got_all;
    stream_idle_timeout(p.a.stream, 30);
    ticker = event_new(loop_base(p.loop), -1, EV_PERSIST, tick, NULL);
    event_add(ticker, &tv);
    pair_run(&p);
    CHECK_EQ("four ticks of 10 ms outlive a deadline of 30", p.a.ends, 0);
    event_free(ticker);
    pair_done(&p);
}

static void a_stream_may_be_freed_inside_its_callback(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p, NULL, NULL);
    p.b.free_inside = p.b.echo = true;
    p.a.stop_when = has_ended;
    stream_write(p.a.stream, SGL_LIT("x"));
    pair_run(&p);
    CHECK_EQ("it got its bytes", p.b.got_len, 1);
    CHECK_EQ("and no call after that", p.b.ends, 0);
    pair_done(&p);
}

static void input_that_nobody_takes_is_bounded(void **state)
{
    uint8_t *bytes = pattern(1000000);
    struct pair p;

    (void)state;
    pair_init(&p, NULL, NULL);
    p.b.take_max = 0;
    stream_write(p.a.stream, sgl_view_of(bytes, 1000000));
    run_for_ms(&p, 20);
    CHECK_TRUE("the sender is held up", stream_pending(p.a.stream) > 0);
    p.b.take_max = SIZE_MAX;
    p.b.want = 1000000;
    p.b.stop_when = got_all;
    stream_resume(p.b.stream);
    pair_run(&p);
    CHECK_VIEW("and all arrives later", got(&p.b), sgl_view_of(bytes, 1000000));
    pair_done(&p);
    free(bytes);
}

static int listen_on_loopback(struct sockaddr_in *at)
{
    socklen_t len = sizeof(*at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)at, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)at, &len), 0);
    return fd;
}

static void connecting_succeeds_or_says_why_not(void **state)
{
    struct sockaddr_in at, source = {.sin_family = AF_INET};
    int fd = listen_on_loopback(&at), other;
    struct pair p;

    (void)state;
    pair_loop(&p);
    p.a.in_call = true;
    p.a.stop_when = has_ended;
    p.a.stream = stream_connect(p.loop, (struct sockaddr *)&at, sizeof(at), NULL, 0, 1000,
                                &fixture_events, &p.a);
    p.a.in_call = false;
    pair_run(&p);
    CHECK_EQ("nobody listens", p.a.why, STREAM_REFUSED);
    CHECK_EQ("the reason is kept", stream_errno(p.a.stream), ECONNREFUSED);
    CHECK_EQ("no ready()", p.a.readies, 0);

    assert_int_equal(listen(fd, 4), 0);
    inet_pton(AF_INET, "127.0.0.9", &source.sin_addr);
    p.b.stop_when = is_ready;
    p.b.stream =
        stream_connect(p.loop, (struct sockaddr *)&at, sizeof(at), (struct sockaddr *)&source,
                       sizeof(source), 1000, &fixture_events, &p.b);
    stream_write(p.b.stream, SGL_LIT("early"));
    pair_run(&p);
    CHECK_EQ("now it is ready", p.b.readies, 1);
    run_for_ms(&p, 2);
    {
        struct sockaddr_in peer;
        socklen_t len = sizeof(peer);
        char text[16];

        other = accept(fd, (struct sockaddr *)&peer, &len);
        CHECK_EQ("from the address we chose", peer.sin_addr.s_addr, source.sin_addr.s_addr);
        CHECK_EQ("written before it was open, sent after", read(other, text, sizeof(text)), 5);
    }
    {
        struct linger hard = {1, 0};
        setsockopt(other, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
        close(other);
    }
    p.b.stop_when = has_ended;
    pair_run(&p);
    CHECK_EQ("a reset is a reset", p.b.why, STREAM_RESET);
    CHECK_EQ("with its reason", stream_errno(p.b.stream), ECONNRESET);
    close(fd);
    pair_done(&p);
}

static void a_connect_has_a_deadline(void **state)
{
    struct sockaddr_in at;
    int fd = listen_on_loopback(&at), filler[3];
    struct pair p;

    (void)state;
    assert_int_equal(listen(fd, 0), 0); /* a full backlog: further SYNs are dropped */
    for (int i = 0; i < 3; i++) {
        filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(filler[i], (struct sockaddr *)&at, sizeof(at));
    }
    pair_loop(&p);
    p.a.stop_when = has_ended;
    p.a.stream = stream_connect(p.loop, (struct sockaddr *)&at, sizeof(at), NULL, 0, 20,
                                &fixture_events, &p.a);
    stream_idle_timeout(p.a.stream, 60000);
    pair_run(&p);
    CHECK_EQ("it gives up", p.a.why, STREAM_TIMEOUT);
    for (int i = 0; i < 3; i++)
        close(filler[i]);
    close(fd);
    pair_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_echo_comes_back),
        cmocka_unit_test(large_transfers_go_both_ways),
        cmocka_unit_test(references_come_back_when_the_stream_dies),
        cmocka_unit_test(what_is_not_taken_is_offered_again),
        cmocka_unit_test(a_paused_stream_reads_nothing),
        cmocka_unit_test(closing_sends_what_was_written),
        cmocka_unit_test(a_half_closed_peer_still_gets_its_answer),
        cmocka_unit_test(a_vanished_peer_is_noticed),
        cmocka_unit_test(an_idle_stream_times_out),
        cmocka_unit_test(bytes_push_the_deadline_back),
        cmocka_unit_test(a_stream_may_be_freed_inside_its_callback),
        cmocka_unit_test(input_that_nobody_takes_is_bounded),
        cmocka_unit_test(connecting_succeeds_or_says_why_not),
        cmocka_unit_test(a_connect_has_a_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
