/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/date.h"

#include "lex_internal.h"

#include "sigillo/banned.h"

static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

#define DAY_S    86400
#define TIME_MIN INT64_C(-2208988800)  /* 1900-01-01T00:00:00Z */
#define TIME_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

/* Days from 1970-01-01 to a day of the Gregorian calendar; months count from March, so that the leap day is the year's last. */
static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400; /* y > 0 here */
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void civil_from_days(int64_t z, int64_t *year, unsigned *month, unsigned *day)
{
    int64_t shifted = z + 719468, era = shifted / 146097; /* shifted > 0: years from 1900 on */
    int64_t doe = shifted - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;

    *day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    *month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    *year = yoe + era * 400 + (*month <= 2);
}

static void put_two(struct sgl_buf *buf, int64_t n)
{
    sgl_buf_add_byte(buf, (uint8_t)('0' + n / 10));
    sgl_buf_add_byte(buf, (uint8_t)('0' + n % 10));
}

static int64_t clamped(sgl_time time)
{
    return time < TIME_MIN ? TIME_MIN : time > TIME_MAX ? TIME_MAX : time;
}

static void put_time_of_day(struct sgl_buf *buf, int64_t second)
{
    put_two(buf, second / 3600);
    sgl_buf_add_byte(buf, ':');
    put_two(buf, second / 60 % 60);
    sgl_buf_add_byte(buf, ':');
    put_two(buf, second % 60);
}

void sgl_date_put_internet(struct sgl_buf *buf, sgl_time time)
{
    int64_t t = clamped(time);
    int64_t z = (t - TIME_MIN) / DAY_S + TIME_MIN / DAY_S, year;
    unsigned month, day;

    civil_from_days(z, &year, &month, &day);
    sgl_buf_add_i64(buf, year);
    sgl_buf_add_byte(buf, '-');
    put_two(buf, month);
    sgl_buf_add_byte(buf, '-');
    put_two(buf, day);
    sgl_buf_add_byte(buf, 'T');
    put_time_of_day(buf, t - z * DAY_S);
    sgl_buf_add_byte(buf, 'Z');
}

void sgl_date_put(struct sgl_buf *buf, sgl_time time)
{
    int64_t t = clamped(time);
    int64_t z = (t - TIME_MIN) / DAY_S + TIME_MIN / DAY_S, second = t - z * DAY_S, year;
    unsigned month, day;

    civil_from_days(z, &year, &month, &day);
    /* 1900-01-01, the first day, was a Monday. */
    sgl_buf_add_cstr(buf, days[(z - TIME_MIN / DAY_S + 1) % 7]);
    sgl_buf_add(buf, SGL_LIT(", "));
    sgl_buf_add_u64(buf, day);
    sgl_buf_add_byte(buf, ' ');
    sgl_buf_add_cstr(buf, months[month - 1]);
    sgl_buf_add_byte(buf, ' ');
    sgl_buf_add_i64(buf, year);
    sgl_buf_add_byte(buf, ' ');
    put_time_of_day(buf, second);
    sgl_buf_add(buf, SGL_LIT(" +0000"));
}

struct fields {
    int64_t year, hour, minute, second;
    unsigned month, day;
    int weekday;    /* -1: not given */
    int offset_min; /* minutes east */
};

/* Digits at the cursor: at least min and at most max of them. */
static bool number(struct sgl_lex *lx, size_t min, size_t max, int64_t *out, size_t *digits)
{
    size_t n = 0;
    int64_t value = 0;

    while (n < max && sgl_lex_peek(lx) >= '0' && sgl_lex_peek(lx) <= '9') {
        value = value * 10 + (lx->in.ptr[lx->pos++] - '0');
        n++;
    }
    if (n < min || (sgl_lex_peek(lx) >= '0' && sgl_lex_peek(lx) <= '9'))
        return false;
    *out = value;
    if (digits != NULL)
        *digits = n;
    return true;
}

static sgl_view letters(struct sgl_lex *lx)
{
    size_t start = lx->pos;

    while (!sgl_lex_end(lx) && sgl_ascii_is_alpha(lx->in.ptr[lx->pos]))
        lx->pos++;
    return sgl_view_sub(lx->in, start, lx->pos - start);
}

static int index_of(sgl_view word, const char (*table)[4], int count)
{
    for (int i = 0; i < count; i++)
        if (sgl_view_eq_nocase(word, sgl_view_cstr(table[i])))
            return i;
    return -1;
}

