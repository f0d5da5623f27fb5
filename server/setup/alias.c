/* SPDX-License-Identifier: Apache-2.0 */
/* find (the zone's servers) -> ask (them, with a resolver of its own) -> finish: every step on the room's loop. */
#include "alias.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authority.h"
#include "setup_internal.h"
#include "sigillo/ascii.h"

#define OWN_CACHE   (1024u * 1024u)
#define NAME_MEMORY 4096
#define QUESTIONS   1
#define ALIASES_MAX 32

struct aliasing {
    struct loop_task task; /* first: cast from it */
    struct aliasing *next, **prev;
    struct setup *setup;
    struct config *config; /* a reference */
    struct setup_alias *asked;
    struct sgl_arena arena;
    struct sgl_name name;
    struct sgl_dns find_dns, dns;
    struct resolver *own;
    struct resolver_fill fill;
    struct loop_later later;
    uint64_t deadline_ms;
};

static void aliasing_free(struct aliasing *a)
{
    if (a->prev != NULL) {
        *a->prev = a->next;
        if (a->next != NULL)
            a->next->prev = a->prev;
        a->setup->aliases_open--;
    }
    resolver_free(a->own);
    config_unref(a->config);
    sgl_dns_done(&a->find_dns);
    sgl_dns_done(&a->dns);
    sgl_arena_done(&a->arena);
    free(a);
}

void aliases_cut(struct setup *s)
{
    while (s->aliases != NULL) {
        resolver_cancel(&s->aliases->fill);
        loop_later_cancel(&s->aliases->later);
        aliasing_free(s->aliases);
    }
}

/* ---- ends ---- */

/* On the caller's loop. */
static void answer(struct loop_task *task)
{
    struct setup_alias *asked =
        (struct setup_alias *)(void *)((char *)task - offsetof(struct setup_alias, task));

    asked->done(asked);
}

static void answer_later(struct setup_alias *asked)
{
    asked->task.run = answer;
    loop_post(asked->loop, &asked->task);
}

static void finish_later(struct loop_later *later)
{
    struct aliasing *a =
        (struct aliasing *)(void *)((char *)later - offsetof(struct aliasing, later));
    struct setup_alias *asked = a->asked;

    aliasing_free(a);
    answer_later(asked);
}

static void finish(struct aliasing *a, enum setup_result result, const char *why)
{
    a->asked->result = result;
    snprintf(a->asked->why, sizeof(a->asked->why), "%s", why);
    loop_later(a->setup->parts.loop, &a->later);
}

/* ---- asked ---- */

static void ask(struct aliasing *a);
static void find(struct aliasing *a);

static void asked(struct resolver_fill *fill)
{
    ask((struct aliasing *)(void *)((char *)fill - offsetof(struct aliasing, fill)));
}

static void found(struct resolver_fill *fill)
{
    find((struct aliasing *)(void *)((char *)fill - offsetof(struct aliasing, fill)));
}

/* share: of the time that is left. */
static void fill(struct aliasing *a, struct resolver *resolver, struct sgl_dns *dns, unsigned share,
                 void (*done)(struct resolver_fill *fill))
{
    uint64_t now = clock_mono_ms(), left = now < a->deadline_ms ? a->deadline_ms - now : 0;

    a->fill = (struct resolver_fill){.dns = dns, .timeout_ms = left / share + 1, .done = done};
    resolver_fill(resolver, &a->fill);
}

