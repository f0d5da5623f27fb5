/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scopes: what a key may be used for, by the names that SendGrid's API gives them.  A key has a list of them, or none; without one it may do what its role says.  The table that
 * decides is here; pure.
 */
#ifndef SERVER_ACCESS_SCOPE_H
#define SERVER_ACCESS_SCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sigillo/view.h"

/* What one may do with what belongs to an account: each may what those before it may. An owner and a reader see their own subscription only. */
enum role { ROLE_NONE, ROLE_READER, ROLE_OWNER, ROLE_OPERATOR };

#define SCOPES_MAX 128

/* A list of scopes, each of the table. */
struct scopes {
    bool listed; /* false: there is no list, and the role decides */
    uint64_t word[SCOPES_MAX / 64];
};
/* false: there is no such scope, and the list is as it was. */
bool scopes_add(struct scopes *s, sgl_view name);
/* The scope behind index, and so on, in the order of the table; NULL: no more. Start with 0. */
const char *scopes_next(const struct scopes *s, size_t *index);
/* Is each scope of `part` one that who has `all` and that role may use, too? */
bool scopes_within(const struct scopes *part, const struct scopes *all, enum role role);
/*
 * The one decision: may who has this list, or this role, use what needs the scope?  What is not in the table needs an owner, and no list has it.
 */
bool scopes_allow(const struct scopes *s, enum role role, const char *scope);
/* All that who has this list, or this role, may use. */
void scopes_of(const struct scopes *s, enum role role, struct scopes *out);

#endif
