/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: made with a key of the keys process, looked at, refused; the keys kept over a restart. */
#include "directory_fixture.h"

#include "../../server/tokens/jwt.h"
#include "../../server/tokens/tokens.h"

#define URL "https://mail.example.test:8443"

struct tokens_fixture {
    struct loop_task task; /* first: cast from it */
    struct directory_fixture *f;
    struct tokens *tokens;
    struct app_facts app;
    struct identity *who;
};

/* ---- the room is made on its loop, and taken apart when that has ended ---- */

static void make_on_loop(struct loop_task *task)
{
    struct tokens_fixture *x = (struct tokens_fixture *)(void *)task;
    char why[256] = "";

    x->tokens = tokens_new(x->f->loop, x->f->store, (struct keys *)&fake_keys, x->f->directory, URL,
                           why, sizeof(why));
    if (x->tokens == NULL)
        fail_msg("%s", why);
    sem_post(&x->f->done);
}

static void tokens_open(struct tokens_fixture *x)
{
    x->task.run = make_on_loop;
    loop_post(x->f->loop, &x->task);
    sem_wait(&x->f->done);
}

static void tokens_close(struct tokens_fixture *x)
{
    struct directory_fixture *f = x->f;

    identity_unref(x->who);
    x->who = NULL;
    workers_free(f->workers);
    store_close(f->store);
    loop_stop(f->loop);
    loop_join(f->loop);
    tokens_free(x->tokens);
    directory_free(f->directory);
    loop_free(f->loop);
}

static void wait_ready(struct tokens_fixture *x)
{
    for (unsigned i = 0; i < 500 && !tokens_ready(x->tokens); i++)
        usleep(10000);
    assert_true(tokens_ready(x->tokens));
}

static void find_app(struct tokens_fixture *x)
{
    x->who = directory_app(x->f->directory, SGL_LIT("crm"), &x->app);
    assert_non_null(x->who);
}

static int setup(void **state)
{
    struct tokens_fixture *x = calloc(1, sizeof(*x));
    struct directory_change c = {
        .noun = DIRECTORY_APP, .verb = DIRECTORY_ADD, .name = SGL_LIT("crm"), .domains = 1};

    *state = x;
    x->f = fixture_new();
    assert_int_equal(fixture_domain(x->f, "example.org", false), DIRECTORY_OK);
    c.domain[0] = SGL_LIT("example.org");
    assert_int_equal(fixture_change(x->f, &c), DIRECTORY_OK);
    tokens_open(x);
    find_app(x);
    return 0;
}

static int teardown(void **state)
{
    struct tokens_fixture *x = *state;
    char command[128];

    tokens_close(x);
    snprintf(command, sizeof(command), "rm -rf '%s'", x->f->folder);
    assert_int_equal(system(command), 0);
    sem_destroy(&x->f->done);
    free(x->f);
    free(x);
    return 0;
}

/* ---- issuing ---- */

static void issued(struct token_issue *i)
{
    sem_post(i->ctx);
}

/* A token, or "" when none could be made. */
static const char *issue(struct tokens_fixture *x, enum token_audience audience, const char *tenant)
{
    static char text[TOKEN_SIZE_MAX + 1];
    struct token_issue *i = calloc(1, sizeof(*i));

    i->loop = x->f->loop;
    i->done = issued;
    i->ctx = &x->f->done;
    i->who = x->who;
    i->audience = audience;
    i->tenant = sgl_view_cstr(tenant);
    memcpy(i->client_id, x->app.client_id, sizeof(i->client_id));
    tokens_issue(x->tokens, i);
    sem_wait(&x->f->done);
    snprintf(text, sizeof(text), "%.*s", i->ok ? (int)i->token.len : 0,
             (const char *)i->token.data);
    sgl_buf_done(&i->token);
    free(i);
    return text;
}

