/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo advise */
#include "advise.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sigillo/dns_name.h"
#include "sigillo/idn.h"
#include "verbs.h"

#define PER_DAY_MAX UINT64_C(1000000000)
#define MIB         (UINT64_C(1024) * 1024)
#define MB          (UINT64_C(1000) * 1000)

/* ---- questions ---- */

struct choice {
    const char *word, *help;
};

struct question {
    const char *option, *text;
    const struct choice *choice; /* NULL word ends it */
    size_t preset;
};

static const struct choice whats[] = {
    {"transactional", "answers to what somebody did: orders, passwords, invoices"},
    {"notifications", "machines tell people: alarms, reports, scans"},
    {"newsletter", "the same to many, who may unsubscribe"},
    {"people", "mail that people write themselves"},
    {"test", "trying it out"},
    {NULL, NULL}};
static const struct choice tos[] = {{"internal", "your own people only"},
                                    {"external", "others"},
                                    {"both", "your own people and others"},
                                    {NULL, NULL}};
static const struct choice bys[] = {{"smtp", "SMTP with a login"},
                                    {"http", "HTTP with JSON"},
                                    {"acs", "the SDK of Azure Communication Services Email"},
                                    {"sendgrid", "the SDK of SendGrid"},
                                    {"graph", "Microsoft Graph sendMail"},
                                    {"sendmail", "the sendmail command, on the server's machine"},
                                    {NULL, NULL}};
static const struct choice logins[] = {{"password", "a password or key that is kept by the sender"},
                                       {"oauth", "tokens"},
                                       {NULL, NULL}};
static const struct choice wants[] = {{"nothing", "nothing"},
                                      {"bounces", "a message when one could not be delivered"},
                                      {"status", "the state of each message, when asked for"},
                                      {"events", "a call for each thing that happens"},
                                      {NULL, NULL}};

static const struct question what_question = {"--what", "What will be sent?", whats, 0},
                             to_question = {"--to", "To whom?", tos, 1},
                             by_question = {"--by", "How will it be handed over?", bys, 0},
                             login_question = {"--login", "How will the sender log in?", logins, 0},
                             want_question = {"--want", "What do you want back?", wants, 1};

static size_t choices(const struct choice *c)
{
    size_t n = 0;

    while (c[n].word != NULL)
        n++;
    return n;
}

/* The word, or its number in the list from 1. false: neither. */
static bool find_choice(const struct choice *c, sgl_view text, bool number_ok, size_t *out)
{
    size_t n = choices(c);
    uint64_t number;

    for (size_t i = 0; i < n; i++) {
        if (sgl_view_eq(text, sgl_view_cstr(c[i].word))) {
            *out = i;
            return true;
        }
    }
    if (!number_ok || !sgl_view_u64(text, n, &number) || number == 0)
        return false;
    *out = (size_t)number - 1;
    return true;
}

static int wrong_choice(const struct question *q)
{
    sgl_auto(sgl_buf) words = SGL_BUF_INIT(400);

    for (size_t i = 0; q->choice[i].word != NULL; i++)
        sgl_buf_addf(&words, "%s%s", i == 0 ? "" : ", ", q->choice[i].word);
    return cli_error(CLI_USAGE, q->option, "must be one of %s", sgl_cstr(&words));
}

/* A line from the terminal, trimmed; false: the input has ended. */
static bool read_line(struct sgl_buf *line)
{
    int c;

    sgl_buf_reset(line);
    fflush(stdout);
    while ((c = getchar()) != EOF && c != '\n')
        sgl_buf_add_byte(line, (uint8_t)c);
    return c != EOF || line->len > 0;
}

/* Questions go to stderr, so that --json stays alone on stdout. */
static bool ask(const struct question *q, size_t *out)
{
    sgl_auto(sgl_buf) line = SGL_BUF_INIT(4096);

    fprintf(stderr, "%s\n", q->text);
    for (size_t i = 0; q->choice[i].word != NULL; i++)
        fprintf(stderr, "  %zu  %-14s %s\n", i + 1, q->choice[i].word, q->choice[i].help);
    for (;;) {
        sgl_view text;

        fprintf(stderr, "[%zu] ", q->preset + 1);
        if (!read_line(&line))
            return false;
        text = sgl_view_trim(sgl_buf_view(&line));
        *out = q->preset;
        if (text.len == 0 || find_choice(q->choice, text, true, out))
            return true;
        fprintf(stderr, "A number or a word of the list, please.\n");
    }
}

