/* SPDX-License-Identifier: Apache-2.0 */
/* One limit as the configuration writes it: what is counted, in which window, how many. */
#ifndef SERVER_CONFIG_CONFIG_LIMIT_H
#define SERVER_CONFIG_CONFIG_LIMIT_H

#include <stddef.h>
#include <stdint.h>

#include "sigillo/view.h"

enum limit_what {
    LIMIT_MESSAGES,
    LIMIT_RECIPIENTS,
    LIMIT_INTERNAL, /* recipients in domains of the same subscription */
    LIMIT_EXTERNAL, /* all others */
    LIMIT_BYTES,
    LIMIT_WHATS
};
enum limit_window { LIMIT_MINUTE, LIMIT_HOUR, LIMIT_DAY, LIMIT_WINDOWS };

struct limit {
    enum limit_what what;
    enum limit_window window;
    uint64_t max;
};
#define LIMITS_OF_PROFILE 15 /* every pair once */

/*
 * "30 messages/minute", "2000 external recipients/day", "10M bytes/hour" (K, M, G are powers of 1024, for bytes only), "licences 100 external recipients/day".  NULL, or what is
 * wrong as a static text; out is set only with NULL.
 */
const char *limit_parse(sgl_view text, struct limit *out);
const char *limit_what_name(enum limit_what what); /* "messages", "internal recipients", ... */
const char *limit_window_name(enum limit_window w);
/* External recipients of a day for a tenant with so many licences: 500 * n^0.7 + 9500. */
uint64_t limit_external_of_licences(uint64_t licences);

#endif
