/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many passwords may wait to be hashed: as many as are done within a few seconds, by what the last ones took.  Who has to wait longer hears at once that he should come
 * again, while a client would still listen.
 */
#ifndef SERVER_DIRECTORY_HASHING_H
#define SERVER_DIRECTORY_HASHING_H

#include "../loop/loop.h"

#define HASHING_WAIT_MS 5000

struct hashing {
    unsigned threads;
    _Atomic unsigned under_way; /* that wait, or are being made */
    _Atomic uint64_t mean_us;   /* of the last ones */
};
void hashing_init(struct hashing *h, unsigned threads);
/* false: too many wait. Any thread, as is the other one. */
bool hashing_submit(struct hashing *h, struct workers *workers, struct work *w);
/* By each that was submitted, on its worker thread: how long it took; 0: there was no need for it any more. */
void hashing_done(struct hashing *h, uint64_t took_us);

#endif
