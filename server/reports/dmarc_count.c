/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts of a row:
 *
 *   record     "v=DMARC1; p=reject; fo=1": without addresses
 *   evaluated  "reject fail pass", then a line for each reason: "local_policy", or "other" and its comment
 *   envelope   the domain of the sender; "<>": the null sender; empty: not told
 *   dkim       a line for each signature: "pass b.test s1", and why it did not pass
 *   spf        "pass b.test"
 */
#include "dmarc_count.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sigillo/ascii.h"
#include "sigillo/limits.h"
#include "sigillo/verdict.h"

#define TEXT_MAX ((size_t)2 << 10)
#define FO       SGL_LIT("; fo=") /* last in a record: it counts only where ruf= stands, too */

/* ---- of a message ---- */

static const struct {
    unsigned flag;
    const char *word;
} fo_word[] = {{SGL_DMARC_FO_ALL, "0"},
               {SGL_DMARC_FO_ANY, "1"},
               {SGL_DMARC_FO_DKIM, "d"},
               {SGL_DMARC_FO_SPF, "s"}};

static void put_fo(struct sgl_buf *out, unsigned fo)
{
    bool first = true;

    for (size_t i = 0; i < sizeof(fo_word) / sizeof(fo_word[0]); i++) {
        if ((fo & fo_word[i].flag) == 0)
            continue;
        sgl_buf_add_cstr(out, first ? "" : ":");
        sgl_buf_add_cstr(out, fo_word[i].word);
        first = false;
    }
}

static bool put_record(struct sgl_buf *out, const struct sgl_dmarc_record *record)
{
    struct sgl_dmarc_record bare = *record;

    bare.ruas = bare.rufs = 0;
    if (sgl_dmarc_put(&bare, out) != SGL_OK)
        return false;
    if (record->rufs > 0 && record->fo != SGL_DMARC_FO_ALL) {
        sgl_buf_add(out, FO);
        put_fo(out, record->fo);
    }
    return out->status == SGL_OK;
}

/* One line, printable; what the form gives a meaning is none. */
static void put_line(struct sgl_buf *out, sgl_view text, size_t max)
{
    for (size_t i = 0; i < text.len && i < max; i++)
        sgl_buf_add_byte(out, text.ptr[i] < ' ' || text.ptr[i] > '~' ? '?' : text.ptr[i]);
}

static enum sgl_dmarc_disposition asked_for(const struct sgl_dmarc *dmarc)
{
    switch (dmarc->requested) {
    case SGL_DMARC_QUARANTINE:
        return SGL_DMARC_DISPOSITION_QUARANTINE;
    case SGL_DMARC_REJECT:
        return SGL_DMARC_DISPOSITION_REJECT;
    case SGL_DMARC_POLICY_NONE:
        break;
    }
    return SGL_DMARC_DISPOSITION_NONE;
}

/* Without alignment, what was done and what is published differ only for a reason that is told. [RFC 9990 s3.1.1.7] */
static void put_evaluated(struct sgl_buf *out, const struct reports_judged *m)
{
    const struct sgl_dmarc *dmarc = &m->verdict->dmarc;
    bool differs = dmarc->result == SGL_DMARC_FAIL && m->disposition != asked_for(dmarc);

    sgl_buf_addf(out, "%s %s %s", sgl_dmarc_disposition_name(m->disposition),
                 dmarc->dkim_aligned ? "pass" : "fail", dmarc->spf_aligned ? "pass" : "fail");
    for (size_t i = 0; i < m->reasons && i < DMARC_REASONS; i++) {
        sgl_buf_addf(out, "\n%s", sgl_dmarc_override_name(m->reason[i].type));
        sgl_buf_add_cstr(out, m->reason[i].comment.len > 0 ? " " : "");
        put_line(out, m->reason[i].comment, DMARC_REASON_MAX);
    }
    if (differs && m->reasons == 0)
        sgl_buf_add_cstr(out, dmarc->tested ? "\npolicy_test_mode" : "\nlocal_policy");
}

