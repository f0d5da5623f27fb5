/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One configuration with everything that it names: tables, lists of hosts, private keys.  Never changes; counted, replaced as a whole.  A session keeps the one that it
 * began with.
 */
#ifndef MILTER_EDITION_H
#define MILTER_EDITION_H

#include <stdatomic.h>

#include "files.h"
#include "hosts.h"
#include "settings.h"
#include "sigillo/crypto.h"
#include "signing.h"

struct edition {
    _Atomic unsigned refs;
    struct sgl_arena arena;
    const struct milter_settings *settings;
    struct signing signing;
    struct hosts internal, external_ignore, ignore, peers;
    struct sgl_private_key *seal_key; /* NULL: no sealing */
    const sgl_view *sealer;           /* trusted_sealers */
};

/*
 * Reads all of it.  crypto outlives the edition; what it needs of `files` is copied.
 * NULL: why is "FILE:LINE: what is wrong".
 */
struct edition *edition_read(const struct sgl_crypto *crypto, const char *path, struct files *files,
                             char *why, size_t why_size);
struct edition *edition_ref(struct edition *g);
void edition_unref(struct edition *g); /* NULL accepted */

#endif
