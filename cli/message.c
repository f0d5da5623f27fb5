/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo queue list | show | retry | cancel | hold | release, sigillo trace */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "message.h"
#include "verbs.h"

#define MESSAGES "/admin/v1/messages"

/* ---- paths ---- */

static void path_add(struct sgl_buf *path, const char *name, const char *value)
{
    char *part;

    if (value == NULL)
        return;
    part = cli_path("", value, "");
    sgl_buf_addf(path, "%c%s=%s", sgl_view_find(sgl_buf_view(path), '?') < path->len ? '&' : '?',
                 name, part);
    free(part);
}

int message_get(const struct cli *c, const char *id, json_t **out)
{
    char *path = cli_path(MESSAGES "/", id, "");
    int status = cli_call(c, "GET", path, NULL, out);

    free(path);
    return status;
}

static int messages_get(const struct cli *c, bool open, const char *max, json_t **out)
{
    static const char *const filters[] = {"--to", "--from", "--domain", "--since"};
    struct sgl_buf path = SGL_BUF_INIT(16384);
    int status;

    sgl_buf_add_cstr(&path, MESSAGES);
    if (open)
        path_add(&path, "open", "true");
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
        path_add(&path, filters[i] + 2, cli_text(c, filters[i]));
    path_add(&path, "max", cli_text(c, "--max") != NULL ? cli_text(c, "--max") : max);
    if (path.status != SGL_OK || sgl_cstr(&path) == NULL)
        status = cli_error(CLI_USAGE, c->verb->name, "what was given is too long");
    else
        status = cli_call(c, "GET", (const char *)path.data, NULL, out);
    sgl_buf_done(&path);
    return status;
}

/* ---- words ---- */

static bool is_open(const char *state)
{
    return strcmp(state, "queued") == 0 || strcmp(state, "held") == 0;
}

static const char *state_colour(const struct cli *c, const char *state)
{
    if (strcmp(state, "delivered") == 0)
        return cli_green(c);
    return is_open(state) ? cli_yellow(c) : cli_red(c);
}

/* "in 4m 10s", "now" for a time of an answer; out of at least 32 bytes. */
static const char *until(const json_t *object, const char *name, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(object, name));
    struct tm tm = {0};
    long long left;

    snprintf(out, size, "now");
    if (text == NULL || strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) == NULL)
        return out;
    left = (long long)timegm(&tm) - (long long)time(NULL);
    if (left >= 86400)
        snprintf(out, size, "in %lldd %lldh", left / 86400, left % 86400 / 3600);
    else if (left >= 3600)
        snprintf(out, size, "in %lldh %lldm", left / 3600, left % 3600 / 60);
    else if (left >= 60)
        snprintf(out, size, "in %lldm %llds", left / 60, left % 60);
    else if (left > 0)
        snprintf(out, size, "in %llds", left);
    return out;
}

static const char *wait_reason(const json_t *rcpt, unsigned slot)
{
    const char *why = cli_member(rcpt, "why_wait", slot);

    if (why[0] == '\0')
        why = cli_member(rcpt, "reason", slot);
    if (why[0] == '\0' && strcmp(cli_member(rcpt, "state", slot), "queued") == 0)
        return "it is due: being tried now, or waiting for its turn";
    return why;
}

static void put_line(const char *label, const char *text)
{
    if (text[0] == '\0')
        return;
    printf("  %-12s ", label);
    cli_put(stdout, text);
    putchar('\n');
}

/* ---- queue list ---- */

static void list_message(struct cli_table *t, const json_t *m)
{
    const json_t *r;
    size_t at;

    json_array_foreach(json_object_get(m, "recipients"), at, r)
    {
        const char *state = cli_member(r, "state", 0);
        const char *from = cli_member(m, "from", 1);
        char when[32];

        if (!is_open(state))
            continue;
        cli_table_add(t, cli_member(m, "id", 2));
        cli_table_add(t, cli_time(m, "accepted_at", 3));
        cli_table_add(t, from[0] == '\0' ? "<>" : from);
        cli_table_add(t, cli_member(r, "address", 4));
        cli_table_add(t, state);
        cli_table_add(t, strcmp(state, "held") == 0 ? "until released"
                                                    : until(r, "next_at", when, sizeof(when)));
        cli_table_add(t, wait_reason(r, 5));
    }
}

static int list_run(struct cli *c)
{
    static const char *const head[] = {"ID",    "ACCEPTED", "FROM",        "TO",
                                       "STATE", "NEXT TRY", "WHY IT WAITS"};
    struct cli_table t;
    const json_t *m;
    json_t *answer;
    size_t at;
    int status = messages_get(c, true, "100", &answer);

    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    cli_table_init(&t, 7, head);
    json_array_foreach(json_object_get(answer, "messages"), at, m) list_message(&t, m);
    if (t.cells > 7)
        cli_table_print(c, &t, stdout);
    else
        puts("nothing waits");
    cli_table_done(&t);
    json_decref(answer);
    return CLI_YES;
}

