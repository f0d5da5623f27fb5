/* SPDX-License-Identifier: Apache-2.0 */
/* An address that parses prints to a text that parses to the same address. */
#include <stdlib.h>

#include "sigillo/ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sgl_ip ip, again;
    struct sgl_ip_prefix prefix;
    char text[SGL_IP_TEXT_SIZE];
    sgl_view in = sgl_view_of(data, size);

    if (sgl_ip_parse(in, &ip) == SGL_OK) {
        if (sgl_ip_parse(sgl_ip_text(&ip, text), &again) != SGL_OK || !sgl_ip_eq(&ip, &again))
            abort();
        (void)sgl_ip_is_special(&ip);
    }
    if (sgl_ip_prefix_parse(in, &prefix) == SGL_OK && !sgl_ip_in_prefix(&prefix.ip, &prefix))
        abort();
    return 0;
}
