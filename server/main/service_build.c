/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms in the order in which they need each other; taken apart the other way round. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../directory/hmac.h"
#include "../heard/heard_names.h"
#include "../log/log.h"
#include "../loop/owner.h"
#include "../metrics/metrics.h"
#include "../templates/templates.h"
#include "service_internal.h"

#define WORKERS_WAIT_MAX   4096
#define STORE_GROUP_MAX    512
#define STORE_WAITING_MAX  20000
#define INLINE_MAX         (128 * 1024)
#define HTTP_HEADER_MAX    (16 * 1024)
#define JSON_VALUES_BESIDE 25000 /* attachments, header fields, substitutions */

static unsigned cores(void)
{
    cpu_set_t set;
    int n;

    CPU_ZERO(&set);
    n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : (unsigned)n;
}

static bool build_loops(struct service *s)
{
    unsigned doors = s->config->door_loops > 0 ? s->config->door_loops : cores();
    unsigned threads = s->config->workers > 0 ? s->config->workers : cores();

    s->main = loop_new("service");
    s->outgoing = loop_new("outgoing");
    s->doors = doors < DOORS_MAX ? doors : DOORS_MAX;
    for (unsigned i = 0; i < s->doors; i++) {
        char name[16];

        snprintf(name, sizeof(name), "door%u", i);
        s->door[i] = loop_new(name);
        if (s->door[i] == NULL)
            return false;
    }
    s->workers = workers_new("worker", threads < 2 ? 2 : threads, WORKERS_WAIT_MAX);
    return s->main != NULL && s->outgoing != NULL && s->workers != NULL;
}

static bool build_store(struct service *s, char *why, size_t why_size)
{
    struct store_config c = {.folder = s->setup->store,
                             .inline_max = INLINE_MAX,
                             .group_max = STORE_GROUP_MAX,
                             .waiting_max = STORE_WAITING_MAX};

    s->store = store_open(&c, why, why_size);
    return s->store != NULL;
}

void service_queue_config(const struct config *c, struct queue_config *out)
{
    *out = (struct queue_config){.retry_s = c->queue.retry_s,
                                 .retries = c->queue.retries,
                                 .jitter_percent = c->queue.jitter_percent,
                                 .delay_notice_s = c->queue.delay_notice_s,
                                 .expire_s = c->queue.expire_s,
                                 .memory_recipients = c->queue.memory_recipients,
                                 .memory_bytes = c->queue.memory_bytes,
                                 .lease_s = SERVICE_LEASE_S,
                                 .keep_trail_s = c->queue.keep_trail_s,
                                 .keep_audit_s = c->audit.keep_s,
                                 .hostname = sgl_view_cstr(c->hostname),
                                 .rcpts_per_job = c->delivery.recipients_per_message};
}

static bool is_loopback(const struct config_address *a)
{
    if (a->addr.ss_family == AF_INET)
        return *(const uint8_t *)&((const struct sockaddr_in *)&a->addr)->sin_addr == 127;
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)&a->addr)->sin6_addr);
}

/* "192.0.2.1:53" as libunbound wants it: "192.0.2.1@53". */
static void forwarder(const struct config_address *a, char out[80])
{
    char text[64];
    size_t len = strlen(a->text), colon = len;

    while (colon > 0 && a->text[colon] != ':')
        colon--;
    snprintf(text, sizeof(text), "%.*s", (int)colon, a->text);
    if (text[0] == '[')
        snprintf(out, 80, "%.*s@%s", (int)strlen(text) - 2, text + 1, a->text + colon + 1);
    else
        snprintf(out, 80, "%s@%s", text, a->text + colon + 1);
}

/* What the resolver is made of stays: checks of domains make more of its kind. */
static bool build_resolver(struct service *s, char *why, size_t why_size)
{
    const struct config *c = s->config;
    char(*text)[80] = calloc(c->resolver.forwards + 1, sizeof(*text));
    const char **forward = calloc(c->resolver.forwards + 1, sizeof(*forward));
    struct resolver_config rc = {.forward = forward,
                                 .forwards = c->resolver.forwards,
                                 .root_hints = c->resolver.root_hints,
                                 .trust_anchor = c->resolver.trust_anchor,
                                 .loopback_allowed = c->delivery.allow_loopback,
                                 .cache_bytes = c->resolver.cache};

    if (text == NULL || forward == NULL)
        snprintf(why, why_size, "out of memory");
    for (size_t i = 0; text != NULL && forward != NULL && i < c->resolver.forwards; i++) {
        forwarder(&c->resolver.forward[i], text[i]);
        forward[i] = text[i];
        rc.loopback_allowed = rc.loopback_allowed || is_loopback(&c->resolver.forward[i]);
    }
    s->resolver_config = rc;
    if (text != NULL && forward != NULL)
        s->resolver = resolver_new(s->outgoing, &rc, why, why_size);
    return s->resolver != NULL;
}

