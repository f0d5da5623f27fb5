/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session begins with the front: a context with the default certificate.  When the client has named a host, the context of the pair that fits takes its place; tickets stay the front's.
 * The front holds the pairs that it chooses among, and sessions hold the front: a set can be replaced at any time.
 */
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tls_internal.h"

struct choice { /* of one front; immutable */
    size_t pairs;
    struct tls_pair *pair[];
};

struct tls_server {
    pthread_mutex_t lock; /* held for as long as SSL_new() takes */
    SSL_CTX *front;
    struct choice *choice; /* the front's */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int choice_index = -1;

static void choice_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl,
                        void *argp)
{
    struct choice *c = ptr;

    (void)parent;
    (void)ad;
    (void)index;
    (void)argl;
    (void)argp;
    for (size_t i = 0; c != NULL && i < c->pairs; i++)
        tls_pair_unref(c->pair[i]);
    free(c);
}

static void make_index(void)
{
    choice_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, choice_free);
}

SSL_CTX *tls_new_server_ctx(void)
{
    SSL_CTX *ctx = tls_new_ctx(TLS_server_method());

    if (ctx == NULL)
        return NULL;
    SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:ECDHE+AES:!aNULL:!SHA1");
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"sigillo", 7);
    return ctx;
}

/* ---- which pair ---- */

/* The name itself before a wildcard, one in force before one that is over, the first of the same kind. NULL: none has the name. */
static struct tls_pair *choose(const struct choice *c, const char *host)
{
    int64_t now = time(NULL);
    struct tls_pair *best = NULL;
    unsigned best_rank = 0;

    for (size_t i = 0; i < c->pairs; i++) {
        enum tls_match match = tls_pair_match(c->pair[i], host);
        unsigned rank = (unsigned)match + (c->pair[i]->expires_at > now ? 2 : 0);

        if (match != TLS_MATCH_NONE && rank > best_rank) {
            best = c->pair[i];
            best_rank = rank;
        }
    }
    return best;
}

/* [RFC 6066 s3] A name that nobody has is no reason to end the session: the default is shown. */
static int on_name(SSL *ssl, int *alert, void *arg)
{
    const char *host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const struct choice *c = arg;
    const struct tls_pair *pair = host != NULL ? choose(c, host) : NULL;

    (void)alert;
    if (pair == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    if (pair != c->pair[0] && SSL_set_SSL_CTX(ssl, pair->ctx) == NULL)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    return SSL_TLSEXT_ERR_OK;
}

/* ---- a set of pairs ---- */

static struct choice *new_choice(struct tls_pair *const *pair, size_t pairs)
{
    struct choice *c = calloc(1, sizeof(*c) + pairs * sizeof(*pair));

    if (c == NULL)
        return NULL;
    c->pairs = pairs;
    for (size_t i = 0; i < pairs; i++)
        c->pair[i] = tls_pair_ref(pair[i]);
    return c;
}

/* Takes the choice, also when it fails. */
static SSL_CTX *new_front(struct choice *c)
{
    SSL_CTX *ctx = tls_new_server_ctx();
    SSL_CTX *first = c->pair[0]->ctx;
    STACK_OF(X509) *chain = NULL;

    if (ctx == NULL || SSL_CTX_set_ex_data(ctx, choice_index, c) != 1) {
        choice_free(NULL, c, NULL, 0, 0, NULL);
        SSL_CTX_free(ctx);
        return NULL;
    }
    SSL_CTX_get0_chain_certs(first, &chain);
    if (SSL_CTX_use_cert_and_key(ctx, SSL_CTX_get0_certificate(first),
                                 SSL_CTX_get0_privatekey(first), chain, 1) != 1) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
    SSL_CTX_set_tlsext_servername_arg(ctx, c);
    return ctx;
}

bool tls_server_set(struct tls_server *s, struct tls_pair *const *pair, size_t pairs)
{
    struct choice *choice = new_choice(pair, pairs);
    SSL_CTX *front = choice != NULL ? new_front(choice) : NULL;
    SSL_CTX *old;

    ERR_clear_error();
    if (front == NULL)
        return false;
    pthread_mutex_lock(&s->lock);
    old = s->front;
    s->front = front;
    s->choice = choice;
    pthread_mutex_unlock(&s->lock);
    SSL_CTX_free(old); /* sessions that exist hold it */
    return true;
}

struct tls_server *tls_server_of(struct tls_pair *const *pair, size_t pairs)
{
    struct tls_server *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    pthread_once(&once, make_index);
    pthread_mutex_init(&s->lock, NULL);
    if (choice_index >= 0 && tls_server_set(s, pair, pairs))
        return s;
    tls_server_free(s);
    return NULL;
}

struct tls_server *tls_server_new(sgl_view certificate_pem, sgl_view key_pem, char *why,
                                  size_t why_size)
{
    struct tls_pair *pair = tls_pair_new(certificate_pem, key_pem, why, why_size);
    struct tls_server *s;

    if (pair == NULL)
        return NULL;
    s = tls_server_of(&pair, 1);
    if (s == NULL)
        tls_say(why, why_size, "out of memory");
    tls_pair_unref(pair);
    return s;
}

bool tls_server_swap(struct tls_server *s, sgl_view certificate_pem, sgl_view key_pem, char *why,
                     size_t why_size)
{
    struct tls_pair *pair = tls_pair_new(certificate_pem, key_pem, why, why_size);
    bool done = pair != NULL && tls_server_set(s, &pair, 1);

    if (pair != NULL && !done)
        tls_say(why, why_size, "out of memory");
    tls_pair_unref(pair);
    return done;
}

SSL *tls_server_session(struct tls_server *s)
{
    SSL *ssl;

    pthread_mutex_lock(&s->lock);
    ssl = SSL_new(s->front);
    pthread_mutex_unlock(&s->lock);
    if (ssl != NULL)
        SSL_set_accept_state(ssl);
    return ssl;
}

int64_t tls_server_expires_at(struct tls_server *s)
{
    int64_t at;

    pthread_mutex_lock(&s->lock);
    at = s->choice->pair[0]->expires_at;
    pthread_mutex_unlock(&s->lock);
    return at;
}

bool tls_server_covers(struct tls_server *s, const char *host)
{
    bool covers;

    pthread_mutex_lock(&s->lock);
    covers = choose(s->choice, host) != NULL;
    pthread_mutex_unlock(&s->lock);
    return covers;
}

void tls_server_free(struct tls_server *s)
{
    if (s == NULL)
        return;
    SSL_CTX_free(s->front);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
