/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches: a row for each, with what is decided of it, and a row for each message that has one.
 *
 * Those that do not go are also in memory, so that whoever is about to hand out a message can ask without waiting.  The writer alone changes that list, after the commit and before
 * the operation's done(): what it needs for that is allocated before the commit, since nothing may fail behind it.
 */
#include <stdlib.h>

#include "sigillo/banned.h"
#include "sqlite_internal.h"

/* ---- in memory ---- */

static char *name_of(sgl_view subscription, sgl_view id)
{
    char *name = malloc(subscription.len + id.len + 2);

    if (name == NULL)
        return NULL;
    memcpy(name, subscription.ptr, subscription.len);
    name[subscription.len] = '/';
    memcpy(name + subscription.len + 1, id.ptr, id.len);
    name[subscription.len + 1 + id.len] = '\0';
    return name;
}

/* Below 0, 0, above 0: the name, and the two parts with a slash between them. */
static int compare(const char *name, sgl_view subscription, sgl_view id)
{
    int order = strncmp(name, (const char *)subscription.ptr, subscription.len);

    if (order != 0)
        return order;
    name += subscription.len;
    if (*name != '/')
        return *name < '/' ? -1 : 1;
    order = strncmp(name + 1, (const char *)id.ptr, id.len);
    return order != 0 ? order : name[1 + id.len] != '\0';
}

/* Its place, or where it belongs. */
static size_t place_of(const struct batches *b, sgl_view subscription, sgl_view id, bool *found)
{
    const struct batch_stop *stop = b->stops.item;
    size_t low = 0, high = b->stops.count;

    *found = false;
    while (low < high && !*found) {
        size_t middle = low + (high - low) / 2;
        int order = compare(stop[middle].name, subscription, id);

        *found = order == 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return high;
}

enum batch_status store_batch_status(struct store *store, sgl_view subscription, sgl_view id)
{
    struct batches *b = &store->batches;
    enum batch_status status = BATCH_GOES;
    bool found;
    size_t at;

    if (id.len == 0)
        return BATCH_GOES;
    pthread_rwlock_rdlock(&b->lock);
    at = place_of(b, subscription, id, &found);
    if (found)
        status = ((struct batch_stop *)b->stops.item)[at].status;
    pthread_rwlock_unlock(&b->lock);
    return status;
}

/* The name becomes the list's, or goes. There is room. */
static void settle_one(struct batches *b, struct batch_stop *change)
{
    sgl_view subscription, id = sgl_view_cstr(change->name);
    struct batch_stop *stop;
    bool found;
    size_t at;

    subscription = sgl_view_split(id, '/', &id);
    at = place_of(b, subscription, id, &found);
    if (!found && change->status != BATCH_GOES) {
        (void)vector_add(&b->stops);
        stop = (struct batch_stop *)b->stops.item + at;
        memmove(stop + 1, stop, (b->stops.count - 1 - at) * sizeof(*stop));
        *stop = *change;
        return;
    }
    stop = (struct batch_stop *)b->stops.item + at;
    free(change->name);
    if (found && change->status != BATCH_GOES) {
        stop->status = change->status;
    } else if (found) {
        free(stop->name);
        memmove(stop, stop + 1, (b->stops.count - 1 - at) * sizeof(*stop));
        b->stops.count--;
    }
}

void batches_settle(struct store *store)
{
    struct vector *changes = &store->pending.stops;

    if (changes->count == 0)
        return;
    pthread_rwlock_wrlock(&store->batches.lock);
    for (size_t i = 0; i < changes->count; i++)
        settle_one(&store->batches, (struct batch_stop *)changes->item + i);
    pthread_rwlock_unlock(&store->batches.lock);
    changes->count = 0;
}

void batches_forget(struct store *store)
{
    struct vector *changes = &store->pending.stops;

    for (size_t i = 0; i < changes->count; i++)
        free(((struct batch_stop *)changes->item)[i].name);
    changes->count = 0;
}

/* So many more fit without an allocation. */
static bool reserve(struct store *store, size_t more)
{
    struct vector *stops = &store->batches.stops;
    size_t count = stops->count;
    bool fits = true;

    if (count + more <= stops->capacity)
        return true;
    pthread_rwlock_wrlock(&store->batches.lock);
    while (fits && stops->count < count + more)
        fits = vector_add(stops) != NULL;
    stops->count = count;
    pthread_rwlock_unlock(&store->batches.lock);
    return fits;
}

static void note_status(struct store *store, sgl_view subscription, sgl_view id,
                        enum batch_status status)
{
    char *name = name_of(subscription, id);
    struct batch_stop *change = NULL;

    if (name != NULL && reserve(store, store->pending.stops.count + 1))
        change = vector_add(&store->pending.stops);
    if (change == NULL) {
        free(name);
        store->pending.nomem = true;
        return;
    }
    *change = (struct batch_stop){name, status};
}

void batches_init(struct store *store)
{
    store->pending.stops.size = store->batches.stops.size = sizeof(struct batch_stop);
    pthread_rwlock_init(&store->batches.lock, NULL);
}

void batches_done(struct store *store)
{
    struct batch_stop *stop = store->batches.stops.item;

    for (size_t i = 0; i < store->batches.stops.count; i++)
        free(stop[i].name);
    vector_done(&store->batches.stops);
    batches_forget(store);
    vector_done(&store->pending.stops);
    pthread_rwlock_destroy(&store->batches.lock);
}

bool batches_load(struct store *store)
{
    static const char text[] = "SELECT subscription,id,status FROM batch WHERE status>0";
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(store->db.handle, text, -1, &s, NULL);

    while (code == SQLITE_OK && (code = sqlite3_step(s)) == SQLITE_ROW) {
        note_status(store, sql_view(s, 0), sql_view(s, 1),
                    (enum batch_status)sqlite3_column_int(s, 2));
        code = store->pending.nomem ? SQLITE_NOMEM : SQLITE_OK;
    }
    sqlite3_finalize(s);
    batches_settle(store);
    return code == SQLITE_DONE;
}

/* ---- in the store ---- */

bool batch_get(struct store *store, sgl_view subscription, sgl_view id, enum batch_status *out)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_BATCH_GET);

    sql_bind_view(s, 1, subscription);
    sql_bind_view(s, 2, id);
    if (!sql_step(&store->db, s))
        return false;
    *out = (enum batch_status)sqlite3_column_int(s, 0);
    sqlite3_reset(s);
    return true;
}

