/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo tls-policy: a small server beside Postfix. */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../server/https/https.h"
#include "../server/log/log.h"
#include "../server/loop/tls.h"
#include "../server/resolver/resolver.h"
#include "../server/sts/sts.h"
#include "../server/tls_policy/tls_policy.h"
#include "cli.h"
#include "verbs.h"

#define STATE_DEFAULT   "/var/lib/sigillo-tls-policy"
#define LISTEN_MAX      8
#define FORWARDS_MAX    8
#define WORKERS         2
#define WORKERS_WAIT    4096
#define INLINE_MAX      (128 * 1024)
#define GROUP_MAX       512
#define STORE_WAITING   20000
#define TIMEOUT_DEFAULT 30 /* Postfix itself waits for 100 s */
#define TIMEOUT_MAX     90
#define RESOLVE_MS      10000
#define DRAIN_S         10

struct serving {
    const struct cli *c;
    uint64_t timeout_ms;
    const char *ca;
    int lock;
    char folder[3000];
    struct loop *loop;
    struct resolver *resolver;
    struct store *store;
    struct workers *workers;
    struct https *https;
    struct sts *sts;
    struct tls_policy *room;
    struct event *signals[3], *drain;
    size_t listening;
    bool draining;
};

/* ---- what was given ---- */

static bool take_options(struct serving *s, int *status)
{
    const char *timeout = cli_text(s->c, "--timeout");
    uint64_t seconds = TIMEOUT_DEFAULT;

    s->ca = cli_text(s->c, "--ca") != NULL ? cli_text(s->c, "--ca") : tls_system_ca_file();
    *status = CLI_USAGE;
    if (cli_nth(s->c, "--listen", 0) == NULL)
        cli_error(CLI_USAGE, "--listen", "say where: unix:PATH or inet:ADDRESS:PORT");
    else if (cli_nth(s->c, "--listen", LISTEN_MAX) != NULL)
        cli_error(CLI_USAGE, "--listen", "at most %d can be given", LISTEN_MAX);
    else if (cli_nth(s->c, "--resolver", FORWARDS_MAX) != NULL)
        cli_error(CLI_USAGE, "--resolver", "at most %d can be given", FORWARDS_MAX);
    else if (timeout != NULL &&
             (!sgl_view_u64(sgl_view_cstr(timeout), TIMEOUT_MAX, &seconds) || seconds == 0))
        cli_error(CLI_USAGE, "--timeout", "must be a number of seconds, 1 to %d", TIMEOUT_MAX);
    else if (access(s->ca, R_OK) != 0)
        cli_error(CLI_USAGE, "--ca", "%s can't be read", s->ca);
    else
        *status = CLI_YES;
    s->timeout_ms = seconds * 1000;
    return *status == CLI_YES;
}

/* ---- the state ---- */

