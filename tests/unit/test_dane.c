/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/dane.h"

#include "check.h"
#include "dns_fixture.h"
#include "fail_alloc.h"
#include "sigillo/buf.h"
#include "sigillo/limits.h"

#define H256 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define H512 H256 H256
#define T25  "_25._tcp.mx.test "

static enum sgl_status check_dane(struct dns_fixture *fx, enum dns_driver driver,
                                  const struct sgl_dane_request *request, struct sgl_arena *arena,
                                  struct sgl_dane *out)
{
    enum sgl_status st;

    for (int passes = 0; (st = sgl_dane_check(request, &fx->dns, arena, out)) == SGL_NEED_DNS;
         passes++) {
        CHECK_TRUE("passes are bounded", passes < 6);
        CHECK_EQ("scratch memory goes back", arena->used, 0);
        CHECK_EQ("nothing leaks out of a pending pass", out->level, 99);
        dns_fixture_step(fx, driver);
    }
    return st;
}

/* Records as "311 200 ": usage, selector, matching. */
static void put_records(const struct sgl_dane *dane, struct sgl_buf *out)
{
    for (size_t i = 0; i < dane->tlsas; i++)
        sgl_buf_addf(out, "%s%u%u%u", i == 0 ? "" : " ", dane->tlsa[i].usage,
                     dane->tlsa[i].selector, dane->tlsa[i].matching);
}

struct row {
    const char *name, *zone;
    enum sgl_dane_addresses addresses;
    enum sgl_dane_level level;
    const char *base, *records;
};

