/* SPDX-License-Identifier: Apache-2.0 */
/* What was written above a quoted original; where that is not sure, all of it. */
#include "../../server/webhook/reply.h"

#include "check.h"

static const struct row {
    const char *name, *text, *reply;
} rows[] = {
    {"nothing", "", ""},
    {"no original", "Hello\n\nBye\n\n", "Hello\n\nBye"},
    {"quoted lines to the end", "Yes.\n\n> May I?\n> Ben\n", "Yes."},
    {"with who wrote", "Yes.\n\nOn 23 Nov 2026, Ben wrote:\n> May I?\n", "Yes."},
    {"in another language", "Ja.\n\nAm 23.11.2026 um 10:00 schrieb Ben:\n> Darf ich?\n", "Ja."},
    {"in two lines", "Yes.\n\nOn Mon, 23 Nov 2026 at 10:00, Ben <ben@example.org>\nwrote:\n> x\n",
     "Yes."},
    {"a blank line between", "Yes.\n\nOn 23 Nov 2026, Ben wrote:\n\n> x\n>> y\n\n\n", "Yes."},
    {"a colon that names nobody", "These are good:\n> x\n", "These are good:"},
    {"an answer between the lines", "> May I?\nYes.\n> And I?\nNo.\n",
     "> May I?\nYes.\n> And I?\nNo."},
    {"an answer below", "On 1 May Ben wrote:\n> May I?\n\nYes.\n",
     "On 1 May Ben wrote:\n> May I?\n\nYes."},
    {"both", "First.\n> May I?\nYes.\n> Ben\n", "First.\n> May I?\nYes."},
    {"all is quoted", "> May I?\n", ""},
    {"announced", "Yes.\n\n-----Original Message-----\nFrom: Ben\nMay I?\n", "Yes."},
    {"announced with blanks", "Yes.\n---- Original message ----\n> x\nMay I?\n", "Yes."},
    {"a rule and fields",
     "Yes.\n________________________________\nFrom: Ben\nSent: Monday\nTo: Anna\nSubject: x\n\nMay "
     "I?",
     "Yes."},
    {"fields alone", "Yes.\n\nFrom: Ben <b@example.org>\nDate: Monday\nSubject: x\n\nMay I?\n",
     "Yes."},
    {"fields in bold", "Yes.\n\n*From:* Ben\n*Sent:* Monday\n*To:* Anna\n*Subject:* x\n\nMay I?",
     "Yes."},
    {"a rule without fields", "Part one\n__________________\nPart two\n",
     "Part one\n__________________\nPart two"},
    {"somebody writes about From:", "From: the beginning, all was well.\nThat is it.\n",
     "From: the beginning, all was well.\nThat is it."},
    {"hyphens", "a\n-- \nBen\n-----\nb\n", "a\n-- \nBen\n-----\nb"},
    {"no line end at the end", "Yes.\n> x", "Yes."},
};

static void replies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_VIEW(rows[i].name, reply_of(sgl_view_cstr(rows[i].text)),
                   sgl_view_cstr(rows[i].reply));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(replies)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
