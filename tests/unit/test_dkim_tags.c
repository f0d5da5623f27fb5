/* SPDX-License-Identifier: Apache-2.0 */
#include "dkim_tags_fixture.h"

#include "check.h"

struct row {
    const char *name, *value, *want; /* want of SYNTAX and RULE: the reason */
    enum sgl_dkim_fault fault;
};

static const struct row rows[] = {
    {"the required tags are enough, and c= is simple/simple [RFC 6376 s3.5]", GOOD, PLAIN, NOFAULT},

    /* Tag lists. [RFC 6376 s3.2] */
    {"one semicolon may stand at the end [RFC 6376 s3.2]", GOOD ";", PLAIN, NOFAULT},
    {"and blanks behind it", GOOD " ; \r\n ", PLAIN, NOFAULT},
    {"two semicolons are an empty tag", GOOD ";;", "a tag is missing between two semicolons",
     SYNTAX},
    {"a spec without = is refused", GOOD "; t", "tag without \"=\"", SYNTAX},
    {"folds around names, = and values are skipped",
     "v\r\n =\r\n 1 ;a = rsa-sha256; d\t= example.org ; s = s1;" BH
     "; b =\r\n\tAA\r\n\tAA ; h\r\n = "
     "from ",
     PLAIN, NOFAULT},
    {"tag names are case-sensitive",
     "V=1; a=rsa-sha256; d=example.org; s=s1; " BH "; b=AAAA; h=from",
     "the signature has no v=", RULE},
    {"a tag that stands twice refuses all", GOOD "; d=example.org", "a tag stands twice", SYNTAX},
    {"an unknown tag too, when it stands twice", GOOD "; zz=1; zz=1", "a tag stands twice", SYNTAX},
    {"names that differ in case are two tags", GOOD "; zz=1; ZZ=1", PLAIN, NOFAULT},
    {"unknown tags are ignored [RFC 6376 s6.1.1]", GOOD "; r=y; zz=", PLAIN, NOFAULT},
    {"a control byte in a value is refused", GOOD "; zz=\001",
     "a character that no tag value may hold", SYNTAX},
    {"bytes that are not UTF-8 are refused", GOOD "; zz=\xff", "the signature is not UTF-8",
     SYNTAX},
    {"UTF-8 in a value is not [RFC 8616 s5]", GOOD "; zz=\xc3\xbc", PLAIN, NOFAULT},
    {"an empty field is no signature", "", "a tag is missing between two semicolons", SYNTAX},

    /* Each required tag. [RFC 6376 s6.1.1] */
    {"v= is required", "a=rsa-sha256; d=example.org; s=s1; " BH "; b=AAAA; h=from",
     "the signature has no v=", RULE},
    {"a= is required", "v=1; d=example.org; s=s1; " BH "; b=AAAA; h=from",
     "the signature has no a=", RULE},
    {"d= is required", "v=1; a=rsa-sha256; s=s1; " BH "; b=AAAA; h=from",
     "the signature has no d=", RULE},
    {"s= is required", "v=1; a=rsa-sha256; d=example.org; " BH "; b=AAAA; h=from",
     "the signature has no s=", RULE},
    {"bh= is required", "v=1; a=rsa-sha256; d=example.org; s=s1; b=AAAA; h=from",
     "the signature has no bh=", RULE},
    {"b= is required", "v=1; a=rsa-sha256; d=example.org; s=s1; " BH "; h=from",
     "the signature has no b=", RULE},
    {"h= is required", "v=1; a=rsa-sha256; d=example.org; s=s1; " BH "; b=AAAA",
     "the signature has no h=", RULE},
    {"an empty a= is not an absent one", "v=1; a=; d=example.org; s=s1; " BH "; b=AAAA; h=from",
     "a= is empty", SYNTAX},
    {"an empty d= is no name", "v=1; a=rsa-sha256; d=; s=s1; " BH "; b=AAAA; h=from",
     "d= is no domain name", SYNTAX},
    {"an empty b= is no signature", "v=1; a=rsa-sha256; d=example.org; s=s1; " BH "; b=; h=from",
     "b= is not base64", SYNTAX},
    {"an empty bh= is no hash", "v=1; a=rsa-sha256; d=example.org; s=s1; bh= ; b=AAAA; h=from",
     "bh= is not base64", SYNTAX},
    {"an empty h= signs nothing", BASE "h=", "h= holds something that is no field name", SYNTAX},

    /* v= */
    {"v=1.0 is another version", "v=1.0; a=rsa-sha256; d=example.org; s=s1; " BH "; b=AAAA; h=from",
     "v= is a version other than 1 of DKIM signatures", RULE},
    {"v=01 is another version", "v=01; a=rsa-sha256; d=example.org; s=s1; " BH "; b=AAAA; h=from",
     "v= is a version other than 1 of DKIM signatures", RULE},
    {"v=2 is another version", "v=2; a=rsa-sha256; d=example.org; s=s1; " BH "; b=AAAA; h=from",
     "v= is a version other than 1 of DKIM signatures", RULE},

    /* a= : judged later */
    {"ed25519-sha256 is known [RFC 8463 s3]",
     "v=1; a=ed25519-sha256; d=example.org; s=s1; " BH "; b=AAAA; h=from",
     "example.org/s1/@example.org a=ed25519-sha256 c=ss h=from b=AAAA:3 bh=32", NOFAULT},
    {"rsa-sha1 can be read, and is not known [RFC 8301 s3.1]",
     "v=1; a=rsa-sha1; d=example.org; s=s1; " BH "; b=AAAA; h=from",
     "example.org/s1/@example.org c=ss h=from b=AAAA:3 bh=32", NOFAULT},
    {"algorithms are case-sensitive [RFC 6376 s3.2]",
     "v=1; a=RSA-SHA256; d=example.org; s=s1; " BH "; b=AAAA; h=from",
     "example.org/s1/@example.org c=ss h=from b=AAAA:3 bh=32", NOFAULT},

    /* b= and bh= */
    {"blanks and folds in b= are skipped",
     "v=1; a=rsa-sha256; d=example.org; s=s1; " BH "; b= A A\r\n A\tA ; h=from", PLAIN, NOFAULT},
    {"padding may be left out [RFC 6376 s2.10]",
     "v=1; a=rsa-sha256; d=example.org; s=s1; " BH "; b=AAA; h=from",
     "example.org/s1/@example.org a=rsa-sha256 c=ss h=from b=AAA:2 bh=32", NOFAULT},
    {"other characters are not", "v=1; a=rsa-sha256; d=example.org; s=s1; " BH "; b=AA.A; h=from",
     "b= is not base64", SYNTAX},
    {"one character is no byte", "v=1; a=rsa-sha256; d=example.org; s=s1; " BH "; b=A; h=from",
     "b= is not base64", SYNTAX},
    {"a short bh= can be read", "v=1; a=rsa-sha256; d=example.org; s=s1; bh=AAAA; b=AAAA; h=from",
     "example.org/s1/@example.org a=rsa-sha256 c=ss h=from b=AAAA:3 bh=3", NOFAULT},

    /* c= */
    {"c=relaxed means relaxed/simple [RFC 6376 s3.5]", GOOD "; c=relaxed",
     "example.org/s1/@example.org a=rsa-sha256 c=rs h=from b=AAAA:3 bh=32", NOFAULT},
    {"c=relaxed/relaxed", GOOD "; c=relaxed/relaxed",
     "example.org/s1/@example.org a=rsa-sha256 c=rr h=from b=AAAA:3 bh=32", NOFAULT},
    {"c=simple/relaxed", GOOD "; c=simple/relaxed",
     "example.org/s1/@example.org a=rsa-sha256 c=sr h=from b=AAAA:3 bh=32", NOFAULT},
    {"c=nowsp is no form", GOOD "; c=nowsp", "c= names no canonical form", SYNTAX},
    {"c=relaxed/ is none", GOOD "; c=relaxed/", "c= names no canonical form", SYNTAX},
    {"an empty c= is not an absent one", GOOD "; c=", "c= names no canonical form", SYNTAX},
    {"three forms are none", GOOD "; c=simple/simple/simple", "c= names no canonical form", SYNTAX},

    /* d= and s= */
    {"names come out in lower case",
     "v=1; a=rsa-sha256; d=EXAMPLE.Org; s=S1; " BH "; b=AAAA; h=from", PLAIN, NOFAULT},
    {"one label is no domain of a signer", "v=1; a=rsa-sha256; d=com; s=s1; " BH "; b=AAAA; h=from",
     "d= is no domain name", SYNTAX},
    {"a comment in d= is refused (CVE-2020-12272)",
     "v=1; a=rsa-sha256; d=example.net(.example.com; s=s1; " BH "; b=AAAA; h=from",
     "d= is no domain name", SYNTAX},
    {"a blank inside of d= is refused",
     "v=1; a=rsa-sha256; d=example .org; s=s1; " BH "; b=AAAA; h=from", "d= is no domain name",
     SYNTAX},
    {"a slash in d= is refused",
     "v=1; a=rsa-sha256; d=a/b.example.org; s=s1; " BH "; b=AAAA; h=from", "d= is no domain name",
     SYNTAX},
    {"a dot at the end of d= is refused",
     "v=1; a=rsa-sha256; d=example.org.; s=s1; " BH "; b=AAAA; h=from", "d= is no domain name",
     SYNTAX},
    {"an address is no domain", "v=1; a=rsa-sha256; d=192.0.2.1; s=s1; " BH "; b=AAAA; h=from",
     "d= is no domain name", SYNTAX},
    {"U-labels become A-labels [RFC 8616 s5]",
     "v=1; a=rsa-sha256; d=b\xc3\xbc"
     "cher.example; s=\xc3\xbc; " BH "; b=AAAA; h=from",
     "xn--bcher-kva.example/xn--tda/@xn--bcher-kva.example a=rsa-sha256 c=ss h=from b=AAAA:3 bh=32",
     NOFAULT},
    {"selectors may have dots, digits only and underscores",
     "v=1; a=rsa-sha256; d=example.org; s=mail_1.2023; " BH "; b=AAAA; h=from",
     "example.org/mail_1.2023/@example.org a=rsa-sha256 c=ss h=from b=AAAA:3 bh=32", NOFAULT},
    {"an empty label in s= is refused",
     "v=1; a=rsa-sha256; d=example.org; s=a..b; " BH "; b=AAAA; h=from", "s= is no selector",
     SYNTAX},
    {"a line end in s= is refused",
     "v=1; a=rsa-sha256; d=example.org; s=a\r\n b; " BH "; b=AAAA; h=from", "s= is no selector",
     SYNTAX},

    /* h= */
    {"blanks stand around names, and case does not matter", BASE "h= Subject : \r\n FROM :to",
     "example.org/s1/@example.org a=rsa-sha256 c=ss h=Subject,FROM,to b=AAAA:3 bh=32", NOFAULT},
    {"From must be signed [RFC 6376 s6.1.1]", BASE "h=to:subject", "From is not signed", RULE},
    {"a name that begins like From is not From", BASE "h=fromage", "From is not signed", RULE},
    {"an empty name is none", BASE "h=from::to", "h= holds something that is no field name",
     SYNTAX},
    {"a colon at the end leaves an empty name",
     BASE "h=from:", "h= holds something that is no field name", SYNTAX},
    {"a blank within a name is refused", BASE "h=from:a b",
     "h= holds something that is no field name", SYNTAX},

    /* i= */
    {"i= may be below d=", GOOD "; i=me@sub.Example.org",
     "example.org/s1/me@sub.example.org a=rsa-sha256 c=ss h=from b=AAAA:3 bh=32", NOFAULT},
    {"i= without local part", GOOD "; i=@example.org", PLAIN, NOFAULT},
    {"i= is quoted-printable [RFC 6376 s2.11]", GOOD "; i=a=3Db=20c@example.org",
     "example.org/s1/a=b c@example.org a=rsa-sha256 c=ss h=from b=AAAA:3 bh=32", NOFAULT},
    {"i= outside of d= is a mismatch [RFC 6376 s6.1.1]", GOOD "; i=me@example.net",
     "the domain of i= is not d= nor below it", RULE},
    {"the border is that of a label", GOOD "; i=me@badexample.org",
     "the domain of i= is not d= nor below it", RULE},
    {"the parent of d= is outside", GOOD "; i=me@org", "the domain of i= is not d= nor below it",
     RULE},
    {"i= without @ is refused", GOOD "; i=example.org", "i= has no \"@\"", SYNTAX},
    {"half an escape is refused", GOOD "; i=a=4@example.org", "i= is not quoted-printable", SYNTAX},
    {"an escaped @ does not end the local part", GOOD "; i=a=40example.net@example.org",
     "example.org/s1/a@example.net@example.org a=rsa-sha256 c=ss h=from b=AAAA:3 bh=32", NOFAULT},
    {"the domain of i= must be a name", GOOD "; i=a@b(.example.org", "i= has no domain name",
     SYNTAX},

    /* l= */
    {"l=0 is a length", GOOD "; l=0",
     "example.org/s1/@example.org a=rsa-sha256 c=ss h=from b=AAAA:3 bh=32 l=0", NOFAULT},
    {"l= of 76 digits is larger than any body",
     GOOD "; l=9999999999999999999999999999999999999999999999999999999999999999999999999999",
     "example.org/s1/@example.org a=rsa-sha256 c=ss h=from b=AAAA:3 bh=32 l=18446744073709551614",
     NOFAULT},
    {"l= of 77 digits is no number",
     GOOD "; l=00000000000000000000000000000000000000000000000000000000000000000000000000000",
     "l= is no number", SYNTAX},
    {"l= with a sign is no number", GOOD "; l=-1", "l= is no number", SYNTAX},
    {"an empty l= is not an absent one", GOOD "; l=", "l= is no number", SYNTAX},

    /* t= and x= */
    {"times", GOOD "; t=1700000000; x=1700000001",
     "example.org/s1/@example.org a=rsa-sha256 c=ss h=from b=AAAA:3 bh=32 t=1700000000 "
     "x=1700000001",
     NOFAULT},
    {"12 digits are a time", GOOD "; x=999999999999",
     "example.org/s1/@example.org a=rsa-sha256 c=ss h=from b=AAAA:3 bh=32 x=999999999999", NOFAULT},
    {"13 are none", GOOD "; x=0000000000001", "x= is no time", SYNTAX},
    {"a sign is none", GOOD "; t=-1", "t= is no time", SYNTAX},
    {"nor a plus", GOOD "; t=+1", "t= is no time", SYNTAX},
    {"nor a fraction", GOOD "; t=1.5", "t= is no time", SYNTAX},
    {"nor nothing", GOOD "; t=", "t= is no time", SYNTAX},

    /* q= */
    {"q=dns/txt is the default", GOOD "; q=dns/txt", PLAIN, NOFAULT},
    {"unknown methods are skipped [RFC 6376 s3.5]", GOOD "; q=https/json : dns/txt", PLAIN,
     NOFAULT},
    {"without a known one there is no key", GOOD "; q=https/json",
     "q= names no way to the key that we know", RULE},
    {"z= is for diagnosis and not looked at", GOOD "; z=From:nobody|To:=", PLAIN, NOFAULT},
};

