/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are a report or refused; whole and in pieces the same records are read; what is given is within its limits. */
#include <stdlib.h>

#include "sigillo/dmarc_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool one(void *ctx, const struct sgl_dmarc_report_meta *meta,
                const struct sgl_dmarc_report_record *r)
{
    uint64_t *messages = ctx;

    if (meta->begin < 0 || meta->end < 0 || r->dkims > 100 || r->spfs > 10 || r->reasons > 20 ||
        r->header_from.len > 65536 || r->count > (uint64_t)1 << 40)
        abort();
    for (size_t i = 0; i < r->dkims; i++)
        if (sgl_dmarc_raw_name(r->dkim_result[i].result) == NULL)
            abort();
    *messages += r->count;
    return true;
}

static enum sgl_status read_in(sgl_view bytes, size_t piece, uint64_t *messages,
                               struct sgl_dmarc_report_summary *sum)
{
    const struct sgl_dmarc_report_sink sink = {one, messages};
    struct sgl_dmarc_report_reader *r = sgl_dmarc_report_reader_new(&sink, 1);
    enum sgl_status status = SGL_OK;

    if (r == NULL)
        abort();
    for (; bytes.len > 0 && status == SGL_OK; bytes = sgl_view_from(bytes, piece))
        status = sgl_dmarc_report_feed(r, sgl_view_sub(bytes, 0, piece));
    status = sgl_dmarc_report_end(r, sum, NULL);
    sgl_dmarc_report_reader_free(r);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sgl_dmarc_report_summary whole = {0}, pieces = {0};
    uint64_t m1 = 0, m2 = 0;
    enum sgl_status a = read_in(sgl_view_of(data, size), size + 1, &m1, &whole);
    enum sgl_status b = read_in(sgl_view_of(data, size), 7, &m2, &pieces);

    if (a != b || whole.records != pieces.records || m1 != m2 || m1 != whole.messages)
        abort();
    return 0;
}
