/* SPDX-License-Identifier: Apache-2.0 */
#include "resume.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

/* ---- keys ---- */

/* Each part with its length, so that no two lists of parts look the same. */
static bool add(EVP_MD_CTX *md, const void *bytes, size_t len)
{
    uint64_t n = len;

    return EVP_DigestUpdate(md, &n, sizeof n) == 1 &&
           (len == 0 || EVP_DigestUpdate(md, bytes, len) == 1);
}

static bool add_number(EVP_MD_CTX *md, uint64_t n)
{
    return add(md, &n, sizeof n);
}

static bool add_text(EVP_MD_CTX *md, const char *text)
{
    return text == NULL ? add_number(md, 0) : add(md, text, strlen(text) + 1);
}

static bool add_target(EVP_MD_CTX *md, const struct tls_target *t)
{
    bool good = add_number(md, (uint64_t)t->verify) && add_text(md, t->name) &&
                add_number(md, t->more_names);

    for (size_t i = 0; good && i < t->more_names; i++)
        good = add_text(md, t->more_name[i]);
    good = good && add_number(md, t->tlsas);
    for (size_t i = 0; good && i < t->tlsas; i++) {
        const struct tls_tlsa *r = &t->tlsa[i];

        good = add(md, (const uint8_t[]){r->usage, r->selector, r->matching}, 3) &&
               add(md, r->data.ptr, r->data.len);
    }
    return good;
}

bool resume_key_of(const struct resume_trust *trust, const struct tls_target *target,
                   const struct sgl_ip *address, uint16_t port, struct resume_key *out)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    unsigned len = 0;
    bool good = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
                add_text(md, trust->ca_file) && add_number(md, trust->generation) &&
                add_target(md, target) && add_number(md, address->version) &&
                add(md, address->bytes, sizeof address->bytes) && add_number(md, port) &&
                EVP_DigestFinal_ex(md, out->digest, &len) == 1 && len == sizeof out->digest;

    EVP_MD_CTX_free(md);
    return good;
}

static bool has_key(const struct resume_entry *e, const struct resume_key *key)
{
    return memcmp(e->key.digest, key->digest, sizeof key->digest) == 0;
}

/* ---- the list ---- */

static void unlink_entry(struct resume *r, struct resume_entry *e)
{
    if (e->prev != NULL)
        e->prev->next = e->next;
    else
        r->first = e->next;
    if (e->next != NULL)
        e->next->prev = e->prev;
    else
        r->last = e->prev;
    e->prev = e->next = NULL;
    r->count--;
}

static void drop(struct resume *r, struct resume_entry *e)
{
    unlink_entry(r, e);
    resume_entry_free(e);
}

/* A server that gives out many tickets pushes out its own only. */
static void make_room(struct resume *r, const struct resume_key *key)
{
    struct resume_entry *oldest = NULL;
    unsigned same = 0;

    for (struct resume_entry *e = r->first; e != NULL; e = e->next)
        if (has_key(e, key)) {
            oldest = e;
            same++;
        }
    if (same >= RESUME_PER_KEY)
        drop(r, oldest);
    else if (r->count >= RESUME_MAX)
        drop(r, r->last);
}

static void link_first(struct resume *r, struct resume_entry *e)
{
    make_room(r, &e->key);
    e->prev = NULL;
    e->next = r->first;
    if (r->first != NULL)
        r->first->prev = e;
    else
        r->last = e;
    r->first = e;
    r->count++;
}

void resume_entry_free(struct resume_entry *entry)
{
    if (entry == NULL)
        return;
    SSL_SESSION_free(entry->session);
    free(entry);
}

void resume_clear(struct resume *r)
{
    while (r->first != NULL)
        drop(r, r->first);
}

void resume_forget(struct resume *r, const struct resume_key *key)
{
    for (struct resume_entry *e = r->first, *next; e != NULL; e = next) {
        next = e->next;
        if (has_key(e, key))
            drop(r, e);
    }
}

/* ---- sessions ---- */

/* When it ends by what the server says, at the latest by our own measure.  0 in TLS 1.2 means that it does not say [RFC 5077 s3.3], in 1.3 that it is over [RFC 8446 s4.6.1]. */
static uint64_t end_of(SSL_SESSION *session, uint64_t verified_ms, uint64_t now_ms)
{
    uint64_t ends = verified_ms + RESUME_LIVES_MS;
    unsigned long hint_s = SSL_SESSION_get_ticket_lifetime_hint(session);

    if (hint_s == 0 && SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION)
        return ends;
    return now_ms + (uint64_t)hint_s * 1000 < ends ? now_ms + (uint64_t)hint_s * 1000 : ends;
}

static bool may_keep(SSL_SESSION *session)
{
    const unsigned char *ticket = NULL;
    size_t len = 0;

    if (SSL_SESSION_is_resumable(session) != 1)
        return false;
    SSL_SESSION_get0_ticket(session, &ticket, &len);
    return len <= RESUME_TICKET_MAX;
}

void resume_put(struct resume *r, const struct resume_key *key, SSL_SESSION *session,
                const struct tls_seen *seen, uint64_t verified_ms, uint64_t now_ms)
{
    uint64_t ends_ms = end_of(session, verified_ms, now_ms);
    struct resume_entry *e;

    if (!may_keep(session) || ends_ms <= now_ms)
        return;
    e = calloc(1, sizeof *e);
    if (e == NULL)
        return;
    *e = (struct resume_entry){.key = *key,
                               .session = SSL_SESSION_dup(session),
                               .seen = *seen,
                               .verified_ms = verified_ms,
                               .ends_ms = ends_ms};
    e->seen.resumed = false;
    if (e->session == NULL) {
        free(e);
        return;
    }
    link_first(r, e);
}

/* Its certificate was good when it was looked at; is it still? */
static bool has_ended(struct resume_entry *e, uint64_t now_ms, time_t now_s)
{
    const X509 *x = SSL_SESSION_get0_peer(e->session);

    return now_ms >= e->ends_ms || x == NULL || X509_cmp_time(X509_get0_notAfter(x), &now_s) != 1;
}

struct resume_entry *resume_take(struct resume *r, const struct resume_key *key, uint64_t now_ms,
                                 time_t now_s)
{
    for (struct resume_entry *e = r->first, *next; e != NULL; e = next) {
        next = e->next;
        if (!has_key(e, key))
            continue;
        if (has_ended(e, now_ms, now_s)) {
            drop(r, e);
            continue;
        }
        unlink_entry(r, e);
        return e;
    }
    return NULL;
}

/* A copy: OpenSSL spoils that of a connection that ends without a farewell. */
void resume_give_back(struct resume *r, struct resume_entry *entry)
{
    SSL_SESSION *copy = SSL_SESSION_dup(entry->session);

    if (copy == NULL) {
        resume_entry_free(entry);
        return;
    }
    SSL_SESSION_free(entry->session);
    entry->session = copy;
    link_first(r, entry);
}
