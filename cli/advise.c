/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo advise */
#include "advise.h"

#include <string.h>

#include "advise_ask.h"
#include "name.h"
#include "next.h"
#include "verbs.h"

#define MIB (UINT64_C(1024) * 1024)
#define MB  (UINT64_C(1000) * 1000)

/* --domain in A-labels, or DOMAIN where none was given. */
static bool take_domain(const struct cli *c, char *out, size_t size)
{
    const char *value = cli_text(c, "--domain");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(8192);
    struct sgl_name name;

    snprintf(out, size, "DOMAIN");
    if (value == NULL)
        return true;
    if (!name_parse(sgl_view_cstr(value), SGL_NAME_HOST, &arena, NULL, &name)) {
        cli_error(CLI_USAGE, "--domain", "must be a domain name, not %s", value);
        return false;
    }
    snprintf(out, size, "%.*s", SGL_FMT(name.text));
    return true;
}

/* What stands for the "%" of our own texts. */
struct words {
    char domain[300], label[64];
    const char *name, *issuer, *subject;
};

static const char *word_of(const struct words *w, char letter)
{
    switch (letter) {
    case 's':
        return w->domain;
    case 'l':
        return w->label;
    case 'n':
        return w->name;
    case 'i':
        return w->issuer;
    case 'u':
        return w->subject;
    default:
        return "%";
    }
}

static const char *fill(const char *text, const struct words *w, struct sgl_buf *out)
{
    const char *at;

    sgl_buf_reset(out);
    while ((at = strchr(text, '%')) != NULL && at[1] != '\0') {
        sgl_buf_add(out, sgl_view_of(text, (size_t)(at - text)));
        sgl_buf_add_cstr(out, word_of(w, at[1]));
        text = at + 2;
    }
    sgl_buf_add_cstr(out, text);
    return sgl_cstr(out);
}

static json_t *texts(const char *const *text, size_t count, const struct words *w)
{
    sgl_auto(sgl_buf) filled = SGL_BUF_INIT(4096);
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(fill(text[i], w, &filled)));
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

static json_t *records_json(const struct advice *a, const struct words *w)
{
    sgl_auto(sgl_buf) name = SGL_BUF_INIT(1024);
    sgl_auto(sgl_buf) value = SGL_BUF_INIT(1024);
    sgl_auto(sgl_buf) why = SGL_BUF_INIT(1024);
    json_t *list = json_array();

    for (size_t i = 0; i < a->records; i++) {
        const struct advise_record *r = a->record[i];

        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:s}", "name", fill(r->name, w, &name),
                                        "type", r->type, "value", fill(r->value, w, &value), "why",
                                        fill(r->why, w, &why)));
    }
    return list;
}

static int print_json(const struct advice *a, const struct words *w)
{
    return cli_print_json(json_pack(
        "{s:{s:s, s:s, s:b, s:o}, s:{s:s, s:s, s:b}, s:o, s:o, s:o, s:o, s:o}", "account", "kind",
        advise_kind_name(a->kind), "why", a->why, "in_this_version", a->in_this_version, "instead",
        a->instead == NULL ? json_null() : json_string(a->instead), "domain", "kind",
        a->managed ? "managed" : "custom", "name", w->domain, "own_subdomain", a->own_subdomain,
        "limits", limits_json(a), "records", records_json(a, w), "commands",
        texts(a->command, a->commands, w), "comes_back", texts(a->back, a->backs, w), "notes",
        texts(a->note, a->notes, w)));
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
                     size_t count, const struct words *w)
{
    sgl_auto(sgl_buf) filled = SGL_BUF_INIT(4096);

    if (count > 0)
        put_heading(c, heading);
    for (size_t i = 0; i < count; i++) {
        printf("  ");
        cli_put_folded(stdout, sgl_view_cstr(fill(text[i], w, &filled)), 2);
    }
}

