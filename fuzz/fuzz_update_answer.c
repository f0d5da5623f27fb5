/* SPDX-License-Identifier: Apache-2.0 */
/* What a zone's server sends: as an answer to a question, and to an update that nobody with the key has answered. */
#include <stdlib.h>

#include "../server/update/update_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct config_update to = {.name = "z",
                                        .zone = "a.test",
                                        .key_name = "k1",
                                        .secret = "c2lnaWxsbyBhbmQgaXRzIHpvbmUgc2hhcmUgdGhpcyE="};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t mac_data[34] = {0, 32};
    struct update_change c = {.name = {.text = SGL_LIT("a.test")}, .type = SGL_RR_TXT};
    ldns_rdf *mac = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_INT16_DATA, sizeof(mac_data), mac_data);
    static const struct config_address server = {.text = "192.0.2.53"};
    struct update u = {.to = &to, .at = &server, .result = UPDATE_FAILED};
    uint16_t id = size >= 2 ? (uint16_t)(data[0] << 8 | data[1]) : 0;
    struct reading_of of;
    ldns_rr_list *set = message_read_set(data, size, id, &c, &of);

    if ((set == NULL) == (of.why == NULL))
        abort();
    for (size_t i = 0; i < ldns_rr_list_rr_count(set); i++)
        if (ldns_rr_get_type(ldns_rr_list_rr(set, i)) != LDNS_RR_TYPE_TXT)
            abort();
    (void)record_find(set, &c, SGL_LIT("v=spf1 -all"));
    ldns_rr_list_deep_free(set);
    message_judge(&u, data, size, id, mac);
    if (u.result == UPDATE_DONE || u.why[0] == '\0')
        abort(); /* a signature out of nothing, or nothing said */
    ldns_rdf_deep_free(mac);
    return 0;
}
