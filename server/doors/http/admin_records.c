/* SPDX-License-Identifier: Apache-2.0 */
/* The records that a domain has to publish, as JSON. */
#include "../../setup/request.h"
#include "admin_internal.h"
#include "sigillo/limits.h"

static const char *type_name(const struct sgl_setup_row *row)
{
    return sgl_rr_name(row->type);
}

json_t *admin_setup_row_json(const struct sgl_setup_row *row)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:s, s:o, s:b}", "purpose",
                     sgl_setup_purpose_name(row->purpose), "name", admin_json_view(row->name.text),
                     "relative", admin_json_view(row->relative), "zone",
                     admin_json_view(row->zone.text), "type", type_name(row), "value",
                     admin_json_view(row->value), "required", (int)row->required);
}

static json_t *rows_json(const struct sgl_setup *setup)
{
    json_t *list = json_array();

    for (size_t i = 0; i < setup->rows; i++)
        json_array_append_new(list, admin_setup_row_json(&setup->row[i]));
    return list;
}

json_t *admin_records_json(const struct admin *admin, const struct domain *domain)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SGL_LIMIT_SETUP_MEMORY);
    struct sgl_setup_request request;
    struct sgl_setup setup;

    if (setup_request(domain, atomic_load(&admin->config), &arena, &request) != SGL_OK ||
        sgl_setup_rows(&request, &arena, &setup) != SGL_OK)
        return NULL;
    return rows_json(&setup);
}
