/* SPDX-License-Identifier: Apache-2.0 */
/* The tables, and the steps that lead there from any earlier version. */
#ifndef SERVER_STORE_SQLITE_SCHEMA_H
#define SERVER_STORE_SQLITE_SCHEMA_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

/* Brings the database to the newest version, each step in its own transaction; refuses a newer one and one that is not ours. */
bool schema_migrate(sqlite3 *db, const char *path, char *why, size_t why_size);

#endif
