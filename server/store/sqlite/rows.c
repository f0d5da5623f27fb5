/* SPDX-License-Identifier: Apache-2.0 */
/* Rows into structs. The order of columns is that of MESSAGE_COLUMNS and RCPT_COLUMNS. */
#include "sigillo/banned.h"
#include "sqlite_internal.h"

static bool copy_columns(sqlite3_stmt *s, int first, sgl_view *const *out, int count,
                         struct sgl_arena *arena)
{
    for (int i = 0; i < count; i++) {
        if (sgl_arena_dup(arena, sql_view(s, first + i), out[i]) != SGL_OK)
            return false;
    }
    return true;
}

/* A number that we do not know is a demand of another version: never less than the most. */
static uint8_t tls_of(int flags)
{
    int tls = flags >> MESSAGE_TLS_SHIFT & 3;

    return tls > MESSAGE_TLS_VERIFIED ? MESSAGE_TLS_VERIFIED : (uint8_t)tls;
}

bool row_message(sqlite3_stmt *s, struct sgl_arena *arena, struct store_message *out,
                 uint64_t *first)
{
    int flags = sqlite3_column_int(s, 7);
    sgl_view *const text[] = {
        &out->subscription, &out->identity, &out->env_from,  &out->env_id, &out->message_id,
        &out->header_from,  &out->subject,  &out->signed_by, &out->door,   &out->peer,
        &out->labels,       &out->batch,    &out->pool};

    memset(out, 0, sizeof(*out));
    out->id = sql_u64(s, 0);
    *first = sql_u64(s, 1);
    out->rcpts = (size_t)sql_u64(s, 2);
    out->accepted_at = sqlite3_column_int64(s, 3);
    out->expires_at = sqlite3_column_int64(s, 4);
    out->not_before = sqlite3_column_int64(s, 5);
    out->size = sql_u64(s, 6);
    out->eightbit = (flags & MESSAGE_FLAG_EIGHTBIT) != 0;
    out->smtputf8 = (flags & MESSAGE_FLAG_SMTPUTF8) != 0;
    out->require_tls = (flags & MESSAGE_FLAG_REQUIRE_TLS) != 0;
    out->tls = tls_of(flags);
    out->ret = (char)(flags >> MESSAGE_RET_SHIFT & 0x7f);
    out->bypass = (uint8_t)(flags >> MESSAGE_BYPASS_SHIFT & 0xff);
    return copy_columns(s, 8, text, MESSAGE_TEXTS, arena);
}

/* That of its lane. Most often it is the part behind the @, and needs no memory of its own; mail that a route carries goes where that says. */
static bool destination(sgl_view lane, struct sgl_arena *arena, struct store_rcpt *out)
{
    sgl_view behind = sgl_view_from(out->address, out->address.len);

    while (behind.len < out->address.len && behind.ptr[-1] != '@')
        behind = sgl_view_of(behind.ptr - 1, behind.len + 1);
    out->domain = behind;
    return sgl_view_eq(lane, behind) || sgl_arena_dup(arena, lane, &out->domain) == SGL_OK;
}

bool row_rcpt(sqlite3_stmt *s, struct sgl_arena *arena, struct store_rcpt *out)
{
    int flags = sqlite3_column_int(s, 5);
    sgl_view *const text[] = {&out->address, &out->orcpt,    &out->status,
                              &out->reason,  &out->why_wait, &out->remote_mta};

    memset(out, 0, sizeof(*out));
    out->id = sql_u64(s, 0);
    out->state = (enum rcpt_state)sqlite3_column_int(s, 1);
    out->next_at = sqlite3_column_int64(s, 2);
    out->attempts = (uint32_t)sqlite3_column_int64(s, 3);
    out->fence = sql_u64(s, 4);
    out->possibly_repeated = (flags & RCPT_FLAG_POSSIBLY_REPEATED) != 0;
    out->delay_told = (flags & RCPT_FLAG_DELAY_TOLD) != 0;
    out->notify = (uint8_t)sqlite3_column_int(s, 6);
    return copy_columns(s, 7, text, 6, arena) && destination(sql_view(s, 13), arena, out);
}
