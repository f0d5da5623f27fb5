/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/status.h"

const char *sgl_status_name(enum sgl_status status)
{
    switch (status) {
    case SGL_OK:
        return "ok";
    case SGL_MORE:
        return "more";
    case SGL_NEED_DNS:
        return "need-dns";
    case SGL_E_SYNTAX:
        return "syntax";
    case SGL_E_LIMIT:
        return "limit";
    case SGL_E_NOMEM:
        return "no-memory";
    case SGL_E_MISUSE:
        return "misuse";
    }
    return "unknown";
}
