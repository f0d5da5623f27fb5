/* SPDX-License-Identifier: Apache-2.0 */
/* The records that a domain has to publish, as JSON: with what is known of them, or compared with what is published at this moment. */
#include <stdlib.h>

#include "../../setup/request.h"
#include "../../setup/setup.h"
#include "../../setup/state.h"
#include "admin_internal.h"
#include "sigillo/limits.h"
#include "sigillo/utf8.h"

/* ---- one row ---- */

static json_t *base_json(const struct sgl_setup_row *row)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:s, s:o, s:b}", "purpose",
                     sgl_setup_purpose_name(row->purpose), "name", admin_json_view(row->name.text),
                     "relative", admin_json_view(row->relative), "zone",
                     admin_json_view(row->zone.text), "type", sgl_rr_name(row->type), "value",
                     admin_json_view(row->value), "required", (int)row->required);
}

/* The words that a domain's states have. */
static const char *seen_state(enum sgl_setup_state state)
{
    switch (state) {
    case SGL_SETUP_PRESENT:
        return domain_state_name(DOMAIN_VERIFIED);
    case SGL_SETUP_MISSING:
        return domain_state_name(DOMAIN_IN_PROGRESS);
    case SGL_SETUP_WRONG:
        return domain_state_name(DOMAIN_FAILED);
    case SGL_SETUP_UNKNOWN:
        return "unknown";
    case SGL_SETUP_UNCHECKED:
        break;
    }
    return domain_state_name(DOMAIN_NOT_STARTED);
}

/* What publishing the value removes; null: JSON cannot hold all of it. */
static json_t *replaces_json(const struct sgl_setup_row *row)
{
    json_t *list = json_array();

    for (size_t i = 0; i < row->old_count; i++) {
        if (!sgl_utf8_valid(row->old[i].value)) {
            json_decref(list);
            return json_null();
        }
        json_array_append_new(list, json_pack("{s:s, s:o}", "type", sgl_rr_name(row->old[i].type),
                                              "value", admin_json_view(row->old[i].value)));
    }
    return list;
}

static void put_known(json_t *json, const char *state, json_t *found, json_t *why)
{
    json_object_set_new(json, "state", json_string(state));
    json_object_set_new(json, "found", found);
    json_object_set_new(json, "why", why);
}

static json_t *row_json(const struct sgl_setup_row *row)
{
    json_t *json = base_json(row);

    put_known(json, seen_state(row->state), admin_json_view(row->found), admin_json_view(row->why));
    json_object_set_new(json, "code", json_string(row->code));
    json_object_set_new(json, "merged", json_boolean(row->merged));
    json_object_set_new(json, "publish", json_boolean(row->publish));
    json_object_set_new(json, "replaces", replaces_json(row));
    return json;
}

/* ---- what is known ---- */

static size_t rows_of(const struct sgl_setup *setup, enum domain_part part)
{
    size_t count = 0;

    for (size_t i = 0; i < setup->rows; i++)
        count += state_part(setup->row[i].purpose) == part;
    return count;
}

static sgl_view text_of(const char *text)
{
    return sgl_view_cstr(text == NULL ? "" : text);
}

/* The texts of a part's status are those of its worst row: of several rows the one whose value was expected. */
static json_t *known_json(const struct sgl_setup *setup, const struct sgl_setup_row *row,
                          const struct domain *domain)
{
    enum domain_part part = state_part(row->purpose);
    const struct domain_status *status = &domain->status[part];
    sgl_view expected = text_of(status->expected);
    bool only = rows_of(setup, part) == 1, its = only || sgl_view_eq(expected, row->value);
    bool merged = only && expected.len > 0 && !sgl_view_eq(expected, row->value);
    json_t *json = base_json(row);

    put_known(json, domain_state_name(status->state),
              admin_json_view(its ? text_of(status->found) : sgl_view_of(NULL, 0)),
              admin_json_view(its ? text_of(status->why) : sgl_view_of(NULL, 0)));
    if (merged)
        json_object_set_new(json, "value", admin_json_view(expected));
    json_object_set_new(json, "merged", json_boolean(merged));
    json_object_set_new(json, "publish", json_boolean(status->state != DOMAIN_VERIFIED));
    return json;
}

