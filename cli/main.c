/* SPDX-License-Identifier: Apache-2.0 */
/* Which verb, with which options; help and version. */
#include <curl/curl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../server/main/serve.h"
#include "cli.h"
#include "verbs.h"

static const struct cli_option common_options[] = {
    {"--json", NULL, "print one JSON document", false},
    {"--help", NULL, "print this help", false},
    {NULL, NULL, NULL, false},
};

static const struct cli_option server_options[] = {
    {"--server", "URL",
     "unix:PATH or https://HOST[:PORT]; also in SIGILLO_SERVER (default " CLI_SERVER ")", false},
    {NULL, NULL, NULL, false},
};

static const struct cli_option dns_options[] = {
    {"--resolver", "ADDR[@PORT]", "ask this DNS server (default: those of the system)", true},
    {"--trust-anchor", "FILE", "DNSSEC: DS or DNSKEY of the root (default: the system's)", false},
    {"--timeout", "SECONDS", "for all lookups together (default 20)", false},
    {"--now", "UNIXTIME", "judge as if it were this time", false},
    {NULL, NULL, NULL, false},
};

/* The options that a verb has beside its own and the common ones; may be NULL. */
static const struct cli_option *needed_options(const struct cli_verb *v)
{
    switch (v->needs) {
    case CLI_SERVER_VERB:
        return server_options;
    case CLI_DNS:
        return dns_options;
    case CLI_OFFLINE:
        return NULL;
    }
    return NULL;
}

/* ---- help ---- */

enum { HELP_COLUMN = 26, HELP_WIDTH = 79 };

/* Text from a column on, broken at blanks so that it stays within a terminal of 80; blanks at its start stay. */
static void help_wrapped(const char *text, size_t len, int column)
{
    size_t room = (size_t)(HELP_WIDTH - column), at = 0, off = 0;

    while (off < len) {
        size_t blanks = strspn(text + off, " "), word = strcspn(text + off + blanks, " \n");

        if (at > 0 && at + blanks + word > room) {
            printf("\n%*s", column, "");
            at = blanks = 0;
            off += strspn(text + off, " ");
        }
        printf("%.*s", (int)(blanks + word), text + off);
        at += blanks + word;
        off += blanks + word;
    }
    putchar('\n');
}

/* How much of the text is one paragraph: up to an empty line, or to a line that begins with a blank, which stands for itself. */
static size_t paragraph(const char *text)
{
    size_t len = strcspn(text, "\n");

    while (strchr(" \n", text[0]) == NULL && text[len] == '\n' &&
           strchr(" \n", text[len + 1]) == NULL)
        len += 1 + strcspn(text + len + 1, "\n");
    return len;
}

/* Filled anew, wherever the line ends of the source stand. */
static void help_paragraphs(const char *text)
{
    char line[2000];

    while (*text != '\0') {
        size_t len = paragraph(text);

        snprintf(line, sizeof(line), "%.*s", (int)len, text);
        for (char *c = line; *c != '\0'; c++)
            *c = *c == '\n' ? ' ' : *c;
        help_wrapped(line, strlen(line), 0);
        text += len + (text[len] == '\n');
    }
}

static void help_line(const char *name, const char *arguments, const char *summary)
{
    int wide = printf("  %s%s%s", name, arguments[0] == '\0' ? "" : " ", arguments);

    if (wide > HELP_COLUMN - 2)
        printf("\n%*s", HELP_COLUMN, "");
    else
        printf("%*s", HELP_COLUMN - wide, "");
    help_wrapped(summary, strlen(summary), HELP_COLUMN);
}

static void help_options(const struct cli_option *option)
{
    for (; option != NULL && option->name != NULL; option++) {
        char text[400];

        snprintf(text, sizeof(text), "%s%s", option->help,
                 option->many ? " (may be repeated)" : "");
        help_line(option->name, option->value == NULL ? "" : option->value, text);
    }
}

static int help_verb(const struct cli_verb *v)
{
    printf("Usage: sigillo %s%s%s%s\n\n  ", v->name, v->option == NULL ? "" : " [options]",
           v->arguments[0] == '\0' ? "" : " ", v->arguments);
    help_wrapped(v->summary, strlen(v->summary), 2);
    putchar('\n');
    if (v->more != NULL) {
        help_paragraphs(v->more);
        putchar('\n');
    }
    printf("Options:\n");
    help_options(v->option);
    if (v->run != NULL) {
        help_options(needed_options(v));
        help_options(common_options);
    }
    printf("\nMore: man sigillo-%.*s\n", (int)strcspn(v->name, " "), v->name);
    return CLI_YES;
}

