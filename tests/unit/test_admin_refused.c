/* SPDX-License-Identifier: Apache-2.0 */
/* What the admin API refuses is in the audit: who, what, why; only of what was his to try, and not without end. */
#include "admin_tenants_fixture.h"

/* Refusals are written behind the answer; what is durable after them tells that they are. */
static void lines_of(struct world *w, enum role role, const char *action, struct reply *out)
{
    char path[200];
    int status;

    json_decref(operator_asks(w, "POST", "/admin/v1/suppressions",
                              filled(w, "{\"addresses\":[\"#N@x.test\"]}", ONE), &status));
    CHECK_EQ("something is durable", status, 201);
    snprintf(path, sizeof(path), "/admin/v1/audit?max=100&action=%s", action);
    call(w, w->token[role], "GET", path, "", out);
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;

    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        count++;
    return count;
}

static void test_refused_lines(void **state)
{
    struct world *w = *state;
    struct reply r;

    call(w, w->token[ROLE_READER], "POST", "/admin/v1/domains", "{\"name\":\"x.test\"}", &r);
    lines_of(w, ROLE_READER, "domain%20add", &r);
    CHECK_EQ("by role, with who and what",
             count_of(r.body, "\"object\":\"domain:x.test\",\"subscription\":\"one\","
                              "\"result\":\"role\""),
             1);
    CHECK_EQ("from where", count_of(r.body, "\"peer\":\"127.0.0.1\""), 1);
    call(w, w->token[ROLE_OWNER], "PATCH", "/admin/v1/keys/nobodys", "{\"label\":\"x\"}", &r);
    lines_of(w, ROLE_OWNER, "key%20change", &r);
    CHECK_EQ("for what is not there",
             count_of(r.body, "\"object\":\"key:nobodys\",\"subscription\":\"one\","
                              "\"result\":\"not-found\""),
             1);
    call(w, w->token[ROLE_OWNER], "POST", "/admin/v1/credentials",
         "{\"name\":\"y\",\"domains\":[\"*\"],\"password\":\"s3cret\"}", &r);
    CHECK_EQ("a password that is too short", r.status, 422);
    lines_of(w, ROLE_OWNER, "credential%20add", &r);
    CHECK_EQ("for what is invalid, by its field", count_of(r.body, "\"detail\":\"password: "), 1);
    CHECK_EQ("never what was in it", count_of(r.body, "s3cret"), 0);
    call(w, w->token[ROLE_READER], "GET", "/admin/v1/domains/two.test", "", &r);
    call(w, w->token[ROLE_READER], "GET", "/admin/v1/stats", "", &r);
    lines_of(w, ROLE_READER, "domain%20show", &r);
    CHECK_EQ("what was only not found is not", count_of(r.body, "\"id\""), 0);
    lines_of(w, ROLE_READER, "stats", &r);
    CHECK_EQ("what was not his to read is", count_of(r.body, "\"id\""), 1);
    for (int i = 0; i < 2 * AUDIT_REFUSED_MAX; i++)
        call(w, w->token[ROLE_NONE], "DELETE", "/admin/v1/domains/one.test", "", &r);
    lines_of(w, ROLE_OPERATOR, "domain%20remove", &r);
    /* a few of before may have shared his room */
    CHECK_TRUE("nobody fills the audit with his failures",
               count_of(r.body, "\"id\"") <= AUDIT_REFUSED_MAX &&
                   count_of(r.body, "\"id\"") > AUDIT_REFUSED_MAX / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_refused_lines, tenants_setup, tenants_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
