/* SPDX-License-Identifier: Apache-2.0 */
/* What the trail keeps of an attempt: whose policy, how far DNS may be believed, what TLS was got and what it proved; and the same in numbers. */
#include "../../server/delivery/connection.h"
#include "../../server/store/transit.h"
#include "delivery_rows.h"

#define SIGNED  "$SECURE\n" ONE
#define HAS_MAX 9

struct case_ {
    const char *name, *zone;
    struct script one, two;
    enum { NO_ROUTE, ROUTE_PLAIN, ROUTE_ENCRYPTED, ROUTE_VERIFIED } route;
    bool trusted;     /* the certificate of one.test is among the roots */
    bool require_tls; /* [RFC 8689] */
    uint8_t tls;      /* enum message_tls */
    char want;
    const char *has[HAS_MAX]; /* in the trail */
    const char *hasnt;
    struct store_transit transit;
};

/* As `openssl x509 -fingerprint -sha256` has it. */
static void digest_of(const char *pem, char out[65])
{
    BIO *in = BIO_new_mem_buf(pem, -1);
    X509 *x = PEM_read_bio_X509(in, NULL, NULL, NULL);
    unsigned char digest[32];

    X509_digest(x, EVP_sha256(), digest, NULL);
    for (size_t i = 0; i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    X509_free(x);
    BIO_free(in);
}

static void trust_it(struct world *w, char path[64])
{
    FILE *f;
    int fd;

    snprintf(path, 64, "/tmp/delivery-evidence-XXXXXX");
    fd = mkstemp(path);
    f = fdopen(fd, "w");
    fputs(w->made.certificate, f);
    fclose(f);
    w->config.delivery.ca_file = path;
}

static void set_route(struct world *w, struct config_route *route, const struct case_ *row)
{
    static const enum config_route_tls tls[] = {[ROUTE_PLAIN] = ROUTE_TLS_NONE,
                                                [ROUTE_ENCRYPTED] = ROUTE_TLS_REQUIRED,
                                                [ROUTE_VERIFIED] = ROUTE_TLS_VERIFIED};
    static const char *all[] = {"*"};

    *route = (struct config_route){.name = "r",
                                   .domain = all,
                                   .domains = 1,
                                   .tls = tls[row->route],
                                   .ca_file = row->trusted ? w->config.delivery.ca_file : NULL};
    w->config.route = route;
    w->config.routes = 1;
}

static void check_trail(const struct case_ *row, const struct world *w)
{
    const struct outcome *o = &w->outcome[0];
    char digest[65];

    digest_of(w->made.certificate, digest);
    for (size_t i = 0; i < HAS_MAX && row->has[i] != NULL; i++) {
        const char *needle = strcmp(row->has[i], "SHA256") == 0 ? digest : row->has[i];

        if (strstr(o->detail, needle) == NULL)
            fail_msg("%s: no %s in the trail: %s", row->name, needle, o->detail);
    }
    if (row->hasnt != NULL && strstr(o->detail, row->hasnt) != NULL)
        fail_msg("%s: there is %s in the trail: %s", row->name, row->hasnt, o->detail);
    CHECK_EQ(row->name, o->transit.mechanism, row->transit.mechanism);
    CHECK_EQ(row->name, o->transit.version, row->transit.version);
    CHECK_EQ(row->name, o->transit.cause, row->transit.cause);
}

static void put(struct world *w, const struct case_ *row)
{
    enum dest_tls tls = row->tls == MESSAGE_TLS_OPTIONAL                       ? DEST_TLS_LAX
                        : row->tls == MESSAGE_TLS_VERIFIED || row->require_tls ? DEST_TLS_PROVED
                                                                               : DEST_TLS_PUBLISHED;
    struct job *job = world_put_at(w, world_dest_tls(w, "d.test", tls), 1, BODY);

    job->message->tls = row->tls;
    job->message->require_tls = row->require_tls;
}

static void check_case(const struct case_ *row)
{
    struct config_route route;
    char path[64] = "";
    struct world w;

    world_init(&w, row->zone);
    w.config.delivery.command_timeout_ms = w.config.delivery.data_timeout_ms = 300;
    w.peer[0].script = row->one;
    w.peer[1].script = row->two;
    if (row->trusted)
        trust_it(&w, path);
    if (row->route != NO_ROUTE)
        set_route(&w, &route, row);
    world_start(&w);
    put(&w, row);
    world_deliver(&w, row->name);
    if (w.outcome[0].verdict != row->want)
        fail_msg("%s: got %c (%s %s), want %c", row->name, w.outcome[0].verdict,
                 w.outcome[0].status, w.outcome[0].why, row->want);
    check_trail(row, &w);
    if (path[0] != '\0')
        unlink(path);
    world_done(&w);
}

#define CHECK_CASES(rows)                                                                          \
    for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]); i++)                                  \
    check_case(&(rows)[i])

