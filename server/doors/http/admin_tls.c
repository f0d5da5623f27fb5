/* SPDX-License-Identifier: Apache-2.0 */
/* TLSA records of the server's own keys: what whoever runs DNS has to publish so that others can prove its certificates by DANE.  [RFC 7672 s3.1.1] */
#include <stdio.h>

#include "../../certs/certs.h"
#include "../../config/config.h"
#include "admin_internal.h"
#include "sigillo/dns_name.h"
#include "sigillo/hex.h"

#define PORTS_MAX 16

struct listing {
    json_t *list;
    const char *host;
    unsigned port[PORTS_MAX];
    size_t ports;
};

static void add_record(struct listing *l, const struct certs_key *key, const char *host,
                       unsigned port)
{
    sgl_auto(sgl_buf) hex = SGL_BUF_INIT(128);

    sgl_hex_encode(&hex, sgl_view_of(key->hash, 32));
    if (hex.status == SGL_OK)
        json_array_append_new(
            l->list, json_pack("{s:o, s:s, s:o, s:s, s:i, s:s, s:s}", "name",
                               json_sprintf("_%u._tcp.%s", port, host), "type", "TLSA", "value",
                               json_sprintf("3 1 1 %.*s", SGL_FMT(sgl_buf_view(&hex))), "host",
                               host, "port", (int)port, "certificate", key->certificate, "key",
                               key->use == CERTS_KEY_USED ? "used" : "next"));
}

/* No mail goes to a wildcard, nor to where policies are served. */
static bool is_mail_host(const char *name)
{
    return name[0] != '*' && strncmp(name, "mta-sts.", 8) != 0;
}

static void add_key(void *ctx, const struct certs_key *key)
{
    struct listing *l = ctx;
    const char *name;

    for (size_t p = 0; l->host != NULL && p < l->ports; p++)
        add_record(l, key, l->host, l->port[p]);
    for (size_t i = 0; l->host == NULL && (name = tls_pair_name(key->pair, i)) != NULL; i++)
        for (size_t p = 0; is_mail_host(name) && p < l->ports; p++)
            add_record(l, key, name, l->port[p]);
}

static void add_waiting(void *ctx, const struct certs_waiting *w)
{
    json_array_append_new(ctx, json_pack("{s:s, s:s, s:o}", "certificate", w->certificate, "why",
                                         w->why, "until", admin_time(w->until_s * 1000)));
}

/* ?host=, as a name; false: answered. */
static bool take_host(struct http_request *r, struct listing *l)
{
    sgl_view host = http_query(r, "host");
    struct sgl_name name;

    if (host.ptr == NULL)
        return true;
    if (sgl_name_parse(host, SGL_NAME_HOST | SGL_NAME_FINAL_DOT, http_arena(r), NULL, &name) !=
        SGL_OK) {
        http_reply_problem(r, 400, "host", "host", "This is not the name of a host.");
        return false;
    }
    l->host = sgl_arena_cstr(http_arena(r), name.text);
    if (l->host == NULL)
        http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
    return l->host != NULL;
}

void admin_tls_records(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct listing l = {.host = NULL};
    sgl_view scope;
    json_t *waiting;

    if (!admin_may_read(r, admin, &scope) || !take_host(r, &l))
        return;
    l.ports = certs_ports(atomic_load(&admin->config), l.port, PORTS_MAX);
    l.list = json_array();
    if (admin->certs != NULL)
        certs_each_key(admin->certs, l.host, add_key, &l);
    if (l.host != NULL && json_array_size(l.list) == 0) {
        json_decref(l.list);
        http_reply_problem(r, 404, "host-unknown", "host",
                           "No certificate of this server has this name.");
        return;
    }
    waiting = json_array();
    if (admin->certs != NULL)
        certs_each_waiting(admin->certs, add_waiting, waiting);
    http_reply_json(r, 200, json_pack("{s:o, s:o}", "records", l.list, "waiting", waiting));
}
