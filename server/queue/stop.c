/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is not to be sent to any more, though mail for him waits already.  Asked when a job is about to be handed out, so that no order of events, and no crash between two of
 * them, lets an attempt through:
 *
 *   taken from its line -> all may go: handed out
 *                       -> some may not: they end as suppressed, the others are handed out
 *                       -> the answer is in the body, which is not in memory: brought there, then lined up again
 *                       -> its batch is paused or cancelled: it goes back to the store, which has or soon will have written that
 */
#include <stdlib.h>

#include "../store/json_text.h"
#include "queue_internal.h"
#include "sigillo/banned.h"

#define DETAIL_MAX 400u

void queue_set_stop(struct queue *q, const struct queue_stop *stop)
{
    q->stop = *stop;
}

void queue_set_alone(struct queue *q, const struct queue_alone *alone)
{
    q->alone = *alone;
}

static void wait_a_moment(struct queue *q, struct qjob *j)
{
    job_wait(j, queue_now(q) + PUT_BACK_S);
}

/* ---- the body is wanted first ---- */

struct fetch {
    struct work work; /* first */
    struct queue *q;
    struct qjob *job;
    struct body *body;
};

static void fetch(struct work *w)
{
    struct fetch *f = (struct fetch *)(void *)w;

    if (store_read_body(f->q->store, f->job->env->m->id, &f->body) != STORE_OK)
        f->body = NULL;
}

/* A hand may have reached for it meanwhile: the store knows what it wrote. */
static void put_back(struct queue *q, struct qjob *j)
{
    struct rcpt_outcome *o = calloc(j->job.rcpts, sizeof(*o));

    if (o == NULL) {
        j->env->out--;
        q->out--;
        atomic_fetch_sub_explicit(&q->n_out, 1, memory_order_relaxed);
        wait_a_moment(q, j);
        return;
    }
    for (size_t i = 0; i < j->job.rcpts; i++)
        o[i].verdict = RCPT_UNTRIED;
    queue_outcome(q, &j->job, o, NULL, 0, UINT32_MAX);
    free(o);
}

static void fetched(struct work *w)
{
    struct fetch *f = (struct fetch *)(void *)w;
    struct queue *q = f->q;
    struct qjob *j = f->job;
    bool goes = f->body != NULL && !q->draining;

    for (size_t i = 0; i < j->job.rcpts; i++)
        goes = goes && j->rcpt[i]->state == RCPT_QUEUED;
    if (j->env->body == NULL && f->body != NULL)
        envelope_set_body(j->env, f->body);
    else
        body_unref(f->body);
    free(f);
    if (!goes) {
        put_back(q, j);
        return;
    }
    j->env->out--;
    q->out--;
    atomic_fetch_sub_explicit(&q->n_out, 1, memory_order_relaxed);
    j->job.body = NULL;
    line_up(j);
}

static void fetch_body(struct queue *q, struct qjob *j)
{
    struct fetch *f = calloc(1, sizeof(*f));

    if (f != NULL) {
        *f = (struct fetch){
            .work = {.work = fetch, .done = fetched, .loop = q->loop}, .q = q, .job = j};
        job_take_out(j);
        if (workers_submit(q->workers, &f->work))
            return;
        put_back(q, j);
        free(f);
        return;
    }
    wait_a_moment(q, j);
}

/* ---- the end of some ---- */

static sgl_view detail_of(struct sgl_buf *text, const char *why)
{
    sgl_buf_add_byte(text, '{');
    json_text_member(text, "reason", sgl_view_cstr(why));
    sgl_buf_add_byte(text, '}');
    return text->status == SGL_OK ? sgl_buf_view(text) : SGL_LIT("{}");
}