static void what_a_receiver_demanded(void **state)
{
    static const struct case_ rows[] = {
        {"a record matches", SIGNED DANE "GOOD\n", .one.tls = true, .want = 'o',
         .has = {"\"policy\":\"dane\"", "\"demand\":\"dane\"",
                 "\"dnssec\":{\"mx\":\"secure\",\"address\":\"secure\",\"tlsa\":\"secure\"}",
                 "\"tls\":\"TLSv1.3\",\"cipher\":\"TLS_AES_256_GCM_SHA384\",\"group\":\"x25519\"",
                 "\"proved\":\"dane-ee\",\"matched\":\"3 1 1\"", "\"certificate\":{\"sha256\":\"",
                 "SHA256", "\"names\":[\"one.test\"]}",
                 "\"reply\":\"one.test [127.0.0.1] said at end of data: 250 2.6.0"},
         .hasnt = "unproved", .transit = {TRANSIT_DANE, TRANSIT_TLS_1_3, TRANSIT_CAUSE_NONE}},
        {"the MX records are not signed", ONE "$SECURE\none.test A 127.0.0.1\n" DANE "GOOD\n",
         .one.tls = true, .want = 'o',
         .has = {"\"dnssec\":{\"mx\":\"insecure\",\"address\":\"secure\",\"tlsa\":\"secure\"}"},
         .transit = {TRANSIT_DANE, TRANSIT_TLS_1_3, TRANSIT_CAUSE_NONE}},
        {"none matches: the certificate that was refused is kept", SIGNED DANE "WRONG\n",
         .one.tls = true, .want = 't',
         .has = {"\"policy\":\"dane\"", "SHA256", "\"names\":[\"one.test\"]",
                 "\"failure\":\"tls-verify\"", "\"stage\":\"STARTTLS\"",
                 "\"unproved\":\"no matching DANE TLSA records\""},
         .hasnt = "\"tls\":", .transit = {TRANSIT_DANE, 0, TRANSIT_VALIDATION_FAILURE}},
        {"STARTTLS is missing", SIGNED DANE "GOOD\n", .want = 't',
         .has = {"\"policy\":\"dane\"", "\"failure\":\"no-starttls\""},
         .hasnt = "certificate\":", .transit = {TRANSIT_DANE, 0, TRANSIT_STARTTLS_NOT_SUPPORTED}},
        {"the handshake breaks", SIGNED DANE "GOOD\n", .one.tls = true, .one.deaf_hands = true,
         .want = 't', .has = {"\"policy\":\"dane\"", "\"failure\":\"tls\""},
         .transit = {TRANSIT_DANE, 0, TRANSIT_VALIDATION_FAILURE}},
        {"no record is usable: encrypted, and that is why",
         SIGNED "_PORT._tcp.one.test TLSA 1 1 1 WRONG\n", .one.tls = true, .want = 'o',
         .has = {"\"policy\":\"dane\"", "\"demand\":\"encrypted\"", "\"tlsa\":\"secure\"",
                 "\"proved\":\"nobody\""},
         .transit = {TRANSIT_ENCRYPTED, TRANSIT_TLS_1_3, TRANSIT_TLSA_INVALID}},
        {"the TLSA lookup is forged", SIGNED "_PORT._tcp.one.test BOGUS\n", .want = 't',
         .has = {"\"policy\":\"dane\"", "\"tlsa\":\"bogus\"", "\"failure\":\"dane-lookup\""},
         .transit = {TRANSIT_DANE, 0, TRANSIT_DNSSEC_INVALID}},
        {"the TLSA lookup fails", SIGNED "_PORT._tcp.one.test SERVFAIL\n", .want = 't',
         .has = {"\"tlsa\":\"indeterminate\""},
         .transit = {TRANSIT_DANE, 0, TRANSIT_DNSSEC_INVALID}},
        {"the addresses are forged", "$SECURE\nMX 10 one.test\none.test BOGUS\n", .want = 't',
         .has = {"\"dnssec\":{\"mx\":\"secure\",\"address\":\"bogus\"}"},
         .transit = {TRANSIT_DANE, 0, TRANSIT_DNSSEC_INVALID}},
        {"the addresses do not come: nobody's fault but the network's",
         "$SECURE\nMX 10 one.test\none.test SERVFAIL\n", .want = 't',
         .has = {"\"address\":\"indeterminate\"", "\"policy\":\"none\""}, .transit = {0, 0, 0}},
        {"the MX records are forged", "$SECURE\nBOGUS MX\n", .want = 't',
         .has = {"\"dnssec\":{\"mx\":\"bogus\"}", "\"failure\":\"mx-lookup\""},
         .transit = {0, 0, TRANSIT_DNSSEC_INVALID}},
        {"the MX lookup fails", "$SECURE\nSERVFAIL MX\n", .want = 't',
         .has = {"\"dnssec\":{\"mx\":\"indeterminate\"}"}, .transit = {0, 0, 0}},
    };

    (void)state;
    CHECK_CASES(rows);
}

