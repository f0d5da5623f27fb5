/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that are not finished, and their files. */
#include "../draft.h"
#include "sigillo/banned.h"
#include "sqlite_internal.h"

#define EXPIRE_MAX 100

/* ---- statements of one or two numbers ---- */

static bool run_two(struct store *store, int which, uint64_t a, uint64_t b)
{
    sqlite3_stmt *s = sql_use(&store->db, which);

    sql_bind_u64(s, 1, a);
    if (sqlite3_bind_parameter_count(s) > 1)
        sql_bind_u64(s, 2, b);
    return store->db.hard == 0 && sql_run(&store->db, s);
}

/* As bytes: of a blob the length is known without reading it, and of a text it is that of its characters. */
static void bind_value(sqlite3_stmt *s, int at, sgl_view value)
{
    sqlite3_bind_blob64(s, at, value.len == 0 ? "" : (const char *)value.ptr, value.len,
                        SQLITE_STATIC);
}

/* ---- limits of a subscription ---- */

struct used {
    uint64_t drafts, bytes;
};

static struct used used_by(struct store *store, sgl_view subscription)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_DRAFT_USED);
    struct used u = {0};

    sql_bind_view(s, 1, subscription);
    if (sql_step(&store->db, s))
        u = (struct used){sql_u64(s, 0), sql_u64(s, 1)};
    sqlite3_reset(s);
    return u;
}

/* What is added, and its files. false: it is more than any draft can be. */
static bool count_bytes(const struct store_draft_op *op, uint64_t *out)
{
    *out = op->value.len;
    for (size_t i = 0; i < op->files; i++) {
        *out += op->file[i].value.len;
        if (op->file[i].size > op->bytes_max || *out > op->bytes_max - op->file[i].size)
            return false;
        *out += op->file[i].size;
    }
    return true;
}

static bool has_room(struct store *store, struct store_draft_op *op, sgl_view subscription)
{
    struct used u = used_by(store, subscription);
    uint64_t more;

    op->over_limit = !count_bytes(op, &more) ||
                     u.drafts + (op->verb == DRAFT_ADD) > op->drafts_max ||
                     u.bytes > op->bytes_max || more > op->bytes_max - u.bytes;
    return !op->over_limit;
}

/* ---- a draft ---- */

void draft_remove(struct store *store, uint64_t id)
{
    run_two(store, SQL_DRAFT_PIECES_DELETE, id, 0);
    run_two(store, SQL_DRAFT_FILES_DELETE, id, 0);
    run_two(store, SQL_DRAFT_DELETE, id, 0);
}

void drafts_expire(struct store *store, int64_t now)
{
    uint64_t old[EXPIRE_MAX];
    sqlite3_stmt *s = sql_use(&store->db, SQL_DRAFT_OLD);
    size_t n = 0;

    sqlite3_bind_int64(s, 1, now);
    sql_bind_u64(s, 2, EXPIRE_MAX);
    while (n < EXPIRE_MAX && sql_step(&store->db, s))
        old[n++] = sql_u64(s, 0);
    sqlite3_reset(s);
    for (size_t i = 0; i < n; i++)
        draft_remove(store, old[i]);
}

static enum store_result add_files(struct store *store, const struct store_draft_op *op)
{
    for (size_t i = 0; i < op->files && store->db.hard == 0; i++) {
        sqlite3_stmt *s = sql_use(&store->db, SQL_DRAFT_FILE_ADD);

        sql_bind_u64(s, 1, op->file[i].id);
        sql_bind_u64(s, 2, op->draft);
        sql_bind_u64(s, 3, op->file[i].size);
        bind_value(s, 4, op->file[i].value);
        sql_run(&store->db, s);
    }
    return STORE_OK;
}

static enum store_result add(struct store *store, struct store_draft_op *op)
{
    sqlite3_stmt *s;
    uint64_t bytes;

    drafts_expire(store, op->now);
    if (!has_room(store, op, op->subscription) || !count_bytes(op, &bytes))
        return STORE_CONFLICT;
    s = sql_use(&store->db, SQL_DRAFT_ADD);
    sql_bind_u64(s, 1, op->draft);
    sql_bind_view(s, 2, op->subscription);
    sql_bind_view(s, 3, op->mailbox);
    bind_value(s, 4, op->value);
    sqlite3_bind_int64(s, 5, op->expires_at);
    sql_bind_u64(s, 6, bytes);
    sql_run(&store->db, s);
    return add_files(store, op);
}

