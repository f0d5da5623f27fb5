/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A resolver for programs that have libunbound: link them with -lunbound, too.  The library itself does not know it; all of this is
 * compiled into the program.
 *
 *     struct ub_ctx *resolver = sgl_unbound_new(NULL, NULL);
 *
 *     while ((status = sgl_spf_check(&request, &dns, &arena, &spf)) == SGL_NEED_DNS)
 *         sgl_unbound_resolve(resolver, &dns);
 *     ub_ctx_delete(resolver);
 */
#ifndef SIGILLO_UNBOUND_H
#define SIGILLO_UNBOUND_H

#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unbound.h>

#include "sigillo/dns.h"
#include "sigillo/limits.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is open after so many seconds has failed. */
#define SGL_UNBOUND_SECONDS 20

/*
 * A resolver with a cache of its own, for one thread.
 *
 * server   "192.0.2.1" or "192.0.2.1@5353"; NULL: those of /etc/resolv.conf
 * anchor   a file with the DNSKEY or DS records of the root: answers are validated; NULL: they are believed, and insecure
 *
 * NULL when memory ends or a file cannot be read.  ub_ctx_delete() ends it.
 */
static inline struct ub_ctx *sgl_unbound_new(const char *server, const char *anchor)
{
    struct ub_ctx *ctx = ub_ctx_create();

    if (ctx != NULL && ub_ctx_async(ctx, 1) == 0 &&
        ub_ctx_set_option(ctx, "do-not-query-localhost:", "no") == 0 &&
        (server == NULL ? ub_ctx_resolvconf(ctx, NULL) : ub_ctx_set_fwd(ctx, server)) == 0 &&
        (anchor == NULL || ub_ctx_add_ta_file(ctx, anchor) == 0))
        return ctx;
    ub_ctx_delete(ctx);
    return NULL;
}

struct sgl_unbound_asked { /* Private: one question on its way. */
    struct sgl_dns *dns;
    struct sgl_name name;
    enum sgl_rr type;
    int id;
};

/* Private: what libunbound says of an answer. */
static inline enum sgl_dns_outcome sgl_unbound_outcome(const struct ub_result *result)
{
    if (result->bogus)
        return SGL_DNS_BOGUS;
    if (result->nxdomain)
        return SGL_DNS_NXDOMAIN;
    if (result->rcode != 0)
        return SGL_DNS_FAILED;
    return result->havedata ? SGL_DNS_OK : SGL_DNS_NODATA;
}

/* Private: called by libunbound. */
static inline void sgl_unbound_answer(void *arg, int error, struct ub_result *result)
{
    struct sgl_unbound_asked *asked = (struct sgl_unbound_asked *)arg;
    sgl_view rdata[SGL_LIMIT_DNS_RECORDS];
    struct sgl_dns_raw raw;

    asked->id = 0;
    if (error != 0 || result == NULL) {
        sgl_dns_fail(asked->dns, asked->name, asked->type, "the resolver failed");
        ub_resolve_free(result);
        return;
    }
    memset(&raw, 0, sizeof(raw));
    raw.name = asked->name;
    raw.type = asked->type;
    raw.outcome = sgl_unbound_outcome(result);
    raw.security = result->secure ? SGL_DNS_SECURE : SGL_DNS_INSECURE;
    raw.canonical = sgl_view_cstr(result->canonname);
    raw.ttl_s = result->ttl < 0 ? 0 : (uint32_t)result->ttl;
    raw.why = sgl_view_cstr(result->why_bogus);
    raw.rdata = rdata;
    while (result->havedata && result->data[raw.rdatas] != NULL &&
           raw.rdatas < SGL_LIMIT_DNS_RECORDS) {
        rdata[raw.rdatas] = sgl_view_of(result->data[raw.rdatas], (size_t)result->len[raw.rdatas]);
        raw.rdatas++;
    }
    if (sgl_dns_add_answer(asked->dns, &raw) != SGL_OK)
        sgl_dns_fail(asked->dns, asked->name, asked->type, "too much for the snapshot");
    ub_resolve_free(result);
}

/*
 * Answers all that is open in dns, all questions at the same time; afterwards nothing is open.
 *
 * resolver   of sgl_unbound_new(); void, so that the function fits sgl_verdict_of(). NULL: every question has failed
 */
static inline void sgl_unbound_resolve(void *resolver, struct sgl_dns *dns)
{
    struct ub_ctx *ctx = (struct ub_ctx *)resolver;
    size_t count = sgl_dns_open(dns), n = 0;
    struct sgl_unbound_asked *asked = (struct sgl_unbound_asked *)calloc(count + 1, sizeof(*asked));
    const struct sgl_dns_question *q = NULL;
    time_t ends = time(NULL) + SGL_UNBOUND_SECONDS;
    struct pollfd fd;

    while (ctx != NULL && asked != NULL && n < count && (q = sgl_dns_next_open(dns, q)) != NULL) {
        asked[n].dns = dns;
        asked[n].name = q->name;
        asked[n].type = q->type;
        (void)ub_resolve_async(ctx, q->name.text.len == 0 ? "." : (const char *)q->name.text.ptr,
                               (int)q->type, 1, &asked[n], sgl_unbound_answer, &asked[n].id);
        n++;
    }
    fd.fd = n == 0 ? -1 : ub_fd(ctx);
    fd.events = POLLIN;
    while (n > 0 && sgl_dns_open(dns) > 0 && time(NULL) < ends)
        if (poll(&fd, 1, 1000) > 0 && ub_process(ctx) != 0)
            break;
    for (size_t i = 0; i < n; i++)
        if (asked[i].id != 0)
            (void)ub_cancel(ctx, asked[i].id);
    free(asked);
    sgl_dns_fail_open(dns, "no answer in time");
}

#ifdef __cplusplus
}
#endif
#endif
