/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIB_REPORT_BOUNCE_INTERNAL_H
#define LIB_REPORT_BOUNCE_INTERNAL_H

#include "sigillo/bounce.h"
#include "sigillo/mime.h"

/* ---- the message around a report ---- */

struct sgl_bounce_mail {
    struct sgl_arena *arena;
    const struct sgl_mime_part *part;
    size_t parts;
    sgl_view notice; /* what people read, up to the copy of the original */
    sgl_view copy;   /* the original that follows in the same text, or empty */
};

/* What the message has for people, decoded; its length is bounded. */
enum sgl_status sgl_bounce_read_notice(struct sgl_bounce_mail *m);
/* The first part of one of these types, NULL when there is none; the list ends with NULL. */
const struct sgl_mime_part *sgl_bounce_part(const struct sgl_bounce_mail *m,
                                            const char *const *types);
/* The decoded body of a part, bounded; a view of the message where it is not encoded. */
enum sgl_status sgl_bounce_body(const struct sgl_mime_part *part, struct sgl_arena *arena,
                                sgl_view *out);
/* The original that came back: as a part, or what follows the notice.  Sets original, header and message_id. */
enum sgl_status sgl_bounce_read_original(const struct sgl_bounce_mail *m, struct sgl_bounce *out);
/* The header at the beginning of that, and its Message-ID.  What cannot be read is none. */
enum sgl_status sgl_bounce_header(sgl_view original, struct sgl_arena *arena,
                                  struct sgl_headers *header, sgl_view *message_id);

/* ---- text ---- */

/* The next line without its end; false at the end of the text. */
bool sgl_bounce_line(sgl_view *rest, sgl_view *line);
/* Does this occur, whatever the case of letters?  `needle` is in lower case.  Its offset, or v.len. */
size_t sgl_bounce_find(sgl_view v, const char *needle);
bool sgl_bounce_has(sgl_view v, const char *needle);
/* An address at the beginning of v, with or without brackets or quotes: how many bytes it takes, 0 for none. */
size_t sgl_bounce_address(sgl_view v, sgl_view *address);
/* The first address in v in brackets, or else bare; false: there is none. */
bool sgl_bounce_address_in(sgl_view v, sgl_view *address);
/* One line of it: line ends and blanks become one blank; at most SGL_LIMIT_BOUNCE_DIAGNOSTIC bytes. */
enum sgl_status sgl_bounce_flat(sgl_view v, struct sgl_arena *arena, sgl_view *out);

/* ---- codes ---- */

/* The most telling codes of a text: those that stand together, a special one before x.0.0. */
struct sgl_bounce_codes {
    sgl_view status;
    uint16_t code;
};
struct sgl_bounce_codes sgl_bounce_codes_of(sgl_view text);
/* Is it class.0.0, or nothing? */
bool sgl_bounce_status_vague(sgl_view status);

/* ---- causes ---- */

struct sgl_bounce_cause {
    const char *word;
    enum sgl_bounce_class class_;
};
/* By phrases of a text in lower case without addresses and codes; NULL: none is known. */
const struct sgl_bounce_cause *sgl_bounce_cause_of_text(sgl_view text);
const struct sgl_bounce_cause *sgl_bounce_cause_of_status(sgl_view status);
const struct sgl_bounce_cause *sgl_bounce_cause_of_code(uint16_t code);

/* ---- forms ---- */

/* One recipient more, or NULL: the list is full (said in `more`). The same address is added once. */
struct sgl_bounce_rcpt *sgl_bounce_add(struct sgl_bounce *b, sgl_view recipient);
/* The same, though it is there. */
struct sgl_bounce_rcpt *sgl_bounce_append(struct sgl_bounce *b, sgl_view recipient);
/* The fields of RFC 3464 in this text.  Adds recipients; none: it was no report. */
enum sgl_status sgl_bounce_read_report(const struct sgl_bounce_mail *m, sgl_view fields,
                                       struct sgl_bounce *b);
/* A notice for people: recognised by its form, or by who sends it. */
enum sgl_status sgl_bounce_read_text(const struct sgl_bounce_mail *m, struct sgl_bounce *b);
/* A report that names nobody is about the one whom the original was for, when there is one. */
enum sgl_status sgl_bounce_of_original(const struct sgl_bounce_mail *m, struct sgl_bounce *b);
/* Machines that answer; NULL: none does.  Otherwise the cause. */
const char *sgl_bounce_auto_reply(const struct sgl_bounce_mail *m);
/* Completes one recipient from what was said about it. */
enum sgl_status sgl_bounce_settle(struct sgl_bounce_rcpt *r, sgl_view said, bool after_message,
                                  struct sgl_arena *arena);

#endif
