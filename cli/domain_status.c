/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo domain show | verify | coach: how far a domain has come, and what to do next */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "domain.h"
#include "next.h"
#include "verbs.h"

#define WAIT_FIRST_S   2
#define WAIT_LONGEST_S 30
#define WAIT_PRESET_S  3600

/* ---- the table ---- */

static const char *state_text(const json_t *part)
{
    const char *state = cli_member(part, "state", 6);

    return strcmp(state, "not_started") == 0   ? "not started"
           : strcmp(state, "in_progress") == 0 ? "in progress"
                                               : state;
}

static void print_table(const struct cli *c, const json_t *status)
{
    static const char *const head[] = {"RECORD", "STATE", "SINCE", ""};
    struct cli_table t;
    const char *name;
    json_t *part;

    cli_table_init(&t, 4, head);
    json_object_foreach((json_t *)(uintptr_t)status, name, part)
    {
        cli_table_add(&t, cli_member(part, "title", 0));
        cli_table_add(&t, state_text(part));
        cli_table_add(&t, cli_time(part, "since", 1));
        cli_table_add(&t, json_is_true(json_object_get(part, "required")) ? "required" : "");
    }
    cli_table_print(c, &t, stdout);
    cli_table_done(&t);
}

static void print_field(const struct cli *c, const char *head, const char *text)
{
    if (text[0] == '\0')
        return;
    printf("  %s%s%s", cli_dim(c), head, cli_plain(c));
    cli_put(stdout, text);
    putchar('\n');
}

/* Below the table: of each part that is not there, what was found and what was expected. */
static void print_faults(const struct cli *c, const json_t *status)
{
    const char *name;
    json_t *part;

    json_object_foreach((json_t *)(uintptr_t)status, name, part)
    {
        const char *state = cli_member(part, "state", 0);

        if (strcmp(state, "failed") != 0 && strcmp(state, "in_progress") != 0)
            continue;
        printf("\n%s%s%s: %s", cli_bold(c), cli_member(part, "title", 1), cli_plain(c),
               state_text(part));
        if (cli_member(part, "lost_at", 2)[0] != '\0')
            printf(", gone since %s", cli_time(part, "lost_at", 2));
        putchar('\n');
        print_field(c, "found     ", cli_member(part, "found", 3));
        print_field(c, "expected  ", cli_member(part, "expected", 3));
        print_field(c, "", cli_member(part, "why", 3));
    }
}

static void print_missing(const json_t *domain)
{
    const json_t *status = json_object_get(domain, "status"), *name;
    size_t at, count = json_array_size(json_object_get(domain, "missing"));

    json_array_foreach(json_object_get(domain, "missing"), at, name)
    {
        const json_t *part = json_object_get(status, json_string_value(name));

        printf("%s%s",
               at == 0           ? ""
               : at + 1 == count ? " and "
                                 : ", ",
               cli_member(part, "title", 0));
    }
}

static void print_sending(const struct cli *c, const json_t *domain)
{
    const char *sending = cli_member(domain, "sending", 0);
    bool yes = json_is_true(json_object_get(domain, "may_send"));

    printf("  may send      %s%s%s", yes ? cli_green(c) : cli_red(c), yes ? "yes" : "no",
           cli_plain(c));
    if (strcmp(sending, "parked") == 0) {
        printf(", it is parked");
    } else if (!yes) {
        printf(strcmp(sending, "lost") == 0 ? ", gone for too long: " : ", not verified: ");
        print_missing(domain);
    } else if (cli_member(domain, "stops_at", 1)[0] != '\0') {
        printf(", but only until %s: a record is gone", cli_time(domain, "stops_at", 1));
    }
    putchar('\n');
}

/* The policy that is served here; NULL: none. */
static void print_policy(const struct cli *c, const json_t *sts)
{
    if (sts == NULL)
        return;
    printf("  policy        MTA-STS %s", cli_member(sts, "mode", 0));
    if (!json_is_true(json_object_get(sts, "certificate")))
        printf(", %sbut no certificate has the name mta-sts.%s%s", cli_red(c),
               cli_member(sts, "domain", 1), cli_plain(c));
    putchar('\n');
}

