/* SPDX-License-Identifier: Apache-2.0 */
/* The rows that are simple: the ownership, the MX of the return path, MTA-STS and its host, TLS-RPT. */
#include "setup_internal.h"
#include "sigillo/banned.h"
#include "sigillo/mta_sts.h"
#include "sigillo/tlsrpt.h"

/* ---- ownership ------------------------------------------------------------------------------------------------------ */

static bool is_token(sgl_view txt)
{
    return sgl_view_starts_nocase(txt, SGL_LIT(SGL_SETUP_TOKEN_PREFIX));
}

enum sgl_status sgl_setup_judge_ownership(struct setup_work *w, struct sgl_setup_row *row)
{
    const struct sgl_dns_answer *txt;
    bool near;

    SGL_TRY(sgl_setup_ask(w, row->name, SGL_RR_TXT, &txt));
    if (sgl_setup_is_unknown(txt))
        return sgl_setup_say_unknown(w, row, row->name, txt);
    if (txt->aliased) /* who runs the name at its end would be taken for the owner of this one */
        return sgl_setup_say_missing(w, row, txt);
    SGL_TRY(sgl_setup_take_found(w, row, txt, is_token));
    for (size_t i = 0; i < txt->count; i++) {
        if (sgl_view_eq(txt->rr[i].txt, row->value)) {
            sgl_setup_is_present(row, row->value);
            return SGL_OK;
        }
    }
    row->old_count = 0; /* a token of somebody else may stay */
    if (sgl_setup_count(txt, is_token) > 0)
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, "ownership-other-token",
                             "The token at %.*s is another one: it is of an earlier attempt, or of "
                             "another server; add this one beside it.",
                             SGL_FMT(row->name.text));
    SGL_TRY(sgl_setup_near_miss(w, row, txt, SGL_LIT(SGL_SETUP_TOKEN_PREFIX), &near));
    return near ? SGL_OK : sgl_setup_say_missing(w, row, txt);
}

/* ---- MX of the return path ------------------------------------------------------------------------------------------ */

enum sgl_status sgl_setup_judge_mx(struct setup_work *w, struct sgl_setup_row *row)
{
    struct sgl_name wanted = w->request->return_mx;
    const struct sgl_dns_answer *mx;
    size_t ours = 0;

    SGL_TRY(sgl_setup_ask(w, row->name, SGL_RR_MX, &mx));
    if (sgl_setup_is_unknown(mx))
        return sgl_setup_say_unknown(w, row, row->name, mx);
    if (mx->count == 0)
        return sgl_setup_say_missing(w, row, mx);
    SGL_TRY(sgl_setup_take_found(w, row, mx, NULL));
    for (size_t i = 0; i < mx->count; i++) {
        if (sgl_setup_lacks_dot(w, mx->rr[i].mx.host, wanted))
            return sgl_setup_say_lacks_dot(w, row, mx->rr[i].mx.host, wanted);
        ours += sgl_name_eq(mx->rr[i].mx.host, wanted);
    }
    if (ours == 0)
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, "mx-other",
                             "Mail for %.*s goes to another host: bounces would never come back to "
                             "this server.",
                             SGL_FMT(row->name.text));
    if (ours < mx->count)
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, "mx-several",
                             "Other hosts take mail for %.*s, too: some bounces would never come "
                             "back to this server.",
                             SGL_FMT(row->name.text));
    sgl_setup_is_present(row, mx->count == 1 ? row->found : row->value);
    return SGL_OK;
}

/* ---- a record of which a domain has one ----------------------------------------------------------------------------- */

/* What its own reader says of it, and what we call that. */
struct single {
    setup_is_fn *is;
    const char *kind, *code_several, *code_broken;
    sgl_view mark; /* what somebody who mistypes it still writes */
    bool found, several;
    sgl_view record; /* found */
    const char *why; /* it is broken; else NULL */
};

static enum sgl_status judge_single(struct setup_work *w, struct sgl_setup_row *row,
                                    const struct sgl_dns_answer *txt, const struct single *s)
{
    bool near;

    SGL_TRY(sgl_setup_take_found(w, row, txt, s->is));
    if (s->found) {
        sgl_setup_is_present(row, s->record);
        return SGL_OK;
    }
    if (s->several)
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, s->code_several,
                             "There are several %s records at %.*s: senders act as if there were "
                             "none; keep one.",
                             s->kind, SGL_FMT(row->name.text));
    if (s->why != NULL)
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, s->code_broken,
                             "The %s record at %.*s cannot be read (%s).", s->kind,
                             SGL_FMT(row->name.text), s->why);
    SGL_TRY(sgl_setup_near_miss(w, row, txt, s->mark, &near));
    return near ? SGL_OK : sgl_setup_say_missing(w, row, txt);
}

/* ---- MTA-STS  [RFC 8461 s3.1] --------------------------------------------------------------------------------------- */

/* One that can be read is right, whoever serves its policy; of one that is served here the id has to be known  [RFC 8461 s3.1]. */
enum sgl_status sgl_setup_judge_mta_sts(struct setup_work *w, struct sgl_setup_row *row)
{
    const struct sgl_dns_answer *txt;
    struct sgl_mta_sts_answer sts;