static bool ask_number(const char *text, uint64_t preset, uint64_t *out)
{
    sgl_auto(sgl_buf) line = SGL_BUF_INIT(4096);

    for (;;) {
        fprintf(stderr, "%s\n[%llu] ", text, (unsigned long long)preset);
        if (!read_line(&line))
            return false;
        *out = preset;
        if (sgl_view_trim(sgl_buf_view(&line)).len == 0 ||
            sgl_view_u64(sgl_view_trim(sgl_buf_view(&line)), PER_DAY_MAX, out))
            return true;
        fprintf(stderr, "A number, please.\n");
    }
}

/* ---- answers ---- */

struct asking {
    const struct cli *c;
    bool terminal; /* what is missing is asked for */
    int status;
};

static bool gone(struct asking *a, const char *option)
{
    a->status = a->terminal ? cli_error(CLI_USAGE, option, "the input has ended")
                            : cli_error(CLI_USAGE, option,
                                        "it is needed, and there is no terminal to ask on");
    return false;
}

static bool choose(struct asking *a, const struct question *q, bool needed, size_t *out)
{
    const char *value = cli_text(a->c, q->option);

    *out = q->preset;
    if (value != NULL && !find_choice(q->choice, sgl_view_cstr(value), false, out)) {
        a->status = wrong_choice(q);
        return false;
    }
    if (value != NULL || (!a->terminal && !needed))
        return true;
    return (a->terminal && ask(q, out)) || gone(a, q->option);
}

static bool choose_number(struct asking *a, const char *option, const char *text, uint64_t *out)
{
    const char *value = cli_text(a->c, option);

    if (value == NULL && text == NULL)
        return true;
    if (value == NULL)
        return (a->terminal && ask_number(text, 100, out)) || gone(a, option);
    if (sgl_view_u64(sgl_view_cstr(value), PER_DAY_MAX, out))
        return true;
    a->status = cli_error(CLI_USAGE, option, "must be a number");
    return false;
}

static bool choose_wants(struct asking *a, unsigned *out)
{
    static const unsigned bits[] = {0, ADVISE_BOUNCES, ADVISE_STATUS, ADVISE_EVENTS};
    const char *value;
    size_t n, i;

    *out = 0;
    for (n = 0; (value = cli_nth(a->c, "--want", n)) != NULL; n++) {
        if (!find_choice(wants, sgl_view_cstr(value), false, &i)) {
            a->status = wrong_choice(&want_question);
            return false;
        }
        *out |= bits[i];
    }
    if (n > 0 || !a->terminal)
        return true;
    if (!ask(&want_question, &i))
        return gone(a, "--want");
    *out = bits[i];
    return true;
}

static bool collect(struct asking *a, struct advise_request *q)
{
    size_t what, to, by, login;

    if (!choose(a, &what_question, true, &what) || !choose(a, &to_question, true, &to) ||
        !choose_number(a, "--per-day", "How many recipients a day?", &q->per_day) ||
        !choose_number(a, "--licences", NULL, &q->licences) ||
        !choose(a, &by_question, true, &by) || !choose(a, &login_question, false, &login) ||
        !choose_wants(a, &q->wants))
        return false;
    q->what = (enum advise_what)what;
    q->to = (enum advise_to)to;
    q->by = (enum advise_by)by;
    q->login = (enum advise_login)login;
    return true;
}

/* --domain in A-labels, or DOMAIN where none was given. */
static bool take_domain(struct asking *a, char *out, size_t size)
{
    const char *value = cli_text(a->c, "--domain");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(8192);
    struct sgl_name name;
    sgl_view ascii;

    snprintf(out, size, "DOMAIN");
    if (value == NULL)
        return true;
    if (sgl_idn_to_ascii(sgl_view_cstr(value), &arena, &ascii) != SGL_OK ||
        sgl_name_parse(ascii, SGL_NAME_HOST | SGL_NAME_FINAL_DOT, &arena, NULL, &name) != SGL_OK) {
        a->status = cli_error(CLI_USAGE, "--domain", "this is not a domain");
        return false;
    }
    snprintf(out, size, "%.*s", SGL_FMT(name.text));
    return true;
}

