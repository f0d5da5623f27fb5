/* SPDX-License-Identifier: Apache-2.0 */
/* SMTP commands and the parameters of MAIL and RCPT, as bytes.  [RFC 5321 s4.1, RFC 1870, 3030, 3461, 4954, 6152, 6531, 8689] */
#ifndef SIGILLO_SMTP_COMMAND_H
#define SIGILLO_SMTP_COMMAND_H

#include "sigillo/mailbox.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sgl_smtp_verb {
    SGL_SMTP_UNKNOWN,
    SGL_SMTP_EHLO,
    SGL_SMTP_HELO,
    SGL_SMTP_MAIL,
    SGL_SMTP_RCPT,
    SGL_SMTP_DATA,
    SGL_SMTP_BDAT,
    SGL_SMTP_RSET,
    SGL_SMTP_NOOP,
    SGL_SMTP_QUIT,
    SGL_SMTP_VRFY,
    SGL_SMTP_EXPN,
    SGL_SMTP_HELP,
    SGL_SMTP_AUTH,
    SGL_SMTP_STARTTLS,
};

/* Service extensions, as bits: what a server offers, what a message needs. */
enum {
    SGL_SMTP_PIPELINING = 1 << 0,
    SGL_SMTP_SIZE = 1 << 1,
    SGL_SMTP_8BITMIME = 1 << 2,
    SGL_SMTP_SMTPUTF8 = 1 << 3,
    SGL_SMTP_CHUNKING = 1 << 4,
    SGL_SMTP_DSN = 1 << 5,
    SGL_SMTP_ENHANCED = 1 << 6,
    SGL_SMTP_LIMITS = 1 << 7,
    SGL_SMTP_TLS = 1 << 8, /* STARTTLS */
    SGL_SMTP_REQUIRETLS = 1 << 9,
    SGL_SMTP_HAS_AUTH = 1 << 10,
    SGL_SMTP_XTLS = 1 << 11, /* our own: MAIL FROM:<a@b> XTLS=verified */
};

/* SASL mechanisms, as bits. */
enum {
    SGL_SASL_PLAIN = 1 << 0,
    SGL_SASL_LOGIN = 1 << 1,
    SGL_SASL_SCRAM_SHA_256 = 1 << 2,
    SGL_SASL_OAUTHBEARER = 1 << 3,
    SGL_SASL_XOAUTH2 = 1 << 4,
};

/* RFC 3461 NOTIFY; 0: not given. */
enum {
    SGL_SMTP_NOTIFY_NEVER = 1,
    SGL_SMTP_NOTIFY_SUCCESS = 2,
    SGL_SMTP_NOTIFY_FAILURE = 4,
    SGL_SMTP_NOTIFY_DELAY = 8
};

/* "VERB rest" without CRLF: the verb by name in any case, *args what stands behind its first blank, trimmed at the end. */
SGL_API enum sgl_smtp_verb sgl_smtp_verb_parse(sgl_view line, sgl_view *args);

struct sgl_smtp_mail {
    struct sgl_path from; /* a mailbox or the null sender */
    bool has_size, body_8bit, body_given, smtputf8, require_tls;
    uint64_t size;
    char ret;       /* 'F', 'H' or 0 */
    char xtls;      /* 'V' verified, 'O' optional, or 0 */
    sgl_view envid; /* as given, xtext */
    sgl_view auth;  /* as given, xtext or "<>"; empty when not given */
};

struct sgl_smtp_rcpt {
    struct sgl_path to; /* a mailbox or the postmaster without a domain */
    uint8_t notify;     /* SGL_SMTP_NOTIFY_..., 0 when not given */
    sgl_view orcpt;     /* as given: "rfc822;a+2Bb@example.org"; empty when not given */
};

/* Why a command was refused, ready for a reply. */
struct sgl_smtp_fault {
    uint16_t code;        /* 501, 553, 555, ... */
    const char *enhanced; /* "5.5.4" */
    const char *text;     /* names the field and the rule */
};

/*
 * "FROM:<a@b> SIZE=1", the arguments of MAIL; addresses live in the arena, other views in `args`.  offer: extension bits whose parameters may be used; other parameters are
 * 555 5.5.4, bad values 501 5.5.4, bad addresses 501 5.1.7, UTF-8 without SMTPUTF8 553 5.6.7.
 * SGL_OK; SGL_E_SYNTAX with *fault set; SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_smtp_mail_parse(sgl_view args, unsigned offer, struct sgl_arena *arena,
                                            struct sgl_smtp_mail *out,
                                            struct sgl_smtp_fault *fault) SGL_MUST_USE;
/* "TO:<a@b> NOTIFY=NEVER", the arguments of RCPT, in the same way (bad addresses: 501 5.1.3). smtputf8: MAIL asked for it, so UTF-8 is allowed. */
SGL_API enum sgl_status sgl_smtp_rcpt_parse(sgl_view args, unsigned offer, bool smtputf8,
                                            struct sgl_arena *arena, struct sgl_smtp_rcpt *out,
                                            struct sgl_smtp_fault *fault) SGL_MUST_USE;
/* "1234", "1234 LAST", the arguments of BDAT. false when not so, or above 2^63. */
SGL_API bool sgl_smtp_bdat_parse(sgl_view args, uint64_t *size, bool *last) SGL_MUST_USE;

/* xtext  [RFC 3461 s4]: decoding fails with SGL_E_SYNTAX, and on encoded CR, LF and NUL too. */
SGL_API enum sgl_status sgl_smtp_xtext_decode(sgl_view v, struct sgl_buf *out) SGL_MUST_USE;
SGL_API void sgl_smtp_xtext_put(struct sgl_buf *out, sgl_view v);

#ifdef __cplusplus
}
#endif
#endif
