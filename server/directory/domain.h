/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A domain as the directory holds it: whose it is, its DKIM selectors, and what is known of the records that it has to publish.
 *
 * kinds   custom   somebody's own name: may send once its records were seen (domain_may_send())
 *         managed  a name below the operator's zone: may send at once, within small limits
 *         parked   no mail comes from it, and its records say so
 */
#ifndef SERVER_DIRECTORY_DOMAIN_H
#define SERVER_DIRECTORY_DOMAIN_H

#include <stdatomic.h>

#include "../keys/keys.h"
#include "sigillo/buf.h"

/* A key pair; the same one in every copy of its domain. */
struct selector_key {
    _Atomic unsigned refs;
    uint16_t public_len, sealed_len;
    _Atomic uint64_t handle; /* in the keys process; 0: not loaded yet */
    uint8_t *bytes;          /* the public key, then the sealed one; NULL: they stand in the file */
    const struct scratch *file;
    uint64_t at;
};
#define SELECTOR_PUBLIC_MAX 1024
/* rsa: SubjectPublicKeyInfo DER; ed25519: 32 bytes.  A view of the key, or of space; empty: it cannot be read. */
sgl_view selector_key_public(const struct selector_key *k, uint8_t space[SELECTOR_PUBLIC_MAX]);

struct selector {
    char *name;
    enum keys_algorithm algorithm;
    bool active;              /* signs; one that does not is published and waits for its turn */
    struct selector_key *key; /* NULL only while it is being made */
    bool retires;             /* has signed, and stays published for what is on its way */
};

enum domain_kind { DOMAIN_CUSTOM, DOMAIN_MANAGED, DOMAIN_PARKED };
#define DOMAIN_KINDS 3

/* What is looked for in DNS, each of it one record or several. */
enum domain_part {
    PART_OWNERSHIP, /* the token */
    PART_SPF,
    PART_DKIM,  /* of the selectors that sign */
    PART_DKIM2, /* of those that wait */
    PART_DMARC,
    PART_RETURN_PATH,
    PART_MTA_STS,
    PART_TLS_RPT,
    PART_NULL_MX, /* of a parked domain */
    DOMAIN_PARTS
};
/*
 *   not started -> in progress <-> failed -> verified -> failed
 *
 * in progress: nothing of it is there yet.  failed: something else is there, or it was verified and is gone.
 */
enum domain_state { DOMAIN_NOT_STARTED, DOMAIN_IN_PROGRESS, DOMAIN_VERIFIED, DOMAIN_FAILED };
#define DOMAIN_STATES 4

/*
 * The DKIM keys of a domain are replaced, step by step:
 *
 *   none -> publish -> settle -> keep -> revoke -> none
 *
 * publish: the keys that wait are made, and must be seen at all name servers of the zone.  settle: until what was known of their names before is forgotten.  keep: they sign, the old
 * ones stay published.  revoke: the old ones must be seen to be revoked; then the next ones are made.
 */
enum rotation_step {
    ROTATION_NONE,
    ROTATION_PUBLISH,
    ROTATION_SETTLE,
    ROTATION_KEEP,
    ROTATION_REVOKE
};
#define ROTATION_STEPS 5
const char *rotation_step_name(enum rotation_step step); /* "publish" */

struct domain_rotation {
    enum rotation_step step;
    int64_t since_s; /* of this step */
    int64_t until_s; /* settle, keep: it ends then */
    int64_t last_s;  /* the last one ended; 0: there was none */
};

/* What is done with mail to it that DMARC fails; preset: as the configuration says. */
enum domain_incoming {
    DOMAIN_INCOMING_PRESET,
    DOMAIN_INCOMING_FOLLOW,
    DOMAIN_INCOMING_QUARANTINE,
    DOMAIN_INCOMING_MARK
};
#define DOMAIN_INCOMINGS 4
const char *domain_incoming_name(enum domain_incoming incoming); /* "default", "follow" */
bool domain_incoming_parse(sgl_view name, enum domain_incoming *out);

struct domain_status {
    enum domain_state state;
    int64_t since_s;       /* of this state; 0: not started */
    int64_t verified_at_s; /* the first time; 0: never */
    int64_t
        lost_at_s; /* it was verified, and since then it was not; 0: it is there, or never was */
    char *found, *expected, *why; /* printable; NULL: nothing to say */
};

struct domain {
    _Atomic unsigned refs;
    char *name; /* A-label, lower case */
    char *subscription;
    enum domain_kind kind;
    char *
        token; /* proves the ownership when it stands in DNS; "" only before the first check of a domain from an older store */
    char *return_path; /* label of the subdomain for MAIL FROM; "": none */
    char *sts_policy;  /* of MTA-STS, as it is served; "": none */
    char *
        hosts; /* that take its mail, as the last check saw them: domain_hosts_next(); "": none, or nobody looked yet */
    int64_t
        sts_until_s; /* former policies of other modes than none may be remembered somewhere until then; 0: there were none */
    struct selector *selector;
    size_t selectors;
    void *pack; /* where the texts and the selectors above stand; NULL: each by itself */
    struct domain_status status[DOMAIN_PARTS];
    struct domain_rotation rotation;
    bool tls_verified; /* its mail goes only to servers that prove who they are */
    enum domain_incoming incoming;
    bool
        bounces_plain; /* its return path stays what the sender said, also where one for each recipient could be made */
    int64_t created_at;
    int64_t
        default_at; /* milliseconds, when somebody called it the default of its subscription; 0: nobody does */
    uint64_t version;
    /* Of the last check, also when it changed nothing; kept in memory, and in the store whenever something changes. */
    _Atomic int64_t checked_at_s;
    _Atomic int64_t unknown_since_s; /* DNS has given no answer since then; 0: it did */
};

