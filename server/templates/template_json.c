/* SPDX-License-Identifier: Apache-2.0 */
#include "template_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 17 /* of a double, so that no other one has the same */

static json_t *node_of(const void *node)
{
    return (json_t *)(uintptr_t)node;
}

/* ---- numbers, as JavaScript writes them: the fewest digits that mean this number ---- */

/* The digits alone; *point: where the decimal point belongs, from their beginning. */
static void split_real(double n, char digits[DIGITS_MAX + 1], int *point)
{
    char text[40];
    size_t len = 0;

    for (int p = 0; p < DIGITS_MAX; p++) {
        snprintf(text, sizeof(text), "%.*e", p, n);
        if (strtod(text, NULL) == n)
            break;
    }
    for (const char *c = text; *c != 'e'; c++)
        if (*c >= '0' && *c <= '9')
            digits[len++] = *c;
    digits[len] = '\0';
    *point = (int)strtol(strchr(text, 'e') + 1, NULL, 10) + 1;
}

static void show_real(double n, char *out, size_t size)
{
    const char *sign = n < 0 ? "-" : "";
    char digits[DIGITS_MAX + 1];
    int point, len;

    if (n == 0) {
        snprintf(out, size, "0");
        return;
    }
    split_real(n < 0 ? -n : n, digits, &point);
    len = (int)strlen(digits);
    if (point >= len && point <= 21)
        snprintf(out, size, "%s%s%.*s", sign, digits, point - len, "000000000000000000000");
    else if (point > 0 && point <= 21)
        snprintf(out, size, "%s%.*s.%s", sign, point, digits, digits + point);
    else if (point > -6 && point <= 0)
        snprintf(out, size, "%s0.%.*s%s", sign, -point, "00000", digits);
    else
        snprintf(out, size, "%s%c%s%se%c%d", sign, digits[0], len > 1 ? "." : "", digits + 1,
                 point > 0 ? '+' : '-', abs(point - 1));
}

/* ---- values ---- */

struct sgl_template_value template_json_value(const json_t *json)
{
    struct sgl_template_value v = {.kind = SGL_TEMPLATE_MISSING, .node = json};

    if (json == NULL)
        return v;
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        v.kind = SGL_TEMPLATE_OBJECT;
        break;
    case JSON_ARRAY:
        v.kind = SGL_TEMPLATE_ARRAY;
        v.count = json_array_size(json);
        break;
    case JSON_STRING:
        v.kind = SGL_TEMPLATE_STRING;
        v.text = sgl_view_of(json_string_value(json), json_string_length(json));
        break;
    case JSON_INTEGER:
        v.kind = SGL_TEMPLATE_NUMBER;
        v.number = (double)json_integer_value(json);
        snprintf(v.shown, sizeof(v.shown), "%" JSON_INTEGER_FORMAT, json_integer_value(json));
        break;
    case JSON_REAL:
        v.kind = SGL_TEMPLATE_NUMBER;
        v.number = json_real_value(json);
        show_real(v.number, v.shown, sizeof(v.shown));
        break;
    case JSON_TRUE:
        v.kind = SGL_TEMPLATE_TRUE;
        break;
    case JSON_FALSE:
        v.kind = SGL_TEMPLATE_FALSE;
        break;
    case JSON_NULL:
        v.kind = SGL_TEMPLATE_NULL;
        break;
    }
    return v;
}

/* ---- the reader ---- */

static bool member(const void *node, sgl_view name, struct sgl_template_value *out)
{
    const json_t *value = json_object_getn(node, (const char *)name.ptr, name.len);

    *out = template_json_value(value);
    return value != NULL;
}

static void item(const void *node, size_t i, struct sgl_template_value *out)
{
    *out = template_json_value(json_array_get(node, i));
}

static bool next(const void *node, const void **at, sgl_view *name, struct sgl_template_value *out)
{
    json_t *object = node_of(node);
    void *iter = *at == NULL ? json_object_iter(object)
                             : json_object_iter_next(object, (void *)(uintptr_t)*at);

    if (iter == NULL)
        return false;
    *at = iter;
    *name = sgl_view_of(json_object_iter_key(iter), json_object_iter_key_len(iter));
    *out = template_json_value(json_object_iter_value(iter));
    return true;
}

const struct sgl_template_reader template_json_reader = {member, item, next};
