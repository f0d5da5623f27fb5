/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token where there are user names: is it good, and as whom does it log in?  Looked at by a worker, since the signature of one that is new costs a fifth of a millisecond.
 * Taken are tokens for our own API, for Azure Communication Services and for SMTP at Microsoft 365: programs of those services ask for theirs.
 */
#ifndef SERVER_TOKENS_LOGIN_H
#define SERVER_TOKENS_LOGIN_H

#include "tokens.h"

struct token_login {
    struct work work; /* first: cast from it */
    struct loop_task task;
    struct tokens *tokens;
    sgl_view user, token;                /* in; copied by the call, there until done() ends */
    enum token_fault token_is;           /* out */
    enum login_fault fault;              /* out: with a token that is good */
    struct identity *identity;           /* out: a reference; NULL: refused */
    bool unavailable;                    /* out: could not be looked at now */
    void (*done)(struct token_login *l); /* on the loop given, always later */
    void *private_;
    char *copy;
};
void tokens_login(struct tokens *t, struct workers *workers, struct loop *loop,
                  struct token_login *l);

#endif
