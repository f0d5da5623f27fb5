/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

/* Foreign bytes: as they are where they are UTF-8, else escaped. */
static json_t *text(sgl_view v)
{
    json_t *s = json_stringn(v.len == 0 ? "" : (const char *)v.ptr, v.len);
    sgl_auto(sgl_buf) escaped = SGL_BUF_INIT(1 << 20);

    if (s != NULL)
        return s;
    sgl_buf_add_escaped(&escaped, v, v.len);
    s = json_stringn((const char *)escaped.data, escaped.len);
    return s == NULL ? json_null() : s;
}

static json_t *text_or_null(sgl_view v)
{
    return v.len == 0 ? json_null() : text(v);
}

static json_t *name(struct sgl_name n)
{
    return sgl_name_is_root(n) ? json_null() : text(n.text);
}

/* ---- findings ---- */

static json_t *finding(const struct sgl_finding *f, enum sgl_survey_part part)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "part", sgl_survey_part_name(part), "code",
                     f->code, "severity", sgl_severity_name(f->severity), "text", text(f->text),
                     "mend", text_or_null(f->mend), "rule",
                     f->rule == NULL ? json_null() : json_string(f->rule));
}

static json_t *problems(const struct sgl_survey *s)
{
    json_t *list = json_array();

    for (size_t i = 0; i < SGL_SURVEY_PARTS; i++) {
        const struct sgl_finding *f = s->part[i].findings.first;

        for (; f != NULL; f = f->next)
            json_array_append_new(list, finding(f, (enum sgl_survey_part)i));
    }
    return list;
}

/* ---- parts ---- */

static json_t *part(const struct sgl_survey *s, enum sgl_survey_part which)
{
    const struct sgl_survey_judged *p = &s->part[which];

    return json_pack("{s:s, s:o, s:o, s:i, s:i}", "state", sgl_survey_state_name(p->state),
                     "summary", text(p->summary), "record", text_or_null(p->record), "points",
                     (int)p->points, "points_max", (int)p->points_max);
}

static json_t *host(const struct sgl_survey_host *h)
{
    json_t *addresses = json_array();

    for (size_t i = 0; i < h->dane.addresses; i++) {
        char address[SGL_IP_TEXT_SIZE];

        json_array_append_new(addresses, text(sgl_ip_text(&h->dane.address[i], address)));
    }
    return json_pack("{s:o, s:i, s:o, s:b, s:i, s:s}", "host", text(h->name.text), "preference",
                     (int)h->preference, "addresses", addresses, "dnssec",
                     h->dane.address_security == SGL_DNS_SECURE, "tlsa",
                     (int)h->dane.tlsa_published, "dane", sgl_dane_level_name(h->dane.level));
}

static json_t *mx(const struct sgl_survey *s)
{
    json_t *o = part(s, SGL_SURVEY_MX), *hosts = json_array();

    for (size_t i = 0; i < s->hosts; i++)
        json_array_append_new(hosts, host(&s->host[i]));
    json_object_set_new(o, "hosts", hosts);
    json_object_set_new(o, "dnssec", json_boolean(s->mx.security == SGL_DNS_SECURE));
    json_object_set_new(o, "null_mx", json_boolean(s->mx.state == SGL_MX_NULL));
    return o;
}

static json_t *spf(const struct sgl_survey *s)
{
    json_t *o = part(s, SGL_SURVEY_SPF);

    json_object_set_new(o, "lookups", json_integer(s->spf.lookups));
    json_object_set_new(o, "void_lookups", json_integer(s->spf.void_lookups));
    return o;
}

static json_t *dkim(const struct sgl_survey *s)
{
    json_t *o = part(s, SGL_SURVEY_DKIM), *keys = json_array();

    for (size_t i = 0; i < s->keys; i++) {
        const struct sgl_survey_key *k = &s->key[i];

        json_array_append_new(
            keys, json_pack("{s:o, s:s, s:i, s:b, s:b, s:b, s:o}", "selector", text(k->selector),
                            "type", k->type == SGL_KEY_ED25519 ? "ed25519" : "rsa", "key_bits",
                            (int)k->bits, "revoked", k->revoked, "testing", k->testing, "usable",
                            !k->broken && !k->revoked, "record", text(k->record)));
    }
    json_object_set_new(o, "keys", keys);
    return o;
}

