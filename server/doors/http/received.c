/* SPDX-License-Identifier: Apache-2.0 */
/* A report comes in: read on a worker, then kept for each domain that is ours. */
#include "received.h"

#include <stdlib.h>

#include "../../intake/intake.h"
#include "../../log/log.h"
#include "../../store/received.h"
#include "sigillo/dns_name.h"
#include "sigillo/tls_report.h"

#define OPEN_TEXT_MAX ((size_t)64 << 10) /* from whom nobody knows: an honest day has some KiB */
#define DOMAINS_MAX   20                 /* of one report: honest ones are about one */
#define FORM          "A report about TLS is wanted: application/tlsrpt+json or application/tlsrpt+gzip."

struct taking {
    struct work work; /* first: cast from it */
    struct received_op op;
    struct received_report one;
    struct http_request *r;
    const struct admin *admin;
    sgl_view scope;
    struct sgl_buf bytes, text;
    struct sgl_arena arena;
    struct sgl_tls_report report;
    enum sgl_status status;
    const char *why;
    sgl_view
        domain[DOMAINS_MAX]; /* that the report is about, each once; then those that are ours */
    size_t domains, next;
    json_t *kept;
};

static void taking_free(struct taking *t)
{
    sgl_buf_done(&t->bytes);
    sgl_buf_done(&t->text);
    sgl_arena_done(&t->arena);
    json_decref(t->kept);
    free(t);
}

/* ---- on a worker ---- */

static void note_domain(struct taking *t, sgl_view text)
{
    struct sgl_name name;

    if (sgl_name_parse(text, SGL_NAME_UNDERSCORE | SGL_NAME_FINAL_DOT, &t->arena, NULL, &name) !=
            SGL_OK ||
        t->domains == DOMAINS_MAX)
        return;
    for (size_t i = 0; i < t->domains; i++)
        if (sgl_view_eq(t->domain[i], name.text))
            return;
    t->domain[t->domains++] = name.text;
}

static void read_report(struct work *w)
{
    struct taking *t = (struct taking *)(void *)w;
    struct sgl_diag diag = {0};

    t->status = intake_tls_report(sgl_buf_view(&t->bytes), &t->text, &t->why);
    if (t->status != SGL_OK)
        return;
    t->status = sgl_tls_report_parse(sgl_buf_view(&t->text), &t->arena, &t->report, &diag);
    if (t->status != SGL_OK)
        t->why = diag.what != NULL ? diag.what : "it is too large";
    for (size_t i = 0; t->status == SGL_OK && i < t->report.policies; i++)
        note_domain(t, t->report.policy[i].domain);
}

/* ---- back on the loop ---- */

static void refuse(struct taking *t)
{
    char text[200];

    snprintf(text, sizeof(text), "The report cannot be taken: %s. " FORM, t->why);
    if (t->status == SGL_E_LIMIT)
        http_reply_problem(t->r, 413, "report-too-large", "body", text);
    else if (t->status == SGL_E_NOMEM)
        http_reply_problem(t->r, 503, "memory-full", NULL,
                           "The server has no memory left for this.");
    else
        http_reply_problem(t->r, 400, "report", "body", text);
    taking_free(t);
}

/* A domain of this server, and of his subscription. */
static bool is_ours(const struct taking *t, sgl_view name)
{
    struct domain *d = directory_domain(t->admin->directory, name);
    bool ours =
        d != NULL && (t->scope.len == 0 || sgl_view_eq(t->scope, sgl_view_cstr(d->subscription)));

    domain_unref(d);
    return ours;
}

/* A report goes to the address in one domain's record [RFC 8460 s3]; whoever names many in one that anybody may send wants room on our disk. */
static void keep_ours(struct taking *t)
{
    size_t n = 0, max = t->text.max == OPEN_TEXT_MAX ? 1 : DOMAINS_MAX;

    for (size_t i = 0; i < t->domains && n < max; i++)
        if (is_ours(t, t->domain[i]))
            t->domain[n++] = t->domain[i];
    t->domains = n;
}

static void finish(struct taking *t)
{
    sgl_view peer = sgl_view_cstr(http_peer(t->r));

    log_line(LOG_INFO_, "report about TLS taken", LOG_VIEW("domain", t->domain[0]),
             LOG_VIEW("organization", sgl_view_sub(t->report.organization, 0, 100)),
             LOG_VIEW("peer", peer));
    http_reply_json(t->r, 201, json_pack("{s:O}", "kept", t->kept));
    taking_free(t);
}

