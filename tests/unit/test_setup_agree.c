/* SPDX-License-Identifier: Apache-2.0 */
/* What several name servers have becomes one answer, the same whichever of them a resolver would have asked. */
#include "../../server/setup/agree.h"
#include "check.h"
#include "fail_alloc.h"

#define SERVERS 3

/* One letter a server: P there, M missing, W wrong, U no answer. */
static enum sgl_setup_state state_of(char letter)
{
    return letter == 'P'   ? SGL_SETUP_PRESENT
           : letter == 'M' ? SGL_SETUP_MISSING
           : letter == 'W' ? SGL_SETUP_WRONG
                           : SGL_SETUP_UNKNOWN;
}

struct zone {
    struct sgl_setup_row row[SERVERS];
    struct sgl_setup seen[SERVERS];
    struct agree_seen each[SERVERS];
    size_t count;
};

static void make(struct zone *z, const char *letters)
{
    static const char *const where[] = {"one", "two", "three"};
    static const char *const found[] = {"1", "2", "3"};

    memset(z, 0, sizeof(*z));
    for (z->count = 0; letters[z->count] != '\0'; z->count++) {
        size_t n = z->count;
        enum sgl_setup_state state = state_of(letters[n]);

        z->row[n] = (struct sgl_setup_row){.purpose = SGL_SETUP_DKIM,
                                           .required = true,
                                           .state = state,
                                           .code = "",
                                           .publish = state == SGL_SETUP_MISSING,
                                           .found = sgl_view_cstr(found[n])};
        if (state != SGL_SETUP_PRESENT)
            z->row[n].why = SGL_LIT("It is not right.");
        z->seen[n] = (struct sgl_setup){
            .row = &z->row[n], .rows = 1, .zone_known = true, .failed = state == SGL_SETUP_UNKNOWN};
        z->each[n] = (struct agree_seen){where[n], &z->seen[n]};
    }
}

static void the_rules(void **state)
{
    static const struct {
        const char *rule, *servers;
        char want;
        const char *found, *why;
    } rows[] = {
        {"one server is what it says", "W", 'W', "1", "It is not right."},
        {"all have it", "PPP", 'P', "1", ""},
        {"one that gives no answer is passed over", "UPP", 'P', "2", ""},
        {"the others, too", "UUP", 'P', "3", ""},
        {"no answer at all is none", "UUU", 'U', "1", "It is not right."},
        {"none has it", "MM", 'M', "1", "It is not right."},
        {"none has it, of those that answer", "UMU", 'M', "2", "It is not right."},
        {"wrong is worse than missing", "MWM", 'W', "2", "It is not right."},
        {"one lacks it: not yet", "PM", 'M', "2",
         "two does not have what one has: It is not right."},
        {"the first one lacks it", "MP", 'M', "1",
         "one does not have what two has: It is not right."},
        {"two lack it", "MPM", 'M', "1", "one, three do not have what two has: It is not right."},
        {"one has something wrong: not yet, either", "PWU", 'M', "2",
         "two does not have what one has: It is not right."},
        {"missing here and wrong there", "MPW", 'M', "3",
         "one, three do not have what two has: It is not right."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sgl_arena arena = SGL_ARENA_INIT(65536);
        struct sgl_setup got;
        struct zone z;
        bool there = rows[i].want == 'P', mixed = strchr(rows[i].servers, 'P') != NULL && !there;

        make(&z, rows[i].servers);
        assert_int_equal(agree(z.each, z.count, &arena, &got), SGL_OK);
        CHECK_EQ(rows[i].rule, got.rows, 1);
        CHECK_EQ(rows[i].rule, got.row[0].state, state_of(rows[i].want));
        CHECK_VIEW(rows[i].rule, got.row[0].found, sgl_view_cstr(rows[i].found));
        CHECK_VIEW(rows[i].rule, got.row[0].why, sgl_view_cstr(rows[i].why));
        CHECK_EQ(rows[i].rule, got.ready, there);
        CHECK_EQ(rows[i].rule, got.failed, rows[i].want == 'U');
        CHECK_STR(rows[i].rule, got.row[0].code, mixed ? "servers-disagree" : "");
        CHECK_TRUE(rows[i].rule, !mixed || !got.row[0].publish);
        sgl_arena_done(&arena);
    }
}

static void memory_may_end(void **state)
{
    struct sgl_arena full = SGL_ARENA_INIT(8), small = SGL_ARENA_INIT(4096);
    struct sgl_setup got = {.rows = 99};
    struct zone z;
    bool hit = true;

    (void)state;
    make(&z, "PM");
    CHECK_EQ("a full arena is told", agree(z.each, z.count, &full, &got), SGL_E_LIMIT);
    CHECK_EQ("and nothing is given out", got.rows, 99);
    sgl_arena_done(&full);
    fail_alloc_this_thread();
    for (size_t n = 1; hit; n++) {
        enum sgl_status status;

        (void)fail_alloc_round(n);
        status = agree(z.each, z.count, &small, &got);
        hit = fail_alloc_hit();
        fail_alloc_off();
        CHECK_EQ("no memory is told", status, hit ? SGL_E_NOMEM : SGL_OK);
        CHECK_EQ("and nothing is given out", got.rows, hit ? 99 : 1);
        sgl_arena_done(&small);
        small = (struct sgl_arena)SGL_ARENA_INIT(4096);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rules),
        cmocka_unit_test(memory_may_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
