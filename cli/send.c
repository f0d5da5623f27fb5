/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo send: composes a message by the library and hands it to the server. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "message.h"
#include "sigillo/compose.h"
#include "verbs.h"

#define FILE_MAX       (64u * 1024u * 1024u)
#define PARTS_MAX      64
#define WAIT_S_DEFAULT 300
#define POLL_MS        200
#define POLL_MS_MAX    2000

struct letter {
    struct sgl_arena arena;
    struct sgl_compose compose;
    struct sgl_compose_part part[PARTS_MAX];
    struct sgl_compose_field mark[2];
    struct sgl_buf text, html, file[PARTS_MAX];
    struct sgl_compose_addresses bcc;
};

/* ---- what was given ---- */

/* All values of an option as addresses; false: said. */
static bool take_addresses(const struct cli *c, struct letter *l, const char *option,
                           struct sgl_compose_addresses *out)
{
    struct sgl_compose_address *item;
    const char *text;
    size_t count = 0;

    while (cli_nth(c, option, count) != NULL)
        count++;
    item = SGL_NEW_N(&l->arena, count + 1, struct sgl_compose_address);
    if (item == NULL) {
        cli_error(CLI_UNKNOWN, "memory", "there is none left");
        return false;
    }
    for (size_t i = 0; (text = cli_nth(c, option, i)) != NULL; i++) {
        struct sgl_diag diag = {0};
        struct sgl_address address;

        if (sgl_address_parse(sgl_view_cstr(text), &l->arena, &address, &diag) != SGL_OK) {
            cli_error(CLI_USAGE, option, "%s: %s", text,
                      diag.what == NULL ? "this is no mail address" : diag.what);
            return false;
        }
        item[i] = (struct sgl_compose_address){.name = address.name, .mailbox = address.mailbox};
    }
    *out = (struct sgl_compose_addresses){.item = item, .count = count};
    return true;
}

static const char *type_of(const char *name)
{
    static const struct {
        const char *ending, *type;
    } types[] = {
        {".pdf", "application/pdf"},
        {".txt", "text/plain; charset=utf-8"},
        {".html", "text/html; charset=utf-8"},
        {".csv", "text/csv; charset=utf-8"},
        {".json", "application/json"},
        {".xml", "application/xml"},
        {".zip", "application/zip"},
        {".gz", "application/gzip"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".jpeg", "image/jpeg"},
        {".gif", "image/gif"},
        {".svg", "image/svg+xml"},
        {".ics", "text/calendar; charset=utf-8"},
    };
    size_t len = strlen(name);

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        size_t end = strlen(types[i].ending);

        if (len > end && strcasecmp(name + len - end, types[i].ending) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}

static bool take_attachments(const struct cli *c, struct letter *l)
{
    const char *path;

    for (size_t i = 0; (path = cli_nth(c, "--attach", i)) != NULL; i++) {
        const char *name = strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1;

        if (i == PARTS_MAX) {
            cli_error(CLI_USAGE, "--attach", "at most %d files can be attached", PARTS_MAX);
            return false;
        }
        if (!cli_read_file("--attach", path, FILE_MAX, &l->file[i]))
            return false;
        l->part[i] = (struct sgl_compose_part){.content = sgl_buf_view(&l->file[i]),
                                               .content_type = sgl_view_cstr(type_of(name)),
                                               .filename = sgl_view_cstr(name)};
        l->compose.parts = i + 1;
    }
    l->compose.part = l->part;
    return true;
}

/* A file as text; an empty one is a text, too. */
static bool take_text(const char *option, const char *path, struct sgl_buf *file, sgl_view *out)
{
    if (!cli_read_file(option, path, FILE_MAX, file))
        return false;
    *out = file->len == 0 ? SGL_LIT("") : sgl_buf_view(file);
    return true;
}

static bool take_contents(const struct cli *c, struct letter *l)
{
    const char *text = cli_text(c, "--text"), *html = cli_text(c, "--html");

    if (text == NULL && html == NULL && cli_text(c, "--attach") == NULL)
        text = "-";
    if (text != NULL && !take_text("--text", text, &l->text, &l->compose.text))
        return false;
    if (html != NULL && !take_text("--html", html, &l->html, &l->compose.html))
        return false;
    return take_attachments(c, l);
}

/* A field for the server, which takes it out. */
static void put_mark(struct letter *l, sgl_view name, const char *value)
{
    if (value == NULL)
        return;
    l->mark[l->compose.headers++] = (struct sgl_compose_field){name, sgl_view_cstr(value)};
    l->compose.header = l->mark;
}

static bool is_tls(const char *tls)
{
    return tls == NULL || strcmp(tls, "verified") == 0 || strcmp(tls, "optional") == 0;
}

static bool take_letter(const struct cli *c, struct letter *l)
{
    const char *subject = cli_text(c, "--subject");

    if (cli_text(c, "--from") == NULL || cli_text(c, "--to") == NULL) {
        cli_error(CLI_USAGE, cli_text(c, "--from") == NULL ? "--from" : "--to", "it is needed");
        return false;
    }
    if (!is_tls(cli_text(c, "--tls"))) {
        cli_error(CLI_USAGE, "--tls", "this is verified or optional");
        return false;
    }
    if (!take_addresses(c, l, "--from", &l->compose.from) ||
        !take_addresses(c, l, "--to", &l->compose.to) ||
        !take_addresses(c, l, "--cc", &l->compose.cc) || !take_addresses(c, l, "--bcc", &l->bcc) ||
        !take_addresses(c, l, "--reply-to", &l->compose.reply_to))
        return false;
    if (subject != NULL)
        l->compose.subject = sgl_view_cstr(subject);
    put_mark(l, SGL_LIT("X-Sigillo-List"), cli_text(c, "--list"));
    put_mark(l, SGL_LIT("X-Sigillo-TLS"), cli_text(c, "--tls"));
    l->compose.date = time(NULL);
    l->compose.eightbit = true;
    return getrandom(l->compose.random, sizeof(l->compose.random), 0) ==
               sizeof(l->compose.random) &&
           take_contents(c, l);
}

/* ---- to the server ---- */

static void path_addresses(struct sgl_buf *path, const char *name,
                           const struct sgl_compose_addresses *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct sgl_buf text = SGL_BUF_INIT(1024);
        char *escaped;

        sgl_buf_add(&text, list->item[i].mailbox.text);
        escaped = cli_path("", sgl_cstr(&text), "");
        sgl_buf_addf(path, "&%s=%s", name, escaped);
        free(escaped);
        sgl_buf_done(&text);
    }
}

