/* SPDX-License-Identifier: Apache-2.0 */
/* A parked domain: nobody sends in its name, and it takes no mail.  [RFC 7208 s10.1.2, RFC 7505 s3] */
#include "setup_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sigillo/nullmx.h"

/* Several records, or none that is one: said here. *one is the record, ptr NULL when it has been said. */
static enum sgl_status find_one(struct setup_work *w, struct sgl_setup_row *row, setup_is_fn *is,
                                const char *kind, sgl_view *one)
{
    const struct sgl_dns_answer *txt;
    size_t records;
    bool near;

    *one = sgl_view_of(NULL, 0);
    SGL_TRY(sgl_setup_ask(w, row->name, SGL_RR_TXT, &txt));
    if (sgl_setup_is_unknown(txt))
        return sgl_setup_say_unknown(w, row, row->name, txt);
    records = sgl_setup_count(txt, is);
    SGL_TRY(sgl_setup_take_found(w, row, txt, is));
    if (records == 1)
        *one = sgl_setup_first(txt, is);
    if (records == 1)
        return SGL_OK;
    if (records > 1)
        return sgl_setup_say(w, row, SGL_SETUP_WRONG,
                             row->purpose == SGL_SETUP_SPF ? "spf-several" : "dmarc-several",
                             "There are %zu %s records at %.*s: keep one.", records, kind,
                             SGL_FMT(row->name.text));
    SGL_TRY(sgl_setup_near_miss(w, row, txt, sgl_view_cstr(kind), &near));
    return near ? SGL_OK : sgl_setup_say_missing(w, row, txt);
}

static enum sgl_status judge_spf(struct setup_work *w, struct sgl_setup_row *row)
{
    struct sgl_spf_record record;
    enum sgl_status st;
    sgl_view txt;

    SGL_TRY(find_one(w, row, sgl_spf_is_record, "SPF", &txt));
    if (txt.ptr == NULL)
        return SGL_OK;
    st = sgl_spf_parse(txt, w->arena, &record, NULL);
    if (st == SGL_E_NOMEM || (st == SGL_E_LIMIT && w->arena->status != SGL_OK))
        return st;
    if (st == SGL_OK && record.count > 0 && record.term[0].mechanism == SGL_SPF_ALL &&
        record.term[0].qualifier == SGL_SPF_FAIL) {
        sgl_setup_is_present(row, txt);
        return SGL_OK;
    }
    return sgl_setup_say(w, row, SGL_SETUP_WRONG, "parked-spf",
                         "The SPF record of %.*s lets somebody send: a parked domain says "
                         "\"v=spf1 -all\".",
                         SGL_FMT(row->name.text));
}

/* The record that rejects, with the report addresses of the one that is there. */
static enum sgl_status judge_dmarc(struct setup_work *w, struct sgl_setup_row *row)
{
    struct sgl_spf_build_request request = {
        .domain = w->s->domain, .parked = true, .existing = SGL_LIT("")};
    struct sgl_spf_build build = {0};
    sgl_view txt;

    SGL_TRY(find_one(w, row, sgl_dmarc_is_record, "DMARC", &txt));
    if (txt.ptr == NULL)
        return SGL_OK;
    SGL_TRY(sgl_spf_build(&request, w->dns, w->arena, &build));
    for (size_t i = 0; i < build.records; i++) {
        const struct sgl_spf_publish *publish = &build.record[i];

        if (!sgl_name_eq(publish->name, row->name) || !sgl_ascii_is_printable(publish->text))
            continue;
        if (publish->unchanged) {
            sgl_setup_is_present(row, txt);
            return SGL_OK;
        }
        row->merged = !sgl_view_eq(row->value, publish->text);
        row->value = publish->text;
    }
    return sgl_setup_say(w, row, SGL_SETUP_WRONG, "parked-dmarc",
                         "The DMARC record at %.*s does not reject everything: nothing rightful is "
                         "lost when it does.",
                         SGL_FMT(row->name.text));
}

static enum sgl_status judge_null_mx(struct setup_work *w, struct sgl_setup_row *row)
{
    const struct sgl_dns_answer *mx;
    enum sgl_nullmx state;

    SGL_TRY(sgl_setup_ask(w, row->name, SGL_RR_MX, &mx));
    if (sgl_setup_is_unknown(mx))
        return sgl_setup_say_unknown(w, row, row->name, mx);
    SGL_TRY(sgl_nullmx_check(row->name, w->dns, &state));
    SGL_TRY(sgl_setup_take_found(w, row, mx, NULL));
    if (state == SGL_NULLMX_PRESENT) {
        sgl_setup_is_present(row, row->value);
        return SGL_OK;
    }
    if (mx->count == 0)
        return sgl_setup_say_missing(w, row, mx);
    return sgl_setup_say(w, row, SGL_SETUP_WRONG, "parked-mx",
                         "%.*s takes mail: a parked domain has the one MX record \"0 .\" and no "
                         "other.",
                         SGL_FMT(row->name.text));
}

/* The wildcard is seen in what it answers. [RFC 4592 s2.1.1] */
static enum sgl_status judge_no_keys(struct setup_work *w, struct sgl_setup_row *row)
{
    const struct sgl_dns_answer *txt;
    struct sgl_dkim_key key;
    struct sgl_name probe;
    enum sgl_status st =
        sgl_name_under(SGL_LIT(SETUP_NO_SUCH "._domainkey"), w->s->domain, w->arena, &probe);

    if (st == SGL_E_LIMIT && w->arena->status == SGL_OK) { /* a probe that long cannot be asked */
        return sgl_setup_say(w, row, SGL_SETUP_UNKNOWN, "lookup-failed",
                             "The name is too long to try the wildcard.");
    }
    SGL_TRY(st);
    SGL_TRY(sgl_setup_ask(w, probe, SGL_RR_TXT, &txt));
    if (sgl_setup_is_unknown(txt))
        return sgl_setup_say_unknown(w, row, probe, txt);
    if (txt->count == 0)
        return sgl_setup_say_missing(w, row, txt);
    SGL_TRY(sgl_setup_take_found(w, row, txt, NULL));
    st = sgl_dkim_key_parse(txt->rr[0].txt, w->arena, &key, NULL);
    if (st == SGL_E_NOMEM || (st == SGL_E_LIMIT && w->arena->status != SGL_OK))
        return st;
    if (st == SGL_OK && key.revoked && txt->count == 1) {
        sgl_setup_is_present(row, row->value);
        return SGL_OK;
    }
    row->old_count = 0; /* it may be a wildcard of the whole domain */
    return sgl_setup_say(w, row, SGL_SETUP_WRONG, "parked-key",
                         "A wildcard answers for DKIM keys below %.*s with something else than "
                         "the empty key.",
                         SGL_FMT(w->s->domain.text));
}

enum sgl_status sgl_setup_judge_parked(struct setup_work *w, struct sgl_setup_row *row)
{
    if (row->purpose == SGL_SETUP_NULL_MX)
        return judge_null_mx(w, row);
    if (row->purpose == SGL_SETUP_DKIM)
        return judge_no_keys(w, row);
    return row->purpose == SGL_SETUP_SPF ? judge_spf(w, row) : judge_dmarc(w, row);
}
