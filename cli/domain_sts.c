/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo domain mta-sts: the policy that this server serves for a domain */
#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "noun.h"
#include "sigillo/ascii.h"
#include "verbs.h"

#define AGE_MAX 31557600

/* "604800", "7d", "12h"; -1: neither. */
static json_int_t seconds_of(const char *text)
{
    json_int_t n = 0;
    size_t i = 0;

    for (; sgl_ascii_is_digit((uint8_t)text[i]) && n <= AGE_MAX; i++)
        n = n * 10 + (text[i] - '0');
    if (i == 0 || n > AGE_MAX)
        return -1;
    if (text[i] == 'd' || text[i] == 'h')
        n *= text[i++] == 'd' ? 86400 : 3600;
    return text[i] == '\0' || (text[i] == 's' && text[i + 1] == '\0') ? n : -1;
}

static json_t *hosts_of(const struct cli *c)
{
    json_t *list = json_array();
    const char *host;

    for (size_t n = 0; (host = cli_nth(c, "--mx", n)) != NULL; n++)
        json_array_append_new(list, json_string(host));
    return list;
}

/* NULL: nothing is to be changed, or *status says that what was given is wrong. */
static json_t *body_of(const struct cli *c, int *status)
{
    const char *mode = cli_text(c, "--mode"), *age = cli_text(c, "--max-age");
    bool more = age != NULL || cli_text(c, "--mx") != NULL || cli_flag(c, "--look") ||
                cli_flag(c, "--forget");
    json_t *body;

    *status = CLI_YES;
    if (mode == NULL) {
        if (more)
            *status = cli_error(CLI_USAGE, "--mode", "missing: off, none, testing or enforce");
        return NULL;
    }
    if (age != NULL && seconds_of(age) < 0) {
        *status = cli_error(CLI_USAGE, "--max-age", "it is a number of seconds, or 7d, 12h");
        return NULL;
    }
    body = json_pack("{s:s}", "mode", mode);
    if (body == NULL) {
        *status = cli_error(CLI_USAGE, "--mode", "this is not UTF-8");
        return NULL;
    }
    if (cli_text(c, "--mx") != NULL)
        json_object_set_new(body, "mx", hosts_of(c));
    if (age != NULL)
        json_object_set_new(body, "max_age", json_integer(seconds_of(age)));
    if (cli_flag(c, "--look"))
        json_object_set_new(body, "look", json_true());
    if (cli_flag(c, "--forget"))
        json_object_set_new(body, "forget", json_true());
    return body;
}

static void print_policy(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text != '\r')
            putchar(*text);
}

static void say(struct cli *c, const json_t *answer)
{
    const char *until = cli_member(answer, "remembered_until", 0);

    printf("%s%s%s\n  mode         %s\n", cli_bold(c), cli_member(answer, "domain", 1),
           cli_plain(c), cli_member(answer, "mode", 2));
    if (cli_member(answer, "id", 3)[0] != '\0') {
        printf("  id           %s\n  url          %s\n  certificate  %s\n",
               cli_member(answer, "id", 3), cli_member(answer, "url", 4),
               json_is_true(json_object_get(answer, "certificate")) ? "there" : "missing");
        if (until[0] != '\0')
            printf("  remembered   until %s, of policies before\n",
                   cli_time(answer, "remembered_until", 0));
        putchar('\n');
        print_policy(cli_member(answer, "policy", 5));
    }
    if (cli_member(answer, "next", 6)[0] != '\0') {
        putchar('\n');
        cli_put_folded(stdout, sgl_view_cstr(cli_member(answer, "next", 6)), 0);
    }
}

static int sts_run(struct cli *c)
{
    int status;
    json_t *body = body_of(c, &status);
    char *path;

    if (status != CLI_YES)
        return status;
    path = cli_path(DOMAINS "/", c->argument[0], "/mta-sts");
    status = cli_noun_call(c, body == NULL ? "GET" : "PUT", path, body, say);
    free(path);
    return status;
}

static const struct cli_option sts_options[] = {
    {"--mode", "MODE", "off, none, testing or enforce", false},
    {"--mx", "HOST", "a host that takes the domain's mail, or *.DOMAIN; may be given several times",
     true},
    {"--look", NULL, "take the hosts of the domain's MX records, as they are now", false},
    {"--max-age", "SPAN", "senders remember it for so long: 604800, 7d (default 7d)", false},
    {"--forget", NULL, "with --mode off: also while senders may remember a policy", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_domain_mta_sts = {
    "domain mta-sts",
    "DOMAIN",
    "shows or puts the MTA-STS policy that this server serves for the domain",
    sts_options,
    1,
    1,
    sts_run,
    "Without --mode it only shows it. The first policy takes the hosts of the domain's MX records; "
    "later ones keep theirs until --mx or --look says otherwise."};
