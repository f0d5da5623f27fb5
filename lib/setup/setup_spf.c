/* SPDX-License-Identifier: Apache-2.0 */
/* SPF: may this server send?  What is there is merged, never replaced.  [RFC 7208 s4.5] */
#include "setup_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/banned.h"

static const struct sgl_finding *first_error(const struct sgl_findings *findings)
{
    const struct sgl_finding *f = findings->first;

    while (f != NULL && f->severity != SGL_ERROR)
        f = f->next;
    return f;
}

/* [RFC 7208 s4.6.4] The way out of too many lookups is a name with a record of its own. */
static enum sgl_status say_refused(struct setup_work *w, struct sgl_setup_row *row,
                                   const struct sgl_spf_build *build)
{
    const struct sgl_finding *f = first_error(&build->findings);

    row->value = sgl_view_of(NULL, 0);
    if (f == NULL)
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, "spf-not-ours",
                             "Nobody but their provider can publish records at %.*s.",
                             SGL_FMT(row->name.text));
    if (strcmp(f->code, "spf-too-many-lookups") == 0)
        return sgl_setup_say(
            w, row, SGL_SETUP_WRONG, f->code,
            "With this server the SPF record of %.*s needs more than the 10 lookups that receivers "
            "allow: take out what no longer sends, or send from a subdomain of its own (sigillo "
            "domain add news.%.*s), which has its own 10.",
            SGL_FMT(row->name.text), SGL_FMT(w->request->domain.text));
    return sgl_setup_say(w, row, SGL_SETUP_WRONG, f->code,
                         "%.*s Until that is mended nothing can be added to the record.",
                         SGL_FMT(sgl_view_sub(f->text, 0, 600)));
}

static enum sgl_status say_failed(struct setup_work *w, struct sgl_setup_row *row,
                                  const struct sgl_spf_build *build)
{
    const struct sgl_finding *f = build->findings.first;

    while (f != NULL && strcmp(f->code, "spf-lookup-failed") != 0)
        f = f->next;
    if (f == NULL)
        return sgl_setup_say(w, row, SGL_SETUP_UNKNOWN, "lookup-failed",
                             "What the SPF record of %.*s includes could not be looked up.",
                             SGL_FMT(row->name.text));
    return sgl_setup_say(w, row, SGL_SETUP_UNKNOWN, "lookup-failed", "%.*s",
                         SGL_FMT(sgl_view_sub(f->text, 0, 600)));
}

/* ---- does it pass already, by other words? --------------------------------------------------------------------------- */

#define ADDRESSES_MAX 16

struct addresses {
    struct sgl_ip ip[ADDRESSES_MAX];
    size_t count;
    bool whole; /* these are all from which this server sends */
};

static void add_address(struct addresses *to, struct sgl_ip ip)
{
    if (to->count < ADDRESSES_MAX)
        to->ip[to->count++] = ip;
    else
        to->whole = false;
}

static enum sgl_status add_host(struct setup_work *w, struct addresses *to, sgl_view host)
{
    const struct sgl_dns_answer *answer[2] = {NULL, NULL};
    struct sgl_name name;
    enum sgl_status st =
        sgl_name_parse(host, SGL_NAME_UNDERSCORE | SGL_NAME_FINAL_DOT, w->arena, NULL, &name);

    if (st == SGL_E_SYNTAX) { /* a macro */
        to->whole = false;
        return SGL_OK;
    }
    SGL_TRY(st);
    st = sgl_setup_ask(w, name, SGL_RR_A, &answer[0]);
    SGL_TRY(sgl_join(st, sgl_setup_ask(w, name, SGL_RR_AAAA, &answer[1])));
    for (size_t i = 0; i < 2; i++) {
        if (sgl_setup_is_unknown(answer[i]))
            to->whole = false;
        for (size_t k = 0; to->whole && k < answer[i]->count; k++)
            add_address(to, answer[i]->rr[k].ip);
    }
    return SGL_OK;
}

/* The addresses behind our own terms; of an include and of a network it is not known which. */
static enum sgl_status list_addresses(struct setup_work *w, sgl_view fresh, struct addresses *to)
{
    struct sgl_spf_record record;
    enum sgl_status st = SGL_OK;

    *to = (struct addresses){.whole = true};
    SGL_TRY(sgl_spf_parse(fresh, w->arena, &record, NULL));
    for (size_t i = 0; i + 1 < record.count; i++) {
        const struct sgl_spf_term *t = &record.term[i];
        bool v4 = t->mechanism == SGL_SPF_IP4, v6 = t->mechanism == SGL_SPF_IP6;

        if (t->mechanism == SGL_SPF_A && t->domain.len > 0 && t->bits4 == 32 && t->bits6 == 128)
            st = sgl_join(st, add_host(w, to, t->domain));
        else if ((v4 && t->network.bits == 32) || (v6 && t->network.bits == 128))
            add_address(to, t->network.ip);
        else
            to->whole = false;
    }
    return st;
}

