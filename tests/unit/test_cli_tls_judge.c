/* SPDX-License-Identifier: Apache-2.0 */
/* What a delivery would make of what was seen: a row is one host with one address. */
#include <openssl/x509_vfy.h>
#include <string.h>

#include "../../cli/tls_check.h"
#include "check.h"
#include "fail_alloc.h"
#include "sigillo/ascii.h"

#define D32     "0123456789abcdef0123456789abcdef"
#define NOW     1800000000
#define NO_ROOT X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY

enum {
    NO_POLICY = -1,
    NONE = SGL_MTA_STS_MODE_NONE,
    TESTING = SGL_MTA_STS_TESTING,
    ENFORCE = SGL_MTA_STS_ENFORCE
};

struct row {
    const char *rule;
    /* published */
    enum sgl_dane_level dane;
    int mode;
    bool unlisted;
    /* seen */
    enum tls_probe_end end;
    int verified, chain;
    bool misnamed;
    int days; /* that the certificate still has; 0: 90 */
    /* wanted */
    enum tls_level level;
    const char *result;
    enum tls_transit transit;
    const char *codes; /* of the findings, in their order, as far as they are not of the survey */
    bool unsigned_mx;
};

#define NOT  SGL_DANE_NONE
#define AUTH SGL_DANE_AUTHENTICATE
#define L_O  TLS_LEVEL_OPPORTUNISTIC
#define L_S  TLS_LEVEL_MTA_STS
#define L_D  TLS_LEVEL_DANE

