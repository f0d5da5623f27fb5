/* SPDX-License-Identifier: Apache-2.0 */
/* Applications that log in where programs have user names: as whom they may, and why not. */
#include "app_user.h"
#include "directory_internal.h"
#include "sigillo/mailbox.h"

#define NO_SUBSCRIPTION SGL_LIT("|") /* none has this name */

bool directory_has_apps(struct directory *d)
{
    bool any;

    pthread_rwlock_rdlock(&d->lock);
    any = d->table[DIRECTORY_APP].used > 0;
    pthread_rwlock_unlock(&d->lock);
    return any;
}

enum login_fault directory_login_fault(struct directory *d, sgl_view user)
{
    struct account_facts facts;
    struct identity *account = directory_account(d, user, &facts);
    bool off = account != NULL && !facts.basic;

    identity_unref(account);
    return off ? LOGIN_NO_PASSWORDS : LOGIN_WRONG;
}

/* ---- by a secret ---- */

struct identity *login_by_secret(struct directory *d, const struct app_user *user, sgl_view secret,
                                 int64_t now, enum login_fault *fault)
{
    struct subscription *s = directory_tenant(d, user->tenant);
    sgl_view within = s == NULL ? NO_SUBSCRIPTION : sgl_view_cstr(s->name);
    struct identity *who = NULL;
    enum app_login found = app_login(d, sgl_view_cstr(user->client_id), within, secret, now, &who);

    subscription_unref(s);
    *fault = found == APP_OK ? LOGIN_FINE : found == APP_EXPIRED ? LOGIN_EXPIRED : LOGIN_WRONG;
    return who;
}

/* ---- by a token ---- */

/* Is it this very application, in its subscription? */
static bool names_app(struct directory *d, const struct identity *app, const struct app_user *user)
{
    struct identity *named = directory_app_of_client(d, sgl_view_cstr(user->client_id), NULL);
    struct subscription *s = directory_tenant(d, user->tenant);
    bool same = named != NULL && s != NULL && strcmp(named->name, app->name) == 0 &&
                strcmp(s->name, app->subscription) == 0;

    identity_unref(named);
    subscription_unref(s);
    return same;
}

/* The one decision says whether it may; what is no address is none of its. */
static bool may_send_as(struct directory *d, const struct identity *app, sgl_view user)
{
    struct sgl_arena arena = SGL_ARENA_INIT(8192);
    struct directory_access access;
    struct sgl_mailbox mailbox;
    bool may = sgl_mailbox_parse(user, &arena, &mailbox, NULL) == SGL_OK &&
               directory_may_send(d, app, &mailbox, NULL, &access);

    sgl_arena_done(&arena);
    return may;
}

/* Takes the reference to the account, which must say yes itself: an application that may send as its address anyway does not log in as it. */
static struct identity *as_account(struct directory *d, struct identity *account,
                                   const struct account_facts *facts, sgl_view user,
                                   const struct identity *app, enum login_fault *fault)
{
    bool ours = strcmp(account->subscription, app->subscription) == 0;
    struct identity *who = directory_account_of_app(d, user, app);

    identity_unref(account);
    if (who != NULL)
        *fault = LOGIN_FINE;
    else if (!ours)
        *fault = LOGIN_NOT_ITS; /* nobody hears of other subscriptions' accounts */
    else
        *fault = facts->oauth ? LOGIN_NOT_ALLOWED : LOGIN_NO_TOKENS;
    return who;
}

struct identity *directory_login_of_app(struct directory *d, struct identity *app, sgl_view user,
                                        enum login_fault *fault)
{
    struct account_facts facts;
    struct identity *account = directory_account(d, user, &facts);
    struct app_user named;
    bool its;

    if (account != NULL)
        return as_account(d, account, &facts, user, app, fault);
    if (user.len == 0)
        its = true;
    else if (app_user_parse(user, &named))
        its = names_app(d, app, &named);
    else
        its = may_send_as(d, app, user);
    *fault = its ? LOGIN_FINE : LOGIN_NOT_ITS;
    return its ? identity_ref(app) : NULL;
}
