/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIB_AUTHRES_INTERNAL_H
#define LIB_AUTHRES_INTERNAL_H

#include "sigillo/authres.h"

/* Who wrote it: *id without its quotes, whatever stands behind it. SGL_E_SYNTAX, SGL_E_LIMIT, SGL_E_NOMEM. */
enum sgl_status sgl_authres_read_id(sgl_view value, struct sgl_arena *arena, sgl_view *id);
/* Is the whole value well formed? Memory only for an id in quotes. */
enum sgl_status sgl_authres_check(sgl_view value, struct sgl_arena *arena);

#endif