static const struct row rows[] = {
    {"nothing published: whatever it is", NOT, NO_POLICY, false, TLS_PROBE_DONE, 0, 0, false, 0,
     L_O, "ok", TLS_ENCRYPTED, ""},
    {"nothing published, self-signed: all the same", NOT, NO_POLICY, false, TLS_PROBE_DONE, 0,
     NO_ROOT, false, 0, L_O, "ok", TLS_ENCRYPTED, "certificate-unproved"},
    {"nothing published, no STARTTLS: plain", NOT, NO_POLICY, false, TLS_PROBE_NO_STARTTLS, 0, 0,
     false, 0, TLS_LEVEL_NONE, "starttls-not-supported", TLS_PLAIN, "starttls-missing"},
    {"nothing published, STARTTLS refused: plain", NOT, NO_POLICY, false, TLS_PROBE_REFUSED, 0, 0,
     false, 0, TLS_LEVEL_NONE, "starttls-not-supported", TLS_PLAIN, "starttls-refused"},
    {"nothing published, the handshake fails: plain", NOT, NO_POLICY, false, TLS_PROBE_HANDSHAKE, 0,
     0, false, 0, TLS_LEVEL_NONE, "validation-failure", TLS_PLAIN, "tls-handshake-failed"},
    {"who does not answer gets nothing", NOT, NO_POLICY, false, TLS_PROBE_UNREACHABLE, 0, 0, false,
     0, L_O, "unreachable", TLS_DEFERRED, "host-unreachable"},
    {"who speaks no SMTP gets nothing", NOT, NO_POLICY, false, TLS_PROBE_NO_SMTP, 0, 0, false, 0,
     L_O, "no-smtp", TLS_DEFERRED, "host-no-smtp"},
    {"what this machine could not do is not known", NOT, NO_POLICY, false, TLS_PROBE_LOCAL, 0, 0,
     false, 0, L_O, "not-checked", TLS_UNKNOWN, ""},

    {"a TLSA record matches [RFC 7672 s2.2]", AUTH, NO_POLICY, false, TLS_PROBE_DONE, 0, 0, false,
     0, L_D, "ok", TLS_BY_DANE, "dane-single-record"},
    {"under DANE nobody needs an authority", AUTH, NO_POLICY, false, TLS_PROBE_DONE, 0, NO_ROOT,
     true, 0, L_D, "ok", TLS_BY_DANE, "dane-single-record"},
    {"nor an unexpired certificate, by usage 3 [RFC 7672 s3.1.1]", AUTH, NO_POLICY, false,
     TLS_PROBE_DONE, 0, X509_V_ERR_CERT_HAS_EXPIRED, false, -3, L_D, "ok", TLS_BY_DANE,
     "dane-single-record dane-certificate-expired"},
    {"no TLSA record matches: never in plain", AUTH, NO_POLICY, false, TLS_PROBE_DONE,
     X509_V_ERR_DANE_NO_MATCH, 0, false, 0, L_D, "validation-failure", TLS_DEFERRED,
     "dane-no-match"},
    {"DANE-TA of another name", AUTH, NO_POLICY, false, TLS_PROBE_DONE,
     X509_V_ERR_HOSTNAME_MISMATCH, 0, false, 0, L_D, "certificate-host-mismatch", TLS_DEFERRED,
     "dane-no-match"},
    {"TLSA records and no STARTTLS: never in plain", AUTH, NO_POLICY, false, TLS_PROBE_NO_STARTTLS,
     0, 0, false, 0, L_D, "starttls-not-supported", TLS_DEFERRED, "starttls-missing"},
    {"TLSA records and a failing handshake", AUTH, NO_POLICY, false, TLS_PROBE_HANDSHAKE, 0, 0,
     false, 0, L_D, "validation-failure", TLS_DEFERRED, "tls-handshake-failed"},
    {"no record can be used: encrypted, nobody proved", SGL_DANE_ENCRYPT, NO_POLICY, false,
     TLS_PROBE_DONE, 0, NO_ROOT, true, 0, L_D, "ok", TLS_ENCRYPTED, ""},
    {"no record can be used, and no STARTTLS", SGL_DANE_ENCRYPT, NO_POLICY, false,
     TLS_PROBE_NO_STARTTLS, 0, 0, false, 0, L_D, "starttls-not-supported", TLS_DEFERRED,
     "starttls-missing"},
    {"a TLSA lookup that fails is never no record [RFC 7672 s2.1.2]", SGL_DANE_LOOKUP_ERROR,
     NO_POLICY, false, TLS_PROBE_DONE, 0, 0, false, 0, L_D, "dnssec-invalid", TLS_DEFERRED, ""},

    {"a policy that is enforced, and kept [RFC 8461 s4.2]", NOT, ENFORCE, false, TLS_PROBE_DONE, 0,
     0, false, 0, L_S, "ok", TLS_BY_MTA_STS, ""},
    {"enforced, and the host is not in it [RFC 8461 s4.1]", NOT, ENFORCE, true, TLS_PROBE_DONE, 0,
     0, false, 0, L_S, "sts-mx-mismatch", TLS_DEFERRED, ""},
    {"enforced, nobody's certificate", NOT, ENFORCE, false, TLS_PROBE_DONE, 0, NO_ROOT, false, 0,
     L_S, "certificate-not-trusted", TLS_DEFERRED, "mta-sts-certificate"},
    {"enforced, another name", NOT, ENFORCE, false, TLS_PROBE_DONE, 0, 0, true, 0, L_S,
     "certificate-host-mismatch", TLS_DEFERRED, "mta-sts-certificate"},
    {"enforced, expired", NOT, ENFORCE, false, TLS_PROBE_DONE, 0, X509_V_ERR_CERT_HAS_EXPIRED,
     false, -3, L_S, "certificate-expired", TLS_DEFERRED, "mta-sts-certificate"},
    {"enforced, no STARTTLS: never in plain", NOT, ENFORCE, false, TLS_PROBE_NO_STARTTLS, 0, 0,
     false, 0, L_S, "starttls-not-supported", TLS_DEFERRED, "starttls-missing"},
    {"a policy under test refuses nothing [RFC 8461 s5]", NOT, TESTING, false, TLS_PROBE_DONE, 0,
     NO_ROOT, false, 0, L_O, "ok", TLS_ENCRYPTED, "mta-sts-certificate"},
    {"a policy under test, host not in it", NOT, TESTING, true, TLS_PROBE_DONE, 0, 0, false, 0, L_O,
     "ok", TLS_ENCRYPTED, ""},
    {"mode none is no policy", NOT, NONE, false, TLS_PROBE_NO_STARTTLS, 0, 0, false, 0,
     TLS_LEVEL_NONE, "starttls-not-supported", TLS_PLAIN, "starttls-missing"},

    {"both, both kept: DANE decides [RFC 8461 s2]", AUTH, ENFORCE, false, TLS_PROBE_DONE, 0, 0,
     false, 0, L_D, "ok", TLS_BY_DANE, "dane-single-record"},
    {"a policy never saves a failed DANE [RFC 8461 s2]", AUTH, ENFORCE, false, TLS_PROBE_DONE,
     X509_V_ERR_DANE_NO_MATCH, 0, false, 0, L_D, "validation-failure", TLS_DEFERRED,
     "dane-no-match"},
    {"DANE kept, the policy not: DANE decides, others fail", AUTH, ENFORCE, false, TLS_PROBE_DONE,
     0, NO_ROOT, false, 0, L_D, "ok", TLS_BY_DANE, "dane-single-record mta-sts-certificate"},
    {"DANE kept, host not in the policy: DANE decides", AUTH, ENFORCE, true, TLS_PROBE_DONE, 0, 0,
     false, 0, L_D, "ok", TLS_BY_DANE, "dane-single-record"},
    {"not where nobody signed that the host is the domain's [RFC 7672 s2.2.1]", AUTH, ENFORCE, true,
     TLS_PROBE_DONE, 0, 0, false, 0, L_S, "sts-mx-mismatch", TLS_DEFERRED, "dane-single-record",
     true},
    {"such a host that the policy names goes by DANE", AUTH, ENFORCE, false, TLS_PROBE_DONE, 0,
     NO_ROOT, false, 0, L_D, "ok", TLS_BY_DANE, "dane-single-record mta-sts-certificate", true},
    {"no policy, and MX records that are not signed", AUTH, NO_POLICY, true, TLS_PROBE_DONE, 0, 0,
     false, 0, L_D, "ok", TLS_BY_DANE, "dane-single-record", true},
    {"records that nobody can use prove nobody: the policy counts", SGL_DANE_ENCRYPT, ENFORCE,
     false, TLS_PROBE_DONE, 0, NO_ROOT, false, 0, L_S, "certificate-not-trusted", TLS_DEFERRED,
     "mta-sts-certificate"},
    {"a certificate that ends soon", NOT, NO_POLICY, false, TLS_PROBE_DONE, 0, 0, false, 5, L_O,
     "ok", TLS_ENCRYPTED, "certificate-expires-soon"},
};

