/* SPDX-License-Identifier: Apache-2.0 */
/* A page is read on a worker, and looked at on the loop: a list of any length takes the memory of one page. */
#include "sendgrid_walk.h"

#include <stdio.h>
#include <stdlib.h>

#include "sigillo/ascii.h"
#include "sigillo/mailbox.h"

#define KEY_MAX 1024u

/* ---- bounds ---- */

bool sendgrid_walk_add(struct sendgrid_walk *w, sgl_view after, sgl_view before)
{
    struct sgl_arena *arena = http_arena(w->r);
    struct sendgrid_range *range = &w->range[w->ranges];

    if (w->ranges == w->ranges_max || sgl_arena_dup(arena, after, &range->after) != SGL_OK ||
        sgl_arena_dup(arena, before, &range->before) != SGL_OK)
        return false;
    w->ranges++;
    return true;
}

bool sendgrid_walk_between(struct sendgrid_walk *w, const char *after, const char *before)
{
    struct sgl_buf from = SGL_BUF_INIT(KEY_MAX), to = SGL_BUF_INIT(KEY_MAX);
    bool fine;

    sgl_buf_addf(&from, "%s%s", w->subscription, after);
    sgl_buf_addf(&to, "%s%s", w->subscription, before);
    fine = from.status == SGL_OK && to.status == SGL_OK &&
           sendgrid_walk_add(w, sgl_buf_view(&from), sgl_buf_view(&to));
    sgl_buf_done(&from);
    sgl_buf_done(&to);
    return fine;
}

/* Of the keys that begin with all of it but its last character there is seldom another. */
bool sendgrid_walk_one(struct sendgrid_walk *w, sgl_view scope, sgl_view address)
{
    struct sgl_buf key = SGL_BUF_INIT(KEY_MAX), end = SGL_BUF_INIT(KEY_MAX);
    bool fine;

    sgl_buf_addf(&key, "%s/%.*s/", w->subscription, SGL_FMT(scope));
    for (size_t i = 0; i < address.len; i++)
        sgl_buf_add_byte(&key, address.ptr[i]);
    sgl_buf_add(&end, sgl_buf_view(&key));
    sgl_buf_add_byte(&end, 1);
    fine =
        key.status == SGL_OK && end.status == SGL_OK && address.len > 0 &&
        sendgrid_walk_add(w, sgl_view_sub(sgl_buf_view(&key), 0, key.len - 1), sgl_buf_view(&end));
    sgl_buf_done(&key);
    sgl_buf_done(&end);
    return fine;
}

bool sendgrid_lower(struct http_request *r, sgl_view text, sgl_view *out)
{
    char *copy = SGL_NEW_N(http_arena(r), text.len + 1, char);

    if (copy == NULL)
        return false;
    for (size_t i = 0; i < text.len; i++)
        copy[i] = (char)sgl_ascii_lower(text.ptr[i]);
    *out = sgl_view_of(copy, text.len);
    return true;
}

bool sendgrid_take_email(struct http_request *r, sgl_view *out)
{
    struct sgl_mailbox mailbox;

    if (sgl_mailbox_parse(http_param(r, "email"), http_arena(r), &mailbox, NULL) == SGL_OK &&
        !mailbox.literal) {
        *out = mailbox.text;
        return true;
    }
    http_reply_problem(r, 400, "address-syntax", "email", "This is no mail address.");
    return false;
}

bool sendgrid_are_emails(struct http_request *r, const json_t *list, const char *name)
{
    size_t count = json_array_size(list);
    char field[64];

    if (!json_is_array(list) || count > SENDGRID_EMAILS_MAX) {
        http_reply_problem(r, 400, "member-type", name,
                           "An array of at most 1000 addresses is wanted here.");
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (json_is_string(json_array_get(list, i)))
            continue;
        snprintf(field, sizeof(field), "%.32s.%zu", name, i);
        http_reply_problem(r, 400, "member-type", field, "An address is a string.");
        return false;
    }
    return true;
}

/* ---- on a worker ---- */

static void read_entry(const struct store_noun *noun, const json_t *json,
                       struct sendgrid_entry *out)
{
    sgl_view rest;

