/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States of a child:  down --(restart_at)--> up --(death)--> down.  A keys process without its service is of no use, so the service's death takes it along; the service outlives
 * the keys process and is given the socket of the next one.
 */
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../keys/keys.h"
#include "../log/log.h"
#include "../loop/tls.h"
#include "control.h"
#include "service.h"

#define LOCK_WAIT_MS     10000
#define BACKOFF_MAX_MS   5000
#define BACKOFF_STEP_MS  50
#define LIVED_LONG_MS    5000 /* a child that lived so long starts again at once */
#define DRAIN_EXTRA_MS   5000 /* beyond drain_timeout, then SIGKILL */
#define KEYS_THREADS_MAX 64

struct child {
    pid_t pid;                       /* 0: down */
    uint64_t started_ms, restart_ms; /* restart_ms 0: not waiting */
    unsigned failures;
};

struct supervisor {
    struct config *config;
    struct sandbox_user user;
    struct bound_sockets sockets;
    struct state_paths paths;
    int lock, signals, control; /* control -1: no service */
    struct child keys, service;
    struct config *next; /* handed to the service, its answer is awaited */
    bool ever_ready, draining, over;
    uint64_t kill_ms; /* when draining ends */
    int status;
};

/* ---- children ---- */

static void child_begin(const char *name)
{
    sigset_t none;

    sigemptyset(&none);
    signal(SIGTERM,
           SIG_IGN); /* whoever signals the whole group means the supervisor, which tells us */
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_NAME, name, 0, 0, 0);
}

static void run_keys(struct supervisor *s, int fd)
{
    uint8_t master[32];
    char why[300];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int status = 1;

    child_begin("sigillo-keys");
    sockets_close(&s->sockets);
    close(s->signals);
    if (s->control >= 0)
        close(s->control);
    if (keys_master_load(s->paths.master_key, master, why, sizeof(why)) &&
        sandbox_user_become(&s->user, why, sizeof(why)))
        status = keys_process(fd, master,
                              (unsigned)(cores < 1                  ? 1
                                         : cores > KEYS_THREADS_MAX ? KEYS_THREADS_MAX
                                                                    : cores));
    else
        log_line(LOG_ERROR_, "keys process can't start", LOG_STR("why", why));
    _exit(status);
}

static void run_service(struct supervisor *s, int control, int keys)
{
    struct service_setup setup = {.config = s->config,
                                  .user = &s->user,
                                  .sockets = &s->sockets,
                                  .store = s->paths.store,
                                  .owner = getuid(),
                                  .control = control,
                                  .keys = keys};

    child_begin("sigillo-service");
    close(s->signals);
    _exit(service_run(&setup));
}

static void note_failure(struct child *c)
{
    uint64_t now = clock_mono_ms();
    uint64_t wait;

    if (now - c->started_ms >= LIVED_LONG_MS)
        c->failures = 0;
    wait = c->failures == 0 ? 0 : (uint64_t)BACKOFF_STEP_MS << (c->failures > 7 ? 7 : c->failures);
    c->failures++;
    c->pid = 0;
    c->restart_ms = now + (wait > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : wait);
    if (c->restart_ms == 0)
        c->restart_ms = 1;
}

static void started(struct child *c, pid_t pid)
{
    c->pid = pid;
    c->started_ms = clock_mono_ms();
    c->restart_ms = 0;
}

/* A new keys process; the service's end of its socket, or -1. */
static int start_keys(struct supervisor *s)
{
    int fd[2];
    pid_t pid;

    if (!keys_socketpair(fd))
        return -1;
    pid = fork();
    if (pid == 0) {
        close(fd[0]);
        run_keys(s, fd[1]);
    }
    close(fd[1]);
    if (pid < 0) {
        close(fd[0]);
        return -1;
    }
    started(&s->keys, pid);
    log_line(LOG_INFO_, "keys process started", LOG_INT("pid", pid));
    return fd[0];
}

