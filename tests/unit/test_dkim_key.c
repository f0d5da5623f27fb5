/* SPDX-License-Identifier: Apache-2.0 */
/* Key records  [RFC 6376 s3.6, s6.1.2; RFC 8463 s4]. */
#include "sigillo/dkim_key.h"

#include "check.h"
#include "dkim_vectors.h"
#include "dns_fixture.h"
#include "fail_alloc.h"
#include "sigillo/limits.h"

#define RSA "p=" RFC8463_RSA_PUBLIC
#define ED  "p=" RFC8463_ED25519_PUBLIC

struct row {
    const char *name, *txt;
    const char *want; /* "rsa 162 flags", or the reason when refused */
    bool good;
};

static const struct row rows[] = {
    {"p= is enough: RSA, any hash, any service [RFC 6376 s3.6.1]", RSA, "rsa 162 h s", true},
    {"all that is usual", "v=DKIM1; k=rsa; h=sha256; s=email; t=y:s; n=hello; " RSA,
     "rsa 162 h s testing strict n=hello", true},
    {"Ed25519: the raw 32 bytes [RFC 8463 s4.2]", "v=DKIM1; k=ed25519; " ED, "ed25519 32 h s",
     true},
    {"p= empty is revoked, with v= alone too", "v=DKIM1;p=", "rsa 0 h s revoked", true},
    {"p= of blanks is empty", "v=DKIM1; p= ;", "rsa 0 h s revoked", true},
    {"p= absent is no key [RFC 6376 s3.6.1]", "v=DKIM1; k=rsa", "the key record has no p=", false},
    {"blanks before the first tag are allowed", "  v=DKIM1; " ED, "rsa 32 h s", true},
    {"blanks within p= are skipped", "p=AA A\tA ", "rsa 3 h s", true},
    {"padding may be left out [RFC 6376 s2.10]", "p=AAA", "rsa 2 h s", true},
    {"p= must be base64", "p=AA*A", "p= is not base64", false},
    {"a quote from a zone file is not", "p=AAAA\" \"AAAA", "p= is not base64", false},

    {"v= must be the first tag", "k=rsa; v=DKIM1; " RSA, "v= is not the first tag, or not DKIM1",
     false},
    {"v=DKIM1.0 is another version", "v=DKIM1.0; " RSA, "v= is not the first tag, or not DKIM1",
     false},
    {"v=dkim1 too", "v=dkim1; " RSA, "v= is not the first tag, or not DKIM1", false},
    {"an empty v= too", "v=; " RSA, "v= is not the first tag, or not DKIM1", false},

    {"k=RSA is unknown: values are case-sensitive", "k=RSA; " RSA,
     "k= names a type of key that is not known", false},
    {"an unknown k= is no usable key", "k=dsa; " RSA, "k= names a type of key that is not known",
     false},
    {"an empty k= is not an absent one", "k=; " RSA, "k= names a type of key that is not known",
     false},

    {"h= without sha256 excludes us", "h=sha1; " RSA, "rsa 162 s", true},
    {"h= with it among others, blanks around", "h=sha1 : sha256 : sha512; " RSA, "rsa 162 h s",
     true},
    {"h= with something that begins like it", "h=sha256x; " RSA, "rsa 162 s", true},
    {"s=* is every service", "s=*; " RSA, "rsa 162 h s", true},
    {"s= of something else excludes mail", "s=tlsrpt; " RSA, "rsa 162 h", true},
    {"s= with email among others", "s=tlsrpt:email; " RSA, "rsa 162 h s", true},
    {"unknown flags are ignored", "t=x:yy:ss; " RSA, "rsa 162 h s", true},
    {"flags are case-sensitive", "t=Y:S; " RSA, "rsa 162 h s", true},
    {"g= of RFC 4871 is ignored, empty too", "g=; " RSA, "rsa 162 h s", true},
    {"other tags are ignored", "zz=1; " RSA, "rsa 162 h s", true},

    {"a tag that stands twice refuses the record [RFC 6376 s3.2]", "p=AAAA; p=AAAA",
     "a tag stands twice", false},
    {"an empty tag too", "v=DKIM1;; " RSA, "a tag is missing between two semicolons", false},
    {"text without = too", "v=DKIM1; " RSA "; and more", "tag without \"=\"", false},
    {"8-bit text too", "n=\xc3\xbc; " RSA, "a character that no tag value may hold", false},
};

