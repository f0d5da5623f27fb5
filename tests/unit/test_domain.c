/* SPDX-License-Identifier: Apache-2.0 */
/* Domains: their names, kinds, what is known of their records, and whether they may send. */
#include "directory_fixture.h"

static int setup(void **state)
{
    *state = fixture_new();
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

static struct domain *named(struct directory_fixture *f, const char *name)
{
    struct domain *d = directory_domain(f->directory, sgl_view_cstr(name));

    if (d == NULL)
        fail_msg("there is no domain %s", name);
    return d;
}

static struct directory_change add(const char *name, const struct domain_change *dc)
{
    return (struct directory_change){.noun = DIRECTORY_DOMAIN,
                                     .verb = DIRECTORY_ADD,
                                     .name = sgl_view_cstr(name),
                                     .domain_change = dc};
}

static struct directory_change change(const char *name, const struct domain_change *dc)
{
    return (struct directory_change){.noun = DIRECTORY_DOMAIN,
                                     .verb = DIRECTORY_CHANGE,
                                     .name = sgl_view_cstr(name),
                                     .domain_change = dc};
}

/* ---- names ---- */

static void test_refused_names(void **state)
{
    static const struct {
        const char *rule, *name, *says;
    } rows[] = {
        {"nothing is no name", "", "empty"},
        {"an address is not its domain", "me@example.org", "behind the @"},
        {"one label is too few", "localhost", "one label"},
        {"a public suffix is nobody's", "co.uk", "public suffix"},
        {"also in upper case and with a dot", "CO.UK.", "public suffix"},
        {"also one of a company's", "github.io", "public suffix"},
        {"a blank is in no name", "exa mple.org", "not a domain name"},
        {"a line end is in no name", "example.org\r\n", "not a domain name"},
        {"a literal is no name", "[192.0.2.1]", "not a domain name"},
        {"bytes that are no UTF-8 are in no name", "a\xff.example", "not a domain name"},
    };
    struct directory_fixture *f = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct directory_change c = add(rows[i].name, NULL);

        CHECK_EQ(rows[i].rule, fixture_change(f, &c), DIRECTORY_INVALID);
        CHECK_STR(rows[i].rule, c.field, "domain");
        if (strstr(c.why, rows[i].says) == NULL)
            fail_msg("%s: got \"%s\", want \"%s\" in it", rows[i].rule, c.why, rows[i].says);
    }
}

/* ---- kinds ---- */

static void test_added(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change c = add("example.org", NULL), other = add("example.com", NULL);
    struct domain *d, *e;

    assert_int_equal(fixture_change(f, &c), DIRECTORY_OK);
    assert_int_equal(fixture_change(f, &other), DIRECTORY_OK);
    d = named(f, "example.org");
    e = named(f, "example.com");
    CHECK_EQ("without a word it is a custom one", d->kind, DOMAIN_CUSTOM);
    CHECK_EQ("the token has 160 bits", strlen(d->token), 40);
    CHECK_TRUE("no two are the same", strcmp(d->token, e->token) != 0);
    CHECK_STR("it has a return path", d->return_path, "bounces");
    for (int p = 0; p < DOMAIN_PARTS; p++)
        CHECK_EQ(domain_part_name((enum domain_part)p), d->status[p].state, DOMAIN_NOT_STARTED);
    domain_unref(d);
    domain_unref(e);
}

static void test_managed(void **state)
{
    static const struct domain_change none = {.kind = DOMAIN_MANAGED};
    static const struct domain_change managed = {.kind = DOMAIN_MANAGED,
                                                 .managed_zone = SGL_LIT_INIT("mail.Example.net")};
    static const struct domain_change custom = {.kind = DOMAIN_CUSTOM,
                                                .managed_zone = SGL_LIT_INIT("mail.example.net")};
    static const struct domain_change parked = {.kind = DOMAIN_PARKED, .set_kind = true};
    struct directory_fixture *f = *state;
    struct directory_change c = add("test1", &none);
    struct domain *d;

    CHECK_EQ("without a zone there are none", fixture_change(f, &c), DIRECTORY_INVALID);
    CHECK_STR("which the kind is at fault of", c.field, "kind");
    c = add("a.b", &managed);
    CHECK_EQ("it is named by one label", fixture_change(f, &c), DIRECTORY_INVALID);
    c = add("Test1", &managed);
    CHECK_EQ("it is added", fixture_change(f, &c), DIRECTORY_OK);
    d = named(f, "test1.mail.example.net");
    CHECK_EQ("as a managed one", d->kind, DOMAIN_MANAGED);
    CHECK_TRUE("signed at once", d->selectors == 2 && d->selector[0].active);
    domain_unref(d);
    c = add("evil.mail.example.net", &custom);
    CHECK_EQ("nobody else gets a name there", fixture_change(f, &c), DIRECTORY_INVALID);
    c = add("mail.example.net", &custom);
    CHECK_EQ("but the zone itself may be a domain", fixture_change(f, &c), DIRECTORY_OK);
    c = change("test1.mail.example.net", &parked);
    CHECK_EQ("it stays a managed one", fixture_change(f, &c), DIRECTORY_INVALID);
}

