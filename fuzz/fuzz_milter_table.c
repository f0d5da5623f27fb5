/* SPDX-License-Identifier: Apache-2.0 */
/* Any text is a table, or refused with the line at fault; what was read can be asked for anything. */
#include <stdlib.h>

#include "../milter/hosts.h"
#include "../milter/signing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(4 << 20);
    sgl_view rest, text = sgl_view_of(data, size), keys = sgl_view_split(text, '\f', &rest);
    const struct signing_key *key[SIGNING_MOST];
    struct dataset_fault fault = {0};
    struct sgl_ip ip = {.version = 4};
    struct signing s = {.multiple = size % 2 == 0};
    struct dataset set;
    struct hosts hosts;

    if (dataset_read(size % 3 == 0 ? DATASET_LIST : DATASET_FILE, keys, &arena, &set, &fault) !=
        SGL_OK)
        return 0;
    for (size_t i = 0; i < set.rows; i++)
        if (set.row[i].key.len == 0 && size % 3 != 0)
            abort();
    if (hosts_read(&set, &arena, &hosts, &fault) == SGL_OK)
        (void)hosts_has(&hosts, SGL_LIT("mail.example.org"), &ip);
    else if (fault.line == 0 || fault.why == NULL)
        abort();
    if (signing_read_keys(&set, &arena, &s, &fault) != SGL_OK ||
        dataset_read(size % 5 == 0 ? DATASET_PATTERNS : DATASET_FILE, rest, &arena, &set, &fault) !=
            SGL_OK ||
        signing_read_rules(&set, &arena, &s, &fault) != SGL_OK)
        return 0;
    if (signing_pick(&s, SGL_LIT("boss"), SGL_LIT("mail.example.org"), key) > SIGNING_MOST)
        abort();
    return 0;
}