static int post(const struct cli *c, const struct letter *l, json_t **out)
{
    struct sgl_buf message = SGL_BUF_INIT(sgl_compose_bound(&l->compose) + 1024),
                   path = SGL_BUF_INIT(1024 * 1024);
    struct sgl_diag diag = {0};
    int status = CLI_USAGE;

    sgl_buf_add_cstr(&path, "/admin/v1/messages?by=cli");
    path_addresses(&path, "from",
                   &(struct sgl_compose_addresses){.item = l->compose.from.item, .count = 1});
    path_addresses(&path, "to", &l->compose.to);
    path_addresses(&path, "to", &l->compose.cc);
    path_addresses(&path, "to", &l->bcc);
    if (sgl_compose_put(&message, &l->compose, &diag) != SGL_OK)
        cli_error(CLI_USAGE, "send", "the message cannot be composed: %s",
                  diag.what == NULL ? "it is too large" : diag.what);
    else if (sgl_cstr(&path) == NULL)
        cli_error(CLI_USAGE, "--to", "there are too many recipients");
    else
        status = cli_call_bytes(c, "POST", (const char *)path.data, "message/rfc822",
                                sgl_buf_view(&message), out);
    sgl_buf_done(&message);
    sgl_buf_done(&path);
    return status;
}

/* ---- waiting ---- */

struct tally {
    size_t open, delivered, other;
};

static struct tally count_states(const json_t *m)
{
    struct tally t = {0, 0, 0};
    const json_t *r;
    size_t at;

    json_array_foreach(json_object_get(m, "recipients"), at, r)
    {
        const char *state = cli_member(r, "state", 0);

        if (strcmp(state, "delivered") == 0)
            t.delivered++;
        else if (strcmp(state, "queued") == 0 || strcmp(state, "held") == 0)
            t.open++;
        else
            t.other++;
    }
    return t;
}

static void sleep_ms(unsigned ms)
{
    struct timespec wait = {ms / 1000, (long)(ms % 1000) * 1000000};

    nanosleep(&wait, NULL);
}

static void progress(const struct tally *t, time_t began, bool end)
{
    if (!isatty(STDERR_FILENO))
        return;
    if (end)
        fprintf(stderr, "\r\033[K");
    else if (time(NULL) - began >= 2)
        fprintf(stderr, "\r\033[K%zu delivered, %zu waiting, %zu ended otherwise; %lld s",
                t->delivered, t->open, t->other, (long long)(time(NULL) - began));
}