/* The fault, and with none that it is the application. */
static enum token_fault verify_at(struct tokens_fixture *x, const char *text,
                                  enum token_audience audience, int64_t now)
{
    enum token_fault fault = TOKEN_FINE;
    struct identity *who = tokens_verify(x->tokens, sgl_view_cstr(text), audience, now, &fault);

    CHECK_EQ("an identity comes with a good token only", who != NULL, fault == TOKEN_FINE);
    if (who != NULL)
        CHECK_STR("it is who it was made for", who->name, x->who->name);
    identity_unref(who);
    return fault;
}

static enum token_fault verify(struct tokens_fixture *x, const char *text)
{
    return verify_at(x, text, TOKEN_FOR_US, clock_now_s());
}

/* ---- tests ---- */

static void test_issue(void **state)
{
    struct tokens_fixture *x = *state;
    int64_t now = clock_now_s();
    char text[TOKEN_SIZE_MAX];

    wait_ready(x);
    snprintf(text, sizeof(text), "%s", issue(x, TOKEN_FOR_US, ""));
    CHECK_EQ("what is issued is good", verify(x, text), TOKEN_FINE);
    CHECK_EQ("and is so again", verify(x, text), TOKEN_FINE);
    CHECK_EQ("at another API it is not", verify_at(x, text, TOKEN_FOR_GRAPH, now), TOKEN_AUDIENCE);
    CHECK_EQ("at none it is not", verify_at(x, text, TOKEN_FOR_NOTHING, now), TOKEN_AUDIENCE);
    CHECK_EQ("for an hour", verify_at(x, text, TOKEN_FOR_US, now + TOKEN_LIFETIME_S), TOKEN_FINE);
    CHECK_EQ("not for longer",
             verify_at(x, text, TOKEN_FOR_US, now + TOKEN_LIFETIME_S + TOKEN_SKEW_S + 2),
             TOKEN_EXPIRED);
    CHECK_EQ("not before", verify_at(x, text, TOKEN_FOR_US, now - TOKEN_SKEW_S - 2), TOKEN_EARLY);
    text[strlen(text) - 1] ^= 4;
    CHECK_TRUE("not with another signature", verify(x, text) != TOKEN_FINE);
    CHECK_EQ("nor is an access key one", verify(x, "sk_abc_def"), TOKEN_BROKEN);
    snprintf(text, sizeof(text), "%s", issue(x, TOKEN_FOR_SMTP, "default"));
    CHECK_EQ("each API has its own", verify_at(x, text, TOKEN_FOR_SMTP, now), TOKEN_FINE);
    CHECK_EQ("each API has its own", verify(x, text), TOKEN_AUDIENCE);
    CHECK_EQ("SMTP takes ours, too", verify_at(x, issue(x, TOKEN_FOR_US, ""), TOKEN_FOR_SMTP, now),
             TOKEN_FINE);
    CHECK_EQ("and that for ACS", verify_at(x, issue(x, TOKEN_FOR_ACS, ""), TOKEN_FOR_SMTP, now),
             TOKEN_FINE);
    CHECK_EQ("but no other", verify_at(x, issue(x, TOKEN_FOR_GRAPH, ""), TOKEN_FOR_SMTP, now),
             TOKEN_AUDIENCE);
}

