/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/dmarc and lib/psl by command line, for the Python tests: a JSON object a line on stdin, one a line on stdout.
 *
 *   {"op":"zone","zone":{NAME:{"TXT":[...]} | "SERVFAIL"}}          what DNS says from now on: names not there do not exist
 *   {"op":"list","path":FILE}                                       the Public Suffix List to use
 *   {"op":"check","author":...,"spf":[AUTH,DOMAIN],"dkim":[[AUTH,DOMAIN]...],"rules":"rfc9989","guard":false,"sample":0,"driver":0}
 *   {"op":"destination","domain":...,"host":...}   {"op":"registrable","name":...}
 *   {"op":"author","header":HEX}   {"op":"parse","text":HEX}
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "sigillo/ascii.h"
#include "sigillo/buf.h"
#include "sigillo/dmarc.h"
#include "sigillo/idn.h"

#define IDS_MAX 64

static json_t *zone;
static struct sgl_psl *list;

struct tool {
    struct sgl_arena arena;
    struct sgl_dns dns;
    const json_t *in;
    size_t asked;
    int driver; /* 0: all that is open, 1: the oldest, 2: the newest */
};

static json_t *text(sgl_view v)
{
    json_t *s = json_stringn(v.len == 0 ? "" : (const char *)v.ptr, v.len);

    return s == NULL ? json_null() : s;
}

static json_t *failed(const char *why)
{
    return json_pack("{s:b, s:s}", "ok", 0, "why", why);
}

static sgl_view member(const struct tool *t, const char *name)
{
    return sgl_view_cstr(json_string_value(json_object_get(t->in, name)));
}

static sgl_view unhex(struct tool *t, const char *name)
{
    sgl_view hex = member(t, name);
    uint8_t *bytes = sgl_arena_alloc(&t->arena, hex.len / 2 + 1);

    for (size_t i = 0; i + 1 < hex.len; i += 2)
        bytes[i / 2] =
            (uint8_t)(sgl_ascii_hex_value(hex.ptr[i]) << 4 | sgl_ascii_hex_value(hex.ptr[i + 1]));
    return sgl_view_of(bytes, hex.len / 2);
}

static bool name_of(struct tool *t, sgl_view v, struct sgl_name *out)
{
    sgl_view ascii;

    return sgl_idn_to_ascii(v, &t->arena, &ascii) == SGL_OK &&
           sgl_name_parse(ascii, SGL_NAME_UNDERSCORE | SGL_NAME_FINAL_DOT, &t->arena, NULL, out) ==
               SGL_OK;
}

/* ---- DNS ---- */

static sgl_view strings(struct tool *t, const json_t *value)
{
    sgl_view v = sgl_view_of(json_string_value(value), json_string_length(value));
    uint8_t *wire = sgl_arena_alloc(&t->arena, v.len + v.len / 255 + 2);
    size_t len = 0;

    do {
        sgl_view part = sgl_view_sub(v, 0, 255);

        wire[len++] = (uint8_t)part.len;
        if (part.len > 0)
            memcpy(wire + len, part.ptr, part.len);
        len += part.len;
        v = sgl_view_from(v, part.len);
    } while (v.len > 0);
    return sgl_view_of(wire, len);
}

static void answer(struct tool *t, const struct sgl_dns_question *q)
{
    const json_t *node = json_object_getn(zone, (const char *)q->name.text.ptr, q->name.text.len);
    const json_t *records =
        json_is_object(node) ? json_object_get(node, sgl_rr_name(q->type)) : node;
    struct sgl_dns_raw raw = {.name = q->name, .type = q->type, .ttl_s = 300};
    sgl_view rdata[64];

    raw.rdata = rdata;
    if (node == NULL || sgl_view_eq(sgl_view_cstr(json_string_value(records)), SGL_LIT("NXDOMAIN")))
        raw.outcome = SGL_DNS_NXDOMAIN;
    else if (json_is_string(records))
        raw.outcome = SGL_DNS_FAILED;
    else if (json_array_size(records) == 0 || q->type != SGL_RR_TXT)
        raw.outcome = SGL_DNS_NODATA;
    for (size_t i = 0; raw.outcome == SGL_DNS_OK && i < json_array_size(records) && i < 64; i++)
        rdata[raw.rdatas++] = strings(t, json_array_get(records, i));
    if (sgl_dns_add_answer(&t->dns, &raw) != SGL_OK)
        sgl_dns_fail(&t->dns, q->name, q->type, "does not fit");
    t->asked++;
}

