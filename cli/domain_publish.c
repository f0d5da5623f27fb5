/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo domain publish | rotate: what the server does in a domain's zone itself */
#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "verbs.h"

/* ---- publish ---- */

static void print_value(const struct cli *c, const char *head, const char *value)
{
    if (value[0] == '\0')
        return;
    printf("  %s%s%s ", cli_dim(c), head, cli_plain(c));
    cli_put(stdout, value);
    putchar('\n');
}

static void print_changes(const struct cli *c, const json_t *changes)
{
    const json_t *change, *old;
    size_t at, n;

    json_array_foreach(changes, at, change)
    {
        printf("%s %s\n", cli_member(change, "name", 0), cli_member(change, "type", 1));
        json_array_foreach(json_object_get(change, "remove"), n, old)
            print_value(c, "-", json_string_value(old));
        print_value(c, "+", cli_member(change, "add", 2));
    }
}

static void print_held(const struct cli *c, const json_t *held)
{
    const json_t *h;
    size_t at;

    json_array_foreach(held, at, h)
    {
        printf("%s%s %s is not published:%s ", cli_yellow(c), cli_member(h, "name", 0),
               cli_member(h, "type", 1), cli_plain(c));
        cli_put(stdout, cli_member(h, "why", 2));
        putchar('\n');
    }
}

static void say_published(const struct cli *c, const json_t *answer)
{
    const json_t *changes = json_object_get(answer, "changes");
    const json_t *held = json_object_get(answer, "held");

    print_changes(c, changes);
    print_held(c, held);
    if (cli_flag(c, "--dry-run"))
        printf("%zu changes; nothing was sent.\n", json_array_size(changes));
    else if (json_array_size(changes) == 0 && json_array_size(held) == 0)
        printf("All that can be published is there already.\n");
    else
        printf("%s records were changed.\n", cli_member(answer, "changed", 3));
    if (json_array_size(held) > 0 && !cli_flag(c, "--replace"))
        printf("What stands in the way is replaced with --replace.\n");
}

static int publish_run(struct cli *c)
{
    json_t *body = json_pack("{s:b, s:b}", "dry_run", (int)cli_flag(c, "--dry-run"), "replace",
                             (int)cli_flag(c, "--replace"));
    char *path = cli_path(DOMAINS "/", c->argument[0], "/publish");
    json_t *answer;
    int status = cli_call(c, "POST", path, body, &answer);

    free(path);
    if (status != CLI_YES)
        return status;
    if (json_array_size(json_object_get(answer, "held")) > 0)
        status = CLI_NO;
    if (c->json) {
        (void)cli_print_json(answer);
        return status;
    }
    say_published(c, answer);
    json_decref(answer);
    return status;
}

static const struct cli_option publish_options[] = {
    {"--dry-run", NULL, "only say what would be changed", false},
    {"--replace", NULL, "also put records in the place of those of somebody else", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_domain_publish = {
    "domain publish",
    "DOMAIN",
    "publishes what is lacking by dynamic update",
    publish_options,
    1,
    1,
    publish_run,
    "The configuration has a dns_update for the zone. What somebody else put there stays; SPF is "
    "merged. Exit status 1: something was left as it is."};

/* ---- rotate ---- */

static void print_names(const char *head, const json_t *list)
{
    const json_t *name;
    size_t at;

    if (json_array_size(list) == 0)
        return;
    printf("  %s", head);
    json_array_foreach(list, at, name) printf("%s%s", at == 0 ? "" : ", ", json_string_value(name));
    putchar('\n');
}

static void say_rotation(const struct cli *c, const json_t *answer)
{
    const char *step = cli_member(answer, "step", 0);

    printf("%s%s%s\n  step     %s", cli_bold(c), cli_member(answer, "domain", 1), cli_plain(c),
           step);
    if (cli_member(answer, "until", 2)[0] != '\0' && strcmp(step, "none") != 0)
        printf(", until %s", cli_time(answer, "until", 2));
    putchar('\n');
    print_names("signs    ", json_object_get(answer, "signs"));
    print_names("waits    ", json_object_get(answer, "waits"));
    print_names("retires  ", json_object_get(answer, "retires"));
    if (cli_member(answer, "last", 3)[0] != '\0')
        printf("  last     %s\n", cli_time(answer, "last", 3));
    cli_put_folded(stdout, sgl_view_cstr(cli_member(answer, "next", 4)), 0);
}

static int rotate_run(struct cli *c)
{
    bool status_only = cli_flag(c, "--status"), cancel = cli_flag(c, "--cancel");
    bool now = cli_flag(c, "--now");
    char *path;
    json_t *answer, *body = NULL;
    int status;

    if (status_only + cancel + now > 1)
        return cli_error(CLI_USAGE, "domain rotate", "one of --now, --status and --cancel");
    if (!status_only && !cancel)
        body = json_pack("{s:b}", "now", (int)now);
    path = cli_path(DOMAINS "/", c->argument[0], "/rotation");
    status = cli_call(c, status_only ? "GET" : cancel ? "DELETE" : "POST", path, body, &answer);
    free(path);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    say_rotation(c, answer);
    json_decref(answer);
    return CLI_YES;
}

static const struct cli_option rotate_options[] = {
    {"--now", NULL, "end the wait of this step: for a key that has leaked", false},
    {"--status", NULL, "only tell where it is", false},
    {"--cancel", NULL, "take it back; possible until the old key is being revoked", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_domain_rotate = {
    "domain rotate",
    "DOMAIN",
    "replaces the DKIM key of a domain, step by step",
    rotate_options,
    1,
    1,
    rotate_run,
    "Begins, or goes on looking. The new key is published and seen at all name servers before it "
    "signs; the old one stays for rotation.keep, then it is revoked."};
