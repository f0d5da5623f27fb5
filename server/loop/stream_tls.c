/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS between a stream's bytes and its socket, through a BIO that reads from what the stream has just received and writes to what it sends at the end of the turn:
 * one read() and one writev() per turn, however many records they hold.
 */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <pthread.h>

#include "stream_internal.h"

#define WIRE_ENOUGH 65536 /* encrypt no further while so much waits for the socket */

/* ---- the BIO ---- */

static int bio_write(BIO *bio, const char *data, int len)
{
    struct stream *s = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (len < 0 || !out_add(&s->wire, sgl_view_of(data, (size_t)len)))
        return -1;
    return len;
}

static int bio_read(BIO *bio, char *out, int len)
{
    struct stream *s = BIO_get_data(bio);
    size_t n = s->feed.len;

    BIO_clear_retry_flags(bio);
    if (n > (size_t)len)
        n = (size_t)len;
    if (n == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(out, s->feed.ptr, n);
    s->feed = sgl_view_from(s->feed, n);
    return (int)n;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *bio_method;
static pthread_once_t bio_once = PTHREAD_ONCE_INIT;

static void make_bio_method(void)
{
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
    if (bio_method == NULL)
        return;
    BIO_meth_set_write(bio_method, bio_write);
    BIO_meth_set_read(bio_method, bio_read);
    BIO_meth_set_ctrl(bio_method, bio_ctrl);
}

bool stream_tls_attach(struct stream *s, SSL *tls)
{
    BIO *bio;

    pthread_once(&bio_once, make_bio_method);
    bio = bio_method == NULL ? NULL : BIO_new(bio_method);
    if (bio == NULL) {
        SSL_free(tls);
        return false;
    }
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls, bio, bio);
    SSL_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                          SSL_MODE_RELEASE_BUFFERS);
    s->tls = tls;
    s->handshaking = true;
    s->offer = true; /* at the end of this turn the handshake starts */
    loop_later(s->loop, &s->later);
    return true;
}

/* ---- failures ---- */

static void fail(struct stream *s)
{
    unsigned long code = ERR_peek_error();
    long verdict = SSL_get_verify_result(s->tls);
    const char *reason = ERR_reason_error_string(code);

    s->tls_error = reason != NULL ? reason : "TLS failure";
    if (s->handshaking && verdict != X509_V_OK && SSL_get_verify_mode(s->tls) != SSL_VERIFY_NONE)
        s->tls_error = X509_verify_cert_error_string(verdict);
    ERR_clear_error();
    s->handshaking = false;
    if (s->wire.len > 0 && !s->broken)
        (void)out_send(&s->wire, s->fd); /* the alert, if the kernel takes it */
    s->broken = true;
    out_clear(&s->wire);
    out_clear(&s->clear);
    stream_end_soon(s, STREAM_TLS);
}

/* ---- receiving ---- */

/* true: go on with data. */
static bool shake_hands(struct stream *s)
{
    int r;

    ERR_clear_error();
    r = SSL_do_handshake(s->tls);
    if (s->wire.len > 0)
        stream_flush_soon(s);
    if (r != 1) {
        if (SSL_get_error(s->tls, r) != SSL_ERROR_WANT_READ)
            fail(s);
        return false;
    }
    s->handshaking = false;
    if (s->clear.len > 0)
        stream_flush_soon(s);
    if (s->events->ready != NULL)
        s->events->ready(s->ctx);
    return !s->freed;
}

enum decrypted {
    DECRYPTED_ALL,  /* every byte that came is used up */
    DECRYPTED_SOME, /* the buffer is full; there may be more */
    DECRYPTED_STOP  /* SSL_read() gave nothing: judge_read() knows why */
};

/* As many records as are there and the buffer holds.  SSL_read() is not called to be told that nothing is left. */
static enum decrypted decrypt(struct stream *s, uint8_t *room, size_t *got)
{
    enum decrypted end = DECRYPTED_SOME;

