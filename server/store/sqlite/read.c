/* SPDX-License-Identifier: Apache-2.0 */
/* Reads, on the caller's thread, over a small pool of connections that are opened when first needed. */
#include <stdlib.h>

#include "../json_text.h"
#include "sigillo/banned.h"
#include "sqlite_internal.h"

#define READERS     (sizeof(((struct readers *)0)->db) / sizeof(struct db))
#define SCRATCH_MAX ((size_t)256 << 20)

/* A value of a filter as a whole, or as what stands before or behind the first colon. */
#define AUDIT_MATCH(column, value)                                                                 \
    "(" value "='' OR " column "=" value " COLLATE NOCASE"                                         \
    " OR substr(" column ",1,instr(" column ",':')-1)=" value " OR substr(" column                 \
    ",instr(" column ",':')+1)=" value " COLLATE NOCASE)"
/* ?1 newest id, ?2 since, ?3 subscription, ?4 action, ?5 actor, ?6 object, ?7 how many */
#define AUDIT_READ                                                                                 \
    "SELECT id,at_ms,actor,peer,action,object,subscription,result,detail FROM audit"               \
    " WHERE id<?1 AND at_ms>=?2 AND (?3='' OR subscription=?3) AND (?4='' OR action=?4)"           \
    " AND " AUDIT_MATCH("actor", "?5") " AND " AUDIT_MATCH("object",                               \
                                                           "?6") " ORDER BY id DESC LIMIT ?7"

/* Values of a filter that are empty match all. ?1 newest id, ?2 oldest id, ?3 subscription, ?4 from, ?5 to, ?6 domain, ?7 how many */
#define LIST_WHERE                                                                                 \
    " WHERE m.id<?1 AND m.id>=?2 AND (?3='' OR m.subscription=?3)"                                 \
    " AND (?4='' OR m.env_from=?4 COLLATE NOCASE OR m.header_from=?4 COLLATE NOCASE)"              \
    " AND ((?5='' AND ?6='') OR EXISTS(SELECT 1 FROM recipient r WHERE r.id>=m.first_rcpt"         \
    " AND r.id<m.first_rcpt+m.rcpts AND (?5='' OR r.address=?5 COLLATE NOCASE)"                    \
    " AND (?6='' OR r.address LIKE '%@'||?6)))"                                                    \
    " ORDER BY m.id DESC LIMIT ?7"

#define REPORT_COLUMNS                                                                             \
    "kind,day,domain,destination,state,next_at,first_at,attempts,message,changed_at,detail"

/*
 * ?1 subscription, empty: all, ?2 from day, ?3 to day, ?4 enum transit_by, ?5 only with a cause, ?6 how many names, ?7 how many are passed over.
 * Days stand in their order, other names by their sum.
 */
#define TRANSIT_READ                                                                               \
    "WITH t AS MATERIALIZED (SELECT CASE ?4 WHEN 0 THEN '' WHEN 1 THEN day WHEN 2 THEN sender"     \
    " WHEN 3 THEN domain ELSE subscription END AS name,mechanism,version,cause,"                   \
    "sum(delivered) AS delivered,sum(failed) AS failed"                                            \
    " FROM transit WHERE day>=?2 AND day<=?3 AND (?1='' OR subscription=?1)"                       \
    " AND (?5=0 OR cause>0) GROUP BY 1,2,3,4),"                                                    \
    "top AS MATERIALIZED (SELECT name,sum(delivered+failed) AS n FROM t GROUP BY name"             \
    " ORDER BY iif(?4=1,0,n) DESC,name LIMIT ?6 OFFSET ?7)"                                        \
    "SELECT t.name,mechanism,version,cause,delivered,failed FROM t JOIN top ON top.name=t.name"    \
    " ORDER BY iif(?4=1,0,n) DESC,t.name,mechanism,version,cause"

/*
 * ?1 subscription and ?2 domain, empty: all, ?3 from day, ?4 to day, ?5 enum dmarc_by, ?6 how many names, ?7 how many are passed over.
 * What stands beside max(messages) is of the row that has it.
 */
