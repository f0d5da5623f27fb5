/* SPDX-License-Identifier: Apache-2.0 */
/* Senders, groups, policies: added, refused, in use, kept over a restart; and what they decide for every kind of identity. */
#include "directory_fixture.h"

#include "sigillo/mailbox.h"

static enum directory_result last_result;
static char last_field[32], last_why[240], last_id[32];

static enum directory_result change(struct directory_fixture *f, struct directory_change c)
{
    last_result = fixture_change(f, &c);
    snprintf(last_field, sizeof(last_field), "%s", c.field);
    snprintf(last_why, sizeof(last_why), "%s", c.why);
    snprintf(last_id, sizeof(last_id), "%s", c.id);
    return last_result;
}

static enum directory_result sender(struct directory_fixture *f, enum directory_verb verb,
                                    const char *address, const char *identity)
{
    struct sender_change s = {sgl_view_cstr(identity)};

    return change(f, (struct directory_change){.noun = DIRECTORY_SENDER,
                                               .verb = verb,
                                               .name = sgl_view_cstr(address),
                                               .sender = &s});
}

/* members: separated by blanks; the first sign of each says + (added) or - (dropped). */
static enum directory_result group(struct directory_fixture *f, enum directory_verb verb,
                                   const char *name, const char *members, const char *subscription)
{
    sgl_view add[16], drop[16], rest = sgl_view_cstr(members);
    struct group_change g = {.add = add, .drop = drop};

    while (rest.len > 0) {
        sgl_view word = sgl_view_split(rest, ' ', &rest);

        if (word.ptr[0] == '-')
            drop[g.drops++] = sgl_view_from(word, 1);
        else
            add[g.adds++] = sgl_view_from(word, 1);
    }
    return change(f, (struct directory_change){.noun = DIRECTORY_GROUP,
                                               .verb = verb,
                                               .name = sgl_view_cstr(name),
                                               .subscription = sgl_view_cstr(subscription),
                                               .group = &g});
}

static enum directory_result policy(struct directory_fixture *f, const char *identity, bool deny,
                                    const char *of_group)
{
    struct policy_change p = {.identity = sgl_view_cstr(identity),
                              .group = sgl_view_cstr(of_group),
                              .description = SGL_LIT("a test"),
                              .deny = deny};

    return change(f, (struct directory_change){
                         .noun = DIRECTORY_POLICY, .verb = DIRECTORY_ADD, .policy = &p});
}

static enum directory_result removed(struct directory_fixture *f, enum directory_noun noun,
                                     const char *name)
{
    return change(f, (struct directory_change){
                         .noun = noun, .verb = DIRECTORY_REMOVE, .name = sgl_view_cstr(name)});
}

/* The rule that decided, and by what: "deny-policy group member". */
static const char *asked(struct directory_fixture *f, const char *identity, const char *address)
{
    static char text[500];
    struct sgl_arena arena = SGL_ARENA_INIT(8192);
    struct identity *who = directory_identity(f->directory, sgl_view_cstr(identity));
    struct domain *domain = NULL;
    struct directory_access access;
    struct sgl_mailbox mailbox;
    bool granted;

    assert_non_null(who);
    assert_int_equal(sgl_mailbox_parse(sgl_view_cstr(address), &arena, &mailbox, NULL), SGL_OK);
    granted = directory_may_send(f->directory, who, &mailbox, &domain, &access);
    CHECK_EQ("the answer is the decision", granted, access.granted);
    CHECK_EQ("the domain comes with it", granted, domain != NULL);
    CHECK_EQ("a policy has a group", access.policy[0] != '\0', access.group[0] != '\0');
    domain_unref(domain);
    identity_unref(who);
    sgl_arena_done(&arena);
    snprintf(text, sizeof(text), "%s %s%s%s%s%s", granted ? "yes" : "no",
             access_rule_name(access.rule), access.group[0] == '\0' ? "" : " ", access.group,
             access.member[0] == '\0' ? "" : " ", access.member);
    return text;
}

static const char *key_name(struct directory_fixture *f, const char *domain)
{
    static char name[64];

    assert_int_equal(change(f, (struct directory_change){.noun = DIRECTORY_KEY,
                                                         .verb = DIRECTORY_ADD,
                                                         .domain = {sgl_view_cstr(domain)},
                                                         .domains = 1}),
                     DIRECTORY_OK);
    snprintf(name, sizeof(name), "key:%s", last_id);
    return name;
}