static void tags_say_what_the_field_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(1024);
        struct sgl_dkim_tags tags = {.why = "untouched"};
        struct sgl_diag diag = {0};
        enum sgl_status status = sgl_dkim_tags_parse(
            SGL_DKIM_SIGNATURE, sgl_view_cstr(rows[i].value), &arena, &tags, &diag);

        CHECK_EQ(rows[i].name, status, rows[i].fault == NOFAULT ? SGL_OK : SGL_E_SYNTAX);
        CHECK_EQ(rows[i].name, tags.fault, rows[i].fault);
        if (rows[i].fault != NOFAULT) {
            CHECK_STR(rows[i].name, tags.why, rows[i].want);
            CHECK_STR(rows[i].name, diag.what, rows[i].want);
            continue;
        }
        CHECK_STR(rows[i].name, tags.why, "");
        put_tags(&tags, &got);
        CHECK_VIEW(rows[i].name, sgl_buf_view(&got), sgl_view_cstr(rows[i].want));
    }
}

struct arc_row {
    const char *name;
    enum sgl_dkim_kind kind;
    const char *value, *want;
    enum sgl_dkim_fault fault;
};
#define AMS  "a=rsa-sha256; d=example.org; s=s1; h=from; c=relaxed/relaxed; " BH "; b=AAAA; "
#define SEAL "a=rsa-sha256; d=example.org; s=s1; b=AAAA; "

