/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo dmarc report: records go by as they are read, so the size of a report does not matter. */
#include "dmarc_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../server/intake/intake.h"
#include "cli.h"
#include "dmarc_failure.h"
#include "sigillo/date.h"
#include "transit_chart.h"
#include "verbs.h"

#define FILES_MAX   1000
#define TOP_MAX     DMARC_ROWS_MAX
#define TOP_DEFAULT 25
#define BLOCK       ((size_t)64 << 10)
#define XML_MAX     ((uint64_t)4 << 30) /* a million records have some 1 GB */
#define SHOWN_MAX   300

enum form { TEXT, JSON, CSV };

/* One file on its way. */
struct showing {
    struct cli *c;
    enum form form;
    struct dmarc_sum *sum;
    const char *file;
    struct sgl_dmarc_report_reader *reader;
    json_t *failure; /* it is a failure report */
    uint64_t records, messages, passed;
    bool memory_ended, *any; /* any: a document of JSON stands before */
};

/* ---- records ---- */

static void show_json(struct showing *s, const struct sgl_dmarc_report_record *r)
{
    json_t *json = dmarc_record_json(r);
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);

    if (text == NULL)
        s->memory_ended = true;
    else
        printf("%s\n%s", s->records == 0 ? "" : ",", text);
    free(text);
    json_decref(json);
}

static void show_csv(struct showing *s, const struct sgl_dmarc_report_meta *m,
                     const struct sgl_dmarc_report_record *r)
{
    sgl_auto(sgl_buf) line = SGL_BUF_INIT((size_t)8 << 20);

    dmarc_record_csv(&line, s->file, m, r);
    if (line.status != SGL_OK)
        s->memory_ended = true;
    else
        fwrite(line.data, 1, line.len, stdout);
}

static bool on_record(void *ctx, const struct sgl_dmarc_report_meta *m,
                      const struct sgl_dmarc_report_record *r)
{
    struct showing *s = ctx;

    if (s->form == JSON)
        show_json(s, r);
    else if (s->form == CSV)
        show_csv(s, m, r);
    else if (!dmarc_sum_add(s->sum, r))
        s->memory_ended = true;
    s->records++;
    s->messages += r->count;
    if (r->dkim == SGL_DMARC_ALIGNED_PASS || r->spf == SGL_DMARC_ALIGNED_PASS)
        s->passed += r->count;
    return !s->memory_ended;
}

/* ---- files ---- */

static bool feed(void *ctx, sgl_view bytes)
{
    struct showing *s = ctx;

    return sgl_dmarc_report_feed(s->reader, bytes) == SGL_OK;
}

/* NULL, or what is wrong. */
static const char *stream_xml(struct showing *s, FILE *from, uint8_t *block, size_t len)
{
    while (len > 0 && feed(s, sgl_view_of(block, len)))
        len = fread(block, 1, BLOCK, from);
    return ferror(from) ? strerror(errno) : NULL;
}

static const char *read_whole(struct showing *s, FILE *from, uint8_t *block, size_t len)
{
    sgl_auto(sgl_buf) bytes = SGL_BUF_INIT(INTAKE_MAIL_MAX);
    const struct intake_sink sink = {feed, s, XML_MAX};
    const char *why = "";
    enum sgl_status status;

    for (; len > 0 && bytes.status == SGL_OK; len = fread(block, 1, BLOCK, from))
        sgl_buf_add(&bytes, sgl_view_of(block, len));
    if (ferror(from))
        return strerror(errno);
    if (bytes.status != SGL_OK)
        return bytes.status == SGL_E_LIMIT ? "it is too large" : "out of memory";
    status = intake_dmarc_report(sgl_buf_view(&bytes), &sink, &why);
    if (status == SGL_OK)
        return NULL;
    if (status == SGL_E_SYNTAX)
        s->failure = dmarc_failure_json(sgl_buf_view(&bytes));
    return why[0] != '\0' ? why : "out of memory";
}

static const char *read_from(struct showing *s, FILE *from)
{
    uint8_t *block = malloc(BLOCK);
    const char *why = "out of memory";
    size_t len;

    if (block == NULL)
        return why;
    len = fread(block, 1, BLOCK, from);
    if (intake_is_xml(sgl_view_of(block, len)))
        why = stream_xml(s, from, block, len);
    else
        why = read_whole(s, from, block, len);
    free(block);
    return why;
}

/* ---- what a report says of itself ---- */

static void put(sgl_view text)
{
    cli_put_view(stdout, text, SHOWN_MAX);
}

static void put_time(sgl_time time)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(40);

    sgl_date_put_internet(&text, time);
    put(sgl_buf_view(&text));
}

static void put_policy(const struct sgl_dmarc_report_meta *m)
{
    static const char *const name[] = {"p", "sp", "np"};
    const enum sgl_dmarc_disposition value[] = {m->p, m->sp, m->np};

    put(m->domain.len > 0 ? m->domain : SGL_LIT("a domain that it does not name"));
    putchar(':');
    for (size_t i = 0; i < 3; i++)
        if (value[i] != SGL_DMARC_DISPOSITION_UNKNOWN)
            printf(" %s=%s", name[i], sgl_dmarc_disposition_name(value[i]));
    if (m->testing == SGL_DMARC_TESTING_YES)
        fputs(" t=y", stdout);
}

