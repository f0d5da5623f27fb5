/* SPDX-License-Identifier: Apache-2.0 */
/* What goes to a zone's server and what its answers mean; the server is played with the same key.  [RFC 2136] [RFC 8945] */
#include "../../server/loop/loop.h"
#include "../../server/update/update_internal.h"
#include "check.h"
#include "fail_alloc.h"

#define SECRET "c2lnaWxsbyBhbmQgaXRzIHpvbmUgc2hhcmUgdGhpcyE="
#define OTHER  "YW5vdGhlciBzZWNyZXQgdGhhdCBub2JvZHkgaGVyZSBrbm93cyE="

static struct config_address server = {.text = "192.0.2.53"};
static const struct config_update to = {.name = "z",
                                        .zone = "a.test",
                                        .server = &server,
                                        .servers = 1,
                                        .key_name = "k1",
                                        .secret = SECRET,
                                        .ttl_s = 60,
                                        .timeout_ms = 1000};

static struct sgl_name name_of(const char *text)
{
    return (struct sgl_name){.text = sgl_view_cstr(text)};
}

static struct update_change change_of(enum sgl_rr type, const char *add)
{
    return (struct update_change){
        .name = name_of("x.a.test"), .type = type, .add = sgl_view_cstr(add)};
}

/* ---- records ---- */

static const struct {
    const char *rule;
    enum sgl_rr type;
    const char *there, *value;
    bool found;
} values[] = {
    {"a text is found however its strings were cut", SGL_RR_TXT, "\"v=spf1 \" \"-all\"",
     "v=spf1 -all", true},
    {"a longer text is another one", SGL_RR_TXT, "\"v=spf1 -all\"", "v=spf1 -all x", false},
    {"a shorter text is another one", SGL_RR_TXT, "\"v=spf1 -all\"", "v=spf1", false},
    {"case counts in a text", SGL_RR_TXT, "\"V=SPF1 -all\"", "v=spf1 -all", false},
    {"an exchange is found in any case", SGL_RR_MX, "10 Mail.B.test.", "10 mail.b.test.", true},
    {"another preference is another exchange", SGL_RR_MX, "20 mail.b.test.", "10 mail.b.test.",
     false},
    {"a null MX is found", SGL_RR_MX, "0 .", "0 .", true},
    {"an alias is found", SGL_RR_CNAME, "b.test.", "b.test.", true},
    {"another alias is not", SGL_RR_CNAME, "c.test.", "b.test.", false},
    {"what is no exchange is not found", SGL_RR_MX, "10 mail.b.test.", "mail.b.test.", false},
    {"a digest is found", SGL_RR_TLSA, "3 1 1 4142", "3 1 1 4142", true},
    {"its hex digits may be of any case", SGL_RR_TLSA, "3 1 1 abcd", "3 1 1 ABCD", true},
    {"a digest that differs in a bit is another, where a letter's case is that bit", SGL_RR_TLSA,
     "3 1 1 4142", "3 1 1 6162", false}, /* [RFC 6698 s2.1.4] */
    {"another usage is another record", SGL_RR_TLSA, "2 1 1 4142", "3 1 1 4142", false},
    {"another selector is another record", SGL_RR_TLSA, "3 0 1 4142", "3 1 1 4142", false},
    {"another matching type is another record", SGL_RR_TLSA, "3 1 2 4142", "3 1 1 4142", false},
    {"half a byte is no digest", SGL_RR_TLSA, "3 1 1 4142", "3 1 1 414", false},
    {"what is not hex is no digest", SGL_RR_TLSA, "3 1 1 4142", "3 1 1 41zz", false},
    {"without a digest there is no record", SGL_RR_TLSA, "3 1 1 4142", "3 1 1 ", false},
    {"a usage above its range is none", SGL_RR_TLSA, "3 1 1 4142", "259 1 1 4142", false},
    {"a preference above its range is no exchange", SGL_RR_MX, "10 b.test.", "65546 b.test.",
     false},
};

