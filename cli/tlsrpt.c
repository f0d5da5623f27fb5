/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo tlsrpt report */
#include <inttypes.h>
#include <string.h>

#include "../server/intake/intake.h"
#include "sigillo/date.h"
#include "sigillo/tls_report.h"
#include "tls_advice.h"
#include "verbs.h"

#define FILES_MAX 1000
#define SHOWN_MAX 300

/* ---- for programs ---- */

static json_t *told(sgl_view text)
{
    return text.len == 0 ? json_null() : cli_json_text(text);
}

static json_t *ip_json(const struct sgl_ip *ip)
{
    char text[SGL_IP_TEXT_SIZE];

    return ip->version == 0 ? json_null() : cli_json_text(sgl_ip_text(ip, text));
}

static json_t *texts_json(const sgl_view *text, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, cli_json_text(text[i]));
    return list;
}

static json_t *failure_json(const struct sgl_tls_report_failure *f)
{
    return json_pack("{s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "result", told(f->result),
                     "sessions", (json_int_t)f->sessions, "sending_ip", ip_json(&f->sending),
                     "receiving_ip", ip_json(&f->receiving), "mx", told(f->mx), "helo",
                     told(f->helo), "information", told(f->information), "reason", told(f->reason));
}

static json_t *policy_json(const struct sgl_tls_report_policy *p)
{
    json_t *failures = json_array();

    for (size_t i = 0; i < p->failures; i++)
        json_array_append_new(failures, failure_json(&p->failure[i]));
    return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:o}", "type",
                     told(sgl_view_cstr(sgl_tls_policy_type_name(p->type))), "domain",
                     told(p->domain), "policy", texts_json(p->string, p->strings), "mx",
                     texts_json(p->mx, p->mxs), "successful_sessions", (json_int_t)p->successes,
                     "failed_sessions", (json_int_t)p->failed, "failures", failures);
}

static json_t *report_json(const char *file, const struct sgl_tls_report *r)
{
    json_t *policies = json_array();

    for (size_t i = 0; i < r->policies; i++)
        json_array_append_new(policies, policy_json(&r->policy[i]));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "file",
                     cli_json_text(sgl_view_cstr(file)), "organization", told(r->organization),
                     "contact", told(r->contact), "report_id", told(r->id), "begin",
                     cli_json_date(r->begin), "end", cli_json_date(r->end), "policies", policies);
}

/* ---- for people ---- */

static void put(sgl_view text)
{
    cli_put_view(stdout, text, SHOWN_MAX);
}

static void print_time(sgl_time time)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(40);

    sgl_date_put_internet(&text, time);
    put(sgl_buf_view(&text));
}

static void print_head(const struct cli *c, const struct sgl_tls_report *r)
{
    fputs(cli_bold(c), stdout);
    put(r->organization.len > 0 ? r->organization : SGL_LIT("somebody without a name"));
    fputs(cli_plain(c), stdout);
    if (r->begin != 0 || r->end != 0) {
        fputs(", ", stdout);
        print_time(r->begin);
        fputs(" to ", stdout);
        print_time(r->end);
    }
    if (r->id.len > 0) {
        fputs("\nreport ", stdout);
        put(r->id);
    }
    if (r->contact.len > 0) {
        fputs(", contact ", stdout);
        put(r->contact);
    }
    fputs("\n\n", stdout);
}

static void print_policies(const struct cli *c, const struct sgl_tls_report *r)
{
    static const char *const head[] = {"DOMAIN", "POLICY", "MX", "SESSIONS", "FAILED"};
    struct cli_table table;

    cli_table_init(&table, sizeof head / sizeof head[0], head);
    for (size_t i = 0; i < r->policies; i++) {
        const struct sgl_tls_report_policy *p = &r->policy[i];
        sgl_auto(sgl_buf) cell = SGL_BUF_INIT(4096);
        char number[24];

        sgl_buf_add(&cell, p->domain);
        cli_table_add(&table, sgl_cstr(&cell));
        cli_table_add(&table, p->type == SGL_TLS_POLICY_OTHER ? "not told"
                                                              : sgl_tls_policy_type_name(p->type));
        sgl_buf_reset(&cell);
        for (size_t m = 0; m < p->mxs && cell.len < SHOWN_MAX; m++) {
            sgl_buf_add_cstr(&cell, m == 0 ? "" : " ");
            sgl_buf_add(&cell, sgl_view_sub(p->mx[m], 0, SHOWN_MAX));
        }
        cli_table_add(&table, sgl_cstr(&cell));
        snprintf(number, sizeof number, "%" PRIu64, p->successes + p->failed);
        cli_table_add(&table, number);
        snprintf(number, sizeof number, "%" PRIu64, p->failed);
        cli_table_add(&table, number);
    }
    cli_table_print(c, &table, stdout);
    cli_table_done(&table);
}

