/* SPDX-License-Identifier: Apache-2.0 */
/* The rule over every union of facts, the form of addresses, and what counts as an address in a text. */
#include "../../server/access/access.h"

#include <string.h>

#include "check.h"

/* The rule again, as prose would put it, to compare the table with. */
static enum access_rule by_prose(unsigned f)
{
    if (f & ACCESS_UNSURE)
        return ACCESS_RULE_UNAVAILABLE;
    if (f & ACCESS_REMOVED)
        return ACCESS_RULE_REMOVED;
    if (f & ACCESS_NO_SCOPE)
        return ACCESS_RULE_NO_SCOPE;
    if (f & ACCESS_FOREIGN)
        return ACCESS_RULE_FOREIGN;
    if (f & ACCESS_DISGUISED)
        return ACCESS_RULE_DISGUISED;
    if (f & ACCESS_GROUP_GONE)
        return ACCESS_RULE_GROUP_GONE;
    if (f & ACCESS_DENIED)
        return ACCESS_RULE_DENY;
    if ((f & ACCESS_DOUBTFUL) && !(f & ACCESS_NAMED))
        return ACCESS_RULE_DOUBTFUL;
    if (f & ACCESS_ALLOWED)
        return ACCESS_RULE_ALLOW;
    if (f & ACCESS_CONFINED)
        return ACCESS_RULE_NOT_ALLOWED;
    if (!(f & ACCESS_OWN_DOMAIN))
        return ACCESS_RULE_NOT_OWN_DOMAIN;
    if (f & ACCESS_HAS_SENDERS)
        return f & ACCESS_IS_SENDER ? ACCESS_RULE_OWN_SENDER : ACCESS_RULE_NOT_OWN_SENDER;
    if (f & ACCESS_DOMAIN_LISTS)
        return f & ACCESS_IS_LISTED ? ACCESS_RULE_DOMAIN_SENDER : ACCESS_RULE_NOT_DOMAIN_SENDER;
    return ACCESS_RULE_OWN_DOMAIN;
}

static bool grants(enum access_rule rule)
{
    return rule == ACCESS_RULE_ALLOW || rule == ACCESS_RULE_OWN_SENDER ||
           rule == ACCESS_RULE_DOMAIN_SENDER || rule == ACCESS_RULE_OWN_DOMAIN;
}

static void test_every_union_of_facts(void **state)
{
    bool seen[ACCESS_RULES] = {false};

    (void)state;
    for (unsigned f = 0; f < 1u << ACCESS_FACTS; f++) {
        bool granted = (f & 1) != 0; /* whatever was there */
        enum access_rule rule = access_judge(f, &granted);

        if (rule != by_prose(f) || granted != grants(rule))
            fail_msg("facts %#x: got %s, want %s", f, access_rule_name(rule),
                     access_rule_name(by_prose(f)));
        seen[rule] = true;
    }
    for (size_t i = 0; i < ACCESS_RULES; i++) {
        CHECK_TRUE(access_rule_name((enum access_rule)i), seen[i]);
        CHECK_TRUE("every rule has a text", access_rule_text((enum access_rule)i)[0] != '\0');
    }
}

