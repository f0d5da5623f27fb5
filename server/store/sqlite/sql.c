/* SPDX-License-Identifier: Apache-2.0 */
/* Connections and statements. */
#include <stdio.h>
#include <stdlib.h>

#include "../dmarc_received.h"
#include "sigillo/banned.h"
#include "sqlite_internal.h"

/* Measured with bench/tools/storebench: 4 KiB cost a fifth more with 2 KiB messages, 16 KiB more for a lone client. */
#define PAGE_SIZE "8192"

const char *const sql_text[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_LANE_FIND] = "SELECT id FROM lane WHERE domain=?1 AND subscription=?2",
    [SQL_LANE_ADD] = "INSERT INTO lane(domain,subscription) VALUES(?1,?2)",
    [SQL_IDEMPOTENCY_FIND] =
        "SELECT hash,message FROM idempotency WHERE subscription=?1 AND key=?2",
    [SQL_IDEMPOTENCY_ADD] = "INSERT INTO idempotency VALUES(?1,?2,?3,?4,?5)",
    [SQL_MESSAGE_ADD] =
        "INSERT INTO message "
        "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21)",
    [SQL_MESSAGE_GET] = "SELECT " MESSAGE_COLUMNS " FROM message m WHERE m.id=?1",
    [SQL_RCPT_ADD] = "INSERT INTO recipient VALUES(?1,?2,?3,?4,?5,?6,?7,0,?11,?8,?9,?10)",
    [SQL_RCPT_GET] =
        "SELECT message,lane,state,next_at,lease,fence,attempts,flags FROM recipient WHERE id=?1",
    [SQL_RCPT_SET] = "UPDATE recipient SET "
                     "state=?2,next_at=?3,lease=?4,fence=?5,attempts=?6,flags=?7 WHERE id=?1",
    [SQL_RCPT_FULL] = "SELECT " RCPT_COLUMNS " FROM " RCPT_TABLES " WHERE r.id=?1",
    /* What was only put back keeps its last answer. */
    [SQL_NOTE_PUT] = "INSERT INTO note VALUES(?1,?2,?3,?4,?5) ON CONFLICT(rcpt) DO UPDATE SET"
                     " why_wait=excluded.why_wait,"
                     " status=iif(excluded.reason='',status,excluded.status),"
                     " remote_mta=iif(excluded.reason='',remote_mta,excluded.remote_mta),"
                     " reason=iif(excluded.reason='',reason,excluded.reason)",
    [SQL_UNFINISHED_ADD] = "INSERT INTO unfinished VALUES(?1,?2,?3)",
    [SQL_UNFINISHED_GET] = "SELECT remaining,spooled FROM unfinished WHERE id=?1",
    [SQL_UNFINISHED_SET] = "UPDATE unfinished SET remaining=?2 WHERE id=?1",
    [SQL_UNFINISHED_DELETE] = "DELETE FROM unfinished WHERE id=?1",
    [SQL_UNFINISHED_AFTER] = "SELECT m.id,m.first_rcpt,m.rcpts,m.subscription FROM unfinished u "
                             "JOIN message m ON m.id=u.id"
                             " WHERE u.id>?1 AND u.remaining>0 ORDER BY u.id LIMIT 1",
    [SQL_UNFINISHED_ONE] = "SELECT id,first_rcpt,rcpts,subscription FROM message WHERE id=?1",
    [SQL_BODY_ADD] = "INSERT INTO body VALUES(?1,?2,?3)",
    [SQL_BODY_DELETE] = "DELETE FROM body WHERE id=?1",
    [SQL_EVENT_MAX] = "SELECT max(n) FROM event WHERE message=?1",
    [SQL_EVENT_ADD] = "INSERT INTO event VALUES(?1,?2,?3,?4,?5,?6)",
    [SQL_LANE_DUE] = "SELECT id,next_at FROM recipient INDEXED BY recipient_due"
                     " WHERE state=0 AND lease=0 AND lane=?1 ORDER BY next_at LIMIT ?2",
    [SQL_LANE_NAME] = "SELECT domain FROM lane WHERE id=?1",
    [SQL_LANE_DOMAIN] = "SELECT id FROM lane WHERE domain=?1",
    [SQL_LEASE_OVER] = "SELECT id FROM recipient INDEXED BY recipient_leased"
                       " WHERE lease>0 AND lease<?1 LIMIT 1000",
    /* A first try that was asked for at a later time keeps its time. */
    [SQL_PULL_BACK] = "UPDATE recipient SET next_at=max(?1,next_at-?2)"
                      " WHERE state=0 AND lease=0 AND next_at>?1 AND NOT EXISTS"
                      "(SELECT 1 FROM message m WHERE m.id=recipient.message AND m.not_before>?1)",
    [SQL_LANES_FIRST] = "SELECT lane,min(next_at) FROM recipient INDEXED BY recipient_due"
                        " WHERE state=0 AND lease=0 GROUP BY lane",
    [SQL_BATCH_GET] = "SELECT status FROM batch WHERE subscription=?1 AND id=?2",
    [SQL_BATCH_COUNT] = "SELECT count(*) FROM"
                        " (SELECT 1 FROM batch WHERE subscription=?1 AND status>=?2 LIMIT ?3)",
    [SQL_BATCH_ADD] = "INSERT INTO batch VALUES(?1,?2,0,?3)",
    [SQL_BATCH_SET] = "UPDATE batch SET status=?3 WHERE subscription=?1 AND id=?2",
    [SQL_BATCH_MESSAGE_ADD] = "INSERT INTO batch_message VALUES(?1,?2,?3)",
    [SQL_BATCH_AFTER] = "SELECT m.id,m.first_rcpt,m.rcpts FROM batch_message b"
                        " JOIN unfinished u ON u.id=b.message AND u.remaining>0"
                        " JOIN message m ON m.id=b.message"
                        " WHERE b.subscription=?2 AND b.batch=?3 AND b.message>?1"
                        " ORDER BY b.message LIMIT 1",
    [SQL_NOUN_GET] = "SELECT version FROM noun WHERE kind=?1 AND key=?2",
    [SQL_NOUN_ADD] = "INSERT INTO noun VALUES(?1,?2,?3,?4,?5)",
    [SQL_NOUN_SET] = "UPDATE noun SET subscription=?3,value=?4,version=?5 WHERE kind=?1 AND key=?2",
    [SQL_NOUN_DELETE] = "DELETE FROM noun WHERE kind=?1 AND key=?2",
    [SQL_OLD_MESSAGES] =
        "SELECT m.id,m.first_rcpt,m.rcpts FROM message m WHERE m.id<?1 AND m.accepted_at<?2"
        " AND NOT EXISTS(SELECT 1 FROM unfinished u WHERE u.id=m.id) ORDER BY m.id LIMIT ?3",
    [SQL_OLD_EVENTS] = "DELETE FROM event WHERE message=?1",
    [SQL_OLD_NOTES] = "DELETE FROM note WHERE rcpt>=?1 AND rcpt<?2",
    [SQL_OLD_RCPTS] = "DELETE FROM recipient WHERE id>=?1 AND id<?2",
    [SQL_OLD_MESSAGE] = "DELETE FROM message WHERE id=?1",
    [SQL_OLD_BATCH_MESSAGE] = "DELETE FROM batch_message WHERE (subscription,batch,message) IN"
                              " (SELECT subscription,batch,id FROM message WHERE id=?1)",
    [SQL_OLD_BATCHES] = "SELECT subscription,id FROM batch WHERE at_ms<?1 AND NOT EXISTS"
                        "(SELECT 1 FROM batch_message b WHERE b.subscription=batch.subscription"
                        " AND b.batch=batch.id) LIMIT 1000",
    [SQL_BATCH_DELETE] = "DELETE FROM batch WHERE subscription=?1 AND id=?2",
    [SQL_OLD_KEYS] = "DELETE FROM idempotency WHERE at_ms<?1",
    [SQL_OLD_USAGE] = "DELETE FROM usage WHERE at_ms<min(?1,"
                      "(SELECT coalesce(max(at_ms),0)-90000000 FROM usage))",
    [SQL_USAGE_ADD] =
        "INSERT INTO usage VALUES(?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT DO UPDATE SET"
        " messages=messages+excluded.messages,recipients=recipients+excluded.recipients,"
        "internal=internal+excluded.internal,external=external+excluded.external,"
        "bytes=bytes+excluded.bytes",
    [SQL_AUDIT_ADD] = "INSERT INTO audit(at_ms,actor,peer,action,object,subscription,result,detail)"
                      " VALUES(?1,?2,?3,?4,?5,?6,?7,?8)",
    [SQL_AUDIT_EXPIRY] = "UPDATE audit_expiry SET before_ms=?1",
    [SQL_OLD_AUDIT] = "DELETE FROM audit WHERE id IN"
                      " (SELECT id FROM audit WHERE at_ms<?1 ORDER BY id LIMIT ?2)",
    /* Of labels that are no JSON there are none. */
    [SQL_CATEGORIES] = "SELECT DISTINCT value FROM"
                       " json_each(iif(json_valid(?1),?1,'{}'),'$.categories')"
                       " WHERE type='text' AND value<>'' AND length(value)<=255 LIMIT 10",
    [SQL_MESSAGE_CALLED] = "SELECT subscription,labels,header_from,env_from FROM message"
                           " WHERE id=?1 AND door NOT IN ('bounce','tlsrpt','dmarc-report',"
                           "'inbound')",
    [SQL_RETURNED_FIND] = "SELECT 1 FROM event WHERE message=?1 AND rcpt=?2 AND kind=?3",
    [SQL_REFUSING_ADD] = "INSERT OR IGNORE INTO refusing SELECT subscription,?2,?3 FROM message"
                         " WHERE id=?1",
    [SQL_REFUSING_OLD] = "DELETE FROM refusing WHERE day<?1",
    [SQL_REFUSING_COUNT] = "SELECT count(*) FROM refusing WHERE address=?2 AND subscription="
                           "(SELECT subscription FROM message WHERE id=?1)",
    [SQL_STATISTIC_ADD] = "INSERT INTO statistic VALUES(?1,?2,?3,?4,?5)"
                          " ON CONFLICT DO UPDATE SET count=count+excluded.count",
    [SQL_OLD_STATISTICS] = "DELETE FROM statistic WHERE day<?1",
    [SQL_TRANSIT_ADD] = "INSERT INTO transit VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9) ON CONFLICT DO"
                        " UPDATE SET delivered=delivered+excluded.delivered,"
                        "failed=failed+excluded.failed",
    [SQL_OLD_TRANSIT] = "DELETE FROM transit WHERE day<?1",
    [SQL_TRANSIT_NAMED_DAY] =
        "SELECT day FROM transit WHERE day<?1 AND domain<>'' ORDER BY day LIMIT 1",
    [SQL_TRANSIT_FOLD] =
        "INSERT INTO transit SELECT day,subscription,sender,'',mechanism,version,cause,"
        "sum(delivered),sum(failed) FROM transit WHERE day=?1 AND domain<>''"
        " GROUP BY subscription,sender,mechanism,version,cause ON CONFLICT DO UPDATE SET"
        " delivered=delivered+excluded.delivered,failed=failed+excluded.failed",
    [SQL_TRANSIT_UNNAME] = "DELETE FROM transit WHERE day=?1 AND domain<>''",
    [SQL_RECEIVED_FIND] =
        "SELECT 1 FROM tls_received WHERE domain=?1 AND organization=?2 AND report=?3",
    [SQL_RECEIVED_ADD] = "INSERT INTO tls_received(domain,organization,report,begins,ends,at,peer,"
                         "value) VALUES(?1,?2,?3,?4,?5,?6,?7,?8)",
    [SQL_RECEIVED_MAKE_ROOM] = "DELETE FROM tls_received WHERE domain=?1 AND id<=(SELECT id FROM"
                               " tls_received WHERE domain=?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
    [SQL_OLD_RECEIVED] = "DELETE FROM tls_received WHERE at<?1/1000",
    [SQL_DMARC_FIND] = "SELECT 1 FROM dmarc_received WHERE domain=?1 AND organization=?2"
                       " AND report=?3 AND begins=?4 AND verified>=?5",
    [SQL_DMARC_ADD] = "REPLACE INTO dmarc_received VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)",
    [SQL_DMARC_DAY_ROWS] =
        "SELECT count(*) FROM dmarc_source WHERE day=?1 AND domain=?2 AND verified=?3",
    [SQL_DMARC_DAY_REPORTS] =
        "SELECT count(*) FROM dmarc_received WHERE day=?1 AND domain=?2 AND verified=?3",
    [SQL_DMARC_SUM] = "INSERT INTO dmarc_source VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,"
                      "?14,?15,?16,?17,?18) ON CONFLICT DO UPDATE SET"
                      " messages=messages+excluded.messages",
    [SQL_OLD_DMARC] = "DELETE FROM dmarc_received WHERE day<?1",
    [SQL_OLD_DMARC_SUM] = "DELETE FROM dmarc_source WHERE day<?1",
    [SQL_REPUTATION_PUT] = "REPLACE INTO reputation VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
    [SQL_REPUTATION_DELETE] = "DELETE FROM reputation WHERE kind=?1 AND name=?2",
    [SQL_TLSRPT_POLICY_FIND] = "SELECT id FROM tlsrpt_policy WHERE day=?1 AND domain=?2"
                               " AND type=?3 AND strings=?4 AND mx=?5",
    [SQL_TLSRPT_POLICY_ADD] = "INSERT INTO tlsrpt_policy(day,domain,type,strings,mx,successes,"
                              "failed) VALUES(?1,?2,?3,?4,?5,0,0)",
    [SQL_TLSRPT_POLICY_COUNT] = "SELECT count(*) FROM tlsrpt_policy WHERE day=?1 AND domain=?2",
    [SQL_TLSRPT_POLICY_SUM] =
        "UPDATE tlsrpt_policy SET successes=successes+?2,failed=failed+?3 WHERE id=?1",
    [SQL_TLSRPT_POLICIES_DELETE] = "DELETE FROM tlsrpt_policy WHERE day=?1 AND domain=?2",
    [SQL_TLSRPT_FAILURE_FIND] = "SELECT 1 FROM tlsrpt_failure WHERE policy=?1 AND result=?2"
                                " AND sending=?3 AND host=?4 AND receiving=?5 AND reason=?6",
    [SQL_TLSRPT_FAILURE_COUNT] = "SELECT count(*) FROM tlsrpt_failure WHERE policy=?1",
    [SQL_TLSRPT_FAILURE_ADD] = "INSERT INTO tlsrpt_failure VALUES(?1,?2,?3,?4,?5,?6,?7)"
                               " ON CONFLICT DO UPDATE SET sessions=sessions+excluded.sessions",
    [SQL_TLSRPT_FAILURES_DELETE] = "DELETE FROM tlsrpt_failure WHERE policy IN"
                                   " (SELECT id FROM tlsrpt_policy WHERE day=?1 AND domain=?2)",
    [SQL_OLD_TLSRPT_FAILURES] = "DELETE FROM tlsrpt_failure WHERE policy IN"
                                " (SELECT id FROM tlsrpt_policy WHERE day<?1)",
    [SQL_OLD_TLSRPT_POLICIES] = "DELETE FROM tlsrpt_policy WHERE day<?1",
    /* ?1 day, ?2 domain, ?3 rules, ?4 record */
    [SQL_DMARC_POLICY_FIND] = "SELECT id FROM dmarc_policy WHERE day=?1 AND domain=?2"
                              " AND rules=?3 AND record=?4",
    [SQL_DMARC_POLICY_ADD] = "INSERT INTO dmarc_policy(day,domain,rules,record,turn,rows)"
                             " SELECT ?1,?2,?3,?4,coalesce(max(turn),0)+1,0 FROM dmarc_policy "
                             "WHERE day=?1 AND domain=?2",
    [SQL_DMARC_POLICY_COUNT] = "SELECT count(*) FROM dmarc_policy WHERE day=?1 AND domain=?2",
    [SQL_DMARC_POLICY_LAST] = "SELECT id FROM dmarc_policy WHERE day=?1 AND domain=?2"
                              " ORDER BY turn DESC LIMIT 1",
    [SQL_DMARC_POLICY_LATEST] =
        "UPDATE dmarc_policy SET turn=1+(SELECT max(turn) FROM dmarc_policy WHERE day=?1 AND"
        " domain=?2) WHERE day=?1 AND domain=?2 AND rules=?3 AND record=?4"
        " AND turn<(SELECT max(turn) FROM dmarc_policy WHERE day=?1 AND domain=?2)",
    [SQL_DMARC_POLICIES_DELETE] = "DELETE FROM dmarc_policy WHERE day=?1 AND domain=?2",
    [SQL_DMARC_ROW_FIND] =
        "SELECT 1 FROM dmarc_judged WHERE policy=?1 AND source=?2 AND evaluated=?3"
        " AND header_from=?4 AND envelope_from=?5 AND dkim=?6 AND spf=?7",
    [SQL_DMARC_ROW_ADD] = "INSERT INTO dmarc_judged VALUES(?1,?2,?3,?4,?5,?6,?7,?8)"
                          " ON CONFLICT DO UPDATE SET messages=messages+excluded.messages",
    [SQL_DMARC_ROWS] = "SELECT rows FROM dmarc_policy WHERE id=?1",
    [SQL_DMARC_ROWS_GROW] = "UPDATE dmarc_policy SET rows=rows+1 WHERE id=?1",
    [SQL_DMARC_ROWS_DELETE] = "DELETE FROM dmarc_judged WHERE policy IN"
                              " (SELECT id FROM dmarc_policy WHERE day=?1 AND domain=?2)",
    [SQL_OLD_DMARC_ROWS] = "DELETE FROM dmarc_judged WHERE policy IN"
                           " (SELECT id FROM dmarc_policy WHERE day<?1)",
    [SQL_OLD_DMARC_POLICIES] = "DELETE FROM dmarc_policy WHERE day<?1",
    /* ?1 kind, ?2 day, ?3 domain */
    [SQL_REPORT_DAY_ADD] = "INSERT INTO report SELECT ?1,?2,?3,'',0,?4,0,0,0,0,'' WHERE NOT EXISTS"
                           " (SELECT 1 FROM report WHERE kind=?1 AND day=?2 AND domain=?3)",
    [SQL_REPORT_DAY_FIND] = "SELECT count(*) FROM report WHERE kind=?1 AND day=?2 AND domain=?3"
                            " AND destination='' AND state=0",
    [SQL_REPORT_DAY_DELETE] =
        "DELETE FROM report WHERE kind=?1 AND day=?2 AND domain=?3 AND destination=''",
    [SQL_REPORT_ADD] = "INSERT OR IGNORE INTO report VALUES(?1,?2,?3,?4,1,?5,0,0,0,?5,'')",
    [SQL_REPORT_STEP] = "UPDATE report SET state=?5,next_at=?6,first_at=?7,attempts=?8,message=?9,"
                        "changed_at=?10,detail=?11"
                        " WHERE kind=?1 AND day=?2 AND domain=?3 AND destination=?4 AND state<2",
    [SQL_OLD_REPORTS] = "DELETE FROM report WHERE kind=?1 AND day<?2",
    [SQL_DRAFT_ADD] = "INSERT INTO draft(id,subscription,mailbox,value,version,expires_at,bytes)"
                      " VALUES(?1,?2,?3,?4,1,?5,?6)",
    [SQL_DRAFT_GET] = "SELECT subscription,version FROM draft WHERE id=?1 AND expires_at>?2",
    [SQL_DRAFT_SET] = "UPDATE draft SET bytes=bytes-length(CAST(value AS BLOB))+length(?2),"
                      "value=?2,version=version+1 WHERE id=?1",
    [SQL_DRAFT_TOUCH] = "UPDATE draft SET bytes=bytes+?2,version=version+1 WHERE id=?1",
    [SQL_DRAFT_DELETE] = "DELETE FROM draft WHERE id=?1",
    [SQL_DRAFT_OLD] = "SELECT id FROM draft WHERE expires_at<=?1 ORDER BY expires_at LIMIT ?2",
    [SQL_DRAFT_USED] = "SELECT count(*),coalesce(sum(bytes),0) FROM draft WHERE subscription=?1",
    [SQL_DRAFT_FILES_COUNT] = "SELECT count(*) FROM draft_file WHERE draft=?1",
    [SQL_DRAFT_FILE_ADD] = "INSERT INTO draft_file(id,draft,size,have,value) VALUES(?1,?2,?3,0,?4)",
    [SQL_DRAFT_FILE_GET] = "SELECT size,have,length(CAST(value AS BLOB)) FROM draft_file"
                           " WHERE id=?1 AND draft=?2",
    [SQL_DRAFT_FILE_SET] = "UPDATE draft_file SET have=?2 WHERE id=?1",
    [SQL_DRAFT_FILE_DELETE] = "DELETE FROM draft_file WHERE id=?1",
    [SQL_DRAFT_FILES_DELETE] = "DELETE FROM draft_file WHERE draft=?1",
    [SQL_DRAFT_PIECE_ADD] = "INSERT INTO draft_piece(file,at,bytes) VALUES(?1,?2,?3)",
    [SQL_DRAFT_FILE_PIECES_DELETE] = "DELETE FROM draft_piece WHERE file=?1",
    [SQL_DRAFT_PIECES_DELETE] =
        "DELETE FROM draft_piece WHERE file IN (SELECT id FROM draft_file WHERE draft=?1)",
    [SQL_PROBE] = "UPDATE version SET at=at WHERE step=1",
};

