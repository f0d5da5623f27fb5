/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIB_REPORT_TLS_REPORT_INTERNAL_H
#define LIB_REPORT_TLS_REPORT_INTERNAL_H

#include "sigillo/tls_report.h"

#define SGL_TLS_REPORT_COUNT_MAX                                                                   \
    ((UINT64_C(1) << 53) - 1) /* what every reader can hold [RFC 7493 s2.2] */

bool sgl_tls_report_domain_ok(sgl_view domain);

#endif