static void print_failure(const struct cli *c, const struct sgl_tls_report_failure *f)
{
    char ip[SGL_IP_TEXT_SIZE];

    printf("%s%" PRIu64 " %s", cli_red(c), f->sessions,
           f->sessions == 1 ? "session: " : "sessions: ");
    put(f->result.len > 0 ? f->result : SGL_LIT("a failure without a name"));
    fputs(cli_plain(c), stdout);
    if (f->mx.len > 0) {
        fputs(" at ", stdout);
        put(f->mx);
    }
    if (f->receiving.version != 0)
        printf(" [%.*s]", SGL_FMT(sgl_ip_text(&f->receiving, ip)));
    if (f->sending.version != 0)
        printf(" from %.*s", SGL_FMT(sgl_ip_text(&f->sending, ip)));
    if (f->reason.len > 0) {
        fputs(": ", stdout);
        put(f->reason);
    }
    putchar('\n');
    if (tls_advice(f->result)[0] != '\0')
        printf("  %s\n", tls_advice(f->result));
}

static void print_report(const struct cli *c, const struct sgl_tls_report *r)
{
    bool any = false;

    print_head(c, r);
    print_policies(c, r);
    for (size_t i = 0; i < r->policies; i++)
        for (size_t k = 0; k < r->policy[i].failures; k++) {
            if (!any)
                putchar('\n');
            any = true;
            print_failure(c, &r->policy[i].failure[k]);
        }
}

/* ---- the verb ---- */

static int show(const struct cli *c, const char *file, sgl_view text, json_t *all)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(INTAKE_MEMORY_MAX);
    struct sgl_diag diag = {0};
    struct sgl_tls_report report;
    enum sgl_status status = sgl_tls_report_parse(text, &arena, &report, &diag);

    if (status != SGL_OK)
        return cli_error(CLI_USAGE, file, "%s, at byte %zu",
                         diag.what != NULL       ? diag.what
                         : status == SGL_E_LIMIT ? "it is too large"
                                                 : "out of memory",
                         diag.off);
    if (c->json)
        json_array_append_new(all, report_json(file, &report));
    else
        print_report(c, &report);
    return CLI_YES;
}

static int show_file(const struct cli *c, const char *path, json_t *all)
{
    sgl_auto(sgl_buf) bytes = SGL_BUF_INIT(INTAKE_TEXT_MAX);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(INTAKE_TEXT_MAX);
    const char *file = path == NULL || strcmp(path, "-") == 0 ? "standard input" : path, *why;
    enum sgl_status status;

    if (!cli_read_file(file, path, INTAKE_TEXT_MAX, &bytes))
        return CLI_USAGE;
    status = intake_tls_report(sgl_buf_view(&bytes), &text, &why);
    if (status != SGL_OK)
        return cli_error(CLI_USAGE, file, "%s", why[0] != '\0' ? why : "out of memory");
    return show(c, file, sgl_buf_view(&text), all);
}

static int tlsrpt_report_run(struct cli *c)
{
    json_t *all = json_array();
    int worst = CLI_YES;

    for (size_t i = 0; i < c->arguments || i == 0; i++) {
        int status;

        if (i > 0 && !c->json)
            puts("\n");
        status = show_file(c, i < c->arguments ? c->argument[i] : NULL, all);
        if (status > worst)
            worst = status;
    }
    if (c->json)
        (void)cli_print_json(all);
    else
        json_decref(all);
    return worst;
}

const struct cli_verb verb_tlsrpt_report = {
    .name = "tlsrpt report",
    .arguments = "[FILE...]",
    .summary = "shows reports about TLS that others have sent",
    .arguments_max = FILES_MAX,
    .run = tlsrpt_report_run,
    .more = "FILE is the JSON, the same as gzip, or a mail that carries one; without FILE, or with "
            "-, standard input is read.\nFor each failure that a name is known for, the next line "
            "says what mends it. Exit status 2: a file could not be read; the others are shown.",
    .needs = CLI_OFFLINE};
