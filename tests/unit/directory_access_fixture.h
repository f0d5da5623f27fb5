/* SPDX-License-Identifier: Apache-2.0 */
/* A directory with two domains, two credentials and an application; senders, groups and policies in one call each; and what they decide, as text. */
#ifndef TESTS_UNIT_DIRECTORY_ACCESS_FIXTURE_H
#define TESTS_UNIT_DIRECTORY_ACCESS_FIXTURE_H

#include "directory_fixture.h"
#include "sigillo/mailbox.h"

static enum directory_result last_result;
static char last_field[32], last_why[240], last_id[32];

static inline enum directory_result change(struct directory_fixture *f, struct directory_change c)
{
    last_result = fixture_change(f, &c);
    snprintf(last_field, sizeof(last_field), "%s", c.field);
    snprintf(last_why, sizeof(last_why), "%s", c.why);
    snprintf(last_id, sizeof(last_id), "%s", c.id);
    return last_result;
}

static inline enum directory_result sender(struct directory_fixture *f, enum directory_verb verb,
                                           const char *address, const char *identity)
{
    struct sender_change s = {sgl_view_cstr(identity)};

    return change(f, (struct directory_change){.noun = DIRECTORY_SENDER,
                                               .verb = verb,
                                               .name = sgl_view_cstr(address),
                                               .sender = &s});
}

/* members: separated by blanks; the first sign of each says + (added) or - (dropped). */
static inline enum directory_result group(struct directory_fixture *f, enum directory_verb verb,
                                          const char *name, const char *members,
                                          const char *subscription)
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

static inline enum directory_result policy(struct directory_fixture *f, const char *identity,
                                           bool deny, const char *of_group)
{
    struct policy_change p = {.identity = sgl_view_cstr(identity),
                              .group = sgl_view_cstr(of_group),
                              .description = SGL_LIT("a test"),
                              .deny = deny};

    return change(f, (struct directory_change){
                         .noun = DIRECTORY_POLICY, .verb = DIRECTORY_ADD, .policy = &p});
}

static inline enum directory_result removed(struct directory_fixture *f, enum directory_noun noun,
                                            const char *name)
{
    return change(f, (struct directory_change){
                         .noun = noun, .verb = DIRECTORY_REMOVE, .name = sgl_view_cstr(name)});
}

/* The rule that decided, and by what: "deny-policy group member". */
static inline const char *asked(struct directory_fixture *f, const char *identity,
                                const char *address)
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

static inline const char *key_name(struct directory_fixture *f, const char *domain)
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

static inline int access_setup(void **state)
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

static inline int access_teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

/* ---- written past the directory ---- */

struct writing {
    struct store_noun_op op; /* first: cast from it */
    struct directory_fixture *f;
};

static inline void noun_written(struct store_op *op)
{
    sem_post(&((struct writing *)(void *)op)->f->done);
}

static inline void write_noun(struct directory_fixture *f, const char *kind, const char *key,
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

#endif
