/* SPDX-License-Identifier: Apache-2.0 */
/* SMTP replies as bytes: a strict parser for what a remote server says, a writer for what ours says.  [RFC 5321 s4.2, RFC 2034, RFC 3463] */
#ifndef SIGILLO_SMTP_REPLY_H
#define SIGILLO_SMTP_REPLY_H

#include "sigillo/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

/* X.YYY.ZZZ  [RFC 3463 s2]; class 0: none was given. */
struct sgl_smtp_enhanced {
    uint8_t class_;
    uint16_t subject, detail;
};

/* One whole reply. Views are borrowed from the parser (or from wherever the reply was made). */
struct sgl_smtp_reply {
    uint16_t code; /* 200..599 */
    struct sgl_smtp_enhanced
        enhanced;           /* given by the server, of the same class as code; else class_ 0 */
    sgl_view enhanced_text; /* "5.1.1" as it stood there, or empty */
    /* Lines without codes, joined by LF; no CR, no NUL; any other byte as received: escape before printing */
    sgl_view text;
    size_t lines; /* >= 1 */
};

/* Reads "5.1.1" at the start of v. Returns how many bytes it takes, 0 when there is none. */
SGL_API size_t sgl_smtp_enhanced_parse(sgl_view v, struct sgl_smtp_enhanced *out);

/*
 * Gathers one reply from bytes in any portions.  Strict: three digits 2..5 first, then SP, "-" or the end of the line; CRLF only; the same code in every line.
 * Bounded: SGL_LIMIT_SMTP_REPLY_LINE bytes a line, SGL_LIMIT_SMTP_REPLY_LINES lines, SGL_LIMIT_SMTP_REPLY bytes in all.
 */
struct sgl_smtp_reply_parser {
    struct sgl_buf text; /* what reply.text borrows from */
    uint32_t line_len;   /* bytes of the present line so far */
    uint32_t total;      /* bytes of the reply so far */
    uint32_t line_start; /* where the present line begins in text */
    uint16_t code;       /* of the first line */
    uint16_t line_code;
    uint16_t lines;
    uint16_t enhanced_len; /* bytes of the enhanced code at the head of the first line, 0 none */
    uint8_t state;
};

SGL_API void sgl_smtp_reply_parser_init(struct sgl_smtp_reply_parser *p);
SGL_API void
sgl_smtp_reply_parser_done(struct sgl_smtp_reply_parser *p); /* frees; zeroed accepted */
/*
 * *used is always set: bytes taken from the front of `bytes`, never beyond the end of the reply.
 * SGL_OK: *out is the reply, borrowed until the next call. SGL_MORE: taken, not complete. SGL_E_SYNTAX, SGL_E_LIMIT, SGL_E_NOMEM: the session can't go on.
 */
SGL_API enum sgl_status sgl_smtp_reply_feed(struct sgl_smtp_reply_parser *p, sgl_view bytes,
                                            size_t *used, struct sgl_smtp_reply *out) SGL_MUST_USE;

/*
 * Writes one reply: "550 5.7.1 text" CRLF, folded into several lines where one would pass 512 bytes.
 * enhanced may be empty.  CR, LF, NUL in text or enhanced: nothing is added and out->status becomes SGL_E_SYNTAX.
 */
SGL_API void sgl_smtp_reply_put(struct sgl_buf *out, uint16_t code, sgl_view enhanced,
                                sgl_view text);
/* One line of a reply of several: "250-text" or, last, "250 text". */
SGL_API void sgl_smtp_reply_put_line(struct sgl_buf *out, uint16_t code, bool last, sgl_view text);

#ifdef __cplusplus
}
#endif
#endif
