/* SPDX-License-Identifier: Apache-2.0 */
/* A stream in parts: stream.c (life, deadlines, the socket), stream_in.c (bytes that nobody has taken yet), stream_out.c (bytes that wait to go out), stream_tls.c (the layer between). */
#ifndef SERVER_LOOP_STREAM_INTERNAL_H
#define SERVER_LOOP_STREAM_INTERNAL_H

#include <event2/event_struct.h>

#include "loop_internal.h"
#include "stream.h"

/* ---- bytes that wait to go out ---- */

struct out_chunk {
    struct out_chunk *next;
    const uint8_t *ptr; /* what is left of it */
    size_t len;
    size_t room; /* behind ptr + len, in our own memory; 0 for borrowed bytes */
    void (*release)(void *arg);
    void *arg;
    uint8_t bytes[];
};
struct out_queue {
    struct out_chunk *first, *last;
    size_t len;
};
bool out_add(struct out_queue *q, sgl_view bytes);
bool out_add_ref(struct out_queue *q, sgl_view bytes, void (*release)(void *arg), void *arg);
void out_consume(struct out_queue *q, size_t n);
void out_clear(struct out_queue *q); /* releases all */
/* One writev(); the bytes that went, 0 when the kernel takes none now, -1 with errno. */
ssize_t out_send(struct out_queue *q, int fd);

/* ---- the stream ---- */

struct in_buf { /* bytes that nobody has taken yet; no memory while empty */
    uint8_t *data;
    size_t len, cap;
};

struct stream {
    struct loop *loop;
    const struct stream_events *events;
    void *ctx;
    SSL *tls;
    const char *tls_error;
    int fd;
    int error;              /* errno of a failure */
    struct out_queue wire;  /* for the socket */
    struct out_queue clear; /* under TLS: not yet encrypted */
    struct in_buf in;       /* clear text, offered and not taken */
    struct in_buf cipher;   /* under TLS: read from the socket, not yet decrypted (while paused) */
    sgl_view feed;          /* what the TLS layer may read now: borrowed during one call */
    uint64_t idle_ms, deadline_ms,
        timer_ms; /* monotonic; timer_ms: when the timer fires, 0 = not set */
    struct loop_later later;
    struct event read_event, write_event, timer;
    enum stream_end end;
    uint32_t lingered;    /* bytes thrown away after our side was closed */
    unsigned depth;       /* entries from the loop that are under way */
    bool freed;           /* stream_free() came inside a callback */
    bool connecting;      /* connect() is under way */
    bool handshaking;     /* the TLS handshake is not finished */
    bool paused;          /* by the user */
    bool offer;           /* offer s->in again at the end of this turn */
    bool reading;         /* read_event is set */
    bool writing;         /* write_event is set */
    bool eof;             /* the peer sends no more */
    bool broken;          /* the socket takes no more */
    bool closing;         /* stream_close_after_write() */
    bool shut;            /* our side of the socket is closed; we wait for the peer's */
    bool ending;          /* `end` is to be told at the end of this turn */
    bool ended;           /* it has been told */
    bool in_input;        /* input() runs now */
    bool upgraded_inside; /* stream_start_tls() came inside it */
};

/* Notes how it ends; told at the end of the turn. The first reason stays. */
void stream_end_soon(struct stream *s, enum stream_end why);
/* Runs input() over `bytes` behind what waited; keeps what was not taken. */
void stream_offer(struct stream *s, sgl_view bytes);
void stream_flush_soon(struct stream *s);
bool in_append(struct in_buf *b, sgl_view bytes);
void in_keep(struct in_buf *b, size_t taken); /* forgets the first bytes */
void in_done(struct in_buf *b);

/* ---- TLS ---- */
bool stream_tls_attach(struct stream *s, SSL *tls); /* takes tls over */
/* Decrypts what is in s->cipher and `bytes`, as far as input is wanted; drives the handshake. */
void stream_tls_receive(struct stream *s, sgl_view bytes);
/* Encrypts from `clear` into `wire` while there is little on the wire. */
void stream_tls_send(struct stream *s);
void stream_tls_close_notify(struct stream *s);

#endif