#define DMARC_READ                                                                                 \
    "SELECT CASE ?5 WHEN 0 THEN '' WHEN 1 THEN day WHEN 2 THEN source WHEN 3 THEN domain"          \
    " WHEN 4 THEN organization WHEN 6 THEN network(source) ELSE CASE WHEN dkim=1 AND spf=1 THEN "  \
    "'dkim+spf'"                                                                                   \
    " WHEN dkim=1 THEN 'dkim' WHEN spf=1 THEN 'spf' ELSE 'none' END END AS name,"                  \
    "sum(messages) AS n,sum(iif(dkim=1 OR spf=1,messages,0)),sum(iif(dkim=1,messages,0)),"         \
    "sum(iif(spf=1,messages,0)),sum(iif(disposition=3,messages,0)),"                               \
    "sum(iif(disposition=4,messages,0)),sum(iif(reason>0,messages,0)),"                            \
    "sum(iif(verified,0,messages)),count(DISTINCT day),"                                           \
    "iif(?5=3,coalesce((SELECT p FROM dmarc_received r WHERE r.domain=c.domain AND r.verified"     \
    " ORDER BY r.ends DESC LIMIT 1),(SELECT p FROM dmarc_received r WHERE r.domain=c.domain"       \
    " ORDER BY r.ends DESC LIMIT 1)),0),"                                                          \
    "max(messages),header_from,envelope_from,dkim_domain,dkim_selector,dkim_result,spf_domain,"    \
    "spf_result,dkim,spf,reason FROM dmarc_source c WHERE day>=?3 AND day<=?4"                     \
    " AND (?1='' OR subscription=?1) AND (?2='' OR domain=lower(?2))"                              \
    " GROUP BY 1 ORDER BY iif(?5=1,0,n) DESC,name LIMIT ?6 OFFSET ?7"

