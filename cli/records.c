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

/* Is its value known to be what has to stand there?  What was verified and is not compared now may stand there in other words. */
static bool may_print(const json_t *answer, const json_t *r)
{
    const json_t *publish = json_object_get(r, "publish");

    return member(r, "value")[0] != '\0' &&
           (json_is_true(json_object_get(answer, "checked")) || !json_is_false(publish));
}

/* What has to be known before the record is published. */
static void put_remarks(struct sgl_buf *out, const json_t *answer, const json_t *r)
{
    const json_t *old;
    size_t at;

    bool only_missing = strcmp(member(r, "state"), "in_progress") == 0 && may_print(answer, r);

    if (member(r, "why")[0] != '\0' && !only_missing)
        put_comment(out, member(r, "purpose"), member(r, "why"));
    else if (member(r, "value")[0] != '\0' && !may_print(answer, r))
        sgl_buf_addf(out, "; %s: %s is verified already\n", member(r, "purpose"),
                     member(r, "name"));
    json_array_foreach(json_object_get(r, "replaces"), at, old)
    {
        sgl_buf_addf(out, "; it takes the place of: %s ", member(old, "type"));
        sgl_buf_add_escaped(out, sgl_view_cstr(member(old, "value")), SHOWN_MAX);
        sgl_buf_add_byte(out, '\n');
    }
}

static void put_record(struct sgl_buf *out, const json_t *r, const char *class)
{
    sgl_buf_addf(out, "%s. %d %s%s ", member(r, "name"), TTL_DEFAULT, class, member(r, "type"));
    put_value(out, member(r, "type"), member(r, "value"));
    sgl_buf_add_byte(out, '\n');
}

void records_put_zone(struct sgl_buf *out, const json_t *answer)
{
    const json_t *r;
    size_t at;

    json_array_foreach(json_object_get(answer, "records"), at, r)
    {
        put_remarks(out, answer, r);
        if (may_print(answer, r))
            put_record(out, r, "IN ");
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

/* A script must not put a second record beside one that it cannot take away. */
static bool may_add(const json_t *answer, const json_t *r)
{
    return may_print(answer, r) && !json_is_false(json_object_get(r, "publish")) &&
           (strcmp(member(r, "state"), "failed") != 0 ||
            json_is_array(json_object_get(r, "replaces")));
}

void records_put_nsupdate(struct sgl_buf *out, const json_t *answer)
{
    const char *zone = member(answer, "zone");
    const json_t *r;
    size_t at;

    if (zone[0] != '\0')
        sgl_buf_addf(out, "zone %s.\n", zone);
    if (json_is_false(json_object_get(answer, "checked")))
        sgl_buf_add(out, SGL_LIT("; not compared with what is published: --check does that\n"));
    json_array_foreach(json_object_get(answer, "records"), at, r)
    {
        put_remarks(out, answer, r);
        if (!may_add(answer, r))
            continue;
        put_deletions(out, r);
        sgl_buf_add(out, SGL_LIT("update add "));
        put_record(out, r, "");
    }
    sgl_buf_add(out, SGL_LIT("send\n"));
}
