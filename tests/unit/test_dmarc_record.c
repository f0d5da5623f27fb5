/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "fail_alloc.h"
#include "sigillo/dmarc.h"
#include "sigillo/limits.h"

#define V "v=DMARC1; "

static const struct {
    const char *name, *text;
    bool is;
} records[] = {
    {"v alone is a record [RFC 9989 s4.7]", "v=DMARC1", true},
    {"blanks around the equals sign", "v = DMARC1;p=none", true},
    {"tabs, too", "v\t=\tDMARC1 ; p=none", true},
    {"blanks in front", " v=DMARC1; p=none", true},
    {"the value's case counts [RFC 9989 s4.7]", "v=dmarc1; p=none", false},
    {"the tag's case counts [RFC 6376 s3.2]", "V=DMARC1; p=none", false},
    {"nothing may follow the value", "v=DMARC1x; p=none", false},
    {"nothing may follow it, however it looks", "v=DMARC1 p=none", false},
    {"a later version", "v=DMARC2; p=none", false},
    {"v has to be first", "p=none; v=DMARC1", false},
    {"an escaped semicolon", "v=DMARC1\\; p=none", false},
    {"empty", "", false},
    {"no value", "v=", false},
    {"another record", "v=spf1 -all", false},
};

static void what_is_a_record(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
        sgl_view text = sgl_view_cstr(records[i].text);
        struct sgl_dmarc_record r = {.percent = 4711};
        struct sgl_diag diag = {0};

        CHECK_EQ(records[i].name, sgl_dmarc_is_record(text), records[i].is);
        CHECK_EQ(records[i].name, sgl_dmarc_parse(text, &arena, &r, &diag),
                 records[i].is ? SGL_OK : SGL_E_SYNTAX);
        if (!records[i].is) {
            CHECK_EQ("out is untouched", r.percent, 4711);
            CHECK_TRUE("and a reason is given", diag.what != NULL);
        }
    }
}

/* A record and what it says, as its own canonical text; "!" marks values that are there and not valid. */
static const struct {
    const char *name, *text, *want;
} parsed[] = {
    {"all tags",
     V "p=reject; sp=quarantine; np=none; adkim=s; aspf=s; psd=n; t=y; fo=1:d; "
       "rua=mailto:a@x.test; ruf=mailto:f@x.test",
     V "p=reject; sp=quarantine; np=none; adkim=s; aspf=s; psd=n; t=y; fo=1:d; "
       "rua=mailto:a@x.test; ruf=mailto:f@x.test"},
    {"the order does not matter behind v [RFC 9989 s4.7]",
     V "t=y;rua=mailto:a@x.test;sp=none;p=reject", V "p=reject; sp=none; t=y; rua=mailto:a@x.test"},
    {"a semicolon at the end", V "p=none;", V "p=none"},
    {"values are literals, whose case does not count [RFC 9989 s4.8]",
     V "p=Reject; adkim=S; psd=Y; t=Y", V "p=reject; adkim=s; psd=y; t=y"},
    {"names of tags in upper case are unknown", V "p=none; SP=reject", V "p=none"},
    {"unknown tags are ignored [RFC 9989 s4.7]", V "p=none; future=1; rf=afrf", V "p=none"},
    {"blanks around equals signs and semicolons", V "p = none ;\tsp\t= reject",
     V "p=none; sp=reject"},
    {"a bad optional value is the default [RFC 9989 s4.8]",
     V "p=none; adkim=x; aspf=; psd=no; t=yes", V "p=none"},
    {"a part that is no tag is left out", V "p=none; fo:1; sp=reject;; =; sp-none; 0",
     V "p=none; sp=reject"},
    {"a p that is not valid", V "p=bogus", "v=DMARC1 !p"},
    {"an sp that is not valid", V "p=none; sp=bogus", V "p=none !sp"},
    {"an np that is not valid", V "p=none; np=", V "p=none !np"},
    {"8-bit bytes make a policy invalid, not absent", V "p=none; sp=r\351ject", V "p=none !sp"},
    {"no p", V "rua=mailto:a@x.test", V "rua=mailto:a@x.test"},
    {"fo without ruf says nothing [RFC 9989 s4.7]", V "p=none; fo=1", V "p=none"},
    {"fo in any order", V "p=none; fo=s:d:1; ruf=mailto:f@x.test",
     V "p=none; fo=1:d:s; ruf=mailto:f@x.test"},
    {"fo 0 and 1 exclude each other: the default [RFC 9989 s4.7]",
     V "p=none; fo=0:1:d:s; ruf=mailto:f@x.test", V "p=none; ruf=mailto:f@x.test"},
    {"fo with a letter twice", V "p=none; fo=d:d; ruf=mailto:f@x.test",
     V "p=none; ruf=mailto:f@x.test"},
    {"fo with another letter", V "p=none; fo=1:x; ruf=mailto:f@x.test",
     V "p=none; ruf=mailto:f@x.test"},
    {"fo of d alone", V "p=none; fo=d; ruf=mailto:f@x.test", V "p=none; fo=d; ruf=mailto:f@x.test"},
    {"a size behind a URI is ignored [RFC 9989 s4.8]",
     V "p=none; rua=mailto:a@x.test!10m,mailto:b@x.test!0G",
     V "p=none; rua=mailto:a@x.test,mailto:b@x.test"},
    {"blanks around commas [RFC 9989 s4.6]", V "p=none; rua=mailto:a@x.test  ,\t\tmailto:b@x.test",
     V "p=none; rua=mailto:a@x.test,mailto:b@x.test"},
    {"a malformed URI goes alone", V "p=none; rua=mailto:a@x.test,https:b,,bad,mailto:c",
     V "p=none; rua=mailto:a@x.test,https:b"},
    {"a size that is none makes the URI malformed",
     V "p=none; rua=mailto:a@x.test!,mailto:b@x.test!m,mailto:c@x.test!1z", V "p=none"},
    {"an encoded exclamation mark and comma stay", V "p=none; rua=mailto:a%21%2Cb@x.test",
     V "p=none; rua=mailto:a%21%2Cb@x.test"},
    {"an encoding that is none [RFC 3986 s2]", V "p=none; rua=mailto:a%2@x.test,mailto:a%zz@x.test",
     V "p=none"},
    {"mailto: with fields behind it", V "p=none; rua=mailto:a@x.test?subject=r",
     V "p=none; rua=mailto:a@x.test?subject=r"},
    {"an address without a host name [RFC 6068 s2]",
     V "p=none; rua=mailto:a@,mailto:@x.test,mailto:a@b@c.test,mailto:a@[192.0.2.1]", V "p=none"},
    {"schemes are compared without case", V "p=none; rua=MAILTO:a@x.test",
     V "p=none; rua=MAILTO:a@x.test"},
    {"a scheme begins with a letter [RFC 3986 s3]", V "p=none; rua=1a:b,:b,a b:c", V "p=none"},
};

