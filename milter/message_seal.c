/* SPDX-License-Identifier: Apache-2.0 */
/* One more ARC set, over the message as it leaves: with our fields, without the forged ones.  [RFC 8617 s5.1] */
#include "../server/loop/loop.h"
#include "filter.h"

static bool is_removed(const struct message *m, const struct sgl_header *field)
{
    unsigned instance = 0;

    for (const struct sgl_header *f = NULL; f != field;) {
        f = sgl_headers_next(&m->headers, field->name, f);
        instance++;
    }
    for (size_t i = 0; i < m->changes.count; i++) {
        const struct change *c = &m->changes.item[i];

        if (c->kind == CHANGE_REMOVE && c->instance == instance &&
            sgl_view_eq_nocase(field->name, sgl_view_cstr(c->name)))
            return true;
    }
    return false;
}

/* The header as it leaves. */
static enum sgl_status put_header(const struct message *m, sgl_view fields, struct sgl_buf *out)
{
    sgl_buf_add(out, fields);
    for (size_t i = 0; i < m->headers.count; i++) {
        const struct sgl_header *f = &m->headers.field[i];

        if (!sgl_view_eq_nocase(f->name, SGL_LIT("Authentication-Results")) || !is_removed(m, f))
            sgl_buf_add(out, f->raw);
    }
    return out->status;
}

static enum sgl_status sign(struct message *m, const struct sgl_arc_sealer *sealer,
                            const struct sgl_headers *headers, const struct sgl_verdict *verdict,
                            struct sgl_buf *out)
{
    uint8_t signature[SGL_SIGNATURE_MAX];
    struct sgl_arc_pending pending;
    size_t len = 0;

    SGL_TRY(sgl_arc_seal_message(filter.crypto, sealer, headers,
                                 m->state.hashes.want[m->seal_hash].digest, &verdict->arc,
                                 &m->arena, &pending, NULL));
    if (pending.nothing)
        return SGL_OK;
    SGL_TRY(sgl_private_key_sign(filter.crypto, m->g->seal_key, pending.digest, signature, &len));
    SGL_TRY(sgl_arc_seal_chain(filter.crypto, sgl_view_of(signature, len), &m->arena, &pending));
    SGL_TRY(sgl_private_key_sign(filter.crypto, m->g->seal_key, pending.digest, signature, &len));
    return sgl_arc_seal_finish(&pending, sgl_view_of(signature, len), out);
}

/* Lower fields are told first: what is on top comes last. */
static void turn_around(const struct sgl_headers *set, struct sgl_buf *out)
{
    for (size_t i = set->count; i-- > 0;)
        sgl_buf_add(out, set->field[i].raw);
}

enum sgl_status seal_message(struct message *m, const struct sgl_verdict *verdict, sgl_view fields,
                             bool unknown, struct sgl_buf *out)
{
    const struct milter_settings *c = m->g->settings;
    sgl_auto(sgl_buf) header = SGL_BUF_INIT(SGL_LIMIT_HEADER_SIZE);
    sgl_auto(sgl_buf) results = SGL_BUF_INIT(FIELDS_MAX);
    sgl_auto(sgl_buf) set = SGL_BUF_INIT(FIELDS_MAX);
    struct sgl_arc_sealer sealer = {.domain = sgl_view_cstr(c->seal_domain),
                                    .selector = sgl_view_cstr(c->seal_selector),
                                    .authserv_id = sgl_view_cstr(c->authserv_id),
                                    .algorithm = sgl_private_key_type(m->g->seal_key) == SGL_KEY_RSA
                                                     ? SGL_DKIM_RSA_SHA256
                                                     : SGL_DKIM_ED25519_SHA256,
                                    .chain = verdict->arc.result,
                                    .now = clock_now_s()};
    struct sgl_headers headers;
    enum sgl_status status;

    /* What could not be looked up may still hold: nothing is said about it for good. */
    if (unknown && verdict->arc.result == SGL_ARC_FAIL)
        return SGL_OK;
    SGL_TRY(sgl_authres_put_results(&verdict->results, &results));
    sealer.results = sgl_buf_view(&results);
    status = put_header(m, fields, &header);
    if (status == SGL_OK)
        status = sgl_headers_parse(sgl_buf_view(&header), SGL_HEADERS_TOLERANT, &m->arena, &headers,
                                   NULL);
    if (status == SGL_OK)
        status = sign(m, &sealer, &headers, verdict, &set);
    if (status == SGL_E_NOMEM)
        return status;
    if (status != SGL_OK) { /* a header that no seal can cover goes as it is */
        report_failed(m, "message not sealed", status);
        return SGL_OK;
    }
    SGL_TRY(sgl_headers_parse(sgl_buf_view(&set), SGL_HEADERS_TOLERANT, &m->arena, &headers, NULL));
    turn_around(&headers, out);
    return out->status;
}
