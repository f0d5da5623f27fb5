/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/mailbox.h"

#include "check.h"

#define V(s) sgl_view_cstr(s)

/* "name|mailbox" for each, groups as "{name:...}"; joined by blanks. */
static void show(struct sgl_buf *out, const struct sgl_address_list *l)
{
    size_t next_group = 0;

    for (size_t i = 0; i <= l->count; i++) {
        for (;
             next_group < l->groups && l->group[next_group].first == i &&
             (i == l->count || l->item[i].group != SGL_NO_GROUP || l->group[next_group].count == 0);
             next_group++) {
            sgl_buf_add_byte(out, '{');
            sgl_buf_add(out, l->group[next_group].name);
            sgl_buf_add_byte(out, ':');
            sgl_buf_add_u64(out, l->group[next_group].count);
            sgl_buf_add_byte(out, '}');
            if (i < l->count && l->item[i].group == next_group) {
                next_group++;
                break;
            }
        }
        if (i == l->count)
            break;
        sgl_buf_add_byte(out, '[');
        sgl_buf_add(out, l->item[i].name);
        sgl_buf_add_byte(out, '|');
        sgl_buf_add(out, l->item[i].mailbox.text);
        sgl_buf_add_byte(out, ']');
    }
}

static const struct {
    const char *name, *text, *want; /* NULL: refused */
} list_cases[] = {
    {"bare", "a@b.c", "[|a@b.c]"},
    {"name and angle brackets", "Joe Q. Public <john.q.public@example.com>",
     "[Joe Q. Public|john.q.public@example.com]"},
    {"quoted name", "\"Public, Joe \\\"Q\\\"\" <j@b.c>", "[Public, Joe \"Q\"|j@b.c]"},
    {"several", "a@b.c, D <e@f.g>,<h@i.j>", "[|a@b.c][D|e@f.g][|h@i.j]"},
    {"a group", "A Group:Ed Jones <joe@where.test>,John <jdoe@one.test>;",
     "{A Group:2}[Ed Jones|joe@where.test][John|jdoe@one.test]"},
    {"an empty group", "Undisclosed recipients:;", "{Undisclosed recipients:0}"},
    {"a group among addresses", "a@b.c, G: d@e.f;, h@i.j", "[|a@b.c]{G:1}[|d@e.f][|h@i.j]"},
    {"comments and folds", "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
     "[Pete|pete@silly.test]"},
    {"a fold between", "Joe\r\n <a@b.c>,\r\n\td@e.f", "[Joe|a@b.c][|d@e.f]"},
    {"obsolete blanks around dots", "john . doe @ example . com", "[|john.doe@example.com]"},
    {"an obsolete route", "<@node.test,@other.test:mary@example.net>", "[|mary@example.net]"},
    {"empty members", ",a@b.c,,d@e.f,", "[|a@b.c][|d@e.f]"},
    {"an encoded word", "=?utf-8?q?J=C3=BCrgen?= <j@b.c>", "[J\xc3\xbcrgen|j@b.c]"},
    {"two encoded words are one text", "=?utf-8?q?J=C3?= =?utf-8?q?=BCrgen?= X <j@b.c>",
     "[J\xc3\xbcrgen X|j@b.c]"},
    {"quotes keep encoded words from being one", "\"=?utf-8?q?x?=\" <j@b.c>",
     "[=?utf-8?q?x?=|j@b.c]"},
    {"raw UTF-8", "J\xc3\xbcrgen <j\xc3\xbc@b.c>", "[J\xc3\xbcrgen|j\xc3\xbc@b.c]"},
    {"a name that is no UTF-8", "J\xfcrgen <j@b.c>", "[J\xef\xbf\xbdrgen|j@b.c]"},
    {"atoms and quotes mixed", "A \"b c\" D <j@b.c>", "[A b c D|j@b.c]"},
    {"a quoted local part", "\"a b\"@c.d", "[|\"a b\"@c.d]"},
    {"a literal with blanks", "a@[ 192.0.2.1 ]", "[|a@[192.0.2.1]]"},
    {"an empty name", "\"\" <a@b.c>", "[|a@b.c]"},
    {"nothing", "", ""},
    {"blanks and comments only", " (nobody) ", ""},
    {"no comma between", "a@b.c d@e.f", NULL},
    {"no @", "just a name", NULL},
    {"an open bracket", "A <a@b.c", NULL},
    {"nothing in brackets", "A <>", NULL},
    {"an open quote", "\"A <a@b.c>", NULL},
    {"an open comment", "a@b.c (x", NULL},
    {"an open group", "G: a@b.c", NULL},
    {"a group in a group", "G: H: a@b.c;;", NULL},
    {"two addresses in brackets", "<a@b.c, d@e.f>", NULL},
    {"a second @", "a@b@c.d", NULL},
    {"two dots", "a..b@c.d", NULL},
    {"comments 17 deep", "(((((((((((((((((x))))))))))))))))) a@b.c", NULL},
};

