/* SPDX-License-Identifier: Apache-2.0 */
/* Bars of days, as lines of a terminal. */
#include "transit_chart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sigillo/view.h"

#define DAY_S     86400
#define DAYS_MAX  4000
#define BAR_CELLS 48
#define COUNT_MAX INT64_C(1000000000000000) /* of one figure: sums of them stay sums */

const char *const transit_band_member[TRANSIT_BANDS] = {"dane", "mta-sts", "verified", "encrypted",
                                                        "plain"};
const char *const transit_band_title[TRANSIT_BANDS] = {"DANE", "MTA-STS", "verified TLS",
                                                       "opportunistic TLS", "plaintext"};

/* ---- days ---- */

/* Days since 1970-01-01; false: this is no day. */
static bool parse_day(const char *text, int64_t *day)
{
    struct tm tm = {0};
    const char *rest = text == NULL ? NULL : strptime(text, "%Y-%m-%d", &tm);

    if (rest == NULL || *rest != '\0')
        return false;
    *day = (int64_t)timegm(&tm) / DAY_S;
    return *day >= 0;
}

static void put_day(int64_t day, char out[TRANSIT_DAY_SIZE])
{
    time_t seconds = (time_t)(day * DAY_S);
    struct tm tm = {0};

    if (gmtime_r(&seconds, &tm) == NULL ||
        strftime(out, TRANSIT_DAY_SIZE, "%Y-%m-%d", &tm) != TRANSIT_DAY_SIZE - 1)
        snprintf(out, TRANSIT_DAY_SIZE, "?");
}

static uint64_t number(const json_t *object, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(object, name));

    return n < 0 ? 0 : n > COUNT_MAX ? (uint64_t)COUNT_MAX : (uint64_t)n;
}

uint64_t transit_bar_sum(const uint64_t band[TRANSIT_BANDS])
{
    uint64_t sum = 0;

    for (size_t i = 0; i < TRANSIT_BANDS; i++)
        sum += band[i];
    return sum;
}

/* ---- the bars ---- */

static void add_row(struct transit_chart *c, const json_t *row, int64_t first)
{
    const json_t *mechanisms = json_object_get(row, "mechanisms");
    uint64_t failed = number(row, "failed");
    struct transit_bar *bar;
    int64_t day;

    if (!parse_day(json_string_value(json_object_get(row, "name")), &day) || day < first ||
        (uint64_t)(day - first) / c->days >= c->bars)
        return;
    bar = &c->bar[(uint64_t)(day - first) / c->days];
    for (size_t i = 0; i < TRANSIT_BANDS; i++) {
        uint64_t n = number(mechanisms, transit_band_member[i]);

        bar->band[i] += n;
        c->band[i] += n;
    }
    bar->failed += failed;
    c->failed += failed;
}

/* A day, a week, four weeks, or as many as it takes. */
static unsigned days_of_bar(int64_t days, size_t bars_max)
{
    static const unsigned usual[] = {1, 7, 28};
    int64_t max = (int64_t)bars_max;

    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
        if ((days + usual[i] - 1) / usual[i] <= max)
            return usual[i];
    return (unsigned)((days + max - 1) / max);
}

bool transit_chart_init(struct transit_chart *c, const json_t *answer, size_t bars_max, bool trim)
{
    const json_t *rows = json_object_get(answer, "rows"), *row;
    int64_t from, to, first;
    size_t i;

    *c = (struct transit_chart){0};
    if (!parse_day(json_string_value(json_object_get(answer, "from")), &from) ||
        !parse_day(json_string_value(json_object_get(answer, "to")), &to) || from > to)
        return false;
    if (trim &&
        parse_day(json_string_value(json_object_get(json_array_get(rows, 0), "name")), &first) &&
        first > from && first <= to)
        from = first;
    if (to - from >= DAYS_MAX)
        from = to - DAYS_MAX + 1;
    c->days = days_of_bar(to - from + 1, bars_max);
    c->bars = (size_t)((to - from) / c->days + 1);
    c->bar = calloc(c->bars, sizeof(*c->bar));
    if (c->bar == NULL)
        return false;
    put_day(from, c->from);
    put_day(to, c->to);
    for (i = 0; i < c->bars; i++)
        put_day(from + (int64_t)(i * c->days), c->bar[i].day);
    json_array_foreach(rows, i, row)
    {
        add_row(c, row, from);
    }
    return true;
}

