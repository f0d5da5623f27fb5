/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body hashes of all signatures of a message.  Each canonical form is made once and hashed once, however many lengths are wanted of it: where one
 * ends, the running hash is copied.  A message with ten signatures of ten lengths costs no more than one.
 */
#include "dkim_internal.h"

void sgl_dkim_hashes_init(struct sgl_dkim_hashes *hashes, const struct sgl_crypto *crypto)
{
    memset(hashes, 0, sizeof *hashes);
    hashes->crypto = crypto;
}

void sgl_dkim_hashes_done(struct sgl_dkim_hashes *hashes)
{
    sgl_hash_done(&hashes->form[0].hash);
    sgl_hash_done(&hashes->form[1].hash);
}

enum sgl_status sgl_dkim_hashes_want(struct sgl_dkim_hashes *hashes, enum sgl_dkim_canon canon,
                                     uint64_t limit, size_t *index)
{
    if (hashes->started)
        return SGL_E_MISUSE;
    for (size_t i = 0; i < hashes->count; i++) {
        if (hashes->want[i].canon == canon && hashes->want[i].limit == limit) {
            *index = i;
            return SGL_OK;
        }
    }
    if (hashes->count == SGL_DKIM_HASHES_MAX)
        return SGL_E_LIMIT;
    hashes->want[hashes->count] = (struct sgl_dkim_hashed){.canon = canon, .limit = limit};
    hashes->form[canon].wanted = true;
    *index = hashes->count++;
    return SGL_OK;
}

static void note(struct sgl_dkim_hashes *hashes, enum sgl_status status)
{
    if (hashes->status == SGL_OK)
        hashes->status = status;
}

/* The running hash stands at a length that somebody wants. */
static void reach(struct sgl_dkim_hashes *hashes, enum sgl_dkim_canon canon)
{
    struct sgl_dkim_form *form = &hashes->form[canon];
    uint64_t next = SGL_DKIM_ALL;

    for (size_t i = 0; i < hashes->count; i++) {
        struct sgl_dkim_hashed *want = &hashes->want[i];
        struct sgl_hash copy = {0};

        if (want->canon != canon || want->reached)
            continue;
        if (want->limit != form->bytes) {
            next = want->limit < next ? want->limit : next;
            continue;
        }
        sgl_hash_init(&copy, hashes->crypto);
        sgl_hash_copy(&copy, &form->hash);
        note(hashes, sgl_hash_final(&copy, want->digest));
        sgl_hash_done(&copy);
        want->reached = true;
    }
    form->next = next;
}

static void put(struct sgl_dkim_hashes *hashes, enum sgl_dkim_canon canon, sgl_view bytes)
{
    struct sgl_dkim_form *form = &hashes->form[canon];

    while (bytes.len > 0) {
        uint64_t room = form->next - form->bytes;
        sgl_view part = room < bytes.len ? sgl_view_sub(bytes, 0, (size_t)room) : bytes;

        sgl_hash_add(&form->hash, part);
        form->bytes += part.len;
        bytes = sgl_view_from(bytes, part.len);
        if (form->bytes == form->next)
            reach(hashes, canon);
    }
}

static void put_relaxed(void *ctx, sgl_view bytes)
{
    put(ctx, SGL_DKIM_RELAXED, bytes);
}

static void put_simple(void *ctx, sgl_view bytes)
{
    put(ctx, SGL_DKIM_SIMPLE, bytes);
}

static void start(struct sgl_dkim_hashes *hashes)
{
    hashes->started = true;
    for (int canon = 0; canon < 2; canon++) {
        struct sgl_dkim_form *form = &hashes->form[canon];
        bool relaxed = canon == SGL_DKIM_RELAXED;

        if (!form->wanted)
            continue;
        sgl_hash_init(&form->hash, hashes->crypto);
        sgl_dkim_body_init(&form->body, (enum sgl_dkim_canon)canon,
                           (struct sgl_dkim_sink){relaxed ? put_relaxed : put_simple, hashes});
        reach(hashes, (enum sgl_dkim_canon)canon); /* l=0 */
    }
}

void sgl_dkim_hashes_feed(struct sgl_dkim_hashes *hashes, sgl_view piece)
{
    if (piece.len == 0)
        return; /* the body has not begun by that */
    if (!hashes->started)
        start(hashes);
    for (int canon = 0; canon < 2; canon++) {
        if (hashes->form[canon].wanted)
            sgl_dkim_body_feed(&hashes->form[canon].body, piece);
    }
}

enum sgl_status sgl_dkim_hashes_finish(struct sgl_dkim_hashes *hashes)
{
    if (!hashes->started)
        start(hashes);
    for (int canon = 0; canon < 2 && !hashes->finished; canon++) {
        struct sgl_dkim_form *form = &hashes->form[canon];
        uint8_t digest[SGL_SHA256_SIZE] = {0};

        if (!form->wanted)
            continue;
        sgl_dkim_body_finish(&form->body);
        note(hashes, sgl_hash_final(&form->hash, digest));
        for (size_t i = 0; i < hashes->count; i++) {
            if ((int)hashes->want[i].canon == canon && !hashes->want[i].reached)
                memcpy(hashes->want[i].digest, digest, sizeof digest);
        }
    }
    hashes->finished = true;
    return hashes->status;
}

uint64_t sgl_dkim_hashes_length(const struct sgl_dkim_hashes *hashes, enum sgl_dkim_canon canon)
{
    return hashes->form[canon].bytes;
}
