/* SPDX-License-Identifier: Apache-2.0 */
#include "agree.h"

#include "sigillo/arena.h"
#include "sigillo/buf.h"

#define WHY_MAX 8192

static const struct sgl_setup_row *row_at(const struct agree_seen *one, size_t i)
{
    return &one->seen->row[i];
}

static bool is_known(const struct sgl_setup_row *row)
{
    return row->state != SGL_SETUP_UNKNOWN && row->state != SGL_SETUP_UNCHECKED;
}

/* Present at the least, wrong at the worst; the first one of the worst. */
static int rank(const struct sgl_setup_row *row)
{
    return row->state == SGL_SETUP_PRESENT ? 0 : row->state == SGL_SETUP_MISSING ? 1 : 2;
}

struct votes {
    const struct sgl_setup_row *worst, *there; /* NULL: none is known; none has it */
    size_t there_at;
};

static struct votes count_votes(const struct agree_seen *each, size_t count, size_t i)
{
    struct votes v = {.worst = NULL};

    for (size_t n = 0; n < count; n++) {
        const struct sgl_setup_row *row = row_at(&each[n], i);

        if (!is_known(row))
            continue;
        if (v.worst == NULL || rank(row) > rank(v.worst))
            v.worst = row;
        if (v.there == NULL && row->state == SGL_SETUP_PRESENT) {
            v.there = row;
            v.there_at = n;
        }
    }
    return v;
}

/* "ns2.example.org (192.0.2.2) does not have what ns1.example.org (192.0.2.1) has: ..." */
static enum sgl_status say_where(const struct agree_seen *each, size_t count, size_t i,
                                 const struct votes *v, struct sgl_arena *arena, sgl_view *out)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(WHY_MAX);
    size_t lack = 0;

    for (size_t n = 0; n < count; n++) {
        const struct sgl_setup_row *row = row_at(&each[n], i);

        if (is_known(row) && row->state != SGL_SETUP_PRESENT)
            sgl_buf_addf(&text, "%s%s", lack++ > 0 ? ", " : "", each[n].where);
    }
    sgl_buf_addf(&text, " %s not have what %s has: %.*s", lack > 1 ? "do" : "does",
                 each[v->there_at].where, SGL_FMT(v->worst->why));
    SGL_TRY(text.status);
    return sgl_arena_dup(arena, sgl_buf_view(&text), out);
}

/* Where one has it nothing is to be published: the others learn from it, or they do not belong to the zone. */
static enum sgl_status merge(const struct agree_seen *each, size_t count, size_t i,
                             struct sgl_arena *arena, struct sgl_setup_row *out)
{
    struct votes v = count_votes(each, count, i);

    if (v.worst == NULL) {
        *out = *row_at(&each[0], i);
        return SGL_OK;
    }
    if (v.there == NULL || v.worst->state == SGL_SETUP_PRESENT) {
        *out = *v.worst;
        return SGL_OK;
    }
    *out = *v.there;
    out->state = SGL_SETUP_MISSING;
    out->code = "servers-disagree";
    out->found = v.worst->found;
    return say_where(each, count, i, &v, arena, &out->why);
}

/* What is told of the domain as a whole comes from one that answered everything. */
static const struct sgl_setup *best(const struct agree_seen *each, size_t count)
{
    for (size_t n = 0; n < count; n++)
        if (!each[n].seen->failed)
            return each[n].seen;
    for (size_t n = 0; n < count; n++)
        if (each[n].seen->zone_known)
            return each[n].seen;
    return each[0].seen;
}

enum sgl_status agree(const struct agree_seen *each, size_t count, struct sgl_arena *arena,
                      struct sgl_setup *out)
{
    struct sgl_setup s = *best(each, count);
    struct sgl_setup_row *row = SGL_NEW_N(arena, s.rows + 1, struct sgl_setup_row);

    if (row == NULL)
        return arena->status;
    s.row = row;
    s.ready = true;
    s.failed = false;
    for (size_t i = 0; i < s.rows; i++) {
        SGL_TRY(merge(each, count, i, arena, &row[i]));
        s.failed = s.failed || row[i].state == SGL_SETUP_UNKNOWN;
        s.ready = s.ready && (!row[i].required || row[i].state == SGL_SETUP_PRESENT);
    }
    *out = s;
    return SGL_OK;
}
