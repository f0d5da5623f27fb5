/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May these bytes be sent on at all?  One fast pass over a whole message, for the door that accepts it: what is refused
 * here would be read differently by two programs behind us (smuggling), or is no message. [RFC 5321 s2.3.8, s4.5.3.1.6; RFC 5322 s2.1, s3.6]
 */
#ifndef SIGILLO_MESSAGE_CHECK_H
#define SIGILLO_MESSAGE_CHECK_H

#include "sigillo/header.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sgl_message_fault {
    SGL_MESSAGE_FINE,
    SGL_MESSAGE_BARE_CR,
    SGL_MESSAGE_BARE_LF,
    SGL_MESSAGE_NUL,
    SGL_MESSAGE_LINE_TOO_LONG, /* over 998 octets without its CRLF, header or body: see in_header */
    SGL_MESSAGE_HEADER_TOO_LARGE, /* the section is over SGL_LIMIT_HEADER_SIZE */
    SGL_MESSAGE_TOO_MANY_FIELDS,  /* over SGL_LIMIT_HEADER_FIELDS */
    SGL_MESSAGE_BAD_FIELD,        /* no colon, a bad name, a fold first */
    SGL_MESSAGE_NO_SEPARATOR,     /* the header is not ended by an empty line */
    SGL_MESSAGE_NO_FROM,
    SGL_MESSAGE_MANY_FROM,
    SGL_MESSAGE_REPEATED_FIELD, /* one of Date, Sender, Reply-To, To, Cc, Bcc, Message-ID, In-Reply-To, References, Subject stands twice */
    SGL_MESSAGE_HEADER_NOT_UTF8, /* 8-bit bytes in the header that are no UTF-8 */
    SGL_MESSAGE_NOT_ENDED,       /* the last line has no CRLF */
};

/* "bare-cr": a stable word for programs. */
SGL_API const char *sgl_message_fault_code(enum sgl_message_fault fault);
/* One sentence for people. */
SGL_API const char *sgl_message_fault_text(enum sgl_message_fault fault);

struct sgl_message_report {
    enum sgl_message_fault
        fault;   /* the first in the bytes; SGL_MESSAGE_FINE: all else below is complete */
    size_t off;  /* where, from the start of the message */
    size_t line; /* that place's line, from 1, counted over the whole message */
    bool in_header;
    sgl_view field;             /* the field's name when the fault lies in a field, else empty */
    bool eightbit;              /* the body has bytes above 127: 8BITMIME */
    bool header_utf8;           /* the header has: SMTPUTF8 */
    struct sgl_headers headers; /* when FINE */
};

/*
 * message  whole, dots removed, alive as long as the report
 * arena    for the header index
 * Returns SGL_OK with the report in out (a hostile message is a verdict), SGL_E_NOMEM, or SGL_E_LIMIT when the arena is too small.
 * Time: one pass with memory-wide steps; nothing is copied.
 */
SGL_API enum sgl_status sgl_message_check(sgl_view message, struct sgl_arena *arena,
                                          struct sgl_message_report *out) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
