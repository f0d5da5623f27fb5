/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_TLS_ADVICE_H
#define CLI_TLS_ADVICE_H

#include "sigillo/view.h"

/* What mends a failure of this name [RFC 8460 s4.3], one clause; "" where nobody knows. */
const char *tls_advice(sgl_view result);

#endif