static void what_nobody_demanded(void **state)
{
    static const struct case_ rows[] = {
        {"a certificate of nobody's", ONE, .one.tls = true, .want = 'o',
         .has = {"\"policy\":\"none\"", "\"dnssec\":{\"mx\":\"insecure\",\"address\":\"insecure\"}",
                 "\"dane\":\"addresses of the host are not signed\"", "\"proved\":\"nobody\"",
                 "\"unproved\":\"self-signed certificate\"", "SHA256"},
         .transit = {TRANSIT_ENCRYPTED, TRANSIT_TLS_1_3, 0}},
        {"a good one is noted, and is still not more than nobody asked for", ONE, .one.tls = true,
         .trusted = true, .want = 'o', .has = {"\"policy\":\"none\"", "\"proved\":\"certificate\""},
         .hasnt = "unproved", .transit = {TRANSIT_ENCRYPTED, TRANSIT_TLS_1_3, 0}},
        {"a good one of another host", "MX 10 two.test\ntwo.test A 127.0.0.2\n", .two.tls = true,
         .trusted = true, .want = 'o',
         .has = {"\"policy\":\"none\"", "\"proved\":\"nobody\"",
                 "\"unproved\":\"hostname mismatch\""},
         .transit = {TRANSIT_ENCRYPTED, TRANSIT_TLS_1_3, 0}},
        {"in plain", ONE, .want = 'o',
         .has = {"\"policy\":\"none\"", "\"tls_why\":\"the server does not offer STARTTLS"},
         .hasnt = "proved", .transit = {TRANSIT_PLAIN, 0, 0}},
        {"in plain after a broken handshake: what it broke with", ONE, .one.tls = true,
         .one.deaf_hands = true, .want = 'o',
         .has = {"\"tls_why\":\"the handshake failed", "\"tls_error\":\""}, .hasnt = "proved",
         .transit = {TRANSIT_PLAIN, 0, 0}},
        {"in plain after a server that asked for a certificate of ours", ONE, .one.tls = true,
         .one.asks_back = true, .want = 'o',
         .has = {"\"tls_why\":\"the handshake failed", "alert handshake failure"},
         .hasnt = "certificate\"", .transit = {TRANSIT_PLAIN, 0, 0}},
        {"a signed host without records", SIGNED, .one.tls = true, .want = 'o',
         .has = {"\"dane\":\"no TLSA records\"",
                 "\"dnssec\":{\"mx\":\"secure\",\"address\":\"secure\"}"},
         .transit = {TRANSIT_ENCRYPTED, TRANSIT_TLS_1_3, 0}},
    };

    (void)state;
    CHECK_CASES(rows);
}

