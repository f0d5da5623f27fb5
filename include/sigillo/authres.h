/* SPDX-License-Identifier: Apache-2.0 */
/* Authentication-Results  [RFC 8601, 6008, 7372, 8616, 9989 s9.1]: written, read, and removed where they are forged. */
#ifndef SIGILLO_AUTHRES_H
#define SIGILLO_AUTHRES_H

#include "sigillo/header.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sgl_authres_property {
    sgl_view ptype, property; /* "smtp", "mailfrom"; lower case */
    sgl_view value;           /* unquoted; foreign bytes */
};
struct sgl_authres_result {
    sgl_view method;  /* "spf", lower case */
    unsigned version; /* of the method; 1 when absent */
    sgl_view result;  /* "pass", lower case */
    sgl_view reason;  /* unquoted; ptr NULL when absent */
    const struct sgl_authres_property *property;
    size_t properties;
};
struct sgl_authres {
    sgl_view authserv_id; /* unquoted, as written */
    unsigned version;     /* 1 when absent */
    const struct sgl_authres_result *result;
    size_t results; /* 0: "none" */
};

/*
 * Reads the value of one field (or the part of an ARC-Authentication-Results behind "i=N;").
 * out   set only with SGL_OK; its views live in `value` and the arena
 * diag  may be NULL
 * SGL_OK; SGL_E_SYNTAX: not such a field, or its version is not 1; SGL_E_LIMIT: too long, comments too deep, too many results; SGL_E_NOMEM.
 * Beyond the grammar, one ";" at the end, values with signs that are no token (base64, IPv6) and "name=value" without a type (passed over) are let through.
 */
SGL_API enum sgl_status sgl_authres_parse(sgl_view value, struct sgl_arena *arena,
                                          struct sgl_authres *out,
                                          struct sgl_diag *diag) SGL_MUST_USE;
/* The first result of that method in version 1, or NULL; and the value of one of its properties, or an empty view. */
SGL_API const struct sgl_authres_result *sgl_authres_find(const struct sgl_authres *ar,
                                                          sgl_view method);
SGL_API sgl_view sgl_authres_property(const struct sgl_authres_result *result, sgl_view ptype,
                                      sgl_view property);

/*
 * Appends "Authentication-Results: ID; method=result ..." CRLF, lines folded at 78 where they can be, quoted where they must be.  Values that cannot
 * stand there in any form (CR, LF, NUL, control characters) are written with those bytes replaced by "?"; those
 * over SGL_LIMIT_AUTHRES_VALUE are cut and end in "...".  No line is over 998.
 * SGL_E_SYNTAX: authserv_id, method, result, ptype or property is no keyword of ours; SGL_E_LIMIT, SGL_E_NOMEM from the buffer.
 */
SGL_API enum sgl_status sgl_authres_put(const struct sgl_authres *ar,
                                        struct sgl_buf *out) SGL_MUST_USE;
/* The same without name, id and line end, on one logical line: what an ARC set holds behind "i=N; ID;". */
SGL_API enum sgl_status sgl_authres_put_results(const struct sgl_authres *ar,
                                                struct sgl_buf *out) SGL_MUST_USE;

enum sgl_authres_forgery {
    SGL_AUTHRES_FOREIGN, /* somebody else's: stays */
    SGL_AUTHRES_OURS,    /* bears our id, however written: must go */
    SGL_AUTHRES_BROKEN, /* cannot be read, or of an unknown version: goes, too, where it comes from outside */
};
/*
 * Does this field claim to be ours?  Ids are compared as names: case, quotes, comments, folds, U- or A-labels and a part behind "/" make no difference.
 * A field over the limits is BROKEN.  SGL_E_LIMIT: the arena is full; SGL_E_NOMEM.  The arena is left where it was.
 */
SGL_API enum sgl_status sgl_authres_judge(const struct sgl_header *field, sgl_view authserv_id,
                                          struct sgl_arena *arena,
                                          enum sgl_authres_forgery *out) SGL_MUST_USE;
/*
 * Which fields of a message must be removed before ours is added?  Authentication-Results that are OURS or BROKEN, and those behind the
 * first SGL_LIMIT_AUTHRES_FIELDS, which nobody looks at.  Verify signatures first: they may cover what is removed.
 * remove: headers->count entries, set for every field; *removed: how many of them are true.  SGL_OK, or as sgl_authres_judge().  [RFC 8601 s5]
 */
SGL_API enum sgl_status sgl_authres_strip(const struct sgl_headers *headers, sgl_view authserv_id,
                                          struct sgl_arena *arena, bool *remove,
                                          size_t *removed) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
