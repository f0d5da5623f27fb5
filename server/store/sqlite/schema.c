/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message     the envelope; written once
 * recipient   one row each; state, next try, claim. Rows that wait are in recipient_due, claimed ones in recipient_leased, held ones in recipient_held, final ones in no index:
 *             what looks for work never passes over what is done.  It does not grow after its insert, so that pages filled to the brim do not split
 * note        the last answer and reason of a recipient
 * unfinished  messages with recipients that are not final (remaining > 0), or whose body still has to go (remaining = 0)
 * body        the bytes, or NULL when they are a file in the spool
 * event       the trail
 * lane        one subscription's mail to one destination
 * usage       what was charged: a row for each millisecond, subscription and identity (step 2)
 * audit       who changed what (step 3). Triggers keep it append-only: a line goes only while audit_expiry names a time after it, which it does within one transaction of the writer. A
 *             line is not replaced either: REPLACE would not ask the trigger for DELETE
 *
 * Step 4 adds to message what its sender calls it, its batch and its pool.
 * draft       a message that is not finished; draft_file: its files, whose bytes are in draft_piece as they came
 * statistic   what happened to recipients, counted by subscription, category (empty: all) and day
 * transit     how mail went over the wire, counted by day, subscription, the sender's domain and the destination
 * tlsrpt_policy   sessions of a day with a domain under one policy, tlsrpt_failure: those that failed
 * tls_received    reports about TLS that others have sent
 * report          which report about a day went where; once tlsrpt_report, of those about TLS alone
 * dmarc_policy    policies by which messages of a day were judged, dmarc_judged: how many of which kind
 * dmarc_received  DMARC reports that others have sent, dmarc_source: their records, summed up by day, source and result
 * refusing        days on which an address refused mail for a while
 * batch           what becomes of the messages that have one, and which those are
 */
#include "schema.h"

#include <stdio.h>

#include "sigillo/banned.h"

#define APPLICATION_ID 0x53474c4f /* "SGLO" */