static void resolve(struct tool *t)
{
    const struct sgl_dns_question *q = sgl_dns_next_open(&t->dns, NULL), *newest = q;

    for (; q != NULL; q = sgl_dns_next_open(&t->dns, q)) {
        newest = q;
        if (t->driver != 2)
            answer(t, q);
        if (t->driver == 1)
            return;
    }
    if (t->driver == 2)
        answer(t, newest);
}

/* ---- the calls ---- */

static bool identifier(const json_t *pair, struct sgl_dmarc_identifier *out)
{
    sgl_view auth = sgl_view_cstr(json_string_value(json_array_get(pair, 0)));
    const json_t *domain = json_array_get(pair, 1);

    if (domain == NULL)
        return false;
    out->domain = sgl_view_of(json_string_value(domain), json_string_length(domain));
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

static json_t *verdict(const struct tool *t, const struct sgl_dmarc *d)
{
    json_t *asked = json_array();

    for (size_t i = 0; i < d->asked_count; i++)
        json_array_append_new(asked, json_sprintf("_dmarc.%.*s", SGL_FMT(d->asked[i].text)));
    return json_pack(
        "{s:b, s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:b, s:b, s:b, s:o, s:o, s:o, s:o, s:I}",
        "ok", 1, "result", sgl_dmarc_result_name(d->result), "reason", d->reason, "org",
        text(d->org.text), "policy_domain", text(d->policy_domain.text), "policy",
        policy(d->has_policy, d->policy), "requested", policy(d->has_policy, d->requested), "tag",
        d->tag, "disposition", sgl_dmarc_policy_name(d->disposition), "tested", d->tested,
        "spf_aligned", d->spf_aligned, "dkim_aligned", d->dkim_aligned, "record", text(d->record),
        "record_p", policy(d->parsed.has_p, d->parsed.p), "record_sp",
        policy(d->parsed.has_sp, d->parsed.sp), "asked", asked, "questions", (json_int_t)t->asked);
}

static json_t *op_check(struct tool *t)
{
    struct sgl_dmarc_identifier spf, dkim[IDS_MAX];
    struct sgl_dmarc_request q = {.dkim = dkim};
    const json_t *dkims = json_object_get(t->in, "dkim");
    enum sgl_status st;
    struct sgl_dmarc d;

    if (!name_of(t, member(t, "author"), &q.author))
        return failed("author");
    if (identifier(json_object_get(t->in, "spf"), &spf))
        q.spf = &spf;
    while (q.dkims < json_array_size(dkims) && q.dkims < IDS_MAX &&
           identifier(json_array_get(dkims, q.dkims), &dkim[q.dkims]))
        q.dkims++;
    q.rules =
        sgl_view_eq(member(t, "rules"), SGL_LIT("rfc7489")) ? SGL_DMARC_RFC7489 : SGL_DMARC_RFC9989;
    if (q.rules == SGL_DMARC_RFC7489 || json_is_true(json_object_get(t->in, "guard")))
        q.psl = list;
    q.sample = (unsigned)json_integer_value(json_object_get(t->in, "sample"));
    t->driver = (int)json_integer_value(json_object_get(t->in, "driver"));
    while ((st = sgl_dmarc_check(&q, &t->dns, &t->arena, &d)) == SGL_NEED_DNS)
        resolve(t);
    return st == SGL_OK ? verdict(t, &d) : failed(sgl_status_name(st));
}

static json_t *op_destination(struct tool *t)
{
    static const char *const word[] = {"own", "authorised", "refused", "temperror"};
    struct sgl_name domain, host;
    enum sgl_dmarc_destination got;
    enum sgl_status st;
    sgl_view rua;

    if (!name_of(t, member(t, "domain"), &domain) || !name_of(t, member(t, "host"), &host))
        return failed("name");
    while ((st = sgl_dmarc_destination(domain, host, &t->dns, &t->arena, &got, &rua)) ==
           SGL_NEED_DNS)
        resolve(t);
    if (st != SGL_OK)
        return failed(sgl_status_name(st));
    return json_pack("{s:b, s:s, s:o}", "ok", 1, "destination", word[got], "rua", text(rua));
}

static json_t *op_author(struct tool *t)
{
    struct sgl_headers headers;
    enum sgl_dmarc_author state;
    struct sgl_name domain = {{NULL, 0}};

    if (sgl_headers_parse(unhex(t, "header"), SGL_HEADERS_TOLERANT, &t->arena, &headers, NULL) !=
            SGL_OK ||
        sgl_dmarc_author(&headers, &t->arena, &state, &domain) != SGL_OK)
        return failed("header");
    return json_pack("{s:b, s:s, s:o}", "ok", 1, "state", sgl_dmarc_author_name(state), "domain",
                     state == SGL_DMARC_AUTHOR_OK ? text(domain.text) : json_null());
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
        json_array_append_new(rua, text(r.rua[i]));
    return json_pack("{s:b, s:o, s:o, s:b, s:b, s:b, s:i, s:o, s:o}", "ok", 1, "p",
                     policy(r.has_p, r.p), "sp", policy(r.has_sp, r.sp), "bad",
                     r.bad_p || r.bad_sp || r.bad_np, "strict_dkim", r.strict_dkim, "strict_spf",
                     r.strict_spf, "pct", (int)r.percent, "rua", rua, "findings", codes);
}

static json_t *op_registrable(struct tool *t)
{
    struct sgl_name name;

    if (!name_of(t, member(t, "name"), &name) || sgl_psl_is_suffix(list, name))
        return json_pack("{s:b, s:n}", "ok", 1, "domain");
    return json_pack("{s:b, s:o}", "ok", 1, "domain", text(sgl_psl_registrable(list, name).text));
}

/* To compare names in either form. */
static json_t *op_ascii(struct tool *t)
{
    struct sgl_name name;

    if (!name_of(t, member(t, "name"), &name))
        return failed("name");
    return json_pack("{s:b, s:o}", "ok", 1, "domain", text(name.text));
}

static json_t *op_zone(struct tool *t)
{
    json_decref(zone);
    zone = json_incref(json_object_get(t->in, "zone"));
    return json_pack("{s:b}", "ok", json_is_object(zone));
}

static json_t *op_list(struct tool *t)
{
    sgl_auto(sgl_buf) bytes = SGL_BUF_INIT(8u << 20);
    FILE *f = fopen(json_string_value(json_object_get(t->in, "path")), "rb");
    uint8_t piece[65536];
    size_t n;

    if (f == NULL)
        return failed("open");
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        sgl_buf_add(&bytes, sgl_view_of(piece, n));
    fclose(f);
    sgl_psl_free(list);
    list = NULL;
    if (sgl_psl_new(sgl_buf_view(&bytes), &list) != SGL_OK)
        return failed("not a list");
    return json_pack("{s:b}", "ok", 1);
}

static json_t *run(struct tool *t)
{
    static const struct {
        const char *op;
        json_t *(*run)(struct tool *t);
    } ops[] = {{"check", op_check},
               {"zone", op_zone},
               {"list", op_list},
               {"author", op_author},
               {"parse", op_parse},
               {"destination", op_destination},
               {"registrable", op_registrable},
               {"ascii", op_ascii}};

    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (sgl_view_eq(member(t, "op"), sgl_view_cstr(ops[i].op)))
            return ops[i].run(t);
    }
    return failed("op");
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;

    while (getline(&line, &room, stdin) > 0) {
        struct tool t = {.arena = SGL_ARENA_INIT(64u << 20)};
        json_t *in = json_loads(line, JSON_ALLOW_NUL, NULL), *out;

        if (in == NULL)
            abort();
        t.in = in;
        sgl_dns_init(&t.dns, 0);
        out = run(&t);
        json_dumpf(out, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(out);
        json_decref(in);
        sgl_dns_done(&t.dns);
        sgl_arena_done(&t.arena);
    }
    free(line);
    json_decref(zone);
    sgl_psl_free(list);
    return 0;
}