static void print_head(const struct cli *c, const json_t *domain)
{
    printf("%s%s%s", cli_bold(c), cli_member(domain, "name", 0), cli_plain(c));
    if (cli_member(domain, "unicode", 0)[0] != '\0') {
        printf("  ");
        cli_put(stdout, cli_member(domain, "unicode", 0));
    }
    printf("\n  subscription  %s\n  kind          %s\n", cli_member(domain, "subscription", 1),
           cli_member(domain, "kind", 2));
    print_sending(c, domain);
    printf("  checked       %s\n", cli_member(domain, "checked_at", 0)[0] == '\0'
                                       ? "not yet"
                                       : cli_time(domain, "checked_at", 0));
    print_policy(c, json_object_get(domain, "mta_sts"));
    if (cli_member(domain, "unknown_since", 0)[0] != '\0')
        printf("  %sname servers  no answer since %s; what was known before still counts%s\n",
               cli_yellow(c), cli_time(domain, "unknown_since", 0), cli_plain(c));
}

static void print_status(const struct cli *c, const json_t *domain)
{
    putchar('\n');
    print_table(c, json_object_get(domain, "status"));
    print_faults(c, json_object_get(domain, "status"));
}

/* ---- show ---- */

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
    print_head(c, answer);
    printf("  added         %s\n", cli_time(answer, "created_at", 2));
    if (strcmp(cli_member(answer, "tls", 3), "verified") == 0)
        printf("  TLS           verified: only to servers that prove who they are\n");
    json_array_foreach(json_object_get(answer, "selectors"), at, s) printf(
        "  selector      %s  %s  %s%s\n", cli_member(s, "name", 0), cli_member(s, "algorithm", 1),
        json_is_true(json_object_get(s, "active")) ? "signs" : "waits for its turn",
        json_is_true(json_object_get(s, "loaded")) ? "" : ", its key is not loaded");
    print_status(c, answer);
    json_decref(answer);
    return CLI_YES;
}
const struct cli_verb verb_domain_show = {
    "domain show", "DOMAIN", "shows a domain, the state of its records, its selectors", NULL, 1, 1,
    show_run,      NULL};

/* ---- verify ---- */

/* One check now. CLI_YES: *answer is a reference. */
static int check(const struct cli *c, const char *domain, json_t **answer)
{
    char *path = cli_path(DOMAINS "/", domain, "/verify");
    int status = cli_call(c, "POST", path, NULL, answer);

    free(path);
    return status;
}

/* All that is required is there; or the answer is not known; or it is no. */
static int verdict(const json_t *answer)
{
    if (json_is_true(json_object_get(answer, "unknown")))
        return CLI_UNKNOWN;
    return json_is_true(json_object_get(answer, "ready")) ? CLI_YES : CLI_NO;
}

static void show_progress(const json_t *answer, time_t began, bool end)
{
    const char *name;
    json_t *part;

    if (!isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "\r\033[K");
    if (end)
        return;
    fprintf(stderr, "%lld s, waiting for", (long long)(time(NULL) - began));
    json_object_foreach(json_object_get(answer, "status"), name, part)
    {
        if (json_is_true(json_object_get(part, "required")) &&
            strcmp(cli_member(part, "state", 0), "verified") != 0)
            fprintf(stderr, " %s", cli_member(part, "title", 0));
    }
    fflush(stderr);
}

/* Until it is ready or the time is over; *answer is that of the last check. */
static int check_until(struct cli *c, json_t **answer, time_t end)
{
    time_t began = time(NULL);
    unsigned wait_s = WAIT_FIRST_S;

    for (;;) {
        int status = check(c, c->argument[0], answer);

        if (status != CLI_YES)
            return status;
        if (verdict(*answer) == CLI_YES || time(NULL) + wait_s > end)
            break;
        show_progress(*answer, began, false);
        json_decref(*answer);
        sleep(wait_s);
        wait_s = wait_s * 2 > WAIT_LONGEST_S ? WAIT_LONGEST_S : wait_s * 2;
    }
    show_progress(*answer, began, true);
    return CLI_YES;
}

static bool wait_end(const struct cli *c, time_t *end)
{
    const char *text = cli_text(c, "--wait-max");
    uint64_t seconds = WAIT_PRESET_S;

    if (text != NULL && !sgl_view_u64(sgl_view_cstr(text), 365u * 86400u, &seconds)) {
        cli_error(CLI_USAGE, "--wait-max", "a number of seconds is wanted");
        return false;
    }
    *end = cli_flag(c, "--wait") ? time(NULL) + (time_t)seconds : 0;
    return true;
}

