/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/arc.h"

#include "arc_fixture.h"
#include "check.h"
#include "dns_fixture.h"
#include "fail_alloc.h"
#include "sigillo/limits.h"

/* A judgement in the making, and what it needs. */
struct trial {
    struct sgl_arena arena;
    struct sgl_headers headers;
    struct sgl_dkim_hashes hashes;
    struct sgl_arc_verifier v;
    struct sgl_dkim_verify_options options;
    int passes;
};

static void trial_done(struct trial *t)
{
    sgl_dkim_hashes_done(&t->hashes);
    sgl_arena_done(&t->arena);
}

/* Up to the end of the body. taken: places of the hashes that others have. */
static enum sgl_status trial_begin(struct trial *t, const struct sgl_crypto *crypto,
                                   sgl_view message, size_t taken)
{
    size_t index;

    sgl_arena_init(&t->arena, 8u << 20);
    SGL_TRY(sgl_headers_parse(message, SGL_HEADERS_TOLERANT, &t->arena, &t->headers, NULL));
    sgl_dkim_hashes_init(&t->hashes, crypto);
    for (size_t i = 0; i < taken; i++)
        SGL_TRY(sgl_dkim_hashes_want(&t->hashes, SGL_DKIM_SIMPLE, i, &index));
    SGL_TRY(sgl_arc_verifier_init(&t->v, crypto, &t->options, &t->headers, &t->hashes, &t->arena));
    sgl_dkim_hashes_feed(&t->hashes, sgl_view_from(message, t->headers.body_off));
    return sgl_dkim_hashes_finish(&t->hashes);
}

static enum sgl_status trial_end(struct trial *t, struct dns_fixture *dns, enum dns_driver driver,
                                 struct sgl_arc *out)
{
    size_t used = t->arena.used;
    enum sgl_status st;

    for (t->passes = 1; (st = sgl_arc_verify(&t->v, &dns->dns, out)) == SGL_NEED_DNS; t->passes++) {
        CHECK_TRUE("passes are bounded", t->passes <= 2 * SGL_LIMIT_ARC_SETS);
        CHECK_EQ("scratch memory goes back", t->arena.used, used);
        CHECK_EQ("nothing leaks out of a pending pass", out->result, 99);
        dns_fixture_step(dns, driver);
    }
    return st;
}

/* ---- the steps of validation --------------------------------------------------------------------------------------- */

enum part { AAR, AMS, AS };
enum act { KEEP, DROP, DROP_SET, TWICE, EDIT, SWAP_SEALS, BODY, ON_TOP };

struct row {
    const char *name;
    unsigned sets;
    const char *aar, *ams, *as; /* of the newest set; NULL: ordinary */
    enum act act;
    enum part part; /* which field of `of` is treated */
    unsigned of;
    const char *from, *to;
    enum sgl_arc_result result;
    const char *reason;
    unsigned at, oldest_pass;
};

#define NO_INSTANCE "an ARC field without a proper instance"
#define TWO         "two ARC fields of one name and instance"
#define INCOMPLETE  "a set is not complete"
#define GAP         "an instance is missing"
#define STATES      "a seal states what cannot stand in its place"
#define CLOSED      "the newest seal says that the chain is broken"
#define UNUSABLE    "a seal that cannot be used"
#define BAD_AMS     "the newest message signature does not hold"
#define BAD_AS      "a seal does not hold"
#define AMS_TAIL    "d=s$I.test; s=k; h=from:subject; bh=$BH; b=$B"
#define AS_TAIL     "d=s$I.test; s=k; b=$B"
#define ORDINARY    NULL, NULL, NULL
#define PASSES      SGL_ARC_PASS, "", 0, 0
#define AS_IT_IS    KEEP, AAR, 0, NULL, NULL

