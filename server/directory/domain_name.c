/* SPDX-License-Identifier: Apache-2.0 */
/* Which names can be a domain for mail, and how they are written here. */
#include <stdlib.h>

#include "domain_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/idn.h"
#include "sigillo/mailbox.h"
#include "sigillo/psl.h"

/* Everybody may register names below a public suffix: nobody owns it. */
static bool is_public_suffix(sgl_view domain, struct sgl_arena *arena)
{
    const struct sgl_psl *psl = sgl_psl_builtin();
    struct sgl_name name;

    return psl != NULL && sgl_name_parse(domain, SGL_NAME_HOST, arena, NULL, &name) == SGL_OK &&
           sgl_psl_is_suffix(psl, name);
}

/* No name ends in a number, so that addresses are told from names  [RFC 1123 s2.1]. */
static bool ends_in_number(sgl_view domain)
{
    size_t at = domain.len;

    while (at > 0 && sgl_ascii_is_digit(domain.ptr[at - 1]))
        at--;
    return at < domain.len && (at == 0 || domain.ptr[at - 1] == '.');
}

/* A label that begins with xn-- stands for one in another script, and for exactly one  [RFC 5890 s2.3.2.1]. */
static bool has_false_label(sgl_view domain, struct sgl_arena *arena)
{
    sgl_view shown, back;

    return sgl_idn_to_unicode(domain, arena, &shown) != SGL_OK ||
           sgl_idn_to_ascii(shown, arena, &back) != SGL_OK || !sgl_view_eq_nocase(back, domain);
}

static char *canonical(sgl_view name, struct sgl_arena *arena, const char **why)
{
    struct sgl_buf address = SGL_BUF_INIT(1024);
    struct sgl_mailbox mailbox;
    struct sgl_diag diag = {0};
    enum sgl_status status;
    char *out;

    sgl_buf_add(&address, SGL_LIT("x@"));
    sgl_buf_add(&address, name);
    status = address.status != SGL_OK
                 ? SGL_E_LIMIT
                 : sgl_mailbox_parse(sgl_buf_view(&address), arena, &mailbox, &diag);
    sgl_buf_done(&address);
    *why = "is not a domain name; it is one as in example.org";
    if (status != SGL_OK || mailbox.literal)
        return NULL;
    *why = "is an IP address or ends like one; a domain name is wanted, as in example.org";
    if (ends_in_number(mailbox.domain))
        return NULL;
    *why = "has a label that begins with xn-- and stands for no name in another script";
    if (has_false_label(mailbox.domain, arena))
        return NULL;
    *why = "has one label only; a domain for mail has at least two, as in example.org";
    if (sgl_view_find(mailbox.domain, '.') == mailbox.domain.len)
        return NULL;
    *why = "is a public suffix, below which everybody may have a name; give the name of your own";
    if (is_public_suffix(mailbox.domain, arena))
        return NULL;
    out = text_of(mailbox.domain);
    *why = out == NULL ? "did not fit into memory" : NULL;
    return out;
}

char *domain_name_canonical(sgl_view name, const char **why)
{
    struct sgl_arena arena = SGL_ARENA_INIT(8192);
    char *out = NULL;

    if (name.len > 0 && name.ptr[name.len - 1] == '.')
        name.len--;
    if (name.len == 0)
        *why = "is empty; a domain name is wanted";
    else if (sgl_view_find(name, '@') < name.len)
        *why = "is a mail address; its domain, the part behind the @, is wanted";
    else
        out = canonical(name, &arena, why);
    sgl_arena_done(&arena);
    return out;
}

char *domain_label(sgl_view text)
{
    bool fits =
        text.len > 0 && text.len <= 63 && text.ptr[0] != '-' && text.ptr[text.len - 1] != '-';
    char *out;

    for (size_t i = 0; fits && i < text.len; i++)
        fits = sgl_ascii_is_alnum(text.ptr[i]) || text.ptr[i] == '-';
    out = fits ? text_of(text) : NULL;
    for (size_t i = 0; out != NULL && i < text.len; i++)
        out[i] = (char)sgl_ascii_lower((uint8_t)out[i]);
    return out;
}
