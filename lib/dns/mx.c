/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/mx.h"

#include "sigillo/banned.h"
#include "sigillo/limits.h"
#include "sigillo/nullmx.h"

/* splitmix64: enough for a fair order, the same everywhere. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void swap(struct sgl_mx_host *a, struct sgl_mx_host *b)
{
    struct sgl_mx_host held = *a;

    *a = *b;
    *b = held;
}

/* The records come sorted by their bytes, which begin with the preference: only equals are mixed. [RFC 5321 s5.1] */
static void mix_equals(struct sgl_mx_host *host, size_t count, uint64_t seed)
{
    size_t start = 0;

    while (start < count) {
        size_t end = start + 1;

        while (end < count && host[end].preference == host[start].preference)
            end++;
        for (size_t i = end - start; i > 1; i--)
            swap(&host[start + i - 1], &host[start + next_random(&seed) % i]);
        start = end;
    }
}

static bool is_self(const struct sgl_mx_request *request, struct sgl_name name)
{
    for (size_t i = 0; i < request->selves; i++) {
        if (sgl_name_eq(name, request->self[i]))
            return true;
    }
    return false;
}

/* A name with an underscore is no host name, but some are in use and resolve.  "." beside others says nothing.  [RFC 7505 s3] */
static bool is_possible(const struct sgl_dns_rr *rr)
{
    return sgl_name_ok(rr->mx.host.text, SGL_NAME_UNDERSCORE);
}

static enum sgl_mx_state pick_hosts(const struct sgl_mx_request *request,
                                    const struct sgl_dns_answer *mx, struct sgl_mx_host *host,
                                    struct sgl_mx *result)
{
    size_t count = 0, possible = 0;

    for (size_t i = 0; i < mx->count; i++)
        possible += is_possible(&mx->rr[i]);
    for (size_t i = 0; i < mx->count; i++) {
        struct sgl_mx_host next = {mx->rr[i].mx.host, mx->rr[i].mx.preference};

        if (!is_possible(&mx->rr[i]))
            continue;
        if (is_self(request, next.name)) {
            /* We, and everything that is not better than us, may not be asked: mail would go in circles. */
            while (count > 0 && host[count - 1].preference >= next.preference)
                count--;
            break;
        }
        host[count++] = next;
    }
    if (possible == 0)
        return SGL_MX_UNUSABLE;
    if (count == 0)
        return SGL_MX_LOOP;
    mix_equals(host, count, request->seed);
    result->host = host;
    result->hosts = count > SGL_LIMIT_MX_HOSTS ? SGL_LIMIT_MX_HOSTS : count;
    result->left_out = possible - result->hosts;
    return SGL_MX_HOSTS;
}

/* No MX records: the domain itself, as if it had preference 0. [RFC 5321 s5.1] */
static enum sgl_mx_state implicit_host(const struct sgl_mx_request *request,
                                       struct sgl_mx_host *host, struct sgl_mx *result)
{
    result->implicit = true;
    if (is_self(request, request->domain) || is_self(request, result->canonical))
        return SGL_MX_LOOP;
    host[0] = (struct sgl_mx_host){request->domain, 0};
    result->host = host;
    result->hosts = 1;
    return SGL_MX_HOSTS;
}

static enum sgl_mx_state judge(const struct sgl_mx_request *request,
                               const struct sgl_dns_answer *mx, enum sgl_nullmx nullmx,
                               struct sgl_mx_host *host, struct sgl_mx *result)
{
    switch (mx->outcome) {
    case SGL_DNS_OK:
        if (nullmx == SGL_NULLMX_PRESENT)
            return SGL_MX_NULL;
        return pick_hosts(request, mx, host, result);
    case SGL_DNS_NODATA:
        return implicit_host(request, host, result);
    case SGL_DNS_NXDOMAIN:
        return SGL_MX_NO_DOMAIN;
    case SGL_DNS_FAILED:
    case SGL_DNS_BOGUS:
        result->why = mx->why;
        result->bogus = mx->outcome == SGL_DNS_BOGUS;
        return SGL_MX_FAILED;
    }
    return SGL_MX_FAILED;
}

enum sgl_status sgl_mx_check(const struct sgl_mx_request *request, struct sgl_dns *dns,
                             struct sgl_arena *arena, struct sgl_mx *out)
{
    const struct sgl_dns_answer *mx = NULL;
    enum sgl_nullmx nullmx = SGL_NULLMX_ABSENT;
    struct sgl_mx result = {.why = ""};
    struct sgl_mx_host *host;

    SGL_TRY(sgl_dns_get(dns, request->domain, SGL_RR_MX, &mx));
    SGL_TRY(sgl_nullmx_check(request->domain, dns, &nullmx));
    host = SGL_NEW_N(arena, mx->count + 1, struct sgl_mx_host);
    if (host == NULL)
        return arena->status;
    result.security = mx->security;
    result.canonical = mx->canonical;
    result.ttl_s = mx->ttl_s;
    result.state = judge(request, mx, nullmx, host, &result);
    *out = result;
    return SGL_OK;
}