static void print_text(const struct cli *c, const struct advice *a, const struct words *w)
{
    sgl_auto(sgl_buf) name = SGL_BUF_INIT(1024);
    sgl_auto(sgl_buf) value = SGL_BUF_INIT(1024);

    printf("%s%s%s\n  ", cli_bold(c), advise_kind_name(a->kind), cli_plain(c));
    cli_put_folded(stdout, sgl_view_cstr(a->why), 2);
    if (!a->in_this_version) {
        printf("  Not in this version; until then: ");
        cli_put_folded(stdout, sgl_view_cstr(a->instead), 35);
    }
    printf("  %s domain: %s\n", a->managed ? "managed" : "custom", w->domain);
    put_heading(c, "Limits, and those of the services that people know");
    for (size_t i = 0; i < a->limits; i++)
        put_limit(c, &a->limit[i]);
    if (a->records > 0)
        put_heading(c, "Records");
    for (size_t i = 0; i < a->records; i++) {
        const struct advise_record *r = a->record[i];
        const char *quote = strcmp(r->type, "TXT") == 0 ? "\"" : "";

        printf("  %s %s %s%s%s\n      ", fill(r->name, w, &name), r->type, quote,
               fill(r->value, w, &value), quote);
        cli_put_folded(stdout, sgl_view_cstr(fill(r->why, w, &name)), 6);
    }
    put_list(c, "What comes back", a->back, a->backs, w);
    put_list(c, "Worth knowing", a->note, a->notes, w);
    cli_next_head(c);
    for (size_t i = 0; i < a->commands; i++)
        cli_next(NULL, "%s", fill(a->command[i], w, &name));
}

/* --name, --issuer, --subject: words that stand in commands as they are. */
static bool take_words(const struct cli *c, struct words *w)
{
    static const char *const option[] = {"--name", "--issuer", "--subject"};
    static const char *const preset[] = {"app1", "https://issuer.example.com", "SUBJECT"};
    const char **word[] = {&w->name, &w->issuer, &w->subject};
    char quoted[600];

    for (size_t i = 0; i < 3; i++) {
        *word[i] = cli_text(c, option[i]) != NULL ? cli_text(c, option[i]) : preset[i];
        if (!cli_next_word(*word[i], quoted, sizeof quoted) || quoted[0] == '\'' ||
            (i == 0 && strpbrk(*word[i], "@:/,=+") != NULL)) {
            cli_error(CLI_USAGE, option[i], "letters, digits and -_. are wanted%s",
                      i == 0 ? "" : ", also :/@+,=");
            return false;
        }
    }
    if (!take_domain(c, w->domain, sizeof w->domain))
        return false;
    snprintf(w->label, sizeof w->label, "%.*s", (int)strcspn(w->domain, "."), w->domain);
    return true;
}

static int advise_run(struct cli *c)
{
    struct advise_request q = {0};
    struct advice advice;
    struct words words = {0};
    int status = CLI_USAGE;

    if (!take_words(c, &words) || !advise_ask(c, &q, &status))
        return status;
    advise(&q, &advice);
    if (c->json)
        return print_json(&advice, &words);
    print_text(c, &advice, &words);
    return CLI_YES;
}

static const struct cli_option advise_options[] = {
    {"--what", "KIND", "transactional, notifications, newsletter, people or test", false},
    {"--to", "WHOM", "internal, external or both", false},
    {"--per-day", "NUMBER", "recipients a day", false},
    {"--by", "PROTOCOL", "smtp, http, acs, sendgrid, graph or sendmail", false},
    {"--login", "HOW", "password (default), oauth or federated", false},
    {"--want", "BACK", "nothing, bounces, status or events", true},
    {"--domain", "DOMAIN", "who sends; for the names of the records", false},
    {"--name", "NAME", "of the application, for the commands (default: app1)", false},
    {"--issuer", "URL", "federated: who makes its tokens", false},
    {"--subject", "TEXT", "federated: whom they are for", false},
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
