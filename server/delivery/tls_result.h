/* SPDX-License-Identifier: Apache-2.0 */
/* What TLS-RPT calls it when a session is not what it has to be  [RFC 8460 s4.3].  Pure. */
#ifndef SERVER_DELIVERY_TLS_RESULT_H
#define SERVER_DELIVERY_TLS_RESULT_H

#include "plan.h"
#include "sigillo/tlsrpt.h"

/* A certificate that was refused: verify is OpenSSL's X509_V_...  X509_V_OK is SGL_TLS_OK. */
enum sgl_tls_result tls_result_of_certificate(long verify);
/* What is wrong before anybody connects: SGL_TLS_OK where nothing is, or nothing that the receiver's policy is to blame for (a network that is down). */
enum sgl_tls_result tls_result_of_host(const struct plan_host *host);
/* The same of a destination for which there are no hosts at all. */
enum sgl_tls_result tls_result_of_plan(const struct plan *plan);

#endif
