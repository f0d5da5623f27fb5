/* SPDX-License-Identifier: Apache-2.0 */
#include "trim.h"

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

#include "sigillo/view.h"

static uintptr_t address_of(sgl_view hex)
{
    uintptr_t n = 0;

    for (size_t i = 0; i < hex.len; i++)
        n = n << 4 | (uintptr_t)(hex.ptr[i] <= '9' ? hex.ptr[i] - '0' : hex.ptr[i] - 'a' + 10);
    return n;
}

/*
 * "7f00-7f10 r-xp 00001000 08:01 123 /usr/lib/x.so": code, which is never written to; and what stands at the beginning of a file, its tables of names.  Other parts that
 * are only read may have been written once, when they were relocated.
 */
static bool is_untouched(sgl_view line, uintptr_t *from, uintptr_t *to)
{
    sgl_view rest, end, range = sgl_view_split(line, ' ', &rest);

    *from = address_of(sgl_view_split(range, '-', &end));
    *to = address_of(end);
    return (sgl_view_starts(rest, SGL_LIT("r-xp ")) ||
            sgl_view_starts(rest, SGL_LIT("r--p 00000000 "))) &&
           sgl_view_find(rest, '/') < rest.len;
}

void trim_memory(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[5000];

    malloc_trim(0);
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        uintptr_t from, to;

        if (is_untouched(sgl_view_cstr(line), &from, &to) && from < to)
            (void)madvise((void *)from, to - from, MADV_DONTNEED);
    }
    if (maps != NULL)
        fclose(maps);
}