struct scene {
    struct sgl_survey survey;
    struct sgl_survey_host found;
    struct sgl_dns_rr record[2];
    struct sgl_tlsa used[1];
    struct tls_probe probe[2];
    struct tls_host host;
    struct tls_check check;
};

static void make(struct scene *s, const struct row *row)
{
    struct tls_probe *p = &s->probe[0];

    memset(s, 0, sizeof *s);
    s->found.name.text = SGL_LIT("mx.a.test");
    s->used[0] = s->record[0].tlsa = (struct sgl_tlsa){3, 1, 1, SGL_LIT(D32)};
    s->found.dane = (struct sgl_dane){.level = row->dane,
                                      .why = "reason",
                                      .domain_protected = row->dane == AUTH && !row->unsigned_mx,
                                      .base = s->found.name,
                                      .tlsa = s->used,
                                      .tlsas = row->dane == AUTH};
    s->survey.has_policy = row->mode != NO_POLICY;
    s->survey.policy.mode =
        row->mode == NO_POLICY ? SGL_MTA_STS_MODE_NONE : (enum sgl_mta_sts_mode)row->mode;
    p->end = row->end;
    p->starttls = row->end != TLS_PROBE_NO_STARTTLS;
    p->tls = row->end == TLS_PROBE_DONE;
    snprintf(p->why, sizeof p->why, "%s", p->tls ? "" : "reason");
    p->verified = row->verified;
    p->chain = row->chain;
    p->named = !row->misnamed;
    p->matched[0] = row->verified == X509_V_OK;
    p->certificate.not_after = NOW + 86400 * (row->days == 0 ? 90 : row->days);
    p->certificate.key_bits = 256;
    memset(p->certificate.spki_sha256, 'a', 64);
    s->host = (struct tls_host){.found = &s->found,
                                .record = s->record,
                                .records = row->dane == AUTH,
                                .listed = !row->unlisted,
                                .probe = s->probe,
                                .probes = 1};
    s->check = (struct tls_check){.survey = &s->survey,
                                  .port = 25,
                                  .connected = true,
                                  .now = NOW,
                                  .host = &s->host,
                                  .hosts = 1};
}