static const char *const read_text[READ_COUNT] = {
    [READ_BODY] = "SELECT header_len,bytes,bytes IS NULL FROM body WHERE id=?1",
    [READ_MESSAGE] = "SELECT " MESSAGE_COLUMNS " FROM message m WHERE m.id=?1",
    [READ_KEY] = "SELECT message FROM idempotency WHERE subscription=?1 AND key=?2",
    [READ_RCPTS] =
        "SELECT " RCPT_COLUMNS " FROM " RCPT_TABLES " WHERE r.id>=?1 AND r.id<?2 ORDER BY r.id",
    [READ_LIST] = "SELECT " MESSAGE_COLUMNS " FROM message m" LIST_WHERE,
    [READ_LIST_OPEN] =
        "SELECT " MESSAGE_COLUMNS
        " FROM unfinished u CROSS JOIN message m ON m.id=u.id AND u.remaining>0"
        " WHERE u.id<?1 AND u.id>=?2 AND (?3='' OR m.subscription=?3)"
        " AND (?4='' OR m.env_from=?4 COLLATE NOCASE OR m.header_from=?4 COLLATE NOCASE)"
        " AND ((?5='' AND ?6='') OR EXISTS(SELECT 1 FROM recipient r"
        " WHERE r.id>=m.first_rcpt AND r.id<m.first_rcpt+m.rcpts AND r.state<=1"
        " AND (?5='' OR r.address=?5 COLLATE NOCASE)"
        " AND (?6='' OR r.address LIKE '%@'||?6))) ORDER BY u.id DESC LIMIT ?7",
    [READ_EVENTS] = "SELECT at_ms,rcpt,kind,detail FROM event WHERE message=?1 ORDER BY n",
    [READ_NOUNS] =
        "SELECT kind,key,subscription,value,version FROM noun WHERE kind=?1 ORDER BY key",
    [READ_NOUNS_PAGE] = "SELECT kind,key,subscription,value,version FROM noun"
                        " WHERE kind=?1 AND key>?2 AND key<?3 ORDER BY key LIMIT ?4",
    [READ_NOUN] = "SELECT kind,key,subscription,value,version FROM noun WHERE kind=?1 AND key=?2",
    [READ_NOUNS_ALL] = "SELECT kind,key,subscription,value,version FROM noun ORDER BY kind,key",
    [READ_DUE] = ("SELECT count(*) FROM recipient INDEXED BY recipient_due"
                  " WHERE state=0 AND lease=0 AND next_at<=?1"),
    [READ_OLDEST] = "SELECT id FROM unfinished WHERE remaining>0 ORDER BY id LIMIT 1",
    [READ_CHARGES] = "SELECT at_ms,subscription,identity,messages,recipients,internal,external,"
                     "bytes FROM usage WHERE at_ms>=?1 ORDER BY at_ms",
    [READ_USAGE] =
        "SELECT max(at_ms),subscription,identity,sum(messages),sum(recipients),"
        "sum(internal),sum(external),sum(bytes) FROM usage WHERE at_ms>=?1 AND subscription<>''"
        " AND (?2='' OR subscription=?2) GROUP BY subscription,identity"
        " ORDER BY subscription,identity",
    [READ_AUDIT] = AUDIT_READ,
    [READ_DRAFT] = "SELECT subscription,mailbox,value,version,expires_at FROM draft"
                   " WHERE id=?1 AND expires_at>?2",
    [READ_DRAFT_FILES] = "SELECT id,draft,size,have,CASE WHEN ?2 THEN value END,0,length(value) "
                         "FROM draft_file WHERE draft=?1"
                         " ORDER BY id",
    [READ_DRAFT_FILE] =
        "SELECT f.id,f.draft,f.size,f.have,f.value,d.expires_at,length(f.value) FROM draft_file f"
        " JOIN draft d ON d.id=f.draft WHERE f.id=?1 AND d.expires_at>?2",
    [READ_DRAFT_PIECES] = "SELECT at,bytes FROM draft_piece WHERE file=?1 ORDER BY at",
    [READ_STATISTICS] = "SELECT day,metric,count FROM statistic"
                        " WHERE subscription=?1 AND category=?2 AND day>=?3 AND day<=?4"
                        " ORDER BY day,metric",
    [READ_CATEGORIES] =
        "SELECT category FROM statistic WHERE subscription=?1 AND category>''"
        " AND category>=?2 AND substr(category,1,length(?2))=?2 AND day>=?3 AND day<=?4"
        " GROUP BY category ORDER BY ?6*sum(iif(metric=?5,count,0)),category LIMIT ?7 OFFSET ?8",
    [READ_TRANSIT] = TRANSIT_READ,
    [READ_RECEIVED] = "SELECT domain,organization,report,begins,ends,at,peer,value FROM"
                      " tls_received WHERE (?1='' OR domain=?1) AND"
                      " (CASE WHEN ends>0 THEN ends ELSE at END)>=?2 ORDER BY id DESC LIMIT ?3",
    [READ_DMARC] = DMARC_READ,
    [READ_REPORTS_DUE] = "SELECT " REPORT_COLUMNS " FROM report INDEXED BY report_due"
                         " WHERE state<2 AND next_at<=?1 AND (?3>>kind)&1"
                         " ORDER BY next_at LIMIT ?2",
    [READ_REPORTS] = "SELECT " REPORT_COLUMNS " FROM report WHERE kind=?5 AND day>=?1"
                     " AND (?2='' OR domain=?2)"
                     " AND destination>'' ORDER BY day DESC,domain,destination LIMIT ?3 OFFSET ?4",
    /* Equal rows of several policies are one. */
    [READ_DMARC_JUDGED] =
        "WITH last AS MATERIALIZED (SELECT id,rules,record FROM dmarc_policy"
        " WHERE day=?1 AND domain=?2 ORDER BY turn DESC LIMIT 1)"
        "SELECT last.rules,last.record,max(j.policy=last.id)=0,source,evaluated,header_from,"
        "envelope_from,dkim,spf,sum(messages) FROM last JOIN dmarc_policy p"
        " ON p.day=?1 AND p.domain=?2 JOIN dmarc_judged j ON j.policy=p.id"
        " GROUP BY source,evaluated,header_from,envelope_from,dkim,spf"
        " ORDER BY 10 DESC,source,evaluated,header_from,envelope_from,dkim,spf",
    [READ_TLSRPT] =
        "SELECT id,type,strings,mx,successes,failed,0,'','','','','',0 FROM tlsrpt_policy"
        " WHERE day=?1 AND domain=?2 UNION ALL"
        " SELECT p.id,p.type,p.strings,p.mx,p.successes,p.failed,1,f.result,f.sending,f.host,"
        "f.receiving,f.reason,f.sessions FROM tlsrpt_policy p JOIN tlsrpt_failure f"
        " ON f.policy=p.id WHERE p.day=?1 AND p.domain=?2 ORDER BY 1,7,8,10,11,9,12",
    [READ_REPUTATION] = "SELECT kind,name,at,last,good,failed,unknown,junk,complaints,traps"
                        " FROM reputation",
    [READ_BATCH] = "SELECT status FROM batch WHERE subscription=?1 AND id=?2",
    [READ_BATCHES] = "SELECT id,status FROM batch WHERE subscription=?1 AND status>0 ORDER BY id",
};