static void test_addresses(void **state)
{
    static const struct {
        const char *name, *text, *want; /* NULL: refused */
    } rows[] = {
        {"the domain is lower case", "Info@EXAMPLE.org", "Info@example.org"},
        {"a dot at the end goes", "info@example.org.", "info@example.org"},
        {"U-labels become A-labels",
         "info@b\xc3\xbc"
         "cher.example",
         "info@xn--bcher-kva.example"},
        {"needless quotes go", "\"info\"@example.org", "info@example.org"},
        {"needed ones stay", "\"in fo\"@example.org", "\"in fo\"@example.org"},
        {"a domain alone is all of it", "example.org", "@example.org"},
        {"a star is, too", "*@Example.org", "@example.org"},
        {"so it is with U-labels",
         "b\xc3\xbc"
         "cher.example.",
         "@xn--bcher-kva.example"},
        {"a star as an address cannot be told from all", "\"*\"@example.org", NULL},
        {"UTF-8 in the local part stays as it is", "j\xc3\xb6rg@example.org",
         "j\xc3\xb6rg@example.org"},
        {"a word alone has lost its domain", "support", NULL},
        {"an empty one is none", "", NULL},
        {"a star alone is none", "*", NULL},
        {"a star with more is an address of its own", "*a@example.org", "*a@example.org"},
        {"two are not one", "a@example.org,b@example.org", NULL},
        {"a literal has no domain", "a@[192.0.2.1]", NULL},
        {"angle brackets are no part of it", "<a@example.org>", NULL},
        {"a blank is refused", "a b@example.org", NULL},
        {"two dots are refused", "a@example..org", NULL},
        {"a line end is refused", "a@example.org\r\n", NULL},
        {"what looks like an encoded word is refused [RFC 2047 s5]", "=?utf-8?q?boss?=@example.org",
         NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct access_address a;
        const char *why = NULL;
        enum sgl_status status = access_address_parse(sgl_view_cstr(rows[i].text), &a, &why);

        CHECK_EQ(rows[i].name, status == SGL_OK, rows[i].want != NULL);
        CHECK_TRUE(rows[i].name, status == SGL_OK || (why != NULL && why[0] != '\0'));
        if (status != SGL_OK)
            continue;
        CHECK_STR(rows[i].name, a.text, rows[i].want);
        CHECK_EQ(rows[i].name, a.len, strlen(rows[i].want));
        CHECK_EQ(rows[i].name, a.text[a.at], '@');
        CHECK_EQ(rows[i].name, a.ascii, sgl_view_find(sgl_view_cstr(a.text), 0xc3) == a.len);
    }
}

static void test_disguise(void **state)
{
    static const struct {
        const char *name, *local;
        bool want;
    } rows[] = {
        {"an encoded word [RFC 2047 s5]", "=?utf-8?q?boss?=", true},
        {"one in the middle", "a=?utf-8?b?Ym9zcw==?=b", true},
        {"a beginning only", "=?utf-8", false},
        {"an end only", "a?=", false},
        {"an end before the beginning", "?==?", false},
        {"signs that share a question mark", "=?=", false},
        {"an address of a list, rewritten", "boss=example.org", false},
        {"nothing", "", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_EQ(rows[i].name, access_is_disguised(sgl_view_cstr(rows[i].local)), rows[i].want);
}

static void test_mentions(void **state)
{
    static const struct {
        const char *name, *text, *want; /* separated by blanks */
    } rows[] = {
        {"an address", "boss@example.org", "boss@example.org"},
        {"an address in brackets", "The Boss <boss@example.org>", "boss@example.org"},
        {"two of them", "a@b.example, c@d.example", "a@b.example c@d.example"},
        {"in quotes", "\"boss@example.org\"", "boss@example.org"},
        {"with a colon before it", "mailto:boss@example.org", "boss@example.org"},
        {"a full-width sign [U+FF20]",
         "boss\xef\xbc\xa0"
         "example.org",
         "boss\xef\xbc\xa0"
         "example.org"},
        {"a small sign [U+FE6B]",
         "boss\xef\xb9\xab"
         "example.org",
         "boss\xef\xb9\xab"
         "example.org"},
        {"an ideographic dot [U+3002]", "boss@example\xe3\x80\x82org",
         "boss@example\xe3\x80\x82org"},
        {"a dot at its end", "write to boss@example.org.", "boss@example.org."},
        {"with a sign more", "a@b@c.example", "a@b@c.example"},
        {"with two of them side by side", "a@@c.example", "a@@c.example"},
        {"one behind a whole one", "a@b.example@c.example", "a@b.example@c.example"},
        {"a name with a sign before it", "@a@c.example", "@a@c.example"},
        {"a handle with dots is none", "(@anna.example.org)", ""},
        {"a sign among blanks is none", "Team @ Work", ""},
        {"a handle is none", "Anna (@anna)", ""},
        {"a name of one label is none", "anna@work", ""},
        {"a name that ends in its only dot is none", "anna@work.", ""},
        {"a sign at the end is none", "anna@", ""},
        {"text without any", "Anna Example", ""},
        {"nothing", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sgl_buf got = SGL_BUF_INIT(1000);
        sgl_view mention;
        size_t off = 0;

        while (access_next_mention(sgl_view_cstr(rows[i].text), &off, &mention)) {
            if (got.len > 0)
                sgl_buf_add_byte(&got, ' ');
            sgl_buf_add(&got, mention);
        }
        CHECK_EQ(rows[i].name, off, strlen(rows[i].text));
        CHECK_VIEW(rows[i].name, sgl_buf_view(&got), sgl_view_cstr(rows[i].want));
        CHECK_EQ(rows[i].name, got.status, SGL_OK);
        sgl_buf_done(&got);
    }
}

static void test_comments(void **state)
{
    static const struct {
        const char *name, *value, *want; /* separated by | */
    } rows[] = {
        {"none", "Anna <a@example.org>", ""},
        {"one", "a@example.org (Anna)", "(Anna)"},
        {"two [RFC 5322 s3.2.2]", "(x) a@example.org (y)", "(x)|(y)"},
        {"one inside of another", "a@example.org (b (c) d) (e)", "(b (c) d)|(e)"},
        {"a backslash takes its next sign along", "(a\\@b\\)c) x", "(a@b)c)"},
        {"quotes hide a bracket", "\"(a\" <a@example.org> (b)", "(b)"},
        {"a backslash in quotes", "\"a\\\"(b\" <a@example.org> (c)", "(c)"},
        {"quotes in a comment are signs", "(a\") b (c)", "(a\")|(c)"},
        {"one that does not end", "a (b", "(b"},
        {"a backslash at the end", "a (b\\", "(b\\"},
        {"a bracket that closes nothing", "a) (b)", "(b)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sgl_buf got = SGL_BUF_INIT(1000);
        uint8_t room[100];
        sgl_view comment;
        size_t off = 0;

        while (access_next_comment(sgl_view_cstr(rows[i].value), &off, room, &comment)) {
            if (got.len > 0)
                sgl_buf_add_byte(&got, '|');
            sgl_buf_add(&got, comment);
        }
        CHECK_VIEW(rows[i].name, sgl_buf_view(&got), sgl_view_cstr(rows[i].want));
        CHECK_EQ(rows[i].name, off, strlen(rows[i].value));
        CHECK_EQ(rows[i].name, got.status, SGL_OK);
        sgl_buf_done(&got);
    }
}

/* Words that are left, in a charset that can be read. [RFC 2047 s2] */
static void test_words(void **state)
{
    static const struct {
        const char *name, *text, *want, *unread;
    } rows[] = {
        {"none", "Anna Example", "Anna Example", NULL},
        {"one", "=?koi8-r?b?4c4=?=", "=?latin1?b?4c4=?=", NULL},
        {"in large letters", "=?KOI8-R?Q?=E1?=", "=?latin1?q?=E1?=", NULL},
        {"UTF-8 stays", "=?utf-8?q?=C3=B6?=", "=?utf-8?q?=C3=B6?=", NULL},
        {"with a language [RFC 2231 s5]", "=?big5*zh?q?a?=", "=?latin1?q?a?=", NULL},
        {"blanks beside it go", "a =?gbk?q?b?= \t c", "a=?latin1?q?b?=c", NULL},
        {"blanks in it, as Q has them", "=?gbk?q?a b?=", "=?latin1?q?a_b?=", NULL},
        {"blanks in it, as base64 has none", "=?gbk?b?YW I=?=", "=?latin1?b?YWI=?=", NULL},
        {"nothing in it", "=?gbk?q?\?=", "=?latin1?q?\?=", NULL},
        {"no end", "=?gbk?q?a", "=?gbk?q?a", NULL},
        {"no end, and a word before", "=?gbk?q?a?= =?gbk?q?b", "=?latin1?q?a?==?gbk?q?b", NULL},
        {"no encoding", "=?gbk?x?a?=", "=?gbk?x?a?=", NULL},
        {"no charset", "=??q?a?=", "=??q?a?=", NULL},
        {"only a beginning", "=?", "=?", NULL},
        {"UTF-7", "a =?utf-7?q?b?=", NULL, "utf-7"},
        {"EBCDIC", "=?cp930?q?b?=", NULL, "cp930"},
        {"one of them behind another", "=?gbk?q?a?= =?utf-16?q?b?=", NULL, "utf-16"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sgl_buf out = SGL_BUF_INIT(2 * strlen(rows[i].text) + 64);
        sgl_view unread = SGL_LIT("");
        bool read = access_plain_words(sgl_view_cstr(rows[i].text), &out, &unread);

        CHECK_EQ(rows[i].name, read, rows[i].want != NULL);
        CHECK_EQ(rows[i].name, out.status, SGL_OK);
        CHECK_VIEW(rows[i].name, unread, sgl_view_cstr(rows[i].unread));
        if (read)
            CHECK_VIEW(rows[i].name, sgl_buf_view(&out), sgl_view_cstr(rows[i].want));
        sgl_buf_done(&out);
    }
}

/* Hours, if the end of each were looked for to the end of all. */
static void test_words_without_an_end(void **state)
{
    static uint8_t text[4u << 20];
    struct sgl_buf out = SGL_BUF_INIT(2 * sizeof(text) + 64);
    sgl_view unread;

    (void)state;
    for (size_t i = 0; i + 7 <= sizeof(text); i += 7)
        memcpy(text + i, "=?a?b?x", 7);
    CHECK_TRUE("read", access_plain_words(sgl_view_of(text, sizeof(text)), &out, &unread));
    CHECK_EQ("as it was", out.len, sizeof(text));
    CHECK_EQ("whole", out.status, SGL_OK);
    sgl_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_union_of_facts),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_disguise),
        cmocka_unit_test(test_mentions),
        cmocka_unit_test(test_comments),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_words_without_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