    (void)sgl_view_split(noun->key, '/', &rest);
    out->scope = sgl_view_split(rest, '/', &out->address);
    out->reply = sgl_view_cstr(json_string_value(json_object_get(json, "reply")));
    out->status = sgl_view_cstr(json_string_value(json_object_get(json, "status")));
    out->created_at = json_integer_value(json_object_get(json, "created_at"));
}

static bool take_row(void *ctx, const struct store_noun *noun)
{
    struct sendgrid_walk *w = ctx;
    json_t *json = json_loadb((const char *)noun->value.ptr, noun->value.len, 0, NULL);
    int64_t until = json_integer_value(json_object_get(json, "expires_at"));
    sgl_view reason = sgl_view_cstr(json_string_value(json_object_get(json, "reason")));
    struct sendgrid_entry entry;
    bool more = true;

    w->rows++;
    sgl_buf_reset(&w->after);
    sgl_buf_add(&w->after, noun->key);
    if ((until == 0 || until > w->now) && suppression_reason_parse(reason, &entry.reason) &&
        (w->reasons & SUPPRESSION_REASON_BIT(entry.reason)) != 0) {
        read_entry(noun, json, &entry);
        more = w->each(w, &entry);
    }
    json_decref(json);
    w->over = !more;
    return more && w->after.status == SGL_OK;
}

static void read_on_worker(struct work *work)
{
    struct sendgrid_walk *w = (struct sendgrid_walk *)(void *)work;
    struct store_noun_page page = {.kind = SGL_LIT(SUPPRESSION_KIND), .max = SENDGRID_WALK_ROWS};

    w->rows = 0;
    while (!w->over && w->rows == 0) { /* a page that has rows, or the end */
        if (w->at == w->ranges) {
            w->over = true;
            return;
        }
        page.after = w->after.len > 0 ? sgl_buf_view(&w->after) : w->range[w->at].after;
        page.before = w->range[w->at].before;
        w->result = store_read_noun_page(w->api->store, &page, take_row, w);
        if (w->after.status != SGL_OK)
            w->result = STORE_NOMEM;
        if (w->result != STORE_OK)
            return;
        if (!w->over && w->rows < SENDGRID_WALK_ROWS) {
            w->at++;
            sgl_buf_reset(&w->after);
        }
    }
}

/* ---- on the loop ---- */

static void read_done(struct work *work)
{
    struct sendgrid_walk *w = (struct sendgrid_walk *)(void *)work;

    if (w->result != STORE_OK)
        w->over = true;
    w->page(w);
}

bool sendgrid_walk_on(struct sendgrid_walk *w)
{
    return workers_submit(w->api->workers, &w->work);
}

bool sendgrid_walk_init(struct sendgrid_walk *w, struct http_request *r, const struct api *api,
                        const struct identity *who, size_t ranges)
{
    w->work = (struct work){.work = read_on_worker, .done = read_done, .loop = http_loop(r)};
    w->r = r;
    w->api = api;
    w->now = clock_now_s();
    w->subscription = sgl_arena_cstr(http_arena(r), sgl_view_cstr(who->subscription));
    w->range = SGL_NEW_N(http_arena(r), ranges, struct sendgrid_range);
    w->ranges_max = ranges;
    sgl_buf_init(&w->after, KEY_MAX);
    return w->subscription != NULL && w->range != NULL;
}

void sendgrid_no_memory(struct http_request *r)
{
    http_reply_header(r, "Retry-After", SGL_LIT("5"));
    http_reply_problem(r, 503, "memory-full", NULL,
                       "The server has no memory left for this; try again soon.");
}

void sendgrid_walk_done(struct sendgrid_walk *w)
{
    sgl_buf_done(&w->after);
}

void sendgrid_walk_fault(const struct sendgrid_walk *w, struct http_request *r)
{
    http_reply_header(r, "Retry-After", SGL_LIT("30"));
    if (w->result != STORE_OK)
        http_reply_problem(r, 503, "store", NULL, store_result_text(w->result));
    else
        http_reply_problem(r, 503, "busy", NULL, "Too much is waiting to be read; try again soon.");
}