static void test_parked(void **state)
{
    static const struct domain_change parked = {.kind = DOMAIN_PARKED, .set_kind = true};
    static const struct domain_change custom = {.kind = DOMAIN_CUSTOM, .set_kind = true};
    struct directory_fixture *f = *state;
    struct directory_change c = add("example.org", &parked);
    struct domain *d;
    uint64_t handle;

    assert_int_equal(fixture_change(f, &c), DIRECTORY_OK);
    d = named(f, "example.org");
    CHECK_TRUE("a parked domain has no keys", d->kind == DOMAIN_PARKED && d->selectors == 0);
    domain_unref(d);
    c = change("example.org", &custom);
    CHECK_EQ("it can be taken up", fixture_change(f, &c), DIRECTORY_OK);
    d = named(f, "example.org");
    CHECK_TRUE("then it has keys", d->kind == DOMAIN_CUSTOM && d->selectors == 2);
    CHECK_TRUE("that are loaded", d->selector[1].key != NULL && d->selector[1].key->handle != 0);
    handle = d->selector[0].key->handle;
    c = change("example.org", &parked);
    CHECK_EQ("and parked again", fixture_change(f, &c), DIRECTORY_OK);
    domain_unref(d);
    c = change("example.org", &custom);
    CHECK_EQ("and taken up again", fixture_change(f, &c), DIRECTORY_OK);
    d = named(f, "example.org");
    CHECK_TRUE("with the keys that it had",
               d->selectors == 2 && d->selector[0].key->handle == handle);
    domain_unref(d);
}

static void test_return_path(void **state)
{
    static const struct {
        const char *rule, *label;
        enum directory_result want;
    } rows[] = {
        {"a label is taken", "Mail-1", DIRECTORY_OK},
        {"none is taken", "", DIRECTORY_OK},
        {"two labels are refused", "a.b", DIRECTORY_INVALID},
        {"a hyphen in front", "-a", DIRECTORY_INVALID},
        {"a blank", "a b", DIRECTORY_INVALID},
    };
    struct directory_fixture *f = *state;
    struct domain *d;

    assert_int_equal(fixture_domain(f, "example.org", false), DIRECTORY_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct domain_change dc = {.return_path = sgl_view_cstr(rows[i].label)};
        struct directory_change c = change("example.org", &dc);

        CHECK_EQ(rows[i].rule, fixture_change(f, &c), rows[i].want);
        d = named(f, "example.org");
        CHECK_STR(rows[i].rule, d->return_path, i == 0 ? "mail-1" : "");
        domain_unref(d);
    }
}

static void test_tls(void **state)
{
    struct directory_fixture *f = *state;
    const struct {
        const char *rule;
        bool set, verified, want;
    } rows[] = {{"it is set", true, true, true},
                {"another change leaves it", false, false, true},
                {"it is taken back", true, false, false}};

    assert_int_equal(fixture_domain(f, "example.org", false), DIRECTORY_OK);
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        struct domain_change dc = {.set_tls = rows[i / 2].set,
                                   .tls_verified = rows[i / 2].verified,
                                   .return_path = rows[i / 2].set ? SGL_LIT("") : SGL_LIT("b")};
        struct directory_change c = change("example.org", &dc);
        struct domain *d;

        CHECK_EQ(rows[i / 2].rule, fixture_change(f, &c), DIRECTORY_OK);
        if (i % 2 == 1) { /* also after a restart */
            fixture_close(f);
            fixture_open(f);
        }
        d = named(f, "example.org");
        CHECK_EQ(rows[i / 2].rule, d->tls_verified, rows[i / 2].want);
        domain_unref(d);
    }
}

/* ---- what is known of its records ---- */