/* ---- the pool ---- */

void readers_init(struct readers *r)
{
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->free, NULL);
}

void readers_done(struct readers *r)
{
    for (size_t i = 0; i < READERS; i++) {
        if (r->open[i])
            db_close(&r->db[i]);
    }
    pthread_cond_destroy(&r->free);
    pthread_mutex_destroy(&r->lock);
}

static struct db *borrow(struct store *store, enum store_result *result)
{
    struct readers *r = &store->readers;
    struct db *db = NULL;
    char why[256];

    pthread_mutex_lock(&r->lock);
    while (db == NULL) {
        for (size_t i = 0; i < READERS && db == NULL; i++) {
            if (!r->busy[i]) {
                r->busy[i] = true;
                db = &r->db[i];
            }
        }
        if (db == NULL)
            pthread_cond_wait(&r->free, &r->lock);
    }
    pthread_mutex_unlock(&r->lock);
    *result = STORE_OK;
    if (db->handle == NULL && (!db_open(db, store->path, false, why, sizeof(why)) ||
                               !db_prepare(db, read_text, READ_COUNT, why, sizeof(why)))) {
        db_close(db);
        *result = STORE_IO;
    }
    db->hard = 0;
    r->open[db - r->db] = db->handle != NULL;
    return db;
}

/* Ends the reader's view of the database; a failure of the medium becomes the result. */
static enum store_result give_back(struct store *store, struct db *db, enum store_result result)
{
    struct readers *r = &store->readers;

    for (size_t i = 0; i < db->stmts; i++)
        sqlite3_reset(db->stmt[i]);
    if (db->hard != 0)
        result = result_of_sqlite(db->hard);
    pthread_mutex_lock(&r->lock);
    r->busy[db - r->db] = false;
    pthread_mutex_unlock(&r->lock);
    pthread_cond_signal(&r->free);
    return result;
}

/* ---- one message ---- */

static enum store_result body_of_row(struct db *db, sqlite3_stmt *s, struct body **out)
{
    sgl_view bytes = sql_view(s, 1);
    size_t header_len = (size_t)sql_u64(s, 0);
    struct body *b;

    if (header_len > bytes.len)
        return STORE_CORRUPT;
    b = body_new(bytes.len);
    if (b == NULL)
        return STORE_NOMEM;
    if (bytes.len > 0)
        memcpy(b->bytes, bytes.ptr, bytes.len);
    b->header_len = header_len;
    (void)db;
    *out = b;
    return STORE_OK;
}

