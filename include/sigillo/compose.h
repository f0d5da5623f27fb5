/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message from its description: text, HTML, other forms of the same, attachments and inline parts become MIME. [RFC 2045-2049, 2183, 2231,
 * 2392, 5322, 6532]  Structure: mixed( alternative( text, related( html, inline ... ), form ... ), attachment ...), without the levels
 * that would hold one part.  Every foreign value goes through an encoder that cannot write a line end.
 */
#ifndef SIGILLO_COMPOSE_H
#define SIGILLO_COMPOSE_H

#include "sigillo/buf.h"
#include "sigillo/diag.h"
#include "sigillo/mailbox.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sgl_compose_address {
    sgl_view name; /* UTF-8, may be empty */
    struct sgl_mailbox mailbox;
};
struct sgl_compose_addresses {
    const struct sgl_compose_address *item;
    size_t count;
};
struct sgl_compose_part {
    sgl_view
        content; /* the bytes; with `base64` their base64, in which SP, HTAB, CR and LF may stand */
    sgl_view
        content_type;  /* "application/pdf", parameters allowed; empty: application/octet-stream */
    sgl_view filename; /* UTF-8; may be empty */
    /* Without angle brackets, "logo@example.org" or "logo"; makes it an inline part of the HTML */
    sgl_view content_id;
    /* Content-Disposition: inline; with a content_id it is a part of multipart/related when there is HTML */
    bool inline_;
    /* content is decoded on its way, piece by piece: it is never in memory as bytes */
    bool base64;
};
/* The same once more in a form that is neither plain nor HTML: an invitation, a richer text. */
struct sgl_compose_form {
    sgl_view
        content_type; /* "text/calendar; method=REQUEST"; a text/... always says charset=utf-8 */
    sgl_view content; /* UTF-8, as text and html */
};
struct sgl_compose_field {
    sgl_view name;
    sgl_view value; /* UTF-8; written as unstructured text with encoded words where needed */
};
struct sgl_compose {
    struct sgl_compose_addresses from;             /* at least one */
    const struct sgl_compose_address *sender;      /* needed when from has several; may be NULL */
    struct sgl_compose_addresses reply_to, to, cc; /* Bcc is not here: it is never written */
    struct sgl_compose_addresses
        receipt_to;   /* who asks to be told that it was read [RFC 8098 s2.1] */
    sgl_view subject; /* UTF-8; ptr NULL: no Subject field */
    sgl_time date;
    sgl_view message_id; /* "<...@...>"; empty: no field (admission adds one) */
    const struct sgl_compose_field *header;
    size_t headers;      /* custom fields; see sgl_compose_header_ok() */
    sgl_view text, html; /* UTF-8; ptr NULL: absent. Line ends LF, CRLF or CR: all become CRLF */
    const struct sgl_compose_part *part;
    size_t parts;
    /* Text may go as 8bit where its lines allow; otherwise quoted-printable or base64 */
    bool eightbit;
    uint8_t random[16]; /* for the boundaries: fresh random bytes */
    const struct sgl_compose_form *form;
    size_t forms; /* behind text and html, in their own order */
};

/*
 * May a custom field of this name be given? Not those that compose or the server writes itself (From, To, Cc, Bcc, Subject, Date, Message-ID,
 * MIME-Version, Content-*, Received, Return-Path, DKIM-Signature, ARC-*, Authentication-Results, Resent-* ...).
 */
SGL_API bool sgl_compose_header_ok(sgl_view name);

/*
 * Writes the whole message with CRLF line ends; lines within 78 characters in the header where blanks allow and within 998 always.
 *
 * diag  says what is wrong; its `what` names the member ("header value holds a line end", "text is not UTF-8"), off is the index of the item
 * Returns SGL_OK; SGL_E_SYNTAX: a value that cannot be written, nothing to send (no text, HTML, form or part), no from; SGL_E_LIMIT: out is full; SGL_E_NOMEM.
 * On failure `out` is as it was.
 */
SGL_API enum sgl_status sgl_compose_put(struct sgl_buf *out, const struct sgl_compose *c,
                                        struct sgl_diag *diag) SGL_MUST_USE;

/* How many bytes it will be at most; for memory budgets before composing. */
SGL_API size_t sgl_compose_bound(const struct sgl_compose *c);

#ifdef __cplusplus
}
#endif
#endif