static void put_key(const struct sgl_dkim_key *key, struct sgl_buf *out)
{
    sgl_buf_addf(out, "%s %zu%s%s%s%s%s", key->type == SGL_KEY_RSA ? "rsa" : "ed25519",
                 key->bytes.len, key->sha256 ? " h" : "", key->email ? " s" : "",
                 key->revoked ? " revoked" : "", key->testing ? " testing" : "",
                 key->strict ? " strict" : "");
    if (key->notes.len > 0)
        sgl_buf_addf(out, " n=%.*s", SGL_FMT(key->notes));
}

static void records_say_what_a_key_is_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(1024);
        struct sgl_dkim_key key = {.type = (enum sgl_key_type)99};
        struct sgl_diag diag = {0};

        CHECK_EQ(rows[i].name, sgl_dkim_key_parse(sgl_view_cstr(rows[i].txt), &arena, &key, &diag),
                 rows[i].good ? SGL_OK : SGL_E_SYNTAX);
        if (rows[i].good)
            put_key(&key, &got);
        else
            CHECK_EQ("untouched", key.type, 99);
        CHECK_STR(rows[i].name, rows[i].good ? sgl_cstr(&got) : diag.what, rows[i].want);
    }
}

/* ---- the records of a selector --------------------------------------------------------------------------------------- */

struct find_row {
    const char *name, *zone;
    enum sgl_dkim_key_state state;
    const char *want; /* FOUND: sizes of the keys; else the reason */
};
#define AT "s1._domainkey.example.org "

static const struct find_row find_rows[] = {
    {"one key", AT "TXT v=DKIM1; " RSA, SGL_DKIM_KEY_FOUND, "162"},
    {"an alias is followed", AT "CNAME k.example.net\nk.example.net TXT " ED, SGL_DKIM_KEY_FOUND,
     "32"},
    {"no such name: no key [RFC 6376 s6.1.2]", "example.org NODATA", SGL_DKIM_KEY_NONE,
     "no key record stands at the selector"},
    {"no TXT: no key", AT "A 192.0.2.1", SGL_DKIM_KEY_NONE, "no key record stands at the selector"},
    {"a wildcard's SPF record is no key [RFC 6376 s6.1.2]", AT "TXT v=spf1 -all", SGL_DKIM_KEY_NONE,
     "no key record stands at the selector"},
    {"nor is a DMARC record, for all its p=", AT "TXT v=DMARC1; p=none", SGL_DKIM_KEY_NONE,
     "no key record stands at the selector"},
    {"DMARC records do not use up the three tries",
     AT "TXT v=DMARC1;p=a\n" AT "TXT v=DMARC1;p=b\n" AT "TXT v=DMARC1;p=c\n" AT "TXT v=DKIM1; " RSA,
     SGL_DKIM_KEY_FOUND, "162"},
    {"a key record of another version is broken", AT "TXT v=DKIM2; " ED, SGL_DKIM_KEY_BROKEN,
     "v= is not the first tag, or not DKIM1"},
    {"and does not hide one", AT "TXT v=spf1 -all\n" AT "TXT " ED, SGL_DKIM_KEY_FOUND, "32"},
    {"a broken record does not hide a good one", AT "TXT p=*\n" AT "TXT " ED, SGL_DKIM_KEY_FOUND,
     "32"},
    {"a revoked record does not hide a good one", AT "TXT p=\n" AT "TXT " ED, SGL_DKIM_KEY_FOUND,
     "32"},
    {"broken ones alone say why", AT "TXT v=DKIM1; k=rsa", SGL_DKIM_KEY_BROKEN,
     "the key record has no p="},
    {"a syntax error says why", AT "TXT v=DKIM1;; " ED, SGL_DKIM_KEY_BROKEN,
     "a tag is missing between two semicolons"},
    {"revoked [RFC 6376 s6.1.2 step 7]", AT "TXT v=DKIM1; p=", SGL_DKIM_KEY_REVOKED,
     "the key was revoked"},
    {"three keys are tried",
     AT "TXT p=AAAA\n" AT "TXT p=AAAAAAAA\n" AT "TXT p=BBBB\n" AT "TXT p=CCCCCCCC",
     SGL_DKIM_KEY_FOUND, "3,3,6"},
    {"a failed lookup is temporary [RFC 6376 s6.1.2 step 2]", AT "SERVFAIL", SGL_DKIM_KEY_TEMPERROR,
     "the key could not be looked up"},
    {"so is a timeout", AT "TIMEOUT", SGL_DKIM_KEY_TEMPERROR, "the key could not be looked up"},
    {"and a forged answer", AT "BOGUS", SGL_DKIM_KEY_TEMPERROR, "the key could not be looked up"},
};

static enum sgl_status find(struct dns_fixture *fx, enum dns_driver driver, struct sgl_arena *arena,
                            struct sgl_dkim_key_answer *out)
{
    enum sgl_status st;
    int passes = 0;

