/* SPDX-License-Identifier: Apache-2.0 */
#include "../../cli/tls_probe.h"

#include "check.h"
#include "smtp_peer.h"
#include "tls_fixture.h"

struct row {
    const char *rule;
    struct script script;
    bool closed; /* nobody listens */
    enum tls_probe_end end;
    enum sgl_smtp_stage stage;
    const char *why; /* what it begins with */
};

static struct made_pair pair;

static void on_done(struct tls_probe *p)
{
    loop_stop(p->loop);
}

struct scene {
    struct loop *loop;
    struct smtp_peer peer;
    struct tls_client *trust;
    struct tls_probe probe;
};

static void begin(struct scene *s, const struct script *script)
{
    static const uint8_t here[4] = {127, 0, 0, 1};
    uint16_t port = 0;
    char why[200] = "";

    memset(s, 0, sizeof *s);
    s->loop = loop_new("test");
    smtp_peer_init(&s->peer, s->loop, 1, &port);
    s->peer.script = *script;
    s->peer.tls =
        tls_server_new(sgl_view_cstr(pair.certificate), sgl_view_cstr(pair.key), why, sizeof why);
    s->trust = tls_client_new(sgl_view_cstr(pair.certificate), why, sizeof why);
    CHECK_TRUE(why, s->peer.tls != NULL && s->trust != NULL);
    s->probe.target =
        (struct tls_probe_target){.ip = sgl_ip_v4(here),
                                  .port = port,
                                  .helo = "probe.test",
                                  .host = "mx.a.test",
                                  .trust = s->trust,
                                  .demand = {.verify = TLS_VERIFY_NONE, .name = "mx.a.test"},
                                  .timeout_ms = 700};
    s->probe.done = on_done;
}

static void run(struct scene *s)
{
    tls_probe_start(&s->probe, s->loop);
    CHECK_TRUE("done() comes later", !s->probe.over);
    loop_run(s->loop);
    tls_probe_stop(&s->probe, "again"); /* harmless */
}

static void end(struct scene *s)
{
    smtp_peer_done(&s->peer);
    tls_server_free(s->peer.tls);
    tls_client_free(s->trust);
    loop_free(s->loop);
}

static void where_it_ends(void **state)
{
    static const struct row rows[] = {
        {"TLS and the EHLO behind it", {.tls = true}, false, TLS_PROBE_DONE, SGL_SMTP_AT_EHLO, ""},
        {"nobody listens",
         {.tls = true},
         true,
         TLS_PROBE_UNREACHABLE,
         SGL_SMTP_AT_GREETING,
         "Connection refused"},
        {"silence",
         {.greeting = ""},
         false,
         TLS_PROBE_NO_SMTP,
         SGL_SMTP_AT_GREETING,
         "no answer in time"},
        {"a greeting that refuses, on one line whatever it holds",
         {.greeting = "554 5.7.1 go \x1b[31maway"},
         false,
         TLS_PROBE_NO_SMTP,
         SGL_SMTP_AT_GREETING,
         "the server said 554 5.7.1 go \\x1b[31maway"},
        {"not SMTP", {.greeting = "SSH-2.0-x"}, false, TLS_PROBE_NO_SMTP, SGL_SMTP_AT_GREETING, ""},
        {"cut at once", {.greeting = "!"}, false, TLS_PROBE_NO_SMTP, SGL_SMTP_AT_GREETING, ""},
        {"STARTTLS is not offered",
         {.tls = false},
         false,
         TLS_PROBE_NO_STARTTLS,
         SGL_SMTP_AT_EHLO,
         "the server does not offer"},
        {"STARTTLS is refused",
         {.tls = true, .starttls = "454 4.7.0 not today"},
         false,
         TLS_PROBE_REFUSED,
         SGL_SMTP_AT_STARTTLS,
         "the server said 454 4.7.0 not today"},
        {"bytes in plain behind the answer",
         {.tls = true, .starttls = "220 go\r\n250 smuggled"},
         false,
         TLS_PROBE_NO_SMTP,
         SGL_SMTP_AT_STARTTLS,
         ""},
        {"the handshake is cut",
         {.tls = true, .deaf_hands = true},
         false,
         TLS_PROBE_HANDSHAKE,
         SGL_SMTP_AT_STARTTLS,
         ""},
        {"silence behind TLS",
         {.tls = true, .tls_ehlo = ""},
         false,
         TLS_PROBE_NO_SMTP,
         SGL_SMTP_AT_EHLO,
         "no answer in time"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene s;

        begin(&s, &rows[i].script);
        if (rows[i].closed)
            smtp_peer_close(&s.peer);
        run(&s);
        CHECK_EQ(rows[i].rule, s.probe.end, rows[i].end);
        CHECK_EQ(rows[i].rule, s.probe.stage, rows[i].stage);
        CHECK_TRUE(s.probe.why,
                   sgl_view_starts(sgl_view_cstr(s.probe.why), sgl_view_cstr(rows[i].why)));
        CHECK_EQ(rows[i].rule, s.probe.why[0] == '\0', rows[i].end == TLS_PROBE_DONE);
        CHECK_EQ("no mail", s.peer.mails, 0);
        end(&s);
    }
}

static void what_it_sees(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, &(struct script){.tls = true, .tls_ehlo = "250-peer.test\r\n250 REQUIRETLS"});
    run(&s);
    CHECK_EQ("done", s.probe.end, TLS_PROBE_DONE);
    CHECK_TRUE("offered", s.probe.starttls && s.probe.requiretls && s.probe.tls);
    CHECK_STR("version", s.probe.version, "TLSv1.3");
    CHECK_TRUE("cipher", strncmp(s.probe.cipher, "TLS_", 4) == 0);
    CHECK_TRUE("group", s.probe.group[0] != '\0');
    CHECK_STR("certificate", s.probe.certificate.name[0], "mx.a.test");
    CHECK_EQ("chain", s.probe.chain, X509_V_OK);
    CHECK_TRUE("name", s.probe.named);
    CHECK_STR("our name", s.peer.helo, "EHLO probe.test");
    end(&s);
}