static int setup(void **state)
{
    struct directory_fixture *f = fixture_new();

    assert_int_equal(fixture_domain(f, "app.test", false), DIRECTORY_OK);
    assert_int_equal(fixture_domain(f, "shared.test", false), DIRECTORY_OK);
    assert_int_equal(fixture_credential(f, "app", "correct horse", "app.test"), DIRECTORY_OK);
    assert_int_equal(fixture_credential(f, "other", "correct horse", "*"), DIRECTORY_OK);
    assert_int_equal(change(f, (struct directory_change){.noun = DIRECTORY_APP,
                                                         .verb = DIRECTORY_ADD,
                                                         .name = SGL_LIT("app"),
                                                         .domain = {SGL_LIT("app.test")},
                                                         .domains = 1}),
                     DIRECTORY_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

/* ---- nouns ---- */

static void test_senders(void **state)
{
    struct directory_fixture *f = *state;

    CHECK_EQ("a sender of a domain", sender(f, DIRECTORY_ADD, "News@app.test", ""), DIRECTORY_OK);
    CHECK_EQ("it is there in another case", sender(f, DIRECTORY_ADD, "news@APP.test.", ""),
             DIRECTORY_EXISTS);
    CHECK_EQ("one of an identity is another", sender(f, DIRECTORY_ADD, "news@app.test", "app:app"),
             DIRECTORY_OK);
    CHECK_EQ("no address", sender(f, DIRECTORY_ADD, "news", ""), DIRECTORY_NOT_FOUND);
    CHECK_EQ("a domain that is not here", sender(f, DIRECTORY_ADD, "a@b.test", ""),
             DIRECTORY_NOT_FOUND);
    CHECK_STR("says which field", last_field, "address");
    CHECK_EQ("an identity that is not here", sender(f, DIRECTORY_ADD, "a@app.test", "app:b"),
             DIRECTORY_NOT_FOUND);
    CHECK_EQ("a kind that is none", sender(f, DIRECTORY_ADD, "a@app.test", "user:app"),
             DIRECTORY_NOT_FOUND);
    CHECK_EQ("a name without its kind", sender(f, DIRECTORY_ADD, "a@app.test", "app"),
             DIRECTORY_NOT_FOUND);
    CHECK_STR("says which field", last_field, "identity");
    CHECK_EQ("an identity that may not use the domain",
             sender(f, DIRECTORY_ADD, "a@shared.test", "app:app"), DIRECTORY_INVALID);
    CHECK_EQ("a blank", sender(f, DIRECTORY_ADD, "a b@app.test", ""), DIRECTORY_INVALID);
    CHECK_EQ("who has senders stays", removed(f, DIRECTORY_APP, "app"), DIRECTORY_IN_USE);
    CHECK_STR("and it says which", last_why,
              "sender news@app.test names it; remove that first: "
              "sigillo policy remove, sigillo sender remove");
    CHECK_EQ("a domain that has senders stays", removed(f, DIRECTORY_DOMAIN, "app.test"),
             DIRECTORY_IN_USE);
    CHECK_EQ("it is removed in any case", sender(f, DIRECTORY_REMOVE, "NEWS@app.test", ""),
             DIRECTORY_OK);
    CHECK_EQ("once", sender(f, DIRECTORY_REMOVE, "news@app.test", ""), DIRECTORY_NOT_FOUND);
    CHECK_EQ("of its identity", sender(f, DIRECTORY_REMOVE, "news@app.test", "app:app"),
             DIRECTORY_OK);
    CHECK_EQ("then it may go", removed(f, DIRECTORY_APP, "app"), DIRECTORY_OK);
}

static void test_groups(void **state)
{
    struct directory_fixture *f = *state;
    const char *first;
    struct group *g;

    CHECK_EQ("a group", group(f, DIRECTORY_ADD, "sales", "+a@app.test +shared.test", ""),
             DIRECTORY_OK);
    CHECK_EQ("of the same name", group(f, DIRECTORY_ADD, "sales", "+b@app.test", ""),
             DIRECTORY_EXISTS);
    CHECK_EQ("a name with a slash", group(f, DIRECTORY_ADD, "a/b", "", ""), DIRECTORY_INVALID);
    CHECK_EQ("a member that is none", group(f, DIRECTORY_ADD, "bad", "+a@app.test +a@@b", ""),
             DIRECTORY_INVALID);
    CHECK_STR("says which", last_field, "members[1]");
    CHECK_EQ("a subscription that is not here", group(f, DIRECTORY_ADD, "sales", "", "nobody"),
             DIRECTORY_NOT_FOUND);
    assert_int_equal(change(f, (struct directory_change){.noun = DIRECTORY_SUBSCRIPTION,
                                                         .verb = DIRECTORY_ADD,
                                                         .name = SGL_LIT("second")}),
                     DIRECTORY_OK);
    CHECK_EQ("the same name in another subscription",
             group(f, DIRECTORY_ADD, "sales", "", "second"), DIRECTORY_OK);
    CHECK_EQ("members come and go",
             group(f, DIRECTORY_CHANGE, "sales", "+c@app.test -A@app.test", ""), DIRECTORY_OK);
    CHECK_EQ("one that is not there cannot go",
             group(f, DIRECTORY_CHANGE, "sales", "-x@app.test", ""), DIRECTORY_NOT_FOUND);
    CHECK_STR("says which", last_field, "drop[0]");
    g = directory_group(f->directory, SGL_LIT("default"), SGL_LIT("sales"));
    CHECK_EQ("nothing half done", g->members.used, 2);
    first = access_set_next(&g->members, NULL);
    CHECK_TRUE("those that stay first", first != NULL && strcmp(first, "@shared.test") == 0);
    group_unref(g);
    assert_int_equal(policy(f, "app:app", false, "sales"), DIRECTORY_OK);
    CHECK_EQ("a group in use stays", removed(f, DIRECTORY_GROUP, "sales"), DIRECTORY_IN_USE);
    CHECK_TRUE("and it says by what", strncmp(last_why, "policy ", 7) == 0);
}

static void test_group_limit(void **state)
{
    static char text[DIRECTORY_MEMBERS_MAX + 1][40];
    static sgl_view add[DIRECTORY_MEMBERS_MAX + 1];
    struct directory_fixture *f = *state;
    struct group_change g = {.add = add, .adds = DIRECTORY_MEMBERS_MAX + 1};
    struct directory_change c = {
        .noun = DIRECTORY_GROUP, .verb = DIRECTORY_ADD, .name = SGL_LIT("large"), .group = &g};

    for (size_t i = 0; i < g.adds; i++) {
        snprintf(text[i], sizeof(text[i]), "user%zu@app.test", i);
        add[i] = sgl_view_cstr(text[i]);
    }
    CHECK_EQ("one too many", change(f, c), DIRECTORY_INVALID);
    g.adds--;
    CHECK_EQ("as many as there may be", change(f, c), DIRECTORY_OK);
    assert_int_equal(policy(f, "app:app", false, "large"), DIRECTORY_OK);
    CHECK_STR("the last is found", asked(f, "app:app", "user9999@app.test"),
              "yes allow-policy large user9999@app.test");
    fixture_close(f);
    fixture_open(f);
    CHECK_STR("also after a restart", asked(f, "app:app", "user9999@app.test"),
              "yes allow-policy large user9999@app.test");
    CHECK_STR("no other", asked(f, "app:app", "user10000@app.test"), "no not-in-allowed-group");
}

static void test_policies(void **state)
{
    struct directory_fixture *f = *state;
    char id[32];

    assert_int_equal(group(f, DIRECTORY_ADD, "g", "+a@app.test", ""), DIRECTORY_OK);
    CHECK_EQ("a group that is not here", policy(f, "app:app", false, "h"), DIRECTORY_NOT_FOUND);
    CHECK_STR("says which field", last_field, "group");
    CHECK_EQ("an identity that is not here", policy(f, "app:b", false, "g"), DIRECTORY_NOT_FOUND);
    CHECK_STR("says which field", last_field, "identity");
    CHECK_EQ("all of a kind that is none", policy(f, "user:*", false, "g"), DIRECTORY_NOT_FOUND);
    CHECK_EQ("a policy", policy(f, "credential:app", true, "g"), DIRECTORY_OK);
    snprintf(id, sizeof(id), "%s", last_id);
    CHECK_EQ("an identity with policies stays", removed(f, DIRECTORY_CREDENTIAL, "app"),
             DIRECTORY_IN_USE);
    CHECK_TRUE("and it says which", strstr(last_why, id) != NULL);
    CHECK_STR("it decides at once", asked(f, "credential:app", "a@app.test"),
              "no deny-policy g a@app.test");
    CHECK_EQ("it is removed", removed(f, DIRECTORY_POLICY, id), DIRECTORY_OK);
    CHECK_STR("and decides no more", asked(f, "credential:app", "a@app.test"), "yes own-domain");
    CHECK_EQ("once", removed(f, DIRECTORY_POLICY, id), DIRECTORY_NOT_FOUND);
    for (unsigned i = 0; i < DIRECTORY_POLICIES_MAX; i++)
        assert_int_equal(policy(f, "*", true, "g"), DIRECTORY_OK);
    CHECK_EQ("there is an end to them", policy(f, "*", true, "g"), DIRECTORY_INVALID);
}

/* ---- what they decide ---- */

static const char own_a[] = "a@app.test", own_b[] = "b@app.test", of_shared[] = "box@shared.test",
                  foreign[] = "ceo@foreign.test";

/* What is set up before a row is asked, for the identity %: groups "+g" and senders, policies. */
enum state_of {
    NO_POLICY,
    ALLOW_A,       /* group with a@app.test */
    ALLOW_SHARED,  /* group with box@shared.test */
    ALLOW_ALL_APP, /* group with all of app.test */
    ALLOW_EMPTY,
    DENY_A,
    DENY_ALL_APP,
    DENY_A_ALLOW_ALL_APP,
    DENY_ALL_APP_ALLOW_A,
    ALLOW_FOREIGN, /* of no domain that is here */
    SENDER_A,      /* a@app.test is its only sender */
    SENDER_A_ALLOW_SHARED,
    SENDER_A_DENY_A,
    DOMAIN_LISTS_A, /* a@app.test is the domain's only sender */
    STATES
};
static const struct {
    const char *allow, *deny; /* members of a group; NULL: no policy */
    bool sender_a, lists_a;
} states[STATES] = {
    [NO_POLICY] = {NULL, NULL, false, false},
    [ALLOW_A] = {"+a@app.test", NULL, false, false},
    [ALLOW_SHARED] = {"+box@shared.test", NULL, false, false},
    [ALLOW_ALL_APP] = {"+app.test", NULL, false, false},
    [ALLOW_EMPTY] = {"", NULL, false, false},
    [DENY_A] = {NULL, "+a@app.test", false, false},
    [DENY_ALL_APP] = {NULL, "+app.test", false, false},
    [DENY_A_ALLOW_ALL_APP] = {"+app.test", "+a@app.test", false, false},
    [DENY_ALL_APP_ALLOW_A] = {"+a@app.test", "+app.test", false, false},
    [ALLOW_FOREIGN] = {"+foreign.test", NULL, false, false},
    [SENDER_A] = {NULL, NULL, true, false},
    [SENDER_A_ALLOW_SHARED] = {"+box@shared.test", NULL, true, false},
    [SENDER_A_DENY_A] = {NULL, "+a@app.test", true, false},
    [DOMAIN_LISTS_A] = {NULL, NULL, false, true},
};
/* The answers for a@, b@ of the own domain, box@shared.test, and one that is not here; an identity that may use all domains has another word for the third. */
static const struct {
    enum state_of state;
    const char *a, *b, *shared, *shared_of_any;
} wanted[STATES] = {
    {NO_POLICY, "yes own-domain", "yes own-domain", "no not-own-domain", "yes own-domain"},
    {ALLOW_A, "yes allow-policy g1 a@app.test", "no not-in-allowed-group",
     "no not-in-allowed-group", "no not-in-allowed-group"},
    {ALLOW_SHARED, "no not-in-allowed-group", "no not-in-allowed-group",
     "yes allow-policy g1 box@shared.test", "yes allow-policy g1 box@shared.test"},
    {ALLOW_ALL_APP, "yes allow-policy g1 *@app.test", "yes allow-policy g1 *@app.test",
     "no not-in-allowed-group", "no not-in-allowed-group"},
    {ALLOW_EMPTY, "no not-in-allowed-group", "no not-in-allowed-group", "no not-in-allowed-group",
     "no not-in-allowed-group"},
    {DENY_A, "no deny-policy g2 a@app.test", "yes own-domain", "no not-own-domain",
     "yes own-domain"},
    {DENY_ALL_APP, "no deny-policy g2 *@app.test", "no deny-policy g2 *@app.test",
     "no not-own-domain", "yes own-domain"},
    {DENY_A_ALLOW_ALL_APP, "no deny-policy g2 a@app.test", "yes allow-policy g1 *@app.test",
     "no not-in-allowed-group", "no not-in-allowed-group"},
    {DENY_ALL_APP_ALLOW_A, "no deny-policy g2 *@app.test", "no deny-policy g2 *@app.test",
     "no not-in-allowed-group", "no not-in-allowed-group"},
    {ALLOW_FOREIGN, "no not-in-allowed-group", "no not-in-allowed-group", "no not-in-allowed-group",
     "no not-in-allowed-group"},
    {SENDER_A, "yes own-sender a@app.test", "no not-own-sender", "no not-own-domain",
     "no not-own-sender"},
    {SENDER_A_ALLOW_SHARED, "no not-in-allowed-group", "no not-in-allowed-group",
     "yes allow-policy g1 box@shared.test", "yes allow-policy g1 box@shared.test"},
    {SENDER_A_DENY_A, "no deny-policy g2 a@app.test", "no not-own-sender", "no not-own-domain",
     "no not-own-sender"},
    {DOMAIN_LISTS_A, "yes domain-sender a@app.test", "no not-domain-sender", "no not-own-domain",
     "yes own-domain"},
};

static void check_answers(struct directory_fixture *f, size_t n, const char *pattern,
                          const char *identity, bool any)
{
    const char *shared = any ? wanted[n].shared_of_any : wanted[n].shared;
    char name[128];

    snprintf(name, sizeof(name), "state %zu, policy of %s, asked by %s", n, pattern, identity);
    assert_true(wanted[n].a != NULL && wanted[n].b != NULL && shared != NULL);
    CHECK_STR(name, asked(f, identity, own_a), wanted[n].a);
    CHECK_STR(name, asked(f, identity, "A@App.TEST"), wanted[n].a);
    CHECK_STR(name, asked(f, identity, own_b), wanted[n].b);
    CHECK_STR(name, asked(f, identity, of_shared), shared);
    CHECK_STR(name, asked(f, identity, foreign), "no no-such-domain");
}

/* The groups of the state are there: the rest of it, for `pattern`; what has to be taken back is in the ids. */
static void set_state(struct directory_fixture *f, enum state_of s, const char *pattern,
                      const char *identity, char first[32], char second[32])
{
    first[0] = second[0] = '\0';
    if (states[s].allow != NULL) {
        assert_int_equal(policy(f, pattern, false, "g1"), DIRECTORY_OK);
        snprintf(first, 32, "%s", last_id);
    }
    if (states[s].deny != NULL) {
        assert_int_equal(policy(f, pattern, true, "g2"), DIRECTORY_OK);
        snprintf(second, 32, "%s", last_id);
    }
    if (states[s].sender_a)
        assert_int_equal(sender(f, DIRECTORY_ADD, own_a, identity), DIRECTORY_OK);
}

static void unset_state(struct directory_fixture *f, enum state_of s, const char *identity,
                        const char *first, const char *second)
{
    if (first[0] != '\0')
        assert_int_equal(removed(f, DIRECTORY_POLICY, first), DIRECTORY_OK);
    if (second[0] != '\0')
        assert_int_equal(removed(f, DIRECTORY_POLICY, second), DIRECTORY_OK);
    if (states[s].sender_a)
        assert_int_equal(sender(f, DIRECTORY_REMOVE, own_a, identity), DIRECTORY_OK);
}

static void check_state(struct directory_fixture *f, size_t n, const char *pattern,
                        const char *identity, bool any)
{
    char first[32], second[32];

    set_state(f, wanted[n].state, pattern, identity, first, second);
    check_answers(f, n, pattern, identity, any);
    unset_state(f, wanted[n].state, identity, first, second);
}

static void set_groups(struct directory_fixture *f, enum state_of s)
{
    if (states[s].allow != NULL)
        assert_int_equal(group(f, DIRECTORY_ADD, "g1", states[s].allow, ""), DIRECTORY_OK);
    if (states[s].deny != NULL)
        assert_int_equal(group(f, DIRECTORY_ADD, "g2", states[s].deny, ""), DIRECTORY_OK);
    if (states[s].lists_a)
        assert_int_equal(sender(f, DIRECTORY_ADD, own_a, ""), DIRECTORY_OK);
}

static void remove_groups(struct directory_fixture *f, enum state_of s)
{
    if (states[s].allow != NULL)
        assert_int_equal(removed(f, DIRECTORY_GROUP, "g1"), DIRECTORY_OK);
    if (states[s].deny != NULL)
        assert_int_equal(removed(f, DIRECTORY_GROUP, "g2"), DIRECTORY_OK);
    if (states[s].lists_a)
        assert_int_equal(sender(f, DIRECTORY_REMOVE, own_a, ""), DIRECTORY_OK);
}

static void test_every_kind_and_state(void **state)
{
    struct directory_fixture *f = *state;
    const struct {
        const char *identity, *kind;
        bool any; /* domain */
    } who[] = {{"credential:app", "credential:*", false},
               {"credential:other", "credential:*", true},
               {key_name(f, "app.test"), "key:*", false},
               {"app:app", "app:*", false},
               {"local:uid=1000", NULL, true}};

    for (size_t n = 0; n < STATES; n++) {
        bool patterns = wanted[n].state == ALLOW_SHARED || wanted[n].state == DENY_A;

        set_groups(f, wanted[n].state);
        for (size_t i = 0; i < sizeof(who) / sizeof(who[0]); i++) {
            check_state(f, n, who[i].identity, who[i].identity, who[i].any);
            if (patterns)
                check_state(f, n, "*", who[i].identity, who[i].any);
            if (patterns && who[i].kind != NULL)
                check_state(f, n, who[i].kind, who[i].identity, who[i].any);
        }
        remove_groups(f, wanted[n].state);
    }
}

/* An account has its address as its sender from the start; policies count for it as for all. */
static const struct {
    enum state_of state;
    const char *a, *b, *shared;
} wanted_of_account[STATES] = {
    {NO_POLICY, "yes own-sender a@app.test", "no not-own-sender", "no not-own-domain"},
    {ALLOW_A, "yes allow-policy g1 a@app.test", "no not-in-allowed-group",
     "no not-in-allowed-group"},
    {ALLOW_SHARED, "no not-in-allowed-group", "no not-in-allowed-group",
     "yes allow-policy g1 box@shared.test"},
    {ALLOW_ALL_APP, "yes allow-policy g1 *@app.test", "yes allow-policy g1 *@app.test",
     "no not-in-allowed-group"},
    {ALLOW_EMPTY, "no not-in-allowed-group", "no not-in-allowed-group", "no not-in-allowed-group"},
    {DENY_A, "no deny-policy g2 a@app.test", "no not-own-sender", "no not-own-domain"},
    {DENY_ALL_APP, "no deny-policy g2 *@app.test", "no deny-policy g2 *@app.test",
     "no not-own-domain"},
    {DENY_A_ALLOW_ALL_APP, "no deny-policy g2 a@app.test", "yes allow-policy g1 *@app.test",
     "no not-in-allowed-group"},
    {DENY_ALL_APP_ALLOW_A, "no deny-policy g2 *@app.test", "no deny-policy g2 *@app.test",
     "no not-in-allowed-group"},
    {ALLOW_FOREIGN, "no not-in-allowed-group", "no not-in-allowed-group",
     "no not-in-allowed-group"},
    {SENDER_A, "yes own-sender a@app.test", "no not-own-sender", "no not-own-domain"},
    {SENDER_A_ALLOW_SHARED, "no not-in-allowed-group", "no not-in-allowed-group",
     "yes allow-policy g1 box@shared.test"},
    {SENDER_A_DENY_A, "no deny-policy g2 a@app.test", "no not-own-sender", "no not-own-domain"},
    {DOMAIN_LISTS_A, "yes own-sender a@app.test", "no not-own-sender", "no not-own-domain"},
};

static void test_an_account_in_every_state(void **state)
{
    static const char who[] = "account:a@app.test";
    struct directory_fixture *f = *state;
    char first[32], second[32], name[64];

    assert_int_equal(change(f, (struct directory_change){.noun = DIRECTORY_ACCOUNT,
                                                         .verb = DIRECTORY_ADD,
                                                         .name = SGL_LIT("a@app.test"),
                                                         .label = SGL_LIT("LOB App 1")}),
                     DIRECTORY_OK);
    for (size_t n = 0; n < STATES; n++) {
        enum state_of s = wanted_of_account[n].state;

        snprintf(name, sizeof(name), "an account in state %zu", n);
        set_groups(f, s);
        set_state(f, s, who, who, first, second);
        CHECK_STR(name, asked(f, who, own_a), wanted_of_account[n].a);
        CHECK_STR(name, asked(f, who, own_b), wanted_of_account[n].b);
        CHECK_STR(name, asked(f, who, of_shared), wanted_of_account[n].shared);
        CHECK_STR(name, asked(f, who, foreign), "no no-such-domain");
        unset_state(f, s, who, first, second);
        remove_groups(f, s);
    }
}

static void test_a_policy_of_one_is_not_for_another(void **state)
{
    struct directory_fixture *f = *state;

    assert_int_equal(group(f, DIRECTORY_ADD, "g", "+box@shared.test", ""), DIRECTORY_OK);
    assert_int_equal(policy(f, "app:app", false, "g"), DIRECTORY_OK);
    CHECK_STR("the application has it", asked(f, "app:app", of_shared),
              "yes allow-policy g box@shared.test");
    CHECK_STR("the credential of its name does not", asked(f, "credential:app", of_shared),
              "no not-own-domain");
    CHECK_STR("and sends as before", asked(f, "credential:app", own_a), "yes own-domain");
    assert_int_equal(sender(f, DIRECTORY_ADD, own_b, "credential:app"), DIRECTORY_OK);
    CHECK_STR("a sender of one confines nobody else", asked(f, "credential:other", own_a),
              "yes own-domain");
}

/* Another spelling is another address: never what was allowed, and not sent as where single addresses are denied. */
static void test_look_alikes(void **state)
{
    static const struct {
        const char *name, *address;
    } rows[] = {
        {"a Cyrillic letter", "b\xd0\xbess@app.test"},
        {"a full-width letter", "\xef\xbd\x82oss@app.test"},
        {"a letter and a mark", "bo\xcc\x88ss@app.test"},
        {"a zero-width sign", "boss\xe2\x80\x8d@app.test"},
        {"a soft hyphen", "bo\xc2\xadss@app.test"},
        {"an encoded word [RFC 2047 s5]", "=?utf-8?q?boss?=@app.test"},
    };
    struct directory_fixture *f = *state;

    assert_int_equal(group(f, DIRECTORY_ADD, "boss", "+Boss@app.test", ""), DIRECTORY_OK);
    assert_int_equal(policy(f, "app:app", true, "boss"), DIRECTORY_OK);
    assert_int_equal(policy(f, "credential:app", false, "boss"), DIRECTORY_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_TRUE(rows[i].name, strncmp(asked(f, "app:app", rows[i].address), "no ", 3) == 0);
        CHECK_TRUE(rows[i].name,
                   strncmp(asked(f, "credential:app", rows[i].address), "no ", 3) == 0);
    }
    CHECK_STR("another ASCII address is not in doubt", asked(f, "app:app", own_b),
              "yes own-domain");
    CHECK_STR("quotes change nothing", asked(f, "app:app", "\"boss\"@app.test"),
              "no deny-policy boss Boss@app.test");
    assert_int_equal(sender(f, DIRECTORY_ADD, "j\xc3\xb6rg@app.test", "app:app"), DIRECTORY_OK);
    CHECK_STR("one that is listed itself is not in doubt",
              asked(f, "app:app", "j\xc3\xb6rg@app.test"), "yes own-sender j\xc3\xb6rg@app.test");
}

static void test_exact_local_parts(void **state)
{
    struct directory_fixture *f = *state;

    assert_int_equal(sender(f, DIRECTORY_ADD, "News@app.test", "app:app"), DIRECTORY_OK);
    CHECK_STR("at first the case does not count", asked(f, "app:app", "news@app.test"),
              "yes own-sender News@app.test");
    directory_exact_local_parts(f->directory, true);
    CHECK_STR("then it does", asked(f, "app:app", "news@app.test"), "no not-own-sender");
    CHECK_STR("of the local part only", asked(f, "app:app", "News@APP.test"),
              "yes own-sender News@app.test");
    CHECK_EQ("another one may stand beside it",
             sender(f, DIRECTORY_ADD, "news@app.test", "app:app"), DIRECTORY_OK);
    directory_exact_local_parts(f->directory, false);
    CHECK_EQ("one goes", sender(f, DIRECTORY_REMOVE, "news@app.test", "app:app"), DIRECTORY_OK);
    CHECK_TRUE("the other is there still",
               strncmp(asked(f, "app:app", "news@app.test"), "yes ", 4) == 0);
}

/* ---- over a restart, and what should not be ---- */

struct writing {
    struct store_noun_op op; /* first: cast from it */
    struct directory_fixture *f;
};

static void noun_written(struct store_op *op)
{
    sem_post(&((struct writing *)(void *)op)->f->done);
}

static void write_noun(struct directory_fixture *f, const char *kind, const char *key,
                       const char *value)
{
    struct store_noun noun = {.kind = sgl_view_cstr(kind),
                              .key = sgl_view_cstr(key),
                              .subscription = SGL_LIT("default"),
                              .value = sgl_view_cstr(value)};
    struct writing w = {.f = f};

    w.op.op.kind = STORE_NOUN_PUT;
    w.op.op.loop = f->loop;
    w.op.op.done = noun_written;
    w.op.noun = &noun;
    w.op.nouns = 1;
    store_submit(f->store, &w.op.op);
    sem_wait(&f->done);
    assert_int_equal(w.op.op.result, STORE_OK);
}

static void test_restart(void **state)
{
    struct directory_fixture *f = *state;

    assert_int_equal(group(f, DIRECTORY_ADD, "g", "+box@shared.test +*@app.test", ""),
                     DIRECTORY_OK);
    assert_int_equal(group(f, DIRECTORY_ADD, "d", "+a@app.test", ""), DIRECTORY_OK);
    assert_int_equal(policy(f, "app:app", false, "g"), DIRECTORY_OK);
    assert_int_equal(policy(f, "*", true, "d"), DIRECTORY_OK);
    assert_int_equal(sender(f, DIRECTORY_ADD, "B@app.test", "credential:app"), DIRECTORY_OK);
    for (unsigned round = 0; round < 2; round++) {
        CHECK_STR("allowed", asked(f, "app:app", of_shared), "yes allow-policy g box@shared.test");
        CHECK_STR("denied", asked(f, "app:app", own_a), "no deny-policy d a@app.test");
        CHECK_STR("its sender", asked(f, "credential:app", own_b), "yes own-sender B@app.test");
        CHECK_STR("none of its", asked(f, "credential:app", "c@app.test"), "no not-own-sender");
        fixture_close(f);
        fixture_open(f);
    }
}

static void test_a_group_that_is_gone_grants_nothing(void **state)
{
    struct directory_fixture *f = *state;

    write_noun(f, "policy", "p1",
               "{\"created_at\":1,\"identity\":\"app:app\",\"group\":\"gone\",\"deny\":true,"
               "\"description\":\"\"}");
    fixture_close(f);
    fixture_open(f);
    CHECK_STR("nothing is granted", asked(f, "app:app", own_a), "no group-missing gone");
    CHECK_STR("to others it is", asked(f, "credential:app", own_a), "yes own-domain");
    assert_int_equal(group(f, DIRECTORY_ADD, "gone", "+b@app.test", ""), DIRECTORY_OK);
    CHECK_STR("until it is there again", asked(f, "app:app", own_a), "yes own-domain");
}

static void test_what_cannot_be_read_stops_the_start(void **state)
{
    static const struct {
        const char *kind, *key, *value;
    } rows[] = {
        {"policy", "p1", "{\"identity\":\"app:app\",\"group\":\"g\"}"},
        {"policy", "p1", "{\"identity\":\"app:app\",\"deny\":true}"},
        {"policy", "p1", "{\"group\":\"g\",\"deny\":true}"},
        {"group", "default/g", "{\"members\":[\"a@b.test\",\"no address\"]}"},
        {"group", "default/g", "{\"members\":[7]}"},
        {"group", "no-slash", "{\"members\":[]}"},
        {"sender", "a@app.test", "{\"address\":\"a@app.test\"}"},
        {"sender", "a@app.test", "{\"address\":\"no address\",\"identity\":\"\"}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct directory_fixture *f = fixture_new();
        struct directory *d;
        char why[256] = "";

        write_noun(f, rows[i].kind, rows[i].key, rows[i].value);
        d = directory_open(f->store, (struct keys *)&fake_keys, f->workers, f->loop, why,
                           sizeof(why));
        CHECK_TRUE(rows[i].value, d == NULL);
        CHECK_TRUE(rows[i].value, strstr(why, rows[i].key) != NULL);
        fixture_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_senders, setup, teardown),
        cmocka_unit_test_setup_teardown(test_groups, setup, teardown),
        cmocka_unit_test_setup_teardown(test_group_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_policies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_kind_and_state, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_account_in_every_state, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_policy_of_one_is_not_for_another, setup, teardown),
        cmocka_unit_test_setup_teardown(test_look_alikes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exact_local_parts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_group_that_is_gone_grants_nothing, setup, teardown),
        cmocka_unit_test(test_what_cannot_be_read_stops_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
