/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/finding.h"

#include <stdarg.h>
#include <stdio.h>

#include "sigillo/banned.h"
#include "sigillo/limits.h"

const char *sgl_severity_name(enum sgl_severity severity)
{
    switch (severity) {
    case SGL_INFO:
        return "info";
    case SGL_WARNING:
        return "warning";
    case SGL_ERROR:
        return "error";
    }
    return "?";
}

static bool printable(uint8_t c)
{
    return c >= ' ' && c <= '~';
}

/* A copy with everything but printable ASCII written as \xNN. */
static enum sgl_status keep(sgl_view raw, struct sgl_arena *arena, sgl_view *out)
{
    static const char hex[] = "0123456789abcdef";
    size_t size = raw.len, len = 0;
    uint8_t *copy;

    for (size_t i = 0; i < raw.len; i++)
        size += printable(raw.ptr[i]) ? 0 : 3;
    copy = sgl_arena_alloc(arena, size);
    if (copy == NULL)
        return arena->status;
    for (size_t i = 0; i < raw.len; i++) {
        uint8_t c = raw.ptr[i];

        if (printable(c)) {
            copy[len++] = c;
            continue;
        }
        copy[len++] = '\\';
        copy[len++] = 'x';
        copy[len++] = (uint8_t)hex[c >> 4];
        copy[len++] = (uint8_t)hex[c & 15];
    }
    *out = sgl_view_of(copy, len);
    return SGL_OK;
}

enum sgl_status sgl_finding_add(struct sgl_findings *list, struct sgl_arena *arena,
                                const struct sgl_finding *what, const char *mend, const char *text,
                                ...)
{
    char line[SGL_LIMIT_FINDING_TEXT + 1];
    struct sgl_finding *f;
    va_list args;

    if (list->count >= SGL_LIMIT_FINDINGS) { /* not told, but counted: an error stays one */
        list->full = true;
        list->errors += what->severity == SGL_ERROR;
        list->warnings += what->severity == SGL_WARNING;
        return SGL_OK;
    }
    f = SGL_NEW(arena, struct sgl_finding);
    if (f == NULL)
        return arena->status;
    *f = *what;
    f->next = NULL;
    va_start(args, text);
    (void)vsnprintf(line, sizeof line, text, args);
    va_end(args);
    SGL_TRY(keep(sgl_view_cstr(line), arena, &f->text));
    SGL_TRY(keep(sgl_view_cstr(mend), arena, &f->mend));
    if (list->last == NULL)
        list->first = f;
    else
        list->last->next = f;
    list->last = f;
    list->count++;
    list->errors += f->severity == SGL_ERROR;
    list->warnings += f->severity == SGL_WARNING;
    return SGL_OK;
}

bool sgl_findings_have(const struct sgl_findings *list, const char *code)
{
    for (const struct sgl_finding *f = list->first; f != NULL; f = f->next) {
        if (strcmp(f->code, code) == 0)
            return true;
    }
    return false;
}