/* The order in which signatures matter to the domain. [RFC 9990 s3.1.3] */
static int rank_of(const struct sgl_dkim_verdict *v, const struct sgl_dmarc *dmarc)
{
    sgl_view d = v->tags.domain, org = dmarc->org.text;
    size_t above = d.len > org.len ? d.len - org.len : 0;

    if (v->result != SGL_DKIM_PASS)
        return 3;
    if (sgl_view_eq_nocase(d, dmarc->author.text))
        return 0;
    if (org.len > 0 && sgl_view_eq_nocase(sgl_view_from(d, above), org) &&
        (above == 0 || d.ptr[above - 1] == '.'))
        return 1;
    return 2;
}

static void put_signature(struct sgl_buf *out, const struct sgl_dkim_verdict *v)
{
    char line[1024];
    int len = snprintf(line, sizeof(line), "%s%s %.*s %.*s%s%s", out->len == 0 ? "" : "\n",
                       sgl_dkim_result_name(v->result), SGL_FMT(v->tags.domain),
                       SGL_FMT(v->tags.selector), v->reason[0] == '\0' ? "" : " ", v->reason);

    if (len > 0 && (size_t)len < sizeof(line) && out->len + (size_t)len <= out->max)
        sgl_buf_add(out, sgl_view_of(line, (size_t)len));
}

/* Those that name nobody can't be told. */
static void put_signatures(struct sgl_buf *out, const struct sgl_verdict *verdict)
{
    size_t n = 0;

    for (int rank = 0; rank <= 3; rank++) {
        for (size_t i = 0; i < verdict->dkim.count && n < SGL_LIMIT_DMARC_REPORT_DKIM; i++) {
            const struct sgl_dkim_verdict *v = &verdict->dkim.item[i];

            if (rank_of(v, &verdict->dmarc) != rank ||
                !sgl_name_ok(v->tags.domain, SGL_NAME_UNDERSCORE) ||
                !sgl_name_ok(v->tags.selector, SGL_NAME_UNDERSCORE))
                continue;
            put_signature(out, v);
            n++;
        }
    }
}

static sgl_view lower(sgl_view domain, char out[256])
{
    if (!sgl_name_ok(domain, SGL_NAME_UNDERSCORE) || domain.len >= 256)
        return SGL_LIT("");
    for (size_t i = 0; i < domain.len; i++)
        out[i] = (char)sgl_ascii_lower(domain.ptr[i]);
    return sgl_view_of(out, domain.len);
}

static sgl_view sender_of(sgl_view sender, char out[256])
{
    size_t at = sender.len;

    if (sender.len == 0)
        return SGL_LIT("<>");
    while (at > 0 && sender.ptr[at - 1] != '@')
        at--;
    return at == 0 ? SGL_LIT("") : lower(sgl_view_from(sender, at), out);
}

/* Of the envelope's sender, or of HELO where there is none: the one that DMARC looks at. [RFC 7208 s2.4] */
static sgl_view spf_of(const struct sgl_verdict *verdict, char out[512])
{
    char domain[256];
    sgl_view d = verdict->spf_checked ? lower(verdict->spf.domain, domain) : SGL_LIT("");

    if (d.len == 0)
        return SGL_LIT("");
    snprintf(out, 512, "%s %.*s", sgl_spf_result_name(verdict->spf.result), SGL_FMT(d));
    return sgl_view_cstr(out);
}

/* A failed lookup says nothing, and the message comes again. */
static bool is_told(const struct reports_judged *m)
{
    const struct sgl_dmarc *dmarc = &m->verdict->dmarc;

    return !m->of_report && m->ip.version != 0 && m->disposition != SGL_DMARC_DISPOSITION_UNKNOWN &&
           dmarc->parsed.ruas > 0 && dmarc->policy_domain.text.len > 0 &&
           (dmarc->result == SGL_DMARC_PASS || dmarc->result == SGL_DMARC_FAIL);
}

