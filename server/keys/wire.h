/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the service and the keys process go packets (SOCK_SEQPACKET) of whole frames.  Requests and replies have one shape:
 *
 *     u32 size of the frame | u64 id | u64 handle | u8 what | u8 algorithm | u16 size of small | small | large
 *
 * in the machine's byte order: both ends are one program.  Neither end trusts the other.
 */
#ifndef SERVER_KEYS_WIRE_H
#define SERVER_KEYS_WIRE_H

#include "keys.h"

#define KEYS_FRAME_HEAD 24
#define KEYS_SMALL_MAX  1024 /* a context, or a public key */
#define KEYS_FRAME_MAX  (KEYS_FRAME_HEAD + KEYS_SMALL_MAX + KEYS_DATA_MAX)
#define KEYS_PACKET_MAX 16384

struct keys_frame {
    uint64_t id; /* the request's, given back in its reply */
    uint64_t handle;
    uint8_t what;      /* enum keys_verb; in a reply enum keys_result */
    uint8_t algorithm; /* enum keys_algorithm, or 0 */
    sgl_view small;    /* context; in a reply the public key */
    sgl_view large;    /* input: the digest for SIGN; in a reply the output */
};

size_t keys_frame_size(const struct keys_frame *frame);
/* Writes the frame, keys_frame_size() bytes; small and large are within their maxima. */
void keys_frame_put(uint8_t *to, const struct keys_frame *frame);
/*
 * Takes the first frame from the front of *packet; its views point into it.  false: what is there is no whole frame, and the peer
 * that sent it is not to be talked to any more.
 */
bool keys_frame_take(sgl_view *packet, struct keys_frame *out);

#endif
