/* SPDX-License-Identifier: Apache-2.0 */
#include "guess.h"

#include <stdio.h>

#include "../../directory/key_form.h"
#include "../../log/log.h"
#include "../../tokens/tokens.h"
#include "sigillo/ascii.h"

static void key_name(sgl_view id, sgl_view secret, char out[GUESS_NAME_SIZE])
{
    for (size_t i = 0; i < id.len; i++)
        if (!sgl_ascii_is_alnum(id.ptr[i]))
            return;
    if (id.len == GUESS_KEY_ID_LEN && secret.ptr != NULL)
        snprintf(out, GUESS_NAME_SIZE, "%.*s", SGL_FMT(id));
}

void guess_name(sgl_view bearer, char out[GUESS_NAME_SIZE])
{
    sgl_view id, secret;

    out[0] = '\0';
    if (key_form_split(bearer, &id, &secret))
        key_name(id, secret, out);
    else if (sgl_view_eq(bearer, SGL_LIT(GUESS_SIGNED)))
        snprintf(out, GUESS_NAME_SIZE, GUESS_SIGNED);
    else
        token_claimed_client(bearer, out);
}

static unsigned wait_s(void *ctx, sgl_view bearer, const char *peer)
{
    char name[GUESS_NAME_SIZE];

    guess_name(bearer, name);
    return attempts_named_wait_s(ctx, sgl_view_cstr(name), sgl_view_cstr(peer), clock_mono_ms());
}

static void wrong(void *ctx, sgl_view bearer, const char *peer, const char *why)
{
    char name[GUESS_NAME_SIZE];

    guess_name(bearer, name);
    attempts_named_wrong(ctx, sgl_view_cstr(name), sgl_view_cstr(peer), clock_mono_ms());
    log_line(LOG_INFO_, "bearer refused", LOG_STR("peer", peer), LOG_STR("id", name),
             LOG_STR("why", why));
}

void guess_use(struct http *http, struct attempts *attempts)
{
    http_use_guesses(http,
                     (struct http_guesses){.ctx = attempts, .wait_s = wait_s, .wrong = wrong});
}
