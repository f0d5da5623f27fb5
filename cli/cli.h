/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: `sigillo VERB [SUBVERB] [options] [arguments]`.  A verb is a row in a table: its options and arguments are checked before it runs, and its help is
 * printed from the same row.
 *
 * Exit status: 0 done or yes, 1 the answer is no, 2 wrong usage or unreadable input, 3 could not find out.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "sigillo/buf.h"

enum { CLI_YES = 0, CLI_NO = 1, CLI_USAGE = 2, CLI_UNKNOWN = 3 };

#define CLI_OPTIONS_MAX 16
#define CLI_VALUES_MAX  1024
#define CLI_SERVER      "unix:/run/sigillo/admin.sock"

struct cli_option {
    const char *name;  /* "--domain"; NULL ends the list */
    const char *value; /* what its value is called in the help; NULL: a flag */
    const char *help;
    bool many; /* may be given several times */
};

struct cli;
struct cli_verb {
    const char *name;      /* "domain add" */
    const char *arguments; /* "DOMAIN"; "" for none */
    const char *summary;   /* one line, lower case, no full stop */
    const struct cli_option *option;
    unsigned arguments_min, arguments_max;
    int (*run)(struct cli *c); /* NULL: it takes no common options, and runs elsewhere */
    const char *more;          /* paragraphs for the help; may be NULL */
    enum {
        CLI_SERVER_VERB,
        CLI_OFFLINE,
        CLI_DNS
    } needs; /* DNS: no server, but the options of lookup.h */
};

struct cli_given {
    const struct cli_option *option;
    const char *value; /* "" for a flag */
};

struct cli {
    const struct cli_verb *verb;
    bool json;   /* --json */
    bool colour; /* standard output is a terminal and NO_COLOR is not set */
    const char *server, *token;
    struct cli_given given[CLI_VALUES_MAX];
    size_t givens;
    const char **argument;
    size_t arguments;
};

/* ---- what was given ---- */

const char *cli_text(const struct cli *c, const char *option); /* NULL: not given */
bool cli_flag(const struct cli *c, const char *option);
const char *cli_nth(const struct cli *c, const char *option, size_t n); /* NULL: not so often */

/* ---- saying things ---- */

/* "sigillo: WHAT: WHY" on stderr, both escaped; gives back status. */
int cli_error(int status, const char *what, const char *why, ...) SGL_PRINTF(3, 4);
/* Foreign text for a terminal: control characters and what is not UTF-8 are escaped. */
void cli_put(FILE *to, const char *text);
/* The same of bytes, of which at most shown_max are shown. */
void cli_put_view(FILE *to, sgl_view text, size_t shown_max);
/* Printable text in 80 columns, broken at blanks, and a line end.  The first line stands in column `indent` already, the others are moved there. */
void cli_put_folded(FILE *to, sgl_view text, size_t indent);
/* Foreign bytes for JSON: UTF-8 as it is, else escaped. NULL when memory ends. */
json_t *cli_json_text(sgl_view text);
json_t *cli_json_date(sgl_time time); /* "2026-11-23T09:00:00Z"; 0: null */
/* One JSON document, then the exit status; takes the reference. */
int cli_print_json(json_t *json);
const char *cli_bold(const struct cli *c), *cli_dim(const struct cli *c),
    *cli_red(const struct cli *c), *cli_green(const struct cli *c),
    *cli_yellow(const struct cli *c), *cli_plain(const struct cli *c);

/* Columns as wide as their widest cell, two blanks between them. Cells are copied and escaped when printed. */
struct cli_table {
    size_t columns, cells, room;
    char **cell;
};
void cli_table_init(struct cli_table *t, size_t columns, const char *const *head);
void cli_table_add(struct cli_table *t, const char *cell); /* NULL: empty */
void cli_table_print(const struct cli *c, const struct cli_table *t, FILE *to);
void cli_table_done(struct cli_table *t);

/* A member as text: strings as they are, numbers in decimal, null and absent as "". Valid until the next call with the same slot (0..7). */
const char *cli_member(const json_t *object, const char *name, unsigned slot);
/* "2026-11-22T12:09:03.123Z" as "2026-11-22 12:09:03"; in slot as above. */
const char *cli_time(const json_t *object, const char *name, unsigned slot);

/* ---- the server ---- */

/*
 * One call of the admin API.  body is taken, and may be NULL.  CLI_YES: *out is the answer (a reference, never NULL).  Else the error has been printed, and the exit status is
 * the result: 404, 403, 409 ... are CLI_NO; 400 and 422 CLI_USAGE; no connection and 5xx CLI_UNKNOWN.
 */
int cli_call(const struct cli *c, const char *method, const char *path, json_t *body, json_t **out);
int cli_call_bytes(const struct cli *c, const char *method, const char *path,
                   const char *content_type, sgl_view bytes, json_t **out);
/* GETs what is no JSON, and writes it to the file as it comes. */
int cli_call_to(const struct cli *c, const char *path, FILE *to);
/* "/admin/v1/domains/" + the escaped segment + suffix, into a malloc()ed string; ends the program when memory does. */
char *cli_path(const char *prefix, const char *segment, const char *suffix);
/* "?name=" or "&name=" and the escaped value, behind the path; nothing when it is NULL. */
void cli_add_query(struct sgl_buf *path, const char *name, const char *value);

/* ---- files ---- */

/* The whole file, "-" or NULL is standard input; at most max bytes. false: the error has been printed. */
bool cli_read_file(const char *option, const char *path, size_t max, struct sgl_buf *out);

/* ---- pure parts, tested by themselves ---- */

/* One TXT value in zone-file form: strings of at most 255 bytes in quotes. */
void records_put_txt(struct sgl_buf *out, const char *value);
/* The records of an answer of the admin API.  What needs no publishing, or must not be published blindly, is a comment. */
void records_put_zone(struct sgl_buf *out, const json_t *answer);
void records_put_nsupdate(struct sgl_buf *out, const json_t *answer);

extern const struct cli_verb
    *const cli_verbs[]; /* all, NULL at the end, in the order of the help */

#endif
