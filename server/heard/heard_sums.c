/* SPDX-License-Identifier: Apache-2.0 */
#include "heard_internal.h"

#include <stdlib.h>
#include <string.h>

#include "sigillo/ascii.h"
#include "sigillo/utf8.h"

#define TEXT_MAX  255
#define TEXTS_MAX ((size_t)16 << 20) /* of all names */
#define SLOTS     (DMARC_DAY_ROWS * 2 + 1)
#define RESULTS   256 /* sums without a name: combinations of disposition, DKIM and SPF are fewer */

struct heard_sums {
    struct dmarc_source row[DMARC_DAY_ROWS + RESULTS];
    uint16_t slot[SLOTS]; /* hash -> row + 1 */
    size_t rows;
    size_t named; /* rows that have a name, the first */
    uint64_t salt;
    struct sgl_arena names;
};

/* ---- texts ---- */

sgl_view heard_text(struct sgl_arena *arena, sgl_view text)
{
    sgl_view cut = sgl_view_sub(text, 0, TEXT_MAX);
    uint8_t *copy = sgl_arena_alloc(arena, cut.len);

    if (copy == NULL)
        return SGL_LIT("");
    memcpy(copy, cut.len == 0 ? (const uint8_t *)"" : cut.ptr, cut.len);
    while (cut.len > 0 && !sgl_utf8_valid(sgl_view_of(copy, cut.len)))
        cut.len--; /* it was cut within a character */
    for (size_t i = 0; i < cut.len; i++)
        if (sgl_ascii_is_control(copy[i]))
            copy[i] = '?';
    return sgl_view_of(copy, cut.len);
}

sgl_view heard_domain(struct sgl_arena *arena, sgl_view text)
{
    sgl_view cut = sgl_view_sub(text, 0, TEXT_MAX);
    uint8_t *copy = sgl_arena_alloc(arena, cut.len);

    if (copy == NULL)
        return SGL_LIT("");
    if (cut.len > 0 && cut.ptr[cut.len - 1] == '.')
        cut.len--;
    for (size_t i = 0; i < cut.len; i++)
        copy[i] = sgl_ascii_is_visible(cut.ptr[i]) ? sgl_ascii_lower(cut.ptr[i]) : '?';
    return sgl_view_of(copy, cut.len);
}

/* ---- sums ---- */

struct heard_sums *heard_sums_new(uint64_t salt)
{
    struct heard_sums *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->salt = salt;
    sgl_arena_init(&s->names, TEXTS_MAX);
    return s;
}

void heard_sums_free(struct heard_sums *s)
{
    if (s == NULL)
        return;
    sgl_arena_done(&s->names);
    free(s);
}

static const struct sgl_dmarc_report_dkim *telling(const struct sgl_dmarc_report_record *r)
{
    for (size_t i = 0; i < r->dkims; i++)
        if (r->dkim_result[i].result == SGL_DMARC_RAW_PASS)
            return &r->dkim_result[i];
    return r->dkims > 0 ? &r->dkim_result[0] : NULL;
}

/* Views of r, of `ip`, and of `names`. */
static struct dmarc_source row_of(const struct sgl_dmarc_report_record *r, sgl_view ip,
                                  struct sgl_arena *names)
{
    const struct sgl_dmarc_report_dkim *dkim = telling(r);
    struct dmarc_source row = {.source = ip,
                               .header_from = heard_domain(names, r->header_from),
                               .envelope_from = heard_domain(names, r->envelope_from),
                               .disposition = (uint8_t)r->disposition,
                               .dkim = (uint8_t)r->dkim,
                               .spf = (uint8_t)r->spf,
                               .messages = r->count};

    if (dkim != NULL) {
        row.dkim_domain = heard_domain(names, dkim->domain);
        row.dkim_selector = heard_domain(names, dkim->selector);
        row.dkim_result = (uint8_t)dkim->result;
    }
    if (r->spfs > 0) {
        row.spf_domain = heard_domain(names, r->spf_result[0].domain);
        row.spf_result = (uint8_t)r->spf_result[0].result;
    }
    if (r->reasons > 0)
        row.reason = (uint8_t)r->reason[0].type;
    return row;
}

