/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/arc.h"

#include "arc_fixture.h"
#include "arc_trial.h"
#include "check.h"
#include "dns_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
