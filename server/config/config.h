/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration, parsed and checked; immutable, counted, replaced as a whole on SIGHUP.  docs/configuration.md describes every key.
 *
 * Files that only root may read (the TLS key, passwords of routes) are read while loading; the supervisor hands what it loaded to the service as one text, `handover`.
 */
#ifndef SERVER_CONFIG_CONFIG_H
#define SERVER_CONFIG_CONFIG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "config_limit.h"
#include "sigillo/buf.h"
#include "sigillo/view.h"

struct config_address {
    struct sockaddr_storage addr;
    socklen_t len;
    char text[64]; /* "192.0.2.1:587", "[2001:db8::1]:587"; without a port where it is 0 */
};
struct config_network { /* "192.0.2.0/24", "::1" */
    int family;
    uint8_t bytes[16];
    unsigned prefix;
};

enum config_door { DOOR_SUBMISSION, DOOR_HTTP, DOOR_INBOUND };
enum config_listen_tls { LISTEN_PLAIN, LISTEN_STARTTLS, LISTEN_IMPLICIT };

struct config_listen { /* listen NAME { ... } */
    const char *name;
    enum config_door door;
    struct config_address *address;
    size_t addresses; /* "*:587" counts as two: 0.0.0.0 and :: (IPv6 only) */
    enum config_listen_tls tls;
    struct config_network *trust; /* clients from here need no AUTH: they act as trust_credential */
    size_t trusts;
    const char *trust_credential;
};

enum config_route_tls {
    ROUTE_TLS_VERIFIED,
    ROUTE_TLS_REQUIRED,
    ROUTE_TLS_OPPORTUNISTIC,
    ROUTE_TLS_NONE
};
struct config_route { /* route NAME { ... }: the first whose domains match wins; without any: MX */
    const char *name;
    const char **domain; /* "example.org", ".example.org" (below it), "*" */
    size_t domains;
    const char *host; /* NULL: MX delivery with the settings below */
    uint16_t port;
    const char *user,
        *password_file; /* the file is read at load time, before privileges are dropped */
    const char *password;
    enum config_route_tls tls;
    const char *ca_file;  /* NULL: the system's */
    unsigned concurrency; /* most connections at once */
};

struct config_profile { /* profile NAME { ... }: what a subscription may send */
    const char *name;
    struct limit *limit;
    size_t limits;
    uint32_t recipients_per_message; /* 0: as limits.recipients */
    uint64_t message_size;           /* 0: as limits.message_size */
};

struct config_update { /* dns_update NAME { ... }: a zone whose records we change ourselves */
    const char *name;
    const char *zone;
    struct config_address *server; /* asked in this order */
    size_t servers;
    const char *key_name;    /* of TSIG */
    const char *algorithm;   /* "hmac-sha256" */
    const char *secret_file; /* read at load time, before privileges are dropped */
    const char *secret;      /* base64 */
    unsigned ttl_s, timeout_ms;
};

struct config_receiver { /* receiver NAME { ... }: domains that are one receiver to the guard */
    const char *name;
    const char **domain;
    size_t domains;
    uint32_t messages; /* a day, from which it makes the demands of bulk senders; 0: none known */
};
#define CONFIG_RECEIVERS_MAX 8

struct config_pool { /* pool NAME { ... }: addresses to send from, for mail that asks for them */
    const char *name;
    struct config_address *source;
    size_t sources;
    const char *hostname;      /* in EHLO; NULL: that of the server */
    const char **subscription; /* whose mail may ask */
    size_t subscriptions;
};

struct
    config_certificate { /* certificate NAME { ... }: shown to clients that ask for a name of it */
    const char *name;
    const char *certificate, *key, *next_key;             /* files; next_key may be NULL */
    const char *certificate_pem, *key_pem, *next_key_pem; /* what stood in them */
    bool publish; /* TLSA records of its hosts, where a dns_update covers them */
};

/* For mail that arrives; the words of server/judge/. */
enum config_incoming { INCOMING_FOLLOW, INCOMING_QUARANTINE, INCOMING_MARK };
enum config_spf_fail { SPF_FAIL_MARK, SPF_FAIL_QUARANTINE, SPF_FAIL_REJECT };
enum config_temperror { TEMPERROR_DEFER, TEMPERROR_QUARANTINE, TEMPERROR_ACCEPT };
enum config_reason {
    REASON_TRUSTED_FORWARDER,
    REASON_MAILING_LIST,
    REASON_LOCAL_POLICY,
    REASON_OTHER
};