static const struct row rows[] = {
    {"no ARC field: none [RFC 8617 s5.2]", 0, ORDINARY, AS_IT_IS, SGL_ARC_NONE, "", 0, 0},
    {"one set", 1, ORDINARY, AS_IT_IS, PASSES},
    {"two sets", 2, ORDINARY, AS_IT_IS, PASSES},
    {"50 sets are the most [RFC 8617 s4.2.1]", 50, ORDINARY, AS_IT_IS, PASSES},
    {"a field of a 51st breaks the chain", 50, ORDINARY, ON_TOP, AAR, 0,
     "ARC-Authentication-Results: i=51; x; none\r\n", NULL, SGL_ARC_FAIL,
     "more ARC fields than a message may have", 0, 0},
    {"instance 51 is none", 1, ORDINARY, ON_TOP, AAR, 0,
     "ARC-Authentication-Results: i=51; x; none\r\n", NULL, SGL_ARC_FAIL, NO_INSTANCE, 0, 0},

    /* Step 2. */
    {"the newest seal says fail: fail, whatever else holds [RFC 8617 s5.2]", 2, NULL, NULL,
     "i=$I; a=ed25519-sha256; cv=fail; " AS_TAIL, AS_IT_IS, SGL_ARC_FAIL, CLOSED, 2, 0},
    {"also where it is the only one", 1, NULL, NULL, "i=$I; a=ed25519-sha256; cv=fail; " AS_TAIL,
     AS_IT_IS, SGL_ARC_FAIL, CLOSED, 1, 0},
    {"and before the structure is looked at", 3, NULL, NULL,
     "i=$I; a=ed25519-sha256; cv=fail; " AS_TAIL, DROP, AAR, 1, NULL, NULL, SGL_ARC_FAIL, CLOSED, 3,
     0},

    /* Step 3 A and B. */
    {"a set without its AAR", 2, ORDINARY, DROP, AAR, 1, NULL, NULL, SGL_ARC_FAIL, INCOMPLETE, 1,
     0},
    {"a set without its AMS", 2, ORDINARY, DROP, AMS, 2, NULL, NULL, SGL_ARC_FAIL, INCOMPLETE, 2,
     0},
    {"a set without its AS", 2, ORDINARY, DROP, AS, 1, NULL, NULL, SGL_ARC_FAIL, INCOMPLETE, 1, 0},
    {"two AAR of one instance", 2, ORDINARY, TWICE, AAR, 1, NULL, NULL, SGL_ARC_FAIL, TWO, 1, 0},
    {"two AMS of one instance", 2, ORDINARY, TWICE, AMS, 2, NULL, NULL, SGL_ARC_FAIL, TWO, 2, 0},
    {"two AS of one instance", 2, ORDINARY, TWICE, AS, 2, NULL, NULL, SGL_ARC_FAIL, TWO, 2, 0},
    {"an AAR that bears another's instance", 2, ORDINARY, EDIT, AAR, 2, "i=2", "i=1", SGL_ARC_FAIL,
     TWO, 1, 0},
    {"a gap", 3, ORDINARY, EDIT, AAR, 3, "i=3", "i=4", SGL_ARC_FAIL, INCOMPLETE, 3, 0},
    {"a set that is gone altogether", 3, ORDINARY, DROP_SET, AAR, 2, NULL, NULL, SGL_ARC_FAIL, GAP,
     2, 0},
    {"seals that changed places do not hold", 2, ORDINARY, SWAP_SEALS, AS, 0, NULL, NULL,
     SGL_ARC_FAIL, STATES, 1, 0},

    /* Step 3 C. */
    {"cv=pass at the first [RFC 8617 s5.2]", 1, NULL, NULL,
     "i=$I; a=ed25519-sha256; cv=pass; " AS_TAIL, AS_IT_IS, SGL_ARC_FAIL, STATES, 1, 0},
    {"cv=none at the second", 2, NULL, NULL, "i=$I; a=ed25519-sha256; cv=none; " AS_TAIL, AS_IT_IS,
     SGL_ARC_FAIL, STATES, 2, 0},
    {"an older seal that says fail", 3, ORDINARY, EDIT, AS, 2, "cv=pass", "cv=fail", SGL_ARC_FAIL,
     STATES, 2, 0},
    {"no cv=", 1, NULL, NULL, "i=$I; a=ed25519-sha256; " AS_TAIL, AS_IT_IS, SGL_ARC_FAIL, STATES, 1,
     0},
    {"cv= empty", 1, NULL, NULL, "i=$I; a=ed25519-sha256; cv=; " AS_TAIL, AS_IT_IS, SGL_ARC_FAIL,
     STATES, 1, 0},
    {"a state is a word of ABNF: case does not matter", 1, NULL, NULL,
     "i=$I; a=ed25519-sha256; cv=None; " AS_TAIL, AS_IT_IS, PASSES},

    /* Instances. */
    {"i=0", 1, ORDINARY, EDIT, AMS, 1, "i=1", "i=0", SGL_ARC_FAIL, NO_INSTANCE, 0, 0},
    {"i=01", 1, ORDINARY, EDIT, AS, 1, "i=1", "i=01", SGL_ARC_FAIL, NO_INSTANCE, 0, 0},
    {"i=+1", 1, ORDINARY, EDIT, AS, 1, "i=1", "i=+1", SGL_ARC_FAIL, NO_INSTANCE, 0, 0},
    {"i=1.0", 1, ORDINARY, EDIT, AMS, 1, "i=1", "i=1.0", SGL_ARC_FAIL, NO_INSTANCE, 0, 0},
    {"i=2^32+1", 1, ORDINARY, EDIT, AMS, 1, "i=1", "i=4294967297", SGL_ARC_FAIL, NO_INSTANCE, 0, 0},
    {"i=2^64+1", 1, ORDINARY, EDIT, AS, 1, "i=1", "i=18446744073709551617", SGL_ARC_FAIL,
     NO_INSTANCE, 0, 0},
    {"i= twice in one field", 1, ORDINARY, EDIT, AMS, 1, "i=1;", "i=1; i=1;", SGL_ARC_FAIL,
     NO_INSTANCE, 0, 0},
    {"i= empty", 1, ORDINARY, EDIT, AS, 1, "i=1", "i=", SGL_ARC_FAIL, NO_INSTANCE, 0, 0},
    {"no i= in the AMS", 1, ORDINARY, EDIT, AMS, 1, "i=1; ", "", SGL_ARC_FAIL, NO_INSTANCE, 0, 0},
    {"no i= in the AAR", 1, ORDINARY, EDIT, AAR, 1, "i=1; ", "", SGL_ARC_FAIL, NO_INSTANCE, 0, 0},
    {"an AAR whose i= is not first", 1, "s$I.test; i=$I; none", NULL, NULL, AS_IT_IS, SGL_ARC_FAIL,
     NO_INSTANCE, 0, 0},
    {"an AAR without \";\" behind i=", 1, "i=$I s$I.test; none", NULL, NULL, AS_IT_IS, SGL_ARC_FAIL,
     NO_INSTANCE, 0, 0},
    {"an AAR with i=01", 1, "i=01; s$I.test; none", NULL, NULL, AS_IT_IS, SGL_ARC_FAIL, NO_INSTANCE,
     0, 0},
    {"an AAR with i=1i", 1, "i=1i; s$I.test; none", NULL, NULL, AS_IT_IS, SGL_ARC_FAIL, NO_INSTANCE,
     0, 0},
    {"an AAR with I=", 1, "I=$I; s$I.test; none", NULL, NULL, AS_IT_IS, SGL_ARC_FAIL, NO_INSTANCE,
     0, 0},
    {"comments and folds around the AAR's instance", 1,
     "(a(b)\\)) i (;i=2;) =\r\n (\"x) $I (c)\t; s$I.test; none", NULL, NULL, AS_IT_IS, PASSES},
    {"a comment that never ends", 1, "(a i=$I; s$I.test; none", NULL, NULL, AS_IT_IS, SGL_ARC_FAIL,
     NO_INSTANCE, 0, 0},
    {"a stray field of an unreadable instance is not passed over [RFC 8617 s5.2]", 1, ORDINARY,
     ON_TOP, AS, 0, "ARC-Seal: i=x; cv=none\r\n", NULL, SGL_ARC_FAIL, NO_INSTANCE, 0, 0},
    {"a field that is no tag list", 1, ORDINARY, ON_TOP, AS, 0, "ARC-Seal: hello\r\n", NULL,
     SGL_ARC_FAIL, NO_INSTANCE, 0, 0},
    {"an empty field", 1, ORDINARY, ON_TOP, AS, 0, "ARC-Message-Signature:\r\n", NULL, SGL_ARC_FAIL,
     NO_INSTANCE, 0, 0},
    {"field names in any case", 2, ORDINARY, EDIT, AS, 1, "ARC-Seal", "arc-sEAL", PASSES},
    {"another name that begins so", 1, ORDINARY, ON_TOP, AS, 0, "ARC-Seals: i=1\r\n", NULL, PASSES},
    {"the AAR's payload may be anything", 1, "i=$I; \"", NULL, NULL, AS_IT_IS, PASSES},

    /* Tags, wherever they stand and whether they are there. */
    {"tags in another order, i= last", 1, NULL,
     "c=relaxed/relaxed; b=$B; s=k; d=s$I.test; a=ed25519-sha256; bh=$BH; h=from; i=$I",
     "b=$B; s=k; cv=none; d=s$I.test; a=ed25519-sha256; i=$I;", AS_IT_IS, PASSES},
    {"v= in an AMS is ignored [RFC 8617 s4.1.2]", 1, NULL,
     "i=$I; v=9; a=ed25519-sha256; c=relaxed/relaxed; " AMS_TAIL, NULL, AS_IT_IS, PASSES},
    {"unknown tags are ignored", 1, NULL,
     "i=$I; zz=1; a=ed25519-sha256; c=relaxed/relaxed; " AMS_TAIL,
     "i=$I; zz=1; bh=x; c=simple/simple; a=ed25519-sha256; cv=none; " AS_TAIL, AS_IT_IS, PASSES},
    {"h= in a seal [RFC 8617 s4.1.3]", 1, NULL, NULL,
     "i=$I; a=ed25519-sha256; cv=none; h=from; " AS_TAIL, AS_IT_IS, SGL_ARC_FAIL, UNUSABLE, 1, 0},
    {"h= in an older seal", 2, ORDINARY, EDIT, AS, 1, "cv=none;", "cv=none; h=from;", SGL_ARC_FAIL,
     UNUSABLE, 1, 0},
    {"a seal of i= and cv= alone", 1, NULL, NULL, "i=$I; cv=none", AS_IT_IS, SGL_ARC_FAIL, UNUSABLE,
     1, 0},
    {"a seal without a=", 1, NULL, NULL, "i=$I; cv=none; " AS_TAIL, AS_IT_IS, SGL_ARC_FAIL,
     UNUSABLE, 1, 0},
    {"a seal without d=", 1, NULL, NULL, "i=$I; a=ed25519-sha256; cv=none; s=k; b=$B", AS_IT_IS,
     SGL_ARC_FAIL, UNUSABLE, 1, 0},
    {"a seal without s=", 1, NULL, NULL, "i=$I; a=ed25519-sha256; cv=none; d=s1.test; b=$B",
     AS_IT_IS, SGL_ARC_FAIL, UNUSABLE, 1, 0},
    {"a seal without b=", 1, NULL, NULL, "i=$I; a=ed25519-sha256; cv=none; d=s1.test; s=k",
     AS_IT_IS, SGL_ARC_FAIL, UNUSABLE, 1, 0},
    {"an AMS of i= alone", 1, NULL, "i=$I", NULL, AS_IT_IS, SGL_ARC_FAIL, BAD_AMS, 1, 0},
    {"an AMS without From among its fields [RFC 6376 s5.4]", 1, NULL,
     "i=$I; a=ed25519-sha256; c=relaxed/relaxed; d=s1.test; s=k; h=subject; bh=$BH; b=$B", NULL,
     AS_IT_IS, SGL_ARC_FAIL, BAD_AMS, 1, 0},
    {"an AMS that covers ARC-Seal [RFC 8617 s4.1.2]", 1, NULL,
     "i=$I; a=ed25519-sha256; c=relaxed/relaxed; d=s1.test; s=k; h=from:arc-seal; bh=$BH; b=$B",
     NULL, AS_IT_IS, SGL_ARC_FAIL, BAD_AMS, 1, 0},
    {"an AMS that covers older AAR and AMS is let through", 2, NULL,
     "i=$I; a=ed25519-sha256; c=relaxed/relaxed; d=s2.test; s=k; "
     "h=from:arc-message-signature:arc-authentication-results; bh=$BH; b=$B",
     NULL, AS_IT_IS, PASSES},
    {"rsa-sha1 in an AMS [RFC 8301 s3.1]", 1, NULL,
     "i=$I; a=rsa-sha1; c=relaxed/relaxed; " AMS_TAIL, NULL, AS_IT_IS, SGL_ARC_FAIL, BAD_AMS, 1, 0},
    {"rsa-sha1 in a seal", 1, NULL, NULL, "i=$I; a=rsa-sha1; cv=none; " AS_TAIL, AS_IT_IS,
     SGL_ARC_FAIL, BAD_AS, 1, 0},
    {"U-labels in d= [RFC 8617 s4.1.4]", 1, NULL,
     "i=$I; a=ed25519-sha256; c=relaxed/relaxed; d=b\xc3\xbc"
     "cher.test; s=k; h=from; bh=$BH; b=$B",
     "i=$I; a=ed25519-sha256; cv=none; d=b\xc3\xbc"
     "cher.test; s=k; b=$B",
     AS_IT_IS, PASSES},
    {"there is no expiry: an old x= does nothing", 1, NULL,
     "i=$I; t=1; x=2; a=ed25519-sha256; c=relaxed/relaxed; " AMS_TAIL, NULL, AS_IT_IS, PASSES},
    {"l= that leaves a tail unsigned is refused", 1, NULL,
     "i=$I; l=0; a=ed25519-sha256; c=relaxed/relaxed; d=s1.test; s=k; h=from; "
     "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=$B",
     NULL, AS_IT_IS, SGL_ARC_FAIL, BAD_AMS, 1, 0},

    /* Steps 4 to 6. */
    {"a changed body", 2, ORDINARY, BODY, AMS, 0, NULL, NULL, SGL_ARC_FAIL, BAD_AMS, 2, 0},
    {"a newest AMS that does not hold", 2, NULL,
     "i=$I; a=ed25519-sha256; c=relaxed/relaxed; d=s2.test; s=k; h=from:subject; bh=$BH; b=AAAA",
     NULL, AS_IT_IS, SGL_ARC_FAIL, BAD_AMS, 2, 0},
    {"a newest seal that does not hold", 2, NULL, NULL,
     "i=$I; a=ed25519-sha256; cv=pass; d=s2.test; s=k; b=AAAA", AS_IT_IS, SGL_ARC_FAIL, BAD_AS, 2,
     0},
    {"an AAR that was changed later: its seal does not hold", 3, ORDINARY, EDIT, AAR, 2, "pass",
     "fail", SGL_ARC_FAIL, BAD_AS, 3, 0},
    {"the newest AAR changed", 3, ORDINARY, EDIT, AAR, 3, "pass", "fail", SGL_ARC_FAIL, BAD_AS, 3,
     0},
    {"an older AMS changed", 3, ORDINARY, EDIT, AMS, 1, "h=from", "h=to:from", SGL_ARC_FAIL, BAD_AS,
     3, 0},
    {"blanks and folds between tags change nothing", 2, ORDINARY, EDIT, AS, 1,
     "; cv=", ";\r\n\t  cv=", PASSES},
};

