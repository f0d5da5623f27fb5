/* SPDX-License-Identifier: Apache-2.0 */
/* Which records the server puts into a zone itself, and which it leaves alone. */
#include "../../server/setup/publish.h"
#include "check.h"
#include "sigillo/limits.h"

static struct config_update updates[] = {{.name = "own", .zone = "a.test"},
                                         {.name = "deep", .zone = "b.a.test"}};

static struct sgl_name name_of(const char *text)
{
    return (struct sgl_name){.text = sgl_view_cstr(text)};
}

static void the_nearest_zone_is_taken(void **state)
{
    static const struct {
        const char *name, *want;
    } rows[] = {{"a.test", "own"},      {"x.a.test", "own"}, {"b.a.test", "deep"},
                {"x.b.a.test", "deep"}, {"xa.test", ""},     {"test", ""}};
    struct config c = {.update = updates, .updates = 2};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct config_update *u = update_zone(&c, name_of(rows[i].name));

        CHECK_STR(rows[i].name, u == NULL ? "" : u->name, rows[i].want);
    }
}

static const struct sgl_setup_old old_spf = {SGL_RR_TXT, {(const uint8_t *)"v=spf1 -all", 11}};
static const struct sgl_setup_old old_alias = {SGL_RR_CNAME, {(const uint8_t *)"c.test.", 7}};

static const struct {
    const char *rule;
    struct sgl_setup_row row;
    bool replace;
    size_t items, helds;
    bool only;
} rows[] = {
    {"what is missing is published",
     {.purpose = SGL_SETUP_DKIM, .state = SGL_SETUP_MISSING},
     false,
     1,
     0,
     true},
    {"beside other texts",
     {.purpose = SGL_SETUP_OWNERSHIP, .state = SGL_SETUP_MISSING},
     false,
     1,
     0,
     false},
    {"what is there is not", {.state = SGL_SETUP_PRESENT}, false, 0, 0, false},
    {"what could not be asked is left alone", {.state = SGL_SETUP_UNKNOWN}, true, 0, 1, false},
    {"what has no value is not",
     {.state = SGL_SETUP_WRONG, .value = SGL_LIT("")},
     false,
     0,
     0,
     false},
    {"what holds the old one takes its place",
     {.purpose = SGL_SETUP_SPF,
      .state = SGL_SETUP_WRONG,
      .merged = true,
      .old = &old_spf,
      .old_count = 1},
     false,
     1,
     0,
     false},
    {"what somebody else put there stays",
     {.purpose = SGL_SETUP_DKIM, .state = SGL_SETUP_WRONG, .old = &old_spf, .old_count = 1},
     false,
     0,
     1,
     false},
    {"unless it is to be replaced",
     {.purpose = SGL_SETUP_DKIM, .state = SGL_SETUP_WRONG, .old = &old_spf, .old_count = 1},
     true,
     1,
     0,
     true},
    {"what we revoked may go",
     {.purpose = SGL_SETUP_DKIM2,
      .state = SGL_SETUP_WRONG,
      .code = "dkim-revoked",
      .old = &old_spf,
      .old_count = 1},
     false,
     1,
     0,
     true},
    {"an alias is not taken away",
     {.purpose = SGL_SETUP_DKIM, .state = SGL_SETUP_WRONG, .old = &old_alias, .old_count = 1},
     true,
     0,
     1,
     false},
    {"another zone is not ours",
     {.zone = {SGL_LIT("x.a.test")}, .state = SGL_SETUP_MISSING},
     true,
     0,
     1,
     false},
    {"without a key nothing is done",
     {.name = {SGL_LIT("x.c.test")}, .state = SGL_SETUP_MISSING},
     true,
     0,
     0,
     false},
};

/* What a row of the table leaves out. */
static struct sgl_setup_row whole(struct sgl_setup_row row)
{
    if (row.name.text.ptr == NULL)
        row.name = name_of("x.a.test");
    if (row.zone.text.ptr == NULL)
        row.zone = name_of("a.test");
    if (row.value.ptr == NULL)
        row.value = SGL_LIT("value");
    if (row.code == NULL)
        row.code = "";
    row.type = SGL_RR_TXT;
    row.publish = row.state != SGL_SETUP_PRESENT;
    return row;
}

