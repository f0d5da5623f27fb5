/* SPDX-License-Identifier: Apache-2.0 */
#include "packet.h"

#include "sigillo/ascii.h"
#include "sigillo/limits.h"

#define HEADER_SIZE  12
#define CLASS_IN     1
#define POINTERS_MAX 64
#define RDATAS_MAX                                                                                 \
    (2 * SGL_LIMIT_DNS_RECORDS) /* what is above the limit is counted as dropped by the snapshot */
#define RCODE_NXDOMAIN 3

struct wire_name { /* uncompressed, lower case */
    uint8_t bytes[255];
    size_t len;
};

struct record {
    struct wire_name owner;
    uint16_t type, class_;
    uint32_t ttl;
    size_t rdata, rdata_len; /* place in the packet */
};

static bool u16_at(sgl_view p, size_t *off, uint16_t *out)
{
    if (p.len < 2 || *off > p.len - 2)
        return false;
    *out = (uint16_t)(p.ptr[*off] << 8 | p.ptr[*off + 1]);
    *off += 2;
    return true;
}

static bool u32_at(sgl_view p, size_t *off, uint32_t *out)
{
    uint16_t high, low;

    if (!u16_at(p, off, &high) || !u16_at(p, off, &low))
        return false;
    *out = (uint32_t)high << 16 | low;
    return true;
}

static bool add_label(struct wire_name *n, const uint8_t *label, size_t len)
{
    if (len + 1 > sizeof(n->bytes) - n->len)
        return false;
    n->bytes[n->len++] = (uint8_t)len;
    for (size_t i = 0; i < len; i++)
        n->bytes[n->len++] = sgl_ascii_lower(label[i]);
    return true;
}

/* A name that starts at *off; *off moves behind it. Pointers lead backwards only, so that they end. [RFC 1035 s4.1.4] */
static bool name_at(sgl_view p, size_t *off, struct wire_name *out)
{
    size_t at = *off, least = *off;
    bool jumped = false;

    out->len = 0;
    for (int pointers = 0; at < p.len;) {
        uint8_t len = p.ptr[at];

        if ((len & 0xc0) == 0xc0) {
            if (at + 1 >= p.len || ++pointers > POINTERS_MAX)
                return false;
            if (!jumped)
                *off = at + 2;
            jumped = true;
            at = (size_t)(len & 0x3f) << 8 | p.ptr[at + 1];
            if (at >= least)
                return false;
            least = at;
            continue;
        }
        if (len > SGL_LIMIT_LABEL || len > p.len - at - 1 || !add_label(out, p.ptr + at + 1, len))
            return false;
        at += (size_t)len + 1;
        if (len > 0)
            continue;
        if (!jumped)
            *off = at;
        return true;
    }
    return false;
}

