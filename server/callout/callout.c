/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A question goes from the door's loop to the outgoing one and back.  The memory is a table without chains: what falls onto the same place as something else takes it, so that it
 * never grows; keyed, so that nobody may choose what does.
 */
#include "callout.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "sigillo/ascii.h"

#define TEXT_MAX 600

struct kept {
    uint8_t hash[crypto_generichash_BYTES_MIN];
    int64_t until_s; /* 0: empty */
    bool yes;
};

struct callout {
    struct loop *outgoing;
    struct delivery *delivery;
    pthread_mutex_t lock;
    uint8_t key[crypto_generichash_KEYBYTES];
    struct kept kept[CALLOUT_KEPT_MAX];
};

struct question {
    struct delivery_ask ask; /* first: cast from it */
    struct callout *callout;
    struct reception_ask *from;
    void (*answered)(struct reception_ask *question, const struct reception_answer *answer);
    struct loop_task task;
};

struct callout *callout_new(struct loop *outgoing, struct delivery *delivery)
{
    struct callout *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    c->outgoing = outgoing;
    c->delivery = delivery;
    pthread_mutex_init(&c->lock, NULL);
    randombytes_buf(c->key, sizeof(c->key));
    return c;
}

void callout_free(struct callout *c)
{
    if (c == NULL)
        return;
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* ---- memory ---- */

/* A route that was changed may lead to another server. The case of ASCII letters does not count. */
static struct kept *place_of(struct callout *c, const struct arrival_route *route, sgl_view address,
                             uint8_t hash[crypto_generichash_BYTES_MIN])
{
    char text[TEXT_MAX];
    int head = snprintf(text, sizeof(text), "%.40s/%llu/", route->owned.key,
                        (unsigned long long)route->owned.version);
    size_t len = (size_t)head, at = 0;

    for (size_t i = 0; i < address.len && len < sizeof(text); i++)
        text[len++] = (char)sgl_ascii_lower(address.ptr[i]);
    crypto_generichash(hash, crypto_generichash_BYTES_MIN, (const uint8_t *)text, len, c->key,
                       sizeof(c->key));
    for (size_t i = 0; i < 4; i++)
        at = at << 8 | hash[i];
    return &c->kept[at % CALLOUT_KEPT_MAX];
}

enum callout_memory callout_remembered(struct callout *c, const struct arrival_route *route,
                                       sgl_view address, int64_t now_s)
{
    uint8_t hash[crypto_generichash_BYTES_MIN];
    enum callout_memory found = CALLOUT_NOT_KNOWN;
    const struct kept *k = place_of(c, route, address, hash);

    pthread_mutex_lock(&c->lock);
    if (k->until_s > now_s && memcmp(k->hash, hash, sizeof(hash)) == 0)
        found = k->yes ? CALLOUT_YES : CALLOUT_NO;
    pthread_mutex_unlock(&c->lock);
    return found;
}

void callout_remember(struct callout *c, const struct arrival_route *route, sgl_view address,
                      bool yes, int64_t now_s)
{
    uint8_t hash[crypto_generichash_BYTES_MIN];
    struct kept *k = place_of(c, route, address, hash);

    pthread_mutex_lock(&c->lock);
    memcpy(k->hash, hash, sizeof(hash));
    k->until_s = now_s + (yes ? CALLOUT_KNOWN_S : CALLOUT_UNKNOWN_S);
    k->yes = yes;
    pthread_mutex_unlock(&c->lock);
}

/* ---- asked ---- */

static void say(struct reception_answer *out, uint16_t code, const char *enhanced, const char *text)
{
    *out = (struct reception_answer){.code = code};
    snprintf(out->enhanced, sizeof(out->enhanced), "%s", enhanced);
    snprintf(out->text, sizeof(out->text), "%s", text);
}

static void say_known(struct reception_answer *out, bool yes)
{
    if (yes)
        say(out, 250, "2.1.5", "recipient ok");
    else
        say(out, 550, "5.1.1", "there is nobody of this name here");
}

/* Back on the loop of the question. */
static void tell(struct loop_task *task)
{
    struct question *q =
        (struct question *)(void *)((char *)task - offsetof(struct question, task));
    struct reception_answer answer;

    if (q->ask.asked == ASKED_UNKNOWN)
        say(&answer, 451, "4.4.1",
            "whether there is somebody of this name cannot be found out now");
    else
        say_known(&answer, q->ask.asked == ASKED_TAKEN);
    q->answered(q->from, &answer);
    free(q);
}

static void asked(struct delivery_ask *a)
{
    struct question *q = (struct question *)(void *)a;

    if (a->asked != ASKED_UNKNOWN)
        callout_remember(q->callout, a->route, a->address, a->asked == ASKED_TAKEN, clock_now_s());
    q->task.run = tell;
    loop_post(q->from->loop, &q->task);
}

static void ask_server(struct loop_task *task)
{
    struct question *q =
        (struct question *)(void *)((char *)task - offsetof(struct question, task));

    delivery_ask(q->callout->delivery, &q->ask);
}

void callout_ask(void *callout, struct reception_ask *question,
                 void (*answered)(struct reception_ask *question,
                                  const struct reception_answer *answer))
{
    struct callout *c = callout;
    const struct reception_to *to = question->to;
    enum callout_memory known = callout_remembered(c, to->route, to->address, clock_now_s());
    struct question *q = known != CALLOUT_NOT_KNOWN ? NULL : calloc(1, sizeof(*q));
    struct reception_answer answer;

    if (q == NULL) {
        if (known == CALLOUT_NOT_KNOWN)
            say(&answer, 451, "4.3.0", "out of memory");
        else
            say_known(&answer, known == CALLOUT_YES);
        answered(question, &answer);
        return;
    }
    q->ask = (struct delivery_ask){.route = to->route, .address = to->address, .done = asked};
    q->callout = c;
    q->from = question;
    q->answered = answered;
    q->task.run = ask_server;
    loop_post(c->outgoing, &q->task);
}
