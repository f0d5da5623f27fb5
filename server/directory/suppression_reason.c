/* SPDX-License-Identifier: Apache-2.0 */
/* Why an address is not sent to, in the words of the store, the admin API and lists. */
#include "directory.h"

static const char *const reason_name[] = {
    [SUPPRESSION_HARD_BOUNCE] = "hard-bounce", [SUPPRESSION_COMPLAINT] = "complaint",
    [SUPPRESSION_UNSUBSCRIBE] = "unsubscribe", [SUPPRESSION_MANUAL] = "manual",
    [SUPPRESSION_INVALID] = "invalid",         [SUPPRESSION_BLOCKED] = "blocked",
};
#define REASONS (sizeof(reason_name) / sizeof(reason_name[0]))

const char *suppression_reason_name(enum suppression_reason reason)
{
    return reason_name[reason];
}

bool suppression_reason_stops(enum suppression_reason reason)
{
    return reason != SUPPRESSION_BLOCKED;
}

const char *suppression_reason_text(enum suppression_reason reason)
{
    static const char *const text[] = {
        [SUPPRESSION_HARD_BOUNCE] = "suppressed: an earlier message came back for good",
        [SUPPRESSION_COMPLAINT] = "suppressed: the recipient complained",
        [SUPPRESSION_UNSUBSCRIBE] = "suppressed: the recipient unsubscribed",
        [SUPPRESSION_MANUAL] = "suppressed by hand",
        [SUPPRESSION_INVALID] = "suppressed: no mail can go to this address",
        [SUPPRESSION_BLOCKED] = "not suppressed: a receiver refused a message",
    };

    return text[reason];
}

enum statistic suppression_reason_drop(enum suppression_reason reason)
{
    static const enum statistic drop[] = {
        [SUPPRESSION_HARD_BOUNCE] = STATISTIC_BOUNCE_DROPS,
        [SUPPRESSION_COMPLAINT] = STATISTIC_SPAM_REPORT_DROPS,
        [SUPPRESSION_UNSUBSCRIBE] = STATISTIC_UNSUBSCRIBE_DROPS,
        [SUPPRESSION_MANUAL] = STATISTIC_UNSUBSCRIBE_DROPS,
        [SUPPRESSION_INVALID] = STATISTIC_INVALID_EMAILS,
        [SUPPRESSION_BLOCKED] = STATISTIC_NONE,
    };

    return drop[reason];
}

bool suppression_reason_parse(sgl_view name, enum suppression_reason *out)
{
    for (size_t i = 0; i < REASONS; i++)
        if (sgl_view_eq(name, sgl_view_cstr(reason_name[i]))) {
            *out = (enum suppression_reason)i;
            return true;
        }
    return false;
}
