/* SPDX-License-Identifier: Apache-2.0 */
/* DMARC: a record that is there stays; one that nobody gets reports of is told how to get them.  [RFC 9989 s4.7] */
#include "setup_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sigillo/limits.h"

#define RECORD_MAX 2000 /* honest ones have some 200 bytes */

/* What is there, without what is open at its end. */
static sgl_view without_end(sgl_view txt)
{
    txt = sgl_view_trim(txt);
    while (txt.len > 0 && txt.ptr[txt.len - 1] == ';')
        txt = sgl_view_trim(sgl_view_sub(txt, 0, txt.len - 1));
    return txt;
}

/* The record with our rua behind it; where that cannot be written, the row keeps what is there. */
static enum sgl_status add_reports(struct setup_work *w, struct sgl_setup_row *row, sgl_view fresh,
                                   sgl_view txt)
{
    size_t at = sgl_view_find_view(fresh, SGL_LIT("rua="));
    sgl_view head = without_end(txt);

    row->state = SGL_SETUP_PRESENT;
    if (sgl_ascii_is_printable(txt))
        row->value = txt;
    row->code = "dmarc-no-reports";
    SGL_TRY(sgl_setup_text(w, &row->why,
                           "Nobody gets reports (rua=): without them it cannot be told who sends "
                           "as %.*s, nor when a stricter policy is safe.",
                           SGL_FMT(w->s->domain.text)));
    if (!sgl_ascii_is_printable(head) || sgl_setup_holds(head, SGL_LIT("rua")) ||
        head.len > RECORD_MAX)
        return SGL_OK;
    SGL_TRY(sgl_setup_text(w, &row->value, "%.*s; %.*s", SGL_FMT(head),
                           SGL_FMT(sgl_view_from(fresh, at))));
    row->merged = row->publish = true;
    return SGL_OK;
}

/* [RFC 9989 s4.7] p= that is missing or wrong is treated as none where there is a rua, and as no record where there is none. */
static enum sgl_status say_no_policy(struct setup_work *w, struct sgl_setup_row *row,
                                     const struct sgl_dmarc_record *found)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(2 * SGL_LIMIT_DNS_RDATA);
    struct sgl_dmarc_record better = *found;
    enum sgl_status st;

    better.has_p = true;
    better.p = SGL_DMARC_POLICY_NONE;
    st = found->ruas == 0 ? SGL_E_SYNTAX : sgl_dmarc_put(&better, &text);
    if (st == SGL_OK && sgl_ascii_is_printable(sgl_buf_view(&text))) {
        SGL_TRY(sgl_arena_dup(w->arena, sgl_buf_view(&text), &row->value));
        row->merged = true;
    } else if (st == SGL_E_NOMEM) {
        return st;
    }
    return sgl_setup_say(w, row, SGL_SETUP_WRONG, "dmarc-no-policy",
                         "The DMARC record at %.*s has no policy that receivers know: p= is none, "
                         "quarantine or reject.",
                         SGL_FMT(row->name.text));
}

/* ---- do they take the reports?  [RFC 9990 s4] ----------------------------------------------------------------------- */

#define DESTINATIONS_MAX 4

/* *refused: this one has not agreed. What cannot be read or asked counts as agreed: the linter says what is wrong with it. */
static enum sgl_status ask_destination(struct setup_work *w, sgl_view uri, struct sgl_name *host,
                                       bool *refused)
{
    enum sgl_dmarc_destination state;
    enum sgl_status st;
    sgl_view rua;

    *refused = false;
    if (!sgl_view_starts_nocase(uri, SGL_LIT("mailto:")))
        return SGL_OK;
    st = sgl_dmarc_uri_host(uri, w->arena, host);
    if (st == SGL_E_SYNTAX || (st == SGL_E_LIMIT && w->arena->status == SGL_OK))
        return SGL_OK;
    SGL_TRY(st);
    SGL_TRY(sgl_dmarc_destination(w->s->domain, *host, w->dns, w->arena, &state, &rua));
    *refused = state == SGL_DMARC_DEST_REFUSED;
    return SGL_OK;
}

/* [RFC 9989 s4.4] Strict alignment wants the very same name, which the return path is not. */
static enum sgl_status say_strict(struct setup_work *w, struct sgl_setup_row *row,
                                  const struct sgl_dmarc_record *record)
{
    struct sgl_name path = w->request->return_path;

    if (!record->strict_spf || sgl_name_is_root(path))
        return SGL_OK;
    row->code = "dmarc-strict-spf";
    return sgl_setup_text(
        w, &row->why,
        "aspf=s wants SPF for %.*s itself: bounce addresses of %.*s do not align, "
        "so that DKIM alone carries DMARC.",
        SGL_FMT(w->s->domain.text), SGL_FMT(path.text));
}

