/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/x509_vfy.h>
#include <stdio.h>

#include "findings.h"
#include "sigillo/hex.h"
#include "tls_show.h"

static json_t *text(const char *s)
{
    return s == NULL || s[0] == '\0' ? json_null() : findings_string(sgl_view_cstr(s));
}

static json_t *view(sgl_view v)
{
    return v.len == 0 ? json_null() : findings_string(v);
}

/* "2026-11-22T12:09:03Z" */
static json_t *when(sgl_time at)
{
    time_t t = (time_t)at;
    char out[32];
    struct tm tm;

    if (at == 0 || gmtime_r(&t, &tm) == NULL || strftime(out, sizeof out, "%FT%TZ", &tm) == 0)
        return json_null();
    return json_string(out);
}

const char *tls_dnssec_name(const struct tls_check *k)
{
    if (sgl_findings_have(&k->survey->part[SGL_SURVEY_MX].findings, "dnssec-bogus"))
        return "bogus";
    if (k->survey->mx.state == SGL_MX_FAILED)
        return "indeterminate";
    return k->survey->mx.security == SGL_DNS_SECURE ? "secure" : "insecure";
}

/* ---- records ---- */

static bool matched_anywhere(const struct tls_host *h, size_t record)
{
    for (size_t a = 0; a < h->probes; a++) {
        if (h->probe[a].tls && h->probe[a].matched[record])
            return true;
    }
    return false;
}

static json_t *records(const struct tls_check *k, const struct tls_host *h)
{
    json_t *list = json_array();

    for (size_t i = 0; i < h->records; i++) {
        const struct sgl_tlsa *r = &h->record[i].tlsa;
        sgl_auto(sgl_buf) hex = SGL_BUF_INIT(2 * SGL_LIMIT_DNS_RDATA);

        sgl_hex_encode(&hex, r->data);
        json_array_append_new(
            list,
            json_pack(
                "{s:o, s:i, s:i, s:i, s:o, s:b, s:o, s:b, s:o}", "name",
                json_sprintf("_%u._tcp.%.*s", (unsigned)k->port, SGL_FMT(h->found->dane.base.text)),
                "usage", (int)r->usage, "selector", (int)r->selector, "matching", (int)r->matching,
                "data", view(sgl_buf_view(&hex)), "usable", tls_record_why(r) == NULL, "problem",
                text(tls_record_why(r)), "counts", tls_record_counts(h, r), "matched",
                h->shown == NULL ? json_null() : json_boolean(matched_anywhere(h, i))));
    }
    return list;
}

/* ---- addresses ---- */

static json_t *certificate(const struct tls_certificate *c)
{
    json_t *names = json_array();

    for (size_t i = 0; i < c->names; i++)
        json_array_append_new(names, text(c->name[i]));
    return json_pack("{s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:i, s:o, s:o, s:i, s:b}", "subject",
                     text(c->subject), "names", names, "names_more", (int)c->names_more, "issuer",
                     text(c->issuer), "not_before", when(c->not_before), "not_after",
                     when(c->not_after), "key", text(c->key), "key_bits", (int)c->key_bits,
                     "sha256", text(c->sha256), "spki_sha256", text(c->spki_sha256), "sent",
                     (int)c->sent, "self_signed", c->self_signed);
}

static const char *end_name(enum tls_probe_end end)
{
    switch (end) {
    case TLS_PROBE_DONE:
        return "done";
    case TLS_PROBE_UNREACHABLE:
        return "unreachable";
    case TLS_PROBE_NO_SMTP:
        return "no-smtp";
    case TLS_PROBE_NO_STARTTLS:
        return "no-starttls";
    case TLS_PROBE_REFUSED:
        return "starttls-refused";
    case TLS_PROBE_HANDSHAKE:
        return "tls-failed";
    case TLS_PROBE_LOCAL:
        return "not-checked";
    }
    return "?";
}

static const char *proof(int code)
{
    return code == X509_V_OK ? "ok" : X509_verify_cert_error_string(code);
}