static const struct row rows[] = {
    /* The table of RFC 7672 s2.2. */
    {"secure and usable: authenticate", "$SECURE\nA 192.0.2.1\n" T25 "TLSA 3 1 1 " H256,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_AUTHENTICATE, "mx.test", "311"},
    {"secure, all unusable: encrypt [RFC 7672 s2.2]",
     "$SECURE\nA 192.0.2.1\n" T25 "TLSA 1 1 1 " H256, SGL_DANE_ADDRESSES_OK, SGL_DANE_ENCRYPT,
     "mx.test", ""},
    {"secure denial, no name: none", "$SECURE\nA 192.0.2.1", SGL_DANE_ADDRESSES_OK, SGL_DANE_NONE,
     "mx.test", ""},
    {"secure denial, no data: none", "$SECURE\nA 192.0.2.1\n" T25 "NODATA", SGL_DANE_ADDRESSES_OK,
     SGL_DANE_NONE, "mx.test", ""},
    {"insecure denial: none", "$SECURE\nA 192.0.2.1\n$INSECURE\n" T25 "NODATA",
     SGL_DANE_ADDRESSES_OK, SGL_DANE_NONE, "mx.test", ""},
    {"insecure records: none", "$SECURE\nA 192.0.2.1\n$INSECURE\n" T25 "TLSA 3 1 1 " H256,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_NONE, "mx.test", ""},
    {"SERVFAIL of the lookup is never no records [RFC 7672 s2.1.2]",
     "$SECURE\nA 192.0.2.1\n" T25 "SERVFAIL", SGL_DANE_ADDRESSES_OK, SGL_DANE_LOOKUP_ERROR,
     "mx.test", ""},
    {"a timeout of the lookup is never no records", "$SECURE\nA 192.0.2.1\n" T25 "TIMEOUT",
     SGL_DANE_ADDRESSES_OK, SGL_DANE_LOOKUP_ERROR, "mx.test", ""},
    {"forged records are never no records", "$SECURE\nA 192.0.2.1\n" T25 "BOGUS",
     SGL_DANE_ADDRESSES_OK, SGL_DANE_LOOKUP_ERROR, "mx.test", ""},

    /* Addresses first. [RFC 7672 s2.2.2] */
    {"unsigned addresses: TLSA is not even asked for", "A 192.0.2.1\n$SECURE\n" T25 "SERVFAIL",
     SGL_DANE_ADDRESSES_OK, SGL_DANE_NONE, "mx.test", ""},
    {"no address", "$SECURE\nNODATA\n" T25 "TLSA 3 1 1 " H256, SGL_DANE_ADDRESSES_NONE,
     SGL_DANE_NONE, "mx.test", ""},
    {"no such host", "$SECURE\nNXDOMAIN", SGL_DANE_ADDRESSES_NONE, SGL_DANE_NONE, "mx.test", ""},
    {"both families fail", "SERVFAIL", SGL_DANE_ADDRESSES_FAILED, SGL_DANE_LOOKUP_ERROR, "mx.test",
     ""},
    {"one fails, the other has none: nothing is known", "SERVFAIL AAAA\nNODATA A",
     SGL_DANE_ADDRESSES_FAILED, SGL_DANE_LOOKUP_ERROR, "mx.test", ""},
    {"one fails, the other is used", "$SECURE\nSERVFAIL AAAA\nA 192.0.2.1\n" T25 "TLSA 3 1 1 " H256,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_AUTHENTICATE, "mx.test", "311"},
    {"forged addresses", "BOGUS", SGL_DANE_ADDRESSES_FAILED, SGL_DANE_LOOKUP_ERROR, "mx.test", ""},
    {"an unsigned family hides nothing",
     "AAAA 2001:db8::1\n$SECURE\nA 192.0.2.1\n" T25 "TLSA 3 1 1 " H256, SGL_DANE_ADDRESSES_OK,
     SGL_DANE_AUTHENTICATE, "mx.test", "311"},

    /* Aliases of the host. [RFC 7672 s2.2.2, s2.2.3] */
    {"secure alias: the expanded name first",
     "$SECURE\nCNAME real.test\nreal.test A 192.0.2.1\n_25._tcp.real.test TLSA 3 1 1 " H256 "\n" T25
     "TLSA 2 0 1 " H256,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_AUTHENTICATE, "real.test", "311"},
    {"secure alias: then the original name",
     "$SECURE\nCNAME real.test\nreal.test A 192.0.2.1\n" T25 "TLSA 2 0 1 " H256,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_AUTHENTICATE, "mx.test", "201"},
    {"secure alias: an error at the expanded name is an error",
     "$SECURE\nCNAME real.test\nreal.test A 192.0.2.1\n_25._tcp.real.test SERVFAIL\n" T25
     "TLSA 2 0 1 " H256,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_LOOKUP_ERROR, "mx.test", ""},
    {"secure alias: unusable records at the expanded name decide",
     "$SECURE\nCNAME real.test\nreal.test A 192.0.2.1\n_25._tcp.real.test TLSA 0 0 1 " H256 "\n" T25
     "TLSA 2 0 1 " H256,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_ENCRYPT, "real.test", ""},
    {"secure alias: insecure records at the expanded name are passed over",
     "$SECURE\nCNAME real.test\nreal.test A 192.0.2.1\n$INSECURE\n_25._tcp.real.test TLSA 3 1 "
     "1 " H256 "\n$SECURE\n" T25 "TLSA 2 0 1 " H256,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_AUTHENTICATE, "mx.test", "201"},
    {"intermediate names are never asked",
     "$SECURE\nCNAME mid.test\nmid.test CNAME real.test\nreal.test A 192.0.2.1\n_25._tcp.mid.test "
     "TLSA 3 1 1 " H256,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_NONE, "mx.test", ""},
    {"signed alias to an unsigned host: the original name",
     "$SECURE\nCNAME real.test\n" T25 "TLSA 3 1 1 " H256
     "\n$INSECURE\nreal.test A 192.0.2.1\n_25._tcp.real.test TLSA 2 0 1 " H256,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_AUTHENTICATE, "mx.test", "311"},
    {"unsigned alias: none",
     "CNAME real.test\n$SECURE\nreal.test A 192.0.2.1\n_25._tcp.real.test TLSA 3 1 1 " H256 "\n" T25
     "TLSA 3 1 1 " H256,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_NONE, "mx.test", ""},
    {"alias of which the start can't be looked up",
     "SERVFAIL CNAME\nCNAME real.test\nreal.test A 192.0.2.1", SGL_DANE_ADDRESSES_OK,
     SGL_DANE_LOOKUP_ERROR, "mx.test", ""},
    {"the records may be an alias; the base stays [RFC 7672 s2.2.3]",
     "$SECURE\nA 192.0.2.1\n" T25 "CNAME t._dane.test\nt._dane.test TLSA 2 0 1 " H256,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_AUTHENTICATE, "mx.test", "201"},
    {"the records are an alias into an unsigned zone",
     "$SECURE\nA 192.0.2.1\n" T25 "CNAME t._dane.test\n$INSECURE\nt._dane.test TLSA 2 0 1 " H256,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_NONE, "mx.test", ""},

    /* Usable or not. [RFC 7672 s3.1, RFC 6698 s2.1] */
    {"PKIX usages are not mapped [RFC 7218 s2.1; RFC 7672 s3.1.3]",
     "$SECURE\nA 192.0.2.1\n" T25 "TLSA 0 0 1 " H256 "\n" T25 "TLSA 1 1 1 " H256,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_ENCRYPT, "mx.test", ""},
    {"usage 255", "$SECURE\nA 192.0.2.1\n" T25 "TLSA 255 1 1 " H256, SGL_DANE_ADDRESSES_OK,
     SGL_DANE_ENCRYPT, "mx.test", ""},
    {"a digest of 31 bytes",
     "$SECURE\nA 192.0.2.1\n" T25
     "TLSA 3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddee",
     SGL_DANE_ADDRESSES_OK, SGL_DANE_ENCRYPT, "mx.test", ""},
    {"a SHA-512 as long as a SHA-256", "$SECURE\nA 192.0.2.1\n" T25 "TLSA 3 1 2 " H256,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_ENCRYPT, "mx.test", ""},
    {"an unknown selector [RFC 7218 s2.2]", "$SECURE\nA 192.0.2.1\n" T25 "TLSA 3 2 1 " H256,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_ENCRYPT, "mx.test", ""},
    {"an unknown digest [RFC 7218 s2.3]", "$SECURE\nA 192.0.2.1\n" T25 "TLSA 3 1 3 " H256,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_ENCRYPT, "mx.test", ""},
    {"no data at all", "$SECURE\nA 192.0.2.1\n" T25 "RAW TLSA 030100", SGL_DANE_ADDRESSES_OK,
     SGL_DANE_ENCRYPT, "mx.test", ""},
    {"a full key that is cut short", "$SECURE\nA 192.0.2.1\n" T25 "TLSA 3 1 0 30040201ff",
     SGL_DANE_ADDRESSES_OK, SGL_DANE_ENCRYPT, "mx.test", ""},
    {"a full key with more behind it", "$SECURE\nA 192.0.2.1\n" T25 "TLSA 3 1 0 30030201ff00",
     SGL_DANE_ADDRESSES_OK, SGL_DANE_ENCRYPT, "mx.test", ""},
    {"a full key that is no DER", "$SECURE\nA 192.0.2.1\n" T25 "TLSA 3 1 0 04030201ff",
     SGL_DANE_ADDRESSES_OK, SGL_DANE_ENCRYPT, "mx.test", ""},
    {"malformed records still say TLS", "$SECURE\nA 192.0.2.1\n" T25 "RAW TLSA 0301",
     SGL_DANE_ADDRESSES_OK, SGL_DANE_ENCRYPT, "mx.test", ""},
    {"one usable among others is enough",
     "$SECURE\nA 192.0.2.1\n" T25 "TLSA 1 1 1 " H256 "\n" T25 "TLSA 3 1 1 " H256,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_AUTHENTICATE, "mx.test", "311"},

    /* Digest agility. [RFC 7671 s9] */
    {"the strongest digest only",
     "$SECURE\nA 192.0.2.1\n" T25 "TLSA 3 1 1 " H256 "\n" T25 "TLSA 3 1 2 " H512,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_AUTHENTICATE, "mx.test", "312"},
    {"per selector", "$SECURE\nA 192.0.2.1\n" T25 "TLSA 3 0 1 " H256 "\n" T25 "TLSA 3 1 2 " H512,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_AUTHENTICATE, "mx.test", "301 312"},
    {"per usage", "$SECURE\nA 192.0.2.1\n" T25 "TLSA 2 1 1 " H256 "\n" T25 "TLSA 3 1 2 " H512,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_AUTHENTICATE, "mx.test", "211 312"},
    {"a full key always stays",
     "$SECURE\nA 192.0.2.1\n" T25 "TLSA 3 1 0 30030201ff\n" T25 "TLSA 3 1 1 " H256,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_AUTHENTICATE, "mx.test", "310 311"},
    {"a broken stronger digest outdoes nothing",
     "$SECURE\nA 192.0.2.1\n" T25 "TLSA 3 1 1 " H256 "\n" T25 "TLSA 3 1 2 " H256,
     SGL_DANE_ADDRESSES_OK, SGL_DANE_AUTHENTICATE, "mx.test", "311"},
};