/* A proof that fails ends nothing: the facts are there, with what a delivery would have said. */
static void proofs(void **state)
{
    struct tls_tlsa usable[1];
    uint8_t wrong[32] = {1};
    const struct {
        const char *rule;
        enum tls_verify verify;
        const char *host;
        const uint8_t *digest;
        bool trusted;
        sgl_time in;
        int verified, chain;
        bool named, matched;
    } rows[] = {
        {"DANE that matches, without a root", TLS_VERIFY_DANE, "mx.a.test", pair.spki_sha256, false,
         0, X509_V_OK, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, true, true},
        {"DANE-EE, whatever the name and the dates", TLS_VERIFY_DANE, "other.test",
         pair.spki_sha256, true, 400000, X509_V_OK, X509_V_ERR_CERT_HAS_EXPIRED, false, true},
        {"DANE of another key", TLS_VERIFY_DANE, "mx.a.test", wrong, true, 0,
         X509_V_ERR_DANE_NO_MATCH, X509_V_OK, true, false},
        {"chain and name", TLS_VERIFY_NAME, "mx.a.test", wrong, true, 0, X509_V_OK, X509_V_OK, true,
         false},
        {"another name", TLS_VERIFY_NAME, "other.test", wrong, true, 0,
         X509_V_ERR_HOSTNAME_MISMATCH, X509_V_OK, false, false},
        {"expired", TLS_VERIFY_NAME, "mx.a.test", wrong, true, 400000, X509_V_ERR_CERT_HAS_EXPIRED,
         X509_V_ERR_CERT_HAS_EXPIRED, true, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sgl_tlsa record = {3, 1, 1, sgl_view_of(rows[i].digest, 32)};
        char why[200];
        struct scene s;

        begin(&s, &(struct script){.tls = true});
        if (!rows[i].trusted) {
            tls_client_free(s.trust);
            s.trust = tls_client_new(sgl_view_of(NULL, 0), why, sizeof why);
        }
        usable[0] = (struct tls_tlsa){3, 1, 1, record.data};
        s.probe.target.trust = s.trust;
        s.probe.target.host = rows[i].host;
        s.probe.target.record = &record;
        s.probe.target.records = 1;
        s.probe.target.now = rows[i].in == 0 ? 0 : time(NULL) + rows[i].in;
        s.probe.target.demand = (struct tls_target){
            .verify = rows[i].verify, .name = rows[i].host, .tlsa = usable, .tlsas = 1};
        run(&s);
        CHECK_EQ(rows[i].rule, s.probe.end, TLS_PROBE_DONE);
        CHECK_EQ(rows[i].rule, s.probe.verified, rows[i].verified);
        CHECK_EQ(rows[i].rule, s.probe.chain, rows[i].chain);
        CHECK_EQ(rows[i].rule, s.probe.named, rows[i].named);
        CHECK_EQ(rows[i].rule, s.probe.matched[0], rows[i].matched);
        end(&s);
    }
}

static int setup(void **state)
{
    (void)state;
    make_certificate(&pair, "mx.a.test", 86400);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_it_ends),
        cmocka_unit_test(what_it_sees),
        cmocka_unit_test(proofs),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