static void print_head(const struct showing *s, const struct sgl_dmarc_report_meta *m)
{
    char share[16];

    fputs(cli_bold(s->c), stdout);
    put(m->org_name.len > 0 ? m->org_name : SGL_LIT("somebody without a name"));
    fputs(cli_plain(s->c), stdout);
    if (m->begin != 0 || m->end != 0) {
        fputs(", ", stdout);
        put_time(m->begin);
        fputs(" to ", stdout);
        put_time(m->end);
    }
    fputs("\nreport ", stdout);
    put(m->report_id.len > 0 ? m->report_id : SGL_LIT("without an identifier"));
    if (m->email.len > 0) {
        fputs(", contact ", stdout);
        put(m->email);
    }
    putchar('\n');
    put_policy(m);
    printf("; %" PRIu64 " record%s, %" PRIu64 " message%s", s->records, s->records == 1 ? "" : "s",
           s->messages, s->messages == 1 ? "" : "s");
    if (s->messages > 0)
        printf(", %s pass", transit_share(s->passed, s->messages, share));
    putchar('\n');
    if (m->error.len > 0) {
        fputs("its sender met an error: ", stdout);
        put(m->error);
        putchar('\n');
    }
}

static void print_problems(const struct showing *s, const struct sgl_dmarc_report_summary *sum)
{
    for (size_t i = 0; i < SGL_DMARC_REPORT_PROBLEMS; i++)
        if (sum->problem[i] > 0)
            printf("%snote: %s%s\n", cli_yellow(s->c),
                   sgl_dmarc_report_problem_text((enum sgl_dmarc_report_problem)i),
                   cli_plain(s->c));
}

static json_t *problems_json(const struct sgl_dmarc_report_summary *sum)
{
    json_t *list = json_array();

    for (size_t i = 0; i < SGL_DMARC_REPORT_PROBLEMS; i++)
        if (sum->problem[i] > 0)
            json_array_append_new(
                list, json_pack("{s:s, s:I}", "text",
                                sgl_dmarc_report_problem_text((enum sgl_dmarc_report_problem)i),
                                "times", (json_int_t)sum->problem[i]));
    return list;
}

static void print_json_head(struct showing *s)
{
    json_t *name = cli_json_text(sgl_view_cstr(s->file));
    char *text = json_dumps(name, JSON_ENCODE_ANY);

    printf("%s{\"file\":%s,\"records\":[", *s->any ? ",\n" : "", text == NULL ? "null" : text);
    *s->any = true;
    free(text);
    json_decref(name);
}

/* The members behind the records; sum: NULL where it was refused. */
static void print_json_tail(const struct showing *s, const struct sgl_dmarc_report_summary *sum,
                            const char *why)
{
    json_t *tail = json_object();
    char *text;

    dmarc_meta_json(sgl_dmarc_report_meta(s->reader), tail);
    json_object_set_new(tail, "messages", json_integer((json_int_t)s->messages));
    json_object_set_new(tail, "passed", json_integer((json_int_t)s->passed));
    json_object_set_new(tail, "partial", json_boolean(why != NULL || sum == NULL || sum->partial));
    json_object_set_new(tail, "problem",
                        why == NULL ? json_null() : cli_json_text(sgl_view_cstr(why)));
    json_object_set(tail, "failure", s->failure != NULL ? s->failure : json_null());
    json_object_set_new(tail, "notes", sum == NULL ? json_array() : problems_json(sum));
    text = json_dumps(tail, JSON_COMPACT);
    printf("],%s", text == NULL ? "}" : text + 1);
    free(text);
    json_decref(tail);
}

/* ---- the verb ---- */

/* One message, and no records. */
static int finish_failure(struct showing *s)
{
    const struct sgl_dmarc_report_summary none = {.partial = false};

    if (s->form == CSV)
        return cli_error(CLI_USAGE, s->file, "it is a failure report, which has no records");
    if (s->form == JSON)
        print_json_tail(s, &none, NULL);
    else
        dmarc_failure_print(s->c, s->failure);
    return CLI_YES;
}

static int finish(struct showing *s, const char *why)
{
    struct sgl_dmarc_report_summary sum;
    struct sgl_diag diag = {0};
    enum sgl_status status = sgl_dmarc_report_end(s->reader, &sum, &diag);

    if (s->failure != NULL)
        return finish_failure(s);
    if (s->memory_ended)
        why = "out of memory";
    if (status != SGL_OK && why == NULL)
        why = diag.what != NULL ? diag.what : "out of memory";
    if (s->form == JSON)
        print_json_tail(s, status == SGL_OK ? &sum : NULL, why);
    else if (s->form == TEXT && status == SGL_OK) {
        print_head(s, sgl_dmarc_report_meta(s->reader));
        print_problems(s, &sum);
        putchar('\n');
    }
    if (why != NULL)
        return cli_error(CLI_USAGE, s->file, "%s", why);
    return sum.partial ? cli_error(CLI_USAGE, s->file, "it is not whole: %s",
                                   diag.what != NULL ? diag.what : "it breaks off")
                       : CLI_YES;
}

