/* SPDX-License-Identifier: Apache-2.0 */
/* Substitution: the text of a key is replaced where it stands, and what took its place is not looked at again. */
#include <stdlib.h>

#include "sendgrid_internal.h"

#define REPLACED_MAX (32u << 20)
#define EXPANDED_MAX (2u << 20) /* of all keys together */

struct pair {
    sgl_view key, value;
};

/* By the first byte; of one first byte the longest comes first, so that no key hides a longer one. */
static int compare(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;

    if (x->key.ptr[0] != y->key.ptr[0])
        return x->key.ptr[0] < y->key.ptr[0] ? -1 : 1;
    return (x->key.len < y->key.len) - (x->key.len > y->key.len);
}

struct table {
    struct pair *pair;
    size_t pairs;
    size_t first[257]; /* where the pairs of a first byte begin */
};

static bool make_table(const json_t *values, struct sgl_arena *arena, struct table *t)
{
    const char *name;
    json_t *value;
    size_t at = 0;

    t->pair = SGL_NEW_N(arena, json_object_size(values), struct pair);
    if (t->pair == NULL)
        return false;
    json_object_foreach((json_t *)(uintptr_t)values, name, value)
    {
        if (name[0] != '\0')
            t->pair[t->pairs++] = (struct pair){sgl_view_cstr(name), api_string_view(value)};
    }
    if (t->pairs > 0)
        qsort(t->pair, t->pairs, sizeof(*t->pair), compare);
    for (size_t byte = 0; byte <= 256; byte++) {
        while (at < t->pairs && t->pair[at].key.ptr[0] < byte)
            at++;
        t->first[byte] = at;
    }
    return true;
}

/* NULL: none stands here. */
static const struct pair *find(const struct table *t, sgl_view here, size_t *compares)
{
    for (size_t i = t->first[here.ptr[0]]; i < t->first[here.ptr[0] + 1]; i++) {
        *compares += 1 + t->pair[i].key.len / 64; /* what a long one costs that nearly fits */
        if (sgl_view_starts(here, t->pair[i].key))
            return &t->pair[i];
    }
    return NULL;
}

static enum sgl_status replace(const struct table *t, sgl_view text, size_t *compares,
                               struct sgl_buf *out)
{
    size_t done = 0, i = 0;

    while (i < text.len && out->status == SGL_OK && *compares <= SENDGRID_COMPARES_MAX) {
        const struct pair *pair = find(t, sgl_view_from(text, i), compares);

        if (pair == NULL) {
            i++;
            continue;
        }
        sgl_buf_add(out, sgl_view_sub(text, done, i - done));
        sgl_buf_add(out, pair->value);
        i += pair->key.len;
        done = i;
    }
    sgl_buf_add(out, sgl_view_from(text, done));
    return *compares > SENDGRID_COMPARES_MAX ? SGL_E_LIMIT : out->status;
}

enum sgl_status sendgrid_replace(const json_t *values, sgl_view text, struct sgl_arena *arena,
                                 size_t *compares, sgl_view *out)
{
    struct sgl_buf buf = SGL_BUF_INIT(REPLACED_MAX);
    struct table table = {0};
    enum sgl_status status;

    *out = text;
    if (text.len == 0 || json_object_size(values) == 0)
        return SGL_OK;
    if (!make_table(values, arena, &table))
        return SGL_E_NOMEM;
    status = replace(&table, text, compares, &buf);
    if (status == SGL_OK)
        status = sgl_arena_dup(arena, sgl_buf_view(&buf), out);
    sgl_buf_done(&buf);
    return status;
}

/* Each value of `from`, with the keys of `by` replaced in it, into `out`. *room counts down. */
static enum sgl_status expand(const json_t *from, const json_t *by, struct sgl_arena *arena,
                              size_t *compares, size_t *room, json_t *out)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)from, name, value)
    {
        struct sgl_arena_mark mark = sgl_arena_mark(arena);
        sgl_view text;
        int set;

        SGL_TRY(sendgrid_replace(by, api_string_view(value), arena, compares, &text));
        if (text.len > *room)
            return SGL_E_LIMIT;
        *room -= text.len;
        set = json_object_set_new(
            out, name, json_stringn(text.len == 0 ? "" : (const char *)text.ptr, text.len));
        sgl_arena_rewind(arena, mark);
        if (set != 0)
            return SGL_E_NOMEM;
    }
    return SGL_OK;
}

enum sgl_status sendgrid_expand(const json_t *substitutions, const json_t *sections,
                                struct sgl_arena *arena, size_t *compares, json_t **out)
{
    json_t *plain = json_object(), *all;
    size_t room = EXPANDED_MAX;
    enum sgl_status status = plain == NULL
                                 ? SGL_E_NOMEM
                                 : expand(sections, substitutions, arena, compares, &room, plain);

    all = status == SGL_OK ? json_copy(plain) : NULL; /* sections may stand in the content, too */
    if (status == SGL_OK)
        status =
            all == NULL ? SGL_E_NOMEM : expand(substitutions, plain, arena, compares, &room, all);
    json_decref(plain);
    if (status == SGL_OK)
        *out = all;
    else
        json_decref(all);
    return status;
}
