/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A domain as SendGrid's API shows it.  The records under the three names that every program for it knows are those without which nothing is sent, or signed: the token that proves
 * the domain, and both DKIM keys.  The others that the domain needs stand beside them under names of our own.
 */
#include <stdio.h>

#include "../../config/config.h"
#include "../../setup/setup.h"
#include "whitelabel_internal.h"

static const struct row {
    const char *name, *purpose;
    enum domain_part part;
} rows[] = {
    {"mail_cname", "ownership", PART_OWNERSHIP},
    {"dkim1", "dkim", PART_DKIM},
    {"dkim2", "dkim2", PART_DKIM2},
    {"spf", "spf", PART_SPF},
    {"dmarc", "dmarc", PART_DMARC},
    {"return_mx", "return-mx", PART_RETURN_PATH},
    {"return_spf", "return-spf", PART_RETURN_PATH},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

int64_t whitelabel_domain_number(const struct domain *d)
{
    return whitelabel_number("domain", d->name, d->created_at);
}

static bool is_valid(const struct admin *admin, const struct domain *d)
{
    const struct domain_rules rules = {
        .required = true, .grace_s = atomic_load(&admin->config)->verification.grace_s};
    unsigned missing;

    return domain_may_send(d, &rules, clock_now_s(), &missing) == DOMAIN_MAY_SEND;
}

static bool is_verified(const struct domain *d, enum domain_part part)
{
    return d->status[part].state == DOMAIN_VERIFIED;
}

static json_t *record_json(const json_t *row, bool valid)
{
    const char *type = json_string_value(json_object_get(row, "type"));
    char lower[16];

    snprintf(lower, sizeof(lower), "%s", type == NULL ? "" : type);
    for (char *c = lower; *c != '\0'; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
    return json_pack("{s:b, s:s, s:O, s:O}", "valid", (int)valid, "type", lower, "host",
                     json_object_get(row, "name"), "data", json_object_get(row, "value"));
}

/* The first record of each purpose. */
static json_t *dns_json(const struct admin *admin, const struct domain *d)
{
    json_t *all = admin_records_json(admin, d), *json = json_object(), *row;
    size_t at;

    json_array_foreach(all, at, row)
    {
        const char *purpose = json_string_value(json_object_get(row, "purpose"));

        for (size_t i = 0; purpose != NULL && i < ROWS; i++)
            if (strcmp(rows[i].purpose, purpose) == 0 &&
                json_object_get(json, rows[i].name) == NULL)
                json_object_set_new(json, rows[i].name,
                                    record_json(row, is_verified(d, rows[i].part)));
    }
    json_decref(all);
    return json;
}

/* Are the keys' records aliases, so that they need not be touched when the keys change? */
static bool is_automatic(const json_t *dns)
{
    const char *type = json_string_value(json_object_get(json_object_get(dns, "dkim1"), "type"));

    return type != NULL && strcmp(type, "cname") == 0;
}

json_t *whitelabel_domain_json(const struct admin *admin, struct domain *d, bool is_default)
{
    json_t *dns = dns_json(admin, d);

    return json_pack("{s:I, s:I, s:s, s:s, s:s, s:[], s:b, s:b, s:b, s:b, s:b, s:o}", "id",
                     (json_int_t)whitelabel_domain_number(d), "user_id",
                     (json_int_t)whitelabel_user(admin, d->subscription), "subdomain",
                     d->return_path, "domain", d->name, "username", d->subscription, "ips",
                     "custom_spf", 1, "default", (int)is_default, "legacy", 0, "automatic_security",
                     (int)is_automatic(dns), "valid", (int)is_valid(admin, d), "dns", dns);
}

json_t *whitelabel_validated(struct http_request *r, const struct admin *admin,
                             const struct setup_check *c)
{
    const struct domain *d = c->domain;
    json_t *dns = dns_json(admin, d), *results = json_object();

    (void)r;
    for (size_t i = 0; i < ROWS; i++) {
        const struct domain_status *s = &d->status[rows[i].part];
        bool valid = is_verified(d, rows[i].part);

        if (json_object_get(dns, rows[i].name) != NULL)
            json_object_set_new(
                results, rows[i].name,
                json_pack("{s:b, s:o}", "valid", (int)valid, "reason",
                          valid ? json_null()
                                : admin_json_view(sgl_view_cstr(
                                      s->why != NULL ? s->why : "This record was not found."))));
    }
    json_decref(dns);
    return json_pack("{s:I, s:b, s:o}", "id", (json_int_t)whitelabel_domain_number(d), "valid",
                     (int)is_valid(admin, d), "validation_results", results);
}
