/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of an evaluation, for those who want to know why. */
#include "sigillo/banned.h"
#include "spf_check_internal.h"

enum { FIRST_ROOM = 16 };

static enum sgl_status grow(struct spf_check *c)
{
    struct spf_trace *t = &c->trace;
    size_t room = t->room == 0 ? FIRST_ROOM : 2 * t->room;
    struct sgl_spf_step *step = SGL_NEW_N(c->arena, room, struct sgl_spf_step);

    if (step == NULL)
        return c->arena->status;
    if (t->count > 0)
        memcpy(step, t->step, t->count * sizeof *step);
    t->step = step;
    t->room = room;
    return SGL_OK;
}

enum sgl_status sgl_spf_trace_add(struct spf_check *c, const struct spf_run *run,
                                  enum sgl_spf_outcome outcome)
{
    struct spf_trace *t = &c->trace;

    if (!c->request->trace)
        return SGL_OK;
    if (t->count == t->room)
        SGL_TRY(grow(c));
    t->step[t->count++] = (struct sgl_spf_step){
        .depth = run->level->depth,
        .domain = run->level->domain.text,
        .term = run->text,
        .target = run->target.text,
        .outcome = outcome,
        .lookups = c->lookups,
        .void_lookups = c->voids,
        .why = outcome == SGL_SPF_ENTERED ? "" : run->why,
    };
    return SGL_OK;
}
