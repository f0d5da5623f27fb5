/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo domain add | list | show | records | remove */
#include <stdlib.h>
#include <string.h>

#include "noun.h"
#include "verbs.h"

#define DOMAINS "/admin/v1/domains"

/* ---- records ---- */

/* Each record as name, type and value, one under the other: three things to copy. */
static void print_records(const struct cli *c, const json_t *records)
{
    const json_t *r;
    size_t at;

    json_array_foreach(records, at, r)
    {
        const char *value = json_string_value(json_object_get(r, "value"));
        struct sgl_buf strings = SGL_BUF_INIT(65536);
        const char *text;

        printf("%s%s%s\n  name   %s\n  type   %s\n  value  ", cli_bold(c),
               cli_member(r, "purpose", 0), cli_plain(c), cli_member(r, "name", 1),
               cli_member(r, "type", 2));
        records_put_txt(&strings, value == NULL ? "" : value);
        text = strlen(value == NULL ? "" : value) > 255 ? sgl_cstr(&strings) : value;
        puts(text == NULL ? "" : text);
        sgl_buf_done(&strings);
    }
}

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
    cli_error(CLI_USAGE, "--format", "must be table, zone, nsupdate or json");
    return NULL;
}

static int records_run(struct cli *c)
{
    const char *format = record_format(c);
    struct sgl_buf text = SGL_BUF_INIT(1024 * 1024);
    const json_t *records;
    json_t *answer;
    char *path;
    int status;

    if (format == NULL)
        return CLI_USAGE;
    path = cli_path(DOMAINS "/", c->argument[0], "/records");
    status = cli_call(c, "GET", path, NULL, &answer);
    free(path);
    if (status != CLI_YES)
        return status;
    if (c->json || strcmp(format, "json") == 0)
        return cli_print_json(answer);
    records = json_object_get(answer, "records");
    if (strcmp(format, "zone") == 0)
        records_put_zone(&text, records);
    else if (strcmp(format, "nsupdate") == 0)
        records_put_nsupdate(&text, records, NULL);
    else
        print_records(c, records);
    json_decref(answer);
    return print_buf(&text);
}

static const struct cli_option records_options[] = {
    {"--format", "FORM", "table (default), zone, nsupdate or json", false},
    {"--zone", NULL, "the same as --format zone", false},
    {"--nsupdate", NULL, "the same as --format nsupdate: a script for nsupdate(1) or knsupdate(1)",
     false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_domain_records = {
    "domain records", "DOMAIN", "prints the records that the domain has to publish",
    records_options,  1,        1,
    records_run,      NULL};

/* ---- add ---- */

static void say_added(const struct cli *c, const json_t *answer)
{
    printf("%s is added. Publish these records, then it can be believed:\n\n",
           cli_member(answer, "name", 0));
    print_records(c, json_object_get(answer, "records"));
    printf("\nAgain at any time: sigillo domain records %s [--zone | --nsupdate | --json]\n",
           cli_member(answer, "name", 0));
}

static int add_run(struct cli *c)
{
    json_t *body = json_pack("{s:s}", "name", c->argument[0]);

    if (body == NULL)
        return cli_error(CLI_USAGE, c->argument[0], "this is not UTF-8");
    cli_noun_subscription(c, body);
    if (cli_flag(c, "--ed25519"))
        json_object_set_new(body, "ed25519", json_true());
    return cli_noun_add(c, DOMAINS, body, say_added);
}

static const struct cli_option add_options[] = {
    {"--subscription", "NAME", "whose domain it is (default: default)", false},
    {"--ed25519", NULL, "a second selector with an Ed25519 key: each message is signed with both",
     false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_domain_add = {
    "domain add", "DOMAIN", "adds a domain, makes its DKIM key, prints the records to publish",
    add_options,  1,        1,
    add_run,      NULL};

/* ---- list, show, remove ---- */

static const char *selectors_text(const json_t *domain, const char *member, char *out, size_t size)
{
    const json_t *s;
    size_t at, len = 0;

    out[0] = '\0';
    json_array_foreach(json_object_get(domain, member), at, s)
    {
        int n = snprintf(out + len, size - len, "%s%s (%s)", len == 0 ? "" : ", ",
                         cli_member(s, "name", 6), cli_member(s, "algorithm", 7));

        if (n < 0 || (size_t)n >= size - len)
            break;
        len += (size_t)n;
    }
    return out;
}

static int list_run(struct cli *c)
{
    static const struct cli_column column[] = {{"DOMAIN", "name", NULL},
                                               {"SUBSCRIPTION", "subscription", NULL},
                                               {"SELECTORS", "selectors", selectors_text},
                                               {"ADDED", "created_at", cli_column_time}};

    return cli_noun_list(c, DOMAINS, "domains", column, 4);
}
const struct cli_verb verb_domain_list = {"domain list", "",  "lists the domains", NULL, 0, 0,
                                          list_run,      NULL};

static int show_run(struct cli *c)
{
    char *path = cli_path(DOMAINS "/", c->argument[0], "");
    json_t *answer;
    int status = cli_call(c, "GET", path, NULL, &answer);
    const json_t *s;
    size_t at;

    free(path);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    printf("%s%s%s\n  subscription  %s\n  added         %s\n", cli_bold(c),
           cli_member(answer, "name", 0), cli_plain(c), cli_member(answer, "subscription", 1),
           cli_time(answer, "created_at", 2));
    json_array_foreach(json_object_get(answer, "selectors"), at, s) printf(
        "  selector      %s  %s  %s%s\n", cli_member(s, "name", 0), cli_member(s, "algorithm", 1),
        json_is_true(json_object_get(s, "active")) ? "signs" : "does not sign",
        json_is_true(json_object_get(s, "loaded")) ? "" : ", its key is not loaded");
    json_decref(answer);
    return CLI_YES;
}
const struct cli_verb verb_domain_show = {
    "domain show", "DOMAIN", "shows a domain and its selectors", NULL, 1, 1, show_run, NULL};

static int remove_run(struct cli *c)
{
    return cli_noun_remove(c, DOMAINS "/", "is removed, and its keys with it");
}
const struct cli_verb verb_domain_remove = {
    "domain remove", "DOMAIN", "removes a domain and its keys", NULL, 1, 1, remove_run, NULL};
