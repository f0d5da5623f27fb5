/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libunbound on a loop of its own, which runs while answers are waited for.
 *
 * Not every name server passes signatures on: behind one that drops them every signed name would look forged, behind one that does not know
 * the root nothing could be validated.  So the root is asked first.  When its answer can't be validated, and nobody insists on a trust
 * anchor, the answers are taken as they come: insecure, and the caller can see it (unvalidated).
 */
#include "lookup.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../server/loop/loop.h"
#include "../server/resolver/resolver.h"

#define RESOLV_CONF      "/etc/resolv.conf"
#define RESOLV_CONF_MAX  65536
#define FORWARDS_MAX     8
#define FORWARD_SIZE     64
#define TIMEOUT_DEFAULT  20
#define TIMEOUT_MAX      3600
#define PROBE_MS         3000
#define PROGRESS_AFTER_S 2
#define PROGRESS_NAME    40 /* of the name that is waited for: the line must fit 80 columns */

struct lookup_driver {
    struct loop *loop;
    struct resolver *resolver;
    struct resolver_fill fill;
    struct event *progress;
    const struct lookup *lookup;
    unsigned seconds; /* waited in this fill */
    bool shown;
    char forward[FORWARDS_MAX][FORWARD_SIZE];
    const char *forwards[FORWARDS_MAX];
    size_t forwards_count;
};

/* ---- options ---- */

/* "ADDR" or "ADDR@PORT". */
static bool forward_ok(sgl_view text)
{
    sgl_view port, address = sgl_view_split(text, '@', &port);
    struct sgl_ip ip;
    uint64_t n = 53;

    if (port.ptr != NULL && (!sgl_view_u64(port, 65535, &n) || n == 0))
        return false;
    return sgl_ip_parse(address, &ip) == SGL_OK && text.len < FORWARD_SIZE;
}

static bool resolvers_ok(const struct cli *c, int *status)
{
    const char *value;

    for (size_t n = 0; (value = cli_nth(c, "--resolver", n)) != NULL; n++) {
        if (forward_ok(sgl_view_cstr(value)) && n < FORWARDS_MAX)
            continue;
        *status = n == FORWARDS_MAX
                      ? cli_error(CLI_USAGE, "--resolver", "at most %d can be given", FORWARDS_MAX)
                      : cli_error(CLI_USAGE, "--resolver",
                                  "must be an IP address, or ADDRESS@PORT: 192.0.2.1@53");
        return false;
    }
    return true;
}

static bool take_timeout(struct lookup *l, const struct cli *c, int *status)
{
    const char *value = cli_text(c, "--timeout");
    uint64_t seconds = TIMEOUT_DEFAULT;

    if (value != NULL &&
        (!sgl_view_u64(sgl_view_cstr(value), TIMEOUT_MAX, &seconds) || seconds == 0)) {
        *status =
            cli_error(CLI_USAGE, "--timeout", "must be a number of seconds, 1 to %d", TIMEOUT_MAX);
        return false;
    }
    l->ends_ms = clock_mono_ms() + seconds * 1000;
    return true;
}

bool lookup_now(const struct cli *c, sgl_time *now, int *status)
{
    const char *value = cli_text(c, "--now");
    uint64_t seconds;

    if (value == NULL) {
        *now = clock_now_s();
        return true;
    }
    if (!sgl_view_u64(sgl_view_cstr(value), INT64_MAX / 2, &seconds)) {
        *status = cli_error(CLI_USAGE, "--now", "must be a Unix time: seconds since 1970");
        return false;
    }
    *now = (sgl_time)seconds;
    return true;
}

/* ---- who is asked ---- */

static void add_forward(struct lookup_driver *d, sgl_view text)
{
    if (d->forwards_count == FORWARDS_MAX || !forward_ok(text))
        return;
    memcpy(d->forward[d->forwards_count], text.ptr, text.len);
    d->forwards[d->forwards_count] = d->forward[d->forwards_count];
    d->forwards_count++;
}

