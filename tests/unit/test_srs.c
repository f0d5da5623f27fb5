/* SPDX-License-Identifier: Apache-2.0 */
/* Rewritten senders: there and back, forged ones, old ones, what cannot be rewritten; and beside another implementation. */
#include "sigillo/srs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define SECRET SGL_LIT("sixteen bytes or more")
#define NOW    INT64_C(1790000000)
#define DAY    INT64_C(86400)

static struct sgl_crypto *crypto;

/* The mailbox of a text; its arena lives until the next one but seven. */
static const struct sgl_mailbox *mailbox(const char *text)
{
    static struct sgl_mailbox m[8];
    static char kept[8][400];
    static struct sgl_arena arena[8];
    static unsigned turn;
    unsigned at = turn++ % 8;

    sgl_arena_done(&arena[at]);
    sgl_arena_init(&arena[at], 16384);
    snprintf(kept[at], sizeof kept[at], "%s", text);
    if (sgl_mailbox_parse(sgl_view_cstr(kept[at]), &arena[at], &m[at], NULL) != SGL_OK)
        fail_msg("%s is no mailbox", text);
    return &m[at];
}

static const char *made(const char *sender, const char *domain, sgl_time now)
{
    static char text[8][400];
    static unsigned turn;
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1000);
    enum sgl_status status =
        sgl_srs_put(crypto, SECRET, mailbox(sender), sgl_view_cstr(domain), now, &out);
    char *to = text[turn++ % 8];

    if (status == SGL_OK)
        snprintf(to, sizeof text[0], "%.*s", SGL_FMT(sgl_buf_view(&out)));
    else
        snprintf(to, sizeof text[0], "%s", sgl_status_name(status));
    return to;
}

/* Where it goes, or "none", "forged", "expired". */
static const char *opened(const char *address, sgl_time now, unsigned days)
{
    static const char *const words[] = {"none", "valid", "forged", "expired"};
    static char text[400];
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1000);
    enum sgl_srs verdict;

    CHECK_EQ(address, sgl_srs_open(crypto, SECRET, mailbox(address), now, days, &out, &verdict),
             SGL_OK);
    if (verdict != SGL_SRS_VALID) {
        CHECK_EQ("nothing is said", out.len, 0);
        return words[verdict];
    }
    snprintf(text, sizeof text, "%.*s", SGL_FMT(sgl_buf_view(&out)));
    return text;
}

static void there_and_back(void **state)
{
    const char *first, *second, *third;

    (void)state;
    first = made("anna@example.net", "one.test", NOW);
    CHECK_EQ("its form", strncmp(first, "SRS0=", 5) == 0 && first[13] == '=' && first[16] == '=',
             true);
    CHECK_STR("its end", first + 16, "=example.net=anna@one.test");
    CHECK_STR("back", opened(first, NOW, 21), "anna@example.net");
    second = made(first, "two.test", NOW);
    CHECK_EQ("the second", strncmp(second, "SRS1=", 5) == 0, true);
    CHECK_EQ("has where it was", strncmp(second + 13, "=one.test==", 11), 0);
    CHECK_STR("back to the first", opened(second, NOW, 21), first);
    third = made(second, "three.test", NOW);
    CHECK_EQ("the third skips the second", strstr(third, "two.test") == NULL, true);
    CHECK_STR("back to the first, too", opened(third, NOW, 21), first);
    CHECK_STR("of none", opened("anna@example.net", NOW, 21), "none");
    CHECK_STR("of one that begins like it", opened("SRS0@example.net", NOW, 21), "none");
}

