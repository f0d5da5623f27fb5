/* SPDX-License-Identifier: Apache-2.0 */
#include "list_fields.h"

#include <string.h>

#include "sigillo/ascii.h"
#include "sigillo/encoded_word.h"
#include "sigillo/mailbox.h"

#define UNSUBSCRIBE      SGL_LIT("List-Unsubscribe")
#define UNSUBSCRIBE_POST SGL_LIT("List-Unsubscribe-Post")
#define LIST_ID          SGL_LIT("List-ID")
#define ONE_CLICK        SGL_LIT("List-Unsubscribe=One-Click")

/* ---- ids and names ---- */

bool list_id_ok(sgl_view id)
{
    bool part = false;

    if (id.len > LIST_ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        uint8_t c = id.ptr[i];

        if (c == '.' && !part)
            return false;
        if (c != '.' && !sgl_ascii_is_alnum(c) && c != '-' && c != '_' && c != '+' && c != '=')
            return false;
        part = c != '.';
    }
    return part;
}

static bool lower(sgl_view v, struct sgl_arena *arena, sgl_view *out)
{
    uint8_t *to = sgl_arena_alloc(arena, v.len + 1);

    if (to == NULL)
        return false;
    for (size_t i = 0; i < v.len; i++)
        to[i] = sgl_ascii_lower(v.ptr[i]);
    *out = sgl_view_of(to, v.len);
    return true;
}

/* In lower case; one of a single part is a list of the domain. */
static enum list_fault take_id(sgl_view id, sgl_view domain, struct sgl_arena *arena,
                               struct list_mail *out)
{
    struct sgl_buf whole = SGL_BUF_INIT(LIST_ID_MAX + 1);
    enum list_fault fault = LIST_ID_SYNTAX;

    sgl_buf_add(&whole, id);
    if (sgl_view_find(id, '.') == id.len && id.len > 0) {
        sgl_buf_add_byte(&whole, '.');
        sgl_buf_add(&whole, domain);
    }
    if (whole.status == SGL_OK && list_id_ok(sgl_buf_view(&whole)))
        fault = lower(sgl_buf_view(&whole), arena, &out->id) ? LIST_FINE : LIST_NO_MEMORY;
    else if (whole.status == SGL_E_NOMEM)
        fault = LIST_NO_MEMORY;
    sgl_buf_done(&whole);
    return fault;
}

/* "Name <id>", or "id". */
static sgl_view id_in(sgl_view value, sgl_view *name)
{
    size_t open = value.len;

    *name = sgl_view_of(NULL, 0);
    if (value.len == 0 || value.ptr[value.len - 1] != '>')
        return value;
    while (open > 0 && value.ptr[open - 1] != '<')
        open--;
    if (open == 0)
        return value;
    *name = sgl_view_trim(sgl_view_sub(value, 0, open - 1));
    return sgl_view_trim(sgl_view_sub(value, open, value.len - open - 1));
}

/* A phrase reads as the name before an address does. */
static enum list_fault take_phrase(sgl_view phrase, struct sgl_arena *arena, struct list_mail *out)
{
    struct sgl_buf text = SGL_BUF_INIT(2048);
    struct sgl_address address;
    enum sgl_status status;
    sgl_view copy;

    if (phrase.len == 0)
        return LIST_FINE;
    sgl_buf_add(&text, phrase);
    sgl_buf_add(&text, SGL_LIT(" <a@example.org>"));
    status = text.status == SGL_OK ? sgl_arena_dup(arena, sgl_buf_view(&text), &copy) : text.status;
    sgl_buf_done(&text);
    if (status == SGL_OK)
        status = sgl_address_parse(copy, arena, &address, NULL);
    if (status == SGL_E_NOMEM || arena->status != SGL_OK)
        return LIST_NO_MEMORY;
    if (status != SGL_OK || address.name.len > LIST_NAME_MAX)
        return LIST_NAME_SYNTAX;
    out->name = address.name;
    return LIST_FINE;
}

