/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever asks, by whatever policy, in whichever field: the same decision; and names and comments that show somebody else. */
#include "admission_fixture.h"

static void change(struct fixture *x, struct directory_change c, char id[32])
{
    if (fixture_change(x->f, &c) != DIRECTORY_OK)
        fail_msg("%s: %s", c.field, c.why);
    if (id != NULL)
        snprintf(id, 32, "%s", c.id);
}

static void add_policy(struct fixture *x, const char *identity, bool deny, char id[32])
{
    struct policy_change p = {
        .identity = sgl_view_cstr(identity), .group = SGL_LIT("g"), .deny = deny};

    change(x, (struct directory_change){.noun = DIRECTORY_POLICY, .policy = &p}, id);
}

static void add_group(struct fixture *x, const char *member)
{
    sgl_view add[] = {sgl_view_cstr(member)};
    struct group_change g = {.add = add, .adds = 1};

    change(x, (struct directory_change){.noun = DIRECTORY_GROUP, .name = SGL_LIT("g"), .group = &g},
           NULL);
}

static void sender(struct fixture *x, enum directory_verb verb, const char *address,
                   const char *identity)
{
    struct sender_change s = {sgl_view_cstr(identity)};

    change(
        x,
        (struct directory_change){
            .noun = DIRECTORY_SENDER, .verb = verb, .name = sgl_view_cstr(address), .sender = &s},
        NULL);
}

static void removed(struct fixture *x, enum directory_noun noun, const char *name)
{
    change(x,
           (struct directory_change){
               .noun = noun, .verb = DIRECTORY_REMOVE, .name = sgl_view_cstr(name)},
           NULL);
}

/* ---- every kind, state and field ---- */

#define A "a@app.test"
#define B "b@app.test"
#define S "box@other.test" /* of a domain that is not the identity's own, but its subscription's */

enum { FREE, CONFINED_TO_A, NOT_A, ONLY_SHARED, SENDER_A, STATES };
static const char *const state_name[STATES] = {"no policy", "allowed a", "denied a",
                                               "allowed the shared mailbox", "sender a"};
/* Who may: for each of the addresses, in the state. An identity of all domains may send as S, too, when nothing confines it. */
static const struct {
    const char *address;
    bool may[STATES], may_of_all[STATES];
} addresses[] = {
    {A, {true, true, false, false, true}, {true, true, false, false, true}},
    {B, {true, false, true, false, false}, {true, false, true, false, false}},
    {S, {false, false, false, true, false}, {true, false, true, true, false}},
    {"x@stranger.test", {false}, {false}},
};
#define ADDRESSES (sizeof(addresses) / sizeof(addresses[0]))

static const char *const fields[] = {"MAIL FROM", "From", "Sender", "Resent-From", "Resent-Sender"};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

/* The state, for the identity; what is taken back is in id. */
static void set_state(struct fixture *x, unsigned state, const char *identity, char id[32])
{
    if (state == CONFINED_TO_A || state == NOT_A)
        add_group(x, A);
    if (state == ONLY_SHARED)
        add_group(x, S);
    if (state == SENDER_A)
        sender(x, DIRECTORY_ADD, A, identity);
    else if (state != FREE)
        add_policy(x, identity, state == NOT_A, id);
}

static void take_back(struct fixture *x, unsigned state, const char *identity, const char *id)
{
    if (state == SENDER_A) {
        sender(x, DIRECTORY_REMOVE, A, identity);
    } else if (state != FREE) {
        removed(x, DIRECTORY_POLICY, id);
        removed(x, DIRECTORY_GROUP, "g");
    }
}