static void test_claims(void **state)
{
    struct tokens_fixture *x = *state;
    struct subscription *s = directory_subscription(x->f->directory, SGL_LIT("default"));
    struct jwt j;

    wait_ready(x);
    assert_true(jwt_read(sgl_view_cstr(issue(x, TOKEN_FOR_GRAPH, "default")), &j));
    CHECK_STR("its algorithm", j.algorithm, "ES256");
    CHECK_VIEW("its issuer", jwt_text(&j, "iss"), SGL_LIT(URL "/default/v2.0"));
    CHECK_VIEW("its audience", jwt_text(&j, "aud"), SGL_LIT("https://graph.microsoft.com"));
    CHECK_VIEW("its tenant", jwt_text(&j, "tid"), sgl_view_cstr(s->guid));
    CHECK_VIEW("its application", jwt_text(&j, "appid"), sgl_view_cstr(x->app.client_id));
    CHECK_VIEW("its application", jwt_text(&j, "azp"), sgl_view_cstr(x->app.client_id));
    CHECK_VIEW("its subject", jwt_text(&j, "sub"), sgl_view_cstr(x->app.client_id));
    CHECK_EQ("its hour",
             json_integer_value(json_object_get(j.claims, "exp")) -
                 json_integer_value(json_object_get(j.claims, "iat")),
             TOKEN_LIFETIME_S);
    CHECK_STR("its role", json_string_value(json_array_get(json_object_get(j.claims, "roles"), 0)),
              "Mail.Send");
    CHECK_EQ("its name", jwt_text(&j, "jti").len, 36);
    jwt_done(&j);
    subscription_unref(s);
}

/* A token of ours with another claim or header, signed by the very key that signs: what only the checks after the signature can refuse. */
static const char *forge(struct tokens_fixture *x, const char *claim, json_t *value)
{
    static char text[TOKEN_SIZE_MAX];
    struct jwt j;
    struct sgl_buf out = SGL_BUF_INIT(TOKEN_SIZE_MAX);
    uint8_t digest[32], signature[SGL_SIGNATURE_MAX];
    size_t len = 0;
    struct sgl_private_key *key = NULL;

    assert_true(jwt_read(sgl_view_cstr(issue(x, TOKEN_FOR_US, "default")), &j));
    assert_int_equal(value == NULL ? json_object_del(j.claims, claim)
                                   : json_object_set_new(j.claims, claim, value),
                     0);
    assert_true(jwt_put_signed_part(json_incref(j.header), json_incref(j.claims), &out));
    jwt_done(&j);
    assert_int_equal(sgl_sha256(fake_keys.crypto, sgl_buf_view(&out), digest), SGL_OK);
    for (unsigned i = 0; i < atomic_load(&fake_keys.count); i++)
        if (sgl_private_key_type(fake_keys.key[i]) == SGL_KEY_P256)
            key = fake_keys.key[i];
    assert_int_equal(sgl_private_key_sign(fake_keys.crypto, key, digest, signature, &len), SGL_OK);
    sgl_buf_add_byte(&out, '.');
    jwt_put_base64url(sgl_view_of(signature, len), &out);
    snprintf(text, sizeof(text), "%.*s", (int)out.len, (const char *)out.data);
    sgl_buf_done(&out);
    return text;
}

static void test_forged(void **state)
{
    static const struct {
        const char *name, *claim, *value;
        enum token_fault want;
    } rows[] = {
        {"with a claim that nobody asks for it is good", "x", "1", TOKEN_FINE},
        {"another issuer", "iss", "https://evil.test", TOKEN_ISSUER},
        {"an issuer that begins as we do", "iss", URL ".evil.test/default/v2.0", TOKEN_ISSUER},
        {"another tenant's issuer", "iss", URL "/other/v2.0", TOKEN_ISSUER},
        {"an issuer of another version", "iss", URL "/default/v1.0", TOKEN_ISSUER},
        {"no issuer", "iss", NULL, TOKEN_ISSUER},
        {"the issuer without a tenant", "iss", URL, TOKEN_FINE},
        {"no audience", "aud", NULL, TOKEN_AUDIENCE},
        {"our own with a slash", "aud", URL "/", TOKEN_FINE},
        {"another audience", "aud", "https://graph.microsoft.com", TOKEN_AUDIENCE},
        {"no end", "exp", NULL, TOKEN_BROKEN},
        {"another subscription", "tid", "f47ac10b-58cc-4372-a567-0e02b2c3d479", TOKEN_SUBJECT},
        {"no subscription", "tid", NULL, TOKEN_SUBJECT},
        {"another application", "appid", "f47ac10b-58cc-4372-a567-0e02b2c3d479", TOKEN_SUBJECT},
        {"no application", "appid", NULL, TOKEN_SUBJECT},
    };
    struct tokens_fixture *x = *state;

    wait_ready(x);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_EQ(rows[i].name,
                 verify(x, forge(x, rows[i].claim,
                                 rows[i].value == NULL ? NULL : json_string(rows[i].value))),
                 rows[i].want);
}

