/* SPDX-License-Identifier: Apache-2.0 */
/* Records of aggregate reports, summed up by source and result in memory that has an end. */
#include <stdlib.h>
#include <string.h>

#include "dmarc_report.h"

#define SLOTS (DMARC_ROWS_MAX * 2 + 1)

/* ---- cells ---- */

/* Foreign bytes: what a terminal would not show as it is becomes "?". */
static void put_cell(char *out, size_t size, const char *before, sgl_view text)
{
    size_t n = 0;

    for (; before[n] != '\0' && n < size - 1; n++)
        out[n] = before[n];
    for (size_t i = 0; i < text.len && n < size - 1; i++)
        out[n++] = (char)(text.ptr[i] > ' ' && text.ptr[i] < 0x7f ? text.ptr[i] : '?');
    out[n] = '\0';
}

static void put_said(char out[DMARC_CELL_SIZE], enum sgl_dmarc_raw result, sgl_view domain)
{
    const char *name = sgl_dmarc_raw_name(result);
    char before[16];

    snprintf(before, sizeof before, "%s%s", name[0] == '\0' ? "unknown" : name,
             domain.len > 0 ? ": " : "");
    put_cell(out, DMARC_CELL_SIZE, before, domain);
}

void dmarc_dkim_cell(const struct sgl_dmarc_report_record *r, char out[DMARC_CELL_SIZE])
{
    const struct sgl_dmarc_report_dkim *said = r->dkims > 0 ? r->dkim_result : NULL;

    if (r->dkim == SGL_DMARC_ALIGNED_PASS || said == NULL) {
        put_cell(out, DMARC_CELL_SIZE, r->dkim == SGL_DMARC_ALIGNED_PASS ? "pass" : "none",
                 SGL_LIT(""));
        return;
    }
    for (size_t i = 0; i < r->dkims; i++)
        if (r->dkim_result[i].result == SGL_DMARC_RAW_PASS) {
            said = &r->dkim_result[i];
            break;
        }
    put_said(out, said->result, said->domain);
}

void dmarc_spf_cell(const struct sgl_dmarc_report_record *r, char out[DMARC_CELL_SIZE])
{
    if (r->spf == SGL_DMARC_ALIGNED_PASS || r->spfs == 0)
        put_cell(out, DMARC_CELL_SIZE, r->spf == SGL_DMARC_ALIGNED_PASS ? "pass" : "none",
                 SGL_LIT(""));
    else
        put_said(out, r->spf_result[0].result, r->spf_result[0].domain);
}

static void fill(struct dmarc_row *row, const struct sgl_dmarc_report_record *r)
{
    *row = (struct dmarc_row){.ip = r->ip};
    row->passed = r->dkim == SGL_DMARC_ALIGNED_PASS || r->spf == SGL_DMARC_ALIGNED_PASS;
    put_cell(row->disposition, sizeof row->disposition, sgl_dmarc_disposition_name(r->disposition),
             SGL_LIT(""));
    dmarc_dkim_cell(r, row->dkim);
    dmarc_spf_cell(r, row->spf);
    put_cell(row->from, sizeof row->from, "", r->header_from);
    if (r->reasons > 0)
        put_cell(row->why, sizeof row->why, sgl_dmarc_override_name(r->reason[0].type),
                 SGL_LIT(""));
}

/* ---- the table ---- */

void dmarc_sum_init(struct dmarc_sum *s, uint64_t salt)
{
    *s = (struct dmarc_sum){.salt = salt};
}

void dmarc_sum_done(struct dmarc_sum *s)
{
    free(s->row);
    free(s->slot);
    *s = (struct dmarc_sum){.salt = 0};
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
    const uint8_t *b = bytes;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ b[i]) * 1099511628211u;
    return hash ^ hash >> 29;
}

static uint64_t hash_of(const struct dmarc_sum *s, const struct dmarc_row *row)
{
    uint64_t hash = mix(s->salt, row->ip.bytes, sizeof row->ip.bytes);

    hash = mix(hash, row->dkim, strlen(row->dkim));
    hash = mix(hash, row->spf, strlen(row->spf));
    hash = mix(hash, row->from, strlen(row->from));
    return mix(hash, row->disposition, strlen(row->disposition));
}

static bool is_same(const struct dmarc_row *a, const struct dmarc_row *b)
{
    return sgl_ip_eq(&a->ip, &b->ip) && a->passed == b->passed && strcmp(a->dkim, b->dkim) == 0 &&
           strcmp(a->spf, b->spf) == 0 && strcmp(a->from, b->from) == 0 &&
           strcmp(a->disposition, b->disposition) == 0 && strcmp(a->why, b->why) == 0;
}

static bool grow(struct dmarc_sum *s)
{
    size_t room = s->room == 0 ? 64 : s->room * 2;
    struct dmarc_row *row;

    if (s->slot == NULL)
        s->slot = calloc(SLOTS, sizeof(*s->slot));
    if (s->slot == NULL)
        return false;
    if (s->rows < s->room)
        return true;
    row = realloc(s->row, room * sizeof(*row));
    if (row == NULL)
        return false;
    s->row = row;
    s->room = room;
    return true;
}

bool dmarc_sum_add(struct dmarc_sum *s, const struct sgl_dmarc_report_record *r)
{
    struct dmarc_row row;
    size_t at;

    fill(&row, r);
    if (!grow(s))
        return false;
    s->messages += r->count;
    s->passed += row.passed ? r->count : 0;
    for (at = hash_of(s, &row) % SLOTS; s->slot[at] != 0; at = (at + 1) % SLOTS)
        if (is_same(&s->row[s->slot[at] - 1], &row)) {
            s->row[s->slot[at] - 1].messages += r->count;
            return true;
        }
    if (s->rows == DMARC_ROWS_MAX) {
        s->others += r->count;
        return true;
    }
    row.messages = r->count;
    s->row[s->rows++] = row;
    s->slot[at] = (uint32_t)s->rows;
    return true;
}

static int more_first(const void *a, const void *b)
{
    const struct dmarc_row *x = a, *y = b;

    if (x->messages != y->messages)
        return x->messages > y->messages ? -1 : 1;
    if (memcmp(x->ip.bytes, y->ip.bytes, sizeof x->ip.bytes) != 0)
        return memcmp(x->ip.bytes, y->ip.bytes, sizeof x->ip.bytes);
    if (strcmp(x->from, y->from) != 0)
        return strcmp(x->from, y->from);
    return strcmp(x->dkim, y->dkim) != 0 ? strcmp(x->dkim, y->dkim) : strcmp(x->spf, y->spf);
}

void dmarc_sum_sort(struct dmarc_sum *s)
{
    if (s->rows > 0)
        qsort(s->row, s->rows, sizeof(*s->row), more_first);
    free(s->slot); /* it points at the old places */
    s->slot = NULL;
}