static void table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];

        for (int driver = 0; driver < DNS_DRIVERS; driver++) {
            sgl_auto(dns_fixture) fx = dns_fixture_init("mx.test", row->zone);
            sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
            sgl_auto(sgl_buf) records = SGL_BUF_INIT(1000);
            struct sgl_name domain = dns_fixture_name(&fx, "d.test");
            struct sgl_dane_request request = {fx.name, 25, true, true, domain, domain, true};
            struct sgl_dane dane = {.level = (enum sgl_dane_level)99};

            CHECK_EQ(row->name, check_dane(&fx, (enum dns_driver)driver, &request, &arena, &dane),
                     SGL_OK);
            CHECK_EQ(row->name, dane.addresses_state, row->addresses);
            CHECK_EQ(row->name, dane.level, row->level);
            CHECK_VIEW(row->name, dane.base.text, sgl_view_cstr(row->base));
            put_records(&dane, &records);
            CHECK_VIEW(row->name, sgl_buf_view(&records), sgl_view_cstr(row->records));
            CHECK_EQ(row->name, dane.addresses > 0, row->addresses == SGL_DANE_ADDRESSES_OK);
            CHECK_EQ(row->name, dane.domain_protected, row->level == SGL_DANE_AUTHENTICATE);
            CHECK_TRUE(row->name, dane.why != NULL && dane.why[0] != 0);
            CHECK_TRUE(row->name, fx.asked <= 5);
        }
    }
}

