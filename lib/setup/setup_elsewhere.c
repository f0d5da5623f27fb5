/* SPDX-License-Identifier: Apache-2.0 */
/* Records that stand at a name close by, because of what forms add to the host that is typed in; and wildcards, which answer where nothing stands. */
#include "setup_internal.h"
#include "sigillo/banned.h"
#include "sigillo/limits.h"
#include "sigillo/mta_sts.h"
#include "sigillo/tlsrpt.h"

/* ---- is it ours? ---------------------------------------------------------------------------------------------------- */

static bool is_key_like(sgl_view txt)
{
    return sgl_setup_holds(txt, SGL_LIT("p=")) &&
           (sgl_setup_holds(txt, SGL_LIT("v=DKIM1")) || sgl_setup_holds(txt, SGL_LIT("k=")));
}

static bool is_kind(const struct sgl_setup_row *row, sgl_view txt)
{
    switch (row->purpose) {
    case SGL_SETUP_OWNERSHIP:
        return sgl_view_starts_nocase(txt, SGL_LIT(SGL_SETUP_TOKEN_PREFIX));
    case SGL_SETUP_SPF:
    case SGL_SETUP_RETURN_SPF:
        return sgl_spf_is_record(txt);
    case SGL_SETUP_DKIM:
    case SGL_SETUP_DKIM2:
        return is_key_like(txt);
    case SGL_SETUP_DMARC:
        return sgl_dmarc_is_record(txt);
    case SGL_SETUP_MTA_STS:
        return sgl_mta_sts_is_record(txt);
    case SGL_SETUP_TLSRPT:
        return sgl_tlsrpt_is_record(txt);
    case SGL_SETUP_RETURN_MX:
    case SGL_SETUP_MTA_STS_HOST:
    case SGL_SETUP_NULL_MX:
        break;
    }
    return false;
}

/* Where the record of another name may rightly stand only what is ours to the letter counts. */
struct place {
    const char *code;
    bool exact;
};

static enum sgl_status is_record(struct setup_work *w, const struct sgl_setup_row *row,
                                 const struct sgl_dns_rr *rr, bool exact, bool *out)
{
    const struct sgl_setup_selector *s = sgl_setup_selector_of(w, row);

    if (row->type == SGL_RR_MX) {
        *out =
            row->purpose == SGL_SETUP_RETURN_MX && sgl_name_eq(rr->mx.host, w->request->return_mx);
        return SGL_OK;
    }
    if (row->type == SGL_RR_CNAME) {
        *out = s != NULL ? sgl_name_eq(rr->name, s->alias)
                         : sgl_name_eq(rr->name, w->request->sts_host);
        return SGL_OK;
    }
    if (exact && s != NULL && !w->request->parked)
        return sgl_setup_is_key(w, s, rr->txt, out);
    *out = exact ? sgl_view_eq(rr->txt, row->value) : is_kind(row, rr->txt);
    return SGL_OK;
}

static enum sgl_status say_elsewhere(struct setup_work *w, struct sgl_setup_row *row,
                                     const struct place *place, struct sgl_name at)
{
    struct sgl_name name = row->name;
    sgl_view host = row->relative;

    SGL_TRY(sgl_setup_text(w, &row->found, "at %.*s", SGL_FMT(at.text)));
    if (strcmp(place->code, "subdomain-forgotten") == 0)
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, place->code,
                             "The record stands at %.*s instead of %.*s: in the zone %.*s the host "
                             "to enter is \"%.*s\".",
                             SGL_FMT(at.text), SGL_FMT(name.text), SGL_FMT(w->s->zone.text),
                             SGL_FMT(host));
    if (strcmp(place->code, "no-underscore") == 0)
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, place->code,
                             "The record stands at %.*s, without the underscore: its name is %.*s.",
                             SGL_FMT(at.text), SGL_FMT(name.text));
    if (strcmp(place->code, "dmarc-at-domain") == 0)
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, place->code,
                             "The DMARC record stands at the domain itself, where no receiver "
                             "looks for it: its name is %.*s.",
                             SGL_FMT(name.text));
    return sgl_setup_say(w, row, SGL_SETUP_WRONG, place->code,
                         "The record stands at %.*s: the form adds \".%.*s\" by itself, so the "
                         "host to enter is only \"%.*s\".",
                         SGL_FMT(at.text), SGL_FMT(w->s->zone.text), SGL_FMT(host));
}

/* One name. *found stays when it is not there. */
static enum sgl_status look_at(struct setup_work *w, struct sgl_setup_row *row,
                               const struct place *place, struct sgl_name at, bool *found)
{
    const struct sgl_dns_answer *answer;

    SGL_TRY(sgl_setup_ask(w, at, row->type, &answer));
    if (sgl_setup_is_unknown(answer))
        return SGL_OK;
    for (size_t i = 0; i < answer->count && !*found; i++)
        SGL_TRY(is_record(w, row, &answer->rr[i], place->exact, found));
    return *found ? say_elsewhere(w, row, place, at) : SGL_OK;
}

/* ---- names close by ------------------------------------------------------------------------------------------------- */

static const struct place doubled = {"doubled-name", false},
                          forgotten = {"subdomain-forgotten", true},
                          bare = {"no-underscore", false}, apex = {"dmarc-at-domain", false};

