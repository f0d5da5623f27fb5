/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo queue list | show | retry | cancel | hold | release */
#include <string.h>

#include "message.h"
#include "verbs.h"

/* ---- queue list ---- */

static void list_message(struct cli_table *t, const json_t *m)
{
    const json_t *r;
    size_t at;

    json_array_foreach(json_object_get(m, "recipients"), at, r)
    {
        const char *state = cli_member(r, "state", 0);
        const char *from = cli_member(m, "from", 1);
        char when[32];

        if (!message_is_open(state))
            continue;
        cli_table_add(t, cli_member(m, "id", 2));
        cli_table_add(t, cli_time(m, "accepted_at", 3));
        cli_table_add(t, from[0] == '\0' ? "<>" : from);
        cli_table_add(t, cli_member(r, "address", 4));
        cli_table_add(t, state);
        cli_table_add(t, strcmp(state, "held") == 0
                             ? "until released"
                             : message_until(r, "next_at", when, sizeof(when)));
        cli_table_add(t, message_why_it_waits(r, 5));
    }
}

static int list_run(struct cli *c)
{
    static const char *const head[] = {"ID",    "ACCEPTED", "FROM",        "TO",
                                       "STATE", "NEXT TRY", "WHY IT WAITS"};
    struct cli_table t;
    const json_t *m;
    json_t *answer;
    size_t at;
    int status = message_list(c, true, "100", &answer);

    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    cli_table_init(&t, 7, head);
    json_array_foreach(json_object_get(answer, "messages"), at, m) list_message(&t, m);
    if (t.cells > 7)
        cli_table_print(c, &t, stdout);
    else
        puts("nothing waits");
    cli_table_done(&t);
    json_decref(answer);
    return CLI_YES;
}

static const struct cli_option list_options[] = {
    {"--domain", "DOMAIN", "only what is for this destination", false},
    {"--to", "ADDRESS", "only what is for this recipient", false},
    {"--from", "ADDRESS", "only what this sender sent", false},
    {"--since", "TIME", "only what was accepted since: 2026-11-22T12:00:00Z, or 15m, 2h, 3d ago",
     false},
    {"--max", "NUMBER", "at most so many messages (default 100)", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_queue_list = {
    "queue list", "", "lists what waits, and why", list_options, 0, 0, list_run, NULL};

/* ---- queue show ---- */

static void put_head(const struct cli *c, const json_t *m)
{
    const char *from = cli_member(m, "from", 0);

    printf("%s%s%s  from ", cli_bold(c), cli_member(m, "id", 1), cli_plain(c));
    cli_put(stdout, from[0] == '\0' ? "<>" : from);
    printf("\n");
    message_put_line("subject", cli_member(m, "subject", 0));
    message_put_line("accepted", cli_time(m, "accepted_at", 0));
    message_put_line("expires", cli_time(m, "expires_at", 0));
    message_put_line("identity", cli_member(m, "identity", 0));
    message_put_line("size", cli_member(m, "size", 0));
    message_put_line("signed", cli_member(m, "signed_by", 0));
}

static int show_run(struct cli *c)
{
    json_t *m;
    const json_t *r;
    size_t at;
    int status = message_get(c, c->argument[0], &m);

    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(m);
    put_head(c, m);
    json_array_foreach(json_object_get(m, "recipients"), at, r) message_put_recipient(c, r);
    json_decref(m);
    return CLI_YES;
}
const struct cli_verb verb_queue_show = {
    "queue show", "ID", "says of a message who got it, who waits, why, until when", NULL, 1, 1,
    show_run,     NULL};

/* ---- queue retry, cancel, hold, release ---- */

/* The number of a recipient by its address; false: said. */
static bool find_recipient(const struct cli *c, const char *id, const char *address,
                           json_int_t *out)
{
    json_t *m;
    const json_t *r;
    size_t at;
    bool found = false;

    if (message_get(c, id, &m) != CLI_YES)
        return false;
    json_array_foreach(json_object_get(m, "recipients"), at,
                       r) if (strcmp(cli_member(r, "address", 0), address) == 0)
    {
        *out = json_integer_value(json_object_get(r, "id"));
        found = true;
    }
    json_decref(m);
    if (!found)
        cli_error(CLI_NO, "--recipient", "the message has no recipient %s", address);
    return found;
}

static int control(struct cli *c, const char *path, const char *done)
{
    const char *domain = cli_text(c, "--domain"), *recipient = cli_text(c, "--recipient");
    json_t *body = json_object(), *answer;
    json_int_t number;
    int status;

    if (c->arguments == 0 && domain == NULL) {
        json_decref(body);
        return cli_error(CLI_USAGE, c->verb->name, "name a message, or --domain DOMAIN");
    }
    if (c->arguments > 0)
        json_object_set_new(body, "message", json_string(c->argument[0]));
    if (domain != NULL)
        json_object_set_new(body, "domain", json_string(domain));
    if (recipient != NULL && c->arguments == 0) {
        json_decref(body);
        return cli_error(CLI_USAGE, "--recipient", "it needs the message, too");
    }
    if (recipient != NULL) {
        if (!find_recipient(c, c->argument[0], recipient, &number)) {
            json_decref(body);
            return CLI_NO;
        }
        json_object_set_new(body, "recipient", json_integer(number));
    }
    status = cli_call(c, "POST", path, body, &answer);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    printf("%s: %s recipient%s\n", done, cli_member(answer, "changed", 0),
           strcmp(cli_member(answer, "changed", 0), "1") == 0 ? "" : "s");
    json_decref(answer);
    return CLI_YES;
}

static int retry_run(struct cli *c)
{
    return control(c, "/admin/v1/queue/retry", "tried again now");
}

static int cancel_run(struct cli *c)
{
    return control(c, "/admin/v1/queue/cancel", "cancelled");
}

static int hold_run(struct cli *c)
{
    return control(c, "/admin/v1/queue/hold", "held");
}

static int release_run(struct cli *c)
{
    return control(c, "/admin/v1/queue/release", "released");
}

static const struct cli_option control_options[] = {
    {"--recipient", "ADDRESS", "only this recipient of the message", false},
    {"--domain", "DOMAIN", "only what is for this destination; without an ID: of all messages",
     false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_queue_retry = {
    "queue retry", "[ID]", "tries what waits again now", control_options, 0, 1, retry_run, NULL};
const struct cli_verb verb_queue_cancel = {
    "queue cancel", "[ID]", "ends what waits, without a bounce", control_options, 0, 1,
    cancel_run,     NULL};
const struct cli_verb verb_queue_hold = {
    "queue hold", "[ID]", "keeps what waits until it is released", control_options, 0, 1,
    hold_run,     NULL};
const struct cli_verb verb_queue_release = {
    "queue release", "[ID]", "lets what is held go on", control_options, 0, 1, release_run, NULL};
