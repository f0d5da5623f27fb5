/* SPDX-License-Identifier: Apache-2.0 */
/* An attempt as a JSON object for the message's trail.  Written by hand, because it is made for every delivery; text comes escaped already but for quotes and backslashes. */
#include <stdio.h>

#include "internal.h"

static void put_key(struct sgl_buf *out, const char *key)
{
    if (out->len > 0 && out->data[out->len - 1] != '{')
        sgl_buf_add_byte(out, ',');
    sgl_buf_add_byte(out, '"');
    sgl_buf_add_cstr(out, key);
    sgl_buf_add(out, SGL_LIT("\":"));
}

static void put_text(struct sgl_buf *out, const char *key, sgl_view text)
{
    static const char hex[] = "0123456789abcdef";
    size_t from = 0;

    put_key(out, key);
    sgl_buf_add_byte(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (c >= ' ' && c != '"' && c != '\\')
            continue;
        sgl_buf_add(out, sgl_view_sub(text, from, i - from));
        from = i + 1;
        if (c >= ' ') {
            sgl_buf_add_byte(out, '\\');
            sgl_buf_add_byte(out, c);
        } else {
            sgl_buf_add(out, SGL_LIT("\\u00"));
            sgl_buf_add_byte(out, (uint8_t)hex[c >> 4]);
            sgl_buf_add_byte(out, (uint8_t)hex[c & 15]);
        }
    }
    sgl_buf_add(out, sgl_view_from(text, from));
    sgl_buf_add_byte(out, '"');
}

static void put_cstr(struct sgl_buf *out, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0')
        put_text(out, key, sgl_view_cstr(text));
}

static void put_number(struct sgl_buf *out, const char *key, uint64_t n)
{
    put_key(out, key);
    sgl_buf_add_u64(out, n);
}

static void put_flag(struct sgl_buf *out, const char *key, bool flag)
{
    if (!flag)
        return;
    put_key(out, key);
    sgl_buf_add(out, SGL_LIT("true"));
}

static void put_dnssec(struct sgl_buf *out, const struct attempt *a)
{
    if (a->mx == DNSSEC_NOT_ASKED && a->addresses == DNSSEC_NOT_ASKED)
        return;
    put_key(out, "dnssec");
    sgl_buf_add_byte(out, '{');
    put_cstr(out, "mx", dnssec_name(a->mx));
    put_cstr(out, "address", dnssec_name(a->addresses));
    put_cstr(out, "tlsa", dnssec_name(a->tlsa));
    sgl_buf_add_byte(out, '}');
}

/* {"mode":"enforce","id":"2026","result":"certificate-expired"}; a policy that could not be fetched has a result only. */
static void put_sts(struct sgl_buf *out, const struct attempt *a)
{
    if (a->sts == NULL && a->sts_result == NULL)
        return;
    put_key(out, "mta_sts");
    sgl_buf_add_byte(out, '{');
    if (a->sts != NULL) {
        put_cstr(out, "mode", sgl_mta_sts_mode_name(a->sts->policy.mode));
        put_text(out, "id", a->sts->id);
    }
    put_cstr(out, "result", a->sts_result);
    sgl_buf_add_byte(out, '}');
}

static void put_certificate(struct sgl_buf *out, const struct tls_seen *seen)
{
    if (seen->sha256[0] == '\0')
        return;
    put_key(out, "certificate");
    sgl_buf_add_byte(out, '{');
    put_cstr(out, "sha256", seen->sha256);
    put_key(out, "names");
    for (unsigned i = 0; i < seen->names; i++)
        sgl_buf_addf(out, "%s\"%s\"", i == 0 ? "[" : ",", seen->name[i]); /* without quotes */
    sgl_buf_add_cstr(out, seen->names == 0 ? "[]" : "]");
    if (seen->more_names > 0)
        put_number(out, "more_names", seen->more_names);
    sgl_buf_add_byte(out, '}');
}

static void put_tls(struct sgl_buf *out, const struct attempt *a)
{
    const struct tls_seen *seen = a->seen;

    if (seen != NULL) {
        put_cstr(out, "tls", seen->version);
        put_cstr(out, "cipher", seen->cipher);
        put_cstr(out, "group", seen->group);
    }
    put_cstr(out, "proved", a->proved);
    if (seen != NULL && seen->matched) {
        put_key(out, "matched");
        sgl_buf_addf(out, "\"%u %u %u\"", seen->usage, seen->selector, seen->matching);
    }
    put_cstr(out, "unproved", a->unproved);
    if (seen != NULL)
        put_certificate(out, seen);
    put_cstr(out, "tls_why", a->tls_why);
    put_cstr(out, "tls_error", a->tls_error);
}

void attempt_put(struct sgl_buf *out, const struct attempt *a)
{
    sgl_buf_add_byte(out, '{');
    put_cstr(out, "host", a->host);
    put_cstr(out, "address", a->address);
    if (a->port != 0)
        put_number(out, "port", a->port);
    put_cstr(out, "policy", a->policy);
    put_cstr(out, "demand", tls_demand_name(a->demand));
    put_dnssec(out, a);
    put_cstr(out, "dane", a->dane);
    put_sts(out, a);
    put_tls(out, a);
    put_cstr(out, "asked", a->asked);
    put_cstr(out, "requiretls", a->requiretls);
    put_flag(out, "resumed", a->seen != NULL && a->seen->resumed);
    put_flag(out, "reused", a->reused);
    if (a->connect_ms != 0)
        put_number(out, "connect_ms", a->connect_ms);
    put_number(out, "ms", a->total_ms);
    put_cstr(out, "stage", a->stage);
    put_cstr(out, "failure", a->failure);
    put_flag(out, "possibly_repeated", a->possibly_repeated);
    if (a->reason.len > 0)
        put_text(out, "reply", a->reason);
    sgl_buf_add_byte(out, '}');
}
