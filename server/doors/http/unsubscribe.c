/* SPDX-License-Identifier: Apache-2.0 */
#include "unsubscribe.h"

#include <stdlib.h>
#include <string.h>

#include "../../lists/list_form.h"
#include "../../log/log.h"

#define RETRY_S 30

/* ---- pages ---- */

#define HEAD                                                                                       \
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"                            \
    "<meta name=\"viewport\" content=\"width=device-width\"><title>Unsubscribe</title></head>"     \
    "<body><main>\n"
#define FOOT "</main></body></html>\n"

/* Nothing is loaded, nothing runs, nobody may put it into a frame, and the token goes nowhere else. */
static void page(struct http_request *r, int status, sgl_view html)
{
    http_reply_header(r, "Content-Security-Policy",
                      SGL_LIT("default-src 'none'; form-action 'self'; frame-ancestors 'none'; "
                              "base-uri 'none'"));
    http_reply_header(r, "Referrer-Policy", SGL_LIT("no-referrer"));
    http_reply_header(r, "X-Robots-Tag", SGL_LIT("noindex, nofollow"));
    http_reply_bytes(r, status, "text/html; charset=utf-8", html);
}

static void say(struct http_request *r, int status, const char *sentence)
{
    struct sgl_buf html = SGL_BUF_INIT(4096);

    sgl_buf_addf(&html, HEAD "<p>%s</p>\n" FOOT, sentence);
    page(r, status, sgl_buf_view(&html));
    sgl_buf_done(&html);
}

static void say_later(struct http_request *r, int status, unsigned seconds, const char *sentence)
{
    struct sgl_buf text = SGL_BUF_INIT(32);

    sgl_buf_addf(&text, "%u", seconds);
    http_reply_header(r, "Retry-After", sgl_buf_view(&text));
    sgl_buf_done(&text);
    say(r, status, sentence);
}

/* An id has no character that means something in HTML. */
static void say_done(struct http_request *r, sgl_view list)
{
    struct sgl_buf html = SGL_BUF_INIT(4096);

    sgl_buf_addf(&html, HEAD "<p>You are unsubscribed from %.*s.</p>\n" FOOT, SGL_FMT(list));
    page(r, 200, sgl_buf_view(&html));
    sgl_buf_done(&html);
}

static void say_question(struct http_request *r, sgl_view list)
{
    struct sgl_buf html = SGL_BUF_INIT(4096);

    sgl_buf_addf(&html,
                 HEAD "<p>Mail of the list %.*s was sent to you.</p>\n<form method=\"post\">"
                      "<input type=\"hidden\" name=\"List-Unsubscribe\" value=\"One-Click\">"
                      "<button>Unsubscribe</button></form>\n" FOOT,
                 SGL_FMT(list));
    page(r, 200, sgl_buf_view(&html));
    sgl_buf_done(&html);
}

/* ---- links ---- */

/* false: answered. Links that nobody made are counted for each address that they come from. */
static bool open_link(struct http_request *r, struct unsubscribe *u, struct list_token *token)
{
    sgl_view peer = sgl_view_cstr(http_peer(r));
    unsigned wait_s = attempts_wait_s(&u->attempts, SGL_LIT(""), peer, clock_mono_ms());

    if (wait_s > 0) {
        say_later(r, 429, wait_s, "Too many links from here that lead nowhere; try again later.");
        return false;
    }
    switch (lists_open(u->lists, http_param(r, "token"), clock_now_s(), http_arena(r), token)) {
    case LIST_TOKEN_FINE:
        return true;
    case LIST_TOKEN_EXPIRED:
        say(r, 410, "This link is too old. Use the one in a newer message of the list.");
        return false;
    case LIST_TOKEN_NO_MEMORY:
        say_later(r, 503, RETRY_S, "The server is busy; try again soon.");
        return false;
    case LIST_TOKEN_FORGED:
        break;
    }
    if (!lists_ready(u->lists)) { /* it may be one of ours */
        say_later(r, 503, RETRY_S, "The server is busy; try again soon.");
        return false;
    }
    attempts_wrong(&u->attempts, SGL_LIT(""), peer, clock_mono_ms());
    log_line(LOG_INFO_, "unsubscribe refused", LOG_VIEW("peer", peer),
             LOG_STR("why", "forged link"));
    say(r, 404, "This link is not one of this server. Is it copied whole?");
    return false;
}

