/* SPDX-License-Identifier: Apache-2.0 */
/* The shipped profiles with their figures, and a limit as people read it. */
#include <stdio.h>

#include "limits.h"

#define MB (1024u * 1024u)

/* clang-format off */
const struct limit_profile limit_shipped[] = {
    {.name = "managed-test", .recipients_max = 50, .size_max = 10u * MB, .limits = 2,
     .limit = {{LIMIT_MESSAGES, LIMIT_MINUTE, 5}, {LIMIT_MESSAGES, LIMIT_HOUR, 10}}},
    {.name = "standard", .recipients_max = 50, .size_max = 10u * MB, .limits = 2,
     .limit = {{LIMIT_MESSAGES, LIMIT_MINUTE, 30}, {LIMIT_MESSAGES, LIMIT_HOUR, 100}}},
    {.name = "high-volume", .limits = 2,
     .limit = {{LIMIT_INTERNAL, LIMIT_DAY, 100000}, {LIMIT_EXTERNAL, LIMIT_DAY, 2000}}},
    {.name = "mailbox", .recipients_max = 500, .limits = 3,
     .limit = {{LIMIT_MESSAGES, LIMIT_MINUTE, 30}, {LIMIT_RECIPIENTS, LIMIT_DAY, 10000}, {LIMIT_EXTERNAL, LIMIT_DAY, 2000}}},
    {.name = "unlimited"},
};
/* clang-format on */
const size_t limit_shipped_count = sizeof(limit_shipped) / sizeof(limit_shipped[0]);

void limit_text(const struct limit *limit, char *out, size_t size)
{
    snprintf(out, size, "%llu %s %s %s", (unsigned long long)limit->max,
             limit_what_name(limit->what), limit->window == LIMIT_HOUR ? "an" : "a",
             limit_window_name(limit->window));
}
