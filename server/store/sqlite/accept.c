/* SPDX-License-Identifier: Apache-2.0 */
/* A message with its recipients and its body becomes durable. */
#include <stdlib.h>

#include "../json_text.h"
#include "sigillo/banned.h"
#include "sqlite_internal.h"

/* ---- lanes by name: most messages go to a destination that was seen a moment ago ---- */

static uint64_t hash_names(sgl_view a, sgl_view b)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < a.len; i++)
        h = (h ^ a.ptr[i]) * UINT64_C(0x100000001b3);
    h = (h ^ 0xff) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < b.len; i++)
        h = (h ^ b.ptr[i]) * UINT64_C(0x100000001b3);
    return h;
}

static bool is_named(const struct lane_name *n, sgl_view domain, sgl_view subscription)
{
    return n->id != 0 && sgl_view_eq(sgl_view_of(n->text, n->domain_len), domain) &&
           sgl_view_eq(sgl_view_of(n->text + n->domain_len, n->subscription_len), subscription);
}

static void remember(struct lane_name *n, sgl_view domain, sgl_view subscription, uint64_t id)
{
    char *text = malloc(domain.len + subscription.len + 1);

    if (text == NULL)
        return;
    memcpy(text, domain.ptr, domain.len);
    if (subscription.len > 0)
        memcpy(text + domain.len, subscription.ptr, subscription.len);
    free(n->text);
    n->text = text;
    n->domain_len = domain.len;
    n->subscription_len = subscription.len;
    n->id = id;
}

static uint64_t lane_of(struct store *store, sgl_view domain, sgl_view subscription)
{
    struct lane_name *place = &store->lane_name[hash_names(domain, subscription) % LANE_NAMES];
    sqlite3_stmt *s;
    uint64_t id = 0;

    if (is_named(place, domain, subscription))
        return place->id;
    s = sql_use(&store->db, SQL_LANE_FIND);
    sql_bind_view(s, 1, domain);
    sql_bind_view(s, 2, subscription);
    if (sql_step(&store->db, s)) {
        id = sql_u64(s, 0);
        sqlite3_reset(s);
    } else if (store->db.hard == 0) {
        s = sql_use(&store->db, SQL_LANE_ADD);
        sql_bind_view(s, 1, domain);
        sql_bind_view(s, 2, subscription);
        if (sql_run(&store->db, s))
            id = (uint64_t)sqlite3_last_insert_rowid(store->db.handle);
    }
    if (id != 0)
        remember(place, domain, subscription, id);
    return id;
}

/* ---- the rows ---- */

static enum store_result find_key(struct store *store, struct store_accept *a)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_IDEMPOTENCY_FIND);
    sgl_view hash;
    bool same;

    sql_bind_view(s, 1, a->message->subscription);
    sql_bind_view(s, 2, a->idempotency_key);
    if (!sql_step(&store->db, s))
        return STORE_OK;
    hash = sql_view(s, 0);
    same = sgl_view_eq(hash, sgl_view_of(a->request_hash, sizeof(a->request_hash)));
    a->existing_id = sql_u64(s, 1);
    sqlite3_reset(s);
    return same ? STORE_EXISTS : STORE_CONFLICT;
}

static void add_key(struct store *store, const struct store_accept *a)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_IDEMPOTENCY_ADD);

    sql_bind_view(s, 1, a->message->subscription);
    sql_bind_view(s, 2, a->idempotency_key);
    sqlite3_bind_blob(s, 3, a->request_hash, sizeof(a->request_hash), SQLITE_STATIC);
    sql_bind_u64(s, 4, a->message->id);
    sqlite3_bind_int64(s, 5, a->message->accepted_at);
    sql_run(&store->db, s);
}

static int message_flags(const struct store_message *m)
{
    return (m->eightbit ? MESSAGE_FLAG_EIGHTBIT : 0) | (m->smtputf8 ? MESSAGE_FLAG_SMTPUTF8 : 0) |
           (m->require_tls ? MESSAGE_FLAG_REQUIRE_TLS : 0) | (m->tls & 3) << MESSAGE_TLS_SHIFT |
           (uint8_t)m->ret << MESSAGE_RET_SHIFT | m->bypass << MESSAGE_BYPASS_SHIFT;
}

