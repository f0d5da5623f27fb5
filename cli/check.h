/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `sigillo check`. */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include "lookup.h"
#include "sigillo/survey.h"

/* An MTA-STS policy by HTTPS  [RFC 8461 s3.3]: no redirect, 64 KiB at most, text/plain, a certificate for this very name. */
struct check_fetch {
    struct sgl_buf body;
    char why[300]; /* when it failed */
};
/*
 * host: "mta-sts.example.org"; at: its addresses, "192.0.2.1,2001:db8::1"; ca: a PEM file, or NULL for the system's. false: why says why.
 * The time is what the lookups have left, but at least a second.
 */
bool check_fetch(struct check_fetch *f, const struct lookup *l, const char *host, const char *at,
                 const char *ca);

json_t *check_json(const struct sgl_survey *s, bool unvalidated);
void check_print(const struct cli *c, const struct sgl_survey *s, bool unvalidated);

#endif