static void keep_next(struct taking *t);

static void kept(struct store_op *op)
{
    struct taking *t = (struct taking *)(void *)((char *)op - offsetof(struct taking, op));

    if (op->result != STORE_OK && op->result != STORE_EXISTS) {
        http_reply_header(t->r, "Retry-After", SGL_LIT("30"));
        http_reply_problem(t->r, 503, "store", NULL, store_result_text(op->result));
        taking_free(t);
        return;
    }
    json_array_append_new(
        t->kept, json_pack("{s:s%, s:b}", "domain", (const char *)t->domain[t->next].ptr,
                           t->domain[t->next].len, "known", (int)(op->result == STORE_EXISTS)));
    t->next++;
    keep_next(t);
}

static void keep_next(struct taking *t)
{
    if (t->next == t->domains) {
        finish(t);
        return;
    }
    t->one = (struct received_report){.domain = t->domain[t->next],
                                      .organization = sgl_view_sub(t->report.organization, 0, 255),
                                      .report = sgl_view_sub(t->report.id, 0, 255),
                                      .begin = t->report.begin,
                                      .end = t->report.end,
                                      .at = clock_now_s(),
                                      .peer = sgl_view_cstr(http_peer(t->r)),
                                      .text = sgl_buf_view(&t->text)};
    t->op = (struct received_op){
        .op = {.kind = STORE_RECEIVED, .loop = http_loop(t->r), .done = kept}, .report = &t->one};
    store_submit(t->admin->store, &t->op.op);
}

static void was_read(struct work *w)
{
    struct taking *t = (struct taking *)(void *)w;

    if (t->status != SGL_OK) {
        refuse(t);
        return;
    }
    keep_ours(t);
    if (t->domains > 0) {
        keep_next(t);
        return;
    }
    http_reply_problem(t->r, 404, "no-domain", "policy-domain",
                       "The report is about no domain of this server.");
    taking_free(t);
}

/* ---- the request ---- */

void received_take(struct http_request *r, const struct admin *admin, sgl_view scope,
                   size_t text_max)
{
    struct taking *t = calloc(1, sizeof(*t));

    if (t != NULL) {
        t->work = (struct work){.work = read_report, .done = was_read, .loop = http_loop(r)};
        t->r = r;
        t->admin = admin;
        t->scope = scope;
        t->why = "";
        t->kept = json_array();
        sgl_buf_init(&t->text, text_max);
        sgl_arena_init(&t->arena, text_max * 4);
    }
    if (t != NULL && t->kept != NULL && http_body_move(r, &t->bytes) &&
        workers_submit(admin->workers, &t->work))
        return;
    if (t != NULL)
        taking_free(t);
    http_reply_header(r, "Retry-After", SGL_LIT("30"));
    http_reply_problem(r, 503, "busy", NULL, "Too much is waiting; try again soon.");
}

static bool is_a_report(struct http_request *r)
{
    sgl_view rest, type = sgl_view_split(http_header(r, "Content-Type"), ';', &rest);

    type = sgl_view_trim(type);
    return sgl_view_eq_nocase(type, SGL_LIT("application/tlsrpt+gzip")) ||
           sgl_view_eq_nocase(type, SGL_LIT("application/tlsrpt+json"));
}

/* [RFC 8460 s5.4] */
static void report_post(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;

    if (!atomic_load(&admin->config)->tls_reports.receive)
        http_reply_problem(r, 403, "not-taken", NULL, "Reports are not taken here.");
    else if (!is_a_report(r))
        http_reply_problem(r, 415, "content-type", "Content-Type", FORM);
    else if (http_body(r).len > OPEN_TEXT_MAX)
        http_reply_problem(r, 413, "report-too-large", "body",
                           "The report is larger than this server takes.");
    else
        received_take(r, admin, SGL_LIT(""), OPEN_TEXT_MAX);
}

void received_routes(struct http *http, const struct admin *admin)
{
    http_route(http, HTTP_PUBLIC, "POST", "/tls-reports", report_post, (void *)(uintptr_t)admin);
}
