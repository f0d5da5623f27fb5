/* SPDX-License-Identifier: Apache-2.0 */
#include "service.h"

#include <event2/event.h>
#include <malloc.h>
#include <openssl/ssl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../log/log.h"
#include "service_internal.h"

#define LARGE              (2 * 1024 * 1024)
#define DESCRIPTORS_WANTED 1048576
#define TIDY_EVERY_S       60

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    if (geteuid() == 0 && limit.rlim_max < DESCRIPTORS_WANTED) {
        struct rlimit more = {DESCRIPTORS_WANTED, DESCRIPTORS_WANTED};

        if (setrlimit(RLIMIT_NOFILE, &more) == 0)
            return;
    }
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void libevent_says(int severity, const char *text)
{
    log_line(severity >= EVENT_LOG_WARN ? LOG_WARN_ : LOG_DEBUG_, "libevent",
             LOG_STR("text", text));
}

/* What libraries set up once, while files and system calls are still open to them. */
static bool prepare_libraries(const struct service_setup *setup, char *why, size_t why_size)
{
    uint8_t some[16];

    tzset();
    mallopt(M_ARENA_MAX,
            4); /* as many threads are busy at once; more arenas keep more free memory apart */
    /* A large message is memory of its own, which goes back when it is gone; left to itself, malloc keeps it from the first one on, in pieces. */
    mallopt(M_MMAP_THRESHOLD, LARGE);
    mallopt(M_TRIM_THRESHOLD, 2 * LARGE);
    setenv("SQLITE_TMPDIR", setup->store, 1);
    event_set_log_callback(libevent_says);
    if (OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, NULL) != 1 || sodium_init() < 0) {
        snprintf(why, why_size, "cryptography does not start");
        return false;
    }
    randombytes_buf(some, sizeof(some)); /* opens its source */
    return true;
}

static bool give_up_rights(const struct service_setup *setup, char *why, size_t why_size)
{
    struct sandbox_files files = {setup->store, setup->config};
    int abi = 0;

    if (!sandbox_user_become(setup->user, why, why_size) ||
        !sandbox_enter_service(&files, &abi, why, why_size))
        return false;
    if (abi == 0)
        log_line(LOG_WARN_,
                 "this kernel has no Landlock: files are guarded by the user's rights alone");
    return true;
}

void service_set_log_level(const char *word)
{
    static const char *const words[] = {"debug", "info", "warn", "error"};

    for (int i = 0; i < 4; i++)
        if (strcmp(word, words[i]) == 0)
            log_set_level((enum log_level)i);
}

/* What is over is forgotten, and free memory goes back to the system when a peak has passed. */
static void tidy(evutil_socket_t fd, short what, void *arg)
{
    struct service *s = arg;

    (void)fd;
    (void)what;
    directory_sweep(s->directory);
    certs_tend(s->certs, clock_now_s());
    malloc_trim(1024 * 1024);
}

static bool start(struct service *s, char *why, size_t why_size)
{
    struct timeval every = {TIDY_EVERY_S, 0};

    service_set_log_level(s->config->log_level);
    if (!prepare_libraries(s->setup, why, why_size))
        return false;
    raise_descriptor_limit();
    if (!give_up_rights(s->setup, why, why_size) || !service_build(s, why, why_size))
        return false;
    service_metrics(s);
    s->tidy_event = event_new(loop_base(s->main), -1, EV_PERSIST, tidy, s);
    if (s->tidy_event == NULL || event_add(s->tidy_event, &every) != 0 ||
        !service_listen_to_supervisor(s) || !service_start_loops(s)) {
        snprintf(why, why_size, "can't start threads");
        return false;
    }
    return true;
}

int service_run(const struct service_setup *setup)
{
    struct service *s = calloc(1, sizeof(*s));
    char why[500] = "out of memory";
    uint64_t began = clock_mono_ms();

    if (s == NULL)
        return 1;
    s->setup = setup;
    s->config = setup->config;
    if (!start(s, why, sizeof(why))) {
        log_line(LOG_ERROR_, "service can't start", LOG_STR("why", why));
        return 1; /* the process ends here: nothing needs taking apart */
    }
    service_note_start(s);
    certs_tend(s->certs, clock_now_s());
    log_line(LOG_INFO_, "serving", LOG_INT("ms", (int64_t)(clock_mono_ms() - began)),
             LOG_INT("doors", s->doors));
    control_send(setup->control, CONTROL_READY, -1, NULL);
    loop_run(s->main);
    service_end(s);
    log_line(LOG_INFO_, "service ended", LOG_INT("status", s->status));
    return s->status;
}