static const struct cli_option list_options[] = {
    {"--domain", "DOMAIN", "only what is for this destination", false},
    {"--to", "ADDRESS", "only what is for this recipient", false},
    {"--from", "ADDRESS", "only what this sender sent", false},
    {"--since", "TIME", "only what was accepted since: 2026-11-22T12:00:00Z, or 15m, 2h, 3d ago",
     false},
    {"--max", "NUMBER", "at most so many messages (default 100)", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_queue_list = {
    "queue list", "", "lists what waits, and why", list_options, 0, 0, list_run, NULL};

/* ---- queue show ---- */

void message_put_recipient(const struct cli *c, const json_t *r)
{
    const char *state = cli_member(r, "state", 0);
    char when[32];

    printf("\n%s", cli_bold(c));
    cli_put(stdout, cli_member(r, "address", 1));
    printf("%s  %s%s%s\n", cli_plain(c), state_colour(c, state), state, cli_plain(c));
    if (strcmp(state, "queued") == 0) {
        printf("  %-12s %s (%s UTC)\n", "next try", until(r, "next_at", when, sizeof(when)),
               cli_time(r, "next_at", 2));
        put_line("why", wait_reason(r, 3));
    } else if (strcmp(state, "held") == 0) {
        put_line("why", "held by an operator until it is released");
    }
    printf("  %-12s %s\n", "attempts", cli_member(r, "attempts", 4));
    put_line("last host", cli_member(r, "remote_mta", 5));
    put_line("status", cli_member(r, "status", 6));
    put_line("last answer", cli_member(r, "reason", 7));
    if (json_is_true(json_object_get(r, "possibly_repeated")))
        puts("  possibly repeated: the server ended between the final dot and the record of its "
             "answer, so it was tried again");
}

static void put_head(const struct cli *c, const json_t *m)
{
    const char *from = cli_member(m, "from", 0);

    printf("%s%s%s  from ", cli_bold(c), cli_member(m, "id", 1), cli_plain(c));
    cli_put(stdout, from[0] == '\0' ? "<>" : from);
    printf("\n");
    put_line("subject", cli_member(m, "subject", 0));
    put_line("accepted", cli_time(m, "accepted_at", 0));
    put_line("expires", cli_time(m, "expires_at", 0));
    put_line("identity", cli_member(m, "identity", 0));
    put_line("size", cli_member(m, "size", 0));
    put_line("signed", cli_member(m, "signed_by", 0));
}

static int show_run(struct cli *c)
{
    json_t *m;
    const json_t *r;
    size_t at;
    int status = message_get(c, c->argument[0], &m);

    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(m);
    put_head(c, m);
    json_array_foreach(json_object_get(m, "recipients"), at, r) message_put_recipient(c, r);
    json_decref(m);
    return CLI_YES;
}
const struct cli_verb verb_queue_show = {
    "queue show", "ID", "says of a message who got it, who waits, why, until when", NULL, 1, 1,
    show_run,     NULL};

/* ---- queue retry, cancel, hold, release ---- */

/* The number of a recipient by its address; false: said. */
static bool find_recipient(const struct cli *c, const char *id, const char *address,
                           json_int_t *out)
{
    json_t *m;
    const json_t *r;
    size_t at;
    bool found = false;

    if (message_get(c, id, &m) != CLI_YES)
        return false;
    json_array_foreach(json_object_get(m, "recipients"), at,
                       r) if (strcmp(cli_member(r, "address", 0), address) == 0)
    {
        *out = json_integer_value(json_object_get(r, "id"));
        found = true;
    }
    json_decref(m);
    if (!found)
        cli_error(CLI_NO, "--recipient", "the message has no recipient %s", address);
    return found;
}

static int control(struct cli *c, const char *path, const char *done)
{
    const char *domain = cli_text(c, "--domain"), *recipient = cli_text(c, "--recipient");
    json_t *body = json_object(), *answer;
    json_int_t number;
    int status;

    if (c->arguments == 0 && domain == NULL) {
        json_decref(body);
        return cli_error(CLI_USAGE, c->verb->name, "name a message, or --domain DOMAIN");
    }
    if (c->arguments > 0)
        json_object_set_new(body, "message", json_string(c->argument[0]));
    if (domain != NULL)
        json_object_set_new(body, "domain", json_string(domain));
    if (recipient != NULL && c->arguments == 0) {
        json_decref(body);
        return cli_error(CLI_USAGE, "--recipient", "it needs the message, too");
    }
    if (recipient != NULL) {
        if (!find_recipient(c, c->argument[0], recipient, &number)) {
            json_decref(body);
            return CLI_NO;
        }
        json_object_set_new(body, "recipient", json_integer(number));
    }
    status = cli_call(c, "POST", path, body, &answer);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    printf("%s: %s recipient%s\n", done, cli_member(answer, "changed", 0),
           strcmp(cli_member(answer, "changed", 0), "1") == 0 ? "" : "s");
    json_decref(answer);
    return CLI_YES;
}

static int retry_run(struct cli *c)
{
    return control(c, "/admin/v1/queue/retry", "tried again now");
}

static int cancel_run(struct cli *c)
{
    return control(c, "/admin/v1/queue/cancel", "cancelled");
}

static int hold_run(struct cli *c)
{
    return control(c, "/admin/v1/queue/hold", "held");
}

static int release_run(struct cli *c)
{
    return control(c, "/admin/v1/queue/release", "released");
}

static const struct cli_option control_options[] = {
    {"--recipient", "ADDRESS", "only this recipient of the message", false},
    {"--domain", "DOMAIN", "only what is for this destination; without an ID: of all messages",
     false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_queue_retry = {
    "queue retry", "[ID]", "tries what waits again now", control_options, 0, 1, retry_run, NULL};
const struct cli_verb verb_queue_cancel = {
    "queue cancel", "[ID]", "ends what waits, without a bounce", control_options, 0, 1,
    cancel_run,     NULL};
const struct cli_verb verb_queue_hold = {
    "queue hold", "[ID]", "keeps what waits until it is released", control_options, 0, 1,
    hold_run,     NULL};
const struct cli_verb verb_queue_release = {
    "queue release", "[ID]", "lets what is held go on", control_options, 0, 1, release_run, NULL};

/* ---- trace ---- */

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

/* What DANE had to say, from what was demanded and what was proved. */
static const char *dane_text(const json_t *d)
{
    const char *proved = cli_member(d, "proved", 5);

    if (strcmp(proved, "dane-ee") == 0)
        return "verified (the server's own certificate matches its TLSA record)";
    if (strcmp(proved, "dane-ta") == 0)
        return "verified (the certificate leads to the authority of its TLSA record)";
    if (strcmp(cli_member(d, "demand", 5), "dane") == 0)
        return "required, and not met";
    return json_is_true(json_object_get(d, "mx_secure"))
               ? "the MX is DNSSEC-secure, but has no usable TLSA record"
               : "not published";
}

static void put_attempt(const json_t *d)
{
    const char *tls = cli_member(d, "tls", 2);

    if (cli_member(d, "host", 0)[0] != '\0') {
        printf("\n                            MX ");
        cli_put(stdout, cli_member(d, "host", 0));
        if (cli_member(d, "address", 1)[0] != '\0')
            printf(" [%s]:%s", cli_member(d, "address", 1), cli_member(d, "port", 3));
        if (json_is_true(json_object_get(d, "reused")))
            printf(", connection used again");
        if (tls[0] != '\0')
            printf("\n                            %s %s", tls, cli_member(d, "cipher", 3));
        else
            more("no TLS:", cli_member(d, "tls_why", 3)[0] != '\0'
                                ? cli_member(d, "tls_why", 3)
                                : "the connection did not get that far");
        printf("\n                            DANE %s", dane_text(d));
    }
    more("failure:", cli_member(d, "failure", 0));
    more("at:", cli_member(d, "stage", 0));
    more("answer:", cli_member(d, "reply", 0));
    if (cli_member(d, "ms", 0)[0] != '\0')
        printf("\n                            took %s ms", cli_member(d, "ms", 0));
    if (json_is_true(json_object_get(d, "possibly_repeated")))
        printf("\n                            possibly repeated");
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

static void put_trace(const struct cli *c, const json_t *m)
{
    const char *from = cli_member(m, "from", 1);
    const json_t *e, *r;
    size_t at;

    printf("%s%s%s  from ", cli_bold(c), cli_member(m, "id", 0), cli_plain(c));
    cli_put(stdout, from[0] == '\0' ? "<>" : from);
    printf(", accepted %s UTC\n", cli_time(m, "accepted_at", 2));
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
            put_attempt(d);
        else
            put_other(d);
        putchar('\n');
    }
    json_array_foreach(json_object_get(m, "recipients"), at, r)
    {
        char when[32];

        printf("  now           %s%-10s%s ", state_colour(c, cli_member(r, "state", 0)),
               cli_member(r, "state", 0), cli_plain(c));
        cli_put(stdout, cli_member(r, "address", 1));
        if (strcmp(cli_member(r, "state", 0), "queued") == 0) {
            printf(", next try %s", until(r, "next_at", when, sizeof(when)));
            more("because:", wait_reason(r, 2));
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
    status = messages_get(c, false, "20", &answer);
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
