/* SPDX-License-Identifier: Apache-2.0 */
/* The Public Suffix List through libpsl.  struct sgl_psl is libpsl's own context under our name: there is nothing to add to it. */
#include "sigillo/psl.h"

#include <libpsl.h>
#include <stdio.h>

#include "sigillo/banned.h"
#include "sigillo/limits.h"

static const psl_ctx_t *context(const struct sgl_psl *psl)
{
    return (const psl_ctx_t *)psl;
}

const struct sgl_psl *sgl_psl_builtin(void)
{
    return (const struct sgl_psl *)psl_builtin();
}

/* libpsl reads streams only; one over memory opens nothing. It takes any line for a rule, so what cannot be a list is refused here. */
enum sgl_status sgl_psl_new(sgl_view bytes, struct sgl_psl **out)
{
    bool compiled;
    psl_ctx_t *psl;
    FILE *stream;

    if (bytes.len > SGL_LIMIT_PSL)
        return SGL_E_LIMIT;
    compiled = sgl_view_starts(bytes, SGL_LIT(".DAFSA@PSL_"));
    if (bytes.len == 0 || (!compiled && sgl_view_find(bytes, 0) < bytes.len))
        return SGL_E_SYNTAX;
    stream = fmemopen((void *)(uintptr_t)bytes.ptr, bytes.len, "r");
    if (stream == NULL)
        return SGL_E_NOMEM;
    psl = psl_load_fp(stream);
    fclose(stream);
    if (psl == NULL)
        return SGL_E_SYNTAX;
    if (psl_suffix_count(psl) == 0) { /* -1: compiled, not known */
        psl_free(psl);
        return SGL_E_SYNTAX;
    }
    *out = (struct sgl_psl *)psl;
    return SGL_OK;
}

void sgl_psl_free(struct sgl_psl *psl)
{
    psl_free((psl_ctx_t *)psl);
}

static const char *cstr(struct sgl_name name)
{
    return (const char *)name.text.ptr;
}

/*
 * The rule with the most labels wins, a name under no rule has a suffix of one label, exceptions undo a rule: all libpsl's.
 * [RFC 7489 s3.2]
 */
struct sgl_name sgl_psl_registrable(const struct sgl_psl *psl, struct sgl_name name)
{
    struct sgl_name found = name;
    const char *domain;
    size_t off;

    if (sgl_name_is_root(name))
        return name;
    /* A suffix is asked for first: below a rule of more than eight labels, which no published list has, libpsl finds a tail of it. */
    if (sgl_psl_is_suffix(psl, name))
        return name;
    domain = psl_registrable_domain(context(psl), cstr(name));
    if (domain == NULL)
        return name;
    off = (size_t)(domain - cstr(name));
    found.text = sgl_view_from(name.text, off);
    return found;
}

bool sgl_psl_is_suffix(const struct sgl_psl *psl, struct sgl_name name)
{
    return !sgl_name_is_root(name) && psl_is_public_suffix(context(psl), cstr(name)) == 1;
}