void domain_next(const char *name)
{
    cli_next("an application that sends as one address, by SMTP, with limits of its own",
             "sigillo account add --name \"App 1\" --address app1@%s", name);
    cli_next("a user name and password for SMTP, for any address of the domain",
             "sigillo credential add app1 --domain %s", name);
    cli_next("a key for an application that sends by HTTP",
             "sigillo key add --domain %s --label app1", name);
    cli_next("an application that logs in with tokens (OAuth 2.0)",
             "sigillo app add app1 --domain %s", name);
    cli_next(
        "a first message from here",
        "echo It works. | sigillo send --from app1@%s --to someone@example.net --subject Hello "
        "--text - --wait",
        name);
}

static void say_next(const struct cli *c, const json_t *answer, int result)
{
    const char *name = cli_member(answer, "name", 7);

    putchar('\n');
    if (result == CLI_UNKNOWN)
        printf("%sIts name servers gave no answer to some questions: nothing is lost, ask again "
               "later.%s\n",
               cli_yellow(c), cli_plain(c));
    else if (result == CLI_NO)
        printf("Not yet: publish what is missing.\n");
    else if (json_is_true(json_object_get(answer, "may_send")))
        printf("%sAll that is required is there: %s may send.%s\n", cli_green(c), name,
               cli_plain(c));
    else
        printf("%sAll that is required is there.%s\n", cli_green(c), cli_plain(c));
    if (result == CLI_YES && !json_is_true(json_object_get(answer, "may_send")))
        return; /* parked: there is nothing more to do */
    cli_next_head(c);
    if (result == CLI_YES) {
        domain_next(name);
        return;
    }
    if (result == CLI_NO)
        cli_next("what to publish, merged with what is there already",
                 "sigillo domain records %s --check", name);
    cli_next("looks again and again until it is there", "sigillo domain verify %s --wait", name);
}

static int verify_run(struct cli *c)
{
    json_t *answer;
    time_t end;
    int status;

    if (!wait_end(c, &end))
        return CLI_USAGE;
    status = check_until(c, &answer, end);
    if (status != CLI_YES)
        return status;
    status = verdict(answer);
    if (c->json) {
        cli_print_json(answer);
        return status;
    }
    print_head(c, answer);
    print_status(c, answer);
    say_next(c, answer, status);
    json_decref(answer);
    return status;
}

static const struct cli_option verify_options[] = {
    {"--wait", NULL, "looks again and again until all that is required is there", false},
    {"--wait-max", "SECONDS", "with --wait: for so long at most (default 3600)", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_domain_verify = {
    "domain verify",
    "DOMAIN",
    "looks at the domain's own name servers for its records",
    verify_options,
    1,
    1,
    verify_run,
    "Exit status: 0 all that is required is there, 1 something is missing or wrong, 3 the name "
    "servers gave no answer."};

/* ---- coach ---- */

static int coach_run(struct cli *c)
{
    json_t *answer;
    const json_t *coach;
    int status = check(c, c->argument[0], &answer);

    if (status != CLI_YES)
        return status;
    coach = json_object_get(answer, "coach");
    if (coach == NULL) {
        json_decref(answer);
        return cli_error(CLI_NO, c->argument[0], "it is parked: its policy is to reject already");
    }
    status = strcmp(cli_member(coach, "step", 0), "unknown") == 0 ? CLI_UNKNOWN : CLI_YES;
    if (c->json) {
        json_t *shown = json_incref((json_t *)(uintptr_t)coach);

        json_decref(answer);
        cli_print_json(shown);
        return status;
    }
    cli_put_folded(stdout, sgl_view_cstr(cli_member(coach, "text", 0)), 0);
    if (cli_member(coach, "record", 0)[0] != '\0') {
        printf("\n  name   _dmarc.%s\n  type   TXT\n  value  ", cli_member(answer, "name", 1));
        cli_put(stdout, cli_member(coach, "record", 0));
        putchar('\n');
    }
    json_decref(answer);
    return status;
}
const struct cli_verb verb_domain_coach = {
    "domain coach", "DOMAIN", "says the next safe step of the domain's DMARC policy", NULL, 1, 1,
    coach_run,      NULL};