/* The address in one place, `good` in the others. */
static void check_field(struct fixture *x, struct identity *who, const char *name, size_t field,
                        const char *address, const char *good, bool may)
{
    const char *from = field == 1 ? address : good;
    char raw[512];
    struct sending *g;

    snprintf(raw, sizeof(raw), "From: %s\r\nTo: you@good.test\r\n\r\nx\r\n", from);
    if (field >= 2) /* a field more */
        snprintf(raw, sizeof(raw), "From: %s\r\n%s: %s\r\nTo: you@good.test\r\n\r\nx\r\n", from,
                 fields[field], address);
    g = go(send_as(x, who, field == 0 ? address : good, "you@good.test", sgl_view_cstr(raw)));
    CHECK_EQ(name, g->answer.smtp, may ? 250 : 550);
    CHECK_STR(name, g->answer.field, may ? "" : fields[field]);
    CHECK_STR(name, g->answer.code, may ? "accepted" : "sender-not-allowed");
    CHECK_EQ(name, g->answer.http, may ? 202 : 403);
    sending_free(g);
}

static void check_state(struct fixture *x, struct identity *who, bool all, unsigned state)
{
    const char *good = state == NOT_A ? B : state == ONLY_SHARED ? S : A;
    struct admission_answer early;
    char name[200];

    for (size_t i = 0; i < ADDRESSES; i++) {
        const char *address = addresses[i].address;
        bool may = all ? addresses[i].may_of_all[state] : addresses[i].may[state];

        snprintf(name, sizeof(name), "%s, %s, %s", who->name, state_name[state], address);
        CHECK_EQ(name, admission_may_send_as(x->admission, who, sgl_view_cstr(address), &early),
                 may);
        for (size_t f = 0; f < FIELDS; f++) {
            snprintf(name, sizeof(name), "%s, %s, %s in %s", who->name, state_name[state], address,
                     fields[f]);
            check_field(x, who, name, f, address, good, may);
        }
    }
}

static void test_every_kind_state_and_field(void **state)
{
    struct fixture *x = *state;
    char key[48] = "key:", id[32];
    const char *names[] = {"credential:app", "credential:all", key, "app:app", "local:uid=1000"};

    assert_int_equal(fixture_credential(x->f, "all", "correct horse", "*"), DIRECTORY_OK);
    change(x,
           (struct directory_change){
               .noun = DIRECTORY_KEY, .domain = {SGL_LIT("app.test")}, .domains = 1},
           id);
    snprintf(key, sizeof(key), "key:%s", id);
    change(x,
           (struct directory_change){.noun = DIRECTORY_APP,
                                     .name = SGL_LIT("app"),
                                     .domain = {SGL_LIT("app.test")},
                                     .domains = 1},
           NULL);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct identity *who = directory_identity(x->f->directory, sgl_view_cstr(names[i]));
        bool all = i == 1 || i == 4;

        assert_non_null(who);
        for (unsigned s = 0; s < STATES; s++) {
            set_state(x, s, names[i], id);
            check_state(x, who, all, s);
            take_back(x, s, names[i], id);
        }
        identity_unref(who);
    }
}

/* ---- what stands beside an address ---- */

