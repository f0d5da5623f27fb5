/* SPDX-License-Identifier: Apache-2.0 */
/* How domains are made and kept; for this folder. */
#ifndef SERVER_DIRECTORY_DOMAIN_INTERNAL_H
#define SERVER_DIRECTORY_DOMAIN_INTERNAL_H

#include "directory_internal.h"

#define DOMAIN_SELECTORS_FIRST 3 /* two that take turns, and one with Ed25519 */
#define DOMAIN_SELECTORS_MORE  3 /* room in a copy, for a change that adds some */
#define DOMAIN_TOKEN_BYTES     20
#define DOMAIN_TEXT_MAX        2000 /* of what was found, expected */

bool domain_state_parse(const char *name, enum domain_state *out);

/* ---- selector_key.c ---- */

/* NULL when memory ends, or when one of them is too long; the bytes are copied. */
struct selector_key *selector_key_new(const uint8_t *public_key, size_t public_len,
                                      const uint8_t *sealed, size_t sealed_len);
/* Its keys leave memory, if that can be; nobody else may hold it yet. */
void selector_key_spill(struct selector_key *k, struct scratch *file);
/* A view of the sealed key, or of space; empty: it cannot be read. */
sgl_view selector_key_sealed(const struct selector_key *k, uint8_t space[KEYS_DATA_MAX]);
void selector_key_unref(struct selector_key *k); /* NULL accepted */

/* ---- domain.c ---- */

void domain_status_done(struct domain_status *s);
/* What `to` had is freed; false: memory has ended, and `to` is not whole. */
bool domain_status_copy(struct domain_status *to, const struct domain_status *from);

/* All empty, with room for so many selectors; NULL when memory ends. */
struct domain *domain_new(sgl_view name, sgl_view subscription, size_t selectors_max);
/* The keys are shared. NULL when memory ends. */
struct domain *domain_copy(const struct domain *from);
/* Its texts and selectors move into one piece of memory, when there is some; they stay as they are from now on. */
void domain_pack(struct domain *d);

/* ---- domain_rotation.c: keys change places ---- */

/* NULL, or why this step cannot be taken now: a sentence. New selectors have no key yet. */
const char *domain_rotate(struct domain *d, const struct domain_change *dc, int64_t now_s);
bool rotation_step_parse(const char *name, enum rotation_step *out);

/* ---- domain_sts.c ---- */

/* NULL, or why it cannot be so: a sentence without its dot. */
const char *domain_sts_set(struct domain *d, const struct domain_change *dc, int64_t now_s);

/* ---- domain_json.c: as the store keeps it ---- */

void *domain_from_json(const struct store_noun *stored, const json_t *json);
json_t *domain_to_json(const void *noun);

/* ---- domain_name.c ---- */

/* A name as the tables know it: lower case, A-labels, no dot at the end; at least two labels, and no public suffix. NULL with a reason when it is no name for mail. */
char *domain_name_canonical(sgl_view name, const char **why);
/* One label of letters, digits and hyphens, lower-cased; NULL: it is none, or memory has ended. */
char *domain_label(sgl_view text);

#endif