/* [RFC 7672 s3.2.2] */
static void reference_identities(void **state)
{
    static const struct {
        const char *name, *domain, *canonical;
        bool mx_secure;
        const char *want;
    } cases[] = {
        {"base and domain", "d.test", "d.test", true, "mx.test d.test"},
        {"and the domain's alias", "d.test", "e.test", true, "mx.test d.test e.test"},
        {"insecure MX: the host only", "d.test", "e.test", false, "mx.test"},
        {"a domain that is its own host", "mx.test", "mx.test", true, "mx.test"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(dns_fixture) fx =
            dns_fixture_init("mx.test", "$SECURE\nA 192.0.2.1\n" T25 "TLSA 2 0 1 " H256);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
        sgl_auto(sgl_buf) names = SGL_BUF_INIT(1000);
        struct sgl_dane_request request = {fx.name,
                                           25,
                                           true,
                                           true,
                                           dns_fixture_name(&fx, cases[i].domain),
                                           dns_fixture_name(&fx, cases[i].canonical),
                                           cases[i].mx_secure};
        struct sgl_dane dane = {.level = (enum sgl_dane_level)99};

        CHECK_EQ(cases[i].name, check_dane(&fx, DNS_ALL_AT_ONCE, &request, &arena, &dane), SGL_OK);
        for (size_t n = 0; n < dane.names; n++)
            sgl_buf_addf(&names, "%s%.*s", n == 0 ? "" : " ", SGL_FMT(dane.name[n].text));
        CHECK_VIEW(cases[i].name, sgl_buf_view(&names), sgl_view_cstr(cases[i].want));
        CHECK_EQ(cases[i].name, dane.level, SGL_DANE_AUTHENTICATE);
        CHECK_EQ(cases[i].name, dane.domain_protected, cases[i].mx_secure);
    }
}

static void ports_and_families(void **state)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init(
        "mx.test",
        "$SECURE\nA 192.0.2.2\nA 192.0.2.1\nAAAA 2001:db8::1\n_2525._tcp.mx.test TLSA 3 1 1 " H256);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
    struct sgl_dane_request request = {fx.name, 2525, true, true, fx.name, fx.name, true};
    struct sgl_dane dane = {.level = (enum sgl_dane_level)99};

    (void)state;
    CHECK_EQ("check", check_dane(&fx, DNS_ALL_AT_ONCE, &request, &arena, &dane), SGL_OK);
    CHECK_EQ("the port is in the name", dane.level, SGL_DANE_AUTHENTICATE);
    CHECK_EQ("all addresses", dane.addresses, 3);
    CHECK_EQ("IPv6 first", dane.address[0].version, 6);
    CHECK_EQ("then sorted", dane.address[1].bytes[3], 1);
    request.ipv6 = false;
    CHECK_EQ("check", sgl_dane_check(&request, &fx.dns, &arena, &dane), SGL_OK);
    CHECK_EQ("one family only", dane.addresses, 2);
    CHECK_EQ("the time to live", dane.ttl_s, 300);
    request.ipv4 = false;
    CHECK_EQ("no family is the caller's bug", sgl_dane_check(&request, &fx.dns, &arena, &dane),
             SGL_E_MISUSE);
}