static const struct domain_status seen[DOMAIN_PARTS] = {
    [PART_OWNERSHIP] = {.state = DOMAIN_VERIFIED, .since_s = 100, .verified_at_s = 100},
    [PART_SPF] = {.state = DOMAIN_FAILED,
                  .since_s = 200,
                  .verified_at_s = 100,
                  .lost_at_s = 200,
                  .found = (char *)(uintptr_t) "v=spf1 -all",
                  .expected = (char *)(uintptr_t) "v=spf1 a:mail.example.net -all",
                  .why = (char *)(uintptr_t) "It does not name this server."},
    [PART_DKIM] = {.state = DOMAIN_IN_PROGRESS, .since_s = 300},
};

static void check_seen(struct directory_fixture *f, const char *rule)
{
    struct domain *d = named(f, "example.org");

    CHECK_EQ(rule, d->status[PART_OWNERSHIP].state, DOMAIN_VERIFIED);
    CHECK_EQ(rule, d->status[PART_OWNERSHIP].verified_at_s, 100);
    CHECK_EQ(rule, d->status[PART_SPF].state, DOMAIN_FAILED);
    CHECK_EQ(rule, d->status[PART_SPF].lost_at_s, 200);
    CHECK_STR(rule, d->status[PART_SPF].found, "v=spf1 -all");
    CHECK_STR(rule, d->status[PART_SPF].expected, "v=spf1 a:mail.example.net -all");
    CHECK_STR(rule, d->status[PART_SPF].why, "It does not name this server.");
    CHECK_EQ(rule, d->status[PART_DKIM].state, DOMAIN_IN_PROGRESS);
    CHECK_EQ(rule, d->status[PART_DMARC].state, DOMAIN_NOT_STARTED);
    CHECK_EQ(rule, atomic_load(&d->checked_at_s), 400);
    CHECK_STR(rule, d->hosts, "mx.example.org missing");
    CHECK_TRUE(rule, d->selectors == 2 && strlen(d->token) == 40);
    domain_unref(d);
}

static void test_statuses_are_kept(void **state)
{
    static const struct domain_change dc = {
        .status = seen, .checked_at_s = 400, .hosts = SGL_LIT("mx.example.org missing")};
    static const struct domain_change again = {.status = seen, .checked_at_s = 400};
    static const struct domain_change none = {.status = seen, .hosts = SGL_LIT("")};
    struct directory_fixture *f = *state;
    struct directory_change c = change("example.org", &dc);
    struct domain *d;

    assert_int_equal(fixture_domain(f, "example.org", false), DIRECTORY_OK);
    CHECK_EQ("they are changed", fixture_change(f, &c), DIRECTORY_OK);
    c = change("example.org", &again);
    CHECK_EQ("its hosts stay when nothing is said of them", fixture_change(f, &c), DIRECTORY_OK);
    check_seen(f, "they are there at once");
    fixture_close(f);
    fixture_open(f);
    check_seen(f, "and after a restart");
    c = change("example.org", &none);
    CHECK_EQ("none are left", fixture_change(f, &c), DIRECTORY_OK);
    d = named(f, "example.org");
    CHECK_STR("then there are none", d->hosts, "");
    domain_unref(d);
}

static void noun_written(struct store_op *op)
{
    assert_int_equal(op->result, STORE_OK);
}

/* As a store of before keeps it: no kind, no token, no status. */
static void test_documents_of_old(void **state)
{
    static const struct domain_change dc = {.status = seen, .checked_at_s = 400};
    struct directory_fixture *f = *state;
    struct store_noun noun = {
        .kind = SGL_LIT("domain"),
        .key = SGL_LIT("example.org"),
        .subscription = SGL_LIT("default"),
        .value =
            SGL_LIT("{\"created_at\":7,\"selectors\":[{\"name\":\"s1\",\"algorithm\":\"rsa-2048\","
                    "\"active\":true,\"public\":\"AAAA\",\"sealed\":\"c2VhbGVkMA==\"}]}")};
    struct store_noun_op op = {
        .op = {.kind = STORE_NOUN_PUT, .loop = f->loop, .done = noun_written},
        .noun = &noun,
        .nouns = 1};
    struct directory_change c = change("example.org", &dc);
    struct domain *d;

    assert_int_equal(fixture_domain(f, "key.example", false),
                     DIRECTORY_OK); /* makes a key to open */
    store_submit(f->store, &op.op);
    fixture_close(f);
    fixture_open(f);
    d = named(f, "example.org");
    CHECK_TRUE("it is a custom one with its selector",
               d->kind == DOMAIN_CUSTOM && d->selectors == 1 && d->selector[0].active);
    CHECK_STR("without a token yet", d->token, "");
    CHECK_EQ("of which nothing is known", d->status[PART_SPF].state, DOMAIN_NOT_STARTED);
    domain_unref(d);
    CHECK_EQ("the first check is kept", fixture_change(f, &c), DIRECTORY_OK);
    d = named(f, "example.org");
    CHECK_EQ("and makes its token", strlen(d->token), 40);
    domain_unref(d);
}