static const char *const step[] = {
    "CREATE TABLE version(step INTEGER PRIMARY KEY, at INTEGER NOT NULL, program TEXT NOT NULL);"
    "CREATE TABLE lane(id INTEGER PRIMARY KEY, domain TEXT NOT NULL, subscription TEXT NOT NULL,"
    " UNIQUE(domain, subscription));"
    "CREATE TABLE message(id INTEGER PRIMARY KEY, first_rcpt INTEGER NOT NULL, rcpts INTEGER NOT "
    "NULL,"
    " accepted_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, not_before INTEGER NOT NULL,"
    " size INTEGER NOT NULL, flags INTEGER NOT NULL, subscription TEXT NOT NULL, identity TEXT NOT "
    "NULL,"
    " env_from TEXT NOT NULL, env_id TEXT NOT NULL, message_id TEXT NOT NULL, header_from TEXT NOT "
    "NULL,"
    " subject TEXT NOT NULL, signed_by TEXT NOT NULL, door TEXT NOT NULL, peer TEXT NOT NULL);"
    "CREATE TABLE recipient(id INTEGER PRIMARY KEY, message INTEGER NOT NULL, lane INTEGER NOT "
    "NULL,"
    " state INTEGER NOT NULL, next_at INTEGER NOT NULL, lease INTEGER NOT NULL, fence INTEGER NOT "
    "NULL,"
    " attempts INTEGER NOT NULL, flags INTEGER NOT NULL, notify INTEGER NOT NULL, address TEXT NOT "
    "NULL,"
    " orcpt TEXT NOT NULL);"
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
    "CREATE INDEX idempotency_at ON idempotency(at_ms);",
    "CREATE TABLE usage(at_ms INTEGER NOT NULL, subscription TEXT NOT NULL, identity TEXT NOT NULL,"
    " messages INTEGER NOT NULL, recipients INTEGER NOT NULL, internal INTEGER NOT NULL,"
    " external INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    " PRIMARY KEY(at_ms, subscription, identity)) WITHOUT ROWID;",
    "CREATE TABLE audit(id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL,"
    " actor TEXT NOT NULL, peer TEXT NOT NULL, action TEXT NOT NULL, object TEXT NOT NULL,"
    " subscription TEXT NOT NULL, result TEXT NOT NULL, detail TEXT NOT NULL);"
    "CREATE INDEX audit_subscription ON audit(subscription, id);"
    "CREATE TABLE audit_expiry(one INTEGER PRIMARY KEY CHECK(one = 1), before_ms INTEGER NOT NULL);"
    "INSERT INTO audit_expiry VALUES(1, 0);"
    "CREATE TRIGGER audit_insert BEFORE INSERT ON audit"
    " WHEN EXISTS(SELECT 1 FROM audit WHERE id = NEW.id)"
    " BEGIN SELECT RAISE(ABORT, 'lines of the audit are not replaced'); END;"
    "CREATE TRIGGER audit_update BEFORE UPDATE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'lines of the audit are not changed'); END;"
    "CREATE TRIGGER audit_delete BEFORE DELETE ON audit"
    " WHEN OLD.at_ms >= (SELECT before_ms FROM audit_expiry)"
    " BEGIN SELECT RAISE(ABORT, 'lines of the audit go by age only'); END;",
    "ALTER TABLE message ADD COLUMN labels TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE message ADD COLUMN batch TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE message ADD COLUMN pool TEXT NOT NULL DEFAULT '';",
    "CREATE TABLE draft(id INTEGER PRIMARY KEY, subscription TEXT NOT NULL, mailbox TEXT NOT NULL,"
    " value TEXT NOT NULL, version INTEGER NOT NULL, expires_at INTEGER NOT NULL);"
    "CREATE INDEX draft_subscription ON draft(subscription);"
    "CREATE INDEX draft_expires ON draft(expires_at);"
    "CREATE TABLE draft_file(id INTEGER PRIMARY KEY, draft INTEGER NOT NULL, size INTEGER NOT NULL,"
    " have INTEGER NOT NULL, value TEXT NOT NULL);"
    "CREATE INDEX draft_file_draft ON draft_file(draft);"
    "CREATE TABLE draft_piece(id INTEGER PRIMARY KEY, file INTEGER NOT NULL, at INTEGER NOT NULL,"
    " bytes BLOB NOT NULL);"
    "CREATE UNIQUE INDEX draft_piece_at ON draft_piece(file, at);",
    "CREATE TABLE batch(subscription TEXT NOT NULL, id TEXT NOT NULL, status INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL, PRIMARY KEY(subscription, id)) WITHOUT ROWID;"
    "CREATE TABLE batch_message(subscription TEXT NOT NULL, batch TEXT NOT NULL,"
    " message INTEGER NOT NULL, PRIMARY KEY(subscription, batch, message)) WITHOUT ROWID;",
    /* What a draft is with its files, so that nobody has to read all of them to know it. */
    "ALTER TABLE draft ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;"
    "UPDATE draft SET bytes=length(CAST(value AS BLOB))+coalesce((SELECT"
    " sum(f.size+length(CAST(f.value AS BLOB))) FROM draft_file f WHERE f.draft=draft.id),0);"
    "DROP INDEX draft_subscription;"
    "CREATE INDEX draft_used ON draft(subscription, bytes);",
    "CREATE TABLE statistic(subscription TEXT NOT NULL, category TEXT NOT NULL,"
    " day INTEGER NOT NULL, metric INTEGER NOT NULL, count INTEGER NOT NULL,"
    " PRIMARY KEY(subscription, category, day, metric)) WITHOUT ROWID;",
    "CREATE TABLE transit(day INTEGER NOT NULL, subscription TEXT NOT NULL, sender TEXT NOT NULL,"
    " domain TEXT NOT NULL, mechanism INTEGER NOT NULL, version INTEGER NOT NULL,"
    " cause INTEGER NOT NULL, delivered INTEGER NOT NULL, failed INTEGER NOT NULL,"
    " PRIMARY KEY(day, subscription, sender, domain, mechanism, version, cause)) WITHOUT ROWID;",
    "CREATE TABLE tlsrpt_policy(id INTEGER PRIMARY KEY, day INTEGER NOT NULL, domain TEXT NOT NULL,"
    " type INTEGER NOT NULL, strings TEXT NOT NULL, mx TEXT NOT NULL, successes INTEGER NOT NULL,"
    " failed INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX tlsrpt_policy_of ON tlsrpt_policy(day, domain, type, strings, mx);"
    "CREATE TABLE tlsrpt_failure(policy INTEGER NOT NULL, result TEXT NOT NULL,"
    " sending TEXT NOT NULL, host TEXT NOT NULL, receiving TEXT NOT NULL, reason TEXT NOT NULL,"
    " sessions INTEGER NOT NULL,"
    " PRIMARY KEY(policy, result, sending, host, receiving, reason)) WITHOUT ROWID;"
    "CREATE TABLE tlsrpt_report(day INTEGER NOT NULL, domain TEXT NOT NULL,"
    " destination TEXT NOT NULL, state INTEGER NOT NULL, next_at INTEGER NOT NULL,"
    " first_at INTEGER NOT NULL, attempts INTEGER NOT NULL, message INTEGER NOT NULL,"
    " changed_at INTEGER NOT NULL, detail TEXT NOT NULL,"
    " PRIMARY KEY(day, domain, destination)) WITHOUT ROWID;"
    "CREATE INDEX tlsrpt_due ON tlsrpt_report(next_at) WHERE state < 2;",
    "CREATE TABLE tls_received(id INTEGER PRIMARY KEY, domain TEXT NOT NULL,"
    " organization TEXT NOT NULL, report TEXT NOT NULL, begins INTEGER NOT NULL,"
    " ends INTEGER NOT NULL, at INTEGER NOT NULL, peer TEXT NOT NULL, value TEXT NOT NULL);"
    "CREATE UNIQUE INDEX tls_received_of ON tls_received(domain, organization, report);"
    "CREATE INDEX tls_received_domain ON tls_received(domain, id);",
    "CREATE TABLE reputation(kind INTEGER NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL,"
    " last INTEGER NOT NULL, good REAL NOT NULL, failed REAL NOT NULL, unknown REAL NOT NULL, junk "
    "REAL NOT NULL,"
    " complaints REAL NOT NULL, traps REAL NOT NULL, PRIMARY KEY(kind, name)) WITHOUT ROWID;",
    "CREATE TABLE report(kind INTEGER NOT NULL, day INTEGER NOT NULL, domain TEXT NOT NULL,"
    " destination TEXT NOT NULL, state INTEGER NOT NULL, next_at INTEGER NOT NULL,"
    " first_at INTEGER NOT NULL, attempts INTEGER NOT NULL, message INTEGER NOT NULL,"
    " changed_at INTEGER NOT NULL, detail TEXT NOT NULL,"
    " PRIMARY KEY(kind, day, domain, destination)) WITHOUT ROWID;"
    "INSERT INTO report SELECT 0, day, domain, destination, state, next_at, first_at, attempts,"
    " message, changed_at, detail FROM tlsrpt_report;"
    "DROP TABLE tlsrpt_report;"
    "CREATE INDEX report_due ON report(next_at) WHERE state < 2;"
    "CREATE TABLE dmarc_policy(id INTEGER PRIMARY KEY, day INTEGER NOT NULL, domain TEXT NOT NULL,"
    " rules INTEGER NOT NULL, record TEXT NOT NULL, turn INTEGER NOT NULL,"
    " rows INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX dmarc_policy_of ON dmarc_policy(day, domain, rules, record);"
    "CREATE TABLE dmarc_judged(policy INTEGER NOT NULL, source TEXT NOT NULL,"
    " evaluated TEXT NOT NULL, header_from TEXT NOT NULL, envelope_from TEXT NOT NULL,"
    " dkim TEXT NOT NULL, spf TEXT NOT NULL, messages INTEGER NOT NULL,"
    " PRIMARY KEY(policy, source, evaluated, header_from, envelope_from, dkim, spf))"
    " WITHOUT ROWID;",
    "CREATE TABLE dmarc_received(domain TEXT NOT NULL, organization TEXT NOT NULL, report TEXT NOT "
    "NULL, begins INTEGER NOT NULL, ends INTEGER NOT NULL, day INTEGER NOT NULL, at INTEGER NOT "
    "NULL, subscription TEXT NOT NULL, verified INTEGER NOT NULL, partial INTEGER NOT NULL,"
    " p INTEGER NOT NULL, messages INTEGER NOT NULL,"
    " PRIMARY KEY(domain, organization, report, begins)) WITHOUT ROWID;"
    "CREATE INDEX dmarc_received_day ON dmarc_received(day);"
    "CREATE INDEX dmarc_received_ends ON dmarc_received(domain, ends);"
    "CREATE TABLE dmarc_source(day INTEGER NOT NULL, domain TEXT NOT NULL, subscription TEXT NOT "
    "NULL, organization TEXT NOT NULL, verified INTEGER NOT NULL, source TEXT NOT NULL,"
    " disposition INTEGER NOT NULL, dkim INTEGER NOT NULL, spf INTEGER NOT NULL,"
    " header_from TEXT NOT NULL, envelope_from TEXT NOT NULL, dkim_domain TEXT NOT NULL,"
    " dkim_selector TEXT NOT NULL, dkim_result INTEGER NOT NULL, spf_domain TEXT NOT NULL,"
    " spf_result INTEGER NOT NULL, reason INTEGER NOT NULL, messages INTEGER NOT NULL,"
    " PRIMARY KEY(day, domain, source, subscription, organization, verified, disposition, dkim,"
    " spf, header_from, envelope_from, dkim_domain, dkim_selector, dkim_result, spf_domain,"
    " spf_result, reason)) WITHOUT ROWID;",
    "CREATE TABLE refusing(subscription TEXT NOT NULL, address TEXT NOT NULL,"
    " day INTEGER NOT NULL, PRIMARY KEY(subscription, address, day)) WITHOUT ROWID;"
    "CREATE INDEX refusing_day ON refusing(day);",
};
#define STEPS ((int)(sizeof(step) / sizeof(step[0])))

