/* SPDX-License-Identifier: Apache-2.0 */
/* Entries as a JSON array:  a page is read -> its piece is put -> gone out -> read ... -> ended.  What fits into the first page goes out at once, with its length. */
#include <stdlib.h>

#include "sendgrid_walk.h"
#include "sigillo/ascii.h"

#define PIECE_MAX (4u << 20) /* a thousand entries, each at most as long as the noun's row */

/* ---- which ---- */

static bool begins(sgl_view part, sgl_view text)
{
    return sgl_view_starts_nocase(text, part);
}

/* Each piece between two signs at its first place behind the one before: if there is any way, this is one. */
bool sendgrid_email_match(sgl_view pattern, sgl_view address)
{
    sgl_view part = sgl_view_split(pattern, '%', &pattern);

    if (!begins(part, address))
        return false;
    address = sgl_view_from(address, part.len);
    while (pattern.len > 0) {
        part = sgl_view_split(pattern, '%', &pattern);
        while (!begins(part, address)) {
            if (address.len == 0)
                return false;
            address = sgl_view_from(address, 1);
        }
        address = sgl_view_from(address, part.len);
    }
    return true;
}

static bool is_asked(const struct sendgrid_listing *l, const struct sendgrid_entry *e)
{
    return e->created_at >= l->from && (l->until == 0 || e->created_at <= l->until) &&
           (l->email.ptr == NULL || sendgrid_email_match(l->email, e->address)) &&
           (l->only.ptr == NULL || sgl_view_eq_nocase(l->only, e->address));
}

/* ---- on a worker ---- */

static void put(struct sendgrid_listing *l, const struct sendgrid_entry *e)
{
    json_t *json = l->json(l, e);
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

    if (text == NULL)
        l->walk.result = STORE_NOMEM;
    else
        sgl_buf_addf(&l->piece, "%s%s", l->some ? "," : "", text);
    l->some = true;
    free(text);
    json_decref(json);
}

static bool each(struct sendgrid_walk *w, const struct sendgrid_entry *e)
{
    struct sendgrid_listing *l = (struct sendgrid_listing *)(void *)w;

    if (!is_asked(l, e))
        return true;
    if (l->skip > 0) {
        l->skip--;
        return true;
    }
    put(l, e);
    if (l->left > 0)
        l->left--;
    return l->left != 0;
}

/* ---- on the loop ---- */

void sendgrid_listing_drop(struct sendgrid_listing *l)
{
    sendgrid_walk_done(&l->walk);
    sgl_buf_done(&l->piece);
    free(l);
}

static void fail(struct sendgrid_listing *l)
{
    if (l->begun)
        http_stream_abort(l->walk.r);
    else
        sendgrid_walk_fault(&l->walk, l->walk.r);
    sendgrid_listing_drop(l);
}

static void gone_out(struct http_request *r, void *ctx)
{
    struct sendgrid_listing *l = ctx;

    if (l->walk.over || http_stream_gone(r)) {
        http_stream_end(r);
        sendgrid_listing_drop(l);
        return;
    }
    sgl_buf_reset(&l->piece);
    if (!sendgrid_walk_on(&l->walk))
        fail(l);
}

static void page(struct sendgrid_walk *w)
{
    struct sendgrid_listing *l = (struct sendgrid_listing *)(void *)w;

    if (w->over)
        sgl_buf_add_byte(&l->piece, ']');
    if (l->piece.status != SGL_OK && w->result == STORE_OK)
        w->result = STORE_NOMEM;
    if (w->result != STORE_OK) {
        fail(l);
    } else if (w->over && !l->begun) {
        http_reply_bytes(w->r, 200, "application/json", sgl_buf_view(&l->piece));
        sendgrid_listing_drop(l);
    } else if (l->piece.len <= 1 && !w->over) { /* nothing of this page was asked for */
        if (!sendgrid_walk_on(w))
            fail(l);
    } else {
        if (!l->begun)
            http_stream_start(w->r, 200, "application/json");
        l->begun = true;
        if (!http_stream_put(w->r, sgl_buf_view(&l->piece), gone_out, l))
            fail(l);
    }
}

struct sendgrid_listing *sendgrid_listing_new(struct http_request *r, const struct api *api,
                                              const struct identity *who, size_t ranges)
{
    struct sendgrid_listing *l = calloc(1, sizeof(*l));

    if (l != NULL) {
        sgl_buf_init(&l->piece, PIECE_MAX);
        sgl_buf_add_byte(&l->piece, '[');
        l->left = -1;
        l->walk.each = each;
        l->walk.page = page;
        if (sendgrid_walk_init(&l->walk, r, api, who, ranges))
            return l;
        sendgrid_listing_drop(l);
    }
    sendgrid_no_memory(r);
    return NULL;
}

void sendgrid_listing_run(struct sendgrid_listing *l, bool ranges_fine)
{
    struct http_request *r = l->walk.r;

    if (!ranges_fine) {
        sendgrid_listing_drop(l);
        sendgrid_no_memory(r);
    } else if (!sendgrid_walk_on(&l->walk)) {
        fail(l);
    }
}
