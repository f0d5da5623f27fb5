/* SPDX-License-Identifier: Apache-2.0 */
/* From a completed header and a body hash to DKIM-Signature fields: digests here, signatures in the keys process. */
#include <stdlib.h>

#include "../log/log.h"
#include "admission_internal.h"

#define SIGN_ARENA_MAX (2u * 1024u * 1024u)
#define FIELDS_MAX     (SGL_DKIM_SIGNATURES_MAX * SGL_DKIM_FIELD_MAX)

struct signature {
    struct keys_op op; /* first: cast from it */
    struct signing *signing;
};

struct signing {
    struct signing_request request;
    struct admission *a;
    struct domain *domain;
    struct sgl_arena arena;
    struct sgl_dkim_pending pending[SGL_DKIM_SIGNATURES_MAX];
    struct signature *signature;
    size_t count, waiting;
    enum signing_result result;
    struct sgl_buf fields, text;
};

enum signing_result signing_result(const struct signing *g)
{
    return g->result;
}

sgl_view signing_fields(const struct signing *g)
{
    return sgl_buf_view(&g->fields);
}

sgl_view signing_text(const struct signing *g)
{
    return sgl_buf_view(&g->text);
}

void signing_free(struct signing *g)
{
    if (g == NULL)
        return;
    domain_unref(g->domain);
    sgl_arena_done(&g->arena);
    sgl_buf_done(&g->fields);
    sgl_buf_done(&g->text);
    free(g->signature);
    free(g);
}

static void finish_fields(struct signing *g)
{
    for (size_t i = 0; i < g->count; i++) {
        const struct keys_op *op = &g->signature[i].op;
        enum sgl_status status =
            sgl_dkim_sign_finish(&g->pending[i], sgl_view_of(op->out, op->out_len), &g->fields);

        if (status != SGL_OK) {
            g->result = SIGNING_FAILED;
            return;
        }
    }
    atomic_fetch_add_explicit(&g->a->signatures, g->count, memory_order_relaxed);
}

static void one_signed(struct keys_op *op)
{
    struct signing *g = ((struct signature *)(void *)op)->signing;

    switch (op->result) {
    case KEYS_OK:
        break;
    case KEYS_DOWN:
    case KEYS_BUSY:
        g->result = SIGNING_UNAVAILABLE;
        break;
    case KEYS_REFUSED:
        log_line(LOG_ERROR_, "key refused to sign", LOG_STR("domain", g->domain->name));
        g->result = SIGNING_UNAVAILABLE;
        break;
    }
    if (--g->waiting > 0)
        return;
    if (g->result == SIGNING_OK)
        finish_fields(g);
    g->request.done(g, g->request.ctx);
}

static enum sgl_dkim_algorithm dkim_algorithm(enum keys_algorithm algorithm)
{
    return algorithm == KEYS_ED25519 ? SGL_DKIM_ED25519_SHA256 : SGL_DKIM_RSA_SHA256;
}

/* The active selectors of the domain; their handles go into the operations. */
static enum signing_result choose_signers(struct signing *g, struct sgl_dkim_signer *signer)
{
    for (size_t i = 0; i < g->domain->selectors && g->count < SGL_DKIM_SIGNATURES_MAX; i++) {
        const struct selector *s = &g->domain->selector[i];
        uint64_t handle = atomic_load_explicit(&s->key->handle, memory_order_relaxed);

        if (!s->active)
            continue;
        if (handle == 0)
            return SIGNING_UNAVAILABLE; /* not loaded yet */
        signer[g->count] = (struct sgl_dkim_signer){.domain = sgl_view_cstr(g->domain->name),
                                                    .selector = sgl_view_cstr(s->name),
                                                    .algorithm = dkim_algorithm(s->algorithm)};
        sgl_buf_addf(&g->text, "%sd=%s s=%s %s", g->count == 0 ? "" : "; ", g->domain->name,
                     s->name, sgl_dkim_algorithm_name(signer[g->count].algorithm));
        g->signature[g->count++].op.handle = handle;
    }
    return g->count == 0 ? SIGNING_NO_KEY : SIGNING_OK;
}

static enum signing_result prepare(struct signing *g)
{
    const struct signing_request *r = &g->request;
    const struct sgl_dkim_options options = {.now = r->now, .valid_s = SIGN_VALID_S};
    struct sgl_dkim_signer signer[SGL_DKIM_SIGNATURES_MAX];
    struct sgl_headers headers;
    enum signing_result chosen;

    g->signature =
        malloc((g->domain->selectors > 0 ? g->domain->selectors : 1) * sizeof(*g->signature));
    if (g->signature == NULL)
        return SIGNING_FAILED;
    chosen = choose_signers(g, signer);
    if (chosen != SIGNING_OK)
        return chosen;
    if (sgl_headers_parse(r->header, SGL_HEADERS_STRICT, &g->arena, &headers, NULL) != SGL_OK)
        return SIGNING_FAILED;
    if (sgl_dkim_sign_prepare(g->a->crypto, &options, &headers, r->body_hash, signer, g->count,
                              &g->arena, g->pending, NULL) != SGL_OK)
        return SIGNING_FAILED;
    return SIGNING_OK;
}

