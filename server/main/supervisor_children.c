/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States of a child:  down --(restart_at)--> up --(death)--> down.  A keys process without its service is of no use, so the service's death takes it along; the service outlives
 * the keys process and is given the socket of the next one.
 */
#include "supervisor_internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../keys/keys.h"
#include "../log/log.h"
#include "service.h"

#define BACKOFF_MAX_MS   5000
#define BACKOFF_STEP_MS  50
#define LIVED_LONG_MS    5000 /* a child that lived so long starts again at once */
#define KEYS_THREADS_MAX 64

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
    watch_free(s->watch);
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
void supervisor_start(struct supervisor *s)
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

void supervisor_start_keys(struct supervisor *s)
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

void supervisor_end_keys(struct supervisor *s)
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
    supervisor_end_keys(s);
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

void supervisor_reap(struct supervisor *s)
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