static enum sgl_status weekday(struct sgl_lex *lx, struct fields *f)
{
    f->weekday = -1;
    if (sgl_lex_end(lx) || !sgl_ascii_is_alpha(lx->in.ptr[lx->pos]))
        return SGL_OK;
    f->weekday = index_of(letters(lx), days, 7);
    if (f->weekday < 0)
        return sgl_lex_fail(lx, "no such day of the week", "RFC 5322 s3.3");
    SGL_TRY(sgl_lex_skip_cfws(lx));
    if (!sgl_lex_eat(lx, ','))
        return sgl_lex_fail(lx, "no comma behind the day of the week", "RFC 5322 s3.3");
    return sgl_lex_skip_cfws(lx);
}

/* Two digits mean 1950 to 2049, three count from 1900. [RFC 5322 s4.3] */
static int64_t full_year(int64_t year, size_t digits)
{
    if (digits == 2)
        return year < 50 ? year + 2000 : year + 1900;
    return digits == 3 ? year + 1900 : year;
}

static unsigned days_in(int64_t year, unsigned month)
{
    static const uint8_t table[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return table[month - 1] + (unsigned)(month == 2 && leap);
}

static enum sgl_status day_month_year(struct sgl_lex *lx, struct fields *f)
{
    int64_t day;
    int month;
    size_t digits;

    if (!number(lx, 1, 2, &day, NULL))
        return sgl_lex_fail(lx, "day of the month is not one or two digits", "RFC 5322 s3.3");
    SGL_TRY(sgl_lex_skip_cfws(lx));
    month = index_of(letters(lx), months, 12);
    if (month < 0)
        return sgl_lex_fail(lx, "no such month", "RFC 5322 s3.3");
    SGL_TRY(sgl_lex_skip_cfws(lx));
    if (!number(lx, 2, 4, &f->year, &digits))
        return sgl_lex_fail(lx, "year is not two to four digits", "RFC 5322 s3.3");
    f->year = full_year(f->year, digits);
    f->month = (unsigned)month + 1;
    f->day = (unsigned)day;
    if (f->year < 1900)
        return sgl_lex_fail(lx, "year lies before 1900", "RFC 5322 s3.3");
    if (f->day < 1 || f->day > days_in(f->year, f->month))
        return sgl_lex_fail(lx, "no such day in that month", "RFC 5322 s3.3");
    return SGL_OK;
}

static enum sgl_status time_of_day(struct sgl_lex *lx, struct fields *f)
{
    static const char what[] = "time of day is not HH:MM or HH:MM:SS";

    if (!number(lx, 2, 2, &f->hour, NULL))
        return sgl_lex_fail(lx, what, "RFC 5322 s3.3");
    SGL_TRY(sgl_lex_skip_cfws(lx));
    if (!sgl_lex_eat(lx, ':'))
        return sgl_lex_fail(lx, what, "RFC 5322 s3.3");
    SGL_TRY(sgl_lex_skip_cfws(lx));
    if (!number(lx, 2, 2, &f->minute, NULL))
        return sgl_lex_fail(lx, what, "RFC 5322 s3.3");
    SGL_TRY(sgl_lex_skip_cfws(lx));
    if (sgl_lex_eat(lx, ':')) {
        SGL_TRY(sgl_lex_skip_cfws(lx));
        if (!number(lx, 2, 2, &f->second, NULL))
            return sgl_lex_fail(lx, what, "RFC 5322 s3.3");
        SGL_TRY(sgl_lex_skip_cfws(lx));
    }
    if (f->hour > 23 || f->minute > 59 || f->second > 60)
        return sgl_lex_fail(lx, "no such time of day", "RFC 5322 s3.3");
    return SGL_OK;
}

/* Names of North America; the rest, military letters too, mean UTC because nobody knows what their writer meant. [RFC 5322 s4.3] */
static int named_zone(sgl_view name)
{
    static const struct {
        char name[4];
        int hours;
    } table[] = {{"EDT", -4}, {"EST", -5}, {"CDT", -5}, {"CST", -6},
                 {"MDT", -6}, {"MST", -7}, {"PDT", -7}, {"PST", -8}};

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (sgl_view_eq_nocase(name, sgl_view_cstr(table[i].name)))
            return table[i].hours * 60;
    return 0;
}

static enum sgl_status zone(struct sgl_lex *lx, struct fields *f)
{
    int sign = sgl_lex_peek(lx) == '-' ? -1 : 1;
    int64_t hhmm;

    if (sgl_lex_eat(lx, '+') || sgl_lex_eat(lx, '-')) {
        if (!number(lx, 4, 4, &hhmm, NULL) || hhmm % 100 > 59)
            return sgl_lex_fail(lx, "zone is not +HHMM or -HHMM", "RFC 5322 s3.3");
        f->offset_min = sign * (int)(hhmm / 100 * 60 + hhmm % 100);
        return SGL_OK;
    }
    {
        sgl_view name = letters(lx);

        if (name.len == 0)
            return sgl_lex_fail(lx, "date has no zone", "RFC 5322 s3.3");
        f->offset_min = named_zone(name);
    }
    return SGL_OK;
}

enum sgl_status sgl_date_parse(sgl_view text, struct sgl_date *out, struct sgl_diag *diag)
{
    struct sgl_lex lx = {text, 0, diag};
    struct fields f = {0};
    int64_t day_number;

    SGL_TRY(sgl_lex_skip_cfws(&lx));
    SGL_TRY(weekday(&lx, &f));
    SGL_TRY(day_month_year(&lx, &f));
    SGL_TRY(sgl_lex_skip_cfws(&lx));
    SGL_TRY(time_of_day(&lx, &f));
    SGL_TRY(sgl_lex_skip_cfws(&lx));
    SGL_TRY(zone(&lx, &f));
    SGL_TRY(sgl_lex_skip_cfws(&lx));
    if (!sgl_lex_end(&lx))
        return sgl_lex_fail(&lx, "something follows the date", "RFC 5322 s3.3");
    day_number = days_from_civil(f.year, f.month, f.day);
    if (f.weekday >= 0 && f.weekday != (day_number - TIME_MIN / DAY_S + 1) % 7)
        return sgl_lex_fail(&lx, "day of the week is not that of the date", "RFC 5322 s3.3");
    out->time =
        day_number * DAY_S + f.hour * 3600 + f.minute * 60 + f.second - (int64_t)f.offset_min * 60;
    out->offset_min = (int16_t)f.offset_min;
    return SGL_OK;
}

/* ---- RFC 3339 ---- */

/* "YYYY-MM-DDT" */
static bool internet_day(struct sgl_lex *lx, struct fields *f)
{
    int64_t month, day;

    if (!number(lx, 4, 4, &f->year, NULL) || !sgl_lex_eat(lx, '-') ||
        !number(lx, 2, 2, &month, NULL) || !sgl_lex_eat(lx, '-') || !number(lx, 2, 2, &day, NULL) ||
        f->year < 1900 || month < 1 || month > 12)
        return false;
    f->month = (unsigned)month;
    f->day = (unsigned)day;
    return f->day >= 1 && f->day <= days_in(f->year, f->month) &&
           (sgl_lex_eat(lx, 'T') || sgl_lex_eat(lx, 't') || sgl_lex_eat(lx, ' '));
}

/* "HH:MM:SS", and a fraction that nobody needs. */
static bool internet_time(struct sgl_lex *lx, struct fields *f)
{
    if (!number(lx, 2, 2, &f->hour, NULL) || !sgl_lex_eat(lx, ':') ||
        !number(lx, 2, 2, &f->minute, NULL) || !sgl_lex_eat(lx, ':') ||
        !number(lx, 2, 2, &f->second, NULL))
        return false;
    if (sgl_lex_eat(lx, '.')) {
        size_t from = lx->pos;

        while (sgl_lex_peek(lx) >= '0' && sgl_lex_peek(lx) <= '9')
            lx->pos++;
        if (lx->pos == from)
            return false;
    }
    if (f->hour == 24)
        return f->minute == 0 && f->second == 0;
    return f->hour < 24 && f->minute < 60 && f->second <= 60;
}

/* "Z" or "+HH:MM" */
static bool internet_offset(struct sgl_lex *lx, struct fields *f)
{
    int sign = sgl_lex_peek(lx) == '-' ? -1 : 1;
    int64_t hour, minute;

    f->offset_min = 0;
    if (sgl_lex_eat(lx, 'Z') || sgl_lex_eat(lx, 'z'))
        return true;
    if ((!sgl_lex_eat(lx, '+') && !sgl_lex_eat(lx, '-')) || !number(lx, 2, 2, &hour, NULL) ||
        !sgl_lex_eat(lx, ':') || !number(lx, 2, 2, &minute, NULL) || hour > 23 || minute > 59)
        return false;
    f->offset_min = sign * (int)(hour * 60 + minute);
    return true;
}

enum sgl_status sgl_date_parse_internet(sgl_view text, sgl_time *out, struct sgl_diag *diag)
{
    struct sgl_lex lx = {text, 0, diag};
    struct fields f = {0};

    if (!internet_day(&lx, &f) || !internet_time(&lx, &f) || !internet_offset(&lx, &f) ||
        !sgl_lex_end(&lx))
        return sgl_lex_fail(&lx, "no time as 2026-11-22T12:09:03Z", "RFC 3339 s5.6");
    *out = days_from_civil(f.year, f.month, f.day) * DAY_S + f.hour * 3600 + f.minute * 60 +
           (f.second == 60 ? 59 : f.second) - f.offset_min * 60;
    return SGL_OK;
}
