/* SPDX-License-Identifier: Apache-2.0 */
/* The questions of sigillo advise: answered by options, or on a terminal. */
#include "advise_ask.h"

#include <unistd.h>

#define PER_DAY_MAX UINT64_C(1000000000)

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
                                       {"oauth", "tokens of this server, for a secret"},
                                       {"federated", "tokens that its platform gives it"},
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

/* Who gives all that is needed is asked nothing. */
static bool something_missing(const struct cli *c)
{
    return cli_text(c, "--what") == NULL || cli_text(c, "--to") == NULL ||
           cli_text(c, "--per-day") == NULL || cli_text(c, "--by") == NULL;
}

bool advise_ask(const struct cli *c, struct advise_request *out, int *status)
{
    struct asking a = {c, something_missing(c) && isatty(STDIN_FILENO) && isatty(STDERR_FILENO),
                       CLI_USAGE};
    bool all = collect(&a, out);

    *status = a.status;
    return all;
}