static bool make_folder(const char *path)
{
    struct stat st;

    return mkdir(path, 0700) == 0 ||
           (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

/* As a server has it: DIR/lock, DIR/store. Two at once, or a server there, are refused. */
static bool open_state(struct serving *s, int *status)
{
    const char *dir = cli_text(s->c, "--state") != NULL ? cli_text(s->c, "--state") : STATE_DEFAULT;
    struct store_config config = {.folder = s->folder,
                                  .inline_max = INLINE_MAX,
                                  .group_max = GROUP_MAX,
                                  .waiting_max = STORE_WAITING};
    char lock[3000], why[300] = "";

    *status = CLI_USAGE;
    if (strlen(dir) > sizeof lock - 10) {
        cli_error(CLI_USAGE, "--state", "the path is too long");
        return false;
    }
    snprintf(lock, sizeof lock, "%s/lock", dir);
    snprintf(s->folder, sizeof s->folder, "%s/store", dir);
    if (!make_folder(dir) || !make_folder(s->folder)) {
        cli_error(CLI_USAGE, "--state", "%s: %s", dir, strerror(errno));
        return false;
    }
    s->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock < 0 || flock(s->lock, LOCK_EX | LOCK_NB) != 0) {
        cli_error(CLI_USAGE, "--state", "%s: %s", dir,
                  errno == EWOULDBLOCK ? "another process works there" : strerror(errno));
        return false;
    }
    s->store = store_open(&config, why, sizeof why);
    *status = CLI_UNKNOWN;
    if (s->store == NULL)
        cli_error(CLI_UNKNOWN, "--state", "%s", why);
    return s->store != NULL;
}

/* ---- the rooms ---- */

static bool build_resolver(struct serving *s, int *status)
{
    struct resolver_config config = {.trust_anchor = cli_text(s->c, "--trust-anchor"),
                                     .loopback_allowed = true};
    const char *forward[FORWARDS_MAX];
    char why[200] = "";

    for (; config.forwards < FORWARDS_MAX; config.forwards++) {
        forward[config.forwards] = cli_nth(s->c, "--resolver", config.forwards);
        if (forward[config.forwards] == NULL)
            break;
    }
    config.forward = forward;
    s->resolver = resolver_new(s->loop, &config, why, sizeof why);
    if (s->resolver == NULL)
        *status = cli_error(CLI_USAGE, "DNS", "%s", why);
    return s->resolver != NULL;
}

static bool build_rooms(struct serving *s)
{
    struct https_config https = {.ca_file = s->ca,
                                 .reach = cli_flag(s->c, "--allow-loopback") ? HTTPS_LOOPBACK
                                                                             : HTTPS_PUBLIC};
    struct sts_config sts = {
        .loop = s->loop, .resolver = s->resolver, .store = s->store, .resolve_ms = RESOLVE_MS};
    struct tls_policy_config room = {.loop = s->loop,
                                     .resolver = s->resolver,
                                     .says_dane = cli_flag(s->c, "--dane"),
                                     .timeout_ms = s->timeout_ms};

    sts.workers = s->workers = workers_new("worker", WORKERS, WORKERS_WAIT);
    sts.https = s->https = https_new(s->loop, s->resolver, &https);
    if (s->workers != NULL && s->https != NULL)
        room.sts = s->sts = sts_new(&sts);
    if (s->sts != NULL)
        s->room = tls_policy_new(&room);
    return s->room != NULL;
}

static bool open_sockets(struct serving *s, int *status)
{
    const char *where;

    for (size_t n = 0; (where = cli_nth(s->c, "--listen", n)) != NULL; n++) {
        char why[200] = "";
        int fd = tls_policy_open(where, why, sizeof why);

        if (fd < 0) {
            *status = cli_error(CLI_USAGE, "--listen", "%s: %s", where, why);
            return false;
        }
        s->listening = n + 1;
        if (!tls_policy_listen(s->room, fd)) {
            *status = cli_error(CLI_UNKNOWN, "memory", "there is none left");
            return false;
        }
        log_line(LOG_INFO_, "listening", LOG_STR("address", where));
    }
    return true;
}

/* ---- signals ---- */

static void on_gone(void *ctx)
{
    loop_stop(((struct serving *)ctx)->loop);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    log_line(LOG_WARN_, "draining takes too long");
    on_gone(arg);
}

/* Who waits has its answer first; a second signal waits for nobody. */
static void on_end(evutil_socket_t signal_number, short what, void *arg)
{
    struct timeval limit = {DRAIN_S, 0};
    struct serving *s = arg;

    (void)what;
    log_line(LOG_INFO_, "draining", LOG_INT("signal", signal_number));
    if (s->draining || event_add(s->drain, &limit) != 0) {
        on_gone(s);
        return;
    }
    s->draining = true;
    tls_policy_drain(s->room, on_gone, s);
}

static void on_reload(evutil_socket_t signal_number, short what, void *arg)
{
    (void)signal_number;
    (void)what;
    (void)arg;
    log_line(LOG_INFO_, "nothing to reload: authorities are read for each fetch");
}

static bool watch_signals(struct serving *s)
{
    struct event_base *base = loop_base(s->loop);

    s->signals[0] = evsignal_new(base, SIGTERM, on_end, s);
    s->signals[1] = evsignal_new(base, SIGINT, on_end, s);
    s->signals[2] = evsignal_new(base, SIGHUP, on_reload, s);
    s->drain = event_new(base, -1, 0, on_late, s);
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < 3; i++)
        if (s->signals[i] == NULL || event_add(s->signals[i], NULL) != 0)
            return false;
    return s->drain != NULL;
}

