/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A question goes from its loop to the outgoing one and back.  A lookup outlives the question that it was made for: then its answer is there for the next one.
 */
#include <stdlib.h>
#include <sys/random.h>

#include "heard_names_internal.h"

#define LOOKUP_MS 10000
#define QUESTIONS (1 + HEARD_NAMES_TRIED)

struct lookup {
    struct heard_names *names;
    struct lookup *next, **prev;
    struct heard_names_ask *ask; /* that waits for it; NULL: nobody does any more */
    struct sgl_ip ip;
    struct sgl_dns dns;
    struct sgl_arena arena;
    struct resolver_fill fill;
    uint64_t end_ms;
};

struct heard_names {
    struct loop *outgoing;
    struct resolver *resolver;
    struct heard_memory *memory;
    struct lookup *lookups;
    size_t open;
};

struct heard_names *heard_names_new(struct loop *outgoing, struct resolver *resolver)
{
    struct heard_names *n = calloc(1, sizeof(*n));
    uint64_t salt = 0;

    if (n == NULL)
        return NULL;
    (void)!getrandom(&salt, sizeof(salt), GRND_NONBLOCK);
    *n = (struct heard_names){
        .outgoing = outgoing, .resolver = resolver, .memory = heard_memory_new(salt)};
    if (n->memory != NULL)
        return n;
    free(n);
    return NULL;
}

static void lookup_free(struct lookup *l)
{
    resolver_cancel(&l->fill);
    *l->prev = l->next;
    if (l->next != NULL)
        l->next->prev = l->prev;
    l->names->open--;
    sgl_dns_done(&l->dns);
    sgl_arena_done(&l->arena);
    free(l);
}

void heard_names_free(struct heard_names *n)
{
    if (n == NULL)
        return;
    while (n->lookups != NULL)
        lookup_free(n->lookups);
    heard_memory_free(n->memory);
    free(n);
}

/* ---- the answer to a question ---- */

static void tell(struct loop_task *task)
{
    struct heard_names_ask *a =
        (struct heard_names_ask *)(void *)((char *)task - offsetof(struct heard_names_ask, task));

    a->done(a);
}

static void answer(struct heard_names_ask *a)
{
    uint64_t now = clock_mono_ms();

    if (a->timer != NULL)
        event_free(a->timer);
    a->timer = NULL;
    for (struct lookup *l = a->names->lookups; l != NULL; l = l->next)
        l->ask = l->ask == a ? NULL : l->ask;
    for (size_t i = 0; i < a->rows; i++)
        if (!heard_memory_get(a->names->memory, &a->row[i].ip, now, a->row[i].name))
            a->row[i].name[0] = '\0';
    a->task = (struct loop_task){.run = tell};
    loop_post(a->loop, &a->task);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    answer(ctx);
}

/* ---- one address ---- */

static void go_on(struct lookup *l);

static void answered(struct resolver_fill *fill)
{
    go_on((struct lookup *)(void *)((char *)fill - offsetof(struct lookup, fill)));
}

static void lookup_over(struct lookup *l, enum sgl_status status,
                        const struct heard_name_found *found)
{
    struct heard_names_ask *a = l->ask;
    uint64_t ttl_s = status == SGL_OK ? found->ttl_s : HEARD_NAMES_FAILED;

    heard_memory_put(l->names->memory, &l->ip, status == SGL_OK ? found->name : SGL_LIT(""),
                     clock_mono_ms() + ttl_s * 1000);
    lookup_free(l);
    if (a != NULL && --a->open == 0)
        answer(a);
}

static void go_on(struct lookup *l)
{
    struct heard_name_found found;
    enum sgl_status status;

    while ((status = heard_name_find(&l->ip, &l->dns, &l->arena, &found)) == SGL_NEED_DNS) {
        uint64_t now = clock_mono_ms();

        if (now < l->end_ms) {
            l->fill = (struct resolver_fill){
                .dns = &l->dns, .timeout_ms = l->end_ms - now, .done = answered};
            resolver_fill(l->names->resolver, &l->fill);
            return;
        }
        sgl_dns_fail_open(&l->dns, "no answer in time");
    }
    lookup_over(l, status, &found);
}

static void look_up(struct heard_names_ask *a, const struct sgl_ip *ip)
{
    struct heard_names *n = a->names;
    struct lookup *l = calloc(1, sizeof(*l));

    if (l == NULL)
        return;
    *l = (struct lookup){.names = n,
                         .ask = a,
                         .ip = *ip,
                         .next = n->lookups,
                         .prev = &n->lookups,
                         .end_ms = clock_mono_ms() + LOOKUP_MS};
    if (l->next != NULL)
        l->next->prev = &l->next;
    n->lookups = l;
    n->open++;
    a->open++;
    sgl_dns_init(&l->dns, QUESTIONS);
    sgl_arena_init(&l->arena, 4096);
    go_on(l);
}

static bool is_open(const struct heard_names *n, const struct sgl_ip *ip)
{
    for (const struct lookup *l = n->lookups; l != NULL; l = l->next)
        if (sgl_ip_eq(&l->ip, ip))
            return true;
    return false;
}

/* Addresses inside have names, too: they are not for whoever writes reports, or reads them. */
static bool may_be_asked(const struct heard_names_ask *a, const struct sgl_ip *ip, uint64_t now)
{
    char name[HEARD_NAME_SIZE];

    return ip->version != 0 && !sgl_ip_is_special(ip) &&
           !heard_memory_get(a->names->memory, ip, now, name) && !is_open(a->names, ip);
}

/* ---- on the outgoing loop ---- */

static void start(struct loop_task *task)
{
    struct heard_names_ask *a =
        (struct heard_names_ask *)(void *)((char *)task - offsetof(struct heard_names_ask, task));
    const struct timeval wait = {HEARD_NAMES_WAIT_MS / 1000, HEARD_NAMES_WAIT_MS % 1000 * 1000};
    uint64_t now = clock_mono_ms();

    a->open = 1; /* held: no lookup is the last before all have begun */
    for (size_t i = 0, made = 0; i < a->rows && made < HEARD_NAMES_EACH; i++) {
        if (a->names->open == HEARD_NAMES_OPEN)
            break;
        if (may_be_asked(a, &a->row[i].ip, now)) {
            look_up(a, &a->row[i].ip);
            made++;
        }
    }
    if (--a->open == 0) {
        answer(a);
        return;
    }
    a->timer = event_new(loop_base(a->names->outgoing), -1, 0, on_timer, a);
    if (a->timer == NULL || event_add(a->timer, &wait) != 0)
        answer(a);
}

void heard_names_ask(struct heard_names *n, struct heard_names_ask *a)
{
    a->names = n;
    a->task = (struct loop_task){.run = start};
    loop_post(n->outgoing, &a->task);
}