static json_t *address(const struct tls_host *h, const struct tls_probe *p)
{
    char ip[SGL_IP_TEXT_SIZE];
    json_t *o =
        json_pack("{s:s, s:s, s:o, s:b, s:o}", "address", (sgl_ip_text(&p->target.ip, ip), ip),
                  "end", end_name(p->end), "problem", text(p->why), "starttls", p->starttls, "tls",
                  p->tls ? json_string(p->version) : json_null());

    if (!p->tls || o == NULL)
        return o;
    json_object_set_new(o, "cipher", text(p->cipher));
    json_object_set_new(o, "group", text(p->group));
    json_object_set_new(o, "requiretls", json_boolean(p->requiretls));
    json_object_set_new(o, "chain", json_string(proof(p->chain)));
    json_object_set_new(o, "name", json_boolean(p->named));
    json_object_set_new(o, "dane",
                        h->found->dane.level == SGL_DANE_AUTHENTICATE
                            ? json_string(proof(p->verified))
                            : json_null());
    json_object_set_new(o, "certificate", certificate(&p->certificate));
    return o;
}

static json_t *host(const struct tls_check *k, const struct tls_host *h)
{
    json_t *addresses = json_array(),
           *listed = k->survey->has_policy ? json_boolean(h->listed) : json_null();

    for (size_t a = 0; a < h->probes; a++)
        json_array_append_new(addresses, address(h, &h->probe[a]));
    return json_pack("{s:o, s:i, s:b, s:i, s:s, s:o, s:s, s:o, s:s, s:s, s:o, s:o, s:o}", "host",
                     view(h->found->name.text), "preference", (int)h->found->preference, "dnssec",
                     h->found->dane.address_security == SGL_DNS_SECURE, "tlsa",
                     (int)h->found->dane.tlsa_published, "level", tls_level_name(h->level), "tls",
                     h->shown == NULL ? json_null() : json_string(h->shown->version), "result",
                     h->result, "problem", text(h->problem), "transit",
                     tls_transit_name(h->transit), "dane",
                     sgl_dane_level_name(h->found->dane.level), "sts_listed", listed, "records",
                     records(k, h), "addresses", addresses);
}

/* ---- the domain ---- */

static json_t *mta_sts(const struct sgl_survey *s)
{
    const struct sgl_survey_judged *p = &s->part[SGL_SURVEY_MTA_STS];
    json_t *patterns = json_array(),
           *o = json_pack("{s:s, s:o, s:o, s:o}", "state", sgl_survey_state_name(p->state),
                          "summary", view(p->summary), "record", view(p->record), "id",
                          s->mta_sts.state == SGL_MTA_STS_FOUND ? view(s->mta_sts.record.id)
                                                                : json_null());

    for (size_t i = 0; s->has_policy && i < s->policy.count; i++)
        json_array_append_new(patterns, json_sprintf("%s%.*s", s->policy.mx[i].wildcard ? "*." : "",
                                                     SGL_FMT(s->policy.mx[i].name.text)));
    json_object_set_new(o, "mode",
                        s->has_policy ? json_string(sgl_mta_sts_mode_name(s->policy.mode))
                                      : json_null());
    json_object_set_new(o, "max_age",
                        s->has_policy ? json_integer(s->policy.max_age_s) : json_null());
    json_object_set_new(o, "mx", patterns);
    return o;
}

static json_t *tls_rpt(const struct sgl_survey *s)
{
    const struct sgl_survey_judged *p = &s->part[SGL_SURVEY_TLSRPT];
    json_t *rua = json_array();

    for (size_t i = 0; s->tlsrpt.state == SGL_TLSRPT_FOUND && i < s->tlsrpt.record.count; i++)
        json_array_append_new(rua, view(s->tlsrpt.record.rua[i].text));
    return json_pack("{s:s, s:o, s:o, s:o}", "state", sgl_survey_state_name(p->state), "summary",
                     view(p->summary), "record", view(p->record), "rua", rua);
}

json_t *tls_json(const struct tls_check *k, bool unvalidated)
{
    const struct sgl_survey *s = k->survey;
    json_t *hosts = json_array();

    for (size_t i = 0; i < k->hosts; i++)
        json_array_append_new(hosts, host(k, &k->host[i]));
    return json_pack("{s:o, s:i, s:s, s:b, s:b, s:b, s:b, s:b, s:i, s:i, s:o, s:o, s:o, s:o}",
                     "domain", view(s->domain.text), "port", (int)k->port, "dnssec",
                     tls_dnssec_name(k), "null_mx", s->mx.state == SGL_MX_NULL, "implicit_mx",
                     s->mx.implicit, "connected", k->connected, "incomplete", k->incomplete,
                     "dnssec_unavailable", unvalidated, "errors", (int)k->findings.errors,
                     "warnings", (int)k->findings.warnings, "mx", hosts, "mta_sts", mta_sts(s),
                     "tls_rpt", tls_rpt(s), "problems", findings_json(&k->findings));
}
