/* SPDX-License-Identifier: Apache-2.0 */
#include "config_limit.h"

#include <math.h>
#include <stdbool.h>

#define LICENCES_MAX    100000000u
#define LICENCES_FACTOR 500.0
#define LICENCES_POWER  0.7
#define LICENCES_BASE   9500.0

const char *limit_what_name(enum limit_what what)
{
    static const char *const name[LIMIT_WHATS] = {"messages", "recipients", "internal recipients",
                                                  "external recipients", "bytes"};

    return name[what];
}

const char *limit_window_name(enum limit_window w)
{
    static const char *const name[LIMIT_WINDOWS] = {"minute", "hour", "day"};

    return name[w];
}

uint64_t limit_external_of_licences(uint64_t licences)
{
    if (licences > LICENCES_MAX)
        licences = LICENCES_MAX;
    return (uint64_t)(LICENCES_FACTOR * pow((double)licences, LICENCES_POWER) + LICENCES_BASE);
}

/* ---- a limit as text ---- */

static bool take_number(sgl_view text, bool units, uint64_t *out)
{
    uint64_t unit = 1;

    if (units && text.len > 0) {
        switch (text.ptr[text.len - 1]) {
        case 'K':
            unit = UINT64_C(1) << 10;
            break;
        case 'M':
            unit = UINT64_C(1) << 20;
            break;
        case 'G':
            unit = UINT64_C(1) << 30;
            break;
        default:
            break;
        }
    }
    if (unit > 1)
        text.len--;
    if (!sgl_view_u64(text, INT64_MAX / unit, out))
        return false;
    *out *= unit;
    return true;
}

static bool take_window(sgl_view text, enum limit_window *out)
{
    for (size_t w = 0; w < LIMIT_WINDOWS; w++)
        if (sgl_view_eq(text, sgl_view_cstr(limit_window_name((enum limit_window)w)))) {
            *out = (enum limit_window)w;
            return true;
        }
    return false;
}

static bool take_what(sgl_view text, enum limit_what *out)
{
    for (size_t i = 0; i < LIMIT_WHATS; i++)
        if (sgl_view_eq(text, sgl_view_cstr(limit_what_name((enum limit_what)i)))) {
            *out = (enum limit_what)i;
            return true;
        }
    return false;
}

const char *limit_parse(sgl_view text, struct limit *out)
{
    static const char form[] =
        "a limit is a number, what is counted (messages, recipients, internal recipients, external "
        "recipients, bytes), a slash and minute, hour or day: \"30 messages/minute\"";
    sgl_view window, what = sgl_view_split(text, '/', &window), number, rest;
    struct limit l;
    bool licences;

    number = sgl_view_split(what, ' ', &rest);
    licences = sgl_view_eq(number, SGL_LIT("licences"));
    if (licences)
        number = sgl_view_split(rest, ' ', &rest);
    if (!take_window(window, &l.window) || !take_what(rest, &l.what))
        return form;
    if (!take_number(number, l.what == LIMIT_BYTES, &l.max))
        return "the number of a limit is whole and positive; bytes may end in K, M or G";
    if (licences && (l.what != LIMIT_EXTERNAL || l.window != LIMIT_DAY))
        return "the formula by licences is for external recipients/day only";
    if (licences)
        l.max = limit_external_of_licences(l.max);
    *out = l;
    return NULL;
}
