/* SPDX-License-Identifier: Apache-2.0 */
#include "login.h"

#include <sodium.h>
#include <stdlib.h>

#include "tokens_internal.h"

static void look(struct work *w)
{
    struct token_login *l = (struct token_login *)(void *)w;
    struct identity *app =
        tokens_verify(l->tokens, l->token, TOKEN_FOR_SMTP, clock_now_s(), &l->token_is);

    l->unavailable = l->token_is == TOKEN_UNAVAILABLE;
    if (app == NULL)
        return;
    l->identity = directory_login_of_app(l->tokens->directory, app, l->user, &l->fault);
    identity_unref(app);
}

/* `l` belongs to the caller again with done(): it may be gone when that returns. */
static void end(struct token_login *l)
{
    char *copy = l->copy;
    size_t len = l->user.len + l->token.len;

    l->copy = NULL;
    l->done(l);
    if (copy != NULL)
        sodium_memzero(copy, len);
    free(copy);
}

static void looked(struct work *w)
{
    end((struct token_login *)(void *)w);
}

static void end_at_once(struct loop_task *task)
{
    end((struct token_login *)(void *)((char *)task - offsetof(struct token_login, task)));
}

static bool copy_words(struct token_login *l)
{
    l->copy = malloc(l->user.len + l->token.len + 1);
    if (l->copy == NULL)
        return false;
    if (l->user.len > 0)
        memcpy(l->copy, l->user.ptr, l->user.len);
    if (l->token.len > 0)
        memcpy(l->copy + l->user.len, l->token.ptr, l->token.len);
    l->user.ptr = (const uint8_t *)l->copy;
    l->token.ptr = (const uint8_t *)l->copy + l->user.len;
    return true;
}

void tokens_login(struct tokens *t, struct workers *workers, struct loop *loop,
                  struct token_login *l)
{
    l->tokens = t;
    l->token_is = TOKEN_BROKEN;
    l->fault = LOGIN_WRONG;
    l->identity = NULL;
    l->unavailable = false;
    l->work = (struct work){.work = look, .done = looked, .loop = loop};
    l->task.run = end_at_once;
    if (!copy_words(l)) {
        l->user = l->token = sgl_view_of(NULL, 0);
        l->unavailable = true;
    } else if (workers_submit(workers, &l->work)) {
        return;
    } else {
        l->unavailable = true;
    }
    loop_post(loop, &l->task);
}