bool dmarc_count(const struct reports_judged *m, struct dmarc_text *text, struct tally_count *out)
{
    const struct sgl_dmarc *dmarc = &m->verdict->dmarc;

    sgl_buf_init(&text->record, TEXT_MAX);
    sgl_buf_init(&text->evaluated, TEXT_MAX);
    sgl_buf_init(&text->dkim, DMARC_DKIM_MAX);
    if (!is_told(m) || !put_record(&text->record, &dmarc->parsed))
        return false;
    put_evaluated(&text->evaluated, m);
    put_signatures(&text->dkim, m->verdict);
    *out = (struct tally_count){.type = (uint8_t)dmarc->rules, .n = 1};
    out->text[0] = lower(dmarc->policy_domain.text, text->domain);
    out->text[1] = sgl_buf_view(&text->record);
    out->text[2] = sgl_ip_text(&m->ip, text->source);
    out->text[3] = sgl_buf_view(&text->evaluated);
    out->text[4] = lower(dmarc->author.text, text->author);
    out->text[5] = sender_of(m->sender, text->sender);
    out->text[6] = sgl_buf_view(&text->dkim);
    out->text[7] = spf_of(m->verdict, text->spf);
    return out->text[0].len > 0 && out->text[4].len > 0 && text->evaluated.status == SGL_OK &&
           text->dkim.status == SGL_OK;
}

void dmarc_text_done(struct dmarc_text *text)
{
    sgl_buf_done(&text->record);
    sgl_buf_done(&text->evaluated);
    sgl_buf_done(&text->dkim);
}

static void put_count(void *array, size_t i, const struct tally_count *c)
{
    ((struct dmarc_count *)array)[i] = (struct dmarc_count){.day = c->day,
                                                            .domain = c->text[0],
                                                            .rules = c->type,
                                                            .record = c->text[1],
                                                            .source = c->text[2],
                                                            .evaluated = c->text[3],
                                                            .header_from = c->text[4],
                                                            .envelope_from = c->text[5],
                                                            .dkim = c->text[6],
                                                            .spf = c->text[7],
                                                            .messages = c->n,
                                                            .due_at = c->due_at};
}

const struct tally_form dmarc_form = {
    .kept = 5, .size = sizeof(struct dmarc_count), .put = put_count};

/* ---- of a row ---- */

static int word_of(sgl_view word, const char *(*name)(int), int last)
{
    for (int i = 1; i <= last; i++)
        if (sgl_view_eq(word, sgl_view_cstr(name(i))))
            return i;
    return 0;
}

static const char *disposition_name(int i)
{
    return sgl_dmarc_disposition_name((enum sgl_dmarc_disposition)i);
}

static const char *aligned_name(int i)
{
    return sgl_dmarc_aligned_name((enum sgl_dmarc_aligned)i);
}

static const char *override_name(int i)
{
    return sgl_dmarc_override_name((enum sgl_dmarc_override)i);
}

static const char *raw_name(int i)
{
    return sgl_dmarc_raw_name((enum sgl_dmarc_raw)i);
}

static enum sgl_status read_evaluated(sgl_view text, struct sgl_arena *arena,
                                      struct sgl_dmarc_report_record *out)
{
    struct sgl_dmarc_report_reason *reason =
        SGL_NEW_N(arena, DMARC_REASONS + 1, struct sgl_dmarc_report_reason);
    sgl_view rest, line = sgl_view_split(text, '\n', &rest), word;

    if (reason == NULL)
        return arena->status;
    out->disposition = (enum sgl_dmarc_disposition)word_of(
        sgl_view_split(line, ' ', &word), disposition_name, SGL_DMARC_DISPOSITION_REJECT);
    out->dkim = (enum sgl_dmarc_aligned)word_of(sgl_view_split(word, ' ', &word), aligned_name,
                                                SGL_DMARC_ALIGNED_FAIL);
    out->spf = (enum sgl_dmarc_aligned)word_of(word, aligned_name, SGL_DMARC_ALIGNED_FAIL);
    out->reason = reason;
    while (rest.ptr != NULL && out->reasons < DMARC_REASONS) {
        line = sgl_view_split(rest, '\n', &rest);
        reason[out->reasons].type = (enum sgl_dmarc_override)word_of(
            sgl_view_split(line, ' ', &line), override_name, SGL_DMARC_OVERRIDE_TRUSTED_FORWARDER);
        reason[out->reasons++].comment = line;
    }
    return SGL_OK;
}

static enum sgl_status read_dkim(sgl_view text, struct sgl_arena *arena,
                                 struct sgl_dmarc_report_record *out)
{
    struct sgl_dmarc_report_dkim *dkim;
    sgl_view rest = text;

