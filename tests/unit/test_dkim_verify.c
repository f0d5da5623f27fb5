/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts on signatures  [RFC 6376 s6, RFC 8301, RFC 8463, RFC 8601 s2.7.1]. */
#include "dkim_verify_fixture.h"

#include "dkim_fixture.h"

struct row {
    const char *name, *field, *zone;
    const char *from, *to; /* replaced in the signed message; NULL: nothing */
    enum sgl_dkim_result want;
    const char *reason;
};

static const struct row rows[] = {
    {"RSA", RSA "b=@", ZONE, NULL, NULL, SGL_DKIM_PASS, ""},
    {"Ed25519 [RFC 8463 s3]", ED "b=@", ZONE, NULL, NULL, SGL_DKIM_PASS, ""},
    {"relaxed/relaxed", RSA "c=relaxed/relaxed; b=@", ZONE, NULL, NULL, SGL_DKIM_PASS, ""},
    {"simple/relaxed", RSA "c=simple/relaxed; b=@", ZONE, NULL, NULL, SGL_DKIM_PASS, ""},
    {"relaxed/simple", RSA "c=relaxed; b=@", ZONE, NULL, NULL, SGL_DKIM_PASS, ""},
    {"b= in the middle, folded", RSA "b=@ ; q=dns/txt", ZONE, "b=", "b=\r\n ", SGL_DKIM_PASS, ""},

    /* Changes on the way. */
    {"relaxed: blanks of a field may change", RSA "c=relaxed/relaxed; b=@", ZONE, "A  subject",
     "A\r\n\tsubject ", SGL_DKIM_PASS, ""},
    {"simple: they may not", RSA "b=@", ZONE, "A  subject", "A subject", SGL_DKIM_FAIL, MISMATCH},
    {"relaxed: the case of a name may change", RSA "c=relaxed/relaxed; b=@", ZONE, "Subject",
     "SUBJECT", SGL_DKIM_PASS, ""},
    {"simple: it may not", RSA "b=@", ZONE, "Subject", "SUBJECT", SGL_DKIM_FAIL, MISMATCH},
    {"relaxed: blanks at the end of a line of the body may change", RSA "c=relaxed/relaxed; b=@",
     ZONE, "world.  ", "world.", SGL_DKIM_PASS, ""},
    {"simple: they may not", RSA "b=@", ZONE, "world.  ", "world.", SGL_DKIM_FAIL, BODY_CHANGED},
    {"empty lines at the end may change", RSA "b=@", ZONE, "\r\n\r\n\r\n", "\r\n", SGL_DKIM_PASS,
     ""},
    {"another word in the body [RFC 6376 s6.1.3 step 3]", RSA "c=relaxed/relaxed; b=@", ZONE,
     "world", "World", SGL_DKIM_FAIL, BODY_CHANGED},
    {"another word in a signed field [RFC 6376 s6.1.3 step 4]", RSA "c=relaxed/relaxed; b=@", ZONE,
     "subject\r", "object\r", SGL_DKIM_FAIL, MISMATCH},
    {"a field that is not signed may change", RSA "b=@", ZONE, "today", "tomorrow", SGL_DKIM_PASS,
     ""},
    {"a signed field that is taken away", RSA "b=@", ZONE, "To: sue@example.net\r\n", "",
     SGL_DKIM_FAIL, MISMATCH},
    {"a second From below is the one that counts", RSA "b=@", ZONE,
     "Date:", "From: x@y.test\r\nDate:", SGL_DKIM_FAIL, MISMATCH},
    {"a second From above is not covered by one in h=", RSA "b=@", ZONE,
     "From:", "From: x@y.test\r\nFrom:", SGL_DKIM_PASS, ""},
    {"but by two [RFC 6376 s8.15]",
     "v=1; a=rsa-sha256; d=example.org; s=r; h=from:from:to; bh=@; b=@", ZONE,
     "From:", "From: x@y.test\r\nFrom:", SGL_DKIM_FAIL, MISMATCH},
    {"a field added to a name that was listed and missing",
     "v=1; a=rsa-sha256; d=example.org; s=r; h=from:cc; bh=@; b=@", ZONE,
     "Date:", "Cc: x@y.test\r\nDate:", SGL_DKIM_FAIL, MISMATCH},
    {"unknown tags are covered, too", RSA "zz=1; b=@", ZONE, "zz=1", "zz=2", SGL_DKIM_FAIL,
     MISMATCH},
    {"a signature of the wrong length is no error", RSA "b=@", ZONE, "; b=", "; b=AAAA",
     SGL_DKIM_FAIL, MISMATCH},
    {"padding of b= may be left out", RSA "b=@", ZONE, "=\r\nFrom", "\r\nFrom", SGL_DKIM_PASS, ""},

    /* 6.1.1: the field. The words are those of RFC 8601 s2.7.1. */
    {"syntax is neutral", RSA "b=@; ;", ZONE, NULL, NULL, SGL_DKIM_NEUTRAL,
     "a tag is missing between two semicolons"},
    {"a missing tag is permanent", "v=1; a=rsa-sha256; d=example.org; s=r; bh=@; b=@", ZONE, NULL,
     NULL, SGL_DKIM_PERMERROR, "the signature has no h="},
    {"so is another version", "v=0.5; a=rsa-sha256; d=example.org; s=r; h=from; bh=@; b=@", ZONE,
     NULL, NULL, SGL_DKIM_PERMERROR, "v= is a version other than 1 of DKIM signatures"},
    {"From must be signed", "v=1; a=rsa-sha256; d=example.org; s=r; h=to; bh=@; b=@", ZONE, NULL,
     NULL, SGL_DKIM_PERMERROR, "From is not signed"},
    {"i= outside of d=", RSA "i=@example.net; b=@", ZONE, NULL, NULL, SGL_DKIM_PERMERROR,
     "the domain of i= is not d= nor below it"},
    {"rsa-sha1 does not verify [RFC 8301 s3.1]",
     "v=1; a=rsa-sha1; d=example.org; s=r; h=from; bh=@; b=@", ZONE, NULL, NULL, SGL_DKIM_PERMERROR,
     "rsa-sha1 is no longer accepted"},
    {"an algorithm of the future", "v=1; a=x-sha512; d=example.org; s=r; h=from; bh=@; b=@", ZONE,
     NULL, NULL, SGL_DKIM_PERMERROR, "the algorithm is not known"},
    {"bh= of another length is never compared (CVE-2020-28025)",
     "v=1; a=rsa-sha256; d=example.org; s=r; h=from; bh=QUJDRA==; b=@", ZONE, NULL, NULL,
     SGL_DKIM_NEUTRAL, "bh= is no SHA-256 hash"},
    {"expired", RSA "x=1699999999; b=@", ZONE, NULL, NULL, SGL_DKIM_PERMERROR,
     "the signature has expired"},
    {"the last second", RSA "x=1700000000; b=@", ZONE, NULL, NULL, SGL_DKIM_PASS, ""},
    {"x= before t=", RSA "t=1700000100; x=1700000050; b=@", ZONE, NULL, NULL, SGL_DKIM_PERMERROR,
     "x= is not later than t="},
    {"x= at t= [RFC 6376 s3.5]", RSA "t=1700000100; x=1700000100; b=@", ZONE, NULL, NULL,
     SGL_DKIM_PERMERROR, "x= is not later than t="},
    {"clocks may differ by five minutes", RSA "t=1700000300; b=@", ZONE, NULL, NULL, SGL_DKIM_PASS,
     ""},
    {"not by more", RSA "t=1700000301; b=@", ZONE, NULL, NULL, SGL_DKIM_PERMERROR,
     "the signature was made in the future"},

    /* l= [RFC 6376 s8.2] */
    {"l= that covers all of it", RSA "l=20; b=@", ZONE, NULL, NULL, SGL_DKIM_PASS, ""},
    {"a tail behind l= is refused", RSA "l=6; b=@", ZONE, NULL, NULL, SGL_DKIM_POLICY,
     "l= leaves the end of the body unsigned"},
    {"one that was added, too", RSA "l=20; b=@", ZONE, "world.  \r\n", "world.  \r\nMore\r\n",
     SGL_DKIM_POLICY, "l= leaves the end of the body unsigned"},
    {"l= above the body's length [RFC 6376 s3.5]", RSA "l=21; b=@", ZONE, NULL, NULL, SGL_DKIM_FAIL,
     "the body is shorter than l= says"},
    {"the tail does not hide a change", RSA "l=6; b=@", ZONE, "Hello", "Hallo", SGL_DKIM_FAIL,
     BODY_CHANGED},

    /* 6.1.2: the key. */
    {"no such name [RFC 6376 s6.1.2 step 3]", RSA "b=@", "e._domainkey.example.org NODATA", NULL,
     NULL, SGL_DKIM_PERMERROR, "no key record stands at the selector"},
    {"a failed lookup [RFC 6376 s6.1.2 step 2]", RSA "b=@", "r._domainkey.example.org SERVFAIL",
     NULL, NULL, SGL_DKIM_TEMPERROR, "the key could not be looked up"},
    {"revoked [RFC 6376 s6.1.2 step 7]", RSA "b=@", R "v=DKIM1; p=", NULL, NULL, SGL_DKIM_PERMERROR,
     "the key was revoked"},
    {"a broken record [RFC 6376 s6.1.2 step 5]", RSA "b=@", R "v=DKIM1; k=rsa", NULL, NULL,
     SGL_DKIM_PERMERROR, "the key record has no p="},
    {"h= without sha256 [RFC 6376 s6.1.2 step 6]", RSA "b=@", R "h=sha1; p=" RFC8463_RSA_PUBLIC,
     NULL, NULL, SGL_DKIM_PERMERROR, "the key is not for SHA-256"},
    {"s= of another service", RSA "b=@", R "s=tlsrpt; p=" RFC8463_RSA_PUBLIC, NULL, NULL,
     SGL_DKIM_PERMERROR, "the key is not for mail"},
    {"another type [RFC 6376 s6.1.2 step 8]", RSA "b=@", R DKIM_ED25519_KEY, NULL, NULL,
     SGL_DKIM_PERMERROR, "the key is of another type than the signature"},
    {"bytes that are no key", RSA "b=@", R "p=AAAA", NULL, NULL, SGL_DKIM_PERMERROR,
     "the key's bytes are no public key"},
    {"RSA-512 never verifies [RFC 8301 s3.2]", RSA "b=@",
     R "p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAO776mf56k8Wb4e3vCqZlRYitwWbr1cCG0GdGV/ntXyTUVjx"
       "TZXJfaKH7tGoho5pcCg+j+EPlg8QvW0arGxsx3UCAwEAAQ==",
     NULL, NULL, SGL_DKIM_PERMERROR, "the key is shorter than 1024 bits"},
    {"t=y makes no difference [RFC 6376 s3.6.1]", RSA "b=@", R "t=y; p=" RFC8463_RSA_PUBLIC, NULL,
     NULL, SGL_DKIM_PASS, ""},
    {"nor to a failure", RSA "b=@", R "t=y; p=" RFC8463_RSA_PUBLIC, "sue", "zoe", SGL_DKIM_FAIL,
     MISMATCH},
    {"t=s and i= below d= [RFC 6376 s3.6.1]", RSA "i=a@b.example.org; b=@",
     R "t=s; p=" RFC8463_RSA_PUBLIC, NULL, NULL, SGL_DKIM_PERMERROR,
     "the key's t=s wants the domain of i= to be d="},
    {"t=s and i= at d=", RSA "i=a@Example.ORG; b=@", R "t=s; p=" RFC8463_RSA_PUBLIC, NULL, NULL,
     SGL_DKIM_PASS, ""},
    {"without t=s i= may be below", RSA "i=a@b.example.org; b=@", ZONE, NULL, NULL, SGL_DKIM_PASS,
     ""},
    {"several records: the one that fits", RSA "b=@",
     R DKIM_ED25519_KEY "\n" R "p=AAAA\n" R DKIM_RSA_KEY, NULL, NULL, SGL_DKIM_PASS, ""},
    {"several records, none fits: the mismatch is told", RSA "b=@",
     R DKIM_ED25519_KEY "\n" R "p=AAAA\n" R DKIM_RSA_KEY, "sue", "zoe", SGL_DKIM_FAIL, MISMATCH},
    {"a key in strings of 255 is one text [RFC 6376 s3.6.2.2]", RSA "b=@",
     R
     "n=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; "
     "p=" RFC8463_RSA_PUBLIC,
     NULL, NULL, SGL_DKIM_PASS, ""},
};

