/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the supervisor asks for.
 *
 * Drain:   doors (no new sessions; those under way finish) -> queue (hands out nothing; what is out comes back) -> delivery (quits) -> the main loop ends.
 * Reload:  parse and check on the main loop -> delivery and queue on the outgoing loop -> doors; the first step that refuses leaves all as it was.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../directory/hmac.h"
#include "../log/log.h"
#include "service_internal.h"

#define ORPHAN_DRAIN_S                                                                             \
    2 /* the supervisor is gone: nobody waits for us, and another one may want our place */
#define HTTP_LOOK_MS 10
#define HANDOVER_MAX (16u * 1024u * 1024u)

/* ---- drain ---- */

struct door_drain { /* one HTTP shell */
    struct drain *drain;
    struct http *http;
    struct loop *loop;
    struct event *timer;
    struct loop_task begin, told;
};

struct drain {
    struct service *service;
    unsigned doors_left; /* HTTP shells, and the two doors that speak SMTP */
    struct event *deadline;
    struct loop_task submission_told, inbound_told, queue_begin, all_told;
    struct door_drain door[];
};

#define OWNER(type, member, ptr) ((struct type *)((char *)(ptr)-offsetof(struct type, member)))

static void finish(struct service *s, const char *how)
{
    log_line(LOG_INFO_, "drained", LOG_STR("how", how));
    loop_stop(s->main);
}

static void on_all_told(struct loop_task *task)
{
    finish(OWNER(drain, all_told, task)->service, "nothing was left");
}

static void on_delivery_drained(void *ctx)
{
    struct drain *d = ctx;

    d->all_told.run = on_all_told;
    loop_post(d->service->main, &d->all_told);
}

static void on_queue_drained(void *ctx)
{
    struct drain *d = ctx;

    delivery_drain(d->service->delivery, on_delivery_drained, d);
}

static void on_queue_begin(struct loop_task *task)
{
    struct drain *d = OWNER(drain, queue_begin, task);

    queue_drain(d->service->queue, on_queue_drained, d);
}

static void door_done(struct drain *d)
{
    if (--d->doors_left > 0)
        return;
    d->queue_begin.run = on_queue_begin;
    loop_post(d->service->outgoing, &d->queue_begin);
}

static void on_submission_told(struct loop_task *task)
{
    door_done(OWNER(drain, submission_told, task));
}

static void on_submission_drained(void *ctx)
{
    struct drain *d = ctx;

    d->submission_told.run = on_submission_told;
    loop_post(d->service->main, &d->submission_told);
}

static void on_inbound_told(struct loop_task *task)
{
    door_done(OWNER(drain, inbound_told, task));
}

static void on_inbound_drained(void *ctx)
{
    struct drain *d = ctx;

    d->inbound_told.run = on_inbound_told;
    loop_post(d->service->main, &d->inbound_told);
}

static void on_http_told(struct loop_task *task)
{
    door_done(OWNER(door_drain, told, task)->drain);
}

static void look_at_http(evutil_socket_t fd, short what, void *arg)
{
    struct door_drain *door = arg;

    (void)fd;
    (void)what;
    if (http_busy(door->http) > 0)
        return;
    event_free(door->timer);
    door->told.run = on_http_told;
    loop_post(door->drain->service->main, &door->told);
}

static void on_http_begin(struct loop_task *task)
{
    struct door_drain *door = OWNER(door_drain, begin, task);
    struct timeval every = {0, HTTP_LOOK_MS * 1000};

    http_drain(door->http);
    door->timer = event_new(loop_base(door->loop), -1, EV_PERSIST, look_at_http, door);
    if (door->timer != NULL)
        event_add(door->timer, &every); /* without memory for it the deadline ends the drain */
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    finish(arg, "time is up");
}

