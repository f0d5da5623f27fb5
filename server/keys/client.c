/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service's side.  One lock guards everything; it is never held while a callback runs.
 *
 *     DOWN       no socket: requests fail at once
 *     RELOADING  a new socket: keys that were loaded before are loaded again, requests wait
 *     UP         requests go out
 *
 * keys_reconnect() leads from any state to RELOADING; an end of file, an error, a broken frame or a silence to DOWN.  Only the client's loop
 * changes the state: another thread that meets an error marks the socket as broken and calls the loop.
 *
 * A request has a slot from submit to done.  On the client's own loop requests gather until the end of the turn; another thread writes
 * its request at once, which costs less than waking the loop would.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../log/log.h"
#include "keys.h"
#include "known.h"
#include "wire.h"

#define SLOTS                                                                                      \
    4096 /* requests that may wait, at 240 us each about a second of signing on one core */
#define RELOADS 64 /* keys loaded again at once */
#define PACKET_FRAMES                                                                              \
    4 /* a packet is one thread's work: few frames, so that threads share it out */
#define READS_PER_TURN 64
#define SILENCE_MS     60000 /* with a request waiting; an RSA-4096 key takes some seconds to make */
#define WATCH_S        10
#define NONE           UINT32_MAX

enum state { DOWN, RELOADING, UP };

struct slot {
    struct keys_op *op; /* NULL: a reload */
    uint64_t handle;    /* LOAD, GENERATE, IMPORT: the handle that was reserved */
    uint32_t round;     /* half of the id: an answer to an earlier user of the slot is not ours */
    uint32_t next;      /* free, or waiting to be written */
    bool busy, written;
};

struct fifo {
    uint32_t first, last;
    uint32_t count;
};

struct keys {
    struct loop *loop;
    pthread_mutex_t lock;
    enum state state;
    int fd;
    int next_fd; /* from keys_reconnect(), until the loop takes it */
    bool broken; /* another thread met an error */
    bool full;   /* the socket takes no more: the writable event continues */
    bool woken;
    struct loop_task wake;
    struct loop_later flush;
    struct event *readable, *writable, *watch;
    uint64_t heard_ms; /* of the last reply */
    struct slot slot[SLOTS];
    uint32_t free_slot;
    uint32_t in_use;
    struct fifo waiting, reloads;
    uint32_t unanswered_reloads;
    struct known_keys known;
    size_t reload_next;
};

/* ---- slots --------------------------------------------------------------------------------------------------------- */

static void fifo_add(struct keys *k, struct fifo *fifo, uint32_t i)
{
    k->slot[i].next = NONE;
    if (fifo->count++ == 0)
        fifo->first = i;
    else
        k->slot[fifo->last].next = i;
    fifo->last = i;
}

static uint32_t fifo_take(struct keys *k, struct fifo *fifo)
{
    uint32_t i = fifo->first;

    fifo->first = k->slot[i].next;
    fifo->count--;
    return i;
}

static uint32_t slot_take(struct keys *k, struct keys_op *op, uint64_t handle)
{
    uint32_t i = k->free_slot;

    if (i == NONE)
        return NONE;
    k->free_slot = k->slot[i].next;
    k->slot[i].op = op;
    k->slot[i].handle = handle;
    k->slot[i].round++;
    k->slot[i].busy = true;
    k->slot[i].written = false;
    k->in_use++;
    return i;
}

static void slot_give(struct keys *k, uint32_t i)
{
    k->slot[i].busy = false;
    k->slot[i].op = NULL;
    k->slot[i].next = k->free_slot;
    k->free_slot = i;
    k->in_use--;
}

/* ---- done ---------------------------------------------------------------------------------------------------------- */

static void run_done(struct loop_task *task)
{
    struct keys_op *op = (struct keys_op *)(void *)((char *)task - offsetof(struct keys_op, task));

    op->done(op);
}

static void post_done(struct keys_op *op, enum keys_result result)
{
    op->result = result;
    op->task.run = run_done;
    loop_post(op->loop, &op->task);
}

/* Ops linked by ->next; without the lock. Those of the client's own loop, which is the one we are on, need no posting. */
static void deliver(struct keys *k, struct keys_op *list)
{
    while (list != NULL) {
        struct keys_op *op = list;

        list = op->next;
        if (op->loop == k->loop)
            op->done(op);
        else
            post_done(op, op->result);
    }
}

/* ---- what to load again -------------------------------------------------------------------------------------------- */

