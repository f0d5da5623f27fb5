/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a configuration: whatever is accepted as an address or network reads back as the same. */
#include <stdlib.h>

#include "../server/config/config_value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_view text = sgl_view_of(data, size);
    struct config_address address, again;
    struct config_network network;
    uint64_t n;

    (void)value_number(text, &n);
    (void)value_size(text, &n);
    (void)value_duration_ms(text, &n);
    (void)value_bool(text, &n);
    (void)value_ip(text, &address);
    (void)value_host(text);
    (void)value_domain_pattern(text);
    (void)value_spf_term(text);
    (void)value_mailto(text);
    if (value_address(text, 53, &address) == NULL &&
        (value_address(sgl_view_cstr(address.text), 0, &again) != NULL ||
         memcmp(&address, &again, sizeof(address)) != 0))
        abort();
    if (value_network(text, &network) == NULL && network.prefix > 128)
        abort();
    return 0;
}
