/* SPDX-License-Identifier: Apache-2.0 */
#include "next.h"

#include <stdarg.h>
#include <string.h>

void cli_next_head(const struct cli *c)
{
    printf("\n%sNext:%s\n", cli_bold(c), cli_plain(c));
}

void cli_next(const char *why, const char *command, ...)
{
    char text[2048];
    va_list args;

    va_start(args, command);
    vsnprintf(text, sizeof(text), command, args);
    va_end(args);
    fputs("  ", stdout);
    cli_put(stdout, text);
    putchar('\n');
    if (why == NULL)
        return;
    fputs("      ", stdout);
    cli_put_folded(stdout, sgl_view_cstr(why), 6);
}

bool cli_next_word(const char *text, char *out, size_t size)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_./:@+,=";
    bool quoted = text[0] == '\0' || text[strspn(text, plain)] != '\0';

    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++)
        if (*at < 0x20 || *at == 0x7f || *at == '\'' || *at == '\\')
            return false;
    return (size_t)snprintf(out, size, quoted ? "'%s'" : "%s", text) < size;
}

/* ---- empty lists ---- */

static const struct {
    const char *list, *command;
} firsts[] = {
    {"subscriptions", "sigillo subscription add acme --profile standard"},
    {"domains", "sigillo domain add example.org"},
    {"credentials", "sigillo credential add app1 --domain example.org"},
    {"keys", "sigillo key add --domain example.org --label app1"},
    {"apps", "sigillo app add app1 --domain example.org"},
    {"locals", "sigillo local add backup --user backup --domain example.org"},
    {"accounts", "sigillo account add --name \"App 1\" --address app1@example.org"},
    {"senders", "sigillo sender add app1@example.org --identity credential:app1"},
    {"groups", "sigillo group add support --member support@example.org"},
    {"policies", "sigillo policy add --app app1 --allow --senders support"},
    {"routes", "sigillo route add @example.org --lmtp 127.0.0.1:24"},
    {"suppressions", "sigillo suppression add someone@example.net"},
};

bool cli_next_first(const struct cli *c, const char *list)
{
    for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++)
        if (strcmp(firsts[i].list, list) == 0) {
            printf("There are none yet.\n");
            cli_next_head(c);
            cli_next("adds one", "%s", firsts[i].command);
            return true;
        }
    return false;
}
