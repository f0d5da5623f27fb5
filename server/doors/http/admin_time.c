/* SPDX-License-Identifier: Apache-2.0 */
/* Times as the admin API writes and reads them. */
#include <stdio.h>
#include <time.h>

#include "admin_internal.h"
#include "sigillo/ascii.h"

json_t *admin_time(int64_t ms)
{
    time_t seconds = ms / 1000;
    char text[48];
    struct tm tm;
    size_t len;

    if (ms == 0 || gmtime_r(&seconds, &tm) == NULL)
        return json_null();
    len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    if (ms % 1000 != 0)
        snprintf(text + len, sizeof(text) - len, ".%03dZ", (int)(ms % 1000));
    else
        snprintf(text + len, sizeof(text) - len, "Z");
    return json_string(text);
}

static bool parse_span(sgl_view text, int64_t now_ms, int64_t *ms)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    uint64_t n;

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (text.len > 1 && text.ptr[text.len - 1] == units[i].unit &&
            sgl_view_u64(sgl_view_sub(text, 0, text.len - 1), 1000000, &n)) {
            *ms = now_ms - (int64_t)n * units[i].ms;
            return true;
        }
    return false;
}

bool admin_time_parse(sgl_view text, int64_t now_ms, int64_t *ms)
{
    char copy[40];
    struct tm tm = {0};
    uint64_t seconds;
    const char *rest;

    if (parse_span(text, now_ms, ms))
        return true;
    if (sgl_view_u64(text, 253402300799u, &seconds)) {
        *ms = (int64_t)seconds * 1000;
        return true;
    }
    if (text.len >= sizeof(copy))
        return false;
    snprintf(copy, sizeof(copy), "%.*s", SGL_FMT(text));
    rest = strptime(copy, "%Y-%m-%d", &tm);
    if (rest != NULL && (*rest == 'T' || *rest == 't' || *rest == ' '))
        rest = strptime(rest + 1, "%H:%M:%S", &tm);
    if (rest != NULL && *rest == '.')
        for (rest++; sgl_ascii_is_digit((uint8_t)*rest); rest++)
            ;
    if (rest == NULL || !(*rest == '\0' || ((*rest == 'Z' || *rest == 'z') && rest[1] == '\0')))
        return false;
    *ms = (int64_t)timegm(&tm) * 1000;
    return true;
}
