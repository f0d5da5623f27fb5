/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SASL as pure state machines: server side of PLAIN (RFC 4616), LOGIN (as widely spoken), SCRAM-SHA-256 (RFC 5802, 7677), OAUTHBEARER (RFC 7628) and XOAUTH2 (as widely
 * spoken); the client's PLAIN and LOGIN.  Secrets come from the caller, random bytes too.  Nothing here compares a password or looks into a token: they only take messages
 * apart; SCRAM proves without a password.
 */
#ifndef SIGILLO_SASL_H
#define SIGILLO_SASL_H

#include "sigillo/buf.h"
#include "sigillo/crypto.h"

#ifdef __cplusplus
extern "C" {
#endif

/* authzid NUL authcid NUL password: exactly two NULs, user not empty, each at most SGL_LIMIT_SASL_FIELD bytes, UTF-8. Views borrowed from message. SGL_OK or SGL_E_SYNTAX. */
SGL_API enum sgl_status sgl_sasl_plain_parse(sgl_view message, sgl_view *authzid, sgl_view *user,
                                             sgl_view *password) SGL_MUST_USE;
/* Appends a PLAIN message. SGL_E_SYNTAX when a part holds a NUL. */
SGL_API enum sgl_status sgl_sasl_plain_put(struct sgl_buf *out, sgl_view user,
                                           sgl_view password) SGL_MUST_USE;

enum sgl_sasl_step {
    SGL_SASL_CHALLENGE, /* out has the next challenge */
    SGL_SASL_CHECK, /* LOGIN: user and password are whole, compare them. SCRAM: user is known, give the secret */
    SGL_SASL_OK, /* SCRAM: the client knows the password; out has the last message, to be sent with success or as a challenge */
    SGL_SASL_REFUSED, /* wrong proof */
    SGL_SASL_BROKEN,  /* not the mechanism's grammar: 501 5.5.2 */
    SGL_SASL_NOMEM,
};

/*
 * OAUTHBEARER and XOAUTH2: a name, and a token that shows who it is.
 *
 *   step() -> CHECK: look at `user` and `token` -> good, or refuse() -> CHALLENGE -> the client's empty answer -> step() -> REFUSED: 535 5.7.8
 *
 * A token of no bytes is a client's question for where tokens come from: it is answered by refuse().
 */
struct sgl_sasl_bearer {
    struct sgl_buf
        user;       /* whom the client means; empty (OAUTHBEARER only): whomever the token shows */
    sgl_view token; /* visible ASCII, borrowed from the response */
    bool xoauth2;
    uint8_t state;
};
/* mechanism: SGL_SASL_XOAUTH2 or SGL_SASL_OAUTHBEARER */
SGL_API void sgl_sasl_bearer_init(struct sgl_sasl_bearer *b, unsigned mechanism);
SGL_API void sgl_sasl_bearer_done(struct sgl_sasl_bearer *b);
/* has_response false: no initial response; then CHALLENGE, an empty one. Else CHECK, REFUSED, BROKEN or NOMEM. At most SGL_LIMIT_SASL_MESSAGE bytes. */
SGL_API enum sgl_sasl_step sgl_sasl_bearer_step(struct sgl_sasl_bearer *b, bool has_response,
                                                sgl_view response) SGL_MUST_USE;
/* After CHECK. Appends why as JSON: the scope that a token must be for, the address of the issuer's metadata; either may be empty. CHALLENGE, NOMEM; BROKEN out of turn. */
SGL_API enum sgl_sasl_step sgl_sasl_bearer_refuse(struct sgl_sasl_bearer *b, sgl_view scope,
                                                  sgl_view configuration,
                                                  struct sgl_buf *out) SGL_MUST_USE;

/* LOGIN: two prompts, two answers. */
struct sgl_sasl_login {
    struct sgl_buf user, password;
    uint8_t state;
};
SGL_API void sgl_sasl_login_init(struct sgl_sasl_login *l);
SGL_API void sgl_sasl_login_done(struct sgl_sasl_login *l); /* wipes */
/* has_response false: no initial response. Returns CHALLENGE (out: "Username:", "Password:"), CHECK, BROKEN. */
SGL_API enum sgl_sasl_step sgl_sasl_login_step(struct sgl_sasl_login *l, bool has_response,
                                               sgl_view response, struct sgl_buf *out) SGL_MUST_USE;

/* SCRAM-SHA-256, server side, no channel binding.  first() -> CHECK (look `user` up) -> secret() -> CHALLENGE -> final() -> OK or REFUSED. */
struct sgl_scram_server {
    struct sgl_buf user;  /* decoded saslname */
    struct sgl_buf text;  /* client-first-bare "," server-first "," : the AuthMessage as it grows */
    struct sgl_buf nonce; /* client's and ours */
    uint8_t stored_key[SGL_SHA256_SIZE], server_key[SGL_SHA256_SIZE];
    bool known;
    char gs2; /* 'n' or 'y' */
    uint8_t state;
};
/* What the server keeps of a password  [RFC 5802 s3]; known false: the user does not exist, everything else is a stable fake, and final() refuses. */
struct sgl_scram_secret {
    sgl_view salt;
    uint32_t iterations;
    uint8_t stored_key[SGL_SHA256_SIZE], server_key[SGL_SHA256_SIZE];
    bool known;
};
SGL_API void sgl_scram_server_init(struct sgl_scram_server *s);
SGL_API void sgl_scram_server_done(struct sgl_scram_server *s); /* wipes */
/* client-first-message. An empty one without initial response: CHALLENGE with an empty challenge. */
SGL_API enum sgl_sasl_step sgl_scram_server_first(struct sgl_scram_server *s,
                                                  sgl_view message) SGL_MUST_USE;
/* nonce: at least 18 random bytes; out: server-first-message. */
SGL_API enum sgl_sasl_step sgl_scram_server_secret(struct sgl_scram_server *s,
                                                   const struct sgl_scram_secret *secret,
                                                   sgl_view nonce,
                                                   struct sgl_buf *out) SGL_MUST_USE;
/* client-final-message; out: server-final-message with OK. */
SGL_API enum sgl_sasl_step sgl_scram_server_final(struct sgl_scram_server *s,
                                                  const struct sgl_crypto *crypto, sgl_view message,
                                                  struct sgl_buf *out) SGL_MUST_USE;
/* From a password to what the server keeps: stored_key and server_key of *out are filled; out->salt, out->iterations are read. */
SGL_API enum sgl_status sgl_scram_secret_make(const struct sgl_crypto *crypto, sgl_view password,
                                              struct sgl_scram_secret *out) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
