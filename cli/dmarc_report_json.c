/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregate reports for programs: JSON and CSV. */
#include "cli.h"
#include "dmarc_report.h"
#include "sigillo/date.h"
#include "transit_chart.h"

#define LIST_MAX 10 /* signatures in one cell of CSV */

static json_t *told(sgl_view text)
{
    return text.len == 0 ? json_null() : cli_json_text(text);
}

static json_t *word(const char *name)
{
    return name[0] == '\0' ? json_null() : json_string(name);
}

static const char *scope_name(enum sgl_dmarc_scope scope)
{
    static const char *const name[] = {"", "mfrom", "helo"};

    return name[scope];
}

/* ---- JSON ---- */

static json_t *results_json(const struct sgl_dmarc_report_record *r, bool dkim)
{
    json_t *list = json_array();

    for (size_t i = 0; dkim && i < r->dkims; i++) {
        const struct sgl_dmarc_report_dkim *d = &r->dkim_result[i];

        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o}", "domain", told(d->domain),
                                              "selector", told(d->selector), "result",
                                              word(sgl_dmarc_raw_name(d->result)), "human_result",
                                              told(d->human)));
    }
    for (size_t i = 0; !dkim && i < r->spfs; i++) {
        const struct sgl_dmarc_report_spf *s = &r->spf_result[i];

        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o}", "domain", told(s->domain),
                                              "scope", word(scope_name(s->scope)), "result",
                                              word(sgl_dmarc_raw_name(s->result)), "human_result",
                                              told(s->human)));
    }
    return list;
}

static json_t *reasons_json(const struct sgl_dmarc_report_record *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->reasons; i++)
        json_array_append_new(list, json_pack("{s:o, s:o}", "type",
                                              word(sgl_dmarc_override_name(r->reason[i].type)),
                                              "comment", told(r->reason[i].comment)));
    return list;
}

json_t *dmarc_record_json(const struct sgl_dmarc_report_record *r)
{
    char text[SGL_IP_TEXT_SIZE];

    return json_pack(
        "{s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "source_ip",
        r->ip.version == 0 ? json_null() : cli_json_text(sgl_ip_text(&r->ip, text)), "count",
        (json_int_t)r->count, "disposition", word(sgl_dmarc_disposition_name(r->disposition)),
        "dkim", word(sgl_dmarc_aligned_name(r->dkim)), "spf", word(sgl_dmarc_aligned_name(r->spf)),
        "reasons", reasons_json(r), "header_from", told(r->header_from), "envelope_from",
        r->has_envelope_from ? cli_json_text(r->envelope_from) : json_null(), "envelope_to",
        told(r->envelope_to), "dkim_results", results_json(r, true), "spf_results",
        results_json(r, false));
}

static json_t *mode(enum sgl_dmarc_mode m)
{
    static const char *const name[] = {"", "relaxed", "strict"};

    return word(name[m]);
}

void dmarc_meta_json(const struct sgl_dmarc_report_meta *m, json_t *object)
{
    json_object_set_new(object, "organization", told(m->org_name));
    json_object_set_new(object, "email", told(m->email));
    json_object_set_new(object, "contact", told(m->extra_contact));
    json_object_set_new(object, "report_id", told(m->report_id));
    json_object_set_new(object, "begin", cli_json_date(m->begin));
    json_object_set_new(object, "end", cli_json_date(m->end));
    json_object_set_new(object, "error", told(m->error));
    json_object_set_new(object, "generator", told(m->generator));
    json_object_set_new(object, "domain", told(m->domain));
    json_object_set_new(object, "discovery", word(sgl_dmarc_discovery_name(m->discovery)));
    json_object_set_new(object, "p", word(sgl_dmarc_disposition_name(m->p)));
    json_object_set_new(object, "sp", word(sgl_dmarc_disposition_name(m->sp)));
    json_object_set_new(object, "np", word(sgl_dmarc_disposition_name(m->np)));
    json_object_set_new(object, "adkim", mode(m->adkim));
    json_object_set_new(object, "aspf", mode(m->aspf));
    json_object_set_new(object, "fo", told(m->fo));
    json_object_set_new(object, "testing",
                        m->testing == SGL_DMARC_TESTING_UNKNOWN
                            ? json_null()
                            : json_boolean(m->testing == SGL_DMARC_TESTING_YES));
}

