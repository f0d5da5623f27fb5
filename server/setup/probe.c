/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#include <stdio.h>

void probe_init(struct probe *p, const char *where, struct resolver *own, struct resolver *shared)
{
    snprintf(p->where, sizeof(p->where), "%s", where);
    p->own = own;
    p->asked = own != NULL ? own : shared;
    sgl_dns_init(&p->dns, SGL_LIMIT_SETUP_QUESTIONS);
    sgl_arena_init(&p->arena, SGL_LIMIT_SETUP_MEMORY);
}

static void go_on(struct probe *p);

static void answered(struct resolver_fill *fill)
{
    go_on((struct probe *)(void *)((char *)fill - offsetof(struct probe, fill)));
}

static void go_on(struct probe *p)
{
    enum sgl_status status;

    while ((status = sgl_setup_check(p->request, &p->dns, &p->arena, &p->seen)) == SGL_NEED_DNS) {
        uint64_t now = clock_mono_ms();

        if (now < p->deadline_ms) {
            p->fill = (struct resolver_fill){
                .dns = &p->dns, .timeout_ms = p->deadline_ms - now, .done = answered};
            resolver_fill(p->asked, &p->fill);
            return;
        }
        sgl_dns_fail_open(&p->dns, "no answer in time");
    }
    p->over = true;
    p->status = status;
    p->done(p);
}

void probe_ask(struct probe *p)
{
    p->over = false;
    sgl_arena_reset(&p->arena);
    go_on(p);
}

void probe_give_up(struct probe *p, const char *why)
{
    if (p->over)
        return;
    resolver_cancel(&p->fill);
    sgl_dns_fail_open(&p->dns, why);
    p->deadline_ms = 0;
    go_on(p);
}

void probe_stop(struct probe *p)
{
    resolver_cancel(&p->fill);
    resolver_free(p->own);
    p->own = p->asked = NULL;
}

void probe_done(struct probe *p)
{
    sgl_dns_done(&p->dns);
    sgl_arena_done(&p->arena);
}
