/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks, and in which version of the API. */
#include <stdio.h>
#include <stdlib.h>

#include "../../directory/key_form.h"
#include "../../log/log.h"
#include "acs_internal.h"
#include "guess.h"
#include "sigillo/ascii.h"
#include "sigillo/crypto.h"

#define SHOWN_SIZE 32

static const struct version {
    const char *name;
    bool content_ids;
} versions[] = {{"2023-03-31", false}, {"2024-07-01-preview", true}, {"2025-09-01", true}};

/* false: refused. */
static bool take_version(struct http_request *r, bool *content_ids)
{
    sgl_view name = http_query(r, "api-version");

    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
        if (sgl_view_eq(name, sgl_view_cstr(versions[i].name))) {
            *content_ids = versions[i].content_ids;
            return true;
        }
    if (name.len == 0)
        http_reply_problem(r, 400, "api-version-missing", "api-version",
                           "The query names no api-version.");
    else
        http_reply_problem(r, 400, "api-version", "api-version",
                           "The versions here are 2023-03-31, 2024-07-01-preview and 2025-09-01.");
    return false;
}

/* A request carries a GUID of its client's, by which both sides find it again. */
static void echo_request_id(struct http_request *r)
{
    char id[GUID_TEXT_SIZE];

    if (guid_take(http_header(r, "x-ms-client-request-id"), id))
        http_reply_header(r, "x-ms-client-request-id", http_header(r, "x-ms-client-request-id"));
}

static void refuse(struct http_request *r, const char *why)
{
    log_line(LOG_INFO_, "refused", LOG_STR("door", "acs"), LOG_STR("peer", http_peer(r)),
             LOG_STR("code", "denied"), LOG_STR("text", why));
    http_reply_header(r, "WWW-Authenticate", SGL_LIT("HMAC-SHA256, Bearer realm=\"sigillo\""));
    http_reply_problem(r, 401, "denied", "Authorization", why);
}

static void unavailable(struct http_request *r, const char *why)
{
    http_reply_header(r, "Retry-After", SGL_LIT("5"));
    http_reply_problem(r, 503, "authentication-unavailable", NULL, why);
}

static void go_on(struct acs_call *c)
{
    if (http_has_scope(c->r, c->who, "mail.send"))
        c->then(c);
    identity_unref(c->who);
    free(c);
}

/* ---- a signature ---- */

/* Is it the id of a key?  In lower case to *id. */
static bool take_key_id(struct directory *d, sgl_view label, char id[GUESS_KEY_ID_LEN + 1])
{
    struct identity *key = NULL;

    if (label.len == GUESS_KEY_ID_LEN) {
        for (size_t i = 0; i < label.len; i++)
            id[i] = (char)sgl_ascii_lower(label.ptr[i]);
        id[label.len] = '\0';
        key = directory_key(d, sgl_view_of(id, label.len), NULL);
    }
    identity_unref(key);
    return key != NULL;
}

/*
 * By what a wrong one is counted: the key that HOST names, as if that were shown; else all of an address together, also those whose HOST only looks like it: each of them is
 * tried with all keys that need not be named.
 */
static sgl_view shown_by(const struct acs_call *c, char out[SHOWN_SIZE])
{
    sgl_view rest, label = sgl_view_split(http_header(c->r, "Host"), '.', &rest);
    char id[GUESS_KEY_ID_LEN + 1];

    if (rest.ptr == NULL || !take_key_id(c->acs->api->directory, label, id))
        return SGL_LIT(GUESS_SIGNED);
    snprintf(out, SHOWN_SIZE, "sk_%s_", id);
    return sgl_view_cstr(out);
}

static void signature_checked(struct hmac_check *h)
{
    struct acs_call *c = (struct acs_call *)(void *)((char *)h - offsetof(struct acs_call, check));
    char shown[SHOWN_SIZE];

    if (h->answer == HMAC_REFUSED)
        http_guessed_wrong(c->r, shown_by(c, shown), hmac_answer_text(h->answer));
    if (h->answer == HMAC_OK) {
        c->who = h->identity;
        go_on(c);
        return;
    }
    if (h->answer == HMAC_UNAVAILABLE)
        unavailable(c->r, hmac_answer_text(h->answer));
    else
        refuse(c->r, hmac_answer_text(h->answer));
    free(c);
}

static void check_signature(struct acs_call *c)
{
    struct http_request *r = c->r;
    struct hmac_check *h = &c->check;
    char shown[SHOWN_SIZE];

    if (!http_may_guess(r, shown_by(c, shown))) {
        free(c);
        return;
    }
    *h = (struct hmac_check){.method = sgl_view_cstr(http_method(r)),
                             .target = http_target(r),
                             .authorization = http_header(r, "Authorization"),
                             .date = http_header(r, "x-ms-date"),
                             .host = http_header(r, "Host"),
                             .content_sha256 = http_header(r, "x-ms-content-sha256"),
                             .now = clock_now_s(),
                             .loop = http_loop(r),
                             .done = signature_checked};
    if (http_body_hash(r, h->body_hash)) {
        directory_hmac(c->acs->api->directory, h);
        return;
    }
    unavailable(r, "The server has no memory left for this; try again soon.");
    free(c);
}

/* ---- a token, or the access key itself ---- */

static void check_bearer(struct acs_call *c)
{
    sgl_view token = http_bearer(c->r);
    enum token_fault fault = TOKEN_FINE;
    const char *why;

    if (!http_may_guess(c->r, token)) {
        free(c);
        return;
    }
    if (key_form_is(token))
        c->who = directory_bearer(c->acs->api->directory, token);
    else
        c->who = tokens_verify(c->acs->tokens, token, TOKEN_FOR_ACS, clock_now_s(), &fault);
    if (c->who != NULL) {
        go_on(c);
        return;
    }
    if (fault == TOKEN_UNAVAILABLE) {
        unavailable(c->r, token_fault_text(fault));
        free(c);
        return;
    }
    why = fault == TOKEN_FINE ? "This access key is not known." : token_fault_text(fault);
    http_guessed_wrong(c->r, token, why);
    refuse(c->r, why);
    free(c);
}

void acs_begin(struct http_request *r, const struct acs *acs, void (*then)(struct acs_call *call))
{
    struct acs_call *c;
    bool content_ids;

    http_shape_problems(r, acs_shape);
    echo_request_id(r);
    if (!take_version(r, &content_ids))
        return;
    c = calloc(1, sizeof(*c));
    if (c == NULL) {
        unavailable(r, "The server has no memory left for this; try again soon.");
        return;
    }
    c->r = r;
    c->acs = acs;
    c->content_ids = content_ids;
    c->then = then;
    if (hmac_is_meant(http_header(r, "Authorization"))) {
        check_signature(c);
    } else if (http_bearer(r).ptr != NULL) {
        check_bearer(c);
    } else {
        refuse(r, "The request is neither signed nor does it carry a token.");
        free(c);
    }
}