    *got = 0;
    ERR_clear_error();
    while (*got < LOOP_SCRATCH_SIZE && end == DECRYPTED_SOME) {
        int r = SSL_read(s->tls, room + *got, (int)(LOOP_SCRATCH_SIZE - *got));

        if (r > 0)
            *got += (size_t)r;
        if (r <= 0)
            end = DECRYPTED_STOP;
        else if (s->feed.len == 0 && SSL_has_pending(s->tls) == 0)
            end = DECRYPTED_ALL;
    }
    if (s->wire.len > 0)
        stream_flush_soon(s); /* a key update, an alert */
    return end;
}

/* Why SSL_read() gave nothing: bytes are missing, the peer has closed, or it broke the protocol. */
static void judge_read(struct stream *s)
{
    int why = SSL_get_error(s->tls, -1);

    if ((SSL_get_shutdown(s->tls) & SSL_RECEIVED_SHUTDOWN) != 0)
        s->eof = true;
    else if (why != SSL_ERROR_WANT_READ)
        fail(s);
}

static bool may_offer(const struct stream *s)
{
    return !s->freed && !s->paused && !s->ending && !s->closing && !s->eof &&
           s->in.len < STREAM_INPUT_MAX;
}

static void pump(struct stream *s)
{
    uint8_t *room = loop_scratch(s->loop)->clear;

    if (s->handshaking && !shake_hands(s))
        return;
    if (s->in.len > 0 && !s->paused && !s->closing)
        stream_offer(s, sgl_view_of(NULL, 0));
    while (may_offer(s)) {
        size_t got;
        enum decrypted end = decrypt(s, room, &got);

        if (end == DECRYPTED_STOP)
            judge_read(s);
        if (got > 0 && !s->closing)
            stream_offer(s, sgl_view_of(room, got));
        if (end != DECRYPTED_SOME)
            return;
    }
}

void stream_tls_receive(struct stream *s, sgl_view bytes)
{
    bool kept = s->cipher.len > 0;
    size_t all;

    if (kept && !in_append(&s->cipher, bytes)) {
        fail(s);
        return;
    }
    s->feed = kept ? sgl_view_of(s->cipher.data, s->cipher.len) : bytes;
    all = s->feed.len;
    pump(s);
    if (s->freed)
        return;
    if (kept)
        in_keep(&s->cipher, all - s->feed.len);
    else if (!in_append(&s->cipher, s->feed))
        fail(s);
    s->feed = sgl_view_of(NULL, 0);
}

/* ---- sending ---- */

/* Small pieces that wait together share a record: what a record costs does not depend much on its size. */
static sgl_view next_record(struct stream *s)
{
    const struct out_chunk *c = s->clear.first;
    uint8_t *room = loop_scratch(s->loop)->record;
    size_t len = 0;

    if (c->next == NULL || c->len >= LOOP_RECORD_MAX)
        return sgl_view_sub(sgl_view_of(c->ptr, c->len), 0, LOOP_RECORD_MAX);
    for (; c != NULL && len < LOOP_RECORD_MAX; c = c->next) {
        size_t n = c->len < LOOP_RECORD_MAX - len ? c->len : LOOP_RECORD_MAX - len;

        memcpy(room + len, c->ptr, n);
        len += n;
    }
    return sgl_view_of(room, len);
}

void stream_tls_send(struct stream *s)
{
    if (s->handshaking || s->broken)
        return;
    while (s->clear.len > 0 && s->wire.len < WIRE_ENOUGH) {
        sgl_view record = next_record(s);
        int r;

        ERR_clear_error();
        r = SSL_write(s->tls, record.ptr, (int)record.len);
        if (r <= 0) {
            if (SSL_get_error(s->tls, r) != SSL_ERROR_WANT_READ)
                fail(s);
            return;
        }
        out_consume(&s->clear, (size_t)r);
    }
}

void stream_tls_close_notify(struct stream *s)
{
    if (s->handshaking || s->broken)
        return;
    ERR_clear_error();
    (void)SSL_shutdown(s->tls);
    ERR_clear_error();
}
