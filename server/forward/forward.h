/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mail that is sent on to other addresses, and the reports of failures that come back for it.
 *
 * The envelope's sender is rewritten to an address of the route's domain (SRS), which only the server can have made; what was found on arrival is sealed with the domain's
 * DKIM key (ARC); nothing that a signature of the author covers is touched.  Any thread.
 */
#ifndef SERVER_FORWARD_FORWARD_H
#define SERVER_FORWARD_FORWARD_H

#include "../directory/directory.h"
#include "../reception/reception.h"
#include "../secret/secret.h"

#define FORWARD_KEY_KIND "forward-key" /* of the secret */
#define FORWARD_DAYS     21            /* for so long a report may come back */

struct forward;
struct forward_setup {
    struct directory *directory;
    struct keys *keys;
    struct secret *secret;
};
struct forward *forward_new(const struct forward_setup *setup); /* NULL: memory */
void forward_free(struct forward *w);                           /* NULL accepted */

/* For reception_set_forward(). */
void forward_make(void *forward, struct reception_forward *f);
/* For reception_add_known(): is this a return address that was made here? */
enum reception_known forward_knows(void *forward, sgl_view address, enum route_action *action);

#endif
