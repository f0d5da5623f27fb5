/* SPDX-License-Identifier: Apache-2.0 */
/* A DMARC aggregate report as XML, piece by piece.  [RFC 9990 s3.1.1] */
#include "sigillo/dmarc_report.h"
#include "sigillo/dns_name.h"
#include "sigillo/limits.h"
#include "sigillo/utf8.h"

#include "report_mail_internal.h"

#include "sigillo/banned.h"

/* ---- what a report must have ---- */

static bool meta_ok(const struct sgl_dmarc_report_meta *m)
{
    return m->org_name.len > 0 && sgl_report_address_ok(m->email) &&
           sgl_report_id_ok(m->report_id) && m->begin >= 0 && m->end >= m->begin &&
           sgl_name_ok(m->domain, SGL_NAME_UNDERSCORE) && m->p != SGL_DMARC_DISPOSITION_UNKNOWN &&
           m->p != SGL_DMARC_DISPOSITION_PASS && m->sp != SGL_DMARC_DISPOSITION_PASS &&
           m->np != SGL_DMARC_DISPOSITION_PASS;
}

static bool results_ok(const struct sgl_dmarc_report_record *r)
{
    for (size_t i = 0; i < r->dkims; i++)
        if (r->dkim_result[i].domain.len == 0 ||
            r->dkim_result[i].result == SGL_DMARC_RAW_UNKNOWN ||
            r->dkim_result[i].result == SGL_DMARC_RAW_SOFTFAIL)
            return false;
    for (size_t i = 0; i < r->spfs; i++)
        if (r->spf_result[i].domain.len == 0 || r->spf_result[i].scope == SGL_DMARC_SCOPE_HELO ||
            r->spf_result[i].result == SGL_DMARC_RAW_UNKNOWN)
            return false;
    return r->spfs <= 1;
}

/* Words of RFC 7489 alone are read, and not written. */
static bool record_ok(const struct sgl_dmarc_report_record *r)
{
    for (size_t i = 0; i < r->reasons; i++)
        if (r->reason[i].type == SGL_DMARC_OVERRIDE_UNKNOWN ||
            r->reason[i].type > SGL_DMARC_OVERRIDE_TRUSTED_FORWARDER)
            return false;
    return r->ip.version != 0 && r->count > 0 && r->disposition != SGL_DMARC_DISPOSITION_UNKNOWN &&
           r->dkim != SGL_DMARC_ALIGNED_UNKNOWN && r->spf != SGL_DMARC_ALIGNED_UNKNOWN &&
           r->header_from.len > 0 && results_ok(r);
}

/* ---- XML ---- */

/* What no XML may have, not even as a reference, and what means nothing to anybody. [XML 1.0 s2.2] */
static bool is_refused(uint32_t code)
{
    return (code < ' ' && code != '\t' && code != '\n' && code != '\r') ||
           (code >= 0x7f && code < 0xa0) || (code >= 0xfdd0 && code <= 0xfdef) ||
           (code & 0xfffe) == 0xfffe;
}

static void put_character(struct sgl_buf *out, sgl_view character, uint32_t code)
{
    if (is_refused(code))
        sgl_buf_add(out, SGL_LIT("\xef\xbf\xbd"));
    else if (code == '<')
        sgl_buf_add(out, SGL_LIT("&lt;"));
    else if (code == '>')
        sgl_buf_add(out, SGL_LIT("&gt;"));
    else if (code == '&')
        sgl_buf_add(out, SGL_LIT("&amp;"));
    else if (code == '"')
        sgl_buf_add(out, SGL_LIT("&quot;"));
    else if (code < ' ')
        sgl_buf_addf(out, "&#%u;", (unsigned)code);
    else
        sgl_buf_add(out, character);
}

static void put_text(struct sgl_buf *out, sgl_view v)
{
    uint32_t code = 0;

    for (size_t i = 0, n; i < v.len; i += n) {
        n = sgl_utf8_next(v, i, &code);
        if (n == 0)
            code = 0;
        n = n == 0 ? 1 : n;
        put_character(out, sgl_view_sub(v, i, n), code);
    }
}

static void put_indent(struct sgl_buf *out, int depth)
{
    for (int i = 0; i < depth; i++)
        sgl_buf_add(out, SGL_LIT("  "));
}

static void put_element(struct sgl_buf *out, int depth, const char *name, sgl_view text)
{
    put_indent(out, depth);
    sgl_buf_addf(out, "<%s>", name);
    put_text(out, text);
    sgl_buf_addf(out, "</%s>\n", name);
}

static void put_told(struct sgl_buf *out, int depth, const char *name, sgl_view text)
{
    if (text.len > 0)
        put_element(out, depth, name, text);
}

static void put_word(struct sgl_buf *out, int depth, const char *name, const char *word)
{
    put_told(out, depth, name, sgl_view_cstr(word));
}

static void put_number(struct sgl_buf *out, int depth, const char *name, uint64_t n)
{
    put_indent(out, depth);
    sgl_buf_addf(out, "<%s>", name);
    sgl_buf_add_u64(out, n);
    sgl_buf_addf(out, "</%s>\n", name);
}

static void put_tag(struct sgl_buf *out, int depth, const char *tag)
{
    put_indent(out, depth);
    sgl_buf_addf(out, "<%s>\n", tag);
}

/* ---- the report ---- */

static const char *mode_word(enum sgl_dmarc_mode mode)
{
    switch (mode) {
    case SGL_DMARC_MODE_RELAXED:
        return "r";
    case SGL_DMARC_MODE_STRICT:
        return "s";
    case SGL_DMARC_MODE_UNKNOWN:
        break;
    }
    return "";
}

