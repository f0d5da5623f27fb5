/* SPDX-License-Identifier: Apache-2.0 */
/* Unsubscribe groups: whose, which is the default, and the list that each is. */
#include "directory_fixture.h"

static uint32_t number(const struct directory_change *c)
{
    uint64_t id = 0;

    assert_true(sgl_view_u64(sgl_view_cstr(c->id), UINT32_MAX, &id));
    return (uint32_t)id;
}

static enum directory_result add(struct directory_fixture *f, const char *subscription,
                                 const char *name, enum asm_default is_default,
                                 struct directory_change *out)
{
    const struct asm_group_change group = {sgl_view_cstr(name), SGL_LIT_INIT("what it is about"),
                                           is_default};

    *out = (struct directory_change){.noun = DIRECTORY_ASM_GROUP,
                                     .verb = DIRECTORY_ADD,
                                     .subscription = sgl_view_cstr(subscription),
                                     .asm_group = &group};
    return fixture_change(f, out);
}

static enum directory_result alter(struct directory_fixture *f, const char *within, uint32_t id,
                                   struct asm_group_change group, struct directory_change *out)
{
    char text[16];

    snprintf(text, sizeof(text), "%u", id);
    *out = (struct directory_change){.noun = DIRECTORY_ASM_GROUP,
                                     .verb = DIRECTORY_CHANGE,
                                     .name = sgl_view_cstr(text),
                                     .within = sgl_view_cstr(within),
                                     .asm_group = &group};
    return fixture_change(f, out);
}

static enum directory_result drop(struct directory_fixture *f, const char *within, uint32_t id)
{
    char text[16];
    struct directory_change c = {
        .noun = DIRECTORY_ASM_GROUP, .verb = DIRECTORY_REMOVE, .within = sgl_view_cstr(within)};

    snprintf(text, sizeof(text), "%u", id);
    c.name = sgl_view_cstr(text);
    return fixture_change(f, &c);
}

/* "NAME|DESCRIPTION", a star in front of the default one; "none" */
static const char *shown(struct directory_fixture *f, const char *subscription, uint32_t id)
{
    static char text[400];
    struct asm_group *g = directory_asm_group(f->directory, sgl_view_cstr(subscription), id);

    if (g == NULL)
        return "none";
    snprintf(text, sizeof(text), "%s%s|%s", directory_asm_is_default(f->directory, g) ? "*" : "",
             g->name, g->description);
    asm_group_unref(g);
    return text;
}

static void test_whose(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change c, acme = {.noun = DIRECTORY_SUBSCRIPTION,
                                       .verb = DIRECTORY_ADD,
                                       .name = SGL_LIT_INIT("acme")};
    uint32_t mine, theirs;

    assert_int_equal(fixture_change(f, &acme), DIRECTORY_OK);
    CHECK_EQ("added", add(f, "default", "News", ASM_DEFAULT_AS_IT_IS, &c), DIRECTORY_OK);
    mine = number(&c);
    CHECK_EQ("the same name twice", add(f, "default", "News", ASM_DEFAULT_AS_IT_IS, &c),
             DIRECTORY_EXISTS);
    CHECK_STR("is named", c.field, "name");
    CHECK_EQ("of another subscription it is another",
             add(f, "acme", "News", ASM_DEFAULT_AS_IT_IS, &c), DIRECTORY_OK);
    theirs = number(&c);
    CHECK_TRUE("with another number", mine != theirs);
    CHECK_STR("there for its own", shown(f, "default", mine), "News|what it is about");
    CHECK_STR("and for nobody else", shown(f, "acme", mine), "none");
    CHECK_EQ("nor to be changed", alter(f, "acme", mine, (struct asm_group_change){0}, &c),
             DIRECTORY_NOT_FOUND);
    CHECK_EQ("nor removed", drop(f, "acme", mine), DIRECTORY_NOT_FOUND);
    CHECK_EQ("changed",
             alter(f, "default", mine, (struct asm_group_change){.name = SGL_LIT_INIT("N")}, &c),
             DIRECTORY_OK);
    fixture_close(f);
    fixture_open(f);
    CHECK_STR("after a restart, and what was not said stayed", shown(f, "default", mine),
              "N|what it is about");
    CHECK_EQ("removed", drop(f, "default", mine), DIRECTORY_OK);
    CHECK_STR("is gone", shown(f, "default", mine), "none");
}

