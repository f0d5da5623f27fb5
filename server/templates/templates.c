/* SPDX-License-Identifier: Apache-2.0 */
/* A call: on a worker it is read and thought of; a change then goes to the store, while the next one waits for its turn. */
#include "templates.h"

#include <stdlib.h>

#include "templates_internal.h"

struct templates *templates_new(struct store *store, struct workers *workers)
{
    struct templates *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return NULL;
    t->store = store;
    t->workers = workers;
    t->last = &t->first;
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

static void private_free(struct templates_private *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; p->text != NULL && i < p->op.nouns * 2; i++)
        free(p->text[i]);
    free(p->text);
    free(p->noun);
    free(p);
}

void templates_free(struct templates *t)
{
    if (t == NULL)
        return;
    pthread_mutex_destroy(&t->lock);
    free(t);
}

bool templates_hold(struct templates_call *c, size_t bytes)
{
    c->held += bytes;
    return atomic_fetch_add(&c->templates->held, bytes) + bytes <= TEMPLATES_HELD_MAX;
}

void templates_call_done(struct templates_call *c)
{
    if (c->held > 0)
        atomic_fetch_sub(&c->templates->held, c->held);
    c->held = 0;
    json_decref(c->json);
    json_decref(c->content);
    private_free(c->private_);
    c->json = c->content = c->row = NULL;
    c->private_ = NULL;
}

/* ---- turns ---- */

static bool changes(const struct templates_call *c)
{
    return c->verb != TEMPLATES_LIST && c->verb != TEMPLATES_GET &&
           c->verb != TEMPLATES_VERSION_GET;
}

static void begin(struct templates_call *c);

static void pass_turn(struct templates *t)
{
    struct templates_call *next;

    pthread_mutex_lock(&t->lock);
    next = t->first;
    t->turn_taken = next != NULL;
    if (next != NULL) {
        t->first = next->private_->next;
        if (t->first == NULL)
            t->last = &t->first;
    }
    pthread_mutex_unlock(&t->lock);
    if (next != NULL)
        begin(next);
}

/* true: it may begin; else it will, later. */
static bool take_turn(struct templates_call *c)
{
    struct templates *t = c->templates;
    bool free_now;

    pthread_mutex_lock(&t->lock);
    free_now = !t->turn_taken;
    t->turn_taken = true;
    if (!free_now) {
        *t->last = c;
        t->last = &c->private_->next;
    }
    pthread_mutex_unlock(&t->lock);
    return free_now;
}

/* ---- one call ---- */

static void finish(struct templates_call *c)
{
    struct templates *t = c->templates;

    if (changes(c) && c->private_ != NULL)
        pass_turn(t);
    c->done(c);
}

static void stored(struct store_op *op)
{
    struct store_noun_op *nouns = (struct store_noun_op *)(void *)op;
    struct templates_private *p =
        (struct templates_private *)(void *)((char *)nouns -
                                             offsetof(struct templates_private, op));
    struct templates_call *c = p->next;

    if (op->result != STORE_OK)
        (void)template_say(c, TEMPLATES_UNAVAILABLE, "", store_result_text(op->result));
    finish(c);
}

static void on_worker(struct work *w)
{
    struct templates_call *c = (struct templates_call *)(void *)w;

    if (c->verb == TEMPLATES_LIST)
        (void)template_list(c);
    else if (c->verb == TEMPLATES_GET)
        (void)template_load(c);
    else if (c->verb == TEMPLATES_VERSION_GET)
        (void)(template_load(c) && template_find_version(c) && template_load_version(c));
    else
        (void)template_change(c);
}

static void after_work(struct work *w)
{
    struct templates_call *c = (struct templates_call *)(void *)w;
    struct templates_private *p = c->private_;

    if (!changes(c) || c->result != TEMPLATES_OK) {
        finish(c);
        return;
    }
    p->next = c; /* it waits for no turn any more: stored() finds it here */
    p->op.op.loop = c->loop;
    p->op.op.done = stored;
    store_submit(c->templates->store, &p->op.op);
}

static void refused(struct loop_task *task)
{
    struct templates_call *c =
        (struct templates_call *)(void *)((char *)task -
                                          offsetof(struct templates_call, work.task));

    finish(c);
}

static void end_later(struct templates_call *c, const char *why)
{
    (void)template_say(c, TEMPLATES_UNAVAILABLE, "", why);
    c->work.task.run = refused;
    loop_post(c->loop, &c->work.task);
}

static void begin(struct templates_call *c)
{
    if (!workers_submit(c->templates->workers, &c->work))
        end_later(c, "Too much is waiting to be read; try again soon.");
}

void templates_call(struct templates *t, struct templates_call *c)
{
    c->templates = t;
    c->work = (struct work){.work = on_worker, .done = after_work, .loop = c->loop};
    if (!changes(c)) {
        begin(c);
        return;
    }
    c->private_ = calloc(1, sizeof(*c->private_));
    if (c->private_ == NULL)
        end_later(c, "The server has no memory left for this; try again soon.");
    else if (take_turn(c))
        begin(c);
}
