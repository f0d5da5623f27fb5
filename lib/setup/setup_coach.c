/* SPDX-License-Identifier: Apache-2.0 */
/* The next safe step of DMARC, and why not more yet.  [RFC 9989 s4.7, s7.4] */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "setup_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sigillo/limits.h"

#define DAY_S        86400
#define DAYS_MIN     14   /* a fortnight has the newsletter that goes out every other week */
#define MESSAGES_MIN 100  /* fewer say nothing about who sends */
#define KNOWN_MAX    1000 /* more than one in so many of one's own must not fail */
#define UNKNOWN_MAX  10 /* when more than one in so many is from strangers, a person has to look */

static enum sgl_status say(struct setup_work *w, enum sgl_setup_step step, const char *format, ...)
    SGL_PRINTF(3, 4);
static enum sgl_status say(struct setup_work *w, enum sgl_setup_step step, const char *format, ...)
{
    char line[SGL_LIMIT_FINDING_TEXT];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    w->s->coach.step = step;
    return sgl_arena_dup(w->arena, sgl_view_cstr(line), &w->s->coach.text);
}

/* What is published, with this policy, and with a rua where it has none. */
static enum sgl_status put_record(struct setup_work *w, enum sgl_dmarc_policy policy)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(2 * SGL_LIMIT_DNS_RDATA);
    struct sgl_dmarc_record next = w->dmarc.parsed;
    sgl_view rua = w->request->dmarc_rua;
    enum sgl_status st;

    if (rua.len == 0)
        SGL_TRY(sgl_setup_text(w, &rua, "mailto:dmarc@%.*s", SGL_FMT(w->s->domain.text)));
    next.has_p = true;
    next.p = policy;
    next.test = false;
    if (next.has_sp && next.sp < policy)
        next.sp = policy;
    if (next.ruas == 0) {
        next.rua = &rua;
        next.ruas = 1;
    }
    st = sgl_dmarc_put(&next, &text);
    if (st != SGL_OK && st != SGL_E_SYNTAX)
        return st;
    if (st == SGL_OK && sgl_ascii_is_printable(sgl_buf_view(&text)))
        return sgl_arena_dup(w->arena, sgl_buf_view(&text), &w->s->coach.record);
    return SGL_OK; /* what cannot be written is left to the owner */
}

/* ---- before the first step ------------------------------------------------------------------------------------------- */

static enum sgl_status say_publish(struct setup_work *w, const struct sgl_setup_row *row)
{
    w->s->coach.record = row->value;
    return say(w, SGL_SETUP_STEP_PUBLISH,
               "Publish the DMARC record with p=none: it changes nothing for your mail, and "
               "receivers begin to report who sends as %.*s.",
               SGL_FMT(w->s->domain.text));
}

static enum sgl_status say_reports(struct setup_work *w)
{
    SGL_TRY(put_record(w, w->dmarc.parsed.has_p ? w->dmarc.parsed.p : SGL_DMARC_POLICY_NONE));
    return say(w, SGL_SETUP_STEP_REPORTS,
               "Add rua= to the DMARC record: without reports it cannot be told whether a stricter "
               "policy would hit mail of your own.");
}

/* The first row of SPF or DKIM that is not in place; NULL: all are. */
static const struct sgl_setup_row *not_in_place(const struct setup_work *w)
{
    for (size_t i = 0; i < w->s->rows; i++) {
        const struct sgl_setup_row *row = &w->row[i];

        if ((row->purpose == SGL_SETUP_SPF || row->purpose == SGL_SETUP_DKIM) &&
            row->state != SGL_SETUP_PRESENT)
            return row;
    }
    return NULL;
}

/* ---- what the reports say -------------------------------------------------------------------------------------------- */

/* How many fail, and whose: ready to stand in a sentence. */
static enum sgl_status say_failing(struct setup_work *w, const struct sgl_setup_reports *r)
{
    if (r->fail_known > r->messages / KNOWN_MAX)
        return say(w, SGL_SETUP_STEP_MEND,
                   "%" PRIu64 " of %" PRIu64 " messages that came from your own servers failed: "
                   "mend their SPF or DKIM first, a stricter policy would hit them.",
                   r->fail_known, r->messages);
    return say(w, SGL_SETUP_STEP_WAIT,
               "%" PRIu64 " of %" PRIu64 " messages came from servers that nobody has named and "
               "failed: look in the reports whose they are. A service of yours has to be set up "
               "first; if they are forged, the stricter policy is what stops them.",
               r->fail_unknown, r->messages);
}