static void floods_are_cut(void **state)
{
    sgl_auto(sgl_buf) zone = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);

    (void)state;
    sgl_buf_add_cstr(&zone, "$SECURE\n");
    for (int i = 0; i < 100; i++)
        sgl_buf_addf(&zone, "A 192.0.2.%d\nAAAA 2001:db8::%d\n" T25 "TLSA 3 1 1 %064d\n", i, i, i);
    {
        sgl_auto(dns_fixture) fx = dns_fixture_init("mx.test", sgl_cstr(&zone));
        struct sgl_dane_request request = {fx.name, 25, true, true, fx.name, fx.name, true};
        struct sgl_dane dane = {.level = (enum sgl_dane_level)99};

        CHECK_EQ("check", check_dane(&fx, DNS_ALL_AT_ONCE, &request, &arena, &dane), SGL_OK);
        CHECK_EQ("addresses", dane.addresses, SGL_LIMIT_MX_ADDRESSES);
        CHECK_EQ("half of each family", dane.address[SGL_LIMIT_MX_ADDRESSES / 2].version, 4);
        CHECK_EQ("records", dane.tlsas, SGL_LIMIT_TLSA_RECORDS);
        CHECK_EQ("records published", dane.tlsa_published, 100);
    }
}

static void out_of_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct dns_fixture fx;
        struct sgl_arena arena = SGL_ARENA_INIT(100000);
        struct sgl_dane dane = {.level = (enum sgl_dane_level)99};
        enum sgl_status st;

        fail_alloc_off();
        fx = dns_fixture_init("mx.test", "$SECURE\nA 192.0.2.1\n" T25 "TLSA 3 1 1 " H256);
        fail_alloc_on();
        {
            struct sgl_dane_request request = {fx.name, 25, true, true, fx.name, fx.name, true};

            while ((st = sgl_dane_check(&request, &fx.dns, &arena, &dane)) == SGL_NEED_DNS)
                dns_fixture_answer(&fx);
        }
        CHECK_TRUE("no memory never means no DANE", st == SGL_E_NOMEM ||
                                                        dane.level == SGL_DANE_AUTHENTICATE ||
                                                        dane.level == SGL_DANE_LOOKUP_ERROR);
        CHECK_TRUE("no memory is a status", st == SGL_OK || fail_alloc_hit());
        sgl_arena_done(&arena);
        dns_fixture_done(&fx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(reference_identities),
        cmocka_unit_test(ports_and_families),
        cmocka_unit_test(floods_are_cut),
        cmocka_unit_test(out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