static enum list_fault read_mark(const struct sgl_headers *headers, sgl_view domain,
                                 struct sgl_arena *arena, struct list_mail *out)
{
    const struct sgl_header *mark = sgl_headers_first(headers, SGL_LIT(LIST_MARK));
    sgl_view value, phrase, id;
    enum list_fault fault;

    if (mark == NULL)
        return LIST_NONE;
    if (sgl_headers_count(headers, SGL_LIT(LIST_MARK)) > 1)
        return LIST_TWICE;
    if (sgl_header_unfold(mark->value, arena, &value) != SGL_OK)
        return LIST_NO_MEMORY;
    id = id_in(value, &phrase);
    fault = take_id(id, domain, arena, out);
    return fault == LIST_FINE ? take_phrase(phrase, arena, out) : fault;
}

static bool name_ok(sgl_view name)
{
    if (name.len > LIST_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (sgl_ascii_is_control(name.ptr[i]))
            return false;
    return true;
}

/* ---- what the sender wrote ---- */

bool list_id_of(const struct sgl_headers *headers, struct sgl_arena *arena, sgl_view *id)
{
    const struct sgl_header *field = sgl_headers_first(headers, LIST_ID);
    sgl_view value, name;

    if (field == NULL || sgl_headers_count(headers, LIST_ID) > 1 ||
        sgl_header_unfold(field->value, arena, &value) != SGL_OK)
        return false;
    value = id_in(value, &name);
    return list_id_ok(value) && lower(value, arena, id);
}

struct targets {
    size_t https, others; /* others: of HTTP, and what is no URI at all */
    sgl_view mailto;
};

static void take_target(struct targets *t, sgl_view uri)
{
    bool plain = uri.len > 0;

    for (size_t i = 0; i < uri.len; i++)
        plain = plain && sgl_ascii_is_visible(uri.ptr[i]) && uri.ptr[i] != '"' && uri.ptr[i] != ',';
    if (plain && sgl_view_starts_nocase(uri, SGL_LIT("https://")) && uri.len > 8)
        t->https++;
    else if (plain && sgl_view_starts_nocase(uri, SGL_LIT("mailto:")) &&
             sgl_view_find(uri, '@') < uri.len && uri.len <= LIST_MAILTO_MAX)
        t->mailto = t->mailto.len > 0 ? t->mailto : uri;
    else
        t->others++;
}

/* "<URI>, <URI>"; what stands between them but commas and blanks counts as no URI  [RFC 2369 s2] */
static void read_targets(sgl_view value, struct targets *t)
{
    while (value.len > 0) {
        size_t close = sgl_view_find(value, '>');

        if (sgl_ascii_is_fws(value.ptr[0]) || value.ptr[0] == ',') {
            value = sgl_view_from(value, 1);
            continue;
        }
        if (value.ptr[0] != '<' || close == value.len) {
            t->others++;
            return;
        }
        take_target(t, sgl_view_sub(value, 1, close - 1));
        value = sgl_view_from(value, close + 1);
    }
}

/* false: there is not exactly one such field, or memory has ended. */
static bool only_value(const struct sgl_headers *headers, sgl_view name, struct sgl_arena *arena,
                       sgl_view *value)
{
    const struct sgl_header *field = sgl_headers_first(headers, name);

    return field != NULL && sgl_headers_count(headers, name) == 1 &&
           sgl_header_unfold(field->value, arena, value) == SGL_OK;
}

bool list_is_one_click(const struct sgl_headers *headers, struct sgl_arena *arena)
{
    struct targets t = {0};
    sgl_view value;

    if (!only_value(headers, UNSUBSCRIBE_POST, arena, &value) || !sgl_view_eq(value, ONE_CLICK) ||
        !only_value(headers, UNSUBSCRIBE, arena, &value))
        return false;
    read_targets(value, &t);
    return t.https == 1 && t.others == 0;
}

static bool says(const struct sgl_headers *headers, sgl_view name, sgl_view word,
                 struct sgl_arena *arena)
{
    const struct sgl_header *field = sgl_headers_first(headers, name);
    sgl_view value;

    return field != NULL && sgl_header_unfold(field->value, arena, &value) == SGL_OK &&
           sgl_view_eq_nocase(sgl_view_trim(value), word);
}

bool list_is_recognisable(const struct sgl_headers *headers, struct sgl_arena *arena)
{
    if (sgl_headers_first(headers, LIST_ID) != NULL ||
        sgl_headers_first(headers, UNSUBSCRIBE) != NULL)
        return true;
    return says(headers, SGL_LIT("Precedence"), SGL_LIT("bulk"), arena) &&
           (sgl_headers_first(headers, SGL_LIT("Auto-Submitted")) == NULL ||
            says(headers, SGL_LIT("Auto-Submitted"), SGL_LIT("no"), arena));
}

static void keep_mailto(const struct sgl_headers *headers, struct sgl_arena *arena,
                        struct list_mail *out)
{
    struct targets t = {0};
    sgl_view value;

    if (!only_value(headers, UNSUBSCRIBE, arena, &value))
        return;
    read_targets(value, &t);
    out->mailto = t.mailto;
}

enum list_fault list_read(const struct sgl_headers *headers, sgl_view id, sgl_view name,
                          sgl_view domain, struct sgl_arena *arena, struct list_mail *out)
{
    struct list_mail list = {.name = name};
    enum list_fault fault;
    sgl_view own;

    fault = id.ptr == NULL ? read_mark(headers, domain, arena, &list)
                           : take_id(id, domain, arena, &list);
    if (fault != LIST_FINE)
        return fault;
    if (!name_ok(list.name))
        return LIST_NAME_SYNTAX;
    list.named = sgl_headers_first(headers, LIST_ID) != NULL;
    if (list.named && (!list_id_of(headers, arena, &own) || !sgl_view_eq_nocase(own, list.id)))
        return arena->status == SGL_OK ? LIST_ID_DIFFERS : LIST_NO_MEMORY;
    list.one_click = list_is_one_click(headers, arena);
    if (!list.one_click)
        keep_mailto(headers, arena, &list);
    if (arena->status != SGL_OK)
        return LIST_NO_MEMORY;
    *out = list;
    return LIST_FINE;
}

/* ---- what we write ---- */

bool list_dropped(const struct list_mail *list, sgl_view name)
{
    if (sgl_view_eq_nocase(name, SGL_LIT(LIST_MARK)))
        return true;
    return !list->one_click &&
           (sgl_view_eq_nocase(name, UNSUBSCRIBE) || sgl_view_eq_nocase(name, UNSUBSCRIBE_POST));
}

static void put_id(const struct list_mail *list, struct sgl_buf *out)
{
    struct sgl_buf value = SGL_BUF_INIT(4096);

    if (list->name.len > 0) {
        sgl_encoded_word_put(&value, list->name, SGL_WORD_PHRASE);
        sgl_buf_add_byte(&value, ' ');
    }
    sgl_buf_addf(&value, "<%.*s>", SGL_FMT(list->id));
    if (value.status == SGL_OK)
        sgl_header_put(out, LIST_ID, sgl_buf_view(&value));
    else
        out->status = value.status;
    sgl_buf_done(&value);
}

/* One field of each, one URI of https and no other that a program would fetch  [RFC 8058 s3.1] */
static void put_unsubscribe(const struct list_mail *list, sgl_view url, struct sgl_buf *out)
{
    struct sgl_buf value = SGL_BUF_INIT(2048);

    sgl_buf_addf(&value, "<%.*s>", SGL_FMT(url));
    if (list->mailto.len > 0)
        sgl_buf_addf(&value, ", <%.*s>", SGL_FMT(list->mailto));
    if (value.status == SGL_OK) {
        sgl_header_put(out, UNSUBSCRIBE, sgl_buf_view(&value));
        sgl_header_put(out, UNSUBSCRIBE_POST, ONE_CLICK);
    } else {
        out->status = value.status;
    }
    sgl_buf_done(&value);
}

void list_put(const struct list_mail *list, sgl_view url, struct sgl_buf *out)
{
    if (!list->named)
        put_id(list, out);
    if (!list->one_click)
        put_unsubscribe(list, url, out);
}
