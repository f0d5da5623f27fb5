/* SPDX-License-Identifier: Apache-2.0 */
/* Which names can be a domain for mail, and how they are written here. */
#include <stdlib.h>

#include "domain_internal.h"
#include "sigillo/ascii.h"
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
    *why = "is not a domain name";
    if (status != SGL_OK || mailbox.literal)
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
