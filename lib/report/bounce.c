/* SPDX-License-Identifier: Apache-2.0 */
/* Which kind of report a message is: fields for programs count most, then a form that is known, then answers of machines. */
#include "bounce_internal.h"

#include "sigillo/arf.h"
#include "sigillo/ascii.h"
#include "sigillo/limits.h"

#include "sigillo/banned.h"

struct sgl_bounce_rcpt *sgl_bounce_append(struct sgl_bounce *b, sgl_view recipient)
{
    if (b->rcpts == SGL_LIMIT_BOUNCE_RCPTS) {
        b->more = true;
        return NULL;
    }
    b->rcpt[b->rcpts] = (struct sgl_bounce_rcpt){.recipient = recipient, .cause = ""};
    return &b->rcpt[b->rcpts++];
}

struct sgl_bounce_rcpt *sgl_bounce_add(struct sgl_bounce *b, sgl_view recipient)
{
    for (size_t i = 0; i < b->rcpts; i++)
        if (sgl_view_eq_nocase(b->rcpt[i].recipient, recipient))
            return &b->rcpt[i];
    return sgl_bounce_append(b, recipient);
}

/* ---- one recipient ---- */

/* The code of the diagnostic is the server's own; the field Status may be what a relay made of it. */
static void take_codes(struct sgl_bounce_rcpt *r, sgl_view said)
{
    struct sgl_bounce_codes codes = sgl_bounce_codes_of(said);

    r->code = codes.code;
    if (!sgl_bounce_status_vague(codes.status) || r->status.len == 0)
        r->status = codes.status;
}

enum sgl_status sgl_bounce_settle(struct sgl_bounce_rcpt *r, sgl_view said, bool after_message,
                                  struct sgl_arena *arena)
{
    struct sgl_bounce_said what;

    SGL_TRY(sgl_bounce_flat(said, arena, &r->diagnostic));
    take_codes(r, said);
    if (r->action == SGL_BOUNCE_ACTION_DELIVERED || r->action == SGL_BOUNCE_RELAYED ||
        r->action == SGL_BOUNCE_EXPANDED) {
        r->class_ = SGL_BOUNCE_DELIVERED;
        r->cause = sgl_bounce_action_name(r->action);
        return SGL_OK;
    }
    what = (struct sgl_bounce_said){r->status, r->code, said, after_message};
    SGL_TRY(sgl_bounce_classify(&what, arena, &r->class_, &r->cause));
    if (r->action == SGL_BOUNCE_DELAYED &&
        (r->class_ == SGL_BOUNCE_HARD || r->class_ == SGL_BOUNCE_UNKNOWN)) {
        r->cause = r->class_ == SGL_BOUNCE_UNKNOWN ? "temporary" : r->cause;
        r->class_ = SGL_BOUNCE_SOFT; /* it is being tried still */
    }
    if (r->class_ == SGL_BOUNCE_UNKNOWN && r->recipient.len > 0 && r->recipient.ptr[0] == '|') {
        r->class_ = SGL_BOUNCE_SOFT; /* a program that takes the mail is broken */
        r->cause = "system";
    }
    return SGL_OK;
}

/* ---- kinds ---- */

static enum sgl_status read_fields(const struct sgl_bounce_mail *m, struct sgl_bounce *b)
{
    static const char *const types[] = {"message/delivery-status", "message/global-delivery-status",
                                        NULL};
    const struct sgl_mime_part *part = sgl_bounce_part(m, types);
    sgl_view fields = m->notice;

    if (part != NULL)
        SGL_TRY(sgl_bounce_body(part, m->arena, &fields));
    else if (!sgl_bounce_has(fields, "\nfinal-recipient:") &&
             !sgl_bounce_has(fields, "\noriginal-recipient:"))
        return SGL_OK;
    SGL_TRY(sgl_bounce_read_report(m, fields, b));
    if (b->rcpts > 0) {
        b->kind = SGL_BOUNCE_REPORT;
        b->form = "rfc3464";
    }
    return SGL_OK;
}

static enum sgl_status read_feedback(sgl_view message, const struct sgl_bounce_mail *m,
                                     struct sgl_bounce *b)
{
    struct sgl_arf arf;
    enum sgl_status status = sgl_arf_parse(message, m->arena, &arf, NULL);

