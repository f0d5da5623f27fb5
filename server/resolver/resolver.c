/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libunbound runs on the loop's own event base.  It cannot take a question back in this mode, so a question is an object of its own: when its fill is over (deadline, cancel)
 * it is cut loose and frees itself when the answer comes; what never comes is freed with the resolver.  An answer from the cache comes inside the call that asks: done() waits
 * for the end of the turn all the same.
 */
#include "resolver.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound-event.h>
#include <unbound.h>
#include <unistd.h>

#include "packet.h"
#include "sigillo/limits.h"

#define CACHE_DEFAULT (16u * 1024u * 1024u)
#define SCRATCH_MAX   (256u * 1024u) /* of one answer: a packet is at most 64 KiB */
#define CLASS_IN      1

struct resolver_question {
    struct resolver_question *next, *prev;         /* of the fill, while it has one */
    struct resolver_question *all_next, *all_prev; /* of the resolver */
    struct resolver *resolver;
    struct resolver_fill *fill; /* NULL: nobody waits any more */
    enum sgl_rr type;
    char name[SGL_LIMIT_NAME_TEXT + 2];
};

struct resolver {
    struct loop *loop;
    struct ub_ctx *unbound;
    struct resolver_question all; /* heads of rings */
    struct resolver_fill fills;
    struct sgl_arena scratch;
    _Atomic uint64_t queries, answers, failures, bogus, timeouts;
};

static void count(_Atomic uint64_t *what)
{
    atomic_fetch_add_explicit(what, 1, memory_order_relaxed);
}

/* ---- setting libunbound up ---- */

static bool option(struct resolver *r, const char *name, const char *value, char *why,
                   size_t why_size)
{
    int result = ub_ctx_set_option(r->unbound, name, value);

    if (result == 0)
        return true;
    snprintf(why, why_size, "resolver: %s %s: %s", name, value, ub_strerror(result));
    return false;
}

static bool set_fixed(struct resolver *r, char *why, size_t why_size)
{
    static const char *const fixed[][2] = {
        {"harden-glue:", "yes"},
        {"harden-dnssec-stripped:", "yes"},
        {"harden-below-nxdomain:", "yes"},
        {"harden-algo-downgrade:", "no"},
        {"qname-minimisation:", "yes"},
        {"aggressive-nsec:", "yes"},
        {"use-caps-for-id:", "no"},
        {"val-clean-additional:", "yes"},
        {"val-permissive-mode:", "no"},
        {"edns-buffer-size:", "1232"},
        {"cache-max-ttl:", "86400"},
        {"cache-max-negative-ttl:", "3600"},
        {"serve-expired:", "no"},
        {"infra-host-ttl:", "60"}, /* a name server that was away is asked again soon */
        {"infra-keep-probing:", "yes"},
        {"outgoing-range:", "512"},
        {"num-queries-per-thread:", "2048"},
        {"outgoing-num-tcp:", "32"},
        {"key-cache-size:", "2m"},
        {"neg-cache-size:", "1m"},
    };

    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        if (!option(r, fixed[i][0], fixed[i][1], why, why_size))
            return false;
    return true;
}

static bool set_cache(struct resolver *r, size_t bytes, char *why, size_t why_size)
{
    char third[24], rest[24];

    snprintf(third, sizeof(third), "%zu", bytes / 3);
    snprintf(rest, sizeof(rest), "%zu", bytes - bytes / 3);
    return option(r, "msg-cache-size:", third, why, why_size) &&
           option(r, "rrset-cache-size:", rest, why, why_size);
}

static bool readable(const char *file, const char *what, char *why, size_t why_size)
{
    if (access(file, R_OK) == 0)
        return true;
    snprintf(why, why_size, "resolver: %s %s: %s", what, file, strerror(errno));
    return false;
}

