/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/verdict by command line, for the Python tests (tool.h).
 *
 *   {"op":"zone","zone":{...}}       what DNS says from here on (zone.h)
 *   {"op":"judge","message":HEX,"ip":...,"helo":HEX,"sender":HEX,"now":N,"rules":"rfc7489","sealers":[...]}
 *
 * Each verdict is reached in several ways: answers all at once, the oldest or the newest question only; the body with the header, or in pieces.  All must give the
 * same.
 */
#include "sigillo/limits.h"
#include "sigillo/verdict.h"
#include "zone.h"

enum { SEALERS_MAX = 8, PIECE = 61 };

static struct sgl_crypto *crypto;

struct order {
    struct sgl_verdict_request request;
    sgl_view message;
};

static json_t *spf_json(const struct sgl_spf *spf)
{
    return json_pack("{s:s, s:o}", "result", sgl_spf_result_name(spf->result), "domain",
                     tool_text(spf->domain));
}

static json_t *dkim_json(const struct sgl_dkim_verdicts *dkim)
{
    json_t *list = json_array();

    for (size_t i = 0; i < dkim->count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o}", "result",
                                              sgl_dkim_result_name(dkim->item[i].result), "reason",
                                              dkim->item[i].reason, "domain",
                                              tool_text(dkim->item[i].tags.domain), "selector",
                                              tool_text(dkim->item[i].tags.selector)));
    return list;
}

static json_t *verdict_json(const struct sgl_verdict *v)
{
    sgl_auto(sgl_buf) field = SGL_BUF_INIT(1 << 20);

    if (sgl_authres_put(&v->results, &field) != SGL_OK)
        return tool_failed("the field cannot be written");
    return json_pack("{s:b, s:o, s:o, s:o, s:s, s:s, s:s, s:o, s:o, s:s, s:b, s:o}", "ok", 1, "spf",
                     v->spf_checked ? spf_json(&v->spf) : json_null(), "helo",
                     v->spf_checked ? spf_json(&v->spf_helo) : json_null(), "dkim",
                     dkim_json(&v->dkim), "arc", sgl_arc_result_name(v->arc.result), "arc_reason",
                     v->arc.reason, "dmarc", sgl_dmarc_result_name(v->dmarc.result), "author",
                     tool_text(v->dmarc.author.text), "org", tool_text(v->dmarc.org.text),
                     "disposition", sgl_dmarc_policy_name(v->disposition), "overridden",
                     v->overridden, "field", tool_text(sgl_buf_view(&field)));
}

/* The whole verdict by one driver, the body in pieces or, when all is answered at once, along with the header. */
static json_t *judge(struct tool *t, const void *what, enum zone_order way)
{
    const struct order *o = what;
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(8u << 20);
    sgl_auto(sgl_dns) dns = {0};
    struct zone_driver driver = {.order = way};
    size_t off = sgl_view_find_view(o->message, SGL_LIT("\r\n\r\n")) + 4;
    struct sgl_verdict_state v;
    struct sgl_verdict verdict;
    enum sgl_status st;
    json_t *out;

    if (way == ALL_AT_ONCE)
        off = o->message.len;
    sgl_dns_init(&dns, SGL_LIMIT_JUDGE_QUESTIONS);
    st = sgl_verdict_begin(&v, crypto, &o->request, sgl_view_sub(o->message, 0, off), &arena, NULL);
    for (; off < o->message.len; off += PIECE)
        sgl_verdict_body(&v, sgl_view_sub(o->message, off, PIECE));
    if (st == SGL_OK)
        st = sgl_verdict_finish(&v, &dns, &verdict);
    while (st == SGL_NEED_DNS) {
        zone_step(t, &dns, &driver);
        st = sgl_verdict_finish(&v, &dns, &verdict);
    }
    out = st == SGL_OK ? verdict_json(&verdict) : tool_failed(sgl_status_name(st));
    sgl_verdict_end(&v);
    return out;
}

static json_t *op_judge(struct tool *t)
{
    const json_t *sealers = json_object_get(t->in, "sealers");
    const sgl_view ip = tool_member(t, "ip");
    const bool by_list = tool_member(t, "rules").ptr != NULL;
    sgl_view sealer[SEALERS_MAX];
    struct order order = {
        .request = {.sender = tool_unhex(t, json_object_get(t->in, "sender")),
                    .helo = tool_unhex(t, json_object_get(t->in, "helo")),
                    .authserv_id = SGL_LIT("mx.judge.test"),
                    .now = json_integer_value(json_object_get(t->in, "now")),
                    .rules = by_list ? SGL_DMARC_RFC7489 : SGL_DMARC_RFC9989,
                    .psl = by_list ? sgl_psl_builtin() : NULL,
                    .trust = {sealer, 0}},
        .message = tool_unhex(t, json_object_get(t->in, "message")),
    };

    if (ip.ptr != NULL && sgl_ip_parse(ip, &order.request.ip) != SGL_OK)
        return tool_failed("not an address");
    for (size_t i = 0; i < json_array_size(sealers) && i < SEALERS_MAX; i++)
        sealer[order.request.trust.sealers++] = tool_string(json_array_get(sealers, i));
    if (json_is_false(json_object_get(t->in, "all_ways")))
        return judge(t, &order, ALL_AT_ONCE);
    return zone_each_order(t, judge, &order);
}

int main(void)
{
    static const struct tool_op ops[] = {{"zone", zone_op}, {"judge", op_judge}, {NULL, NULL}};
    int status = 2;

    crypto = sgl_crypto_new();
    if (crypto != NULL)
        status = tool_main(ops);
    zone_done();
    sgl_crypto_free(crypto);
    return status;
}
