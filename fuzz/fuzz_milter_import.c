/* SPDX-License-Identifier: Apache-2.0 */
/* Any two texts give a configuration that can be read as text, with notes that name lines of theirs, or are refused with the line at fault. */
#include <stdlib.h>

#include "../milter/import.h"
#include "../milter/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(8 << 20);
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(IMPORT_FILE_MAX * 4);
    sgl_view dmarc, dkim = sgl_view_split(sgl_view_of(data, size), '\f', &dmarc);
    struct import_source a = {"k", dkim}, b = {dmarc.ptr != NULL ? "m" : NULL, dmarc};
    struct import_notes notes = {0};
    struct import_fault fault = {0};
    enum sgl_status status = import_make(&a, &b, &arena, &out, &notes, &fault);
    char why[400];

    if (status == SGL_E_SYNTAX && (fault.line == 0 || fault.why == NULL))
        abort();
    if (status != SGL_OK)
        return 0;
    for (size_t i = 0; i < notes.count; i++)
        if (notes.item[i].line == 0 || notes.item[i].why == NULL)
            abort();
    if (sgl_cstr(&out) == NULL)
        abort();
    (void)settings_read("out", sgl_cstr(&out), &arena, why, sizeof why);
    return 0;
}
