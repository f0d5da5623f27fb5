/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of the milter as it stands in its file (man sigillo-milter). Nothing that it names is opened here. */
#ifndef MILTER_SETTINGS_H
#define MILTER_SETTINGS_H

#include "../server/config/config_value.h"
#include "sigillo/arena.h"

struct milter_settings {
    const char *path; /* of the file */
    /* who we are */
    const char *socket; /* as Postfix names it: "inet:8891@127.0.0.1", "unix:/run/x/socket" */
    unsigned socket_mode;
    const char *socket_group; /* NULL: the user's */
    const char *user;         /* NULL: who started it */
    const char *authserv_id;
    const char **trusted_authserv; /* other names that only we may use */
    size_t trusted_authservs;
    bool signs, verifies;
    /* whose keys; tables are names of data sets (dataset.h) */
    const char *key_table, *signing_table;
    bool multiple;
    const char **domain; /* instead of the tables: one key for these */
    size_t domains;
    const char *selector, *key_file;
    bool subdomains;
    bool require_safe_keys;
    /* whose mail */
    const char *internal_hosts, *external_ignore, *ignore_hosts, *peers;
    const char **ignore_from; /* authors' domains whose policy is not applied */
    size_t ignore_froms;
    const char **originating; /* names of daemons whose mail is ours */
    size_t originatings;
    /* what is signed, and how */
    bool header_simple, body_simple;
    const char **sign_header, **oversign;
    size_t sign_headers, oversigns;
    uint64_t signature_expire_ms; /* 0: no end */
    uint64_t min_key_bits;
    /* what is done with what arrives */
    enum { MILTER_DMARC_FOLLOW, MILTER_DMARC_QUARANTINE, MILTER_DMARC_MARK } dmarc;
    enum { MILTER_BY_HEADER, MILTER_HOLD } quarantine;
    enum { MILTER_SPF_ON, MILTER_SPF_OFF, MILTER_SPF_REJECT } spf;
    enum { MILTER_TEMPFAIL, MILTER_ACCEPT } on_error;
    const char **trusted_sealer;
    size_t trusted_sealers;
    bool seals;
    const char *seal_domain, *seal_selector, *seal_key_file;
    /* the process */
    const char **forward;
    size_t forwards;
    const char *trust_anchor, *root_hints;
    uint64_t dns_timeout_ms, drain_ms;
    const char *log_level;
    bool has_metrics;
    struct config_address metrics;
};

/*
 * Reads it from the text of the file at `path`.  Everything lives in the arena.
 * NULL: why is "FILE:LINE: KEY: what is wrong".
 */
const struct milter_settings *settings_read(const char *path, const char *text,
                                            struct sgl_arena *arena, char *why, size_t why_size);

#endif
