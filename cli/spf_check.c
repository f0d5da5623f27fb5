/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo spf check */
#include <stdlib.h>
#include <string.h>

#include "lookup.h"
#include "sigillo/spf.h"
#include "verbs.h"

#define ARENA_MAX ((size_t)4 << 20)
#define SHOWN_MAX 2048
#define COST_MAX  8 /* columns of the table between terms and results: 2 + 4 + 2 */
#define LABEL     "%-10s"
#define MARGIN    10
#define WIDTH     80

/* ---- text ------------------------------------------------------------------------------------------------------------ */

/* "unknown mechanism: foo" */
static void put_problem(const struct sgl_spf *spf, struct sgl_buf *out)
{
    sgl_buf_add_cstr(out, spf->problem);
    if (spf->problem_at.len > 0) {
        sgl_buf_add(out, SGL_LIT(": "));
        sgl_buf_add_escaped(out, spf->problem_at, 200);
    }
}

static const char *outcome_name(enum sgl_spf_outcome outcome)
{
    switch (outcome) {
    case SGL_SPF_MATCHED:
        return "match";
    case SGL_SPF_NOT_MATCHED:
        return "no match";
    case SGL_SPF_TERM_TEMPERROR:
        return "temperror";
    case SGL_SPF_TERM_PERMERROR:
        return "permerror";
    case SGL_SPF_ENTERED:
        return "entered";
    }
    return "?";
}

/* ---- JSON ------------------------------------------------------------------------------------------------------------ */

static json_t *trace_json(const struct sgl_spf *spf)
{
    json_t *list = json_array();

    for (size_t i = 0; i < spf->steps; i++) {
        const struct sgl_spf_step *s = &spf->step[i];

        json_array_append_new(
            list,
            json_pack("{s:i, s:o, s:o, s:o, s:s, s:s, s:i, s:i}", "depth", (int)s->depth, "domain",
                      cli_json_text(s->domain), "term", cli_json_text(s->term), "target",
                      cli_json_text(s->target), "outcome", outcome_name(s->outcome), "why", s->why,
                      "lookups", (int)s->lookups, "void_lookups", (int)s->void_lookups));
    }
    return list;
}

static int print_json(const struct sgl_spf *spf, const struct sgl_spf_request *request)
{
    sgl_auto(sgl_buf) problem = SGL_BUF_INIT(SHOWN_MAX), field = SGL_BUF_INIT(8 * SHOWN_MAX);

    put_problem(spf, &problem);
    if (sgl_spf_put_received(spf, request, &field) != SGL_OK || problem.status != SGL_OK)
        return cli_error(CLI_UNKNOWN, "spf check", "out of memory");
    return cli_print_json(
        json_pack("{s:s, s:o, s:o, s:i, s:i, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "result",
                  sgl_spf_result_name(spf->result), "domain", cli_json_text(spf->domain),
                  "mechanism", cli_json_text(spf->mechanism), "lookups", (int)spf->lookups,
                  "void_lookups", (int)spf->void_lookups, "explanation",
                  cli_json_text(spf->explanation), "problem", cli_json_text(sgl_buf_view(&problem)),
                  "identity", spf->identity == SGL_SPF_MAILFROM ? "mailfrom" : "helo", "sender",
                  cli_json_text(spf->sender), "record", cli_json_text(spf->record), "received_spf",
                  cli_json_text(sgl_buf_view(&field)), "trace", trace_json(spf)));
}

/* ---- for people ------------------------------------------------------------------------------------------------------ */

/* Words of foreign text behind a label, as many a line as fit. */
static void print_wrapped(const char *label, sgl_view text)
{
    sgl_auto(sgl_buf) escaped = SGL_BUF_INIT(5 * SHOWN_MAX);

    if (text.len == 0)
        return;
    sgl_buf_add_escaped(&escaped, text, SHOWN_MAX);
    printf(LABEL, label);
    cli_put_folded(stdout, sgl_buf_view(&escaped), MARGIN);
}