static bool pragma_int(sqlite3 *db, const char *sql, int *out)
{
    sqlite3_stmt *s = NULL;
    bool ok =
        sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW;

    if (ok)
        *out = sqlite3_column_int(s, 0);
    return sqlite3_finalize(s) == SQLITE_OK && ok;
}

static bool take_step(sqlite3 *db, int n)
{
    char mark[256];

    snprintf(mark, sizeof(mark),
             "INSERT INTO version VALUES(%d, unixepoch(), '" SIGILLO_VERSION "');"
             "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
             n + 1, APPLICATION_ID, n + 1);
    if (sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_exec(db, step[n], NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_exec(db, mark, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    return false;
}

bool schema_migrate(sqlite3 *db, const char *path, char *why, size_t why_size)
{
    int application = 0, version = 0, objects = 0;

    if (!pragma_int(db, "PRAGMA application_id", &application) ||
        !pragma_int(db, "PRAGMA user_version", &version) ||
        !pragma_int(db, "SELECT count(*) FROM sqlite_schema", &objects)) {
        snprintf(why, why_size, "%s: damaged or unreadable: %s", path, sqlite3_errmsg(db));
        return false;
    }
    if (objects > 0 && application != APPLICATION_ID) {
        snprintf(why, why_size, "%s: a database of another program", path);
        return false;
    }
    if (version > STEPS) {
        snprintf(why, why_size,
                 "%s: written by a newer Sigillo (schema %d, this program knows %d): run the newer "
                 "program",
                 path, version, STEPS);
        return false;
    }
    if (version < 0 || (version == 0 && objects > 0)) {
        snprintf(why, why_size, "%s: damaged: schema version %d", path, version);
        return false;
    }
    for (int n = version; n < STEPS; n++) {
        if (!take_step(db, n)) {
            snprintf(why, why_size, "%s: cannot bring the schema from version %d to %d: %s", path,
                     n, n + 1, sqlite3_errmsg(db));
            sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
            return false;
        }
    }
    return true;
}
