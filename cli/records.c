/* SPDX-License-Identifier: Apache-2.0 */
/* Records to publish, in the forms that name servers read. [RFC 1035 s5.1, RFC 2136] */
#include <string.h>

#include "cli.h"

#define STRING_MAX  255
#define TTL_DEFAULT 3600

static void put_string(struct sgl_buf *out, sgl_view part)
{
    sgl_buf_add_byte(out, '"');
    for (size_t i = 0; i < part.len; i++) {
        uint8_t c = part.ptr[i];

        if (c == '"' || c == '\\')
            sgl_buf_add_byte(out, '\\');
        if (c < 0x20 || c >= 0x7f)
            sgl_buf_addf(out, "\\%03u", c);
        else
            sgl_buf_add_byte(out, c);
    }
    sgl_buf_add_byte(out, '"');
}

void records_put_txt(struct sgl_buf *out, const char *value)
{
    sgl_view rest = sgl_view_cstr(value);

    do {
        put_string(out, sgl_view_sub(rest, 0, STRING_MAX));
        rest = sgl_view_from(rest, STRING_MAX);
        if (rest.len > 0)
            sgl_buf_add_byte(out, ' ');
    } while (rest.len > 0);
}

static void put_value(struct sgl_buf *out, const char *type, const char *value)
{
    if (strcmp(type, "TXT") == 0)
        records_put_txt(out, value);
    else
        sgl_buf_add_cstr(out, value);
}

void records_put_zone(struct sgl_buf *out, const json_t *records)
{
    const json_t *r;
    size_t at;

    json_array_foreach(records, at, r)
    {
        const char *type = json_string_value(json_object_get(r, "type"));

        sgl_buf_addf(out, "%s. %d IN %s ", json_string_value(json_object_get(r, "name")),
                     TTL_DEFAULT, type);
        put_value(out, type, json_string_value(json_object_get(r, "value")));
        sgl_buf_add_byte(out, '\n');
    }
}

void records_put_nsupdate(struct sgl_buf *out, const json_t *records, const char *zone)
{
    const json_t *r;
    size_t at;

    if (zone != NULL)
        sgl_buf_addf(out, "zone %s\n", zone);
    json_array_foreach(records, at, r)
    {
        const char *type = json_string_value(json_object_get(r, "type"));

        sgl_buf_addf(out, "update add %s. %d %s ", json_string_value(json_object_get(r, "name")),
                     TTL_DEFAULT, type);
        put_value(out, type, json_string_value(json_object_get(r, "value")));
        sgl_buf_add_byte(out, '\n');
    }
    sgl_buf_add(out, SGL_LIT("send\n"));
}