/* All of the job end; why: for each. false: memory has ended. */
static bool end_all(struct queue *q, struct qjob *j, const struct queue_stop_why *why)
{
    size_t n = j->job.rcpts;
    struct rcpt_outcome *o = calloc(n, sizeof(*o));
    struct store_event *e = calloc(n, sizeof(*e));
    struct sgl_buf *text = calloc(n, sizeof(*text));
    bool fits = o != NULL && e != NULL && text != NULL;

    for (size_t i = 0; fits && i < n; i++) {
        text[i] = (struct sgl_buf)SGL_BUF_INIT(DETAIL_MAX);
        o[i] = (struct rcpt_outcome){
            .verdict = RCPT_STOPPED, .reason = sgl_view_cstr(why[i].text), .drop = why[i].drop};
        e[i] = (struct store_event){.at_ms = queue_now(q) * 1000,
                                    .rcpt = j->rcpt[i]->id,
                                    .kind = SGL_LIT("suppressed"),
                                    .detail = detail_of(&text[i], why[i].text)};
    }
    if (fits) {
        job_take_out(j);
        queue_outcome(q, &j->job, o, e, n, UINT32_MAX);
    }
    for (size_t i = 0; fits && i < n; i++)
        sgl_buf_done(&text[i]);
    free(text);
    free(e);
    free(o);
    return fits;
}

/* Those that end become a job of their own. */
static struct qjob *split(struct queue *q, struct qjob *j, struct queue_stop_why *why, size_t ends)
{
    struct qjob *ended = job_new(j->env, j->job.dest, ends);
    bool stack[128], *keep = j->job.rcpts <= 128 ? stack : malloc(j->job.rcpts * sizeof(bool));

    if (ended == NULL || keep == NULL) {
        if (ended != NULL)
            job_free(ended);
        if (keep != stack)
            free(keep);
        return NULL;
    }
    ended->place = OUT; /* in no line */
    ended->lease_until = j->lease_until;
    for (size_t i = 0; i < j->job.rcpts; i++) {
        keep[i] = why[i].text == NULL;
        if (keep[i])
            continue;
        why[ended->job.rcpts] = why[i];
        job_add_rcpt(ended, j->rcpt[i]);
    }
    atomic_fetch_add(&q->held_rcpts, ends); /* job_shrink() takes them off */
    job_shrink(j, keep);
    if (keep != stack)
        free(keep);
    return ended;
}

/* ---- the question ---- */

/* why: of each that ends, without a text of the others. */
static enum queue_stop_answer ask(struct queue *q, struct qjob *j, struct queue_stop_why *why,
                                  size_t *ends)
{
    sgl_view body = {NULL, 0};

    *ends = 0;
    if (j->env->body != NULL)
        body = sgl_view_of(j->env->body->bytes, j->env->body->len);
    for (size_t i = 0; i < j->job.rcpts; i++) {
        enum queue_stop_answer a;

        why[i] = (struct queue_stop_why){NULL, 0};
        a = q->stop.stopped(q->stop.ctx, j->env->m, j->rcpt[i], body, &why[i]);
        if (a == QUEUE_STOP_YIELDS || (a == QUEUE_STOP_WANTS_BODY && body.ptr == NULL))
            return a;
        if (a == QUEUE_STOP_ENDS)
            ++*ends;
        else
            why[i] = (struct queue_stop_why){NULL, 0};
    }
    return *ends > 0 ? QUEUE_STOP_ENDS : QUEUE_STOP_GOES;
}

struct qjob *queue_stop_some(struct queue *q, struct qjob *j)
{
    struct queue_stop_why stack[128], *why = stack;
    struct qjob *goes = j, *ended = j;
    size_t ends = 0;

    if (q->stop.stopped == NULL)
        return j;
    if (j->job.rcpts > 128)
        why = calloc(j->job.rcpts, sizeof(*why));
    if (why == NULL) {
        wait_a_moment(q, j);
        return NULL;
    }
    switch (ask(q, j, why, &ends)) {
    case QUEUE_STOP_GOES:
        break;
    case QUEUE_STOP_WANTS_BODY:
        goes = NULL;
        fetch_body(q, j);
        break;
    case QUEUE_STOP_YIELDS:
        goes = NULL;
        job_take_out(j);
        put_back(q, j);
        break;
    case QUEUE_STOP_ENDS:
        goes = NULL;
        if (ends < j->job.rcpts) {
            ended = split(q, j, why, ends);
            goes = ended == NULL ? NULL : j;
        }
        if (ended == NULL)
            wait_a_moment(q, j);
        else if (!end_all(q, ended, why))
            wait_a_moment(q, ended);
        break;
    }
    if (why != stack)
        free(why);
    return goes;
}
