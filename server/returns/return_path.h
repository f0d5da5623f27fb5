/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local part of a return path that names one recipient of one message, and that nobody else can make:
 *
 *   b- message, 13 characters | recipient, 13 | - | code, 20
 *
 * The code is the first 100 bits of BLAKE2b over all of it and the domain, with a secret of the server.  Only letters, digits and hyphens, in any case; 49 of the 64 characters that a
 * local part may have [RFC 5321 s4.5.3.1.1].  Pure.
 */
#ifndef SERVER_RETURNS_RETURN_PATH_H
#define SERVER_RETURNS_RETURN_PATH_H

#include "sigillo/buf.h"

#define RETURN_PATH_LOCAL  49
#define RETURN_PATH_SECRET 32

struct return_path {
    uint64_t message, rcpt;
};

/* Writes the local part, NUL-terminated; domain: that it will stand at, in any case. */
void return_path_put(const uint8_t secret[RETURN_PATH_SECRET], const struct return_path *path,
                     sgl_view domain, char out[RETURN_PATH_LOCAL + 1]);

enum return_path_kind {
    RETURN_PATH_NONE,   /* it does not look like one */
    RETURN_PATH_FORGED, /* it does, and none of the secrets made it */
    RETURN_PATH_OURS,
};
/* An address "local@domain". out is set with OURS. */
enum return_path_kind return_path_open(const uint8_t (*secret)[RETURN_PATH_SECRET], size_t secrets,
                                       sgl_view address, struct return_path *out);

#endif
