/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One address of a mail server, looked at: a dialogue up to STARTTLS and the EHLO behind it.  Address, name and demand go in, facts come out.  The TLS session is made as a
 * delivery makes it, but a proof that fails ends nothing: it is a fact.  No mail is sent.
 *
 *     probe.target = ...; tls_probe_start(&probe, loop); loop_run(loop);     -> done(), later, exactly once; the probe stays where it is until the callback has returned
 */
#ifndef CLI_TLS_PROBE_H
#define CLI_TLS_PROBE_H

#include "../server/loop/loop.h"
#include "../server/loop/tls.h"
#include "sigillo/ip.h"
#include "sigillo/smtp_client.h"
#include "tls_certificate.h"

struct tls_probe_target { /* everything is borrowed until done() */
    struct sgl_ip ip;
    uint16_t port;
    const char *helo;
    const char *host; /* the name to look for in the certificate; NULL: none */
    struct tls_client *trust;
    struct tls_target demand;      /* what a delivery would ask of it */
    const struct sgl_tlsa *record; /* to be compared with the certificates, usable or not */
    size_t records;                /* at most SGL_LIMIT_TLSA_RECORDS */
    sgl_time now;                  /* for certificates; 0: the clock */
    uint64_t timeout_ms;           /* for all of it */
};

enum tls_probe_end {
    TLS_PROBE_DONE,        /* TLS, and the EHLO behind it */
    TLS_PROBE_UNREACHABLE, /* no connection */
    TLS_PROBE_NO_SMTP,     /* no dialogue: refused, cut, silent, not SMTP */
    TLS_PROBE_NO_STARTTLS, /* not offered */
    TLS_PROBE_REFUSED,     /* offered, and refused when it was asked for */
    TLS_PROBE_HANDSHAKE,   /* the TLS handshake failed */
    TLS_PROBE_LOCAL,       /* this machine could not go on */
};

struct tls_probe {
    struct tls_probe_target target;
    void (*done)(struct tls_probe *p);
    void *ctx;
    /* out */
    enum tls_probe_end end;
    enum sgl_smtp_stage stage; /* where it ended */
    char why[TLS_TEXT_SIZE];   /* printable; "" for DONE */
    bool starttls, requiretls; /* offered */
    bool tls;                  /* the handshake was completed: what follows is set */
    const char *version, *cipher;
    char group[32]; /* of the key exchange; "" when not known */
    int verified;   /* by the demand: X509_V_OK, or why not */
    struct tls_certificate certificate;
    int chain;  /* by the trusted roots: X509_V_OK, or why not */
    bool named; /* the host is among its names */
    bool matched[SGL_LIMIT_TLSA_RECORDS];
    /* private */
    struct loop *loop;
    struct stream *stream;
    struct sgl_smtp_client *client;
    struct sgl_smtp_client_config settings;
    struct event *timer;
    struct loop_later later;
    bool shaking, leaving, over;
};
void tls_probe_start(struct tls_probe *p, struct loop *loop);
/* Ends it now; done() is called. Harmless when it is over. */
void tls_probe_stop(struct tls_probe *p, const char *why);

#endif
