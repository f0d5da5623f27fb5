/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the judge said, read from the field that reception put on top of all others; fields of others that claim to be ours do not get past it, and neither does the mark of
 * quarantine.  [RFC 8601 s5]
 */
#include "document_internal.h"
#include "sigillo/authres.h"
#include "sigillo/banned.h"

#define QUARANTINE "X-Sigillo-Quarantine"

static void put_property(struct document *d, const char *key,
                         const struct sgl_authres_result *result, const char *ptype,
                         const char *property)
{
    json_out_text(d->out, key,
                  sgl_authres_property(result, sgl_view_cstr(ptype), sgl_view_cstr(property)));
}

static void put_spf(struct document *d, const struct sgl_authres_result *spf)
{
    const char *property = "mailfrom";

    if (spf == NULL) {
        json_out_nothing(d->out, "spf");
        return;
    }
    if (sgl_authres_property(spf, SGL_LIT("smtp"), sgl_view_cstr(property)).len == 0)
        property = "helo";
    json_out_open(d->out, "spf", '{');
    json_out_string(d->out, "result", spf->result);
    put_property(d, "domain", spf, "smtp", property);
    json_out_close(d->out, '}');
}

static void put_dkim(struct document *d, const struct sgl_authres *ar)
{
    json_out_open(d->out, "dkim", '[');
    for (size_t i = 0; i < ar->results; i++) {
        const struct sgl_authres_result *r = &ar->result[i];

        if (!sgl_view_eq(r->method, SGL_LIT("dkim")) ||
            sgl_authres_property(r, SGL_LIT("header"), SGL_LIT("d")).len == 0)
            continue;
        json_out_open(d->out, NULL, '{');
        json_out_string(d->out, "result", r->result);
        put_property(d, "domain", r, "header", "d");
        put_property(d, "selector", r, "header", "s");
        put_property(d, "algorithm", r, "header", "a");
        json_out_close(d->out, '}');
    }
    json_out_close(d->out, ']');
}

static void put_result(struct document *d, const char *key, const struct sgl_authres *ar)
{
    const struct sgl_authres_result *r = sgl_authres_find(ar, sgl_view_cstr(key));

    if (r == NULL) {
        json_out_nothing(d->out, key);
        return;
    }
    json_out_open(d->out, key, '{');
    json_out_string(d->out, "result", r->result);
    if (sgl_view_eq(r->method, SGL_LIT("dmarc"))) {
        put_property(d, "domain", r, "header", "from");
        put_property(d, "policy", r, "policy", "dmarc");
    }
    json_out_close(d->out, '}');
}

/* The field on top, and nothing else; without it nobody has judged. */
static void read_field(struct document *d, struct sgl_authres *ar, sgl_view *value)
{
    const struct sgl_header *top = d->headers.count > 0 ? &d->headers.field[0] : NULL;

    *value = SGL_LIT("");
    if (top == NULL || !sgl_view_eq_nocase(top->name, SGL_LIT("Authentication-Results")) ||
        document_failed(d, sgl_header_unfold(top->value, d->arena, value)))
        return;
    if (document_failed(d, sgl_authres_parse(*value, d->arena, ar, NULL)))
        *ar = (struct sgl_authres){.results = 0};
}

void document_put_verdict(struct document *d)
{
    struct sgl_authres ar = {.results = 0};
    bool quarantined = sgl_headers_first(&d->headers, SGL_LIT(QUARANTINE)) != NULL;
    sgl_view value;

    read_field(d, &ar, &value);
    json_out_open(d->out, "verdict", '{');
    put_spf(d, sgl_authres_find(&ar, SGL_LIT("spf")));
    put_dkim(d, &ar);
    put_result(d, "arc", &ar);
    put_result(d, "dmarc", &ar);
    json_out_string(d->out, "disposition", quarantined ? SGL_LIT("quarantine") : SGL_LIT("none"));
    json_out_text(d->out, "authentication_results", value);
    json_out_close(d->out, '}');
}