static void test_default(void **state)
{
    struct directory_fixture *f = *state;
    struct asm_group_change no = {.is_default = ASM_DEFAULT_NO};
    struct directory_change c;
    uint32_t a, b;

    assert_int_equal(add(f, "default", "A", ASM_DEFAULT_YES, &c), DIRECTORY_OK);
    a = number(&c);
    CHECK_STR("said when it is made", shown(f, "default", a), "*A|what it is about");
    assert_int_equal(add(f, "default", "B", ASM_DEFAULT_YES, &c), DIRECTORY_OK);
    b = number(&c);
    CHECK_STR("the other", shown(f, "default", b), "*B|what it is about");
    CHECK_STR("takes its place", shown(f, "default", a), "A|what it is about");
    assert_int_equal(alter(f, "default", a, no, &c), DIRECTORY_OK);
    CHECK_STR("to take back what is not so changes nothing", shown(f, "default", b),
              "*B|what it is about");
    assert_int_equal(alter(f, "default", b, no, &c), DIRECTORY_OK);
    CHECK_STR("taken back", shown(f, "default", b), "B|what it is about");
    CHECK_STR("there is none", shown(f, "default", a), "A|what it is about");
    fixture_close(f);
    fixture_open(f);
    CHECK_STR("after a restart, too", shown(f, "default", a), "A|what it is about");
}

static void test_refused(void **state)
{
    static const struct {
        const char *name, *text;
        enum directory_result want;
    } rows[] = {
        {"no name", "", DIRECTORY_INVALID},
        {"30 characters, of two bytes each",
         "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
         "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
         "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4",
         DIRECTORY_OK},
        {"31 characters", "1234567890123456789012345678901", DIRECTORY_INVALID},
        {"a line end", "a\nb", DIRECTORY_INVALID},
        {"no UTF-8", "\xff", DIRECTORY_INVALID},
    };
    struct directory_change c;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_EQ(rows[i].name, add(*state, "default", rows[i].text, ASM_DEFAULT_AS_IT_IS, &c),
                 rows[i].want);
    CHECK_EQ("no such subscription", add(*state, "nobody", "x", ASM_DEFAULT_AS_IT_IS, &c),
             DIRECTORY_NOT_FOUND);
    for (unsigned i = 1; i < DIRECTORY_ASM_GROUPS_MAX; i++) {
        char name[16];

        snprintf(name, sizeof(name), "g%u", i);
        assert_int_equal(add(*state, "default", name, ASM_DEFAULT_AS_IT_IS, &c), DIRECTORY_OK);
    }
    CHECK_EQ("one too many", add(*state, "default", "last", ASM_DEFAULT_AS_IT_IS, &c),
             DIRECTORY_INVALID);
}

static void test_numbers_of_lists(void **state)
{
    static const struct {
        const char *list;
        uint32_t want; /* 0: another list */
    } rows[] = {
        {"asm-42", 42},
        {"asm-42.example.org", 42},
        {"ASM-7.example.org", 7},
        {"asm-2147483647", 2147483647},
        {"asm-2147483648", 0},
        {"asm-042.example.org", 0},
        {"asm-0", 0},
        {"asm-", 0},
        {"asm-.example.org", 0},
        {"asm-4x.example.org", 0},
        {"asm42.example.org", 0},
        {"news.example.org", 0},
        {"", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sgl_view list = sgl_view_cstr(rows[i].list), scope = directory_list_scope(list);
        uint32_t id = 0;

        CHECK_EQ(rows[i].list, asm_group_of_list(list, &id), rows[i].want != 0);
        CHECK_EQ(rows[i].list, id, rows[i].want);
        CHECK_EQ(rows[i].list, scope.len, rows[i].want == 0 ? list.len : sgl_view_find(list, '.'));
    }
}

static int setup(void **state)
{
    *state = fixture_new();
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whose, setup, teardown),
        cmocka_unit_test_setup_teardown(test_default, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test(test_numbers_of_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
