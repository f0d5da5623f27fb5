/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/dmarc and lib/psl by command line, for the Python tests (tool.h).
 *
 *   {"op":"zone","zone":{...}}                                      what DNS says from now on (zone.h)
 *   {"op":"list","path":FILE}                                       the Public Suffix List to use
 *   {"op":"check","author":...,"spf":[AUTH,DOMAIN],"dkim":[[AUTH,DOMAIN]...],"rules":"rfc9989","guard":false,"sample":0,"driver":0}
 *   {"op":"destination","domain":...,"host":...}   {"op":"registrable","name":...}
 *   {"op":"author","header":HEX}   {"op":"parse","text":HEX}
 */
#include <stdio.h>
#include <stdlib.h>

#include "sigillo/dmarc.h"
#include "sigillo/idn.h"
#include "zone.h"

#define IDS_MAX 64

static struct sgl_psl *list;

static sgl_view unhex(struct tool *t, const char *name)
{
    return tool_unhex(t, json_object_get(t->in, name));
}

static bool name_of(struct tool *t, sgl_view v, struct sgl_name *out)
{
    sgl_view ascii;

    return sgl_idn_to_ascii(v, &t->arena, &ascii) == SGL_OK &&
           sgl_name_parse(ascii, SGL_NAME_UNDERSCORE | SGL_NAME_FINAL_DOT, &t->arena, NULL, out) ==
               SGL_OK;
}

/* ---- the calls ---- */

static bool identifier(const json_t *pair, struct sgl_dmarc_identifier *out)
{
    sgl_view auth = tool_string(json_array_get(pair, 0));
    const json_t *domain = json_array_get(pair, 1);

    if (domain == NULL)
        return false;
    out->domain = tool_string(domain);
    out->auth = SGL_DMARC_AUTH_FAIL;
    if (sgl_view_eq(auth, SGL_LIT("pass")))
        out->auth = SGL_DMARC_AUTH_PASS;
    if (sgl_view_eq(auth, SGL_LIT("temperror")))
        out->auth = SGL_DMARC_AUTH_TEMPERROR;
    return true;
}

static json_t *policy(bool has, enum sgl_dmarc_policy p)
{
    return has ? json_string(sgl_dmarc_policy_name(p)) : json_null();
}

static json_t *verdict(const struct sgl_dmarc *d, unsigned questions)
{
    json_t *asked = json_array();

    for (size_t i = 0; i < d->asked_count; i++)
        json_array_append_new(asked, json_sprintf("_dmarc.%.*s", SGL_FMT(d->asked[i].text)));
    return json_pack(
        "{s:b, s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:b, s:b, s:b, s:o, s:o, s:o, s:o, s:I}",
        "ok", 1, "result", sgl_dmarc_result_name(d->result), "reason", d->reason, "org",
        tool_text(d->org.text), "policy_domain", tool_text(d->policy_domain.text), "policy",
        policy(d->has_policy, d->policy), "requested", policy(d->has_policy, d->requested), "tag",
        d->tag, "disposition", sgl_dmarc_policy_name(d->disposition), "tested", d->tested,
        "spf_aligned", d->spf_aligned, "dkim_aligned", d->dkim_aligned, "record",
        tool_text(d->record), "record_p", policy(d->parsed.has_p, d->parsed.p), "record_sp",
        policy(d->parsed.has_sp, d->parsed.sp), "asked", asked, "questions", (json_int_t)questions);
}

static json_t *op_check(struct tool *t)
{
    struct sgl_dmarc_identifier spf, dkim[IDS_MAX];
    struct sgl_dmarc_request q = {.dkim = dkim};
    const json_t *dkims = json_object_get(t->in, "dkim");
    struct zone_driver driver = {
        .order = (enum zone_order)json_integer_value(json_object_get(t->in, "driver"))};
    sgl_auto(sgl_dns) dns = {0};
    enum sgl_status st;
    struct sgl_dmarc d;

    if (!name_of(t, tool_member(t, "author"), &q.author))
        return tool_failed("author");
    if (identifier(json_object_get(t->in, "spf"), &spf))
        q.spf = &spf;
    while (q.dkims < json_array_size(dkims) && q.dkims < IDS_MAX &&
           identifier(json_array_get(dkims, q.dkims), &dkim[q.dkims]))
        q.dkims++;
    q.rules = sgl_view_eq(tool_member(t, "rules"), SGL_LIT("rfc7489")) ? SGL_DMARC_RFC7489
                                                                       : SGL_DMARC_RFC9989;
    if (q.rules == SGL_DMARC_RFC7489 || json_is_true(json_object_get(t->in, "guard")))
        q.psl = list;
    q.sample = (unsigned)json_integer_value(json_object_get(t->in, "sample"));
    sgl_dns_init(&dns, 0);
    while ((st = sgl_dmarc_check(&q, &dns, &t->arena, &d)) == SGL_NEED_DNS)
        zone_step(t, &dns, &driver);
    return st == SGL_OK ? verdict(&d, driver.asked) : tool_failed(sgl_status_name(st));
}