/* [RFC 5322 s3.2] [RFC 5322 s3.2.2] [RFC 5322 s3.4.1] [RFC 5322 s4.1] */
/* [RFC 5322 s3.4, s4.4, appendix A; RFC 6532 s3.2; RFC 2047 s4.2, s5] */
static void lists(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof list_cases / sizeof list_cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(4096);
        struct sgl_address_list l = {.count = 99};
        struct sgl_diag diag = {0};
        enum sgl_status st = sgl_address_list_parse(V(list_cases[i].text), &arena, &l, &diag);

        CHECK_EQ(list_cases[i].name, st == SGL_OK, list_cases[i].want != NULL);
        if (st != SGL_OK) {
            CHECK_TRUE(list_cases[i].name, diag.what != NULL && l.count == 99);
            continue;
        }
        show(&got, &l);
        CHECK_VIEW(list_cases[i].name, sgl_buf_view(&got), V(list_cases[i].want));
    }
}

static void one_address(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
    struct sgl_address a;

    (void)state;
    CHECK_EQ("with a name", sgl_address_parse(V("\"A, B\" <a@b.c> (x)"), &arena, &a, NULL), SGL_OK);
    CHECK_VIEW("name", a.name, V("A, B"));
    CHECK_VIEW("mailbox", a.mailbox.text, V("a@b.c"));
    CHECK_EQ("two", sgl_address_parse(V("a@b.c, d@e.f"), &arena, &a, NULL), SGL_E_SYNTAX);
    CHECK_EQ("none", sgl_address_parse(V(""), &arena, &a, NULL), SGL_E_SYNTAX);
    CHECK_EQ("a group", sgl_address_parse(V("G:a@b.c;"), &arena, &a, NULL), SGL_E_SYNTAX);
}

/* What is written is read back as the same name. */
static void writing(void **state)
{
    static const struct {
        const char *name, *want;
    } cases[] = {
        {"", "a@b.c"},
        {"Joe", "Joe <a@b.c>"},
        {"Joe Public", "Joe Public <a@b.c>"},
        {"Joe Q. Public", "\"Joe Q. Public\" <a@b.c>"},
        {"a \"b\" \\c", "\"a \\\"b\\\" \\\\c\" <a@b.c>"},
        {"a, b", "\"a, b\" <a@b.c>"},
        {"J\xc3\xbcrgen", "=?UTF-8?Q?J=C3=BCrgen?= <a@b.c>"},
        {"=?utf-8?q?x?=", NULL}, /* only its meaning is checked */
        {"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6"
         "\x9c\xac\xe8\xaa\x9e",
         NULL},
        {"a very long name, that has no place in a quoted string because it would have to be "
         "folded there",
         NULL},
    };
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
    struct sgl_mailbox m;

    (void)state;
    CHECK_EQ("mailbox", sgl_mailbox_parse(V("a@b.c"), &arena, &m, NULL), SGL_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) b = SGL_BUF_INIT(4096);
        struct sgl_address back;

        sgl_address_put(&b, V(cases[i].name), &m);
        CHECK_EQ(cases[i].name, b.status, SGL_OK);
        if (cases[i].want != NULL)
            CHECK_VIEW(cases[i].name, sgl_buf_view(&b), V(cases[i].want));
        CHECK_EQ(cases[i].name, sgl_address_parse(sgl_buf_view(&b), &arena, &back, NULL), SGL_OK);
        CHECK_VIEW(cases[i].name, back.name, V(cases[i].name));
    }
    {
        static const char *const bad[] = {"a\r\nBcc: x@y.z", "a\nb", "a\001b", "\xff"};

        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
            sgl_auto(sgl_buf) b = SGL_BUF_INIT(4096);

            sgl_address_put(&b, V(bad[i]), &m);
            CHECK_EQ(bad[i], b.status, SGL_E_SYNTAX);
        }
    }
}

/* 10,000 addresses are read within the memory that one message has, and one more is a limit. */
/* Those who judge mail from others have to read what is delivered. */
static void names_that_are_no_hosts(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(10000);
    struct sgl_address_list l;

    (void)state;
    CHECK_EQ("not ours", sgl_address_list_parse(V("a@foo_bar.test"), &arena, &l, NULL),
             SGL_E_SYNTAX);
    CHECK_EQ("from others",
             sgl_address_list_parse_received(V("a@foo_bar.-x-.test"), &arena, &l, NULL), SGL_OK);
    CHECK_VIEW("as it is", l.item[0].mailbox.text, V("a@foo_bar.-x-.test"));
    CHECK_EQ("other characters stay out",
             sgl_address_list_parse_received(V("a@foo!bar.test"), &arena, &l, NULL), SGL_E_SYNTAX);
}

static void many(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(4u << 20);
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(1 << 20);
    struct sgl_address_list l;

    (void)state;
    for (unsigned i = 0; i < 10000; i++)
        sgl_buf_addf(&b, "first.last%u@example.org, ", i);
    CHECK_EQ("10,000", sgl_address_list_parse(sgl_buf_view(&b), &arena, &l, NULL), SGL_OK);
    CHECK_EQ("count", l.count, 10000);
    sgl_buf_add_cstr(&b, "a@b.c");
    sgl_arena_reset(&arena);
    CHECK_EQ("10,001", sgl_address_list_parse(sgl_buf_view(&b), &arena, &l, NULL), SGL_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists), cmocka_unit_test(one_address), cmocka_unit_test(writing),
        cmocka_unit_test(names_that_are_no_hosts), cmocka_unit_test(many)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
