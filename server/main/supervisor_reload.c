/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration again: read, compared with what runs, handed to the service as a sealed memory file, and in force when the service says so. */
#include "supervisor_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../log/log.h"
#include "../loop/loop.h"
#include "control.h"

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

static bool same_addresses(const struct config *a, const struct config *b)
{
    if (a->metadata.addresses != b->metadata.addresses)
        return false;
    for (size_t i = 0; i < a->metadata.addresses; i++)
        if (!same_text(a->metadata.address[i].text, b->metadata.address[i].text))
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
        {"public_url", same_text(a->public_url, b->public_url)},
        {"state_dir", same_text(a->state_dir, b->state_dir)},
        {"user", same_text(a->user, b->user)},
        {"admin_socket", same_text(a->admin_socket, b->admin_socket)},
        {"local.socket", same_text(a->local.socket, b->local.socket)},
        {"metadata.listen", same_addresses(a, b)},
        {"metadata.socket", same_text(a->metadata.socket, b->metadata.socket)},
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

static void log_refusal(const char *why)
{
    log_line(LOG_ERROR_, "configuration refused, the old one stays", LOG_STR("why", why));
}

/* The service has the store, and so the audit. */
static void refuse_reload(const struct supervisor *s, const char *why)
{
    log_refusal(why);
    if (s->control >= 0)
        (void)control_send(s->control, CONTROL_REFUSED, -1, why);
}

void supervisor_reload(struct supervisor *s)
{
    char why[500];
    struct sandbox_user user;
    struct config *next;
    const char *door;
    int fd = -1;

    if (s->draining || s->service.pid == 0 || s->next != NULL) {
        refuse_reload(s, "the service is not able to take one now");
        return;
    }
    next = config_load(s->config->path, why, sizeof(why));
    if (next == NULL) {
        refuse_reload(s, why);
        return;
    }
    door = moved_door(s->config, next);
    if (door != NULL) {
        snprintf(why, sizeof(why), "%s: listen %s: adding or moving a door needs a restart",
                 next->path, door);
        refuse_reload(s, why);
    } else if (!supervisor_check(next, &user, why, sizeof(why))) {
        refuse_reload(s, why);
    } else {
        fd = memory_file(next->handover);
        if (fd < 0 || !control_send(s->control, CONTROL_RELOAD, fd, next->path))
            refuse_reload(s, "can't hand it to the service");
        else
            s->next = config_ref(next);
    }
    if (fd >= 0)
        close(fd);
    config_unref(next);
}

/* A service that is down gets them when it starts. */
static void hand_over_certificates(struct supervisor *s)
{
    int fd = s->control >= 0 ? memory_file(s->config->handover) : -1;

    if (s->control >= 0 &&
        (fd < 0 || !control_send(s->control, CONTROL_CERTIFICATES, fd, s->config->path)))
        log_line(LOG_ERROR_, "certificates not taken",
                 LOG_STR("why", "can't hand them to the service"));
    if (fd >= 0)
        close(fd);
}

void supervisor_look(struct supervisor *s)
{
    struct config *fresh;
    char why[500];

    if (s->draining || s->next != NULL ||
        !watch_look(s->watch, s->config, clock_mono_ms())) /* a reload reads them, too */
        return;
    fresh = config_refresh(s->config, watch_is_ready, s->watch, why, sizeof(why));
    watch_took(s->watch);
    if (fresh == NULL) {
        log_line(LOG_WARN_, "certificates not taken", LOG_STR("why", why));
        watch_begin(s->watch, s->config, clock_mono_ms());
        return;
    }
    config_unref(s->config);
    s->config = fresh;
    hand_over_certificates(s);
}

void supervisor_reloaded(struct supervisor *s)
{
    if (s->next == NULL)
        return;
    warn_of_restart_keys(s->config, s->next);
    config_unref(s->config);
    s->config = s->next;
    s->next = NULL;
    watch_begin(s->watch, s->config, clock_mono_ms());
    log_line(LOG_INFO_, "configuration reloaded", LOG_STR("file", s->config->path));
}

void supervisor_reload_refused(struct supervisor *s, const char *why)
{
    log_refusal(why);
    config_unref(s->next);
    s->next = NULL;
}
