/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message: its header is gathered, up to a limit; then it is known whether it is ours to sign or somebody's to judge, and the body goes by in pieces.
 *
 *   message_begin -> message_header* -> message_eoh -> message_body* -> message_eom -> message_done
 */
#include "filter.h"

#include <stdio.h>

#include "../server/log/log.h"
#include "../server/loop/loop.h"
#include "sigillo/dns_name.h"
#include "sigillo/mailbox.h"

void message_begin(struct message *m, const struct edition *g, const struct message_client *client,
                   sgl_view sender, bool ours)
{
    *m = (struct message){.g = g, .client = client, .ours = ours};
    sgl_arena_init(&m->arena, SGL_LIMIT_JUDGE_MEMORY);
    sgl_buf_init(&m->head, SGL_LIMIT_HEADER_SIZE);
    sgl_buf_init(&m->sender, ENVELOPE_MAX);
    sgl_buf_add(&m->sender, sender);
    m->changes.arena = &m->arena;
}

void message_done(struct message *m)
{
    if (m->g == NULL)
        return;
    sgl_verdict_end(&m->state);
    sgl_hash_done(&m->hash);
    sgl_buf_done(&m->head);
    sgl_buf_done(&m->sender);
    sgl_arena_done(&m->arena);
    m->g = NULL;
}