static void build(const struct row *row, struct sgl_buf *message)
{
    sgl_buf_add_cstr(message, HEADER "\r\n" BODY);
    dkim_fixture_sign(&fx, row->field, message);
    if (row->from != NULL)
        CHECK_TRUE(row->name,
                   dkim_fixture_replace(message, sgl_view_cstr(row->from), sgl_view_cstr(row->to)));
}

static void signatures_are_judged(void **state)
{
    static const size_t pieces[] = {0, 1, 2, 3, 7, 1000};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sgl_auto(sgl_buf) message = SGL_BUF_INIT(65536);

        build(&rows[i], &message);
        for (size_t p = 0; p < sizeof pieces / sizeof pieces[0] * DNS_DRIVERS; p++) {
            sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", rows[i].zone);
            sgl_auto(dkim_run) run;

            CHECK_EQ(rows[i].name,
                     dkim_run_start(&run, fx.crypto, &plain, sgl_buf_view(&message),
                                    pieces[p / DNS_DRIVERS]),
                     SGL_OK);
            CHECK_EQ(rows[i].name, dkim_run_finish(&run, &dns, (enum dns_driver)(p % DNS_DRIVERS)),
                     SGL_OK);
            CHECK_EQ(rows[i].name, run.verdicts.count, 1);
            CHECK_STR(rows[i].name, run.verdicts.item[0].reason, rows[i].reason);
            CHECK_STR(rows[i].name, sgl_dkim_result_name(run.verdicts.item[0].result),
                      sgl_dkim_result_name(rows[i].want));
            CHECK_EQ(rows[i].name, run.verdicts.passes, rows[i].want == SGL_DKIM_PASS);
        }
    }
}

