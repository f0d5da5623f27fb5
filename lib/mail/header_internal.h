/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIB_MAIL_HEADER_INTERNAL_H
#define LIB_MAIL_HEADER_INTERNAL_H

#include "sigillo/header.h"
#include "sigillo/message_check.h"

/* Why and where a header section could not be read. */
struct sgl_header_fault {
    enum sgl_message_fault code;
    const char *what, *rule;
    size_t off;
    sgl_view name; /* of the field at fault, when it got so far */
};

/* sgl_headers_parse() with the reason as a code; fault is set with SGL_E_SYNTAX and SGL_E_LIMIT (code FINE: the arena's limit). */
enum sgl_status sgl_headers_scan(sgl_view message, enum sgl_headers_rules rules,
                                 struct sgl_arena *arena, struct sgl_headers *out,
                                 struct sgl_header_fault *fault);

#endif
