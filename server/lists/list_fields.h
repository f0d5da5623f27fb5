/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of list mail: the mark by which a message says that it is such, what its sender wrote already, and what is added so that one click unsubscribes.
 * [RFC 2369, RFC 2919, RFC 8058]
 *
 *   X-Sigillo-List: News of the week <weekly.example.org>      the mark; a bare id will do, and one without a dot is one of the sender's domain
 */
#ifndef SERVER_LISTS_LIST_FIELDS_H
#define SERVER_LISTS_LIST_FIELDS_H

#include "sigillo/arena.h"
#include "sigillo/buf.h"
#include "sigillo/header.h"

#define LIST_MARK       "X-Sigillo-List"
#define LIST_ID_MAX     128
#define LIST_NAME_MAX   200
#define LIST_MAILTO_MAX 500

struct list_mail {
    sgl_view id;     /* lower case, with a dot */
    sgl_view name;   /* UTF-8, or empty */
    sgl_view mailto; /* of the sender's own List-Unsubscribe; or empty */
    bool one_click;  /* the sender's own fields do: they stay as they are */
    bool named;      /* the sender's own List-ID stays */
};
enum list_fault {
    LIST_FINE,
    LIST_NONE, /* the message is not marked */
    LIST_TWICE,
    LIST_ID_SYNTAX,
    LIST_NAME_SYNTAX,
    LIST_ID_DIFFERS, /* the sender's own List-ID names another list, or there are two */
    LIST_NO_MEMORY,
};

/* Letters, digits and -_+= in parts that dots divide; at most LIST_ID_MAX  [RFC 2919 s3] */
bool list_id_ok(sgl_view id);
/*
 * Is this list mail, and what is there already?  id, name: as a door was told beside the message; without them the mark counts.  domain: where an id without a dot belongs.
 * out: set with LIST_FINE; views into the arena.
 */
enum list_fault list_read(const struct sgl_headers *headers, sgl_view id, sgl_view name,
                          sgl_view domain, struct sgl_arena *arena, struct list_mail *out);
/* Fields of the sender's that go: the mark, and those in whose place ours stand. */
bool list_dropped(const struct list_mail *list, sgl_view name);
/* Our fields. url: "https://..." of this recipient; not looked at when the sender's own do. */
void list_put(const struct list_mail *list, sgl_view url, struct sgl_buf *out);
/* The id that a message's List-ID names, in lower case: false when there is none, or more than one. */
bool list_id_of(const struct sgl_headers *headers, struct sgl_arena *arena, sgl_view *id);
/* Do its fields say that it goes to a list, marked or not?  An automatic answer is none, though it may have "Precedence: bulk". */
bool list_is_recognisable(const struct sgl_headers *headers, struct sgl_arena *arena);
/* List-Unsubscribe and List-Unsubscribe-Post as receivers want them of bulk mail  [RFC 8058 s3.1] */
bool list_is_one_click(const struct sgl_headers *headers, struct sgl_arena *arena);

#endif