struct config_override { /* override NAME { ... }: mail that is let through though DMARC fails */
    const char *name;
    struct config_network *network; /* of whom it comes; none: of anybody */
    size_t networks;
    const char *
        *domain; /* as whom it is authenticated: "example.org", ".example.org"; none: as anybody */
    size_t domains;
    enum config_reason reason;
    const char *comment; /* for reports; NULL: the name */
};
#define CONFIG_OVERRIDES_MAX 256

enum config_guard { GUARD_OFF, GUARD_WARN, GUARD_STOP };

enum config_ask { ASK_AUTHORITATIVE, ASK_RESOLVER };

struct config_reports {
    const char *from;                   /* NULL: none are made */
    const char *contact, *organization; /* NULL: as from, and the hostname */
    unsigned delay_s;                   /* of the day's end, at most */
    const char **skip;                  /* patterns of domains that get none */
    size_t skips;
    bool receive; /* tls_reports: those of others, at /tls-reports */
};

struct config {
    const char *path;
    const char *log_level; /* "debug", "info", "warn", "error" */
    const char *hostname;  /* in greetings, EHLO, Received, reports */
    const char *
        public_url; /* where the world reaches the HTTP door: "https://mail.example.org:8443", without a slash at its end */
    const char *state_dir;
    const char *user; /* NULL: stay who we are */
    const char *admin_socket;
    unsigned door_loops; /* 0: one per core */
    unsigned workers;    /* threads for password hashes and reads; 0: one per core */
    const char *tls_certificate, *tls_key, *tls_next_key;             /* files, or NULL */
    const char *tls_certificate_pem, *tls_key_pem, *tls_next_key_pem; /* what stood in them */
    bool tls_publish;                                                 /* as in a section */
    struct config_certificate *certificate;                           /* beside that one */
    size_t certificates;
    struct config_listen *listen;
    size_t listens;
    struct { /* limits { ... } */
        size_t message_size, recipients, connections, connections_per_address, errors, memory;
        unsigned idle_s, session_s, messages_per_session, accounts,
            signature_window_s; /* so far a signed request's date may be from now */
    } limits;
    struct {                            /* resolver { ... } */
        struct config_address *forward; /* none: recursion from root_hints or the built-in ones */
        size_t forwards;
        const char *root_hints, *trust_anchor;
        unsigned timeout_ms; /* for all questions of one round */
        size_t cache;        /* bytes */
    } resolver;
    struct {           /* delivery { ... } */
        uint16_t port; /* 25 */
        bool ipv4, ipv6,
            allow_loopback; /* allow_loopback: targets in loopback and private ranges (test worlds) */
        bool mta_sts;       /* policies of receivers count */
        unsigned connections, connections_per_site, messages_per_connection, recipients_per_message;
        unsigned connect_timeout_ms, command_timeout_ms, data_timeout_ms, dot_timeout_ms;
        unsigned suppress_s; /* suppress_hard_bounces: 0: not at all */
        const char *ca_file;
        struct config_address *source;
        size_t sources;
    } delivery;
    struct { /* queue { ... } */
        uint32_t *retry_s;
        size_t retries;
        uint32_t jitter_percent, delay_notice_s, expire_s, keep_trail_s;
        size_t memory_recipients, memory_bytes;
    } queue;
    struct { /* domains { ... }: what the records of all domains have in common */
        const char *managed_zone; /* managed domains are names in it; NULL: there are none */
        const char **spf;         /* terms that let this server send; none: "a:HOSTNAME" */
        size_t spfs;
        const char *dkim_zone;                   /* keys are CNAMEs to names in it; NULL: TXT */
        const char *return_host;                 /* takes the bounces; NULL: the hostname */
        const char *dmarc_reports, *tls_reports; /* "mailto:..."; NULL: an address of the domain */
        const char *sts_host;                    /* serves MTA-STS policies; NULL: none */
        unsigned claim_expires_s;
    } domains;
    struct { /* verification { ... } */
        bool required;
        unsigned grace_s, interval_s, jitter_percent, timeout_ms, at_once;
        uint32_t *pending_s;
        size_t pendings;
        enum config_ask ask;
    } verification;
    struct {                /* local { ... }: processes of this machine */
        const char *socket; /* NULL: none */
    } local;
    struct {                            /* metadata { ... }: tokens for those processes */
        struct config_address *address; /* of the loopback only */
        size_t addresses;
        const char *socket; /* NULL: none */
    } metadata;
    struct {                                /* reputation { ... }: of those who send to us */
        unsigned half_life_s;               /* of what was seen */
        unsigned defer_below, refuse_below; /* scores; 0: nobody */
        struct config_network *exempt;      /* to whom nothing of it applies */
        size_t exempts;
    } reputation;
    struct {                     /* inbound { ... }: mail that arrives */
        const char *authserv_id; /* NULL: the hostname */
        enum config_incoming dmarc;
        enum config_spf_fail spf_fail;
        enum config_temperror on_temperror;
        const char **trusted_sealer; /* domains whose ARC seals are believed */
        size_t trusted_sealers;
        const char *
            *complaint_sender; /* d= of those whose complaints are believed, and names below */
        size_t complaint_senders;
        unsigned
            refusing_days; /* days of seven on which an address may refuse for a while, before it is given up; 0: always */
        const char *postmaster; /* gets the mail of postmasters without a route; NULL: nobody */
        unsigned recipients, connections, connections_per_address, judged_memory;
        /* of one address (IPv6: its /64), a minute; 0: no limit */
        unsigned messages_per_minute, recipients_per_minute, unknown_per_minute, errors_per_minute,
            null_per_minute;
        unsigned null_per_minute_all; /* of all addresses together */
        unsigned unknown_per_session;
    } inbound;
    struct config_override *override;
    size_t overrides;
    struct config_reports tls_reports;   /* tls_reports { ... }: to those who are sent to */
    struct config_reports dmarc_reports; /* dmarc_reports { ... }: to those whose mail comes */
    struct {                             /* guard { ... }: of bulk mail */
        enum config_guard action;
        unsigned near_percent; /* of a receiver's messages: warned from here on */
        unsigned complaints_warn, complaints_stop; /* of 10,000 messages */
        uint32_t complaints_messages;              /* of fewer no rate is told */
    } guard;
    struct config_receiver *receiver;
    size_t receivers;
    struct config_route *route;
    size_t routes;
    struct config_profile *profile;
    size_t profiles;
    struct config_update *update;
    size_t updates;
    struct config_pool *pool;
    size_t pools;
    struct {                 /* rotation { ... }: of DKIM keys */
        unsigned interval_s; /* 0: only when somebody asks for it */
        bool by_hand;        /* also of domains whose records somebody publishes by hand */
        unsigned keep_s, settle_s;
        unsigned
            silent_s; /* the others have had the key for so long: one that gives no answer is not waited for */
    } rotation;
    unsigned drain_s;
    bool suppress_exact; /* suppression_case_sensitive */
    bool sender_exact;   /* sender_case_sensitive */
    struct {             /* audit { ... } */
        uint32_t keep_s;
    } audit;
    sgl_view handover;
    struct config_memory *memory;
};