static bool build_setup(struct service *s)
{
    struct setup_parts parts = {.loop = s->outgoing,
                                .directory = s->directory,
                                .store = s->store,
                                .resolver = s->resolver,
                                .resolver_config = &s->resolver_config};

    s->domain_setup = setup_new(&parts, s->config);
    return s->domain_setup != NULL && setup_start(s->domain_setup);
}

/* For delivery, on its loop. */
static bool each_pool_address(void *ctx, sgl_view subscription, sgl_view name,
                              void (*address)(void *to, sgl_view text), void *to)
{
    const struct service *s = ctx;
    struct pool *pool = directory_pool(s->directory, subscription, name);

    for (size_t i = 0; pool != NULL && i < pool->addresses; i++)
        address(to, sgl_view_cstr(pool->address[i]));
    pool_unref(pool);
    return pool != NULL;
}

struct https_config service_https_config(const struct config *c, enum https_reach reach)
{
    return (struct https_config){.ca_file = c->delivery.ca_file != NULL ? c->delivery.ca_file
                                                                        : tls_system_ca_file(),
                                 .reach = c->delivery.allow_loopback ? HTTPS_LOOPBACK : reach};
}

/* Policies of MTA-STS are always kept; whether they count is said by each configuration. */
static bool build_sts(struct service *s)
{
    const struct config *c = s->config;
    struct https_config https = service_https_config(c, HTTPS_PUBLIC);
    struct sts_config sts = {.loop = s->outgoing,
                             .resolver = s->resolver,
                             .https = https_new(s->outgoing, s->resolver, &https),
                             .store = s->store,
                             .workers = s->workers,
                             .resolve_ms = c->resolver.timeout_ms};

    s->sts_https = sts.https;
    s->sts = sts.https == NULL ? NULL : sts_new(&sts);
    if (s->sts == NULL)
        return false;
    delivery_set_sts(s->delivery, s->sts);
    return true;
}

static struct arrival_route *route_by_key(void *directory, sgl_view key)
{
    return directory_route_by_key(directory, key);
}

static struct arrival_route *route_of_address(void *directory, sgl_view address)
{
    return directory_route(directory, address);
}

static bool build_sending(struct service *s, char *why, size_t why_size)
{
    struct queue_config qc;

    service_queue_config(s->config, &qc);
    s->queue = queue_new(s->outgoing, s->store, s->workers, &qc);
    if (s->queue == NULL || !build_resolver(s, why, why_size))
        return false;
    s->delivery =
        delivery_new(s->outgoing, s->queue, s->resolver, s->store, s->config, why, why_size);
    if (s->delivery == NULL)
        return false;
    service_configure_suppression(s, s->config);
    directory_exact_local_parts(s->directory, s->config->sender_exact);
    directory_accounts_max(s->directory, s->config->limits.accounts);
    directory_hmac_window(s->directory, s->config->limits.signature_window_s);
    delivery_set_pools(s->delivery,
                       &(struct delivery_pools){.each_address = each_pool_address, .ctx = s});
    delivery_set_arrivals(s->delivery, &(struct delivery_arrivals){.by_key = route_by_key,
                                                                   .of_address = route_of_address,
                                                                   .ctx = s->directory});
    delivery_set_bounced(s->delivery,
                         &(struct delivery_bounced){.bounced = service_bounced, .ctx = s});
    return build_sts(s);
}

/* The configuration's limit profiles; false when memory ends: the former ones stay. */
bool service_configure_limits(struct limits *limits, const struct config *c)
{
    struct limit_profile *own = calloc(c->profiles + 1, sizeof(*own));
    bool done;

    if (own == NULL)
        return false;
    for (size_t i = 0; i < c->profiles; i++) {
        const struct config_profile *p = &c->profile[i];

        own[i] = (struct limit_profile){.name = p->name,
                                        .recipients_max = p->recipients_per_message,
                                        .size_max = p->message_size,
                                        .limits = p->limits};
        memcpy(own[i].limit, p->limit, p->limits * sizeof(*p->limit));
    }
    done = limits_configure(limits, own, c->profiles);
    free(own);
    return done;
}

