/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/verdict by command line, for the Python tests: a JSON object a line on stdin, one a line on stdout.
 *
 *   {"op":"zone","zone":{NAME:{TYPE:[HEX,...],"alias":NAME,"else":OUTCOME}}}       what DNS says from here on
 *   {"op":"judge","message":HEX,"ip":...,"helo":HEX,"sender":HEX,"now":N,"rules":"rfc7489","sealers":[...]}
 *
 * A name that is not in the zone does not exist.  Each verdict is reached in several ways: answers all at once, the oldest or the newest question only; the body
 * with the header, or in pieces.  All must give the same.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "sigillo/ascii.h"
#include "sigillo/limits.h"
#include "sigillo/verdict.h"

enum driver { ALL_AT_ONCE, OLDEST_FIRST, NEWEST_FIRST, DRIVERS };
enum { RECORDS_MAX = 1024, LINKS_MAX = 10, SEALERS_MAX = 8 };

struct tool {
    struct sgl_crypto *crypto;
    json_t *request; /* that set what follows */
    json_t *zone;
    struct sgl_arena arena;
    unsigned passes, asked;
};

static json_t *text(sgl_view v)
{
    json_t *s = json_stringn(v.len == 0 ? "" : (const char *)v.ptr, v.len);

    return s == NULL ? json_string("(not UTF-8)") : s;
}

static sgl_view unhex(struct tool *t, const json_t *value)
{
    size_t len = json_string_length(value) / 2;
    const char *hex = json_string_value(value);
    uint8_t *out = sgl_arena_alloc(&t->arena, len);

    if (out == NULL)
        abort();
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(sgl_ascii_hex_value((uint8_t)hex[2 * i]) << 4 |
                           sgl_ascii_hex_value((uint8_t)hex[2 * i + 1]));
    return sgl_view_of(out, len);
}

/* ---- the zone ----------------------------------------------------------------------------------------------------- */

static enum sgl_dns_outcome outcome_named(const char *name)
{
    if (name == NULL || strcmp(name, "NODATA") == 0)
        return SGL_DNS_NODATA;
    return strcmp(name, "NXDOMAIN") == 0 ? SGL_DNS_NXDOMAIN : SGL_DNS_FAILED;
}

/* Follows aliases to where the records would be; *node is NULL when there is no such name. */
static const char *follow(const struct tool *t, const char *name, const char *type, json_t **node)
{
    for (int links = 0; links <= LINKS_MAX; links++) {
        const char *alias;

        *node = json_object_get(t->zone, name);
        alias = json_string_value(json_object_get(*node, "alias"));
        if (alias == NULL || json_object_get(*node, type) != NULL)
            return name;
        name = alias;
    }
    return NULL;
}

static void answer(struct tool *t, struct sgl_dns *dns, const struct sgl_dns_question *q)
{
    static sgl_view rdata[RECORDS_MAX];
    const char *asked = (const char *)q->name.text.ptr, *type = sgl_rr_name(q->type), *name;
    struct sgl_dns_raw raw = {.name = q->name, .type = q->type, .rdata = rdata, .ttl_s = 300};
    json_t *node = NULL, *records;

    t->asked++;
    name = follow(t, asked, type, &node);
    records = json_object_get(node, type);
    if (name == NULL) {
        raw.outcome = SGL_DNS_FAILED;
    } else if (node == NULL) {
        raw.outcome = SGL_DNS_NXDOMAIN;
    } else if (records == NULL) {
        raw.outcome = outcome_named(json_string_value(json_object_get(node, "else")));
    } else {
        raw.rdatas = json_array_size(records);
        for (size_t i = 0; i < raw.rdatas && i < RECORDS_MAX; i++)
            rdata[i] = unhex(t, json_array_get(records, i));
    }
    if (name != NULL && strcmp(name, asked) != 0)
        raw.canonical = sgl_view_cstr(name);
    if (sgl_dns_add_answer(dns, &raw) != SGL_OK)
        sgl_dns_fail(dns, q->name, q->type, "does not fit");
}

static void step(struct tool *t, struct sgl_dns *dns, enum driver driver)
{
    const struct sgl_dns_question *q = sgl_dns_next_open(dns, NULL), *newest = NULL;

    t->passes++;
    if (driver == OLDEST_FIRST) {
        answer(t, dns, q);
        return;
    }
    for (; q != NULL; q = sgl_dns_next_open(dns, q)) {
        if (driver == ALL_AT_ONCE)
            answer(t, dns, q);
        newest = q;
    }
    if (driver == NEWEST_FIRST)
        answer(t, dns, newest);
}

/* ---- judging ------------------------------------------------------------------------------------------------------ */

static json_t *spf_json(const struct sgl_spf *spf)
{
    return json_pack("{s:s, s:o}", "result", sgl_spf_result_name(spf->result), "domain",
                     text(spf->domain));
}

static json_t *dkim_json(const struct sgl_dkim_verdicts *dkim)
{
    json_t *list = json_array();

    for (size_t i = 0; i < dkim->count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o}", "result",
                                              sgl_dkim_result_name(dkim->item[i].result), "reason",
                                              dkim->item[i].reason, "domain",
                                              text(dkim->item[i].tags.domain), "selector",
                                              text(dkim->item[i].tags.selector)));
    return list;
}

