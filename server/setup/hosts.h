/* SPDX-License-Identifier: Apache-2.0 */
/* Who takes a domain's mail, and are there TLSA records of these hosts?  Asked beside its records, on the loop. */
#ifndef SERVER_SETUP_HOSTS_H
#define SERVER_SETUP_HOSTS_H

#include "../directory/domain.h"
#include "sigillo/dns.h"

/* MX, and five for each host. */
#define HOSTS_QUESTIONS 81

/*
 * dns   HOSTS_QUESTIONS fit in
 * out   set only with SGL_OK: as struct domain keeps it, in the arena; ptr NULL: DNS does not say, it stays as it was.  What is not known of a host is what was known of it
 * Returns SGL_OK; SGL_NEED_DNS; SGL_E_NOMEM, SGL_E_LIMIT: of the arena, or of dns.
 */
enum sgl_status hosts_see(const struct domain *domain, struct sgl_dns *dns, struct sgl_arena *arena,
                          sgl_view *out) SGL_MUST_USE;

#endif