/* A copy made while the keys are still being loaded has them when they are. */
static void test_keys_are_shared_by_copies(void **state)
{
    static const struct domain_change dc = {.status = seen};
    struct directory_fixture *f = *state;
    struct directory_change c = change("example.org", &dc);
    struct domain *before, *after;

    assert_int_equal(fixture_domain(f, "example.org", false), DIRECTORY_OK);
    before = named(f, "example.org");
    assert_int_equal(fixture_change(f, &c), DIRECTORY_OK);
    after = named(f, "example.org");
    CHECK_TRUE("the key is the same one",
               before != after && before->selector[0].key == after->selector[0].key);
    domain_unref(before);
    CHECK_TRUE("and outlives the former snapshot", after->selector[0].key->handle != 0);
    domain_unref(after);
}

/* ---- claims ---- */

static void test_claims(void **state)
{
    static const struct domain_status proved[DOMAIN_PARTS] = {
        [PART_OWNERSHIP] = {.state = DOMAIN_VERIFIED, .since_s = 1, .verified_at_s = 1}};

    static const struct domain_change fresh = {.claim_expires_s = 3600};
    static const struct domain_change verified = {.status = proved};
    struct directory_fixture *f = *state;
    struct directory_change tenant = {
        .noun = DIRECTORY_SUBSCRIPTION, .verb = DIRECTORY_ADD, .name = SGL_LIT("acme")};
    struct directory_change c = add("example.org", NULL), again, prove;
    struct domain_change expired = {.claim_expires_s = 1};
    struct domain *d;

    assert_int_equal(fixture_change(f, &tenant), DIRECTORY_OK);
    assert_int_equal(fixture_change(f, &c), DIRECTORY_OK);
    again = add("example.org", &fresh);
    CHECK_EQ("a name exists once", fixture_change(f, &again), DIRECTORY_EXISTS);
    again = add("example.org", &fresh);
    again.subscription = SGL_LIT("acme");
    CHECK_EQ("a fresh claim stands", fixture_change(f, &again), DIRECTORY_EXISTS);
    CHECK_TRUE("and the refusal says so", strstr(again.why, "setting domain") != NULL);

    again = add("example.org", &expired);
    again.subscription = SGL_LIT("acme");
    while (clock_now_s() <= (d = named(f, "example.org"), domain_unref(d), d->created_at) + 1)
        usleep(20000);
    CHECK_EQ("an old one that was never proved gives way", fixture_change(f, &again), DIRECTORY_OK);
    d = named(f, "example.org");
    CHECK_STR("to the other subscription", d->subscription, "acme");
    domain_unref(d);
    prove = change("example.org", &verified);
    assert_int_equal(fixture_change(f, &prove), DIRECTORY_OK);
    again = add("example.org", &expired);
    while (clock_now_s() <= (d = named(f, "example.org"), domain_unref(d), d->created_at) + 1)
        usleep(20000);
    CHECK_EQ("a proved one never does", fixture_change(f, &again), DIRECTORY_EXISTS);
    CHECK_TRUE("and the refusal says why", strstr(again.why, "has proved it") != NULL);
}

static bool is_kept(const void *ctx, sgl_view name)
{
    return sgl_view_ends(name, sgl_view_cstr(ctx));
}

/* What the server would prove to anybody who names it is the operator's to give. */
static void test_kept_names(void **state)
{
    static const struct domain_change keeping = {.kept = is_kept, .kept_ctx = "kept.test"};
    static const struct domain_change parked = {
        .kind = DOMAIN_PARKED, .kept = is_kept, .kept_ctx = "kept.test"};
    struct directory_fixture *f = *state;
    struct directory_change c = add("shop.kept.test", &keeping);

    c.within = SGL_LIT("default");
    CHECK_EQ("an owner does not add one", fixture_change(f, &c), DIRECTORY_INVALID);
    CHECK_STR("and hears which member is wrong", c.field, "domain");
    c = add("Shop.KEPT.test.", &parked);
    c.within = SGL_LIT("default");
    CHECK_EQ("nor in other letters, nor parked", fixture_change(f, &c), DIRECTORY_INVALID);
    c = add("shop.free.test", &keeping);
    c.within = SGL_LIT("default");
    CHECK_EQ("others he does", fixture_change(f, &c), DIRECTORY_OK);
    c = add("shop.kept.test", &keeping);
    CHECK_EQ("the operator adds it", fixture_change(f, &c), DIRECTORY_OK);
}

