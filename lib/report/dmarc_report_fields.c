/* SPDX-License-Identifier: Apache-2.0 */
/* The elements of an aggregate report: where each stands, and what its text says.  [RFC 9990 s3.1.1] */
#include "dmarc_report_internal.h"

#include "sigillo/banned.h"

static const struct known {
    uint8_t parent, is;
    const char *name;
} elements[] = {
    {DOCUMENT, FEEDBACK, "feedback"},
    {FEEDBACK, RECORD, "record"},
    {FEEDBACK, METADATA, "report_metadata"},
    {FEEDBACK, PUBLISHED, "policy_published"},
    {FEEDBACK, PASSED_OVER, "version"},
    {METADATA, ORG_NAME, "org_name"},
    {METADATA, EMAIL, "email"},
    {METADATA, EXTRA_CONTACT, "extra_contact_info"},
    {METADATA, REPORT_ID, "report_id"},
    {METADATA, RANGE, "date_range"},
    {METADATA, ERROR_TEXT, "error"},
    {METADATA, GENERATOR, "generator"},
    {RANGE, BEGIN, "begin"},
    {RANGE, END, "end"},
    {PUBLISHED, DOMAIN, "domain"},
    {PUBLISHED, DISCOVERY, "discovery_method"},
    {PUBLISHED, P, "p"},
    {PUBLISHED, SP, "sp"},
    {PUBLISHED, NP, "np"},
    {PUBLISHED, FO, "fo"},
    {PUBLISHED, ADKIM, "adkim"},
    {PUBLISHED, ASPF, "aspf"},
    {PUBLISHED, TESTING, "testing"},
    {PUBLISHED, PASSED_OVER, "pct"},
    {RECORD, ROW, "row"},
    {RECORD, IDENTIFIERS, "identifiers"},
    {RECORD, IDENTIFIERS, "identities"},
    {RECORD, RESULTS, "auth_results"},
    {ROW, SOURCE_IP, "source_ip"},
    {ROW, COUNT, "count"},
    {ROW, EVALUATED, "policy_evaluated"},
    {EVALUATED, DISPOSITION, "disposition"},
    {EVALUATED, ALIGNED_DKIM, "dkim"},
    {EVALUATED, ALIGNED_SPF, "spf"},
    {EVALUATED, REASON, "reason"},
    {REASON, REASON_TYPE, "type"},
    {REASON, REASON_COMMENT, "comment"},
    {IDENTIFIERS, HEADER_FROM, "header_from"},
    {IDENTIFIERS, ENVELOPE_FROM, "envelope_from"},
    {IDENTIFIERS, ENVELOPE_TO, "envelope_to"},
    {RESULTS, DKIM, "dkim"},
    {RESULTS, SPF, "spf"},
    {DKIM, DKIM_DOMAIN, "domain"},
    {DKIM, DKIM_SELECTOR, "selector"},
    {DKIM, DKIM_RESULT, "result"},
    {DKIM, DKIM_HUMAN, "human_result"},
    {SPF, SPF_DOMAIN, "domain"},
    {SPF, SPF_SCOPE, "scope"},
    {SPF, SPF_RESULT, "result"},
    {SPF, SPF_HUMAN, "human_result"},
};

enum element sgl_dmarc_reader_find(enum element parent, sgl_view name)
{
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++)
        if (elements[i].parent == parent &&
            sgl_view_eq_nocase(name, sgl_view_cstr(elements[i].name)))
            return (enum element)elements[i].is;
    return OTHER;
}

/* ---- their beginning ---- */

static void begin_record(struct sgl_dmarc_report_reader *r)
{
    sgl_arena_reset(&r->record_texts);
    r->record = (struct sgl_dmarc_report_record){.dkim = SGL_DMARC_ALIGNED_UNKNOWN};
    r->has_count = false;
    if (r->sum.records == SGL_LIMIT_DMARC_REPORT_RECORDS)
        sgl_dmarc_reader_stop(r, SGL_E_LIMIT, "it has more than a million records");
}

static bool add_reason(struct sgl_dmarc_report_reader *r)
{
    if (r->record.reasons == SGL_LIMIT_DMARC_REPORT_REASONS)
        return false;
    r->reason[r->record.reasons++] = (struct sgl_dmarc_report_reason){.comment = {NULL, 0}};
    r->record.reason = r->reason;
    return true;
}

static bool add_dkim(struct sgl_dmarc_report_reader *r)
{
    if (r->record.dkims == SGL_LIMIT_DMARC_REPORT_DKIM)
        return false;
    r->dkim[r->record.dkims++] = (struct sgl_dmarc_report_dkim){.human = {NULL, 0}};
    r->record.dkim_result = r->dkim;
    return true;
}

