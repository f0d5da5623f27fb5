/* SPDX-License-Identifier: Apache-2.0 */
#include "about.h"

#include <stdlib.h>
#include <string.h>

#include "next.h"
#include "noun.h"

#define SHOWN_MAX 8

/* One column of names, one of texts; the name stands before the first line only. */
static void put_row(const char *name, size_t row)
{
    printf("%-10s", row == 0 ? name : "");
}

/* NULL: not to be had, which has been said. */
static json_t *ask(struct cli *c, const char *path)
{
    json_t *answer = NULL;

    return cli_call(c, "GET", path, NULL, &answer) == CLI_YES ? answer : NULL;
}

/* ---- where ---- */

static bool fits(const struct cli_about *a, const json_t *door)
{
    return strcmp(cli_member(door, "speaks", 0), a->user != NULL ? "smtp" : "http") == 0 &&
           json_is_true(json_object_get(door, "login"));
}

/* Where a door that speaks HTTP is: over TLS the world knows it by the public URL. */
static const char *url_of(const json_t *answer, const json_t *door, char out[600])
{
    bool here = json_is_true(json_object_get(door, "this_machine_only"));
    bool plain = strcmp(cli_member(door, "tls", 6), "plain") == 0;
    const char *host = cli_member(door, "host", 6);

    if (!plain && !here)
        snprintf(out, 600, "%s", cli_member(answer, "public_url", 7));
    else
        snprintf(out, 600, strchr(host, ':') == NULL ? "%s://%s:%s" : "%s://[%s]:%s",
                 plain ? "http" : "https", host, cli_member(door, "port", 7));
    return out;
}

static void put_door(const json_t *answer, const json_t *door)
{
    char url[600];

    if (strcmp(cli_member(door, "speaks", 0), "smtp") == 0)
        printf("%s, port %s, %s", cli_member(door, "host", 0), cli_member(door, "port", 1),
               strcmp(cli_member(door, "tls", 2), "starttls") == 0 ? "STARTTLS" : "TLS");
    else
        printf("%s/v1/messages", url_of(answer, door, url));
    puts(json_is_true(json_object_get(door, "this_machine_only")) ? "  (from this machine only)"
                                                                  : "");
}

static void print_doors(const struct cli_about *a, const json_t *answer)
{
    const json_t *door;
    size_t at, shown = 0;

    json_array_foreach(json_object_get(answer, "doors"), at, door)
    {
        if (!fits(a, door))
            continue;
        put_row("server", shown++);
        put_door(answer, door);
    }
    if (shown > 0)
        return;
    put_row("server", 0);
    cli_put_folded(
        stdout,
        a->user != NULL
            ? SGL_LIT(
                  "none takes a password yet: that needs TLS. Set tls_certificate and tls_key in "
                  "the configuration, and a listen section with tls = starttls; see "
                  "sigillo.conf(5)")
            : SGL_LIT("none speaks HTTP yet: add a listen section with door = http; see "
                      "sigillo.conf(5)"),
        10);
}

/* ---- as whom ---- */

static size_t print_senders(struct cli *c, const struct cli_about *a)
{
    json_t *answer = ask(c, "/admin/v1/senders");
    const json_t *sender;
    size_t at, found = 0;

    json_array_foreach(json_object_get(answer, "senders"), at, sender)
    {
        if (strcmp(cli_member(sender, "identity", 0), a->identity) != 0)
            continue;
        if (found++ >= SHOWN_MAX)
            continue;
        put_row("sends as", found - 1);
        cli_put(stdout, cli_member(sender, "address", 1));
        putchar('\n');
    }
    if (found > SHOWN_MAX)
        printf("          and %zu more: sigillo sender list\n", found - SHOWN_MAX);
    json_decref(answer);
    return found;
}

/* What it may send as while it has no senders of its own. */
static void print_domains(const struct cli_about *a)
{
    const json_t *domain;
    size_t at;

    json_array_foreach(a->domains, at, domain)
    {
        const char *name = json_string_value(domain);

        put_row("sends as", at);
        if (strcmp(name, "*") == 0)
            puts("every address of every domain of its subscription");
        else
            printf("every address of %s\n", name);
    }
    if (a->domains == NULL)
        printf("sends as  %s, and as nothing else unless a policy allows it\n",
               strchr(a->identity, ':') + 1);
    else if (json_array_size(a->domains) == 0)
        puts("sends as  nobody");
}

/* Does a policy of this identity name count for ours: its own name, all of its kind, or everybody? */
static bool is_meant(const char *named, const char *identity)
{
    size_t kind = strcspn(identity, ":") + 1;

    return strcmp(named, identity) == 0 || strcmp(named, "*") == 0 ||
           (strncmp(named, identity, kind) == 0 && strcmp(named + kind, "*") == 0);
}

static void print_policies(struct cli *c, const struct cli_about *a)
{
    json_t *answer = ask(c, "/admin/v1/policies");
    const json_t *policy;
    size_t at;

    json_array_foreach(json_object_get(answer, "policies"), at, policy)
    {
        if (is_meant(cli_member(policy, "identity", 0), a->identity))
            printf("policy    %s %ss the group %s\n", cli_member(policy, "id", 1),
                   strcmp(cli_member(policy, "right", 2), "deny") == 0 ? "denie" : "allow",
                   cli_member(policy, "group", 3));
    }
    json_decref(answer);
}