/* NULL: there is no memory, or the names do not fit into DNS. */
static json_t *records_json(const struct admin *admin, const struct domain *domain, bool *too_long)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SGL_LIMIT_SETUP_MEMORY);
    struct sgl_setup_request request;
    struct sgl_setup setup;
    json_t *list;

    enum sgl_status status = setup_request(domain, atomic_load(&admin->config), &arena, &request);

    if (status == SGL_OK)
        status = sgl_setup_rows(&request, &arena, &setup);
    *too_long = status == SGL_E_SYNTAX || (status == SGL_E_LIMIT && arena.status == SGL_OK);
    if (status != SGL_OK)
        return NULL;
    list = json_array();
    for (size_t i = 0; i < setup.rows; i++)
        json_array_append_new(list, known_json(&setup, &setup.row[i], domain));
    return list;
}

json_t *admin_records_json(const struct admin *admin, const struct domain *domain)
{
    bool too_long;

    return records_json(admin, domain, &too_long);
}

/* ---- what is published at this moment ---- */

json_t *admin_setup_json(const struct sgl_setup *seen)
{
    json_t *list = json_array();

    for (size_t i = 0; i < seen->rows; i++)
        json_array_append_new(list, row_json(&seen->row[i]));
    return json_pack("{s:o, s:b, s:b, s:b, s:o}", "zone",
                     seen->zone_known ? admin_json_view(seen->zone.text) : json_null(), "checked",
                     1, "ready", (int)seen->ready, "unknown", (int)seen->failed, "records", list);
}

struct records_check {
    struct setup_check check;
    struct http_request *r;
};

static void checked(struct setup_check *c)
{
    struct records_check *k = c->ctx;
    json_t *answer;

    switch (c->result) {
    case SETUP_CHECKED:
        answer = admin_setup_json(c->seen);
        json_object_set_new(answer, "domain", json_string(c->name));
        http_reply_json(k->r, 200, answer);
        break;
    case SETUP_NO_DOMAIN:
        http_reply_problem(k->r, 404, "domain-unknown", "name", ADMIN_NO_DOMAIN);
        break;
    case SETUP_BUSY:
        http_reply_problem(k->r, 503, "busy", NULL,
                           "Too many domains are being checked at this moment.");
        break;
    case SETUP_FAILED:
        http_reply_problem(k->r, 503, "check-failed", NULL, c->why);
        break;
    }
    setup_check_done(c);
    free(k);
}

static void check_records(struct http_request *r, const struct admin *admin, const char *name)
{
    struct records_check *k = calloc(1, sizeof(*k));

    if (k == NULL || admin->setup == NULL) {
        http_reply_problem(r, 503, "check-failed", NULL, "Nothing can be checked at this moment.");
        free(k);
        return;
    }
    k->r = r;
    k->check.loop = http_loop(r);
    k->check.done = checked;
    k->check.ctx = k;
    snprintf(k->check.name, sizeof(k->check.name), "%s", name);
    setup_verify(admin->setup, &k->check);
}

static void known_records(struct http_request *r, const struct admin *admin,
                          const struct domain *domain)
{
    bool too_long = false;
    json_t *records = records_json(admin, domain, &too_long);

    if (too_long)
        http_reply_problem(r, 409, "name-too-long", "name",
                           "The domain is so long that the names of its records below it, or in "
                           "domains.dkim_zone, are longer than the 253 characters of DNS.");
    else if (records == NULL)
        http_reply_problem(r, 500, "records", NULL, "The records could not be written.");
    else
        http_reply_json(
            r, 200,
            json_pack("{s:s, s:b, s:o}", "domain", domain->name, "checked", 0, "records", records));
}

void admin_records_get(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    sgl_view check = http_query(r, "check");
    struct domain *domain = admin_named_domain(r, admin);

    if (domain == NULL)
        return;
    if (check.ptr == NULL || sgl_view_eq(check, SGL_LIT("false")))
        known_records(r, admin, domain);
    else if (sgl_view_eq(check, SGL_LIT("true")))
        check_records(r, admin, domain->name);
    else
        http_reply_problem(r, 400, "check", "check", "check is true or false.");
    domain_unref(domain);
}
