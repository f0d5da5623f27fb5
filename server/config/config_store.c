/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config_internal.h"
#include "config_value.h"
#include "sigillo/base64.h"
#include "sigillo/hex.h"

#define SECRET_MAX             (1024u * 1024u)
#define ROTATION_KEEP_PRESET_S (7u * 24 * 3600)

/* ---- values ---- */

static void store_number(const struct key *k, void *base, uint64_t n)
{
    uint8_t *at = (uint8_t *)base + k->offset;

    if (k->size == 1)
        *at = (uint8_t)n;
    else if (k->size == 2)
        memcpy(at, &(uint16_t){(uint16_t)n}, 2);
    else if (k->size == 4)
        memcpy(at, &(uint32_t){(uint32_t)n}, 4);
    else
        memcpy(at, &n, 8);
}

static void store_pointer(void *base, size_t offset, const void *p)
{
    memcpy((uint8_t *)base + offset, &p, sizeof(p));
}

const char *keep_text(const char *text)
{
    return sgl_arena_cstr(&reading->config->memory->arena, sgl_view_cstr(text));
}

/* The bytes of a secret file, without a last line end when it is a password. */
static const char *read_secret(cfg_t *cfg, const struct key *k, const char *path)
{
    sgl_auto(sgl_buf) bytes = SGL_BUF_INIT(SECRET_MAX);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;
    const char *text = NULL;
    char where[160];

    while (fd >= 0 && sgl_buf_reserve(&bytes, 4096) == SGL_OK &&
           (n = read(fd, bytes.data + bytes.len, 4096)) > 0)
        bytes.len += (size_t)n;
    if (fd >= 0)
        close(fd);
    while ((k->section == IN_ROUTE || k->section == IN_UPDATE) && bytes.len > 0 &&
           (bytes.data[bytes.len - 1] == '\n' || bytes.data[bytes.len - 1] == '\r'))
        sgl_buf_truncate(&bytes, bytes.len - 1);
    if (n == 0 && bytes.len > 0)
        text = sgl_arena_cstr(&reading->config->memory->arena, sgl_buf_view(&bytes));
    if (text == NULL)
        mistake(cfg, "%s: %s is empty, too long, or holds a NUL",
                key_path(cfg, k, where, sizeof(where)), path);
    if (bytes.data != NULL)
        explicit_bzero(bytes.data, bytes.cap);
    return text;
}

static const char *handed_secret(cfg_t *cfg, const struct key *k)
{
    sgl_auto(sgl_buf) bytes = SGL_BUF_INIT(SECRET_MAX);
    char name[80];
    const char *hex;

    snprintf(name, sizeof(name), "%s" CONTENTS, k->name);
    hex = cfg_getstr(cfg, name);
    if (hex == NULL || sgl_hex_decode(sgl_view_cstr(hex), &bytes) != SGL_OK) {
        mistake(cfg, "%s: not in the handover", k->name);
        return NULL;
    }
    return sgl_arena_cstr(&reading->config->memory->arena, sgl_buf_view(&bytes));
}

/* Of config_refresh(): a certificate and its keys. */
static bool is_wanted(cfg_t *cfg, const struct key *k)
{
    return reading->wanted != NULL && (k->section == IN_ROOT || k->section == IN_CERTIFICATE) &&
           reading->wanted(reading->wanted_ctx, k->section == IN_ROOT ? NULL : cfg_title(cfg));
}

static void store_secret(cfg_t *cfg, const struct key *k, void *base, const char *path)
{
    bool handed = reading->handover && !is_wanted(cfg, k);
    const char *bytes = handed ? handed_secret(cfg, k) : read_secret(cfg, k, path);

    store_pointer(base, k->offset, keep_text(path));
    store_pointer(base, k->contents, bytes);
}

