/* SPDX-License-Identifier: Apache-2.0 */
#include "../../server/loop/tls.h"
#include "stream_fixture.h"
#include "tls_fixture.h"

static struct made_pair pair_of_keys;
static struct tls_server *server;
static struct tls_client *client;

static int set_up(void **state)
{
    char why[200];

    (void)state;
    make_certificate(&pair_of_keys, "mx.a.test", 86400);
    server = tls_server_new(sgl_view_cstr(pair_of_keys.certificate),
                            sgl_view_cstr(pair_of_keys.key), why, sizeof(why));
    client = tls_client_new(sgl_view_cstr(pair_of_keys.certificate), why, sizeof(why));
    return server == NULL || client == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    tls_server_free(server);
    tls_client_free(client);
    return 0;
}

static SSL *client_ssl(enum tls_verify verify, const char *name)
{
    struct tls_target t = {.verify = verify, .name = name};

    return tls_client_session(client, &t, NULL);
}

static sgl_view got(const struct end_point *e)
{
    return sgl_view_of(e->got, e->got_len);
}

static struct pair *watched;

static bool both_got(const struct end_point *e)
{
    (void)e;
    return got_all(&watched->a) && got_all(&watched->b);
}

static unsigned releases;

static void count_release(void *arg)
{
    (*(unsigned *)arg)++;
}

/* ---- what a turn costs ---- */

int __real_SSL_read(SSL *tls, void *room, int size);
int __wrap_SSL_read(SSL *tls, void *room, int size);
static struct {
    const SSL *of;
    unsigned calls, empty;
} reads;

int __wrap_SSL_read(SSL *tls, void *room, int size)
{
    int r = __real_SSL_read(tls, room, size);

    reads.calls += tls == reads.of;
    reads.empty += tls == reads.of && r <= 0;
    return r;
}

static unsigned records; /* of data, that a peer was sent */

static void count_record(int outgoing, int version, int type, const void *bytes, size_t len,
                         SSL *tls, void *arg)
{
    (void)version;
    (void)len;
    (void)tls;
    (void)arg;
    if (outgoing == 0 && type == SSL3_RT_HEADER &&
        ((const uint8_t *)bytes)[0] == SSL3_RT_APPLICATION_DATA)
        records++;
}

/* Shaken hands, and nothing counted yet. */
static void pair_ready(struct pair *p)
{
    pair_init(p, client_ssl(TLS_VERIFY_NAME, "mx.a.test"), tls_server_session(server));
    p->b.stop_when = is_ready;
    pair_run(p);
    SSL_set_msg_callback(stream_tls(p->b.stream), count_record);
    reads.of = stream_tls(p->b.stream);
    reads.calls = reads.empty = records = 0;
    p->b.stop_when = got_all;
}

static void what_is_used_up_is_not_read_again(void **state)
{
    struct pair p;

    (void)state;
    pair_ready(&p);
    for (int i = 1; i <= 50; i++) {
        stream_write(p.a.stream, SGL_LIT("NOOP\r\n"));
        p.b.want = (size_t)i * 6;
        pair_run(&p);
    }
    CHECK_EQ("one read for each turn that brought something", reads.calls, 50);
    CHECK_EQ("and none in vain", reads.empty, 0);
    pair_done(&p);
}

/* Half a record is no reason to stop looking, nor is it an end. */
static void a_record_that_comes_in_pieces_is_read_whole(void **state)
{
    size_t len = 600000;
    uint8_t *bytes = pattern(len);
    struct pair p;

    (void)state;
    pair_ready(&p);
    p.b.want = len;
    stream_write(p.a.stream, sgl_view_of(bytes, len));
    pair_run(&p);
    CHECK_VIEW("all of it in order", got(&p.b), sgl_view_of(bytes, len));
    CHECK_TRUE("no more reads in vain than turns", reads.empty <= p.b.inputs);
    pair_done(&p);
    free(bytes);
}

static void pieces_that_wait_together_share_a_record(void **state)
{
    static const struct {
        const char *rule;
        size_t len[4];
        unsigned records;
    } rows[] = {
        {"commands, a message and its dot", {40, 2048, 3}, 1},
        {"all that one record carries", {1000, 16384 - 1000}, 1},
        {"one byte more takes another", {1000, 16384 - 999}, 2},
        {"a large piece is sent as it stands", {16384, 100}, 2},
        {"what is left of it shares", {20000, 100, 100, 100}, 2},
    };
    uint8_t *bytes = pattern(65536);

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t all = 0;
        struct pair p;

        releases = 0;
        pair_ready(&p);
        for (size_t n = 0; n < 4; all += rows[i].len[n++])
            stream_write_ref(p.a.stream, sgl_view_of(bytes + all, rows[i].len[n]), count_release,
                             &releases);
        p.b.want = all;
        pair_run(&p);
        CHECK_VIEW(rows[i].rule, got(&p.b), sgl_view_of(bytes, all));
        CHECK_EQ(rows[i].rule, records, rows[i].records);
        CHECK_EQ("each released once", releases, 4);
        pair_done(&p);
    }
    free(bytes);
}

/* ---- transfers ---- */