/* The root's keys: the configured file, the system's, or those of 2017 and 2024 that IANA publishes. */
static bool set_anchor(struct resolver *r, const char *file, char *why, size_t why_size)
{
    static const char system_file[] = "/usr/share/dns/root.key";
    int result;

    if (file != NULL && !readable(file, "trust_anchor", why, why_size))
        return false;
    if (file == NULL && access(system_file, R_OK) == 0)
        file = system_file;
    if (file != NULL) {
        result = ub_ctx_add_ta_file(r->unbound, file);
    } else {
        result = ub_ctx_add_ta(r->unbound, ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D084"
                                           "58E880409BBC683457104237C7F8EC8D");
        if (result == 0)
            result = ub_ctx_add_ta(r->unbound, ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219"
                                               "298D0A450D612C483AF444A4C0FB2B16");
    }
    if (result != 0)
        snprintf(why, why_size, "resolver: trust anchor: %s", ub_strerror(result));
    return result == 0;
}

static bool set_servers(struct resolver *r, const struct resolver_config *c, char *why,
                        size_t why_size)
{
    if (c->loopback_allowed && !option(r, "do-not-query-localhost:", "no", why, why_size))
        return false;
    if (c->root_hints != NULL && (!readable(c->root_hints, "root_hints", why, why_size) ||
                                  !option(r, "root-hints:", c->root_hints, why, why_size)))
        return false;
    for (size_t i = 0; i < c->forwards; i++) {
        int result = ub_ctx_set_fwd(r->unbound, c->forward[i]);

        if (result == 0)
            continue;
        snprintf(why, why_size, "resolver: forward %s: %s", c->forward[i], ub_strerror(result));
        return false;
    }
    return true;
}

static bool set_stub(struct resolver *r, const struct resolver_config *c, char *why,
                     size_t why_size)
{
    for (size_t i = 0; c->stub_zone != NULL && i < c->stub_servers; i++) {
        int result = ub_ctx_set_stub(r->unbound, c->stub_zone, c->stub_server[i], 0);

        if (result == 0)
            continue;
        snprintf(why, why_size, "resolver: servers of %s: %s: %s", c->stub_zone, c->stub_server[i],
                 ub_strerror(result));
        return false;
    }
    return true;
}

/* libunbound answers some names by itself; those of RFC 6761 that a private root may serve are asked for like any other. Files are read here, and what it complains of is kept. */
static bool finish_setup(struct resolver *r, char *why, size_t why_size)
{
    char *said = NULL;
    size_t said_len = 0;
    FILE *ear = open_memstream(&said, &said_len);
    int result;

    if (ear != NULL)
        ub_ctx_debugout(r->unbound, ear);
    result = ub_ctx_zone_remove(r->unbound, "test.");
    ub_ctx_debugout(r->unbound, NULL);
    if (ear != NULL)
        fclose(ear);
    if (result != 0) {
        const char *error = said != NULL ? strstr(said, "error: ") : NULL;

        snprintf(why, why_size, "resolver: %.*s",
                 error != NULL ? (int)strcspn(error + 7, "\n") : (int)strlen(ub_strerror(result)),
                 error != NULL ? error + 7 : ub_strerror(result));
    }
    free(said);
    return result == 0;
}

struct resolver *resolver_new(struct loop *loop, const struct resolver_config *config, char *why,
                              size_t why_size)
{
    struct resolver *r = calloc(1, sizeof(*r));

    snprintf(why, why_size, "resolver: out of memory");
    if (r == NULL)
        return NULL;
    r->loop = loop;
    r->all.all_next = r->all.all_prev = &r->all;
    r->fills.next = r->fills.prev = &r->fills;
    sgl_arena_init(&r->scratch, SCRATCH_MAX);
    r->unbound = ub_ctx_create_event(loop_base(loop));
    if (r->unbound != NULL && set_fixed(r, why, why_size) &&
        set_cache(r, config->cache_bytes > 0 ? config->cache_bytes : CACHE_DEFAULT, why,
                  why_size) &&
        (config->unvalidated || set_anchor(r, config->trust_anchor, why, why_size)) &&
        set_servers(r, config, why, why_size) && set_stub(r, config, why, why_size) &&
        finish_setup(r, why, why_size))
        return r;
    resolver_free(r);
    return NULL;
}

/* ---- fills ---- */

static void unlink_fill(struct resolver_fill *f)
{
    f->prev->next = f->next;
    f->next->prev = f->prev;
}

