/* SPDX-License-Identifier: Apache-2.0 */
/* Which fields claim to be ours?  [RFC 8601 s5] */
#include "authres_internal.h"

#include "sigillo/ascii.h"
#include "sigillo/idn.h"
#include "sigillo/limits.h"

#include "sigillo/banned.h"

/*
 * The name behind an id, for comparing: without a part behind "/", without dots at its end, as A-labels where that is possible.  In UTF-8 the
 * comparison is the same either way round; A-labels need no table of ours.  [RFC 8601 s5, RFC 8616 s3]
 */
static enum sgl_status plain_id(sgl_view id, struct sgl_arena *arena, sgl_view *out)
{
    sgl_view name = sgl_view_trim(sgl_view_sub(id, 0, sgl_view_find(id, '/'))), ascii;
    enum sgl_status st = sgl_idn_to_ascii(name, arena, &ascii);

    if (arena->status != SGL_OK)
        return arena->status;
    if (st == SGL_E_NOMEM)
        return st;
    if (st != SGL_OK) /* not a possible name: compared byte by byte */
        ascii = name;
    while (ascii.len > 0 && ascii.ptr[ascii.len - 1] == '.')
        ascii.len--;
    *out = ascii;
    return SGL_OK;
}

static enum sgl_status same_id(sgl_view a, sgl_view b, struct sgl_arena *arena, bool *same)
{
    sgl_view left, right;

    SGL_TRY(plain_id(a, arena, &left));
    SGL_TRY(plain_id(b, arena, &right));
    *same = sgl_view_eq_nocase(left, right);
    return SGL_OK;
}

static bool is_failure(enum sgl_status st, const struct sgl_arena *arena)
{
    return arena->status != SGL_OK || st == SGL_E_NOMEM;
}

static enum sgl_status judge(const struct sgl_header *field, sgl_view authserv_id,
                             struct sgl_arena *arena, enum sgl_authres_forgery *out)
{
    sgl_view id;
    bool ours = false;
    enum sgl_status st = sgl_authres_read_id(field->value, arena, &id);

    if (is_failure(st, arena))
        return sgl_join(st, arena->status);
    if (st != SGL_OK) {
        *out = SGL_AUTHRES_BROKEN;
        return SGL_OK;
    }
    SGL_TRY(same_id(id, authserv_id, arena, &ours));
    if (ours) { /* whatever stands behind it */
        *out = SGL_AUTHRES_OURS;
        return SGL_OK;
    }
    st = sgl_authres_check(field->value, arena);
    if (is_failure(st, arena))
        return sgl_join(st, arena->status);
    *out = st == SGL_OK ? SGL_AUTHRES_FOREIGN : SGL_AUTHRES_BROKEN;
    return SGL_OK;
}

enum sgl_status sgl_authres_judge(const struct sgl_header *field, sgl_view authserv_id,
                                  struct sgl_arena *arena, enum sgl_authres_forgery *out)
{
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    enum sgl_status st = judge(field, authserv_id, arena, out);

    sgl_arena_rewind(arena, mark);
    return st;
}

/* The list is marked, nothing is taken out of it: whoever deletes by index from the front shifts what is behind. */
enum sgl_status sgl_authres_strip(const struct sgl_headers *headers, sgl_view authserv_id,
                                  struct sgl_arena *arena, bool *remove, size_t *removed)
{
    size_t seen = 0, found = 0;

    for (size_t i = 0; i < headers->count; i++) {
        enum sgl_authres_forgery forgery = SGL_AUTHRES_BROKEN;

        remove[i] = false;
        if (!sgl_view_eq_nocase(headers->field[i].name, SGL_LIT("Authentication-Results")))
            continue;
        /* What nobody looks at may bear our name: it goes, unread. */
        if (++seen <= SGL_LIMIT_AUTHRES_FIELDS)
            SGL_TRY(sgl_authres_judge(&headers->field[i], authserv_id, arena, &forgery));
        remove[i] = forgery != SGL_AUTHRES_FOREIGN;
        found += remove[i];
    }
    *removed = found;
    return SGL_OK;
}
