/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo spf build [options] DOMAIN | --parked DOMAIN... */
#include "sigillo/spf_build.h"

#include <string.h>

#include "findings.h"
#include "lookup.h"
#include "spf.h"
#include "verbs.h"

#define DOMAINS_MAX 1000
#define OUTPUT_MAX  (16u * 1024 * 1024)

/* ---- options ---- */

static bool take_words(const struct cli *c, struct sgl_spf_build_request *r)
{
    const char *cloud = cli_text(c, "--m365"), *policy = cli_text(c, "--policy");

    if (cloud != NULL && !sgl_spf_m365_parse(sgl_view_cstr(cloud), &r->m365)) {
        cli_error(CLI_USAGE, "--m365", "must be worldwide, gcc, gcchigh, dod or 21vianet");
        return false;
    }
    if (policy != NULL && !sgl_spf_policy_parse(sgl_view_cstr(policy), &r->policy)) {
        cli_error(CLI_USAGE, "--policy", "must be hard, soft or neutral");
        return false;
    }
    return true;
}

static size_t count(const struct cli *c, const char *option)
{
    size_t n = 0;

    while (cli_nth(c, option, n) != NULL)
        n++;
    return n;
}

static bool take_networks(const struct cli *c, struct sgl_arena *arena,
                          struct sgl_spf_build_request *r)
{
    struct sgl_ip_prefix *list = SGL_NEW_N(arena, count(c, "--ip"), struct sgl_ip_prefix);
    const char *text;

    for (; list != NULL && (text = cli_nth(c, "--ip", r->networks)) != NULL; r->networks++) {
        if (sgl_ip_prefix_parse(sgl_view_cstr(text), &list[r->networks]) != SGL_OK) {
            cli_error(CLI_USAGE, "--ip", "%s is not an address or a network: 192.0.2.0/24", text);
            return false;
        }
    }
    r->network = list;
    return list != NULL;
}

static bool take_includes(const struct cli *c, struct sgl_arena *arena,
                          struct sgl_spf_build_request *r)
{
    struct sgl_name *list = SGL_NEW_N(arena, count(c, "--include"), struct sgl_name);
    const char *text;

    for (; list != NULL && (text = cli_nth(c, "--include", r->includes)) != NULL; r->includes++) {
        if (!spf_name("--include", text, arena, &list[r->includes]))
            return false;
    }
    r->include = list;
    return list != NULL;
}

/* "NAME:INCLUDE" */
static bool take_subdomain(const char *text, struct sgl_arena *arena, struct sgl_spf_subdomain *out)
{
    sgl_view service, label = sgl_view_split(sgl_view_cstr(text), ':', &service);
    const char *name = sgl_arena_cstr(arena, label);

    if (service.len == 0 || label.len == 0 || name == NULL) {
        cli_error(CLI_USAGE, "--subdomain", "must be NAME:INCLUDE, like news:sendgrid.net");
        return false;
    }
    return spf_name("--subdomain", name, arena, &out->name) &&
           spf_name("--subdomain", (const char *)service.ptr, arena, &out->include);
}

static bool take_subdomains(const struct cli *c, struct sgl_arena *arena,
                            struct sgl_spf_build_request *r)
{
    struct sgl_spf_subdomain *list =
        SGL_NEW_N(arena, count(c, "--subdomain"), struct sgl_spf_subdomain);
    const char *text;

    for (; list != NULL && (text = cli_nth(c, "--subdomain", r->subdomains)) != NULL;
         r->subdomains++) {
        if (!take_subdomain(text, arena, &list[r->subdomains]))
            return false;
    }
    r->subdomain = list;
    return list != NULL;
}

/* What does not go together is refused rather than left out of sight. */
static bool check_together(const struct cli *c)
{
    static const char *const senders[] = {"--m365", "--ip", "--include", "--subdomain", "--policy"};

    if (!cli_flag(c, "--parked") && c->arguments > 1) {
        cli_error(CLI_USAGE, c->argument[1], "several domains can be given with --parked only");
        return false;
    }
    if (cli_text(c, "--existing") != NULL && c->arguments > 1) {
        cli_error(CLI_USAGE, "--existing", "must be the record of one domain");
        return false;
    }
    for (size_t i = 0; cli_flag(c, "--parked") && i < sizeof senders / sizeof senders[0]; i++) {
        if (cli_text(c, senders[i]) != NULL) {
            cli_error(CLI_USAGE, senders[i], "a parked domain sends nothing");
            return false;
        }
    }
    return true;
}

static bool take_options(const struct cli *c, struct sgl_arena *arena,
                         struct sgl_spf_build_request *r)
{
    *r = (struct sgl_spf_build_request){.parked = cli_flag(c, "--parked"),
                                        .offline = cli_flag(c, "--offline"),
                                        .existing = sgl_view_cstr(cli_text(c, "--existing"))};
    return check_together(c) && take_words(c, r) && take_networks(c, arena, r) &&
           take_includes(c, arena, r) && take_subdomains(c, arena, r);
}

/* ---- output ---- */

/* All domains together: nothing is printed before all are done. */
struct output {
    const struct cli *c;
    struct sgl_buf lines;
    json_t *records, *problems;
    int status;
};

static void put_text(struct output *o, const struct sgl_spf_publish *p, struct sgl_arena *arena)
{
    const char *value = sgl_arena_cstr(arena, p->text);

    sgl_buf_addf(&o->lines, "%.*s TXT ", SGL_FMT(p->name.text));
    if (value != NULL)
        records_put_txt(&o->lines, value);
    sgl_buf_add_byte(&o->lines, '\n');
}