static void test_removed(void **state)
{
    struct tokens_fixture *x = *state;
    struct directory_change c = {
        .noun = DIRECTORY_APP, .verb = DIRECTORY_REMOVE, .name = SGL_LIT("crm")};
    char text[TOKEN_SIZE_MAX];

    wait_ready(x);
    snprintf(text, sizeof(text), "%s", issue(x, TOKEN_FOR_US, ""));
    assert_int_equal(fixture_change(x->f, &c), DIRECTORY_OK);
    CHECK_EQ("a removed application's token is refused at once", verify(x, text), TOKEN_SUBJECT);
}

/* A process of this machine has tokens like an application, and the two are never mistaken for each other. */
static void test_local(void **state)
{
    struct tokens_fixture *x = *state;
    const struct local_change local = {34};
    struct directory_change c = {.noun = DIRECTORY_LOCAL,
                                 .verb = DIRECTORY_ADD,
                                 .name = SGL_LIT("backup"),
                                 .domain = {SGL_LIT_INIT("example.org")},
                                 .domains = 1,
                                 .local = &local};
    struct identity *app = x->who;
    char text[TOKEN_SIZE_MAX + 1];

    wait_ready(x);
    assert_int_equal(fixture_change(x->f, &c), DIRECTORY_OK);
    x->who = directory_process(x->f->directory, 34);
    CHECK_EQ("with the id of an application it is nobody's", verify(x, issue(x, TOKEN_FOR_US, "")),
             TOKEN_SUBJECT);
    assert_true(directory_process_guid(x->f->directory, x->who, x->app.client_id));
    snprintf(text, sizeof(text), "%s", issue(x, TOKEN_FOR_US, ""));
    CHECK_EQ("with its own it is its own", verify(x, text), TOKEN_FINE);
    CHECK_EQ("for one API", verify_at(x, text, TOKEN_FOR_ACS, clock_now_s()), TOKEN_AUDIENCE);
    CHECK_EQ("for a time", verify_at(x, text, TOKEN_FOR_US, clock_now_s() + 4000), TOKEN_EXPIRED);
    c.verb = DIRECTORY_REMOVE;
    assert_int_equal(fixture_change(x->f, &c), DIRECTORY_OK);
    CHECK_EQ("removed, nobody's at once", verify(x, text), TOKEN_SUBJECT);
    identity_unref(x->who);
    x->who = app;
    CHECK_EQ("and no application's", verify(x, issue(x, TOKEN_FOR_US, "")), TOKEN_SUBJECT);
}

static void test_restart(void **state)
{
    struct tokens_fixture *x = *state;
    char text[TOKEN_SIZE_MAX];
    json_t *before, *after;

    wait_ready(x);
    snprintf(text, sizeof(text), "%s", issue(x, TOKEN_FOR_US, ""));
    before = tokens_key_set(x->tokens);
    tokens_close(x);
    fixture_open(x->f);
    tokens_open(x);
    find_app(x);
    CHECK_EQ("tokens are good over a restart, before the key is loaded", verify(x, text),
             TOKEN_FINE);
    wait_ready(x);
    after = tokens_key_set(x->tokens);
    CHECK_EQ("there is one key", json_array_size(json_object_get(after, "keys")), 1);
    CHECK_TRUE("it is the same one", json_equal(before, after));
    CHECK_EQ("and it signs", verify(x, issue(x, TOKEN_FOR_US, "")), TOKEN_FINE);
    json_decref(before);
    json_decref(after);
}