/* Is it there, in that version, and is there room for more of it? */
static enum store_result find(struct store *store, struct store_draft_op *op, bool grows)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_DRAFT_GET);
    enum store_result result = STORE_NOT_FOUND;

    sql_bind_u64(s, 1, op->draft);
    sqlite3_bind_int64(s, 2, op->now);
    if (sql_step(&store->db, s)) {
        result = STORE_OK;
        if (op->version != 0 && op->version != sql_u64(s, 1))
            result = STORE_CONFLICT;
        else if (grows && !has_room(store, op, sql_view(s, 0)))
            result = STORE_CONFLICT;
    }
    sqlite3_reset(s);
    return result;
}

/* It has changed, and has so many bytes more. */
static void touch(struct store *store, uint64_t draft, int64_t more)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_DRAFT_TOUCH);

    sql_bind_u64(s, 1, draft);
    sqlite3_bind_int64(s, 2, more);
    sql_run(&store->db, s);
}

static enum store_result set(struct store *store, struct store_draft_op *op)
{
    enum store_result result = find(store, op, true);
    sqlite3_stmt *s;

    if (result != STORE_OK)
        return result;
    s = sql_use(&store->db, SQL_DRAFT_SET);
    sql_bind_u64(s, 1, op->draft);
    bind_value(s, 2, op->value);
    sql_run(&store->db, s);
    return STORE_OK;
}

enum store_result draft_check(struct store *store, uint64_t id, uint64_t version)
{
    struct store_draft_op op = {.draft = id, .version = version, .now = clock_now_s()};

    return find(store, &op, false);
}

/* ---- its files ---- */

static uint64_t count_files(struct store *store, uint64_t draft)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_DRAFT_FILES_COUNT);
    uint64_t n = 0;

    sql_bind_u64(s, 1, draft);
    if (sql_step(&store->db, s))
        n = sql_u64(s, 0);
    sqlite3_reset(s);
    return n;
}

static enum store_result add_file(struct store *store, struct store_draft_op *op)
{
    enum store_result result = find(store, op, true);
    uint64_t bytes;

    if (result != STORE_OK)
        return result;
    op->over_files = count_files(store, op->draft) + op->files > op->files_max;
    if (op->over_files || !count_bytes(op, &bytes))
        return STORE_CONFLICT;
    touch(store, op->draft, (int64_t)(bytes - op->value.len));
    return add_files(store, op);
}

/* The file of that draft, in *out. */
static bool find_file(struct store *store, const struct store_draft_op *op,
                      struct store_draft_file *out)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_DRAFT_FILE_GET);
    bool there;

    sql_bind_u64(s, 1, op->file->id);
    sql_bind_u64(s, 2, op->draft);
    there = sql_step(&store->db, s);
    if (there)
        *out = (struct store_draft_file){
            .size = sql_u64(s, 0), .have = sql_u64(s, 1), .value_len = sql_u64(s, 2)};
    sqlite3_reset(s);
    return there;
}

static enum store_result put(struct store *store, struct store_draft_op *op)
{
    enum store_result result = find(store, op, false);
    struct store_draft_file f;
    sqlite3_stmt *s;

    if (result != STORE_OK)
        return result;
    if (!find_file(store, op, &f))
        return STORE_NOT_FOUND;
    op->file->size = f.size;
    op->file->have = f.have;
    if (op->at != f.have || op->bytes.len == 0 || op->bytes.len > f.size - f.have)
        return STORE_CONFLICT;
    s = sql_use(&store->db, SQL_DRAFT_PIECE_ADD);
    sql_bind_u64(s, 1, op->file->id);
    sql_bind_u64(s, 2, op->at);
    sqlite3_bind_blob64(s, 3, op->bytes.ptr, op->bytes.len, SQLITE_STATIC);
    sql_run(&store->db, s);
    op->file->have = f.have + op->bytes.len;
    run_two(store, SQL_DRAFT_FILE_SET, op->file->id, op->file->have);
    touch(store, op->draft, 0);
    return STORE_OK;
}

static enum store_result remove_file(struct store *store, struct store_draft_op *op)
{
    enum store_result result = find(store, op, false);
    struct store_draft_file f;

    if (result != STORE_OK)
        return result;
    if (!find_file(store, op, &f))
        return STORE_NOT_FOUND;
    run_two(store, SQL_DRAFT_FILE_PIECES_DELETE, op->file->id, 0);
    run_two(store, SQL_DRAFT_FILE_DELETE, op->file->id, 0);
    touch(store, op->draft, -(int64_t)(f.size + f.value_len));
    return STORE_OK;
}

/* What makes more of it is refused while there is still enough space for the ends of messages. */
static bool grows(enum store_draft_verb verb)
{
    return verb == DRAFT_ADD || verb == DRAFT_SET || verb == DRAFT_FILE_ADD ||
           verb == DRAFT_FILE_PUT;
}

