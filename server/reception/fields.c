/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a message that is accepted: what others wrote in our name goes, what we found out goes on top.
 *
 *   Authentication-Results   above our own Received  [RFC 8601 s4.1]
 *   X-Sigillo-Quarantine, X-Spam-Flag   where it is quarantined
 *   Received
 *   ... what came
 */
#include "reception_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/limits.h"
#include "sigillo/received.h"

#define QUARANTINE "X-Sigillo-Quarantine"
#define SPAM_FLAG  "X-Spam-Flag"

/* ---- what goes ---- */

static bool is_of_name(uint8_t c)
{
    return sgl_ascii_is_alnum(c) || c == '-' || c == '_' || c == '.' || c >= 0x80;
}

/* As a name by itself: "mx.test" stands in "(mx.test: ok)" and in "mx.test.", not in "a.mx.test". */
static bool names(sgl_view text, sgl_view word)
{
    for (size_t i = 0; i + word.len <= text.len; i++) {
        size_t end = i + word.len;

        if (!sgl_view_starts_nocase(sgl_view_from(text, i), word) ||
            (i > 0 && is_of_name(text.ptr[i - 1])))
            continue;
        end += end < text.len && text.ptr[end] == '.';
        if (end == text.len || !is_of_name(text.ptr[end]))
            return true;
    }
    return false;
}

/* "receiver=" has many ways to be written, and the comment in front of it names who checked, too.  [RFC 7208 s9.1] */
static bool is_our_spf(const struct run *run, const struct sgl_header *f)
{
    return sgl_view_eq_nocase(f->name, SGL_LIT("Received-SPF")) &&
           names(f->value, run->rules->authserv_id);
}

/* Without a chain that passes it proves nothing, and somebody might look for our name in it. */
static enum sgl_status is_our_chain(struct run *run, const struct sgl_header *f, bool *yes)
{
    enum sgl_authres_forgery forgery = SGL_AUTHRES_FOREIGN;
    struct sgl_header behind = *f;

    *yes = false;
    if (run->verdict->arc.result == SGL_ARC_PASS ||
        !sgl_view_eq_nocase(f->name, SGL_LIT("ARC-Authentication-Results")))
        return SGL_OK;
    behind.value = sgl_view_from(f->value, sgl_view_find(f->value, ';'));
    behind.value = sgl_view_from(behind.value, 1);
    SGL_TRY(sgl_authres_judge(&behind, run->rules->authserv_id, &run->arena, &forgery));
    *yes = forgery == SGL_AUTHRES_OURS || /* or nobody can read it, and it names us */
           (forgery == SGL_AUTHRES_BROKEN && names(f->value, run->rules->authserv_id));
    return SGL_OK;
}

static bool is_our_mark(const struct sgl_header *f)
{
    return sgl_view_eq_nocase(f->name, SGL_LIT(QUARANTINE)) ||
           sgl_view_eq_nocase(f->name, SGL_LIT(SPAM_FLAG)) ||
           sgl_view_eq_nocase(f->name, SGL_LIT("Return-Path"));
}

static enum sgl_status keep_rest(struct run *run)
{
    size_t removed;
    bool *remove = SGL_NEW_N(&run->arena, run->headers->count, bool);

    if (remove == NULL)
        return run->arena.status;
    SGL_TRY(
        sgl_authres_strip(run->headers, run->rules->authserv_id, &run->arena, remove, &removed));
    for (size_t i = 0; i < run->headers->count; i++) {
        const struct sgl_header *f = &run->headers->field[i];
        bool ours;

        SGL_TRY(is_our_chain(run, f, &ours));
        if (!remove[i] && !ours && !is_our_spf(run, f) && !is_our_mark(f))
            sgl_buf_add(&run->header, f->raw);
    }
    if (run->header.len > 0 && !sgl_view_ends(sgl_buf_view(&run->header), SGL_LIT("\r\n")))
        sgl_buf_add(&run->header, SGL_LIT("\r\n"));
    return run->header.status;
}

/* ---- what comes ---- */

static void put_received(struct run *run)
{
    const struct reception_mail *m = run->m;
    struct sgl_received r = {.helo = m->helo,
                             .peer = m->peer_text,
                             .by = sgl_view_cstr(run->rules->config->hostname),
                             .with = m->protocol,
                             .id = sgl_view_cstr(run->id),
                             .time = run->at_ms / 1000};
    struct sgl_mailbox only;

    r.tls_version = sgl_view_split(m->tls_text, ' ', &r.tls_cipher);
    if (m->tos == 1) {
        only = (struct sgl_mailbox){.text = m->to[0].address};
        r.recipient = &only;
    }
    sgl_received_put(&run->fields, &r);
}

enum sgl_status fields_make(struct run *run)
{
    sgl_buf_init(&run->fields, SGL_LIMIT_HEADER_SIZE);
    sgl_buf_init(&run->header, SGL_LIMIT_HEADER_SIZE + 2);
    SGL_TRY(sgl_authres_put(&run->verdict->results, &run->fields));
    if (run->decision.action == JUDGED_QUARANTINE)
        sgl_buf_add_cstr(&run->fields, QUARANTINE ": yes\r\n" SPAM_FLAG ": YES\r\n");
    put_received(run);
    SGL_TRY(run->fields.status);
    run->body = sgl_view_from(run->m->raw, run->headers->body_off);
    return keep_rest(run);
}
