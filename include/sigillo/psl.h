/* SPDX-License-Identifier: Apache-2.0 */
/* The Public Suffix List: where does an organisation's part of a name begin?  For DMARC by RFC 7489, and as a guard beside the tree walk. */
#ifndef SIGILLO_PSL_H
#define SIGILLO_PSL_H

#include "sigillo/dns_name.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sgl_psl;

/* The list that libpsl was built with; it never changes and is not freed. NULL: libpsl has none. */
SGL_API const struct sgl_psl *sgl_psl_builtin(void);
/* A list from the bytes of a public_suffix_list.dat or its DAFSA form. SGL_E_SYNTAX: no rule in it; SGL_E_LIMIT, SGL_E_NOMEM. */
SGL_API enum sgl_status sgl_psl_new(sgl_view bytes, struct sgl_psl **out) SGL_MUST_USE;
SGL_API void sgl_psl_free(struct sgl_psl *psl); /* NULL accepted; not for the built-in one */

/* The registrable domain: public suffix and one label more; the name itself when it is a suffix or has none. Borrows from name. */
SGL_API struct sgl_name sgl_psl_registrable(const struct sgl_psl *psl, struct sgl_name name);
/* Is the name itself a public suffix? */
SGL_API bool sgl_psl_is_suffix(const struct sgl_psl *psl, struct sgl_name name);

#ifdef __cplusplus
}
#endif
#endif
