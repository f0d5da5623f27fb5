/* SPDX-License-Identifier: Apache-2.0 */
/* The fields for programs: a group about the message, one for each recipient.  [RFC 3464 s2; RFC 6533 s3] */
#include "bounce_internal.h"

#include "sigillo/ascii.h"
#include "sigillo/hex.h"
#include "sigillo/limits.h"
#include "sigillo/smtp_reply.h"
#include "sigillo/utf8.h"

#include "sigillo/banned.h"

struct field {
    sgl_view name, value; /* unfolded */
};

struct reading {
    const struct sgl_bounce_mail *m;
    struct sgl_bounce *b;
    struct sgl_bounce_rcpt *rcpt; /* of the present group */
    struct sgl_bounce_rcpt now;   /* what is known before its address is */
    sgl_view said[SGL_LIMIT_BOUNCE_RCPTS];
};

/* ---- values ---- */

/* "rfc822; user@example.org" without its type. */
static sgl_view behind_type(sgl_view value, sgl_view *type)
{
    sgl_view rest, first = sgl_view_split(value, ';', &rest);

    first = sgl_view_trim(first);
    if (rest.ptr == NULL || sgl_view_find(first, ' ') < first.len ||
        sgl_view_find(first, '@') < first.len) {
        *type = sgl_view_of(NULL, 0);
        return sgl_view_trim(value);
    }
    *type = first;
    return sgl_view_trim(rest);
}

/* \x{XXXX} of an address that had to travel as ASCII.  [RFC 6533 s3] */
static enum sgl_status plain_utf8(sgl_view v, struct sgl_arena *arena, sgl_view *out)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(v.len * 4 + 4);

    for (size_t i = 0; i < v.len; i++) {
        uint32_t code = 0;
        size_t at = i + 3;

        if (!sgl_view_starts(sgl_view_from(v, i), SGL_LIT("\\x{"))) {
            sgl_buf_add_byte(&text, v.ptr[i]);
            continue;
        }
        while (at < v.len && at < i + 9 && sgl_ascii_hex_value(v.ptr[at]) >= 0)
            code = code * 16 + (uint32_t)sgl_ascii_hex_value(v.ptr[at++]);
        if (at < v.len && v.ptr[at] == '}' && code >= 0x20 && code <= 0x10ffff &&
            (code < 0xd800 || code > 0xdfff)) {
            uint8_t bytes[4];

            sgl_buf_add(&text, sgl_view_of(bytes, sgl_utf8_put(code, bytes)));
            i = at;
        } else {
            sgl_buf_add_byte(&text, v.ptr[i]);
        }
    }
    return text.status != SGL_OK ? text.status : sgl_arena_dup(arena, sgl_buf_view(&text), out);
}

static enum sgl_status address_of(sgl_view value, struct sgl_arena *arena, sgl_view *out)
{
    sgl_view type, text = behind_type(value, &type), address;

    if (sgl_view_eq_nocase(type, SGL_LIT("utf-8")))
        SGL_TRY(plain_utf8(text, arena, &text));
    if (sgl_view_starts(text, SGL_LIT("@")) && sgl_view_find(text, ':') < text.len)
        text = sgl_view_from(text, sgl_view_find(text, ':') + 1); /* an old source route */
    if (sgl_bounce_address(text, &address) > 0) {
        *out = address;
        return SGL_OK;
    }
    if (sgl_view_find(text, '@') < text.len && sgl_view_find(text, '<') < text.len &&
        sgl_bounce_address_in(text, &address))
        text = address;
    else if (text.len > 1 && text.ptr[0] == '<' && text.ptr[text.len - 1] == '>')
        text = sgl_view_sub(text, 1, text.len - 2);
    return sgl_bounce_flat(sgl_view_sub(text, 0, SGL_LIMIT_SMTP_ORCPT), arena, out);
}

static enum sgl_bounce_action action_of(sgl_view value, sgl_view status)
{
    static const struct {
        const char *word;
        enum sgl_bounce_action action;
    } words[] = {{"failed", SGL_BOUNCE_FAILED},
                 {"failure", SGL_BOUNCE_FAILED},
                 {"delayed", SGL_BOUNCE_DELAYED},
                 {"deliverable", SGL_BOUNCE_ACTION_DELIVERED}, /* Postfix, asked by sendmail -bv */
                 {"delivered", SGL_BOUNCE_ACTION_DELIVERED},
                 {"relayed", SGL_BOUNCE_RELAYED},
                 {"expanded", SGL_BOUNCE_EXPANDED}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (sgl_view_starts_nocase(value, sgl_view_cstr(words[i].word)))
            return words[i].action;
    /* no action is a fault of the report; the status says what it must have been */
    return status.len > 0 && status.ptr[0] == '2' ? SGL_BOUNCE_ACTION_DELIVERED : SGL_BOUNCE_FAILED;
}

/* ---- fields ---- */

/* The next field, its folds joined; name empty: an empty line, or one that is no field. */
static bool next_field(sgl_view *rest, struct field *f)
{
    sgl_view line, more, after;
    size_t colon;

    if (!sgl_bounce_line(rest, &line))
        return false;
    colon = sgl_view_find(line, ':');
    f->name =
        colon == line.len ? sgl_view_of(NULL, 0) : sgl_view_trim(sgl_view_sub(line, 0, colon));
    f->value = sgl_view_from(line, colon == line.len ? 0 : colon + 1);
    if (!sgl_header_name_ok(f->name))
        f->name = sgl_view_of(NULL, 0);
    after = *rest;
    while (f->name.len > 0 && after.len > 0 && sgl_ascii_is_wsp(after.ptr[0]) &&
           sgl_bounce_line(&after, &more) && sgl_view_trim(more).len > 0) {
        f->value.len = (size_t)(more.ptr + more.len - f->value.ptr);
        *rest = after;
    }
    f->value = sgl_view_trim(f->value);
    return true;
}

static bool is(const struct field *f, const char *name)
{
    return sgl_view_eq_nocase(f->name, sgl_view_cstr(name));
}

static enum sgl_status status_field(struct reading *r, sgl_view value)
{
    struct sgl_smtp_enhanced e;
    size_t n = sgl_smtp_enhanced_parse(value, &e);

