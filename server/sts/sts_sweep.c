/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies in the store, looked at again and again: those that have ended go, and those that have been here for a day are fetched again although nobody asks, so that who keeps
 * us from fetching has to do so for all of max_age  [RFC 8461 s3.3, s10.2].
 *
 *   a minute later: some rows (a worker) -> the ended ones are deleted, the due ones asked for -> a minute later ...; at the last row, from the first one again an hour later
 */
#include <stdlib.h>
#include <string.h>

#include "sts_internal.h"

#define TICK_S    60
#define ROUND_S   3600
#define ROWS      200u
#define DUE       20u
#define KEY_BYTES 65536u

struct sweep {
    struct store_noun_op op; /* first: cast from it */
    struct work work;
    struct sts *sts;
    struct event *tick;
    struct sgl_arena arena; /* the keys */
    struct store_noun ended[ROWS];
    sgl_view due[DUE];
    size_t dues, rows;
    struct sgl_buf after; /* the last key that was looked at */
    uint64_t bytes;       /* in this round */
    int64_t now, round_at;
    enum store_result result;
    bool busy;
};

static bool take_row(struct sweep *s, const struct store_noun *noun)
{
    struct sts_times times = {0};
    sgl_view key;

    if (sgl_arena_dup(&s->arena, noun->key, &key) != SGL_OK)
        return false;
    if (!row_times(noun->value, &times)) /* damaged: who asks for it hears that */
        return true;
    if (times.keep_until + STS_LEAST_S < s->now)
        s->ended[s->op.nouns++] =
            (struct store_noun){.kind = SGL_LIT(STS_KIND), .key = key, .version = noun->version};
    else if (times.expires_at > s->now && sts_is_due(times.fetched_at, times.expires_at, s->now))
        s->due[s->dues++] = key;
    return true;
}

static bool each_row(void *ctx, const struct store_noun *noun)
{
    struct sweep *s = ctx;

    s->rows++;
    s->bytes += noun->value.len;
    sgl_buf_reset(&s->after);
    sgl_buf_add(&s->after, noun->key);
    if (s->after.status != SGL_OK || !take_row(s, noun))
        s->result = STORE_NOMEM;
    return s->result == STORE_OK && s->dues < DUE;
}

static void read_on_worker(struct work *w)
{
    struct sweep *s = (struct sweep *)(void *)((char *)w - offsetof(struct sweep, work));
    struct store_noun_page page = {
        .kind = SGL_LIT(STS_KIND), .after = sgl_buf_view(&s->after), .max = ROWS};
    struct sgl_buf after = SGL_BUF_INIT(KEY_BYTES);
    enum store_result result;

    /* the cursor moves while the page is read */
    sgl_buf_add(&after, page.after);
    page.after = sgl_buf_view(&after);
    s->result = STORE_OK;
    s->rows = s->dues = s->op.nouns = 0;
    sgl_arena_reset(&s->arena);
    result = store_read_noun_page(s->sts->store, &page, each_row, s);
    if (result != STORE_OK || after.status != SGL_OK)
        s->result = result != STORE_OK ? result : STORE_NOMEM;
    sgl_buf_done(&after);
}

/* ---- on the loop ---- */

static void ask_again(struct sweep *s)
{
    for (size_t i = 0; i < s->dues; i++) {
        struct sgl_name name = {s->due[i]};
        struct sts_entry *e = cache_entry(s->sts, name);

        if (e != NULL && e->inquiry == NULL)
            (void)!find_begin(e);
    }
}

static void end_round(struct sweep *s)
{
    s->sts->stored = s->bytes;
    s->bytes = 0;
    sgl_buf_reset(&s->after);
    s->round_at = s->now + ROUND_S;
}

static void deleted(struct store_op *op)
{
    ((struct sweep *)(void *)op)->busy =
        false; /* what was renewed meanwhile stays, and all with it: another round comes */
}

static void read_done(struct work *w)
{
    struct sweep *s = (struct sweep *)(void *)((char *)w - offsetof(struct sweep, work));

    if (s->result != STORE_OK)
        log_line(LOG_WARN_, "MTA-STS policies cannot be looked through",
                 LOG_STR("why", store_result_text(s->result)));
    ask_again(s);
    if (s->result == STORE_OK && s->rows < ROWS && s->dues < DUE)
        end_round(s);
    s->busy = s->op.nouns > 0;
    if (!s->busy)
        return;
    s->op.op = (struct store_op){.kind = STORE_NOUN_DELETE, .loop = s->sts->loop, .done = deleted};
    s->op.noun = s->ended;
    s->op.audit = NULL;
    store_submit(s->sts->store, &s->op.op);
}

void sweep_tick(struct sts *sts)
{
    struct sweep *s = sts->sweep;
    int64_t now = clock_now_s();

    /* A round that begins later than a round can is one of another clock. */
    if (s->busy || (s->round_at > now && s->round_at - now <= ROUND_S))
        return;
    s->now = now;
    s->work.loop = s->sts->loop;
    s->busy = workers_submit(s->sts->workers, &s->work);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    sweep_tick(arg);
}

bool sweep_start(struct sts *sts)
{
    static const struct timeval every = {.tv_sec = TICK_S};
    struct sweep *s = calloc(1, sizeof(*s));

    sts->sweep = s;
    if (s == NULL)
        return false;
    s->sts = sts;
    s->work = (struct work){.work = read_on_worker, .done = read_done};
    s->after = (struct sgl_buf)SGL_BUF_INIT(KEY_BYTES);
    sgl_arena_init(&s->arena, KEY_BYTES * 2);
    s->tick = event_new(loop_base(sts->loop), -1, EV_PERSIST, on_tick, sts);
    return s->tick != NULL && event_add(s->tick, &every) == 0;
}

void sweep_stop(struct sts *sts)
{
    struct sweep *s = sts->sweep;

    if (s == NULL)
        return;
    if (s->tick != NULL)
        event_free(s->tick);
    sgl_arena_done(&s->arena);
    sgl_buf_done(&s->after);
    free(s);
}
