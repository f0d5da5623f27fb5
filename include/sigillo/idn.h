/* SPDX-License-Identifier: Apache-2.0 */
/* Domain names in other scripts: U-labels and A-labels. */
#ifndef SIGILLO_IDN_H
#define SIGILLO_IDN_H

#include "sigillo/arena.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * U-labels become A-labels ("bücher.example" is "xn--bcher-kva.example")  [RFC 5891; RFC 8616 s2].  A text of ASCII only comes back as it is,
 * whatever it holds: whether it is a name says sgl_name_parse().
 * Returns SGL_OK; SGL_E_SYNTAX: not UTF-8, or not a possible name; SGL_E_LIMIT: too long; SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_idn_to_ascii(sgl_view domain, struct sgl_arena *arena,
                                         sgl_view *out) SGL_MUST_USE;
/*
 * The other way, to show to people: A-labels become U-labels.  What is none stays as it is, so that a name without any comes back unchanged.
 * Returns SGL_OK; SGL_E_SYNTAX: a label starts with "xn--" and is none, or the text holds a NUL; SGL_E_LIMIT; SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_idn_to_unicode(sgl_view domain, struct sgl_arena *arena,
                                           sgl_view *out) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