/* *out: every address of this server passes the record as it stands. */
static enum sgl_status passes(struct setup_work *w, const struct sgl_setup_row *row, sgl_view fresh,
                              bool *out)
{
    struct sgl_spf_request request = {.identity = SGL_SPF_MAILFROM, .helo = row->name.text};
    struct addresses ours;
    struct sgl_spf spf;
    enum sgl_status st = SGL_OK;

    *out = false;
    SGL_TRY(list_addresses(w, fresh, &ours));
    SGL_TRY(sgl_setup_text(w, &request.sender, "postmaster@%.*s", SGL_FMT(row->name.text)));
    *out = ours.whole && ours.count > 0;
    for (size_t i = 0; *out && i < ours.count; i++) {
        request.ip = ours.ip[i];
        st = sgl_join(st, sgl_spf_check(&request, w->dns, w->arena, &spf));
        *out = st != SGL_OK || spf.result == SGL_SPF_PASS;
    }
    return st;
}

/* ---- the row -------------------------------------------------------------------------------------------------------- */

static enum sgl_status compare(struct setup_work *w, struct sgl_setup_row *row,
                               const struct sgl_spf_build *build, size_t records)
{
    const struct sgl_spf_publish *publish = &build->record[0];

    if (!sgl_ascii_is_printable(publish->text))
        return SGL_E_MISUSE; /* the grammar of SPF allows no such bytes */
    row->value = publish->text;
    row->merged = records > 0 && !publish->unchanged;
    if (records > 1)
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, "spf-several",
                             "There are %zu SPF records at %.*s: receivers treat that as an error; "
                             "put this one in the place of them all.",
                             records, SGL_FMT(row->name.text));
    if (!publish->unchanged)
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, "spf-not-included",
                             "The SPF record of %.*s does not let this server send: put the merged "
                             "one in its place.",
                             SGL_FMT(row->name.text));
    if (sgl_findings_have(&build->findings, "spf-other-qualifier"))
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, "spf-other-qualifier",
                             "The SPF record of %.*s names this server, but with \"-\", \"~\" or "
                             "\"?\" in front: its mail does not pass; take that sign out.",
                             SGL_FMT(row->name.text));
    sgl_setup_is_present(row, publish->text);
    return SGL_OK;
}

/* One record, in which our terms do not stand: "mx" or an include may let this server send all the same. */
static enum sgl_status compare_one(struct setup_work *w, struct sgl_setup_row *row,
                                   const struct sgl_spf_build *build, sgl_view txt)
{
    bool pass = false;

    if (!build->record[0].unchanged)
        SGL_TRY(passes(w, row, row->value, &pass));
    if (!pass || !sgl_ascii_is_printable(txt))
        return compare(w, row, build, 1);
    sgl_setup_is_present(row, txt);
    return SGL_OK;
}

enum sgl_status sgl_setup_judge_spf(struct setup_work *w, struct sgl_setup_row *row)
{
    struct sgl_spf_build_request request = {
        .domain = row->name,
        .term = w->request->spf_term,
        .terms = w->request->spf_terms,
        /* senders that nobody has named yet must not fail on the day that the domain is set up */
        .policy = SGL_SPF_POLICY_GENTLE};
    struct sgl_spf_build build = {0};
    const struct sgl_dns_answer *txt;
    size_t records;
    bool near;

    SGL_TRY(sgl_setup_ask(w, row->name, SGL_RR_TXT, &txt));
    if (sgl_setup_is_unknown(txt))
        return sgl_setup_say_unknown(w, row, row->name, txt);
    SGL_TRY(sgl_spf_build(&request, w->dns, w->arena, &build));
    records = sgl_setup_count(txt, sgl_spf_is_record);
    SGL_TRY(sgl_setup_take_found(w, row, txt, sgl_spf_is_record));
    if (build.failed)
        return say_failed(w, row, &build);
    if (build.refused || build.records == 0)
        return say_refused(w, row, &build);
    if (records == 1)
        return compare_one(w, row, &build, sgl_setup_first(txt, sgl_spf_is_record));
    if (records > 1)
        return compare(w, row, &build, records);
    SGL_TRY(sgl_setup_near_miss(w, row, txt, SGL_LIT("v=spf1"), &near));
    return near ? SGL_OK : sgl_setup_say_missing(w, row, txt);
}