/* ---- may it send? ---- */

#define WAS                                                                                        \
    {                                                                                              \
        .state = DOMAIN_VERIFIED, .verified_at_s = 1                                               \
    }
#define LOST(at)                                                                                   \
    {                                                                                              \
        .state = DOMAIN_FAILED, .verified_at_s = 1, .lost_at_s = (at)                              \
    }
#define NEVER                                                                                      \
    {                                                                                              \
        .state = DOMAIN_FAILED                                                                     \
    }
#define BIT(part) (1u << (part))

static void test_may_send(void **state)
{
    static const struct {
        const char *rule;
        enum domain_kind kind;
        bool required;
        struct domain_status ownership, spf, dkim, dmarc;
        enum domain_verdict want;
        unsigned missing;
    } rows[] = {
        {"all that is required is verified", DOMAIN_CUSTOM, true, WAS, WAS, WAS, NEVER,
         DOMAIN_MAY_SEND, 0},
        {"SPF was never", DOMAIN_CUSTOM, true, WAS, NEVER, WAS, WAS, DOMAIN_UNVERIFIED,
         BIT(PART_SPF)},
        {"nothing was", DOMAIN_CUSTOM, true, NEVER, NEVER, NEVER, NEVER, DOMAIN_UNVERIFIED,
         BIT(PART_OWNERSHIP) | BIT(PART_SPF) | BIT(PART_DKIM)},
        {"one is lost within the grace period", DOMAIN_CUSTOM, true, WAS, WAS, LOST(901), NEVER,
         DOMAIN_MAY_SEND, 0},
        {"one is lost for exactly that long", DOMAIN_CUSTOM, true, WAS, WAS, LOST(900), NEVER,
         DOMAIN_LOST, BIT(PART_DKIM)},
        {"what was never verified is named before what is lost", DOMAIN_CUSTOM, true, NEVER, WAS,
         LOST(1), NEVER, DOMAIN_UNVERIFIED, BIT(PART_OWNERSHIP)},
        {"nothing is required", DOMAIN_CUSTOM, false, NEVER, NEVER, NEVER, NEVER, DOMAIN_MAY_SEND,
         0},
        {"a managed one needs nothing", DOMAIN_MANAGED, true, NEVER, NEVER, NEVER, NEVER,
         DOMAIN_MAY_SEND, 0},
        {"a parked one never sends", DOMAIN_PARKED, false, WAS, WAS, WAS, WAS, DOMAIN_IS_PARKED, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct domain_rules rules = {.required = rows[i].required, .grace_s = 100};
        struct domain d = {.kind = rows[i].kind,
                           .status = {[PART_OWNERSHIP] = rows[i].ownership,
                                      [PART_SPF] = rows[i].spf,
                                      [PART_DKIM] = rows[i].dkim,
                                      [PART_DMARC] = rows[i].dmarc}};
        unsigned missing = 99;

        CHECK_EQ(rows[i].rule, domain_may_send(&d, &rules, 1000, &missing), rows[i].want);
        CHECK_EQ(rows[i].rule, missing, rows[i].missing);
    }
}

static void test_parts_text(void **state)
{
    static const struct {
        unsigned parts;
        const char *want;
    } rows[] = {
        {0, ""},
        {BIT(PART_DKIM), "DKIM"},
        {BIT(PART_OWNERSHIP) | BIT(PART_DKIM), "Domain and DKIM"},
        {BIT(PART_OWNERSHIP) | BIT(PART_SPF) | BIT(PART_DKIM), "Domain, SPF and DKIM"},
    };
    char text[64], small[8];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        domain_parts_text(rows[i].parts, text, sizeof(text));
        CHECK_STR("parts are listed", text, rows[i].want);
    }
    for (int p = 0; p < DOMAIN_PARTS; p++) {
        CHECK_TRUE("each part has a name", strlen(domain_part_name((enum domain_part)p)) > 2);
        CHECK_TRUE("and a title", strlen(domain_part_title((enum domain_part)p)) > 2);
    }
    domain_parts_text(7, small, sizeof(small));
    CHECK_TRUE("a small buffer ends in a NUL", strlen(small) < sizeof(small));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_refused_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_added, setup, teardown),
        cmocka_unit_test_setup_teardown(test_managed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_return_path, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tls, setup, teardown),
        cmocka_unit_test_setup_teardown(test_statuses_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_documents_of_old, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_are_shared_by_copies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_claims, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kept_names, setup, teardown),
        cmocka_unit_test(test_may_send),
        cmocka_unit_test(test_parts_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
