/* SPDX-License-Identifier: Apache-2.0 */
#include "heard_tls.h"

#include "../directory/directory.h"
#include "../intake/intake.h"
#include "sigillo/dns_name.h"

static void fail(struct heard_tls *h, enum heard_result result, const char *why)
{
    h->result = result;
    h->why = why;
}

/* ---- on a worker ---- */

static void note_domain(struct heard_tls *h, sgl_view text)
{
    struct sgl_name name;

    if (sgl_name_parse(text, SGL_NAME_UNDERSCORE | SGL_NAME_FINAL_DOT, &h->arena, NULL, &name) !=
            SGL_OK ||
        h->keeps == HEARD_TLS_DOMAINS_MAX)
        return;
    for (size_t i = 0; i < h->keeps; i++)
        if (sgl_view_eq(h->kept[i].domain, name.text))
            return;
    h->kept[h->keeps++].domain = name.text;
}

/* A domain of this server, and of his subscription. */
static bool is_ours(const struct heard_tls *h, sgl_view name)
{
    struct domain *d = directory_domain(h->directory, name);
    bool ours =
        d != NULL && (h->scope.len == 0 || sgl_view_eq(h->scope, sgl_view_cstr(d->subscription)));

    domain_unref(d);
    return ours;
}

/* A report goes to the address in one domain's record [RFC 8460 s3]; whoever names many in one that anybody may send wants room on our disk. */
static void keep_ours(struct heard_tls *h)
{
    size_t n = 0;

    for (size_t i = 0; i < h->keeps && n < h->domains_max; i++)
        if (is_ours(h, h->kept[i].domain))
            h->kept[n++].domain = h->kept[i].domain;
    h->keeps = n;
    if (n == 0)
        fail(h, HEARD_NOT_OURS, "it is about no domain of this server");
}

static void on_worker(struct work *w)
{
    struct heard_tls *h = (struct heard_tls *)(void *)w;
    struct sgl_diag diag = {0};
    const char *why = "";
    enum sgl_status status = intake_tls_report(h->bytes, &h->text, &why);

    if (status == SGL_OK) {
        status = sgl_tls_report_parse(sgl_buf_view(&h->text), &h->arena, &h->report, &diag);
        if (status != SGL_OK)
            why = diag.what != NULL ? diag.what : "it is too large";
    }
    if (status != SGL_OK) {
        fail(h,
             status == SGL_E_NOMEM   ? HEARD_MEMORY
             : status == SGL_E_LIMIT ? HEARD_LARGE
                                     : HEARD_NONE,
             why);
        return;
    }
    fail(h, HEARD_KEPT, "");
    for (size_t i = 0; i < h->report.policies; i++)
        note_domain(h, h->report.policy[i].domain);
    keep_ours(h);
}

/* ---- back on the loop ---- */

static void keep_next(struct heard_tls *h);

static void stored(struct store_op *op)
{
    struct heard_tls *h = (struct heard_tls *)(void *)((char *)op - offsetof(struct heard_tls, op));

    if (op->result != STORE_OK && op->result != STORE_EXISTS) {
        fail(h, HEARD_STORE, store_result_text(op->result));
        h->done(h);
        return;
    }
    h->kept[h->next++].known = op->result == STORE_EXISTS;
    keep_next(h);
}

static void keep_next(struct heard_tls *h)
{
    if (h->next == h->keeps) {
        h->done(h);
        return;
    }
    h->one = (struct received_report){.domain = h->kept[h->next].domain,
                                      .organization = sgl_view_sub(h->report.organization, 0, 255),
                                      .report = sgl_view_sub(h->report.id, 0, 255),
                                      .begin = h->report.begin,
                                      .end = h->report.end,
                                      .at = h->now,
                                      .peer = h->peer,
                                      .text = sgl_buf_view(&h->text)};
    h->op = (struct received_op){
        .op = {.kind = STORE_RECEIVED, .loop = h->work.loop, .done = stored}, .report = &h->one};
    store_submit(h->store, &h->op.op);
}

static void was_read(struct work *w)
{
    struct heard_tls *h = (struct heard_tls *)(void *)w;

    if (h->result == HEARD_KEPT)
        keep_next(h);
    else
        h->done(h);
}

bool heard_tls_take(struct heard_tls *h, struct workers *workers, struct loop *loop)
{
    h->work = (struct work){.work = on_worker, .done = was_read, .loop = loop};
    sgl_buf_init(&h->text, h->text_max);
    sgl_arena_init(&h->arena, h->text_max * 4);
    return workers_submit(workers, &h->work);
}

void heard_tls_end(struct heard_tls *h)
{
    sgl_buf_done(&h->text);
    sgl_arena_done(&h->arena);
}
