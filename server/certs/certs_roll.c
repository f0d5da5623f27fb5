/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One certificate after the other is looked at: main loop (which names) -> outgoing loop (their TLSA records) -> main loop (what follows from them).  Often while one waits, every
 * hour else: so the key that comes next is seen as soon as it is published, and whoever is proved by DANE is kept for the next start.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../log/log.h"
#include "../loop/loop.h"
#include "../resolver/resolver.h"
#include "certs_internal.h"

#define TICK_S     1
#define WAITING_S  10
#define HOUR_S     3600
#define TIMEOUT_MS 20000
#define QUESTIONS  400
#define MEMORY_MAX (256u * 1024u)

struct look {
    struct loop_task task; /* first: cast from it */
    struct certs *certs;
    struct tls_pair *used, *offered; /* references, as it began */
    char name[80];
    struct sgl_arena arena;
    struct sgl_dns dns;
    struct resolver_fill fill;
    struct sgl_name host[QUESTIONS]; /* "_25._tcp.mx.example.org" */
    size_t hosts;
    bool whole; /* all that there is to ask is asked */
};

static void look_free(struct look *l)
{
    tls_pair_unref(l->used);
    tls_pair_unref(l->offered);
    sgl_dns_done(&l->dns);
    sgl_arena_done(&l->arena);
    free(l);
}

/* ---- what is asked ---- */

bool certs_is_mail_host(const char *name)
{
    return name[0] != '*' && strchr(name, '.') != NULL && strncmp(name, "mta-sts.", 8) != 0;
}

static bool add_name(struct look *l, const char *name, unsigned port)
{
    char text[300];
    int n = snprintf(text, sizeof(text), "_%u._tcp.%s", port, name);

    if (n < 0 || (size_t)n >= sizeof(text) || l->hosts == QUESTIONS)
        return false;
    if (sgl_name_parse(sgl_view_of(text, (size_t)n), SGL_NAME_UNDERSCORE, &l->arena, NULL,
                       &l->host[l->hosts]) != SGL_OK)
        return l->arena.status == SGL_OK; /* nobody can ask for it */
    l->hosts++;
    return true;
}

static bool has_name(const struct tls_pair *pair, const char *wanted)
{
    const char *name;

    for (size_t i = 0; pair != NULL && (name = tls_pair_name(pair, i)) != NULL; i++)
        if (strcasecmp(name, wanted) == 0)
            return true;
    return false;
}

/* Those that `but` has not. */
static void add_pair(struct look *l, const struct tls_pair *pair, const struct tls_pair *but)
{
    const char *name;

    for (size_t i = 0; (name = tls_pair_name(pair, i)) != NULL; i++) {
        if (!certs_is_mail_host(name) || has_name(but, name))
            continue;
        for (size_t p = 0; p < l->certs->ports; p++)
            l->whole = add_name(l, name, l->certs->port[p]) && l->whole;
    }
}

/* Records of the key in use may stand where the new certificate has no name: DANE does not compare names. [RFC 7672 s3.1.1] */
static void add_names(struct look *l)
{
    l->whole = true;
    add_pair(l, l->used, NULL);
    if (l->offered != NULL)
        add_pair(l, l->offered, l->used);
}

/* ---- what was answered ---- */

struct seen {
    enum roll_seen candidate; /* the key that is offered, or the next one */
    bool dane;                /* others prove us by such records */
    uint32_t ttl_s;
    const struct sgl_name *host; /* the worst */
};

/* Our own record may be newer than what the resolver remembers: then others prove us already. */
static enum roll_seen look_at(const struct look *l, const struct sgl_name *host,
                              const struct sgl_dns_answer *a, const struct tls_pair *pair,
                              const uint8_t *hash)
{
    enum roll_seen seen = roll_look(a, pair, hash);
    const struct tlsa_set *s = NULL;
    char name[TLSA_NAME];

    if (seen != ROLL_NONE || a->security != SGL_DNS_SECURE)
        return seen;
    snprintf(name, sizeof(name), "%.*s", SGL_FMT(host->text));
    s = tlsa_find(&l->certs->tlsa, name);
    return s != NULL && s->on && s->there ? ROLL_OTHERS : ROLL_NONE;
}

