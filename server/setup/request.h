/* SPDX-License-Identifier: Apache-2.0 */
/* From a domain and the operator's settings to what lib/setup is asked: the one place that says which records a domain here has. */
#ifndef SERVER_SETUP_REQUEST_H
#define SERVER_SETUP_REQUEST_H

#include "../config/config.h"
#include "../directory/domain.h"
#include "sigillo/setup.h"

/*
 * Rows of the domain's kind: of a parked one those that say "no mail"; a managed one has no ownership and no return path to show, its zone is the operator's.
 *
 * out    views and arrays live in the arena, as long as it and the configuration
 * Returns SGL_OK; SGL_E_NOMEM, SGL_E_LIMIT: of the arena; SGL_E_SYNTAX: the domain is too long for the names below it.
 */
enum sgl_status setup_request(const struct domain *domain, const struct config *config,
                              struct sgl_arena *arena, struct sgl_setup_request *out) SGL_MUST_USE;

#endif