    r->now.status = sgl_view_sub(value, 0, n);
    return SGL_OK;
}

static enum sgl_status message_field(struct reading *r, const struct field *f)
{
    sgl_view type;

    if (is(f, "Reporting-MTA") && r->b->reporting_mta.len == 0)
        return sgl_bounce_flat(behind_type(f->value, &type), r->m->arena, &r->b->reporting_mta);
    if (is(f, "Original-Envelope-Id") && r->b->env_id.len == 0)
        return sgl_bounce_flat(f->value, r->m->arena, &r->b->env_id);
    return SGL_OK;
}

/*
 * Ends a group: its recipient is added, with or without the fields that should be there.  Whom the sender named stands in Original-Recipient; the final one may be an alias or an
 * address of another kind of mail.
 */
static enum sgl_status end_group(struct reading *r)
{
    struct sgl_bounce_rcpt *to;

    if (sgl_view_find(r->now.recipient, '@') == r->now.recipient.len)
        r->now.recipient = r->now.final;
    if (r->now.recipient.len > 0 && (to = sgl_bounce_append(r->b, r->now.recipient)) != NULL) {
        *to = r->now;
        to->cause = "";
        r->said[to - r->b->rcpt] = r->now.diagnostic;
    }
    r->now = (struct sgl_bounce_rcpt){.action = SGL_BOUNCE_FAILED};
    return SGL_OK;
}

/* A new address of the kind that the group has already: the empty line between two groups is missing. */
static enum sgl_status address_field(struct reading *r, const struct field *f, sgl_view *to)
{
    if (to->len > 0)
        SGL_TRY(end_group(r));
    return address_of(f->value, r->m->arena, to);
}

static enum sgl_status recipient_field(struct reading *r, const struct field *f)
{
    struct sgl_arena *arena = r->m->arena;
    sgl_view type;

    if (is(f, "Final-Recipient"))
        return address_field(r, f, &r->now.final);
    if (is(f, "Original-Recipient"))
        return address_field(r, f, &r->now.recipient);
    if (is(f, "Action"))
        r->now.action = action_of(f->value, r->now.status);
    else if (is(f, "Status"))
        return status_field(r, f->value);
    else if (is(f, "Diagnostic-Code") && r->now.diagnostic.len == 0)
        r->now.diagnostic = f->value;
    else if (is(f, "Remote-MTA"))
        return sgl_bounce_flat(behind_type(f->value, &type), arena, &r->now.remote_mta);
    return SGL_OK;
}

/* ---- what the notice adds ---- */

/* The last command that a transcript of a session shows: ">>> DATA". */
static bool transcript_after_data(sgl_view notice)
{
    size_t at = sgl_bounce_find(notice, "\n<<< 5"), last = notice.len;

    if (at == notice.len)
        return false;
    for (size_t from = 0; from < at;) {
        size_t next =
            from + sgl_view_find_view(sgl_view_sub(notice, from, at - from), SGL_LIT(">>> "));

        if (next >= at)
            break;
        last = next;
        from = next + 4;
    }
    return last < notice.len &&
           (sgl_view_starts_nocase(sgl_view_from(notice, last + 4), SGL_LIT("DATA")) ||
            notice.ptr[last + 4] == '.');
}

static bool said_after_data(sgl_view text)
{
    return sgl_bounce_has(text, "end of data") || sgl_bounce_has(text, "reply to data") ||
           sgl_bounce_has(text, "final data");
}

/* Lines of a transcript that servers spoke. */
static enum sgl_status transcript(sgl_view notice, struct sgl_buf *out)
{
    sgl_view rest = notice, line;
    bool begun = false;

