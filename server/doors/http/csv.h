/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comma-separated values, read and written. [RFC 4180]  Pure: bytes in, fields out.
 *
 * Records end with LF or CRLF, the last one may end without.  A field in quotes may hold commas, line ends and doubled quotes.  Passed over: a UTF-8 byte order mark, empty
 * lines, and lines that begin with '#'.  A NUL, a quote inside of an unquoted field, and bytes behind a closing quote are faults; so is a bare CR.
 */
#ifndef SERVER_DOORS_HTTP_CSV_H
#define SERVER_DOORS_HTTP_CSV_H

#include "sigillo/buf.h"

#define CSV_FIELDS_MAX 16
#define CSV_FIELD_MAX  4096u /* bytes of one field, as it is read */

struct csv {
    uint8_t *text; /* quotes are taken out in place */
    size_t len, off;
    size_t next_line;
    /* out, of the record that was read last; views into text */
    size_t line; /* where it began, from 1 */
    sgl_view field[CSV_FIELDS_MAX];
    size_t fields;
    const char *fault; /* of CSV_FAULT: the rule, for people */
};
enum csv_step { CSV_RECORD, CSV_END, CSV_FAULT };

/* text is borrowed, and changed by csv_next(). */
void csv_init(struct csv *c, void *text, size_t len);
/* After a fault there is nothing more to read. Time: linear in the bytes of the record. */
enum csv_step csv_next(struct csv *c);

/* One field, in quotes if it needs them, so that csv_next() gives it back; then `end`: ',' or '\n'. */
void csv_put(struct sgl_buf *out, sgl_view field, char end);

#endif
