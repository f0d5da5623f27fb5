/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo trace */
#include <string.h>

#include "message.h"
#include "trace_attempt.h"
#include "verbs.h"

static const char *address_of(const json_t *m, json_int_t rcpt)
{
    const json_t *r;
    size_t at;

    json_array_foreach(json_object_get(m, "recipients"), at,
                       r) if (json_integer_value(json_object_get(r, "id")) ==
                              rcpt) return cli_member(r, "address", 7);
    return "";
}

static void put_step(const struct cli *c, const json_t *e)
{
    const char *at = cli_member(e, "at", 0), *kind = cli_member(e, "kind", 1);

    printf("  %s%.12s%s  %s%-10s%s ", cli_dim(c), strlen(at) > 11 ? at + 11 : at, cli_plain(c),
           strcmp(kind, "delivered") == 0 ? cli_green(c)
           : strcmp(kind, "failed") == 0  ? cli_red(c)
                                          : "",
           kind, cli_plain(c));
}

static void more(const char *label, const char *text)
{
    if (text[0] == '\0')
        return;
    printf("\n                            %s ", label);
    cli_put(stdout, text);
}

static void put_accepted(const struct cli *c, const json_t *m, const json_t *e)
{
    const json_t *d = json_object_get(e, "detail");

    printf("by %s from ", cli_member(d, "door", 2));
    cli_put(stdout, cli_member(d, "peer", 3));
    printf(" as ");
    cli_put(stdout, cli_member(d, "identity", 4));
    if (json_object_get(m, "durable_ms") != NULL)
        printf(", durable in %s ms", cli_member(m, "durable_ms", 5));
    putchar('\n');
    if (cli_member(m, "signed_by", 4)[0] != '\0') {
        printf("  %s%.12s%s  %-10s ", cli_dim(c),
               strlen(cli_member(e, "at", 0)) > 11 ? cli_member(e, "at", 0) + 11 : "", cli_plain(c),
               "signed");
        cli_put(stdout, cli_member(m, "signed_by", 4));
        putchar('\n');
    }
}

/* Details of a kind that this program knows nothing more about. */
static void put_other(const json_t *d)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)d, name, value)
    {
        putchar(' ');
        cli_put(stdout, name);
        putchar('=');
        cli_put(stdout, cli_member(d, name, 0));
    }
}

/* What the sender calls it. */
static void put_labels(const json_t *m)
{
    const json_t *categories = json_object_get(m, "categories"), *category;
    const json_t *metadata = json_object_get(m, "metadata");
    size_t at;

    json_array_foreach(categories, at, category)
    {
        if (at == 0)
            printf("  %-13s ", "categories");
        else
            printf(", ");
        cli_put(stdout, json_string_value(category));
    }
    if (json_array_size(categories) > 0)
        putchar('\n');
    if (json_object_size(metadata) > 0) {
        printf("  %-13s", "metadata");
        put_other(metadata);
        putchar('\n');
    }
    message_put_line("batch", cli_member(m, "batch", 0));
    message_put_line("pool", cli_member(m, "pool", 0));
    message_put_line("TLS", json_is_true(json_object_get(m, "require_tls"))
                                ? "required (REQUIRETLS)"
                                : cli_member(m, "tls", 0));
}

static void put_trace(const struct cli *c, const json_t *m)
{
    const char *from = cli_member(m, "from", 1);
    const json_t *e, *r;
    size_t at;

    printf("%s%s%s  from ", cli_bold(c), cli_member(m, "id", 0), cli_plain(c));
    cli_put(stdout, from[0] == '\0' ? "<>" : from);
    printf(", accepted %s UTC\n", cli_time(m, "accepted_at", 2));
    put_labels(m);
    json_array_foreach(json_object_get(m, "events"), at, e)
    {
        const json_t *d = json_object_get(e, "detail");
        const char *kind = cli_member(e, "kind", 6);

        put_step(c, e);
        if (strcmp(kind, "accepted") == 0) {
            put_accepted(c, m, e);
            continue;
        }
        cli_put(stdout, address_of(m, json_integer_value(json_object_get(e, "recipient"))));
        if (json_object_get(d, "demand") != NULL || json_object_get(d, "host") != NULL)
            trace_put_attempt(d);
        else
            put_other(d);
        putchar('\n');
    }
    json_array_foreach(json_object_get(m, "recipients"), at, r)
    {
        char when[32];

        printf("  now           %s%-10s%s ", message_colour(c, cli_member(r, "state", 0)),
               cli_member(r, "state", 0), cli_plain(c));
        cli_put(stdout, cli_member(r, "address", 1));
        if (strcmp(cli_member(r, "state", 0), "queued") == 0) {
            printf(", next try %s", message_until(r, "next_at", when, sizeof(when)));
            more("because:", message_why_it_waits(r, 2));
        }
        putchar('\n');
    }
}

static int trace_many(struct cli *c)
{
    json_t *answer, *m, *whole = json_array();
    size_t at;
    int status;

    if (cli_text(c, "--to") == NULL && cli_text(c, "--from") == NULL &&
        cli_text(c, "--since") == NULL) {
        json_decref(whole);
        return cli_error(CLI_USAGE, "trace", "name a message ID, or --to, --from, --since");
    }
    status = message_list(c, false, "20", &answer);
    if (status != CLI_YES) {
        json_decref(whole);
        return status;
    }
    json_array_foreach(json_object_get(answer, "messages"), at, m)
    {
        json_t *one;

        if (message_get(c, cli_member(m, "id", 0), &one) != CLI_YES)
            continue;
        json_array_append_new(whole, one);
        if (!c->json)
            put_trace(c, one);
    }
    json_decref(answer);
    if (c->json)
        return cli_print_json(json_pack("{s:o}", "messages", whole));
    status =
        json_array_size(whole) > 0 ? CLI_YES : cli_error(CLI_NO, "trace", "no message matches");
    json_decref(whole);
    return status;
}

static int trace_run(struct cli *c)
{
    json_t *m;
    int status;

    if (c->arguments == 0)
        return trace_many(c);
    status = message_get(c, c->argument[0], &m);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(m);
    put_trace(c, m);
    json_decref(m);
    return CLI_YES;
}

static const struct cli_option trace_options[] = {
    {"--to", "ADDRESS", "messages for this recipient, newest first", false},
    {"--from", "ADDRESS", "messages of this sender", false},
    {"--since", "TIME", "messages accepted since: 2026-11-22T12:00:00Z, or 15m, 2h, 3d ago", false},
    {"--max", "NUMBER", "at most so many messages (default 20)", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_trace = {
    "trace",   "[ID]", "tells what became of a message, step by step", trace_options, 0, 1,
    trace_run, NULL};
