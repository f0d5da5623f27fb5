/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/spf by command line, for the Python tests (tool.h).
 *
 *   {"op":"zone","zone":{...},"failing":LABEL}    what DNS says from here on (zone.h)
 *   {"op":"check","ip":...,"sender":HEX,"helo":HEX,"identity":"mailfrom"|"helo","receiver":...,"now":N}
 *   {"op":"parse","text":HEX}
 *   {"op":"tree","domain":NAME}
 *
 * What asks DNS is done by three drivers, which answer the open questions all at once, the oldest only, or the newest only: they must agree.
 */
#include <locale.h>
#include <string.h>

#include "sigillo/spf.h"
#include "zone.h"

static json_t *spf_json(const struct sgl_spf *spf)
{
    return json_pack("{s:b, s:s, s:o, s:o, s:o, s:i, s:i, s:o, s:s, s:o}", "ok", 1, "result",
                     sgl_spf_result_name(spf->result), "domain", tool_text(spf->domain), "sender",
                     tool_text(spf->sender), "mechanism", tool_text(spf->mechanism), "lookups",
                     (int)spf->lookups, "void_lookups", (int)spf->void_lookups, "explanation",
                     tool_text(spf->explanation), "problem", spf->problem, "problem_at",
                     tool_text(spf->problem_at));
}

static json_t *check(struct tool *t, const void *request, enum zone_order order)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_dns) dns = {0};
    struct zone_driver driver = {.order = order};
    struct sgl_spf spf;
    enum sgl_status st;

    sgl_dns_init(&dns, 0);
    while ((st = sgl_spf_check(request, &dns, &arena, &spf)) == SGL_NEED_DNS)
        zone_step(t, &dns, &driver);
    return st == SGL_OK ? spf_json(&spf) : tool_failed(sgl_status_name(st));
}

static json_t *op_check(struct tool *t)
{
    struct sgl_spf_request request = {
        .sender = tool_unhex(t, json_object_get(t->in, "sender")),
        .helo = tool_unhex(t, json_object_get(t->in, "helo")),
        .identity = sgl_view_eq(tool_member(t, "identity"), SGL_LIT("helo")) ? SGL_SPF_HELO
                                                                             : SGL_SPF_MAILFROM,
        .receiver = tool_member(t, "receiver"),
        .now = json_integer_value(json_object_get(t->in, "now")),
    };

    if (sgl_ip_parse(tool_member(t, "ip"), &request.ip) != SGL_OK)
        return tool_failed("not an address");
    return zone_each_order(t, check, &request);
}

static json_t *op_parse(struct tool *t)
{
    sgl_view record = tool_unhex(t, json_object_get(t->in, "text"));
    struct sgl_spf_record parsed;
    struct sgl_diag diag = {0};

    if (!sgl_spf_is_record(record))
        return json_pack("{s:b, s:b}", "ok", 0, "record", 0);
    if (sgl_spf_parse(record, &t->arena, &parsed, &diag) != SGL_OK)
        return json_pack("{s:b, s:b, s:s, s:I}", "ok", 0, "record", 1, "why", diag.what, "off",
                         (json_int_t)diag.off);
    return json_pack("{s:b, s:b, s:I}", "ok", 1, "record", 1, "terms", (json_int_t)parsed.count);
}

static json_t *tree_json(const struct sgl_spf_tree *tree)
{
    json_t *errors = json_array(), *codes = json_array();

    for (const struct sgl_finding *f = tree->findings.first; f != NULL; f = f->next) {
        json_array_append_new(codes, json_string(f->code));
        if (f->severity == SGL_ERROR)
            json_array_append_new(errors, json_string(f->code));
    }
    return json_pack("{s:b, s:b, s:i, s:i, s:i, s:o, s:o}", "ok", 1, "failed", tree->failed,
                     "lookups", (int)tree->lookups, "void_lookups", (int)tree->void_lookups,
                     "void_lookups6", (int)tree->void_lookups6, "errors", errors, "codes", codes);
}

static json_t *tree(struct tool *t, const void *domain, enum zone_order order)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(16 << 20);
    sgl_auto(sgl_dns) dns = {0};
    struct zone_driver driver = {.order = order};
    struct sgl_spf_tree tree;
    enum sgl_status st;

    sgl_dns_init(&dns, 2048);
    while ((st = sgl_spf_tree(*(const struct sgl_name *)domain, &dns, &arena, &tree)) ==
           SGL_NEED_DNS)
        zone_step(t, &dns, &driver);
    return st == SGL_OK ? tree_json(&tree) : tool_failed(sgl_status_name(st));
}

static json_t *op_tree(struct tool *t)
{
    struct sgl_name domain;

    if (sgl_name_parse(tool_member(t, "domain"), SGL_NAME_UNDERSCORE, &t->arena, NULL, &domain) !=
        SGL_OK)
        return tool_failed("not a name");
    return zone_each_order(t, tree, &domain);
}

int main(void)
{
    static const struct tool_op ops[] = {{"zone", zone_op},
                                         {"check", op_check},
                                         {"parse", op_parse},
                                         {"tree", op_tree},
                                         {NULL, NULL}};
    int status;

    (void)setlocale(LC_ALL, ""); /* the tests prove that it changes nothing */
    status = tool_main(ops);
    zone_done();
    return status;
}
