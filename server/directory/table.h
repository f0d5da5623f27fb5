/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table from names to pointers. It owns neither; the name usually lives in what the pointer means. */
#ifndef SERVER_DIRECTORY_TABLE_H
#define SERVER_DIRECTORY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sigillo/view.h"

struct table_slot {   /* nothing more: there are several hundred thousand of them */
    const char *name; /* NULL: free; else owned by `value` */
    void *value;
};
struct table {
    struct table_slot *slot;
    size_t slots, used;
    uint8_t key[16]; /* names come from outside: nobody may choose collisions */
};

void table_init(struct table *t);
void table_done(struct table *t);
void *table_find(const struct table *t, sgl_view name);
/* false when memory ends. The name must not be in the table. */
bool table_add(struct table *t, const char *name, void *value);
/* Takes it out and returns it, or NULL. */
void *table_remove(struct table *t, sgl_view name);
/* All values, in order of their names, in a malloc()ed array; NULL when memory ends or the table is empty. */
void **table_sorted(const struct table *t, size_t *count);

#endif