static const struct {
    const char *name, *header;
    const char *field; /* NULL: it is taken */
} spoofs[] = {
    {"its own address as a name", "From: \"me@app.test\" <me@app.test>", NULL},
    {"in other letters", "From: \"ME@App.test\" <me@app.test>", NULL},
    {"a name with a sign that is no address", "From: \"Team @ Work\" <me@app.test>", NULL},
    {"a handle", "From: \"Anna (@anna)\" <me@app.test>", NULL},
    {"a comment", "From: me@app.test (Anna Example)", NULL},
    {"a name in UTF-8, encoded", "From: =?utf-8?q?J=C3=B6rg?= <me@app.test>", NULL},
    {"its own address in a comment", "From: me@app.test (me@app.test)", NULL},
    {"a group of its own", "From: Us: me@app.test;", NULL},
    {"an older way of the message",
     "Resent-From: me@app.test\r\nResent-From: x@stranger.test\r\n"
     "From: me@app.test",
     NULL},

    {"another address as a name", "From: \"ceo@stranger.test\" <me@app.test>", "From"},
    {"with words around it", "From: \"The CEO <ceo@stranger.test>\" <me@app.test>", "From"},
    {"one of the same domain that is denied", "From: \"boss@app.test\" <me@app.test>", "From"},
    {"as an encoded word [RFC 2047 s5 (3)]",
     "From: =?utf-8?q?ceo=40stranger=2Etest?= <me@app.test>", "From"},
    {"in base64", "From: =?utf-8?b?Y2VvQHN0cmFuZ2VyLnRlc3Q=?= <me@app.test>", "From"},
    {"in two words that are one",
     "From: =?utf-8?q?ceo=40stra?= =?utf-8?q?nger=2Etest?= <me@app.test>", "From"},
    {"with backslashes", "From: \"ceo\\@stranger\\.test\" <me@app.test>", "From"},
    {"with a full-width sign", "From: =?utf-8?q?ceo=EF=BC=A0stranger.test?= <me@app.test>", "From"},
    {"in a comment", "From: (ceo@stranger.test) me@app.test", "From"},
    {"in a comment with backslashes", "From: me@app.test (ceo\\@stranger\\.test)", "From"},
    {"as an encoded word in quotes", "From: \"=?utf-8?q?ceo=40stranger=2Etest?=\" <me@app.test>",
     "From"},
    {"in another charset [RFC 2047 s2]",
     "From: =?koi8-r?b?Y2VvQHN0cmFuZ2VyLnRlc3Q=?= <me@app.test>", "From"},
    {"in another charset with a language [RFC 2231 s5]",
     "From: =?ISO-2022-JP*ja?q?ceo=40stranger.test?= <me@app.test>", "From"},
    {"half in one and half in another charset",
     "From: =?utf-8?q?ceo=40?= =?koi8-r?q?stranger.test?= <me@app.test>", "From"},
    {"half in one and half in another charset, the other way",
     "From: =?koi8-r?q?ceo=40?= =?utf-8?q?stranger.test?= <me@app.test>", "From"},
    {"in a charset that writes @ in its own way",
     "From: =?utf-7?q?ceo+AEA-stranger.test?= <me@app.test>", "From"},
    {"in a charset that nobody knows", "From: =?x-mine?b?AGMAZQBvAEAAcwAuAHQ?= <me@app.test>",
     "From"},
    {"in another charset, in a comment", "From: me@app.test (=?koi8-r?q?ceo=40stranger.test?=)",
     "From"},
    {"in another charset, as a group's name",
     "From: =?koi8-r?q?ceo=40stranger.test?=: me@app.test;", "From"},
    {"in a word with a blank in it", "From: \"=?utf-8?q?ceo=40stranger.test x?=\" <me@app.test>",
     "From"},
    {"a name in another charset", "From: =?koi8-r?b?4c7OwQ==?= <me@app.test>", NULL},
    {"a name in two other charsets",
     "From: =?windows-1251?q?=C0=ED=ED=E0?= =?ISO-8859-2?q?_Nov=E1k?= <me@app.test>", NULL},
    {"its own address in another charset", "From: =?koi8-r?q?me=40app.test?= <me@app.test>", NULL},
    {"what only begins as an encoded word", "From: \"=?what?\" <me@app.test>", NULL},
    {"what is no encoded word", "From: \"=? x ?= =?a?b=?\" <me@app.test>", NULL},
    {"in a comment within a comment", "From: me@app.test (a (ceo@stranger.test) b)", "From"},
    {"in a comment, encoded", "From: me@app.test (=?utf-8?q?ceo=40stranger.test?=)", "From"},
    {"in a comment inside of the address", "From: me(ceo@stranger.test)@app.test", "From"},
    {"behind a quoted bracket", "From: \"a(\" <me@app.test> (ceo@stranger.test)", "From"},
    {"as a group's name", "From: \"ceo@stranger.test\": me@app.test;", "From"},
    {"in Sender", "From: me@app.test\r\nSender: \"ceo@stranger.test\" <me@app.test>", "Sender"},
    {"something like an address that is none", "From: \"ceo@@stranger.test\" <me@app.test>",
     "From"},

    {"an encoded word as a local part [RFC 2047 s5]", "From: =?utf-8?q?boss?=@app.test", "From"},
    {"in quotes", "From: \"=?utf-8?q?boss?=\"@app.test", "From"},
    {"an encoded word around the address", "From: =?utf-8?q?me=40app.test?=", "From"},
    {"an encoded word in angle brackets", "From: <=?utf-8?q?me=40app.test?=>", "From"},
    {"upper case of one that is denied", "From: BOSS@APP.TEST", "From"},
    {"a dot at the end", "From: me@app.test.", "From"},
    {"one that is denied, in quotes", "From: \"boss\"@app.test", "From"},
    {"one that is denied, with a comment inside", "From: bo(x)ss@app.test", "From"},
    {"one that is denied, with backslashes", "From: \"b\\oss\"@app.test", "From"},
    {"one that is denied, folded", "From:\r\n boss\r\n @app.test", "From"},
    {"a Cyrillic letter", "From: b\xd0\xbess@app.test", "From"},
    {"a full-width letter", "From: \xef\xbd\x82oss@app.test", "From"},
    {"a letter and a mark", "From: bo\xcc\x88ss@app.test", "From"},
    {"a second one that is denied", "From: me@app.test, boss@app.test", "From"},
    {"in a group", "From: Us: me@app.test, boss@app.test;", "From"},
    {"in Sender", "From: me@app.test\r\nSender: boss@app.test", "Sender"},
    {"who sends it again [RFC 5322 s3.6.6]", "Resent-From: boss@app.test\r\nFrom: me@app.test",
     "Resent-From"},
    {"who sends it again for another", "Resent-Sender: boss@app.test\r\nFrom: me@app.test",
     "Resent-Sender"},
    {"a blank before the colon", "From : boss@app.test\r\nFrom: me@app.test", "header line 1"},
    {"two From fields", "From: me@app.test\r\nFrom: boss@app.test", "From"},
    {"two Sender fields", "From: me@app.test\r\nSender: me@app.test\r\nSender: boss@app.test",
     "Sender"},
};