/* ---- the answer ---- */

/* Each "%s" of our own text becomes the domain. */
static const char *fill(const char *text, const char *domain, struct sgl_buf *out)
{
    const char *at;

    sgl_buf_reset(out);
    while ((at = strstr(text, "%s")) != NULL) {
        sgl_buf_add(out, sgl_view_of(text, (size_t)(at - text)));
        sgl_buf_add_cstr(out, domain);
        text = at + 2;
    }
    sgl_buf_add_cstr(out, text);
    return sgl_cstr(out);
}

static json_t *texts(const char *const *text, size_t count, const char *domain)
{
    sgl_auto(sgl_buf) filled = SGL_BUF_INIT(4096);
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(fill(text[i], domain, &filled)));
    return list;
}

static json_t *limits_json(const struct advice *a)
{
    json_t *list = json_array();

    for (size_t i = 0; i < a->limits; i++) {
        const struct advise_limit *l = &a->limit[i];

        json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:o, s:I, s:b}", "of", l->of, "counted", l->counted, "window_s",
                      l->window_s == 0 ? json_null() : json_integer((json_int_t)l->window_s),
                      "maximum", (json_int_t)l->maximum, "fits", l->fits));
    }
    return list;
}

static json_t *records_json(const struct advice *a, const char *domain)
{
    sgl_auto(sgl_buf) name = SGL_BUF_INIT(1024);
    sgl_auto(sgl_buf) value = SGL_BUF_INIT(1024);
    json_t *list = json_array();

    for (size_t i = 0; i < a->records; i++) {
        const struct advise_record *r = a->record[i];

        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s}", "name", fill(r->name, domain, &name), "type",
                            r->type, "value", fill(r->value, domain, &value), "why", r->why));
    }
    return list;
}

static int print_json(const struct advice *a, const char *domain)
{
    return cli_print_json(json_pack(
        "{s:{s:s, s:s, s:b, s:o}, s:{s:s, s:s, s:b}, s:o, s:o, s:o, s:o, s:o}", "account", "kind",
        advise_kind_name(a->kind), "why", a->why, "in_this_version", a->in_this_version, "instead",
        a->instead == NULL ? json_null() : json_string(a->instead), "domain", "kind",
        a->managed ? "managed" : "custom", "name", domain, "own_subdomain", a->own_subdomain,
        "limits", limits_json(a), "records", records_json(a, domain), "commands",
        texts(a->command, a->commands, domain), "comes_back", texts(a->back, a->backs, domain),
        "notes", texts(a->note, a->notes, domain)));
}

static void put_heading(const struct cli *c, const char *text)
{
    printf("\n%s%s%s\n", cli_bold(c), text, cli_plain(c));
}

/* "1000 recipients of one message", "36 MiB of one message". */
static void put_amount(const struct advise_limit *l)
{
    static const char bytes[] = "bytes ";
    bool in_bytes = strncmp(l->counted, bytes, sizeof bytes - 1) == 0,
         binary = l->maximum % MIB == 0;

    if (l->maximum == 0)
        printf("no %s", l->counted);
    else if (in_bytes)
        printf("%llu %s %s", (unsigned long long)(l->maximum / (binary ? MIB : MB)),
               binary ? "MiB" : "MB", l->counted + sizeof bytes - 1);
    else
        printf("%llu %s", (unsigned long long)l->maximum, l->counted);
}

static void put_limit(const struct cli *c, const struct advise_limit *l)
{
    char window[40] = "";

    if (l->maximum == 0)
        window[0] = '\0';
    else if (l->window_s >= 3600)
        snprintf(window, sizeof window, " in %llu h", (unsigned long long)(l->window_s / 3600));
    else if (l->window_s > 0)
        snprintf(window, sizeof window, " in %llu min", (unsigned long long)(l->window_s / 60));
    printf("  %-34s ", l->of);
    if (!l->fits)
        printf("%s", cli_red(c));
    put_amount(l);
    printf("%s%s%s\n", window, l->fits ? "" : ": too few", l->fits ? "" : cli_plain(c));
}