static void what_a_route_demanded(void **state)
{
    static const struct case_ rows[] = {
        {"verified, and it is", SIGNED, .one.tls = true, .route = ROUTE_VERIFIED, .trusted = true,
         .want = 'o', .has = {"\"policy\":\"demand\"", "\"proved\":\"certificate\""},
         .transit = {TRANSIT_VERIFIED, TRANSIT_TLS_1_3, 0}},
        {"verified, and it is not", SIGNED, .one.tls = true, .route = ROUTE_VERIFIED, .want = 't',
         .has = {"\"policy\":\"demand\"", "SHA256", "\"failure\":\"tls-verify\"",
                 "\"unproved\":\"self-signed certificate\""},
         .transit = {TRANSIT_VERIFIED, 0, TRANSIT_CERTIFICATE_NOT_TRUSTED}},
        {"verified, and nothing proves that the host is the domain's", ONE, .one.tls = true,
         .route = ROUTE_VERIFIED, .trusted = true, .want = 't',
         .has = {"\"policy\":\"demand\"", "\"failure\":\"demand-not-met\""},
         .transit = {TRANSIT_VERIFIED, 0, TRANSIT_DEMAND_NOT_MET}},
        {"encrypted, and it is", ONE, .one.tls = true, .route = ROUTE_ENCRYPTED, .want = 'o',
         .has = {"\"policy\":\"demand\"", "\"proved\":\"nobody\""},
         .transit = {TRANSIT_ENCRYPTED, TRANSIT_TLS_1_3, 0}},
        {"encrypted, and it is not", ONE, .route = ROUTE_ENCRYPTED, .want = 't',
         .has = {"\"policy\":\"demand\""},
         .transit = {TRANSIT_ENCRYPTED, 0, TRANSIT_STARTTLS_NOT_SUPPORTED}},
        {"encrypted, and the server breaks it off: not for its certificate", ONE, .one.tls = true,
         .one.asks_back = true, .route = ROUTE_ENCRYPTED, .want = 't',
         .has = {"\"failure\":\"tls\"", "alert handshake failure", "SHA256"},
         .transit = {TRANSIT_ENCRYPTED, 0, TRANSIT_VALIDATION_FAILURE}},
        {"DANE where the route asks for less", SIGNED DANE "GOOD\n", .one.tls = true,
         .route = ROUTE_ENCRYPTED, .want = 'o', .has = {"\"policy\":\"dane\""},
         .transit = {TRANSIT_DANE, TRANSIT_TLS_1_3, 0}},
        {"unusable records where the route asks for more",
         SIGNED "_PORT._tcp.one.test TLSA 1 1 1 WRONG\n", .one.tls = true, .route = ROUTE_VERIFIED,
         .trusted = true, .want = 'o', .has = {"\"policy\":\"demand\""},
         .transit = {TRANSIT_VERIFIED, TRANSIT_TLS_1_3, TRANSIT_TLSA_INVALID}},
    };

    (void)state;
    CHECK_CASES(rows);
}

