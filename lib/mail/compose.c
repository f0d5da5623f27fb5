/* SPDX-License-Identifier: Apache-2.0 */
/* The header and the tree of parts; compose_part.c writes one part. */
#include "compose_internal.h"

#include "sigillo/ascii.h"
#include "sigillo/date.h"
#include "sigillo/encoded_word.h"
#include "sigillo/header.h"
#include "sigillo/limits.h"
#include "sigillo/message_id.h"
#include "sigillo/utf8.h"

#include "sigillo/banned.h"

/* Of one content type: its parameters and what RFC 2231 needs to take them apart. */
#define PART_ARENA (256u * 1024u)

bool sgl_compose_header_ok(sgl_view name)
{
    static const sgl_view taken[] = {
        SGL_LIT_INIT("From"),
        SGL_LIT_INIT("Sender"),
        SGL_LIT_INIT("Reply-To"),
        SGL_LIT_INIT("To"),
        SGL_LIT_INIT("Cc"),
        SGL_LIT_INIT("Bcc"),
        SGL_LIT_INIT("Subject"),
        SGL_LIT_INIT("Date"),
        SGL_LIT_INIT("Message-ID"),
        SGL_LIT_INIT("MIME-Version"),
        SGL_LIT_INIT("Received"),
        SGL_LIT_INIT("Received-SPF"),
        SGL_LIT_INIT("Return-Path"),
        SGL_LIT_INIT("Delivered-To"),
        SGL_LIT_INIT("DKIM-Signature"),
        SGL_LIT_INIT("DomainKey-Signature"),
        SGL_LIT_INIT("Authentication-Results"),
    };
    static const sgl_view taken_prefix[] = {SGL_LIT_INIT("Content-"), SGL_LIT_INIT("ARC-"),
                                            SGL_LIT_INIT("Resent-")};

    if (!sgl_header_name_ok(name))
        return false;
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (sgl_view_eq_nocase(name, taken[i]))
            return false;
    for (size_t i = 0; i < sizeof taken_prefix / sizeof taken_prefix[0]; i++)
        if (sgl_view_starts_nocase(name, taken_prefix[i]))
            return false;
    return true;
}

enum sgl_status sgl_compose_refuse(const struct sgl_composing *c, const char *what,
                                   const char *rule, size_t index)
{
    sgl_diag_set(c->diag, what, rule, sgl_view_of(NULL, 0), 0);
    if (c->diag != NULL)
        c->diag->off = index;
    return SGL_E_SYNTAX;
}

/* What went wrong with the buffer: its own reason, or that a value cannot be written. */
static enum sgl_status settle(const struct sgl_composing *c, const char *what, size_t index)
{
    if (c->out->status == SGL_OK && c->scratch.status == SGL_OK)
        return SGL_OK;
    if (c->scratch.status == SGL_E_SYNTAX || c->out->status == SGL_E_SYNTAX)
        return sgl_compose_refuse(c, what, NULL, index);
    return c->out->status != SGL_OK ? c->out->status : c->scratch.status;
}

/* ---- header ---- */

static enum sgl_status put_addresses(struct sgl_composing *c, sgl_view name,
                                     const struct sgl_compose_addresses *list, const char *what)
{
    if (list->count == 0)
        return SGL_OK;
    sgl_buf_reset(&c->scratch);
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            sgl_buf_add(&c->scratch, SGL_LIT(", "));
        sgl_address_put(&c->scratch, list->item[i].name, &list->item[i].mailbox);
        SGL_TRY(settle(c, what, i));
    }
    sgl_header_put(c->out, name, sgl_buf_view(&c->scratch));
    return settle(c, what, 0);
}

static enum sgl_status put_text(struct sgl_composing *c, sgl_view name, sgl_view value,
                                const char *what, size_t index)
{
    sgl_buf_reset(&c->scratch);
    sgl_encoded_word_put(&c->scratch, value, SGL_WORD_TEXT);
    SGL_TRY(settle(c, what, index));
    sgl_header_put(c->out, name, sgl_buf_view(&c->scratch));
    return settle(c, what, index);
}

