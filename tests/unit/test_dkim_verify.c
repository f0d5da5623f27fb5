/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts on signatures  [RFC 6376 s6, RFC 8301, RFC 8463, RFC 8601 s2.7.1]. */
#include "dkim_fixture.h"
#include "fail_alloc.h"
#include "sigillo/limits.h"

#define NOW 1700000000

static struct dkim_fixture fx;

static int setup(void **state)
{
    (void)state;
    dkim_fixture_init(&fx);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dkim_fixture_done(&fx);
    return 0;
}

#define HEADER                                                                                     \
    "From: Joe <joe@example.org>\r\nTo: sue@example.net\r\nSubject: A  subject\r\nDate: today\r\n"
#define BODY "Hello,\r\n\r\nworld.  \r\n\r\n\r\n"
#define RSA  "v=1; a=rsa-sha256; d=example.org; s=r; h=from:to:subject; bh=@; "
#define ED   "v=1; a=ed25519-sha256; d=example.org; s=e; h=from:to:subject; bh=@; "
#define R    "r._domainkey.example.org TXT "
#define ZONE R DKIM_RSA_KEY "\ne._domainkey.example.org TXT " DKIM_ED25519_KEY "\n"
#define MISMATCH                                                                                   \
    "the signature does not fit: signed fields were changed, or it was made with another key"
#define BODY_CHANGED "the body was changed: its hash is not the one that was signed"

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

static const struct sgl_dkim_verify_options plain = {.now = NOW};

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

/* ---- one message, in detail ----------------------------------------------------------------------------------------- */

/* Signs HEADER and BODY with each field, the last one topmost, and verifies. */
static void verify_fields(const char *const *field, size_t count,
                          const struct sgl_dkim_verify_options *options, struct dns_fixture *dns,
                          struct sgl_buf *message, struct dkim_run *run)
{
    sgl_buf_add_cstr(message, HEADER "\r\n" BODY);
    for (size_t i = 0; i < count; i++)
        dkim_fixture_sign(&fx, field[i], message);
    CHECK_EQ("started", dkim_run_start(run, fx.crypto, options, sgl_buf_view(message), 0), SGL_OK);
    CHECK_EQ("judged", dkim_run_finish(run, dns, DNS_ALL_AT_ONCE), SGL_OK);
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

static void short_keys_may_be_refused(void **state)
{
    static const char *const field[] = {RSA "b=@"};
    const struct sgl_dkim_verify_options options = {.now = NOW, .rsa_bits_min = 2048};
    sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", ZONE);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(65536);
    sgl_auto(dkim_run) run;

    (void)state;
    verify_fields(field, 1, &options, &dns, &message, &run);
    CHECK_STR("why", run.verdicts.item[0].reason, "the key is shorter than we accept");
    CHECK_EQ("how short", run.verdicts.item[0].key_bits, 1024);
}

static void names_that_are_too_long_ask_nothing(void **state)
{
    sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", ZONE);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(65536);
    sgl_auto(sgl_buf) field = SGL_BUF_INIT(65536);
    sgl_auto(dkim_run) run;
    const char *text;

    (void)state;
    sgl_buf_add_cstr(&field, "v=1; a=rsa-sha256; d=example.org; h=from; bh=@; b=@; s=");
    for (int i = 0; i < 120; i++)
        sgl_buf_add_cstr(&field, "a.");
    sgl_buf_add_cstr(&field, "a");
    text = sgl_cstr(&field);
    verify_fields(&text, 1, &plain, &dns, &message, &run);
    CHECK_EQ("permanent", run.verdicts.item[0].result, SGL_DKIM_PERMERROR);
    CHECK_EQ("no question", run.passes, 0);
}

/* ---- many signatures --------------------------------------------------------------------------------------------------- */

static void many_signatures_are_capped(void **state)
{
    static const char *fields[25];
    sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", ZONE);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1 << 20);
    sgl_auto(dkim_run) run;

    (void)state;
    for (size_t i = 0; i < 25; i++)
        fields[i] = i == 20 ? "broken" : RSA "b=@";
    verify_fields(fields, 25, &plain, &dns, &message, &run);
    CHECK_EQ("read", run.verdicts.count, SGL_LIMIT_DKIM_SIGNATURES);
    CHECK_EQ("counted", run.verdicts.ignored, 5);
    CHECK_EQ("tried: broken ones cost nothing", run.verdicts.passes, SGL_LIMIT_DKIM_TRIED);
    CHECK_EQ("the broken one", run.verdicts.item[4].result, SGL_DKIM_NEUTRAL);
    CHECK_EQ("the tenth", run.verdicts.item[10].result, SGL_DKIM_PASS);
    CHECK_STR("the eleventh", run.verdicts.item[11].reason,
              "the message has more signatures than we try");
    CHECK_EQ("is neutral", run.verdicts.item[11].result, SGL_DKIM_NEUTRAL);
}

static void a_bad_signature_does_not_spoil_a_good_one(void **state)
{
    static const char *const fields[] = {
        RSA "b=@", "v=1; a=rsa-sha256; d=example.org; s=none; h=from; bh=@; b=@", "nonsense",
        "v=1; a=ed25519-sha256; d=example.org; s=r; h=from; bh=@; b=@"};
    sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", ZONE);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(65536);
    sgl_auto(dkim_run) run;

    (void)state;
    verify_fields(fields, 4, &plain, &dns, &message, &run);
    CHECK_EQ("one passes [RFC 6376 s6.1]", run.verdicts.passes, 1);
    CHECK_EQ("the last", run.verdicts.item[3].result, SGL_DKIM_PASS);
}

/* 10 000 names in h=: over the cap it is neutral, below the size of a field. */
static void ten_thousand_names_are_refused(void **state)
{
    sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", ZONE);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_buf) field = SGL_BUF_INIT(1 << 20);
    sgl_auto(dkim_run) run;
    const char *text;

    (void)state;
    sgl_buf_add_cstr(&field, "v=1; a=rsa-sha256; d=example.org; s=r; bh=AAAA; b=AAAA; h=from");
    for (int i = 0; i < 10000; i++)
        sgl_buf_add_cstr(&field, i % 200 == 199 ? ":\r\n x" : ":x");
    text = sgl_cstr(&field);
    verify_fields(&text, 1, &plain, &dns, &message, &run);
    CHECK_STR("why", run.verdicts.item[0].reason, "the signature is larger than we read");
    CHECK_EQ("what", run.verdicts.item[0].result, SGL_DKIM_NEUTRAL);
}

/* ---- restarts, and keys that are kept -------------------------------------------------------------------------------- */

struct cache {
    struct sgl_public_key *key;
    int finds, keeps;
};

static const struct sgl_public_key *cache_find(void *ctx, enum sgl_key_type type, sgl_view bytes)
{
    struct cache *cache = ctx;

    CHECK_EQ("type", type, SGL_KEY_RSA);
    CHECK_EQ("bytes of p=", bytes.len, 162);
    cache->finds++;
    return cache->key;
}

static bool cache_keep(void *ctx, enum sgl_key_type type, sgl_view bytes,
                       struct sgl_public_key *key)
{
    struct cache *cache = ctx;

