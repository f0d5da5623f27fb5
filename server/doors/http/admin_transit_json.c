/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of transit as JSON, and what to do about a cause. */
#include "admin_transit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../../store/statistics.h"
#include "admin_internal.h"
#include "sigillo/banned.h"

/* ---- sums ---- */

static void put_name(const struct transit_figure *f, bool by_day, char out[321])
{
    time_t seconds = (time_t)(f->day * (STATISTICS_DAY_MS / 1000));
    struct tm tm = {0};

    if (!by_day)
        snprintf(out, 321, "%.*s", SGL_FMT(sgl_view_sub(f->name, 0, 320)));
    else if (gmtime_r(&seconds, &tm) == NULL || strftime(out, 321, "%Y-%m-%d", &tm) == 0)
        out[0] = '\0';
}

void transit_sum_end(struct transit_sum *sum, transit_whole *whole, void *ctx)
{
    if (sum->any)
        whole(ctx, sum);
    *sum = (struct transit_sum){0};
}

void transit_sum_add(struct transit_sum *sum, const struct transit_figure *f, bool by_day,
                     transit_whole *whole, void *ctx)
{
    char name[sizeof(sum->name)];

    put_name(f, by_day, name);
    if (sum->any && strcmp(sum->name, name) != 0)
        transit_sum_end(sum, whole, ctx);
    if (!sum->any)
        memcpy(sum->name, name, sizeof(name));
    sum->any = true;
    sum->all.delivered += f->delivered;
    sum->all.failed += f->failed;
    if (f->how.mechanism < TRANSIT_MECHANISMS)
        sum->mechanism[f->how.mechanism] += f->delivered;
    if (f->how.version < TRANSIT_VERSIONS)
        sum->version[f->how.version] += f->delivered;
    if (f->how.cause < TRANSIT_CAUSES) {
        sum->cause[f->how.cause].delivered += f->delivered;
        sum->cause[f->how.cause].failed += f->failed;
    }
}

/* ---- as JSON ---- */

static json_t *number(uint64_t n)
{
    return json_integer((json_int_t)n);
}

json_t *transit_day_json(int64_t day)
{
    char name[321];

    put_name(&(struct transit_figure){.day = day}, true, name);
    return json_string(name);
}

static json_t *causes_json(const struct transit_sum *sum)
{
    json_t *causes = json_object();

    for (uint8_t i = TRANSIT_CAUSE_NONE + 1; i < TRANSIT_CAUSES; i++)
        if (sum->cause[i].delivered + sum->cause[i].failed > 0)
            json_object_set_new(causes, transit_cause_name(i),
                                json_pack("{s:o, s:o}", "delivered",
                                          number(sum->cause[i].delivered), "failed",
                                          number(sum->cause[i].failed)));
    return causes;
}

json_t *transit_sum_json(const struct transit_sum *sum, bool name)
{
    json_t *json = json_object(), *mechanisms = json_object(), *versions = json_object();

    for (uint8_t i = TRANSIT_NONE + 1; i < TRANSIT_MECHANISMS; i++)
        json_object_set_new(mechanisms, transit_mechanism_name(i), number(sum->mechanism[i]));
    for (uint8_t i = TRANSIT_VERSIONS; i-- > 0;)
        json_object_set_new(versions, transit_version_name(i), number(sum->version[i]));
    if (name)
        json_object_set_new(json, "name", admin_json_view(sgl_view_cstr(sum->name)));
    json_object_set_new(json, "delivered", number(sum->all.delivered));
    json_object_set_new(json, "failed", number(sum->all.failed));
    json_object_set_new(json, "mechanisms", mechanisms);
    json_object_set_new(json, "versions", versions);
    json_object_set_new(json, "causes", causes_json(sum));
    return json;
}

/* ---- what to do ---- */

static const char *const advice[TRANSIT_CAUSES] = {
    [TRANSIT_CAUSE_NONE] = "",
    [TRANSIT_STARTTLS_NOT_SUPPORTED] =
        "The server offers no STARTTLS, though its domain or a demand of yours asks for TLS. Its "
        "postmaster has to turn it on; if it is on, something on the way takes it away.",
    [TRANSIT_CERTIFICATE_HOST_MISMATCH] =
        "The certificate does not name the MX host. Its postmaster needs one that does.",
    [TRANSIT_CERTIFICATE_EXPIRED] =
        "The certificate has expired. Its postmaster has to renew it, and to look why that did not "
        "happen by itself.",
    [TRANSIT_CERTIFICATE_NOT_TRUSTED] =
        "Nobody who is trusted has signed the certificate. Its postmaster needs one of a public "
        "authority, and the server has to send the whole chain.",
    [TRANSIT_VALIDATION_FAILURE] =
        "What the server shows is not what its domain publishes. With DANE: its postmaster has to "
        "publish the TLSA record of the key that the server uses.",
    [TRANSIT_TLSA_INVALID] =
        "None of the TLSA records can be used, or they could not be looked up. Its postmaster has "
        "to publish one of the form 3 1 1, and name servers have to answer for it.",
    [TRANSIT_DNSSEC_INVALID] =
        "DNSSEC fails, or its name servers do not answer. Whoever runs that zone has to sign it "
        "anew; if many domains show this, look at the resolver here.",
    [TRANSIT_DANE_REQUIRED] =
        "DANE is demanded here, and the domain has none. Take the demand back, or ask its "
        "postmaster for TLSA records.",
    [TRANSIT_STS_POLICY_FETCH_ERROR] =
        "The policy of MTA-STS could not be fetched. Its postmaster has to look at the web server "
        "of the name mta-sts before the domain.",
    [TRANSIT_STS_POLICY_INVALID] =
        "The policy of MTA-STS is not well-formed. Its postmaster has to mend the file.",
    [TRANSIT_STS_WEBPKI_INVALID] =
        "The web server of the policy has no valid certificate. Its postmaster needs one for the "
        "name mta-sts before the domain.",
    [TRANSIT_STS_MX_MISMATCH] =
        "The policy of MTA-STS does not list the MX host. Its postmaster has to add the host to "
        "the policy, or to take it from the MX records.",
    [TRANSIT_REQUIRETLS_NOT_SUPPORTED] =
        "The message demands REQUIRETLS, and the server does not offer it. Send without the "
        "demand, or ask its postmaster for REQUIRETLS.",
    [TRANSIT_DEMAND_NOT_MET] =
        "A route, the message or its domain demands verified TLS, and the server did not prove "
        "who it is. Its postmaster needs a certificate that is valid for the MX host, and DNSSEC "
        "or "
        "MTA-STS that says which hosts are the domain's.",
};

json_t *transit_trouble_json(const struct transit_sum *sum, bool failed)
{
    json_t *causes = json_array();
    uint64_t all = 0;

    for (uint8_t i = TRANSIT_CAUSE_NONE + 1; i < TRANSIT_CAUSES; i++) {
        uint64_t count = failed ? sum->cause[i].failed : sum->cause[i].delivered;

        if (count == 0)
            continue;
        all += count;
        json_array_append_new(causes, json_pack("{s:s, s:o, s:s}", "cause", transit_cause_name(i),
                                                "count", number(count), "advice", advice[i]));
    }
    if (all > 0)
        return json_pack("{s:o, s:o, s:o}", "domain", admin_json_view(sgl_view_cstr(sum->name)),
                         "count", number(all), "causes", causes);
    json_decref(causes);
    return NULL;
}
