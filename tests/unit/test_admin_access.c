/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every route of the admin API, each role, and what is one's own, another's and nobody's, over TLS.  What is of another subscription is answered word for word as what is not
 * there.  A route without a row here fails.
 */
#include "admin_tenants_fixture.h"

/* The marks $ and # in paths and bodies are those of filled(). */
struct row {
    const char *method, *pattern, *path, *body;
    enum {
        HIDES,   /* what is another's is answered as what is nobody's */
        MAKES,   /* so is the subscription that something is added to */
        LISTS,   /* a list shows one's own */
        COMMON,  /* the same for all who may */
        REFUSES, /* admission decides */
    } how;
};
static const struct row rows[] = {
    {"GET", "subscriptions", "subscriptions", "", LISTS},
    {"POST", "subscriptions", "subscriptions", "{\"name\":\"#N\"}", COMMON},
    {"GET", "subscriptions/{name}", "subscriptions/$", "", HIDES},
    {"PATCH", "subscriptions/{name}", "subscriptions/$", "{\"profile\":\"unlimited\"}", HIDES},
    {"GET", "profiles", "profiles", "", COMMON},
    {"GET", "usage", "usage", "", LISTS},
    {"GET", "usage", "usage?subscription=$", "", HIDES},
    {"POST", "reports/tls/received", "reports/tls/received",
     "{\"policies\":[{\"policy\":{\"policy-domain\":\"$.test\"}}]}", HIDES},
    {"GET", "reports/tls/received", "reports/tls/received", "", LISTS},
    {"GET", "reports/tls/received", "reports/tls/received?subscription=$", "", HIDES},
    {"POST", "reports/dmarc", "reports/dmarc",
     "<feedback><report_metadata><org_name>o</org_name><report_id>#N</report_id><date_range><begin>"
     "#T</begin><end>#T</end></date_range></report_metadata><policy_published><domain>$.test"
     "</domain></policy_published><record><row><count>1</count></row></record></feedback>",
     HIDES},
    {"GET", "reports/dmarc", "reports/dmarc", "", LISTS},
    {"GET", "reports/dmarc", "reports/dmarc?subscription=$", "", HIDES},
    {"GET", "reports/transit", "reports/transit", "", LISTS},
    {"GET", "reports/transit", "reports/transit?subscription=$", "", HIDES},
    {"GET", "tls/records", "tls/records", "", COMMON},
    {"GET", "reports/tls/sent", "reports/tls/sent", "", COMMON},
    {"GET", "reports/dmarc/sent", "reports/dmarc/sent", "", COMMON},
    {"GET", "reports/reputation", "reports/reputation", "", COMMON},
    {"DELETE", "reputation/{name}", "reputation/sender.test", "", COMMON},
    {"GET", "guard", "guard", "", LISTS},
    {"GET", "guard", "guard?subscription=$", "", HIDES},
    {"GET", "guard", "guard?domain=$.test", "", HIDES},
    {"GET", "domains", "domains", "", LISTS},
    {"POST", "domains", "domains", "{\"name\":\"#N.test\",\"subscription\":\"$\"}", MAKES},
    {"GET", "domains/{name}", "domains/$.test", "", HIDES},
    {"PATCH", "domains/{name}", "domains/$.test", "{\"return_path\":\"b\"}", HIDES},
    {"POST", "domains/{name}/verify", "domains/$.test/verify", "", HIDES},
    {"POST", "domains/{name}/publish", "domains/$.test/publish", "{}", HIDES},
    {"GET", "domains/{name}/rotation", "domains/$.test/rotation", "", HIDES},
    {"POST", "domains/{name}/rotation", "domains/$.test/rotation", "{}", HIDES},
    {"DELETE", "domains/{name}/rotation", "domains/$.test/rotation", "", HIDES},
    {"GET", "domains/{name}/mta-sts", "domains/$.test/mta-sts", "", HIDES},
    {"PUT", "domains/{name}/mta-sts", "domains/$.test/mta-sts", "{\"mode\":\"off\"}", HIDES},
    {"DELETE", "domains/{name}", "domains/$.test", "", HIDES},
    {"GET", "domains/{name}/records", "domains/$.test/records", "", HIDES},
    {"GET", "credentials", "credentials", "", LISTS},
    {"POST", "credentials", "credentials",
     "{\"name\":\"#N\",\"domains\":[\"*\"],\"subscription\":\"$\"}", MAKES},
    {"PATCH", "credentials/{name}", "credentials/$-app", "{\"domains\":[\"*\"]}", HIDES},
    {"DELETE", "credentials/{name}", "credentials/$-app", "", HIDES},
    {"GET", "keys", "keys", "", LISTS},
    {"POST", "keys", "keys", "{\"domains\":[\"*\"],\"subscription\":\"$\"}", MAKES},
    {"GET", "keys/{id}", "keys/#K", "", HIDES},
    {"PATCH", "keys/{id}", "keys/#K", "{\"label\":\"x\"}", HIDES},
    {"DELETE", "keys/{id}", "keys/#K", "", HIDES},
    {"GET", "apps", "apps", "", LISTS},
    {"POST", "apps", "apps", "{\"name\":\"#N\",\"domains\":[\"*\"],\"subscription\":\"$\"}", MAKES},
    {"GET", "apps/{name}", "apps/$-crm", "", HIDES},
    {"PATCH", "apps/{name}", "apps/$-crm", "{\"new_secret\":true}", HIDES},
    {"DELETE", "apps/{name}", "apps/$-crm", "", HIDES},
    {"GET", "accounts", "accounts", "", LISTS},
    {"POST", "accounts", "accounts",
     "{\"address\":\"#N@$.test\",\"name\":\"n\",\"subscription\":\"$\"}", MAKES},
    {"GET", "accounts/{address}", "accounts/lob@$.test", "", HIDES},
    {"PATCH", "accounts/{address}", "accounts/lob@$.test", "{\"name\":\"m\"}", HIDES},
    {"DELETE", "accounts/{address}", "accounts/lob@$.test", "", HIDES},
    {"GET", "locals", "locals", "", LISTS},
    {"POST", "locals", "locals", "{\"name\":\"#N\",\"uid\":7,\"domains\":[\"*\"]}", COMMON},
    {"GET", "locals/{name}", "locals/$-process", "", HIDES},
    {"PATCH", "locals/{name}", "locals/$-process", "{\"profile\":\"standard\"}", HIDES},
    {"DELETE", "locals/{name}", "locals/$-process", "", HIDES},
    {"GET", "senders", "senders", "", LISTS},
    {"POST", "senders", "senders", "{\"address\":\"#N@s-$.test\",\"subscription\":\"$\"}", MAKES},
    {"PATCH", "senders/{address}", "senders/*@s-$.test?identity=credential:s-$",
     "{\"display_name\":\"x\"}", HIDES},
    {"DELETE", "senders/{address}", "senders/*@s-$.test?identity=credential:s-$", "", HIDES},
    {"GET", "groups", "groups", "", LISTS},
    {"POST", "groups", "groups", "{\"name\":\"#N\",\"subscription\":\"$\"}", MAKES},
    {"GET", "groups/{name}", "groups/g-$?subscription=$", "", HIDES},
    {"PATCH", "groups/{name}", "groups/g-$?subscription=$", "{\"description\":\"d\"}", HIDES},
    {"DELETE", "groups/{name}", "groups/h-$?subscription=$", "", HIDES},
    {"GET", "policies", "policies", "", LISTS},
    {"GET", "policies/test", "policies/test?identity=credential:$-app&sender=a@$.test", "", HIDES},
    {"POST", "policies", "policies",
     "{\"identity\":\"*\",\"right\":\"deny\",\"group\":\"g-$\",\"subscription\":\"$\"}", MAKES},
    {"DELETE", "policies/{id}", "policies/#P", "", HIDES},
    {"GET", "routes", "routes", "", LISTS},
    {"POST", "routes", "routes", "{\"pattern\":\"#N@s-$.test\",\"action\":\"discard\"}", MAKES},
    {"GET", "routes/test", "routes/test?address=u@s-$.test", "", HIDES},
    {"GET", "routes/{pattern}", "routes/@s-$.test", "", HIDES},
    {"PATCH", "routes/{pattern}", "routes/@s-$.test", "{\"action\":\"trap\"}", HIDES},
    {"DELETE", "routes/{pattern}", "routes/@s-$.test", "", HIDES},
    {"GET", "suppressions", "suppressions", "", LISTS},
    {"GET", "suppressions", "suppressions?subscription=$", "", HIDES},
    {"POST", "suppressions", "suppressions",
     "{\"addresses\":[\"#N@x.test\"],\"subscription\":\"$\"}", MAKES},
    {"GET", "suppressions/export", "suppressions/export?subscription=$", "", HIDES},
    {"POST", "suppressions/import", "suppressions/import?subscription=$", "#N@x.test\n", MAKES},
    {"DELETE", "suppressions/{address}", "suppressions/gone-$@x.test?subscription=$", "", HIDES},
    {"GET", "messages", "messages", "", LISTS},
    {"GET", "messages", "messages?subscription=$", "", HIDES},
    {"GET", "messages/{id}", "messages/#M", "", HIDES},
    {"POST", "messages", "messages?from=a%40$.test&to=b%40good.test", "From: a@$.test\r\n\r\nx\r\n",
     REFUSES},
    {"POST", "queue/retry", "queue/retry", "{\"message\":\"#M\"}", HIDES},
    {"POST", "queue/hold", "queue/hold", "{\"message\":\"#M\"}", HIDES},
    {"POST", "queue/release", "queue/release", "{\"message\":\"#M\"}", HIDES},
    {"POST", "queue/cancel", "queue/cancel", "{\"message\":\"#M\"}", HIDES},
    {"GET", "doors", "doors", "", COMMON},
    {"GET", "stats", "stats", "", COMMON},
    {"GET", "openapi.json", "openapi.json", "", COMMON},
    {"GET", "audit", "audit", "", LISTS},
    {"GET", "audit", "audit?subscription=$", "", HIDES},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* ---- each route has a row, and each row a route ---- */

struct routes {
    size_t count;
    bool row_has_route[ROWS];
};

static void see_route(void *ctx, enum http_side side, const char *method, const char *pattern)
{
    struct routes *g = ctx;
    bool has_row = false;

    (void)side;
    if (strncmp(pattern, "/admin/v1/", 10) != 0)
        return;
    g->count++;
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].method, method) == 0 && strcmp(rows[i].pattern, pattern + 10) == 0)
            has_row = g->row_has_route[i] = true;
    if (!has_row)
        fail_msg("%s %s: no row in this test", method, pattern);
    if (admin_access(method, pattern) == NULL)
        fail_msg("%s %s: no row in admin_access.c", method, pattern);
}