static json_t *dmarc(const struct sgl_survey *s)
{
    json_t *o = part(s, SGL_SURVEY_DMARC);

    json_object_set_new(o, "policy",
                        s->dmarc.has_policy ? json_string(sgl_dmarc_policy_name(s->dmarc.policy))
                                            : json_null());
    json_object_set_new(o, "policy_domain", name(s->dmarc.policy_domain));
    json_object_set_new(o, "org_domain", name(s->dmarc.org));
    return o;
}

static json_t *mta_sts(const struct sgl_survey *s)
{
    json_t *o = part(s, SGL_SURVEY_MTA_STS), *patterns = json_array();

    json_object_set_new(
        o, "id", s->mta_sts.state == SGL_MTA_STS_FOUND ? text(s->mta_sts.record.id) : json_null());
    if (!s->has_policy) {
        json_decref(patterns);
        return o;
    }
    for (size_t i = 0; i < s->policy.count; i++)
        json_array_append_new(patterns, json_sprintf("%s%.*s", s->policy.mx[i].wildcard ? "*." : "",
                                                     SGL_FMT(s->policy.mx[i].name.text)));
    json_object_set_new(o, "mode", json_string(sgl_mta_sts_mode_name(s->policy.mode)));
    json_object_set_new(o, "max_age", json_integer(s->policy.max_age_s));
    json_object_set_new(o, "mx", patterns);
    return o;
}

static json_t *tlsrpt(const struct sgl_survey *s)
{
    json_t *o = part(s, SGL_SURVEY_TLSRPT), *rua = json_array();

    for (size_t i = 0; s->tlsrpt.state == SGL_TLSRPT_FOUND && i < s->tlsrpt.record.count; i++)
        json_array_append_new(rua, text(s->tlsrpt.record.rua[i].text));
    json_object_set_new(o, "rua", rua);
    return o;
}

static json_t *bimi(const struct sgl_survey *s)
{
    json_t *o = part(s, SGL_SURVEY_BIMI);

    json_object_set_new(o, "location", text_or_null(s->bimi.record.location));
    json_object_set_new(o, "authority", text_or_null(s->bimi.record.authority));
    return o;
}

static json_t *rules(const struct sgl_survey *s)
{
    json_t *list = json_array();

    for (size_t i = 0; i < SGL_SURVEY_RULES; i++) {
        const struct sgl_survey_rule *r = &s->rule[i];
        json_t *met = r->met == SGL_SURVEY_MET       ? json_true()
                      : r->met == SGL_SURVEY_NOT_MET ? json_false()
                                                     : json_null();

        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:o, s:s}", "receivers", r->receivers, "rule",
                                        r->text, "met", met, "state", sgl_survey_met_name(r->met)));
    }
    return list;
}

json_t *check_json(const struct sgl_survey *s, bool unvalidated)
{
    char mark[2] = {s->mark, '\0'};

    return json_pack("{s:o, s:s, s:i, s:i, s:i, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
                     "s:o, s:o}",
                     "domain", text(s->domain.text), "mark", mark, "points", (int)s->points,
                     "errors", (int)s->errors, "warnings", (int)s->warnings, "incomplete",
                     s->failed, "dnssec_unavailable", unvalidated, "mx", mx(s), "spf", spf(s),
                     "dkim", dkim(s), "dmarc", dmarc(s), "mta_sts", mta_sts(s), "tls_rpt",
                     tlsrpt(s), "dane", part(s, SGL_SURVEY_DANE), "bimi", bimi(s), "bulk_senders",
                     rules(s), "problems", problems(s));
}