static json_t *op_destination(struct tool *t)
{
    static const char *const word[] = {"own", "authorised", "refused", "temperror"};
    struct sgl_name domain, host;
    struct zone_driver driver = {.order = ALL_AT_ONCE};
    sgl_auto(sgl_dns) dns = {0};
    enum sgl_dmarc_destination got;
    enum sgl_status st;
    sgl_view rua;

    if (!name_of(t, tool_member(t, "domain"), &domain) ||
        !name_of(t, tool_member(t, "host"), &host))
        return tool_failed("name");
    sgl_dns_init(&dns, 0);
    while ((st = sgl_dmarc_destination(domain, host, &dns, &t->arena, &got, &rua)) == SGL_NEED_DNS)
        zone_step(t, &dns, &driver);
    if (st != SGL_OK)
        return tool_failed(sgl_status_name(st));
    return json_pack("{s:b, s:s, s:o}", "ok", 1, "destination", word[got], "rua", tool_text(rua));
}

static json_t *op_author(struct tool *t)
{
    struct sgl_headers headers;
    enum sgl_dmarc_author state;
    struct sgl_name domain = {{NULL, 0}};

    if (sgl_headers_parse(unhex(t, "header"), SGL_HEADERS_TOLERANT, &t->arena, &headers, NULL) !=
            SGL_OK ||
        sgl_dmarc_author(&headers, &t->arena, &state, &domain) != SGL_OK)
        return tool_failed("header");
    return json_pack("{s:b, s:s, s:o}", "ok", 1, "state", sgl_dmarc_author_name(state), "domain",
                     state == SGL_DMARC_AUTHOR_OK ? tool_text(domain.text) : json_null());
}

static json_t *op_parse(struct tool *t)
{
    struct sgl_name domain = {SGL_LIT("example.org")};
    struct sgl_dmarc_record r;
    struct sgl_findings findings = {0};
    struct sgl_diag diag = {0};
    sgl_view in = unhex(t, "text");
    json_t *rua = json_array(), *codes = json_array();

    if (sgl_dmarc_lint(domain, in, &t->arena, &findings) != SGL_OK)
        abort();
    for (const struct sgl_finding *f = findings.first; f != NULL; f = f->next)
        json_array_append_new(codes, json_string(f->code));
    if (sgl_dmarc_parse(in, &t->arena, &r, &diag) != SGL_OK) {
        json_decref(rua);
        return json_pack("{s:b, s:s, s:o}", "ok", 0, "why", diag.what, "findings", codes);
    }
    for (size_t i = 0; i < r.ruas; i++)
        json_array_append_new(rua, tool_text(r.rua[i]));
    return json_pack("{s:b, s:o, s:o, s:b, s:b, s:b, s:i, s:o, s:o}", "ok", 1, "p",
                     policy(r.has_p, r.p), "sp", policy(r.has_sp, r.sp), "bad",
                     r.bad_p || r.bad_sp || r.bad_np, "strict_dkim", r.strict_dkim, "strict_spf",
                     r.strict_spf, "pct", (int)r.percent, "rua", rua, "findings", codes);
}

static json_t *op_registrable(struct tool *t)
{
    struct sgl_name name;

    if (!name_of(t, tool_member(t, "name"), &name) || sgl_psl_is_suffix(list, name))
        return json_pack("{s:b, s:n}", "ok", 1, "domain");
    return json_pack("{s:b, s:o}", "ok", 1, "domain",
                     tool_text(sgl_psl_registrable(list, name).text));
}

/* To compare names in either form. */
static json_t *op_ascii(struct tool *t)
{
    struct sgl_name name;

    if (!name_of(t, tool_member(t, "name"), &name))
        return tool_failed("name");
    return json_pack("{s:b, s:o}", "ok", 1, "domain", tool_text(name.text));
}

static json_t *op_list(struct tool *t)
{
    sgl_auto(sgl_buf) bytes = SGL_BUF_INIT(8u << 20);
    FILE *f = fopen(json_string_value(json_object_get(t->in, "path")), "rb");
    uint8_t piece[65536];
    size_t n;

    if (f == NULL)
        return tool_failed("open");
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        sgl_buf_add(&bytes, sgl_view_of(piece, n));
    fclose(f);
    sgl_psl_free(list);
    list = NULL;
    if (sgl_psl_new(sgl_buf_view(&bytes), &list) != SGL_OK)
        return tool_failed("not a list");
    return json_pack("{s:b}", "ok", 1);
}

int main(void)
{
    static const struct tool_op ops[] = {{"check", op_check},
                                         {"zone", zone_op},
                                         {"list", op_list},
                                         {"author", op_author},
                                         {"parse", op_parse},
                                         {"destination", op_destination},
                                         {"registrable", op_registrable},
                                         {"ascii", op_ascii},
                                         {NULL, NULL}};
    int status = tool_main(ops);

    zone_done();
    sgl_psl_free(list);
    return status;
}