static void values_are_found_among_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct update_change c = change_of(values[i].type, "");
        ldns_rr_list *there = ldns_rr_list_new();
        ldns_rr *rr = NULL;
        char line[200];

        snprintf(line, sizeof(line), "x.a.test. 60 IN %s %s", sgl_rr_name(c.type), values[i].there);
        assert_int_equal(ldns_rr_new_frm_str(&rr, line, 0, NULL, NULL), LDNS_STATUS_OK);
        ldns_rr_list_push_rr(there, rr);
        CHECK_TRUE(values[i].rule, (record_find(there, &c, sgl_view_cstr(values[i].value)) == rr) ==
                                       values[i].found);
        ldns_rr_list_deep_free(there);
    }
}

static void long_texts_become_strings_of_255(void **state)
{
    char text[600];
    struct update_change c = change_of(SGL_RR_TXT, "");
    ldns_rr *rr;

    (void)state;
    memset(text, 'k', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    rr = record_new(&c, sgl_view_cstr(text), 5);
    assert_non_null(rr);
    CHECK_EQ("strings", ldns_rr_rd_count(rr), 3);
    CHECK_EQ("the first", ldns_rdf_size(ldns_rr_rdf(rr, 0)), 256);
    CHECK_EQ("the last", ldns_rdf_size(ldns_rr_rdf(rr, 2)), 599 - 510 + 1);
    ldns_rr_free(rr);
}

static void a_digest_is_its_bytes(void **state) /* [RFC 6698 s2.1] */
{
    static const uint8_t data[] = {0x00, 0x41, 0xff};
    struct update_change c = change_of(SGL_RR_TLSA, "");
    ldns_rr *rr = record_new(&c, SGL_LIT("3 1 1 0041ff"), 5);

    (void)state;
    assert_non_null(rr);
    CHECK_EQ("fields", ldns_rr_rd_count(rr), 4);
    for (size_t i = 0; i < 3; i++)
        CHECK_EQ("a number", ldns_rdf_data(ldns_rr_rdf(rr, i))[0], i == 0 ? 3 : 1);
    CHECK_EQ("its length", ldns_rdf_size(ldns_rr_rdf(rr, 3)), 3);
    assert_memory_equal(ldns_rdf_data(ldns_rr_rdf(rr, 3)), data, 3);
    ldns_rr_free(rr);
}

/* ---- answers ---- */

/* The update as it goes out. */
static uint8_t *ask(size_t *len, ldns_rdf **mac)
{
    struct update_change c = change_of(SGL_RR_TXT, "v=spf1 -all");
    ldns_rr_list *wanted = ldns_rr_list_new(), *changes = ldns_rr_list_new();
    ldns_rr *rr = record_new(&c, c.add, 60);
    uint8_t *wire;

    if (rr != NULL)
        ldns_rr_list_push_rr(changes, rr);
    wire = message_update(&to, 7, wanted, changes, len, mac);
    ldns_rr_list_deep_free(wanted);
    ldns_rr_list_deep_free(changes);
    return wire;
}

struct answer {
    uint16_t id;
    ldns_pkt_opcode opcode;
    ldns_pkt_rcode rcode;
    const char *key, *secret; /* NULL: not signed */
    const char *other_mac;    /* signed as an answer to another question */
    uint16_t error;           /* of TSIG */
    int64_t clock;
};

static void set_tsig_error(ldns_pkt *p, const struct answer *a)
{
    ldns_rr *tsig = ldns_pkt_tsig(p);
    uint8_t other[8] = {0, 6};

    for (int i = 0; i < 6; i++)
        other[2 + i] = (uint8_t)((uint64_t)a->clock >> (40 - 8 * i));
    ldns_rdf_deep_free(
        ldns_rr_set_rdf(tsig, ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16, a->error), 5));
    ldns_rdf_deep_free(
        ldns_rr_set_rdf(tsig,
                        ldns_rdf_new_frm_data(LDNS_RDF_TYPE_INT16_DATA, a->clock == 0 ? 2 : 8,
                                              a->clock == 0 ? (uint8_t[]){0, 0} : other),
                        6));
}