static void only_what_is_ours_is_touched(void **state)
{
    struct config c = {.update = updates, .updates = 2};
    struct sgl_setup_request request = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sgl_setup_row row = whole(rows[i].row);
        struct sgl_setup seen = {.row = &row, .rows = 1, .zone_known = true};
        struct sgl_arena arena = SGL_ARENA_INIT(65536);
        struct publish_plan p = {0};

        CHECK_EQ(rows[i].rule, publish_missing(&seen, &request, &c, rows[i].replace, &arena, &p),
                 SGL_OK);
        CHECK_EQ(rows[i].rule, p.items, rows[i].items);
        CHECK_EQ(rows[i].rule, p.helds, rows[i].helds);
        if (p.items == 1) {
            CHECK_EQ(rows[i].rule, p.item[0].change.only, rows[i].only);
            CHECK_EQ(rows[i].rule, p.item[0].change.olds, rows[i].row.old_count);
            CHECK_VIEW(rows[i].rule, p.item[0].change.add, row.value);
        }
        sgl_arena_done(&arena);
    }
}

static void memory_may_end_at_any_size(void **state)
{
    struct config c = {.update = updates, .updates = 2};
    struct sgl_setup_request request = {0};
    struct sgl_setup_row row = whole(rows[7].row);
    struct sgl_setup seen = {.row = &row, .rows = 1, .zone_known = true};
    enum sgl_status status = SGL_E_LIMIT;

    (void)state;
    for (size_t room = 1; status != SGL_OK; room += 64) {
        struct sgl_arena arena = SGL_ARENA_INIT(room);
        struct publish_plan p = {.items = 99};

        status = publish_missing(&seen, &request, &c, true, &arena, &p);
        CHECK_TRUE("refused for want of memory", status == SGL_OK || status == SGL_E_LIMIT);
        CHECK_EQ("nothing before it is whole", p.items, status == SGL_OK ? 1 : 99);
        sgl_arena_done(&arena);
    }
}

static void old_keys_are_revoked_where_they_stand(void **state)
{
    struct selector_key key = {.bytes = (uint8_t *)(uintptr_t) "01234567890123456789012345678901",
                               .public_len = 32};
    struct selector s[] = {
        {.name = (char *)(uintptr_t) "s1", .algorithm = KEYS_ED25519, .retires = true, .key = &key},
        {.name = (char *)(uintptr_t) "s2", .algorithm = KEYS_ED25519, .active = true, .key = &key}};
    struct domain d = {.name = (char *)(uintptr_t) "m.a.test", .selector = s, .selectors = 2};
    struct config c = {.update = updates, .updates = 2};
    struct sgl_arena arena = SGL_ARENA_INIT(65536);
    struct publish_plan p = {0};

    (void)state;
    CHECK_EQ("status", publish_revocation(&d, &c, &arena, &p), SGL_OK);
    CHECK_EQ("of the one that retires", p.items, 1);
    CHECK_VIEW("its name", p.item[0].change.name.text, SGL_LIT("s1._domainkey.m.a.test"));
    CHECK_VIEW("an empty key", p.item[0].change.add,
               SGL_LIT("v=DKIM1; p=")); /* [RFC 6376 s3.6.1] */
    CHECK_TRUE("nothing else is touched", p.item[0].change.only && p.item[0].change.olds == 1);
    c.domains.dkim_zone = "keys.b.a.test";
    CHECK_EQ("status", publish_revocation(&d, &c, &arena, &p), SGL_OK);
    CHECK_VIEW("at the end of its alias", p.item[0].change.name.text,
               SGL_LIT("s1.m.a.test.keys.b.a.test"));
    CHECK_STR("in the operator's zone", p.item[0].to->name, "deep");
    sgl_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_zone_is_taken),
        cmocka_unit_test(only_what_is_ours_is_touched),
        cmocka_unit_test(memory_may_end_at_any_size),
        cmocka_unit_test(old_keys_are_revoked_where_they_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