static sgl_view *field_of(struct arc_fixture *fx, enum part part, unsigned instance)
{
    return part == AAR   ? &fx->aar[instance - 1]
           : part == AMS ? &fx->ams[instance - 1]
                         : &fx->as[instance - 1];
}

static void build(const struct row *row, struct arc_fixture *fx, struct sgl_buf *out)
{
    sgl_view *field = NULL, seal;

    arc_fixture_add_many(fx, row->sets > 0 ? row->sets - 1 : 0);
    if (row->sets > 0)
        arc_fixture_add(fx, row->aar, row->ams, row->as);
    if (row->of > 0)
        field = field_of(fx, row->part, row->of);
    switch (row->act) {
    case KEEP:
        break;
    case DROP:
        *field = SGL_LIT("");
        break;
    case DROP_SET:
        fx->aar[row->of - 1] = fx->ams[row->of - 1] = fx->as[row->of - 1] = SGL_LIT("");
        break;
    case TWICE:
        sgl_buf_add(out, *field);
        break;
    case EDIT:
        arc_edit(fx, field, row->from, row->to);
        break;
    case SWAP_SEALS:
        seal = fx->as[0];
        fx->as[0] = fx->as[1];
        fx->as[1] = seal;
        arc_edit(fx, &fx->as[0], "i=2", "i=1");
        arc_edit(fx, &fx->as[1], "i=1", "i=2");
        break;
    case BODY:
        sgl_buf_add_cstr(&fx->body, "More.\r\n");
        break;
    case ON_TOP:
        sgl_buf_add_cstr(out, row->from);
        break;
    }
    arc_put_message(fx, out);
}