static void cut_loose(struct resolver_fill *f)
{
    while (f->question != NULL) {
        f->question->fill = NULL;
        f->question = f->question->next;
    }
}

/* Out of our lists; the timer is gone. */
static void leave(struct resolver_fill *f)
{
    cut_loose(f);
    unlink_fill(f);
    loop_later_cancel(&f->later);
    if (f->timer != NULL)
        event_free(f->timer);
    f->timer = NULL;
    f->resolver = NULL;
}

static void finish(struct resolver_fill *f)
{
    leave(f);
    f->done(f);
}

static void on_later(struct loop_later *later)
{
    finish((struct resolver_fill *)((char *)later - offsetof(struct resolver_fill, later)));
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct resolver_fill *f = arg;

    (void)fd;
    (void)what;
    count(&f->resolver->timeouts);
    f->failed += sgl_dns_open(f->dns);
    sgl_dns_fail_open(f->dns, "no answer in time");
    finish(f);
}

/* ---- answers ---- */

static void drop_question(struct resolver_question *q)
{
    struct resolver_fill *f = q->fill;

    q->all_prev->all_next = q->all_next;
    q->all_next->all_prev = q->all_prev;
    if (f != NULL) {
        if (q->prev != NULL)
            q->prev->next = q->next;
        else
            f->question = q->next;
        if (q->next != NULL)
            q->next->prev = q->prev;
        if (f->question == NULL)
            loop_later(f->resolver->loop, &f->later);
    }
    free(q);
}

/* The question in the snapshot that `q` asked. The snapshot may have been answered otherwise meanwhile; then there is nothing to do. */
static const struct sgl_dns_question *open_question(const struct resolver_question *q)
{
    const struct sgl_dns_question *open = NULL;
    sgl_view name = sgl_view_of(q->name, strlen(q->name) - 1); /* without the final dot */

    while ((open = sgl_dns_next_open(q->fill->dns, open)) != NULL)
        if (open->type == q->type && sgl_view_eq(open->name.text, name))
            break;
    return open;
}

static enum sgl_dns_outcome add_answer(struct resolver_question *q, struct sgl_name name,
                                       sgl_view packet, int security, const char *why_bogus)
{
    struct resolver *r = q->resolver;
    struct sgl_dns_raw raw = {.name = name, .type = q->type};
    enum sgl_status st = SGL_OK;

    raw.security = security == 2 ? SGL_DNS_SECURE : SGL_DNS_INSECURE;
    if (security == 1) {
        raw.outcome = SGL_DNS_BOGUS;
        raw.why = sgl_view_cstr(why_bogus != NULL ? why_bogus : "DNSSEC validation failed");
    } else {
        st = packet_read(packet, q->type, &r->scratch, &raw);
    }
    if (st == SGL_OK)
        st = sgl_dns_add_answer(q->fill->dns, &raw);
    if (st != SGL_OK) {
        raw.outcome = SGL_DNS_FAILED;
        sgl_dns_fail(q->fill->dns, name, q->type,
                     st == SGL_E_SYNTAX ? "broken answer" : "answer too large");
    }
    sgl_arena_reset(&r->scratch);
    return raw.outcome;
}

static void on_answer(void *arg, int rcode, void *packet, int packet_len, int security,
                      char *why_bogus, int limited)
{
    struct resolver_question *q = arg;
    struct resolver *r = q->resolver;
    const struct sgl_dns_question *open = q->fill != NULL ? open_question(q) : NULL;
    enum sgl_dns_outcome outcome = SGL_DNS_FAILED;

    (void)limited;
    count(&r->answers);
    if (open != NULL && (rcode == 0 || security == 1) && packet != NULL && packet_len > 0)
        outcome =
            add_answer(q, open->name, sgl_view_of(packet, (size_t)packet_len), security, why_bogus);
    else if (open != NULL)
        sgl_dns_fail(q->fill->dns, open->name, q->type, "no name server gave an answer");
    if (open != NULL && outcome == SGL_DNS_FAILED) {
        count(&r->failures);
        q->fill->failed++;
    }
    if (outcome == SGL_DNS_BOGUS)
        count(&r->bogus);
    drop_question(q);
}

/* ---- questions ---- */

