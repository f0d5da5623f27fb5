/* SPDX-License-Identifier: Apache-2.0 */
/* A message of the model on its way to admission, whichever API it came by. */
#include <sodium.h>
#include <stdlib.h>
#include <sys/random.h>

#include "api_internal.h"
#include "http_internal.h"

static void fill_submission(struct api_post *p, struct identity *who, sgl_view door)
{
    struct submission *s = &p->submission;
    struct http_request *r = p->r;
    struct sgl_buf peer = SGL_BUF_INIT(128);
    bool v6 = strchr(http_peer(r), ':') != NULL;

    *s = (struct submission){.who = who, .arena = http_arena(r), .loop = http_loop(r)};
    s->message.door = door;
    s->message.peer = sgl_view_cstr(http_peer(r));
    s->message.smtputf8 = true;
    s->protocol = http_is_tls(r) ? SGL_LIT("HTTPS") : SGL_LIT("HTTP");
    s->tls_text = http_tls_text(r);
    sgl_buf_addf(&peer, "[%s%s]", v6 ? "IPv6:" : "", http_peer(r));
    if (sgl_arena_dup(s->arena, sgl_buf_view(&peer), &s->peer_text) != SGL_OK)
        s->peer_text = SGL_LIT("");
    s->helo = s->peer_text;
    sgl_buf_done(&peer);
}

struct api_post *api_post_new(struct http_request *r, const struct api *api, struct identity *who,
                              sgl_view door)
{
    struct api_post *p = calloc(1, sizeof(*p));

    if (p == NULL) {
        identity_unref(who);
        return NULL;
    }
    p->r = r;
    p->api = api;
    fill_submission(p, who, door);
    return p;
}

void api_post_free(struct api_post *p)
{
    identity_unref(p->submission.who);
    sgl_buf_done(&p->raw);
    free(p);
}

struct api_post *api_post_of(struct submission *s)
{
    return (struct api_post *)(void *)((char *)s - offsetof(struct api_post, submission));
}

bool api_post_once(struct api_post *p, sgl_view key, struct api_refusal *why)
{
    sgl_view type = http_header(p->r, "Content-Type");
    crypto_hash_sha256_state state;
    uint8_t body[32];

    if (!http_body_hash(p->r, body))
        return api_refuse_memory(why);
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, type.ptr, type.len);
    crypto_hash_sha256_update(&state, (const unsigned char *)"", 1);
    crypto_hash_sha256_update(&state, p->r->query.ptr, p->r->query.len);
    crypto_hash_sha256_update(&state, (const unsigned char *)"", 1);
    crypto_hash_sha256_update(&state, body, sizeof(body));
    crypto_hash_sha256_final(&state, p->submission.request_hash);
    if (sgl_arena_dup(p->submission.arena, key, &p->submission.idempotency_key) != SGL_OK)
        return api_refuse_memory(why);
    return true;
}

/* A sender of that address may have a name, which a message that gives none has then. */
static bool name_sender(struct api_post *p, struct api_message *m, struct api_refusal *why)
{
    return m->from.name.len > 0 ||
           directory_display_name(p->api->directory, p->submission.who, &m->from.mailbox,
                                  p->submission.arena, &m->from.name) ||
           api_refuse_memory(why);
}

static bool compose(struct api_post *p, struct api_message *m, struct api_refusal *why)
{
    size_t bound = sgl_compose_bound(&m->compose);
    struct admission_answer answer;
    struct sgl_diag diag = {0};
    enum sgl_status status;

    if (!admission_has_room(p->api->admission, bound, &answer))
        return api_refuse(why, answer.http, answer.code, "body", answer.text, SGL_LIT(""));
    if (getrandom(m->compose.random, sizeof(m->compose.random), 0) !=
        (ssize_t)sizeof(m->compose.random))
        return api_refuse_memory(why);
    m->compose.date = clock_now_s();
    sgl_buf_init(&p->raw, bound + 4096);
    status = sgl_buf_reserve(&p->raw, bound);
    if (status == SGL_OK)
        status = sgl_compose_put(&p->raw, &m->compose, &diag);
    if (status != SGL_OK)
        api_compose_refusal(m, status, &diag, why);
    return status == SGL_OK;
}

/* The JSON is gone when admission is done. */
static bool keep(struct submission *s, const struct api_message *m, struct api_refusal *why)
{
    struct store_message *g = &s->message;

    if (sgl_arena_dup(s->arena, m->labels, &g->labels) != SGL_OK ||
        sgl_arena_dup(s->arena, m->batch, &g->batch) != SGL_OK ||
        sgl_arena_dup(s->arena, m->pool, &g->pool) != SGL_OK)
        return api_refuse_memory(why);
    return m->list.ptr == NULL ||
           (sgl_arena_dup(s->arena, m->list, &s->list) == SGL_OK &&
            sgl_arena_dup(s->arena, m->list_name, &s->list_name) == SGL_OK) ||
           api_refuse_memory(why);
}

bool api_post_message(struct api_post *p, struct api_message *m, struct api_refusal *why)
{
    struct submission *s = &p->submission;

    if (!name_sender(p, m, why) || !compose(p, m, why))
        return false;
    s->raw = sgl_buf_view(&p->raw);
    s->message.env_from = m->from.mailbox.text;
    s->message.rcpt = m->rcpt;
    s->message.rcpts = m->rcpts;
    s->message.bypass = m->bypass;
    s->message.tls = m->tls;
    return keep(s, m, why);
}

void api_post_submit(struct api_post *p, struct admission_all *all,
                     void (*done)(struct submission *s, const struct admission_answer *answer))
{
    p->submission.done = done;
    if (all != NULL)
        admission_all_add(all, &p->submission);
    else
        admission_submit(p->api->admission, &p->submission);
}
