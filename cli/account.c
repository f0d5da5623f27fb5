/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo account add | list | show | set | remove */
#include <stdlib.h>
#include <string.h>

#include "about.h"
#include "next.h"
#include "noun.h"
#include "password.h"
#include "verbs.h"

#define ACCOUNTS "/admin/v1/accounts"

/* ---- what people see ---- */

static const char *on_off(const json_t *account, const char *member)
{
    return json_is_true(json_object_get(account, member)) ? "on" : "off";
}

static void say_account(const json_t *account)
{
    char apps[1024];

    fputs("name      ", stdout);
    cli_put(stdout, cli_member(account, "name", 0));
    printf("\naddress   %s\nbasic     %s\noauth     %s\napps      %s\n",
           cli_member(account, "address", 0), on_off(account, "basic"), on_off(account, "oauth"),
           cli_column_list(account, "apps", apps, sizeof(apps)));
}

static void say_password(const json_t *answer)
{
    const char *password = cli_member(answer, "password", 1);

    if (password[0] != '\0')
        printf("user      %s\npassword  %s\n\nThe password is shown this once; only its hash is "
               "kept.\n",
               cli_member(answer, "address", 0), password);
}

/* Where it connects, as whom it sends, how much; and, of a new one, what comes next. */
static void say_about(struct cli *c, const json_t *account, bool added)
{
    const char *address = json_string_value(json_object_get(account, "address"));
    char identity[400], word[512];
    struct cli_about about = {.identity = identity,
                              .user = address,
                              .subscription =
                                  json_string_value(json_object_get(account, "subscription")),
                              .profile = json_string_value(json_object_get(account, "profile")),
                              .high_volume = true};

    if (address == NULL) /* removed again already */
        return;
    snprintf(identity, sizeof(identity), "account:%s", address);
    cli_about_print(c, &about);
    if (!added || !cli_next_word(address, word, sizeof(word)))
        return;
    cli_next_head(c);
    if (json_is_true(json_object_get(account, "basic")))
        (void)cli_about_try(c, &about);
    cli_next("says whether it may send as an address, and why",
             "sigillo policy test --identity account:%s --sender %s", word, word);
    cli_next("bounds it further; sigillo profile list shows what there is",
             "sigillo account set %s --profile standard", word);
}

static void say_added(struct cli *c, const json_t *answer)
{
    const char *reason = json_string_value(json_object_get(answer, "basic_reason"));

    say_account(answer);
    say_password(answer);
    if (reason != NULL)
        printf("\nPasswords are off. %s\n", reason);
    putchar('\n');
    say_about(c, answer, true);
}

static void say_set(struct cli *c, const json_t *answer)
{
    say_account(answer);
    say_password(answer);
    if (json_object_get(answer, "password") != NULL)
        putchar('\n');
    say_about(c, answer, false);
}

/* ---- members ---- */

/* --basic, --oauth: "on" or "off"; false: said. */
static bool put_way(const struct cli *c, json_t *body, const char *option, const char *member)
{
    const char *text = cli_text(c, option);

    if (text == NULL)
        return true;
    if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0) {
        (void)cli_error(CLI_USAGE, option, "one of on, off is wanted");
        return false;
    }
    json_object_set_new(body, member, json_boolean(strcmp(text, "on") == 0));
    return true;
}

/* What was given so often; false: no UTF-8, which was said. */
static bool put_list(const struct cli *c, json_t *body, const char *option, const char *member)
{
    json_t *list = json_array();
    const char *text;

    for (size_t i = 0; (text = cli_nth(c, option, i)) != NULL; i++)
        if (json_array_append_new(list, json_string(text)) != 0) {
            json_decref(list);
            (void)cli_error(CLI_USAGE, option, "this is not UTF-8");
            return false;
        }
    if (json_array_size(list) > 0)
        json_object_set(body, member, list);
    json_decref(list);
    return true;
}

static bool put_text(const struct cli *c, json_t *body, const char *option, const char *member)
{
    const char *text = cli_text(c, option);

    if (text == NULL || json_object_set_new(body, member, json_string(text)) == 0)
        return true;
    (void)cli_error(CLI_USAGE, option, "this is not UTF-8");
    return false;
}

/* What adding and changing have in common. */
static bool put_common(const struct cli *c, json_t *body)
{
    return put_text(c, body, "--name", "name") && put_way(c, body, "--basic", "basic") &&
           put_way(c, body, "--oauth", "oauth") && put_list(c, body, "--allow-app", "allow_apps") &&
           (!cli_flag(c, "--password-stdin") || cli_password_read(body));
}

