/* SPDX-License-Identifier: Apache-2.0 */
#include "message_tls.h"

void message_tls_show(const struct store_message *m, json_t *json)
{
    if (m->tls != MESSAGE_TLS_DEFAULT)
        json_object_set_new(json, "tls", json_string(message_tls_name((enum message_tls)m->tls)));
    if (m->require_tls)
        json_object_set_new(json, "require_tls", json_true());
}
