/* SPDX-License-Identifier: Apache-2.0 */
/* Which records a domain here has, by its kind and the operator's settings. */
#include "../../server/setup/request.h"
#include "check.h"

static uint8_t public_key[32] = {1, 2, 3};
static struct selector_key key = {.bytes = public_key, .public_len = sizeof(public_key)};

#define TEXT(s) ((char *)(uintptr_t)(s))

static struct selector selectors[] = {{TEXT("s1"), KEYS_ED25519, true, &key},
                                      {TEXT("s2"), KEYS_ED25519, false, &key}};
static const char *terms[] = {"ip4:192.0.2.1", "include:spf.example.net"};

/* "spf TXT app.test; dkim CNAME s1._domainkey.app.test; ..." of what is published where nothing is yet. */
static void rows_of(const struct domain *d, const struct config *c, struct sgl_buf *out)
{
    struct sgl_arena arena = SGL_ARENA_INIT(256 * 1024);
    struct sgl_setup_request request;
    struct sgl_setup setup;

    assert_int_equal(setup_request(d, c, &arena, &request), SGL_OK);
    assert_int_equal(sgl_setup_rows(&request, &arena, &setup), SGL_OK);
    for (size_t i = 0; i < setup.rows; i++) {
        const struct sgl_setup_row *r = &setup.row[i];
        bool shown = r->type != SGL_RR_TXT || r->purpose == SGL_SETUP_SPF ||
                     r->purpose == SGL_SETUP_OWNERSHIP || r->purpose == SGL_SETUP_MTA_STS;

        sgl_buf_addf(out, "%s%s %.*s", i == 0 ? "" : "; ", sgl_setup_purpose_name(r->purpose),
                     SGL_FMT(r->relative));
        if (shown)
            sgl_buf_addf(out, " = %.*s", SGL_FMT(r->value));
    }
    sgl_arena_done(&arena);
}

static void test_rows(void **state)
{
    static const struct {
        const char *rule;
        enum domain_kind kind;
        const char *return_path;
        const char *policy; /* of MTA-STS, served here */
        bool own;           /* the operator's settings are his own, not the presets */
        const char *want;
    } rows[] = {
        {"a custom domain has all of them", DOMAIN_CUSTOM, "bounces", "", false,
         "ownership mail = sigillo-domain-verification=0123; spf mail = v=spf1 a:mx.host.test "
         "~all; "
         "dkim s1._domainkey.mail; dkim2 s2._domainkey.mail; dmarc _dmarc.mail; "
         "return-mx bounces.mail = 10 mx.host.test.; return-spf bounces.mail; "
         "tls-rpt _smtp._tls.mail"},
        {"what the operator names stands in them", DOMAIN_CUSTOM, "", "", true,
         "ownership mail = sigillo-domain-verification=0123; "
         "spf mail = v=spf1 ip4:192.0.2.1 include:spf.example.net ~all; "
         "dkim s1._domainkey.mail = s1.mail.app.test.keys.host.test.; "
         "dkim2 s2._domainkey.mail = s2.mail.app.test.keys.host.test.; dmarc _dmarc.mail; "
         "mta-sts _mta-sts.mail = v=STSv1; id=1;; mta-sts-host mta-sts.mail = sts.host.test.; "
         "tls-rpt _smtp._tls.mail"},
        {"a policy that is served here has its id and its host", DOMAIN_CUSTOM, "", "abc", false,
         "ownership mail = sigillo-domain-verification=0123; spf mail = v=spf1 a:mx.host.test "
         "~all; dkim s1._domainkey.mail; dkim2 s2._domainkey.mail; dmarc _dmarc.mail; "
         "mta-sts _mta-sts.mail = v=STSv1; id=ba7816bf8f01cfea4141;; "
         "mta-sts-host mta-sts.mail = mx.host.test.; tls-rpt _smtp._tls.mail"},
        {"at the host that the operator names for policies", DOMAIN_CUSTOM, "", "abc", true,
         "ownership mail = sigillo-domain-verification=0123; "
         "spf mail = v=spf1 ip4:192.0.2.1 include:spf.example.net ~all; "
         "dkim s1._domainkey.mail = s1.mail.app.test.keys.host.test.; "
         "dkim2 s2._domainkey.mail = s2.mail.app.test.keys.host.test.; dmarc _dmarc.mail; "
         "mta-sts _mta-sts.mail = v=STSv1; id=ba7816bf8f01cfea4141;; "
         "mta-sts-host mta-sts.mail = sts.host.test.; tls-rpt _smtp._tls.mail"},
        {"a managed one has what its zone's owner publishes", DOMAIN_MANAGED, "", "x", false,
         "spf mail = v=spf1 a:mx.host.test ~all; dkim s1._domainkey.mail; "
         "dkim2 s2._domainkey.mail; dmarc _dmarc.mail"},
        {"a parked one says that there is no mail", DOMAIN_PARKED, "", "x", false,
         "spf mail = v=spf1 -all; dmarc _dmarc.mail; null-mx mail = 0 .; dkim *._domainkey.mail"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config c = {.hostname = "mx.host.test"};
        struct domain d = {.name = TEXT("mail.app.test"),
                           .kind = rows[i].kind,
                           .token = TEXT("0123"),
                           .return_path = TEXT(rows[i].return_path),
                           .sts_policy = TEXT(rows[i].policy),
                           .selector = selectors,
                           .selectors = rows[i].kind == DOMAIN_PARKED ? 0 : 2};
        struct sgl_buf got = SGL_BUF_INIT(8192);

        if (rows[i].own) {
            c.domains.spf = terms;
            c.domains.spfs = 2;
            c.domains.dkim_zone = "keys.host.test";
            c.domains.sts_host = "sts.host.test";
        }
        rows_of(&d, &c, &got);
        CHECK_VIEW(rows[i].rule, sgl_buf_view(&got), sgl_view_cstr(rows[i].want));
        sgl_buf_done(&got);
    }
}

static void test_no_memory(void **state)
{
    struct config c = {.hostname = "mx.host.test"};
    struct domain d = {.name = TEXT("mail.app.test"),
                       .token = TEXT("0123"),
                       .return_path = TEXT("bounces"),
                       .selector = selectors,
                       .selectors = 2};
    struct sgl_setup_request request;

    (void)state;
    for (size_t room = 0; room < 4096; room += 16) {
        struct sgl_arena arena = SGL_ARENA_INIT(room);
        enum sgl_status status = setup_request(&d, &c, &arena, &request);

        CHECK_TRUE("an arena that is full is told", status == SGL_OK || status == SGL_E_LIMIT);
        sgl_arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