/* Has the subscription so many of at least this status? */
static bool has_many(struct store *store, sgl_view subscription, enum batch_status status, int max)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_BATCH_COUNT);
    bool many;

    sql_bind_view(s, 1, subscription);
    sqlite3_bind_int(s, 2, (int)status);
    sqlite3_bind_int(s, 3, max);
    many = sql_step(&store->db, s) && sqlite3_column_int(s, 0) >= max;
    sqlite3_reset(s);
    return many;
}

enum store_result apply_batch(struct store *store, struct store_batch *b)
{
    enum batch_status status;
    sqlite3_stmt *s;

    if (batch_get(store, b->subscription, b->id, &status))
        return STORE_EXISTS;
    if (has_many(store, b->subscription, BATCH_GOES, STORE_BATCHES_MAX))
        return STORE_BUSY;
    s = sql_use(&store->db, SQL_BATCH_ADD);
    sql_bind_view(s, 1, b->subscription);
    sql_bind_view(s, 2, b->id);
    sqlite3_bind_int64(s, 3, b->at_ms);
    if (store->db.hard == 0)
        sql_run(&store->db, s);
    return STORE_OK;
}

enum store_result batch_control(struct store *store, const struct store_control *c)
{
    enum batch_status now, then = c->verb == CONTROL_HOLD     ? BATCH_PAUSED
                                  : c->verb == CONTROL_CANCEL ? BATCH_CANCELLED
                                                              : BATCH_GOES;
    sqlite3_stmt *s;

    if (!batch_get(store, c->subscription, c->batch, &now))
        return STORE_NOT_FOUND;
    if (c->batch_new && now != BATCH_GOES)
        return STORE_EXISTS;
    if (!c->batch_new && now == BATCH_GOES)
        return STORE_CONFLICT;
    if (c->batch_new && has_many(store, c->subscription, BATCH_PAUSED, STORE_BATCHES_STOPPED_MAX))
        return STORE_BUSY;
    s = sql_use(&store->db, SQL_BATCH_SET);
    sql_bind_view(s, 1, c->subscription);
    sql_bind_view(s, 2, c->batch);
    sqlite3_bind_int(s, 3, (int)then);
    if (store->db.hard == 0 && sql_run(&store->db, s))
        note_status(store, c->subscription, c->batch, then);
    return STORE_OK;
}

void batch_add_message(struct store *store, const struct store_message *m)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_BATCH_MESSAGE_ADD);

    sql_bind_view(s, 1, m->subscription);
    sql_bind_view(s, 2, m->batch);
    sql_bind_u64(s, 3, m->id);
    sql_run(&store->db, s);
}

/* Old ones of which no message is known any more. */
void batches_expire(struct store *store, int64_t before_ms)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_OLD_BATCHES), *gone;

    if (store->db.hard != 0)
        return;
    sqlite3_bind_int64(s, 1, before_ms);
    while (sql_step(&store->db, s)) {
        note_status(store, sql_view(s, 0), sql_view(s, 1), BATCH_GOES);
        gone = sql_use(&store->db, SQL_BATCH_DELETE);
        sql_bind_view(gone, 1, sql_view(s, 0));
        sql_bind_view(gone, 2, sql_view(s, 1));
        if (!sql_run(&store->db, gone))
            break;
    }
    sqlite3_reset(s);
}