static uint8_t *answer(const struct answer *a, const ldns_rdf *mac, size_t *len)
{
    ldns_rr_list *none = ldns_rr_list_new();
    ldns_pkt *p =
        ldns_update_pkt_new(ldns_dname_new_frm_str("a.test"), LDNS_RR_CLASS_IN, NULL, none, NULL);
    ldns_rdf *other = NULL;
    uint8_t *wire = NULL;

    ldns_pkt_set_id(p, a->id);
    ldns_pkt_set_qr(p, true);
    ldns_pkt_set_opcode(p, a->opcode);
    ldns_pkt_set_rcode(p, (uint8_t)a->rcode);
    if (a->other_mac != NULL) {
        other = ldns_rdf_clone(mac);
        ldns_rdf_data(other)[4] ^= 1;
        mac = other;
    }
    if (a->key != NULL)
        assert_int_equal(ldns_pkt_tsig_sign(p, a->key, a->secret, 300, "hmac-sha256.", mac),
                         LDNS_STATUS_OK);
    if (a->error != 0)
        set_tsig_error(p, a);
    assert_int_equal(ldns_pkt2wire(&wire, p, len), LDNS_STATUS_OK);
    ldns_rdf_deep_free(other);
    ldns_pkt_free(p);
    ldns_rr_list_deep_free(none);
    return wire;
}

#define UPDATE LDNS_PACKET_UPDATE
static const struct {
    const char *rule;
    struct answer answer;
    enum update_result want;
    const char *why;
} answers[] = {
    {"signed with our key", {7, UPDATE, 0, "k1", SECRET}, UPDATE_DONE, ""},
    {"not signed", {7, UPDATE, 0}, UPDATE_FAILED, "not signed"},
    {"signed with another secret", {7, UPDATE, 0, "k1", OTHER}, UPDATE_FAILED, "not signed"},
    {"signed with another key", {7, UPDATE, 0, "k2", SECRET}, UPDATE_FAILED, "not signed"},
    {"of another question", {7, UPDATE, 0, "k1", SECRET, "x"}, UPDATE_FAILED, "not signed"},
    {"with another id", {8, UPDATE, 0, "k1", SECRET}, UPDATE_FAILED, "no answer to the update"},
    {"to a query", {7, LDNS_PACKET_QUERY, 0, "k1", SECRET}, UPDATE_FAILED, "no answer to"},
    {"REFUSED", {7, UPDATE, LDNS_RCODE_REFUSED, "k1", SECRET}, UPDATE_REFUSED, "access list"},
    {"NOTAUTH", {7, UPDATE, LDNS_RCODE_NOTAUTH}, UPDATE_REFUSED, "primary server of a.test"},
    {"NOTZONE", {7, UPDATE, LDNS_RCODE_NOTZONE}, UPDATE_REFUSED, "NOTZONE"},
    {"NOTIMP", {7, UPDATE, LDNS_RCODE_NOTIMPL}, UPDATE_REFUSED, "no dynamic updates"},
    {"FORMERR", {7, UPDATE, LDNS_RCODE_FORMERR}, UPDATE_REFUSED, "FORMERR"},
    {"SERVFAIL", {7, UPDATE, LDNS_RCODE_SERVFAIL}, UPDATE_FAILED, "its log says why"},
    {"YXRRSET", {7, UPDATE, LDNS_RCODE_YXRRSET}, UPDATE_CONFLICT, "nothing was changed"},
    {"NXRRSET", {7, UPDATE, LDNS_RCODE_NXRRSET}, UPDATE_CONFLICT, "nothing was changed"},
    {"BADSIG",
     {7, UPDATE, LDNS_RCODE_NOTAUTH, "k1", SECRET, NULL, 16},
     UPDATE_REFUSED,
     "another secret"},
    {"BADKEY",
     {7, UPDATE, LDNS_RCODE_NOTAUTH, "k1", SECRET, NULL, 17},
     UPDATE_REFUSED,
     "does not know the key k1"},
    {"BADTIME with a clock",
     {7, UPDATE, LDNS_RCODE_NOTAUTH, "k1", SECRET, NULL, 18, 1000},
     UPDATE_REFUSED,
     "s behind this machine's"},
    {"BADTIME without one",
     {7, UPDATE, LDNS_RCODE_NOTAUTH, "k1", SECRET, NULL, 18},
     UPDATE_REFUSED,
     "more than 300 s"},
    {"another error of TSIG",
     {7, UPDATE, LDNS_RCODE_NOTAUTH, "k1", SECRET, NULL, 22},
     UPDATE_REFUSED,
     "error 22"},
};