enum store_result store_read_body(struct store *store, uint64_t message, struct body **out)
{
    enum store_result result;
    struct db *db = borrow(store, &result);
    bool spooled = false;
    size_t header_len = 0;
    sqlite3_stmt *s;

    if (result != STORE_OK)
        return give_back(store, db, result);
    s = sql_use(db, READ_BODY);
    sql_bind_u64(s, 1, message);
    result = STORE_NOT_FOUND;
    if (sql_step(db, s)) {
        spooled = sqlite3_column_int(s, 2) != 0;
        header_len = (size_t)sql_u64(s, 0);
        result = spooled ? STORE_OK : body_of_row(db, s, out);
    }
    result = give_back(store, db, result);
    return spooled && result == STORE_OK ? spool_read(store->spool, message, header_len, out)
                                         : result;
}

static enum store_result read_rcpts(struct db *db, struct sgl_arena *arena, struct store_message *m,
                                    uint64_t first)
{
    sqlite3_stmt *s = sql_use(db, READ_RCPTS);
    size_t n = 0;

    m->rcpt = SGL_NEW_N(arena, m->rcpts, struct store_rcpt);
    if (m->rcpt == NULL)
        return STORE_NOMEM;
    sql_bind_u64(s, 1, first);
    sql_bind_u64(s, 2, first + m->rcpts);
    while (n < m->rcpts && sql_step(db, s)) {
        if (!row_rcpt(s, arena, &m->rcpt[n++]))
            return STORE_NOMEM;
    }
    sqlite3_reset(s);
    if (n < m->rcpts && db->hard == 0)
        return STORE_CORRUPT;
    return STORE_OK;
}

static enum store_result message_of_row(struct db *db, sqlite3_stmt *s, struct sgl_arena *arena,
                                        struct store_message *m)
{
    uint64_t first;

    if (!row_message(s, arena, m, &first))
        return STORE_NOMEM;
    return read_rcpts(db, arena, m, first);
}

enum store_result store_read_message(struct store *store, uint64_t id, struct store_message **out)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SCRATCH_MAX);
    enum store_result result;
    struct db *db = borrow(store, &result);
    struct store_message m, *copy;
    sqlite3_stmt *s;

    if (result != STORE_OK)
        return give_back(store, db, result);
    s = sql_use(db, READ_MESSAGE);
    sql_bind_u64(s, 1, id);
    result = sql_step(db, s) ? message_of_row(db, s, &arena, &m) : STORE_NOT_FOUND;
    result = give_back(store, db, result);
    if (result != STORE_OK)
        return result;
    copy = store_message_dup(&m);
    if (copy == NULL)
        return STORE_NOMEM;
    *out = copy;
    return STORE_OK;
}

enum store_result store_read_key(struct store *store, sgl_view subscription, sgl_view key,
                                 uint64_t *message)
{
    enum store_result result;
    struct db *db = borrow(store, &result);
    sqlite3_stmt *s;
    uint64_t id = 0;

    if (result != STORE_OK)
        return give_back(store, db, result);
    s = sql_use(db, READ_KEY);
    sql_bind_view(s, 1, subscription);
    sql_bind_view(s, 2, key);
    result = sql_step(db, s) ? STORE_OK : STORE_NOT_FOUND;
    if (result == STORE_OK)
        id = sql_u64(s, 0);
    result = give_back(store, db, result);
    if (result == STORE_OK)
        *message = id;
    return result;
}

enum store_result store_read_batch(struct store *store, sgl_view subscription, sgl_view id,
                                   enum batch_status *out)
{
    enum store_result result;
    struct db *db = borrow(store, &result);
    sqlite3_stmt *s;

    if (result != STORE_OK)
        return give_back(store, db, result);
    s = sql_use(db, READ_BATCH);
    sql_bind_view(s, 1, subscription);
    sql_bind_view(s, 2, id);
    result = sql_step(db, s) ? STORE_OK : STORE_NOT_FOUND;
    if (result == STORE_OK)
        *out = (enum batch_status)sqlite3_column_int(s, 0);
    return give_back(store, db, result);
}

