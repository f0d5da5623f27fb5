/* SPDX-License-Identifier: Apache-2.0 */
/* Whose mail is it?  One strict parser reads From: what mail programs may show differently is not guessed at.  [RFC 9989 s5.3.1, s11.5] */
#include "sigillo/banned.h"
#include "sigillo/dmarc.h"
#include "sigillo/mailbox.h"

#define FROM SGL_LIT("From")

const char *sgl_dmarc_author_name(enum sgl_dmarc_author state)
{
    switch (state) {
    case SGL_DMARC_AUTHOR_OK:
        return "From names one domain";
    case SGL_DMARC_AUTHOR_NO_FIELD:
        return "there is no From field";
    case SGL_DMARC_AUTHOR_FIELDS:
        return "there is more than one From field";
    case SGL_DMARC_AUTHOR_SYNTAX:
        return "the From field cannot be read";
    case SGL_DMARC_AUTHOR_NONE:
        return "From names no domain";
    case SGL_DMARC_AUTHOR_DOMAINS:
        return "From names several domains";
    }
    return "?";
}

/* The domain that all mailboxes have. */
static enum sgl_dmarc_author one_domain(const struct sgl_address_list *list, sgl_view *out)
{
    if (list->count == 0)
        return SGL_DMARC_AUTHOR_NONE;
    for (size_t i = 1; i < list->count; i++) {
        if (!sgl_view_eq(list->item[i].mailbox.domain, list->item[0].mailbox.domain))
            return SGL_DMARC_AUTHOR_DOMAINS;
    }
    if (list->item[0].mailbox.literal)
        return SGL_DMARC_AUTHOR_NONE;
    *out = list->item[0].mailbox.domain;
    return SGL_DMARC_AUTHOR_OK;
}

/* A value that breaks the grammar or its limits is the message's fault; a full arena is not. */
static bool is_its_fault(enum sgl_status st, const struct sgl_arena *arena)
{
    return st == SGL_E_SYNTAX || (st == SGL_E_LIMIT && arena->status == SGL_OK);
}

static enum sgl_status read_author(const struct sgl_headers *headers, struct sgl_arena *arena,
                                   enum sgl_dmarc_author *state, struct sgl_name *domain)
{
    const struct sgl_header *from = sgl_headers_first(headers, FROM);
    struct sgl_address_list list;
    sgl_view value = {NULL, 0}, text = {NULL, 0};
    enum sgl_status st;

    *state = SGL_DMARC_AUTHOR_NO_FIELD;
    if (from == NULL)
        return SGL_OK;
    *state = SGL_DMARC_AUTHOR_FIELDS;
    if (sgl_headers_next(headers, FROM, from) != NULL)
        return SGL_OK;
    *state = SGL_DMARC_AUTHOR_SYNTAX;
    st = sgl_header_unfold(from->value, arena, &value);
    if (st == SGL_OK)
        st = sgl_address_list_parse_received(value, arena, &list, NULL);
    if (st == SGL_OK) {
        *state = one_domain(&list, &text);
        if (*state != SGL_DMARC_AUTHOR_OK)
            return SGL_OK;
        st = sgl_name_parse(text, SGL_NAME_UNDERSCORE, arena, NULL, domain);
    }
    if (is_its_fault(st, arena)) {
        *state = SGL_DMARC_AUTHOR_SYNTAX;
        return SGL_OK;
    }
    return st;
}

enum sgl_status sgl_dmarc_author(const struct sgl_headers *headers, struct sgl_arena *arena,
                                 enum sgl_dmarc_author *state, struct sgl_name *domain)
{
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    enum sgl_dmarc_author found;
    struct sgl_name name = {{NULL, 0}};
    enum sgl_status st = read_author(headers, arena, &found, &name);

    if (st != SGL_OK) {
        sgl_arena_rewind(arena, mark);
        return st;
    }
    *state = found;
    if (found == SGL_DMARC_AUTHOR_OK)
        *domain = name;
    return SGL_OK;
}
