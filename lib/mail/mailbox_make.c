/* SPDX-License-Identifier: Apache-2.0 */
/* From an address's characters to a mailbox: lengths, UTF-8, the domain in its one form, quotes where they are needed. */
#include "mailbox_internal.h"

#include "sigillo/idn.h"
#include "sigillo/ip.h"
#include "sigillo/limits.h"
#include "sigillo/utf8.h"

#include "sigillo/banned.h"

struct making {
    const struct sgl_lex *lx;
    const struct sgl_addr_parts *parts;
    struct sgl_arena *arena;
};

static enum sgl_status syntax(const struct making *m, const char *what, const char *rule,
                              size_t off)
{
    sgl_diag_set(m->lx->diag, what, rule, m->lx->in, off);
    return SGL_E_SYNTAX;
}

static enum sgl_status limit(const struct making *m, const char *what, const char *rule, size_t off)
{
    sgl_diag_set(m->lx->diag, what, rule, m->lx->in, off);
    return SGL_E_LIMIT;
}

bool sgl_is_dot_atom(sgl_view v)
{
    bool dot = true; /* as if one stood before: none may lead */

    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] == '.' ? dot : !sgl_lex_is_atext(v.ptr[i]))
            return false;
        dot = v.ptr[i] == '.';
    }
    return !dot;
}

/* Letters, digits, hyphens; labels of 1 to 63 that neither begin nor end in a hyphen. [RFC 5321 s4.1.2; RFC 1035 s2.3.4] */
static enum sgl_status check_ldh(const struct making *m, sgl_view domain)
{
    size_t off = m->parts->domain_off, label = 0;

    for (size_t i = 0; i <= domain.len; i++) {
        bool end = i == domain.len || domain.ptr[i] == '.';

        if (end && label == 0)
            return syntax(m, "domain has an empty label", "RFC 5321 s4.1.2", off);
        if (end && !m->parts->any_name &&
            (domain.ptr[i - 1] == '-' || domain.ptr[i - label] == '-'))
            return syntax(m, "domain label begins or ends with a hyphen", "RFC 5321 s4.1.2", off);
        if (end && label > 63)
            return limit(m, "domain label is longer than 63 characters", "RFC 1035 s2.3.4", off);
        if (!end && !sgl_ascii_is_alnum(domain.ptr[i]) && domain.ptr[i] != '-' &&
            !(domain.ptr[i] == '_' && m->parts->any_name))
            return syntax(m, "domain holds a character that no host name has", "RFC 5321 s4.1.2",
                          off);
        label = end ? 0 : label + 1;
    }
    return SGL_OK;
}

/* U-labels become A-labels; check_ldh() looks at the result. [RFC 6531 s3.3] */
static enum sgl_status to_ascii(const struct making *m, sgl_view *domain)
{
    enum sgl_status status = sgl_idn_to_ascii(*domain, m->arena, domain);

    if (status == SGL_E_LIMIT && m->arena->status == SGL_OK)
        return limit(m, "internationalised domain is too long", "RFC 5890 s2.3.2.1",
                     m->parts->domain_off);
    if (status == SGL_E_SYNTAX)
        return syntax(m, "domain is not a valid internationalised name", "RFC 5891 s4.2",
                      m->parts->domain_off);
    return status;
}

/* [192.0.2.1] and [IPv6:2001:db8::1]; the general form has no registered tag. [RFC 5321 s4.1.3] */
static enum sgl_status check_literal(const struct making *m, sgl_view domain)
{
    sgl_view inner = sgl_view_sub(domain, 1, domain.len < 2 ? 0 : domain.len - 2);
    bool v6 = sgl_view_starts_nocase(inner, SGL_LIT("IPv6:"));
    struct sgl_ip ip;

    if (sgl_ip_parse(v6 ? sgl_view_from(inner, 5) : inner, &ip) != SGL_OK ||
        ip.version != (v6 ? 6 : 4))
        return syntax(m, "address literal is not an IP address", "RFC 5321 s4.1.3",
                      m->parts->domain_off);
    return SGL_OK;
}

