/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a message: to its client, to the log, to the trail. */
#include <stdio.h>

#include "../log/log.h"
#include "../store/json_text.h"
#include "reception_internal.h"

#define ABOUT_MAX 100

void told_set(struct reception_answer *out, uint16_t code, const char *enhanced, const char *text)
{
    out->code = code;
    snprintf(out->enhanced, sizeof(out->enhanced), "%s", enhanced);
    snprintf(out->text, sizeof(out->text), "%s", text);
}

void told_about(struct reception_answer *out, uint16_t code, const char *enhanced, const char *text,
                sgl_view about)
{
    sgl_auto(sgl_buf) line = SGL_BUF_INIT(sizeof(out->text) - 1);
    sgl_view rest = sgl_view_cstr(text);
    size_t place = sgl_view_find_view(rest, SGL_LIT("%s"));

    sgl_buf_add(&line, sgl_view_sub(rest, 0, place));
    if (place < rest.len) {
        sgl_buf_add_escaped(&line, about, ABOUT_MAX);
        sgl_buf_add(&line, sgl_view_from(rest, place + 2));
    }
    told_set(out, code, enhanced, "");
    if (line.len > 0)
        memcpy(out->text, line.data, line.len);
    out->text[line.len] = '\0';
}

void told_memory(struct reception_answer *out)
{
    told_set(out, 452, "4.3.1", "no memory for this message now");
}

void told_store(struct reception_answer *out, enum store_result result)
{
    if (result == STORE_FULL)
        told_set(out, 452, "4.3.1", "no durable place is left for this message; try again later");
    else if (result == STORE_BUSY)
        told_set(out, 451, "4.3.2", "too many messages wait to be stored; try again soon");
    else
        told_set(out, 451, "4.3.0", "the message could not be stored; try again later");
}

void told_count(struct reception *r, const struct sgl_verdict *v)
{
    _Atomic uint64_t *to = &r->dmarc_none;

    switch (v->dmarc.result) {
    case SGL_DMARC_PASS:
        to = &r->dmarc_pass;
        break;
    case SGL_DMARC_FAIL:
        to = &r->dmarc_fail;
        break;
    case SGL_DMARC_TEMPERROR:
    case SGL_DMARC_PERMERROR:
        to = &r->dmarc_error;
        break;
    case SGL_DMARC_NONE:
        break;
    }
    atomic_fetch_add_explicit(to, 1, memory_order_relaxed);
}

/* One word for all signatures. */
static const char *dkim_word(const struct sgl_dkim_verdicts *dkim)
{
    if (dkim->passes > 0)
        return "pass";
    return dkim->count > 0 ? sgl_dkim_result_name(dkim->item[0].result) : "none";
}

static const char *spf_word(const struct sgl_verdict *v)
{
    return v->spf_checked ? sgl_spf_result_name(v->spf.result) : "none";
}

void told_detail(const struct run *run, struct sgl_buf *out)
{
    const struct sgl_verdict *v = run->verdict;
    const struct judge_decision *d = &run->decision;

    sgl_buf_add_byte(out, '{');
    json_text_member(out, "spf", sgl_view_cstr(spf_word(v)));
    json_text_member(out, "dkim", sgl_view_cstr(dkim_word(&v->dkim)));
    json_text_member(out, "arc", sgl_view_cstr(sgl_arc_result_name(v->arc.result)));
    json_text_member(out, "dmarc", sgl_view_cstr(sgl_dmarc_result_name(v->dmarc.result)));
    if (v->author == SGL_DMARC_AUTHOR_OK)
        json_text_member(out, "author", v->dmarc.author.text);
    json_text_member(out, "action", sgl_view_cstr(judge_action_name(d->action)));
    json_text_member(out, "disposition", sgl_view_cstr(judge_disposition_name(d->disposition)));
    if (d->override != NULL)
        json_text_member(out, "override", sgl_view_cstr(d->override));
    if (d->givens > 0) {
        json_text_member(out, "reason", sgl_view_cstr(judge_reason_name(d->given[0].reason)));
        json_text_member(out, "comment", sgl_view_cstr(d->given[0].comment));
    }
    sgl_buf_add_byte(out, '}');
}

void told_log(const struct run *run)
{
    const struct reception_mail *m = run->m;
    const struct sgl_verdict *v = run->verdict;
    bool accepted = run->answer.code == 250;

    if (v == NULL) {
        log_line(LOG_INFO_, "arrival refused", LOG_VIEW("peer", m->peer),
                 LOG_INT("code", run->answer.code), LOG_STR("why", run->answer.text));
        return;
    }
    log_line(LOG_INFO_, accepted ? "arrived" : "arrival refused", LOG_STR("id", run->id),
             LOG_VIEW("peer", m->peer), LOG_VIEW("from", m->env_from), LOG_INT("rcpts", m->tos),
             LOG_INT("size", m->raw.len), LOG_STR("spf", spf_word(v)),
             LOG_STR("dkim", dkim_word(&v->dkim)),
             LOG_STR("dmarc", sgl_dmarc_result_name(v->dmarc.result)),
             LOG_STR("action", judge_action_name(run->decision.action)),
             LOG_STR("disposition", judge_disposition_name(run->decision.disposition)),
             LOG_INT("code", run->answer.code), LOG_STR("why", run->answer.text));
}
