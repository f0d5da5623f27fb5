/* SPDX-License-Identifier: Apache-2.0 */
/* Reports that come by mail: the handler of the gate for addresses whose route says "reports". */
#ifndef SERVER_HEARD_HEARD_ARRIVAL_H
#define SERVER_HEARD_HEARD_ARRIVAL_H

#include "../loop/loop.h"
#include "../reception/reception.h"

struct heard_room { /* alive as long as the gate */
    struct directory *directory;
    struct store *store;
    struct workers *workers;
};

/*
 * Takes a mail that carries an aggregate report of DMARC or a report about TLS; which of them, its content tells.  DONE: it is kept, or was there already.  A report of DMARC counts as
 * verified when its mail passed DMARC itself.  LATER: the store or memory; REFUSED: no report that can be read, or about no domain of the route's subscription.
 */
void heard_arrival(void *room, struct arrival *a);

#endif