    while (sgl_bounce_line(&rest, &line)) {
        if (sgl_bounce_has(line, "transcript of session")) {
            begun = true;
            continue;
        }
        if (begun && !sgl_view_starts(line, SGL_LIT(">>>")) &&
            out->len < SGL_LIMIT_BOUNCE_DIAGNOSTIC) {
            if (sgl_view_starts(line, SGL_LIT("<<< ")))
                line = sgl_view_from(line, 4);
            sgl_buf_add(out, line);
            sgl_buf_add_byte(out, '\n');
        }
    }
    return out->status == SGL_E_NOMEM ? SGL_E_NOMEM : SGL_OK;
}

/* The paragraph of the notice that begins with the address, when it begins one. */
static sgl_view paragraph(sgl_view notice, sgl_view address)
{
    sgl_view rest = notice, line, found;

    while (sgl_bounce_line(&rest, &line)) {
        sgl_view text = sgl_view_trim(line), next;
        size_t n = sgl_bounce_address(text, &found);

        if (n == 0 || !sgl_view_eq_nocase(found, address))
            continue;
        text = sgl_view_from(text, n);
        while (sgl_bounce_line(&rest, &next) && sgl_view_trim(next).len > 0 &&
               sgl_bounce_address(sgl_view_trim(next), &found) == 0)
            text.len = (size_t)(next.ptr + next.len - text.ptr);
        return text;
    }
    return sgl_view_of(NULL, 0);
}

static bool tells_nothing(const struct sgl_bounce_rcpt *r)
{
    return r->class_ == SGL_BOUNCE_UNKNOWN ||
           sgl_view_eq(sgl_view_cstr(r->cause), SGL_LIT("system")) ||
           sgl_view_eq(sgl_view_cstr(r->cause), SGL_LIT("temporary"));
}

/* Where the diagnostic tells nothing, the lines about the address and the transcript may. */
static enum sgl_status settle_by_notice(struct reading *r, size_t i, sgl_view said, bool after)
{
    sgl_auto(sgl_buf) all = SGL_BUF_INIT(4 * SGL_LIMIT_BOUNCE_DIAGNOSTIC);
    struct sgl_bounce_rcpt *rcpt = &r->b->rcpt[i], before = *rcpt;
    sgl_view about = paragraph(r->m->notice, rcpt->recipient), text;
    bool alone = r->b->rcpts == 1;

    sgl_buf_add(&all, sgl_view_sub(said, 0, SGL_LIMIT_BOUNCE_DIAGNOSTIC));
    sgl_buf_add_byte(&all, '\n');
    sgl_buf_add(&all, sgl_view_sub(about, 0, SGL_LIMIT_BOUNCE_DIAGNOSTIC));
    if (alone)
        SGL_TRY(transcript(r->m->notice, &all));
    if (alone && sgl_view_trim(sgl_buf_view(&all)).len == 0)
        sgl_buf_add(&all, sgl_view_sub(r->m->notice, 0, SGL_LIMIT_BOUNCE_DIAGNOSTIC));
    if (all.status == SGL_E_NOMEM)
        return SGL_E_NOMEM;
    SGL_TRY(sgl_arena_dup(r->m->arena, sgl_buf_view(&all), &text));
    SGL_TRY(sgl_bounce_settle(rcpt, text, after || said_after_data(about), r->m->arena));
    if (tells_nothing(rcpt) && !tells_nothing(&before))
        *rcpt = before;
    if (said.len > 0)
        rcpt->diagnostic = before.diagnostic;
    return SGL_OK;
}

static enum sgl_status settle(struct reading *r, size_t i)
{
    struct sgl_bounce_rcpt *rcpt = &r->b->rcpt[i];
    sgl_view type, said = behind_type(r->said[i], &type);
    bool after = said_after_data(said) ||
                 said_after_data(paragraph(r->m->notice, rcpt->recipient)) ||
                 (r->b->rcpts == 1 && transcript_after_data(r->m->notice));

    if (type.len > 0 && said.len < 8)
        said = sgl_view_of(NULL, 0); /* "X-Unix; 77": the exit status of a program */
    SGL_TRY(sgl_bounce_settle(rcpt, said, after, r->m->arena));
    if (tells_nothing(rcpt))
        SGL_TRY(settle_by_notice(r, i, said, after));
    return SGL_OK;
}

enum sgl_status sgl_bounce_read_report(const struct sgl_bounce_mail *m, sgl_view fields,
                                       struct sgl_bounce *b)
{
    struct reading r = {.m = m, .b = b, .now = {.action = SGL_BOUNCE_FAILED}};
    struct field f;
    sgl_view rest = fields;

    for (size_t lines = 0; lines < SGL_LIMIT_BOUNCE_LINES && next_field(&rest, &f); lines++) {
        if (f.name.len == 0 && (r.now.final.len > 0 || r.now.recipient.len > 0))
            SGL_TRY(end_group(&r));
        if (f.name.len == 0)
            continue;
        SGL_TRY(message_field(&r, &f));
        SGL_TRY(recipient_field(&r, &f));
    }
    SGL_TRY(end_group(&r));
    for (size_t i = 0; i < b->rcpts; i++)
        SGL_TRY(settle(&r, i));
    return SGL_OK;
}
