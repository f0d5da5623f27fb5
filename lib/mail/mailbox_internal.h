/* SPDX-License-Identifier: Apache-2.0 */
/* What the envelope's and the header's address parsers share. */
#ifndef LIB_MAIL_MAILBOX_INTERNAL_H
#define LIB_MAIL_MAILBOX_INTERNAL_H

#include "lex_internal.h"
#include "sigillo/mailbox.h"

/* An address taken apart by a scanner: characters, not yet judged. */
struct sgl_addr_parts {
    sgl_view local;  /* without quotes and backslashes */
    sgl_view domain; /* as written, blanks and comments gone; a literal with its brackets */
    bool literal;
    bool
        any_name; /* the domain may be a name of DNS that is no host name: "_", hyphens at the ends of labels */
    size_t local_off, domain_off; /* in the input, for the reason */
};

/* Judges the parts (lengths, UTF-8, domain) and makes the mailbox. */
enum sgl_status sgl_mailbox_make(const struct sgl_addr_parts *parts, const struct sgl_lex *lx,
                                 struct sgl_arena *arena, struct sgl_mailbox *out);

/* dot-atom of the local part: atoms between single dots. */
bool sgl_is_dot_atom(sgl_view v);

#endif