struct admission_config service_admission_config(const struct service *s, const struct config *c)
{
    return (struct admission_config){
        .hostname = sgl_view_cstr(c->hostname),
        .message_size_max = c->limits.message_size,
        .recipients_max = c->limits.recipients,
        .memory_max = c->limits.memory,
        .expire_s = c->queue.expire_s,
        .domains = {.required = c->verification.required, .grace_s = c->verification.grace_s},
        .lease_s = SERVICE_LEASE_S,
        .loop = s->outgoing,
        .limits = s->limits,
        .guard = s->guard,
        .lists = s->lists,
        .config = (struct config *)(uintptr_t)c};
}

static bool build_admission(struct service *s, char *why, size_t why_size)
{
    struct admission_config c;
    struct queue_signer signer;

    s->limits = limits_new();
    if (s->limits == NULL || !service_configure_limits(s->limits, s->config) ||
        !limits_load(s->limits, s->store, admission_charged_beside, s->directory, why, why_size))
        return false;
    s->guard = guard_new(s->store, s->config);
    if (s->guard == NULL)
        return false;
    guard_load(s->guard, clock_now_ms());
    c = service_admission_config(s, s->config);
    s->admission = admission_new(&c, s->directory, s->keys, s->store, s->queue);
    if (s->admission == NULL)
        return false;
    signer = admission_signer(s->admission);
    queue_set_signer(s->queue, &signer);
    queue_set_stop(s->queue, &(struct queue_stop){.ctx = s, .stopped = service_stops});
    return true;
}

/* Return paths of what goes out, and what comes back to them. */
static bool build_returns(struct service *s)
{
    const struct returns_setup setup = {.store = s->store,
                                        .directory = s->directory,
                                        .lists = s->lists,
                                        .guard = s->guard,
                                        .queue = s->queue,
                                        .signer = admission_signer(s->admission),
                                        .workers = s->workers,
                                        .config = s->config};

    s->returns = returns_new(&setup);
    if (s->returns == NULL)
        return false;
    queue_set_alone(s->queue, &(struct queue_alone){.ctx = s->returns, .alone = returns_alone});
    delivery_set_return_paths(
        s->delivery, &(struct delivery_return_paths){.make = returns_make, .ctx = s->returns});
    return true;
}

/* ---- doors ---- */

bool service_ready(void *ctx, char *why, size_t why_size)
{
    struct service *s = ctx;

    if (atomic_load(&s->draining)) {
        snprintf(why, why_size, "The server is ending.");
        return false;
    }
    if (!directory_ready(s->directory)) {
        snprintf(why, why_size, "The keys are not loaded yet.");
        return false;
    }
    if (!lists_started(s->lists)) {
        snprintf(why, why_size, "The key of unsubscribe links is not made yet.");
        return false;
    }
    return store_healthy(s->store, why, why_size);
}

static void show_metrics(void *ctx, struct sgl_buf *out)
{
    (void)ctx;
    metrics_put(out);
}

static SSL *new_session(void *ctx)
{
    return tls_server_session(ctx);
}

static bool listen_http(struct service *s, struct http *http)
{
    const struct bound_sockets *b = s->setup->sockets;

    for (size_t i = 0; i < b->sockets; i++) {
        const struct config_listen *l = &s->config->listen[b->socket[i].listen];

        if (l->door != DOOR_HTTP)
            continue;
        if (!http_listen(http, dup(b->socket[i].fd), l->tls == LISTEN_IMPLICIT ? new_session : NULL,
                         s->tls))
            return false;
    }
    return true;
}

static bool build_metadata(struct service *s)
{
    const struct bound_sockets *b = s->setup->sockets;
    size_t over_tcp = s->config->metadata.addresses; /* the first ones */

    if (b->owners >= 0 && (s->owners = owners_new(dup(b->owners))) == NULL)
        return false;
    s->metadata = (struct metadata){s->directory, s->tokens};
    for (size_t i = 0; i < b->metadatas; i++)
        if (!http_listen_metadata(s->http[0], dup(b->metadata[i]), i < over_tcp ? s->owners : NULL))
            return false;
    metadata_routes(s->http[0], &s->metadata);
    return true;
}