/* The name servers of resolv.conf(5); where it names none, that is the one of this machine. */
static void add_system(struct lookup_driver *d)
{
    sgl_auto(sgl_buf) file = SGL_BUF_INIT(RESOLV_CONF_MAX);
    FILE *f = fopen(RESOLV_CONF, "re");
    char line[1024];
    sgl_view rest;

    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        sgl_buf_add_cstr(&file, line);
    if (f != NULL)
        fclose(f);
    rest = sgl_buf_view(&file);
    while (rest.len > 0) {
        sgl_view words = sgl_view_trim(sgl_view_split(rest, '\n', &rest)), value;
        size_t end;

        if (!sgl_view_starts(words, SGL_LIT("nameserver")) || words.len < 11 ||
            (words.ptr[10] != ' ' && words.ptr[10] != '\t'))
            continue;
        value = sgl_view_trim(sgl_view_from(words, 10));
        for (end = 0; end < value.len && strchr(" \t#;", value.ptr[end]) == NULL; end++)
            ;
        add_forward(d, sgl_view_sub(value, 0, end));
    }
    if (d->forwards_count == 0)
        add_forward(d, SGL_LIT("127.0.0.1"));
}

static void choose_forwards(struct lookup_driver *d, const struct cli *c)
{
    const char *value;

    for (size_t n = 0; (value = cli_nth(c, "--resolver", n)) != NULL; n++)
        add_forward(d, sgl_view_cstr(value));
    if (d->forwards_count == 0)
        add_system(d);
}

static struct resolver *make_resolver(struct lookup_driver *d, const struct cli *c, bool validate,
                                      char *why, size_t why_size)
{
    struct resolver_config config = {.forward = d->forwards,
                                     .forwards = d->forwards_count,
                                     .trust_anchor = cli_text(c, "--trust-anchor"),
                                     .unvalidated = !validate,
                                     .loopback_allowed = true};

    return resolver_new(d->loop, &config, why, why_size);
}

/* ---- waiting ---- */

static void on_done(struct resolver_fill *fill)
{
    struct lookup_driver *d =
        (struct lookup_driver *)((char *)fill - offsetof(struct lookup_driver, fill));

    loop_stop(d->loop);
}

static void on_progress(evutil_socket_t fd, short what, void *arg)
{
    struct lookup_driver *d = arg;
    const struct sgl_dns_question *q = sgl_dns_next_open(d->fill.dns, NULL);
    uint64_t now = clock_mono_ms(), left = d->lookup->ends_ms > now ? d->lookup->ends_ms - now : 0;
    size_t others = sgl_dns_open(d->fill.dns);
    sgl_view name;

    (void)fd;
    (void)what;
    if (++d->seconds < PROGRESS_AFTER_S || q == NULL)
        return;
    d->shown = true;
    name = sgl_name_is_root(q->name) ? SGL_LIT(".") : q->name.text;
    fprintf(stderr, "\r\033[Kwaiting for DNS: %s %.*s%s", sgl_rr_name(q->type),
            name.len > PROGRESS_NAME ? PROGRESS_NAME : (int)name.len, (const char *)name.ptr,
            name.len > PROGRESS_NAME ? "..." : "");
    if (others > 1)
        fprintf(stderr, " and %zu more", others - 1);
    fprintf(stderr, ", %llu s left", (unsigned long long)((left + 999) / 1000));
    fflush(stderr);
}

/* Until dns has no open question, or the time is over. */
static void run_fill(struct lookup_driver *d, struct sgl_dns *dns, uint64_t timeout_ms)
{
    struct timeval second = {1, 0};

    d->fill.dns = dns;
    d->fill.timeout_ms = timeout_ms;
    d->fill.done = on_done;
    d->shown = false;
    d->seconds = 0;
    if (isatty(STDERR_FILENO))
        d->progress = event_new(loop_base(d->loop), -1, EV_PERSIST, on_progress, d);
    if (d->progress != NULL)
        event_add(d->progress, &second);
    resolver_fill(d->resolver, &d->fill);
    loop_run(d->loop);
    if (d->progress != NULL)
        event_free(d->progress);
    d->progress = NULL;
    if (d->shown)
        fprintf(stderr, "\r\033[K");
}

static uint64_t time_left(const struct lookup *l)
{
    uint64_t now = clock_mono_ms();

    return l->ends_ms > now ? l->ends_ms - now : 0;
}