static bool add_spf(struct sgl_dmarc_report_reader *r)
{
    if (r->record.spfs == SGL_LIMIT_DMARC_REPORT_SPF)
        return false;
    r->spf[r->record.spfs++] = (struct sgl_dmarc_report_spf){.human = {NULL, 0}};
    r->record.spf_result = r->spf;
    return true;
}

/* OTHER where its list is full: what is in it is passed over then. */
enum element sgl_dmarc_reader_begin(struct sgl_dmarc_report_reader *r, enum element is)
{
    bool room = true;

    if (is == RECORD)
        begin_record(r);
    else if (is == REASON)
        room = add_reason(r);
    else if (is == DKIM)
        room = add_dkim(r);
    else if (is == SPF)
        room = add_spf(r);
    sgl_dmarc_reader_odd(r, !room, SGL_DMARC_REPORT_MANY);
    return room ? is : OTHER;
}

/* ---- their end ---- */

static void keep(struct sgl_dmarc_report_reader *r, struct sgl_arena *arena, sgl_view text,
                 sgl_view *out)
{
    enum sgl_status status;

    if (text.len == 0 || out->len > 0) /* the first counts */
        return;
    status = sgl_arena_dup(arena, text, out);
    if (status != SGL_OK)
        sgl_dmarc_reader_stop(
            r, status, status == SGL_E_NOMEM ? "out of memory" : "a record has too much text");
}

static void end_metadata(struct sgl_dmarc_report_reader *r, enum element is, sgl_view text)
{
    struct sgl_dmarc_report_meta *m = &r->meta;
    bool strange = false;

    if (is == ORG_NAME)
        keep(r, &r->meta_texts, text, &m->org_name);
    else if (is == EMAIL)
        keep(r, &r->meta_texts, text, &m->email);
    else if (is == EXTRA_CONTACT)
        keep(r, &r->meta_texts, text, &m->extra_contact);
    else if (is == REPORT_ID)
        keep(r, &r->meta_texts, text, &m->report_id);
    else if (is == ERROR_TEXT)
        keep(r, &r->meta_texts, text, &m->error);
    else if (is == GENERATOR)
        keep(r, &r->meta_texts, text, &m->generator);
    else if (is == BEGIN)
        m->begin = sgl_dmarc_read_time(text, &strange);
    else if (is == END)
        m->end = sgl_dmarc_read_time(text, &strange);
    sgl_dmarc_reader_odd(r, strange, SGL_DMARC_REPORT_DATE);
}

static void end_published(struct sgl_dmarc_report_reader *r, enum element is, sgl_view text)
{
    struct sgl_dmarc_report_meta *m = &r->meta;
    bool strange = false;

    if (is == DOMAIN)
        keep(r, &r->meta_texts, text, &m->domain);
    else if (is == FO)
        keep(r, &r->meta_texts, text, &m->fo);
    else if (is == DISCOVERY)
        m->discovery = sgl_dmarc_read_discovery(text, &strange);
    else if (is == P)
        m->p = sgl_dmarc_read_disposition(text, &strange);
    else if (is == SP)
        m->sp = sgl_dmarc_read_disposition(text, &strange);
    else if (is == NP)
        m->np = sgl_dmarc_read_disposition(text, &strange);
    else if (is == ADKIM)
        m->adkim = sgl_dmarc_read_mode(text, &strange);
    else if (is == ASPF)
        m->aspf = sgl_dmarc_read_mode(text, &strange);
    else if (is == TESTING)
        m->testing = sgl_dmarc_read_testing(text, &strange);
    sgl_dmarc_reader_odd(r, strange, SGL_DMARC_REPORT_POLICY);
}

static void end_row(struct sgl_dmarc_report_reader *r, enum element is, sgl_view text)
{
    struct sgl_dmarc_report_record *c = &r->record;
    struct sgl_dmarc_report_reason *reason = c->reasons > 0 ? &r->reason[c->reasons - 1] : NULL;
    bool strange = false, no_number = false;

    if (is == SOURCE_IP)
        c->ip = sgl_dmarc_read_ip(text, &(bool){false});
    else if (is == COUNT) {
        c->count = sgl_dmarc_read_count(text, &no_number);
        r->has_count = true;
    } else if (is == DISPOSITION)
        c->disposition = sgl_dmarc_read_disposition(text, &strange);
    else if (is == ALIGNED_DKIM)
        c->dkim = sgl_dmarc_read_aligned(text, &strange);
    else if (is == ALIGNED_SPF)
        c->spf = sgl_dmarc_read_aligned(text, &strange);
    else if (is == REASON_TYPE)
        reason->type = sgl_dmarc_read_override(text, &strange);
    else if (is == REASON_COMMENT)
        keep(r, &r->record_texts, text, &reason->comment);
    sgl_dmarc_reader_odd(r, strange, SGL_DMARC_REPORT_WORD);
    sgl_dmarc_reader_odd(r, no_number, SGL_DMARC_REPORT_COUNT);
}