    if (text.len == 0)
        return SGL_OK;
    dkim = SGL_NEW_N(arena, SGL_LIMIT_DMARC_REPORT_DKIM, struct sgl_dmarc_report_dkim);
    if (dkim == NULL)
        return arena->status;
    out->dkim_result = dkim;
    while (rest.ptr != NULL && out->dkims < SGL_LIMIT_DMARC_REPORT_DKIM) {
        sgl_view line = sgl_view_split(rest, '\n', &rest);
        struct sgl_dmarc_report_dkim *d = &dkim[out->dkims++];

        d->result = (enum sgl_dmarc_raw)word_of(sgl_view_split(line, ' ', &line), raw_name,
                                                SGL_DMARC_RAW_PERMERROR);
        d->domain = sgl_view_split(line, ' ', &line);
        d->selector = sgl_view_split(line, ' ', &line);
        d->human = line;
    }
    return SGL_OK;
}

static enum sgl_status read_spf(sgl_view text, struct sgl_arena *arena,
                                struct sgl_dmarc_report_record *out)
{
    struct sgl_dmarc_report_spf *spf;
    sgl_view domain;

    if (text.len == 0)
        return SGL_OK;
    out->spf_result = spf = SGL_NEW_N(arena, 1, struct sgl_dmarc_report_spf);
    if (spf == NULL)
        return arena->status;
    out->spfs = 1;
    spf->result = (enum sgl_dmarc_raw)word_of(sgl_view_split(text, ' ', &domain), raw_name,
                                              SGL_DMARC_RAW_PERMERROR);
    spf->scope = SGL_DMARC_SCOPE_MFROM;
    spf->domain = domain;
    return SGL_OK;
}

enum sgl_status dmarc_row_record(const struct dmarc_row *row, struct sgl_arena *arena,
                                 struct sgl_dmarc_report_record *out)
{
    bool nobody = sgl_view_eq(row->envelope_from, SGL_LIT("<>"));

    *out = (struct sgl_dmarc_report_record){.count = row->messages,
                                            .header_from = row->header_from,
                                            .has_envelope_from = row->envelope_from.len > 0};
    if (sgl_ip_parse(row->source, &out->ip) != SGL_OK)
        return SGL_E_SYNTAX;
    if (!nobody)
        out->envelope_from = row->envelope_from;
    SGL_TRY(read_evaluated(row->evaluated, arena, out));
    SGL_TRY(read_dkim(row->dkim, arena, out));
    return read_spf(row->spf, arena, out);
}

static enum sgl_dmarc_disposition of_policy(enum sgl_dmarc_policy policy)
{
    return asked_for(&(struct sgl_dmarc){.requested = policy});
}

/* What is not published has its default. [RFC 9990 s3.1.1.5] */
enum sgl_status dmarc_row_policy(const struct dmarc_row *row, struct sgl_arena *arena,
                                 struct sgl_dmarc_report_meta *out)
{
    struct sgl_dmarc_record r;
    sgl_view text;
    size_t fo;

    SGL_TRY(sgl_arena_dup(arena, row->record, &text));
    SGL_TRY(sgl_dmarc_parse(text, arena, &r, NULL));
    fo = sgl_view_find_view(text, FO);
    out->fo = fo == text.len ? SGL_LIT("0") : sgl_view_from(text, fo + FO.len);
    out->discovery =
        row->rules == SGL_DMARC_RFC7489 ? SGL_DMARC_DISCOVERY_PSL : SGL_DMARC_DISCOVERY_TREEWALK;
    out->p = of_policy(r.has_p ? r.p : SGL_DMARC_POLICY_NONE);
    out->sp = r.has_sp ? of_policy(r.sp) : out->p;
    out->np = r.has_np ? of_policy(r.np) : out->sp;
    out->adkim = r.strict_dkim ? SGL_DMARC_MODE_STRICT : SGL_DMARC_MODE_RELAXED;
    out->aspf = r.strict_spf ? SGL_DMARC_MODE_STRICT : SGL_DMARC_MODE_RELAXED;
    out->testing = r.test ? SGL_DMARC_TESTING_YES : SGL_DMARC_TESTING_NO;
    return SGL_OK;
}
