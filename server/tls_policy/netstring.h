/* SPDX-License-Identifier: Apache-2.0 */
/* Netstrings: "5:hello,". */
#ifndef SERVER_TLS_POLICY_NETSTRING_H
#define SERVER_TLS_POLICY_NETSTRING_H

#include "sigillo/buf.h"

enum netstring {
    NETSTRING_MORE,     /* it has begun well, bytes are missing */
    NETSTRING_OK,       /* one is there: *out, and how many bytes it takes */
    NETSTRING_BROKEN,   /* it can't become one */
    NETSTRING_TOO_LONG, /* it would be longer than max */
};
/* Reads the first one of bytes. out and used are set with OK only. */
enum netstring netstring_read(sgl_view bytes, size_t max, sgl_view *out, size_t *used);
void netstring_put(struct sgl_buf *out, sgl_view data);

#endif
