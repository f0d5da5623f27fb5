/* SPDX-License-Identifier: Apache-2.0 */
/* A noun is added, listed, changed, removed: the same for all of them. */
#include "noun.h"

#include <stdlib.h>
#include <string.h>

#include "next.h"

/* ---- cells ---- */

const char *cli_column_time(const json_t *noun, const char *member, char *out, size_t size)
{
    (void)out;
    (void)size;
    return cli_time(noun, member, 0);
}

const char *cli_column_list(const json_t *noun, const char *member, char *out, size_t size)
{
    const json_t *item;
    size_t at, len = 0;

    out[0] = '\0';
    json_array_foreach(json_object_get(noun, member), at, item)
    {
        int n =
            snprintf(out + len, size - len, "%s%s", len == 0 ? "" : " ", json_string_value(item));

        if (n < 0 || (size_t)n >= size - len)
            break;
        len += (size_t)n;
    }
    return out;
}

const char *cli_noun_limits(const json_t *noun, const char *member, char *out, size_t size)
{
    const json_t *one;
    size_t at, len = 0;

    out[0] = '\0';
    json_array_foreach(json_object_get(noun, member), at, one)
    {
        int n = snprintf(out + len, size - len, "%s%s %s/%s", len == 0 ? "" : ", ",
                         cli_member(one, "max", 0), cli_member(one, "what", 1),
                         cli_member(one, "window", 2));

        if (n < 0 || (size_t)n >= size - len)
            break;
        len += (size_t)n;
    }
    return out;
}

static void add_row(struct cli_table *t, const json_t *noun, const struct cli_column *column,
                    size_t columns)
{
    char text[1024];

    for (size_t i = 0; i < columns; i++)
        cli_table_add(t, column[i].text == NULL
                             ? cli_member(noun, column[i].member, 0)
                             : column[i].text(noun, column[i].member, text, sizeof(text)));
}

void cli_column_table(const struct cli *c, const json_t *list, const struct cli_column *column,
                      size_t columns)
{
    const char *head[CLI_COLUMNS_MAX];
    const json_t *noun;
    struct cli_table t;
    size_t at;

    for (size_t i = 0; i < columns; i++)
        head[i] = column[i].head;
    cli_table_init(&t, columns, head);
    json_array_foreach(list, at, noun) add_row(&t, noun, column, columns);
    cli_table_print(c, &t, stdout);
    cli_table_done(&t);
}

/* ---- calls ---- */

int cli_noun_list(struct cli *c, const char *path, const char *member,
                  const struct cli_column *column, size_t columns)
{
    json_t *answer;
    int status = cli_call(c, "GET", path, NULL, &answer);

    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    if (json_array_size(json_object_get(answer, member)) == 0 && cli_next_first(c, member)) {
        json_decref(answer);
        return CLI_YES;
    }
    cli_column_table(c, json_object_get(answer, member), column, columns);
    json_decref(answer);
    return CLI_YES;
}

int cli_noun_call(struct cli *c, const char *method, const char *path, json_t *body,
                  void (*say)(struct cli *c, const json_t *answer))
{
    json_t *answer;
    int status = cli_call(c, method, path, body, &answer);

    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    say(c, answer);
    json_decref(answer);
    return CLI_YES;
}

static int send_body(struct cli *c, const char *method, const char *path, json_t *body,
                     void (*say)(struct cli *c, const json_t *answer))
{
    if (body == NULL)
        return cli_error(CLI_USAGE, c->argument[0], "this is not UTF-8");
    return cli_noun_call(c, method, path, body, say);
}

int cli_noun_add(struct cli *c, const char *path, json_t *body,
                 void (*say)(struct cli *c, const json_t *answer))
{
    return send_body(c, "POST", path, body, say);
}

int cli_noun_set_at(struct cli *c, char *path, json_t *body,
                    void (*say)(struct cli *c, const json_t *answer))
{
    int status = send_body(c, "PATCH", path, body, say);

    free(path);
    return status;
}

int cli_noun_set(struct cli *c, const char *prefix, json_t *body,
                 void (*say)(struct cli *c, const json_t *answer))
{
    return cli_noun_set_at(c, cli_path(prefix, c->argument[0], ""), body, say);
}

int cli_noun_remove_at(struct cli *c, char *path, const char *said)
{
    json_t *answer;
    int status = cli_call(c, "DELETE", path, NULL, &answer);

    free(path);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    cli_put(stdout, c->argument[0]);
    printf(" %s\n", said);
    json_decref(answer);
    return CLI_YES;
}

int cli_noun_remove(struct cli *c, const char *prefix, const char *said)
{
    return cli_noun_remove_at(c, cli_path(prefix, c->argument[0], ""), said);
}

char *cli_noun_path_of(const char *prefix, const char *noun, const char *name, const char *value)
{
    char *query, *path;

    if (value == NULL)
        return cli_path(prefix, noun, "");
    query = cli_path(name, value, "");
    path = cli_path(prefix, noun, query);
    free(query);
    return path;
}

char *cli_noun_path(const struct cli *c, const char *prefix, const char *name, const char *value)
{
    return cli_noun_path_of(prefix, c->argument[0], name, value);
}

/* ---- members ---- */

void cli_noun_subscription(const struct cli *c, json_t *body)
{
    const char *subscription = cli_text(c, "--subscription");

    if (subscription != NULL)
        json_object_set_new(body, "subscription", json_string(subscription));
}

json_t *cli_noun_domains(const struct cli *c)
{
    json_t *list = json_array();
    const char *domain;

    for (size_t i = 0; (domain = cli_nth(c, "--domain", i)) != NULL; i++)
        json_array_append_new(list, json_string(domain));
    return list;
}

bool cli_noun_profile(const struct cli *c, json_t *body)
{
    const char *name = cli_text(c, "--profile");

    if (name == NULL ||
        json_object_set_new(body, "profile", json_string(strcmp(name, "none") == 0 ? "" : name)) ==
            0)
        return true;
    (void)cli_error(CLI_USAGE, "--profile", "this is not UTF-8");
    return false;
}
