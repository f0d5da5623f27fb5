/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who signs what: OpenDKIM's KeyTable ("name domain:selector:key") and SigningTable ("pattern name").  Pure but for the keys, which are given.
 *
 * In a file of patterns the rows are tried in their order.  Otherwise what is asked for is user@host, host, user@.domain (and its parents), .domain (and its
 * parents), user@*, *; the first row of a key counts.
 */
#ifndef MILTER_SIGNING_H
#define MILTER_SIGNING_H

#include "dataset.h"
#include "sigillo/dkim.h"

struct signing_key {
    sgl_view name;                   /* in the table */
    sgl_view domain;                 /* "%": the author's */
    sgl_view selector;               /* "%": the same */
    sgl_view place;                  /* a path, or the key itself as PEM or base64 */
    bool is_path;                    /* place is one */
    struct sgl_private_key *private; /* whoever reads the table fills it in, and frees it */
    unsigned line;
};
struct signing_rule;
struct signing {
    struct signing_key *key;
    size_t keys;
    const struct signing_rule *rule; /* patterns: as written; else sorted by key */
    size_t rules;
    bool patterns;
    bool multiple;     /* every row that fits, not only the first */
    size_t identities; /* rows with a second field (i=), which is not used */
};

/* The key table. SGL_OK; SGL_E_SYNTAX: *fault says where; SGL_E_LIMIT, SGL_E_NOMEM from the arena. */
enum sgl_status signing_read_keys(const struct dataset *from, struct sgl_arena *arena,
                                  struct signing *out, struct dataset_fault *fault) SGL_MUST_USE;
/* The signing table; the keys are read before.  The same. */
enum sgl_status signing_read_rules(const struct dataset *from, struct sgl_arena *arena,
                                   struct signing *out, struct dataset_fault *fault) SGL_MUST_USE;

#define SIGNING_MOST 4 /* signatures of one message */
/* The keys that sign for this author, at most SIGNING_MOST; each once.  local and domain as in the From field. */
size_t signing_pick(const struct signing *s, sgl_view local, sgl_view domain,
                    const struct signing_key *out[SIGNING_MOST]);

#endif