    (void)type;
    (void)bytes;
    cache->keeps++;
    if (cache->key != NULL)
        return false;
    cache->key = key;
    return true;
}

static void a_signature_is_checked_once(void **state)
{
    static const char *const fields[] = {RSA "b=@", "v=1; a=rsa-sha256; d=example.org; s=slow; "
                                                    "h=from; bh=@; b=@"};
    struct cache cache = {NULL, 0, 0};
    const struct sgl_dkim_key_cache keys = {&cache, cache_find, cache_keep};
    const struct sgl_dkim_verify_options options = {.now = NOW, .keys = &keys};
    sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", ZONE);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(65536);
    sgl_auto(dkim_run) run;
    size_t used;

    (void)state;
    sgl_buf_add_cstr(&message, HEADER "\r\n" BODY);
    dkim_fixture_sign(&fx, fields[0], &message);
    dkim_fixture_sign(&fx, fields[1], &message);
    CHECK_EQ("started", dkim_run_start(&run, fx.crypto, &options, sgl_buf_view(&message), 0),
             SGL_OK);
    used = run.arena.used;
    CHECK_EQ("both asked", sgl_dkim_verify(&run.verifier, &dns.dns, &run.verdicts), SGL_NEED_DNS);
    CHECK_EQ("at once", sgl_dns_open(&dns.dns), 2);
    dns_fixture_step(&dns, DNS_NEWEST_FIRST);
    for (int i = 0; i < 3; i++)
        CHECK_EQ("one is missing", sgl_dkim_verify(&run.verifier, &dns.dns, &run.verdicts),
                 SGL_NEED_DNS);
    CHECK_EQ("memory does not grow with passes", run.arena.used, used);
    dns_fixture_step(&dns, DNS_ALL_AT_ONCE);
    for (int i = 0; i < 3; i++)
        CHECK_EQ("done", sgl_dkim_verify(&run.verifier, &dns.dns, &run.verdicts), SGL_OK);
    CHECK_EQ("memory does not grow with checks", run.arena.used, used);
    CHECK_EQ("one pass", run.verdicts.passes, 1);
    CHECK_EQ("one key was looked for once", cache.finds, 1);
    CHECK_EQ("and kept", cache.keeps, 1);
    sgl_public_key_free(cache.key);
}

static void a_kept_key_gives_the_same_verdict(void **state)
{
    static const char *const field[] = {RSA "b=@"};
    struct cache cache = {NULL, 0, 0};
    const struct sgl_dkim_key_cache keys = {&cache, cache_find, cache_keep};
    const struct sgl_dkim_verify_options options = {.now = NOW, .keys = &keys};

    (void)state;
    for (int round = 0; round < 3; round++) {
        sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", ZONE);
        sgl_auto(sgl_buf) message = SGL_BUF_INIT(65536);
        sgl_auto(dkim_run) run;

        verify_fields(field, 1, &options, &dns, &message, &run);
        CHECK_EQ("passes", run.verdicts.passes, 1);
        CHECK_EQ("bits", run.verdicts.item[0].key_bits, 1024);
    }
    CHECK_EQ("built once", cache.keeps, 1);
    CHECK_EQ("looked for each time", cache.finds, 3);
    sgl_public_key_free(cache.key);
}

static void verdicts_need_the_whole_body(void **state)
{
    sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", ZONE);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(65536);
    sgl_auto(dkim_run) run;

    (void)state;
    sgl_buf_add_cstr(&message, HEADER "\r\n" BODY);
    dkim_fixture_sign(&fx, RSA "b=@", &message);
    CHECK_EQ("started", dkim_run_start(&run, fx.crypto, &plain, sgl_buf_view(&message), 0), SGL_OK);
    run.hashes.finished = false;
    CHECK_EQ("too early", sgl_dkim_verify(&run.verifier, &dns.dns, &run.verdicts), SGL_E_MISUSE);
}

static void each_allocation_may_fail(void **state)
{
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(65536);

    (void)state;
    sgl_buf_add_cstr(&message, HEADER "\r\n" BODY);
    dkim_fixture_sign(&fx, RSA "l=5; i=a=20@example.org; b=@", &message);
    dkim_fixture_sign(&fx, ED "b=@", &message);
    for (size_t n = 1; fail_alloc_round(n); n++) {
        fail_alloc_off();
        sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", ZONE);
        sgl_auto(dkim_run) run = {0};
        enum sgl_status status;

        fail_alloc_on();
        status = dkim_run_start(&run, fx.crypto, &plain, sgl_buf_view(&message), 0);
        for (int pass = 0; status == SGL_OK && pass < 3; pass++) {
            enum sgl_status st = sgl_dkim_verify(&run.verifier, &dns.dns, &run.verdicts);

            fail_alloc_off();
            if (st == SGL_NEED_DNS)
                dns_fixture_answer(&dns);
            fail_alloc_on();
            status = st == SGL_NEED_DNS ? SGL_OK : st;
        }
        if (fail_alloc_hit() && status == SGL_E_NOMEM)
            continue;
        CHECK_EQ("judged", status, SGL_OK);
        CHECK_EQ("out of memory is never a verdict", run.verdicts.count, 2);
        CHECK_EQ("Ed25519", run.verdicts.item[0].result, SGL_DKIM_PASS);
        CHECK_EQ("RSA", run.verdicts.item[1].result, SGL_DKIM_POLICY);
    }
}

/* ---- findings about key records --------------------------------------------------------------------------------------- */

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
        cmocka_unit_test(short_keys_may_be_refused),
        cmocka_unit_test(names_that_are_too_long_ask_nothing),
        cmocka_unit_test(many_signatures_are_capped),
        cmocka_unit_test(a_bad_signature_does_not_spoil_a_good_one),
        cmocka_unit_test(ten_thousand_names_are_refused),
        cmocka_unit_test(a_signature_is_checked_once),
        cmocka_unit_test(a_kept_key_gives_the_same_verdict),
        cmocka_unit_test(verdicts_need_the_whole_body),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(owners_hear_what_is_wrong),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
