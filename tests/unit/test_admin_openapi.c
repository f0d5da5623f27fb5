/* SPDX-License-Identifier: Apache-2.0 */
/* The description of the admin API and its routes: each is in the other, with the role that is asked for. */
#include "../../server/doors/http/admin_internal.h"
#include "admin_fixture.h"

static const char *lower(const char *method, char out[16])
{
    size_t i = 0;

    for (; method[i] != '\0' && i < 15; i++)
        out[i] = (char)(method[i] | 0x20);
    out[i] = '\0';
    return out;
}

struct comparison {
    json_t *paths;
    size_t routes;
};

static void see_route(void *ctx, enum http_side side, const char *method, const char *pattern)
{
    struct comparison *c = ctx;
    const struct admin_access *access = admin_access(method, pattern);
    char word[16];
    const json_t *operation =
        json_object_get(json_object_get(c->paths, pattern), lower(method, word));
    const char *role = json_string_value(json_object_get(operation, "x-sigillo-role"));

    if (strncmp(pattern, "/admin/", 7) != 0)
        return;
    c->routes++;
    CHECK_EQ(pattern, side, HTTP_BOTH);
    if (operation == NULL)
        fail_msg("%s %s: not in admin_openapi.json", method, pattern);
    if (access == NULL)
        fail_msg("%s %s: not in admin_access.c", method, pattern);
    CHECK_TRUE(pattern, role != NULL);
    CHECK_STR(pattern, role, role_name(access->least));
}

static void test_both_ways(void **state)
{
    struct admin_fixture *x = *state;
    json_t *document = json_loadb((const char *)admin_openapi_json, admin_openapi_json_len,
                                  JSON_REJECT_DUPLICATES, NULL);
    struct comparison c = {.paths = json_object_get(document, "paths")};
    const char *path;
    json_t *operations;
    size_t documented = 0;

    assert_non_null(document);
    http_each_route(x->http, see_route, &c);
    json_object_foreach(c.paths, path, operations) documented += json_object_size(operations);
    CHECK_TRUE("there are routes", c.routes > 30);
    CHECK_EQ("nothing is described that is not there", documented, c.routes);
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {ADMIN_TEST(test_both_ways)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
