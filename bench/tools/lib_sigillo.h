/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of lib_sigillo share. */
#ifndef BENCH_LIB_SIGILLO_H
#define BENCH_LIB_SIGILLO_H

#include "common.h"

#include "sigillo/crypto.h"

extern struct sgl_crypto *crypto;

double thread_cpu(void);
sgl_view slurp(const char *path);
double seconds_of(int argc, char **argv, int at);
/* One JSON line about `n` operations on `bytes` bytes each. */
void report(const char *op, size_t bytes, uint64_t n, double cpu);

/* lib_sigillo_judge.c: modes that need DNS. */
void mode_verify(int argc, char **argv);
void mode_verify_newkey(int argc, char **argv);
void mode_spf(int argc, char **argv);
void mode_spf_restart(int argc, char **argv);
void mode_spf_instructions(int argc, char **argv);
void mode_dmarc(int argc, char **argv);
void mode_verdict(int argc, char **argv);

#endif