static bool start_service(struct supervisor *s, int keys)
{
    int control[2];
    pid_t pid;

    if (!control_pair(control))
        return false;
    pid = fork();
    if (pid == 0) {
        close(control[0]);
        run_service(s, control[1], keys);
    }
    close(control[1]);
    if (pid < 0) {
        close(control[0]);
        return false;
    }
    s->control = control[0];
    started(&s->service, pid);
    log_line(LOG_INFO_, "service started", LOG_INT("pid", pid));
    return true;
}

/* Both, or neither. */
static void start_both(struct supervisor *s)
{
    int keys = start_keys(s);
    bool good = keys >= 0 && start_service(s, keys);

    if (keys >= 0)
        close(keys);
    if (good)
        return;
    log_line(LOG_ERROR_, "can't start a process", LOG_STR("why", strerror(errno)));
    note_failure(&s->service);
}

static void start_keys_again(struct supervisor *s)
{
    int fd = start_keys(s);

    if (fd < 0) {
        note_failure(&s->keys);
        return;
    }
    if (!control_send(s->control, CONTROL_KEYS, fd, NULL))
        log_line(LOG_WARN_, "the service does not take the new keys process");
    close(fd);
}

static void log_death(const char *who, pid_t pid, int status)
{
    log_line(LOG_WARN_, who, LOG_INT("pid", pid),
             LOG_INT("status", WIFEXITED(status) ? WEXITSTATUS(status) : -1),
             LOG_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0));
}

static void end_keys(struct supervisor *s)
{
    if (s->keys.pid > 0) {
        kill(s->keys.pid, SIGKILL);
        waitpid(s->keys.pid, NULL, 0);
    }
    s->keys.pid = 0;
    s->keys.restart_ms = 0;
}

static void service_died(struct supervisor *s, int status)
{
    pid_t pid = s->service.pid;

    close(s->control);
    s->control = -1;
    config_unref(s->next);
    s->next = NULL;
    end_keys(s);
    s->service.pid = 0;
    if (s->draining) {
        s->over = true;
        s->status = WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
        if (s->status != 0)
            log_death("service died while draining", pid, status);
        return;
    }
    log_death("service died", pid, status);
    note_failure(&s->service);
    if (!s->ever_ready &&
        WIFEXITED(status)) { /* it has said why; trying again would say it again */
        s->over = true;
        s->status = 1;
    }
}

static void reap(struct supervisor *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == s->service.pid) {
            service_died(s, status);
        } else if (pid == s->keys.pid) {
            if (!s->draining || s->service.pid == 0)
                log_death("keys process died", pid, status);
            note_failure(&s->keys);
        }
    }
}

/* ---- signals ---- */