static void add_message(struct store *store, const struct store_message *m, uint64_t first)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_MESSAGE_ADD);
    const sgl_view *text[] = {&m->subscription, &m->identity,    &m->env_from, &m->env_id,
                              &m->message_id,   &m->header_from, &m->subject,  &m->signed_by,
                              &m->door,         &m->peer,        &m->labels,   &m->batch,
                              &m->pool};

    sql_bind_u64(s, 1, m->id);
    sql_bind_u64(s, 2, first);
    sql_bind_u64(s, 3, m->rcpts);
    sqlite3_bind_int64(s, 4, m->accepted_at);
    sqlite3_bind_int64(s, 5, m->expires_at);
    sqlite3_bind_int64(s, 6, m->not_before);
    sql_bind_u64(s, 7, m->size);
    sqlite3_bind_int(s, 8, message_flags(m));
    for (int i = 0; i < MESSAGE_TEXTS; i++)
        sql_bind_view(s, 9 + i, *text[i]);
    sql_run(&store->db, s);
}

/* Nothing will be tried, or not yet: why, as a note and in the trail. */
static void add_stopped(struct store *store, const struct store_message *m,
                        const struct store_rcpt *r)
{
    struct sgl_buf detail = SGL_BUF_INIT(8192);
    struct store_event event = {
        .at_ms = m->accepted_at, .rcpt = r->id, .kind = sgl_view_cstr(rcpt_state_name(r->state))};

    note_put(store, r->id, r->status, r->reason, SGL_LIT(""), SGL_LIT(""));
    sgl_buf_add_byte(&detail, '{');
    json_text_member(&detail, "status", r->status);
    json_text_member(&detail, "reason", r->reason);
    sgl_buf_add_byte(&detail, '}');
    event.detail = detail.status == SGL_OK ? sgl_buf_view(&detail) : SGL_LIT("{}");
    if (store->db.hard == 0)
        trail_add(store, m->id, &event, 1);
    sgl_buf_done(&detail);
}

static void add_rcpt(struct store *store, const struct store_message *m, struct store_rcpt *r,
                     int64_t lease)
{
    sqlite3_stmt *s;
    uint64_t lane = lane_of(store, r->domain, m->subscription);

    if (store->db.hard != 0)
        return;
    if (r->state != RCPT_QUEUED)
        lease = 0;
    if (r->next_at == 0)
        r->next_at = m->not_before != 0 ? m->not_before : m->accepted_at / 1000;
    r->fence = lease > 0 ? 1 : 0;
    s = sql_use(&store->db, SQL_RCPT_ADD);
    sql_bind_u64(s, 1, r->id);
    sql_bind_u64(s, 2, m->id);
    sql_bind_u64(s, 3, lane);
    sqlite3_bind_int(s, 4, (int)r->state);
    sqlite3_bind_int64(s, 5, r->next_at);
    sqlite3_bind_int64(s, 6, lease);
    sql_bind_u64(s, 7, r->fence);
    sqlite3_bind_int(s, 8, r->notify);
    sql_bind_view(s, 9, r->address);
    sql_bind_view(s, 10, r->orcpt);
    sqlite3_bind_int(s, 11, r->state == RCPT_HELD ? RCPT_FLAG_BATCH_HELD : 0);
    if (!sql_run(&store->db, s))
        return;
    if (r->state != RCPT_QUEUED)
        add_stopped(store, m, r);
    if (r->state == RCPT_QUEUED)
        note_change(store, lane, lease > 0 ? INT64_MAX : r->next_at, lease > 0);
    store->pending.waiting += r->state == RCPT_QUEUED;
    store->pending.held += r->state == RCPT_HELD;
}

static void add_body(struct store *store, const struct store_accept *a)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_BODY_ADD);

    sql_bind_u64(s, 1, a->message->id);
    sql_bind_u64(s, 2, a->spooled ? a->header_len : a->body->header_len);
    if (a->spooled)
        sqlite3_bind_null(s, 3);
    else
        sqlite3_bind_blob64(s, 3, a->body->bytes, a->body->len, SQLITE_STATIC);
    sql_run(&store->db, s);
}

static void add_unfinished(struct store *store, uint64_t id, uint64_t remaining, bool spooled)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_UNFINISHED_ADD);
    struct gone *gone;

    sql_bind_u64(s, 1, id);
    sql_bind_u64(s, 2, remaining);
    sqlite3_bind_int(s, 3, spooled);
    sql_run(&store->db, s);
    if (remaining > 0) {
        store->pending.messages++;
        return;
    }
    gone = vector_add(&store->pending.gone);
    if (gone != NULL)
        *gone = (struct gone){id, spooled};
}

static void add_charge(struct store *store, sgl_view subscription, sgl_view identity,
                       const struct store_charge *c)
{
    const uint64_t figure[] = {c->messages, c->recipients, c->internal, c->external, c->bytes};
    sqlite3_stmt *s;

    if (store->db.hard != 0 || c->messages == 0)
        return;
    s = sql_use(&store->db, SQL_USAGE_ADD);
    sqlite3_bind_int64(s, 1, c->at_ms);
    sql_bind_view(s, 2, subscription);
    sql_bind_view(s, 3, identity);
    for (int i = 0; i < 5; i++)
        sql_bind_u64(s, 4 + i, figure[i]);
    sql_run(&store->db, s);
}