/* Puts the next keys that have to be loaded again in line; with none left the client is up. */
static void queue_reloads(struct keys *k)
{
    while (k->unanswered_reloads < RELOADS && k->reload_next < k->known.count) {
        uint32_t i;

        if (!known_is(&k->known, k->reload_next + 1)) { /* it was asked for, and never came to be */
            k->reload_next++;
            continue;
        }
        i = slot_take(k, NULL, k->reload_next + 1);
        if (i == NONE)
            break;
        k->reload_next++;
        k->unanswered_reloads++;
        fifo_add(k, &k->reloads, i);
    }
    if (k->unanswered_reloads == 0 && k->state == RELOADING)
        k->state = UP;
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

/* space: of its bytes, where they do not stand in memory. */
static struct keys_frame frame_of(const struct keys *k, uint32_t i, uint8_t space[KNOWN_BYTES_MAX])
{
    const struct slot *s = &k->slot[i];
    struct keys_frame f = {.id = (uint64_t)s->round << 32 | i, .handle = s->handle};

    if (s->op == NULL) {
        /* One that cannot be read is asked for empty, and refused as a broken one is. */
        f.what = KEYS_LOAD;
        (void)known_get(&k->known, s->handle, space, &f.large, &f.small);
        return f;
    }
    f.what = (uint8_t)s->op->verb;
    f.algorithm = s->op->verb == KEYS_GENERATE ? (uint8_t)s->op->algorithm : 0;
    if (s->op->verb == KEYS_SIGN) {
        f.large = sgl_view_of(s->op->digest, sizeof s->op->digest);
    } else {
        f.small = s->op->context;
        f.large = s->op->in;
    }
    return f;
}

/* One packet from the front of the line; false: nothing went out, full or broken say why. */
static bool write_packet(struct keys *k, struct fifo *fifo, uint32_t frames)
{
    uint8_t packet[KEYS_PACKET_MAX], space[KNOWN_BYTES_MAX];
    size_t len = 0;
    uint32_t n = 0;
    ssize_t sent;

    for (uint32_t i = fifo->first; n < frames; i = k->slot[i].next) {
        struct keys_frame f = frame_of(k, i, space);

        if (keys_frame_size(&f) > sizeof packet - len)
            break;
        keys_frame_put(packet + len, &f);
        len += keys_frame_size(&f);
        n++;
    }
    do
        sent = send(k->fd, packet, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        k->full = errno == EAGAIN || errno == ENOBUFS;
        k->broken = !k->full;
        return false;
    }
    while (n-- > 0)
        k->slot[fifo_take(k, fifo)].written = true;
    return true;
}

static void write_all(struct keys *k)
{
    struct fifo *const fifos[] = {&k->reloads, &k->waiting};

    for (size_t i = 0; i < 2; i++) {
        struct fifo *fifo = fifos[i];

        if (k->state == DOWN || (fifo == &k->waiting && k->state != UP))
            return;
        while (fifo->count > 0 && !k->full && !k->broken) {
            uint32_t half = (fifo->count + 1) / 2;

            if (!write_packet(k, fifo, half < PACKET_FRAMES ? half : PACKET_FRAMES))
                break;
        }
    }
}

/* The loop is to look at what another thread found. */
static void wake(struct keys *k)
{
    if (k->woken)
        return;
    k->woken = true;
    loop_post(k->loop, &k->wake);
}

/* ---- up and down --------------------------------------------------------------------------------------------------- */

static void drop_events(struct keys *k)
{
    if (k->readable != NULL)
        event_free(k->readable);
    if (k->writable != NULL)
        event_free(k->writable);
    k->readable = k->writable = NULL;
}

/* Everything that waits has failed; returns it, linked. */
static struct keys_op *go_down(struct keys *k)
{
    struct keys_op *failed = NULL;

    drop_events(k);
    if (k->fd >= 0)
        close(k->fd);
    k->fd = -1;
    k->state = DOWN;
    k->broken = k->full = false;
    k->waiting = k->reloads = (struct fifo){0};
    k->unanswered_reloads = 0;
    for (uint32_t i = 0; k->in_use > 0 && i < SLOTS; i++) {
        struct keys_op *op = k->slot[i].op;

        if (!k->slot[i].busy)
            continue;
        if (op != NULL) {
            op->result = KEYS_DOWN;
            op->next = failed;
            failed = op;
        }
        slot_give(k, i);
    }
    return failed;
}

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

/* Takes the socket into use. */
static void go_up(struct keys *k, int fd)
{
    struct event_base *base = loop_base(k->loop);

    k->fd = fd;
    k->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, k);
    k->writable = event_new(base, fd, EV_WRITE, on_writable, k);
    if (k->readable == NULL || k->writable == NULL || event_add(k->readable, NULL) != 0) {
        (void)go_down(
            k); /* nothing waits yet; the supervisor sees the other end closed and starts again */
        return;
    }
    k->heard_ms = clock_mono_ms();
    k->state = RELOADING;
    k->reload_next = 0;
    queue_reloads(k);
    write_all(k);
}