static void end_identifiers(struct sgl_dmarc_report_reader *r, enum element is, sgl_view text)
{
    struct sgl_dmarc_report_record *c = &r->record;

    if (is == HEADER_FROM)
        keep(r, &r->record_texts, text, &c->header_from);
    else if (is == ENVELOPE_TO)
        keep(r, &r->record_texts, text, &c->envelope_to);
    else if (is == ENVELOPE_FROM) {
        c->has_envelope_from = true;
        keep(r, &r->record_texts, text, &c->envelope_from);
    }
}

static void end_dkim(struct sgl_dmarc_report_reader *r, enum element is, sgl_view text)
{
    struct sgl_dmarc_report_dkim *d = &r->dkim[r->record.dkims - 1];
    bool strange = false;

    if (is == DKIM_DOMAIN)
        keep(r, &r->record_texts, text, &d->domain);
    else if (is == DKIM_SELECTOR)
        keep(r, &r->record_texts, text, &d->selector);
    else if (is == DKIM_HUMAN)
        keep(r, &r->record_texts, text, &d->human);
    else if (is == DKIM_RESULT)
        d->result = sgl_dmarc_read_raw(text, &strange);
    sgl_dmarc_reader_odd(r, strange, SGL_DMARC_REPORT_WORD);
}

static void end_spf(struct sgl_dmarc_report_reader *r, enum element is, sgl_view text)
{
    struct sgl_dmarc_report_spf *s = &r->spf[r->record.spfs - 1];
    bool strange = false;

    if (is == SPF_DOMAIN)
        keep(r, &r->record_texts, text, &s->domain);
    else if (is == SPF_HUMAN)
        keep(r, &r->record_texts, text, &s->human);
    else if (is == SPF_SCOPE)
        s->scope = sgl_dmarc_read_scope(text, &strange);
    else if (is == SPF_RESULT)
        s->result = sgl_dmarc_read_raw(text, &strange);
    sgl_dmarc_reader_odd(r, strange, SGL_DMARC_REPORT_WORD);
}

static void end_leaf(struct sgl_dmarc_report_reader *r, enum element parent, enum element is)
{
    sgl_view text = sgl_view_trim(sgl_buf_view(&r->text));

    if (parent == METADATA || parent == RANGE)
        end_metadata(r, is, text);
    else if (parent == PUBLISHED)
        end_published(r, is, text);
    else if (parent == ROW || parent == EVALUATED || parent == REASON)
        end_row(r, is, text);
    else if (parent == IDENTIFIERS)
        end_identifiers(r, is, text);
    else if (parent == DKIM)
        end_dkim(r, is, text);
    else if (parent == SPF)
        end_spf(r, is, text);
}

static void end_record(struct sgl_dmarc_report_reader *r)
{
    struct sgl_dmarc_report_record *c = &r->record;

    r->sum.records++;
    r->sum.messages += c->count;
    sgl_dmarc_reader_odd(r, c->ip.version == 0, SGL_DMARC_REPORT_IP);
    sgl_dmarc_reader_odd(r, !r->has_count, SGL_DMARC_REPORT_COUNT);
    sgl_dmarc_reader_odd(r, c->header_from.len == 0, SGL_DMARC_REPORT_NO_FROM);
    if (!r->sink.record(r->sink.ctx, &r->meta, c))
        sgl_dmarc_reader_stop(r, SGL_E_LIMIT, "no more of it is wanted");
}

/* One that says nothing. */
static bool is_empty(const struct sgl_dmarc_report_reason *reason)
{
    return reason->type == SGL_DMARC_OVERRIDE_UNKNOWN && reason->comment.len == 0;
}

void sgl_dmarc_reader_end_of(struct sgl_dmarc_report_reader *r, enum element parent,
                             enum element is)
{
    if (is > LEAF)
        end_leaf(r, parent, is);
    else if (is == REASON && is_empty(&r->reason[r->record.reasons - 1]))
        r->record.reasons--;
    else if (is == RECORD)
        end_record(r);
}
