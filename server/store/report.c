/* SPDX-License-Identifier: Apache-2.0 */
/* Words of what became of a report. */
#include "report.h"

#include "sigillo/banned.h"

const char *report_state_name(enum report_state state)
{
    switch (state) {
    case REPORT_FIND:
        return "waiting";
    case REPORT_TRY:
        return "trying";
    case REPORT_QUEUED:
        return "queued";
    case REPORT_TAKEN:
        return "accepted";
    case REPORT_FAILED:
        break;
    }
    return "failed";
}