    SGL_TRY(sgl_setup_ask(w, row->name, SGL_RR_TXT, &txt));
    if (sgl_setup_is_unknown(txt))
        return sgl_setup_say_unknown(w, row, row->name, txt);
    SGL_TRY(sgl_mta_sts_find(w->request->domain, w->dns, w->arena, &sts));
    if (w->request->sts_own && sts.state == SGL_MTA_STS_FOUND &&
        !sgl_view_eq(sts.record.id, w->request->sts_id)) {
        SGL_TRY(sgl_setup_take_found(w, row, txt, sgl_mta_sts_is_record));
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, "mta-sts-other-id",
                             "The MTA-STS record at %.*s has the id of another policy: senders do "
                             "not hear of this one; put the new record in its place.",
                             SGL_FMT(row->name.text));
    }
    return judge_single(w, row, txt,
                        &(struct single){.is = sgl_mta_sts_is_record,
                                         .kind = "MTA-STS",
                                         .code_several = "mta-sts-several",
                                         .code_broken = "mta-sts-broken",
                                         .mark = SGL_LIT("stsv1"),
                                         .found = sts.state == SGL_MTA_STS_FOUND,
                                         .several = sts.state == SGL_MTA_STS_SEVERAL,
                                         .record = sts.record.text,
                                         .why = sts.state == SGL_MTA_STS_BROKEN ? sts.why : NULL});
}

static enum sgl_status judge_no_alias(struct setup_work *w, struct sgl_setup_row *row,
                                      const struct sgl_dns_answer *v4,
                                      const struct sgl_dns_answer *v6)
{
    if (sgl_setup_is_unknown(v4) && sgl_setup_is_unknown(v6))
        return sgl_setup_say_unknown(w, row, row->name, v4);
    if ((!sgl_setup_is_unknown(v4) && v4->count > 0) ||
        (!sgl_setup_is_unknown(v6) && v6->count > 0)) {
        row->found = row->found.len > 0 ? row->found : SGL_LIT("an address");
        sgl_setup_is_present(row, row->value); /* whoever serves the policy */
        return SGL_OK;
    }
    if (row->found.len == 0)
        return sgl_setup_say(w, row, SGL_SETUP_MISSING, "missing", "There is no host %.*s yet.",
                             SGL_FMT(row->name.text));
    return sgl_setup_say(w, row, SGL_SETUP_WRONG, "mta-sts-no-host",
                         "%.*s leads to a name that has no address.", SGL_FMT(row->name.text));
}

enum sgl_status sgl_setup_judge_sts_host(struct setup_work *w, struct sgl_setup_row *row)
{
    const struct sgl_dns_answer *alias, *v4, *v6;
    enum sgl_status st = sgl_setup_ask(w, row->name, SGL_RR_CNAME, &alias);

    st = sgl_join(st, sgl_setup_ask(w, row->name, SGL_RR_A, &v4));
    SGL_TRY(sgl_join(st, sgl_setup_ask(w, row->name, SGL_RR_AAAA, &v6)));
    if (sgl_setup_is_unknown(alias))
        return sgl_setup_say_unknown(w, row, row->name, alias);
    if (alias->count > 0) {
        struct sgl_name to = alias->rr[0].name;

        SGL_TRY(sgl_setup_take_found(w, row, alias, NULL));
        if (sgl_setup_lacks_dot(w, to, w->request->sts_host))
            return sgl_setup_say_lacks_dot(w, row, to, w->request->sts_host);
        if (sgl_name_eq(to, w->request->sts_host)) {
            sgl_setup_is_present(row, row->value);
            return SGL_OK;
        }
        if (w->request->sts_own)
            return sgl_setup_say(w, row, SGL_SETUP_WRONG, "mta-sts-other-host",
                                 "%.*s leads to another host than the one that serves the policy.",
                                 SGL_FMT(row->name.text));
    }
    return judge_no_alias(w, row, v4, v6);
}

/* ---- TLS-RPT  [RFC 8460 s3] ----------------------------------------------------------------------------------------- */

/* One that can be read is right, wherever its reports go. */
enum sgl_status sgl_setup_judge_tlsrpt(struct setup_work *w, struct sgl_setup_row *row)
{
    const struct sgl_dns_answer *txt;
    struct sgl_tlsrpt_answer rpt;

    SGL_TRY(sgl_setup_ask(w, row->name, SGL_RR_TXT, &txt));
    if (sgl_setup_is_unknown(txt))
        return sgl_setup_say_unknown(w, row, row->name, txt);
    SGL_TRY(sgl_tlsrpt_find(w->request->domain, w->dns, w->arena, &rpt));
    return judge_single(w, row, txt,
                        &(struct single){.is = sgl_tlsrpt_is_record,
                                         .kind = "TLS-RPT",
                                         .code_several = "tls-rpt-several",
                                         .code_broken = "tls-rpt-broken",
                                         .mark = SGL_LIT("tlsrptv1"),
                                         .found = rpt.state == SGL_TLSRPT_FOUND,
                                         .several = rpt.state == SGL_TLSRPT_SEVERAL,
                                         .record = rpt.record.text,
                                         .why = rpt.state == SGL_TLSRPT_BROKEN ? rpt.why : NULL});
}