void transit_chart_done(struct transit_chart *c)
{
    free(c->bar);
    *c = (struct transit_chart){0};
}

/* ---- in proportion ---- */

void transit_cells(const uint64_t band[TRANSIT_BANDS], size_t cells, size_t out[TRANSIT_BANDS])
{
    uint64_t whole = transit_bar_sum(band);
    size_t used = 0, most = 0;

    for (size_t i = 0; i < TRANSIT_BANDS; i++) {
        double part = whole == 0 ? 0 : (double)band[i] / (double)whole;

        out[i] = (size_t)(part * (double)cells);
        if (band[i] > 0 && out[i] == 0)
            out[i] = 1;
        used += out[i];
        most = out[i] > out[most] || band[i] > band[most] ? i : most;
    }
    if (whole > 0 && used < cells)
        out[most] += cells - used;
    for (; used > cells; used--) { /* the little ones took more than was left: from the largest */
        for (size_t i = most = 0; i < TRANSIT_BANDS; i++)
            most = out[i] > out[most] ? i : most;
        if (out[most] <= 1)
            break;
        out[most]--;
    }
}

const char *transit_share(uint64_t part, uint64_t whole, char out[16])
{
    double percent = whole == 0 ? 0 : (double)part * 100.0 / (double)whole;

    if (part > 0 && percent < 0.1)
        snprintf(out, 16, "< 0.1 %%");
    else if (part < whole && percent > 99.9)
        snprintf(out, 16, "> 99.9 %%");
    else
        snprintf(out, 16, "%.1f %%", percent);
    return out;
}

/* ---- lines ---- */

void transit_mark(struct sgl_buf *out, const struct transit_style *style, size_t band, size_t n)
{
    static const char *const blocks[TRANSIT_BANDS] = {"█", "▓", "▒", "░", "·"};
    static const char *const ascii[TRANSIT_BANDS] = {"#", "=", "+", "-", "."};
    static const int colour[TRANSIT_BANDS] = {32, 34, 36, 33, 31};

    if (n > 0 && style->colour)
        sgl_buf_addf(out, "\033[%dm", colour[band]);
    for (size_t i = 0; i < n; i++)
        sgl_buf_add_cstr(out, style->utf8 ? blocks[band] : ascii[band]);
    if (n > 0 && style->colour)
        sgl_buf_add_cstr(out, "\033[0m");
}

static void put_bar(struct sgl_buf *out, const struct transit_bar *bar, uint64_t largest,
                    const struct transit_style *style)
{
    uint64_t sum = transit_bar_sum(bar->band);
    size_t cells[TRANSIT_BANDS];
    size_t wide = largest == 0 ? 0 : (size_t)((double)sum * BAR_CELLS / (double)largest + 0.5);

    transit_cells(bar->band, wide, cells);
    sgl_buf_addf(out, "%s  ", bar->day);
    for (size_t i = 0; i < TRANSIT_BANDS; i++)
        transit_mark(out, style, i, cells[i]);
    sgl_buf_addf(out, "%*s%llu", sum > 0 ? 1 : 0, "", (unsigned long long)sum);
    if (bar->failed > 0)
        sgl_buf_addf(out, ", %llu failed", (unsigned long long)bar->failed);
    sgl_buf_add_byte(out, '\n');
}

void transit_chart_text(struct sgl_buf *out, const struct transit_chart *c,
                        const struct transit_style *style)
{
    uint64_t largest = 0;

    for (size_t i = 0; i < c->bars; i++) {
        uint64_t sum = transit_bar_sum(c->bar[i].band);

        largest = sum > largest ? sum : largest;
    }
    for (size_t i = 0; i < c->bars; i++)
        put_bar(out, &c->bar[i], largest, style);
    if (c->days > 1)
        sgl_buf_addf(out, "(%u days a line, from the day that it names)\n", c->days);
    for (size_t i = 0, n = 0; i < TRANSIT_BANDS; i++) {
        if (c->band[i] == 0)
            continue;
        sgl_buf_add_cstr(out, n++ == 0 ? "" : "   ");
        transit_mark(out, style, i, 2);
        sgl_buf_addf(out, " %s", transit_band_title[i]);
    }
    sgl_buf_add_byte(out, '\n');
}