/* [RFC 8689 s4.2.1] */
static void what_the_message_demanded(void **state)
{
    static const struct case_ rows[] = {
        {"REQUIRETLS, and it is offered", SIGNED DANE "GOOD\n", .one.tls = true,
         .one.tls_ehlo = "250-peer.test\r\n250 REQUIRETLS", .require_tls = true, .want = 'o',
         .has = {"\"requiretls\":\"honoured\""}, .transit = {TRANSIT_DANE, TRANSIT_TLS_1_3, 0}},
        {"REQUIRETLS, and it is not", SIGNED DANE "GOOD\n", .one.tls = true, .require_tls = true,
         .want = 'p', .has = {"\"requiretls\":\"asked\"", "\"failure\":\"no-requiretls\""},
         .transit = {TRANSIT_DANE, TRANSIT_TLS_1_3, TRANSIT_REQUIRETLS_NOT_SUPPORTED}},
        {"verified, and it is", SIGNED, .one.tls = true, .trusted = true,
         .tls = MESSAGE_TLS_VERIFIED, .want = 'o',
         .has = {"\"policy\":\"demand\"", "\"asked\":\"verified\""},
         .transit = {TRANSIT_VERIFIED, TRANSIT_TLS_1_3, 0}},
        {"verified, and it can't be", ONE, .one.tls = true, .tls = MESSAGE_TLS_VERIFIED,
         .want = 't', .has = {"\"policy\":\"demand\"", "\"asked\":\"verified\""},
         .transit = {TRANSIT_VERIFIED, 0, TRANSIT_DEMAND_NOT_MET}},
        {"optional: what is published does not count", SIGNED DANE "WRONG\n", .one.tls = true,
         .tls = MESSAGE_TLS_OPTIONAL, .want = 'o',
         .has = {"\"policy\":\"none\"", "\"asked\":\"optional\"", "\"proved\":\"nobody\""},
         .transit = {TRANSIT_ENCRYPTED, TRANSIT_TLS_1_3, 0}},
        {"optional: nor a lookup that is forged", SIGNED "_PORT._tcp.one.test BOGUS\n",
         .tls = MESSAGE_TLS_OPTIONAL, .want = 'o', .has = {"\"policy\":\"none\""},
         .transit = {TRANSIT_PLAIN, 0, 0}},
        {"optional, on a route that wants TLS: not offered", ONE, .route = ROUTE_ENCRYPTED,
         .tls = MESSAGE_TLS_OPTIONAL, .want = 't', .has = {"\"policy\":\"demand\""},
         .transit = {TRANSIT_ENCRYPTED, 0, TRANSIT_STARTTLS_NOT_SUPPORTED}},
        {"optional, on a route that wants TLS: broken", ONE, .one.tls = true,
         .one.deaf_hands = true, .route = ROUTE_ENCRYPTED, .tls = MESSAGE_TLS_OPTIONAL, .want = 't',
         .transit = {TRANSIT_ENCRYPTED, 0, TRANSIT_VALIDATION_FAILURE}},
        {"optional, on a route that wants a proof: none", SIGNED, .one.tls = true,
         .route = ROUTE_VERIFIED, .tls = MESSAGE_TLS_OPTIONAL, .want = 't',
         .transit = {TRANSIT_VERIFIED, 0, TRANSIT_CERTIFICATE_NOT_TRUSTED}},
        {"verified, on a route without TLS", SIGNED, .one.tls = true, .route = ROUTE_PLAIN,
         .tls = MESSAGE_TLS_VERIFIED, .want = 't', .has = {"\"policy\":\"demand\""},
         .transit = {0, 0, TRANSIT_DEMAND_NOT_MET}},
        {"not asked", SIGNED DANE "GOOD\n", .one.tls = true,
         .one.tls_ehlo = "250-peer.test\r\n250 REQUIRETLS", .want = 'o', .hasnt = "requiretls",
         .transit = {TRANSIT_DANE, TRANSIT_TLS_1_3, 0}},
    };

    (void)state;
    CHECK_CASES(rows);
}

static void what_an_earlier_host_failed_at_counts(void **state)
{
    static const struct case_ rows[] = {
        {"one does not match, two takes it",
         "$SECURE\n" TWO DANE "WRONG\n_PORT._tcp.two.test TLSA 3 1 1 GOOD\n", .one.tls = true,
         .two.tls = true, .want = 'o',
         .has = {"attempt:{\"host\":\"one.test\"", "delivered:{\"host\":\"two.test\""},
         .transit = {TRANSIT_DANE, TRANSIT_TLS_1_3, TRANSIT_VALIDATION_FAILURE}},
    };

    (void)state;
    CHECK_CASES(rows);
}

/* The next message over the connection has evidence of its own. */
static void a_reused_connection_tells_it_all_again(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, "$SECURE\na.test MX 10 one.test\none.test A 127.0.0.1\n"
                   "$INSECURE\nb.test MX 10 one.test\n");
    w.config.delivery.connections_per_site = 1;
    w.peer[0].script.tls = true;
    world_start(&w);
    world_put(&w, "a.test", 1, BODY);
    world_put(&w, "b.test", 1, BODY);
    world_deliver(&w, "two messages");
    CHECK_EQ("one connection", w.peer[0].connections, 1);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_TRUE(w.outcome[i].detail, strstr(w.outcome[i].detail, "\"sha256\":\"") != NULL);
        CHECK_TRUE(w.outcome[i].detail, strstr(w.outcome[i].detail, "\"cipher\":\"TLS_") != NULL);
        CHECK_EQ("which one", strstr(w.outcome[i].detail, "\"reused\":true") != NULL, i == 1);
    }
    CHECK_TRUE("its MX", strstr(w.outcome[0].detail, "\"dnssec\":{\"mx\":\"secure\"") != NULL);
    CHECK_TRUE("the other's",
               strstr(w.outcome[1].detail, "\"dnssec\":{\"mx\":\"insecure\"") != NULL);
    world_done(&w);
}

