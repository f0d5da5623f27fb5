/* SPDX-License-Identifier: Apache-2.0 */
/* Records to publish, in the forms that name servers read. [RFC 1035 s5.1, RFC 2136] */
#include <string.h>

#include "cli.h"
#include "sigillo/setup.h"

#define TTL_DEFAULT 3600
#define SHOWN_MAX   1000

void records_put_txt(struct sgl_buf *out, const char *value)
{
    sgl_setup_put_txt(sgl_view_cstr(value), out);
}

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "" : text;
}

static void put_value(struct sgl_buf *out, const char *type, const char *value)
{
    if (strcmp(type, "TXT") == 0)
        records_put_txt(out, value);
    else
        sgl_buf_add_cstr(out, value);
}

/* "; purpose: text", on one line whatever is in it. */
static void put_comment(struct sgl_buf *out, const char *purpose, const char *text)
{
    sgl_buf_addf(out, "; %s: ", purpose);
    sgl_buf_add_escaped(out, sgl_view_cstr(text), SHOWN_MAX);
    sgl_buf_add_byte(out, '\n');
}

/* What has to be known before the record is published. */
static void put_remarks(struct sgl_buf *out, const json_t *r)
{
    const json_t *old;
    size_t at;

    if (member(r, "why")[0] != '\0')
        put_comment(out, member(r, "purpose"), member(r, "why"));
    json_array_foreach(json_object_get(r, "replaces"), at, old)
    {
        sgl_buf_addf(out, "; it takes the place of: %s ", member(old, "type"));
        sgl_buf_add_escaped(out, sgl_view_cstr(member(old, "value")), SHOWN_MAX);
        sgl_buf_add_byte(out, '\n');
    }
}

void records_put_zone(struct sgl_buf *out, const json_t *records)
{
    const json_t *r;
    size_t at;

    json_array_foreach(records, at, r)
    {
        const char *type = member(r, "type"), *value = member(r, "value");

        put_remarks(out, r);
        if (value[0] == '\0')
            continue;
        sgl_buf_addf(out, "%s. %d IN %s ", member(r, "name"), TTL_DEFAULT, type);
        put_value(out, type, value);
        sgl_buf_add_byte(out, '\n');
    }
}

/* [RFC 2136 s2.5.4] Only that one record goes: others of its type stay. */
static void put_deletions(struct sgl_buf *out, const json_t *r)
{
    const json_t *old;
    size_t at;

    json_array_foreach(json_object_get(r, "replaces"), at, old)
    {
        const char *type = member(old, "type");

        sgl_buf_addf(out, "update delete %s. %s ", member(r, "name"), type);
        put_value(out, type, member(old, "value"));
        sgl_buf_add_byte(out, '\n');
    }
}

void records_put_nsupdate(struct sgl_buf *out, const json_t *records, const char *zone)
{
    const json_t *r;
    size_t at;

    if (zone != NULL)
        sgl_buf_addf(out, "zone %s.\n", zone);
    json_array_foreach(records, at, r)
    {
        const char *type = member(r, "type"), *value = member(r, "value");

        if (member(r, "why")[0] != '\0')
            put_comment(out, member(r, "purpose"), member(r, "why"));
        if (value[0] == '\0')
            continue;
        put_deletions(out, r);
        sgl_buf_addf(out, "update add %s. %d %s ", member(r, "name"), TTL_DEFAULT, type);
        put_value(out, type, value);
        sgl_buf_add_byte(out, '\n');
    }
    sgl_buf_add(out, SGL_LIT("send\n"));
}
