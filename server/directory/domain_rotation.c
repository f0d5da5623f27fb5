/* SPDX-License-Identifier: Apache-2.0 */
/* One step of a rotation, in a copy of the domain: selectors begin to sign, retire, go, and are made anew. */
#include <stdio.h>
#include <stdlib.h>

#include "domain_internal.h"

#define SELECTORS_MAX 8

static const char *const step_name[ROTATION_STEPS] = {"none", "publish", "settle", "keep",
                                                      "revoke"};

const char *rotation_step_name(enum rotation_step step)
{
    return step_name[step];
}

bool rotation_step_parse(const char *name, enum rotation_step *out)
{
    for (int i = 0; name != NULL && i < ROTATION_STEPS; i++)
        if (strcmp(step_name[i], name) == 0) {
            *out = (enum rotation_step)i;
            return true;
        }
    return false;
}

static bool is_waiting(const struct selector *s)
{
    return !s->active && !s->retires;
}

static const struct selector *named(const struct domain *d, const char *name)
{
    for (size_t i = 0; i < d->selectors; i++)
        if (strcmp(d->selector[i].name, name) == 0)
            return &d->selector[i];
    return NULL;
}

/* The number of a name as first_selectors() gives them, "s12", "e1"; 0: it has none. */
static uint64_t number_of(const char *name, char letter)
{
    uint64_t n = 0;

    return name[0] == letter && sgl_view_u64(sgl_view_cstr(name + 1), 1000000, &n) ? n : 0;
}

/* A name that no key of this domain had before: what verifiers remember of a name is never wrong. [RFC 6376 s3.1] */
static char *fresh_name(const struct domain *d, enum keys_algorithm algorithm)
{
    char letter = algorithm == KEYS_ED25519 ? 'e' : 's', name[24];
    uint64_t most = 0;

    for (size_t i = 0; i < d->selectors; i++) {
        uint64_t n = number_of(d->selector[i].name, letter);

        most = n > most ? n : most;
    }
    do
        snprintf(name, sizeof(name), "%c%llu", letter, (unsigned long long)++most);
    while (named(d, name) != NULL);
    return text_of(sgl_view_cstr(name));
}

/* Takes the name; false: there is no memory, or no room. */
static bool add(struct domain *d, char *name, enum keys_algorithm algorithm)
{
    if (name == NULL || d->selectors >= SELECTORS_MAX) {
        free(name);
        return false;
    }
    d->selector[d->selectors++] = (struct selector){.name = name, .algorithm = algorithm};
    return true;
}

static size_t count(const struct domain *d, enum keys_algorithm algorithm, bool waiting)
{
    size_t n = 0;

    for (size_t i = 0; i < d->selectors; i++) {
        const struct selector *s = &d->selector[i];

        n += s->algorithm == algorithm && (waiting ? is_waiting(s) : s->active);
    }
    return n;
}

/* For every key that signs one more waits. */
static const char *fill_up(struct domain *d)
{
    size_t had = d->selectors;

    for (size_t i = 0; i < had; i++) {
        enum keys_algorithm algorithm = d->selector[i].algorithm;

        if (d->selector[i].active && count(d, algorithm, true) < count(d, algorithm, false) &&
            !add(d, fresh_name(d, algorithm), algorithm))
            return "there is no room or no memory for one more key";
    }
    return NULL;
}

static void switch_over(struct domain *d)
{
    for (size_t i = 0; i < d->selectors; i++) {
        struct selector *s = &d->selector[i];
        bool signs = is_waiting(s);

        s->retires = s->active;
        s->active = signs;
    }
}

static void switch_back(struct domain *d)
{
    for (size_t i = 0; i < d->selectors; i++) {
        struct selector *s = &d->selector[i];

        s->active = s->retires;
        s->retires = false;
    }
}

/* An alias leads to the next key of its name: only its end changes. */
static void make_anew(struct domain *d)
{
    for (size_t i = 0; i < d->selectors; i++) {
        struct selector *s = &d->selector[i];

        if (!s->retires)
            continue;
        selector_key_unref(s->key);
        s->key = NULL;
        s->retires = false;
    }
}

static void drop_retired(struct domain *d)
{
    size_t kept = 0;

    for (size_t i = 0; i < d->selectors; i++) {
        struct selector *s = &d->selector[i];

        if (!s->retires) {
            d->selector[kept++] = *s;
            continue;
        }
        free(s->name);
        selector_key_unref(s->key);
    }
    d->selectors = kept;
}

/* The new names are found while the old ones are still known. */
static const char *next_keys(struct domain *d, bool reuse)
{
    const char *why;

    if (reuse) {
        make_anew(d);
        return NULL;
    }
    why = fill_up(d);
    if (why == NULL)
        drop_retired(d);
    return why;
}

static const char *cancel(struct domain *d)
{
    if (d->rotation.step == ROTATION_REVOKE)
        return "the old keys are being revoked: this rotation cannot be taken back any more";
    if (d->rotation.step == ROTATION_NONE)
        return "no rotation is under way";
    if (d->rotation.step == ROTATION_KEEP)
        switch_back(d);
    return NULL;
}

static const char *move(struct domain *d, const struct domain_change *dc)
{
    switch (dc->rotate) {
    case ROTATE_BEGIN:
        return d->kind == DOMAIN_PARKED || d->selectors == 0 ? "a parked domain has no keys"
                                                             : fill_up(d);
    case ROTATE_SWITCH:
        switch_over(d);
        return NULL;
    case ROTATE_FINISH:
        return next_keys(d, dc->reuse_names);
    case ROTATE_CANCEL:
        return cancel(d);
    case ROTATE_NOT:
    case ROTATE_SETTLE:
    case ROTATE_REVOKE:
        break;
    }
    return NULL;
}

const char *domain_rotate(struct domain *d, const struct domain_change *dc, int64_t now_s)
{
    static const struct {
        enum rotation_step from, to;
        const char *why;
    } moves[] = {
        [ROTATE_BEGIN] = {ROTATION_NONE, ROTATION_PUBLISH, "a rotation is under way already"},
        [ROTATE_SETTLE] = {ROTATION_PUBLISH, ROTATION_SETTLE, "no new key is being published"},
        [ROTATE_SWITCH] = {ROTATION_SETTLE, ROTATION_KEEP, "no new key is about to sign"},
        [ROTATE_REVOKE] = {ROTATION_KEEP, ROTATION_REVOKE, "no old key is being kept"},
        [ROTATE_FINISH] = {ROTATION_REVOKE, ROTATION_NONE, "no old key is being revoked"},
    };
    struct domain_rotation *r = &d->rotation;
    bool cancels = dc->rotate == ROTATE_CANCEL;
    const char *why;

    if (!cancels && r->step != moves[dc->rotate].from)
        return moves[dc->rotate].why;
    why = move(d, dc);
    if (why != NULL)
        return why;
    r->step = cancels ? ROTATION_NONE : moves[dc->rotate].to;
    r->since_s = now_s;
    r->until_s = dc->rotate_until_s;
    if (dc->rotate == ROTATE_FINISH)
        r->last_s = now_s;
    return NULL;
}
