/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the admin API, for the verbs of the queue and of the trail. */
#include "message.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MESSAGES "/admin/v1/messages"

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

int message_list(const struct cli *c, bool open, const char *max, json_t **out)
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

bool message_is_open(const char *state)
{
    return strcmp(state, "queued") == 0 || strcmp(state, "held") == 0;
}

const char *message_colour(const struct cli *c, const char *state)
{
    if (strcmp(state, "delivered") == 0)
        return cli_green(c);
    return message_is_open(state) ? cli_yellow(c) : cli_red(c);
}

const char *message_until(const json_t *object, const char *name, char *out, size_t size)
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

const char *message_why_it_waits(const json_t *rcpt, unsigned slot)
{
    const char *why = cli_member(rcpt, "why_wait", slot);

    if (why[0] == '\0')
        why = cli_member(rcpt, "reason", slot);
    if (why[0] == '\0' && strcmp(cli_member(rcpt, "state", slot), "queued") == 0)
        return "it is due: being tried now, or waiting for its turn";
    return why;
}

void message_put_line(const char *label, const char *text)
{
    if (text[0] == '\0')
        return;
    printf("  %-12s ", label);
    cli_put(stdout, text);
    putchar('\n');
}

void message_put_recipient(const struct cli *c, const json_t *r)
{
    const char *state = cli_member(r, "state", 0);
    char when[32];

    printf("\n%s", cli_bold(c));
    cli_put(stdout, cli_member(r, "address", 1));
    printf("%s  %s%s%s\n", cli_plain(c), message_colour(c, state), state, cli_plain(c));
    if (strcmp(state, "queued") == 0) {
        printf("  %-12s %s (%s UTC)\n", "next try", message_until(r, "next_at", when, sizeof(when)),
               cli_time(r, "next_at", 2));
        message_put_line("why", message_why_it_waits(r, 3));
    } else if (strcmp(state, "held") == 0) {
        message_put_line("why", "held by an operator until it is released");
    }
    printf("  %-12s %s\n", "attempts", cli_member(r, "attempts", 4));
    message_put_line("last host", cli_member(r, "remote_mta", 5));
    message_put_line("status", cli_member(r, "status", 6));
    message_put_line("last answer", cli_member(r, "reason", 7));
    if (json_is_true(json_object_get(r, "possibly_repeated")))
        puts("  possibly repeated: the server ended between the final dot and the record of its "
             "answer, so it was tried again");
}
