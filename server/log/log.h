/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON lines on stderr: one call, one line of at most 4 KiB, one write().  Untrusted bytes are escaped, long ones cut.
 *
 *   log_line(LOG_INFO_, "delivered", LOG_ID(id), LOG_VIEW("host", host), LOG_INT("ms", 12));
 *   {"time":"2026-01-31T12:00:00.123Z","level":"info","event":"delivered","id":"01hx3k...","host":"mx1.a.test","ms":12}
 *
 * A line about a message carries its id. Any thread.
 */
#ifndef SERVER_LOG_LOG_H
#define SERVER_LOG_LOG_H

#include <stdint.h>

#include "sigillo/view.h"

enum log_level { LOG_DEBUG_, LOG_INFO_, LOG_WARN_, LOG_ERROR_ };
enum log_kind { LOG_KIND_END, LOG_KIND_STR, LOG_KIND_INT, LOG_KIND_ID, LOG_KIND_BOOL };
struct log_field {
    enum log_kind kind;
    const char *key;
    sgl_view text;
    int64_t number;
};
#define LOG_VIEW(key, view)  ((struct log_field){LOG_KIND_STR, (key), (view), 0})
#define LOG_STR(key, cstr)   ((struct log_field){LOG_KIND_STR, (key), sgl_view_cstr(cstr), 0})
#define LOG_INT(key, number) ((struct log_field){LOG_KIND_INT, (key), {0, 0}, (int64_t)(number)})
#define LOG_BOOL(key, flag)  ((struct log_field){LOG_KIND_BOOL, (key), {0, 0}, (flag) ? 1 : 0})
#define LOG_ID(id)                                                                                 \
    ((struct log_field){                                                                           \
        LOG_KIND_ID, "id", {0, 0}, (int64_t)(id)}) /* a message's id, in its text form */

void log_fields(enum log_level level, const char *what, const struct log_field *field,
                size_t fields);
#define log_line(level, what, ...)                                                                 \
    log_fields((level), (what), (const struct log_field[]){__VA_ARGS__},                           \
               sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

void log_set_level(enum log_level level); /* LOG_INFO_ at first */
bool log_wants(enum log_level level);     /* before work that only the log would see */
#endif
