/* SPDX-License-Identifier: Apache-2.0 */
/* Values as records, and found again among those that a server has. */
#include <stdlib.h>
#include <string.h>

#include "sigillo/limits.h"
#include "update_internal.h"

#define TXT_PART     255 /* [RFC 1035 s3.3] */
#define TLSA_HEX_MAX 128 /* of the longest digest */

static ldns_rdf *name_rdf(sgl_view text)
{
    char cstr[SGL_LIMIT_NAME_TEXT + 2];

    if (text.len > SGL_LIMIT_NAME_TEXT)
        return NULL;
    memcpy(cstr, text.ptr, text.len);
    cstr[text.len] = '\0';
    return ldns_dname_new_frm_str(cstr);
}

/* One more; false: memory has ended, or there was none. */
static bool push(ldns_rr *rr, ldns_rdf *rdf)
{
    if (rdf != NULL && ldns_rr_push_rdf(rr, rdf))
        return true;
    ldns_rdf_deep_free(rdf);
    return false;
}

static bool put_txt(ldns_rr *rr, sgl_view text)
{
    uint8_t part[TXT_PART + 1];

    do {
        size_t n = text.len < TXT_PART ? text.len : TXT_PART;

        part[0] = (uint8_t)n;
        memcpy(part + 1, text.ptr, n);
        if (!push(rr, ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, n + 1, part)))
            return false;
        text = sgl_view_from(text, n);
    } while (text.len > 0);
    return true;
}

static bool put_mx(ldns_rr *rr, sgl_view text)
{
    sgl_view host, number = sgl_view_split(text, ' ', &host);
    uint64_t preference;

    return sgl_view_u64(number, UINT16_MAX, &preference) &&
           push(rr, ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16, (uint16_t)preference)) &&
           push(rr, name_rdf(host));
}

/* "3 1 1 0123...": three numbers and hex digits  [RFC 6698 s2.2] */
static bool put_tlsa(ldns_rr *rr, sgl_view text)
{
    char hex[TLSA_HEX_MAX + 1];

    for (int i = 0; i < 3; i++) {
        sgl_view number = sgl_view_split(text, ' ', &text);
        uint64_t value;

        if (!sgl_view_u64(number, UINT8_MAX, &value) ||
            !push(rr, ldns_native2rdf_int8(LDNS_RDF_TYPE_INT8, (uint8_t)value)))
            return false;
    }
    if (text.len == 0 || text.len > TLSA_HEX_MAX)
        return false;
    memcpy(hex, text.ptr, text.len);
    hex[text.len] = '\0';
    return push(rr, ldns_rdf_new_frm_str(LDNS_RDF_TYPE_HEX, hex));
}

ldns_rr *record_empty(const struct update_change *c, uint32_t ttl)
{
    ldns_rr *rr = ldns_rr_new();
    ldns_rdf *owner = name_rdf(c->name.text);

    if (rr == NULL || owner == NULL) {
        ldns_rr_free(rr);
        ldns_rdf_deep_free(owner);
        return NULL;
    }
    ldns_rr_set_owner(rr, owner);
    ldns_rr_set_type(rr, (ldns_rr_type)c->type);
    ldns_rr_set_class(rr, LDNS_RR_CLASS_IN);
    ldns_rr_set_ttl(rr, ttl);
    return rr;
}

ldns_rr *record_new(const struct update_change *c, sgl_view value, uint32_t ttl)
{
    ldns_rr *rr = record_empty(c, ttl);
    bool good = false;

    if (rr == NULL)
        return NULL;
    if (c->type == SGL_RR_TXT)
        good = put_txt(rr, value);
    else if (c->type == SGL_RR_MX)
        good = put_mx(rr, value);
    else if (c->type == SGL_RR_CNAME)
        good = push(rr, name_rdf(value));
    else if (c->type == SGL_RR_TLSA)
        good = put_tlsa(rr, value);
    if (good)
        return rr;
    ldns_rr_free(rr);
    return NULL;
}

/* ---- found again ---- */

/* The strings of a TXT record, joined: how they were cut means nothing. */
static bool is_text(const ldns_rr *rr, sgl_view value)
{
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
        sgl_view part = sgl_view_of(ldns_rdf_data(rdf), ldns_rdf_size(rdf));

        part = sgl_view_from(part, 1);
        if (!sgl_view_starts(value, part))
            return false;
        value = sgl_view_from(value, part.len);
    }
    return value.len == 0;
}

/* Case means nothing in a name, and is a bit like others in a digest. */
static bool is_same(const ldns_rr *a, const ldns_rr *b)
{
    if (b == NULL || ldns_rr_rd_count(a) != ldns_rr_rd_count(b))
        return false;
    for (size_t i = 0; i < ldns_rr_rd_count(a); i++) {
        const ldns_rdf *x = ldns_rr_rdf(a, i), *y = ldns_rr_rdf(b, i);
        sgl_view left = sgl_view_of(ldns_rdf_data(x), ldns_rdf_size(x));

        sgl_view right = sgl_view_of(ldns_rdf_data(y), ldns_rdf_size(y));

        if (ldns_rdf_get_type(x) == LDNS_RDF_TYPE_DNAME ? !sgl_view_eq_nocase(left, right)
                                                        : !sgl_view_eq(left, right))
            return false;
    }
    return true;
}

const ldns_rr *record_find(const ldns_rr_list *there, const struct update_change *c, sgl_view value)
{
    ldns_rr *wanted = c->type == SGL_RR_TXT ? NULL : record_new(c, value, 0);
    const ldns_rr *found = NULL;

    for (size_t i = 0; found == NULL && i < ldns_rr_list_rr_count(there); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(there, i);

        if (c->type == SGL_RR_TXT ? is_text(rr, value) : is_same(rr, wanted))
            found = rr;
    }
    ldns_rr_free(wanted);
    return found;
}

bool record_same_set(const struct update_change *a, const struct update_change *b)
{
    return a->type == b->type && sgl_name_eq(a->name, b->name);
}
