/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo app add | list | show | set | secret | federate | remove */
#include <stdlib.h>
#include <string.h>

#include "about.h"
#include "next.h"
#include "noun.h"
#include "verbs.h"

#define APPS "/admin/v1/apps"

/* ---- what people see ---- */

static void say_secret(const json_t *answer)
{
    printf("secret     %s\n\nThe secret is shown this once; only its hash is kept. It is \"%s\" in "
           "lists.\n",
           cli_member(answer, "secret", 0), cli_member(answer, "secret_id", 1));
}

static void say_app(const json_t *answer)
{
    printf("name       %s\ntenant id  %s\nclient id  %s\n", cli_member(answer, "name", 0),
           cli_member(answer, "tenant_id", 1), cli_member(answer, "client_id", 2));
    if (json_object_get(answer, "secret") != NULL)
        say_secret(answer);
}

/* A group of one address, and a policy that lets it send as that and nothing else. */
static void say_restrict(const char *name, const char *from)
{
    cli_next("names the addresses that it shall send as",
             "sigillo group add %s-senders --member %s", name, from);
    cli_next("lets it send as these and as no others",
             "sigillo policy add --app %s --allow --senders %s-senders", name, name);
    cli_next("says whether it may send as an address, and why",
             "sigillo policy test --app %s --sender %s", name, from);
}

static void say_added(struct cli *c, const json_t *answer)
{
    const char *name = json_string_value(json_object_get(answer, "name"));
    const json_t *domains = json_object_get(answer, "domains");
    char identity[200], from[600];
    struct cli_about about = {.identity = identity,
                              .client = json_string_value(json_object_get(answer, "client_id")),
                              .subscription =
                                  json_string_value(json_object_get(answer, "subscription")),
                              .domains = domains};

    say_app(answer);
    if (name == NULL || json_array_size(domains) == 0) /* it only opens the admin API */
        return;
    snprintf(identity, sizeof(identity), "app:%s", name);
    putchar('\n');
    cli_about_print(c, &about);
    cli_about_from(&about, from, sizeof(from));
    cli_next_head(c);
    if (cli_flag(c, "--no-secret"))
        cli_next("names the issuer whose tokens it shows in place of a secret",
                 "sigillo app federate %s --issuer https://issuer.example.com --subject SUBJECT "
                 "--audience api://sigillo",
                 name);
    else
        (void)cli_about_try(c, &about);
    say_restrict(name, from);
}

static void say_set(struct cli *c, const json_t *answer)
{
    if (json_object_get(answer, "secret") != NULL) {
        say_secret(answer);
        return;
    }
    cli_put(stdout, c->argument[0]);
    puts(" is changed");
}

static const char *yes_or_no(const json_t *noun, const char *member, char *out, size_t size)
{
    (void)out;
    (void)size;
    return json_is_true(json_object_get(noun, member)) ? "yes" : "no";
}

static void print_trusts(const struct cli *c, const json_t *app)
{
    static const struct cli_column column[] = {{"TRUST", "id", NULL},
                                               {"ISSUER", "issuer", NULL},
                                               {"SUBJECT", "subject", NULL},
                                               {"AUDIENCE", "audience", NULL},
                                               {"REUSABLE", "reusable", yes_or_no}};
    const json_t *list = json_object_get(app, "trusts");

    if (json_array_size(list) == 0)
        return;
    putchar('\n');
    cli_column_table(c, list, column, 5);
}

static void print_secrets(const struct cli *c, const json_t *app)
{
    static const struct cli_column column[] = {{"SECRET", "id", NULL},
                                               {"MADE", "created_at", cli_column_time},
                                               {"EXPIRES", "expires_at", cli_column_time}};

    putchar('\n');
    cli_column_table(c, json_object_get(app, "secrets"), column, 3);
}

/* ---- members ---- */

/* A text member; false: it is not UTF-8, and the body is gone. */
static bool put_text(const struct cli *c, json_t *body, const char *option, const char *member)
{
    const char *text = cli_text(c, option);

    if (text == NULL || json_object_set_new(body, member, json_string(text)) == 0)
        return true;
    json_decref(body);
    (void)cli_error(CLI_USAGE, option, "this is not UTF-8");
    return false;
}

