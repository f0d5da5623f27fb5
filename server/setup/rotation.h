/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DKIM keys replace each other by themselves.  What comes next follows from the stored step of the domain (directory/domain.h), the time and the configuration: a process that was
 * killed goes on where the store has it.
 */
#ifndef SERVER_SETUP_ROTATION_H
#define SERVER_SETUP_ROTATION_H

#include "../config/config.h"
#include "../directory/domain.h"

enum rotation_do {
    ROTATION_WAIT,
    ROTATION_START,        /* a new one is due */
    ROTATION_LOOK_NEW,     /* are the new keys at all name servers?  Then they settle */
    ROTATION_LOOK_AGAIN,   /* they have settled: are they still there?  Then they sign */
    ROTATION_REVOKE_OLD,   /* the old ones were kept long enough */
    ROTATION_LOOK_REVOKED, /* are the old ones revoked everywhere?  Then the next ones are made */
};
/* Pure. automatic: the server publishes the keys of this domain itself. *wait_s: when to ask again at the latest; INT64_MAX: no matter. */
enum rotation_do rotation_next(const struct domain *domain, const struct config *config,
                               bool automatic, int64_t now_s, int64_t *wait_s);

#endif
