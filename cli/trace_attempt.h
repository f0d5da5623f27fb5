/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_TRACE_ATTEMPT_H
#define CLI_TRACE_ATTEMPT_H

#include "cli.h"

/* The lines of an event that is an attempt, behind the recipient's address; the last one without its end. */
void trace_put_attempt(const json_t *detail);

#endif