/* On the client's loop: whatever is to be done now. */
static void attend(struct keys *k)
{
    struct keys_op *failed = NULL;

    pthread_mutex_lock(&k->lock);
    if (k->broken || k->next_fd >= 0)
        failed = go_down(k);
    if (k->next_fd >= 0) {
        go_up(k, k->next_fd);
        k->next_fd = -1;
    }
    write_all(k);
    if (k->broken)
        wake(k);
    else if (k->full && k->writable != NULL)
        (void)event_add(k->writable, NULL);
    pthread_mutex_unlock(&k->lock);
    deliver(k, failed);
}

static void on_wake(struct loop_task *task)
{
    struct keys *k = (struct keys *)(void *)((char *)task - offsetof(struct keys, wake));

    pthread_mutex_lock(&k->lock);
    k->woken = false;
    pthread_mutex_unlock(&k->lock);
    attend(k);
}

static void on_flush(struct loop_later *later)
{
    attend((struct keys *)(void *)((char *)later - offsetof(struct keys, flush)));
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct keys *k = arg;

    (void)fd, (void)what;
    pthread_mutex_lock(&k->lock);
    k->full = false;
    pthread_mutex_unlock(&k->lock);
    attend(k);
}

/* A process that holds requests and says nothing is as good as dead: its socket is closed, and the supervisor starts another. */
static void on_watch(evutil_socket_t fd, short what, void *arg)
{
    struct keys *k = arg;

    (void)fd, (void)what;
    pthread_mutex_lock(&k->lock);
    if (k->in_use == 0)
        k->heard_ms = clock_mono_ms();
    else if (k->state != DOWN && clock_mono_ms() - k->heard_ms > SILENCE_MS)
        k->broken = true;
    pthread_mutex_unlock(&k->lock);
    attend(k);
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

static void take_output(struct keys_op *op, const struct keys_frame *reply)
{
    if (reply->large.len > 0)
        memcpy(op->out, reply->large.ptr, reply->large.len);
    op->out_len = reply->large.len;
    if (reply->small.len > 0)
        memcpy(op->public_key, reply->small.ptr, reply->small.len);
    op->public_len = reply->small.len;
}

/* What a good reply means for the request. */
static enum keys_result accept_reply(struct keys *k, const struct slot *s,
                                     const struct keys_frame *reply)
{
    struct keys_op *op = s->op;

    take_output(op, reply);
    if (op->verb != KEYS_GENERATE && op->verb != KEYS_IMPORT && op->verb != KEYS_LOAD)
        return KEYS_OK;
    op->handle = s->handle;
    op->algorithm = (enum keys_algorithm)reply->algorithm;
    return known_keep(&k->known, s->handle, op->verb == KEYS_LOAD ? op->in : reply->large,
                      op->context)
               ? KEYS_OK
               : KEYS_BUSY;
}

/* false: no answer to anything that was asked. */
static bool take_reply(struct keys *k, const struct keys_frame *reply, struct keys_op ***tail)
{
    uint32_t i = (uint32_t)reply->id;
    struct slot *s = &k->slot[i < SLOTS ? i : 0];
    struct keys_op *op = s->op;

    if (i >= SLOTS || !s->busy || !s->written || s->round != (uint32_t)(reply->id >> 32) ||
        reply->what > KEYS_REFUSED || reply->algorithm > KEYS_ES256)
        return false;
    if (op == NULL) {
        k->unanswered_reloads--;
        if (reply->what != KEYS_OK)
            log_line(LOG_ERROR_, "key cannot be loaded again", LOG_INT("handle", s->handle));
        slot_give(k, i);
        return true;
    }
    op->result = reply->what == KEYS_OK ? accept_reply(k, s, reply) : KEYS_REFUSED;
    op->next = NULL;
    **tail = op;
    *tail = &op->next;
    slot_give(k, i);
    return true;
}

/* Reads one packet; false: no more for now, or broken. */
static bool read_packet(struct keys *k, struct keys_op ***tail)
{
    uint8_t bytes[KEYS_PACKET_MAX];
    struct keys_frame reply;
    sgl_view packet;
    ssize_t n = recv(k->fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    k->broken = n <= 0;
    for (packet = sgl_view_of(bytes, n > 0 ? (size_t)n : 0); packet.len > 0 && !k->broken;)
        k->broken = !keys_frame_take(&packet, &reply) || !take_reply(k, &reply, tail);
    return !k->broken;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct keys *k = arg;
    struct keys_op *done = NULL, **tail = &done;
    bool more = true;

    (void)fd, (void)what;
    pthread_mutex_lock(&k->lock);
    for (int i = 0; more && i < READS_PER_TURN && k->fd >= 0; i++)
        more = read_packet(k, &tail);
    k->heard_ms = clock_mono_ms();
    if (k->state == RELOADING && !k->broken)
        queue_reloads(k);
    pthread_mutex_unlock(&k->lock);
    deliver(k, done);
    attend(k);
}

/* ---- the calls ----------------------------------------------------------------------------------------------------- */

static bool fits(const struct keys_op *op)
{
    return op->verb == KEYS_SIGN ||
           (op->context.len <= KEYS_CONTEXT_MAX && op->in.len <= KEYS_DATA_MAX);
}

/* Gives the request a slot, or says why not. */
static enum keys_result enqueue(struct keys *k, struct keys_op *op)
{
    bool makes_key = op->verb == KEYS_GENERATE || op->verb == KEYS_IMPORT || op->verb == KEYS_LOAD;
    uint64_t handle = op->verb == KEYS_SIGN ? op->handle : 0;
    uint32_t i;

    if (!fits(op))
        return KEYS_REFUSED;
    if (k->state == DOWN || k->broken)
        return KEYS_DOWN;
    if (k->free_slot == NONE)
        return KEYS_BUSY;
    if (makes_key && (handle = known_reserve(&k->known)) == 0)
        return KEYS_BUSY;
    i = slot_take(k, op, handle);
    fifo_add(k, &k->waiting, i);
    return KEYS_OK;
}

void keys_submit(struct keys *k, struct keys_op *op)
{
    enum keys_result result;

    op->out_len = op->public_len = 0;
    pthread_mutex_lock(&k->lock);
    result = enqueue(k, op);
    if (result == KEYS_OK && op->loop == k->loop && loop_is_current(k->loop)) {
        loop_later(k->loop, &k->flush);
    } else if (result == KEYS_OK) {
        write_all(k);
        if (k->full || k->broken)
            wake(k);
    }
    pthread_mutex_unlock(&k->lock);
    if (result != KEYS_OK)
        post_done(op, result);
}

void keys_spill(struct keys *k, struct scratch *file)
{
    k->known.file = file;
}

void keys_reconnect(struct keys *k, int fd)
{
    pthread_mutex_lock(&k->lock);
    if (k->next_fd >= 0)
        close(k->next_fd);
    k->next_fd = fd;
    wake(k);
    pthread_mutex_unlock(&k->lock);
}

struct keys *keys_new(struct loop *loop, int fd)
{
    static const struct timeval watch = {WATCH_S, 0};
    struct keys *k = calloc(1, sizeof *k);

    if (k == NULL)
        return NULL;
    k->loop = loop;
    k->fd = k->next_fd = -1;
    k->wake.run = on_wake;
    k->flush.run = on_flush;
    pthread_mutex_init(&k->lock, NULL);
    for (uint32_t i = 0; i < SLOTS; i++)
        k->slot[i].next = i + 1 < SLOTS ? i + 1 : NONE;
    k->watch = event_new(loop_base(loop), -1, EV_PERSIST, on_watch, k);
    if (k->watch == NULL || event_add(k->watch, &watch) != 0) {
        keys_free(k);
        return NULL;
    }
    if (fd >= 0)
        go_up(k, fd);
    return k;
}

void keys_free(struct keys *k)
{
    if (k == NULL)
        return;
    loop_later_cancel(&k->flush);
    drop_events(k);
    if (k->watch != NULL)
        event_free(k->watch);
    if (k->fd >= 0)
        close(k->fd);
    if (k->next_fd >= 0)
        close(k->next_fd);
    known_done(&k->known);
    pthread_mutex_destroy(&k->lock);
    free(k);
}
