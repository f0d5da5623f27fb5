/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIB_VERDICT_INTERNAL_H
#define LIB_VERDICT_INTERNAL_H

#include "sigillo/verdict.h"

/*
 * DMARC has failed: does a trusted chain say that the message was authentic where it entered?  Sets overridden, witness and disposition.
 * SGL_OK, SGL_NEED_DNS (Organizational Domains), SGL_E_LIMIT, SGL_E_NOMEM.
 */
enum sgl_status sgl_verdict_override(const struct sgl_verdict_state *v, struct sgl_dns *dns,
                                     struct sgl_verdict *verdict);
/* verdict->results from all the rest. SGL_OK, SGL_E_LIMIT, SGL_E_NOMEM. */
enum sgl_status sgl_verdict_list(const struct sgl_verdict_state *v, struct sgl_verdict *verdict);

#endif