static void test_routes(void **state)
{
    struct world *w = *state;
    struct routes g = {0};

    http_each_route(w->x->http, see_route, &g);
    CHECK_TRUE("there are routes", g.count > 30);
    for (size_t i = 0; i < ROWS; i++)
        CHECK_TRUE(rows[i].pattern, g.row_has_route[i]);
}

/* ---- each role at each route ---- */

struct asked {
    const struct row *row;
    enum role role, least;
    char name[800];
    struct reply reply[WHOSE];
};

static void ask_for(struct world *w, struct asked *a, int whose)
{
    char path[512];

    snprintf(path, sizeof(path), "/admin/v1/%s", filled(w, a->row->path, whose));
    call(w, w->token[a->role], a->row->method, path, filled(w, a->row->body, whose),
         &a->reply[whose]);
    snprintf(a->name, sizeof(a->name), "%s %s as %s: %d", a->row->method, path, role_name(a->role),
             a->reply[whose].status);
}

static bool is_served(int status)
{
    return status != 401 && status != 403 && status != 404 && status < 500;
}

/* Word for word, but for the names that were used up. */
static void check_hidden(const struct asked *a)
{
    const struct reply *two = &a->reply[TWO], *none = &a->reply[NOBODY];

    CHECK_EQ(a->name, two->status, 404);
    CHECK_EQ(a->name, none->status, 404);
    CHECK_STR(a->name, two->body, none->body);
}

