/* SPDX-License-Identifier: Apache-2.0 */
/* Nouns: several change together or not at all. */
#include "sigillo/banned.h"
#include "sqlite_internal.h"

static uint64_t stored_version(struct store *store, const struct store_noun *n)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_NOUN_GET);
    uint64_t version = 0;

    sql_bind_view(s, 1, n->kind);
    sql_bind_view(s, 2, n->key);
    if (sql_step(&store->db, s))
        version = sql_u64(s, 0);
    sqlite3_reset(s);
    return version;
}

static bool goes(const struct store_noun_op *op, const struct store_noun *n)
{
    return op->op.kind == STORE_NOUN_DELETE || n->remove;
}

static enum store_result allowed(struct store *store, const struct store_noun_op *op,
                                 const struct store_noun *n)
{
    uint64_t version;

    if (n->version == STORE_NOUN_ANY)
        return STORE_OK;
    version = stored_version(store, n);
    if (goes(op, n) && version == 0)
        return STORE_NOT_FOUND;
    if (!goes(op, n) && n->version == 0)
        return version == 0 ? STORE_OK : STORE_EXISTS;
    return n->version == version ? STORE_OK : STORE_CONFLICT;
}

static void write_noun(struct store *store, const struct store_noun *n, bool remove)
{
    uint64_t version = n->version == STORE_NOUN_ANY ? stored_version(store, n) : n->version;
    int which = remove ? SQL_NOUN_DELETE : version == 0 ? SQL_NOUN_ADD : SQL_NOUN_SET;
    sqlite3_stmt *s = sql_use(&store->db, which);

    sql_bind_view(s, 1, n->kind);
    sql_bind_view(s, 2, n->key);
    if (!remove) {
        sql_bind_view(s, 3, n->subscription);
        sql_bind_view(s, 4, n->value);
        sql_bind_u64(s, 5, version + 1);
    }
    sql_run(&store->db, s);
}

enum store_result apply_nouns(struct store *store, struct store_noun_op *op)
{
    for (size_t i = 0; i < op->nouns; i++) {
        enum store_result r = allowed(store, op, &op->noun[i]);

        if (r != STORE_OK)
            return r;
    }
    for (size_t i = 0; i < op->nouns && store->db.hard == 0; i++) {
        write_noun(store, &op->noun[i], goes(op, &op->noun[i]));
        if (!goes(op, &op->noun[i]))
            statistics_noun(store, clock_now_ms(), &op->noun[i]);
    }
    if (op->audit != NULL)
        audit_add(store, op->audit, SGL_LIT(""));
    return STORE_OK;
}

void nouns_committed(struct store_noun_op *op)
{
    for (size_t i = 0; op->op.kind == STORE_NOUN_PUT && i < op->nouns; i++)
        if (op->noun[i].version != STORE_NOUN_ANY)
            op->noun[i].version++;
}