static void store_one(cfg_t *cfg, const struct key *k, void *base, const char *value)
{
    sgl_view text = sgl_view_cstr(value);
    uint64_t n = 0;

    switch (k->kind) {
    case KEY_NUMBER:
        (void)value_number(text, &n);
        store_number(k, base, n);
        break;
    case KEY_SIZE:
        (void)value_size(text, &n);
        store_number(k, base, n);
        break;
    case KEY_DURATION:
        (void)value_duration_ms(text, &n);
        store_number(k, base, (n + k->unit - 1) / k->unit);
        break;
    case KEY_BOOL:
        (void)value_bool(text, &n);
        store_number(k, base, n);
        break;
    case KEY_WORD:
        store_number(k, base, (uint64_t)word_index(k->words, text));
        break;
    case KEY_SECRET:
        store_secret(cfg, k, base, value);
        break;
    case KEY_TEXT:
    case KEY_LEVEL:
    case KEY_HOST:
    case KEY_URL:
    case KEY_PATH:
    case KEY_FILE:
    case KEY_LISTEN:
    case KEY_NAMESERVER:
    case KEY_IP:
    case KEY_NETWORK:
    case KEY_PATTERN:
    case KEY_SPF_TERM:
    case KEY_MAILTO:
    case KEY_MAILBOX:
    case KEY_SECONDS:
    case KEY_LIMIT:
        store_pointer(base, k->offset, keep_text(value));
        break;
    }
}

/* "*:587" is any address of either family. */
static size_t store_listen(sgl_view text, struct config_address *out)
{
    char both[2][32];

    if (!sgl_view_starts(text, SGL_LIT("*:"))) {
        (void)value_address(text, 0, out);
        return 1;
    }
    snprintf(both[0], sizeof(both[0]), "0.0.0.0:%.*s", SGL_FMT(sgl_view_from(text, 2)));
    snprintf(both[1], sizeof(both[1]), "[::]:%.*s", SGL_FMT(sgl_view_from(text, 2)));
    (void)value_address(sgl_view_cstr(both[0]), 0, &out[0]);
    (void)value_address(sgl_view_cstr(both[1]), 0, &out[1]);
    return 2;
}

/* Element i of a list; how many places of the array it took. */
static size_t store_element(const struct key *k, void *array, size_t i, const char *value)
{
    sgl_view text = sgl_view_cstr(value);
    uint64_t n = 0;

    if (k->kind == KEY_LISTEN)
        return store_listen(text, (struct config_address *)array + i);
    if (k->kind == KEY_NAMESERVER)
        (void)value_address(text, 53, (struct config_address *)array + i);
    else if (k->kind == KEY_IP)
        (void)value_ip(text, (struct config_address *)array + i);
    else if (k->kind == KEY_NETWORK)
        (void)value_network(text, (struct config_network *)array + i);
    else if (k->kind == KEY_PATTERN || k->kind == KEY_SPF_TERM || k->kind == KEY_TEXT)
        ((const char **)array)[i] = keep_text(value);
    else if (k->kind == KEY_LIMIT)
        (void)limit_parse(text, (struct limit *)array + i);
    else if (value_duration_ms(text, &n) == NULL)
        ((uint32_t *)array)[i] = (uint32_t)((n + 999) / 1000);
    return 1;
}

static void store_list(cfg_t *cfg, const struct key *k, void *base)
{
    size_t size = k->kind == KEY_NETWORK ? sizeof(struct config_network)
                  : k->kind == KEY_PATTERN || k->kind == KEY_SPF_TERM || k->kind == KEY_TEXT
                      ? sizeof(char *)
                  : k->kind == KEY_SECONDS ? sizeof(uint32_t)
                  : k->kind == KEY_LIMIT   ? sizeof(struct limit)
                                           : sizeof(struct config_address);
    unsigned values = cfg_size(cfg, k->name);
    void *array = sgl_arena_alloc_n(&reading->config->memory->arena, 2 * (size_t)values + 1, size);
    size_t n = 0;

    for (unsigned i = 0; array != NULL && i < values; i++)
        n += store_element(k, array, n, cfg_getnstr(cfg, k->name, i));
    store_pointer(base, k->offset, array);
    memcpy((uint8_t *)base + k->count, &n, sizeof(n));
}

/* ---- the handover ---- */