static enum sgl_status say_next(struct setup_work *w, const struct sgl_setup_reports *r)
{
    bool first = w->s->coach.now == SGL_DMARC_POLICY_NONE;
    enum sgl_dmarc_policy next = first ? SGL_DMARC_QUARANTINE : SGL_DMARC_REJECT;

    SGL_TRY(put_record(w, next));
    return say(
        w, first ? SGL_SETUP_STEP_QUARANTINE : SGL_SETUP_STEP_REJECT,
        "Go to p=%s: in %d days %" PRIu64 " of %" PRIu64 " messages passed, and none of "
        "your own would be lost. What still fails (%" PRIu64 ") %s.%s",
        sgl_dmarc_policy_name(next), (int)((r->until - r->from) / DAY_S), r->pass, r->messages,
        r->fail_known + r->fail_unknown, first ? "goes to the junk folder" : "is refused",
        first ? "" : " Where people of this domain write to mailing lists, stay at quarantine.");
}

static enum sgl_status by_reports(struct setup_work *w, const struct sgl_setup_reports *r)
{
    bool first = w->s->coach.now == SGL_DMARC_POLICY_NONE;
    const char *next = first ? "quarantine" : "reject";
    int64_t days = r == NULL || r->until <= r->from ? 0 : (r->until - r->from) / DAY_S;

    if (r == NULL || r->messages == 0)
        return say(w, SGL_SETUP_STEP_WAIT,
                   "Stay at p=%s until aggregate reports of %d days were read: no report says yet "
                   "whether p=%s would hit mail of your own.",
                   sgl_dmarc_policy_name(w->s->coach.now), DAYS_MIN, next);
    if (days < DAYS_MIN || r->messages < MESSAGES_MIN)
        return say(w, SGL_SETUP_STEP_WAIT,
                   "Stay at p=%s for now: the reports cover %" PRId64 " days and %" PRIu64
                   " messages; %d days and %d messages are needed before p=%s.",
                   sgl_dmarc_policy_name(w->s->coach.now), days, r->messages, DAYS_MIN,
                   MESSAGES_MIN, next);
    if (r->fail_known > r->messages / KNOWN_MAX || r->fail_unknown > r->messages / UNKNOWN_MAX)
        return say_failing(w, r);
    return say_next(w, r);
}

/* ---- the whole ------------------------------------------------------------------------------------------------------ */

enum sgl_status sgl_setup_coach(struct setup_work *w)
{
    const struct sgl_setup_row *row = sgl_setup_row_for(w, SGL_SETUP_DMARC), *open;
    struct sgl_setup_coach *coach = &w->s->coach;

    if (row == NULL)
        return SGL_OK;
    if (row->state == SGL_SETUP_UNKNOWN)
        return say(w, SGL_SETUP_STEP_UNKNOWN, "The DMARC record could not be looked up.");
    if (row->state != SGL_SETUP_PRESENT)
        return say_publish(w, row);
    coach->has_policy = w->dmarc.has_policy;
    coach->now = w->dmarc.policy;
    if (w->dmarc.parsed.ruas == 0 && coach->now != SGL_DMARC_REJECT)
        return say_reports(w);
    if (coach->now == SGL_DMARC_REJECT)
        return say(w, SGL_SETUP_STEP_DONE,
                   "p=reject holds: nobody else can send as %.*s. Keep reading the reports%s.",
                   SGL_FMT(w->s->domain.text),
                   w->dmarc.parsed.ruas == 0 ? ", which rua= asks for" : "");
    if (w->reports_refused)
        return say(w, SGL_SETUP_STEP_REPORTS, "%.*s", SGL_FMT(row->why));
    open = not_in_place(w);
    if (open != NULL)
        return say(w, SGL_SETUP_STEP_MEND,
                   "First the %s record: until it is in place a stricter policy would hit mail of "
                   "this server.",
                   sgl_setup_purpose_name(open->purpose));
    return by_reports(w, w->request->reports);
}
