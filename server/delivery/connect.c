/* SPDX-License-Identifier: Apache-2.0 */
/* Which address next, and how TLS must look there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/un.h>

#include "connection.h"

bool failure_is_of_address(enum failure failure)
{
    return failure == FAILURE_REFUSED || failure == FAILURE_CONNECT_TIMEOUT ||
           failure == FAILURE_LOST || failure == FAILURE_TIMEOUT;
}

bool connection_may_go_on(const struct connection *c, enum failure failure)
{
    if (c->tried >= HOSTS_TRIED_MAX)
        return false;
    if (failure_is_of_address(failure) && connection_host(c)->usable &&
        c->address + 1 < connection_host(c)->dane.addresses)
        return true;
    return c->host + 1 < c->plan->hosts;
}

bool demand_requires_tls(enum tls_demand demand)
{
    return demand >= DEMAND_ENCRYPTED;
}

/* With DANE-EE alone they do not [RFC 7672 s3.1.1]: then nothing of a session depends on the destination. */
static bool names_count(const struct plan_host *host)
{
    for (size_t i = 0; i < host->dane.tlsas; i++)
        if (host->dane.tlsa[i].usage != 3)
            return true;
    return false;
}

const char *connection_sts_says(struct connection *c, const char *what)
{
    const struct sts_policy *sts = c->plan->sts;

    if (connection_host(c)->demand != DEMAND_STS || sts == NULL)
        return what;
    snprintf(c->tls_error, sizeof c->tls_error, "MTA-STS of %.*s (enforce): %s",
             SGL_FMT(sts->domain), what);
    return c->tls_error;
}

void host_target_of(const struct plan_host *host, struct host_target *out)
{
    struct tls_target *target = &out->target;

    *target = (struct tls_target){
        .name = host->name.text.len > 0 ? (const char *)host->name.text.ptr : NULL,
        .tlsa = out->record,
        .more_name = out->more};
    switch (host->demand) {
    case DEMAND_NOTHING:
    case DEMAND_OPPORTUNISTIC:
    case DEMAND_ENCRYPTED:
        target->verify = TLS_VERIFY_NONE;
        break;
    case DEMAND_NAME:
    case DEMAND_STS:
        target->verify = TLS_VERIFY_NAME;
        break;
    case DEMAND_DANE:
        target->verify = TLS_VERIFY_DANE;
        target->name =
            (const char *)
                host->dane.base.text.ptr; /* SNI is the TLSA base domain [RFC 7672 s8.1] */
        for (size_t i = 0; i < host->dane.tlsas && i < SGL_LIMIT_TLSA_RECORDS; i++)
            out->record[target->tlsas++] =
                (struct tls_tlsa){host->dane.tlsa[i].usage, host->dane.tlsa[i].selector,
                                  host->dane.tlsa[i].matching, host->dane.tlsa[i].data};
        for (size_t i = 1; names_count(host) && i < host->dane.names && i <= MORE_NAMES_MAX; i++)
            out->more[target->more_names++] = (const char *)host->dane.name[i].text.ptr;
        break;
    }
}

SSL *connection_tls(struct connection *c)
{
    const struct plan_host *host = connection_host(c);
    struct host_target to;

    host_target_of(host, &to);
    /* A policy of MTA-STS means the public authorities, whatever the route trusts. */
    return handshake_begin(c, &to.target, host->demand == DEMAND_STS ? NULL : c->plan->route);
}

static socklen_t sockaddr_of_socket(const char *path, struct sockaddr_storage *out)
{
    struct sockaddr_un *un = (struct sockaddr_un *)(void *)out;

    memset(out, 0, sizeof *out);
    un->sun_family = AF_UNIX;
    snprintf(un->sun_path, sizeof un->sun_path, "%s", path);
    return sizeof *un;
}

static socklen_t sockaddr_of_ip(const struct sgl_ip *ip, uint16_t port,
                                struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (ip->version == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)(void *)out;

        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        memcpy(&in->sin_addr, ip->bytes, 4);
        return sizeof *in;
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)out;

    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    memcpy(&in6->sin6_addr, ip->bytes, 16);
    return sizeof *in6;
}

socklen_t plan_sockaddr(const struct plan *plan, const struct sgl_ip *ip,
                        struct sockaddr_storage *out)
{
    return plan->socket != NULL ? sockaddr_of_socket(plan->socket, out)
                                : sockaddr_of_ip(ip, plan->port, out);
}

static const struct config_address *nth_of(const struct config_address *list, size_t n, int family,
                                           size_t which)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].addr.ss_family == family && which-- == 0)
            return &list[i];
    return NULL;
}