static enum sgl_status put_originator(struct sgl_composing *c)
{
    const struct sgl_compose *d = c->description;

    if (d->from.count == 0)
        return sgl_compose_refuse(c, "from is missing", "RFC 5322 s3.6", 0);
    if (d->from.count > 1 && d->sender == NULL)
        return sgl_compose_refuse(c, "sender is missing beside several from", "RFC 5322 s3.6.2", 0);
    SGL_TRY(put_addresses(c, SGL_LIT("From"), &d->from, "from has a name that cannot be written"));
    if (d->sender != NULL) {
        struct sgl_compose_addresses one = {d->sender, 1};

        SGL_TRY(
            put_addresses(c, SGL_LIT("Sender"), &one, "sender has a name that cannot be written"));
    }
    SGL_TRY(put_addresses(c, SGL_LIT("Reply-To"), &d->reply_to,
                          "reply_to has a name that cannot be written"));
    SGL_TRY(put_addresses(c, SGL_LIT("To"), &d->to, "to has a name that cannot be written"));
    SGL_TRY(put_addresses(c, SGL_LIT("Cc"), &d->cc, "cc has a name that cannot be written"));
    /* [RFC 8098 s2.1] */
    return put_addresses(c, SGL_LIT("Disposition-Notification-To"), &d->receipt_to,
                         "receipt_to has a name that cannot be written");
}

static enum sgl_status put_custom(struct sgl_composing *c)
{
    const struct sgl_compose *d = c->description;

    for (size_t i = 0; i < d->headers; i++) {
        if (!sgl_compose_header_ok(d->header[i].name))
            return sgl_compose_refuse(c, "header name is not valid or not the caller's to set",
                                      "RFC 5322 s3.6", i);
        SGL_TRY(put_text(
            c, d->header[i].name, d->header[i].value,
            "header value holds a line end, a control character or bytes that are not UTF-8", i));
    }
    return SGL_OK;
}

static enum sgl_status put_header(struct sgl_composing *c)
{
    const struct sgl_compose *d = c->description;

    sgl_buf_reset(&c->scratch);
    sgl_date_put(&c->scratch, d->date);
    SGL_TRY(settle(c, "date cannot be written", 0));
    sgl_header_put(c->out, SGL_LIT("Date"), sgl_buf_view(&c->scratch));
    SGL_TRY(put_originator(c));
    if (d->message_id.len > 0) {
        sgl_view id;

        if (sgl_message_id_parse(d->message_id, &id, NULL) != SGL_OK)
            return sgl_compose_refuse(c, "message_id is not <left@right>", "RFC 5322 s3.6.4", 0);
        sgl_header_put(c->out, SGL_LIT("Message-ID"), id);
        SGL_TRY(settle(c, "message_id cannot be written", 0));
    }
    if (d->subject.ptr != NULL)
        SGL_TRY(put_text(
            c, SGL_LIT("Subject"), d->subject,
            "subject holds a line end, a control character or bytes that are not UTF-8", 0));
    SGL_TRY(put_custom(c));
    sgl_buf_add(c->out, SGL_LIT("MIME-Version: 1.0\r\n"));
    return c->out->status;
}

/* ---- the tree ---- */

static bool is_related(const struct sgl_composing *c, const struct sgl_compose_part *p)
{
    return p->content_id.len > 0 && c->description->html.ptr != NULL;
}

static size_t count_parts(const struct sgl_composing *c, bool related)
{
    size_t n = 0;

    for (size_t i = 0; i < c->description->parts; i++)
        n += is_related(c, &c->description->part[i]) == related;
    return n;
}

static void put_boundary(struct sgl_composing *c, unsigned level)
{
    static const char hex[] = "0123456789abcdef";

    /* "=_" stands in no quoted-printable and in no base64 text. */
    sgl_buf_add(c->out, SGL_LIT("=_"));
    for (size_t i = 0; i < sizeof c->description->random; i++) {
        sgl_buf_add_byte(c->out, (uint8_t)hex[c->description->random[i] >> 4]);
        sgl_buf_add_byte(c->out, (uint8_t)hex[c->description->random[i] & 15]);
    }
    sgl_buf_add_byte(c->out, '_');
    sgl_buf_add_u64(c->out, level);
}