enum store_result apply_draft(struct store *store, struct store_draft_op *op)
{
    op->over_limit = op->over_files = false;
    if (grows(op->verb) && atomic_load_explicit(&store->full, memory_order_relaxed))
        return STORE_FULL;
    switch (op->verb) {
    case DRAFT_ADD:
        return add(store, op);
    case DRAFT_SET:
        return set(store, op);
    case DRAFT_FILE_ADD:
        return add_file(store, op);
    case DRAFT_FILE_PUT:
        return put(store, op);
    case DRAFT_FILE_REMOVE:
        return remove_file(store, op);
    case DRAFT_REMOVE:
        break;
    }
    if (find(store, op, false) != STORE_OK)
        return STORE_NOT_FOUND;
    draft_remove(store, op->draft);
    return STORE_OK;
}

/* ---- reads ---- */

static bool row_file(sqlite3_stmt *s, struct sgl_arena *arena, struct store_draft_file *out)
{
    *out = (struct store_draft_file){.id = sql_u64(s, 0),
                                     .draft = sql_u64(s, 1),
                                     .size = sql_u64(s, 2),
                                     .have = sql_u64(s, 3),
                                     .expires_at = sqlite3_column_int64(s, 5),
                                     .value_len = sql_u64(s, 6)};
    return sgl_arena_dup(arena, sql_view(s, 4), &out->value) == SGL_OK;
}

#define FILES_MAX 200

static enum store_result read_files(struct db *db, bool values, struct sgl_arena *arena,
                                    struct store_draft *out)
{
    sqlite3_stmt *s = sql_use(db, READ_DRAFT_FILES);

    out->file = SGL_NEW_N(arena, FILES_MAX, struct store_draft_file);
    if (out->file == NULL)
        return STORE_NOMEM;
    sql_bind_u64(s, 1, out->id);
    sql_bind_u64(s, 2, values);
    while (out->files < FILES_MAX && sql_step(db, s))
        if (!row_file(s, arena, &out->file[out->files++]))
            return STORE_NOMEM;
    return STORE_OK;
}

enum store_result store_read_draft(struct store *store, uint64_t id, int64_t now, bool values,
                                   struct sgl_arena *arena, struct store_draft *out)
{
    enum store_result result;
    struct db *db = read_begin(store, &result);
    sqlite3_stmt *s;

    if (result != STORE_OK)
        return read_end(store, db, result);
    s = sql_use(db, READ_DRAFT);
    sql_bind_u64(s, 1, id);
    sqlite3_bind_int64(s, 2, now);
    if (!sql_step(db, s))
        return read_end(store, db, STORE_NOT_FOUND);
    *out = (struct store_draft){
        .id = id, .version = sql_u64(s, 3), .expires_at = sqlite3_column_int64(s, 4)};
    if (sgl_arena_dup(arena, sql_view(s, 0), &out->subscription) != SGL_OK ||
        sgl_arena_dup(arena, sql_view(s, 1), &out->mailbox) != SGL_OK ||
        sgl_arena_dup(arena, sql_view(s, 2), &out->value) != SGL_OK)
        return read_end(store, db, STORE_NOMEM);
    return read_end(store, db, read_files(db, values, arena, out));
}

enum store_result store_read_draft_file(struct store *store, uint64_t id, int64_t now,
                                        struct sgl_arena *arena, struct store_draft_file *out)
{
    enum store_result result;
    struct db *db = read_begin(store, &result);
    sqlite3_stmt *s;

    if (result != STORE_OK)
        return read_end(store, db, result);
    s = sql_use(db, READ_DRAFT_FILE);
    sql_bind_u64(s, 1, id);
    sqlite3_bind_int64(s, 2, now);
    if (!sql_step(db, s))
        return read_end(store, db, STORE_NOT_FOUND);
    return read_end(store, db, row_file(s, arena, out) ? STORE_OK : STORE_NOMEM);
}

enum store_result store_read_draft_bytes(struct store *store, uint64_t file, uint8_t *to,
                                         uint64_t size)
{
    enum store_result result;
    struct db *db = read_begin(store, &result);
    uint64_t len = 0;
    sqlite3_stmt *s;

    if (result != STORE_OK)
        return read_end(store, db, result);
    s = sql_use(db, READ_DRAFT_PIECES);
    sql_bind_u64(s, 1, file);
    while (sql_step(db, s)) {
        const void *bytes = sqlite3_column_blob(s, 1);
        uint64_t more = (uint64_t)sqlite3_column_bytes(s, 1);

        if (sql_u64(s, 0) != len || bytes == NULL || more > size - len)
            return read_end(store, db, STORE_CORRUPT);
        memcpy(to + len, bytes, more);
        len += more;
    }
    return read_end(store, db, len == size ? STORE_OK : STORE_CORRUPT);
}
