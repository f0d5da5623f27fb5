/* SPDX-License-Identifier: Apache-2.0 */
/* Every maximum of the library, with its reason: one page to audit. */
#ifndef SIGILLO_LIMITS_H
#define SIGILLO_LIMITS_H

/* ---- mail ---- */
#define SGL_LIMIT_LOCAL_PART    64   /* [RFC 5321 s4.5.3.1.1] */
#define SGL_LIMIT_DOMAIN        255  /* [RFC 5321 s4.5.3.1.2] */
#define SGL_LIMIT_MAILBOX       254  /* a path is 256 with its brackets [RFC 5321 s4.5.3.1.3] */
#define SGL_LIMIT_LINE          998  /* a line without its CRLF [RFC 5322 s2.1.1] */
#define SGL_LIMIT_FIELD_NAME    77   /* with its colon it must fit a line of 78 [RFC 5322 s3.6.8 and s2.1.1] */
#define SGL_LIMIT_HEADER_SIZE   (512u * 1024u) /* thousands of addresses in To fit; a hostile header costs little */
#define SGL_LIMIT_HEADER_FIELDS 1000 /* 100 Received, 100 signatures and room to spare */
#define SGL_LIMIT_ADDRESSES     10000 /* of one field; more do not fit SGL_LIMIT_HEADER_SIZE sensibly */
#define SGL_LIMIT_COMMENT_DEPTH 16   /* nested comments of one address or date: people use 1 */
#define SGL_LIMIT_MESSAGE_ID    996  /* one line of a folded field */
#define SGL_LIMIT_PARAMS        64   /* parameters, RFC 2231 pieces counted, of one MIME field */

#endif