    if (status == SGL_E_SYNTAX)
        return SGL_OK;
    SGL_TRY(status);
    b->kind = SGL_BOUNCE_FEEDBACK;
    b->form = arf.machine ? "rfc5965" : "outlook";
    b->reporting_mta = arf.reporting_mta;
    b->env_id = arf.original_envelope_id;
    b->original = arf.original;
    b->header = arf.header;
    b->message_id = arf.message_id;
    for (size_t i = 0; i < arf.original_rcpts || i == 0; i++) {
        sgl_view who = arf.original_rcpts > 0 ? arf.original_rcpt[i] : sgl_view_of(NULL, 0);
        struct sgl_bounce_rcpt *r = sgl_bounce_add(b, who);

        if (r == NULL)
            continue;
        r->action = SGL_BOUNCE_COMPLAINED;
        r->class_ = arf.type == SGL_ARF_NOT_SPAM ? SGL_BOUNCE_UNKNOWN : SGL_BOUNCE_COMPLAINT;
        r->cause = sgl_arf_type_name(arf.type);
    }
    return SGL_OK;
}

static enum sgl_status read_reply(const struct sgl_bounce_mail *m, struct sgl_bounce *b)
{
    const char *cause = sgl_bounce_auto_reply(m);
    const struct sgl_header *from;
    struct sgl_bounce_rcpt *r;
    sgl_view who = {NULL, 0};

    if (m->arena->status != SGL_OK)
        return m->arena->status;
    if (cause == NULL)
        return SGL_OK;
    from = sgl_headers_first(&m->part[0].headers, SGL_LIT("From"));
    if (from != NULL)
        (void)sgl_bounce_address_in(from->value, &who);
    b->kind = SGL_BOUNCE_REPLY;
    b->form = "rfc3834";
    r = sgl_bounce_add(b, who);
    r->action = SGL_BOUNCE_ACTION_DELIVERED;
    r->class_ = SGL_BOUNCE_AUTO_REPLY;
    r->cause = cause;
    return SGL_OK;
}

/* A message about reading, not about delivery. [RFC 8098] */
static bool disposition(const struct sgl_bounce_mail *m)
{
    static const char *const types[] = {"message/disposition-notification",
                                        "message/global-disposition-notification", NULL};

    return sgl_bounce_part(m, types) != NULL;
}

/* A notice, or what a gateway wrapped into one: the report that it passes on.  Only when it names nobody itself is it about those of the original. */
static enum sgl_status read_notice(const struct sgl_bounce_mail *m, struct sgl_bounce *b)
{
    static const char *const types[] = {"message/rfc822", NULL};
    const struct sgl_mime_part *part = sgl_bounce_part(m, types);
    struct sgl_bounce_mail inner = {.arena = m->arena};

    SGL_TRY(sgl_bounce_read_text(m, b));
    if (b->rcpts == 0 && b->form[0] != '\0' && part != NULL &&
        sgl_mime_walk(part->body, m->arena, &inner.part, &inner.parts) == SGL_OK) {
        SGL_TRY(sgl_bounce_read_notice(&inner));
        SGL_TRY(read_fields(&inner, b));
    }
    if (m->arena->status != SGL_OK)
        return m->arena->status;
    if (b->rcpts == 0 && b->form[0] != '\0')
        SGL_TRY(sgl_bounce_of_original(m, b));
    if (b->rcpts > 0)
        b->kind = SGL_BOUNCE_NOTICE;
    else
        b->form = "";
    return SGL_OK;
}

static enum sgl_status read_kind(sgl_view message, const struct sgl_bounce_mail *m,
                                 struct sgl_bounce *b)
{
    SGL_TRY(read_feedback(message, m, b));
    if (b->kind != SGL_BOUNCE_NONE || disposition(m))
        return SGL_OK;
    SGL_TRY(read_fields(m, b));
    if (b->kind == SGL_BOUNCE_NONE)
        SGL_TRY(read_notice(m, b));
    if (b->kind == SGL_BOUNCE_NONE)
        SGL_TRY(read_reply(m, b));
    return b->kind == SGL_BOUNCE_NONE || b->original.len > 0 ? SGL_OK
                                                             : sgl_bounce_read_original(m, b);
}

/* A byte order mark that some program put in front. */
static sgl_view without_mark(sgl_view message)
{
    return sgl_view_starts(message, SGL_LIT("\xef\xbb\xbf")) ? sgl_view_from(message, 3) : message;
}

enum sgl_status sgl_bounce_parse(sgl_view message, struct sgl_arena *arena, struct sgl_bounce *out)
{
    struct sgl_bounce_mail m = {.arena = arena};
    struct sgl_bounce b = {.form = ""};

    message = without_mark(message);
    SGL_TRY(sgl_mime_walk(message, arena, &m.part, &m.parts));
    SGL_TRY(sgl_bounce_read_notice(&m));
    b.rcpt = SGL_NEW_N(arena, SGL_LIMIT_BOUNCE_RCPTS, struct sgl_bounce_rcpt);
    if (b.rcpt == NULL)
        return arena->status;
    SGL_TRY(read_kind(message, &m, &b));
    *out = b;
    return SGL_OK;
}
