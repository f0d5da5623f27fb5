/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <stdio.h>

#include "sigillo/banned.h"

#define PATIENCE_MAX_S 86400

/* Of what went wrong before there was an answer. */
static const char *status_of(enum https_end end)
{
    switch (end) {
    case HTTPS_LOOKUP:
        return "4.4.3";
    case HTTPS_NO_ADDRESS:
    case HTTPS_CONNECTION:
        return "4.4.1";
    case HTTPS_TIMEOUT:
        return "4.4.2";
    case HTTPS_CERTIFICATE:
        return "4.7.5";
    case HTTPS_OK:
    case HTTPS_LOCAL:
    case HTTPS_STATUS:
    case HTTPS_TOO_LARGE:
        break;
    }
    return "4.3.0";
}

static int64_t patience(const struct https_get *g, int64_t now_s)
{
    if (g->retry_after_s <= 0)
        return 0;
    return now_s + (g->retry_after_s < PATIENCE_MAX_S ? g->retry_after_s : PATIENCE_MAX_S);
}

/* Who has said 2xx has it, whatever became of the rest of the answer. */
void answer_of(const struct https_get *g, int64_t now_s, char said[ANSWER_SAID_SIZE],
               struct delivery_receipt *out)
{
    bool answered = g->status >= 200;

    if (answered)
        snprintf(said, ANSWER_SAID_SIZE, "HTTP %u", g->status);
    else
        snprintf(said, ANSWER_SAID_SIZE, "%s", g->why);
    *out = (struct delivery_receipt){.said = sgl_view_cstr(said)};
    if (answered && g->status < 300) {
        out->carried = CARRIED;
        out->status = "2.0.0";
    } else if (g->status == 410) {
        out->carried = CARRIED_NEVER;
        out->status = "5.2.1";
    } else {
        out->carried = CARRIED_LATER;
        out->status = status_of(g->end);
        out->not_before = patience(g, now_s);
    }
}
