/* SPDX-License-Identifier: Apache-2.0 */
/* One lookup of a socketmap: "NAME KEY", where the key is a next hop as smtp_tls_policy_maps has it. */
#ifndef SERVER_TLS_POLICY_QUESTION_H
#define SERVER_TLS_POLICY_QUESTION_H

#include "sigillo/dns_name.h"

#define QUESTION_MAX 1024 /* bytes: a name of the map, a domain and a port have far less */

enum question_kind {
    QUESTION_BROKEN, /* no lookup */
    QUESTION_OTHER, /* nothing that has a policy: a relay in brackets, an address, a parent (".example.org") */
    QUESTION_DOMAIN,
};
struct question {
    enum question_kind kind;
    bool
        details; /* the map is called QUERYwithTLSRPT: all that a report tells of the policy, too */
    struct sgl_name domain;
    uint16_t port;
};
/* SGL_OK; SGL_E_NOMEM, SGL_E_LIMIT: the arena. */
enum sgl_status question_read(sgl_view text, struct sgl_arena *arena,
                              struct question *out) SGL_MUST_USE;

#endif