enum store_result result_of_sqlite(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return STORE_OK;
    case SQLITE_FULL:
        return STORE_FULL;
    case SQLITE_NOMEM:
        return STORE_NOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return STORE_CORRUPT;
    case SQLITE_CONSTRAINT:
        return STORE_EXISTS;
    default:
        return STORE_IO;
    }
}

sqlite3_stmt *sql_use(struct db *db, int n)
{
    sqlite3_reset(db->stmt[n]);
    return db->stmt[n];
}

void sql_bind_view(sqlite3_stmt *s, int at, sgl_view v)
{
    sqlite3_bind_text64(s, at, v.len == 0 ? "" : (const char *)v.ptr, v.len, SQLITE_STATIC,
                        SQLITE_UTF8);
}

bool sql_step(struct db *db, sqlite3_stmt *s)
{
    int code = sqlite3_step(s);

    if (code == SQLITE_ROW)
        return true;
    sqlite3_reset(s);
    if (code != SQLITE_DONE && db->hard == 0)
        db->hard = sqlite3_extended_errcode(db->handle);
    return false;
}

bool sql_run(struct db *db, sqlite3_stmt *s)
{
    int code = sqlite3_step(s);

    while (code == SQLITE_ROW)
        code = sqlite3_step(s);
    sqlite3_reset(s);
    if (code == SQLITE_DONE)
        return true;
    if (db->hard == 0)
        db->hard = sqlite3_extended_errcode(db->handle);
    return false;
}

