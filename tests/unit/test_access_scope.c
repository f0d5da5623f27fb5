/* SPDX-License-Identifier: Apache-2.0 */
/* Scopes: the table, lists of them, and who may do what. */
#include "../../server/access/scope.h"

#include "check.h"

static struct scopes listed(const char *first, const char *second)
{
    struct scopes s = {0};

    if (first != NULL)
        assert_true(scopes_add(&s, sgl_view_cstr(first)));
    if (second != NULL)
        assert_true(scopes_add(&s, sgl_view_cstr(second)));
    return s;
}

static void test_who_may(void **state)
{
    const struct scopes none = {0}, sends = listed("mail.send", NULL),
                        reads = listed("stats.read", "templates.read"),
                        makes = listed("api_keys.create", NULL), nothing = {.listed = true};
    const struct {
        const char *name;
        const struct scopes *list;
        enum role role;
        const char *scope;
        bool want;
    } rows[] = {
        {"without a list a key sends", &none, ROLE_NONE, "mail.send", true},
        {"and cancels what it sent", &none, ROLE_NONE, "user.scheduled_sends.create", true},
        {"but looks at nothing of the account", &none, ROLE_NONE, "stats.read", false},
        {"nor changes it", &none, ROLE_NONE, "api_keys.create", false},
        {"a reader looks", &none, ROLE_READER, "api_keys.read", true},
        {"and changes nothing", &none, ROLE_READER, "api_keys.update", false},
        {"an owner changes", &none, ROLE_OWNER, "whitelabel.create", true},
        {"an operator, too", &none, ROLE_OPERATOR, "ips.pools.delete", true},
        {"what has no row is an owner's", &none, ROLE_READER, "no.such.scope", false},
        {"his alone", &none, ROLE_OWNER, "no.such.scope", true},
        {"a list opens what is in it", &makes, ROLE_NONE, "api_keys.create", true},
        {"and nothing else", &makes, ROLE_NONE, "api_keys.read", false},
        {"not even sending", &reads, ROLE_NONE, "mail.send", false},
        {"the second one counts, too", &reads, ROLE_NONE, "templates.read", true},
        {"what sends only sends", &sends, ROLE_NONE, "mail.batch.create", false},
        {"a list takes from a role what it does not name", &sends, ROLE_OWNER, "stats.read", false},
        {"what has no row is in no list", &sends, ROLE_OPERATOR, "no.such.scope", false},
        {"an empty list opens nothing", &nothing, ROLE_OPERATOR, "mail.send", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_EQ(rows[i].name, scopes_allow(rows[i].list, rows[i].role, rows[i].scope),
                 rows[i].want);
}

static void test_names(void **state)
{
    static const char *const bad[] = {"",           "mail",       "mail.send ", "MAIL.SEND",
                                      "mail.send.", "mail.sendx", "*",          "mail.send\n"};
    struct scopes s = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_TRUE(bad[i], !scopes_add(&s, sgl_view_cstr(bad[i])) && !s.listed);
    CHECK_TRUE("a NUL within makes another name", !scopes_add(&s, SGL_LIT("mail.send\0")));
}

/* Each by itself: its own name, of two words or more, in one place of the table. */
static void test_each(void **state)
{
    struct scopes all;
    const char *name;
    size_t count = 0;

    (void)state;
    scopes_of(&(struct scopes){0}, ROLE_OPERATOR, &all);
    for (size_t at = 0; (name = scopes_next(&all, &at)) != NULL; count++) {
        struct scopes one = {0};
        size_t again = 0;

        assert_true(scopes_add(&one, sgl_view_cstr(name)));
        CHECK_STR("the first of its list", scopes_next(&one, &again), name);
        CHECK_TRUE(name, scopes_next(&one, &again) == NULL);
        CHECK_TRUE(name, scopes_allow(&one, ROLE_NONE, name) && strchr(name, '.') != NULL);
    }
    CHECK_TRUE("there are some", count > 50 && count <= SCOPES_MAX);
}

static void test_within(void **state)
{
    const struct scopes none = {0}, sends = listed("mail.send", NULL),
                        both = listed("mail.send", "stats.read");
    struct scopes held;
    size_t at = 0;

    (void)state;
    CHECK_TRUE("a list is within itself", scopes_within(&both, &both, ROLE_NONE));
    CHECK_TRUE("a part is within all", scopes_within(&sends, &both, ROLE_NONE));
    CHECK_TRUE("all is not within a part", !scopes_within(&both, &sends, ROLE_OPERATOR));
    CHECK_TRUE("no list is within none", !scopes_within(&none, &both, ROLE_OPERATOR));
    CHECK_TRUE("without a list the role counts", scopes_within(&both, &none, ROLE_READER));
    CHECK_TRUE("as far as it goes", !scopes_within(&both, &none, ROLE_NONE));
    scopes_of(&sends, ROLE_OWNER, &held);
    CHECK_STR("a list is what one has", scopes_next(&held, &at), "mail.send");
    CHECK_TRUE("and all", scopes_next(&held, &at) == NULL);
    scopes_of(&none, ROLE_NONE, &held);
    CHECK_TRUE("else what the role gives", scopes_allow(&held, ROLE_NONE, "mail.send") &&
                                               !scopes_allow(&held, ROLE_NONE, "stats.read"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_who_may), cmocka_unit_test(test_names),
                                       cmocka_unit_test(test_each), cmocka_unit_test(test_within)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