enum store_result store_read_batches(struct store *store, sgl_view subscription,
                                     bool (*each)(void *ctx, sgl_view id, enum batch_status status),
                                     void *ctx)
{
    enum store_result result;
    struct db *db = borrow(store, &result);
    sqlite3_stmt *s;
    bool more = true;

    if (result != STORE_OK)
        return give_back(store, db, result);
    s = sql_use(db, READ_BATCHES);
    sql_bind_view(s, 1, subscription);
    while (more && sql_step(db, s))
        more = each(ctx, sql_view(s, 0), (enum batch_status)sqlite3_column_int(s, 1));
    return give_back(store, db, STORE_OK);
}

/* ---- lists ---- */

static void bind_filter(sqlite3_stmt *s, const struct store_filter *f)
{
    uint64_t newest = f->after != 0 ? f->after : (uint64_t)INT64_MAX;
    uint64_t oldest = f->since_ms > 0 ? id_of_time_ms(f->since_ms) : 0;

    if (f->message != 0) {
        newest = f->message < newest ? f->message + 1 : newest;
        oldest = f->message;
    }
    sql_bind_u64(s, 1, newest);
    sql_bind_u64(s, 2, oldest);
    sql_bind_view(s, 3, f->subscription);
    sql_bind_view(s, 4, f->from);
    sql_bind_view(s, 5, f->to);
    sql_bind_view(s, 6, f->domain);
    sql_bind_u64(s, 7, f->max == 0 ? INT64_MAX : f->max);
}

enum store_result store_read_messages(struct store *store, const struct store_filter *filter,
                                      bool (*each)(void *ctx, const struct store_message *m),
                                      void *ctx)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SCRATCH_MAX);
    enum store_result result;
    struct db *db = borrow(store, &result);
    struct store_message m;
    bool more = true;
    sqlite3_stmt *s;

    if (result != STORE_OK)
        return give_back(store, db, result);
    s = sql_use(db, filter->open_only ? READ_LIST_OPEN : READ_LIST);
    bind_filter(s, filter);
    while (more && result == STORE_OK && sql_step(db, s)) {
        sgl_arena_reset(&arena);
        result = message_of_row(db, s, &arena, &m);
        more = result == STORE_OK && each(ctx, &m);
    }
    return give_back(store, db, result);
}

/* The first event of every message is what its row says already. */
static enum store_result tell_accepted(struct db *db, uint64_t id, struct sgl_arena *arena,
                                       bool (*each)(void *ctx, const struct store_event *e),
                                       void *ctx, bool *more)
{
    sgl_auto(sgl_buf) detail = SGL_BUF_INIT(65536);
    struct store_event event = {.kind = SGL_LIT("accepted")};
    struct store_message m;
    uint64_t first;
    sqlite3_stmt *s = sql_use(db, READ_MESSAGE);

    sql_bind_u64(s, 1, id);
    if (!sql_step(db, s))
        return STORE_NOT_FOUND;
    if (!row_message(s, arena, &m, &first))
        return STORE_NOMEM;
    sgl_buf_add_byte(&detail, '{');
    json_text_member(&detail, "door", m.door);
    json_text_member(&detail, "peer", m.peer);
    json_text_member(&detail, "identity", m.identity);
    json_text_member(&detail, "from", m.env_from);
    json_text_member(&detail, "signed", m.signed_by);
    json_text_number(&detail, "bytes", (int64_t)m.size);
    json_text_number(&detail, "recipients", (int64_t)m.rcpts);
    sgl_buf_add_byte(&detail, '}');
    if (detail.status != SGL_OK)
        return STORE_NOMEM;
    event.at_ms = m.accepted_at;
    event.detail = sgl_buf_view(&detail);
    *more = each(ctx, &event);
    return STORE_OK;
}

