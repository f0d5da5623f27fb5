/* SPDX-License-Identifier: Apache-2.0 */
/* For lib/arc only. */
#ifndef LIB_ARC_ARC_INTERNAL_H
#define LIB_ARC_ARC_INTERNAL_H

#include "sigillo/arc.h"

/*
 * Collects the sets and judges their structure  [RFC 8617 s5.2 steps 1 to 3].  *sets are the same as out->set, to be written to.
 * SGL_OK: out->result is NONE, FAIL, or PASS for a structure that holds (no signature has been checked); SGL_E_LIMIT, SGL_E_NOMEM.
 */
enum sgl_status sgl_arc_read(const struct sgl_headers *headers, struct sgl_arena *arena,
                             struct sgl_arc *out, struct sgl_arc_set **sets);

/* ---- the grammar of Authentication-Results, as far as its parts must be told apart ---- */

/* Behind blanks, folds and comments at *rest; false: a comment has no end, or is nested deeper than SGL_LIMIT_COMMENT_DEPTH. */
bool sgl_arc_skip(sgl_view *rest);
/* How much of the text is a token: it stands without quotes. */
size_t sgl_arc_token_length(sgl_view text);
/* A token or quoted string at *rest, unquoted into the arena where it has to be. false: there is none. arena->status tells of memory. */
bool sgl_arc_word(sgl_view *rest, struct sgl_arena *arena, sgl_view *out);
/* Cuts up to the first ";" that stands neither in a comment nor in quotes; *rest is what follows, ptr NULL at the end. false: one of them has no end. */
bool sgl_arc_part(sgl_view *rest, sgl_view *out);
/* [RFC 8617 s4.2.1]: "i=N" at the start of an ARC-Authentication-Results, with its ";". 0: it is not there. */
unsigned sgl_arc_results_instance(sgl_view value, sgl_view *payload);
/* 1*2DIGIT, 1 to 50, without a leading zero; 0: it is not. */
unsigned sgl_arc_instance(sgl_view text);

#endif