/* The chain is good, but there is no name that it could prove. */
static void an_address_proves_nobody(void **state)
{
    struct world w;
    char path[64];

    (void)state;
    world_init(&w, "");
    trust_it(&w, path);
    w.peer[0].script.tls = true;
    world_start(&w);
    world_put(&w, "[127.0.0.1]", 1, BODY);
    world_deliver(&w, "an address");
    CHECK_TRUE(w.outcome[0].detail, strstr(w.outcome[0].detail, "\"proved\":\"nobody\"") != NULL);
    CHECK_TRUE(w.outcome[0].detail,
               strstr(w.outcome[0].detail, "an address has no name to compare") != NULL);
    CHECK_TRUE("no DNS", strstr(w.outcome[0].detail, "dnssec") == NULL);
    unlink(path);
    world_done(&w);
}

static void what_one_host_showed_is_not_the_next_one_s(void **state)
{
    const char *first, *second;
    struct world w;

    (void)state;
    world_init(&w, TWO);
    w.peer[0].script = (struct script){.tls = true, .mail = "^421 no"};
    world_start(&w);
    world_put(&w, "d.test", 1, BODY);
    world_deliver(&w, "TLS, then none");
    first = strstr(w.outcome[0].detail, "certificate");
    second = strstr(w.outcome[0].detail, "delivered:");
    CHECK_TRUE(w.outcome[0].detail, first != NULL && second != NULL && first < second);
    CHECK_TRUE(second, strstr(second, "certificate") == NULL);
    world_done(&w);
}

/* A server that makes everything as long as it can does not get rid of its event. */
static void the_longest_attempt_has_room(void **state)
{
    static const char name[] = "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww."
                               "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww."
                               "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww."
                               "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww";
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(EVENT_MAX);
    struct tls_seen seen = {.version = "TLSv1.3",
                            .cipher = "ECDHE-ECDSA-AES256-GCM-SHA384",
                            .group = "SecP256r1MLKEM768",
                            .matched = true,
                            .names = TLS_NAMES_MAX,
                            .more_names = UINT32_MAX};
    struct attempt a = {.host = name,
                        .address = "2001:db8:1111:2222:3333:4444:5555:6666",
                        .port = 65535,
                        .policy = "mta-sts",
                        .demand = DEMAND_OPPORTUNISTIC,
                        .mx = DNSSEC_INDETERMINATE,
                        .addresses = DNSSEC_INDETERMINATE,
                        .tlsa = DNSSEC_INDETERMINATE,
                        .dane = "addresses of the host are not signed",
                        .seen = &seen,
                        .proved = "certificate",
                        .unproved = "unable to get certificate CRL issuer certificate",
                        .tls_why = "the handshake failed, and nothing requires TLS here",
                        .requiretls = "honoured",
                        .reused = true,
                        .connect_ms = UINT64_MAX,
                        .total_ms = UINT64_MAX,
                        .stage = "STARTTLS",
                        .failure = "no-requiretls",
                        .possibly_repeated = true};
    char reply[REASON_MAX + 1], error[160];

    (void)state;
    memset(seen.sha256, 'f', 64);
    for (size_t i = 0; i < TLS_NAMES_MAX; i++)
        memset(seen.name[i], 'w', TLS_NAME_SIZE - 1);
    memset(reply, '"', REASON_MAX);
    memset(error, 'e', sizeof error - 1);
    reply[REASON_MAX] = error[sizeof error - 1] = '\0';
    a.reason = sgl_view_cstr(reply);
    a.tls_error = error;
    attempt_put(&out, &a);
    CHECK_EQ("it fits", out.status, SGL_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_receiver_demanded),
        cmocka_unit_test(what_nobody_demanded),
        cmocka_unit_test(what_a_route_demanded),
        cmocka_unit_test(what_the_message_demanded),
        cmocka_unit_test(what_an_earlier_host_failed_at_counts),
        cmocka_unit_test(a_reused_connection_tells_it_all_again),
        cmocka_unit_test(an_address_proves_nobody),
        cmocka_unit_test(what_one_host_showed_is_not_the_next_one_s),
        cmocka_unit_test(the_longest_attempt_has_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
