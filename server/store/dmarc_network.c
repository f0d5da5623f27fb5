/* SPDX-License-Identifier: Apache-2.0 */
#include "dmarc_received.h"

#include <stdio.h>
#include <string.h>

#include "sigillo/banned.h"

sgl_view dmarc_network(sgl_view source, char out[DMARC_NETWORK_SIZE])
{
    char text[SGL_IP_TEXT_SIZE];
    struct sgl_ip ip;
    size_t kept;

    out[0] = '\0';
    if (sgl_ip_parse(source, &ip) != SGL_OK)
        return SGL_LIT("");
    kept = ip.version == 4 ? 3 : 6;
    memset(ip.bytes + kept, 0, sizeof(ip.bytes) - kept);
    snprintf(out, DMARC_NETWORK_SIZE, "%.*s/%zu", SGL_FMT(sgl_ip_text(&ip, text)), kept * 8);
    return sgl_view_cstr(out);
}