/* Can what these name servers say be validated?  The root is signed: its answer tells. */
static bool root_is_secure(struct lookup *l)
{
    struct sgl_name root = {sgl_view_of("", 0)};
    const struct sgl_dns_answer *answer;
    uint64_t left = time_left(l);
    struct sgl_dns probe;
    bool secure = false;

    sgl_dns_init(&probe, 1);
    if (sgl_dns_get(&probe, root, SGL_RR_A, &answer) == SGL_NEED_DNS)
        run_fill(l->driver, &probe, left < PROBE_MS ? left : PROBE_MS);
    if (sgl_dns_get(&probe, root, SGL_RR_A, &answer) == SGL_OK)
        secure = answer->security == SGL_DNS_SECURE;
    sgl_dns_done(&probe);
    return secure;
}

/* ---- the driver's life ---- */

static void driver_free(struct lookup_driver *d)
{
    if (d == NULL)
        return;
    resolver_free(d->resolver);
    if (d->loop != NULL)
        loop_free(d->loop);
    free(d);
}

static bool driver_new(struct lookup *l, char *why, size_t why_size)
{
    struct lookup_driver *d = calloc(1, sizeof(*d));

    snprintf(why, why_size, "out of memory");
    if (d != NULL)
        d->loop = loop_new("lookup");
    if (d == NULL || d->loop == NULL) {
        driver_free(d);
        return false;
    }
    d->lookup = l;
    choose_forwards(d, l->c);
    d->resolver = make_resolver(d, l->c, true, why, why_size);
    if (d->resolver == NULL) {
        driver_free(d);
        return false;
    }
    l->driver = d;
    return true;
}

/* What the resolver says of a mistake, without its own name in front. */
static const char *without_prefix(const char *why)
{
    static const char prefix[] = "resolver: ";

    return strncmp(why, prefix, sizeof(prefix) - 1) == 0 ? why + sizeof(prefix) - 1 : why;
}

/* With the first question: a resolver whose answers can be used. */
static bool driver_ready(struct lookup *l)
{
    char why[200];

    if (l->driver == NULL && !driver_new(l, why, sizeof(why))) {
        if (!l->broken)
            cli_error(CLI_UNKNOWN, "DNS", "%s", without_prefix(why));
        l->broken = true;
        return false;
    }
    if (l->probed)
        return true;
    l->probed = true;
    if (cli_text(l->c, "--trust-anchor") != NULL || root_is_secure(l))
        return true;
    l->unvalidated = true;
    resolver_free(l->driver->resolver);
    l->driver->resolver = make_resolver(l->driver, l->c, false, why, sizeof(why));
    if (l->driver->resolver != NULL)
        return true;
    driver_free(l->driver);
    l->driver = NULL;
    l->broken = true;
    cli_error(CLI_UNKNOWN, "DNS", "%s", without_prefix(why));
    return false;
}

bool lookup_init(struct lookup *l, const struct cli *c, size_t questions, int *status)
{
    char why[200];

    memset(l, 0, sizeof(*l));
    l->c = c;
    if (!resolvers_ok(c, status) || !take_timeout(l, c, status))
        return false;
    if (cli_text(c, "--trust-anchor") != NULL && !driver_new(l, why, sizeof(why))) {
        *status = cli_error(CLI_USAGE, "--trust-anchor", "%s", without_prefix(why));
        return false;
    }
    sgl_dns_init(&l->dns, questions);
    return true;
}

void lookup_fill(struct lookup *l)
{
    size_t open = sgl_dns_open(&l->dns);

    if (l->broken || time_left(l) == 0 || !driver_ready(l) || time_left(l) == 0) {
        l->failures += (unsigned)open;
        sgl_dns_fail_open(&l->dns, l->broken ? "no resolver" : "no answer in time");
        return;
    }
    run_fill(l->driver, &l->dns, time_left(l));
    l->failures += (unsigned)l->driver->fill.failed;
}

void lookup_reset(struct lookup *l)
{
    sgl_dns_reset(&l->dns);
}

void lookup_done(struct lookup *l)
{
    sgl_dns_done(&l->dns);
    driver_free(l->driver);
    l->driver = NULL;
}
