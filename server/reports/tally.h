/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions in memory until they go to the store: equal ones are one row. */
#ifndef SERVER_REPORTS_TALLY_H
#define SERVER_REPORTS_TALLY_H

#include "../store/tlsrpt.h"

#define TALLY_ROWS_MAX 10000u /* with all that is known; then without addresses, to twice that */
#define TALLY_BYTES_MAX                                                                            \
    ((size_t)64 << 20) /* a store that takes nothing for long must not cost all of the memory */

struct tally_row;
struct tally {
    struct tally_row *line[1024];
    size_t rows, bytes; /* bytes: of texts */
    uint64_t lost;      /* sessions for which there was no room */
};
/* Copies what it is given. */
void tally_add(struct tally *t, const struct tlsrpt_count *count);
/* All of it as an array, and the tally is empty; NULL: there is none, or no memory, and it is as it was. */
struct tlsrpt_count *tally_take(struct tally *t, struct tally_row **rows, size_t *counts);
/* What was taken is done with. */
void tally_taken(struct tally_row *rows, struct tlsrpt_count *counts);
void tally_done(struct tally *t);

#endif