static void test_key_set(void **state)
{
    struct tokens_fixture *x = *state;
    json_t *set;
    const json_t *key;

    wait_ready(x);
    set = tokens_key_set(x->tokens);
    key = json_array_get(json_object_get(set, "keys"), 0);
    CHECK_STR("its type", json_string_value(json_object_get(key, "kty")), "EC");
    CHECK_STR("its curve", json_string_value(json_object_get(key, "crv")), "P-256");
    CHECK_STR("its use", json_string_value(json_object_get(key, "use")), "sig");
    CHECK_STR("its algorithm", json_string_value(json_object_get(key, "alg")), "ES256");
    CHECK_EQ("its point", json_string_length(json_object_get(key, "x")), 43);
    CHECK_EQ("its point", json_string_length(json_object_get(key, "y")), 43);
    CHECK_TRUE("and never the private half", json_object_get(key, "d") == NULL);
    json_decref(set);
}

/* Without the keys process nothing is signed, nothing waits for ever, and it works again when that is back. */
static void test_keys_down(void **state)
{
    struct tokens_fixture *x = *state;

    wait_ready(x);
    atomic_store(&fake_keys.down, 1);
    CHECK_STR("none is made", issue(x, TOKEN_FOR_US, ""), "");
    CHECK_EQ("the next is", verify(x, issue(x, TOKEN_FOR_US, "")), TOKEN_FINE);
}

/* A key that cannot be opened any more, after the master key was lost: a new one is made, and what the old one signed is good still. */
static void test_lost_master(void **state)
{
    struct tokens_fixture *x = *state;
    char text[TOKEN_SIZE_MAX];
    json_t *set;

    wait_ready(x);
    snprintf(text, sizeof(text), "%s", issue(x, TOKEN_FOR_US, ""));
    tokens_close(x);
    atomic_store(&fake_keys.refuse, 3); /* both selectors of the domain may be asked for first */
    fixture_open(x->f);
    for (unsigned i = 0; i < 500 && !directory_ready(x->f->directory); i++)
        usleep(10000);
    atomic_store(&fake_keys.refuse, 1);
    tokens_open(x);
    find_app(x);
    wait_ready(x);
    set = tokens_key_set(x->tokens);
    CHECK_EQ("a second key", json_array_size(json_object_get(set, "keys")), 2);
    CHECK_EQ("it signs", verify(x, issue(x, TOKEN_FOR_US, "")), TOKEN_FINE);
    CHECK_EQ("what the first signed is good", verify(x, text), TOKEN_FINE);
    json_decref(set);
}

static void test_audiences(void **state)
{
    struct tokens_fixture *x = *state;

    CHECK_EQ("ours", tokens_audience(x->tokens, SGL_LIT(URL)), TOKEN_FOR_US);
    CHECK_EQ("with one slash",
             tokens_audience(x->tokens, SGL_LIT("https://communication.azure.com/")),
             TOKEN_FOR_ACS);
    CHECK_EQ("without", tokens_audience(x->tokens, SGL_LIT("https://communication.azure.com")),
             TOKEN_FOR_ACS);
    CHECK_EQ("not with two", tokens_audience(x->tokens, SGL_LIT("https://graph.microsoft.com//")),
             TOKEN_FOR_NOTHING);
    CHECK_EQ("another", tokens_audience(x->tokens, SGL_LIT("https://evil.test")),
             TOKEN_FOR_NOTHING);
    CHECK_EQ("none", tokens_audience(x->tokens, SGL_LIT("")), TOKEN_FOR_NOTHING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_issue, setup, teardown),
        cmocka_unit_test_setup_teardown(test_claims, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_local, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_key_set, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_down, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost_master, setup, teardown),
        cmocka_unit_test_setup_teardown(test_audiences, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
