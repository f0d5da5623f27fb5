/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted for reports, in memory until it goes to the store: equal ones are one row.  Any thread; one at a time. */
#ifndef SERVER_REPORTS_TALLY_H
#define SERVER_REPORTS_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sigillo/view.h"

#define TALLY_TEXTS    8
#define TALLY_ROWS_MAX 10000u /* with all that is known; then without details, to twice that */
#define TALLY_BYTES_MAX                                                                            \
    ((size_t)64 << 20) /* a store that takes nothing for long must not cost all of the memory */

struct tally_count {
    int64_t day;
    uint8_t type;
    sgl_view text[TALLY_TEXTS];
    uint64_t n;
    int64_t due_at; /* the first one's stays */
};
/* What a kind of report counts. */
struct tally_form {
    int kept;    /* so many texts stay where there is no room for details */
    size_t size; /* of one in the array for the store */
    void (*put)(void *array, size_t i, const struct tally_count *c); /* borrows the texts */
};

struct tally_row;
struct tally {
    const struct tally_form *form;
    struct tally_row *line[1024];
    size_t rows, bytes; /* bytes: of texts */
    uint64_t lost;      /* what there was no room for */
};
/* Copies what it is given. */
void tally_add(struct tally *t, const struct tally_count *count);
/* What was taken and could not be kept is counted again. */
void tally_return(struct tally *t, const struct tally_row *rows);
/* All of it as an array of the form, and the tally is empty; NULL: there is none, or no memory, and it is as it was. */
void *tally_take(struct tally *t, struct tally_row **rows, size_t *counts);
/* What was taken is done with. */
void tally_taken(struct tally_row *rows, void *array);
void tally_done(struct tally *t);

#endif
