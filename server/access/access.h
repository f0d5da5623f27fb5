/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May an identity send as an address?  The rule, as data, and the sets of addresses that it asks; pure.  The directory knows who is who and gathers the facts; no other place
 * decides.
 */
#ifndef SERVER_ACCESS_ACCESS_H
#define SERVER_ACCESS_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scope.h"
#include "sigillo/buf.h"
#include "sigillo/limits.h"
#include "sigillo/mailbox.h"

/* ---- the decision ---- */

/* What is known about one identity and one address. The address's domain is one of ours unless it says otherwise. */
enum access_fact {
    ACCESS_UNSURE = 1 << 0,     /* the tables are not whole */
    ACCESS_REMOVED = 1 << 1,    /* the identity is gone */
    ACCESS_FOREIGN = 1 << 2,    /* no domain of ours, or of another subscription */
    ACCESS_DISGUISED = 1 << 3,  /* the local part looks like an encoded word */
    ACCESS_GROUP_GONE = 1 << 4, /* a policy of this identity names a group that is not there */
    ACCESS_DENIED = 1 << 5,     /* a deny policy of it matches */
    ACCESS_DOUBTFUL = 1 << 6,   /* not ASCII, and a deny policy of it lists single addresses */
    ACCESS_ALLOWED = 1 << 7,    /* an allow policy of it matches */
    ACCESS_NAMED =
        1 << 8, /* the address itself, not its domain, is what was allowed or is a sender */
    ACCESS_CONFINED = 1 << 9,      /* it has allow policies */
    ACCESS_OWN_DOMAIN = 1 << 10,   /* it may use the domain */
    ACCESS_HAS_SENDERS = 1 << 11,  /* senders are listed for it */
    ACCESS_IS_SENDER = 1 << 12,    /* the address is among them */
    ACCESS_DOMAIN_LISTS = 1 << 13, /* senders are listed for the domain */
    ACCESS_IS_LISTED = 1 << 14,    /* the address is among them */
    ACCESS_NO_SCOPE = 1 << 15,     /* its scopes are listed, and sending is not among them */
};
#define ACCESS_FACTS 16

/* What decided. */
enum access_rule {
    ACCESS_RULE_UNAVAILABLE,
    ACCESS_RULE_REMOVED,
    ACCESS_RULE_NO_SCOPE,
    ACCESS_RULE_FOREIGN,
    ACCESS_RULE_DISGUISED,
    ACCESS_RULE_GROUP_GONE,
    ACCESS_RULE_DENY,
    ACCESS_RULE_DOUBTFUL,
    ACCESS_RULE_ALLOW,
    ACCESS_RULE_NOT_ALLOWED,
    ACCESS_RULE_NOT_OWN_DOMAIN,
    ACCESS_RULE_OWN_SENDER,
    ACCESS_RULE_NOT_OWN_SENDER,
    ACCESS_RULE_DOMAIN_SENDER,
    ACCESS_RULE_NOT_DOMAIN_SENDER,
    ACCESS_RULE_OWN_DOMAIN,
};
#define ACCESS_RULES (ACCESS_RULE_OWN_DOMAIN + 1)

/*
 * The first that applies: unsure, removed, no scope, foreign, disguised, group gone -> denied; a deny policy matches -> denied; an allow policy matches -> granted; there are allow
 * policies -> denied; else its own senders only.  facts is any union of enum access_fact; of those that nothing grants, the answer is denied.
 */
enum access_rule access_judge(unsigned facts, bool *granted);
const char *access_rule_name(enum access_rule rule); /* "deny-policy": for programs */
/* "a policy denies it": the reason within a sentence, for people */
const char *access_rule_text(enum access_rule rule);

/* ---- addresses ---- */

#define ACCESS_TEXT_MAX (SGL_LIMIT_MAILBOX + 1)

/*
 * An address in the form that is compared: the domain in lower-case A-labels, the local part without needless quotes, ASCII letters of it the same in either case (or not, as
 * a set is asked).  Nothing else is folded: an address that merely looks alike, or is another spelling in Unicode, is another address.
 */
struct access_address {
    char text[ACCESS_TEXT_MAX + 1]; /* "local@example.org", or "@example.org": all of the domain */
    size_t len, at;                 /* at: of the "@" */
    bool ascii;                     /* the local part is */
};
void access_address_of(const struct sgl_mailbox *mailbox, struct access_address *out);
/*
 * As an administrator writes one: "local@example.org", "*@example.org" or "example.org" for all of a domain; U-labels and a dot at the end are fine.
 * Returns SGL_OK, SGL_E_SYNTAX, SGL_E_LIMIT or SGL_E_NOMEM; *why is then a sentence's part.
 */
enum sgl_status access_address_parse(sgl_view text, struct access_address *out, const char **why);
/* Its form for people: "*@example.org" for all of a domain. */
void access_address_text(const char *text, char out[ACCESS_TEXT_MAX + 2]);
/* A local part that readers might decode: "=?utf-8?q?boss?=". [RFC 2047 s5] */
bool access_is_disguised(sgl_view local);

/* ---- sets of addresses: hashed, so that nobody may choose collisions ---- */

struct access_set {
    char *text; /* the addresses, a NUL behind each, with holes where one was removed */
    size_t text_len, text_room, holes;
    uint32_t *slot; /* where in text, + 1; 0: free */
    size_t slots, used;
    size_t wholes;   /* domains among them */
    uint8_t key[16]; /* of its hashes */
};
void access_set_init(struct access_set *s); /* empty */
void access_set_done(struct access_set *s); /* all zeros are accepted */
/* true: it is in there, now or already. false: memory has ended, and the set is as it was. */
bool access_set_add(struct access_set *s, const struct access_address *a);
/* By its exact spelling. false: it is not there. */
bool access_set_remove(struct access_set *s, const struct access_address *a);
/* `to` gets all members of `from`, and is empty before. false: memory has ended, and it is empty still. */
bool access_set_copy(struct access_set *to, const struct access_set *from);
/*
 * The member that the address is, or else the one that is its domain; NULL: neither.  exact: letters of the local part match in their own case only.  The text is the set's, until it
 * changes.
 */
const char *access_set_find(const struct access_set *s, const struct access_address *a, bool exact);
/* The same, but for the address itself only. */
const char *access_set_find_same(const struct access_set *s, const struct access_address *a,
                                 bool exact);
/* All of them in the order they came: the next one behind `before`, which is one of them, or NULL to start. NULL: no more. */
const char *access_set_next(const struct access_set *s, const char *before);

/* ---- addresses inside of text ---- */

/*
 * The next thing in a display name or a comment that a reader may take for an address: "boss@example.org", from *off on.  false: no more.  *out is a view of the text; *off
 * moves behind it.
 */
bool access_next_mention(sgl_view text, size_t *off, sgl_view *out);
/*
 * The text of the next comment in the value of a field, from *off on, which is outside of quotes: with its brackets and the comments inside of it, without backslashes.
 * room: as large as the value; *out is there. false: no more. [RFC 5322 s3.2.2]
 */
bool access_next_comment(sgl_view value, size_t *off, uint8_t *room, sgl_view *out);
/*
 * The encoded words that are in a text still, since their charset is unknown or they stand where there should be none, as words that sgl_encoded_word_decode() reads: what is
 * ASCII in them comes out right.  Blanks beside them are left out.  out: has room for twice the text and a few bytes; its status is the caller's to look at.
 * false: one is in a charset that does not keep ASCII, or that nobody knows: *unread, a view of the text.
 */
bool access_plain_words(sgl_view text, struct sgl_buf *out, sgl_view *unread);

#endif
