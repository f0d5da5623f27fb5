/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIGILLO_SMTP_INTERNAL_H
#define SIGILLO_SMTP_INTERNAL_H

#include "sigillo/buf.h"

/* May it stand in a line of the protocol: no CR, LF, NUL? */
bool sgl_smtp_text_ok(sgl_view v);
/* saslname: "=2C" is a comma, "=3D" an equals sign; any other "=", or nothing at all, is none.  [RFC 5802 s5.1] */
bool sgl_saslname_decode(sgl_view name, struct sgl_buf *out);

#endif
