/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/psl.h"

#include "check.h"
#include "sigillo/buf.h"
#include "sigillo/limits.h"

/* "müller.test" as a rule: libpsl has to know it under its A-label, too. */
static const char list[] = "// ===BEGIN ICANN DOMAINS===\n"
                           "com\n\nuk\nco.uk\n*.ck\n!www.ck\nm\303\274ller.test\n"
                           "// ===END ICANN DOMAINS===\n"
                           "// ===BEGIN PRIVATE DOMAINS===\npages.example.com\n"
                           "// ===END PRIVATE DOMAINS===\n";

static const struct {
    const char *name, *domain, *registrable;
    bool suffix;
} rows[] = {
    {"one label below a suffix", "example.com", "example.com", false},
    {"several labels below it", "a.b.example.com", "example.com", false},
    {"a suffix is its own [RFC 7489 s3.2]", "com", "com", true},
    {"a suffix of two labels", "a.b.co.uk", "b.co.uk", false},
    {"a suffix of two labels itself", "co.uk", "co.uk", true},
    {"a wildcard", "a.b.c.ck", "b.c.ck", false},
    {"what a wildcard covers is a suffix", "c.ck", "c.ck", true},
    {"an exception undoes it", "a.www.ck", "www.ck", false},
    {"the private part counts", "me.pages.example.com", "me.pages.example.com", false},
    {"its suffix", "pages.example.com", "pages.example.com", true},
    {"under no rule the last label is the suffix", "a.b.unlisted", "b.unlisted", false},
    {"one label under no rule", "unlisted", "unlisted", true},
    {"A-labels match a rule of U-labels", "a.b.xn--mller-kva.test", "b.xn--mller-kva.test", false},
    {"labels with underscores are labels", "_dmarc.example.com", "example.com", false},
};

static struct sgl_name name_of(const char *text, struct sgl_arena *arena)
{
    struct sgl_name name = {{NULL, 0}};

    if (sgl_name_parse(sgl_view_cstr(text), SGL_NAME_UNDERSCORE | SGL_NAME_ROOT, arena, NULL,
                       &name) != SGL_OK)
        fail_msg("not a name: %s", text);
    return name;
}

static void table(void **state)
{
    struct sgl_psl *psl = NULL;

    (void)state;
    CHECK_EQ("a list is read", sgl_psl_new(sgl_view_cstr(list), &psl), SGL_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(10000);
        struct sgl_name name = name_of(rows[i].domain, &arena);

        CHECK_VIEW(rows[i].name, sgl_psl_registrable(psl, name).text,
                   sgl_view_cstr(rows[i].registrable));
        CHECK_EQ(rows[i].name, sgl_psl_is_suffix(psl, name), rows[i].suffix);
    }
    sgl_psl_free(psl);
}

/* No published rule has more than eight labels, and libpsl looks at no more of a name; a suffix of a list of one's own is still its own domain. */
static void a_rule_of_many_labels(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(10000);
    struct sgl_name name = name_of("a.b.c.d.e.f.g.h.i.j.k", &arena);
    struct sgl_psl *psl = NULL;

    (void)state;
    CHECK_EQ("a list is read", sgl_psl_new(SGL_LIT("k\na.b.c.d.e.f.g.h.i.j.k\n"), &psl), SGL_OK);
    CHECK_TRUE("a suffix", sgl_psl_is_suffix(psl, name));
    CHECK_VIEW("is its own domain", sgl_psl_registrable(psl, name).text, name.text);
    sgl_psl_free(psl);
}

static void the_root_is_nobodys(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(10000);
    struct sgl_name root = name_of(".", &arena);

    (void)state;
    CHECK_TRUE("root", sgl_name_is_root(sgl_psl_registrable(sgl_psl_builtin(), root)));
    CHECK_TRUE("root is no suffix", !sgl_psl_is_suffix(sgl_psl_builtin(), root));
}

static void builtin(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(10000);
    const struct sgl_psl *psl = sgl_psl_builtin();

    (void)state;
    CHECK_TRUE("there is one", psl != NULL);
    CHECK_VIEW("it knows co.uk",
               sgl_psl_registrable(psl, name_of("mail.example.co.uk", &arena)).text,
               SGL_LIT("example.co.uk"));
}

static void what_is_no_list(void **state)
{
    static const struct {
        const char *name;
        sgl_view bytes;
    } no[] = {
        {"nothing", SGL_LIT_INIT("")},
        {"comments only", SGL_LIT_INIT("// nobody\n\n")},
        {"a NUL", SGL_LIT_INIT("com\n\0net\n")},
        {"a damaged compiled list", SGL_LIT_INIT(".DAFSA@PSL_9   \nxyz")},
    };
    struct sgl_psl *psl = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        CHECK_EQ(no[i].name, sgl_psl_new(no[i].bytes, &psl), SGL_E_SYNTAX);
    CHECK_EQ("too large", sgl_psl_new(sgl_view_of("x", SGL_LIMIT_PSL + 1), &psl), SGL_E_LIMIT);
    CHECK_TRUE("out is untouched", psl == NULL);
    sgl_psl_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(a_rule_of_many_labels),
        cmocka_unit_test(the_root_is_nobodys),
        cmocka_unit_test(builtin),
        cmocka_unit_test(what_is_no_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
