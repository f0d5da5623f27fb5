/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys process.  Its threads all read from the one socket: a packet of requests belongs to the thread that read it, and so does the
 * packet of replies.  So a request alone costs one read and one write, and no thread ever wakes another.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keys.h"
#include "sandbox.h"
#include "sigillo/crypto.h"
#include "vault.h"

#define EXIT_START    1
#define EXIT_PROTOCOL 3
#define THREADS_MAX   64
#define STACK_SIZE    (512u * 1024u)

struct process {
    int fd;
    struct vault *vault;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    unsigned ready; /* threads that have made the system calls of their start */
    bool open;      /* the filter is in place */
};

struct worker {
    struct process *process;
    uint8_t in[KEYS_PACKET_MAX], out[KEYS_PACKET_MAX];
    size_t out_len;
    struct vault_space space;
};

bool keys_socketpair(int fd[2])
{
    int flags;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) != 0)
        return false;
    flags = fcntl(fd[0], F_GETFL);
    if (flags >= 0 && fcntl(fd[0], F_SETFL, flags | O_NONBLOCK) == 0)
        return true;
    close(fd[0]);
    close(fd[1]);
    return false;
}

/* false: the other end has gone. */
static bool flush(struct worker *w)
{
    ssize_t n = 0;

    if (w->out_len > 0) {
        do
            n = write(w->process->fd, w->out, w->out_len);
        while (n < 0 && errno == EINTR);
    }
    w->out_len = 0;
    return n >= 0;
}

static bool answer(struct worker *w, sgl_view packet)
{
    while (packet.len > 0) {
        struct keys_frame request, reply;

        if (!keys_frame_take(&packet, &request))
            _exit(EXIT_PROTOCOL);
        vault_answer(w->process->vault, &request, &w->space, &reply);
        if (keys_frame_size(&reply) > sizeof w->out - w->out_len && !flush(w))
            return false;
        keys_frame_put(w->out + w->out_len, &reply);
        w->out_len += keys_frame_size(&reply);
        if (request.what == KEYS_OPEN)
            sgl_wipe(w->space.large, sizeof w->space.large);
    }
    return flush(w);
}

/* The filter falls on all threads at once, so each must have finished starting: what a thread does then is not allowed any more. */
static void wait_for_filter(struct process *p)
{
    pthread_mutex_lock(&p->lock);
    p->ready++;
    pthread_cond_broadcast(&p->moved);
    while (!p->open)
        pthread_cond_wait(&p->moved, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

/* With `started` threads, this one included. */
static void enter_filter(struct process *p, unsigned started)
{
    pthread_mutex_lock(&p->lock);
    while (p->ready + 1 < started)
        pthread_cond_wait(&p->moved, &p->lock);
    if (!sandbox_enter())
        _exit(EXIT_START);
    p->open = true;
    pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
}

static void *serve(void *arg)
{
    struct worker *w = arg;
    ssize_t n;

    wait_for_filter(w->process);
    for (;;) {
        n = read(w->process->fd, w->in, sizeof w->in);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || !answer(w, sgl_view_of(w->in, (size_t)n)))
            return NULL;
    }
}

/* Starts all but the first worker, which is the calling thread's. Returns how many run. */
static unsigned start_threads(pthread_t *thread, struct worker *worker, unsigned count)
{
    pthread_attr_t attr;
    unsigned started = 1;

    if (pthread_attr_init(&attr) != 0)
        return started;
    (void)pthread_attr_setstacksize(&attr, STACK_SIZE);
    while (started < count && pthread_create(&thread[started], &attr, serve, &worker[started]) == 0)
        started++;
    pthread_attr_destroy(&attr);
    return started;
}

static void ignore_signals(void)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        (void)signal(ignored[i], SIG_IGN);
}

/* All but the standard ones and our own: listeners, the store, the service's end of this very socket. */
static void close_others(int fd)
{
    if (fd > 3)
        (void)close_range(3, (unsigned)fd - 1, 0);
    (void)close_range(fd < 3 ? 3 : (unsigned)fd + 1, ~0u, 0);
}

int keys_process(int fd, const uint8_t master[32], unsigned threads)
{
    struct process process = {
        .fd = fd, .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    pthread_t thread[THREADS_MAX];
    struct worker *worker;
    unsigned count = threads < 1 ? 1 : threads > THREADS_MAX ? THREADS_MAX : threads;

    ignore_signals();
    close_others(fd);
    if (!sandbox_hide_memory() || (process.vault = vault_new(master)) == NULL)
        return EXIT_START;
    worker = calloc(count, sizeof *worker);
    if (worker == NULL)
        return EXIT_START;
    for (unsigned i = 0; i < count; i++)
        worker[i].process = &process;
    count = start_threads(thread, worker, count);
    enter_filter(&process, count);
    serve(&worker[0]);
    for (unsigned i = 1; i < count; i++)
        pthread_join(thread[i], NULL);
    sgl_wipe(worker, count * sizeof *worker);
    free(worker);
    vault_free(process.vault);
    return 0;
}