static void put_json(struct output *o, const struct sgl_spf_publish *p)
{
    json_t *one = json_pack("{s:o, s:s, s:o, s:b, s:o, s:i, s:i}", "name",
                            findings_string(p->name.text), "type", "TXT", "value",
                            findings_string(p->text), "unchanged", p->unchanged ? 1 : 0, "replaces",
                            p->replaces.len == 0 ? json_null() : findings_string(p->replaces),
                            "lookups", (int)p->lookups, "void_lookups", (int)p->void_lookups);

    json_array_append_new(o->records, one);
}

static void say_replaced(const struct sgl_spf_publish *p)
{
    sgl_auto(sgl_buf) old = SGL_BUF_INIT(1 << 16);

    if (p->replaces.len == 0 && !p->unchanged)
        return;
    sgl_buf_add_escaped(&old, p->replaces, 2000);
    fprintf(stderr, "sigillo: info: %.*s: %s%.*s%s\n", SGL_FMT(p->name.text),
            p->unchanged ? "published already, as it is" : "it takes the place of \"",
            p->unchanged ? 0 : (int)old.len, (const char *)old.data, p->unchanged ? "" : "\"");
}

static void take_result(struct output *o, const struct sgl_spf_build *b, struct sgl_arena *arena)
{
    if (o->c->json) {
        json_t *problems = findings_json(&b->findings);

        json_array_extend(o->problems, problems);
        json_decref(problems);
    } else {
        findings_warn(&b->findings);
    }
    for (size_t i = 0; i < b->records; i++) {
        put_text(o, &b->record[i], arena);
        put_json(o, &b->record[i]);
        if (!o->c->json)
            say_replaced(&b->record[i]);
    }
    if (b->refused)
        o->status = CLI_NO;
    else if (b->failed && o->status == CLI_YES)
        o->status = CLI_UNKNOWN;
}

static int print_all(struct output *o)
{
    int printed;

    if (o->status != CLI_YES) { /* half of what was asked for helps nobody */
        json_array_clear(o->records);
        sgl_buf_reset(&o->lines);
    }
    if (!o->c->json) {
        if (o->lines.status != SGL_OK)
            return cli_error(CLI_UNKNOWN, "memory", "there is none left");
        fwrite(o->lines.data, 1, o->lines.len, stdout);
        return o->status;
    }
    printed =
        cli_print_json(json_pack("{s:O, s:O}", "records", o->records, "problems", o->problems));
    return printed == CLI_YES ? o->status : printed;
}

/* ---- the verb ---- */

static bool build_one(struct output *o, struct lookup *l, struct sgl_spf_build_request *request,
                      const char *domain)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SPF_ARENA);
    struct sgl_spf_build built;
    enum sgl_status st;

    if (!spf_name("spf build", domain, &arena, &request->domain)) {
        o->status = CLI_USAGE;
        return false;
    }
    while ((st = sgl_spf_build(request, &l->dns, &arena, &built)) == SGL_NEED_DNS)
        lookup_fill(l);
    if (st != SGL_OK) {
        o->status = cli_error(CLI_USAGE, domain, "that is more than can be built at once: %s",
                              sgl_status_name(st));
        return false;
    }
    take_result(o, &built, &arena);
    lookup_reset(l);
    return true;
}

static int build_run(struct cli *c)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SPF_ARENA);
    struct output o = {.c = c, .lines = SGL_BUF_INIT(OUTPUT_MAX), .status = CLI_YES};
    struct sgl_spf_build_request request;
    bool whole = true;
    struct lookup l;
    int status;

    if (!take_options(c, &arena, &request))
        return CLI_USAGE;
    if (!lookup_init(&l, c, SPF_QUESTIONS, &status))
        return status;
    o.records = json_array();
    o.problems = json_array();
    for (size_t i = 0; i < c->arguments && whole; i++)
        whole = build_one(&o, &l, &request, c->argument[i]);
    status = whole ? print_all(&o) : o.status;
    json_decref(o.records);
    json_decref(o.problems);
    sgl_buf_done(&o.lines);
    lookup_done(&l);
    return status;
}

static const struct cli_option build_options[] = {
    {"--m365", "KIND", "Microsoft 365 sends: worldwide, gcc, gcchigh, dod or 21vianet", false},
    {"--ip", "IP/NET", "this server or network of your own sends", true},
    {"--include", "NAME", "this service sends: the name that it wants included", true},
    {"--subdomain", "NAME:INCLUDE", "this service sends for a subdomain with a record of its own",
     true},
    {"--policy", "POLICY", "all others: hard (-all), soft (~all) or neutral (?all)", false},
    {"--parked", NULL, "the domain sends no mail and gets none; several domains may be given",
     false},
    {"--existing", "RECORD", "merge into this record instead of the one that is published", false},
    {"--offline", NULL, "ask no DNS: merge into nothing, count no nested includes", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_spf_build = {
    "spf build",
    "DOMAIN",
    "makes the TXT records to publish, merged into what is there",
    build_options,
    1,
    DOMAINS_MAX,
    build_run,
    "One record a line, as NAME TXT \"...\"; what is worth knowing goes to standard\n"
    "error. The record that is published is merged into: its terms, their order and\n"
    "its policy stay unless --policy asks for another (the default of a new record is\n"
    "hard). Exit 1 when receivers would treat the result as broken, 3 when DNS does not\n"
    "say what is published: nothing is printed then.",
    CLI_DNS};