static void begin_drain(struct supervisor *s)
{
    if (s->draining || s->service.pid == 0) {
        log_line(LOG_WARN_, "ending at once");
        if (s->service.pid > 0)
            kill(s->service.pid, SIGKILL);
        s->draining = true;
        s->over = s->service.pid == 0;
        return;
    }
    log_line(LOG_INFO_, "draining", LOG_INT("at_most_s", s->config->drain_s));
    s->draining = true;
    s->kill_ms = clock_mono_ms() + (uint64_t)s->config->drain_s * 1000 + DRAIN_EXTRA_MS;
    if (!control_send(s->control, CONTROL_DRAIN, -1, NULL))
        kill(s->service.pid, SIGKILL);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* NULL, or the door that is not as it was: sockets are bound once. */
static const char *moved_door(const struct config *a, const struct config *b)
{
    if (a->listens != b->listens)
        return "listen";
    for (size_t i = 0; i < a->listens; i++) {
        const struct config_listen *x = &a->listen[i], *y = &b->listen[i];

        if (!same_text(x->name, y->name) || x->door != y->door || x->tls != y->tls ||
            x->addresses != y->addresses)
            return y->name;
        for (size_t j = 0; j < x->addresses; j++)
            if (!same_text(x->address[j].text, y->address[j].text))
                return y->name;
    }
    return NULL;
}

static bool same_servers(const struct config *a, const struct config *b)
{
    if (a->resolver.forwards != b->resolver.forwards)
        return false;
    for (size_t i = 0; i < a->resolver.forwards; i++)
        if (!same_text(a->resolver.forward[i].text, b->resolver.forward[i].text))
            return false;
    return true;
}

/* Keys that count at the next start only. */
static void warn_of_restart_keys(const struct config *a, const struct config *b)
{
    const struct {
        const char *key;
        bool same;
    } rows[] = {
        {"hostname", same_text(a->hostname, b->hostname)},
        {"state_dir", same_text(a->state_dir, b->state_dir)},
        {"user", same_text(a->user, b->user)},
        {"admin_socket", same_text(a->admin_socket, b->admin_socket)},
        {"door_loops", a->door_loops == b->door_loops},
        {"workers", a->workers == b->workers},
        {"limits.message_size", a->limits.message_size == b->limits.message_size},
        {"limits.recipients", a->limits.recipients == b->limits.recipients},
        {"limits.memory", a->limits.memory == b->limits.memory},
        {"resolver.forward", same_servers(a, b)},
        {"resolver.root_hints", same_text(a->resolver.root_hints, b->resolver.root_hints)},
        {"resolver.trust_anchor", same_text(a->resolver.trust_anchor, b->resolver.trust_anchor)},
        {"resolver.cache", a->resolver.cache == b->resolver.cache},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (!rows[i].same)
            log_line(LOG_WARN_, "this change counts after a restart", LOG_STR("key", rows[i].key));
}

static int memory_file(sgl_view bytes)
{
    int fd = memfd_create("configuration", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return -1;
    for (size_t done = 0; done < bytes.len;) {
        ssize_t n = write(fd, bytes.ptr + done, bytes.len - done);

        if (n <= 0) {
            close(fd);
            return -1;
        }
        done += (size_t)n;
    }
    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
    return fd;
}

static void refuse_reload(const char *why)
{
    log_line(LOG_ERROR_, "configuration refused, the old one stays", LOG_STR("why", why));
}

static void reload(struct supervisor *s)
{
    char why[500];
    struct sandbox_user user;
    struct config *next;
    const char *door;
    int fd = -1;

    if (s->draining || s->service.pid == 0 || s->next != NULL) {
        refuse_reload("the service is not able to take one now");
        return;
    }
    next = config_load(s->config->path, why, sizeof(why));
    if (next == NULL) {
        refuse_reload(why);
        return;
    }
    door = moved_door(s->config, next);
    if (door != NULL) {
        snprintf(why, sizeof(why), "%s: listen %s: adding or moving a door needs a restart",
                 next->path, door);
        refuse_reload(why);
    } else if (!supervisor_check(next, &user, why, sizeof(why))) {
        refuse_reload(why);
    } else {
        fd = memory_file(next->handover);
        if (fd < 0 || !control_send(s->control, CONTROL_RELOAD, fd, next->path))
            refuse_reload("can't hand it to the service");
        else
            s->next = config_ref(next);
    }
    if (fd >= 0)
        close(fd);
    config_unref(next);
}

static void on_message(struct supervisor *s, const struct control_message *m)
{
    if (m->fd >= 0)
        close(m->fd);
    switch (m->kind) {
    case CONTROL_READY:
        s->ever_ready = true;
        break;
    case CONTROL_RELOADED:
        if (s->next == NULL)
            break;
        warn_of_restart_keys(s->config, s->next);
        config_unref(s->config);
        s->config = s->next;
        s->next = NULL;
        log_line(LOG_INFO_, "configuration reloaded", LOG_STR("file", s->config->path));
        break;
    case CONTROL_REFUSED:
        refuse_reload(m->text);
        config_unref(s->next);
        s->next = NULL;
        break;
    case CONTROL_KEYS:
    case CONTROL_RELOAD:
    case CONTROL_DRAIN:
        break; /* not its to say */
    }
}

static void on_signals(struct supervisor *s)
{
    struct signalfd_siginfo info;

    while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            begin_drain(s);
        else if (info.ssi_signo == SIGHUP)
            reload(s);
        else
            reap(s);
    }
}

/* ---- life ---- */

static int wait_ms(const struct supervisor *s)
{
    uint64_t now = clock_mono_ms(), at = 0;

    if (s->draining)
        at = s->kill_ms;
    else if (s->service.pid == 0)
        at = s->service.restart_ms;
    else if (s->keys.pid == 0)
        at = s->keys.restart_ms;
    if (at == 0)
        return -1;
    return at <= now ? 0 : (int)(at - now);
}

static void on_time(struct supervisor *s)
{
    uint64_t now = clock_mono_ms();

    if (s->draining) {
        if (s->kill_ms > 0 && now >= s->kill_ms && s->service.pid > 0) {
            log_line(LOG_WARN_, "draining takes too long");
            kill(s->service.pid, SIGKILL);
            s->kill_ms = 0;
        }
    } else if (s->service.pid == 0) {
        if (s->service.restart_ms > 0 && now >= s->service.restart_ms)
            start_both(s);
    } else if (s->keys.pid == 0 && s->keys.restart_ms > 0 && now >= s->keys.restart_ms) {
        start_keys_again(s);
    }
}

static void watch(struct supervisor *s)
{
    while (!s->over) {
        struct pollfd p[2] = {{s->signals, POLLIN, 0}, {s->control, POLLIN, 0}};
        struct control_message m;
        int n = poll(p, s->control >= 0 ? 2 : 1, wait_ms(s));

        if (n < 0 && errno != EINTR)
            break;
        while (s->control >= 0 && control_receive(s->control, &m) == 1)
            on_message(s, &m);
        on_signals(s);
        if (s->control >= 0 && (p[1].revents & (POLLHUP | POLLERR)) != 0)
            reap(s); /* its end is closed: the signal is on its way */
        on_time(s);
    }
}

static bool catch_signals(struct supervisor *s)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    signal(SIGPIPE, SIG_IGN);
    s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return s->signals >= 0 && sigprocmask(SIG_BLOCK, &set, NULL) == 0;
}

static bool open_all(struct supervisor *s, char *why, size_t why_size)
{
    uint8_t master[32];

    if (!supervisor_check(s->config, &s->user, why, why_size) ||
        !state_paths(s->config, &s->paths, why, why_size))
        return false;
    s->lock = state_open(s->config, &s->user, LOCK_WAIT_MS, why, why_size);
    if (s->lock < 0 || !keys_master_load(s->paths.master_key, master, why, why_size))
        return false;
    explicit_bzero(master, sizeof(master));
    if (!sockets_bind(s->config, &s->user, &s->sockets, why, why_size))
        return false;
    if (catch_signals(s))
        return true;
    snprintf(why, why_size, "signals: %s", strerror(errno));
    return false;
}

static void log_doors(const struct supervisor *s)
{
    static const char *const tls[] = {"plain", "starttls", "implicit"};

    for (size_t i = 0; i < s->config->listens; i++) {
        const struct config_listen *l = &s->config->listen[i];

        for (size_t j = 0; j < l->addresses; j++)
            log_line(LOG_INFO_, "listening", LOG_STR("door", l->name),
                     LOG_STR("speaks", l->door == DOOR_HTTP ? "http" : "smtp"),
                     LOG_STR("address", l->address[j].text), LOG_STR("tls", tls[l->tls]));
    }
}

int supervisor_run(struct config *config)
{
    struct supervisor s = {
        .config = config, .lock = -1, .signals = -1, .control = -1, .sockets = {NULL, 0, -1}};
    char why[500];

    if (!open_all(&s, why, sizeof(why))) {
        fprintf(stderr, "sigillo: serve: %s\n", why);
        sockets_close(&s.sockets);
        config_unref(config);
        return 1;
    }
    log_doors(&s);
    start_both(&s);
    watch(&s);
    end_keys(&s);
    unlink(s.config->admin_socket);
    sockets_close(&s.sockets);
    close(s.lock);
    close(s.signals);
    config_unref(s.config);
    log_line(LOG_INFO_, "ended", LOG_INT("status", s.status));
    return s.status;
}
