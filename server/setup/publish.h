/* SPDX-License-Identifier: Apache-2.0 */
/* Which records the server publishes by itself: what a domain lacks, where a zone's key was given to us, and where nothing of somebody else stands in the way.  Pure. */
#ifndef SERVER_SETUP_PUBLISH_H
#define SERVER_SETUP_PUBLISH_H

#include "../config/config.h"
#include "../directory/domain.h"
#include "../update/update.h"
#include "sigillo/setup.h"

#define PUBLISH_REVOKED "v=DKIM1; p=" /* [RFC 6376 s3.6.1] */

struct publish_item {
    const struct config_update *to;
    struct update_change change;
};
struct publish_held { /* what is not published, and why: a sentence */
    struct sgl_name name;
    enum sgl_rr type;
    sgl_view why;
};
struct publish_plan {
    struct publish_item *item;
    size_t items;
    struct publish_held *held;
    size_t helds;
};

/* Does the server publish the keys of this domain itself? */
bool publish_is_automatic(const struct config *config, const struct domain *domain);

/*
 * What rows lack.
 *
 * seen      of sgl_setup_check()
 * request   the one that was judged
 * replace   also what somebody else put there
 * out       names and texts live in the arena; the zones in the configuration
 * Returns SGL_OK; SGL_E_NOMEM, SGL_E_LIMIT: of the arena.
 */
enum sgl_status publish_missing(const struct sgl_setup *seen,
                                const struct sgl_setup_request *request,
                                const struct config *config, bool replace, struct sgl_arena *arena,
                                struct publish_plan *out) SGL_MUST_USE;
/* The other way: what stands there exactly as we publish it goes. seen: of sgl_setup_rows(). */
enum sgl_status publish_withdrawal(const struct sgl_setup *seen,
                                   const struct sgl_setup_request *request,
                                   const struct config *config, struct sgl_arena *arena,
                                   struct publish_plan *out) SGL_MUST_USE;
/* The keys that retire are revoked. */
enum sgl_status publish_revocation(const struct domain *domain, const struct config *config,
                                   struct sgl_arena *arena, struct publish_plan *out) SGL_MUST_USE;
/* Where the key of a selector stands: at its name, or where its alias leads. */
enum sgl_status publish_key_name(const struct domain *domain, const char *selector,
                                 const struct config *config, struct sgl_arena *arena,
                                 struct sgl_name *out) SGL_MUST_USE;

#endif
