/* SPDX-License-Identifier: Apache-2.0 */
/* The trace field that every server adds on top. [RFC 5321 s4.4; RFC 8314 s4.3] */
#ifndef SIGILLO_RECEIVED_H
#define SIGILLO_RECEIVED_H

#include "sigillo/buf.h"
#include "sigillo/mailbox.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sgl_received {
    sgl_view helo;        /* what the client called itself; made harmless: unfit bytes become "?" */
    sgl_view peer;        /* "client.example [192.0.2.1]" or "[192.0.2.1]"; empty: no comment */
    sgl_view by;          /* our name */
    sgl_view with;        /* "ESMTPSA", "UTF8SMTPSA", "HTTPS" */
    sgl_view tls_cipher;  /* "TLS_AES_256_GCM_SHA384": the tls clause; empty: none */
    sgl_view tls_version; /* "TLSv1.3": into the comment of the clause; may be empty */
    sgl_view id;
    /* The one recipient; NULL with several, which must not learn of each other */
    const struct sgl_mailbox *recipient;
    sgl_time time;
};

/* Writes the whole field with its CRLF, folded at 78. */
SGL_API void sgl_received_put(struct sgl_buf *buf, const struct sgl_received *r);

#ifdef __cplusplus
}
#endif
#endif
