/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever arrives has a report in it or none; a text within its maximum. */
#include <stdlib.h>

#include "../server/intake/intake.h"
#include "sigillo/tls_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 22);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 20);
    struct sgl_tls_report report;
    const char *why = NULL;
    enum sgl_status status = intake_tls_report(sgl_view_of(data, size), &text, &why);

    if (why == NULL || (status == SGL_OK) != (why[0] == '\0') || !sgl_buf_sane(&text))
        abort();
    if (status == SGL_OK &&
        sgl_tls_report_parse(sgl_buf_view(&text), &arena, &report, NULL) == SGL_OK &&
        report.policies == 0)
        abort();
    return 0;
}