static void test_spoofs(void **state)
{
    struct fixture *x = *state;

    add_group(x, "Boss@app.test");
    add_policy(x, "credential:app", true, NULL);
    for (size_t i = 0; i < sizeof(spoofs) / sizeof(spoofs[0]); i++) {
        char raw[512];
        struct sending *g;

        snprintf(raw, sizeof(raw), "%s\r\nTo: you@good.test\r\n\r\nx\r\n", spoofs[i].header);
        g = send_as(x, x->who, "me@app.test", "you@good.test", sgl_view_cstr(raw));
        g->s.message.smtputf8 = true;
        go(g);
        CHECK_EQ(spoofs[i].name, g->answer.smtp == 250, spoofs[i].field == NULL);
        CHECK_TRUE(spoofs[i].name, g->answer.smtp == 250 || g->answer.smtp >= 550);
        CHECK_STR(spoofs[i].name, g->answer.field, spoofs[i].field == NULL ? "" : spoofs[i].field);
        sending_free(g);
    }
}

static void test_a_refusal_names_the_policy(void **state)
{
    struct fixture *x = *state;
    struct admission_answer out;
    char id[32], want[200];

    add_group(x, "boss@app.test");
    add_policy(x, "credential:app", true, id);
    assert_false(admission_may_send_as(x->admission, x->who, SGL_LIT("Boss@app.test"), &out));
    snprintf(want, sizeof(want),
             "This identity may not send as Boss@app.test: a policy denies it; policy %s.", id);
    CHECK_STR("the reason and the policy", out.text, want);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_every_kind_state_and_field),
        T(test_spoofs),
        T(test_a_refusal_names_the_policy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
