/* SPDX-License-Identifier: Apache-2.0 */
/* What a source of mail that says it is of our domain is, and what to do about it.  Pure. */
#ifndef SERVER_DOORS_HTTP_DMARC_ADVICE_H
#define SERVER_DOORS_HTTP_DMARC_ADVICE_H

#include "../../store/dmarc_received.h"

/* The service that sends for many, by whom it signs as, by its return path, or by the reverse name of its address ("": not known); NULL: none that is known. */
const char *dmarc_service(const struct dmarc_source *s, const char *reverse);
/* A sentence or more: why its mail does not pass, and what mends it; "" where all is well. */
void dmarc_source_advice(const struct dmarc_figure *f, const char *reverse, char *out, size_t size);
/* Could the policy of a domain be stricter? "" where there is nothing to say. */
void dmarc_policy_advice(const struct dmarc_figure *f, char *out, size_t size);

#endif
