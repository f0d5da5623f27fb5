/* SPDX-License-Identifier: Apache-2.0 */
/* DKIM signatures for a message of ours. */
#include "../server/loop/loop.h"
#include "filter.h"

#define NAMES_MAX 256

enum sgl_status sign_begin(struct message *m)
{
    sgl_hash_init(&m->hash, filter.crypto);
    sgl_dkim_body_init_hash(
        &m->body, m->g->settings->body_simple ? SGL_DKIM_SIMPLE : SGL_DKIM_RELAXED, &m->hash);
    return m->hash.status;
}

static bool is_oversigned(const struct milter_settings *c, const char *name)
{
    for (size_t i = 0; i < c->oversigns; i++)
        if (sgl_view_eq_nocase(sgl_view_cstr(c->oversign[i]), sgl_view_cstr(name)))
            return true;
    return false;
}

/* sign_headers: each as often as it is there, and once more where it is oversigned. */
static enum sgl_status choose_names(struct message *m, struct sgl_dkim_options *out)
{
    const struct milter_settings *c = m->g->settings;
    sgl_view *name;

    if (c->sign_headers == 0)
        return SGL_OK;
    name = SGL_NEW_N(&m->arena, NAMES_MAX, sgl_view);
    if (name == NULL)
        return m->arena.status;
    for (size_t i = 0; i < c->sign_headers; i++) {
        size_t times = sgl_headers_count(&m->headers, sgl_view_cstr(c->sign_header[i])) +
                       is_oversigned(c, c->sign_header[i]);

        while (times-- > 0) {
            if (out->signed_names == NAMES_MAX)
                return SGL_E_LIMIT;
            name[out->signed_names++] = sgl_view_cstr(c->sign_header[i]);
        }
    }
    out->signed_name = name;
    return SGL_OK;
}

static sgl_view or_author(const struct message *m, sgl_view name)
{
    return sgl_view_eq(name, SGL_LIT("%")) ? m->author.text : name;
}

static void list_signers(const struct message *m, struct sgl_dkim_signer *out)
{
    for (size_t i = 0; i < m->keys; i++) {
        const struct signing_key *k = m->key[i];

        out[i] = (struct sgl_dkim_signer){or_author(m, k->domain), or_author(m, k->selector),
                                          sgl_private_key_type(k->private) == SGL_KEY_RSA
                                              ? SGL_DKIM_RSA_SHA256
                                              : SGL_DKIM_ED25519_SHA256};
    }
}

enum sgl_status sign_finish(struct message *m)
{
    const struct milter_settings *c = m->g->settings;
    struct sgl_dkim_options options = {
        .header_canon = c->header_simple ? SGL_DKIM_SIMPLE : SGL_DKIM_RELAXED,
        .body_canon = c->body_simple ? SGL_DKIM_SIMPLE : SGL_DKIM_RELAXED,
        .now = clock_now_s(),
        .valid_s = (int64_t)(c->signature_expire_ms / 1000)};
    struct sgl_dkim_signer signer[SIGNATURES_MAX];
    struct sgl_dkim_pending pending[SIGNATURES_MAX];
    sgl_auto(sgl_buf) fields = SGL_BUF_INIT(FIELDS_MAX);
    uint8_t hash[SGL_SHA256_SIZE], signature[SGL_SIGNATURE_MAX];
    size_t len = 0;

    sgl_dkim_body_finish(&m->body);
    SGL_TRY(sgl_hash_final(&m->hash, hash));
    SGL_TRY(choose_names(m, &options));
    list_signers(m, signer);
    SGL_TRY(sgl_dkim_sign_prepare(filter.crypto, &options, &m->headers, hash, signer, m->keys,
                                  &m->arena, pending, NULL));
    for (size_t i = m->keys; i-- > 0;) { /* the first one will stand on top */
        SGL_TRY(sgl_private_key_sign(filter.crypto, m->key[i]->private, pending[i].digest,
                                     signature, &len));
        SGL_TRY(sgl_dkim_sign_finish(&pending[i], sgl_view_of(signature, len), &fields));
    }
    changes_insert(&m->changes, sgl_buf_view(&fields));
    SGL_TRY(m->changes.status);
    report_signed(m);
    return SGL_OK;
}