/* In double quotes every byte that could mean something is written as \xNN. */
static void flat_text(const char *value)
{
    struct sgl_buf *out = &reading->flat;

    sgl_buf_add_cstr(out, "\"");
    for (const char *c = value; *c != '\0'; c++) {
        uint8_t b = (uint8_t)*c;

        if ((b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') ||
            strchr("./:_-*@[]", b) != NULL)
            sgl_buf_add_byte(out, b);
        else
            sgl_buf_addf(out, "\\x%02x", b);
    }
    sgl_buf_add_cstr(out, "\"");
}

static void flat_key(cfg_t *cfg, const struct key *k)
{
    struct sgl_buf *out = &reading->flat;
    unsigned values = cfg_size(cfg, k->name);

    if (k->count == 0 && cfg_getstr(cfg, k->name) == NULL)
        return;
    sgl_buf_addf(out, "%s = %s", k->name, k->count != 0 ? "{" : "");
    for (unsigned i = 0; i < values; i++) {
        if (i > 0)
            sgl_buf_add_cstr(out, ", ");
        flat_text(cfg_getnstr(cfg, k->name, i));
    }
    sgl_buf_add_cstr(out, k->count != 0 ? "}\n" : "\n");
}

static void flat_contents(const struct key *k, const void *base)
{
    const char *bytes;

    memcpy(&bytes, (const uint8_t *)base + k->contents, sizeof(bytes));
    if (bytes == NULL)
        return;
    sgl_buf_addf(&reading->flat, "%s" CONTENTS " = \"", k->name);
    sgl_hex_encode(&reading->flat, sgl_view_cstr(bytes));
    sgl_buf_add_cstr(&reading->flat, "\"\n");
}

/* ---- a section ---- */

void store_section(cfg_t *cfg, enum key_section section, void *base)
{
    const char *title = cfg_title(cfg);

    if (section != IN_ROOT) {
        sgl_buf_addf(&reading->flat, "%s ", config_section_name[section]);
        if (title != NULL)
            flat_text(title);
        sgl_buf_add_cstr(&reading->flat, " {\n");
    }
    for (size_t i = 0; i < config_keys && !reading->failed; i++) {
        const struct key *k = &config_key[i];

        if (k->section != section)
            continue;
        if (k->count != 0)
            store_list(cfg, k, base);
        else if (cfg_getstr(cfg, k->name) != NULL)
            store_one(cfg, k, base, cfg_getstr(cfg, k->name));
        flat_key(cfg, k);
        if (k->kind == KEY_SECRET)
            flat_contents(k, base);
    }
    if (section != IN_ROOT)
        sgl_buf_add_cstr(&reading->flat, "}\n");
}

static void store_titled(cfg_t *cfg, struct config *c)
{
    struct sgl_arena *arena = &c->memory->arena;

    c->listens = cfg_size(cfg, "listen");
    c->routes = cfg_size(cfg, "route");
    c->listen = SGL_NEW_N(arena, c->listens, struct config_listen);
    c->route = SGL_NEW_N(arena, c->routes, struct config_route);
    for (size_t i = 0; c->listen != NULL && i < c->listens; i++) {
        cfg_t *s = cfg_getnsec(cfg, "listen", (unsigned)i);

        c->listen[i].name = keep_text(cfg_title(s));
        store_section(s, IN_LISTEN, &c->listen[i]);
    }
    for (size_t i = 0; c->route != NULL && i < c->routes; i++) {
        cfg_t *s = cfg_getnsec(cfg, "route", (unsigned)i);

        c->route[i].name = keep_text(cfg_title(s));
        store_section(s, IN_ROUTE, &c->route[i]);
        if (c->route[i].port == 0)
            c->route[i].port = c->route[i].host != NULL ? 587 : c->delivery.port;
    }
}

static void store_profiles(cfg_t *cfg, struct config *c)
{
    c->profiles = cfg_size(cfg, "profile");
    c->profile = SGL_NEW_N(&c->memory->arena, c->profiles, struct config_profile);
    for (size_t i = 0; c->profile != NULL && i < c->profiles; i++) {
        cfg_t *s = cfg_getnsec(cfg, "profile", (unsigned)i);

        c->profile[i].name = keep_text(cfg_title(s));
        store_section(s, IN_PROFILE, &c->profile[i]);
    }
}

static void store_pools(cfg_t *cfg, struct config *c)
{
    c->pools = cfg_size(cfg, "pool");
    c->pool = SGL_NEW_N(&c->memory->arena, c->pools, struct config_pool);
    for (size_t i = 0; c->pool != NULL && i < c->pools; i++) {
        cfg_t *s = cfg_getnsec(cfg, "pool", (unsigned)i);

        c->pool[i].name = keep_text(cfg_title(s));
        store_section(s, IN_POOL, &c->pool[i]);
    }
}

static void store_receivers(cfg_t *cfg, struct config *c)
{
    c->receivers = cfg_size(cfg, "receiver");
    c->receiver = SGL_NEW_N(&c->memory->arena, c->receivers, struct config_receiver);
    for (size_t i = 0; c->receiver != NULL && i < c->receivers; i++) {
        cfg_t *s = cfg_getnsec(cfg, "receiver", (unsigned)i);

        c->receiver[i].name = keep_text(cfg_title(s));
        store_section(s, IN_RECEIVER, &c->receiver[i]);
    }
}

static void store_certificates(cfg_t *cfg, struct config *c)
{
    c->certificates = cfg_size(cfg, "certificate");
    c->certificate = SGL_NEW_N(&c->memory->arena, c->certificates, struct config_certificate);
    for (size_t i = 0; c->certificate != NULL && i < c->certificates; i++) {
        cfg_t *s = cfg_getnsec(cfg, "certificate", (unsigned)i);

        c->certificate[i].name = keep_text(cfg_title(s));
        store_section(s, IN_CERTIFICATE, &c->certificate[i]);
    }
}

/* Our own name, at the port of the first HTTP door with TLS. */
static const char *preset_url(const struct config *c)
{
    char text[320], *colon;

    snprintf(text, sizeof(text), "https://%s", c->hostname);
    for (size_t i = 0; i < c->listens; i++) {
        const struct config_listen *l = &c->listen[i];

        if (l->door != DOOR_HTTP || l->tls != LISTEN_IMPLICIT || l->addresses == 0)
            continue;
        colon = strrchr(l->address[0].text, ':');
        if (colon != NULL && strcmp(colon, ":443") != 0)
            snprintf(text, sizeof(text), "https://%s%s", c->hostname, colon);
        break;
    }
    return keep_text(text);
}

/* The secret as tsig-keygen, keymgr and others print it. */
static bool is_base64(const char *text)
{
    sgl_auto(sgl_buf) bytes = SGL_BUF_INIT(SECRET_MAX);
    bool good =
        text != NULL && sgl_base64_decode(sgl_view_cstr(text), &bytes) == SGL_OK && bytes.len > 0;

    if (bytes.data != NULL)
        explicit_bzero(bytes.data, bytes.cap);
    return good;
}

static void store_updates(cfg_t *cfg, struct config *c)
{
    c->updates = cfg_size(cfg, "dns_update");
    c->update = SGL_NEW_N(&c->memory->arena, c->updates, struct config_update);
    for (size_t i = 0; c->update != NULL && i < c->updates; i++) {
        cfg_t *s = cfg_getnsec(cfg, "dns_update", (unsigned)i);
        struct config_update *u = &c->update[i];

        u->name = keep_text(cfg_title(s));
        store_section(s, IN_UPDATE, u);
        if (reading->failed)
            return;
        if (!is_base64(u->secret))
            mistake(s, "dns_update %s: secret_file: %s does not hold a secret in base64", u->name,
                    u->secret_file);
        for (size_t k = 0; k < i; k++)
            if (strcmp(c->update[k].zone, u->zone) == 0)
                mistake(s, "dns_update %s: zone: dns_update %s has it already", u->name,
                        c->update[k].name);
    }
}

/* From elsewhere nobody could be told apart. */
static void check_metadata(cfg_t *cfg, const struct config *c)
{
    for (size_t i = 0; i < c->metadata.addresses; i++) {
        const struct sockaddr_storage *a = &c->metadata.address[i].addr;
        bool v4 = a->ss_family == AF_INET;
        bool fine =
            v4 ? ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET
               : IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)a)->sin6_addr);

        if (!fine)
            mistake(cfg_getsec(cfg, "metadata"),
                    "metadata.listen: %s: not an address of this machine alone (127.0.0.1, [::1])",
                    c->metadata.address[i].text);
    }
}