static void take_name(sgl_view name, char to[256])
{
    size_t len = name.len < 256 ? name.len : 0;

    for (size_t i = 0; i < len; i++)
        to[i] = sgl_ascii_is_visible(name.ptr[i]) ? (char)sgl_ascii_lower(name.ptr[i]) : '?';
    while (len > 0 && to[len - 1] == '.')
        len--;
    to[len] = '\0';
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void take_hosts(struct setup_alias *to, const struct sgl_dns_answer *answer)
{
    for (size_t i = 0; i < answer->count && to->mxs < SETUP_MX_MAX; i++) {
        char *name = to->mx[to->mxs];
        bool known = false;

        take_name(answer->rr[i].mx.host.text, name);
        for (size_t k = 0; k < to->mxs; k++)
            known = known || strcmp(to->mx[k], name) == 0;
        to->mxs += !known;
    }
    qsort(to->mx, to->mxs, sizeof(to->mx[0]), by_name);
}

static void judge(struct aliasing *a, const struct sgl_dns_answer *answer)
{
    if (sgl_dns_is_error(answer)) {
        finish(a, SETUP_FAILED, answer->why);
        return;
    }
    if (answer->outcome == SGL_DNS_OK && answer->count > 0 && a->asked->of == SETUP_MX)
        take_hosts(a->asked, answer);
    else if (answer->outcome == SGL_DNS_OK && answer->count > 0)
        take_name(answer->rr[0].name.text, a->asked->target);
    finish(a, SETUP_CHECKED, "");
}

static void ask(struct aliasing *a)
{
    const struct sgl_dns_answer *answer = NULL;
    enum sgl_status status =
        sgl_dns_get(&a->dns, a->name, a->asked->of == SETUP_MX ? SGL_RR_MX : SGL_RR_CNAME, &answer);

    if (status == SGL_NEED_DNS)
        fill(a, a->own != NULL ? a->own : a->setup->parts.resolver, &a->dns, 1, asked);
    else if (status != SGL_OK)
        finish(a, SETUP_FAILED, "there is no memory left");
    else
        judge(a, answer);
}

/* ---- found ---- */

/* With none of its servers found whoever the root leads to is asked. */
static void ask_own(struct aliasing *a, const struct authority *authority)
{
    struct resolver_config config = a->setup->resolver_config;
    const char *server[AUTHORITY_SERVERS_MAX];
    char zone[SGL_LIMIT_NAME_TEXT + 2], why[256];

    config.cache_bytes = OWN_CACHE;
    if (authority->servers > 0) {
        for (size_t i = 0; i < authority->servers; i++)
            server[i] = authority->server[i];
        snprintf(zone, sizeof(zone), "%.*s.", SGL_FMT(authority->zone.text));
        config.stub_zone = zone;
        config.stub_server = server;
        config.stub_servers = authority->servers;
    }
    a->own = resolver_new(a->setup->parts.loop, &config, why, sizeof(why));
    if (a->own == NULL)
        finish(a, SETUP_FAILED, "no resolver could be made");
    else
        ask(a);
}

static void find(struct aliasing *a)
{
    struct authority authority = {.servers = 0};
    enum sgl_status status = authority_find(a->name, &a->find_dns, &authority);

    if (status == SGL_NEED_DNS)
        fill(a, a->setup->parts.resolver, &a->find_dns, 2, found);
    else if (status != SGL_OK)
        finish(a, SETUP_FAILED, "the zone's name servers could not be found");
    else
        ask_own(a, &authority);
}

static void begin(struct loop_task *task)
{
    struct aliasing *a = (struct aliasing *)(void *)task;
    struct setup *s = a->setup;

    a->config = config_ref(s->config);
    a->deadline_ms = clock_mono_ms() + a->config->verification.timeout_ms;
    a->next = s->aliases;
    a->prev = &s->aliases;
    if (a->next != NULL)
        a->next->prev = &a->next;
    s->aliases = a;
    if (s->aliases_open++ >= ALIASES_MAX)
        finish(a, SETUP_BUSY, "too many checks are running; try again soon");
    else if (sgl_name_parse(sgl_view_cstr(a->asked->name), SGL_NAME_HOST, &a->arena, NULL,
                            &a->name) != SGL_OK)
        finish(a, SETUP_FAILED, "this is not the name of a host");
    else if (a->config->verification.ask == ASK_AUTHORITATIVE)
        find(a);
    else
        ask(a);
}

void setup_alias(struct setup *s, struct setup_alias *asked)
{
    struct aliasing *a = calloc(1, sizeof(*a));

    asked->target[0] = '\0';
    asked->mxs = 0;
    if (a == NULL) {
        asked->result = SETUP_FAILED;
        snprintf(asked->why, sizeof(asked->why), "there is no memory left");
        answer_later(asked);
        return;
    }
    *a = (struct aliasing){
        .task = {.run = begin}, .setup = s, .asked = asked, .later = {.run = finish_later}};
    sgl_arena_init(&a->arena, NAME_MEMORY);
    sgl_dns_init(&a->find_dns, AUTHORITY_QUESTIONS);
    sgl_dns_init(&a->dns, QUESTIONS);
    loop_post(s->parts.loop, &a->task);
}
