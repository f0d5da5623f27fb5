/* SPDX-License-Identifier: Apache-2.0 */
/* Token requests: the form, the Authorization field, scopes. */
#include "../../server/tokens/request.h"
#include "check.h"

/* "grant|client|secret|scope|assertion", or the fault and its field. */
static const char *read_text(sgl_view body, const char *basic)
{
    static const char *const fault_name[] = {
        [REQUEST_ENCODING] = "encoding", [REQUEST_TWICE] = "twice", [REQUEST_TOO_LONG] = "long",
        [REQUEST_BASIC] = "basic",       [REQUEST_BOTH] = "both",   [REQUEST_NO_MEMORY] = "memory"};
    static char text[1024];
    struct sgl_arena arena = SGL_ARENA_INIT(1 << 18);
    struct token_request r = {.scope = SGL_LIT("untouched")};
    const char *field = NULL;
    enum token_request_fault fault =
        token_request_read(body, sgl_view_cstr(basic), &arena, &r, &field);

    if (fault == REQUEST_FINE)
        snprintf(text, sizeof(text), "%.*s|%.*s|%.*s|%.*s|%.*s", SGL_FMT(r.grant_type),
                 SGL_FMT(r.client_id), SGL_FMT(r.client_secret), SGL_FMT(r.scope),
                 SGL_FMT(r.assertion));
    else
        snprintf(text, sizeof(text), "%s %s", fault_name[fault], field);
    if (fault != REQUEST_FINE)
        CHECK_VIEW("nothing is given out with a fault", r.scope, SGL_LIT("untouched"));
    sgl_arena_done(&arena);
    return text;
}

static void test_forms(void **state)
{
    static const struct {
        const char *name, *body, *basic, *want;
    } rows[] = {
        {"all that a client sends",
         "client_id=id&scope=https%3A%2F%2Fa.test%2F.default&grant_type=client_credentials"
         "&client_secret=s~%2B%2F%3D&x-client-SKU=msal.js.node&claims=%7B%7D",
         NULL, "client_credentials|id|s~+/=|https://a.test/.default|"},
        {"a plus is a blank [RFC 6749 appendix B]", "client_secret=a+b", NULL, "||a b||"},
        {"decoded once", "client_secret=%252B", NULL, "||%2B||"},
        {"an assertion", "client_assertion=eyJ.a.b&client_assertion_type=t", NULL, "||||eyJ.a.b"},
        {"nothing at all", "", NULL, "||||"},
        {"a field without a value is not there [RFC 6749 s3.2]",
         "client_secret=&client_secret=a&scope", NULL, "||a||"},
        {"a field twice [RFC 6749 s3.2]", "scope=a&scope=b", NULL, "twice scope"},
        {"others may be there twice", "x=1&x=2&scope=a", NULL, "|||a|"},
        {"empty pairs", "&&scope=a&", NULL, "|||a|"},
        {"its name may be encoded, too", "%73cope=a", NULL, "|||a|"},
        {"a percent sign alone", "scope=%", NULL, "encoding scope"},
        {"half of an octet", "scope=a%4", NULL, "encoding scope"},
        {"no hex digits", "client_id=%zz", NULL, "encoding client_id"},
        {"a line end", "client_id=a%0d%0ab", NULL, "encoding client_id"},
        {"a NUL", "client_id=a%00b", NULL, "encoding client_id"},
        {"Basic [RFC 6749 s2.3.1]", "grant_type=g", "aWQ6c2VjcmV0", "g|id|secret||"},
        {"Basic, both parts form-encoded", "", "YSUzQWI6YyUyQmQ=", "|a:b|c+d||"},
        {"Basic without a secret", "", "aWQ6", "|id|||"},
        {"Basic without a colon", "", "aWQ=", "basic Authorization"},
        {"Basic that is no base64", "", "aWQ", "basic Authorization"},
        {"Basic with broken encoding inside", "", "aSVkOiU=", "basic Authorization"},
        {"Basic with nothing", "", "", "basic Authorization"},
        {"a secret in both places [RFC 6749 s2.3]", "client_secret=s", "aWQ6c2VjcmV0",
         "both Authorization"},
        {"an assertion beside it", "client_assertion=s", "aWQ6c2VjcmV0", "both Authorization"},
        {"the same client id in both places", "client_id=id", "aWQ6c2VjcmV0", "|id|secret||"},
        {"another client id", "client_id=other", "aWQ6c2VjcmV0", "both Authorization"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_STR(rows[i].name, read_text(sgl_view_cstr(rows[i].body), rows[i].basic),
                  rows[i].want);
}

static void test_bounds(void **state)
{
    static char body[TOKEN_REQUEST_MAX + 2];
    size_t len = 0;

    (void)state;
    memset(body, 'a', sizeof(body));
    CHECK_STR("the longest", read_text(sgl_view_of(body, TOKEN_REQUEST_MAX), NULL), "||||");
    CHECK_STR("one more", read_text(sgl_view_of(body, TOKEN_REQUEST_MAX + 1), NULL), "long ");
    for (unsigned i = 0; i < TOKEN_REQUEST_FIELDS_MAX; i++)
        len += (size_t)snprintf(body + len, sizeof(body) - len, "a=b&");
    CHECK_STR("as many fields as may be", read_text(sgl_view_of(body, len), NULL), "||||");
    snprintf(body + len, sizeof(body) - len, "a=b");
    CHECK_STR("one more", read_text(sgl_view_of(body, len + 3), NULL), "long ");
}

static void test_memory(void **state)
{
    struct sgl_arena arena = SGL_ARENA_INIT(1);
    struct token_request r;
    const char *field;

    (void)state;
    CHECK_EQ("without memory it says so",
             token_request_read(SGL_LIT("scope=a"), sgl_view_of(NULL, 0), &arena, &r, &field),
             REQUEST_NO_MEMORY);
    sgl_arena_done(&arena);
}

static void test_scopes(void **state)
{
    static const struct {
        const char *name, *scope, *want;
    } rows[] = {
        {"a resource", "https://graph.microsoft.com/.default", "https://graph.microsoft.com"},
        {"with a slash of its own", "https://communication.azure.com//.default",
         "https://communication.azure.com/"},
        {"without the end", "https://graph.microsoft.com", NULL},
        {"a scope of people", "https://graph.microsoft.com/Mail.Send", NULL},
        {"two", "https://a.test/.default https://b.test/.default", NULL},
        {"the end alone", "/.default", NULL},
        {"nothing", "", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sgl_view resource = {NULL, 0};
        bool is = token_scope_resource(sgl_view_cstr(rows[i].scope), &resource);

        CHECK_EQ(rows[i].name, is, rows[i].want != NULL);
        CHECK_VIEW(rows[i].name, resource, sgl_view_cstr(rows[i].want));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_scopes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
