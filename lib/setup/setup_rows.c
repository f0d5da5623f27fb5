/* SPDX-License-Identifier: Apache-2.0 */
/* What a domain publishes, when nothing is there yet. */
#include <stdarg.h>
#include <stdio.h>

#include "setup_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sigillo/limits.h"
#include "sigillo/mta_sts.h"
#include "sigillo/tlsrpt.h"

#define ROWS_MAX  (SGL_SETUP_PURPOSES + SGL_LIMIT_SETUP_SELECTORS)
#define VALUE_MAX 8192

/* ---- rows --------------------------------------------------------------------------------------------------------- */

struct sgl_setup_row *sgl_setup_row_for(struct setup_work *w, enum sgl_setup_purpose purpose)
{
    for (size_t i = 0; i < w->s->rows; i++) {
        if (w->row[i].purpose == purpose)
            return &w->row[i];
    }
    return NULL;
}

enum sgl_status sgl_setup_text(struct setup_work *w, sgl_view *out, const char *format, ...)
{
    char line[VALUE_MAX];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof line)
        return SGL_E_LIMIT;
    return sgl_arena_dup(w->arena, sgl_view_of(line, (size_t)len), out);
}

/* `labels` in front of `base`; none: base itself. A name that cannot exist is the domain's fault. */
static enum sgl_status add_row(struct setup_work *w, enum sgl_setup_purpose purpose,
                               enum sgl_rr type, const char *labels, struct sgl_name base)
{
    struct sgl_setup_row *row = &w->row[w->s->rows];
    enum sgl_status st;

    *row = (struct sgl_setup_row){.purpose = purpose, .type = type, .name = base, .code = ""};
    row->required =
        purpose == SGL_SETUP_OWNERSHIP || purpose == SGL_SETUP_SPF || purpose == SGL_SETUP_DKIM;
    if (labels != NULL) {
        st = sgl_name_under(sgl_view_cstr(labels), base, w->arena, &row->name);
        if (st == SGL_E_LIMIT && w->arena->status == SGL_OK)
            return SGL_E_SYNTAX;
        SGL_TRY(st);
    }
    w->s->rows++;
    return SGL_OK;
}

static struct sgl_setup_row *last(struct setup_work *w)
{
    return &w->row[w->s->rows - 1];
}

static enum sgl_status take_value(struct setup_work *w, struct sgl_buf *value)
{
    if (value->status == SGL_E_SYNTAX)
        return SGL_E_MISUSE;
    SGL_TRY(value->status);
    return sgl_arena_dup(w->arena, sgl_buf_view(value), &last(w)->value);
}

/* ---- the domain's own ----------------------------------------------------------------------------------------------- */

static bool is_token(sgl_view token)
{
    for (size_t i = 0; i < token.len; i++) {
        uint8_t c = token.ptr[i];

        if (!sgl_ascii_is_alnum(c) && c != '-' && c != '_')
            return false;
    }
    return token.len <= SGL_SETUP_TOKEN_MAX;
}

static enum sgl_status add_ownership(struct setup_work *w)
{
    const struct sgl_setup_request *r = w->request;

    if (r->token.len == 0)
        return SGL_OK;
    if (!is_token(r->token))
        return SGL_E_MISUSE;
    SGL_TRY(add_row(w, SGL_SETUP_OWNERSHIP, SGL_RR_TXT, NULL, r->domain));
    return sgl_setup_text(w, &last(w)->value, SGL_SETUP_TOKEN_PREFIX "%.*s", SGL_FMT(r->token));
}

/* Is each a mechanism that lets a server send, and not everybody? */
static bool all_pass(const struct sgl_spf_record *record, size_t terms)
{
    bool pass = record->count == terms + 1;

    for (size_t i = 0; pass && i < terms; i++)
        pass =
            record->term[i].qualifier == SGL_SPF_PASS && record->term[i].mechanism != SGL_SPF_ALL;
    return pass;
}

/* Other senders of the domain, not named yet, must not fail on the day that it is set up: "~all". */
static enum sgl_status add_spf(struct setup_work *w, enum sgl_setup_purpose purpose,
                               struct sgl_name name)
{
    const struct sgl_setup_request *r = w->request;
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(VALUE_MAX);
    struct sgl_spf_record parsed;
    enum sgl_status st;

    if (r->spf_terms == 0)
        return SGL_OK;
    SGL_TRY(add_row(w, purpose, SGL_RR_TXT, NULL, name));
    sgl_buf_add(&text, SGL_LIT("v=spf1"));
    for (size_t i = 0; i < r->spf_terms; i++) {
        if (!sgl_ascii_is_printable(r->spf_term[i]) ||
            sgl_view_find(r->spf_term[i], ' ') < r->spf_term[i].len)
            return SGL_E_MISUSE;
        sgl_buf_add_byte(&text, ' ');
        sgl_buf_add(&text, r->spf_term[i]);
    }
    sgl_buf_add(&text, SGL_LIT(" ~all"));
    SGL_TRY(take_value(w, &text));
    st = sgl_spf_parse(last(w)->value, w->arena, &parsed, NULL);
    return st == SGL_E_SYNTAX || (st == SGL_OK && !all_pass(&parsed, r->spf_terms)) ? SGL_E_MISUSE
                                                                                    : st;
}