static void link_get(struct http_request *r, void *ctx)
{
    struct list_token token;

    if (open_link(r, ctx, &token))
        say_question(r, token.list);
}

/* ---- the click ---- */

struct click {
    struct directory_suppress op; /* first: cast from it */
    struct unsubscribe *u;
    struct http_request *r;
    struct list_token token; /* in the request's arena */
    char scope[sizeof(SUPPRESSION_LIST) + 256];
};

static void suppressed(struct directory_suppress *s)
{
    struct click *c = (struct click *)(void *)s;

    if (s->result == DIRECTORY_OK) {
        log_line(LOG_INFO_, "unsubscribed", LOG_VIEW("list", c->token.list),
                 LOG_VIEW("address", c->token.address),
                 LOG_VIEW("subscription", c->token.subscription));
        unsubscribe_stop_queued(c->u, http_loop(c->r), &c->token);
        say_done(c->r, c->token.list);
    } else if (s->result == DIRECTORY_UNAVAILABLE) {
        log_line(LOG_WARN_, "unsubscription not stored", LOG_STR("why", s->why));
        say_later(c->r, 503, RETRY_S, "The server is busy; try again soon.");
    } else { /* whose list it was is gone, and with it everybody who could write to it */
        say(c->r, 410, "There is no such list any more.");
    }
    free(c);
}

/* Whoever leaves a group that is there no more leaves all mail: which of it he meant nobody knows. */
static bool is_of_removed_group(struct unsubscribe *u, const struct list_token *token)
{
    struct asm_group *group;
    uint32_t id;

    if (!asm_group_of_list(token->list, &id))
        return false;
    group = directory_asm_group(u->directory, token->subscription, id);
    asm_group_unref(group);
    return group == NULL;
}

static void unsubscribe(struct http_request *r, struct unsubscribe *u,
                        const struct list_token *token)
{
    struct suppression item = {.address = token->address,
                               .reason = SUPPRESSION_UNSUBSCRIBE,
                               .spelling = SUPPRESSION_ANY,
                               .reply = SGL_LIT("one click")};
    struct click *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        say_later(r, 503, RETRY_S, "The server is busy; try again soon.");
        return;
    }
    c->u = u;
    c->r = r;
    c->token = *token;
    snprintf(c->scope, sizeof(c->scope), SUPPRESSION_LIST "%.*s", SGL_FMT(token->list));
    c->op.subscription = token->subscription;
    if (!is_of_removed_group(u, token))
        c->op.domain = sgl_view_cstr(c->scope);
    c->op.item = &item;
    c->op.items = 1;
    c->op.loop = http_loop(r);
    c->op.done = suppressed;
    c->op.actor = SGL_LIT("system:unsubscribe");
    c->op.peer = sgl_view_cstr(http_peer(r));
    directory_suppress(u->directory, &c->op);
}

/* false: answered. */
static bool check_form(struct http_request *r)
{
    switch (list_form_read(http_header(r, "Content-Type"), http_body(r))) {
    case LIST_FORM_CLICK:
        return true;
    case LIST_FORM_OTHER:
        say(r, 400, "Nothing was done: the form has to say List-Unsubscribe=One-Click.");
        return false;
    case LIST_FORM_TYPE:
        say(r, 415,
            "Nothing was done: a form is wanted, application/x-www-form-urlencoded or "
            "multipart/form-data.");
        return false;
    case LIST_FORM_TOO_LONG:
        break;
    }
    say(r, 413, "Nothing was done: the form is too long.");
    return false;
}

/* Whoever clicks twice gets the same answer, and the second click costs a look-up. */
static void link_post(struct http_request *r, void *ctx)
{
    struct unsubscribe *u = ctx;
    enum suppression_reason reason;
    struct suppression_question q;
    struct list_token token;

    if (!open_link(r, u, &token) || !check_form(r))
        return;
    q = (struct suppression_question){.subscription = token.subscription,
                                      .domain = token.list,
                                      .address = token.address,
                                      .now = clock_now_s()};
    if (directory_unsubscribed(u->directory, &q, &reason) && reason == SUPPRESSION_UNSUBSCRIBE)
        say_done(r, token.list);
    else
        unsubscribe(r, u, &token);
}

void unsubscribe_routes(struct http *http, struct unsubscribe *u)
{
    http_route(http, HTTP_PUBLIC, "GET", "/u/{token}", link_get, u);
    http_route(http, HTTP_PUBLIC, "POST", "/u/{token}", link_post, u);
}