static void verdicts_tell_what_was_seen(void **state)
{
    static const char *const fields[] = {RSA "l=6; i=a=20b@sub.example.org; t=1; x=1800000000; b=@",
                                         ED "c=relaxed/relaxed; b=@"};
    sgl_auto(dns_fixture) dns = dns_fixture_init(
        "example.org", "$SECURE\n" R "t=y; p=" RFC8463_RSA_PUBLIC
                       "\n$INSECURE\ne._domainkey.example.org TXT " DKIM_ED25519_KEY);
    struct sgl_dkim_verify_options options = {.now = NOW, .partial_body_ok = true};
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(65536);
    sgl_auto(dkim_run) run;
    const struct sgl_dkim_verdict *ed, *rsa;

    (void)state;
    verify_fields(fields, 2, &options, &dns, &message, &run);
    CHECK_EQ("two", run.verdicts.count, 2);
    CHECK_EQ("both pass", run.verdicts.passes, 2);
    CHECK_EQ("asked together", run.passes, 1);
    ed = &run.verdicts.item[0];
    rsa = &run.verdicts.item[1];
    CHECK_VIEW("the topmost field comes first", ed->tags.algorithm, SGL_LIT("ed25519-sha256"));
    CHECK_EQ("Ed25519 keys have 256 bits", ed->key_bits, 256);
    CHECK_TRUE("no flag", !ed->testing && !ed->secure);
    CHECK_EQ("no l=, no tail", ed->unsigned_tail, 0);
    CHECK_EQ("RSA", rsa->key_bits, 1024);
    CHECK_TRUE("flags", rsa->testing && rsa->secure);
    CHECK_EQ("canonical bytes behind l=", rsa->unsigned_tail, 14);
    CHECK_VIEW("identity", rsa->tags.identity, SGL_LIT("a b@sub.example.org"));
    CHECK_TRUE("field", rsa->field == &run.headers.field[1]);
    CHECK_EQ("b= for header.b [RFC 6008 s4]", rsa->tags.b.len, 172);
}

