/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that come by themselves: copied, stored, and logged when they are lost. */
#include "../../server/audit/audit.h"
#include "store_steps.h"

static bool see(void *ctx, const struct store_audit *a)
{
    char *text = ctx;
    size_t at = strlen(text);

    CHECK_TRUE("it has a time", a->at_ms > 1700000000000);
    snprintf(text + at, 1000 - at, "%.*s|%.*s|%.*s|%.*s|%.*s\n", SGL_FMT(a->actor),
             SGL_FMT(a->action), SGL_FMT(a->object), SGL_FMT(a->result), SGL_FMT(a->detail));
    return true;
}

static void test_notes(void **state)
{
    char object[16] = "domain:a.test", text[1000] = "";

    (void)state;
    audit_note(fx.store, SGL_LIT("system:verification"), SGL_LIT("domain unverified"),
               sgl_view_cstr(object), SGL_LIT("sub"), SGL_LIT("the SPF record is gone"));
    memset(object, 'x', sizeof(object)); /* all was copied */
    audit_note(fx.store, SGL_LIT("system"), SGL_LIT("server start"), SGL_LIT(""), SGL_LIT(""),
               SGL_LIT(""));
    store_fixture_close(&fx); /* what was submitted is finished first */
    store_fixture_open(&fx);
    assert_int_equal(store_read_audit(fx.store, &(struct store_audit_filter){0}, see, text),
                     STORE_OK);
    CHECK_STR("both are there, newest first", text,
              "system|server start||noted|\n"
              "system:verification|domain unverified|domain:a.test|noted|the SPF record is gone\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {STORE_TEST(test_notes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
