/* SPDX-License-Identifier: Apache-2.0 */
/* Every route of the resource manager's paths has a role in the one table of roles; without a row it would be an operator's only. */
#include "../../server/doors/http/admin_internal.h"
#include "../../server/doors/http/arm.h"
#include "admin_fixture.h"

static void see_route(void *ctx, enum http_side side, const char *method, const char *pattern)
{
    const struct admin_access *access = admin_access(method, pattern);
    bool reads = strcmp(method, "GET") == 0;

    if (strncmp(pattern, "/subscriptions/", 15) != 0)
        return;
    ++*(size_t *)ctx;
    CHECK_EQ("they are for programs of others", side, HTTP_PUBLIC);
    if (access == NULL)
        fail_msg("%s %s: not in admin_access.c", method, pattern);
    CHECK_EQ(pattern, access->least, reads ? ROLE_READER : ROLE_OWNER);
    CHECK_TRUE("what a change is called begins with its noun", strchr(access->action, ' ') != NULL);
}

static void test_roles(void **state)
{
    struct admin_fixture *x = *state;
    size_t routes = 0;

    arm_routes(x->http, &x->admin);
    http_each_route(x->http, see_route, &routes);
    CHECK_EQ("all of them were seen", routes, 34);
}

int main(void)
{
    const struct CMUnitTest tests[] = {ADMIN_TEST(test_roles)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
