/* SPDX-License-Identifier: Apache-2.0 */
#include "verify.h"

#include <stdlib.h>

#define FIELD_MAX ((size_t)64 * 1024)

/* The keys of `spf check`. */
static json_t *spf_json(const struct sgl_spf *spf)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:i, s:i, s:o, s:s, s:o, s:o}", "result",
                     sgl_spf_result_name(spf->result), "identity",
                     spf->identity == SGL_SPF_HELO ? "helo" : "mailfrom", "domain",
                     cli_json_text(spf->domain), "mechanism", cli_json_text(spf->mechanism),
                     "lookups", (int)spf->lookups, "void_lookups", (int)spf->void_lookups,
                     "explanation", cli_json_text(spf->explanation), "problem", spf->problem,
                     "problem_at", cli_json_text(spf->problem_at), "record",
                     cli_json_text(spf->record));
}

static json_t *spf_part(const struct sgl_verdict *verdict)
{
    json_t *part;

    if (!verdict->spf_checked)
        return json_pack("{s:b, s:s, s:s}", "checked", 0, "result", "none", "problem",
                         "the connection is not known: --ip was not given");
    part = spf_json(&verdict->spf);
    json_object_set_new(part, "checked", json_true());
    json_object_set_new(part, "helo", spf_json(&verdict->spf_helo));
    return part;
}

/* The keys of `dkim verify`. */
static json_t *dkim_part(const struct sgl_dkim_verdicts *dkim)
{
    json_t *list = json_array();

    for (size_t i = 0; i < dkim->count; i++) {
        const struct sgl_dkim_verdict *v = &dkim->item[i];

        json_array_append_new(list,
                              json_pack("{s:o, s:o, s:o, s:s, s:s, s:i, s:b, s:o, s:b, s:I}",
                                        "domain", cli_json_text(v->tags.domain), "selector",
                                        cli_json_text(v->tags.selector), "algorithm",
                                        cli_json_text(v->tags.algorithm), "result",
                                        sgl_dkim_result_name(v->result), "reason", v->reason,
                                        "key_bits", (int)v->key_bits, "testing", v->testing,
                                        "identity", cli_json_text(v->tags.identity), "dnssec",
                                        v->secure, "unsigned_tail", (json_int_t)v->unsigned_tail));
    }
    return list;
}

/* The keys of `arc verify`. */
static json_t *arc_part(const struct sgl_arc *arc)
{
    json_t *sets = json_array();

    for (size_t i = 0; i < arc->sets; i++)
        json_array_append_new(
            sets, json_pack("{s:i, s:o, s:o, s:o}", "instance", (int)arc->set[i].instance, "domain",
                            cli_json_text(arc->set[i].seal_tags.domain), "selector",
                            cli_json_text(arc->set[i].seal_tags.selector), "authserv_id",
                            cli_json_text(arc->set[i].authserv)));
    return json_pack("{s:s, s:i, s:o, s:s}", "result", sgl_arc_result_name(arc->result),
                     "oldest_pass", (int)arc->oldest_pass, "sets", sets, "reason", arc->reason);
}

/* null for what there is none of: no policy is not the policy "none". */
static json_t *or_null(sgl_view text)
{
    return text.len == 0 ? json_null() : cli_json_text(text);
}

/* The keys of `dmarc check`, and what a trusted chain made of it. */
static json_t *dmarc_part(const struct sgl_verdict *verdict)
{
    const struct sgl_dmarc *d = &verdict->dmarc;
    const char *policy = d->has_policy ? sgl_dmarc_policy_name(d->policy) : NULL;
    json_t *part = json_pack("{s:s, s:s, s:o, s:o, s:o, s:s?, s:s, s:b, s:b, s:o, s:b}", "result",
                             sgl_dmarc_result_name(d->result), "reason", d->reason, "domain",
                             or_null(d->author.text), "org_domain", or_null(d->org.text),
                             "policy_domain", or_null(d->policy_domain.text), "policy", policy,
                             "disposition", sgl_dmarc_policy_name(verdict->disposition),
                             "spf_aligned", d->spf_aligned, "dkim_aligned", d->dkim_aligned,
                             "record", or_null(d->record), "testing", d->tested);

    json_object_set_new(part, "rules",
                        json_string(d->rules == SGL_DMARC_RFC7489 ? "rfc7489" : "rfc9989"));
    json_object_set_new(part, "overridden", json_boolean(verdict->overridden));
    if (verdict->overridden)
        json_object_set_new(part, "witness", cli_json_text(verdict->witness->seal_tags.domain));
    return part;
}

/* The whole field on one line. */
static json_t *field_part(const struct sgl_authres *results)
{
    sgl_auto(sgl_buf) line = SGL_BUF_INIT(FIELD_MAX);

    sgl_buf_add_cstr(&line, "Authentication-Results: ");
    sgl_buf_add(&line, results->authserv_id);
    sgl_buf_add_cstr(&line, "; ");
    if (sgl_authres_put_results(results, &line) != SGL_OK)
        return NULL;
    return cli_json_text(sgl_buf_view(&line));
}

json_t *verify_json(const struct sgl_verdict *verdict)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "spf", spf_part(verdict), "dkim",
                     dkim_part(&verdict->dkim), "arc", arc_part(&verdict->arc), "dmarc",
                     dmarc_part(verdict), "authentication_results", field_part(&verdict->results));
}
