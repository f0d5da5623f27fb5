/* SPDX-License-Identifier: Apache-2.0 */
#include "../../milter/hosts.h"
#include "../../milter/signing.h"
#include "check.h"
#include "fail_alloc.h"

static void names_of_data_sets(void **state)
{
    static const struct {
        const char *text;
        enum dataset_kind kind;
        const char *rest;
    } cases[] = {
        {"a, b", DATASET_LIST, "a, b"},
        {"csl:a,b", DATASET_LIST, "a,b"},
        {"/etc/x", DATASET_FILE, "/etc/x"},
        {"file:/etc/x", DATASET_FILE, "/etc/x"},
        {"refile:/etc/x", DATASET_PATTERNS, "/etc/x"},
        {"/etc/x.db", DATASET_FOREIGN, "/etc/x.db"},
        {"db:/etc/x", DATASET_FOREIGN, "/etc/x"},
        {"dsn:mysql://u:p@h/d", DATASET_FOREIGN, "mysql://u:p@h/d"},
        {"ldap://h/", DATASET_FOREIGN, "//h/"},
        {"lua:/x", DATASET_FOREIGN, "/x"},
        {"", DATASET_LIST, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dataset_name got = dataset_name(sgl_view_cstr(cases[i].text));

        CHECK_EQ(cases[i].text, got.kind, cases[i].kind);
        CHECK_VIEW(cases[i].text, got.rest, sgl_view_cstr(cases[i].rest));
    }
}

static void rows(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct dataset_fault fault = {0};
    struct dataset set = {0};

    (void)state;
    CHECK_EQ("file",
             dataset_read(DATASET_FILE,
                          SGL_LIT("# head\n\n a.test \t x:y: /z # why\r\nb.test\n#c.test d\n"),
                          &arena, &set, &fault),
             SGL_OK);
    CHECK_EQ("comments and empty lines are none", set.rows, 2);
    CHECK_VIEW("key", set.row[0].key, SGL_LIT("a.test"));
    CHECK_VIEW("value", set.row[0].value, SGL_LIT("x:y: /z"));
    CHECK_EQ("line", set.row[0].line, 3);
    CHECK_VIEW("without a value", set.row[1].value, SGL_LIT(""));
    CHECK_EQ("list", dataset_read(DATASET_LIST, SGL_LIT(" a , b=c,,"), &arena, &set, &fault),
             SGL_OK);
    CHECK_EQ("list", set.rows, 2);
    CHECK_VIEW("pair", set.row[1].value, SGL_LIT("c"));
    CHECK_EQ("a control character",
             dataset_read(DATASET_FILE, SGL_LIT("a b\nc\033[2J d\n"), &arena, &set, &fault),
             SGL_E_SYNTAX);
    CHECK_EQ("a control character", fault.line, 2);
    CHECK_EQ("the result stays", set.rows, 2);
}

static void patterns(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool want;
    } cases[] = {
        {"*@a.test", "x@a.test", true},
        {"*@a.test", "x@b.a.test", false},
        {"*", "", true},
        {"", "", true},
        {"", "x", false},
        {"*@*.a.test", "x@b.a.test", true},
        {"X@A.test", "x@a.TEST", true},
        {"a*b*c", "axxbyybzzc", true},
        {"a*b*c", "axxbyybzz", false},
        {"a.c", "abc", false},
        {"**", "x", true},
        {"x*", "x", true},
        {"*x", "yx", true},
        {"*@a.test*", "x@a.test.evil.test", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_EQ(cases[i].pattern,
                 dataset_match(sgl_view_cstr(cases[i].pattern), sgl_view_cstr(cases[i].text)),
                 cases[i].want);
}

static void who_is_one_of_them(void **state)
{
    static const char list[] = "192.0.2.1, !192.0.2.0/24, 192.0.0.0/16, [198.51.100.7], "
                               "2001:db8::/32, !2001:db8:1::/48, mail.a.test, .a.test, "
                               "!bad.a.test, !.worse.a.test, ok.worse.a.test";
    static const struct {
        const char *name, *ip;
        bool want;
    } cases[] = {
        {"", "192.0.2.1", true},
        {"", "192.0.2.2", false},
        {"", "192.0.3.1", true},
        {"", "193.0.0.1", false},
        {"", "198.51.100.7", true},
        {"", "2001:db8::1", true},
        {"", "2001:db8:1::1", false},
        {"MAIL.a.test", "203.0.113.1", true},
        {"x.a.test", "203.0.113.1", true},
        {"a.test", "203.0.113.1", false},
        {"bad.a.test", "192.0.2.1", false},
        {"x.worse.a.test", "192.0.2.1", false},
        {"ok.worse.a.test", "203.0.113.1", true},
        {"xa.test", "203.0.113.1", false},
        {"unknown", "192.0.2.1", true},
    };
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct dataset_fault fault = {0};
    struct dataset set;
    struct hosts hosts;

    (void)state;
    CHECK_EQ("list", dataset_read(DATASET_LIST, sgl_view_cstr(list), &arena, &set, &fault), SGL_OK);
    CHECK_EQ("hosts", hosts_read(&set, &arena, &hosts, &fault), SGL_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sgl_ip ip;

        CHECK_EQ("ip", sgl_ip_parse(sgl_view_cstr(cases[i].ip), &ip), SGL_OK);
        CHECK_EQ(cases[i].name[0] ? cases[i].name : cases[i].ip,
                 hosts_has(&hosts, sgl_view_cstr(cases[i].name), &ip), cases[i].want);
    }
}

static void no_hosts(void **state)
{
    static const char *const cases[] = {"192.0.2.0/33", "a b",          "[192.0.2.1", "!", ".",
                                        "a..b",         "192.0.2.1:25", "a/b"};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        struct dataset_row row[] = {{SGL_LIT("127.0.0.1"), {NULL, 0}, 4},
                                    {sgl_view_cstr(cases[i]), {NULL, 0}, 9}};
        struct dataset set = {DATASET_FILE, row, 2};
        struct dataset_fault fault = {0};
        struct hosts hosts;

        CHECK_EQ(cases[i], hosts_read(&set, &arena, &hosts, &fault), SGL_E_SYNTAX);
        CHECK_EQ(cases[i], fault.line, 9);
    }
}

/* ---- who signs -------------------------------------------------------------------------------------------------------- */

static const char key_table[] =
    "k1 a.test:s1:/k1\nk2 a.test:s2:/k2\nkany %:s:/k3\nkstar z.test:s:/k4\n";

static enum sgl_status read_both(enum dataset_kind kind, const char *keys, const char *rules,
                                 struct sgl_arena *arena, struct signing *out,
                                 struct dataset_fault *fault)
{
    struct dataset set;

    SGL_TRY(dataset_read(DATASET_FILE, sgl_view_cstr(keys), arena, &set, fault));
    SGL_TRY(signing_read_keys(&set, arena, out, fault));
    SGL_TRY(dataset_read(kind, sgl_view_cstr(rules), arena, &set, fault));
    return signing_read_rules(&set, arena, out, fault);
}

/* The names of the keys that were picked, with blanks between. */
static void check_pick(const struct signing *s, const char *local, const char *domain,
                       const char *want)
{
    const struct signing_key *key[SIGNING_MOST];
    size_t n = signing_pick(s, sgl_view_cstr(local), sgl_view_cstr(domain), key);
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(200);

    for (size_t i = 0; i < n; i++) {
        sgl_buf_add_cstr(&got, i > 0 ? " " : "");
        sgl_buf_add(&got, key[i]->name);
    }
    CHECK_VIEW(domain, sgl_buf_view(&got), sgl_view_cstr(want));
}

static void rows_in_the_order_of_patterns(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct dataset_fault fault = {0};
    struct signing s = {0};

    (void)state;
    CHECK_EQ("tables",
             read_both(DATASET_PATTERNS, key_table,
                       "news@a.test k2\n*@a.test k1\n*@a.test k2:@a.test\n*@*.test kany\n", &arena,
                       &s, &fault),
             SGL_OK);
    CHECK_EQ("identities", s.identities, 1);
    check_pick(&s, "x", "a.test", "k1");
    check_pick(&s, "NEWS", "A.test", "k2");
    check_pick(&s, "x", "b.test", "kany");
    check_pick(&s, "x", "b.example", "");
    s.multiple = true;
    check_pick(&s, "x", "a.test", "k1 k2 kany");
    check_pick(&s, "news", "a.test", "k2 k1 kany");
}

static void rows_from_the_closest_on(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct dataset_fault fault = {0};
    struct signing s = {0};

    (void)state;
    CHECK_EQ("tables",
             read_both(DATASET_FILE, key_table,
                       "* kstar\n.a.test k2\na.test k1\nroot@a.test k2\nboss@.a.test kany\n"
                       "boss@* k1\n*@b.test k1\n",
                       &arena, &s, &fault),
             SGL_OK);
    check_pick(&s, "x", "a.test", "k1");
    check_pick(&s, "root", "A.TEST", "k2");
    check_pick(&s, "x", "deep.er.a.test", "k2");
    check_pick(&s, "boss", "deep.er.a.test", "kany");
    check_pick(&s, "boss", "c.test", "k1");
    check_pick(&s, "x", "b.test", "kstar"); /* no pattern here */
    check_pick(&s, "x", "xa.test", "kstar");
    s.multiple = true;
    check_pick(&s, "boss", "x.a.test", "kany k2 k1 kstar");
}

static void tables_that_are_wrong(void **state)
{
    static const struct {
        const char *keys, *rules;
        unsigned line;
    } cases[] = {
        {"k1 a.test:s1:/k\nk2 a.test\n", "", 2},
        {"k1 a.test:s1:\n", "", 1},
        {"k1 a..test:s1:/k\n", "", 1},
        {"k1 a.test:s 1:/k\n", "", 1},
        {"k1 %:s1:/keys/%/k\n", "", 1},
        {"k1 a.test:s1:/k\n", "*@a.test k1\n\n*@b.test k2\n", 3},
        {"k1 a.test:s1:/k\n", "*@a.test\n", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        struct dataset_fault fault = {0};
        struct signing s = {0};

        CHECK_EQ(cases[i].keys,
                 read_both(DATASET_PATTERNS, cases[i].keys, cases[i].rules, &arena, &s, &fault),
                 SGL_E_SYNTAX);
        CHECK_EQ(cases[i].keys, fault.line, cases[i].line);
    }
}

static void addresses_that_are_too_long(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct dataset_fault fault = {0};
    struct signing s = {0};
    char local[100], domain[300];

    (void)state;
    memset(local, 'l', sizeof local - 1);
    memset(domain, 'd', sizeof domain - 1);
    local[sizeof local - 1] = domain[sizeof domain - 1] = '\0';
    CHECK_EQ("tables", read_both(DATASET_FILE, key_table, "* k1\n", &arena, &s, &fault), SGL_OK);
    check_pick(&s, local, "a.test", "");
    check_pick(&s, "x", domain, "");
    check_pick(&s, "x", "", "");
    local[64] = domain[255] = '\0';
    check_pick(&s, local, domain, "k1");
}

static void memory_ends(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        struct dataset_fault fault = {0};
        struct signing s = {0};
        enum sgl_status got =
            read_both(DATASET_FILE, key_table, "* k1\na.test k2\n", &arena, &s, &fault);

        CHECK_EQ("status", got, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_data_sets),
        cmocka_unit_test(rows),
        cmocka_unit_test(patterns),
        cmocka_unit_test(who_is_one_of_them),
        cmocka_unit_test(no_hosts),
        cmocka_unit_test(rows_in_the_order_of_patterns),
        cmocka_unit_test(rows_from_the_closest_on),
        cmocka_unit_test(tables_that_are_wrong),
        cmocka_unit_test(addresses_that_are_too_long),
        cmocka_unit_test(memory_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
