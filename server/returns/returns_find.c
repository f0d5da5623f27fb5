/* SPDX-License-Identifier: Apache-2.0 */
/* Which recipient of which message it is about, and what is said of him.  Reads the store: on a worker thread. */
#include <stdlib.h>
#include <string.h>

#include "../store/json_text.h"
#include "returns_internal.h"
#include "sigillo/limits.h"

/* ---- complaints ---- */

/* While not all keys are open, none may be the one that made it: it comes again. */
static bool opens(struct taking *t, sgl_view address)
{
    bool started = lists_started(t->r->setup.lists); /* before it is looked at */
    enum return_path_kind kind = returns_open(t->r, address, &t->path);

    if (kind == RETURN_PATH_FORGED && !started)
        t->later = true;
    return kind == RETURN_PATH_OURS;
}

/* The return path that the receiver of the message saw: as he tells it, or in the header that he gives back. */
static bool path_of_complaint(struct taking *t, const struct sgl_arf *arf)
{
    const struct sgl_header *path = sgl_headers_first(&arf->header, SGL_LIT("Return-Path"));
    sgl_view text = path == NULL ? SGL_LIT("") : sgl_view_trim(path->value);

    if (opens(t, arf->original_mail_from))
        return true;
    if (text.len > 2 && text.ptr[0] == '<' && text.ptr[text.len - 1] == '>')
        text = sgl_view_sub(text, 1, text.len - 2);
    return opens(t, text);
}

static bool is_signed(struct taking *t)
{
    const struct sgl_verdict *v = t->arrival->verdict;

    for (size_t i = 0; v != NULL && i < v->dkim.count; i++)
        if (v->dkim.item[i].result == SGL_DKIM_PASS &&
            returns_believes(t->r, v->dkim.item[i].tags.domain))
            return true;
    return false;
}

/* true: it is a complaint that counts, or is to be passed over: why says so. */
static bool find_complaint(struct taking *t)
{
    struct sgl_arf arf;
    enum sgl_status status = sgl_arf_parse(t->arrival->raw, &t->arena, &arf, NULL);

    if (status == SGL_E_NOMEM)
        t->later = true;
    if (status != SGL_OK)
        return false;
    t->complaint = true;
    if (arf.type != SGL_ARF_ABUSE && arf.type != SGL_ARF_FRAUD && arf.type != SGL_ARF_VIRUS &&
        arf.type != SGL_ARF_OTHER)
        t->why = "the report is no complaint";
    else if (!is_signed(t))
        t->why = "nobody whose complaints are believed has signed it";
    else if (!path_of_complaint(t, &arf))
        t->why = "it names no return path of ours";
    return true;
}

/* ---- bounces ---- */

/* Of several recipients of one report the one of the message; a message of ours went to one. */
static const struct sgl_bounce_rcpt *said_of(const struct sgl_bounce *b, sgl_view address)
{
    for (size_t i = 0; i < b->rcpts; i++)
        if (sgl_view_eq_nocase(b->rcpt[i].recipient, address) ||
            sgl_view_eq_nocase(b->rcpt[i].final, address))
            return &b->rcpt[i];
    return b->rcpts > 0 ? &b->rcpt[0] : NULL;
}

static bool is_address(sgl_view v)
{
    return sgl_view_find(v, '@') < v.len;
}

/* Neither whom we wrote to nor something that is no address, which may be him. */
static bool names_another(const struct sgl_bounce_rcpt *s, sgl_view address)
{
    return is_address(s->recipient) && !sgl_view_eq_nocase(s->recipient, address) &&
           !sgl_view_eq_nocase(s->final, address);
}

static void find_bounce(struct taking *t)
{
    enum sgl_status status;

    if (!opens(t, t->arrival->rcpt)) {
        t->why = "it came to no return path of ours";
        return;
    }
    status = sgl_bounce_parse(t->arrival->raw, &t->arena, &t->bounce);
    if (status == SGL_E_NOMEM)
        t->later = true;
    else if (status != SGL_OK || t->bounce.kind == SGL_BOUNCE_NONE)
        t->why = "it reports nothing that is understood";
    else if (t->bounce.kind == SGL_BOUNCE_FEEDBACK)
        t->why = "a complaint is no bounce";
}

/* ---- the message ---- */

