/* SPDX-License-Identifier: Apache-2.0 */
/* What a sender calls its message, as one JSON object of the store: {"categories":["a"],"custom_args":{"k":"v"}}. */
#ifndef SERVER_DOORS_HTTP_LABELS_H
#define SERVER_DOORS_HTTP_LABELS_H

#include <jansson.h>
#include <stdbool.h>

#include "sigillo/arena.h"

/* Either may be NULL, null or empty; *out is empty when both are.  false: memory ended. */
bool labels_put(json_t *categories, json_t *custom_args, struct sgl_arena *arena, sgl_view *out);
/* The members "categories" and "metadata" of the message's own description: always both. */
void labels_show(sgl_view labels, json_t *message);

#endif
