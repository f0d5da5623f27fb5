/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the audit: appended, and gone when they are old. */
#include "sigillo/banned.h"
#include "sigillo/buf.h"
#include "sigillo/utf8.h"
#include "sqlite_internal.h"

#define TEXTS 7

/* The text as one printable line of at most `max` bytes; what is cut ends at a whole character. */
static void add_clean(struct sgl_buf *out, sgl_view v, size_t max)
{
    size_t end = out->len + max;

    for (size_t off = 0; off < v.len;) {
        uint32_t code = 0;
        size_t n = sgl_utf8_next(v, off, &code);
        bool clean = n > 0 && code >= 0x20 && (code < 0x7f || code > 0x9f);
        sgl_view part = clean ? sgl_view_sub(v, off, n) : SGL_LIT("\xef\xbf\xbd");

        if (part.len > end - out->len)
            return;
        sgl_buf_add(out, part);
        if (out->status != SGL_OK)
            return;
        off += n == 0 ? 1 : n;
    }
}

void audit_add(struct store *store, const struct store_audit *a, sgl_view more)
{
    const sgl_view text[TEXTS] = {a->actor,        a->peer,   a->action, a->object,
                                  a->subscription, a->result, a->detail};
    sgl_auto(sgl_buf) clean =
        SGL_BUF_INIT(TEXTS * STORE_AUDIT_TEXT_MAX + STORE_AUDIT_DETAIL_MAX + 400);
    sqlite3_stmt *s = sql_use(&store->db, SQL_AUDIT_ADD);
    size_t end[TEXTS];

    if (store->db.hard != 0)
        return;
    for (int i = 0; i < TEXTS; i++) {
        bool detail = i == TEXTS - 1;

        add_clean(&clean, text[i], detail ? STORE_AUDIT_DETAIL_MAX : STORE_AUDIT_TEXT_MAX);
        if (detail)
            add_clean(&clean, more, STORE_AUDIT_TEXT_MAX);
        end[i] = clean.len;
    }
    if (clean.status != SGL_OK) {
        store->pending.nomem = true; /* no change without its line */
        return;
    }
    sqlite3_bind_int64(s, 1, a->at_ms);
    for (int i = 0; i < TEXTS; i++) {
        size_t from = i == 0 ? 0 : end[i - 1];

        sql_bind_view(s, i + 2, sgl_view_sub(sgl_buf_view(&clean), from, end[i] - from));
    }
    sql_run(&store->db, s);
}

static void run_at(struct store *store, int which, int64_t ms, size_t max)
{
    sqlite3_stmt *s = sql_use(&store->db, which);

    if (store->db.hard != 0)
        return;
    sqlite3_bind_int64(s, 1, ms);
    if (max > 0)
        sql_bind_u64(s, 2, max);
    sql_run(&store->db, s);
}

/* Only between the first and the last of these do the triggers let a line go. */
void audit_expire(struct store *store, int64_t before_ms, size_t max)
{
    run_at(store, SQL_AUDIT_EXPIRY, before_ms, 0);
    run_at(store, SQL_OLD_AUDIT, before_ms, max);
    run_at(store, SQL_AUDIT_EXPIRY, 0, 0);
}
