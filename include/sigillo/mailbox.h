/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses: of the envelope by RFC 5321 (strict), of header fields by RFC 5322 (with comments, folds and obsolete
 * forms), both with UTF-8 by RFC 6531 and 6532.
 */
#ifndef SIGILLO_MAILBOX_H
#define SIGILLO_MAILBOX_H

#include "sigillo/arena.h"
#include "sigillo/buf.h"
#include "sigillo/diag.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One addr-spec, made only by the parsers below: its validity is a fact of the type.  Two mailboxes with equal text
 * are the same mailbox (the other way round, only the owner of the domain knows).
 */
struct sgl_mailbox {
    /* "local@domain" as it may stand in RCPT TO: local part quoted only if it must be, domain as below */
    sgl_view text;
    sgl_view local; /* the local part's characters, quotes and backslashes taken out; case kept */
    /* Lower case; U-labels turned into A-labels; or a literal "[192.0.2.1]", "[IPv6:2001:db8::1]" */
    sgl_view domain;
    bool literal; /* the domain is an address literal */
    bool utf8;    /* the local part is not ASCII: SMTPUTF8 is needed */
};

/*
 * A mailbox of the envelope, without angle brackets: "user@example.org". Strict: no comments, no blanks, dot-atom or
 * quoted string, domain of letters, digits, hyphens (or U-labels), or an address literal; local part 64, domain 255,
 * whole 254 octets, label 63. [RFC 5321 s4.1.2, s4.1.3, s4.5.3.1; RFC 6531 s3.3]
 *
 * out      set only with SGL_OK; views live in the arena
 * diag     says which rule; off in `text`
 * Returns SGL_OK, SGL_E_SYNTAX, SGL_E_LIMIT (a length), SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_mailbox_parse(sgl_view text, struct sgl_arena *arena,
                                          struct sgl_mailbox *out,
                                          struct sgl_diag *diag) SGL_MUST_USE;

enum sgl_path_kind {
    SGL_PATH_MAILBOX,
    SGL_PATH_NULL /* <> */,
    SGL_PATH_POSTMASTER /* <Postmaster> without a domain */
};
struct sgl_path {
    enum sgl_path_kind kind;
    struct sgl_mailbox mailbox; /* only for MAILBOX */
    size_t used;                /* bytes of the input that the path takes, brackets included */
};
/*
 * A path of MAIL FROM or RCPT TO at the start of `text`: "<user@example.org>", "<>", "<Postmaster>"; source routes are
 * read and dropped. [RFC 5321 s4.1.2, appendix C] What follows the ">" is the caller's.
 * Returns as sgl_mailbox_parse(). The null path and the domainless postmaster are for the caller to allow or not.
 */
SGL_API enum sgl_status sgl_path_parse(sgl_view text, struct sgl_arena *arena, struct sgl_path *out,
                                       struct sgl_diag *diag) SGL_MUST_USE;

struct sgl_address {
    /* Display name decoded to UTF-8 (quotes, encoded words, blanks folded to one); empty if none */
    sgl_view name;
    struct sgl_mailbox mailbox;
    size_t group; /* index in sgl_address_list.group, or SGL_NO_GROUP */
    /* An obsolete source route stood in front of it; it is in the bytes still [RFC 5322 s4.4] */
    bool routed;
};
struct sgl_address_group {
    sgl_view name; /* decoded */
    size_t first,
        count; /* its members in sgl_address_list.item; may be none: "undisclosed-recipients:;" */
};
struct sgl_address_list {
    struct sgl_address *item;
    size_t count;
    struct sgl_address_group *group;
    size_t groups;
};
#define SGL_NO_GROUP SIZE_MAX

/*
 * The value of From, Sender, To, Cc, Reply-To ...: mailboxes and groups, with comments, folding, obsolete routes and
 * empty list members. [RFC 5322 s3.4, s4.4; RFC 6532 s3.2] At most SGL_LIMIT_ADDRESSES mailboxes; comments nested at
 * most SGL_LIMIT_COMMENT_DEPTH deep.
 * Returns SGL_OK (also for a list without any mailbox: see count), SGL_E_SYNTAX, SGL_E_LIMIT, SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_address_list_parse(sgl_view value, struct sgl_arena *arena,
                                               struct sgl_address_list *out,
                                               struct sgl_diag *diag) SGL_MUST_USE;

/*
 * The same for mail from others, whose domains may be names of DNS that are no host names: "a@foo_bar.example", "a@-x.example". Such mail is delivered and read, so it
 * has to be judged; we send none.
 */
SGL_API enum sgl_status sgl_address_list_parse_received(sgl_view value, struct sgl_arena *arena,
                                                        struct sgl_address_list *out,
                                                        struct sgl_diag *diag) SGL_MUST_USE;

/* Exactly one mailbox, with or without a display name (a JSON "from", Sender). Anything else is SGL_E_SYNTAX. */
SGL_API enum sgl_status sgl_address_parse(sgl_view value, struct sgl_arena *arena,
                                          struct sgl_address *out,
                                          struct sgl_diag *diag) SGL_MUST_USE;

/*
 * Writes `"Display Name" <local@domain>`, the name as atoms, as a quoted string or as encoded words, whatever it needs;
 * never a line end. name may be empty: the bare mailbox. Bytes of the name that are no UTF-8, or control characters,
 * set buf->status to SGL_E_SYNTAX. A mailbox with utf8 makes the field one of RFC 6532.
 */
SGL_API void sgl_address_put(struct sgl_buf *buf, sgl_view name, const struct sgl_mailbox *mailbox);

/* Equal domain and local part (local parts by exact bytes). */
SGL_API bool sgl_mailbox_eq(const struct sgl_mailbox *a, const struct sgl_mailbox *b);

#ifdef __cplusplus
}
#endif
#endif