static void large_transfers_go_both_ways_under_tls(void **state)
{
    size_t len = 3 * 1024 * 1024 + 17;
    uint8_t *bytes = pattern(len);
    struct pair p;

    (void)state;
    pair_init(&p, client_ssl(TLS_VERIFY_NAME, "mx.a.test"), tls_server_session(server));
    watched = &p;
    p.a.want = p.b.want = len;
    p.a.stop_when = p.b.stop_when = both_got;
    stream_write_ref(p.a.stream, sgl_view_of(bytes, len), count_release, &releases);
    stream_write(p.b.stream, sgl_view_of(bytes, len));
    pair_run(&p);
    CHECK_EQ("the client was ready once", p.a.readies, 1);
    CHECK_EQ("the server, too", p.b.readies, 1);
    CHECK_VIEW("from client to server", got(&p.b), sgl_view_of(bytes, len));
    CHECK_VIEW("from server to client", got(&p.a), sgl_view_of(bytes, len));
    CHECK_EQ("released", releases, 1);
    CHECK_STR("version", tls_version_text(stream_tls(p.a.stream)), "TLSv1.3");
    pair_done(&p);
    free(bytes);
}

static void an_unknown_certificate_is_refused(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p, client_ssl(TLS_VERIFY_NAME, "other.test"), tls_server_session(server));
    p.a.stop_when = has_ended;
    pair_run(&p);
    CHECK_EQ("a TLS failure", p.a.why, STREAM_TLS);
    CHECK_STR("with its reason", stream_tls_error(p.a.stream), "hostname mismatch");
    CHECK_EQ("never ready", p.a.readies, 0);
    pair_done(&p);
}

static void start_tls_when_asked(struct end_point *e, sgl_view bytes)
{
    if (!sgl_view_eq(bytes, SGL_LIT("STARTTLS\r\n")))
        return;
    stream_write(e->stream, SGL_LIT("220 go\r\n"));
    stream_start_tls(e->stream, tls_server_session(server));
}

static void start_tls_when_told(struct end_point *e, sgl_view bytes)
{
    if (!sgl_view_eq(bytes, SGL_LIT("220 go\r\n")))
        return;
    CHECK_TRUE("clean", stream_start_tls(e->stream, client_ssl(TLS_VERIFY_NONE, "mx.a.test")));
    stream_write(e->stream, SGL_LIT("secret"));
}

static void starttls_upgrades_in_place(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p, NULL, NULL);
    p.a.on_input = start_tls_when_told;
    p.b.on_input = start_tls_when_asked;
    p.b.want = 16;
    p.b.stop_when = got_all;
    stream_write(p.a.stream, SGL_LIT("STARTTLS\r\n"));
    pair_run(&p);
    CHECK_VIEW("first in plain, then under TLS", got(&p.b), SGL_LIT("STARTTLS\r\nsecret"));
    CHECK_TRUE("it is TLS", stream_tls(p.b.stream) != NULL);
    pair_done(&p);
}

/* [RFC 3207 s4.2] what came before the handshake must not count as if it came after it */
static void plaintext_behind_starttls_ends_the_session(void **state)
{
    struct pair p;
    char answer[100];

    (void)state;
    pair_raw(&p);
    p.a.take_max = 10;
    p.a.on_input = start_tls_when_asked;
    p.a.stop_when = has_ended;
    assert_int_equal(write(p.raw, "STARTTLS\r\nMAIL FROM:<x>\r\n", 25), 25);
    pair_run(&p);
    CHECK_EQ("ended", p.a.why, STREAM_TLS);
    CHECK_STR("with its reason", stream_tls_error(p.a.stream), "plaintext behind STARTTLS");
    CHECK_EQ("nothing injected was read", p.a.got_len, 10);
    CHECK_EQ("the answer went", read(p.raw, answer, sizeof(answer)), 8);
    pair_done(&p);
}

static void untaken_plaintext_forbids_an_upgrade(void **state)
{
    struct pair p;

    (void)state;
    pair_raw(&p);
    p.a.take_max = 3;
    p.a.want = 3;
    p.a.stop_when = got_all;
    assert_int_equal(write(p.raw, "abcdef", 6), 6);
    pair_run(&p);
    CHECK_TRUE("refused", !stream_start_tls(p.a.stream, tls_server_session(server)));
    CHECK_TRUE("still plain", stream_tls(p.a.stream) == NULL);
    pair_done(&p);
}

static void garbage_instead_of_a_handshake_fails(void **state)
{
    struct pair p;

    (void)state;
    pair_loop(&p);
    {
        int fd[2];
        pair_sockets(fd);
        p.raw = fd[1];
        p.a.stream = stream_new(p.loop, fd[0], tls_server_session(server), &fixture_events, &p.a);
    }
    p.a.stop_when = has_ended;
    assert_int_equal(write(p.raw, "EHLO client.test\r\n", 18), 18);
    pair_run(&p);
    CHECK_EQ("a TLS failure", p.a.why, STREAM_TLS);
    CHECK_TRUE("with a reason", strlen(stream_tls_error(p.a.stream)) > 0);
    pair_done(&p);
}