static void judge(struct look *l, const struct cert *one, struct seen *out)
{
    const uint8_t *hash = one->offered != NULL ? tls_pair_key_hash(one->offered) : one->next_hash;

    *out = (struct seen){.candidate = l->whole ? ROLL_NONE : ROLL_UNKNOWN};
    for (size_t i = 0; i < l->hosts; i++) {
        const struct sgl_dns_answer *a = NULL;
        enum roll_seen seen = ROLL_UNKNOWN;

        if (sgl_dns_get(&l->dns, l->host[i], SGL_RR_TLSA, &a) == SGL_OK) {
            seen = look_at(l, &l->host[i], a, one->offered, hash);
            if (a->ttl_s > out->ttl_s && seen == ROLL_MATCHES)
                out->ttl_s = a->ttl_s;
        }
        out->dane = out->dane || seen == ROLL_MATCHES || seen == ROLL_OTHERS;
        if (seen > out->candidate || out->host == NULL) {
            out->candidate = seen > out->candidate ? seen : out->candidate;
            out->host = &l->host[i];
        }
    }
}

/* ---- what follows ---- */

static const char *why_of(enum roll_do todo)
{
    switch (todo) {
    case ROLL_TAKE:
        break;
    case ROLL_PUBLISH:
        return "Its key is in no TLSA record of %s: publish what `sigillo tls records` prints.";
    case ROLL_SETTLE:
        return "Its TLSA records are there, at %s too; it is taken when nobody remembers a time "
               "without them.";
    case ROLL_ASK:
        return "The TLSA records of %s cannot be asked.";
    }
    return "It is taken now, for %s.";
}

static void put_why(const struct cert *one, char *out, size_t size)
{
    const char *format = one->asked ? why_of(one->todo) : "Its TLSA records are being looked up.";
    const char *at = strstr(format, "%s");

    if (at == NULL)
        snprintf(out, size, "%s", format);
    else
        snprintf(out, size, "%.*s%s%s", (int)(at - format), format,
                 one->host[0] != '\0' ? one->host : "its hosts", at + 2);
}

static void tell_waiting(const struct cert *one)
{
    char why[600];

    put_why(one, why, sizeof(why));
    log_line(LOG_WARN_, "certificate waits, the old one stays", LOG_STR("certificate", one->name),
             LOG_STR("why", why), LOG_INT("until", one->until_s));
}

static void take(struct certs *c, struct cert *one)
{
    struct tls_pair *old = one->pair, *new = one->offered;

    pthread_mutex_lock(&c->lock);
    one->pair = new;
    one->offered = NULL;
    pthread_mutex_unlock(&c->lock);
    if (!certs_show(c)) { /* no memory: it is tried again */
        pthread_mutex_lock(&c->lock);
        one->pair = old;
        one->offered = new;
        pthread_mutex_unlock(&c->lock);
        return;
    }
    log_line(LOG_INFO_, "certificate taken", LOG_STR("certificate", one->name),
             LOG_INT("expires", tls_pair_expires_at(new)));
    one->told = TOLD_NOTHING;
    one->kept = one->asked = false;
    one->roll = (struct roll){.since_s = 0};
    certs_roll_for(one);
    one->due_s = 0; /* and the new one is kept */
    c->tlsa_stale = true;
    tls_pair_unref(old);
}

static void note(struct certs *c, struct cert *one, const struct seen *seen, enum roll_do todo,
                 int64_t until_s)
{
    bool news = !one->asked || one->todo != todo;

    pthread_mutex_lock(&c->lock);
    one->todo = todo;
    one->until_s = until_s;
    one->asked = true;
    one->host[0] = '\0';
    if (seen->host != NULL)
        snprintf(one->host, sizeof(one->host), "%.*s", SGL_FMT(seen->host->text));
    pthread_mutex_unlock(&c->lock);
    if (news)
        tell_waiting(one);
}