static void open_multipart(struct sgl_composing *c, const char *subtype, unsigned level)
{
    sgl_buf_add(c->out, SGL_LIT("Content-Type: multipart/"));
    sgl_buf_add_cstr(c->out, subtype);
    sgl_buf_add(c->out, SGL_LIT(";\r\n\tboundary=\""));
    put_boundary(c, level);
    sgl_buf_add(c->out, SGL_LIT("\"\r\n"));
    /* All parts of it are 7bit, or text of 8 bits that we were allowed to leave so. [RFC 2045 s6.4] */
    if (c->eightbit)
        sgl_buf_add(c->out, SGL_LIT("Content-Transfer-Encoding: 8bit\r\n"));
}

static void next_part(struct sgl_composing *c, unsigned level)
{
    sgl_buf_add(c->out, SGL_LIT("\r\n--"));
    put_boundary(c, level);
    sgl_buf_add(c->out, SGL_LIT("\r\n"));
}

static void close_multipart(struct sgl_composing *c, unsigned level)
{
    sgl_buf_add(c->out, SGL_LIT("\r\n--"));
    put_boundary(c, level);
    sgl_buf_add(c->out, SGL_LIT("--\r\n"));
}

enum { LEVEL_MIXED, LEVEL_ALTERNATIVE, LEVEL_RELATED };

static enum sgl_status put_parts(struct sgl_composing *c, bool related, unsigned level, bool first)
{
    for (size_t i = 0; i < c->description->parts; i++) {
        const struct sgl_compose_part *p = &c->description->part[i];

        if (is_related(c, p) != related)
            continue;
        if (!first)
            next_part(c, level);
        first = false;
        SGL_TRY(sgl_compose_put_part(c, p, i, related));
    }
    return SGL_OK;
}

/* The HTML, with the parts that it shows. [RFC 2387] */
static enum sgl_status put_html(struct sgl_composing *c)
{
    if (count_parts(c, true) == 0)
        return sgl_compose_put_text(c, &c->html, "html");
    open_multipart(c, "related; type=\"text/html\"", LEVEL_RELATED);
    next_part(c, LEVEL_RELATED);
    SGL_TRY(sgl_compose_put_text(c, &c->html, "html"));
    SGL_TRY(put_parts(c, true, LEVEL_RELATED, false));
    close_multipart(c, LEVEL_RELATED);
    return SGL_OK;
}

/* In how many forms it says the same. */
static size_t count_forms(const struct sgl_compose *d)
{
    return d->forms + (d->text.ptr == NULL ? 0 : 1) + (d->html.ptr == NULL ? 0 : 1);
}

/* The plainest form first. [RFC 2046 s5.1.4] */
static enum sgl_status put_body(struct sgl_composing *c)
{
    const struct sgl_compose *d = c->description;
    bool several = count_forms(d) > 1;

    if (several)
        open_multipart(c, "alternative", LEVEL_ALTERNATIVE);
    if (d->text.ptr != NULL) {
        if (several)
            next_part(c, LEVEL_ALTERNATIVE);
        SGL_TRY(sgl_compose_put_text(c, &c->text, "plain"));
    }
    if (d->html.ptr != NULL) {
        if (several)
            next_part(c, LEVEL_ALTERNATIVE);
        SGL_TRY(put_html(c));
    }
    for (size_t i = 0; i < d->forms; i++) {
        if (several)
            next_part(c, LEVEL_ALTERNATIVE);
        SGL_TRY(sgl_compose_put_form(c, &d->form[i], i));
    }
    if (several)
        close_multipart(c, LEVEL_ALTERNATIVE);
    return SGL_OK;
}

static enum sgl_status put_tree(struct sgl_composing *c)
{
    bool body = count_forms(c->description) > 0;
    size_t attachments = count_parts(c, false);

