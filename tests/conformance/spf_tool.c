/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/spf by command line, for the Python tests: a JSON object a line on stdin, one a line on stdout.
 *
 *   {"op":"zone","zone":{NAME:{TYPE:[HEX,...],"alias":NAME,"else":OUTCOME}},"failing":LABEL}    what DNS says from here on
 *   {"op":"check","ip":...,"sender":HEX,"helo":HEX,"identity":"mailfrom"|"helo","receiver":...,"now":N}
 *   {"op":"parse","text":HEX}
 *   {"op":"tree","domain":NAME}
 *
 * A name that is not in the zone does not exist; one that holds the label "failing" fails.  Each check is made by three drivers, which answer the open
 * questions all at once, the oldest only, or the newest only: they must agree.
 */
#include <jansson.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "sigillo/ascii.h"
#include "sigillo/spf.h"

enum driver { ALL_AT_ONCE, OLDEST_FIRST, NEWEST_FIRST, DRIVERS };
enum { RECORDS_MAX = 1024, LINKS_MAX = 10 };

struct tool {
    json_t *request; /* that set what follows */
    json_t *zone;
    const char *failing;
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
    if (name == NULL || (t->failing != NULL && strstr(asked, t->failing) != NULL)) {
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

/* ---- operations --------------------------------------------------------------------------------------------------- */

static json_t *spf_json(struct tool *t, const struct sgl_spf *spf)
{
    return json_pack("{s:b, s:s, s:o, s:o, s:o, s:i, s:i, s:o, s:s, s:o, s:i, s:i}", "ok", 1,
                     "result", sgl_spf_result_name(spf->result), "domain", text(spf->domain),
                     "sender", text(spf->sender), "mechanism", text(spf->mechanism), "lookups",
                     (int)spf->lookups, "void_lookups", (int)spf->void_lookups, "explanation",
                     text(spf->explanation), "problem", spf->problem, "problem_at",
                     text(spf->problem_at), "passes", (int)t->passes, "asked", (int)t->asked);
}

static json_t *check(struct tool *t, const struct sgl_spf_request *request, enum driver driver)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct sgl_spf spf;
    struct sgl_dns dns;
    enum sgl_status st;
    json_t *out;

    t->passes = t->asked = 0;
    sgl_dns_init(&dns, 0);
    while ((st = sgl_spf_check(request, &dns, &arena, &spf)) == SGL_NEED_DNS)
        step(t, &dns, driver);
    t->passes++;
    out = st == SGL_OK ? spf_json(t, &spf)
                       : json_pack("{s:b, s:s}", "ok", 0, "why", sgl_status_name(st));
    sgl_dns_done(&dns);
    return out;
}

/* What is the same whoever drives. */
static bool agree(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"ok",           "result",      "mechanism", "lookups",
                                       "void_lookups", "explanation", "problem",   "problem_at"};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const json_t *one = json_object_get(a, keys[i]), *other = json_object_get(b, keys[i]);

        if ((one != NULL || other != NULL) && !json_equal(one, other))
            return false;
    }
    return true;
}

static json_t *op_check(struct tool *t, const json_t *in)
{
    const char *identity = json_string_value(json_object_get(in, "identity"));
    struct sgl_spf_request request = {
        .sender = unhex(t, json_object_get(in, "sender")),
        .helo = unhex(t, json_object_get(in, "helo")),
        .identity =
            identity != NULL && strcmp(identity, "helo") == 0 ? SGL_SPF_HELO : SGL_SPF_MAILFROM,
        .receiver = sgl_view_cstr(json_string_value(json_object_get(in, "receiver"))),
        .now = json_integer_value(json_object_get(in, "now")),
    };
    json_t *out;

    if (sgl_ip_parse(sgl_view_cstr(json_string_value(json_object_get(in, "ip"))), &request.ip) !=
        SGL_OK)
        return json_pack("{s:b, s:s}", "ok", 0, "why", "not an address");
    out = check(t, &request, ALL_AT_ONCE);
    for (enum driver driver = OLDEST_FIRST; driver < DRIVERS; driver++) {
        json_t *other = check(t, &request, driver);
        bool same = agree(out, other);

        json_decref(other);
        if (!same) {
            json_decref(out);
            return json_pack("{s:b, s:s}", "ok", 0, "why", "the drivers disagree");
        }
    }
    return out;
}

static json_t *op_parse(struct tool *t, const json_t *in)
{
    sgl_view record = unhex(t, json_object_get(in, "text"));
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

static json_t *tree(struct tool *t, struct sgl_name domain, enum driver driver)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(16 << 20);
    struct sgl_spf_tree tree;
    struct sgl_dns dns;
    enum sgl_status st;
    json_t *out;

    sgl_dns_init(&dns, 2048);
    while ((st = sgl_spf_tree(domain, &dns, &arena, &tree)) == SGL_NEED_DNS)
        step(t, &dns, driver);
    out = st == SGL_OK ? tree_json(&tree)
                       : json_pack("{s:b, s:s}", "ok", 0, "why", sgl_status_name(st));
    sgl_dns_done(&dns);
    return out;
}

static json_t *op_tree(struct tool *t, const json_t *in)
{
    sgl_view text = sgl_view_cstr(json_string_value(json_object_get(in, "domain")));
    struct sgl_name domain;
    json_t *out;

    if (sgl_name_parse(text, SGL_NAME_UNDERSCORE, &t->arena, NULL, &domain) != SGL_OK)
        return json_pack("{s:b, s:s}", "ok", 0, "why", "not a name");
    out = tree(t, domain, ALL_AT_ONCE);
    for (enum driver driver = OLDEST_FIRST; driver < DRIVERS; driver++) {
        json_t *other = tree(t, domain, driver);
        bool same = json_equal(out, other);

        json_decref(other);
        if (!same) {
            json_decref(out);
            return json_pack("{s:b, s:s}", "ok", 0, "why", "the drivers disagree");
        }
    }
    return out;
}

static json_t *op_zone(struct tool *t, json_t *in)
{
    json_decref(t->request);
    t->request = json_incref(in);
    t->zone = json_object_get(in, "zone");
    t->failing = json_string_value(json_object_get(in, "failing"));
    return json_pack("{s:b}", "ok", 1);
}

int main(void)
{
    struct tool t = {NULL};
    char *line = NULL;
    size_t size = 0;

    (void)setlocale(LC_ALL, ""); /* the tests prove that it changes nothing */
    sgl_arena_init(&t.arena, 16 << 20);
    while (getline(&line, &size, stdin) > 0) {
        json_t *in = json_loads(line, 0, NULL), *out;
        const char *op = json_string_value(json_object_get(in, "op"));

        if (op == NULL)
            return 2;
        out = strcmp(op, "zone") == 0    ? op_zone(&t, in)
              : strcmp(op, "check") == 0 ? op_check(&t, in)
              : strcmp(op, "tree") == 0  ? op_tree(&t, in)
                                         : op_parse(&t, in);
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
    return 0;
}