enum store_result store_read_events(struct store *store, uint64_t message,
                                    bool (*each)(void *ctx, const struct store_event *e), void *ctx)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SCRATCH_MAX);
    enum store_result result;
    struct db *db = borrow(store, &result);
    bool more = true;
    sqlite3_stmt *s;

    if (result != STORE_OK)
        return give_back(store, db, result);
    result = tell_accepted(db, message, &arena, each, ctx, &more);
    if (result != STORE_OK || !more)
        return give_back(store, db, result);
    s = sql_use(db, READ_EVENTS);
    sql_bind_u64(s, 1, message);
    while (more && sql_step(db, s)) {
        struct store_event event = {.at_ms = sqlite3_column_int64(s, 0),
                                    .rcpt = sql_u64(s, 1),
                                    .kind = sql_view(s, 2),
                                    .detail = sql_view(s, 3)};

        more = each(ctx, &event);
    }
    return give_back(store, db, STORE_OK);
}

static void tell_nouns(struct db *db, sqlite3_stmt *s,
                       bool (*each)(void *ctx, const struct store_noun *n), void *ctx)
{
    bool more = true;

    while (more && sql_step(db, s)) {
        struct store_noun noun = {.kind = sql_view(s, 0),
                                  .key = sql_view(s, 1),
                                  .subscription = sql_view(s, 2),
                                  .value = sql_view(s, 3),
                                  .version = sql_u64(s, 4)};

        more = each(ctx, &noun);
    }
}

enum store_result store_read_nouns(struct store *store, sgl_view kind,
                                   bool (*each)(void *ctx, const struct store_noun *n), void *ctx)
{
    enum store_result result;
    struct db *db = borrow(store, &result);
    sqlite3_stmt *s;

    if (result != STORE_OK)
        return give_back(store, db, result);
    s = sql_use(db, kind.len == 0 ? READ_NOUNS_ALL : READ_NOUNS);
    if (kind.len > 0)
        sql_bind_view(s, 1, kind);
    tell_nouns(db, s, each, ctx);
    return give_back(store, db, STORE_OK);
}

enum store_result store_read_noun_page(struct store *store, const struct store_noun_page *page,
                                       bool (*each)(void *ctx, const struct store_noun *n),
                                       void *ctx)
{
    enum store_result result;
    struct db *db = borrow(store, &result);
    sqlite3_stmt *s;

    if (result != STORE_OK)
        return give_back(store, db, result);
    s = sql_use(db, READ_NOUNS_PAGE);
    sql_bind_view(s, 1, page->kind);
    sql_bind_view(s, 2, page->after);
    sql_bind_view(s, 3,
                  page->before.len > 0 ? page->before : SGL_LIT("\xff")); /* no key begins so */
    sql_bind_u64(s, 4, page->max);
    tell_nouns(db, s, each, ctx);
    return give_back(store, db, STORE_OK);
}

enum store_result store_read_noun(struct store *store, sgl_view kind, sgl_view key,
                                  bool (*each)(void *ctx, const struct store_noun *n), void *ctx)
{
    enum store_result result;
    struct db *db = borrow(store, &result);
    sqlite3_stmt *s;

    if (result != STORE_OK)
        return give_back(store, db, result);
    s = sql_use(db, READ_NOUN);
    sql_bind_view(s, 1, kind);
    sql_bind_view(s, 2, key);
    tell_nouns(db, s, each, ctx);
    return give_back(store, db, STORE_OK);
}

static enum store_result read_usage(struct store *store, int which, int64_t since_ms,
                                    const sgl_view *subscription,
                                    bool (*each)(void *ctx, const struct store_usage *u), void *ctx)
{
    enum store_result result;
    struct db *db = borrow(store, &result);
    bool more = true;
    sqlite3_stmt *s;

    if (result != STORE_OK)
        return give_back(store, db, result);
    s = sql_use(db, which);
    sqlite3_bind_int64(s, 1, since_ms);
    if (subscription != NULL)
        sql_bind_view(s, 2, *subscription);
    while (more && sql_step(db, s)) {
        struct store_usage u = {.subscription = sql_view(s, 1), .identity = sql_view(s, 2)};

        u.charge = (struct store_charge){.at_ms = sqlite3_column_int64(s, 0),
                                         .messages = sql_u64(s, 3),
                                         .recipients = sql_u64(s, 4),
                                         .internal = sql_u64(s, 5),
                                         .external = sql_u64(s, 6),
                                         .bytes = sql_u64(s, 7)};
        more = each(ctx, &u);
    }
    return give_back(store, db, STORE_OK);
}