static json_t *verdict_json(const struct sgl_verdict *v)
{
    sgl_auto(sgl_buf) field = SGL_BUF_INIT(1 << 20);

    if (sgl_authres_put(&v->results, &field) != SGL_OK)
        return json_pack("{s:b, s:s}", "ok", 0, "why", "the field cannot be written");
    return json_pack("{s:b, s:o, s:o, s:o, s:s, s:s, s:s, s:o, s:o, s:s, s:b, s:o}", "ok", 1, "spf",
                     v->spf_checked ? spf_json(&v->spf) : json_null(), "helo",
                     v->spf_checked ? spf_json(&v->spf_helo) : json_null(), "dkim",
                     dkim_json(&v->dkim), "arc", sgl_arc_result_name(v->arc.result), "arc_reason",
                     v->arc.reason, "dmarc", sgl_dmarc_result_name(v->dmarc.result), "author",
                     text(v->dmarc.author.text), "org", text(v->dmarc.org.text), "disposition",
                     sgl_dmarc_policy_name(v->disposition), "overridden", v->overridden, "field",
                     text(sgl_buf_view(&field)));
}

static json_t *failed(const char *why)
{
    return json_pack("{s:b, s:s}", "ok", 0, "why", why);
}

/* The whole verdict by one driver, the body in pieces of `chunk`; 0: along with the header. */
static json_t *judge(struct tool *t, const struct sgl_verdict_request *request, sgl_view message,
                     enum driver driver, size_t chunk)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(8u << 20);
    sgl_auto(sgl_dns) dns = {0};
    size_t off = sgl_view_find_view(message, SGL_LIT("\r\n\r\n")) + 4;
    struct sgl_verdict_state v;
    struct sgl_verdict verdict;
    enum sgl_status st;
    json_t *out;

    if (chunk == 0)
        off = message.len;
    t->passes = 1;
    t->asked = 0;
    sgl_dns_init(&dns, SGL_LIMIT_JUDGE_QUESTIONS);
    st = sgl_verdict_begin(&v, t->crypto, request, sgl_view_sub(message, 0, off), &arena, NULL);
    for (; off < message.len; off += chunk)
        sgl_verdict_body(&v, sgl_view_sub(message, off, chunk));
    if (st == SGL_OK)
        st = sgl_verdict_finish(&v, &dns, &verdict);
    while (st == SGL_NEED_DNS) {
        step(t, &dns, driver);
        st = sgl_verdict_finish(&v, &dns, &verdict);
    }
    out = st == SGL_OK ? verdict_json(&verdict) : failed(sgl_status_name(st));
    sgl_verdict_end(&v);
    return out;
}

static json_t *op_judge(struct tool *t, const json_t *in)
{
    const char *ip = json_string_value(json_object_get(in, "ip"));
    const json_t *sealers = json_object_get(in, "sealers");
    const char *rules = json_string_value(json_object_get(in, "rules"));
    sgl_view message = unhex(t, json_object_get(in, "message")), sealer[SEALERS_MAX];
    struct sgl_verdict_request request = {
        .sender = unhex(t, json_object_get(in, "sender")),
        .helo = unhex(t, json_object_get(in, "helo")),
        .authserv_id = SGL_LIT("mx.judge.test"),
        .now = json_integer_value(json_object_get(in, "now")),
        .rules = rules != NULL ? SGL_DMARC_RFC7489 : SGL_DMARC_RFC9989,
        .psl = sgl_psl_builtin(),
        .trust = {sealer, 0},
    };
    json_t *out;

    if (ip != NULL && sgl_ip_parse(sgl_view_cstr(ip), &request.ip) != SGL_OK)
        return failed("not an address");
    for (size_t i = 0; i < json_array_size(sealers) && i < SEALERS_MAX; i++)
        sealer[request.trust.sealers++] =
            sgl_view_cstr(json_string_value(json_array_get(sealers, i)));
    if (rules == NULL)
        request.psl = NULL;
    out = judge(t, &request, message, ALL_AT_ONCE, 0);
    if (json_is_false(json_object_get(in, "all_ways")))
        return out;
    for (enum driver driver = OLDEST_FIRST; driver < DRIVERS; driver++) {
        json_t *other = judge(t, &request, message, driver, 61);
        bool same = json_equal(out, other);

        json_decref(other);
        if (!same) {
            json_decref(out);
            return failed("the ways disagree");
        }
    }
    return out;
}

static json_t *op_zone(struct tool *t, json_t *in)
{
    json_decref(t->request);
    t->request = json_incref(in);
    t->zone = json_object_get(in, "zone");
    return json_pack("{s:b}", "ok", 1);
}

int main(void)
{
    struct tool t = {.crypto = sgl_crypto_new()};
    char *line = NULL;
    size_t size = 0;

    sgl_arena_init(&t.arena, 64 << 20);
    while (t.crypto != NULL && getline(&line, &size, stdin) > 0) {
        json_t *in = json_loads(line, 0, NULL), *out;
        const char *op = json_string_value(json_object_get(in, "op"));

        if (op == NULL)
            return 2;
        out = strcmp(op, "zone") == 0 ? op_zone(&t, in) : op_judge(&t, in);
        json_dumpf(out, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(out);
        json_decref(in);
        sgl_arena_reset(&t.arena);
    }
    free(line);
    json_decref(t.request);
    sgl_arena_done(&t.arena);
    sgl_crypto_free(t.crypto);
    return 0;
}
