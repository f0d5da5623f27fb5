/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/idn.h"

#include <idn2.h>

#include "sigillo/banned.h"

static bool all_ascii(sgl_view text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] > 127)
            return false;
    }
    return true;
}

/* Not with libidn2's STD3 flag: it drops what STD3 forbids instead of refusing it; whoever makes a name of the result looks again. */
static enum sgl_status status_of(int rc)
{
    if (rc == IDN2_MALLOC)
        return SGL_E_NOMEM;
    return rc == IDN2_TOO_BIG_LABEL || rc == IDN2_TOO_BIG_DOMAIN ? SGL_E_LIMIT : SGL_E_SYNTAX;
}

enum sgl_status sgl_idn_to_ascii(sgl_view domain, struct sgl_arena *arena, sgl_view *out)
{
    enum sgl_status status;
    uint8_t *ascii = NULL;
    const char *u8;
    int rc;

    if (all_ascii(domain)) {
        *out = domain;
        return SGL_OK;
    }
    u8 = sgl_arena_cstr(arena, domain);
    if (u8 == NULL)
        return arena->status != SGL_OK ? arena->status : SGL_E_SYNTAX; /* it holds a NUL */
    rc = idn2_lookup_u8((const uint8_t *)u8, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (rc != IDN2_OK)
        return status_of(rc);
    status = sgl_arena_dup(arena, sgl_view_cstr((const char *)ascii), out);
    idn2_free(ascii);
    return status;
}

enum sgl_status sgl_idn_to_unicode(sgl_view domain, struct sgl_arena *arena, sgl_view *out)
{
    const char *ascii = sgl_arena_cstr(arena, domain);
    enum sgl_status status;
    char *u8 = NULL;
    int rc;

    if (ascii == NULL)
        return arena->status != SGL_OK ? arena->status : SGL_E_SYNTAX;
    rc = idn2_to_unicode_8z8z(ascii, &u8, IDN2_NONTRANSITIONAL);
    if (rc != IDN2_OK)
        return status_of(rc);
    status = sgl_arena_dup(arena, sgl_view_cstr(u8), out);
    idn2_free(u8);
    return status;
}