/* A pool's addresses of a family take turns. */
static struct pool_source source_for(const struct connection *c, int family)
{
    const struct config *config = c->plan->config;
    sgl_view key = site_pool(c->site);
    size_t count;
    bool missing;

    if (key.len == 0)
        return (struct pool_source){
            nth_of(config->delivery.source, config->delivery.sources, family, 0), config->hostname};
    count = pool_count(c->delivery, config, key, family, &missing);
    return pool_nth(c->delivery, config, key, family, count == 0 ? 0 : c->site->turns++ % count);
}

/* From where it is reached. false: not from an address that was asked for. A pool is changed at any time, so nothing is concluded from having looked before. */
static bool take_source(struct connection *c, const struct sgl_ip *ip)
{
    if (c->plan->arrival != NULL && (c->plan->socket != NULL || sgl_ip_is_loopback(ip))) {
        c->source = (struct pool_source){NULL, c->plan->config->hostname};
        return true;
    }
    c->source = source_for(c, ip->version == 4 ? AF_INET : AF_INET6);
    return site_pool(c->site).len == 0 || c->source.address != NULL;
}

bool connection_is_current(const struct connection *c)
{
    sgl_view key = site_pool(c->site);

    if (c->plan->config != c->delivery->config)
        return false;
    return key.len == 0 || c->source.address == NULL || pool_has(c->delivery, key, &c->source);
}

const char *connection_hostname(const struct connection *c)
{
    return c->source.hostname != NULL ? c->source.hostname : c->plan->config->hostname;
}

static void name_peer(struct connection *c, const struct sgl_ip *ip)
{
    if (c->plan->socket != NULL) {
        c->address_text[0] = '\0';
        snprintf(c->peer, sizeof c->peer, "unix:%s", c->plan->socket);
        return;
    }
    sgl_ip_text(ip, c->address_text);
    snprintf(c->peer, sizeof c->peer, "%.*s%s[%s]", SGL_FMT(connection_host(c)->name.text),
             connection_host(c)->name.text.len > 0 ? " " : "", c->address_text);
}

static void connect_address(struct connection *c)
{
    const struct config *config = c->plan->config;
    const struct sgl_ip *ip = &connection_host(c)->dane.address[c->address];
    struct sockaddr_storage to;
    socklen_t to_len = plan_sockaddr(c->plan, ip, &to);

    name_peer(c, ip);
    c->phase = PHASE_CONNECTING;
    c->began_ms = clock_mono_ms();
    c->stream = stream_connect(
        c->delivery->loop, (const struct sockaddr *)&to, to_len,
        c->source.address != NULL ? (const struct sockaddr *)&c->source.address->addr : NULL,
        c->source.address != NULL ? c->source.address->len : 0, config->delivery.connect_timeout_ms,
        &connection_events, c);
    if (c->stream == NULL)
        connection_failed(c, FAILURE_LOCAL, SGL_SMTP_AT_GREETING, NULL,
                          "no memory or no file descriptor for a connection");
    else
        c->delivery->stats.connections_made++;
}

/* What was found out about TLS belongs to the address where it was found out. */
void connection_go_to(struct connection *c, size_t host, size_t address)
{
    c->host = host;
    c->address = address;
    c->plain_only = false;
    c->unresumed = false;
    c->tls_why = NULL;
    c->tls_error[0] = '\0';
}

/* The next host that can be tried, from (host, address) on. */
void connection_try_next(struct connection *c)
{
    while (c->host < c->plan->hosts) {
        const struct plan_host *host = connection_host(c);

        if (!host->usable) {
            c->address_text[0] = '\0';
            snprintf(c->peer, sizeof c->peer, "%.*s", SGL_FMT(host->name.text));
            c->phase = PHASE_CONNECTING;
            session_is_not(c);
            connection_failed(c, host->failure, SGL_SMTP_AT_GREETING, NULL, host->why);
            return;
        }
        if (c->address < host->dane.addresses && !take_source(c, &host->dane.address[c->address])) {
            c->address++;
            continue;
        }
        if (c->address < host->dane.addresses) {
            c->tried++;
            connect_address(c);
            return;
        }
        connection_go_to(c, c->host + 1, 0);
    }
    c->host = c->plan->hosts - 1; /* every address of the last host is behind us */
    c->address =
        connection_host(c)->dane.addresses > 0 ? connection_host(c)->dane.addresses - 1 : 0;
    c->phase = PHASE_CONNECTING;
    if (c->tried == 0)
        connection_finish_job(c, FAILURE_LOCAL, SGL_SMTP_AT_GREETING, NULL,
                              "its pool has no address of the family of any host's addresses");
    else
        connection_finish_job(c, FAILURE_REFUSED, SGL_SMTP_AT_GREETING, NULL, "no host answered");
    connection_end(c);
}
