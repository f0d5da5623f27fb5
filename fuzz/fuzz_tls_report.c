/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are a report or refused; of one that can be written again the same is read. */
#include <stdlib.h>

#include "sigillo/tls_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 22);
    sgl_auto(sgl_buf) json = SGL_BUF_INIT(1 << 22);
    struct sgl_tls_report report, again;

    if (sgl_tls_report_parse(sgl_view_of(data, size), &arena, &report, NULL) != SGL_OK)
        return 0;
    if (report.policies == 0)
        abort();
    if (sgl_tls_report_put(&report, &json) != SGL_OK)
        return 0;
    if (sgl_tls_report_parse(sgl_buf_view(&json), &arena, &again, NULL) != SGL_OK ||
        again.policies != report.policies ||
        again.policy[0].successes != report.policy[0].successes ||
        again.policy[0].failures != report.policy[0].failures)
        abort();
    return 0;
}