static void put(const struct sgl_dmarc_record *r, struct sgl_buf *out)
{
    CHECK_EQ("writes", sgl_dmarc_put(r, out), SGL_OK);
    sgl_buf_add_cstr(out, r->bad_p ? " !p" : "");
    sgl_buf_add_cstr(out, r->bad_sp ? " !sp" : "");
    sgl_buf_add_cstr(out, r->bad_np ? " !np" : "");
}

static void what_it_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof parsed / sizeof parsed[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
        sgl_auto(sgl_buf) text = SGL_BUF_INIT(10000);
        struct sgl_dmarc_record r;

        CHECK_EQ(parsed[i].name, sgl_dmarc_parse(sgl_view_cstr(parsed[i].text), &arena, &r, NULL),
                 SGL_OK);
        put(&r, &text);
        CHECK_VIEW(parsed[i].name, sgl_buf_view(&text), sgl_view_cstr(parsed[i].want));
    }
}

static struct sgl_dmarc_record parse(const char *text, struct sgl_arena *arena)
{
    struct sgl_dmarc_record r = {.percent = 4711};

    CHECK_EQ(text, sgl_dmarc_parse(sgl_view_cstr(text), arena, &r, NULL), SGL_OK);
    return r;
}

/* pct= and ri= matter to those who go by RFC 7489 only. */
static void old_numbers(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
    struct sgl_dmarc_record r = parse(V "p=none", &arena);

    (void)state;
    CHECK_EQ("pct is 100 by default", r.percent, 100);
    CHECK_EQ("ri is a day by default", r.interval_s, 86400);
    r = parse(V "p=none; pct=0; ri=3600", &arena);
    CHECK_EQ("pct", r.percent, 0);
    CHECK_EQ("ri", r.interval_s, 3600);
    r = parse(V "p=none; pct=101; ri=4294967296", &arena);
    CHECK_EQ("pct over 100", r.percent, 100);
    CHECK_EQ("ri over 32 bits", r.interval_s, 86400);
    r = parse(V "p=none; pct=-1; ri=1h", &arena);
    CHECK_EQ("a signed pct", r.percent, 100);
    CHECK_EQ("ri with a unit", r.interval_s, 86400);
}