sgl_view sql_view(sqlite3_stmt *s, int column)
{
    const void *text = sqlite3_column_blob(s, column);

    return sgl_view_of(text, (size_t)sqlite3_column_bytes(s, column));
}

/* network(source): of an address as text. */
static void network_of(sqlite3_context *s, int count, sqlite3_value **value)
{
    char out[DMARC_NETWORK_SIZE];
    const void *text = sqlite3_value_text(value[0]);
    sgl_view network = dmarc_network(sgl_view_of(text, (size_t)sqlite3_value_bytes(value[0])), out);

    (void)count;
    sqlite3_result_text(s, (const char *)network.ptr, (int)network.len, SQLITE_TRANSIENT);
}

static bool add_functions(sqlite3 *handle)
{
    return sqlite3_create_function_v2(handle, "network", 1,
                                      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
                                      network_of, NULL, NULL, NULL) == SQLITE_OK;
}

static bool set_up(struct db *db, bool writer)
{
    static const char writing[] = "PRAGMA page_size=" PAGE_SIZE ";"
                                  "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;"
                                  "PRAGMA wal_autocheckpoint=0;PRAGMA journal_size_limit=-1;"
                                  "PRAGMA cache_size=-32768;PRAGMA temp_store=MEMORY;"
                                  "PRAGMA foreign_keys=OFF;PRAGMA cell_size_check=ON;";
    static const char reading[] = "PRAGMA query_only=ON;PRAGMA cache_size=-1024;"
                                  "PRAGMA temp_store=MEMORY;PRAGMA cell_size_check=ON;";

    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, 5000);
    return add_functions(db->handle) &&
           sqlite3_exec(db->handle, writer ? writing : reading, NULL, NULL, NULL) == SQLITE_OK;
}

