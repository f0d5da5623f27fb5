/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs for nouns share: a noun is added, listed, changed, removed by one call of the admin API. */
#ifndef CLI_NOUN_H
#define CLI_NOUN_H

#include "cli.h"

#define CLI_COLUMNS_MAX 12

struct cli_column {
    const char *head, *member;
    /* How a cell reads; NULL: as cli_member() gives it. The answer may be `out`. */
    const char *(*text)(const json_t *noun, const char *member, char *out, size_t size);
};
const char *cli_column_time(const json_t *noun, const char *member, char *out, size_t size);
/* A list of strings, blanks between them. */
const char *cli_column_list(const json_t *noun, const char *member, char *out, size_t size);

/* A list of objects as a table, one a row. */
void cli_column_table(const struct cli *c, const json_t *list, const struct cli_column *column,
                      size_t columns);

/* Limits of a profile: "30 messages/minute, 100 messages/hour". */
const char *cli_noun_limits(const json_t *noun, const char *member, char *out, size_t size);

/* All nouns at the path as a table, or what adds the first; `member` of the answer has them. Gives the exit status, as do the others. */
int cli_noun_list(struct cli *c, const char *path, const char *member,
                  const struct cli_column *column, size_t columns);
/* Calls with the body, which is taken, or without one, and lets `say` print the answer for people. */
int cli_noun_call(struct cli *c, const char *method, const char *path, json_t *body,
                  void (*say)(struct cli *c, const json_t *answer));
/* POSTs the body, which is taken (NULL: an argument is no UTF-8), and lets `say` print the answer for people. */
int cli_noun_add(struct cli *c, const char *path, json_t *body,
                 void (*say)(struct cli *c, const json_t *answer));
/* The same with PATCH, for prefix + the argument. */
int cli_noun_set(struct cli *c, const char *prefix, json_t *body,
                 void (*say)(struct cli *c, const json_t *answer));
/* DELETEs prefix + the argument; "ARGUMENT said" is printed. */
int cli_noun_remove(struct cli *c, const char *prefix, const char *said);
/* The same two for a path of their own, which is taken. */
int cli_noun_set_at(struct cli *c, char *path, json_t *body,
                    void (*say)(struct cli *c, const json_t *answer));
int cli_noun_remove_at(struct cli *c, char *path, const char *said);
/* prefix + the argument, and "?name=" + the option's value where it was given; malloc()ed. */
char *cli_noun_path(const struct cli *c, const char *prefix, const char *name, const char *value);
/* The same for a noun that is no argument. */
char *cli_noun_path_of(const char *prefix, const char *noun, const char *name, const char *value);

/* --subscription and every --domain, as members of a body. */
void cli_noun_subscription(const struct cli *c, json_t *body);
json_t *cli_noun_domains(const struct cli *c);
/* --profile: "none" takes it away. false: no UTF-8, which was said; the caller still has the body. */
bool cli_noun_profile(const struct cli *c, json_t *body);

#endif