static enum sgl_status add_selector(struct setup_work *w, const struct sgl_setup_selector *s)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(VALUE_MAX);
    bool is_alias = !sgl_name_is_root(s->alias);
    char labels[SGL_LIMIT_NAME_TEXT];
    int len = snprintf(labels, sizeof labels, "%.*s._domainkey", SGL_FMT(s->name));

    if (!sgl_name_ok(s->name, SGL_NAME_HOST | SGL_NAME_UNDERSCORE))
        return SGL_E_MISUSE;
    if (len < 0 || (size_t)len >= sizeof labels)
        return SGL_E_SYNTAX;
    SGL_TRY(add_row(w, s->signs ? SGL_SETUP_DKIM : SGL_SETUP_DKIM2,
                    is_alias ? SGL_RR_CNAME : SGL_RR_TXT, labels, w->request->domain));
    if (is_alias)
        return sgl_setup_text(w, &last(w)->value, "%.*s.", SGL_FMT(s->alias.text));
    SGL_TRY(sgl_dkim_key_record(s->algorithm, s->public_key, &text));
    return take_value(w, &text);
}

static enum sgl_status add_selectors(struct setup_work *w)
{
    const struct sgl_setup_request *r = w->request;

    if (r->selectors > SGL_LIMIT_SETUP_SELECTORS)
        return SGL_E_MISUSE;
    for (size_t i = 0; i < r->selectors; i++)
        SGL_TRY(add_selector(w, &r->selector[i]));
    return SGL_OK;
}

static enum sgl_status add_dmarc(struct setup_work *w)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(VALUE_MAX);
    struct sgl_dmarc_record record = {.has_p = true, .percent = 100, .interval_s = 86400};
    sgl_view rua = w->request->dmarc_rua;
    struct sgl_name host;
    enum sgl_status st;

    if (rua.len == 0)
        SGL_TRY(sgl_setup_text(w, &rua, "mailto:dmarc@%.*s", SGL_FMT(w->request->domain.text)));
    record.fo = SGL_DMARC_FO_ALL;
    record.rua = &rua;
    record.ruas = 1;
    SGL_TRY(add_row(w, SGL_SETUP_DMARC, SGL_RR_TXT, "_dmarc", w->request->domain));
    st = sgl_dmarc_uri_host(rua, w->arena, &host);
    if (st == SGL_OK)
        st = sgl_dmarc_put(&record, &text);
    if (st == SGL_E_SYNTAX || (st == SGL_E_LIMIT && w->arena->status == SGL_OK))
        return SGL_E_MISUSE;
    SGL_TRY(st);
    return take_value(w, &text);
}

/* ---- the return path ------------------------------------------------------------------------------------------------ */

/* [RFC 7208 s2.4, RFC 9989 s4.4.2] The bounce address is of a subdomain, which aligns with the domain, and whose MX is this server. */
static enum sgl_status add_return(struct setup_work *w)
{
    const struct sgl_setup_request *r = w->request;

    if (sgl_name_is_root(r->return_path))
        return SGL_OK;
    if (!sgl_name_is_at_or_below(r->return_path, r->domain) ||
        sgl_name_eq(r->return_path, r->domain) || sgl_name_is_root(r->return_mx))
        return SGL_E_MISUSE;
    SGL_TRY(add_row(w, SGL_SETUP_RETURN_MX, SGL_RR_MX, NULL, r->return_path));
    SGL_TRY(sgl_setup_text(w, &last(w)->value, "10 %.*s.", SGL_FMT(r->return_mx.text)));
    return add_spf(w, SGL_SETUP_RETURN_SPF, r->return_path);
}

/* ---- TLS ------------------------------------------------------------------------------------------------------------ */

static enum sgl_status add_mta_sts(struct setup_work *w)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(VALUE_MAX);
    struct sgl_mta_sts_record record = {.id = w->request->sts_id};

    if (record.id.len == 0)
        return SGL_OK;
    SGL_TRY(add_row(w, SGL_SETUP_MTA_STS, SGL_RR_TXT, "_mta-sts", w->request->domain));
    SGL_TRY(sgl_mta_sts_record_put(&record, &text));
    SGL_TRY(take_value(w, &text));
    if (sgl_name_is_root(w->request->sts_host))
        return SGL_OK;
    SGL_TRY(add_row(w, SGL_SETUP_MTA_STS_HOST, SGL_RR_CNAME, "mta-sts", w->request->domain));
    return sgl_setup_text(w, &last(w)->value, "%.*s.", SGL_FMT(w->request->sts_host.text));
}