static void conclude(struct certs *c, struct cert *one, const struct seen *seen)
{
    struct roll_facts facts = {.seen = seen->candidate,
                               .ttl_s = seen->ttl_s,
                               .now_s = clock_now_s(),
                               .old_expires_s = tls_pair_expires_at(one->pair)};
    struct roll before = one->roll;
    int64_t until_s;
    enum roll_do todo = ROLL_ASK;

    if (one->offered != NULL || one->has_next)
        todo = roll_decide(&one->roll, &facts, &until_s);
    if (one->offered != NULL && todo == ROLL_TAKE) {
        take(c, one);
        return;
    }
    one->due_s = facts.now_s + (one->offered != NULL ? WAITING_S : HOUR_S);
    if (one->offered != NULL) {
        note(c, one, seen, todo, until_s);
        if (todo == ROLL_SETTLE && until_s < one->due_s)
            one->due_s = until_s;
    }
    /* whoever is proved by DANE keeps his key over a restart, and what was seen of the next one */
    if (memcmp(&before, &one->roll, sizeof(before)) != 0)
        one->kept = false;
    if ((seen->dane || one->publish) && !one->kept) {
        if (c->keep != NULL)
            one->due_s = facts.now_s + WAITING_S;
        certs_keep(c, one);
    }
}

/* On the main loop. Files may have come meanwhile: then it is looked at again. */
static void looked(struct loop_task *task)
{
    struct look *l = (struct look *)(void *)task;
    struct certs *c = l->certs;
    struct cert *one = certs_find(c, l->name);
    struct seen seen;

    c->look = NULL;
    if (one != NULL && one->pair == l->used && one->offered == l->offered) {
        judge(l, one, &seen);
        conclude(c, one, &seen);
    }
    look_free(l);
}

/* ---- asked ---- */

static void filled(struct resolver_fill *fill)
{
    struct look *l = (struct look *)(void *)((char *)fill - offsetof(struct look, fill));

    l->task.run = looked;
    loop_post(l->certs->parts.loop, &l->task);
}

static void ask(struct loop_task *task)
{
    struct look *l = (struct look *)(void *)task;

    for (size_t i = 0; i < l->hosts; i++)
        sgl_dns_want(&l->dns, l->host[i], SGL_RR_TLSA);
    l->fill = (struct resolver_fill){.dns = &l->dns, .timeout_ms = TIMEOUT_MS, .done = filled};
    resolver_fill(l->certs->parts.resolver, &l->fill);
}

static void begin(struct certs *c, const struct cert *one)
{
    struct look *l = calloc(1, sizeof(*l));

    if (l == NULL)
        return;
    l->certs = c;
    l->used = tls_pair_ref(one->pair);
    l->offered = one->offered != NULL ? tls_pair_ref(one->offered) : NULL;
    snprintf(l->name, sizeof(l->name), "%s", one->name);
    sgl_arena_init(&l->arena, MEMORY_MAX);
    sgl_dns_init(&l->dns, QUESTIONS);
    add_names(l);
    c->look = l;
    l->task.run = ask;
    loop_post(c->parts.outgoing, &l->task);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct certs *c = arg;
    int64_t now = clock_now_s();

    (void)fd;
    (void)what;
    for (size_t i = 0; i < c->count && c->look == NULL; i++)
        if (c->cert[i].due_s <= now)
            begin(c, &c->cert[i]);
    certs_publish(c, now);
}

bool certs_start(struct certs *c, const struct certs_parts *parts, struct config *config)
{
    struct timeval every = {TICK_S, 0};

    c->parts = *parts;
    c->ports = certs_ports(config, c->port, CERTS_PORTS_MAX);
    if (parts->store !=
        NULL) /* else nothing is published: which records are ours could not be remembered */
        c->config = config_ref(config);
    c->tlsa_stale = true;
    certs_tlsa_read(c);
    c->timer = event_new(loop_base(parts->loop), -1, EV_PERSIST, on_tick, c);
    return c->timer != NULL && event_add(c->timer, &every) == 0;
}

/* ---- told ---- */

void certs_each_waiting(struct certs *c, void (*each)(void *ctx, const struct certs_waiting *w),
                        void *ctx)
{
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->count; i++) {
        const struct cert *one = &c->cert[i];
        struct certs_waiting w = {
            .certificate = one->name, .pair = one->offered, .until_s = one->until_s};
        char why[600];

        if (one->offered == NULL)
            continue;
        put_why(one, why, sizeof(why));
        w.why = why;
        each(ctx, &w);
    }
    pthread_mutex_unlock(&c->lock);
}

int64_t certs_waiting(struct certs *c)
{
    int64_t waiting = 0;

    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->count; i++)
        waiting += c->cert[i].offered != NULL;
    pthread_mutex_unlock(&c->lock);
    return waiting;
}
