/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo arc verify */
#include "arc.h"
#include "verbs.h"

static json_t *set_json(const struct sgl_arc_set *set)
{
    return json_pack("{s:i, s:o, s:o, s:o, s:o, s:s, s:s, s:i, s:o}", "instance",
                     (int)set->instance, "domain", cli_json_text(set->seal_tags.domain), "selector",
                     cli_json_text(set->seal_tags.selector), "algorithm",
                     cli_json_text(set->seal_tags.algorithm), "chain", cli_json_text(set->chain),
                     "seal", sgl_dkim_result_name(set->seal_result), "message",
                     sgl_dkim_result_name(set->message_result), "key_bits", (int)set->seal_bits,
                     "authserv_id", cli_json_text(set->authserv));
}

static json_t *arc_json(struct arc_work *w)
{
    json_t *sets = json_array();

    for (size_t i = 0; i < w->arc.sets; i++)
        json_array_append_new(sets, set_json(&w->arc.set[i]));
    return json_pack("{s:s, s:i, s:o, s:s}", "result", sgl_arc_result_name(w->arc.result),
                     "oldest_pass", (int)w->arc.oldest_pass, "sets", sets, "reason", arc_reason(w));
}

static const char *cell(struct arc_work *w, sgl_view text)
{
    const char *made = sgl_arena_cstr(&w->arena, text);

    return made == NULL ? "" : made;
}

/* What a check of a signature gave: "-" where the verdict did not need it. */
static const char *tried(enum sgl_dkim_result result)
{
    return result == SGL_DKIM_NONE ? "-" : sgl_dkim_result_name(result);
}

static void print_sets(struct arc_work *w)
{
    static const char *const head[] = {"SET",  "SEALED BY", "SELECTOR",
                                       "SEAL", "MESSAGE",   "RESULTS OF"};
    struct cli_table table;

    cli_table_init(&table, sizeof head / sizeof head[0], head);
    for (size_t i = 0; i < w->arc.sets; i++) {
        const struct sgl_arc_set *set = &w->arc.set[i];
        char number[16];

        snprintf(number, sizeof number, "%u", set->instance);
        cli_table_add(&table, number);
        cli_table_add(&table, cell(w, set->seal_tags.domain));
        cli_table_add(&table, cell(w, set->seal_tags.selector));
        cli_table_add(&table, tried(set->seal_result));
        cli_table_add(&table, tried(set->message_result));
        cli_table_add(&table, cell(w, set->authserv));
    }
    cli_table_print(w->c, &table, stdout);
    cli_table_done(&table);
}

static void print_verdict(struct arc_work *w)
{
    const struct cli *c = w->c;
    const struct sgl_arc *arc = &w->arc;
    const char *colour = arc->result == SGL_ARC_PASS   ? cli_green(c)
                         : arc->result == SGL_ARC_FAIL ? cli_red(c)
                                                       : "";

    printf("%sarc=%s%s", colour, sgl_arc_result_name(arc->result), cli_plain(c));
    switch (arc->result) {
    case SGL_ARC_NONE:
        puts("  the message has no chain");
        return;
    case SGL_ARC_FAIL:
        printf("  %s\n", arc_reason(w));
        break;
    case SGL_ARC_PASS:
        if (arc->oldest_pass == 0)
            puts("  nothing was changed since the first set");
        else
            printf("  the message was last changed before set %u\n", arc->oldest_pass);
        break;
    }
    if (arc->sets > 0) {
        putchar('\n');
        print_sets(w);
    }
}

static int verify(struct arc_work *w)
{
    int status = CLI_USAGE;

    if (!arc_open(w, MAILFILE_BARE, &status))
        return status;
    status = arc_judge(w, false);
    if (status != CLI_YES)
        return status;
    if (w->c->json) {
        status = cli_print_json(arc_json(w));
        if (status != CLI_YES)
            return status;
    } else {
        print_verdict(w);
    }
    if (arc_is_unknown(&w->arc))
        return CLI_UNKNOWN;
    return w->arc.result == SGL_ARC_PASS ? CLI_YES : CLI_NO;
}

static int verify_run(struct cli *c)
{
    struct arc_work w = {.c = c, .crypto = sgl_crypto_new()};
    int status = w.crypto == NULL ? arc_no_memory() : verify(&w);

    arc_work_done(&w);
    return status;
}

const struct cli_verb verb_arc_verify = {
    .name = "arc verify",
    .arguments = "[FILE]",
    .summary = "tells the state of a message's ARC chain",
    .arguments_max = 1,
    .run = verify_run,
    .more =
        "Without FILE, or with -, the message is read from standard input. Exit status 0: the "
        "chain "
        "passes; 1: it\nfails, or there is none; 3: it fails because a key could not be looked up.",
    .needs = CLI_DNS};
