/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a list of suppressions: entries that say what may be said, in the order of their lines, or a fault with its line. */
#include <stdlib.h>

#include "../server/doors/http/suppression_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct suppression_list *l, const uint8_t *text, size_t size)
{
    for (size_t i = 0; i < l->items; i++) {
        const struct suppression *s = &l->item[i];

        if (s->reason > SUPPRESSION_BLOCKED || s->spelling > SUPPRESSION_EXACT ||
            (i > 0 && l->line[i] <= l->line[i - 1]))
            abort();
        if (s->address.len > 0 &&
            (s->address.ptr < text || s->address.ptr + s->address.len > text + size))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *text = malloc(size + 1);
    struct suppression_list l;
    bool fine;

    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    suppression_list_init(&l);
    fine = suppression_list_read(&l, text, size);
    if (fine != (l.fault_line == 0) || fine != (l.fault[0] == '\0'))
        abort();
    check(&l, text, size);
    suppression_list_done(&l);
    free(text);
    return 0;
}
