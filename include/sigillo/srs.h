/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Sender Rewriting Scheme: who forwards mail puts an address of his own in MAIL FROM, from which only he can tell where a bounce has to go.
 *
 *   SRS0=TAG=TT=example.net=anna@ours.example       anna@example.net, rewritten here
 *   SRS1=TAG=other.example==TAG=TT=example.net=anna@ours.example       what other.example had rewritten already
 *
 * TAG is an HMAC over the rest and our domain, TT the day it was made.  The form is the one that other implementations read and write; the tags are each one's own.
 */
#ifndef SIGILLO_SRS_H
#define SIGILLO_SRS_H

#include "sigillo/crypto.h"
#include "sigillo/mailbox.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SGL_SRS_TAG_SIZE 8 /* characters: 40 bits */

/*
 * Appends the address to send with.
 *
 * secret   a key of at least 16 bytes, nobody else's
 * sender   where bounces would go now; of the null sender there is nothing to rewrite
 * domain   ours, where bounces come back to
 * SGL_OK; SGL_E_SYNTAX: the sender needs quotes, or is at an address literal; SGL_E_LIMIT: the local part gets longer than 64 bytes; SGL_E_NOMEM.  What `out` has is then as
 * it was, but for its status.
 */
SGL_API enum sgl_status sgl_srs_put(const struct sgl_crypto *crypto, sgl_view secret,
                                    const struct sgl_mailbox *sender, sgl_view domain, sgl_time now,
                                    struct sgl_buf *out) SGL_MUST_USE;

enum sgl_srs {
    SGL_SRS_NONE,    /* it does not look like one */
    SGL_SRS_VALID,   /* made here, not too long ago */
    SGL_SRS_FORGED,  /* it looks like one, and was not made here */
    SGL_SRS_EXPIRED, /* made here, longer ago */
};
/*
 * Where does a bounce to this address go?  Letters may have changed their case on the way.
 *
 * out      with VALID the mailbox, normalised, is appended
 * days     for so long one is valid; at most 1000: TT comes again after 1024
 * SGL_OK; SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_srs_open(const struct sgl_crypto *crypto, sgl_view secret,
                                     const struct sgl_mailbox *address, sgl_time now, unsigned days,
                                     struct sgl_buf *out, enum sgl_srs *verdict) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