/* Somebody has to agree, or nobody gets reports. */
static enum sgl_status judge_destinations(struct setup_work *w, struct sgl_setup_row *row,
                                          const struct sgl_dmarc_record *record)
{
    size_t count = record->ruas < DESTINATIONS_MAX ? record->ruas : DESTINATIONS_MAX, refusals = 0;
    struct sgl_name host, first = {{NULL, 0}};
    enum sgl_status st = SGL_OK;

    for (size_t i = 0; i < count; i++) {
        bool refused;

        st = sgl_join(st, ask_destination(w, record->rua[i], &host, &refused));
        if (refused && refusals++ == 0)
            first = host;
    }
    SGL_TRY(st);
    if (refusals < record->ruas)
        return say_strict(w, row, record);
    w->reports_refused = true;
    row->code = "dmarc-reports-refused";
    return sgl_setup_text(w, &row->why,
                          "%.*s has not agreed to take reports about %.*s, so that none are sent: "
                          "its owner publishes %.*s._report._dmarc.%.*s TXT \"v=DMARC1;\".",
                          SGL_FMT(first.text), SGL_FMT(w->s->domain.text),
                          SGL_FMT(w->s->domain.text), SGL_FMT(first.text));
}

/* ---- the row -------------------------------------------------------------------------------------------------------- */

static enum sgl_status judge_record(struct setup_work *w, struct sgl_setup_row *row, sgl_view txt)
{
    sgl_view fresh = row->value;
    struct sgl_dmarc_record record;
    struct sgl_diag diag = {0};
    enum sgl_status st = sgl_dmarc_parse(txt, w->arena, &record, &diag);

    if (st == SGL_E_NOMEM || (st == SGL_E_LIMIT && w->arena->status != SGL_OK))
        return st;
    if (st != SGL_OK)
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, "dmarc-broken",
                             "The DMARC record at %.*s cannot be read (%s): receivers act as if "
                             "there were none.",
                             SGL_FMT(row->name.text), diag.what == NULL ? "too long" : diag.what);
    if (!record.has_p)
        return say_no_policy(w, row, &record);
    if (record.ruas > 0) {
        sgl_setup_is_present(row, txt);
        return judge_destinations(w, row, &record);
    }
    return add_reports(w, row, fresh, txt);
}

/* [RFC 9989 s4.10.1] The record of a name above applies, where there is none of its own. */
static enum sgl_status judge_none(struct setup_work *w, struct sgl_setup_row *row,
                                  const struct sgl_dns_answer *txt)
{
    const struct sgl_dmarc *d = &w->dmarc;
    struct setup_shown shown;
    bool near;

    SGL_TRY(sgl_setup_near_miss(w, row, txt, SGL_LIT("dmarc"), &near));
    if (near)
        return SGL_OK;
    if (d->record.len == 0 || !d->has_policy || txt->aliased)
        return sgl_setup_say_missing(w, row, txt);
    row->state = SGL_SETUP_PRESENT;
    row->value = sgl_view_of(NULL, 0); /* p=none would weaken what holds */
    row->code = "dmarc-inherited";
    SGL_TRY(sgl_setup_text(w, &row->found, "%s", sgl_setup_show(&shown, d->record)));
    return sgl_setup_text(w, &row->why,
                          "The DMARC record of %.*s applies here, too; one of its own is only "
                          "needed for another policy.",
                          SGL_FMT(d->policy_domain.text));
}

enum sgl_status sgl_setup_judge_dmarc(struct setup_work *w, struct sgl_setup_row *row)
{
    struct sgl_dmarc_request request = {.author = w->s->domain, .rules = SGL_DMARC_RFC9989};
    const struct sgl_dns_answer *txt;
    size_t records;
    enum sgl_status st = sgl_setup_ask(w, row->name, SGL_RR_TXT, &txt);

    SGL_TRY(sgl_join(st, sgl_dmarc_check(&request, w->dns, w->arena, &w->dmarc)));
    if (sgl_setup_is_unknown(txt))
        return sgl_setup_say_unknown(w, row, row->name, txt);
    records = sgl_setup_count(txt, sgl_dmarc_is_record);
    if (records == 0)
        return judge_none(w, row, txt);
    SGL_TRY(sgl_setup_take_found(w, row, txt, sgl_dmarc_is_record));
    if (records == 1)
        return judge_record(w, row, sgl_setup_first(txt, sgl_dmarc_is_record));
    return sgl_setup_say(w, row, SGL_SETUP_WRONG, "dmarc-several",
                         "There are %zu DMARC records at %.*s: receivers act as if there were "
                         "none; keep one.",
                         records, SGL_FMT(row->name.text));
}
