/* SPDX-License-Identifier: Apache-2.0 */
/* The reason of a failure: of fixed size, so that it works when memory is gone. */
#ifndef SIGILLO_DIAG_H
#define SIGILLO_DIAG_H

#include "sigillo/view.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sgl_diag {
    /* A static sentence without a full stop: "header name holds a blank"; NULL when nothing was said */
    const char *what;
    const char *rule; /* the rule's place, "RFC 5322 s3.6.8"; may be NULL */
    size_t off;       /* offset in the input where it was seen */
    uint8_t near_len; /* bytes of `near` in use */
    uint8_t near[32]; /* a few bytes of the input at that place, raw: escape before printing */
};

/* Notes the first reason only (later ones are consequences); diag may be NULL. */
SGL_API void sgl_diag_set(struct sgl_diag *diag, const char *what, const char *rule, sgl_view input,
                          size_t off);

#ifdef __cplusplus
}
#endif
#endif
