/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIB_MAIL_PARAM_INTERNAL_H
#define LIB_MAIL_PARAM_INTERNAL_H

#include "sigillo/param.h"

/* sgl_param_put() with another separator than "; ", such as ";" CRLF HTAB: each piece on its own line. */
void sgl_param_put_with(struct sgl_buf *buf, sgl_view name, sgl_view value, sgl_view before);

#endif
