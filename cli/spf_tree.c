/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo spf tree DOMAIN */
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

#include "findings.h"
#include "lookup.h"
#include "name.h"
#include "sigillo/spf.h"
#include "spf.h"
#include "verbs.h"

#define TERM_COLUMNS 62 /* branches and term; behind them the costs */
#define DEPTH_MAX    32

bool spf_name(const char *what, const char *text, struct sgl_arena *arena, struct sgl_name *out)
{
    if (name_parse(sgl_view_cstr(text), SGL_NAME_UNDERSCORE, arena, NULL, out))
        return true;
    cli_error(CLI_USAGE, what, "must be a domain name, not %s", text);
    return false;
}

/* ---- drawing ---- */

struct branches { /* how a tree looks */
    const char *fork, *last, *pass, *none;
};
static const struct branches lines = {"├─ ", "└─ ", "│  ", "   "};
static const struct branches ascii = {"|- ", "`- ", "|  ", "   "};

struct drawing {
    const struct cli *c;
    const struct branches *with;
    const char *mark[3]; /* by severity */
    bool last[DEPTH_MAX];
};

static struct drawing make_drawing(const struct cli *c)
{
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    struct drawing d = {.c = c, .with = utf8 ? &lines : &ascii};

    d.mark[SGL_INFO] = utf8 ? "·" : "-";
    d.mark[SGL_WARNING] = "!";
    d.mark[SGL_ERROR] = utf8 ? "✗" : "x";
    return d;
}

/* The branches in front of a line; first: of the line that has the term. Each level has three columns. */
static void put_branches(const struct drawing *d, size_t depth, bool first)
{
    fputs(cli_dim(d->c), stdout);
    for (size_t i = 0; i + 1 < depth; i++)
        fputs(d->last[i] ? d->with->none : d->with->pass, stdout);
    if (depth > 0 && first)
        fputs(d->last[depth - 1] ? d->with->last : d->with->fork, stdout);
    else if (depth > 0)
        fputs(d->last[depth - 1] ? d->with->none : d->with->pass, stdout);
    fputs(cli_plain(d->c), stdout);
}

/* Behind a text that left `room` columns. */
static void put_cost(size_t room, unsigned lookups, unsigned voids)
{
    if (lookups > 0 || voids > 0)
        printf("%*s%8u", (int)room, "", lookups);
    if (voids > 0)
        printf("%8u", voids);
    putchar('\n');
}

/* A text over as many lines as it needs; the costs stand on the last one. */
static void put_term(const struct drawing *d, size_t depth, const struct sgl_spf_node *node)
{
    sgl_auto(sgl_buf) safe = SGL_BUF_INIT(1 << 20);
    size_t room = TERM_COLUMNS - 3 * depth;
    sgl_view rest;

    sgl_buf_add_escaped(&safe, node->text, SIZE_MAX);
    rest = sgl_buf_view(&safe);
    for (bool first = true; first || rest.len > 0; first = false) {
        sgl_view part = sgl_view_sub(rest, 0, room);

        rest = sgl_view_from(rest, room);
        put_branches(d, depth, first);
        printf("%s%.*s%s", node->ignored ? cli_dim(d->c) : "", SGL_FMT(part), cli_plain(d->c));
        if (rest.len > 0)
            putchar('\n');
        else
            put_cost(room - part.len, node->lookups, node->void_lookups);
    }
}

static void put_fault(const struct drawing *d, size_t depth, const struct sgl_spf_node *node)
{
    const char *fault = node->fault;

    if (fault[0] == '\0' && !node->ignored)
        return;
    put_branches(d, depth, false);
    printf("%s%s %s%s\n", findings_colour(d->c, node->severity), d->mark[node->severity],
           fault[0] == '\0' ? "no receiver looks at this" : fault, cli_plain(d->c));
}

static void draw(struct drawing *d, size_t depth, const struct sgl_spf_node *node, size_t count)
{
    for (size_t i = 0; i < count && depth < DEPTH_MAX; i++) {
        d->last[depth - 1] = i + 1 == count;
        put_term(d, depth, &node[i]);
        put_fault(d, depth, &node[i]);
        draw(d, depth + 1, node[i].child, node[i].children);
    }
}