static const struct arc_row arc_rows[] = {
    {"a message signature has an instance and no version", SGL_DKIM_ARC_MESSAGE, AMS "i=3",
     "example.org/s1/@example.org a=rsa-sha256 c=rr h=from b=AAAA:3 bh=32 i=3 cv=", NOFAULT},
    {"without one it is refused", SGL_DKIM_ARC_MESSAGE, AMS, "the field has no i=", RULE},
    {"instances begin with 1 [RFC 8617 s4.2.1]", SGL_DKIM_ARC_MESSAGE, AMS "i=0",
     "i= is no instance", SYNTAX},
    {"50 is the last", SGL_DKIM_ARC_MESSAGE, AMS "i=50",
     "example.org/s1/@example.org a=rsa-sha256 c=rr h=from b=AAAA:3 bh=32 i=50 cv=", NOFAULT},
    {"51 is over it", SGL_DKIM_ARC_MESSAGE, AMS "i=51", "i= is no instance", SYNTAX},
    {"an identity is no instance", SGL_DKIM_ARC_MESSAGE, AMS "i=@example.org", "i= is no instance",
     SYNTAX},
    {"a seal has cv= and is relaxed", SGL_DKIM_ARC_SEAL, SEAL "i=1; cv=none; t=5",
     "example.org/s1/@example.org a=rsa-sha256 c=rr h= b=AAAA:3 bh=0 t=5 i=1 cv=none", NOFAULT},
    {"cv= is required", SGL_DKIM_ARC_SEAL, SEAL "i=1", "the seal has no cv=", RULE},
    {"h= is forbidden in a seal [RFC 8617 s4.1.3]", SGL_DKIM_ARC_SEAL, SEAL "i=1; cv=none; h=from",
     "a seal with h=", RULE},
};

