/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses in the one form that is compared, and the places in text that look like one. */
#include <string.h>

#include "access.h"
#include "sigillo/ascii.h"

void access_address_of(const struct sgl_mailbox *mailbox, struct access_address *out)
{
    sgl_view text = sgl_view_sub(mailbox->text, 0, ACCESS_TEXT_MAX); /* a mailbox is not longer */

    memcpy(out->text, text.ptr, text.len);
    out->text[text.len] = '\0';
    out->len = text.len;
    out->at = text.len - mailbox->domain.len - 1;
    out->ascii = !mailbox->utf8;
}

static void whole_domain(struct access_address *a)
{
    memmove(a->text, a->text + a->at, a->len - a->at + 1);
    a->len -= a->at;
    a->at = 0;
    a->ascii = true;
}

enum sgl_status access_address_parse(sgl_view text, struct access_address *out, const char **why)
{
    struct sgl_arena arena = SGL_ARENA_INIT(8192);
    struct sgl_buf address = SGL_BUF_INIT(2048);
    struct sgl_mailbox mailbox;
    struct sgl_diag diag = {0};
    bool bare = sgl_view_find(text, '@') == text.len;
    bool whole = bare || sgl_view_starts(text, SGL_LIT("*@"));
    enum sgl_status status;

    if (text.len > 0 && text.ptr[text.len - 1] == '.')
        text.len--;
    sgl_buf_add(&address, bare ? SGL_LIT("x@") : SGL_LIT(""));
    sgl_buf_add(&address, text);
    status = address.status == SGL_OK
                 ? sgl_mailbox_parse(sgl_buf_view(&address), &arena, &mailbox, &diag)
                 : address.status;
    *why = diag.what == NULL ? "this is no mail address" : diag.what;
    if (status == SGL_OK && mailbox.literal) {
        *why = "a domain is needed, not an address literal";
        status = SGL_E_SYNTAX;
    } else if (status == SGL_OK && bare &&
               sgl_view_find(mailbox.domain, '.') == mailbox.domain.len) {
        *why = "this has neither an @ nor a domain; an address is written as app1@example.org, "
               "all of a domain as *@example.org";
        status = SGL_E_SYNTAX;
    } else if (status == SGL_OK && !whole && access_is_disguised(mailbox.local)) {
        *why = "the local part looks like an encoded word";
        status = SGL_E_SYNTAX;
    } else if (status == SGL_OK && !whole && sgl_view_eq(mailbox.local, SGL_LIT("*"))) {
        *why = "a star alone means all of a domain";
        status = SGL_E_SYNTAX;
    }
    if (status == SGL_OK) {
        access_address_of(&mailbox, out);
        if (whole)
            whole_domain(out);
    }
    sgl_buf_done(&address);
    sgl_arena_done(&arena);
    return status;
}

void access_address_text(const char *text, char out[ACCESS_TEXT_MAX + 2])
{
    size_t len = strlen(text), star = text[0] == '@';

    len = len < ACCESS_TEXT_MAX ? len : ACCESS_TEXT_MAX;
    out[0] = '*';
    memcpy(out + star, text, len);
    out[star + len] = '\0';
}

bool access_is_disguised(sgl_view local)
{
    size_t start = sgl_view_find_view(local, SGL_LIT("=?"));

    return start < local.len && sgl_view_find_view(sgl_view_from(local, start + 2), SGL_LIT("?=")) <
                                    local.len - start - 2;
}

/* ---- mentions ---- */

/* The signs that readers show as "@" and ".", and their lengths; 0: none. */
static size_t at_sign(sgl_view text, size_t off)
{
    static const char *const sign[] = {"@", "\xef\xbc\xa0", "\xef\xb9\xab"};

    for (size_t i = 0; i < sizeof(sign) / sizeof(sign[0]); i++)
        if (sgl_view_starts(sgl_view_from(text, off), sgl_view_cstr(sign[i])))
            return strlen(sign[i]);
    return 0;
}

static size_t dot_sign(sgl_view text, size_t off)
{
    static const char *const sign[] = {".", "\xe3\x80\x82", "\xef\xbc\x8e", "\xef\xbd\xa1"};

    for (size_t i = 0; i < sizeof(sign) / sizeof(sign[0]); i++)
        if (sgl_view_starts(sgl_view_from(text, off), sgl_view_cstr(sign[i])))
            return strlen(sign[i]);
    return 0;
}

static bool ends_mention(uint8_t c)
{
    return sgl_ascii_is_control(c) || strchr(" <>()[],;:\"'\\", c) != NULL;
}

/* A dot with something before and behind it. */
static bool has_inner_dot(sgl_view text)
{
    for (size_t i = 1; i < text.len; i++) {
        size_t dot = dot_sign(text, i);

        if (dot > 0 && i + dot < text.len)
            return true;
    }
    return false;
}

/* "boss@example.org": something, a sign, and what could be a domain. */
static bool is_mention(sgl_view word)
{
    for (size_t i = 1; i < word.len; i++) {
        size_t sign = at_sign(word, i);

        if (sign > 0)
            return has_inner_dot(sgl_view_from(word, i + sign));
    }
    return false;
}

bool access_next_mention(sgl_view text, size_t *off, sgl_view *out)
{
    size_t at = *off;

    while (at < text.len) {
        size_t start = at;

        while (at < text.len && !ends_mention(text.ptr[at]))
            at++;
        *off = at;
        *out = sgl_view_sub(text, start, at - start);
        if (is_mention(*out))
            return true;
        at += at < text.len;
    }
    *off = text.len;
    return false;
}

/* ---- comments ---- */

/* Where the next comment begins: outside of quotes. */
static size_t comment_start(sgl_view value, size_t at)
{
    bool quoted = false;

    while (at < value.len && (quoted || value.ptr[at] != '(')) {
        quoted ^= value.ptr[at] == '"';
        at += value.ptr[at] == '\\' ? 2 : 1;
    }
    return at < value.len ? at : value.len;
}

bool access_next_comment(sgl_view value, size_t *off, uint8_t *room, sgl_view *out)
{
    size_t at = comment_start(value, *off), depth = 0, len = 0;

    *off = at;
    if (at == value.len)
        return false;
    do {
        uint8_t byte = value.ptr[at++];

        if (byte == '\\' && at < value.len)
            byte = value.ptr[at++];
        else if (byte == '(')
            depth++;
        else if (byte == ')')
            depth--;
        room[len++] = byte;
    } while (depth > 0 && at < value.len);
    *off = at;
    *out = sgl_view_of(room, len);
    return true;
}
