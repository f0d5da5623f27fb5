/* SPDX-License-Identifier: Apache-2.0 */
/*
 * At start the sealed DKIM keys go into the keys process, a few at a time.  A key that cannot be opened there is logged and never signs; when the process is down the
 * loading goes on a second later.  After a restart of the keys process its client loads everything again by itself.
 */
#include <stdlib.h>

#include "../log/log.h"
#include "domain_internal.h"

#define AGAIN_S 1

struct load_op {
    struct keys_op op;
    struct directory *d;
    struct domain *domain; /* a reference; NULL: idle */
    size_t selector;
    char *context;
    uint8_t *space; /* the sealed key, while it is read from the file */
};

static void load_more(struct directory *d);

static void load_end(struct load_op *l)
{
    free(l->context);
    free(l->space);
    l->context = NULL;
    l->space = NULL;
    domain_unref(l->domain);
    l->domain = NULL;
}

static void load_later(struct directory *d)
{
    struct timeval wait = {AGAIN_S, 0};

    (void)event_add(d->load_again, &wait);
}

static void loaded(struct keys_op *op)
{
    struct load_op *l = (struct load_op *)(void *)op;
    struct directory *d = l->d;
    struct selector *s = &l->domain->selector[l->selector];

    switch (op->result) {
    case KEYS_OK:
        atomic_store(&s->key->handle, op->handle);
        break;
    case KEYS_DOWN:
    case KEYS_BUSY:
        load_later(d); /* the slot stays taken, and is submitted again */
        return;
    case KEYS_REFUSED:
        log_line(LOG_ERROR_, "key cannot be opened", LOG_STR("domain", l->domain->name),
                 LOG_STR("selector", s->name));
        break;
    }
    load_end(l);
    atomic_fetch_sub(&d->loading, 1);
    load_more(d);
}

static void submit(struct load_op *l)
{
    const struct selector *s = &l->domain->selector[l->selector];

    l->op.verb = KEYS_LOAD;
    l->op.loop = l->d->loop;
    l->op.done = loaded;
    l->op.in = selector_key_sealed(s->key, l->space);
    l->op.context = sgl_view_cstr(l->context);
    keys_submit(l->d->keys, &l->op);
}

/* Hands the next selector to an idle slot; false when none is left. */
static bool load_next(struct directory *d, struct load_op *l)
{
    while (d->load_next < d->to_loads) {
        struct domain *domain = d->to_load[d->load_next];

        if (d->load_selector >= domain->selectors) {
            d->load_next++;
            d->load_selector = 0;
            continue;
        }
        l->domain = domain_ref(domain);
        l->selector = d->load_selector++;
        l->context = selector_context(domain->name, domain->selector[l->selector].name);
        l->space = malloc(KEYS_DATA_MAX);
        if (l->context == NULL || l->space == NULL) {
            load_end(l);
            d->load_selector--;
            load_later(d);
            return false;
        }
        submit(l);
        return true;
    }
    return false;
}

static void load_more(struct directory *d)
{
    for (size_t i = 0; i < LOADS_AT_ONCE; i++)
        if (d->load_op[i].domain == NULL && !load_next(d, &d->load_op[i]))
            break;
    if (d->load_next == d->to_loads && atomic_load(&d->loading) == 0)
        log_line(LOG_INFO_, "keys loaded", LOG_INT("domains", d->to_loads));
}

static void load_again(evutil_socket_t fd, short what, void *arg)
{
    struct directory *d = arg;

    (void)fd;
    (void)what;
    for (size_t i = 0; i < LOADS_AT_ONCE; i++)
        if (d->load_op[i].domain != NULL &&
            (d->load_op[i].op.result == KEYS_DOWN || d->load_op[i].op.result == KEYS_BUSY)) {
            d->load_op[i].op.result = KEYS_OK;
            submit(&d->load_op[i]);
        }
    load_more(d);
}

bool loads_start(struct directory *d)
{
    struct timeval now = {0, 0};
    size_t selectors = 0;

    d->to_load = (struct domain **)table_sorted(&d->table[DIRECTORY_DOMAIN], &d->to_loads);
    if (d->to_load == NULL && d->table[DIRECTORY_DOMAIN].used > 0)
        return false;
    for (size_t i = 0; i < d->to_loads; i++) {
        domain_ref(d->to_load[i]);
        selectors += d->to_load[i]->selectors;
    }
    atomic_store(&d->loading, selectors);
    if (selectors == 0 || d->keys == NULL)
        return true;
    d->load_op = calloc(LOADS_AT_ONCE, sizeof(*d->load_op));
    d->load_again = event_new(loop_base(d->loop), -1, 0, load_again, d);
    if (d->load_op == NULL || d->load_again == NULL)
        return false;
    for (size_t i = 0; i < LOADS_AT_ONCE; i++)
        d->load_op[i].d = d;
    return event_add(d->load_again, &now) == 0;
}

void loads_stop(struct directory *d)
{
    if (d->load_again != NULL)
        event_free(d->load_again);
    for (size_t i = 0; d->load_op != NULL && i < LOADS_AT_ONCE; i++)
        if (d->load_op[i].domain != NULL)
            load_end(&d->load_op[i]);
    for (size_t i = 0; i < d->to_loads; i++)
        domain_unref(d->to_load[i]);
    free(d->load_op);
    free(d->to_load);
}
