/* SPDX-License-Identifier: Apache-2.0 */
/* A report about TLS comes in by HTTP. */
#include "received.h"

#include <stdlib.h>

#include "../../heard/heard_tls.h"
#include "../../log/log.h"

#define OPEN_TEXT_MAX ((size_t)64 << 10) /* from whom nobody knows: an honest day has some KiB */
#define FORM          "A report about TLS is wanted: application/tlsrpt+json or application/tlsrpt+gzip."

struct taking {
    struct heard_tls heard; /* first: cast from it */
    struct http_request *r;
    struct sgl_buf bytes;
};

static void taking_free(struct taking *t)
{
    heard_tls_end(&t->heard);
    sgl_buf_done(&t->bytes);
    free(t);
}

static void reply_kept(const struct taking *t)
{
    const struct heard_tls *h = &t->heard;
    json_t *kept = json_array();

    for (size_t i = 0; i < h->keeps; i++)
        json_array_append_new(
            kept, json_pack("{s:s%, s:b}", "domain", (const char *)h->kept[i].domain.ptr,
                            h->kept[i].domain.len, "known", (int)h->kept[i].known));
    log_line(LOG_INFO_, "report about TLS taken", LOG_VIEW("domain", h->kept[0].domain),
             LOG_VIEW("organization", sgl_view_sub(h->report.organization, 0, 100)),
             LOG_VIEW("peer", h->peer));
    http_reply_json(t->r, 201, json_pack("{s:o}", "kept", kept));
}

static void taken(struct heard_tls *h)
{
    struct taking *t = (struct taking *)(void *)h;

    if (h->result == HEARD_KEPT || h->result == HEARD_KNOWN)
        reply_kept(t);
    else
        received_refuse(t->r, h->result, h->why, "policy-domain", " " FORM);
    taking_free(t);
}

/* ---- what is not taken ---- */

void received_refuse(struct http_request *r, enum heard_result result, const char *why,
                     const char *about, const char *form)
{
    char text[300];

    snprintf(text, sizeof(text), "The report cannot be taken: %s.%s", why, form);
    switch (result) {
    case HEARD_KEPT:
    case HEARD_KNOWN:
        break;
    case HEARD_NOT_OURS:
        http_reply_problem(r, 404, "no-domain", about,
                           "The report is about no domain of this server.");
        break;
    case HEARD_NONE:
        http_reply_problem(r, 400, "report", "body", text);
        break;
    case HEARD_LARGE:
        http_reply_problem(r, 413, "report-too-large", "body", text);
        break;
    case HEARD_MEMORY:
        http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
        break;
    case HEARD_STORE:
        http_reply_header(r, "Retry-After", SGL_LIT("30"));
        http_reply_problem(r, 503, "store", NULL, why);
        break;
    }
}

void received_busy(struct http_request *r)
{
    http_reply_header(r, "Retry-After", SGL_LIT("30"));
    http_reply_problem(r, 503, "busy", NULL, "Too much is waiting; try again soon.");
}

/* ---- the request ---- */

void received_take(struct http_request *r, const struct admin *admin, sgl_view scope,
                   size_t text_max)
{
    struct taking *t = calloc(1, sizeof(*t));

    if (t != NULL && http_body_move(r, &t->bytes)) {
        t->r = r;
        t->heard =
            (struct heard_tls){.directory = admin->directory,
                               .store = admin->store,
                               .bytes = sgl_buf_view(&t->bytes),
                               .scope = scope,
                               .peer = sgl_view_cstr(http_peer(r)),
                               .text_max = text_max,
                               .domains_max = text_max == OPEN_TEXT_MAX ? 1 : HEARD_TLS_DOMAINS_MAX,
                               .now = clock_now_s(),
                               .done = taken};
        if (heard_tls_take(&t->heard, admin->workers, http_loop(r)))
            return;
    }
    if (t != NULL)
        taking_free(t);
    received_busy(r);
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
