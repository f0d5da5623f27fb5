/* SPDX-License-Identifier: Apache-2.0 */
#include "dkim_internal.h"

/* From this length on, a copy into the stage costs more than a call of the sink. */
#define DIRECT_MIN 512

void sgl_dkim_stage_flush(struct sgl_dkim_stage *stage)
{
    if (stage->len > 0)
        stage->sink.put(stage->sink.ctx, sgl_view_of(stage->data, stage->len));
    stage->len = 0;
}

void sgl_dkim_stage_put(struct sgl_dkim_stage *stage, sgl_view bytes)
{
    if (bytes.len == 0)
        return;
    if (bytes.len > stage->size - stage->len)
        sgl_dkim_stage_flush(stage);
    if (bytes.len >= DIRECT_MIN || bytes.len > stage->size) {
        sgl_dkim_stage_flush(stage);
        stage->sink.put(stage->sink.ctx, bytes);
        return;
    }
    memcpy(stage->data + stage->len, bytes.ptr, bytes.len);
    stage->len += bytes.len;
}

void sgl_dkim_put_hash(void *ctx, sgl_view bytes)
{
    sgl_hash_add(ctx, bytes);
}