    while ((st = sgl_dkim_key_find(SGL_LIT("example.org"), SGL_LIT("s1"), &fx->dns, arena, out)) ==
           SGL_NEED_DNS) {
        CHECK_TRUE("one question", ++passes == 1 && sgl_dns_open(&fx->dns) == 1);
        CHECK_EQ("scratch memory goes back", arena->used, 0);
        CHECK_EQ("nothing leaks out of a pending pass", out->state, 99);
        dns_fixture_step(fx, driver);
    }
    return st;
}

static void a_selector_has_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof find_rows / sizeof find_rows[0]; i++) {
        for (int driver = 0; driver < DNS_DRIVERS; driver++) {
            const struct find_row *row = &find_rows[i];
            sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
            sgl_auto(sgl_buf) got = SGL_BUF_INIT(256);
            sgl_auto(dns_fixture) fx = dns_fixture_init("example.org", row->zone);
            struct sgl_dkim_key_answer keys = {.state = (enum sgl_dkim_key_state)99};

            CHECK_EQ(row->name, find(&fx, (enum dns_driver)driver, &arena, &keys), SGL_OK);
            CHECK_EQ(row->name, keys.state, row->state);
            for (size_t k = 0; k < keys.count; k++)
                sgl_buf_addf(&got, "%s%zu", k == 0 ? "" : ",", keys.key[k].bytes.len);
            CHECK_STR(row->name, keys.state == SGL_DKIM_KEY_FOUND ? sgl_cstr(&got) : keys.why,
                      row->want);
        }
    }
}

static void security_is_that_of_the_answer(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
    sgl_auto(dns_fixture) fx = dns_fixture_init("example.org", "$SECURE\n" AT "TXT " ED);
    struct sgl_dkim_key_answer keys = {.state = (enum sgl_dkim_key_state)99};

    (void)state;
    CHECK_EQ("found", find(&fx, DNS_ALL_AT_ONCE, &arena, &keys), SGL_OK);
    CHECK_EQ("validated", keys.security, SGL_DNS_SECURE);
}

static void names_that_cannot_be_are_refused(void **state)
{
    static const char *const selectors[] = {
        "",
        ".",
        "a b",
        "a..b",
        "a\n",
        "a\\046",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", /* 64 */
    };
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
    sgl_auto(sgl_dns) dns = {0};
    uint8_t wide[300];
    struct sgl_dkim_key_answer keys;

    (void)state;
    sgl_dns_init(&dns, 0);
    for (size_t i = 0; i < sizeof selectors / sizeof selectors[0]; i++)
        CHECK_EQ(selectors[i],
                 sgl_dkim_key_find(SGL_LIT("example.org"), sgl_view_cstr(selectors[i]), &dns,
                                   &arena, &keys),
                 SGL_E_SYNTAX);
    memset(wide, 'a', sizeof wide);
    for (size_t i = 50; i < sizeof wide; i += 50)
        wide[i] = '.';
    for (size_t len = 230; len < sizeof wide - 1; len++) {
        enum sgl_status status =
            sgl_dkim_key_find(SGL_LIT("example.org"), sgl_view_of(wide, len), &dns, &arena, &keys);

        if (wide[len - 1] == '.')
            continue;
        CHECK_EQ("a name has 253 bytes", status,
                 len + strlen("._domainkey.example.org") <= 253 ? SGL_NEED_DNS : SGL_E_SYNTAX);
    }
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
        struct sgl_dkim_key_answer keys = {.state = (enum sgl_dkim_key_state)99};
        enum sgl_status status;

        fail_alloc_off();
        sgl_auto(dns_fixture) fx = dns_fixture_init("example.org", AT "TXT p=AA A\n" AT "TXT " ED);
        dns_fixture_name(&fx, "s1._domainkey.example.org");
        if (sgl_dkim_key_find(SGL_LIT("example.org"), SGL_LIT("s1"), &fx.dns, &arena, &keys) ==
            SGL_NEED_DNS)
            dns_fixture_answer(&fx);
        fail_alloc_on();
        sgl_arena_done(&arena);
        status = sgl_dkim_key_find(SGL_LIT("example.org"), SGL_LIT("s1"), &fx.dns, &arena, &keys);
        CHECK_EQ("out of memory is said", status, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
        CHECK_EQ("untouched", keys.state, fail_alloc_hit() ? 99 : SGL_DKIM_KEY_FOUND);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_say_what_a_key_is_for),
        cmocka_unit_test(a_selector_has_keys),
        cmocka_unit_test(security_is_that_of_the_answer),
        cmocka_unit_test(names_that_cannot_be_are_refused),
        cmocka_unit_test(each_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
