/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of lib/dmarc share: report URIs, and the tree walk. */
#ifndef SIGILLO_DMARC_INTERNAL_H
#define SIGILLO_DMARC_INTERNAL_H

#include "sigillo/dmarc.h"
#include "sigillo/limits.h"
#include "sigillo/tags.h"

/* ---- dmarc_uri.c ---- */

/* Is this a URI that a record may hold? Commas, semicolons and exclamation marks are encoded in it; mailto: has an address. */
bool sgl_dmarc_uri_ok(sgl_view uri);
/* Without blanks around it and an obsolete "!10m" behind it. false: malformed. */
bool sgl_dmarc_uri_read(sgl_view item, sgl_view *uri, bool *sized);
bool sgl_dmarc_uri_is_mailto(sgl_view uri);

/* ---- dmarc_record.c ---- */

/* Tags as DMARC wants them: bad ones are left out. Statuses of sgl_tags_parse(). */
enum sgl_status sgl_dmarc_tags(sgl_view text, struct sgl_arena *arena, struct sgl_tags *out,
                               struct sgl_diag *diag);
/* false: the list breaks its grammar [RFC 9989 s4.8] */
bool sgl_dmarc_fo_read(sgl_view value, unsigned *out);

/* ---- dmarc_walk.c ---- */

#define DMARC_WALK_NAMES 8 /* [RFC 9989 s4.10] */

/* What a walk up from one name found. Names are tails of the start. */
struct sgl_dmarc_walk {
    struct sgl_name start;
    struct sgl_name asked[DMARC_WALK_NAMES]; /* in order, up to the one where the walk stopped */
    size_t asked_count;
    bool own;        /* the start has a record: record is that one */
    bool failed;     /* a lookup failed: org is not known, and record neither unless own */
    bool terminated; /* RFC 7489: several records where only one may be */
    bool found;      /* record and record_at are set */
    struct sgl_dmarc_record record; /* that applies to mail of the start [RFC 9989 s4.10.1] */
    struct sgl_name record_at;
    struct sgl_name org; /* [RFC 9989 s4.10.2] */
};

/* psl: guard against records of public suffixes without psd=y, or NULL. SGL_OK, SGL_NEED_DNS, SGL_E_LIMIT, SGL_E_NOMEM. */
enum sgl_status sgl_dmarc_walk(struct sgl_name start, const struct sgl_psl *psl,
                               struct sgl_dns *dns, struct sgl_arena *arena,
                               struct sgl_dmarc_walk *out);
/* The same by the Public Suffix List: two names at most. [RFC 7489 s3.2, s6.6.3] */
enum sgl_status sgl_dmarc_walk_psl(struct sgl_name start, const struct sgl_psl *psl,
                                   struct sgl_dns *dns, struct sgl_arena *arena,
                                   struct sgl_dmarc_walk *out);
/* Notes all questions that a walk may ask, so that they travel together. */
void sgl_dmarc_walk_want(struct sgl_name start, struct sgl_dns *dns, struct sgl_arena *arena);
/* Do the last labels of both agree? Without that no walk can end at the same name. */
bool sgl_dmarc_share_labels(struct sgl_name a, struct sgl_name b, size_t labels);
/* An answer, where a snapshot that takes no more questions counts as a failed lookup: *out is NULL then. */
enum sgl_status sgl_dmarc_get(struct sgl_dns *dns, struct sgl_name name, enum sgl_rr type,
                              const struct sgl_dns_answer **out);

#endif