static void arc_fields_have_tags_of_their_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof arc_rows / sizeof arc_rows[0]; i++) {
        const struct arc_row *row = &arc_rows[i];
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(1024);
        struct sgl_dkim_tags tags;

        CHECK_EQ(row->name,
                 sgl_dkim_tags_parse(row->kind, sgl_view_cstr(row->value), &arena, &tags, NULL),
                 row->fault == NOFAULT ? SGL_OK : SGL_E_SYNTAX);
        CHECK_EQ(row->name, tags.fault, row->fault);
        if (row->fault == NOFAULT)
            put_tags(&tags, &got);
        CHECK_STR(row->name, row->fault == NOFAULT ? sgl_cstr(&got) : tags.why, row->want);
    }
}

static void a_broken_field_still_says_whose_it_is(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
    struct sgl_dkim_tags tags;

    (void)state;
    CHECK_EQ("refused",
             sgl_dkim_tags_parse(SGL_DKIM_SIGNATURE,
                                 SGL_LIT("v=2; b=AAAA; s=s1; d=example.org; a=rsa-sha256"), &arena,
                                 &tags, NULL),
             SGL_E_SYNTAX);
    CHECK_VIEW("d=", tags.domain, SGL_LIT("example.org"));
    CHECK_VIEW("s=", tags.selector, SGL_LIT("s1"));
    CHECK_VIEW("a=", tags.algorithm, SGL_LIT("rsa-sha256"));
}

static void the_written_b_reaches_from_equals_to_semicolon(void **state)
{
    static const struct {
        const char *value, *want;
    } cases[] = {
        {"bh=AAAA; b = AA\r\n AA ; a=rsa-sha256; d=a.b; s=c; v=1; h=from", " AA\r\n AA "},
        {"a=rsa-sha256; d=a.b; s=c; v=1; h=from; bh=AAAA; b=AAAA", "AAAA"},
        {"a=rsa-sha256; d=a.b; s=c; v=1; h=from; bh=AAAA; b=AAAA \r\n ", "AAAA \r\n "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
        struct sgl_dkim_tags tags;

        CHECK_EQ(cases[i].value,
                 sgl_dkim_tags_parse(SGL_DKIM_SIGNATURE, sgl_view_cstr(cases[i].value), &arena,
                                     &tags, NULL),
                 SGL_OK);
        CHECK_VIEW(cases[i].value, tags.b_written, sgl_view_cstr(cases[i].want));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_say_what_the_field_says),
        cmocka_unit_test(arc_fields_have_tags_of_their_own),
        cmocka_unit_test(a_broken_field_still_says_whose_it_is),
        cmocka_unit_test(the_written_b_reaches_from_equals_to_semicolon),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