struct signing *signing_start(struct admission *a, const struct signing_request *r,
                              enum signing_result *why)
{
    struct signing *g = calloc(1, sizeof(*g));

    *why = SIGNING_FAILED;
    if (g == NULL)
        return NULL;
    g->request = *r;
    g->a = a;
    g->domain = domain_ref(r->domain);
    sgl_arena_init(&g->arena, SIGN_ARENA_MAX);
    sgl_buf_init(&g->fields, FIELDS_MAX);
    sgl_buf_init(&g->text, 4096);
    *why = prepare(g);
    if (*why != SIGNING_OK) {
        signing_free(g);
        return NULL;
    }
    g->waiting = g->count;
    for (size_t i = 0; i < g->count; i++) {
        struct keys_op *op = &g->signature[i].op;

        g->signature[i].signing = g;
        op->verb = KEYS_SIGN;
        op->loop = r->loop;
        op->done = one_signed;
        op->in = op->context = sgl_view_of(NULL, 0);
        memcpy(op->digest, g->pending[i].digest, sizeof(op->digest));
        keys_submit(a->keys, op);
    }
    return g;
}

/* ---- the queue's notices ---- */

struct notice_signing {
    struct queue_notice *notice;
    struct admission *a;
    struct sgl_arena arena;
    size_t body_off, header_len;
    uint8_t body_hash[32];
};

static void notice_end(struct notice_signing *n)
{
    struct queue_notice *notice = n->notice;

    sgl_arena_done(&n->arena);
    free(n);
    notice->done(notice);
}

static void notice_signed(struct signing *g, void *ctx)
{
    struct notice_signing *n = ctx;
    sgl_view fields = signing_fields(g), raw = n->notice->raw;
    struct body *body = signing_result(g) == SIGNING_OK ? body_new(fields.len + raw.len) : NULL;

    if (body != NULL) {
        memcpy(body->bytes, fields.ptr, fields.len);
        memcpy(body->bytes + fields.len, raw.ptr, raw.len);
        body->header_len = fields.len + n->body_off;
        n->notice->signed_bytes = body;
    }
    signing_free(g);
    notice_end(n);
}

static bool notice_start(struct admission *a, struct notice_signing *n, struct domain *domain)
{
    struct signing_request request = {
        .domain = domain, .now = clock_now_s(), .loop = a->loop, .done = notice_signed, .ctx = n};
    struct sgl_headers headers;
    enum signing_result why;
    sgl_view raw = n->notice->raw;

    if (sgl_headers_parse(raw, SGL_HEADERS_STRICT, &n->arena, &headers, NULL) != SGL_OK ||
        sgl_dkim_body_hash(a->crypto, SGL_DKIM_RELAXED, sgl_view_from(raw, headers.body_off),
                           n->body_hash) != SGL_OK)
        return false;
    n->body_off = headers.body_off;
    request.header = headers.section;
    request.body_hash = n->body_hash;
    return signing_start(a, &request, &why) != NULL;
}

/* The queue's domain is a managed one, or the notice goes unsigned. The queue expects done() later than this call: it gets it from the loop. */
struct notice_later {
    struct loop_task task;
    struct queue_notice *notice;
};

static void notice_unsigned(struct loop_task *task)
{
    struct notice_later *later = (struct notice_later *)(void *)task;
    struct queue_notice *notice = later->notice;

    free(later);
    notice->done(notice);
}

static void notice_sign(void *ctx, struct queue_notice *notice)
{
    struct admission *a = ctx;
    struct domain *domain =
        a->loop == NULL ? NULL : directory_domain(a->directory, notice->from_domain);
    struct notice_signing *n = domain == NULL ? NULL : calloc(1, sizeof(*n));
    struct notice_later *later;

    notice->signed_bytes = NULL;
    if (n != NULL) {
        n->notice = notice;
        n->a = a;
        sgl_arena_init(&n->arena, SIGN_ARENA_MAX);
        if (notice_start(a, n, domain)) {
            domain_unref(domain);
            return;
        }
        sgl_arena_done(&n->arena);
        free(n);
    }
    domain_unref(domain);
    later = calloc(1, sizeof(*later));
    if (later == NULL || a->loop == NULL) {
        free(later);
        notice->done(notice);
        return;
    }
    later->task.run = notice_unsigned;
    later->notice = notice;
    loop_post(a->loop, &later->task);
}

struct queue_signer admission_signer(struct admission *a)
{
    return (struct queue_signer){.ctx = a, .sign = notice_sign};
}
