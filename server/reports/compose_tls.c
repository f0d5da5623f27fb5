/* SPDX-License-Identifier: Apache-2.0 */
/* A report about TLS.  [RFC 8460 s4] */
#include <stdio.h>

#include "../gzip/gzip.h"
#include "../store/tlsrpt.h"
#include "compose.h"

#define DAY_S     86400
#define POLICIES  (TLSRPT_POLICIES_MAX + 4)  /* and one of each type without strings */
#define FAILURES  (TLSRPT_FAILURES_MAX + 20) /* and one of each result without addresses */
#define LINES_MAX 400

struct reading {
    struct compose *c;
    struct sgl_tls_report_policy *policy;
    struct sgl_tls_report_failure *failure; /* of the last policy */
    uint64_t last;
    bool no_memory;
};

/* ---- rows ---- */

static sgl_view *split(struct reading *r, sgl_view text, size_t *count)
{
    struct sgl_arena *arena = &r->c->arena;
    sgl_view *line, rest;

    *count = 0;
    if (text.len == 0)
        return NULL;
    line = SGL_NEW_N(arena, LINES_MAX, sgl_view);
    if (line == NULL || sgl_arena_dup(arena, text, &rest) != SGL_OK) {
        r->no_memory = true;
        return NULL;
    }
    while (rest.ptr != NULL && *count < LINES_MAX)
        line[(*count)++] = sgl_view_split(rest, '\n', &rest);
    return line;
}

static bool add_policy(struct reading *r, const struct tlsrpt_row *row)
{
    struct sgl_tls_report *report = &r->c->tls;
    struct sgl_tls_report_policy *p;

    if (report->policies == POLICIES)
        return false;
    p = &r->policy[report->policies++];
    *p = (struct sgl_tls_report_policy){.type = (enum sgl_tls_policy_type)row->is.type,
                                        .domain = r->c->domain,
                                        .successes = row->successes,
                                        .failed = row->failed};
    p->string = split(r, row->is.strings, &p->strings);
    p->mx = split(r, row->is.mx, &p->mxs);
    r->last = row->policy;
    r->failure = NULL;
    return !r->no_memory;
}

static struct sgl_ip ip_of(sgl_view text)
{
    struct sgl_ip ip = {0};

    return text.len > 0 && sgl_ip_parse(text, &ip) == SGL_OK ? ip : (struct sgl_ip){0};
}

static bool add_failure(struct reading *r, const struct tlsrpt_row *row)
{
    struct sgl_tls_report_policy *p = &r->policy[r->c->tls.policies - 1];
    struct sgl_arena *arena = &r->c->arena;
    struct sgl_tls_report_failure *f;

    if (r->failure == NULL) {
        r->failure = SGL_NEW_N(arena, FAILURES, struct sgl_tls_report_failure);
        p->failure = r->failure;
    }
    if (r->failure == NULL || p->failures == FAILURES)
        return r->failure != NULL;
    f = &r->failure[p->failures++];
    *f = (struct sgl_tls_report_failure){.sending = ip_of(row->sending),
                                         .receiving = ip_of(row->receiving),
                                         .sessions = row->sessions};
    return sgl_arena_dup(arena, row->result, &f->result) == SGL_OK &&
           sgl_arena_dup(arena, row->host, &f->mx) == SGL_OK &&
           sgl_arena_dup(arena, row->reason, &f->reason) == SGL_OK;
}

/* A policy's own row comes before those of its failures. */
static bool take_row(void *ctx, const struct tlsrpt_row *row)
{
    struct reading *r = ctx;
    bool fine;

    if (!row->failure)
        fine = add_policy(r, row);
    else
        fine = r->c->tls.policies == 0 || r->last != row->policy || add_failure(r, row);
    r->no_memory |= !fine;
    return fine;
}

/* ---- the report around them ---- */

const char *compose_tls(struct compose *c)
{
    sgl_auto(sgl_buf) json = SGL_BUF_INIT(COMPOSE_TEXT_MAX);
    struct reading r = {.c = c};
    enum store_result result;

    compose_begin(c);
    snprintf(c->id, sizeof(c->id), "%s.%s", c->date, c->unique);
    c->tls = (struct sgl_tls_report){.organization = c->organization,
                                     .contact = c->contact,
                                     .id = sgl_view_cstr(c->id),
                                     .begin = c->day * DAY_S, /* [RFC 8460 s4.1] */
                                     .end = c->day * DAY_S + DAY_S - 1};
    r.policy = SGL_NEW_N(&c->arena, POLICIES, struct sgl_tls_report_policy);
    if (r.policy == NULL)
        return "out of memory";
    c->tls.policy = r.policy;
    result = store_read_tlsrpt(c->store, c->day, c->domain, take_row, &r);
    if (result != STORE_OK)
        return store_result_text(result);
    if (r.no_memory)
        return "out of memory";
    if (c->tls.policies == 0)
        return "nothing was counted";
    if (sgl_tls_report_put(&c->tls, &json) != SGL_OK)
        return "the report can't be written";
    return gzip(sgl_buf_view(&json), &c->gzip) == SGL_OK ? NULL /* [RFC 8460 s5.2] */
                                                         : "the report can't be compressed";
}