static void put_list(const struct cli *c, const char *heading, const char *const *text,
                     size_t count, const char *domain)
{
    sgl_auto(sgl_buf) filled = SGL_BUF_INIT(4096);

    if (count > 0)
        put_heading(c, heading);
    for (size_t i = 0; i < count; i++) {
        printf("  ");
        cli_put_folded(stdout, sgl_view_cstr(fill(text[i], domain, &filled)), 2);
    }
}

static void print_text(const struct cli *c, const struct advice *a, const char *domain)
{
    sgl_auto(sgl_buf) name = SGL_BUF_INIT(1024);
    sgl_auto(sgl_buf) value = SGL_BUF_INIT(1024);

    printf("%s%s%s\n  ", cli_bold(c), advise_kind_name(a->kind), cli_plain(c));
    cli_put_folded(stdout, sgl_view_cstr(a->why), 2);
    if (!a->in_this_version) {
        printf("  Not in this version; until then: ");
        cli_put_folded(stdout, sgl_view_cstr(a->instead), 35);
    }
    printf("  %s domain: %s\n", a->managed ? "managed" : "custom", domain);
    put_heading(c, "Limits, and those of the services that people know");
    for (size_t i = 0; i < a->limits; i++)
        put_limit(c, &a->limit[i]);
    if (a->records > 0)
        put_heading(c, "Records");
    for (size_t i = 0; i < a->records; i++) {
        const struct advise_record *r = a->record[i];
        const char *quote = strcmp(r->type, "TXT") == 0 ? "\"" : "";

        printf("  %s %s %s%s%s\n      ", fill(r->name, domain, &name), r->type, quote,
               fill(r->value, domain, &value), quote);
        cli_put_folded(stdout, sgl_view_cstr(r->why), 6);
    }
    put_list(c, "What comes back", a->back, a->backs, domain);
    put_list(c, "Worth knowing", a->note, a->notes, domain);
    put_list(c, "Next", a->command, a->commands, domain);
}

/* Who gives all that is needed is asked nothing. */
static bool something_missing(const struct cli *c)
{
    return cli_text(c, "--what") == NULL || cli_text(c, "--to") == NULL ||
           cli_text(c, "--per-day") == NULL || cli_text(c, "--by") == NULL;
}

static int advise_run(struct cli *c)
{
    struct asking a = {c, false, CLI_USAGE};
    struct advise_request q = {0};
    struct advice advice;
    char domain[300];

    a.terminal = something_missing(c) && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
    if (!take_domain(&a, domain, sizeof domain) || !collect(&a, &q))
        return a.status;
    advise(&q, &advice);
    if (c->json)
        return print_json(&advice, domain);
    print_text(c, &advice, domain);
    return CLI_YES;
}

static const struct cli_option advise_options[] = {
    {"--what", "KIND", "transactional, notifications, newsletter, people or test", false},
    {"--to", "WHOM", "internal, external or both", false},
    {"--per-day", "NUMBER", "recipients a day", false},
    {"--by", "PROTOCOL", "smtp, http, acs, sendgrid, graph or sendmail", false},
    {"--login", "HOW", "password (default) or oauth", false},
    {"--want", "BACK", "nothing, bounces, status or events", true},
    {"--domain", "DOMAIN", "who sends; for the names of the records", false},
    {"--licences", "NUMBER", "of Microsoft 365: compare with its limit for a tenant", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_advise = {
    .name = "advise",
    .arguments = "",
    .summary = "names the kind of account that suits what you want to send",
    .option = advise_options,
    .run = advise_run,
    .more =
        "Says which kind of account, which limits and which records it takes, beside the limits\n"
        "of the services that people know. Where --what, --to, --per-day or --by is missing, it\n"
        "asks for what was not given, on a terminal.",
    .needs = CLI_OFFLINE,
};
