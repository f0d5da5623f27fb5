/* SPDX-License-Identifier: Apache-2.0 */
/* formatDate: Unix time or ISO 8601, written as a format says, in a zone. */
#include <stdio.h>

#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "template_internal.h"

#define DAY          86400
#define YEARS_MAX    253402300799ll /* the last second of the year 9999 */
#define YEARS_MIN    (-62135596800ll)
#define MILLISECONDS 1e11 /* Unix time above this is not of seconds: those lie in the year 5138 */

struct moment {
    int64_t time; /* of the zone's clock */
    int zone;     /* minutes east */
    int64_t year;
    int month, day, weekday, hour, minute, second; /* month 1 to 12, weekday 0: Sunday */
};

/* ---- calendars ---- */

/* Days since 1970-01-01, in years that begin in March, so that a leap day is the last one. */
static int64_t days_of(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year, era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400,
            of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void split(struct moment *m)
{
    int64_t days = m->time / DAY, rest = m->time % DAY, z, era, of_era, years, of_year, month;

    if (rest < 0) {
        rest += DAY;
        days--;
    }
    z = days + 719468;
    era = (z >= 0 ? z : z - 146096) / 146097;
    of_era = z - era * 146097;
    years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    of_year = of_era - (365 * years + years / 4 - years / 100);
    month = (5 * of_year + 2) / 153;
    m->day = (int)(of_year - (153 * month + 2) / 5 + 1);
    m->month = (int)(month < 10 ? month + 3 : month - 9);
    m->year = years + era * 400 + (m->month <= 2);
    m->weekday = (int)((days % 7 + 11) % 7);
    m->hour = (int)(rest / 3600);
    m->minute = (int)(rest / 60 % 60);
    m->second = (int)(rest % 60);
}

static int days_in(int64_t year, int month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

/* ---- reading ---- */

/* Exactly so many digits; false: they are not there, or out of range. */
static bool take(sgl_view *v, size_t len, int min, int max, int *out)
{
    uint64_t n;

    if (!sgl_view_u64(sgl_view_sub(*v, 0, len), (uint64_t)max, &n) || v->len < len || (int)n < min)
        return false;
    *out = (int)n;
    *v = sgl_view_from(*v, len);
    return true;
}

static bool take_byte(sgl_view *v, const char *any)
{
    if (v->len == 0 || v->ptr[0] == 0 || strchr(any, v->ptr[0]) == NULL)
        return false;
    *v = sgl_view_from(*v, 1);
    return true;
}

/* "Z", "+0200", "-08:00", "+02": minutes east. */
static bool take_zone(sgl_view *v, int *out)
{
    int hours = 0, minutes = 0;
    bool west = v->len > 0 && v->ptr[0] == '-';

    if (take_byte(v, "Zz")) {
        *out = 0;
        return true;
    }
    if (!take_byte(v, "+-") || !take(v, 2, 0, 23, &hours))
        return false;
    if ((take_byte(v, ":") || v->len > 0) && !take(v, 2, 0, 59, &minutes))
        return false;
    *out = west ? -(hours * 60 + minutes) : hours * 60 + minutes;
    return true;
}

/* HH:MM[:SS[.fraction]][zone] */
static bool take_clock(sgl_view *v, int *seconds, int *zone)
{
    int hour, minute, second = 0;

    if (!take(v, 2, 0, 23, &hour) || !take_byte(v, ":") || !take(v, 2, 0, 59, &minute))
        return false;
    if (take_byte(v, ":") && !take(v, 2, 0, 59, &second))
        return false;
    if (take_byte(v, ".,")) {
        if (v->len == 0 || !sgl_ascii_is_digit(v->ptr[0]))
            return false;
        while (v->len > 0 && sgl_ascii_is_digit(v->ptr[0]))
            *v = sgl_view_from(*v, 1);
    }
    *seconds = hour * 3600 + minute * 60 + second;
    *zone = 0;
    return v->len == 0 || take_zone(v, zone);
}

static bool read_iso(sgl_view v, int64_t *out)
{
    int year, month = 1, day = 1, seconds = 0, zone = 0;

    if (!take(&v, 4, 1, 9999, &year) || !take_byte(&v, "-") || !take(&v, 2, 1, 12, &month) ||
        !take_byte(&v, "-") || !take(&v, 2, 1, days_in(year, month), &day))
        return false;
    if (take_byte(&v, "Tt ") && !take_clock(&v, &seconds, &zone))
        return false;
    *out = days_of(year, month, day) * DAY + seconds - zone * 60;
    return v.len == 0;
}

/* false: it is no time, or not of this era. */
static bool read_time(const struct sgl_template_value *when, int64_t *out)
{
    double n;

    if (when->kind == SGL_TEMPLATE_STRING && read_iso(sgl_view_trim(when->text), out))
        return *out >= YEARS_MIN && *out <= YEARS_MAX;
    if (when->kind != SGL_TEMPLATE_STRING && when->kind != SGL_TEMPLATE_NUMBER)
        return false;
    n = sgl_template_value_to_number(when);
    if (n >= MILLISECONDS || n <= -MILLISECONDS)
        n /= 1000;
    if (!(n >= (double)YEARS_MIN && n <= (double)YEARS_MAX))
        return false;
    *out = (int64_t)n - (n < (double)(int64_t)n); /* down, also before 1970 */
    return true;
}

/* ---- writing ---- */

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};

enum unit { YEAR, SHORT_YEAR, MONTH, DAY_OF_MONTH, NOON, HOUR, MINUTE, SECOND, WORDS };

/* Numbers of so many digits, and words; of two that begin alike the longer one comes first. */
static const struct token {
    const char *text;
    enum unit unit;
    int width;
} tokens[] = {
    {"YYYY", YEAR, 4},  {"YY", SHORT_YEAR, 2}, {"MMMM", WORDS, 0},      {"MMM", WORDS, 3},
    {"MM", MONTH, 2},   {"M", MONTH, 1},       {"DD", DAY_OF_MONTH, 2}, {"D", DAY_OF_MONTH, 1},
    {"dddd", WORDS, 0}, {"ddd", WORDS, 3},     {"hh", NOON, 2},         {"h", NOON, 1},
    {"HH", HOUR, 2},    {"H", HOUR, 1},        {"mm", MINUTE, 2},       {"m", MINUTE, 1},
    {"ss", SECOND, 2},  {"s", SECOND, 1},      {"A", WORDS, 0},         {"ZZ", WORDS, 0},
    {"Z", WORDS, 1},
};

static void put_words(struct sgl_buf *out, const struct token *t, const struct moment *m)
{
    int zone = m->zone < 0 ? -m->zone : m->zone;
    const char *word = NULL;

    if (t->text[0] == 'M')
        word = months[m->month - 1];
    else if (t->text[0] == 'd')
        word = weekdays[m->weekday];
    else if (t->text[0] == 'A')
        word = m->hour < 12 ? "AM" : "PM";
    if (word == NULL)
        sgl_buf_addf(out, "%c%02d%s%02d", m->zone < 0 ? '-' : '+', zone / 60,
                     t->width == 0 ? "" : ":", zone % 60);
    else
        sgl_buf_add(out, sgl_view_of(word, t->width == 0 ? strlen(word) : (size_t)t->width));
}

/* The longest token that stands here, written; its length, or 0. */
static size_t put_token(struct sgl_buf *out, sgl_view format, const struct moment *m)
{
    const int units[] = {(int)m->year,
                         (int)(m->year % 100),
                         m->month,
                         m->day,
                         m->hour % 12 == 0 ? 12 : m->hour % 12,
                         m->hour,
                         m->minute,
                         m->second};

    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        if (!sgl_view_starts(format, sgl_view_cstr(tokens[i].text)))
            continue;
        if (tokens[i].unit == WORDS)
            put_words(out, &tokens[i], m);
        else
            sgl_buf_addf(out, "%0*d", tokens[i].width, units[tokens[i].unit]);
        return strlen(tokens[i].text);
    }
    return 0;
}

void sgl_template_put_date(struct run *r, const struct sgl_template_value *when, sgl_view format,
                           const struct sgl_template_value *zone, bool escape, size_t off)
{
    struct moment m = {0};
    sgl_view name = sgl_view_trim(zone->text);
    size_t i = 0;

    if (!sgl_template_step_bytes(r, when->text.len + zone->text.len, off))
        return;
    if (!read_time(when, &m.time)) {
        sgl_template_fault(r, "formatDate: the value is no time", off);
        return;
    }
    if (zone->kind == SGL_TEMPLATE_STRING && name.len > 0 &&
        (!take_zone(&name, &m.zone) || name.len > 0)) {
        sgl_template_fault(r, "formatDate: the zone is no offset as -0800", off);
        return;
    }
    m.time += m.zone * 60;
    split(&m);
    while (i < format.len && sgl_template_step(r, 1, off)) {
        size_t len = put_token(r->out, sgl_view_from(format, i), &m);

        if (len == 0)
            sgl_template_put_text(r, sgl_view_sub(format, i, 1), escape);
        i += len == 0 ? 1 : len;
    }
}
