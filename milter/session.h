/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of the mail server: what libmilter calls. The only files that know libmilter are session.c and its caller's few lines below. */
#ifndef MILTER_SESSION_H
#define MILTER_SESSION_H

#include <stdbool.h>
#include <stddef.h>

/* The listening socket is opened; false: why says what is wrong. Once in a process. */
bool session_open(const char *socket, char *why, size_t why_size);
/* Runs until session_stop(), or the listener fails (false). */
bool session_run(void);
void session_stop(void);

#endif
