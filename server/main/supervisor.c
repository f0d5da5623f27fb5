/* SPDX-License-Identifier: Apache-2.0 */
/* Opens what needs rights, then waits: for signals, for the word of the service, for the time to start a child again. */
#include "supervisor_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../keys/keys.h"
#include "../log/log.h"

#define LOCK_WAIT_MS   10000
#define DRAIN_EXTRA_MS 5000 /* beyond drain_timeout, then SIGKILL */

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

static void on_message(struct supervisor *s, const struct control_message *m)
{
    if (m->fd >= 0)
        close(m->fd);
    switch (m->kind) {
    case CONTROL_READY:
        s->ever_ready = true;
        break;
    case CONTROL_RELOADED:
        supervisor_reloaded(s);
        break;
    case CONTROL_REFUSED:
        supervisor_reload_refused(s, m->text);
        break;
    case CONTROL_KEYS:
    case CONTROL_RELOAD:
    case CONTROL_CERTIFICATES:
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
            supervisor_reload(s);
        else
            supervisor_reap(s);
    }
}

/* ---- life ---- */

static int wait_ms(const struct supervisor *s)
{
    uint64_t now = clock_mono_ms(), at = 0, look = watch_due_ms(s->watch);

    if (s->draining)
        at = s->kill_ms;
    else if (s->service.pid == 0)
        at = s->service.restart_ms;
    else if (s->keys.pid == 0)
        at = s->keys.restart_ms;
    if (!s->draining && s->next == NULL && (at == 0 || look < at))
        at = look;
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
            supervisor_start(s);
    } else if (s->keys.pid == 0 && s->keys.restart_ms > 0 && now >= s->keys.restart_ms) {
        supervisor_start_keys(s);
    }
    if (now >= watch_due_ms(s->watch))
        supervisor_look(s);
}

static void watch(struct supervisor *s)
{
    while (!s->over) {
        /* a descriptor that is negative is passed over; changes of files wait while a reload is under way */
        struct pollfd p[3] = {
            {s->signals, POLLIN, 0},
            {s->control, POLLIN, 0},
            {s->draining || s->next != NULL ? -1 : watch_fd(s->watch), POLLIN, 0}};
        struct control_message m;
        int n = poll(p, 3, wait_ms(s));

        if (n < 0 && errno != EINTR)
            break;
        while (s->control >= 0 && control_receive(s->control, &m) == 1)
            on_message(s, &m);
        on_signals(s);
        if (s->control >= 0 && (p[1].revents & (POLLHUP | POLLERR)) != 0)
            supervisor_reap(s); /* its end is closed: the signal is on its way */
        if ((p[2].revents & POLLIN) != 0)
            supervisor_look(s);
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
    s->watch = watch_new();
    if (s->watch == NULL) {
        snprintf(why, why_size, "out of memory");
        return false;
    }
    watch_begin(s->watch, s->config, clock_mono_ms());
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
        .config = config, .lock = -1, .signals = -1, .control = -1, .sockets = {NULL, 0, -1, -1}};
    char why[500];

    if (!open_all(&s, why, sizeof(why))) {
        fprintf(stderr, "sigillo: serve: %s\n", why);
        sockets_close(&s.sockets);
        watch_free(s.watch);
        config_unref(config);
        return 1;
    }
    log_doors(&s);
    supervisor_start(&s);
    watch(&s);
    supervisor_end_keys(&s);
    unlink(s.config->admin_socket);
    if (s.config->local.socket != NULL)
        unlink(s.config->local.socket);
    if (s.config->metadata.socket != NULL)
        unlink(s.config->metadata.socket);
    sockets_close(&s.sockets);
    close(s.lock);
    close(s.signals);
    watch_free(s.watch);
    config_unref(s.config);
    log_line(LOG_INFO_, "ended", LOG_INT("status", s.status));
    return s.status;
}