/* The step in which the record that step `i` enters is left again. */
static const struct sgl_spf_step *outcome_of(const struct sgl_spf *spf, size_t i)
{
    const struct sgl_spf_step *s = &spf->step[i];

    if (s->outcome != SGL_SPF_ENTERED)
        return s;
    for (i++; i < spf->steps; i++) {
        if (spf->step[i].depth == s->depth)
            return &spf->step[i];
    }
    return s;
}

static const char *result_of(const struct sgl_spf_step *s)
{
    return s->why[0] == 0 ? outcome_name(s->outcome) : s->why;
}

/* What the longest result leaves for the terms. */
static size_t room_for_terms(const struct sgl_spf *spf)
{
    size_t widest = strlen("RESULT");

    for (size_t i = 0; i < spf->steps; i++) {
        size_t len = strlen(result_of(&spf->step[i]));

        widest = len > widest ? len : widest;
    }
    return WIDTH - COST_MAX - widest;
}

static void add_cut(struct cli_table *t, struct sgl_buf *cell, size_t room)
{
    const char *text;

    if (cell->len > room) {
        sgl_buf_truncate(cell, room - 3);
        sgl_buf_add(cell, SGL_LIT("..."));
    }
    text = sgl_cstr(cell);
    cli_table_add(t, text == NULL ? "?" : text);
}

static void add_step(struct cli_table *t, const struct sgl_spf_step *entry,
                     const struct sgl_spf_step *s, size_t room)
{
    sgl_auto(sgl_buf) cell = SGL_BUF_INIT(5 * SHOWN_MAX);
    char cost[16];

    snprintf(cost, sizeof(cost), "%u", s->lookups);
    if (s->void_lookups > 0)
        snprintf(cost, sizeof(cost), "%u/%u", s->lookups, s->void_lookups);
    sgl_buf_addf(&cell, "%*s", (int)(2 * entry->depth), "");
    sgl_buf_add_escaped(&cell, entry->term, SHOWN_MAX);
    add_cut(t, &cell, room);
    cli_table_add(t, cost);
    cli_table_add(t, result_of(s));
    if (sgl_view_find(entry->term, '%') == entry->term.len || entry->target.len == 0)
        return;
    sgl_buf_reset(&cell); /* what its macros came to */
    sgl_buf_addf(&cell, "%*s= ", (int)(2 * entry->depth), "");
    sgl_buf_add_escaped(&cell, entry->target, SHOWN_MAX);
    add_cut(t, &cell, room);
    cli_table_add(t, "");
    cli_table_add(t, "");
}

static void print_trace(const struct cli *c, const struct sgl_spf *spf)
{
    static const char *const head[] = {"TERM", "COST", "RESULT"};
    bool left[64] = {false}; /* by depth: the next step there is the outcome of one shown already */
    size_t room = room_for_terms(spf);
    struct cli_table t;

    if (spf->steps == 0)
        return;
    putchar('\n');
    cli_table_init(&t, 3, head);
    for (size_t i = 0; i < spf->steps; i++) {
        const struct sgl_spf_step *s = &spf->step[i];
        bool *shown = &left[s->depth % 64];

        if (!*shown)
            add_step(&t, s, outcome_of(spf, i), room);
        *shown = !*shown && s->outcome == SGL_SPF_ENTERED;
    }
    cli_table_print(c, &t, stdout);
    cli_table_done(&t);
}

static const char *colour_of(const struct cli *c, enum sgl_spf_result result)
{
    if (result == SGL_SPF_PASS)
        return cli_green(c);
    return result == SGL_SPF_FAIL || result == SGL_SPF_PERMERROR ? cli_red(c) : cli_yellow(c);
}