static void put_codes(const struct tls_check *k, char out[400])
{
    out[0] = '\0';
    for (const struct sgl_finding *f = k->findings.first; f != NULL; f = f->next) {
        strcat(out, out[0] == '\0' ? "" : " ");
        strcat(out, f->code);
        CHECK_TRUE(f->code, sgl_ascii_is_printable(f->text) && sgl_ascii_is_printable(f->mend));
    }
}

static void all_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        const struct row *row = &rows[i];
        char codes[400];
        struct scene s;

        make(&s, row);
        CHECK_EQ(row->rule, tls_judge(&s.check, &arena), SGL_OK);
        CHECK_STR(row->rule, tls_level_name(s.host.level), tls_level_name(row->level));
        CHECK_STR(row->rule, s.host.result, row->result);
        CHECK_STR(row->rule, tls_transit_name(s.host.transit), tls_transit_name(row->transit));
        CHECK_EQ(row->rule, s.host.problem == NULL, strcmp(row->result, "ok") == 0);
        put_codes(&s.check, codes);
        CHECK_STR(row->rule, codes, row->codes);
        CHECK_TRUE("what is owed and not had is an error, unless the survey says it",
                   row->level < L_S || row->transit != TLS_DEFERRED || row->codes[0] == '\0' ||
                       row->unlisted || s.check.findings.errors > 0);
        CHECK_EQ(row->rule, s.check.incomplete,
                 row->end == TLS_PROBE_UNREACHABLE || row->end == TLS_PROBE_NO_SMTP ||
                     row->end == TLS_PROBE_LOCAL);
    }
}