static void refused(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(10000);
    struct sgl_dmarc_record r = {.percent = 4711};
    struct sgl_diag diag = {0};

    (void)state;
    CHECK_EQ("a tag that stands twice [RFC 6376 s3.2]",
             sgl_dmarc_parse(SGL_LIT(V "p=none; p=none"), &arena, &r, &diag), SGL_E_SYNTAX);
    CHECK_EQ("an unknown one, too", sgl_dmarc_parse(SGL_LIT(V "x=1; x=2"), &arena, &r, NULL),
             SGL_E_SYNTAX);
    CHECK_EQ("v twice", sgl_dmarc_parse(SGL_LIT(V "v=DMARC1; p=none"), &arena, &r, NULL),
             SGL_E_SYNTAX);
    sgl_buf_add(&text, SGL_LIT("v=DMARC1"));
    for (int i = 0; i < 200; i++)
        sgl_buf_addf(&text, ";a%d=", i);
    CHECK_EQ("a flood of tags", sgl_dmarc_parse(sgl_buf_view(&text), &arena, &r, NULL),
             SGL_E_LIMIT);
    CHECK_EQ("out is untouched", r.percent, 4711);
    CHECK_TRUE("the arena is not full", arena.status == SGL_OK);
}

static void many_uris(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(10000);
    struct sgl_dmarc_record r;

    (void)state;
    sgl_buf_add(&text, SGL_LIT(V "p=none; rua=mailto:a@x.test"));
    for (int i = 0; i < 100; i++)
        sgl_buf_addf(&text, ",mailto:a%d@x.test", i);
    CHECK_EQ("many", sgl_dmarc_parse(sgl_buf_view(&text), &arena, &r, NULL), SGL_OK);
    CHECK_EQ("are cut", r.ruas, SGL_LIMIT_DMARC_URIS);
}

static void written_safely(void **state)
{
    static const char *const bad[] = {"mailto:a@x.test; p=none",
                                      "mailto:a@x.test,b",
                                      "mailto:a!b@x.test",
                                      "mailto:a@x.test\r\n",
                                      "",
                                      "a@x.test"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        sgl_auto(sgl_buf) text = SGL_BUF_INIT(1000);
        sgl_view uri = sgl_view_cstr(bad[i]);
        struct sgl_dmarc_record r = {.rua = &uri, .ruas = 1};

        CHECK_EQ(bad[i], sgl_dmarc_put(&r, &text), SGL_E_SYNTAX);
        CHECK_EQ("nothing is written", text.len, 0);
    }
}

static const struct {
    const char *name, *uri, *host;
} hosts[] = {
    {"of mailto:", "mailto:a@Reports.X.test", "reports.x.test"},
    {"in front of fields", "mailto:a@x.test?subject=b@c.test", "x.test"},
    {"of https:", "https://x.test/path", "x.test"},
    {"without user and port", "https://me@x.test:8443/", "x.test"},
    {"a URI without a host", "https:b", NULL},
    {"an address", "https://192.0.2.1/", NULL},
    {"no URI", "x.test", NULL},
};

static void hosts_of_uris(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1000);
        struct sgl_name host = {{NULL, 0}};
        enum sgl_status st = sgl_dmarc_uri_host(sgl_view_cstr(hosts[i].uri), &arena, &host);

        CHECK_EQ(hosts[i].name, st, hosts[i].host == NULL ? SGL_E_SYNTAX : SGL_OK);
        if (hosts[i].host != NULL)
            CHECK_VIEW(hosts[i].name, host.text, sgl_view_cstr(hosts[i].host));
    }
}

static void out_of_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct sgl_arena arena = SGL_ARENA_INIT(100000);
        struct sgl_dmarc_record r = {.percent = 4711};
        enum sgl_status st = sgl_dmarc_parse(
            SGL_LIT(V "p=none; rua=mailto:a@x.test; ruf=mailto:b@x.test"), &arena, &r, NULL);

        CHECK_EQ("no memory is a status", st, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
        CHECK_EQ("out is set with OK only", r.percent, st == SGL_OK ? 100 : 4711);
        sgl_arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_a_record), cmocka_unit_test(what_it_says),
        cmocka_unit_test(old_numbers),      cmocka_unit_test(refused),
        cmocka_unit_test(many_uris),        cmocka_unit_test(written_safely),
        cmocka_unit_test(hosts_of_uris),    cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
