/* SPDX-License-Identifier: Apache-2.0 */
/* One message while it is made ready to be sent on; for this folder. */
#ifndef SERVER_FORWARD_FORWARD_INTERNAL_H
#define SERVER_FORWARD_FORWARD_INTERNAL_H

#include "forward.h"
#include "sigillo/arc.h"
#include "sigillo/crypto.h"

struct forward {
    struct forward_setup setup;
    struct sgl_crypto *crypto;
};

struct sending {
    struct keys_op op; /* first: cast from it */
    struct forward *w;
    struct reception_forward *f;
    struct domain *domain;    /* a reference: whose address and key */
    struct sgl_buf mark, set; /* our Delivered-To; the ARC set */
    struct sgl_arc_pending pending;
    bool chain; /* the second signature is on its way */
};

/* ---- forward_envelope.c: false: *why says why not ---- */

/* The envelope's sender from here on, and whom its failures are told. */
bool forward_sender(struct forward *w, struct reception_forward *f, sgl_view domain, bool *later,
                    const char **why);
/* All that a route sends on to. */
bool forward_rcpts(struct reception_forward *f, const char **why);
/* The one whom a report goes back to; domain: whose return address it is. */
bool forward_return(struct forward *w, struct reception_forward *f, bool *later, const char **why);

/* ---- forward_seal.c ---- */

/* The set is made, with two calls of the keys process; then the message is done. */
void forward_seal(struct sending *s);

/* ---- forward.c ---- */

void forward_end(struct sending *s, enum arrival_result result, const char *why);
/* The message as it leaves. */
void forward_finish(struct sending *s);

#endif