static void a_peer_that_leaves_in_the_handshake_is_a_tls_failure(void **state)
{
    struct pair p;
    int fd[2];

    (void)state;
    pair_loop(&p);
    pair_sockets(fd);
    p.a.stream =
        stream_new(p.loop, fd[0], client_ssl(TLS_VERIFY_NONE, "x.test"), &fixture_events, &p.a);
    p.a.stop_when = has_ended;
    shutdown(fd[1], SHUT_WR);
    pair_run(&p);
    CHECK_EQ("a TLS failure", p.a.why, STREAM_TLS);
    close(fd[1]);
    pair_done(&p);
}

static void answer_and_close(struct end_point *e, sgl_view bytes)
{
    (void)bytes;
    stream_write(e->stream, SGL_LIT("221 bye"));
    stream_close_after_write(e->stream);
}

static void tls_closes_with_its_last_words_delivered(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p, client_ssl(TLS_VERIFY_NONE, "mx.a.test"), tls_server_session(server));
    p.b.on_input = answer_and_close;
    p.a.stop_when = has_ended;
    stream_write(p.a.stream, SGL_LIT("QUIT"));
    pair_run(&p);
    CHECK_VIEW("the answer", got(&p.a), SGL_LIT("221 bye"));
    CHECK_EQ("a clean end", p.a.why, STREAM_EOF);
    CHECK_EQ("on both sides", p.b.ends, 1);
    pair_done(&p);
}

static void a_pause_under_tls_loses_nothing(void **state)
{
    size_t len = 200000;
    uint8_t *bytes = pattern(len);
    struct pair p;

    (void)state;
    pair_init(&p, client_ssl(TLS_VERIFY_NONE, "mx.a.test"), tls_server_session(server));
    p.b.take_max = 777;
    p.b.pause_inside = true;
    p.b.want = 777;
    p.b.stop_when = got_all;
    stream_write(p.a.stream, sgl_view_of(bytes, len));
    while (p.b.got_len < len) {
        pair_run(&p);
        CHECK_TRUE("one bite a turn", p.b.got_len <= p.b.want);
        p.b.want = p.b.got_len + 777;
        if (p.b.want > len)
            p.b.want = len;
        stream_resume(p.b.stream);
        if (p.b.got_len > 20000) {
            p.b.take_max = SIZE_MAX;
            p.b.pause_inside = false;
            p.b.want = len;
        }
    }
    CHECK_VIEW("all of it in order", got(&p.b), sgl_view_of(bytes, len));
    pair_done(&p);
    free(bytes);
}

static SSL *dane_ssl(uint8_t usage, const uint8_t digest[32], size_t *usable)
{
    struct tls_tlsa record = {usage, 1, 1, sgl_view_of(digest, 32)};
    struct tls_target t = {
        .verify = TLS_VERIFY_DANE, .name = "mx.other.test", .tlsa = &record, .tlsas = 1};

    return tls_client_session(client, &t, usable);
}

/* [RFC 7672 s3.1.1] with DANE-EE the key alone counts */
static void dane_accepts_the_right_key_and_nothing_else(void **state)
{
    uint8_t wrong[32];
    size_t usable = 0;
    struct pair p;

    (void)state;
    pair_init(&p, dane_ssl(3, pair_of_keys.spki_sha256, &usable), tls_server_session(server));
    CHECK_EQ("one usable record", usable, 1);
    p.a.stop_when = is_ready;
    pair_run(&p);
    CHECK_EQ("the right key, whatever its name", p.a.readies, 1);
    pair_done(&p);

    memcpy(wrong, pair_of_keys.spki_sha256, 32);
    wrong[0] ^= 1;
    pair_init(&p, dane_ssl(3, wrong, &usable), tls_server_session(server));
    p.a.stop_when = has_ended;
    pair_run(&p);
    CHECK_EQ("another key", p.a.why, STREAM_TLS);
    CHECK_STR("with its reason", stream_tls_error(p.a.stream), "no matching DANE TLSA records");
    pair_done(&p);

    CHECK_TRUE("PKIX usages are not usable in SMTP", dane_ssl(1, wrong, &usable) == NULL);
    CHECK_EQ("none", usable, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_transfers_go_both_ways_under_tls),
        cmocka_unit_test(what_is_used_up_is_not_read_again),
        cmocka_unit_test(a_record_that_comes_in_pieces_is_read_whole),
        cmocka_unit_test(pieces_that_wait_together_share_a_record),
        cmocka_unit_test(an_unknown_certificate_is_refused),
        cmocka_unit_test(starttls_upgrades_in_place),
        cmocka_unit_test(plaintext_behind_starttls_ends_the_session),
        cmocka_unit_test(untaken_plaintext_forbids_an_upgrade),
        cmocka_unit_test(garbage_instead_of_a_handshake_fails),
        cmocka_unit_test(a_peer_that_leaves_in_the_handshake_is_a_tls_failure),
        cmocka_unit_test(tls_closes_with_its_last_words_delivered),
        cmocka_unit_test(a_pause_under_tls_loses_nothing),
        cmocka_unit_test(dane_accepts_the_right_key_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
