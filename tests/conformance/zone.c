/* SPDX-License-Identifier: Apache-2.0 */
#include "zone.h"

#include <stdlib.h>
#include <string.h>

enum { RECORDS_MAX = 1024, LINKS_MAX = 10 };

static json_t *kept; /* the line that set the zone */

json_t *zone_op(struct tool *t)
{
    zone_done();
    kept = json_incref(t->in);
    return json_pack("{s:b}", "ok", json_is_object(json_object_get(t->in, "zone")));
}

void zone_done(void)
{
    json_decref(kept);
    kept = NULL;
}

static enum sgl_dns_outcome outcome_named(const char *name)
{
    if (name == NULL || strcmp(name, "NODATA") == 0)
        return SGL_DNS_NODATA;
    return strcmp(name, "NXDOMAIN") == 0 ? SGL_DNS_NXDOMAIN : SGL_DNS_FAILED;
}

/* Follows aliases to where the records would be; *node is NULL when there is no such name. */
static const char *follow(const json_t *zone, const char *name, const char *type,
                          const json_t **node)
{
    for (int links = 0; links <= LINKS_MAX; links++) {
        const char *alias;

        *node = json_object_get(zone, name);
        alias = json_string_value(json_object_get(*node, "alias"));
        if (alias == NULL || json_object_get(*node, type) != NULL)
            return name;
        name = alias;
    }
    return NULL;
}

/* The records into raw, or why there are none. */
static void look_up(struct tool *t, const json_t *node, const char *type, sgl_view *rdata,
                    struct sgl_dns_raw *raw)
{
    const json_t *records = json_object_get(node, type);

    if (node == NULL) {
        raw->outcome = SGL_DNS_NXDOMAIN;
        return;
    }
    if (!json_is_array(records)) {
        raw->outcome = outcome_named(
            json_string_value(records != NULL ? records : json_object_get(node, "else")));
        return;
    }
    for (; raw->rdatas < json_array_size(records) && raw->rdatas < RECORDS_MAX; raw->rdatas++)
        rdata[raw->rdatas] = tool_unhex(t, json_array_get(records, raw->rdatas));
}

static void answer(struct tool *t, struct sgl_dns *dns, const struct sgl_dns_question *q)
{
    static sgl_view rdata[RECORDS_MAX];
    const json_t *line = json_object_get(t->in, "zone") != NULL ? t->in : kept, *node = NULL;
    const char *failing = json_string_value(json_object_get(line, "failing"));
    const char *asked = sgl_arena_cstr(&t->arena, q->name.text), *type = sgl_rr_name(q->type);
    const char *name;
    struct sgl_dns_raw raw = {.name = q->name, .type = q->type, .rdata = rdata, .ttl_s = 300};

    if (asked == NULL)
        abort();
    name = follow(json_object_get(line, "zone"), asked, type, &node);
    if (name == NULL || (failing != NULL && strstr(asked, failing) != NULL))
        raw.outcome = SGL_DNS_FAILED;
    else
        look_up(t, node, type, rdata, &raw);
    if (name != NULL && strcmp(name, asked) != 0)
        raw.canonical = sgl_view_cstr(name);
    if (sgl_dns_add_answer(dns, &raw) != SGL_OK)
        sgl_dns_fail(dns, q->name, q->type, "does not fit");
}

void zone_step(struct tool *t, struct sgl_dns *dns, struct zone_driver *driver)
{
    const struct sgl_dns_question *q = sgl_dns_next_open(dns, NULL), *newest = NULL;

    for (; q != NULL; q = sgl_dns_next_open(dns, q)) {
        newest = q;
        if (driver->order == NEWEST_FIRST)
            continue;
        answer(t, dns, q);
        driver->asked++;
        if (driver->order == OLDEST_FIRST)
            return;
    }
    if (driver->order == NEWEST_FIRST && newest != NULL) {
        answer(t, dns, newest);
        driver->asked++;
    }
}

json_t *zone_each_order(struct tool *t,
                        json_t *(*judge)(struct tool *t, const void *what, enum zone_order order),
                        const void *what)
{
    json_t *out = judge(t, what, ALL_AT_ONCE);

    for (enum zone_order order = OLDEST_FIRST; order < ZONE_ORDERS; order++) {
        json_t *other = judge(t, what, order);
        bool same = json_equal(out, other);

        json_decref(other);
        if (!same) {
            json_decref(out);
            return tool_failed("the orders of answers disagree");
        }
    }
    return out;
}