/* A receiver takes the report for the submitter's only when both are of one domain. [RFC 8460 s5.3] */
static void check_reports(cfg_t *cfg, const char *section, const struct config_reports *c)
{
    cfg_t *s = cfg_getsec(cfg, section);

    if (c->contact == NULL)
        return;
    if (c->from == NULL)
        mistake(s, "%s.from: missing (contact is given)", section);
    else if (!sgl_view_eq_nocase(sgl_view_cstr(strchr(c->from, '@')),
                                 sgl_view_cstr(strchr(c->contact, '@'))))
        mistake(s, "%s.contact: has to be in the domain of from", section);
}

/* What several keys must agree on. */
static void check_whole(cfg_t *cfg, struct config *c)
{
    char machine[256] = "";

    if (c->hostname == NULL && gethostname(machine, sizeof(machine) - 1) == 0 &&
        value_host(sgl_view_cstr(machine)) == NULL)
        c->hostname = keep_text(machine);
    if (c->hostname == NULL)
        mistake(cfg, "hostname: missing, and the machine has no name that could be used");
    else if (c->public_url == NULL)
        c->public_url = preset_url(c);
    if ((c->tls_certificate == NULL) != (c->tls_key == NULL))
        mistake(cfg, "%s: missing (%s is given)",
                c->tls_key == NULL ? "tls_key" : "tls_certificate",
                c->tls_key == NULL ? "tls_certificate" : "tls_key");
    if (c->tls_certificate == NULL &&
        (c->tls_next_key != NULL || c->tls_publish || c->certificates > 0))
        mistake(cfg, "tls_certificate: missing (it is shown to clients that name no host)");
    if (reading->tls_needed != NULL && c->tls_certificate == NULL && !reading->failed) {
        reading->failed = true;
        snprintf(reading->why, reading->why_size, "%s: tls: needs tls_certificate and tls_key",
                 reading->tls_needed);
    }
    if (!c->delivery.ipv4 && !c->delivery.ipv6)
        mistake(cfg_getsec(cfg, "delivery"), "delivery.ipv6: one of ipv4 and ipv6 must be true");
    if (c->queue.retries == 0)
        mistake(cfg_getsec(cfg, "queue"), "queue.retry: empty");
    if (c->verification.pendings == 0)
        mistake(cfg_getsec(cfg, "verification"), "verification.pending: empty");
    if (c->rotation.keep_s == ROTATION_KEEP_PRESET_S && c->rotation.keep_s < c->queue.expire_s)
        c->rotation.keep_s = c->queue.expire_s;
    if (c->rotation.keep_s < c->queue.expire_s)
        mistake(cfg_getsec(cfg, "rotation"),
                "rotation.keep: shorter than queue.expire: what waits there was signed with the "
                "old key");
    if (c->guard.complaints_stop > 0 && c->guard.complaints_stop < c->guard.complaints_warn)
        mistake(cfg_getsec(cfg, "guard"), "guard.complaints_stop: less than complaints_warn");
    if (c->reputation.refuse_below > c->reputation.defer_below)
        mistake(cfg_getsec(cfg, "reputation"), "reputation.refuse_below: more than defer_below");
    check_metadata(cfg, c);
    check_reports(cfg, "tls_reports", &c->tls_reports);
    check_reports(cfg, "dmarc_reports", &c->dmarc_reports);
    if (c->limits.memory < c->limits.message_size)
        mistake(cfg_getsec(cfg, "limits"), "limits.memory: less than limits.message_size");
}

void config_store(cfg_t *cfg, struct config *c)
{
    store_section(cfg, IN_ROOT, c);
    for (int s = IN_LIMITS; s < IN_LISTEN; s++)
        store_section(cfg_getsec(cfg, config_section_name[s]), (enum key_section)s, c);
    store_titled(cfg, c);
    store_profiles(cfg, c);
    store_updates(cfg, c);
    store_receivers(cfg, c);
    store_pools(cfg, c);
    store_certificates(cfg, c);
    store_overrides(cfg, c);
    check_whole(cfg, c);
    if (sgl_arena_dup(&c->memory->arena, sgl_buf_view(&reading->flat), &c->handover) != SGL_OK)
        reading->flat.status = SGL_E_LIMIT;
    if (c->memory->arena.status != SGL_OK || reading->flat.status != SGL_OK)
        mistake(cfg, "configuration: too large");
}