/* What the routes know, one for all loops. */
static bool build_apis(struct service *s)
{
    const struct config *c = s->config;

    s->page = (struct http_status_page){s, service_ready, show_metrics};
    s->admin =
        (struct admin){s->directory, s->admission, s->store, s->queue, s->workers, c, s->limits};
    s->api = (struct api){.directory = s->directory,
                          .admission = s->admission,
                          .store = s->store,
                          .workers = s->workers,
                          .queue = s->queue,
                          .recipients_max = c->limits.recipients};
    s->admin.guard = s->guard;
    s->admin.reputation = s->reputation;
    s->admin.names = heard_names_new(s->outgoing, s->resolver);
    s->admin.lists = s->lists;
    s->admin.setup = s->domain_setup;
    s->admin.certs = s->certs;
    s->admin.tls = s->tls;
    s->admin.audit = audit_new(s->store);
    if (s->admin.audit == NULL || s->admin.names == NULL)
        return false;
    s->api.audit = s->admin.audit;
    s->api.templates = s->templates = templates_new(s->store, s->workers);
    if (s->templates == NULL)
        return false;
    s->acs = (struct acs){.api = &s->api, .tokens = s->tokens, .crypto = sgl_crypto_new()};
    if (s->acs.crypto == NULL)
        return false;
    s->graph = (struct graph){
        .api = &s->api, .tokens = s->tokens, .message_size_max = c->limits.message_size};
    s->oauth =
        (struct oauth){.directory = s->directory, .tokens = s->tokens, .federation = s->federation};
    attempts_init(&s->oauth.attempts);
    attempts_init(&s->oauth.shown);
    s->unsubscribe = (struct unsubscribe){.directory = s->directory,
                                          .lists = s->lists,
                                          .store = s->store,
                                          .queue = s->queue,
                                          .workers = s->workers};
    attempts_init(&s->unsubscribe.attempts);
    return true;
}

static bool build_http(struct service *s)
{
    const struct config *c = s->config;
    /* base64 in JSON takes 4 bytes for 3, and some room for the rest */
    struct http_config hc = {.header_max = HTTP_HEADER_MAX,
                             .body_max = c->limits.message_size / 3 * 4 + 1024 * 1024,
                             .connections_max = c->limits.connections / s->doors + 1,
                             .memory_max = c->limits.memory / s->doors,
                             .idle_s = c->limits.idle_s,
                             /* an address is an object of two, and a comma */
                             .json_values_max = c->limits.recipients * 4 + JSON_VALUES_BESIDE};

    if (!build_apis(s))
        return false;
    for (unsigned i = 0; i < s->doors; i++) {
        s->http[i] = http_new(s->door[i], &hc);
        if (s->http[i] == NULL || !listen_http(s, s->http[i]))
            return false;
        http_status_routes(s->http[i], &s->page);
        admin_routes(s->http[i], &s->admin);
        api_routes(s->http[i], &s->api);
        acs_routes(s->http[i], &s->acs);
        arm_routes(s->http[i], &s->admin);
        sendgrid_routes(s->http[i], &s->api);
        whitelabel_routes(s->http[i], &s->admin);
        graph_routes(s->http[i], &s->graph);
        oauth_routes(s->http[i], &s->oauth);
        unsubscribe_routes(s->http[i], &s->unsubscribe);
        well_known_routes(s->http[i], s->directory);
        received_routes(s->http[i], &s->admin);
    }
    return build_metadata(s) &&
           http_listen_admin(s->http[0], dup(s->setup->sockets->admin), s->setup->owner);
}

static bool build_submission(struct service *s, char *why, size_t why_size)
{
    const struct bound_sockets *b = s->setup->sockets;
    struct submission_socket *sockets = calloc(b->sockets + 1, sizeof(*sockets));
    struct submission_setup setup = {.config = s->config,
                                     .loop = s->door,
                                     .loops = s->doors,
                                     .socket = sockets,
                                     .local = b->local,
                                     .admission = s->admission,
                                     .directory = s->directory,
                                     .tokens = s->tokens,
                                     .workers = s->workers};

    for (size_t i = 0; sockets != NULL && i < b->sockets; i++)
        if (s->config->listen[b->socket[i].listen].door == DOOR_SUBMISSION)
            sockets[setup.sockets++] =
                (struct submission_socket){b->socket[i].fd, b->socket[i].listen};
    setup.tls = s->tls;
    if (sockets != NULL)
        s->submission = submission_new(&setup, why, why_size);
    free(sockets);
    return s->submission != NULL;
}

static bool build_tls(struct service *s, char *why, size_t why_size)
{
    s->certs = certs_new(s->config, why, why_size);
    s->tls = s->certs != NULL ? certs_server(s->certs) : NULL;
    return s->certs != NULL;
}

static bool start_certs(struct service *s)
{
    const struct certs_parts parts = {.loop = s->main,
                                      .outgoing = s->outgoing,
                                      .resolver = s->resolver,
                                      .store = s->store,
                                      .keys = s->keys};

    return certs_start(s->certs, &parts, s->config);
}

static bool build_tokens(struct service *s, char *why, size_t why_size)
{
    s->tokens =
        tokens_new(s->main, s->store, s->keys, s->directory, s->config->public_url, why, why_size);
    return s->tokens != NULL;
}