static void only_a_signed_answer_counts(void **state) /* [RFC 8945 s5.3] */
{
    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct update u = {.to = &to, .at = &server, .result = (enum update_result)99};
        ldns_rdf *mac = NULL;
        size_t asked_len = 0, len = 0;
        uint8_t *asked = ask(&asked_len, &mac), *wire = answer(&answers[i].answer, mac, &len);

        message_judge(&u, wire, len, 7, mac);
        CHECK_EQ(answers[i].rule, u.result, answers[i].want);
        CHECK_TRUE(answers[i].rule, strstr(u.why, answers[i].why) != NULL);
        ldns_rdf_deep_free(mac);
        free(asked);
        free(wire);
    }
}

/* Each byte of a good answer turned over: it is never taken for a good one. */
static void a_changed_answer_is_never_good(void **state)
{
    static const struct answer good = {7, UPDATE, 0, "k1", SECRET};
    ldns_rdf *mac = NULL;
    size_t asked_len = 0, len = 0;
    uint8_t *asked = ask(&asked_len, &mac), *wire = answer(&good, mac, &len);
    size_t taken = 0;

    (void)state;
    for (size_t i = 0; i < len; i++) {
        struct update u = {.to = &to, .at = &server, .result = UPDATE_FAILED};

        wire[i] ^= 0x10;
        message_judge(&u, wire, len, 7, mac);
        taken += u.result == UPDATE_DONE;
        wire[i] ^= 0x10;
    }
    for (size_t n = 0; n < len; n++) {
        struct update u = {.to = &to, .at = &server, .result = UPDATE_FAILED};

        message_judge(&u, wire, n, 7, mac);
        taken += u.result == UPDATE_DONE;
    }
    CHECK_EQ("changed answers that count", taken, 0);
    ldns_rdf_deep_free(mac);
    free(asked);
    free(wire);
}

/* ---- nobody there ---- */

static void a_server_that_is_down_is_told(void **state)
{
    static struct update_change c;
    struct config_update down = to;
    struct config_address nobody[2] = {{.text = "192.0.2.1"}, {.text = "192.0.2.2"}};
    struct update u = {.to = &down, .change = &c, .changes = 1};

    (void)state;
    c = change_of(SGL_RR_TXT, "x");
    for (size_t i = 0; i < 2; i++) {
        struct sockaddr_in *in = (struct sockaddr_in *)&nobody[i].addr;

        in->sin_family = AF_INET;
        in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        in->sin_port = htons(1);
        nobody[i].len = sizeof(*in);
    }
    down.server = nobody;
    down.servers = 2;
    update_run(&u);
    CHECK_EQ("result", u.result, UPDATE_FAILED);
    CHECK_STR("each says why", u.why,
              "192.0.2.1: connection refused. 192.0.2.2: connection refused.");
}

static void memory_may_end_while_records_are_made(void **state)
{
    struct update_change c = change_of(SGL_RR_MX, "10 mail.b.test.");

    (void)state;
    for (size_t n = 1; fail_alloc_round(n);) {
        ldns_rr *rr = record_new(&c, c.add, 60);

        CHECK_TRUE("a whole record or none", rr == NULL || ldns_rr_rd_count(rr) == 2);
        ldns_rr_free(rr);
        n++;
    }
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct update_change tlsa = change_of(SGL_RR_TLSA, "3 1 1 4142");
        ldns_rr *rr = record_new(&tlsa, tlsa.add, 60);

        CHECK_TRUE("a whole record or none", rr == NULL || ldns_rr_rd_count(rr) == 4);
        ldns_rr_free(rr);
    }
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct update u = {.to = &to, .change = &c, .changes = 1};

        update_run(&u);
        CHECK_EQ("no server, no memory", u.result, UPDATE_FAILED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_found_among_records),
        cmocka_unit_test(long_texts_become_strings_of_255),
        cmocka_unit_test(a_digest_is_its_bytes),
        cmocka_unit_test(only_a_signed_answer_counts),
        cmocka_unit_test(a_changed_answer_is_never_good),
        cmocka_unit_test(a_server_that_is_down_is_told),
        cmocka_unit_test(memory_may_end_while_records_are_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
