/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo domain records */
#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "verbs.h"

/* ---- for people ---- */

static const char *state_colour(const struct cli *c, const char *state)
{
    if (strcmp(state, "verified") == 0 || strcmp(state, "present") == 0)
        return cli_green(c);
    if (strcmp(state, "failed") == 0 || strcmp(state, "wrong") == 0)
        return cli_red(c);
    return cli_yellow(c);
}

static void print_head(const struct cli *c, const json_t *r)
{
    const char *state = cli_member(r, "state", 1);
    const json_t *required = json_object_get(r, "required");

    printf("%s%s%s", cli_bold(c), cli_member(r, "purpose", 0), cli_plain(c));
    if (json_is_boolean(required))
        printf("  %s", json_is_true(required) ? "required" : "advised");
    if (state[0] != '\0')
        printf("  %s", state_colour(c, state));
    for (; *state != '\0'; state++)
        putchar(*state == '_' ? ' ' : *state);
    printf("%s\n", cli_plain(c));
}

/* The host that a form of the zone wants, and the whole name for forms that want that. */
static void print_name(const struct cli *c, const json_t *r)
{
    const char *relative = cli_member(r, "relative", 2);

    if (relative[0] == '\0') {
        printf("  name   %s\n", cli_member(r, "name", 0));
        return;
    }
    printf("  host   %s  %s(in the zone %s)%s\n", relative, cli_dim(c), cli_member(r, "zone", 3),
           cli_plain(c));
    printf("  name   %s  %s(where the whole name is wanted)%s\n", cli_member(r, "name", 0),
           cli_dim(c), cli_plain(c));
}

/* In one piece, as forms want it; a zone file's strings of 255 are for --zone. */
static void print_value(const json_t *r)
{
    const char *value = json_string_value(json_object_get(r, "value"));

    if (value == NULL || value[0] == '\0')
        return;
    printf("  type   %s\n  value  ", cli_member(r, "type", 0));
    cli_put(stdout, value);
    putchar('\n');
}

static void print_known(const struct cli *c, const json_t *r)
{
    if (cli_member(r, "found", 0)[0] != '\0') {
        printf("  %sfound  ", cli_dim(c));
        cli_put(stdout, cli_member(r, "found", 0));
        printf("%s\n", cli_plain(c));
    }
    if (json_is_true(json_object_get(r, "merged")))
        printf("  %sThe value holds what is there already: put it in its place.%s\n", cli_dim(c),
               cli_plain(c));
    if (cli_member(r, "why", 0)[0] != '\0') {
        printf("  ");
        cli_put(stdout, cli_member(r, "why", 0));
        putchar('\n');
    }
}

void domain_print_records(const struct cli *c, const json_t *records)
{
    const json_t *r;
    size_t at;

    json_array_foreach(records, at, r)
    {
        if (at > 0)
            putchar('\n');
        print_head(c, r);
        print_name(c, r);
        print_value(r);
        print_known(c, r);
    }
}

/* ---- the verb ---- */

static int print_buf(struct sgl_buf *text)
{
    int status =
        text->status == SGL_OK ? CLI_YES : cli_error(CLI_UNKNOWN, "memory", "there is none left");

    if (status == CLI_YES)
        fwrite(text->data, 1, text->len, stdout);
    sgl_buf_done(text);
    return status;
}

/* Which of table, zone, nsupdate; NULL: said. */
static const char *record_format(const struct cli *c)
{
    const char *format = cli_text(c, "--format");

    if (cli_flag(c, "--zone"))
        return "zone";
    if (cli_flag(c, "--nsupdate"))
        return "nsupdate";
    if (format == NULL || strcmp(format, "table") == 0)
        return "table";
    if (strcmp(format, "zone") == 0 || strcmp(format, "nsupdate") == 0 ||
        strcmp(format, "json") == 0)
        return format;
    cli_error(CLI_USAGE, "--format", "it is table, zone, nsupdate or json");
    return NULL;
}

static int print_answer(const struct cli *c, const json_t *answer, const char *format)
{
    struct sgl_buf text = SGL_BUF_INIT(1024 * 1024);

    if (strcmp(format, "zone") == 0)
        records_put_zone(&text, answer);
    else if (strcmp(format, "nsupdate") == 0)
        records_put_nsupdate(&text, answer);
    else
        domain_print_records(c, json_object_get(answer, "records"));
    return print_buf(&text);
}

static int records_run(struct cli *c)
{
    const char *format = record_format(c);
    json_t *answer;
    char *path;
    int status;

    if (format == NULL)
        return CLI_USAGE;
    path = cli_path(DOMAINS "/", c->argument[0],
                    cli_flag(c, "--check") ? "/records?check=true" : "/records");
    status = cli_call(c, "GET", path, NULL, &answer);
    free(path);
    if (status != CLI_YES)
        return status;
    if (c->json || strcmp(format, "json") == 0)
        return cli_print_json(answer);
    status = print_answer(c, answer, format);
    json_decref(answer);
    return status;
}

static const struct cli_option records_options[] = {
    {"--format", "FORM", "table (default), zone, nsupdate or json", false},
    {"--zone", NULL, "the same as --format zone", false},
    {"--nsupdate", NULL, "the same as --format nsupdate: a script for nsupdate(1) or knsupdate(1)",
     false},
    {"--check", NULL, "first compares them with what is published now, and merges", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_domain_records = {
    "domain records", "DOMAIN", "prints the records that the domain has to publish",
    records_options,  1,        1,
    records_run,      NULL};
