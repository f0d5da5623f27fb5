/* SPDX-License-Identifier: Apache-2.0 */
/* Mail that is sent on, the reports that come back for it, and recipients that the servers behind routes are asked about. */
#include "service_internal.h"

/* Before its loops run, and after reception is there. */
bool service_build_forward(struct service *s, char *why, size_t why_size)
{
    struct forward_setup setup = {.directory = s->directory, .keys = s->keys};

    s->forward_key = secret_new(s->outgoing, s->store, s->keys, FORWARD_KEY_KIND, why, why_size);
    if (s->forward_key == NULL)
        return false;
    setup.secret = s->forward_key;
    s->forward = forward_new(&setup);
    if (s->forward == NULL)
        return false;
    reception_set_forward(s->reception, forward_make, s->forward);
    reception_add_known(s->reception,
                        &(struct reception_knows){.ctx = s->forward, .knows = forward_knows});
    s->callout = callout_new(s->outgoing, s->delivery);
    if (s->callout == NULL)
        return false;
    reception_set_callout(s->reception,
                          &(struct reception_callout){.ctx = s->callout, .ask = callout_ask});
    return true;
}
