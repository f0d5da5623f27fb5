/* SPDX-License-Identifier: Apache-2.0 */
/* First byte: the type asked for; then a packet. What is read must be accepted by a snapshot. */
#include <stdlib.h>

#include "../server/resolver/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum sgl_rr types[] = {SGL_RR_A,    SGL_RR_AAAA, SGL_RR_MX,   SGL_RR_TXT,
                                        SGL_RR_TLSA, SGL_RR_PTR,  SGL_RR_CNAME};
    struct sgl_arena arena;
    struct sgl_dns dns;
    struct sgl_dns_raw raw = {.type = types[size > 0 ? data[0] % 7 : 0]};

    sgl_arena_init(&arena, 1024 * 1024);
    sgl_dns_init(&dns, 0);
    if (size > 0 && sgl_name_parse(SGL_LIT("a.test"), 0, &arena, NULL, &raw.name) == SGL_OK &&
        packet_read(sgl_view_of(data + 1, size - 1), raw.type, &arena, &raw) == SGL_OK) {
        if (raw.rdatas > 0 && raw.outcome != SGL_DNS_OK)
            abort();
        if (sgl_dns_add_answer(&dns, &raw) == SGL_E_MISUSE)
            abort();
    }
    sgl_dns_done(&dns);
    sgl_arena_done(&arena);
    return 0;
}
