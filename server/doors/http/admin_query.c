/* SPDX-License-Identifier: Apache-2.0 */
/* What the query of a read says: times and days, how many, a page, by what. */
#include "../../store/statistics.h"
#include "admin_internal.h"

#define ROWS_MAX 1000

static bool refuse_time(struct http_request *r, const char *name)
{
    http_reply_problem(
        r, 400, "time-syntax", name,
        "A time is RFC 3339, seconds since 1970, or a span before now such as 15m, 2h, 3d.");
    return false;
}

bool admin_take_time(struct http_request *r, const char *name, int64_t *ms)
{
    sgl_view text = http_query(r, name);

    return text.ptr == NULL || admin_time_parse(text, clock_now_ms(), ms) || refuse_time(r, name);
}

bool admin_take_day(struct http_request *r, const char *name, int64_t *day)
{
    int64_t ms = *day * STATISTICS_DAY_MS;

    if (!admin_take_time(r, name, &ms))
        return false;
    if (ms < 0)
        return refuse_time(r, name);
    *day = ms / STATISTICS_DAY_MS;
    return true;
}

bool admin_take_count(struct http_request *r, const char *name, uint64_t *n)
{
    sgl_view text = http_query(r, name);
    uint64_t given = *n;

    if (text.ptr != NULL && (!sgl_view_u64(text, ROWS_MAX, &given) || given == 0)) {
        http_reply_problem(r, 400, "number", name, "A number from 1 to 1000 is wanted.");
        return false;
    }
    *n = given;
    return true;
}

bool admin_take_page(struct http_request *r, uint64_t *max, uint64_t *skip)
{
    sgl_view text = http_query(r, "skip");

    if (!admin_take_count(r, "max", max))
        return false;
    if (text.ptr != NULL && !sgl_view_u64(text, INT32_MAX, skip)) {
        http_reply_problem(r, 400, "number", "skip", "This is not the end of a page.");
        return false;
    }
    return true;
}

const struct admin_by *admin_take_by(struct http_request *r, const struct admin_by *known,
                                     const char *wanted)
{
    sgl_view by = http_query(r, "by");

    if (by.ptr == NULL)
        return known;
    for (; known->name != NULL; known++)
        if (sgl_view_eq(by, sgl_view_cstr(known->name)))
            return known;
    http_reply_problem(r, 400, "by", "by", wanted);
    return NULL;
}