bool db_open(struct db *db, const char *path, bool writer, char *why, size_t why_size)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;

    memset(db, 0, sizeof(*db));
    if (sqlite3_open_v2(path, &db->handle, flags, NULL) == SQLITE_OK && set_up(db, writer))
        return true;
    snprintf(why, why_size, "%s: %s", path,
             db->handle == NULL ? "out of memory" : sqlite3_errmsg(db->handle));
    db_close(db);
    return false;
}

bool db_prepare(struct db *db, const char *const *text, size_t count, char *why, size_t why_size)
{
    db->text = text;
    db->stmts = count;
    for (size_t i = 0; i < count; i++) {
        if (sqlite3_prepare_v3(db->handle, text[i], -1, SQLITE_PREPARE_PERSISTENT, &db->stmt[i],
                               NULL) != SQLITE_OK) {
            snprintf(why, why_size, "the database does not fit this program: %s",
                     sqlite3_errmsg(db->handle));
            return false;
        }
    }
    return true;
}

void db_close(struct db *db)
{
    for (size_t i = 0; i < db->stmts; i++)
        sqlite3_finalize(db->stmt[i]);
    sqlite3_close(db->handle);
    memset(db, 0, sizeof(*db));
}

void *vector_add(struct vector *v)
{
    void *item;

    if (v->count == v->capacity) {
        size_t capacity = v->capacity == 0 ? 64 : v->capacity * 2;
        void *grown = realloc(v->item, capacity * v->size);

        if (grown == NULL)
            return NULL;
        v->item = grown;
        v->capacity = capacity;
    }
    item = (uint8_t *)v->item + v->count++ * v->size;
    memset(item, 0, v->size);
    return item;
}

void vector_done(struct vector *v)
{
    free(v->item);
    v->item = NULL;
    v->count = v->capacity = 0;
}

uint64_t sql_number(struct db *db, sqlite3_stmt *s)
{
    uint64_t n = sql_step(db, s) ? sql_u64(s, 0) : 0;

    sqlite3_reset(s);
    return n;
}
