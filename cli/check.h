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
 * Looks the policy's host up and fetches it: the policy, or why there is none, into the request.  ca: a PEM file, or NULL for the system's.  The time is what the lookups have
 * left, but at least a second.
 */
void check_fetch_policy(struct check_fetch *f, struct lookup *l, struct sgl_survey_request *request,
                        struct sgl_arena *arena, const char *ca);

json_t *check_json(const struct sgl_survey *s, bool unvalidated);
void check_print(const struct cli *c, const struct sgl_survey *s, bool unvalidated);

#endif
