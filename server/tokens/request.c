/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include "sigillo/ascii.h"
#include "sigillo/base64.h"

#define BASIC_MAX 4096

/* ---- one value ---- */

static bool hex_pair(sgl_view v, size_t at, uint8_t *out)
{
    unsigned value = 0;

    for (size_t i = at; i < at + 2; i++) {
        uint8_t c = i < v.len ? sgl_ascii_lower(v.ptr[i]) : 0;

        if (sgl_ascii_is_digit(c))
            value = value * 16 + c - '0';
        else if (c >= 'a' && c <= 'f')
            value = value * 16 + 10 + c - 'a';
        else
            return false;
    }
    *out = (uint8_t)value;
    return true;
}

/* Decodes once: "+" is a blank, %2B a plus  [RFC 6749 appendix B]. */
static enum token_request_fault decode(sgl_view v, struct sgl_arena *arena, sgl_view *out)
{
    uint8_t *bytes;
    size_t len = 0;

    if (v.len == 0) {
        *out = sgl_view_of(NULL, 0);
        return REQUEST_FINE;
    }
    bytes = sgl_arena_alloc(arena, v.len);
    if (bytes == NULL)
        return REQUEST_NO_MEMORY;
    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.ptr[i] == '+' ? ' ' : v.ptr[i];

        if (c == '%' && !hex_pair(v, i + 1, &c))
            return REQUEST_ENCODING;
        if (v.ptr[i] == '%')
            i += 2;
        if (sgl_ascii_is_control(c))
            return REQUEST_ENCODING;
        bytes[len++] = c;
    }
    *out = sgl_view_of(bytes, len);
    return REQUEST_FINE;
}

/* ---- the form ---- */

static sgl_view *field_named(struct token_request *r, sgl_view name, const char **known)
{
    const struct {
        const char *name;
        sgl_view *at;
    } fields[] = {
        {"grant_type", &r->grant_type},
        {"client_id", &r->client_id},
        {"client_secret", &r->client_secret},
        {"scope", &r->scope},
        {"client_assertion_type", &r->assertion_type},
        {"client_assertion", &r->assertion},
    };

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (sgl_view_eq(name, sgl_view_cstr(fields[i].name))) {
            *known = fields[i].name;
            return fields[i].at;
        }
    return NULL;
}

static enum token_request_fault take_pair(sgl_view pair, struct sgl_arena *arena,
                                          struct token_request *r, const char **field)
{
    sgl_view value, name = sgl_view_split(pair, '=', &value), decoded;
    enum token_request_fault fault = decode(name, arena, &decoded);
    sgl_view *at = fault == REQUEST_FINE ? field_named(r, decoded, field) : NULL;

    if (at == NULL)
        return fault; /* [RFC 6749 s3.2]: what is not known is not looked at */
    fault = decode(value, arena, &decoded);
    if (fault != REQUEST_FINE)
        return fault;
    if (at->len > 0)
        return REQUEST_TWICE;
    *at = decoded;
    *field = "";
    return REQUEST_FINE;
}

static enum token_request_fault take_form(sgl_view body, struct sgl_arena *arena,
                                          struct token_request *r, const char **field)
{
    size_t fields = 0;

    if (body.len > TOKEN_REQUEST_MAX)
        return REQUEST_TOO_LONG;
    while (body.len > 0) {
        sgl_view rest, pair = sgl_view_split(body, '&', &rest);
        enum token_request_fault fault = take_pair(pair, arena, r, field);

        if (fault != REQUEST_FINE)
            return fault;
        if (++fields > TOKEN_REQUEST_FIELDS_MAX)
            return REQUEST_TOO_LONG;
        body = rest;
    }
    return REQUEST_FINE;
}

/* ---- Authorization: Basic ---- */

/* base64(form(id) ":" form(secret))  [RFC 6749 s2.3.1] */
static enum token_request_fault take_basic(sgl_view basic, struct sgl_arena *arena,
                                           struct token_request *r)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(BASIC_MAX);
    sgl_view id, secret, in_body = r->client_id;
    enum sgl_status status = sgl_base64_decode(sgl_view_trim(basic), &text);
    enum token_request_fault fault;

    if (status == SGL_E_NOMEM)
        return REQUEST_NO_MEMORY;
    if (status != SGL_OK || sgl_view_find(sgl_buf_view(&text), ':') == text.len)
        return REQUEST_BASIC;
    if (r->client_secret.len > 0 || r->assertion.len > 0)
        return REQUEST_BOTH;
    id = sgl_view_split(sgl_buf_view(&text), ':', &secret);
    fault = decode(id, arena, &r->client_id);
    if (fault == REQUEST_FINE)
        fault = decode(secret, arena, &r->client_secret);
    if (fault == REQUEST_FINE && in_body.len > 0 && !sgl_view_eq(in_body, r->client_id))
        return REQUEST_BOTH;
    return fault == REQUEST_ENCODING ? REQUEST_BASIC : fault;
}

enum token_request_fault token_request_read(sgl_view body, sgl_view basic, struct sgl_arena *arena,
                                            struct token_request *out, const char **field)
{
    struct token_request r = {0};
    enum token_request_fault fault;

    *field = "";
    fault = take_form(body, arena, &r, field);
    if (fault == REQUEST_FINE && basic.ptr != NULL) {
        *field = "Authorization";
        fault = take_basic(basic, arena, &r);
    }
    if (fault != REQUEST_FINE)
        return fault;
    *field = "";
    *out = r;
    return REQUEST_FINE;
}

bool token_scope_resource(sgl_view scope, sgl_view *resource)
{
    sgl_view end = SGL_LIT("/.default");

    if (scope.len <= end.len || !sgl_view_ends(scope, end) ||
        sgl_view_find(scope, ' ') != scope.len)
        return false;
    *resource = sgl_view_sub(scope, 0, scope.len - end.len);
    return true;
}