/* What a reader looks for first: does this need a server, or make one? */
enum help_group { HELP_NO_SERVER, HELP_MAKES_SERVER, HELP_SERVER, HELP_GROUPS };
static const char *const help_titles[HELP_GROUPS] = {
    "Without a server:", "To run a server:", "With a server:"};

static enum help_group group_of(const struct cli_verb *v)
{
    if (strcmp(v->name, "init") == 0 || strcmp(v->name, "serve") == 0)
        return HELP_MAKES_SERVER;
    return v->needs == CLI_SERVER_VERB ? HELP_SERVER : HELP_NO_SERVER;
}

static bool begins_with(const struct cli_verb *v, const char *word)
{
    size_t len = strlen(word);

    return strncmp(v->name, word, len) == 0 && v->name[len] == ' ';
}

/* All verbs, or those that begin with a word. */
static int help_all(const char *word)
{
    printf("Usage: sigillo %s [SUBVERB] [options] [arguments]\n%s", word == NULL ? "VERB" : word,
           word == NULL ? "" : "\n");
    for (int group = 0; group < HELP_GROUPS; group++) {
        if (word == NULL)
            printf("\n%s\n", help_titles[group]);
        for (const struct cli_verb *const *v = cli_verbs; *v != NULL; v++)
            if ((int)group_of(*v) == group && (word == NULL || begins_with(*v, word)))
                help_line((*v)->name, (*v)->arguments, (*v)->summary);
    }
    if (word == NULL) {
        printf("\n");
        help_line("help [VERB]", "", "this page, or the page of a verb");
        help_line("--version", "", "name and version of the program");
    }
    printf("\n`sigillo VERB --help` lists the options of a verb.\n");
    return CLI_YES;
}

/* ---- which verb ---- */

static bool is_group(const char *word)
{
    for (const struct cli_verb *const *v = cli_verbs; *v != NULL; v++)
        if (begins_with(*v, word))
            return true;
    return false;
}

/* words: how many of argv the verb took. */
static const struct cli_verb *find_verb(int argc, char **argv, int *words)
{
    char two[80] = "";

    if (argc > 1)
        snprintf(two, sizeof(two), "%s %s", argv[0], argv[1]);
    for (const struct cli_verb *const *v = cli_verbs; *v != NULL; v++) {
        if (strcmp((*v)->name, two) == 0) {
            *words = 2;
            return *v;
        }
        if (argc > 0 && strcmp((*v)->name, argv[0]) == 0) {
            *words = 1;
            return *v;
        }
    }
    return NULL;
}

static int unknown_verb(int argc, char **argv)
{
    if (!is_group(argv[0]))
        return cli_error(CLI_USAGE, argv[0], "there is no such verb; `sigillo help` lists them");
    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        (void)help_all(argv[0]);
        return argc < 2 ? CLI_USAGE : CLI_YES;
    }
    return cli_error(CLI_USAGE, argv[1],
                     "`sigillo %s` has no such part; `sigillo help %s` lists them", argv[0],
                     argv[0]);
}

static int help(int argc, char **argv)
{
    const struct cli_verb *v;
    int words;

    if (argc == 0)
        return help_all(NULL);
    v = find_verb(argc, argv, &words);
    if (v != NULL)
        return help_verb(v);
    return is_group(argv[0]) ? help_all(argv[0]) : unknown_verb(argc, argv);
}

/* ---- options ---- */

static const struct cli_option *find_option(const struct cli_verb *v, const char *name, size_t len)
{
    const struct cli_option *lists[] = {v->option, needed_options(v), common_options};

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        for (const struct cli_option *o = lists[i]; o != NULL && o->name != NULL; o++)
            if (strlen(o->name) == len && strncmp(o->name, name, len) == 0)
                return o;
    return NULL;
}