static void begin_drain(struct service *s, unsigned seconds)
{
    struct timeval limit = {seconds, 0};
    struct drain *d;

    if (atomic_exchange(&s->draining, true))
        return;
    service_note(s, "server stop", "");
    d = calloc(1, sizeof(*d) + s->doors * sizeof(d->door[0]));
    s->drain = d;
    if (d == NULL ||
        (d->deadline = event_new(loop_base(s->main), -1, EV_TIMEOUT, on_deadline, s)) == NULL ||
        event_add(d->deadline, &limit) != 0) {
        finish(s, "out of memory");
        return;
    }
    d->service = s;
    d->doors_left = s->doors + 2;
    for (unsigned i = 0; i < s->doors; i++) {
        d->door[i] = (struct door_drain){.drain = d, .http = s->http[i], .loop = s->door[i]};
        d->door[i].begin.run = on_http_begin;
        loop_post(s->door[i], &d->door[i].begin);
    }
    submission_drain(s->submission, on_submission_drained, d);
    inbound_drain(s->inbound, on_inbound_drained, d);
}

/* ---- reload ---- */

struct reload {
    struct service *service;
    struct config *next;
    struct loop_task task;
    bool refused;
    char why[300];
};

static void end_reload(struct service *s, struct reload *r)
{
    if (r->refused) {
        service_note_reload(s, NULL, r->why);
        control_send(s->setup->control, CONTROL_REFUSED, -1, r->why);
    } else {
        control_send(s->setup->control, CONTROL_RELOADED, -1, NULL);
    }
    config_unref(r->refused ? r->next : NULL);
    s->reload = NULL;
    free(r);
}

/* Last step, on the main loop: nothing can refuse any more. */
static void apply(struct loop_task *task)
{
    struct reload *r = OWNER(reload, task, task);
    struct service *s = r->service;
    struct admission_config admission;

    if (r->refused) {
        end_reload(s, r);
        return;
    }
    admission = service_admission_config(s, r->next);
    admission_reconfigure(s->admission, &admission);
    if (!service_configure_limits(s->limits, r->next))
        log_line(LOG_ERROR_, "out of memory: the limit profiles stay as they were");
    if (!guard_configure(s->guard, r->next))
        log_line(LOG_ERROR_, "out of memory: the guard of bulk mail stays as it was");
    if (!reputation_configure(s->reputation, r->next))
        log_line(LOG_ERROR_, "out of memory: the rules of reputation stay as they were");
    returns_reconfigure(s->returns, r->next);
    service_configure_suppression(s, r->next);
    directory_exact_local_parts(s->directory, r->next->sender_exact);
    directory_accounts_max(s->directory, r->next->limits.accounts);
    directory_hmac_window(s->directory, r->next->limits.signature_window_s);
    certs_offer(s->certs, r->next);
    submission_reload(s->submission, r->next);
    service_reload_inbound(s, r->next);
    atomic_store(&s->admin.config, r->next);
    service_set_log_level(r->next->log_level);
    service_note_reload(s, r->next, NULL);
    if (s->previous != s->setup->config) /* rooms keep pointers into the first one */
        config_unref(s->previous);
    s->previous = s->config;
    s->config = r->next;
    end_reload(s, r);
}

/* The same roots as delivery has. Without memory those of before stay, which believe no more than they did. */
static void reconfigure_https(struct service *s, const struct config *c)
{
    struct https_config to_all = service_https_config(c, HTTPS_PUBLIC),
                        within = service_https_config(c, HTTPS_PRIVATE),
                        anywhere = service_https_config(c, HTTPS_LOOPBACK);

    if (!https_reconfigure(s->sts_https, &to_all) ||
        !https_reconfigure(s->reports_https, &to_all) ||
        !https_reconfigure(s->webhook_https, &to_all) ||
        !https_reconfigure(s->webhook_inside, &anywhere) ||
        !https_reconfigure(s->federation->https, &within))
        log_line(LOG_ERROR_, "out of memory: delivery.ca_file stays as it was for HTTPS");
}