/* ---- life ---- */

static void take_down(struct serving *s)
{
    for (size_t i = 0; i < 3; i++)
        if (s->signals[i] != NULL)
            event_free(s->signals[i]);
    if (s->drain != NULL)
        event_free(s->drain);
    tls_policy_free(s->room);
    for (size_t n = 0; n < s->listening; n++)
        tls_policy_close(cli_nth(s->c, "--listen", n));
    if (s->workers != NULL)
        workers_free(s->workers);
    https_free(s->https);
    sts_free(s->sts);
    if (s->resolver != NULL)
        resolver_free(s->resolver);
    if (s->store != NULL)
        store_close(s->store);
    if (s->loop != NULL)
        loop_free(s->loop);
    if (s->lock >= 0)
        close(s->lock);
}

static int tls_policy_run(struct cli *c)
{
    struct serving *s = calloc(1, sizeof(*s));
    int status = CLI_UNKNOWN;

    if (s == NULL)
        return cli_error(CLI_UNKNOWN, "memory", "there is none left");
    s->c = c;
    s->lock = -1;
    if (!take_options(s, &status) || !open_state(s, &status)) {
        take_down(s);
        free(s);
        return status;
    }
    s->loop = loop_new("tls-policy");
    if (s->loop == NULL || (build_resolver(s, &status) && !build_rooms(s))) {
        status = cli_error(CLI_UNKNOWN, "memory", "there is none left");
    } else if (s->room != NULL && watch_signals(s) && open_sockets(s, &status)) {
        loop_run(s->loop);
        log_line(LOG_INFO_, "ended");
        status = CLI_YES;
    }
    take_down(s);
    free(s);
    return status;
}

static const struct cli_option tls_policy_options[] = {
    {"--listen", "WHERE", "unix:PATH or inet:ADDRESS:PORT, as Postfix names it", true},
    {"--state", "DIR", "where policies are kept (default " STATE_DEFAULT ")", false},
    {"--dane", NULL, "say dane-only where DANE protects; default: leave it to Postfix's own level",
     false},
    {"--ca", "FILE", "authorities for policies, in PEM (default: the system's)", false},
    {"--resolver", "ADDR[@PORT]", "forward there (default: ask the name servers of each zone)",
     true},
    {"--trust-anchor", "FILE", "DNSSEC: DS or DNSKEY of the root (default: the system's)", false},
    {"--timeout", "SECONDS", "for one answer, then it is TEMP (default 30)", false},
    {"--allow-loopback", NULL, "policies may be on private and loopback addresses: for tests",
     false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_tls_policy = {
    .name = "tls-policy",
    .arguments = "",
    .summary = "serves MTA-STS policies to Postfix, and never over DANE",
    .option = tls_policy_options,
    .run = tls_policy_run,
    .more =
        "Runs in the foreground and answers Postfix's socketmap protocol:\n"
        "\n"
        "  smtp_tls_security_level = dane\n"
        "  smtp_dns_support_level = dnssec\n"
        "  smtp_tls_policy_maps = socketmap:unix:/run/sigillo-tls-policy/socket:QUERY\n"
        "\n"
        "A policy that is enforced is answered with \"secure\"; where DANE protects, and where\n"
        "nothing is demanded, with nothing; what cannot be found out with TEMP, so that mail\n"
        "waits. Postfix 3.10 and later: QUERYwithTLSRPT instead of QUERY.",
    .needs = CLI_OFFLINE,
};
