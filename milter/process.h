/* SPDX-License-Identifier: Apache-2.0 */
/* What the two processes of the milter say to each other over their socket pair: from the first a bundle (a reload) or the end, from the second one byte when it is ready. */
#ifndef MILTER_PROCESS_H
#define MILTER_PROCESS_H

#include "edition.h"

enum { ORDER_RELOAD = 'r', ORDER_STOP = 's', REPORT_READY = '+' };
#define ORDER_HEAD 5 /* the letter, and the length of what follows in 4 bytes */

/* The second process, whole: never comes back.  g is taken over. */
_Noreturn void worker_run(int control, const struct sgl_crypto *crypto, struct edition *g);

#endif