static void reconfigure_sending(struct loop_task *task)
{
    struct reload *r = OWNER(reload, task, task);
    struct service *s = r->service;

    r->refused = !delivery_reconfigure(s->delivery, r->next, r->why, sizeof(r->why));
    if (!r->refused) {
        struct queue_config qc;

        service_queue_config(r->next, &qc);
        queue_reconfigure(s->queue, &qc);
        setup_reconfigure(s->domain_setup, r->next);
        reports_reconfigure(s->reports, r->next);
        reconfigure_https(s, r->next);
    }
    r->task.run = apply;
    loop_post(s->main, &r->task);
}

static struct config *read_handover(int fd, const char *path, char *why, size_t why_size)
{
    struct stat st;
    struct config *c = NULL;
    uint8_t *bytes = NULL;

    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size <= HANDOVER_MAX)
        bytes = malloc((size_t)st.st_size);
    if (bytes != NULL && pread(fd, bytes, (size_t)st.st_size, 0) == st.st_size)
        c = config_from_handover(sgl_view_of(bytes, (size_t)st.st_size), path, why, why_size);
    if (bytes != NULL)
        explicit_bzero(bytes, (size_t)st.st_size);
    free(bytes);
    return c;
}

static void begin_reload(struct service *s, const struct control_message *m)
{
    struct reload *r =
        s->reload == NULL && !atomic_load(&s->draining) ? calloc(1, sizeof(*r)) : NULL;

    if (r == NULL) {
        service_note_reload(s, NULL, "the service can't take one now");
        control_send(s->setup->control, CONTROL_REFUSED, -1, "the service can't take one now");
        return;
    }
    s->reload = r;
    r->service = s;
    snprintf(r->why, sizeof(r->why), "the handover can't be read");
    r->next = read_handover(m->fd, m->text, r->why, sizeof(r->why));
    r->refused = r->next == NULL || !certs_check(r->next, r->why, sizeof(r->why));
    if (r->refused) {
        end_reload(s, r);
        return;
    }
    r->task.run = reconfigure_sending;
    loop_post(s->outgoing, &r->task);
}

/* ---- new files of certificates ---- */

static void take_certificates(struct service *s, const struct control_message *m)
{
    char why[300] = "the handover can't be read";
    struct config *c = read_handover(m->fd, m->text, why, sizeof(why));

    if (c != NULL)
        certs_offer(s->certs, c);
    else
        log_line(LOG_ERROR_, "certificates not taken", LOG_STR("why", why));
    config_unref(c);
}

/* ---- the socket ---- */

static void on_control(evutil_socket_t fd, short what, void *arg)
{
    struct service *s = arg;
    struct control_message m;
    int got;

    (void)what;
    while ((got = control_receive(fd, &m)) == 1) {
        switch (m.kind) {
        case CONTROL_KEYS:
            if (m.fd >= 0)
                keys_reconnect(s->keys, m.fd);
            m.fd = -1;
            break;
        case CONTROL_RELOAD:
            begin_reload(s, &m);
            break;
        case CONTROL_CERTIFICATES:
            take_certificates(s, &m);
            break;
        case CONTROL_DRAIN:
            begin_drain(s, s->config->drain_s);
            break;
        case CONTROL_REFUSED:
            service_note_reload(s, NULL, m.text);
            break;
        case CONTROL_READY:
        case CONTROL_RELOADED:
            break; /* not its to say */
        }
        if (m.fd >= 0)
            close(m.fd);
    }
    if (got == 0)
        return;
    event_del(s->control_event);
    if (!atomic_load(&s->draining))
        log_line(LOG_ERROR_, "the supervisor is gone");
    begin_drain(s, ORPHAN_DRAIN_S);
}

bool service_listen_to_supervisor(struct service *s)
{
    s->control_event =
        event_new(loop_base(s->main), s->setup->control, EV_READ | EV_PERSIST, on_control, s);
    return s->control_event != NULL && event_add(s->control_event, NULL) == 0;
}
