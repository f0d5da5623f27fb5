/* SPDX-License-Identifier: Apache-2.0 */
/* A judged check of a domain's TLS, for scripts and for people. */
#ifndef CLI_TLS_SHOW_H
#define CLI_TLS_SHOW_H

#include "cli.h"
#include "tls_check.h"

/* "secure", "insecure", "bogus" or "indeterminate": the MX records, or the denial that there are any. */
const char *tls_dnssec_name(const struct tls_check *k);
/* unvalidated: the name servers do not pass DNSSEC on. */
json_t *tls_json(const struct tls_check *k, bool unvalidated);
void tls_print(const struct cli *c, const struct tls_check *k, bool unvalidated);

#endif
