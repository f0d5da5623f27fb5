/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo status: how far the server has been set up, and what is to be done next. */
#include <string.h>

#include "domain.h"
#include "next.h"
#include "noun.h"
#include "verbs.h"

#define SHOWN_MAX 5

static const struct {
    const char *path, *member;
    unsigned made_by_init;
} logins[] = {
    {"/admin/v1/accounts", "accounts", 0},
    {"/admin/v1/credentials", "credentials", 1},
    {"/admin/v1/keys", "keys", 1},
    {"/admin/v1/apps", "apps", 0},
};

/* Everything that the page tells of, as one document; the first failure ends it. */
static int gather(struct cli *c, json_t **out)
{
    json_t *all = NULL, *answer;
    int status = cli_call(c, "GET", "/admin/v1/doors", NULL, &all);

    if (status != CLI_YES)
        return status;
    status = cli_call(c, "GET", DOMAINS, NULL, &answer);
    if (status == CLI_YES) {
        json_object_set(all, "domains", json_object_get(answer, "domains"));
        json_decref(answer);
    }
    if (status == CLI_YES)
        status = cli_call(c, "GET", "/admin/v1/tls/records", NULL, &answer);
    if (status == CLI_YES) {
        json_object_set(all, "certificates_waiting", json_object_get(answer, "waiting"));
        json_decref(answer);
    }
    for (size_t i = 0; status == CLI_YES && i < sizeof(logins) / sizeof(logins[0]); i++) {
        status = cli_call(c, "GET", logins[i].path, NULL, &answer);
        if (status != CLI_YES)
            break;
        json_object_set_new(
            all, logins[i].member,
            json_integer((json_int_t)json_array_size(json_object_get(answer, logins[i].member))));
        json_decref(answer);
    }
    if (status == CLI_YES)
        *out = all;
    else
        json_decref(all);
    return status;
}

static const char *for_whom(const json_t *door, const char *member, char *out, size_t size)
{
    (void)out;
    (void)size;
    if (json_is_false(json_object_get(door, member)))
        return "programs without a password";
    return json_is_true(json_object_get(door, "this_machine_only")) ? "this machine"
                                                                    : "everybody with a login";
}

static void print_doors(const struct cli *c, const json_t *all)
{
    static const struct cli_column column[] = {
        {"DOOR", "name", NULL}, {"SPEAKS", "speaks", NULL}, {"ADDRESS", "host", NULL},
        {"PORT", "port", NULL}, {"TLS", "tls", NULL},       {"FOR", "login", for_whom}};

    cli_column_table(c, json_object_get(all, "doors"), column, 6);
}

static bool may_send(const json_t *domain)
{
    return json_is_true(json_object_get(domain, "may_send"));
}

static bool is_parked(const json_t *domain)
{
    return strcmp(cli_member(domain, "kind", 0), "parked") == 0;
}

/* The first domain that may send; NULL: none. */
static const json_t *first_ready(const json_t *domains, size_t *ready)
{
    const json_t *first = NULL, *domain;
    size_t at;

    *ready = 0;
    json_array_foreach(domains, at, domain)
    {
        if (may_send(domain) && (*ready)++ == 0)
            first = domain;
    }
    return first;
}

static bool only_those_of_init(const json_t *all)
{
    for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++)
        if (json_integer_value(json_object_get(all, logins[i].member)) > logins[i].made_by_init)
            return false;
    return true;
}

static void print_next(struct cli *c, const json_t *all)
{
    const json_t *domains = json_object_get(all, "domains"), *domain;
    size_t at, ready, shown = 0;
    const json_t *first = first_ready(domains, &ready);

    cli_next_head(c);
    if (json_array_size(domains) == 0)
        cli_next("prints the DNS records to publish; take a domain of yours",
                 "sigillo domain add example.org");
    json_array_foreach(domains, at, domain)
    {
        if (may_send(domain) || is_parked(domain) || shown++ >= SHOWN_MAX)
            continue;
        cli_next("may not send yet: says which of its records are missing, or wrong",
                 "sigillo domain verify %s", cli_member(domain, "name", 0));
    }
    if (first != NULL && only_those_of_init(all))
        domain_next(cli_member(first, "name", 7));
    else if (first != NULL) {
        cli_next("what waits, and why", "sigillo queue list");
        cli_next("who sent how much", "sigillo report usage --since 7d");
    }
}

static void print_waiting(const struct cli *c, const json_t *list)
{
    const json_t *w;
    size_t at;

    json_array_foreach(list, at, w)
    {
        printf("  certificate  %s%s waits until %s%s: ", cli_yellow(c),
               cli_member(w, "certificate", 0), cli_time(w, "until", 1), cli_plain(c));
        cli_put(stdout, cli_member(w, "why", 2));
        putchar('\n');
    }
}

static int status_run(struct cli *c)
{
    size_t ready;
    json_t *all;
    int status = gather(c, &all);

    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(all);
    (void)first_ready(json_object_get(all, "domains"), &ready);
    printf("%s%s%s\n  domains      %zu, %zu may send\n", cli_bold(c),
           cli_member(all, "hostname", 0), cli_plain(c),
           json_array_size(json_object_get(all, "domains")), ready);
    for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++)
        printf("  %-11s  %s\n", logins[i].member, cli_member(all, logins[i].member, 0));
    print_waiting(c, json_object_get(all, "certificates_waiting"));
    putchar('\n');
    print_doors(c, all);
    print_next(c, all);
    json_decref(all);
    return CLI_YES;
}
const struct cli_verb verb_status = {
    "status",   "",  "says how the server is set up, and what is to be done next", NULL, 0, 0,
    status_run, NULL};