/* ---- how much ---- */

static const json_t *profile_named(const json_t *answer, const char *name)
{
    const json_t *profile;
    size_t at;

    json_array_foreach(json_object_get(answer, "profiles"), at, profile)
    {
        if (strcmp(cli_member(profile, "name", 0), name) == 0)
            return profile;
    }
    return NULL;
}

static size_t put_profile(const json_t *profiles, const char *name, const char *whose, size_t row)
{
    const json_t *p = profile_named(profiles, name);
    char limits[512];

    if (name[0] == '\0' || p == NULL)
        return row;
    cli_noun_limits(p, "limits", limits, sizeof(limits));
    put_row("limits", row);
    printf("%s (%s%s)\n", limits[0] == '\0' ? "none" : limits, whose, name);
    return row + 1;
}

static void print_limits(struct cli *c, const struct cli_about *a)
{
    const char *given = cli_text(c, "--subscription");
    char *path = cli_path("/admin/v1/subscriptions/",
                          a->subscription != NULL ? a->subscription
                          : given != NULL         ? given
                                                  : "default",
                          "");
    json_t *profiles = ask(c, "/admin/v1/profiles"), *subscription = ask(c, path);
    size_t row = 0;

    free(path);
    if (a->profile != NULL)
        row = put_profile(profiles, a->profile, "its own: profile ", row);
    if (a->high_volume)
        row = put_profile(profiles, "high-volume", "all accounts together: profile ", row);
    put_profile(profiles, cli_member(subscription, "profile", 7),
                "the whole subscription: profile ", row);
    json_decref(profiles);
    json_decref(subscription);
}

void cli_about_print(struct cli *c, const struct cli_about *a)
{
    json_t *doors = ask(c, "/admin/v1/doors");

    if (doors != NULL)
        print_doors(a, doors);
    json_decref(doors);
    if (print_senders(c, a) == 0)
        print_domains(a);
    print_policies(c, a);
    print_limits(c, a);
}

/* ---- trying it ---- */

void cli_about_from(const struct cli_about *a, char *out, size_t size)
{
    const char *name = strchr(a->identity, ':') + 1;
    const char *domain = json_string_value(json_array_get(a->domains, 0));
    bool key = strncmp(a->identity, "key:", 4) == 0;

    if (a->domains == NULL) /* an account is called as its address */
        snprintf(out, size, "%s", name);
    else
        snprintf(out, size, "%.*s@%s", (int)(key ? 4 : strcspn(name, "@")), key ? "app1" : name,
                 domain == NULL || strcmp(domain, "*") == 0 ? "example.org" : domain);
}

static bool try_smtp(const struct cli_about *a, const json_t *door, const char *from)
{
    char user[512];

    if (!cli_next_word(a->user, user, sizeof(user)))
        return false;
    cli_next("sends a first message; it asks for the password",
             "(echo From: %s; echo To: someone@example.net; echo Subject: Hello; echo; echo It "
             "works.) | curl -sS --crlf%s %s://%s:%s --user %s --mail-from %s --mail-rcpt "
             "someone@example.net -T -",
             from, strcmp(cli_member(door, "tls", 0), "starttls") == 0 ? " --ssl-reqd" : "",
             strcmp(cli_member(door, "tls", 0), "starttls") == 0 ? "smtp" : "smtps",
             cli_member(door, "host", 1), cli_member(door, "port", 2), user, from);
    return true;
}

static bool try_http(const struct cli_about *a, const json_t *answer, const json_t *door,
                     const char *from)
{
    bool app = a->client != NULL;
    char url[600];

    (void)url_of(answer, door, url);
    if (app)
        cli_next("gets a token, good for an hour; it asks for the secret",
                 "curl -sS %s/oauth2/token -u %s -d grant_type=client_credentials", url, a->client);
    cli_next(app ? "sends a first message, with the access_token in the variable TOKEN"
                 : "sends a first message, with the key in the variable KEY",
             "curl -sS %s/v1/messages -H \"Authorization: Bearer $%s\" -H 'Content-Type: "
             "application/json' -d '{\"from\": \"%s\", \"to\": [\"someone@example.net\"], "
             "\"subject\": \"Hello\", \"text\": \"It works.\"}'",
             url, app ? "TOKEN" : "KEY", from);
    return true;
}

bool cli_about_try(struct cli *c, const struct cli_about *a)
{
    json_t *answer = ask(c, "/admin/v1/doors");
    const json_t *door;
    char from[400], quoted[512];
    bool done = false;
    size_t at;

    cli_about_from(a, from, sizeof(from));
    /* what would need quotes of its own inside of quotes is left to whoever named it so */
    if (!cli_next_word(from, quoted, sizeof(quoted)) || quoted[0] == '\'') {
        json_decref(answer);
        return false;
    }
    json_array_foreach(json_object_get(answer, "doors"), at, door)
    {
        if (!done && fits(a, door))
            done = a->user != NULL ? try_smtp(a, door, from) : try_http(a, answer, door, from);
    }
    json_decref(answer);
    return done;
}