/* As a name, not within a word: "network" is nobody's. */
static bool names_two(const char *body)
{
    const char *at = body;

    while ((at = strstr(at, "two")) != NULL && at > body && at[-1] >= 'a' && at[-1] <= 'z')
        at++;
    return at != NULL;
}

/* The audit shows what he himself tried. */
static bool shows_others(const struct asked *a)
{
    const char *body = a->reply[ONE].body;

    return strcmp(a->row->pattern, "audit") == 0 ? strstr(body, "\"subscription\":\"two\"") != NULL
                                                 : names_two(body);
}

static void check_served(struct world *w, struct asked *a)
{
    bool all = a->role == ROLE_OPERATOR;

    switch (a->row->how) {
    case HIDES:
    case MAKES:
        ask_for(w, a, TWO);
        CHECK_TRUE(a->name, !all || is_served(a->reply[TWO].status));
        ask_for(w, a, NOBODY);
        if (!all)
            check_hidden(a);
        break;
    case LISTS:
        CHECK_TRUE(a->name, strstr(a->reply[ONE].body, "one") != NULL);
        CHECK_EQ(a->name, shows_others(a), all);
        CHECK_TRUE(a->name, all || strstr(a->reply[ONE].body, "\"role\":\"operator\"") == NULL);
        break;
    case COMMON:
        break;
    case REFUSES:
        ask_for(w, a, TWO);
        CHECK_EQ(a->name, a->reply[TWO].status, 403);
        break;
    }
}