static bool build_lists(struct service *s, char *why, size_t why_size)
{
    s->lists = lists_new(s->main, s->store, s->keys, s->config->public_url, why, why_size);
    if (s->lists != NULL)
        lists_show_certificate(s->lists, s->tls);
    return s->lists != NULL;
}

/* Asks on the resolver's loop. */
static bool build_federation(struct service *s)
{
    struct https_config https = service_https_config(s->config, HTTPS_PRIVATE);

    s->federation = federation_new(s->outgoing, s->resolver, s->directory, &https);
    return s->federation != NULL;
}

/* Where a report goes is what somebody else's record says: to public addresses, and no further. */
static bool build_reports(struct service *s)
{
    struct https_config https = service_https_config(s->config, HTTPS_PUBLIC);
    struct reports_parts parts = {.loop = s->outgoing,
                                  .store = s->store,
                                  .workers = s->workers,
                                  .resolver = s->resolver,
                                  .queue = s->queue,
                                  .signer = admission_signer(s->admission)};

    s->reports_https = https_new(s->outgoing, s->resolver, &https);
    parts.https = s->reports_https;
    s->reports = parts.https == NULL ? NULL : reports_new(&parts, s->config);
    if (s->reports == NULL)
        return false;
    delivery_set_sessions(
        s->delivery, &(struct delivery_sessions){.session = reports_session, .ctx = s->reports});
    return reports_start(s->reports);
}

/* Where a tenant's route leads is anybody's choice: to public addresses.  An operator's may lead inside. */
static bool build_webhook(struct service *s)
{
    const struct https_config https = service_https_config(s->config, HTTPS_PUBLIC),
                              within = service_https_config(s->config, HTTPS_LOOPBACK);
    struct webhook_parts parts = {.loop = s->outgoing,
                                  .workers = s->workers,
                                  .keys = s->keys,
                                  .https = https_new(s->outgoing, s->resolver, &https),
                                  .inside = https_new(s->outgoing, s->resolver, &within),
                                  .memory_max = s->config->limits.memory};

    s->webhook_https = parts.https;
    s->webhook_inside = parts.inside;
    s->webhook = parts.https == NULL || parts.inside == NULL ? NULL : webhook_new(&parts);
    if (s->webhook == NULL)
        return false;
    delivery_set_courier(s->delivery,
                         &(struct delivery_courier){.carry = webhook_carry, .ctx = s->webhook});
    return true;
}

/* Of those who send to us; the doors ask. */
static bool build_reputation(struct service *s)
{
    const struct reputation_parts parts = {.loop = s->outgoing, .store = s->store};

    s->reputation = reputation_new(&parts, s->config);
    return s->reputation != NULL && reputation_start(s->reputation, clock_now_s());
}

bool service_build(struct service *s, char *why, size_t why_size)
{
    snprintf(why, why_size, "out of memory");
    if (!build_loops(s) || !build_tls(s, why, why_size) || !build_store(s, why, why_size))
        return false;
    s->keys = keys_new(s->door[0], s->setup->keys);
    if (s->keys == NULL)
        return false;
    if (scratch_open(&s->scratch, store_folder(s->store))) /* without it, more memory is needed */
        keys_spill(s->keys, &s->scratch);
    certs_restore(s->certs, s->store, s->keys, s->door[0]);
    s->directory = directory_open(s->store, s->keys, s->workers, s->main, why, why_size);
    return s->directory != NULL && build_tokens(s, why, why_size) &&
           build_lists(s, why, why_size) && build_sending(s, why, why_size) &&
           build_federation(s) && start_certs(s) && build_setup(s) &&
           build_admission(s, why, why_size) && build_returns(s) && build_reports(s) &&
           build_reputation(s) && build_webhook(s) && build_http(s) &&
           build_submission(s, why, why_size) && service_build_inbound(s, why, why_size);
}

bool service_start_loops(struct service *s)
{
    queue_start(s->queue);
    if (!loop_start(s->outgoing))
        return false;
    for (unsigned i = 0; i < s->doors; i++)
        if (!loop_start(s->door[i]))
            return false;
    return true;
}

/* Loops first, so that nothing below is entered any more; what they still held is cut off. Everything accepted is durable already, and the store finishes what was submitted. */
void service_end(struct service *s)
{
    for (unsigned i = 0; i < s->doors; i++)
        loop_stop(s->door[i]);
    loop_stop(s->outgoing);
    for (unsigned i = 0; i < s->doors; i++)
        loop_join(s->door[i]);
    loop_join(s->outgoing);
    reports_end(s->reports);
    reputation_end(s->reputation);
    workers_free(s->workers);
    templates_free(s->templates);
    store_close(s->store);
}
