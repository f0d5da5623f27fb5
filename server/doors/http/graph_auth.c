/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks, and for which mailbox. */
#include <stdio.h>

#include "../../directory/key_form.h"
#include "../../log/log.h"
#include "graph_internal.h"

#define SCOPE          "mail.send"
#define ACCOUNT_PREFIX SGL_LIT("account:")

/* ---- who ---- */

/* [RFC 6750 s3] */
static void refuse(struct http_request *r, const char *why)
{
    struct sgl_buf field = SGL_BUF_INIT(512);

    log_line(LOG_INFO_, "refused", LOG_STR("door", "graph"), LOG_STR("peer", http_peer(r)),
             LOG_STR("code", "token"), LOG_STR("text", why));
    sgl_buf_add_cstr(&field, "Bearer realm=\"sigillo\"");
    if (http_bearer(r).ptr != NULL)
        sgl_buf_addf(&field, ", error=\"invalid_token\", error_description=\"%s\"", why);
    http_reply_header(r, "WWW-Authenticate", sgl_buf_view(&field));
    sgl_buf_done(&field);
    http_reply_problem(r, 401, "token", "Authorization", why);
}

/* Of a token or an access key: *fault is TOKEN_FINE for a key that is none. */
static struct identity *look_at(const struct graph *g, sgl_view bearer, enum token_fault *fault)
{
    *fault = TOKEN_FINE;
    if (key_form_is(bearer))
        return directory_bearer(g->api->directory, bearer);
    return tokens_verify(g->tokens, bearer, TOKEN_FOR_GRAPH, clock_now_s(), fault);
}

struct identity *graph_caller(struct http_request *r, const struct graph *g)
{
    sgl_view bearer = http_bearer(r);
    enum token_fault fault;
    struct identity *who;
    const char *why;

    graph_put_ids(r);
    if (bearer.ptr == NULL) {
        refuse(r, "Access token is empty.");
        return NULL;
    }
    if (!http_may_guess(r, bearer))
        return NULL;
    who = look_at(g, bearer, &fault);
    if (who != NULL && http_has_scope(r, who, SCOPE))
        return who;
    if (who != NULL) {
        identity_unref(who);
        return NULL;
    }
    why = fault == TOKEN_FINE ? "This access key is not known." : token_fault_text(fault);
    if (fault == TOKEN_UNAVAILABLE) {
        http_reply_header(r, "Retry-After", SGL_LIT("5"));
        http_reply_problem(r, 503, "authentication-unavailable", NULL, why);
        return NULL;
    }
    http_guessed_wrong(r, bearer, why);
    refuse(r, why);
    return NULL;
}

/* ---- the mailbox ---- */

struct own {
    const struct identity *who;
    struct sgl_arena *arena;
    sgl_view address;
    size_t count;
};

static bool see_sender(void *ctx, struct sender *s)
{
    struct own *own = ctx;

    if (strcmp(s->identity, own->who->name) != 0 ||
        strcmp(s->owned.subscription, own->who->subscription) != 0)
        return true;
    own->count++;
    return s->address[0] != '@' && own->count == 1 &&
           sgl_arena_dup(own->arena, sgl_view_cstr(s->address), &own->address) == SGL_OK;
}

/*
 * The address that who asks has of its own: an account's, or the only sender of a key or a process.  Empty: none.  An application acts for many, and names the mailbox, though there
 * may be one only.
 */
static sgl_view own_address(struct http_request *r, const struct graph *g,
                            const struct identity *who)
{
    struct own own = {.who = who, .arena = http_arena(r), .address = SGL_LIT("")};
    sgl_view name = sgl_view_cstr(who->name);

    if (who->kind == IDENTITY_ACCOUNT && sgl_view_starts(name, ACCOUNT_PREFIX))
        return sgl_view_from(name, ACCOUNT_PREFIX.len);
    if (who->kind != IDENTITY_APP)
        directory_each_sender(g->api->directory, see_sender, &own);
    return own.count == 1 ? own.address : SGL_LIT("");
}

static void refuse_user(struct http_request *r, sgl_view user)
{
    struct api_refusal why = {0};

    (void)api_refuse(&why, 404, "graph-user", "", "The requested user '%s' is invalid.", user);
    graph_refuse(r, &why);
}

/* A mailbox that is not there is told apart from one that is not for this application. */
static void refuse_sender(struct http_request *r, sgl_view user,
                          const struct admission_answer *answer)
{
    if (answer->rule != NULL && strcmp(answer->rule, access_rule_name(ACCESS_RULE_FOREIGN)) == 0) {
        refuse_user(r, user);
        return;
    }
    http_reply_problem(r, answer->http, answer->code, NULL, answer->text);
}

bool graph_mailbox(struct http_request *r, const struct graph *g, const struct identity *who,
                   struct sgl_mailbox *out)
{
    sgl_view user = http_param(r, "user");
    struct admission_answer answer;
    enum sgl_status status;

    if (user.ptr == NULL) {
        user = own_address(r, g, who);
        if (user.len == 0) {
            http_reply_problem(r, 400, "graph-me", NULL,
                               "Whoever asks has no mailbox of its own: name one, "
                               "/v1.0/users/ADDRESS/sendMail.");
            return false;
        }
    }
    status = sgl_mailbox_parse(user, http_arena(r), out, NULL);
    if (status == SGL_E_NOMEM || (status != SGL_OK && http_arena(r)->status != SGL_OK)) {
        struct api_refusal why = {0};

        (void)api_refuse_memory(&why);
        graph_refuse(r, &why);
        return false;
    }
    if (status != SGL_OK) {
        refuse_user(r, user);
        return false;
    }
    if (admission_may_send_as(g->api->admission, who, out->text, &answer))
        return true;
    refuse_sender(r, user, &answer);
    return false;
}
