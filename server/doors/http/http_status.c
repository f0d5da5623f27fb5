/* SPDX-License-Identifier: Apache-2.0 */
/* What machines ask the daemon about itself: alive, ready, figures. */
#include "http_internal.h"

#define METRICS_MAX (1024 * 1024)

static void healthz(struct http_request *r, void *ctx)
{
    (void)ctx;
    http_reply_json(r, 200, json_pack("{s:s}", "status", "ok"));
}

static void readyz(struct http_request *r, void *ctx)
{
    const struct http_status_page *page = ctx;
    char why[240] = "";

    if (page->ready(page->ctx, why, sizeof(why)))
        http_reply_json(r, 200, json_pack("{s:s}", "status", "ready"));
    else
        http_reply_problem(r, 503, "not-ready", NULL, why);
}

static void metrics(struct http_request *r, void *ctx)
{
    const struct http_status_page *page = ctx;
    struct sgl_buf text = SGL_BUF_INIT(METRICS_MAX);

    page->metrics(page->ctx, &text);
    if (text.status == SGL_OK)
        http_reply_bytes(r, 200, "text/plain; version=0.0.4; charset=utf-8", sgl_buf_view(&text));
    else
        http_reply_problem(r, 500, "metrics", NULL, "The figures did not fit into memory.");
    sgl_buf_done(&text);
}

void http_status_routes(struct http *http, const struct http_status_page *page)
{
    void *ctx = (void *)(uintptr_t)page;

    http_route(http, HTTP_BOTH, "GET", "/healthz", healthz, ctx);
    http_route(http, HTTP_BOTH, "GET", "/readyz", readyz, ctx);
    http_route(http, HTTP_BOTH, "GET", "/metrics", metrics, ctx);
}
