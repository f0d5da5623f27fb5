/* SPDX-License-Identifier: Apache-2.0 */
/* Every key as data: what may stand there, what stands there otherwise, and where it goes. */
#ifndef SERVER_CONFIG_CONFIG_KEYS_H
#define SERVER_CONFIG_CONFIG_KEYS_H

#include "config.h"

enum key_kind {
    KEY_TEXT,
    KEY_NUMBER,
    KEY_SIZE,
    KEY_DURATION, /* stored in the field's unit, see `unit` */
    KEY_BOOL,
    KEY_WORD,  /* one of `words` */
    KEY_LEVEL, /* one of `words`, stored as the word */
    KEY_HOST,
    KEY_URL,        /* https://HOST[:PORT] */
    KEY_PATH,       /* absolute */
    KEY_FILE,       /* absolute, must be readable */
    KEY_SECRET,     /* a KEY_FILE whose contents are kept, at `contents` */
    KEY_LISTEN,     /* address with a port, "*:PORT" */
    KEY_NAMESERVER, /* address, port 53 unless given */
    KEY_IP,
    KEY_NETWORK,
    KEY_PATTERN,  /* domain pattern */
    KEY_SPF_TERM, /* what lets this server send: "ip4:192.0.2.1", "include:spf.example.net" */
    KEY_MAILTO,   /* "mailto:reports@example.org" */
    KEY_MAILBOX,  /* "reports@example.org" */
    KEY_LIMIT,    /* "30 messages/minute" */
    KEY_SECONDS,  /* list of durations as uint32_t seconds */
};

enum key_section {
    IN_ROOT,
    IN_LIMITS,
    IN_RESOLVER,
    IN_DELIVERY,
    IN_QUEUE,
    IN_DOMAINS,
    IN_VERIFICATION,
    IN_AUDIT,
    IN_ROTATION,
    IN_GUARD,
    IN_LOCAL,
    IN_METADATA,
    IN_TLS_REPORTS,
    IN_REPUTATION,
    IN_INBOUND,
    IN_DMARC_REPORTS,
    IN_LISTEN,
    IN_ROUTE,
    IN_PROFILE,
    IN_UPDATE,
    IN_RECEIVER,
    IN_POOL,
    IN_CERTIFICATE,
    IN_OVERRIDE,
    SECTIONS
};

struct key {
    enum key_section section;
    const char *name;
    enum key_kind kind;
    const char *preset; /* as it would stand in the file; NULL: not set. Lists: "{a, b}" */
    const char *words;  /* KEY_WORD, KEY_LEVEL: separated by blanks */
    uint64_t min, max;  /* numbers, sizes, durations (ms); max 0: none */
    uint64_t unit;      /* KEY_DURATION: ms per unit of the field */
    size_t offset,
        size; /* of the field, in struct config, config_listen, config_route or config_profile */
    size_t count;    /* offset of the field with the number of values; 0: not a list */
    size_t contents; /* KEY_SECRET */
    bool required;
};
extern const struct key config_key[];
extern const size_t config_keys;
extern const char *const config_section_name[SECTIONS]; /* "" for the root */

#endif
