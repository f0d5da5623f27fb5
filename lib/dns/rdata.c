/* SPDX-License-Identifier: Apache-2.0 */
#include "rdata_internal.h"

#include "sigillo/banned.h"
#include "sigillo/limits.h"

/* Of an exchange more is let through than a host may have: SPF looks it up as it is. Delivery does not take it for a host. */
static enum sgl_status parse_mx(sgl_view rdata, struct sgl_arena *arena, struct sgl_dns_rr *out)
{
    size_t used;

    if (rdata.len < 3)
        return SGL_E_SYNTAX;
    out->mx.preference = (uint16_t)(rdata.ptr[0] << 8 | rdata.ptr[1]);
    SGL_TRY(sgl_name_from_wire(sgl_view_from(rdata, 2), SGL_NAME_ANY, arena, &used, &out->mx.host));
    return used == rdata.len - 2 ? SGL_OK : SGL_E_SYNTAX;
}

static enum sgl_status parse_name(sgl_view rdata, struct sgl_arena *arena, struct sgl_dns_rr *out)
{
    size_t used;

    SGL_TRY(sgl_name_from_wire(rdata, SGL_NAME_UNDERSCORE, arena, &used, &out->name));
    return used == rdata.len ? SGL_OK : SGL_E_SYNTAX;
}

/* The strings are joined without anything between them. [RFC 7208 s3.3] */
static enum sgl_status parse_txt(sgl_view rdata, struct sgl_arena *arena, struct sgl_dns_rr *out)
{
    uint8_t *text = sgl_arena_alloc(arena, rdata.len);
    size_t len = 0, off = 0;

    if (text == NULL)
        return arena->status;
    if (rdata.len == 0)
        return SGL_E_SYNTAX;
    while (off < rdata.len) {
        size_t n = rdata.ptr[off++];

        if (n > rdata.len - off)
            return SGL_E_SYNTAX;
        memcpy(text + len, rdata.ptr + off, n);
        len += n;
        off += n;
    }
    out->txt = sgl_view_of(text, len);
    return SGL_OK;
}

static enum sgl_status parse_tlsa(sgl_view rdata, struct sgl_arena *arena, struct sgl_dns_rr *out)
{
    if (rdata.len < 3)
        return SGL_E_SYNTAX;
    out->tlsa.usage = rdata.ptr[0];
    out->tlsa.selector = rdata.ptr[1];
    out->tlsa.matching = rdata.ptr[2];
    return sgl_arena_dup(arena, sgl_view_from(rdata, 3), &out->tlsa.data);
}

enum sgl_status sgl_rdata_parse(enum sgl_rr type, sgl_view rdata, struct sgl_arena *arena,
                                struct sgl_dns_rr *out)
{
    if (rdata.len > SGL_LIMIT_DNS_RDATA)
        return SGL_E_SYNTAX;
    switch (type) {
    case SGL_RR_A:
        if (rdata.len != 4)
            return SGL_E_SYNTAX;
        out->ip = sgl_ip_v4(rdata.ptr);
        return SGL_OK;
    case SGL_RR_AAAA:
        if (rdata.len != 16)
            return SGL_E_SYNTAX;
        out->ip = sgl_ip_v6(rdata.ptr);
        return SGL_OK;
    case SGL_RR_MX:
        return parse_mx(rdata, arena, out);
    case SGL_RR_NS:
    case SGL_RR_CNAME:
    case SGL_RR_PTR:
        return parse_name(rdata, arena, out);
    case SGL_RR_TXT:
    case SGL_RR_SPF: /* the same form [RFC 7208 s14.1] */
        return parse_txt(rdata, arena, out);
    case SGL_RR_TLSA:
        return parse_tlsa(rdata, arena, out);
    }
    return SGL_E_SYNTAX;
}