#define PLACES_MAX 5
struct places {
    struct {
        const struct place *place;
        struct sgl_name name;
    } at[PLACES_MAX];
    size_t count;
};

/* A name that cannot be is no place. */
static enum sgl_status add_place(struct setup_work *w, struct places *to, const struct place *place,
                                 sgl_view labels, struct sgl_name base)
{
    enum sgl_status st = sgl_name_under(labels, base, w->arena, &to->at[to->count].name);

    if (st == SGL_E_SYNTAX || (st == SGL_E_LIMIT && w->arena->status == SGL_OK))
        return SGL_OK;
    SGL_TRY(st);
    to->at[to->count++].place = place;
    return SGL_OK;
}

/* The name without its underscores; *len 0: it has none. */
static void without_underscores(sgl_view name, uint8_t to[SGL_LIMIT_NAME_TEXT], size_t *len)
{
    *len = 0;
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] != '_')
            to[(*len)++] = name.ptr[i];
    }
    if (*len == name.len)
        *len = 0;
}

static enum sgl_status list_places(struct setup_work *w, const struct sgl_setup_row *row,
                                   struct places *to)
{
    struct sgl_name domain = w->s->domain, zone = w->s->zone, name = row->name;
    struct sgl_name root = {{NULL, 0}};
    uint8_t text[SGL_LIMIT_NAME_TEXT];
    bool is_zone = sgl_name_eq(domain, zone);
    size_t own = name.text.len - domain.text.len, len;

    to->count = 0;
    SGL_TRY(add_place(w, to, &doubled, name.text, zone));
    if (!is_zone)
        SGL_TRY(add_place(w, to, &doubled, name.text, domain));
    if (!is_zone && own > 0)
        SGL_TRY(add_place(w, to, &forgotten, sgl_view_sub(name.text, 0, own - 1), zone));
    if (!is_zone && own == 0) {
        to->at[to->count].name = zone;
        to->at[to->count++].place = &forgotten;
    }
    without_underscores(name.text, text, &len);
    if (len > 0)
        SGL_TRY(add_place(w, to, &bare, sgl_view_of(text, len), root));
    if (row->purpose == SGL_SETUP_DMARC) {
        to->at[to->count].name = domain;
        to->at[to->count++].place = &apex;
    }
    return SGL_OK;
}

enum sgl_status sgl_setup_look_elsewhere(struct setup_work *w, struct sgl_setup_row *row)
{
    enum sgl_status st = SGL_OK;
    struct places places;
    bool found = false;

    SGL_TRY(list_places(w, row, &places));
    for (size_t i = 0; i < places.count; i++)
        sgl_dns_want(w->dns, places.at[i].name, row->type);
    for (size_t i = 0; i < places.count && !found; i++)
        st = sgl_join(st, look_at(w, row, places.at[i].place, places.at[i].name, &found));
    return st;
}

/* ---- wildcards  [RFC 4592 s2.1.1] ----------------------------------------------------------------------------------- */

static bool same_record(enum sgl_rr type, const struct sgl_dns_rr *a, const struct sgl_dns_rr *b)
{
    if (type == SGL_RR_MX)
        return a->mx.preference == b->mx.preference && sgl_name_eq(a->mx.host, b->mx.host);
    if (type == SGL_RR_CNAME)
        return sgl_name_eq(a->name, b->name);
    return sgl_view_eq(a->txt, b->txt);
}

static bool same_answer(const struct sgl_dns_answer *a, const struct sgl_dns_answer *b)
{
    bool same =
        a->count == b->count && a->aliased == b->aliased && (a->count > 0 || a->aliased) &&
        sgl_name_eq(a->aliased ? a->canonical : b->name, a->aliased ? b->canonical : b->name);

    for (size_t i = 0; same && i < a->count; i++)
        same = same_record(a->type, &a->rr[i], &b->rr[i]);
    return same;
}

enum sgl_status sgl_setup_look_for_wildcard(struct setup_work *w, struct sgl_setup_row *row,
                                            sgl_view fresh)
{
    const struct sgl_dns_answer *here, *there;
    struct sgl_name probe;
    enum sgl_status st;

    if (sgl_name_eq(row->name, w->s->zone))
        return SGL_OK;
    st = sgl_name_under(SGL_LIT(SETUP_NO_SUCH), sgl_name_parent(row->name), w->arena, &probe);
    if (st == SGL_E_LIMIT && w->arena->status == SGL_OK)
        return SGL_OK;
    SGL_TRY(st);
    st = sgl_setup_ask(w, row->name, row->type, &here);
    SGL_TRY(sgl_join(st, sgl_setup_ask(w, probe, row->type, &there)));
    if (sgl_setup_is_unknown(here) || sgl_setup_is_unknown(there) || !same_answer(here, there))
        return SGL_OK;
    row->value = fresh;
    row->merged = false;
    row->old_count = 0;
    return sgl_setup_say(w, row, SGL_SETUP_MISSING, "wildcard",
                         "Nothing of its own stands at %.*s, a wildcard answers there: publish the "
                         "record, it comes before the wildcard.",
                         SGL_FMT(row->name.text));
}