static const char *whole_zone(struct arc_fixture *fx)
{
    sgl_auto(sgl_buf) zone = SGL_BUF_INIT(1u << 16);
    const char *text;

    sgl_buf_add_cstr(&zone, arc_zone(fx));
    sgl_buf_add_cstr(&zone, "k._domainkey.xn--bcher-kva.test TXT " ARC_RECORD "\n");
    text = sgl_arena_cstr(&fx->arena, sgl_buf_view(&zone));
    CHECK_TRUE("memory", text != NULL);
    return text;
}

static void table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
        sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);

        build(row, &fx, &message);
        for (int driver = 0; driver < DNS_DRIVERS; driver++) {
            sgl_auto(dns_fixture) dns = dns_fixture_init("a.test", whole_zone(&fx));
            sgl_auto(trial) t = {.passes = 0};
            struct sgl_arc arc = {.result = (enum sgl_arc_result)99};

            CHECK_EQ(row->name, trial_begin(&t, fx.crypto, sgl_buf_view(&message), 0), SGL_OK);
            CHECK_EQ(row->name, trial_end(&t, &dns, (enum dns_driver)driver, &arc), SGL_OK);
            CHECK_STR(row->name, arc.reason, row->reason);
            CHECK_EQ(row->name, arc.result, row->result);
            CHECK_EQ(row->name, arc.at, row->at);
            CHECK_EQ(row->name, arc.oldest_pass, row->oldest_pass);
            CHECK_TRUE(row->name, driver != DNS_ALL_AT_ONCE || t.passes <= 3);
            CHECK_TRUE(row->name,
                       arc.result != SGL_ARC_PASS || (arc.sound && arc.sets == row->sets));
        }
    }
}