static void letters_change_their_case(void **state)
{
    char lower[400];

    (void)state;
    snprintf(lower, sizeof lower, "%s", made("Anna@Example.NET", "one.test", NOW));
    for (char *c = lower; *c != '\0'; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    CHECK_STR("on the way", opened(lower, NOW, 21), "anna@example.net");
}

static void forged(void **state)
{
    char text[400];
    const char *good;

    (void)state;
    good = made("anna@example.net", "one.test", NOW);
    for (size_t i = 5; i < strlen(good); i++) {
        snprintf(text, sizeof text, "%s", good);
        if (text[i] == '@' || text[i] == '.')
            continue;
        text[i] = text[i] == 'x' || text[i] == 'X' ? 'y' : 'x';
        if (strcmp(opened(text, NOW, 21), "forged") != 0)
            fail_msg("%s is taken for a good one", text);
    }
    snprintf(text, sizeof text, "%.*s@two.test", (int)strcspn(good, "@"), good);
    CHECK_STR("at another domain of ours", opened(text, NOW, 21), "forged");
    CHECK_STR("without a tag", opened("SRS0=x=example.net=anna@one.test", NOW, 21), "forged");
    CHECK_STR("without anything", opened("SRS0==@one.test", NOW, 21), "forged");
    CHECK_STR("of the other form", opened("SRS1=x@one.test", NOW, 21), "forged");
}

static void old_ones(void **state)
{
    const char *made_then;

    (void)state;
    made_then = made("anna@example.net", "one.test", NOW);
    CHECK_STR("on the last day", opened(made_then, NOW + 21 * DAY, 21), "anna@example.net");
    CHECK_STR("on the next", opened(made_then, NOW + 22 * DAY, 21), "expired");
    CHECK_STR("much later", opened(made_then, NOW + 900 * DAY, 21), "expired");
    CHECK_STR("by a clock that is ahead", opened(made_then, NOW - DAY, 21), "anna@example.net");
    CHECK_STR("by one that is far ahead", opened(made_then, NOW - 2 * DAY, 21), "expired");
}

static void what_cannot_be_rewritten(void **state)
{
    (void)state;
    CHECK_STR("quotes", made("\"a b\"@example.net", "one.test", NOW),
              sgl_status_name(SGL_E_SYNTAX));
    CHECK_STR("a literal", made("a@[192.0.2.1]", "one.test", NOW), sgl_status_name(SGL_E_SYNTAX));
    CHECK_EQ("64 bytes fit", /* SRS0=TAG=TT=a.test= are 24 */
             strchr(made("0123456789012345678901234567890123456789@a.test", "one.test", NOW),
                    '@') != NULL,
             true);
    CHECK_STR("one more does not",
              made("01234567890123456789012345678901234567890@a.test", "one.test", NOW),
              sgl_status_name(SGL_E_LIMIT));
}

/* ---- beside Mail::SRS, where it is installed ---- */

static bool perl(const char *expression, const char *address, char *out, size_t size)
{
    char command[1200];
    FILE *pipe;
    bool fine;

    snprintf(command, sizeof command,
             "perl -e 'use Mail::SRS; my $s = Mail::SRS->new(Secret => \"abc\", MaxAge => 10000); "
             "print %s' -- '%s' "
             "2>/dev/null",
             expression, address);
    pipe = popen(command, "r");
    if (pipe == NULL)
        return false;
    fine = fgets(out, (int)size, pipe) != NULL;
    return pclose(pipe) == 0 && fine;
}

static void beside_another_implementation(void **state)
{
    char theirs[400], further[400], back[400];

    (void)state;
    if (!perl("$s->forward($ARGV[0], \"them.test\")", "anna@example.net", theirs, sizeof theirs)) {
        print_message("Mail::SRS is not installed\n");
        skip();
    }
    CHECK_STR("ours leads back to theirs", opened(made(theirs, "one.test", NOW), NOW, 21), theirs);
    assert_true(perl("$s->reverse($ARGV[0])", opened(made(theirs, "one.test", NOW), NOW, 21), back,
                     sizeof back));
    CHECK_STR("and theirs to the sender", back, "anna@example.net");
    assert_true(perl("$s->forward($ARGV[0], \"them.test\")",
                     made("anna@example.net", "one.test", NOW), further, sizeof further));
    CHECK_EQ("theirs is built upon ours", strncmp(further, "SRS1=", 5), 0);
    assert_true(perl("$s->reverse($ARGV[0])", further, back, sizeof back));
    CHECK_STR("and leads back to the sender", opened(back, NOW, 21), "anna@example.net");
}

static int setup(void **state)
{
    (void)state;
    crypto = sgl_crypto_new();
    return crypto == NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(letters_change_their_case),
        cmocka_unit_test(forged),
        cmocka_unit_test(old_ones),
        cmocka_unit_test(what_cannot_be_rewritten),
        cmocka_unit_test(beside_another_implementation),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