static void furnish_again(struct world *w, const struct row *row)
{
    if (strcmp(row->method, "DELETE") == 0)
        furnish(w);
}

static void check_row(struct world *w, const struct row *row, enum role role)
{
    char pattern[128];
    static struct asked a;

    snprintf(pattern, sizeof(pattern), "/admin/v1/%s", row->pattern);
    a = (struct asked){
        .row = row, .role = role, .least = admin_access(row->method, pattern)->least};
    if (role < a.least) {
        for (int whose = ONE; whose < WHOSE; whose++) {
            ask_for(w, &a, whose);
            CHECK_EQ(a.name, a.reply[whose].status, 403);
            CHECK_STR(a.name, a.reply[whose].body, a.reply[ONE].body);
        }
        return;
    }
    ask_for(w, &a, ONE);
    CHECK_TRUE(a.name, is_served(a.reply[ONE].status));
    furnish_again(w, row);
    check_served(w, &a);
    furnish_again(w, row);
}

static void test_roles(void **state)
{
    for (size_t i = 0; i < ROWS; i++)
        for (enum role role = ROLE_NONE; role <= ROLE_OPERATOR; role++)
            check_row(*state, &rows[i], role);
}

/* ---- what a role cannot take for itself ---- */

static void test_no_way_up(void **state)
{
    static const struct {
        const char *name, *method, *path, *body;
        int status;
    } ways[] = {
        {"an operator's key", "POST", "keys", "{\"role\":\"operator\"}", 403},
        {"the same by its older name", "POST", "keys", "{\"admin\":true}", 403},
        {"another owner is his to make", "POST", "keys", "{\"role\":\"owner\"}", 201},
        {"a reader, too", "POST", "keys", "{\"role\":\"reader\"}", 201},
        {"a role that there is not", "POST", "keys", "{\"role\":\"emperor\"}", 422},
        {"an operator's application", "POST", "apps", "{\"name\":\"x\",\"role\":\"operator\"}",
         403},
        {"a secret of one", "PATCH", "apps/boss", "{\"new_secret\":true}", 404},
        {"the end of one", "DELETE", "apps/boss", "", 404},
        {"a sight of one", "GET", "apps/boss", "", 404},
        {"a name where the operator's server publishes the proof", "POST", "domains",
         "{\"name\":\"Shop.OURS.test.\"}", 422},
        {"all of that zone", "POST", "domains", "{\"name\":\"ours.test\",\"kind\":\"parked\"}",
         422},
        {"his own limits", "PATCH", "subscriptions/one", "{\"profile\":\"unlimited\"}", 403},
        {"a domain of his for a stranger", "POST", "credentials",
         "{\"name\":\"x\",\"domains\":[\"one.test\"],\"subscription\":\"two\"}", 404},
        {"a stranger's domain for him", "POST", "credentials",
         "{\"name\":\"x\",\"domains\":[\"two.test\"]}", 404},
    };
    struct world *w = *state;
    struct reply r;
    char path[128];
    int status;

    json_decref(operator_asks(w, "POST", "/admin/v1/apps",
                              "{\"name\":\"boss\",\"role\":\"operator\",\"subscription\":\"one\"}",
                              &status));
    CHECK_EQ("an operator's application is there", status, 201);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        snprintf(path, sizeof(path), "/admin/v1/%s", ways[i].path);
        call(w, w->token[ROLE_OWNER], ways[i].method, path, ways[i].body, &r);
        CHECK_EQ(ways[i].name, r.status, ways[i].status);
    }
    call(w, w->token[ROLE_OWNER], "GET",
         "/admin/v1/policies/test?identity=app:boss&sender=a@one.test", "", &r);
    CHECK_EQ("whom an operator's application may send as", r.status, 404);
    call(w, w->token[ROLE_OPERATOR], "GET",
         "/admin/v1/policies/test?identity=app:boss&sender=a@one.test", "", &r);
    CHECK_EQ("but for an operator", r.status, 200);
    call(w, "sk_nobody", "GET", "/admin/v1/domains", "", &r);
    CHECK_EQ("a key that is not known", r.status, 401);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, tenants_setup, tenants_teardown)
    const struct CMUnitTest tests[] = {
        T(test_routes),
        T(test_roles),
        T(test_no_way_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