/* [RFC 7672 s9.2] */
static void of_two_addresses(void **state)
{
    static const struct {
        const char *rule;
        enum sgl_dane_level dane;
        enum tls_probe_end first, second;
        const char *result;
        enum tls_transit transit;
        const char *codes;
    } cases[] = {
        {"one does not answer: the other does", NOT, TLS_PROBE_UNREACHABLE, TLS_PROBE_DONE, "ok",
         TLS_ENCRYPTED, "host-unreachable"},
        {"one has no STARTTLS: sooner or later mail goes there", NOT, TLS_PROBE_DONE,
         TLS_PROBE_NO_STARTTLS, "starttls-not-supported", TLS_PLAIN, "starttls-selective"},
        {"whichever is first", NOT, TLS_PROBE_NO_STARTTLS, TLS_PROBE_DONE, "starttls-not-supported",
         TLS_PLAIN, "starttls-selective"},
        {"under DANE it is deferred", AUTH, TLS_PROBE_DONE, TLS_PROBE_NO_STARTTLS,
         "starttls-not-supported", TLS_DEFERRED, "dane-single-record starttls-selective"},
        {"one certificate is talked of once", AUTH, TLS_PROBE_DONE, TLS_PROBE_DONE, "ok",
         TLS_BY_DANE, "dane-single-record"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        struct row row = {.dane = cases[i].dane, .mode = NO_POLICY, .end = cases[i].first};
        char codes[400];
        struct scene s;

        make(&s, &row);
        s.probe[1] = s.probe[0];
        s.probe[1].end = cases[i].second;
        s.probe[1].tls = cases[i].second == TLS_PROBE_DONE;
        s.probe[1].starttls = cases[i].second != TLS_PROBE_NO_STARTTLS;
        s.host.probes = 2;
        CHECK_EQ(cases[i].rule, tls_judge(&s.check, &arena), SGL_OK);
        CHECK_STR(cases[i].rule, s.host.result, cases[i].result);
        CHECK_STR(cases[i].rule, tls_transit_name(s.host.transit),
                  tls_transit_name(cases[i].transit));
        CHECK_TRUE(cases[i].rule, s.host.level != TLS_LEVEL_NONE);
        put_codes(&s.check, codes);
        CHECK_STR(cases[i].rule, codes, cases[i].codes);
    }
}

/* Each record for itself  [RFC 7672 s3.1, RFC 7671 s8.1 and s9]. */
static void records(void **state)
{
    static const struct {
        const char *rule;
        struct sgl_tlsa second;
        bool counts, matched;
        const char *codes, *why;
    } cases[] = {
        {"the next key's beside it",
         {3, 1, 1, SGL_LIT_INIT("x" D32)},
         true,
         false,
         "dane-record-unmatched",
         NULL},
        {"both match", {2, 1, 1, SGL_LIT_INIT(D32)}, true, true, "", NULL},
        {"usage 1",
         {1, 1, 1, SGL_LIT_INIT(D32)},
         false,
         false,
         "dane-record-unusable dane-single-record",
         "usages 0 and 1 are not for mail"},
        {"an unknown usage",
         {9, 1, 1, SGL_LIT_INIT(D32)},
         false,
         false,
         "dane-record-unusable dane-single-record",
         "its usage is not known"},
        {"an unknown selector",
         {3, 2, 1, SGL_LIT_INIT(D32)},
         false,
         false,
         "dane-record-unusable dane-single-record",
         "its selector is not known"},
        {"an unknown matching type",
         {3, 1, 3, SGL_LIT_INIT(D32)},
         false,
         false,
         "dane-record-unusable dane-single-record",
         "its matching type is not known"},
        {"a digest of 31 bytes",
         {3, 1, 1, SGL_LIT_INIT("0123456789abcdef0123456789abcde")},
         false,
         false,
         "dane-record-unusable dane-single-record",
         "its digest has the wrong length"},
        {"a key that is none",
         {3, 1, 0, SGL_LIT_INIT("hello")},
         false,
         false,
         "dane-record-unusable dane-single-record",
         "its data is no certificate or key"},
        {"one that a stronger digest outdoes",
         {3, 1, 1, SGL_LIT_INIT("y" D32)},
         false,
         false,
         "dane-record-outdone dane-single-record",
         NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        struct row row = {.dane = AUTH, .mode = NO_POLICY, .end = TLS_PROBE_DONE};
        struct sgl_tlsa both[2];
        char codes[400];
        struct scene s;

        make(&s, &row);
        both[0] = s.used[0];
        both[1] = s.record[1].tlsa = cases[i].second;
        if (cases[i].why == NULL && both[1].data.len == 33) /* a digest has 32 */
            both[1].data.len = s.record[1].tlsa.data.len = 32;
        s.found.dane.tlsa = both;
        s.found.dane.tlsas = cases[i].counts ? 2 : 1;
        s.host.records = 2;
        s.probe[0].matched[1] = cases[i].matched;
        CHECK_EQ(cases[i].rule, tls_judge(&s.check, &arena), SGL_OK);
        put_codes(&s.check, codes);
        CHECK_STR(cases[i].rule, codes, cases[i].codes);
        if (cases[i].why == NULL)
            CHECK_TRUE(cases[i].rule, tls_record_why(&s.record[1].tlsa) == NULL);
        else
            CHECK_STR(cases[i].rule, tls_record_why(&s.record[1].tlsa), cases[i].why);
    }
}

static void what_is_not_the_host_s(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    static const struct sgl_finding special = {
        .code = "mx-private-address", .severity = SGL_ERROR, .text = SGL_LIT_INIT("text")};
    struct row row = {.dane = SGL_DANE_LOOKUP_ERROR, .mode = ENFORCE, .end = TLS_PROBE_DONE};
    struct scene s;

    (void)state;
    make(&s, &row);
    s.found.dane.bogus = true;
    s.found.dane.addresses_state = SGL_DANE_ADDRESSES_FAILED;
    s.survey.failed = true;
    s.survey.part[SGL_SURVEY_MX].findings.first = &special;
    CHECK_EQ("status", tls_judge(&s.check, &arena), SGL_OK);
    CHECK_STR("a forged answer", s.host.result, "dnssec-invalid");
    CHECK_STR("with the resolver's reason", s.host.problem, "reason");
    CHECK_TRUE("not everything is known", s.check.incomplete);
    CHECK_EQ("an address that answered is no error", s.check.findings.errors, 0);
    CHECK_EQ("but a warning", s.check.findings.warnings, 1);

    make(&s, &row);
    s.found.dane.addresses_state = SGL_DANE_ADDRESSES_FAILED;
    CHECK_EQ("status", tls_judge(&s.check, &arena), SGL_OK);
    CHECK_STR("nothing is known: nobody's fault", s.host.result, "addresses");
    CHECK_EQ("and nothing is sent", s.host.transit, TLS_DEFERRED);

    make(&s, &row);
    s.host.probes = 0;
    s.survey.part[SGL_SURVEY_MX].findings.first = &special;
    CHECK_EQ("status", tls_judge(&s.check, &arena), SGL_OK);
    CHECK_EQ("one that was not tried is", s.check.findings.errors, 1);

    make(&s, &rows[0]);
    s.host.probes = 0;
    CHECK_EQ("status", tls_judge(&s.check, &arena), SGL_OK);
    CHECK_STR("not connected to", s.host.result, "not-checked");
    CHECK_STR("so nothing is known of TLS", tls_level_name(s.host.level), "opportunistic");
    CHECK_EQ("and nothing said", s.host.transit, TLS_UNKNOWN);
}

/* What mends it can be published as it is. */
static void mends(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct row row = {.dane = AUTH,
                      .mode = NO_POLICY,
                      .end = TLS_PROBE_DONE,
                      .verified = X509_V_ERR_DANE_NO_MATCH};
    struct scene s;

    (void)state;
    make(&s, &row);
    s.check.port = 2525;
    CHECK_EQ("status", tls_judge(&s.check, &arena), SGL_OK);
    CHECK_VIEW("the record of the key that is shown", s.check.findings.first->mend,
               SGL_LIT("_2525._tcp.mx.a.test TLSA 3 1 1 "
                       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

/* What the survey can't know: the key. */
static void mends_of_the_survey(void **state)
{
    static const struct {
        const char *rule;
        enum sgl_dane_level dane;
        bool tls;
        struct sgl_finding found;
        const char *mend;
    } cases[] = {
        {"a host without records",
         NOT,
         true,
         {.code = "dane-missing", .text = SGL_LIT_INIT("none"), .mend = SGL_LIT_INIT("m")},
         "_25._tcp.mx.a.test TLSA 3 1 1 x"},
        {"one that can't be used",
         SGL_DANE_ENCRYPT,
         true,
         {.code = "dane-unusable", .text = SGL_LIT_INIT("of mx.a.test"), .mend = SGL_LIT_INIT("m")},
         "_25._tcp.mx.a.test TLSA 3 1 1 x"},
        {"of another host",
         NOT,
         true,
         {.code = "dane-partial", .text = SGL_LIT_INIT("of mx.b.test"), .mend = SGL_LIT_INIT("m")},
         "m"},
        {"no key was seen",
         NOT,
         false,
         {.code = "dane-missing", .text = SGL_LIT_INIT("none"), .mend = SGL_LIT_INIT("m")},
         "m"},
        {"another fault",
         NOT,
         true,
         {.code = "mx-no-ipv6", .text = SGL_LIT_INIT("none"), .mend = SGL_LIT_INIT("m")},
         "m"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        struct row row = {.dane = cases[i].dane,
                          .mode = NO_POLICY,
                          .end = cases[i].tls ? TLS_PROBE_DONE : TLS_PROBE_NO_STARTTLS};
        struct scene s;

        make(&s, &row);
        strcpy(s.probe[0].certificate.spki_sha256, "x");
        s.survey.part[SGL_SURVEY_DANE].findings.first = &cases[i].found;
        CHECK_EQ(cases[i].rule, tls_judge(&s.check, &arena), SGL_OK);
        CHECK_VIEW(cases[i].rule, s.check.findings.first->mend, sgl_view_cstr(cases[i].mend));
    }
}

static void memory_ends(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        struct row row = {.dane = AUTH, .mode = ENFORCE, .end = TLS_PROBE_DONE, .chain = NO_ROOT};
        enum sgl_status st;
        struct scene s;

        make(&s, &row);
        st = tls_judge(&s.check, &arena);
        CHECK_EQ("all or an error", st, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_rows),
        cmocka_unit_test(of_two_addresses),
        cmocka_unit_test(records),
        cmocka_unit_test(what_is_not_the_host_s),
        cmocka_unit_test(mends),
        cmocka_unit_test(memory_ends),
        cmocka_unit_test(mends_of_the_survey),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