static enum sgl_status add_tlsrpt(struct setup_work *w)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(VALUE_MAX);
    struct sgl_tlsrpt_uri uri = {.text = w->request->tls_rua};
    struct sgl_tlsrpt_record record = {.rua = &uri, .count = 1};

    if (!w->request->tlsrpt)
        return SGL_OK;
    if (uri.text.len == 0)
        SGL_TRY(sgl_setup_text(w, &uri.text, "mailto:tls-reports@%.*s",
                               SGL_FMT(w->request->domain.text)));
    SGL_TRY(add_row(w, SGL_SETUP_TLSRPT, SGL_RR_TXT, "_smtp._tls", w->request->domain));
    SGL_TRY(sgl_tlsrpt_put(&record, &text));
    return take_value(w, &text);
}

/* ---- a parked domain ------------------------------------------------------------------------------------------------ */

/* [RFC 6376 s3.6.1] A wildcard with an empty key: every selector that somebody may name is revoked. */
static enum sgl_status add_no_keys(struct setup_work *w)
{
    char text[SGL_LIMIT_NAME_TEXT + 1];
    int len = snprintf(text, sizeof text, "*._domainkey.%.*s", SGL_FMT(w->request->domain.text));

    if (len < 0 || (size_t)len >= sizeof text)
        return SGL_E_SYNTAX;
    SGL_TRY(add_row(w, SGL_SETUP_DKIM, SGL_RR_TXT, NULL, w->request->domain));
    last(w)->value = SGL_LIT("v=DKIM1; p=");
    last(w)->required = false;
    return sgl_name_parse(sgl_view_of(text, (size_t)len), SGL_NAME_ANY, w->arena, NULL,
                          &last(w)->name);
}

static enum sgl_status add_parked(struct setup_work *w)
{
    struct sgl_spf_build_request build = {
        .domain = w->request->domain, .parked = true, .offline = true, .existing = SGL_LIT("")};
    struct sgl_spf_build made;

    SGL_TRY(sgl_spf_build(&build, NULL, w->arena, &made));
    if (made.records < 2)
        return SGL_E_SYNTAX; /* no name is left for DMARC */
    SGL_TRY(add_row(w, SGL_SETUP_SPF, SGL_RR_TXT, NULL, w->request->domain));
    last(w)->value = made.record[0].text;
    SGL_TRY(add_row(w, SGL_SETUP_DMARC, SGL_RR_TXT, "_dmarc", w->request->domain));
    last(w)->value = made.record[1].text;
    last(w)->required = true;
    SGL_TRY(add_row(w, SGL_SETUP_NULL_MX, SGL_RR_MX, NULL, w->request->domain));
    last(w)->value = SGL_LIT("0 .");
    last(w)->required = true;
    return add_no_keys(w);
}

/* ---- the whole ------------------------------------------------------------------------------------------------------ */

void sgl_setup_set_zone(struct setup_work *w, struct sgl_name zone)
{
    w->s->zone = zone;
    for (size_t i = 0; i < w->s->rows; i++) {
        struct sgl_setup_row *row = &w->row[i];
        sgl_view name = row->name.text;

        row->zone = zone;
        row->relative = sgl_name_eq(row->name, zone) ? SGL_LIT("@")
                        : sgl_name_is_root(zone)
                            ? name
                            : sgl_view_sub(name, 0, name.len - zone.text.len - 1);
    }
}

static struct sgl_name guess_zone(const struct sgl_setup_request *r)
{
    return r->psl == NULL ? r->domain : sgl_psl_registrable(r->psl, r->domain);
}

enum sgl_status sgl_setup_make_rows(struct setup_work *w)
{
    const struct sgl_setup_request *r = w->request;
    bool given = !sgl_name_is_root(r->zone);

    if (sgl_name_is_root(r->domain) || !sgl_name_is_at_or_below(r->domain, r->zone))
        return SGL_E_MISUSE;
    w->row = SGL_NEW_N(w->arena, ROWS_MAX, struct sgl_setup_row);
    if (w->row == NULL)
        return w->arena->status;
    w->s->domain = r->domain;
    w->s->row = w->row;
    w->s->zone_known = given;
    if (r->parked) {
        SGL_TRY(add_parked(w));
    } else {
        SGL_TRY(add_ownership(w));
        SGL_TRY(add_spf(w, SGL_SETUP_SPF, r->domain));
        SGL_TRY(add_selectors(w));
        SGL_TRY(add_dmarc(w));
        SGL_TRY(add_return(w));
        SGL_TRY(add_mta_sts(w));
        SGL_TRY(add_tlsrpt(w));
    }
    sgl_setup_set_zone(w, given ? r->zone : guess_zone(r));
    return SGL_OK;
}

enum sgl_status sgl_setup_rows(const struct sgl_setup_request *request, struct sgl_arena *arena,
                               struct sgl_setup *out)
{
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    struct sgl_setup made = {0};
    struct setup_work w = {.request = request, .arena = arena, .s = &made};
    enum sgl_status st = sgl_setup_make_rows(&w);

    if (st != SGL_OK) {
        sgl_arena_rewind(arena, mark);
        return st;
    }
    *out = made;
    return SGL_OK;
}
