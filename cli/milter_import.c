/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo milter import */
#include "../milter/import.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "verbs.h"

#define OPENDKIM  "/etc/opendkim.conf"
#define OPENDMARC "/etc/opendmarc.conf"
#define ARENA_MAX ((size_t)64 << 20)

struct import_work {
    struct cli *c;
    struct sgl_arena arena;
    struct sgl_buf text[2], out;
    struct import_source source[2];
    struct import_notes notes;
};

/* Named files must be there; without any, those of the usual places that are. */
static bool read_sources(struct import_work *w)
{
    static const char *const option[] = {"--opendkim", "--opendmarc"};
    static const char *const usual[] = {OPENDKIM, OPENDMARC};
    bool named = cli_text(w->c, option[0]) != NULL || cli_text(w->c, option[1]) != NULL;

    for (int n = 0; n < 2; n++) {
        const char *path = cli_text(w->c, option[n]);

        if (path == NULL && !named && access(usual[n], R_OK) == 0)
            path = usual[n];
        if (path != NULL && !cli_read_file(option[n], path, IMPORT_FILE_MAX, &w->text[n]))
            return false;
        w->source[n] = (struct import_source){path, sgl_buf_view(&w->text[n])};
    }
    if (w->source[0].file == NULL && w->source[1].file == NULL)
        cli_error(CLI_USAGE, "--opendkim", "there is neither %s nor %s: name the files", OPENDKIM,
                  OPENDMARC);
    return w->source[0].file != NULL || w->source[1].file != NULL;
}

static int put_out(const struct import_work *w)
{
    const char *path = cli_text(w->c, "--out");
    sgl_view rest = sgl_buf_view(&w->out);
    int fd = path == NULL ? STDOUT_FILENO
                          : open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    bool good = fd >= 0;

    while (good && rest.len > 0) {
        ssize_t n = write(fd, rest.ptr, rest.len);

        good = n > 0;
        rest = sgl_view_from(rest, good ? (size_t)n : 0);
    }
    if (path != NULL && fd >= 0)
        good = close(fd) == 0 && good;
    return good ? CLI_YES
                : cli_error(CLI_USAGE, path != NULL ? "--out" : "standard output", "%s: %s",
                            path != NULL ? path : "it cannot be written", strerror(errno));
}

/* "FILE:LINE: Key: why: what of the value" */
static void put_notes(const struct import_work *w)
{
    for (size_t i = 0; i < w->notes.count; i++) {
        const struct import_note *n = &w->notes.item[i];

        cli_put(stderr, n->file);
        fprintf(stderr, ":%u: ", n->line);
        cli_put_view(stderr, n->key, 80);
        fprintf(stderr, ": %s", n->why);
        if (n->value.len > 0) {
            fputs(": ", stderr);
            cli_put_view(stderr, n->value, 200);
        }
        fputc('\n', stderr);
    }
}

static int put_json(const struct import_work *w)
{
    json_t *notes = json_array();

    for (size_t i = 0; i < w->notes.count; i++) {
        const struct import_note *n = &w->notes.item[i];

        json_array_append_new(notes, json_pack("{s:s, s:i, s:o, s:s, s:o}", "file", n->file, "line",
                                               (int)n->line, "key", cli_json_text(n->key), "reason",
                                               n->why, "value", cli_json_text(n->value)));
    }
    return cli_print_json(json_pack("{s:o, s:o}", "configuration",
                                    cli_json_text(sgl_buf_view(&w->out)), "not_taken", notes));
}

static int make(struct import_work *w)
{
    struct import_fault fault = {0};
    enum sgl_status status;
    int said = CLI_YES;

    if (!read_sources(w))
        return CLI_USAGE;
    status = import_make(&w->source[0], &w->source[1], &w->arena, &w->out, &w->notes, &fault);
    if (status == SGL_E_SYNTAX)
        return cli_error(CLI_USAGE, fault.file, "line %u: %s", fault.line, fault.why);
    if (status != SGL_OK)
        return cli_error(CLI_UNKNOWN, "memory", "there is none left");
    if (!w->c->json || cli_text(w->c, "--out") != NULL)
        said = put_out(w);
    if (said != CLI_YES)
        return said;
    if (w->c->json)
        return put_json(w);
    put_notes(w);
    return CLI_YES;
}

static int import_run(struct cli *c)
{
    struct import_work w = {.c = c};
    int status;

    sgl_arena_init(&w.arena, ARENA_MAX);
    sgl_buf_init(&w.out, IMPORT_FILE_MAX * 4);
    sgl_buf_init(&w.text[0], IMPORT_FILE_MAX);
    sgl_buf_init(&w.text[1], IMPORT_FILE_MAX);
    status = make(&w);
    sgl_buf_done(&w.text[0]);
    sgl_buf_done(&w.text[1]);
    sgl_buf_done(&w.out);
    sgl_arena_done(&w.arena);
    return status;
}

static const struct cli_option options[] = {
    {"--opendkim", "FILE", "opendkim.conf (default " OPENDKIM ", where it is there)", false},
    {"--opendmarc", "FILE", "opendmarc.conf (default " OPENDMARC ", the same)", false},
    {"--out", "FILE", "write the configuration there; it must not be there yet", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_milter_import = {
    .name = "milter import",
    .arguments = "",
    .summary = "writes the mail filter's configuration from OpenDKIM's and OpenDMARC's",
    .option = options,
    .run = import_run,
    .more = "Tables, lists of hosts and keys are used where they are. What could not be taken\n"
            "over is printed on standard error, with its line and the reason.",
    .needs = CLI_OFFLINE,
};
