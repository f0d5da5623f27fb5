/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of unsubscribe links, and the links.  A key is 32 random bytes, in the store only as the keys process has sealed it.  One makes links for a year; then there is
 * another, and the old one still opens its own until the last of them is over.  Look-ups: any thread.
 */
#ifndef SERVER_LISTS_LISTS_H
#define SERVER_LISTS_LISTS_H

#include "../keys/keys.h"
#include "../loop/tls.h"
#include "../store/store.h"
#include "list_token.h"

#define LISTS_KEY_KIND "unsubscribe-key" /* of the nouns */
#define LISTS_KEYS_MAX 8
#define LISTS_KEY_S    (365ll * 24 * 60 * 60) /* for so long one makes links */

struct lists;

/*
 * Reads the keys at once, and opens them by and by on `loop`; makes the first one.  public_url: where the world reaches the HTTP door, "https://mail.example.org".
 * NULL: why has one sentence.
 */
struct lists *lists_new(struct loop *loop, struct store *store, struct keys *keys,
                        const char *public_url, char *why, size_t why_size);
void lists_free(struct lists *l); /* after its loop has ended; NULL accepted */
/* Has the start ended, with a key or without one?  While it has not, lists_ready() says no for a moment only. Any thread. */
bool lists_started(struct lists *l);
/* Are there links to be had?  Not before a key is open. */
bool lists_ready(struct lists *l);
/* Appends "https://.../u/TOKEN"; host: in the place of public_url's, or NULL. false: not ready, or out->status says why not. */
bool lists_link(struct lists *l, const char *host, const struct list_token *token,
                struct sgl_buf *out);

/* Before the first look-up: the certificate that the HTTP door shows, borrowed; NULL: it has none. */
void lists_show_certificate(struct lists *l, struct tls_server *tls);
/* The host that public_url names, for aliases of it; "": that is an address, or public_url is not https. */
const char *lists_host(const struct lists *l);
/* Would a link with this host be followed: is there a name to be an alias of, and does the certificate that is in use cover the host? */
bool lists_covers(struct lists *l, const char *host);
/*
 * Secrets of others that live as these keys do, made of them: `purpose` (a fixed text) keeps them apart.  The newest first; the number of secrets, 0: none is open yet.
 */
size_t lists_secrets(struct lists *l, const char *purpose,
                     uint8_t out[LISTS_KEYS_MAX][LIST_SECRET_SIZE]);
enum list_token_fault lists_open(struct lists *l, sgl_view text, int64_t now,
                                 struct sgl_arena *arena, struct list_token *out);

#endif
