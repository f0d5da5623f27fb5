/* SPDX-License-Identifier: Apache-2.0 */
/* A report about messages: record by record into its gzip, so that memory does not grow with them.  [RFC 9990 s3.1] */
#include <stdio.h>

#include "../gzip/gzip.h"
#include "../store/dmarc_judged.h"
#include "compose.h"
#include "dmarc_count.h"

#define DAY_S   86400
#define ROW_MAX ((size_t)256 << 10)
#define RESERVE ((size_t)64 << 10) /* of the attachment, for what ends it */

struct reading {
    struct compose *c;
    struct sgl_arena arena; /* of one row */
    struct sgl_buf xml;     /* the same */
    struct gzip_stream *gzip;
    const char *wrong;
};

/* What an older policy of the day asked for is not what the report says is published. [RFC 9990 s3.1.1.7, s3.3] */
static void note_former(const struct dmarc_row *row, struct sgl_dmarc_report_record *r)
{
    struct sgl_dmarc_report_reason *reason = (struct sgl_dmarc_report_reason *)(uintptr_t)r->reason;

    if (!row->former || r->dkim == SGL_DMARC_ALIGNED_PASS || r->spf == SGL_DMARC_ALIGNED_PASS)
        return;
    reason[r->reasons++] = (struct sgl_dmarc_report_reason){
        SGL_DMARC_OVERRIDE_OTHER, SGL_LIT("judged by a policy that was published before")};
}

static enum sgl_status begin(struct reading *r, const struct dmarc_row *row)
{
    struct compose *c = r->c;

    c->dmarc = (struct sgl_dmarc_report_meta){.org_name = c->organization,
                                              .email = c->contact,
                                              .report_id = sgl_view_cstr(c->id),
                                              .begin = c->day * DAY_S, /* [RFC 9990 s3.1.1.4] */
                                              .end = c->day * DAY_S + DAY_S - 1,
                                              .domain = c->domain,
                                              .generator = SGL_LIT("Sigillo " SIGILLO_VERSION)};
    SGL_TRY(dmarc_row_policy(row, &c->arena, &c->dmarc));
    return sgl_dmarc_report_put_begin(&c->dmarc, &r->xml);
}

static enum sgl_status add(struct reading *r, const struct dmarc_row *row)
{
    struct sgl_dmarc_report_record record;
    enum sgl_status status;

    SGL_TRY(dmarc_row_record(row, &r->arena, &record));
    note_former(row, &record);
    status = sgl_dmarc_report_put_record(&record, &r->xml);
    if (status != SGL_OK)
        return status;
    r->c->messages += record.count;
    if (record.dkim == SGL_DMARC_ALIGNED_PASS || record.spf == SGL_DMARC_ALIGNED_PASS)
        r->c->passed += record.count;
    r->c->records++;
    return SGL_OK;
}

static enum sgl_status compress(struct reading *r)
{
    enum sgl_status status = gzip_add(r->gzip, sgl_buf_view(&r->xml), &r->c->gzip);

    sgl_buf_reset(&r->xml);
    return status;
}

/* Those of many messages come first: where a report would be too large, the others are left out. */
static bool take_row(void *ctx, const struct dmarc_row *row)
{
    struct reading *r = ctx;
    struct sgl_arena_mark mark = sgl_arena_mark(&r->arena);
    enum sgl_status status = SGL_OK;

    if (r->c->gzip.len + RESERVE > r->c->gzip.max)
        return false;
    if (r->c->records == 0)
        status = begin(r, row);
    if (status == SGL_OK)
        status = add(r, row);
    if (status == SGL_OK)
        status = compress(r);
    sgl_arena_rewind(&r->arena, mark);
    if (status != SGL_OK)
        r->wrong = status == SGL_E_NOMEM ? "out of memory" : "the report can't be written";
    return r->wrong == NULL;
}

static const char *compose(struct reading *r)
{
    struct compose *c = r->c;
    enum store_result result = store_read_dmarc_judged(c->store, c->day, c->domain, take_row, r);

    if (r->wrong != NULL)
        return r->wrong;
    if (result != STORE_OK)
        return store_result_text(result);
    if (c->records == 0)
        return "nothing was counted";
    if (sgl_dmarc_report_put_end(&r->xml) != SGL_OK || compress(r) != SGL_OK ||
        gzip_end(r->gzip, &c->gzip) != SGL_OK)
        return "the report can't be compressed";
    return NULL;
}

const char *compose_dmarc(struct compose *c)
{
    struct reading r = {
        .c = c, .arena = SGL_ARENA_INIT(ROW_MAX), .xml = SGL_BUF_INIT(ROW_MAX), .gzip = gzip_new()};
    const char *wrong;

    compose_begin(c);
    snprintf(c->id, sizeof(c->id), "%s%s", c->date, c->unique); /* [RFC 9990 s3.5.1] */
    wrong = r.gzip == NULL ? "out of memory" : compose(&r);
    gzip_free(r.gzip);
    sgl_arena_done(&r.arena);
    sgl_buf_done(&r.xml);
    return wrong;
}
