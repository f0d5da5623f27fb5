/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIGILLO_SMTP_INTERNAL_H
#define SIGILLO_SMTP_INTERNAL_H

#include "sigillo/view.h"

/* May it stand in a line of the protocol: no CR, LF, NUL? */
bool sgl_smtp_text_ok(sgl_view v);

#endif