static const char *testing_word(enum sgl_dmarc_testing testing)
{
    switch (testing) {
    case SGL_DMARC_TESTING_NO:
        return "n";
    case SGL_DMARC_TESTING_YES:
        return "y";
    case SGL_DMARC_TESTING_UNKNOWN:
        break;
    }
    return "";
}

static void put_metadata(struct sgl_buf *out, const struct sgl_dmarc_report_meta *m)
{
    put_tag(out, 1, "report_metadata");
    put_element(out, 2, "org_name", m->org_name);
    put_element(out, 2, "email", m->email);
    put_told(out, 2, "extra_contact_info", m->extra_contact);
    put_element(out, 2, "report_id", m->report_id);
    put_tag(out, 2, "date_range");
    put_number(out, 3, "begin", (uint64_t)m->begin);
    put_number(out, 3, "end", (uint64_t)m->end);
    put_tag(out, 2, "/date_range");
    put_told(out, 2, "error", m->error);
    put_told(out, 2, "generator", m->generator);
    put_tag(out, 1, "/report_metadata");
}

static void put_published(struct sgl_buf *out, const struct sgl_dmarc_report_meta *m)
{
    put_tag(out, 1, "policy_published");
    put_element(out, 2, "domain", m->domain);
    put_word(out, 2, "discovery_method", sgl_dmarc_discovery_name(m->discovery));
    put_word(out, 2, "p", sgl_dmarc_disposition_name(m->p));
    put_word(out, 2, "sp", sgl_dmarc_disposition_name(m->sp));
    put_word(out, 2, "np", sgl_dmarc_disposition_name(m->np));
    put_told(out, 2, "fo", m->fo);
    put_word(out, 2, "adkim", mode_word(m->adkim));
    put_word(out, 2, "aspf", mode_word(m->aspf));
    put_word(out, 2, "testing", testing_word(m->testing));
    put_tag(out, 1, "/policy_published");
}

static void put_row(struct sgl_buf *out, const struct sgl_dmarc_report_record *r)
{
    char ip[SGL_IP_TEXT_SIZE];

    put_tag(out, 2, "row");
    put_element(out, 3, "source_ip", sgl_ip_text(&r->ip, ip));
    put_number(out, 3, "count", r->count);
    put_tag(out, 3, "policy_evaluated");
    put_word(out, 4, "disposition", sgl_dmarc_disposition_name(r->disposition));
    put_word(out, 4, "dkim", sgl_dmarc_aligned_name(r->dkim));
    put_word(out, 4, "spf", sgl_dmarc_aligned_name(r->spf));
    for (size_t i = 0; i < r->reasons; i++) {
        put_tag(out, 4, "reason");
        put_word(out, 5, "type", sgl_dmarc_override_name(r->reason[i].type));
        put_told(out, 5, "comment", r->reason[i].comment);
        put_tag(out, 4, "/reason");
    }
    put_tag(out, 3, "/policy_evaluated");
    put_tag(out, 2, "/row");
}

static void put_identifiers(struct sgl_buf *out, const struct sgl_dmarc_report_record *r)
{
    put_tag(out, 2, "identifiers");
    put_element(out, 3, "header_from", r->header_from);
    if (r->has_envelope_from)
        put_element(out, 3, "envelope_from", r->envelope_from);
    put_told(out, 3, "envelope_to", r->envelope_to);
    put_tag(out, 2, "/identifiers");
}

/* The order of signatures is the caller's. [RFC 9990 s3.1.3] */
static void put_results(struct sgl_buf *out, const struct sgl_dmarc_report_record *r)
{
    put_tag(out, 2, "auth_results");
    for (size_t i = 0; i < r->dkims && i < SGL_LIMIT_DMARC_REPORT_DKIM; i++) {
        const struct sgl_dmarc_report_dkim *d = &r->dkim_result[i];

        put_tag(out, 3, "dkim");
        put_element(out, 4, "domain", d->domain);
        put_element(out, 4, "selector", d->selector);
        put_word(out, 4, "result", sgl_dmarc_raw_name(d->result));
        put_told(out, 4, "human_result", d->human);
        put_tag(out, 3, "/dkim");
    }
    for (size_t i = 0; i < r->spfs; i++) {
        put_tag(out, 3, "spf");
        put_element(out, 4, "domain", r->spf_result[i].domain);
        if (r->spf_result[i].scope == SGL_DMARC_SCOPE_MFROM)
            put_word(out, 4, "scope", "mfrom");
        put_word(out, 4, "result", sgl_dmarc_raw_name(r->spf_result[i].result));
        put_told(out, 4, "human_result", r->spf_result[i].human);
        put_tag(out, 3, "/spf");
    }
    put_tag(out, 2, "/auth_results");
}

enum sgl_status sgl_dmarc_report_put_begin(const struct sgl_dmarc_report_meta *meta,
                                           struct sgl_buf *out)
{
    size_t before = out->len;

    if (!meta_ok(meta))
        return SGL_E_MISUSE;
    sgl_buf_add(out, SGL_LIT("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                             "<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">\n"
                             "  <version>1.0</version>\n"));
    put_metadata(out, meta);
    put_published(out, meta);
    return sgl_report_end_of(out, before);
}

enum sgl_status sgl_dmarc_report_put_record(const struct sgl_dmarc_report_record *record,
                                            struct sgl_buf *out)
{
    size_t before = out->len;

    if (!record_ok(record))
        return SGL_E_MISUSE;
    put_tag(out, 1, "record");
    put_row(out, record);
    put_identifiers(out, record);
    put_results(out, record);
    put_tag(out, 1, "/record");
    return sgl_report_end_of(out, before);
}

enum sgl_status sgl_dmarc_report_put_end(struct sgl_buf *out)
{
    size_t before = out->len;

    sgl_buf_add(out, SGL_LIT("</feedback>\n"));
    return sgl_report_end_of(out, before);
}
