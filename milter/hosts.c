/* SPDX-License-Identifier: Apache-2.0 */
#include "hosts.h"

#include "sigillo/dns_name.h"

struct host_entry {
    bool excludes;
    sgl_view name; /* "mail.example.org", ".example.org"; empty: it is a network */
    struct sgl_ip_prefix network;
};

/* "[192.0.2.1]", "192.0.2.0/24", "2001:db8::/32": brackets around the address make no difference. */
static bool read_network(sgl_view text, struct sgl_ip_prefix *out)
{
    size_t end = sgl_view_find(text, ']');
    char plain[64];
    size_t len;

    if (text.len == 0 || text.ptr[0] != '[')
        return sgl_ip_prefix_parse(text, out) == SGL_OK;
    if (end == text.len || text.len - 2 > sizeof plain)
        return false;
    len = end - 1;
    memcpy(plain, text.ptr + 1, len);
    if (text.len > end + 1)
        memcpy(plain + len, text.ptr + end + 1, text.len - end - 1);
    return sgl_ip_prefix_parse(sgl_view_of(plain, text.len - 2), out) == SGL_OK;
}

static const char *read_entry(sgl_view text, struct host_entry *out)
{
    sgl_view name;

    *out = (struct host_entry){.excludes = text.len > 0 && text.ptr[0] == '!'};
    text = sgl_view_from(text, out->excludes);
    if (read_network(text, &out->network))
        return NULL;
    name = text.len > 0 && text.ptr[0] == '.' ? sgl_view_from(text, 1) : text;
    if (!sgl_name_ok(name, SGL_NAME_UNDERSCORE) || sgl_view_find(name, '/') < name.len)
        return "is no address, network (192.0.2.0/24), host name or .domain";
    out->name = text;
    return NULL;
}

enum sgl_status hosts_read(const struct dataset *from, struct sgl_arena *arena, struct hosts *out,
                           struct dataset_fault *fault)
{
    struct host_entry *entry = SGL_NEW_N(arena, from->rows, struct host_entry);

    if (entry == NULL)
        return arena->status;
    for (size_t i = 0; i < from->rows; i++) {
        const char *wrong = read_entry(from->row[i].key, &entry[i]);

        if (wrong != NULL) {
            *fault = (struct dataset_fault){from->row[i].line, wrong};
            return SGL_E_SYNTAX;
        }
    }
    *out = (struct hosts){entry, from->rows};
    return SGL_OK;
}

/* The entry whose name is closest to this one, or NULL; of two that say the same, the one that excludes. */
static const struct host_entry *closest_name(const struct hosts *h, sgl_view name)
{
    const struct host_entry *best = NULL;

    for (size_t i = 0; name.len > 0 && i < h->entries; i++) {
        const struct host_entry *e = &h->entry[i];
        bool hit =
            e->name.len > 0 &&
            (e->name.ptr[0] == '.' ? name.len > e->name.len && sgl_view_ends_nocase(name, e->name)
                                   : sgl_view_eq_nocase(name, e->name));

        if (hit && e->name.ptr[0] != '.' && e->excludes)
            return e;
        if (!hit)
            continue;
        if (best == NULL || (best->name.ptr[0] == '.' && e->name.len > best->name.len) ||
            (e->name.len == best->name.len && e->excludes))
            best = e;
    }
    return best;
}

static const struct host_entry *closest_network(const struct hosts *h, const struct sgl_ip *ip)
{
    const struct host_entry *best = NULL;

    for (size_t i = 0; ip->version != 0 && i < h->entries; i++) {
        const struct host_entry *e = &h->entry[i];

        if (e->name.len > 0 || !sgl_ip_in_prefix(ip, &e->network))
            continue;
        if (best == NULL || e->network.bits > best->network.bits ||
            (e->network.bits == best->network.bits && e->excludes))
            best = e;
    }
    return best;
}

bool hosts_has(const struct hosts *h, sgl_view name, const struct sgl_ip *ip)
{
    const struct host_entry *e = closest_name(h, name);

    if (e == NULL)
        e = closest_network(h, ip);
    return e != NULL && !e->excludes;
}
