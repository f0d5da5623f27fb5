/* SPDX-License-Identifier: Apache-2.0 */
/* TLS sessions that are resumed: only where the full handshake would have proved the same, never for longer, and never for less than was owed. */
#include "../../server/delivery/connection.h"
#include "delivery_rows.h"

#define SIGNED "$SECURE\n" ONE

/* ---- deliveries ---- */

static void set_up(struct world *w, const char *zone, const struct script *script)
{
    world_init(w, zone);
    w->config.delivery.connections_per_site = 1;
    w->config.delivery.messages_per_connection = 1; /* each message has a handshake of its own */
    w->config.delivery.command_timeout_ms = 500;
    w->peer[0].script = w->peer[1].script = *script;
    world_start(w);
}

static const char *deliver_one(struct world *w, const char *domain)
{
    world_put(w, domain, 1, BODY);
    world_deliver(w, domain);
    return w->outcome[w->outcomes - 1].detail;
}

static bool has(const char *text, const char *what)
{
    return strstr(text, what) != NULL;
}

static void change_zone(struct world *w, const char *text)
{
    free(w->zone);
    w->zone = world_zone(w, text);
}

static void what_was_proved_is_proved_by_the_session(void **state)
{
    static const struct {
        const char *name, *zone, *proved, *certificate;
        bool tls12;
    } rows[] = {
        {"nobody, TLS 1.3", ONE, "\"proved\":\"nobody\"",
         "\"unproved\":\"self-signed certificate\"", false},
        {"nobody, TLS 1.2", ONE, "\"proved\":\"nobody\"", "\"names\":[\"one.test\"]", true},
        {"DANE, TLS 1.3", SIGNED DANE "GOOD\n", "\"proved\":\"dane-ee\",\"matched\":\"3 1 1\"",
         "\"names\":[\"one.test\"]", false},
        {"DANE, TLS 1.2", SIGNED DANE "GOOD\n", "\"proved\":\"dane-ee\",\"matched\":\"3 1 1\"",
         "\"names\":[\"one.test\"]", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;

        set_up(&w, rows[i].zone, &(struct script){.tls = true, .tls12 = rows[i].tls12});
        for (unsigned n = 0; n < 3; n++) {
            const char *got = deliver_one(&w, "d.test");

            CHECK_TRUE(rows[i].name, has(got, "delivered:"));
            if (has(got, "\"resumed\":true") != (n > 0))
                fail_msg("%s: delivery %u: %s", rows[i].name, n, got);
            CHECK_TRUE(got, has(got, rows[i].proved));
            CHECK_TRUE(got, has(got, rows[i].certificate));
            CHECK_TRUE(got, has(got, "\"sha256\":\"") && has(got, "\"cipher\":\""));
        }
        CHECK_EQ(rows[i].name, w.peer[0].connections, 3);
        CHECK_EQ(rows[i].name, w.peer[0].tls_messages, 3);
        world_done(&w);
    }
}

/* After the first delivery to a.test something is different; b.test is delivered to by a full handshake, or not at all. */
static void other_demands_want_a_full_handshake(void **state)
{
#define HOST  "$SECURE\na.test MX 10 one.test\nb.test MX 10 one.test\none.test A 127.0.0.1\n"
#define OTHER "$SECURE\na.test MX 10 one.test\nb.test MX 10 two.test\ntwo.test A 127.0.0.1\n"
    static const struct {
        const char *name, *before, *after;
        bool resumed, delivered;
    } rows[] = {
        {"nothing is different", HOST DANE "GOOD\n", HOST DANE "GOOD\n", true, true},
        {"one record more", HOST DANE "GOOD\n", HOST DANE "GOOD\n" DANE "WRONG\n", false, true},
        {"a record that does not match", HOST DANE "GOOD\n", HOST DANE "WRONG\n", false, false},
        {"records where there were none", HOST, HOST DANE "GOOD\n", false, true},
        {"the same, and none matches", HOST, HOST DANE "WRONG\n", false, false},
        {"records that are gone", HOST DANE "GOOD\n", HOST, false, true},
        {"another name at the same address", HOST, OTHER, false, true},
        {"another address of the same name", HOST,
         "$SECURE\nb.test MX 10 one.test\none.test A 127.0.0.2\n", false, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        const char *got;

        set_up(&w, rows[i].before, &(struct script){.tls = true});
        CHECK_TRUE(rows[i].name, has(deliver_one(&w, "a.test"), "delivered:"));
        change_zone(&w, rows[i].after);
        got = deliver_one(&w, "b.test");
        if (has(got, "delivered:") != rows[i].delivered ||
            has(got, "\"resumed\":true") != rows[i].resumed)
            fail_msg("%s: %s", rows[i].name, got);
        world_done(&w);
    }
}

/* What was unproved without a demand is not proved by one. */
static void a_session_of_nobody_s_is_none_for_a_message_that_asks(void **state)
{
    struct world w;
    struct job *job;

    (void)state;
    set_up(&w, SIGNED, &(struct script){.tls = true});
    CHECK_TRUE("unproved", has(deliver_one(&w, "d.test"), "delivered:"));
    job = world_put_at(&w, world_dest_tls(&w, "d.test", DEST_TLS_PROVED), 1, BODY);
    job->message->tls = MESSAGE_TLS_VERIFIED;
    world_deliver(&w, "verified");
    CHECK_TRUE(w.outcome[1].detail, has(w.outcome[1].detail, "\"failure\":\"tls-verify\""));
    CHECK_EQ("it did not go", w.peer[0].messages, 1);
    world_done(&w);
}

static void other_roots_want_a_full_handshake(void **state)
{
    struct world w;
    char why[200] = "";
    struct resume_entry *kept;
    struct resume_key key;

    (void)state;
    set_up(&w, SIGNED DANE "GOOD\n", &(struct script){.tls = true, .tickets = 2});
    (void)deliver_one(&w, "d.test");
    CHECK_TRUE("resumed", has(deliver_one(&w, "d.test"), "\"resumed\":true"));
    key = w.delivery->resume.first->key;
    kept = resume_take(&w.delivery->resume, &key, clock_mono_ms(), time(NULL));
    CHECK_TRUE("another one is left", w.delivery->resume.count > 0);
    CHECK_TRUE(why, delivery_reconfigure(w.delivery, &w.config, why, sizeof why));
    CHECK_EQ("all are forgotten", w.delivery->resume.count, 0);
    resume_give_back(&w.delivery->resume, kept); /* by a connection that was made before */
    CHECK_TRUE("not any more", !has(deliver_one(&w, "d.test"), "\"resumed\":true"));
    CHECK_EQ("all came", w.peer[0].tls_messages, 3);
    world_done(&w);
}

/* A ticket that came by a resumed session is not newer than the proof. */
static void resuming_does_not_prolong_the_proof(void **state)
{
    struct world w;
    uint64_t verified_ms;

    (void)state;
    set_up(&w, SIGNED DANE "GOOD\n", &(struct script){.tls = true});
    (void)deliver_one(&w, "d.test");
    verified_ms = w.delivery->resume.first->verified_ms -= 1000;
    CHECK_TRUE("resumed", has(deliver_one(&w, "d.test"), "\"resumed\":true"));
    CHECK_EQ("one ticket", w.delivery->resume.count, 1);
    CHECK_EQ("as old as before", w.delivery->resume.first->verified_ms, verified_ms);
    world_done(&w);
}

/* The key sees to it that this can't be; it is looked at all the same. */
static void what_proved_nothing_carries_nothing_that_asks(void **state)
{
    struct world w;
    const char *got;

    (void)state;
    set_up(&w, SIGNED DANE "GOOD\n", &(struct script){.tls = true});
    (void)deliver_one(&w, "d.test");
    w.delivery->resume.first->seen.verify = X509_V_ERR_DANE_NO_MATCH;
    got = deliver_one(&w, "d.test");
    CHECK_TRUE(got, has(got, "\"failure\":\"tls-verify\"") && has(got, "proves nothing"));
    CHECK_EQ("it did not go", w.peer[0].messages, 1);
    world_done(&w);
}

/* A server that stumbles over its own ticket gets a full handshake, and not what comes after a failed one. */
static void a_session_that_fails_is_followed_by_a_full_handshake(void **state)
{
    static const struct {
        const char *name, *zone;
    } rows[] = {{"opportunistic: not in plain", ONE}, {"DANE: not deferred", SIGNED DANE "GOOD\n"}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        const char *got;

        set_up(&w, rows[i].zone, &(struct script){.tls = true, .deaf_at = 2, .tickets = 2});
        (void)deliver_one(&w, "d.test");
        got = deliver_one(&w, "d.test");
        CHECK_TRUE(got, has(got, "delivered:") && !has(got, "resumed") && !has(got, "tls_why"));
        CHECK_EQ(rows[i].name, w.peer[0].connections, 3);
        CHECK_EQ(rows[i].name, w.peer[0].tls_messages, 2);
        CHECK_EQ("its other tickets are no better", w.delivery->resume.count, 0);
        world_done(&w);
    }
}

static void count_session(void *ctx, const struct delivery_session *s)
{
    unsigned *counts = ctx;

    counts[s->result != SGL_TLS_OK]++;
}

static void a_second_try_is_the_same_session_for_reports(void **state)
{
    unsigned counts[2] = {0, 0};
    struct world w;

    (void)state;
    set_up(&w, ONE, &(struct script){.tls = true, .deaf_at = 2});
    delivery_set_sessions(w.delivery, &(struct delivery_sessions){count_session, counts});
    (void)deliver_one(&w, "d.test");
    (void)deliver_one(&w, "d.test");
    CHECK_EQ("two sessions that went well", counts[0], 2);
    CHECK_EQ("none that did not", counts[1], 0);
    world_done(&w);
}

/* ---- what is kept ---- */

struct caught {
    SSL_SESSION *session[8];
    unsigned count;
};

static void catch_it(void *ctx, SSL_SESSION *session)
{
    struct caught *c = ctx;

    if (c->count < 8)
        c->session[c->count++] = SSL_SESSION_dup(session);
}

static void give(SSL *from, SSL *to)
{
    char bytes[16384];
    int n;

    while ((n = BIO_read(SSL_get_wbio(from), bytes, sizeof bytes)) > 0)
        assert_int_equal(BIO_write(SSL_get_rbio(to), bytes, n), n);
}

/* One session of a real server; version 0: the newest. */
static SSL_SESSION *make_session(int version, long valid_s)
{
    struct made_pair pair;
    char why[200], byte;
    struct tls_client *client = tls_client_new(sgl_view_of(NULL, 0), why, sizeof why);
    struct caught caught = {.count = 0};
    struct tls_sessions hook = {catch_it, &caught};
    struct tls_target target = {.name = "one.test", .sessions = &hook};
    struct tls_server *server;
    SSL *c = tls_client_session(client, &target, NULL), *s;

    make_certificate(&pair, "one.test", valid_s);
    server = tls_server_new(sgl_view_cstr(pair.certificate), sgl_view_cstr(pair.key), why, 200);
    s = tls_server_session(server);
    SSL_set_max_proto_version(c, version);
    SSL_set_bio(c, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_bio(s, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    for (int i = 0; i < 6; i++) {
        (void)SSL_do_handshake(c);
        give(c, s);
        (void)SSL_do_handshake(s);
        give(s, c);
        (void)SSL_read(c, &byte, 1);
    }
    CHECK_EQ("a session", caught.count, 1);
    SSL_free(c);
    SSL_free(s);
    tls_client_free(client);
    tls_server_free(server);
    return caught.session[0];
}

static struct resume_key key_of(uint8_t n)
{
    return (struct resume_key){{n}};
}

static void it_ends_with_the_ticket_the_measure_and_the_certificate(void **state)
{
    SSL_SESSION *session = make_session(0, 86400);
    uint64_t hint_ms = SSL_SESSION_get_ticket_lifetime_hint(session) * 1000;
    struct tls_seen seen = {.verify = X509_V_OK};
    struct resume_key key = key_of(1);
    time_t now = time(NULL);
    struct resume r = {NULL};
    struct resume_entry *e;

    (void)state;
    CHECK_TRUE("the server's own measure is greater", hint_ms > RESUME_LIVES_MS);
    resume_put(&r, &key, session, &seen, 1000, 1000);
    e = resume_take(&r, &key, 1000 + RESUME_LIVES_MS - 1, now);
    CHECK_TRUE("in time", e != NULL);
    CHECK_EQ("when it was proved", e->verified_ms, 1000);
    resume_entry_free(e);
    CHECK_TRUE("used once", resume_take(&r, &key, 2000, now) == NULL);

    resume_put(&r, &key, session, &seen, 1000, 1000);
    CHECK_TRUE("too late", resume_take(&r, &key, 1000 + RESUME_LIVES_MS, now) == NULL);
    CHECK_EQ("and gone", r.count, 0);

    resume_put(&r, &key, session, &seen, 1000, 500000);
    CHECK_TRUE("a later ticket does not prolong what was proved",
               resume_take(&r, &key, 1000 + RESUME_LIVES_MS, now) == NULL);
    resume_put(&r, &key, session, &seen, 1000, 1000 + RESUME_LIVES_MS);
    CHECK_EQ("nor is it kept then", r.count, 0);

    resume_put(&r, &key, session, &seen, 1000, 1000);
    CHECK_TRUE("the certificate has ended", resume_take(&r, &key, 2000, now + 86401) == NULL);
    resume_clear(&r);
    SSL_SESSION_free(session);
}

static void it_is_bounded(void **state)
{
    SSL_SESSION *session = make_session(TLS1_2_VERSION, 86400);
    struct tls_seen seen = {.verify = X509_V_OK, .resumed = true};
    struct resume_key key = key_of(1), other = key_of(2);
    struct resume r = {NULL};
    struct resume_entry *e;

    (void)state;
    resume_put(&r, &other, session, &seen, 1, 1);
    for (uint64_t i = 0; i < RESUME_PER_KEY + 6; i++)
        resume_put(&r, &key, session, &seen, i, 100);
    CHECK_EQ("of one key", r.count, 1 + RESUME_PER_KEY);
    e = resume_take(&r, &key, 100, time(NULL));
    CHECK_EQ("the newest first", e->verified_ms, RESUME_PER_KEY + 5);
    CHECK_TRUE("it is told of the handshake, not of another resumption", !e->seen.resumed);
    resume_give_back(&r, e);
    CHECK_EQ("it may come back", r.count, 1 + RESUME_PER_KEY);
    resume_forget(&r, &key);
    CHECK_EQ("only the other's is left", r.count, 1);
    for (unsigned i = 0; i < RESUME_MAX; i++) {
        struct resume_key k = key_of(3);

        memcpy(k.digest + 1, &i, sizeof i);
        resume_put(&r, &k, session, &seen, 1, 1);
    }
    CHECK_EQ("in all", r.count, RESUME_MAX);
    CHECK_TRUE("the oldest went", resume_take(&r, &other, 1, time(NULL)) == NULL);
    resume_clear(&r);
    CHECK_TRUE("empty", r.count == 0 && r.first == NULL && r.last == NULL);
    SSL_SESSION_free(session);
}

/* Messages that come together open the site's connections in one turn, before any of them has brought a new ticket. */
static void a_whole_site_resumes_at_once(void **state)
{
    SSL_SESSION *session = make_session(0, 86400);
    struct tls_seen seen = {.verify = X509_V_OK};
    struct resume_key key = key_of(1);
    struct resume r = {NULL};
    const unsigned connections = 20; /* connections_per_site, where nothing else is said */
    unsigned resumed = 0;

    (void)state;
    for (unsigned i = 0; i < connections; i++)
        resume_put(&r, &key, session, &seen, 1, 1);
    for (struct resume_entry *e; (e = resume_take(&r, &key, 2, time(NULL))) != NULL; resumed++)
        resume_entry_free(e);
    CHECK_EQ("connections that resume", resumed, connections);
    SSL_SESSION_free(session);
}

/* What a full handshake depends on, one after the other. */
static void each_part_of_the_key_counts(void **state)
{
    static const char *const more[] = {"d.test", "e.test"};
    const struct tls_tlsa records[] = {{3, 1, 1, SGL_LIT("aa")},
                                       {3, 1, 1, SGL_LIT("ab")},
                                       {3, 0, 1, SGL_LIT("aa")},
                                       {3, 1, 2, SGL_LIT("aa")},
                                       {2, 1, 1, SGL_LIT("aa")}};
    const struct sgl_ip here = sgl_ip_v4((const uint8_t[]){127, 0, 0, 1}),
                        there = sgl_ip_v4((const uint8_t[]){127, 0, 0, 2});
    const struct tls_target base = {.verify = TLS_VERIFY_DANE,
                                    .name = "a.test",
                                    .more_name = more,
                                    .more_names = 1,
                                    .tlsa = records,
                                    .tlsas = 1};
    struct tls_target t[12];
    struct resume_key key[16];
    size_t n = 0;
    struct resume_trust trust = {NULL, 0};

    (void)state;
    for (size_t i = 0; i < 12; i++)
        t[i] = base;
    t[1].verify = TLS_VERIFY_NAME;
    t[2].verify = TLS_VERIFY_NONE;
    t[3].name = "b.test";
    t[4].name = NULL;
    t[5].more_names = 2;
    t[6].more_name = more + 1;
    for (size_t i = 1; i < 5; i++)
        t[6 + i].tlsa = records + i;
    t[11].tlsas = 2;
    for (size_t i = 0; i < 12; i++)
        CHECK_TRUE("a key", resume_key_of(&trust, &t[i], &here, 25, &key[n++]));
    CHECK_TRUE("another port", resume_key_of(&trust, &base, &here, 26, &key[n++]));
    CHECK_TRUE("another address", resume_key_of(&trust, &base, &there, 25, &key[n++]));
    trust.generation++;
    CHECK_TRUE("other roots", resume_key_of(&trust, &base, &here, 25, &key[n++]));
    trust = (struct resume_trust){"/etc/other.pem", 0};
    CHECK_TRUE("a route's roots", resume_key_of(&trust, &base, &here, 25, &key[n++]));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            if (memcmp(&key[i], &key[k], sizeof *key) == 0)
                fail_msg("%zu and %zu have the same key", k, i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_proved_is_proved_by_the_session),
        cmocka_unit_test(other_demands_want_a_full_handshake),
        cmocka_unit_test(a_session_of_nobody_s_is_none_for_a_message_that_asks),
        cmocka_unit_test(other_roots_want_a_full_handshake),
        cmocka_unit_test(resuming_does_not_prolong_the_proof),
        cmocka_unit_test(what_proved_nothing_carries_nothing_that_asks),
        cmocka_unit_test(a_session_that_fails_is_followed_by_a_full_handshake),
        cmocka_unit_test(a_second_try_is_the_same_session_for_reports),
        cmocka_unit_test(it_ends_with_the_ticket_the_measure_and_the_certificate),
        cmocka_unit_test(it_is_bounded),
        cmocka_unit_test(a_whole_site_resumes_at_once),
        cmocka_unit_test(each_part_of_the_key_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