static int show_file(struct showing *s, const char *path, uint64_t salt)
{
    const struct sgl_dmarc_report_sink sink = {on_record, s};
    bool standard = path == NULL || strcmp(path, "-") == 0;
    FILE *from = standard ? stdin : fopen(path, "rb");
    int status;

    s->file = standard ? "standard input" : path;
    if (from == NULL)
        return cli_error(CLI_USAGE, s->file, "it cannot be read: %m");
    s->reader = sgl_dmarc_report_reader_new(&sink, salt);
    if (s->reader == NULL)
        status = cli_error(CLI_UNKNOWN, s->file, "out of memory");
    else {
        if (s->form == JSON)
            print_json_head(s);
        status = finish(s, read_from(s, from));
    }
    sgl_dmarc_report_reader_free(s->reader);
    json_decref(s->failure);
    if (!standard)
        fclose(from);
    return status;
}

static void print_sum(const struct cli *c, struct dmarc_sum *sum, size_t top)
{
    static const char *const head[] = {"SOURCE", "MESSAGES", "DMARC", "DKIM",
                                       "SPF",    "DONE",     "FROM",  "WHY"};
    struct cli_table table;
    uint64_t shown = 0;

    if (sum->rows == 0)
        return;
    dmarc_sum_sort(sum);
    cli_table_init(&table, sizeof head / sizeof head[0], head);
    for (size_t i = 0; i < sum->rows && i < top; i++) {
        const struct dmarc_row *row = &sum->row[i];
        char text[SGL_IP_TEXT_SIZE] = "not told";

        if (row->ip.version != 0)
            (void)sgl_ip_text(&row->ip, text);
        cli_table_add(&table, text);
        snprintf(text, sizeof text, "%" PRIu64, row->messages);
        cli_table_add(&table, text);
        cli_table_add(&table, row->passed ? "pass" : "fail");
        cli_table_add(&table, row->dkim);
        cli_table_add(&table, row->spf);
        cli_table_add(&table, row->disposition);
        cli_table_add(&table, row->from);
        cli_table_add(&table, row->why);
        shown += row->messages;
    }
    cli_table_print(c, &table, stdout);
    cli_table_done(&table);
    if (shown < sum->messages)
        printf("and %" PRIu64 " messages of other sources\n", sum->messages - shown);
}

static bool take_options(const struct cli *c, enum form *form, size_t *top, int *status)
{
    const char *text = cli_text(c, "--top");
    uint64_t n = TOP_DEFAULT;

    *form = c->json ? JSON : cli_flag(c, "--csv") ? CSV : TEXT;
    if (c->json && cli_flag(c, "--csv"))
        *status = cli_error(CLI_USAGE, "--csv", "either this or --json");
    else if (text != NULL && (!sgl_view_u64(sgl_view_cstr(text), TOP_MAX, &n) || n == 0))
        *status = cli_error(CLI_USAGE, "--top", "a number from 1 to %d", TOP_MAX);
    *top = (size_t)n;
    return *status == CLI_YES;
}

static int dmarc_report_run(struct cli *c)
{
    struct dmarc_sum sum;
    enum form form;
    uint64_t salt = 0;
    bool any = false;
    size_t top;
    int worst = CLI_YES;

    if (!take_options(c, &form, &top, &worst))
        return worst;
    if (getrandom(&salt, sizeof salt, 0) != sizeof salt)
        return cli_error(CLI_UNKNOWN, "dmarc report", "no random number: %m");
    dmarc_sum_init(&sum, salt);
    fputs(form == JSON ? "[" : form == CSV ? dmarc_csv_head : "", stdout);
    for (size_t i = 0; i < c->arguments || i == 0; i++) {
        struct showing s = {.c = c, .form = form, .sum = &sum, .any = &any};
        int status = show_file(&s, i < c->arguments ? c->argument[i] : NULL, salt);
        worst = status > worst ? status : worst;
    }
    if (form == JSON)
        puts("]");
    print_sum(c, &sum, top);
    dmarc_sum_done(&sum);
    return worst;
}

static const struct cli_option report_options[] = {
    {"--top", "N", "so many rows of the table, those with the most messages (default 25)", false},
    {"--csv", NULL, "a line of comma-separated values for each record, instead of tables", false},
    {NULL, NULL, NULL, false}};
const struct cli_verb verb_dmarc_report = {
    .name = "dmarc report",
    .arguments = "[FILE...]",
    .summary = "shows DMARC aggregate reports that others have sent",
    .option = report_options,
    .arguments_max = FILES_MAX,
    .run = dmarc_report_run,
    .more =
        "FILE is the XML, the same as gzip or zip, or a mail that carries one; without FILE, or "
        "with -, standard input is read.\nThe table sums up all files by source and result: "
        "DKIM and SPF say pass where they passed and are aligned with From, else what they "
        "said, and of whom. Exit status 2: a file could not be read, or is not whole; what "
        "could be read is shown.",
    .needs = CLI_OFFLINE};