/* NULL on a mistake: `why` has one line "FILE:LINE: KEY: what is wrong". */
struct config *config_load(const char *path, char *why, size_t why_size);
/* The same configuration from another process's `handover`; no file is read, `path` only names it. */
struct config *config_from_handover(sgl_view handover, const char *path, char *why,
                                    size_t why_size);
/*
 * The same configuration, with the files of some of its certificates read again: those that wanted() names (NULL: that of tls_certificate).  What cannot be read is a mistake.
 */
struct config *config_refresh(const struct config *c, bool (*wanted)(void *ctx, const char *name),
                              void *ctx, char *why, size_t why_size);
/* What differs, in words: "queue.expire 72h -> 48h; profile small: added". Nothing of what stands in secret files. */
void config_diff(const struct config *before, const struct config *after, struct sgl_buf *out);
struct config *config_ref(struct config *c); /* thread-safe */
void config_unref(struct config *c);         /* NULL accepted */

/* NULL: there is none of this name. */
const struct config_pool *config_pool_named(const struct config *c, sgl_view name);
bool config_pool_is_for(const struct config_pool *pool, sgl_view subscription);
/* The same, if it is for this subscription. */
const struct config_pool *config_pool_for(const struct config *c, sgl_view subscription,
                                          sgl_view name);
/* The address that this text is, however it is spelled, and the first pool for the subscription that has it; NULL: it has no such address. */
const struct config_address *config_pool_address(const struct config *c, sgl_view subscription,
                                                 sgl_view text, const struct config_pool **pool);
/* In the one spelling that everybody uses; without a port. */
void config_address_text(const struct config_address *a, char out[INET6_ADDRSTRLEN]);

/* Every key that may stand in a file, for the documentation's test: "limits.idle_timeout" and its default as text. */
void config_each_key(void (*each)(void *ctx, const char *key, const char *preset), void *ctx);

#endif
