/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tag=value lists: "v=1; a=rsa-sha256; d=example.org".  [RFC 6376 s3.2]  DKIM signatures and keys, DMARC, ARC, MTA-STS, TLS-RPT and BIMI
 * records are such lists.
 */
#ifndef SIGILLO_TAGS_H
#define SIGILLO_TAGS_H

#include "sigillo/arena.h"
#include "sigillo/diag.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sgl_tag {
    sgl_view name; /* as written: names are case-sensitive */
    /* Without blanks and folds at its ends; those inside are still there; may be empty */
    sgl_view value;
    size_t off; /* of the name in the text */
};

struct sgl_tags {
    const struct sgl_tag *tag; /* in their order */
    size_t count;
};

/* what sgl_tags_parse() allows beyond the grammar */
enum {
    SGL_TAGS_UTF8 = 1, /* bytes above 127 in values  [RFC 8616 s5] */
    /* A spec that breaks the grammar is left out, and *diag tells of the first; a tag that stands twice still refuses the list.
        * For records whose RFC wants bad tags to be ignored  [RFC 9989 s4.7, RFC 8461 s3.1]. */
    SGL_TAGS_SKIP_BAD = 2,
};

/*
 * Which tags does this list hold?
 *
 * text   borrowed; views of the result point into it
 * diag   may be NULL; off is the offset in `text`
 * Returns SGL_OK; SGL_E_SYNTAX: a spec without "=", an empty spec other than behind the last ";", a bad name, a control character or 8-bit byte
 * in a value, a tag that stands twice; SGL_E_LIMIT: more than SGL_LIMIT_TAGS; SGL_E_NOMEM.  An empty text is SGL_E_SYNTAX.
 */
SGL_API enum sgl_status sgl_tags_parse(sgl_view text, unsigned flags, struct sgl_arena *arena,
                                       struct sgl_tags *out, struct sgl_diag *diag) SGL_MUST_USE;
/* The tag of that name, or NULL: absent is not the same as empty. */
SGL_API const struct sgl_tag *sgl_tags_find(const struct sgl_tags *tags, sgl_view name);

/* A value with all its blanks and folds taken out (base64, colon lists). Without any it is the value itself. */
SGL_API enum sgl_status sgl_tag_squeeze(sgl_view value, struct sgl_arena *arena,
                                        sgl_view *out) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