/* ---- verbs ---- */

static int account_add_run(struct cli *c)
{
    json_t *body;

    if (cli_text(c, "--name") == NULL || cli_text(c, "--address") == NULL)
        return cli_error(CLI_USAGE, cli_text(c, "--name") == NULL ? "--name" : "--address",
                         "an account has a name for people and an address that it sends as");
    body = json_object();
    if (!put_text(c, body, "--address", "address") || !put_common(c, body)) {
        json_decref(body);
        return CLI_USAGE;
    }
    cli_noun_subscription(c, body);
    return cli_noun_add(c, ACCOUNTS, body, say_added);
}

static const struct cli_option account_add_options[] = {
    {"--name", "TEXT", "what people call it", false},
    {"--address", "ADDRESS", "the one it sends as, and its user name", false},
    {"--password-stdin", NULL, "read the password from standard input instead of making one",
     false},
    {"--basic", "on|off", "log in with a password (default: on, unless there are applications)",
     false},
    {"--oauth", "on|off", "log in with a token of an application (default: on)", false},
    {"--allow-app", "APP", "an application that may log in as it; at most ten", true},
    {"--subscription", "NAME", "whose it is (default: default)", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_account_add = {
    "account add",
    "",
    "adds a high-volume account, which sends as one address",
    account_add_options,
    0,
    0,
    account_add_run,
    "Its mail counts against the profile high-volume, with that of all accounts of the\n"
    "subscription."};

static int account_list_run(struct cli *c)
{
    static const struct cli_column column[] = {
        {"ADDRESS", "address", NULL},
        {"NAME", "name", NULL},
        {"SUBSCRIPTION", "subscription", NULL},
        {"BASIC", "basic", NULL},
        {"OAUTH", "oauth", NULL},
        {"APPS", "apps", cli_column_list},
        {"ADDED", "created_at", cli_column_time},
    };

    return cli_noun_list(c, ACCOUNTS, "accounts", column, 7);
}
const struct cli_verb verb_account_list = {
    "account list", "", "lists the high-volume accounts", NULL, 0, 0, account_list_run, NULL};

static int account_show_run(struct cli *c)
{
    char *path = cli_path(ACCOUNTS "/", c->argument[0], "");
    json_t *account;
    int status = cli_call(c, "GET", path, NULL, &account);

    free(path);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(account);
    say_account(account);
    say_about(c, account, false);
    json_decref(account);
    return CLI_YES;
}
const struct cli_verb verb_account_show = {
    "account show", "ADDRESS", "shows an account", NULL, 1, 1, account_show_run, NULL};

static int account_set_run(struct cli *c)
{
    json_t *body = json_object();

    if (!put_common(c, body) || !put_list(c, body, "--forbid-app", "forbid_apps") ||
        !cli_noun_profile(c, body)) {
        json_decref(body);
        return CLI_USAGE;
    }
    if (cli_flag(c, "--new-password"))
        json_object_set_new(body, "new_password", json_true());
    if (json_object_size(body) > 0)
        return cli_noun_set(c, ACCOUNTS "/", body, say_set);
    json_decref(body);
    return cli_error(CLI_USAGE, c->argument[0],
                     "say what changes: --name, --basic, --oauth, --allow-app, --forbid-app, "
                     "--profile, --password-stdin or --new-password");
}

static const struct cli_option account_set_options[] = {
    {"--name", "TEXT", "what people call it", false},
    {"--basic", "on|off", "log in with a password; one is made when there is none", false},
    {"--oauth", "on|off", "log in with a token of an application", false},
    {"--allow-app", "APP", "one more application that may log in as it; at most ten", true},
    {"--forbid-app", "APP", "one that may not any more", true},
    {"--password-stdin", NULL, "read a new password from standard input", false},
    {"--new-password", NULL, "make a new password", false},
    {"--profile", "NAME", "limits of its own, beside its subscription's; none: only those", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_account_set = {
    "account set",       "ADDRESS", "changes how an account logs in, or its name",
    account_set_options, 1,         1,
    account_set_run,     NULL};

static int account_remove_run(struct cli *c)
{
    return cli_noun_remove(c, ACCOUNTS "/", "is removed");
}
const struct cli_verb verb_account_remove = {
    "account remove", "ADDRESS", "removes an account", NULL, 1, 1, account_remove_run, NULL};