enum store_result store_read_charges(struct store *store, int64_t since_ms,
                                     bool (*each)(void *ctx, const struct store_usage *u),
                                     void *ctx)
{
    return read_usage(store, READ_CHARGES, since_ms, NULL, each, ctx);
}

enum store_result store_read_usage(struct store *store, int64_t since_ms, sgl_view subscription,
                                   bool (*each)(void *ctx, const struct store_usage *u), void *ctx)
{
    return read_usage(store, READ_USAGE, since_ms, &subscription, each, ctx);
}

enum store_result store_read_audit(struct store *store, const struct store_audit_filter *f,
                                   bool (*each)(void *ctx, const struct store_audit *a), void *ctx)
{
    enum store_result result;
    struct db *db = borrow(store, &result);
    bool more = true;
    sqlite3_stmt *s;

    if (result != STORE_OK)
        return give_back(store, db, result);
    s = sql_use(db, READ_AUDIT);
    sql_bind_u64(s, 1, f->after != 0 ? f->after : INT64_MAX);
    sqlite3_bind_int64(s, 2, f->since_ms);
    sql_bind_view(s, 3, f->subscription);
    sql_bind_view(s, 4, f->action);
    sql_bind_view(s, 5, f->actor);
    sql_bind_view(s, 6, f->object);
    sql_bind_u64(s, 7, f->max == 0 ? INT64_MAX : f->max);
    while (more && sql_step(db, s)) {
        struct store_audit a = {.id = sql_u64(s, 0),
                                .at_ms = sqlite3_column_int64(s, 1),
                                .actor = sql_view(s, 2),
                                .peer = sql_view(s, 3),
                                .action = sql_view(s, 4),
                                .object = sql_view(s, 5),
                                .subscription = sql_view(s, 6),
                                .result = sql_view(s, 7),
                                .detail = sql_view(s, 8)};

        more = each(ctx, &a);
    }
    return give_back(store, db, STORE_OK);
}

/* What the former life left may still be being counted while it is already delivered. */
static uint64_t count_now(const _Atomic uint64_t *count)
{
    uint64_t n = atomic_load_explicit(count, memory_order_relaxed);

    return n > INT64_MAX ? 0 : n;
}

enum store_result store_read_counts(struct store *store, struct store_counts *out)
{
    enum store_result result;
    struct db *db = borrow(store, &result);
    struct store_counts counts = {.waiting = count_now(&store->waiting),
                                  .held = count_now(&store->held),
                                  .messages = count_now(&store->messages),
                                  .doubtful_at_start =
                                      atomic_load_explicit(&store->doubtful, memory_order_relaxed)};
    sqlite3_stmt *s;

    if (result != STORE_OK)
        return give_back(store, db, result);
    s = sql_use(db, READ_DUE);
    sqlite3_bind_int64(s, 1, clock_now_s());
    if (sql_step(db, s))
        counts.due_now = sql_u64(s, 0);
    s = sql_use(db, READ_OLDEST);
    if (sql_step(db, s))
        counts.oldest_ms = id_time_ms(sql_u64(s, 0));
    result = give_back(store, db, STORE_OK);
    if (result == STORE_OK)
        *out = counts;
    return result;
}

/* ---- for reads that have a file of their own ---- */

struct db *read_begin(struct store *store, enum store_result *result)
{
    return borrow(store, result);
}

enum store_result read_end(struct store *store, struct db *db, enum store_result result)
{
    return give_back(store, db, result);
}