static void a_message_without_signatures_has_no_verdicts(void **state)
{
    sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", ZONE);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(65536);
    sgl_auto(dkim_run) run;

    (void)state;
    verify_fields(NULL, 0, &plain, &dns, &message, &run);
    CHECK_EQ("none", run.verdicts.count + run.verdicts.passes + run.verdicts.ignored, 0);
    CHECK_EQ("no question", run.passes, 0);
}

static void rfc8463_appendix_a_verifies(void **state)
{
    static const char message[] = RFC8463_RSA_FIELD RFC8463_RSA_B
        "\r\n" RFC8463_ED25519_FIELD RFC8463_ED25519_B "\r\n" RFC8463_HEADER "\r\n" RFC8463_BODY;
    sgl_auto(dns_fixture) dns =
        dns_fixture_init("test", "brisbane._domainkey.football.example.com TXT " DKIM_ED25519_KEY
                                 "\ntest._domainkey.football.example.com TXT " DKIM_RSA_KEY);
    sgl_auto(dkim_run) run;

    (void)state;
    CHECK_EQ("started [RFC 8463 A.3]",
             dkim_run_start(&run, fx.crypto, &plain, sgl_view_cstr(message), 1), SGL_OK);
    CHECK_EQ("judged", dkim_run_finish(&run, &dns, DNS_NEWEST_FIRST), SGL_OK);
    CHECK_EQ("both", run.verdicts.passes, 2);
}

