/* SPDX-License-Identifier: Apache-2.0 */
/* Envelopes as one block of memory, and the words for states and results. */
#include <stdlib.h>

#include "sigillo/banned.h"
#include "store.h"

const char *store_result_text(enum store_result r)
{
    switch (r) {
    case STORE_OK:
        return "done";
    case STORE_FULL:
        return "the disk is full";
    case STORE_IO:
        return "the storage failed";
    case STORE_BUSY:
        return "too much work waits for the storage";
    case STORE_CONFLICT:
        return "it was changed by somebody else";
    case STORE_NOT_FOUND:
        return "there is no such thing";
    case STORE_EXISTS:
        return "it exists already";
    case STORE_CORRUPT:
        return "the stored data are damaged";
    case STORE_NOMEM:
        return "out of memory";
    }
    return "unknown";
}

const char *rcpt_state_name(enum rcpt_state s)
{
    switch (s) {
    case RCPT_QUEUED:
        return "queued";
    case RCPT_HELD:
        return "held";
    case RCPT_DELIVERED:
        return "delivered";
    case RCPT_FAILED:
        return "failed";
    case RCPT_SUPPRESSED:
        return "suppressed";
    case RCPT_EXPIRED:
        return "expired";
    case RCPT_CANCELLED:
        return "cancelled";
    }
    return "unknown";
}

static const char *const tls_name[] = {"default", "optional", "verified"};

const char *message_tls_name(enum message_tls tls)
{
    return tls_name[tls];
}

bool message_tls_parse(sgl_view name, enum message_tls *out)
{
    for (size_t i = 0; i < sizeof tls_name / sizeof *tls_name; i++)
        if (sgl_view_eq(name, sgl_view_cstr(tls_name[i]))) {
            *out = (enum message_tls)i;
            return true;
        }
    return false;
}

/* The strings of a message, so that measuring and copying cannot disagree. */
#define MESSAGE_VIEWS 13
static const size_t message_view[MESSAGE_VIEWS] = {
    offsetof(struct store_message, subscription), offsetof(struct store_message, identity),
    offsetof(struct store_message, env_from),     offsetof(struct store_message, env_id),
    offsetof(struct store_message, message_id),   offsetof(struct store_message, header_from),
    offsetof(struct store_message, subject),      offsetof(struct store_message, signed_by),
    offsetof(struct store_message, door),         offsetof(struct store_message, peer),
    offsetof(struct store_message, labels),       offsetof(struct store_message, batch),
    offsetof(struct store_message, pool),
};
/* `domain` is not among them: it is found again inside of the address when it was borrowed from there. */
#define RCPT_VIEWS 6
static const size_t rcpt_view[RCPT_VIEWS] = {
    offsetof(struct store_rcpt, address),  offsetof(struct store_rcpt, orcpt),
    offsetof(struct store_rcpt, status),   offsetof(struct store_rcpt, reason),
    offsetof(struct store_rcpt, why_wait), offsetof(struct store_rcpt, remote_mta),
};

static sgl_view *view_at(void *base, size_t off)
{
    return (sgl_view *)(void *)((uint8_t *)base + off);
}

static size_t views_len(const void *base, const size_t *offset, size_t count)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += ((const sgl_view *)(const void *)((const uint8_t *)base + offset[i]))->len;
    return len;
}

static void copy_views(void *base, const size_t *offset, size_t count, uint8_t **at)
{
    for (size_t i = 0; i < count; i++) {
        sgl_view *v = view_at(base, offset[i]);

        if (v->len > 0)
            memcpy(*at, v->ptr, v->len);
        v->ptr = *at;
        *at += v->len;
    }
}

static bool borrowed_from(sgl_view part, sgl_view whole)
{
    return part.len > 0 && (uintptr_t)part.ptr >= (uintptr_t)whole.ptr &&
           (uintptr_t)part.ptr + part.len <= (uintptr_t)whole.ptr + whole.len;
}

static void copy_rcpt(struct store_rcpt *to, const struct store_rcpt *from, uint8_t **at)
{
    *to = *from;
    copy_views(to, rcpt_view, RCPT_VIEWS, at);
    if (borrowed_from(from->domain, from->address)) {
        to->domain.ptr = to->address.ptr + (from->domain.ptr - from->address.ptr);
        return;
    }
    if (to->domain.len > 0)
        memcpy(*at, from->domain.ptr, from->domain.len);
    to->domain.ptr = *at;
    *at += to->domain.len;
}

struct store_message *store_message_dup(const struct store_message *m)
{
    size_t size = sizeof(*m) + views_len(m, message_view, MESSAGE_VIEWS);
    struct store_message *copy;
    uint8_t *at;

    for (size_t i = 0; i < m->rcpts; i++)
        size += sizeof(*m->rcpt) + views_len(&m->rcpt[i], rcpt_view, RCPT_VIEWS) +
                (borrowed_from(m->rcpt[i].domain, m->rcpt[i].address) ? 0 : m->rcpt[i].domain.len);
    copy = malloc(size);
    if (copy == NULL)
        return NULL;
    *copy = *m;
    copy->rcpt = (struct store_rcpt *)(copy + 1);
    at = (uint8_t *)(copy->rcpt + m->rcpts);
    copy_views(copy, message_view, MESSAGE_VIEWS, &at);
    for (size_t i = 0; i < m->rcpts; i++)
        copy_rcpt(&copy->rcpt[i], &m->rcpt[i], &at);
    return copy;
}

void store_message_free(struct store_message *m)
{
    free(m);
}
