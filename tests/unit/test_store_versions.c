/* SPDX-License-Identifier: Apache-2.0 */
/* The schema: a newer one is refused, an older one becomes this one with all that it holds. */
#include "../../server/store/report.h"
#include "store_steps.h"

#include <sqlite3.h>

static void pragma(const char *sql)
{
    char path[128];
    sqlite3 *db;

    snprintf(path, sizeof(path), "%s/sigillo.db", fx.folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_versions(void **state)
{
    (void)state;
    store_fixture_close(&fx);
    pragma("PRAGMA user_version=1000");
    expect_refusal("a newer schema is refused", "newer");
    pragma("PRAGMA user_version=-1");
    expect_refusal("an impossible one, too", "damaged");
    pragma("PRAGMA user_version=1; PRAGMA application_id=77");
    expect_refusal("and the database of another program", "another program");
    nftw(fx.folder, store_fixture_unlink, 16, FTW_DEPTH | FTW_PHYS);
    assert_int_equal(mkdir(fx.folder, 0700), 0);
    store_fixture_open(&fx);
}

/* The database as version 1 of the schema made it, with a message that waits, a noun and a key. */
static const char version_1[] =
    "PRAGMA journal_mode=WAL; BEGIN;"
    "CREATE TABLE version(step INTEGER PRIMARY KEY, at INTEGER NOT NULL, program TEXT NOT NULL);"
    "CREATE TABLE lane(id INTEGER PRIMARY KEY, domain TEXT NOT NULL, subscription TEXT NOT NULL,"
    " UNIQUE(domain, subscription));"
    "CREATE TABLE message(id INTEGER PRIMARY KEY, first_rcpt INTEGER NOT NULL, rcpts INTEGER NOT "
    "NULL, accepted_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, not_before INTEGER NOT NULL,"
    " size INTEGER NOT NULL, flags INTEGER NOT NULL, subscription TEXT NOT NULL, identity TEXT NOT "
    "NULL, env_from TEXT NOT NULL, env_id TEXT NOT NULL, message_id TEXT NOT NULL, header_from "
    "TEXT NOT NULL, subject TEXT NOT NULL, signed_by TEXT NOT NULL, door TEXT NOT NULL, peer TEXT "
    "NOT NULL);"
    "CREATE TABLE recipient(id INTEGER PRIMARY KEY, message INTEGER NOT NULL, lane INTEGER NOT "
    "NULL, state INTEGER NOT NULL, next_at INTEGER NOT NULL, lease INTEGER NOT NULL, fence INTEGER "
    "NOT NULL, attempts INTEGER NOT NULL, flags INTEGER NOT NULL, notify INTEGER NOT NULL, address "
    "TEXT NOT NULL, orcpt TEXT NOT NULL);"
    "CREATE INDEX recipient_due ON recipient(lane, next_at) WHERE state = 0 AND lease = 0;"
    "CREATE INDEX recipient_leased ON recipient(lease) WHERE lease > 0;"
    "CREATE INDEX recipient_held ON recipient(lane) WHERE state = 1;"
    "CREATE TABLE note(rcpt INTEGER PRIMARY KEY, status TEXT NOT NULL, reason TEXT NOT NULL,"
    " why_wait TEXT NOT NULL, remote_mta TEXT NOT NULL);"
    "CREATE TABLE unfinished(id INTEGER PRIMARY KEY, remaining INTEGER NOT NULL, spooled INTEGER "
    "NOT NULL);"
    "CREATE TABLE body(id INTEGER PRIMARY KEY, header_len INTEGER NOT NULL, bytes BLOB);"
    "CREATE TABLE event(message INTEGER NOT NULL, n INTEGER NOT NULL, rcpt INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL,"
    " PRIMARY KEY(message, n)) WITHOUT ROWID;"
    "CREATE TABLE noun(kind TEXT NOT NULL, key TEXT NOT NULL, subscription TEXT NOT NULL,"
    " value TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID;"
    "CREATE TABLE idempotency(subscription TEXT NOT NULL, key TEXT NOT NULL, hash BLOB NOT NULL,"
    " message INTEGER NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY(subscription, key)) WITHOUT "
    "ROWID;"
    "CREATE INDEX idempotency_at ON idempotency(at_ms);"
    "INSERT INTO version VALUES(1,1,'1');"
    "INSERT INTO lane VALUES(1,'example.net','sub');"
    "INSERT INTO message VALUES(1000,7,1,5,99999999999,0,4,0,'sub','key:k','a@b.test','','<m>',"
    "'a@b.test','','','http','');"
    "INSERT INTO recipient VALUES(7,1000,1,0,5,0,0,0,0,0,'u@example.net','');"
    "INSERT INTO unfinished VALUES(1000,1,0);"
    "INSERT INTO body VALUES(1000,0,x'61626364');"
    "INSERT INTO noun VALUES('subscription','sub','','{\"created_at\":1}',3);"
    "PRAGMA application_id=0x53474c4f; PRAGMA user_version=1; COMMIT;";

static bool no_charge(void *ctx, const struct store_usage *u)
{
    (void)ctx;
    (void)u;
    fail_msg("a charge that nobody made");
    return false;
}

static bool see_noun(void *ctx, const struct store_noun *n)
{
    CHECK_EQ("a noun keeps its version", n->version, 3);
    ++*(unsigned *)ctx;
    return true;
}

static bool no_line(void *ctx, const struct store_audit *a)
{
    (void)ctx;
    (void)a;
    fail_msg("a line of the audit that nobody wrote");
    return false;
}

static void test_migration(void **state)
{
    struct store_message *m = NULL;
    struct store_counts counts;
    unsigned nouns = 0;

    (void)state;
    store_fixture_close(&fx);
    nftw(fx.folder, store_fixture_unlink, 16, FTW_DEPTH | FTW_PHYS);
    assert_int_equal(mkdir(fx.folder, 0700), 0);
    pragma(version_1);
    for (int round = 0; round < 2; round++) {
        store_fixture_open(&fx);
        assert_int_equal(store_read_message(fx.store, 1000, &m), STORE_OK);
        CHECK_VIEW("a message of version 1 is there", m->rcpt[0].address, SGL_LIT("u@example.net"));
        CHECK_TRUE("nobody has called it anything",
                   m->labels.len + m->batch.len + m->pool.len == 0 && m->bypass == 0);
        store_message_free(m);
        assert_int_equal(store_read_counts(fx.store, &counts), STORE_OK);
        CHECK_EQ("and waits", counts.waiting, 1);
        assert_int_equal(store_read_charges(fx.store, 0, no_charge, NULL), STORE_OK);
        assert_int_equal(store_read_audit(fx.store, &(struct store_audit_filter){0}, no_line, NULL),
                         STORE_OK);
        assert_int_equal(store_read_nouns(fx.store, SGL_LIT("subscription"), see_noun, &nouns),
                         STORE_OK);
        store_fixture_close(&fx);
    }
    CHECK_EQ("each time it is opened", nouns, 2);
    store_fixture_open(&fx);
}

/* Back to what version 12 had: reports about TLS in a table of their own, of which one is due and one was sent. */
static const char version_12[] =
    "BEGIN; DROP TABLE report; DROP TABLE dmarc_policy; DROP TABLE dmarc_judged;"
    "DROP TABLE dmarc_received; DROP TABLE dmarc_source; DROP TABLE refusing;"
    "CREATE TABLE tlsrpt_report(day INTEGER NOT NULL, domain TEXT NOT NULL,"
    " destination TEXT NOT NULL, state INTEGER NOT NULL, next_at INTEGER NOT NULL,"
    " first_at INTEGER NOT NULL, attempts INTEGER NOT NULL, message INTEGER NOT NULL,"
    " changed_at INTEGER NOT NULL, detail TEXT NOT NULL,"
    " PRIMARY KEY(day, domain, destination)) WITHOUT ROWID;"
    "CREATE INDEX tlsrpt_due ON tlsrpt_report(next_at) WHERE state < 2;"
    "INSERT INTO tlsrpt_report VALUES(20000,'a.test','',0,5,0,0,0,0,'');"
    "INSERT INTO tlsrpt_report VALUES(20001,'b.test','mailto:r@b.test',2,6,7,8,9,10,'why');"
    "DELETE FROM version WHERE step>12; PRAGMA user_version=12; COMMIT;";

static bool put_report(void *ctx, const struct store_report *r)
{
    char *text = ctx;
    size_t len = strlen(text);

    snprintf(text + len, 500 - len, "%d %d %.*s %.*s %d %d %d %u %d %d %.*s; ", (int)r->kind,
             (int)r->day, SGL_FMT(r->domain), SGL_FMT(r->destination), (int)r->state,
             (int)r->next_at, (int)r->first_at, r->attempts, (int)r->message, (int)r->changed_at,
             SGL_FMT(r->detail));
    return true;
}

/* What was due is due, and what was sent is not sent again. */
static void test_reports_move(void **state)
{
    char due[500] = "", sent[500] = "";

    (void)state;
    store_fixture_close(&fx);
    pragma(version_12);
    store_fixture_open(&fx);
    assert_int_equal(store_read_reports_due(fx.store, 1u << REPORT_TLS, 100, 10, put_report, due),
                     STORE_OK);
    assert_string_equal(due, "0 20000 a.test  0 5 0 0 0 0 ; ");
    assert_int_equal(store_read_reports(fx.store,
                                        &(struct report_query){.kind = REPORT_TLS, .max = 10},
                                        put_report, sent),
                     STORE_OK);
    assert_string_equal(sent, "0 20001 b.test mailto:r@b.test 2 6 7 8 9 10 why; ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_versions),
        STORE_TEST(test_migration),
        STORE_TEST(test_reports_move),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
