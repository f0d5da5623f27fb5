/* SPDX-License-Identifier: Apache-2.0 */
#include "tally.h"

#include <stdlib.h>
#include <string.h>

#define LINES (sizeof(((struct tally *)0)->line) / sizeof(struct tally_row *))

struct tally_row {
    struct tally_row *next;
    uint64_t hash;
    struct tally_count count; /* its texts are those behind */
    uint8_t text[];
};

static uint64_t hash_of(const struct tally_count *c)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)c->day;

    h = (h ^ c->type) * UINT64_C(0x100000001b3);
    for (int i = 0; i < TALLY_TEXTS; i++) {
        for (size_t k = 0; k < c->text[i].len; k++)
            h = (h ^ c->text[i].ptr[k]) * UINT64_C(0x100000001b3);
        h = (h ^ 0xff) * UINT64_C(0x100000001b3);
    }
    return h;
}

static bool is_it(const struct tally_row *row, const struct tally_count *c)
{
    if (row->count.day != c->day || row->count.type != c->type)
        return false;
    for (int i = 0; i < TALLY_TEXTS; i++)
        if (!sgl_view_eq(row->count.text[i], c->text[i]))
            return false;
    return true;
}

static struct tally_row *find(const struct tally *t, const struct tally_count *c, uint64_t hash)
{
    struct tally_row *row = t->line[hash % LINES];

    while (row != NULL && (row->hash != hash || !is_it(row, c)))
        row = row->next;
    return row;
}

static struct tally_row *add(struct tally *t, const struct tally_count *c, uint64_t hash)
{
    struct tally_row *row;
    size_t len = 0;

    for (int i = 0; i < TALLY_TEXTS; i++)
        len += c->text[i].len;
    row = len > TALLY_BYTES_MAX - t->bytes ? NULL : malloc(sizeof(*row) + len);
    if (row == NULL)
        return NULL;
    row->hash = hash;
    row->count = *c;
    row->count.n = 0;
    len = 0;
    for (int i = 0; i < TALLY_TEXTS; i++) {
        sgl_view *text = &row->count.text[i];

        if (text->len > 0)
            memcpy(row->text + len, text->ptr, text->len);
        *text = sgl_view_of(row->text + len, text->len);
        len += text->len;
    }
    row->next = t->line[hash % LINES];
    t->line[hash % LINES] = row;
    t->rows++;
    t->bytes += len;
    return row;
}

void tally_add(struct tally *t, const struct tally_count *count)
{
    struct tally_count c = *count;
    uint64_t hash = hash_of(&c);
    struct tally_row *row = find(t, &c, hash);

    if (row == NULL && t->rows >= TALLY_ROWS_MAX) {
        for (int i = t->form->kept; i < TALLY_TEXTS; i++)
            c.text[i] = SGL_LIT("");
        hash = hash_of(&c);
        row = find(t, &c, hash);
    }
    if (row == NULL && t->rows < (size_t)2 * TALLY_ROWS_MAX)
        row = add(t, &c, hash);
    if (row != NULL)
        row->count.n += c.n;
    else
        t->lost += c.n;
}

void tally_return(struct tally *t, const struct tally_row *rows)
{
    for (; rows != NULL; rows = rows->next)
        tally_add(t, &rows->count);
}

void *tally_take(struct tally *t, struct tally_row **rows, size_t *counts)
{
    void *array = t->rows == 0 ? NULL : calloc(t->rows, t->form->size);
    struct tally_row **tail = rows;

    if (array == NULL)
        return NULL;
    *counts = 0;
    for (size_t i = 0; i < LINES; i++) {
        for (struct tally_row *row = t->line[i]; row != NULL; row = row->next) {
            t->form->put(array, (*counts)++, &row->count);
            *tail = row;
            tail = &row->next;
        }
        t->line[i] = NULL;
    }
    *tail = NULL;
    t->rows = t->bytes = 0;
    return array;
}

void tally_taken(struct tally_row *rows, void *array)
{
    for (struct tally_row *next; rows != NULL; rows = next) {
        next = rows->next;
        free(rows);
    }
    free(array);
}

void tally_done(struct tally *t)
{
    for (size_t i = 0; i < LINES; i++) {
        tally_taken(t->line[i], NULL);
        t->line[i] = NULL;
    }
    t->rows = t->bytes = 0;
}
