/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Suppressions that are over: they do not count from that second on, leave the set at the next sweep, and then the store.
 *
 *   swept (the set) -> read (a worker finds up to 500 rows that are over) -> deleted -> read further ... -> done
 *
 * A row is deleted only as it was read, so that one renewed meanwhile stays.  Until a sweep has come to its end without a fault, the next one reads the store again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../log/log.h"
#include "directory_internal.h"
#include "sigillo/arena.h"

#define SWEEP_ROWS  500u
#define PAGE_ROWS   1000u
#define SWEEP_BYTES (SWEEP_ROWS * 1024u)
#define KEY_MAX     1024u
#define SUPPRESSION SGL_LIT(SUPPRESSION_KIND)

struct sweep {
    struct store_noun_op op; /* first: cast from it */
    struct work work;
    struct directory *d;
    struct sgl_arena arena; /* the keys */
    struct store_noun noun[SWEEP_ROWS];
    struct sgl_buf after; /* the last key that was read */
    size_t page;          /* rows of the present page */
    int64_t now;
    enum store_result result;
    uint64_t deleted;
    bool begun, complete; /* is on its way; the last one came to its end */
};

static int64_t expires_at(const json_t *json)
{
    return json_integer_value(json_object_get(json, "expires_at"));
}

/* ---- at start ---- */

struct reader {
    struct directory *d;
    char *why;
    size_t why_size;
    int64_t now;
    bool failed;
};

static bool read_one(void *ctx, const struct store_noun *noun)
{
    struct reader *r = ctx;
    json_t *json = json_loadb((const char *)noun->value.ptr, noun->value.len, 0, NULL);
    int64_t until = expires_at(json);
    bool exact = json_integer_value(json_object_get(json, "exact")) != 0;
    enum suppression_reason reason;

    if (!suppression_reason_parse(sgl_view_cstr(json_string_value(json_object_get(json, "reason"))),
                                  &reason) ||
        ((until == 0 || until > r->now) &&
         !(suppression_note_list(r->d, noun->key) &&
           suppression_set_put(&r->d->suppressed, noun->key,
                               (unsigned)reason | (exact ? SUPPRESSION_WORD_EXACT : 0u), until)))) {
        snprintf(r->why, r->why_size, "the stored suppression \"%.*s\" cannot be read",
                 SGL_FMT(sgl_view_sub(noun->key, 0, 100)));
        r->failed = true;
    }
    json_decref(json);
    return !r->failed;
}

bool suppressions_read(struct directory *d, char *why, size_t why_size)
{
    struct reader r = {.d = d, .why = why, .why_size = why_size, .now = clock_now_s()};
    enum store_result result = store_read_nouns(d->store, SUPPRESSION, read_one, &r);

    if (result != STORE_OK && !r.failed)
        snprintf(why, why_size, "cannot read the stored suppressions: %s",
                 store_result_text(result));
    return result == STORE_OK && !r.failed;
}

/* ---- from time to time ---- */

static bool sweep_one(void *ctx, const struct store_noun *noun)
{
    struct sweep *s = ctx;
    json_t *json = json_loadb((const char *)noun->value.ptr, noun->value.len, 0, NULL);
    int64_t until = expires_at(json);
    struct store_noun *to = &s->noun[s->op.nouns];

    json_decref(json);
    sgl_buf_reset(&s->after);
    sgl_buf_add(&s->after, noun->key);
    s->page++;
    if (s->after.status != SGL_OK)
        s->result = STORE_NOMEM;
    if (until == 0 || until > s->now)
        return s->result == STORE_OK;
    *to = (struct store_noun){.kind = SUPPRESSION, .version = noun->version};
    if (sgl_arena_dup(&s->arena, noun->key, &to->key) != SGL_OK)
        s->result = STORE_NOMEM;
    else
        s->op.nouns++;
    return s->result == STORE_OK && s->op.nouns < SWEEP_ROWS;
}

static void read_on_worker(struct work *w)
{
    struct sweep *s = (struct sweep *)(void *)((char *)w - offsetof(struct sweep, work));
    struct store_noun_page page = {.kind = SUPPRESSION, .max = PAGE_ROWS};

    sgl_arena_reset(&s->arena);
    s->op.nouns = 0;
    s->result = STORE_OK;
    do {
        enum store_result result;

        s->page = 0;
        page.after = sgl_buf_view(&s->after);
        result = store_read_noun_page(s->d->store, &page, sweep_one, s);
        if (result != STORE_OK)
            s->result = result;
    } while (s->result == STORE_OK && s->page == PAGE_ROWS && s->op.nouns < SWEEP_ROWS);
}

static void end(struct sweep *s, bool complete)
{
    s->begun = false;
    s->complete = complete;
    sgl_arena_done(&s->arena);
    if (s->deleted > 0)
        log_line(LOG_INFO_, "suppressions expired", LOG_INT("count", (int64_t)s->deleted));
    if (!complete)
        log_line(LOG_INFO_, "expired suppressions are swept later",
                 LOG_STR("why", store_result_text(s->result)));
}

static void read_further(struct sweep *s)
{
    if (!workers_submit(s->d->workers, &s->work)) {
        s->result = STORE_BUSY;
        end(s, false);
    }
}

static void deleted(struct store_op *op)
{
    struct sweep *s = (struct sweep *)(void *)op;

    s->result = op->result;
    if (op->result != STORE_OK) {
        end(s, false);
        return;
    }
    s->deleted += s->op.nouns;
    read_further(s);
}

static void read_done(struct work *w)
{
    struct sweep *s = (struct sweep *)(void *)((char *)w - offsetof(struct sweep, work));

    if (s->result != STORE_OK || s->op.nouns == 0) {
        end(s, s->result == STORE_OK);
        return;
    }
    s->op.op = (struct store_op){.kind = STORE_NOUN_DELETE, .loop = s->d->loop, .done = deleted};
    s->op.noun = s->noun;
    store_submit(s->d->store, &s->op.op);
}

static struct sweep *sweep_new(struct directory *d)
{
    struct sweep *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->d = d;
    s->work = (struct work){.work = read_on_worker, .done = read_done, .loop = d->loop};
    sgl_buf_init(&s->after, KEY_MAX);
    return s;
}

void sweep_free(struct directory *d)
{
    if (d->sweep == NULL)
        return;
    sgl_buf_done(&d->sweep->after);
    sgl_arena_done(&d->sweep->arena);
    free(d->sweep);
    d->sweep = NULL;
}

void directory_sweep(struct directory *d)
{
    int64_t now = clock_now_s();
    size_t over;

    if (d->sweep == NULL)
        d->sweep = sweep_new(d);
    if (d->sweep == NULL || d->sweep->begun)
        return;
    pthread_rwlock_wrlock(&d->lock);
    over = suppression_set_expire(&d->suppressed, now);
    pthread_rwlock_unlock(&d->lock);
    if (over == 0 && d->sweep->complete)
        return;
    d->sweep->begun = true;
    d->sweep->complete = false;
    d->sweep->now = now;
    d->sweep->deleted = 0;
    sgl_buf_reset(&d->sweep->after);
    sgl_arena_init(&d->sweep->arena, SWEEP_BYTES);
    read_further(d->sweep);
}