/* ---- CSV ---- */

const char dmarc_csv_head[] =
    "file,organization,report_id,begin,end,domain,p,source_ip,count,disposition,dkim,spf,header_"
    "from,envelope_from,envelope_to,dkim_results,spf_results,reasons\r\n";

static void put(struct sgl_buf *out, sgl_view cell)
{
    transit_csv_put(out, cell, ",");
}

static void put_word(struct sgl_buf *out, const char *name)
{
    put(out, sgl_view_cstr(name));
}

static void put_time(struct sgl_buf *out, sgl_time time)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(40);

    if (time != 0)
        sgl_date_put_internet(&text, time);
    put(out, sgl_buf_view(&text));
}

/* "example.org/selector=pass other.example/k=fail" */
static void put_results(struct sgl_buf *out, const struct sgl_dmarc_report_record *r, bool dkim)
{
    sgl_auto(sgl_buf) cell = SGL_BUF_INIT((size_t)1 << 20);

    for (size_t i = 0; i < LIST_MAX && i < (dkim ? r->dkims : r->spfs); i++) {
        sgl_buf_add_cstr(&cell, i == 0 ? "" : " ");
        sgl_buf_add(&cell, dkim ? r->dkim_result[i].domain : r->spf_result[i].domain);
        if (dkim && r->dkim_result[i].selector.len > 0) {
            sgl_buf_add_byte(&cell, '/');
            sgl_buf_add(&cell, r->dkim_result[i].selector);
        }
        sgl_buf_add_byte(&cell, '=');
        sgl_buf_add_cstr(
            &cell, sgl_dmarc_raw_name(dkim ? r->dkim_result[i].result : r->spf_result[i].result));
    }
    put(out, sgl_buf_view(&cell));
}

static void put_reasons(struct sgl_buf *out, const struct sgl_dmarc_report_record *r)
{
    sgl_auto(sgl_buf) cell = SGL_BUF_INIT((size_t)2 << 20);

    for (size_t i = 0; i < r->reasons; i++) {
        sgl_buf_add_cstr(&cell, i == 0 ? "" : "; ");
        sgl_buf_add_cstr(&cell, sgl_dmarc_override_name(r->reason[i].type));
        sgl_buf_add_cstr(&cell, r->reason[i].comment.len == 0 ? "" : ": ");
        sgl_buf_add(&cell, r->reason[i].comment);
    }
    transit_csv_put(out, sgl_buf_view(&cell), "\r\n");
}

void dmarc_record_csv(struct sgl_buf *out, const char *file, const struct sgl_dmarc_report_meta *m,
                      const struct sgl_dmarc_report_record *r)
{
    char ip[SGL_IP_TEXT_SIZE], count[24];

    put(out, sgl_view_cstr(file));
    put(out, m->org_name);
    put(out, m->report_id);
    put_time(out, m->begin);
    put_time(out, m->end);
    put(out, m->domain);
    put_word(out, sgl_dmarc_disposition_name(m->p));
    put(out, r->ip.version == 0 ? SGL_LIT("") : sgl_ip_text(&r->ip, ip));
    snprintf(count, sizeof count, "%llu", (unsigned long long)r->count);
    put_word(out, count);
    put_word(out, sgl_dmarc_disposition_name(r->disposition));
    put_word(out, sgl_dmarc_aligned_name(r->dkim));
    put_word(out, sgl_dmarc_aligned_name(r->spf));
    put(out, r->header_from);
    put(out, r->envelope_from);
    put(out, r->envelope_to);
    put_results(out, r, true);
    put_results(out, r, false);
    put_reasons(out, r);
}