static bool same_result(const struct dmarc_source *a, const struct dmarc_source *b)
{
    return a->disposition == b->disposition && a->dkim == b->dkim && a->spf == b->spf;
}

static bool same(const struct dmarc_source *a, const struct dmarc_source *b)
{
    return same_result(a, b) && a->dkim_result == b->dkim_result &&
           a->spf_result == b->spf_result && a->reason == b->reason &&
           sgl_view_eq(a->source, b->source) && sgl_view_eq(a->header_from, b->header_from) &&
           sgl_view_eq(a->envelope_from, b->envelope_from) &&
           sgl_view_eq(a->dkim_domain, b->dkim_domain) &&
           sgl_view_eq(a->dkim_selector, b->dkim_selector) &&
           sgl_view_eq(a->spf_domain, b->spf_domain);
}

static uint64_t mix(uint64_t hash, sgl_view text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ text.ptr[i]) * 1099511628211u;
    return (hash ^ hash >> 29) * 1099511628211u;
}

/* All that makes a row another one counts: whoever varies only what is left out has them all in one slot. */
size_t heard_sums_slot(const struct heard_sums *s, const struct dmarc_source *row)
{
    const uint8_t results[] = {row->disposition, row->dkim,       row->spf,
                               row->dkim_result, row->spf_result, row->reason};
    const sgl_view text[] = {row->source,      row->header_from,   row->envelope_from,
                             row->dkim_domain, row->dkim_selector, row->spf_domain};
    uint64_t hash = mix(s->salt, sgl_view_of(results, sizeof(results)));

    for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
        hash = mix(hash, text[i]);
    return (size_t)(hash % SLOTS);
}

static bool add_nameless(struct heard_sums *s, const struct dmarc_source *row)
{
    struct dmarc_source sum = {.disposition = row->disposition,
                               .dkim = row->dkim,
                               .spf = row->spf,
                               .messages = row->messages};

    for (size_t i = s->named; i < s->rows; i++)
        if (same_result(&s->row[i], row)) {
            s->row[i].messages += row->messages;
            return true;
        }
    if (s->rows - s->named == RESULTS)
        return false;
    s->row[s->rows++] = sum;
    return true;
}

/* Rows with a name stand before those without: one that comes later has no name. */
static bool has_room(const struct heard_sums *s)
{
    return s->named < DMARC_DAY_ROWS && s->rows == s->named && s->names.status == SGL_OK;
}

bool heard_sums_add(struct heard_sums *s, const struct sgl_dmarc_report_record *r)
{
    struct sgl_arena_mark mark = sgl_arena_mark(&s->names);
    char text[SGL_IP_TEXT_SIZE];
    struct dmarc_source row;
    size_t at;

    row = row_of(r, r->ip.version == 0 ? SGL_LIT("") : sgl_ip_text(&r->ip, text), &s->names);
    for (at = heard_sums_slot(s, &row); s->slot[at] != 0; at = (at + 1) % SLOTS)
        if (same(&s->row[s->slot[at] - 1], &row)) {
            s->row[s->slot[at] - 1].messages += r->count;
            sgl_arena_rewind(&s->names, mark);
            return true;
        }
    if (s->names.status == SGL_E_NOMEM)
        return false;
    if (!has_room(s) || sgl_arena_dup(&s->names, row.source, &row.source) != SGL_OK) {
        sgl_arena_rewind(&s->names, mark);
        return s->names.status != SGL_E_NOMEM && add_nameless(s, &row);
    }
    s->row[s->rows++] = row;
    s->named = s->rows;
    s->slot[at] = (uint16_t)s->rows;
    return true;
}

const struct dmarc_source *heard_sums_all(struct heard_sums *s, size_t *count)
{
    *count = s->rows;
    return s->row;
}