static void owners_hear_what_is_wrong(void **state)
{
    static const struct {
        const char *name, *txt, *codes;
    } cases[] = {
        {"nothing", DKIM_ED25519_KEY, ""},
        {"1024 bits are few [RFC 8301 s3.2]", DKIM_RSA_KEY, "dkim-key-short"},
        {"no version", "k=ed25519; p=" RFC8463_ED25519_PUBLIC, "dkim-key-no-version"},
        {"g=", "v=DKIM1; g=*; k=ed25519; p=" RFC8463_ED25519_PUBLIC, "dkim-key-g"},
        {"testing", "v=DKIM1; t=y; k=ed25519; p=" RFC8463_ED25519_PUBLIC, "dkim-key-testing"},
        {"SHA-1", "v=DKIM1; h=sha1; k=ed25519; p=" RFC8463_ED25519_PUBLIC, "dkim-key-sha1"},
        {"service", "v=DKIM1; s=x; k=ed25519; p=" RFC8463_ED25519_PUBLIC, "dkim-key-service"},
        /* [RFC 8460 s3] */
        {"mail alone", "v=DKIM1; s= other : email ; k=ed25519; p=" RFC8463_ED25519_PUBLIC,
         "dkim-key-no-reports"},
        {"mail and reports", "v=DKIM1; s=email:tlsrpt; k=ed25519; p=" RFC8463_ED25519_PUBLIC, ""},
        {"all services", "v=DKIM1; s=email : *; k=ed25519; p=" RFC8463_ED25519_PUBLIC, ""},
        {"revoked", "v=DKIM1; p=", "dkim-key-revoked"},
        {"no p=", "v=DKIM1; k=rsa", "dkim-key-syntax"},
        {"bytes", "v=DKIM1; p=AAAA", "dkim-key-unreadable"},
        {"Ed25519 as RSA", "v=DKIM1; k=ed25519; p=" RFC8463_RSA_PUBLIC, "dkim-key-unreadable"},
        {"two at once", "v=DKIM1; t=y; p=" RFC8463_RSA_PUBLIC, "dkim-key-short dkim-key-testing"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(1024);
        struct sgl_findings findings = {0};

        CHECK_EQ(cases[i].name,
                 sgl_dkim_key_lint(fx.crypto, sgl_view_cstr(cases[i].txt), &arena, &findings),
                 SGL_OK);
        for (const struct sgl_finding *f = findings.first; f != NULL; f = f->next)
            sgl_buf_addf(&got, "%s%s", got.len == 0 ? "" : " ", f->code);
        CHECK_VIEW(cases[i].name, sgl_buf_view(&got), sgl_view_cstr(cases[i].codes));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_are_judged),
        cmocka_unit_test(verdicts_tell_what_was_seen),
        cmocka_unit_test(a_message_without_signatures_has_no_verdicts),
        cmocka_unit_test(rfc8463_appendix_a_verifies),
        cmocka_unit_test(owners_hear_what_is_wrong),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