    if (!body && attachments == 0)
        return sgl_compose_refuse(c, "there is neither text nor html nor an attachment", NULL, 0);
    if (attachments == 0)
        return put_body(c);
    if (!body && attachments == 1)
        return put_parts(c, false, LEVEL_MIXED, true);
    open_multipart(c, "mixed", LEVEL_MIXED);
    if (body) {
        next_part(c, LEVEL_MIXED);
        SGL_TRY(put_body(c));
    }
    SGL_TRY(put_parts(c, false, LEVEL_MIXED, false));
    close_multipart(c, LEVEL_MIXED);
    return SGL_OK;
}

static enum sgl_status prepare(struct sgl_composing *c)
{
    const struct sgl_compose *d = c->description;

    if (!sgl_compose_text_ok(d->text))
        return sgl_compose_refuse(c, "text is not UTF-8, or holds a NUL", "RFC 2045 s2.7", 0);
    if (!sgl_compose_text_ok(d->html))
        return sgl_compose_refuse(c, "html is not UTF-8, or holds a NUL", "RFC 2045 s2.7", 0);
    SGL_TRY(sgl_compose_prepare_text(c, d->text, &c->text));
    SGL_TRY(sgl_compose_prepare_text(c, d->html, &c->html));
    c->eightbit = c->text.encoding == SGL_ENCODING_8BIT || c->html.encoding == SGL_ENCODING_8BIT;
    return SGL_OK;
}

static enum sgl_status compose(struct sgl_composing *c)
{
    SGL_TRY(prepare(c));
    SGL_TRY(put_header(c));
    SGL_TRY(put_tree(c));
    if (!sgl_view_ends(sgl_buf_view(c->out), SGL_LIT("\r\n")))
        sgl_buf_add(c->out, SGL_LIT("\r\n"));
    return settle(c, "the message cannot be written", 0);
}

enum sgl_status sgl_compose_put(struct sgl_buf *out, const struct sgl_compose *c,
                                struct sgl_diag *diag)
{
    struct sgl_composing composing = {.out = out,
                                      .description = c,
                                      .diag = diag,
                                      .scratch = SGL_BUF_INIT(SGL_LIMIT_HEADER_SIZE),
                                      .text.crlf = SGL_BUF_INIT(SIZE_MAX),
                                      .html.crlf = SGL_BUF_INIT(SIZE_MAX),
                                      .arena = SGL_ARENA_INIT(PART_ARENA)};
    size_t before = out->len;
    enum sgl_status status = out->status;

    if (status == SGL_OK)
        status = compose(&composing);
    sgl_buf_done(&composing.scratch);
    sgl_buf_done(&composing.text.crlf);
    sgl_buf_done(&composing.html.crlf);
    sgl_arena_done(&composing.arena);
    if (status != SGL_OK) {
        sgl_buf_truncate(out, before);
        out->status = SGL_OK;
    }
    return status;
}

/* In lines of 76 characters with their ends. */
static size_t content_bound(const struct sgl_compose_part *part)
{
    size_t n = part->content.len;

    return part->base64 ? n + n / 38 : n / 3 * 4 + n / 28;
}

/* A byte that is no UTF-8 becomes three, each of them three characters in a parameter; a long name leaves room for one on a line. */
size_t sgl_compose_bound(const struct sgl_compose *c)
{
    size_t n = 2048 + 8 * c->subject.len;
    const struct sgl_compose_addresses *list[] = {&c->from, &c->reply_to, &c->to, &c->cc,
                                                  &c->receipt_to};

    for (size_t l = 0; l < sizeof list / sizeof list[0]; l++)
        for (size_t i = 0; i < list[l]->count; i++)
            n += 40 + 8 * list[l]->item[i].name.len + list[l]->item[i].mailbox.text.len;
    for (size_t i = 0; i < c->headers; i++)
        n += 16 + c->header[i].name.len + 8 * c->header[i].value.len;
    n += sgl_compose_text_bound(c->text) + sgl_compose_text_bound(c->html);
    for (size_t i = 0; i < c->forms; i++)
        n += 512 + sgl_compose_text_bound(c->form[i].content) + 84 * c->form[i].content_type.len;
    for (size_t i = 0; i < c->parts; i++)
        n += 512 + content_bound(&c->part[i]) + 28 * c->part[i].filename.len +
             84 * c->part[i].content_type.len + c->part[i].content_id.len;
    return n;
}