static bool same_name(const struct wire_name *a, const struct wire_name *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static bool record_at(sgl_view p, size_t *off, struct record *r)
{
    uint16_t len;

    if (!name_at(p, off, &r->owner) || !u16_at(p, off, &r->type) || !u16_at(p, off, &r->class_) ||
        !u32_at(p, off, &r->ttl) || !u16_at(p, off, &len) || len > p.len - *off)
        return false;
    r->rdata = *off;
    r->rdata_len = len;
    *off += len;
    return true;
}

struct answer_section {
    sgl_view packet;
    size_t start;
    uint16_t count;
};

/* The alias of `name`: 1 found (*name and *ttl follow it), 0 there is none, -1 broken packet. */
static int follow(const struct answer_section *s, struct wire_name *name, uint32_t *ttl)
{
    size_t off = s->start;
    struct record r;

    for (unsigned i = 0; i < s->count; i++) {
        size_t target;

        if (!record_at(s->packet, &off, &r))
            return -1;
        if (r.type != SGL_RR_CNAME || r.class_ != CLASS_IN || !same_name(&r.owner, name))
            continue;
        target = r.rdata;
        if (!name_at(s->packet, &target, name) || target != r.rdata + r.rdata_len)
            return -1;
        if (r.ttl < *ttl)
            *ttl = r.ttl;
        return 1;
    }
    return 0;
}

/* Where the chain from *name leads. NULL, or what is wrong with it. */
static const char *follow_all(const struct answer_section *s, struct wire_name *name, uint32_t *ttl,
                              bool *aliased)
{
    for (int i = 0; i <= SGL_LIMIT_CNAME_CHAIN; i++) {
        int found = follow(s, name, ttl);

        if (found < 0)
            return "broken answer";
        if (found == 0)
            return NULL;
        *aliased = true;
    }
    return "alias chain too long";
}

/* Rdata with its names uncompressed. */
static bool plain_rdata(sgl_view p, const struct record *r, struct sgl_arena *arena, sgl_view *out)
{
    size_t fixed = r->type == SGL_RR_MX ? 2 : 0, off = r->rdata + fixed;
    uint8_t plain[2 + sizeof(((struct wire_name *)0)->bytes)];
    struct wire_name name;

    if (r->type != SGL_RR_MX && r->type != SGL_RR_NS && r->type != SGL_RR_CNAME &&
        r->type != SGL_RR_PTR) {
        *out = sgl_view_sub(p, r->rdata, r->rdata_len);
        return sgl_arena_dup(arena, *out, out) == SGL_OK;
    }
    if (r->rdata_len < fixed || !name_at(p, &off, &name) || off != r->rdata + r->rdata_len) {
        *out = sgl_view_of(NULL, 0); /* the snapshot counts it as malformed */
        return true;
    }
    memcpy(plain, p.ptr + r->rdata, fixed);
    memcpy(plain + fixed, name.bytes, name.len);
    return sgl_arena_dup(arena, sgl_view_of(plain, fixed + name.len), out) == SGL_OK;
}

static enum sgl_status collect(const struct answer_section *s, const struct wire_name *name,
                               enum sgl_rr type, struct sgl_arena *arena, struct sgl_dns_raw *raw)
{
    size_t max = s->count < RDATAS_MAX ? s->count : RDATAS_MAX, off = s->start;
    sgl_view *rdata = SGL_NEW_N(arena, max, sgl_view);
    struct record r;

    if (rdata == NULL)
        return arena->status;
    raw->rdata = rdata;
    raw->rdatas = 0;
    for (unsigned i = 0; i < s->count; i++) {
        if (!record_at(s->packet, &off, &r))
            return SGL_E_SYNTAX;
        if (r.type != type || r.class_ != CLASS_IN || !same_name(&r.owner, name) ||
            raw->rdatas == max)
            continue;
        if (!plain_rdata(s->packet, &r, arena, &rdata[raw->rdatas]))
            return arena->status;
        raw->rdatas++;
        if (r.ttl < raw->ttl_s)
            raw->ttl_s = r.ttl;
    }
    return SGL_OK;
}

/* Text of a name. Bytes that no host name has become "?", so that nobody takes it for one. */
static enum sgl_status name_text(const struct wire_name *name, struct sgl_arena *arena,
                                 sgl_view *out)
{
    uint8_t text[sizeof(name->bytes) + 1];
    size_t len = 0;

    for (size_t at = 0; at < name->len && name->bytes[at] > 0; at += (size_t)name->bytes[at] + 1) {
        for (size_t i = 1; i <= name->bytes[at]; i++) {
            uint8_t c = name->bytes[at + i];
            bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';

            text[len++] = good ? c : '?';
        }
        text[len++] = '.';
    }
    if (len == 0)
        text[len++] = '.';
    return sgl_arena_dup(arena, sgl_view_of(text, len), out);
}

static bool skip_head(sgl_view p, struct answer_section *s, struct wire_name *name, uint16_t *flags)
{
    uint16_t questions, type_and_class;
    size_t off = 2;

    s->packet = p;
    if (p.len < HEADER_SIZE || !u16_at(p, &off, flags) || !u16_at(p, &off, &questions) ||
        !u16_at(p, &off, &s->count) || questions != 1)
        return false;
    off = HEADER_SIZE;
    if (!name_at(p, &off, name) || !u16_at(p, &off, &type_and_class) ||
        !u16_at(p, &off, &type_and_class))
        return false;
    s->start = off;
    return true;
}

enum sgl_status packet_read(sgl_view packet, enum sgl_rr type, struct sgl_arena *arena,
                            struct sgl_dns_raw *out)
{
    struct sgl_dns_raw raw = *out;
    struct answer_section s;
    struct wire_name name;
    uint16_t flags, rcode;
    bool aliased = false;
    const char *wrong = NULL;

    if (!skip_head(packet, &s, &name, &flags))
        return SGL_E_SYNTAX;
    rcode = flags & 15;
    raw.ttl_s = UINT32_MAX;
    raw.rdata = NULL;
    raw.rdatas = 0;
    if (rcode != 0 && rcode != RCODE_NXDOMAIN)
        wrong = "the name server refused or failed";
    else if (type != SGL_RR_CNAME)
        wrong = follow_all(&s, &name, &raw.ttl_s, &aliased);
    if (wrong == NULL)
        SGL_TRY(collect(&s, &name, type, arena, &raw));
    if (aliased && wrong == NULL)
        SGL_TRY(name_text(&name, arena, &raw.canonical));
    raw.outcome = wrong != NULL             ? SGL_DNS_FAILED
                  : rcode == RCODE_NXDOMAIN ? SGL_DNS_NXDOMAIN
                  : raw.rdatas == 0         ? SGL_DNS_NODATA
                                            : SGL_DNS_OK;
    if (raw.outcome == SGL_DNS_NXDOMAIN)
        raw.rdatas = 0;
    if (raw.ttl_s == UINT32_MAX)
        raw.ttl_s = 0;
    raw.why = sgl_view_cstr(wrong);
    *out = raw;
    return SGL_OK;
}
