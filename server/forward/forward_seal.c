/* SPDX-License-Identifier: Apache-2.0 */
/* One more set of the chain, with what was found when the message came in.  [RFC 8617 s5.1] */
#include <string.h>

#include "../log/log.h"
#include "forward_internal.h"
#include "sigillo/dkim.h"
#include "sigillo/header.h"

/* RSA first: not everybody reads the other. NULL: none is there, or it is not loaded yet (*loading). */
static const struct selector *signer(const struct domain *domain, bool *loading)
{
    const struct selector *found = NULL;

    *loading = false;
    for (size_t i = 0; i < domain->selectors; i++) {
        const struct selector *s = &domain->selector[i];
        bool better =
            found == NULL || (found->algorithm == KEYS_ED25519 && s->algorithm != KEYS_ED25519);

        if (!s->active || s->key == NULL)
            continue;
        if (atomic_load(&s->key->handle) == 0)
            *loading = true;
        else if (better)
            found = s;
    }
    return found;
}

static void sign(struct sending *s, void (*done)(struct keys_op *op))
{
    s->op.verb = KEYS_SIGN;
    s->op.loop = s->f->arrival.loop;
    s->op.done = done;
    memcpy(s->op.digest, s->pending.digest, sizeof(s->op.digest));
    keys_submit(s->w->setup.keys, &s->op);
}

/* The first signature is the message's, the second one the chain's. */
static void is_signed(struct keys_op *op)
{
    struct sending *s = (struct sending *)(void *)op;
    sgl_view signature = sgl_view_of(op->out, op->out_len);
    enum sgl_status status;

    if (op->result != KEYS_OK) {
        forward_end(s, ARRIVAL_LATER, "the keys are not there now");
        return;
    }
    if (!s->chain) {
        s->chain = true;
        status = sgl_arc_seal_chain(s->w->crypto, signature, s->f->arena, &s->pending);
        if (status == SGL_OK) {
            sign(s, is_signed);
            return;
        }
    } else {
        status = sgl_arc_seal_finish(&s->pending, signature, &s->set);
    }
    if (status == SGL_OK)
        forward_finish(s);
    else
        forward_end(s, ARRIVAL_LATER, "the message cannot be sealed now");
}

/* The header as it leaves, but for the set. */
static enum sgl_status read_header(struct sending *s, struct sgl_headers *out)
{
    sgl_auto(sgl_buf) header = SGL_BUF_INIT((size_t)8 << 20);
    sgl_view kept;

    sgl_buf_add(&header, sgl_buf_view(&s->mark));
    sgl_buf_add(&header, s->f->fields);
    sgl_buf_add(&header, s->f->header);
    SGL_TRY(header.status);
    SGL_TRY(sgl_arena_dup(s->f->arena, sgl_buf_view(&header), &kept));
    return sgl_headers_parse(kept, SGL_HEADERS_TOLERANT, s->f->arena, out, NULL);
}

static enum sgl_status prepare(struct sending *s, const struct selector *key)
{
    struct reception_forward *f = s->f;
    const struct sgl_arc *arc = &f->arrival.verdict->arc;
    const struct sgl_arc_sealer sealer = {
        .domain = sgl_view_cstr(s->domain->name),
        .selector = sgl_view_cstr(key->name),
        .authserv_id = f->authserv_id,
        .algorithm = key->algorithm == KEYS_ED25519 ? SGL_DKIM_ED25519_SHA256 : SGL_DKIM_RSA_SHA256,
        .results = f->results,
        .chain = arc->result,
        .now = f->arrival.at_ms / 1000};
    uint8_t hash[SGL_SHA256_SIZE];
    struct sgl_headers headers;

    SGL_TRY(read_header(s, &headers));
    SGL_TRY(sgl_dkim_body_hash(s->w->crypto, SGL_DKIM_RELAXED, f->body, hash));
    return sgl_arc_seal_message(s->w->crypto, &sealer, &headers, hash, arc, f->arena, &s->pending,
                                NULL);
}

void forward_seal(struct sending *s)
{
    bool loading;
    const struct selector *key = signer(s->domain, &loading);
    enum sgl_status status;

    if (key == NULL && loading) {
        forward_end(s, ARRIVAL_LATER, "the keys are not loaded yet");
        return;
    }
    status = key == NULL ? SGL_E_SYNTAX : prepare(s, key);
    if (status == SGL_E_NOMEM || status == SGL_E_MISUSE) {
        forward_end(s, ARRIVAL_LATER, "the message cannot be sealed now");
    } else if (status != SGL_OK || s->pending.nothing) {
        if (status !=
            SGL_OK) /* no key, or what stands in its header cannot be sealed: it goes as it is */
            log_line(LOG_WARN_, "forwarded without a seal", LOG_STR("domain", s->domain->name),
                     LOG_STR("why", sgl_status_name(status)));
        forward_finish(s);
    } else {
        s->op.handle = atomic_load(&key->key->handle);
        sign(s, is_signed);
    }
}
