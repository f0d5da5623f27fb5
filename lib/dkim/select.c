/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which fields a signature covers.
 *
 * Those that tell a reader who says what to whom, and how to read the body.  Not those that others add or change on the way: Received,
 * Return-Path, Authentication-Results, Delivered-To, Bcc, and everything unknown.  [RFC 6376 s5.4.1]
 */
#include "dkim_internal.h"

#include "sigillo/limits.h"

static const struct {
    sgl_view name;
    bool
        oversigned; /* one entry more than instances: another one added later breaks the signature [RFC 6376 s8.15] */
} table[] = {
    {SGL_LIT_INIT("from"), true},
    {SGL_LIT_INIT("subject"), true},
    {SGL_LIT_INIT("date"), true},
    {SGL_LIT_INIT("to"), true},
    {SGL_LIT_INIT("cc"), true},
    {SGL_LIT_INIT("reply-to"), true},
    {SGL_LIT_INIT("message-id"), true},
    {SGL_LIT_INIT("mime-version"), true},
    {SGL_LIT_INIT("content-type"), true},
    {SGL_LIT_INIT("content-transfer-encoding"), true},
    {SGL_LIT_INIT("list-unsubscribe"), true}, /* [RFC 8058 s4] */
    {SGL_LIT_INIT("list-unsubscribe-post"), true},
    {SGL_LIT_INIT("sender"), false},
    {SGL_LIT_INIT("in-reply-to"), false},
    {SGL_LIT_INIT("references"), false},
    {SGL_LIT_INIT("content-id"), false},
    {SGL_LIT_INIT("content-description"), false},
    {SGL_LIT_INIT("content-disposition"), false},
    {SGL_LIT_INIT("content-language"), false},
    {SGL_LIT_INIT("list-id"), false},
    {SGL_LIT_INIT("list-help"), false},
    {SGL_LIT_INIT("list-subscribe"), false},
    {SGL_LIT_INIT("list-post"), false},
    {SGL_LIT_INIT("list-owner"), false},
    {SGL_LIT_INIT("list-archive"), false},
    {SGL_LIT_INIT("auto-submitted"), false},
    {SGL_LIT_INIT("feedback-id"), false},
    {SGL_LIT_INIT("tls-required"), false},
    {SGL_LIT_INIT("tls-report-domain"), false}, /* [RFC 8460 s5.3] */
    {SGL_LIT_INIT("tls-report-submitter"), false},
};
#define TABLE_SIZE (sizeof table / sizeof table[0])

static size_t row_of(sgl_view name)
{
    for (size_t row = 0; row < TABLE_SIZE; row++) {
        if (name.len == table[row].name.len && sgl_view_eq_nocase(name, table[row].name))
            return row;
    }
    return TABLE_SIZE;
}

/* The instances of a row, linked from the last upwards: the order in which they are hashed  [RFC 6376 s5.4.2]. */
struct instances {
    size_t *above; /* by field: 1 + the next instance above it, 0 for none */
    size_t last[TABLE_SIZE], count[TABLE_SIZE];
};

static size_t link_instances(const struct sgl_headers *headers, struct instances *found)
{
    size_t total = 0;

    for (size_t i = 0; i < headers->count; i++) {
        size_t row = row_of(headers->field[i].name);

        if (row == TABLE_SIZE)
            continue;
        found->above[i] = found->last[row];
        found->last[row] = i + 1;
        found->count[row]++;
        total++;
    }
    return total;
}

enum sgl_status sgl_dkim_select(const struct sgl_headers *headers, struct sgl_arena *arena,
                                struct sgl_dkim_selection *out)
{
    struct instances found = {SGL_NEW_N(arena, headers->count, size_t), {0}, {0}};
    const struct sgl_header **field;
    sgl_view *name;
    size_t total, fields = 0, names = 0;

    if (found.above == NULL)
        return arena->status;
    total = link_instances(headers, &found);
    if (found.count[0] == 0)
        return SGL_E_SYNTAX; /* [RFC 6376 s5.4]: From MUST be signed */
    field = SGL_NEW_N(arena, total, const struct sgl_header *);
    name = SGL_NEW_N(arena, total + TABLE_SIZE, sgl_view);
    if (field == NULL || name == NULL)
        return arena->status;
    for (size_t row = 0; row < TABLE_SIZE; row++) {
        for (size_t i = found.last[row]; i != 0; i = found.above[i - 1]) {
            field[fields++] = &headers->field[i - 1];
            name[names++] = table[row].name;
        }
        if (table[row].oversigned)
            name[names++] = table[row].name;
    }
    *out = (struct sgl_dkim_selection){field, fields, name, names};
    return SGL_OK;
}

/* [RFC 6376 s5.4]: From MUST be signed.  Another signature of ours is not there yet, so that it cannot be covered. */
static bool names_ok(const struct sgl_headers *headers, const sgl_view *name, size_t names)
{
    bool from = false;

    if (names > SGL_LIMIT_DKIM_SIGNED)
        return false;
    for (size_t i = 0; i < names; i++) {
        if (!sgl_header_name_ok(name[i]) || sgl_view_find(name[i], ';') < name[i].len ||
            sgl_view_eq_nocase(name[i], SGL_LIT("DKIM-Signature")))
            return false;
        from = from || sgl_view_eq_nocase(name[i], SGL_LIT("From"));
    }
    return from && sgl_headers_first(headers, SGL_LIT("From")) != NULL;
}

enum sgl_status sgl_dkim_select_named(const struct sgl_headers *headers, const sgl_view *name,
                                      size_t names, struct sgl_arena *arena,
                                      struct sgl_dkim_selection *out)
{
    const struct sgl_header **field = SGL_NEW_N(arena, names, const struct sgl_header *);
    struct sgl_dkim_index index;
    size_t fields = 0;

    if (field == NULL)
        return arena->status;
    if (!names_ok(headers, name, names))
        return SGL_E_SYNTAX;
    SGL_TRY(sgl_dkim_index_init(&index, NULL, headers, arena));
    for (size_t i = 0; i < names; i++) {
        field[fields] = sgl_dkim_index_take(&index, name[i], NULL);
        fields += field[fields] != NULL;
    }
    *out = (struct sgl_dkim_selection){field, fields, name, names};
    return SGL_OK;
}