static void print_tree(const struct cli *c, const struct sgl_spf_tree *tree)
{
    struct drawing d = make_drawing(c);

    if (tree->nodes > 0) {
        bool fits = tree->domain.text.len <= TERM_COLUMNS;

        printf("%s%.*s%s%s", cli_bold(c), SGL_FMT(tree->domain.text), cli_plain(c),
               fits ? "" : "\n");
        printf("%*s%8s%8s\n", fits ? TERM_COLUMNS - (int)tree->domain.text.len : TERM_COLUMNS, "",
               "lookups", "void");
        draw(&d, 1, tree->node, tree->nodes);
        printf("%*s%8u%8u\n", TERM_COLUMNS, "all, of 10 and of 2 allowed", tree->lookups,
               tree->void_lookups);
    }
    if (tree->findings.count > 0) {
        if (tree->nodes > 0)
            putchar('\n');
        findings_print(c, stdout, &tree->findings);
    }
}

/* ---- JSON ---- */

static json_t *terms_json(const struct sgl_spf_node *node, size_t count)
{
    json_t *terms = json_array();

    for (size_t i = 0; i < count; i++) {
        json_t *one = json_pack(
            "{s:o, s:i, s:i, s:o, s:o, s:s?, s:b, s:o}", "term", findings_string(node[i].text),
            "lookups", (int)node[i].lookups, "void_lookups", (int)node[i].void_lookups, "target",
            node[i].target.len == 0 ? json_null() : findings_string(node[i].target), "record",
            node[i].record.len == 0 ? json_null() : findings_string(node[i].record), "problem",
            node[i].fault[0] == '\0' ? NULL : node[i].fault, "ignored", node[i].ignored ? 1 : 0,
            "terms", terms_json(node[i].child, node[i].children));

        if (one == NULL || json_array_append_new(terms, one) != 0) {
            json_decref(terms);
            return NULL;
        }
    }
    return terms;
}

static int print_json(const struct sgl_spf_tree *tree, int status)
{
    json_t *json = json_pack(
        "{s:o, s:o, s:i, s:i, s:b, s:o, s:o}", "domain", findings_string(tree->domain.text),
        "record", tree->record.len == 0 ? json_null() : findings_string(tree->record), "lookups",
        (int)tree->lookups, "void_lookups", (int)tree->void_lookups, "complete",
        tree->failed ? 0 : 1, "terms", terms_json(tree->node, tree->nodes), "problems",
        findings_json(&tree->findings));
    int printed = cli_print_json(json);

    return printed == CLI_YES ? status : printed;
}

/* ---- the verb ---- */

static enum sgl_status ask(struct lookup *l, struct sgl_name domain, struct sgl_arena *arena,
                           struct sgl_spf_tree *tree)
{
    enum sgl_status st;

    while ((st = sgl_spf_tree(domain, &l->dns, arena, tree)) == SGL_NEED_DNS)
        lookup_fill(l);
    return st;
}

static int tree_run(struct cli *c)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SPF_ARENA);
    struct sgl_spf_tree tree;
    struct sgl_name domain;
    enum sgl_status st;
    struct lookup l;
    int status;

    if (!spf_name("spf tree", c->argument[0], &arena, &domain))
        return CLI_USAGE;
    if (!lookup_init(&l, c, SPF_QUESTIONS, &status))
        return status;
    st = ask(&l, domain, &arena, &tree);
    if (st == SGL_OK) {
        status = tree.findings.errors > 0 ? CLI_NO : tree.failed ? CLI_UNKNOWN : CLI_YES;
        if (c->json)
            status = print_json(&tree, status);
        else
            print_tree(c, &tree);
    } else {
        status = cli_error(CLI_UNKNOWN, c->argument[0], "the record could not be walked: %s",
                           sgl_status_name(st));
    }
    lookup_done(&l);
    return status;
}
const struct cli_verb verb_spf_tree = {
    "spf tree",
    "DOMAIN",
    "shows all that a record includes, what it costs, what is wrong",
    NULL,
    1,
    1,
    tree_run,
    "Every term of the domain's SPF record and of all that it includes, whoever\n"
    "sends, with the DNS lookups that it costs (RFC 7208 allows 10, and 2 that find\n"
    "nothing). Below the tree stands what is wrong, and what mends it. Exit 1 when\n"
    "receivers treat the record as broken, 3 when DNS did not answer.",
    CLI_DNS};