static sgl_view kind_of(const struct taking *t)
{
    if (t->complaint)
        return SGL_LIT("complained");
    if (t->said->class_ == SGL_BOUNCE_AUTO_REPLY)
        return SGL_LIT("answered");
    switch (t->said->action) {
    case SGL_BOUNCE_FAILED:
        return SGL_LIT("bounced");
    case SGL_BOUNCE_DELAYED:
        return SGL_LIT("delayed");
    case SGL_BOUNCE_ACTION_DELIVERED:
    case SGL_BOUNCE_RELAYED:
    case SGL_BOUNCE_EXPANDED:
    case SGL_BOUNCE_COMPLAINED:
        break;
    }
    return SGL_LIT("confirmed");
}

struct known {
    const struct returned *r;
    bool yes;
};

static bool same_event(void *ctx, const struct store_event *e)
{
    struct known *k = ctx;

    k->yes = e->rcpt == k->r->rcpt && sgl_view_eq(e->kind, k->r->kind);
    return !k->yes;
}

static sgl_view name_of(sgl_view host)
{
    return sgl_view_sub(host, 0, SGL_LIMIT_NAME_TEXT);
}

static void put_detail(struct taking *t)
{
    const struct sgl_bounce_rcpt *s = t->said;

    sgl_buf_add_byte(&t->detail, '{');
    if (s != NULL) {
        json_text_member(&t->detail, "class", sgl_view_cstr(sgl_bounce_class_name(s->class_)));
        json_text_member(&t->detail, "cause", sgl_view_cstr(s->cause));
        json_text_member(&t->detail, "status", s->status);
        json_text_member(&t->detail, "reply", s->diagnostic);
        json_text_member(&t->detail, "reporting_mta", name_of(t->bounce.reporting_mta));
        json_text_member(&t->detail, "host", name_of(s->remote_mta));
        if (t->of_another)
            json_text_member(&t->detail, "recipient",
                             sgl_view_sub(s->recipient, 0, SGL_LIMIT_SMTP_ORCPT));
        json_text_member(&t->detail, "form", sgl_view_cstr(t->bounce.form));
    }
    sgl_buf_add_byte(&t->detail, '}');
}

bool taking_failed_before(const struct taking *t)
{
    return t->rcpt->state == RCPT_FAILED || t->rcpt->state == RCPT_EXPIRED;
}

/* Figures are counted as those of a failure that the next server told at once. */
static uint8_t counts_as(const struct taking *t)
{
    if (t->complaint || t->said->action != SGL_BOUNCE_FAILED ||
        t->said->class_ == SGL_BOUNCE_AUTO_REPLY || taking_failed_before(t))
        return STATISTIC_NONE; /* a complaint counts with its suppression */
    return t->said->class_ == SGL_BOUNCE_HARD ? STATISTIC_BOUNCES : STATISTIC_BLOCKS;
}

static bool refuses(const struct taking *t)
{
    return !t->complaint && t->said->action == SGL_BOUNCE_FAILED &&
           (t->said->class_ == SGL_BOUNCE_FULL ||
            (t->said->class_ == SGL_BOUNCE_HARD && t->of_another) ||
            (t->said->class_ == SGL_BOUNCE_SOFT && strcmp(t->said->cause, "disabled") == 0));
}

static bool find_message(struct taking *t)
{
    enum store_result result = store_read_message(t->r->setup.store, t->path.message, &t->message);

    if (result != STORE_OK) {
        t->later = result != STORE_NOT_FOUND;
        t->why = "the message is not known any more";
        return false;
    }
    for (size_t i = 0; i < t->message->rcpts; i++)
        if (t->message->rcpt[i].id == t->path.rcpt)
            t->rcpt = &t->message->rcpt[i];
    if (t->rcpt == NULL)
        t->why = "the message has no such recipient";
    return t->rcpt != NULL;
}

static void find_rest(struct taking *t)
{
    struct known known = {.r = &t->returned};

    t->said = t->complaint ? NULL : said_of(&t->bounce, t->rcpt->address);
    t->of_another = t->said != NULL && names_another(t->said, t->rcpt->address);
    t->returned = (struct returned){.message = t->path.message,
                                    .rcpt = t->path.rcpt,
                                    .at_ms = t->arrival->at_ms,
                                    .kind = kind_of(t),
                                    .counts = counts_as(t)};
    if (refuses(t))
        t->returned.refuses = t->rcpt->address;
    put_detail(t);
    t->returned.detail = sgl_buf_view(&t->detail);
    if (t->detail.status != SGL_OK ||
        store_read_events(t->r->setup.store, t->path.message, same_event, &known) != STORE_OK)
        t->later = true;
    else if (known.yes)
        t->why = "it is known already";
}

void taking_find(struct work *work)
{
    struct taking *t = (struct taking *)(void *)work;

    if (!find_complaint(t) && !t->later)
        find_bounce(t);
    if (t->why == NULL && !t->later && find_message(t))
        find_rest(t);
}
