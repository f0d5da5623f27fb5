/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One TCP (or unix) connection, plain or TLS, as bytes in and bytes out.  STARTTLS turns a plain stream into a TLS one in place.
 * Callbacks run on the stream's loop, never inside the call that registers or writes; all calls come from that loop's thread, and any of them
 * (stream_free() too) may be made inside a callback.  A stream always has an idle deadline (300 s until told otherwise).
 *
 * What is written during one turn of the loop goes out together at its end.  Memory is held only while bytes wait: an idle stream is its struct.
 */
#ifndef SERVER_LOOP_STREAM_H
#define SERVER_LOOP_STREAM_H

#include <openssl/ssl.h>
#include <sys/socket.h>

#include "loop.h"
#include "sigillo/view.h"

struct stream;

#define STREAM_INPUT_MAX 65536

enum stream_end {
    STREAM_EOF, /* the peer closed its side; what was written before has still been sent if it could */
    STREAM_RESET,   /* connection reset, or an I/O error */
    STREAM_TIMEOUT, /* nothing moved within the deadline */
    STREAM_TLS,     /* handshake or record failure; stream_tls_error() has the reason */
    STREAM_REFUSED, /* connect failed: refused, unreachable */
};

struct stream_events {
    /*
     * Bytes arrived. Returns how many of them were taken; the rest is offered again with the next bytes, or by stream_resume(). One that waits for
     * something else than bytes pauses the stream first. STREAM_INPUT_MAX bytes may wait untaken: a unit longer than that must be taken in parts.
     */
    size_t (*input)(void *ctx, sgl_view bytes);
    /* All output has gone to the kernel. May be NULL. */
    void (*drained)(void *ctx);
    /* connect() or the TLS handshake is done. May be NULL for accepted plain streams. */
    void (*ready)(void *ctx);
    /* The stream is over; the only call allowed afterwards is stream_free(). Called at most once. */
    void (*ended)(void *ctx, enum stream_end why);
};

/* Takes over a connected, non-blocking fd. tls: NULL for plain, else an SSL whose role was set (implicit TLS, handshake starts). NULL when memory ends (fd is closed, tls freed). */
struct stream *stream_new(struct loop *loop, int fd, SSL *tls, const struct stream_events *events,
                          void *ctx);
/* Starts to connect, from `source` if not NULL. Result by ready() or ended(). */
struct stream *stream_connect(struct loop *loop, const struct sockaddr *to, socklen_t to_len,
                              const struct sockaddr *source, socklen_t source_len,
                              uint64_t timeout_ms, const struct stream_events *events, void *ctx);
/* Copies. */
void stream_write(struct stream *s, sgl_view bytes);
/* Without a copy: `bytes` stay valid until release(arg) is called (also when the stream dies first). release() must not call the stream; it may be NULL. */
void stream_write_ref(struct stream *s, sgl_view bytes, void (*release)(void *arg), void *arg);
size_t stream_pending(const struct stream *s); /* bytes not yet given to the kernel */
/* No input callbacks until resumed; what the peer sends stays in the kernel. */
void stream_pause(struct stream *s);
void stream_resume(struct stream *s);
/*
 * Upgrades in place, after what was written so far; takes `tls` over. Input that arrived in plain before is thrown away and `true` returned only if there was none; false means
 * injected plaintext: end the session. Called inside input(), what is left when it returns counts: then ended(STREAM_TLS) follows, stream_tls_error() saying so.
 */
bool stream_start_tls(struct stream *s, SSL *tls);
SSL *stream_tls(const struct stream *s); /* NULL in plain */
const char *
stream_tls_error(const struct stream *s); /* a static or stream-owned reason; never NULL */
/* Our side's address; false: the socket is gone. */
bool stream_local(const struct stream *s, struct sockaddr_storage *out);
void stream_idle_timeout(struct stream *s, uint64_t ms); /* restarts with every byte moved */
void stream_close_after_write(struct stream *s); /* no more input(); then ended(STREAM_EOF) */
/* The same for who has no more to do with it: no callback follows, and it frees itself, with the loop if need be. NULL accepted. */
void stream_leave(struct stream *s);
void stream_free(struct stream *s);       /* closes at once; NULL accepted; no callback follows */
int stream_errno(const struct stream *s); /* of STREAM_RESET and STREAM_REFUSED: the errno, or 0 */

#endif
