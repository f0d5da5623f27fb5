/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as the data of a template (sigillo/template.h). */
#ifndef SERVER_TEMPLATES_TEMPLATE_JSON_H
#define SERVER_TEMPLATES_TEMPLATE_JSON_H

#include <jansson.h>

#include "sigillo/template.h"

extern const struct sgl_template_reader template_json_reader;
/* NULL: it is missing. What it points to is the JSON's. */
struct sgl_template_value template_json_value(const json_t *json);

#endif