/* ---- verbs ---- */

static int app_add_run(struct cli *c)
{
    json_t *body;

    if (cli_text(c, "--domain") == NULL && cli_text(c, "--role") == NULL)
        return cli_error(
            CLI_USAGE, "--domain",
            "name at least one domain that it may send as, or * for all of the subscription");
    body = json_pack("{s:s, s:o, s:b}", "name", c->argument[0], "domains", cli_noun_domains(c),
                     "no_secret", (int)cli_flag(c, "--no-secret"));
    if (body == NULL)
        return cli_error(CLI_USAGE, c->argument[0], "this is not UTF-8");
    if (!put_text(c, body, "--label", "label") || !put_text(c, body, "--role", "role") ||
        !put_text(c, body, "--expires", "expires"))
        return CLI_USAGE;
    cli_noun_subscription(c, body);
    return cli_noun_add(c, APPS, body, say_added);
}

static const struct cli_option app_add_options[] = {
    {"--domain", "DOMAIN", "it may send as addresses of this domain; * for all of the subscription",
     true},
    {"--label", "TEXT", "what it is for, shown in lists", false},
    {"--role", "ROLE", "what its tokens may in the admin API: reader, owner, operator", false},
    {"--expires", "TIME", "when its secret ends: RFC 3339, or 90d from now (default: 365d)", false},
    {"--no-secret", NULL, "without a secret", false},
    {"--subscription", "NAME", "whose it is (default: default)", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_app_add = {
    "app add",
    "NAME",
    "adds an OAuth application and makes its secret",
    app_add_options,
    1,
    1,
    app_add_run,
    "The tenant id, the client id and the secret are what its library asks for. The authority is\n"
    "the server's public_url."};

static int app_list_run(struct cli *c)
{
    static const struct cli_column column[] = {
        {"NAME", "name", NULL},
        {"CLIENT ID", "client_id", NULL},
        {"SUBSCRIPTION", "subscription", NULL},
        {"DOMAINS", "domains", cli_column_list},
        {"ROLE", "role", NULL},
        {"LABEL", "label", NULL},
        {"ADDED", "created_at", cli_column_time},
    };

    return cli_noun_list(c, APPS, "apps", column, 7);
}
const struct cli_verb verb_app_list = {"app list",   "",  "lists the applications", NULL, 0, 0,
                                       app_list_run, NULL};

static int app_show_run(struct cli *c)
{
    char *path = cli_path(APPS "/", c->argument[0], "");
    char domains[1024];
    json_t *app;
    int status = cli_call(c, "GET", path, NULL, &app);

    free(path);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(app);
    say_app(app);
    printf("domains    %s\nrole       %s\nlabel      ",
           cli_column_list(app, "domains", domains, sizeof(domains)), cli_member(app, "role", 0));
    cli_put(stdout, cli_member(app, "label", 1));
    putchar('\n');
    print_secrets(c, app);
    print_trusts(c, app);
    json_decref(app);
    return CLI_YES;
}
const struct cli_verb verb_app_show = {
    "app show",   "NAME", "shows an application and its secrets' ends", NULL, 1, 1,
    app_show_run, NULL};

static int app_set_run(struct cli *c)
{
    json_t *body;

    if (cli_text(c, "--label") == NULL && cli_text(c, "--domain") == NULL &&
        cli_text(c, "--profile") == NULL)
        return cli_error(CLI_USAGE, c->argument[0],
                         "say what changes: --domain, --label or --profile");
    body = json_object();
    if (!cli_noun_profile(c, body)) {
        json_decref(body);
        return CLI_USAGE;
    }
    if (cli_text(c, "--domain") != NULL)
        json_object_set_new(body, "domains", cli_noun_domains(c));
    if (!put_text(c, body, "--label", "label"))
        return CLI_USAGE;
    return cli_noun_set(c, APPS "/", body, say_set);
}

static const struct cli_option app_set_options[] = {
    {"--domain", "DOMAIN",
     "it may send as addresses of this domain, and of no others than are named; * for all", true},
    {"--label", "TEXT", "what it is for, shown in lists", false},
    {"--profile", "NAME", "limits of its own, beside its subscription's; none: only those", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_app_set = {
    "app set",       "NAME", "changes the domains or the label of an application",
    app_set_options, 1,      1,
    app_set_run,     NULL};

static int app_secret_run(struct cli *c)
{
    bool removes = cli_text(c, "--remove") != NULL;
    json_t *body;

    if (removes && cli_text(c, "--expires") != NULL)
        return cli_error(CLI_USAGE, "--expires", "a secret that is removed has no end");
    body = json_object();
    if (!removes)
        json_object_set_new(body, "new_secret", json_true());
    if (!put_text(c, body, "--remove", "remove_secret") ||
        !put_text(c, body, "--expires", "expires"))
        return CLI_USAGE;
    return cli_noun_set(c, APPS "/", body, say_set);
}

static const struct cli_option app_secret_options[] = {
    {"--expires", "TIME", "when the new one ends: RFC 3339, or 90d from now (default: 365d)",
     false},
    {"--remove", "ID", "removes this one instead; `app show` lists them", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_app_secret = {
    "app secret",
    "NAME",
    "makes one more secret for an application, or removes one",
    app_secret_options,
    1,
    1,
    app_secret_run,
    "The others stay as they are: make one, bring it to the application, remove the old one."};

static void say_federated(struct cli *c, const json_t *answer)
{
    if (json_object_get(answer, "trust_id") == NULL) {
        say_set(c, answer);
        return;
    }
    printf("trust      %s\n", cli_member(answer, "trust_id", 0));
    say_app(answer);
    printf("\nIt gets a token by showing one of that issuer's as client_assertion. It needs no "
           "secret.\n");
}

static int app_federate_run(struct cli *c)
{
    bool removes = cli_text(c, "--remove") != NULL;
    json_t *body;

    if (!removes && (cli_text(c, "--issuer") == NULL || cli_text(c, "--subject") == NULL))
        return cli_error(CLI_USAGE, "--issuer",
                         "name the --issuer and the --subject of its tokens");
    if (removes && (cli_text(c, "--issuer") != NULL || cli_text(c, "--subject") != NULL ||
                    cli_text(c, "--audience") != NULL || cli_flag(c, "--reusable")))
        return cli_error(CLI_USAGE, "--remove", "this names all of it; leave out the rest");
    body = json_object();
    if (cli_flag(c, "--reusable"))
        json_object_set_new(body, "trust_reusable", json_true());
    if (!put_text(c, body, "--issuer", "trust_issuer") ||
        !put_text(c, body, "--subject", "trust_subject") ||
        !put_text(c, body, "--audience", "trust_audience") ||
        !put_text(c, body, "--remove", "remove_trust"))
        return CLI_USAGE;
    return cli_noun_set(c, APPS "/", body, say_federated);
}

static const struct cli_option app_federate_options[] = {
    {"--issuer", "URL", "who makes its tokens: https://..., as in their claim iss", false},
    {"--subject", "TEXT", "whom they are for, as in sub", false},
    {"--audience", "TEXT", "where they are shown, as in aud (default: public_url)", false},
    {"--reusable", NULL, "each may be shown more than once, as those of Kubernetes are", false},
    {"--remove", "ID", "trusts this one no longer; `app show` lists them", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_app_federate = {
    "app federate",
    "NAME",
    "lets an application prove itself by tokens of another issuer",
    app_federate_options,
    1,
    1,
    app_federate_run,
    "The issuer's keys are fetched over HTTPS. Issuer, subject and audience must be exactly "
    "these; without --audience it is public_url, our name as an issuer."};

static int app_remove_run(struct cli *c)
{
    return cli_noun_remove(c, APPS "/", "is removed; its tokens are refused from now on");
}
const struct cli_verb verb_app_remove = {
    "app remove",   "NAME", "removes an application and all of its secrets", NULL, 1, 1,
    app_remove_run, NULL};