/* How many words of argv it took; 0: refused, and said so. */
static int take_option(struct cli *c, int argc, char **argv)
{
    const char *equals = strchr(argv[0], '=');
    size_t len = equals == NULL ? strlen(argv[0]) : (size_t)(equals - argv[0]);
    const struct cli_option *o = find_option(c->verb, argv[0], len);
    struct cli_given *g = &c->given[c->givens];

    if (o == NULL) {
        cli_error(CLI_USAGE, argv[0], "`sigillo %s` has no such option", c->verb->name);
        return 0;
    }
    if (o->value == NULL && equals != NULL) {
        cli_error(CLI_USAGE, o->name, "it takes no value");
        return 0;
    }
    if (o->value != NULL && equals == NULL && argc < 2) {
        cli_error(CLI_USAGE, o->name, "its value (%s) is missing", o->value);
        return 0;
    }
    if (!o->many && o->value != NULL && cli_text(c, o->name) != NULL) {
        cli_error(CLI_USAGE, o->name, "it may be given once only");
        return 0;
    }
    if (c->givens == CLI_VALUES_MAX) {
        cli_error(CLI_USAGE, o->name, "at most %d options can be given", CLI_VALUES_MAX);
        return 0;
    }
    g->option = o;
    g->value = o->value == NULL ? "" : equals != NULL ? equals + 1 : argv[1];
    c->givens++;
    return o->value != NULL && equals == NULL ? 2 : 1;
}

static bool take_words(struct cli *c, int argc, char **argv)
{
    bool options = true;

    for (int at = 0; at < argc;) {
        if (options && strcmp(argv[at], "--") == 0) {
            options = false;
            at++;
        } else if (options && argv[at][0] == '-' && argv[at][1] != '\0') {
            int taken = take_option(c, argc - at, argv + at);

            if (taken == 0)
                return false;
            at += taken;
        } else {
            c->argument[c->arguments++] = argv[at++];
        }
    }
    return true;
}

static bool check_arguments(const struct cli *c)
{
    if (c->arguments < c->verb->arguments_min) {
        cli_error(CLI_USAGE, c->verb->name, "it needs %s; `sigillo %s --help` says more",
                  c->verb->arguments, c->verb->name);
        return false;
    }
    if (c->arguments > c->verb->arguments_max) {
        cli_error(CLI_USAGE, c->argument[c->verb->arguments_max],
                  "this is one argument too many for `sigillo %s`", c->verb->name);
        return false;
    }
    return true;
}

static int run_verb(const struct cli_verb *v, int argc, char **argv)
{
    struct cli *c = calloc(1, sizeof(*c));
    int status;

    if (c == NULL || (c->argument = calloc((size_t)argc + 1, sizeof(*c->argument))) == NULL) {
        free(c);
        return cli_error(CLI_UNKNOWN, v->name, "out of memory");
    }
    c->verb = v;
    c->colour =
        isatty(STDOUT_FILENO) && (getenv("NO_COLOR") == NULL || getenv("NO_COLOR")[0] == '\0');
    if (!take_words(c, argc, argv)) {
        status = CLI_USAGE;
    } else if (cli_flag(c, "--help")) {
        status = help_verb(v);
    } else if (!check_arguments(c)) {
        status = CLI_USAGE;
    } else {
        c->json = cli_flag(c, "--json");
        c->server =
            cli_text(c, "--server") != NULL ? cli_text(c, "--server") : getenv("SIGILLO_SERVER");
        if (c->server == NULL || c->server[0] == '\0')
            c->server = CLI_SERVER;
        c->token = getenv("SIGILLO_TOKEN");
        status = v->run(c);
    }
    free(c->argument);
    free(c);
    return status;
}

/* Output that could not be written is not a success. */
static int flushed(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    return cli_error(CLI_UNKNOWN, "standard output", "it could not be written");
}

int main(int argc, char **argv)
{
    const struct cli_verb *v;
    int words = 0;

    if (argc > 1 && strcmp(argv[1], "serve") == 0 && !(argc == 3 && strcmp(argv[2], "--help") == 0))
        return serve_main(argc - 1, argv + 1);
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_DFL);
    if (argc < 2) {
        (void)help_all(NULL);
        return flushed(CLI_USAGE);
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("sigillo %s\n", SIGILLO_VERSION);
        return flushed(CLI_YES);
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0)
        return flushed(help(argc - 2, argv + 2));
    v = find_verb(argc - 1, argv + 1, &words);
    if (v == NULL)
        return flushed(unknown_verb(argc - 1, argv + 1));
    return flushed(run_verb(v, argc - 1 - words, argv + 1 + words));
}