/* A line end of any kind within a value becomes CRLF: so it will travel, and so it is signed. */
static void add_value(struct sgl_buf *out, sgl_view value)
{
    while (value.len > 0) {
        size_t end = sgl_view_find(value, '\n');
        sgl_view line = sgl_view_sub(value, 0, end);

        if (end < value.len && line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        sgl_buf_add(out, line);
        if (end < value.len)
            sgl_buf_add(out, SGL_LIT("\r\n"));
        value = sgl_view_from(value, end + 1);
    }
}

void message_header(struct message *m, const char *name, const char *value)
{
    m->fields++;
    if (m->too_large)
        return;
    sgl_buf_add_cstr(&m->head, name);
    sgl_buf_add_byte(&m->head, ':');
    add_value(&m->head, sgl_view_cstr(value));
    sgl_buf_add(&m->head, SGL_LIT("\r\n"));
    if (m->head.status != SGL_OK) {
        m->status = m->head.status;
        m->too_large = true; /* or memory has ended: nothing more is kept */
        sgl_buf_done(&m->head);
    }
}

/* ---- what is to be done with it --------------------------------------------------------------------------------------- */

static enum sgl_status strip(struct message *m)
{
    const struct milter_settings *c = m->g->settings;
    bool *remove = SGL_NEW_N(&m->arena, m->headers.count, bool);
    bool *more = SGL_NEW_N(&m->arena, m->headers.count, bool);
    size_t removed;

    if (remove == NULL || more == NULL)
        return m->arena.status;
    SGL_TRY(
        sgl_authres_strip(&m->headers, sgl_view_cstr(c->authserv_id), &m->arena, remove, &removed));
    for (size_t i = 0; i < c->trusted_authservs; i++) {
        SGL_TRY(sgl_authres_strip(&m->headers, sgl_view_cstr(c->trusted_authserv[i]), &m->arena,
                                  more, &removed));
        for (size_t k = 0; k < m->headers.count; k++)
            remove[k] = remove[k] || more[k];
    }
    changes_strip(&m->changes, &m->headers, remove);
    m->stripped = m->changes.status == SGL_OK;
    return m->changes.status;
}

/* "%" means the author's domain: root@localhost has none that could be signed for. */
static bool can_sign(const struct signing_key *key, sgl_view author)
{
    bool by_author =
        sgl_view_eq(key->domain, SGL_LIT("%")) || sgl_view_eq(key->selector, SGL_LIT("%"));

    return !by_author ||
           (sgl_name_ok(author, SGL_NAME_HOST) && sgl_view_find(author, '.') < author.len);
}

/* The keys for the first author of From. */
static enum sgl_status pick_keys(struct message *m)
{
    const struct sgl_header *from = sgl_headers_first(&m->headers, SGL_LIT("From"));
    struct sgl_address_list list = {0};
    enum sgl_status status;

    if (from == NULL || !m->g->settings->signs)
        return SGL_OK;
    status = sgl_address_list_parse_received(from->value, &m->arena, &list, NULL);
    if (status == SGL_E_NOMEM)
        return status;
    if (status != SGL_OK || list.count == 0 || list.item[0].mailbox.literal)
        return SGL_OK;
    m->author.text = list.item[0].mailbox.domain;
    m->keys = signing_pick(&m->g->signing, list.item[0].mailbox.local, list.item[0].mailbox.domain,
                           m->key);
    for (size_t i = 0; i < m->keys;) {
        if (can_sign(m->key[i], m->author.text))
            i++;
        else
            m->key[i] = m->key[--m->keys];
    }
    return SGL_OK;
}

static enum sgl_status begin(struct message *m)
{
    SGL_TRY(m->status);
    SGL_TRY(m->sender.status);
    SGL_TRY(sgl_headers_parse(sgl_buf_view(&m->head), SGL_HEADERS_TOLERANT, &m->arena, &m->headers,
                              NULL));
    m->unread = m->headers.count != m->fields; /* whoever reads it after us may read on */
    if (m->unread)
        return SGL_E_SYNTAX;
    SGL_TRY(pick_keys(m));
    if (m->ours) {
        SGL_TRY(strip(m));
        m->job = m->keys > 0 ? JOB_SIGN : JOB_NONE;
        return m->job == JOB_SIGN ? sign_begin(m) : SGL_OK;
    }
    if (m->keys > 0 && !m->client->ignore_strange)
        report_strange(m);
    if (!m->g->settings->verifies)
        return SGL_OK;
    SGL_TRY(strip(m));
    m->job = JOB_VERIFY;
    return verify_begin(m);
}

bool message_eoh(struct message *m)
{
    m->begun = true;
    m->status = begin(m);
    return m->status != SGL_OK || m->job != JOB_NONE || m->changes.count > 0;
}

bool message_wants_body(const struct message *m)
{
    if (m->status != SGL_OK || m->job == JOB_NONE)
        return false;
    return m->job == JOB_SIGN || m->state.hashes.count > 0;
}

void message_body(struct message *m, sgl_view piece)
{
    if (!message_wants_body(m))
        return;
    if (m->job == JOB_SIGN)
        sgl_dkim_body_feed(&m->body, piece);
    else
        sgl_verdict_body(&m->state, piece);
}

/* ---- the end ---------------------------------------------------------------------------------------------------------- */

static void refuse(struct message_reply *reply, enum message_end end, unsigned code,
                   const char *enhanced, const char *text)
{
    reply->end = end;
    reply->code = code;
    snprintf(reply->enhanced, sizeof reply->enhanced, "%s", enhanced);
    snprintf(reply->text, sizeof reply->text, "%s", text);
}

/*
 * Something went wrong with us, or the header is too much for us, or reads for us otherwise than for others.  on_error is about us alone: who writes a header chooses what
 * comes of it.
 */
static void give_up(struct message *m, struct message_reply *reply)
{
    bool large = m->status == SGL_E_LIMIT;

    report_failed(m,
                  large       ? "message not handled: its header is too large"
                  : m->unread ? "message not handled: its header is not well formed"
                              : "message not handled",
                  m->status);
    *reply = (struct message_reply){END_ACCEPT};
    if (large)
        refuse(reply, END_REJECT, 552, "5.3.4", "the header of this message is too large");
    else if (m->unread)
        refuse(reply, END_REJECT, 554, "5.6.0", "the header of this message is not well formed");
    else if (m->g->settings->on_error != MILTER_ACCEPT || !m->stripped)
        refuse(reply, END_TEMPFAIL, 451, "4.3.0", "this message can't be handled now");
    changes_keep_removals(&m->changes);
    if (reply->end != END_ACCEPT)
        m->changes.count = 0;
}

void message_eom(struct message *m, struct message_reply *reply)
{
    *reply = (struct message_reply){END_ACCEPT};
    if (!m->begun) /* a mail server may leave that step out */
        (void)message_eoh(m);
    if (m->status == SGL_OK && m->job == JOB_SIGN)
        m->status = sign_finish(m);
    else if (m->status == SGL_OK && m->job == JOB_VERIFY)
        m->status = verify_finish(m, reply);
    if (m->status == SGL_OK)
        m->status = m->changes.status;
    if (m->status != SGL_OK)
        give_up(m, reply);
}