/* Until no recipient is open, or time is up. *out is the last state seen. */
static int follow(const struct cli *c, const char *id, unsigned wait_s, json_t **out)
{
    time_t began = time(NULL);
    unsigned ms = POLL_MS;

    for (;;) {
        struct tally t;
        int status = message_get(c, id, out);

        if (status != CLI_YES)
            return status;
        t = count_states(*out);
        progress(&t, began, t.open == 0);
        if (t.open == 0)
            return t.other == 0 ? CLI_YES : CLI_NO;
        if ((unsigned)(time(NULL) - began) >= wait_s) {
            progress(&t, began, true);
            return CLI_UNKNOWN;
        }
        json_decref(*out);
        *out = NULL;
        sleep_ms(ms);
        ms = ms * 2 > POLL_MS_MAX ? POLL_MS_MAX : ms * 2;
    }
}

static bool take_wait(const struct cli *c, unsigned *seconds)
{
    const char *text = cli_text(c, "--timeout");
    uint64_t n = WAIT_S_DEFAULT;

    if (text != NULL && !sgl_view_u64(sgl_view_cstr(text), 1000000, &n)) {
        cli_error(CLI_USAGE, "--timeout", "must be a number of seconds");
        return false;
    }
    *seconds = (unsigned)n;
    return true;
}

static int report_wait(struct cli *c, const char *id, unsigned seconds)
{
    json_t *m = NULL;
    const json_t *r;
    size_t at;
    int status = follow(c, id, seconds, &m);

    if (m == NULL)
        return status;
    if (c->json) {
        (void)cli_print_json(json_incref(m));
    } else {
        json_array_foreach(json_object_get(m, "recipients"), at, r) message_put_recipient(c, r);
    }
    json_decref(m);
    if (status == CLI_UNKNOWN)
        cli_error(status, "--wait", "it still waits after %u s; `sigillo trace %s` tells more",
                  seconds, id);
    return status;
}

static int send_letter(struct cli *c, const struct letter *l, unsigned seconds)
{
    json_t *answer;
    char id[64];
    int status = post(c, l, &answer);

    if (status != CLI_YES)
        return status;
    snprintf(id, sizeof(id), "%s", cli_member(answer, "id", 0));
    if (c->json && !cli_flag(c, "--wait"))
        return cli_print_json(answer);
    if (!c->json) {
        printf("%s  accepted, durable in %s ms\n", id, cli_member(answer, "durable_ms", 1));
        fflush(stdout);
    }
    json_decref(answer);
    return cli_flag(c, "--wait") ? report_wait(c, id, seconds) : CLI_YES;
}

static int send_run(struct cli *c)
{
    struct letter *l = calloc(1, sizeof(*l));
    unsigned seconds;
    int status = CLI_USAGE;

    if (l == NULL)
        return cli_error(CLI_UNKNOWN, "memory", "there is none left");
    sgl_arena_init(&l->arena, 16u * 1024u * 1024u);
    if (take_wait(c, &seconds) && take_letter(c, l))
        status = send_letter(c, l, seconds);
    sgl_arena_done(&l->arena);
    sgl_buf_done(&l->text);
    sgl_buf_done(&l->html);
    for (size_t i = 0; i < PARTS_MAX; i++)
        sgl_buf_done(&l->file[i]);
    free(l);
    return status;
}

static const struct cli_option options[] = {
    {"--from", "ADDRESS", "who it is from: a@example.org, or \"Anna <a@example.org>\"", false},
    {"--to", "ADDRESS", "who it is for", true},
    {"--cc", "ADDRESS", "who gets a copy", true},
    {"--bcc", "ADDRESS", "who gets a copy that the others do not see", true},
    {"--reply-to", "ADDRESS", "where answers go", true},
    {"--subject", "TEXT", "the subject", false},
    {"--text", "FILE", "the text, UTF-8; - (and without any content) is standard input", false},
    {"--html", "FILE", "the same as HTML", false},
    {"--attach", "FILE", "a file that goes with it", true},
    {"--list", "ID", "it is list mail: it gets a link that unsubscribes its recipient", false},
    {"--tls", "WHAT", "verified: only to servers that prove who they are; optional", false},
    {"--wait", NULL, "follow it to its final state; exit 1 when any recipient did not get it",
     false},
    {"--timeout", "SECONDS", "how long --wait waits (default 300); then exit 3", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_send = {"send", "", "sends a message", options, 0, 0, send_run, NULL};
