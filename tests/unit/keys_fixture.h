/* SPDX-License-Identifier: Apache-2.0 */
/* A client of the keys process on a loop of its own, and one operation after the other. */
#ifndef TESTS_UNIT_KEYS_FIXTURE_H
#define TESTS_UNIT_KEYS_FIXTURE_H

#include "check.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../server/keys/keys.h"
#include "../../server/keys/wire.h"

struct fixture {
    struct loop *loop;
    struct keys *keys;
    pid_t pid;
    int fd; /* our copy of nothing: -1; for scripted peers the other end */
};

struct call {
    struct keys_op op; /* first: cast from it */
    struct loop *stop; /* stopped when nothing waits any more */
    int *waiting;
};

static inline void call_done(struct keys_op *op)
{
    struct call *c = (struct call *)(void *)op;

    if (--*c->waiting == 0)
        loop_stop(c->stop);
}

static inline struct call *call_new(struct fixture *fx, enum keys_verb verb, int *waiting)
{
    struct call *c = calloc(1, sizeof *c);

    assert_non_null(c);
    c->op.verb = verb;
    c->op.loop = fx->loop;
    c->op.done = call_done;
    c->op.result = (enum keys_result)99;
    c->stop = fx->loop;
    c->waiting = waiting;
    return c;
}

/* Submits and waits; the caller frees. */
static inline struct call *ask(struct fixture *fx, enum keys_verb verb, uint64_t handle,
                               const char *context, sgl_view in)
{
    int waiting = 1;
    struct call *c = call_new(fx, verb, &waiting);

    c->op.handle = handle;
    c->op.context = sgl_view_cstr(context);
    c->op.in = in;
    c->op.algorithm = KEYS_ED25519;
    memset(c->op.digest, 0xd1, sizeof c->op.digest);
    keys_submit(fx->keys, &c->op);
    loop_run(fx->loop);
    return c;
}

static inline enum keys_result result_of(struct call *c)
{
    enum keys_result result = c->op.result;

    free(c);
    return result;
}

#endif
