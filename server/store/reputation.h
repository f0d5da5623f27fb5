/* SPDX-License-Identifier: Apache-2.0 */
/* What was seen of those who send to us: counts of an address, a network or a domain, as they were at a time. Rooms above know what they mean. */
#ifndef SERVER_STORE_REPUTATION_H
#define SERVER_STORE_REPUTATION_H

#include "store.h"

#define REPUTATION_COUNTS 6

struct reputation_row {
    uint8_t kind;
    sgl_view name;
    int64_t at,
        last; /* wall seconds: what the counts were then, and when something was last counted */
    double count[REPUTATION_COUNTS];
    bool remove; /* it goes, if it is there */
};
struct reputation_op {
    struct store_op op; /* kind STORE_REPUTATION */
    const struct reputation_row
        *row; /* borrowed until done(); a row that is there already is replaced */
    size_t rows;
};

/* At the start or on a worker thread, in no order. */
enum store_result store_read_reputation(struct store *store,
                                        bool (*each)(void *ctx, const struct reputation_row *r),
                                        void *ctx);

#endif