const char *domain_kind_name(enum domain_kind kind);    /* "custom" */
const char *domain_part_name(enum domain_part part);    /* "spf", "return_path" */
const char *domain_part_title(enum domain_part part);   /* "SPF", "Return path" */
const char *domain_state_name(enum domain_state state); /* "in_progress" */
bool domain_kind_parse(const char *name, enum domain_kind *out);

/* A reference more. */
struct domain *domain_ref(struct domain *domain);
void domain_unref(struct domain *domain); /* NULL accepted */

/* ---- may it send?  (domain_gate.c) ---- */

struct domain_rules {
    bool required;   /* custom domains must be verified */
    int64_t grace_s; /* what was verified and is lost counts so much longer */
};
enum domain_verdict {
    DOMAIN_MAY_SEND,
    DOMAIN_UNVERIFIED, /* something was never verified */
    DOMAIN_LOST, /* something was verified, and has been gone for longer than the grace period */
    DOMAIN_IS_PARKED
};
/* A pure look at the snapshot. `missing` gets the parts at fault, a bit each (1 << enum domain_part). */
enum domain_verdict domain_may_send(const struct domain *domain, const struct domain_rules *rules,
                                    int64_t now_s, unsigned *missing);
/* Must this part be verified before the domain may send? */
bool domain_part_required(enum domain_part part);
/* "Domain, SPF and DKIM". */
void domain_parts_text(unsigned parts, char *out, size_t size);

/* ---- MTA-STS  (domain_sts.c) ---- */

#define DOMAIN_STS_ID_SIZE 33
/* Of the policy that is served: another text has another one  [RFC 8461 s3.1]; "": there is none. */
void domain_sts_id(const struct domain *domain, char out[DOMAIN_STS_ID_SIZE]);

/* ---- who takes its mail  (domain_hosts.c) ---- */

/* The TLSA records of a host. */
enum domain_tlsa {
    DOMAIN_TLSA_UNKNOWN, /* DNS gave no answer */
    DOMAIN_TLSA_PUBLISHED,
    DOMAIN_TLSA_MISSING, /* its zone is signed, and there are none */
    DOMAIN_TLSA_UNSIGNED, /* they would prove nothing: its addresses or the MX records are not signed */
    DOMAIN_TLSA_UNUSABLE /* there are some, and none of a kind that counts for mail */
};
#define DOMAIN_TLSAS     5
#define DOMAIN_HOSTS_MAX 2000 /* bytes of all */
struct domain_host {
    sgl_view name; /* A-labels, lower case */
    enum domain_tlsa tlsa;
};
const char *domain_tlsa_name(enum domain_tlsa tlsa); /* "published" */
/* The first of the hosts in `rest`, which becomes what is behind it; false: there is none. */
bool domain_hosts_next(sgl_view *rest, struct domain_host *out);
void domain_hosts_put(struct sgl_buf *to, const struct domain_host *host);

/* ---- changes: struct directory_change's own member ---- */

enum rotation_verb {
    ROTATE_NOT,
    ROTATE_BEGIN,  /* none -> publish; keys that are missing are made */
    ROTATE_SETTLE, /* publish -> settle */
    ROTATE_SWITCH, /* settle -> keep */
    ROTATE_REVOKE, /* keep -> revoke */
    ROTATE_FINISH, /* revoke -> none; the next keys are made */
    ROTATE_CANCEL  /* back to none; what has signed before signs again */
};

struct domain_change {
    /* added */
    enum domain_kind kind;
    sgl_view
        managed_zone; /* the operator's; empty: he has none. A managed domain's name is one label below it, and nobody adds a custom one there */
    size_t
        name_max; /* names can be no longer, so that those of their records fit; 0: as long as any */
    bool (*kept)(const void *ctx,
                 sgl_view name); /* true: only an operator adds this one. NULL: none is kept */
    const void *kept_ctx;
    int64_t
        claim_expires_s; /* who has verified nothing for so long must make room for another subscription; 0: never */

    /* changed; what is not given stays */
    bool set_kind;
    bool set_default;   /* added, changed: */
    int64_t default_at; /* that; 0: it is not */
    bool set_tls;
    bool tls_verified; /* added, changed */
    bool set_bounces;
    bool bounces_plain; /* changed */
    bool set_incoming;
    enum domain_incoming incoming;      /* the same */
    sgl_view return_path;               /* added, changed: ptr NULL: as it was, or none */
    sgl_view sts_policy;                /* ptr NULL: as it was; empty: none is served any more */
    bool sts_forget;                    /* that, also while somebody may remember one */
    const struct domain_status *status; /* DOMAIN_PARTS of them: all of it anew, strings copied */
    int64_t checked_at_s;               /* with status */
    sgl_view hosts;                     /* with status; ptr NULL: as they were */
    enum rotation_verb rotate;
    int64_t rotate_until_s; /* settle, keep */
    bool reuse_names; /* finish: the next keys take the names of the old ones, which are aliases */
};

#endif