static void print_text(const struct cli *c, const struct sgl_spf *spf,
                       const struct sgl_spf_request *request)
{
    sgl_auto(sgl_buf) problem = SGL_BUF_INIT(SHOWN_MAX);
    char ip[SGL_IP_TEXT_SIZE];

    put_problem(spf, &problem);
    printf(LABEL "%s%s%s\n", "result", colour_of(c, spf->result), sgl_spf_result_name(spf->result),
           cli_plain(c));
    printf(LABEL "%.*s\n", "client", SGL_FMT(sgl_ip_text(&request->ip, ip)));
    print_wrapped(spf->identity == SGL_SPF_MAILFROM ? "mail from" : "helo", spf->sender);
    print_wrapped("domain", spf->domain);
    print_wrapped("record", spf->record);
    print_wrapped("decided", spf->mechanism);
    print_wrapped("problem", sgl_buf_view(&problem));
    print_wrapped("it says", spf->explanation);
    printf(LABEL "%u of 10 lookups, %u of 2 without an answer\n", "cost", spf->lookups,
           spf->void_lookups);
    print_trace(c, spf);
}

/* ---- the verb -------------------------------------------------------------------------------------------------------- */

static bool take_request(const struct cli *c, struct sgl_spf_request *q, int *status)
{
    const char *ip = cli_text(c, "--ip"), *from = cli_text(c, "--from");
    sgl_view sender = sgl_view_cstr(from);

    q->helo = sgl_view_cstr(cli_text(c, "--helo"));
    q->receiver = sgl_view_cstr(cli_text(c, "--receiver"));
    q->identity = from == NULL ? SGL_SPF_HELO : SGL_SPF_MAILFROM;
    q->trace = true;
    *status = CLI_USAGE;
    if (ip == NULL || sgl_ip_parse(sgl_view_cstr(ip), &q->ip) != SGL_OK) {
        cli_error(CLI_USAGE, "--ip",
                  ip == NULL ? "it is needed: the client's address"
                             : "must be an IPv4 or IPv6 address");
        return false;
    }
    if (from == NULL && q->helo.len == 0) {
        cli_error(CLI_USAGE, "--from", "it is needed, or --helo: who says to be sending");
        return false;
    }
    if (sender.len > 1 && sender.ptr[0] == '<' && sender.ptr[sender.len - 1] == '>')
        sender = sgl_view_sub(sender, 1, sender.len - 2);
    if (from != NULL && sender.len == 0 && q->helo.len == 0) {
        cli_error(CLI_USAGE, "--helo", "it is needed: the null sender has no domain of its own");
        return false;
    }
    q->sender = sender;
    return lookup_now(c, &q->now, status);
}

static int judge(struct cli *c, const struct sgl_spf_request *request, struct lookup *l)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ARENA_MAX);
    struct sgl_spf spf;
    enum sgl_status st;

    while ((st = sgl_spf_check(request, &l->dns, &arena, &spf)) == SGL_NEED_DNS)
        lookup_fill(l);
    if (st != SGL_OK)
        return cli_error(CLI_UNKNOWN, c->verb->name, "%s", sgl_status_name(st));
    if (!c->json)
        print_text(c, &spf, request);
    else if (print_json(&spf, request) != CLI_YES)
        return CLI_UNKNOWN;
    if (spf.result == SGL_SPF_TEMPERROR)
        return CLI_UNKNOWN;
    return spf.result == SGL_SPF_PASS ? CLI_YES : CLI_NO;
}

static int check_run(struct cli *c)
{
    struct sgl_spf_request request = {.trace = true};
    struct lookup l;
    int status;

    if (!take_request(c, &request, &status) || !lookup_init(&l, c, 0, &status))
        return status;
    status = judge(c, &request, &l);
    lookup_done(&l);
    return status;
}

static const struct cli_option check_options[] = {
    {"--ip", "IP", "address of the client that sends", false},
    {"--from", "ADDRESS", "sender of the envelope; '' is the null sender", false},
    {"--helo", "NAME", "what the client says with HELO or EHLO", false},
    {"--receiver", "NAME", "host that judges, for %{r} (default: unknown)", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_spf_check = {
    "spf check",
    "",
    "tells whether SPF lets a client send for a domain, and which term says so",
    check_options,
    0,
    0,
    check_run,
    "Without --from the HELO name itself is judged.\n"
    "COST counts the terms that asked, and behind the slash those to which the answer was "
    "nothing.\n"
    "Exit status: 0 pass; 1 fail, softfail, neutral, none, permerror; 3 temperror.",
    CLI_DNS};
