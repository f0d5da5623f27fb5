/* SPDX-License-Identifier: Apache-2.0 */
/* Words of what became of a report. */
#include "tlsrpt.h"

#include "sigillo/banned.h"

const char *tlsrpt_state_name(enum tlsrpt_state state)
{
    switch (state) {
    case TLSRPT_FIND:
        return "waiting";
    case TLSRPT_TRY:
        return "trying";
    case TLSRPT_QUEUED:
        return "queued";
    case TLSRPT_TAKEN:
        return "accepted";
    case TLSRPT_FAILED:
        break;
    }
    return "failed";
}