void apply_tally(struct store *store, const struct store_tally *tally)
{
    add_charge(store, SGL_LIT(""), tally->name, &tally->charge);
}

/* ---- of a batch that is paused or cancelled ---- */

static void stop(struct store_accept *a, enum batch_status status)
{
    struct store_message *m = a->message;

    a->born_stopped = status != BATCH_GOES;
    for (size_t i = 0; a->born_stopped && i < m->rcpts; i++) {
        if (m->rcpt[i].state != RCPT_QUEUED)
            continue;
        m->rcpt[i].state = status == BATCH_PAUSED ? RCPT_HELD : RCPT_CANCELLED;
        m->rcpt[i].reason = status == BATCH_PAUSED ? SGL_LIT("its batch is paused")
                                                   : SGL_LIT("its batch was cancelled");
    }
}

void undo_accept(struct store_accept *a)
{
    for (; a != NULL; a = a->with)
        for (size_t i = 0; a->born_stopped && i < a->message->rcpts; i++) {
            struct store_rcpt *r = &a->message->rcpt[i];

            if (r->state == RCPT_HELD || r->state == RCPT_CANCELLED) {
                r->state = RCPT_QUEUED;
                r->reason = SGL_LIT("");
            }
        }
}

static enum store_result find_batch(struct store *store, struct store_accept *a)
{
    enum batch_status status = BATCH_GOES;

    a->born_stopped = false;
    if (a->message->batch.len == 0)
        return STORE_OK;
    if (!batch_get(store, a->message->subscription, a->message->batch, &status))
        return STORE_NOT_FOUND;
    stop(a, status);
    return STORE_OK;
}

/* Not what this program writes of itself, nor what arrives. */
static bool is_somebodys(const struct store_message *m)
{
    static const char *const not_sent[] = {"bounce", "tlsrpt", "dmarc-report", "inbound"};

    for (size_t i = 0; i < sizeof(not_sent) / sizeof(not_sent[0]); i++)
        if (sgl_view_eq(m->door, sgl_view_cstr(not_sent[i])))
            return false;
    return true;
}

static void accept_one(struct store *store, struct store_accept *a)
{
    struct store_message *m = a->message;
    uint64_t first = store->next_rcpt, remaining = 0, sum[STATISTICS] = {0};

    a->staged = false; /* spooled says all that a failure needs to know */
    store->next_rcpt += m->rcpts;
    add_message(store, m, first);
    for (size_t i = 0; i < m->rcpts && store->db.hard == 0; i++) {
        m->rcpt[i].id = first + i;
        remaining += !state_is_final((int)m->rcpt[i].state);
        statistics_accept(&m->rcpt[i], sum);
        add_rcpt(store, m, &m->rcpt[i],
                 a->claim ? lease_time(store, &a->op, (int64_t)a->lease_until) : 0);
    }
    if (store->db.hard == 0)
        add_unfinished(store, m->id, remaining, a->spooled);
    if (store->db.hard == 0)
        add_body(store, a);
    if (store->db.hard == 0 && m->batch.len > 0)
        batch_add_message(store, m);
    if (store->db.hard == 0 && a->idempotency_key.len > 0)
        add_key(store, a);
    if (store->db.hard == 0 && a->draft != 0)
        draft_remove(store, a->draft);
    if (store->db.hard == 0 && a->events > 0)
        trail_add(store, m->id, a->event, a->events);
    if (is_somebodys(m))
        statistics_add(store, m->accepted_at, m->subscription, m->labels, sum);
    add_charge(store, m->subscription, m->identity, &a->charge);
    add_charge(store, SGL_LIT(""), a->charged_domain, &a->domain_charge);
    for (size_t i = 0; i < a->tallies; i++)
        apply_tally(store, &a->tally[i]);
}

/* What can be wrong with one is looked for before anything of any is written. */
enum store_result apply_accept(struct store *store, struct store_accept *a)
{
    for (struct store_accept *one = a; one != NULL && store->db.hard == 0; one = one->with) {
        enum store_result r = one->idempotency_key.len > 0 ? find_key(store, one) : STORE_OK;

        if (r == STORE_OK && one->draft != 0)
            r = draft_check(store, one->draft, one->draft_version);
        if (r == STORE_OK)
            r = find_batch(store, one);
        if (r != STORE_OK)
            return r;
    }
    for (struct store_accept *one = a; one != NULL && store->db.hard == 0; one = one->with) {
        one->op.clock_ms = a->op.clock_ms;
        accept_one(store, one);
    }
    return STORE_OK;
}
