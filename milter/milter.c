/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first process: reads, forks, waits.
 *
 *   SIGHUP            everything is read again; what is good goes to the worker, a mistake is logged
 *   SIGTERM, SIGINT   the worker is told to end; a second one does not wait for it
 *   the worker ends   so do we
 */
#include "milter.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../server/log/log.h"
#include "process.h"
#include "trim.h"

struct parent {
    const char *path;
    const struct sgl_crypto *crypto;
    int signals, control;
    pid_t worker;
    bool stopping;
};

static struct edition *read_everything(const struct sgl_crypto *crypto, const char *path,
                                       struct sgl_buf *bundle, char *why, size_t why_size)
{
    struct files files = {0};
    struct edition *g = edition_read(crypto, path, &files, why, why_size);

    if (g != NULL && bundle != NULL && !files_put(&files, bundle)) {
        snprintf(why, why_size, "%s: out of memory", path);
        edition_unref(g);
        g = NULL;
    }
    files_done(&files);
    return g;
}

bool milter_check(const char *path, char *why, size_t why_size)
{
    struct sgl_crypto *crypto = sgl_crypto_new();
    struct edition *g = NULL;

    if (crypto == NULL)
        snprintf(why, why_size, "%s: out of memory", path);
    else
        g = read_everything(crypto, path, NULL, why, why_size);
    edition_unref(g);
    sgl_crypto_free(crypto);
    return g != NULL;
}

/* ---- orders ----------------------------------------------------------------------------------------------------------- */

static bool send_all(int fd, sgl_view bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes = sgl_view_from(bytes, (size_t)n);
    }
    return true;
}

static bool send_order(int fd, uint8_t order, sgl_view bytes)
{
    uint8_t head[ORDER_HEAD] = {order, (uint8_t)(bytes.len >> 24), (uint8_t)(bytes.len >> 16),
                                (uint8_t)(bytes.len >> 8), (uint8_t)bytes.len};

    return send_all(fd, sgl_view_of(head, sizeof head)) && send_all(fd, bytes);
}

static void reload(struct parent *p)
{
    struct sgl_buf bundle = SGL_BUF_INIT(FILES_BUNDLE_MAX);
    char why[600] = "";
    struct edition *g = read_everything(p->crypto, p->path, &bundle, why, sizeof why);

    if (g == NULL)
        log_line(LOG_WARN_, "configuration not reloaded: what ran goes on", LOG_STR("why", why));
    else if (!send_order(p->control, ORDER_RELOAD, sgl_buf_view(&bundle)))
        log_line(LOG_ERROR_, "configuration not reloaded: the worker does not listen");
    edition_unref(g);
    if (bundle.data != NULL)
        sgl_wipe(bundle.data, bundle.cap);
    sgl_buf_done(&bundle);
    trim_memory();
}

static void on_signal(struct parent *p)
{
    struct signalfd_siginfo info;

    if (read(p->signals, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (info.ssi_signo == SIGHUP) {
        reload(p);
    } else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) {
        if (p->stopping)
            kill(p->worker, SIGKILL);
        p->stopping = true;
        (void)send_order(p->control, ORDER_STOP, sgl_view_of(NULL, 0));
    }
}

/* ---- life ------------------------------------------------------------------------------------------------------------- */

static bool watch_signals(struct parent *p, sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGCHLD);
    p->signals = sigprocmask(SIG_BLOCK, set, NULL) == 0 ? signalfd(-1, set, SFD_CLOEXEC) : -1;
    return p->signals >= 0;
}

static bool fork_worker(struct parent *p, struct edition *g, const sigset_t *set)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    p->worker = fork();
    if (p->worker == 0) {
        close(ends[0]);
        close(p->signals);
        sigprocmask(SIG_UNBLOCK, set, NULL);
        worker_run(ends[1], p->crypto, g);
    }
    close(ends[1]);
    p->control = ends[0];
    return p->worker > 0;
}

/* The exit status, when there is one. */
static bool worker_ended(const struct parent *p, int *status)
{
    return waitpid(p->worker, status, WNOHANG) == p->worker;
}

static int wait_for_end(struct parent *p)
{
    int status = 0;

    while (!worker_ended(p, &status)) {
        struct pollfd fd = {.fd = p->signals, .events = POLLIN};

        if (poll(&fd, 1, -1) > 0)
            on_signal(p);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        return WEXITSTATUS(status);
    if (p->stopping)
        return 0;
    log_line(LOG_ERROR_, "the worker ended by itself",
             LOG_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0));
    return 3;
}

/* Only a worker that was ready had it; who found it taken leaves it alone. */
static void remove_socket(const struct parent *p, const char *where)
{
    const char *path = strchr(where, ':');
    char byte;

    if (path != NULL && path[1] == '/' && recv(p->control, &byte, 1, MSG_DONTWAIT) == 1)
        (void)unlink(path + 1);
}

int milter_run(const char *path, char *why, size_t why_size)
{
    struct parent p = {.path = path, .crypto = sgl_crypto_new(), .signals = -1, .control = -1};
    struct edition *g = NULL;
    char where[128] = "";
    sigset_t set;
    int status = 2;

    why[0] = '\0';
    if (p.crypto != NULL)
        g = read_everything(p.crypto, path, NULL, why, why_size);
    if (g != NULL) {
        snprintf(where, sizeof where, "%s", g->settings->socket);
        if (watch_signals(&p, &set) && fork_worker(&p, g, &set)) {
            edition_unref(g); /* the worker has it; keys do not stay here */
            trim_memory();
            status = wait_for_end(&p);
            remove_socket(&p, where);
        } else {
            snprintf(why, why_size, "%s: %s", path, strerror(errno));
            edition_unref(g);
        }
    }
    if (p.control >= 0)
        close(p.control);
    if (p.signals >= 0)
        close(p.signals);
    sgl_crypto_free((struct sgl_crypto *)(uintptr_t)p.crypto);
    return status;
}
