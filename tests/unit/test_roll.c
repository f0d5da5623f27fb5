/* SPDX-License-Identifier: Apache-2.0 */
/* When another key may be shown.  [RFC 7671 s8.1] */
#include "../../server/certs/roll.h"
#include "check.h"
#include "tls_fixture.h"

static void what_is_published_first_is_shown_later(void **state)
{
    static const struct {
        const char *rule;
        enum roll_seen seen;
        uint32_t ttl_s, ttl_before_s;
        int64_t since_s, old_expires_s;
        enum roll_do want;
        int64_t then_since_s, until_s;
    } rows[] = {
        {"nobody proves it", ROLL_NONE, 0, 0, 0, 9000, ROLL_TAKE, 0, 9000},
        {"its record is not there", ROLL_OTHERS, 60, 0, 0, 9000, ROLL_PUBLISH, 0, 9000},
        {"its record is gone again", ROLL_OTHERS, 60, 60, 500, 9000, ROLL_PUBLISH, 0, 9000},
        {"it could not be asked", ROLL_UNKNOWN, 0, 0, 0, 9000, ROLL_ASK, 0, 9000},
        {"what was seen is not unseen by silence", ROLL_UNKNOWN, 0, 60, 500, 9000, ROLL_ASK, 500,
         9000},
        {"silence takes nothing, however long", ROLL_UNKNOWN, 0, 60, 1, 9000, ROLL_ASK, 1, 9000},
        {"seen for the first time", ROLL_MATCHES, 60, 0, 0, 9000, ROLL_SETTLE, 1000, 1120},
        {"seen for less than twice the TTL", ROLL_MATCHES, 60, 60, 881, 9000, ROLL_SETTLE, 881,
         1001},
        {"seen for twice the TTL", ROLL_MATCHES, 60, 60, 880, 9000, ROLL_TAKE, 880, 9000},
        {"the longest TTL counts", ROLL_MATCHES, 10, 100, 880, 9000, ROLL_SETTLE, 880, 1080},
        {"a longer one that comes later", ROLL_MATCHES, 100, 10, 880, 9000, ROLL_SETTLE, 880, 1080},
        {"the old one ends before", ROLL_MATCHES, 600, 0, 0, 1100, ROLL_SETTLE, 1000, 1100},
        {"the old one is over", ROLL_OTHERS, 60, 0, 0, 1000, ROLL_TAKE, 0, 1000},
        {"over, and nothing can be asked", ROLL_UNKNOWN, 60, 0, 0, 999, ROLL_TAKE, 0, 999},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct roll r = {.since_s = rows[i].since_s, .ttl_s = rows[i].ttl_before_s};
        struct roll_facts f = {rows[i].seen, rows[i].ttl_s, 1000, rows[i].old_expires_s};
        int64_t until_s = 0;

        CHECK_EQ(rows[i].rule, roll_decide(&r, &f, &until_s), rows[i].want);
        CHECK_EQ(rows[i].rule, r.since_s, rows[i].then_since_s);
        CHECK_EQ(rows[i].rule, until_s, rows[i].until_s);
    }
}

static void what_a_host_says(void **state)
{
    static struct made_pair own, other;
    uint8_t wrong[32] = {1};
    char why[200];
    struct tls_pair *pair;
    struct sgl_dns_rr rr[2];
    struct sgl_dns_answer a = {.outcome = SGL_DNS_OK, .security = SGL_DNS_SECURE, .rr = rr};
    sgl_view right;

    (void)state;
    make_certificate(&own, "a.test", 86400);
    make_certificate(&other, "a.test", 86400);
    right = sgl_view_of(own.spki_sha256, 32);
    pair = tls_pair_new(sgl_view_cstr(own.certificate), sgl_view_cstr(own.key), why, sizeof why);
    CHECK_TRUE(why, pair != NULL);
    rr[0].tlsa = (struct sgl_tlsa){3, 1, 1, sgl_view_of(wrong, 32)};
    rr[1].tlsa = (struct sgl_tlsa){3, 1, 1, right};
    a.count = 2;
    CHECK_EQ("one of two", roll_look(&a, pair, NULL), ROLL_MATCHES);
    CHECK_EQ("by the hash", roll_look(&a, NULL, own.spki_sha256), ROLL_MATCHES);
    CHECK_EQ("of another", roll_look(&a, NULL, other.spki_sha256), ROLL_OTHERS);
    a.count = 1;
    CHECK_EQ("none of them", roll_look(&a, pair, NULL), ROLL_OTHERS);
    a.security = SGL_DNS_INSECURE;
    CHECK_EQ("what is not secure proves nothing", roll_look(&a, pair, NULL), ROLL_NONE);
    a.security = SGL_DNS_SECURE;
    rr[0].tlsa = (struct sgl_tlsa){1, 1, 1, right};
    CHECK_EQ("a usage that is not for mail [RFC 7672 s3.1.3]", roll_look(&a, pair, NULL),
             ROLL_NONE);
    rr[0].tlsa = (struct sgl_tlsa){2, 1, 1, right};
    CHECK_EQ("usage 2 is not the server's own", roll_look(&a, pair, NULL), ROLL_OTHERS);
    rr[0].tlsa = (struct sgl_tlsa){3, 0, 1, right};
    CHECK_EQ("another selector", roll_look(&a, pair, NULL), ROLL_OTHERS);
    a.count = 0;
    a.outcome = SGL_DNS_NXDOMAIN;
    CHECK_EQ("there are none", roll_look(&a, pair, NULL), ROLL_NONE);
    a.outcome = SGL_DNS_FAILED;
    CHECK_EQ("a failed lookup is not none", roll_look(&a, pair, NULL), ROLL_UNKNOWN);
    a.outcome = SGL_DNS_BOGUS;
    CHECK_EQ("nor is a forged one", roll_look(&a, pair, NULL), ROLL_UNKNOWN);
    tls_pair_unref(pair);
}

static void a_pair_is_the_same_after_it_was_written(void **state)
{
    static struct made_pair own;
    struct sgl_buf certificate = SGL_BUF_INIT(8192), key = SGL_BUF_INIT(8192);
    struct tls_pair *pair, *again;
    char why[200];

    (void)state;
    make_certificate(&own, "a.test", 86400);
    pair = tls_pair_new(sgl_view_cstr(own.certificate), sgl_view_cstr(own.key), why, sizeof why);
    CHECK_TRUE("written", tls_pair_export(pair, &certificate, &key));
    again = tls_pair_new(sgl_buf_view(&certificate), sgl_buf_view(&key), why, sizeof why);
    CHECK_TRUE(why, again != NULL);
    CHECK_TRUE("the same", X509_cmp(tls_pair_x509(pair), tls_pair_x509(again)) == 0);
    tls_pair_unref(pair);
    tls_pair_unref(again);
    sgl_buf_done(&certificate);
    sgl_buf_done(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_published_first_is_shown_later),
        cmocka_unit_test(what_a_host_says),
        cmocka_unit_test(a_pair_is_the_same_after_it_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
