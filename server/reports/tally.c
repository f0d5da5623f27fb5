/* SPDX-License-Identifier: Apache-2.0 */
#include "tally.h"

#include <stdlib.h>
#include <string.h>

#define TEXTS 8
#define LINES (sizeof(((struct tally *)0)->line) / sizeof(struct tally_row *))

struct tally_row {
    struct tally_row *next;
    uint64_t hash;
    struct tlsrpt_count count; /* its texts are those behind */
    uint8_t text[];
};

static void texts_of(struct tlsrpt_count *c, sgl_view *out[TEXTS])
{
    sgl_view *const text[TEXTS] = {&c->domain,  &c->policy.strings, &c->policy.mx, &c->result,
                                   &c->sending, &c->host,           &c->receiving, &c->reason};

    memcpy(out, text, sizeof(text));
}

static uint64_t hash_of(struct tlsrpt_count *c)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)c->day;
    sgl_view *text[TEXTS];

    h = (h ^ c->policy.type) * UINT64_C(0x100000001b3);
    texts_of(c, text);
    for (int i = 0; i < TEXTS; i++) {
        for (size_t k = 0; k < text[i]->len; k++)
            h = (h ^ text[i]->ptr[k]) * UINT64_C(0x100000001b3);
        h = (h ^ 0xff) * UINT64_C(0x100000001b3);
    }
    return h;
}

static bool is_it(struct tally_row *row, struct tlsrpt_count *c)
{
    sgl_view *mine[TEXTS], *theirs[TEXTS];

    if (row->count.day != c->day || row->count.policy.type != c->policy.type)
        return false;
    texts_of(&row->count, mine);
    texts_of(c, theirs);
    for (int i = 0; i < TEXTS; i++)
        if (!sgl_view_eq(*mine[i], *theirs[i]))
            return false;
    return true;
}

static struct tally_row *find(const struct tally *t, struct tlsrpt_count *c, uint64_t hash)
{
    struct tally_row *row = t->line[hash % LINES];

    while (row != NULL && (row->hash != hash || !is_it(row, c)))
        row = row->next;
    return row;
}

static struct tally_row *add(struct tally *t, const struct tlsrpt_count *c, uint64_t hash)
{
    struct tlsrpt_count copy = *c;
    sgl_view *text[TEXTS];
    struct tally_row *row;
    size_t len = 0;

    texts_of(&copy, text);
    for (int i = 0; i < TEXTS; i++)
        len += text[i]->len;
    row = len > TALLY_BYTES_MAX - t->bytes ? NULL : malloc(sizeof(*row) + len);
    if (row == NULL)
        return NULL;
    row->hash = hash;
    row->count = copy;
    row->count.sessions = 0;
    texts_of(&row->count, text);
    len = 0;
    for (int i = 0; i < TEXTS; i++) {
        if (text[i]->len > 0)
            memcpy(row->text + len, text[i]->ptr, text[i]->len);
        *text[i] = sgl_view_of(row->text + len, text[i]->len);
        len += text[i]->len;
    }
    row->next = t->line[hash % LINES];
    t->line[hash % LINES] = row;
    t->rows++;
    t->bytes += len;
    return row;
}

void tally_add(struct tally *t, const struct tlsrpt_count *count)
{
    struct tlsrpt_count c = *count;
    struct tally_row *row;
    uint64_t hash;

    if (c.result.len == 0)
        c.sending = c.host = c.receiving = c.reason = SGL_LIT("");
    hash = hash_of(&c);
    row = find(t, &c, hash);
    if (row == NULL && t->rows >= TALLY_ROWS_MAX) {
        c.sending = c.host = c.receiving = c.reason = SGL_LIT("");
        hash = hash_of(&c);
        row = find(t, &c, hash);
    }
    if (row == NULL && t->rows < (size_t)2 * TALLY_ROWS_MAX)
        row = add(t, &c, hash);
    if (row != NULL)
        row->count.sessions += c.sessions;
    else
        t->lost += c.sessions;
}

struct tlsrpt_count *tally_take(struct tally *t, struct tally_row **rows, size_t *counts)
{
    struct tlsrpt_count *array = t->rows == 0 ? NULL : malloc(t->rows * sizeof(*array));
    struct tally_row **tail = rows;

    if (array == NULL)
        return NULL;
    *counts = 0;
    for (size_t i = 0; i < LINES; i++) {
        for (struct tally_row *row = t->line[i]; row != NULL; row = row->next) {
            array[(*counts)++] = row->count;
            *tail = row;
            tail = &row->next;
        }
        t->line[i] = NULL;
    }
    *tail = NULL;
    t->rows = t->bytes = 0;
    return array;
}

void tally_taken(struct tally_row *rows, struct tlsrpt_count *counts)
{
    for (struct tally_row *next; rows != NULL; rows = next) {
        next = rows->next;
        free(rows);
    }
    free(counts);
}

void tally_done(struct tally *t)
{
    for (size_t i = 0; i < LINES; i++) {
        tally_taken(t->line[i], NULL);
        t->line[i] = NULL;
    }
    t->rows = t->bytes = 0;
}