/* ---- step 5 -------------------------------------------------------------------------------------------------------- */

static void judge_plain(struct arc_fixture *fx, const char *zone, size_t taken, struct sgl_arc *out,
                        struct trial *t, struct dns_fixture *dns)
{
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    sgl_view copy;

    arc_put_message(fx, &message);
    arc_must(sgl_arena_dup(&fx->arena, sgl_buf_view(&message), &copy));
    *dns = dns_fixture_init("a.test", zone);
    *out = (struct sgl_arc){.result = (enum sgl_arc_result)99};
    CHECK_EQ("begin", trial_begin(t, fx->crypto, copy, taken), SGL_OK);
    CHECK_EQ("end", trial_end(t, dns, DNS_ALL_AT_ONCE, out), SGL_OK);
}

/* Each hop changes the subject before it seals: of the message signatures only those since the last change hold.  [RFC 8617 s5.2] */
static void oldest_pass(void **state)
{
    static const struct {
        const char *name;
        unsigned change; /* before this instance was added */
        unsigned want;
    } cases[] = {
        {"nothing was changed: 0", 0, 0},
        {"a change before the second: 2", 2, 2},
        {"a change before the newest: 3", 3, 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
        sgl_auto(trial) t = {.passes = 0};
        sgl_auto(dns_fixture) dns = {.zone = NULL};
        struct sgl_arc arc;

        for (unsigned hop = 1; hop <= 3; hop++) {
            if (hop == cases[i].change)
                sgl_buf_add_cstr(&fx.body, "-- the list\r\n");
            arc_fixture_add(&fx, NULL, NULL, NULL);
        }
        judge_plain(&fx, arc_zone(&fx), 0, &arc, &t, &dns);
        CHECK_EQ(cases[i].name, arc.result, SGL_ARC_PASS);
        CHECK_EQ(cases[i].name, arc.oldest_pass, cases[i].want);
        for (size_t k = 0; k < arc.sets; k++) {
            bool holds = k + 1 >= cases[i].want, tried = k + 2 >= cases[i].want;

            CHECK_EQ(cases[i].name, arc.set[k].seal_result, SGL_DKIM_PASS);
            CHECK_EQ(cases[i].name, arc.set[k].seal_bits, 256);
            CHECK_EQ(cases[i].name, arc.set[k].message_result,
                     holds   ? SGL_DKIM_PASS
                     : tried ? SGL_DKIM_FAIL
                             : SGL_DKIM_NONE);
        }
    }
}

/* An older message signature may be of any kind of wrong: the chain stands.  [RFC 8617 s5.2 step 5 A] */
static void older_signature_unusable(void **state)
{
    static const char *const ams[] = {
        "i=$I",
        "i=$I; a=rsa-sha1; c=relaxed/relaxed; " AMS_TAIL,
        "i=$I; a=ed25519-sha256; c=relaxed/relaxed; d=s$I.test; s=k; h=subject; bh=$BH; b=$B",
        "i=$I; a=ed25519-sha256; c=what; " AMS_TAIL,
        "i=$I; a=ed25519-sha256; c=relaxed/relaxed; d=s$I.test; s=nobody; h=from; bh=$BH; b=$B",
    };

    (void)state;
    for (size_t i = 0; i < sizeof ams / sizeof ams[0]; i++) {
        sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
        sgl_auto(trial) t = {.passes = 0};
        sgl_auto(dns_fixture) dns = {.zone = NULL};
        struct sgl_arc arc;

        arc_fixture_add(&fx, NULL, ams[i], NULL);
        arc_fixture_add(&fx, NULL, NULL, NULL);
        judge_plain(&fx, arc_zone(&fx), 0, &arc, &t, &dns);
        CHECK_EQ(ams[i], arc.result, SGL_ARC_PASS);
        CHECK_EQ(ams[i], arc.oldest_pass, 2);
    }
}

/* Where others took the places of body hashes: the newest sets go first, what finds none is not tried. */
static void places_of_hashes(void **state)
{
    static const struct {
        const char *name;
        size_t taken;
        enum sgl_arc_result result;
        unsigned oldest_pass;
    } cases[] = {
        {"one place serves all that want the same", SGL_DKIM_HASHES_MAX - 1, SGL_ARC_PASS, 2},
        {"two places: all", SGL_DKIM_HASHES_MAX - 2, SGL_ARC_PASS, 0},
        {"none for the newest", SGL_DKIM_HASHES_MAX, SGL_ARC_FAIL, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
        sgl_auto(trial) t = {.passes = 0};
        sgl_auto(dns_fixture) dns = {.zone = NULL};
        struct sgl_arc arc;

        arc_fixture_add(&fx, NULL, "i=$I; a=ed25519-sha256; c=relaxed/simple; " AMS_TAIL, NULL);
        arc_fixture_add_many(&fx, 2);
        judge_plain(&fx, arc_zone(&fx), cases[i].taken, &arc, &t, &dns);
        CHECK_EQ(cases[i].name, arc.result, cases[i].result);
        CHECK_EQ(cases[i].name, arc.oldest_pass, cases[i].oldest_pass);
    }
}

/* ---- DNS ----------------------------------------------------------------------------------------------------------- */

/* Every failure is for good.  [RFC 8617 s5.2.1] */
static void keys(void **state)
{
    static const struct {
        const char *name, *zone; /* of s1, the only sealer with an odd key */
        enum sgl_arc_result result;
        unsigned at;
    } cases[] = {
        {"a key that is there", "k._domainkey.s1.test TXT " ARC_RECORD "\n", SGL_ARC_PASS, 0},
        {"SERVFAIL", "k._domainkey.s1.test SERVFAIL\n", SGL_ARC_FAIL, 1},
        {"a timeout", "k._domainkey.s1.test TIMEOUT\n", SGL_ARC_FAIL, 1},
        {"a forged answer", "k._domainkey.s1.test BOGUS\n", SGL_ARC_FAIL, 1},
        {"no such name", "", SGL_ARC_FAIL, 1},
        {"a revoked key", "k._domainkey.s1.test TXT v=DKIM1; p=\n", SGL_ARC_FAIL, 1},
        {"a key for another service",
         "k._domainkey.s1.test TXT v=DKIM1; s=other; k=ed25519; p=" RFC8463_ED25519_PUBLIC "\n",
         SGL_ARC_FAIL, 1},
        {"a key of another type", "k._domainkey.s1.test TXT v=DKIM1; p=" RFC8463_RSA_PUBLIC "\n",
         SGL_ARC_FAIL, 1},
        {"a key for SHA-1 only",
         "k._domainkey.s1.test TXT v=DKIM1; h=sha1; k=ed25519; p=" RFC8463_ED25519_PUBLIC "\n",
         SGL_ARC_FAIL, 1},
        {"a key in test",
         "k._domainkey.s1.test TXT v=DKIM1; t=y; k=ed25519; p=" RFC8463_ED25519_PUBLIC "\n",
         SGL_ARC_PASS, 0},
        {"a strict key: there is no identity to compare",
         "k._domainkey.s1.test TXT v=DKIM1; t=s; k=ed25519; p=" RFC8463_ED25519_PUBLIC "\n",
         SGL_ARC_PASS, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (unsigned sets = 1; sets <= 2; sets++) {
            sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
            sgl_auto(trial) t = {.passes = 0};
            sgl_auto(dns_fixture) dns = {.zone = NULL};
            sgl_auto(sgl_buf) zone = SGL_BUF_INIT(4096);
            struct sgl_arc arc;

            sgl_buf_addf(&zone, "%sk._domainkey.s2.test TXT " ARC_RECORD "\n", cases[i].zone);
            arc_fixture_add_many(&fx, sets);
            judge_plain(&fx, sgl_cstr(&zone), 0, &arc, &t, &dns);
            CHECK_EQ(cases[i].name, arc.result, cases[i].result);
            CHECK_EQ(cases[i].name, arc.at, cases[i].at);
            CHECK_EQ(cases[i].name, arc.detail[0] != 0, arc.result == SGL_ARC_FAIL);
        }
    }
}

/* Whom a chain makes us ask.  [RFC 8617 s9.2] */
static void questions(void **state)
{
    static const struct {
        const char *name, *ams, *as;
        bool change;
        size_t asked;
        int passes;
    } cases[] = {
        {"a chain that holds: each key once", NULL, NULL, false, 5, 3},
        {"a changed body: nobody is asked for that", NULL, NULL, true, 0, 1},
        {"a newest message signature that does not hold: no other sealer",
         "i=$I; a=ed25519-sha256; c=relaxed/relaxed; d=s5.test; s=k; h=from; bh=$BH; b=AAAA", NULL,
         false, 1, 2},
        {"a newest seal that does not hold: no other sealer", NULL,
         "i=$I; a=ed25519-sha256; cv=pass; d=s5.test; s=k; b=AAAA", false, 1, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
        sgl_auto(trial) t = {.passes = 0};
        sgl_auto(dns_fixture) dns = {.zone = NULL};
        struct sgl_arc arc;

        arc_fixture_add_many(&fx, 4);
        arc_fixture_add(&fx, NULL, cases[i].ams, cases[i].as);
        if (cases[i].change)
            sgl_buf_add_cstr(&fx.body, "x");
        judge_plain(&fx, arc_zone(&fx), 0, &arc, &t, &dns);
        CHECK_EQ(cases[i].name, dns.asked, cases[i].asked);
        CHECK_EQ(cases[i].name, t.passes, cases[i].passes);
    }
}

/* A message with more lookups than the snapshot allows: a verdict, not an error. */
static void too_many_lookups(void **state)
{
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(trial) t = {.passes = 0};
    sgl_auto(dns_fixture) dns = dns_fixture_init("a.test", arc_zone(&fx));
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    struct sgl_arc arc = {.result = (enum sgl_arc_result)99};

    (void)state;
    arc_fixture_add_many(&fx, 9);
    arc_put_message(&fx, &message);
    sgl_dns_done(&dns.dns);
    sgl_dns_init(&dns.dns, 3);
    CHECK_EQ("begin", trial_begin(&t, fx.crypto, sgl_buf_view(&message), 0), SGL_OK);
    CHECK_EQ("end", trial_end(&t, &dns, DNS_OLDEST_FIRST, &arc), SGL_OK);
    CHECK_EQ("fail", arc.result, SGL_ARC_FAIL);
    CHECK_STR("why", arc.detail, "the message needs more lookups than we do");
}

/* ---- the rest ------------------------------------------------------------------------------------------------------ */

/* Size alone ends a chain before anything is parsed or asked. */
static void too_large(void **state)
{
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    sgl_auto(dns_fixture) dns = dns_fixture_init("a.test", "");
    sgl_auto(trial) t = {.passes = 0};
    struct sgl_crypto *crypto = sgl_crypto_new();
    struct sgl_arc arc = {.result = (enum sgl_arc_result)99};

    (void)state;
    for (unsigned i = 1; i <= 20; i++) {
        sgl_buf_addf(&message, "ARC-Authentication-Results: i=%u; x; none", i);
        for (size_t k = 0; k < SGL_LIMIT_ARC_BYTES / 16; k++)
            sgl_buf_add_byte(&message, ' ');
        sgl_buf_add_cstr(&message, "\r\n");
    }
    sgl_buf_add_cstr(&message, "From: a@a.test\r\n\r\n");
    CHECK_EQ("begin", trial_begin(&t, crypto, sgl_buf_view(&message), 0), SGL_OK);
    CHECK_EQ("end", trial_end(&t, &dns, DNS_ALL_AT_ONCE, &arc), SGL_OK);
    CHECK_EQ("fail", arc.result, SGL_ARC_FAIL);
    CHECK_STR("why", arc.reason, "more ARC fields than a message may have");
    CHECK_EQ("nobody is asked", dns.asked, 0);
    sgl_crypto_free(crypto);
}

/* The most that a chain can make us hold: it fits the arena of an ordinary verdict. */
static void hostile_memory(void **state)
{
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(sgl_buf) tags = SGL_BUF_INIT(1u << 16);
    sgl_auto(sgl_buf) ams = SGL_BUF_INIT(1u << 16);
    sgl_auto(sgl_buf) as = SGL_BUF_INIT(1u << 16);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    sgl_auto(trial) t = {.passes = 0};

    (void)state;
    for (int i = 0; i < SGL_LIMIT_TAGS - 12; i++)
        sgl_buf_addf(&tags, "; x%d=", i);
    sgl_buf_add_cstr(&ams, "i=$I; a=ed25519-sha256; d=s$I.test; s=k; bh=$BH; b=$B; h=from");
    for (int i = 1; i < SGL_LIMIT_DKIM_SIGNED; i++)
        sgl_buf_add_cstr(&ams, ":a");
    sgl_buf_add(&ams, sgl_buf_view(&tags));
    sgl_buf_add_cstr(&as, ARC_AS);
    sgl_buf_add(&as, sgl_buf_view(&tags));
    for (unsigned i = 0; i < SGL_LIMIT_ARC_SETS; i++)
        arc_fixture_add(&fx, NULL, sgl_cstr(&ams), sgl_cstr(&as));
    arc_put_message(&fx, &message);
    CHECK_TRUE("within the limit", message.len < SGL_LIMIT_ARC_BYTES);
    CHECK_EQ("begin", trial_begin(&t, fx.crypto, sgl_buf_view(&message), 0), SGL_OK);
    CHECK_TRUE("the structure is read", t.v.arc.sound && t.v.arc.sets == SGL_LIMIT_ARC_SETS);
    CHECK_TRUE("memory", t.arena.used < 384 * 1024);
}

/* One who changed the message himself asks for the seals only. */
static void seals_only(void **state)
{
    static const struct {
        const char *name;
        bool break_seal;
        enum sgl_arc_result want;
    } cases[] = {{"the seals hold", false, SGL_ARC_PASS}, {"one does not", true, SGL_ARC_FAIL}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
        sgl_auto(dns_fixture) dns = dns_fixture_init("a.test", arc_zone(&fx));
        sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
        sgl_auto(trial) t = {.passes = 0};
        struct sgl_arc arc = {.result = (enum sgl_arc_result)99};

        arc_fixture_add_many(&fx, 3);
        sgl_buf_add_cstr(&fx.body, "-- \r\nour footer\r\n");
        if (cases[i].break_seal)
            arc_edit(&fx, &fx.aar[0], "pass", "fail");
        arc_put_message(&fx, &message);
        CHECK_EQ("begin", trial_begin(&t, fx.crypto, sgl_buf_view(&message), 0), SGL_OK);
        t.v.seals_only = true;
        CHECK_EQ("end", trial_end(&t, &dns, DNS_NEWEST_FIRST, &arc), SGL_OK);
        CHECK_EQ(cases[i].name, arc.result, cases[i].want);
        CHECK_EQ(cases[i].name, arc.oldest_pass, 0);
        CHECK_EQ(cases[i].name, arc.set[2].message_result, SGL_DKIM_NONE);
    }
}

static void trust(void **state)
{
    static const sgl_view all[] = {SGL_LIT_INIT("s1.test"), SGL_LIT_INIT("S2.TEST"),
                                   SGL_LIT_INIT("s3.test"), SGL_LIT_INIT("test")};
    static const struct {
        const char *name;
        size_t from, count; /* of the list */
        unsigned witness;   /* 0: nobody */
    } cases[] = {
        {"nobody is trusted", 0, 0, 0},
        {"all are: the oldest speaks", 0, 3, 1},
        {"the newest two, case aside", 1, 2, 2},
        {"the newest only", 2, 1, 3},
        {"older ones do not help when the newest is a stranger", 0, 2, 0},
        {"a parent domain is another", 3, 1, 0},
    };
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(trial) t = {.passes = 0};
    sgl_auto(dns_fixture) dns = {.zone = NULL};
    struct sgl_arc arc;

    (void)state;
    arc_fixture_add_many(&fx, 3);
    judge_plain(&fx, arc_zone(&fx), 0, &arc, &t, &dns);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct sgl_arc_trust who = {all + cases[i].from, cases[i].count};
        const struct sgl_arc_set *witness = NULL;

        CHECK_EQ(cases[i].name, sgl_arc_trusted(&arc, &who, &witness), cases[i].witness != 0);
        CHECK_EQ(cases[i].name, witness == NULL ? 0 : witness->instance, cases[i].witness);
    }
    arc.result = SGL_ARC_FAIL;
    CHECK_TRUE("a chain that fails is no evidence [RFC 8617 s5.2]",
               !sgl_arc_trusted(&arc, &(struct sgl_arc_trust){all, 3}, NULL));
}

static void what_the_results_say(void **state)
{
    static const struct {
        const char *aar, *authserv, *payload;
    } cases[] = {
        {"i=$I; mx.test; spf=pass", "mx.test", "mx.test; spf=pass"},
        {"i=$I; (c) \"m\\x\r\n .test\" 1; none", "mx .test", "(c) \"m\\x\r\n .test\" 1; none"},
        {"i=$I;", "", ""},
        {"i=$I; =x; none", "", "=x; none"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
        sgl_auto(trial) t = {.passes = 0};
        sgl_auto(dns_fixture) dns = {.zone = NULL};
        struct sgl_arc arc;

        arc_fixture_add(&fx, cases[i].aar, NULL, NULL);
        judge_plain(&fx, arc_zone(&fx), 0, &arc, &t, &dns);
        CHECK_EQ(cases[i].aar, arc.result, SGL_ARC_PASS);
        CHECK_VIEW(cases[i].aar, arc.set[0].authserv, sgl_view_cstr(cases[i].authserv));
        CHECK_VIEW(cases[i].aar, arc.set[0].payload, sgl_view_cstr(cases[i].payload));
    }
}

static void misuse(void **state)
{
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    sgl_auto(dns_fixture) dns = dns_fixture_init("a.test", "");
    sgl_auto(trial) t = {.passes = 0};
    struct sgl_arc arc = {.result = (enum sgl_arc_result)99};

    (void)state;
    arc_fixture_add(&fx, NULL, NULL, NULL);
    arc_put_message(&fx, &message);
    CHECK_EQ("begin", trial_begin(&t, fx.crypto, sgl_buf_view(&message), 0), SGL_OK);
    t.hashes.finished = false;
    CHECK_EQ("the body is not over", sgl_arc_verify(&t.v, &dns.dns, &arc), SGL_E_MISUSE);
    CHECK_EQ("untouched", arc.result, 99);
    CHECK_STR("name", sgl_arc_result_name(SGL_ARC_NONE), "none");
    CHECK_STR("name", sgl_arc_result_name(SGL_ARC_PASS), "pass");
    CHECK_STR("name", sgl_arc_result_name(SGL_ARC_FAIL), "fail");
}

static void memory_that_ends(void **state)
{
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    const char *zone;

    (void)state;
    arc_fixture_add_many(&fx, 2);
    arc_put_message(&fx, &message);
    zone = arc_zone(&fx);
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(trial) t = {.passes = 0};
        struct sgl_arc arc = {.result = (enum sgl_arc_result)99};
        enum sgl_status st;

        fail_alloc_off();
        sgl_auto(dns_fixture) dns = dns_fixture_init("a.test", zone);
        fail_alloc_on();
        st = trial_begin(&t, fx.crypto, sgl_buf_view(&message), 0);
        while (st == SGL_OK && (st = sgl_arc_verify(&t.v, &dns.dns, &arc)) == SGL_NEED_DNS) {
            fail_alloc_off();
            dns_fixture_answer(&dns);
            fail_alloc_on();
            st = SGL_OK;
        }
        CHECK_EQ("success or no memory", st, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
        CHECK_EQ("untouched unless OK", arc.result, st == SGL_OK ? (int)SGL_ARC_PASS : 99);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(oldest_pass),
        cmocka_unit_test(older_signature_unusable),
        cmocka_unit_test(places_of_hashes),
        cmocka_unit_test(keys),
        cmocka_unit_test(questions),
        cmocka_unit_test(too_many_lookups),
        cmocka_unit_test(too_large),
        cmocka_unit_test(hostile_memory),
        cmocka_unit_test(seals_only),
        cmocka_unit_test(trust),
        cmocka_unit_test(what_the_results_say),
        cmocka_unit_test(misuse),
        cmocka_unit_test(memory_that_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