static enum sgl_status make_domain(const struct making *m, sgl_view *domain)
{
    *domain = m->parts->domain;
    if (m->parts->literal)
        return check_literal(m, *domain);
    if (domain->len == 0)
        return syntax(m, "address has no domain", "RFC 5321 s4.1.2", m->parts->domain_off);
    if (!sgl_ascii_only(*domain)) {
        if (domain->len > 4 * SGL_LIMIT_DOMAIN)
            return limit(m, "domain is longer than 255 characters", "RFC 5321 s4.5.3.1.2",
                         m->parts->domain_off);
        if (!sgl_utf8_valid(*domain))
            return syntax(m, "domain is not UTF-8", "RFC 6531 s3.3", m->parts->domain_off);
        SGL_TRY(to_ascii(m, domain));
    }
    if (domain->len > SGL_LIMIT_DOMAIN)
        return limit(m, "domain is longer than 255 characters", "RFC 5321 s4.5.3.1.2",
                     m->parts->domain_off);
    return check_ldh(m, *domain);
}

static enum sgl_status check_local(const struct making *m)
{
    sgl_view local = m->parts->local;

    if (local.len > SGL_LIMIT_LOCAL_PART)
        return limit(m, "local part is longer than 64 bytes", "RFC 5321 s4.5.3.1.1",
                     m->parts->local_off);
    for (size_t i = 0; i < local.len; i++)
        if (sgl_ascii_is_control(local.ptr[i]))
            return syntax(m, "local part holds a control character", "RFC 5321 s4.1.2",
                          m->parts->local_off);
    if (!sgl_utf8_valid(local))
        return syntax(m, "local part is not UTF-8", "RFC 6531 s3.3", m->parts->local_off);
    return SGL_OK;
}

static size_t put_local(sgl_view local, uint8_t *out)
{
    size_t n = 0;

    if (sgl_is_dot_atom(local)) {
        memcpy(out, local.ptr, local.len);
        return local.len;
    }
    out[n++] = '"';
    for (size_t i = 0; i < local.len; i++) {
        if (local.ptr[i] == '"' || local.ptr[i] == '\\')
            out[n++] = '\\';
        out[n++] = local.ptr[i];
    }
    out[n++] = '"';
    return n;
}

/* Domains in lower case; of a literal only the address, its tag is written "IPv6:". */
static void put_domain(sgl_view domain, uint8_t *out)
{
    for (size_t i = 0; i < domain.len; i++)
        out[i] = sgl_ascii_lower(domain.ptr[i]);
    if (domain.len > 5 && out[0] == '[' && out[1] == 'i')
        memcpy(out + 1, "IPv6", 4);
}

enum sgl_status sgl_mailbox_make(const struct sgl_addr_parts *parts, const struct sgl_lex *lx,
                                 struct sgl_arena *arena, struct sgl_mailbox *out)
{
    struct making m = {lx, parts, arena};
    struct sgl_mailbox made = {.literal = parts->literal};
    sgl_view domain;
    uint8_t *text;
    size_t n;

    SGL_TRY(check_local(&m));
    SGL_TRY(make_domain(&m, &domain));
    text = sgl_arena_alloc(arena, 2 * parts->local.len + 3 + domain.len);
    if (text == NULL)
        return arena->status;
    n = put_local(parts->local, text);
    made.local = n == parts->local.len ? sgl_view_of(text, n) : parts->local;
    if (n > SGL_LIMIT_LOCAL_PART)
        return limit(&m, "local part is longer than 64 bytes", "RFC 5321 s4.5.3.1.1",
                     parts->local_off);
    text[n] = '@';
    put_domain(domain, text + n + 1);
    made.domain = sgl_view_of(text + n + 1, domain.len);
    made.text = sgl_view_of(text, n + 1 + domain.len);
    if (made.text.len > SGL_LIMIT_MAILBOX)
        return limit(&m, "address is longer than 254 bytes", "RFC 5321 s4.5.3.1.3",
                     parts->local_off);
    made.utf8 = !sgl_ascii_only(parts->local);
    *out = made;
    return SGL_OK;
}

bool sgl_mailbox_eq(const struct sgl_mailbox *a, const struct sgl_mailbox *b)
{
    return sgl_view_eq(a->text, b->text);
}
