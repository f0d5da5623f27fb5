/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever an administrator writes as an address has one form that is read again as itself and found in a set; mentions are views of the text, one behind the other;
 * words in other charsets fit into twice their room.
 */
#include <stdlib.h>
#include <string.h>

#include "../server/access/access.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_view text = sgl_view_of(data, size), mention;
    struct access_address a, again;
    struct sgl_buf plain = SGL_BUF_INIT(size * 2 + 64);
    struct access_set set;
    const char *why;
    uint8_t *room = malloc(size + 1);
    size_t off = 0;

    if (room == NULL)
        return 0;
    access_set_init(&set);
    if (access_address_parse(text, &a, &why) == SGL_OK) {
        char shown[ACCESS_TEXT_MAX + 2];

        access_address_text(a.text, shown);
        if (access_address_parse(sgl_view_cstr(shown), &again, &why) != SGL_OK ||
            strcmp(a.text, again.text) != 0 || !access_set_add(&set, &a) ||
            access_set_find(&set, &a, true) == NULL || !access_set_remove(&set, &a) ||
            access_set_find(&set, &a, false) != NULL)
            abort();
    }
    for (off = 0; access_next_comment(text, &off, room, &mention);)
        if (off == 0 || off > size || mention.len < 1 || mention.len > size || room[0] != '(')
            abort();
    off = 0;
    for (size_t before = 0; access_next_mention(text, &off, &mention); before = off)
        if (off <= before || off > size || mention.len < 5 || mention.ptr < data ||
            mention.ptr + mention.len != data + off)
            abort();
    if (access_plain_words(text, &plain, &mention) ? plain.status != SGL_OK : mention.len == 0)
        abort();
    sgl_buf_done(&plain);
    access_set_done(&set);
    free(room);
    return 0;
}