static struct resolver_question *new_question(struct resolver_fill *f,
                                              const struct sgl_dns_question *open)
{
    struct resolver *r = f->resolver;
    struct resolver_question *q = calloc(1, sizeof(*q));

    if (q == NULL || open->name.text.len > SGL_LIMIT_NAME_TEXT) {
        free(q);
        return NULL;
    }
    memcpy(q->name, open->name.text.ptr, open->name.text.len);
    q->name[open->name.text.len] = '.';
    q->type = open->type;
    q->resolver = r;
    q->fill = f;
    q->next = f->question;
    if (q->next != NULL)
        q->next->prev = q;
    f->question = q;
    q->all_next = r->all.all_next;
    q->all_prev = &r->all;
    q->all_next->all_prev = q;
    r->all.all_next = q;
    return q;
}

/* libunbound reads names as zone files write them: a backslash begins an escape there, so one that is meant is written twice. */
static void escape_name(const char *name, char out[2 * SGL_LIMIT_NAME_TEXT + 2])
{
    size_t len = 0;

    for (; *name != 0; name++) {
        if (*name == '\\')
            out[len++] = '\\';
        out[len++] = *name;
    }
    out[len] = 0;
}

static void ask(struct resolver *r, struct resolver_question *q)
{
    char name[2 * SGL_LIMIT_NAME_TEXT + 2];

    escape_name(q->name, name);
    count(&r->queries);
    if (ub_resolve_event(r->unbound, name, (int)q->type, CLASS_IN, q, on_answer, NULL) != 0)
        on_answer(q, 2, NULL, 0, 0, NULL, 0);
}

/* Every question is made before the first one is asked: an answer may come inside the call and change the snapshot. */
static void ask_all(struct resolver_fill *f)
{
    const struct sgl_dns_question *open = NULL;
    struct resolver_question *q, *next;

    while ((open = sgl_dns_next_open(f->dns, open)) != NULL)
        if (new_question(f, open) == NULL)
            sgl_dns_fail(f->dns, open->name, open->type, "out of memory");
    for (q = f->question; q != NULL; q = next) {
        next = q->next;
        ask(f->resolver, q);
    }
}

void resolver_fill(struct resolver *r, struct resolver_fill *f)
{
    struct timeval tv = {(time_t)(f->timeout_ms / 1000),
                         (suseconds_t)(f->timeout_ms % 1000) * 1000};

    assert(loop_is_current(r->loop));
    f->resolver = r;
    f->question = NULL;
    f->failed = 0;
    f->later = (struct loop_later){NULL, NULL, on_later};
    f->next = &r->fills;
    f->prev = r->fills.prev;
    f->prev->next = f;
    r->fills.prev = f;
    f->timer = event_new(loop_base(r->loop), -1, EV_TIMEOUT, on_deadline, f);
    if (f->timer == NULL || event_add(f->timer, &tv) != 0)
        sgl_dns_fail_open(f->dns, "out of memory");
    ask_all(f);
    if (f->question == NULL)
        loop_later(r->loop, &f->later);
}

void resolver_cancel(struct resolver_fill *f)
{
    if (f->resolver != NULL)
        leave(f);
}

void resolver_free(struct resolver *r)
{
    if (r == NULL)
        return;
    while (r->fills.next != &r->fills) {
        struct resolver_fill *f = r->fills.next;

        sgl_dns_fail_open(f->dns, "the resolver ends");
        finish(f);
    }
    if (r->unbound != NULL)
        ub_ctx_delete(r->unbound);
    while (r->all.all_next != &r->all)
        drop_question(r->all.all_next);
    sgl_arena_done(&r->scratch);
    free(r);
}

void resolver_stats(const struct resolver *r, struct resolver_stats *out)
{
    out->queries = atomic_load_explicit(&r->queries, memory_order_relaxed);
    out->answers = atomic_load_explicit(&r->answers, memory_order_relaxed);
    out->failures = atomic_load_explicit(&r->failures, memory_order_relaxed);
    out->bogus = atomic_load_explicit(&r->bogus, memory_order_relaxed);
    out->timeouts = atomic_load_explicit(&r->timeouts, memory_order_relaxed);
}
